import re

import numpy as np
import pytest
import scipy.interpolate
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline, SplineError, place_knots, weighted_quantiles
from tests.arrays import of_study, reference_table

BASIS_RTOL = 1e-12
"""Hmisc forms the same cubes in another order, which moves the last two of sixteen digits."""

ROUNDING = 1e-9
"""Beyond the last knot three cubes of up to 1e3 times the result cancel to a straight line."""

HMISC_QUANTILES = (1.0, 1.9250000000000003, 4.0, 6.0, 7.9499999999999984)


@st.composite
def splines(draw: st.DrawFn) -> RestrictedCubicSpline:
    """Three to five knots, the widest gap at most a hundred times the narrowest."""
    start = draw(st.floats(-200, 200))
    gaps = draw(st.lists(st.floats(1, 100), min_size=2, max_size=4))
    return RestrictedCubicSpline(start + np.concatenate([[0.0], np.cumsum(gaps)]))


def unit_points() -> Array:
    """25 points strictly inside (0, 1)."""
    return (np.arange(25) + 0.5) / 25


# ---- knots


@pytest.mark.reference
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, (1.0, 5.0, 9.0)),
        (4, (0.5, 3.5, 6.5, 9.5)),
        (5, (0.5, 2.75, 5.0, 7.25, 9.5)),
        (6, (0.5, 2.3, 4.1, 5.9, 7.7, 9.5)),
    ],
)
def test_knots_of_zero_to_ten_are_ten_times_harrells_quantiles(number: int, expected: tuple[float, ...]) -> None:
    shuffled = np.random.default_rng(1).permutation(np.arange(11.0))
    np.testing.assert_allclose(place_knots(shuffled, number), expected, rtol=1e-15)


@pytest.mark.reference
def test_knots_match_r_quantile_of_type_7() -> None:
    x = reference_table("design_input")["x"].to_numpy()
    np.testing.assert_allclose(place_knots(x, 4), of_study("design/knots", "full")["knot"], rtol=BASIS_RTOL)


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_number_of_knots_without_rule_is_refused(number: int) -> None:
    with pytest.raises(SplineError, match=rf"^{number} knots: expected one of \[3, 4, 5, 6\]"):
        place_knots(np.arange(100.0), number)


def test_knots_of_nobody_are_refused() -> None:
    with pytest.raises(SplineError, match="no values to place knots on"):
        place_knots(np.array([]), 4)


def test_knots_of_a_heaped_exposure_are_refused_with_the_number_of_its_values() -> None:
    heaped = np.repeat([0.0, 1.0, 2.0], [80, 10, 10])
    with pytest.raises(
        SplineError,
        match=r"4 knots fall on .* 3 distinct values or is heaped; place them by Hmisc's rule for ties \(knot_rule=",
    ):
        place_knots(heaped, 4)


def test_knots_that_only_rounding_tells_apart_are_refused() -> None:
    """(n - 1) 0.275 = 55 but for rounding: the 56th value, 0, and not 7e-14 above it, where a knot at 0 is already."""
    heaped = np.concatenate([np.zeros(56), np.arange(10.0, 1460.0, 10.0)])
    with pytest.raises(SplineError, match=re.escape("5 knots fall on [0.0, 0.0, 450.0, 900.0, 1350.0]")):
        place_knots(heaped, 5)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, (90, 140, 670)),
        (4, (90, 140, 194, 670)),
        (5, (90, 100, 140, 200, 670)),
        (6, (90, 100, 140, 200, 670)),
    ],
)
def test_knots_between_two_heaps_with_three_values_are_those_of_hmisc(number: int, expected: tuple[int, ...]) -> None:
    """Hmisc 4.8-0: rcspline.eval(c(rep(0, 53), 90, 100, 140, 200, 670, rep(2000, 25)), nk, knots.only = TRUE)."""
    heaped = np.concatenate([np.zeros(53), [90.0, 100.0, 140.0, 200.0, 670.0], np.full(25, 2000.0)])
    np.testing.assert_allclose(place_knots(heaped, number, rule="hmisc"), expected, rtol=BASIS_RTOL)


@pytest.mark.parametrize(
    "knots",
    [[1.0, 2.0], [1.0, 3.0, 3.0], [3.0, 2.0, 1.0], [1.0, 2.0, np.nan], [1.0, 2.0, np.inf], [[1.0, 2.0, 3.0]]],
    ids=["two", "tied", "decreasing", "missing", "infinite", "nested"],
)
def test_knots_that_cannot_carry_a_spline_are_refused(knots: list[float]) -> None:
    with pytest.raises(SplineError, match="expected at least three increasing numbers"):
        RestrictedCubicSpline(np.array(knots))


def test_a_spline_keeps_its_knots_whatever_becomes_of_the_array_it_was_given() -> None:
    given_knots = np.array([1.0, 2.0, 4.0])
    spline = RestrictedCubicSpline(given_knots)
    given_knots[0] = -50.0
    assert spline.knots[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        spline.knots[0] = -50.0


# ---- basis


@pytest.mark.reference
@pytest.mark.parametrize("number", [3, 4, 5])
def test_basis_matches_hmisc(number: int) -> None:
    knots = reference_table("real/basis_knots").query("k == @number")["knot"].to_numpy()
    hmisc = reference_table("real/basis").query("k == @number").pivot(index="x", columns="column", values="value")
    basis = RestrictedCubicSpline(knots).basis(hmisc.index.to_numpy(dtype=float))
    assert basis.shape == (61, number - 1)
    np.testing.assert_allclose(basis, hmisc.to_numpy(), rtol=BASIS_RTOL)


@pytest.mark.reference
def test_basis_with_knots_0_1_2_is_the_formula_worked_by_hand() -> None:
    basis = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0])).basis(np.array([-1.0, 0.5, 1.5, 2.0, 3.0]))
    by_hand = [
        0.0,
        0.5**3 / 2**2,
        (1.5**3 - 0.5**3 * (2 - 0) / (2 - 1)) / 2**2,
        (2**3 - 1**3 * (2 - 0) / (2 - 1)) / 2**2,
        (3**3 - 2**3 * (2 - 0) / (2 - 1) + 1**3 * (1 - 0) / (2 - 1)) / 2**2,
    ]
    np.testing.assert_allclose(basis[:, 1], by_hand, rtol=1e-15)


@given(splines())
def test_the_first_column_is_x_itself_and_columns_are_one_fewer_than_knots(spline: RestrictedCubicSpline) -> None:
    x = np.linspace(spline.knots[0] - 10, spline.knots[-1] + 10, 40)
    basis = spline.basis(x)
    assert basis.shape == (40, spline.columns) == (40, spline.knots.size - 1)
    np.testing.assert_array_equal(basis[:, 0], x)


@given(splines(), st.floats(0, 1e4))
def test_basis_is_x_alone_below_the_first_knot(spline: RestrictedCubicSpline, distance: float) -> None:
    below = np.array([spline.knots[0] - distance])
    np.testing.assert_array_equal(spline.basis(below)[0, 1:], 0.0)
    np.testing.assert_array_equal(spline.derivative(below)[0, 1:], 0.0)


@given(splines(), st.floats(0, 10))
def test_basis_is_a_straight_line_beyond_the_last_knot(spline: RestrictedCubicSpline, spans: float) -> None:
    last, span = spline.knots[-1:], np.ptp(spline.knots)
    beyond = last + spans * span
    slope = spline.derivative(last)
    line = spline.basis(last) + (beyond - last) * slope
    size = (1 + spans) ** 3 * span * max(1.0, span / np.diff(spline.knots).min())
    np.testing.assert_allclose(spline.basis(beyond), line, rtol=ROUNDING, atol=ROUNDING * size)
    np.testing.assert_allclose(spline.derivative(beyond), slope, rtol=ROUNDING, atol=ROUNDING * size / span)


@given(splines())
def test_derivative_is_that_of_finite_differences(spline: RestrictedCubicSpline) -> None:
    first, last = spline.knots[0], spline.knots[-1]
    x = first + (last - first) * (1.4 * unit_points() - 0.2)
    # Central differences err by h^2/6 times a third derivative of at most 6 times the sum of the cubes' weights.
    h = 1e-5 * np.diff(spline.knots).min()
    differences = (spline.basis(x + h) - spline.basis(x - h)) / (2 * h)
    np.testing.assert_allclose(spline.derivative(x), differences, rtol=1e-6, atol=1e-6)


@given(splines())
def test_basis_and_slope_are_continuous_at_every_knot(spline: RestrictedCubicSpline) -> None:
    h = 1e-9 * np.diff(spline.knots).min()
    for evaluate in (spline.basis, spline.derivative):
        size = np.abs(evaluate(spline.knots)).max()
        np.testing.assert_allclose(evaluate(spline.knots - h), evaluate(spline.knots + h), atol=1e-7 * size)


@given(splines(), st.floats(0.01, 100), st.floats(-100, 100))
def test_non_linear_terms_have_the_unit_of_x(spline: RestrictedCubicSpline, factor: float, shift: float) -> None:
    x = spline.knots[0] + np.ptp(spline.knots) * 1.3 * unit_points()
    moved = RestrictedCubicSpline(factor * spline.knots + shift)
    expected = factor * spline.basis(x)[:, 1:]
    size = factor * np.ptp(spline.knots) * np.ptp(spline.knots) / np.diff(spline.knots).min()
    np.testing.assert_allclose(moved.basis(factor * x + shift)[:, 1:], expected, atol=1e-6 * size)


@given(splines())
def test_basis_is_the_natural_cubic_spline_through_its_own_values_at_the_knots(spline: RestrictedCubicSpline) -> None:
    natural = scipy.interpolate.CubicSpline(spline.knots, spline.basis(spline.knots), bc_type="natural")
    x = spline.knots[0] + np.ptp(spline.knots) * unit_points()
    size = np.abs(spline.basis(spline.knots)).max()
    np.testing.assert_allclose(spline.basis(x), natural(x), rtol=ROUNDING, atol=ROUNDING * size)
    np.testing.assert_allclose(spline.derivative(x), natural(x, 1), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_knots_of_unknown_values_are_refused(value: float) -> None:
    with pytest.raises(SplineError, match="fewer than 10 values are missing or infinite"):
        place_knots(np.append(np.arange(10.0), value), 3)


def test_splines_can_be_compared_and_kept_in_sets() -> None:
    one, other = (RestrictedCubicSpline(np.array([1.0, 2.0, 3.0])) for _ in range(2))
    assert one != other
    assert len({one, other, one}) == 2


# ---- weighted quantiles


@pytest.mark.reference
def test_weighted_quantiles_are_those_of_hmisc():
    """Hmisc 4.8.0: wtd.quantile(c(3, 1, 4, 1, 5, 9, 2, 6), c(2, 1, 0.5, 3, 1, 0.25, 2, 4), p, normwt = TRUE)."""
    x = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    weights = np.array([2.0, 1, 0.5, 3, 1, 0.25, 2, 4])
    found = weighted_quantiles(x, weights, np.array([0.05, 0.275, 0.5, 0.725, 0.95]))
    np.testing.assert_allclose(found, HMISC_QUANTILES, rtol=1e-12)


@given(st.integers(0, 999), st.floats(0.1, 50))
def test_equal_weights_give_unweighted_quantiles(seed, weight):
    x = np.random.default_rng(seed).normal(size=37)
    places = np.array([0.0, 0.05, 0.35, 0.5, 0.95, 1.0])
    np.testing.assert_allclose(weighted_quantiles(x, np.full(37, weight), places), np.quantile(x, places), rtol=1e-12)


@given(st.integers(0, 999))
def test_values_that_stand_for_several_give_the_quantiles_of_all_of_them(seed):
    rng = np.random.default_rng(seed)
    x, weights, times = rng.normal(size=29), rng.uniform(0.2, 5, 29), rng.integers(0, 4, 29)
    places = np.array([0.0, 0.05, 0.35, 0.5, 0.95, 1.0])
    written_out = weighted_quantiles(np.repeat(x, times), np.repeat(weights, times), places)
    together = weighted_quantiles(x, weights * times, places, size=int(times.sum()))
    np.testing.assert_allclose(together, written_out, rtol=1e-12)


def test_a_person_of_weight_zero_moves_no_quantile():
    x, weights = np.array([1.0, 5, 3, 100]), np.array([1.0, 2, 1, 0])
    np.testing.assert_array_equal(
        weighted_quantiles(x, weights, np.array([0.5, 1.0])), weighted_quantiles(x[:3], weights[:3], np.array([0.5, 1]))
    )


@pytest.mark.parametrize("weights", [np.ones(2), np.array([1.0, -1, 1]), np.zeros(3), np.array([1.0, np.nan, 1])])
def test_weights_that_cannot_weight_are_refused(weights):
    with pytest.raises(SplineError, match=r"expected \(3,\), not negative and not all zero"):
        weighted_quantiles(np.array([1.0, 2, 3]), weights, np.array([0.5]))


# ---- knots by Hmisc's rule


def hmisc_samples() -> dict[str, Array]:
    """Invented samples of tests/reference/knots_reference.R, their values in a mixed order."""
    every = reference_table("hmisc_knots/samples")
    generator = np.random.default_rng(1)
    return {
        str(name): generator.permutation(np.repeat(part["value"].to_numpy(), part["count"]))
        for name, part in every.groupby("sample", sort=False)
    }


def hmisc_knots(sample: str, asked: int) -> Array:
    return reference_table("hmisc_knots/knots").query("sample == @sample and asked == @asked")["knot"].to_numpy()


@pytest.mark.reference
@pytest.mark.parametrize("asked", [3, 4, 5, 6])
@pytest.mark.parametrize("sample", list(hmisc_samples()))
def test_knots_by_hmiscs_rule_are_those_of_rcspline_eval(sample: str, asked: int) -> None:
    x, expected = hmisc_samples()[sample], hmisc_knots(sample, asked)
    if expected.size == 0:
        with pytest.raises(SplineError, match=r"Hmisc"):
            place_knots(x, asked, rule="hmisc")
    else:
        np.testing.assert_allclose(place_knots(x, asked, rule="hmisc"), expected, rtol=BASIS_RTOL)


@pytest.mark.reference
def test_the_samples_reach_every_branch_of_hmiscs_rule() -> None:
    placed = reference_table("hmisc_knots/knots").groupby(["sample", "asked"]).size()
    asked = placed.index.get_level_values("asked")
    assert (placed < asked).any()
    assert (placed > asked).any()
    assert (placed == asked).sum() > len(placed) / 2
    assert len(placed) < 4 * len(hmisc_samples())


def test_hmiscs_rule_is_harrells_where_nothing_is_heaped_or_small() -> None:
    x = np.random.default_rng(3).normal(size=250)
    for number in (3, 4, 5, 6):
        np.testing.assert_allclose(place_knots(x, number, rule="hmisc"), place_knots(x, number), rtol=1e-12)


def test_hmiscs_rule_takes_no_weights() -> None:
    x = np.arange(200.0)
    with pytest.raises(SplineError, match="knows no weights"):
        place_knots(x, 4, rule="hmisc", weights=np.ones(200))


def test_the_refusal_of_heaped_knots_names_the_option_that_answers() -> None:
    x = hmisc_samples()["most_at_the_lowest"]
    with pytest.raises(SplineError, match=r"--knot-rule hmisc"):
        place_knots(x, 4)
    assert place_knots(x, 4, rule="hmisc").size == 4
