"""Planted curves of usual intake, measured with error on one day: what is recovered, within Monte Carlo error."""

import numpy as np
import pytest

from analysis.stats.measurement.regression_calibration import CalibrationData, bootstrap_slopes, calibrate
from analysis.stats.measurement.simex import LAMBDAS, error_variance, simex
from analysis.stats.sample.design import DesignError, SurveyDesign
from analysis.stats.sample.replicates import bootstrap, times_drawn

MONTE_CARLO = 4.0
"""Standard errors of a mean over surveys within which it must be: passed by chance in all but 1 of 16,000."""

PEOPLE, SURVEYS = 4000, 60
SLOPE = 0.5
LOGIT = 0.06
"""Share by which a logistic slope on an exposure with error is off the linear attenuation: its curvature."""


def invented(seed: int, *, bend: float = 0.0) -> dict[str, np.ndarray]:
    """Usual intake T ~ N(0, 1), a covariate that goes with it, two days T + N(0, 1), and an outcome of T."""
    generator = np.random.default_rng(seed)
    usual = generator.standard_normal(PEOPLE)
    covariate = 0.5 * usual + generator.standard_normal(PEOPLE)
    days = usual[:, None] + generator.standard_normal((PEOPLE, 2))
    log_odds = -2.5 + (SLOPE * usual if not bend else bend * usual**2)
    y = (generator.random(PEOPLE) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return {"usual": usual, "covariate": covariate, "first": days[:, 0], "second": days[:, 1], "y": y}


def logistic(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and their variances by Newton's method, written out: no code of the project."""
    beta = np.zeros(X.shape[1])
    for _ in range(12):
        mu = 1 / (1 + np.exp(-X @ beta))
        information = (X * (mu * (1 - mu))[:, None]).T @ X
        beta = beta + np.linalg.solve(information, X.T @ (y - mu))
    return beta, np.diag(np.linalg.inv(information))


def slope_on(x: np.ndarray, survey: dict[str, np.ndarray], *, covariate: bool = True) -> float:
    """Coefficient of x, beside the covariate if it is wanted."""
    columns = [x, survey["covariate"]] if covariate else [x]
    X = np.column_stack([np.ones(PEOPLE), *columns])
    return float(logistic(X, survey["y"])[0][1])


def assert_mean(values: list[float], truth: float, allowed: float = 0.0) -> None:
    """The mean over surveys is the truth up to a method's known bias and the Monte Carlo error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < allowed + MONTE_CARLO * error, (np.mean(values), truth, error)


def test_calibration_recovers_a_planted_slope_and_one_day_does_not() -> None:
    naive, corrected = [], []
    for seed in range(SURVEYS):
        survey = invented(seed)
        found = calibrate(survey["first"][:, None], survey["second"][:, None], survey["covariate"][:, None],
                          weights=(np.arange(PEOPLE) < PEOPLE // 3).astype(float))  # fmt: skip
        expected = found.predict(survey["first"][:, None], survey["covariate"][:, None])[:, 0]
        naive.append(slope_on(survey["first"], survey))
        corrected.append(slope_on(expected, survey))
    # given the covariate, 0.8 of T's variance is left: attenuation 0.8/1.8
    assert_mean(naive, SLOPE * 0.8 / 1.8, allowed=0.01)
    assert_mean(corrected, SLOPE, allowed=0.01)  # the logit's curvature leaves less than this
    assert np.mean(naive) < 0.6 * SLOPE


def test_attenuation_is_the_share_of_variance_between_people_given_the_covariates() -> None:
    survey = invented(1)
    found = calibrate(survey["first"][:, None], survey["second"][:, None], survey["covariate"][:, None],
                      weights=np.ones(PEOPLE))  # fmt: skip
    np.testing.assert_allclose(found.attenuation, 0.8 / 1.8, atol=4 * np.sqrt(1.5 / 1.8 / PEOPLE))


@pytest.mark.reference
def test_calibration_is_weighted_least_squares_by_its_normal_equations() -> None:
    survey, generator = invented(2), np.random.default_rng(2)
    weights = generator.random(PEOPLE) + 0.5
    X = np.column_stack([np.ones(PEOPLE), survey["first"], survey["covariate"]])
    by_hand = np.linalg.solve((X * weights[:, None]).T @ X, X.T @ (weights * survey["second"]))
    found = calibrate(
        survey["first"][:, None], survey["second"][:, None], survey["covariate"][:, None], weights=weights
    )
    np.testing.assert_allclose(found.coefficients[:, 0], by_hand, rtol=1e-9)


def test_people_without_a_second_day_are_left_out_by_weight_zero() -> None:
    survey = invented(3)
    second = np.where(np.arange(PEOPLE) < 1000, survey["second"], np.nan)[:, None]
    weights = np.isfinite(second[:, 0]).astype(float)
    found = calibrate(survey["first"][:, None], second, survey["covariate"][:, None], weights=weights)
    assert found.n == 1000
    with pytest.raises(DesignError, match="expected weight 0, or complete"):
        calibrate(survey["first"][:, None], second, survey["covariate"][:, None], weights=np.ones(PEOPLE))


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize("variance", [0.25, 1.0])
@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_simex_recovers_a_planted_slope_and_a_planted_u_as_far_as_its_extrapolant_can(bend, variance, degree) -> None:
    """A slope shrinks by a = 1/(1 + s² (1 + lambda)), a bend by a²: the polynomial's value at -1 is what is expected.

    With a quarter of the variance as error the quadratic falls short by 3 % of the slope and 9 % of the bend; with as
    much error as signal, by a quarter of the slope and half of the bend. It recovers no more than that.
    """
    position, truth = (2, bend) if bend else (1, SLOPE)
    lambdas = np.array(LAMBDAS)
    shrunk = (1 / (1 + variance * (1 + lambdas))) ** position
    expected = truth * np.polyval(np.polyfit(lambdas, shrunk, degree), -1.0)
    found = []
    for seed in range(20):
        survey = invented(seed, bend=bend)
        noise = np.random.default_rng(100 + seed).standard_normal(PEOPLE)

        def statistic(x: np.ndarray, y: np.ndarray = survey["y"]) -> tuple[np.ndarray, np.ndarray]:
            return logistic(np.column_stack([np.ones(PEOPLE), x, x**2]), y)

        result = simex(statistic, survey["usual"] + np.sqrt(variance) * noise, variance=variance,
                       to_scale=lambda x: x, from_scale=lambda x: x, draws=4, degrees=(degree,))  # fmt: skip
        found.append(result[degree].estimate[position])
    assert_mean(found, expected, allowed=LOGIT * truth)


@pytest.mark.reference
def test_simex_is_exact_where_the_extrapolant_is_right() -> None:
    """E[x²] under added error is a line in lambda: E[W²] - s² at -1, up to the draws' own spread."""
    x = np.random.default_rng(4).normal(3.0, 2.0, 500)

    def statistic(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([np.mean(values**2)]), np.array([np.var(values**2) / values.size])

    result = simex(statistic, x, variance=1.5, to_scale=lambda z: z, from_scale=lambda z: z, draws=400)[1]
    assert abs(result.estimate[0] - (np.mean(x**2) - 1.5)) < MONTE_CARLO * result.mc_error[0]


@pytest.mark.reference
def test_error_variance_is_half_the_variance_of_the_difference() -> None:
    first, second, weights = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 1.0]), np.array([1.0, 2.0, 1.0])
    assert error_variance(first, second, weights) == pytest.approx(0.5 * (0.25 * 2.25 + 0.5 * 0.25 + 0.25 * 6.25))


def survey_data(seed: int) -> tuple[CalibrationData, SurveyDesign]:
    """An invented survey of 60 PSUs in 30 strata with a planted U in usual intake."""
    survey = invented(seed, bend=0.3)
    psu = np.arange(PEOPLE) % 60
    design = SurveyDesign(psu // 2, psu % 2, np.ones(PEOPLE))
    data = CalibrationData(
        first=survey["first"][:, None], second=survey["second"][:, None], second_weights=np.ones(PEOPLE),
        covariates=survey["covariate"][:, None], y=survey["y"], weights=np.ones(PEOPLE), psu=design.psu_index, knots=4,
    )  # fmt: skip
    return data, design


def test_bootstrap_of_the_calibration_finds_a_planted_u_and_holding_it_is_more_certain() -> None:
    data, design = survey_data(5)
    drawn = bootstrap(design, replicates=300, seed=1)
    times = times_drawn(drawn, design)
    redone = bootstrap_slopes(data, times, factors=drawn.factors)
    held = bootstrap_slopes(data, times, factors=drawn.factors, held=True)
    assert redone.known.all()
    assert redone.statistic[0] < -2 < 2 < redone.statistic[1]
    np.testing.assert_array_equal(redone.estimate, held.estimate)
    np.testing.assert_allclose(redone.std_error, held.std_error, rtol=0.25)
    assert not np.array_equal(redone.replicates, held.replicates)


def test_bootstrap_does_not_depend_on_jobs() -> None:
    data, design = survey_data(6)
    drawn = bootstrap(design, replicates=120, seed=2)
    times = times_drawn(drawn, design)
    one, two = (bootstrap_slopes(data, times, factors=drawn.factors, jobs=jobs).replicates for jobs in (1, 2))
    np.testing.assert_array_equal(one, two)
