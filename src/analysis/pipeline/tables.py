"""Stage ``table``: one table as HTML, docx or CSV, made from the estimates.

CSV needs nothing beside the project's own libraries. HTML and docx need those of the extra ``tables``, which are loaded
here by name only: whoever pastes no table need not have them.
"""

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from analysis.errors import expected_one_of
from analysis.files import replacing
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.results import read_claims, read_estimates
from analysis.report.tables import TABLES, PrintedTable

LETTERS_PT = 8
"""Size of letters in a document: seven columns with their intervals fit across a page that lies on its side."""

MOST_UPRIGHT = 4
"""Columns that fit an upright page; with more it lies on its side."""

NEEDED_BY = {"great_tables": "HTML", "docx": "docx (python-docx)"}
"""What each library of the extra is for."""

INSTALL = "run `make tables`, or `pip install -r requirements-tables.lock` in the project's environment"


def read_printed(folders: Folders, name: str) -> PrintedTable:
    """A table by its name, from the estimates in the data folder.

    Raises
    ------
    StageError : no such table, none for an invented survey, or the stage that makes its estimates has not been run.
    """
    if name not in TABLES:
        raise StageError(f"{name}: {expected_one_of(name, list(TABLES))}")
    frames, provenance = read_claims(folders) if name == "claims" else read_estimates(folders)
    if name == "published" and name not in frames:
        raise StageError(
            f"no published.csv in {folders.estimates}: expected the real files, since nobody has published of an "
            "invented survey. Run `make published` or `python -m analysis published` on them first."
        )
    return TABLES[name](frames, provenance)


def write_table(table: PrintedTable, form: str) -> bytes:
    """A table as the content of a file.

    Parameters
    ----------
    table : of `read_printed`.
    form : ``html``, a page of its own; ``docx``; or ``csv``, numbers only, an empty cell for what is not told.

    Raises
    ------
    StageError : the form needs a library that is not installed.
    """
    return FORMS[form](table)


def save_table(written: bytes, path: Path) -> Path:
    """Put what `write_table` gave into a file, whole or not at all; give the file's path."""
    with replacing(path) as draft:
        draft.write_bytes(written)
    return path


def _as_csv(table: PrintedTable) -> bytes:
    return (
        table.numbers.assign(data=table.source).to_csv(index=False, float_format="%.10g", lineterminator="\n").encode()
    )


def _as_html(table: PrintedTable) -> bytes:
    great_tables = _library("great_tables")
    page = (
        great_tables.GT(table.cells, rowname_col="row", groupname_col="section", id="analysis")
        .tab_header(title=table.title)
        .cols_align("left", columns=list(table.cells.columns[2:]))
        .tab_options(table_font_size="13px", data_row_padding="3px", row_group_padding="4px")
        .tab_options(heading_title_font_size="15px", row_group_font_weight="bold")
    )
    for note in (f"Data: {table.source}.", *table.notes):
        page = page.tab_source_note(note)
    return str(page.as_raw_html(make_page=True)).encode()


def _as_docx(table: PrintedTable) -> bytes:
    docx = _library("docx")
    document, columns = docx.Document(), list(table.cells.columns[2:])
    # The library's template is written in its own name, and has no title.
    document.core_properties.title, document.core_properties.author = table.title, ""
    document.core_properties.comments = ""
    document.styles["Normal"].font.size = docx.shared.Pt(LETTERS_PT)
    page = document.sections[0]
    if len(columns) > MOST_UPRIGHT:
        page.orientation = docx.enum.section.WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = page.page_height, page.page_width
    page.left_margin = page.right_margin = docx.shared.Cm(2)
    document.add_paragraph().add_run(table.title).bold = True
    written = document.add_table(rows=0, cols=1 + len(columns), style="Light Shading")
    lines = [["", *columns]]
    for section, rows in table.cells.groupby("section", sort=False):
        lines += [[str(section)], *rows[["row", *columns]].astype(str).to_numpy().tolist()]
    for line in lines:
        _add_line(written, line)
    written._tbl.tblPr.find(docx.oxml.ns.qn("w:tblLook")).set(docx.oxml.ns.qn("w:noHBand"), "1")  # no grey bands
    head = written.rows[0]._tr.get_or_add_trPr()
    head.append(docx.oxml.OxmlElement("w:tblHeader"))  # the head stands on every page
    for note in (f"Data: {table.source}.", *table.notes):
        document.add_paragraph(note)
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def _add_line(written: Any, line: list[str]) -> None:
    """One row of a document's table; a single text is the head of a section and goes across."""
    cells = written.add_row().cells
    if len(line) == 1:
        cells[0].merge(cells[-1])
    for cell, text in zip(cells, line, strict=False):
        cell.text = text
        for run in cell.paragraphs[0].runs:
            run.bold = len(line) == 1 or len(written.rows) == 1  # the style would make every first cell bold


FORMS: dict[str, Callable[[PrintedTable], bytes]] = {"html": _as_html, "docx": _as_docx, "csv": _as_csv}


def _library(name: str) -> ModuleType:
    """A library of the extra, or what to do to have it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        raise StageError(
            f"no library {missing.name}, which {NEEDED_BY[name]} needs: {INSTALL}; CSV needs none."
        ) from None
