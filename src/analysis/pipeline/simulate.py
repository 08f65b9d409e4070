"""Stage ``simulate``: intervals, tests and verdict on surveys of known truth."""

import tempfile
from pathlib import Path

from analysis.pipeline.folders import SYNTHETIC
from analysis.pipeline.results import write_csv
from analysis.simulation.bands import simulate_bands
from analysis.simulation.coverage import simulate_coverage
from analysis.simulation.energy import simulate_energy_forms
from analysis.simulation.questions import simulate_questions
from analysis.simulation.recall_error import OF_SURVEYS, simulate_recall_error
from analysis.simulation.shapes import simulate_shapes
from analysis.stats.arrays import Frames


def simulate(folder: Path, *, surveys: int, seed: int, jobs: int) -> Frames:
    """Stage ``simulate``: how often intervals, tests and verdict are right on invented surveys; written as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder):  # a folder that cannot be written is found out now, not at the end
        pass
    rates, nadirs = simulate_shapes(surveys=surveys, seed=seed, jobs=jobs)
    coverage = simulate_coverage(surveys=surveys, seed=seed, jobs=jobs)
    energy = simulate_energy_forms(surveys=surveys, seed=seed, jobs=jobs)
    questions = simulate_questions(surveys=surveys, seed=seed, jobs=jobs)
    bands = simulate_bands(surveys=surveys, seed=seed, jobs=jobs)
    recall = simulate_recall_error(surveys=-(-surveys // OF_SURVEYS), seed=seed, jobs=jobs)
    results = {
        "coverage": coverage, "shapes": rates, "nadirs": nadirs, "energy_forms": energy, "questions": questions,
        "bands": bands, "recall_error": recall,
    }  # fmt: skip
    for name, result in results.items():
        write_csv(result.assign(data=f"{SYNTHETIC} surveys, seed {seed}"), folder / f"{name}.csv")
    return results
