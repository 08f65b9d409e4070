from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline, SplineError, place_knots
from analysis.stats.regression.shared import replicated_columns
from analysis.stats.sample.design import DesignError
from analysis.stats.sample.replicates import bootstrap, jackknife, times_drawn
from analysis.stats.shape import nadir as nadir_module
from analysis.stats.shape.nadir import (
    DRAWS,
    FlatRange,
    NadirData,
    NadirDraws,
    bootstrap_nadirs,
    draw_nadirs,
    find_nadir,
    find_nadirs,
    flat_range,
)
from tests.arrays import HAND_DESIGN, Sample, clustered_sample

SPLINE = RestrictedCubicSpline(np.array([98.0, 200.0, 293.0, 517.8125]))
LOW, HIGH = 98.0, 517.8125

GRID_STEPS = 20_000

ROUNDING = 1e-12
"""Share of the terms' size by which a height may be off: they cancel to the height."""


@st.composite
def curves(draw: st.DrawFn) -> tuple[RestrictedCubicSpline, Array]:
    """A spline of three to five knots and coefficients of mixed sign."""
    start = draw(st.floats(0, 200))
    gaps = draw(st.lists(st.floats(20, 200), min_size=2, max_size=4))
    spline = RestrictedCubicSpline(start + np.concatenate([[0.0], np.cumsum(gaps)]))
    beta = draw(st.lists(st.integers(-1000, 1000), min_size=spline.columns, max_size=spline.columns))
    return spline, np.array(beta) / 1e4


def height(spline: RestrictedCubicSpline, beta: Array, x: Array, reference: float) -> Array:
    """Log odds ratio of the curve at x against the reference."""
    return (spline.basis(x) - spline.basis(np.array([reference]))) @ beta


@given(curves(), st.floats(-0.3, 0.4), st.floats(0.6, 1.3))
def test_nadir_is_as_low_as_the_lowest_point_of_a_fine_grid_and_on_the_curve(
    curve: tuple[RestrictedCubicSpline, Array], from_share: float, to_share: float
) -> None:
    spline, beta = curve
    first, span = spline.knots[0], np.ptp(spline.knots)
    low, high = first + from_share * span, first + to_share * span
    reference = float(spline.knots[1])
    nadir = find_nadir(spline, beta, reference=reference, low=low, high=high)
    grid = np.linspace(low, high, GRID_STEPS + 1)
    heights = height(spline, beta, grid, reference)
    size = ROUNDING * np.max(np.abs(spline.basis(grid)) @ np.abs(beta))
    assert low <= nadir.x <= high
    np.testing.assert_allclose(nadir.log_or, height(spline, beta, np.array([nadir.x]), reference)[0], atol=size)
    assert nadir.log_or <= heights.min() + size
    # A grid point lies within half a step of the nadir, so the grid's lowest is higher by curvature at most.
    slopes = spline.derivative(grid) @ beta
    step = (high - low) / GRID_STEPS
    assert heights.min() - nadir.log_or <= step * np.max(np.abs(np.diff(slopes))) + size


@given(curves())
def test_slope_is_zero_at_an_interior_nadir(curve: tuple[RestrictedCubicSpline, Array]) -> None:
    spline, beta = curve
    low, high = float(spline.knots[0]), float(spline.knots[-1])
    nadir = find_nadir(spline, beta, reference=low, low=low, high=high)
    slope = (spline.derivative(np.array([nadir.x, low, high])) @ beta).tolist()
    size = 1e-9 * np.max(np.abs(spline.derivative(spline.knots)) @ np.abs(beta))
    if nadir.at_boundary:
        assert slope[1] >= -size if nadir.x == low else slope[2] <= size
    else:
        assert abs(slope[0]) <= size


@given(curves(), st.floats(0, 1), st.floats(0, 1))
def test_another_reference_moves_the_height_and_not_the_place(
    curve: tuple[RestrictedCubicSpline, Array], one: float, other: float
) -> None:
    spline, beta = curve
    low, high = float(spline.knots[0]), float(spline.knots[-1])
    references = low + np.array([one, other]) * (high - low)
    nadirs = [find_nadir(spline, beta, reference=r, low=low, high=high) for r in references.tolist()]
    heights = [height(spline, beta, np.array([nadir.x]), r)[0] for nadir, r in zip(nadirs, references, strict=True)]
    size = ROUNDING * np.max(np.abs(spline.basis(spline.knots)) @ np.abs(beta))
    np.testing.assert_allclose([nadir.log_or for nadir in nadirs], heights, atol=size)
    shift = height(spline, beta, references[1:], references[0])[0]
    np.testing.assert_allclose(nadirs[0].log_or - nadirs[1].log_or, shift, atol=size)


@pytest.mark.reference
def test_nadir_between_two_knots_is_the_one_worked_by_hand() -> None:
    # Up to the second knot the curve is -0.75 x + 4 x^3 / 4: its slope -0.75 + 3 x^2 is zero at 0.5.
    spline = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0]))
    nadir = find_nadir(spline, np.array([-0.75, 4.0]), reference=0.0, low=0.0, high=2.0)
    np.testing.assert_allclose((nadir.x, nadir.log_or), (0.5, -0.75 * 0.5 + 0.5**3), rtol=1e-14)
    assert not nadir.at_boundary


def test_a_nadir_on_a_knot_is_found() -> None:
    # The slope, -3 + 3 x^2 up to the second knot, is zero at that knot.
    spline = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0]))
    nadir = find_nadir(spline, np.array([-3.0, 4.0]), reference=0.0, low=0.0, high=2.0)
    np.testing.assert_allclose((nadir.x, nadir.log_or), (1.0, -2.0), rtol=1e-7)
    assert not nadir.at_boundary


@pytest.mark.parametrize(("slope", "end"), [(0.01, LOW), (-0.01, HIGH)], ids=["rising", "falling"])
def test_a_straight_line_is_lowest_at_an_end(slope: float, end: float) -> None:
    nadir = find_nadir(SPLINE, np.array([slope, 0.0, 0.0]), reference=243.0, low=LOW, high=HIGH)
    assert (nadir.x, nadir.at_boundary, nadir.low, nadir.high) == (end, True, LOW, HIGH)
    np.testing.assert_allclose(nadir.log_or, slope * (end - 243.0), rtol=1e-14)


def test_a_monotone_curve_is_lowest_at_an_end() -> None:
    beta = np.array([-0.02, 0.008, 0.0])
    assert np.all(SPLINE.derivative(np.linspace(LOW, HIGH, 500)) @ beta < 0)
    nadir = find_nadir(SPLINE, beta, reference=243.0, low=LOW, high=HIGH)
    assert (nadir.x, nadir.at_boundary) == (HIGH, True)


def test_the_nadir_of_a_narrower_range_is_its_end_when_the_low_point_lies_outside() -> None:
    beta = np.array([-0.01, 0.06, -0.1])
    inside = find_nadir(SPLINE, beta, reference=243.0, low=LOW, high=HIGH)
    assert LOW < inside.x < HIGH
    assert not inside.at_boundary
    below = find_nadir(SPLINE, beta, reference=243.0, low=LOW, high=inside.x - 20)
    assert (below.x, below.at_boundary) == (inside.x - 20, True)


def test_of_two_low_points_the_lower_one_is_the_nadir() -> None:
    spline = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    # Five knots and four columns beside a constant: one curve goes through five heights.
    heights = np.array([0.0, -1.0, 0.5, -1.2, 0.3])
    constant_and_basis = np.column_stack([np.ones(5), spline.basis(spline.knots)])
    beta = np.linalg.solve(constant_and_basis, heights)[1:]
    nadir = find_nadir(spline, beta, reference=0.0, low=0.0, high=4.0)
    assert 2.5 < nadir.x < 3.5
    assert nadir.log_or <= -1.2
    left = find_nadir(spline, beta, reference=0.0, low=0.0, high=2.0)
    assert 0.5 < left.x < 1.5
    assert nadir.log_or < left.log_or <= -1.0


@pytest.mark.parametrize(("low", "high"), [(3.0, 1.0), (2.0, 2.0), (np.nan, 3.0)])
def test_a_range_that_does_not_increase_is_refused(low: float, high: float) -> None:
    spline = RestrictedCubicSpline(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(SplineError, match="expected finite coefficients and a range that increases"):
        find_nadir(spline, np.array([-1.0, 2.0]), reference=2.0, low=low, high=high)


def test_coefficients_that_are_not_numbers_are_refused() -> None:
    spline = RestrictedCubicSpline(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(SplineError, match="expected finite coefficients"):
        find_nadir(spline, np.array([-1.0, np.nan]), reference=2.0, low=1.0, high=3.0)


# ---- how well it is known


def spline_sample(seed: int, *, valley: float = 1.0) -> tuple[Sample, RestrictedCubicSpline]:
    """A sample whose log odds are lowest at x = 0, on a spline of four knots."""
    sample = clustered_sample(seed, psus_in_stratum=(3,) * 8, people=60, psu_shift=0.2)
    rng = np.random.default_rng(seed)
    x = sample.X[:, 1]
    y = (rng.random(x.size) < expit(-1 + valley * x**2)).astype(float)
    spline = RestrictedCubicSpline(place_knots(x, 4))
    X = np.hstack([np.ones((x.size, 1)), spline.basis(x), sample.X[:, 2:3]])
    return replace(sample, X=X, y=y, terms=("intercept", "x", "x_s1", "x_s2", "group")), spline


INDEX = np.array([1, 2, 3])


def nadir_data(sample: Sample) -> NadirData:
    rows, psu = sample.domain().rows, sample.design().psu_index
    return NadirData(
        eligible=sample.X[rows, 1],
        eligible_psu=psu[rows],
        x=sample.X[rows, 1],
        y=sample.y[rows],
        adjustment=sample.X[rows][:, [0, 4]],
        weights=sample.weights[rows],
        psu=psu[rows],
        knots=4,
    )


def boot(sample: Sample, *, replicates: int = 40, **options) -> NadirDraws:
    design = sample.design()
    drawn = bootstrap(design, replicates=replicates, seed=3)
    eta = sample.X[sample.domain().rows] @ sample.fit().beta
    return bootstrap_nadirs(nadir_data(sample), times_drawn(drawn, design), factors=drawn.factors, eta=eta, **options)


@given(curves(), st.integers(0, 99))
def test_nadirs_of_many_curves_are_those_of_each(curve: tuple[RestrictedCubicSpline, Array], seed: int) -> None:
    spline, beta = curve
    many = beta + np.random.default_rng(seed).normal(scale=0.01, size=(5, beta.size))
    low, high = float(spline.knots[0]), float(spline.knots[-1])
    x, height = find_nadirs(spline, many, low=low, high=high)
    for number, one in enumerate(many):
        nadir = find_nadir(spline, one, reference=low, low=low, high=high)
        assert x[number] == pytest.approx(nadir.x, rel=1e-9)
        assert bool(low < x[number] < high) == (not nadir.at_boundary)
        assert height[number] - (spline.basis(np.array([low])) @ one)[0] == pytest.approx(nadir.log_or, abs=1e-9)


@given(st.integers(0, 9999), st.sampled_from([3, 4, 5]))
def test_weighted_knots_of_a_replicate_are_those_of_the_people_drawn_who_have_a_weight(seed, knots):
    rng = np.random.default_rng(seed)
    x, psu, weights = rng.gamma(4, 60, 90), np.arange(90) % 9, rng.uniform(0.2, 4, 90) * (rng.random(90) > 0.2)
    times = rng.integers(1, 4, 9)
    data = replace(nadir_data(spline_sample(1)[0]), eligible=x, eligible_psu=psu, eligible_weights=weights, knots=knots)
    found, _ = nadir_module._places(data, nadir_module._sorted(data), times, 1.5 * times)
    written_out = np.repeat(np.arange(90), times[psu])
    expected = place_knots(x[written_out], knots, weights=weights[written_out])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_drawn_nadirs_spread_as_the_delta_method_says_where_it_holds() -> None:
    sample, spline = spline_sample(1, valley=1.5)
    fit = sample.fit()
    low, high = np.quantile(sample.X[:, 1], [0.05, 0.95])
    nadir = find_nadir(spline, fit.beta[INDEX], reference=0.0, low=low, high=high)
    draws = draw_nadirs(fit, INDEX, spline, low=low, high=high)
    step = 1e-4
    slope = spline.derivative(np.array([nadir.x - step, nadir.x, nadir.x + step]))
    curvature = (slope[2] - slope[0]) @ fit.beta[INDEX] / (2 * step)
    delta = np.sqrt(slope[1] @ fit.vcov[np.ix_(INDEX, INDEX)] @ slope[1]) / curvature
    first, last = draws.interval()
    assert first < nadir.x < last
    assert last - first == pytest.approx(2 * 1.96 * delta, rel=0.25), "draws see the curve's bend, the delta method not"
    assert draws.interior_share > 0.99
    assert draws.failed == 0
    assert draws.fitted == pytest.approx(nadir.x, rel=1e-12), "the fitted curve's, found with them"
    assert draws.x.size == DRAWS


def test_a_fit_without_error_has_its_nadir_only() -> None:
    sample, spline = spline_sample(1)
    fit = sample.fit()
    certain = replace(fit, vcov=1e-18 * fit.vcov)
    low, high = np.quantile(sample.X[:, 1], [0.05, 0.95])
    nadir = find_nadir(spline, fit.beta[INDEX], reference=0.0, low=low, high=high)
    np.testing.assert_allclose(draw_nadirs(certain, INDEX, spline, low=low, high=high).x, nadir.x, rtol=1e-6)


def test_bootstrap_nadirs_from_ready_blocks_are_those_of_fits_of_their_own(monkeypatch) -> None:
    sample, _ = spline_sample(2)
    ready = boot(sample)
    monkeypatch.setattr(nadir_module, "replicated_columns", lambda *_, **__: None)
    own = boot(sample)
    np.testing.assert_allclose(ready.x, own.x, rtol=1e-9)
    np.testing.assert_array_equal(ready.interior, own.interior)


def test_a_replicate_in_which_nobody_of_the_cohort_is_drawn_has_no_low_point() -> None:
    sample, _ = spline_sample(2)
    design = sample.design()
    drawn = bootstrap(design, replicates=3, seed=3)
    times, factors = times_drawn(drawn, design), drawn.factors.copy()
    times[:, 1], factors[:, 1] = 0, 0.0
    eta = sample.X[sample.domain().rows] @ sample.fit().beta
    found = bootstrap_nadirs(nadir_data(sample), times, factors=factors, eta=eta)
    assert found.failed == 1
    assert np.isfinite(found.x[[0, 2]]).all()


def test_bootstrap_nadirs_need_no_fit_of_their_own(monkeypatch) -> None:
    def plain(*_, **__):
        raise AssertionError("a fit of its own of an easy replicate")

    monkeypatch.setattr(nadir_module, "quick_estimate", plain)
    assert boot(spline_sample(2)[0]).failed == 0


def test_a_replicate_on_its_way_to_infinity_is_left_to_a_fit_of_its_own() -> None:
    """A covariate that marks some without the outcome, in one PSU: no estimate is finite where that PSU was drawn."""
    sample, _ = spline_sample(2)
    rows, psu = sample.domain().rows, sample.design().psu_index
    data = nadir_data(sample)
    marked = ((psu[rows] == 0) & (data.y == 0)).astype(float)
    eta = sample.X[rows] @ sample.fit().beta
    common = np.column_stack([data.adjustment, marked])
    n_psu = int(psu.max()) + 1
    ready = replicated_columns(common, data.y, data.weights, psu=data.psu, n_psu=n_psu, eta=eta)
    for lost in (0, 1):
        factor = np.ones(n_psu)
        factor[lost] = 0
        drawn = ready.drawn(factor)
        own = RestrictedCubicSpline(place_knots(data.x, 4)).basis(data.x[ready.order[drawn]])
        assert ready.estimate(own, factor, drawn) is None


def test_bootstrap_nadir_of_one_replicate_is_that_of_the_people_drawn() -> None:
    """The same by hand: the people written out as often as drawn, knots and range of theirs, a fit of theirs."""
    sample, _ = spline_sample(2)
    found = boot(sample, replicates=4)
    design = sample.design()
    replicates = bootstrap(design, replicates=4, seed=3)
    for number in range(4):
        factor = replicates.factors[design.psu_index, number]
        drawn = np.rint(factor * 2 / 3).astype(int)
        eligible = np.repeat(sample.X[sample.rows, 1], drawn[sample.rows])
        spline = RestrictedCubicSpline(place_knots(eligible, 4))
        X = np.hstack([np.ones((factor.size, 1)), spline.basis(sample.X[:, 1]), sample.X[:, 4:]])
        one = replace(sample, X=X, weights=sample.weights * factor).fit(lonely_domain="keep")
        low, high = np.quantile(eligible, [0.05, 0.95])
        nadir = find_nadir(spline, one.beta[INDEX], reference=0.0, low=low, high=high)
        assert found.x[number] == pytest.approx(nadir.x, abs=1e-8)
        assert found.interior[number] == (not nadir.at_boundary)


def test_bootstrap_does_not_depend_on_workers() -> None:
    sample, _ = spline_sample(2)
    np.testing.assert_array_equal(boot(sample, jobs=2).x, boot(sample).x)


def test_bootstrap_interval_holds_the_planted_low_point_and_is_interior() -> None:
    sample, _ = spline_sample(4, valley=1.5)
    found = boot(sample, replicates=200)
    low, high = found.interval()
    assert low < 0 < high
    assert found.interior_share > 0.95


def test_a_rising_curve_has_no_interior_low_point_in_most_replicates() -> None:
    sample, _ = spline_sample(4, valley=0.0)
    rng = np.random.default_rng(1)
    y = (rng.random(sample.y.size) < expit(-1 + 1.5 * sample.X[:, 1])).astype(float)
    assert boot(replace(sample, y=y), replicates=100).interior_share < 0.5


def test_heaped_exposures_whose_knots_coincide_in_a_replicate_are_counted() -> None:
    sample, _ = spline_sample(5)
    heaped = np.round(sample.X[:, 1] / 3) * 3
    data = replace(nadir_data(sample), eligible=heaped[sample.rows], x=heaped[sample.rows])
    design = sample.design()
    drawn = bootstrap(design, replicates=30, seed=3)
    found = bootstrap_nadirs(
        data, times_drawn(drawn, design), factors=drawn.factors, eta=np.zeros(data.x.size)
    )  # fmt: skip
    assert found.failed == 30
    assert found.interior_share == 0.0
    with pytest.raises(DesignError, match="0 of 30 replicates have a curve"):
        found.interval()


def test_replicates_without_an_estimate_are_counted_and_left_out_of_the_interval() -> None:
    found = NadirDraws("bootstrap", np.array([1.0, 2.0, np.nan, 3.0]), np.array([True, True, False, True]))
    assert (found.failed, found.interior_share) == (1, 0.75)
    np.testing.assert_allclose(found.interval(0.5), (1.5, 2.5))


def test_multiplicities_of_another_shape_are_refused() -> None:
    sample, _ = spline_sample(2)
    with pytest.raises(DesignError, match=r"multiplicities \(2, 3\): expected \(24, 4\)"):
        bootstrap_nadirs(
            nadir_data(sample), np.ones((2, 3), dtype=int), factors=np.ones((24, 4)), eta=np.zeros(3)
        )  # fmt: skip


def test_flat_range_ends_where_the_difference_from_the_nadir_begins_to_show() -> None:
    sample, spline = spline_sample(1, valley=1.5)
    fit = sample.fit()
    low, high = np.quantile(sample.X[:, 1], [0.05, 0.95])
    nadir = find_nadir(spline, fit.beta[INDEX], reference=0.0, low=low, high=high)
    flat = flat_range(fit, INDEX, spline, nadir)
    assert low < flat.low < nadir.x < flat.high < high
    assert not flat.open_low
    step = (high - low) / 400

    def t(x: float) -> float:
        contrast = (spline.basis(np.array([x])) - spline.basis(np.array([nadir.x])))[0]
        return contrast @ fit.beta[INDEX] / np.sqrt(contrast @ fit.vcov[np.ix_(INDEX, INDEX)] @ contrast)

    critical = scipy.stats.t.ppf(0.975, fit.residual_df)
    assert t(flat.low) <= critical < t(flat.low - step)
    assert t(flat.high) <= critical < t(flat.high + step)


def test_a_curve_of_no_slope_is_flat_all_over() -> None:
    sample, spline = spline_sample(6, valley=0.0)
    fit = sample.fit()
    low, high = np.quantile(sample.X[:, 1], [0.05, 0.95])
    vague = replace(fit, vcov=1e4 * fit.vcov)
    nadir = find_nadir(spline, fit.beta[INDEX], reference=0.0, low=low, high=high)
    assert flat_range(vague, INDEX, spline, nadir) == FlatRange(low, high, True, True)


def test_only_a_bootstrap_draws_psus() -> None:
    with pytest.raises(DesignError, match="kind JKn: expected a bootstrap"):
        times_drawn(jackknife(HAND_DESIGN), HAND_DESIGN)


def test_monte_carlo_errors_are_how_far_other_draws_move_interval_and_share() -> None:
    rng = np.random.default_rng(1)
    every = [NadirDraws("normal", x, x > -1.5) for x in rng.normal(size=(400, 1000))]
    spread = np.std([draws.interval(0.95) for draws in every], axis=0, ddof=1)
    told = np.mean([draws.interval_errors(0.95) for draws in every], axis=0)
    np.testing.assert_allclose(told, spread, rtol=0.1)
    shares = np.array([draws.interior_share for draws in every])
    assert every[0].interior_error == pytest.approx(shares.std(ddof=1), rel=0.2)


def test_a_share_of_all_draws_is_known_to_half_a_draw() -> None:
    draws = NadirDraws("normal", np.arange(1000.0), np.full(1000, True))
    assert draws.interior_share == 1.0
    assert draws.interior_error == pytest.approx(np.sqrt(0.0005 * 0.9995 / 1000))


def test_a_low_point_between_two_slopes_of_one_sign_is_found_in_whatever_order_arrays_lie() -> None:
    """Below the second knot the curve falls at both ends of a piece and rises between."""
    knots = [3.323144567426992, 4.387381106208857, 7.397455794235358, 7.753039449528572]
    spline = RestrictedCubicSpline(np.array(knots))
    beta = np.array([-0.6537863697520182, 2.827116665433511, -4.731787188050482])
    low, high = 2.823144567426992, 8.253039449528572
    grid = np.linspace(low, high, 200_001)
    by_grid = grid[np.argmin(spline.basis(grid) @ beta)]
    one = nadir_module._Curve(spline, beta, (low, high))
    for curves in ([one], [one, one, one]):
        places, interior = nadir_module._lowest_each(curves)
        np.testing.assert_allclose(places, by_grid, atol=3e-5)
        assert interior.all()
    np.testing.assert_allclose(find_nadirs(spline, np.vstack([beta, beta]), low=low, high=high)[0], by_grid, atol=3e-5)
