"""Named tasks spread over processes or a cluster; each one's result is kept on disk as soon as it is there.

A task is a function of the participants and some arguments. What it found goes into one file, under a name made of the
task and in a folder named after everything else that decides it: participants, code and the versions of the numerical
libraries. So a run that was interrupted goes on where it was, a finished task is never computed again, and none is
counted twice. Who computes, and in which order, changes no number.
"""

import hashlib
import importlib
import io
import json
import multiprocessing
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from analysis.errors import AnalysisError
from analysis.files import replacing
from analysis.stats.arrays import Array

PACKAGE = Path(__file__).parents[1]
WITHOUT_NUMBERS = (
    "__init__.py", "__main__.py", "provenance.py", "files.py", "errors.py",
    "report/", "pipeline/", "cli/", "simulation/", "validation/", "data/synthetic/", "data/source/",
)  # fmt: skip
"""Beginnings of modules that no task's result depends on."""

LIBRARIES = ("numpy", "scipy", "statsmodels", "pandas")

LONGEST_SILENCE = 1800.0
"""Seconds without any result after which a cluster is given up: a task that kills its workers is not reported by it."""

ROUNDS = 3
"""How often a cluster is asked for what it lost."""

LONGEST_GREETING = 10.0
"""Seconds in which a scheduler must answer and have its workers."""

FEWEST_CORES = 2

Found: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, pd.DataFrame | Array]
"""What a task's function may return: a frame, its rows, or several frames and arrays by name."""


class AuditError(AnalysisError):
    """A run of tasks that cannot go on; what is finished is kept."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    name : of its result; tasks of one name differ in their arguments.
    function : of a module, so that other processes find it: called with the participants and the arguments.
    arguments : everything else that decides the result; picklable.
    """

    name: str
    function: Callable[..., Found]
    arguments: tuple[Any, ...] = ()

    @property
    def file_name(self) -> str:
        """Name of the result's file: the same for the same work."""
        work = joblib.hash((self.function.__module__, self.function.__qualname__, self.arguments))
        return f"{re.sub(r'[^a-z0-9]+', '-', self.name.lower()).strip('-')}-{work[:16]}.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """What a task found.

    Attributes
    ----------
    name : of the task.
    frames, arrays : by name; a function that returned one frame, or rows, has it under ``rows``.
    reason : why there is nothing; empty where there is.
    """

    name: str
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    reason: str = ""


def run_tasks(
    tasks: Sequence[Task],
    frame: pd.DataFrame,
    *,
    folder: Path,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    progress: str = "auditing",
) -> list[Finished]:
    """Perform every task that is not finished yet.

    Parameters
    ----------
    tasks : no two alike.
    frame : harmonised participants, which every task's function gets first; they are sent to a worker once.
    folder : of all runs; each digest of participants and code has a folder of its own in it.
    jobs : processes. No number depends on them.
    scheduler : address of a dask scheduler whose workers are used instead, for example ``tcp://10.0.0.1:8786``.
    fresh : forget these tasks' results first.
    progress : what the bar says; none if empty.

    Returns
    -------
    What the tasks found, in their order. A task that raised an `AnalysisError` has its reason.

    Raises
    ------
    AuditError : two tasks are alike, a task raises anything else, a worker dies, the disk is full, or no cluster can be
        used. Finished tasks are kept: another call goes on from there.
    """
    store = folder / run_digest(frame)
    paths = [store / task.file_name for task in tasks]
    _refuse_doubles(tasks, paths)
    if fresh:
        for path in paths:
            path.unlink(missing_ok=True)
    finished = sum(_read(path) is not None for path in paths)
    bar = tqdm(total=len(tasks), initial=finished, desc=progress, unit="task", smoothing=0.05,
               disable=None if progress else True, leave=False)  # fmt: skip
    if progress and finished and not sys.stderr.isatty():  # a bar would show it
        sys.stderr.write(f"{progress}: {finished} of {len(tasks)} tasks are done already\n")
    with bar, _explained(paths):
        for again in reversed(range(ROUNDS)):
            try:
                _run_round(tasks, frame, paths, jobs, scheduler, bar)
                break
            except CancelledError:  # a result went with its worker before it was fetched
                if not again:
                    raise
    return [_reread(path) for path in paths]


def _run_round(
    tasks: Sequence[Task], frame: pd.DataFrame, paths: Sequence[Path], jobs: int, scheduler: str | None, bar: Any
) -> None:
    waiting = [number for number, path in enumerate(paths) if _read(path) is None]
    if not waiting:
        return
    with _backend(frame, jobs, scheduler) as options:
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, **options)
        work = (joblib.delayed(_perform)(number, tasks[number], frame) for number in waiting)
        with closing(parallel(work)) as arriving:
            for number, finished in arriving:
                _write(finished, paths[number])
                bar.update()


def run_digest(frame: pd.DataFrame) -> str:
    """Digest of what decides every task's result beside its arguments: participants, code, numerical libraries."""
    digest = hashlib.sha256(json.dumps([list(frame.columns), [str(kind) for kind in frame.dtypes]]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(WITHOUT_NUMBERS):
            digest.update(name.encode() + path.read_bytes())
    digest.update(" ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()[:16]


def _refuse_doubles(tasks: Sequence[Task], paths: Sequence[Path]) -> None:
    names = [path.name for path in paths]
    double = sorted({task.name for task, name in zip(tasks, names, strict=True) if names.count(name) > 1})
    if double:
        raise AuditError(f"tasks {', '.join(double)} are there twice with the same arguments: expected each once.")


# ---- who performs them
def _perform(number: int, task: Task, frame: pd.DataFrame) -> tuple[int, Finished]:
    """One task in a worker. Its linear algebra has one thread: there is a worker for every core."""
    try:
        with threadpool_limits(1):
            found = task.function(frame, *task.arguments)
    except AnalysisError as error:
        return number, Finished(task.name, reason=str(error))
    except Exception as error:  # nothing is swallowed: of a worker's traceback the name of the task would not be seen
        raise AuditError(f"task {task.name!r} stopped unexpectedly: {type(error).__name__}: {error}.") from error
    return number, _finished(task.name, found)


def _finished(name: str, found: Found) -> Finished:
    if isinstance(found, pd.DataFrame):
        return Finished(name, {"rows": found})
    if not isinstance(found, Mapping):
        return Finished(name, {"rows": pd.DataFrame(list(found))})
    frames = {key: value for key, value in found.items() if isinstance(value, pd.DataFrame)}
    return Finished(name, frames, {key: np.asarray(value) for key, value in found.items() if key not in frames})


@contextmanager
def _backend(frame: pd.DataFrame, jobs: int, scheduler: str | None) -> Iterator[dict[str, Any]]:
    """Set joblib's backend; yields the options of ``joblib.Parallel`` that go with it."""
    if scheduler is None:
        yield {"n_jobs": jobs}
        return
    # Every worker gets the participants at the start, so that the loss of one does not lose them.
    with (
        _client(scheduler) as client,
        joblib.parallel_config(backend="dask", client=client, scatter=[frame]),
    ):
        yield {"n_jobs": -1, "timeout": LONGEST_SILENCE}


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        distributed: Any = importlib.import_module("distributed")  # optional, and a second to load
    except ModuleNotFoundError:
        raise AuditError(
            f"--scheduler {scheduler} needs the package distributed, which is not installed: install the extra "
            "`cluster` (pip install 'magnesium-neuropathy[cluster]'), or leave the option out to use processes."
        ) from None
    try:
        client = distributed.Client(scheduler, timeout=LONGEST_GREETING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise AuditError(
            f"no scheduler answers at {scheduler} ({type(error).__name__}: {error}): expected the address that "
            "`dask scheduler` prints, such as tcp://10.0.0.1:8786."
        ) from error
    with client:
        _wait_for_cores(client, scheduler)
        yield client


def _wait_for_cores(client: Any, scheduler: str) -> None:
    """With a single core joblib would perform the tasks here, and not there."""
    until = time.monotonic() + LONGEST_GREETING
    while (cores := sum(client.ncores().values())) < FEWEST_CORES:
        if time.monotonic() > until:
            raise AuditError(f"the cluster at {scheduler} has {cores} cores: expected {FEWEST_CORES} or more; start "
                             "workers, or leave the option out to use processes here.")  # fmt: skip
        time.sleep(0.05)


@contextmanager
def _explained(paths: Sequence[Path]) -> Iterator[None]:
    """Say of a run that stops what is kept and how to go on."""
    try:
        yield
    except (AuditError, BrokenProcessPool, CancelledError, multiprocessing.TimeoutError, OSError) as error:
        lost = f"a worker was lost, perhaps for want of memory, or does not answer any more ({error!r})."
        what = error if isinstance(error, AuditError) else lost
        finished = sum(path.exists() for path in paths)
        kept = (
            f"{finished} of {len(paths)} tasks are finished and kept: run again, without --fresh, to go on from there."
        )
        raise AuditError(f"{what} {kept}") from error


# ---- where the results lie
def _write(finished: Finished, path: Path) -> None:
    """One file a task: a frame is kept as the bytes of a parquet file, which keeps every digit and type."""
    entries: dict[str, Any] = {f"array:{name}": values for name, values in finished.arrays.items()}
    for name, frame in finished.frames.items():
        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        entries[f"frame:{name}"] = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    entries |= {"name": np.array(finished.name), "reason": np.array(finished.reason)}
    try:
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, **entries)
    except OSError as error:
        raise AuditError(f"the result of task {finished.name!r} cannot be written: {error}.") from error


def _read(path: Path) -> Finished | None:
    """What a task found, None if it is not finished or its file was damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            entries = dict(stored)
        frames = {name: pd.read_parquet(io.BytesIO(image.tobytes())) for name, image in _named(entries, "frame:")}
        return Finished(str(entries["name"]), frames, dict(_named(entries, "array:")), str(entries["reason"]))
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile):
        return None


def _named(entries: Mapping[str, Array], kind: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(kind), values) for name, values in entries.items() if name.startswith(kind))


def _reread(path: Path) -> Finished:
    finished = _read(path)
    if finished is None:
        raise AuditError(f"{path} was there and cannot be read any more: expected nobody else to change it. Run again.")
    return finished
