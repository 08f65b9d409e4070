from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.refits import CHUNK, refit_logistic
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.stats.sample.replicates import bootstrap, jackknife
from tests.arrays import Sample, clustered_sample

SAME = 1e-10
"""Share of a standard error by which a batched and a single fit may differ."""

seeds = st.integers(0, 9999)


def refit(sample: Sample, factors, **options):
    """All replicates of a sample's own regression by the batched fits."""
    parts = {"design": sample.design(), "domain": sample.domain(), "fit": sample.fit()}
    return refit_logistic(sample.columns, sample.outcome, factors=factors, **parts, **options)


def refit_singly(sample: Sample, factors) -> np.ndarray:
    """One replicate by the single fit, the factors multiplied into the weights."""
    weights = sample.weights * factors[sample.design().psu_index]
    return replace(sample, weights=weights).fit(lonely_domain="keep").beta


@given(seeds)
def test_every_batched_fit_is_the_single_fit(seed):
    sample = clustered_sample(seed)
    factors = jackknife(sample.design()).factors
    refits, std_error = refit(sample, factors), np.sqrt(np.diag(sample.fit().vcov))
    assert refits.failed == 0
    for number in range(factors.shape[1]):
        difference = (refits.beta[number] - refit_singly(sample, factors[:, number])) / std_error
        assert np.max(np.abs(difference)) < SAME


@given(seeds)
def test_bootstrap_refits_are_single_fits_too(seed):
    sample = clustered_sample(7, psus_in_stratum=(8, 8, 8))
    factors = bootstrap(sample.design(), replicates=3, seed=seed).factors
    refits, std_error = refit(sample, factors), np.sqrt(np.diag(sample.fit().vcov))
    for number in np.flatnonzero(refits.converged):
        difference = (refits.beta[number] - refit_singly(sample, factors[:, number])) / std_error
        assert np.max(np.abs(difference)) < SAME


@given(seeds)
def test_factors_by_row_may_differ_within_a_psu(seed):
    sample = clustered_sample(7, psus_in_stratum=(4, 4, 4))
    factors = np.random.default_rng(seed).uniform(0.2, 2, size=(sample.y.size, 3))
    refits, std_error = refit(sample, factors, by="row"), np.sqrt(np.diag(sample.fit().vcov))
    assert refits.failed == 0
    for number in range(3):
        single = replace(sample, weights=sample.weights * factors[:, number]).fit()
        assert np.max(np.abs((refits.beta[number] - single.beta) / std_error)) < SAME


def test_factors_by_row_need_a_row_for_everybody():
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match=r"expected \(350, B\), a row per row of the whole sample"):
        refit(sample, np.ones((14, 2)), by="row")


def test_factors_of_one_give_the_full_sample_fit():
    sample = clustered_sample(1)
    n_psu = sample.design().psu_stratum.size
    np.testing.assert_allclose(refit(sample, np.ones((n_psu, 2))).beta, np.tile(sample.fit().beta, (2, 1)), rtol=1e-9)


def test_chunks_change_nothing():
    sample = clustered_sample(1)
    factors = bootstrap(sample.design(), replicates=2 * CHUNK + 3, seed=1).factors
    alone = refit(sample, factors[:, -1:]).beta[0]
    np.testing.assert_allclose(refit(sample, factors).beta[-1], alone, rtol=1e-9)


def test_a_replicate_without_cases_is_counted_and_not_hidden():
    sample = clustered_sample(1)
    design = sample.design()
    cases = np.bincount(design.psu_index, np.where(sample.rows, sample.y, 0), design.psu_stratum.size)
    factors = np.ones((cases.size, 3))
    factors[cases > 0, 1] = 0.0
    refits = refit(sample, factors)
    assert refits.converged.tolist() == [True, False, True]
    assert refits.failed == 1
    assert np.isnan(refits.beta[1]).all()
    assert np.isfinite(refits.beta[[0, 2]]).all()


def test_no_replicates_give_no_estimates():
    sample = clustered_sample(1)
    assert refit(sample, np.ones((sample.design().psu_stratum.size, 0))).beta.shape == (0, len(sample.terms))


@pytest.mark.parametrize("shape", [(3, 2), (3,)])
def test_factors_of_another_shape_are_refused(shape):
    with pytest.raises(DesignError, match="a row per psu of the whole sample"):
        refit(clustered_sample(1), np.ones(shape))


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_factors_that_are_no_weights_are_refused(value):
    sample = clustered_sample(1)
    factors = np.ones((sample.design().psu_stratum.size, 2))
    factors[0, 0] = value
    with pytest.raises(DesignError, match="expected numbers >= 0"):
        refit(sample, factors)


def test_replicates_without_the_only_psu_of_a_level_are_counted_and_not_hidden() -> None:
    """Where nothing is known of a coefficient, steps are rounding, and one that is short by chance settles nothing."""
    rng = np.random.default_rng(5)
    strata, psu = np.repeat(np.arange(8), 50), np.tile(np.repeat([0, 1], 25), 8)
    level = (strata == 0) & (psu == 0)
    X = np.column_stack([np.ones(400), rng.standard_normal((400, 2)), level])
    y = (rng.random(400) < 0.3 + 0.2 * level).astype(float)
    design = SurveyDesign(strata=strata, psu=psu, weights=np.ones(400))
    domain = domain_of(design, np.full(400, True))
    fit = fit_logistic(X, y, design=design, domain=domain, terms=("intercept", "a", "b", "level"))
    factors = rng.choice([0.0, 1.0, 2.0], (16, 300))
    factors[0] = 0.0
    found = refit_logistic(X, y, design=design, domain=domain, fit=fit, factors=factors)
    assert found.failed == 300
