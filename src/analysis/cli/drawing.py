"""Stage ``figures``: what was found as pictures."""

import argparse

from tqdm import tqdm

from analysis.pipeline.draw import draw_figures
from analysis.pipeline.folders import folders_of


def run_figures(args: argparse.Namespace) -> None:
    """Draw the figures from the estimates."""
    for path in draw_figures(folders_of(args.data, args.figures), width=args.width, jobs=args.jobs):
        tqdm.write(str(path))
