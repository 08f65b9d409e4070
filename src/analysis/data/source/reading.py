"""Tables of raw files, read only as they were accepted.

What was accepted is written beside a file, as its receipt, and compared before every use.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.data.source.receipts import Receipt, read_receipt
from analysis.data.source.refusals import explain_unusable
from analysis.data.source.registry import Registry, Table
from analysis.data.source.sas import FormatError, read_xport
from analysis.errors import AnalysisError

INDEX = "SEQN"  # respondent sequence number
NO_FILE = "no file"


class SourceError(AnalysisError):
    """A survey file that is missing, cannot be fetched or is not what it should be."""

    exit_code = 3


def receipts(registry: Registry, raw: Path, tables: Sequence[str] | None = None) -> tuple[Receipt, ...]:
    """Return the receipts of tables, after comparing each file with its own.

    Parameters
    ----------
    registry, raw : the tables and the folder of their files.
    tables : names of tables; default all.

    Returns
    -------
    tuple of Receipt, in the order asked for.

    Raises
    ------
    SourceError : a file is missing, altered or was never accepted; the message names each.
    """
    wanted = tables_named(registry, tables)
    found = [(table, read_receipt(table.file(raw))) for table in wanted]
    objections = {table.name: objection_to(table, lying(table, raw), receipt) for table, receipt in found}
    wrong = {name: objection for name, objection in objections.items() if objection}
    if wrong:
        raise SourceError(explain_unusable(raw, synthetic=registry.synthetic, wrong=wrong))
    return tuple(receipt for _, receipt in found if receipt)


def read_table(registry: Registry, raw: Path, name: str, *, columns: Sequence[str]) -> pd.DataFrame:
    """Read columns of a table, from its accepted file only.

    Parameters
    ----------
    registry, raw : the tables and the folder of their files.
    name : name of the table.
    columns : names of the columns wanted, in the order wanted; SEQN need not be among them.

    Returns
    -------
    (n_rows, n_columns) DataFrame, float64 or str, missing numbers NaN, raw codes as they stand. Its index is SEQN
    (int64, unsorted, repeated where a person has several rows), or the row number in a table without SEQN.

    Raises
    ------
    SourceError : the file is missing, altered or was never accepted, or it lacks a column.
    """
    table = tables_named(registry, [name])[0]
    receipts(registry, raw, [name])
    wanted = [variable for variable in dict.fromkeys(columns) if variable != INDEX]
    unknown = [variable for variable in wanted if variable not in table.column_totals]
    if unknown:
        message = f"{name} has no column {', '.join(unknown)}; columns.csv of the registry lists those it has."
        raise SourceError(message)
    if INDEX in table.column_totals:
        wanted.insert(0, INDEX)
    try:
        frame = read_xport(table.file(raw), columns=wanted)
    except (FormatError, KeyError, ValueError, OSError) as error:
        message = f"{name} was accepted, but {', '.join(wanted)} cannot be read from it: {error}."
        raise SourceError(message) from error
    return _indexed(frame) if INDEX in frame else frame


def _indexed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{INDEX: frame[INDEX].round().astype("int64")}).set_index(INDEX)


def tables_named(registry: Registry, names: Iterable[str] | None) -> list[Table]:
    """Return tables of the registry, once each; all of them by default. SourceError names those it does not have."""
    if names is None:
        return list(registry.tables.values())
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in registry.tables]
    if unknown:
        message = (
            f"{registry.source} has no table {', '.join(unknown)}; the registry lists {', '.join(registry.tables)}."
        )
        raise SourceError(message)
    return [registry.tables[name] for name in wanted]


def candidates(table: Table, raw: Path) -> list[Path]:
    """Return the files whose names are the table's but for capitals, the usual name first."""
    usual = table.file(raw)
    if not usual.parent.is_dir():
        return []
    found = (path for path in usual.parent.iterdir() if path.name.casefold() == usual.name.casefold())
    return sorted(found, key=lambda path: (path.name != usual.name, path.name))


def lying(table: Table, raw: Path) -> Path:
    """Return the table's file as it is named now; its usual name if there is none."""
    return next(iter(candidates(table, raw)), table.file(raw))


def objection_to(table: Table, file: Path, receipt: Receipt | None) -> str:
    """Return why a file cannot be used as it lies there; empty if it can."""
    if not file.exists():
        return NO_FILE
    if receipt is None:
        return "a file that was never checked"
    if receipt.matches(file):
        return "" if receipt.checked_against == table.digest() else "a file that was checked against another registry"
    return f"not the file that was accepted on {receipt.fetched} (if it is right, delete its receipt)"
