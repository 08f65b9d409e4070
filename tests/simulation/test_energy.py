"""What energy adjustment would show of a known truth: the table's shape, and its plainest rows."""

import numpy as np
import pandas as pd
import pytest

from analysis.simulation.energy import TRUTHS, energy_u, simulate_energy_forms
from analysis.simulation.surveys import SimulationError

FORMS = ["none", "linear", "spline", "residual", "density"]


@pytest.fixture(scope="module")
def table():
    return simulate_energy_forms(surveys=8, seed=3, draws_per_survey=4)


def test_every_truth_form_and_test_has_its_rate(table):
    assert len(table) == len(TRUTHS) * len(FORMS) * 2
    assert table["form"].drop_duplicates().tolist() == FORMS
    assert table["surveys"].eq(8).all()
    assert table["failed"].eq(0).all()


def test_a_planted_u_of_magnesium_is_found_without_adjustment_and_nothing_where_there_is_nothing(table):
    bent = table[table["test"] == "nonlinear"].set_index(["truth", "form"])["rate"]
    assert bent["magnesium", "none"] == 1.0
    assert bent["none"].mean() < 0.3


def test_a_u_of_energy_bends_magnesium_unless_energy_is_a_spline_beside_it(table):
    bent = table[table["test"] == "nonlinear"].set_index(["truth", "form"])["rate"]
    assert bent["energy", "none"] > bent["energy", "spline"]


def test_the_u_of_energy_is_lowest_at_1900_kcal():
    kcal = np.arange(600.0, 5000.0, 10)
    assert kcal[np.argmin(energy_u(kcal))] == 1900.0


@pytest.mark.no_cover  # the table above has run every line of it
def test_processes_change_no_digit():
    one, two = (simulate_energy_forms(surveys=2, seed=3, draws_per_survey=1, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_no_survey_is_refused():
    with pytest.raises(SimulationError, match="0 surveys"):
        simulate_energy_forms(surveys=0, seed=1)
