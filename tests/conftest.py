"""One invented survey of full size, run through every stage once a session."""

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: small fits are faster without threads

import hypothesis
import pandas as pd
import pytest

from analysis.data.foods.items import food_columns
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.data.synthetic.survey import write_survey
from analysis.pipeline.draw import draw_figures
from analysis.pipeline.fit import examine_shapes, fit_models
from analysis.pipeline.folders import Folders
from analysis.pipeline.foods import build_foods, read_foods
from analysis.pipeline.participants import build_participants, read_participants
from analysis.pipeline.results import read_estimates
from analysis.provenance import Provenance
from analysis.study import PRIMARY, Study

hypothesis.settings.register_profile("fast", max_examples=20, derandomize=True, deadline=None)
hypothesis.settings.register_profile("nightly", max_examples=500, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

SEED = 1
"""Seed of the survey that tests/reference/synthetic holds R's numbers for."""

REPLICATES = 40
"""Bootstrap samples of the shapes stage: enough to go through it, few enough to stay quick."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A changed primary study makes other estimates: what holds for the committed ones is not asked of them."""
    if item.get_closest_marker("committed") and Study() != PRIMARY:
        pytest.skip(f"holds for the committed primary study only; PRIMARY was changed to {PRIMARY}")


@pytest.fixture(scope="session")
def raw_survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder with the raw files of an invented survey, accepted by the same checks as the CDC's."""
    data = tmp_path_factory.mktemp("survey")
    registry = write_survey(data / "raw", seed=SEED)
    fetch(registry, data / "raw", tables=[*needed_columns(), *food_columns()], progress=False)
    return data


@pytest.fixture(scope="session")
def demo(raw_survey: Path) -> Folders:
    """Folders of the invented survey after every stage."""
    folders = Folders(raw_survey, raw_survey / "figures")
    build_participants(folders)
    build_foods(folders)
    fit_models(folders)
    examine_shapes(folders, replicates=REPLICATES)
    draw_figures(folders)
    return folders


@pytest.fixture(scope="session")
def participants(demo: Folders) -> pd.DataFrame:
    """Harmonised participants of the invented survey."""
    return read_participants(demo)[0]


@pytest.fixture(scope="session")
def items(demo: Folders) -> pd.DataFrame:
    """Recalled foods of the invented survey."""
    return read_foods(demo)


@pytest.fixture(scope="session")
def estimates(demo: Folders) -> tuple[dict[str, pd.DataFrame], Provenance]:
    """Estimates of the invented survey as the figures read them."""
    return read_estimates(demo)
