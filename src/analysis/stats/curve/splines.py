"""Harrell's restricted cubic spline: knots, basis and derivative.

The basis is the truncated power form, linear beyond the outer knots, its non-linear terms divided by
(t_k - t_1)^2 so that they have the unit of x (Hmisc's ``rcspline.eval(norm = 2)``). Its first column is x itself,
which makes the test of non-linearity a test that the other coefficients are zero.

References
----------
Harrell 2015, Regression Modeling Strategies, 2nd ed., section 2.4. The help page of Hmisc's ``rcspline.eval``. Checked
against Hmisc 4.8-0 in tests/reference.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.order import partly_sorted, sorted_quantiles

KNOT_PROBABILITIES: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
}
"""Quantiles at which Harrell (2015, table 2.3) places the knots."""

KnotRule = Literal["harrell", "hmisc"]

HEAPED = 0.05
"""Share of a sample that Hmisc lets tie at one value before it departs from quantiles of everybody."""

FEW = 100
"""Fewer values than this, and Hmisc's outer knots are the `FROM_END`-th from each end."""

ROUNDING = 1e-12
"""Part of a place among the values by which it may miss a whole number; sums of weights and products round so."""

FROM_END = 5
FEWEST_KNOTS = 3
FEWEST_FOR_HMISC = 6
"""Values below which Hmisc places no knots."""


class SplineError(AnalysisError):
    """Knots that cannot carry a restricted cubic spline."""

    exit_code = 5


def place_knots(x: Array, number: int, *, rule: KnotRule = "harrell", weights: Array | None = None) -> Array:
    """Knots of x, at Harrell's quantiles or by Hmisc's rule.

    Quantiles are of type 7 (linear between order statistics) and, without ``weights``, unweighted, so that a change of
    weight does not move the knots. Hmisc's ``rcspline.eval`` places knots at the same quantiles but for three cases:

    - no more than ``number`` + 2 distinct values: the knots are those between the lowest and the highest;
    - 5 % or more tie at the lowest value (or the highest), and at no value between: a knot is the next value, and the
      others are at quantiles of what lies beyond it, evenly spaced from 5 % to 95 % (10 % to 90 % of three knots), or,
      where two are left, at the median and the upper of these;
    - below 100 of the values that quantiles are taken of, the outer ones of them are the 5th from each end, but not
      at an end that has its knot already.

    Quantiles that fall on fewer than three places are taken anew, twice as many as knots and evenly spaced. Places that
    coincide are one knot, so that there may be fewer knots than asked for (seldom more), as in Hmisc.

    Parameters
    ----------
    x : (n,) float array. Exposure of the cohort, before any loss to missing covariates.
    number : 3, 4, 5 or 6.
    rule : ``harrell`` or ``hmisc``; the latter takes no weights.
    weights : (n,) float array for quantiles of the population instead, see `weighted_quantiles`.

    Returns
    -------
    (number,) float array, increasing, in the unit of x; (k,), k >= 3, by Hmisc's rule.

    Raises
    ------
    SplineError : an unknown number of knots, missing values, too few distinct values for distinct knots, or weights
        with Hmisc's rule.

    Examples
    --------
    >>> import numpy as np
    >>> place_knots(np.arange(101.0), 4).round(6).tolist()
    [5.0, 35.0, 65.0, 95.0]
    """
    if number not in KNOT_PROBABILITIES:
        raise SplineError(f"{number} knots: expected one of {sorted(KNOT_PROBABILITIES)}.")
    if x.size == 0:
        raise SplineError("no values to place knots on: expected at least one observation.")
    if not np.all(np.isfinite(x)):
        raise SplineError(
            f"{count_of(np.sum(~np.isfinite(x)))} values are missing or infinite: expected a number for everybody."
        )
    if rule == "hmisc":
        return _hmisc_knots(x, number, weights)
    places = np.array(KNOT_PROBABILITIES[number])
    knots = _quantiles(x, places) if weights is None else weighted_quantiles(x, weights, places)
    if np.any(np.diff(knots) <= 0):
        raise SplineError(
            f"{number} knots fall on {knots.tolist()}: expected increasing values. The exposure has "
            f"{np.unique(x).size} distinct values or is heaped; place them by Hmisc's rule for ties "
            '(knot_rule="hmisc", --knot-rule hmisc), or study only people who have some.'
        )
    return knots


def _hmisc_knots(x: Array, number: int, weights: Array | None) -> Array:
    """Knots as Hmisc places them."""
    if weights is not None:
        raise SplineError("Hmisc's rule for knots knows no weights: expected none, or Harrell's quantiles.")
    if x.size < FEWEST_FOR_HMISC:
        raise SplineError(f"{x.size} values: Hmisc places knots on {FEWEST_FOR_HMISC} or more; widen the cohort.")
    values, counts = np.unique(x, return_counts=True)
    knots = values[1:-1] if values.size <= number + 2 else np.unique(_beyond_heaps(x, number, values, counts / x.size))
    if knots.size < FEWEST_KNOTS:
        raise SplineError(
            f"{number} knots by Hmisc's rule fall on {knots.tolist()}: expected {FEWEST_KNOTS} places or more. The "
            f"exposure has {values.size} distinct values or is heaped; study only people who have some."
        )
    return knots


def _beyond_heaps(x: Array, number: int, values: Array, shares: Array) -> Array:
    """Knots beyond the values that many tie at; ``shares`` are those of the distinct values, both ascending."""
    heaped = shares >= HEAPED
    low, high = (bool(end) and not heaped[1:-1].any() for end in (heaped[0], heaped[-1]))
    ends = [*values[1:2][:low], *values[-2:-1][:high]]
    inner = np.sort(x[(x > (values[1] if low else -np.inf)) & (x < (values[-2] if high else np.inf))])
    outer, left = KNOT_PROBABILITIES[number][0], number - low - high
    places = {1: np.array([0.5]), 2: np.array([0.5, 1 - outer])}.get(left, np.linspace(outer, 1 - outer, left))
    knots = _quantiles(inner, places)
    if np.unique([*ends, *knots]).size < FEWEST_KNOTS:
        knots = _quantiles(inner, np.linspace(outer, 1 - outer, 2 * number))
        if np.unique([*ends, *knots]).size < FEWEST_KNOTS:
            return np.array([*ends, *knots])
    if inner.size < FROM_END and not (low and high):  # too few for a fifth from an end
        return np.array(ends)
    if inner.size < FEW and not low:
        knots[0] = inner[FROM_END - 1]
    if inner.size < FEW and not high:
        knots[left - 1] = inner[-FROM_END]
    return np.array([*ends, *knots])


def _quantiles(x: Array, probabilities: Array) -> Array:
    """Quantiles of type 7; one whose place among the values is a whole number, up to rounding, is that value itself.

    Otherwise (n - 1) p = 4 - 1e-15 would lie a rounding error from the value, and a knot beside one that is on it.
    """
    place = (x.size - 1) * probabilities
    whole = np.rint(place)
    at_value = np.abs(place - whole) <= ROUNDING * np.maximum(whole, 1)
    ordered = partly_sorted(x, probabilities)
    return np.where(at_value, ordered[whole.astype(np.intp)], sorted_quantiles(ordered, probabilities))


def weighted_quantiles(x: Array, weights: Array, probabilities: Array, *, size: int | None = None) -> Array:
    """Quantiles of type 7 of a sample in which x_i stands for n w_i / sum(w) people, as Hmisc's ``wtd.quantile``.

    With u = 1 + (n - 1) p, the quantile is (1 - (u - ⌊u⌋)) x(⌊u⌋) + (u - ⌊u⌋) x(⌊u⌋ + 1), where x(j) is the lowest
    value up to which the weights, scaled to a sum of n, add up to j. Equal weights give the unweighted quantiles.

    Parameters
    ----------
    x, weights : (n,) float arrays; weights not negative and of positive sum.
    probabilities : (k,) float array between 0 and 1.
    size : n, if a value may stand for several people of positive weight, who have its weight together; then their
        number, and arrays may be of another length.

    Returns
    -------
    (k,) float array, in the unit of x.

    Raises
    ------
    SplineError : weights of another shape, negative, missing or all zero.
    """
    if weights.shape != x.shape or not np.all(np.isfinite(weights)) or np.any(weights < 0) or not weights.sum() > 0:
        raise SplineError(f"weights {weights.shape}: expected {x.shape}, not negative and not all zero.")
    counted = weights > 0
    x, weights = x[counted], weights[counted]
    order = np.argsort(x, kind="stable")
    n = x.size if size is None else size
    reached = np.cumsum(weights[order]) * ((1 + ROUNDING) * n / weights.sum())
    place = 1 + (n - 1) * probabilities
    low = np.maximum(np.floor(place), 1)
    positions = [np.searchsorted(reached, j).clip(max=x.size - 1) for j in (low, np.minimum(low + 1, n))]
    below, above = (x[order][position] for position in positions)
    return np.asarray(below + (place - np.floor(place)) * (above - below))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestrictedCubicSpline(Discreet):
    """A restricted cubic spline with its knots; a new x always re-uses them.

    Attributes
    ----------
    knots : (k,) float array, increasing, k >= 3, in the unit of x.

    Raises
    ------
    SplineError : fewer than three knots, or knots that do not increase.

    Examples
    --------
    >>> import numpy as np
    >>> spline = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0]))
    >>> spline.basis(np.array([0.0, 1.0, 2.0, 3.0])).round(6).tolist()
    [[0.0, 0.0], [1.0, 0.25], [2.0, 1.5], [3.0, 3.0]]
    """

    knots: Array
    _cubes: Array = field(init=False)

    def __post_init__(self) -> None:
        knots = np.array(self.knots, dtype=float)
        if knots.ndim != 1 or knots.size < 3 or not np.isfinite(knots).all() or (knots[1:] <= knots[:-1]).any():
            raise SplineError(f"knots {knots.tolist()}: expected at least three increasing numbers.")
        knots.flags.writeable = False
        object.__setattr__(self, "knots", knots)
        object.__setattr__(self, "_cubes", _weights(knots))

    @property
    def columns(self) -> int:
        """Number of basis columns, k - 1: the linear one and k - 2 non-linear ones."""
        return int(self.knots.size) - 1

    def basis(self, x: Array) -> Array:
        """Basis at x.

        s_j(x) = [ (x-t_j)₊³ - (x-t_{k-1})₊³ (t_k-t_j)/(t_k-t_{k-1})
                   + (x-t_k)₊³ (t_{k-1}-t_j)/(t_k-t_{k-1}) ] / (t_k-t_1)²

        Parameters
        ----------
        x : (n,) float array.

        Returns
        -------
        (n, k - 1) float array: x, s_1(x), ..., s_{k-2}(x).
        """
        x = np.atleast_1d(np.asarray(x, dtype=float))
        beyond = np.maximum(x - self.knots[:, None], 0.0)
        return self._columns(x, beyond * beyond * beyond)  # some ten times as fast as a power

    def cubes(self, beta: Array) -> Array:
        """(k,) coefficients of the truncated cubes (x - t_i)₊³ in the curve of (k - 1,) coefficients of the basis."""
        return np.asarray(beta[1:] @ self._cubes)

    def derivative(self, x: Array) -> Array:
        """First derivative of the basis at x: (n, k - 1) float array, per unit of x."""
        x = np.atleast_1d(np.asarray(x, dtype=float))
        return self._columns(1.0, 3 * np.maximum(x - self.knots[:, None], 0.0) ** 2)

    def _columns(self, linear: Array | float, powers: Array) -> Array:
        """(n, k - 1) the linear column, and the others as sums of the (k, n) powers."""
        rows = np.empty((self.columns, powers.shape[1]))
        rows[0] = linear
        np.matmul(self._cubes, powers, out=rows[1:])
        return rows.T


def _weights(t: Array) -> Array:
    """(k - 2, k) coefficients of the truncated cubes (x - t_i)₊³ in each non-linear term; knots t."""
    k = t.size
    weights = np.eye(k - 2, k)
    weights[:, k - 2] = -(t[-1] - t[:-2]) / (t[-1] - t[-2])
    weights[:, k - 1] = (t[-2] - t[:-2]) / (t[-1] - t[-2])
    return np.asarray(weights / (t[-1] - t[0]) ** 2)
