"""Do they stand? Published dose-response claims under every energy form, without each cycle, and by the shape rule.

A claim is a replication that says on which side of 1 its ratio lies. It is recomputed with its exposure adjusted for
energy in each of the forms of `analysis.dose_response.energy`, and with the people of two cycles of three, energy
treated as in the replication. Groups are cut anew on the exposure that is compared. Beside the ratio stand the trend
over the groups' medians and what the protocol's rule says of the curve of the same people with the same covariates.
Ratios by blood lead and cadmium are no claims here: they are of one cycle, and no energy is eaten with them.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import get_args

import numpy as np
import pandas as pd

from analysis.dose_response.energy import ENERGY, EnergyForm, energy_adjusted
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_setting, set_out
from analysis.dose_response.quintiles import trend_fit
from analysis.dose_response.shape import shape_numbers
from analysis.errors import AnalysisError
from analysis.stats.arrays import Row
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.shape.verdict import ALPHA
from analysis.study import OUTCOMES, Outcome, Study
from analysis.validation.studies.kinds import recompute
from analysis.validation.studies.replication import Replication, read_replications

RULE = ("nonlinear_p", "end_slopes_p", "two_lines_p", "interior", "interior_mc_error", "nadir", "verdict")
"""What is told of the shape rule; see `analysis.dose_response.shape.shape_numbers`."""

TREND = "group_median"
COLUMNS = (
    "study", "item", "claim", "variation", "level", "own", "n", "cases", "df", "odds_ratio", "conf_low", "conf_high",
    "p_value", "found", "trend_slope", "trend_p", *RULE, "why",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Variation(Discreet):
    """One way to ask a study's claims again: its people, and the columns that take the place of theirs."""

    variation: str
    level: str
    own: bool
    frame: pd.DataFrame
    setting: Setting
    energy: tuple[str, ...]


def do_they_stand(frame: pd.DataFrame, rows: tuple[Replication, ...] | None = None) -> pd.DataFrame:
    """Every dose-response claim of the replications, asked again.

    Parameters
    ----------
    frame : all interviewed people, harmonised; nobody may have been dropped.
    rows : replications, those of a study together; None for those that come with the package.

    Returns
    -------
    A row a claim and variation, with `COLUMNS`: variation (``energy`` or ``cycle``) and level (the energy form, or
    "without 1999-2000"); own, whether that is how the claim was recomputed; the ratio with its interval and two-sided
    p (t on the design's degrees of freedom); found (see `side_of`); slope (log odds per unit of the exposure) and p of
    the trend over the groups' medians; the numbers and verdict of the shape rule; why there is no number.

    Raises
    ------
    StudyError, ConditionError, ReplicationError : a claim that is not one of a study of the protocol.
    """
    every = read_replications() if rows is None else rows
    found = [
        _asked_again(varied, row, shape)
        for _, claims in groupby((row for row in every if row.claim), key=lambda row: (row.study, row.exposure))
        for varied, row, shape in _varied(frame, tuple(claims))
    ]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype({name: "Int64" for name in ("n", "cases", "df")})


def study_of(row: Replication) -> Study:
    """The study of the protocol whose people, outcome, exposure and covariates but energy are a replication's.

    Raises
    ------
    StudyError : its outcome is none of the protocol's.
    """
    named: dict[str, Outcome] = {Study(outcome=outcome).outcome_column: outcome for outcome in OUTCOMES}
    return Study(
        exposure=row.exposure,
        outcome=named.get(row.outcome, row.outcome),  # type: ignore[arg-type]  # refused there by name
        weights=row.weights,  # type: ignore[arg-type]  # interview weights are refused there by name
        model="crude",
        cycles=row.cycles,
        where=row.sample or None,
        extra_covariates=tuple(name for name in row.covariates if name != ENERGY),
        lonely_domain="keep",
    )


def own_form(row: Replication) -> EnergyForm:
    """How a replication treats energy."""
    return "linear" if ENERGY in row.covariates else "none"


def side_of(claim: str, odds_ratio: float, p_value: float) -> str:
    """``shown`` if on the claimed side of 1 and p < 0.05, else ``same side`` or ``other side``; "" without a number."""
    if not np.isfinite(odds_ratio):
        return ""
    if (odds_ratio > 1) != (claim == "above 1"):
        return "other side"
    return "shown" if p_value < ALPHA else "same side"


def _varied(frame: pd.DataFrame, claims: tuple[Replication, ...]) -> Iterator[tuple[_Variation, Replication, Row]]:
    """The claims of a study in each variation, with what the shape rule says there."""
    study, own = study_of(claims[0]), own_form(claims[0])
    asked: list[tuple[str, str, Study, EnergyForm]] = [("energy", form, study, form) for form in get_args(EnergyForm)]
    for cycle in study.cycles if len(study.cycles) > 1 else ():
        others = tuple(other for other in study.cycles if other != cycle)
        asked.append(("cycle", f"without {cycle}-{cycle + 1}", dataclasses.replace(study, cycles=others), own))
    for variation, level, varied_study, form in asked:
        varied = _vary(frame, varied_study, form, variation, level, own=variation == "energy" and form == own)
        shape = _shape(varied.setting)
        for row in claims:
            yield varied, row, shape


def _vary(frame: pd.DataFrame, study: Study, form: EnergyForm, variation: str, level: str, *, own: bool) -> _Variation:
    plain = set_out(frame, study)
    setting = energy_adjusted(plain, frame[ENERGY].to_numpy(dtype=float), form)
    added = setting.adjustment_terms[: len(setting.adjustment_terms) - len(plain.adjustment_terms)]
    columns = {name: setting.adjustment[:, position] for position, name in enumerate(added)}
    return _Variation(
        variation, level, own, frame.assign(**{study.exposure: setting.exposure} | columns), setting, added
    )


def _shape(setting: Setting) -> Row:
    """The shape rule's numbers, or why it has none."""
    try:
        problem = pose_setting(setting)
        numbers = shape_numbers(curve_of(problem, fit_problem(problem)))
    except AnalysisError as error:
        return {"why": str(error)}
    return {name: numbers[name] for name in RULE}


def _asked_again(varied: _Variation, row: Replication, shape: Row) -> Row:
    known: Row = {"study": row.study, "item": row.item, "claim": row.claim, "variation": varied.variation,
                  "level": varied.level, "own": varied.own, "found": "", **shape}  # fmt: skip
    covariates = (*varied.setting.study.extra_covariates, *varied.energy)
    asked = dataclasses.replace(row, covariates=covariates, cycles=varied.setting.study.cycles)
    try:
        found = recompute(varied.frame, asked)
        trend = trend_fit(varied.setting, groups=row.groups, term=TREND) if row.groups else None
    except AnalysisError as error:
        if error.exit_code == 2:  # the file is wrong, not the people
            raise
        return known | {"why": str(error)}
    if trend is not None:
        known |= {"trend_slope": trend.beta[trend.terms.index(TREND)], "trend_p": wald_test(trend, (TREND,)).p_value}
    return known | {
        "n": found.n,
        "cases": found.cases,
        "df": found.df,
        "odds_ratio": found.estimate,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "p_value": found.p_value,
        "found": side_of(row.claim, found.estimate, found.p_value),
    }
