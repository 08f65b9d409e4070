"""Stage ``published``: publications on the same people, their printed numbers beside ours."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import TEXT_OF_PUBLISHED, refuse_mixing, write_csv, write_estimates
from analysis.provenance import Provenance
from analysis.stats.arrays import Frames
from analysis.validation.studies.agreement import compare_studies
from analysis.validation.studies.replication import ReplicationError, parse_replications
from analysis.validation.studies.stands import do_they_stand

TABLE = "published"
STANDS = "published_stands"


def compare_with_studies(folders: Folders) -> Frames:
    """Stage ``published``: every replication recomputed, and their dose-response claims asked again.

    Returns
    -------
    ``published`` of `analysis.validation.studies.agreement.compare_studies` and ``published_stands`` of
    `analysis.validation.studies.stands.do_they_stand`, written as CSV.

    Raises
    ------
    StageError : the cohort stage has not been run, or on an invented survey: the numbers were printed of real people.
    """
    people, provenance = read_participants(folders)
    if provenance.synthetic:
        raise StageError(
            f"{folders.raw} holds an invented survey: expected the real files, of whose people the numbers were "
            "printed. Name their folder with --data."
        )
    refuse_mixing(folders, provenance)
    found = {TABLE: compare_studies(people)}
    write_estimates(folders, found, provenance)  # before the claims are asked again: what they lack is no loss here
    found[STANDS] = do_they_stand(people)
    write_estimates(folders, {STANDS: found[STANDS]}, provenance)
    return found


def compare_with_files(
    folders: Folders, files: Sequence[Path], *, output: Path | None = None
) -> tuple[pd.DataFrame, Provenance, Path]:
    """Replications of one's own recomputed on the participants, printed numbers beside ours, written as CSV.

    An invented survey is taken too, so that a file can be tried before the real ones are there: the column ``data``
    says so, and no agreement with it means anything.

    Parameters
    ----------
    files : TOML, each as those of `analysis.validation.studies`; see `parse_replications`.
    output : the CSV file; None for one beside the first file, named after it.

    Returns
    -------
    A row a replication as of `compare_studies`, with the column ``data``; what it is made of; its path.

    Raises
    ------
    StageError : the cohort stage has not been run, or the output would take the place of something else.
    ReplicationError, ConditionError : a file that cannot be read, or asks for what does not exist; nothing is written.
    """
    target = output or files[0].with_name(f"{files[0].stem}_published.csv")
    if target.suffix != ".csv" or target.resolve().is_relative_to(folders.estimates.resolve()):
        raise StageError(f"-o {target}: expected a name that ends in .csv, outside {folders.estimates}.")
    rows = tuple(row for path in files for row in parse_replications(_read(path), name=str(path)))
    people, provenance = read_participants(folders)
    found = compare_studies(people, rows).assign(data=provenance.source)
    found = found.replace({name: {"": None} for name in TEXT_OF_PUBLISHED})
    write_csv(found, target)
    return found, provenance, target


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReplicationError(
            f"{path}: {error.__class__.__name__}: expected a readable TOML file of published numbers; "
            "docs/replications.md says what is in one."
        ) from None
