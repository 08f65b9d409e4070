"""Figures of the energy and heterogeneity audits with their captions, drawn from frames; nothing is computed here."""

import math
import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.audit.energy import ABOUT, TENSOR_KNOTS
from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREEN,
    GREY,
    ODDS_TICKS_LOW,
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
from analysis.report.words.numbers import MODEL_NAMES, NUMBERS, format_p, p_number, sentence
from analysis.stats.disclosure import FEW
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

LINES = ((BAND, "-"), (VERMILION, "--"), (GREEN, "-."))
"""Colour and dash of the slices, and of the cycles."""

FORM_NAMES = {
    "none": "No energy",
    "linear": "Energy line",
    "spline": "Energy spline",
    "residual": "Residual",
    "density": "Density",
}
TITLE_LETTERS = 16
"""A fifth of the page holds so many letters a line."""

CONTOURS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""Odds ratios whose contour is drawn: below 1 blue and dashed, above vermilion."""

SHADES = LinearSegmentedColormap.from_list("people", ["0.95", "0.6"])
P_TICKS = (1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


# ---- energy forms
def plot_energy_forms(
    curves: pd.DataFrame,
    forms: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    disease: str = PRIMARY.disease,
    width: Width = "two",
) -> Page:
    """The exposure's curve under each energy form, side by side on one odds-ratio axis, x in the form's own unit.

    Parameters
    ----------
    curves : form, x, odds_ratio, conf_low, conf_high; x increasing in each form.
    forms : form, exposure_label, unit, reference, p05, p95, nonlinear_p, verdict, in the order of the panels.
    disease : in words.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with one axes a form, labelled by it.
    """
    with page_style(width):
        across = len(forms) if width == "two" else 2
        down = math.ceil(len(forms) / across)
        figure, sides = blank_page(3.6 if width == "two" else 2.3 * down, caption, provenance, width=width)
        # Room for a title over all panels, and four lines over each.
        sides["top"] -= (0.6 if width == "two" else 0.75) / figure.get_figheight()
        grid = figure.subplots(down, across, sharey=True, squeeze=False,
                               gridspec_kw=sides | {"wspace": 0.16, "hspace": 0.85})  # fmt: skip
        for spare in grid.flat[len(forms) :]:
            spare.remove()
        panels = grid.flat[: len(forms)]
        limits = curves[["conf_low", "conf_high"]].to_numpy()
        for axes, (_, form) in zip(panels, forms.iterrows(), strict=True):
            axes.set_label(form["form"])
            odds_axis(axes, limits)
            _draw_form(axes, curves[curves["form"] == form["form"]], form)
        grid[down // 2][0].set_ylabel("Odds ratio (against the median)")
        words = sentence(forms["exposure_label"].iloc[0])
        separator = " " if width == "two" else "\n"
        title = f"{words} and peripheral {disease},{separator}{NUMBERS[len(forms)]} ways with energy"
        _page_title(figure, title, 0.03)
        letter_panels(figure, *panels, left=12, up=33)
    return figure


def _draw_form(axes: Axes, curve: pd.DataFrame, form: pd.Series) -> None:
    draw_curve(axes, curve, BAND, "-", "odds ratio")
    axes.plot(form["reference"], 1, "o", color="black", markersize=4, label="reference", zorder=5)
    axes.set_xlim(curve["x"].min(), curve["x"].max())
    grey_beyond(axes, form["p05"], form["p95"])
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
    axes.set_xlabel(form["unit"])
    lines = (FORM_NAMES[form["form"]], f"p {format_p(form['nonlinear_p'])}")
    axes.set_title("\n".join(lines), fontsize=7.8, pad=21)
    axes.text(0, 1.015, textwrap.fill(form["verdict"], TITLE_LETTERS), fontsize=7.5, va="bottom", linespacing=1.1,
              transform=axes.transAxes, label="verdict")  # fmt: skip


def draw_curve(axes: Axes, curve: pd.DataFrame, color: str, dash: str, label: str) -> None:
    """One curve with its band on axes of the figure."""
    axes.fill_between(curve["x"], curve["conf_low"], curve["conf_high"], color=color, alpha=0.14, linewidth=0,
                      label="_band")  # fmt: skip
    axes.plot(curve["x"], curve["odds_ratio"], color=color, linestyle=dash, label=label)


def _page_title(figure: Page, words: str, left: float) -> None:
    figure.text(left, 1 - 0.1 / figure.get_figheight(), words, va="top", fontsize=10, weight="bold", label="title")


def energy_forms_caption(forms: pd.DataFrame) -> str:
    """Caption of the figure of the energy forms, from ``energy_forms``."""
    first = forms.iloc[0]
    form = forms.set_index("form")
    residual_df = ", ".join(f"{df}" for df in forms["residual_df"])
    more = "More of it among people of the same total energy where energy is a line or a spline in the model"
    if "residual" in form.index:  # else it is no intake, which is not eaten with energy
        more = (
            "No energy: more of it with more food. Energy as a line or as a spline in the model: more of it in the "
            "place of other foods at the same total energy. Residual (what energy does not predict along a straight "
            "line, raised by the mean) and density (per 1,000 kcal): composition of the diet, energy not in the model; "
            f"correlation with energy {_signed(form.loc['residual', 'correlation'])} and "
            f"{_signed(form.loc['density', 'correlation'])}, of the unadjusted intake {_signed(first['correlation'])}"
        )
    return (
        f"{MODEL_NAMES[first['model']]} in {first['n']:,} people ({first['cases']:,} cases), "
        f"{first['exposure_label']} on a restricted cubic spline of {first['knots']} knots in each panel. "
        f"{more}. Black dot: the form's median. P: non-linear terms, "
        f"Wald F; residual df {residual_df}. Below it the verdict by the protocol's rule. {conf_level_of(first)} "
        "pointwise "
        "intervals. Grey: beyond the 5th and 95th percentile; curves end at the 1st and 99th."
    )


# ---- energy surface
def plot_energy_surface(
    surface: pd.DataFrame,
    density: pd.DataFrame,
    slices: pd.DataFrame,
    slice_tests: pd.DataFrame,
    form: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """Contours of the odds ratio over exposure and energy above where the people are, and curves at fixed energy.

    Parameters
    ----------
    surface : x, energy_kcal, log_or on a full grid; log_or is missing where few people are near.
    density : lower, upper, energy_lower, energy_upper, share on a full grid; share is missing in bins of few people.
    slices : energy_quantile, x, odds_ratio, conf_low, conf_high.
    slice_tests : a row a slice: energy_quantile, energy_kcal, n, reference, p05, p95, nonlinear_p.
    form : row of ``energy_forms`` without energy: exposure_label, unit, model, conf_level.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``surface`` and, from the top, one labelled by each slice's quantile of energy.
    """
    with page_style(width):
        figure, sides = blank_page(4.3 if width == "two" else 6.6, caption, provenance, width=width)
        sides["top"] -= (0.2 if width == "two" else 0.35) / figure.get_figheight()  # a title over the panels'
        above, panels = _lay_out(figure, sides, len(slice_tests), width)
        above.set_label("surface")
        _draw_density(above, density)
        _draw_contours(above, surface)
        above.set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
        above.set_title("Odds ratio, and where the people are", fontsize=9 if width == "two" else 8)
        # From the top down, as the energies lie on the surface.
        for axes, (place, row) in zip(panels, reversed(list(enumerate(slice_tests.itertuples()))), strict=True):
            curve = slices[slices["energy_quantile"] == row.energy_quantile]
            axes.set_label(f"{row.energy_quantile:g}")
            _draw_slice(above, axes, curve, row, LINES[place])
            odds_axis(axes, slices[["conf_low", "conf_high"]].to_numpy(), ticks=ODDS_TICKS_LOW)
        panels[0].set_xlim(slices["x"].min(), slices["x"].max())
        panels[len(panels) // 2].set_ylabel("Odds ratio (against the dot)")
        panels[-1].set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
        title = surface_title(slice_tests, form)
        _page_title(figure, title if width == "two" else title.replace(": ", ":\n"), 0.03)
        left = 28 if width == "two" else 22
        letter_panels(figure, above, *panels, left=left)
        middle = panels[len(panels) // 2]
        across = 72 * middle.get_position().width * figure.get_figwidth()
        middle.yaxis.set_label_coords(-(left + 5) / across, 0.5)  # left of the letters, however short the ticks
    return figure


def surface_title(slice_tests: pd.DataFrame, form: pd.Series) -> str:
    """What the cuts show: "Magnesium at the same energy: no bend shown in any of three cuts"."""
    bent = int((slice_tests["nonlinear_p"] < ALPHA).sum())
    told = f"no bend shown in any of {NUMBERS[len(slice_tests)]} cuts"
    if bent:
        told = f"a bend in {NUMBERS[bent]} of {NUMBERS[len(slice_tests)]} cuts (p < {ALPHA:g})"
    return f"{sentence(form['exposure_label'])} at the same energy: {told}"


def _lay_out(figure: Page, sides: dict[str, float], cuts: int, width: Width) -> tuple[Axes, list[Axes]]:
    """The surface with the cuts beside it, or below it in one column; the cuts on common axes."""
    if width == "two":
        grid = figure.add_gridspec(1, 2, wspace=0.26, width_ratios=[1.25, 1], **sides)
    else:
        grid = figure.add_gridspec(2, 1, hspace=0.3, height_ratios=[1, 1.15], **sides)
    inner = grid[1].subgridspec(cuts, 1, hspace=0.42)
    panels: list[Axes] = []
    for number in range(cuts):
        first = panels[0] if panels else None
        panels.append(figure.add_subplot(inner[number], sharex=first, sharey=first))
        panels[-1].tick_params(labelbottom=number == cuts - 1)
    return figure.add_subplot(grid[0]), panels


def _draw_density(axes: Axes, density: pd.DataFrame) -> None:
    left, below, share = _on_grid(density, "lower", "energy_lower", "share")
    edges = np.append(left, density["upper"].max()), np.append(below, density["energy_upper"].max())
    axes.pcolormesh(*edges, 100 * share, cmap=SHADES, label="weighted % of adults", rasterized=True)
    corner, across, up = (left[0], below[0]), edges[0][-1] - left[0], edges[1][-1] - below[0]
    few = Rectangle(corner, across, up, facecolor="white", edgecolor="0.85", hatch="//////", linewidth=0, zorder=-2)
    few.set_label(f"{FEW} people")
    axes.add_patch(few)
    axes.legend(handles=[few], loc="upper left", handlelength=1.4, fontsize=7.5, frameon=True, edgecolor="none")
    axes.set_ylabel("Energy (kcal/day)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_contours(axes: Axes, surface: pd.DataFrame) -> None:
    x, energy, log_or = _on_grid(surface, "x", "energy_kcal", "log_or")
    levels = [level for level in CONTOURS if log_or.min() < np.log(level) < log_or.max()]
    colors = [GREY if level == 1 else BAND if level < 1 else VERMILION for level in levels]
    dashes = ["--" if level < 1 else "-" for level in levels]
    contours = axes.contour(x, energy, log_or, levels=np.log(levels), colors=colors, linestyles=dashes, linewidths=1.1)
    contours.set_label("odds ratio")
    axes.clabel(contours, fmt=lambda height: f"{np.exp(height):.3g}", fontsize=7.5)
    known = surface.dropna(subset="log_or")
    axes.set_xlim(known["x"].min(), known["x"].max())
    axes.set_ylim(known["energy_kcal"].min(), known["energy_kcal"].max())


def _on_grid(frame: pd.DataFrame, across: str, up: str, value: str) -> tuple[np.ndarray, np.ndarray, np.ma.MaskedArray]:
    """Places across and up, and the values of a full grid with a row for each place up; missing ones masked."""
    placed = frame.sort_values([up, across])
    places = np.unique(placed[across]), np.unique(placed[up])
    return *places, np.ma.masked_invalid(placed[value].to_numpy().reshape(places[1].size, places[0].size))


def _draw_slice(above: Axes, beside: Axes, curve: pd.DataFrame, row: Any, style: tuple[str, str]) -> None:
    """One cut: its line on the surface, and its curve beside."""
    color, dash = style
    draw_curve(beside, curve, color, dash, f"{row.energy_kcal:,.0f} kcal")
    beside.plot(row.reference, 1, "o", color=color, markersize=4, label="_reference", zorder=5)
    beside.set_title(
        f"{row.energy_kcal:,.0f} kcal/day: non-linear p {format_p(row.nonlinear_p)}", fontsize=8, weight="normal", pad=3
    )
    above.plot([row.p05, row.p95], [row.energy_kcal] * 2, color=color, linestyle=dash, linewidth=2.2,
               label=f"_slice {row.energy_quantile:g}")  # fmt: skip
    above.plot(row.reference, row.energy_kcal, "o", color=color, markersize=4, label="_reference", zorder=5)


def energy_surface_caption(
    surface: pd.DataFrame,
    tests: pd.DataFrame,
    slice_tests: pd.DataFrame,
    form: pd.Series,
    *,
    disease: str = PRIMARY.disease,
) -> str:
    """Caption of the figure of the surface, from ``energy_surface``, ``energy_tests`` and ``energy_slice_tests``."""
    p = tests.set_index(["model", "test", "method"])["p_value"]

    def both(model: str, test: str) -> str:
        wald, rao_scott = p[model, test, "wald"], p[model, test, "rao_scott"]
        return f"p {format_p(wald)} (Wald F) and {p_number(rao_scott)} (Rao-Scott)"

    label = form["exposure_label"]
    cuts = "; ".join(f"{row.energy_kcal:,.0f} kcal, n = {row.n:,}, overall p {format_p(row.overall_p)}, non-linear p "
                     f"{format_p(row.nonlinear_p)}" for row in slice_tests.itertuples())  # fmt: skip
    return (
        f"A: odds ratio of {disease} against the median {label} at the median energy, from the tensor product of "
        f"two restricted cubic splines of {TENSOR_KNOTS} knots in {MODEL_NAMES[form['model']].lower()}. Contours end "
        f"where {FEW} people are near ({100 * surface['log_or'].isna().mean():.0f} % of the "
        f"plane). Shading: weighted share of adults, bins of {FEW} people, or nobody, hatched. Interaction "
        f"({(TENSOR_KNOTS - 1) ** 2} products): "
        f"{both('tensor', 'interaction')}. Without products, {label} beside energy: {both('additive', 'exposure')}; "
        f"energy beside {label}: {both('additive', 'energy')}. B to D: the surface cut at the quartiles of energy "
        f"(the lines in A), from the 5th to the 95th percentile of {label} among people within "
        f"{100 * ABOUT:g} % of that energy, against their median (dot), {conf_level_of(form)} pointwise bands: {cuts}."
    )


def conf_level_of(row: pd.Series) -> str:
    """Level of the intervals of these curves, in words."""
    return f"{100 * row['conf_level']:g} %"


def _signed(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "\u2212").replace("\u22120.00", "0.00")


# ---- alternative texts
def energy_forms_alt(forms: pd.DataFrame) -> str:
    """Alternative text of the figure of the energy forms, from ``energy_forms``."""
    told = "; ".join(
        f"{FORM_NAMES[row.form].lower()}, p {format_p(row.nonlinear_p)}, {row.verdict}" for row in forms.itertuples()
    )
    return (
        f"{sentence(str(len(forms)))} panels with the curve of {forms['exposure_label'].iloc[0]} under as many ways of "
        f"dealing with energy, non-linear p and verdict: {told}."
    )


def energy_surface_alt(surface: pd.DataFrame, slice_tests: pd.DataFrame, form: pd.Series) -> str:
    """Alternative text of the figure of the surface, from ``energy_surface`` and ``energy_slice_tests``."""
    odds = surface["odds_ratio"].dropna()
    told = "; ".join(f"{row.energy_kcal:,.0f} kcal, p {format_p(row.nonlinear_p)}" for row in slice_tests.itertuples())
    return (
        f"Map of the odds ratio, {odds.min():.2f} to {odds.max():.2f}, over {form['exposure_label']} and energy, and "
        f"its cuts at three amounts of energy, each with its non-linear p: {told}."
    )
