"""Fractional polynomials and penalised splines are those that R fits, and find the low point of a planted curve."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.curve.curves import Curve, low_point
from analysis.stats.curve.forms import (
    FractionalPolynomial,
    PenalisedBasis,
    PenalisedSpline,
    PowerBasis,
    fit_fractional_polynomial,
    fit_penalised_spline,
    positive_shift,
)
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from tests.arrays import Exposed, of_study, r_sample

R_RTOL = 1e-8
"""Both sides solve the same equations in double precision."""

STUDIES = ("full", "part", "part_less_psu")
LOWEST = 4.0

seeds = st.integers(0, 9999)
every_study = pytest.mark.parametrize("study_id", STUDIES)


@dataclass(frozen=True, slots=True, eq=False)
class People(Exposed):
    """The forms of a domain; the reference is the median of x."""

    def with_reference(self, changed: dict[str, Any]) -> tuple[tuple[Array, Array, Array], dict[str, Any]]:
        return self.given(**({"reference": float(np.median(self.x))} | changed))

    def fractional(self, **changed: Any) -> FractionalPolynomial:
        arrays, named = self.with_reference(changed)
        return fit_fractional_polynomial(*arrays, **named)

    def penalised(self, **changed: Any) -> PenalisedSpline:
        arrays, named = self.with_reference(changed)
        return fit_penalised_spline(*arrays, **named)

    def logistic(self, *columns: Array) -> LogisticFit:
        X = np.column_stack([np.ones(self.x.size), *columns, self.adjustment])
        return fit_quickly(Regression(X, self.y, self.domain, tuple(f"b{j}" for j in range(X.shape[1]))), self.design)


def invented(seed: int, *, strata: int = 12, people: int = 25, bend: float = 0.15) -> People:
    """Two PSUs in each stratum, whose people resemble each other; log odds are lowest at 4."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(2 * strata), people)
    n = cluster.size
    x = np.clip(4.5 + 0.4 * rng.normal(size=2 * strata)[cluster] + 1.6 * rng.normal(size=n), 0.2, None)
    z = rng.normal(size=(n, 2)) + 0.1 * x[:, None]
    eta = -1.0 + bend * (x - LOWEST) ** 2 + 0.2 * z.sum(axis=1) + rng.normal(scale=0.3, size=2 * strata)[cluster]
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    weights = np.exp(rng.normal(scale=0.5, size=n)) * (1.2 - 0.2 * y)
    design = SurveyDesign(cluster // 2, cluster % 2, weights)
    return People(x, y, z, design, domain_of(design, np.ones(n, dtype=bool)))


@cache
def r_people(study_id: str) -> People:
    sample = r_sample(study_id)
    design, domain = sample.design(), sample.domain()
    return People(sample.X[domain.rows, 1], sample.y[domain.rows], sample.X[domain.rows, 4:], design, domain)


def assert_curve_is_rs(curve: Curve, study_id: str, form: str) -> None:
    theirs = of_study("threshold/curves", study_id)
    theirs = theirs[theirs["form"] == form]
    assert not theirs.empty
    ours = curve.to_frame(theirs["x"].to_numpy())
    # The median of an odd number of people is among the x, and its log odds ratio zero.
    np.testing.assert_allclose(ours["log_or"], theirs["log_or"], rtol=R_RTOL, atol=R_RTOL * theirs["std_error"].max())
    np.testing.assert_allclose(
        ours["std_error"], theirs["std_error"], rtol=R_RTOL, atol=R_RTOL * theirs["std_error"].max()
    )


# ---- fractional polynomials


@pytest.mark.reference
@every_study
def test_deviances_of_all_pairs_of_powers_match_r_survey(study_id):
    ours, theirs = r_people(study_id).fractional(), of_study("threshold/powers", study_id)
    np.testing.assert_array_equal(ours.pairs, theirs[["power_1", "power_2"]])
    np.testing.assert_allclose(ours.deviance, theirs["deviance"], rtol=R_RTOL)
    assert ours.powers == tuple(ours.pairs[np.argmin(theirs["deviance"])])


@pytest.mark.reference
@every_study
def test_curve_of_the_best_pair_matches_r_survey(study_id):
    assert_curve_is_rs(r_people(study_id).fractional().curve, study_id, "fractional")


def test_there_are_thirty_six_pairs_of_eight_powers():
    pairs = invented(1).fractional().pairs
    assert len({tuple(pair) for pair in pairs}) == len(pairs) == 36


@pytest.mark.parametrize(
    ("powers", "expected"),
    [
        ((1.0, 2.0), (3.0, 9.0)),
        ((0.0, 0.5), (np.log(3), np.sqrt(3))),
        ((0.0, 0.0), (np.log(3), np.log(3) ** 2)),
        ((2.0, 2.0), (9.0, 9 * np.log(3))),
        ((-2.0, -1.0), (1 / 9, 1 / 3)),
    ],
)
def test_columns_are_powers_of_the_scaled_exposure_and_a_repeated_one_is_times_its_logarithm(powers, expected):
    columns = PowerBasis(powers, shift=1.0, scale=100.0).columns(np.array([299.0]))
    np.testing.assert_allclose(columns, [expected], rtol=1e-14)


def test_a_parabola_is_the_pair_of_first_and_second_power():
    people = invented(2)
    found = people.fractional()
    parabola = people.logistic(people.x, people.x**2)
    at = np.flatnonzero(np.all(found.pairs == (1.0, 2.0), axis=1))[0]
    assert found.deviance[at] == pytest.approx(parabola.deviance, rel=1e-12)
    assert np.min(found.deviance) == found.fit.deviance <= parabola.deviance


def test_an_exposure_with_zero_is_shifted_or_refused():
    people = invented(3)
    x = people.x - np.min(people.x)
    with pytest.raises(DesignError, match="an exposure with shift 0 is not above zero: expected a positive sum"):
        people.fractional(x=x, shift=0.0)
    found, shift = people.fractional(x=x), np.quantile(x, 0.01)
    assert found.curve.basis.shift == shift
    assert found.fit.deviance == pytest.approx(people.fractional(x=x + shift, shift=0.0).fit.deviance, rel=1e-12)


def test_one_person_next_to_zero_does_not_choose_the_powers():
    people = invented(3, bend=0.03)
    odd = np.append(1e-6, people.x[1:] + 1)
    usual, found = people.fractional(x=people.x + 1, shift=positive_shift(odd)), people.fractional(x=odd)
    assert found.powers == usual.powers
    np.testing.assert_allclose(found.deviance, usual.deviance, atol=2.0)


@pytest.mark.parametrize(
    ("lowest", "percentile", "shift"), [(2.0, 3.0, 0.0), (1.0, 3.0, 1.0), (0.0, 3.0, 3.0), (-2.0, 3.0, 7.0)]
)
def test_the_shift_leaves_the_lowest_value_as_far_from_zero_as_from_the_first_percentile(lowest, percentile, shift):
    assert positive_shift(np.append(lowest, np.linspace(percentile, 50, 100))) == pytest.approx(shift)


def test_an_exposure_that_is_zero_for_many_has_no_shift():
    with pytest.raises(DesignError, match="the lowest exposure, which is not positive: expected fewer"):
        positive_shift(np.append(np.zeros(10), np.arange(90.0)))


def test_a_curve_below_the_shift_is_refused():
    with pytest.raises(DesignError, match=r"an exposure with shift 0[.\d]* is not above zero"):
        invented(3).fractional().curve.log_or(np.array([-1.0]))


def test_a_pair_without_an_estimate_is_not_hidden():
    people = invented(3)
    with pytest.raises(ConvergenceError, match="none of 36 pairs"):
        people.fractional(adjustment=people.y[:, None])


# ---- penalised splines


@pytest.mark.reference
@every_study
@pytest.mark.parametrize("choice", ["edf", "fixed"])
def test_penalised_fit_matches_the_one_written_out_in_r(study_id, choice):
    theirs = of_study("threshold/penalised", study_id)
    theirs = theirs[theirs["choice"] == choice].iloc[0]
    ours = r_people(study_id).penalised(edf=theirs["edf"])
    found = (ours.smoothing, ours.edf, ours.total_edf, ours.deviance, ours.daic)
    expected = theirs[["smoothing", "edf", "total_edf", "deviance", "daic"]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, expected, rtol=R_RTOL)
    assert_curve_is_rs(ours.curve, study_id, f"penalised_{choice}")


def test_columns_add_up_to_one_everywhere_and_run_straight_beyond_the_ends():
    basis = PenalisedBasis(2.0, 7.0, 10)
    columns = basis.columns(np.array([-3.0, 0.0, 2.0, 3.3, 7.0, 9.0, 11.0]))
    np.testing.assert_allclose(columns.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(columns[-1] - columns[-2], columns[-2] - columns[-3], atol=1e-12)


def test_a_straight_line_has_no_roughness_and_a_parabola_has():
    basis = PenalisedBasis(0.0, 1.0, 8)
    place = np.arange(11.0)
    assert place @ basis.penalty() @ place == pytest.approx(0, abs=1e-12)
    assert place**2 @ basis.penalty() @ place**2 == pytest.approx(4 * 9)


@pytest.mark.parametrize("edf", [1.5, 4.0, 7.0])
def test_the_asked_number_of_parameters_is_given(edf):
    found = invented(4).penalised(edf=edf)
    assert found.edf == pytest.approx(edf, rel=1e-9)
    assert found.total_edf == pytest.approx(edf + 3, rel=0.01)


def test_with_one_parameter_the_curve_is_the_straight_line_of_a_logistic_regression():
    people = invented(5)
    found = people.penalised(edf=1 + 1e-7)
    line = people.logistic(people.x)
    frame = found.curve.to_frame(np.array([1.0, 3.0, 8.0]))
    distance = frame["x"] - np.median(people.x)
    np.testing.assert_allclose(frame["log_or"], distance * line.beta[1], rtol=1e-4)
    np.testing.assert_allclose(frame["std_error"], np.abs(distance) * np.sqrt(line.vcov[1, 1]), rtol=1e-4)
    assert found.curve.df == pytest.approx(line.residual_df, abs=1e-5)


def test_the_choice_by_daic_is_at_least_as_good_as_any_fixed_number_of_parameters():
    people = invented(6)
    chosen = people.penalised(choice="daic")
    assert 1 < chosen.edf < 10
    assert all(chosen.daic <= people.penalised(edf=edf).daic + 1e-3 for edf in (1.2, 2, 3, 4, 6, 8))


def test_under_clusters_the_charge_for_a_parameter_is_its_design_effect():
    people = invented(6)
    alone = SurveyDesign(np.zeros(people.x.size, dtype=int), np.arange(people.x.size), np.ones(people.x.size))
    everybody = domain_of(alone, np.ones(people.x.size, dtype=bool))
    found = people.penalised(design=alone, domain=everybody)
    assert found.daic - found.deviance == pytest.approx(2 * found.total_edf, rel=0.1)
    repeated = replace(people, design=SurveyDesign(people.design.strata, people.design.psu, np.ones(people.x.size)))
    assert repeated.penalised().daic - repeated.penalised().deviance != pytest.approx(2 * found.total_edf, rel=0.02)


def test_the_curve_needs_no_adjustment():
    people = invented(6)
    assert people.penalised(adjustment=np.empty((people.x.size, 0))).total_edf == pytest.approx(5)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"choice": "gcv"}, DesignError, "choice='gcv': expected one of edf, daic"),
        ({"edf": 1.0}, DesignError, "edf 1, 20 segments"),
        ({"edf": 30.0}, DesignError, "edf 30, 20 segments"),
        ({"edf": 10.0}, DesignError, "12 design degrees of freedom: expected .* at most 9"),
        ({"adjustment": np.random.default_rng(1).normal(size=(600, 10)), "choice": "daic"}, DesignError, "at most 1"),
        ({"low": 5.0, "high": 5.0}, DesignError, "from 5 to 5"),
        ({"adjustment": np.ones((600, 1))}, DesignError, r"adjustment columns \[0\]"),
        ({"x": np.ones(600)}, DesignError, "the exposure is constant"),
        ({"x": np.append(np.arange(599.0), np.nan)}, DesignError, "values of the exposure are missing"),
        ({"x": np.ones(3)}, DesignError, r"x \(3,\)"),
        ({"y": np.zeros(600)}, ConvergenceError, "not some 0 and some 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(asked, error, message):
    people = invented(7)
    with pytest.raises(error, match=message):
        people.penalised(**asked)


def test_separation_is_refused():
    people = invented(7)
    with pytest.raises(ConvergenceError, match="no finite penalised estimate"):
        people.penalised(adjustment=people.y[:, None])


# ---- both forms

forms = pytest.mark.parametrize("form", ["fractional", "penalised"])


@forms
def test_the_curve_is_exactly_zero_without_error_at_the_reference(form):
    people = invented(8)
    row = getattr(people, form)().curve.to_frame(np.array([np.median(people.x)])).iloc[0]
    assert tuple(row[["log_or", "std_error", "odds_ratio", "conf_low", "conf_high"]]) == (0, 0, 1, 1, 1)


@forms
def test_another_reference_moves_the_curve_by_a_constant(form):
    people = invented(8)
    at = np.array([2.0, 4.0, 6.0])
    moved = getattr(people, form)(reference=3.0).curve.log_or(at) - getattr(people, form)().curve.log_or(at)
    np.testing.assert_allclose(moved, moved[0], rtol=1e-9)


@forms
def test_the_low_point_of_a_planted_curve_is_found_inside_the_range(form):
    people = invented(9, strata=30, people=60, bend=0.2)
    found = low_point(getattr(people, form)().curve, low=1.5, high=7.5)
    assert found.interior
    assert found.x == pytest.approx(LOWEST, abs=0.5)


@given(seeds, st.sampled_from(["fractional", "penalised"]))
def test_neither_row_order_nor_the_scale_of_the_weights_changes_the_curve(seed, form):
    people = invented(seed)
    order = np.random.default_rng(seed).permutation(people.x.size)
    at = np.array([2.0, 4.0, 6.0])
    first = getattr(people, form)().curve.to_frame(at)
    for other in (people.weighted(people.design.weights, order), people.weighted(1e4 * people.design.weights)):
        second = getattr(other, form)().curve.to_frame(at)
        np.testing.assert_allclose(second["log_or"], first["log_or"], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(second["std_error"], first["std_error"], rtol=1e-6)


# ---- low points


@dataclass(frozen=True, slots=True)
class Parabola:
    """(x - 3)² and x."""

    def columns(self, x: Array) -> Array:
        return np.column_stack([(x - 3) ** 2, x])


def test_the_low_point_of_a_parabola_is_its_vertex():
    curve = Curve(Parabola(), np.array([1.0, 0.0]), np.eye(2), 10.0, reference=1.0)
    found = low_point(curve, low=0, high=10)
    assert (found.x, found.log_or) == pytest.approx((3.0, -4.0), abs=1e-6)
    assert (found.low, found.high, found.interior) == (0, 10, True)


@pytest.mark.parametrize(("slope", "end"), [(1.0, 0.0), (-1.0, 10.0)])
def test_a_straight_line_is_lowest_at_an_end_and_has_no_interior_low_point(slope, end):
    curve = Curve(Parabola(), np.array([0.0, slope]), np.eye(2), 10.0, reference=1.0)
    found = low_point(curve, low=0.0, high=10.0)
    assert (found.x, found.interior) == (end, False)


def test_a_range_that_does_not_increase_is_refused():
    curve = Curve(Parabola(), np.array([0.0, 1.0]), np.eye(2), 10.0, reference=1.0)
    with pytest.raises(DesignError, match="from 2 to 1"):
        low_point(curve, low=2, high=1)
