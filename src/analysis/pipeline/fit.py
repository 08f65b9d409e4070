"""Stages ``fit`` and ``shapes``: from participants to estimates and to the verdict on each curve."""

import dataclasses

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.data.people.exclusions import code_columns, exclusion_reasons, read_codes
from analysis.data.source.reading import read_table
from analysis.data.synthetic.truth import read_truth
from analysis.dose_response.association import Association, estimate
from analysis.dose_response.characteristics import characteristics
from analysis.dose_response.frames import summarise, summarise_adequacy, summarise_quintiles
from analysis.dose_response.knots import knot_sensitivity
from analysis.dose_response.shape import summarise_shapes
from analysis.errors import naming
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import refuse_mixing, write_estimates
from analysis.stats.arrays import Frames
from analysis.study import BOOTSTRAP_REPLICATES, COVARIATES, MODELS, PRIMARY, Study
from analysis.validation.threshold import compare_with_threshold
from analysis.validation.variance import read_replicate_weights, side_by_side, variance_check

PLANTED_EXPOSURE = "magnesium_mg"


def fit_models(folders: Folders) -> Frames:
    """Stage ``fit``: the crude model and models 1-3, their tests, curves and checks, and the cohort; written as CSV."""
    people, provenance = read_participants(folders)
    refuse_mixing(folders, provenance)
    found = _fitted(people)
    results = summarise_adequacy(summarise(found, people), found)
    results |= {
        "quintiles": summarise_quintiles(found, people),
        "characteristics": characteristics(people, PRIMARY),
        "characteristics_by_quintile": characteristics(people, PRIMARY, by="quintile"),
    }
    results["flow_reasons"] = _reasons(folders, people, found)
    if provenance.synthetic and PRIMARY.exposure == PLANTED_EXPOSURE:
        results["planted"] = _planted_curve(folders, results["odds_ratio_curve"]["x"], found[0].reference)
    if not provenance.synthetic:
        results["published_threshold"] = compare_with_threshold(people)
        replicate_weights = read_replicate_weights(folders.registry(), folders.raw)
        results["variance"] = variance_check(people, replicate_weights)
        results["variance_side_by_side"] = side_by_side(results["variance"])
    write_estimates(folders, results, provenance)
    return results


def examine_shapes(folders: Folders, *, replicates: int = BOOTSTRAP_REPLICATES, jobs: int = 1) -> Frames:
    """Stage ``shapes``: is it a U, model by model, and how the answer depends on the knots; written as CSV.

    Parameters
    ----------
    replicates : of the design bootstrap.
    jobs : workers; no number depends on them.
    """
    people, provenance = read_participants(folders)
    refuse_mixing(folders, provenance)
    found = _fitted(people)
    results = summarise_shapes(found, replicates=replicates, jobs=jobs)
    primary = next(association for association in found if association.study == PRIMARY)
    knots, curves = knot_sensitivity(primary, replicates=replicates, jobs=jobs, progress="varying the knots")
    results |= {"knots": knots, "knot_curves": curves}
    write_estimates(folders, results, provenance)
    return results


def _fitted(people: pd.DataFrame) -> list[Association]:
    found = []
    for study in tqdm(_studies(), desc="fitting", unit="model", disable=None, leave=False):
        with naming(f"model {study.model}"):
            found.append(estimate(people, study))
    return found


def _reasons(folders: Folders, people: pd.DataFrame, found: list[Association]) -> pd.DataFrame:
    """Why people left at each step of each model's flow."""
    registry = folders.registry()
    tables = {
        name: read_table(registry, folders.raw, name, columns=list(columns)) for name, columns in code_columns().items()
    }
    codes = read_codes(tables)
    parts = [exclusion_reasons(people, codes, one.study, one.cohort).assign(model=one.study.model) for one in found]
    return pd.concat(parts, ignore_index=True)[["model", "step", "reason", "n"]]


def _studies() -> list[Study]:
    """The primary study under each model that its exposure is not a covariate of."""
    able = [model for model in MODELS if PRIMARY.exposure not in COVARIATES[model]]
    return [dataclasses.replace(PRIMARY, model=model) for model in able]


def _planted_curve(folders: Folders, x: pd.Series, reference: float) -> pd.DataFrame:
    """The curve a synthetic survey was made with, against the reference its cohort turned out to have."""
    truth = read_truth(folders.raw)
    points = np.unique(x)
    log_or = truth.log_odds_ratio(points, reference)
    return pd.DataFrame({"x": points, "log_or": log_or, "odds_ratio": np.exp(log_or), "nadir": truth.nadir_mg})
