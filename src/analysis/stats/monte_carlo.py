"""Monte Carlo errors: how far a number that comes from draws would move if it were drawn anew.

They are errors of the computation and say nothing of the sample: more draws make them as small as one likes.

References
----------
Woodruff 1952, J Am Stat Assoc 47:635-646 (error of a quantile by that of the distribution function at it).
"""

import numpy as np

from analysis.stats.arrays import Array
from analysis.stats.order import quantiles


def share_error(share: float, draws: int) -> float:
    """Standard error sqrt(p (1 - p)/n) of a share of n independent draws, or of a p-value that is such a share.

    A share of 0 or 1 has the error 0 by this formula. It gets that of the share half a draw away instead.
    """
    known = min(max(share, 0.5 / draws), 1 - 0.5 / draws)
    return float(np.sqrt(known * (1 - known) / draws))


def quantile_error(values: Array, probability: float) -> float:
    """Standard error of one quantile, see `quantiles_with_errors`."""
    return float(quantiles_with_errors(values, np.array([probability]))[1][0])


def quantiles_with_errors(values: Array, probabilities: Array) -> tuple[Array, Array]:
    """Type-7 quantiles of n independent draws, and their standard errors by binomial order statistics.

    The number of draws below the true quantile is binomial, so its place in the sorted draws is known to within
    s = sqrt(n p (1 - p)) places. The error is half the distance between the draws s places below and above: no density
    has to be estimated. Draws on a grid may give 0.

    Parameters
    ----------
    values : (n,) float array without missing values, n > 1.
    probabilities : (k,) of the quantiles.

    Returns
    -------
    Two (k,) float arrays, in the unit of the values.
    """
    spread = np.sqrt(probabilities * (1 - probabilities) / values.size)
    places = np.clip([probabilities, probabilities - spread, probabilities + spread], 0.0, 1.0)
    found, below, above = quantiles(values, places)
    return found, (above - below) / 2
