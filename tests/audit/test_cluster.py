"""A cluster that loses workers, gains one late, or has none: nothing waits for good, and what is finished is kept."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from analysis.audit import cluster, store
from analysis.audit.questions import audit_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.store import bytes_of_frame, frame_in, people_digest
from analysis.audit.tasks import AuditError, Task
from tests import audits
from tests.audit.tasks import (
    PEOPLE,
    announced,
    counted_tasks,
    deadly_tasks,
    in_company,
    outgoing,
    pretend_another_numpy,
    slowly,
    sum_tasks,
    where,
)
from tests.audit.test_runner import assert_same, expected_of, performed, stored

OF_THE_AUDIT = {*(f"specification {people}" for people in audits.PEOPLE), "specificity 0", "energy forms"}
"""Tasks of the audit that take a second or less: groups of specifications, nutrients, a question with two frames."""


class Killer(threading.Thread):
    """Kill the process of the task that began last, once so many have begun; its mark is kept."""

    def __init__(self, folder, *, begun):
        super().__init__(daemon=True)
        self.folder, self.begun, self.mark = folder, begun, None

    def run(self):
        while len(marks := sorted(self.folder.glob("began-*"), key=lambda path: path.stat().st_mtime_ns)) < self.begun:
            time.sleep(0.01)
        self.mark = marks[-1]
        os.kill(int(self.mark.name.split("-")[2]), signal.SIGKILL)


def test_without_the_package_a_scheduler_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(AuditError, match="needs the package distributed, which is not installed: install this"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_that_does_not_answer_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LONGEST_GREETING", 0.5)
    with pytest.raises(AuditError, match=r"no scheduler answers at tcp://127.0.0.1:1 .* 0 of 1 tasks are finished"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1")


def test_a_finished_run_asks_no_scheduler(tmp_path):
    first = run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path)
    assert_same(run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1"), first)


@pytest.fixture(scope="module")
def two_workers():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as running:
        yield running


def test_a_cluster_changes_no_digit(two_workers, tmp_path):
    alone = run_tasks(sum_tasks(6), PEOPLE, folder=tmp_path / "alone")
    found = run_tasks(sum_tasks(6), PEOPLE, folder=tmp_path / "cluster", scheduler=two_workers.scheduler_address)
    assert_same(found, alone)


def test_a_cluster_is_asked_where_nothing_is_kept(two_workers):
    tasks = [Task(f"where {k}", where, (k,)) for k in range(4)]
    found = run_tasks(tasks, PEOPLE, folder=None, scheduler=two_workers.scheduler_address)
    assert [one.frames["rows"]["k"].item() for one in found] == [0, 1, 2, 3]
    assert os.getpid() not in {one.frames["rows"]["process"].item() for one in found}


def test_participants_travel_packed_and_are_unpacked_once_in_a_process(two_workers, tmp_path):
    """A worker gets them from another one; what workers send beside them are some results of a few kilobytes."""
    distributed = pytest.importorskip("distributed")
    values = np.random.default_rng(2).integers(0, 20, size=1_000_000).astype(float)
    people = pd.DataFrame({"x": values, "y": values[::-1]})
    packed = len(bytes_of_frame(people, "zstd"))
    assert packed < people.memory_usage().sum() / 5
    with distributed.Client(two_workers.scheduler_address, set_as_default=False) as client:
        before = sum(client.run(outgoing).values())
        tasks = [Task(f"where {k}", where, (k,)) for k in range(20)]
        found = run_tasks(tasks, people, folder=tmp_path, scheduler=two_workers.scheduler_address)
        sent = sum(client.run(outgoing).values()) - before
    rows = pd.concat([one.frames["rows"] for one in found])
    assert rows["process"].nunique() == 2
    assert len(rows[["process", "place"]].drop_duplicates()) == 2
    assert (rows["sum"] == values.sum()).all()
    assert 0 < sent <= 1.1 * packed


def test_participants_are_unpacked_as_they_were_packed(participants):
    found = frame_in(bytes_of_frame(participants, "zstd"))
    pd.testing.assert_frame_equal(found, participants, check_exact=True, check_index_type="exact")
    assert found.attrs == participants.attrs
    assert people_digest(found) == people_digest(participants)
    for name, column in participants.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            pd.testing.assert_index_equal(found[name].cat.categories, column.cat.categories, exact=True)
            assert found[name].cat.ordered == column.cat.ordered


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(two_workers, tmp_path):
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(30)]
    killer = Killer(tmp_path, begun=5)
    killer.start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=two_workers.scheduler_address)
    killer.join()
    began = list(tmp_path.glob("began-*"))
    assert killer.mark in began
    assert len(began) > len(tasks)  # what the killed one had in hand began anew
    assert len(stored(tmp_path / "audit")) == len(tasks)
    assert_same(found, expected_of(tasks))


def test_tasks_of_the_audit_change_no_digit_though_a_worker_is_killed(two_workers, participants, tmp_path):
    tasks = [task for task in audit_tasks() if task.name in OF_THE_AUDIT]
    assert len(tasks) == len(OF_THE_AUDIT)
    expected = run_tasks(tasks, participants, folder=tmp_path / "processes", jobs=2)
    announcing = [Task(task.name, announced, (tmp_path, k, task)) for k, task in enumerate(tasks)]
    killer = Killer(tmp_path, begun=2)
    killer.start()
    found = run_tasks(announcing, participants, folder=tmp_path / "cluster", scheduler=two_workers.scheduler_address)
    killer.join()
    _, k, _ = killer.mark.name.split("-")
    assert len(list(tmp_path.glob(f"began-{k}-*"))) == 2, "the task that was under way begins anew in another process"
    assert len(stored(tmp_path / "cluster")) == len(stored(tmp_path / "processes")) == len(tasks)
    assert not any(one.reason for one in found)
    assert_same(found, expected)


@pytest.mark.parametrize(
    "address", ["localhost", "tcp://host", "tcp://host:notaport", "tcp://host:0", "host:65536", ""]
)
def test_an_address_without_a_port_is_refused_before_anything_is_done(tmp_path, address):
    with pytest.raises(AuditError, match=r"expected the address that `dask scheduler` prints, a host and a port"):
        run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit", scheduler=address)
    assert not performed(tmp_path)


@pytest.fixture(scope="module")
def one_cluster():
    """A cluster whose scheduler gives a task up at the second death of its worker."""
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
        ) as running,
    ):
        yield running


@pytest.fixture
def small_cluster(one_cluster):
    """That cluster with a single worker of one thread: what a test before has done to its workers is undone."""
    one_cluster.scale(1)
    while len(one_cluster.scheduler.workers) != 1:
        time.sleep(0.02)
    return one_cluster


def without_workers(running):
    running.scale(0)
    while running.scheduler.workers:
        time.sleep(0.02)


def test_a_task_that_kills_every_worker_is_named_and_the_others_are_kept(small_cluster, tmp_path):
    tasks = [*sum_tasks(3), *deadly_tasks(1), *[Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(3)]]
    with pytest.raises(AuditError, match=r"task 'deadly 0' ended every worker .* 6 of 7 tasks are finished and kept"):
        run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert len(stored(tmp_path / "audit")) == 6


def test_a_result_that_never_arrives_is_waited_for_a_while_and_tried_once_more(small_cluster, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    lost, deliver = [], distributed.Future.result

    def result(future, timeout=None):
        if len(lost) < 3:
            lost.append(timeout)
            raise TimeoutError
        return deliver(future, timeout)

    monkeypatch.setattr(distributed.Future, "result", result)
    tasks = sum_tasks(3)
    found = run_tasks(tasks, PEOPLE, folder=tmp_path, scheduler=small_cluster.scheduler_address)
    assert lost == [cluster.LONGEST_DELIVERY] * 3
    assert_same(found, expected_of(tasks))


def test_what_a_worker_with_other_libraries_found_is_refused_and_not_kept(small_cluster, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(small_cluster.scheduler_address, set_as_default=False) as client:
        client.run(pretend_another_numpy)
    with pytest.raises(AuditError, match=r"'sum 0' was performed by .* other versions than here: numpy \(1\.0, here "):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler=small_cluster.scheduler_address)
    assert not stored(tmp_path)
    with distributed.Client(small_cluster.scheduler_address, set_as_default=False) as client:
        client.run(pretend_another_numpy, None)


def test_what_a_worker_with_other_code_found_is_refused(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "WITHOUT_NUMBERS", (*store.WITHOUT_NUMBERS, "audit.tasks"))
    with pytest.raises(AuditError, match=r"other versions than here: the project's code \(\w{16}, here \w{16}\)\."):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler=small_cluster.scheduler_address)


def test_a_worker_that_joins_late_takes_its_part(small_cluster, tmp_path):
    tasks = [Task(f"with another {k}", in_company, (tmp_path, k)) for k in range(8)]
    threading.Timer(0.5, small_cluster.scale, args=(2,)).start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert len({path.name.split("-")[2] for path in tmp_path.glob("began-*")}) == 2
    assert_same(found, expected_of(tasks))


def test_a_cluster_without_workers_is_refused(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LONGEST_GREETING", 1.0)
    without_workers(small_cluster)
    with pytest.raises(AuditError, match="has had no worker for 1 s: start workers"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler=small_cluster.scheduler_address)


def test_a_cluster_whose_workers_leave_is_given_up(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LONGEST_ABSENCE", 1.0)
    monkeypatch.setattr(cluster, "LONGEST_DELIVERY", 1.0)  # of results that went with their worker
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(200)]

    def leave():
        while len(list(tmp_path.glob("began-*"))) < 20:
            time.sleep(0.01)
        small_cluster.scale(0)

    threading.Thread(target=leave, daemon=True).start()
    with pytest.raises(AuditError, match=r"has had no worker for 1 s: .* of 200 tasks are finished and kept"):
        run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert stored(tmp_path / "audit")


# ---- a scheduler started anew


class Supervised(threading.Thread):
    """``dask`` in a process that is started anew whenever it ends, as a loop in a shell or systemd does it."""

    def __init__(self, *command):
        super().__init__(daemon=True)
        self.command = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
        self.ended, self.starts, self.process = threading.Event(), 0, None

    def run(self):
        quiet = os.environ | {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical"}
        while not self.ended.is_set():
            self.starts += 1
            with subprocess.Popen(self.command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
                self.process = one
                while one.poll() is None and not self.ended.wait(0.05):
                    pass
                one.terminate()
            self.ended.wait(1.0)


@pytest.fixture
def supervised(tmp_path, request):
    """A scheduler and workers, two unless a test says otherwise, of processes of their own; the scheduler's address."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    running = [Supervised("scheduler", "--host", "127.0.0.1", "--port", str(port))]
    for k in range(getattr(request, "param", 2)):
        running.append(
            Supervised("worker", address, "--nthreads", "1", "--local-directory", str(tmp_path / f"own-{k}"))
        )
    for one in running:
        one.start()
    yield address, running
    for ending in (running[1:], running[:1]):  # workers end together, and while there is a scheduler to leave
        for one in ending:
            one.ended.set()
        for one in ending:
            one.join()


def test_a_scheduler_started_anew_loses_and_doubles_nothing(supervised, tmp_path, monkeypatch, capsys, caplog):
    address, (scheduler, *workers) = supervised
    monkeypatch.setattr(cluster, "LONGEST_GREETING", 30.0)  # Python starts three times, perhaps beside other tests
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(80)]
    kept_before = set()

    def kill():
        while len(list(tmp_path.glob("began-*"))) < 40:
            time.sleep(0.01)
        kept_before.update(stored(tmp_path / "audit"))
        scheduler.process.kill()

    threading.Thread(target=kill, daemon=True).start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=address, progress="")
    assert (scheduler.starts, [worker.starts > 1 for worker in workers]) == (2, [True, True])
    assert capsys.readouterr().err.count("was lost") == 1
    assert not [one for one in caplog.records if one.name == "distributed.client"]
    assert_same(found, expected_of(tasks))
    assert len(stored(tmp_path / "audit")) == len(tasks)
    began = Counter(int(path.name.split("-")[1]) for path in tmp_path.glob("began-*"))
    assert set(began) == set(range(len(tasks)))
    again = {tasks[k].file_name for k, times in began.items() if times > 1}
    assert len(kept_before) > 20
    assert not again & kept_before, "what was kept is not performed again"


@pytest.mark.parametrize("supervised", [1], indirect=True, ids=["one worker"])
def test_a_scheduler_that_does_not_come_back_is_given_up(supervised, tmp_path, monkeypatch):
    address, (scheduler, *_) = supervised
    monkeypatch.setattr(cluster, "LONGEST_GREETING", 30.0)
    monkeypatch.setattr(cluster, "LONGEST_ABSENCE", 1.0)
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(120)]

    def kill():
        while len(list(tmp_path.glob("began-*"))) < 20:
            time.sleep(0.01)
        scheduler.ended.set()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(AuditError, match=r"no scheduler answers at .* within 1 s .* of 120 tasks are finished"):
        run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=address, progress="")
    assert stored(tmp_path / "audit")
