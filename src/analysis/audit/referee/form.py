"""Scale and form: the exposure on other scales, on round knots, and without its extremes."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW, RefereeRow, complete, curve_on, row_of
from analysis.data.people.vocabulary import amount_unit
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_on, pose_setting, set_out
from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.study import PRIMARY, Study

QUESTION = "form"
EXTREMES = (0.01, 0.99)
LEAST = 1.0
"""Units a day below which the logarithm is that of this much: somebody who drank water only still has a place. Of what
is eaten in smaller amounts it is the lowest hundredth of those who had any."""

DIGITS = (1, 2, 3)
NEAR = 0.05
"""A round amount stands for another one within this part of it: a knot at 100 for one at 98, not at 400 for one at 438.
The primary study's amounts, 98 to 518 mg/day, are that near to one digit each."""


def form(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """The study on other scales and forms of its exposure, as rows of the referee's table."""
    setting = set_out(people, study)
    base = row_of(QUESTION, PRIMARY_ROW, curve_on(setting))
    rows: list[RefereeRow] = []
    for done, other in on_other_scales(setting).items():
        rows.append(row_of(QUESTION, done, curve_on(other)))
    knots = round_knots(pose_setting(setting).spline.knots)
    fixed = pose_on(setting, RestrictedCubicSpline(knots), reference=float(np.median(setting.eligible)))
    words = f"{', '.join(f'{knot:g}' for knot in knots)} {amount_unit(study.exposure)}"
    rows.append(row_of(QUESTION, f"knots at {words}", curve_of(fixed, fit_problem(fixed))))
    return complete([base, *rows], base)


def round_knots(knots: Array) -> Array:
    """Round amounts near a study's knots, which depend less on its data."""
    return rounded(knots, lambda near: bool(np.all(np.diff(near) > 0)))


def rounded(amounts: Array, suits: Callable[[Array], bool]) -> Array:
    """Amounts to the fewest of `DIGITS` that leave each within `NEAR` of itself; as they are if none of them does.

    Parameters
    ----------
    amounts : (k,) float array.
    suits : what else the rounded ones must be, for example distinct.
    """
    for digits in DIGITS:
        near = np.array([float(f"{amount:.{digits}g}") for amount in amounts])
        if np.all(np.abs(near - amounts) <= NEAR * np.abs(amounts)) and suits(near):
            return near
    return amounts


def on_other_scales(setting: Setting) -> dict[str, Setting]:
    """The people with their exposure on another scale, or without its extremes, by what was done."""
    x, eligible = setting.exposure, setting.eligible
    low, high = np.quantile(eligible, EXTREMES)
    return (_bent(setting) if eligible.min() >= 0 else {}) | {
        "winsorised at P1 and P99": dataclasses.replace(setting, exposure=np.clip(x, low, high)),
        "without the lowest and highest 1 %": setting.restricted((x >= low) & (x <= high)),
    }


def _bent(setting: Setting) -> dict[str, Setting]:
    """The exposure's logarithm and square root, of amounts that are never below zero."""
    some = setting.eligible[setting.eligible > 0]
    # Outside the cohort an amount may be anything; it is not read there.
    x = np.maximum(setting.exposure, 0.0)
    logged = dataclasses.replace(setting, exposure=np.log(np.maximum(x, min(LEAST, np.quantile(some, EXTREMES[0])))))
    return {
        f"logarithm, {setting.study.knots} knots": logged,
        "logarithm, 3 knots": dataclasses.replace(logged, study=dataclasses.replace(setting.study, knots=3)),
        "square root": dataclasses.replace(setting, exposure=np.sqrt(x)),
    }
