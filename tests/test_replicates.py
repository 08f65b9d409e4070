from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.batch import refit_logistic
from analysis.stats.design import DesignError, SurveyDesign, taylor_vcov
from analysis.stats.replicates import bootstrap, jackknife, replicate_vcov
from tests.arrays import HAND_DESIGN, clustered_sample, of_study, r_sample

R_RTOL = 1e-8
"""Both sides solve the same equations; R's replicates are fitted to a deviance settled to 1e-13."""

seeds = st.integers(0, 9999)


def jackknife_vcov_of(sample):
    """Jackknife covariance of a sample's logistic regression by the batched fits."""
    design, domain, fit = sample.design(), sample.domain(), sample.fit()
    replicates = jackknife(design)
    refits = refit_logistic(sample.X, sample.y, design=design, domain=domain, fit=fit, factors=replicates.factors)
    assert refits.failed == 0
    return fit, replicate_vcov(refits.beta, replicates)


@pytest.mark.reference
@pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
def test_jackknife_covariance_of_a_regression_matches_r_survey(study_id):
    fit, vcov = jackknife_vcov_of(r_sample(study_id))
    np.testing.assert_allclose(fit.beta, of_study("replicates/fits", study_id)["estimate"], rtol=R_RTOL)
    theirs = of_study("replicates/vcov", study_id)
    position = {term: number for number, term in enumerate(fit.terms)}
    row, column = theirs["row"].map(position), theirs["col"].map(position)
    std_error = np.sqrt(np.diag(vcov))
    difference = (vcov[row, column] - theirs["value"]) / (std_error[row] * std_error[column])
    assert np.max(np.abs(difference)) < R_RTOL


@pytest.mark.reference
def test_jackknife_factors_by_hand():
    replicates = jackknife(HAND_DESIGN)
    np.testing.assert_array_equal(replicates.factors, [[0, 2, 1, 1], [2, 0, 1, 1], [1, 1, 0, 2], [1, 1, 2, 0]])
    np.testing.assert_array_equal(replicates.rscales, [1 / 2] * 4)
    assert (replicates.scale, replicates.df) == (1.0, 2)


@given(seeds)
def test_jackknife_variance_of_a_total_is_taylors(seed):
    sample = clustered_sample(seed)
    design, replicates = sample.design(), jackknife(sample.design())
    values = np.where(sample.rows, sample.weights * sample.y, 0.0)
    totals = replicates.factors.T @ np.bincount(design.psu_index, values, design.psu_stratum.size)
    centre = np.array([values.sum()])
    np.testing.assert_allclose(
        replicate_vcov(totals[:, None], replicates, centre=centre), taylor_vcov(values[:, None], design), rtol=1e-9
    )


def test_bootstrap_variance_of_a_total_is_taylors_on_average():
    sample = clustered_sample(3)
    design, replicates = sample.design(), bootstrap(sample.design(), replicates=20_000, seed=1)
    values = np.where(sample.rows, sample.weights * sample.y, 0.0)
    totals = replicates.factors.T @ np.bincount(design.psu_index, values, design.psu_stratum.size)
    ratio = replicate_vcov(totals[:, None], replicates) / taylor_vcov(values[:, None], design)
    assert ratio.item() == pytest.approx(1, abs=0.04)  # four Monte Carlo errors of a variance from 20,000 draws


@given(seeds)
def test_bootstrap_factors_average_one_and_keep_every_stratums_size(seed):
    design = clustered_sample(2).design()
    replicates = bootstrap(design, replicates=50, seed=seed)
    n_h = np.bincount(design.psu_stratum)
    for stratum, size in enumerate(n_h):
        np.testing.assert_allclose(replicates.factors[design.psu_stratum == stratum].sum(axis=0), size)


def test_the_same_seed_gives_the_same_bootstrap_and_another_another():
    design = clustered_sample(2).design()
    first, again, other = (bootstrap(design, replicates=9, seed=seed).factors for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_replicates_that_failed_are_left_out_and_the_others_count_for_them():
    replicates = jackknife(clustered_sample(2).design())
    estimates = np.tile([[1.0], [-1.0]], (replicates.rscales.size, 1))[: replicates.rscales.size]
    whole = replicate_vcov(estimates, replicates, centre=np.zeros(1))
    estimates[0] = np.nan
    np.testing.assert_allclose(replicate_vcov(estimates, replicates, centre=np.zeros(1)), whole)


@pytest.mark.parametrize("make", [jackknife, lambda design: bootstrap(design, replicates=10, seed=1)])
def test_a_stratum_of_one_psu_cannot_be_replicated(make):
    lonely = SurveyDesign(strata=np.array([1, 1, 2]), psu=np.array([1, 2, 1]), weights=np.ones(3), lonely_psu="adjust")
    with pytest.raises(DesignError, match=r"strata \[2\] have one PSU each"):
        make(lonely)


def test_a_bootstrap_of_one_replicate_is_refused():
    with pytest.raises(DesignError, match="1 replicates: expected at least 2"):
        bootstrap(HAND_DESIGN, replicates=1, seed=1)


def test_estimates_of_another_number_of_replicates_are_refused():
    with pytest.raises(DesignError, match=r"estimates \(3, 1\): expected \(4, p\)"):
        replicate_vcov(np.ones((3, 1)), jackknife(HAND_DESIGN))


def test_a_covariance_needs_two_replicates_that_did_not_fail():
    with pytest.raises(DesignError, match="1 of 4 replicates have an estimate"):
        replicate_vcov(np.array([[1.0], [np.nan], [np.nan], [np.nan]]), jackknife(HAND_DESIGN))


def test_frames_of_r_have_every_domain():
    studies = pd.read_csv("tests/reference/replicates/fits.csv")["study_id"].unique()
    assert studies.tolist() == ["full", "part", "part_less_psu"]


def test_zero_weights_may_be_part_of_a_replicated_domain():
    sample = r_sample("full")
    everybody = replace(sample, rows=np.ones(sample.rows.size, dtype=bool))
    assert np.array_equal(jackknife_vcov_of(everybody)[1], jackknife_vcov_of(sample)[1])
