"""Tables to paste: numbers as numbers, words as a journal's, small groups not told, three forms."""

import html
import importlib
import importlib.util
import io
import shutil
import zipfile
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.cli.options import TABLE_FORMS
from analysis.cli.options import TABLES as OFFERED
from analysis.pipeline.folders import StageError
from analysis.pipeline.results import read_claims
from analysis.pipeline.tables import FORMS, read_printed, write_table
from analysis.provenance import Provenance
from analysis.report.tables import TABLES, PrintedTable, characteristics, published
from analysis.stats.disclosure import FEW

OF_EVERY_SURVEY = [name for name in TABLES if name != "published"]
HAS_EXTRA = all(importlib.util.find_spec(name) for name in ("great_tables", "docx"))


def test_command_line_offers_every_table_and_form():
    assert tuple(TABLES) == OFFERED
    assert tuple(FORMS) == TABLE_FORMS


@pytest.mark.parametrize("name", OF_EVERY_SURVEY)
def test_table_has_a_row_of_numbers_for_each_row_of_words(demo, name):
    table = read_printed(demo, name)
    place = ["section", "row"]
    assert table.numbers[place].equals(table.cells[place])
    assert not table.cells.isna().any(axis=None)
    assert not table.cells.duplicated(place).any()
    assert "SYNTHETIC" in table.source


@pytest.mark.parametrize("name", OF_EVERY_SURVEY)
def test_csv_has_numbers_as_numbers_and_its_source(demo, name, capsys):
    assert main(["table", name, "--data", str(demo.data)]) == 0
    read = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert read["data"].str.startswith("SYNTHETIC").all()
    wordy = ("section", "row", "data", "measure", "verdict", "why")
    numeric = [column for column in read if column not in wordy and not column.endswith((": words", ": unreliable"))]
    assert numeric
    assert all(np.issubdtype(read[column].dtype, np.number) for column in numeric)


def test_table_one_holds_the_numbers_of_its_estimates(demo, estimates):
    frame = estimates[0]["characteristics"]
    table = read_printed(demo, "characteristics")
    column = next(name for name in table.cells.columns if name.startswith("With neuropathy"))
    row = table.numbers[(table.numbers["section"] == "Age, years") & (table.numbers["row"] == "Mean")].iloc[0]
    wanted = frame.query("variable == 'age_years' and kind == 'mean' and group == 'with_neuropathy'").iloc[0]
    assert row[f"{column}: estimate"] == wanted["estimate"]
    assert row[f"{column}: interval, high"] == wanted["conf_high"]
    assert row["p"] == wanted["p_value"]
    text = table.cells.loc[row.name, column]
    assert text == f"{wanted['estimate']:.1f} ({wanted['conf_low']:.1f} to {wanted['conf_high']:.1f})"


def test_journal_labels_stand_in_place_of_the_vocabularys(demo):
    cells = read_printed(demo, "characteristics").cells
    words = " ".join(map(str, cells.to_numpy().ravel()))
    assert "Non-Hispanic White" in words
    assert "_" not in words


def changed(estimates, level: str, **columns: float) -> PrintedTable:
    frames = estimates[0]
    frame = frames["characteristics"].astype({"n": float})
    here = (frame["level"] == level) & (frame["group"] == "with_neuropathy")
    frame.loc[here, list(columns)] = list(columns.values())
    return characteristics(frames | {"characteristics": frame}, estimates[1])


def test_few_people_are_told_neither_in_words_nor_in_numbers(estimates):
    nothing = dict.fromkeys(("n", "estimate", "std_error", "conf_low", "conf_high"), np.nan)
    table = changed(estimates, "heavy", **nothing)
    at = table.cells.index[(table.cells["section"] == "Alcohol, %") & (table.cells["row"] == "Heavy")][0]
    column = next(name for name in table.cells.columns if name.startswith("With neuropathy"))
    assert table.cells.loc[at, column] == FEW
    assert table.numbers.loc[at, [f"{column}: n", f"{column}: estimate"]].isna().all()
    assert any(FEW in note for note in table.notes)


def test_a_single_group_of_few_is_not_told_by_difference(estimates):
    frames = estimates[0]
    frame = frames["characteristics"].assign(n_missing=0)
    for group, n in (("all", 27), ("with_neuropathy", 6), ("without_neuropathy", 21)):
        frame.loc[(frame["variable"] == "smoking") & (frame["group"] == group), "n_missing"] = n
    table = characteristics(frames | {"characteristics": frame}, estimates[1])
    row = table.cells[table.cells["row"] == "Unknown, n"].drop(columns=["section", "row", "p"]).iloc[0]
    assert row.to_list() == ["‡", FEW, "21"]
    assert [note for note in table.notes if note.startswith("‡")]
    known = characteristics(frames | {"characteristics": frame.assign(n_missing=0)}, estimates[1])
    assert not [note for note in known.notes if note.startswith("‡")]


def test_percentage_that_fails_the_presentation_standards_is_marked_and_explained(estimates):
    """A share of 20 % with a standard error of 15 points is held by few effective people (by hand: about 7)."""
    table = changed(estimates, "heavy", estimate=20.0, std_error=15.0)
    at = table.cells.index[(table.cells["section"] == "Alcohol, %") & (table.cells["row"] == "Heavy")][0]
    column = next(name for name in table.cells.columns if name.startswith("With neuropathy"))
    assert table.cells.loc[at, column].endswith("†")
    assert table.numbers.loc[at, f"{column}: unreliable"]
    assert any(note.startswith("†") for note in table.notes)


def test_models_table_tells_people_odds_tests_and_verdict(demo, estimates):
    table = read_printed(demo, "models")
    assert list(dict.fromkeys(table.cells["section"])) == [
        "People",
        "Odds ratio at intake, mg/day",
        "Tests, p",
        "Shape",
    ]
    verdict = table.cells.set_index("row").loc["Verdict", "Model 1"]
    assert verdict == estimates[0]["shape"].set_index("model").loc["1", "verdict"]
    curve = estimates[0]["odds_ratio_curve"].query("model == '1' and tabulated")
    numbers = table.numbers[table.numbers["section"].str.startswith("Odds ratio")]
    np.testing.assert_array_equal(numbers["Model 1: estimate"].to_numpy(), curve["odds_ratio"].to_numpy())


def test_claims_table_has_every_comparison_with_its_verdict(demo):
    found = read_claims(demo)[0]["verdicts"]
    table = read_printed(demo, "claims")
    assert table.cells["Verdict"].to_list() == found["verdict"].to_list()
    assert not table.cells["row"].str.startswith("EGFR").any()


def test_published_numbers_stand_as_printed_beside_ours():
    row = {"study": "Paper 2004", "citation": "J 1:2", "item": "a share, %", "kind": "prevalence", "published": "14.80",
           "published_low": "12.8", "published_high": "16.8", "ours": 14.792, "ours_low": 13.084, "ours_high": 16.5,
           "agreement": "close", "how": np.nan, "data": "NHANES"}  # fmt: skip
    people = row | {"kind": "count", "published": "12345", "published_low": np.nan, "ours": 12346.0, "ours_low": np.nan}
    missing = row | {"ours": np.nan, "agreement": "not reached", "how": "no df"}
    left = row | {"agreement": "not recomputed"}
    cells = published({"published": pd.DataFrame([row, people, missing, left])}, Provenance("NHANES", False)).cells
    assert cells[["Published", "Here", "Agreement", "How"]].to_numpy().tolist() == [
        ["14.80 (12.8 to 16.8)", "14.79 (13.08 to 16.50)", "close", ""],
        ["12345", "12,346", "close", ""],
        ["14.80 (12.8 to 16.8)", "no estimate", "not reached", "no df"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["published"], "nobody has published of an invented survey"),
        (["models", "--format", "docx"], "expected a file"),
        (["models", "-o", "t1.xlsx"], "-o t1.xlsx: expected a name that ends in .html, .docx or .csv"),
        (["models", "-o", "t1"], "-o t1: expected a name that ends in .html, .docx or .csv"),
    ],
)
def test_table_that_cannot_be_made_is_one_sentence(demo, arguments, message, capsys):
    assert main(["table", *arguments, "--data", str(demo.data)]) == 3
    told = capsys.readouterr()
    assert message in told.err
    assert not told.out


@pytest.mark.parametrize(("name", "command"), [("models", "make figures"), ("claims", "make claims")])
def test_table_before_its_stage_names_the_command(tmp_path, name, command, capsys):
    assert main(["table", name, "--data", str(tmp_path)]) == 3
    assert command in capsys.readouterr().err


@pytest.mark.parametrize("name", ["models.csv", "tests.csv"])
def test_estimates_that_lack_a_table_name_its_file(demo, name, tmp_path, capsys):
    shutil.copytree(demo.estimates, tmp_path / "processed" / "estimates")
    (tmp_path / "processed" / "estimates" / name).unlink()
    assert main(["table", "models", "--data", str(tmp_path)]) == 3
    assert f"({name} is not there)" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "library"), [("html", "great_tables, which HTML needs"),
                                               ("docx", r"docx, which docx \(python-docx\) needs")])  # fmt: skip
def test_without_the_extra_the_message_names_what_installs_it(demo, form, library, monkeypatch, tmp_path):
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    table = read_printed(demo, "models")
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(StageError, match=f"{library}: run `make tables.*requirements-tables.lock.*CSV needs none"):
        write_table(table, form)


def test_name_of_a_file_says_the_form(demo, tmp_path, capsys):
    path = tmp_path / "new" / "models.csv"
    assert main(["table", "models", "--data", str(demo.data), "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert pd.read_csv(path)["section"].iloc[0] == "People"


@pytest.mark.skipif(not HAS_EXTRA, reason="the extra `tables` is not installed; `make tables` installs it")
@pytest.mark.parametrize("name", OF_EVERY_SURVEY)
def test_html_and_docx_hold_every_cell(demo, name):
    table = read_printed(demo, name)
    page = html.unescape(write_table(table, "html").decode())
    with zipfile.ZipFile(io.BytesIO(write_table(table, "docx"))) as archive:
        document = html.unescape(archive.read("word/document.xml").decode())
        properties = html.unescape(archive.read("docProps/core.xml").decode())
    assert f"<dc:title>{table.title}</dc:title>" in properties
    assert "python-docx" not in properties
    for text in {*table.cells.to_numpy().ravel(), table.title, *table.notes, f"Data: {table.source}."}:
        assert text.strip() in page
        assert text.strip() in document
