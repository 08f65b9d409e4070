"""Stage ``published``: publications on the same people, their printed numbers beside ours."""

from pathlib import Path

import pandas as pd

from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import refuse_mixing, write_drawing, write_estimates
from analysis.report.catalogue import published_drawing
from analysis.validation.studies.agreement import compare_studies

TABLE = "published_studies"
FIGURE = "published"


def compare_with_studies(folders: Folders) -> tuple[pd.DataFrame, list[Path]]:
    """Stage ``published``: every replication recomputed, written as published_studies.csv, and drawn.

    Returns
    -------
    Frame of `analysis.validation.studies.agreement.compare_studies`, and the paths of the figure.

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
    found = compare_studies(people)
    write_estimates(folders, {TABLE: found}, provenance)
    return found, write_drawing(published_drawing(found, provenance), folders.figures, FIGURE)
