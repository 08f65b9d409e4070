"""Writing that leaves either the old file or the whole new one, never half of it."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside a path; it takes the path's place if the block succeeds and is removed if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def try_writing(folder: Path) -> None:
    """Make a folder if there is none, and a file in it, which goes again; OSError where that cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{os.getpid()}"
    try:
        draft.touch()
    finally:
        draft.unlink(missing_ok=True)


def move_into_place(source: Path, target: Path) -> None:
    """Give a whole file its name; on another file system by a copy beside the target, which then takes the name."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(target) as draft:
            shutil.copyfile(source, draft)
        source.unlink()
