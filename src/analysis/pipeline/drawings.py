"""A drawing as files: picture, vectors, caption and numbers."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import joblib

from analysis.pipeline.results import write_csv
from analysis.report.catalogue import Drawing
from analysis.report.figures.layout import save_figure
from analysis.report.figures.width import Width
from analysis.stats.parallel import in_parallel


def write_drawings(drawings: Mapping[str, Drawing], folder: Path, *, width: Width = "two", jobs: int = 1) -> list[Path]:
    """Several drawings as files, by name, side by side: paths as those of `write_drawing`.

    Parameters
    ----------
    jobs : processes; no file depends on them.
    """
    tasks = (joblib.delayed(write_drawing)(drawing, folder, name, width=width) for name, drawing in drawings.items())
    parts = in_parallel(
        tasks, jobs=max(1, min(jobs, len(drawings))), total=len(drawings), unit="figure", progress="drawing",
        size=lambda _: 1, prefer="processes",
    )  # fmt: skip
    return [path for part in parts for path in part]


def write_drawing(drawing: Drawing, folder: Path, name: str, *, width: Width = "two") -> list[Path]:
    """Save under a temporary name, then move: an interrupted run leaves the old figure whole.

    A figure for one column has ``_85mm`` in its name, so that it does not take the other's place.

    Returns
    -------
    Paths of picture, vectors and caption.
    """
    figure = drawing.draw() if width == "two" else drawing.draw(width=width)
    stem = name if width == "two" else f"{name}_85mm"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        written = [path.replace(folder / path.name) for path in save_figure(figure, Path(part) / stem)]
    for suffix, frame in drawing.numbers.items():
        write_csv(frame, folder / f"{name}{suffix}.csv")
    return written
