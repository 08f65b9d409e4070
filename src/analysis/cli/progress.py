"""A sign of life on a terminal while a stage works or its libraries load; the stages' own bars stand beneath it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

SECONDS_BETWEEN_SIGNS = 1.0


@contextmanager
def signs_of_life(stage: str) -> Iterator[None]:
    """Show how long a stage has been at work, from its first second on; nothing where there is no terminal.

    What is printed meanwhile goes through ``tqdm.write``, which puts it above the line.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    with tqdm(desc=stage, bar_format="{desc}: {elapsed}", leave=False, delay=SECONDS_BETWEEN_SIGNS) as line:
        ticking = threading.Thread(target=_tick, args=(line, done), daemon=True)
        ticking.start()
        try:
            yield
        finally:
            done.set()
            ticking.join()
            line.clear()  # closing wipes only what an update has shown


def _tick(line: "tqdm[None]", done: threading.Event) -> None:
    while not done.wait(SECONDS_BETWEEN_SIGNS):
        line.refresh()
