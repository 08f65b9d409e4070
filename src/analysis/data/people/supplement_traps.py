"""What the supplement files hold that is easily misread: counted, and what each misreading would have given."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from analysis.data.people.products import DEFAULT, ELEMENT, GENERIC, INGREDIENTS
from analysis.data.people.supplements import (
    CATEGORY_LIMITS_MG,
    MONTH,
    UNKNOWN_COUNT,
    identical_rows,
    reported_medians,
)
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import told
from analysis.study import CYCLES

SHOWN_IDS = 20
"""Ids that are named; further ones are counted."""

OLDER = 40
"""Age in years from which misreadings are compared, that of the monofilament examination."""


def supplement_traps(tables: Frames, rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Counts of what the use files and product tables hold, by cycle.

    Parameters
    ----------
    tables : as for `analysis.data.people.harmonise.harmonise`.
    rows : `use_rows` of them.
    people : the harmonised participants made of them.

    Returns
    -------
    frame, a row a cycle and count: cycle (missing for what the product tables hold), what, unit (rows, people or
    products), n, detail (ids that DSPI has lost, by name). Numbers of fewer than 10 people are empty.
    """
    found: list[dict[str, object]] = []
    for cycle in CYCLES:
        here, interviewed = rows[rows["cycle"] == cycle], people[people["cycle"] == cycle]
        counts = {**_row_counts(here), ("identical to another", "rows"): identical_rows(tables, cycle)}
        counts |= _people_counts(here, interviewed)
        found += [
            {"cycle": cycle, "what": what, "unit": unit, "n": n, "detail": ""} for (what, unit), n in counts.items()
        ]
        lost = sorted(here.loc[here["lost"], "supplement_id"].unique())
        named = ", ".join(lost[:SHOWN_IDS]) + (f" and {len(lost) - SHOWN_IDS} more" if len(lost) > SHOWN_IDS else "")
        found.append({"cycle": cycle, "what": "id no longer in DSPI", "unit": "rows", "n": int(here["lost"].sum()),
                      "detail": named})  # fmt: skip
    names = tables[INGREDIENTS]["DSDINGR"].str.contains("magnes", case=False)
    listed = {
        "ingredient named after magnesium": names,
        "ingredient magnesium": tables[INGREDIENTS]["DSDIID"] == ELEMENT,
    }
    found += [{"what": what, "unit": "rows", "n": int(here.sum()), "detail": ""} for what, here in listed.items()]
    unread = rows[rows["in_blend"] & ~rows["with_mg"]]["supplement_id"].nunique()
    found.append({"what": "magnesium only inside a blend", "unit": "products", "n": unread, "detail": ""})
    frame = pd.DataFrame(found, columns=["cycle", "what", "unit", "n", "detail"]).astype({"cycle": "Int64"})
    n = frame["n"].where(frame["unit"] != "people", frame["n"].map(told))
    return frame.assign(n=n.astype("Int64"))


def _row_counts(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    holding = rows[rows["with_mg"]]
    counts = {
        "all but repeated": len(rows),
        "no match, refused or unknown product": rows["no_product"].sum(),
        "default product": (rows["product_type"] == DEFAULT).sum(),
        "generic product": (rows["product_type"] == GENERIC).sum(),
        "antacid": (rows["kind"] == "antacid").sum(),
        "magnesium": len(holding),
        "magnesium of a default product": (holding["product_type"] == DEFAULT).sum(),
        "magnesium of a generic product": (holding["product_type"] == GENERIC).sum(),
        "magnesium, units that cannot be compared": (holding["servings"].notna() & ~holding["comparable"]).sum(),
        "magnesium of unknown amount": rows["unknown_amount"].sum(),
        "magnesium only inside a blend": (rows["in_blend"] & ~rows["with_mg"]).sum(),
        "count a day that cannot be": rows["too_often"].sum(),
    }
    for kind in ("supplement", "antacid"):
        mine = holding[holding["kind"] == kind]
        counts[f"magnesium, {kind}"] = len(mine)
        counts[f"magnesium, {kind}, times or servings not reported"] = mine["imputed"].sum()
    found = {(what, "rows"): int(n) for what, n in counts.items()}
    return {**found, ("magnesium", "products"): holding["supplement_id"].nunique()}


def _people_counts(rows: pd.DataFrame, people: pd.DataFrame) -> dict[tuple[str, str], int]:
    holding, older = rows[rows["with_mg"]], people.index[people["age_years"] >= OLDER]
    strange = rows.loc[rows["no_product"], "SEQN"]
    counts = {
        "have a row": rows["SEQN"].nunique(),
        "have no match, a refused or unknown product": strange.nunique(),
        f"have no match, a refused or unknown product, {OLDER} or older": strange[strange.isin(older)].nunique(),
        "use not known": int((~people["supplement_use_known"]).sum()),
        "not interviewed, though they have a row": rows.loc[~rows["SEQN"].isin(people.index), "SEQN"].nunique(),
    }
    for kind in ("supplement", "antacid"):
        mine = holding.loc[holding["kind"] == kind, "SEQN"]
        counts[f"magnesium, {kind}"] = mine.nunique()
        counts[f"magnesium, {kind}, {OLDER} or older"] = mine[mine.isin(older)].nunique()
        no = people.index[people["supplement_use"] == 0]
        answered_no = rows.loc[(rows["kind"] == kind) & rows["SEQN"].isin(no), "SEQN"].nunique()
        counts[f"answered no, though they have a row of {_a(kind)}"] = answered_no
    yes = people.index[people["supplement_use"] == 1]
    without = ~yes.isin(rows.loc[rows["kind"] == "supplement", "SEQN"])
    counts["answered yes, without a row of a supplement"] = int(without.sum())
    return {(what, "people"): n for what, n in counts.items()}


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


Reading = Callable[[pd.DataFrame, pd.DataFrame], pd.Series]

READINGS: Mapping[str, tuple[str, Reading]] = {
    "as it is": ("supplement", lambda rows, full: full["mg_day"]),
    "label serving taken for one unit": (
        "supplement",
        lambda rows, full: full["mg_day"] * rows["serving_quantity"].where(rows["comparable"], 1.0),
    ),
    "not reported taken for none": ("supplement", lambda rows, full: full["mg_day"].where(~rows["imputed"], 0.0)),
    "not reported taken for daily": (
        "supplement",
        lambda rows, full: rows["mg"] * full["servings"] * rows["times"].fillna(MONTH) / MONTH,
    ),
    "everything taken for daily": ("supplement", lambda rows, full: rows["mg"] * full["servings"]),
    "units that differ: quantity taken for servings": (
        "supplement",
        lambda rows, full: rows["mg"] * full["servings"].where(rows["comparable"], rows["quantity"]) * full["times"]
        / MONTH,
    ),
    "1999-2000 as it is": ("supplement", lambda rows, full: full["mg_day"].where(rows["cycle"] == CYCLES[0])),
    "1999-2000 count taken for days": ("supplement", lambda rows, full: _count_as_days(rows, full)),
    "antacids as they are": ("antacid", lambda rows, full: full["mg_day"]),
    "antacids, salt taken for magnesium": ("antacid", lambda rows, full: full["mg_day"] * rows["salt_mg"] / rows["mg"]),
    "antacids, not reported taken for daily": (
        "antacid",
        lambda rows, full: rows["mg"] * full["servings"] * rows["times"].fillna(MONTH) / MONTH,
    ),
}  # fmt: skip
"""Ways to read the files: kind of product, and mg/day of each row by that reading."""


def misreadings(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Magnesium of its users of 40 and older under each way to read the files.

    Parameters
    ----------
    rows, people : as for `supplement_traps`.

    Returns
    -------
    frame: reading, kind, mean_mg (mg/day of users, unweighted), users, above_350 (users above the upper level); the
    numbers of fewer than 10 users are empty.
    """
    older = people.index[people["age_years"] >= OLDER]
    holding = rows[rows["with_mg"]]
    usual = reported_medians(rows).reindex(pd.MultiIndex.from_frame(holding[["cycle", "kind"]])).set_axis(holding.index)
    full = holding.assign(
        times=holding["times"].fillna(usual["times"]), servings=holding["servings"].fillna(usual["servings"])
    )
    found = []
    for reading, (kind, read) in READINGS.items():
        mine = (holding["kind"] == kind) & holding["SEQN"].isin(older)
        amount = read(holding, full)[mine].groupby(holding.loc[mine, "SEQN"]).sum(min_count=1).dropna()
        users, above = told(len(amount)), told(int((amount > CATEGORY_LIMITS_MG[1]).sum()))
        mean = float(amount.mean()) if users else np.nan
        found.append({"reading": reading, "kind": kind, "mean_mg": mean, "users": users, "above_350": above})
    return pd.DataFrame(found).astype({"users": "Int64", "above_350": "Int64"})


def _count_as_days(rows: pd.DataFrame, full: pd.DataFrame) -> pd.Series:
    count = rows["count_1999"].where(~rows["count_1999"].isin(UNKNOWN_COUNT))
    days = count.fillna(count[rows["kind"] == "supplement"].median()).where(rows["cycle"] == CYCLES[0])
    return rows["mg"] * full["servings"] * days / MONTH
