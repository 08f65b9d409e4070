"""The registry: which tables the study reads, and what each file must hold before it is used.

A registry is a folder of four small text files, so that a changed expectation shows in a diff:

    registry.json   source, synthetic, url (where the files come from, up to and including .../Public)
    tables.csv      table, cycle, content, path, rows, columns, living
    codes.csv       table, variable, code, count
    columns.csv     table, variable, kind, n, total

The committed registry describes NHANES 1999-2004; the synthetic survey writes its own, and one code
checks both.

Two kinds of evidence stand in it. The counts in codes.csv are the CDC's own, as the codebooks publish
them ("1", "-1", "." for missing, "0 to 84" for a range). The totals in columns.csv are not published
anywhere: they were computed from a public snapshot of the files (2025-08-31) and cover every column, so
that a damaged value shows where the codebook says nothing. No sha256 is pinned, because the snapshot's
bytes are not the CDC's: it keeps 15 significant digits and plain ASCII text.

Living tables (the supplement product tables) are re-released as they grow: only their structure is
registered.

The two kinds were gathered apart, and so each finds the other's slips: a committed registry whose codes.csv and
columns.csv disagree, or that has a variable's counts of one cycle only, is refused before any file is fetched or read.
An invented survey's is not asked: code writes both.
"""

import csv
import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError

COMMITTED = Path(__file__).with_name("registry")

TABLE_FIELDS = ("table", "cycle", "content", "path", "rows", "columns", "living")
CODE_FIELDS = ("table", "variable", "code", "count")
COLUMN_FIELDS = ("table", "variable", "kind", "n", "total")

MISSING = "."
BLANK = "< blank >"  # how the codebooks write a missing text value

# The snapshot keeps 15 significant digits, so the CDC's own file may differ in the last one. That must not refuse it,
# while a damaged byte must be seen. Columns of decimals (codes, 4.9 %, 12.25 mg) are therefore added up exactly, each
# value taken for the decimal it is close to; only what has more places, such as a weight, is compared as a sum of
# doubles, whose rounding to 15 digits stays far below the tolerance.
MOST_PLACES = 6
CLOSE = 1e-9  # relative to the value, and
CLOSE_UNITS = 1e-3  # in units of its last place
SUM_TOLERANCE = 1e-12  # relative to the sum of absolute values
LARGEST_EXACT = 2**53  # beyond this a sum of doubles is no longer an exact whole number

_NUMBER_OR_RANGE = re.compile(r"-?\d+(\.\d+)?( to -?\d+(\.\d+)?)?")
SHOWN_CONTRADICTIONS = 5

UNPUBLISHED = frozenset({("BPX_C", "BPXSAR"), ("BPX_C", "BPXDAR")})
"""Table and variable whose codebook gives no counts, though those of other cycles do."""

FEWEST_SUMMED = 30  # people with a value, below which their sum is not written down

Kind = Literal["decimal", "number", "text"]

_KINDS: dict[str, tuple[Kind, Callable[[str], Decimal | float | str]]] = {
    "decimal": ("decimal", Decimal),
    "number": ("number", float),
    "text": ("text", str),
}


class RegistryError(AnalysisError):
    """A registry folder that is missing or does not hold what it should."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class ColumnTotal:
    """What one column of a file adds up to.

    Attributes
    ----------
    kind : {"decimal", "number", "text"}. Decimal: every value has at most six places.
    n : int or None. Values that are not missing (not blank); None in a living table.
    total : Decimal, float, str or None. Their exact sum (decimal), their sum (number) or a digest of their letters
        and digits (text); None in a living table, and where so few people have a value that the sum would tell of
        single ones.
    """

    kind: Kind
    n: int | None = None
    total: Decimal | float | str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One survey table and what its file must hold.

    Attributes
    ----------
    name : str. The table's NHANES name, e.g. "LEXPN_B".
    cycle : int. First year of its two-year cycle.
    content : str. What it holds, in a few words.
    path : str. Address below .../Public, e.g. "2001/DataFiles/LEXPN_B.xpt".
    rows, columns : int. Size of the file (of the snapshot's, for a living table).
    living : bool. True if the table is re-released as it grows, so that only its columns can be expected.
    codes : variable -> code -> published count.
    column_totals : variable -> ColumnTotal, in file order.
    """

    name: str
    cycle: int
    content: str
    path: str
    rows: int
    columns: int
    living: bool
    codes: Mapping[str, Mapping[str, int]]
    column_totals: Mapping[str, ColumnTotal]

    def file(self, raw: Path) -> Path:
        """Return where the table's file lies below the raw folder, whatever the server calls it."""
        return raw / str(self.cycle) / f"{self.name}.xpt"

    def digest(self) -> str:
        """Return a digest of all that is expected of the file; receipts keep it, so that a correction is noticed."""
        expected = (self.rows, self.columns, self.living, self.codes, self.column_totals)
        return hashlib.sha256(repr(expected).encode()).hexdigest()

    def expected(self) -> str:
        """Return what a good file is, in words."""
        if self.living:
            return f"a SAS transport file with its {self.columns} columns"
        return f"a SAS transport file of {self.rows:,} rows and {self.columns} columns"


@dataclass(frozen=True, slots=True)
class Registry:
    """All tables of one survey.

    Attributes
    ----------
    source : str. What the files are, e.g. "NHANES 1999-2004"; printed on every output.
    synthetic : bool. True if the survey is invented.
    url : str. Where the files are published, up to and including .../Public.
    tables : name -> Table.
    """

    source: str
    synthetic: bool
    url: str
    tables: Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Description:
    """A frame's rows, code counts and column totals, in the terms of a registry."""

    rows: int
    codes: Mapping[str, Mapping[str, int]]
    column_totals: Mapping[str, ColumnTotal]


def registry_for(raw: Path) -> Registry:
    """Read the registry of a raw folder: its own `registry/` if it has one, else the committed one."""
    own = raw / "registry"
    return read_registry(own if own.is_dir() else COMMITTED)


def read_registry(folder: Path) -> Registry:
    """Read a registry from its folder.

    Raises
    ------
    RegistryError : a file is missing, lacks a field or holds a value that cannot be read; or, in a registry of real
        files, the counts of codes.csv do not fit tables.csv and columns.csv.
    """
    try:
        head = json.loads((folder / "registry.json").read_text(encoding="utf-8"))
        codes: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for row in _rows(folder / "codes.csv", CODE_FIELDS):
            codes[row["table"]][row["variable"]][row["code"]] = int(row["count"])
        totals: dict[str, dict[str, ColumnTotal]] = defaultdict(dict)
        for row in _rows(folder / "columns.csv", COLUMN_FIELDS):
            totals[row["table"]][row["variable"]] = _parse_total(row)
        tables = [
            _parse_table(row, codes=codes[row["table"]], column_totals=totals[row["table"]])
            for row in _rows(folder / "tables.csv", TABLE_FIELDS)
        ]
        named = {table.name: table for table in tables}
        registry = Registry(source=head["source"], synthetic=head["synthetic"], url=head["url"], tables=named)
        wrong = () if registry.synthetic else contradictions(registry)
    except (OSError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        message = f"The registry in {folder} cannot be read: {error!r}; data/source/registry.py tells its form."
        raise RegistryError(message) from error
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN_CONTRADICTIONS} more" if len(wrong) > SHOWN_CONTRADICTIONS else ""
        told = "\n".join(f"  {sentence}" for sentence in wrong[:SHOWN_CONTRADICTIONS])
        message = (
            f"The registry in {folder} contradicts itself; no file was fetched or read.\n{told}{more}\n"
            "What to do: copy the counts from the codebook page that is named."
        )
        raise RegistryError(message)
    return registry


def contradictions(registry: Registry) -> tuple[str, ...]:
    """Say where the published counts of a registry do not fit its rows and column totals.

    Every count is of rows, so the counts of a variable add up to those of its table, those of its values to the values
    in the column and, where no range hides them, the values themselves to the column's sum. A variable counted in one
    cycle is counted in all whose table of that content has it, but for `UNPUBLISHED`.

    Parameters
    ----------
    registry : as read; living tables have no counts.

    Returns
    -------
    tuple of str. One sentence for each variable that does not fit, with its file, table and codebook page.
    """
    counted = {(table.content, name): table.name for table in registry.tables.values() for name in table.codes}
    found = []
    for table in registry.tables.values():
        page = f"{registry.url}/{table.path.rpartition('.')[0]}.htm"
        for variable in {**table.codes, **table.column_totals}:
            slip = _slip(table, variable, counted_in=counted.get((table.content, variable)))
            if slip:
                found.append(f"codes.csv, {table.name} {variable}: {slip}; see {page}#{variable}.")
    return tuple(found)


def _slip(table: Table, variable: str, *, counted_in: str | None) -> str:
    """What is wrong with the counts of one variable, one of whose cycles has some; empty if nothing is."""
    counts, rows, total = table.codes.get(variable), table.rows, table.column_totals.get(variable)
    if counts is None:
        forgotten = counted_in and (table.name, variable) not in UNPUBLISHED
        return f"no counts, though {counted_in} has them" if forgotten else ""
    if total is None:
        return "columns.csv has no such variable"
    valued = {code: count for code, count in counts.items() if code not in (MISSING, BLANK)}
    strange = [code for code in valued if total.kind != "text" and not _NUMBER_OR_RANGE.fullmatch(code)]
    n, n_valued = sum(counts.values()), sum(valued.values())
    if strange:
        return f"the code {strange[0]!r} is neither a number, a range such as '0 to 84' nor '.' for missing"
    if n != rows:
        return f"its counts add up to {n:,}, but tables.csv has {rows:,} rows"
    if n_valued != total.n:
        return f"its counts but for the missing add up to {n_valued:,}, but columns.csv has {total.n:,} values"
    if isinstance(total.total, Decimal) and not any(" to " in code for code, count in valued.items() if count):
        amount, column = sum(Decimal(code) * count for code, count in valued.items() if count), total.total
        if amount != column:
            return f"its codes times their counts add up to {amount:,}, but the column in columns.csv to {column:,}"
    return ""


def write_registry(registry: Registry, folder: Path) -> None:
    """Write a registry to a folder, made if it is missing; reading it back gives an equal registry."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"source": registry.source, "synthetic": registry.synthetic, "url": registry.url}
    (folder / "registry.json").write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")
    tables = registry.tables.values()
    sizes = ((t.name, t.cycle, t.content, t.path, t.rows, t.columns, str(t.living).lower()) for t in tables)
    _write(folder / "tables.csv", TABLE_FIELDS, sizes)
    coded = ((t.name, variable, counts) for t in tables for variable, counts in t.codes.items())
    counts = ((name, variable, *count) for name, variable, counts in coded for count in counts.items())
    _write(folder / "codes.csv", CODE_FIELDS, counts)
    columns = ((t.name, variable, total) for t in tables for variable, total in t.column_totals.items())
    totals = ((name, variable, *_format_total(total)) for name, variable, total in columns)
    _write(folder / "columns.csv", COLUMN_FIELDS, totals)


def describe(frame: pd.DataFrame, *, codes: Mapping[str, Iterable[str]]) -> Description:
    """Tabulate a table as a codebook does, and add up every column.

    The same function writes a registry and checks a file against one.

    Parameters
    ----------
    frame : (n_rows, n_columns) table as read, SEQN among its columns.
    codes : variable -> codes to count, as the codebook prints them: a number or a text value, "low to high"
        for the values of a range that are no listed code themselves, "." or "< blank >" for missing.

    Returns
    -------
    Description with every column of the frame in `column_totals` and the variables of `codes` in `codes`.

    Raises
    ------
    KeyError : a variable of `codes` is not in the frame.
    ValueError : a code of a numeric variable is neither a number nor a range.
    """
    counts = {name: _count(frame[name], tuple(wanted)) for name, wanted in codes.items()}
    totals = {str(name): _column_total(frame[name]) for name in frame.columns}
    return Description(len(frame), counts, totals)


def differences(table: Table, frame: pd.DataFrame, *, skip: Collection[str] = ()) -> tuple[str, ...]:
    """Say how a file's content departs from the registry.

    Parameters
    ----------
    table : the registered table.
    frame : its file as read, all columns in any order, SEQN among them.
    skip : columns whose content does not count.

    Returns
    -------
    tuple of str. Short sentences such as "LEALPN = 1: 226, expected 227"; empty if the file agrees. A living
    table is only asked for its columns and at least one row.
    """
    missing = tuple(f"column {name} is missing" for name in table.column_totals if name not in frame)
    if table.living:
        return missing if len(frame) else (*missing, "rows: 0, expected at least 1")
    found = describe(frame, codes={name: codes for name, codes in table.codes.items() if name in frame})
    surplus = tuple(f"column {name} was not expected" for name in frame if name not in table.column_totals)
    rows = () if found.rows == table.rows else (f"rows: {found.rows:,}, expected {table.rows:,}",)
    recoded = dict(_changed_codes(table, found, frame))
    totals = [
        sentence for name, sentence in _changed_totals(table, found, frame) if name not in recoded and name not in skip
    ]
    return (*rows, *missing, *surplus, *(line for lines in recoded.values() for line in lines), *totals)


def _changed_codes(table: Table, found: Description, frame: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    for name, counts in found.codes.items():
        expected = table.codes[name]
        lines = [
            f"{name} = {code}: {count:,}, expected {expected[code]:,}"
            for code, count in counts.items()
            if count != expected[code]
        ]
        # A slip in codes.csv that `contradictions` cannot see, a wrong end of a range, is no revision of the file.
        if lines and _adds_up(table.column_totals.get(name), found.column_totals[name], frame[name]):
            lines[0] += " (though the column adds up as in columns.csv: is codes.csv right?)"
        if lines:
            yield name, lines


def _changed_totals(table: Table, found: Description, frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for name, expected in table.column_totals.items():
        if name not in found.column_totals:
            continue
        got = found.column_totals[name]
        if (got.kind == "text") != (expected.kind == "text"):
            yield name, f"{name}: {got.kind}, expected {expected.kind}"
        elif got.n != expected.n:
            yield name, f"{name}: {got.n:,} values, expected {expected.n:,}"
        elif not _same_total(got, expected, frame[name]):
            what = {"text": "text digest", "decimal": "sum", "number": "sum of uneven values"}[got.kind]
            yield name, f"{name}: {what} {got.total}, expected {expected.total}"


def _adds_up(expected: ColumnTotal | None, got: ColumnTotal, column: pd.Series) -> bool:
    """Whether a column is known to add up as registered."""
    if expected is None or expected.total is None or (got.kind == "text") != (expected.kind == "text"):
        return False
    return got.n == expected.n and _same_total(got, expected, column)


def _same_total(got: ColumnTotal, expected: ColumnTotal, column: pd.Series) -> bool:
    if expected.total is None:
        return True
    if expected.kind != "number":
        return got == expected
    slack = SUM_TOLERANCE * float(np.nansum(np.abs(_numbers(column))))
    return abs(float(got.total or 0) - float(expected.total or 0)) <= slack


def _column_total(column: pd.Series) -> ColumnTotal:
    if not pd.api.types.is_numeric_dtype(column):
        texts = [str(value).strip() for value in column.fillna("")]
        n = sum(map(bool, texts))
        return ColumnTotal("text", n, None if 0 < n < FEWEST_SUMMED else _digest(texts))
    values = _numbers(column)
    values = values[~np.isnan(values)]
    exact = _decimal_sum(values)
    total = float(values.sum()) if exact is None else exact
    return ColumnTotal(
        "number" if exact is None else "decimal", len(values), None if 0 < len(values) < FEWEST_SUMMED else total
    )


def _decimal_sum(values: NDArray[np.float64]) -> Decimal | None:
    """Return the exact sum of values with few places, or None if one of them has more.

    Rewriting a file in decimal digits may move the last bit of 4.9, never that of a whole number: a column of whole
    numbers has to be whole to the last bit.
    """
    for places in range(MOST_PLACES + 1):
        scaled = values * 10.0**places
        if float(np.abs(scaled).sum()) >= LARGEST_EXACT:
            return None
        units = np.rint(scaled)
        if np.all(_close(scaled, units)):
            if places == 0 and np.any(values != units):
                return None
            return Decimal(int(units.sum())).scaleb(-places)
    return None


def _digest(values: Iterable[str]) -> str:
    """Return a digest of the letters and digits; accents, signs, case and spaces vary between editions."""
    plain = unicodedata.normalize("NFKD", "\n".join(values)).encode("ascii", "ignore").decode("ascii").upper()
    return hashlib.sha256(re.sub(r"[^0-9A-Z\n]", "", plain).encode("ascii")).hexdigest()[:16]


def _count(column: pd.Series, codes: tuple[str, ...]) -> dict[str, int]:
    if not pd.api.types.is_numeric_dtype(column):
        texts = column.fillna("").str.strip()
        return {code: int((texts == ("" if code in (MISSING, BLANK) else code)).sum()) for code in codes}
    numbers = _numbers(column)
    hits = {MISSING: np.isnan(numbers), BLANK: np.isnan(numbers)}
    ranges = [code for code in codes if " to " in code]
    hits |= {code: _is_code(numbers, code) for code in codes if code not in hits and code not in ranges}
    listed = np.any(list(hits.values()), axis=0)
    hits |= {code: _between(numbers, code) & ~listed for code in ranges}
    return {code: int(np.count_nonzero(hits[code])) for code in codes}


def _between(numbers: NDArray[np.float64], code: str) -> NDArray[np.bool_]:
    """Return which numbers lie in a range whose bounds were rounded to the digits that are printed."""
    low, high = code.split(" to ")
    below, above = (0.5 * 10.0 ** -len(bound.partition(".")[2]) for bound in (low, high))
    return (numbers >= float(low) - below) & (numbers <= float(high) + above)


def _close(numbers: NDArray[np.float64], value: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which numbers are a value but for their last digits; nothing but zero is close to zero."""
    return np.abs(numbers - value) <= np.minimum(CLOSE_UNITS, CLOSE * np.abs(value))


def _is_code(numbers: NDArray[np.float64], code: str) -> NDArray[np.bool_]:
    """Return which numbers are a code; 1.0000000000000002 is not the answer 1, and would fail a comparison later."""
    value = float(code)
    return numbers == value if value.is_integer() else _close(numbers, value)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return np.asarray(column, dtype=np.float64)


def _parse_table(
    row: Mapping[str, str],
    *,
    codes: Mapping[str, Mapping[str, int]],
    column_totals: Mapping[str, ColumnTotal],
) -> Table:
    return Table(
        name=row["table"],
        cycle=int(row["cycle"]),
        content=row["content"],
        path=row["path"],
        rows=int(row["rows"]),
        columns=int(row["columns"]),
        living={"true": True, "false": False}[row["living"]],
        codes={name: dict(counts) for name, counts in codes.items()},
        column_totals=dict(column_totals),
    )


def _parse_total(row: Mapping[str, str]) -> ColumnTotal:
    kind, read = _KINDS[row["kind"]]
    if not row["n"]:
        return ColumnTotal(kind)
    return ColumnTotal(kind, int(row["n"]), read(row["total"]) if row["total"] else None)


def _format_total(total: ColumnTotal) -> tuple[str, str, str]:
    n = "" if total.n is None else str(total.n)
    if total.total is None:
        return total.kind, n, ""
    return total.kind, n, repr(total.total) if total.kind == "number" else str(total.total)


def _rows(path: Path, fields: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != fields:
            message = f"{path.name} has the columns {reader.fieldnames}, expected {list(fields)}"
            raise ValueError(message)
        return list(reader)


def _write(path: Path, fields: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(fields)
        writer.writerows(rows)
