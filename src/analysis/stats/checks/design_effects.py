"""What weights and clusters cost in precision: design effects and effective sample sizes.

References
----------
Kish 1965, Survey Sampling, Wiley (design effect, effective sample size). Checked against R ``survey`` in
tests/reference.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import FEWEST_PEOPLE, Discreet, count_of, same_for_all
from analysis.stats.regression.estimable import check_rows
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign

SimpleSample = Literal["with_replacement", "without_replacement"]

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
"""Of the weights; the smallest and the largest weight belong to one person each."""


# ---- design effects
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DesignEffects(Discreet):
    """How much larger the variances are than those of a simple random sample of as many people.

    Attributes
    ----------
    terms : names of the p estimates.
    variance, variance_srs : (p,) design-based variance, and that of the simple random sample.
    n : people.
    """

    terms: tuple[str, ...]
    variance: Array
    variance_srs: Array
    n: int

    @property
    def deff(self) -> Array:
        """Design effect, variance / variance_srs."""
        return self.variance / self.variance_srs

    @property
    def n_effective(self) -> Array:
        """People of a simple random sample that would tell as much, n / deff."""
        return self.n / self.deff

    def to_frame(self) -> pd.DataFrame:
        """A row an estimate: term, n, variance, variance_srs, deff, deft (its square root), n_effective."""
        return pd.DataFrame(
            {
                "term": self.terms,
                "n": self.n,
                "variance": self.variance,
                "variance_srs": self.variance_srs,
                "deff": self.deff,
                "deft": np.sqrt(self.deff),
                "n_effective": self.n_effective,
            }
        )


def design_effect_of_mean(
    y: Array, *, design: SurveyDesign, domain: Domain, simple_sample: SimpleSample = "with_replacement"
) -> DesignEffects:
    """Design effect of a weighted mean in a domain.

    variance_srs = s²/n with s² = n/(n - 1) sum w (y - mean)²/sum w (R's ``svymean(deff = "replace")``); without
    replacement it is s²/n (1 - n/sum w), where the weights must add up to the population (R's ``deff = TRUE``).

    Parameters
    ----------
    y : (n,) float array, complete inside the domain.
    design, domain : the whole sample, and the part the mean is about.
    simple_sample : how the sample compared with is drawn.

    Raises
    ------
    DesignError : as `weighted_mean`; y is the same for everybody; an unknown ``simple_sample``, or one without
        replacement from weights that add up to no more than the people sampled.
    """
    if simple_sample not in get_args(SimpleSample):
        raise DesignError(f"simple_sample={simple_sample!r}: expected one of {', '.join(get_args(SimpleSample))}.")
    mean = weighted_mean(y, design=design, domain=domain)
    weights, values, n = design.weights[domain.rows], y[domain.rows], mean.n
    if values.min() == values.max():
        raise DesignError(f"{same_for_all('y', values[0], n)}: expected some variation, or no design effect exists.")
    variance_srs = np.sum(weights * (values - mean.estimate) ** 2) / weights.sum() / (n - 1)
    if simple_sample == "without_replacement":
        if weights.sum() <= n:
            raise DesignError(f"the weights of {count_of(n)} people add up to no more than their number: expected "
                              'weights that count the population, or simple_sample="with_replacement".')  # fmt: skip
        variance_srs = variance_srs * (1 - n / weights.sum())
    return DesignEffects(("mean",), np.array([mean.std_error**2]), np.array([variance_srs]), n)


def design_effects_of_coefficients(
    fit: LogisticFit, X: Array, y: Array, *, design: SurveyDesign, domain: Domain
) -> DesignEffects:
    """Design effects of regression coefficients, as R's ``svyglm(family = quasibinomial(), deff = TRUE)``.

    variance_srs = phi naive_vcov, the covariance of a regression weighted to mean 1 that knows no clusters, with
    Pearson's dispersion phi = sum_i w_i (y_i - mu_i)²/(mu_i (1 - mu_i)) / (n - p).

    Parameters
    ----------
    fit : the regression.
    X, y, design, domain : what it was fitted to; see `fit_logistic`.
    """
    check_rows(X, y, domain, fit.terms)
    weights = design.weights[domain.rows] / design.weights[domain.rows].mean()
    mu = 1 / (1 + np.exp(-(X @ fit.beta)))
    dispersion = np.sum(weights * (y - mu) ** 2 / (mu * (1 - mu))) / (fit.n - len(fit.terms))
    return DesignEffects(fit.terms, np.diag(fit.vcov), dispersion * np.diag(fit.naive_vcov), fit.n)


# ---- weights
def kish_effective_size(weights: Array) -> float:
    """Kish's effective sample size, (sum w)²/sum w²: what unequal weights alone leave of it.

    Raises
    ------
    DesignError : negative or missing weights, or none above zero.

    Examples
    --------
    >>> import numpy as np
    >>> f"{kish_effective_size(np.array([1.0, 1.0, 2.0])):.3f}"
    '2.667'
    """
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or not np.any(weights > 0):
        raise DesignError("weights that are negative, missing or all zero: expected numbers >= 0, some above zero.")
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / np.sum(scaled**2))


@dataclass(frozen=True, slots=True)
class WeightSummary:
    """The weights of a domain.

    Attributes
    ----------
    n, n_positive : people, and those whose weight is not zero; all that follows is about the latter.
    total, mean, cv : sum, mean, and coefficient of variation (standard deviation with divisor n over mean).
    kish_deff, n_effective : 1 + cv², and n_positive / kish_deff = (sum w)²/sum w².
    percentiles : unweighted, of `PERCENTILES` (type 7); NaN with fewer than 10 people beyond.
    top_share : share of the total carried by the 1 % of people who weigh most; NaN if these are fewer than 10.
    """

    n: int
    n_positive: int
    total: float
    mean: float
    cv: float
    kish_deff: float
    n_effective: float
    percentiles: tuple[float, ...]
    top_share: float

    def to_frame(self) -> pd.DataFrame:
        """One row: the attributes, with a column p1, p5, ... per percentile."""
        single = {name: getattr(self, name) for name in self.__slots__ if name != "percentiles"}
        quantiles = {f"p{at}": value for at, value in zip(PERCENTILES, self.percentiles, strict=True)}
        return pd.DataFrame([single | quantiles])


def summarise_weights(design: SurveyDesign, *, rows: Bools) -> WeightSummary:
    """Summary of the weights of some rows of a design, without a value that belongs to one person.

    Parameters
    ----------
    design : the whole sample.
    rows : (n,) boolean array, those to summarise; rows of weight zero are counted in ``n`` alone.

    Raises
    ------
    DesignError : rows of another shape, or fewer than 10 people of positive weight.
    """
    rows = np.asarray(rows, dtype=bool)
    if rows.shape != design.weights.shape:
        raise DesignError(f"rows of shape {rows.shape}: expected {design.weights.shape}, one entry per sampled row.")
    weights = np.sort(design.weights[rows & (design.weights > 0)])
    n = weights.size
    if n < FEWEST_PEOPLE:
        raise DesignError(f"{count_of(n)} people of positive weight: expected at least {FEWEST_PEOPLE}, or the summary "
                          "describes single people.")  # fmt: skip
    quantiles = np.percentile(weights, PERCENTILES)
    beyond = n * np.minimum(PERCENTILES, 100 - np.array(PERCENTILES)) / 100
    heaviest = -(-n // 100)
    n_effective = kish_effective_size(weights)
    return WeightSummary(
        n=int(rows.sum()),
        n_positive=n,
        total=float(weights.sum()),
        mean=float(weights.mean()),
        cv=float(weights.std() / weights.mean()),
        kish_deff=n / n_effective,
        n_effective=n_effective,
        percentiles=tuple(np.where(beyond < FEWEST_PEOPLE, np.nan, quantiles).tolist()),
        top_share=float(weights[-heaviest:].sum() / weights.sum()) if heaviest >= FEWEST_PEOPLE else np.nan,
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectiveSizes(Discreet):
    """Kish's effective sample size in m bins of an exposure.

    Attributes
    ----------
    edges : (m + 1,) edges in the exposure's unit; bin k is (edge k, edge k + 1], the first one closed on both sides.
    n, n_psu, n_effective : (m,) people, PSUs they come from, and effective sample size; NaN with fewer than 10 people.
    """

    edges: Array
    n: Array
    n_psu: Array
    n_effective: Array

    def to_frame(self) -> pd.DataFrame:
        """A row a bin: low, high, n, n_psu, n_effective, deff."""
        return pd.DataFrame(
            {
                "low": self.edges[:-1],
                "high": self.edges[1:],
                "n": self.n,
                "n_psu": self.n_psu,
                "n_effective": self.n_effective,
                "deff": self.n / self.n_effective,
            }
        )


def effective_sizes(x: Array, *, design: SurveyDesign, domain: Domain, edges: Array) -> EffectiveSizes:
    """People, PSUs and Kish's effective sample size along an exposure.

    Parameters
    ----------
    x : (n,) float array, the exposure; complete inside the domain.
    design, domain : the whole sample, and the part to count.
    edges : (m + 1,) float array, increasing; people beyond the outer edges are in no bin.

    Raises
    ------
    DesignError : x of another shape or missing inside the domain, or edges that do not increase.
    """
    edges = np.asarray(edges, dtype=float)
    if edges.ndim != 1 or edges.size < 2 or not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0):
        raise DesignError(f"edges {edges.tolist()}: expected at least two numbers that increase.")
    if x.shape != domain.rows.shape:
        raise DesignError(f"x {x.shape}: expected {domain.rows.shape}, one value per sampled row.")
    values, weights, psu = x[domain.rows], design.weights[domain.rows], design.psu_index[domain.rows]
    if not np.all(np.isfinite(values)):
        raise DesignError(
            f"x is missing for {count_of(np.sum(~np.isfinite(values)))} people in the domain: expected none."
        )
    position = np.searchsorted(edges, values, side="left") - 1
    position[values == edges[0]] = 0
    counts = np.full((3, edges.size - 1), np.nan)
    for number in range(edges.size - 1):
        inside = position == number
        if inside.sum() >= FEWEST_PEOPLE:
            counts[:, number] = inside.sum(), np.unique(psu[inside]).size, kish_effective_size(weights[inside])
    return EffectiveSizes(edges, *counts)
