"""Imputation and selection on invented people whose truth is known."""

import numpy as np
import pytest
import scipy.stats

from analysis.stats.missing.imputation import combine, impute
from analysis.stats.missing.selection import inverse_probability_weights, selection_probabilities
from analysis.stats.sample.design import DesignError

MONTE_CARLO = 3.0
"""Standard errors of a mean over invented samples within which it must be of the truth."""

PEOPLE, SAMPLES = 2000, 20

LEAST_COVERED = 0.95 - MONTE_CARLO * np.sqrt(0.95 * 0.05 / SAMPLES)
"""Share of intervals of level 95 % that must hold the truth, up to the Monte Carlo error of a share."""


def logistic(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance by Newton's method, written out: no code of the project."""
    beta = np.zeros(X.shape[1])
    for _ in range(12):
        mu = 1 / (1 + np.exp(-X @ beta))
        inverse = np.linalg.inv((X * (mu * (1 - mu))[:, None]).T @ X)
        beta = beta + inverse @ X.T @ (y - mu)
    return beta, inverse


@pytest.mark.parametrize("truth", [(-1.0, 0.5, 0.0, 0.6, 0.5), (-1.0, 0.0, 0.3, 0.6, 0.5)], ids=["slope", "U"])
def test_a_planted_curve_is_recovered_where_covariates_are_missing_by_outcome_and_exposure(truth) -> None:
    """Log odds 1, t, t², x, d; number x and category d are missing at random given y and t, the exposure never is."""
    imputed, complete_cases, covered = [], [], 0
    for seed in range(SAMPLES):
        generator = np.random.default_rng(seed)
        t = generator.standard_normal(PEOPLE)
        x = 0.5 * t + generator.standard_normal(PEOPLE)
        d = (generator.random(PEOPLE) < 1 / (1 + np.exp(-0.5 * x))).astype(float)

        def columns(x: np.ndarray, d: np.ndarray, t: np.ndarray = t) -> np.ndarray:
            return np.column_stack([np.ones_like(t), t, t**2, x, d])

        y = (generator.random(PEOPLE) < 1 / (1 + np.exp(-columns(x, d) @ truth))).astype(float)
        lost = generator.random((2, PEOPLE)) < 1 / (1 + np.exp(1.5 - 0.8 * y - 0.5 * t))
        gappy = [np.where(gap, np.nan, values)[:, None] for gap, values in zip(lost, (x, d), strict=True)]
        chain = impute(gappy, np.column_stack([t, t**2, y]), imputations=5, seed=seed)
        found = [logistic(columns(done[0][:, 0], done[1][:, 0]), y) for done in chain]
        pooled = combine(np.array([one for one, _ in found]), np.array([V for _, V in found]), complete_df=PEOPLE - 5)
        imputed.append(pooled.estimate)
        kept = ~lost.any(axis=0)
        complete_cases.append(logistic(columns(x, d)[kept], y[kept])[0])
        half = scipy.stats.t.ppf(0.975, pooled.df) * np.sqrt(np.diag(pooled.vcov))
        covered += (np.abs(pooled.estimate - truth) < half).astype(float)
    off = np.abs(np.mean(imputed, axis=0) - truth) / (np.std(imputed, axis=0, ddof=1) / SAMPLES**0.5)
    assert np.all(off < MONTE_CARLO), off
    assert np.all(covered / SAMPLES >= LEAST_COVERED), covered
    lost_slope = np.array(complete_cases)[:, 1]
    assert abs(lost_slope.mean() - truth[1]) > MONTE_CARLO * lost_slope.std(ddof=1) / SAMPLES**0.5


def test_only_gaps_are_filled_and_only_with_values_that_somebody_has() -> None:
    generator = np.random.default_rng(1)
    level = generator.integers(0, 3, 300)
    category = np.column_stack([level == 1, level == 2]).astype(float)
    category[:40] = np.nan
    number = generator.integers(0, 9, 300).astype(float)[:, None]
    number[30:80] = np.nan
    predictors = np.column_stack([level + generator.standard_normal(300)])
    first, second = list(impute([category, number], predictors, imputations=2, seed=3))
    for known, done in ((category, first[0]), (number, first[1])):
        there = np.isfinite(known[:, 0])
        np.testing.assert_array_equal(done[there], known[there])
        assert np.isfinite(done).all()
    assert set(map(tuple, first[0])) <= {(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)}
    assert set(first[1][:, 0]) <= set(range(9))
    assert not np.array_equal(first[1], second[1])
    again = next(impute([category, number], predictors, imputations=1, seed=3))
    np.testing.assert_array_equal(again[1], first[1])


@pytest.mark.reference
def test_rubins_rules_by_hand() -> None:
    estimates = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, -1.0]])
    vcovs = np.stack([np.diag([4.0, 1.0])] * 3)
    pooled = combine(estimates, vcovs, complete_df=35)
    np.testing.assert_allclose(pooled.estimate, [2.0, 0.0])
    np.testing.assert_allclose(np.diag(pooled.vcov), [4 + 4 / 3, 1 + 4 / 3])
    share = (4 / 3) / (16 / 3)
    old, observed = 2 / share**2, 36 / 38 * 35 * (1 - share)
    np.testing.assert_allclose(pooled.df[0], old * observed / (old + observed))
    assert np.all(pooled.df < 35)


def test_without_any_spread_the_pooled_test_is_the_designs_own_f() -> None:
    estimates, V = np.tile([1.0, -2.0], (5, 1)), np.array([[2.0, 0.5], [0.5, 3.0]])
    statistic, df, p = combine(estimates, np.stack([V] * 5), complete_df=28).test(np.array([0, 1]))
    expected = float(estimates[0] @ np.linalg.solve(V, estimates[0])) / 2
    assert (statistic, df) == (pytest.approx(expected), 28.0)
    assert p == pytest.approx(scipy.stats.f.sf(expected, 2, 28))


def test_imputed_values_never_enter_the_variance_as_if_observed() -> None:
    """The pooled variance is at least the mean of the completed samples' own, by the spread between them."""
    estimates = np.random.default_rng(2).normal(size=(20, 3))
    pooled = combine(estimates, np.stack([np.eye(3)] * 20), complete_df=35)
    np.testing.assert_allclose(pooled.vcov - pooled.within, 1.05 * np.cov(estimates, rowvar=False))


@pytest.mark.parametrize(("column", "message"), [(np.full(30, np.nan), "predictor"), (np.zeros(30), "fewer than 20")])
def test_what_cannot_be_imputed_is_refused(column: np.ndarray, message: str) -> None:
    variable = np.full((30, 1), np.nan)
    variable[:5] = 1.0
    with pytest.raises(DesignError, match=message):
        next(impute([variable], column[:, None], imputations=1))


def test_weights_give_back_the_mean_of_everybody_where_selection_goes_by_what_is_known() -> None:
    generator = np.random.default_rng(3)
    x = generator.standard_normal(40_000)
    kept = generator.random(x.size) < 1 / (1 + np.exp(-0.5 - x))
    weights = inverse_probability_weights(kept, np.column_stack([np.ones_like(x), x]), weights=np.ones_like(x))
    error = np.sqrt(np.sum((weights * (x - x.mean())) ** 2)) / weights.sum()
    assert abs(np.average(x[kept], weights=weights[kept]) - x.mean()) < MONTE_CARLO * error
    assert x[kept].mean() - x.mean() > 0.2
    assert not weights[~kept].any()


def test_selection_that_did_not_happen_is_refused() -> None:
    with pytest.raises(DesignError, match="some of both"):
        selection_probabilities(np.ones(5, dtype=bool), np.ones((5, 1)), weights=np.ones(5))
