"""Usual intake from one recalled day of everybody and a second day of some: a shrinkage estimate of its distribution.

A share of people below a requirement is a tail of the distribution of usual intake. One day's distribution is wider,
by what a person's days differ, so that its tails hold too many. Here every intake is taken to its fourth root, on which
days differ about normally, and drawn towards the mean of people of the same cell until the variance left is the one
between people; the mean over a person's days is then taken back to the original scale.

    s2w   = sum v (y1 - y2 - d)^2 / (2 sum v)      within people, of those with both days, by group
    s2t   = sum w (y1 - m)^2 / sum w               of one day, about its cell's mean m, by group
    k     = max(0, 1 - s2w / s2t)                  share that lies between people
    z     = m + sqrt(k) (y1 - m)
    usual = z^4 + 6 z^2 s2w + 3 s2w^2              mean of (z + e)^4, e normal with variance s2w
"""

from dataclasses import dataclass

import numpy as np

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.sample.design import DesignError

POWER = 4
"""Intakes are analysed as their root of this order; the way back to the mean over days is written for it."""


@dataclass(frozen=True, slots=True)
class TwoDays:
    """How two days of the same people vary and agree.

    Attributes
    ----------
    n : people.
    within : variance of a day within people, half the variance of the difference.
    first, second : variance of each day.
    covariance : of the two days, which is the variance between people if errors are independent.
    """

    n: int
    within: float
    first: float
    second: float
    covariance: float

    @property
    def reliability(self) -> float:
        """Covariance over the variance of the first day: by what a slope on that day is flattened."""
        return self.covariance / self.first

    @property
    def icc(self) -> float:
        """Intraclass correlation: covariance over itself and the variance within people."""
        return self.covariance / (self.covariance + self.within)

    @property
    def correlation(self) -> float:
        """Correlation of the two days."""
        return self.covariance / float(np.sqrt(self.first * self.second))


def two_days(first: Array, second: Array, weights: Array) -> TwoDays:
    """Weighted variances of two days and their covariance, each day about its own mean.

    Parameters
    ----------
    first, second : (n,) float arrays, finite.
    weights : (n,) not negative, not all zero.

    Raises
    ------
    DesignError : values that are no numbers, or nobody with a weight.
    """
    if not np.all(np.isfinite([first, second])):
        raise DesignError("two days of intake: expected finite numbers of both, of everybody.")
    share = _shares(weights)
    one, two = first - share @ first, second - share @ second
    return TwoDays(
        n=int(np.sum(weights > 0)),
        within=float(share @ (one - two) ** 2) / 2,
        first=float(share @ one**2),
        second=float(share @ two**2),
        covariance=float(share @ (one * two)),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UsualIntake(Discreet):
    """Usual intakes, whose distribution is that of the population though no single one is a person's own.

    Attributes
    ----------
    usual : (n,) float array, in the unit of the intake.
    within, total : (groups,) variances on the root scale, within people and of one day.
    reliability : (groups,) share of ``total`` between people.
    """

    usual: Array
    within: Array
    total: Array
    reliability: Array


def usual_intake(
    first: Array,
    second: Array,
    *,
    weights: Array,
    weights_both: Array,
    groups: Integers,
    cells: Integers,
) -> UsualIntake:
    """Usual intake of everybody with a first day.

    Parameters
    ----------
    first : (n,) intake on the first day, not negative.
    second : (n,) intake on the second, read only where ``weights_both`` is positive.
    weights : (n,) of the first day.
    weights_both : (n,) of people with both days; 0 for the others.
    groups : (n,) codes from 0 of the groups that have variances of their own.
    cells : (n,) codes from 0 of the cells, each inside one group, that have a mean of their own.

    Raises
    ------
    DesignError : a negative or missing intake, or a group or cell without weight.
    """
    both = weights_both > 0
    if not np.all(first >= 0) or not np.all(second[both] >= 0):
        wrong = np.sum(~(first >= 0)) + np.sum(~(second[both] >= 0))
        raise DesignError(f"{count_of(wrong)} intakes are negative or missing: expected amounts from 0 on.")
    y = first ** (1 / POWER)
    mean = _means(y, weights, cells)[cells]
    total = _means((y - mean) ** 2, weights, groups)
    within = _within(y, second, weights_both, groups, both)
    reliability = np.maximum(0.0, 1 - within / total)
    z, error = mean + np.sqrt(reliability[groups]) * (y - mean), within[groups]
    return UsualIntake(z**4 + 6 * z**2 * error + 3 * error**2, within, total, reliability)


def _within(y: Array, second: Array, weights_both: Array, groups: Integers, both: Bools) -> Array:
    """Variance within people by group, (groups,)."""
    found = []
    for group in range(int(groups.max()) + 1):
        rows = both & (groups == group)
        found.append(two_days(y[rows], second[rows] ** (1 / POWER), weights_both[rows]).within)
    return np.array(found)


def _means(values: Array, weights: Array, codes: Integers) -> Array:
    """Weighted mean by code, (codes,)."""
    total = np.bincount(codes, weights=weights)
    if np.any(total <= 0):
        raise DesignError(f"group {int(np.argmin(total))} has no weight: expected people in every group and cell.")
    return np.asarray(np.bincount(codes, weights=weights * values) / total)


def _shares(weights: Array) -> Array:
    total = float(np.sum(weights))
    if not total > 0:
        raise DesignError("nobody with both days has a weight: expected people with two recalls in every group.")
    return np.asarray(weights / total)
