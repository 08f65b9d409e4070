"""The simulation draws from the truth it says, and its table does not depend on how the work is spread."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.special

from analysis.simulation import coverage
from analysis.simulation.surveys import PREVALENCE, base_survey, flat, rates, run_experiments, u_shaped
from analysis.stats.regression.quick import fit_quickly
from tests.shared import unmeasured


@pytest.fixture(scope="module")
def base(shared):
    return shared.answer(base_survey, 5000)


@pytest.fixture(scope="module")
def draws(base):
    rng = np.random.default_rng(1)
    return np.array([base.draw(u_shaped, rng) for _ in range(300)])


def test_a_drawn_outcome_has_the_wanted_prevalence(draws):
    assert draws.mean() == pytest.approx(PREVALENCE, abs=0.003)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (0.4, 0.6), (0.8, 1.0)])
def test_drawn_shares_are_those_of_the_planted_log_odds(base, draws, low, high):
    log_odds = base.adjustment + u_shaped(base.exposure)
    intercept = scipy.optimize.brentq(lambda a: scipy.special.expit(a + log_odds).mean() - PREVALENCE, -20, 20)
    inside = (log_odds >= np.quantile(log_odds, low)) & (log_odds <= np.quantile(log_odds, high))
    by_draw = draws[:, inside].mean(axis=1)
    expected = scipy.special.expit(intercept + log_odds[inside]).mean()
    assert abs(by_draw.mean() - expected) < 4 * by_draw.std() / np.sqrt(len(draws))


def test_people_of_a_psu_resemble_each_other(base, draws):
    """Variance of PSU shares is above what independent people would give."""
    members = np.bincount(base.psu)
    shares = np.array([np.bincount(base.psu, y) / members for y in draws])
    expected = shares.mean(axis=0)
    excess = shares.var(axis=0) / (expected * (1 - expected) / members)
    assert 1.2 < excess.mean() < 2.5


def test_the_fit_of_many_draws_is_centred_at_the_planted_curve(base):
    rng = np.random.default_rng(2)
    design, index = base.problem.setting.design, [1, 2, 3]
    fits = [fit_quickly(base.model(base.draw(u_shaped, rng)), design).beta[index] for _ in range(60)]
    points = np.array([150.0, 350.0])
    mean = base.problem.contrast(points) @ np.mean(fits, axis=0)
    truth = u_shaped(points) - u_shaped(np.array([base.problem.reference]))
    spread = (base.problem.contrast(points) @ np.transpose(fits)).std(axis=1) / np.sqrt(60)
    assert np.all(np.abs(mean - truth) < 4 * spread)


def test_no_association_is_flat():
    assert not flat(np.array([10.0, 900.0])).any()


@pytest.fixture(scope="module")
def table():
    experiment = replace(coverage.EXPERIMENT, draws_per_survey=3)
    with unmeasured():
        return run_experiments([experiment], surveys=6, seed=5)["coverage"]


def test_table_has_every_method_intake_and_curve(table):
    coverage = table[table["quantity"] == "coverage"]
    assert len(coverage) == 2 * 3 * 5
    assert table["surveys"].eq(6).all()
    assert table["failed"].eq(0).all()
    assert set(table.loc[table["quantity"] == "rejection", "method"]) == {
        "taylor, Wald", "jackknife, Wald", "bootstrap, Wald", "taylor, Rao-Scott"
    }  # fmt: skip


def test_rates_are_shares_of_the_surveys(table):
    np.testing.assert_allclose(table["rate"] * 6, (table["rate"] * 6).round())
    assert table.loc[table["quantity"] == "coverage", "rate"].mean() > 0.8
    assert table.loc[table["quantity"] == "coverage", "rate_of_target"].mean() > 0.8
    assert table.loc[table["quantity"] == "rejection", "rate_of_target"].isna().all()


@pytest.mark.reference
def test_error_of_a_rate_is_that_of_the_invented_surveys_means_by_hand():
    """Means 1/2, 1 and 0 of three surveys of two draws: standard deviation 1/2, error 1/2 over the root of 3."""
    rows = pd.DataFrame({"base": [0, 0, 1, 1, 2, 2], "curve": "line", "hit": [1.0, 0, 1, 1, 0, 0]})
    found = rates(rows, ["curve"], "hit").iloc[0]
    assert (found["surveys"], found["failed"], found["rate"]) == (6, 0, 0.5)
    assert found["monte_carlo_error"] == pytest.approx(0.5 / np.sqrt(3))


def test_error_of_a_rate_from_one_invented_survey_is_binomial_and_failures_are_counted():
    rows = pd.DataFrame({"base": 0, "curve": "line", "hit": [1.0, 0, 1, 1, np.nan]})
    found = rates(rows, ["curve"], "hit").iloc[0]
    assert (found["surveys"], found["failed"], found["rate"]) == (5, 1, 0.75)
    assert found["monte_carlo_error"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))


def test_the_best_spline_of_no_association_is_flat(base):
    np.testing.assert_allclose(base.problem.contrast(np.array([100.0, 500.0])) @ base.best_spline(flat), 0, atol=1e-6)


def test_only_a_curve_without_association_has_a_nominal_rejection_rate(table):
    tests = table[table["quantity"] == "rejection"].groupby("curve", sort=False)["nominal"].first()
    assert tests.tolist()[0] == 0.05
    assert np.isnan(tests.tolist()[1])


def test_curves_are_named_for_readers():
    assert list(coverage.COVERAGE_CURVES) == ["no association", "U, lowest at 240 mg"]
