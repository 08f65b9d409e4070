"""Quantiles of values that are sorted once and asked often, or asked once and not sorted at all."""

import numpy as np

from analysis.stats.arrays import Array


def sorted_quantiles(values: Array, probabilities: Array | float) -> Array:
    """Type-7 quantiles, to the digit those of ``numpy.quantile``, without its look for order.

    With place g = (n - 1) p, lower neighbour a = x(floor g), upper b and t = g - floor g it is a + t (b - a), or from
    the nearer end b - (1 - t) (b - a).

    Parameters
    ----------
    values : (n,) float array, ascending and without missing values, n > 0.
    probabilities : any shape, between 0 and 1.

    Returns
    -------
    Float array of the shape of probabilities, in the unit of the values.
    """
    place = (values.size - 1) * np.asarray(probabilities, dtype=float)
    below = np.floor(place).astype(np.intp)
    low, high = values[below], values[np.minimum(below + 1, values.size - 1)]
    part, gap = place - below, high - low
    return np.asarray(np.where(part < 0.5, low + gap * part, high - gap * (1 - part)))


def partly_sorted(values: Array, probabilities: Array | float) -> Array:
    """Values of which those that `sorted_quantiles` looks at stand where sorting would put them, the others anywhere.

    Parameters
    ----------
    values : (n,) float array without missing values, n > 0, in any order.
    probabilities : any shape, between 0 and 1.
    """
    if (values[1:] >= values[:-1]).all():  # a tenth of what it takes to see to it
        return values
    below = np.floor((values.size - 1) * np.ravel(probabilities)).astype(np.intp)
    return np.partition(values, np.concatenate([below, np.minimum(below + 1, values.size - 1)]))


def quantiles(values: Array, probabilities: Array | float) -> Array:
    """`sorted_quantiles` of values in any order."""
    return sorted_quantiles(partly_sorted(values, probabilities), probabilities)


def sorted_median(values: Array) -> float:
    """Mean of the two middle values, as ``numpy.median``; values as for `sorted_quantiles`."""
    return float((values[(values.size - 1) // 2] + values[values.size // 2]) / 2)
