"""What bands hold: a simultaneous 95 % one a curve that a spline can follow, a pointwise one less often."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.simulation import bands
from analysis.simulation.bands import BAND_CURVES, EXPERIMENT, POINTWISE, SIMULTANEOUS, bands_table
from analysis.simulation.shapes import line
from analysis.simulation.surveys import NOMINAL, base_survey, flat, run_experiments
from tests.shared import unmeasured

SURVEYS, DRAWS = 8, 12
STANDARD_ERRORS = 4
"""Of a t distribution on 7 df: beyond it by chance in 5 of 1,000 runs; the seed is fixed."""

IN_REACH = ["no association", "line"]
WHOLE_BY_POINTWISE = 0.8
"""Of the whole curve by a pointwise band of three coefficients, from an independent simulation: about 80 %."""


@pytest.fixture(scope="module")
def table():
    experiment = replace(EXPERIMENT, draws_per_survey=DRAWS)
    with unmeasured():
        return run_experiments([experiment], surveys=SURVEYS * DRAWS, seed=5)["bands"]


def held(table, band):
    return table[table["band"] == band].set_index("curve")


def test_every_curve_has_both_bands(table):
    assert table.groupby("curve")["band"].apply(set).to_dict() == dict.fromkeys(BAND_CURVES, {SIMULTANEOUS, POINTWISE})
    assert table["surveys"].eq(SURVEYS * DRAWS).all()
    assert table["failed"].eq(0).all()
    assert held(table, SIMULTANEOUS)["nominal"].eq(NOMINAL).all()
    assert held(table, POINTWISE)["nominal"].isna().all()


@pytest.mark.reference
@pytest.mark.parametrize(
    ("band", "column", "level"),
    [(SIMULTANEOUS, "rate", NOMINAL), (POINTWISE, "rate", WHOLE_BY_POINTWISE),
     (POINTWISE, "rate_of_points", NOMINAL)],
)  # fmt: skip
def test_curves_within_reach_are_held_as_often_as_they_should_be(table, band, column, level):
    """Within the error between invented surveys, whose draws share people and design, not that of independent draws."""
    of = column.removeprefix("rate")
    rows = held(table, band).loc[IN_REACH]
    error = np.sqrt((rows[f"monte_carlo_error{of}"] ** 2).sum()) / len(rows)
    assert abs(rows[column].mean() - level) < STANDARD_ERRORS * error


def test_truth_and_target_are_one_where_the_spline_can_follow(table):
    exact = table[table["curve"].isin(IN_REACH)]
    np.testing.assert_array_equal(exact["rate"], exact["rate_of_target"])


def test_the_wider_band_never_holds_less(table):
    wide, narrow = held(table, SIMULTANEOUS), held(table, POINTWISE)
    for column in ("rate", "rate_of_target", "rate_of_points"):
        assert (wide[column] >= narrow[column]).all()
    assert (wide["median_critical_value"] > 2.5).all()
    assert narrow["median_critical_value"].between(2.0, 2.1).all()


def test_a_curve_that_did_not_draw_the_outcome_is_not_held(monkeypatch):
    base = base_survey(3)
    draw = type(base).draw
    monkeypatch.setattr(type(base), "draw", lambda self, curve, rng: draw(self, flat, rng))
    rows = bands._rows(base, lambda x: 5 * line(x), np.random.default_rng(1))
    assert [(row["hit"], row["hit_of_target"]) for row in rows] == [(0.0, 0.0)] * 2
    assert all(row["hit_of_points"] < 0.2 for row in rows)


def test_points_of_no_width_are_not_looked_at():
    """By hand: the reference has neither error nor width."""
    found = bands._standardised(np.array([1.0, 0.0, -4.0]), np.array([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(found, [1.0, 2.0])


def test_error_is_that_between_invented_surveys():
    """Three surveys that hold all, all and none of four draws: 2/3 with error sd(1, 1, 0)/sqrt(3), by hand."""
    found = pd.DataFrame({"curve": "line", "base": np.repeat([0, 1, 2], 4), "band": SIMULTANEOUS, "critical": 2.7,
                          "hit": np.repeat([1.0, 1.0, 0.0], 4)})  # fmt: skip
    row = bands_table(found.assign(hit_of_target=1.0, hit_of_points=found["hit"])).iloc[0]
    assert row["rate"] == pytest.approx(2 / 3)
    assert row["monte_carlo_error"] == row["monte_carlo_error_of_points"] == pytest.approx(1 / 3)
    assert (row["rate_of_target"], row["monte_carlo_error_of_target"]) == (1.0, 0.0)
