"""Survey-weighted logistic regression with design-based inference.

The point estimate is statsmodels' binomial GLM with the survey weights as ``var_weights``: it solves the weighted score
equations sum_i w_i x_i (y_i - mu_i) = 0, which is the pseudo-likelihood estimate every survey package reports.

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

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.linalg
import scipy.stats
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

from analysis.errors import AnalysisError
from analysis.stats.splines import Array

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.intp]
LonelyPsu = Literal["fail", "adjust"]
LonelyDomain = Literal["fail", "keep"]

MAX_ITERATIONS = 50
TOLERANCE = 1e-13
"""Relative change of the deviance at which the point estimate has converged; R's 1e-8 would cost six digits."""

NEWTON_STEPS = 4
"""Steps from zero that bring a usual model to five digits; the rest is statsmodels'."""

MAX_LOG_ODDS = 20.0
"""A fitted log odds beyond this (one in 500 million) is an estimate on its way to infinity."""

COLLINEAR = 1e-9
"""A column is redundant when less than this share of its length is left after projecting on the others."""


class DesignError(AnalysisError):
    """A design or domain on which no design-based variance exists."""

    exit_code = 5


class ConvergenceError(AnalysisError):
    """A model without a finite, unique estimate."""

    exit_code = 6


@dataclass(frozen=True, slots=True, eq=False)
class SurveyDesign:
    """Strata, PSUs and weights of a whole sample: all sampled rows, never a subset.

    Attributes
    ----------
    strata : (n,) integer array.
    psu : (n,) integer array, nested in strata: PSU 1 of stratum 3 is not PSU 1 of stratum 4.
    weights : (n,) float array, not negative; zero for a row that represents nobody.
    lonely_psu : what a stratum with one PSU in the whole sample does: ``fail`` refuses; ``adjust`` centres its total at
        the mean of all PSUs, as R's ``survey.lonely.psu = "adjust"``.
    lonely_domain : what a stratum does whose PSUs are several but only one of which has people in the domain: ``fail``
        refuses; ``keep`` counts the empty PSUs as totals of zero, which is R's default.
    psu_index, psu_stratum : (n,) position of each row's PSU, and (n_psu,) position of each PSU's stratum.

    Raises
    ------
    DesignError : arrays of different length, missing or negative weights, no positive weight, or a lonely PSU
        under ``fail``.
    """

    strata: npt.NDArray[np.integer]
    psu: npt.NDArray[np.integer]
    weights: Array
    lonely_psu: LonelyPsu = "fail"
    lonely_domain: LonelyDomain = "fail"
    psu_index: Integers = None  # type: ignore[assignment]  # set below, from the arrays above
    psu_stratum: Integers = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=float)
        strata, psu = np.asarray(self.strata), np.asarray(self.psu)
        if not strata.shape == psu.shape == weights.shape or weights.ndim != 1:
            raise DesignError(f"strata {strata.shape}, psu {psu.shape}, weights {weights.shape}: expected one length.")
        _check_weights(weights)
        pairs, psu_index = np.unique(np.column_stack([strata, psu]), axis=0, return_inverse=True)
        stratum_codes, psu_stratum = np.unique(pairs[:, 0], return_inverse=True)
        lonely = stratum_codes[np.bincount(psu_stratum) == 1]
        if lonely.size and self.lonely_psu == "fail":
            raise DesignError(
                f"strata {lonely.tolist()} have one PSU each: expected at least two, or no variance can be computed. "
                'Merge strata, or choose lonely_psu="adjust".'
            )
        frozen = {"strata": strata, "psu": psu, "weights": weights, "psu_index": psu_index.ravel(),
                  "psu_stratum": psu_stratum.ravel()}  # fmt: skip
        for name, array in frozen.items():
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)


def _check_weights(weights: Array) -> None:
    if not np.all(np.isfinite(weights)):
        raise DesignError(f"{np.sum(~np.isfinite(weights))} weights are missing or infinite: expected numbers; "
                          "a row that represents nobody has weight 0.")  # fmt: skip
    if np.any(weights < 0):
        raise DesignError(f"{np.sum(weights < 0)} weights are negative (lowest {weights.min():g}): expected >= 0.")
    if not np.any(weights > 0):
        raise DesignError("all weights are zero: expected at least one positive weight.")


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """The part of a design that a statement is about.

    Rows outside keep their place in the design and enter every variance as zero.

    Attributes
    ----------
    rows : (n,) boolean array, true in the domain (rows of weight zero are left out).
    n_psu, n_strata : PSUs and strata that have people in the domain.
    """

    rows: Bools
    n_psu: int
    n_strata: int

    @property
    def df(self) -> int:
        """Design degrees of freedom: PSUs minus strata present in the domain."""
        return self.n_psu - self.n_strata


def domain_of(design: SurveyDesign, rows: Bools) -> Domain:
    """The domain of a design given by a boolean row mask.

    Raises
    ------
    DesignError : nobody in the domain has a positive weight, or a stratum has people of the domain in one PSU only
        while ``design.lonely_domain`` is ``fail``.
    """
    rows = np.asarray(rows, dtype=bool)
    if rows.shape != design.weights.shape:
        raise DesignError(f"domain of shape {rows.shape}: expected {design.weights.shape}, one entry per sampled row.")
    counted = rows & (design.weights > 0)
    if not counted.any():
        raise DesignError(
            f"the domain is empty: {int(rows.sum())} rows were selected and none of them has a positive weight."
        )
    present = np.unique(design.psu_index[counted])
    strata, psus_present = np.unique(design.psu_stratum[present], return_counts=True)
    several = np.bincount(design.psu_stratum)[strata] > 1
    lonely = strata[(psus_present == 1) & several]
    if lonely.size and design.lonely_domain == "fail":
        codes = np.unique(design.strata)[lonely].tolist()
        raise DesignError(
            f"strata {codes} have people of the domain in one PSU only: expected at least two PSUs in each. "
            'Widen the domain, or choose lonely_domain="keep" (--lonely-domain keep) to count the empty PSUs as zero, '
            "as R does."
        )
    return Domain(rows=counted, n_psu=present.size, n_strata=strata.size)


def taylor_vcov(influence: Array, design: SurveyDesign) -> Array:
    """Design-based covariance of estimates by Taylor linearisation.

    V = sum_h n_h/(n_h - 1) sum_i (z_hi - mean_h)(z_hi - mean_h)ᵀ, where z_hi is the total of the influence values of
    PSU i in stratum h and n_h counts the PSUs of the whole sample.

    Parameters
    ----------
    influence : (n, p) float array. One row per sampled row, zero outside the domain; for a regression, score times
        inverse information.
    design : SurveyDesign

    Returns
    -------
    (p, p) float array, squared units of the estimates.

    References
    ----------
    Binder 1983, Int Stat Rev 51:279-292.
    """
    n_psu = design.psu_stratum.size
    totals: Array = np.column_stack([np.bincount(design.psu_index, column, n_psu) for column in influence.T])
    return _between_psu(totals, design)


def _between_psu(totals: Array, design: SurveyDesign) -> Array:
    """Sum over strata of n_h/(n_h - 1) times the squares about the stratum mean; totals is (n_psu, p)."""
    n_h = np.bincount(design.psu_stratum)
    sums = np.zeros((n_h.size, totals.shape[1]))
    np.add.at(sums, design.psu_stratum, totals)
    lonely = n_h == 1
    means = sums / n_h[:, None]
    means[lonely] = totals.mean(axis=0)
    factor = np.where(lonely, 1.0, n_h / np.maximum(n_h - 1, 1))
    centred = (totals - means[design.psu_stratum]) * np.sqrt(factor)[design.psu_stratum, None]
    return centred.T @ centred


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """A survey-weighted logistic regression.

    Attributes
    ----------
    terms : names of the p coefficients.
    beta : (p,) float array, log odds.
    vcov : (p, p) float array, design-based covariance.
    naive_vcov : (p, p) float array, inverse of the weighted information, weights scaled to mean 1 over the fit.
    deviance : -2 log pseudo-likelihood under those scaled weights.
    n, cases : rows fitted, and those of them with the outcome.
    n_psu, n_strata : present in the domain.
    n_iter : iterations to convergence.
    """

    terms: tuple[str, ...]
    beta: Array
    vcov: Array
    naive_vcov: Array
    deviance: float
    n: int
    cases: int
    n_psu: int
    n_strata: int
    n_iter: int

    @property
    def design_df(self) -> int:
        """PSUs minus strata present in the domain."""
        return self.n_psu - self.n_strata

    @property
    def residual_df(self) -> int:
        """Degrees of freedom of tests and intervals: design df + 1 - p, as in R's ``svyglm``."""
        return self.design_df + 1 - len(self.terms)

    def index(self, terms: tuple[str, ...]) -> Integers:
        """Positions of the named terms."""
        return np.array([self.terms.index(term) for term in terms], dtype=np.intp)

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Coefficients with t intervals: term, estimate, std_error, statistic, df, p_value, conf_low, conf_high."""
        std_error = np.sqrt(np.diag(self.vcov))
        statistic = self.beta / std_error
        half = scipy.stats.t.ppf((1 + conf_level) / 2, self.residual_df) * std_error
        return pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.beta,
                "std_error": std_error,
                "statistic": statistic,
                "df": self.residual_df,
                "p_value": 2 * scipy.stats.t.sf(np.abs(statistic), self.residual_df),
                "conf_low": self.beta - half,
                "conf_high": self.beta + half,
            }
        )


def fit_logistic(X: Array, y: Array, *, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]) -> LogisticFit:
    """Fit a logistic regression to a domain of a survey.

    Solves sum_i w_i x_i (y_i - mu_i) = 0 over the domain, with mu = 1/(1 + exp(-X beta)); the covariance is
    `taylor_vcov` of the influence values w_i (y_i - mu_i) A⁻¹ x_i, A = sum_i w_i mu_i (1 - mu_i) x_i x_iᵀ.

    Parameters
    ----------
    X : (n, p) float array. Design matrix with its intercept; rows outside the domain are not read.
    y : (n,) float array of 0 and 1 inside the domain.
    design, domain : the whole sample, and the part of it the model is about.
    terms : p names, one per column.

    Returns
    -------
    LogisticFit

    Raises
    ------
    DesignError : fewer PSUs than the model needs to leave a residual degree of freedom, or X, y and design disagree.
    ConvergenceError : an outcome that does not vary, a redundant column, separation, or no convergence.
    """
    rows = domain.rows
    if X.shape != (rows.size, len(terms)) or y.shape != rows.shape:
        raise DesignError(f"X {X.shape}, y {y.shape}: expected ({rows.size}, {len(terms)}) and ({rows.size},).")
    inside, outcome = X[rows], y[rows]
    weights = design.weights[rows] / design.weights[rows].mean()
    _check_estimable(inside, outcome, weights, terms)
    if domain.df + 1 - len(terms) < 1:
        raise DesignError(
            f"{len(terms)} coefficients on {domain.n_psu} PSUs in {domain.n_strata} strata leave no residual degree of "
            "freedom: expected fewer terms or a larger domain."
        )
    beta, n_iter = _maximise(inside, outcome, weights, terms)
    mu = 1 / (1 + np.exp(-(inside @ beta)))
    naive = _symmetric_inverse((inside * (weights * mu * (1 - mu))[:, None]).T @ inside)
    influence = np.zeros_like(X)
    influence[rows] = (inside * (weights * (outcome - mu))[:, None]) @ naive
    return LogisticFit(
        terms=terms,
        beta=beta,
        vcov=taylor_vcov(influence, design),
        naive_vcov=naive,
        deviance=_deviance(outcome, mu, weights),
        n=int(rows.sum()),
        cases=int(outcome.sum()),
        n_psu=domain.n_psu,
        n_strata=domain.n_strata,
        n_iter=n_iter,
    )


def _check_estimable(X: Array, y: Array, weights: Array, terms: tuple[str, ...]) -> None:
    if not np.all(np.isfinite(X)) or not np.all(np.isin(y, (0.0, 1.0))):
        raise ConvergenceError("missing values or an outcome other than 0 and 1 inside the domain: "
                               "expected complete cases.")  # fmt: skip
    if y.min() == y.max():
        raise ConvergenceError(f"the outcome is {y[0]:g} for all {y.size} people: expected some with and some without.")
    scaled = X * np.sqrt(weights)[:, None]
    length = np.linalg.norm(scaled, axis=0)
    scaled = scaled / np.where(length > 0, length, 1.0)
    _, R, pivot = scipy.linalg.qr(scaled, mode="economic", pivoting=True)
    left = np.abs(np.diag(R))
    redundant = [terms[column] for column in pivot[left < COLLINEAR]]
    if redundant:
        raise ConvergenceError(
            f"{', '.join(redundant)}: nothing is left of this column once the others are known (it is constant or a "
            "sum of them in this domain). Remove it from the model, or widen the domain."
        )


def _maximise(X: Array, y: Array, weights: Array, terms: tuple[str, ...]) -> tuple[Array, int]:
    """Point estimate by statsmodels and the iterations it took."""
    _refuse_separation(X, y, terms)
    scale = np.sqrt(np.mean(X**2, axis=0))
    X = X / scale
    model = sm.GLM(y, X, family=sm.families.Binomial(), var_weights=weights)
    with warnings.catch_warnings():
        # Both are raised below as an error of our own; overflow is what running away to infinity looks like.
        for category in (ConvergenceWarning, PerfectSeparationWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        start = _newton_steps(X, y, weights)
        result = model.fit(start, maxiter=MAX_ITERATIONS, tol=0, rtol=TOLERANCE, wls_method="qr")
    beta = np.asarray(result.params)
    if not result.converged or not np.all(np.isfinite(beta)) or np.max(np.abs(X @ beta)) > MAX_LOG_ODDS:
        raise ConvergenceError(
            f"no finite estimate after {result.fit_history['iteration']} iterations: some combination of "
            f"{', '.join(terms[1:])} predicts the outcome without error (separation). Remove or merge terms, or widen "
            "the domain."
        )
    return beta / scale, int(result.fit_history["iteration"])


def _newton_steps(X: Array, y: Array, weights: Array) -> Array | None:
    """A start near the solution, so that statsmodels' dearer iterations are few; None if the steps run away."""
    beta = np.zeros(X.shape[1])
    for _ in range(NEWTON_STEPS):
        mu = 1 / (1 + np.exp(-(X @ beta)))
        information = (X * (weights * mu * (1 - mu))[:, None]).T @ X
        step = np.linalg.lstsq(information, X.T @ (weights * (y - mu)))[0]
        beta = beta + step
    return beta if np.all(np.isfinite(beta)) else None


def _refuse_separation(X: Array, y: Array, terms: tuple[str, ...]) -> None:
    """Name the two-valued column, if any, of which one level has only one outcome."""
    for column, term in enumerate(terms):
        values = X[:, column]
        first = values == values[0]
        other = values[~first]
        if not other.size or np.any(other != other[0]):
            continue
        for level, group in ((values[0], y[first]), (other[0], y[~first])):
            if group.min() == group.max():
                raise ConvergenceError(
                    f"{term}: all {group.size} people with {term} = {level:g} have outcome {group[0]:g}, so its odds "
                    "ratio is infinite (separation). Merge levels, remove the term, or widen the domain."
                )


def _symmetric_inverse(A: Array) -> Array:
    """Inverse of a positive definite matrix, scaled to unit diagonal first: columns differ by orders of magnitude."""
    scale = 1 / np.sqrt(np.diag(A))
    inverse = scipy.linalg.cho_solve(scipy.linalg.cho_factor(A * np.outer(scale, scale)), np.eye(len(A)))
    inverse = inverse * np.outer(scale, scale)
    return (inverse + inverse.T) / 2


def _deviance(y: Array, mu: Array, weights: Array) -> float:
    return float(-2 * np.sum(weights * np.where(y == 1, np.log(mu), np.log1p(-mu))))


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A weighted mean with its design-based error; a proportion where y is 0 or 1."""

    estimate: float
    std_error: float
    df: int
    n: int
    conf_low: float
    conf_high: float


def weighted_mean(y: Array, *, design: SurveyDesign, domain: Domain, conf_level: float = 0.95) -> MeanEstimate:
    """Mean of y in a domain, sum(w y)/sum(w), with a t interval on the design degrees of freedom.

    Parameters
    ----------
    y : (n,) float array, complete inside the domain; not read outside it.
    design, domain : the whole sample, and the part the mean is about.
    conf_level : level of the interval.

    Returns
    -------
    MeanEstimate, in the unit of y. The covariance is `taylor_vcov` of w (y - mean)/sum(w), as R's ``svymean``.

    Raises
    ------
    DesignError : y is missing inside the domain.
    """
    rows = domain.rows
    weights, values = design.weights[rows], y[rows]
    if not np.all(np.isfinite(values)):
        raise DesignError(f"y is missing for {np.sum(~np.isfinite(values))} people in the domain: expected none.")
    mean = float(np.sum(weights * values) / weights.sum())
    influence = np.zeros((rows.size, 1))
    influence[rows, 0] = weights * (values - mean) / weights.sum()
    std_error = float(np.sqrt(taylor_vcov(influence, design)[0, 0]))
    half = float(scipy.stats.t.ppf((1 + conf_level) / 2, domain.df)) * std_error
    return MeanEstimate(mean, std_error, domain.df, int(rows.sum()), mean - half, mean + half)
