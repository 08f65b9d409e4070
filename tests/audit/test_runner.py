"""Finished tasks are kept whole and never done again, whatever stops a run and whoever performs it."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit import runner
from analysis.audit.joint_test import joint_test, verdict_shares
from analysis.audit.questions import specification_curve, specification_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import answer_people
from analysis.audit.tasks import AuditError, Finished, Task, finished_of
from tests.audit.tasks import (
    PEOPLE,
    broken,
    counted_tasks,
    deadly_tasks,
    of_every_type,
    refused,
    sum_tasks,
    summed,
    threads,
)


def performed(folder):
    return {path.name: path.read_text() for path in sorted(folder.glob("performed-*"))}


def stored(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.parent != folder.parent)


def assert_same(found, expected):
    assert [one.name for one in found] == [one.name for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (set(one.frames), set(one.arrays)) == (set(other.frames), set(other.arrays))
        for name, frame in other.frames.items():
            pd.testing.assert_frame_equal(one.frames[name], frame, check_exact=True)
        for name, values in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], values)


def expected_of(tasks):
    return [finished_of(task.name, summed(PEOPLE, task.arguments[-1])) for task in tasks]


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
    expected = of_every_type(PEOPLE)
    for folder in (None, tmp_path, tmp_path):  # the third time from its file
        (found,) = run_tasks([Task("types", of_every_type)], PEOPLE, folder=folder)
        rows = found.frames["rows"]
        pd.testing.assert_frame_equal(rows, expected, check_exact=True, check_index_type="exact", check_freq=True)
        assert rows.attrs == expected.attrs
        rows.loc["first", "n"] = 3  # a caller's own


def test_what_is_kept_does_not_depend_on_a_folder(tmp_path):
    tasks = [*sum_tasks(3), Task("no", refused, ("one PSU",))]
    assert_same(run_tasks(tasks, PEOPLE, folder=None), run_tasks(tasks, PEOPLE, folder=tmp_path))


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
    write, calls = Path.write_bytes, []

    def full(path, image):
        calls.append(path)
        if len(calls) == 3:
            write(path, image[: len(image) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, image)

    monkeypatch.setattr(Path, "write_bytes", full)
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


def test_without_a_terminal_a_resumed_run_says_how_much_is_done(tmp_path, capsys):
    run_tasks(sum_tasks(2), PEOPLE, folder=tmp_path, progress="summing")
    assert "done already" not in capsys.readouterr().err
    run_tasks(sum_tasks(5), PEOPLE, folder=tmp_path, progress="summing")
    assert "summing: 2 of 5 tasks are done already" in capsys.readouterr().err


# ---- the specification curve


def test_specifications_run_as_tasks_are_the_answers(participants, tmp_path):
    tasks = specification_tasks()[:2]
    curve = specification_curve(run_tasks(tasks, participants, folder=tmp_path), participants)
    answers = [answer for task in tasks for answer in answer_people(participants, *task.arguments)]
    assert len(curve.cells) == 90
    by_cell = curve.cells.set_index(["outcome", "sample", "covariates", "energy", "knots"])["odds_ratio_p90"]
    for answer in answers:
        cell = tuple(answer.row[name] for name in by_cell.index.names)
        assert by_cell[cell] == answer.row["odds_ratio_p90"]
    np.testing.assert_array_equal(curve.totals, np.hstack([answer.totals for answer in answers]))
    assert joint_test(curve, draws=50)["p_value"].between(0, 1).all()
    assert (verdict_shares(curve.cells)["n"] >= 0).all()


def test_every_group_of_the_grid_is_a_task_of_its_own():
    tasks = specification_tasks()
    assert len({task.file_name for task in tasks}) == len(tasks) == 105
    assert sum(len(task.arguments[0]) for task in tasks) == 4725


def test_a_curve_with_a_part_missing_says_why():
    with pytest.raises(AuditError, match="specification a: no column"):
        specification_curve([Finished("specification a", reason="no column")], PEOPLE)
