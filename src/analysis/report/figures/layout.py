"""What all figures share: the page with the words beside it, the style, the axes, and how they are saved."""

import io
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from analysis.data.source.registry import SYNTHETIC
from analysis.provenance import Provenance
from analysis.report.figures.width import Width
from analysis.stats.disclosure import Discreet

STYLE = Path(str(resources.files("analysis.report") / "style.mplstyle"))
GREY = "0.45"
BAND = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
INCHES: dict[Width, float] = {"one": 85 / 25.4, "two": 175 / 25.4}
"""Width of a page: the columns of most journals are 85 and 175 mm wide."""

NARROW = {
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "lines.linewidth": 1.4,
    "axes.linewidth": 0.7,
}
"""What differs from the style file in one column; no letter is below 7 points in print."""

SMALL: dict[Width, float] = {"one": 7, "two": 8}
"""Letters inside a panel, points."""

SHADE = 8
"""Colours of a PNG are multiples of it, of 255."""

PACKED = (7, 9)
"""Levels of a PNG's compression, the second for one that is too heavy: it takes a fortieth off, and thrice as long."""

NOTEBOOK_DOTS = 100.0
"""Dots an inch of a picture in a notebook."""

TALLEST = 2300
"""Pixels of a PNG's height; a page too tall for it at 200 dots an inch gets fewer, and has its SVG for small print."""

HEAVIEST = 250_000
"""Bytes of a PNG; one of very many marks gets fewer dots an inch, until it is as light."""

INVENTED = "invented"
"""Mark of the words across axes that say so."""

AXIS_LABELS = 0.48  # inches below an axis for its ticks and label
ABOVE = 0.35  # inches above the panels, for a title
FACE_LINE = 0.2  # inches for the line that says what invented data are
LABEL_ROOM: dict[Width, float] = {"one": 0.66, "two": 0.8}  # inches left of the panels
ODDS_TICKS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
ODDS_TICKS_LOW = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""For panels too low for the others: doublings."""


@dataclass(frozen=True, slots=True, repr=False)
class Caption(Discreet):
    """The words beside a picture.

    Attributes
    ----------
    text : caption, sentences.
    alt : alternative text: what is seen, with the numbers that are the point, for those who do not see it.
    """

    text: str
    alt: str

    def _repr_markdown_(self) -> str:
        return self.text


class Page(Figure):
    """A figure of one printed width, with the caption that stands beside it and not in it."""

    caption: Caption

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, bytes], dict[str, Any]]:
        """As a notebook shows it: the picture, with its alternative text in the metadata."""
        with matplotlib.style.context(STYLE):
            picture = light_png(self, dots=NOTEBOOK_DOTS)
        return {"image/png": picture}, {"image/png": {"alt": self.caption.alt}}


def page_style(width: Width) -> AbstractContextManager[None]:
    """The style of all figures, within which one of this width is drawn."""
    return matplotlib.style.context([STYLE, NARROW if width == "one" else {}])


def light_png(figure: Figure, *, dots: float) -> bytes:
    """A figure as PNG of so many dots an inch, its colours rounded, which makes it up to a third lighter.

    No channel moves by more than half of `SHADE`. A palette of 256 would be lighter still, but turns shades of bands
    and rare colours, such as those of a legend's marks, into others.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dots, pil_kwargs={"compress_level": 0})  # read at once, so not packed
    with Image.open(drawn) as picture:
        rounded = picture.convert("RGB").point([min(255, SHADE * round(value / SHADE)) for value in range(256)] * 3)
    for level in PACKED:
        light = io.BytesIO()
        rounded.save(light, "png", dpi=(dots, dots), compress_level=level)
        if light.tell() <= HEAVIEST:
            break
    return light.getvalue()


def save_figure(figure: Page, stem: Path) -> tuple[Path, Path, Path]:
    """Write stem.png (at most 200 dpi), stem.svg and stem.md (its caption): the same figure, the same bytes."""
    # Not with_suffix, which takes what follows a point in a name for one: "below_1.3" would be "below_1.png".
    png, svg, words = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg", "md"))
    with matplotlib.style.context(STYLE):
        dots = min(float(matplotlib.rcParams["savefig.dpi"]), TALLEST / figure.get_figheight())
        while len(picture := light_png(figure, dots=dots)) > HEAVIEST:
            dots *= 0.95
        png.write_bytes(picture)
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    # matplotlib ends lines of path data with a blank, which every diff would show
    svg.write_text("\n".join(line.rstrip() for line in svg.read_text().splitlines()) + "\n")
    words.write_text(f"# {stem.name}\n\n![{figure.caption.alt}]({png.name})\n\n{figure.caption.text}\n")
    return png, svg, words


def blank_page(
    panel: float, caption: Caption, provenance: Provenance, *, width: Width = "two"
) -> tuple[Page, dict[str, float]]:
    """A figure with room for panels of this height in inches, and the margins that keep titles and labels free.

    The caption, to which what the figure is made of is added, goes along as ``figure.caption``. Of invented data the
    page itself says so: a mark across it and a line at its foot.

    Parameters
    ----------
    panel : height in inches of the panels with their axis labels.
    caption : the words that stand beside the picture.
    provenance : see `Provenance`.
    width : columns of a printed page.

    Returns
    -------
    The page, and its margins left, right, bottom and top as shares.
    """
    below = FACE_LINE if provenance.synthetic else 0.03
    height = panel + below + ABOVE
    figure = Page(figsize=(INCHES[width], height))
    FigureCanvasAgg(figure)
    figure.caption = Caption(f"{caption.text} Data: {provenance.source}.", caption.alt)
    if provenance.synthetic:
        figure.text(0.5, 0.55, SYNTHETIC, fontsize=52 if width == "two" else 28, color="0.5", alpha=0.28, ha="center",
                    va="center", rotation=28, weight="bold", zorder=10)  # fmt: skip
        line = f"Data: {provenance.source}" if width == "two" else provenance.source.partition(",")[0]
        figure.text(0.02, 0.05 / height, line, fontsize=7, color=GREY, label="source")
    bottom = (below + AXIS_LABELS) / height
    sides = {"left": LABEL_ROOM[width] / INCHES[width], "right": 0.97, "bottom": bottom, "top": 1 - ABOVE / height}
    return figure, sides


def mark_invented(axes: Axes, provenance: Provenance | None) -> None:
    """The mark across axes of invented people, once, as a page has it; none where it is not known what they are."""
    if provenance and provenance.synthetic and INVENTED not in [text.get_gid() for text in axes.texts]:
        axes.text(0.5, 0.5, SYNTHETIC, transform=axes.transAxes, fontsize=28, color="0.5", alpha=0.28, ha="center",
                  va="center", rotation=28, weight="bold", zorder=10, gid=INVENTED)  # fmt: skip


def wrapped(words: str, width: Width, *, letters: int = 42) -> str:
    """A title, in one column broken into lines of at most so many letters."""
    return words if width == "two" else "\n".join(textwrap.fill(line, letters) for line in words.split("\n"))


def letter_panels(figure: Page, *panels: Axes, left: float = 30, up: float = 6, first: str = "A") -> None:
    """Letters left of and above the panels by so many points, in their order, from ``first`` on."""
    for letter, axes in zip(ascii_uppercase[ascii_uppercase.index(first) :], panels, strict=False):
        away = ScaledTranslation(-left / 72, up / 72, figure.dpi_scale_trans)
        figure.text(0, 1, letter, transform=axes.transAxes + away, fontsize=10, weight="bold", label="_letter")


def odds_axis(axes: Axes, limits: np.ndarray, *, ticks: Sequence[float] = ODDS_TICKS) -> None:
    """Log axis that holds the limits, ticked at odds ratios people say aloud, with a line at 1."""
    low, high = min(float(np.min(limits)), 0.8), max(float(np.max(limits)), 1.25)
    axes.set_yscale("log")
    axes.set_ylim(max(low, 0.3) * 0.9, min(high, 6.0) * 1.25)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle="-", zorder=0, label="_odds ratio 1")


def grey_beyond(axes: Axes, low: float, high: float) -> None:
    """Grey the intakes beyond the 5th and 95th percentile, where few people carry the curve."""
    left, right = axes.get_xlim()
    for a, b in ((left, low), (high, right)):
        axes.axvspan(a, b, color="0.88", linewidth=0, zorder=-1)
    axes.set_xlim(left, right)
