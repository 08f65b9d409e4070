import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import LinearFit, coefficient_influence, fit_linear
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.descriptives import domain_means, weighted_mean
from analysis.stats.sample.design import DesignError, domain_of, taylor_vcov
from tests.arrays import (
    R_POLICIES,
    R_STUDIES,
    Sample,
    assert_inference_is,
    clustered_sample,
    jackknife_vcov,
    of_study,
    r_sample,
)
from tests.reference_people import r_people

R_RTOL = 1e-8
"""Both solve the same linear equations by orthogonal decomposition."""

SAME_FIT = 1e-9
"""Share of a standard error by which two fits of one sample may differ."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)


def r_linear_fit(study_id: str) -> LinearFit:
    """Our fit of z on x, its square and y in one of R's domains."""
    sample, policies, people = r_sample(study_id), R_POLICIES.get(study_id, {}), r_people(study_id)
    X = np.column_stack([np.ones(len(people)), people[["x", "x_squared", "y"]]])
    design, domain = sample.design(**policies), sample.domain(**policies)
    terms = ("intercept", "x", "x_squared", "y")
    z = people["z"].to_numpy()
    return fit_linear(X[domain.rows], z[domain.rows], design=design, domain=domain, terms=terms)


def linear(sample: Sample, y: Array | None = None) -> LinearFit:
    """Fit height, which depends on x and group, or another outcome."""
    outcome = (height(sample) if y is None else y)[sample.inside]
    return fit_linear(sample.columns, outcome, design=sample.design(), domain=sample.domain(), terms=sample.terms)


def height(sample: Sample) -> Array:
    return 170 + 3 * sample.X[:, 1] - 5 * sample.X[:, 2] + 4 * sample.y


def assert_same_inference(found: LinearFit, expected: LinearFit) -> None:
    std_error = np.sqrt(np.diag(expected.vcov))
    assert np.max(np.abs(found.beta - expected.beta) / std_error) < SAME_FIT
    assert np.max(np.abs(found.vcov - expected.vcov) / np.outer(std_error, std_error)) < SAME_FIT
    assert (found.terms, found.residual_df) == (expected.terms, expected.residual_df)


# ---- agreement with R


@pytest.mark.reference
@studies
def test_coefficients_and_their_inference_match_r_svyglm(study_id: str) -> None:
    ours, theirs = r_linear_fit(study_id).to_frame(), of_study("descriptives/linear_fits", study_id)
    assert_inference_is(ours, theirs, rtol=R_RTOL)


@pytest.mark.reference
@studies
def test_full_covariance_matches_r_svyglm(study_id: str) -> None:
    fit = r_linear_fit(study_id)
    std_error = np.sqrt(np.diag(fit.vcov))
    theirs = of_study("descriptives/linear_vcov", study_id)
    assert len(theirs) == 10
    for row in theirs.itertuples():
        i, j = fit.index((row.row, row.col))
        assert abs(fit.vcov[i, j] - row.value) < R_RTOL * std_error[i] * std_error[j]


@pytest.mark.reference
@studies
def test_dispersion_and_count_match_r_svyglm(study_id: str) -> None:
    fit, theirs = r_linear_fit(study_id), of_study("descriptives/linear_dispersion", study_id).iloc[0]
    assert fit.n == theirs["n"]
    np.testing.assert_allclose(fit.dispersion, theirs["dispersion"], rtol=R_RTOL)


# ---- agreement with other calculations


@pytest.mark.reference
def test_intercept_alone_is_the_weighted_mean_with_its_error() -> None:
    sample = clustered_sample(8).without(("x", "group", "place"))
    fit = linear(sample, sample.y)
    mean = weighted_mean(sample.y, design=sample.design(), domain=sample.domain())
    np.testing.assert_allclose((fit.beta[0], fit.vcov[0, 0]), (mean.estimate, mean.std_error**2), rtol=1e-12)


@pytest.mark.reference
def test_indicator_is_the_difference_between_two_domains() -> None:
    sample = clustered_sample(8).without(("x", "place"))
    design, group = sample.design(), sample.X[:, 1] == 1
    domains = {name: domain_of(design, sample.rows & who) for name, who in (("in", group), ("out", ~group))}
    y = 170 - 5 * sample.X[:, 1] + 4 * sample.y
    fit = linear(sample, y)
    difference = domain_means(y, design=design, domains=domains).contrast({"in": 1, "out": -1})
    expected = (difference.estimate, difference.std_error)
    np.testing.assert_allclose((fit.beta[1], math.sqrt(fit.vcov[1, 1])), expected, rtol=1e-10)
    assert wald_test(fit, ("group",)).statistic == pytest.approx((expected[0] / expected[1]) ** 2)


def test_point_estimates_are_those_of_weighted_least_squares() -> None:
    sample = clustered_sample(5)
    rows = sample.rows
    model = sm.WLS(height(sample)[rows], sample.X[rows], weights=sample.weights[rows]).fit()
    np.testing.assert_allclose(linear(sample).beta, model.params, rtol=1e-10)


def test_naive_covariance_is_that_of_least_squares_without_its_scale() -> None:
    sample = clustered_sample(5)
    rows = sample.rows
    weights = sample.weights[rows] / sample.weights[rows].mean()
    model = sm.WLS(height(sample)[rows], sample.X[rows], weights=weights).fit()
    np.testing.assert_allclose(linear(sample).naive_vcov, model.normalized_cov_params, rtol=1e-9, atol=1e-14)


def test_taylor_covariance_is_near_the_jackknife() -> None:
    sample = clustered_sample(5, psus_in_stratum=(4,) * 10)
    expected = np.sqrt(np.diag(jackknife_vcov(sample, lambda s: linear(s).beta)))
    np.testing.assert_allclose(np.sqrt(np.diag(linear(sample).vcov)), expected, rtol=0.1)


def test_influence_values_give_the_covariance() -> None:
    sample = clustered_sample(5)
    design, fit = sample.design(), linear(sample)
    y = height(sample)[sample.inside]
    influence = coefficient_influence(fit, sample.columns, y, design=design, domain=sample.domain())
    np.testing.assert_allclose(taylor_vcov(influence, design), fit.vcov, rtol=1e-10, atol=1e-14)


def test_fitted_means_are_the_linear_predictor() -> None:
    fit = linear(clustered_sample(5))
    assert fit.mean(np.array([[1.0, 0, 0, 0], [1, 2, 1, 0]])).tolist() == pytest.approx(
        [fit.beta[0], fit.beta[0] + 2 * fit.beta[1] + fit.beta[2]]
    )


# ---- properties


@given(seed=seeds)
def test_scaling_the_weights_changes_nothing(seed: int) -> None:
    sample = clustered_sample(seed)
    scaled = linear(replace(sample, weights=sample.weights / 1000))
    assert_same_inference(scaled, linear(sample))
    assert scaled.dispersion == pytest.approx(linear(sample).dispersion, rel=1e-9)


@given(seed=seeds)
def test_order_of_rows_changes_nothing(seed: int) -> None:
    sample = clustered_sample(seed)
    shuffled = sample.take(np.random.default_rng(seed).permutation(sample.y.size))
    assert_same_inference(linear(shuffled), linear(sample))


@given(seed=seeds)
def test_splitting_records_into_half_weights_changes_nothing(seed: int) -> None:
    sample = clustered_sample(seed)
    split = replace(sample, weights=sample.weights / 2).take(np.repeat(np.arange(sample.y.size), 2))
    assert_same_inference(linear(split), linear(sample))


@given(seed=seeds)
def test_outside_the_domain_equals_weight_zero(seed: int) -> None:
    sample = clustered_sample(seed)
    everybody = np.ones(sample.rows.size, dtype=bool)
    unweighted = replace(sample, weights=np.where(sample.rows, sample.weights, 0.0), rows=everybody)
    assert_same_inference(linear(unweighted), linear(sample))


@given(seed=seeds, unit=st.sampled_from([1e-6, 1e-3, 1e3, 1e6]))
def test_another_unit_of_a_column_divides_its_coefficient(seed: int, unit: float) -> None:
    sample = clustered_sample(seed)
    column = np.array([1, unit, 1, 1])
    found = linear(replace(sample, X=sample.X * column), height(sample))
    found = replace(found, beta=found.beta * column, vcov=found.vcov * np.outer(column, column))
    assert_same_inference(found, linear(sample))


def test_rows_outside_the_domain_are_not_read() -> None:
    sample = clustered_sample(2)
    X, y = (np.where(sample.rows.reshape(shape), a, np.nan)
            for a, shape in ((sample.X, (-1, 1)), (height(sample), (-1,))))  # fmt: skip
    assert_same_inference(linear(replace(sample, X=X), y), linear(sample))


# ---- refusals


def test_a_column_that_repeats_others_is_refused_by_name() -> None:
    sample = clustered_sample(1)
    X = np.column_stack([sample.X, sample.X[:, 1] + sample.X[:, 2]])
    with pytest.raises(ConvergenceError, match="sum: nothing is left of this column"):
        linear(replace(sample, X=X, terms=(*sample.terms, "sum")), sample.y)


@pytest.mark.parametrize("place", ["X", "y"])
def test_missing_values_in_the_domain_are_refused(place: str) -> None:
    sample = clustered_sample(1)
    person = np.flatnonzero(sample.rows)[0]
    X, y = sample.X.copy(), height(sample)
    (X if place == "X" else y)[person] = np.nan
    with pytest.raises(ConvergenceError, match="missing values inside the domain: expected complete cases"):
        linear(replace(sample, X=X), y)


def test_an_outcome_that_does_not_vary_is_refused() -> None:
    sample = clustered_sample(1)
    with pytest.raises(ConvergenceError, match="the outcome is 3 for all .* people: expected it to vary"):
        linear(sample, np.full(sample.y.size, 3.0))


def test_too_few_degrees_of_freedom_are_refused() -> None:
    sample = clustered_sample(1, psus_in_stratum=(2, 2, 2))
    with pytest.raises(DesignError, match="4 coefficients on 6 PSUs in 3 strata leave no residual degree of freedom"):
        linear(sample)


def test_arrays_that_disagree_are_refused() -> None:
    sample = clustered_sample(1)
    design, domain, y = sample.design(), sample.domain(), height(sample)[sample.inside]
    with pytest.raises(DesignError, match=rf"expected \({domain.n}, 4\) and \({domain.n},\), the rows of the domain"):
        fit_linear(sample.columns, y[1:], design=design, domain=domain, terms=sample.terms)
