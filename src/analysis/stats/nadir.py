"""The shape of a fitted dose-response curve: where it is lowest.

The lowest point of a spline is a feature of the fit, not a threshold: it has no interval here and decides nothing.
"""

from dataclasses import dataclass

import numpy as np

from analysis.stats.splines import Array, RestrictedCubicSpline, SplineError


@dataclass(frozen=True, slots=True)
class Nadir:
    """Lowest point of a curve within a range.

    Attributes
    ----------
    x : where the curve is lowest, in the unit of the exposure.
    log_or : height there, as a log odds ratio against the curve's reference.
    low, high : the range that was searched.
    at_boundary : the lowest point is an end of the range, so the curve has no interior low point.
    """

    x: float
    log_or: float
    low: float
    high: float
    at_boundary: bool


def find_nadir(spline: RestrictedCubicSpline, beta: Array, *, reference: float, low: float, high: float) -> Nadir:
    """Lowest point of the spline curve between low and high, exactly.

    Between two knots the curve is a cubic, so its stationary points are the roots of a quadratic: no grid decides
    where the low point lies.

    Parameters
    ----------
    spline : the basis that was fitted.
    beta : (k - 1,) float array. Coefficients of the basis columns, log odds.
    reference : exposure at which the log odds ratio is zero.
    low, high : range to search, in the unit of x; the studies here use the 5th and 95th percentile.

    Returns
    -------
    Nadir

    Raises
    ------
    SplineError : low is not below high, or a coefficient is not a number.
    """
    if not low < high or not np.all(np.isfinite(beta)):
        raise SplineError(f"lowest point of {np.asarray(beta).tolist()} from {low:g} to {high:g}: expected finite "
                          "coefficients and a range that increases.")  # fmt: skip
    inner = spline.knots[(spline.knots > low) & (spline.knots < high)]
    edges = np.concatenate([[low], inner, [high]])
    stationary = [_stationary_points(spline, beta, a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    candidates = np.concatenate([edges, *stationary])
    height = (spline.basis(candidates) - spline.basis(np.array([reference]))) @ beta
    lowest = int(np.argmin(height))
    x = float(candidates[lowest])
    return Nadir(x=x, log_or=float(height[lowest]), low=low, high=high, at_boundary=x in (low, high))


def _stationary_points(spline: RestrictedCubicSpline, beta: Array, a: float, b: float) -> Array:
    """Roots in (a, b) of the derivative, a quadratic there, from its values at three points."""
    middle = (a + b) / 2
    slope = spline.derivative(np.array([a, middle, b])) @ beta
    # On u = (x - a)/(b - a) the quadratic through three points has these coefficients.
    quadratic = [2 * slope[0] - 4 * slope[1] + 2 * slope[2], -3 * slope[0] + 4 * slope[1] - slope[2], slope[0]]
    roots = np.roots(quadratic)
    u = roots[np.isreal(roots)].real
    return a + (b - a) * u[(u > 0) & (u < 1)]
