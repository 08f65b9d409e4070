"""Planted curves of usual intake, measured with error on one day: what is recovered, within Monte Carlo error."""

import numpy as np
import pytest

from analysis.stats.measurement.regression_calibration import (
    CalibratedSlopes,
    CalibrationData,
    bootstrap_slopes,
    calibrate,
)
from analysis.stats.measurement.simex import LAMBDAS, error_variance, simex
from analysis.stats.sample.design import DesignError, SurveyDesign
from analysis.stats.sample.replicates import bootstrap, times_drawn

MONTE_CARLO = 3.0
"""Standard errors of a mean over surveys within which it must be of the truth."""

PEOPLE, SURVEYS = 4000, 40
SLOPE, BEND = 0.5, 0.3


def invented(seed: int, *, bend: float = 0.0, binary: bool = False) -> dict[str, np.ndarray]:
    """Usual intake T ~ N(0, 1), a covariate that goes with it, two days T + N(0, 1), and an outcome of T.

    The outcome is linear in T, or in T² where there is a bend: then a method's expectation is known exactly. A binary
    one has the log odds of the same curve less 2.5.
    """
    generator = np.random.default_rng(seed)
    usual = generator.standard_normal(PEOPLE)
    covariate = 0.5 * usual + generator.standard_normal(PEOPLE)
    days = usual[:, None] + generator.standard_normal((PEOPLE, 2))
    height = bend * usual**2 if bend else SLOPE * usual
    if binary:
        y = (generator.random(PEOPLE) < 1 / (1 + np.exp(2.5 - height))).astype(float)
    else:
        y = height + generator.standard_normal(PEOPLE)
    return {"usual": usual, "covariate": covariate, "first": days[:, 0], "second": days[:, 1], "y": y}


def least_squares(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and their variances, written out: no code of the project."""
    inverse = np.linalg.inv(X.T @ X)
    beta = inverse @ X.T @ y
    return beta, np.diag(inverse) * np.sum((y - X @ beta) ** 2) / (len(y) - X.shape[1])


def assert_mean(values: list[float], truth: float) -> None:
    """The mean over surveys is the truth up to its Monte Carlo error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < MONTE_CARLO * error, (np.mean(values), truth, error)


def assert_mean_off(values: list[float], truth: float) -> None:
    """The mean over surveys is not the truth, by more than its Monte Carlo error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) > MONTE_CARLO * error, (np.mean(values), truth, error)


@pytest.mark.parametrize(("bend", "position", "truth"), [(0.0, 1, SLOPE), (BEND, 2, BEND)], ids=["slope", "U"])
def test_calibration_recovers_a_planted_slope_and_a_planted_u_and_one_day_does_not(bend, position, truth) -> None:
    """E[T | W, Z] is linear and the variance about it constant, so that E[T²] is its square and a constant."""
    naive, corrected = [], []
    for seed in range(SURVEYS):
        survey = invented(seed, bend=bend)
        found = calibrate(survey["first"][:, None], survey["second"][:, None], survey["covariate"][:, None],
                          weights=(np.arange(PEOPLE) < PEOPLE // 3).astype(float))  # fmt: skip
        expected = found.predict(survey["first"][:, None], survey["covariate"][:, None])[:, 0]
        for x, estimates in ((survey["first"], naive), (expected, corrected)):
            X = np.column_stack([np.ones(PEOPLE), x, x**2, survey["covariate"]])
            estimates.append(least_squares(X, survey["y"])[0][position])
    assert_mean(corrected, truth)
    assert_mean_off(naive, truth)


def test_attenuation_is_the_share_of_variance_between_people_given_the_covariates() -> None:
    survey = invented(1)
    found = calibrate(survey["first"][:, None], survey["second"][:, None], survey["covariate"][:, None],
                      weights=np.ones(PEOPLE))  # fmt: skip
    np.testing.assert_allclose(
        found.attenuation, 0.8 / 1.8, atol=MONTE_CARLO * np.sqrt((1.8 - 0.8**2 / 1.8) / 1.8 / PEOPLE)
    )


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


def continued(bend: float, variance: float, degree: int) -> tuple[list[float], list[float]]:
    """Coefficient of T or T² over surveys, continued by SIMEX and as one day gives it."""
    position = 2 if bend else 1
    found, naive = [], []
    for seed in range(SURVEYS // 2):
        survey = invented(seed, bend=bend)
        noise = np.random.default_rng(100 + seed).standard_normal(PEOPLE)

        def statistic(x: np.ndarray, y: np.ndarray = survey["y"]) -> tuple[np.ndarray, np.ndarray]:
            return least_squares(np.column_stack([np.ones(PEOPLE), x, x**2]), y)

        result = simex(statistic, survey["usual"] + np.sqrt(variance) * noise, variance=variance,
                       to_scale=lambda x: x, from_scale=lambda x: x, draws=4, degrees=(degree,))  # fmt: skip
        found.append(result[degree].estimate[position])
        naive.append(result[degree].path[0, position])
    return found, naive


@pytest.mark.parametrize(("bend", "truth"), [(0.0, SLOPE), (BEND, BEND)], ids=["slope", "U"])
def test_simex_recovers_a_planted_slope_and_a_planted_u_under_a_small_error(bend, truth) -> None:
    """With a twentieth of the variance as error the quadratic's own bias is below a thousandth."""
    found, naive = continued(bend, 0.05, 2)
    assert_mean(found, truth)
    assert_mean_off(naive, truth)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize("variance", [0.25, 1.0])
@pytest.mark.parametrize(("bend", "truth"), [(0.0, SLOPE), (BEND, BEND)], ids=["slope", "U"])
def test_simex_falls_short_of_the_truth_by_what_its_extrapolant_cannot_follow(bend, truth, variance, degree) -> None:
    """A slope shrinks by a = 1/(1 + s² (1 + lambda)), a bend by a²: the fitted polynomial's value at -1 is expected."""
    lambdas = np.array(LAMBDAS)
    shrunk = (1 / (1 + variance * (1 + lambdas))) ** (2 if bend else 1)
    expected = truth * np.polyval(np.polyfit(lambdas, shrunk, degree), -1.0)
    found, naive = continued(bend, variance, degree)
    assert_mean(found, expected)
    assert_mean(naive, truth * shrunk[0])
    assert shrunk[0] * truth < expected < truth


@pytest.mark.reference
def test_simex_of_a_slope_under_as_much_error_as_signal_is_three_quarters_by_hand() -> None:
    """With error and signal of variance 1 the slope is 1/(2 + lambda), at lambdas 0, 0.5, ... 2.

    With u = -2, ... 2 for these, and -4 for -1, least squares give a line the weights 1/5 - 4 u/10 and a parabola
    1/5 - 4 u/10 + (16 - 2)(u² - 2)/14: 3, -0.4, -1.8, -1.2 and 1.4.
    """
    slopes = {0.0: 1 / 2, 0.5: 1 / 2.5, 1.0: 1 / 3, 1.5: 1 / 3.5, 2.0: 1 / 4}
    asked: list[np.ndarray] = []

    def statistic(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(x)
        place = (len(asked) - 2) % 4 + 1 if len(asked) > 1 else 0
        return np.array([list(slopes.values())[place]]), np.array([0.25])

    found = simex(statistic, np.zeros(9), variance=4.0, to_scale=lambda z: z, from_scale=lambda z: z, draws=2)
    assert found[2].estimate[0] == pytest.approx(3 / 2 - 0.4 / 2.5 - 1.8 / 3 - 1.2 / 3.5 + 1.4 / 4, rel=1e-12)
    assert found[2].estimate[0] == pytest.approx(0.747, abs=5e-4)
    assert found[1].estimate[0] == pytest.approx(1 / 2 + 0.6 / 2.5 + 0.2 / 3 - 0.2 / 3.5 - 0.6 / 4, rel=1e-12)
    # One normal number a person and draw, of whose variance the lambdas are multiples.
    for draw in (asked[1:5], asked[5:9]):
        for x, step in zip(draw, list(slopes)[1:], strict=True):
            np.testing.assert_allclose(x, np.sqrt(step / 2) * draw[-1], rtol=1e-12)
    assert not np.allclose(asked[1], asked[5])


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


def survey_data(seed: int, *, both: int = PEOPLE) -> tuple[CalibrationData, SurveyDesign]:
    """An invented survey of 60 PSUs in 30 strata with a planted U in usual intake, and a second day of some."""
    survey = invented(seed, bend=BEND, binary=True)
    psu = np.arange(PEOPLE) % 60
    design = SurveyDesign(psu // 2, psu % 2, np.ones(PEOPLE))
    data = CalibrationData(
        first=survey["first"][:, None], second=survey["second"][:, None],
        second_weights=(np.arange(PEOPLE) < both).astype(float), covariates=survey["covariate"][:, None], y=survey["y"],
        weights=np.ones(PEOPLE), psu=design.psu_index, knots=4,
    )  # fmt: skip
    return data, design


def bootstrapped(seed: int, *, replicates: int, both: int = PEOPLE, held: bool = False) -> CalibratedSlopes:
    data, design = survey_data(seed, both=both)
    drawn = bootstrap(design, replicates=replicates, seed=seed)
    return bootstrap_slopes(data, times_drawn(drawn, design), factors=drawn.factors, held=held)


def test_bootstrap_of_the_calibration_finds_a_planted_u_with_the_error_that_surveys_have() -> None:
    found = [bootstrapped(seed, replicates=50) for seed in range(SURVEYS)]
    slopes = np.array([one.estimate for one in found])
    assert np.all(slopes.mean(axis=0) * [-1, 1] > MONTE_CARLO * slopes.std(axis=0, ddof=1) / SURVEYS**0.5)
    share = np.mean([one.std_error**2 for one in found], axis=0) / slopes.var(axis=0, ddof=1)
    assert np.all(np.abs(share - 1) < MONTE_CARLO * np.sqrt(2 / (SURVEYS - 1))), share


def test_holding_the_calibration_leaves_its_error_out() -> None:
    redone, held = (bootstrapped(5, replicates=400, both=200, held=way) for way in (False, True))
    assert redone.known.all()
    np.testing.assert_array_equal(redone.estimate, held.estimate)
    assert np.sum(redone.std_error**2) > np.sum(held.std_error**2)
    np.testing.assert_array_equal(bootstrapped(5, replicates=400, both=200).replicates, redone.replicates)
