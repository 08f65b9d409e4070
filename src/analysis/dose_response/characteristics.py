"""Who was studied: survey-weighted characteristics of a study's cohort by outcome or by quintile, the usual Table 1."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.data.people.cohort import select_cohort
from analysis.dose_response.problem import declare_design
from analysis.dose_response.quintiles import QUINTILES, group_of
from analysis.stats.arrays import Array, Bools, Row
from analysis.stats.disclosure import FEWEST_PEOPLE, Discreet, told
from analysis.stats.regression.fit import fit_linear
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.crosstabs import cross_table, independence_test
from analysis.stats.sample.descriptives import Estimate, weighted_mean, weighted_proportion, weighted_quantile
from analysis.stats.sample.design import Domain, SurveyDesign, domain_of, lonely_strata
from analysis.study import CATEGORIES, COVARIATES, Study

GROUPS = ("all", "with_neuropathy", "without_neuropathy")
QUINTILE_GROUPS = ("all", *(f"quintile_{number}" for number in range(1, QUINTILES + 1)))

By = Literal["outcome", "quintile"]

COLUMNS = ("variable", "level", "group", "kind", "n", "n_missing", "estimate", "std_error", "conf_low", "conf_high",
           "p_value")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Variable(Discreet):
    """One characteristic of the cohort.

    Attributes
    ----------
    name, values : harmonised column.
    design, domains : the whole sample, and the people of each group in whom the characteristic is known; a group of
        nobody is not among them.
    lonely : strata in which the people of a group are of one PSU only, if the study refuses a variance of them.
    n_missing : people of each group in whom it is not.
    code : (n,) which group each one is of, 1 with neuropathy and 0 without, or the quintile; read inside the domains
        only.
    conf_level : level of every interval.
    """

    name: str
    values: pd.Series
    design: SurveyDesign
    domains: dict[str, Domain]
    lonely: dict[str, list[int]]
    n_missing: dict[str, int]
    code: Array
    conf_level: float


def characteristics(people: pd.DataFrame, study: Study, *, by: By = "outcome") -> pd.DataFrame:
    """Weighted characteristics of the cohort, together and in groups: with and without neuropathy, or by quintile.

    The cohort is the one of the study before loss to missing covariates; each characteristic is of the people in whom
    it is known. Described are the exposure, the covariates of the fullest model and the study's own.

    Parameters
    ----------
    people : all interviewed people; nobody may have been dropped, or the variance would be wrong.
    study : the protocol; its model does not matter.
    by : what groups are of: the outcome, or unweighted quintiles of the cohort's exposure.

    Returns
    -------
    One row per variable, level, group (`GROUPS` or `QUINTILE_GROUPS`) and kind, in `COLUMNS`. kind is ``mean`` or
    ``median`` (of numbers, in their unit; level is empty) or ``percent`` (of a level's share among the people of the
    group). n is unweighted, of the group or level; n_missing are the people of the group in whom the variable is
    unknown. Intervals are on t with the design df, Woodruff's for a median, the logit's for a percentage. p_value
    compares the groups: a Wald F of the differences in means, Rao-Scott's F of a category (empty where a level has
    nobody in one of them). Where fewer than `FEWEST_PEOPLE` stand behind a number, it and its n are empty, as is such
    an n_missing, and that of all where it would tell a single group's by difference; a percentage of 100 has no
    interval. Where people of a group are of one PSU only in a stratum, and the study refuses a variance
    of them (`Study.lonely_domain`), the estimate stands without standard error and interval, and a further column
    ``note`` says so; if they are so in all groups together, there is no p-value.

    Raises
    ------
    StudyError, ConditionError, DesignError : the study asks for what the protocol does not define, or quintiles
        coincide.
    """
    rows: list[Row] = []
    for variable in _variables(people, study, by):
        levels = _levels(variable)
        rows.extend(_category_rows(variable, levels) if levels else _number_rows(variable))
    columns = [*COLUMNS, *["note"] * any("note" in row for row in rows)]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64", "n_missing": "Int64"})


def _variables(people: pd.DataFrame, study: Study, by: By) -> Iterator[_Variable]:
    cohort = select_cohort(people, study)
    # Estimates need no variance: what the study refuses is left out of the rows instead.
    design = declare_design(people, cohort, dataclasses.replace(study, lonely_domain="keep"))
    everybody = cohort.rows.to_numpy() & (design.weights > 0)
    if by == "outcome":
        code = people[study.outcome_column].to_numpy(dtype=float)
        groups = dict(zip(GROUPS[1:], (1.0, 0.0), strict=True))
    else:
        exposure = people[study.exposure].to_numpy(dtype=float)
        code = group_of(exposure, exposure[cohort.rows.to_numpy()], QUINTILES, study.exposure)[1].astype(float)
        groups = {name: float(number) for number, name in enumerate(QUINTILE_GROUPS[1:], start=1)}
    masks = {"all": everybody} | {name: everybody & (code == value) for name, value in groups.items()}
    for name in dict.fromkeys((study.exposure, *COVARIATES["3"], *study.extra_covariates)):
        known = people[name].notna().to_numpy()
        present = {group: mask & known for group, mask in masks.items() if np.any(mask & known)}
        refused = study.lonely_domain == "fail"
        yield _Variable(
            name=name,
            values=people[name],
            design=design,
            domains={group: domain_of(design, mask) for group, mask in present.items()},
            lonely={group: lonely_strata(design, mask) if refused else [] for group, mask in present.items()},
            n_missing={group: int(np.sum(mask & ~known)) for group, mask in masks.items()},
            code=code,
            conf_level=study.conf_level,
        )


def _levels(variable: _Variable) -> dict[str, Bools]:
    """Who is of each level of a category, or of yes and no; nothing for a number."""
    if variable.name in CATEGORIES:
        return {level: (variable.values == level).to_numpy() for level in CATEGORIES[variable.name]}
    if variable.values.dropna().isin((0, 1)).all():
        return {"yes": (variable.values == 1).to_numpy(), "no": (variable.values == 0).to_numpy()}
    return {}


def _number_rows(variable: _Variable) -> Iterator[Row]:
    values = variable.values.to_numpy(dtype=float)
    p_value = _difference_p(variable, values)
    design, conf_level = variable.design, variable.conf_level
    for group in variable.n_missing:
        domain = variable.domains.get(group)
        mean, median = (_few(variable, "", group, kind) for kind in ("mean", "median"))
        if domain is not None and (n := int(domain.rows.sum())) >= FEWEST_PEOPLE:
            mean |= _numbers(
                variable, group, n, weighted_mean(values, design=design, domain=domain, conf_level=conf_level)
            )
            middle = weighted_quantile(values, probability=0.5, design=design, domain=domain, conf_level=conf_level)
            median |= _numbers(variable, group, n, middle)
        yield mean | {"p_value": p_value}
        yield median


def _category_rows(variable: _Variable, levels: dict[str, Bools]) -> Iterator[Row]:
    p_value = _association_p(variable, levels)
    for level, people in levels.items():
        for group in variable.n_missing:
            domain = variable.domains.get(group)
            row = _few(variable, level, group, "percent")
            if domain is not None and (n := int(np.sum(people & domain.rows))) >= FEWEST_PEOPLE:
                row |= _numbers(variable, group, n, _percent(variable, people, domain))
            yield row | {"p_value": p_value}


def _percent(variable: _Variable, people: Bools, domain: Domain) -> Estimate:
    y = 100 * people.astype(float)
    mean = weighted_mean(y, design=variable.design, domain=domain, conf_level=variable.conf_level)
    inside = y[domain.rows]
    if np.ptp(inside) == 0:  # nobody or everybody: a sum of weights over itself would miss 100 by its rounding
        return Estimate(float(inside[0]), 0.0, mean.df, mean.n, np.nan, np.nan)
    share = weighted_proportion(y / 100, design=variable.design, domain=domain, conf_level=variable.conf_level)
    return Estimate(mean.estimate, mean.std_error, mean.df, mean.n, 100 * share.conf_low, 100 * share.conf_high)


def _few(variable: _Variable, level: str, group: str, kind: str) -> Row:
    """A row without its numbers: all there is where fewer than `FEWEST_PEOPLE` stand behind them."""
    return {"variable": variable.name, "level": level, "group": group, "kind": kind,
            "n_missing": _missing_told(variable.n_missing)[group]}  # fmt: skip


def _missing_told(missing: dict[str, int]) -> dict[str, int | None]:
    """People of each group as they may be told; of a single group of few, not those of all either."""
    shown = {group: told(n) for group, n in missing.items()}
    hidden = [group for group, n in shown.items() if n is None and group != "all"]
    return shown | {"all": None} if len(hidden) == 1 else shown


def _numbers(variable: _Variable, group: str, n: int, found: Estimate) -> Row:
    if strata := variable.lonely[group]:
        return {"n": n, "estimate": found.estimate, "note": f"no interval: one PSU in stratum {strata[0]}"}
    return {
        "n": n,
        "estimate": found.estimate,
        "std_error": found.std_error,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
    }


def _difference_p(variable: _Variable, values: Array) -> float:
    """P-value of the differences in means between the groups; NaN for a constant."""
    domain = variable.domains.get("all")
    if domain is None or variable.lonely["all"] or len(variable.domains) < len(variable.n_missing):
        return np.nan
    if np.ptp(values[domain.rows]) == 0:
        return np.nan
    inside = domain.rows
    others = np.unique(variable.code[inside])[1:]
    names = tuple(f"group_{value:g}" for value in others)
    X = np.column_stack([np.ones(domain.n), variable.code[inside][:, None] == others])
    fit = fit_linear(X, values[inside], design=variable.design, domain=domain, terms=("intercept", *names))
    return wald_test(fit, names).p_value


def _association_p(variable: _Variable, levels: dict[str, Bools]) -> float:
    """P-value of the association with the groups; NaN where a level has nobody in one of them."""
    domain = variable.domains.get("all")
    if domain is None or variable.lonely["all"]:
        return np.nan
    level = np.argmax(np.column_stack(list(levels.values())), axis=1)
    table = cross_table(level, variable.code, design=variable.design, domain=domain)
    if min(table.n.shape) < 2 or np.any(table.n == 0):
        return np.nan
    return independence_test(table).p_value


def exposure_distribution(people: pd.DataFrame, study: Study, *, edges: Array) -> pd.DataFrame:
    """Cohort in each interval of exposure, lower <= x < upper.

    Returns
    -------
    lower, upper, n, share (weighted) and n_effective: Kish's effective sample size (sum w)²/sum w², as
    `analysis.stats.checks.design_effects.kish_effective_size`; missing where nobody is.
    """
    cohort = select_cohort(people, study)
    exposure, weights = people.loc[cohort.rows, study.exposure], cohort.weights[cohort.rows]
    # A further interval without end: numpy closes the last one on both sides.
    bins, weight_share = np.append(edges, np.inf), weights / weights.sum()
    n, share, squares = (
        np.histogram(exposure, bins=bins, weights=each)[0][:-1] for each in (None, weight_share, weight_share**2)
    )
    n_effective = np.divide(share**2, squares, out=np.full(share.shape, np.nan), where=squares > 0)
    return pd.DataFrame({"lower": edges[:-1], "upper": edges[1:], "n": n, "share": share, "n_effective": n_effective})
