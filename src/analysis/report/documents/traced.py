"""Single numbers beside R's own, each with the file, the row, the function and the test it is held by."""

from collections.abc import Mapping
from importlib.resources import files

import pandas as pd

from analysis.report.page.content import Results
from analysis.report.page.record import short_place, source_of
from analysis.report.words.numbers import as_markdown
from analysis.stats.arrays import Frames

DIGITS = 6
"""Digits that are told: more than anyone needs to find the number, fewer than those in which two machines differ."""


def traced_numbers() -> pd.DataFrame:
    """What is traced: number; file, row and column here and in R; function; test."""
    with files(__package__).joinpath("traced_numbers.csv").open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype=str, keep_default_na=False)


def traced_frame(results: Results, reference: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`traced_numbers` with the numbers themselves, here and R's, in the columns ``here`` and ``R``.

    Parameters
    ----------
    results : whose frames of the fit, shapes and referee stages.
    reference : R's tables by their path.
    """
    frames: Frames = {**results.estimates, "referee": results.referee}
    table = traced_numbers()
    here = [number_of(frames[row.file], row.query, row.column) for row in table.itertuples()]
    theirs = [number_of(reference[row.r_file], row.r_query, row.r_column) for row in table.itertuples()]
    return table.assign(here=here, R=theirs)


def number_of(frame: pd.DataFrame, query: str, column: str) -> float:
    """The number in a column of the one row that a query finds.

    Raises
    ------
    LookupError : none or several rows are found.
    """
    rows = frame.query(query)
    if len(rows) != 1:
        raise LookupError(f"{query}: found {len(rows)} rows, expected one.")
    return float(rows[column].iloc[0])


def _short(function: str) -> str:
    return short_place(function.replace(":", "."))


def traced_markdown(results: Results, reference: Mapping[str, pd.DataFrame]) -> str:
    """`traced_frame` as a Markdown table with links."""
    told = [
        {
            "number": row.number,
            "here": f"{row.here:.{DIGITS}g}",
            "R": f"{row.R:.{DIGITS}g}",
            "file and row": f"[{row.file}.csv](../data/processed/estimates/{row.file}.csv): `{row.query}`",
            "function": f"[{_short(row.function)}](../{source_of(row.function.replace(':', '.'))})",
            "test": f"[{row.test.removeprefix('tests/')}](../{row.test})",
            "R's file": f"[{row.r_file.removeprefix('tests/reference/')}](../{row.r_file})",
        }
        for row in traced_frame(results, reference).itertuples()
    ]
    return as_markdown(pd.DataFrame(told).set_index("number"))
