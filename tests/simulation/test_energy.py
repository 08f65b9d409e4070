"""What energy adjustment would show of a known truth: the table's shape, and its plainest rows."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.simulation.energy import EXPERIMENT, TRUTHS, energy_u
from analysis.simulation.surveys import run_experiments
from tests.shared import unmeasured

FORMS = ["none", "linear", "spline", "residual", "density"]


@pytest.fixture(scope="module")
def table():
    experiment = replace(EXPERIMENT, draws_per_survey=4)
    with unmeasured():
        return run_experiments([experiment], surveys=8, seed=5)["energy_forms"]


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
