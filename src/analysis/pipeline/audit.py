"""Stage ``audit``: how much of the curve stands, with its figures."""

from pathlib import Path

from analysis.audit.questions import audit_frames, audit_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import refuse_outside_grid
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import read_audit, refuse_mixing, write_drawing, write_estimates
from analysis.report.catalogue import AUDIT_FIGURES, audit_drawings


def audit(folders: Folders, *, jobs: int = 1, scheduler: str | None = None, fresh: bool = False) -> list[Path]:
    """Stage ``audit``: how much of the curve stands; tables written as audit_*.csv, and its figures.

    Parameters
    ----------
    jobs : processes, and threads of the joint test; no number depends on them.
    scheduler : address of a dask scheduler whose workers do it instead.
    fresh : begin anew, though an earlier run of the same data and code was interrupted or finished.

    Returns
    -------
    Paths of the figures.

    Raises
    ------
    StudyError : the grid does not hold the primary study.
    StageError, AuditError : the cohort stage has not been run; a run that stopped, whose finished tasks are kept.
    """
    refuse_outside_grid()
    frame, provenance = read_participants(folders)
    refuse_mixing(folders, provenance)
    finished = run_tasks(
        audit_tasks(), frame, folder=folders.processed / "audit", jobs=jobs, scheduler=scheduler, fresh=fresh
    )
    frames = audit_frames(finished, frame, jobs=jobs)
    for stale in folders.estimates.glob("audit_*.csv"):  # of an earlier run, whose task may have found nothing now
        if stale.stem.removeprefix("audit_") not in frames:
            stale.unlink()
    write_estimates(folders, {f"audit_{name}": found for name, found in frames.items()}, provenance)
    written, drawings = [], audit_drawings(read_audit(folders)[0], provenance)
    for name in AUDIT_FIGURES:
        if name in drawings:
            written += write_drawing(drawings[name], folders.figures, name)
        else:  # a figure of an earlier run would pass for this one's
            for stale in folders.figures.glob(f"{name}*"):
                stale.unlink()
    return written
