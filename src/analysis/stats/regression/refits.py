"""Many survey-weighted logistic fits of one design matrix at once, one for each set of replicate weights.

A replicate changes the weights and nothing else, and within a PSU it usually multiplies them all by one factor. So at
the full-sample estimate the information and the score of every replicate are sums over ready-made blocks, one per PSU:
a first Newton step costs no pass over the data. What remains are a few steps in which the linear predictors, scores and
information of many replicates are one matrix product each.

Floating-point operations of B replicates of an (n, p) matrix, at least: one pass for scores, 4 B n p, and one for the
information, B n p (p + 1); the fastest memory traffic is one reading of the matrix per chunk. The code takes about
three passes for the information, in single precision, where arithmetic is twice as fast and the error is only that of
a step, and three more for scores in double, which decide the estimate. `make bench` measures how close that comes to
the machine's rate of matrix products.

References
----------
The equations are those of `analysis.stats.regression.fit.fit_logistic`, to which a test holds each fit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.parallel import progress_bar
from analysis.stats.regression.estimable import check_rows
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.regression.settling import Settling
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, domain_of

Floats = npt.NDArray[np.floating[Any]]

CHUNK = 64
"""Most replicates at a time: the (n, CHUNK) work arrays of 8,000 people stay within a few megabytes."""

LARGEST = 2**22
"""Entries of such an array; of more people fewer replicates are taken at a time, never less than `FEWEST_AT_ONCE`."""

FEWEST_AT_ONCE = 4

ROUGH_STEPS = 6
NEAR = 0.1
"""Longest step in single precision, in standard errors of the full sample, after which double precision takes over."""

MOST_VARIANCE = 1e4
"""Largest variance of a coordinate, that of the full sample being one: where a replicate has no information, single
precision leaves a variance of some 10^7, and steps that are nothing but rounding."""

FINE_STEPS = 30
TOLERANCE = 1e-11
"""What may be left after the last step, in units in which the full sample's information is the identity: standard
errors, nearly. See `analysis.stats.regression.settling`."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Refits(Discreet):
    """Coefficients of B replicates.

    Attributes
    ----------
    beta : (B, p) float array, log odds; a row that did not converge is NaN.
    converged : (B,) boolean array.
    """

    beta: Array
    converged: Bools

    @property
    def failed(self) -> int:
        """Number of replicates without an estimate."""
        return int(np.sum(~self.converged))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Problem(Discreet):
    """One regression in coordinates where its information at the full-sample estimate is the identity.

    Attributes
    ----------
    Z : (n, p) rotated design matrix; beta = L⁻ᵀ gamma.
    products : (n, p (p + 1) / 2) products of the columns of Z, upper triangle, in single precision.
    y, weights : (n,) outcome, and weights of mean 1.
    unit : (n,) position of each row's factor: of its PSU, or of its row among all.
    start : (p,) full-sample estimate.
    blocks, scores : (n_psu, p, p) and (n_psu, p) information and score of each PSU at it; None if factors are by row.
    """

    Z: Array
    products: Floats
    y: Array
    weights: Array
    unit: Integers
    start: Array
    blocks: Array | None
    scores: Array | None
    L: Array


def refit_logistic(
    X: Array,
    y: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    fit: LogisticFit,
    factors: Array,
    by: Literal["psu", "row"] = "psu",
    progress: str = "",
) -> Refits:
    """Fit the regression of ``fit`` again under every column of replicate factors.

    Solves sum_i f_bi w_i x_i (y_i - mu_i) = 0 for each replicate b, where f_bi is the factor of i or of i's PSU.

    Parameters
    ----------
    X, y, design, domain : what ``fit`` was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    fit : the full-sample fit.
    factors : (n_psu, B) float array, rows in the order of ``design.psu_stratum``, or (n, B) with ``by="row"``, as
        provided weights need, which are not constant within a PSU. Not negative.
    progress : what the bar says when the work takes over a second; none if empty.

    Returns
    -------
    Refits. A replicate that the quick way does not settle is fitted carefully by itself; one whose estimate does not
    exist (separation, a PSU that carried a level) is counted, not hidden.

    Raises
    ------
    DesignError : factors of another shape, negative or not finite.
    """
    expected = design.psu_stratum.size if by == "psu" else design.weights.size
    if factors.ndim != 2 or factors.shape[0] != expected:
        raise DesignError(f"factors {factors.shape}: expected ({expected}, B), a row per {by} of the whole sample.")
    if not np.all(np.isfinite(factors)) or np.any(factors < 0):
        raise DesignError("replicate factors are negative, missing or infinite: expected numbers >= 0.")
    check_rows(X, y, domain, fit.terms)
    problem = _prepare(X, y, design, domain, fit, by)
    at_once = min(CHUNK, max(FEWEST_AT_ONCE, LARGEST // len(y)))
    chunks = [factors[:, at : at + at_once] for at in range(0, factors.shape[1], at_once)]
    solved = []
    with progress_bar(factors.shape[1], unit="fit", progress=progress) as bar:
        for chunk in chunks:
            solved.append(_solve(problem, chunk))
            bar.update(chunk.shape[1])
    gamma = np.vstack([np.empty((0, X.shape[1])), *(part for part, _ in solved)])
    converged = np.concatenate([np.empty(0, dtype=bool), *(settled for _, settled in solved)])
    beta = np.asarray(np.linalg.solve(problem.L.T, gamma.T), dtype=float).T
    for lost in np.flatnonzero(~converged):
        factor = factors[:, lost] if by == "row" else factors[design.psu_index, lost]
        beta[lost], converged[lost] = _alone(X, y, design, domain, fit, factor)
    return Refits(beta, converged)


def _alone(
    X: Array, y: Array, design: SurveyDesign, domain: Domain, fit: LogisticFit, factor: Array
) -> tuple[Array, bool]:
    """One replicate by the careful single fit: NaN where it has no estimate."""
    try:
        replicate = SurveyDesign(strata=design.strata, psu=design.psu, weights=design.weights * factor,
                                 lonely_psu=design.lonely_psu, lonely_domain="keep")  # fmt: skip
        left = domain_of(replicate, domain.rows)  # without those whose weight is zero here
        inside = left.rows[domain.rows]
        beta = fit_logistic(X[inside], y[inside], design=replicate, domain=left, terms=fit.terms).beta
    except AnalysisError:
        return np.full(len(fit.terms), np.nan), False
    return beta, True


def _prepare(X: Array, y: Array, design: SurveyDesign, domain: Domain, fit: LogisticFit, by: str) -> _Problem:
    rows = domain.rows
    weights = design.weights[rows] / design.weights[rows].mean()
    mu = 1 / (1 + np.exp(-(X @ fit.beta)))
    v = weights * mu * (1 - mu)
    L = np.linalg.cholesky((X * v[:, None]).T @ X)
    columns = np.linalg.solve(L, X.T)
    Z = np.ascontiguousarray(columns.T)
    n_psu, psu = design.psu_stratum.size, design.psu_index[rows]
    pairs = list(zip(*np.triu_indices(len(columns)), strict=True))
    products = np.empty((y.size, len(pairs)), dtype=np.float32)  # in double they would be most of what is held
    for position, (j, k) in enumerate(pairs):
        products[:, position] = columns[j] * columns[k]
    in_blocks = (columns[j] * columns[k] * v for j, k in pairs)
    blocks = _unpack(_by_psu(in_blocks, psu, n_psu), len(columns)) if by == "psu" else None
    return _Problem(
        Z=Z,
        products=products,
        y=y,
        weights=weights,
        unit=psu if by == "psu" else np.flatnonzero(rows),
        start=L.T @ fit.beta,
        blocks=blocks,
        scores=_by_psu(columns * (weights * (y - mu)), psu, n_psu) if by == "psu" else None,
        L=L,
    )


def _by_psu(columns: Iterable[Array], psu: Integers, n_psu: int) -> Array:
    """(n_psu, m) totals of m columns."""
    return np.column_stack([np.bincount(psu, column, n_psu) for column in columns])


def _unpack(upper: Array, p: int) -> Array:
    """(m, p, p) symmetric matrices, in double precision, from the rows of their upper triangles."""
    row, column = np.triu_indices(p)
    full = np.empty((len(upper), p, p))
    full[:, row, column] = upper
    full[:, column, row] = upper
    return full


def _solve(problem: _Problem, factors: Array) -> tuple[Array, Bools]:
    """Newton steps for a chunk of replicates: (b, p) rotated coefficients, and which of them settled."""
    gamma = np.tile(problem.start, (factors.shape[1], 1))
    if problem.blocks is not None and problem.scores is not None:
        information = np.tensordot(factors.T, problem.blocks, axes=1)
        gamma = gamma + _steps(_inverses(information), factors.T @ problem.scores)
    weights = factors[problem.unit] * problem.weights[:, None]
    # A replicate on its way to infinity is reported as such.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        gamma, inverses = _rough_steps(problem, weights, gamma)
        settling = Settling(TOLERANCE)
        for _ in range(FINE_STEPS):
            residual = expit_in_place(problem.Z @ gamma.T)
            np.subtract(problem.y[:, None], residual, out=residual)
            residual *= weights
            step = _steps(inverses, residual.T @ problem.Z)
            gamma = gamma + step
            length = np.max(np.abs(step), axis=1)
            settled = np.asarray(settling.after(length))
            if np.all(settled | np.isnan(length)):
                break
    variances = np.diagonal(inverses, axis1=1, axis2=2)
    return gamma, settled & np.all((variances > 0) & (variances < MOST_VARIANCE), axis=1)


def _rough_steps(problem: _Problem, weights: Array, gamma: Array) -> tuple[Array, Array]:
    """Steps in single precision, each with an information of its own; the last one's inverses serve the fine steps."""
    Z, y, weights = problem.Z.astype(np.float32), problem.y.astype(np.float32), weights.astype(np.float32)
    for _ in range(ROUGH_STEPS):
        mu = expit_in_place(Z @ gamma.T.astype(np.float32))
        residual = y[:, None] - mu
        residual *= weights
        mu -= mu * mu
        mu *= weights
        inverses = _inverses(_unpack(mu.T @ problem.products, Z.shape[1]))
        step = _steps(inverses, (residual.T @ Z).astype(float))
        gamma = gamma + step
        if not np.any(np.abs(step) > NEAR):
            break
    return gamma, inverses


def expit_in_place(eta: Floats) -> Floats:
    """1/(1 + exp(-eta)), written over eta: who still needs eta gives a copy."""
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1
    return np.reciprocal(eta, out=eta)


def _steps(inverses: Array, scores: Array) -> Array:
    return np.asarray(np.einsum("bij,bj->bi", inverses, scores))


def _inverses(information: Array) -> Array:
    """Inverses of a stack of matrices; NaN for a replicate whose information is singular."""
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:  # one of them; the others go on
        return np.stack([_inverse(A) for A in information])


def _inverse(A: Array) -> Array:
    try:
        return np.asarray(np.linalg.inv(A))
    except np.linalg.LinAlgError:
        return np.full(A.shape, np.nan)
