"""The referee's figure: order, numbers and legibility, on invented answers."""

import numpy as np
import pandas as pd
import pytest

from analysis.provenance import Provenance
from analysis.report.figures.layout import Caption
from analysis.report.figures.referee import plot_referee, referee_caption, referee_order

REAL = Provenance("NHANES 1999-2004", synthetic=False)
VERDICTS = ("U", "non-linear, U not shown", "no departure shown")
LONGEST = "recall error: calibrated magnesium and energy (attenuation 0.56, 0.30), taken as known"
HALF_A_PIXEL = 0.5
SAVED = 300  # dots per inch of the PNG; with fewer, hinting makes small letters wider


def answer(done: str, **numbers: object) -> dict[str, object]:
    base = {
        "question": "rows",
        "done": done,
        "end_slopes_p": 0.16,
        "levels_p": 0.002,
        "moved": 0.0,
        "verdict": VERDICTS[1],
    }
    return base | numbers


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    question, done = LONGEST.split(": ")
    rows = [
        answer("primary"),
        answer("end slopes at P5 and P95", question="ends"),
        answer("end slopes at P15 and P85", question="ends", end_slopes_p=0.005, verdict="U"),
        answer("far", moved=0.8, end_slopes_p=0.9, levels_p=0.98, verdict=VERDICTS[2]),
        answer(done, question=question, moved=0.1, end_slopes_p=0.2, levels_p=0.0001),
        answer("drawn ends", moved=np.nan, end_slopes_p=0.05, levels_p=np.nan, verdict=None),
        answer("a test alone", moved=np.nan, end_slopes_p=np.nan, levels_p=np.nan, verdict=None),
        answer("P5 and P95 against the median", question="levels"),
    ]
    return pd.DataFrame(rows)


def test_rows_go_by_how_far_they_move_and_the_primary_curve_is_told_once(table: pd.DataFrame) -> None:
    assert referee_order(table)["done"].tolist() == [
        "end slopes at P15 and P85", "end slopes at P5 and P95",
        "calibrated magnesium and energy (attenuation 0.56, 0.30), taken as known", "far", "drawn ends",
    ]  # fmt: skip


def test_dots_strokes_and_bars_are_the_tables_numbers(table: pd.DataFrame) -> None:
    rows = referee_order(table)
    figure = plot_referee(table, caption=Caption("A caption.", ""), provenance=REAL)
    slopes, moved = figure.axes
    drawn = {line.get_label(): line for line in slopes.get_lines()}
    for verdict in VERDICTS:
        these = rows[rows["verdict"] == verdict]
        np.testing.assert_array_equal(drawn[verdict].get_xdata(), these["end_slopes_p"])
        np.testing.assert_array_equal(drawn[verdict].get_ydata(), these.index)
    np.testing.assert_array_equal(drawn["levels"].get_xdata(), rows["levels_p"])
    np.testing.assert_array_equal([bar.get_width() for bar in moved.patches], rows["moved"].fillna(0.0))


def test_scale_of_small_moves_has_two_ticks_and_the_legend_only_what_occurs(table: pd.DataFrame) -> None:
    small = table[table["verdict"] == VERDICTS[2]].assign(moved=0.03)
    figure = plot_referee(small, caption=Caption("A caption.", ""), provenance=REAL)
    _, moved = figure.axes
    low, high = moved.get_xlim()
    assert len([tick for tick in moved.get_xticks() if low <= tick <= high]) >= 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [VERDICTS[2], "levels"]


def test_every_label_is_whole_on_the_page_and_touches_no_other(table: pd.DataFrame) -> None:
    figure = plot_referee(table, caption=Caption("A caption.", ""), provenance=REAL)
    figure.set_dpi(SAVED)
    renderer = figure.canvas.get_renderer()
    labels = figure.axes[0].get_yticklabels()
    assert LONGEST in [label.get_text().replace("\n", " ") for label in labels]
    boxes = [label.get_window_extent(renderer) for label in labels]
    assert min(box.x0 for box in boxes) > 0
    for above, below in zip(boxes, boxes[1:], strict=False):
        assert above.y0 - below.y1 > -HALF_A_PIXEL
    left, right = (axes.xaxis.label.get_window_extent(renderer) for axes in figure.axes)
    assert left.x1 < right.x0
    assert right.x1 < figure.bbox.x1


def test_the_caption_counts_the_verdicts_and_says_that_the_questions_came_later(table: pd.DataFrame) -> None:
    caption = referee_caption(table)
    assert "U 1, non-linear, U not shown 2, no departure shown 1" in caption
    assert "at most p = 0.980 (far)" in caption or "at most p = 0.98 (far)" in caption
    assert "after the first results were known" in caption
