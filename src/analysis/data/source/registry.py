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
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from analysis.errors import AnalysisError

COMMITTED = Path(__file__).with_name("registry")

TABLE_FIELDS = ("table", "cycle", "content", "path", "rows", "columns", "living")
CODE_FIELDS = ("table", "variable", "code", "count")
COLUMN_FIELDS = ("table", "variable", "kind", "n", "total")

MISSING = "."
BLANK = "< blank >"  # how the codebooks write a missing text value

_NUMBER_OR_RANGE = re.compile(r"-?\d+(\.\d+)?( to -?\d+(\.\d+)?)?")
SHOWN_CONTRADICTIONS = 5

SYNTHETIC = "SYNTHETIC"
"""How the source of an invented survey begins, and the mark on its files and figures."""

UNPUBLISHED = frozenset({("BPX_C", "BPXSAR"), ("BPX_C", "BPXDAR")})
"""Table and variable whose codebook gives no counts, though those of other cycles do."""

VariableKind = Literal["decimal", "number", "text"]

_KINDS: dict[str, tuple[VariableKind, Callable[[str], Decimal | float | str]]] = {
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

    kind: VariableKind
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
    codes: Mapping[str, Mapping[str, int]] = field(repr=False)
    column_totals: Mapping[str, ColumnTotal] = field(repr=False)

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
    tables: Mapping[str, Table] = field(repr=False)


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
