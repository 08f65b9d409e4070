"""Harmonised participants on disk, refused when the code that made them has changed."""

import hashlib
import json
from pathlib import Path

import pandas as pd

from analysis.data.people import coding, drugs, laboratory, products, supplements, vocabulary
from analysis.data.people import harmonise as harmonise_module
from analysis.data.people.cohort import with_interviewed
from analysis.pipeline.folders import Folders, StageError, folders_at, place_of
from analysis.provenance import Provenance


def read_participants(folders: Folders | Path | str) -> tuple[pd.DataFrame, Provenance]:
    """Harmonised participants and what they are made of; a part of them is refused by whatever needs the whole sample.

    Parameters
    ----------
    folders : where they are; the name of a data folder, such as ``data/demo``, will do.

    Raises
    ------
    StageError : the cohort stage has not been run.
    """
    folders = folders_at(folders)
    reading = folders.processed / "provenance.json"
    try:
        known = json.loads(reading.read_text())
        provenance, code = Provenance(str(known["source"]), known["synthetic"] is True), known["code"]
        reading = folders.participants
        people = pd.read_parquet(reading)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise StageError(
            f"no readable participants in {place_of(folders.processed)} ({reading.name}: {error.__class__.__name__}): "
            "run `make figures` or `python -m analysis cohort` first, or `make demo` for an invented survey."
        ) from None
    if code != code_digest():
        raise StageError(
            f"the participants in {folders.processed} were built by another version of the harmonising code: run "
            "`make cohort` (or `python -m analysis cohort`), or `make demo` for the invented survey."
        )
    people.attrs |= provenance.to_attrs()
    return with_interviewed(people), provenance


def code_digest() -> str:
    """Digest of the modules that decide what a harmonised column holds."""
    modules = (harmonise_module, coding, drugs, laboratory, products, supplements, vocabulary)
    sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    return hashlib.sha256(b"".join(sources)).hexdigest()
