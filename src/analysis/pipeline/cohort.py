"""Harmonised participants made of the raw files."""

import json
from collections.abc import Iterable

import pandas as pd
from tqdm import tqdm

from analysis.data.people.cohort import select_cohort
from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.people.supplement_traps import misreadings, supplement_traps
from analysis.data.people.supplements import use_rows
from analysis.data.source.reading import read_table, receipts
from analysis.data.source.registry import Registry
from analysis.files import replacing
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import code_digest
from analysis.pipeline.results import refuse_mixing, write_csv, write_text
from analysis.provenance import Provenance
from analysis.study import PRIMARY


def build_participants(folders: Folders) -> pd.DataFrame:
    """Stage ``cohort``: read what the registry accepted, harmonise, write participants.parquet; returns the flow."""
    registry = folders.registry()
    needed = needed_columns()
    read = {
        name: read_table(registry, folders.raw, name, columns=columns)
        for name, columns in tqdm(needed.items(), desc="reading", unit="table", disable=None, leave=False)
    }
    uses = use_rows(read)
    people = harmonise(read, uses=uses)
    provenance = record_of(folders, registry, needed, code=code_digest())
    refuse_mixing(folders, Provenance(str(provenance["source"]), registry.synthetic))
    with replacing(folders.participants) as part:
        people.to_parquet(part)
    for name, found in (
        ("supplement_traps", supplement_traps(read, uses, people)),
        ("supplement_misreadings", misreadings(uses, people)),
    ):
        write_csv(found.assign(data=provenance["source"]), folders.estimates / f"{name}.csv")
    write_text(folders.processed / "provenance.json", json.dumps(provenance, indent=2) + "\n")
    return select_cohort(people, PRIMARY).flow


def record_of(folders: Folders, registry: Registry, tables: Iterable[str], *, code: str) -> dict[str, object]:
    """What a built file is made of, to be kept beside it as JSON.

    Parameters
    ----------
    folders : where raw files lie.
    registry : what is expected of them.
    tables : names of the tables that were read.
    code : digest of the code that read them.

    Returns
    -------
    source (with the tables accepted though revised), synthetic, revised, code, and SHA-256 of each file by table.
    """
    accepted = receipts(registry, folders.raw, list(tables))
    revised = [receipt.table for receipt in accepted if receipt.revised]
    source = f"{registry.source}; revised tables accepted: {', '.join(revised)}" if revised else registry.source
    return {
        "source": source,
        "synthetic": registry.synthetic,
        "revised": revised,
        "code": code,
        "files": {receipt.table: receipt.sha256 for receipt in accepted},
    }
