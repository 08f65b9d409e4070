"""Raw codes of supplements and antacids in, magnesium in mg a day out: invented people whose sums are done by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.coding import CodingError
from analysis.data.people.harmonise import harmonise
from analysis.data.people.supplements import USE, use_rows
from analysis.study import CYCLES
from tests.people import NAN, product_tables, raw_tables

HAND = 1e-12
"""Relative tolerance of sums done by hand: the same doubles, multiplied in another order."""

HYDROXIDE, CARBONATE, TRISILICATE = 24.305 / 58.3197, 24.305 / 84.3139, 48.610 / 260.862

MAGNESIUM = (231, "MAGNESIUM")
PRODUCTS = {
    "tablet": (1, 1.0, 18, ((*MAGNESIUM, 100.0, 1), (13, "VITAMIN C", 60.0, 1))),
    "two": (1, 2.0, 2, ((*MAGNESIUM, 400.0, 1), (1524, "MAGNESIUM STEARATE", 9.0, 1))),
    "packet": (1, 1.0, 12, ((*MAGNESIUM, 60.0, 1),)),
    "syrup": (1, 1.0, 17, ((*MAGNESIUM, 120.0, 1),)),
    "powder": (1, 5.0, 33, ((*MAGNESIUM, 250.0, 1),)),
    "drink": (1, 2.0, 5, ((*MAGNESIUM, 500.0, 14),)),
    "default": (3, 1.0, 18, ((*MAGNESIUM, 50.0, 1),)),
    "generic": (2, 1.0, 18, ((*MAGNESIUM, 40.0, 1),)),
    "antacid": (1, 2.0, 18, ((544, "MAGNESIUM HYDROXIDE", 400.0, 1),)),
    "mixed": (1, 1.0, 20, ((556, "MAGNESIUM CARBONATE", 200.0, 1), (2054, "MAGNESIUM TRISILICATE", 100.0, 1))),
    "secret": (1, 1.0, 18, ((*MAGNESIUM, 0.0, 21),)),
    "blend": (1, 1.0, 18, ((9001, "GREEN BLEND", 900.0, 1),)),
    "stearate": (1, 1.0, 18, ((1524, "MAGNESIUM STEARATE", 30.0, 1),)),
    "ip6": (1, 1.0, 18, ((2890, "CALCIUM-MAGNESIUM INOSITOL HEXAPHOSPHATE (IP6)", 500.0, 1),)),
}
IDS = {name: f"10000{place:03d}00" for place, name in enumerate(PRODUCTS, start=1)}

# What one person took: product, times in 30 days, quantity, unit (1999-2000, later), antacid code, mg/day by hand.
LATER_PEOPLE: tuple[tuple[str, float, float, int, int, float], ...] = (
    ("tablet", 30, 2, 1, 0, 200.0),
    ("tablet", 15, 1, 1, 0, 50.0),
    ("tablet", 0, 1, 1, 0, 0.0),  # none in these 30 days is none
    ("two", 30, 1, 1, 0, 200.0),  # half a serving
    ("packet", 30, 2, 28, 0, 120.0),
    ("syrup", 30, 3, 12, 0, 120.0 * 3 * 4.92892 / 14.7868),
    ("syrup", 30, 10, 7, 0, 120.0 * 10 / 14.7868),
    ("powder", 30, 10, 16, 0, 500.0),
    ("powder", 30, 3, 21, 0, 250.0),  # scoops of grams: one serving
    ("drink", 30, 2, 27, 0, 500.0 * 2 * 29.5735 / 1000),
    ("default", 30, 1, 1, 0, 50.0),
    ("generic", 30, 1, 1, 0, 40.0),
    ("antacid", 15, 4, 1, 2, 400.0 * HYDROXIDE * 2 / 2),
    ("mixed", 30, 1, 20, 1, 200.0 * CARBONATE + 100.0 * TRISILICATE),
    ("secret", 30, 1, 1, 0, 0.0),
    ("blend", 30, 1, 1, 0, 0.0),
    ("stearate", 30, 1, 1, 0, 0.0),
    ("ip6", 30, 1, 1, 0, 0.0),
)
UNITS_1999 = {28: 9, 27: 4}  # packets and ounces had other codes


def catalogue() -> dict[str, pd.DataFrame]:
    """The product tables of these people."""
    listed = [(IDS[name], *product) for name, product in PRODUCTS.items()]
    return product_tables(listed, blends=[(9001, "MAGNESIUM CITRATE"), (9001, "SPINACH")])


def uses(cycle: int, *rows: dict[str, object]) -> dict[str, pd.DataFrame]:
    """Raw tables of one cycle with these use rows, ``SEQN`` from 1 unless given, everybody interviewed."""
    table = str(USE.tables[CYCLES.index(cycle)])
    numbered = [{"cycle": cycle, "SEQN": number, **row} for number, row in enumerate(rows, start=1)]
    people = list({row["SEQN"]: row for row in numbered}.values())
    return {**raw_tables(people), table: raw_tables(numbered)[table], **catalogue()}


def taken(cycle: int, product: str, times: float, quantity: float, unit: int, antacid: int) -> dict[str, object]:
    """One use row in the words of its cycle."""
    row: dict[str, object] = {"DSDSUPID": IDS[product], "DSDANTA": antacid}
    if cycle == 1999:
        per = (1, times / 30) if times in (0, 30, 60) else (3, times)
        return {**row, "DSD100U": per[0], "DSD100Q": per[1], "DSD120Q": quantity, "DSD120U": UNITS_1999.get(unit, unit)}
    return {**row, "DSD103": times, "DSD122Q": quantity, "DSD122U": unit}


def amounts(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    columns = ["magnesium_supplement_mg", "magnesium_antacid_mg", "magnesium_food_supplement_mg", "magnesium_total_mg"]
    return harmonise(tables)[columns]


@pytest.mark.reference
@pytest.mark.parametrize("cycle", CYCLES)
def test_magnesium_of_every_kind_of_product_by_hand(cycle: int) -> None:
    found = amounts(uses(cycle, *(taken(cycle, *row[:5]) for row in LATER_PEOPLE)))
    antacid = np.array([row[4] > 0 for row in LATER_PEOPLE])
    expected = np.array([row[5] for row in LATER_PEOPLE])
    np.testing.assert_allclose(found["magnesium_supplement_mg"], np.where(antacid, 0.0, expected), rtol=HAND)
    np.testing.assert_allclose(found["magnesium_antacid_mg"], np.where(antacid, expected, 0.0), rtol=HAND)
    np.testing.assert_allclose(found["magnesium_food_supplement_mg"], 100 + np.where(antacid, 0, expected), rtol=HAND)
    np.testing.assert_allclose(found["magnesium_total_mg"], 100 + expected, rtol=HAND)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("count", "unit", "times"),
    [(2, 1, 60), (3, 2, 90 / 7), (5, 3, 5), (12, 1, 360), (0, 1, 0), (13, 1, NAN), (77777, 1, NAN), (99999, 9, NAN)],
)
def test_1999_2000_counts_are_per_day_week_or_month(count: float, unit: int, times: float) -> None:
    (row,) = use_rows(uses(1999, {"DSDSUPID": IDS["tablet"], "DSD100Q": count, "DSD100U": unit})).to_dict("records")
    np.testing.assert_allclose(row["times"], times, rtol=HAND)
    assert row["too_often"] == (count == 13)


@pytest.mark.reference
@pytest.mark.parametrize(("cycle", "unknown"), [(1999, 9999), (1999, 7777), (2001, 777777), (2003, 999999)])
def test_what_was_not_reported_is_the_median_of_the_reported_magnesium_rows_of_cycle_and_kind(
    cycle: int, unknown: float
) -> None:
    quantity = "DSD120Q" if cycle == 1999 else "DSD122Q"
    reported = [taken(cycle, "tablet", times, servings, 1, 0) for times, servings in ((3, 1), (5, 2), (29, 3))]
    others = [taken(cycle, "blend", 1, 9, 1, 0), taken(cycle, "antacid", 1, 1, 1, 2)]  # no magnesium; another kind
    asked = [{**taken(cycle, "tablet", 10, 1, 1, 0), quantity: unknown}]
    asked += [{**asked[0], quantity: 1, quantity.replace("Q", "U"): 99}]
    never = {"DSD100Q": NAN, "DSD100U": NAN} if cycle == 1999 else {"DSD103": NAN}
    asked += [{**taken(cycle, "tablet", 10, 2, 1, 0), **never}]
    tables = uses(cycle, *reported, *others, *asked)
    found = harmonise(tables).tail(3)
    # Median servings of (1, 2, 2, 3) are 2, median times of (3, 5, 10, 10, 29) are 10.
    np.testing.assert_allclose(found["magnesium_supplement_mg"], [100 * 2 * 10 / 30] * 3, rtol=HAND)
    assert found["magnesium_use_imputed"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.reference
@pytest.mark.parametrize("cycle", CYCLES)
def test_identical_rows_count_once_and_rows_that_differ_in_anything_twice(cycle: int) -> None:
    once = {**taken(cycle, "tablet", 30, 1, 1, 0), "SEQN": 1}
    twin = {**once, "SEQN": 2}
    rows = [once, once, twin, {**twin, "DSD090": 30}]
    assert amounts(uses(cycle, *rows))["magnesium_supplement_mg"].tolist() == [100.0, 200.0]


@pytest.mark.reference
@pytest.mark.parametrize("answer", [7, 9, NAN])
def test_who_neither_answered_nor_has_a_row_is_unknown_and_who_has_a_row_is_known(answer: float) -> None:
    tables = uses(2003, {"DSDSUPID": IDS["tablet"], "DSD010": answer}, {"DSD010": answer}, {"DSD010": 2})
    tables["DSQ2_C"] = tables["DSQ2_C"].loc[[1]]
    found = harmonise(tables)
    assert found["supplement_use_known"].tolist() == [True, False, True]
    np.testing.assert_array_equal(found["magnesium_total_mg"], [200.0, NAN, 100.0])
    np.testing.assert_array_equal(found["supplement_use"], [NAN, NAN, 0.0])
    np.testing.assert_array_equal(found["antacid_use"], [0.0, 0.0, 0.0])


@pytest.mark.reference
def test_ids_without_a_product_hold_nothing_and_an_id_that_products_lack_is_marked() -> None:
    ids = ["6666000100", "7777777777", "9999999999", "1000099900", IDS["tablet"]]
    rows = use_rows(uses(2001, *({"DSDSUPID": one} for one in ids)))
    assert rows["no_product"].tolist() == [True, True, True, False, False]
    assert rows["lost"].tolist() == [False, False, False, True, False]
    assert rows["with_mg"].tolist() == [False, False, False, False, True]


@pytest.mark.reference
def test_levels_have_the_upper_limit_inside() -> None:
    times = [0, 30, 30, 30, 30]
    servings = [1, 1, 1.01, 3.5, 3.51]
    found = harmonise(uses(2003, *(taken(2003, "tablet", t, s, 1, 0) for t, s in zip(times, servings, strict=True))))
    assert found["magnesium_supplement_level"].tolist() == ["none", "up_to_100", "up_to_350", "up_to_350", "above_350"]


UNDEFINED = [
    ("DSQFILE2", 1999, "DSD120U", 27),
    ("DSQ2_B", 2001, "DSD122U", 4),
    ("DSQ2_C", 2003, "DSD122U", 31),
    ("DSQFILE2", 1999, "DSD100U", 4),
    ("DSQ2_C", 2003, "DSDANTA", 3),
    ("DSQ1_B", 2001, "DSD010", 3),
]


@pytest.mark.parametrize(("table", "cycle", "variable", "code"), UNDEFINED)
def test_a_code_the_codebook_lacks_is_refused_by_table_and_column(
    table: str, cycle: int, variable: str, code: float
) -> None:
    with pytest.raises(CodingError, match=rf"^{variable}={code} in {table} \(1 .*codebook {table}\.htm"):
        harmonise(uses(cycle, {"DSDSUPID": IDS["tablet"], variable: code}))


@pytest.mark.parametrize(
    ("table", "variable", "code"), [("DSPI", "DSDSERVU", 44), ("DSPI", "DSDPRDT", 4), ("DSII", "DSDUNIT", 5)]
)
def test_a_unit_or_type_of_a_product_in_use_that_is_not_known_is_refused(
    table: str, variable: str, code: float
) -> None:
    tables = uses(2003, {"DSDSUPID": IDS["tablet"]})
    changed = tables[table].copy()
    changed.loc[0, variable] = float(code)
    with pytest.raises(CodingError, match=rf"^{variable}={code} in {table} "):
        harmonise({**tables, table: changed})


def test_two_products_of_one_id_are_refused() -> None:
    tables = uses(2003, {"DSDSUPID": IDS["tablet"]})
    tables["DSPI"] = pd.concat([tables["DSPI"], tables["DSPI"].iloc[:1]])
    with pytest.raises(CodingError, match="DSDSUPID=1000000100 in DSPI names two products"):
        harmonise(tables)


def test_products_of_later_cycles_without_an_old_id_are_no_match_for_a_blank() -> None:
    tables = uses(2003, {"DSDSUPID": IDS["tablet"]})
    blank = tables["DSPI"].iloc[:2].assign(DSDSUPID="", DSDPID=[801.0, 802.0])
    before = amounts(tables)
    pd.testing.assert_frame_equal(amounts({**tables, "DSPI": pd.concat([tables["DSPI"], blank])}), before)
