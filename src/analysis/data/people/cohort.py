"""Who is studied: eligibility step by step, counted, of people of whom nobody is dropped."""

import dataclasses
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.data.people.conditions import columns_of, select_rows
from analysis.data.people.vocabulary import EXPOSURES, exposure_label
from analysis.data.people.weights import pooled_weight
from analysis.errors import expected_one_of, kind_words
from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet, count_of
from analysis.study import COVARIATES, Study, StudyError, refuse_no_study

NO_COVARIATES = ("pn_", "any_led", "insensate_", "weight_", "strata", "psu", "cycle", "examined", "recall")
"""Beginnings of columns that are the outcome, the design or eligibility, and cannot be adjusted for."""


_FLOW = {"step": object, "n": "int64", "cases": "Int64"}
INTERVIEWED = "interviewed"
"""Name, among a frame's ``attrs``, of how many people each cycle interviewed; copies and parts of a frame keep it."""

_PARTS = {"pad": ("pad", "abi_"), "any_led": ("pad", "abi_", "foot_sore", "amputation")}
"""Beginnings of columns that an outcome is made of."""


def barred_beginnings(outcome: str) -> tuple[str, ...]:
    """Beginnings of columns that are neither exposure nor covariate of an outcome.

    Arterial disease may be adjusted for, but not where it is the outcome, nor the index that defines it.
    """
    return (*NO_COVARIATES, *_PARTS.get(outcome, ()))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cohort(Discreet):
    """The people a study is about, as a domain of the whole sample.

    Attributes
    ----------
    rows : (n,) boolean series on the people's index: eligible, with outcome and exposure known.
    complete : (n,) boolean series: of those, the ones with every covariate of the study's model.
    weights : (n,) float series, the study's survey weight for every sampled row, 0 where there is none.
    cycles, complete_cycles : those that ``rows`` lie in, whose weights are pooled, and those that ``complete`` does.
    flow : step, n, cases: unweighted counts left after each step; cases (of the study's outcome) are missing
        as long as the outcome of some is unknown.
    eligibility_steps : how many of these come before the covariates.
    """

    shown = ("n", "rows")

    rows: pd.Series
    complete: pd.Series
    weights: pd.Series
    flow: pd.DataFrame
    eligibility_steps: int
    cycles: tuple[int, ...]
    complete_cycles: tuple[int, ...]

    @property
    def n(self) -> int:
        """People with every covariate."""
        return int(self.complete.sum())


def select_cohort(people: pd.DataFrame, study: Study) -> Cohort:
    """Apply a study's eligibility to the harmonised participants.

    The weights are those of the cycles in which somebody is eligible, however that came about: people of one cycle get
    its own 2-year weight whether ``cycles`` or ``where`` asks for it, and the 4-year weight of 1999-2002 is for people
    of both its cycles, as NCHS asks for it.

    Parameters
    ----------
    people : harmonised participants, all interviewed people.
    study : the protocol.

    Returns
    -------
    Cohort

    Raises
    ------
    StudyError : the exposure or a covariate is not a harmonised column that can play that part.
    ConditionError : ``study.where`` cannot be read.
    """
    _check_columns(people, study)
    steps = {
        "interviewed": people["cycle"].isin(study.cycles),
        **_of_age(people, study),
        "examined at the mobile examination center": people["examined"],
        f"{study.disease} status known": people[study.outcome_column].notna(),
        **_exposed(people, study),
    }
    if study.where is not None:
        steps[f"where {study.where}"] = select_rows(people, study.where)
    outcome = people[study.outcome_column].to_numpy(dtype=float)
    rows, counts = np.full(len(people), True), []
    for step, passed in steps.items():
        rows = rows & np.asarray(passed, dtype=bool)
        counts.append((step, int(rows.sum()), _cases(outcome[rows])))
    # Of nobody there is no cycle; that is refused elsewhere, with the step at which it happened.
    present = _cycles_of(people["cycle"].to_numpy()[rows]) or study.cycles
    weights = pooled_weight(people, weights=study.weights, cycles=present)
    eligible = pd.Series(rows, index=people.index)
    cohort = Cohort(eligible, eligible, weights, _flow(counts), len(counts), present, present)
    return _complete(cohort, people, study)


def with_covariates(cohort: Cohort, people: pd.DataFrame, study: Study) -> Cohort:
    """The cohort of a study that differs from the cohort's own in its covariates only.

    Parameters
    ----------
    cohort : of ``people``.
    people, study : as for `select_cohort`.

    Raises
    ------
    StudyError : as `select_cohort`.
    """
    _check_columns(people, study)
    return _complete(cohort, people, study)


def _complete(cohort: Cohort, people: pd.DataFrame, study: Study) -> Cohort:
    """The last steps: those of the eligible whose covariates are known, and who have a weight."""
    rows = cohort.rows.to_numpy(copy=True)
    for name in study.covariates:
        rows &= ~np.asarray(people[name].array.isna())
    outcome, represents = people[study.outcome_column].to_numpy(dtype=float), cohort.weights.to_numpy() > 0
    counts = [(_covariate_step(study), int(rows.sum()), _cases(outcome[rows]))]
    if not represents[rows].all():  # they represent nobody and leave every fit
        rows &= represents
        counts.append(("survey weight above 0", int(rows.sum()), _cases(outcome[rows])))
    return dataclasses.replace(
        cohort,
        complete=pd.Series(rows, index=people.index),
        flow=pd.concat([cohort.flow.iloc[: cohort.eligibility_steps], _flow(counts)], ignore_index=True),
        complete_cycles=_cycles_of(people["cycle"].to_numpy()[rows]),
    )


def _flow(counts: list[tuple[str, int, int | None]]) -> pd.DataFrame:
    """Steps, people and cases as `Cohort.flow`."""
    columns = zip(_FLOW.items(), zip(*counts, strict=True), strict=True)
    return pd.DataFrame({name: pd.array(list(values), dtype=kind) for (name, kind), values in columns})


def columns_read(study: Study) -> set[str]:
    """Columns of the participants that a study reads: design and weights, eligibility, exposure, outcome, covariates.

    Raises
    ------
    ConditionError : ``study.where`` cannot be read.
    """
    read = {"strata", "psu", "cycle", "age_years", "examined", "recall_reliable", study.exposure, study.outcome_column}
    weights = () if study.weights == "none" else (f"weight_{study.weights}_2yr", f"weight_{study.weights}_4yr")
    return read | {*weights, *study.covariates, *(columns_of(study.where) if study.where else ())}


def with_interviewed(people: pd.DataFrame) -> pd.DataFrame:
    """Everybody interviewed, with how many each cycle interviewed among the ``attrs``."""
    people.attrs[INTERVIEWED] = {str(cycle): int(n) for cycle, n in people["cycle"].value_counts().items()}
    return people


def refuse_parts(people: pd.DataFrame) -> None:
    """Refuse people who are not as many of a cycle as their ``attrs`` say it interviewed.

    Whole cycles may have been left out, since no stratum goes across them. It is asked of whoever comes with people:
    the audit itself leaves out people of whom no cell is, each sampling unit kept. What pandas forgets in a merge or a
    join it cannot know: of such people it is only asked whether somebody is there twice.

    Raises
    ------
    StudyError : it is no table of people; or some were dropped, or are there twice.
    """
    if not isinstance(people, pd.DataFrame) or "cycle" not in people:
        given = "a table without the column cycle" if isinstance(people, pd.DataFrame) else kind_words(people)
        raise StudyError(
            f"people: got {given}, expected the table of everybody interviewed, the first of the two that "
            "read_participants gives: people, provenance = read_participants(folders)."
        )
    here = people["cycle"].value_counts()
    interviewed = pd.Series({cycle: people.attrs.get(INTERVIEWED, {}).get(str(cycle), n) for cycle, n in here.items()})
    if (here != interviewed).any() or people.index.has_duplicates:
        raise StudyError(
            f"{count_of(people.index.nunique())} people are here, of {interviewed.sum():,} who were interviewed: "
            "expected everybody, once each, since the standard errors of some need the sample of all. Give all of "
            "them, and say whom the study is of by where= (--where), for example Study(where=\"sex == 'female'\")."
        )


def asked_for(people: pd.DataFrame, study: Study) -> pd.Series:
    """Whether each person is of the study's cycles and ages, examined or not; ``where`` is another question."""
    (of_age,) = _of_age(people, study).values()
    return people["cycle"].isin(study.cycles) & of_age


def _of_age(people: pd.DataFrame, study: Study) -> dict[str, pd.Series]:
    age = people["age_years"]
    if study.age_max is None:
        return {f"aged {study.age_min} or older": age >= study.age_min}
    return {f"aged {study.age_min} to {study.age_max}": (age >= study.age_min) & (age <= study.age_max)}


def _exposed(people: pd.DataFrame, study: Study) -> dict[str, pd.Series]:
    known = people[study.exposure].notna()
    if study.exposure in EXPOSURES:
        return {"reliable day-1 dietary recall": people["recall_reliable"] & known}
    return {f"{exposure_label(study.exposure)} known": known}


def _may_be_exposure(people: pd.DataFrame, name: str, barred: tuple[str, ...]) -> bool:
    """Whether a column is one of finite numbers, more than yes or no, and neither outcome, design nor eligibility."""
    if name in EXPOSURES or name not in people:
        return name in people
    if people[name].dtype.kind not in "if" or name.startswith(barred):
        return False
    return people[name].nunique() > 2 and not np.isinf(people[name]).any()


def _why_not(column: pd.Series) -> str:
    """What keeps a column from being an exposure."""
    if column.dtype.kind not in "if":
        kind = "yes or no" if column.dtype.kind == "b" else f"{column.dtype}, not numbers"
        return f"is {kind}: expected a column of numbers; convert it with `astype(float)` if it holds them"
    if np.isinf(column).any():
        return "holds infinite values: expected finite numbers; make them missing, or what they stand for"
    number = {0: "no value", 1: "only one value"}.get(column.nunique(), "only two values")
    return f"has {number}: expected an amount of at least three; as a covariate or a condition it can be used"


def _cycles_of(cycle: Integers) -> tuple[int, ...]:
    return tuple(int(year) for year in np.unique(cycle))


def refuse_empty(cohort: Cohort, study: Study) -> None:
    """Refuse a cohort in which nobody is left, by the step at which that happens.

    Raises
    ------
    StudyError : nobody is left.
    """
    counts = cohort.flow["n"].tolist()
    if counts[-1] > 0:
        return
    position = counts.index(0)
    before = f", of {count_of(counts[position - 1])} before it" if position else ""
    asks_age = study.where is not None and re.search(r"\bage_years\b", study.where)
    age = f" The cohort begins at {study.age_min} years (age_min)." if asks_age else ""
    raise StudyError(
        f"the domain is empty: nobody is left at the step {cohort.flow['step'].iloc[position]!r}{before}.{age} "
        "Change what the study asks for there."
    )


def _covariate_step(study: Study) -> str:
    """Name of the last step: the model, and covariates that were added to it, since those may be what people lack."""
    parts = [f"covariates of model {study.model}"] if COVARIATES[study.model] else []
    parts += study.extra_covariates
    if not parts:
        return "no covariates needed"
    return f"{' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))} known"


def _cases(outcome: Array) -> int | None:
    return None if np.isnan(outcome).any() else int(outcome.sum())


def _check_columns(people: pd.DataFrame, study: Study) -> None:
    refuse_no_study(study)
    barred = barred_beginnings(study.outcome)
    if not _may_be_exposure(people, study.exposure, barred):
        others = [str(name) for name in people if name not in EXPOSURES and _may_be_exposure(people, str(name), barred)]
        if study.exposure in people:
            of_design = "is of the outcome, the design or eligibility, and no exposure: choose another"
            why = of_design if study.exposure.startswith(barred) else _why_not(people[study.exposure])
            raise StudyError(f"exposure {study.exposure!r}: the column {why}.")
        raise StudyError(f"exposure {study.exposure!r}: {expected_one_of(study.exposure, [*EXPOSURES, *others])}")
    for name in study.extra_covariates:
        if name not in people or name.startswith(barred):
            able = [str(column) for column in people if not str(column).startswith(barred)]
            raise StudyError(f"covariate {name!r}: {expected_one_of(name, able)}")
    if lost := sorted(columns_read(dataclasses.replace(study, where=None)) - set(people)):
        raise StudyError(
            f"people: got a table without {', '.join(lost)}, expected every column that read_participants gives; leave "
            "none out, since the design and the weights are among them."
        )
