"""The page of a claim, its tables by themselves: what a reader meets in a row that has no number of its own."""

import pandas as pd
import pytest

from analysis.audit.referee.table import COLUMNS
from analysis.report.words.conclusions import NOT_ASKED, referee_table

OWN = {"n": 900, "nonlinear_p": 0.2, "end_slopes_p": 0.3, "levels_p": 0.4, "log_or_low": 0.1, "log_or_high": 0.2,
       "verdict": "no departure shown", "levels_verdict": "not shown", "direction": "no change"}  # fmt: skip
TAUGHT = {"end_slopes_p": 0.01, "direction": "towards a U: the weaker end is the high one"}


@pytest.fixture
def audit() -> dict[str, pd.DataFrame]:
    rows = [
        {"question": "ends", "done": "end slopes at P5 and P95"} | OWN,
        {"question": "ends", "done": "end slopes at P10 and P90"} | OWN | TAUGHT,
        {"question": "form", "done": "primary"} | OWN,
        {"question": "recall error", "done": "primary"} | OWN,
        {"question": "recall error", "done": "calibrated, bootstrap"} | TAUGHT,
        {"question": "recall error", "done": "calibrated with energy, bootstrap", "direction": ""},
        {"question": "missing", "done": "model 2, complete cases"} | OWN,
    ]
    return {"referee": pd.DataFrame(rows).reindex(columns=list(COLUMNS))}


def test_the_study_stands_once_among_the_referees_rows_and_its_doubles_say_so(audit):
    table = referee_table(audit)
    assert table.index.tolist()[0] == "the study"
    assert table["done"].tolist().count("as it is") == 1
    assert "primary" not in table["done"].tolist()
    numbers = table["non-linear p"] + table["weaker end p"]
    assert (numbers == "0.2000.300").sum() == 1
    doubles = table[table["what it does"] == "as in the study"]
    assert doubles["done"].tolist() == ["end slopes at P5 and P95", "model 2, complete cases"]


def test_no_row_of_the_referee_is_blank_without_a_reason(audit):
    table = referee_table(audit).set_index("done")
    assert (table.drop(columns="what it does") != "").all(axis=None)
    bootstrap = table.loc["calibrated, bootstrap"]
    assert bootstrap["weaker end p"] == "0.010"
    assert bootstrap["non-linear p"] == bootstrap["verdict"] == NOT_ASKED
    assert table.loc["calibrated with energy, bootstrap", "what it does"] == "no estimate could be made"


def test_the_referees_table_stands_without_the_studys_own_row(audit):
    first = audit["referee"].head(2)
    assert referee_table({"referee": first})["done"].tolist() == first["done"].tolist()
