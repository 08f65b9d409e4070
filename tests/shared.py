"""What many tests read and none changes: made once a run, on disk, by whichever worker of xdist asks for it first."""

import fcntl
import hashlib
import inspect
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import analysis
from analysis.report.figures import layout

FEW_DOTS = 60.0
"""Dots an inch of a picture whose dots nobody looks at."""


@cache
def code_digest() -> str:
    """Digest of the package, of which everything here is made."""
    folder = Path(analysis.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else is in here with the same path; the system takes the lock from a process that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def unmeasured() -> Iterator[None]:
    """No line that runs in here counts as covered, and none costs the time of counting.

    For what is done again and again, and whose every line other tests run: as the mark ``no_cover``, of a part of a
    test. Counting makes pandas and matplotlib half as slow again, although none of their lines is counted. Functions of
    the package that are under way are measured to their end.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        _called()


def _called() -> None:
    """The first call after a pause, at which coverage takes up its tracer written in C again."""


def apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, unmeasured."""

    @wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        with unmeasured():
            return function(*arguments, **named)

    return called


@contextmanager
def few_dots() -> Iterator[None]:
    """Figures are saved with few dots an inch: all that is drawn on them is, and packing dots takes longest.

    For figures whose dots nobody looks at; those of full size are in the tests of the figures themselves.
    """
    full = layout.light_png
    with patch.object(layout, "light_png", lambda figure, *, dots: full(figure, dots=min(dots, FEW_DOTS))):
        yield


class Shared:
    """Folders and answers of one run of the tests.

    Parameters
    ----------
    factory : pytest's; its folder is of the run, or, under xdist, of one worker in the folder of the run.
    """

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        own = factory.getbasetemp()
        self.root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
        self.root.mkdir(exist_ok=True)

    def folder(self, make: Callable[..., object], *arguments: object) -> Path:
        """The folder that ``make(folder, *arguments)`` has filled; one that failed is made anew by the next to ask."""
        path = self.root / f"{make.__name__}-{self._key(make, arguments)}"
        made = path.with_suffix(".made")
        with locked(path.with_suffix(".lock")):
            if not made.exists():
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir()
                make(path, *arguments)
                made.touch()
        return path

    def answer(self, ask: Callable[..., Any], *arguments: object) -> Any:
        """What ``ask(*arguments)`` returns, as a copy of the caller's own."""
        path = self.root / f"{ask.__name__}-{self._key(ask, arguments)}.pickle"
        with locked(path.with_suffix(".lock")):
            if not path.exists():
                draft = path.with_suffix(".draft")
                draft.write_bytes(pickle.dumps(ask(*arguments)))
                draft.rename(path)
        return pickle.loads(path.read_bytes())

    def _key(self, function: Callable[..., object], arguments: tuple[object, ...]) -> str:
        """Digest of the package, the module of the function, its name and what it is given."""
        module = inspect.getsource(sys.modules[function.__module__])
        told = [code_digest(), module, function.__qualname__, repr(arguments)]
        return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
