"""Monte Carlo errors: how far a number that comes from draws would move if it were drawn anew.

They are errors of the computation and say nothing of the sample: more draws make them as small as one likes.

References
----------
Woodruff 1952, J Am Stat Assoc 47:635-646 (error of a quantile by that of the distribution function at it).
"""

import numpy as np

from analysis.stats.arrays import Array


def share_error(share: float, draws: int) -> float:
    """Standard error sqrt(p (1 - p)/n) of a share of n independent draws, or of a p-value that is such a share.

    A share of 0 or 1 has the error 0 by this formula. It gets that of the share half a draw away instead.
    """
    known = min(max(share, 0.5 / draws), 1 - 0.5 / draws)
    return float(np.sqrt(known * (1 - known) / draws))


def quantile_error(values: Array, probability: float) -> float:
    """Standard error of the type-7 quantile of n independent draws, by binomial order statistics.

    The number of draws below the true quantile is binomial, so its place in the sorted draws is known to within
    s = sqrt(n p (1 - p)) places. The error is half the distance between the draws s places below and above: no density
    has to be estimated. Draws on a grid may give 0.

    Parameters
    ----------
    values : (n,) float array without missing values, n > 1.
    probability : of the quantile.
    """
    spread = np.sqrt(probability * (1 - probability) / values.size)
    below, above = np.quantile(values, np.clip([probability - spread, probability + spread], 0.0, 1.0))
    return float((above - below) / 2)
