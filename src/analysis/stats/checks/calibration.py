"""Whether a survey-weighted logistic regression predicts the risks that were observed: a table by group and a test.

References
----------
Archer & Lemeshow 2006, Stata J 6:97-105. Archer, Lemeshow & Hosmer 2007, Comput Stat Data Anal 51:4450-4464.
Korn & Graubard 1990, Am Stat 44:270 (the adjusted Wald F). Checked against R ``survey`` in tests/reference.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import scipy

from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import FEWEST_PEOPLE, Discreet, blanked
from analysis.stats.regression.estimable import check_rows
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, taylor_vcov

MeanResiduals = Literal["zero", "equal"]

ROUNDING = 1e-12
"""Share of the total weight by which a cut may be missed: the same sum in another order."""

SINGULAR = 1e-13
"""Smallest eigenvalue of a correlation matrix of mean residuals that can be told from zero."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration(Discreet):
    """Observed and predicted risk in g groups of predicted risk, lowest first.

    Attributes
    ----------
    n : (g,) people; a group of fewer than 10 has NaN in every float array.
    low, high : (g,) cuts of predicted risk, low < risk <= high; NaN where the group has no cut on that side.
    predicted, observed : (g,) weighted means of the predicted risk and of the outcome.
    std_error : (g,) design-based, of ``observed``.
    df : (g,) PSUs minus strata with people in the group.
    conf_low, conf_high : (g,) logit interval of ``observed`` with t on ``df``; NaN where everybody or nobody has the
        outcome, or no degree of freedom is left.
    conf_level : level of the interval.
    """

    n: Integers
    low: Array
    high: Array
    predicted: Array
    observed: Array
    std_error: Array
    df: Integers
    conf_low: Array
    conf_high: Array
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """A row a group: group, n, low, high, predicted, estimate, std_error, df, conf_low, conf_high."""
        frame = pd.DataFrame(
            {
                "group": np.arange(1, self.n.size + 1),
                "n": self.n.astype(float),
                "low": self.low,
                "high": self.high,
                "predicted": self.predicted,
                "estimate": self.observed,
                "std_error": self.std_error,
                "df": self.df.astype(float),
                "conf_low": self.conf_low,
                "conf_high": self.conf_high,
            }
        )
        return blanked(frame, ("n", "df"))


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """Result of the F-adjusted mean residual test.

    Attributes
    ----------
    null : ``zero`` (every group's mean residual is zero) or ``equal`` (they are the same).
    groups : g, groups of predicted risk.
    wald : W, before the adjustment.
    statistic, df_num, df_den, p_value : the F.
    """

    null: MeanResiduals
    groups: int
    wald: float
    statistic: float
    df_num: int
    df_den: int
    p_value: float

    def to_frame(self) -> pd.DataFrame:
        """One row: null, groups, wald, statistic, df_num, df_den, p_value."""
        return pd.DataFrame([{name: getattr(self, name) for name in self.__slots__}])


def calibration_by_group(
    fit: LogisticFit,
    X: Array,
    y: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    groups: int = 10,
    conf_level: float = 0.95,
) -> Calibration:
    """Observed against predicted risk in groups of predicted risk that carry equal shares of the weight.

    observed_k = sum_k w y / sum_k w and predicted_k = sum_k w mu / sum_k w over group k; the standard error of the
    observed risk is `taylor_vcov` of w (y - observed_k) / sum_k w, and its interval is
    expit(logit(observed_k) -+ t std_error / (observed_k (1 - observed_k))). A group is a part of the domain: a PSU with
    nobody in it counts as a total of zero, as in R's ``svyby``.

    Parameters
    ----------
    fit : the regression.
    X, y, design, domain : what it was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    groups : number of them, at least 2; people of one predicted risk stay together.
    conf_level : level of the intervals.

    Returns
    -------
    Calibration

    Raises
    ------
    DesignError : X, y and design disagree, another confidence level than between 0 and 1, or fewer groups can be
        told apart than were asked for.
    """
    if not 0 < conf_level < 1:
        raise DesignError(f"confidence level {conf_level:g}: expected a number between 0 and 1, such as 0.95.")
    risk, group, cuts = _grouped(fit, X, y, design, domain, groups)
    weights = design.weights[domain.rows]
    observed, vcov = _group_means(y, group, groups, design, domain)
    predicted = np.bincount(group, weights * risk) / np.bincount(group, weights)
    n, df = np.bincount(group, minlength=groups), _group_df(group, groups, design, domain)
    std_error = np.sqrt(np.diag(vcov))
    exists = (observed > 0) & (observed < 1) & (df > 0)
    scale = np.where(exists, observed * (1 - observed), np.nan)
    half = scipy.stats.t.ppf((1 + conf_level) / 2, np.where(exists, df, 1)) * std_error / scale
    centre = scipy.special.logit(np.where(exists, observed, np.nan))
    floats = {
        "low": np.append(np.nan, cuts),
        "high": np.append(cuts, np.nan),
        "predicted": predicted,
        "observed": observed,
        "std_error": std_error,
        "conf_low": scipy.special.expit(centre - half),
        "conf_high": scipy.special.expit(centre + half),
    }
    shown = {name: np.where(n < FEWEST_PEOPLE, np.nan, values) for name, values in floats.items()}
    return Calibration(n=n, df=df, conf_level=conf_level, **shown)


def archer_lemeshow_test(
    fit: LogisticFit,
    X: Array,
    y: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    groups: int = 10,
    null: MeanResiduals = "zero",
) -> GoodnessOfFit:
    """Archer and Lemeshow's F-adjusted mean residual test of a survey-weighted logistic regression.

    People are put into g groups of predicted risk that carry equal shares of the weight. M holds the g weighted means
    of the residuals r = y - mu and V their design-based covariance, `taylor_vcov` of w (r - M_k) / sum_k w with the
    predictions taken as known. With f = PSUs - strata of the domain:

    - ``zero``, as published: W = Mᵀ V⁻¹ M, F = (f - g + 2) / (f g) W on g - 1 and f - g + 2 degrees of freedom. An
      intercept holds the weighted sum of all residuals at zero, which is why g means leave g - 1 degrees of freedom.
    - ``equal``: W is the Wald statistic of the g - 1 differences between the means, g - 1 times what R's
      ``regTermTest(svyglm(residual ~ group), ~group)`` calls F, and F = (f - g + 2) / (f (g - 1)) W on the same degrees
      of freedom: the adjusted Wald F of g - 1 hypotheses.

    The first divides by g where its distribution has g - 1, so it is the more cautious of the two. R's idiom alone
    reports W / (g - 1) on g - 1 and f + 1 - g, which is neither.

    Parameters
    ----------
    fit : the regression, with an intercept.
    X, y, design, domain : what it was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    groups : g; 10 are the published deciles of risk.
    null : which hypothesis, see above.

    Returns
    -------
    GoodnessOfFit

    Raises
    ------
    DesignError : an unknown ``null``, X, y and design disagree, fewer groups can be told apart than were asked for,
        more groups than the domain has degrees of freedom, or mean residuals whose covariance is singular.

    References
    ----------
    Archer & Lemeshow 2006, Stata J 6:97-105. Archer, Lemeshow & Hosmer 2007, Comput Stat Data Anal 51:4450-4464.
    """
    if null not in get_args(MeanResiduals):
        raise DesignError(f"null={null!r}: expected one of {', '.join(get_args(MeanResiduals))}.")
    risk, group, _ = _grouped(fit, X, y, design, domain, groups)
    f = domain.df
    if f < groups:
        raise DesignError(f"{groups} groups on {f} design degrees of freedom: expected no more groups than degrees of "
                          "freedom, or the covariance of their mean residuals is singular.")  # fmt: skip
    M, V = _group_means(y - risk, group, groups, design, domain)
    divisor = groups
    if null == "equal":
        differences = np.eye(groups)[1:] - np.eye(groups)[0]
        M, V = differences @ M, differences @ V @ differences.T
        divisor = groups - 1
    wald, df_num, df_den = _wald(M, V), groups - 1, f - groups + 2
    statistic = df_den / (f * divisor) * wald
    p_value = float(scipy.special.fdtrc(df_num, df_den, statistic))
    return GoodnessOfFit(null, groups, wald, statistic, df_num, df_den, p_value)


def _grouped(
    fit: LogisticFit, X: Array, y: Array, design: SurveyDesign, domain: Domain, groups: int
) -> tuple[Array, Integers, Array]:
    """Predicted risk and group of everybody in the domain, and the g - 1 cuts between the groups."""
    check_rows(X, y, domain, fit.terms)
    if groups < 2:
        raise DesignError(f"{groups} groups of predicted risk: expected at least 2.")
    # A sum by row, not a matrix product: the latter may give two people of the same covariates risks that differ in
    # the last bit, and so put them into different groups.
    risk = scipy.special.expit(np.sum(X * fit.beta, axis=1))
    cuts = _weighted_cuts(risk, design.weights[domain.rows], groups)
    group = np.searchsorted(cuts, risk, side="left")
    found = np.unique(group).size
    if found < groups:
        raise DesignError(f"predicted risks take so few values that {groups} groups hold people in {found} only: "
                          "expected fewer groups.")  # fmt: skip
    return risk, group, cuts


def _weighted_cuts(risk: Array, weights: Array, groups: int) -> Array:
    """The g - 1 lowest risks at or below which the shares 1/g, 2/g, ... of the weight lie."""
    order = np.argsort(risk, kind="stable")
    below = np.cumsum(weights[order])
    wanted = below[-1] * (np.arange(1, groups) / groups - ROUNDING)
    return np.asarray(risk[order][np.searchsorted(below, wanted)])


def _group_means(
    values: Array, group: Integers, groups: int, design: SurveyDesign, domain: Domain
) -> tuple[Array, Array]:
    """Weighted mean of the domain's values in each group, and the means' design-based covariance."""
    weights = design.weights[domain.rows]
    total = np.bincount(group, weights, groups)
    means = np.bincount(group, weights * values, groups) / total
    influence = np.zeros((domain.rows.size, groups))
    influence[np.flatnonzero(domain.rows), group] = weights * (values - means[group]) / total[group]
    return means, taylor_vcov(influence, design)


def _group_df(group: Integers, groups: int, design: SurveyDesign, domain: Domain) -> Integers:
    """PSUs minus strata with people in each group."""
    psu = design.psu_index[domain.rows]
    df = np.empty(groups, dtype=np.intp)
    for number in range(groups):
        present = np.unique(psu[group == number])
        df[number] = present.size - np.unique(design.psu_stratum[present]).size
    return df


def _wald(M: Array, V: Array) -> float:
    """Mᵀ V⁻¹ M, after scaling to unit diagonal."""
    std_error = np.sqrt(np.diag(V))
    if np.any(std_error == 0):
        raise DesignError(f"{np.sum(std_error == 0)} groups have no variance in their mean residual: expected some; "
                          "ask for fewer groups.")  # fmt: skip
    correlation, z = V / np.outer(std_error, std_error), M / std_error
    if np.linalg.eigvalsh(correlation)[0] < SINGULAR * M.size:
        raise DesignError(f"the covariance of {M.size} mean residuals is singular: too few PSUs have people in some "
                          "group; ask for fewer groups.")  # fmt: skip
    return float(z @ np.linalg.solve(correlation, z))
