"""The four figures, drawn from estimates; nothing is computed here.

Every function takes the frames of the estimates folder and returns a matplotlib figure. What is drawn can be read back
from the axes, which is how the tests hold a figure to its numbers.
"""

import textwrap
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.report.tables import MODEL_NAMES

STYLE = Path(str(resources.files("analysis.report") / "style.mplstyle"))
GREY = "0.45"
BAND = "#0072B2"
WIDTH = 6.6  # inches, a text column
CAPTION_LETTERS = 104
CAPTION_LINE = 0.148  # inches
AXIS_LABELS = 0.48  # inches below an axis for its ticks and label
ODDS_TICKS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures are made of, printed on each: ``source`` in words, ``synthetic`` as a mark across the page."""

    source: str
    synthetic: bool


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write stem.png (300 dpi) and stem.svg without dates, so that the same figure gives the same bytes."""
    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    with matplotlib.style.context(STYLE):
        figure.savefig(png, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    # matplotlib ends lines of path data with a blank, which every diff would show
    svg.write_text("\n".join(line.rstrip() for line in svg.read_text().splitlines()) + "\n")
    return png, svg


def plot_dose_response(
    curve: pd.DataFrame,
    distribution: pd.DataFrame,
    model: pd.Series,
    *,
    caption: str,
    provenance: Provenance,
    planted: pd.DataFrame | None = None,
) -> Figure:
    """Odds ratio by exposure with its 95 % band over the weighted distribution of the exposure.

    Parameters
    ----------
    curve : x, odds_ratio, conf_low, conf_high, x increasing.
    distribution : lower, upper, share: weighted share of the cohort in each interval.
    model : one row of models.csv: exposure_label, unit, reference, knots, p05, p95, nadir.
    caption : sentences under the figure.
    provenance : see `Provenance`.
    planted : x, odds_ratio: the curve that a synthetic survey was made with.

    Returns
    -------
    Figure with the axes labelled ``curve`` and ``distribution``.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = _page(5.4, caption, provenance)
        above, below = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1], "hspace": 0.08, **sides}
        )
        _odds_axis(above, curve[["conf_low", "conf_high"]].to_numpy())
        above.set_label("curve")
        above.fill_between(
            curve["x"],
            curve["conf_low"],
            curve["conf_high"],
            color=BAND,
            alpha=0.2,
            linewidth=0,
            label=f"{100 * model['conf_level']:g} % band",
        )
        above.plot(curve["x"], curve["odds_ratio"], color=BAND, label="odds ratio")
        if planted is not None:
            above.plot(planted["x"], planted["odds_ratio"], color="#D55E00", linestyle="--", label="planted truth")
        above.plot(model["reference"], 1, "o", color="black", markersize=5, label="reference", zorder=5)
        knots = _knots(model)
        above.plot(knots, np.full(len(knots), 0.025), "^", color="black", markersize=5, label="knots", clip_on=False,
                   transform=above.get_xaxis_transform(), linestyle="none")  # fmt: skip
        above.set_title(f"Peripheral neuropathy by {model['exposure_label']} intake")
        above.set_ylabel(f"Odds ratio (against {model['reference']:.4g} {model['unit']})")
        above.legend(loc="upper center", bbox_to_anchor=(0.42, 1), ncol=2)
        below.set_label("distribution")
        below.bar(distribution["lower"], 100 * distribution["share"], align="edge", color="0.6", edgecolor="white",
                  width=distribution["upper"] - distribution["lower"], linewidth=0.4)  # fmt: skip
        below.set_ylabel("Weighted %\nof adults")
        below.set_xlabel(f"{_sentence(model['exposure_label'])} from food, day-1 recall ({model['unit']})")
        above.set_xlim(curve["x"].iloc[0], curve["x"].iloc[-1])
        for axes in (above, below):
            _grey_beyond(axes, model["p05"], model["p95"])
    return figure


def plot_models(curves: pd.DataFrame, models: pd.DataFrame, *, caption: str, provenance: Provenance) -> Figure:
    """The curves of all models in one panel, without bands; told apart by colour, dash and label.

    Parameters
    ----------
    curves : model, x, odds_ratio.
    models : models.csv, one row per model.
    caption, provenance : as for `plot_dose_response`.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = _page(4.4, caption, provenance)
        axes = figure.subplots(gridspec_kw=sides)
        first = models.iloc[0]
        _odds_axis(axes, curves[["odds_ratio"]].to_numpy())
        for row in models.itertuples():
            one = curves[curves["model"] == row.model]
            axes.plot(one["x"], one["odds_ratio"], label=f"{MODEL_NAMES[row.model]} (n = {row.n:,})")
        axes.plot(first["reference"], 1, "o", color="black", markersize=5, zorder=5)
        axes.set_xlim(curves["x"].min(), curves["x"].max())
        axes.set_title(f"Four models of neuropathy by {first['exposure_label']} intake")
        axes.set_ylabel(f"Odds ratio (against {first['reference']:.4g} {first['unit']})")
        axes.set_xlabel(f"{_sentence(first['exposure_label'])} from food, day-1 recall ({first['unit']})")
        axes.legend(loc="upper center", bbox_to_anchor=(0.38, 1))
        _grey_beyond(axes, first["p05"], first["p95"])
    return figure


def plot_quintiles(quintiles: pd.DataFrame, models: pd.DataFrame, *, caption: str, provenance: Provenance) -> Figure:
    """Odds ratios with 95 % intervals of the exposure's quintiles against one of them, a marker per model.

    Parameters
    ----------
    quintiles : model, quintile, lower, upper, odds_ratio, conf_low, conf_high, of one reference quintile.
    models : models.csv.
    caption, provenance : as for `plot_dose_response`.
    """
    markers = dict(zip(MODEL_NAMES, "osD^", strict=True))
    with matplotlib.style.context(STYLE):
        figure, sides = _page(4.2, caption, provenance)
        axes = figure.subplots(gridspec_kw=sides)
        first = models.iloc[0]
        _odds_axis(axes, quintiles[["conf_low", "conf_high"]].to_numpy())
        for position, model in enumerate(models["model"]):
            one = quintiles[quintiles["model"] == model]
            error = np.abs(one[["conf_low", "conf_high"]].sub(one["odds_ratio"], axis="index").to_numpy().T)
            axes.errorbar(one["quintile"] + 0.16 * (position - (len(models) - 1) / 2), one["odds_ratio"], yerr=error,
                          fmt=markers[model], linestyle="none", markersize=5, elinewidth=1.2, capsize=2,
                          label=MODEL_NAMES[model])  # fmt: skip
        ranges = quintiles.drop_duplicates("quintile")
        axes.set_xticks(
            ranges["quintile"],
            [f"Q{row.quintile}\n{_interval(row.lower, row.upper)}" for row in ranges.itertuples()],
        )
        axes.set_title(f"Neuropathy by quintile of {first['exposure_label']} intake")
        axes.set_ylabel(f"Odds ratio (against Q{quintiles['reference_quintile'].iloc[0]})")
        axes.set_xlabel(f"Quintile of {first['exposure_label']} from food, day-1 recall ({first['unit']})")
        axes.legend(loc="upper center", ncol=len(models))
    return figure


def plot_flow(flow: pd.DataFrame, *, caption: str, provenance: Provenance) -> Figure:
    """Participants left after each step of eligibility, and how many each step left out.

    Parameters
    ----------
    flow : step, n, cases, in order.
    caption, provenance : as for `plot_dose_response`.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = _page(0.72 * len(flow) - AXIS_LABELS, caption, provenance)
        axes = figure.subplots(gridspec_kw=sides | {"left": 0.03, "bottom": sides["bottom"] - 0.05})
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(-len(flow) + 0.5, 0.5)
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black", "linewidth": 0.9}
        before = None
        for position, row in enumerate(flow.itertuples()):
            step = _sentence(row.step)
            text = f"{step}\nn = {row.n:,}" + (f", {row.cases:,.0f} with neuropathy" if pd.notna(row.cases) else "")
            axes.text(0.42, -position, text, ha="center", va="center", bbox=box, label=f"step {position}")
            if before is not None:
                axes.annotate(
                    "",
                    (0.35, -position + 0.32),
                    (0.35, -position + 0.68),
                    arrowprops={"arrowstyle": "-|>", "color": "black"},
                )
                axes.text(0.49, -position + 0.5, f"{before - row.n:,} left out", va="center", color=GREY)
            before = row.n
        axes.set_title("From the interviewed to the analysed")
    return figure


def _page(panel: float, caption: str, provenance: Provenance) -> tuple[Figure, dict[str, float]]:
    """A figure with room for panels of this height in inches above its caption, and the margins that keep it free."""
    text = textwrap.fill(f"{caption} Data: {provenance.source}.", CAPTION_LETTERS, break_on_hyphens=False)
    below = CAPTION_LINE * (text.count("\n") + 1) + 0.2
    height = panel + below + 0.4
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    figure.text(0.03, 0.1 / height, text, fontsize=7.8, va="bottom", ha="left", linespacing=1.35, label="caption")
    if provenance.synthetic:
        figure.text(0.5, 0.6, "SYNTHETIC", fontsize=52, color="0.5", alpha=0.28, ha="center", va="center", rotation=28,
                    weight="bold", zorder=10)  # fmt: skip
    bottom = (below + AXIS_LABELS) / height
    return figure, {"left": 0.12, "right": 0.97, "bottom": bottom, "top": 1 - 0.35 / height}


def _odds_axis(axes: Axes, limits: np.ndarray) -> None:
    """Log axis that holds the limits, ticked at odds ratios people say aloud, with a line at 1."""
    low, high = min(float(np.min(limits)), 0.8), max(float(np.max(limits)), 1.25)
    axes.set_yscale("log")
    axes.set_ylim(max(low, 0.3) * 0.9, min(high, 6.0) * 1.25)
    axes.yaxis.set_major_locator(FixedLocator(ODDS_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle="-", zorder=0, label="_odds ratio 1")


def _grey_beyond(axes: Axes, low: float, high: float) -> None:
    """Grey the intakes beyond the 5th and 95th percentile, where few people carry the curve."""
    left, right = axes.get_xlim()
    for a, b in ((left, low), (high, right)):
        axes.axvspan(a, b, color="0.88", linewidth=0, zorder=-1)
    axes.set_xlim(left, right)


def _knots(model: pd.Series) -> list[float]:
    return [float(knot) for knot in str(model["knots"]).split()]


def _sentence(words: str) -> str:
    """Words with a capital first letter, the others as they are: "Vitamin B6"."""
    return words[0].upper() + words[1:]


def _interval(lower: float, upper: float) -> str:
    if np.isinf(lower):
        return f"up to {upper:.0f}"
    return f"above {lower:.0f}" if np.isinf(upper) else f"{lower:.0f} to {upper:.0f}"
