"""The options of every stage: what a person may type, and what is refused as it is typed."""

import argparse
import os
from pathlib import Path
from typing import get_args

from analysis.data.people.vocabulary import EXPOSURES
from analysis.report.figures.width import Width
from analysis.study import (
    BOOTSTRAP_REPLICATES,
    CYCLES,
    KNOT_NUMBERS,
    OUTCOMES,
    PRIMARY,
    KnotQuantiles,
    KnotRule,
    LonelyDomain,
    Model,
    Outcome,
    Weights,
)

DICTIONARY = "data/processed/README.md"
"""Where every harmonised column is described."""

TABLES = ("characteristics", "characteristics_by_quintile", "models", "claims", "published")
"""Tables to paste; `analysis.report.tables` has what is in them."""

TABLE_FORMS = ("html", "docx", "csv")

DRAWINGS = (".png", ".svg", ".pdf")
"""Endings of a drawing's name, which a folder for drawings should not have."""


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


def build_parser() -> argparse.ArgumentParser:
    """The parser of every stage and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="Dietary magnesium and peripheral neuropathy in NHANES 1999-2004, stage by stage. "
        "`make` runs the stages in order and only where something has changed.",
    )
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    options = {
        "fetch": (_add_fetch_options, "download, verify and record the public NHANES files"),
        "cohort": (_add_folders, "harmonise the raw files: one row per person, cohort counted"),
        "foods": (
            _add_folders,
            "read the recalled foods, one row each, held to the totals",
        ),
        "fit": (_add_folders, "fit the crude model and models 1-3, write the estimates"),
        "shapes": (_add_shape_options, "ask whether the curves are U-shaped: tests, low point, verdict"),
        "figures": (_add_figure_options, "draw the figures from the estimates"),
        "demo": (_add_demo_options, "invent a survey with a known truth and run every stage on it"),
        "estimate": (_add_estimate_options, "answer one study: any nutrient, outcome, model, subgroup"),
        "claims": (_add_folders, "answer the article's further claims: adequacy, modifiers, recall error"),
        "published": (_add_published_options, "recompute what was published on the same people, printed beside ours"),
        "table": (_add_table_options, "write one table to paste: characteristics, models, claims, published"),
        "audit": (_add_study_audit_options, "how much of a curve stands: 4,725 models, other exposures; of any claim"),
        "referee": (_add_audit_options, "what decides the verdict: ends, under-reporters, recall error, missing data"),
        "report": (_add_report_options, "put everything that was found on one page of HTML, with an explorer"),
        "docs": (_add_docs_options, "renew what README and docs/ tell of the results, and make pages of docs/"),
        "simulate": (_add_simulate_options, "try intervals, tests and verdict on surveys of known truth"),
    }
    for name, (add_options, purpose) in options.items():
        stage = stages.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.",
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)  # fmt: skip
        add_options(stage)
    return parser


def _add_report_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("-o", "--out", type=Path, default=None, metavar="FILE",
                       help="the page; by default DATA/processed/report.html")  # fmt: skip


def _add_docs_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--root", type=Path, default=Path(), help="the project's folder, with README.md and docs/")


def _add_folders(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--data", type=Path, default=Path("data"), help="folder that holds raw/ and processed/")
    stage.add_argument("--figures", type=Path, default=None,
                       help="folder for the drawings; by default figures, or DATA/figures if synthetic")  # fmt: skip


def _add_figure_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    _add_width(stage)
    _add_jobs(stage)


def _add_jobs(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="workers; no number depends on them")


def _add_width(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--width", default="two", choices=get_args(Width),
                       help="columns of a page that a figure fills: one (85 mm, as its name says) or two")  # fmt: skip


def _add_shape_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    _add_bootstrap_options(stage)


def _add_bootstrap_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--replicates", type=_replicates, default=BOOTSTRAP_REPLICATES,
                       help="of the design bootstrap; fewer than some hundred give rough intervals")  # fmt: skip
    _add_jobs(stage)


def _add_table_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("name", choices=TABLES, metavar="NAME", help=f"one of {', '.join(TABLES)}")
    _add_folders(stage)
    stage.add_argument("--format", default=None, choices=TABLE_FORMS,
                       help="csv for numbers, html or docx for reading; by default what the file's name ends in, and "
                       "csv where it is printed")  # fmt: skip
    stage.add_argument("-o", "--output", type=Path, default=None, metavar="FILE",
                       help="file to write instead of printing; docx needs one")  # fmt: skip


def _add_published_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--study", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
                       help="instead, the published numbers of these TOML files of your own; docs/replications.md says "
                       "what is in one")  # fmt: skip
    stage.add_argument("-o", "--output", type=Path, default=None, metavar="FILE",
                       help="CSV file for what --study gives; by default beside the first file")  # fmt: skip


def _add_audit_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    _add_task_options(stage)


def _add_task_options(stage: argparse.ArgumentParser) -> None:
    """Who performs the tasks of a stage that goes on where it was interrupted."""
    stage.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1,
                       help="processes; no number depends on them")  # fmt: skip
    stage.add_argument("--scheduler", default=None, metavar="ADDRESS",
                       help="use the workers of this dask scheduler instead: tcp://10.0.0.1:8786")  # fmt: skip
    stage.add_argument("--fresh", action="store_true", help="do finished tasks again")


def _add_study_audit_options(stage: argparse.ArgumentParser) -> None:
    """Options of the audit, with its claims."""
    stage.description = (
        "How much of a dose-response curve stands. Without a claim, the primary study is audited, and its tables and "
        "page of words are written among the estimates. A claim is an exposure and an outcome, or a file with every "
        "choice: it is asked the same questions, the referee's among them, and gets its own folder, "
        "DATA/processed/audits/NAME, with tables, figures and a page of words, conclusions.md. Questions that a claim "
        "cannot be asked are named there with the reason. An interrupted run goes on where it was."
    )
    stage.add_argument("--exposure", nargs="+", action="extend", default=[], metavar="COLUMN",
                       help="one or several, each audited: phosphorus_mg, or another column of numbers "
                       f"({DICTIONARY})")  # fmt: skip
    stage.add_argument(
        "--outcome",
        default=None,
        choices=get_args(Outcome),
        help=f"by default {PRIMARY.outcome}; `estimate --help` says what each is",
    )
    stage.add_argument("--study", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
                       help="every choice of a study from this TOML file, as in data/studies")  # fmt: skip
    stage.add_argument("--column", type=Path, default=None, metavar="FILE",
                       help="CSV file with SEQN and one column of your own, whose empty cells are missing; it is then "
                       "the exposure, also of a file of --study that names none")  # fmt: skip
    _add_audit_options(stage)


def _add_simulate_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--out", type=Path, default=Path("data/processed/simulation"), help="folder for the tables")
    stage.add_argument("--surveys", type=_positive, default=1000, help="outcomes drawn for each curve")
    stage.add_argument("--seed", type=_seed, default=1, help="seed of everything that is invented")
    _add_task_options(stage)


def _add_fetch_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--url", default=None,
                       help="server, mirror or file:// folder, up to and including .../Public, instead of the CDC's; "
                       "also read from NHANES_URL")  # fmt: skip
    stage.add_argument("--needed", action="store_true", help="only the tables that the figures need (211 MB of 580 MB)")
    stage.add_argument("--tables", nargs="+", default=None, metavar="TABLE", help="only these tables")
    stage.add_argument("--accept-revised", nargs="+", default=[], metavar="TABLE",
                       help="go on with these tables though they were revised; every output says so")  # fmt: skip
    stage.add_argument("--jobs", type=_positive, default=4, help="downloads at a time")


def _add_demo_options(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--data", type=Path, default=Path("data/demo"), help="folder of the invented survey")
    stage.add_argument("--seed", type=_seed, default=1, help="seed of the invented survey")


def _add_estimate_options(stage: argparse.ArgumentParser) -> None:
    _add_folders(stage)
    stage.add_argument("--study", type=Path, default=None, metavar="FILE",
                       help="every choice of the study from this TOML file, as in data/studies")  # fmt: skip
    stage.add_argument("--exposure", default=PRIMARY.exposure, metavar="COLUMN",
                       help=f"one of {', '.join(EXPOSURES)}, or another column of numbers")  # fmt: skip
    rules = "; ".join(f"{name}: {rule}" for name, rule in OUTCOMES.items())
    stage.add_argument("--outcome", default=PRIMARY.outcome, choices=get_args(Outcome),
                       help="neuropathy, peripheral arterial disease (pad) or any lower-extremity disease (any_led) "
                       f"is, {rules}")  # fmt: skip
    stage.add_argument("--weights", default=PRIMARY.weights, choices=get_args(Weights), help="survey weight")
    stage.add_argument("--knots", type=_knots, default=PRIMARY.knots, choices=KNOT_NUMBERS, help="knots of the spline")
    stage.add_argument("--knot-quantiles", default=PRIMARY.knot_quantiles, choices=get_args(KnotQuantiles),
                       help="knots on quantiles of the cohort or, weighted, of the population")  # fmt: skip
    stage.add_argument("--knot-rule", default=PRIMARY.knot_rule, choices=get_args(KnotRule),
                       help="knots on quantiles of all or, as R's Hmisc, beyond values that many share")  # fmt: skip
    stage.add_argument("--model", default=PRIMARY.model, choices=get_args(Model), help="covariate set")
    stage.add_argument("--covariates", nargs="+", default=[], metavar="COLUMN",
                       help=f"harmonised columns to adjust for beside the model's own; {DICTIONARY} describes "
                       "them")  # fmt: skip
    stage.add_argument("--cycles", nargs="+", type=_cycle, default=list(CYCLES), choices=CYCLES,
                       help="first years of the cycles to pool")  # fmt: skip
    stage.add_argument("--where", default=None, metavar="CONDITION",
                       help="who, in harmonised columns: \"age_years >= 60 and sex == 'female'\"; "
                       f"{DICTIONARY} describes them")  # fmt: skip
    stage.add_argument("--by", nargs="+", default=[], metavar="FACTOR",
                       help="a curve for each level of a factor (sex), of a condition (\"egfr_ml_min_1_73m2 < 60\": no "
                       "and yes) or of several that exclude each other, and the test that they are one")  # fmt: skip
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
    _add_width(stage)
    stage.add_argument("--format", default="table", choices=["table", "csv", "json"], help="how to print the result")
    _add_bootstrap_options(stage)
    stage.add_argument("--part", default="curve", choices=["curve", "coefficients", "tests", "shape"],
                       help="what --format csv prints; json has all of it")  # fmt: skip
