"""What calibration and SIMEX give back of a known curve of usual intake, on few surveys: order, not digits."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from analysis.simulation import recall_error
from analysis.simulation.recall_error import EXPERIMENT, METHODS, PER_MG, TRUE_CURVES
from analysis.simulation.shapes import LINE_PER_MG
from analysis.simulation.surveys import NOMINAL, base_survey, means, run_experiments
from analysis.stats.measurement.regression_calibration import CalibratedSlopes
from tests.shared import unmeasured

STANDARD_ERRORS = 3
SURVEYS = 8
FEW = partial(EXPERIMENT.rows_of, replicates=50, simex_draws=8)
"""A standard error of 50 samples is known to a tenth: enough for what is compared here."""


@pytest.fixture(scope="module")
def table():
    experiment = replace(EXPERIMENT, rows_of=FEW, draws_per_survey=4, outcomes_of=1)
    with unmeasured():
        return run_experiments([experiment], surveys=SURVEYS, seed=8)["recall_error"]


@pytest.fixture(scope="module")
def by(table):
    return table.set_index(["curve", "method", "end"]).sort_index()


def test_every_curve_method_and_end_has_its_row(table):
    assert len(table) == len(TRUE_CURVES) * len(METHODS) * 2
    assert table["surveys"].eq(SURVEYS).all()
    assert set(table["method"]) == set(METHODS)
    np.testing.assert_allclose(table["bias"], table["mean_slope"] - table["true_slope"])
    assert table["nominal"].eq(NOMINAL).all()


def test_the_true_slope_of_the_line_is_its_own_everywhere(by):
    np.testing.assert_allclose(by.loc["line", "true_slope"], PER_MG * LINE_PER_MG)


def test_calibrated_intake_varies_less_than_usual_intake_and_that_less_than_one_day(by):
    low, high = (by["place_mg"].xs(("line", end), level=("curve", "end")) for end in ("low", "high"))
    assert (high - low)[["calibrated", "usual intake", "one day"]].is_monotonic_increasing
    assert by["attenuation"].between(0.4, 0.6).all()


@pytest.mark.reference
def test_one_day_flattens_the_line_and_calibration_gives_it_back(by):
    """The high end, where slopes are known best: bias of one day half the slope, of calibration within its error."""
    one_day, calibrated = (by.loc[("line", method, "high")] for method in ("one day", "calibrated"))
    assert one_day["bias"] > STANDARD_ERRORS * one_day["bias_error"]
    assert abs(calibrated["bias"]) < STANDARD_ERRORS * calibrated["bias_error"]
    for end in ("low", "high"):
        known = by.loc[("line", "usual intake", end)]
        assert abs(known["bias"]) < STANDARD_ERRORS * known["bias_error"]


def test_each_method_gives_back_more_of_the_rise_of_a_u_than_one_day_alone(by):
    rise = by["mean_slope"].xs(("U", "high"), level=("curve", "end"))
    assert rise["one day"] < rise["SIMEX, linear"] < rise["SIMEX, quadratic"]
    assert rise["one day"] < rise["calibrated"]


def test_what_is_given_back_is_paid_for_by_wider_intervals(by):
    for curve in TRUE_CURVES:
        error = by["mean_std_error"].xs((curve, "high"), level=("curve", "end"))
        assert error["one day"] < error["calibrated"]
        assert error["SIMEX, linear"] < error["SIMEX, quadratic"]


@pytest.mark.reference
def test_error_of_a_mean_is_that_of_the_invented_surveys_means_by_hand():
    """Means 1, 3 and 5 of three surveys: standard deviation 2, error 2 over the root of 3; a failure is left out."""
    rows = pd.DataFrame({"base": [0, 0, 1, 1, 2, 2], "curve": "line", "bias": [0.0, 2, 3, np.nan, 4, 6]})
    found = means(rows, ["curve"], "bias").iloc[0]
    assert found["mean"] == pytest.approx(3.0)
    assert found["monte_carlo_error"] == pytest.approx(2 / np.sqrt(3))


def test_an_end_without_a_slope_has_failed_and_is_no_miss(monkeypatch):
    """A bootstrap may have an error where the curve of the sample itself has no estimate."""
    monkeypatch.setattr(
        recall_error,
        "drawn_slopes",
        lambda *_, **__: CalibratedSlopes(np.array([100.0, 400.0]), np.array([np.nan, 0.1]), np.eye(2)),
    )
    rows = FEW(base_survey(8), TRUE_CURVES["line"], np.random.default_rng(8))
    found = pd.DataFrame(rows).query("method == 'calibrated'").set_index("end")
    assert found["std_error"].notna().all()
    assert found.loc["low", ["hit", "shown"]].isna().all()
    assert found.loc["high", ["hit", "shown"]].notna().all()
