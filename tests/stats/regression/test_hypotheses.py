import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.regression.hypotheses import (
    TermTest,
    contrast,
    f_sum_tail,
    generalised_design_effects,
    group_scores,
    product_columns,
    rao_scott_test,
    trend_contrast,
    wald_test,
)
from analysis.stats.sample.design import DesignError
from tests.arrays import R_POLICIES, R_STUDIES, Sample, clustered_sample, of_study, r_fit, r_sample, reference_table
from tests.inference import GROUPS, INTERACTION, POINTS, R_DOMAINS, REFERENCE, SPLINE, r_model, r_spline, square

R_RTOL = 1e-8
"""R's saddlepoint is solved to machine precision for it (tests/reference/common.R)."""

SADDLEPOINT_RTOL = 0.03
"""The saddlepoint formula is an approximation: within 3 % of the exact F tail for two terms or more and p > 0.001."""

HYPOTHESES = {"overall": ("x", "x_s1", "x_s2"), "nonlinear": ("x_s1", "x_s2")}

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)
domains = pytest.mark.parametrize("study_id", R_DOMAINS)
hypotheses = pytest.mark.parametrize("test", HYPOTHESES)


def r_test(study_id: str, test: str, method: str) -> TermTest:
    """R's numbers of one test as a result of ours."""
    rows = of_study("design/tests", study_id).set_index(["test", "method"])
    row = rows.loc[(test, method)]
    return TermTest(method, row["statistic"], int(row["df_num"]), int(row["df_den"]), row["p_value"])


def share_of_positive_weight(study_id: str) -> float:
    """Rows of positive weight among the rows of the domain.

    svyglm scales weights to a mean of 1 over all rows of the domain, and we over those of positive weight only, so our
    weights, deviances and eigenvalues are R's times this share. p does not change.
    """
    sample = r_sample(study_id)
    return float(np.mean(sample.weights[sample.rows] > 0))


def rao_scott_of(sample: Sample, terms: tuple[str, ...], **policies: str) -> TermTest:
    """Fit a model and the same without the terms, and compare them."""
    return rao_scott_test(sample.fit(**policies), sample.without(terms).fit(**policies), terms)


# ---- agreement with R


@pytest.mark.reference
@studies
@hypotheses
def test_wald_test_matches_r_survey(study_id: str, test: str) -> None:
    ours, theirs = wald_test(r_fit(study_id), HYPOTHESES[test]), r_test(study_id, test, "wald")
    assert (ours.method, ours.df_num, ours.df_den) == ("wald", theirs.df_num, theirs.df_den)
    np.testing.assert_allclose(ours.statistic, theirs.statistic, rtol=R_RTOL)
    np.testing.assert_allclose(ours.p_value, theirs.p_value, rtol=R_RTOL)


@pytest.mark.reference
@studies
@hypotheses
def test_rao_scott_test_matches_r_survey(study_id: str, test: str) -> None:
    ours = rao_scott_of(r_sample(study_id), HYPOTHESES[test], **R_POLICIES.get(study_id, {}))
    theirs = r_test(study_id, test, "rao_scott")
    assert (ours.method, ours.df_num, ours.df_den) == ("rao_scott", theirs.df_num, theirs.df_den)
    np.testing.assert_allclose(ours.statistic, theirs.statistic * share_of_positive_weight(study_id), rtol=R_RTOL)
    np.testing.assert_allclose(ours.p_value, theirs.p_value, rtol=R_RTOL)


@pytest.mark.reference
@studies
@hypotheses
def test_rao_scott_eigenvalues_match_r_survey(study_id: str, test: str) -> None:
    ours = generalised_design_effects(r_fit(study_id), HYPOTHESES[test])[::-1]
    theirs = of_study("design/rao_scott_lambda", study_id).query("test == @test")["lambda"]
    np.testing.assert_allclose(ours, theirs * share_of_positive_weight(study_id), rtol=R_RTOL)


def r_contrasts(study_id: str):
    """Log odds ratios of R's spline at three points against its reference."""
    matrix = r_spline().basis(POINTS) - r_spline().basis(np.array([REFERENCE]))
    return contrast(r_model(study_id, (*SPLINE, "z")).fit(), matrix, terms=SPLINE)


@pytest.mark.reference
@domains
def test_contrasts_match_r_svycontrast(study_id: str) -> None:
    ours, theirs = r_contrasts(study_id), of_study("inference/contrasts", study_id)
    frame = ours.to_frame()
    for column in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        np.testing.assert_allclose(frame[column], theirs[column], rtol=R_RTOL, err_msg=column)
    vcov = square(of_study("inference/contrasts_vcov", study_id))
    assert np.max(np.abs(ours.vcov - vcov) / np.outer(ours.std_error, ours.std_error)) < R_RTOL


@pytest.mark.reference
@domains
def test_joint_test_of_contrasts_matches_r_multcomp(study_id: str) -> None:
    ours, theirs = r_contrasts(study_id).joint_test(), of_study("inference/joint", study_id).iloc[0]
    assert (ours.df_num, ours.df_den) == (theirs["df_num"], theirs["df_den"])
    np.testing.assert_allclose((ours.statistic, ours.p_value), theirs[["statistic", "p_value"]].astype(float), R_RTOL)


@pytest.mark.reference
@domains
@pytest.mark.parametrize("method", ["score", "contrast"])
def test_trend_over_groups_matches_r_survey(study_id: str, method: str) -> None:
    if method == "score":
        ours = r_model(study_id, ("score", "z")).fit().to_frame().set_index("term").loc["score"]
    else:
        scores = reference_table("inference/groups")["score"].to_numpy()
        fit = r_model(study_id, (*GROUPS, "z")).fit()
        ours = trend_contrast(fit, ("group_1", None, "group_3", "group_4"), scores=scores).to_frame().iloc[0]
    theirs = of_study("inference/trends", study_id).set_index("method").loc[method]
    for column in ("estimate", "std_error", "df", "p_value"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
@domains
def test_both_tests_of_an_interaction_match_r_survey(study_id: str) -> None:
    sample = r_model(study_id, (*SPLINE, "old", *INTERACTION))
    theirs = of_study("inference/interactions", study_id).set_index("method")
    for ours in (wald_test(sample.fit(), INTERACTION), rao_scott_of(sample, INTERACTION)):
        expected = theirs.loc[ours.method]
        assert (ours.df_num, ours.df_den) == (expected["df_num"], expected["df_den"])
        np.testing.assert_allclose(ours.statistic, expected["statistic"], rtol=R_RTOL)
        np.testing.assert_allclose(ours.p_value, expected["p_value"], rtol=R_RTOL)


# ---- contrasts


@given(seeds)
def test_contrast_of_one_coefficient_is_its_row_of_the_fit(seed: int) -> None:
    fit = clustered_sample(seed).fit()
    frame = contrast(fit, np.eye(len(fit.terms)), labels=fit.terms).to_frame(conf_level=0.9)
    pd.testing.assert_frame_equal(frame, fit.to_frame(conf_level=0.9), rtol=1e-12)


@given(seeds, st.floats(-3, 3))
def test_joint_test_is_of_the_space_of_the_contrasts_not_of_their_form(seed: int, slant: float) -> None:
    fit = clustered_sample(seed).fit()
    L = np.array([[0, 1.0, -1, 0], [0, 0, 2, 1]])
    found = contrast(fit, np.array([[3, 0], [slant, 1]]) @ L).joint_test()
    expected = contrast(fit, L).joint_test()
    np.testing.assert_allclose((found.statistic, found.p_value), (expected.statistic, expected.p_value), rtol=1e-8)


@given(seeds)
def test_a_hypothesis_of_equal_effects_is_the_test_of_the_difference_in_a_recoded_model(seed: int) -> None:
    sample = clustered_sample(seed)
    # b1 x + b2 place = b1 (x + place) + (b2 - b1) place.
    X = sample.X.copy()
    X[:, 1] = sample.X[:, 1] + sample.X[:, 3]
    found = contrast(sample.fit(), np.array([[-1.0, 1.0]]), terms=("x", "place")).joint_test()
    expected = wald_test(replace(sample, X=X).fit(), ("place",))
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-6)
    np.testing.assert_allclose(found.p_value, expected.p_value, rtol=1e-6)


def test_a_row_of_zeros_is_the_reference_without_error_or_test() -> None:
    frame = contrast(clustered_sample(1).fit(), np.array([[0.0, 0], [1, 0]]), terms=("x", "group")).to_frame()
    assert frame.loc[0, ["estimate", "std_error", "conf_low", "conf_high"]].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert frame.loc[0, ["statistic", "p_value"]].isna().all()
    assert frame.loc[1].notna().all()


def test_exponentiated_contrasts_are_ratios_with_errors_on_the_log_scale() -> None:
    found = contrast(clustered_sample(1).fit(), np.eye(2), terms=("x", "group"))
    ratio, log_ratio = found.to_frame(exponentiate=True), found.to_frame()
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_array_equal(ratio[column], np.exp(log_ratio[column]))
    others = ["term", "std_error", "statistic", "df", "p_value"]
    pd.testing.assert_frame_equal(ratio[others], log_ratio[others])


@pytest.mark.parametrize(
    ("matrix", "named"),
    [
        ([[1, 0, 0], [0, 1, 0], [2, -3, 0]], "contrast_3"),
        ([[1, 1, 1], [1, 1, 1]], "contrast_2"),
        ([[1, 0, 0], [0, 0, 0]], "contrast_2"),
        ([[0, 0, 0]], "contrast_1"),
    ],
    ids=["combination", "twice", "zero", "nothing"],
)
def test_joint_test_of_dependent_contrasts_is_refused_by_name(matrix: list[list[float]], named: str) -> None:
    found = contrast(clustered_sample(1).fit(), np.array(matrix), terms=("x", "group", "place"))
    with pytest.raises(DesignError, match=f"^{named}: zero, or known from the contrasts before it"):
        found.joint_test()


def test_a_term_tested_twice_is_refused() -> None:
    with pytest.raises(DesignError, match="^x: zero, or known"):
        wald_test(clustered_sample(1).fit(), ("x", "x"))


@pytest.mark.parametrize(
    ("matrix", "terms", "message"),
    [
        ([[1.0, 0]], ("x",), r"contrast matrix \(1, 2\): expected finite numbers, \(1, 1\)"),
        ([1.0, 0], ("x", "group"), r"contrast matrix \(2,\)"),
        ([[float("nan")]], ("x",), "expected finite numbers"),
        ([[1.0]], ("height",), "terms height: expected some of intercept, x, group, place"),
    ],
    ids=["columns", "one row", "missing", "term"],
)
def test_a_matrix_that_does_not_fit_the_terms_is_refused(matrix, terms: tuple[str, ...], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        contrast(clustered_sample(1).fit(), np.array(matrix), terms=terms)


def test_a_test_of_no_term_is_refused() -> None:
    with pytest.raises(DesignError, match="terms none: expected some of intercept"):
        wald_test(clustered_sample(1).fit(), ())


# ---- trend and interaction


@pytest.mark.reference
def test_a_covariance_that_is_no_number_has_no_test() -> None:
    sample = clustered_sample(1)
    fit = sample.fit()
    unknown = replace(fit, vcov=np.full_like(fit.vcov, np.nan))
    with pytest.raises(ValueError, match="infs or NaNs"):
        wald_test(unknown, fit.terms[1:3])


def test_trend_contrast_is_the_least_squares_slope_worked_by_hand() -> None:
    fit = replace(clustered_sample(1).fit(), terms=("q1", "q3", "q4"), beta=np.array([0.3, 0.5, 0.4]), vcov=np.eye(3))
    found = trend_contrast(fit, ("q1", None, "q3", "q4"), scores=np.array([1, 2, 3, 4]))
    # Scores less their mean are -1.5, -0.5, 0.5 and 1.5, their squares add up to 5.
    np.testing.assert_allclose(found.estimate, (-1.5 * 0.3 + 0.5 * 0.5 + 1.5 * 0.4) / 5)
    np.testing.assert_allclose(found.std_error**2, (1.5**2 + 0.5**2 + 1.5**2) / 25)


@given(seeds, st.floats(0.1, 10), st.floats(-5, 5))
def test_p_for_trend_does_not_depend_on_the_unit_of_the_scores(seed: int, unit: float, origin: float) -> None:
    fit = clustered_sample(seed).fit()
    scores, groups = np.array([0.0, 1, 3]), ("x", None, "place")
    found = trend_contrast(fit, groups, scores=origin + unit * scores).to_frame()
    np.testing.assert_allclose(found["p_value"], trend_contrast(fit, groups, scores=scores).to_frame()["p_value"])


@pytest.mark.parametrize("reference", [0, 1, 2])
def test_p_for_trend_does_not_depend_on_the_reference_group(reference: int) -> None:
    sample = clustered_sample(2)
    group = np.digitize(sample.X[:, 1], [-0.5, 0.5])
    names = ("low", "middle", "high")
    kept = [k for k in range(3) if k != reference]
    X = np.column_stack([np.ones(group.size), *[(group == k).astype(float) for k in kept]])
    fit = replace(sample, X=X, terms=("intercept", *(names[k] for k in kept))).fit()
    groups = tuple(None if k == reference else names[k] for k in range(3))
    found = trend_contrast(fit, groups, scores=np.arange(3)).to_frame().iloc[0]
    np.testing.assert_allclose(found["p_value"], trend_p_with_the_lowest_as_reference(sample, group), rtol=1e-7)


def trend_p_with_the_lowest_as_reference(sample: Sample, group: np.ndarray) -> float:
    """With scores 0, 1, 2 the slope is half the highest group's coefficient, so p is that of its t test."""
    X = np.column_stack([np.ones(group.size), group == 1, group == 2]).astype(float)
    fit = replace(sample, X=X, terms=("intercept", "middle", "high")).fit()
    return fit.to_frame()["p_value"].iloc[2]


@pytest.mark.parametrize(
    ("groups", "scores"),
    [(("x", "place"), [1, 2]), (("x", None, None), [1, 2, 3]), (("x", None), [1, 2, 3]), (("x", None), [2, 2])],
    ids=["no reference", "two references", "another number of scores", "equal scores"],
)
def test_a_trend_without_one_reference_and_differing_scores_is_refused(groups, scores: list[int]) -> None:
    with pytest.raises(DesignError, match="expected one reference"):
        trend_contrast(clustered_sample(1).fit(), groups, scores=np.array(scores))


@pytest.mark.reference
def test_group_scores_are_unweighted_medians_of_the_people_that_count() -> None:
    x, group = np.array([1.0, 2, 9, 4, 6, np.nan]), np.array([1, 1, 1, 2, 2, 3])
    scores = group_scores(x, group, rows=np.array([True, True, False, True, True, False]))
    np.testing.assert_array_equal(scores, [1.5, 1.5, 1.5, 5.0, 5.0, np.nan])


@pytest.mark.parametrize("rows", [[False, False], [True, True]], ids=["nobody", "missing x"])
def test_group_scores_need_people_with_a_known_exposure(rows: list[bool]) -> None:
    with pytest.raises(DesignError, match="x known for everybody in rows"):
        group_scores(np.array([1.0, np.nan]), np.array([1, 1]), rows=np.array(rows))


@pytest.mark.reference
def test_product_columns_and_their_names_by_hand() -> None:
    first, second = np.array([[1.0, 2], [3, 4]]), np.array([[5.0, 6], [7, 8]])
    products, names = product_columns(first, second, first_terms=("a", "b"), second_terms=("c", "d"))
    assert names == ("a:c", "b:c", "a:d", "b:d")
    np.testing.assert_array_equal(products, [[5, 10, 6, 12], [21, 28, 24, 32]])


def test_columns_without_a_name_each_are_not_multiplied() -> None:
    with pytest.raises(DesignError, match="a name for each column"):
        product_columns(np.ones((3, 2)), np.ones((3, 1)), first_terms=("a",), second_terms=("c",))


# ---- Wald


@given(seeds)
def test_wald_test_of_one_term_is_its_t_test(seed: int) -> None:
    fit = clustered_sample(seed).fit()
    row = fit.to_frame().set_index("term").loc["x"]
    test = wald_test(fit, ("x",))
    assert (test.df_num, test.df_den) == (1, fit.residual_df)
    np.testing.assert_allclose(test.statistic, row["statistic"] ** 2, rtol=1e-12)
    np.testing.assert_allclose(test.p_value, row["p_value"], rtol=1e-9)


@pytest.mark.reference
def test_wald_statistic_of_two_terms_is_the_quadratic_form_worked_by_hand() -> None:
    fit = replace(
        clustered_sample(1).fit(),
        terms=("intercept", "a", "b"),
        beta=np.array([7.0, 1.0, 2.0]),
        vcov=np.array([[9.0, 0, 0], [0, 2, 1], [0, 1, 3]]),
    )
    # The inverse of [[2, 1], [1, 3]] is [[3, -1], [-1, 2]] / 5.
    F = (3 * 1 * 1 - 2 * 1 * 2 + 2 * 2 * 2) / 5 / 2
    np.testing.assert_allclose(wald_test(fit, ("a", "b")).statistic, F, rtol=1e-14)


@given(seeds, st.floats(0.01, 100), st.floats(-3, 3))
def test_both_tests_are_of_the_space_of_the_terms_not_of_their_coding(seed: int, factor: float, slant: float) -> None:
    sample, terms = clustered_sample(seed), ("x", "group")
    X = sample.X.copy()
    X[:, 1] = factor * (sample.X[:, 1] + slant * sample.X[:, 2])
    recoded = replace(sample, X=X)
    wald, expected = wald_test(recoded.fit(), terms), wald_test(sample.fit(), terms)
    np.testing.assert_allclose((wald.statistic, wald.p_value), (expected.statistic, expected.p_value), rtol=1e-7)
    rao_scott, expected = rao_scott_of(recoded, terms), rao_scott_of(sample, terms)
    found = (rao_scott.statistic, rao_scott.p_value)
    np.testing.assert_allclose(found, (expected.statistic, expected.p_value), rtol=1e-7)


@given(seeds, st.floats(1e-4, 1e4))
def test_neither_test_depends_on_the_unit_of_the_weights(seed: int, factor: float) -> None:
    sample, terms = clustered_sample(seed), ("x", "group")
    scaled = replace(sample, weights=factor * sample.weights)
    for found, expected in (
        (wald_test(scaled.fit(), terms), wald_test(sample.fit(), terms)),
        (rao_scott_of(scaled, terms), rao_scott_of(sample, terms)),
    ):
        np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-9)
        np.testing.assert_allclose(found.p_value, expected.p_value, rtol=1e-9)


# ---- Rao-Scott


@given(seeds)
def test_rao_scott_statistic_is_the_fall_in_minus_twice_the_log_pseudo_likelihood(seed: int) -> None:
    sample, terms = clustered_sample(seed), ("x", "group")
    fit, null = sample.fit(), sample.without(terms).fit()
    y, weights = sample.y[sample.rows], sample.weights[sample.rows]

    def log_likelihood(eta: np.ndarray) -> float:
        return float(np.sum(weights / weights.mean() * (y * eta - np.logaddexp(0, eta))))

    rise = log_likelihood((sample.X @ fit.beta)[sample.rows])
    rise -= log_likelihood((sample.without(terms).X @ null.beta)[sample.rows])
    np.testing.assert_allclose(rao_scott_test(fit, null, terms).statistic, 2 * rise, rtol=1e-9, atol=1e-10)


def test_rao_scott_test_is_the_ordinary_likelihood_ratio_test_in_a_simple_random_sample() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    x, z = rng.normal(size=(2, n))
    sample = Sample(
        strata=np.ones(n, dtype=int),
        psu=np.arange(n),
        weights=np.full(n, 7.0),
        X=np.column_stack([np.ones(n), x, z]),
        y=(rng.random(n) < 1 / (1 + np.exp(0.5 - 0.07 * x))).astype(float),
        rows=np.full(n, True),
        terms=("intercept", "x", "z"),
    )
    test = rao_scott_of(sample, ("x", "z"))
    assert 0.01 < test.p_value < 0.2
    np.testing.assert_allclose(test.p_value, scipy.stats.chi2.sf(test.statistic, 2), rtol=0.05)


def test_two_models_of_different_people_are_not_compared() -> None:
    sample, terms = clustered_sample(1), ("x",)
    fewer = replace(sample, rows=sample.rows & ((sample.X[:, 1] > -1) | (sample.y == 1)))
    message = rf"fitted to {sample.rows.sum()} and {fewer.rows.sum()} people: expected the same domain"
    with pytest.raises(DesignError, match=message):
        rao_scott_test(sample.fit(), fewer.without(terms).fit(), terms)


def test_two_models_of_different_outcomes_are_not_compared() -> None:
    sample, terms = clustered_sample(1), ("x",)
    other = replace(sample, y=1 - sample.y)
    with pytest.raises(DesignError, match="expected the same domain"):
        rao_scott_test(sample.fit(), other.without(terms).fit(), terms)


# ---- the tail of a sum of chi-squares over a chi-square


@pytest.mark.reference
@pytest.mark.parametrize("df", [6, 44])
@pytest.mark.parametrize("eigenvalues", ["2", "1;1;1", "4;1;0.5"])
def test_tail_matches_r_survey_far_from_the_mean_and_next_to_it(eigenvalues: str, df: int) -> None:
    theirs = reference_table("design/tails").query("`lambda` == @eigenvalues and df == @df")
    assert len(theirs) == 12
    given_values = np.array([float(value) for value in eigenvalues.split(";")])
    ours = [f_sum_tail(statistic, given_values, df) for statistic in theirs["statistic"]]
    np.testing.assert_allclose(ours, theirs["p_value"], rtol=R_RTOL)


@pytest.mark.parametrize("df", [6, 44])
@pytest.mark.parametrize("number", [2, 3, 5])
def test_tail_with_equal_eigenvalues_is_near_the_f_tail(number: int, df: int) -> None:
    F = np.array([0.05, 0.3, 0.7, 1.5, 2.5, 4.0])
    tail = [f_sum_tail(value * number * 1.7, np.full(number, 1.7), df) for value in F]
    np.testing.assert_allclose(tail, scipy.stats.f.sf(F, number, df), rtol=SADDLEPOINT_RTOL)


@pytest.mark.parametrize("df", [6, 44])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_tail_at_the_mean_with_equal_eigenvalues_is_the_f_tail_exactly(number: int, df: int) -> None:
    tail = f_sum_tail(number * 1.7, np.full(number, 1.7), df)
    np.testing.assert_allclose(tail, scipy.stats.f.sf(1, number, df), rtol=1e-13)


@pytest.mark.reference
def test_tail_at_the_mean_is_satterthwaites_worked_by_hand() -> None:
    # Eigenvalues 3 and 1: mean 2, mean square 5, so 2 * 2^2 / 5 degrees of freedom, and F = (3 + 1) / (2 * 2).
    tail = f_sum_tail(4.0, np.array([3.0, 1.0]), 6)
    np.testing.assert_allclose(tail, scipy.stats.f.sf(1.0, 8 / 5, 6), rtol=1e-13)


@pytest.mark.parametrize("x", [1.0, 4.0, 8.0, 20.0])
def test_tail_with_unequal_eigenvalues_agrees_with_monte_carlo(x: float) -> None:
    eigenvalues, df, draws = np.array([4.0, 1.0, 0.5]), 10, 200_000
    rng = np.random.default_rng(7)
    total = (rng.standard_normal((draws, 3)) ** 2) @ eigenvalues
    share = np.mean(total > x * rng.chisquare(df, size=draws) / df)
    error = math.sqrt(share * (1 - share) / draws)
    assert abs(f_sum_tail(x, eigenvalues, df) - share) < SADDLEPOINT_RTOL * share + 4 * error


positive = st.floats(0.01, 100)


@given(st.lists(positive, min_size=1, max_size=6), positive, positive, st.integers(1, 60))
def test_tail_does_not_depend_on_the_unit_of_the_deviance(
    eigenvalues: list[float], x: float, factor: float, df: int
) -> None:
    tail = f_sum_tail(x, np.array(eigenvalues), df)
    assert 0 < tail <= 1
    np.testing.assert_allclose(f_sum_tail(factor * x, factor * np.array(eigenvalues), df), tail, rtol=1e-9)


@given(st.lists(positive, min_size=1, max_size=6), positive, st.integers(1, 60))
def test_tail_falls_as_the_statistic_grows(eigenvalues: list[float], x: float, df: int) -> None:
    # By half again: next to the mean Satterthwaite takes over with a step of up to 3 %.
    assert f_sum_tail(1.5 * x, np.array(eigenvalues), df) < f_sum_tail(x, np.array(eigenvalues), df)


@pytest.mark.parametrize("x", [0.0, -1e-12])
def test_a_statistic_that_does_not_rise_has_p_one(x: float) -> None:
    assert f_sum_tail(x, np.array([2.0, 1.0]), 6) == 1.0


@pytest.mark.parametrize("left_out", [(), ("group",), ("x", "group")], ids=["none", "another", "more"])
def test_a_model_that_is_not_the_first_without_the_tested_terms_is_refused(left_out: tuple[str, ...]) -> None:
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match="the smaller model has the terms .* expected intercept, group, place"):
        rao_scott_test(sample.fit(), sample.without(left_out).fit(), ("x",))
