"""Recalled foods on disk, beside the participants and held to their totals."""

import hashlib
import json
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from analysis.data.foods import groups as groups_module
from analysis.data.foods import items as items_module
from analysis.data.foods.items import check_sums, food_columns, food_items
from analysis.data.source.reading import read_table
from analysis.files import replacing
from analysis.pipeline.cohort import record_of
from analysis.pipeline.folders import Folders, StageError, place_of
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import write_text


def build_foods(folders: Folders) -> pd.DataFrame:
    """Stage ``foods``: read the individual-foods files, hold them to the totals, write foods.parquet.

    Returns
    -------
    Frame of `analysis.data.foods.items.check_sums`.

    Raises
    ------
    StageError : the cohort stage has not been run.
    FoodError : a code or a sum is not what it should be; nothing is written.
    """
    people, _ = read_participants(folders)
    registry = folders.registry()
    needed = food_columns().items()
    read = {
        name: read_table(registry, folders.raw, name, columns=columns)
        for name, columns in tqdm(needed, desc="reading", unit="table", disable=None, leave=False)
    }
    items = food_items(read)
    sums = check_sums(items, people)
    provenance = record_of(folders, registry, food_columns(), code=_code_digest())
    with replacing(folders.foods) as part:
        items.to_parquet(part)
    write_text(_record(folders), json.dumps(provenance, indent=2) + "\n")
    return sums


def read_foods(folders: Folders) -> pd.DataFrame:
    """Recalled foods, a row each: see `analysis.data.foods.items.food_items`.

    Raises
    ------
    StageError : the foods stage has not been run, was run by other code, or on other files than the participants'.
    """
    try:
        known = json.loads(_record(folders).read_text())
        code, source = known["code"], known["source"]
        people = json.loads((folders.processed / "provenance.json").read_text())
        items = pd.read_parquet(folders.foods)
        same = source.partition(";")[0] == people["source"].partition(";")[0]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StageError(
            f"no readable foods in {place_of(folders.processed)} ({error.__class__.__name__}): run `make foods` (or "
            "`python -m analysis foods`), or `make demo` for an invented survey."
        ) from None
    if code != _code_digest() or not same:
        raise StageError(
            f"the foods in {folders.processed} were built by another version of the code, or of other files than the "
            "participants: run `make foods` (or `python -m analysis foods`), or `make demo` for the invented survey."
        )
    return items


def _record(folders: Folders) -> Path:
    return folders.processed / "foods.json"


def _code_digest() -> str:
    """Digest of what decides a row: the module that reads them. Groups are put to them later."""
    sources = [Path(str(module.__file__)).read_bytes() for module in (items_module, groups_module)]
    return hashlib.sha256(b"".join(sources)).hexdigest()
