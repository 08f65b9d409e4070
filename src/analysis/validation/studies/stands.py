"""Do they stand? Published dose-response claims under every energy form, without each cycle, and by the shape rules.

A claim is a replication that says on which side of 1 its ratio lies. It is recomputed with its exposure adjusted for
energy in each of the forms of `analysis.dose_response.energy`, and with the people of two cycles of three, energy
treated as in the replication. Groups are cut anew on the exposure that is compared. Beside the ratio stand the trend
over the groups' medians and what both shape rules say of the curve of the same people with the same covariates: that
it falls and then rises, and that the odds at both ends are higher than at the median. A claim of neuropathy is asked
again by the other of its two rules, strict and lenient.

Ratios by blood lead and cadmium could be asked in every energy form, though not without a cycle, being of one. They
are no claims here because their design leaves no residual degree of freedom: no form could be told to be shown.
"""

import dataclasses
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import get_args

import numpy as np
import pandas as pd

from analysis.data.people.cohort import Cohort
from analysis.data.people.conditions import ConditionError
from analysis.dose_response.energy import ENERGY, EnergyForm, energy_adjusted
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_setting
from analysis.dose_response.quintiles import trend_fit
from analysis.dose_response.shape import shape_numbers
from analysis.errors import AnalysisError
from analysis.stats.arrays import Row
from analysis.stats.disclosure import told
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import DesignError
from analysis.stats.shape.questions import end_tests
from analysis.stats.shape.verdict import ALPHA
from analysis.study import CATEGORIES, Study
from analysis.validation.studies.kinds import (
    COLUMN,
    KINDS,
    adjustment_columns,
    group_of_each,
    sample_of,
    varying,
)
from analysis.validation.studies.replication import Replication, ReplicationError, read_replications

RULE = ("nonlinear_p", "end_slopes_p", "two_lines_p", "interior", "interior_mc_error", "nadir", "verdict")
"""What is told of the protocol's shape rule; see `analysis.dose_response.shape.shape_numbers`."""

SECOND_RULE = ("log_or_low", "log_or_high", "levels_p", "levels")
"""What is told of the second; see `analysis.stats.shape.questions.Levels`."""

OTHER_RULE = {"pn_strict": "pn_lenient", "pn_lenient": "pn_strict"}
"""The neuropathy rule that a claim is asked again by."""

OF_OTHER_RULE = ("n", "cases", "odds_ratio", "conf_low", "conf_high", "p_value", "found", "verdict", "levels")
TREND = "group_median"
COLUMNS = (
    "study", "item", "claim", "variation", "level", "own", "n", "cases", "df", "odds_ratio", "conf_low", "conf_high",
    "p_value", "found", "trend_slope", "trend_p", *RULE, *SECOND_RULE, "other_rule",
    *(f"other_rule_{name}" for name in OF_OTHER_RULE), "why",
)  # fmt: skip

_SAME_MODEL = attrgetter("study", "weights", "cycles", "sample", "without", "known", "outcome", "exposure",
                         "covariates")  # fmt: skip
"""What claims must share to have one curve; how they cut it into groups and what was printed is each one's own."""

_COUNTS = ("n", "cases", "df", "other_rule_n", "other_rule_cases")


def do_they_stand(people: pd.DataFrame, rows: tuple[Replication, ...] | None = None) -> pd.DataFrame:
    """Every dose-response claim of the replications, asked again.

    Parameters
    ----------
    people : all interviewed people, harmonised; nobody may have been dropped.
    rows : replications, those of one model together; None for those that come with the package.

    Returns
    -------
    A row a claim and variation, with `COLUMNS`: variation (``energy`` or ``cycle``) and level (the energy form, or
    "without 1999-2000"); own, whether that is how the claim was recomputed; the ratio with its interval and two-sided
    p (t on the design's degrees of freedom); found (see `side_of`); slope (log odds per unit of the exposure) and p of
    the trend over the groups' medians; the numbers and verdict of the protocol's shape rule; log odds ratios of the 5th
    and 95th percentile against the median, the larger one-sided p, and whether both ends are higher; the neuropathy
    rule that is not the claim's, and what is found by it; why there is no number.

    Raises
    ------
    ConditionError, ReplicationError : a claim that asks for what the participants do not have.
    """
    every = read_replications() if rows is None else rows
    claims = [tuple(alike) for _, alike in groupby((row for row in every if row.claim), key=_SAME_MODEL)]
    found = [row for alike in claims for row in _varied(people, alike)]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(dict.fromkeys(_COUNTS, "Int64"))


def own_form(row: Replication) -> EnergyForm:
    """How a replication treats energy."""
    return "linear" if ENERGY in row.covariates else "none"


def by_other_rule(row: Replication) -> Replication | None:
    """The same number of people told with or without neuropathy by the other rule; None for another outcome."""
    other = OTHER_RULE.get(row.outcome)
    if other is None:
        return None
    texts = {name: getattr(row, name).replace(row.outcome, other) for name in ("outcome", "sample", "without")}
    known = tuple(other if name == row.outcome else name for name in row.known)
    return dataclasses.replace(row, known=known, **texts)


def side_of(claim: str, odds_ratio: float, p_value: float) -> str:
    """``shown`` if on the claimed side of 1 and p < 0.05, else ``same side`` or ``other side``; "" without a number."""
    if not np.isfinite(odds_ratio):
        return ""
    if (odds_ratio > 1) != (claim == "above 1"):
        return "other side"
    return "shown" if p_value < ALPHA else "same side"


def _varied(people: pd.DataFrame, claims: tuple[Replication, ...]) -> Iterator[Row]:
    """The claims of one model in each variation, by their own and the other rule of neuropathy."""
    own, cycles = own_form(claims[0]), claims[0].cycles
    asked: list[tuple[str, str, EnergyForm, tuple[int, ...]]] = [
        ("energy", form, form, cycles) for form in get_args(EnergyForm)
    ]
    for cycle in cycles if len(cycles) > 1 else ():
        others = tuple(other for other in cycles if other != cycle)
        asked.append(("cycle", f"without {cycle}-{cycle + 1}", own, others))
    by_other = tuple(row for row in map(by_other_rule, claims) if row is not None)
    for variation, level, form, kept in asked:
        known: Row = {"variation": variation, "level": level, "own": variation == "energy" and form == own}
        found = _asked_again(people, claims, form, kept)
        if not by_other:
            yield from (known | row for row in found)
            continue
        rule = by_other[0].outcome.removeprefix("pn_")
        for row, other in zip(found, _asked_again(people, by_other, form, kept), strict=True):
            yield known | row | {"other_rule": rule} | {f"other_rule_{name}": other.get(name) for name in OF_OTHER_RULE}


def _asked_again(
    people: pd.DataFrame, claims: tuple[Replication, ...], form: EnergyForm, cycles: tuple[int, ...]
) -> list[Row]:
    """The claims of one model in one energy form on some cycles, with what the shape rules say there."""
    why = ""
    asked, setting = dataclasses.replace(claims[0], cycles=cycles), None
    try:
        people, asked = _by_energy(people, asked, form)
        setting = _setting(people, asked)
        shape = _shape(setting)
    except (ConditionError, ReplicationError):  # the file is wrong, not the people
        raise
    except AnalysisError as error:
        shape, why = {"why": str(error)}, str(error)
    found = []
    for row in claims:
        known: Row = {"study": row.study, "item": row.item, "claim": row.claim, "found": "", **shape}
        if setting is None and form != own_form(row):
            found.append(known | {"why": why})
            continue
        same = {name: getattr(asked, name) for name in ("exposure", "covariates", "cycles")}
        found.append(known | _ratio_and_trend(people, dataclasses.replace(row, **same), setting))
    return found


def _ratio_and_trend(people: pd.DataFrame, row: Replication, setting: Setting | None) -> Row:
    try:
        sample = sample_of(people, row)
        ours = KINDS[row.kind](sample)
    except (ConditionError, ReplicationError):
        raise
    except AnalysisError as error:
        return {"why": str(error)}
    found: Row = {
        "n": ours.n,
        "cases": None if ours.cases is None else told(ours.cases),
        "df": ours.df,
        "odds_ratio": ours.estimate,
        "conf_low": ours.conf_low,
        "conf_high": ours.conf_high,
        "p_value": ours.p_value,
        "found": side_of(row.claim, ours.estimate, ours.p_value),
    }
    if ours.why:
        found["why"] = ours.why
    if setting is None or not row.n_groups:
        return found
    try:
        # Whose exposure is unknown has no group, and is nobody's that is asked of here.
        group = np.nan_to_num(group_of_each(sample), nan=1).astype(int)
        trend = trend_fit(setting, group=group, term=TREND)
    except AnalysisError as error:
        return found | {"why": str(error)}
    slope = trend.beta[trend.terms.index(TREND)]
    return found | {"trend_slope": slope, "trend_p": wald_test(trend, (TREND,)).p_value}


def _by_energy(people: pd.DataFrame, row: Replication, form: EnergyForm) -> tuple[pd.DataFrame, Replication]:
    """Participants and the replication with energy in another form; who has no energy is unknown there.

    An exposure that is adjusted is a column of its own: conditions on the one that was eaten keep their people.
    """
    if form == own_form(row):
        return people, row
    plain = dataclasses.replace(row, covariates=tuple(name for name in row.covariates if name != ENERGY))
    if form == "none":
        return people, plain
    if form in ("residual", "density") and not COLUMN.fullmatch(row.exposure):
        raise DesignError(f"{row.exposure}: expected a column, an amount that energy could be taken out of.")
    energy = people[ENERGY].to_numpy(dtype=float)
    setting = _setting(people, plain)
    adjusted = energy_adjusted(setting.restricted(np.isfinite(energy)), energy, form)
    if form in ("residual", "density"):
        name = f"{row.exposure}_{form}"
        return people.assign(**{name: adjusted.exposure}), dataclasses.replace(plain, exposure=name)
    added = adjusted.adjustment_terms[: len(adjusted.adjustment_terms) - len(setting.adjustment_terms)]
    columns = {
        name: np.where(np.isfinite(energy), adjusted.adjustment[:, position], np.nan)
        for position, name in enumerate(added)
    }
    return people.assign(**columns), dataclasses.replace(plain, covariates=(*plain.covariates, *added))


def _setting(people: pd.DataFrame, row: Replication) -> Setting:
    """The people of a replication, whoever they are, as those of a study: its curve has the study's knots and rules."""
    if row.exposure in CATEGORIES:
        raise DesignError(f"{row.exposure} is a category: expected a number, since a claim by dose is of an amount.")
    sample = sample_of(people, row)
    domain, exposure = sample.domain, sample.values(row.exposure)
    columns = varying(adjustment_columns(people, row), domain)
    together = np.column_stack(list(columns.values())) if columns else np.empty((len(people), 0))
    return Setting(
        study=Study(
            exposure=row.exposure,
            weights=row.weights,  # type: ignore[arg-type]  # interview weights are refused there by name
            model="crude",
            cycles=row.cycles,
            lonely_domain="keep",
        ),
        cohort=Cohort(
            rows=pd.Series(sample.rows & np.isfinite(exposure), index=people.index),
            complete=pd.Series(domain.rows, index=people.index),
            weights=pd.Series(sample.design.weights, index=people.index),
            flow=pd.DataFrame(columns=["step", "n", "cases"]),
            eligibility_steps=0,
            cycles=row.cycles,
            complete_cycles=row.cycles,
        ),
        design=sample.design,
        domain=domain,
        exposure=exposure,
        y=np.nan_to_num(sample.values(row.outcome)),
        adjustment=np.nan_to_num(together),
        adjustment_terms=tuple(columns),
        dropped=(),
        references={},
    )


def _shape(setting: Setting) -> Row:
    """The numbers of both shape rules, or why they have none."""
    try:
        problem = pose_setting(setting)
        curve = curve_of(problem, fit_problem(problem))
        numbers, levels = shape_numbers(curve), end_tests(curve).levels
    except AnalysisError as error:
        return {"why": str(error)}
    second = {"log_or_low": levels.log_or_low, "log_or_high": levels.log_or_high, "levels_p": levels.p_value}
    return {name: numbers[name] for name in RULE} | second | {"levels": levels.verdict}
