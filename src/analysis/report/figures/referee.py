"""What decides the verdict: every answer to the referee, sorted by how far it moves the curve."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.audit.referee.table import PRIMARY_ROW
from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREY,
    VERMILION,
    Caption,
    Page,
    blank_page,
    letter_panels,
    page_style,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import format_p
from analysis.stats.shape.verdict import ALPHA, NO_DEPARTURE, U_NOT_SHOWN, U

WITHOUT_VERDICT = "ends only, no verdict"
COLOURS = {U: VERMILION, U_NOT_SHOWN: BAND, NO_DEPARTURE: GREY, WITHOUT_VERDICT: "white"}
ROW = 0.2  # inches
HEAD = 0.5  # inches for title and legend
P_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 1.0)
LETTERS = 58


def referee_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with a test of the ends, by how far they move the curve; those without a curve of their own come last.

    The primary curve, which every question begins with, is told once, as the first answer of all.
    """
    shown = table[table["end_slopes_p"].notna() & (table["done"] != PRIMARY_ROW)]
    shown = shown[~(shown.duplicated(["end_slopes_p", "levels_p"]) & (shown["moved"] == 0))]
    return shown.sort_values(["moved", "end_slopes_p"], na_position="last", kind="stable", ignore_index=True)


def plot_referee(table: pd.DataFrame, *, caption: Caption, provenance: Provenance, width: Width = "two") -> Page:
    """Two panels of one row a question: p of the weaker end's slope and of the weaker level, and how far it moves.

    Parameters
    ----------
    table : of `analysis.audit.referee.questions.referee_frames`.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    """
    rows = referee_order(table)
    with page_style(width):
        figure, margins = blank_page(ROW * len(rows) + 0.9 + HEAD, caption, provenance, width=width)
        inches = 1 / figure.get_figheight()
        slopes, moved = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        figure.subplots_adjust(**margins | {"left": 0.52, "wspace": 0.08, "top": margins["top"] - HEAD * inches})
        _draw_p(slopes, rows)
        figure.text(0.03, 1 - 0.08 * inches, "What decides the verdict", va="top", weight="bold", fontsize=10)
        figure.legend(loc="upper left", bbox_to_anchor=(0.02, 1 - 0.28 * inches), ncols=5, fontsize=7,
                      columnspacing=1.0, handletextpad=0.2)  # fmt: skip
        moved.tick_params(axis="both", labelsize=7)
        moved.barh(range(len(rows)), rows["moved"].fillna(0.0), color="0.75", height=0.6)
        moved.set_xlim(0, 1.05 * (rows["moved"].max() or 1.0))
        moved.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], min_n_ticks=2))
        moved.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        moved.set_xlabel("Moved (log odds)", fontsize=7.5)
        words = rows["question"] + ": " + rows["done"]
        labels = [textwrap.fill(line, LETTERS, break_on_hyphens=False) for line in words]
        slopes.set_yticks(range(len(rows)), labels, fontsize=7, linespacing=0.95)
        slopes.set_ylim(len(rows) - 0.4, -0.6)
        letter_panels(figure, slopes, moved, left=6)
    return figure


def _draw_p(axes: Axes, rows: pd.DataFrame) -> None:
    """The dots of each verdict that occurs, and the strokes; what does not occur is in no legend."""
    drawn: dict[str, Any] = {"color": "black", "linestyle": "none"}
    dots = rows["verdict"].fillna(WITHOUT_VERDICT)
    for verdict, colour in COLOURS.items():
        these = rows[dots == verdict]
        if len(these):
            edge = "black" if verdict == WITHOUT_VERDICT else colour
            axes.plot(these["end_slopes_p"], these.index, "o", **drawn, markerfacecolor=colour, markeredgecolor=edge,
                      markersize=4.2, label=verdict)  # fmt: skip
    if rows["levels_p"].notna().any():
        axes.plot(rows["levels_p"], rows.index, "|", **drawn, markersize=7.5, markeredgewidth=1.1, label="levels")
    axes.set_xscale("log")
    axes.set_xlim(min(P_TICKS[0], rows[["end_slopes_p", "levels_p"]].min().min()) / 1.5, 1.3)
    axes.xaxis.set_major_locator(FixedLocator(P_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(ALPHA, color=GREY, linewidth=0.8, zorder=0)
    axes.set_xlabel("p of the weaker end (log axis)", fontsize=7.5)
    axes.tick_params(axis="x", labelsize=7)


def referee_caption(table: pd.DataFrame) -> str:
    """Caption of the referee's figure: what is shown, and how many questions give each verdict."""
    rows = referee_order(table)
    counts = rows["verdict"].value_counts()
    told = ", ".join(f"{verdict} {counts.get(verdict, 0)}" for verdict in COLOURS if verdict != WITHOUT_VERDICT)
    weakest = rows.loc[rows["levels_p"].idxmax()]
    return (
        "Dots: the larger one-sided p of the slopes at the two ends (falls, then rises), coloured by the verdict of "
        f"the protocol's rule, which asks for two lines and an interior low point as well: {told}; open: slopes only. "
        "Strokes: the larger one-sided p of the odds at the two ends against the median (both ends higher), at most "
        f"p {format_p(weakest['levels_p'])} ({weakest['done']}). Rows are sorted by how far they move the log odds "
        f"ratio of an end from the primary curve (bars); grey line: {ALPHA:g}. These questions were asked after the "
        "first results were known."
    )


def referee_alt(table: pd.DataFrame) -> str:
    """Alternative text of the referee's figure."""
    rows = referee_order(table)
    slopes, levels = (int((rows[name] < ALPHA).sum()) for name in ("end_slopes_p", "levels_p"))
    return (
        f"{len(rows)} rows, one for each way the question was asked, sorted by how far it moves the curve. Dots are p "
        f"of the weaker end's slope: {slopes} lie below {ALPHA:g}, and {int((rows['verdict'] == U).sum())} verdicts "
        f'are "U". Strokes are p of the weaker level: {levels} of {rows["levels_p"].count()} lie below {ALPHA:g}.'
    )
