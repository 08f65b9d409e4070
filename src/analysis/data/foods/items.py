"""Individual-foods files of the three cycles in one frame: a row per food or drink of the first recall.

The files add up to the total-nutrient files of the same people, which is asked before anything is made of them. Two
codings are refused by name: a code that the cycle's own list of food codes lacks, and a line recorded twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.data.foods.groups import FoodError
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import count_of, told

ITEM_COLUMNS = ("line", "food_code", "grams", "magnesium_mg")

SUM_TOLERANCE: Mapping[int, float] = {1999: 0.06, 2001: 0.0, 2003: 0.0}
"""By how many mg a person's items may miss the total: those of 1999-2000 were rounded to 0.01 one by one, those of the
later cycles are whole numbers."""

BINARY = 1e-6
"""mg by which a sum of decimals may miss another for being held in binary."""

SHOWN_CODES = 5


@dataclass(frozen=True, slots=True)
class FoodTable:
    """Where a cycle's items and its list of food codes lie.

    Attributes
    ----------
    cycle : first year.
    items, codes : names of the two tables.
    columns : raw names of `ITEM_COLUMNS`.
    code : raw name of the code in the list.
    """

    cycle: int
    items: str
    codes: str
    columns: tuple[str, str, str, str]
    code: str


FOOD_TABLES: tuple[FoodTable, ...] = (
    FoodTable(1999, "DRXIFF", "DRXFMT", ("DRXILINE", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"), "START"),
    FoodTable(2001, "DRXIFF_B", "DRXFMT_B", ("DRXILINE", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"), "START"),
    FoodTable(2003, "DR1IFF_C", "DRXFCD_C", ("DR1ILINE", "DR1IFDCD", "DR1IGRMS", "DR1IMAGN"), "DRXFDCD"),
)


def food_columns() -> dict[str, list[str]]:
    """Raw columns that `food_items` reads, by table."""
    items = {table.items: list(table.columns) for table in FOOD_TABLES}
    return items | {table.codes: [table.code] for table in FOOD_TABLES}


def food_items(tables: Frames) -> pd.DataFrame:
    """All recalled foods and drinks of the first day.

    Parameters
    ----------
    tables : table name to frame with the columns of `food_columns`, those of items with SEQN as index.

    Returns
    -------
    Frame indexed by SEQN (repeated), sorted by SEQN and line: cycle, line (number within the recall), food_code (USDA,
    eight digits), grams, magnesium_mg. Amounts are missing where the file has none (human milk).

    Raises
    ------
    FoodError : a code is missing or not in the cycle's list, an amount is negative, or a person has a line twice.
    """
    frame = pd.concat([_of_cycle(tables, table) for table in FOOD_TABLES])
    frame.index.name = "SEQN"
    return frame.reset_index().sort_values(["SEQN", "line"], kind="stable").set_index("SEQN")


def _of_cycle(tables: Frames, table: FoodTable) -> pd.DataFrame:
    raw = tables[table.items]
    named = raw[list(table.columns)].set_axis(list(ITEM_COLUMNS), axis="columns")
    known = tables[table.codes][table.code]
    unknown = ~named["food_code"].isin(known)
    if unknown.any():
        codes = named.loc[unknown, "food_code"].drop_duplicates()
        shown = ", ".join("missing" if pd.isna(code) else f"{code:.10g}" for code in codes.head(SHOWN_CODES))
        more = f" and {len(codes) - SHOWN_CODES} more" if len(codes) > SHOWN_CODES else ""
        raise FoodError(
            f"{table.columns[1]} in {table.items} ({int(unknown.sum()):,} rows) has codes that the cycle's list "
            f"{table.codes} lacks: {shown}{more}. Expected every code in it; fetch both tables again, and if they are "
            "the CDC's newest, tell which group the code belongs to in data/foods/groups.csv."
        )
    twice = int(pd.MultiIndex.from_arrays([raw.index, named["line"]]).duplicated().sum())
    if twice:
        raise FoodError(
            f"{table.items} has {twice:,} rows whose person and line ({table.columns[0]}) stand there before: expected "
            "one row per food. Fetch the table again."
        )
    negative = int((named[["grams", "magnesium_mg"]] < 0).any(axis="columns").sum())
    if negative:
        raise FoodError(f"{table.items} has {negative:,} rows with a negative amount: expected none. Fetch it again.")
    named.insert(0, "cycle", table.cycle)
    return named.astype({"cycle": "int16", "line": "int16", "food_code": "int32"})


def check_sums(items: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Hold the items of every reliable recall to the total of the same person.

    Parameters
    ----------
    items : of `food_items`.
    people : harmonised participants: cycle, recall_reliable, magnesium_mg.

    Returns
    -------
    A row per cycle: cycle, items (rows of any recall), people (with a reliable recall), without_items (of them; empty
    if fewer than 10), largest_difference_mg.

    Raises
    ------
    FoodError : somebody's items miss the total by more than `SUM_TOLERANCE` of the cycle, or the total is unknown.
    """
    summed = items["magnesium_mg"].groupby(level=0).sum().reindex(people.index)
    reliable = people["recall_reliable"].to_numpy(dtype=bool)
    missed = (summed.fillna(0.0) - people["magnesium_mg"]).abs().where(reliable)
    rows = []
    for cycle, tolerance in SUM_TOLERANCE.items():
        here = reliable & (people["cycle"] == cycle).to_numpy()
        wrong = int(np.sum(~(missed[here] <= tolerance + BINARY)))  # an unknown total too
        if wrong:
            raise FoodError(
                f"the foods of {count_of(wrong)} people of {cycle} do not add up to the magnesium of their "
                f"total-nutrient file (within {tolerance:g} mg): expected none. Fetch both tables again, and rebuild "
                "the participants."
            )
        rows.append({
            "cycle": cycle,
            "items": int((items["cycle"] == cycle).sum()),
            "people": int(here.sum()),
            "without_items": told(int(summed[here].isna().sum())),
            "largest_difference_mg": float(missed[here].max()),
        })  # fmt: skip
    return pd.DataFrame(rows).astype({"without_items": "Int64"})
