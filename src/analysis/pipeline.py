"""The stages between the folders: cohort, fit, shapes, figures. This module alone reads and writes results.

data/raw/<cycle>/<TABLE>.xpt -> data/processed/participants.parquet -> data/processed/estimates/*.csv -> figures/
"""

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.associations import Association, estimate
from analysis.audit.results import ALWAYS_AUDITED, audit_frames, audit_tasks
from analysis.audit.runner import run_tasks
from analysis.characteristics import characteristics
from analysis.data import harmonise as harmonise_module
from analysis.data import vocabulary
from analysis.data.cohort import select_cohort
from analysis.data.harmonise import harmonise, needed_columns
from analysis.data.nhanes import read_table, receipts
from analysis.data.registry import Registry, registry_for
from analysis.data.synthetic import read_truth
from analysis.errors import AnalysisError
from analysis.estimates import Estimates, summarise, summarise_adequacy, summarise_quintiles
from analysis.files import replacing
from analysis.published import compare_with_published
from analysis.report.audit_drawings import AUDIT_FIGURES, audit_drawings
from analysis.report.drawings import Drawing, dose_response, drawings
from analysis.report.page import Provenance, save_figure
from analysis.shapes import REPLICATES, knot_sensitivity, summarise_shapes
from analysis.simulated_energy import simulate_energy_forms
from analysis.simulated_shapes import simulate_shapes
from analysis.simulation import simulate_coverage
from analysis.study import COVARIATES, MODELS, PRIMARY, Study
from analysis.variance_check import read_replicate_weights, side_by_side, variance_check

FITTED = ("flow", "models", "fits", "tests", "odds_ratio_curve", "prevalence", "quintiles", "calibration",
             "influence", "collinearity", "weights", "distribution", "characteristics")  # fmt: skip
"""What the fit stage writes for every survey."""

SHAPES = ("shape", "threshold", "knots", "knot_curves")
"""What the shapes stage writes."""

ESTIMATES = (*FITTED, *SHAPES)
"""What the figures stage reads."""

OF_REAL_FILES = ("published", "variance", "variance_side_by_side")
"""What the fit stage writes for the real files only: the literature's numbers and NCHS's own replicate weights."""

SIMULATED = ("coverage", "shapes", "nadirs", "energy_forms")
"""What the simulate stage writes."""

OF_ONE = ("distribution", "characteristics", "knots", "knot_curves")
"""Those about the cohort, which all models share, or about one model; the others name the model in each row."""

TESTS = {"overall": 2, "nonlinear": 2, "trend": 1, "goodness_of_fit": 1}
"""Tests of each model in tests.csv, and by how many methods."""

SYNTHETIC = "SYNTHETIC"
"""How the source of an invented survey begins."""

TEXT = {"model": str, "covariates": str, "where": str, "cycles": str, "knots": str, "placed": str}
"""Columns of estimates that could be taken for numbers, or are empty."""

TEXT_OF_AUDIT = {"model": str, "covariates": str, "cycle": str}

PLANTED_EXPOSURE = "magnesium_mg"


class StageError(AnalysisError):
    """A stage is asked for before the one it needs, or on a folder that is another survey's."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a run reads and writes: ``data`` holds raw/ and processed/, ``figures`` the drawings."""

    data: Path
    figures: Path

    @property
    def raw(self) -> Path:
        """Registered files as downloaded, with their receipts."""
        return self.data / "raw"

    @property
    def processed(self) -> Path:
        """Everything built from them."""
        return self.data / "processed"

    @property
    def participants(self) -> Path:
        """One row per interviewed person."""
        return self.processed / "participants.parquet"

    @property
    def estimates(self) -> Path:
        """Aggregate results."""
        return self.processed / "estimates"

    @property
    def simulation(self) -> Path:
        """What the simulate stage found on surveys of known truth."""
        return self.processed / "simulation"

    @property
    def is_synthetic(self) -> bool:
        """Whether the raw folder holds an invented survey, which brings a registry of its own."""
        return (self.raw / "registry").is_dir()

    def registry(self) -> Registry:
        """The registry that lies with the files, as a synthetic survey's does, or the committed one."""
        return registry_for(self.raw)


def build_participants(folders: Folders) -> pd.DataFrame:
    """Stage ``cohort``: read what the registry accepted, harmonise, write participants.parquet; returns the flow."""
    registry = folders.registry()
    needed = needed_columns()
    cache = folders.processed / "cache"
    read = {
        name: read_table(registry, folders.raw, name, columns=columns, cache=cache)
        for name, columns in tqdm(needed.items(), desc="reading", unit="table", disable=None, leave=False)
    }
    frame = harmonise(read)
    provenance = _provenance(folders, registry)
    with replacing(folders.participants) as part:
        frame.to_parquet(part)
    _write_text(folders.processed / "provenance.json", json.dumps(provenance, indent=2) + "\n")
    return select_cohort(frame, PRIMARY).flow


def read_participants(folders: Folders) -> tuple[pd.DataFrame, Provenance]:
    """Harmonised participants and what they are made of.

    Raises
    ------
    StageError : the cohort stage has not been run.
    """
    try:
        known = json.loads((folders.processed / "provenance.json").read_text())
        provenance, code = Provenance(str(known["source"]), known["synthetic"] is True), known["code"]
        frame = pd.read_parquet(folders.participants)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise StageError(
            f"no readable participants in {folders.processed} ({error.__class__.__name__}): run `make figures` or "
            "`python -m analysis cohort` first, or `make demo` for an invented survey."
        ) from None
    if code != _code_digest():
        raise StageError(
            f"the participants in {folders.processed} were built by another version of the harmonising code: run "
            "`make cohort` (or `python -m analysis cohort`), or `make demo` for the invented survey."
        )
    return frame, provenance


def fit_models(folders: Folders) -> Estimates:
    """Stage ``fit``: the crude model and models 1-3, their tests, curves and checks, and the cohort; written as CSV."""
    frame, provenance = read_participants(folders)
    found = [
        estimate(frame, study) for study in tqdm(_studies(), desc="fitting", unit="model", disable=None, leave=False)
    ]
    results = summarise_adequacy(summarise(found, frame), found)
    results |= {"quintiles": summarise_quintiles(found, frame), "characteristics": characteristics(frame, PRIMARY)}
    _refuse_mixing(folders, provenance)
    if provenance.synthetic and PRIMARY.exposure == PLANTED_EXPOSURE:
        results["planted"] = _planted_curve(folders, results["odds_ratio_curve"]["x"], found[0].reference)
    if not provenance.synthetic:
        results["published"] = compare_with_published(frame)
        replicate_weights = read_replicate_weights(folders.registry(), folders.raw, cache=folders.processed / "cache")
        results["variance"] = variance_check(frame, replicate_weights)
        results["variance_side_by_side"] = side_by_side(results["variance"])
    _write_estimates(folders, results, provenance)
    return results


def examine_shapes(folders: Folders, *, replicates: int = REPLICATES, jobs: int = 1) -> Estimates:
    """Stage ``shapes``: is it a U, model by model, and how the answer depends on the knots; written as CSV.

    Parameters
    ----------
    replicates : of the design bootstrap.
    jobs : workers; no number depends on them.
    """
    frame, provenance = read_participants(folders)
    _refuse_mixing(folders, provenance)
    found = [estimate(frame, study) for study in _studies()]
    results = summarise_shapes(found, replicates=replicates, jobs=jobs)
    primary = next(association for association in found if association.study == PRIMARY)
    knots, curves = knot_sensitivity(primary, replicates=replicates, jobs=jobs, progress="varying the knots")
    results |= {"knots": knots, "knot_curves": curves}
    _write_estimates(folders, results, provenance)
    return results


def audit(folders: Folders, *, jobs: int = 1, scheduler: str | None = None, fresh: bool = False) -> list[Path]:
    """Stage ``audit``: how much of the curve stands; tables written as audit_*.csv, and its figures.

    Parameters
    ----------
    jobs : processes; no number depends on them.
    scheduler : address of a dask scheduler whose workers do it instead.
    fresh : begin anew, though an earlier run of the same data and code was interrupted or finished.

    Returns
    -------
    Paths of the figures.

    Raises
    ------
    StageError, AuditError : the cohort stage has not been run; a run that stopped, whose finished tasks are kept.
    """
    frame, provenance = read_participants(folders)
    _refuse_mixing(folders, provenance)
    finished = run_tasks(
        audit_tasks(), frame, folder=folders.processed / "audit", jobs=jobs, scheduler=scheduler, fresh=fresh
    )
    frames = audit_frames(finished, frame)
    for stale in folders.estimates.glob("audit_*.csv"):  # of an earlier run, whose task may have found nothing now
        if stale.stem.removeprefix("audit_") not in frames:
            stale.unlink()
    _write_estimates(folders, {f"audit_{name}": found for name, found in frames.items()}, provenance)
    written, drawings = [], audit_drawings(read_audit(folders)[0], provenance)
    for name in AUDIT_FIGURES:
        if name in drawings:
            written += _write_drawing(drawings[name], folders.figures, name)
        else:  # a figure of an earlier run would pass for this one's
            for stale in folders.figures.glob(f"{name}*"):
                stale.unlink()
    return written


def read_audit(folders: Folders) -> tuple[Estimates, Provenance]:
    """Tables of the audit stage as written, without the ``audit_`` of their names, and what they are made of.

    Raises
    ------
    StageError : the audit stage has not been run.
    """
    try:
        paths = sorted(folders.estimates.glob("audit_*.csv"))
        read = {path.stem.removeprefix("audit_"): pd.read_csv(path, dtype=TEXT_OF_AUDIT) for path in paths}
        missing = [name for name in ALWAYS_AUDITED if name not in read]
        if missing:
            raise LookupError(f"audit_{missing[0]}.csv")
        source = str(read["specifications"]["data"].iloc[0])
    except (OSError, ValueError, LookupError) as error:
        raise StageError(
            f"no readable audit in {folders.estimates} ({error.__class__.__name__}): run `make audit` or "
            "`python -m analysis audit` first."
        ) from None
    return read, Provenance(source, source.startswith(SYNTHETIC))


def simulate(folder: Path, *, surveys: int, seed: int, jobs: int) -> Estimates:
    """Stage ``simulate``: how often intervals, tests and verdict are right on invented surveys; written as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder):  # a folder that cannot be written is found out now, not at the end
        pass
    rates, nadirs = simulate_shapes(surveys=surveys, seed=seed, jobs=jobs)
    coverage = simulate_coverage(surveys=surveys, seed=seed, jobs=jobs)
    energy = simulate_energy_forms(surveys=surveys, seed=seed, jobs=jobs)
    results = {"coverage": coverage, "shapes": rates, "nadirs": nadirs, "energy_forms": energy}
    for name, result in results.items():
        _write_csv(result.assign(data=f"{SYNTHETIC} surveys, seed {seed}"), folder / f"{name}.csv")
    return results


def _studies() -> list[Study]:
    """The primary study under each model that its exposure is not a covariate of."""
    able = [model for model in MODELS if PRIMARY.exposure not in COVARIATES[model]]
    return [dataclasses.replace(PRIMARY, model=model) for model in able]


def _write_estimates(folders: Folders, results: Estimates, provenance: Provenance) -> None:
    for name, result in results.items():
        _write_csv(result.assign(data=provenance.source), folders.estimates / f"{name}.csv")


def read_estimates(folders: Folders) -> tuple[Estimates, Provenance]:
    """Results of the fit and shapes stages as written, and what they are made of.

    Raises
    ------
    StageError : one of the stages has not been run.
    """
    try:
        read = {name: pd.read_csv(folders.estimates / f"{name}.csv", dtype=TEXT) for name in ESTIMATES}
        _check_estimates(read)
        read["models"] = read["models"].fillna({"covariates": "", "where": ""})
        read["collinearity"] = read["collinearity"].fillna({"terms": "", "warning": ""})
        read["knots"] = read["knots"].fillna({"knot_quantiles": "", "placed": "", "verdict": "", "detail": ""})
        read["characteristics"] = read["characteristics"].fillna({"level": ""})
    except (OSError, ValueError, LookupError) as error:
        raise StageError(
            f"no readable estimates in {folders.estimates} ({error.__class__.__name__}): run `make figures` or "
            "`python -m analysis fit` and `shapes` first, or `make demo` for an invented survey."
        ) from None
    source = str(read["models"]["data"].iloc[0])
    provenance = Provenance(source, source.startswith(SYNTHETIC))
    for extra in ("planted",) if provenance.synthetic else OF_REAL_FILES:
        if (folders.estimates / f"{extra}.csv").exists():
            read[extra] = pd.read_csv(folders.estimates / f"{extra}.csv")
    return read, provenance


def read_simulation(folders: Folders) -> Estimates:
    """Tables of the simulate stage in the data folder: coverage, shapes, nadirs; none if it was not run there."""
    paths = {name: folders.simulation / f"{name}.csv" for name in SIMULATED}
    if not all(path.exists() for path in paths.values()):
        return {}
    return {name: pd.read_csv(path) for name, path in paths.items()}


def _check_estimates(read: Estimates) -> None:
    """Refuse files that were cut or edited: every table has rows and its source, all name the same models."""
    models = set(read["models"]["model"])
    for name, frame in read.items():
        if frame.empty or frame["data"].isna().any():
            raise ValueError(f"{name}.csv has no rows, or rows without a source")
        if name not in OF_ONE and set(frame["model"]) != models:
            raise ValueError(f"{name}.csv is not about the models of models.csv")
    every = read["tests"].groupby("model")["test"].value_counts()
    if any(every[model].to_dict() != TESTS for model in models):
        raise ValueError(f"tests.csv does not hold each model's tests {', '.join(TESTS)}")


def draw_figures(folders: Folders) -> list[Path]:
    """Stage ``figures``: every figure as PNG and SVG, each with the CSV of the numbers it shows."""
    estimates, provenance = read_estimates(folders)
    todo = drawings(estimates, provenance)
    written = []
    for name, drawing in tqdm(todo.items(), desc="drawing", unit="figure", disable=None, leave=False):
        written += _write_drawing(drawing, folders.figures, name)
    return written


def draw_study(
    association: Association,
    frame: pd.DataFrame,
    provenance: Provenance,
    into: Path,
    *,
    shape: Mapping[str, object] | None = None,
) -> list[Path]:
    """Draw the dose-response curve of one study, with the CSV of its numbers, into a folder of the user's.

    Parameters
    ----------
    association, frame, provenance : the study's answer, the participants, and what they are made of.
    into : the folder.
    shape : of `analysis.shapes.shape_dict`, for the caption; left out if it has no verdict.
    """
    study = association.study
    results = summarise([association], frame)
    estimates = {name: result.assign(data=provenance.source) for name, result in results.items()}
    if shape is not None and shape["verdict"] is not None:
        estimates["shape"] = pd.DataFrame([{"model": study.model, **shape}])
    drawing = dose_response(estimates, provenance, model=study.model)
    return _write_drawing(drawing, into, f"dose_response_{study.slug}")


def _write_drawing(drawing: Drawing, folder: Path, name: str) -> list[Path]:
    """Save under a temporary name, then move: an interrupted run leaves the old figure whole."""
    figure = drawing.draw()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        written = [path.replace(folder / path.name) for path in save_figure(figure, Path(part) / name)]
    for suffix, frame in drawing.numbers.items():
        _write_csv(frame, folder / f"{name}{suffix}.csv")
    return written


def _provenance(folders: Folders, registry: Registry) -> dict[str, object]:
    """What the participants are made of: files by digest, tables accepted though revised, and the harmonising code."""
    accepted = receipts(registry, folders.raw, list(needed_columns()))
    revised = [receipt.table for receipt in accepted if receipt.revised]
    source = f"{registry.source}; revised tables accepted: {', '.join(revised)}" if revised else registry.source
    return {
        "source": source,
        "synthetic": registry.synthetic,
        "revised": revised,
        "code": _code_digest(),
        "files": {receipt.table: receipt.sha256 for receipt in accepted},
    }


def _code_digest() -> str:
    """Digest of the modules that decide what a harmonised column holds."""
    sources = [Path(str(module.__file__)).read_bytes() for module in (harmonise_module, vocabulary)]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _refuse_mixing(folders: Folders, provenance: Provenance) -> None:
    """Real and invented results never take each other's place."""
    try:
        source = str(pd.read_csv(folders.estimates / "models.csv")["data"].iloc[0])
    except (OSError, ValueError, LookupError):
        return
    if source.startswith(SYNTHETIC) != provenance.synthetic:
        raise StageError(
            f"{folders.estimates} holds results of {source}, these would be of {provenance.source}: expected another "
            "folder. Name one with --data."
        )


def _planted_curve(folders: Folders, x: pd.Series, reference: float) -> pd.DataFrame:
    """The curve a synthetic survey was made with, against the reference its cohort turned out to have."""
    truth = read_truth(folders.raw)
    points = np.unique(x)
    log_or = truth.log_odds_ratio(points, reference)
    return pd.DataFrame({"x": points, "log_or": log_or, "odds_ratio": np.exp(log_or), "nadir": truth.nadir_mg})


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Ten significant digits: more than anyone reads, few enough to be the same on every machine."""
    _write_text(path, frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text)
