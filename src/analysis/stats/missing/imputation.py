"""Multiple imputation by chained equations with predictive mean matching, and Rubin's rules under a survey design.

Each variable in turn is regressed on all others and on the complete predictors in a bootstrap sample of the people who
have it; whoever lacks it takes the observed value of one of the nearest people by prediction. A category is regressed
as its indicators and matched on their vector, so that only levels that somebody has are imputed and no separation can
occur. Design variables, weight, outcome and the terms of the analysis belong among the predictors: then the imputation
is no less rich than the analysis and the weights need not enter its regressions.

Matching cannot reach beyond what somebody has: where a value is missing so steeply that hardly anybody near has it, the
estimates lean towards those of the others and their intervals are too narrow.

statsmodels' MICE draws from numpy's global generator, cannot be handed one, and knows categories as numbers only; so
the chain is written out here. Imputed values are never data of the variance: each completed sample has its design-based
covariance, and the spread between the samples is added to their mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import scipy.linalg
import scipy.spatial

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.sample.design import DesignError

DONORS = 5
ITERATIONS = 5
"""Rounds of a chain, as R's ``mice`` has them."""

RIDGE = 1e-8
"""Share of the diagonal that is added to it: two columns that are alike share a coefficient."""


def impute(variables: Sequence[Array], predictors: Array, *, imputations: int, seed: int = 1) -> Iterator[list[Array]]:
    """Completed versions of variables that are missing for some people.

    Parameters
    ----------
    variables : each an (n, c) float array, one column for a number, indicators of all levels but the first for a
        category; a person who lacks it has NaN in all its columns.
    predictors : (n, p) float array, complete, without an intercept.
    imputations : m.
    seed : of numpy's PCG64.

    Yields
    ------
    The variables, completed, m times; each chain starts anew.

    Raises
    ------
    DesignError : predictors that are incomplete, or a variable that fewer than 20 people have.
    """
    missing = [np.isnan(variable[:, 0]) for variable in variables]
    if not np.all(np.isfinite(predictors)):
        raise DesignError("a predictor of the imputation is missing for somebody: expected them complete.")
    if any(np.sum(~gap) < 4 * DONORS for gap in missing):
        raise DesignError(f"a variable is known of fewer than {4 * DONORS} people: expected enough to impute from.")
    spread = predictors.std(axis=0)
    fixed = (predictors - predictors.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    order = np.argsort([gap.sum() for gap in missing], kind="stable")
    generator = np.random.Generator(np.random.PCG64(seed))
    for _ in range(imputations):
        filled = [_start(variable, gap, generator) for variable, gap in zip(variables, missing, strict=True)]
        for _ in range(ITERATIONS):
            for place in order:
                if missing[place].any():
                    others = [filled[other] for other in range(len(filled)) if other != place]
                    X = np.hstack([np.ones((len(fixed), 1)), fixed, *others])
                    donors = _matched(X, variables[place], missing[place], generator)
                    filled[place][missing[place]] = variables[place][donors]
        yield [variable.copy() for variable in filled]


def _start(variable: Array, gap: Bools, generator: np.random.Generator) -> Array:
    filled = variable.copy()
    filled[gap] = variable[generator.choice(np.flatnonzero(~gap), int(gap.sum()))]
    return filled


def _matched(X: Array, variable: Array, gap: Bools, generator: np.random.Generator) -> Integers:
    """Positions of the people whose values are taken, one for each gap."""
    known = np.flatnonzero(~gap)
    sample = generator.choice(known, known.size)
    drawn, fitted = _least_squares(X[sample], variable[sample]), _least_squares(X[known], variable[known])
    near = scipy.spatial.KDTree(X[known] @ fitted).query(X[gap] @ drawn, k=DONORS)[1]
    return known[near[np.arange(len(near)), generator.integers(DONORS, size=len(near))]]


def _least_squares(X: Array, y: Array) -> Array:
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += RIDGE * (1 + np.diag(gram))
    return np.asarray(scipy.linalg.solve(gram, X.T @ y, assume_a="pos"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pooled(Discreet):
    """Estimates of several completed samples as one.

    Attributes
    ----------
    estimate, vcov : (p,) and (p, p), the mean, and T = U + (1 + 1/m) B.
    within, between : (p, p) mean design-based covariance U, and covariance of the estimates B.
    df : (p,) degrees of freedom of Barnard and Rubin, never more than the design's.
    imputations : m.
    complete_df : degrees of freedom without missing values, the design's.
    """

    estimate: Array
    vcov: Array
    within: Array
    between: Array
    df: Array
    imputations: int
    complete_df: int

    @property
    def mc_error(self) -> Array:
        """(p,) Monte Carlo errors of the estimates: sqrt(B/m)."""
        return np.asarray(np.sqrt(np.diag(self.between) / self.imputations))

    def test(self, index: Integers) -> tuple[float, float, float]:
        """F, its second degrees of freedom and p that some coefficients are zero (Li, Raghunathan and Rubin's D1).

        F = bᵀ U⁻¹ b/(k (1 + r)), r = (1 + 1/m) tr(B U⁻¹)/k. The second degrees of freedom are theirs, and at most the
        design's residual ones.
        """
        k, m = len(index), self.imputations
        U, B, b = self.within[np.ix_(index, index)], self.between[np.ix_(index, index)], self.estimate[index]
        scale = np.sqrt(np.diag(U))
        inverse = np.linalg.inv(U / np.outer(scale, scale)) / np.outer(scale, scale)
        r = (1 + 1 / m) * float(np.trace(B @ inverse)) / k
        statistic = float(b @ inverse @ b) / (k * (1 + r))
        t = k * (m - 1)
        df = np.inf if r == 0 else 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
        df = min(df, float(self.complete_df))
        return statistic, df, float(scipy.stats.f.sf(statistic, k, df))


def combine(estimates: Array, vcovs: Array, *, complete_df: int) -> Pooled:
    """Rubin's rules.

    Parameters
    ----------
    estimates, vcovs : (m, p) and (m, p, p), of the completed samples, design-based.
    complete_df : residual degrees of freedom of each.

    Raises
    ------
    DesignError : fewer than two completed samples, or shapes that disagree.
    """
    m, p = estimates.shape
    if m < 2 or vcovs.shape != (m, p, p):
        raise DesignError(f"estimates {estimates.shape}, covariances {vcovs.shape}: expected (m, p) and (m, p, p), m "
                          "at least 2.")  # fmt: skip
    within, between = vcovs.mean(axis=0), np.atleast_2d(np.cov(estimates, rowvar=False))
    vcov = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * np.diag(between) / np.diag(vcov)
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    df = 1 / (1 / old + 1 / observed)
    return Pooled(estimates.mean(axis=0), vcov, within, between, df, m, complete_df)
