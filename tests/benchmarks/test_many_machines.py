"""What the audit gains from more workers, and what a million specifications would need; `make bench`.

The same groups of people, the audit's own tasks, are answered on a dask cluster of one, two and four worker
processes of one thread each; workers are warm, as they are in a long run. Nothing here asserts a time. What was
measured is drawn, and written into docs/many-machines.md with what follows from it for a million specifications.

What the machine itself can gain is measured beside it: processes that have the people and their share of the tasks
before they start, and nobody to talk to. Virtual cores are often two threads of one.
"""

import importlib
import multiprocessing
import os
import pickle
import re
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_limits

from analysis.audit.questions import specification_tasks
from analysis.audit.runner import run_tasks
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
FIGURE, PAGE = ROOT / "docs" / "scaling.svg", ROOT / "docs" / "many-machines.md"
MEASURED = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
MILLION, MACHINES = 1_000_000, (1, 16, 256)
WORKERS = (1, 2, 4)
GROUPS = 96
ROUNDS = 3
RATE = "specifications a second, worker processes: {}"
MEMORY_KEPT = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "33554432"}
"""As docs/many-machines.md has workers started."""

ALONE = "specifications a second, processes with nobody to talk to: {}"


def test_workers_of_a_cluster(capsys, results, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    for name, value in MEMORY_KEPT.items():
        monkeypatch.setenv(name, value)
    people = read_participants(Folders(ROOT / "data", ROOT / "figures"))[0]
    tasks = specification_tasks()
    tasks = tasks[:: len(tasks) // GROUPS][:GROUPS]
    cells = sum(len(task.arguments[0]) for task in tasks)
    seconds = {workers: [] for workers in WORKERS}
    for turn in range(ROUNDS):  # they take turns, so that a neighbour on the machine disturbs all alike
        for workers in WORKERS:
            with distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
            ) as cluster:
                folder = tmp_path / f"{workers}-{turn}"
                with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                    client.run(importlib.import_module, specification_tasks.__module__)
                    began = time.perf_counter()
                    run_tasks(tasks, people, folder=folder, scheduler=cluster.scheduler_address, progress="")
                    seconds[workers].append(time.perf_counter() - began)
                    memory = max(client.run(resident).values())
    turns = [{number: seconds_alone(people, tasks, number) for number in (1, cores())} for _ in range(ROUNDS)]
    alone = {number: cells / sorted(turn[number] for turn in turns)[ROUNDS // 2] for number in turns[0]}
    found = {}
    for workers, taken in seconds.items():
        median = sorted(taken)[len(taken) // 2]
        found[workers] = cells / median
        results.append({"what": RATE.format(workers), "unit": "1/s", "r": np.nan, "here": found[workers],
                        "times": found[workers] / found[1]})  # fmt: skip
    stored = sum(path.stat().st_size for path in folder.glob("*/*.npz"))
    sent = len(zlib.compress(pickle.dumps(people), level=1))
    for number, rate in alone.items():
        results.append({"what": ALONE.format(number), "unit": "1/s", "r": np.nan, "here": rate,
                        "times": rate / alone[1]})  # fmt: skip
    kept = {"alone": alone, "stored": stored / cells, "sent": sent, "memory": memory, "tasks": cells / len(tasks)}
    for what, unit, here in (
        ("finished specification on disk", "bytes", stored / cells),
        ("participants sent to each worker, once", "MB", sent / 1e6),
        ("memory of a worker process after its part", "MB", memory / 1e6),
    ):
        results.append({"what": what, "unit": unit, "r": np.nan, "here": here, "times": np.nan})
    draw(found)
    PAGE.write_text(MEASURED.sub(lambda part: part[1] + needs_of(found, **kept) + part[2], PAGE.read_text()))
    with capsys.disabled():
        for workers, rate in found.items():
            sys.stdout.write(f"\n{RATE.format(workers)}: {rate:.0f}, {rate / found[1]:.2f} times one\n")


def resident():
    return psutil.Process().memory_info().rss


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


def needs_of(found, *, alone, stored, sent, memory, tasks):
    """What was measured, and what a million specifications need by the number of workers, as Markdown tables."""
    rate = found[1]
    lines = ["| measured on this machine | |", "|---|---|"]
    lines += [
        f"| {RATE.format(workers)} | {one:.0f} ({one / found[1]:.2f} times one) |" for workers, one in found.items()
    ]
    lines += [
        f"| {ALONE.format(number)} | {one:.0f} ({one / alone[1]:.2f} times one) |" for number, one in alone.items()
    ]
    lines += [
        f"| participants, sent to each worker once | {sent / 1e6:.1f} MB |",
        f"| a finished specification, sent back and kept | {stored:,.0f} bytes |",
        f"| memory of a worker | {memory / 1e6:.0f} MB |",
        "",
        "| a million specifications on | hours | core hours | memory, GB | sent, GB | disk, GB | results a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for cores in MACHINES:
        seconds = MILLION / (rate * cores)
        lines.append(
            f"| {cores} core{'s' if cores > 1 else ''} | {seconds / 3600:.2g} | {MILLION / rate / 3600:.1f} | "
            f"{cores * memory / 1e9:.2g} | {(cores * sent + MILLION * stored) / 1e9:.2g} | "
            f"{MILLION * stored / 1e9:.2g} | {MILLION / tasks / seconds:,.1f} |"
        )
    return "\n".join([*lines, ""])


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
