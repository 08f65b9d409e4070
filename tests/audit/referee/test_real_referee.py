"""The referee's numbers on the real files, reached by an independent implementation on the same files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.joint_test import u_by_sides
from analysis.audit.referee.ends import ends
from analysis.audit.referee.levels import band_at_round_intakes, levels_of
from analysis.audit.referee.missing import covariates_missing, people_missing
from analysis.audit.referee.recall_error import calibrated
from analysis.audit.referee.under_reporting import indicator_odds, under_reporting
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")

MONTE_CARLO = 3.0
"""Combined Monte Carlo errors within which a drawn number must be of the reference."""


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    return frame


def assert_printed(found: float, printed: str) -> None:
    """To the printed digits: half a unit of the last one."""
    decimals = len(printed.partition(".")[2])
    assert abs(found - float(printed)) <= 0.5 * 10**-decimals + 1e-12, (found, printed)


@pytest.mark.reference
def test_the_rise_hangs_on_where_the_end_is(people):
    table = ends(people)
    for row, printed in zip(table.itertuples(), [".158", ".060", ".0051", ".0011"], strict=True):
        assert_printed(row.end_high_p, printed)
    assert (table["end_low_p"] < 0.00095).all()
    assert table["verdict"].tolist() == ["non-linear, U not shown"] * 2 + ["U"] * 2
    assert_printed(table["nonlinear_p"].iloc[0], ".0020")
    assert_printed(table["end_low_p"].iloc[0], ".0008")
    assert_printed(table["two_lines_p"].iloc[0], ".018")


@pytest.mark.reference
def test_both_ends_are_higher_than_the_middle(people):
    first = levels_of(people).iloc[0]
    assert_printed(first["level_low_p"], ".0016")
    assert_printed(first["level_high_p"], ".0014")
    assert first["levels_verdict"] == "both ends higher"
    assert band_at_round_intakes(people)["above_one"].all()


@pytest.mark.reference
def test_under_reporters(people):
    table, odds = under_reporting(people).set_index("done"), indicator_odds(people).iloc[0]
    plausible = table.loc["EI:BMR 0.87 to 2.75, own knots"]
    assert (plausible["n"], table.loc["weight known", "n"]) == (5709, 7679)
    assert_printed(plausible["nonlinear_p"], ".149")
    assert_printed(table.loc["everybody, under-reporter (below 0.87) as covariate", "nonlinear_p"], ".038")
    assert_printed(odds["odds_ratio"], "1.39")
    assert_printed(100 * odds["share"], "24.5")


@pytest.mark.reference
def test_calibrated_intake_shows_a_u_if_the_calibration_is_known(people):
    row = calibrated(people).iloc[1]
    assert "attenuation 0.50" in row["done"]
    assert_printed(row["end_low_p"], ".0018")
    assert_printed(row["end_high_p"], ".029")
    assert_printed(row["two_lines_p"], ".014")
    assert row["verdict"] == "U"


@pytest.mark.reference
def test_unassessed_people_and_the_fifth_rule(people):
    table = people_missing(people).set_index("done")
    assert_printed(table.loc["all unassessed as cases", "nonlinear_p"], ".0082")
    assert_printed(table.loc["all unassessed as free", "nonlinear_p"], ".0028")
    tested = table.loc["outcome rule any_tested"]
    assert (tested["n"], tested["cases"]) == (7746, 1398)
    assert_printed(tested["nonlinear_p"], ".002")


@pytest.mark.reference
def test_missing_indicators_and_complete_cases(people):
    table = covariates_missing(people, imputations=2).set_index("done")
    assert_printed(table.loc["model 2, missing indicators", "nonlinear_p"], ".0136")
    assert_printed(table.loc["model 2, complete cases", "nonlinear_p"], ".0111")


@pytest.mark.reference
def test_people_with_an_insensate_site_on_a_foot_that_was_not_fully_assessed(people):
    examined = people[people["examined"] & (people["age_years"] >= 40)]
    found = examined[examined["pn_strict"].isna() & (examined["pn_any_tested"] == 1)]
    assert (len(found), int(found["recall_reliable"].sum()), int((found["pn_lenient"] == 0).sum())) == (20, 20, 11)


@pytest.mark.reference
def test_u_by_sides_of_the_tests():
    cells = pd.read_csv(FOLDERS.estimates / "audit_specifications.csv")
    assert u_by_sides(cells).query("grid == 'first declared'")[["u", "n"]].values.tolist() == [
        [77, 3240], [115, 3240], [42, 3240]
    ]  # fmt: skip


@pytest.mark.reference
@pytest.mark.committed
@pytest.mark.parametrize(
    ("done", "column", "printed", "error"),
    [
        ("calibrated magnesium, bootstrap, calibration redone", "end_high_p", 0.051, 0.002),
        ("as many removed at random (median of draws)", "nonlinear_p", 0.006, 0.001),
        ("as many removed in each twentieth of intake (median of draws)", "nonlinear_p", 0.064, 0.004),
    ],
)
def test_drawn_numbers_are_within_monte_carlo_error_of_the_reference(done, column, printed, error):
    row = pd.read_csv(FOLDERS.estimates / "referee.csv").set_index("done").loc[done]
    assert abs(row[column] - printed) < MONTE_CARLO * np.hypot(row["mc_error"], error)
