"""Survey-weighted logistic, linear and risk regression with design-based inference.

The point estimate of the logistic model is statsmodels' binomial GLM with the survey weights as ``var_weights``: it
solves the weighted score equations sum_i w_i x_i (y_i - mu_i) = 0, which is the pseudo-likelihood estimate every survey
package reports. The linear model solves the same equations with mu = X beta by orthogonal decomposition.

statsmodels' own standard errors are not used, because each of its options answers another question: the default and
``freq_weights`` read a weight of 40,000 as 40,000 people or as a precision; ``HC0`` forgets that people of one primary
sampling unit resemble each other; ``cluster`` forgets the strata; and all of them refer to the normal distribution
where a design with 87 PSUs in 43 strata leaves 44 degrees of freedom. The covariance here is Taylor linearisation for
stratified PSUs drawn with replacement, with t and F references.

References
----------
Binder 1983, Int Stat Rev 51:279-292. Lumley & Scott 2014, Aust N Z J Stat 56:1-14 (Rao-Scott test, its denominator df).
Checked against R ``survey::svyglm`` and ``regTermTest`` in tests/reference.
"""

import importlib
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg
import scipy.sparse
import scipy.special

from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet, same_for_all
from analysis.stats.regression.blocks import gram, solved, triangle_of, well_conditioned
from analysis.stats.regression.estimable import (
    ConvergenceError,
    check_rows,
    checked_weights,
    refuse_inestimable,
    refuse_redundant,
    refuse_separation,
)
from analysis.stats.regression.start import newton_start
from analysis.stats.sample.design import Domain, SurveyDesign, between_psu, taylor_vcov

MAX_ITERATIONS = 50
TOLERANCE = 1e-13
"""Relative change of the deviance at which the point estimate has converged; R's 1e-8 would cost six digits."""

UNSETTLED = 1e-2
"""A log odds that one more Newton step moves by this much has not converged, however little the deviance changes: on
its way to infinity it gains about 1 a step, at a maximum it gains less than 1e-5."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit(Discreet):
    """A survey-weighted regression.

    Attributes
    ----------
    terms : names of the p coefficients.
    beta : (p,) float array.
    vcov : (p, p) float array, design-based covariance.
    naive_vcov : (p, p) float array, inverse of the weighted information, weights scaled to mean 1 over the fit.
    n : rows fitted.
    n_psu, n_strata : present in the domain.
    others : coefficients of the regression that are not among these.
    """

    terms: tuple[str, ...]
    beta: Array
    vcov: Array
    naive_vcov: Array
    n: int
    n_psu: int
    n_strata: int
    others: int = field(default=0, kw_only=True)

    @property
    def design_df(self) -> int:
        """PSUs minus strata present in the domain."""
        return self.n_psu - self.n_strata

    @property
    def residual_df(self) -> int:
        """Degrees of freedom of tests and intervals: design df + 1 - all coefficients, as in R's ``svyglm``."""
        return self.design_df + 1 - len(self.terms) - self.others

    def index(self, terms: tuple[str, ...]) -> Integers:
        """Positions of the named terms."""
        return np.array([self.terms.index(term) for term in terms], dtype=np.intp)

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Coefficients with t intervals: term, estimate, std_error, statistic, df, p_value, conf_low, conf_high."""
        std_error = np.sqrt(np.diag(self.vcov))
        statistic = self.beta / std_error
        half = scipy.special.stdtrit(self.residual_df, (1 + conf_level) / 2) * std_error
        return pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.beta,
                "std_error": std_error,
                "statistic": statistic,
                "df": self.residual_df,
                "p_value": 2 * scipy.special.stdtr(self.residual_df, -np.abs(statistic)),
                "conf_low": self.beta - half,
                "conf_high": self.beta + half,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogisticFit(Fit):
    """A survey-weighted logistic regression; beta in log odds.

    Attributes
    ----------
    deviance : -2 log pseudo-likelihood under weights scaled to mean 1 over the fit.
    cases : rows fitted with the outcome.
    n_iter : iterations of statsmodels from its start, which is already near the solution; 0 of a quick fit, which does
        without it.
    totals : (n_psu, p) totals by PSU of the influence values, of which vcov is made: a statistic that is linear in the
        coefficients has its own by one product.
    """

    shown = ("n", "cases", "residual_df", "terms")

    deviance: float
    cases: int
    n_iter: int
    totals: Array

    def mean(self, X: Array) -> Array:
        """Fitted probabilities 1/(1 + exp(-X beta)) of (m, p) rows."""
        return np.asarray(scipy.special.expit(X @ self.beta))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearFit(Fit):
    """A survey-weighted linear regression; beta in the unit of y.

    Attributes
    ----------
    dispersion : variance of the residuals e, sum w (e - mean)²/sum(w) n/(n - 1), as R's ``summary`` of ``svyglm``.
    """

    dispersion: float

    def mean(self, X: Array) -> Array:
        """Fitted means X beta of (m, p) rows."""
        return X @ self.beta


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RiskFit(Fit):
    """A survey-weighted regression of a probability with the logarithm as link; beta in log risk.

    Attributes
    ----------
    cases : rows fitted with the outcome.
    """

    shown = ("n", "cases", "residual_df", "terms")

    cases: int

    def mean(self, X: Array) -> Array:
        """Fitted risks exp(X beta) of (m, p) rows; nothing keeps them below 1."""
        return np.asarray(np.exp(X @ self.beta))


def fit_logistic(X: Array, y: Array, *, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]) -> LogisticFit:
    """Fit a logistic regression to a domain of a survey.

    Solves sum_i w_i x_i (y_i - mu_i) = 0 over the domain, with mu = 1/(1 + exp(-X beta)); the covariance is
    `taylor_vcov` of the influence values w_i (y_i - mu_i) A⁻¹ x_i, A = sum_i w_i mu_i (1 - mu_i) x_i x_iᵀ.

    Parameters
    ----------
    X : (m, p) float array. Design matrix with its intercept, the rows of the domain only, in the order of the design:
        the one convention of every regression here.
    y : (m,) float array of 0 and 1.
    design, domain : the whole sample, and the m rows of it the model is about.
    terms : p names, one per column.

    Returns
    -------
    LogisticFit

    Raises
    ------
    DesignError : fewer PSUs than the model needs to leave a residual degree of freedom, or X, y and design disagree.
    ConvergenceError : an outcome that does not vary, a redundant column, separation, or no convergence.

    Examples
    --------
    With one indicator the odds ratio is that of a table: 18 of 40 against 10 of 40.

    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, domain_of, fit_logistic, wald_test
    >>> design = SurveyDesign(strata=np.tile([1, 2], 40), psu=np.arange(80) // 2 % 5, weights=np.ones(80))
    >>> exposed = np.repeat([0.0, 1.0], 40)
    >>> ill = np.concatenate([np.arange(40) % 4 == 0, np.arange(40) % 20 < 9]).astype(float)
    >>> X = np.column_stack([np.ones(80), exposed])
    >>> everybody = domain_of(design, np.full(80, True))
    >>> fit = fit_logistic(X, ill, design=design, domain=everybody, terms=("intercept", "exposed"))
    >>> f"{np.exp(fit.beta[1]):.4f}", fit.n, fit.cases, fit.residual_df
    ('2.4545', 80, 28, 7)
    """
    weights = checked_weights(X, y, design, domain, terms)
    refuse_inestimable(X, y, weights, terms)
    beta, n_iter = _maximise(X, y, weights, terms)
    eta = X @ beta
    mu = scipy.special.expit(eta)
    naive = _inverse_gram(X, np.sqrt(weights * mu * (1 - mu)))
    totals = _psu_totals(X, weights * (y - mu), design, domain) @ naive
    return LogisticFit(
        terms=terms,
        beta=beta,
        vcov=between_psu(totals, design),
        totals=totals,
        naive_vcov=naive,
        deviance=logistic_deviance(y, eta, weights),
        n=y.size,
        cases=int(y.sum()),
        n_psu=domain.n_psu,
        n_strata=domain.n_strata,
        n_iter=n_iter,
    )


def fit_linear(X: Array, y: Array, *, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]) -> LinearFit:
    """Fit a linear regression to a domain of a survey.

    Solves sum_i w_i x_i (y_i - x_iᵀ beta) = 0 over the domain; the covariance is `taylor_vcov` of the influence values
    w_i (y_i - x_iᵀ beta) A⁻¹ x_i, A = sum_i w_i x_i x_iᵀ, as R's ``svyglm(family = gaussian)``.

    Parameters
    ----------
    X : (m, p) float array with its intercept, the rows of the domain only; see `fit_logistic`.
    y : (m,) float array, complete.
    design, domain : the whole sample, and the m rows of it the model is about.
    terms : p names, one per column.

    Returns
    -------
    LinearFit

    Raises
    ------
    DesignError : fewer PSUs than the model needs to leave a residual degree of freedom, or X, y and design disagree.
    ConvergenceError : missing values, an outcome that does not vary, or a redundant column.
    """
    weights = checked_weights(X, y, design, domain, terms)
    if not np.all(np.isfinite(X)) or not np.all(np.isfinite(y)):
        raise ConvergenceError("missing values inside the domain: expected complete cases.")
    if y.min() == y.max():
        raise ConvergenceError(f"{same_for_all('the outcome', y[0], y.size)}: expected it to vary.")
    refuse_redundant(X, weights, terms)
    root, scale = np.sqrt(weights), np.sqrt(np.mean(X**2, axis=0))
    beta = np.linalg.lstsq(X / scale * root[:, None], y * root)[0] / scale
    mu = X @ beta
    naive = _inverse_gram(X, root)
    residual = y - mu - np.mean(weights * (y - mu))
    return LinearFit(
        terms=terms,
        beta=beta,
        vcov=taylor_vcov(_influence(X, y, mu, naive, design, domain), design),
        naive_vcov=naive,
        dispersion=float(np.sum(weights * residual**2) / (y.size - 1)),
        n=y.size,
        n_psu=domain.n_psu,
        n_strata=domain.n_strata,
    )


def fit_risk(X: Array, y: Array, *, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]) -> RiskFit:
    """Fit risk ratios to a domain of a survey by a log link and the Poisson score (modified Poisson regression).

    Solves sum_i w_i x_i (y_i - mu_i) = 0 over the domain, with mu = exp(X beta); the covariance is `taylor_vcov` of
    the influence values w_i (y_i - mu_i) A⁻¹ x_i, A = sum_i w_i mu_i x_i x_iᵀ, as R's
    ``svyglm(family = quasipoisson)``.

    Parameters
    ----------
    X, y, design, domain, terms : as for `fit_logistic`.

    Returns
    -------
    RiskFit

    Raises
    ------
    DesignError, ConvergenceError : as `fit_logistic`.

    References
    ----------
    Zou 2004, Am J Epidemiol 159:702-706.
    """
    weights = checked_weights(X, y, design, domain, terms)
    refuse_inestimable(X, y, weights, terms)
    refuse_separation(X, y, terms)
    scale = np.sqrt(np.mean(X**2, axis=0))
    model = _glm(y, X / scale, "Poisson", weights)
    result = model.fit(maxiter=MAX_ITERATIONS, tol=0, rtol=TOLERANCE, wls_method="qr")
    beta = np.asarray(result.params) / scale
    if not result.converged or not np.all(np.isfinite(beta)):
        raise ConvergenceError(
            f"no finite estimate after {result.fit_history['iteration']} iterations of a log link: expected an outcome "
            "that no combination of the terms predicts without error. Remove or merge terms, or widen the domain."
        )
    mu = np.exp(X @ beta)
    naive = _inverse_gram(X, np.sqrt(weights * mu))
    return RiskFit(
        terms=terms,
        beta=beta,
        vcov=taylor_vcov(_influence(X, y, mu, naive, design, domain), design),
        naive_vcov=naive,
        n=y.size,
        cases=int(y.sum()),
        n_psu=domain.n_psu,
        n_strata=domain.n_strata,
    )


def coefficient_influence(
    fit: LogisticFit | LinearFit | RiskFit, X: Array, y: Array, *, design: SurveyDesign, domain: Domain
) -> Array:
    """What each person adds to the coefficients: w_i (y_i - mu_i) A⁻¹ x_i, (n, p), zero outside the domain.

    Its `taylor_vcov` is the covariance of the fit; statistics built on the coefficients linearise through it.

    Parameters
    ----------
    fit : the regression.
    X, y, design, domain : what it was fitted to; see `fit_logistic`.
    """
    check_rows(X, y, domain, fit.terms)
    return _influence(X, y, fit.mean(X), fit.naive_vcov, design, domain)


def _influence(X: Array, y: Array, mu: Array, naive: Array, design: SurveyDesign, domain: Domain) -> Array:
    rows = domain.rows
    weights = design.weights[rows] / design.weights[rows].mean()
    influence = np.zeros((rows.size, X.shape[1]))
    influence[rows] = (X * (weights * (y - mu))[:, None]) @ naive
    return influence


def _psu_totals(X: Array, values: Array, design: SurveyDesign, domain: Domain) -> Array:
    """(n_psu, p) totals of the domain's rows of X times their values, without the products themselves."""
    entries = (values, design.psu_index[domain.rows], np.arange(values.size + 1))
    sums = scipy.sparse.csc_array(entries, shape=(design.psu_stratum.size, values.size))
    return np.asarray(sums @ X)


def _glm(y: Array, X: Array, family: str, weights: Array) -> Any:
    """Statsmodels' model, which takes longer to load than a quick fit takes: not before it is needed."""
    families = importlib.import_module("statsmodels.genmod.families")  # statsmodels.api would load graphics
    linear_model = importlib.import_module("statsmodels.genmod.generalized_linear_model")
    return linear_model.GLM(y, X, family=getattr(families, family)(), var_weights=weights)


def _maximise(X: Array, y: Array, weights: Array, terms: tuple[str, ...]) -> tuple[Array, int]:
    """Point estimate by statsmodels and the iterations it took."""
    refuse_separation(X, y, terms)
    raised = importlib.import_module("statsmodels.tools.sm_exceptions")
    with warnings.catch_warnings():
        # All are raised below as an error of our own; overflow is what running away to infinity looks like.
        for category in (raised.ConvergenceWarning, raised.PerfectSeparationWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        start, settled = newton_start(X, y, weights)
        if settled:  # statsmodels' Newton steps need no copy of the matrix; its least squares by QR make seven
            model = _glm(y, X, "Binomial", weights)
            result = model.fit(start, method="newton", maxiter=MAX_ITERATIONS, disp=False)
            if result.mle_retvals["converged"]:
                return np.asarray(result.params), int(result.mle_retvals["iterations"])
        # Of columns of like length, since the units must not decide whether least squares settle.
        scale = np.sqrt(np.mean(X**2, axis=0))
        X, start = X / scale, None if start is None else start * scale
        model = _glm(y, X, "Binomial", weights)
        result = model.fit(start, maxiter=MAX_ITERATIONS, tol=0, rtol=TOLERANCE, wls_method="qr")
    beta = np.asarray(result.params)
    if not result.converged or not np.all(np.isfinite(beta)) or _runs_away(X, y, weights, beta):
        raise ConvergenceError(
            f"no finite estimate after {result.fit_history['iteration']} iterations: some combination of "
            f"{', '.join(terms[1:])} predicts the outcome without error (separation). Remove or merge terms, or widen "
            "the domain."
        )
    return beta / scale, int(result.fit_history["iteration"])


def _runs_away(X: Array, y: Array, weights: Array, beta: Array) -> bool:
    """Whether beta is on its way to infinity: the deviance hides it where the people concerned weigh little."""
    eta = X @ beta
    mu, other = scipy.special.expit(eta), scipy.special.expit(-eta)
    v, left = weights * mu * other, weights * np.where(y == 1, other, -mu)
    if v.min() > 0 and well_conditioned(information := gram(X, v)):
        step = solved(information, X.T @ left)
    else:
        root = np.sqrt(v)
        residual = np.zeros_like(root)  # of whoever is predicted beyond the smallest number, nothing is to explain
        np.divide(left, root, out=residual, where=root > 0)
        step = np.linalg.lstsq(X * root[:, None], residual)[0]
    return bool(np.max(np.abs(X @ step)) > UNSETTLED)


def _inverse_gram(X: Array, root: Array) -> Array:
    """(AᵀA)⁻¹, A = diag(root) X, from the triangle of A's QR decomposition: AᵀA itself would lose twice the digits."""
    triangle = triangle_of(X, root)
    length = np.linalg.norm(triangle, axis=0)
    triangle = triangle / np.where(length > 0, length, 1.0)
    if not np.all(np.abs(np.diag(triangle)) > 0):
        raise ConvergenceError(
            "the information is singular at the estimate: some people are predicted without error and nobody else tells"
            " a coefficient (separation). Remove or merge terms, or widen the domain."
        )
    half = scipy.linalg.solve_triangular(triangle, np.eye(X.shape[1]))
    inverse: Array = (half @ half.T) / np.outer(length, length)
    return inverse


def logistic_deviance(y: Array, eta: Array, weights: Array) -> float:
    """-2 sum w [y eta - log(1 + exp(eta))], of the linear predictor: of mu it would lose digits where mu nears 1."""
    log_one_plus = np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))
    return float(2 * (weights @ (log_one_plus - y * eta)))
