"""The drawn specification curve is held to its numbers, not to pixels."""

import itertools

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from analysis.audit.joint_test import TERMS, decompose, verdict_shares, verdicts_by_ends
from analysis.audit.specifications import CHOICES, specification_grid
from analysis.provenance import Provenance
from analysis.report.figures.layout import Caption
from analysis.report.figures.specifications import ANSWERS, VERDICTS, plot_specification_curve, specification_caption
from analysis.stats.shape.questions import ENDS, ends_name
from analysis.study import Study

REAL = Provenance("NHANES 1999-2004", synthetic=False)
MARKS = ["p10", "p90"]
WITHOUT = 7


@pytest.fixture(scope="module")
def cells():
    """Every cell of the grid with invented numbers; some have no answer."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(itertools.product(*CHOICES.values()), columns=list(CHOICES))
    for mark in MARKS:
        log_or = rng.normal(0.1, 0.1, len(frame))
        for name, shift in (("odds_ratio", 0), ("conf_low", -0.3), ("conf_high", 0.3)):
            frame[f"{name}_{mark}"] = np.exp(log_or + shift)
    frame["nonlinear_p"] = rng.uniform(0.001, 1, len(frame))
    frame["verdict"] = rng.choice(list(VERDICTS), len(frame), p=[0.8, 0.15, 0.05])
    for ends in ENDS[1:]:
        frame[f"verdict_{ends_name(ends)}"] = rng.choice(list(VERDICTS), len(frame), p=[0.7, 0.2, 0.1])
    frame["levels_verdict"] = rng.choice(["both ends higher", "not shown"], len(frame), p=[0.2, 0.8])
    frame["reason"] = ""
    frame["dropped"] = np.where((frame["sample"] == "no diabetes") & (frame["covariates"] != "1"), "has_diabetes", None)
    lost = frame.index[(frame["energy"] == "density")][:WITHOUT]
    frame.loc[lost, "reason"] = "no energy"
    frame.loc[lost, [name for name in frame if "verdict" in name]] = None
    numbers = [name for name in frame if name.endswith(("p10", "p90", "_p"))]
    frame.loc[lost, numbers] = np.nan
    return frame


@pytest.fixture(scope="module")
def tests_frame():
    p_values = dict(zip(TERMS, np.arange(1, 9) / 100, strict=True))
    primary = pd.DataFrame({"primary": True, "term": TERMS, "estimate": 0.72, "p_value": 0.001,
                            "adjusted_p": list(p_values.values()), "adjusted_p_error": 0.002,
                            "draws": 2000})  # fmt: skip
    return pd.concat([primary, primary.assign(primary=False, adjusted_p=0.2)], ignore_index=True)


@pytest.fixture(scope="module")
def figure(cells):
    return plot_specification_curve(
        cells, verdict_shares(cells), verdicts_by_ends(cells), caption=Caption("A caption.", ""), provenance=REAL
    )


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def in_order(cells, mark):
    return cells.dropna(subset="verdict").sort_values(f"odds_ratio_{mark}", ignore_index=True)


@pytest.mark.parametrize("mark", MARKS)
def test_line_is_every_answered_odds_ratio_in_order(figure, cells, mark):
    line = next(line for line in axes_of(figure, mark).get_lines() if line.get_label() == "odds ratio")
    assert len(line.get_ydata()) == len(specification_grid()) - WITHOUT
    np.testing.assert_array_equal(line.get_ydata(), np.sort(cells[f"odds_ratio_{mark}"].dropna()))


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_bars_of_a_verdict_are_the_intervals_of_its_cells(figure, cells, mark, verdict):
    bars = next(one for one in axes_of(figure, mark).collections if one.get_label() == verdict)
    ordered = in_order(cells, mark)
    here = ordered["verdict"] == verdict
    segments = np.array(bars.get_segments())
    np.testing.assert_array_equal(segments[:, 0, 0], np.flatnonzero(here))
    limits = ordered.loc[here, [f"conf_low_{mark}", f"conf_high_{mark}"]]
    np.testing.assert_array_equal(segments[:, :, 1], limits)
    assert matplotlib.colors.same_color(bars.get_color()[0][:3], VERDICTS[verdict])


@pytest.mark.parametrize("mark", MARKS)
def test_ticks_stand_below_the_cells_that_made_the_choice(figure, cells, mark):
    ordered = in_order(cells, mark)
    ticks = {one.get_label(): one.get_positions() for one in axes_of(figure, f"{mark} choices").collections}
    assert len(ticks) == len(VERDICTS) * sum(map(len, CHOICES.values()))
    for choice, levels in CHOICES.items():
        for level in levels:
            places = np.sort(np.concatenate([ticks[f"{choice} {level} {verdict}"] for verdict in VERDICTS]))
            np.testing.assert_array_equal(places, np.flatnonzero(ordered[choice] == level))


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(("name", "weights"), [("primary", "dietary"), ("published recipe", "mec")])
def test_marks_stand_at_the_primary_and_the_published_cell(figure, cells, mark, name, weights):
    ordered = in_order(cells, mark)
    cell = ordered.query("weights == @weights and outcome == 'strict' and sample == 'all' and covariates == '1' "
                         "and energy == 'none' and knots == 4")  # fmt: skip
    (marked,) = [line for line in axes_of(figure, mark).get_lines() if line.get_label() == name]
    assert marked.get_xydata().tolist() == [[cell.index[0], cell[f"odds_ratio_{mark}"].iloc[0]]]


@pytest.mark.no_cover  # the figure that other tests are measured at
def test_a_grid_read_from_a_table_has_its_marks(cells):
    """Knots and models are numbers or words as the table's reader takes them."""
    read = cells.assign(knots=cells["knots"].astype(float).astype(int), covariates=cells["covariates"].astype(object))
    by_ends = verdicts_by_ends(cells)
    drawn = plot_specification_curve(read, verdict_shares(cells), by_ends, caption=Caption("", ""), provenance=REAL)
    assert [line.get_label() for line in axes_of(drawn, "p10").get_lines()].count("primary") == 1


def test_axis_of_odds_ratios_is_logarithmic_and_shared(figure):
    first, second = axes_of(figure, "p10"), axes_of(figure, "p90")
    assert first.get_yscale() == "log"
    assert first.get_ylim() == second.get_ylim()


def test_legend_has_the_shares_of_verdicts(figure, cells):
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    for verdict in VERDICTS:
        assert f"{verdict} ({100 * (cells['verdict'] == verdict).mean():.1f} %)" in texts
    assert f"no answer ({100 * WITHOUT / len(cells):.1f} %)" in texts
    assert {"levels: not shown", "levels: both higher"} < set(texts)
    assert texts[-2:] == ["primary", "published recipe"]


def test_published_recipe_is_marked_for_the_exposure_that_it_is_of(cells):
    study = Study(exposure="fiber_g")
    shares, by_ends = verdict_shares(cells), verdicts_by_ends(cells)
    drawn = plot_specification_curve(cells, shares, by_ends, caption=Caption("", ""), provenance=REAL, study=study)
    assert "published recipe" not in [text.get_text() for text in drawn.legends[0].get_texts()]
    assert not [line for axes in drawn.axes for line in axes.get_lines() if line.get_label() == "published recipe"]


@pytest.mark.parametrize("width", ["one", "two"])
def test_nothing_is_written_beyond_the_page(figure, cells, width):
    if width == "one":
        shares, by_ends = verdict_shares(cells), verdicts_by_ends(cells)
        figure = plot_specification_curve(
            cells, shares, by_ends, caption=Caption("", ""), provenance=REAL, width=width
        )  # fmt: skip
    figure.canvas.draw()
    page = figure.bbox
    strips = axes_of(figure, "ends").texts
    for text in [*figure.texts, *strips, *figure.legends[0].get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1


def test_strips_are_the_shares_of_both_questions(figure, cells):
    axes = axes_of(figure, "ends")
    by_ends = verdicts_by_ends(cells)
    drawn = [(bar.get_x(), bar.get_width()) for bars in axes.containers for bar in bars]
    assert len(drawn) == 4 * len(VERDICTS) + 2 + 5  # and five without an answer
    widths = by_ends[by_ends["verdict"].isin(list(ANSWERS))]["share"]
    np.testing.assert_allclose(np.sort([width for _, width in drawn]), np.sort(100 * widths))
    assert max(x + width for x, width in drawn) == pytest.approx(100)
    written = [text.get_text() for text in axes.texts]
    assert written[-1] == f"{100 * (cells['levels_verdict'] == 'both ends higher').mean():.1f} %"
    assert written[0] == f"{100 * (cells['verdict'] == 'U').mean():.1f} %"
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [*(f"slopes at P{a} and P{100 - a}" for a in (5, 10, 15, 20)), "levels at P5 and P95"]


def test_every_level_is_named(figure):
    labels = [label.get_text() for label in axes_of(figure, "p10 choices").get_yticklabels()]
    assert len(labels) == sum(map(len, CHOICES.values()))
    assert {"dietary", "MEC", "two sites", "without 2001-2002", "2 + height", "density", "5"} <= set(labels)


def test_caption_counts_cells_without_an_answer_and_gives_the_joint_test(cells, tests_frame):
    words = specification_caption(cells, tests_frame, decompose(cells))
    assert (
        f"4,725 specifications, each panel in its own order; {WITHOUT} of them have no answer ({WITHOUT}: no energy); "
        in words
    )
    assert "in 450 diabetes does not vary and leaves the model. Vertical bars" in words
    median = cells[["odds_ratio_p10", "odds_ratio_p90"]].median()
    assert (
        f"median odds ratio {median.iloc[0]:.2f} (p = 0.010 ± 0.002) and {median.iloc[1]:.2f} (p = 0.040 ± 0.002)"
        in words
    )
    assert "both above 1 in 72 % (p = 0.070 ± 0.002; by a plain bootstrap p = 0.200 ± 0.002); non-linear" in words
    assert "p < 0.05 in 72 % (p = 0.080 ± 0.002; by a plain bootstrap p = 0.200 ± 0.002). Choices" in words


def test_caption_explains_the_verdict_and_the_adjustment(cells, tests_frame):
    words = specification_caption(cells, tests_frame, decompose(cells))
    assert '"no departure shown" is from a straight line' in words
    assert "each p adjusted for 8 such statistics" in words


def test_caption_says_that_every_cell_has_an_answer(cells, tests_frame):
    answered = cells.dropna(subset="verdict")
    assert "each of them has an answer" in specification_caption(answered, tests_frame, decompose(answered))


def test_caption_names_the_choices_with_the_largest_shares(cells, tests_frame):
    found = decompose(cells)
    for quantity, shares in (("log_or_p10", (0.1, 0.4, 0.2)), ("log_or_p90", (0.5, 0.1, 0.3))):
        for choice, share in zip(("weights", "sample", "energy"), shares, strict=True):
            found.loc[(found["quantity"] == quantity) & (found["choice"] == choice), "share"] = share
    words = specification_caption(cells, tests_frame, found)
    interactions = found[found["choice"] == "interactions"].set_index("quantity")["share"]
    for mark, named in (("10", "people (40 %) and energy (20 %)"), ("90", "weights (50 %) and energy (30 %)")):
        share = 100 * interactions[f"log_or_p{mark}"]
        assert f"at the {mark}th percentile {named}, interactions {share:.0f} %" in words
