import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.checks.calibration import archer_lemeshow_test, calibration_by_group
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from tests.arrays import Sample, clustered_sample, of_study, r_fit, r_sample

R_RTOL = 1e-8
"""Both sum the same numbers in double precision; R's coefficients are right to 1e-11."""

SAME = 1e-9
"""Two calculations of one sample, whose fits have settled to a deviance of 1e-13."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
group_numbers = pytest.mark.parametrize("groups", [5, 8])


def calibration_of(sample, **options):
    design, domain = sample.design(), sample.domain()
    return calibration_by_group(sample.fit(), sample.columns, sample.outcome, design=design, domain=domain, **options)


def goodness_of(sample, **options):
    design, domain = sample.design(), sample.domain()
    return archer_lemeshow_test(sample.fit(), sample.columns, sample.outcome, design=design, domain=domain, **options)


# ---- agreement with R


@pytest.mark.reference
@studies
@group_numbers
def test_observed_and_predicted_risks_by_group_match_r_svyby(study_id, groups):
    sample, fit = r_sample(study_id), r_fit(study_id)
    design, domain = sample.design(), sample.domain()
    found = calibration_by_group(fit, sample.columns, sample.outcome, design=design, domain=domain, groups=groups)
    theirs = of_study("diagnostics/calibration", study_id)
    theirs = theirs[theirs["groups"] == groups]
    ours = found.to_frame()
    for column in ("n", "predicted", "estimate", "std_error", "df", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
@studies
@group_numbers
@pytest.mark.parametrize("null", ["zero", "equal"])
def test_the_mean_residual_test_matches_r(study_id, groups, null):
    sample, fit = r_sample(study_id), r_fit(study_id)
    design, domain = sample.design(), sample.domain()
    found = archer_lemeshow_test(
        fit, sample.columns, sample.outcome, design=design, domain=domain, groups=groups, null=null
    )
    theirs = of_study("diagnostics/goodness_of_fit", study_id)
    theirs = theirs[(theirs["groups"] == groups) & (theirs["null"] == null)].iloc[0]
    assert (found.df_num, found.df_den) == (theirs["df_num"], theirs["df_den"])
    np.testing.assert_allclose(found.wald, theirs["wald"], rtol=R_RTOL)
    np.testing.assert_allclose(found.statistic, theirs["statistic"], rtol=R_RTOL)
    np.testing.assert_allclose(found.p_value, theirs["p_value"], rtol=R_RTOL)


# ---- agreement with calculations by hand


def hand_sample():
    """Three strata of two PSUs of two people each, weights 1, one with x = 0 (risk 1/2), one with x = 1 (risk 3/4)."""
    x = np.tile([0.0, 1.0], 6)
    y = np.ravel(np.column_stack([[1, 0, 0, 0, 1, 0], [1, 1, 1, 0, 1, 1]])).astype(float)
    return Sample(
        strata=np.repeat([1, 2, 3], 4), psu=np.tile(np.repeat([1, 2], 2), 3), weights=np.ones(12),
        X=np.column_stack([np.ones(12), x]), y=y, rows=np.full(12, True), terms=("intercept", "x"),
    )  # fmt: skip


def hand_fit():
    """A regression that predicts 1/2 and 3/4; nothing but its coefficients is read."""
    return LogisticFit(
        terms=("intercept", "x"), beta=np.array([0.0, math.log(3)]), vcov=np.eye(2), naive_vcov=np.eye(2), n=12,
        n_psu=6, n_strata=3, deviance=1.0, cases=7, n_iter=1, totals=np.zeros((6, 2)),
    )  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize(("null", "statistic"), [("zero", 3 / (3 * 2) * 0.75), ("equal", 3 / (3 * 1) * 0.75)])
def test_the_mean_residual_test_by_hand(null, statistic):
    sample = hand_sample()
    found = archer_lemeshow_test(
        hand_fit(),
        sample.columns,
        sample.outcome,
        design=sample.design(),
        domain=sample.domain(),
        groups=2,
        null=null,
    )
    # Mean residuals: (2 x 1/2 - 4 x 1/2)/6 = -1/6 and (5 x 1/4 - 3/4)/6 = 1/12. In a stratum of two PSUs of one person
    # each the variance is the squared difference of the two outcomes over 6²: the differences are 1, 0, 1 where x = 0
    # and 0, 1, 0 where x = 1, so V = diag(2, 1)/36.
    # zero:  W = (1/6)² / (2/36) + (1/12)² / (1/36) = 1/2 + 1/4
    # equal: W = (1/12 + 1/6)² / (3/36) = 3/4
    assert found.wald == pytest.approx(0.75, rel=1e-12)
    # f = 6 - 3 = 3 and g = 2: F = (f - g + 2)/(f g) W, or f (g - 1) below, on g - 1 = 1 and f - g + 2 = 3.
    assert found.statistic == pytest.approx(statistic, rel=1e-12)
    assert (found.groups, found.df_num, found.df_den) == (2, 1, 3)
    # F on 1 and 3 is the square of Student's t on 3, whose distribution function has this closed form.
    u = math.sqrt(statistic / 3)
    assert found.p_value == pytest.approx(1 - 2 / math.pi * (u / (1 + u**2) + math.atan(u)), rel=1e-12)


@pytest.mark.reference
def test_the_logit_interval_of_a_group_by_hand():
    twice = hand_sample().take(np.tile(np.arange(12), 2))
    found = calibration_by_group(
        hand_fit(), twice.columns, twice.outcome, design=twice.design(), domain=twice.domain(), groups=2
    ).to_frame()
    assert found["n"].tolist() == [12, 12]
    np.testing.assert_allclose(found["predicted"], [1 / 2, 3 / 4], rtol=1e-13)
    np.testing.assert_allclose(found["estimate"], [2 / 6, 5 / 6], rtol=1e-13)
    np.testing.assert_allclose(found["std_error"], [math.sqrt(2) / 6, 1 / 6], rtol=1e-13)
    assert found["df"].tolist() == [3, 3]
    t = 3.182446305284263  # Student's 97.5 % point on 3 degrees of freedom
    for odds, slope, row in ((1 / 2, math.sqrt(2) / 6 * 9 / 2, 0), (5, 1 / 6 * 36 / 5, 1)):
        low, high = (odds * math.exp(sign * t * slope) for sign in (-1, 1))
        np.testing.assert_allclose(found.loc[row, "conf_low"], low / (1 + low), rtol=1e-12)
        np.testing.assert_allclose(found.loc[row, "conf_high"], high / (1 + high), rtol=1e-12)
    assert np.isnan(found.loc[0, "low"])
    np.testing.assert_allclose((found.loc[0, "high"], found.loc[1, "low"]), 1 / 2, rtol=1e-15)


# ---- groups


@given(seeds, st.integers(2, 6))
def test_groups_carry_equal_shares_of_the_weight_but_for_one_person(seed, groups):
    sample = clustered_sample(seed)
    found = calibration_of(sample, groups=groups)
    counted = sample.rows & (sample.weights > 0)
    weights = sample.weights[counted]
    risk = 1 / (1 + np.exp(-(sample.X[counted] @ sample.fit().beta)))
    share = np.array([weights[risk <= cut * (1 + 1e-12)].sum() for cut in found.high[:-1]]) / weights.sum()
    beyond = share - np.arange(1, groups) / groups
    assert np.all(beyond > -1e-9)
    assert np.all(beyond < weights.max() / weights.sum())
    assert found.n.sum() == counted.sum()


def test_people_of_the_same_covariates_are_in_the_same_group():
    sample = clustered_sample(5)
    sample = replace(sample, X=np.column_stack([np.ones(350), np.round(sample.X[:, 1])]), terms=("intercept", "x"))
    found = calibration_of(sample, groups=3)
    counted = sample.rows & (sample.weights > 0)
    risk = 1 / (1 + np.exp(-(sample.X[counted] @ sample.fit().beta)))
    expected = [np.sum(risk <= cut * (1 + 1e-12)) for cut in found.high[:-1]]
    assert np.cumsum(found.n)[:-1].tolist() == expected


@given(seeds)
def test_groups_average_to_the_observed_and_the_predicted_risk_of_all(seed):
    sample = clustered_sample(seed)
    found = calibration_of(sample, groups=2)
    counted = sample.rows & (sample.weights > 0)
    risk = 1 / (1 + np.exp(-(sample.X[counted] @ sample.fit().beta)))
    low = np.searchsorted(found.high[:1] * (1 + 1e-12), risk) == 0
    share = sample.weights[counted][low].sum() / sample.weights[counted].sum()
    mean = weighted_mean(sample.y, design=sample.design(), domain=sample.domain()).estimate
    # The score equation of the intercept makes the two averages one.
    for values in (found.observed, found.predicted):
        assert share * values[0] + (1 - share) * values[1] == pytest.approx(mean, rel=1e-8)


def test_a_group_of_fewer_than_ten_people_stays_empty():
    sample = hand_sample()
    found = calibration_by_group(
        hand_fit(), sample.columns, sample.outcome, design=sample.design(), domain=sample.domain(), groups=2
    )
    assert found.to_frame().drop(columns="group").isna().all(axis=None)


def test_a_group_without_outcome_has_no_interval():
    sample = clustered_sample(2)
    design, domain, fit = sample.design(), sample.domain(), sample.fit()
    eta = sample.X @ fit.beta
    nobody = np.where(eta < np.median(eta[domain.rows]), 0.0, sample.y)
    found = calibration_by_group(
        fit, sample.columns, nobody[sample.inside], design=design, domain=domain, groups=4
    ).to_frame()
    assert found.loc[0, "estimate"] == 0
    assert found.loc[0, ["conf_low", "conf_high"]].isna().all()
    assert found.loc[3, ["conf_low", "conf_high"]].notna().all()


def test_a_group_that_leaves_no_degree_of_freedom_has_no_interval():
    sample = hand_sample().take(np.tile(np.arange(12), 4))
    without = sample.X[:, 1] == 0
    first = replace(sample, rows=(sample.psu == 1) | ~without, weights=np.where(without, 2.0, 1.0))
    design = first.design()
    found = calibration_by_group(
        hand_fit(), first.columns, first.outcome, design=design, domain=domain_of(design, first.rows), groups=2
    ).to_frame()
    assert found["df"].tolist() == [0, 3]
    assert np.isnan(found.loc[0, "conf_low"])
    assert found.loc[0, "estimate"] == pytest.approx(2 / 3)


def test_a_curve_fitted_with_a_line_is_found_out():
    rng = np.random.default_rng(8)
    cluster = np.repeat(np.arange(120), 40)
    x = rng.normal(size=cluster.size)
    y = (rng.random(cluster.size) < 1 / (1 + np.exp(1.5 - x**2 - 0.5 * x))).astype(float)
    line = Sample(
        strata=cluster // 4, psu=cluster % 4, weights=rng.uniform(1, 5, cluster.size),
        X=np.column_stack([np.ones(x.size), x]), y=y, rows=np.full(x.size, True), terms=("intercept", "x"),
    )  # fmt: skip
    curve = replace(line, X=np.column_stack([line.X, x**2]), terms=("intercept", "x", "x2"))
    for null in ("zero", "equal"):
        assert goodness_of(line, null=null).p_value < 1e-6
        assert goodness_of(curve, null=null).p_value > 0.05


# ---- properties


def numbers(sample):
    """Calibration and both tests of a sample in one array."""
    tests = [goodness_of(sample, groups=4, null=null) for null in ("zero", "equal")]
    frame = calibration_of(sample, groups=4).to_frame()
    return np.concatenate([np.nan_to_num(frame).ravel(), [one.statistic for one in tests], [tests[0].p_value]])


@given(seeds, st.floats(1e-3, 1e3))
def test_calibration_does_not_depend_on_the_scale_of_the_weights(seed, scale):
    sample = clustered_sample(seed)
    scaled = replace(sample, weights=sample.weights * scale)
    np.testing.assert_allclose(numbers(scaled), numbers(sample), rtol=1e-7)


@given(seeds)
def test_calibration_does_not_depend_on_the_order_of_rows(seed):
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    np.testing.assert_allclose(numbers(sample.take(order)), numbers(sample), rtol=1e-7)


@given(seeds)
def test_calibration_does_not_depend_on_the_names_of_psus(seed):
    sample = clustered_sample(seed)
    renamed = replace(sample, psu=17 - 3 * sample.psu, strata=-sample.strata)
    np.testing.assert_allclose(numbers(renamed), numbers(sample), rtol=1e-7)


@given(seeds)
def test_the_two_nulls_share_their_degrees_of_freedom_and_zero_is_the_wider_wald(seed):
    sample = clustered_sample(seed)
    zero, equal = (goodness_of(sample, groups=4, null=null) for null in ("zero", "equal"))
    assert (zero.df_num, zero.df_den) == (equal.df_num, equal.df_den) == (3, 9 - 4 + 2)
    assert zero.wald >= equal.wald * (1 - SAME)


# ---- refusals


@pytest.fixture
def sample():
    return clustered_sample(1)


def test_an_unknown_null_is_refused(sample):
    with pytest.raises(DesignError, match="null='flat': expected one of zero, equal"):
        goodness_of(sample, null="flat")


@pytest.mark.parametrize("compute", [calibration_of, goodness_of])
def test_one_group_is_refused(sample, compute):
    with pytest.raises(DesignError, match="1 groups of predicted risk: expected at least 2"):
        compute(sample, groups=1)


@pytest.mark.parametrize("compute", [calibration_of, goodness_of])
def test_more_groups_than_predicted_risks_are_refused(sample, compute):
    two_risks = sample.without(("x", "place"))
    with pytest.raises(DesignError, match="3 groups hold people in 2 only: expected fewer groups"):
        compute(two_risks, groups=3)


def test_more_groups_than_degrees_of_freedom_are_refused(sample):
    with pytest.raises(DesignError, match="10 groups on 9 design degrees of freedom"):
        goodness_of(sample, groups=10)


@pytest.mark.parametrize("compute", [calibration_by_group, archer_lemeshow_test])
def test_a_regression_of_other_people_is_refused(sample, compute):
    n = sample.domain().n
    with pytest.raises(DesignError, match=rf"X \({n}, 4\), y \({n - 1},\): expected \({n}, 4\) and \({n},\)"):
        compute(sample.fit(), sample.columns, sample.outcome[1:], design=sample.design(), domain=sample.domain())


@pytest.mark.parametrize("conf_level", [0.0, 1.0, 95.0])
def test_a_confidence_level_outside_its_range_is_refused(sample, conf_level):
    with pytest.raises(DesignError, match="expected a number between 0 and 1"):
        calibration_of(sample, conf_level=conf_level)


def test_mean_residuals_without_variance_are_refused():
    sample = hand_sample()
    y = np.where(sample.X[:, 1] == 0, 1.0, sample.y)
    with pytest.raises(DesignError, match="1 groups have no variance in their mean residual"):
        archer_lemeshow_test(
            hand_fit(), sample.columns, y[sample.inside], design=sample.design(), domain=sample.domain(), groups=2
        )


def test_mean_residuals_of_singular_covariance_are_refused():
    sample = hand_sample()
    y = np.where(sample.X[:, 1] == 0, np.roll(sample.y, -1), sample.y)
    with pytest.raises(DesignError, match="the covariance of 2 mean residuals is singular"):
        archer_lemeshow_test(
            hand_fit(), sample.columns, y[sample.inside], design=sample.design(), domain=sample.domain(), groups=2
        )


def test_people_may_be_drawn_one_by_one():
    sample = hand_sample()
    design = SurveyDesign(strata=np.ones(12, dtype=int), psu=np.arange(12), weights=np.ones(12))
    found = archer_lemeshow_test(
        hand_fit(), sample.columns, sample.outcome, design=design, domain=domain_of(design, sample.rows), groups=2
    )
    assert (found.df_num, found.df_den) == (1, 11)
    assert found.to_frame().loc[0, "p_value"] == found.p_value
