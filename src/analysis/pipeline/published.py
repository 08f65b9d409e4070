"""Stage ``published``: publications on the same people, their printed numbers beside ours."""

from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import refuse_mixing, write_estimates
from analysis.stats.arrays import Frames
from analysis.validation.studies.agreement import compare_studies
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
