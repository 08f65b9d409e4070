"""The kinds of published number, each one function of a replication's people.

Means, prevalences and ratios have Taylor linearisation; empty primary sampling units of a domain count as zero, and t
is on the PSUs minus strata of the domain, of ratios too: as the recomputed numbers that these are held against. A ratio
whose regression leaves no residual degree of freedom has no interval.
"""

import dataclasses
import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from analysis.data.people.conditions import ConditionError, select_rows, truth_of
from analysis.data.people.weights import pooled_weight
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.fit import LogisticFit, RiskFit, fit_logistic, fit_risk
from analysis.stats.sample.descriptives import Estimate, quantile_of, weighted_mean
from analysis.stats.sample.design import Domain, SurveyDesign, domain_of
from analysis.study import CATEGORIES
from analysis.validation.studies.replication import (
    PRINTED_LEVEL,
    MeasureKind,
    Replication,
    ReplicationError,
    Unknown,
    Untried,
)

COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_LOG = re.compile(r"(log|log2|log10)\(([a-z][a-z0-9_]*)\)")
_LOGARITHMS = {"log": np.log, "log2": np.log2, "log10": np.log10}
_RATIO = re.compile(r"([a-z][a-z0-9_]*) */ *([a-z][a-z0-9_]*)")


class NothingToCompareError(AnalysisError):
    """People among whom the exposure, or its group, is the same for all."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Our number for a published one; NaN and None where it has no such thing.

    P is of a ratio, against 1; the standard error is of a mean or prevalence, in its unit; ``why`` says why a ratio has
    neither interval nor p.
    """

    estimate: float
    conf_low: float = float("nan")
    conf_high: float = float("nan")
    n: int | None = None
    cases: int | None = None
    df: int | None = None
    p_value: float = float("nan")
    std_error: float = float("nan")
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReplicationSample(Discreet):
    """A replication's people in the design, before anybody is lost for want of a covariate.

    Attributes
    ----------
    people : all n interviewed people, harmonised.
    row : what was published of them.
    rows : (n,) boolean array, the people of its sample, in its group if it is of one.
    design : of everybody, under the weights of its cycles.
    """

    people: pd.DataFrame
    row: Replication
    rows: Bools
    design: SurveyDesign

    @property
    def domain(self) -> Domain:
        """People of the sample whose outcome, exposure and covariates are known."""
        names = (self.row.outcome, self.row.exposure, *self.row.covariates)
        return domain_of(self.design, self.rows & _known(self.people, names, self.row.unknown))

    def values(self, text: str) -> Array:
        """What a column, logarithm or condition of the row is of everybody; see `values_of`."""
        return values_of(self.people, text, unknown=self.row.unknown)


def recompute(people: pd.DataFrame, row: Replication) -> Recomputed:
    """The number of a replication on the participants.

    Parameters
    ----------
    people : all interviewed people, harmonised; nobody may have been dropped, or the variance would be wrong.
    row : a replication that is tried.

    Raises
    ------
    ConditionError, ReplicationError : a column or condition that the participants do not have, or of another kind.
    NothingToCompareError, DesignError, ConvergenceError : people from whom it cannot be estimated.
    """
    return KINDS[row.kind](sample_of(people, row))


def count(sample: ReplicationSample) -> Recomputed:
    """People of the sample, whatever their weight."""
    row = sample.row
    counted = sample.rows & _known(sample.people, (row.outcome, *row.covariates), row.unknown)
    return Recomputed(float(counted.sum()), n=int(counted.sum()))


def mean(sample: ReplicationSample) -> Recomputed:
    """Weighted mean of the outcome."""
    return _of(_mean(sample, sample.values(sample.row.outcome)))


def geometric_mean(sample: ReplicationSample) -> Recomputed:
    """Exponential of the weighted mean of log(outcome), its limits likewise."""
    logs = _mean(sample, sample.values(f"log({sample.row.outcome})"))
    middle, low, high = np.exp([logs.estimate, logs.conf_low, logs.conf_high]).tolist()
    return Recomputed(middle, low, high, n=logs.n, df=logs.df)


def median(sample: ReplicationSample) -> Recomputed:
    """inf{q : F(q) >= 0.5}, without an interval: none was printed of any."""
    rows, y = sample.domain.rows, sample.values(sample.row.outcome)
    return Recomputed(quantile_of(y[rows], sample.design.weights[rows], 0.5), n=int(rows.sum()))


def prevalence(sample: ReplicationSample) -> Recomputed:
    """Weighted share of the outcome, %, with a t interval on that scale."""
    y = _yes_or_no(sample)
    return _of(_mean(sample, 100 * y), cases=int(y[sample.domain.rows].sum()))


def odds_ratio(sample: ReplicationSample) -> Recomputed:
    """Odds ratio of the exposure by weighted logistic regression."""
    return _ratio(sample, fit_logistic)


def risk_ratio(sample: ReplicationSample) -> Recomputed:
    """Risk ratio of the exposure by a log link and the Poisson score."""
    return _ratio(sample, fit_risk)


KINDS: dict[MeasureKind | Untried, Callable[[ReplicationSample], Recomputed]] = {
    "count": count,
    "mean": mean,
    "geometric_mean": geometric_mean,
    "median": median,
    "prevalence": prevalence,
    "odds_ratio": odds_ratio,
    "risk_ratio": risk_ratio,
}


def values_of(people: pd.DataFrame, text: str, *, unknown: Unknown = "missing") -> Array:
    """A column, a logarithm or ratio, or a condition as 1 where it is true and 0 where it is false: (n,) float array.

    Parameters
    ----------
    unknown : what a condition is where it is neither: NaN, or 0 ("no").
    """
    logged = _LOG.fullmatch(text)
    if logged:
        x = _column(people, logged[2])
        return np.asarray(_LOGARITHMS[logged[1]](x, out=np.full(x.shape, np.nan), where=x > 0))
    divided = _RATIO.fullmatch(text)
    if divided:
        over, under = _column(people, divided[1]), _column(people, divided[2])
        return np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    if COLUMN.fullmatch(text):
        return _column(people, text)
    return truth_of(people, text).to_numpy(dtype=float, na_value=0.0 if unknown == "no" else np.nan)


def _refuse_logarithms(people: pd.DataFrame, row: Replication, rows: Bools) -> None:
    """Refuse logarithms of what is 0 or less of somebody in the sample, who would be lost without a word."""
    logged = [_LOG.fullmatch(text) for text in (row.outcome, row.exposure, *row.covariates)]
    names = [found[2] for found in logged if found] + [row.outcome] * (row.kind == "geometric_mean")
    for name in names:
        if (_column(people, name)[rows] <= 0).any():
            raise NothingToCompareError(
                f"the logarithm of {name}: some of the sample have 0 or less. Expected positive values: add "
                f'"{name} > 0" to the sample, if that is what was done.'
            )


def _column(people: pd.DataFrame, name: str) -> Array:
    if name not in people:
        raise ConditionError(f"unknown column {name!r}: expected a harmonised column or a condition on some.")
    if not pd.api.types.is_numeric_dtype(people[name]):
        raise ConditionError(f"{name} is no number: expected one, or a condition such as \"{name} == 'level'\".")
    return people[name].to_numpy(dtype=float)


def _known(people: pd.DataFrame, names: tuple[str, ...], unknown: Unknown) -> Bools:
    """Rows in which every column and condition is known."""
    known = np.ones(len(people), dtype=bool)
    for name in filter(None, names):
        known &= (
            people[name].notna().to_numpy()
            if name in CATEGORIES
            else ~np.isnan(values_of(people, name, unknown=unknown))
        )
    return known


def sample_of(people: pd.DataFrame, row: Replication) -> ReplicationSample:
    """The people of a replication in the design; parameters and errors as `recompute`."""
    weights = _weights(people, row)
    rows = people["cycle"].isin(row.cycles)
    if row.kind != "count":
        rows &= weights > 0
    if row.sample:
        rows &= select_rows(people, row.sample)
    if row.without:
        rows &= ~select_rows(people, row.without)
    design = SurveyDesign(
        strata=people["strata"].to_numpy(),
        psu=people["psu"].to_numpy(),
        weights=weights.to_numpy(),
        lonely_domain="keep",
    )
    inside = rows.to_numpy() & _known(people, row.known, row.unknown)
    _refuse_logarithms(people, row, inside)
    found = ReplicationSample(people, row, inside, design)
    if row.n_groups and not row.is_ratio:
        return dataclasses.replace(found, rows=inside & (group_of_each(found) == row.group))
    return found


def _weights(people: pd.DataFrame, row: Replication) -> pd.Series:
    """Weights of the pooled cycles: by NCHS's rule, or each cycle's 2-year weight over the number of cycles."""
    if row.pooling == "joint":
        return pooled_weight(people, weights=row.weights, cycles=row.cycles)
    alone = (pooled_weight(people, weights=row.weights, cycles=(cycle,)) for cycle in row.cycles)
    return functools.reduce(operator.add, alone) / len(row.cycles)


def _yes_or_no(sample: ReplicationSample) -> Array:
    """The outcome, refused unless it is 1 or 0 of everybody who is counted."""
    y = sample.values(sample.row.outcome)
    if not np.isin(y[sample.domain.rows], (0.0, 1.0)).all():
        raise ReplicationError(
            f"outcome={sample.row.outcome!r} is not yes or no: expected of a {sample.row.kind} a column of 1 and 0, or "
            f'a condition such as "{sample.row.outcome} > 30".'
        )
    return y


def _mean(sample: ReplicationSample, y: Array) -> Estimate:
    return weighted_mean(y, design=sample.design, domain=sample.domain, conf_level=PRINTED_LEVEL)


def _of(found: Estimate, *, cases: int | None = None) -> Recomputed:
    low, high, std_error = found.conf_low, found.conf_high, found.std_error
    return Recomputed(found.estimate, low, high, n=found.n, cases=cases, df=found.df, std_error=std_error)


Fitter = Callable[..., LogisticFit | RiskFit]


def _ratio(sample: ReplicationSample, fitter: Fitter) -> Recomputed:
    """Exponential of the exposure's coefficient beside the covariates."""
    people, row, domain = sample.people, sample.row, sample.domain
    term, columns = _exposure_columns(sample)
    if not domain.n or not np.ptp(columns[term][domain.rows]) > 0:
        raise NothingToCompareError(
            f"{row.exposure}: {term} is the same for all who are left: expected people with and without, or who differ."
        )
    used = varying(columns | adjustment_columns(people, row), domain)
    X = np.column_stack([np.ones(domain.n), *(values[domain.rows] for values in used.values())])
    y = _yes_or_no(sample)[domain.rows]
    terms = ("intercept", *used)
    at = terms.index(term)
    if domain.df + 1 <= len(terms):
        return _without_interval(fitter, X, y, sample, terms, at)
    fit = fitter(X, y, design=sample.design, domain=domain, terms=terms)
    beta, std_error, df = float(fit.beta[at]), float(np.sqrt(fit.vcov[at, at])), fit.design_df
    half = float(scipy.stats.t.ppf((1 + PRINTED_LEVEL) / 2, df)) * std_error
    middle, low, high = np.exp([beta, beta - half, beta + half]).tolist()
    p_value = float(2 * scipy.stats.t.sf(abs(beta) / std_error, df))
    return Recomputed(middle, low, high, n=fit.n, cases=fit.cases, df=df, p_value=p_value)


def _without_interval(
    fitter: Fitter, X: Array, y: Array, sample: ReplicationSample, terms: tuple[str, ...], at: int
) -> Recomputed:
    """The ratio alone, of a design that leaves no residual degree of freedom: the estimate needs the weights only."""
    domain, everybody = sample.domain, np.arange(sample.design.weights.size)
    alone = SurveyDesign(strata=np.zeros_like(everybody), psu=everybody, weights=sample.design.weights)
    fit = fitter(X, y, design=alone, domain=domain_of(alone, domain.rows), terms=terms)
    why = (
        f"no interval: {len(terms)} coefficients on {domain.n_psu} PSUs in {domain.n_strata} strata leave no residual "
        "degree of freedom"
    )
    return Recomputed(float(np.exp(fit.beta[at])), n=fit.n, cases=fit.cases, why=why)


def adjustment_columns(people: pd.DataFrame, row: Replication) -> dict[str, Array]:
    """Columns, of everybody, that a ratio is adjusted for: a number or condition as it is, a category's indicators."""
    columns: dict[str, Array] = {}
    for name in row.covariates:
        columns |= (
            _indicators(people, name) if name in CATEGORIES else {name: values_of(people, name, unknown=row.unknown)}
        )
    return columns


def varying(columns: dict[str, Array], domain: Domain) -> dict[str, Array]:
    """Those that are not the same for everybody of the domain."""
    return {name: values for name, values in columns.items() if np.ptp(values[domain.rows]) > 0}


def _exposure_columns(sample: ReplicationSample) -> tuple[str, dict[str, Array]]:
    """The term whose ratio is told, and the columns of the exposure."""
    people, row = sample.people, sample.row
    if row.exposure in CATEGORIES:
        return f"{row.exposure}_{row.level}", _indicators(people, row.exposure)
    if not row.n_groups:
        return row.exposure, {row.exposure: sample.values(row.exposure) / _unit(sample)}
    group = group_of_each(sample)
    others = [k for k in range(1, row.n_groups + 1) if k != row.reference]
    return f"group_{row.group}", {f"group_{k}": (group == k).astype(float) for k in others}


def _unit(sample: ReplicationSample) -> float:
    """What a ratio is per, in units of its exposure."""
    row = sample.row
    if row.per == 1:
        return 1.0
    if not any(pattern.fullmatch(row.exposure) for pattern in (COLUMN, _LOG, _RATIO)):
        raise ReplicationError(f"per={row.per!r} of the condition {row.exposure!r}: expected a column of numbers.")
    if row.per != "sd":
        return float(row.per)
    x = sample.values(row.exposure)
    eligible = sample.rows & np.isfinite(x)
    x, weights = x[eligible], sample.design.weights[eligible]
    if x.size < 2 or not np.ptp(x) > 0:
        raise NothingToCompareError(f"{row.exposure} is the same for all: expected people who differ.")
    return float(np.std(x, ddof=1) if row.cuts == "unweighted" else np.sqrt(np.cov(x, aweights=weights, ddof=0)))


def group_of_each(sample: ReplicationSample) -> Array:
    """Group of the exposure, from 1 for the lowest; NaN where the exposure is unknown: (n,) float array."""
    row, x = sample.row, sample.values(sample.row.exposure)
    eligible = sample.rows & np.isfinite(x)
    if not eligible.any():
        raise NothingToCompareError(
            f"{row.exposure} is known of nobody in the sample: expected people to cut into groups."
        )
    shares = np.arange(1, row.n_groups) / row.n_groups
    if row.boundaries:
        cuts = np.array(row.boundaries)
    elif row.cuts == "weighted":
        cuts = np.array([quantile_of(x[eligible], sample.design.weights[eligible], share) for share in shares])
    else:
        cuts = np.quantile(x[eligible], shares)
    group = np.where(np.isnan(x), np.nan, 1.0 + np.searchsorted(cuts, x, side="left"))
    for k in range(1, row.n_groups + 1):
        if not np.any(group[eligible] == k):
            limits = "nobody is between its limits" if row.boundaries else "too many share a value at which it is cut"
            raise NothingToCompareError(
                f"group {k} of {row.n_groups} of {row.exposure} is empty, since {limits}: expected other groups."
            )
    return group


def _indicators(people: pd.DataFrame, name: str) -> dict[str, Array]:
    return {f"{name}_{level}": (people[name] == level).to_numpy(dtype=float) for level in CATEGORIES[name][1:]}
