"""When iterations towards an estimate have settled, by the lengths of their steps alone.

Steps of a fixed or slowly changing inverse shrink by some ratio r: after one of length a, the sum of all to come is
a r/(1 - r). It is known before it is gone, which saves the pass that would only confirm it. The ratio taken is the
largest of any two steps one after the other: where a step was not shorter than the one before, nothing shrinks (as when
only rounding is left, in a direction that has no information), and then a step itself must be short.
"""

from typing import Any, TypeAlias

import numpy as np

from analysis.stats.arrays import Array, Bools

Length: TypeAlias = np.floating[Any] | Array


class Settling:
    """Of one iteration, or of several side by side, whether what is left is short."""

    def __init__(self, short: float) -> None:
        """Nothing is known yet; ``short`` is in the unit of the lengths."""
        self._short = short
        self._before: Length | None = None
        self._worst: Length | None = None

    def after(self, length: Length) -> np.bool_ | Bools:
        """Whether less than ``short`` is left after one more step of this length, or of these; not if it is NaN.

        A length is one of numpy's, of which 0/0 is a number; whoever asks says whether numpy warns of it.
        """
        short, before, self._before = length < self._short, self._before, length
        if before is None:
            return short
        ratio = length / before
        self._worst = ratio if self._worst is None else np.maximum(self._worst, ratio)
        return short | (length * self._worst < self._short * (1 - self._worst))
