"""Stages ``fit`` and ``shapes``: the curve, and whether it is a U."""

import argparse

from tqdm import tqdm

from analysis.pipeline.fit import examine_shapes, fit_models
from analysis.pipeline.folders import folders_of
from analysis.report.words.numbers import MODEL_NAMES


def run_fit(args: argparse.Namespace) -> None:
    """Fit the crude model and models 1-3."""
    folders = folders_of(args.data, args.figures)
    results = fit_models(folders)
    tqdm.write(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")


def run_shapes(args: argparse.Namespace) -> None:
    """Ask whether the curves are U-shaped."""
    folders = folders_of(args.data, args.figures)
    results = examine_shapes(folders, replicates=args.replicates, jobs=args.jobs)
    for row in results["shape"].itertuples():
        tqdm.write(f"{MODEL_NAMES[row.model]}: {row.verdict}")
    tqdm.write(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")
