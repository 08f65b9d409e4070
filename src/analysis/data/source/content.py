"""What a file holds, tabulated as a codebook does, and where that departs from the registry."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.data.source.registry import BLANK, MISSING, ColumnTotal, Table

# The snapshot keeps 15 significant digits, so the CDC's own file may differ in the last one. That must not refuse it,
# while a damaged byte must be seen. Columns of decimals (codes, 4.9 %, 12.25 mg) are therefore added up exactly, each
# value taken for the decimal it is close to; only what has more places, such as a weight, is compared as a sum of
# doubles, whose rounding to 15 digits stays far below the tolerance.
MOST_PLACES = 6
CLOSE = 1e-9  # relative to the value, and
CLOSE_UNITS = 1e-3  # in units of its last place
SUM_TOLERANCE = 1e-12  # relative to the sum of absolute values
LARGEST_EXACT = 2**53  # beyond this a sum of doubles is no longer an exact whole number

FEWEST_SUMMED = 30  # people with a value, below which their sum is not written down


@dataclass(frozen=True, slots=True)
class Description:
    """A frame's rows, code counts and column totals, in the terms of a registry."""

    rows: int
    codes: Mapping[str, Mapping[str, int]] = field(repr=False)
    column_totals: Mapping[str, ColumnTotal] = field(repr=False)


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
