"""What a row says it does to the claim, and round amounts near those they stand for."""

import numpy as np
import pytest

from analysis.audit.referee.form import round_knots
from analysis.audit.referee.table import direction

NONE, BENT = "no departure shown", "non-linear, U not shown"


def row(verdict=None, *, bend=0.2, ends=(0.3, 0.3), levels=0.3, **drawn):
    found = {"nonlinear_p": bend, "end_low_p": ends[0], "end_high_p": ends[1], "end_slopes_p": max(ends),
             "levels_p": levels} | drawn  # fmt: skip
    return found if verdict is None else found | {"verdict": verdict}


FLAT = row(NONE)
BEND = row(BENT, bend=0.002, ends=(0.001, 0.158), levels=0.002)
U = row("U", bend=0.001, ends=(0.001, 0.008), levels=0.001)


@pytest.mark.parametrize(
    ("base", "answer", "words"),
    [
        # as p-values alone would have it "no change" or the other way
        (BEND, row(BENT, bend=0.04, ends=(0.03, 0.152), levels=0.125),
         "away from a U: no longer shows both ends higher"),
        (BEND, row(NONE, bend=0.096, ends=(0.070, 0.082), levels=0.104),
         "away from a U: no longer shows a bend or both ends higher"),
        (U, row(BENT, bend=0.004, ends=(0.004, 0.017), levels=0.028), "away from a U: no longer shows a U"),
        (U, row(BENT, bend=0.006, ends=(0.010, 0.008), levels=0.079),
         "away from a U: no longer shows a U or both ends higher"),
        (BEND, row("U", bend=0.002, ends=(0.001, 0.005), levels=0.002), "towards a U: shows a U"),
        (FLAT, row(BENT, bend=0.03), "towards a U: shows a bend"),
        (FLAT, row(NONE, levels=0.01), "towards a U: shows both ends higher"),
        (BEND, row("U", bend=0.01, ends=(0.02, 0.03), levels=0.06), "both ways: shows a U, no longer both ends higher"),
        # the verdicts stay
        (BEND, row(BENT, bend=0.003, ends=(0.002, 0.063), levels=0.008), "towards a U: the weaker end is the high one"),
        (BEND, row(BENT, bend=0.009, ends=(0.002, 0.641), levels=0.025),
         "away from a U: the weaker end is the high one"),
        (BEND, row(BENT, bend=0.002, ends=(0.001, 0.160), levels=0.002), "no change"),
        # noise has no direction
        (row(NONE, ends=(0.3, 0.716)), row(NONE, ends=(0.3, 0.704)), "no change"),
        (row(NONE, ends=(0.3, 0.716)), row(NONE, ends=(0.3, 0.1)), "no change"),
        # rows without a verdict: a bend that is lost, end slopes that are shown, nothing
        (U, row(bend=0.123, ends=(0.08, 0.03), levels=np.nan), "away from a U: no longer shows a bend"),
        (U, row(bend=0.001, ends=(0.001, 0.029), levels=np.nan), "away from a U: the weaker end is the high one"),
        (FLAT, row(bend=np.nan, ends=(0.01, 0.04), levels=np.nan), "towards a U: the weaker end is the high one"),
        (FLAT, row(bend=np.nan, ends=(0.1, 0.2), levels=np.nan), "no change"),
        (BEND, row(bend=np.nan, ends=(0.001, 0.0493), levels=np.nan, mc_error_of="end_high_p", mc_error=0.0008),
         "not told apart from p = 0.05"),
        (BEND, row(bend=0.052, ends=(0.01, 0.2), levels=np.nan, mc_error_of="nonlinear_p", mc_error=0.002),
         "not told apart from p = 0.05"),
        (BEND, {"nonlinear_p": 0.5}, ""),
    ],
)  # fmt: skip
def test_a_row_is_told_by_its_verdicts_and_only_then_by_its_p(base, answer, words) -> None:
    assert direction(answer, base) == words


@pytest.mark.parametrize(
    ("knots", "near"),
    [
        ([98.0, 200.0, 293.0, 517.8125], [100, 200, 300, 500]),
        ([437.8575, 913.0, 1317.235, 2248.225], [440, 910, 1300, 2200]),
        ([0.2912, 0.79605, 1.35295, 2.9918], [0.29, 0.8, 1.4, 3.0]),
        ([1001.0, 1002.0, 1004.0], [1001, 1002, 1004]),
        ([0.0, 2.0, 5.02], [0, 2, 5]),
    ],
)
def test_round_knots_are_within_a_twentieth_of_what_they_stand_for(knots, near) -> None:
    found = round_knots(np.array(knots))
    np.testing.assert_allclose(found, near, rtol=1e-12)
    assert np.all(np.abs(found - knots) <= 0.05 * np.array(knots))
    assert np.all(np.diff(found) > 0)
