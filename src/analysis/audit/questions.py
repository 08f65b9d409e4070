"""The whole audit as tasks, and what they found as frames: one table a question.

Every task is a function of the participants, so that any worker can do it, and none needs another's result.
"""

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
from analysis.audit.recall import two_days
from analysis.audit.runner import AuditError, Finished, Task
from analysis.audit.specifications import CHOICES, answer_arrays, people_groups, refuse_outside_grid
from analysis.audit.specificity import (
    SpecificityCell,
    answer_cells,
    curves_of,
    place_of,
    specificity_cells,
    summarise,
)
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
    "two recalls": two_days,
}
"""Questions of one task each, which can be asked of any study."""

QUESTIONS = (SPECIFICATION.strip(), SPECIFICITY, *SINGLE)
"""What an audit asks; the first two, of the primary study only, take most of the time."""


ALWAYS_AUDITED = ("specifications", "verdict_shares", "verdict_ends", "verdict_sides", "decomposition", "joint_test",
                  "specificity", "specificity_place", "failures")  # fmt: skip
"""Frames that every audit has; those of a single task are missing if it failed."""

DRAWING = [name for name in COEFFICIENTS if name != "reference"]
"""Columns that draw a curve anew, which have a table of their own; the reference is in both."""


def audit_tasks() -> list[Task]:
    """Every task of the audit."""
    tasks = specification_tasks()
    for number, cells in enumerate(_groups()):
        tasks.append(Task(f"{SPECIFICITY} {number}", answer_cells, (cells,)))
    return tasks + [Task(name, function, ()) for name, function in SINGLE.items()]


def study_tasks(study: Study, questions: Sequence[str]) -> list[Task]:
    """The tasks of some questions, asked of one study.

    Parameters
    ----------
    study : whose curve is audited.
    questions : of `QUESTIONS`; the grid of specifications and the other nutrients belong to the primary study.

    Raises
    ------
    StudyError : an unknown question, or one that is asked of the primary study only; or the grid does not hold that.
    """
    if unknown := [name for name in questions if name not in QUESTIONS]:
        raise StudyError(f"{', '.join(map(repr, unknown))}: expected questions among {', '.join(QUESTIONS)}.")
    asked = [name for name in QUESTIONS if name in questions]
    if not asked:
        raise StudyError(f"no question was asked: expected one or more of {', '.join(QUESTIONS)}.")
    if of_primary := [name for name in asked if name not in SINGLE]:
        if study != PRIMARY:
            raise StudyError(
                f"{' and '.join(of_primary)}: asked of the primary study only. Change PRIMARY, or leave it out."
            )
        refuse_outside_grid()
    chosen = [task for task in audit_tasks() if task.name not in SINGLE and task.name.startswith(tuple(of_primary))]
    return chosen + [Task(name, SINGLE[name], options=(("study", study),)) for name in asked if name in SINGLE]


def _groups() -> list[tuple[SpecificityCell, ...]]:
    cells = specificity_cells()
    return [tuple(cells[start : start + CELLS_PER_TASK]) for start in range(0, len(cells), CELLS_PER_TASK)]


def audit_frames(finished: Sequence[Finished], frame: pd.DataFrame, *, jobs: int = 1) -> dict[str, pd.DataFrame]:
    """What the tasks of `audit_tasks`, or of `study_tasks`, found, by name.

    Parameters
    ----------
    finished : what the tasks found.
    frame : harmonised participants, all of them.
    jobs : threads of the joint test; no number depends on them.

    Returns
    -------
    specifications, coefficients, verdict_shares, verdict_ends, verdict_sides, decomposition, joint_test; specificity,
    specificity_place, specificity_coefficients; the frames of the single tasks by their own names; failures: task and
    reason of any that found nothing. What was not asked has no frame.

    Raises
    ------
    AuditError : a task of the specifications, which everything else is read beside, found nothing.
    """
    frames: dict[str, pd.DataFrame] = {}
    if specifications := [one for one in finished if one.name.startswith(SPECIFICATION)]:
        curve = specification_curve(specifications, frame)
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
        summary = summarise(rows)
        frames |= {"specificity": summary, "specificity_place": place_of(summary),
                   "specificity_coefficients": curves_of(rows)}  # fmt: skip
    for one in finished:
        if one.name in SINGLE:
            frames |= _named(one)
    failures = pd.DataFrame(
        [{"task": one.name, "reason": one.reason} for one in finished if one.reason], columns=["task", "reason"]
    )
    return frames | {"failures": failures}


def _named(one: Finished) -> Mapping[str, pd.DataFrame]:
    """Frames of a single task; one that returned a single frame has it under the task's name."""
    return {one.name.replace(" ", "_") if name == "rows" else name: frame for name, frame in one.frames.items()}


# ---- the specification curve as tasks
def specification_tasks() -> list[Task]:
    """The grid of specifications, a task for each group of people."""
    return [Task(f"specification {name}", answer_arrays, (cells,)) for name, cells in people_groups().items()]


def specification_curve(finished: Sequence[Finished], frame: pd.DataFrame) -> SpecificationCurve:
    """What the tasks of `specification_tasks` found as one curve.

    Raises
    ------
    AuditError : a task found nothing, for the reason it has.
    """
    reasons = {one.name: one.reason for one in finished if one.reason}
    if reasons:
        raise AuditError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    whole = SurveyDesign(frame["strata"].to_numpy(), frame["psu"].to_numpy(), np.ones(len(frame)))
    return collect_answers([(one.frames["rows"], one.arrays["totals"]) for one in finished], whole.psu_stratum)
