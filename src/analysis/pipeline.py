"""The stages between the folders: cohort, fit, figures, demo. This module alone writes results.

data/raw/<cycle>/<TABLE>.xpt -> data/processed/participants.parquet -> data/processed/estimates/*.csv -> figures/
"""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from analysis.associations import Association, curve_grid, estimate, exposure_distribution, quintiles
from analysis.data.harmonise import harmonise, needed_columns
from analysis.data.nhanes import read_table, revised_tables
from analysis.data.registry import Registry, registry_for
from analysis.data.synthetic import read_truth
from analysis.data.vocabulary import exposure_label, exposure_unit
from analysis.errors import AnalysisError
from analysis.files import replacing
from analysis.published import compare_with_published
from analysis.report import figures, tables
from analysis.report.figures import Provenance
from analysis.study import MODELS, PRIMARY

TABULATED = (60, *range(100, 701, 50))
"""Intakes in mg/day that the curve is tabulated at, beside a fine grid."""

BIN_WIDTH = 20.0
"""Width in mg/day of the bars under the curve."""

REFERENCE_QUINTILES = (2, 1)
"""Quintile 2, as published for phosphorus, and quintile 1."""

ESTIMATES = ("flow", "models", "fits", "tests", "odds_ratio_curve", "distribution", "quintiles")


class StageError(AnalysisError):
    """A stage is asked for before the one it needs."""

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
    revised = revised_tables(registry, folders.raw, list(needed))
    provenance = {"source": _source(registry, revised), "synthetic": registry.synthetic, "revised": list(revised)}
    with replacing(folders.participants) as part:
        frame.to_parquet(part)
    _write_text(folders.processed / "provenance.json", json.dumps(provenance, indent=2) + "\n")
    return estimate(frame, PRIMARY).cohort.flow


def read_participants(folders: Folders) -> tuple[pd.DataFrame, Provenance]:
    """Harmonised participants and what they are made of.

    Raises
    ------
    StageError : the cohort stage has not been run.
    """
    try:
        known = json.loads((folders.processed / "provenance.json").read_text())
        frame = pd.read_parquet(folders.participants)
    except (OSError, ValueError) as error:
        raise StageError(
            f"no readable participants in {folders.processed} ({error.__class__.__name__}): run `make figures` or "
            "`python -m analysis cohort` first, or `make demo` for an invented survey."
        ) from None
    return frame, Provenance(known["source"], known["synthetic"])


def fit_models(folders: Folders) -> dict[str, pd.DataFrame]:
    """Stage ``fit``: the crude model and models 1-3, their tests, curves, quintiles, flow; written as CSV."""
    frame, provenance = read_participants(folders)
    studies = [dataclasses.replace(PRIMARY, model=model) for model in MODELS]
    found = [estimate(frame, study) for study in tqdm(studies, desc="fitting", unit="model", disable=None, leave=False)]
    # Bars end where the curve does: in the far tail a bar would be a single person.
    first, *_, last = curve_grid(found[0], frame)
    edges = BIN_WIDTH * np.arange(np.floor(first / BIN_WIDTH), np.ceil(last / BIN_WIDTH) + 1)
    results = {
        "flow": _by_model(found, lambda a: a.cohort.flow),
        "models": pd.DataFrame([_model_row(a, frame) for a in found]),
        "fits": _by_model(found, lambda a: a.fit.to_frame(conf_level=a.study.conf_level)),
        "tests": _by_model(found, Association.tests_frame),
        "odds_ratio_curve": _by_model(found, lambda a: _tabulated_curve(a, frame)),
        "distribution": exposure_distribution(frame, PRIMARY, edges=edges),
        "quintiles": _by_model(
            found,
            lambda a: pd.concat([quintiles(frame, a.study, reference_quintile=q) for q in REFERENCE_QUINTILES]),
        ),
    }
    if provenance.synthetic:
        results["planted"] = _planted_curve(folders, results["odds_ratio_curve"]["x"], found[0].reference)
    else:
        results["published"] = compare_with_published(frame)
    for name, result in results.items():
        _write_csv(result.assign(data=provenance.source), folders.estimates / f"{name}.csv")
    return results


def read_estimates(folders: Folders) -> tuple[dict[str, pd.DataFrame], Provenance]:
    """Results of the fit stage as written, and what they are made of.

    Raises
    ------
    StageError : the fit stage has not been run.
    """
    try:
        read = {name: pd.read_csv(folders.estimates / f"{name}.csv", dtype={"model": str}) for name in ESTIMATES}
        read["models"] = read["models"].fillna({"covariates": ""})
    except (OSError, ValueError) as error:
        raise StageError(
            f"no readable estimates in {folders.estimates} ({error.__class__.__name__}): run `make figures` or "
            "`python -m analysis fit` first, or `make demo` for an invented survey."
        ) from None
    source = str(read["models"]["data"].iloc[0])
    synthetic = (folders.estimates / "planted.csv").exists()
    if synthetic:
        read["planted"] = pd.read_csv(folders.estimates / "planted.csv")
    return read, Provenance(source, synthetic)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure to be drawn, and the numbers it shows by the suffix of the CSV they are written to."""

    draw: Callable[[], Figure]
    numbers: dict[str, pd.DataFrame]


def drawings(estimates: dict[str, pd.DataFrame], provenance: Provenance) -> dict[str, Drawing]:
    """The four figures by name, from the estimates."""
    return {
        "dose_response": _dose_response(estimates, provenance),
        "models": _drawing(
            figures.plot_models,
            estimates["odds_ratio_curve"],
            estimates["models"],
            caption=tables.models_caption(estimates),
            provenance=provenance,
        ),
        "quintiles": _quintile_drawing(estimates, provenance),
        "flow": _flow_drawing(estimates, provenance),
    }


def _dose_response(estimates: dict[str, pd.DataFrame], provenance: Provenance) -> Drawing:
    curves, bars = estimates["odds_ratio_curve"], estimates["distribution"]
    curve = curves[curves["model"] == PRIMARY.model]
    planted = estimates.get("planted")
    return Drawing(
        lambda: figures.plot_dose_response(
            curve,
            bars,
            estimates["models"].set_index("model", drop=False).loc[PRIMARY.model],
            caption=tables.curve_caption(estimates, PRIMARY.model),
            provenance=provenance,
            planted=None if planted is None else planted[planted["x"].isin(curve["x"])],
        ),
        {"": curve, "_distribution": bars},
    )


def _quintile_drawing(estimates: dict[str, pd.DataFrame], provenance: Provenance) -> Drawing:
    every = estimates["quintiles"]
    shown = every[every["reference_quintile"] == REFERENCE_QUINTILES[0]]
    caption = tables.quintiles_caption(shown, estimates)
    return _drawing(figures.plot_quintiles, shown, estimates["models"], caption=caption, provenance=provenance)


def _flow_drawing(estimates: dict[str, pd.DataFrame], provenance: Provenance) -> Drawing:
    every = estimates["flow"]
    flow = every[every["model"] == "2"]
    return _drawing(figures.plot_flow, flow, caption=tables.flow_caption(flow), provenance=provenance)


def _drawing(plot: Callable[..., Figure], numbers: pd.DataFrame, *others: pd.DataFrame, **options: object) -> Drawing:
    return Drawing(lambda: plot(numbers, *others, **options), {"": numbers})


def draw_figures(folders: Folders) -> list[Path]:
    """Stage ``figures``: four figures as PNG and SVG, each with the CSV of the numbers it shows."""
    estimates, provenance = read_estimates(folders)
    todo = drawings(estimates, provenance)
    written = []
    for name, drawing in tqdm(todo.items(), desc="drawing", unit="figure", disable=None, leave=False):
        written += _save(drawing.draw(), folders.figures, name)
        for suffix, frame in drawing.numbers.items():
            _write_csv(frame, folders.figures / f"{name}{suffix}.csv")
    return written


def _save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Save under a temporary name, then move: an interrupted run leaves the old figure whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        paths = figures.save_figure(figure, Path(part) / name)
        return [path.replace(folder / path.name) for path in paths]


def tabulation_points(association: Association, frame: pd.DataFrame) -> list[float]:
    """About a dozen round intakes between the 1st and 99th percentile of the cohort."""
    grid = curve_grid(association, frame)
    raw_step = (grid[-1] - grid[0]) / 12
    magnitude = 10.0 ** np.floor(np.log10(raw_step))
    step = magnitude * next(nice for nice in (1, 2, 2.5, 5, 10) if nice * magnitude >= raw_step)
    first = np.ceil(grid[0] / step) * step
    return [float(x) for x in np.arange(first, grid[-1] + step / 2, step)]


def association_dict(
    association: Association, frame: pd.DataFrame, *, source: str, points: list[float]
) -> dict[str, object]:
    """One study's results, ready for JSON."""
    study, fit, nadir = association.study, association.fit, association.nadir
    curve = association.curve(points or curve_grid(association, frame)).frame
    return {
        "data": source,
        "study": dataclasses.asdict(study),
        "n": fit.n,
        "cases": fit.cases,
        "knots": association.spline.knots.tolist(),
        "reference": association.reference,
        "unit": exposure_unit(study.exposure),
        "n_psu": fit.n_psu,
        "n_strata": fit.n_strata,
        "design_df": fit.design_df,
        "residual_df": fit.residual_df,
        "dropped_terms": list(association.dropped),
        "flow": association.cohort.flow.to_dict("records"),
        "coefficients": fit.to_frame(conf_level=study.conf_level).to_dict("records"),
        "tests": association.tests_frame().to_dict("records"),
        "curve": curve.to_dict("records"),
        "nadir": {**dataclasses.asdict(nadir), "odds_ratio": float(np.exp(nadir.log_or))},
    }


def _source(registry: Registry, revised: tuple[str, ...]) -> str:
    return f"{registry.source}; revised tables accepted: {', '.join(revised)}" if revised else registry.source


def _by_model(found: list[Association], frame_of: Callable[[Association], pd.DataFrame]) -> pd.DataFrame:
    parts = [frame_of(association) for association in found]
    for part, association in zip(parts, found, strict=True):
        part.insert(0, "model", association.study.model)
    return pd.concat(parts, ignore_index=True)


def _model_row(association: Association, frame: pd.DataFrame) -> dict[str, object]:
    study, fit, nadir = association.study, association.fit, association.nadir
    return {
        "model": study.model,
        "covariates": " ".join(study.covariates),
        "exposure": study.exposure,
        "exposure_label": exposure_label(study.exposure),
        "unit": exposure_unit(study.exposure),
        "outcome": study.outcome,
        "weights": study.weights,
        "n": fit.n,
        "cases": fit.cases,
        "n_psu": fit.n_psu,
        "n_strata": fit.n_strata,
        "design_df": fit.design_df,
        "residual_df": fit.residual_df,
        "reference": association.reference,
        "knots": " ".join(f"{knot:.10g}" for knot in association.spline.knots),
        "p05": nadir.low,
        "p95": nadir.high,
        "nadir": nadir.x,
        "nadir_log_or": nadir.log_or,
        "nadir_at_boundary": nadir.at_boundary,
    }


def _tabulated_curve(association: Association, frame: pd.DataFrame) -> pd.DataFrame:
    fine = curve_grid(association, frame)
    points = np.unique(np.concatenate([fine, np.array(TABULATED, dtype=float)]))
    curve = association.curve(points).frame
    return curve.assign(tabulated=np.isin(points, TABULATED))


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
