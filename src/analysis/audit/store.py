"""Where the results of tasks lie: one file each, in a folder named after everything that decides them.

A result's name is made of its task and the task's arguments; its folder's of participants, code and the versions of the
numerical libraries. So what is found there is what would be found again.
"""

import ast
import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.audit.tasks import AuditError, Finished, Task, perform
from analysis.files import replacing, try_writing
from analysis.stats.arrays import Array

PACKAGE = Path(__file__).parents[1]
WITHOUT_NUMBERS = ("errors", "files", "stats.parallel")
"""Modules that tasks import and whose code makes no number: what an error is, how a file is written, who computes."""

PROJECT = __name__.partition(".")[0]

CODE = "the project's code"
LIBRARIES = ("numpy", "scipy", "statsmodels", "pandas")
_version = cache(metadata.version)  # each is read from a file


def paths_of(tasks: Sequence[Task], people: pd.DataFrame, folder: Path) -> list[Path]:
    """Where the result of each task lies.

    Raises
    ------
    AuditError : two tasks are alike.
    """
    digest = people_digest(people)
    stores = {module: folder / run_digest(digest, module) for module in {task.code for task in tasks}}
    paths = [stores[task.code] / task.file_name for task in tasks]
    names = [path.name for path in paths]
    double = sorted({task.name for task, name in zip(tasks, names, strict=True) if names.count(name) > 1})
    if double:
        raise AuditError(f"tasks {', '.join(double)} are there twice with the same arguments: expected each once.")
    return paths


def people_digest(people: pd.DataFrame) -> str:
    """Digest of the participants: names and types of the columns, and every row."""
    digest = hashlib.sha256(json.dumps([list(people.columns), [str(kind) for kind in people.dtypes]]).encode())
    digest.update(pd.util.hash_pandas_object(people, index=True).to_numpy().tobytes())
    return digest.hexdigest()


def run_digest(people: str, module: str) -> str:
    """Digest of what decides a task's result beside its arguments: participants, code and numerical libraries.

    Parameters
    ----------
    people : of `people_digest`.
    module : in which the task's function stands.
    """
    return hashlib.sha256(json.dumps([people, decided_by(module)]).encode()).hexdigest()[:16]


def decided_by(module: str, read: Callable[[Path], bytes] = Path.read_bytes) -> dict[str, str]:
    """What beside participants and arguments decides the result of a module's tasks, by what it is.

    Parameters
    ----------
    module : in which the tasks' function stands.
    read : gives a file's bytes; those that a process has loaded may be older than what is there now.

    Returns
    -------
    Digest of the project's code, which is that of `modules_behind` the module without comments, docstrings and layout,
    and of the files that they read; and versions of Python and the numerical libraries.
    """
    digest = hashlib.sha256()
    for name in modules_behind(module, read):
        code = _parsed(read(_file_of(name)))[1]
        digest.update(name.encode() + code + b"".join(read(path) for path in _data_of(name)))
    python = {"python": platform.python_version()}  # another one parses the same code into another tree
    return {CODE: digest.hexdigest()[:16]} | python | {name: _version(name) for name in LIBRARIES}


def modules_behind(module: str, read: Callable[[Path], bytes] = Path.read_bytes) -> list[str]:
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
        waiting |= _imported(read(_file_of(name))) - found
    return sorted(found)


def _imported(source: bytes) -> set[str]:
    """Names of the modules that a module's ``from`` lines import, or import something from."""
    names = set()
    for module, inner in _parsed(source)[0]:
        modules = {name for name in inner if _file_of(name).exists()}
        names |= modules if modules == inner else modules | {module}
    return names


@cache
def _parsed(source: bytes) -> tuple[list[tuple[str, set[str]]], bytes]:
    """Module and names of each ``from`` line of the project, and a digest of what the code does.

    By the code itself, which is parsed once in a process.
    """
    tree = ast.parse(source)
    from_lines = [
        (str(node.module), {f"{node.module}.{alias.name}" for alias in node.names})
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == PROJECT
    ]
    return from_lines, hashlib.sha256(ast.dump(_Silent().visit(tree)).encode()).digest()


class _Silent(ast.NodeTransformer):
    """Leaves out what a module says and does not do: docstrings, of its names too."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:  # noqa: N802 - the name that ast looks for
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


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


def perform_to_bytes(number: int, task: Task, people: pd.DataFrame) -> tuple[int, bytes]:
    """One task in a worker, which also has the work of making bytes of what it found: the bytes of its file."""
    return number, bytes_of(perform(task, people))


def keep(image: bytes, path: Path) -> None:
    """Write one task's file.

    Raises
    ------
    AuditError : it cannot be written; then there is none.
    """
    try:
        with replacing(path) as part:
            part.write_bytes(image)
    except OSError as error:
        raise AuditError(f"the result of task {finished_in(image).name!r} cannot be written: {error}.") from error


def read_finished(path: Path) -> Finished | None:
    """What a task found, None if it is not finished or its file was damaged."""
    try:
        return finished_in(path.read_bytes())
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile):
        return None


def bytes_of(finished: Finished) -> bytes:
    """What a task found as the bytes of a file, which keep every digit and type: npz, with frames as Arrow has them."""
    entries: dict[str, Any] = {f"array:{name}": values for name, values in finished.arrays.items()}
    for name, frame in finished.frames.items():
        entries[f"frame:{name}"] = np.frombuffer(bytes_of_frame(frame), dtype=np.uint8)
    entries |= {"name": np.array(finished.name), "reason": np.array(finished.reason)}
    buffer = io.BytesIO()
    np.savez(buffer, **entries)
    return buffer.getvalue()


def finished_in(image: bytes) -> Finished:
    """What a task found, from `bytes_of` it.

    Raises
    ------
    ValueError, LookupError, EOFError, zipfile.BadZipFile : these are other bytes, or damaged ones.
    """
    with np.load(io.BytesIO(image), allow_pickle=False) as stored:
        entries = dict(stored)
    frames = {name: frame_in(frame) for name, frame in _named(entries, "frame:")}
    return Finished(str(entries["name"]), frames, dict(_named(entries, "array:")), str(entries["reason"]))


def bytes_of_frame(frame: pd.DataFrame, compression: str | None = None) -> bytes:
    """A frame as an Arrow stream: every digit, type and category, its index and its ``attrs``.

    Parameters
    ----------
    compression : ``zstd`` where the bytes travel.
    """
    table, sink = pa.Table.from_pandas(frame), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    image: bytes = sink.getvalue().to_pybytes()
    return image


def frame_in(image: bytes | Array) -> pd.DataFrame:
    """The frame that `bytes_of_frame` made bytes of.

    Raises
    ------
    ValueError : these are other bytes.
    """
    with pa.ipc.open_stream(pa.py_buffer(image)) as stream:
        frame: pd.DataFrame = stream.read_all().to_pandas()
    return frame


def _named(entries: Mapping[str, Array], kind: str) -> Iterator[tuple[str, Array]]:
    return ((name.removeprefix(kind), values) for name, values in entries.items() if name.startswith(kind))
