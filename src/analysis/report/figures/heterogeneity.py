"""The figure of cycles and sampling units: whether one of them carries the curve."""

from collections.abc import Hashable
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.audit.heterogeneity import POOLED, REFITTED
from analysis.provenance import Provenance
from analysis.report.figures.energy import LINES, P_TICKS, conf_level_of, draw_curve
from analysis.report.figures.layout import (
    BAND,
    GREY,
    Caption,
    Page,
    Width,
    blank_page,
    grey_beyond,
    odds_axis,
    page_style,
)
from analysis.report.words.numbers import MODEL_NAMES, format_intake, format_p, p_number, sentence
from analysis.stats.shape.verdict import ALPHA

NAMED_UNITS = 2
"""So many of the sampling units without which the non-linear p is largest are named, and of those where smallest."""


# ---- heterogeneity
def plot_heterogeneity(
    curves: pd.DataFrame,
    shapes: pd.DataFrame,
    influence: pd.DataFrame,
    form: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """The curves of the cycles with the pooled one, and non-linear p and low point without each sampling unit.

    Parameters
    ----------
    curves : cycle, x, odds_ratio, conf_low, conf_high; one cycle is ``pooled``.
    shapes : a row a cycle, in the order of the legend: cycle, n, reference, p05, p95.
    influence : stratum, psu, quantity (`REFITTED`, ``nadir``), full, estimate.
    form : row of ``energy_forms``, or of models.csv: exposure_label, unit.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``cycles`` and ``units``.
    """
    with page_style(width):
        figure, sides = blank_page(3.6, caption, provenance, width=width)
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
        draw_curve(axes, curve, *styles[cycle], label=f"{cycle} (n = {n:,})")
    axes.plot(pooled["reference"], 1, "o", color="black", markersize=5, label="_reference", zorder=5)
    axes.set_xlim(curves["x"].min(), curves["x"].max())
    grey_beyond(axes, pooled["p05"], pooled["p95"])
    axes.set_title("Each cycle by itself")
    axes.set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
    axes.set_ylabel(f"Odds ratio (against {format_intake(pooled['reference'])} {form['unit']})")
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
        f"{conf_level_of(shapes.iloc[0])} pointwise bands, wide as a cycle has few sampling units: {of_cycles}. Test "
        "that "
        f"the curves of the cycles differ: {'; '.join(words)}. Grey: beyond the pooled 5th and 95th percentile. Right: "
        f"non-linear p (Wald F, covariance and df estimated anew) and lowest point when one of {len(refitted)} PSUs is "
        "left out and the others of its stratum stand for it; the ends are named stratum/PSU. Largest p "
        f"{refitted.max():.3f}, with the covariance of everybody {of_everybody:.3f}; grey line: {ALPHA:g}."
    )


def heterogeneity_alt(shapes: pd.DataFrame, tests: pd.DataFrame, influence: pd.DataFrame) -> str:
    """Alternative text of the heterogeneity figure; arguments as for `heterogeneity_caption`."""
    told = "; ".join(
        f"{row.cycle}, n = {row.n:,}, non-linear p {format_p(row.nonlinear_p)}, lowest at {format_intake(row.nadir)}"
        for row in shapes.itertuples()
    )
    wald = tests.dropna(subset="p_value").query("test == 'curve' and method == 'wald'")["p_value"]
    refitted = influence.loc[influence["quantity"] == REFITTED, "estimate"]
    return (
        f"A panel a survey cycle with its curve over the pooled one: {told}. Test that they differ: p "
        f"{' and '.join(p_number(p) for p in wald)}. Non-linear p without each sampling unit: {refitted.min():.4f} to "
        f"{refitted.max():.3f}."
    )
