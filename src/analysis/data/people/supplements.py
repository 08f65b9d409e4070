"""Magnesium from supplements and antacids: use rows of the supplement files to one amount a day per person.

mg/day = mg of a label serving x servings taken at a time x times in 30 days / 30, summed over a person's rows.
Codes are those of https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/1999/DataFiles/DSQFILE2.htm, and DSQ2_B.htm and
DSQ2_C.htm of the later cycles. Answers about food are of one day, those about supplements of 30.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.data.people.coding import CodingError, Source, same
from analysis.data.people.products import (
    COUNT,
    DEFAULT,
    GENERIC,
    MASS,
    PRODUCT_UNITS,
    PRODUCTS,
    REGULAR,
    VOLUME,
    Size,
    product_magnesium,
    sizes,
)
from analysis.stats.arrays import Frames
from analysis.study import CATEGORIES, CYCLES

USE = Source(
    ("DSQFILE2", "DSQ2_B", "DSQ2_C"),
    {
        **same("DSDSUPID", "DSDANTA"),
        "DSD100Q": ("DSD100Q", None, None),
        "DSD100U": ("DSD100U", None, None),
        "DSD103": (None, "DSD103", "DSD103"),
        "DSD122Q": ("DSD120Q", "DSD122Q", "DSD122Q"),
        "DSD122U": ("DSD120U", "DSD122U", "DSD122U"),
    },
)
"""The products that people used, several rows a person."""

IDENTITY = ["DSDSUPP", "DSD070", "DSDMTCH", "DSD090"]
"""The other columns of the same tables: only rows that agree in these too are one and the same."""

ANSWER = Source(("DSQFILE1", "DSQ1_B", "DSQ1_C"), same("DSD010"))
"""Whether they used any, one row a person."""

NO_PRODUCT = ("6666", "7777777777", "9999999999")
"""Beginnings of DSDSUPID that stand for no product: no match, refused, unknown."""

USER_UNITS: Mapping[int, Size | None] = {
    **dict.fromkeys((1, 6, 13, 17, 20, 30), (COUNT, 1.0)),
    4: (VOLUME, 29.5735), 27: (VOLUME, 29.5735), 7: (VOLUME, 1.0), 22: (VOLUME, 1.0), 11: (VOLUME, 14.7868),
    12: (VOLUME, 4.92892), 18: (VOLUME, 236.588),
    16: (MASS, 1.0), 14: (MASS, 28.3495),
    **dict.fromkeys((8, 9, 28), ("packet", 1.0)), 2: ("dropper", 1.0), 3: ("drop", 1.0), 21: ("scoop", 1.0),
    23: ("capful", 1.0), 19: ("spray", 1.0), 15: ("can", 1.0),
    5: None, 10: None, 24: None, 25: None, 26: None, 29: None, 77: None, 99: None,
}  # fmt: skip
"""DSD120U and DSD122U to what is counted and how much of it one unit is; None cannot be compared with a serving."""

UNITS_IN: Mapping[int, frozenset[int]] = {
    1999: frozenset({*range(1, 27), 77, 99}),
    2001: frozenset({1, 2, 3, 5, 6, 7, *range(10, 14), *range(15, 31), 77, 99}),
    2003: frozenset({1, 2, 3, 5, 6, 7, *range(10, 14), *range(15, 31), 77, 99}),
}
"""Units that each cycle's codebook has: packages and packets were told apart in 1999-2000."""

UNKNOWN_UNITS = (77, 99)
UNKNOWN_QUANTITY: Mapping[int, tuple[int, int]] = {1999: (7777, 9999), 2001: (777777, 999999), 2003: (777777, 999999)}
UNKNOWN_COUNT = (77777, 99999)
UNKNOWN_DAYS = (7777, 9999)
TIMES_A_MONTH: Mapping[int, float] = {1: 30.0, 2: 30.0 / 7.0, 3: 1.0, 7: np.nan, 9: np.nan}
"""DSD100U, a count per day, week or month, to times in 30 days."""

MOST_TIMES_A_DAY = 12
"""A larger count a day is taken for one that was keyed in wrongly."""

MONTH = 30.0
CATEGORY_LIMITS_MG = (100.0, 350.0)
"""Bounds of the categories of supplemental magnesium, mg/day; the upper one is the tolerable upper intake level."""

KINDS: Mapping[int, str] = {0: "supplement", 1: "antacid", 2: "antacid"}
"""DSDANTA: an antacid reported with the supplements or with the medicines is an antacid."""


def use_rows(tables: Frames) -> pd.DataFrame:
    """Every product use of all cycles, with what it holds and how it was taken.

    Two identical rows are one; a person may have two rows of one product that differ.

    Parameters
    ----------
    tables : with the tables of `USE`, indexed by SEQN, and the product tables.

    Returns
    -------
    frame, a row per use in no particular order: SEQN, cycle, supplement_id, kind (supplement, antacid), no_product
    (no match, refused, unknown), lost (an id that DSPI should have and has not), the columns of `product_magnesium`,
    quantity (in units), times (in 30 days) and servings, each missing where not reported; comparable (units of both
    count the same thing), too_often (a count a day that cannot be), with_mg (a known amount); imputed (times or
    servings were not reported), and mg_day, in which the median of the reported stands for what is missing.

    Raises
    ------
    CodingError : a code or unit that its codebook does not have.
    """
    rows = pd.concat([_cycle_rows(tables, position) for position in range(len(CYCLES))], ignore_index=True)
    products = product_magnesium(tables)
    rows = rows.assign(**products.reindex(rows["supplement_id"]).set_axis(rows.index))
    found = rows["supplement_id"].isin(products.index)
    rows["no_product"] = rows["supplement_id"].str.startswith(NO_PRODUCT)
    rows["lost"] = ~found & ~rows["no_product"]
    for flag in ("element", "unknown_amount", "in_blend"):
        rows[flag] = rows[flag].eq(True)
    _check(rows.loc[found, "product_type"], PRODUCTS, "DSDPRDT", (REGULAR, GENERIC, DEFAULT))
    _check(rows.loc[found, "serving_unit"], PRODUCTS, "DSDSERVU", PRODUCT_UNITS)
    rows["with_mg"] = rows["mg"].notna()
    rows["comparable"], rows["servings"] = _servings(rows)
    return _with_amounts(rows)


def identical_rows(tables: Frames, cycle: int) -> int:
    """How many use rows of a cycle repeat another in everything that is read."""
    position = CYCLES.index(cycle)
    read = [raw[position] for raw in USE.columns.values() if raw[position] is not None]
    return int(tables[str(USE.tables[position])].reset_index()[["SEQN", *read, *IDENTITY]].duplicated().sum())


def supplement_columns(rows: pd.DataFrame, raw: pd.DataFrame) -> dict[str, pd.Series]:
    """Harmonised columns of supplemental and antacid magnesium.

    Parameters
    ----------
    rows : of `use_rows`.
    raw : joined raw tables of everyone interviewed, indexed by SEQN, with DSD010, already held to its codebook, and
        magnesium_mg (food).

    Returns
    -------
    Column name to series on the index of ``raw``: amounts in mg/day and 1.0, 0.0 or missing for use. Who has no row is
    0 where a yes or no was answered, and missing where not.
    """
    answered = raw["DSD010"].isin([1, 2])
    known = answered | raw.index.isin(rows["SEQN"])
    supplement, antacid = (_amount(rows[rows["kind"] == kind], known) for kind in ("supplement", "antacid"))
    holding = rows[rows["with_mg"]]
    imputed = pd.Series(raw.index.isin(holding.loc[holding["imputed"], "SEQN"]), raw.index)
    uses = {kind: pd.Series(raw.index.isin(holding.loc[holding["kind"] == kind, "SEQN"]), raw.index)
            for kind in ("supplement", "antacid")}  # fmt: skip
    any_antacid = pd.Series(raw.index.isin(rows.loc[rows["kind"] == "antacid", "SEQN"]), raw.index)
    food = raw["magnesium_mg"]
    return {
        "supplement_use_known": known,
        "supplement_use": (raw["DSD010"] == 1).astype(float).where(answered),
        "antacid_use": any_antacid.astype(float),
        "magnesium_supplement_mg": supplement,
        "magnesium_antacid_mg": antacid,
        "magnesium_supplement_use": uses["supplement"].astype(float).where(known),
        "magnesium_antacid_use": uses["antacid"].astype(float).where(known),
        "magnesium_supplement_level": _level(supplement),
        "magnesium_use_imputed": imputed.astype(float).where(known),
        "magnesium_food_supplement_mg": food + supplement,
        "magnesium_total_mg": food + supplement + antacid,
    }


def _amount(rows: pd.DataFrame, known: pd.Series) -> pd.Series:
    """mg/day of each person; missing where a product holds magnesium and nobody reported how it is taken."""
    holding = rows[rows["with_mg"]]
    amount = holding.groupby("SEQN")["mg_day"].sum().reindex(known.index).fillna(0.0)
    return amount.where(known & ~known.index.isin(holding.loc[holding["mg_day"].isna(), "SEQN"]))


def _level(mg: pd.Series) -> pd.Series:
    """Categories of supplemental magnesium: none, up to 100, up to 350, above."""
    low, high = CATEGORY_LIMITS_MG
    names = CATEGORIES["magnesium_supplement_level"]
    place = (mg > 0).astype(int) + (mg > low) + (mg > high)
    return pd.Series(pd.Categorical.from_codes(place.where(mg.notna(), -1), list(names)), mg.index)


def _cycle_rows(tables: Frames, position: int) -> pd.DataFrame:
    """Use rows of one cycle under common names, each answer held to its codebook."""
    cycle, name = CYCLES[position], str(USE.tables[position])
    rename = {raw[position]: common for common, raw in USE.columns.items() if raw[position] is not None}
    raw = tables[name].reset_index()
    raw = raw[["SEQN", *rename, *IDENTITY]].drop_duplicates(ignore_index=True).rename(columns=rename)
    unit_name = str(USE.columns["DSD122U"][position])
    _check(raw["DSDANTA"], name, "DSDANTA", KINDS)
    _check(raw["DSD122U"], name, unit_name, UNITS_IN[cycle])
    times, too_often = _times(raw, name, cycle)
    return pd.DataFrame(
        {
            "SEQN": raw["SEQN"],
            "cycle": cycle,
            "supplement_id": raw["DSDSUPID"].str.strip(),
            "kind": raw["DSDANTA"].map(KINDS),
            "unit": raw["DSD122U"].where(~raw["DSD122U"].isin(UNKNOWN_UNITS)),
            "quantity": raw["DSD122Q"].where(~raw["DSD122Q"].isin(UNKNOWN_QUANTITY[cycle])),
            "times": times,
            "count_1999": raw["DSD100Q"] if cycle == CYCLES[0] else np.nan,
            "too_often": too_often,
        }
    )


def _times(raw: pd.DataFrame, table: str, cycle: int) -> tuple[pd.Series, pd.Series]:
    """Times in 30 days and whether the answer was one that cannot be.

    1999-2000 recorded a count and its unit, later cycles the number of days.
    """
    if cycle != CYCLES[0]:
        return raw["DSD103"].where(~raw["DSD103"].isin(UNKNOWN_DAYS)), pd.Series(False, raw.index)
    _check(raw["DSD100U"], table, "DSD100U", TIMES_A_MONTH)
    count = raw["DSD100Q"].where(~raw["DSD100Q"].isin(UNKNOWN_COUNT))
    too_often = (raw["DSD100U"] == 1) & (count > MOST_TIMES_A_DAY)
    return (count * raw["DSD100U"].map(TIMES_A_MONTH)).where(~too_often), too_often


def _servings(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Whether the units of user and label can be compared, and label servings taken at a time.

    What cannot be compared counts as one serving.
    """
    user, label = sizes(rows["unit"], USER_UNITS), sizes(rows["serving_unit"], PRODUCT_UNITS)
    comparable = user["what"].notna() & (user["what"] == label["what"])
    ratio = rows["quantity"] * user["size"] / (rows["serving_quantity"] * label["size"])
    reported = rows["quantity"].notna() & rows["unit"].notna()
    return comparable, ratio.where(comparable, 1.0).where(reported)


def _with_amounts(rows: pd.DataFrame) -> pd.DataFrame:
    """Add mg_day; what was not reported is the median of the magnesium rows of the same cycle and kind."""
    medians = reported_medians(rows)
    usual = medians.reindex(pd.MultiIndex.from_frame(rows[["cycle", "kind"]])).set_axis(rows.index)
    imputed = rows["times"].isna() | rows["servings"].isna()
    servings, times = rows["servings"].fillna(usual["servings"]), rows["times"].fillna(usual["times"])
    return rows.assign(imputed=imputed, mg_day=rows["mg"] * servings * times / MONTH)


def reported_medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Median times in 30 days and servings at a time of magnesium rows, as reported, by cycle and kind."""
    return rows[rows["with_mg"]].groupby(["cycle", "kind"])[["times", "servings"]].median()


def _check(values: pd.Series, table: str, variable: str, codes: object) -> None:
    """Refuse a code that the codebook lacks; a missing value is none."""
    known = sorted(codes)  # type: ignore[call-overload]
    wrong = values[values.notna() & ~values.isin(known)]
    if len(wrong):
        value = wrong.iloc[0]
        raise CodingError(
            f"{variable}={value:g} in {table} ({int((wrong == value).sum())} rows): expected one of "
            f"{', '.join(map(str, known))}, see the codebook {table}.htm."
        )
