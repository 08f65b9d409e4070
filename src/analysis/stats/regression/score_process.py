"""Sup-score test of a survey regression against the best of many columns that it might lack.

A breakpoint does not exist where there is no break, so the best of many has no ordinary null distribution: the t-test
of the winner forgets the losers. Under the null the scores of all candidates are one normal process, and the largest
of them is compared with the largest of draws of that process.

References
----------
Hansen 1996, Econometrica 64:413-430 (parameters that do not exist under the null; the multiplier draws). Binder 1983,
Int Stat Rev 51:279-292 (variance of totals). Checked against a score process written out in R in tests/reference.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet
from analysis.stats.monte_carlo import share_error
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, between_psu

LEVEL = 0.05
"""The p-value is drawn until it is known on which side of this level it lies."""

BATCH = 100_000
MOST_DRAWS = 2_000_000
"""Draws between two looks at the error, and at which drawing ends whatever the error is: some seconds."""

RESOLUTION, SMALLEST = 0.1, 1e-4
"""The error is to be below this share of the p-value and of its distance to the level; a p-value below the smallest
need not be known any better than that one would be."""

CHUNK = 10_000
"""Draws held at a time with all their candidates."""

KNOWN = 1e-9
"""A candidate column is in the model already when less than this share of its length is left beside the others."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupScore(Discreet):
    """Sup-score test of a model against one more column, the best of G candidates.

    Attributes
    ----------
    score, variance : (G,) efficient scores U of the candidates in the smaller model, weights of mean 1, and their
        design-based variances V.
    null : (draws,) largest statistic of each draw of the process without any of the columns. A p-value is known but
        for its Monte Carlo error, `p_error`.
    df : residual degrees of freedom of the model with one column more.
    """

    score: Array
    variance: Array
    null: Array
    df: int

    @property
    def statistic(self) -> float:
        """Largest U²/V."""
        return float(np.max(self.score**2 / self.variance))

    @property
    def p_value(self) -> float:
        """Share of the draws that are as large as the statistic, the sample itself counted as one of them."""
        return self.tail(self.statistic)

    @property
    def p_error(self) -> float:
        """Monte Carlo error of the p-value, see `analysis.stats.monte_carlo.share_error`."""
        return share_error(self.p_value, self.null.size)

    def tail(self, statistic: float) -> float:
        """P-value of another statistic that was maximised over the same candidates, such as a sup-Wald."""
        return float((1 + np.sum(self.null >= statistic)) / (1 + self.null.size))


def sup_score(
    fit: LogisticFit,
    X: Array,
    y: Array,
    columns: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    draws: int | None = None,
    seed: int = 0,
) -> SupScore:
    """Test a logistic regression against the best of many columns that it does not have.

    For candidate column h, s_i = w_i (y_i - mu_i) e_i is the efficient score of a person, e what is left of h after
    projection on X with weights w mu (1 - mu). U = sum_i s_i, V is the covariance of all G of them by `between_psu`,
    and the statistic is the largest U_g²/V_gg. No model but ``fit`` is needed.

    Under the null U is normal with covariance V. Centred PSU totals, times sqrt(n_h/(n_h - 1)), times independent
    normals, and summed, are exactly a draw of N(0, V), so that is what is drawn. V is estimated with few degrees of
    freedom: the largest U_g²/V_gg of a draw is divided by an independent chi²_df/df, so that with one candidate the
    test is the F test on 1 and df. A test holds its size to the nominal one in samples of 30 PSUs.

    Parameters
    ----------
    fit : the smaller model.
    X, y : (m, p) and (m,), what it was fitted to; the domain's rows only.
    columns : (m, G) float array, the candidates.
    design, domain : the whole sample, and the m rows of it the model is about.
    draws : their number. By default as many as it takes, in batches of 100,000, until the Monte Carlo error of the
        p-value is below a tenth of itself (or of 0.0001, if that is more) and of its distance to 0.05, or 2,000,000 are
        drawn. Looking at the error between batches moves the p-value by far less than that error.
    seed : of numpy's PCG64; the same seed gives the same draws, and so the same number of them.

    Returns
    -------
    SupScore

    Raises
    ------
    DesignError : no draws, no candidate or no degree of freedom left, or a candidate that X has already.
    """
    df = fit.residual_df - 1
    if (draws is not None and draws < 1) or columns.shape[1] < 1 or df < 1:
        raise DesignError(f"{draws} draws, {columns.shape[1]} candidates, {df} residual degrees of freedom: expected "
                          "at least one of each.")  # fmt: skip
    weights = design.weights[domain.rows] / design.weights[domain.rows].mean()
    mu = fit.mean(X)
    v = weights * mu * (1 - mu)
    left = columns - X @ (fit.naive_vcov @ ((X * v[:, None]).T @ columns))
    known = np.flatnonzero(v @ left**2 <= KNOWN**2 * (v @ columns**2))
    if known.size:
        raise DesignError(f"candidates {known.tolist()} (from 0) add nothing to {', '.join(fit.terms)}: expected "
                          "columns that the model does not have.")  # fmt: skip
    scores = left * (weights * (y - mu))[:, None]
    totals = design.psu_sums[:, np.flatnonzero(domain.rows)] @ scores
    vcov = between_psu(totals, design)
    score, variance = totals.sum(axis=0), np.diag(vcov).copy()
    process = _NullProcess(vcov, df, seed)
    if draws is not None:
        return SupScore(score, variance, process.draw(draws), df)
    found = SupScore(score, variance, process.draw(BATCH), df)
    while not _resolved(found) and found.null.size < MOST_DRAWS:
        found = SupScore(score, variance, np.append(found.null, process.draw(BATCH)), df)
    return found


def _resolved(found: SupScore) -> bool:
    p = found.p_value
    return found.p_error < RESOLUTION * min(max(p, SMALLEST), abs(p - LEVEL))


class _NullProcess:
    """Draws of U from N(0, V), one after the other from one seed."""

    def __init__(self, vcov: Array, df: int, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))
        self._df = df
        scale = np.sqrt(np.diag(vcov))
        eigenvalues, vectors = scipy.linalg.eigh(vcov / np.outer(scale, scale))
        # The symmetric root is unique; a triangular one, or multipliers of PSUs, would tie the draws to an order.
        self._root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T

    def draw(self, draws: int) -> Array:
        """(draws,) largest U²/V of each."""
        sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
        return np.concatenate([self._largest(size) for size in sizes])

    def _largest(self, draws: int) -> Array:
        normal = self._generator.standard_normal((draws, len(self._root)))
        largest = np.max(np.abs(normal @ self._root), axis=1)
        return np.asarray(largest**2 / (self._generator.chisquare(self._df, draws) / self._df))
