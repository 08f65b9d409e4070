"""What all figures share: the page with its caption, the style, the axes, and how they are saved."""

import textwrap
from importlib import resources
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.provenance import Provenance

STYLE = Path(str(resources.files("analysis.report") / "style.mplstyle"))
GREY = "0.45"
BAND = "#0072B2"
VERMILION = "#D55E00"
WIDTH = 6.6  # inches, a text column
CAPTION_LETTERS = 104
CAPTION_LINE = 0.148  # inches
AXIS_LABELS = 0.48  # inches below an axis for its ticks and label
DENSE = 300  # dots an inch
TALLEST = 4000
"""Pixels of a PNG's height; a page too tall for it at 300 dots an inch gets fewer, and stays sharp on a screen."""

MOST_OUTLINES = 4000
"""Letters that an SVG draws as outlines; a page of more keeps them as text, a twentieth as large and searchable."""

ODDS_TICKS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write stem.png (300 dpi, tall pages fewer) and stem.svg without dates: the same figure gives the same bytes."""
    # Not with_suffix, which takes what follows a point in a name for one: "below_1.3" would be "below_1.png".
    png, svg = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg"))
    letters = sum(len(text.get_text()) for text in figure.findobj(Text))
    own = {"svg.fonttype": "path" if letters <= MOST_OUTLINES else "none"}
    with matplotlib.style.context([STYLE, own]):
        figure.savefig(png, dpi=min(DENSE, TALLEST / figure.get_figheight()), metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    # matplotlib ends lines of path data with a blank, which every diff would show
    svg.write_text("\n".join(line.rstrip() for line in svg.read_text().splitlines()) + "\n")
    return png, svg


def blank_page(panel: float, caption: str, provenance: Provenance) -> tuple[Figure, dict[str, float]]:
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


def odds_axis(axes: Axes, limits: np.ndarray) -> None:
    """Log axis that holds the limits, ticked at odds ratios people say aloud, with a line at 1."""
    low, high = min(float(np.min(limits)), 0.8), max(float(np.max(limits)), 1.25)
    axes.set_yscale("log")
    axes.set_ylim(max(low, 0.3) * 0.9, min(high, 6.0) * 1.25)
    axes.yaxis.set_major_locator(FixedLocator(ODDS_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle="-", zorder=0, label="_odds ratio 1")


def grey_beyond(axes: Axes, low: float, high: float) -> None:
    """Grey the intakes beyond the 5th and 95th percentile, where few people carry the curve."""
    left, right = axes.get_xlim()
    for a, b in ((left, low), (high, right)):
        axes.axvspan(a, b, color="0.88", linewidth=0, zorder=-1)
    axes.set_xlim(left, right)
