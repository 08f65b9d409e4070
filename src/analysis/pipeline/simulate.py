"""Stage ``simulate``: intervals, tests and verdict on surveys of known truth."""

from pathlib import Path

from analysis.data.source.registry import SYNTHETIC
from analysis.files import try_writing
from analysis.pipeline.results import write_csv
from analysis.simulation import bands, coverage, energy, questions, recall_error, shapes
from analysis.simulation.surveys import run_experiments
from analysis.stats.arrays import Frames

EXPERIMENTS = tuple(module.EXPERIMENT for module in (coverage, shapes, energy, questions, bands, recall_error))
FINISHED = "tasks"
"""Folder, beside the tables, of the finished tasks of a simulation."""


def simulate(
    folder: Path, *, surveys: int, seed: int, jobs: int, scheduler: str | None = None, fresh: bool = False
) -> Frames:
    """Stage ``simulate``: how often intervals, tests and verdict are right on invented surveys; written as CSV.

    Parameters
    ----------
    folder : for the tables; finished tasks are kept in it, so that an interrupted run goes on where it was.
    surveys, seed : as `analysis.simulation.surveys.run_experiments`.
    jobs, scheduler, fresh : as `analysis.audit.runner.run_tasks`.
    """
    try_writing(folder)
    results = run_experiments(
        EXPERIMENTS, surveys=surveys, seed=seed, jobs=jobs, scheduler=scheduler, fresh=fresh, folder=folder / FINISHED
    )
    for name, result in results.items():
        write_csv(result.assign(data=f"{SYNTHETIC} surveys, seed {seed}"), folder / f"{name}.csv")
    return results
