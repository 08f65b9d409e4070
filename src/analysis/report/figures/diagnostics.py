"""Figure of whether the regression can carry the curve, drawn from estimates; nothing is computed here."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREY,
    SMALL,
    VERMILION,
    Caption,
    Page,
    blank_page,
    grey_beyond,
    letter_panels,
    page_style,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import (
    MODEL_NAMES,
    format_intake,
    format_p,
    p_number,
    rows_of_model,
    sentence,
)
from analysis.stats.arrays import Frames

PANELS = ("calibration", "effective_size", "influence")

LABELLED = 2
"""So many of the largest changes are named in each direction: the sampling units somebody would ask about."""

LETTERS = 0.062
"""Height of such a name as a share of its panel."""

INTAKE_MARKS = {"log_or_p10": ("o", BAND), "log_or_p90": ("^", VERMILION)}
"""Marker and colour of the two intakes whose log odds ratio is taken without each PSU."""


def plot_diagnostics(
    calibration: pd.DataFrame,
    influence: pd.DataFrame,
    distribution: pd.DataFrame,
    model: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """Calibration, effective sample size along the exposure, and what single PSUs change, of one model.

    Parameters
    ----------
    calibration : predicted, estimate, conf_low, conf_high by group of predicted risk, as shares.
    influence : stratum, psu, quantity, x, dfbetas.
    distribution : lower, upper, n, n_effective.
    model : one row of models.csv: exposure_label, unit, p05, p95, goodness_of_fit_p.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``calibration``, ``effective_size`` and ``influence``.
    """
    with page_style(width):
        figure, sides = blank_page(5.9 if width == "two" else 7.4, caption, provenance, width=width)
        if width == "two":
            grid = figure.add_gridspec(2, 2, height_ratios=[1.15, 1], hspace=0.36, wspace=0.3, **sides)
            places = (grid[0, 0], grid[0, 1], grid[1, :])
        else:
            rows = figure.add_gridspec(3, 1, hspace=0.48, **sides)
            places = (rows[0], rows[1], rows[2])
        panels = [figure.add_subplot(place, label=label) for place, label in zip(places, PANELS, strict=True)]
        _draw_calibration(panels[0], calibration, model, width)
        _draw_sizes(panels[1], distribution, model)
        _draw_influence(panels[2], influence, model, width)
        letter_panels(figure, *panels)
    return figure


def _draw_calibration(axes: Axes, calibration: pd.DataFrame, model: pd.Series, width: Width) -> None:
    shown = 100 * calibration[["predicted", "estimate", "conf_low", "conf_high"]].dropna()
    error = np.abs(shown[["conf_low", "conf_high"]].sub(shown["estimate"], axis="index").to_numpy().T)
    top = 1.05 * float(shown.max().max())
    axes.plot([0, top], [0, top], color=GREY, linewidth=0.8, linestyle="-", label="diagonal", zorder=0)
    axes.errorbar(shown["predicted"], shown["estimate"], yerr=error, fmt="o", color=BAND, linestyle="none",
                  markersize=4.5, elinewidth=1.2, capsize=2, label="observed")  # fmt: skip
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.text(0.05, 0.93, f"Archer-Lemeshow\np {format_p(model['goodness_of_fit_p'])}", va="top", fontsize=SMALL[width],
              transform=axes.transAxes, label="test")  # fmt: skip
    axes.set_title("Calibration")
    axes.set_xlabel("Predicted neuropathy (%)")
    axes.set_ylabel("Observed neuropathy (%)")


def _draw_sizes(axes: Axes, distribution: pd.DataFrame, model: pd.Series) -> None:
    width = distribution["upper"] - distribution["lower"]
    for column, shade, words in (("n", "0.72", "people"), ("n_effective", BAND, "effective number")):
        axes.bar(distribution["lower"], distribution[column], width, align="edge", color=shade, edgecolor="white",
                 linewidth=0.4, label=words)  # fmt: skip
    axes.set_xlim(distribution["lower"].iloc[0], distribution["upper"].iloc[-1])
    grey_beyond(axes, model["p05"], model["p95"])
    axes.set_title("What the weights leave")
    axes.set_xlabel(f"{sentence(model['exposure_label'])} ({model['unit']})")
    axes.set_ylabel("Number in the interval")
    axes.legend(loc="upper right")


def _draw_influence(axes: Axes, influence: pd.DataFrame, model: pd.Series, width: Width) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle="-", zorder=0)
    named = []
    for quantity, (marker, color) in INTAKE_MARKS.items():
        one = influence[influence["quantity"] == quantity].dropna(subset="dfbetas").sort_values("dfbetas")
        axes.plot(np.arange(1, len(one) + 1), one["dfbetas"], marker, color=color, markersize=3.5, linestyle="none",
                  label=f"at {format_intake(one['x'].iloc[0])} {model['unit']}")  # fmt: skip
        named.append(one.assign(color=color))
    last = max(map(len, named))
    margin = 0.06 if width == "two" else 0.14
    axes.set_xlim(-margin * last, (1 + margin) * last)
    _name_units(axes, -0.2, "right", pd.concat([one.head(LABELLED) for one in named]))
    _name_units(axes, last + 1.2, "left", pd.concat([one.tail(LABELLED) for one in named]))
    axes.set_title("Without one sampling unit")
    axes.set_xlabel("Sampling units, sorted for each intake")
    axes.set_ylabel("Change of log odds ratio\n(standard errors)")
    axes.legend(loc="upper left", bbox_to_anchor=(0.08, 1))


def _name_units(axes: Axes, place: float, side: Literal["left", "right"], units: pd.DataFrame) -> None:
    """stratum/PSU beside the points: the outermost at its height, the next as near to its own as letters need."""
    low, high = axes.get_ylim()
    outwards = 1 if side == "left" else -1
    free = np.inf
    for row in units.sort_values("dfbetas", ascending=side == "right").itertuples():
        at = min(outwards * float(row.dfbetas), free)
        axes.text(place, outwards * at, f"{row.stratum}/{row.psu}", ha=side, va="center", fontsize=7, color=row.color,
                  label="_unit")  # fmt: skip
        free = at - LETTERS * (high - low)


def diagnostics_caption(estimates: Frames, model: str) -> str:
    """Caption of the figure of whether the regression can carry the curve."""
    row = rows_of_model(estimates, model)
    fit = estimates["tests"].query("model == @model and test == 'goodness_of_fit'").iloc[0]
    influence = estimates["influence"].query("model == @model")
    intakes = {name: format_intake(part["x"].iloc[0]) for name, part in influence.groupby("quantity")}
    nonlinear = influence[influence["quantity"] == "nonlinear_p"]
    full, highest = (p_number(p) for p in (nonlinear["full"].max(), nonlinear["estimate"].max()))
    weights = estimates["weights"].set_index("model").loc[model]
    return (
        f"{MODEL_NAMES[model]}, {row['n']:,} people. A: observed neuropathy with {100 * row['conf_level']:g} "
        "% intervals against the predicted, in tenths of predicted risk of equal weight; on the line they agree "
        f"(Archer-Lemeshow F {fit['statistic']:.2f} on {fit['df_num']} and {fit['df_den']} df). B: "
        "people in each interval of intake, and how many equally weighted people would tell as much (Kish), in "
        f"all {weights['n_effective']:,.0f} of {weights['n_positive']:,}; clusters not counted. Grey: beyond the 5th "
        "and 95th percentile. C: change of the log odds ratio at the 10th and 90th percentile "
        f"of intake ({intakes['log_or_p10']} and {intakes['log_or_p90']} {row['unit']}) against "
        f"{format_intake(row['reference'])}, in its standard errors, when one PSU is left out and the others of its "
        "stratum stand for it; the largest are named stratum/PSU. Non-linear p (Wald F, covariance kept): "
        f"{full} with everybody, at most {highest} without one unit."
    )


def diagnostics_alt(estimates: Frames, model: str) -> str:
    """Alternative text of the figure of whether the regression can carry the curve."""
    row, groups = rows_of_model(estimates, model), estimates["calibration"].query("model == @model")
    weights = estimates["weights"].set_index("model").loc[model]
    largest = estimates["influence"].query("model == @model")["dfbetas"].abs().max()
    return (
        f"Three panels. Observed against predicted neuropathy in {len(groups)} groups of risk (Archer-Lemeshow p "
        f"{format_p(row['goodness_of_fit_p'])}); people and their effective number by intake, in all "
        f"{weights['n_effective']:,.0f} of {weights['n_positive']:,}; change of two log odds ratios without each "
        f"sampling unit, at most {largest:.2f} standard errors."
    )
