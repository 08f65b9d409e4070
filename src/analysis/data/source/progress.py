"""How far the downloads are: a bar on a terminal, a line now and then where there is none."""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

TELL_EVERY = 30.0  # seconds between lines; a log stays short, and a job that waits shows that it lives


@contextmanager
def download_bar(total: int, *, shown: bool) -> Iterator["tqdm[Any]"]:
    """Yield the bar, in bytes, that all downloads of a run advance.

    Parameters
    ----------
    total : rough size of all files in bytes; the bar's total may be corrected as answers arrive.
    shown : False says nothing.
    """
    if not shown or sys.stderr.isatty():
        with _bar(total, disable=not shown) as bar:
            yield bar
        return
    done = threading.Event()
    # tqdm writes the words of each line, but its own pace follows the bytes: a stall would be a silence.
    with _bar(total, file=io.StringIO(), ncols=100, smoothing=0, mininterval=float("inf")) as bar:
        clock = threading.Thread(target=_tell, args=(bar, done), daemon=True)
        clock.start()
        try:
            yield bar
        finally:
            done.set()
            clock.join()


def _bar(total: int, **options: Any) -> "tqdm[Any]":
    return tqdm(desc="NHANES files", total=total, unit="B", unit_scale=True, **options)


def _tell(bar: "tqdm[Any]", done: threading.Event) -> None:
    while not done.wait(TELL_EVERY):
        sys.stderr.write(f"{bar}\n")
        sys.stderr.flush()
