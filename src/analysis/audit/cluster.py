"""Tasks on the workers of a dask scheduler.

Workers die, join late and lose what they found, and a scheduler is started anew, without loss here.
"""

import importlib
import logging
import queue
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias
from uuid import uuid4

import pandas as pd
from tqdm import tqdm

from analysis.audit.store import bytes_of_frame, decided_by, frame_in, perform_to_bytes
from analysis.audit.tasks import Arriving, AuditError, Task

LONGEST_SILENCE = 1800.0
"""Seconds without any result after which a cluster is given up."""

LONGEST_GREETING = 10.0
"""Seconds in which a scheduler must answer and have its first worker."""

LONGEST_ABSENCE = 60.0
"""Seconds without any worker, or any word from the scheduler, after which a cluster is given up: what died is started
anew within some seconds, if at all."""

MOST_LOSSES = 5
"""Times that a scheduler may be lost without a result between, before a run is given up: it may die of the run."""

LONGEST_DELIVERY = 60.0
"""Seconds that a finished result, of some megabytes at most, may take to arrive; made anew it may take that long."""

PULSE = 0.5
"""Seconds without a result after which it is looked whether the cluster is still there."""

ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})/?")
HIGHEST_PORT = 65535


Ways: TypeAlias = Mapping[str, Mapping[str, str]]
"""Of `decided_by`, for every module whose tasks are performed."""


def on_cluster(tasks: Sequence[Task], waiting: Sequence[int], people: pd.DataFrame, scheduler: str) -> Arriving:
    """Perform tasks on the workers of a scheduler, those included that join later.

    A scheduler suspects every task that a worker had in hand when it died, and gives it up after some deaths. So each
    suspect is tried once more with no other beside it: one that ends its workers again is named, the others are done.
    """
    packed = bytes_of_frame(people, "zstd")
    ways = {module: decided_by(module) for module in {tasks[number].code for number in waiting}}
    suspects: list[int] = []
    for number, image in _despite_losses(tasks, waiting, packed, ways, scheduler, LONGEST_GREETING):
        if image is None:
            suspects.append(number)
        else:
            yield number, image
    deadly = []
    for suspect in suspects:
        for number, image in _despite_losses(tasks, [suspect], packed, ways, scheduler, LONGEST_ABSENCE):
            if image is None:
                deadly.append(tasks[number].name)
            else:
                yield number, image
    if deadly:
        raise AuditError(f"task {', '.join(map(repr, deadly))} ended every worker that tried it, also alone: perhaps a "
                         "worker's memory is too small for it.")  # fmt: skip


def _despite_losses(
    tasks: Sequence[Task], numbers: Sequence[int], packed: bytes, ways: Ways, scheduler: str, patience: float
) -> Iterator[tuple[int, bytes | None]]:
    """What tasks found, though their scheduler is lost: one that comes back is given those that have not arrived.

    A scheduler that was started anew knows nothing of any task, and workers leave with the old one.
    """
    arrived: set[int] = set()
    losses = 0
    while left := [number for number in numbers if number not in arrived]:
        try:
            with _client(scheduler, patience) as client:
                for number, image in _results(client, tasks, left, packed, ways):
                    arrived.add(number)
                    losses = 0
                    yield number, image
        except (OSError, CancelledError) as error:
            losses += 1
            patience = LONGEST_ABSENCE
            what = f"the scheduler at {scheduler} was lost ({type(error).__name__})"
            if losses > MOST_LOSSES:
                raise AuditError(f"{what} {losses} times without a result between.") from error
            tqdm.write(f"{what}: waiting {patience:g} s for it and its workers to be started anew", file=sys.stderr)


def _results(
    client: Any, tasks: Sequence[Task], numbers: Sequence[int], packed: bytes, ways: Ways
) -> Iterator[tuple[int, bytes | None]]:
    """What tasks found, as it arrives; None for one whose workers died.

    Raises
    ------
    OSError, CancelledError : the scheduler is lost.
    """
    distributed: Any = importlib.import_module("distributed")
    # The people are the result of a task, and not data sent: whoever loses them, or joins late, can have them made
    # anew. They are another task each time, since workers that died with them in hand make them suspect as well.
    people = client.submit(bytes, packed, key=f"people-{uuid4().hex}")
    pending = {
        client.submit(_perform_there, number, tasks[number], people, key=f"task-{number}-{uuid4().hex}"): number
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
        # Only of a failed one is the exception asked for, a way to the client's other thread and back.
        task, found, error = tasks[number], None, future.exception() if future.status == "error" else None
        if error is None:
            # A result can go with its worker before it is fetched. The scheduler then has it made anew, which may kill
            # the next worker, or never come about: such a task is tried once more as well.
            try:
                found = future.result(timeout=LONGEST_DELIVERY)
            except (distributed.scheduler.KilledWorker, TimeoutError) as late:
                error = late
        if found is not None:
            image, way = found
            _refuse_another(task, here=ways[task.code], there=way)
            yield number, image
        elif isinstance(error, distributed.scheduler.KilledWorker | TimeoutError):
            yield number, None
        elif isinstance(error, AuditError):
            raise error
        else:
            raise AuditError(
                f"task {task.name!r} stopped on the cluster: {type(error).__name__}: {error}. Do its workers have this "
                "version of the project?"
            ) from error


def _perform_there(number: int, task: Task, packed: bytes) -> tuple[bytes, Mapping[str, str]]:
    """One task in a worker of a cluster: the bytes of its file, and what decided them there."""
    _, image = perform_to_bytes(number, task, _people_in(packed))
    return image, _decided_there(task.code)


_unpacking = Lock()  # a worker may have several threads
_decided_there = cache(partial(decided_by, read=cache(Path.read_bytes)))  # a process keeps the code that it has loaded
_last_unpacked = lru_cache(maxsize=1)(frame_in)


def _people_in(packed: bytes) -> pd.DataFrame:
    """Participants, which a process unpacks once, and keeps until it is given others."""
    with _unpacking:
        return _last_unpacked(packed)


def _refuse_another(task: Task, *, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Refuse what a worker found that has other code or libraries: it would be kept as what these here find.

    Raises
    ------
    AuditError : names them.
    """
    other = [f"{name} ({there.get(name)}, here {here[name]})" for name in here if there.get(name) != here[name]]
    if other:
        raise AuditError(f"task {task.name!r} was performed by a worker with other versions than here: "
                         f"{', '.join(other)}. Give the workers the same, and start them anew.")  # fmt: skip


def _last_seen(client: Any, before: float) -> float:
    """When the cluster was last known to have a worker: now, or as before.

    Raises
    ------
    OSError : there is no scheduler any more.
    AuditError : that is too long ago.
    """
    if client.status != "running":
        raise ConnectionError(f"the client is {client.status}")
    if client.ncores():
        return time.monotonic()
    if time.monotonic() - before > LONGEST_ABSENCE:
        raise AuditError(f"the cluster has had no worker for {LONGEST_ABSENCE:g} s: start workers, and see why theirs "
                         "ended.")  # fmt: skip
    return before


def check_address(scheduler: str) -> None:
    """Refuse what no scheduler can be reached by, before any work."""
    parts = ADDRESS.fullmatch(scheduler)
    if parts is None or not 0 < int(parts[1]) <= HIGHEST_PORT:
        raise AuditError(f"--scheduler {scheduler}: expected the address that `dask scheduler` prints, a host and a "
                         "port, such as tcp://10.0.0.1:8786.")  # fmt: skip


@contextmanager
def _client(scheduler: str, patience: float) -> Iterator[Any]:
    """A client of a scheduler that answers and has a worker, within so many seconds."""
    try:
        distributed: Any = importlib.import_module("distributed")  # optional, and a second to load
    except ModuleNotFoundError:
        raise AuditError(
            f"--scheduler {scheduler} needs the package distributed, which is not installed: install this project's "
            "extra `cluster` (pip install '.[cluster]'), or leave the option out to use processes."
        ) from None
    try:
        client = distributed.Client(scheduler, timeout=patience, set_as_default=False)
    except (OSError, ValueError) as error:
        raise AuditError(
            f"no scheduler answers at {scheduler} within {patience:g} s ({type(error).__name__}: {error}): "
            "expected the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786."
        ) from error
    with _quiet(), client:
        _wait_for_workers(client, scheduler, patience)
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """What becomes of a client's scheduler is said here in a line, and not by the client in tracebacks."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _wait_for_workers(client: Any, scheduler: str, patience: float) -> None:
    until = time.monotonic() + patience
    while not client.ncores():
        if time.monotonic() > until:
            raise AuditError(f"the cluster at {scheduler} has had no worker for {patience:g} s: start workers, "
                             "or leave the option out to use processes here.")  # fmt: skip
        time.sleep(0.05)
