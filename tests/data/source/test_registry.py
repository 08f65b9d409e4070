"""The registry reads as it was written, tells a good file from another, and its counts are the CDC's."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.harmonise import needed_columns
from analysis.data.people.supplements import USE
from analysis.data.source.content import describe, differences
from analysis.data.source.registry import (
    COMMITTED,
    UNPUBLISHED,
    ColumnTotal,
    Registry,
    RegistryError,
    Table,
    contradictions,
    read_registry,
    registry_for,
    write_registry,
)

# What the protocol's table of files names.
PLAN = """
DEMO DEMO_B DEMO_C LEXPN LEXPN_B LEXPN_C DRXTOT DRXTOT_B DR1TOT_C DR2TOT_C DRXIFF DRXIFF_B DR1IFF_C DR2IFF_C
DRXFMT DRXFMT_B DRXFCD_C BMX BMX_B BMX_C SMQ SMQ_B SMQ_C ALQ ALQ_B ALQ_C DIQ DIQ_B DIQ_C LAB10 L10_B L10_C
BPQ BPQ_B BPQ_C BPX BPX_B BPX_C LAB18 L40_B L40_C LAB16 L16_B L16_C LAB06 L06_B L06NB_C L06MH_C LAB13 L13_B L13_C
DSQFILE1 DSQ1_B DSQ1_C DSQFILE2 DSQ2_B DSQ2_C
DSPI DSII DSBI RXQ_RX RXQ_RX_B RXQ_RX_C MCQ MCQ_B MCQ_C LEXABPI LEXAB_B LEXAB_C KIQ KIQ_U_B KIQ_U_C PAQ PAQ_B PAQ_C
"""
PRODUCT_TABLES = {"DSPI", "DSII", "DSBI"}


@pytest.fixture(scope="module")
def nhanes() -> Registry:
    """The committed registry; where it contradicts itself, one test fails and says where, and the rest are left out."""
    try:
        return read_registry(COMMITTED)
    except RegistryError:
        pytest.skip("the committed registry cannot be read; test_published_counts_fit_rows_and_column_totals fails")


@pytest.fixture
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(20240311)
    n = 200
    return pd.DataFrame(
        {
            "SEQN": np.arange(1.0, n + 1),
            "SMOKED": generator.choice([1.0, 2.0, 9.0, np.nan], n),
            "AGE": np.minimum(generator.integers(0, 100, n), 85).astype(float),
            "HBA1C": np.round(generator.uniform(4, 12, n), 1),
            "WEIGHT": generator.uniform(1e3, 1e5, n),
            "DRUG": generator.choice(["ASPIRIN", "INSULIN", ""], n),
        }
    )


CODES = {"SMOKED": ("1", "2", "7", "9", "."), "AGE": ("0 to 84", "85", "."), "DRUG": ("INSULIN", "< blank >")}


def registered(frame: pd.DataFrame, **changes) -> Table:
    found = describe(frame, codes=CODES)
    table = Table(
        name="DEMO",
        cycle=1999,
        content="people",
        path="1999/DataFiles/DEMO.xpt",
        rows=found.rows,
        columns=len(found.column_totals),
        living=False,
        codes=found.codes,
        column_totals=found.column_totals,
    )
    return dataclasses.replace(table, **changes)


# The committed registry


def test_every_table_of_the_plan_is_registered(nhanes):
    assert list(nhanes.tables) == PLAN.split()
    assert not nhanes.synthetic


def test_only_the_product_tables_are_living(nhanes):
    assert {table.name for table in nhanes.tables.values() if table.living} == PRODUCT_TABLES


def test_living_tables_are_registered_by_their_columns_alone(nhanes):
    for name in PRODUCT_TABLES:
        assert not nhanes.tables[name].codes
        assert all(total.n is None and total.total is None for total in nhanes.tables[name].column_totals.values())


def test_addresses_are_the_cdcs(nhanes):
    assert nhanes.url == "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"
    for table in nhanes.tables.values():
        assert table.path == f"{table.cycle}/DataFiles/{table.name}.xpt"


def test_column_lists_are_whole(nhanes):
    for table in nhanes.tables.values():
        assert len(table.column_totals) == table.columns
        assert set(table.codes) <= set(table.column_totals)


def test_published_counts_fit_rows_and_column_totals():
    try:
        registry = read_registry(COMMITTED)
    except RegistryError as error:
        pytest.fail(str(error), pytrace=False)
    assert contradictions(registry) == ()


def test_code_counts_add_up_to_the_rows(nhanes):
    for table in nhanes.tables.values():
        for variable, counts in table.codes.items():
            assert sum(counts.values()) == table.rows, f"{table.name} {variable}"


def test_every_column_that_is_read_has_its_published_counts(nhanes):
    without = {
        (table, variable)
        for table, variables in needed_columns().items()
        for variable in variables
        if table not in PRODUCT_TABLES and variable != "SEQN" and variable not in nhanes.tables[table].codes
    }
    # Of a free text a codebook tells only how many there are; its digest in columns.csv holds the names.
    names = {("RXQ_RX", "RXD240B"), ("RXQ_RX_B", "RXD240B"), ("RXQ_RX_C", "RXDDRUG")}
    products = {(str(table), name) for table in USE.tables for name in ("DSDSUPID", "DSDSUPP")}
    assert without == UNPUBLISHED | names | products


@pytest.mark.reference  # CDC codebooks LEXPN, LEXPN_B, LEXPN_C
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("LEXPN", (2133, 227, 73, 64, 137, 241)),
        ("LEXPN_B", (2465, 191, 55, 45, 109, 319)),
        ("LEXPN_C", (2269, 243, 91, 60, 87, 336)),
    ],
)
def test_monofilament_counts_are_the_published_ones(nhanes, name, counts):
    codes = ("0", "1", "2", "3", "-1", ".")
    assert tuple(nhanes.tables[name].codes["LEALPN"][code] for code in codes) == counts


@pytest.mark.reference  # CDC: persons interviewed in 1999-2004
def test_interviewed_people_are_the_published_number(nhanes):
    assert sum(nhanes.tables[name].rows for name in ("DEMO", "DEMO_B", "DEMO_C")) == 31_126


def test_no_file_digest_is_pinned():
    assert "sha256" not in "".join(path.read_text() for path in COMMITTED.iterdir())


# Reading and writing


def test_a_registry_reads_back_as_it_was_written(frame, tmp_path):
    table = registered(frame)
    living = dataclasses.replace(
        table, name="DSPI", living=True, codes={}, column_totals={"DSDSUPP": ColumnTotal("text")}
    )
    registry = Registry("SYNTHETIC survey, seed 1", True, "", {"DEMO": table, "DSPI": living})
    write_registry(registry, tmp_path / "registry")
    assert read_registry(tmp_path / "registry") == registry
    assert registry_for(tmp_path) == registry


def test_the_committed_registry_reads_back_as_it_was_written(nhanes, tmp_path):
    write_registry(nhanes, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in COMMITTED.iterdir()
    }


def test_a_folder_without_registry_has_the_committed_one(nhanes, tmp_path):
    assert registry_for(tmp_path) == nhanes


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("registry.json", "{}", "KeyError"),
        ("tables.csv", "table,cycle\n", "expected \\['table', 'cycle', 'content'"),
        ("codes.csv", "table,variable,code,count\nDEMO,SEX,1,many\n", "many"),
        ("columns.csv", "table,variable,kind,n,total\nDEMO,SEX,float,1,1\n", "KeyError..float"),
        ("columns.csv", "table,variable,kind,n,total\nDEMO,SEX,decimal,1,one\n", "ConversionSyntax"),
    ],
)
def test_a_malformed_registry_is_named(nhanes, tmp_path, file, content, complaint):
    write_registry(nhanes, tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(RegistryError, match=complaint) as caught:
        read_registry(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_registry_is_named(tmp_path):
    with pytest.raises(RegistryError, match="cannot be read"):
        read_registry(tmp_path / "nowhere")


# Counts that cannot be


def written(frame: pd.DataFrame, folder, *, codes: dict[str, dict[str, int]], synthetic: bool = False) -> None:
    """Write a registry of one table with other counts than the frame's."""
    table = registered(frame, codes=codes)
    write_registry(Registry("NHANES 1999-2000", synthetic, "https://cdc/Public", {"DEMO": table}), folder)


@pytest.fixture
def people() -> pd.DataFrame:
    """Two hundred people: 120 smoke, 60 do not, 20 are unknown; ages 1 to 99 and 101 of 85."""
    smoked = [1.0] * 120 + [2.0] * 60 + [np.nan] * 20
    ages = [*np.arange(1.0, 100.0), *[85.0] * 101]
    return pd.DataFrame({"SEQN": np.arange(1.0, 201), "SMOKED": smoked, "AGE": ages, "DRUG": ["INSULIN", ""] * 100})


FITTING = {
    "SMOKED": {"1": 120, "2": 60, "9": 0, ".": 20},
    "AGE": {"0 to 84": 84, "85": 102, "86 to 99": 14, ".": 0},
    "DRUG": {"INSULIN": 100, "< blank >": 100},
}


def test_counts_that_fit_are_read(people, tmp_path):
    written(people, tmp_path, codes=FITTING)
    assert read_registry(tmp_path).tables["DEMO"].codes == FITTING


@pytest.mark.parametrize(
    ("variable", "counts", "slip"),
    [
        ("SMOKED", {"1": 102, "2": 60, ".": 20}, "its counts add up to 182, but tables.csv has 200 rows"),
        (
            "SMOKED",
            {"1": 120, "2": 59, ".": 21},
            "its counts but for the missing add up to 179, but columns.csv has 180 values",
        ),
        (
            "SMOKED",
            {"1": 60, "2": 120, ".": 20},
            "its codes times their counts add up to 300, but the column in columns.csv to 240",
        ),
        ("SMOKED", {"1": 120, "2": 60, "missing": 20}, "the code 'missing' is neither a number, a range such as"),
        ("AGE", {"0 to 84": 48, "85": 102, "86 to 99": 14}, "its counts add up to 164, but tables.csv has 200 rows"),
        ("DRUG", {"INSULIN": 90, "< blank >": 110}, "its counts but for the missing add up to 90, but columns.csv has"),
        ("SMOKE", {"1": 200}, "columns.csv has no such variable"),
    ],
    ids=["rows", "missing", "swapped", "no code", "range", "text", "no column"],
)
def test_a_slip_in_the_counts_is_told_with_file_variable_and_codebook(people, tmp_path, variable, counts, slip):
    written(people, tmp_path, codes=FITTING | {variable: counts})
    with pytest.raises(RegistryError, match="contradicts itself; no file was fetched or read") as caught:
        read_registry(tmp_path)
    assert f"codes.csv, DEMO {variable}: {slip}" in str(caught.value)
    assert f"see https://cdc/Public/1999/DataFiles/DEMO.htm#{variable}." in str(caught.value)


def test_a_typing_slip_in_the_committed_counts_is_told_before_any_file_is_looked_at(nhanes, tmp_path):
    write_registry(nhanes, tmp_path)
    right = (tmp_path / "codes.csv").read_text()
    assert "LEXPN_B,LEALPN,3,45\n" in right
    (tmp_path / "codes.csv").write_text(right.replace("LEXPN_B,LEALPN,3,45\n", "LEXPN_B,LEALPN,3,54\n"))
    with pytest.raises(RegistryError, match=r"codes\.csv, LEXPN_B LEALPN: its counts add up to 3,193.* has 3,184 rows"):
        read_registry(tmp_path)


@pytest.mark.parametrize(
    ("table", "variable", "elsewhere"), [("LEXPN_C", "LEALPN", "LEXPN_B"), ("BPX_B", "BPXSAR", "BPX")]
)
def test_counts_forgotten_for_one_cycle_are_told(nhanes, tmp_path, table, variable, elsewhere):
    write_registry(nhanes, tmp_path)
    lines = (tmp_path / "codes.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{table},{variable},")]
    assert len(kept) < len(lines)
    (tmp_path / "codes.csv").write_text("".join(kept))
    with pytest.raises(RegistryError, match=f"{table} {variable}: no counts, though {elsewhere} has them; see https"):
        read_registry(tmp_path)


def test_many_slips_are_counted(people, tmp_path):
    several = people.assign(**{f"X{k}": people["SMOKED"] for k in range(8)})
    written(several, tmp_path, codes={f"X{k}": {"1": 1} for k in range(8)})
    with pytest.raises(RegistryError, match=r"and 3 more"):
        read_registry(tmp_path)


def test_the_registry_of_an_invented_survey_is_not_asked_since_code_writes_it(people, tmp_path):
    written(people, tmp_path, codes={"SMOKED": {"1": 1}}, synthetic=True)
    assert read_registry(tmp_path).synthetic


# Describing


def counts_of(values, *codes):
    return describe(pd.DataFrame({"X": values}), codes={"X": codes}).codes["X"]


def test_a_range_leaves_out_codes_listed_beside_it():
    values = [0.0, 5.0, 77.0, 99.0, np.nan, 100.0]
    assert counts_of(values, "0 to 100", "77", "99", ".") == {"0 to 100": 3, "77": 1, "99": 1, ".": 1}


def test_bounds_of_a_range_are_rounded_as_printed():
    assert counts_of([974.66525161234, 1000.0, 974.6], "974.66525161 to 1000") == {"974.66525161 to 1000": 2}


def test_a_whole_code_is_met_exactly():
    assert counts_of([1.0, 1.0000000000000002], "1") == {"1": 1}


def test_a_decimal_code_is_met_but_for_its_last_digit():
    assert counts_of([0.07, np.nextafter(0.07, 1), 0.08], "0.07") == {"0.07": 2}


def test_text_codes_are_met_without_padding():
    assert counts_of(["d00003", "d00003 ", "", " "], "d00003", "< blank >") == {"d00003": 2, "< blank >": 2}


def test_columns_of_decimals_are_added_up_exactly():
    total = describe(pd.DataFrame({"X": [0.1] * 40 + [np.nan]}), codes={}).column_totals["X"]
    assert (total.kind, total.n, str(total.total)) == ("decimal", 40, "4.0")


def test_sums_too_large_to_be_exact_are_sums_of_doubles():
    total = describe(pd.DataFrame({"X": [2.0**52] * 32}), codes={}).column_totals["X"]
    assert (total.kind, total.total) == ("number", 2.0**57)


def test_an_unknown_variable_cannot_be_counted(frame):
    with pytest.raises(KeyError, match="SEX"):
        describe(frame, codes={"SEX": ("1",)})


# Telling a good file from another


def test_the_registered_content_agrees(frame):
    assert differences(registered(frame), frame) == ()


def test_the_order_of_columns_does_not_matter(frame):
    assert differences(registered(frame), frame[frame.columns[::-1]]) == ()


def test_a_recoded_answer_is_told_with_both_counts(frame):
    table = registered(frame)
    n_yes, n_no = table.codes["SMOKED"]["1"], table.codes["SMOKED"]["2"]
    first = frame.index[frame["SMOKED"] == 1.0][0]
    changed = frame.assign(SMOKED=frame["SMOKED"].where(frame.index != first, 2.0))
    assert differences(table, changed) == (
        f"SMOKED = 1: {n_yes - 1}, expected {n_yes}",
        f"SMOKED = 2: {n_no + 1}, expected {n_no}",
    )


def test_a_wrong_end_of_a_range_is_not_taken_for_a_revision(frame):
    table = registered(frame)
    counts = dict(table.codes["AGE"])
    ages = {"0 to 48": counts["0 to 84"], "85": counts["85"], ".": 0}
    first, *others = differences(dataclasses.replace(table, codes={"AGE": ages}), frame)
    assert first.startswith("AGE = 0 to 48: ")
    assert first.endswith("(though the column adds up as in columns.csv: is codes.csv right?)")
    assert not others


def test_a_lost_row_is_told(frame):
    assert differences(registered(frame), frame.iloc[:-1])[0] == "rows: 199, expected 200"


def test_lost_and_new_columns_are_told(frame):
    changed = frame.rename(columns={"HBA1C": "GLYCOHB"})
    assert differences(registered(frame), changed) == ("column HBA1C is missing", "column GLYCOHB was not expected")


def test_a_column_turned_to_text_is_told(frame):
    changed = frame.assign(WEIGHT=frame["WEIGHT"].astype(str))
    assert differences(registered(frame), changed) == ("WEIGHT: text, expected number",)


def test_a_value_gone_missing_is_told(frame):
    changed = frame.assign(HBA1C=frame["HBA1C"].where(frame.index > 0))
    assert differences(registered(frame), changed) == ("HBA1C: 199 values, expected 200",)


@pytest.mark.parametrize("variable", ["SEQN", "HBA1C", "WEIGHT", "AGE"])
def test_one_value_changed_in_the_seventh_digit_is_told(frame, variable):
    values = frame[variable].to_numpy().copy()
    values[-1] *= 1 + 1e-7
    (sentence,) = differences(registered(frame), frame.assign(**{variable: values}))
    assert sentence.startswith(f"{variable}: sum ")


def test_a_zero_that_became_tiny_is_told(frame):
    values = frame["AGE"].to_numpy().copy()
    values[0] = 0.0
    table = registered(frame.assign(AGE=values))
    values[0] = 5.4e-79
    assert differences(table, frame.assign(AGE=values))


@pytest.mark.parametrize("variable", ["HBA1C", "WEIGHT"])
def test_last_digits_written_anew_agree(frame, variable):
    printed = frame[variable].map("{:.15g}".format).astype(float)
    next_door = np.nextafter(printed.to_numpy(), np.inf)
    assert differences(registered(frame), frame.assign(**{variable: next_door})) == ()


def test_a_whole_number_off_in_its_last_digit_is_told(frame):
    values = frame["SEQN"].to_numpy().copy()
    values[3] = np.nextafter(values[3], np.inf)
    assert differences(registered(frame), frame.assign(SEQN=values))


def test_what_few_people_have_is_counted_and_not_summed(frame):
    rare = frame.assign(AGE=frame["AGE"].where(frame.index < 29), DRUG=np.where(frame.index < 3, "RARE", ""))
    totals = describe(rare, codes={}).column_totals
    assert (totals["AGE"].n, totals["AGE"].total) == (29, None)
    assert totals["DRUG"].total is None
    assert describe(frame.iloc[:30], codes={}).column_totals["SEQN"].total == 465


def test_the_committed_registry_sums_no_column_of_few_people(nhanes):
    for table in nhanes.tables.values():
        for total in table.column_totals.values():
            assert total.total is None or not 0 < total.n < 30


def test_case_accents_and_signs_of_text_do_not_count(frame):
    table = registered(frame.assign(DRUG=frame["DRUG"].replace("ASPIRIN", "Cafe - Aspirin 5")), codes={})
    assert differences(table, frame.assign(DRUG=frame["DRUG"].replace("ASPIRIN", "Café ASPIRIN® (5)"))) == ()


def test_other_letters_of_text_count_unless_the_column_is_left_out(frame):
    changed = frame.assign(DRUG=frame["DRUG"].replace("ASPIRIN", "ASPIRINE"))
    (sentence,) = differences(registered(frame), changed)
    assert sentence.startswith("DRUG: text digest ")
    assert differences(registered(frame), changed, skip=["DRUG"]) == ()


def test_a_living_table_may_change_in_all_but_its_columns(frame):
    table = registered(frame, living=True, codes={})
    assert differences(table, frame.iloc[:3].assign(NEW=1.0)) == ()
    assert differences(table, frame.drop(columns="DRUG")) == ("column DRUG is missing",)
    assert differences(table, frame.iloc[:0]) == ("rows: 0, expected at least 1",)


def test_a_table_says_what_is_expected_of_it(frame, tmp_path):
    assert registered(frame).expected() == "a SAS transport file of 200 rows and 6 columns"
    assert registered(frame, living=True).expected() == "a SAS transport file with its 6 columns"
    assert registered(frame).file(tmp_path) == tmp_path / "1999" / "DEMO.xpt"


def test_registry_json_holds_the_source():
    assert json.loads((COMMITTED / "registry.json").read_text())["source"] == "NHANES 1999-2004"
