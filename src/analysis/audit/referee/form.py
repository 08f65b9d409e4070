"""Scale and form: the exposure on other scales, on round knots, and without its extremes."""

import dataclasses

import numpy as np
import pandas as pd

from analysis.audit.referee.table import Answer, complete, curve_on, row_of
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_on, set_out
from analysis.stats.arrays import Bools
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.sample.design import domain_of
from analysis.study import PRIMARY, Study

QUESTION = "form"
ROUND_KNOTS = (100.0, 200.0, 300.0, 500.0)
"""Intakes, mg/day, that nobody's data chose."""

EXTREMES = (0.01, 0.99)
LEAST = 1.0
"""mg/day below which the logarithm is that of this much: somebody who drank water only still has a place."""


def form(frame: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """The study on other scales and forms of its exposure, as rows of the referee's table."""
    setting = set_out(frame, study)
    base = row_of(QUESTION, "primary", curve_on(setting))
    rows: list[Answer] = []
    for done, other in scales(setting).items():
        rows.append(row_of(QUESTION, done, curve_on(other)))
    spline = RestrictedCubicSpline(np.array(ROUND_KNOTS))
    fixed = pose_on(setting, spline, reference=float(np.median(setting.eligible)))
    words = ", ".join(f"{knot:g}" for knot in ROUND_KNOTS)
    rows.append(row_of(QUESTION, f"knots at {words} mg", curve_of(fixed, fit_problem(fixed))))
    return complete([base, *rows], base)


def scales(setting: Setting) -> dict[str, Setting]:
    """The people with their exposure on another scale, or without its extremes, by what was done."""
    x, three = setting.exposure, dataclasses.replace(setting.study, knots=3)
    logged = dataclasses.replace(setting, exposure=np.log(np.maximum(x, LEAST)))
    low, high = np.quantile(setting.eligible, EXTREMES)
    return {
        f"logarithm, {setting.study.knots} knots": logged,
        "logarithm, 3 knots": dataclasses.replace(logged, study=three),
        "square root": dataclasses.replace(setting, exposure=np.sqrt(x)),
        "winsorised at P1 and P99": dataclasses.replace(setting, exposure=np.clip(x, low, high)),
        "without the lowest and highest 1 %": restricted(setting, (x >= low) & (x <= high)),
    }


def restricted(setting: Setting, kept: Bools) -> Setting:
    """Only some of a setting's people; design and weights stay, so that the variance does.

    Parameters
    ----------
    setting : people of a study.
    kept : (n,) boolean array.
    """
    cohort = setting.cohort
    cohort = dataclasses.replace(cohort, rows=cohort.rows & kept, complete=cohort.complete & kept)
    domain = domain_of(setting.design, cohort.complete.to_numpy())
    return dataclasses.replace(setting, cohort=cohort, domain=domain)
