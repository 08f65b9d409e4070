"""Receipts: what is known of a file that was accepted, written beside it and compared before every use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

from analysis.files import replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An accepted file.

    Attributes
    ----------
    table : str. Its NHANES name.
    url : str. Where it came from; empty if it was found in the folder.
    bytes : int. Size.
    sha256 : str. Digest of the bytes, hexadecimal.
    fetched : str. UTC date on which it was fetched, or checked where it was found: "2025-08-31".
    checked_against : str. Digest of what the registry expected of the table when the file was accepted.
    last_modified : str. The server's Last-Modified header; empty if there was none.
    revised : tuple of str. How it departs from the registry; not empty only if the user accepted a revised file.
    notes : tuple of str. What a careful reader should know of it, such as text in another edition.
    """

    table: str
    url: str
    bytes: int
    sha256: str
    fetched: str
    checked_against: str
    last_modified: str = ""
    revised: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def matches(self, file: Path) -> bool:
        """Return whether a file still holds the bytes that were accepted; each file is hashed once per process."""
        try:
            state = file.stat()
        except FileNotFoundError:
            return False
        return state.st_size == self.bytes and _digest(file, state.st_mtime_ns, state.st_size) == self.sha256


def digest_of(path: Path) -> str:
    """Return the sha256 of a file, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_receipt(file: Path) -> Receipt | None:
    """Return the receipt beside a file, or None if there is none that can be read."""
    try:
        content = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        values = {field.name: content[field.name] for field in fields(Receipt)}
        sentences = {name: tuple(map(str, values[name])) for name in ("revised", "notes")}
        return Receipt(**values | sentences) if _well_formed(values) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _well_formed(values: Mapping[str, object]) -> bool:
    """Whether what a receipt holds is of the kinds that were written."""
    lists, whole = {"revised", "notes"}, {"bytes"}
    return all(
        isinstance(value, list if name in lists else int if name in whole else str) for name, value in values.items()
    )


def write_receipt(receipt: Receipt, file: Path) -> None:
    """Write a receipt beside its file."""
    with replacing(file.with_suffix(".json")) as draft:
        draft.write_text(json.dumps(asdict(receipt), indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=256)
def _digest(file: Path, _mtime_ns: int, _size: int) -> str:
    return digest_of(file)
