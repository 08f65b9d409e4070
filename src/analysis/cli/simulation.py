"""Stage ``simulate``: intervals, tests and verdict on surveys whose truth is known."""

import argparse

from tqdm import tqdm

from analysis.pipeline.simulate import simulate


def run_simulate(args: argparse.Namespace) -> None:
    """Try intervals, tests and verdict on surveys whose truth is known."""
    options = {"jobs": args.jobs, "scheduler": args.scheduler, "fresh": args.fresh}
    for name in simulate(args.out, surveys=args.surveys, seed=args.seed, **options):
        tqdm.write(str(args.out / f"{name}.csv"))
