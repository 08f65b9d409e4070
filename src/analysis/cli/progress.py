"""A sign of life while a stage works or its libraries load; on a terminal the stages' own bars stand beneath it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

SECONDS_BETWEEN_SIGNS = 1.0
SECONDS_BETWEEN_LINES = 60.0


@contextmanager
def signs_of_life(stage: str) -> Iterator[None]:
    """Show how long a stage has been at work, from its first second on; where there is no terminal, by a line a minute.

    What is printed meanwhile goes through ``tqdm.write``, which puts it above the line.
    """
    if not sys.stderr.isatty():
        with _meanwhile(_tell, stage):
            yield
        return
    with tqdm(desc=stage, bar_format="{desc}: {elapsed}", leave=False, delay=SECONDS_BETWEEN_SIGNS) as line:
        try:
            with _meanwhile(_tick, line):
                yield
        finally:
            line.clear()  # closing wipes only what an update has shown


@contextmanager
def _meanwhile(tell: Callable[..., None], about: object) -> Iterator[None]:
    """Have a thread tell about something until the block is left."""
    done = threading.Event()
    ticking = threading.Thread(target=tell, args=(about, done), daemon=True)
    ticking.start()
    try:
        yield
    finally:
        done.set()
        ticking.join()


def _tell(stage: str, done: threading.Event) -> None:
    begun = time.monotonic()
    while not done.wait(SECONDS_BETWEEN_LINES):
        sys.stderr.write(f"{stage}: at work for {(time.monotonic() - begun) / 60:.0f} min\n")
        sys.stderr.flush()


def _tick(line: "tqdm[None]", done: threading.Event) -> None:
    while not done.wait(SECONDS_BETWEEN_SIGNS):
        line.refresh()
