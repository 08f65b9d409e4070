"""Stage ``audit``: how much of a curve stands, with its figures; the primary study's, or any other claim's."""

from collections.abc import Sequence
from pathlib import Path

import joblib
import pandas as pd

from analysis.audit.questions import audit_frames, audit_tasks, not_asked, study_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import refuse_outside_grid
from analysis.audit.tasks import Finished, Task
from analysis.dose_response.association import Association, estimate
from analysis.dose_response.frames import summarise
from analysis.dose_response.shape import summarise_shapes
from analysis.pipeline.column import read_column
from analysis.pipeline.draw import draw_stage
from analysis.pipeline.drawings import write_drawings
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import (
    read_audit,
    read_estimates,
    read_referee,
    refuse_mixing,
    write_csv,
    write_estimates,
    write_text,
)
from analysis.provenance import Provenance
from analysis.report.catalogue import audit_drawings, referee_drawing
from analysis.report.words.conclusions import conclusions_markdown
from analysis.stats.arrays import Frames
from analysis.stats.parallel import in_parallel
from analysis.study import BOOTSTRAP_REPLICATES, PRIMARY, Study

CONCLUSIONS = "conclusions.md"
OF_THE_CURVE = ("models", "flow", "tests", "odds_ratio_curve", "shape")
"""Tables about a study's own curve that are written beside those of its audit."""


def audit(
    folders: Folders, studies: Sequence[Study] = (PRIMARY,), *, column: Path | None = None, jobs: int = 1,
    scheduler: str | None = None, fresh: bool = False, replicates: int = BOOTSTRAP_REPLICATES,
) -> list[Path]:  # fmt: skip
    """Stage ``audit``: how much of each study's curve stands; tables, figures and one page of words.

    The primary study's tables are written as audit_*.csv among the estimates, its figures among the others, its page
    as soon as the referee's questions are answered as well, see `conclude`. Another study has a folder of its own, see
    `audit_folder`. What does not depend on the exposure is done once.

    Parameters
    ----------
    studies : whose curves are audited.
    column : CSV file with a column of one's own, which a study may have as its exposure.
    jobs : processes, and threads of the joint test; no number depends on them.
    scheduler : address of a dask scheduler whose workers do it instead.
    fresh : begin anew, though an earlier run of the same data and code was interrupted or finished.
    replicates : of the design bootstrap of another study's lowest point.

    Returns
    -------
    Paths of the figures and pages.

    Raises
    ------
    StudyError : the grid does not hold a study, or its curve cannot be fitted.
    StageError, AuditError : the cohort stage has not been run; a run that stopped, whose finished tasks are kept.
    """
    people, provenance = read_participants(folders)
    if column is not None:
        own = read_column(column, people, outcomes=(study.outcome for study in studies))
        people = people.assign(**{str(own.name): own})
        provenance = Provenance(f"{provenance.source}; {own.name} from {column.name}", provenance.synthetic)
    refuse_mixing(folders, provenance)
    # What cannot be audited is refused before the long part begins.
    for study in studies:
        refuse_outside_grid(study)
    curves = {study: estimate(people, study) for study in studies if study != PRIMARY}
    asked = {study: audit_tasks() if study == PRIMARY else study_tasks(study) for study in studies}
    finished = _finished(
        asked, people, folder=folders.processed / "audit", jobs=jobs, scheduler=scheduler, fresh=fresh
    )  # fmt: skip
    at_once = max(1, min(jobs, len(finished)))
    writing = (
        joblib.delayed(_write)(
            folders, study, found, people, provenance,
            curve=curves.get(study), replicates=replicates, jobs=max(1, jobs // at_once),
        )
        for study, found in finished.items()
    )  # fmt: skip
    parts = in_parallel(
        writing, jobs=at_once, total=len(finished), unit="study", progress="writing", size=lambda _: 1,
        prefer="processes",
    )  # fmt: skip
    return [path for part in parts for path in part]


def audit_folder(folders: Folders, study: Study) -> Path:
    """Where another study's audit is kept: named after what is not as in the primary study."""
    return folders.processed / "audits" / study.slug


def _finished(
    asked: dict[Study, list[Task]], people: pd.DataFrame, *, folder: Path, jobs: int, scheduler: str | None, fresh: bool
) -> dict[Study, list[Finished]]:
    """What every study's tasks found; those that several studies share are performed once."""
    every = {task.file_name: task for tasks in asked.values() for task in tasks}
    done = run_tasks(list(every.values()), people, folder=folder, jobs=jobs, scheduler=scheduler, fresh=fresh)
    found = dict(zip(every, done, strict=True))
    return {study: [found[task.file_name] for task in tasks] for study, tasks in asked.items()}


def _write(
    folders: Folders, study: Study, found: list[Finished], people: pd.DataFrame, provenance: Provenance, *,
    curve: Association | None, replicates: int, jobs: int,
) -> list[Path]:  # fmt: skip
    """What one study's tasks found, as tables, figures and words; the primary study's curve has stages of its own."""
    frames = audit_frames(found, people, study=study, jobs=jobs)
    if curve is None:
        return _write_primary(folders, frames, provenance, jobs=jobs)
    estimates = summarise([curve], people) | summarise_shapes([curve], replicates=replicates)
    return _write_other(folders, curve, estimates, frames, provenance, jobs=jobs)


def _write_primary(folders: Folders, frames: Frames, provenance: Provenance, *, jobs: int) -> list[Path]:
    for stale in folders.estimates.glob("audit_*.csv"):  # of an earlier run, whose task may have found nothing now
        if stale.stem.removeprefix("audit_") not in frames:
            stale.unlink()
    write_estimates(folders, {f"audit_{name}": found for name, found in frames.items()}, provenance)
    return [*draw_stage(folders, "audit", jobs=jobs), *conclude(folders)]


def conclude(folders: Folders) -> list[Path]:
    """The page of words about the primary study, beside its tables: once all of them are there, and not before.

    Returns
    -------
    Its path, in a list; none while the stage fit, shapes, audit or referee has not been run.
    """
    page = folders.estimates / CONCLUSIONS
    try:
        estimates, provenance = read_estimates(folders)
        frames, _ = read_audit(folders)
        referee, _ = read_referee(folders)
    except StageError:
        page.unlink(missing_ok=True)  # of an earlier run, of whose tables some are gone
        return []
    told = frames | {"referee": referee["referee"]}
    write_text(page, conclusions_markdown(PRIMARY, estimates, told, provenance, not_asked=not_asked(PRIMARY)))
    return [page]


def _write_other(
    folders: Folders, curve: Association, estimates: Frames, frames: Frames, provenance: Provenance, *, jobs: int
) -> list[Path]:
    """Everything about another study into its own folder; the page of words, which sums it up, comes last."""
    study, folder = curve.study, audit_folder(folders, curve.study)
    for stale in [*folder.glob("*.csv"), folder / CONCLUSIONS, *(folder / "figures").glob("*")]:
        stale.unlink(missing_ok=True)
    left = not_asked(study)
    tables = {name: estimates[name] for name in OF_THE_CURVE} | frames
    tables["not_asked"] = pd.DataFrame(left.items(), columns=["task", "reason"])
    for name, table in tables.items():
        write_csv(table.assign(data=provenance.source), folder / f"{name}.csv")
    drawings = audit_drawings(frames, provenance, study)
    if "referee" in frames:
        drawings["referee"] = referee_drawing(frames, provenance)
    written = write_drawings(drawings, folder / "figures", jobs=jobs)
    page = folder / CONCLUSIONS
    write_text(page, conclusions_markdown(study, estimates, frames, provenance, not_asked=left))
    return [*written, page]
