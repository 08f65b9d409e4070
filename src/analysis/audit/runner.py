"""Named tasks spread over processes or a cluster; each one's result is kept on disk as soon as it is there.

A task is a function of the participants and some arguments (`analysis.audit.tasks`). What it found is kept
under the name of everything that decides it (`analysis.audit.store`). So a run that was interrupted goes on where it
was, a finished task is never computed again, and none is counted twice. Who computes, and in which order, changes no
number.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path

import joblib
import pandas as pd
from tqdm import tqdm

from analysis.audit.cluster import check_address, on_cluster
from analysis.audit.store import finished_in, keep, paths_of, perform_to_bytes, read_finished, refuse_unwritable
from analysis.audit.tasks import Arriving, AuditError, Finished, Task

LONGEST_UNTOLD = 60.0
"""Seconds after which a finished task is told where no terminal shows a bar."""


def run_tasks(
    tasks: Sequence[Task],
    people: pd.DataFrame,
    *,
    folder: Path | None,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    progress: str = "auditing",
) -> list[Finished]:
    """Perform every task that is not finished yet.

    Parameters
    ----------
    tasks : no two alike.
    people : harmonised participants, which every task's function gets first; they are sent to a worker once.
    folder : of all runs; each digest of participants and code has a folder of its own in it. None: nothing is kept.
    jobs : processes. No number depends on them.
    scheduler : address of a dask scheduler whose workers are used instead, for example ``tcp://10.0.0.1:8786``.
    fresh : forget these tasks' results first.
    progress : what the bar says; none if empty.

    Returns
    -------
    What the tasks found, in their order. A task that raised an `AnalysisError` has its reason.

    Raises
    ------
    AuditError : two tasks are alike, a task raises anything else or ends the process that performs it, the disk is
        full, or no cluster can be used. Finished tasks are kept: another call goes on from there.
    """
    if scheduler is not None:
        check_address(scheduler)
    if folder is None:
        everything = _performed(tasks, range(len(tasks)), people, jobs=jobs, scheduler=scheduler)
        found = {number: finished_in(image) for number, image in everything}
        return [found[number] for number in range(len(tasks))]
    paths = paths_of(tasks, people, folder)
    if fresh:
        for path in paths:
            path.unlink(missing_ok=True)
    found = {number: one for number, path in enumerate(paths) if (one := read_finished(path)) is not None}
    bar = tqdm(total=len(tasks), initial=len(found), desc=progress, unit="task", smoothing=0.05,
               disable=None if progress else True, leave=False)  # fmt: skip
    if progress and found and not sys.stderr.isatty():  # a bar would show it
        sys.stderr.write(f"{progress}: {len(found)} of {len(tasks)} tasks are done already\n")
    waiting = [number for number in range(len(tasks)) if number not in found]
    with bar, _explained(paths):
        if waiting:
            refuse_unwritable({path.parent for path in paths})
            told = time.monotonic()
            with closing(_performed(tasks, waiting, people, jobs=jobs, scheduler=scheduler)) as arriving:
                for number, image in arriving:
                    keep(image, paths[number])
                    found[number] = finished_in(image)  # as a run that goes on from here finds it
                    bar.update()
                    if progress and not sys.stderr.isatty() and time.monotonic() - told >= LONGEST_UNTOLD:
                        sys.stderr.write(f"{progress}: {len(found)} of {len(tasks)} tasks are done\n")
                        told = time.monotonic()
    return [found[number] for number in range(len(tasks))]


def _performed(
    tasks: Sequence[Task], waiting: Sequence[int], people: pd.DataFrame, *, jobs: int, scheduler: str | None
) -> Arriving:
    if scheduler is not None:
        return on_cluster(tasks, waiting, people, scheduler)
    return _in_processes(tasks, waiting, people, jobs)


def _in_processes(tasks: Sequence[Task], waiting: Sequence[int], people: pd.DataFrame, jobs: int) -> Arriving:
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    performing = (joblib.delayed(perform_to_bytes)(number, tasks[number], people) for number in waiting)
    with closing(parallel(performing)) as arriving:
        yield from arriving


@contextmanager
def _explained(paths: Sequence[Path]) -> Iterator[None]:
    """Say of a run that stops what is kept and how to go on."""
    try:
        yield
    except (AuditError, BrokenProcessPool, CancelledError, OSError) as error:
        lost = f"a worker or the scheduler was lost, perhaps for want of memory ({error!r})."
        what = error if isinstance(error, AuditError) else lost
        finished = sum(path.exists() for path in paths)
        kept = (
            f"{finished} of {len(paths)} tasks are finished and kept: run again, without --fresh, to go on from there."
        )
        raise AuditError(f"{what} {kept}") from error
