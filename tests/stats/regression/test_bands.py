import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.bands import CriticalValue, simultaneous_limits, sup_t_critical_value
from analysis.stats.sample.design import DesignError
from tests.arrays import reference_table

R_RTOL = 1e-3
"""Three digits: R's qmvt integrates at random and is asked for 1e-4 of probability (inference_reference.R)."""

ERRORS = 5
"""Numerical errors by which an integral may miss; each is estimated from eight scrambles only."""

CORRELATIONS = {
    "exchangeable": lambda m, rho: (1 - rho) * np.eye(m) + rho,
    "autoregressive": lambda m, rho: rho ** np.abs(np.subtract.outer(np.arange(m), np.arange(m))),
}

seeds = st.integers(0, 9999)


def spline_covariance(seed: int, points: int = 41) -> Array:
    """Covariance of an invented spline curve's log odds ratios against x = 240, one of its points."""
    spline = RestrictedCubicSpline(np.array([100.0, 200, 300, 500]))
    L = spline.basis(np.linspace(100, 660, points)) - spline.basis(np.array([240.0]))
    draws = np.random.default_rng(seed).normal(size=(40, 3)) / [100, 10, 1]
    return L @ (draws.T @ draws) @ L.T


def exchangeable_critical_value(m: int, rho: float, df: float) -> float:
    """95 % critical value by Gauss quadrature: given their shared factor and the scale, points are independent."""
    z, z_weight = np.polynomial.hermite_e.hermegauss(120)
    u, u_weight = np.polynomial.legendre.leggauss(120)
    scale = np.array([1.0]) if np.isinf(df) else np.sqrt(scipy.stats.chi2.ppf((1 + u) / 2, df) / df)
    scale_weight = np.array([1.0]) if np.isinf(df) else u_weight / 2

    def coverage(c: float) -> float:
        shared, half = np.sqrt(rho) * z, c * scale[:, None]
        inside = [scipy.stats.norm.cdf((sign * half - shared) / np.sqrt(1 - rho)) for sign in (1, -1)]
        return scale_weight @ (inside[0] - inside[1]) ** m @ z_weight / np.sqrt(2 * np.pi)

    return scipy.optimize.brentq(lambda c: coverage(c) - 0.95, 1, 10)


# ---- against R, quadrature and closed forms


@pytest.mark.reference
@pytest.mark.parametrize("case", range(18))
def test_critical_value_matches_r_qmvt(case: int) -> None:
    row = reference_table("inference/sup_t").iloc[case]
    correlation = CORRELATIONS[row["pattern"]](int(row["m"]), row["rho"])
    found = sup_t_critical_value(correlation, df=row["df"], conf_level=row["level"])
    np.testing.assert_allclose(found.value, row["value"], rtol=R_RTOL)


def test_every_case_of_r_is_compared() -> None:
    assert len(reference_table("inference/sup_t")) == 18


@pytest.mark.reference
@pytest.mark.parametrize("df", [6, 40, np.inf])
@pytest.mark.parametrize(("m", "rho"), [(2, 0.3), (3, 0.5), (5, 0.5), (8, 0.3)])
def test_critical_value_is_that_of_a_quadrature_within_its_stated_error(m: int, rho: float, df: float) -> None:
    found = sup_t_critical_value(CORRELATIONS["exchangeable"](m, rho), df=df)
    assert 0 < found.error < 2e-3 * found.value
    assert abs(found.value - exchangeable_critical_value(m, rho, df)) < ERRORS * found.error


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("df", [3, 40, np.inf])
def test_critical_value_of_one_point_is_the_t_quantile_exactly(df: float, level: float) -> None:
    found = sup_t_critical_value(np.array([[4.0]]), df=df, conf_level=level)
    expected = scipy.stats.norm.ppf((1 + level) / 2) if np.isinf(df) else scipy.stats.t.ppf((1 + level) / 2, df)
    assert (found.value, found.error, found.points, found.rank) == (expected, 0.0, 1, 1)


def test_critical_value_of_perfectly_correlated_points_is_the_t_quantile_exactly() -> None:
    slopes = np.array([-2.0, 0.5, 0.0, 3.0])  # a straight line against its third point
    found = sup_t_critical_value(np.outer(slopes, slopes), df=12)
    assert (found.value, found.error, found.points, found.rank) == (scipy.stats.t.ppf(0.975, 12), 0.0, 3, 1)


@pytest.mark.reference
@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_critical_value_of_independent_normal_points_is_sidaks(m: int) -> None:
    found = sup_t_critical_value(np.diag(np.arange(1.0, m + 1)), df=np.inf)
    sidak = scipy.stats.norm.ppf((1 + 0.95 ** (1 / m)) / 2)
    assert abs(found.value - sidak) < ERRORS * found.error
    np.testing.assert_allclose(found.value, sidak, rtol=1e-3)


def test_critical_value_covers_a_curve_in_its_share_of_independent_draws() -> None:
    vcov, df, draws = spline_covariance(3), 30, 200_000
    found = sup_t_critical_value(vcov, df=df)
    rng = np.random.default_rng(11)
    std_error = np.sqrt(np.diag(vcov))
    values, vectors = np.linalg.eigh(vcov)
    factor = (vectors * np.sqrt(np.maximum(values, 0)))[:, -3:]
    curves = rng.standard_normal((draws, 3)) @ factor[std_error > 0].T / std_error[std_error > 0]
    t = np.max(np.abs(curves), axis=1) / np.sqrt(rng.chisquare(df, draws) / df)
    assert np.mean(t <= found.value) == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / draws))


# ---- properties


@given(seeds, st.integers(2, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_sup_t_lies_between_pointwise_and_both_scheffe_and_bonferroni(seed: int, df: int, level: float) -> None:
    found = sup_t_critical_value(spline_covariance(seed), df=df, conf_level=level)
    scheffe = np.sqrt(found.rank * scipy.stats.f.ppf(level, found.rank, df))
    bonferroni = scipy.stats.t.ppf(1 - (1 - level) / (2 * found.points), df)
    assert (found.rank, found.points) == (3, 40)  # of 41, one is the reference
    assert found.pointwise == scipy.stats.t.ppf((1 + level) / 2, df)
    assert found.pointwise < found.value < min(scheffe, bonferroni)


@given(seeds)
def test_units_signs_and_order_of_the_points_do_not_matter(seed: int) -> None:
    rng, vcov = np.random.default_rng(seed), spline_covariance(seed)
    factor = rng.choice([-1, 1], size=len(vcov)) * 10 ** rng.uniform(-3, 3, size=len(vcov))
    order = rng.permutation(len(vcov))
    moved = (vcov * np.outer(factor, factor))[np.ix_(order, order)]
    found, expected = sup_t_critical_value(moved, df=20), sup_t_critical_value(vcov, df=20)
    assert abs(found.value - expected.value) < ERRORS * np.hypot(found.error, expected.error)


@given(seeds)
def test_the_reference_point_and_repeated_points_do_not_matter(seed: int) -> None:
    vcov = spline_covariance(seed)
    wide = np.flatnonzero(np.diag(vcov) > 0)
    found = sup_t_critical_value(vcov[np.ix_(wide, wide)], df=20)
    again = np.append(wide, wide[:5])
    repeated = sup_t_critical_value(vcov[np.ix_(again, again)], df=20)
    assert found.value == sup_t_critical_value(vcov, df=20).value
    assert abs(repeated.value - found.value) < ERRORS * np.hypot(found.error, repeated.error)


def test_the_same_covariance_gives_the_same_value_to_the_last_digit() -> None:
    vcov = spline_covariance(5)
    assert sup_t_critical_value(vcov, df=20) == sup_t_critical_value(vcov.copy(), df=20)


def test_critical_value_falls_to_the_normal_one_as_df_grow() -> None:
    vcov = spline_covariance(5)
    values = [sup_t_critical_value(vcov, df=df).value for df in (3, 10, 40, 1e9, np.inf)]
    assert values[0] > values[1] > values[2] > values[3]
    assert values[3] == pytest.approx(values[4], rel=1e-6)


def test_simultaneous_limits_are_symmetric_and_have_no_width_at_the_reference() -> None:
    critical = CriticalValue(3.0, 0.0, 2.0, 2, 2, 20, 0.95)
    low, high = simultaneous_limits(np.array([0.0, 1.0]), np.array([0.0, 0.5]), critical=critical)
    np.testing.assert_array_equal((low, high), [[0.0, -0.5], [0.0, 2.5]])


# ---- refusals


@pytest.mark.parametrize(
    ("vcov", "message"),
    [
        (np.ones((2, 3)), r"covariance \(2, 3\): expected a square matrix"),
        (np.ones(3), r"covariance \(3,\)"),
        (np.array([[np.nan]]), "without missing values"),
        (np.zeros((2, 2)), "no point of the curve has a positive variance"),
    ],
    ids=["not square", "vector", "missing", "no width"],
)
def test_a_covariance_that_is_none_is_refused(vcov: Array, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        sup_t_critical_value(vcov, df=10)


@pytest.mark.parametrize(("df", "level"), [(0, 0.95), (-1, 0.95), (np.nan, 0.95), (10, 95), (10, 0)])
def test_a_level_or_df_out_of_range_is_refused(df: float, level: float) -> None:
    with pytest.raises(DesignError, match="expected df above 0 and a level between 0 and 1"):
        sup_t_critical_value(np.eye(2), df=df, conf_level=level)
