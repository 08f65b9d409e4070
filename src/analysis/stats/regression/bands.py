"""Simultaneous bands: the critical value with which a whole curve is covered, not each of its points.

A pointwise 95 % band covers every single point of a curve in 95 % of samples and the whole curve in fewer. The sup-t
band has the same shape with a larger critical value, and covers the whole curve in 95 %.

References
----------
Montiel Olea & Plagborg-Møller 2019, J Appl Econom 34:1-17 (sup-t band). Genz & Bretz 2009, Computation of Multivariate
Normal and t Probabilities (radius integrated exactly, directions by quasi-random points). Checked against R
``mvtnorm::qmvt`` in tests/reference.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

from analysis.stats.arrays import Array
from analysis.stats.sample.design import DesignError

DIRECTIONS = 1024
"""Directions in each scramble of the Sobol sequence; a power of two keeps its balance."""

SCRAMBLES = 8
"""Independent scrambles: their spread is the numerical error."""

PRECISION = 1e-6
"""Absolute tolerance of the root: below the error of the integration."""

NO_WIDTH = 1e-9
"""A point whose standard error is this share of the largest, or less, has no width: it is the reference."""

NO_DIRECTION = 1e-10
"""Eigenvalues of the correlation matrix below this share of the largest are rounding."""


@dataclass(frozen=True, slots=True)
class CriticalValue:
    """What a standard error is multiplied by to cover all points of a curve at once.

    Attributes
    ----------
    value : critical value, between ``pointwise`` and Scheffé's sqrt(rank F).
    error : standard error of ``value`` from the quasi-random integration; 0 where it is exact.
    pointwise : the t quantile that covers one point.
    points : points of positive width.
    rank : dimension in which the points vary; a curve of q coefficients has at most q.
    df : degrees of freedom, infinite for the normal distribution.
    conf_level : probability with which all points are covered.
    """

    value: float
    error: float
    pointwise: float
    points: int
    rank: int
    df: float
    conf_level: float


def sup_t_critical_value(vcov: Array, *, df: float, conf_level: float = 0.95) -> CriticalValue:
    """Critical value c of the sup-t band: P(max_j |t_j| <= c) = conf_level.

    t is multivariate t with the correlations of ``vcov``. In ``rank`` dimensions t_j = rho r_j·u, with unit vectors
    r_j, u a uniform direction and rho²/rank an F on rank and df, so that P = E_u[F_cdf(c² / (rank max_j (r_j·u)²))]:
    the radius is integrated exactly, and only the direction by quasi-random points. Seeds are fixed: the same
    covariance gives the same value.

    Parameters
    ----------
    vcov : (m, m) float array, covariance of the m points, L V Lᵀ. Points of no width (the reference) are left out.
    df : of the multivariate t, ``residual_df`` for coefficients; ``numpy.inf`` for the normal distribution.
    conf_level : level of the band.

    Returns
    -------
    CriticalValue

    Raises
    ------
    DesignError : a covariance that is not square, finite and of some width, a df that is not positive, or a level
        outside 0 to 1.

    Examples
    --------
    Of one point it is the usual quantile, of independent points that of the largest:

    >>> import numpy as np
    >>> f"{sup_t_critical_value(np.eye(1), df=np.inf).value:.2f}"
    '1.96'
    >>> f"{sup_t_critical_value(np.eye(2), df=np.inf).value:.2f}"
    '2.24'
    """
    _check(vcov, df, conf_level)
    unit = _unit_vectors(vcov)
    points, rank = unit.shape
    pointwise = _t_quantile((1 + conf_level) / 2, df)
    if rank == 1:
        return CriticalValue(pointwise, 0.0, pointwise, points, rank, df, conf_level)
    along = _directions(rank) @ unit.T
    np.abs(along, out=along)  # in place: a second matrix of this size costs more than the product itself
    reach = along.max(axis=1).reshape(SCRAMBLES, DIRECTIONS)
    scheffe = float(np.sqrt(_radius_quantile(conf_level, rank, df)))
    bonferroni = _t_quantile(1 - (1 - conf_level) / (2 * points), df)
    highest = min(bonferroni, scheffe)
    found, error = _solve(conf_level, reach, rank, df, bracket=(0.95 * pointwise, 1.05 * highest))
    # The bounds are exact; a value beyond them is numerical error.
    value = float(np.clip(found, pointwise, highest))
    return CriticalValue(value, error, pointwise, points, rank, df, conf_level)


def simultaneous_limits(estimate: Array, std_error: Array, *, critical: CriticalValue) -> tuple[Array, Array]:
    """Lower and upper limits estimate ± c std_error, which cover all points at once.

    Parameters
    ----------
    estimate, std_error : (m,) float arrays on the scale on which the estimates are normal (log odds, logits).
    critical : from their covariance, `sup_t_critical_value`.

    Returns
    -------
    Two (m,) float arrays; both equal the estimate where the standard error is zero.
    """
    half = critical.value * std_error
    return estimate - half, estimate + half


def _check(vcov: Array, df: float, conf_level: float) -> None:
    if vcov.ndim != 2 or vcov.shape[0] != vcov.shape[1] or not np.all(np.isfinite(vcov)):
        raise DesignError(f"covariance {vcov.shape}: expected a square matrix without missing values.")
    if not np.any(np.diag(vcov) > 0):
        raise DesignError("no point of the curve has a positive variance: expected one beside the reference.")
    if not df > 0 or not 0 < conf_level < 1:
        raise DesignError(f"df={df}, conf_level={conf_level}: expected df above 0 and a level between 0 and 1.")


def _unit_vectors(vcov: Array) -> Array:
    """(points, rank) rows of length 1 whose inner products are the correlations."""
    std_error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    wide = std_error > NO_WIDTH * std_error.max()
    correlation = vcov[np.ix_(wide, wide)] / np.outer(std_error[wide], std_error[wide])
    eigenvalues, vectors = np.linalg.eigh(correlation)
    kept = eigenvalues > NO_DIRECTION * eigenvalues[-1]
    unit = vectors[:, kept] * np.sqrt(eigenvalues[kept])
    return unit / np.linalg.norm(unit, axis=1, keepdims=True)


@cache
def _directions(rank: int) -> Array:
    """(SCRAMBLES * DIRECTIONS, rank) uniform directions, the scrambles one after the other."""
    scrambles = (scipy.stats.qmc.Sobol(rank - 1, rng=np.random.default_rng(seed)) for seed in range(SCRAMBLES))
    directions = _on_sphere(np.vstack([sobol.random(DIRECTIONS) for sobol in scrambles]))
    directions.flags.writeable = False
    return directions


def _on_sphere(uniform: Array) -> Array:
    """Unit vectors from rank - 1 uniforms each: coordinate by coordinate, the last two by their angle.

    One dimension fewer than normalised Gaussians need, and smoother: in three dimensions a tenth of their error.
    """
    rank = uniform.shape[1] + 1
    vectors = np.empty((len(uniform), rank))
    left = np.ones(len(uniform))
    for k in range(rank - 2):
        centred = 2 * uniform[:, k] - 1
        # Of what is left, the square of the next coordinate is a beta variable.
        share = scipy.special.betaincinv(0.5, (rank - 1 - k) / 2, np.abs(centred))
        vectors[:, k] = left * np.sign(centred) * np.sqrt(share)
        left = left * np.sqrt(1 - share)
    angle = 2 * np.pi * uniform[:, -1]
    vectors[:, -2], vectors[:, -1] = left * np.cos(angle), left * np.sin(angle)
    return vectors


def _coverage(c: float, reach: Array, rank: int, df: float) -> Array:
    """(SCRAMBLES,) probability that all points lie within c, by scramble."""
    squared = (c / reach) ** 2
    if np.isinf(df):
        return np.asarray(scipy.special.chdtr(rank, squared).mean(axis=1))
    return np.asarray(scipy.special.fdtr(rank, df, squared / rank).mean(axis=1))


def _solve(
    conf_level: float, reach: Array, rank: int, df: float, *, bracket: tuple[float, float]
) -> tuple[float, float]:
    """Root of the mean coverage and its standard error over scrambles.

    The root of one scramble is so near that of all that one Newton step from it is exact to far below the error.
    """
    near = scipy.optimize.brentq(lambda c: _coverage(c, reach[:1], rank, df)[0] - conf_level, *bracket, xtol=PRECISION)
    step = 1e-4 * near
    covered = _coverage(near, reach, rank, df)
    slope = (_coverage(near + step, reach, rank, df) - covered).mean() / step
    root = near - (covered.mean() - conf_level) / slope
    return float(root), float(covered.std(ddof=1) / np.sqrt(SCRAMBLES) / slope)


def _radius_quantile(conf_level: float, rank: int, df: float) -> float:
    """Quantile of rho², the squared length of a multivariate t in rank dimensions."""
    if np.isinf(df):
        return float(scipy.stats.chi2.ppf(conf_level, rank))
    return float(rank * scipy.stats.f.ppf(conf_level, rank, df))


def _t_quantile(probability: float, df: float) -> float:
    return float(scipy.stats.norm.ppf(probability) if np.isinf(df) else scipy.stats.t.ppf(probability, df))
