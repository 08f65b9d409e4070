"""Simulation extrapolation (SIMEX): more error is added, and what it does is continued to where there is none.

With an error of standard deviation s on the scale g, g(W) = g(T) + s e, draws W_b(lambda) = g⁻¹(g(W) + sqrt(lambda) s
e_b) have (1 + lambda) times its variance. The estimates theta(lambda), means over the draws, are fitted by a polynomial
in lambda and continued to lambda = -1. The extrapolant is part of the method and not of the data: a quadratic
corrects too little, a line less still; both are given. With as much error as signal the quadratic gives back three
quarters of a slope and half of a bend. No library that is kept up has SIMEX for survey-weighted curves,
so the formula is written out here.

The variance is Stefanski and Cook's: the mean of the fits' own variances less the variance between the draws, each
extrapolated in the same way. The error's own uncertainty (s is estimated) is not in it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet
from analysis.stats.sample.design import DesignError

LAMBDAS = (0.0, 0.5, 1.0, 1.5, 2.0)
NO_ERROR = -1.0

Estimator = Callable[[Array], tuple[Array, Array]]
"""(m,) exposures -> (p,) estimates and their (p,) variances."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Extrapolated(Discreet):
    """Estimates without the error.

    Attributes
    ----------
    degree : of the polynomial extrapolant.
    estimate, std_error : (p,); the error is NaN where the extrapolated variance is not positive.
    mc_error : (p,) Monte Carlo errors of the estimates.
    path : (len(LAMBDAS), p) means that were extrapolated.
    """

    degree: int
    estimate: Array
    std_error: Array
    mc_error: Array
    path: Array


def error_variance(first: Array, second: Array, weights: Array) -> float:
    """Variance of one day about a person's mean, from two days on the scale of the error.

    s² = sum w (d - dbar)²/(2 sum w), d the difference of the days, dbar its weighted mean.

    Parameters
    ----------
    first, second, weights : (m,) of the people with both days.
    """
    difference = first - second
    share = weights / weights.sum()
    return float(share @ (difference - share @ difference) ** 2 / 2)


def simex(
    statistic: Estimator, x: Array, *, variance: float, to_scale: Callable[[Array], Array],
    from_scale: Callable[[Array], Array], draws: int, seed: int = 1, degrees: tuple[int, ...] = (1, 2),
) -> dict[int, Extrapolated]:  # fmt: skip
    """Estimates of a statistic of an exposure, continued to no measurement error.

    Parameters
    ----------
    statistic : of (m,) exposures; the same people, covariates and weights every time.
    x : (m,) exposures as measured.
    variance : of the error, on the scale.
    to_scale, from_scale : g and its inverse.
    draws : at each lambda but the first.
    seed : of numpy's PCG64; all lambdas use the same normal numbers.
    degrees : of the extrapolants.

    Returns
    -------
    The result by degree.

    Raises
    ------
    DesignError : a variance that is not positive, or fewer than two draws.
    """
    if not variance > 0 or draws < 2:
        raise DesignError(f"error variance {variance:g}, {draws} draws: expected it positive, and at least 2 draws.")
    generator = np.random.Generator(np.random.PCG64(seed))
    level = to_scale(x)
    plain, plain_variance = statistic(x)
    estimates = np.empty((draws, len(LAMBDAS), plain.size))
    variances = np.empty_like(estimates)
    estimates[:, 0], variances[:, 0] = plain, plain_variance
    for b in range(draws):
        noise = generator.standard_normal(x.size) * np.sqrt(variance)
        for place, step in enumerate(LAMBDAS[1:], start=1):
            estimates[b, place], variances[b, place] = statistic(from_scale(level + np.sqrt(step) * noise))
    return {degree: _continued(estimates, variances, degree) for degree in degrees}


def _continued(estimates: Array, variances: Array, degree: int) -> Extrapolated:
    continuation = _continuation(degree)
    path = estimates.mean(axis=0)
    within = variances.mean(axis=0) - estimates.var(axis=0, ddof=1)
    left = continuation @ within
    by_draw = np.einsum("l,blp->bp", continuation, estimates)
    return Extrapolated(
        degree=degree,
        estimate=continuation @ path,
        std_error=np.sqrt(np.where(left > 0, left, np.nan)),
        mc_error=by_draw.std(axis=0, ddof=1) / np.sqrt(len(by_draw)),
        path=path,
    )


def _continuation(degree: int) -> Array:
    """(len(LAMBDAS),) weights that turn values at the lambdas into the fitted polynomial's value at -1."""
    powers = np.vander(np.array(LAMBDAS), degree + 1)
    return np.asarray(np.vander([NO_ERROR], degree + 1)[0] @ np.linalg.pinv(powers))
