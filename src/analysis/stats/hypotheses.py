"""Tests that several coefficients of a survey regression are zero: Wald F and the Rao-Scott likelihood ratio.

References
----------
Korn & Graubard 1990, Am Stat 44:270 (Wald F). Lumley & Scott 2014, Aust N Z J Stat 56:1-14 (Rao-Scott working
likelihood ratio). Kuonen 1999, Biometrika 86:929-935 (saddlepoint). Checked against R ``survey::regTermTest``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats

from analysis.stats.design import DesignError
from analysis.stats.splines import Array
from analysis.stats.survey import Fit, LogisticFit


@dataclass(frozen=True, slots=True)
class TermTest:
    """Result of a test that a set of coefficients is zero.

    Attributes
    ----------
    method : ``wald`` (statistic is an F) or ``rao_scott`` (statistic is the fall in scaled deviance).
    statistic, df_num, df_den, p_value : df_den is the fit's residual df.
    """

    method: Literal["wald", "rao_scott"]
    statistic: float
    df_num: int
    df_den: int
    p_value: float


def wald_test(fit: Fit, terms: tuple[str, ...]) -> TermTest:
    """Wald F test: F = bᵀ V⁻¹ b / q on q and residual df, b and V the q coefficients and their covariance."""
    index = fit.index(terms)
    b, V = fit.beta[index], fit.vcov[np.ix_(index, index)]
    F = float(b @ _solve_scaled(V, b)) / len(index)
    p_value = float(scipy.stats.f.sf(F, len(index), fit.residual_df))
    return TermTest("wald", F, len(index), fit.residual_df, p_value)


def rao_scott_test(fit: LogisticFit, null: LogisticFit, terms: tuple[str, ...]) -> TermTest:
    """Rao-Scott likelihood-ratio test of ``fit`` against ``null``, the same model without the terms.

    Under the null the fall in deviance is distributed as sum_j lambda_j chi²_1, lambda the eigenvalues of V0⁻¹ V of the
    tested coefficients (V0 the naive covariance, V the design-based one); dividing by an independent chi² on the
    residual df accounts for the estimated V.

    Raises
    ------
    DesignError : the two fits do not rest on the same people, or ``null`` is not ``fit`` without the terms.
    """
    kept = tuple(term for term in fit.terms if term not in terms)
    if null.terms != kept:
        raise DesignError(f"the smaller model has the terms {', '.join(null.terms)}: expected {', '.join(kept)}.")
    if fit.n != null.n or fit.cases != null.cases:
        raise DesignError(f"the two models were fitted to {fit.n} and {null.n} people: expected the same domain.")
    index = fit.index(terms)
    V, V0 = fit.vcov[np.ix_(index, index)], fit.naive_vcov[np.ix_(index, index)]
    eigenvalues = scipy.linalg.eigh(V, V0, eigvals_only=True)
    statistic = null.deviance - fit.deviance
    p_value = f_sum_tail(statistic, eigenvalues, fit.residual_df)
    return TermTest("rao_scott", statistic, len(index), fit.residual_df, p_value)


def f_sum_tail(x: float, eigenvalues: Array, df: int) -> float:
    """P(sum_j lambda_j chi²_1 > x chi²_df / df), by Kuonen's saddlepoint approximation.

    Close to the mean of the distribution, where the saddlepoint formula divides zero by zero, Satterthwaite's F with
    the same first two moments is returned instead, as R's ``pFsum`` does.
    """
    if x <= 0:
        return 1.0
    weights = np.concatenate([eigenvalues, np.full(df, -x / df)])
    weights = weights / weights.max()
    low = 0.99999 / (2 * weights.min())
    high = 0.99999 / 2
    zeta = scipy.optimize.brentq(lambda z: np.sum(weights / (1 - 2 * z * weights)), low, high, xtol=1e-15, rtol=8.9e-16)
    if abs(zeta) < 1e-4:
        mean, second = eigenvalues.mean(), np.mean(eigenvalues**2)
        df_num = eigenvalues.size * mean**2 / second
        return float(scipy.stats.f.sf(x / (df_num * second / mean), df_num, df))
    cumulant = -np.sum(np.log1p(-2 * zeta * weights)) / 2
    curvature = 2 * np.sum((weights / (1 - 2 * zeta * weights)) ** 2)
    w = np.sign(zeta) * np.sqrt(-2 * cumulant)
    v = zeta * np.sqrt(curvature)
    return float(scipy.stats.norm.sf(w + np.log(v / w) / w))


def _solve_scaled(V: Array, b: Array) -> Array:
    """V⁻¹ b after scaling to unit diagonal; spline coefficients differ by orders of magnitude."""
    scale = 1 / np.sqrt(np.diag(V))
    solved = scipy.linalg.cho_solve(scipy.linalg.cho_factor(V * np.outer(scale, scale)), b * scale)
    return np.asarray(solved * scale)
