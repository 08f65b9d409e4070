import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.shape import find_nadir
from analysis.stats.splines import Array, RestrictedCubicSpline, SplineError

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
