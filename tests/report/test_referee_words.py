"""The referee's answers in words: each sentence follows the table."""

import pandas as pd
import pytest

from analysis.report.words.referee import (
    changes_sentence,
    question_sentence,
    question_table,
    rise_sentence,
    under_reporter_sentence,
)

BENT = "non-linear, U not shown"


@pytest.fixture
def answers() -> pd.DataFrame:
    base = {"question": "ends", "n": 7726, "nonlinear_p": 0.002, "end_low_p": 0.0002, "end_high_p": 0.158,
            "two_lines_p": 0.018, "levels_p": 0.0016, "verdict": BENT, "direction": "no change",
            "mc_error_of": "interior", "mc_error": 0.001}  # fmt: skip
    drawn = base | {"done": "drawn", "end_high_p": 0.0497, "verdict": None, "levels_p": None, "mc_error": 0.0019,
                    "direction": "not told apart from p = 0.05", "mc_error_of": "end_high_p"}  # fmt: skip
    inward = base | {"done": "inward", "end_high_p": 0.005, "verdict": "U"}
    return pd.DataFrame([base | {"done": "primary"}, inward, base | {"done": "apart", "levels_p": 0.31}, drawn])


def test_a_question_is_told_with_its_verdicts_levels_and_what_its_draws_leave_open(answers):
    assert question_sentence(answers, "ends") == (
        f'"Falls, then rises": of two answers one end in "U" and one end in "{BENT}". "Both ends higher than the '
        'middle" is shown in one of two. Drawn: p = 0.050 ± 0.002, which its draws do not tell apart from 0.05.'
    )


def test_what_changes_the_verdict_is_named(answers):
    assert changes_sentence(answers) == (
        f'The verdict "{BENT}" stays in two of three answers and changes to "U": inward.'
    )
    assert changes_sentence(answers[answers["done"] != "inward"]) == f'No answer changes the verdict "{BENT}".'


def test_a_table_tells_what_was_drawn_with_its_error_and_leaves_out_what_was_not_asked(answers):
    table = question_table(answers, "ends")
    assert table.loc["drawn", "rise at the high end"] == "0.050 ± 0.002"
    assert table.loc["drawn", ["both ends higher", "verdict"]].tolist() == ["", ""]
    assert table.loc["inward", ["people", "fall at the low end"]].tolist() == ["7,726", "< 0.001"]


def test_where_the_curve_is_shown_to_rise_is_told_alone_and_for_all_percentiles():
    rise = pd.DataFrame({"percentile": [10, 50, 80, 95], "p_falling": [0.01, 0.9, 0.9, 0.9],
                         "p_falling_simultaneous": [0.2, 1.0, 1.0, 1.0], "p_rising": [0.9, 0.04, 0.001, 0.2],
                         "p_rising_simultaneous": [1.0, 0.2, 0.01, 0.5]})  # fmt: skip
    assert rise_sentence(rise) == (
        "At every percentile of intake in turn, a fall is shown from P10 to P10 of intake, allowing for having looked "
        "everywhere nowhere; a rise is shown from P50 to P80 of intake, allowing for having looked everywhere from P80 "
        "to P80 of intake."
    )


def test_under_reporters_are_told_with_their_share():
    odds = pd.DataFrame({"share": [0.2455], "odds_ratio": [1.392], "conf_low": [1.088], "conf_high": [1.780]})
    assert under_reporter_sentence(odds).endswith("are 1.39 (1.09 to 1.78) times those of the others.")
