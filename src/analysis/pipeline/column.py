"""A column of one's own, by the survey's number of each person, beside the harmonised ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.study import StudyError

NUMBER = "SEQN"
"""The survey's number of a person, by which every public file is joined."""

FEWEST_VALUES = 3


def read_column(path: Path, frame: pd.DataFrame) -> pd.Series:
    """A person's number and one value: the column of a CSV file, on the participants' index.

    Parameters
    ----------
    path : of the file: a header with SEQN and a name of one's own, then a row a person. Who is not in it is missing.
    frame : harmonised participants, all of them.

    Raises
    ------
    StudyError : no readable CSV of two such columns, a name that is taken, somebody who was not interviewed or is there
        twice, or a value that is no finite number.
    """
    read, name = _read(path)
    if name in frame:
        raise StudyError(f"{path}: {name!r} is a harmonised column already: give yours another name.")
    number, value = (pd.to_numeric(read[column], errors="coerce") for column in (NUMBER, name))
    _refuse(path, ~number.isin(frame.index), f"a {NUMBER} of nobody who was interviewed in these cycles")
    _refuse(path, number.duplicated(keep=False), f"a {NUMBER} that is there twice")
    _refuse(path, ~np.isfinite(value), f"no finite number in {name!r}: leave out whose value is not known")
    if value.nunique() < FEWEST_VALUES:
        raise StudyError(f"{path}: {name!r} has {value.nunique()} values: a curve needs numbers that are more than yes "
                         "or no.")  # fmt: skip
    return pd.Series(value.to_numpy(dtype=float), number.to_numpy(), name=name).reindex(frame.index)


def column_name(path: Path) -> str:
    """Name of the column that a file has beside SEQN; errors as `read_column`."""
    return _read(path)[1]


def _read(path: Path) -> tuple[pd.DataFrame, str]:
    expected = f"expected a CSV file with the columns {NUMBER} and one of numbers, such as {NUMBER},my_score"
    try:
        read = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, index_col=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(f"{path}: {type(error).__name__}: {expected}.") from None
    names = [str(name) for name in read]
    if len(names) != 2 or NUMBER not in names or read.empty:
        raise StudyError(f"{path}: {len(read)} rows of the columns {', '.join(names) or 'none'}: {expected}.")
    (name,) = (one for one in names if one != NUMBER)
    return read, name


def _refuse(path: Path, wrong: pd.Series, what: str) -> None:
    """Refuse some rows by the lines of the file that they stand in."""
    lines = (np.flatnonzero(wrong) + 2).tolist()
    if lines:
        shown = ", ".join(map(str, lines[:5])) + (" ..." if len(lines) > 5 else "")
        raise StudyError(f"{path}: {len(lines):,} of {len(wrong):,} rows have {what} (line {shown}).")
