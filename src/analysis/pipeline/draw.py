"""Stage ``figures``: from estimates to drawings, each with its caption and the CSV of its numbers."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis.dose_response.association import Association
from analysis.dose_response.frames import named, summarise
from analysis.dose_response.modifiers import EffectModification
from analysis.pipeline.drawings import write_drawing, write_drawings
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.results import read_audit, read_claims, read_estimates, read_published, read_referee
from analysis.provenance import Provenance
from analysis.report.catalogue import (
    AUDIT_FIGURES,
    CLAIM_FIGURES,
    Drawing,
    audit_drawings,
    claim_drawings,
    dose_response,
    drawings,
    modification,
    published_drawing,
    referee_drawing,
)
from analysis.report.figures.width import Width
from analysis.study import condition_slug


def draw_figures(folders: Folders, *, width: Width = "two", jobs: int = 1) -> list[Path]:
    """Stage ``figures``: every figure as PNG and SVG, each with its caption and the CSV of the numbers it shows.

    Those of the stages in `LATER` too, where these have been run.

    Parameters
    ----------
    width : columns of a printed page; a figure that needs two is left out of those for one.
    jobs : processes; no file depends on them.

    Raises
    ------
    StageError : the fit or the shapes stage has not been run.
    """
    todo = drawings(*read_estimates(folders))
    for stage in LATER:
        todo |= _drawings_of(folders, stage)
    able = {name: drawing for name, drawing in todo.items() if width in drawing.widths}
    return write_drawings(able, folders.figures, width=width, jobs=jobs)


def draw_stage(folders: Folders, stage: str, *, jobs: int = 1) -> list[Path]:
    """Draw the figures of one stage of `LATER` alone, as `draw_figures` does."""
    return write_drawings(_drawings_of(folders, stage), folders.figures, jobs=jobs)


def _drawings_of(folders: Folders, stage: str) -> dict[str, Drawing]:
    """Figures of a stage by name; none if it has not been run, which nobody who asks for figures need have done.

    A figure that an earlier run could draw and this one's tables cannot would pass for this one's: it is removed.
    """
    names, find = LATER[stage]
    try:
        found = find(folders)
    except StageError:
        if any(folders.estimates.glob(f"{stage}*.csv")):  # tables that were cut or edited say nothing of their figures
            return {}
        found = {}
    for name in set(names) - set(found):
        for stale in [*folders.figures.glob(f"{name}.*"), *folders.figures.glob(f"{name}_*")]:
            stale.unlink()
    return found


def _of_claims(folders: Folders) -> dict[str, Drawing]:
    frames, provenance = read_claims(folders, whole=False)
    return claim_drawings({name: frame.drop(columns="data") for name, frame in frames.items()}, provenance)


def _of_published(folders: Folders) -> dict[str, Drawing]:
    frames, provenance = read_published(folders)
    return {"published": published_drawing(frames["published"].drop(columns="data"), provenance)}


def _of_audit(folders: Folders) -> dict[str, Drawing]:
    return audit_drawings(*read_audit(folders))


def _of_referee(folders: Folders) -> dict[str, Drawing]:
    frames, provenance = read_referee(folders)
    return {"referee": referee_drawing({"referee": frames["referee"].drop(columns="data")}, provenance)}


LATER: dict[str, tuple[Iterable[str], Callable[[Folders], dict[str, Drawing]]]] = {
    "claims": (CLAIM_FIGURES, _of_claims),
    "published": (("published",), _of_published),
    "audit": (AUDIT_FIGURES, _of_audit),
    "referee": (("referee",), _of_referee),
}
"""Stage beyond fit and shapes to the names of its figures, and what gives those that its tables have numbers for."""


def draw_study(
    association: Association,
    people: pd.DataFrame,
    provenance: Provenance,
    into: Path,
    *,
    shape: Mapping[str, object] | None = None,
    width: Width = "two",
) -> list[Path]:
    """Draw the dose-response curve of one study, with the CSV of its numbers, into a folder of the user's.

    Parameters
    ----------
    association, people, provenance : the study's answer, the participants, and what they are made of.
    into : the folder.
    shape : of `analysis.dose_response.shape.shape_dict`, for the caption; left out if it has no verdict.
    width : columns of a printed page.
    """
    study = association.study
    results = summarise([association], people)
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
