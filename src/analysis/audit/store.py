"""Where the results of tasks lie: one file each, in a folder named after everything that decides them.

A result's name is made of its task and the task's arguments; its folder's of participants, code and the versions of the
numerical libraries. So what is found there is what would be found again.
"""

import ast
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.audit.tasks import AuditError, Finished, Task
from analysis.files import replacing, try_writing
from analysis.stats.arrays import Array

PACKAGE = Path(__file__).parents[1]
WITHOUT_NUMBERS = ("errors", "files", "stats.parallel")
"""Modules that tasks import and whose code makes no number: what an error is, how a file is written, who computes."""

PROJECT = __name__.partition(".")[0]

LIBRARIES = ("numpy", "scipy", "statsmodels", "pandas")
_version = cache(metadata.version)  # each is read from a file


def paths_of(tasks: Sequence[Task], frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Where the result of each task lies.

    Raises
    ------
    AuditError : two tasks are alike.
    """
    people = people_digest(frame)
    stores = {module: folder / run_digest(people, module) for module in {task.code for task in tasks}}
    paths = [stores[task.code] / task.file_name for task in tasks]
    names = [path.name for path in paths]
    double = sorted({task.name for task, name in zip(tasks, names, strict=True) if names.count(name) > 1})
    if double:
        raise AuditError(f"tasks {', '.join(double)} are there twice with the same arguments: expected each once.")
    return paths


def people_digest(frame: pd.DataFrame) -> str:
    """Digest of the participants: names and types of the columns, and every row."""
    digest = hashlib.sha256(json.dumps([list(frame.columns), [str(kind) for kind in frame.dtypes]]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    return digest.hexdigest()


def run_digest(people: str, module: str) -> str:
    """Digest of what decides a task's result beside its arguments: participants, code and numerical libraries.

    Parameters
    ----------
    people : of `people_digest`.
    module : in which the task's function stands; the code is that of `modules_behind` it.
    """
    digest = hashlib.sha256(people.encode())
    for name in modules_behind(module):
        digest.update(name.encode() + b"".join(path.read_bytes() for path in (_file_of(name), *_data_of(name))))
    digest.update(" ".join(f"{name} {_version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()[:16]


def modules_behind(module: str) -> list[str]:
    """Modules of the project whose code can change what a task of a module finds: all that it imports, and this one.

    Imports are read from the code, and followed. A module beyond the project has none that could be read; those of
    `WITHOUT_NUMBERS` are left out.
    """
    found: set[str] = set()
    waiting = {__name__, module}
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] != PROJECT or name.removeprefix(f"{PROJECT}.") in WITHOUT_NUMBERS:
            continue
        found.add(name)
        waiting |= _imported(_file_of(name).read_bytes()) - found
    return sorted(found)


def _imported(source: bytes) -> set[str]:
    """Names of the modules that a module's ``from`` lines import, or import something from."""
    names = set()
    for module, inner in _from_lines(source):
        modules = {name for name in inner if _file_of(name).exists()}
        names |= modules if modules == inner else modules | {module}
    return names


@cache
def _from_lines(source: bytes) -> list[tuple[str, set[str]]]:
    """Module and names of each ``from`` line of the project; by the code itself, which is parsed once in a process."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [
        (str(node.module), {f"{node.module}.{alias.name}" for alias in node.names})
        for node in nodes
        if str(node.module).partition(".")[0] == PROJECT
    ]


def _file_of(module: str) -> Path:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    package = place / "__init__.py"
    return package if package.exists() else place.with_suffix(".py")


def _data_of(module: str) -> list[Path]:
    """Files that a module reads: they lie in a folder of its name."""
    place = PACKAGE.joinpath(*module.split(".")[1:])
    return [] if (place / "__init__.py").exists() else sorted(path for path in place.glob("*") if path.is_file())


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Find out before the work, and not by its first result, that results cannot be kept."""
    for folder in folders:
        try:
            try_writing(folder)
        except OSError as error:
            raise AuditError(f"results of tasks cannot be written in {folder}: {error}.") from error


def keep(finished: Finished, path: Path) -> Finished:
    """Write one task's file, and read it as a run that goes on from here would find it.

    A frame is kept as the bytes of a parquet file, which keeps every digit and type.
    """
    entries: dict[str, Any] = {f"array:{name}": values for name, values in finished.arrays.items()}
    for name, frame in finished.frames.items():
        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        entries[f"frame:{name}"] = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    entries |= {"name": np.array(finished.name), "reason": np.array(finished.reason)}
    try:
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, **entries)
    except OSError as error:
        raise AuditError(f"the result of task {finished.name!r} cannot be written: {error}.") from error
    read = read_finished(path)
    if read is None:
        raise AuditError(f"{path} was there and cannot be read any more: expected nobody else to change it. Run again.")
    return read


def read_finished(path: Path) -> Finished | None:
    """What a task found, None if it is not finished or its file was damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            entries = dict(stored)
        frames = {name: pd.read_parquet(io.BytesIO(image.tobytes())) for name, image in _named(entries, "frame:")}
        return Finished(str(entries["name"]), frames, dict(_named(entries, "array:")), str(entries["reason"]))
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile):
        return None


def _named(entries: Mapping[str, Array], kind: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(kind), values) for name, values in entries.items() if name.startswith(kind))
