"""Two questions about the ends of a curve, and where the ends are.

"Falls, then rises" is about slopes: the curve falls at its low end and rises at its high end. It is the protocol's.
"Both ends higher than the middle" is about levels: the odds at the 5th and at the 95th percentile of intake against
those at the median. It is weaker: a curve that falls, rises a little and then stays flat has both ends higher, and does
not rise at its end. Each is an intersection-union test, whose p-value is the larger of its two one-sided ones. The
second question, and other ends than the protocol's for the first, were added after the first results were known.

Slope and level are linear in the coefficients, so that all of them, d beta with errors sqrt(d V dᵀ), come from one
product of rows d with one fit.

References
----------
Berger 1982, Technometrics 24:295-300 (intersection-union tests). Lind & Mehlum 2010, Oxf Bull Econ Stat 72:109-118.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipy.special

from analysis.stats.arrays import Array
from analysis.stats.order import sorted_quantiles
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.verdict import ALPHA, FittedCurve

Question = Literal["falls, then rises", "both ends higher than the middle"]
LevelsVerdict = Literal["both ends higher", "not shown"]
BOTH_HIGHER, NOT_HIGHER = get_args(LevelsVerdict)

QUESTIONS: tuple[Question, ...] = get_args(Question)
FALLS_THEN_RISES, ENDS_HIGHER = QUESTIONS

ENDS = (RANGE, (0.10, 0.90), (0.15, 0.85), (0.20, 0.80))
"""Quantiles of intake at which the end slopes are asked for; the first are the protocol's. A spline is linear beyond
its outer knots, so that a slope far out is that of a tail of few people."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Odds at two exposures against those at a third between them.

    Attributes
    ----------
    log_or_low, log_or_high : log odds ratios of the low and of the high exposure.
    p_low, p_high : one-sided p-values, t on the residual df, that they are above zero.
    """

    log_or_low: float
    log_or_high: float
    p_low: float
    p_high: float

    @property
    def p_value(self) -> float:
        """The larger of the two."""
        return max(self.p_low, self.p_high)

    @property
    def verdict(self) -> LevelsVerdict:
        """Higher if the intersection-union p-value is below 0.05."""
        return BOTH_HIGHER if self.p_value < ALPHA else NOT_HIGHER


@dataclass(frozen=True, slots=True)
class EndTests:
    """Slopes at each of `ENDS`, and levels at the first of them against the median.

    Attributes
    ----------
    slopes_p : for each of `ENDS` the larger p-value of a fall at its low and of a rise at its high end.
    levels : the log odds ratios and their p-values.
    """

    slopes_p: tuple[float, ...]
    levels: Levels


def levels(curve: FittedCurve, *, low: float, high: float, middle: float) -> Levels:
    """Test that the odds at ``low`` and at ``high`` are above those at ``middle``.

    Parameters
    ----------
    curve : a fitted spline.
    low, high, middle : exposures, in its unit.
    """
    log_or, p = _above_zero(curve, _contrast(curve, low, high, middle))
    return Levels(float(log_or[0]), float(log_or[1]), float(p[0]), float(p[1]))


def end_tests(curve: FittedCurve) -> EndTests:
    """Both questions of one fit, at every pair of ends, in one pass over coefficients and covariance."""
    at = sorted_quantiles(curve.ordered, np.array([*(low for low, _ in ENDS), 0.5, *(high for _, high in ENDS)]))
    low, middle, high = at[: len(ENDS)], at[len(ENDS)], at[-len(ENDS) :]
    slopes = curve.spline.derivative(np.concatenate([low, high]))
    slopes[: len(ENDS)] *= -1  # a fall at the low end
    rows = np.vstack([_contrast(curve, low[0], high[0], middle), slopes])
    found, p = _above_zero(curve, rows)
    slopes_p = np.maximum(p[2 : 2 + len(ENDS)], p[2 + len(ENDS) :])
    height = Levels(float(found[0]), float(found[1]), float(p[0]), float(p[1]))
    return EndTests(tuple(float(one) for one in slopes_p), height)


def ends_name(ends: tuple[float, float]) -> str:
    """A pair of ends as it stands in the name of a column: p10_p90."""
    return "_".join(f"p{100 * end:.0f}" for end in ends)


def _contrast(curve: FittedCurve, low: float, high: float, middle: float) -> Array:
    basis = curve.spline.basis(np.array([low, high, middle]))
    return np.asarray(basis[:2] - basis[2])


def _above_zero(curve: FittedCurve, rows: Array) -> tuple[Array, Array]:
    """Rows times the spline's coefficients, and one-sided p-values, t on the residual df, that they are above zero."""
    index = curve.index
    found, vcov = rows @ curve.fit.beta[index], curve.fit.vcov[np.ix_(index, index)]
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", rows, vcov, rows))
    return found, np.asarray(scipy.special.stdtr(curve.fit.residual_df, -found / std_error))
