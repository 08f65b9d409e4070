"""Stages ``audit`` and ``referee``: how much of a curve stands, and what decides it."""

import argparse
from dataclasses import replace

from tqdm import tqdm

from analysis.pipeline.audit import audit, audit_folder
from analysis.pipeline.column import column_name, column_notes
from analysis.pipeline.folders import folders_of
from analysis.pipeline.referee import referee
from analysis.pipeline.study_file import read_study
from analysis.study import PRIMARY, Study, StudyError


def run_audit(args: argparse.Namespace) -> None:
    """Vary everything that could defensibly be varied."""
    folders, studies = folders_of(args.data, args.figures), _audited(args)
    for note in column_notes(args.column) if args.column else ():
        tqdm.write(note)
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
