"""From a study to its shape: rows that can be read, drawn anew by seed, and the known facts of the real files."""

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.dose_response.knots import knot_sensitivity
from analysis.dose_response.shape import shape_dict, shape_of, shape_row, summarise_shapes
from analysis.dose_response.shape import threshold_profile as profile_of
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import read_estimates
from analysis.stats.shape.verdict import ALPHA, INTERIOR, Verdict
from analysis.study import KNOT_NUMBERS, MODELS, Study
from tests.conftest import REPLICATES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def association(participants):
    return estimate(participants, Study())


@pytest.fixture(scope="module")
def shape(association):
    return shape_of(association, replicates=REPLICATES)


def same(one: dict, other: dict) -> bool:
    pd.testing.assert_frame_equal(pd.DataFrame([one]), pd.DataFrame([other]), check_exact=True)
    return True


def test_row_holds_the_tests_of_the_curve(shape):
    row, tests = shape_row(shape), shape.shape_tests
    assert row["end_slopes_p"] == max(row["end_slopes_low_p"], row["end_slopes_high_p"]) == tests.ends.p_value
    assert row["two_lines_p"] == tests.lines.p_value
    assert row["threshold"] == tests.threshold.breakpoint
    assert (row["model"], row["replicates"], row["seed"]) == ("1", REPLICATES, 1)


def test_low_point_is_that_of_the_association(shape, association):
    assert shape_row(shape)["nadir"] == pytest.approx(association.nadir.x, rel=1e-10)


def test_intervals_and_stretch_hold_the_low_point(shape):
    row = shape_row(shape)
    for name in ("nadir_normal", "nadir_bootstrap", "flat"):
        assert row[f"{name}_low"] < row["nadir"] < row[f"{name}_high"], name


def test_end_slopes_are_derivatives_of_the_curve(shape, association):
    row = shape_row(shape)
    for end in ("low", "high"):
        at = row[f"end_slopes_{end}_at"]
        low, high = association.curve([at - 0.01, at + 0.01]).frame["log_or"]
        assert row[f"end_slopes_{end}"] == pytest.approx((high - low) / 0.02, rel=1e-4)


def test_same_seed_gives_the_same_row_whatever_the_number_of_workers(shape, association):
    assert same(shape_row(shape), shape_row(shape_of(association, replicates=REPLICATES, jobs=2)))


def test_another_seed_moves_what_is_drawn_and_nothing_else(shape, association):
    first, other = shape_row(shape), shape_row(shape_of(association, replicates=REPLICATES, seed=2))
    moved = {name for name in first if first[name] != other[name] and first[name] == first[name]}
    drawn = {"seed", "nadir_normal_low", "nadir_normal_high", "nadir_bootstrap_low", "nadir_bootstrap_high"}
    assert drawn <= moved
    may_move = {"nadir_normal_interior", "nadir_bootstrap_interior", "nadir_bootstrap_failed", "threshold_low",
                "threshold_high", "threshold_open_low", "threshold_open_high", "threshold_search_p",
                "threshold_search_draws", "threshold_failed"}  # fmt: skip
    errors = {name for name in first if name.endswith("_mc_error")}
    assert moved <= drawn | may_move | errors


def test_every_number_that_is_drawn_has_its_monte_carlo_error_beside_it(shape):
    row = shape_row(shape)
    drawn = [*(f"nadir_{kind}_{what}" for kind in ("normal", "bootstrap") for what in ("low", "high", "interior")),
             "threshold_low", "threshold_high", "threshold_search_p"]  # fmt: skip
    assert {name for name in row if name.endswith("_mc_error")} == {f"{name}_mc_error" for name in drawn}
    assert all(row[f"{name}_mc_error"] >= 0 for name in drawn)
    threshold = shape.shape_tests.threshold
    assert (row["threshold_search_p"], row["threshold_search_draws"]) == (
        threshold.search_p,
        threshold.search.null.size,
    )
    assert (row["threshold_open_low"], row["threshold_open_high"]) == threshold.open_ends


def test_what_there_is_not_is_none_in_the_dictionary(shape):
    found, row = shape_dict(shape), shape_row(shape)
    assert set(found) == set(row) - {"model"}
    for name, value in found.items():
        assert (value is None) == (row[name] is None or row[name] != row[name])


def test_profile_is_highest_near_the_threshold_and_never_below_a_straight_line(shape):
    profile = profile_of(shape)
    assert (profile["deviance_gain"] > -1e-6).all()
    best = profile["deviance_gain"].idxmax()
    nearby = profile["x"].iloc[max(best - 1, 0)], profile["x"].iloc[min(best + 1, len(profile) - 1)]
    assert nearby[0] <= shape.shape_tests.threshold.breakpoint <= nearby[1]


def test_curve_of_a_study_has_the_people_of_its_fit(association):
    curve = curve_of(association.problem, association.fit)
    assert curve.x.shape == curve.y.shape == (association.fit.n,)
    assert curve.y.sum() == association.fit.cases
    assert curve.reference == association.reference


def test_each_model_has_its_row_and_its_profile(participants):
    found = [estimate(participants, Study(model=model)) for model in ("crude", "2")]
    frames = summarise_shapes(found, replicates=5)
    assert frames["shape"]["model"].tolist() == ["crude", "2"]
    assert frames["threshold"]["model"].unique().tolist() == ["crude", "2"]
    assert frames["threshold"].columns.tolist() == ["model", "x", "deviance_gain"]


@pytest.fixture(scope="module")
def varied(association):
    return knot_sensitivity(association, replicates=10)


def test_every_number_and_placing_of_knots_is_tried_and_two_other_forms(varied):
    rows = varied[0]
    splines = rows[rows["form"] == "spline"]
    tried = set(zip(splines["knots"], splines["knot_quantiles"], strict=True))
    assert tried == {(number, placing) for number in KNOT_NUMBERS for placing in ("unweighted", "weighted")}
    assert rows["form"].tolist()[len(splines) :] == ["fractional polynomial", "penalised spline"]
    assert [len(str(placed).split()) for placed in splines["placed"]] == splines["knots"].tolist()
    assert set(splines["verdict"]) <= set(get_args(Verdict))


def test_every_variant_has_a_curve_against_the_studys_reference(varied, association):
    rows, curves = varied
    assert len(curves.groupby(["form", "knots", "knot_quantiles"], dropna=False)) == len(rows)
    for _, one in curves.groupby(["form", "knots", "knot_quantiles"], dropna=False):
        at_reference = np.interp(association.reference, one["x"], np.log(one["odds_ratio"]))
        assert abs(at_reference) < 0.01


def test_variant_of_the_protocol_is_the_study_itself(varied, association):
    row = varied[0].query("knots == 4 and knot_quantiles == 'unweighted'").iloc[0]
    same_study = shape_row(shape_of(association, replicates=10))
    theirs = [same_study[name] for name in ("nadir", "nadir_bootstrap_low", "nadir_bootstrap_high")]
    assert row[["nadir", "nadir_low", "nadir_high"]].tolist() == pytest.approx(theirs, rel=1e-10)
    assert row["verdict"] == same_study["verdict"]


def test_planted_u_is_found_in_every_model_of_the_invented_survey(estimates):
    frame = estimates[0]["shape"]
    assert frame["model"].tolist() == list(MODELS)
    assert (frame["verdict"] == "U").all()


def test_verdict_follows_from_the_columns_beside_it(estimates):
    for row in estimates[0]["shape"].itertuples():
        tested = max(row.end_slopes_p, row.two_lines_p) < ALPHA and row.nadir_bootstrap_interior >= INTERIOR
        assert (row.verdict == "U") == tested


# ---- the real files


@pytest.fixture(scope="module")
def real():
    return read_estimates(Folders(ROOT / "data", ROOT / "figures"))[0]


@pytest.mark.real
@pytest.mark.reference
@pytest.mark.parametrize(("knots", "nadir"), [("3", 274.5), ("4", 214.3), ("5", 214.5)])
def test_low_point_of_magnesium_is_the_known_one(real, knots, nadir):
    rows = real["knots"].query("knot_quantiles == 'unweighted'").set_index("knots")
    assert rows.loc[knots, "nadir"] == pytest.approx(nadir, abs=0.2)


@pytest.mark.real
@pytest.mark.reference
def test_low_point_of_phosphorus_is_the_known_one_and_its_break_is_not():
    people, _ = read_participants(Folders(ROOT / "data", ROOT / "figures"))
    found = estimate(people, Study(exposure="phosphorus_mg", model="3"))
    assert found.nadir.x == pytest.approx(940.2, abs=0.5)
    assert curve_of(found.problem, found.fit).threshold().breakpoint == pytest.approx(740, abs=10)


@pytest.mark.real
def test_u_is_not_shown_in_any_model_of_the_real_files(real):
    assert (real["shape"]["verdict"] == "non-linear, U not shown").all()
