"""Stage ``referee``: what decides the verdict on the curve, with its figure."""

from pathlib import Path

from analysis.audit.referee.questions import referee_frames, referee_tasks
from analysis.audit.runner import run_tasks
from analysis.pipeline.audit import conclude
from analysis.pipeline.draw import draw_stage
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import refuse_mixing, write_estimates


def referee(folders: Folders, *, jobs: int = 1, scheduler: str | None = None, fresh: bool = False) -> list[Path]:
    """Stage ``referee``: every question of the referee as rows of referee.csv, companions, figure and page of words.

    Parameters
    ----------
    jobs, scheduler, fresh : as `analysis.pipeline.audit.audit`, whose finished tasks' folder is used.

    Returns
    -------
    Paths of the figure, and of the page about the whole audit if that has been run.

    Raises
    ------
    StageError, AuditError : the cohort stage has not been run; a run that stopped, whose finished tasks are
        kept, or a question without an answer.
    """
    people, provenance = read_participants(folders)
    refuse_mixing(folders, provenance)
    finished = run_tasks(
        referee_tasks(), people, folder=folders.processed / "audit", jobs=jobs, scheduler=scheduler, fresh=fresh,
        progress="answering the referee",
    )  # fmt: skip
    write_estimates(folders, referee_frames(finished), provenance)
    return [*draw_stage(folders, "referee"), *conclude(folders)]
