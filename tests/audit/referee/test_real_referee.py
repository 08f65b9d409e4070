"""The referee's numbers on the real files, reached by independent implementations on the same files, and R's."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.heterogeneity import cycle_curves, cycle_heterogeneity
from analysis.audit.joint_test import u_by_sides
from analysis.audit.referee.levels import band_at_round_intakes
from analysis.audit.referee.recall_error import calibrated
from analysis.audit.referee.table import curve_on, row_of
from analysis.audit.referee.under_reporting import indicator_odds
from analysis.data.people.harmonise import SITES, TRIALS, site_is_insensate
from analysis.data.source.reading import read_table
from analysis.dose_response.problem import set_out
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.study import CYCLES, PRIMARY
from tests.audit.referee.test_reference import assert_as_r_has_it, assert_attenuations_as_r_has_them, undrawn
from tests.audit.test_heterogeneity import assert_cycles_as_r_has_them
from tests.reference_numbers import FOLDER, RTOL

pytestmark = [pytest.mark.real, pytest.mark.reference]

ROOT = Path(__file__).parents[3]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")

MONTE_CARLO = 3.0
"""Combined Monte Carlo errors within which a drawn number must be of the reference."""

READINGS = {1999: "DRQ300", 2001: "DRD300", 2003: "DR1_300"}
"""Each cycle's question whether the recalled day was as usual."""


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    return frame


@pytest.fixture(scope="module")
def answers(people: pd.DataFrame) -> pd.DataFrame:
    """Every row of the referee's table that is not drawn, by what was done."""
    return undrawn(people)


def assert_printed(found: float, printed: str) -> None:
    """To the printed digits: half a unit of the last one."""
    decimals = len(printed.partition(".")[2])
    assert abs(found - float(printed)) <= 0.5 * 10**-decimals + 1e-12, (found, printed)


def raw_columns(columns: dict[int, tuple[str, list[str]]]) -> pd.DataFrame:
    """Raw columns of one table a cycle, under the first cycle's names, by SEQN."""
    names, registry = next(iter(columns.values()))[1], FOLDERS.registry()
    parts = []
    for cycle, (table, wanted) in columns.items():
        frame = read_table(registry, FOLDERS.raw, table, columns=["SEQN", *wanted])[wanted]
        parts.append(frame.set_axis(names, axis="columns").assign(cycle=cycle))
    return pd.concat(parts)


# ---- R ---------------------------------------------------------------------------------------------------------------
def test_every_answer_that_is_not_drawn_is_rs(answers: pd.DataFrame) -> None:
    assert_as_r_has_it(answers, "real")


def test_the_cycles_are_rs(people: pd.DataFrame) -> None:
    found = cycle_heterogeneity(people)["cycle_heterogeneity"]
    assert_cycles_as_r_has_them(cycle_curves(people), found, "real")


def test_under_reporters_odds_are_rs(people: pd.DataFrame) -> None:
    known = pd.read_csv(FOLDER / "real" / "referee_rows.csv")["under_reporter"].dropna()
    np.testing.assert_allclose(indicator_odds(people)["odds_ratio"], np.exp(known), rtol=RTOL)


def test_attenuations_and_their_intervals_are_rs(people: pd.DataFrame) -> None:
    assert_attenuations_as_r_has_them(people, "real")


# ---- the plan's numbers ----------------------------------------------------------------------------------------------
def test_the_rise_hangs_on_where_the_end_is(answers: pd.DataFrame) -> None:
    table = answers.filter(like="end slopes at", axis="index")
    for row, printed in zip(table.itertuples(), [".158", ".060", ".0051", ".0011"], strict=True):
        assert_printed(row.end_high_p, printed)
    assert (table["end_low_p"] < 0.00095).all()
    assert table["verdict"].tolist() == ["non-linear, U not shown"] * 2 + ["U"] * 2
    assert_printed(table["nonlinear_p"].iloc[0], ".0020")
    assert_printed(table["end_low_p"].iloc[0], ".0008")
    assert_printed(table["two_lines_p"].iloc[0], ".018")


def test_both_ends_are_higher_than_the_middle(answers: pd.DataFrame, people: pd.DataFrame) -> None:
    first = answers.iloc[0]
    assert_printed(first["level_low_p"], ".0016")
    assert_printed(first["level_high_p"], ".0014")
    assert first["levels_verdict"] == "both ends higher"
    assert band_at_round_intakes(people)["above_one"].all()


def test_under_reporters(answers: pd.DataFrame, people: pd.DataFrame) -> None:
    odds = indicator_odds(people).iloc[0]
    plausible = answers.loc["EI:BMR 0.87 to 2.75, own knots"]
    assert (plausible["n"], answers.loc["weight known", "n"]) == (5709, 7679)
    assert_printed(plausible["nonlinear_p"], ".149")
    assert_printed(answers.loc["under-reporter (below 0.87) as covariate", "nonlinear_p"], ".038")
    assert_printed(odds["odds_ratio"], "1.39")
    assert_printed(100 * odds["share"], "24.5")


def test_calibrated_intake_shows_a_u_if_the_calibration_is_known(people: pd.DataFrame) -> None:
    row = calibrated(people)["rows"].iloc[1]
    assert "attenuation 0.50" in row["done"]
    assert_printed(row["end_low_p"], ".0018")
    assert_printed(row["end_high_p"], ".029")
    assert_printed(row["two_lines_p"], ".014")
    assert row["verdict"] == "U"


def test_unassessed_people_and_the_fifth_rule(answers: pd.DataFrame) -> None:
    assert_printed(answers.loc["all unassessed as cases", "nonlinear_p"], ".0082")
    assert_printed(answers.loc["all unassessed as free", "nonlinear_p"], ".0028")
    tested = answers.loc["outcome rule any_tested"]
    assert (tested["n"], tested["cases"]) == (7746, 1398)
    assert_printed(tested["nonlinear_p"], ".002")


def test_missing_indicators_and_complete_cases(answers: pd.DataFrame) -> None:
    assert_printed(answers.loc["model 2, missing indicators", "nonlinear_p"], ".0136")
    assert_printed(answers.loc["model 2, complete cases", "nonlinear_p"], ".0111")


def test_people_with_an_insensate_site_on_a_foot_that_was_not_fully_assessed(people: pd.DataFrame) -> None:
    examined = people[people["examined"] & (people["age_years"] >= 40)]
    found = examined[examined["pn_strict"].isna() & (examined["pn_any_tested"] == 1)]
    assert (len(found), int(found["recall_reliable"].sum()), int((found["pn_lenient"] == 0).sum())) == (20, 20, 11)


def test_the_trials_return_the_examiners_own_count_of_every_coded_foot() -> None:
    tables = zip(CYCLES, ("LEXPN", "LEXPN_B", "LEXPN_C"), strict=True)
    raw = raw_columns({cycle: (table, ["LEALPN", "LEARPN", *TRIALS]) for cycle, table in tables})
    for foot, count, feet in (("L", "LEALPN", 7916), ("R", "LEARPN", 7937)):
        coded = raw[raw[count].isin([0, 1, 2, 3])]
        sites = pd.concat([site_is_insensate(coded, foot, site) for site in SITES], axis="columns")
        assert len(coded) == feet
        assert sites.notna().all(axis=None)
        np.testing.assert_array_equal(sites.sum(axis="columns"), coded[count])


def test_a_usual_day_is_a_u_and_2499_people_are_a_misreading_of_1999(
    answers: pd.DataFrame, people: pd.DataFrame
) -> None:
    """Code 2 of 1999-2000 is "less than usual"; with code 2 of 2003-2004, "usual", and without 2001-2002: 2,499."""
    tables = dict(zip(CYCLES, ("DRXTOT", "DRXTOT_B", "DR1TOT_C"), strict=True))
    raw = raw_columns({cycle: (tables[cycle], [READINGS[cycle]]) for cycle in CYCLES})
    code = raw[READINGS[1999]].reindex(people.index)
    setting = set_out(people, PRIMARY)
    cohort = setting.domain.rows
    misread = (code == 2).to_numpy() & (people["cycle"] != 2001).to_numpy()
    assert int((misread & cohort).sum()) == 2499
    right = answers.loc["recall day said to be usual (post hoc)"]
    assert (right["n"], right["verdict"]) == (5238, "U")
    assert row_of("", "", curve_on(setting.restricted(misread)))["n"] == 2499


def test_u_by_sides_of_the_tests() -> None:
    cells = pd.read_csv(FOLDERS.estimates / "audit_specifications.csv")
    assert u_by_sides(cells).query("grid == 'first declared'")[["u", "n"]].values.tolist() == [
        [77, 3240], [115, 3240], [42, 3240]
    ]  # fmt: skip


@pytest.mark.committed
@pytest.mark.parametrize(
    ("done", "column", "printed", "error"),
    [
        ("calibrated magnesium, bootstrap, calibration redone", "end_high_p", 0.051, 0.002),
        ("as many removed at random (median)", "nonlinear_p", 0.006, 0.001),
        ("as many removed in each twentieth of weighted intake (median)", "nonlinear_p", 0.064, 0.004),
    ],
)
def test_drawn_numbers_are_within_monte_carlo_error_of_the_reference(done, column, printed, error) -> None:
    row = pd.read_csv(FOLDERS.estimates / "referee.csv").set_index("done").loc[done]
    assert abs(row[column] - printed) < MONTE_CARLO * np.hypot(row["mc_error"], error)


@pytest.mark.committed
def test_holding_the_calibration_gives_the_references_p() -> None:
    row = pd.read_csv(FOLDERS.estimates / "referee.csv").set_index("done")
    held = row.loc["calibrated magnesium, bootstrap, calibration held"]
    assert abs(held["end_high_p"] - 0.039) < MONTE_CARLO * np.hypot(held["mc_error"], 0.002)
