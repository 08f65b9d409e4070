import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.stats

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, domain_of
from analysis.stats.shape.two_lines import (
    FEWEST_ON_A_SIDE,
    Line,
    TwoLines,
    centred_curve,
    flat_region,
    interrupted_regression,
    robin_hood_break,
    two_lines,
)
from tests.arrays import of_study, r_fit, r_sample

R_RTOL = 1e-8
"""Both sum the same numbers in double precision; R's coefficients are right to 1e-11."""

SAME = 1e-8
"""Two calculations of one sample, whose fits are right to 1e-10 of a standard error."""

studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
shapes = pytest.mark.parametrize("shape", ["u", "inverted_u"])


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The domain's rows of a survey, and the design they come from."""

    x: Array
    y: Array
    adjustment: Array
    design: SurveyDesign
    domain: Domain

    def spline_fit(self, number: int = 4) -> tuple[RestrictedCubicSpline, LogisticFit]:
        spline = RestrictedCubicSpline(place_knots(self.x, number))
        basis = spline.basis(self.x)
        X = np.column_stack([np.ones(self.x.size), basis, self.adjustment])
        terms = tuple(f"b{k}" for k in range(X.shape[1]))
        return spline, fit_quickly(Regression(X, self.y, self.domain, terms), self.design)

    def test(self, shape="u") -> TwoLines:
        spline, fit = self.spline_fit()
        low, high = np.quantile(self.x, [0.05, 0.95])
        index = np.arange(1, 1 + spline.columns)
        return two_lines(self.x, self.y, self.adjustment, basis=spline.basis(self.x), spline_fit=fit,
                         spline_index=index, design=self.design, domain=self.domain, low=low, high=high,
                         shape=shape)  # fmt: skip

    def lines(self, at) -> tuple[Line, Line]:
        return interrupted_regression(self.x, self.y, self.adjustment, at=at, design=self.design, domain=self.domain)


def r_cohort(study_id) -> Cohort:
    sample = r_sample(study_id)
    domain = sample.domain()
    X, y = sample.X[domain.rows], sample.y[domain.rows]
    return Cohort(X[:, 1], y, X[:, 4:], sample.design(), domain)


def invented(log_odds, *, seed=1, n=6000, round_to=None, psu_shift=0.1) -> Cohort:
    """A survey of 60 PSUs in 30 strata, log odds a function of exposures between 50 and 650 and of one covariate."""
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 60, n)
    x = np.clip(rng.gamma(6, 48, n), 50, 650)
    if round_to is not None:
        x = round_to * np.round(x / round_to)
    z = rng.normal(size=n)
    eta = log_odds(x) + 0.3 * z + psu_shift * rng.normal(size=60)[psu]
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    design = SurveyDesign(strata=psu // 2, psu=psu % 2, weights=rng.uniform(500, 4000, n))
    domain = domain_of(design, rng.random(n) < 0.85)
    rows = domain.rows
    return Cohort(x[rows], y[rows], z[rows, None], design, domain)


def v_shape(x):
    return -2 + 0.008 * np.abs(x - 290)


def falling(x):
    return -2 - 0.6 * np.log(x / 300)


def line(slope, std_error=1.0, *, df=10):
    return Line(n=100, slope=slope, std_error=std_error, df=df)


def result(low, high, shape="u"):
    return TwoLines(shape=shape, extreme=3, flat_low=2, flat_high=4, flat_n=9, first_break=3, z_low=-2, z_high=2,
                    break_point=3, low=low, high=high)  # fmt: skip


# ---- agreement with R and with calculations by hand


@pytest.mark.reference
@studies
@pytest.mark.parametrize("position", [0, 1, 2])
def test_lines_at_a_given_break_match_r_svyglm(study_id, position):
    theirs = of_study("shape/lines", study_id)
    theirs = theirs[theirs["label"] == "given"].iloc[2 * position : 2 * position + 2]
    for ours, (_, row) in zip(r_cohort(study_id).lines(theirs["at"].iloc[0]), theirs.iterrows(), strict=True):
        found = (ours.n, ours.slope, ours.std_error, ours.statistic, ours.df, ours.p_value)
        expected = tuple(row[["n", "estimate", "std_error", "statistic", "df", "p_value"]])
        assert found == pytest.approx(expected, rel=R_RTOL)


@pytest.mark.reference
@studies
@shapes
def test_the_whole_test_matches_r(study_id, shape):
    cohort, fit = r_cohort(study_id), r_fit(study_id)
    spline = RestrictedCubicSpline(of_study("design/knots", study_id)["knot"].to_numpy())
    theirs = of_study("shape/breaks", study_id).set_index("shape").loc[shape]
    found = two_lines(cohort.x, cohort.y, cohort.adjustment, basis=spline.basis(cohort.x), spline_fit=fit,
                      design=cohort.design, spline_index=np.array([1, 2, 3]), domain=cohort.domain,
                      low=theirs["low"], high=theirs["high"], shape=shape)  # fmt: skip
    names = ["extreme", "flat_low", "flat_high", "flat_n", "first_break", "z_low", "z_high", "break_point"]
    assert [getattr(found, name) for name in names] == pytest.approx(theirs[names].tolist(), rel=R_RTOL)
    lines = of_study("shape/lines", study_id)
    lines, ours = lines[lines["label"] == shape], found.to_frame()
    for column in ("n", "estimate", "std_error", "statistic", "df", "p_value"):
        np.testing.assert_allclose(ours[column], lines[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
def test_the_flat_region_is_the_one_found_by_hand():
    # Inside (0, 8) the lowest is 1, at 4. One error below the curve is 5, 3, 0.5, 0, 0.8, 1, 4: at 6 it is not below 1.
    x = np.arange(9.0)
    curve = np.array([0, 6, 4, 1.5, 1, 1.8, 2, 5, 0])
    std_error = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1.0])
    extreme, flat = flat_region(x, curve, std_error, low=0, high=8)
    assert extreme == 4
    assert flat.tolist() == [3, 4, 5]


@pytest.mark.reference
def test_the_break_is_the_quantile_found_by_hand():
    # The second line is three times as strong: the break goes to the upper quartile, and the first gets more people.
    assert robin_hood_break(np.array([10.0, 20, 30, 40, 90]), -1.0, 3.0) == 40
    # A quarter of the way from the first to the last of three: half way between the first two.
    assert robin_hood_break(np.array([10.0, 20, 30]), -3.0, 1.0) == 15
    assert robin_hood_break(np.array([10.0, 20, 40]), 2.0, -2.0) == 20


@pytest.mark.reference
def test_the_slope_of_two_exposures_is_the_log_odds_ratio_found_by_hand():
    # Two exposures on each side, weights of 1: a line through two cells is exact. Cases of 40 each: 30, 10, 10, 20.
    x = np.repeat([1.0, 2, 3, 5], 40)
    y = np.concatenate([np.arange(40) < cases for cases in (30, 10, 10, 20)]).astype(float)
    psu = np.arange(160) % 8
    design = SurveyDesign(strata=psu // 2, psu=psu % 2, weights=np.ones(160))
    cohort = Cohort(x, y, np.empty((160, 0)), design, domain_of(design, np.ones(160, dtype=bool)))
    low, high = cohort.lines(2.5)
    assert low.slope == pytest.approx(math.log((10 / 30) / (30 / 10)))
    assert high.slope == pytest.approx(math.log((20 / 20) / (10 / 30)) / 2)
    assert (low.n, high.n) == (80, 80)


@pytest.mark.reference
def test_people_at_the_break_belong_to_both_lines():
    # The break at 3: the low line runs over 1, 2, 3, the high one over 3, 5, which two cells determine.
    x = np.repeat([1.0, 2, 3, 5, 7], 40)
    y = np.concatenate([np.arange(40) < cases for cases in (30, 10, 10, 20, 30)]).astype(float)
    psu = np.arange(200) % 10
    design = SurveyDesign(strata=psu // 2, psu=psu % 2, weights=np.ones(200))
    cohort = Cohort(x, y, np.empty((200, 0)), design, domain_of(design, np.ones(200, dtype=bool)))
    assert [one.n for one in cohort.lines(3)] == [120, 120]
    # In the regression in which 3 is low, the high line rests on 5 and 7 alone; in the reported one also on 3.
    on_two = math.log((30 / 10) / (20 / 20)) / 2
    assert cohort.lines(4)[1].slope == pytest.approx(on_two)
    assert cohort.lines(3)[1].slope == pytest.approx(cohort.lines(2.999)[1].slope, rel=1e-9)
    assert cohort.lines(3)[0].slope == pytest.approx(cohort.lines(3.001)[0].slope, rel=1e-9)


# ---- the verdict


def test_the_p_value_is_the_larger_of_the_two_when_the_signs_are_right():
    found = result(line(-3), line(2))
    assert found.opposite_slopes
    assert found.p_value == found.high.p_value == pytest.approx(2 * scipy.stats.t.sf(2, 10))


@pytest.mark.parametrize(("low", "high"), [(3, 2), (-3, -2), (3, -2), (0, 2)])
def test_without_the_signs_of_the_shape_there_is_nothing_to_reject(low, high):
    found = result(line(low), line(high))
    assert found.p_value == 1


def test_an_inverted_u_is_the_u_of_the_negated_slopes():
    ours, theirs = result(line(3), line(-2), "inverted_u"), result(line(-3), line(2))
    assert ours.p_value == theirs.p_value < 1
    assert result(line(-3), line(2), "inverted_u").p_value == 1


def test_lines_in_a_frame_have_t_intervals():
    frame = result(line(-3), line(2)).to_frame(conf_level=0.9)
    assert frame["term"].tolist() == ["low", "high"]
    np.testing.assert_allclose(frame["conf_high"] - frame["estimate"], scipy.stats.t.ppf(0.95, 10))


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_v_is_found_with_its_break_near(seed):
    found = invented(v_shape, seed=seed).test()
    assert found.p_value < 0.05
    assert found.break_point == pytest.approx(290, abs=50)
    assert found.low.slope == pytest.approx(-0.008, abs=4 * found.low.std_error)
    assert found.high.slope == pytest.approx(0.008, abs=4 * found.high.std_error)


@pytest.mark.parametrize("seed", range(4))
def test_the_mirror_image_of_the_outcome_is_an_inverted_u_of_the_same_strength(seed):
    cohort = invented(v_shape, seed=seed)
    ours, theirs = replace(cohort, y=1 - cohort.y).test("inverted_u"), cohort.test()
    assert ours.break_point == pytest.approx(theirs.break_point, rel=SAME)
    assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-6)


@pytest.mark.parametrize("log_odds", [falling, lambda x: -2 + 0.004 * (x - 300), lambda x: -2 + 0.0 * x])
def test_a_curve_that_does_not_turn_is_seldom_a_u(log_odds):
    # A level-0.05 test may reject; twelve samples of a true null with four rejections have probability 0.002.
    rejected = [invented(log_odds, seed=seed, n=2500).test().p_value < 0.05 for seed in range(12)]
    assert sum(rejected) < 4


def test_the_level_is_kept_where_the_curve_falls_and_then_stays_flat():
    # The edge of the null hypothesis, where the break is placed by the same outcome. In 2,000 samples 4.6 % rejected
    # (and 7.5 % one-sided, which is why that p-value decides nothing).
    n = 200
    rejected = [invented(lambda x: -2 + 0.006 * np.maximum(290 - x, 0), seed=seed, n=2500).test().p_value < 0.05
                for seed in range(n)]  # fmt: skip
    assert np.mean(rejected) < 0.05 + 2 * math.sqrt(0.05 * 0.95 / n)


def test_a_strong_monotone_line_is_not_a_u():
    assert invented(lambda x: -2 - 0.008 * (x - 300)).test().p_value == 1


# ---- properties of the rule


@pytest.mark.parametrize("seed", range(3))
def test_heaped_exposures_are_tested(seed):
    found = invented(v_shape, seed=seed, round_to=50).test()
    assert found.first_break % 50 == 0
    assert found.p_value < 0.05
    assert found.break_point == pytest.approx(290, abs=75)


def test_the_order_of_the_rows_changes_nothing():
    cohort = invented(v_shape, round_to=10)
    order = np.random.default_rng(5).permutation(cohort.design.weights.size)
    design = SurveyDesign(strata=cohort.design.strata[order], psu=cohort.design.psu[order],
                          weights=cohort.design.weights[order])  # fmt: skip
    domain = domain_of(design, cohort.domain.rows[order])
    inside = np.full(order.size, -1)
    inside[cohort.domain.rows] = np.arange(cohort.x.size)
    taken = inside[order][domain.rows]
    ours = Cohort(cohort.x[taken], cohort.y[taken], cohort.adjustment[taken], design, domain).test()
    theirs = cohort.test()
    assert (ours.extreme, ours.flat_n, ours.first_break) == (theirs.extreme, theirs.flat_n, theirs.first_break)
    assert ours.break_point == pytest.approx(theirs.break_point, rel=SAME)
    assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-6)


def test_the_unit_of_the_weights_changes_nothing():
    cohort = invented(v_shape)
    design = replace(cohort.design, weights=cohort.design.weights * 1e5)
    ours, theirs = replace(cohort, design=design, domain=domain_of(design, cohort.domain.rows)).test(), cohort.test()
    assert (ours.break_point, ours.low.slope) == pytest.approx((theirs.break_point, theirs.low.slope), rel=SAME)


def test_the_weaker_line_gets_more_people_than_at_the_first_break():
    found = invented(lambda x: -2 + np.where(x < 290, -0.003, 0.01) * (x - 290)).test()
    assert abs(found.z_low) < abs(found.z_high)
    assert found.break_point > found.first_break


def test_the_curve_sums_to_zero_over_the_people():
    cohort = invented(v_shape)
    spline, fit = cohort.spline_fit()
    curve, std_error = centred_curve(spline.basis(cohort.x), fit, index=np.array([1, 2, 3]))
    assert curve.mean() == pytest.approx(0, abs=1e-12)
    assert np.all(std_error > 0)


def test_people_at_the_ends_of_the_range_are_outside():
    extreme, flat = flat_region(np.array([1.0, 2, 3]), np.array([0.0, 5, 0]), np.ones(3), low=1, high=3)
    assert (extreme, flat.tolist()) == (2, [2])


def test_an_inverted_u_looks_for_the_top():
    x, curve, std_error = np.arange(5.0), np.array([0.0, 2.5, 3, 1, 0]), np.ones(5)
    assert flat_region(x, curve, std_error, low=-1, high=9, shape="inverted_u")[0] == 2
    assert flat_region(x, curve, std_error, low=-1, high=9, shape="inverted_u")[1].tolist() == [1, 2]


# ---- what is refused


def test_a_side_with_few_people_is_refused():
    cohort = invented(v_shape)
    expected = f"people, or all of one exposure, below the break .* at least {FEWEST_ON_A_SIDE} people"
    with pytest.raises(DesignError, match=expected):
        cohort.lines(np.sort(cohort.x)[FEWEST_ON_A_SIDE // 2])


def test_a_side_with_one_exposure_is_refused():
    cohort = invented(v_shape, round_to=50)
    with pytest.raises(DesignError, match="people, or all of one exposure, below the break"):
        cohort.lines(cohort.x.min())


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_side_without_cases_or_without_others_is_refused(outcome):
    cohort = invented(v_shape)
    with pytest.raises(DesignError, match=f"outcome is {outcome:g} for all .* above the break"):
        replace(cohort, y=np.where(cohort.x > 400, outcome, cohort.y)).lines(400.0)


def test_a_range_with_nobody_inside_is_refused():
    with pytest.raises(DesignError, match="nobody has an exposure between 5 and 6"):
        flat_region(np.arange(9.0), np.arange(9.0), np.ones(9), low=5, high=6)


def test_an_unknown_shape_is_refused():
    with pytest.raises(DesignError, match="shape='w'"):
        invented(v_shape, n=1000).test("w")


def test_positions_that_are_not_the_spline_s_are_refused():
    cohort = invented(v_shape, n=1000)
    spline, fit = cohort.spline_fit()
    with pytest.raises(DesignError, match="2 positions for a spline of 3 columns"):
        two_lines(cohort.x, cohort.y, cohort.adjustment, basis=spline.basis(cohort.x), spline_fit=fit,
                  spline_index=np.array([1, 2]), design=cohort.design, domain=cohort.domain, low=100,
                  high=500)  # fmt: skip


def answer_of(cohort, spline, fit, changed) -> TwoLines:
    """The test of a cohort some of whose arrays are changed after the curve was fitted to it."""
    people = {"x": cohort.x, "y": cohort.y, "adjustment": cohort.adjustment} | changed
    return two_lines(**people, basis=spline.basis(cohort.x), spline_fit=fit,
                     spline_index=np.arange(1, 1 + spline.columns), design=cohort.design, domain=cohort.domain,
                     low=100, high=500)  # fmt: skip


@pytest.mark.parametrize("name", ["x", "y", "adjustment"])
def test_arrays_of_another_length_are_refused(name):
    cohort = invented(v_shape, n=1000)
    with pytest.raises(DesignError, match="the domain's rows only"):
        answer_of(cohort, *cohort.spline_fit(), {name: getattr(cohort, name)[1:]})


@pytest.mark.parametrize("name", ["y", "adjustment"])
def test_a_missing_outcome_or_covariate_is_refused_by_the_fit(name):
    cohort = invented(v_shape, n=1000)
    spline, fit = cohort.spline_fit()
    missing = getattr(cohort, name).copy()
    missing[3] = np.nan
    with pytest.raises(ConvergenceError, match="missing values .* inside the domain"):
        answer_of(cohort, spline, fit, {name: missing})


def test_a_missing_exposure_is_refused():
    cohort = invented(v_shape, n=1000)
    missing = np.where(np.arange(cohort.x.size) == 3, np.nan, cohort.x)
    with pytest.raises(DesignError, match="fewer than 10 values of the exposure are missing"):
        answer_of(cohort, *cohort.spline_fit(), {"x": missing})
