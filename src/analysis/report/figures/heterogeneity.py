"""The figure of cycles and sampling units: whether one of them carries the curve."""

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from analysis.audit.heterogeneity import POOLED, REFITTED
from analysis.provenance import Provenance
from analysis.report.figures.energy import P_TICKS, conf_level_of, draw_curve
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
from analysis.report.words.numbers import MODEL_NAMES, format_intake, format_p, p_number, sentence
from analysis.report.words.units import without_units
from analysis.stats.shape.verdict import ALPHA

COLOURS = (BAND, VERMILION, GREEN)
"""Of the cycles, which are told apart by their panels too."""

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
    """Each cycle's curve over the pooled one, and non-linear p and low point without each sampling unit.

    Parameters
    ----------
    curves : cycle, x, odds_ratio, conf_low, conf_high; one cycle is ``pooled``.
    shapes : a row a cycle, in the order of the panels: cycle, n, nonlinear_p, reference, p05, p95.
    influence : stratum, psu, quantity (`REFITTED`, ``nadir``), full, estimate.
    form : row of ``energy_forms``, or of models.csv: exposure_label, unit.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with an axes a cycle, labelled by it, and one labelled ``units``.
    """
    cycles = shapes[shapes["cycle"] != POOLED]
    with page_style(width):
        figure, sides = blank_page(3.5 if width == "two" else 5.2, caption, provenance, width=width)
        sides["top"] -= 0.42 / figure.get_figheight()  # a title over those of the cycles
        panels, units = _lay_out(figure, sides, len(cycles), width)
        for axes, (_, cycle), color in zip(panels, cycles.iterrows(), COLOURS, strict=False):
            axes.set_label(str(cycle["cycle"]))
            _draw_cycle(axes, curves, cycle, shapes.set_index("cycle").loc[POOLED], color)
            axes.tick_params(labelleft=axes is panels[0])
        panels[0].text(0.06, 0.03, "dashed:\nall cycles", fontsize=7, transform=panels[0].transAxes, label="_key")
        _title(figure, panels[0], "Each cycle by itself")
        panels[0].set_ylabel(f"Odds ratio (against {format_intake(cycles['reference'].iloc[0])} {form['unit']})")
        panels[len(panels) // 2].set_xlabel(f"{sentence(form['exposure_label'])} ({form['unit']})")
        units.set_label("units")
        _draw_units(units, influence, form)
        letter_panels(figure, panels[0], left=22, up=36)
        letter_panels(figure, units, left=30, first="B")
    return figure


def _title(figure: Page, axes: Axes, words: str) -> None:
    """A title over the titles of three lines of the panels that begin with this one."""
    above = axes.transAxes + ScaledTranslation(0, 0.5, figure.dpi_scale_trans)
    figure.text(0, 1, words, transform=above, fontsize=9.5, weight="bold", label="title")


def _lay_out(figure: Page, sides: dict[str, float], cycles: int, width: Width) -> tuple[list[Axes], Axes]:
    """Panels of the cycles on common axes, and the sampling units' beside them, or below in one column."""
    if width == "two":
        grid = figure.add_gridspec(1, 2, wspace=0.36, width_ratios=[2, 1], **sides)
        inner = grid[0].subgridspec(1, cycles, wspace=0.1)
    else:
        grid = figure.add_gridspec(2, 1, hspace=0.52, **sides)
        inner = grid[0].subgridspec(1, cycles, wspace=0.1)
    panels: list[Axes] = []
    for number in range(cycles):
        first = panels[0] if panels else None
        panels.append(figure.add_subplot(inner[number], sharex=first, sharey=first))
    return panels, figure.add_subplot(grid[1])


def _draw_cycle(axes: Axes, curves: pd.DataFrame, cycle: pd.Series, pooled: pd.Series, color: str) -> None:
    odds_axis(axes, curves[["conf_low", "conf_high"]].to_numpy())
    one, every = (curves[curves["cycle"] == name] for name in (cycle["cycle"], POOLED))
    draw_curve(axes, one, color, "-", str(cycle["cycle"]))
    axes.plot(every["x"], every["odds_ratio"], color="black", linestyle="--", linewidth=1.1, label=POOLED)
    axes.plot(pooled["reference"], 1, "o", color="black", markersize=4, label="_reference", zorder=5)
    axes.set_xlim(curves["x"].min(), curves["x"].max())
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
    grey_beyond(axes, pooled["p05"], pooled["p95"])
    words = (f"{cycle['cycle']}", f"n = {cycle['n']:,}", f"p {format_p(cycle['nonlinear_p'])}")
    axes.set_title("\n".join(words), fontsize=8, weight="normal", linespacing=1.1)


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
    axes.set_ylim(low / 4, high * 1.5)
    axes.yaxis.set_major_locator(FixedLocator(P_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(ALPHA, color=GREY, linewidth=0.8, zorder=0, label="_0.05")
    axes.margins(x=0.16)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_title("Without one\nsampling unit", fontsize=9.5)
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
    units, of_everybody = without_units({"psu_shape": influence}), _largest_kept(influence)
    untold = f" ({units.untold()})" if units.untold() else ""
    return (
        f"A: {MODEL_NAMES[shapes['model'].iloc[0]].lower()} in each cycle with its own weights; knots, reference "
        "(dot) and range are those of all cycles; "
        f"{conf_level_of(shapes.iloc[0])} pointwise bands, wide as a cycle has few sampling units: {of_cycles}. Test "
        "that "
        f"the curves of the cycles differ: {'; '.join(words)}. Dashed: all cycles. Grey: beyond the "
        "pooled 5th and 95th percentile. B: "
        f"non-linear p (Wald F, covariance and df estimated anew) and lowest point when one of {units.told} PSUs is "
        f"left out{untold} and the others of its stratum stand for it; the ends are named stratum/PSU. Largest p "
        f"{p_number(units.most)}, with the covariance of everybody {p_number(of_everybody)}; grey line: {ALPHA:g}."
    )


def _largest_kept(influence: pd.DataFrame) -> float:
    """The largest non-linear p without a unit, with the covariance of everybody."""
    return float(influence.loc[influence["quantity"] == "nonlinear_p", "estimate"].max())


def heterogeneity_alt(shapes: pd.DataFrame, tests: pd.DataFrame, influence: pd.DataFrame) -> str:
    """Alternative text of the heterogeneity figure; arguments as for `heterogeneity_caption`."""
    told = "; ".join(
        f"{row.cycle}, n = {row.n:,}, non-linear p {format_p(row.nonlinear_p)}, lowest at {format_intake(row.nadir)}"
        for row in shapes.itertuples()
    )
    wald = tests.dropna(subset="p_value").query("test == 'curve' and method == 'wald'")["p_value"]
    units = without_units({"psu_shape": influence})
    return (
        f"A panel a survey cycle with its curve over the pooled one: {told}. Test that they differ: p "
        f"{' and '.join(p_number(p) for p in wald)}. Non-linear p without each sampling unit: "
        f"{p_number(units.least)} to {p_number(units.most)}."
    )
