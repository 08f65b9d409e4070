"""Risk ratios by a log link: R's numbers, the ratio of two prevalences, and what is refused."""

import numpy as np
import pytest

from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import coefficient_influence, fit_risk
from analysis.stats.sample.design import taylor_vcov
from tests.arrays import clustered_sample, of_study, r_sample, reference_table

RTOL = 1e-6
"""Relative; svyglm's covariance has the weights of its last iteration but one."""


@pytest.mark.reference
@pytest.mark.parametrize("study_id", ["full", "part", "part_less_stratum"])
def test_estimates_and_errors_are_those_of_r(study_id) -> None:
    sample, people = r_sample(study_id), reference_table("design_input")
    domain, rows = sample.domain(), sample.domain().rows
    X = np.column_stack([np.ones(len(people)), people["x"] / 100, people["z"]])[rows]
    fit = fit_risk(X, sample.outcome, design=sample.design(), domain=domain, terms=("intercept", "x", "z"))
    theirs = of_study("risk/fits", study_id)
    np.testing.assert_allclose(fit.beta, theirs["estimate"], rtol=RTOL)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.vcov)), theirs["std_error"], rtol=RTOL)
    assert fit.cases == sample.outcome.sum()


def test_of_two_groups_it_is_the_ratio_of_their_weighted_shares() -> None:
    sample = clustered_sample(7)
    design, domain = sample.design(), sample.domain()
    inside, y, w = domain.rows, sample.outcome, sample.weights[domain.rows]
    group = (sample.columns[:, 1] > np.median(sample.columns[:, 1])).astype(float)
    X = np.column_stack([np.ones(inside.sum()), group])
    fit = fit_risk(X, y, design=design, domain=domain, terms=("intercept", "group"))
    shares = [np.average(y[group == k], weights=w[group == k]) for k in (0, 1)]
    np.testing.assert_allclose(np.exp(fit.beta), [shares[0], shares[1] / shares[0]], rtol=1e-9)
    influence = coefficient_influence(fit, X, y, design=design, domain=domain)
    np.testing.assert_allclose(taylor_vcov(influence, design), fit.vcov, rtol=1e-9)


def test_a_group_without_a_case_is_refused() -> None:
    sample = clustered_sample(7)
    X = np.column_stack([np.ones(sample.outcome.size), sample.outcome])
    with pytest.raises(ConvergenceError, match="separation"):
        fit_risk(X, sample.outcome, design=sample.design(), domain=sample.domain(), terms=("intercept", "case"))
