"""A cluster that loses workers, gains one late, or has none: nothing waits for good, and what is finished is kept."""

import threading
import time

import pytest

from analysis.audit import runner
from analysis.audit.runner import AuditError, Task, run_tasks
from tests.audit.tasks import PEOPLE, deadly_tasks, in_company, slowly, sum_tasks
from tests.audit.test_runner import assert_same, expected_of, stored


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
    assert lost == [runner.LONGEST_DELIVERY] * 3
    assert_same(found, expected_of(tasks))


def test_a_worker_that_joins_late_takes_its_part(small_cluster, tmp_path):
    tasks = [Task(f"with another {k}", in_company, (tmp_path, k)) for k in range(8)]
    threading.Timer(0.5, small_cluster.scale, args=(2,)).start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert len({path.name.split("-")[2] for path in tmp_path.glob("began-*")}) == 2
    assert_same(found, expected_of(tasks))


def test_a_cluster_without_workers_is_refused(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "LONGEST_GREETING", 1.0)
    small_cluster.scale(0)
    while small_cluster.scheduler.workers:
        time.sleep(0.05)
    with pytest.raises(AuditError, match="has had no worker for 1 s: start workers"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler=small_cluster.scheduler_address)


def test_a_cluster_whose_workers_leave_is_given_up(small_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "LONGEST_ABSENCE", 1.0)
    monkeypatch.setattr(runner, "LONGEST_DELIVERY", 1.0)  # of results that went with their worker
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(200)]

    def leave():
        while len(list(tmp_path.glob("began-*"))) < 20:
            time.sleep(0.01)
        small_cluster.scale(0)

    threading.Thread(target=leave, daemon=True).start()
    with pytest.raises(AuditError, match=r"has had no worker for 1 s: .* of 200 tasks are finished and kept"):
        run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=small_cluster.scheduler_address)
    assert stored(tmp_path / "audit")
