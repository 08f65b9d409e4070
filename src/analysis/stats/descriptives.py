"""Means and proportions of a complex sample, by domain."""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.design import DesignError, Domain, SurveyDesign, taylor_vcov
from analysis.stats.splines import Array


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
    DesignError : y is missing inside the domain or of another shape, or the domain leaves no degree of freedom.
    """
    rows = domain.rows
    if y.shape != rows.shape:
        raise DesignError(f"y {y.shape}: expected {rows.shape}, one value per sampled row.")
    if domain.df < 1:
        raise DesignError(f"{domain.n_psu} PSUs in {domain.n_strata} strata leave no degree of freedom for an "
                          "interval: expected a larger domain.")  # fmt: skip
    weights, values = design.weights[rows], y[rows]
    if not np.all(np.isfinite(values)):
        raise DesignError(f"y is missing for {np.sum(~np.isfinite(values))} people in the domain: expected none.")
    mean = float(np.sum(weights * values) / weights.sum())
    influence = np.zeros((rows.size, 1))
    influence[rows, 0] = weights * (values - mean) / weights.sum()
    std_error = float(np.sqrt(taylor_vcov(influence, design)[0, 0]))
    half = float(scipy.stats.t.ppf((1 + conf_level) / 2, domain.df)) * std_error
    return MeanEstimate(mean, std_error, domain.df, int(rows.sum()), mean - half, mean + half)
