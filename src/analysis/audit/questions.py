"""The whole audit as tasks, and what they found as frames: one table a question.

Every task is a function of the participants, so that any worker can do it, and none needs another's result.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.audit.coefficients import COEFFICIENTS, coefficients_frame
from analysis.audit.energy import energy_forms, energy_slices, energy_surface
from analysis.audit.heterogeneity import cycle_curves, cycle_heterogeneity, psu_influence_on_shape
from analysis.audit.joint_test import (
    SpecificationCurve,
    collect_answers,
    decompose,
    joint_test,
    u_by_sides,
    verdict_shares,
    verdicts_by_ends,
)
from analysis.audit.recall import two_recalls
from analysis.audit.referee.questions import RECALL_ERROR, answered_frames, referee_tasks, without_answer
from analysis.audit.referee.rows import OF_RECALL
from analysis.audit.specifications import (
    CHOICES,
    answer_arrays,
    people_groups,
    refuse_outside_grid,
    samples_left_out,
)
from analysis.audit.specificity import (
    SpecificityCell,
    answer_cells,
    curves_of,
    nutrient_cells,
    own_cells,
    place_among_nutrients,
    specificity_summary,
)
from analysis.audit.tasks import AuditError, Finished, Task
from analysis.data.people.vocabulary import SECOND_DAYS, SECOND_RECALL, exposure_label, is_intake
from analysis.dose_response.energy import ENERGY
from analysis.stats.sample.design import SurveyDesign
from analysis.study import PRIMARY, Study, StudyError

SPECIFICITY = "specificity"
SPECIFICATION = "specification "

CELLS_PER_TASK = 20

SINGLE = {
    "energy forms": energy_forms,
    "energy surface": energy_surface,
    "energy slices": energy_slices,
    "cycle curves": cycle_curves,
    "cycle heterogeneity": cycle_heterogeneity,
    "sampling units": psu_influence_on_shape,
    "two recalls": two_recalls,
}
"""Questions of one task each."""

REFEREE = "referee"

QUESTIONS = (SPECIFICATION.strip(), SPECIFICITY, *SINGLE, REFEREE)
"""What an audit asks; the first two and the last take most of the time."""

OF_ENERGY = ("energy forms", "energy surface", "energy slices")

OF_PLAUSIBILITY = ("referee under-reporting", "referee deletion controls", "referee under-reporter")
"""Questions about who reports less energy than their body needs."""

OF_THE_DIET = ("energy forms, as the residual on energy", "energy forms, per 1,000 kcal")
"""Forms of energy that ask what a diet is made of."""

DRAWING = [name for name in COEFFICIENTS if name != "reference"]
"""Columns that draw a curve anew, which have a table of their own; the reference is in both."""


def audit_tasks() -> list[Task]:
    """Every task of the primary study's audit; the referee is a stage of its own."""
    return study_tasks(PRIMARY, [name for name in QUESTIONS if name != REFEREE])


def study_tasks(study: Study, questions: Sequence[str] = QUESTIONS) -> list[Task]:
    """The tasks of some questions, asked of one study: those that it can be asked, see `not_asked`.

    Studies that differ in their exposures only have the nutrients' tasks in common, so that a run that has done them
    for one has done them for all.

    Parameters
    ----------
    study : whose curve is audited.
    questions : of `QUESTIONS`.

    Raises
    ------
    StudyError : no question, or an unknown one; or the grid of specifications does not hold the study.
    """
    if unknown := [name for name in questions if name not in QUESTIONS]:
        raise StudyError(f"{', '.join(map(repr, unknown))}: expected questions among {', '.join(QUESTIONS)}.")
    if not questions:
        raise StudyError(f"no question was asked: expected one or more of {', '.join(QUESTIONS)}.")
    if SPECIFICATION.strip() in questions:
        refuse_outside_grid(study)
    # The long tasks first, so that none is waited for alone.
    tasks = referee_tasks(study) if REFEREE in questions else []
    tasks += [Task(name, function, options=(("study", study),)) for name, function in SINGLE.items()
              if name in questions]  # fmt: skip
    if SPECIFICITY in questions:
        tasks += _specificity_tasks(study)
    if SPECIFICATION.strip() in questions:
        tasks += specification_tasks(study)
    left = not_asked(study)
    return [task for task in tasks if task.name not in left]


def not_asked(study: Study) -> dict[str, str]:
    """Tasks that a study cannot be asked, and parts of others ("task, part"), each with the reason.

    What was not recalled is a class of its own: it has no recalled day that could be usual or another one, and nobody's
    reported energy says how well it was measured; of the forms of energy it has those that leave it what it is.
    """
    if study.exposure == ENERGY:
        reasons = _not_asked_of_energy(study)
    else:
        reasons = {} if is_intake(study.exposure) else _not_asked_of_others(study)
    if len(study.cycles) == 1:
        reasons |= dict.fromkeys(("cycle curves", "cycle heterogeneity"), "the study is of one cycle")
    if is_intake(study.exposure) and (study.exposure not in SECOND_DAYS or SECOND_RECALL not in study.cycles):
        reason = f"no second recalled day of {study.exposure} is known: one cycle had it, {SECOND_RECALL}"
        reasons |= dict.fromkeys(("two recalls", *RECALL_ERROR), reason)
    return reasons


def _not_asked_of_energy(study: Study) -> dict[str, str]:
    itself, fixed = "energy is the exposure itself", "who is plausible is said by energy, the exposure itself"
    return (
        dict.fromkeys(OF_ENERGY, f"{itself}: it cannot be adjusted for itself")
        | {"referee calibration with energy": itself}
        | dict.fromkeys((*OF_PLAUSIBILITY, *_samples(study)), f"{fixed}: it would be held fixed")
    )


def _not_asked_of_others(study: Study) -> dict[str, str]:
    none = f"{exposure_label(study.exposure)} is none of the recalled intakes"
    asked_of_recall = ("two recalls", *RECALL_ERROR, *(f"referee rows, {name}" for name in OF_RECALL))
    return (
        dict.fromkeys(OF_THE_DIET, f"{none}: no diet is made of it")
        | dict.fromkeys(
            (*OF_PLAUSIBILITY, *_samples(study)), f"{none}: reported energy does not say how well it was measured"
        )
        | dict.fromkeys(asked_of_recall, f"{none}: it has no recalled day")
    )


def _samples(study: Study) -> list[str]:
    return [f"{SPECIFICATION.strip()}, {name}" for name in samples_left_out(study)]


def _specificity_tasks(study: Study) -> list[Task]:
    """Nutrients apart from what is the study's own: they are asked of its people whatever its exposure is."""
    nutrients, own = nutrient_cells(study), own_cells(study)
    shared = study if study.exposure == ENERGY else dataclasses.replace(study, exposure=ENERGY)
    parts = [(cells, shared) for cells in _parted(nutrients)] + [(cells, study) for cells in _parted(own)]
    return [
        Task(f"{SPECIFICITY} {number}", answer_cells, (cells,), options=(("study", asked),))
        for number, (cells, asked) in enumerate(parts)
    ]


def _parted(cells: Sequence[SpecificityCell]) -> list[tuple[SpecificityCell, ...]]:
    return [tuple(cells[start : start + CELLS_PER_TASK]) for start in range(0, len(cells), CELLS_PER_TASK)]


def audit_frames(
    finished: Sequence[Finished], people: pd.DataFrame, *, study: Study = PRIMARY, jobs: int = 1
) -> dict[str, pd.DataFrame]:
    """What the tasks of `audit_tasks`, or of `study_tasks`, found, by name.

    Parameters
    ----------
    finished : what the tasks found.
    people : harmonised participants, all of them.
    study : whose audit it is.
    jobs : threads of the joint test; no number depends on them.

    Returns
    -------
    specifications, coefficients, verdict_shares, verdict_ends, verdict_sides, decomposition, joint_test; specificity,
    specificity_place, specificity_coefficients; the frames of the single tasks and of the referee by their own names;
    failures: task and reason of any that found nothing. What was not asked has no frame.

    Raises
    ------
    AuditError : a task of the specifications, which everything else is read beside, found nothing.
    """
    frames: dict[str, pd.DataFrame] = {}
    if specifications := [one for one in finished if one.name.startswith(SPECIFICATION)]:
        curve = specification_curve(specifications, people)
        frames |= {
            "specifications": curve.cells.drop(columns=DRAWING, errors="ignore"),
            "coefficients": coefficients_frame(curve.cells, CHOICES),
            "verdict_shares": verdict_shares(curve.cells),
            "verdict_ends": verdicts_by_ends(curve.cells),
            "verdict_sides": u_by_sides(curve.cells),
            "decomposition": decompose(curve.cells),
            "joint_test": joint_test(curve, jobs=jobs),
        }
    if specificity := [one.frames["rows"] for one in finished if one.name.startswith(SPECIFICITY) and not one.reason]:
        rows = [row for part in specificity for row in part.to_dict("records")]
        summary = specificity_summary(rows)
        frames |= {"specificity": summary, "specificity_place": place_among_nutrients(summary, study.exposure),
                   "specificity_coefficients": curves_of(rows)}  # fmt: skip
    for one in finished:
        if one.name in SINGLE:
            frames |= _named(one)
    frames |= answered_frames([one for one in finished if one.name.startswith(REFEREE)])
    failures = pd.DataFrame(without_answer(finished).items(), columns=["task", "reason"])
    return frames | {"failures": failures}


def _named(one: Finished) -> Mapping[str, pd.DataFrame]:
    """Frames of a single task; one that returned a single frame has it under the task's name."""
    return {one.name.replace(" ", "_") if name == "rows" else name: frame for name, frame in one.frames.items()}


# ---- the specification curve as tasks
def specification_tasks(study: Study = PRIMARY) -> list[Task]:
    """The grid of specifications, a task for each group of people."""
    groups = people_groups(study)
    return [
        Task(f"{SPECIFICATION}{name}", answer_arrays, (cells,), options=(("study", study),))
        for name, cells in groups.items()
    ]


def specification_curve(finished: Sequence[Finished], people: pd.DataFrame) -> SpecificationCurve:
    """What the tasks of `specification_tasks` found as one curve.

    Raises
    ------
    AuditError : a task found nothing, for the reason it has.
    """
    reasons = {one.name: one.reason for one in finished if one.reason}
    if reasons:
        raise AuditError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    whole = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), np.ones(len(people)))
    return collect_answers([(one.frames["rows"], one.arrays["totals"]) for one in finished], whole.psu_stratum)
