"""The page of a claim, its tables by themselves: what a reader meets in a row that has no number of its own."""

import pandas as pd
import pytest

from analysis.audit.referee.table import COLUMNS
from analysis.report.words.conclusions import (
    NOT_ASKED,
    OTHERWISE,
    _left,
    _referee_words,
    _verdicts_words,
    claim_sentence,
    referee_table,
)
from analysis.report.words.glossary import words_markdown
from analysis.study import Study

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
    assert bootstrap["what it does"] == "towards a U: the weaker end is the high one"  # nothing beside it says that
    assert table.loc["end slopes at P10 and P90", "what it does"] == "towards a U"
    assert table.loc["calibrated with energy, bootstrap", "what it does"] == "no estimate could be made"


def test_the_referees_table_stands_without_the_studys_own_row(audit):
    first = audit["referee"].head(2)
    assert referee_table({"referee": first})["done"].tolist() == first["done"].tolist()


def test_rows_that_end_otherwise_are_those_of_another_verdict_another_side_of_the_level_or_no_estimate(audit):
    interaction = {"question": "under-reporting", "done": "curve times it", "nonlinear_p": 0.01}
    rows = pd.concat([audit["referee"], pd.DataFrame([interaction])], ignore_index=True)
    table = referee_table({"referee": rows}).set_index("done")
    assert set(table.index[table["ends"] == OTHERWISE]) == {
        "end slopes at P10 and P90", "calibrated, bootstrap", "calibrated with energy, bootstrap",
    }  # fmt: skip
    words = _referee_words({"referee": rows})
    assert words.startswith("Of 3 analyses 0 end as the study does")
    assert "Under-reporting, curve times it: p = 0.010, a test of its own. The others:" in words
    people = audit["referee"].assign(n=[901 if k == 6 else one for k, one in enumerate(rows["n"][:7])])  # fewer or more
    verdict = people.assign(verdict=["U" if k == 6 else one for k, one in enumerate(rows["verdict"][:7])])
    assert referee_table({"referee": verdict}).set_index("done").loc["model 2, complete cases", "ends"] == OTHERWISE


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["U"], 'A referee asks one analysis: it ends in "U".'),
        (["U", "U"], 'Of the referee\'s 2 analyses all end in "U".'),
        (["U", "U", "rise"], 'Of the referee\'s 3 analyses 2 end in "U" and 1 ends in "rise".'),
        (["U", None], 'Of the referee\'s 2 analyses 1 has a verdict (the others lack one of its tests): it ends in '
         '"U".'),
        (["U", "rise", None], 'Of the referee\'s 3 analyses 2 have a verdict (the others lack one of its tests): '
         '1 ends in "U" and 1 ends in "rise".'),
        ([None], ""),
    ],
)  # fmt: skip
def test_verdicts_of_the_referee_are_counted_beside_the_analyses_that_have_none(audit, verdicts, said):
    own = audit["referee"][audit["referee"]["done"] == "primary"]
    rows = [{"question": "rows", "done": f"row {k}"} | OWN | {"n": 800, "verdict": one} for k, one in
            enumerate(verdicts)]  # fmt: skip
    table = pd.concat([own, pd.DataFrame(rows).reindex(columns=list(COLUMNS))], ignore_index=True)
    assert _verdicts_words({"referee": table}) == said


@pytest.mark.parametrize("name", ["bootstrap", "SIMEX"])
def test_what_is_said_of_a_kind_of_row_is_said_where_there_is_one(audit, name):
    rows = audit["referee"].assign(done=audit["referee"]["done"].str.replace("bootstrap", name))
    note = _referee_words({"referee": rows}).splitlines()[-1]
    assert note.startswith("Weaker end p: ")
    assert [word for word in ("bootstrap", "SIMEX") if word in note] == [name]


def test_what_was_not_asked_begins_with_the_reason():
    failures = pd.DataFrame({"task": ["two recalls"], "reason": ["two recalls were never made."]})
    left = {"energy forms": "it is the exposure: it cannot be held fixed", "energy surface": "it is the exposure: it "
            "cannot be held fixed"}  # fmt: skip
    assert _left({"failures": failures}, left) == (
        "- It is the exposure: it cannot be held fixed (energy forms; energy surface).\n"
        "- Two recalls were never made (two recalls)."
    )
    assert _left({"failures": failures.head(0)}, {}) == "Nothing."


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("nothing is told", []),
        ("it is shown (± 0.1)", ["shown", "±"]),
        ("SIMEX, calibrated (attenuation 0.50), towards a U", ["calibrated", "attenuation", "SIMEX",
                                                               "towards a U, away from a U"]),
        ("Rao-Scott, 6 df, at P5, a false-discovery rate", ["P5, P95", "false-discovery rate", "Rao-Scott",
                                                            "df, degrees of freedom"]),
    ],
)  # fmt: skip
def test_a_page_explains_the_words_that_it_has_and_no_others(estimates, page, words):
    told = words_markdown(page, estimates[0], "1").splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in told[2:]] == words


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ({"linear": 0.2, "spline": 0.3}, ""),
        ({"linear": 0.02, "spline": 0.3}, " With energy adjusted for one is shown with energy as a straight line "
         "beside it, not with energy as a spline beside it (least overall p = 0.020)."),
        ({"linear": 0.02, "spline": 0.0003}, " With energy adjusted for one is shown with energy as a straight line "
         "beside it and with energy as a spline beside it (least overall p < 0.001)."),
    ],
)  # fmt: skip
def test_an_association_that_shows_only_beside_energy_is_told(p, said):
    """Such as that of linolenic acid, which is shown with energy in the model and not without."""
    tests = pd.DataFrame({"model": "1", "method": "wald", "test": ["overall", "nonlinear"], "p_value": [0.4, 0.6]})
    forms = pd.DataFrame({"form": ["none", *p], "overall_p": [0.4, *p.values()]})
    told = claim_sentence(Study(exposure="pfa_18_3_g"), {"tests": tests}, {"energy_forms": forms})
    assert told.endswith(f" is shown (overall p = 0.400, non-linear p = 0.600).{said}")
