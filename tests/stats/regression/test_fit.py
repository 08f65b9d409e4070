import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import SpecificationWarning

from analysis.stats.arrays import Array
from analysis.stats.regression import fit as survey
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import DesignError
from tests.arrays import (
    R_STUDIES,
    Sample,
    assert_inference_is,
    clustered_sample,
    jackknife_vcov,
    of_study,
    r_fit,
    r_sample,
)

R_RTOL = 1e-8
"""Both solve the same equations; R stops when the deviance settles to 1e-13, its coefficients right to 1e-11."""

SAME_FIT = 1e-8
"""Share of a standard error by which two fits of one sample may differ: both stop at a deviance settled to 1e-13."""

SMALL_STEP = 1e-3
"""Share of a weight, or of a standard error, by which finite differences move; their error is its square."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)


def in_standard_errors(difference: Array, vcov: Array) -> Array:
    """Differences of a covariance on the scale of its standard errors: some of its elements are near zero."""
    std_error = np.sqrt(np.diag(vcov))
    return np.abs(difference) / np.outer(std_error, std_error)


def assert_same_inference(found: LogisticFit, expected: LogisticFit) -> None:
    """Assert that two fits agree in coefficients, covariance and degrees of freedom."""
    std_error = np.sqrt(np.diag(expected.vcov))
    assert np.max(np.abs(found.beta - expected.beta) / std_error) < SAME_FIT
    assert np.max(in_standard_errors(found.vcov - expected.vcov, expected.vcov)) < SAME_FIT
    assert (found.terms, found.design_df) == (expected.terms, expected.design_df)


def everybody(sample: Sample) -> Sample:
    """Make the whole sample the domain."""
    return replace(sample, rows=np.ones(sample.rows.size, dtype=bool))


# ---- agreement with R


@pytest.mark.reference
@studies
def test_coefficients_and_their_inference_match_r_survey(study_id: str) -> None:
    ours, theirs = r_fit(study_id).to_frame(), of_study("design/fits", study_id)
    assert_inference_is(ours, theirs, rtol=R_RTOL)


@pytest.mark.reference
@studies
def test_full_covariance_matches_r_survey(study_id: str) -> None:
    fit, theirs = r_fit(study_id), of_study("design/vcov", study_id)
    expected = np.full_like(fit.vcov, np.nan)
    for row, column, value in zip(theirs["row"], theirs["col"], theirs["value"], strict=True):
        i, j = fit.index((row, column))
        expected[i, j] = expected[j, i] = value
    assert np.max(in_standard_errors(fit.vcov - expected, expected)) < R_RTOL


@pytest.mark.reference
@studies
def test_counts_and_degrees_of_freedom_match_r_survey(study_id: str) -> None:
    # R counts rows of weight zero in n; we leave them out, which is R's n_positive.
    fit, theirs = r_fit(study_id), of_study("design/samples", study_id).iloc[0]
    ours = (fit.n, fit.n_psu, fit.n_strata, fit.design_df, fit.residual_df)
    assert ours == tuple(theirs[["n_positive", "n_psu", "n_strata", "design_df", "residual_df"]])
    sample = r_sample(study_id)
    assert fit.cases == int(sample.y[sample.rows & (sample.weights > 0)].sum())


# ---- agreement with calculations by hand


@pytest.mark.reference
def test_intercept_alone_is_the_logit_of_the_weighted_proportion() -> None:
    sample = clustered_sample(8).without(("x", "group", "place"))
    fit = sample.fit()
    mean = weighted_mean(sample.y, design=sample.design(), domain=sample.domain())
    odds = mean.estimate / (1 - mean.estimate)
    std_error = mean.std_error / (mean.estimate * (1 - mean.estimate))
    np.testing.assert_allclose((fit.beta[0], fit.vcov[0, 0]), (math.log(odds), std_error**2), rtol=1e-10)


# ---- statsmodels, whose point estimate is used and whose errors are not


@pytest.fixture(scope="module")
def clustered() -> tuple[LogisticFit, sm.GLM, Sample]:
    """32 PSUs in 8 strata that differ much, our fit and statsmodels' model with weights of mean 1."""
    sample = everybody(clustered_sample(3, psus_in_stratum=(4,) * 8, people=20, psu_shift=1.0, stratum_shift=0.5))
    weights = sample.weights / sample.weights.mean()
    return sample.fit(), sm.GLM(sample.y, sample.X, family=sm.families.Binomial(), freq_weights=weights), sample


def test_point_estimates_are_those_of_statsmodels_with_frequency_weights(clustered) -> None:
    ours, model, _ = clustered
    np.testing.assert_allclose(ours.beta, model.fit(tol=1e-13).params, rtol=1e-10)


def test_naive_covariance_is_statsmodels_default_for_weights_of_mean_one(clustered) -> None:
    ours, model, _ = clustered
    np.testing.assert_allclose(np.sqrt(np.diag(ours.naive_vcov)), model.fit(tol=1e-13).bse, rtol=1e-6)


def test_statsmodels_reads_survey_weights_as_numbers_of_people(clustered) -> None:
    ours, _, sample = clustered
    raw = sm.GLM(sample.y, sample.X, family=sm.families.Binomial(), freq_weights=sample.weights).fit()
    assert np.all(raw.bse < np.sqrt(np.diag(ours.vcov)) / 100)


@pytest.mark.parametrize("weights_as", ["freq_weights", "var_weights"])
def test_statsmodels_hc0_errors_are_too_small_where_people_of_a_psu_are_alike(clustered, weights_as: str) -> None:
    ours, model, sample = clustered
    weights = {weights_as: model.freq_weights}
    hc0 = sm.GLM(sample.y, sample.X, family=sm.families.Binomial(), **weights).fit(cov_type="HC0")
    ratio = hc0.bse / np.sqrt(np.diag(ours.vcov))
    assert np.all(ratio < 1)
    assert ratio[sample.terms.index("place")] < 0.5


def test_statsmodels_cluster_errors_are_too_large_where_strata_differ(clustered) -> None:
    ours, model, sample = clustered
    groups = {"groups": sample.psu_positions(), "use_correction": False}
    # statsmodels says so much itself.
    with pytest.warns(SpecificationWarning, match="cov_type not fully supported"):
        clusters = model.fit(cov_type="cluster", cov_kwds=groups)
    assert clusters.bse[0] > 1.3 * np.sqrt(ours.vcov[0, 0])


# ---- properties


@given(seeds)
def test_row_order_does_not_matter(seed: int) -> None:
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    assert_same_inference(sample.take(order).fit(), sample.fit())


@given(seeds)
def test_names_of_psus_and_strata_do_not_matter(seed: int) -> None:
    sample = clustered_sample(seed)
    rng = np.random.default_rng(seed)
    stratum_names, psu_names = rng.permutation(1000), rng.permutation(1000)
    # The same PSU number means another PSU in another stratum, so numbers may change within one stratum alone.
    renamed = replace(sample, strata=stratum_names[sample.strata], psu=psu_names[10 * sample.strata + sample.psu])
    assert_same_inference(renamed.fit(), sample.fit())


@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_of_the_weights_does_not_matter(seed: int, factor: float) -> None:
    sample = clustered_sample(seed)
    found, expected = replace(sample, weights=factor * sample.weights).fit(), sample.fit()
    assert_same_inference(found, expected)
    np.testing.assert_allclose(found.deviance, expected.deviance, rtol=1e-12)
    np.testing.assert_allclose(found.naive_vcov, expected.naive_vcov, rtol=1e-9, atol=1e-12)


@given(seeds, st.data())
def test_a_record_may_be_split_into_two_half_weights_in_its_psu(seed: int, data: st.DataObject) -> None:
    sample = clustered_sample(seed)
    n = sample.y.size
    record = data.draw(st.integers(0, n - 1))
    weights = sample.weights.copy()
    weights[record] /= 2
    halved = replace(sample, weights=weights).take(np.append(np.arange(n), record)).fit()
    assert_same_inference(halved, sample.fit())
    assert halved.n == sample.fit().n + int(sample.rows[record])


@given(seeds)
def test_rows_outside_the_domain_count_as_rows_of_weight_zero(seed: int) -> None:
    sample = clustered_sample(seed)
    weightless = replace(everybody(sample), weights=np.where(sample.rows, sample.weights, 0.0))
    found, expected = weightless.fit(), sample.fit()
    assert_same_inference(found, expected)
    assert (found.n, found.cases) == (expected.n, expected.cases)


def test_values_outside_the_domain_are_not_read() -> None:
    sample = clustered_sample(5)
    unknown = replace(
        sample, X=np.where(sample.rows[:, None], sample.X, np.nan), y=np.where(sample.rows, sample.y, np.nan)
    )
    assert_same_inference(unknown.fit(), sample.fit())


@given(seeds, st.floats(0.01, 100), st.floats(-20, 20))
def test_another_unit_of_a_covariate_only_rescales_its_coefficient(seed: int, factor: float, shift: float) -> None:
    sample = clustered_sample(seed)
    X = sample.X.copy()
    X[:, 1] = factor * (X[:, 1] + shift)
    found, expected = replace(sample, X=X).fit(), sample.fit()
    std_error = math.sqrt(expected.vcov[1, 1])
    assert abs(factor * found.beta[1] - expected.beta[1]) < SAME_FIT * std_error
    np.testing.assert_allclose(factor * math.sqrt(found.vcov[1, 1]), std_error, rtol=SAME_FIT)


@given(seeds)
def test_swapping_cases_and_others_only_turns_the_signs(seed: int) -> None:
    sample = clustered_sample(seed)
    found, expected = replace(sample, y=1 - sample.y).fit(), sample.fit()
    assert_same_inference(replace(found, beta=-found.beta), expected)
    assert found.cases == expected.n - expected.cases


# ---- calculus: what the fit says of itself against finite differences


def log_likelihood(sample: Sample, beta: Array) -> float:
    """Log pseudo-likelihood of the domain under weights of mean 1."""
    X, y, weights = sample.X[sample.rows], sample.y[sample.rows], sample.weights[sample.rows]
    eta = X @ beta
    return float(np.sum(weights / weights.mean() * (y * eta - np.logaddexp(0, eta))))


def gradient(function: Callable[[Array], float], at: Array, steps: Array) -> Array:
    """Central differences of a function of a vector."""
    moves = np.diag(steps)
    rises = [function(at + move) - function(at - move) for move in moves]
    return np.array(rises) / (2 * steps)


@given(seeds)
def test_deviance_is_minus_twice_the_log_pseudo_likelihood_and_its_slope_is_zero(seed: int) -> None:
    sample = clustered_sample(seed)
    fit = sample.fit()
    np.testing.assert_allclose(fit.deviance, -2 * log_likelihood(sample, fit.beta), rtol=1e-12)
    steps = SMALL_STEP * np.sqrt(np.diag(fit.naive_vcov))
    scores = gradient(lambda beta: log_likelihood(sample, beta), fit.beta, steps)
    # In standard errors: the score of a beta one standard error away would be about 1.
    assert np.max(np.abs(scores) * steps / SMALL_STEP) < 1e-5


@given(seeds)
def test_naive_covariance_is_the_inverse_curvature_of_the_log_pseudo_likelihood(seed: int) -> None:
    sample = clustered_sample(seed)
    fit = sample.fit()
    steps = 0.01 * np.sqrt(np.diag(fit.naive_vcov))

    def score(beta: Array) -> Array:
        return gradient(lambda near: log_likelihood(sample, near), beta, steps)

    curvature = np.array([(score(fit.beta + m) - score(fit.beta - m)) / (2 * m.max()) for m in np.diag(steps)])
    np.testing.assert_allclose(-curvature @ fit.naive_vcov, np.eye(4), atol=1e-3)


def change_by_psu(sample: Sample) -> dict[tuple[int, int], Array]:
    """How beta moves as the weight of one PSU grows, by refitting: its total influence in Binder's formula."""
    moved = {}
    for stratum, psu in {*zip(sample.strata.tolist(), sample.psu.tolist(), strict=True)}:
        inside = (sample.strata == stratum) & (sample.psu == psu)
        more, less = (
            replace(sample, weights=np.where(inside, (1 + step) * sample.weights, sample.weights)).fit().beta
            for step in (SMALL_STEP, -SMALL_STEP)
        )
        moved[stratum, psu] = (more - less) / (2 * SMALL_STEP)
    return moved


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_covariance_is_binders_formula_for_influence_found_by_refitting(seed: int) -> None:
    sample = clustered_sample(seed)
    influence, expected = change_by_psu(sample), np.zeros((4, 4))
    for stratum in np.unique(sample.strata).tolist():
        totals = np.array([change for (place, _), change in influence.items() if place == stratum])
        centred = totals - totals.mean(axis=0)
        expected += len(totals) / (len(totals) - 1) * centred.T @ centred
    assert np.max(in_standard_errors(sample.fit().vcov - expected, expected)) < 1e-5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_standard_errors_are_near_those_of_the_jackknife(seed: int) -> None:
    sample = clustered_sample(seed, psus_in_stratum=(5,) * 10, people=20, psu_shift=0.3).without(("place",))
    jackknife = jackknife_vcov(sample, lambda s: s.fit(lonely_domain="keep").beta)
    # The two differ by terms of the order of 1 / 50 PSUs; forgetting n/(n - 1) alone would be 11 %.
    ratio = np.sqrt(np.diag(sample.fit().vcov) / np.diag(jackknife))
    np.testing.assert_allclose(ratio, 1, atol=0.06)


# ---- the result


def test_confidence_level_widens_the_interval_and_names_no_column() -> None:
    fit = r_fit("part")
    wide, narrow = fit.to_frame(conf_level=0.99), fit.to_frame(conf_level=0.9)
    assert wide.columns.tolist() == narrow.columns.tolist()
    t_99, t_90 = 3.707428, 1.943180  # printed tables, 6 degrees of freedom
    ratio = (wide["conf_high"] - wide["conf_low"]) / (narrow["conf_high"] - narrow["conf_low"])
    np.testing.assert_allclose(ratio, t_99 / t_90, rtol=1e-6)


# ---- what is refused


@pytest.mark.parametrize(
    "changes",
    [
        {"X": np.ones((290, 3))}, {"X": np.ones((375, 4))}, {"X": np.ones(290)}, {"y": np.ones(375)},
        {"terms": ("intercept", "x", "group")},
    ],
    ids=["few_columns", "all_rows", "vector", "all_of_y", "few_names"],
)  # fmt: skip
def test_arrays_that_do_not_fit_the_design_are_refused(changes: dict[str, Array]) -> None:
    sample = clustered_sample(1, psus_in_stratum=(3, 3, 3, 3, 3), people=25)
    arguments = {"X": sample.columns, "y": sample.outcome, "terms": sample.terms} | changes
    with pytest.raises(DesignError, match=r"expected \(290, [34]\) and \(290,\), the rows of the domain only"):
        fit_logistic(**arguments, design=sample.design(), domain=sample.domain())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_covariate_in_the_domain_is_refused(value: float) -> None:
    sample = clustered_sample(1)
    sample.X[np.flatnonzero(sample.rows)[0], 1] = value
    with pytest.raises(ConvergenceError, match="missing values or an outcome other than 0 and 1 inside the domain"):
        sample.fit()


@pytest.mark.parametrize("value", [np.nan, 2.0, 0.5])
def test_an_outcome_that_is_not_0_or_1_in_the_domain_is_refused(value: float) -> None:
    sample = clustered_sample(1)
    sample.y[np.flatnonzero(sample.rows)[0]] = value
    with pytest.raises(ConvergenceError, match="an outcome other than 0 and 1 inside the domain"):
        sample.fit()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_outcome_that_does_not_vary_in_the_domain_is_refused(value: float) -> None:
    sample = clustered_sample(1)
    constant = replace(sample, y=np.where(sample.rows, value, 1 - value))
    with pytest.raises(ConvergenceError, match=rf"the outcome is {value:g} for all {sample.rows.sum()} people"):
        constant.fit()


def test_separation_by_a_group_is_refused_with_its_name_and_level() -> None:
    sample = clustered_sample(1)
    in_group = sample.X[:, 2] == 1
    separated = replace(sample, y=np.where(in_group, 1.0, sample.y))
    people = np.sum(in_group & sample.rows)
    with pytest.raises(ConvergenceError, match=rf"group: all {people} people with group = 1 have outcome 1"):
        separated.fit()


def test_complete_separation_by_a_number_is_refused() -> None:
    sample = clustered_sample(1)
    separated = replace(sample, y=(sample.X[:, 1] > 0.2).astype(float))
    with pytest.raises(
        ConvergenceError, match=r"no finite estimate after \d+ iterations: some combination of x, group"
    ):
        separated.fit()


def test_a_fit_that_does_not_settle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "newton_start", lambda *_: (None, False))
    monkeypatch.setattr(survey, "MAX_ITERATIONS", 2)
    with pytest.raises(ConvergenceError, match="no finite estimate after 2 iterations"):
        clustered_sample(1).fit()


def test_newtons_steps_of_statsmodels_end_where_its_least_squares_do(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = clustered_sample(1)
    fast = sample.fit()
    monkeypatch.setattr(survey, "newton_start", lambda *_: (None, False))
    slow = sample.fit()
    assert slow.n_iter > fast.n_iter
    std_error = np.sqrt(np.diag(slow.vcov))
    np.testing.assert_allclose(fast.beta / std_error, slow.beta / std_error, atol=1e-9)
    np.testing.assert_allclose(fast.vcov, slow.vcov, rtol=1e-9)


def test_separation_but_for_ties_is_refused() -> None:
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[:, 1] = np.round(X[:, 1])
    separated = replace(sample, X=X, y=np.where(X[:, 1] == 0, sample.y, X[:, 1] > 0))
    with pytest.raises(ConvergenceError, match=r"predicts the outcome without error \(separation\)"):
        separated.fit()


def test_a_copied_column_is_refused_by_name() -> None:
    sample = clustered_sample(1)
    X = np.column_stack([sample.X, 3 * sample.X[:, 1] - 2 * sample.X[:, 2]])
    copied = replace(sample, X=X, terms=(*sample.terms, "copy"))
    with pytest.raises(
        ConvergenceError, match=r"^copy: nothing is left of this column.*\(copy repeats x and group in.*Remove one"
    ):
        copied.fit()


def test_a_column_that_is_zero_throughout_the_domain_is_refused_by_name() -> None:
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[sample.rows, 2] = 0.0
    with pytest.raises(
        ConvergenceError, match=r"^group: nothing is left of this column.*\(group is constant in.*Remove it"
    ):
        replace(sample, X=X).fit()


def test_a_model_that_leaves_no_residual_degree_of_freedom_is_refused() -> None:
    sample = clustered_sample(1, psus_in_stratum=(2, 2, 2), people=60)
    assert sample.without(("place",)).fit().residual_df == 1
    with pytest.raises(DesignError, match="4 coefficients on 6 PSUs in 3 strata leave no residual degree of freedom"):
        sample.fit()


@given(seeds, st.sampled_from([1.0, 5.0, 25.3, -2.2, 1 / 3]))
def test_a_constant_column_is_refused_by_its_name_and_not_the_intercepts(seed: int, value: float) -> None:
    sample = clustered_sample(seed)
    X = sample.X.copy()
    X[:, 2] = value
    with pytest.raises(ConvergenceError, match="^group: nothing is left of this column"):
        replace(sample, X=X).fit()


@given(seeds)
def test_indicators_of_every_level_are_refused_by_the_name_of_the_last(seed: int) -> None:
    sample = clustered_sample(seed)
    X = np.column_stack([sample.X, 1 - sample.X[:, 2]])
    with pytest.raises(ConvergenceError, match=r"^rest: nothing is left of this column.*\(rest repeats group in"):
        replace(sample, X=X, terms=(*sample.terms, "rest")).fit()


def test_more_terms_than_people_are_refused() -> None:
    sample = clustered_sample(1, psus_in_stratum=(2, 2), people=1)
    sample = replace(sample, rows=np.full(4, True), y=np.array([0.0, 1, 1, 0]))
    wide = replace(sample, X=np.column_stack([sample.X, np.arange(4.0) ** 2]), terms=(*sample.terms, "more"))
    with pytest.raises(DesignError, match="5 coefficients on 4 PSUs in 2 strata"):
        wide.fit()


def nearly_weightless_people(share: float) -> Sample:
    """8,000 people, of whom the three with d > 0 all are cases and weigh a share of the others."""
    rng = np.random.default_rng(1)
    n = 8000
    x = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(float)
    d, few = np.zeros(n), [3, 150, 777]
    d[few], y[few] = [1.0, 1.01, 1.0], 1.0
    weights = rng.lognormal(8, 0.5, n)
    weights[few] *= share
    return Sample(
        strata=np.repeat(np.arange(40), 200), psu=np.tile(np.repeat([1, 2], 100), 40), weights=weights,
        X=np.column_stack([np.ones(n), x, d]), y=y, rows=np.full(n, True), terms=("intercept", "x", "d"),
    )  # fmt: skip


@pytest.mark.parametrize("share", [1.0, 1e-2, 1e-3, 1e-4])
def test_separation_is_refused_however_little_the_people_concerned_weigh(share: float) -> None:
    with pytest.raises(ConvergenceError, match="separation"):
        nearly_weightless_people(share).fit()


def test_an_outlying_person_is_not_taken_for_separation() -> None:
    sample = clustered_sample(1, psus_in_stratum=(2,) * 10)
    X, y = sample.X.copy(), sample.y.copy()
    at = np.flatnonzero(sample.rows)[0]
    y[:] = np.random.default_rng(2).random(y.size) < 1 / (1 + np.exp(-3 * X[:, 1]))
    X[at, 1], y[at] = 8.0, 1.0
    fit = replace(sample, X=X, y=y).fit()
    assert np.max(np.abs(X[sample.rows] @ fit.beta)) > 20


QUARTER = """
from pathlib import Path
import numpy as np
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.sample.design import SurveyDesign, domain_of

def peak():
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

n, p, loaded = 250_000, 20, peak()
rng = np.random.default_rng(1)
X = np.ones((n, p))
for column in range(1, p):
    X[:, column] = rng.standard_normal(n)
y = (rng.random(n) < 1 / (1 + np.exp(1 - 0.3 * X[:, 1]))).astype(float)
design = SurveyDesign(strata=np.arange(n) % 50, psu=np.arange(n) // 50 % 2, weights=rng.uniform(1, 3, n))
domain = domain_of(design, np.ones(n, dtype=bool))
fit = fit_logistic(X, y, design=design, domain=domain, terms=tuple(f"x{j}" for j in range(p)))
print(fit.beta[1], np.sqrt(fit.vcov[1, 1]), loaded, peak() - loaded)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process's own peak is told by Linux only")
def test_a_million_rows_of_twenty_columns_are_fitted_in_less_than_two_gigabytes():
    """A quarter of them is fitted: all that is more than the packages take grows with the rows."""
    done = subprocess.run([sys.executable, "-c", QUARTER], capture_output=True, text=True, check=True)
    slope, std_error, loaded, grown = map(float, done.stdout.split())
    assert abs(slope - 0.3) < 4 * std_error < 0.04
    assert loaded + 4 * grown < 2e9


@pytest.mark.reference
def test_deviance_keeps_its_digits_where_a_prediction_nears_certainty():
    """By hand: -2 log(1 - expit(40)) = 80 to seventeen digits, where 1 - expit(40) is rounded to zero."""
    deviance = survey.logistic_deviance(np.array([0.0, 1.0]), np.array([40.0, 40.0]), np.array([1.0, 1.0]))
    assert deviance == pytest.approx(80.0, rel=1e-15)


def test_a_person_alone_in_an_extreme_column_is_separation_and_no_crash():
    sample = clustered_sample(3)
    extreme = np.zeros(sample.y.size)
    extreme[np.flatnonzero(sample.rows & (sample.y == 1))[:2]] = [1e6, 2e6]
    apart = replace(sample, X=np.column_stack([sample.X, extreme]), terms=(*sample.terms, "extreme"))
    with pytest.raises(ConvergenceError, match="separation"):
        apart.fit()
