"""The specification curve: one question under every combination of defensible choices.

Each specification is a cell of a full grid. Its model is fitted, its shape tested and its verdict taken by the same
code as the primary study's. A cell that has no answer keeps its place with the reason.

References
----------
Simonsohn, Simmons & Nelson 2020, Nat Hum Behav 4:1208-1214 (specification curve). Willett & Stampfer 1986, Am J
Epidemiol 124:17-27 (residual and density forms of energy adjustment).
"""

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from analysis.audit.coefficients import curve_coefficients
from analysis.data.people.cohort import columns_read
from analysis.data.people.conditions import all_of
from analysis.data.people.metabolism import PLAUSIBLE
from analysis.data.people.vocabulary import is_intake
from analysis.dose_response.energy import ENERGY, EnergyForm, energy_adjusted, energy_known, forms_of
from analysis.dose_response.fits import curve_of, fit_beside, fit_problem
from analysis.dose_response.problem import Problem, Setting, pose_setting, set_out, under_covariates_of
from analysis.dose_response.shape import shape_numbers
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools, Row
from analysis.stats.curve.splines import SplineError
from analysis.stats.disclosure import Discreet
from analysis.stats.order import sorted_quantiles
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import contrast
from analysis.stats.regression.shared import OwnFit, SharedColumns, shared_columns
from analysis.stats.shape.questions import ENDS, end_tests, ends_name
from analysis.stats.shape.verdict import FittedCurve, verdict
from analysis.study import COVARIATES, CYCLES, PRIMARY, Model, Outcome, Study, StudyError, Weights

Covariates = Literal["1", "2", "2 + height"]

SAMPLES: dict[str, dict[str, Any]] = {
    "all": {},
    "500-6000 kcal": {"where": "energy_kcal >= 500 and energy_kcal <= 6000"},
    "no diabetes": {"where": "has_diabetes == 0"},
    **{
        f"without {cycle}-{cycle + 1}": {"cycles": tuple(other for other in CYCLES if other != cycle)}
        for cycle in CYCLES
    },
    "plausible reporters": {"where": f"ei_bmr >= {PLAUSIBLE[0]:g} and ei_bmr <= {PLAUSIBLE[1]:g}"},
}
"""Who of a study's people is analysed, as fields of `Study`; a cycle is left out of those that the study pools."""

PLAUSIBLE_PEOPLE, OF_RECALLED_ENERGY = "plausible reporters", ("500-6000 kcal", "plausible reporters")
"""Samples that ask how much energy somebody reported, the first beside what their body needs."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "weights": get_args(Weights),
    "outcome": ("strict", "lenient", "both_feet", "two_sites", "any_tested"),
    "sample": tuple(SAMPLES),
    "covariates": get_args(Covariates),
    "energy": get_args(EnergyForm),
    "knots": (3, 4, 5),
}
"""The grid. Every combination is a model that could be fitted, so no cell is left out beforehand; a covariate that does
not vary in a sample (diabetes among those without it) leaves the model of that cell, as it does in any study."""


ADDED = {"outcome": ("any_tested",), "sample": ("plausible reporters",)}
"""Levels that joined after the first results were known; without them the grid is the one first declared."""

MARKS = (0.10, 0.90)
"""Quantiles of the cohort's exposure whose odds ratios against the median are the estimates of a specification."""

STATISTICS = ("log_or_p10", "log_or_p90")


@dataclass(frozen=True, slots=True, order=True)
class Specification:
    """One cell of the grid."""

    weights: Weights
    outcome: Outcome
    sample: str
    covariates: Covariates
    energy: EnergyForm
    knots: int

    @property
    def study(self) -> Study:
        """The primary study under these choices."""
        return self.of(PRIMARY)

    def of(self, study: Study) -> Study:
        """The study whose people and covariates these are, the others as this one's; the energy form is added to it.

        Of an exposure that is no intake, everybody's energy must be known: every cell then has the same people whether
        it adjusts for energy or not, and whatever its weights are.

        Raises
        ------
        StudyError : the exposure is one of the covariates.
        """
        model: Model = "1" if self.covariates == "1" else "2"
        height = ("height_cm",) if self.covariates == "2 + height" else ()
        extra = dict.fromkeys(name for name in study.extra_covariates + height if name not in COVARIATES[model])
        fields = dict(SAMPLES[self.sample])
        fields["where"] = all_of((energy_known(study).where, fields.get("where")))
        if "cycles" in fields:
            fields["cycles"] = tuple(cycle for cycle in study.cycles if cycle in fields["cycles"])
        return dataclasses.replace(
            study, weights=self.weights, outcome=self.outcome, knots=self.knots, model=model,
            extra_covariates=tuple(extra), **fields,
        )  # fmt: skip

    @property
    def people(self) -> tuple[str, ...]:
        """What decides the people, but for whom a covariate is unknown: specifications that share it are one task."""
        return (self.weights, self.outcome, self.sample)


def cell_of(study: Study) -> Specification:
    """A study's own cell. It may be beyond the grid, which `refuse_outside_grid` says before anything is fitted."""
    return Specification(study.weights, study.outcome, "all", cast(Covariates, study.model), "none", study.knots)


PRIMARY_CELL = cell_of(PRIMARY)
PUBLISHED_CELL = Specification("mec", "strict", "all", "1", "none", 4)
"""The recipe that comes nearest to the published analysis of phosphorus: MEC weights, no energy."""


def refuse_outside_grid(study: Study = PRIMARY) -> None:
    """Refuse to audit a study that its grid does not hold, or that adjusts for energy already.

    Raises
    ------
    StudyError : which choice it is, and what the grid holds.
    """
    own, choices = cell_of(study), choices_of(study)
    if ENERGY in study.covariates:
        raise StudyError(
            f"an audit takes no study with energy among the covariates ({ENERGY}): it adjusts for energy itself, in "
            "several ways. Leave energy out of the study: model 1 or 2, without it among extra_covariates."
        )
    for name in ("weights", "outcome", "covariates", "knots"):
        if getattr(own, name) not in choices[name]:
            raise StudyError(
                f"the audit's grid does not hold the study: {name} {getattr(own, name)}, expected one of "
                f"{', '.join(map(str, choices[name]))}."
            )


def choices_of(study: Study) -> dict[str, tuple[Any, ...]]:
    """The levels of each choice that make sense of a study, of `CHOICES` but for an outcome that is no neuropathy.

    Energy is adjusted for in the forms of `analysis.dose_response.energy.forms_of`; a disease that one rule defines has
    no others; a cycle can be left out only where there are several; people are left out for the energy they reported
    only where that says something of how the exposure was measured, see `samples_left_out`.
    """
    left = {f"without {cycle}-{cycle + 1}" for cycle in CYCLES if cycle not in study.cycles or len(study.cycles) == 1}
    left |= set(samples_left_out(study))
    return CHOICES | {
        "outcome": CHOICES["outcome"] if study.outcome in CHOICES["outcome"] else (study.outcome,),
        "sample": tuple(name for name in CHOICES["sample"] if name not in left),
        "energy": forms_of(study.exposure),
    }


def samples_left_out(study: Study) -> tuple[str, ...]:
    """Samples by reported energy that make no sense of a study.

    Of energy itself those by its plausibility, which hold the exposure fixed; of what is no intake all of them.
    """
    if study.exposure == ENERGY:
        return (PLAUSIBLE_PEOPLE,)
    return () if is_intake(study.exposure) else OF_RECALLED_ENERGY


def specification_grid(study: Study = PRIMARY) -> list[Specification]:
    """Every cell of a study's grid, in order."""
    return [Specification(*choice) for choice in itertools.product(*choices_of(study).values())]


def in_first_grid(cells: pd.DataFrame) -> Bools:
    """Which cells the grid had when it was first declared, before `ADDED`.

    Parameters
    ----------
    cells : one row a specification, with its choices.
    """
    return np.asarray(~np.any([cells[name].isin(levels) for name, levels in ADDED.items()], axis=0))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answer(Discreet):
    """What one specification found.

    Attributes
    ----------
    row : the specification's choices and its numbers, or the reason why there are none.
    totals : (n_psu, 2 + q) PSU totals of the influence values of `STATISTICS` and of the non-linear coefficients,
        the latter turned to a covariance of the identity; None without an estimate.
    """

    row: dict[str, Any]
    totals: Array | None


def answer_people(people: pd.DataFrame, cells: list[Specification], *, study: Study = PRIMARY) -> list[Answer]:
    """Answer the specifications of the same people.

    Parameters
    ----------
    people : harmonised participants, all of them.
    cells : specifications that agree in `Specification.people`.
    study : what they vary.

    Returns
    -------
    One answer a cell, in their order; a cell without an estimate has its reason.
    """
    models: dict[Covariates, list[Specification]] = {}
    for cell in cells:
        models.setdefault(cell.covariates, []).append(cell)
    try:
        read = {ENERGY}.union(*(columns_read(some[0].of(study)) for some in models.values()))
        people = eligible_people(people, study, columns=read)
        people = people.iloc[np.lexsort((people["psu"], people["strata"]))]  # PSU by PSU, the order that fits want
    except AnalysisError as error:
        return [_without_answer(cell, error) for cell in cells]
    answers: dict[Specification, Answer] = {}
    for some, setting in _settings(people, list(models.values()), study):
        answers |= zip(some, _answer_model(people, some, setting), strict=True)
    return [answers[cell] for cell in cells]


def _settings(
    people: pd.DataFrame, models: list[list[Specification]], study: Study
) -> Iterator[tuple[list[Specification], Setting | AnalysisError]]:
    """Each model's specifications with their people, or the reason why there is none; they are chosen once."""
    chosen = None
    for cells in models:
        own = cells[0].of(study)
        try:
            setting = set_out(people, own) if chosen is None else under_covariates_of(own, chosen, people)
        except AnalysisError as error:
            yield cells, error
            continue
        chosen = chosen or setting
        yield cells, setting


def _answer_model(people: pd.DataFrame, cells: list[Specification], setting: Setting | AnalysisError) -> list[Answer]:
    """Answers of specifications that agree in their covariates too."""
    if isinstance(setting, AnalysisError):
        return [_without_answer(cell, setting) for cell in cells]
    energy = people[ENERGY].to_numpy(dtype=float)
    forms = {form: _adjusted_or_reason(setting, energy, form) for form in {cell.energy for cell in cells}}
    covariates = {setting.adjustment_terms: setting}
    covariates |= {one.adjustment_terms: one for one in forms.values() if isinstance(one, Setting)}
    ready = shared_columns([one.regression() for one in covariates.values()], setting.design)
    shared = dict(zip(covariates, ready, strict=True))
    return [_answer(cell, forms[cell.energy], shared) for cell in cells]


def answer_arrays(
    people: pd.DataFrame, cells: list[Specification], *, study: Study = PRIMARY
) -> dict[str, pd.DataFrame | Array]:
    """Answers of `answer_people` as a frame ``rows`` and an array ``totals``, the answered cells' side by side."""
    answers = answer_people(people, cells, study=study)
    n_psu = len(people[["strata", "psu"]].drop_duplicates())
    totals = [answer.totals for answer in answers if answer.totals is not None]
    return {
        "rows": pd.DataFrame([answer.row for answer in answers]),
        "totals": np.hstack([np.empty((n_psu, 0)), *totals]),
    }


def people_groups(study: Study = PRIMARY) -> dict[str, list[Specification]]:
    """A study's grid by people: specifications of one group differ in covariates, energy form and knots."""
    groups: dict[str, list[Specification]] = {}
    for cell in specification_grid(study):
        groups.setdefault(", ".join(cell.people), []).append(cell)
    return groups


def eligible_people(people: pd.DataFrame, study: Study = PRIMARY, *, columns: set[str] | None = None) -> pd.DataFrame:
    """Who may be in a cohort of the grid, and one person of every PSU, who holds its place in the design.

    A covariance is made of totals of PSUs, to which somebody outside the domain adds zero. So it is the same with all
    sampled people or with a quarter of them, as long as no PSU is missing; a test holds the two to each other.

    Parameters
    ----------
    people, study : harmonised participants, and what is asked of them.
    columns : the only ones that are read; all, unless given or where one of them is missing, which its refusal lists.
    """
    able = people["age_years"].to_numpy() >= study.age_min
    able &= people["examined"].to_numpy(dtype=bool) & people["recall_reliable"].to_numpy(dtype=bool)
    strata, psu = (pd.factorize(people[name])[0] for name in ("strata", "psu"))
    codes = strata * (psu.max() + 1) + psu
    first = np.full(codes.max() + 1, -1)
    first[codes[::-1]] = np.arange(codes.size)[::-1]  # of those written to one place the last stays
    able[first[first >= 0]] = True
    if columns is None or not columns <= set(people):
        return people[able]
    rows = np.flatnonzero(able)  # column by column: half the time of the frame's own selection of rows and columns
    return pd.DataFrame({name: people[name].array.take(rows) for name in sorted(columns)}, index=people.index[rows])


def _adjusted_or_reason(setting: Setting, energy: Array, form: EnergyForm) -> Setting | AnalysisError:
    try:
        return energy_adjusted(setting, energy, form)
    except AnalysisError as error:
        return error


def _answer(
    cell: Specification, setting: Setting | AnalysisError, shared: dict[tuple[str, ...], SharedColumns | None]
) -> Answer:
    """One cell's answer; ``shared`` has the covariates of its model ready, by their names."""
    try:
        if isinstance(setting, AnalysisError):
            raise setting
        problem = pose_setting(setting.with_knots(cell.knots))
        if problem.spline.knots.size != cell.knots:
            raise SplineError(f"{problem.spline.knots.size} knots: expected {cell.knots}, as the specification has.")
        ready = shared[setting.adjustment_terms]
        fit = fit_problem(problem) if ready is None else fit_beside(problem, ready)
        curve = curve_of(problem, fit, shared=ready)
        marks = sorted_quantiles(problem.setting.ordered, np.array(MARKS))
        row = _choices(cell) | _numbers(problem, curve, marks) | curve_coefficients(problem, fit)
        return Answer(row, _statistic_totals(problem, fit, marks))
    except AnalysisError as error:
        return _without_answer(cell, error)


def _without_answer(cell: Specification, error: AnalysisError) -> Answer:
    return Answer(_choices(cell) | {"verdict": None, "reason": str(error)}, None)


def _choices(cell: Specification) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in CHOICES}


def _numbers(problem: Problem, curve: FittedCurve, marks: Array) -> dict[str, Any]:
    fit = curve.fit
    odds = contrast(fit, problem.contrast(marks), terms=problem.spline_terms)
    low, high = odds.limits(conf_level=problem.setting.study.conf_level)
    ratios = np.exp([odds.estimate, low, high])
    numbers: dict[str, Any] = {"n": fit.n, "cases": fit.cases, "residual_df": fit.residual_df,
                               "reference": problem.reference}  # fmt: skip
    for number, name in enumerate(("p10", "p90")):
        of_mark = zip(("odds_ratio", "conf_low", "conf_high"), ratios[:, number], strict=True)
        numbers |= {name: marks[number]} | {f"{column}_{name}": ratio for column, ratio in of_mark}
    references = [f"reference of {name}: {level}" for name, level in problem.setting.references.items()]
    dropped = ", ".join([*problem.setting.dropped, *references])
    shape = shape_numbers(curve)
    return numbers | shape | _of_ends(curve, shape) | {"dropped": dropped, "reason": ""}


def _of_ends(curve: FittedCurve, shape: dict[str, Any]) -> Row:
    """Levels at the ends of the range, and the verdict of the protocol's rule with the end slopes taken elsewhere.

    Non-linear test, two lines and low point stay as they are; the verdict at the protocol's ends is ``verdict``.
    """
    found = end_tests(curve)
    level = found.levels
    row: Row = {"level_low_p": level.p_low, "level_high_p": level.p_high, "levels_p": level.p_value,
                "levels_verdict": level.verdict}  # fmt: skip
    for ends, p_value in zip(ENDS[1:], found.slopes_p[1:], strict=True):
        row[f"end_slopes_p_{ends_name(ends)}"] = p_value
        row[f"verdict_{ends_name(ends)}"] = verdict(
            nonlinear_p=shape["nonlinear_p"],
            end_slopes_p=p_value,
            two_lines_p=shape["two_lines_p"],
            interior=shape["interior"],
        )
    return row


def _statistic_totals(problem: Problem, fit: LogisticFit | OwnFit, marks: Array) -> Array:
    index = fit.index(problem.spline_terms)
    of_spline = fit.totals[:, index]
    at_marks = problem.contrast(marks)
    vcov = fit.vcov[np.ix_(index[1:], index[1:])]
    scale = np.sqrt(np.diag(vcov))
    whiten = np.linalg.inv(np.linalg.cholesky(vcov / np.outer(scale, scale))) / scale
    return np.hstack([of_spline @ at_marks.T, of_spline[:, 1:] @ whiten.T])
