"""The stage ``referee`` on the invented survey: every kind of its tasks, with few draws."""

import dataclasses
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.audit.referee.questions import referee_tasks
from analysis.audit.referee.table import COLUMNS
from analysis.audit.tasks import AuditError
from analysis.pipeline.audit import CONCLUSIONS, conclude
from analysis.pipeline.folders import Folders
from analysis.study import PRIMARY
from tests.audits import copied, refereed, run_referee, small_questions
from tests.shared import Shared


@pytest.fixture(scope="module")
def folders(demo: Folders, shared: Shared) -> Folders:
    return refereed(demo, shared)


def test_every_question_has_its_rows_and_the_primary_one_stands_once_in_each(folders: Folders) -> None:
    table = pd.read_csv(folders.estimates / "referee.csv")
    assert tuple(table.columns) == (*COLUMNS, "data")
    assert set(table["question"]) == {
        "ends", "levels", "under-reporting", "recall error", "form", "missing", "rows"
    }  # fmt: skip
    assert not table.duplicated(["question", "done"]).any()
    assert table["data"].str.startswith("SYNTHETIC").all()
    assert (table["n"] >= 10).all()


def test_every_drawn_number_has_its_monte_carlo_error(folders: Folders) -> None:
    drawn = pd.read_csv(folders.estimates / "referee.csv").dropna(subset="draws")
    assert len(drawn) > 0
    assert drawn["mc_error"].notna().all()
    assert all(pd.notna(row[row["mc_error_of"]]) for _, row in drawn.iterrows())


def test_figure_and_companions_are_written(folders: Folders) -> None:
    assert [path.name for path in sorted((folders.data / "figures").glob("referee*"))] == [
        "referee.csv", "referee.md", "referee.png", "referee.svg"
    ]  # fmt: skip
    for name in ("referee_rise", "referee_band", "referee_under_reporter"):
        assert len(pd.read_csv(folders.estimates / f"{name}.csv")) > 0


def test_the_page_of_the_primary_study_is_that_of_any_claim(folders: Folders) -> None:
    page = (folders.estimates / CONCLUSIONS).read_text()
    assert page.startswith("# Magnesium and peripheral neuropathy: what the audit comes to")
    assert "Data: SYNTHETIC" in page
    told = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert told == [
        "As a whole", "In every specification", "Of this exposure alone", "With energy adjusted for", "In every cycle",
        "Without each sampling unit", "On a second day", "What a referee asks", "What could not be asked", "Words",
    ]  # fmt: skip


@pytest.mark.parametrize("gone", ["referee.csv", "audit_failures.csv", "shape.csv"])
def test_without_the_tables_of_a_stage_there_is_no_page(folders: Folders, tmp_path: Path, gone: str) -> None:
    folders = copied(folders, tmp_path)
    (folders.estimates / gone).unlink()
    assert conclude(folders) == []
    assert not (folders.estimates / CONCLUSIONS).exists()


def test_a_second_run_finds_every_task_done(
    folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = copied(folders, tmp_path)
    before = (folders.estimates / "referee.csv").read_bytes()
    assert run_referee(folders) == 0
    assert f"{len(small_questions())} of {len(small_questions())} tasks are done already" in capsys.readouterr().err
    assert (folders.estimates / "referee.csv").read_bytes() == before


def test_a_question_without_an_answer_stops_the_stage(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = dataclasses.replace(PRIMARY, where="age_years > 100")
    (ends,) = (task for task in referee_tasks() if task.name == "referee ends")
    broken = dataclasses.replace(ends, options=(("study", nobody),))
    others = [task for task in small_questions() if task.name != ends.name]
    before = (folders.estimates / "referee.csv").read_bytes()
    with patch("analysis.pipeline.referee.referee_tasks", lambda: [broken, *others]):
        code = main(["referee", "--data", str(folders.data), "--jobs", "1"])
    assert code == AuditError.exit_code
    assert "referee ends: " in capsys.readouterr().err
    assert (folders.estimates / "referee.csv").read_bytes() == before
