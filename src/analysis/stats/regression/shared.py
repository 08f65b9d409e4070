"""Logistic regressions of the same people that have most of their columns in common, and a few of their own.

Specifications of one question differ in how the exposure enters, in two to four columns, and share a score of others.
Here the common ones are made ready once, and each fit starts from the one before. With one column a row, let C be the
(q, m) common columns and V the diagonal of v = w mu (1 - mu) at the first regression. Z = Rᵀ C, with
R Rᵀ = (C V Cᵀ)⁻¹, has Z V Zᵀ = I. From then on let V be that of the fit before, whose information A = Z V Zᵀ of the
common columns is known. The own columns N, (k, m), of the next one are made orthogonal to Z and then to each other:

    O = Sᵀ (N - B A⁻¹ Z),    B = N V Zᵀ,    S Sᵀ = (N V Nᵀ - B A⁻¹ Bᵀ)⁻¹.

So in the coordinates of [Z; O] the information at the fit before is blocks A and I. One step of iterated least squares
from its linear predictor eta, A⁻¹ Z r and O r with r = V eta + w (y - mu), needs nothing else; quasi-Newton steps go on
from there, see `analysis.stats.regression.quasi_newton`. What is reported rests on the information at the solution:
covariance and influence are those of `analysis.stats.regression.fit.fit_logistic`. Where few people's own columns are
others than in the regression before (a break at somebody's exposure), the next one stays in its coordinates: score and
information at its solution change by what these people had and have. Back in the columns themselves, with g and h the
coordinates on Z and O,

    g Z + h O = (g - A⁻¹ Bᵀ S h) Z + (S h) N,    so that    b_own = S h.

Only the own coefficients are reported, with their covariance and influence: with J the columns of (Z Vs Zᵀ)⁻¹ that
belong to O, Vs at the solution, the influence of person i on b_own is w_i (y_i - mu_i) (J Sᵀ)ᵀ [Z; O]_i.

What does not settle so, for whatever reason, is fitted by `analysis.stats.regression.quick.fit_quickly`, to which a
test holds each fit, and which says why there is no estimate.

References
----------
Lovell 1963, J Am Stat Assoc 58:993-1010 (columns made orthogonal to others leave the coefficients as they are). Binder
1983, Int Stat Rev 51:279-292 (the covariance).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.fit import Fit, LogisticFit
from analysis.stats.regression.quasi_newton import Maximum, Steps, information_of, maximise
from analysis.stats.regression.quick import (
    SETTLED,
    Regression,
    fit_quickly,
    inverse_root,
    people_of,
    scratch,
)
from analysis.stats.regression.refits import expit_in_place
from analysis.stats.sample.design import DesignError, SurveyDesign, between_psu

NEARLY_SETTLED = 1e-9
"""`analysis.stats.regression.quick.SETTLED` of a replicate, of which nobody reads more digits."""

INFORMATION_LEFT = 1e-2
"""Smallest root of the share of the start's information that any coordinate keeps at the solution: on the way to an
infinite estimate nothing is left of it."""

FEW_CHANGED = 0.01
"""Share of the people whose own columns may be others than in the fit before for its information to serve."""

OWN_AT_FIRST = 4
"""Own columns for which there is room from the start: those of a spline of five knots."""

WELL_APART = 1e-4
"""Smallest share of the length of an own column left beside the common ones for which orthogonality keeps digits."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OwnFit(Fit):
    """Some of a survey-weighted logistic regression's coefficients, those of the exposure; beta in log odds.

    Attributes
    ----------
    cases, totals : as those of `LogisticFit`; the totals are those of these coefficients.
    """

    shown = ("n", "cases", "residual_df", "terms")

    cases: int
    totals: Array


def own_part(fit: LogisticFit, terms: tuple[str, ...]) -> OwnFit:
    """Some coefficients of a fit."""
    index = fit.index(terms)
    own = np.ix_(index, index)
    return OwnFit(
        terms=terms,
        beta=fit.beta[index],
        vcov=fit.vcov[own],
        naive_vcov=fit.naive_vcov[own],
        n=fit.n,
        n_psu=fit.n_psu,
        n_strata=fit.n_strata,
        others=len(fit.terms) - len(terms),
        cases=fit.cases,
        totals=fit.totals[:, index],
    )


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
        self._y = self._people.placed(base.y)
        common = self._people.placed(base.X.T)
        self._common = len(common)
        self._start_from(self._people.placed(eta))
        rotation = inverse_root(information_of(common, self._v))
        self._able = rotation is not None
        self._make_room(common if rotation is None else rotation.T @ common, OWN_AT_FIRST)
        self._rough_people = (self._y.astype(np.float32), self._people.weights.astype(np.float32))
        self._root = np.eye(self._common)
        self._last: _Last | None = None

    def fit(self, own: Array, terms: tuple[str, ...]) -> OwnFit:
        """Fit the regression of the intercept, own columns and the other common ones; its own coefficients.

        Parameters
        ----------
        own, terms : (m, k) own columns, and their names.

        Raises
        ------
        DesignError : own columns of other people or names, or as `analysis.stats.regression.quick.fit_quickly`.
        ConvergenceError : as there.
        """
        if own.shape != (self._y.size, len(terms)):
            raise DesignError(f"own columns {own.shape}: expected ({self._y.size}, {len(terms)}), a row for each "
                              "person of the domain and a column for each name.")  # fmt: skip
        found = self._quick_fit(np.array(self._people.placed(own.T), dtype=float), terms)  # kept for the next fit
        if found is not None:
            return found
        X = np.hstack([self.base.X[:, :1], own, self.base.X[:, 1:]])
        model = Regression(X, self.base.y, self.base.domain, (self.base.terms[0], *terms, *self.base.terms[1:]))
        fit = fit_quickly(model, self.design)
        self._start_from(self._people.placed(X @ fit.beta))
        if self._able:
            self._remember(information_of(self._rows[: self._common], self._v))
        return own_part(fit, terms)

    def _make_room(self, Z: Array, own: int) -> None:
        """Rows Z, then those of O of the last fit; the same in single precision."""
        shape = (len(Z) + own, Z.shape[1])
        self._rows, self._roughly = np.empty(shape), np.empty(shape, dtype=np.float32)
        self._rows[: len(Z)] = self._roughly[: len(Z)] = Z

    def _start_from(self, eta: Array) -> None:
        """Let the next fit start from a linear predictor."""
        mu = expit_in_place(eta.copy())
        self._v = self._people.weights * mu * (1 - mu)
        self._response = self._v * eta + self._people.weights * (self._y - mu)

    def _remember(self, information: Array) -> None:
        """Root of the inverse information of Z; where it has none, that of the fit before stays, as good a start."""
        root = inverse_root(information, lengths=np.ones(self._common), least=INFORMATION_LEFT)
        self._root = self._root if root is None else root

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what runs away is fitted the plain way
    def _quick_fit(self, own: Array, terms: tuple[str, ...]) -> OwnFit | None:
        q, p = self._common, self._common + len(own)
        if not self._able or self.base.domain.df + 1 - p < 1:
            return None
        settled = self._settled(own)
        if settled is None:
            return None
        S, found = settled
        Z, weights = self._rows[:p], self._people.weights
        eta, v, residual = found.after_step(Z, weights)
        information = information_of(Z, v)
        root = inverse_root(information, lengths=np.ones(p), least=INFORMATION_LEFT)
        if root is None:
            return None
        self._v, self._response = v, v * eta + residual
        self._root = root[:q, :q]  # triangular, so that of the first columns is its first part
        self._last = _Last(own, S, found.gamma, information, v, residual)
        return self._result(found.gamma, residual, root, S, terms)

    def _settled(self, own: Array) -> tuple[Array, Maximum] | None:
        """S and the maximum with these own columns; of few people changed since the fit before, in its coordinates."""
        q, p = self._common, self._common + len(own)
        y, weights = self._y, self._people.weights
        last, self._last = self._last, None
        if last is not None and (changed := last.changed_in(own)) is not None:
            Z, before = self._rows[:p], self._rows[:p, changed]
            Z[q:, changed] += last.S.T @ (own - last.own)[:, changed]
            begun = last.with_changed(changed, before, Z[:, changed], y[changed], weights[changed])
            if begun is not None:
                steps, score = begun
                found = steps.settle(Z, y, weights, short=SETTLED, score=score)
                return None if found is None else (last.S, found)
        S = self._join(own)
        if S is None:
            return None
        Z, inverse = self._rows[:p], np.eye(p)
        inverse[:q, :q] = self._root @ self._root.T
        self._roughly[q:p] = Z[q:]
        rough = (self._roughly[:p], *self._rough_people)
        found = maximise((Z, y, weights), rough, inverse @ (Z @ self._response), inverse)
        return None if found is None else (S, found)

    def _join(self, own: Array) -> Array | None:
        """Put O beside Z; its S, or None if the own columns are nearly combinations of the common ones."""
        q, p = self._common, self._common + len(own)
        if len(self._rows) < p:
            self._make_room(self._rows[:q], len(own))
        Z = self._rows[:q]
        weighted = own * self._v
        B = (weighted @ Z.T) @ self._root
        gram = weighted @ own.T
        S = inverse_root(gram - B @ B.T, lengths=np.sqrt(gram.diagonal()), least=WELL_APART)
        if S is not None:
            beside = np.matmul(-S.T @ B @ self._root.T, Z, out=self._rows[q:p])
            beside += S.T @ own
        return S

    def _result(self, gamma: Array, residual: Array, root: Array, S: Array, terms: tuple[str, ...]) -> OwnFit:
        """Own coefficients; ``root`` of the inverse information in the coordinates of Z and O."""
        q, people, domain = self._common, self._people, self.base.domain
        p = q + len(terms)
        naive_root = S @ root[q:]
        influence = (naive_root @ root.T) @ self._rows[:p]
        influence *= residual
        totals = people.totals(influence, self.design.psu_stratum.size)
        return OwnFit(
            terms=terms,
            beta=S @ gamma[q:],
            vcov=between_psu(totals, self.design),
            naive_vcov=naive_root @ naive_root.T,
            n=residual.size,
            n_psu=domain.n_psu,
            n_strata=domain.n_strata,
            others=q,
            cases=int(self._y.sum()),
            totals=totals,
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Last(Discreet):
    """A fit that the next one may differ little from: own columns, (k, m), S, and at the solution what passes find."""

    own: Array
    S: Array
    gamma: Array
    information: Array
    v: Array
    residual: Array

    def changed_in(self, own: Array) -> Integers | None:
        """Whose own columns are others now, if they are few."""
        if own.shape != self.own.shape:
            return None
        changed = np.flatnonzero(np.any(own != self.own, axis=0))
        return changed if changed.size <= FEW_CHANGED * own.shape[1] else None

    def with_changed(
        self, changed: Integers, before: Array, after: Array, y: Array, weights: Array
    ) -> tuple[Steps, Array] | None:
        """Where steps start when some people's rows are others, and the score there; None without an information.

        Parameters
        ----------
        changed : (c,) who they are.
        before, after : (p, c) their rows in the coordinates of Z and O.
        y, weights : (c,) theirs.
        """
        mu = expit_in_place(self.gamma @ after)
        score = after @ (weights * (y - mu)) - before @ self.residual[changed]
        gained, lost = (after * (weights * mu * (1 - mu))) @ after.T, (before * self.v[changed]) @ before.T
        root = inverse_root(self.information + gained - lost)
        return None if root is None else (Steps(self.gamma, root @ root.T), score)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReplicatedColumns(Discreet):
    """Common columns of regressions under many sets of replicate factors, a factor a PSU.

    At the full sample's linear predictor eta the information of a replicate, A = sum_psu f_psu A_psu in the common
    columns, is a sum of ready blocks; only the rows and columns of its own columns take a pass over the data. One step
    of iterated least squares from eta, A⁻¹ Z (v eta + w (y - mu)), needs no more: it is where quasi-Newton steps from
    A⁻¹ start. Someone whose factor is zero is left out.

    Attributes
    ----------
    Z : (q, m) common columns, one a row, rotated as above; people in the order of their PSUs.
    y, weights : (m,) outcome, and weights of mean 1.
    v, response : (m,) w mu (1 - mu) and v eta + w (y - mu) at the full sample's linear predictor.
    order : (m,) positions among the people as they were given.
    sizes : (n_psu,) people of each PSU.
    blocks : (n_psu, q (q + 1)) information of every PSU, and its totals of Z times response.
    """

    Z: Array
    y: Array
    weights: Array
    v: Array
    response: Array
    order: Integers
    sizes: Integers
    blocks: Array

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what runs away has no quick estimate
    def estimate(self, own: Array, factor: Array, rows: Integers) -> Array | None:
        """Coefficients of own columns in one replicate; None where they do not settle.

        Parameters
        ----------
        own : (r, k) own columns of ``rows``.
        factor : (n_psu,) of this replicate.
        rows : (r,) of `drawn`.
        """
        q, some = len(self.Z), factor > 0
        of_row = np.repeat(factor[some], self.sizes[some])
        p = q + own.shape[1]
        Z = scratch.array("Z", (p, rows.size))
        np.take(self.Z, rows, axis=1, mode="clip", out=Z[:q])
        Z[q:] = own.T
        A, totals = np.empty((p, p)), np.empty(p)
        of_common = (factor @ self.blocks).reshape(q, q + 1)
        A[:q, :q], totals[:q] = of_common[:, :q], of_common[:, q]
        A[q:], totals[q:] = (Z[q:] * (of_row * self.v.take(rows))) @ Z.T, Z[q:] @ (of_row * self.response.take(rows))
        A[:q, q:] = A[q:, :q].T
        root = inverse_root(A)
        if root is None:
            return None
        inverse = root @ root.T
        weights = of_row * self.weights.take(rows)
        y, rough_Z = self.y.take(rows), scratch.array("single", Z.shape, np.float32)
        rough_Z[...] = Z
        rough = (rough_Z, y.astype(np.float32), weights.astype(np.float32))
        found = maximise((Z, y, weights), rough, inverse @ totals, inverse, settled=NEARLY_SETTLED)
        return None if found is None else found.gamma[q:]

    def drawn(self, factor: Array) -> Integers:
        """Whose factor is not zero, in the order of PSUs: ``order[drawn]`` are their positions as given."""
        return np.flatnonzero(np.repeat(factor > 0, self.sizes))


def replicated_columns(
    X: Array, y: Array, weights: Array, *, psu: Integers, n_psu: int, eta: Array
) -> ReplicatedColumns | None:
    """Common columns made ready for replicates; None where they are nearly alike.

    Parameters
    ----------
    X, y, weights, psu : (m, q) common columns, (m,) of 0 and 1, (m,) not negative, (m,) positions among n_psu PSUs.
    eta : (m,) linear predictor of the full sample's regression.
    """
    order = np.argsort(psu, kind="stable")
    psu, y, eta, weights = psu[order], y[order], eta[order], (weights / weights.mean())[order]
    mu = expit_in_place(eta.copy())
    v = weights * mu * (1 - mu)
    response = v * eta + weights * (y - mu)
    common = np.take(X.T, order, axis=1)
    rotation = inverse_root(information_of(common, v))
    if rotation is None:
        return None
    Z = rotation.T @ common
    ends = np.searchsorted(psu, np.arange(n_psu + 1))
    parts = [(Z[:, a:b], v[a:b], response[a:b]) for a, b in pairwise(ends)]
    blocks = np.stack([np.column_stack([(rows * of_rows) @ rows.T, rows @ r]).ravel() for rows, of_rows, r in parts])
    return ReplicatedColumns(Z, y, weights, v, response, order, np.diff(ends), blocks)


def shared_columns(bases: Sequence[Regression], design: SurveyDesign) -> list[SharedColumns | None]:
    """Sets of common columns, each made ready at the regression of the first; None where that has no estimate.

    Parameters
    ----------
    bases : regressions of the same people, as of `SharedColumns`.
    design : the whole sample.
    """
    try:
        eta = bases[0].X @ fit_quickly(bases[0], design).beta
    except AnalysisError:  # what is wrong with the larger regressions, they say themselves
        return [None] * len(bases)
    return [SharedColumns(base, design, eta=eta) for base in bases]
