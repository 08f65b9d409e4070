"""Size and power of both questions about the ends: truths are what they are called, rates keep what is known."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.audit.usual_intake import calibration_data
from analysis.data.synthetic.survey import invent
from analysis.data.synthetic.traits import day_intake, usual_magnesium
from analysis.data.synthetic.truth import PLANTED
from analysis.simulation.questions import ENERGY, EXPERIMENT, ON_THE_DAY, ON_USUAL, TRUTHS
from analysis.simulation.surveys import base_survey, run_experiments
from analysis.stats.shape.questions import ENDS, ENDS_HIGHER, FALLS_THEN_RISES
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

SURVEYS = 40
STANDARD_ERRORS = 3


@pytest.fixture(scope="module")
def table():
    experiment = replace(EXPERIMENT, draws_per_survey=20)
    return run_experiments([experiment], surveys=SURVEYS, seed=5)["questions"]


@pytest.fixture(scope="module")
def base(shared):
    return shared.answer(base_survey, 5000)


@pytest.fixture(scope="module")
def rates(table):
    own = table[table["ends"] == "p5_p95"]
    return own.set_index(["question", "curve_of", "curve"])["rate"]


def test_every_truth_has_both_questions_and_the_first_at_every_end(table):
    assert len(table) == len(TRUTHS) * (len(ENDS) + 1)
    assert table["surveys"].eq(SURVEYS).all()
    assert table["failed"].eq(0).all()
    assert table.groupby("question")["ends"].nunique().to_dict() == {FALLS_THEN_RISES: len(ENDS), ENDS_HIGHER: 1}


def test_kinds_are_size_without_a_u_power_with_one_and_confounding_by_energy(table):
    kinds = table.drop_duplicates(["curve", "kind"]).groupby("kind")["curve"].apply(set).to_dict()
    assert kinds == {
        "size": {"no association", "line", "J", "plateau"},
        "power": {"shallow U", "U as fitted", "U", "deep U"},
        "confounding": {"energy's U", "energy's U as fitted"},
    }


@pytest.mark.reference
@pytest.mark.parametrize("of", [ON_THE_DAY, ON_USUAL])
def test_an_intersection_union_test_keeps_its_level_on_a_straight_line(table, of):
    """At most 5 % of yes where neither a fall and a rise nor two higher ends are there, whatever the ends."""
    lines = table[(table["curve_of"] == of) & table["curve"].isin(["no association", "line"])]
    assert not lines.empty
    allowed = ALPHA + STANDARD_ERRORS * np.sqrt(ALPHA * (1 - ALPHA) / SURVEYS)
    assert (lines["rate"] <= allowed).all()


def test_the_deeper_the_u_the_more_often_it_is_found(rates):
    for question in (FALLS_THEN_RISES, ENDS_HIGHER):
        for of in (ON_THE_DAY, ON_USUAL):
            found = np.array([rates[question, of, name] for name in ("U as fitted", "U", "deep U")])
            error = np.sqrt(found * (1 - found) / SURVEYS)
            assert (np.diff(found) >= -STANDARD_ERRORS * np.hypot(error[1:], error[:-1])).all()
            assert found[2] > found[0] + STANDARD_ERRORS * error[0]
    assert rates[FALLS_THEN_RISES, ON_THE_DAY, "deep U"] == 1.0


def test_levels_ask_for_less_than_slopes(table):
    power = table[(table["kind"] == "power") & (table["ends"] == "p5_p95")]
    wide = power.pivot_table(index=["curve_of", "curve"], columns="question", values="rate")
    assert (wide[ENDS_HIGHER] >= wide[FALLS_THEN_RISES]).all()


def test_recall_error_costs_most_of_the_power(rates):
    for question in (FALLS_THEN_RISES, ENDS_HIGHER):
        assert rates[question, ON_USUAL, "U as fitted"] < rates[question, ON_THE_DAY, "U as fitted"] / 2


def test_energy_draws_its_u_by_energy_and_not_by_magnesium(base):
    mu = TRUTHS[f"{ENERGY}, {ON_THE_DAY}"].expected(base)
    energy = base.energy[base.problem.setting.domain.rows]
    log_odds = np.log(mu / (1 - mu)) - base.adjustment
    near = np.abs(energy - 1900) < 20
    assert log_odds[near].max() < log_odds[(energy < 1000) | (energy > 4000)].min()


@pytest.mark.reference
def test_usual_intake_is_the_mean_of_invented_days():
    people = invent(seed=2, scale=0.02, truth=PLANTED)
    rng, days = np.random.default_rng(1), 100
    weekday = rng.integers(1, 8, size=(days, len(people)))
    drawn = np.array([day_intake(rng, people, weekday=each)["MAGN"].to_numpy() for each in weekday])
    ratio = drawn.mean(axis=0) / usual_magnesium(people)
    assert abs(ratio.mean() - 1) < STANDARD_ERRORS * ratio.std() / np.sqrt(len(people))


@pytest.mark.reference
def test_one_day_of_the_invented_survey_has_an_attenuation_of_about_one_half(base):
    """Slope of usual intake on one day given age, sex and race, as the second recalls of the real files have it."""
    rows = base.problem.setting.domain.rows
    others = np.column_stack([np.ones(base.exposure.size), base.problem.setting.adjustment[rows]])
    X = np.column_stack([base.exposure, others])
    assert np.linalg.lstsq(X, base.usual)[0][0] == pytest.approx(0.5, abs=0.06)


def test_second_days_are_of_people_with_a_weight_and_of_nobody_else(base):
    data = calibration_data(base.people, base.problem.setting, (PRIMARY.exposure,))
    both = data.second_weights > 0
    assert 1_500 < both.sum() < base.exposure.size / 2
    assert np.isfinite(data.second[both]).all()
    assert np.corrcoef(data.second[both, 0], base.usual[both])[0, 1] > 0.5
