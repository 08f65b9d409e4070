"""Where the ends are: the spline is linear beyond its outer knots, so its slope there is that of a tail of few people.

The end slopes of one and the same fit are asked for at other quantiles of intake, and the rise's p-value at every
intake, with one that pays for having looked everywhere.
"""

import numpy as np
import pandas as pd

from analysis.audit.referee.table import RefereeRow, complete, curve_on, row_of
from analysis.dose_response.problem import set_out
from analysis.stats.arrays import Array
from analysis.stats.monte_carlo import share_error
from analysis.stats.shape.questions import ENDS
from analysis.stats.shape.slopes import Slopes
from analysis.stats.shape.verdict import FittedCurve
from analysis.study import PRIMARY, Study

QUESTION = "ends"
DRAWS = 100_000
"""They put the Monte Carlo error of a p of 0.05 at 0.0007."""

POINTS = np.linspace(0.01, 0.99, 99)


def ends(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """End slopes of the study's own fit at each of `ENDS`, as rows of the referee's table."""
    curve = curve_on(set_out(people, study))
    rows: list[RefereeRow] = [
        row_of(QUESTION, f"end slopes at P{100 * low:.0f} and P{100 * high:.0f}", curve, ends=(low, high))
        for low, high in ENDS
    ]
    return complete(rows, rows[0])


def rise_along_curve(
    people: pd.DataFrame, *, study: Study = PRIMARY, draws: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """One-sided p-values of the slope at every percentile of intake, by itself and for all of them at once.

    The simultaneous p of a rise at x is the share of draws in which the largest t statistic anywhere is at least that
    at x: t*(x) = d(x) g / (s sqrt(d V dᵀ)), d the derivative of the basis, g ~ N(0, V) and s² a chi-square over its
    residual df. That of a fall is the same by symmetry.

    Returns
    -------
    percentile, x, slope (log odds per unit), std_error, p_falling, p_rising, p_falling_simultaneous,
    p_rising_simultaneous, with their Monte Carlo errors in columns of the name and ``_error``; draws.
    """
    curve = curve_on(set_out(people, study))
    x = np.quantile(curve.eligible, POINTS)
    found, largest = _slopes(curve, x), _largest(curve, x, draws=draws, seed=seed)
    numbers = {
        "percentile": 100 * POINTS, "x": x, "slope": found.slope, "std_error": found.std_error,
        "p_falling": found.p_falling, "p_rising": found.p_rising,
    }  # fmt: skip
    for name, sign in (("falling", -1.0), ("rising", 1.0)):
        above = draws - np.searchsorted(largest, sign * found.statistic, side="left")
        p = (1 + above) / (1 + draws)
        numbers |= {f"p_{name}_simultaneous": p}
        numbers |= {f"p_{name}_simultaneous_error": np.array([share_error(float(one), draws) for one in p])}
    return pd.DataFrame(numbers).assign(draws=draws)


def _slopes(curve: FittedCurve, x: Array) -> Slopes:
    derivative, index = curve.spline.derivative(x), curve.index
    vcov = curve.fit.vcov[np.ix_(index, index)]
    variance = np.einsum("ij,jk,ik->i", derivative, vcov, derivative)
    return Slopes(x, derivative @ curve.fit.beta[index], np.sqrt(variance), curve.fit.residual_df)


def _largest(curve: FittedCurve, x: Array, *, draws: int, seed: int) -> Array:
    """Largest t statistic of the slopes in each draw without any slope, ascending."""
    derivative, vcov = curve.spline.derivative(x), curve.fit.vcov[np.ix_(curve.index, curve.index)]
    scale = np.sqrt(np.diag(vcov))
    root = np.linalg.cholesky(vcov / np.outer(scale, scale)) * scale[:, None]
    rows = derivative @ root
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    generator, df = np.random.Generator(np.random.PCG64(seed)), curve.fit.residual_df
    normal = generator.standard_normal((draws, rows.shape[1]))
    return np.sort(np.max(normal @ rows.T, axis=1) / np.sqrt(generator.chisquare(df, draws) / df))
