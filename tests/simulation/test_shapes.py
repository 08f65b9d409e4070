"""The table of size and power: its curves are what their names say, and its rates are those of the rules."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.simulation.shapes import EXPERIMENT, HINGE_MG, RULES, SHAPES, U_SHAPES
from analysis.simulation.surveys import run_experiments

INTAKE = np.linspace(60.0, 700.0, 641)


@pytest.fixture(scope="module")
def tables():
    found = run_experiments([replace(EXPERIMENT, draws_per_survey=3)], surveys=3, seed=5)
    return found["shapes"], found["nadirs"]


def slopes(name):
    return np.diff(SHAPES[name](INTAKE))


def test_no_association_has_no_slope():
    assert not slopes("no association").any()


def test_the_line_falls_evenly():
    np.testing.assert_allclose(slopes("line"), slopes("line")[0])
    assert slopes("line")[0] < 0


def test_the_j_never_falls_and_rises_beyond_its_hinge():
    beyond = INTAKE[:-1] >= HINGE_MG
    assert not slopes("J")[~beyond].any()
    assert (slopes("J")[beyond] > 0).all()


def test_the_plateau_never_rises_and_falls_before_its_hinge():
    before = INTAKE[1:] <= HINGE_MG
    assert (slopes("plateau")[before] < 0).all()
    assert not slopes("plateau")[~before].any()


@pytest.mark.parametrize("name", U_SHAPES)
def test_each_u_is_lowest_at_240(name):
    assert INTAKE[np.argmin(SHAPES[name](INTAKE))] == 240.0


def test_depths_of_the_u_are_in_order():
    at_100 = [float(np.ptp(SHAPES[name](np.array([100.0, 240.0])))) for name in U_SHAPES]
    assert at_100 == sorted(at_100)


def test_rates_hold_every_rule_of_every_curve(tables):
    rates, _ = tables
    assert len(rates) == len(SHAPES) * len(RULES)
    assert rates["surveys"].eq(3).all()
    assert rates["failed"].eq(0).all()
    np.testing.assert_allclose(rates["rate"] * 3, (rates["rate"] * 3).round())


def test_a_verdict_of_u_needs_both_of_its_tests(tables):
    rates = tables[0].pivot_table(index="curve", columns="rule", values="rate")
    assert (rates["verdict U"] <= rates[["end slopes", "two lines"]].min(axis=1)).all()
    assert (rates["usual practice"] <= rates["non-linear"]).all()


def test_a_deep_u_is_found_by_every_rule_and_nothing_by_the_verdict_where_there_is_nothing(tables):
    rates = tables[0].pivot_table(index="curve", columns="rule", values="rate")
    assert rates.loc["deep U"].eq(1).all()
    assert rates.loc[["no association", "line"], "verdict U"].eq(0).all()


def test_coverage_is_of_the_u_shaped_curves_and_both_intervals(tables):
    _, coverage = tables
    assert list(zip(coverage["interval"], coverage["curve"], strict=True)) == [
        (interval, curve) for interval in ("normal", "bootstrap") for curve in U_SHAPES
    ]
    assert coverage["truth_mg"].eq(240).all()
    assert coverage["target_mg"].between(220, 245).all(), "four knots come near the planted low point"
    assert (coverage["median_width_mg"] > 0).all()
