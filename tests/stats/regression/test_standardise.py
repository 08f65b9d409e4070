from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.regression import standardise as module
from analysis.stats.regression.bands import simultaneous_limits, sup_t_critical_value
from analysis.stats.regression.standardise import StandardisedPrevalence, standardise
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import DesignError
from tests.arrays import Sample, clustered_sample, jackknife_vcov, of_study
from tests.inference import POINTS, R_DOMAINS, SPLINE, r_model, r_spline, square

R_RTOL = 1e-8
"""Of prevalences, and of covariances on the scale of their standard errors: both sides compute the same sums."""

SMALL_STEP = 1e-5
"""Change of a coefficient in finite differences; their error is its square."""

R_POLICY = {"lonely_domain": "keep"}
"""A jackknife replicate leaves one PSU in a stratum of two."""

EXPOSURES = np.linspace(-2.0, 2.0, 9)

seeds = st.integers(0, 9999)
domains = pytest.mark.parametrize("study_id", R_DOMAINS)


def margins(sample: Sample, terms: tuple[str, ...], settings: Array, **changes: Array) -> StandardisedPrevalence:
    """Fit a sample's model and standardise it; ``changes`` are made to the fit."""
    design, domain = sample.design(**R_POLICY), sample.domain(**R_POLICY)
    fit = replace(sample.fit(**R_POLICY), **changes)
    columns = fit.index(terms)
    return standardise(
        fit, sample.columns, sample.outcome, columns=columns, settings=settings, design=design, domain=domain
    )


def curve(sample: Sample, **changes: Array) -> StandardisedPrevalence:
    """Standardised prevalence over the exposure of a clustered sample."""
    return margins(sample, ("x",), EXPOSURES[:, None], **changes)


def r_groups(study_id: str) -> tuple[Sample, tuple[str, ...], Array]:
    """R's model of four groups with the first as reference, the columns of the groups, and each group's indicators."""
    terms = ("group_2", "group_3", "group_4")
    return r_model(study_id, ("z", *terms)), terms, np.eye(4)[:, 1:]


def assert_same(found: StandardisedPrevalence, expected: StandardisedPrevalence) -> None:
    """Assert that two results agree in prevalences and covariance."""
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-8)
    std_error = np.sqrt(np.diag(expected.vcov))
    assert np.max(np.abs(found.vcov - expected.vcov) / np.outer(std_error, std_error)) < 1e-7
    assert found.df == expected.df


def assert_covariance(found: Array, expected: Array, *, scale: Array) -> None:
    """Assert that two covariances agree on the scale of standard errors."""
    assert np.max(np.abs(found - expected) / np.sqrt(np.outer(np.diag(scale), np.diag(scale)))) < R_RTOL


# ---- agreement with R


@pytest.mark.reference
@domains
def test_prevalence_of_groups_matches_r_svypredmeans(study_id: str) -> None:
    found = margins(*r_groups(study_id))
    np.testing.assert_allclose(found.estimate, of_study("inference/margins", study_id)["estimate"], rtol=R_RTOL)


@pytest.mark.reference
@domains
def test_both_parts_of_the_covariance_match_r_svypredmeans(study_id: str) -> None:
    sample, terms, settings = r_groups(study_id)
    found, fit = margins(sample, terms, settings), sample.fit()
    theirs = of_study("inference/margins_vcov", study_id)
    coefficients, covariates = square(theirs, "coefficients"), square(theirs, "covariates")
    assert_covariance(found.gradient @ fit.vcov @ found.gradient.T, coefficients, scale=coefficients)
    # A fit without information has no influence on its coefficients, which leaves the covariates' part.
    known = margins(sample, terms, settings, naive_vcov=np.zeros_like(fit.naive_vcov))
    assert_covariance(known.vcov, covariates, scale=covariates)
    theirs_together = of_study("inference/margins", study_id)["std_error"]
    np.testing.assert_allclose(np.sqrt(np.diag(coefficients + covariates)), theirs_together, rtol=R_RTOL)


@pytest.mark.reference
@domains
def test_full_covariance_matches_r_svyrecvar_of_the_influence_values(study_id: str) -> None:
    full = square(of_study("inference/margins_vcov", study_id), "full")
    assert_covariance(margins(*r_groups(study_id)).vcov, full, scale=full)


@pytest.mark.reference
@domains
def test_jackknife_of_a_spline_matches_r_with_replicates(study_id: str) -> None:
    sample, settings = r_model(study_id, (*SPLINE, "z")), r_spline().basis(POINTS)
    found = margins(sample, SPLINE, settings).estimate
    np.testing.assert_allclose(found, of_study("inference/jackknife", study_id)["estimate"], rtol=R_RTOL)
    ours = jackknife_vcov(sample, lambda replicate: margins(replicate, SPLINE, settings).estimate)
    theirs = square(of_study("inference/jackknife_vcov", study_id))
    assert_covariance(ours, theirs, scale=theirs)


# ---- what it must be


@given(seeds)
def test_without_covariates_prevalence_is_the_fitted_curve_with_its_delta_method_error(seed: int) -> None:
    sample = clustered_sample(seed).without(("group", "place"))
    fit, found = sample.fit(), curve(sample)
    basis = np.column_stack([np.ones(EXPOSURES.size), EXPOSURES])
    p = scipy.special.expit(basis @ fit.beta)
    np.testing.assert_allclose(found.estimate, p, rtol=1e-12)
    gradient = basis * (p * (1 - p))[:, None]
    np.testing.assert_allclose(found.vcov, gradient @ fit.vcov @ gradient.T, rtol=1e-9, atol=1e-14)


@given(seeds)
def test_exposure_groups_alone_have_the_prevalence_and_error_of_each_group(seed: int) -> None:
    sample = clustered_sample(seed).without(("x", "place"))
    found = margins(sample, ("group",), np.array([[0.0], [1.0]]))
    for k in (0, 1):
        members = replace(sample, rows=sample.rows & (sample.X[:, 1] == k))
        expected = weighted_mean(sample.y, design=sample.design(), domain=members.domain(lonely_domain="keep"))
        np.testing.assert_allclose(found.estimate[k], expected.estimate, rtol=1e-9)
        np.testing.assert_allclose(np.sqrt(found.vcov[k, k]), expected.std_error, rtol=1e-8)


@given(seeds)
def test_gradient_matches_finite_differences(seed: int) -> None:
    sample = clustered_sample(seed)
    beta, gradient = sample.fit().beta, curve(sample).gradient
    for j, step in enumerate(SMALL_STEP * np.eye(beta.size)):
        change = curve(sample, beta=beta + step).estimate - curve(sample, beta=beta - step).estimate
        np.testing.assert_allclose(gradient[:, j], change / (2 * SMALL_STEP), rtol=1e-6, atol=1e-9)


@given(seeds)
def test_influence_is_what_a_small_change_of_a_psus_weights_does(seed: int) -> None:
    # The covariance of estimates that are linear in the weights is the jackknife's: shrink its steps and they agree.
    sample = clustered_sample(seed, psus_in_stratum=(2, 3, 2))
    found, step, positions = curve(sample), 1e-4, sample.psu_positions()
    vcov = np.zeros_like(found.vcov)
    for stratum in np.unique(sample.strata):
        psus = np.unique(positions[sample.strata == stratum])
        share = psus.size / (psus.size - 1)
        for psu in psus:
            pull = np.where(positions == psu, -1.0, np.where(sample.strata == stratum, share - 1, 0.0))
            sides = [curve(replace(sample, weights=sample.weights * (1 + sign * step * pull))) for sign in (1, -1)]
            change = (sides[0].estimate - sides[1].estimate) / (2 * step)
            vcov += np.outer(change, change) / share
    std_error = np.sqrt(np.diag(vcov))
    assert np.max(np.abs(found.vcov - vcov) / np.outer(std_error, std_error)) < 1e-5


def test_taylor_covariance_is_near_the_jackknifes_with_many_psus() -> None:
    sample = clustered_sample(3, psus_in_stratum=(4,) * 8, people=20)
    ratio = np.diag(curve(sample).vcov) / np.diag(jackknife_vcov(sample, lambda replicate: curve(replicate).estimate))
    np.testing.assert_allclose(ratio, 1, atol=0.15)


# ---- differences, ratios, intervals


@given(seeds, st.integers(0, EXPOSURES.size - 1))
def test_differences_and_ratios_are_exact_at_the_reference_and_follow_the_delta_method(seed: int, at: int) -> None:
    found = curve(clustered_sample(seed))
    differences, ratios = found.differences(at), found.ratios(at)
    for contrasts in (differences, ratios):
        assert (contrasts.estimate[at], contrasts.std_error[at]) == (0.0, 0.0)
    P, V = found.estimate, found.vcov
    np.testing.assert_allclose(differences.estimate, P - P[at])
    np.testing.assert_allclose(np.exp(ratios.estimate), P / P[at])
    variance = np.diag(V) + V[at, at] - 2 * V[at]
    np.testing.assert_allclose(differences.std_error**2, variance, rtol=1e-7, atol=1e-14)
    variance = np.diag(V) / P**2 + V[at, at] / P[at] ** 2 - 2 * V[at] / (P * P[at])
    np.testing.assert_allclose(ratios.std_error**2, variance, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_interval_of_a_prevalence_is_a_t_interval_of_its_logit(level: float) -> None:
    sample = clustered_sample(2)
    found = curve(sample)
    frame = found.to_frame(conf_level=level)
    P, std_error = found.estimate, np.sqrt(np.diag(found.vcov))
    half = scipy.stats.t.ppf((1 + level) / 2, sample.fit().residual_df) * std_error / (P * (1 - P))
    np.testing.assert_allclose(frame["conf_low"], 1 / (1 + np.exp(-(np.log(P / (1 - P)) - half))))
    np.testing.assert_allclose(frame["conf_high"], 1 / (1 + np.exp(-(np.log(P / (1 - P)) + half))))
    np.testing.assert_array_equal(frame[["estimate", "std_error"]], np.column_stack([P, std_error]))
    assert ((frame["conf_low"] > 0) & (frame["conf_high"] < 1) & (frame["df"] == sample.fit().residual_df)).all()


def test_a_sup_t_band_contains_the_pointwise_one_of_the_prevalence_differences() -> None:
    differences = curve(clustered_sample(2)).differences(4)
    critical = sup_t_critical_value(differences.vcov, df=differences.df)
    low, high = simultaneous_limits(differences.estimate, differences.std_error, critical=critical)
    frame, away = differences.to_frame(), np.arange(EXPOSURES.size) != 4
    assert (critical.points, critical.value > critical.pointwise) == (EXPOSURES.size - 1, True)
    assert np.all((low < frame["conf_low"])[away] & (high > frame["conf_high"])[away])
    assert (low[4], high[4]) == (0.0, 0.0)


# ---- properties


@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_of_the_weights_does_not_matter(seed: int, factor: float) -> None:
    sample = clustered_sample(seed)
    assert_same(curve(replace(sample, weights=factor * sample.weights)), curve(sample))


@given(seeds)
def test_row_order_and_names_of_units_do_not_matter(seed: int) -> None:
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    moved = sample.take(order)
    assert_same(curve(replace(moved, strata=90 - moved.strata, psu=7 + 2 * moved.psu)), curve(sample))


@given(seeds, st.data())
def test_a_record_may_be_split_into_two_half_weights_in_its_psu(seed: int, data: st.DataObject) -> None:
    sample = clustered_sample(seed)
    record = data.draw(st.integers(0, sample.y.size - 1))
    weights = sample.weights.copy()
    weights[record] /= 2
    assert_same(
        curve(replace(sample, weights=weights).take(np.append(np.arange(sample.y.size), record))), curve(sample)
    )


@given(seeds, st.floats(-2, 2))
def test_coding_of_the_covariates_does_not_matter(seed: int, slant: float) -> None:
    sample = clustered_sample(seed)
    X = sample.X.copy()
    X[:, 3] = 10 * sample.X[:, 3] + slant * sample.X[:, 2] + 3
    assert_same(curve(replace(sample, X=X)), curve(sample))


def test_values_outside_the_domain_are_not_read() -> None:
    sample = clustered_sample(5)
    X = np.where(sample.rows[:, None], sample.X, np.nan)
    assert_same(curve(replace(sample, X=X, y=np.where(sample.rows, sample.y, np.nan))), curve(sample))


def test_the_size_of_a_chunk_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = clustered_sample(5)
    expected = curve(sample)
    monkeypatch.setattr(module, "CHUNK", 2)
    assert_same(curve(sample), expected)


def test_settings_are_named_in_the_frame_and_in_what_is_made_of_them() -> None:
    sample = clustered_sample(5)
    arguments = {"columns": sample.fit().index(("group",)), "settings": np.array([[0.0], [1.0]])}
    found = standardise(
        sample.fit(),
        sample.columns,
        sample.outcome,
        **arguments,
        design=sample.design(),
        domain=sample.domain(),
        labels=("a", "b"),
    )
    frames = (found.to_frame(), found.differences(0).to_frame(), found.ratios(0).to_frame())
    assert [frame["term"].tolist() for frame in frames] == [["a", "b"]] * 3


# ---- refusals


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ([1], [[0.0, 1.0]], r"settings \(1, 2\): expected finite numbers, \(1, 1\)"),
        ([1], [0.0, 1.0], r"settings \(2,\)"),
        ([1], np.empty((0, 1)), r"settings \(0, 1\)"),
        ([1], [[np.nan]], "expected finite numbers"),
        ([4], [[0.0]], r"exposure columns \[4\] of X \(272, 4\): expected different positions from 0 to 3"),
        ([-1], [[0.0]], r"exposure columns \[-1\]"),
        ([1, 1], [[0.0, 0.0]], "expected different positions"),
    ],
    ids=["columns", "vector", "none", "missing", "outside", "negative", "twice"],
)
def test_settings_that_do_not_fit_the_columns_are_refused(columns: list[int], settings, message: str) -> None:
    sample = clustered_sample(1)
    arguments = {"columns": np.array(columns), "settings": np.array(settings)}
    with pytest.raises(DesignError, match=message):
        standardise(
            sample.fit(), sample.columns, sample.outcome, **arguments, design=sample.design(), domain=sample.domain()
        )


@pytest.mark.parametrize("reference", [-1, 9])
def test_a_reference_that_is_no_setting_is_refused(reference: int) -> None:
    found = curve(clustered_sample(1))
    for make in (found.differences, found.ratios):
        with pytest.raises(DesignError, match=f"reference {reference}: expected the position of a setting, 0 to 8"):
            make(reference)
