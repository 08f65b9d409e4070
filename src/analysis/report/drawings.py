"""Which estimates go into which figure, under which caption."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from analysis.estimates import REFERENCE_QUINTILES
from analysis.report import diagnostic_figures, figures, shape_figures, shape_tables, tables
from analysis.report.page import Provenance
from analysis.study import PRIMARY


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure to be drawn, and the numbers it shows by the suffix of the CSV they are written to."""

    draw: Callable[[], Figure]
    numbers: dict[str, pd.DataFrame]


def drawings(estimates: Mapping[str, pd.DataFrame], provenance: Provenance) -> dict[str, Drawing]:
    """The figures of the project by name: dose_response, shape, knots, models, quintiles, diagnostics, flow."""
    every = estimates["quintiles"]
    shown = every[every["reference_quintile"] == REFERENCE_QUINTILES[0]]
    models = estimates["models"]
    # The flow of the last model goes on to complete covariates.
    flow = estimates["flow"][estimates["flow"]["model"] == models["model"].iloc[-1]]
    return {
        "dose_response": dose_response(estimates, provenance, model=PRIMARY.model),
        "shape": shape(estimates, provenance, model=PRIMARY.model),
        "knots": knots(estimates, provenance),
        "models": Drawing(
            lambda: figures.plot_models(
                estimates["odds_ratio_curve"], models, caption=tables.models_caption(estimates), provenance=provenance
            ),
            {"": estimates["odds_ratio_curve"]},
        ),
        "quintiles": Drawing(
            lambda: figures.plot_quintiles(
                shown, models, caption=tables.quintiles_caption(shown, estimates), provenance=provenance
            ),
            {"": shown},
        ),
        "diagnostics": diagnostics(estimates, provenance, model=PRIMARY.model),
        "flow": Drawing(
            lambda: figures.plot_flow(flow, caption=tables.flow_caption(estimates), provenance=provenance), {"": flow}
        ),
    }


def dose_response(estimates: Mapping[str, pd.DataFrame], provenance: Provenance, *, model: str) -> Drawing:
    """The dose-response curve of one model, as odds ratio and as prevalence, over the distribution of its exposure."""
    bars, planted = estimates["distribution"], estimates.get("planted")
    curve, prevalence = (_of_model(estimates[name], model) for name in ("odds_ratio_curve", "prevalence"))
    row = estimates["models"].set_index("model", drop=False).loc[model]
    return Drawing(
        lambda: figures.plot_dose_response(
            curve,
            prevalence,
            bars,
            row,
            caption=tables.curve_caption(estimates, model),
            provenance=provenance,
            planted=None if planted is None else planted[planted["x"].isin(curve["x"])],
        ),
        {"": curve, "_prevalence": prevalence, "_distribution": bars},
    )


def shape(estimates: Mapping[str, pd.DataFrame], provenance: Provenance, *, model: str) -> Drawing:
    """Whether the curve of one model is a U."""
    curve, profile = (_of_model(estimates[name], model) for name in ("odds_ratio_curve", "threshold"))
    planted = estimates.get("planted")
    row = estimates["models"].set_index("model", drop=False).loc[model]
    return Drawing(
        lambda: shape_figures.plot_shape(
            curve,
            profile,
            tables.shape_of_model(estimates, model),
            row,
            caption=shape_tables.shape_caption(estimates, model),
            provenance=provenance,
            planted_nadir=None if planted is None else float(planted["nadir"].iloc[0]),
        ),
        {"": _of_model(estimates["shape"], model), "_curve": curve, "_threshold": profile},
    )


def knots(estimates: Mapping[str, pd.DataFrame], provenance: Provenance) -> Drawing:
    """The primary study's curve under other knots and forms."""
    variants, curves = estimates["knots"], estimates["knot_curves"]
    row = estimates["models"].set_index("model", drop=False).loc[PRIMARY.model]
    return Drawing(
        lambda: shape_figures.plot_knots(
            variants,
            curves,
            row,
            caption=shape_tables.knots_caption(estimates, PRIMARY.model),
            provenance=provenance,
        ),
        {"": variants, "_curves": curves},
    )


def diagnostics(estimates: Mapping[str, pd.DataFrame], provenance: Provenance, *, model: str) -> Drawing:
    """Whether the regression of one model can carry its curve."""
    bars = estimates["distribution"]
    calibration, influence = (_of_model(estimates[name], model) for name in ("calibration", "influence"))
    row = estimates["models"].set_index("model", drop=False).loc[model]
    return Drawing(
        lambda: diagnostic_figures.plot_diagnostics(
            calibration,
            influence,
            bars,
            row,
            caption=tables.diagnostics_caption(estimates, model),
            provenance=provenance,
        ),
        {"": calibration, "_influence": influence, "_distribution": bars},
    )


def _of_model(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    return frame[frame["model"] == model]
