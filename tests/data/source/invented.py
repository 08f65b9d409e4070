"""A small invented survey of three tables, and what tests of its fetching ask again and again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from analysis.data.source.content import describe
from analysis.data.source.reading import SourceError
from analysis.data.source.registry import ColumnTotal, Table
from analysis.data.source.transport import Retry

AT_ONCE = Retry(first_delay=0.0, connect_timeout=2.0, read_timeout=2.0)
CODES = {"DEMO": {"SEX": ("1", "2", "."), "AGE": ("0 to 84", "85", ".")}, "MEALS": {"KIND": ("1", "2", "3", ".")}}
N_PEOPLE = 397


def frames() -> dict[str, pd.DataFrame]:
    generator = np.random.default_rng(11)
    people = np.arange(1.0, N_PEOPLE + 1)
    eaten = np.repeat(people, 3)
    return {
        "DEMO": pd.DataFrame(
            {
                "SEQN": people,
                "SEX": generator.choice([1.0, 2.0], N_PEOPLE),
                "AGE": np.minimum(generator.integers(0, 100, N_PEOPLE), 85).astype(float),
                "WEIGHT": generator.uniform(1e3, 1e5, N_PEOPLE),
            }
        ),
        "MEALS": pd.DataFrame(
            {
                "SEQN": eaten,
                "KIND": generator.choice([1.0, 2.0, 3.0, np.nan], len(eaten)),
                "NAME": generator.choice(["TEA", "COFFEE", ""], len(eaten)),
            }
        ),
        "PRODUCTS": pd.DataFrame({"CODE": np.arange(50.0), "PRODUCT": generator.choice(["ZINC", "IRON"], 50)}),
    }


def xport(frame: pd.DataFrame, path: Path) -> bytes:
    pyreadstat.write_xport(frame, str(path), file_format_version=5, table_name="TEST")
    return path.read_bytes()


def table_of(name: str, frame: pd.DataFrame) -> Table:
    found = describe(frame, codes=CODES.get(name, {}))
    living = name == "PRODUCTS"
    return Table(
        name=name,
        cycle=1999,
        content="invented",
        path=f"1999/DataFiles/{name}.xpt",
        rows=found.rows,
        columns=len(found.column_totals),
        living=living,
        codes=found.codes,
        column_totals={
            variable: ColumnTotal(total.kind) if living else total for variable, total in found.column_totals.items()
        },
    )


def content(raw: Path) -> list[str]:
    return sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file())


def complaint(get, **options) -> str:
    with pytest.raises(SourceError) as caught:
        get(**options)
    assert caught.value.exit_code == 3
    return str(caught.value)


WHOLE = [f"1999/{name}.{suffix}" for name in ("DEMO", "MEALS", "PRODUCTS") for suffix in ("json", "xpt")]
