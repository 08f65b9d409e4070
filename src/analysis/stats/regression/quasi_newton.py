"""Logistic regressions from a start that is near: quasi-Newton steps, first in single precision and then in double.

With rows Z, one a coefficient, and an inverse information H that is nearly right, a step is H Z w (y - mu): a pass over
the data of 4 m p operations. H then changes by what the fall of the score tells (BFGS). Passes in single precision cost
half and come near; with the information there, single as well, two or three in double settle. The last step is followed
to first order, so that no pass only confirms; when that is enough, `analysis.stats.regression.settling` says.

References
----------
Nocedal & Wright 2006, Numerical Optimization, Springer (BFGS).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsymv, dsyr2

from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.quick import SETTLED, WELL_CONDITIONED_ROUGHLY, inverse_root, scratch
from analysis.stats.regression.refits import Floats, expit_in_place
from analysis.stats.regression.settling import Length, Settling

STEPS = 30
"""Passes over the data, of which a regression that is near its neighbours needs less than ten."""

NEAR = 1e-3
"""Last step in single precision, in standard errors: the next one, a tenth to a hundredth of it, is still above what
rounding adds to a score."""

FARTHEST = 25.0
"""Log odds of somebody from which an estimate is taken to be on its way to infinity: one in 10^11."""

AT_ONCE, FEWEST_AT_ONCE, UNPACKED = 3072, 256, 10**6
"""People whose products are summed at a time, most and fewest, and multiplications of them: what is written for them
stays in the cache, and products of this size OpenBLAS multiplies as they are, which takes half as long as to pack them.
"""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Maximum(Discreet):
    """Coefficients on rows Z, and what the last pass over the data found, a short step before them.

    Attributes
    ----------
    gamma, step : (p,) coefficients, and the step that led to them.
    eta, mu, residual : (m,) linear predictor, probability, and weight times outcome less probability, before the step.
    """

    gamma: Array
    step: Array
    eta: Array
    mu: Floats
    residual: Array

    def after_step(self, Z: Array, weights: Array) -> tuple[Array, Array, Array]:
        """Linear predictor, v = w mu (1 - mu) and residual after the step, of whose square nothing is left."""
        moved = self.step @ Z
        change = self.mu * (1 - self.mu) * moved
        mu = self.mu + change
        return self.eta + moved, weights * mu * (1 - mu), self.residual - weights * change


def maximise(
    exactly: tuple[Array, Array, Array], rough: tuple[Floats, Floats, Floats], gamma: Array, inverse: Array, *,
    settled: float = SETTLED,
) -> Maximum | None:  # fmt: skip
    """Coefficients by BFGS from a near inverse of the information; None if they run away.

    Parameters
    ----------
    exactly, rough : rows Z, outcome and weights, and the same in single precision: in it are the first passes, which
        only have to come near, and an information there, which saves as many of those that follow.
    gamma, inverse : where to start.
    settled : what may be left after the last step.
    """
    steps = Steps(gamma, inverse)
    near = steps.settle(*rough, short=NEAR)
    if near is None:
        return None
    rough_Z, _, rough_weights = rough
    steps.know(information_of(rough_Z, rough_weights * near.mu * (1 - near.mu)))
    return steps.settle(*exactly, short=settled)


class Steps:
    """Quasi-Newton steps; where they are and what they know of the inverse information goes on from call to call."""

    def __init__(self, gamma: Array, inverse: Array) -> None:
        self._gamma, self._inverse = gamma.copy(), np.array(inverse, order="F")
        self._step, self._score = np.zeros_like(gamma), np.zeros_like(gamma)

    def know(self, information: Array) -> None:
        """Go on with the inverse of an information in single precision, if it has one."""
        root = inverse_root(information, least=WELL_CONDITIONED_ROUGHLY)
        if root is not None:
            self._inverse[:], self._step = root @ root.T, np.zeros_like(self._step)

    def settle(
        self, Z: Floats, y: Floats, weights: Floats, *, short: float, score: Array | None = None
    ) -> Maximum | None:
        """Take steps in the precision of Z until what is left is short, in standard errors; None if it never is.

        A step by a score that is known already takes no pass. Of such a Newton step, the next is half as much in its
        square as later ones will be: it counts as half as long, so that the ratio of the two is that of those to come.
        """
        settling = Settling(short)
        if score is not None:
            settling.after(self._step_by(score) / 2)
        for _ in range(STEPS):
            eta = self._gamma.astype(Z.dtype) @ Z
            mu = expit_in_place(eta.copy())
            residual = np.subtract(y, mu)
            residual *= weights
            if settling.after(self._step_by((Z @ residual).astype(float))):
                far = max(eta.max(), -eta.min()) >= FARTHEST
                return None if far else Maximum(self._gamma.copy(), self._step, eta, mu, residual)
        return None

    def _step_by(self, score: Array) -> Length:
        """Length of the step that a score asks for, and that is taken, in standard errors."""
        _bfgs(self._inverse, self._step, self._score - score)
        self._step, self._score = dsymv(1.0, self._inverse, score), score
        self._gamma += self._step
        return np.sqrt(self._step @ score)


def information_of(Z: Floats, v: Floats) -> Array:
    """Z diag(v) Zᵀ in half the time of `analysis.stats.regression.quick.weighted_gram`, and symmetric but for rounding.

    That costs a digit where rows are nearly alike: here they are rotated already, or only a rotation is sought.
    """
    p, m = Z.shape
    found, at_once = np.zeros((p, p)), min(m, AT_ONCE, max(FEWEST_AT_ONCE, UNPACKED // p**2))
    weighted = scratch.array("weighted", (p, at_once), Z.dtype)
    for at in range(0, m, at_once):
        rows = Z[:, at : at + at_once]
        found += np.multiply(rows, v[at : at + at_once], out=weighted[:, : rows.shape[1]]) @ rows.T
    return found


def _bfgs(inverse: Array, step: Array, fall: Array) -> None:
    """Change an inverse information, the least that explains by how much the score fell over a step.

    H + (1 + fᵀHf/sᵀf) s sᵀ/sᵀf - (H f sᵀ + s fᵀ H)/sᵀf = H + s uᵀ + u sᵀ with u = (1 + fᵀHf/sᵀf) s/(2 sᵀf) - H f/sᵀf,
    by Broyden, Fletcher, Goldfarb and Shanno; the upper triangle of H, in its own memory.
    """
    curvature = step @ fall
    if not curvature > 0:  # no step yet; rounding, at the end
        return
    turned = dsymv(1.0 / curvature, inverse, fall)
    along = step * ((1 + fall @ turned) / (2 * curvature)) - turned
    dsyr2(1.0, step, along, a=inverse, overwrite_a=True)
