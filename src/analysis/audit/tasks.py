"""What a task is, what it finds, and how one is performed: the same in a process and on a cluster."""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array
from analysis.stats.disclosure import Discreet

Found: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, pd.DataFrame | Array]
"""What a task's function may return: a frame, its rows, or several frames and arrays by name."""

Arriving: TypeAlias = Generator[tuple[int, bytes], None, None]
"""Numbers of tasks and the bytes of what they found, in the order in which they are done."""


class AuditError(AnalysisError):
    """A run of tasks that cannot go on; what is finished is kept."""

    exit_code = 7


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    name : of its result; tasks of one name differ in their arguments.
    function : of a module, so that other processes find it: called with the participants and the arguments.
    arguments, options : everything else that decides the result; picklable.
    module : whose code decides it; that of the function, unless an argument is code of another one.
    """

    name: str
    function: Callable[..., Found]
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    module: str = ""

    @property
    def code(self) -> str:
        """The module whose code decides the result."""
        return self.module or self.function.__module__

    @cached_property
    def file_name(self) -> str:
        """Name of the result's file: the same for the same work."""
        work = joblib.hash((self.function.__module__, self.function.__qualname__, self.arguments, self.options))
        return f"{re.sub(r'[^a-z0-9]+', '-', self.name.lower()).strip('-')}-{work[:16]}.npz"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Finished(Discreet):
    """What a task found.

    Attributes
    ----------
    name : of the task.
    frames, arrays : by name; a function that returned one frame, or rows, has it under ``rows``.
    reason : why there is nothing; empty where there is.
    """

    name: str
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    reason: str = ""


def perform(task: Task, people: pd.DataFrame) -> Finished:
    """One task in a worker. Its linear algebra has one thread: there is a worker for every core."""
    try:
        with threadpool_limits(1):
            found = task.function(people, *task.arguments, **dict(task.options))
    except AnalysisError as error:
        return Finished(task.name, reason=str(error))
    except Exception as error:  # nothing is swallowed: of a worker's traceback the name of the task would not be seen
        raise AuditError(f"task {task.name!r} stopped unexpectedly: {type(error).__name__}: {error}.") from error
    return finished_of(task.name, found)


def finished_of(name: str, found: Found) -> Finished:
    """What a task's function returned, under its names."""
    if isinstance(found, pd.DataFrame):
        return Finished(name, {"rows": found})
    if not isinstance(found, Mapping):
        return Finished(name, {"rows": pd.DataFrame(list(found))})
    frames = {key: value for key, value in found.items() if isinstance(value, pd.DataFrame)}
    return Finished(name, frames, {key: np.asarray(value) for key, value in found.items() if key not in frames})
