"""The command line: ``python -m analysis <stage>``.

argparse from the standard library, because ``--cycles 1999 2001`` (several values after one option) is what a reader
expects to type and the popular alternatives do not offer it.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import get_args

import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.associations import Association, estimate
from analysis.data.harmonise import needed_columns
from analysis.data.nhanes import fetch
from analysis.data.synthetic import write_survey
from analysis.data.vocabulary import NUTRIENT_COLUMNS
from analysis.errors import AnalysisError, expected_one_of
from analysis.estimates import association_dict, round_intakes, tabulated_curve
from analysis.pipeline import (
    Folders,
    StageError,
    audit,
    build_participants,
    draw_figures,
    draw_study,
    examine_shapes,
    fit_models,
    read_estimates,
    read_participants,
    simulate,
)
from analysis.report import tables
from analysis.shapes import REPLICATES, shape_dict, shape_of
from analysis.study import (
    CYCLES,
    KNOT_NUMBERS,
    OUTCOMES,
    PRIMARY,
    KnotQuantiles,
    LonelyDomain,
    Model,
    Outcome,
    Study,
    Weights,
)

RESUMABLE = ("fetch", "audit")
"""Stages of many tasks, each of which is kept as it finishes."""

DICTIONARY = "data/processed/README.md"
"""Where every harmonised column is described."""

DRAWINGS = (".png", ".svg", ".pdf")
"""Endings of a drawing's name, which a folder for drawings should not have."""

DEMO_SEED = 1
DEMO_REPLICATES = 200
"""Enough to see a bootstrap at work; the real files get five times as many."""


def run_fetch(args: argparse.Namespace) -> None:
    """Download, verify and record what is missing."""
    folders = _folders(args)
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
    folders = _folders(args)
    flow = build_participants(folders)
    print(f"{folders.participants}: {flow['n'].iloc[0]:,} people, {flow['n'].iloc[-1]:,} in the primary cohort")


def run_fit(args: argparse.Namespace) -> None:
    """Fit the crude model and models 1-3."""
    folders = _folders(args)
    results = fit_models(folders)
    print(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")


def run_shapes(args: argparse.Namespace) -> None:
    """Ask whether the curves are U-shaped."""
    folders = _folders(args)
    results = examine_shapes(folders, replicates=args.replicates, jobs=args.jobs)
    for row in results["shape"].itertuples():
        print(f"{tables.MODEL_NAMES[row.model]}: {row.verdict}")
    print(f"{folders.estimates}: {', '.join(f'{name}.csv' for name in results)}")


def run_audit(args: argparse.Namespace) -> None:
    """Vary everything that could defensibly be varied."""
    folders = _folders(args)
    for path in audit(folders, jobs=args.jobs, scheduler=args.scheduler, fresh=args.fresh):
        print(path)
    print(f"Tables: {folders.estimates}/audit_*.csv")


def run_simulate(args: argparse.Namespace) -> None:
    """Try intervals, tests and verdict on surveys whose truth is known."""
    for name in simulate(args.out, surveys=args.surveys, seed=args.seed, jobs=args.jobs):
        print(args.out / f"{name}.csv")


def run_figures(args: argparse.Namespace) -> None:
    """Draw the figures from the estimates."""
    for path in draw_figures(_folders(args)):
        print(path)


def run_demo(args: argparse.Namespace) -> None:
    """Invent a survey with a known truth and run every stage on it."""
    folders = Folders(args.data, args.data / "figures")
    if folders.raw.is_dir() and not folders.is_synthetic:
        raise StageError(f"{folders.raw} is not an invented survey's: expected a folder of its own, such as data/demo.")
    # A run that is interrupted while it invents must know the folder as its own when it is run again.
    (folders.raw / "registry").mkdir(parents=True, exist_ok=True)
    print("Inventing a survey (SYNTHETIC: no record of a real person is in it) ...", flush=True)
    registry = write_survey(folders.raw, seed=args.seed, progress=sys.stderr.isatty())
    fetch(registry, folders.raw, tables=list(needed_columns()))
    build_participants(folders)
    fit_models(folders)
    examine_shapes(folders, replicates=DEMO_REPLICATES, jobs=os.cpu_count() or 1)
    written = draw_figures(folders)
    estimates, provenance = read_estimates(folders)
    print(f"\n{provenance.source}: {tables.answer(estimates)}\n")
    print(f"The planted truth: {tables.planted(estimates)}\n")
    print("Figures, each with the CSV of its numbers beside it:")
    for path in written:
        print(f"  {path}")
    print(f"Tables: {folders.estimates}")
    print("This was made from invented data. `make figures` does the same with the real NHANES files.")


def run_estimate(args: argparse.Namespace) -> None:
    """Answer one study."""
    folders = _folders(args)
    frame, provenance = read_participants(folders)
    study = Study(
        exposure=args.exposure,
        outcome=args.outcome,
        weights=args.weights,
        knots=args.knots,
        knot_quantiles=args.knot_quantiles,
        model=args.model,
        cycles=tuple(args.cycles),
        where=args.where,
        extra_covariates=tuple(args.covariates),
        conf_level=args.conf_level,
        lonely_domain=args.lonely_domain,
    )
    found = estimate(frame, study)
    found.refuse_unseen(args.at)
    shape = cache(lambda: _shape_or_reason(found, args))  # takes seconds, and not everything needs it
    if args.format == "json":
        result = association_dict(found, data=provenance.source, at=args.at)
        result["shape"] = shape()
        print(json.dumps(result, indent=2, default=_plain))
    elif args.format == "csv":
        parts: dict[str, Callable[[], pd.DataFrame]] = {
            "curve": lambda: tabulated_curve(found, at=args.at),
            "coefficients": lambda: found.fit.to_frame(conf_level=study.conf_level),
            "tests": found.tests_frame,
            "shape": lambda: pd.DataFrame([shape()]),
        }
        part = parts[args.part]()
        print(part.assign(data=provenance.source).to_csv(index=False, float_format="%.10g"), end="")
    else:
        points = args.at or list(round_intakes(found))
        print(tables.format_association(found, shape=shape(), points=points, source=provenance.source))
    if args.figure is not None:
        for path in draw_study(found, frame, provenance, args.figure, shape=shape()):
            print(path, file=sys.stderr)


def _shape_or_reason(found: Association, args: argparse.Namespace) -> dict[str, object]:
    """The shape, or why these people cannot tell it: the curve stands without."""
    try:
        return shape_dict(shape_of(found, replicates=args.replicates, jobs=args.jobs, progress="bootstrap"))
    except AnalysisError as error:
        return {"verdict": None, "reason": str(error)}


def _nutrient(text: str) -> str:
    if text not in NUTRIENT_COLUMNS:
        raise argparse.ArgumentTypeError(f"{text}: {expected_one_of(text, list(NUTRIENT_COLUMNS))}")
    return text


def _intake(text: str) -> float:
    """A possible intake: a finite number, not negative."""
    value = _number(text, "a number; several are parted by spaces, as in --at 100 200")
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is no intake: expected a number from 0 on")
    return value


def _level(text: str) -> float:
    return _number(text, "a number between 0 and 1, such as 0.95")


def _number(text: str, expected: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected {expected}") from None


def _cycle(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text}: expected the first years of cycles, of {', '.join(map(str, CYCLES))}, parted by spaces"
        )
    return int(text)


def _knots(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: expected a number of knots, of {', '.join(map(str, KNOT_NUMBERS))}")
    return int(text)


def _drawing_folder(text: str) -> Path:
    """A folder, there or not: a drawing's own name would become a folder of that name."""
    path = Path(text)
    if path.suffix.lower() in DRAWINGS or path.is_file():
        raise argparse.ArgumentTypeError(
            f"{text}: expected a folder, such as {path.parent / 'drawings'}; the drawings in it get their names from "
            "the study"
        )
    return path


def _seed(text: str) -> int:
    return _whole(text, 0)


def _positive(text: str) -> int:
    return _whole(text, 1)


def _replicates(text: str) -> int:
    return _whole(text, 2)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number from {least} on")
    return int(text)


def _plain(value: object) -> object:
    """Numpy scalars as the numbers they are."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _folders(args: argparse.Namespace) -> Folders:
    folders = Folders(args.data, args.figures or Path("figures"))
    return Folders(args.data, args.data / "figures") if folders.is_synthetic and not args.figures else folders


def build_parser() -> argparse.ArgumentParser:
    """The parser of every stage and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="Dietary magnesium and peripheral neuropathy in NHANES 1999-2004, stage by stage. "
        "`make` runs the stages in order and only where something has changed.",
    )
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    options = {
        "fetch": (run_fetch, _add_fetch_options, "download, verify and record the public NHANES files"),
        "cohort": (run_cohort, _add_folders, "harmonise the raw files: one row per person, cohort counted"),
        "fit": (run_fit, _add_folders, "fit the crude model and models 1-3, write the estimates"),
        "shapes": (run_shapes, _add_shape_options, "ask whether the curves are U-shaped: tests, low point, verdict"),
        "figures": (run_figures, _add_folders, "draw the figures from the estimates"),
        "demo": (run_demo, _add_demo_options, "invent a survey with a known truth and run every stage on it"),
        "estimate": (run_estimate, _add_estimate_options, "answer one study: any nutrient, outcome, model, subgroup"),
        "audit": (run_audit, _add_audit_options, "how much of the curve stands: 3,240 models, other exposures"),
        "simulate": (run_simulate, _add_simulate_options, "try intervals, tests and verdict on surveys of known truth"),
    }
    for name, (run, add_options, purpose) in options.items():
        stage = stages.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.",
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)  # fmt: skip
        stage.set_defaults(run=run)
        add_options(stage)
    return parser


def _add_folders(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--data", type=Path, default=Path("data"), help="folder that holds raw/ and processed/")
    stage.add_argument("--figures", type=Path, default=None,
                       help="folder for the drawings; by default figures, or DATA/figures if synthetic")  # fmt: skip


def _add_shape_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    _add_bootstrap_options(stage)


def _add_bootstrap_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--replicates", type=_replicates, default=REPLICATES,
                       help="of the design bootstrap; fewer than some hundred give rough intervals")  # fmt: skip
    stage.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="workers; no number depends on them")


def _add_audit_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1,
                       help="processes; no number depends on them")  # fmt: skip
    stage.add_argument("--scheduler", default=None, metavar="ADDRESS",
                       help="use the workers of this dask scheduler instead: tcp://10.0.0.1:8786")  # fmt: skip
    stage.add_argument("--fresh", action="store_true", help="do finished tasks again")


def _add_simulate_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--out", type=Path, default=Path("data/processed/simulation"), help="folder for the tables")
    stage.add_argument("--surveys", type=_positive, default=1000, help="outcomes drawn for each curve")
    stage.add_argument("--seed", type=_seed, default=1, help="seed of everything that is invented")
    stage.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1,
                       help="processes; no number depends on them")  # fmt: skip


def _add_fetch_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--url", default=None,
                       help="server, mirror or file:// folder, up to and including .../Public, instead of the CDC's; "
                       "also read from NHANES_URL")  # fmt: skip
    stage.add_argument("--needed", action="store_true", help="only the tables that the figures need (105 MB of 580 MB)")
    stage.add_argument("--tables", nargs="+", default=None, metavar="TABLE", help="only these tables")
    stage.add_argument("--accept-revised", nargs="+", default=[], metavar="TABLE",
                       help="go on with these tables though they were revised; every output says so")  # fmt: skip
    stage.add_argument("--jobs", type=_positive, default=4, help="downloads at a time")


def _add_demo_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--data", type=Path, default=Path("data/demo"), help="folder of the invented survey")
    stage.add_argument("--seed", type=_seed, default=DEMO_SEED, help="seed of the invented survey")


def _add_estimate_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--exposure", default=PRIMARY.exposure, type=_nutrient, metavar="NUTRIENT",
                       help=f"one of {', '.join(NUTRIENT_COLUMNS)}")  # fmt: skip
    rules = "; ".join(f"{name}: {rule}" for name, rule in OUTCOMES.items())
    stage.add_argument("--outcome", default=PRIMARY.outcome, choices=get_args(Outcome), help=f"neuropathy is, {rules}")
    stage.add_argument("--weights", default=PRIMARY.weights, choices=get_args(Weights), help="survey weight")
    stage.add_argument("--knots", type=_knots, default=PRIMARY.knots, choices=KNOT_NUMBERS, help="knots of the spline")
    stage.add_argument("--knot-quantiles", default=PRIMARY.knot_quantiles, choices=get_args(KnotQuantiles),
                       help="knots on quantiles of the cohort or, weighted, of the population")  # fmt: skip
    stage.add_argument("--model", default=PRIMARY.model, choices=get_args(Model), help="covariate set")
    stage.add_argument("--covariates", nargs="+", default=[], metavar="COLUMN",
                       help=f"harmonised columns to adjust for beside the model's own; {DICTIONARY} describes "
                       "them")  # fmt: skip
    stage.add_argument("--cycles", nargs="+", type=_cycle, default=list(CYCLES), choices=CYCLES,
                       help="first years of the cycles to pool")  # fmt: skip
    stage.add_argument("--where", default=None, metavar="CONDITION",
                       help="who, in harmonised columns: \"age_years >= 60 and sex == 'female'\"; "
                       f"{DICTIONARY} describes them")  # fmt: skip
    stage.add_argument("--at", nargs="+", type=_intake, default=[], metavar="X", help="intakes to give odds ratios at")
    stage.add_argument("--conf-level", type=_level, default=PRIMARY.conf_level, help="level of the intervals")
    stage.add_argument(
        "--lonely-domain",
        default=PRIMARY.lonely_domain,
        choices=get_args(LonelyDomain),
        help="stratum with people of the cohort in one PSU only: refuse, or keep its empty PSUs as zero, as R does",
    )
    stage.add_argument("--figure", type=_drawing_folder, default=None, metavar="DIR",
                       help="also draw the curve, with the CSV of its numbers, into this folder")  # fmt: skip
    stage.add_argument("--format", default="table", choices=["table", "csv", "json"], help="how to print the result")
    _add_bootstrap_options(stage)
    stage.add_argument("--part", default="curve", choices=["curve", "coefficients", "tests", "shape"],
                       help="what --format csv prints; json has all of it")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; a failure the user can act on becomes one message and a non-zero exit code."""
    args = build_parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end cleans up like Ctrl-C
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        # One BLAS thread: matrices of some ten columns are faster alone than with threads fighting over them.
        with threadpool_limits(limits=1, user_api="blas"):
            run(args)
        sys.stdout.flush()
    except AnalysisError as error:
        print(f"{args.stage}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, UnicodeEncodeError) as error:
        name, reason = getattr(error, "filename", None) or "a file", getattr(error, "strerror", None) or error
        print(
            f"{args.stage}: cannot read or write {name}: {reason}. Check that the folder exists, is writable and has "
            "space; nothing was left half-written.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"{args.stage}: interrupted. {_what_is_left(args)}", file=sys.stderr)
        return 130
    return 0


def _what_is_left(args: argparse.Namespace) -> str:
    """What an interrupted stage leaves behind, and how to go on."""
    if args.stage in RESUMABLE:
        again = "again without --fresh" if getattr(args, "fresh", False) else "the same command again"
        return f"What was finished is kept; run {again} to go on."
    if args.stage == "demo":
        return f"What it wrote until then stays in {args.data}; run it again: it begins anew and writes over that."
    if args.stage == "estimate" and args.figure is None:
        return "Nothing was changed; run it again from the start."
    return "No file is half-written, but some may be new beside older ones; run it again from the start."


if __name__ == "__main__":
    sys.exit(main())
