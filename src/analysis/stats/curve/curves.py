"""A fitted dose-response curve of any form, and its lowest point.

A curve is columns of the exposure with coefficients; which columns is the business of a form, see
`analysis.stats.curve.forms`. The restricted cubic spline, whose lowest point is a root and not a search, has
`analysis.stats.shape.nadir`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import scipy.special

from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet
from analysis.stats.sample.design import DesignError

LOW_POINTS = 401


class Basis(Protocol):
    """Columns of a curve at any exposure."""

    def columns(self, x: Array) -> Array:
        """(k, c) float array for k exposures."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Curve(Discreet):
    """A fitted dose-response curve, log odds ratios against a reference.

    Attributes
    ----------
    basis : what turns an exposure into c columns.
    beta : (c,) float array, log odds.
    vcov : (c, c) float array, design-based covariance.
    df : degrees of freedom of the intervals.
    reference : exposure of odds ratio 1.
    """

    basis: Basis
    beta: Array
    vcov: Array
    df: float
    reference: float

    def contrast(self, x: Array) -> Array:
        """(k, c) columns at x less those at the reference."""
        points = np.append(self.reference, np.asarray(x, dtype=float))
        columns = self.basis.columns(points)
        return np.asarray(columns[1:] - columns[0])

    def log_or(self, x: Array) -> Array:
        """Log odds ratios at x, (k,)."""
        return np.asarray(self.contrast(x) @ self.beta)

    def to_frame(self, x: Array, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Curve with pointwise t intervals: x, log_or, std_error, odds_ratio, conf_low, conf_high (odds ratios)."""
        contrast = self.contrast(x)
        log_or = contrast @ self.beta
        std_error = np.sqrt(np.maximum(np.sum((contrast @ self.vcov) * contrast, axis=1), 0.0))
        half = scipy.special.stdtrit(self.df, (1 + conf_level) / 2) * std_error
        return pd.DataFrame({
            "x": x,
            "log_or": log_or,
            "std_error": std_error,
            "odds_ratio": np.exp(log_or),
            "conf_low": np.exp(log_or - half),
            "conf_high": np.exp(log_or + half),
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class LowPoint:
    """Lowest point of a curve within a range.

    Attributes
    ----------
    x : where it is, in the unit of the exposure.
    log_or : height there, against the curve's reference.
    low, high : the range that was searched.
    interior : it is not an end of the range.
    """

    x: float
    log_or: float
    low: float
    high: float
    interior: bool


def low_point(curve: Curve, *, low: float, high: float) -> LowPoint:
    """Lowest point of any curve between low and high: the best of 401 points, then refined between its neighbours.

    A dip narrower than a 400th of the range could be missed; neither of the forms here can have one.

    Raises
    ------
    DesignError : low is not below high.
    """
    if not low < high:
        raise DesignError(f"lowest point from {low:g} to {high:g}: expected a range that increases.")
    grid = np.linspace(low, high, LOW_POINTS)
    height = curve.log_or(grid)
    at = int(np.argmin(height))
    if at in (0, LOW_POINTS - 1):
        return LowPoint(float(grid[at]), float(height[at]), low, high, interior=False)
    found = scipy.optimize.minimize_scalar(
        lambda x: float(curve.log_or(np.array([x]))[0]),
        bounds=(grid[at - 1], grid[at + 1]),
        method="bounded",
        options={"xatol": 1e-8 * (high - low)},
    )
    return LowPoint(float(found.x), float(found.fun), low, high, interior=True)
