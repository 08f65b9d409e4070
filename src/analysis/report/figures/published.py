"""Published numbers on the same people beside ours, by study: misses as plainly as hits."""

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.provenance import Provenance
from analysis.report.figures.layout import BAND, GREY, VERMILION, Caption, Page, blank_page, page_style
from analysis.report.figures.width import Width
from analysis.report.words.published import publications_words

AGREEMENTS = {
    "as printed": (BAND, "o"),
    "close": ("#56B4E9", "s"),
    "not identifying": (GREY, "D"),
    "not reached": (VERMILION, "X"),
}
"""Colour and mark by class of agreement."""

ROW = 0.142  # inches
NOTE = 0.105  # inches a line of what was tried
NOTE_LETTERS = 150
LABEL_SHARE, NUMBER_SHARE = 0.40, 0.25
TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)
AXIS = (0.25, 4.0)
"""Ours over printed that the axis holds; intervals beyond end at its edge."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the page: a heading, a number, or what was tried; its middle in inches from the top."""

    text: str
    at: float
    row: int | None = None
    heading: bool = False


def plot_published(found: pd.DataFrame, *, caption: Caption, provenance: Provenance, width: Width = "two") -> Page:
    """Ours over the printed number, with both intervals on that scale.

    Parameters
    ----------
    found : of `analysis.validation.studies.agreement.compare_studies`.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with one axes, labelled ``published``.
    """
    rows = shown(found)
    lines, height = _lay_out(rows)
    with page_style(width):
        figure, sides = blank_page(height + 0.9, caption, provenance, width=width)
        axes = figure.subplots(gridspec_kw=sides | {"left": LABEL_SHARE, "right": 1 - NUMBER_SHARE})
        axes.set_label("published")
        axes.set_ylim(height, 0)
        axes.set_xscale("log")
        axes.set_xlim(*AXIS)
        for line in lines:
            _write(axes, line)
            if line.row is not None:
                _draw(axes, rows.loc[line.row], line.at)
        _finish(axes, set(rows["agreement"]))
    return figure


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Rows with a printed number that were recomputed, numbered anew, printed ones as numbers."""
    rows = found[found["agreement"].isin(AGREEMENTS)].reset_index(drop=True)
    printed = {name: pd.to_numeric(rows[name]) for name in ("published", "published_low", "published_high")}
    return rows.assign(printed_text=rows["published"].astype(str), **printed)


def _lay_out(rows: pd.DataFrame) -> tuple[list[_Line], float]:
    lines: list[_Line] = []
    at = 0.1
    for study, members in rows.groupby("study", sort=False):
        at += 0.5 * ROW
        lines.append(_Line(f"{study}, {members['citation'].iloc[0]}", at, heading=True))
        at += ROW
        told = ""  # what was tried is said once where it is the same for several in turn
        for index, row in members.iterrows():
            lines.append(_Line(str(row["item"]), at, row=int(str(index))))
            at += ROW
            tried = row["how"] if row["agreement"] == "not reached" and row["how"] != told else ""
            told = tried or told
            for words in textwrap.wrap(str(tried or ""), NOTE_LETTERS):
                lines.append(_Line(words, at - 0.02))
                at += NOTE
    return lines, at + 0.05


def _write(axes: Axes, line: _Line) -> None:
    number = line.row is not None
    size, colour = (6.6, "black") if number or line.heading else (5.2, GREY)
    place = -0.02 if number else -LABEL_SHARE / (1 - LABEL_SHARE - NUMBER_SHARE) * 0.95
    axes.text(place, line.at, line.text, transform=axes.get_yaxis_transform(), fontsize=size, color=colour,
              ha="right" if number else "left", va="center", zorder=4, weight="bold" if line.heading else "normal",
              bbox=None if number else {"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _draw(axes: Axes, row: pd.Series, at: float) -> None:
    colour, mark = AGREEMENTS[row["agreement"]]
    printed = row["published"]
    if pd.notna(row["published_low"]):
        axes.fill_betweenx([at - 0.045, at + 0.045], row["published_low"] / printed, row["published_high"] / printed,
                           color="0.82", linewidth=0, zorder=1)  # fmt: skip
    axes.plot([1, 1], [at - 0.06, at + 0.06], color="0.3", linewidth=1.1, zorder=2)
    if pd.notna(row["ours_low"]):
        axes.plot(np.array([row["ours_low"], row["ours_high"]]) / printed, [at, at], "-", color=colour, linewidth=0.9)
    if pd.notna(row["ours"]):
        axes.plot(row["ours"] / printed, at, mark, color=colour, markersize=3.2, zorder=3)
    ours = "none" if pd.isna(row["ours"]) else _as_printed(row["ours"], row["printed_text"])
    missed = row["agreement"] == "not reached"
    axes.text(1.02, at, f"{row['printed_text']} | {ours}{'  not reached' * missed}", va="center", ha="left",
              transform=axes.get_yaxis_transform(), fontsize=6.2, color=colour if missed else "black")  # fmt: skip


def _as_printed(value: float, printed: str) -> str:
    """A digit more than printed, so that a close miss shows."""
    digits = len(printed.partition(".")[2])
    return f"{value:.{digits + 1}f}" if digits or value != round(value) else f"{value:.0f}"


def _finish(axes: Axes, present: set[str]) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Ours over printed")
    axes.text(1.02, 1.0, "printed | ours", transform=axes.transAxes, fontsize=6.6, va="bottom", ha="left")
    for name, (colour, mark) in AGREEMENTS.items():
        if name in present:
            axes.plot([], [], mark, color=colour, markersize=3.2, label=name)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=6.2, handletextpad=0.1)


def published_caption(found: pd.DataFrame) -> str:
    """Caption of the comparison: how many of each class, and what they mean."""
    counts = found["agreement"].value_counts()
    rows = shown(found)
    classes = "; ".join(f"{name}: {counts.get(name, 0)}" for name in AGREEMENTS)
    return (
        f"{len(rows)} numbers of {publications_words(rows)} on the people of these surveys, recomputed from the public "
        "files by the definitions in the studies' files; ours over the printed number (log axis), 95 % intervals ours "
        "as lines (Taylor linearisation, t on the design's degrees of freedom), theirs as grey bars where printed. "
        f"Agreement: {classes}. As printed: rounds to the printed digits; close: within 5 % and inside the printed "
        "interval; not identifying: a number of people that many definitions reach. Under each miss stands what was "
        f"tried. Not shown: {counts.get('not recomputed', 0)} printed results that were not recomputed, whose "
        "reasons stand in the table."
    )


def published_alt(found: pd.DataFrame) -> str:
    """Alternative text of the comparison."""
    rows = shown(found)
    counts = rows["agreement"].value_counts()
    far = rows.assign(ratio=rows["ours"] / rows["published"]).dropna(subset="ratio")
    furthest = far.loc[(far["ratio"] - 1).abs().idxmax()]
    return (
        f"{len(rows)} printed numbers of {publications_words(rows)} with ours beside them: "
        f"{counts.get('as printed', 0)} as printed, {counts.get('close', 0)} close, {counts.get('not reached', 0)} not "
        f"reached. Furthest off is {furthest['study']}, {furthest['item']}: {furthest['ratio']:.2f} times what was "
        "printed."
    )
