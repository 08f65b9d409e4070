"""Items of three cycles become one frame; codes, lines and sums that are wrong are refused."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.foods.groups import FoodError
from analysis.data.foods.items import check_sums, food_columns, food_items

NAN = float("nan")
HUMAN_MILK, MILK, SPINACH = 11000000, 11111000, 72125200
NAMES = {
    "DRXIFF": ["DRXILINE", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"],
    "DRXIFF_B": ["DRXILINE", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN"],
    "DR1IFF_C": ["DR1ILINE", "DR1IFDCD", "DR1IGRMS", "DR1IMAGN"],
}
LISTS = {"DRXFMT": "START", "DRXFMT_B": "START", "DRXFCD_C": "DRXFDCD"}
"""Raw names, from the codebooks."""


def tables(**changed: list[tuple[float, ...]]) -> dict[str, pd.DataFrame]:
    """One person a cycle, or the given rows (SEQN, line, code, grams, mg) of a table."""
    rows = {
        "DRXIFF": [(1, 2, SPINACH, 10.5, 8.25), (1, 1, MILK, 200.0, 24.5)],
        "DRXIFF_B": [(2, 1, MILK, 100.0, 12.0), (3, 1, HUMAN_MILK, NAN, NAN)],
        "DR1IFF_C": [(4, 1, SPINACH, 100.0, 79.0)],
    } | changed
    read = {}
    for name, raw in NAMES.items():
        read[name] = pd.DataFrame(rows[name], columns=["SEQN", *raw]).set_index("SEQN").astype(float)
    return read | {name: pd.DataFrame({raw: [HUMAN_MILK, MILK, SPINACH]}, dtype=float) for name, raw in LISTS.items()}


def people(**changed: list[object]) -> pd.DataFrame:
    columns = {
        "cycle": [1999, 2001, 2001, 2003, 2003],
        "recall_reliable": [True, True, False, True, True],
        "magnesium_mg": [32.75, 12.0, NAN, 79.0, 0.0],
    } | changed
    return pd.DataFrame(columns, index=pd.Index([1, 2, 3, 4, 5], name="SEQN"))


def test_raw_names_are_those_of_the_codebooks():
    assert food_columns() == NAMES | {name: [column] for name, column in LISTS.items()}


def test_items_of_three_cycles_stand_in_one_frame_sorted_by_person_and_line():
    found = food_items(tables())
    assert found.index.tolist() == [1, 1, 2, 3, 4]
    assert found["line"].tolist() == [1, 2, 1, 1, 1]
    assert found["cycle"].tolist() == [1999, 1999, 2001, 2001, 2003]
    assert found["food_code"].tolist() == [MILK, SPINACH, MILK, HUMAN_MILK, SPINACH]
    assert found["magnesium_mg"].tolist()[:3] == [24.5, 8.25, 12.0]
    assert found["grams"].isna().tolist() == [False, False, False, True, False]


def test_a_code_that_the_cycles_list_lacks_is_refused_by_name():
    with pytest.raises(FoodError, match=r"DRDIFDCD in DRXIFF_B \(2 rows\).*list DRXFMT_B lacks: 99999999"):
        food_items(tables(DRXIFF_B=[(2, 1, 99999999, 1.0, 1.0), (2, 2, 99999999, 1.0, 1.0)]))


def test_a_code_of_another_cycles_list_is_not_enough():
    read = tables()
    read["DRXFCD_C"] = read["DRXFCD_C"].iloc[:2]
    with pytest.raises(FoodError, match="DRXFCD_C lacks: 72125200"):
        food_items(read)


def test_a_missing_code_is_refused():
    with pytest.raises(FoodError, match="DRXFMT lacks: missing"):
        food_items(tables(DRXIFF=[(1, 1, NAN, 1.0, 1.0)]))


def test_many_unknown_codes_are_named_in_part():
    with pytest.raises(FoodError, match="1, 2, 3, 4, 5 and 2 more"):
        food_items(tables(DRXIFF=[(1, line, line, 1.0, 1.0) for line in range(1, 8)]))


def test_a_line_recorded_twice_is_refused():
    with pytest.raises(FoodError, match=r"DRXIFF has 1 rows whose person and line \(DRXILINE\) stand there before"):
        food_items(tables(DRXIFF=[(1, 1, MILK, 1.0, 1.0), (1, 1, MILK, 2.0, 1.0)]))


def test_a_negative_amount_is_refused():
    with pytest.raises(FoodError, match="DR1IFF_C has 1 rows with a negative amount"):
        food_items(tables(DR1IFF_C=[(4, 1, MILK, 10.0, -1.0)]))


def test_sums_are_those_of_the_totals_and_few_are_not_counted():
    sums = check_sums(food_items(tables()), people()).set_index("cycle")
    assert sums["items"].tolist() == [2, 2, 1]
    assert sums["people"].tolist() == [1, 1, 2]
    assert sums["without_items"].isna().tolist() == [False, False, True]
    assert sums["largest_difference_mg"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("miss", [0.06, -0.06])
def test_items_of_1999_may_miss_the_total_by_their_rounding(miss):
    sums = check_sums(food_items(tables()), people(magnesium_mg=[32.75 + miss, 12.0, NAN, 79.0, 0.0]))
    assert sums["largest_difference_mg"].iloc[0] == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("total", "cycle"),
    [([32.82, 12.0, NAN, 79.0, 0.0], 1999), ([32.75, 12.01, NAN, 79.0, 0.0], 2001), ([32.75, 12, NAN, 79, 1.0], 2003)],
)
def test_items_that_do_not_add_up_are_refused_and_few_people_not_counted(total, cycle):
    with pytest.raises(FoodError, match=f"the foods of fewer than 10 people of {cycle} do not add up"):
        check_sums(food_items(tables()), people(magnesium_mg=total))


def test_recalls_that_are_not_reliable_are_not_asked():
    check_sums(food_items(tables()), people(magnesium_mg=[32.75, 12.0, 500.0, 79.0, 0.0]))


def test_an_unknown_total_of_a_reliable_recall_is_refused():
    with pytest.raises(FoodError, match="of 2003"):
        check_sums(food_items(tables()), people(magnesium_mg=[32.75, 12.0, np.nan, np.nan, 0.0]))
