"""Finished tasks are kept whole and never done again, whatever stops a run and whoever performs it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from analysis.audit import runner
from analysis.audit.joint_test import joint_test, verdict_shares
from analysis.audit.questions import audit_tasks, specification_curve, specification_tasks
from analysis.audit.runner import AuditError, Task, modules_behind, people_digest, run_digest, run_tasks
from analysis.audit.specifications import answer_people
from tests import audits
from tests.audit.tasks import (
    PEOPLE,
    announced,
    broken,
    counted_tasks,
    deadly_tasks,
    of_every_type,
    refused,
    slowly,
    sum_tasks,
    summed,
    threads,
)

OF_THE_AUDIT = {*(f"specification {people}" for people in audits.PEOPLE), "specificity 0", "energy forms"}
"""Tasks of the audit that take a second or less: groups of specifications, nutrients, a question with two frames."""


def performed(folder):
    return {path.name: path.read_text() for path in sorted(folder.glob("performed-*"))}


def stored(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.parent != folder.parent)


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


def assert_same(found, expected):
    assert [one.name for one in found] == [one.name for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (set(one.frames), set(one.arrays)) == (set(other.frames), set(other.arrays))
        for name, frame in other.frames.items():
            pd.testing.assert_frame_equal(one.frames[name], frame, check_exact=True)
        for name, values in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], values)


# ---- results


def test_tasks_come_back_in_their_order_with_all_their_digits(tmp_path):
    found = run_tasks(sum_tasks(4), PEOPLE, folder=tmp_path)
    for k, one in enumerate(found):
        expected = summed(PEOPLE, k)
        pd.testing.assert_frame_equal(one.frames["sums"], expected["sums"], check_exact=True)
        np.testing.assert_array_equal(one.arrays["values"], expected["values"])
        assert (one.name, one.reason) == (f"sum {k}", "")


def test_rows_are_kept_as_a_frame(tmp_path):
    (found,) = run_tasks(counted_tasks(tmp_path, 1), PEOPLE, folder=tmp_path / "audit")
    pd.testing.assert_frame_equal(found.frames["rows"], pd.DataFrame([{"k": 0, "half": 0.0}]))


def test_types_and_missing_values_are_kept(tmp_path):
    (found,) = run_tasks([Task("types", of_every_type)], PEOPLE, folder=tmp_path)
    pd.testing.assert_frame_equal(found.frames["rows"], of_every_type(PEOPLE))


def test_processes_change_no_digit(tmp_path):
    alone = run_tasks(sum_tasks(5), PEOPLE, folder=tmp_path / "alone")
    together = run_tasks([*sum_tasks(5), Task("threads", threads)], PEOPLE, folder=tmp_path / "together", jobs=2)
    assert_same(together[:5], alone)
    assert (together[5].frames["rows"]["threads"] == 1).all()


def test_a_known_failure_is_a_result_with_its_reason(tmp_path):
    failed, other = run_tasks([Task("no", refused, ("one PSU",)), *sum_tasks(1)], PEOPLE, folder=tmp_path)
    assert (failed.reason, failed.frames) == ("one PSU", {})
    assert other.reason == ""


# ---- what is finished stays finished


def test_a_finished_task_is_not_done_again(tmp_path):
    first = run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")
    again = run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")
    assert_same(again, first)
    assert set(performed(tmp_path).values()) == {"x"}


def test_fresh_does_everything_again(tmp_path):
    for _ in range(2):
        run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit", fresh=True)
    assert set(performed(tmp_path).values()) == {"xx"}


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    (tmp_path / "interrupt").touch()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")
    assert len(stored(tmp_path / "audit")) == 3
    assert all(name.endswith(".npz") for name in stored(tmp_path / "audit"))
    found = run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")
    assert [one.frames["rows"]["k"].iloc[0] for one in found] == list(range(6))
    assert performed(tmp_path) == {f"performed-{k}": "x" for k in range(6)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_unexpected_exception_names_the_task_and_keeps_the_finished(tmp_path, jobs):
    tasks = [*sum_tasks(2), Task("bad division", broken)]
    run_tasks(tasks[:2], PEOPLE, folder=tmp_path, jobs=jobs)
    with pytest.raises(AuditError, match=r"'bad division' stopped unexpectedly: ZeroDivisionError.* 2 of 3 tasks are"):
        run_tasks(tasks, PEOPLE, folder=tmp_path, jobs=jobs)
    assert len(stored(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_is_refused_before_the_work_and_without_a_warning(tmp_path):
    (tmp_path / "audit").write_text("a file where the folder would be")
    code = (
        "import sys, analysis.audit.runner as runner\n"
        "from tests.audit.test_runner import PEOPLE, counted_tasks\n"
        "from pathlib import Path\n"
        "folder = Path(sys.argv[1])\n"
        "runner.run_tasks(counted_tasks(folder), PEOPLE, folder=folder / 'audit', jobs=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "AuditError: results of tasks cannot be written in" in done.stderr
    assert "0 of 6 tasks are finished" in done.stderr
    assert "Warning" not in done.stderr
    assert not performed(tmp_path)


def test_without_a_terminal_finished_tasks_are_told_by_the_minute(tmp_path, monkeypatch, capsys):
    run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path / "one")
    assert capsys.readouterr().err == ""  # done within the minute
    monkeypatch.setattr(runner, "LONGEST_UNTOLD", 0.0)
    run_tasks(sum_tasks(3), PEOPLE, folder=tmp_path / "two")
    assert capsys.readouterr().err.splitlines() == [f"auditing: {n} of 3 tasks are done" for n in (1, 2, 3)]


def test_a_full_disk_leaves_whole_files_only(tmp_path, monkeypatch):
    save, calls = np.savez, []

    def full(file, **entries):
        calls.append(file)
        if len(calls) == 3:
            file.write(b"half of a result")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, **entries)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(AuditError, match=r"'count 2' cannot be written.*No space left on device.* 2 of 6 tasks are"):
        run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")
    assert len(stored(tmp_path / "audit")) == 2
    assert all(name.startswith("count-") for name in stored(tmp_path / "audit"))
    monkeypatch.undo()
    assert len(run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit")) == 6
    assert performed(tmp_path)["performed-0"] == "x"


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"no archive at all"])
def test_a_damaged_file_is_done_again(tmp_path, damage):
    run_tasks(counted_tasks(tmp_path, 2), PEOPLE, folder=tmp_path / "audit")
    next((tmp_path / "audit").rglob("count-1-*")).write_bytes(damage)
    found = run_tasks(counted_tasks(tmp_path, 2), PEOPLE, folder=tmp_path / "audit")
    assert found[1].frames["rows"]["k"].tolist() == [1]
    assert performed(tmp_path) == {"performed-0": "x", "performed-1": "xx"}


def test_a_file_cut_short_is_done_again(tmp_path):
    run_tasks(counted_tasks(tmp_path, 1), PEOPLE, folder=tmp_path / "audit")
    path = next((tmp_path / "audit").rglob("count-0-*"))
    path.write_bytes(path.read_bytes()[:-40])
    run_tasks(counted_tasks(tmp_path, 1), PEOPLE, folder=tmp_path / "audit")
    assert performed(tmp_path) == {"performed-0": "xx"}


def test_drafts_are_not_taken_for_results(tmp_path):
    run_tasks(counted_tasks(tmp_path, 1), PEOPLE, folder=tmp_path / "audit")
    path = next((tmp_path / "audit").rglob("count-0-*"))
    path.rename(path.with_name(f".{path.name}.99"))
    run_tasks(counted_tasks(tmp_path, 1), PEOPLE, folder=tmp_path / "audit")
    assert performed(tmp_path) == {"performed-0": "xx"}


def test_a_process_killed_is_an_error_and_keeps_the_finished(tmp_path):
    run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path)
    with pytest.raises(AuditError, match=r"a worker or the scheduler was lost.* 2 of 4 tasks are finished and kept"):
        run_tasks([*sum_tasks(2), *deadly_tasks(2)], PEOPLE, folder=tmp_path, jobs=2)


def test_two_tasks_alike_are_refused(tmp_path):
    with pytest.raises(AuditError, match="sum 0 are there twice with the same arguments"):
        run_tasks([*sum_tasks(2), *sum_tasks(1)], PEOPLE, folder=tmp_path)


# ---- what decides a result


def test_other_arguments_are_another_file():
    names = {Task("one name", summed, (k,)).file_name for k in (1, 2)}
    assert len(names) == 2
    assert all(name.startswith("one-name-") for name in names)


def test_other_participants_are_another_run():
    changed = PEOPLE.assign(x=PEOPLE["x"].where(PEOPLE.index != 17, 0.0))
    digests = {people_digest(frame) for frame in (PEOPLE, changed, PEOPLE.rename(columns={"x": "z"}), PEOPLE.head(10))}
    assert len(digests) == 4
    assert people_digest(PEOPLE.copy()) in digests
    assert run_digest("some people", "analysis.audit.energy") != run_digest("others", "analysis.audit.energy")


ONE_OF_EACH_ROOM = {
    "study.py": {"energy", "specifications"},
    "stats/regression/fit.py": {"energy", "specifications"},
    "stats/sample/design.py": {"energy", "specifications"},
    "stats/shape/verdict.py": {"energy", "specifications"},
    "stats/curve/splines.py": {"energy", "specifications"},
    "data/people/cohort.py": {"energy", "specifications"},
    "dose_response/problem.py": {"energy", "specifications"},
    "audit/runner.py": {"energy", "specifications"},
    "audit/energy.py": {"energy"},
    "audit/specifications.py": {"specifications"},
    "audit/joint_test.py": set(),
    "audit/null_curves.py": set(),
    "audit/questions.py": set(),
    "stats/checks/calibration.py": set(),
    "stats/__init__.py": set(),
    "data/source/transport.py": set(),
    "data/synthetic/survey.py": set(),
    "dose_response/frames.py": set(),
    "simulation/coverage.py": set(),
    "validation/variance.py": set(),
    "report/views.py": set(),
    "report/words/audit.py": set(),
    "report/figures/energy.py": set(),
    "pipeline/audit.py": set(),
    "cli/audits.py": set(),
    "errors.py": set(),
    "files.py": set(),
    "__init__.py": set(),
}
"""A module of each room, and in which of two questions' results one byte more in it can change a number."""


@pytest.fixture(scope="module")
def copied_package(tmp_path_factory):
    return shutil.copytree(runner.PACKAGE, tmp_path_factory.mktemp("code") / "analysis")


def digests_of_questions():
    return {name: run_digest("people", f"analysis.audit.{name}") for name in ("energy", "specifications")}


@pytest.fixture(scope="module")
def before(copied_package):
    """Digests of the package as it is."""
    with patch.object(runner, "PACKAGE", copied_package):
        return digests_of_questions()


@pytest.mark.parametrize(("changed", "anew"), ONE_OF_EACH_ROOM.items())
def test_code_that_can_change_a_number_makes_another_run_and_no_other_does(
    copied_package, before, monkeypatch, changed, anew
):
    monkeypatch.setattr(runner, "PACKAGE", copied_package)
    path = copied_package / changed
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    after = digests_of_questions()
    path.write_bytes(whole)
    assert {name for name in before if before[name] != after[name]} == anew
    assert digests_of_questions() == before


def test_every_module_that_the_questions_load_is_in_their_digests():
    """In a Python of its own, so that what other tests loaded is not counted."""
    asked = sorted({task.function.__module__ for task in audit_tasks()})
    code = (
        f"import sys, {', '.join(asked)}\n"
        "print(*(name for name, one in sys.modules.items() if name.startswith('analysis.')"
        " and not hasattr(one, '__path__')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    covered = {name for module in asked for name in modules_behind(module)}
    assert set(loaded) - {f"analysis.{name}" for name in runner.WITHOUT_NUMBERS} == covered - (
        {"analysis.audit.runner"} - set(loaded)
    )


def test_code_of_a_task_beyond_the_project_is_not_read():
    assert modules_behind("tests.audit.test_runner") == modules_behind("analysis.audit.runner")


# ---- the specification curve


def test_specifications_run_as_tasks_are_the_answers(participants, tmp_path):
    tasks = specification_tasks()[:2]
    curve = specification_curve(run_tasks(tasks, participants, folder=tmp_path), participants)
    answers = [answer for task in tasks for answer in answer_people(participants, *task.arguments)]
    assert len(curve.cells) == 30
    by_cell = curve.cells.set_index(["outcome", "sample", "covariates", "energy", "knots"])["odds_ratio_p90"]
    for answer in answers:
        cell = tuple(answer.row[name] for name in by_cell.index.names)
        assert by_cell[cell] == answer.row["odds_ratio_p90"]
    np.testing.assert_array_equal(curve.totals, np.hstack([answer.totals for answer in answers]))
    assert joint_test(curve, draws=50)["p_value"].between(0, 1).all()
    assert (verdict_shares(curve.cells)["n"] >= 0).all()


def test_every_group_of_the_grid_is_a_task_of_its_own():
    tasks = specification_tasks()
    assert len({task.file_name for task in tasks}) == len(tasks) == 315
    assert sum(len(task.arguments[0]) for task in tasks) == 4725


def test_a_curve_with_a_part_missing_says_why():
    with pytest.raises(AuditError, match="specification a: no column"):
        specification_curve([runner.Finished("specification a", reason="no column")], PEOPLE)


# ---- a cluster


def test_without_the_package_a_scheduler_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(AuditError, match="needs the package distributed, which is not installed: install this"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_that_does_not_answer_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "LONGEST_GREETING", 0.5)
    with pytest.raises(AuditError, match=r"no scheduler answers at tcp://127.0.0.1:1 .* 0 of 1 tasks are finished"):
        run_tasks(sum_tasks(1), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1")


def test_a_finished_run_asks_no_scheduler(tmp_path):
    first = run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path)
    assert_same(run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path, scheduler="tcp://127.0.0.1:1"), first)


def test_without_a_terminal_a_resumed_run_says_how_much_is_done(tmp_path, capsys):
    run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path, progress="summing")
    assert "done already" not in capsys.readouterr().err
    run_tasks(sum_tasks(5), PEOPLE, folder=tmp_path, progress="summing")
    assert "summing: 2 of 5 tasks are done already" in capsys.readouterr().err


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as running:
        yield running


def test_a_cluster_changes_no_digit(cluster, tmp_path):
    alone = run_tasks(sum_tasks(6), PEOPLE, folder=tmp_path / "alone")
    found = run_tasks(sum_tasks(6), PEOPLE, folder=tmp_path / "cluster", scheduler=cluster.scheduler_address)
    assert_same(found, alone)


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(cluster, tmp_path):
    tasks = [Task(f"slow {k}", slowly, (tmp_path, k)) for k in range(30)]
    killer = Killer(tmp_path, begun=5)
    killer.start()
    found = run_tasks(tasks, PEOPLE, folder=tmp_path / "audit", scheduler=cluster.scheduler_address)
    killer.join()
    began = list(tmp_path.glob("began-*"))
    assert killer.mark in began
    assert len(began) > len(tasks)  # what the killed one had in hand began anew
    assert len(stored(tmp_path / "audit")) == len(tasks)
    assert_same(found, expected_of(tasks))


def test_tasks_of_the_audit_change_no_digit_though_a_worker_is_killed(cluster, participants, tmp_path):
    tasks = [task for task in audit_tasks() if task.name in OF_THE_AUDIT]
    assert len(tasks) == len(OF_THE_AUDIT)
    expected = run_tasks(tasks, participants, folder=tmp_path / "processes", jobs=2)
    announcing = [Task(task.name, announced, (tmp_path, k, task)) for k, task in enumerate(tasks)]
    killer = Killer(tmp_path, begun=2)
    killer.start()
    found = run_tasks(announcing, participants, folder=tmp_path / "cluster", scheduler=cluster.scheduler_address)
    killer.join()
    _, k, _ = killer.mark.name.split("-")
    assert len(list(tmp_path.glob(f"began-{k}-*"))) == 2, "the task that was under way begins anew in another process"
    assert len(stored(tmp_path / "cluster")) == len(stored(tmp_path / "processes")) == len(tasks)
    assert not any(one.reason for one in found)
    assert_same(found, expected)


def expected_of(tasks):
    return [runner._finished(task.name, summed(PEOPLE, task.arguments[-1])) for task in tasks]


@pytest.mark.parametrize(
    "address", ["localhost", "tcp://host", "tcp://host:notaport", "tcp://host:0", "host:65536", ""]
)
def test_an_address_without_a_port_is_refused_before_anything_is_done(tmp_path, address):
    with pytest.raises(AuditError, match=r"expected the address that `dask scheduler` prints, a host and a port"):
        run_tasks(counted_tasks(tmp_path), PEOPLE, folder=tmp_path / "audit", scheduler=address)
    assert not performed(tmp_path)
