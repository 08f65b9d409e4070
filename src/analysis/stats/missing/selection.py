"""Weights for selection: whoever was likely to be missed stands for more people.

A person kept with probability p, given what is known of everybody, stands for 1/p of those eligible. The estimates are
those of everybody if, given that, who is missing is not a matter of the outcome. The weights are taken as known in the
variance, which usually makes it a little too large (Lunceford & Davidian 2004, Stat Med 23:2937-2960).
"""

import numpy as np

from analysis.stats.arrays import Array, Bools
from analysis.stats.regression.quick import quick_estimate
from analysis.stats.sample.design import DesignError

LEAST = 0.05
"""A probability of being kept below which the weight is cut: no one stands for twenty others."""


def selection_probabilities(kept: Bools, X: Array, *, weights: Array) -> Array:
    """Probability of being kept, by a weighted logistic regression on what is known of everybody.

    Parameters
    ----------
    kept : (n,) boolean array.
    X : (n, p) float array, complete, with its intercept.
    weights : (n,) float array, not negative: of everybody eligible.

    Raises
    ------
    DesignError : everybody or nobody is kept, or the regression has no finite estimate.
    """
    if kept.all() or not kept.any():
        raise DesignError("everybody or nobody was kept: expected some of both.")
    beta = quick_estimate(X, kept.astype(float), weights)
    if beta is None:
        raise DesignError("who is kept cannot be predicted by a finite estimate: take columns out.")
    return np.asarray(1 / (1 + np.exp(-(X @ beta))))


def inverse_probability_weights(kept: Bools, X: Array, *, weights: Array) -> Array:
    """Weights w/p of those kept, 0 of the others, (n,); p at least `LEAST`. Parameters as `selection_probabilities`."""
    probabilities = np.maximum(selection_probabilities(kept, X, weights=weights), LEAST)
    return np.where(kept, weights / probabilities, 0.0)
