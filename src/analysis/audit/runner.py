"""Named tasks spread over processes or a cluster; each one's result is kept on disk as soon as it is there.

A task is a function of the participants and some arguments. What it found goes into one file, under a name made of the
task and in a folder named after everything else that decides it: participants, code and the versions of the numerical
libraries. So a run that was interrupted goes on where it was, a finished task is never computed again, and none is
counted twice. Who computes, and in which order, changes no number.
"""

import ast
import hashlib
import importlib
import io
import json
import pickle
import queue
import re
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from analysis.errors import AnalysisError
from analysis.files import replacing, try_writing
from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet

PACKAGE = Path(__file__).parents[1]
WITHOUT_NUMBERS = ("errors", "files")
"""Modules that tasks import and whose code makes no number: what an error is, how a file is written."""

PROJECT = __name__.partition(".")[0]

LIBRARIES = ("numpy", "scipy", "statsmodels", "pandas")
_version = cache(metadata.version)  # each is read from a file

LONGEST_SILENCE = 1800.0
"""Seconds without any result after which a cluster is given up."""

LONGEST_GREETING = 10.0
"""Seconds in which a scheduler must answer and have its first worker."""

LONGEST_ABSENCE = 60.0
"""Seconds without any worker, or any word from the scheduler, after which a cluster is given up: workers that died are
started anew within some seconds, if at all."""

LONGEST_DELIVERY = 60.0
"""Seconds that a finished result, of some megabytes at most, may take to arrive; made anew it may take that long."""

PULSE = 0.5
"""Seconds without a result after which it is looked whether the cluster is still there."""

LONGEST_UNTOLD = 60.0
"""Seconds after which a finished task is told where no terminal shows a bar."""

ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})/?")
HIGHEST_PORT = 65535

Found: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, pd.DataFrame | Array]
"""What a task's function may return: a frame, its rows, or several frames and arrays by name."""


Arriving: TypeAlias = Generator[tuple[int, "Finished"], None, None]
"""Numbers of tasks and what they found, in the order in which they are done."""


class AuditError(AnalysisError):
    """A run of tasks that cannot go on; what is finished is kept."""

    exit_code = 7


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    name : of its result; tasks of one name differ in their arguments.
    function : of a module, so that other processes find it: called with the participants and the arguments.
    arguments, options : everything else that decides the result; picklable.
    module : whose code decides it; that of the function, unless an argument is code of another one.
    """

    name: str
    function: Callable[..., Found]
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    module: str = ""

    @property
    def code(self) -> str:
        """The module whose code decides the result."""
        return self.module or self.function.__module__

    @cached_property
    def file_name(self) -> str:
        """Name of the result's file: the same for the same work."""
        work = joblib.hash((self.function.__module__, self.function.__qualname__, self.arguments, self.options))
        return f"{re.sub(r'[^a-z0-9]+', '-', self.name.lower()).strip('-')}-{work[:16]}.npz"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Finished(Discreet):
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
    frame : harmonised participants, which every task's function gets first; they are sent to a worker once.
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
    if folder is None:
        found = dict(_in_processes(tasks, range(len(tasks)), frame, jobs))
        return [found[number] for number in range(len(tasks))]
    if scheduler is not None:
        _check_address(scheduler)
    people = people_digest(frame)
    stores = {module: folder / run_digest(people, module) for module in {task.code for task in tasks}}
    paths = [stores[task.code] / task.file_name for task in tasks]
    _refuse_doubles(tasks, paths)
    if fresh:
        for path in paths:
            path.unlink(missing_ok=True)
    found = {number: one for number, path in enumerate(paths) if (one := _read(path)) is not None}
    bar = tqdm(total=len(tasks), initial=len(found), desc=progress, unit="task", smoothing=0.05,
               disable=None if progress else True, leave=False)  # fmt: skip
    if progress and found and not sys.stderr.isatty():  # a bar would show it
        sys.stderr.write(f"{progress}: {len(found)} of {len(tasks)} tasks are done already\n")
    waiting = [number for number in range(len(tasks)) if number not in found]
    with bar, _explained(paths):
        if waiting:
            _refuse_unwritable(stores.values())
            told = time.monotonic()
            performed = (
                _in_processes(tasks, waiting, frame, jobs)
                if scheduler is None
                else _on_cluster(tasks, waiting, frame, scheduler)
            )
            with closing(performed) as arriving:
                for number, one in arriving:
                    _write(one, paths[number])
                    found[number] = _reread(paths[number])  # as a run that goes on from here would find it
                    bar.update()
                    if progress and not sys.stderr.isatty() and time.monotonic() - told >= LONGEST_UNTOLD:
                        sys.stderr.write(f"{progress}: {len(found)} of {len(tasks)} tasks are done\n")
                        told = time.monotonic()
    return [found[number] for number in range(len(tasks))]


def people_digest(frame: pd.DataFrame) -> str:
    """Digest of the participants: names and types of the columns, and every row."""
    digest = hashlib.sha256(json.dumps([list(frame.columns), [str(kind) for kind in frame.dtypes]]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    return digest.hexdigest()


def run_digest(people: str, module: str) -> str:
    """Digest of what decides a task's result beside its arguments: participants, code and numerical libraries.

    Parameters
    ----------
    people : of `people_digest`.
    module : in which the task's function stands; the code is that of `modules_behind` it.
    """
    digest = hashlib.sha256(people.encode())
    for name in modules_behind(module):
        digest.update(name.encode() + b"".join(path.read_bytes() for path in (_file_of(name), *_data_of(name))))
    digest.update(" ".join(f"{name} {_version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()[:16]


def modules_behind(module: str) -> list[str]:
    """Modules of the project whose code can change what a task of a module finds: all that it imports, and this one.

    Imports are read from the code, and followed. A module beyond the project has none that could be read; those of
    `WITHOUT_NUMBERS` are left out.
    """
    found: set[str] = set()
    waiting = {__name__, module}
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] != PROJECT or name.removeprefix(f"{PROJECT}.") in WITHOUT_NUMBERS:
            continue
        found.add(name)
        waiting |= _imported(_file_of(name).read_bytes()) - found
    return sorted(found)


def _imported(source: bytes) -> set[str]:
    """Names of the modules that a module's ``from`` lines import, or import something from."""
    names = set()
    for module, inner in _from_lines(source):
        modules = {name for name in inner if _file_of(name).exists()}
        names |= modules if modules == inner else modules | {module}
    return names


@cache
def _from_lines(source: bytes) -> list[tuple[str, set[str]]]:
    """Module and names of each ``from`` line of the project; by the code itself, which is parsed once in a process."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [
        (str(node.module), {f"{node.module}.{alias.name}" for alias in node.names})
        for node in nodes
        if str(node.module).partition(".")[0] == PROJECT
    ]


def _file_of(module: str) -> Path:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    package = place / "__init__.py"
    return package if package.exists() else place.with_suffix(".py")


def _data_of(module: str) -> list[Path]:
    """Files that a module reads: they lie in a folder of its name."""
    place = PACKAGE.joinpath(*module.split(".")[1:])
    return [] if (place / "__init__.py").exists() else sorted(path for path in place.glob("*") if path.is_file())


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
            found = task.function(frame, *task.arguments, **dict(task.options))
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


def _in_processes(tasks: Sequence[Task], waiting: Sequence[int], frame: pd.DataFrame, jobs: int) -> Arriving:
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    with closing(parallel(joblib.delayed(_perform)(number, tasks[number], frame) for number in waiting)) as arriving:
        yield from arriving


# ---- on a cluster
def _on_cluster(tasks: Sequence[Task], waiting: Sequence[int], frame: pd.DataFrame, scheduler: str) -> Arriving:
    """Perform tasks on the workers of a scheduler, those included that join later.

    A scheduler suspects every task that a worker had in hand when it died, and gives it up after some deaths. So each
    suspect is tried once more with no other beside it: one that ends its workers again is named, the others are done.
    """
    with _client(scheduler) as client:
        people = zlib.compress(pickle.dumps(frame), level=1)  # slower ones spare a sixth, and take four times as long
        suspects: list[int] = []
        for number, finished in _results(client, tasks, waiting, people):
            if finished is None:
                suspects.append(number)
            else:
                yield number, finished
        deadly = []
        for suspect in suspects:
            for number, finished in _results(client, tasks, [suspect], people):
                if finished is None:
                    deadly.append(tasks[number].name)
                else:
                    yield number, finished
    if deadly:
        raise AuditError(f"task {', '.join(map(repr, deadly))} ended every worker that tried it, also alone: perhaps a "
                         "worker's memory is too small for it.")  # fmt: skip


def _unpacked(packed: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pickle.loads(zlib.decompress(packed))
    return frame


def _results(
    client: Any, tasks: Sequence[Task], numbers: Sequence[int], packed: bytes
) -> Iterator[tuple[int, Finished | None]]:
    """What tasks found, as it arrives; None for one whose workers died."""
    distributed: Any = importlib.import_module("distributed")
    # The people are the result of a task, and not data sent: whoever loses them, or joins late, can have them made
    # anew. They are another task each time, since workers that died with them in hand make them suspect as well.
    people = client.submit(_unpacked, packed, key=f"people-{uuid4().hex}")
    pending = {
        client.submit(_perform, number, tasks[number], people, key=f"task-{number}-{uuid4().hex}"): number
        for number in numbers
    }
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for future in pending:
        future.add_done_callback(arrived.put)
    heard = seen = time.monotonic()
    while pending:
        try:
            future = arrived.get(timeout=PULSE)
        except queue.Empty:
            seen = _last_seen(client, seen)
            if time.monotonic() - heard > LONGEST_SILENCE:
                raise AuditError(f"no result for {LONGEST_SILENCE:g} s.") from None
            continue
        heard = seen = time.monotonic()
        number = pending.pop(future)
        found, error = None, future.exception()
        if error is None:
            # A result can go with its worker before it is fetched. The scheduler then has it made anew, which may kill
            # the next worker, or never come about: such a task is tried once more as well.
            try:
                found = future.result(timeout=LONGEST_DELIVERY)
            except (distributed.scheduler.KilledWorker, TimeoutError) as late:
                error = late
        if found is not None:
            yield found
        elif isinstance(error, distributed.scheduler.KilledWorker | TimeoutError):
            yield number, None
        elif isinstance(error, AuditError | CancelledError):
            raise error
        else:
            name, what = tasks[number].name, f"{type(error).__name__}: {error}"
            raise AuditError(
                f"task {name!r} stopped on the cluster: {what}. Do its workers have this version of the project?"
            ) from error


def _last_seen(client: Any, before: float) -> float:
    """When the cluster was last known to have a worker: now, or as before.

    Raises
    ------
    AuditError : that is too long ago.
    """
    if client.status == "running" and client.ncores():
        return time.monotonic()
    if time.monotonic() - before > LONGEST_ABSENCE:
        raise AuditError(f"the cluster has had no worker for {LONGEST_ABSENCE:g} s: start workers, and see why theirs "
                         "ended.")  # fmt: skip
    return before


def _check_address(scheduler: str) -> None:
    parts = ADDRESS.fullmatch(scheduler)
    if parts is None or not 0 < int(parts[1]) <= HIGHEST_PORT:
        raise AuditError(f"--scheduler {scheduler}: expected the address that `dask scheduler` prints, a host and a "
                         "port, such as tcp://10.0.0.1:8786.")  # fmt: skip


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        distributed: Any = importlib.import_module("distributed")  # optional, and a second to load
    except ModuleNotFoundError:
        raise AuditError(
            f"--scheduler {scheduler} needs the package distributed, which is not installed: install this project's "
            "extra `cluster` (pip install '.[cluster]'), or leave the option out to use processes."
        ) from None
    try:
        client = distributed.Client(scheduler, timeout=LONGEST_GREETING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise AuditError(
            f"no scheduler answers at {scheduler} within {LONGEST_GREETING:g} s ({type(error).__name__}: {error}): "
            "expected the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786."
        ) from error
    with client:
        _wait_for_workers(client, scheduler)
        yield client


def _wait_for_workers(client: Any, scheduler: str) -> None:
    until = time.monotonic() + LONGEST_GREETING
    while not client.ncores():
        if time.monotonic() > until:
            raise AuditError(f"the cluster at {scheduler} has had no worker for {LONGEST_GREETING:g} s: start workers, "
                             "or leave the option out to use processes here.")  # fmt: skip
        time.sleep(0.05)


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


# ---- where the results lie
def _refuse_unwritable(folders: Iterable[Path]) -> None:
    """Find out before the work, and not by its first result, that results cannot be kept."""
    for folder in folders:
        try:
            try_writing(folder)
        except OSError as error:
            raise AuditError(f"results of tasks cannot be written in {folder}: {error}.") from error


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
