"""Linear contrasts of the coefficients of a survey regression, and tests that several of them are zero.

The tests are the Wald F and the Rao-Scott likelihood ratio. A test of interaction is either of them on the product
terms of `product_columns`; a test of trend is that of one term with `group_scores`, or a `trend_contrast`.

References
----------
Korn & Graubard 1990, Am Stat 44:270 (Wald F). Lumley & Scott 2014, Aust N Z J Stat 56:1-14 (Rao-Scott working
likelihood ratio). Kuonen 1999, Biometrika 86:929-935 (saddlepoint). Checked against R ``survey::regTermTest``,
``svycontrast`` and ``multcomp::glht`` in tests/reference.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.special
from scipy.linalg.lapack import dpotrf, dpotrs

from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.regression.fit import Fit, LogisticFit
from analysis.stats.sample.design import DesignError

DEPENDENT = 1e-12
"""A contrast is redundant when less than this share of its variance is left once the others are known."""

NEARLY_DEPENDENT = 1e-6
"""Share of its variance from which a Cholesky factor shows that a contrast is not redundant; it rounds to 1e-15."""


@dataclass(frozen=True, slots=True)
class TermTest:
    """Result of a test that a set of coefficients, or of their contrasts, is zero.

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Contrasts(Discreet):
    """Estimates that are tested and covered by t intervals: contrasts of coefficients or of what follows from them.

    Attributes
    ----------
    labels : m names.
    estimate : (m,) float array.
    vcov : (m, m) float array, design-based covariance.
    df : residual degrees of freedom.
    """

    labels: tuple[str, ...]
    estimate: Array
    vcov: Array
    df: int

    @property
    def std_error(self) -> Array:
        """Standard errors, (m,); zero for a contrast that is known."""
        return np.sqrt(np.maximum(np.diag(self.vcov), 0.0))

    def limits(self, *, conf_level: float = 0.95) -> tuple[Array, Array]:
        """Lower and upper t limits, (m,) each."""
        half = scipy.special.stdtrit(self.df, (1 + conf_level) / 2) * self.std_error
        return self.estimate - half, self.estimate + half

    def to_frame(self, *, conf_level: float = 0.95, exponentiate: bool = False) -> pd.DataFrame:
        """Contrasts with t intervals: term, estimate, std_error, statistic, df, p_value, conf_low, conf_high.

        Parameters
        ----------
        conf_level : level of the intervals.
        exponentiate : give estimate and limits as ratios; std_error and statistic stay on the log scale.

        Returns
        -------
        m rows; a contrast without error (the reference) has no statistic and no p-value.
        """
        std_error = self.std_error
        statistic = np.full(std_error.shape, np.nan)
        np.divide(self.estimate, std_error, out=statistic, where=std_error > 0)
        low, high = self.limits(conf_level=conf_level)
        scale = np.exp if exponentiate else np.asarray
        return pd.DataFrame(
            {
                "term": self.labels,
                "estimate": scale(self.estimate),
                "std_error": std_error,
                "statistic": statistic,
                "df": self.df,
                "p_value": 2 * scipy.special.stdtr(self.df, -np.abs(statistic)),
                "conf_low": scale(low),
                "conf_high": scale(high),
            }
        )

    def joint_test(self) -> TermTest:
        """Wald F test that all are zero: F = eᵀ V⁻¹ e / m on m and df, e the estimates and V their covariance.

        Raises
        ------
        DesignError : a contrast is zero or a combination of the ones before it.
        """
        m = len(self.labels)
        F = float(self.estimate @ _solved(self.vcov, self.estimate, self.labels)) / m
        return TermTest("wald", F, m, self.df, float(scipy.special.fdtrc(m, self.df, F)))


def contrast(
    fit: Fit, matrix: Array, *, terms: tuple[str, ...] | None = None, labels: tuple[str, ...] | None = None
) -> Contrasts:
    """Linear contrasts L b of the coefficients, with covariance L V Lᵀ.

    Parameters
    ----------
    fit : the regression.
    matrix : (m, q) float array L, one row per contrast and one column per term; a row of zeros is exactly zero.
    terms : the q coefficients b that the columns belong to, by default all.
    labels : m names of the contrasts, by default contrast_1, contrast_2, ...

    Returns
    -------
    Contrasts on the fit's residual df, with the joint test that L b = 0.

    Raises
    ------
    DesignError : an unknown term, or a matrix that does not match the terms, the labels or is not finite.
    """
    terms = fit.terms if terms is None else terms
    matrix = np.asarray(matrix, dtype=float)
    if labels is None:
        labels = tuple(f"contrast_{number}" for number in range(1, len(matrix) + 1))
    if matrix.shape != (len(labels), len(terms)) or not np.all(np.isfinite(matrix)):
        raise DesignError(f"contrast matrix {matrix.shape}: expected finite numbers, ({len(labels)}, {len(terms)}), "
                          "a row per contrast and a column per term.")  # fmt: skip
    index = fit.index(_known(fit, terms))
    vcov = matrix @ fit.vcov[np.ix_(index, index)] @ matrix.T
    return Contrasts(labels, matrix @ fit.beta[index], vcov, fit.residual_df)


def wald_test(fit: Fit, terms: tuple[str, ...]) -> TermTest:
    """Wald F test: F = bᵀ V⁻¹ b / q on q and residual df, b and V the q coefficients and their covariance.

    Examples
    --------
    Of one coefficient it is the square of t:

    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, domain_of, fit_linear
    >>> design = SurveyDesign(strata=np.tile([1, 2], 20), psu=np.arange(40) // 2 % 5, weights=np.arange(1.0, 41))
    >>> x = np.arange(40) % 7
    >>> X, y = np.column_stack([np.ones(40), x]), x + np.cos(np.arange(40.0))
    >>> fit = fit_linear(X, y, design=design, domain=domain_of(design, np.full(40, True)), terms=("intercept", "x"))
    >>> found = wald_test(fit, ("x",))
    >>> found.df_num, found.df_den, bool(np.isclose(found.statistic, fit.beta[1] ** 2 / fit.vcov[1, 1]))
    (1, 7, True)
    """
    index = fit.index(_known(fit, terms))
    return Contrasts(terms, fit.beta[index], fit.vcov[np.ix_(index, index)], fit.residual_df).joint_test()


def trend_contrast(fit: Fit, groups: tuple[str | None, ...], *, scores: Array) -> Contrasts:
    """Linear trend over ordered groups from the coefficients of their indicators.

    The slope of the groups' coefficients b_k on their scores s_k, sum_k (s_k - mean) b_k / sum_k (s_k - mean)², the
    reference group's b being zero. The other form of the test refits with `group_scores` as one term in place of the
    indicators; it weighs groups by how many they are, this one counts them alike.

    Parameters
    ----------
    fit : the regression with the indicators.
    groups : k names of the indicator terms in order, None in the place of the reference.
    scores : (k,) float array: 1 to k, or the groups' medians.

    Returns
    -------
    Contrasts of one row, ``trend``: change per unit of score.

    Raises
    ------
    DesignError : not one reference among at least two groups, another number of scores, or equal scores.
    """
    scores = np.asarray(scores, dtype=float)
    if groups.count(None) != 1 or scores.shape != (len(groups),) or not np.ptp(scores) > 0:
        raise DesignError(f"groups {groups} with scores {scores.tolist()}: expected one reference (None) and a score "
                          "for each group, not all the same.")  # fmt: skip
    centred = scores - scores.mean()
    slope = centred / (centred @ centred)
    row = [share for share, group in zip(slope, groups, strict=True) if group is not None]
    return contrast(fit, np.array([row]), terms=tuple(group for group in groups if group), labels=("trend",))


def group_scores(x: Array, group: npt.NDArray[np.integer], *, rows: Bools) -> Array:
    """Each person's group median of x, the term of a test of trend over groups.

    Medians are unweighted, as the cuts between quantile groups are, so that a change of weight does not move them.

    Parameters
    ----------
    x, group : (n,) exposure and codes of the ordered groups.
    rows : (n,) boolean array, the people whose medians count: those the groups were cut from.

    Returns
    -------
    (n,) float array in the unit of x; NaN for a group that nobody in ``rows`` belongs to.

    Raises
    ------
    DesignError : arrays of different length, nobody in ``rows``, or x missing there.
    """
    if not x.shape == group.shape == rows.shape or not rows.any() or not np.all(np.isfinite(x[rows])):
        raise DesignError(f"x {x.shape}, group {group.shape}, rows {rows.shape} with {count_of(np.sum(rows))} people: "
                          "expected one length, and x known for everybody in rows.")  # fmt: skip
    scores = np.full(x.shape, np.nan)
    for code in np.unique(group[rows]):
        scores[group == code] = np.median(x[rows & (group == code)])
    return scores


def product_columns(
    first: Array, second: Array, *, first_terms: tuple[str, ...], second_terms: tuple[str, ...]
) -> tuple[Array, tuple[str, ...]]:
    """Columns of an interaction: every product of a column of each, named ``a:b``, the first varying fastest.

    Parameters
    ----------
    first, second : (n, a) and (n, b) float arrays, columns of the two main effects.
    first_terms, second_terms : their a and b names.

    Returns
    -------
    (n, a b) float array and its names. Append them to a model that has both main effects; `wald_test` and
    `rao_scott_test` of the names test the interaction.

    Raises
    ------
    DesignError : arrays of different length, or names that do not match the columns.
    """
    if len(first) != len(second) or (first.shape[1], second.shape[1]) != (len(first_terms), len(second_terms)):
        raise DesignError(f"columns {first.shape} and {second.shape} with {len(first_terms)} and {len(second_terms)} "
                          "names: expected one length and a name for each column.")  # fmt: skip
    products = (second[:, :, None] * first[:, None, :]).reshape(len(first), -1)
    return products, tuple(f"{a}:{b}" for b in second_terms for a in first_terms)


def rao_scott_test(fit: LogisticFit, null: LogisticFit, terms: tuple[str, ...]) -> TermTest:
    """Rao-Scott likelihood-ratio test of ``fit`` against ``null``, the same model without the terms.

    Under the null the fall in deviance is distributed as sum_j lambda_j chi²_1, lambda the eigenvalues of V0⁻¹ V of the
    tested coefficients (V0 the naive covariance, V the design-based one); dividing by an independent chi² on the
    residual df accounts for the estimated V.

    Raises
    ------
    DesignError : the two fits do not rest on the same people, or ``null`` is not ``fit`` without the terms.
    """
    kept = tuple(term for term in fit.terms if term not in _known(fit, terms))
    if null.terms != kept:
        raise DesignError(f"the smaller model has the terms {', '.join(null.terms)}: expected {', '.join(kept)}.")
    if fit.n != null.n or fit.cases != null.cases:
        raise DesignError(f"the two models were fitted to {fit.n} and {null.n} people: expected the same domain.")
    statistic = null.deviance - fit.deviance
    p_value = f_sum_tail(statistic, generalised_design_effects(fit, terms), fit.residual_df)
    return TermTest("rao_scott", statistic, len(terms), fit.residual_df, p_value)


def generalised_design_effects(fit: Fit, terms: tuple[str, ...]) -> Array:
    """Eigenvalues of V0⁻¹ V of the named coefficients, smallest first: (q,); all 1 in a simple random sample."""
    index = fit.index(_known(fit, terms))
    V, V0 = fit.vcov[np.ix_(index, index)], fit.naive_vcov[np.ix_(index, index)]
    return np.asarray(scipy.linalg.eigh(V, V0, eigvals_only=True))


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
        return float(scipy.special.fdtrc(df_num, df, x / (df_num * second / mean)))
    cumulant = -np.sum(np.log1p(-2 * zeta * weights)) / 2
    curvature = 2 * np.sum((weights / (1 - 2 * zeta * weights)) ** 2)
    w = np.sign(zeta) * np.sqrt(-2 * cumulant)
    v = zeta * np.sqrt(curvature)
    return float(scipy.special.ndtr(-(w + np.log(v / w) / w)))


def _known(fit: Fit, terms: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [term for term in terms if term not in fit.terms]
    if unknown or not terms:
        raise DesignError(f"terms {', '.join(unknown) or 'none'}: expected some of {', '.join(fit.terms)}.")
    return terms


def _solved(V: Array, b: Array, labels: tuple[str, ...]) -> Array:
    """V⁻¹ b after scaling to unit diagonal, as spline coefficients differ by orders of magnitude.

    A Cholesky factor that leaves every contrast enough of its variance shows that none is redundant. Where it does not,
    QR is asked, which has more digits of how little is left.
    """
    scale = np.sqrt(np.maximum(np.diag(V), 0.0))
    divisor = np.where(scale > 0, scale, 1.0)
    scaled = V / divisor / divisor[:, None]
    factor, failed = dpotrf(scaled)
    if failed or not factor.diagonal().min() ** 2 >= NEARLY_DEPENDENT:  # nor of what is no number
        # Without pivoting the j-th diagonal element is near zero where contrast j depends on those before it.
        left = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
        redundant = [label for label, rest in zip(labels, left, strict=True) if rest < DEPENDENT]
        if redundant:
            raise DesignError(
                f"{', '.join(redundant)}: zero, or known from the contrasts before it, so there is no joint test: "
                "expected linearly independent contrasts, no more of them than the design has degrees of freedom. "
                "Leave it out."
            )
        factor = scipy.linalg.cholesky(scaled)
    solved, _ = dpotrs(factor, b / divisor)
    return np.asarray(solved / divisor)
