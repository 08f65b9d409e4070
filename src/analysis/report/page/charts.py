"""The charts of the page as Vega-Lite specifications: what is drawn of which column; colours are the page's.

Colours named ``ink``, ``accent`` and so on are replaced in the page by its own, which follow the reader's light or dark
scheme.
"""

from typing import Any

import pandas as pd

from analysis.report.words.numbers import MODEL_NAMES
from analysis.stats.arrays import Frames

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Named in every specification; an identifier, never fetched."""

LOGARITHMIC: Spec = {"type": "log", "nice": False}
ODDS_AXIS: Spec = {"values": [0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 20]}
"""Odds ratios that may be marked; those beyond the curve are left out."""

NO_DIFFERENCE: Spec = {
    "data": {"values": [{}]},
    "mark": {"type": "rule", "strokeDash": [4, 4], "color": "muted"},
    "encoding": {"y": {"datum": 1}, "x": {"value": 0}, "x2": {"value": "width"}},
}
"""A line across the chart at an odds ratio of 1."""

CURVE_COLUMNS = ("x", "odds_ratio", "conf_low", "conf_high", "band_low", "band_high")
RISK_COLUMNS = ("prevalence", "prevalence_low", "prevalence_high")


def chart_rows(estimates: Frames) -> list[dict[str, Any]]:
    """Every model's curve, an intake a row: odds ratio with its intervals, and risk where that was estimated."""
    limits = {"conf_low": "prevalence_low", "conf_high": "prevalence_high"}
    risk = estimates["prevalence"].rename(columns=limits)[["model", "x", *RISK_COLUMNS]]
    curve = estimates["odds_ratio_curve"][["model", *CURVE_COLUMNS, "tabulated"]]
    rows = curve.merge(risk.drop_duplicates(["model", "x"]), on=["model", "x"], how="outer").sort_values(["model", "x"])
    return [_known(row) for row in rows.assign(name=rows["model"].map(MODEL_NAMES)).to_dict("records")]


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if not pd.isna(value)}


def odds_chart(unit: str) -> Spec:
    """Odds ratio on a logarithmic scale with its interval and the band of the whole curve, into data ``curve``."""
    return _chart(
        unit,
        [
            _band("band_low", "band_high", 0.14),
            _band("conf_low", "conf_high", 0.28),
            NO_DIFFERENCE,
            _line("odds_ratio", "Odds ratio", LOGARITHMIC),
            *_pointer("odds_ratio"),
        ],
    )


def risk_chart(unit: str) -> Spec:
    """Standardised prevalence with its interval, into data ``curve``."""
    return _chart(
        unit,
        [
            _band("prevalence_low", "prevalence_high", 0.28),
            _line("prevalence", "Risk of neuropathy", {"zero": True}, format_="%"),
            *_pointer("prevalence"),
        ],
    )


def explorer_chart() -> Spec:
    """The curve of the chosen specification, into data ``curve``; the primary study's beside it, into ``primary``."""
    beside = _line("odds_ratio", "Odds ratio", LOGARITHMIC)
    return _chart(
        "",
        [
            beside | {"data": {"name": "primary"}, "mark": {"type": "line", "color": "muted", "strokeDash": [6, 4]}},
            _band("conf_low", "conf_high", 0.28),
            NO_DIFFERENCE,
            _line("odds_ratio", "Odds ratio", LOGARITHMIC),
            *_pointer("odds_ratio"),
        ],
    )


def places_chart() -> Spec:
    """Odds ratios at both ends under every specification, sorted, into data ``places``; the chosen into ``chosen``."""
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": 220,
        "layer": [
            {
                "data": {"name": "places"},
                "mark": {"type": "line", "strokeWidth": 3},
                "encoding": {
                    "x": {"field": "rank", "type": "quantitative", "title": "Specifications, sorted at each end",
                          "axis": {"tickCount": 4}},
                    "y": {"field": "odds_ratio", "type": "quantitative", "title": "Odds ratio", "scale": LOGARITHMIC,
                          "axis": ODDS_AXIS},
                    "color": {"field": "end", "type": "nominal", "title": None,
                              "scale": {"range": ["low", "high"]}, "legend": {"orient": "top"}},
                },
            },
            {
                "data": {"name": "chosen"},
                "mark": {"type": "point", "size": 130, "strokeWidth": 2.5, "color": "ink", "opacity": 1},
                "encoding": {
                    "x": {"field": "rank", "type": "quantitative"},
                    "y": {"field": "odds_ratio", "type": "quantitative"},
                },
            },
            NO_DIFFERENCE,
        ],
    }  # fmt: skip


def _chart(unit: str, layers: list[Spec]) -> Spec:
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": 260,
        "data": {"name": "curve"},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": unit or None, "scale": {"zero": False, "nice": False}}
        },
        "layer": layers,
    }


def _band(low: str, high: str, opacity: float) -> Spec:
    return {
        "mark": {"type": "area", "opacity": opacity, "color": "accent"},
        "encoding": {"y": {"field": low, "type": "quantitative"}, "y2": {"field": high}},
    }


def _line(field: str, title: str, scale: Spec, format_: str | None = None) -> Spec:
    axis = {"format": format_} if format_ else ODDS_AXIS
    y: Spec = {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}
    return {"mark": {"type": "line", "color": "accent", "strokeWidth": 2.5}, "encoding": {"y": y}}


def _pointer(field: str) -> list[Spec]:
    """A line at the intake nearest to the pointer, and the point of the curve there, with its numbers in words."""
    nearest = {
        "name": "nearest",
        "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout", "fields": ["x"]},
    }
    return [
        {
            "params": [nearest],
            # Over the cells around the points, the row is the datum's datum.
            "mark": {"type": "rule", "color": "ink", "tooltip": {"signal": "datum.words || datum.datum.words"}},
            "encoding": {"opacity": {"condition": {"param": "nearest", "empty": False, "value": 0.5}, "value": 0}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 60, "color": "ink"},
            "encoding": {
                "y": {"field": field, "type": "quantitative"},
                "opacity": {"condition": {"param": "nearest", "empty": False, "value": 1}, "value": 0},
            },
        },
    ]
