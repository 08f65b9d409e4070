"""What decides a result names its place: other arguments, participants or code are another, and nothing else is."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest

from analysis.audit import store
from analysis.audit.questions import audit_tasks
from analysis.audit.store import decided_by, modules_behind, people_digest, run_digest
from analysis.audit.tasks import Task
from tests.audit.tasks import PEOPLE, summed


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


DOING = b"\nif 1 > 2:\n    raise ValueError\n"
"""Code, beside which a comment or something said is nothing."""

ONE_OF_EACH_ROOM = {
    "study.py": {"energy", "specifications"},
    "stats/regression/fit.py": {"energy", "specifications"},
    "stats/sample/design.py": {"energy", "specifications"},
    "stats/shape/verdict.py": {"energy", "specifications"},
    "stats/curve/splines.py": {"energy", "specifications"},
    "data/people/cohort.py": {"energy", "specifications"},
    "dose_response/problem.py": {"energy", "specifications"},
    "audit/tasks.py": {"energy", "specifications"},
    "audit/store.py": {"energy", "specifications"},
    "audit/runner.py": set(),
    "audit/cluster.py": set(),
    "audit/energy.py": {"energy"},
    "audit/specifications.py": {"specifications"},
    "audit/joint_test.py": set(),
    "audit/null_curves.py": set(),
    "audit/questions.py": set(),
    "stats/checks/calibration.py": set(),
    "stats/__init__.py": set(),
    "data/source/transport.py": set(),
    "data/people/harmonise.py": set(),
    "data/people/drugs.py": set(),
    "data/people/weights.py": {"energy", "specifications"},
    "stats/parallel.py": set(),
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
"""A module of each room, and in which of two questions' results a change of its code can change a number."""


@pytest.fixture(scope="module")
def copied_package(tmp_path_factory):
    return shutil.copytree(store.PACKAGE, tmp_path_factory.mktemp("code") / "analysis")


def digests_of_questions():
    return {name: run_digest("people", f"analysis.audit.{name}") for name in ("energy", "specifications")}


@pytest.fixture(scope="module")
def before(copied_package):
    """Digests of the package as it is."""
    with patch.object(store, "PACKAGE", copied_package):
        return digests_of_questions()


@pytest.mark.parametrize(("changed", "anew"), ONE_OF_EACH_ROOM.items())
def test_code_that_can_change_a_number_makes_another_run_and_no_other_does(
    copied_package, before, monkeypatch, changed, anew
):
    monkeypatch.setattr(store, "PACKAGE", copied_package)
    path = copied_package / changed
    whole = path.read_bytes()
    path.write_bytes(whole + DOING)
    after = digests_of_questions()
    path.write_bytes(b"# A comment that no number hangs on.\n\n" + whole + b'\n"""And something said."""\n')
    silent = digests_of_questions()
    path.write_bytes(whole)
    assert {name for name in before if before[name] != after[name]} == anew
    assert silent == before


def test_code_that_a_process_has_loaded_is_told_as_it_was_though_its_file_is_another_now(copied_package, monkeypatch):
    monkeypatch.setattr(store, "PACKAGE", copied_package)
    loaded = cache(Path.read_bytes)
    before = {name: decided_by(f"analysis.audit.{name}") for name in ("energy", "specifications")}
    assert decided_by("analysis.audit.energy", loaded) == before["energy"]
    path = copied_package / "stats" / "regression" / "fit.py"
    whole = path.read_bytes()
    path.write_bytes(whole + DOING)
    now = decided_by("analysis.audit.specifications")
    there = decided_by("analysis.audit.specifications", loaded)
    path.write_bytes(whole)
    assert there == before["specifications"]
    assert {name for name in now if now[name] != there[name]} == {store.CODE}


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
    assert set(loaded) - {f"analysis.{name}" for name in store.WITHOUT_NUMBERS} == covered - (
        {"analysis.audit.store", "analysis.audit.tasks"} - set(loaded)
    )


def test_no_result_hangs_on_what_only_tells_of_another():
    """Else a change of how modifiers, or the referee's rows, are told would compute what they do not change anew."""
    behind = {task.function.__module__: modules_behind(task.function.__module__) for task in audit_tasks()}
    assert [module for module, names in behind.items() if "analysis.dose_response.modifiers" in names] == []
    assert not [name for name in modules_behind("analysis.simulation.recall_error") if ".referee" in name]


def test_code_of_a_task_beyond_the_project_is_not_read():
    assert modules_behind("tests.audit.test_store") == modules_behind("analysis.audit.store")
