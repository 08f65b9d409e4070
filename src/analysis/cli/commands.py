"""What each stage of the command line does: read, compute, write, and say where the results are."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from analysis.cli.estimate import run_estimate
from analysis.cli.options import TABLE_FORMS
from analysis.data.foods.items import food_columns
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.data.synthetic.survey import write_survey
from analysis.pipeline.audit import audit, audit_folder
from analysis.pipeline.claims import answer_claims
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.column import column_name
from analysis.pipeline.documents import write_documents
from analysis.pipeline.draw import draw_figures
from analysis.pipeline.fit import examine_shapes, fit_models
from analysis.pipeline.folders import Folders, StageError, folders_of
from analysis.pipeline.foods import build_foods
from analysis.pipeline.published import compare_with_files, compare_with_studies
from analysis.pipeline.referee import referee
from analysis.pipeline.report import write_report
from analysis.pipeline.results import read_estimates
from analysis.pipeline.simulate import simulate
from analysis.pipeline.study_file import read_study
from analysis.pipeline.tables import read_printed, save_table, write_table
from analysis.report import tables
from analysis.report.words import numbers as numbers_words
from analysis.report.words import published as published_words
from analysis.report.words import study as study_words
from analysis.study import PRIMARY, Study, StudyError

DEMO_REPLICATES = 200
"""Enough to see a bootstrap at work; the real files get five times as many."""

TO_DRAW = "Figures of them are drawn by `python -m analysis figures`."


def run_stage(args: argparse.Namespace) -> None:
    """Run the stage that was asked for; errors as the stage's own."""
    stages: dict[str, Callable[[argparse.Namespace], None]] = {
        "fetch": run_fetch,
        "cohort": run_cohort,
        "foods": run_foods,
        "fit": run_fit,
        "shapes": run_shapes,
        "audit": run_audit,
        "referee": run_referee,
        "simulate": run_simulate,
        "figures": run_figures,
        "demo": run_demo,
        "estimate": run_estimate,
        "claims": run_claims,
        "published": run_published,
        "table": run_table,
        "report": run_report,
        "docs": run_docs,
    }
    # One BLAS thread: matrices of some ten columns are faster alone than with threads fighting over them.
    with threadpool_limits(limits=1, user_api="blas"):
        stages[args.stage](args)


def run_fetch(args: argparse.Namespace) -> None:
    """Download, verify and record what is missing."""
    folders = folders_of(args.data, args.figures)
    names = list(needed_columns()) if args.needed else None
    fetch(
        folders.registry(),
        folders.raw,
        url=args.url or os.environ.get("NHANES_URL") or None,
        tables=args.tables or names,
        accept_revised=args.accept_revised,
        jobs=args.jobs,
    )


def run_cohort(args: argparse.Namespace) -> None:
    """Harmonise the raw files and count the cohort."""
    folders = folders_of(args.data, args.figures)
    flow = build_participants(folders)
    tqdm.write(f"{folders.participants}: {flow['n'].iloc[0]:,} people, {flow['n'].iloc[-1]:,} in the primary cohort")


def run_foods(args: argparse.Namespace) -> None:
    """Read the single foods of the recalls and hold them to the totals."""
    folders = folders_of(args.data, args.figures)
    sums = build_foods(folders)
    tqdm.write(f"{folders.foods}: {sums['items'].sum():,} foods and drinks of {sums['people'].sum():,} reliable "
               "recalls, which add up to the totals")  # fmt: skip


def run_fit(args: argparse.Namespace) -> None:
    """Fit the crude model and models 1-3."""
    folders = folders_of(args.data, args.figures)
    results = fit_models(folders)
    tqdm.write(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")


def run_shapes(args: argparse.Namespace) -> None:
    """Ask whether the curves are U-shaped."""
    folders = folders_of(args.data, args.figures)
    results = examine_shapes(folders, replicates=args.replicates, jobs=args.jobs)
    for row in results["shape"].itertuples():
        tqdm.write(f"{numbers_words.MODEL_NAMES[row.model]}: {row.verdict}")
    tqdm.write(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")


def run_audit(args: argparse.Namespace) -> None:
    """Vary everything that could defensibly be varied."""
    folders, studies = folders_of(args.data, args.figures), _audited(args)
    options = {"jobs": args.jobs, "scheduler": args.scheduler, "fresh": args.fresh}
    for path in audit(folders, studies, column=args.column, **options):
        tqdm.write(str(path))
    for study in studies:
        tables = f"{folders.estimates}/audit_*.csv" if study == PRIMARY else f"{audit_folder(folders, study)}/*.csv"
        tqdm.write(f"Tables: {tables}")


def _audited(args: argparse.Namespace) -> tuple[Study, ...]:
    """The studies whose audit is asked for; the primary one if none is."""
    exposures = list(dict.fromkeys(args.exposure))
    own = None if args.column is None else column_name(args.column)
    if args.study and (exposures or args.outcome):
        raise StudyError("--study with --exposure or --outcome: expected every choice in the file.")
    if args.study and own is not None and len(args.study) > 1:
        raise StudyError("--column with several files of --study: expected one, whose exposure the column then is.")
    if args.study:
        return tuple(dict.fromkeys(read_study(path, exposure=own) for path in args.study))
    if own is not None:
        if exposures:
            raise StudyError("--column with --exposure: the column is the exposure. Leave one out.")
        exposures = [own]
    outcome = args.outcome or PRIMARY.outcome
    return tuple(replace(PRIMARY, exposure=one, outcome=outcome) for one in exposures or [PRIMARY.exposure])


def run_referee(args: argparse.Namespace) -> None:
    """Answer what a hostile referee asks."""
    folders = folders_of(args.data, args.figures)
    for path in referee(folders, jobs=args.jobs, scheduler=args.scheduler, fresh=args.fresh):
        tqdm.write(str(path))
    tqdm.write(f"Tables: {folders.estimates}/referee*.csv")


def run_claims(args: argparse.Namespace) -> None:
    """Answer the article's further claims."""
    folders = folders_of(args.data, args.figures)
    _answer(folders)
    tqdm.write(f"Tables: {folders.estimates}/claims_*.csv")
    tqdm.write(TO_DRAW)


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
    tqdm.write(published_words.misses_sentence(found["published"]))
    for told in published_words.stands_sentences(found["published_stands"]):
        tqdm.write(told)
    for name in found:
        tqdm.write(str(folders.estimates / f"{name}.csv"))
    tqdm.write(TO_DRAW)


def _answer(folders: Folders) -> None:
    """Answer the claims; what has no answer is said."""
    for name, reason in answer_claims(folders).items():
        tqdm.write(f"{name}: no answer here. {reason}", file=sys.stderr)


def run_simulate(args: argparse.Namespace) -> None:
    """Try intervals, tests and verdict on surveys whose truth is known."""
    options = {"jobs": args.jobs, "scheduler": args.scheduler, "fresh": args.fresh}
    for name in simulate(args.out, surveys=args.surveys, seed=args.seed, **options):
        tqdm.write(str(args.out / f"{name}.csv"))


def run_figures(args: argparse.Namespace) -> None:
    """Draw the figures from the estimates."""
    for path in draw_figures(folders_of(args.data, args.figures), width=args.width, jobs=args.jobs):
        tqdm.write(str(path))


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
    for path in write_documents(args.root):
        tqdm.write(str(path))


def run_demo(args: argparse.Namespace) -> None:
    """Invent a survey with a known truth and run every stage on it."""
    folders = Folders(args.data, args.data / "figures")
    if folders.raw.is_dir() and not folders.is_synthetic:
        raise StageError(f"{folders.raw} is not an invented survey's: expected a folder of its own, such as data/demo.")
    # A run that is interrupted while it invents must know the folder as its own when it is run again.
    (folders.raw / "registry").mkdir(parents=True, exist_ok=True)
    tqdm.write("Inventing a survey (SYNTHETIC: no record of a real person is in it) ...")
    registry = write_survey(folders.raw, seed=args.seed, progress=sys.stderr.isatty())
    fetch(registry, folders.raw, tables=[*needed_columns(), *food_columns()])
    tqdm.write("Reading its files ...")
    build_participants(folders)
    build_foods(folders)
    tqdm.write("Fitting the models ...")
    fit_models(folders)
    tqdm.write("Asking whether the curves are U-shaped ...")
    examine_shapes(folders, replicates=DEMO_REPLICATES, jobs=os.cpu_count() or 1)
    tqdm.write("Answering the claims ...")
    _answer(folders)
    tqdm.write("Drawing the figures ...")
    written = draw_figures(folders)
    estimates, provenance = read_estimates(folders)
    tqdm.write(f"\n{provenance.source}: {study_words.answer_sentence(estimates)}\n")
    tqdm.write(f"The planted truth: {study_words.planted(estimates)}\n")
    tqdm.write("Figures, each with the CSV of its numbers beside it:")
    for path in written:
        tqdm.write(f"  {path}")
    tqdm.write(f"Tables: {folders.estimates}")
    tqdm.write("This was made from invented data. `make figures` does the same with the real NHANES files.")
