"""Names of the nutrients: which raw column each cycle calls by which harmonised name, in words and in units."""

import csv

import pytest

from analysis.data.people.harmonise import harmonise
from analysis.data.people.vocabulary import (
    _MEASURED,
    NUTRIENT_COLUMNS,
    exposure_label,
    exposure_origin,
    exposure_unit,
)
from analysis.data.source.registry import COMMITTED
from tests.people import NUTRIENTS, raw_tables

TABLES = ("DRXTOT", "DRXTOT_B", "DR1TOT_C")


@pytest.fixture(scope="module")
def columns_of_the_files() -> dict[str, set[str]]:
    """Columns of each cycle's total-nutrient file, as the committed registry lists them."""
    found: dict[str, set[str]] = {table: set() for table in TABLES}
    with (COMMITTED / "columns.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["table"] in found:
                found[row["table"]].add(row["variable"])
    return found


def test_every_nutrient_has_the_raw_names_of_the_three_codebooks() -> None:
    assert NUTRIENT_COLUMNS == NUTRIENTS


@pytest.mark.parametrize(("position", "table"), list(enumerate(TABLES)), ids=TABLES)
def test_every_raw_name_is_a_column_of_its_cycles_file(
    columns_of_the_files: dict[str, set[str]], position: int, table: str
) -> None:
    assert {raw[position] for raw in NUTRIENT_COLUMNS.values()} <= columns_of_the_files[table]


def test_no_nutrient_that_all_three_files_name_alike_is_left_out(columns_of_the_files: dict[str, set[str]]) -> None:
    first, second, third = (
        {column.removeprefix(prefix) for column in columns_of_the_files[table] if column.startswith(prefix)}
        for table, prefix in zip(TABLES, ("DRXT", "DRXT", "DR1T"), strict=True)
    )
    named = {raw[0].removeprefix("DRXT") for raw in NUTRIENT_COLUMNS.values() if raw[0] is not None}
    assert first & second & third <= named


@pytest.mark.parametrize("position", range(3), ids=TABLES)
def test_no_two_nutrients_read_the_same_column(position: int) -> None:
    raw = [names[position] for names in NUTRIENT_COLUMNS.values()]
    assert len(set(raw)) == len(raw)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("magnesium_mg", "magnesium"),
        ("energy_kcal", "energy"),
        ("total_fat_g", "total fat"),
        ("vitamin_c_mg", "vitamin C"),
        ("vitamin_b12_ug", "vitamin B12"),
        ("lead_ug_dl", "lead"),
        ("hba1c_percent", "HbA1c"),
        ("egfr_ml_min_1_73m2", "estimated GFR"),
        ("pir", "income to poverty ratio"),
        ("abi_lowest", "lower ankle-brachial index"),
        ("ei_bmr", "ratio of recalled energy intake to basal metabolic rate (EI:BMR)"),
        ("folate_ng_ml", "serum folate"),
        ("my_score", "my score"),
        ("folate", "folate"),
        ("b12", "b12"),
        ("sfa_4_0_g", "SFA 4:0"),
        ("sfa_16_0_g", "SFA 16:0"),
        ("mfa_22_1_g", "MFA 22:1"),
        ("pfa_20_5_g", "PFA 20:5"),
    ],
)
def test_a_nutrient_is_named_in_words_without_its_unit(name: str, words: str) -> None:
    assert exposure_label(name) == words


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("magnesium_mg", "mg/day"),
        ("energy_kcal", "kcal/day"),
        ("fiber_g", "g/day"),
        ("selenium_ug", "µg/day"),
        ("sfa_16_0_g", "g/day"),
    ],
)
def test_the_unit_of_a_nutrient_is_the_end_of_its_name(name: str, unit: str) -> None:
    assert exposure_unit(name) == unit


def test_every_nutrient_can_be_written_on_an_axis() -> None:
    units = {name: exposure_unit(name) for name in NUTRIENT_COLUMNS}
    assert not {name: unit for name, unit in units.items() if unit not in ("kcal/day", "g/day", "mg/day", "µg/day")}
    assert not [name for name in NUTRIENT_COLUMNS if "_" in exposure_label(name)]


def test_every_column_that_has_words_of_its_own_is_harmonised() -> None:
    """Keyed by a slip, a column would lose its words without a sign."""
    assert set(_MEASURED) <= set(harmonise(raw_tables()))


def test_no_two_columns_have_the_same_words() -> None:
    """Folate that was eaten is not that in the serum."""
    names = [*NUTRIENT_COLUMNS, "folate_ng_ml", "b12_pg_ml", "egfr_ml_min_1_73m2", "mdrd_ml_min_1_73m2"]
    assert len({exposure_label(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("magnesium density [mg/1,000 kcal]", "magnesium density", "mg/1,000 kcal"),
        ("my_score [points]", "my score", "points"),
    ],
)
def test_a_column_of_ones_own_says_its_label_and_unit(name, label, unit):
    assert (exposure_label(name), exposure_unit(name), exposure_origin(name)) == (label, unit, "as given")
