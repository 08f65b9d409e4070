import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.design import DesignError
from analysis.stats.shape.slopes import EndSlopes, end_slopes, quadratic_derivative, quadratic_turning_point, slopes_at
from tests.arrays import of_study, r_fit, r_sample, reference_table

R_RTOL = 1e-8
"""Both sum the same numbers in double precision; R's coefficients are right to 1e-11."""

studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
shapes = pytest.mark.parametrize("shape", ["u", "inverted_u"])
curves = pytest.mark.parametrize("curve", ["quadratic", "spline"])
curve_numbers = st.tuples(
    st.floats(-5, 5), st.floats(0.01, 5), st.floats(0.1, 3), st.floats(0.1, 3), st.floats(-0.95, 0.95)
)


def fit_of(beta, vcov, *, df=10):
    """A fit of which nothing but coefficients, covariance and residual df matters."""
    p = len(beta)
    beta, vcov = np.array(beta, dtype=float), np.array(vcov, dtype=float)
    return LogisticFit(tuple(f"b{k}" for k in range(p)), beta, vcov, vcov, 100, df + p - 1 + 5, 5, 80.0, 30, 0,
                       np.zeros((df + p + 4, p)))  # fmt: skip


def covers(found, x):
    """Whether x belongs to Fieller's set."""
    if found.confidence_set == "bounded":
        return found.conf_low <= x <= found.conf_high
    return found.confidence_set == "whole_line" or not found.gap_low < x < found.gap_high


def quadratic_fit(b1, b2, *, se1=1.0, se2=1.0, correlation=0.0, df=10):
    shared = correlation * se1 * se2
    return fit_of([b1, b2], [[se1**2, shared], [shared, se2**2]], df=df)


def quadratic_ends(fit, low, high, shape="u") -> EndSlopes:
    rows = quadratic_derivative(np.array([low, high]))
    return end_slopes(fit, rows, index=np.array([0, 1]), low=low, high=high, shape=shape)


@cache
def r_quadratic(study_id):
    """Our fit of y ~ x + x² + z to a study of shape_reference.R."""
    sample = r_sample(study_id)
    x, z = sample.X[:, 1], sample.X[:, 4]
    X = np.column_stack([np.ones(x.size), x, x**2, z])
    return replace(sample, X=X, terms=("intercept", "x", "x2", "z")).fit()


def r_curve(study_id, curve):
    """Fit, positions of the exposure's coefficients, and derivative of its columns."""
    if curve == "quadratic":
        return r_quadratic(study_id), np.array([1, 2]), quadratic_derivative
    spline = RestrictedCubicSpline(of_study("design/knots", study_id)["knot"].to_numpy())
    return r_fit(study_id), np.array([1, 2, 3]), spline.derivative


def of_curve(table, study_id, curve):
    rows = of_study(f"shape/{table}", study_id)
    return rows[rows["curve"] == curve]


# ---- agreement with R and with published numbers


@pytest.mark.reference
@studies
@curves
def test_slopes_match_r_svycontrast(study_id, curve):
    fit, index, derivative = r_curve(study_id, curve)
    theirs = of_curve("slopes", study_id, curve)
    x = theirs["x"].to_numpy()
    ours = slopes_at(fit, x, derivative(x), index=index).to_frame()
    for column in ("estimate", "std_error", "statistic", "df", "p_falling", "p_rising"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
@studies
@curves
@shapes
def test_the_test_at_the_ends_matches_lind_and_mehlum_in_r(study_id, curve, shape):
    fit, index, derivative = r_curve(study_id, curve)
    theirs = of_curve("end_slopes", study_id, curve).iloc[0]
    low, high = theirs["low"], theirs["high"]
    ours = end_slopes(fit, derivative(np.array([low, high])), index=index, low=low, high=high, shape=shape)
    assert ours.p_value == pytest.approx(theirs[shape], rel=R_RTOL)


@pytest.mark.reference
@studies
def test_turning_points_match_fieller_in_r(study_id):
    fit = r_quadratic(study_id)
    for _, theirs in of_study("shape/turning_points", study_id).iterrows():
        ours = quadratic_turning_point(fit, index=np.array([1, 2]), conf_level=theirs["conf_level"])
        assert ours.confidence_set == theirs["confidence_set"]
        limits = (
            (ours.gap_low, ours.gap_high) if ours.confidence_set == "complement" else (ours.conf_low, ours.conf_high)
        )
        assert (ours.x, ours.std_error, *limits) == pytest.approx(
            tuple(theirs[["estimate", "std_error", "low", "high"]]), rel=R_RTOL, nan_ok=True
        )


@pytest.mark.reference
def test_the_reference_holds_every_kind_of_fieller_set():
    found = set(reference_table("shape/turning_points")["confidence_set"])
    assert found == {"bounded", "complement", "whole_line"}


@pytest.mark.reference
def test_an_output_of_stata_utest_is_reproduced():
    # Posted at m.pinggu.org/bbs/thread-4667505-1-1.html:
    #   Extreme point .0188902; interval -156.6146, 519.1631; slope -13.54852, 44.90505; t -1.0813, 1.081918;
    #   P>|t| .1397904, .1396531; overall test of presence of a U shape: t 1.08, P .14.
    # It does not show the df; 15,200 gives both p-values. The covariance is one that has the two standard errors.
    low, high, slopes, statistics = -156.6146, 519.1631, np.array([-13.54852, 44.90505]), np.array([-1.0813, 1.081918])
    to_coefficients = np.linalg.inv(quadratic_derivative(np.array([low, high])))
    vcov = to_coefficients @ np.diag((slopes / statistics) ** 2) @ to_coefficients.T
    fit = fit_of(to_coefficients @ slopes, vcov, df=15_200)
    found = quadratic_ends(fit, low, high)
    assert (found.p_low, found.p_high) == pytest.approx((0.1397904, 0.1396531), abs=5e-7)
    overall = found.to_frame().iloc[2]
    assert (round(overall["statistic"], 2), round(overall["p_value"], 2)) == (1.08, 0.14)
    # The turning point is near zero in a range of 676: its last digits are lost to the rounding of the slopes.
    assert quadratic_turning_point(fit, index=np.array([0, 1])).x == pytest.approx(0.0188902, abs=1e-4)


@pytest.mark.reference
def test_end_slopes_are_those_found_by_hand():
    # Slope -4 + 2 x, variance 1 + 4 x² 0.25 = 1 + x²: at 0 it is -4 -+ 1, at 3 it is 2 -+ sqrt(10).
    found = quadratic_ends(quadratic_fit(-4, 1, se2=0.5, df=1), 0, 3)
    assert (found.slope_low, found.std_error_low) == (-4, 1)
    assert (found.slope_high, found.std_error_high) == pytest.approx((2, math.sqrt(10)))
    # Student's t on one degree of freedom is Cauchy's distribution.
    assert found.p_low == pytest.approx(0.5 - math.atan(4) / math.pi)
    assert found.p_high == found.p_value == pytest.approx(0.5 - math.atan(2 / math.sqrt(10)) / math.pi)


@pytest.mark.reference
def test_a_bounded_set_is_the_one_found_by_hand():
    # At t² = 3, with b = (-4, 1) and variances 1 and 1/12: (4 - 2 x)² <= 3 (1 + x²/3), 3 x² - 16 x + 13 <= 0.
    level = 2 * scipy.stats.t.cdf(math.sqrt(3), 10) - 1
    found = quadratic_turning_point(
        quadratic_fit(-4, 1, se2=math.sqrt(1 / 12)), index=np.array([0, 1]), conf_level=level
    )
    assert (found.confidence_set, found.kind) == ("bounded", "minimum")
    assert (found.x, found.conf_low, found.conf_high) == pytest.approx((2, 1, 13 / 3))
    assert found.std_error == pytest.approx(math.sqrt(1 + 4 / 3) / 2)
    assert math.isnan(found.gap_low)


@pytest.mark.reference
def test_a_complement_is_the_one_found_by_hand():
    # At t² = 3, with b = (-4, 1) and variances 1 and 1/2: (4 - 2 x)² <= 3 (1 + 2 x²), 2 x² + 16 x - 13 >= 0.
    level = 2 * scipy.stats.t.cdf(math.sqrt(3), 10) - 1
    found = quadratic_turning_point(
        quadratic_fit(-4, 1, se2=math.sqrt(1 / 2)), index=np.array([0, 1]), conf_level=level
    )
    assert found.confidence_set == "complement"
    root = math.sqrt(16**2 + 4 * 2 * 13)
    assert (found.gap_low, found.gap_high) == pytest.approx(((-16 - root) / 4, (-16 + root) / 4))
    assert math.isnan(found.conf_low)
    assert math.isnan(found.conf_high)
    assert covers(found, 2)
    assert not covers(found, 0)


# ---- the test at the ends


@shapes
def test_a_turning_point_outside_the_range_rejects_at_no_level(shape):
    found = quadratic_ends(quadratic_fit(-4, 1, se1=0.01, se2=0.01), 3, 9, shape)
    assert found.p_value > 0.5


@shapes
def test_the_opposite_shape_rejects_at_no_level(shape):
    sign = 1 if shape == "u" else -1
    found = quadratic_ends(quadratic_fit(sign * 4, -sign, se1=0.01, se2=0.01), 0, 4, shape)
    assert found.p_value > 0.999
    assert found.to_frame()["statistic"].iloc[2] < 0


def test_an_inverted_u_is_the_u_of_the_negated_curve():
    ours = quadratic_ends(quadratic_fit(4, -1, correlation=-0.3), 0, 5, "inverted_u")
    theirs = quadratic_ends(quadratic_fit(-4, 1, correlation=-0.3), 0, 5, "u")
    assert (ours.p_low, ours.p_high, ours.p_value) == (theirs.p_low, theirs.p_high, theirs.p_value)
    assert ours.slope_low > 0 > ours.slope_high


@given(curve_numbers, st.floats(-3, 0), st.floats(0.1, 3))
def test_the_p_value_rejects_exactly_when_both_ends_do(numbers, low, width):
    b1, b2, se1, se2, correlation = numbers
    found = quadratic_ends(quadratic_fit(b1, b2, se1=se1, se2=se2, correlation=correlation), low, low + width)
    assert found.p_value == max(found.p_low, found.p_high)
    # A slope too small to count beside its error has p = 0.5, whatever its sign.
    assert found.p_value == pytest.approx(0.5) or (found.p_value < 0.5) == (found.slope_low < 0 < found.slope_high)
    overall = found.to_frame().iloc[2]
    assert overall["p_value"] == pytest.approx(scipy.stats.t.sf(overall["statistic"], found.df))


def test_the_level_is_kept_at_the_edge_of_the_null_hypothesis():
    # Flat at the low end, steep at the high one: the test rejects in a share alpha of samples.
    rng = np.random.default_rng(8)
    draws = rng.multivariate_normal([0.0, 5.0], [[1.0, 0.4], [0.4, 1.0]], 4000)
    ends = {"index": np.array([0, 1]), "low": 0, "high": 1}
    p = [end_slopes(fit_of(draw, [[1, 0.4], [0.4, 1]], df=10**6), np.eye(2), **ends).p_value for draw in draws]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4000))


def test_slopes_in_a_frame_have_t_intervals():
    frame = slopes_at(quadratic_fit(-4, 1, df=6), np.array([0.0, 2, 5]), quadratic_derivative([0, 2, 5]),
                      index=np.array([0, 1])).to_frame(conf_level=0.9)  # fmt: skip
    assert list(frame.columns) == [
        "x", "estimate", "std_error", "statistic", "df", "p_falling", "p_rising", "conf_low", "conf_high"
    ]  # fmt: skip
    np.testing.assert_allclose(frame["p_falling"] + frame["p_rising"], 1)
    np.testing.assert_allclose(frame["conf_high"] - frame["estimate"], scipy.stats.t.ppf(0.95, 6) * frame["std_error"])


def test_slopes_of_a_spline_are_those_of_the_exposure_s_coefficients_alone():
    spline = RestrictedCubicSpline(np.array([1.0, 2, 4, 6]))
    fit = fit_of([9, 0.3, -0.5, 0.2, 7], np.diag([5, 0.1, 0.2, 0.3, 8.0]))
    x = np.array([0.5, 3, 7])
    found = slopes_at(fit, x, spline.derivative(x), index=np.array([1, 2, 3]))
    step = 1e-6
    difference = spline.basis(x + step) - spline.basis(x - step)
    np.testing.assert_allclose(found.slope, difference @ fit.beta[1:4] / (2 * step), rtol=1e-8)


# ---- the turning point


@given(curve_numbers, st.floats(0.05, 0.99))
def test_at_the_limits_of_fieller_s_set_the_slope_is_just_not_significant(numbers, level):
    b1, b2, se1, se2, correlation = numbers
    fit = quadratic_fit(b1, b2, se1=se1, se2=se2, correlation=correlation)
    found = quadratic_turning_point(fit, index=np.array([0, 1]), conf_level=level)
    limits = np.array([found.conf_low, found.conf_high, found.gap_low, found.gap_high])
    limits = limits[np.isfinite(limits)]
    statistic = slopes_at(fit, limits, quadratic_derivative(limits), index=np.array([0, 1])).statistic
    np.testing.assert_allclose(np.abs(statistic), scipy.stats.t.ppf((1 + level) / 2, 10), rtol=1e-6)


@given(curve_numbers, st.floats(0.05, 0.99), st.floats(-20, 20))
def test_fieller_s_set_covers_exactly_where_the_slope_is_not_significant(numbers, level, x):
    b1, b2, se1, se2, correlation = numbers
    fit = quadratic_fit(b1, b2, se1=se1, se2=se2, correlation=correlation)
    found = quadratic_turning_point(fit, index=np.array([0, 1]), conf_level=level)
    statistic = abs(slopes_at(fit, [x], quadratic_derivative([x]), index=np.array([0, 1])).statistic[0])
    quantile = scipy.stats.t.ppf((1 + level) / 2, 10)
    if abs(statistic / quantile - 1) > 1e-9:
        assert covers(found, x) == (statistic < quantile)
    assert covers(found, found.x)


@given(curve_numbers, st.floats(0.05, 0.99))
def test_the_set_is_bounded_exactly_when_the_curvature_is_significant(numbers, level):
    b1, b2, se1, se2, correlation = numbers
    fit = quadratic_fit(b1, b2, se1=se1, se2=se2, correlation=correlation)
    found = quadratic_turning_point(fit, index=np.array([0, 1]), conf_level=level)
    assert (found.confidence_set == "bounded") == (b2 / se2 > scipy.stats.t.ppf((1 + level) / 2, 10))


def test_the_whole_line_has_no_numbers():
    found = quadratic_turning_point(quadratic_fit(0.1, 0.1), index=np.array([0, 1]))
    assert found.confidence_set == "whole_line"
    assert all(math.isnan(limit) for limit in (found.conf_low, found.conf_high, found.gap_low, found.gap_high))
    assert covers(found, 1e9)


@pytest.mark.parametrize(("b2", "kind"), [(1, "minimum"), (-1, "maximum")])
def test_the_turning_point_says_which_way_it_turns(b2, kind):
    assert quadratic_turning_point(quadratic_fit(-4, b2), index=np.array([0, 1])).kind == kind


@pytest.mark.parametrize("level", [0.5, 0.95, 0.985])
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_the_exposure_changes_nothing(unit, level):
    fit = r_quadratic("full")
    scale = np.array([1, 1 / unit, 1 / unit**2, 1])
    other = replace(fit, beta=fit.beta * scale, vcov=fit.vcov * np.outer(scale, scale))
    ours, theirs = (quadratic_turning_point(one, index=np.array([1, 2]), conf_level=level) for one in (other, fit))
    assert ours.confidence_set == theirs.confidence_set
    for name in ("x", "std_error", "conf_low", "conf_high", "gap_low", "gap_high"):
        assert getattr(ours, name) / unit == pytest.approx(getattr(theirs, name), rel=1e-10, nan_ok=True)


def test_a_shift_of_the_exposure_shifts_the_set():
    # The same curve in x + 1000, where the two columns are correlated to twelve digits.
    fit = quadratic_fit(-4, 1, se2=0.3)
    shift = np.array([[1.0, -2000.0], [0.0, 1.0]])
    other = replace(fit, beta=shift @ fit.beta, vcov=shift @ fit.vcov @ shift.T)
    ours, theirs = (quadratic_turning_point(one, index=np.array([0, 1])) for one in (other, fit))
    assert (ours.x, ours.conf_low, ours.conf_high) == pytest.approx(
        (theirs.x + 1000, theirs.conf_low + 1000, theirs.conf_high + 1000), rel=1e-9
    )


def test_a_turning_point_in_a_frame_keeps_its_flags():
    frame = quadratic_turning_point(quadratic_fit(-4, 1, se2=0.3), index=np.array([0, 1])).to_frame()
    assert frame.loc[0, ["estimate", "kind", "confidence_set", "conf_level"]].tolist() == [
        2,
        "minimum",
        "bounded",
        0.95,
    ]


# ---- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fit: quadratic_ends(fit, 3, 3), "low end below the high one"),
        (lambda fit: quadratic_ends(fit, 0, 3, "v"), "shape='v'"),
        (lambda fit: slopes_at(fit, [1.0], np.ones((1, 3)), index=np.array([0, 1])), "a column per coefficient"),
        (lambda fit: slopes_at(fit, [np.nan], np.ones((1, 2)), index=np.array([0, 1])), "finite"),
        (lambda fit: slopes_at(fit, [1.0], np.zeros((1, 2)), index=np.array([0, 1])), "no standard error"),
        (lambda fit: quadratic_turning_point(fit, index=np.array([0])), "two positions"),
        (lambda fit: quadratic_turning_point(fit, index=np.array([0, 1]), conf_level=95), "between 0 and 1"),
        (
            lambda fit: quadratic_turning_point(replace(fit, beta=np.array([1.0, 0])), index=np.array([0, 1])),
            "straight",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(DesignError, match=message):
        call(quadratic_fit(-4, 1))
