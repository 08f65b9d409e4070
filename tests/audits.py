"""A small audit of the invented survey: the stage as it is, on a handful of its tasks.

A full audit takes minutes. This one goes through every kind of task, and its files lie in the shared folder of the
run, so that the first test that asks for it makes it and the others read it.
"""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from analysis.__main__ import main
from analysis.audit.questions import SINGLE, SPECIFICITY, specification_tasks, study_tasks
from analysis.audit.referee.questions import referee_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import CHOICES
from analysis.audit.specificity import SpecificityCell, answer_cells, nutrient_cells, own_cells
from analysis.audit.tasks import Task
from analysis.dose_response.shape import summarise_shapes
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.study import PRIMARY, Study
from tests.shared import Shared, few_dots

PEOPLE = ("dietary, strict, all", "none, two_sites, all", "dietary, strict, without 1999-2000")
"""Groups of people whose specifications are fitted: 45 each."""

NUTRIENTS = ("energy_kcal", "magnesium_mg", "calcium_mg", "alcohol_g")
"""The last is heaped at zero: as it is, it has no knots."""

FEW = {
    "referee deletion controls": {"draws": 4},
    "referee calibration redone": {"replicates": 20, "deciding": 20},
    "referee calibration held": {"replicates": 20, "deciding": 20},
    "referee calibration with energy": {"replicates": 20, "deciding": 20},
    "referee simex": {"draws": 2},
    "referee covariates missing": {"imputations": 3},
    "referee rise along the curve": {"draws": 200},
}
"""Draws of the referee's tasks, enough to go through each."""


def specificity_cells(study: Study = PRIMARY) -> list[SpecificityCell]:
    """Every cell of a study's audit, in order; energy is not adjusted for itself."""
    return [*nutrient_cells(study), *own_cells(study)]


def small_tasks() -> list[Task]:
    """A few tasks of each kind of `analysis.audit.questions.audit_tasks`."""
    tasks = [task for task in specification_tasks() if task.name.removeprefix("specification ") in PEOPLE]
    cells = tuple(cell for cell in specificity_cells() if cell.kind != "nutrient" or cell.exposure in NUTRIENTS)
    tasks.append(Task(f"{SPECIFICITY} 0", answer_cells, (cells,)))
    return tasks + [Task(name, function, ()) for name, function in SINGLE.items()]


def copied(folders: Folders, to: Path) -> Folders:
    """Folders of a survey copied, but for the raw files, which are linked."""
    data = to / "data"
    shutil.copytree(folders.processed, data / "processed")
    (data / "raw").symlink_to(folders.raw, target_is_directory=True)
    return Folders(data, data / "figures")


def few_tasks(study: Study) -> list[Task]:
    """Some tasks of each kind of a claim's but the referee's: 45 specifications, some nutrients, the controls."""
    people = PEOPLE[0] if study.outcome in CHOICES["outcome"] else PEOPLE[0].replace("strict", study.outcome)
    tasks = [task for task in study_tasks(study) if task.name == f"specification {people}" or task.name in SINGLE]
    named = (*NUTRIENTS, study.exposure)
    cells = tuple(cell for cell in specificity_cells(study) if cell.kind != "nutrient" or cell.exposure in named)
    return [*tasks, Task(f"{SPECIFICITY} 0", answer_cells, (cells,), options=(("study", study),))]


def run_audit(folders: Folders, *options: str, tasks: Sequence[Task] | None = None) -> int:
    """Exit code of ``python -m analysis audit`` in this process, on the small tasks or those given."""
    chosen = small_tasks() if tasks is None else list(tasks)
    few = chosen if tasks is not None else None
    with (
        few_dots(),
        patch("analysis.pipeline.audit.audit_tasks", lambda: chosen),
        patch("analysis.pipeline.audit.study_tasks", lambda study: few_tasks(study) if few is None else few),
        patch("analysis.pipeline.audit.summarise_shapes", lambda found, **_: summarise_shapes(found, replicates=40)),
    ):
        return main(["audit", "--data", str(folders.data), "--jobs", "1", *options])


def audit_demo(folder: Path, demo: Folders) -> None:
    """Copy the invented survey into a folder and audit it there."""
    assert run_audit(copied(demo, folder)) == 0


def audited(demo: Folders, shared: Shared) -> Folders:
    """The invented survey after every stage and the small audit, made once for all workers."""
    data = shared.folder(audit_demo, demo) / "data"
    return Folders(data, data / "figures")


def small_questions() -> list[Task]:
    """Every task of the referee, with few draws."""
    return [dataclasses.replace(task, options=tuple(FEW.get(task.name, {}).items())) for task in referee_tasks()]


def run_referee(folders: Folders, *options: str) -> int:
    """Exit code of ``python -m analysis referee`` in this process, on few draws."""
    with few_dots(), patch("analysis.pipeline.referee.referee_tasks", small_questions):
        return main(["referee", "--data", str(folders.data), "--jobs", "1", *options])


def ask_demo(folder: Path, audited_demo: Folders) -> None:
    """Copy the audited survey into a folder and ask it there what a referee asks."""
    assert run_referee(copied(audited_demo, folder)) == 0


def refereed(demo: Folders, shared: Shared) -> Folders:
    """The invented survey after every stage, the small audit and the referee, made once for all workers."""
    data = shared.folder(ask_demo, audited(demo, shared)) / "data"
    return Folders(data, data / "figures")


def audit_answers(demo: Folders, shared: Shared) -> dict[str, dict[str, pd.DataFrame]]:
    """What each small task found, by its name: read from the disk, where the stage has left it."""
    folders = audited(demo, shared)
    people = read_participants(folders)[0]
    found = run_tasks(small_tasks(), people, folder=folders.processed / "audit", progress="")
    return {one.name: dict(one.frames) for one in found}


def answer_every_cell(demo: Folders) -> list[dict[str, object]]:
    """Rows of every nutrient and control under every form, of the invented survey."""
    return answer_cells(read_participants(demo)[0], specificity_cells())
