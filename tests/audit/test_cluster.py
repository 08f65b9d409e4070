"""A cluster that loses workers, gains one late, or has none: nothing waits for good, and what is finished is kept."""

import os
import signal
import sys
import threading
import time

import pytest

from analysis.audit import cluster
from analysis.audit.questions import audit_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.tasks import AuditError, Task
from tests import audits
from tests.audit.tasks import PEOPLE, announced, counted_tasks, deadly_tasks, in_company, slowly, sum_tasks
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


@pytest.fixture
def small_cluster():
    """A worker of one thread, given up by its scheduler at the second death."""
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
        ) as running,
    ):
        yield running


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


def test_a_worker_that_joins_late_takes_its_part(small_cluster, tmp_path):
    tasks = [Task(f"with another {k}", in_company, (tmp_path, k)) for k in range(8)]
    threading.Timer(0.5, small_cluster.scale, args=(2,)).start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert len({path.name.split("-")[2] for path in tmp_path.glob("began-*")}) == 2
    assert_same(found, expected_of(tasks))


def test_a_cluster_without_workers_is_refused(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LONGEST_GREETING", 1.0)
    small_cluster.scale(0)
    while small_cluster.scheduler.workers:
        time.sleep(0.05)
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
