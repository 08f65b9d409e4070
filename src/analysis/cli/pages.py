"""Stages ``table``, ``report`` and ``docs``: what was found as tables to paste, as one page, and in the documents."""

import argparse

from tqdm import tqdm

import analysis
import analysis.stats
from analysis.cli.options import TABLE_FORMS
from analysis.pipeline.documents import write_documents
from analysis.pipeline.folders import StageError, folders_of
from analysis.pipeline.report import write_report
from analysis.pipeline.tables import read_printed, save_table, write_table

DOORS = {"front door": analysis, "statistics": analysis.stats}
"""What the documents tell of what can be called."""


def run_table(args: argparse.Namespace) -> None:
    """Write one table to paste."""
    suffix = args.output.suffix.removeprefix(".").lower() if args.output else "csv"
    form = args.format or suffix
    if form not in TABLE_FORMS:
        raise StageError(
            f"-o {args.output}: expected a name that ends in .html, .docx or .csv; or say --format html, docx or csv."
        )
    if form == "docx" and args.output is None:
        raise StageError("a docx cannot be printed: expected a file, such as -o table.docx.")
    written = write_table(read_printed(folders_of(args.data, args.figures), args.name), form)
    if args.output is None:
        tqdm.write(written.decode(), end="")
        return
    tqdm.write(str(save_table(written, args.output)))


def run_report(args: argparse.Namespace) -> None:
    """Put everything that was found on one page."""
    tqdm.write(str(write_report(folders_of(args.data, args.figures), args.out)))


def run_docs(args: argparse.Namespace) -> None:
    """Renew the documents and make pages of them."""
    for path in write_documents(args.root, DOORS):
        tqdm.write(str(path))
