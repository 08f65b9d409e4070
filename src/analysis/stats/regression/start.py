"""Newton's method from zero: where statsmodels starts, so that its dearer iterations are few."""

import numpy as np
import scipy.special

from analysis.stats.arrays import Array
from analysis.stats.regression.blocks import gram, solved, well_conditioned

NEWTON_STEPS = 4
"""Steps from zero that bring a usual model to five digits; one that is on its way is then left to statsmodels."""

LAST_STEPS = 3
"""Steps after these that bring a usual model to all digits, so that statsmodels needs one of its own."""

NEAR, SETTLED = 0.1, 1e-9
"""Largest change of a log odds in the step before one of `LAST_STEPS`; and in a step after which none is worth it."""

UNEQUAL = 1e5
"""Lengths of columns that differ by this much are left to statsmodels' orthogonal decomposition."""


def newton_start(X: Array, y: Array, weights: Array) -> tuple[Array | None, bool]:
    """A start for statsmodels, whose iterations are dearer, None if the steps run away; and whether it is the solution.

    It is where nobody's log odds change any more, no column is nearly redundant, and none is `UNEQUAL` to another.
    """
    beta, eta = np.zeros(X.shape[1]), np.zeros(len(X))
    for number in range(NEWTON_STEPS + LAST_STEPS):
        mu = scipy.special.expit(eta)
        information = gram(X, weights * mu * (1 - mu))
        step = solved(information, X.T @ (weights * (y - mu)))
        change = X @ step
        beta, eta, farthest = beta + step, eta + change, np.max(np.abs(change))
        if not farthest > SETTLED or (number + 1 >= NEWTON_STEPS and farthest > NEAR):
            break
    if not np.all(np.isfinite(beta)):
        return None, False
    lengths = np.sqrt(information.diagonal())
    alike = bool(farthest <= SETTLED and lengths.max() < UNEQUAL * lengths.min())
    return beta, alike and well_conditioned(information)
