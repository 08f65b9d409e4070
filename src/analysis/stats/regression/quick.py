"""Many different survey-weighted logistic regressions under one design.

A model costs a few passes over its (m, p) matrix: the linear predictor, the fitted probabilities, the score and the
information, 2 m p (p + 2) floating-point operations a pass. The first passes, which only have to come near, are done in
single precision; the last ones, and everything that is reported, in double. Rows are taken in the order of their PSUs,
so that totals of PSUs are sums of neighbours. A model that the quick way does not settle is given to
`analysis.stats.regression.fit.fit_logistic`, which settles it or says why there is no estimate; so a fit is never
missing
without its reason.

References
----------
The equations are those of `analysis.stats.regression.fit.fit_logistic`, to which a test holds each fit.
"""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtri

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.estimable import check_rows
from analysis.stats.regression.fit import LogisticFit, fit_logistic, logistic_deviance
from analysis.stats.regression.refits import Floats, expit_in_place
from analysis.stats.regression.settling import Settling
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, between_psu

ROUGH_STEPS = 10
NEAR = 0.3
"""Length in standard errors of a step in single precision after which the next would be about a hundredth of it."""

FINE_STEPS = 12
"""Steps in double precision with the last information, each of which wins as many digits as that one was right to."""

SETTLED = 1e-11
"""What may be left after the last step, in standard errors, for totals that are right to ten digits; see
`analysis.stats.regression.settling`."""

WELL_CONDITIONED = 1e-5
"""Smallest share of a column's length left beside the others for which the normal equations keep ten digits."""

WELL_CONDITIONED_ROUGHLY = 1e-2
"""The same for normal equations in single precision of which two digits are wanted."""

LARGEST_SCRATCH = 2**24
"""Bytes of an array that a thread keeps for its next fit; a larger one is worth its fresh memory."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Regression(Discreet):
    """One logistic regression of a domain.

    Attributes
    ----------
    X : (m, p) float array with its intercept; as every regression here, the domain's rows only.
    y : (m,) float array of 0 and 1.
    domain : the rows it is about, m of them.
    terms : p names.
    """

    X: Array
    y: Array
    domain: Domain
    terms: tuple[str, ...]

    def without(self, terms: tuple[str, ...]) -> "Regression":
        """The same regression without some of its terms."""
        kept = [position for position, term in enumerate(self.terms) if term not in terms]
        return Regression(self.X[:, kept], self.y, self.domain, tuple(self.terms[position] for position in kept))


def fit_quickly(model: Regression, design: SurveyDesign) -> LogisticFit:
    """Fit one model the quick way, or carefully where that does not settle.

    Parameters
    ----------
    model, design : what to fit.

    Raises
    ------
    DesignError, ConvergenceError : as `analysis.stats.regression.fit.fit_logistic`.
    """
    return _fit(model, design, people_of(model.domain, design), None)


def fit_in_turn(
    models: Iterable[Regression], design: SurveyDesign, *, eta: Array | None = None
) -> list[LogisticFit | AnalysisError]:
    """Fit models one after another, each starting from the one before, if it is of the same domain.

    Parameters
    ----------
    models, design : what to fit; a generator keeps only one matrix in memory.
    eta : (m,) linear predictor of a model of the same people that is similar to the first, to start near.

    Returns
    -------
    A fit a model, or the error that says why there is none.
    """
    domain, people = None, None
    found: list[LogisticFit | AnalysisError] = []
    for model in models:
        if people is None or model.domain is not domain:
            eta = eta if people is None else None
            domain, people = model.domain, people_of(model.domain, design)
        try:
            fit = _fit(model, design, people, eta)
        except AnalysisError as error:
            found.append(error)
            continue
        eta = model.X @ fit.beta
        found.append(fit)
    return found


class _Scratch(threading.local):
    """Arrays that the fits of a thread write over again: fresh memory costs more than the arithmetic done on it."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, npt.DTypeLike], npt.NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike = float) -> npt.NDArray[Any]:
        """An array of arbitrary content, valid until the thread asks for the same name and dtype again."""
        size = math.prod(shape)
        held = self._held.get((name, dtype))
        if held is None or held.size < size:
            held = np.empty(size, dtype)
            if held.nbytes <= LARGEST_SCRATCH:
                self._held[name, dtype] = held
        return held[:size].reshape(shape)


scratch = _Scratch()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class People(Discreet):
    """The rows of a domain in the order of their PSUs.

    Attributes
    ----------
    order : (m,) positions in the domain, PSU by PSU; None where the domain has them so already.
    weights : (m,) weights of mean 1, in this order.
    psu, starts : which PSUs have people in the domain, ascending, and where each one's begin in this order.
    """

    order: Integers | None
    weights: Array
    psu: Integers
    starts: Integers

    def placed(self, values: Array) -> Array:
        """Values of the domain's people along the last axis, in this order."""
        return values if self.order is None else np.take(values, self.order, axis=-1)

    def totals(self, values: Array, n_psu: int) -> Array:
        """(n_psu, p) totals of the PSUs of (p, m) values in this order."""
        totals = np.zeros((n_psu, len(values)))
        totals[self.psu] = np.add.reduceat(values, self.starts, axis=1).T
        return totals


@lru_cache(maxsize=16)
def people_of(domain: Domain, design: SurveyDesign) -> People:
    """The rows of a domain; two domains are alike only if they are the same object, so a repeat is a look-up."""
    if domain.rows.shape != design.weights.shape:
        raise DesignError(f"domain of {domain.rows.size} rows: expected {design.weights.size}, those of the design.")
    psu = design.psu_index[domain.rows]
    weights, order = design.weights[domain.rows], None
    if np.any(psu[1:] < psu[:-1]):
        order = np.argsort(psu.astype(np.min_scalar_type(psu.max())), kind="stable")  # short integers sort fastest
        psu, weights = psu[order], weights[order]
    starts = np.flatnonzero(np.diff(psu, prepend=-1))
    return People(order, weights / weights.mean(), psu[starts], starts)


def _fit(model: Regression, design: SurveyDesign, people: People, eta: Array | None) -> LogisticFit:
    """One fit; ``eta`` is the linear predictor of a similar model of the same people, to start near."""
    check_rows(model.X, model.y, model.domain, model.terms)
    quick = _quick_fit(model, design, people, eta)
    if quick is None:
        return fit_logistic(model.X, model.y, design=design, domain=model.domain, terms=model.terms)
    return quick


def _quick_fit(model: Regression, design: SurveyDesign, people: People, eta: Array | None) -> LogisticFit | None:
    """Newton's method; None if anything about the model asks for more care than speed allows."""
    if model.domain.df + 1 - len(model.terms) < 1 or not np.all((model.y == 0) | (model.y == 1)):
        return None
    y = people.placed(model.y)
    X = model.X
    if people.order is not None:
        X = np.take(X, people.order, axis=0, out=scratch.array("rows", X.shape), mode="clip")
    found = _maximise(X, y, people.weights, None if eta is None else people.placed(eta))
    return None if found is None else _result(model, y, design, people, found)


def quick_estimate(X: Array, y: Array, weights: Array, *, eta: Array | None = None) -> Array | None:
    """Coefficients only, (p,), of one weighted logistic regression; None where the quick way does not settle.

    Parameters
    ----------
    X, y, weights : (m, p), (m,) of 0 and 1, (m,) not negative.
    eta : (m,) linear predictor of a similar model, to start near.
    """
    found = _maximise(X, y, weights / weights.mean(), eta)
    return None if found is None else found.rotation @ found.gamma


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Maximum(Discreet):
    """A settled fit in rotated coordinates: Z = rotationᵀ Xᵀ, (p, m), and beta = rotation gamma.

    Z is scratch: it is gone with the thread's next fit.
    """

    Z: Array
    gamma: Array
    rotation: Array


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what runs away is refused
def _maximise(X: Array, y: Array, weights: Array, eta: Array | None) -> _Maximum | None:
    """Newton's method on an (m, p) matrix and weights of mean 1."""
    m, p = X.shape
    rotation = _rotation(X, weights / m)
    if rotation is None:
        return None
    # In rotated coordinates the columns are uncorrelated, which single precision needs: a spline's are nearly alike.
    # One row a column: numpy multiplies along the longer axis.
    Z = np.matmul(rotation.T, X.T, out=scratch.array("Z", (p, m)))
    rough_Z = scratch.array("Z", (p, m), np.float32)
    rough_Z[...] = Z
    rough_y, rough_weights = y.astype(np.float32), weights.astype(np.float32)
    gamma = _start(rough_Z, rough_y, rough_weights) if eta is None else Z @ (weights / m * eta)
    gamma, factor = _rough_steps(rough_Z, rough_y, rough_weights, gamma)
    settling = Settling(SETTLED)
    for _ in range(FINE_STEPS if factor is not None else 0):
        score = Z @ (weights * (y - expit_in_place(gamma @ Z)))
        step, _ = dpotrs(factor, score)
        gamma = gamma + step
        if settling.after(np.sqrt(step @ score)):
            return _Maximum(Z, gamma, rotation)
    return None


def _rotation(X: Array, weights: Array) -> Array | None:
    """Coordinates in which the columns of X are uncorrelated, roughly if that can be told in single precision."""
    rough_X = scratch.array("Z", X.shape, np.float32)
    rough_X[...] = X
    rough_X *= np.sqrt(weights).astype(np.float32)[:, None]
    rotation = inverse_root(np.asarray(rough_X.T @ rough_X, dtype=float), least=WELL_CONDITIONED_ROUGHLY)
    return inverse_root((X * weights[:, None]).T @ X) if rotation is None else rotation


def _start(Z: Floats, y: Floats, weights: Floats) -> Array:
    """Coefficients to second order from the model without columns, whose information is known in these coordinates.

    With share s of y, log odds a of it and d the rest of the linear predictor, mu = s + s(1 - s)[d + (1 - 2s) d²/2].
    """
    m = y.size
    share = float(weights @ y) / m
    if not 0 < share < 1:
        return np.zeros(len(Z))
    step = Z @ (weights * (y - share)) / (m * share * (1 - share))
    bend = Z @ (weights * (step @ Z) ** 2) * ((1 - 2 * share) / (2 * m))
    if bend @ bend < step @ step:  # else the expansion has left its reach
        step = step - bend
    return np.asarray(step + Z @ weights * (np.log(share / (1 - share)) / m), dtype=float)


def _rough_steps(Z: Floats, y: Floats, weights: Floats, gamma: Array) -> tuple[Array, Array | None]:
    """Newton steps in the precision of Z until they are short; the last information's Cholesky factor, or None."""
    for _ in range(ROUGH_STEPS):
        mu = expit_in_place(gamma.astype(Z.dtype) @ Z)
        score = np.asarray(Z @ (weights * (y - mu)), dtype=float)
        factor, failed = dpotrf(weighted_gram(Z, weights * mu * (1 - mu)))
        if failed or not np.all(np.isfinite(score)):
            return gamma, None
        step, _ = dpotrs(factor, score)
        gamma = gamma + step
        if step @ score < NEAR**2:
            return gamma, factor
    return gamma, None


def weighted_gram(Z: Floats, v: Floats) -> Array:
    """Z diag(v) Zᵀ of a (p, m) array and v >= 0, in double precision; symmetric to the digit."""
    half = np.multiply(Z, np.sqrt(v), out=scratch.array("half", Z.shape, Z.dtype))
    return np.asarray(half @ half.T, dtype=float)


def inverse_root(A: Array, *, lengths: Array | None = None, least: float = WELL_CONDITIONED) -> Array | None:
    """R with R Rᵀ = A⁻¹, or None if A is too near singular for normal equations.

    Parameters
    ----------
    A : (p, p) products of columns.
    lengths : (p,) lengths of these columns before something was taken out of them; those of A itself unless given.
    least : share of its length that a column must have beside the ones before it.
    """
    diagonal = A.diagonal()
    if not (diagonal.min() > 0 and np.isfinite(A.sum())):  # also where one is not a number
        return None
    scale = 1 / (np.sqrt(diagonal) if lengths is None else lengths)
    factor, failed = dpotrf(A * scale * scale[:, None])
    if failed or factor.diagonal().min() < least:
        return None
    half, _ = dtrtri(factor)
    return np.asarray(scale[:, None] * half)


def _result(model: Regression, y: Array, design: SurveyDesign, people: People, found: _Maximum) -> LogisticFit | None:
    """What a settled fit says; ``y`` in the order of people."""
    weights, domain = people.weights, model.domain
    Z, gamma, rotation = found.Z, found.gamma, found.rotation
    eta = gamma @ Z
    mu = expit_in_place(eta.copy())
    root = inverse_root(weighted_gram(Z, weights * mu * (1 - mu)))
    if root is None or np.min(mu) <= 0 or np.max(mu) >= 1:
        return None
    naive_root = rotation @ root
    scores = np.multiply(Z, weights * (y - mu), out=scratch.array("half", Z.shape))
    totals = people.totals(scores, design.psu_stratum.size) @ root @ naive_root.T
    return LogisticFit(
        terms=model.terms,
        beta=rotation @ gamma,
        vcov=between_psu(totals, design),
        totals=totals,
        naive_vcov=naive_root @ naive_root.T,
        n=int(y.size),
        n_psu=domain.n_psu,
        n_strata=domain.n_strata,
        deviance=logistic_deviance(y, eta, weights),
        cases=int(y.sum()),
        n_iter=0,
    )
