"""The flow of participants: who is left after each step, and why the others are not."""

import textwrap
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis.provenance import Provenance
from analysis.report.figures.layout import AXIS_LABELS, GREY, Caption, Page, blank_page, page_style
from analysis.report.figures.width import Width
from analysis.report.words.numbers import MODEL_NAMES, sentence
from analysis.report.words.study import covariate_words
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import count_of

LINE = 0.145
"""Height of a line of reasons, inches."""

STEP = 0.46
"""Height of a step's box, inches."""

GAP = 0.22
"""Height of the arrow between two boxes without reasons, inches."""

LETTERS: dict[Width, tuple[int, int]] = {"one": (25, 30), "two": (44, 72)}
"""Letters in a line of a box, and of the reasons beside the arrow."""

COLUMN = {"one": (0.0, 0.5), "two": (0.05, 0.5)}
"""Ends of the boxes' column, as shares of the page."""


def plot_flow(
    flow: pd.DataFrame,
    reasons: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """Participants left after each step of eligibility, how many each step left out, and why.

    Parameters
    ----------
    flow : step, n, cases, in order.
    reasons : step, reason, n; n is missing of few people.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    """
    boxes = [_box_words(row, width) for row in flow.itertuples()]
    asides = [_aside(before, after, reasons, width) for before, after in pairwise(flow.itertuples())]
    heights = [STEP + 0.15 * (box.count("\n") - 1) for box in boxes]
    gaps = [max(GAP, LINE * (aside.count("\n") + 1) + 0.1) for aside in asides]
    whole = sum(heights) + sum(gaps)
    with page_style(width):
        figure, sides = blank_page(whole - AXIS_LABELS + 0.45, caption, provenance, width=width)
        bottom = sides["bottom"] - AXIS_LABELS / figure.get_figheight()
        axes = figure.subplots(gridspec_kw=sides | {"left": 0.03, "bottom": bottom})
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(-whole, 0)
        _draw_steps(axes, boxes, asides, heights, gaps, COLUMN[width])
        axes.set_title("From the interviewed to the analysed")
    return figure


def _draw_steps(
    axes: Axes,
    boxes: list[str],
    asides: list[str],
    heights: list[float],
    gaps: list[float],
    ends: tuple[float, float],
) -> None:
    frame = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "black", "linewidth": 0.9}
    middle, top = sum(ends) / 2, 0.0
    for number, (box, height) in enumerate(zip(boxes, heights, strict=True)):
        axes.text(middle, top - height / 2, box, ha="center", va="center", bbox=frame, label=f"step {number}")
        top -= height
        if number < len(gaps):
            axes.annotate("", (middle, top - gaps[number]), (middle, top),
                          arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 1, "shrinkB": 1})  # fmt: skip
            axes.text(middle + 0.03, top - gaps[number] / 2, asides[number], va="center", color=GREY, fontsize=7.5,
                      linespacing=1.25, label=f"left out {number}")  # fmt: skip
            top -= gaps[number]


def _box_words(row: Any, width: Width) -> str:
    people = f"n = {row.n:,}" + (f", {row.cases:,.0f} with neuropathy" if pd.notna(row.cases) else "")
    return f"{textwrap.fill(sentence(row.step), LETTERS[width][0])}\n{textwrap.fill(people, LETTERS[width][0])}"


def _aside(before: Any, after: Any, reasons: pd.DataFrame, width: Width) -> str:
    """How many a step left out, and below it the reasons."""
    left, told = f"{before.n - after.n:,} left out", reasons[reasons["step"] == after.step]
    if len(told) == 1:  # everybody for the one reason
        return f"{left}: {_reason_words(told['reason'].iloc[0])}"
    lines = [left]
    for reason, n in zip(told["reason"], told["n"], strict=True):
        words = f"{count_of(n)}: {_reason_words(reason)}"
        lines.append(textwrap.fill(words, LETTERS[width][1], subsequent_indent="   ", break_on_hyphens=False))
    return "\n".join(lines)


def _reason_words(reason: str) -> str:
    """A reason as it stands; of a column that people lack, its name in words."""
    return covariate_words(reason) + " not known" if reason.isidentifier() else reason


def flow_caption(estimates: Frames) -> str:
    """Caption of the participant flow."""
    models, every = estimates["models"], estimates["flow"]["n"].iloc[0]
    n = "; ".join(f"{MODEL_NAMES[row.model].lower()} {row.n:,}" for row in models.itertuples())
    return (
        f"Unweighted counts. People in each model: {n}. Nobody leaves the survey design: they are a domain of all "
        f"{every:,} interviewed, so that strata and PSUs stay whole. Reasons by the files' own codes: a foot is coded "
        "-1 as soon as one of its three sites could not be tested, and one foot with an insensate site is enough for "
        "neuropathy whatever the other. A person can lack several covariates; other reasons exclude each other."
    )


def flow_alt(flow: pd.DataFrame, reasons: pd.DataFrame) -> str:
    """Alternative text of the participant flow; arguments as for `plot_flow`."""
    parts = [f"{flow['n'].iloc[0]:,} {flow['step'].iloc[0]}"]
    for before, after in pairwise(flow.itertuples()):
        told = reasons[reasons["step"] == after.step]
        why = ", ".join(
            f"{count_of(n)} {_reason_words(reason)}" for reason, n in zip(told["reason"], told["n"], strict=True)
        )
        parts.append(f"{after.n:,} {after.step} ({before.n - after.n:,} left out{f': {why}' if why else ''})")
    return f"Flow chart of participants: {'; '.join(parts)}."
