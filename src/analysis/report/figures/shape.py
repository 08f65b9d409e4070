"""Figures of the shape of a curve: the tests of a U on one model's curve, and the curve under other knots and forms.

Nothing is estimated here. A tangent is drawn where it touches, and the two lines, of which only the slopes are
estimated on this scale, from the curve's height at their break. The two-piece model is an odds ratio curve of its own.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator

from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    AXIS_LABELS,
    BAND,
    GREEN,
    GREY,
    SMALL,
    VERMILION,
    Caption,
    Page,
    blank_page,
    grey_beyond,
    letter_panels,
    odds_axis,
    page_style,
    wrapped,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import (
    MODEL_NAMES,
    format_intake,
    format_p,
    format_range,
    p_number,
    sentence,
    verdict_words,
)
from analysis.report.words.shape import (
    drawn_range,
    edge_words,
    knots_sentence,
    search_p_words,
    shape_of_model,
    shape_sentence,
)
from analysis.report.words.study import against, exposure_axis
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import NO_DEPARTURE

TANGENT = 0.1
"""Half the length of a tangent, as a share of the axis."""

PLACES = (
    ("low, normal", "nadir", "nadir_normal", BAND, "o"),
    ("low, bootstrap", "nadir", "nadir_bootstrap", BAND, "o"),
    ("flat stretch", None, "flat", "0.55", "o"),
    ("best break", "threshold", "threshold", "black", "D"),
)
"""Label, column of the place, columns of its ends, colour and marker, from the top down."""

FORM_STYLES = {"spline": (BAND, "-"), "fractional polynomial": (VERMILION, "--"), "penalised spline": ("black", ":")}


def plot_shape(
    curve: pd.DataFrame,
    profile: pd.DataFrame,
    shape: pd.Series,
    model: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
    planted_nadir: float | None = None,
) -> Page:
    """What is asked of one model's curve before it is called a U, and the answers, over one axis of intake.

    Parameters
    ----------
    curve : x, odds_ratio, conf_low, conf_high, x increasing.
    profile : x, deviance_gain of a break at each x.
    shape : the model's row of shape.csv.
    model : its row of models.csv: exposure_label, unit, reference, conf_level, p05, p95.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    planted_nadir : low point of the curve that a synthetic survey was made with.

    Returns
    -------
    Figure with the axes labelled ``tangents``, ``lines``, ``places`` and ``profile``.
    """
    with page_style(width):
        figure, sides = blank_page(7.9 if width == "two" else 7.0, caption, provenance, width=width)
        sides["top"] -= 0.15 / figure.get_figheight()  # a title of two lines
        axes = figure.subplots(
            4, 1, sharex=True, gridspec_kw={"height_ratios": [3.0, 2.2, 1.25, 1.2], "hspace": 0.12, **sides}
        )
        for one, label in zip(axes, ("tangents", "lines", "places", "profile"), strict=True):
            one.set_label(label)
        axes[0].set_xlim(curve["x"].iloc[0], curve["x"].iloc[-1])
        _draw_tangents(axes[0], curve, shape, model, width)
        _draw_lines(axes[1], curve, shape, model, width)
        _draw_places(axes[2], shape, planted_nadir, width)
        _draw_profile(axes[3], profile, shape, width)
        question = f"Neuropathy by {model['exposure_label']} intake: is it a U?"
        axes[0].set_title(f"{question}\n{sentence(verdict_words(shape['verdict']))}")
        axes[3].set_xlabel(exposure_axis(model["exposure"]))
        for one in axes:
            grey_beyond(one, model["p05"], model["p95"])
        letter_panels(figure, *axes, left=44 if width == "two" else 34, up=-2)
        figure.align_ylabels([axes[0], axes[1], axes[3]])  # the names in between are wider than numbers
    return figure


def _draw_tangents(axes: Axes, curve: pd.DataFrame, shape: pd.Series, model: pd.Series, width: Width) -> None:
    odds_axis(axes, curve[["conf_low", "conf_high"]].to_numpy())
    axes.fill_between(curve["x"], curve["conf_low"], curve["conf_high"], color=BAND, alpha=0.2, linewidth=0,
                      label=f"{100 * model['conf_level']:g} % band, each intake")  # fmt: skip
    axes.plot(curve["x"], curve["odds_ratio"], color=BAND, label="odds ratio")
    half = TANGENT * (curve["x"].iloc[-1] - curve["x"].iloc[0])
    for end, change, side in (("low", "fall", "left"), ("high", "rise", "center")):
        at, slope = shape[f"end_slopes_{end}_at"], shape[f"end_slopes_{end}"]
        x = np.array([max(at - half, curve["x"].iloc[0]), at + half])
        y = _height(curve, at) * np.exp(slope * (x - at))
        axes.plot(x, y, color=VERMILION, linewidth=2.6, linestyle="-", label=f"_tangent {end}", solid_capstyle="butt")
        axes.plot(at, _height(curve, at), "o", color=VERMILION, markersize=4.5, label=f"_end {end}", zorder=5)
        place = (at + 0.4 * half, _height(curve, at)) if end == "low" else (at, float(y.min()))
        words = f"{change}: p {format_p(shape[f'end_slopes_{end}_p'])}"
        away = (4, 6) if end == "low" else (0, -16)
        axes.annotate(words, place, color=VERMILION, fontsize=SMALL[width], xytext=away, ha=side,
                      textcoords="offset points", label=f"_p {end}")  # fmt: skip
    _mark_nadir(axes, curve, shape)
    axes.set_ylabel(f"Odds ratio (against\n{format_intake(model['reference'])} {model['unit']})")
    axes.legend(loc="upper center")


def _mark_nadir(axes: Axes, curve: pd.DataFrame, shape: pd.Series) -> None:
    low = axes.get_ylim()[0]
    at = float(shape["nadir"])
    axes.vlines(at, low, _height(curve, at), color=BAND, linewidth=1, linestyle=":", label="_to the axis")
    axes.plot(at, _height(curve, at), "o", color=BAND, markerfacecolor="white", markersize=5.5, label="lowest point",
              zorder=5, linestyle="none")  # fmt: skip


def _draw_lines(axes: Axes, curve: pd.DataFrame, shape: pd.Series, model: pd.Series, width: Width) -> None:
    at, low, high = shape["two_lines_break"], shape["end_slopes_low_at"], shape["end_slopes_high_at"]
    x = np.array([low, at, high])
    lines = _height(curve, at) * np.exp(_broken(x, at, shape["two_lines_low"], shape["two_lines_high"]))
    bend, below, above = shape[["threshold", "threshold_below", "threshold_above"]]
    bends = np.array([low, bend, high])
    pieces = np.exp(_broken(bends, bend, below, above) - _broken(model["reference"], bend, below, above))
    odds_axis(axes, np.concatenate([curve["odds_ratio"], lines, pieces]))
    axes.plot(curve["x"], curve["odds_ratio"], color=BAND, alpha=0.45, linewidth=1.4, label="spline")
    axes.plot(x, lines, color=GREEN, linestyle="-", label="two lines")
    axes.plot(bends, pieces, color="black", linestyle="--", label="two-piece model")
    axes.axvline(at, color=GREEN, linewidth=0.8, linestyle=":", label="_break")
    top = axes.get_ylim()[1]
    for end, side, away in (("low", "right", -5), ("high", "left", 5)):
        axes.annotate(f"p {format_p(shape[f'two_lines_{end}_p'])}", (at, top), xytext=(away, -3), va="top", ha=side,
                      color=GREEN, fontsize=SMALL[width], textcoords="offset points", label=f"_p {end}")  # fmt: skip
    axes.set_ylabel("Odds ratio")
    axes.legend(loc="upper center", bbox_to_anchor=(0.55 if width == "two" else 0.8, 1.03), fontsize=SMALL[width])


def _broken(x: np.ndarray | float, at: float, below: float, above: float) -> np.ndarray:
    """Height of a line that changes its slope at one point, against its height there."""
    away = np.asarray(x) - at
    return np.where(away < 0, below, above) * away


def _draw_places(axes: Axes, shape: pd.Series, planted_nadir: float | None, width: Width) -> None:
    for row, (label, place, name, color, marker) in enumerate(PLACES):
        low, high = shape[f"{name}_low"], shape[f"{name}_high"]
        axes.hlines(row, low, high, color=color, linewidth=4.5, alpha=0.55, label=label)
        if place is not None:
            axes.plot(shape[place], row, marker, color=color, markersize=5, label=f"_{label}")
        words = (
            format_range(low, high) if place is None else f"{format_intake(shape[place])} ({drawn_range(shape, name)})"
        )
        axes.text(0.985, row, words, fontsize=SMALL[width], va="center", ha="right",
                  transform=axes.get_yaxis_transform(), label=f"_{label}")  # fmt: skip
    top = -0.6
    if planted_nadir is not None:
        top = -1.2
        axes.axvline(planted_nadir, color=VERMILION, linewidth=1.2, linestyle="--", label="planted low point")
        axes.annotate("planted low point", (planted_nadir, top), xytext=(4, -2), textcoords="offset points", va="top",
                      fontsize=7.5, color=VERMILION, label="_planted")  # fmt: skip
    axes.set_ylim(len(PLACES) - 0.4, top)
    axes.set_yticks(range(len(PLACES)), [wrapped(label, width, letters=9) for label, *_ in PLACES], fontsize=7)
    axes.tick_params(axis="y", length=0, pad=2)


def _draw_profile(axes: Axes, profile: pd.DataFrame, shape: pd.Series, width: Width) -> None:
    axes.plot(profile["x"], profile["deviance_gain"], color="black", linewidth=1.3, linestyle="-", label="gain")
    axes.axvline(shape["threshold"], color="black", linewidth=0.8, linestyle=":", label="_best break")
    p = f"p {search_p_words(shape)} (naive {format_p(shape['threshold_naive_p'])})"
    words = f"change of slope: {p}"
    if width == "one":
        words = words.replace(": p", ":\np").replace(" (naive", "\n(naive")
    axes.text(0.99, 0.95, words, va="top", ha="right", fontsize=SMALL[width], transform=axes.transAxes,
              label="_p")  # fmt: skip
    axes.set_ylim(min(0.0, 1.05 * profile["deviance_gain"].min()), 1.15 * profile["deviance_gain"].max())
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_ylabel("Deviance\ngained")


def _height(curve: pd.DataFrame, x: float) -> float:
    """The drawn curve at x."""
    return float(np.exp(np.interp(x, curve["x"], np.log(curve["odds_ratio"]))))


def plot_knots(
    knots: pd.DataFrame,
    curves: pd.DataFrame,
    model: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """One model's curve under other numbers and placings of knots and under two other forms, a panel each.

    Parameters
    ----------
    knots : knots.csv: form, knots, knot_quantiles, nonlinear_p, nadir, nadir_low, nadir_high, verdict, detail.
    curves : knot_curves.csv: form, knots, knot_quantiles, x, odds_ratio, conf_low, conf_high.
    model : the model's row of models.csv: exposure_label, unit, reference, knots, p05, p95.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with one axes per row of knots.csv, labelled as its title begins, and one labelled ``all``.
    """
    with page_style(width):
        figure, sides = blank_page(6.1 if width == "two" else 9.2, caption, provenance, width=width)
        across = 4 if width == "two" else 2
        down = math.ceil((len(knots) + 2) / across)
        sides["top"] -= 0.3 / figure.get_figheight()  # titles of two lines
        sides["right"] = 0.95  # and as wide as a panel
        grid = figure.add_gridspec(down, across, hspace=0.36 if width == "two" else 0.5, wspace=0.16, **sides)
        limits = curves[["conf_low", "conf_high"]].to_numpy()
        first: Axes | None = None
        for position, (_, row) in enumerate(knots.iterrows()):
            axes = figure.add_subplot(
                grid[divmod(position, across)], sharex=first, sharey=first, label=variant_name(row)
            )
            first = first or axes
            _draw_variant(axes, row, variant_curve(curves, row), limits, model)
        last = _draw_all(figure, grid[-1, across - 2 :], first, knots, curves, model)
        letter_panels(figure, *figure.axes[:-1], last, left=11, up=14)
        title = f"{sentence(model['exposure_label'])} under other knots and forms"
        inches = 1 / figure.get_figheight()
        figure.text(0.03, 1 - 0.08 * inches, title, va="top", fontsize=9.5, weight="bold", label="title")
        figure.supxlabel(exposure_axis(model["exposure"]), fontsize=9, x=0.545,
                         y=sides["bottom"] - (AXIS_LABELS - 0.08) * inches)  # fmt: skip
        figure.supylabel(against(model["reference"], model["exposure"]), fontsize=9,
                         y=(sides["bottom"] + sides["top"]) / 2, x=0.015)  # fmt: skip
    return figure


def variant_name(row: pd.Series) -> str:
    """Name of a row of knots.csv: "4 knots, weighted"."""
    return f"{row['knots']} knots, {row['knot_quantiles']}" if row["form"] == "spline" else sentence(row["form"])


def variant_curve(curves: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The rows of knot_curves.csv that belong to a row of knots.csv."""
    same = curves["form"] == row["form"]
    if row["form"] == "spline":
        same &= (curves["knots"] == row["knots"]) & (curves["knot_quantiles"] == row["knot_quantiles"])
    return curves[same]


def _draw_variant(axes: Axes, row: pd.Series, curve: pd.DataFrame, limits: np.ndarray, model: pd.Series) -> None:
    color = FORM_STYLES[row["form"]][0]
    odds_axis(axes, limits)
    axes.fill_between(curve["x"], curve["conf_low"], curve["conf_high"], color=color, alpha=0.2, linewidth=0,
                      label="band")  # fmt: skip
    axes.plot(curve["x"], curve["odds_ratio"], color=color, linestyle="-", linewidth=1.5, label="odds ratio")
    axes.set_xlim(curve["x"].iloc[0], curve["x"].iloc[-1])
    grey_beyond(axes, model["p05"], model["p95"])
    bottom = axes.get_xaxis_transform()
    axes.plot([row["nadir_low"], row["nadir_high"]], [0.05, 0.05], color="black", linewidth=3, alpha=0.4,
              linestyle="-", transform=bottom, label="interval", solid_capstyle="butt")  # fmt: skip
    axes.plot([row["nadir"]] * 2, [0.005, 0.1], color="black", linewidth=1.4, linestyle="-", transform=bottom,
              label="lowest point")  # fmt: skip
    end = row["nadir"] if pd.isna(row["nadir_high"]) else row["nadir_high"]
    axes.annotate(format_intake(row["nadir"]), (end, 0.05), xycoords=bottom, xytext=(3, 0), fontsize=7, va="center",
                  textcoords="offset points", label="_lowest point")  # fmt: skip
    spline = row["form"] == "spline"
    fixed = spline and row["knot_quantiles"] == "unweighted" and row["knots"] == str(len(model["knots"].split()))
    axes.set_title(f"{variant_name(row)}\n{row['verdict'] if spline else row['detail']}", fontsize=7,
                   weight="bold" if fixed else "normal", pad=3)  # fmt: skip
    if spline:
        axes.text(0.96, 0.95, f"p {format_p(row['nonlinear_p'])}", fontsize=7, ha="right", va="top",
                  transform=axes.transAxes, label="_p")  # fmt: skip
    axes.label_outer()
    axes.tick_params(labelsize=7)


def _draw_all(
    figure: Page, place: SubplotSpec, first: Axes | None, knots: pd.DataFrame, curves: pd.DataFrame, model: pd.Series
) -> Axes:
    axes = figure.add_subplot(place, sharex=first, sharey=first, label="all")
    for _, row in knots.iterrows():
        color, dash = FORM_STYLES[row["form"]]
        curve = variant_curve(curves, row)
        width = 1.0 if row["form"] == "spline" else 1.8
        axes.plot(curve["x"], curve["odds_ratio"], color=color, linestyle=dash, linewidth=width,
                  label=variant_name(row))  # fmt: skip
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle="-", zorder=0, label="_odds ratio 1")
    grey_beyond(axes, model["p05"], model["p95"])
    axes.set_title("All together", fontsize=7, weight="normal", pad=3)
    axes.tick_params(labelsize=7, labelleft=False)
    return axes


# ---- captions
def shape_caption(estimates: Frames, model: str) -> str:
    """Caption of the figure of one model's shape."""
    shape = shape_of_model(estimates, model)
    row = estimates["models"].set_index("model").loc[model]
    level, unit = f"{100 * shape['conf_level']:g} %", row["unit"]
    return (
        f"{MODEL_NAMES[model]}, {row['n']:,} people. {shape_sentence(estimates, model)} A: odds ratio against "
        f"{format_intake(row['reference'])} {unit} with its {level} band at each intake, and the curve's tangents at "
        "the 5th and 95th percentile of intake (beyond them grey) with one-sided p. B: slopes of the two lines "
        "(Simonsohn 2018; two-sided p), drawn from the curve's height at their break and joined there, where the "
        "regression allows a step, and the two-piece model at its "
        f"best break. C: the curve's low point with {level} intervals by normal draws of the coefficients and by "
        f"{shape['replicates']:,} bootstrap samples that place their knots anew; the stretch whose odds cannot be told "
        f"from the lowest; and the best break with its bootstrap interval{_edge(shape)}, which answers another "
        "question than the low point and is sought in the same range. D: fall in deviance, against a straight "
        "line, of a break at each intake; naive p as if the break had been known, the other, from "
        f"{shape['threshold_search_draws']:,} draws, pays for the search. ±: Monte Carlo error."
    )


def _edge(shape: pd.Series) -> str:
    words = edge_words(shape["threshold_open_low"], shape["threshold_open_high"]).removeprefix(", ")
    return f" ({words}: how far beyond it may lie is not known)" if words else ""


def knots_caption(estimates: Frames, model: str) -> str:
    """Caption of the figure of one model's curve under other knots and forms."""
    row, shape = estimates["models"].set_index("model").loc[model], shape_of_model(estimates, model)
    first = row["knots"].split()
    return (
        f"{MODEL_NAMES[model]}, odds ratio (log axis) against {format_intake(row['reference'])} {row['unit']} with its "
        f"{100 * shape['conf_level']:g} % band at each intake. {knots_sentence(estimates)} {len(first)} knots on "
        f'unweighted quantiles are the protocol\'s (bold). "{NO_DEPARTURE}": from a straight line. Tick and bar: low '
        f"point between the 5th and 95th percentile of intake and its interval by {shape['replicates']:,} bootstrap "
        "samples. p: non-linear, Wald F. "
        "Fractional polynomial and penalised spline have a low point but none of the rule's tests, hence no verdict. "
        "All together: solid, splines; dashed, fractional polynomial; dotted, penalised spline."
    )


# ---- alternative texts
def shape_alt(estimates: Frames, model: str) -> str:
    """Alternative text of the figure of one model's shape."""
    shape, row = shape_of_model(estimates, model), estimates["models"].set_index("model").loc[model]
    return (
        f"Tests of a U on the curve of {row['exposure_label']} intake: slope at the low end, p "
        f"{format_p(shape['end_slopes_low_p'])}, at the high end, p {format_p(shape['end_slopes_high_p'])}; two "
        f"lines, p {format_p(shape['two_lines_low_p'])} and {p_number(shape['two_lines_high_p'])}; lowest point "
        f"{format_intake(shape['nadir'])} {row['unit']}, by bootstrap "
        f"{format_range(shape['nadir_bootstrap_low'], shape['nadir_bootstrap_high'])}. Verdict: "
        f"{verdict_words(shape['verdict'])}."
    )


def knots_alt(estimates: Frames) -> str:
    """Alternative text of the figure of one model's curve under other knots and forms."""
    knots = estimates["knots"]
    told = "; ".join(
        f"{variant_name(row).lower()}: {row['verdict'] or row['detail']}, lowest at {format_intake(row['nadir'])}"
        for _, row in knots.iterrows()
    )
    return f"{len(knots)} small panels with the same curve under other knots and forms. {sentence(told)}."
