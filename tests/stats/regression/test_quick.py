"""Many models under one design: each is the careful single fit, or fails with that one's reason."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression import quick as many
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.quick import Regression, fit_in_turn, fit_quickly
from analysis.stats.sample.design import DesignError, domain_of
from tests.arrays import Sample, clustered_sample

SAME = 1e-10
"""Share of a standard error, or of the product of two, by which a quick and a careful fit may differ."""

seeds = st.integers(0, 9999)


def model_of(sample: Sample) -> Regression:
    domain = sample.domain()
    return Regression(sample.X[domain.rows], sample.y[domain.rows], domain, sample.terms)


def with_spline(sample: Sample, knots) -> Sample:
    basis = RestrictedCubicSpline(np.array(knots)).basis(sample.X[:, 1])
    X = np.hstack([sample.X[:, :1], basis, sample.X[:, 2:]])
    return replace(sample, X=X, terms=("intercept", "x", "x_s1", "x_s2", "group", "place"))


def assert_same(ours, theirs):
    assert_same_coefficients(ours, theirs)
    assert ours.deviance == pytest.approx(theirs.deviance, rel=1e-12)


def assert_same_coefficients(ours, theirs):
    std_error = np.sqrt(np.diag(theirs.vcov))
    assert np.max(np.abs((ours.beta - theirs.beta) / std_error)) < SAME
    assert np.max(np.abs((ours.vcov - theirs.vcov) / np.outer(std_error, std_error))) < SAME
    naive = np.sqrt(np.diag(theirs.naive_vcov))
    assert np.max(np.abs((ours.naive_vcov - theirs.naive_vcov) / np.outer(naive, naive))) < SAME
    same = ("terms", "n", "cases", "n_psu", "n_strata", "residual_df")
    assert all(getattr(ours, name) == getattr(theirs, name) for name in same)


@given(seeds)
def test_a_quick_fit_is_the_careful_fit(seed):
    sample = clustered_sample(seed)
    assert_same(fit_quickly(model_of(sample), sample.design()), sample.fit())


@given(seeds)
def test_each_of_many_models_is_the_careful_fit(seed):
    sample = clustered_sample(seed, psus_in_stratum=(5, 5, 5))
    rng = np.random.default_rng(seed)
    samples = [with_spline(sample, np.sort(rng.uniform(-2, 2, 4)) + [0, 0.2, 0.4, 0.6]) for _ in range(3)]
    samples += [replace(sample, y=1 - sample.y), replace(sample, rows=sample.X[:, 2] == 0).without(("group",))]
    fits = fit_in_turn((model_of(one) for one in samples), sample.design())
    for fit, one in zip(fits, samples, strict=True):
        if isinstance(fit, ConvergenceError):  # knots beyond the data: now and then somebody alone tells a coefficient
            with pytest.raises(ConvergenceError):
                one.fit()
            continue
        assert_same(fit, one.fit())


def test_the_quick_way_is_taken(monkeypatch):
    def careful(*_, **__):
        raise AssertionError("careful fit of an easy model")

    monkeypatch.setattr(many, "fit_logistic", careful)
    sample = clustered_sample(3)
    assert fit_quickly(model_of(sample), sample.design()).n == sample.rows.sum()


@given(seeds)
def test_rows_may_stand_in_any_order(seed):
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(len(sample.y))
    columns = ("X", "y", "weights", "strata", "psu", "rows")
    shuffled = replace(sample, **{name: getattr(sample, name)[order] for name in columns})
    assert_same(fit_quickly(model_of(shuffled), shuffled.design()), sample.fit())


@pytest.mark.parametrize(("near", "scale"), [(1e-3, 1.0), (1.0, 1e25)])
def test_columns_that_are_too_alike_or_too_large_for_single_precision_are_still_fitted_quickly(
    near, scale, monkeypatch
):
    monkeypatch.setattr(many, "fit_logistic", None)
    sample = clustered_sample(4)
    other = scale * (sample.X[:, 1] + near * np.random.default_rng(1).normal(size=len(sample.y)))
    wider = replace(sample, X=np.column_stack([sample.X, other]), terms=(*sample.terms, "other"))
    assert_same(fit_quickly(model_of(wider), wider.design()), wider.fit())


def test_what_a_thread_fitted_before_leaves_no_trace():
    small, large = clustered_sample(4), clustered_sample(5, people=40)
    alone = fit_quickly(model_of(small), small.design())
    fit_quickly(model_of(with_spline(large, [-1, 0, 0.5, 1])), large.design())
    after = fit_quickly(model_of(small), small.design())
    np.testing.assert_array_equal(after.vcov, alone.vcov)


def separated(sample: Sample) -> Sample:
    return replace(sample, X=np.column_stack([sample.X, sample.y]), terms=(*sample.terms, "outcome_itself"))


def redundant(sample: Sample) -> Sample:
    return replace(sample, X=np.column_stack([sample.X, 2 * sample.X[:, 2]]), terms=(*sample.terms, "twice"))


def constant_outcome(sample: Sample) -> Sample:
    return replace(sample, y=np.zeros_like(sample.y))


def missing_value(sample: Sample) -> Sample:
    X = sample.X.copy()
    X[np.flatnonzero(sample.rows)[3], 1] = np.nan
    return replace(sample, X=X)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (separated, "separation"),
        (redundant, "twice: nothing is left of this column"),
        (constant_outcome, "the outcome is 0 for all"),
        (missing_value, "missing values"),
    ],
)
def test_a_model_without_an_estimate_is_reported_with_its_reason_and_the_others_go_on(spoil, reason):
    sample = clustered_sample(4)
    first, error, last = fit_in_turn([model_of(one) for one in (sample, spoil(sample), sample)], sample.design())
    assert isinstance(error, AnalysisError)
    assert reason in str(error)
    assert_same(first, sample.fit())
    assert_same(last, sample.fit())


def test_a_nearly_redundant_column_is_left_to_the_careful_fit():
    sample = clustered_sample(4)
    noise = np.random.default_rng(1).normal(size=len(sample.y))
    near = replace(
        sample, X=np.column_stack([sample.X, sample.X[:, 1] + 3e-6 * noise]), terms=(*sample.terms, "nearly_x")
    )
    np.testing.assert_array_equal(fit_quickly(model_of(near), near.design()).beta, near.fit().beta)


def test_arrays_that_are_not_the_domains_rows_are_refused():
    sample = clustered_sample(5)
    domain = sample.domain()
    whole = Regression(sample.X, sample.y, domain, sample.terms)
    with pytest.raises(DesignError, match=r"expected \(\d+, 4\) and \(\d+,\), the rows of the domain only"):
        fit_quickly(whole, sample.design())


def test_a_domain_of_another_design_is_refused():
    sample, other = clustered_sample(5), clustered_sample(5, people=10)
    with pytest.raises(DesignError, match="domain of"):
        fit_quickly(model_of(other), sample.design())


def test_too_few_psus_for_the_model_are_refused_as_by_the_single_fit():
    sample = clustered_sample(5, psus_in_stratum=(2, 2))
    with pytest.raises(DesignError, match="leave no residual degree of freedom"):
        fit_quickly(model_of(sample), sample.design())


def test_no_models_give_no_fits():
    assert fit_in_turn([], clustered_sample(1).design()) == []


def test_one_domain_may_be_declared_twice():
    sample = clustered_sample(6)
    design = sample.design()
    again = replace(model_of(sample), domain=domain_of(design, sample.rows))
    first, second = fit_in_turn([model_of(sample), again], design)
    np.testing.assert_allclose(first.beta, second.beta, rtol=1e-12)


@given(seeds)
def test_quick_coefficients_are_those_of_the_fit(seed):
    sample = clustered_sample(seed)
    rows = sample.domain().rows
    beta = many.quick_estimate(sample.X[rows], sample.y[rows], sample.weights[rows])
    fit = sample.fit()
    assert np.max(np.abs(beta - fit.beta) / np.sqrt(np.diag(fit.vcov))) < SAME


def test_no_quick_coefficients_where_the_estimate_is_infinite():
    sample = separated(clustered_sample(4))
    rows = sample.domain().rows
    assert many.quick_estimate(sample.X[rows], sample.y[rows], sample.weights[rows]) is None


@pytest.mark.reference
def test_a_start_whose_expansion_has_left_its_reach_is_of_first_order():
    """By hand: the second order grows with the cube of the column's scale, the first with the scale."""
    y, weights, z = np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4), 100 * np.array([[1.0, -1.0, 2.0, 0.5]])
    first = z @ (y - 0.25) / (4 * 0.25 * 0.75)
    np.testing.assert_allclose(many._start(z, y, weights), first + z.sum() * np.log(1 / 3) / 4)
