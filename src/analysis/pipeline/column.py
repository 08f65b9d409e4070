"""A column of one's own, by the survey's number of each person, beside the harmonised ones."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.data.people.cohort import barred_beginnings
from analysis.study import StudyError

NUMBER = "SEQN"
"""The survey's number of a person, by which every public file is joined."""

NO_NAME = "Unnamed: 0"
"""What pandas calls a first column without a name, and writes as its name when the file is saved again."""

FEWEST_VALUES = 3


def read_column(path: Path, people: pd.DataFrame, *, outcomes: Iterable[str] = ()) -> pd.Series:
    """A person's number and one value: the column of a CSV file, on the participants' index.

    Parameters
    ----------
    path : of the file: a header with SEQN and a name of one's own, then a row a person. Who is not in it, or has an
        empty cell, is missing. A first column without a name, as pandas writes an index, is left out.
    people : harmonised participants, all of them.
    outcomes : of which the column is to be the exposure.

    Raises
    ------
    StudyError : no readable CSV of two such columns, a name that is taken or stands for the outcome, the design or
        eligibility, somebody who was not interviewed or is there twice, or a value that is no finite number.
    """
    read, name = _read(path)
    if name in people:
        raise StudyError(f"{path}: {name!r} is a harmonised column already: give yours another name.")
    _refuse_name(path, name, outcomes)
    number, value = (pd.to_numeric(read[column], errors="coerce") for column in (NUMBER, name))
    wrong = ~np.isfinite(value) & ~_empty(read[name])
    _refuse(path, ~number.isin(people.index), f"a {NUMBER} of nobody who was interviewed in these cycles")
    _refuse(path, number.duplicated(keep=False), f"a {NUMBER} that is there twice: keep one row a person")
    _refuse(path, wrong, f"no finite number in {name!r}: leave the cell empty where the value is not known")
    if value.nunique() < FEWEST_VALUES:
        raise StudyError(f"{path}: {name!r} has {value.nunique()} values: a curve needs numbers that are more than yes "
                         "or no.")  # fmt: skip
    return pd.Series(value.to_numpy(dtype=float), number.to_numpy(), name=name).reindex(people.index)


def column_name(path: Path) -> str:
    """Name of the column that a file has beside SEQN; errors as `read_column`."""
    return _read(path)[1]


def column_notes(path: Path) -> list[str]:
    """What of a file was left out or taken for missing, a sentence each; errors as `read_column`."""
    read, name = _read(path)
    empty = int(_empty(read[name]).sum())
    notes = [f"{path.name}: its first column has no name, as of an index: left out."] * (read.shape[1] > 2)
    return notes + [f"{path.name}: {empty:,} of {len(read):,} cells of {name} are empty: missing values."] * (empty > 0)


def _read(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's text and the name of its column."""
    expected = f"expected a CSV file with the columns {NUMBER} and one of numbers, such as {NUMBER},my_score"
    try:
        read = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, index_col=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(f"{path}: {type(error).__name__}: {expected}.") from None
    names = [str(name) for name in read]
    own = [name for name in names if name not in (NUMBER, *names[:1] * (names[:1] == [NO_NAME]))]
    if len(own) != 1 or NUMBER not in names or read.empty:
        raise StudyError(f"{path}: {len(read)} rows of the columns {', '.join(names) or 'none'}: {expected}.")
    return read, own[0]


def _empty(cells: pd.Series) -> pd.Series:
    return cells.fillna("").str.strip() == ""


def _refuse_name(path: Path, name: str, outcomes: Iterable[str]) -> None:
    """Refuse a name by which the column would be taken for the outcome, the design or who is eligible."""
    barred = dict.fromkeys(one for outcome in (*outcomes, "") for one in barred_beginnings(outcome))
    for beginning in barred:
        if name.startswith(beginning):
            raise StudyError(
                f"{path}: {name!r} begins with {beginning!r}, as columns of the outcome, the design or eligibility do, "
                "which are no exposure: give yours another name."
            )


def _refuse(path: Path, wrong: pd.Series, what: str) -> None:
    """Refuse some rows by the lines of the file that they stand in."""
    lines = (np.flatnonzero(wrong) + 2).tolist()
    if lines:
        shown = ", ".join(map(str, lines[:5])) + (" ..." if len(lines) > 5 else "")
        raise StudyError(f"{path}: {len(lines):,} of {len(wrong):,} rows have {what} (line {shown}).")
