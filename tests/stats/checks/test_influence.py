from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.checks.influence import psu_influence, psu_influence_on_test
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import DesignError, domain_of
from tests.arrays import clustered_sample, of_study, r_fit, r_sample

R_RTOL = 1e-8
"""Both sides solve the same equations; R's refits are settled to a deviance of 1e-13."""

SAME = 1e-8
"""Share of a standard error by which two fits of one sample may differ: both stop at a deviance settled to 1e-13."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
covariances = pytest.mark.parametrize("covariance", ["fixed", "refitted"])


def influence_of(sample, **options):
    return psu_influence(
        sample.fit(), sample.columns, sample.outcome, design=sample.design(), domain=sample.domain(), **options
    )


def influence_on_test(sample, fit=None, **options):
    design, domain = sample.design(), sample.domain()
    return psu_influence_on_test(
        fit or sample.fit(), sample.columns, sample.outcome, design=design, domain=domain, **options
    )


def by_code(frame):
    """Rows in the order of the codes."""
    return frame.sort_values([name for name in ("stratum", "psu", "term") if name in frame]).reset_index(drop=True)


# ---- agreement with R


@pytest.mark.reference
@studies
def test_coefficients_without_each_psu_match_r_svyglm(study_id):
    sample = r_sample(study_id)
    ours = by_code(influence_of(sample).to_frame())
    theirs = by_code(of_study("diagnostics/influence", study_id))
    assert ours[["stratum", "psu", "term"]].equals(theirs[["stratum", "psu", "term"]])
    std_error = ours["term"].map(dict(zip(sample.terms, np.sqrt(np.diag(r_fit(study_id).vcov)), strict=True)))
    assert ours["converged"].all()
    assert np.max(np.abs(ours["estimate"] - theirs["estimate"]) / std_error) < R_RTOL
    np.testing.assert_allclose(ours["dfbetas"], theirs["dfbetas"], rtol=R_RTOL, atol=R_RTOL)


@pytest.mark.reference
@studies
@covariances
def test_wald_tests_without_each_psu_match_r(study_id, covariance):
    found = influence_on_test(r_sample(study_id), tested=("x", "x_s1", "x_s2"), covariance=covariance)
    theirs = of_study("diagnostics/influence_tests", study_id)
    theirs = by_code(theirs[theirs["covariance"] == covariance])
    ours = by_code(found.to_frame())
    assert ours[["stratum", "psu"]].equals(theirs[["stratum", "psu"]])
    np.testing.assert_array_equal(ours["df_den"], theirs["df_den"])
    np.testing.assert_allclose(ours["statistic"], theirs["statistic"], rtol=R_RTOL)
    np.testing.assert_allclose(ours["p_value"], theirs["p_value"], rtol=R_RTOL)


# ---- agreement with fits one by one


@given(seeds)
def test_each_psu_left_out_is_a_fit_without_its_people(seed):
    sample = clustered_sample(seed, people=40)
    found, fit = influence_of(sample), sample.fit()
    positions = sample.psu_positions()
    for j in range(positions.max() + 1):
        left_out = positions == j
        stratum = sample.strata == sample.strata[left_out][0]
        n_h = np.unique(sample.psu[stratum]).size
        weights = np.where(stratum, n_h / (n_h - 1), 1.0) * sample.weights * ~left_out
        alone = replace(sample, weights=weights).fit(lonely_domain="keep")
        at = (found.strata == sample.strata[left_out][0]) & (found.psu == sample.psu[left_out][0])
        assert at.sum() == 1
        assert np.max(np.abs(found.estimate[at] - alone.beta) / np.sqrt(np.diag(fit.vcov))) < SAME


@given(seeds)
def test_a_contrast_moves_as_its_coefficients_do(seed):
    sample = clustered_sample(seed)
    of_coefficients = influence_of(sample)
    row = np.array([0.0, 2.0, -1.0, 0.5])
    found = influence_of(sample, contrasts={"log_or": row, "x": np.array([0.0, 1, 0, 0])})
    np.testing.assert_allclose(found.change[:, 0], of_coefficients.change @ row, atol=1e-9)
    np.testing.assert_allclose(found.dfbetas[:, 1], of_coefficients.dfbetas[:, 1], atol=1e-9)
    assert found.terms == ("log_or", "x")
    assert found.std_error[0] == pytest.approx(np.sqrt(row @ sample.fit().vcov @ row))


def test_a_contrast_of_zeros_does_not_move_and_has_no_standard_error_to_move_by():
    found = influence_of(clustered_sample(1), contrasts={"reference": np.zeros(4)})
    assert not found.change.any()
    assert np.isnan(found.dfbetas).all()


@given(seeds)
def test_with_the_fixed_covariance_one_coefficient_is_tested_by_its_squared_t(seed):
    sample = clustered_sample(seed)
    fit, influence = sample.fit(), influence_of(sample)
    found = influence_on_test(sample, tested=("group",))
    t = influence.estimate[:, 2] / influence.std_error[2]
    np.testing.assert_allclose(found.statistic, t**2, rtol=1e-9)
    np.testing.assert_allclose(found.p_value, 2 * scipy.stats.t.sf(np.abs(t), fit.residual_df), rtol=1e-7)
    assert found.full == wald_test(fit, ("group",))


def test_a_psu_in_which_the_association_is_turned_round_stands_out():
    sample = clustered_sample(6, psus_in_stratum=(3,) * 5, people=60)
    odd = (sample.strata == 4) & (sample.psu == 2)
    y = np.where(odd, (sample.X[:, 1] < np.median(sample.X[odd, 1])).astype(float), sample.y)
    frame = influence_of(replace(sample, y=y)).to_frame()
    largest = frame.loc[frame.loc[frame["term"] == "x", "dfbetas"].abs().idxmax()]
    assert (largest["stratum"], largest["psu"]) == (4, 2)
    assert largest["change"] > 0


# ---- refits that fail


def only_in_one_psu(*, outcome):
    """A sample in which only one PSU has people with group = 1, or only one has some of them without the outcome."""
    sample = clustered_sample(3)
    carrier = (sample.strata == 2) & (sample.psu == 3)
    X, y = sample.X.copy(), sample.y.copy()
    if outcome:
        y[(X[:, 2] == 1) & ~carrier] = 1.0
        members = np.flatnonzero(carrier & (X[:, 2] == 1) & sample.rows)
        y[members] = np.arange(members.size) % 2
    else:
        X[~carrier, 2] = 0.0
    return replace(sample, X=X, y=y)


@pytest.mark.parametrize("outcome", [True, False])
def test_a_psu_without_which_there_is_no_estimate_is_flagged_and_kept(outcome):
    found = influence_of(only_in_one_psu(outcome=outcome))
    carrier = (found.strata == 2) & (found.psu == 3)
    np.testing.assert_array_equal(found.converged, ~carrier)
    assert found.failed == 1
    assert np.isnan(found.dfbetas[carrier]).all()
    assert np.isfinite(found.dfbetas[~carrier]).all()
    assert len(found.to_frame()) == 14 * 4


@covariances
@pytest.mark.parametrize("outcome", [True, False])
def test_a_test_without_an_estimate_is_flagged_and_kept(covariance, outcome):
    sample = only_in_one_psu(outcome=outcome)
    found = influence_on_test(sample, tested=("x", "place"), covariance=covariance)
    carrier = (found.strata == 2) & (found.psu == 3)
    np.testing.assert_array_equal(found.converged, ~carrier)
    for values in (found.statistic, found.df_den, found.p_value):
        np.testing.assert_array_equal(np.isnan(values), carrier)


# ---- properties


def numbers(sample, psu=lambda code: code, covariance="fixed"):
    """Influence on coefficients and on a test, by the codes of the PSUs."""
    frame = influence_of(sample).to_frame()
    tests = influence_on_test(sample, tested=("x", "group"), covariance=covariance).to_frame()
    for one in (frame, tests):
        one["psu"] = psu(one["psu"])
    return np.concatenate([by_code(frame)["dfbetas"], by_code(tests)["statistic"]])


@given(seeds, st.floats(1e-3, 1e3))
def test_influence_does_not_depend_on_the_scale_of_the_weights(seed, scale):
    sample = clustered_sample(seed, people=40)
    scaled = replace(sample, weights=sample.weights * scale)
    np.testing.assert_allclose(numbers(scaled), numbers(sample), rtol=1e-6, atol=1e-7)


@given(seeds)
def test_influence_does_not_depend_on_the_order_of_rows(seed):
    sample = clustered_sample(seed, people=40)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    np.testing.assert_allclose(numbers(sample.take(order)), numbers(sample), rtol=1e-6, atol=1e-7)


@given(seeds)
def test_influence_does_not_depend_on_the_names_of_psus(seed):
    sample = clustered_sample(seed, people=40)
    renamed = replace(sample, psu=9 - sample.psu)
    np.testing.assert_allclose(numbers(renamed, lambda code: 9 - code), numbers(sample), rtol=1e-6, atol=1e-7)


def test_refitted_tests_do_not_depend_on_scale_order_and_names():
    sample = clustered_sample(7, people=40)
    order = np.random.default_rng(7).permutation(sample.y.size)
    other = replace(sample, psu=9 - sample.psu, weights=3 * sample.weights).take(order)
    expected, found = numbers(sample, covariance="refitted"), numbers(other, lambda code: 9 - code, "refitted")
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_a_psu_outside_the_domain_changes_the_weights_of_its_stratum():
    sample = clustered_sample(2, psus_in_stratum=(3, 3, 3))
    elsewhere = (sample.strata == 1) & (sample.psu == 1)
    found = influence_of(replace(sample, rows=sample.rows & ~elsewhere))
    at = (found.strata == 1) & (found.psu == 1)
    assert np.all(found.change[at] != 0)
    assert found.converged.all()


# ---- refusals


@pytest.fixture
def sample():
    return clustered_sample(1)


@pytest.mark.parametrize(
    ("contrasts", "named"), [({"short": np.ones(3)}, "short"), ({"flat": np.ones((1, 4))}, "flat"), ({}, r"\(none\)")]
)
def test_contrasts_of_another_length_are_refused(sample, contrasts, named):
    with pytest.raises(DesignError, match=f"contrasts {named}: expected 4 numbers in each"):
        influence_of(sample, contrasts=contrasts)


def test_a_regression_of_other_people_is_refused(sample):
    design, domain, fit = sample.design(), sample.domain(), sample.fit()
    with pytest.raises(DesignError, match=rf"X \({domain.n}, 3\), y \({domain.n},\): expected \({domain.n}, 4\)"):
        psu_influence(fit, sample.columns[:, 1:], sample.outcome, design=design, domain=domain)
    with pytest.raises(DesignError, match=rf"y \({domain.n - 1},\): expected \({domain.n}, 4\) and \({domain.n},\)"):
        psu_influence_on_test(
            fit,
            sample.columns,
            sample.outcome[1:],
            design=design,
            domain=domain,
            tested=("x",),
            covariance="refitted",
        )


def test_an_unknown_covariance_is_refused(sample):
    with pytest.raises(DesignError, match="covariance='exact': expected one of fixed, refitted"):
        influence_on_test(sample, tested=("x",), covariance="exact")


@pytest.mark.parametrize(("tested", "named"), [(("x", "sex"), "sex"), ((), "nothing")])
def test_a_test_of_unknown_terms_is_refused(sample, tested, named):
    with pytest.raises(DesignError, match=f"test of {named}: expected some of intercept, x, group, place"):
        influence_on_test(sample, tested=tested)


@covariances
def test_a_stratum_of_one_psu_is_refused(sample, covariance):
    alone = sample.take(np.flatnonzero((sample.strata != 1) | (sample.psu != 2)))
    design = alone.design(lonely_psu="adjust")
    domain = domain_of(design, alone.rows)
    fit = fit_logistic(alone.columns, alone.outcome, design=design, domain=domain, terms=alone.terms)
    with pytest.raises(DesignError, match=r"strata \[1\] have one PSU each"):
        psu_influence_on_test(
            fit, alone.columns, alone.outcome, design=design, domain=domain, tested=("x",), covariance=covariance
        )
