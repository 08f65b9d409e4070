"""What bands hold: a simultaneous 95 % one a curve that a spline can follow, a pointwise one less often."""

import numpy as np
import pandas as pd
import pytest

from analysis.simulation.bands import BAND_CURVES, CONF_LEVEL, simulate_bands
from analysis.simulation.surveys import SimulationError

SURVEYS = 40
STANDARD_ERRORS = 3
POINTWISE = 0.8
"""Of the whole curve by a pointwise band of three coefficients, from an independent simulation: about 80 %."""


@pytest.fixture(scope="module")
def table():
    return simulate_bands(surveys=SURVEYS, seed=6, draws_per_survey=20)


def held(table, band, column="rate"):
    return table[table["band"] == band].set_index("curve")[column]


def binomial_error(rate, n):
    return np.sqrt(rate * (1 - rate) / n)


def test_every_curve_has_both_bands(table):
    assert table.groupby("curve")["band"].apply(set).to_dict() == dict.fromkeys(
        BAND_CURVES, {"simultaneous", "pointwise"}
    )
    assert table["surveys"].eq(SURVEYS).all()
    assert table["failed"].eq(0).all()
    assert table.loc[table["band"] == "simultaneous", "nominal"].eq(CONF_LEVEL).all()
    assert table.loc[table["band"] == "pointwise", "nominal"].isna().all()


@pytest.mark.reference
def test_the_simultaneous_band_holds_curves_within_its_reach_at_its_level(table):
    within = held(table, "simultaneous")[["no association", "line"]].mean()
    assert abs(within - CONF_LEVEL) < STANDARD_ERRORS * binomial_error(CONF_LEVEL, 2 * SURVEYS)


@pytest.mark.reference
def test_the_pointwise_band_holds_the_whole_curve_in_about_four_fifths(table):
    within = held(table, "pointwise")[["no association", "line"]].mean()
    assert abs(within - POINTWISE) < STANDARD_ERRORS * binomial_error(POINTWISE, 2 * SURVEYS)


def test_truth_and_target_are_one_where_the_spline_can_follow(table):
    exact = table[table["curve"].isin(["no association", "line"])]
    np.testing.assert_array_equal(exact["rate"], exact["rate_of_target"])


def test_the_wider_band_never_holds_less(table):
    assert (held(table, "simultaneous") >= held(table, "pointwise")).all()
    assert (held(table, "simultaneous", "median_critical_value") > 2.5).all()
    assert held(table, "pointwise", "median_critical_value").between(2.0, 2.1).all()


def test_processes_change_no_digit():
    one, two = (simulate_bands(surveys=4, seed=6, draws_per_survey=2, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_no_survey_is_refused():
    with pytest.raises(SimulationError, match="0 surveys"):
        simulate_bands(surveys=0, seed=1)
