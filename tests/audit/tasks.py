"""Tasks for the runner and its clusters.

Every process that performs one imports this module, so it imports little: a worker is there in a quarter of the time
that the tests' own modules would take it.
"""

import os
import signal
import time
from importlib import metadata

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from analysis.audit import cluster, store
from analysis.audit.tasks import Task
from analysis.stats.sample.design import DesignError

PEOPLE = pd.DataFrame(
    {"x": np.random.default_rng(1).normal(size=3000), "sex": pd.Categorical(["male", "female"] * 1500)}
)


def summed(frame, k):
    values = np.sqrt(frame["x"].abs().to_numpy() * k)
    return {"sums": pd.DataFrame({"k": [k], "sum": [values.sum()]}), "values": values[:5]}


def counted(frame, folder, k):
    """Leave a mark each time that it is performed; the third one is interrupted if a file says so."""
    if k == 3 and (folder / "interrupt").exists():
        (folder / "interrupt").unlink()
        raise KeyboardInterrupt
    with (folder / f"performed-{k}").open("a") as marks:
        marks.write("x")
    return [{"k": k, "half": k / 2}]


def refused(frame, message):
    raise DesignError(message)


def broken(frame):
    return 1 / (len(frame) - len(frame))


def of_every_type(frame):
    values = {
        "n": np.array([1, 2], dtype=np.int16), "share": [0.1 + 0.2, np.nan], "word": ["a", None], "flag": [True, False],
        "maybe": pd.array([True, None], dtype="boolean"), "kind": pd.Categorical(["b", None], ["b", "a"], ordered=True),
    }  # fmt: skip
    frame = pd.DataFrame(values, index=pd.Index(["first", "second"], name="who"))
    frame.attrs["source"] = {"name": "invented", "synthetic": True}
    return frame


def threads(frame):
    return pd.DataFrame({"threads": [library["num_threads"] for library in threadpool_info()]})


def slowly(frame, folder, k):
    """Say which process begins; then take a while."""
    (folder / f"began-{k}-{os.getpid()}").touch()
    time.sleep(0.1)
    return summed(frame, k)


def where(frame, k):
    """Process that performs it, and where its people are in memory: people unpacked anew are elsewhere."""
    time.sleep(0.05)  # so that every worker takes some
    return pd.DataFrame({"k": [k], "process": [os.getpid()], "place": [id(frame)], "sum": [frame["x"].sum()]})


def pretend_another_numpy(version="1.0"):
    """Make the process, a worker's, one that has an older numpy; None: its own again."""
    store._version = lambda name: version if version and name == "numpy" else metadata.version(name)
    cluster._decided_there.cache_clear()  # as in a process that has performed nothing yet


def outgoing(dask_worker):
    """Bytes that a worker has sent, to other workers and for the client."""
    return dask_worker.transfer_outgoing_bytes_total


LONGEST_ALONE = 20.0
"""Seconds that a task waits for another process."""


def in_company(frame, folder, k):
    """Say which process begins; then wait until another one has begun something."""
    (folder / f"began-{k}-{os.getpid()}").touch()
    end = time.monotonic() + LONGEST_ALONE
    while time.monotonic() < end and len({path.name.split("-")[2] for path in folder.glob("began-*")}) == 1:
        time.sleep(0.05)
    return summed(frame, k)


def announced(frame, folder, k, task):
    """A task of the audit, and a mark of the process that begins it."""
    (folder / f"began-{k}-{os.getpid()}").touch()
    return task.function(frame, *task.arguments)


def deadly(frame, k, tests):
    """End the process that performs it, unless that is the one of the tests."""
    if os.getpid() == tests:
        raise DesignError("performed by the process of the tests")
    os.kill(os.getpid(), signal.SIGKILL)


def deadly_tasks(number):
    return [Task(f"deadly {k}", deadly, (k, os.getpid())) for k in range(number)]


def sum_tasks(number):
    return [Task(f"sum {k}", summed, (k,)) for k in range(number)]


def counted_tasks(folder, number=6):
    return [Task(f"count {k}", counted, (folder, k)) for k in range(number)]
