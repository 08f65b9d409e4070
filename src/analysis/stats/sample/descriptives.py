"""Means, totals, ratios, proportions and quantiles of a complex sample, by domain.

Each statistic comes three times: of values and weights alone (``mean_of``), so that replicate weights can be put to it;
as influence values (`mean_influence`), so that a covariance with anything else can be had; and as an `Estimate` with
its design-based error. What is linearised has the covariance `taylor_vcov` of its influence values and a t interval on
the design degrees of freedom of the domain.

References
----------
Binder 1983, Int Stat Rev 51:279-292 (linearisation). Woodruff 1952, J Am Stat Assoc 47:635-646 (quantiles).
Checked against R ``survey`` in tests/reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.special

from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet, count_of, same_for_all
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, domain_of, taylor_vcov

COINCIDE = 1e-12
"""Share of the weight by which a cumulated weight may miss p and still count as p: sums of the same weights in another
order differ by less."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number about a domain with its design-based error.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : in the unit of what is estimated.
    df : design degrees of freedom of the domain, to which the interval's t refers.
    n : people in the domain.
    """

    estimate: float
    std_error: float
    df: int
    n: int
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JointEstimates(Discreet):
    """Estimates about several domains with their covariance.

    Attributes
    ----------
    terms : names of the p domains.
    estimate : (p,) float array.
    vcov : (p, p) float array, design-based covariance.
    domains : the p domains.
    union : everybody in any of them; contrasts refer to its degrees of freedom.
    """

    terms: tuple[str, ...]
    estimate: Array
    vcov: Array
    domains: tuple[Domain, ...]
    union: Domain

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Estimates with t intervals on each domain's own df: term, n, estimate, std_error, df, conf_low, conf_high."""
        std_error = np.sqrt(np.diag(self.vcov))
        df = np.array([domain.df for domain in self.domains])
        half = scipy.special.stdtrit(df, (1 + conf_level) / 2) * std_error
        return pd.DataFrame(
            {
                "term": self.terms,
                "n": [int(domain.rows.sum()) for domain in self.domains],
                "estimate": self.estimate,
                "std_error": std_error,
                "df": df,
                "conf_low": self.estimate - half,
                "conf_high": self.estimate + half,
            }
        )

    def contrast(self, coefficients: Mapping[str, float], *, conf_level: float = 0.95) -> Estimate:
        """Linear combination c of the estimates, with variance cᵀ V c and a t interval on the union's df.

        Parameters
        ----------
        coefficients : c by term, 0 for a term that is not named: ``{"women": 1, "men": -1}`` is a difference.
        conf_level : level of the interval.

        Raises
        ------
        DesignError : no coefficient, or one of an unknown term.
        """
        unknown = [term for term in coefficients if term not in self.terms]
        if unknown or not coefficients:
            got = ", ".join(unknown) or "nothing"
            raise DesignError(f"contrast of {got}: expected some of {', '.join(self.terms)}.")
        c = np.array([coefficients.get(term, 0.0) for term in self.terms])
        return _estimate(float(c @ self.estimate), float(c @ self.vcov @ c), self.union, conf_level)


# ---- of values and weights alone
def mean_of(y: Array, weights: Array) -> float:
    """sum(w y) / sum(w) over positive weights; y is not read where the weight is zero."""
    counted = weights > 0
    return float(np.sum(weights[counted] * y[counted]) / weights.sum())


def total_of(y: Array, weights: Array) -> float:
    """sum(w y) over positive weights; y is not read where the weight is zero."""
    counted = weights > 0
    return float(np.sum(weights[counted] * y[counted]))


def ratio_of(y: Array, x: Array, weights: Array) -> float:
    """sum(w y) / sum(w x) over positive weights; y and x are not read where the weight is zero."""
    return total_of(y, weights) / total_of(x, weights)


def quantile_of(y: Array, weights: Array, probability: float) -> float:
    """Lowest value at which the weighted distribution function reaches p, inf{q : F(q) >= p}.

    F(q) = sum(w [y <= q]) / sum(w) over positive weights; R's ``svyquantile(qrule = "math")``, which is its default.
    The rules that interpolate between people are not offered: their answer depends on the order of ties, and changes
    when a record is split in two of half the weight.
    """
    counted = weights > 0
    order = np.argsort(y[counted], kind="stable")
    values, share = y[counted][order], np.cumsum(weights[counted][order]) / weights.sum()
    position = np.searchsorted(share, probability - COINCIDE, side="left")
    return float(values[min(int(position), values.size - 1)])


# ---- influence values
def mean_influence(y: Array, *, design: SurveyDesign, domain: Domain) -> Array:
    """What each person adds to the mean, w (y - mean) / sum(w): (n,) float array, zero outside the domain."""
    rows, weights = domain.rows, design.weights
    return _spread(rows, weights[rows] * (y[rows] - mean_of(y[rows], weights[rows])) / weights[rows].sum())


def total_influence(y: Array, *, design: SurveyDesign, domain: Domain) -> Array:
    """What each person adds to the total, w y: (n,) float array, zero outside the domain."""
    return _spread(domain.rows, design.weights[domain.rows] * y[domain.rows])


def ratio_influence(y: Array, x: Array, *, design: SurveyDesign, domain: Domain) -> Array:
    """What each person adds to the ratio R, w (y - R x) / sum(w x): (n,) float array, zero outside the domain."""
    rows, weights = domain.rows, design.weights[domain.rows]
    ratio = ratio_of(y[rows], x[rows], weights)
    return _spread(rows, weights * (y[rows] - ratio * x[rows]) / total_of(x[rows], weights))


# ---- estimates
def weighted_mean(y: Array, *, design: SurveyDesign, domain: Domain, conf_level: float = 0.95) -> Estimate:
    """Mean of y in a domain, sum(w y)/sum(w), with a t interval on the design degrees of freedom.

    Parameters
    ----------
    y : (n,) float array, complete inside the domain; not read outside it.
    design, domain : the whole sample, and the part the mean is about.
    conf_level : level of the interval.

    Returns
    -------
    Estimate, in the unit of y. The covariance is `taylor_vcov` of w (y - mean)/sum(w), as R's ``svymean``.

    Raises
    ------
    DesignError : y is missing inside the domain or of another shape, or the domain leaves no degree of freedom.
    """
    _check(domain, y=y)
    mean = mean_of(y[domain.rows], design.weights[domain.rows])
    return _linearised(mean, mean_influence(y, design=design, domain=domain), design, domain, conf_level)


def weighted_total(y: Array, *, design: SurveyDesign, domain: Domain, conf_level: float = 0.95) -> Estimate:
    """Total of y in a domain, sum(w y), with a t interval on the design degrees of freedom.

    Parameters
    ----------
    y : (n,) float array, complete inside the domain; 1 for everybody estimates the size of the domain.
    design, domain, conf_level : as for `weighted_mean`.

    Returns
    -------
    Estimate, in the unit of y. The covariance is `taylor_vcov` of w y, as R's ``svytotal``.

    Raises
    ------
    DesignError : as `weighted_mean`.
    """
    _check(domain, y=y)
    total = total_of(y[domain.rows], design.weights[domain.rows])
    return _linearised(total, total_influence(y, design=design, domain=domain), design, domain, conf_level)


def weighted_ratio(y: Array, x: Array, *, design: SurveyDesign, domain: Domain, conf_level: float = 0.95) -> Estimate:
    """Ratio of two totals in a domain, sum(w y)/sum(w x), with a t interval on the design degrees of freedom.

    Parameters
    ----------
    y, x : (n,) float arrays, complete inside the domain.
    design, domain, conf_level : as for `weighted_mean`.

    Returns
    -------
    Estimate, in units of y per unit of x. The covariance is `taylor_vcov` of w (y - R x)/sum(w x), as R's ``svyratio``.

    Raises
    ------
    DesignError : as `weighted_mean`, or the total of x is zero.

    Examples
    --------
    Magnesium per 1,000 kcal of four people in two strata:

    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, domain_of
    >>> design = SurveyDesign(strata=[1, 1, 2, 2], psu=[1, 2, 1, 2], weights=[10, 20, 30, 40])
    >>> magnesium, energy = np.array([200.0, 250, 300, 400]), np.array([1.5, 2.0, 2.5, 2.6])
    >>> found = weighted_ratio(magnesium, energy, design=design, domain=domain_of(design, [True] * 4))
    >>> f"{found.estimate:.1f} ({found.conf_low:.1f} to {found.conf_high:.1f}), {found.df} df"
    '136.8 (80.4 to 193.1), 2 df'
    """
    _check(domain, y=y, x=x)
    weights = design.weights[domain.rows]
    if total_of(x[domain.rows], weights) == 0:
        raise DesignError("the weighted total of x in the domain is 0: expected a denominator other than zero.")
    ratio = ratio_of(y[domain.rows], x[domain.rows], weights)
    return _linearised(ratio, ratio_influence(y, x, design=design, domain=domain), design, domain, conf_level)


def weighted_proportion(y: Array, *, design: SurveyDesign, domain: Domain, conf_level: float = 0.95) -> Estimate:
    """Weighted proportion with y = 1, and an interval that stays between 0 and 1.

    The limits are those of log(p/(1 - p)) +- t SE/(p (1 - p)), t on the design degrees of freedom: R's
    ``svyciprop(method = "logit")``.

    Parameters
    ----------
    y : (n,) float array of 0 and 1 inside the domain.
    design, domain, conf_level : as for `weighted_mean`.

    Returns
    -------
    Estimate, a share of 1; the standard error is that of the mean.

    Raises
    ------
    DesignError : as `weighted_mean`, or y has another value than 0 and 1, or only one of them.
    """
    mean = weighted_mean(y, design=design, domain=domain)
    values = y[domain.rows]
    if not np.all(np.isin(values, (0.0, 1.0))):
        raise DesignError("y has other values than 0 and 1 in the domain: expected 1 for those who are counted.")
    if values.min() == values.max():
        raise DesignError(f"{same_for_all('y', values[0], values.size)} in the domain: expected some of 0 and some "
                          "of 1, or the interval has no width to be found.")  # fmt: skip
    low, high = logit_interval(mean.estimate, mean.std_error, df=mean.df, conf_level=conf_level)
    return Estimate(mean.estimate, mean.std_error, mean.df, mean.n, float(low), float(high))


def weighted_quantile(
    y: Array, *, probability: float, design: SurveyDesign, domain: Domain, conf_level: float = 0.95
) -> Estimate:
    """Quantile of y in a domain with Woodruff's interval.

    q = inf{q : F(q) >= p} (`quantile_of`). The limits are the same quantiles at F(q) -+ t SE(F(q)), where F(q) is the
    weighted mean of [y <= q] and t rests on the design degrees of freedom; the standard error is their distance over
    2 t. This is R's ``svyquantile`` with its defaults, ``qrule = "math"`` and ``interval.type = "mean"``.

    Parameters
    ----------
    y : (n,) float array, complete inside the domain.
    probability : p, between 0 and 1.
    design, domain, conf_level : as for `weighted_mean`.

    Returns
    -------
    Estimate, in the unit of y. A limit is NaN, and the standard error with it, where F(q) -+ t SE leaves [0, 1]: so
    few people do not bound so outlying a quantile. R differs twice: where q is the highest value, whose F has no error,
    it gives an interval without width, and this function none; and below the first person's own share of the weight it
    answers with the second lowest value, and this function with the lowest.

    Raises
    ------
    DesignError : as `weighted_mean`, or the probability is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, domain_of
    >>> design = SurveyDesign(strata=np.repeat([1, 2], 20), psu=np.tile([1, 2], 20), weights=np.arange(1.0, 41))
    >>> median = weighted_quantile(
    ...     np.arange(40.0), probability=0.5, design=design, domain=domain_of(design, np.full(40, True))
    ... )
    >>> median.estimate, median.conf_low < median.estimate < median.conf_high
    (28.0, True)
    """
    if not 0 < probability < 1:
        raise DesignError(f"probability={probability}: expected a number between 0 and 1.")
    _check(domain, y=y)
    values, weights = y[domain.rows], design.weights[domain.rows]
    quantile = quantile_of(values, weights, probability)
    below = weighted_mean((y <= quantile).astype(float), design=design, domain=domain, conf_level=conf_level)
    highest = quantile == values.max()
    low = quantile_of(values, weights, below.conf_low) if below.conf_low >= 0 and not highest else np.nan
    high = quantile_of(values, weights, below.conf_high) if below.conf_high <= 1 and not highest else np.nan
    std_error = (high - low) / (2 * _t(below.df, conf_level))
    return Estimate(quantile, std_error, below.df, below.n, low, high)


def domain_means(y: Array, *, design: SurveyDesign, domains: Mapping[str, Domain]) -> JointEstimates:
    """Means of y in several domains with their covariance, as R's ``svyby(covmat = TRUE)``.

    Domains are correlated where they share PSUs, and may overlap: a difference between them is a
    `JointEstimates.contrast`.

    Parameters
    ----------
    y : (n,) float array, complete inside every domain.
    design : the whole sample.
    domains : parts of it by name.

    Raises
    ------
    DesignError : no domain; otherwise as `weighted_mean`.
    """
    if not domains:
        raise DesignError("no domain was named: expected at least one.")
    for domain in domains.values():
        _check(domain, y=y)
    influence = np.column_stack([mean_influence(y, design=design, domain=domain) for domain in domains.values()])
    return JointEstimates(
        terms=tuple(domains),
        estimate=np.array([mean_of(y[domain.rows], design.weights[domain.rows]) for domain in domains.values()]),
        vcov=taylor_vcov(influence, design),
        domains=tuple(domains.values()),
        union=domain_of(design, np.any([domain.rows for domain in domains.values()], axis=0)),
    )


def logit_interval(
    proportion: Array | float, std_error: Array | float, *, df: int, conf_level: float = 0.95
) -> tuple[Array, Array]:
    """Limits 1/(1 + exp(-(log(p/(1 - p)) -+ t SE/(p (1 - p))))) of proportions; NaN where p is 0 or 1."""
    inside = np.asarray(proportion, dtype=float)
    inside = np.where((inside > 0) & (inside < 1), inside, np.nan)
    half = _t(df, conf_level) * std_error / (inside * (1 - inside))
    logit = scipy.special.logit(inside)
    return scipy.special.expit(logit - half), scipy.special.expit(logit + half)


def _check(domain: Domain, **columns: Array) -> None:
    rows = domain.rows
    for name, values in columns.items():
        if values.shape != rows.shape:
            raise DesignError(f"{name} {values.shape}: expected {rows.shape}, one value per sampled row.")
        unknown = np.sum(~np.isfinite(values[rows]))
        if unknown:
            raise DesignError(f"{name} is missing for {count_of(unknown)} people in the domain: expected none.")
    if domain.df < 1:
        raise DesignError(f"{domain.n_psu} PSUs in {domain.n_strata} strata leave no degree of freedom for an "
                          "interval: expected a larger domain.")  # fmt: skip


def _linearised(value: float, influence: Array, design: SurveyDesign, domain: Domain, conf_level: float) -> Estimate:
    return _estimate(value, float(taylor_vcov(influence[:, None], design)[0, 0]), domain, conf_level)


def _estimate(value: float, variance: float, domain: Domain, conf_level: float) -> Estimate:
    # Rounding may leave the variance of a contrast that does not vary just below zero.
    std_error = float(np.sqrt(max(variance, 0.0)))
    half = _t(domain.df, conf_level) * std_error
    return Estimate(value, std_error, domain.df, int(domain.rows.sum()), value - half, value + half)


def _t(df: int, conf_level: float) -> float:
    return float(scipy.special.stdtrit(df, (1 + conf_level) / 2))


def _spread(rows: Bools, values: Array) -> Array:
    """Values of the domain's rows in their places among all rows, zero elsewhere."""
    everywhere = np.zeros(rows.size)
    everywhere[rows] = values
    return everywhere
