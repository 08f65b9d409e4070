"""Work in chunks, spread over joblib's workers, with a bar if it lasts."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import joblib
from tqdm import tqdm

LONGEST_SILENCE = 1.0
"""Seconds of work from which a progress bar shows."""


def in_parallel(
    tasks: Iterable[Any],
    *,
    jobs: int,
    total: int,
    unit: str,
    progress: str,
    size: Callable[[Any], int] = len,
    prefer: Literal["threads", "processes"] = "threads",
) -> Iterator[Any]:
    """Results of tasks in their order, each as it is needed.

    Parameters
    ----------
    tasks : of ``joblib.delayed``; a generator keeps only a few in memory.
    jobs : workers of joblib, of the preferred kind unless a ``joblib.parallel_config`` says otherwise.
    total, unit : how much work there is, and what one piece of it is called.
    progress : what the bar says when the work takes over a second; none if empty.
    size : pieces of work in a result.
    prefer : threads where the heavy steps release Python's lock, processes where they do not.
    """
    with progress_bar(total, unit=unit, progress=progress) as bar:
        for part in joblib.Parallel(n_jobs=jobs, prefer=prefer, return_as="generator")(tasks):
            bar.update(size(part))
            yield part


def progress_bar(total: int, *, unit: str, progress: str) -> "tqdm[Any]":
    """A bar that shows on a terminal when the work takes over a second; parameters as `in_parallel`."""
    return tqdm(total=total, desc=progress, unit=unit, delay=LONGEST_SILENCE, leave=False,
                disable=None if progress else True)  # fmt: skip
