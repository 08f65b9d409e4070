"""Stages ``claims`` and ``published``: the article's further claims, and what others printed about the same people."""

import argparse
import sys

from tqdm import tqdm

from analysis.pipeline.claims import answer_claims
from analysis.pipeline.folders import Folders, StageError, folders_of
from analysis.pipeline.published import compare_with_files, compare_with_studies
from analysis.report import tables
from analysis.report.words import published as published_words

TO_DRAW = "Figures of them are drawn by `python -m analysis figures`."


def run_claims(args: argparse.Namespace) -> None:
    """Answer the article's further claims."""
    folders = folders_of(args.data, args.figures)
    answer(folders)
    tqdm.write(f"Tables: {folders.estimates}/claims_*.csv")
    tqdm.write(TO_DRAW)


def answer(folders: Folders) -> None:
    """Answer the claims of the survey in some folders; what has no answer is said."""
    for name, reason in answer_claims(folders).items():
        tqdm.write(f"{name}: no answer here. {reason}", file=sys.stderr)


def run_published(args: argparse.Namespace) -> None:
    """Put the published numbers on the same people beside ours, or those of files of one's own."""
    folders = folders_of(args.data, args.figures)
    if args.study:
        numbers, provenance, path = compare_with_files(folders, args.study, output=args.output)
        table = tables.published({"published": numbers}, provenance)
        tqdm.write(table.cells.drop(columns="How").set_index(["section", "row"]).to_string(index_names=False))
        for sentence in (*published_words.agreement_sentences(numbers), str(path)):
            tqdm.write(sentence)
        return
    if args.output:
        raise StageError("-o without --study: the package's own replications are written among the estimates.")
    found = compare_with_studies(folders)
    tqdm.write(published_words.agreement_table(found["published"]).to_string())
    tqdm.write(published_words.misses_markdown(found["published"]))
    for told in published_words.stands_sentences(found["published_stands"]):
        tqdm.write(told)
    for name in found:
        tqdm.write(str(folders.estimates / f"{name}.csv"))
    tqdm.write(TO_DRAW)
