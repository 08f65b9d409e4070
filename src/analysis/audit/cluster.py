"""Tasks on the workers of a dask scheduler: workers die, join late, and lose what they found, without loss here."""

import importlib
import pickle
import queue
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pandas as pd

from analysis.audit.tasks import Arriving, AuditError, Finished, Task, perform

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

ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})/?")
HIGHEST_PORT = 65535


def on_cluster(tasks: Sequence[Task], waiting: Sequence[int], frame: pd.DataFrame, scheduler: str) -> Arriving:
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
        client.submit(perform, number, tasks[number], people, key=f"task-{number}-{uuid4().hex}"): number
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


def check_address(scheduler: str) -> None:
    """Refuse what no scheduler can be reached by, before any work."""
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
