"""A fitted curve as the numbers that draw it anew: knots, reference, coefficients, covariance.

Whoever has them has the odds ratio and its interval at every intake without the participants: with the basis s of
`analysis.stats.curve.splines.RestrictedCubicSpline` and c = s(x) - s(reference), the log odds ratio is c'b and its
variance c'Vc.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis.dose_response.association import CURVE_RANGE
from analysis.dose_response.problem import Problem
from analysis.stats.order import sorted_quantiles
from analysis.stats.regression.fit import Fit

COEFFICIENTS = ("reference", "shown_low", "shown_high", "knots_at", "coefficients", "covariance")


def curve_coefficients(problem: Problem, fit: Fit) -> dict[str, Any]:
    """What draws the curve of one fit.

    Parameters
    ----------
    problem, fit : the regression and its answer.

    Returns
    -------
    reference and shown_low, shown_high (`CURVE_RANGE`), in the exposure's unit; and as numbers parted by blanks:
    knots_at (k), coefficients (k - 1, the linear one first) and covariance, its lower triangle row by row
    (k (k - 1) / 2).
    """
    index = fit.index(problem.spline_terms)
    low, high = sorted_quantiles(problem.setting.ordered, np.array(CURVE_RANGE))
    lower = np.tril_indices(len(index))
    return {
        "reference": problem.reference,
        "shown_low": float(low),
        "shown_high": float(high),
        "knots_at": _words(problem.spline.knots),
        "coefficients": _words(fit.beta[index]),
        "covariance": _words(fit.vcov[np.ix_(index, index)][lower]),
    }


def coefficients_frame(rows: pd.DataFrame, choices: Iterable[str]) -> pd.DataFrame:
    """The rows that have coefficients: their choices and `COEFFICIENTS`.

    Parameters
    ----------
    rows : with the columns ``choices``; without coefficients where nothing could be fitted.
    """
    found = rows.reindex(columns=[*choices, *COEFFICIENTS])
    return found.dropna(subset="coefficients").reset_index(drop=True)


def _words(values: Iterable[float]) -> str:
    """Ten significant digits, as every number of the estimates has."""
    return " ".join(f"{value:.10g}" for value in values)
