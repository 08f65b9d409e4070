"""Stage ``figures``: from estimates to drawings, each with its caption and the CSV of its numbers."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from analysis.dose_response.association import Association
from analysis.dose_response.frames import named, summarise
from analysis.dose_response.modifiers import EffectModification
from analysis.pipeline.drawings import write_drawing
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.results import read_audit, read_claims, read_estimates
from analysis.provenance import Provenance
from analysis.report.catalogue import audit_drawings, claim_drawings, dose_response, drawings, modification
from analysis.report.figures.width import Width
from analysis.stats.arrays import Frames
from analysis.study import condition_slug


def draw_figures(folders: Folders, *, width: Width = "two") -> list[Path]:
    """Stage ``figures``: every figure as PNG and SVG, each with its caption and the CSV of the numbers it shows.

    Those of the claims and of the audit too, whose own stages draw them first, where these have been run.

    Parameters
    ----------
    width : columns of a printed page; a figure that needs two is left out of those for one.

    Raises
    ------
    StageError : the fit or the shapes stage has not been run.
    """
    todo = drawings(*read_estimates(folders))
    for read, find in ((_read_answers, claim_drawings), (read_audit, audit_drawings)):
        try:
            todo |= find(*read(folders))
        except StageError:  # not run here, which nobody who asks for figures need have done
            continue
    able = {name: drawing for name, drawing in todo.items() if width in drawing.widths}
    written = []
    for name, drawing in tqdm(able.items(), desc="drawing", unit="figure", disable=None, leave=False):
        written += write_drawing(drawing, folders.figures, name, width=width)
    return written


def _read_answers(folders: Folders) -> tuple[Frames, Provenance]:
    """The claims' frames as their own stage draws them, without the column of where they come from."""
    frames, provenance = read_claims(folders)
    return {name: frame.drop(columns="data") for name, frame in frames.items()}, provenance


def draw_study(
    association: Association,
    frame: pd.DataFrame,
    provenance: Provenance,
    into: Path,
    *,
    shape: Mapping[str, object] | None = None,
    width: Width = "two",
) -> list[Path]:
    """Draw the dose-response curve of one study, with the CSV of its numbers, into a folder of the user's.

    Parameters
    ----------
    association, frame, provenance : the study's answer, the participants, and what they are made of.
    into : the folder.
    shape : of `analysis.dose_response.shape.shape_dict`, for the caption; left out if it has no verdict.
    width : columns of a printed page.
    """
    study = association.study
    results = summarise([association], frame)
    estimates = {name: result.assign(data=provenance.source) for name, result in results.items()}
    if shape is not None and shape["verdict"] is not None:
        estimates["shape"] = pd.DataFrame([{"model": study.model, **shape}])
    drawing = dose_response(estimates, provenance, model=study.model)
    numbers = {suffix: named(frame, association) for suffix, frame in drawing.numbers.items()}
    return write_drawing(
        dataclasses.replace(drawing, numbers=numbers), into, f"dose_response_{study.slug}", width=width
    )


def draw_modification(
    found: EffectModification, provenance: Provenance, into: Path, *, width: Width = "two"
) -> list[Path]:
    """Draw one study's curves within the levels of a modifier, with the CSV of their numbers, into a folder."""
    name = f"dose_response_{found.study.slug}-by-{condition_slug(found.modifier.name)}"
    return write_drawing(modification(found, provenance), into, name, width=width)
