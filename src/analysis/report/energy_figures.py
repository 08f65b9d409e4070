"""Figures of the energy and heterogeneity audits with their captions, drawn from frames; nothing is computed here."""

import textwrap
from collections.abc import Hashable
from typing import Any, Literal

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.audit.energy import ABOUT, TENSOR_KNOTS
from analysis.audit.heterogeneity import POOLED, REFITTED
from analysis.characteristics import FEWEST_PEOPLE
from analysis.report.page import BAND, GREY, STYLE, VERMILION, Provenance, blank_page, grey_beyond, odds_axis, sentence
from analysis.report.tables import MODEL_NAMES, format_p
from analysis.stats.shape import ALPHA

LINES = ((BAND, "-"), (VERMILION, "--"), ("#009E73", "-."))
"""Colour and dash of the slices, and of the cycles."""

FORM_NAMES = {
    "none": "No energy",
    "linear": "Energy, a line",
    "spline": "Energy, a spline",
    "residual": "Residual",
    "density": "Density",
}
TITLE_LETTERS = 16
"""A fifth of the page holds so many letters a line."""

CONTOURS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""Odds ratios whose contour is drawn: below 1 blue and dashed, above vermilion."""

SHADES = LinearSegmentedColormap.from_list("people", ["0.95", "0.6"])
P_TICKS = (1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
NAMED_UNITS = 2
"""So many of the sampling units without which the non-linear p is largest are named, and of those where smallest."""


# ---- energy forms


def plot_energy_forms(curves: pd.DataFrame, forms: pd.DataFrame, *, caption: str, provenance: Provenance) -> Figure:
    """The exposure's curve under each energy form, side by side on one odds-ratio axis, x in the form's own unit.

    Parameters
    ----------
    curves : form, x, odds_ratio, conf_low, conf_high; x increasing in each form.
    forms : form, exposure_label, unit, reference, p05, p95, nonlinear_p, verdict, in the order of the panels.
    caption, provenance : as for `analysis.report.figures.plot_dose_response`.

    Returns
    -------
    Figure with one axes a form, labelled by it.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = blank_page(3.6, caption, provenance)
        # Room for a title over all panels, and three lines over each.
        sides["top"] -= 0.7 / figure.get_figheight()
        panels = figure.subplots(1, len(forms), sharey=True, gridspec_kw=sides | {"wspace": 0.1})
        limits = curves[["conf_low", "conf_high"]].to_numpy()
        for axes, (_, form) in zip(panels, forms.iterrows(), strict=True):
            axes.set_label(form["form"])
            odds_axis(axes, limits)
            _draw_form(axes, curves[curves["form"] == form["form"]], form)
        panels[0].set_ylabel("Odds ratio (against the median)")
        words = sentence(forms["exposure_label"].iloc[0])
        _page_title(figure, f"{words} and peripheral neuropathy, five ways with energy", sides["left"])
    return figure


def _draw_form(axes: Axes, curve: pd.DataFrame, form: pd.Series) -> None:
    _draw_curve(axes, curve, BAND, "-", "odds ratio")
    axes.plot(form["reference"], 1, "o", color="black", markersize=4, label="reference", zorder=5)
    axes.set_xlim(curve["x"].min(), curve["x"].max())
    grey_beyond(axes, form["p05"], form["p95"])
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
    axes.set_xlabel(form["unit"])
    lines = (FORM_NAMES[form["form"]], f"p {format_p(form['nonlinear_p'])}")
    axes.set_title("\n".join(lines), fontsize=8.2, pad=21)
    axes.text(0, 1.015, textwrap.fill(form["verdict"], TITLE_LETTERS), fontsize=7.5, va="bottom", linespacing=1.1,
              transform=axes.transAxes, label="verdict")  # fmt: skip


def _draw_curve(axes: Axes, curve: pd.DataFrame, color: str, dash: str, label: str) -> None:
    axes.fill_between(curve["x"], curve["conf_low"], curve["conf_high"], color=color, alpha=0.14, linewidth=0,
                      label="_band")  # fmt: skip
    axes.plot(curve["x"], curve["odds_ratio"], color=color, linestyle=dash, label=label)


def _page_title(figure: Figure, words: str, left: float) -> None:
    figure.text(left, 1 - 0.1 / figure.get_figheight(), words, va="top", fontsize=10, weight="bold", label="title")


def energy_forms_caption(forms: pd.DataFrame) -> str:
    """Caption of the figure of the energy forms, from ``energy_forms``."""
    first = forms.iloc[0]
    form = forms.set_index("form")
    residual_df = ", ".join(f"{df}" for df in forms["residual_df"])
    return (
        f"{MODEL_NAMES[first['model']]} in {first['n']:,} people ({first['cases']:,} cases), "
        f"{first['exposure_label']} on a restricted cubic spline of {first['knots']} knots in each panel. No energy: "
        "more of it with more food. Energy as a line or as a spline in the model: more of it in the place of other "
        "foods at the same total energy. Residual (what energy does not predict along a straight line, raised by the "
        "mean) and density (per 1,000 kcal): composition of the diet, energy not in the model; correlation with energy "
        f"{_signed(form.loc['residual', 'correlation'])} and {_signed(form.loc['density', 'correlation'])}, of the "
        f"unadjusted intake {_signed(first['correlation'])}. Black dot: the form's median. P: non-linear terms, "
        f"Wald F; residual df {residual_df}. Below it the verdict by the protocol's rule. {_level(first)} pointwise "
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
    caption: str,
    provenance: Provenance,
) -> Figure:
    """Contours of the odds ratio over exposure and energy above where the people are, and curves at fixed energy.

    Parameters
    ----------
    surface : x, energy_kcal, log_or on a full grid; log_or is missing where few people are near.
    density : lower, upper, energy_lower, energy_upper, share on a full grid; share is missing in bins of few people.
    slices : energy_quantile, x, odds_ratio, conf_low, conf_high.
    slice_tests : a row a slice: energy_quantile, energy_kcal, reference, p05, p95.
    form : row of ``energy_forms`` without energy: exposure_label, unit, model, conf_level.
    caption, provenance : as for `analysis.report.figures.plot_dose_response`.

    Returns
    -------
    Figure with the axes labelled ``surface`` and ``slices``.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = blank_page(3.5, caption, provenance)
        panels = figure.subplots(1, 2, gridspec_kw=sides | {"wspace": 0.3, "width_ratios": [1.15, 1]})
        for axes, label in zip(panels, ("surface", "slices"), strict=True):
            axes.set_label(label)
            axes.set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
        _draw_density(panels[0], density)
        _draw_contours(panels[0], surface)
        _draw_slices(panels, slices, slice_tests)
        panels[0].set_title(f"{sentence(form['exposure_label'])} and energy")
        panels[1].set_title("At the same energy")
    return figure


def _draw_density(axes: Axes, density: pd.DataFrame) -> None:
    left, below, share = _on_grid(density, "lower", "energy_lower", "share")
    edges = np.append(left, density["upper"].max()), np.append(below, density["energy_upper"].max())
    axes.pcolormesh(*edges, 100 * share, cmap=SHADES, label="weighted % of adults")
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


def _draw_slices(panels: Any, slices: pd.DataFrame, slice_tests: pd.DataFrame) -> None:
    above, beside = panels
    odds_axis(beside, slices[["conf_low", "conf_high"]].to_numpy())
    for (color, dash), row in zip(LINES, slice_tests.itertuples(), strict=True):
        curve = slices[slices["energy_quantile"] == row.energy_quantile]
        _draw_curve(beside, curve, color, dash, f"{row.energy_kcal:,.0f} kcal")
        beside.plot(row.reference, 1, "o", color=color, markersize=4, label="_reference", zorder=5)
        above.plot([row.p05, row.p95], [row.energy_kcal] * 2, color=color, linestyle=dash, linewidth=2.2,
                   label=f"_slice {row.energy_quantile:g}")  # fmt: skip
        above.plot(row.reference, row.energy_kcal, "o", color=color, markersize=4, label="_reference", zorder=5)
    beside.set_ylabel("Odds ratio (against the slice's median)")
    beside.legend(loc="lower right", handlelength=2.6)


def energy_surface_caption(
    surface: pd.DataFrame, tests: pd.DataFrame, slice_tests: pd.DataFrame, form: pd.Series
) -> str:
    """Caption of the figure of the surface, from ``energy_surface``, ``energy_tests`` and ``energy_slice_tests``."""
    p = tests.set_index(["model", "test", "method"])["p_value"]

    def both(model: str, test: str) -> str:
        wald, rao_scott = p[model, test, "wald"], p[model, test, "rao_scott"]
        return f"p {format_p(wald)} (Wald F) and {format_p(rao_scott).removeprefix('= ')} (Rao-Scott)"

    label = form["exposure_label"]
    cuts = "; ".join(f"{row.energy_kcal:,.0f} kcal, n = {row.n:,}, overall p {format_p(row.overall_p)}, non-linear p "
                     f"{format_p(row.nonlinear_p)}" for row in slice_tests.itertuples())  # fmt: skip
    return (
        f"Left: odds ratio of neuropathy against the median {label} at the median energy, from the tensor product of "
        f"two restricted cubic splines of {TENSOR_KNOTS} knots in {MODEL_NAMES[form['model']].lower()}. Contours end "
        f"where fewer than {FEWEST_PEOPLE} people are near ({100 * surface['log_or'].isna().mean():.0f} % of the "
        f"plane). Shading: weighted share of adults, bins of fewer than {FEWEST_PEOPLE} people left blank. Interaction "
        f"({(TENSOR_KNOTS - 1) ** 2} products): "
        f"{both('tensor', 'interaction')}. Without products, {label} beside energy: {both('additive', 'exposure')}; "
        f"energy beside {label}: {both('additive', 'energy')}. Right: the surface cut at the quartiles of energy "
        f"(the lines on the left), from the 5th to the 95th percentile of {label} among people within "
        f"{100 * ABOUT:g} % of that energy, against their median (dot), {_level(form)} pointwise bands: {cuts}."
    )


# ---- heterogeneity


def plot_heterogeneity(
    curves: pd.DataFrame,
    shapes: pd.DataFrame,
    influence: pd.DataFrame,
    form: pd.Series,
    *,
    caption: str,
    provenance: Provenance,
) -> Figure:
    """The curves of the cycles with the pooled one, and non-linear p and low point without each sampling unit.

    Parameters
    ----------
    curves : cycle, x, odds_ratio, conf_low, conf_high; one cycle is ``pooled``.
    shapes : a row a cycle, in the order of the legend: cycle, n, reference, p05, p95.
    influence : stratum, psu, quantity (`REFITTED`, ``nadir``), full, estimate.
    form : row of ``energy_forms``, or of models.csv: exposure_label, unit.
    caption, provenance : as for `analysis.report.figures.plot_dose_response`.

    Returns
    -------
    Figure with the axes labelled ``cycles`` and ``units``.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = blank_page(3.6, caption, provenance)
        panels = figure.subplots(1, 2, gridspec_kw=sides | {"wspace": 0.32, "width_ratios": [1.3, 1]})
        for axes, label in zip(panels, ("cycles", "units"), strict=True):
            axes.set_label(label)
        _draw_cycles(panels[0], curves, shapes, form)
        _draw_units(panels[1], influence, form)
    return figure


def _draw_cycles(axes: Axes, curves: pd.DataFrame, shapes: pd.DataFrame, form: pd.Series) -> None:
    odds_axis(axes, curves[["conf_low", "conf_high"]].to_numpy())
    pooled = shapes.set_index("cycle").loc[POOLED]
    styles: dict[Hashable, tuple[str, str]] = {POOLED: ("black", "-")}
    styles |= dict(zip(shapes.loc[shapes["cycle"] != POOLED, "cycle"], LINES, strict=False))
    for cycle, n in zip(shapes["cycle"], shapes["n"], strict=True):
        curve = curves[curves["cycle"] == cycle]
        _draw_curve(axes, curve, *styles[cycle], label=f"{cycle} (n = {n:,})")
    axes.plot(pooled["reference"], 1, "o", color="black", markersize=5, label="_reference", zorder=5)
    axes.set_xlim(curves["x"].min(), curves["x"].max())
    grey_beyond(axes, pooled["p05"], pooled["p95"])
    axes.set_title("Each cycle by itself")
    axes.set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
    axes.set_ylabel(f"Odds ratio (against {pooled['reference']:.4g} {form['unit']})")
    axes.legend(loc="upper center", handlelength=2.6, fontsize=7.5)


def _draw_units(axes: Axes, influence: pd.DataFrame, form: pd.Series) -> None:
    units = influence.pivot_table(index=["stratum", "psu"], columns="quantity", values="estimate")
    units = units[["nadir", REFITTED]].dropna().sort_values(REFITTED)
    full = influence.groupby("quantity")["full"].first()
    axes.plot(units["nadir"], units[REFITTED], "o", color=BAND, markersize=3.2, alpha=0.75, linestyle="none",
              label="one unit left out")  # fmt: skip
    axes.plot(full["nadir"], full[REFITTED], "D", color="black", markersize=5.5, linestyle="none",
              label="everybody")  # fmt: skip
    ends = pd.concat([units.head(NAMED_UNITS), units.tail(NAMED_UNITS)])
    for position, (unit, row) in enumerate(ends.iterrows()):
        # To either side in turn: the ends lie close together.
        side: Literal["left", "right"] = ("left", "right")[position % 2]
        axes.annotate("/".join(map(str, unit)), (row["nadir"], row[REFITTED]), (4 if side == "left" else -4, 0),
                      fontsize=7, ha=side, va="center", textcoords="offset points", color=BAND,
                      label="_unit")  # fmt: skip
    axes.set_yscale("log")
    low, high = min(units[REFITTED].min(), ALPHA), max(units[REFITTED].max(), ALPHA)
    axes.set_ylim(low / 2.8, high * 1.5)
    axes.yaxis.set_major_locator(FixedLocator(P_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(ALPHA, color=GREY, linewidth=0.8, zorder=0, label="_0.05")
    axes.margins(x=0.16)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_title("Without one sampling unit")
    axes.set_xlabel(f"Lowest point ({form['unit']})")
    axes.set_ylabel("Non-linear p (log axis)")
    axes.legend(loc="lower left", fontsize=7.5)


def heterogeneity_caption(shapes: pd.DataFrame, tests: pd.DataFrame, influence: pd.DataFrame) -> str:
    """Caption of the heterogeneity figure, from ``cycle_shapes``, ``cycle_heterogeneity`` and ``psu_shape``."""
    p = tests.dropna(subset="p_value").set_index(["covariates", "test", "method"])["p_value"]
    words = []
    for covariates, name in (("common", "the same covariate coefficients in all"), ("own", "each its own")):
        if (covariates, "curve", "wald") in p.index:
            wald, rao_scott = (format_p(p[covariates, "curve", method]) for method in ("wald", "rao_scott"))
            words.append(f"p {wald} (Wald F) and {rao_scott.removeprefix('= ')} (Rao-Scott) with {name}")
    cycles = shapes[shapes["cycle"] != POOLED]
    of_cycles = "; ".join(
        f"{row.cycle} {row.residual_df} df, non-linear p {format_p(row.nonlinear_p)}" for row in cycles.itertuples()
    )
    estimates = influence.set_index("quantity")["estimate"]
    refitted, of_everybody = estimates[REFITTED], estimates["nonlinear_p"].max()
    return (
        f"Left: {MODEL_NAMES[shapes['model'].iloc[0]].lower()} in each cycle with its own weights; knots, reference "
        "(dot) and range are those of all cycles; "
        f"{_level(shapes.iloc[0])} pointwise bands, wide as a cycle has few sampling units: {of_cycles}. Test that "
        f"the curves of the cycles differ: {'; '.join(words)}. Grey: beyond the pooled 5th and 95th percentile. Right: "
        f"non-linear p (Wald F, covariance and df estimated anew) and lowest point when one of {len(refitted)} PSUs is "
        "left out and the others of its stratum stand for it; the ends are named stratum/PSU. Largest p "
        f"{refitted.max():.3f}, with the covariance of everybody {of_everybody:.3f}; grey line: {ALPHA:g}."
    )


def _level(row: pd.Series) -> str:
    return f"{100 * row['conf_level']:g} %"


def _signed(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "\u2212").replace("\u22120.00", "0.00")
