"""Marginal standardisation: the prevalence that a logistic regression gives the whole domain at a set exposure.

Everybody in the domain is given the same exposure and keeps their covariates; the weighted mean of the predicted
probabilities is the standardised prevalence (predictive margin). Unlike odds ratios, its differences and ratios do not
move when a covariate that is unrelated to the exposure joins the model.

References
----------
Graubard & Korn 1999, Biometrics 55:652-659. Checked against R ``survey::svypredmeans`` in tests/reference.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.special

from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.fit import LogisticFit, coefficient_influence
from analysis.stats.regression.hypotheses import Contrasts
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, between_psu

CHUNK = 32
"""Settings at a time: the (n, CHUNK) work arrays of 8,000 people stay within a few megabytes, 31,126 within 8."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StandardisedPrevalence(Discreet):
    """Prevalence of the outcome in the domain at each exposure setting.

    Attributes
    ----------
    labels : m names of the settings.
    estimate : (m,) float array, between 0 and 1.
    vcov : (m, m) float array, design-based covariance.
    gradient : (m, p) float array, derivative of the estimates by the coefficients.
    df : residual degrees of freedom of the regression.
    """

    labels: tuple[str, ...]
    estimate: Array
    vcov: Array
    gradient: Array
    df: int

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Prevalences with logit intervals: term, estimate, std_error, df, conf_low, conf_high; m rows."""
        logits = self.logits().to_frame(conf_level=conf_level)
        return pd.DataFrame(
            {
                "term": self.labels,
                "estimate": self.estimate,
                "std_error": np.sqrt(np.diag(self.vcov)),
                "df": self.df,
                "conf_low": scipy.special.expit(logits["conf_low"]),
                "conf_high": scipy.special.expit(logits["conf_high"]),
            }
        )

    def logits(self) -> Contrasts:
        """Logits of the prevalences, on which limits stay between 0 and 1."""
        slope = 1 / (self.estimate * (1 - self.estimate))
        return Contrasts(self.labels, scipy.special.logit(self.estimate), self.vcov * np.outer(slope, slope), self.df)

    def differences(self, reference: int) -> Contrasts:
        """Prevalence differences from the setting at a position; exactly zero, without error, there.

        Raises
        ------
        DesignError : no such setting.
        """
        against = self._against(reference)
        return Contrasts(self.labels, against @ self.estimate, against @ self.vcov @ against.T, self.df)

    def ratios(self, reference: int) -> Contrasts:
        """Logarithms of the prevalence ratios to the setting at a position; ``to_frame(exponentiate=True)`` undoes it.

        Raises
        ------
        DesignError : no such setting.
        """
        against = self._against(reference) / self.estimate
        log_ratio = np.log(self.estimate / self.estimate[reference])
        return Contrasts(self.labels, log_ratio, against @ self.vcov @ against.T, self.df)

    def _against(self, reference: int) -> Array:
        """(m, m) matrix that subtracts the reference from every setting."""
        if not 0 <= reference < len(self.labels):
            raise DesignError(
                f"reference {reference}: expected the position of a setting, 0 to {len(self.labels) - 1}."
            )
        against = np.eye(len(self.labels))
        against[:, reference] -= 1
        return against


def standardise(
    fit: LogisticFit,
    X: Array,
    y: Array,
    *,
    columns: Integers,
    settings: Array,
    design: SurveyDesign,
    domain: Domain,
    labels: tuple[str, ...] | None = None,
) -> StandardisedPrevalence:
    """Prevalence of the domain with everybody's exposure set to each setting in turn.

    P_s = sum_i w_i p_is / W over the domain, where p_is = 1/(1 + exp(-eta_is)) and eta_is has ``settings[s]`` in the
    exposure columns. The covariance is `taylor_vcov` of the influence values

        w_i (p_is - P_s) / W + D_s · (influence of i on the coefficients),    D_s = dP_s / d beta,

    so that it holds the error of the coefficients, that of the sampled covariates, and what goes between them. R's
    ``svypredmeans`` adds the first two and leaves out the third, which is zero on average if the model is right. The
    values are summed by PSU as they come: no (n, m) array is held.

    Parameters
    ----------
    fit : the regression.
    X, y, design, domain : what it was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    columns : (q,) positions of the exposure's columns in X.
    settings : (m, q) float array, the values to put there: a spline's basis at m exposures, or indicators of m groups.
    labels : m names, by default setting_1, setting_2, ...

    Returns
    -------
    StandardisedPrevalence

    Raises
    ------
    DesignError : settings that do not match columns or labels, are not finite, or positions outside X.

    Examples
    --------
    Without other covariates the standardised prevalences are those of the groups, 10 of 40 and 18 of 40:

    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, domain_of, fit_logistic
    >>> design = SurveyDesign(strata=np.tile([1, 2], 40), psu=np.arange(80) // 2 % 5, weights=np.ones(80))
    >>> X = np.column_stack([np.ones(80), np.repeat([0.0, 1.0], 40)])
    >>> ill = np.concatenate([np.arange(40) % 4 == 0, np.arange(40) % 20 < 9]).astype(float)
    >>> sample = {"design": design, "domain": domain_of(design, np.full(80, True))}
    >>> fit = fit_logistic(X, ill, terms=("intercept", "exposed"), **sample)
    >>> found = standardise(fit, X, ill, columns=np.array([1]), settings=np.array([[0.0], [1.0]]), **sample)
    >>> found.estimate.round(3).tolist()
    [0.25, 0.45]
    """
    settings = np.asarray(settings, dtype=float)
    if labels is None:
        labels = tuple(f"setting_{number}" for number in range(1, len(settings) + 1))
    _check(X, fit, np.asarray(columns), settings, labels)
    of_beta = coefficient_influence(fit, X, y, design=design, domain=domain)[domain.rows]
    share = design.weights[domain.rows] / design.weights[domain.rows].sum()
    others = np.setdiff1d(np.arange(len(fit.terms)), columns)
    rest = X[:, others]
    sums = design.psu_sums[:, np.flatnonzero(domain.rows)]
    estimate, gradient = np.empty(len(settings)), np.empty((len(settings), len(fit.terms)))
    totals = np.empty((design.psu_stratum.size, len(settings)))
    for start in range(0, len(settings), CHUNK):
        part = slice(start, start + CHUNK)
        p = scipy.special.expit((rest @ fit.beta[others])[:, None] + settings[part] @ fit.beta[columns])
        estimate[part] = share @ p
        slope = share[:, None] * p * (1 - p)
        gradient[part, others] = slope.T @ rest
        gradient[part, columns] = slope.sum(axis=0)[:, None] * settings[part]
        totals[:, part] = sums @ (share[:, None] * (p - estimate[part]) + of_beta @ gradient[part].T)
    return StandardisedPrevalence(labels, estimate, between_psu(totals, design), gradient, fit.residual_df)


def _check(X: Array, fit: LogisticFit, columns: Integers, settings: Array, labels: tuple[str, ...]) -> None:
    if settings.shape != (len(labels), columns.size) or not labels or not np.all(np.isfinite(settings)):
        raise DesignError(f"settings {settings.shape}: expected finite numbers, ({len(labels)}, {columns.size}), a row "
                          "per label and a column per exposure column.")  # fmt: skip
    known = np.isin(columns, np.arange(len(fit.terms)))
    if X.shape[1] != len(fit.terms) or not np.all(known) or np.unique(columns).size != columns.size:
        raise DesignError(f"exposure columns {columns.tolist()} of X {X.shape}: expected different positions from 0 to "
                          f"{len(fit.terms) - 1}, the regression's {len(fit.terms)} terms.")  # fmt: skip
