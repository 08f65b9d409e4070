"""SAS transport files of invented rows, written by the layout that SAS publishes: what pyreadstat does not write.

Numbers of any width and several data sets in one file, from SAS Technical Support TS-140, "The Record Layout of a Data
Set in SAS Transport (XPORT) Format".
"""

from collections.abc import Mapping, Sequence

WHEN = b"01JAN00:00:00:00"
RECORD = 80
Columns = Mapping[str, tuple[int, Sequence[float | str | None]]]
"""Column name to its width in bytes and its values: numbers, marks of missing numbers as text, or None for `.`."""


def transport_file(*data_sets: Columns) -> bytes:
    """A file of one or more data sets, named SET1, SET2 and so on."""
    library = _mark("LIBRARY") + _filled(b"SAS     SAS     SASLIB  9.4     INVENTED".ljust(64) + WHEN) + _filled(WHEN)
    return library + b"".join(_data_set(f"SET{n}", columns) for n, columns in enumerate(data_sets, start=1))


def ibm_number(value: float | str | None, width: int) -> bytes:
    """A number in base 16, cut to its first bytes; a missing one is a mark and zeros."""
    if value is None or isinstance(value, str):
        return (value or ".").encode("ascii").ljust(width, b"\0")
    if value == 0:
        return bytes(width)
    power, rest = 64, abs(value)
    while rest >= 1:
        rest, power = rest / 16, power + 1
    while rest < 1 / 16:
        rest, power = rest * 16, power - 1
    sign = 128 if value < 0 else 0
    return (bytes([sign + power]) + int(rest * 2.0**56).to_bytes(7, "big"))[:width]


def _data_set(name: str, columns: Columns) -> bytes:
    head = _mark("MEMBER", b"000000000000000001600000000140") + _mark("DSCRPTR")
    head += _filled(f"SAS     {name:8}SASDATA 9.4     INVENTED".encode().ljust(64) + WHEN) + _filled(WHEN)
    head += _mark("NAMESTR", b"000000%04d00000000000000000000" % len(columns))
    entries, at = b"", 0
    for number, (column, (width, _)) in enumerate(columns.items(), start=1):
        kind = b"".join(n.to_bytes(2, "big") for n in (1, 0, width, number))
        entries += (kind + column.encode().ljust(8)).ljust(84) + at.to_bytes(4, "big") + bytes(52)
        at += width
    n_rows = max(len(values) for _, values in columns.values())
    rows = b"".join(ibm_number(values[row], width) for row in range(n_rows) for width, values in columns.values())
    return head + _filled(entries) + _mark("OBS") + _filled(rows)


def _mark(kind: str, rest: bytes = b"0" * 30) -> bytes:
    return _filled(b"HEADER RECORD*******%-8bHEADER RECORD!!!!!!!" % kind.encode() + rest)


def _filled(content: bytes) -> bytes:
    return content + b" " * (-len(content) % RECORD)
