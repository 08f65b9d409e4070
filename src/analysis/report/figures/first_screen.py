"""The figure of the first screen: the curve beside the same with energy adjusted for; nothing is computed here."""

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from analysis.provenance import Provenance
from analysis.report.figures.energy import conf_level_of, draw_curve
from analysis.report.figures.layout import (
    BAND,
    GREEN,
    GREY,
    VERMILION,
    Caption,
    Page,
    blank_page,
    grey_beyond,
    letter_panels,
    odds_axis,
    page_style,
)
from analysis.report.figures.width import Width
from analysis.report.words.bottom_line import ADJUSTMENTS
from analysis.report.words.numbers import (
    MODEL_NAMES,
    NUMBERS,
    format_intake,
    format_odds_ratio,
    format_p,
    list_words,
    sentence,
)
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

ADJUSTED = {
    "linear": (VERMILION, "--"),
    "spline": (GREEN, "-"),
    "residual": ("#CC79A7", "-."),
    "density": ("black", ":"),
}
"""Colour and dash of each way of adjusting for energy."""

SHORT = {"linear": "line", "spline": "spline", "residual": "residual", "density": "per 1,000 kcal"}
"""Names of those ways that are read at the width of a telephone; the caption's are whole."""

LETTERED = ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
LETTERS: dict[Width, float] = {"one": 7.5, "two": 11}
"""Points: two columns wide, this figure is also read on a telephone."""

BOTH_ENDS = tuple(100 * share for share in RANGE)
"""Percentiles between which the adjusted curves are drawn: each form has a unit of its own."""


def plot_first_screen(
    curves: pd.DataFrame, forms: pd.DataFrame, *, caption: Caption, provenance: Provenance, width: Width = "two"
) -> Page:
    """Two low panels on one odds-ratio axis: the curve with its band by intake; each energy form by percentile.

    Parameters
    ----------
    curves : form, x, percentile, odds_ratio, conf_low, conf_high; x increasing in each form.
    forms : form, exposure_label, unit, reference, p05, p95, nonlinear_p.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    """
    form = forms.set_index("form")
    with page_style(width), matplotlib.style.context(dict.fromkeys(LETTERED, LETTERS[width])):
        figure, sides = blank_page(2.5 if width == "two" else 3.9, caption, provenance, width=width)
        sides["left"] += 0.02 * (LETTERS[width] - LETTERS["one"]) / figure.get_figwidth()  # for larger ticks
        down, across = (1, 2) if width == "two" else (2, 1)
        alone, adjusted = figure.subplots(
            down, across, sharey=True, gridspec_kw=sides | {"wspace": 0.1, "hspace": 0.75}
        )
        own = curves[curves["form"] == "none"]
        alone.set_label("alone")
        adjusted.set_label("adjusted")
        odds_axis(alone, own[["conf_low", "conf_high"]].to_numpy())
        _draw_alone(alone, own, form.loc["none"])
        adjusted.axhline(1, color=GREY, linewidth=0.8, zorder=0, label="_odds ratio 1")
        _draw_adjusted(adjusted, curves, form)
        for axes in (alone, adjusted)[: 1 if width == "two" else 2]:
            axes.set_ylabel("Odds ratio\n(against the median)")
        letter_panels(figure, alone, adjusted, left=14, up=6)
    return figure


def _draw_alone(axes: Axes, curve: pd.DataFrame, form: pd.Series) -> None:
    draw_curve(axes, curve, BAND, "-", "odds ratio")
    axes.plot(form["reference"], 1, "o", color="black", markersize=4, label="reference", zorder=5)
    axes.set_xlim(curve["x"].min(), curve["x"].max())
    grey_beyond(axes, form["p05"], form["p95"])
    axes.set_xlabel(f"{sentence(form['exposure_label'])}, {form['unit']}")
    axes.set_title(f"As it is: p {format_p(form['nonlinear_p'])}")
    band, beyond = (Patch(color=color, linewidth=0) for color in (to_rgba(BAND, 0.14), "0.88"))
    dot = Line2D([], [], color="black", marker="o", markersize=4, linestyle="none")
    low, high = (f"P{end:.0f}" for end in BOTH_ENDS)
    words = (f"{conf_level_of(form)} band", "median", f"beyond {low}, {high}")
    axes.legend([band, dot, beyond], words, loc="upper center", borderaxespad=0.0, labelspacing=0.2, handlelength=1.2)


def _draw_adjusted(axes: Axes, curves: pd.DataFrame, form: pd.DataFrame) -> None:
    low, high = BOTH_ENDS
    for name, (color, dash) in ADJUSTED.items():
        if name not in form.index:
            continue
        curve = curves[(curves["form"] == name) & curves["percentile"].between(low, high)]
        label = f"{SHORT[name]}: p {format_p(form.loc[name, 'nonlinear_p'])}"
        axes.plot(curve["percentile"], curve["odds_ratio"], color=color, linestyle=dash, label=label)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.set_xlabel("Percentile of intake in each form" if "density" in form.index else "Percentile")
    axes.set_title("With energy adjusted for")
    axes.legend(loc="upper center", borderaxespad=0.0, labelspacing=0.2)


def first_screen_caption(forms: pd.DataFrame, *, disease: str = PRIMARY.disease) -> str:
    """Caption of the figure of the first screen, from ``energy_forms``."""
    first, ways = forms.iloc[0], NUMBERS[len(forms) - 1]
    low, high = (f"{end:.0f}th" for end in BOTH_ENDS)
    return (
        f"A: {first['exposure_label']} and peripheral {disease}, {MODEL_NAMES[first['model']].lower()} in "
        f"{first['n']:,} people ({first['cases']:,} cases), {conf_level_of(first)} pointwise band; dot: the median; "
        f"grey: beyond the {low} and {high} percentile. B: the same curve under {ways} ways of adjusting for energy, "
        f"each by the percentile of its own form from the {low} to the {high}, bands left out. P: non-linear terms, "
        "Wald F."
    )


def first_screen_alt(curves: pd.DataFrame, forms: pd.DataFrame) -> str:
    """Alternative text of the figure of the first screen."""
    first, p = forms.iloc[0], forms.set_index("form")["nonlinear_p"]
    own = curves[curves["form"] == "none"].set_index("percentile")
    ends = [own.loc[end] for end in BOTH_ENDS]
    told = " and ".join(f"{format_odds_ratio(row)} at {format_intake(row['x'])}" for row in ends)
    flat = [words for name, words in ADJUSTMENTS.items() if name in p.index and p[name] >= ALPHA]
    of = "intake of " if "density" in p.index else ""
    adjusted = f"no bend is shown {list_words(flat)}" if flat else "the bend is shown in each"
    return (
        f"Left, the curve of the odds ratio by {of}{first['exposure_label']}: {told} {first['unit']}, its "
        f"5th and 95th percentile, against {format_intake(first['reference'])}. Right, the same with energy adjusted "
        f"for in {NUMBERS[len(forms) - 1]} ways: {adjusted}."
    )
