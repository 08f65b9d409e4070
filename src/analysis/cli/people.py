"""Stages ``fetch``, ``cohort`` and ``foods``: from the CDC's files to people and what they ate."""

import argparse
import os

from tqdm import tqdm

from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.folders import folders_of
from analysis.pipeline.foods import build_foods


def run_fetch(args: argparse.Namespace) -> None:
    """Download, verify and record what is missing."""
    folders = folders_of(args.data, args.figures)
    names = list(needed_columns()) if args.needed else None
    fetch(
        folders.registry(),
        folders.raw,
        url=args.url or os.environ.get("NHANES_URL") or None,
        tables=args.tables or names,
        accept_revised=args.accept_revised,
        jobs=args.jobs,
    )


def run_cohort(args: argparse.Namespace) -> None:
    """Harmonise the raw files and count the cohort."""
    folders = folders_of(args.data, args.figures)
    flow = build_participants(folders)
    tqdm.write(f"{folders.participants}: {flow['n'].iloc[0]:,} people, {flow['n'].iloc[-1]:,} in the primary cohort")


def run_foods(args: argparse.Namespace) -> None:
    """Read the single foods of the recalls and hold them to the totals."""
    folders = folders_of(args.data, args.figures)
    sums = build_foods(folders)
    tqdm.write(f"{folders.foods}: {sums['items'].sum():,} foods and drinks of {sums['people'].sum():,} reliable "
               "recalls, which add up to the totals")  # fmt: skip
