"""Stage ``demo``: a survey with a known truth, and every stage on it."""

import argparse
import os
import sys

from tqdm import tqdm

from analysis.cli.claims import answer
from analysis.data.foods.items import food_columns
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.data.synthetic.survey import write_survey
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.draw import draw_figures
from analysis.pipeline.fit import examine_shapes, fit_models
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.foods import build_foods
from analysis.pipeline.results import read_estimates
from analysis.report.words.study import answer_sentence, planted

DEMO_REPLICATES = 200
"""Enough to see a bootstrap at work; the real files get five times as many."""


def run_demo(args: argparse.Namespace) -> None:
    """Invent a survey with a known truth and run every stage on it."""
    folders = Folders(args.data, args.data / "figures")
    if folders.raw.is_dir() and not folders.is_synthetic:
        raise StageError(f"{folders.raw} is not an invented survey's: expected a folder of its own, such as data/demo.")
    # A run that is interrupted while it invents must know the folder as its own when it is run again.
    (folders.raw / "registry").mkdir(parents=True, exist_ok=True)
    tqdm.write("Inventing a survey (SYNTHETIC: no record of a real person is in it) ...")
    registry = write_survey(folders.raw, seed=args.seed, progress=sys.stderr.isatty())
    fetch(registry, folders.raw, tables=[*needed_columns(), *food_columns()])
    tqdm.write("Reading its files ...")
    build_participants(folders)
    build_foods(folders)
    tqdm.write("Fitting the models ...")
    fit_models(folders)
    tqdm.write("Asking whether the curves are U-shaped ...")
    examine_shapes(folders, replicates=DEMO_REPLICATES, jobs=os.cpu_count() or 1)
    tqdm.write("Answering the claims ...")
    answer(folders)
    tqdm.write("Drawing the figures ...")
    written = draw_figures(folders)
    estimates, provenance = read_estimates(folders)
    tqdm.write(f"\n{provenance.source}: {answer_sentence(estimates)}\n")
    tqdm.write(f"The planted truth: {planted(estimates)}\n")
    tqdm.write("Figures, each with the CSV of its numbers beside it:")
    for path in written:
        tqdm.write(f"  {path}")
    tqdm.write(f"Tables: {folders.estimates}")
    tqdm.write("This was made from invented data. `make figures` does the same with the real NHANES files.")
