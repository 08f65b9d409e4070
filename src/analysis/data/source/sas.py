"""SAS transport files (XPORT version 5): their structure, checked byte by byte, and their content.

pyreadstat reads a file that was cut short without a word, and takes an HTML page for a damaged file. So the
structure is read first, from the header alone: names, bytes per row, and how much must follow.

References
----------
SAS Technical Support TS-140, "The Record Layout of a Data Set in SAS Transport (XPORT) Format".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyreadstat

RECORD = 80  # bytes; every part of a transport file is filled up with blanks to whole records
ENCODING = "WINDOWS-1252"  # product names and labels at the CDC hold accents and trade marks

_HEADER = b"HEADER RECORD*******%-8bHEADER RECORD!!!!!!!"
_LIBRARY, _MEMBER, _NAMES, _OBSERVATIONS = (
    _HEADER % name for name in (b"LIBRARY ", b"MEMBER  ", b"NAMESTR ", b"OBS     ")
)
NUMERIC = 1  # type of a column in its header entry; 2 is text
NUMBER_BYTES = range(3, 9)  # widths of numbers that pyreadstat reads; z/OS also writes 2, which it takes for missing
MISSING_MARKS = np.frombuffer(b"\0._ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)  # 0: the number zero itself
ROWS_AT_A_TIME = 20_000
_HTML = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


class FormatError(Exception):
    """A file that is no whole SAS transport file; the message says what it is instead."""


class HtmlError(FormatError):
    """A web page where a SAS transport file should be."""


class UnreadableError(FormatError):
    """A SAS transport file, perhaps a sound one, of a form that would be read wrongly."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The structure of a SAS transport file.

    Attributes
    ----------
    names : column names in file order.
    numbers : name, first byte within the row and width of every numeric column.
    row_bytes : bytes of one row.
    start : bytes before the first row.
    size : bytes of the whole file.
    """

    names: tuple[str, ...] = field(repr=False)
    numbers: tuple[tuple[str, int, int], ...] = field(repr=False)
    row_bytes: int
    start: int
    size: int

    @property
    def rows(self) -> int:
        """Number of whole rows; where rows are shorter than a record, the last may be blank filling."""
        return (self.size - self.start) // self.row_bytes


def read_layout(path: Path) -> Layout:
    """Read a file's structure from its header.

    Raises
    ------
    HtmlError : the file is a web page.
    FormatError : the file is empty, something else than a SAS transport file, or ends within its header.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        _check_first_record(stream.read(RECORD))
        stream.seek(3 * RECORD)
        entry_bytes = _number(_record(stream, _MEMBER)[74:78])
        stream.seek(7 * RECORD)
        n_columns = _number(_record(stream, _NAMES)[54:58])
        entries = stream.read(-(-n_columns * entry_bytes // RECORD) * RECORD)
        _record(stream, _OBSERVATIONS)
        start = stream.tell()
    columns = [entries[at : at + entry_bytes] for at in range(0, n_columns * entry_bytes, entry_bytes)]
    names = tuple(column[8:16].decode("ascii", "replace").rstrip() for column in columns)
    row_bytes = sum(_integer(column[4:6]) for column in columns)
    if not row_bytes:
        message = "a SAS transport header that describes no columns"
        raise FormatError(message)
    numbers = tuple(
        (name, _integer(column[84:88]), _integer(column[4:6]))
        for name, column in zip(names, columns, strict=True)
        if _integer(column[:2]) == NUMERIC
    )
    return Layout(names, numbers, row_bytes, start, size)


def check_readable(path: Path, layout: Layout) -> None:
    """Check that a file is of a form that pyreadstat reads as it was meant: one data set, numbers of 3 to 8 bytes.

    It would read the headers and rows of a further data set as rows of the first, and numbers of other widths as
    missing, without a word.

    Raises
    ------
    UnreadableError : the file has a further data set, or numbers of another width; the message names them.
    """
    odd: dict[int, list[str]] = {}
    for name, _, width in layout.numbers:
        if width not in NUMBER_BYTES:
            odd.setdefault(width, []).append(name)
    faults = [f"numbers of {width} byte{'s' * (width != 1)} in {', '.join(names)}" for width, names in odd.items()]
    further = _further_data_sets(path, layout)
    if further:
        faults.insert(0, f"more than one data set ({', '.join(further)} beside the first)")
    if faults:
        message = f"a SAS transport file with {' and '.join(faults)}"
        raise UnreadableError(message)


def check_end(path: Path, layout: Layout) -> None:
    """Check that a file ends where its last row ends, with nothing but blanks up to the next whole record.

    Raises
    ------
    FormatError : the file stops in the middle of a record or of a row.
    """
    surplus = (layout.size - layout.start) % layout.row_bytes
    with path.open("rb") as stream:
        stream.seek(layout.size - surplus)
        rest = stream.read(surplus)
    if layout.size % RECORD or rest.strip(b" "):
        message = f"{layout.size:,} bytes that stop in the middle of row {layout.rows + 1:,}"
        raise FormatError(message)


def check_missing(path: Path, layout: Layout) -> None:
    """Check that every missing number is marked as SAS marks it: by ".", "_" or a letter.

    A damaged mark would still be read as missing, and so pass for the file that was published.

    Raises
    ------
    FormatError : a number without a mantissa has another first byte.
    """
    with path.open("rb") as stream:
        stream.seek(layout.start)
        while block := stream.read(layout.row_bytes * ROWS_AT_A_TIME):
            rows = np.frombuffer(block, np.uint8, len(block) // layout.row_bytes * layout.row_bytes)
            for name, at, width in layout.numbers:
                field = rows.reshape(-1, layout.row_bytes)[:, at : at + width]
                odd = ~field[:, 1:].any(axis=1) & ~np.isin(field[:, 0], MISSING_MARKS)
                if odd.any():
                    message = f"a missing value marked 0x{field[odd.argmax(), 0]:02X} in {name}"
                    raise FormatError(message)


def read_xport(path: Path, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the rows of a SAS transport file.

    Parameters
    ----------
    path : the file; its structure has been checked.
    columns : names of the columns to read, in the order wanted; None reads all.

    Returns
    -------
    (n_rows, n_columns) DataFrame with a plain row index. Numbers are float64, missing ones NaN; text is str.

    Raises
    ------
    FormatError : the file cannot be read, or its text is not Windows-1252.
    """
    try:
        frame, _ = pyreadstat.read_xport(
            str(path), encoding=ENCODING, usecols=None if columns is None else list(columns)
        )
    except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
        message = f"a file that pyreadstat cannot read ({error})"
        raise FormatError(message) from error
    return frame if columns is None else frame[list(columns)]


def accented_columns(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the text columns of a frame that hold a character beyond ASCII."""
    texts = frame.select_dtypes(exclude="number")
    return tuple(str(name) for name in texts if not all(value.isascii() for value in texts[name].fillna("")))


def _check_first_record(record: bytes) -> None:
    if record.startswith(_LIBRARY):
        return
    begins = record.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begins.startswith(_HTML):
        message = "an HTML page"
        raise HtmlError(message)
    message = f"a file that begins {record[:24]!r}" if record else "an empty file"
    raise FormatError(message)


def _further_data_sets(path: Path, layout: Layout) -> list[str]:
    """Return the names of the data sets after the first; each begins with a whole record of its own."""
    names = []
    content = path.read_bytes()
    at = content.find(_MEMBER, layout.start)
    while at >= 0:
        if (at - layout.start) % RECORD == 0:
            name = content[at + 2 * RECORD + 8 : at + 2 * RECORD + 16]
            names.append(name.decode("ascii", "replace").strip() or "one without a name")
        at = content.find(_MEMBER, at + 1)
    return names


def _integer(field: bytes) -> int:
    return int.from_bytes(field, "big")


def _record(stream: BinaryIO, mark: bytes) -> bytes:
    """Read one header record, which must begin with the mark and be whole."""
    at = stream.tell()
    record = stream.read(RECORD)
    if len(record) == RECORD and record.startswith(mark):
        return record
    what = mark[20:28].decode().strip()
    message = f"a SAS transport header that lacks its {what} record at byte {at:,}"
    raise FormatError(message)


def _number(digits: bytes) -> int:
    if digits.isdigit() and int(digits):
        return int(digits)
    message = f"a SAS transport header with {digits!r} where a number belongs"
    raise FormatError(message)
