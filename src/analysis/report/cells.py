"""What a result shows of itself in a notebook cell: paragraphs and tables, as text and as HTML; never a drawing."""

import html
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.provenance import Provenance
from analysis.stats.disclosure import Discreet

MOST_ROWS = 20
"""Rows of a table that are shown; of more, the first and the last."""


@dataclass(frozen=True, slots=True, repr=False)
class Cell(Discreet):
    """What is shown.

    Attributes
    ----------
    paragraphs : sentences above the tables.
    tables : frames of words and rounded numbers by title, which may be empty; their index is not shown.
    """

    paragraphs: Sequence[str]
    tables: Mapping[str, pd.DataFrame]


class Shown(ABC):
    """Base of a view: it shows the same in a notebook and in a terminal, there in fewer than 40 lines.

    It stands before the plain result among a view's bases, whose line it replaces.
    """

    __slots__ = ()

    @abstractmethod
    def _cell(self) -> Cell:
        """What there is to show, which may take no longer than a curve does."""

    def __repr__(self) -> str:
        return as_text(self._cell())

    def _repr_html_(self) -> str:
        return as_html(self._cell())


def as_text(cell: Cell) -> str:
    """Paragraphs, then each table below its title."""
    tables = [f"{title}\n{_cut(table).to_string(index=False)}".strip("\n") for title, table in cell.tables.items()]
    return "\n\n".join(["\n".join(cell.paragraphs), *tables])


def as_html(cell: Cell) -> str:
    """The same; words that a study brings along cannot break the page."""
    parts = [f"<p>{html.escape(words)}</p>" for words in cell.paragraphs]
    for title, table in cell.tables.items():
        parts.append(f"<p><b>{html.escape(title)}</b></p>" if title else "")
        # Sentences are longer than what pandas shows of a cell.
        with pd.option_context("display.max_colwidth", None):
            parts.append(_cut(table).to_html(index=False, border=0))
    return "\n".join(filter(None, parts))


def source_words(provenance: Provenance | None) -> str:
    """The sentence that says what the data are, of invented people that they are; none where it is not known."""
    return f" Data: {provenance.source}." if provenance else ""


def _cut(table: pd.DataFrame) -> pd.DataFrame:
    if len(table) <= MOST_ROWS:
        return table
    half = MOST_ROWS // 2
    left_out = pd.DataFrame([["..."] * table.shape[1]], columns=table.columns)
    return pd.concat([table.iloc[:half].astype(object), left_out, table.iloc[-half:].astype(object)])
