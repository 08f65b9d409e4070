"""What the audit gains from more workers, and what a million specifications would need; `make bench`.

The same groups of people, the audit's own tasks, are answered on a dask cluster of one, two and four worker
processes of one thread each; scheduler, workers and client are processes of their own, and workers are warm, as in a
long run. All of the audit's specifications are answered, three times each, since what a run needs once would weigh in
fewer of them. Nothing here asserts a time. What was measured is drawn, and written into docs/many-machines.md with what
follows from it for a million specifications.

What the machine itself can gain is measured beside it: processes that have the people and their share of the tasks
before they start, and nobody to talk to. Virtual cores are often two threads of one, and more processes than cores take
each other's caches. What one client and one scheduler can take in is measured by tasks that do nothing and have a
result of real size.
"""

import importlib
import multiprocessing
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_limits

from analysis.audit.questions import specification_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.tasks import Task
from analysis.cli import memory
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from tests.audit.tasks import outgoing
from tests.benchmarks.idle import found_before
from tests.benchmarks.kept import peak_memory
from tests.benchmarks.needs import (
    ALONE,
    BEFORE,
    CLIENT,
    HELD,
    OF_A_TASK,
    RATE,
    SCHEDULER,
    SENT,
    STORED,
    UNITS,
    WORKER,
    needs_of,
)

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
FIGURE, PAGE = ROOT / "docs" / "scaling.svg", ROOT / "docs" / "many-machines.md"
MEASURED = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
WORKERS = (1, 2, 4)
ROUNDS = 3
IDLE = (200, 2_000)
"""Numbers of tasks that do nothing: between them only the tasks differ, and not what a run needs once."""

SETTINGS = {name: str(value) for name, _, value in memory.SETTINGS} | {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"
}
"""As docs/many-machines.md has workers started."""


def test_workers_of_a_cluster(capsys, results, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    people = read_participants(Folders(ROOT / "data", ROOT / "figures"))[0]
    tasks = specification_tasks()
    cells = sum(len(task.arguments[0]) for task in tasks)
    measured = {OF_A_TASK: cells / len(tasks)}
    seconds = {workers: [] for workers in WORKERS}
    for turn in range(ROUNDS):  # they take turns, so that a neighbour on the machine disturbs all alike
        for workers in WORKERS:
            with cluster_of(workers) as (address, client):
                began = time.perf_counter()
                folder = tmp_path / f"{workers}-{turn}"
                run_tasks(tasks, people, folder=folder, scheduler=address, progress="")
                seconds[workers].append(time.perf_counter() - began)
                stored = sum(path.stat().st_size for path in folder.glob("*/*.npz"))
                measured[WORKER] = max(client.run(peak_memory).values())
                # Workers have sent the results, and the people to all but the first, which has them from the scheduler.
                measured[SENT] = (sum(client.run(outgoing).values()) - stored) / max(1, workers - 1) / 1e6
    measured |= {RATE.format(workers): cells / np.median(taken) for workers, taken in seconds.items()}
    measured |= {STORED: stored / cells} | rates_alone(people, tasks, cells) | client_side(people, tasks[0])
    for name, here in measured.items():
        rate = next((one for one in (RATE, ALONE) if name.startswith(one.format(""))), None)
        results.append({"what": name, "unit": UNITS.get(name, "1/s"), "r": np.nan, "here": here,
                        "times": np.nan if rate is None else here / measured[rate.format(1)],
                        "rounds": 1 if rate is None else ROUNDS})  # fmt: skip
    draw({workers: measured[RATE.format(workers)] for workers in WORKERS})
    PAGE.write_text(MEASURED.sub(lambda part: part[1] + needs_of(measured) + part[2], PAGE.read_text()))
    with capsys.disabled():
        for name, here in measured.items():
            sys.stdout.write(f"\n{name}: {here:,.4g} {UNITS.get(name, '')}")


@contextmanager
def cluster_of(workers):
    """Address and client of a cluster whose scheduler and workers, warm, are processes of their own."""
    subprocess = importlib.import_module("distributed.deploy.subprocess")
    with (
        subprocess.SubprocessCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
        ) as cluster,
        importlib.import_module("distributed").Client(cluster.scheduler_address, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers)
        client.run(importlib.import_module, specification_tasks.__module__)
        yield cluster.scheduler_address, client


def client_side(people, task):
    """CPU of client and scheduler for a result, and memory of the client, by tasks that do nothing.

    Of two runs, so that what a run needs once, and what the process fills anew, is in neither difference.
    """
    fewer, more = IDLE
    spent, memory, kept = {}, {}, []
    with cluster_of(2) as (address, client):
        scheduler, here = psutil.Process(client.run_on_scheduler(os.getpid)), psutil.Process()
        before = here.memory_info().rss
        for number in IDLE:
            tasks = [Task(f"nothing {k}", found_before, (task, k)) for k in range(number)]
            start = cpu_seconds(here), cpu_seconds(scheduler)
            kept += run_tasks(tasks, people, folder=None, scheduler=address, progress="")
            spent[number] = np.subtract((cpu_seconds(here), cpu_seconds(scheduler)), start)
            memory[number] = here.memory_info().rss
    client_ms, scheduler_ms = 1000 * (spent[more] - spent[fewer]) / (more - fewer)
    held = (memory[more] - memory[fewer]) / (more * len(task.arguments[0]))
    return {CLIENT: client_ms, SCHEDULER: scheduler_ms, BEFORE: before / 1e6, HELD: held}


def cpu_seconds(process):
    times = process.cpu_times()
    return times.user + times.system


def rates_alone(people, tasks, cells):
    turns = [{number: seconds_alone(people, tasks, number) for number in WORKERS} for _ in range(ROUNDS)]
    return {ALONE.format(number): cells / np.median([turn[number] for turn in turns]) for number in turns[0]}


def cores():
    return os.cpu_count() or 1


def seconds_alone(people, tasks, processes):
    """Elapsed seconds of the tasks in processes that have people and tasks ready, from a common start."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=hold, initargs=(start, people)) as pool:
        spans = list(pool.map(span_of_tasks, [tasks[first::processes] for first in range(processes)]))
    return max(ended for _, ended in spans) - min(started for started, _ in spans)


def hold(start, people):
    """Keep the common start and the people where `span_of_tasks` finds them."""
    global common_start, everybody
    common_start, everybody = start, people


def span_of_tasks(tasks):
    """Start and end of one process's tasks, by the clock that processes share; the first is done before, to be warm."""
    with threadpool_limits(limits=1, user_api="blas"):
        perform(tasks[:1])
        common_start.wait()
        started = time.monotonic()
        perform(tasks)
        return started, time.monotonic()


def perform(tasks):
    for task in tasks:
        task.function(everybody, *task.arguments, **dict(task.options))


def draw(found):
    """Rate by workers beside the straight line through the first; the cores of the machine end what can be gained."""
    workers = list(found)
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scaling", "font.size": 8}):
        figure, axes = plt.subplots(figsize=(3.4, 2.6), layout="constrained")
        axes.plot(workers, list(found.values()), "o-", color="#0072B2", label="measured")
        axes.plot(workers, [found[1] * number for number in workers], ":", color="grey", label="in proportion")
        axes.axvline(cores(), color="grey", linewidth=0.8)
        axes.annotate("cores", (cores(), 0), xytext=(3, 4), textcoords="offset points", color="grey")
        axes.set(xlabel="Worker processes", ylabel="Specifications a second", ylim=(0, None), xticks=workers)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(FIGURE, metadata={"Date": None})
        plt.close(figure)
