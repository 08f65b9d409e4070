"""Stage ``claims``: answers to the article's further claims, as tables claims_*.csv."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from tqdm import tqdm

from analysis.claims.adequacy import intake_adequacy
from analysis.claims.arteries import arteries
from analysis.claims.causes import causes
from analysis.claims.depletion import depletion
from analysis.claims.foods import foods
from analysis.claims.modifiers import modifiers
from analysis.claims.recall import recall
from analysis.claims.supplements import supplements
from analysis.claims.verdicts import claim_by_claim
from analysis.errors import AnalysisError
from analysis.pipeline.folders import Folders
from analysis.pipeline.foods import read_foods
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import read_estimates, refuse_mixing, write_estimates

CLAIMS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "adequacy": intake_adequacy,
    "supplements": supplements,
    "modifiers": modifiers,
    "depletion": depletion,
    "causes": causes,
    "arteries": arteries,
    "recall": recall,
}
"""Question to the function of the participants that answers it, with a frame or a dataclass of frames. That about foods
takes the foods too."""


def answer_claims(folders: Folders) -> dict[str, str]:
    """Stage ``claims``: every question of `CLAIMS`; tables written as claims_*.csv, which the figures are drawn from.

    Returns
    -------
    Why a question has no answer here (a cohort without a second recall, say): its tables of an earlier run are removed.

    Raises
    ------
    StageError : the cohort stage has not been run, or the folder's results are another survey's.
    """
    people, provenance = read_participants(folders)
    refuse_mixing(folders, provenance)
    fitted, _ = read_estimates(folders)
    frames: dict[str, pd.DataFrame] = {}
    unanswered: dict[str, str] = {}
    asked: dict[str, Callable[[], Any]] = {name: partial(answer, people) for name, answer in CLAIMS.items()}
    asked["foods"] = lambda: foods(people, read_foods(folders))
    for name, answer in tqdm(asked.items(), desc="answering", unit="claim", disable=None, leave=False):
        try:
            frames |= frames_of(name, answer())
        except AnalysisError as error:
            unanswered[name] = str(error)
    try:
        frames["verdicts"] = claim_by_claim(fitted | frames)
    except AnalysisError as error:
        unanswered["verdicts"] = str(error)
    for stale in folders.estimates.glob("claims_*.csv"):
        if stale.stem.removeprefix("claims_") not in frames:
            stale.unlink()
    write_estimates(folders, {f"claims_{name}": frame for name, frame in frames.items()}, provenance)
    return unanswered


def frames_of(name: str, found: Any) -> dict[str, pd.DataFrame]:
    """Frames of an answer by name: its own, or of a dataclass its own and its field's."""
    if isinstance(found, pd.DataFrame):
        return {name: found}
    return {f"{name}_{field.name}": getattr(found, field.name) for field in dataclasses.fields(found)}
