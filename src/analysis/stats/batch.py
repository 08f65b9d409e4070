"""Many survey-weighted logistic fits of one design matrix at once.

A replicate changes the weights and nothing else, and within a PSU it multiplies them all by one factor. So at the
full-sample estimate the information and the score of every replicate are sums over ready-made blocks, one per PSU: a
first Newton step costs no pass over the data. What remains are a few steps in which the linear predictors, scores and
information of many replicates are one matrix product each.

References
----------
The equations are those of `analysis.stats.survey.fit_logistic`, to which a test holds each fit.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from analysis.stats.design import Bools, DesignError, Domain, Integers, SurveyDesign
from analysis.stats.splines import Array
from analysis.stats.survey import LogisticFit

CHUNK = 64
"""Replicates at a time: the (n, CHUNK) work arrays of 8,000 people stay within a few megabytes."""

REFRESHED = 3
"""Steps in which the information is computed anew; the later ones are so short that the last one serves."""

MAX_STEPS = 40
TOLERANCE = 1e-11
"""Largest last step, in units in which the full sample's information is the identity: standard errors, nearly."""


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """One regression in coordinates where its information at the full-sample estimate is the identity.

    Attributes
    ----------
    Z : (n, p) rotated design matrix; beta = L⁻ᵀ gamma.
    products : (n, p (p + 1) / 2) products of the columns of Z, upper triangle.
    y, weights : (n,) outcome, and weights of mean 1.
    psu : (n,) position of each row's PSU.
    start : (p,) full-sample estimate.
    blocks, scores : (n_psu, p, p) and (n_psu, p) information and score of each PSU at it.
    """

    Z: Array
    products: Array
    y: Array
    weights: Array
    psu: Integers
    start: Array
    blocks: Array
    scores: Array
    L: Array


def refit_logistic(
    X: Array, y: Array, *, design: SurveyDesign, domain: Domain, fit: LogisticFit, factors: Array, jobs: int = 1
) -> Refits:
    """Fit the regression of ``fit`` again under every column of replicate factors.

    Solves sum_i f_bj w_i x_i (y_i - mu_i) = 0 for each replicate b, where f_bj is the factor of i's PSU j.

    Parameters
    ----------
    X, y, design, domain : what ``fit`` was fitted to; see `analysis.stats.survey.fit_logistic`.
    fit : the full-sample fit.
    factors : (n_psu, B) float array, rows in the order of ``design.psu_stratum``, not negative.
    jobs : threads; the heavy steps release Python's lock.

    Returns
    -------
    Refits. A replicate whose estimate does not exist (separation, a PSU that carried a level) is counted, not hidden.

    Raises
    ------
    DesignError : factors of another shape, negative or not finite.
    """
    n_psu = design.psu_stratum.size
    if factors.ndim != 2 or factors.shape[0] != n_psu:
        raise DesignError(f"factors {factors.shape}: expected ({n_psu}, B), a row per PSU of the whole sample.")
    if not np.all(np.isfinite(factors)) or np.any(factors < 0):
        raise DesignError("replicate factors are negative, missing or infinite: expected numbers >= 0.")
    problem = _prepare(X, y, design, domain, fit)
    chunks = [factors[:, at : at + CHUNK] for at in range(0, factors.shape[1], CHUNK)]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        done = list(pool.map(lambda chunk: _solve(problem, chunk), chunks))
    gamma = np.vstack([part for part, _ in done]) if done else np.empty((0, X.shape[1]))
    converged = np.concatenate([ok for _, ok in done]) if done else np.empty(0, dtype=bool)
    beta = np.linalg.solve(problem.L.T, gamma.T).T
    return Refits(np.where(converged[:, None], beta, np.nan), converged)


def _prepare(X: Array, y: Array, design: SurveyDesign, domain: Domain, fit: LogisticFit) -> _Problem:
    rows = domain.rows
    weights = design.weights[rows] / design.weights[rows].mean()
    mu = 1 / (1 + np.exp(-(X[rows] @ fit.beta)))
    v = weights * mu * (1 - mu)
    L = np.linalg.cholesky((X[rows] * v[:, None]).T @ X[rows])
    Z = np.ascontiguousarray(np.linalg.solve(L, X[rows].T).T)
    upper = np.triu_indices(Z.shape[1])
    products = np.ascontiguousarray(Z[:, upper[0]] * Z[:, upper[1]])
    n_psu, psu = design.psu_stratum.size, design.psu_index[rows]
    return _Problem(
        Z=Z,
        products=products,
        y=y[rows],
        weights=weights,
        psu=psu,
        start=L.T @ fit.beta,
        blocks=_unpack(_by_psu(products * v[:, None], psu, n_psu), Z.shape[1]),
        scores=_by_psu(Z * (weights * (y[rows] - mu))[:, None], psu, n_psu),
        L=L,
    )


def _by_psu(values: Array, psu: Integers, n_psu: int) -> Array:
    return np.column_stack([np.bincount(psu, column, n_psu) for column in values.T])


def _unpack(upper: Array, p: int) -> Array:
    """(m, p, p) symmetric matrices from the rows of their upper triangles."""
    row, column = np.triu_indices(p)
    full = np.empty((len(upper), p, p))
    full[:, row, column] = upper
    full[:, column, row] = upper
    return full


def _solve(problem: _Problem, factors: Array) -> tuple[Array, Bools]:
    """Newton steps for a chunk of replicates: (b, p) rotated coefficients, and which of them settled."""
    information = np.tensordot(factors.T, problem.blocks, axes=1)
    gamma = problem.start + _step(information, factors.T @ problem.scores)
    weights = factors[problem.psu] * problem.weights[:, None]
    length = np.full(factors.shape[1], np.inf)
    for number in range(MAX_STEPS):
        mu = problem.Z @ gamma.T
        np.negative(mu, out=mu)
        with np.errstate(over="ignore"):  # a replicate on its way to infinity; it is reported below
            np.exp(mu, out=mu)
        mu += 1
        np.reciprocal(mu, out=mu)
        if number < REFRESHED:
            information = _unpack(((1 - mu) * mu * weights).T @ problem.products, problem.Z.shape[1])
        np.subtract(problem.y[:, None], mu, out=mu)
        mu *= weights
        step = _step(information, mu.T @ problem.Z)
        gamma = gamma + step
        length = np.max(np.abs(step), axis=1)
        if np.all((length < TOLERANCE) | np.isnan(length)):
            break
    return gamma, length < TOLERANCE


def _step(information: Array, score: Array) -> Array:
    """Newton steps; NaN for a replicate whose information is singular."""
    try:
        return np.asarray(np.linalg.solve(information, score[:, :, None])[:, :, 0], dtype=float)
    except np.linalg.LinAlgError:  # one of them; the others go on
        return np.vstack([_single_step(A, b) for A, b in zip(information, score, strict=True)])


def _single_step(information: Array, score: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(information, score), dtype=float)
    except np.linalg.LinAlgError:
        return np.full(score.shape, np.nan)
