"""The stage ``estimate``: one study's answer. It loads no library of pictures, unless it is asked for one."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from functools import cache

import pandas as pd
from tqdm import tqdm

from analysis.dose_response.association import Association, estimate, refuse_unseen
from analysis.dose_response.frames import association_dict, named, round_intakes, tabulated_curve
from analysis.dose_response.modifiers import effect_modification, modifier_of
from analysis.dose_response.shape import shape_dict, shape_of
from analysis.errors import AnalysisError
from analysis.pipeline.folders import Folders, folders_of
from analysis.pipeline.participants import read_participants
from analysis.pipeline.study_file import FIELDS, read_study
from analysis.report.words import modifiers as modifiers_words
from analysis.report.words import terminal as terminal_words
from analysis.stats.arrays import plain_number
from analysis.study import PRIMARY, Study, StudyError


def run_estimate(args: argparse.Namespace) -> None:
    """Answer one study."""
    folders = folders_of(args.data, args.figures)
    study = _study(args)
    if args.by:
        _estimate_by(args, folders, study)
        return
    people, provenance = read_participants(folders)
    found = estimate(people, study)
    found.refuse_unseen(args.at)
    shape = cache(lambda: _shape_or_reason(found, args))  # takes seconds, and not everything needs it
    if args.format == "json":
        result = association_dict(found, data=provenance.source, at=args.at)
        result["shape"] = shape()
        tqdm.write(json.dumps(result, indent=2, default=plain_number))
    elif args.format == "csv":
        parts: dict[str, Callable[[], pd.DataFrame]] = {
            "curve": lambda: tabulated_curve(found, at=args.at),
            "coefficients": lambda: found.fit.to_frame(conf_level=study.conf_level),
            "tests": found.tests_frame,
            "shape": lambda: pd.DataFrame([shape()]),
        }
        part = parts[args.part]()
        tqdm.write(named(part, found).assign(data=provenance.source).to_csv(index=False, float_format="%.10g"), end="")
    else:
        points = args.at or list(round_intakes(found))
        tqdm.write(terminal_words.format_association(found, shape=shape(), points=points, source=provenance.source))
    if args.figure is not None:
        drawing = importlib.import_module("analysis.pipeline.draw")  # pictures take longer to load than to answer
        for path in drawing.draw_study(found, people, provenance, args.figure, shape=shape(), width=args.width):
            tqdm.write(str(path), file=sys.stderr)


def _study(args: argparse.Namespace) -> Study:
    """The study of the options, or of ``--study FILE`` without any."""
    asked = _study_of_options(args)
    if args.study is None:
        return asked
    both = [name for name in FIELDS if getattr(asked, name) != getattr(PRIMARY, name)]
    if both:
        raise StudyError(
            f"--study {args.study} with options for {', '.join(both)}: expected every choice in the file. Write them "
            "there."
        )
    return read_study(args.study)


def _study_of_options(args: argparse.Namespace) -> Study:
    return Study(
        exposure=args.exposure,
        outcome=args.outcome,
        weights=args.weights,
        knots=args.knots,
        knot_quantiles=args.knot_quantiles,
        knot_rule=args.knot_rule,
        model=args.model,
        cycles=tuple(args.cycles),
        where=args.where,
        extra_covariates=tuple(args.covariates),
        conf_level=args.conf_level,
        lonely_domain=args.lonely_domain,
    )


def _estimate_by(args: argparse.Namespace, folders: Folders, study: Study) -> None:
    """Answer one study in each level of a modifier."""
    if args.part == "shape":
        raise StudyError("--part shape with --by: the shape is told of one curve. Ask for a level with --where.")
    people, provenance = read_participants(folders)
    found = effect_modification(people, modifier_of(people, args.by), study=study)
    refuse_unseen(found.problem.setting.eligible, args.at)
    points = args.at or found.arms()
    if args.format == "json":
        tqdm.write(json.dumps(found.to_dict(data=provenance.source, at=points), indent=2, default=plain_number))
    elif args.format == "csv":
        parts: dict[str, Callable[[], pd.DataFrame]] = {
            "curve": lambda: found.curves(points),
            "coefficients": lambda: found.fit.to_frame(conf_level=study.conf_level),
            "tests": lambda: pd.DataFrame([found.test_row()]),
        }
        part = parts[args.part]().assign(by=found.modifier.label, study=study.slug, data=provenance.source)
        tqdm.write(part.to_csv(index=False, float_format="%.10g"), end="")
    else:
        tqdm.write(modifiers_words.format_modification(found, points=points, source=provenance.source))
    if args.figure is not None:
        drawing = importlib.import_module("analysis.pipeline.draw")
        for path in drawing.draw_modification(found, provenance, args.figure, width=args.width):
            tqdm.write(str(path), file=sys.stderr)


def _shape_or_reason(found: Association, args: argparse.Namespace) -> dict[str, object]:
    """The shape, or why these people cannot tell it: the curve stands without."""
    try:
        return shape_dict(shape_of(found, replicates=args.replicates, jobs=args.jobs, progress="bootstrap"))
    except AnalysisError as error:
        return {"verdict": None, "reason": str(error)}
