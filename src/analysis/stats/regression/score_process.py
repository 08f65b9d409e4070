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
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, between_psu

KNOWN = 1e-9
"""A candidate column is in the model already when less than this share of its length is left beside the others."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupScore(Discreet):
    """Sup-score test of a model against one more column, the best of G candidates.

    Attributes
    ----------
    score, variance : (G,) efficient scores U of the candidates in the smaller model, weights of mean 1, and their
        design-based variances V.
    null : (draws,) largest statistic of each draw of the process without any of the columns.
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
    draws: int = 999,
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
    draws, seed : number of draws, and the seed of numpy's PCG64.

    Returns
    -------
    SupScore

    Raises
    ------
    DesignError : no draws, no candidate or no degree of freedom left, or a candidate that X has already.
    """
    df = fit.residual_df - 1
    if draws < 1 or columns.shape[1] < 1 or df < 1:
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
    return SupScore(totals.sum(axis=0), np.diag(vcov).copy(), _null_draws(vcov, df, draws, seed), df)


def _null_draws(vcov: Array, df: int, draws: int, seed: int) -> Array:
    """Largest U²/V of each draw of U from N(0, V)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    scale = np.sqrt(np.diag(vcov))
    eigenvalues, vectors = scipy.linalg.eigh(vcov / np.outer(scale, scale))
    # The symmetric root is unique; a triangular one, or multipliers of PSUs, would tie the draws to an order of these.
    root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T
    largest = np.max(np.abs(generator.standard_normal((draws, scale.size)) @ root), axis=1)
    return np.asarray(largest**2 / (generator.chisquare(df, draws) / df))
