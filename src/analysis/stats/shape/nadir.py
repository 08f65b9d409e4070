"""The lowest point of a fitted curve: where it is, how well that is known, and how flat the curve is there.

The lowest point of a spline is a feature of the fit: every curve has one. Whether it says anything is a matter of its
interval, of the probability that it lies inside the range at all, and of the intakes that do no worse.

References
----------
Tobias, Armstrong & Gasparrini 2017, Epidemiology 28:72-76 (interval from draws of the coefficients). Rao, Wu & Yue
1992, Surv Methodol 18:209-217 (design bootstrap).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import joblib
import numpy as np
import numpy.typing as npt
import scipy.special

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import (
    KNOT_PROBABILITIES,
    KnotRule,
    RestrictedCubicSpline,
    SplineError,
    place_knots,
    weighted_quantiles,
)
from analysis.stats.disclosure import Discreet
from analysis.stats.monte_carlo import quantiles_with_errors, share_error
from analysis.stats.parallel import in_parallel
from analysis.stats.regression.fit import Fit
from analysis.stats.regression.quick import quick_estimate, scratch
from analysis.stats.regression.shared import ReplicatedColumns, replicated_columns
from analysis.stats.sample.design import DesignError

CHUNK = 25
"""Replicates that a worker is given at a time."""

DRAWS = 10_000
"""Draws of the coefficients: they fix the ends of a 95 % interval to about a fiftieth of its width."""

RANGE = (0.05, 0.95)
"""Quantiles of the exposure between which the lowest point is looked for."""

FLAT_POINTS = 401


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NadirDraws(Discreet):
    """Lowest points of many curves: draws of the coefficients, or replicates of the sample.

    Attributes
    ----------
    method : ``normal`` or ``bootstrap``.
    x : (B,) float array, in the unit of the exposure; NaN for a replicate that gave no curve.
    interior : (B,) boolean array, lowest point inside its range; false where x is NaN.
    fitted : lowest point of the fitted curve itself, where it was looked for with the draws; else NaN.
    """

    method: str
    x: Array
    interior: Bools
    fitted: float = np.nan

    @property
    def failed(self) -> int:
        """Replicates without a curve."""
        return int(np.sum(np.isnan(self.x)))

    @property
    def interior_share(self) -> float:
        """Share of the curves whose lowest point lies inside the range; a failed replicate is none of them."""
        return float(np.divide(np.count_nonzero(self.interior), self.interior.size))

    @property
    def interior_error(self) -> float:
        """Monte Carlo error of `interior_share`, see `analysis.stats.monte_carlo.share_error`."""
        return share_error(self.interior_share, self.x.size)

    def interval(self, conf_level: float = 0.95) -> tuple[float, float]:
        """Percentile interval of the lowest point, ends of the range included."""
        return self.interval_with_errors(conf_level)[0]

    def interval_errors(self, conf_level: float = 0.95) -> tuple[float, float]:
        """Monte Carlo errors of the interval's ends, see `analysis.stats.monte_carlo.quantiles_with_errors`."""
        return self.interval_with_errors(conf_level)[1]

    def interval_with_errors(self, conf_level: float = 0.95) -> tuple[tuple[float, float], tuple[float, float]]:
        """`interval` and `interval_errors` by one partial sort."""
        tail = (1 - conf_level) / 2
        (low, high), (low_error, high_error) = quantiles_with_errors(self._known(), np.array([tail, 1 - tail]))
        return (float(low), float(high)), (float(low_error), float(high_error))

    def _known(self) -> Array:
        known = self.x[np.isfinite(self.x)]
        if known.size < 2:
            raise DesignError(f"{known.size} of {self.x.size} replicates have a curve: expected at least 2.")
        return known


@dataclass(frozen=True, slots=True)
class FlatRange:
    """Exposures whose odds are not distinguishable from the lowest.

    Attributes
    ----------
    low, high : ends of the connected stretch around the nadir.
    open_low, open_high : the stretch reaches the end of the range that was searched.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool


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

    Examples
    --------
    >>> import numpy as np
    >>> from analysis.stats import RestrictedCubicSpline
    >>> spline = RestrictedCubicSpline(np.array([0.0, 1.0, 2.0]))
    >>> found = find_nadir(spline, np.array([-0.75, 1.0]), reference=0.0, low=0.1, high=1.9)
    >>> f"{found.x:.3f}, log odds ratio {found.log_or:.3f}", found.at_boundary
    ('1.000, log odds ratio -0.500', False)
    """
    x, height = find_nadirs(spline, np.atleast_2d(beta), low=low, high=high)
    log_or = float(height[0] - spline.basis(np.array([reference]))[0] @ beta)
    return Nadir(x=float(x[0]), log_or=log_or, low=low, high=high, at_boundary=bool(x[0] in (low, high)))


def find_nadirs(spline: RestrictedCubicSpline, beta: Array, *, low: float, high: float) -> tuple[Array, Array]:
    """Lowest points between low and high of many curves on one spline.

    Parameters
    ----------
    spline, low, high : as for `find_nadir`.
    beta : (B, k - 1) float array.

    Returns
    -------
    (B,) places and (B,) heights, the latter as basis times beta.

    Raises
    ------
    SplineError : as `find_nadir`.
    """
    if not low < high or not np.all(np.isfinite(beta)):
        raise SplineError(f"lowest point of {np.asarray(beta).tolist()[:3]} from {low:g} to {high:g}: expected finite "
                          "coefficients and a range that increases.")  # fmt: skip
    edges, basis, slopes, turns = _pieces(spline, low, high)
    of_curves = (
        np.matmul(rows, beta.T, out=scratch.array(name, (*rows.shape[:-1], len(beta))))
        for name, rows in (("heights", basis), ("slopes", slopes), ("turns", turns))
    )
    return _lowest(edges[:, None], *of_curves)


@lru_cache(maxsize=2)  # of one curve and of its draws
def _pieces(spline: RestrictedCubicSpline, low: float, high: float) -> tuple[Array, Array, Array, Array]:
    """Edges of the cubics between low and high, (E,), basis and its slopes there, (E, k - 1), and `_turns` of these."""
    inner = spline.knots[(spline.knots > low) & (spline.knots < high)]
    edges = np.concatenate([[low], inner, [high]])
    slopes, middle = spline.derivative(edges), spline.derivative((edges[:-1] + edges[1:]) / 2)
    return edges, spline.basis(edges), slopes, _turns(slopes, middle)


def _turns(slopes: Array, middle: Array) -> Array:
    """(2, pieces, ...) slope of the slope at both ends of each piece, times its length, from slopes there and between.

    A slope p u² + q u + r, u from 0 to 1, has q = 4 m - 3 l - h at 0 and 2 p + q = l + 3 h - 4 m at 1, where l, m and h
    are its values at 0, 1/2 and 1.
    """
    low, high = slopes[:-1], slopes[1:]
    return np.stack([4 * middle - 3 * low - high, low + 3 * high - 4 * middle])


def _lowest(edges: Array, heights: Array, slopes: Array, turns: Array) -> tuple[Array, Array]:
    """Lowest points of B curves that are cubic between edges: (B,) places and (B,) heights.

    Parameters
    ----------
    edges : (E, B) or (E, 1), ascending; pieces may be empty.
    heights, slopes : (E, B) at the edges.
    turns : (2, E - 1, B) of `_turns`.
    """
    common, curves = edges.shape[1] == 1, heights.shape[1]
    x, height = np.empty(curves), np.full(curves, np.inf)
    at = _may_rise(slopes, turns)
    u, rise = _low_points(*(array.ravel().take(at) for array in (slopes, *turns)))
    inside = (u > 0) & (u < 1)
    bounds = at.searchsorted(curves * np.arange(len(edges)))
    for piece, (start, end) in enumerate(pairwise(bounds)):
        of, part = at[start:end] - curves * piece, slice(start, end)
        begin = edges[piece] if common else edges[piece].take(of)
        length = (edges[piece + 1] if common else edges[piece + 1].take(of)) - begin
        found = heights[piece].take(of) + length * rise[part]
        lower = np.flatnonzero(inside[part] & (found < height.take(of)))
        of = of.take(lower)
        x[of], height[of] = (begin + length * u[part]).take(lower), found.take(lower)
    outside = np.flatnonzero(heights.min(axis=0) <= height)
    edge = heights[:, outside].argmin(axis=0)
    x[outside], height[outside] = edges[edge, 0 if common else outside], heights[edge, outside]
    return x, height


def _lowest_each(curves: list["_Curve"]) -> tuple[Array, Bools]:
    """Lowest points of curves of knots and range of their own: (B,) places, and (B,) whether they are interior."""
    k = max((curve.spline.knots.size for curve in curves), default=0)
    knots, cubes = np.full((len(curves), k), np.inf), np.zeros((len(curves), k))  # a knot at infinity adds nothing
    for number, curve in enumerate(curves):
        own = curve.spline.knots.size
        knots[number, :own], cubes[number, :own] = curve.spline.knots, curve.spline.cubes(curve.beta)
    linear, low, high = np.array([(curve.beta[0], *curve.range) for curve in curves]).reshape(-1, 3).T
    edges = np.vstack([low, np.clip(knots.T, low, high), high])
    at = np.concatenate([edges, (edges[:-1] + edges[1:]) / 2])
    beyond = np.maximum(at[:, :, None] - knots, 0.0)
    slopes = linear + np.sum(3 * beyond * beyond * cubes, axis=2)
    heights = linear * edges + np.sum(beyond[: len(edges)] ** 3 * cubes, axis=2)
    at_edges, middle = slopes[: len(edges)], slopes[len(edges) :]
    x, _ = _lowest(edges, heights, at_edges, _turns(at_edges, middle))
    return x, (low < x) & (x < high)


def _may_rise(slopes: Array, turns: Array) -> Integers:
    """Which cubics have a slope that may rise through zero between their ends: flat positions, piece by piece.

    Either the slope is below zero at the first end and not at the second; or it turns in between, towards zero first
    and by q²/(4 p) far enough to reach it. Parameters as of `_lowest`.
    """
    falls, down = slopes < 0, turns < 0
    rises = np.ravel(falls[:-1] & ~falls[1:])
    turning = np.flatnonzero(np.ravel((down[0] != falls[:-1]) & (down[0] != down[1])) & ~rises)
    low, q, last = (array.ravel().take(turning) for array in (slopes, *turns))
    rises[turning] = q * q > 2 * (last - q) * low
    return np.flatnonzero(rises)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # a root that does not rise: not in between
def _low_points(low: Array, first: Array, last: Array) -> tuple[Array, Array]:
    """Low points of cubics on an axis on which a piece begins at 0 and ends at 1: where, and how far above that at 0.

    The slope is p u² + q u + r with r ``low``, q ``first`` and p half of ``last`` - ``first``. A cubic is lowest where
    its slope rises through zero, 2 p u + q > 0, and a quadratic does so at one of its roots only: u = (s - q)/(2 p) =
    -2 r/(s + q) with s² = q² - 4 p r, of which the form is taken whose terms have one sign. The height is the integral
    of the slope.
    """
    p, q = (last - first) / 2, first
    s = np.sqrt(q * q - 4 * p * low)
    negative = q < 0
    u = np.where(negative, s - q, -2 * low) / np.where(negative, 2 * p, s + q)
    return u, u * (low + u * (q / 2 + u * (p / 3)))


def draw_nadirs(
    fit: Fit, index: Integers, spline: RestrictedCubicSpline, *, low: float, high: float, seed: int = 1
) -> NadirDraws:
    """Lowest points of curves whose coefficients are drawn from their normal distribution.

    beta_b ~ N(beta, V), V the design-based covariance. The knots stay where they are, so the interval holds the error
    of the curve on its knots and not that of placing them.

    Parameters
    ----------
    fit, index : the regression, and the (k - 1,) positions of the spline's coefficients.
    spline, low, high : as for `find_nadir`.
    seed : of numpy's PCG64, of which `DRAWS` are taken.

    Raises
    ------
    SplineError : as `find_nadir`.
    """
    V = fit.vcov[np.ix_(index, index)]
    scale = np.sqrt(np.diag(V))
    root = np.linalg.cholesky(V / np.outer(scale, scale)) * scale[:, None]
    beta = fit.beta[index][:, None] + root @ _standard_normal(seed, DRAWS, len(index))
    x, _ = find_nadirs(spline, beta.T, low=low, high=high)
    return NadirDraws("normal", x[1:], (x[1:] > low) & (x[1:] < high), float(x[0]))


@lru_cache(maxsize=4)
def _standard_normal(seed: int, draws: int, columns: int) -> Array:
    """(columns, 1 + draws), zero for the estimate itself and then normal: to draw them takes as long as to use them."""
    drawn = np.zeros((columns, 1 + draws))
    drawn[:, 1:] = np.random.Generator(np.random.PCG64(seed)).standard_normal((draws, columns)).T
    drawn.flags.writeable = False
    return drawn


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NadirData(Discreet):
    """What a bootstrap that places the knots anew needs of the sample.

    Attributes
    ----------
    eligible, eligible_psu : (e,) exposures of the cohort, and positions of its people's PSUs: knots and range.
    x, y, adjustment : (m,), (m,) of 0 and 1, (m, q): the domain's rows. The adjustment brings the intercept.
    weights, psu : (m,) survey weights, and positions of PSUs.
    knots : number of knots asked for.
    eligible_weights : (e,) for knots on weighted quantiles, else None.
    knot_rule : by which they are placed; see `analysis.stats.curve.splines.place_knots`.
    """

    eligible: Array
    eligible_psu: Integers
    x: Array
    y: Array
    adjustment: Array
    weights: Array
    psu: Integers
    knots: int
    eligible_weights: Array | None = None
    knot_rule: KnotRule = "harrell"


def bootstrap_nadirs(
    data: NadirData, multiplicities: npt.NDArray[np.integer], *, factors: Array, eta: Array, jobs: int = 1,
    progress: str = "",
) -> NadirDraws:  # fmt: skip
    """Lowest points of curves fitted to bootstrap samples, their knots and range placed anew in each.

    Parameters
    ----------
    data : the sample.
    multiplicities : (n_psu, B) integer array, how often each PSU was drawn: quantiles are those of the people drawn.
    factors : (n_psu, B) float array, what its weights are multiplied by.
    eta : (m,) linear predictor of the full-sample fit, to start near.
    jobs : workers of joblib, threads unless a ``joblib.parallel_config`` says otherwise; no number depends on them.
    progress : what the bar says when the work takes over a second; none if empty.

    Returns
    -------
    NadirDraws. A replicate whose knots coincide, or whose curve has no finite estimate, is NaN.

    Raises
    ------
    DesignError : multiplicities and factors of different shape.
    """
    if multiplicities.shape != factors.shape:
        raise DesignError(f"multiplicities {multiplicities.shape}: expected {factors.shape}, those of the factors.")
    chunks = [slice(start, start + CHUNK) for start in range(0, factors.shape[1], CHUNK)]
    cohort = _sorted(data)
    ready = replicated_columns(data.adjustment, data.y, data.weights, psu=data.psu, n_psu=len(factors), eta=eta)
    tasks = (
        joblib.delayed(_bootstrap_chunk)(data, cohort, ready, multiplicities[:, chunk], factors[:, chunk], eta)
        for chunk in chunks
    )
    found = np.vstack(list(in_parallel(tasks, jobs=jobs, total=factors.shape[1], unit="fit", progress=progress)))
    return NadirDraws("bootstrap", found[:, 0], found[:, 1] == 1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Sorted(Discreet):
    """The cohort in order of exposure, so that no replicate sorts: exposures, PSU positions, weights or None."""

    x: Array
    psu: Integers
    weights: Array | None


def _sorted(data: NadirData) -> _Sorted:
    order = np.argsort(data.eligible, kind="stable")
    weights = None if data.eligible_weights is None else data.eligible_weights[order]
    return _Sorted(data.eligible[order], data.eligible_psu[order], weights)


def _bootstrap_chunk(
    data: NadirData, cohort: _Sorted, ready: ReplicatedColumns | None, drawn: npt.NDArray[np.integer],
    factors: Array, eta: Array,
) -> Array:  # fmt: skip
    """(B, 2) lowest point of each replicate, NaN without a curve, and whether it is interior."""
    curves = [_replicate(data, cohort, ready, drawn[:, b], factors[:, b], eta) for b in range(factors.shape[1])]
    found = np.column_stack([np.full(len(curves), np.nan), np.zeros(len(curves))])
    settled = [number for number, curve in enumerate(curves) if curve is not None]
    found[settled] = np.column_stack(_lowest_each([curve for curve in curves if curve is not None]))
    return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Curve(Discreet):
    """A replicate's spline, its coefficients and the range in which its lowest point is looked for."""

    spline: RestrictedCubicSpline
    beta: Array
    range: tuple[float, float]


def _replicate(
    data: NadirData, cohort: _Sorted, ready: ReplicatedColumns | None, drawn: npt.NDArray[np.integer],
    factor: Array, eta: Array,
) -> _Curve | None:  # fmt: skip
    """Curve of one bootstrap sample; None if its knots coincide or it has no finite estimate."""
    try:
        knots, ends = _places(data, cohort, drawn, factor)
        spline = RestrictedCubicSpline(knots)
    except SplineError:
        return None
    beta = None
    if ready is not None:
        rows = ready.drawn(factor)
        beta = ready.estimate(spline.basis(data.x[ready.order[rows]]), factor, rows)
    if beta is None:
        beta = _plain_estimate(data, spline, factor, eta)
    return None if beta is None else _Curve(spline, beta, ends)


def _plain_estimate(data: NadirData, spline: RestrictedCubicSpline, factor: Array, eta: Array) -> Array | None:
    """The spline's coefficients in one bootstrap sample by a fit of its own; None if it has no finite estimate."""
    rows = np.flatnonzero(factor[data.psu] > 0)
    X = np.hstack([spline.basis(data.x[rows]), data.adjustment[rows]])
    beta = quick_estimate(X, data.y[rows], (data.weights * factor[data.psu])[rows], eta=eta[rows])
    return None if beta is None else beta[: spline.columns]


def _places(
    data: NadirData, cohort: _Sorted, drawn: npt.NDArray[np.integer], factor: Array
) -> tuple[Array, tuple[float, float]]:
    """Knots and range of the people drawn, by type-7 quantiles: the values of the sample written out, not sorted."""
    times = drawn[cohort.psu]
    reached = times.cumsum()
    probabilities = np.array((*KNOT_PROBABILITIES[data.knots], *RANGE))
    place = (reached[-1] - 1) * probabilities
    whole = np.floor(place).astype(np.intp)  # of nobody drawn, places are below zero
    below, above = cohort.x[reached.searchsorted([whole, np.minimum(whole + 1, reached[-1] - 1)], side="right")]
    quantiles = below + (place - whole) * (above - below)
    knots = quantiles[: data.knots]
    if data.knot_rule == "hmisc":
        knots = place_knots(np.repeat(cohort.x, times), data.knots, rule="hmisc")
    elif cohort.weights is not None:
        weights = cohort.weights * factor[cohort.psu]
        knots = weighted_quantiles(cohort.x, weights, probabilities[: data.knots], size=int(times[weights > 0].sum()))
    return knots, (float(quantiles[-2]), float(quantiles[-1]))


def flat_range(
    fit: Fit, index: Integers, spline: RestrictedCubicSpline, nadir: Nadir, *, conf_level: float = 0.95
) -> FlatRange:
    """The stretch around the nadir in which the odds do not differ from the lowest at the given level.

    An exposure belongs to it if the t interval of (basis(x) - basis(nadir)) beta holds zero, the nadir taken as known.

    Parameters
    ----------
    fit, index, spline : as for `draw_nadirs`.
    nadir : of this fit; its range is looked at.
    conf_level : of the intervals.
    """
    x = np.union1d(np.linspace(nadir.low, nadir.high, FLAT_POINTS), [nadir.x])
    contrast = spline.basis(x) - spline.basis(np.array([nadir.x]))
    height = contrast @ fit.beta[index]
    variance = np.einsum("ij,jk,ik->i", contrast, fit.vcov[np.ix_(index, index)], contrast)
    half = scipy.special.stdtrit(fit.residual_df, (1 + conf_level) / 2) * np.sqrt(np.maximum(variance, 0))
    alike = height <= half
    centre = int(np.searchsorted(x, nadir.x))
    below, above = np.flatnonzero(~alike[:centre]), np.flatnonzero(~alike[centre:])
    first = int(below[-1]) + 1 if below.size else 0
    last = centre + int(above[0]) - 1 if above.size else x.size - 1
    return FlatRange(float(x[first]), float(x[last]), not below.size, not above.size)
