"""Logistic regressions of the same people that have most of their columns in common, and a few of their own.

Specifications of one question differ in how the exposure enters, in two to four columns, and share a score of others.
Here the common ones are made ready once. With one column a row, let C be the (q, m) common columns and V the diagonal
of v = w mu (1 - mu) at a regression that is near all of them. Z = Rᵀ C, with R Rᵀ = (C V Cᵀ)⁻¹, has Z V Zᵀ = I. The
own columns N, (k, m), of one regression are made orthogonal to them and then to each other:

    N' = N - B Z, B = N V Zᵀ,    O = Sᵀ N', S Sᵀ = (N' V N'ᵀ)⁻¹.

So in the coordinates of [Z; O] the information near the solution is nearly the identity. The linear predictor eta of a
neighbour projects on them as [Z; O] V eta, and quasi-Newton steps from the identity (BFGS) settle in some passes over
the data of 4 m (q + k) operations each, without an information in between. It is taken once, at the solution and in
double precision: covariance and influence are those of `analysis.stats.regression.fit.fit_logistic`. Back in the
columns themselves, with g and h the coordinates on Z and O,

    g Z + h O = (g - Bᵀ S h) Z + (S h) N,  so that  b_own = S h,  b_common = R (g - Bᵀ b_own).

What does not settle so, for whatever reason, is fitted by `analysis.stats.regression.quick.fit_quickly`, to which a
test holds each fit, and which says why there is no estimate.
"""

import numpy as np

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array
from analysis.stats.regression.fit import LogisticFit, logistic_deviance
from analysis.stats.regression.quick import (
    SETTLED,
    Regression,
    fit_quickly,
    inverse_root,
    people_of,
    weighted_gram,
)
from analysis.stats.regression.refits import expit
from analysis.stats.sample.design import SurveyDesign, between_psu

STEPS = 30
"""Quasi-Newton steps, of which a regression that is near its neighbours needs less than ten."""

INFORMATION_LEFT = 1e-2
"""Smallest root of the share of the start's information that any coordinate keeps at the solution: on the way to an
infinite estimate nothing is left of it."""

WELL_APART = 1e-4
"""Smallest share of the length of an own column left beside the common ones for which orthogonality keeps digits."""


class SharedColumns:
    """Common columns of many regressions, made ready; each fit starts from the one before.

    It writes over its own memory, so that it belongs to one thread.
    """

    def __init__(self, base: Regression, design: SurveyDesign, *, eta: Array) -> None:
        """Make columns ready.

        Parameters
        ----------
        base : the regression of the common columns, the intercept first; its domain and outcome are those of all.
        design : the whole sample.
        eta : (m,) linear predictor of a regression that is near.
        """
        self.base, self.design = base, design
        self._people = people_of(base.domain, design)
        self._y = base.y[self._people.order]
        self._eta = eta[self._people.order]
        mu = expit(self._eta.copy())
        self._v = self._people.weights * mu * (1 - mu)
        common = base.X.T[:, self._people.order]
        self._rotation = inverse_root(weighted_gram(common, self._v))
        self._Z = np.empty((0, base.y.size)) if self._rotation is None else self._rotation.T @ common

    def fit(self, own: Array, terms: tuple[str, ...]) -> LogisticFit:
        """Fit the regression of the intercept, own columns and the other common ones, in this order.

        Parameters
        ----------
        own, terms : (m, k) own columns, and their names.

        Raises
        ------
        DesignError, ConvergenceError : as `analysis.stats.regression.quick.fit_quickly`.
        """
        found = self._quick_fit(np.take(own.T, self._people.order, axis=1), terms)
        if found is not None:
            return found
        X = np.hstack([self.base.X[:, :1], own, self.base.X[:, 1:]])
        model = Regression(X, self.base.y, self.base.domain, self._all_terms(terms))
        fit = fit_quickly(model, self.design)
        self._eta = (X @ fit.beta)[self._people.order]
        return fit

    def _all_terms(self, terms: tuple[str, ...]) -> tuple[str, ...]:
        return (self.base.terms[0], *terms, *self.base.terms[1:])

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what runs away is fitted the plain way
    def _quick_fit(self, own: Array, terms: tuple[str, ...]) -> LogisticFit | None:
        names = self._all_terms(terms)
        if self._rotation is None or self.base.domain.df + 1 - len(names) < 1:
            return None
        joined = self._joined(own)
        if joined is None:
            return None
        Z, back = joined
        gamma = _maximise(Z, self._y, self._people.weights, Z @ (self._v * self._eta))
        if gamma is None:
            return None
        order = np.r_[0, len(self._Z) : len(Z), 1 : len(self._Z)]
        return self._result(Z, gamma, back[order], names)

    def _joined(self, own: Array) -> tuple[Array, Array] | None:
        """[Z; O] and the matrix that takes its coordinates to coefficients, common ones first; None if nearly alike."""
        q, p = len(self._Z), len(self._Z) + len(own)
        Z = np.empty((p, own.shape[1]))
        Z[:q] = self._Z
        B = (own * self._v) @ self._Z.T
        rest = own - B @ self._Z
        gram = weighted_gram(rest, self._v)
        length = np.sqrt(gram.diagonal() + np.sum(B * B, axis=1))
        S = inverse_root(gram, lengths=length, least=WELL_APART)
        if S is None or self._rotation is None:
            return None
        np.matmul(S.T, rest, out=Z[q:])
        back = np.zeros((p, p))
        back[:q, :q], back[:q, q:], back[q:, q:] = self._rotation, -self._rotation @ B.T @ S, S
        return Z, back

    def _result(self, Z: Array, gamma: Array, back: Array, terms: tuple[str, ...]) -> LogisticFit | None:
        people, domain = self._people, self.base.domain
        eta = gamma @ Z
        mu = expit(eta.copy())
        information = weighted_gram(Z, people.weights * mu * (1 - mu))
        root = inverse_root(information, lengths=np.ones(len(Z)), least=INFORMATION_LEFT)
        if root is None:
            return None
        naive_root = back @ root
        scores = people.totals(Z * (people.weights * (self._y - mu)), self.design.psu_stratum.size)
        totals = scores @ root @ naive_root.T
        self._eta = eta
        return LogisticFit(
            terms=terms,
            beta=back @ gamma,
            vcov=between_psu(totals, self.design),
            naive_vcov=naive_root @ naive_root.T,
            n=eta.size,
            n_psu=domain.n_psu,
            n_strata=domain.n_strata,
            deviance=logistic_deviance(self._y, eta, people.weights),
            cases=int(self._y.sum()),
            n_iter=0,
            totals=totals,
        )


def _maximise(Z: Array, y: Array, weights: Array, gamma: Array) -> Array | None:
    """Coefficients on rows Z, near whose solution the information is nearly the identity; None if they run away."""
    inverse = np.eye(len(Z))
    score = Z @ (weights * (y - expit(gamma @ Z)))
    for _ in range(STEPS):
        step = inverse @ score
        gamma = gamma + step
        if step @ score < SETTLED**2:
            return gamma
        before, score = score, Z @ (weights * (y - expit(gamma @ Z)))
        inverse = _bfgs(inverse, step, before - score)
    return None


def _bfgs(inverse: Array, step: Array, fall: Array) -> Array:
    """The inverse information changed least of all that explain by how much the score fell over a step.

    H + (1 + fᵀHf/sᵀf) s sᵀ/sᵀf - (H f sᵀ + s fᵀ H)/sᵀf, by Broyden, Fletcher, Goldfarb and Shanno.
    """
    curvature = step @ fall
    if not curvature > 0:  # rounding, at the end
        return inverse
    turned = inverse @ fall
    cross = np.outer(turned, step)
    return np.asarray(
        inverse + np.outer(step, step) * ((1 + fall @ turned / curvature) / curvature) - (cross + cross.T) / curvature
    )


def shared_columns(base: Regression, design: SurveyDesign) -> SharedColumns | None:
    """Common columns made ready at their own regression; None where that has no estimate.

    Parameters
    ----------
    base, design : as of `SharedColumns`.
    """
    try:
        eta = base.X @ fit_quickly(base, design).beta
    except AnalysisError:  # what is wrong with the larger regressions, they say themselves
        return None
    return SharedColumns(base, design, eta=eta)
