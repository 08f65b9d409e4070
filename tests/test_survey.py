import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import SpecificationWarning

from analysis.stats import survey
from analysis.stats.splines import Array
from analysis.stats.survey import (
    ConvergenceError,
    DesignError,
    LogisticFit,
    SurveyDesign,
    domain_of,
    fit_logistic,
    taylor_vcov,
    weighted_mean,
)
from tests.arrays import R_POLICIES, R_STUDIES, Sample, clustered_sample, of_study, r_fit, r_sample

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
    assert ours["term"].tolist() == theirs["term"].tolist()
    assert ours["df"].tolist() == theirs["df"].tolist()
    for column in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=R_RTOL, err_msg=column)


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


@pytest.mark.reference
@studies
@pytest.mark.parametrize("variable", ["y", "z"])
def test_weighted_means_match_r_svymean(study_id: str, variable: str) -> None:
    sample, policies = r_sample(study_id), R_POLICIES.get(study_id, {})
    values = sample.y if variable == "y" else sample.X[:, sample.terms.index("z")]
    mean = weighted_mean(values, design=sample.design(**policies), domain=sample.domain(**policies))
    theirs = of_study("design/means", study_id).set_index("variable").loc[variable]
    assert mean.df == theirs["df"]
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(mean, column), theirs[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
def test_a_domain_with_one_psu_of_a_stratum_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("part_lone_psu")
    with pytest.raises(DesignError, match=r'strata \[1\] have people of the domain in one PSU only.*"keep"'):
        sample.fit()
    assert sample.fit(lonely_domain="keep").n_psu == 15


@pytest.mark.reference
def test_a_stratum_of_one_psu_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("lonely_psu")
    with pytest.raises(DesignError, match=r'strata \[1\] have one PSU each: expected at least two.*"adjust"'):
        sample.design()
    assert sample.fit(lonely_psu="adjust").n_strata == 6


# ---- agreement with calculations by hand

# Two strata of two PSUs; the weights add up to 12, the weighted values to 38.
HAND_DESIGN = SurveyDesign(
    strata=np.array([1, 1, 1, 2, 2, 2]), psu=np.array([1, 1, 2, 1, 2, 2]), weights=np.array([1.0, 3, 2, 4, 1, 1])
)
HAND_VALUES = np.array([2.0, 4, 6, 1, 3, 5])


@pytest.mark.reference
def test_weighted_mean_is_the_textbook_ratio_with_the_textbook_variance() -> None:
    found = weighted_mean(HAND_VALUES, design=HAND_DESIGN, domain=domain_of(HAND_DESIGN, np.full(6, True)))
    mean = (1 * 2 + 3 * 4 + 2 * 6 + 4 * 1 + 1 * 3 + 1 * 5) / 12
    first = (1 * (2 - mean) + 3 * (4 - mean)) - 2 * (6 - mean)
    second = 4 * (1 - mean) - (1 * (3 - mean) + 1 * (5 - mean))
    # With two PSUs, n/(n - 1) times the squares about the stratum mean is the squared difference of the totals.
    std_error = math.sqrt(first**2 + second**2) / 12
    t = 0.95 / math.sqrt(2 * 0.975 * 0.025)  # Student's 97.5 % point on 4 - 2 = 2 degrees of freedom
    found_values = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    np.testing.assert_allclose(found_values, (mean, std_error, mean - t * std_error, mean + t * std_error), rtol=1e-13)
    assert (found.df, found.n) == (2, 6)


@pytest.mark.reference
def test_mean_of_a_domain_counts_its_empty_psus_as_totals_of_zero() -> None:
    keep = replace(HAND_DESIGN, lonely_domain="keep")
    found = weighted_mean(HAND_VALUES, design=keep, domain=domain_of(keep, np.arange(6) != 3))
    mean = (1 * 2 + 3 * 4 + 2 * 6 + 1 * 3 + 1 * 5) / 8
    first = (1 * (2 - mean) + 3 * (4 - mean)) - 2 * (6 - mean)
    second = 0 - (1 * (3 - mean) + 1 * (5 - mean))
    np.testing.assert_allclose(found.std_error, math.sqrt(first**2 + second**2) / 8, rtol=1e-13)
    assert found.df == 3 - 2


@pytest.mark.reference
def test_a_lonely_psu_is_centred_at_the_mean_of_all_totals() -> None:
    design = SurveyDesign(
        strata=np.array([1, 1, 1, 2]), psu=np.array([1, 2, 3, 1]), weights=np.ones(4), lonely_psu="adjust"
    )
    totals = np.array([[3.0], [5.0], [10.0], [2.0]])
    of_three = 3 / 2 * ((3 - 6) ** 2 + (5 - 6) ** 2 + (10 - 6) ** 2)
    of_the_lonely = (2 - (3 + 5 + 10 + 2) / 4) ** 2
    np.testing.assert_allclose(taylor_vcov(totals, design), [[of_three + of_the_lonely]], rtol=1e-14)


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


def jackknife_vcov(sample: Sample, estimate: Callable[[Sample], Array]) -> Array:
    """Delete-one-PSU jackknife (JKn) about the full-sample estimate."""
    full = estimate(sample)
    positions = sample.psu_positions()
    vcov = np.zeros((full.size, full.size))
    for stratum in np.unique(sample.strata):
        psus = np.unique(positions[sample.strata == stratum])
        share = len(psus) / (len(psus) - 1)
        for psu in psus:
            weights = np.where(sample.strata == stratum, share * sample.weights, sample.weights)
            change = estimate(replace(sample, weights=np.where(positions == psu, 0.0, weights))) - full
            vcov += np.outer(change, change) / share
    return vcov


@given(seeds)
def test_variance_of_a_total_is_exactly_its_jackknife(seed: int) -> None:
    sample = clustered_sample(seed)
    influence = np.where(sample.rows, sample.weights * sample.y, 0.0)[:, None]
    jackknife = jackknife_vcov(sample, lambda s: np.array([np.sum(s.weights * s.y * s.rows)]))
    np.testing.assert_allclose(taylor_vcov(influence, sample.design()), jackknife, rtol=1e-9)


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


def test_a_design_keeps_its_own_read_only_arrays() -> None:
    sample = clustered_sample(1)
    design = sample.design()
    sample.weights[0], sample.strata[0] = 1e9, 99
    assert design.weights[0] < 1e9
    assert design.strata[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        design.weights[0] = 1.0


# ---- what is refused

SQUARE = np.ones((2, 2), dtype=int)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strata": np.array([1, 1, 2])}, r"strata \(3,\), psu \(4,\), weights \(4,\): expected one length"),
        ({"psu": np.array([1, 2, 1])}, r"psu \(3,\).*expected one length"),
        ({"weights": np.ones((4, 1))}, r"weights \(4, 1\): expected one length"),
        ({"weights": np.array([1.0, np.nan, 1.0, np.inf])}, "2 weights are missing or infinite"),
        ({"strata": SQUARE, "psu": SQUARE, "weights": SQUARE}, r"weights \(2, 2\): expected one length"),
        ({"weights": np.array([1.0, -0.5, 1.0, -0.25])}, r"2 weights are negative \(lowest -0.5\): expected >= 0"),
        ({"weights": np.zeros(4)}, "all weights are zero: expected at least one positive weight"),
        ({"psu": np.array([1, 1, 1, 2])}, r"strata \[1\] have one PSU each"),
        ({"psu": np.array([1, 1, 7, 7])}, r"strata \[1, 2\] have one PSU each"),
    ],
    ids=["strata", "psu", "column", "missing", "tables", "negative", "all_zero", "lonely", "two_lonely"],
)
def test_a_design_without_variance_is_refused(changes: dict[str, Array], message: str) -> None:
    arrays = {"strata": np.array([1, 1, 2, 2]), "psu": np.array([1, 2, 1, 2]), "weights": np.ones(4)}
    with pytest.raises(DesignError, match=message):
        SurveyDesign(**arrays | changes)


@pytest.mark.parametrize("selected", [0, 3], ids=["nobody", "only_weights_of_zero"])
def test_an_empty_domain_is_refused(selected: int) -> None:
    design = replace(HAND_DESIGN, weights=np.array([0.0, 0, 0, 4, 1, 1]), lonely_domain="keep")
    with pytest.raises(DesignError, match=f"the domain is empty: {selected} rows were selected"):
        domain_of(design, np.arange(6) < selected)


def test_a_domain_of_another_shape_is_refused() -> None:
    with pytest.raises(DesignError, match=r"domain of shape \(5,\): expected \(6,\), one entry per sampled row"):
        domain_of(HAND_DESIGN, np.full(5, True))


def test_a_psu_whose_domain_rows_all_have_weight_zero_is_missing_from_the_domain() -> None:
    design = replace(HAND_DESIGN, weights=np.array([1.0, 3, 2, 4, 0, 0]))
    with pytest.raises(DesignError, match=r"strata \[2\] have people of the domain in one PSU only"):
        domain_of(design, np.full(6, True))


def test_a_mean_of_unknown_values_is_refused() -> None:
    unknown = np.array([2.0, np.nan, 6, 1, np.nan, 5])
    with pytest.raises(DesignError, match="y is missing for 2 people in the domain"):
        weighted_mean(unknown, design=HAND_DESIGN, domain=domain_of(HAND_DESIGN, np.full(6, True)))


@pytest.mark.parametrize(
    "changes",
    [
        {"X": np.ones((375, 3))}, {"X": np.ones((300, 4))}, {"X": np.ones(375)}, {"y": np.ones(374)},
        {"terms": ("intercept", "x", "group")},
    ],
    ids=["few_columns", "few_rows", "vector", "short_y", "few_names"],
)  # fmt: skip
def test_arrays_that_do_not_fit_the_design_are_refused(changes: dict[str, Array]) -> None:
    sample = clustered_sample(1, psus_in_stratum=(3, 3, 3, 3, 3), people=25)
    arguments = {"X": sample.X, "y": sample.y, "terms": sample.terms} | changes
    with pytest.raises(DesignError, match=r"expected \(375, [34]\) and \(375,\)"):
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
    monkeypatch.setattr(survey, "NEWTON_STEPS", 0)
    monkeypatch.setattr(survey, "MAX_ITERATIONS", 2)
    with pytest.raises(ConvergenceError, match="no finite estimate after 2 iterations"):
        clustered_sample(1).fit()


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
    with pytest.raises(ConvergenceError, match="^(x|group|copy): nothing is left of this column"):
        copied.fit()


def test_a_column_that_is_zero_throughout_the_domain_is_refused_by_name() -> None:
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[sample.rows, 2] = 0.0
    with pytest.raises(ConvergenceError, match="^group: nothing is left of this column.*constant"):
        replace(sample, X=X).fit()


def test_a_model_that_leaves_no_residual_degree_of_freedom_is_refused() -> None:
    sample = clustered_sample(1, psus_in_stratum=(2, 2, 2), people=60)
    assert sample.without(("place",)).fit().residual_df == 1
    with pytest.raises(DesignError, match="4 coefficients on 6 PSUs in 3 strata leave no residual degree of freedom"):
        sample.fit()
