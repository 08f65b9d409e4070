"""Stage ``foods``: builds from accepted files only, refuses what does not fit, and leaves nothing half-written."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.foods.groups import FoodError
from analysis.data.foods.items import food_columns
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.data.synthetic.survey import write_survey
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.foods import build_foods, read_foods
from tests.audits import copied

TABLES = [*needed_columns(), *food_columns()]


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("small")
    registry = write_survey(data / "raw", seed=3, scale=0.05)
    fetch(registry, data / "raw", tables=TABLES, progress=False)
    return data


@pytest.fixture(scope="module")
def with_people(raw) -> Folders:
    """The small survey with its participants, which every test has a copy of."""
    folders = Folders(raw, raw / "figures")
    build_participants(folders)
    return folders


@pytest.fixture(scope="module")
def with_foods(with_people, tmp_path_factory) -> Folders:
    """The same with its foods."""
    folders = copied(with_people, tmp_path_factory.mktemp("foods"))
    build_foods(folders)
    return folders


@pytest.fixture
def folders(with_people, tmp_path) -> Folders:
    """The small survey's raw files with a processed folder of its own, participants built."""
    return copied(with_people, tmp_path)


@pytest.fixture
def built(with_foods, tmp_path) -> Folders:
    """The same with its foods built."""
    return copied(with_foods, tmp_path)


def test_foods_are_read_back_as_they_were_built(folders):
    sums = build_foods(folders)
    items = read_foods(folders)
    assert sums["items"].sum() == len(items) > 0
    assert items.index.name == "SEQN"
    assert items.dtypes.astype(str).to_dict() == {
        "cycle": "int16", "line": "int16", "food_code": "int32", "grams": "float64", "magnesium_mg": "float64",
    }  # fmt: skip
    record = json.loads((folders.processed / "foods.json").read_text())
    assert record["synthetic"] is True
    assert set(record["files"]) == set(food_columns())


def test_a_second_build_writes_the_same_bytes(built, with_foods):
    build_foods(built)
    assert built.foods.read_bytes() == with_foods.foods.read_bytes()


def test_foods_need_participants(raw, tmp_path):
    (tmp_path / "raw").symlink_to(raw / "raw")
    with pytest.raises(StageError, match="no readable participants"):
        build_foods(Folders(tmp_path, tmp_path))
    assert not (tmp_path / "processed").exists()


def test_foods_that_were_not_built_are_asked_for(folders):
    with pytest.raises(StageError, match=r"no readable foods .* run `make foods`"):
        read_foods(folders)


@pytest.mark.parametrize(("field", "value"), [("code", "of another day"), ("source", "NHANES 1999-2004")])
def test_foods_of_other_code_or_files_are_refused(built, field, value):
    path = built.processed / "foods.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(StageError, match="another version of the code, or of other files"):
        read_foods(built)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"code": 1}'])
def test_a_spoilt_record_is_refused(built, text):
    (built.processed / "foods.json").write_text(text)
    with pytest.raises(StageError, match="no readable foods"):
        read_foods(built)


def test_totals_that_items_miss_are_refused_and_nothing_is_written(folders):
    people = pd.read_parquet(folders.participants)
    people["magnesium_mg"] += 1.0
    people.to_parquet(folders.participants)
    with pytest.raises(FoodError, match="do not add up to the magnesium"):
        build_foods(folders)
    assert not folders.foods.exists()
    assert not (folders.processed / "foods.json").exists()
