"""The two-piece linear logistic model: where the slope breaks, the slopes on either side, and whether there is a break.

log odds = a + b1 (x - c) + b2 (x - c)₊ + adjustment. The breakpoint c is where the weighted pseudo-deviance of this
model is least, the best of many that were tried, and three things follow from that.

- The t-test of b2 at that c is naive: it treats c as if it had been known beforehand. Without any break it rejects
  about four times as often as it claims. The p-value to report is that of `search_test`, whose null distribution
  is that of the largest statistic over all c that were tried. The naive one is only printed beside it. Now and then it
  is the larger one: the c of least deviance, where it is taken, need not be that of the largest statistic.
- The standard errors of the slopes are those given c.
- The breakpoint's interval comes from design-bootstrap replicates, each of which searches anew.

A breakpoint is not the lowest point of a curve (`analysis.stats.shape.nadir`). The one is where the slope changes most,
and may be so between two falling lines or two rising ones; the other is where a curve stops falling, and a smooth curve
has one without any break. They lie apart: a published "threshold" of phosphorus, 939.44 mg, lies where the low point
of a four-knot spline lies, while the best two-piece breakpoint of the same data is near 740 mg.

References
----------
Hansen 1996, Econometrica 64:413-430 (a parameter that does not exist under the null; multiplier bootstrap of the score
process). Rao, Wu & Yue 1992, Surv Methodol 18:209-217 (bootstrap). Checked against R ``survey::svyglm`` and a score
process written out in R in tests/reference.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg.lapack import dpotrf, dpotrs

from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet
from analysis.stats.monte_carlo import quantile_error
from analysis.stats.regression.estimable import check_people
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import Contrasts, contrast
from analysis.stats.regression.quick import Regression, fit_in_turn, fit_quickly, people_of
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.regression.score_process import SupScore, sup_score
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign
from analysis.stats.sample.replicates import Replicates
from analysis.stats.shape.nadir import RANGE

POINTS = 40
FINE_POINTS = 25
"""Candidates in the first search, and in the second between the two neighbours of the first one's best."""

FEWEST_ON_A_SIDE, FEWEST_CASES = 20, 5
"""A break with fewer people, or fewer with or without the outcome, on a side is not a candidate."""

FEWEST_VALUES = 5
SINGULAR = 1e-8
"""Eigenvalue of a replicate's information, one in the full sample, up to which the replicate has no estimate."""

CHUNK = 64
"""Replicates whose (m, CHUNK) linear predictors are held at a time."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BreakpointReplicates(Discreet):
    """Breakpoints of B bootstrap replicates.

    Attributes
    ----------
    breakpoint : (B,) float array, each one of the candidates; NaN for a replicate without an estimate.
    low, high : first and last candidate.
    """

    breakpoint: Array
    low: float
    high: float

    @property
    def failed(self) -> int:
        """Number of replicates without an estimate."""
        return int(np.sum(np.isnan(self.breakpoint)))

    def interval(self, conf_level: float) -> tuple[float, float]:
        """Percentile interval, its ends breakpoints of replicates: closest observation, not between two of them."""
        tails = ((1 - conf_level) / 2, (1 + conf_level) / 2)
        low, high = np.nanquantile(self.breakpoint, tails, method="closest_observation")
        return float(low), float(high)

    def interval_errors(self, conf_level: float) -> tuple[float, float]:
        """Monte Carlo errors of the interval's ends, see `analysis.stats.monte_carlo.quantile_error`."""
        known, tail = self.breakpoint[~np.isnan(self.breakpoint)], (1 - conf_level) / 2
        return quantile_error(known, tail), quantile_error(known, 1 - tail)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Threshold(Discreet):
    """A two-piece linear logistic regression with its break.

    Attributes
    ----------
    breakpoint : c of least deviance, in the unit of x.
    conf_low, conf_high : percentile interval of the bootstrap; NaN without replicates.
    conf_level : its level.
    low_error, high_error : Monte Carlo errors of the interval's ends; NaN without replicates.
    low, high : range that was searched.
    slopes : ``slope_below`` b1, ``slope_above`` b1 + b2 and ``change`` b2, log odds per unit of x; errors given c.
    fit : the regression at c.
    linear_deviance : of the model without a break, weights of mean 1, as all deviances here.
    c, deviance, wald : (G,) candidates of the first search in order, the deviance there, and the design-based Wald
        statistic of b2; NaN for one without an estimate.
    search : the test that pays for the search.
    replicates : breakpoints of the bootstrap, None without.
    """

    breakpoint: float
    conf_low: float
    conf_high: float
    conf_level: float
    low_error: float
    high_error: float
    low: float
    high: float
    slopes: Contrasts
    fit: LogisticFit
    linear_deviance: float
    c: Array
    deviance: Array
    wald: Array
    search: SupScore
    replicates: BreakpointReplicates | None

    @property
    def naive_p(self) -> float:
        """P-value of the change of slope as if c had been known: too small, for comparison only."""
        return float(self.slopes.to_frame()["p_value"].iloc[2])

    @property
    def search_p(self) -> float:
        """P-value of the break, search included: the one to report."""
        return self.search.p_value

    @property
    def search_p_error(self) -> float:
        """Monte Carlo error of `search_p`."""
        return self.search.p_error

    @property
    def open_ends(self) -> tuple[bool, bool]:
        """Whether the interval begins, ends, where the search does: how far beyond the break may lie is not known."""
        return self.conf_low <= float(self.c[0]), self.conf_high >= float(self.c[-1])

    @property
    def wald_search_p(self) -> float:
        """P-value of the largest Wald statistic of full fits under the null distribution of the largest score."""
        return self.search.tail(float(np.nanmax(self.wald)))

    def to_frame(self) -> pd.DataFrame:
        """Results as rows: term, estimate, std_error, statistic, df, p_value, conf_low, conf_high.

        Returns
        -------
        Rows ``breakpoint``, ``slope_below``, ``slope_above``, ``change`` (naive p-value), ``search_score`` and
        ``search_wald`` (largest statistics; p-values that pay for the search). What a row does not have is NaN.
        """
        searched = pd.DataFrame({
            "term": ["search_score", "search_wald"],
            "statistic": [self.search.statistic, np.nanmax(self.wald)],
            "df": self.search.df,
            "p_value": [self.search_p, self.wald_search_p],
        })  # fmt: skip
        place = pd.DataFrame({"term": ["breakpoint"], "estimate": [self.breakpoint], "conf_low": [self.conf_low],
                              "conf_high": [self.conf_high]})  # fmt: skip
        slopes = self.slopes.to_frame(conf_level=self.conf_level)
        return pd.concat([place, slopes, searched], ignore_index=True)[slopes.columns.tolist()]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _People(Discreet):
    """What every model of a search shares: the domain's rows.

    Attributes
    ----------
    linear : (m, 2 + q) columns of the model without a break: intercept, x less its mean, adjustment.
    terms : their names.
    y, weights : (m,) outcome, and weights of mean 1.
    """

    x: Array
    y: Array
    linear: Array
    terms: tuple[str, ...]
    weights: Array
    design: SurveyDesign
    domain: Domain

    def linear_model(self) -> Regression:
        """The model without a break."""
        return Regression(self.linear, self.y, self.domain, self.terms)

    def broken(self, c: float) -> Regression:
        """The model with a break at c."""
        pieces = np.column_stack([np.ones_like(self.x), self.x - c, np.maximum(self.x - c, 0.0)])
        X = np.hstack([pieces, self.linear[:, 2:]])
        return Regression(X, self.y, self.domain, ("intercept", "below", "change", *self.terms[2:]))


def fit_threshold(
    x: Array,
    y: Array,
    adjustment: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    low: float | None = None,
    high: float | None = None,
    points: int = POINTS,
    draws: int | None = None,
    seed: int = 0,
    replicates: Replicates | None = None,
    conf_level: float = 0.95,
) -> Threshold:
    """Fit the two-piece model and test its break.

    c = argmin D(c), D the weighted pseudo-deviance, over the candidates of `break_grid` and then over 25 points between
    the two neighbours of the best of them.

    Parameters
    ----------
    x, y : (m,) exposure, and outcome of 0 and 1; the domain's rows only, in the order of the design.
    adjustment : (m, q) float array, no intercept; q may be zero.
    design, domain : the whole sample, and the m rows of it the model is about.
    low, high : range of the search; by default the 5th and 95th percentile of x: beyond, a slope rests on extremes.
    points : number of candidates.
    draws, seed : of `search_test`; by default as many draws as its p-value needs.
    replicates : bootstrap replicates for the interval of the breakpoint; none without.
    conf_level : level of the interval.

    Returns
    -------
    Threshold

    Raises
    ------
    DesignError : arrays that do not match; a range, an exposure or a number of people as `break_grid` refuses; no
        estimate at any candidate.
    ConvergenceError : the model without a break has no estimate.

    Examples
    --------
    >>> from analysis.stats import SurveyDesign, domain_of  # risk falls up to 5 and then stays
    >>> x, u = np.random.default_rng(1).uniform(0, 10, (2, 3000))
    >>> ill = (u / 10 < 1 / (1 + np.exp(-np.maximum(4 - x, -1)))).astype(float)
    >>> design = SurveyDesign(strata=np.arange(3000) % 15, psu=np.arange(3000) % 30, weights=np.ones(3000))
    >>> people = {"design": design, "domain": domain_of(design, x >= 0)}
    >>> found = fit_threshold(x, ill, np.empty((3000, 0)), **people, points=21, draws=1000)
    >>> bool(4.5 < found.breakpoint < 5.5), bool(found.search_p < 0.01)
    (True, True)
    """
    people = _gather(x, y, adjustment, design, domain)
    ends = np.quantile(people.x, RANGE)
    low, high = float(ends[0] if low is None else low), float(ends[1] if high is None else high)
    c = break_grid(people.x, people.y, low=low, high=high, points=points)
    linear = fit_quickly(people.linear_model(), design)
    fits = _profile(people, c)
    deviance = np.array([np.nan if one is None else one.deviance for one in fits])
    best, fit = _refine(people, c, int(np.nanargmin(deviance)))
    slopes = contrast(fit, np.array([[1.0, 0], [1, 1], [0, 1]]), terms=("below", "change"),
                      labels=("slope_below", "slope_above", "change"))  # fmt: skip
    found, interval, errors = None, (np.nan, np.nan), (np.nan, np.nan)
    if replicates is not None:
        found = _replicate_breakpoints(people, c, fits, replicates, exact=False)
        interval, errors = found.interval(conf_level), found.interval_errors(conf_level)
    return Threshold(
        breakpoint=best,
        conf_low=interval[0],
        conf_high=interval[1],
        conf_level=conf_level,
        low_error=errors[0],
        high_error=errors[1],
        low=low,
        high=high,
        slopes=slopes,
        fit=fit,
        linear_deviance=linear.deviance,
        c=c,
        deviance=deviance,
        wald=np.array([np.nan if one is None else one.beta[2] ** 2 / one.vcov[2, 2] for one in fits]),
        search=_search(people, linear, c, draws, seed),
        replicates=found,
    )


# ---- candidates
def break_grid(x: Array, y: Array, *, low: float, high: float, points: int = POINTS) -> Array:
    """Candidates for the breakpoint: type-7 quantiles of the x between low and high, evenly spaced in probability.

    Quantiles are unweighted, as knots are. Candidates with fewer than 20 people, or fewer than 5 with or 5 without
    the outcome, at or below or above them are dropped.

    Parameters
    ----------
    x, y : (m,) exposure and outcome.
    low, high : range, in the unit of x.
    points : number of quantiles.

    Returns
    -------
    (G,) float array, increasing, G at most ``points``.

    Raises
    ------
    DesignError : a range that does not increase, an exposure that is constant or has fewer than 5 distinct values in
        the range, fewer than 2 points, or no candidate with enough people on both sides.
    """
    if not low < high:
        raise DesignError(f"range from {low:g} to {high:g}: expected low < high. Is the exposure constant?")
    if points < 2:
        raise DesignError(f"{points} points: expected at least 2 candidates for a breakpoint.")
    inside = x[(x >= low) & (x <= high)]
    values = np.unique(inside).size
    if values < FEWEST_VALUES:
        raise DesignError(f"{values} distinct values of the exposure from {low:g} to {high:g}: expected at least "
                          f"{FEWEST_VALUES} to look for a break between them.")  # fmt: skip
    grid = np.unique(np.quantile(inside, np.linspace(0, 1, points)))
    enough = (grid > x.min()) & (grid < x.max())  # beyond everybody a break is none, or the line itself
    for group, fewest in ((x, FEWEST_ON_A_SIDE), (x[y == 1], FEWEST_CASES), (x[y == 0], FEWEST_CASES)):
        below = np.searchsorted(np.sort(group), grid, side="right")
        enough &= np.minimum(below, group.size - below) >= fewest
    if not enough.any():
        raise DesignError(
            f"no breakpoint from {low:g} to {high:g} has {FEWEST_ON_A_SIDE} people, {FEWEST_CASES} with and "
            f"{FEWEST_CASES} without the outcome, on each side: expected one. Widen the domain or move the range."
        )
    return grid[enough]


def _gather(x: Array, y: Array, adjustment: Array, design: SurveyDesign, domain: Domain) -> _People:
    check_people(x, y, adjustment, domain)
    terms = tuple(f"adjustment_{number}" for number in range(1, adjustment.shape[1] + 1))
    weights = design.weights[domain.rows]
    linear = np.column_stack([np.ones(x.size), x - x.mean(), adjustment])
    return _People(x, y, linear, ("intercept", "x", *terms), weights / weights.mean(), design, domain)


# ---- the profile
def _profile(people: _People, c: Array) -> list[LogisticFit | None]:
    """The fit at each candidate, None where there is no estimate."""
    found = fit_in_turn((people.broken(float(at)) for at in c), people.design)
    fits = [one if isinstance(one, LogisticFit) else None for one in found]
    if not any(fits):
        raise DesignError(f"none of {c.size} breakpoints has an estimate. At the first: {found[0]}")
    return fits


def _refine(people: _People, c: Array, at: int) -> tuple[float, LogisticFit]:
    """The best of a fine grid between the neighbours of the best candidate, itself included."""
    fine = np.append(c[at], np.linspace(c[max(at - 1, 0)], c[min(at + 1, c.size - 1)], FINE_POINTS))
    tried = zip(fine, _profile(people, fine), strict=True)
    return min(((float(place), fit) for place, fit in tried if fit is not None), key=lambda one: one[1].deviance)


# ---- the test that pays for the search
def search_test(
    x: Array,
    y: Array,
    adjustment: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    c: Array,
    draws: int | None = None,
    seed: int = 0,
) -> SupScore:
    """Test a linear exposure against a break anywhere among the candidates, without fitting any two-piece model.

    The candidates' columns are (x - c)₊; see `sup_score`. This is the p-value to report. Its null distribution is that
    of the very process it is the largest value of, and nothing is estimated under a break. The largest Wald statistic
    of full fits has the same limit and is shown beside it; its null distribution is borrowed, and it is usually the
    larger of the two, because its error is that of a model which has been bent to fit. Over simulated surveys of 87
    PSUs without a break the score rejected at 5 % in 4.0 to 4.3 % of 400 to 500, the Wald in 4.4 to 5.3 %, the naive
    test in 20 %.

    Parameters
    ----------
    x, y, adjustment, design, domain : as `fit_threshold`.
    c : (G,) candidates, see `break_grid`.
    draws, seed : as `sup_score`: by default as many null draws as the p-value needs.

    Returns
    -------
    SupScore

    Raises
    ------
    DesignError : arrays that do not match, no candidate, no draws, or a candidate with nobody on one side.
    ConvergenceError : the linear model has no estimate.
    """
    people = _gather(x, y, adjustment, design, domain)
    return _search(people, fit_quickly(people.linear_model(), design), c, draws, seed)


def _search(people: _People, linear: LogisticFit, c: Array, draws: int | None, seed: int) -> SupScore:
    columns = np.maximum(people.x[:, None] - c, 0.0)
    return sup_score(linear, people.linear, people.y, columns, design=people.design, domain=people.domain,
                     draws=draws, seed=seed)  # fmt: skip


# ---- the interval of the breakpoint
def replicate_breakpoints(
    x: Array, y: Array, adjustment: Array, *, design: SurveyDesign, domain: Domain, c: Array, replicates: Replicates,
    exact: bool = False,
) -> BreakpointReplicates:  # fmt: skip
    """The candidate of least deviance in each replicate.

    By default the deviance of replicate b at c is that after one Newton step from the full sample's estimate at the
    same c, to second order: D_b(c) = sum_i f_bi d_i(c) - u_bᵀ A_b⁻¹ u_b, where d_i is a person's share of the deviance,
    f the replicate's factors, and u_b and A_b its score and information. All three are sums of PSU totals times
    factors, so no replicate reads the data. ``exact`` refits every replicate at every candidate instead, at some
    thirty times the time; a test holds the two to each other.

    Parameters
    ----------
    x, y, adjustment, design, domain : as `fit_threshold`.
    c : (G,) candidates, see `break_grid`.
    replicates : with a factor for each PSU, of `analysis.stats.sample.replicates.bootstrap`.
    exact : refit.

    Returns
    -------
    BreakpointReplicates

    Raises
    ------
    DesignError : replicates by row or of another design, or none with an estimate.
    """
    people = _gather(x, y, adjustment, design, domain)
    return _replicate_breakpoints(people, c, _profile(people, c), replicates, exact=exact)


def _replicate_breakpoints(
    people: _People, c: Array, fits: list[LogisticFit | None], replicates: Replicates, *, exact: bool
) -> BreakpointReplicates:
    if replicates.unit != "psu" or len(replicates.factors) != people.design.psu_stratum.size:
        raise DesignError(f"replicates of {len(replicates.factors)} {replicates.unit}s: expected factors for the "
                          f"{people.design.psu_stratum.size} PSUs of the design.")  # fmt: skip
    able = [(float(at), fit) for at, fit in zip(c, fits, strict=True) if fit is not None]
    profile = _exact_deviances if exact else _stepped_deviances
    deviance = np.column_stack([profile(people, people.broken(at), fit, replicates.factors) for at, fit in able])
    lost = np.all(np.isnan(deviance), axis=1)
    if lost.all():
        raise DesignError(f"none of {lost.size} replicates has an estimate: expected most of them. Widen the domain.")
    best = np.argmin(np.where(np.isnan(deviance), np.inf, deviance), axis=1)
    places = np.array([at for at, _ in able])
    return BreakpointReplicates(np.where(lost, np.nan, places[best]), float(places[0]), float(places[-1]))


def _stepped_deviances(people: _People, model: Regression, fit: LogisticFit, factors: Array) -> Array:
    """(B,) deviances of the replicates after one step from the full sample's fit; NaN where there is none."""
    by_psu, n_psu = people_of(people.domain, people.design), people.design.psu_stratum.size
    scale = np.sqrt(np.diag(fit.naive_vcov))
    # In these coordinates the full sample's information is the identity, so the size of an eigenvalue means something.
    rotation = scale[:, None] * np.linalg.cholesky(fit.naive_vcov / np.outer(scale, scale))
    X, y, weights = by_psu.placed(model.X.T).T, by_psu.placed(people.y), by_psu.weights
    eta, mu = X @ fit.beta, fit.mean(X)
    Z = rotation.T @ X.T
    losses = -2 * weights * (y * eta - np.logaddexp(0, eta))
    totals = by_psu.totals(np.vstack([losses, Z * (weights * (y - mu))]), n_psu)
    blocks = np.zeros((n_psu, scale.size, scale.size))
    for psu, rows in zip(
        by_psu.psu, np.split(Z * np.sqrt(weights * mu * (1 - mu)), by_psu.starts[1:], axis=1), strict=True
    ):
        blocks[psu] = rows @ rows.T
    deviance, score = np.split(factors.T @ totals, [1], axis=1)
    information = np.tensordot(factors.T, blocks, axes=1)
    return deviance[:, 0] - [_fall(one, u) for one, u in zip(information, score, strict=True)]


def _fall(information: Array, score: Array) -> float:
    """uᵀ A⁻¹ u of one replicate; NaN where its information is singular.

    A Cholesky factor takes a sixth of the time of eigenvalues. The square of its least pivot is no less than the least
    eigenvalue and seldom much more, so eigenvalues are looked at only where it comes near `SINGULAR`.
    """
    factor, failed = dpotrf(information, lower=1)
    near = failed or factor.diagonal().min() ** 2 < 1e4 * SINGULAR
    if near and np.linalg.eigvalsh(information)[0] <= SINGULAR:
        return np.nan
    return float(score @ dpotrs(factor, score, lower=1)[0])


def _exact_deviances(people: _People, model: Regression, fit: LogisticFit, factors: Array) -> Array:
    """(B,) deviances of the replicates at their own estimates."""
    beta = refit_logistic(model.X, model.y, design=people.design, domain=people.domain, fit=fit, factors=factors).beta
    deviance, able = np.full(len(beta), np.nan), np.flatnonzero(np.isfinite(beta[:, 0]))
    for chunk in np.split(able, np.arange(CHUNK, able.size, CHUNK)):
        eta = model.X @ beta[chunk].T
        losses = (np.logaddexp(0, eta) - people.y[:, None] * eta) * people.weights[:, None]
        totals = people.design.psu_sums[:, np.flatnonzero(people.domain.rows)] @ losses
        deviance[chunk] = 2 * np.sum(totals * factors[:, chunk], axis=0)
    return deviance
