"""One invented survey of full size, run through every stage once for all workers."""

import contextlib
import gc
import io
import os
import pickle
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: small fits are faster without threads

# Workers, stages and kernels start Python a hundred times: sources are compiled once, whatever the environment asks.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.__main__ import main
from analysis.cli import demo as demo_command
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.pipeline.claims import CLAIMS
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.folders import Folders
from analysis.pipeline.foods import read_foods
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import read_estimates
from analysis.provenance import Provenance
from analysis.study import PRIMARY, Study
from tests.audits import audit_answers
from tests.shared import Shared, apart, few_dots

sys.dont_write_bytecode = False  # in this process too, from here on

# Workers of xdist share the cores: each of them with as many threads and processes as there are cores is slower.
CORES = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
os.cpu_count = lambda: CORES

Figure.savefig = apart(Figure.savefig)  # nothing of the package runs there but a tick's format

hypothesis.settings.register_profile("fast", max_examples=20, derandomize=True, deadline=None)
hypothesis.settings.register_profile("nightly", max_examples=500, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

SEED = 1
"""Seed of the survey that tests/reference/synthetic holds R's numbers for."""

REVISED = "LEXPN_B"
"""The table that is not what the registry says, where one is."""

REPLICATES = 40
"""Bootstrap samples of the shapes stage: enough to go through it, few enough to stay quick."""

TESTS = Path(__file__).parent

EARLY = (
    "pipeline/test_stages.py",
    "data/people/test_harmonise.py",
    "audit/test_truths.py",
    "cli/test_command_line.py",
    "test_notebooks.py",
    "validation/test_studies.py",
    "cli/test_audit_any.py",
    "validation/test_stands.py",
    "report/page/test_browser.py",
    "audit/test_cluster.py",
    "data/synthetic/test_survey.py",
    "audit/test_any_exposure.py",
    "simulation/test_bands.py",
    "simulation/test_surveys.py",
    "stats/shape/test_threshold.py",
    "audit/test_reference.py",
    "test_setting_up.py",
    "audit/test_runner.py",
    "test_changed_study.py",
    "report/test_views.py",
    "report/test_pages.py",
    "report/test_specification_figures.py",
    "claims/test_foods.py",
    "audit/referee/test_missing.py",
    "pipeline/test_referee.py",
    "pipeline/test_claims.py",
    "test_front_door.py",
    "claims/test_claims_of_invented_people.py",
    "claims/test_supplements.py",
    "report/page/test_content.py",
    "test_reference.py",
    "claims/test_adequacy.py",
    "simulation/test_questions.py",
    "audit/referee/test_recall_error.py",
    "stats/measurement/test_recovery.py",
    "claims/test_modifiers.py",
    "pipeline/test_foods.py",
)
"""Files that take longest, in the order in which workers are given them. The first makes `demo`, which takes a minute;
the next two do not read it, so that the other worker has something to do until it is there."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, then those of most tests: no worker is left alone with a long one at the end."""
    tests = Counter(item.path for item in items)
    ranks = {TESTS / name: rank for rank, name in enumerate(EARLY)}
    items.sort(key=lambda item: (ranks.get(item.path, len(EARLY)), -tests[item.path]))


def pytest_collection_finish() -> None:
    """What modules hold stays to the end; looking through it for what can be freed takes 0.15 s each time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A changed primary study makes other estimates: what holds for the committed ones is not asked of them."""
    if item.get_closest_marker("committed") and Study() != PRIMARY:
        pytest.skip(f"holds for the committed primary study only; PRIMARY was changed to {PRIMARY}")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What is made once for all workers."""
    return Shared(tmp_path_factory)


def run_demo(folder: Path, replicates: int) -> None:
    """Fill a folder by ``python -m analysis demo``; what it printed and answered is kept beside the data."""
    printed, answers = io.StringIO(), {}

    def keeping(name: str, answer: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        return lambda people: answers.setdefault(name, answer(people))

    with (
        patch.dict(CLAIMS, {name: keeping(name, answer) for name, answer in CLAIMS.items()}),
        patch.object(demo_command, "DEMO_REPLICATES", replicates),
        few_dots(),
        contextlib.redirect_stdout(printed),
    ):
        assert main(["demo", "--data", str(folder / "data"), "--seed", str(SEED)]) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    (folder / "answers.pickle").write_bytes(pickle.dumps(answers))


@pytest.fixture(scope="session")
def demo(shared: Shared) -> Iterator[Folders]:
    """Folders of the invented survey after every stage; every worker reads them, so nobody may change them."""
    data = shared.folder(run_demo, REPLICATES) / "data"
    before = states(data)
    yield Folders(data, data / "figures")
    assert states(data) == before, "a test has changed the invented survey that all tests read"


def states(folder: Path) -> dict[Path, tuple[int, int]]:
    """When each file was last written, and how long it is."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (state.st_mtime_ns, state.st_size) for path, state in found.items()}


@pytest.fixture(scope="session")
def answers(demo: Folders) -> dict[str, Any]:
    """What each of `CLAIMS` answered on the invented survey, by its name."""
    return pickle.loads((demo.data.parent / "answers.pickle").read_bytes())


@pytest.fixture(scope="session")
def participants(demo: Folders) -> pd.DataFrame:
    """Harmonised participants of the invented survey."""
    return read_participants(demo)[0]


def revise(folder: Path, demo: Folders) -> None:
    """Fill a folder with the invented survey, one table of which has other counts than its registry, and accept that.

    The participants are made; no other stage has been run.
    """
    folders = Folders(folder / "data", folder / "data" / "figures")
    shutil.copytree(demo.raw, folders.raw)
    (receipt,) = folders.raw.glob(f"[0-9]*/{REVISED}.json")
    receipt.unlink()
    codes = folders.raw / "registry" / "codes.csv"
    (line,) = [line for line in codes.read_text().splitlines() if line.startswith(f"{REVISED},LEALPN,3,")]
    codes.write_text(codes.read_text().replace(line, f"{REVISED},LEALPN,3,99999"))
    tables = list(needed_columns())
    fetch(folders.registry(), folders.raw, tables=tables, accept_revised=[REVISED], progress=False)
    build_participants(folders)


@pytest.fixture(scope="session")
def revised(shared: Shared, demo: Folders) -> Folders:
    """Folders of the invented survey with a revised table that was accepted, up to its participants; read only."""
    data = shared.folder(revise, demo) / "data"
    return Folders(data, data / "figures")


@pytest.fixture(scope="session")
def items(demo: Folders) -> pd.DataFrame:
    """Recalled foods of the invented survey."""
    return read_foods(demo)


@pytest.fixture(scope="session")
def audit_found(demo: Folders, shared: Shared) -> dict[str, dict[str, pd.DataFrame]]:
    """Frames of the small audit's tasks, by the task's name."""
    return audit_answers(demo, shared)


@pytest.fixture(scope="session")
def estimates(demo: Folders) -> tuple[dict[str, pd.DataFrame], Provenance]:
    """Estimates of the invented survey as the figures read them."""
    return read_estimates(demo)
