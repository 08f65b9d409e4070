"""The figure of the specificity audit is held to its numbers, and its names to their places."""

import itertools

import numpy as np
import pytest

from analysis.audit.specificity import (
    FALSE_DISCOVERIES,
    FORMS,
    place_among_nutrients,
    specificity_summary,
)
from analysis.provenance import Provenance
from analysis.report.figures.layout import Caption
from analysis.report.figures.specificity import LABELLED, SMALLEST, plot_specificity, specificity_caption
from analysis.report.words.specificity import heaped_table
from tests.audits import specificity_cells

INVENTED = Provenance("SYNTHETIC survey", synthetic=True)


@pytest.fixture(scope="module")
def summary():
    """Invented answers of every cell; alcohol has none as it is."""
    rng = np.random.default_rng(7)
    correlation = {one.exposure: rng.uniform(0, 0.9) for one in specificity_cells()} | {"energy_kcal": 1.0}
    rows = []
    for one in specificity_cells():
        low = {"none": -3.5, "residual": -2.0}.get(one.form, -1.5)
        numbers = {name: 10 ** rng.uniform(low, 0) for name in ("overall_p", "nonlinear_p", "u_p")}
        if one.exposure == "alcohol_g" and one.form == "none":
            numbers = {}
        if one.exposure == "age_years":
            numbers["overall_p"] = 1e-15
        rows.append({"kind": one.kind, "exposure": one.exposure, "outcome": one.outcome, "form": one.form,
                     "label": one.label, "n": 7000, "cases": 1000, "verdict": "-", "reason": "",
                     "energy_rank_correlation": correlation[one.exposure], **numbers})  # fmt: skip
    alcohol = next(row for row in rows if row["exposure"] == "alcohol_g" and row["form"] == "none")
    rows.append(alcohol | {"kind": "heaped nutrient", "knot_rule": "hmisc", "knots": 4, "nonlinear_p": 0.0004,
                           "verdict": "U", "zero_share": 0.75})  # fmt: skip
    return specificity_summary(rows)


@pytest.fixture(scope="module")
def figure(summary):
    caption = specificity_caption(summary, place_among_nutrients(summary))
    figure = plot_specificity(summary, caption=Caption(caption, "Alternative."), provenance=INVENTED)
    figure.draw_without_rendering()
    return figure


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def points(axes, label):
    found = next(line for line in axes.get_lines() if line.get_label() == label)
    return {tuple(point) for point in found.get_xydata()}


def expected(frame):
    return set(zip(frame["energy_rank_correlation"], frame["nonlinear_p"], strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_answered_nutrient_is_one_point(figure, summary, form):
    axes = axes_of(figure, form)
    drawn = [points(axes, label) for label in ("discoveries", "others", "heaped", "magnesium_mg", "energy_kcal")]
    nutrients = summary[(summary["kind"] == "nutrient") & (summary["form"] == form)].dropna(subset="nonlinear_p")
    assert set.union(*drawn) == expected(nutrients)
    assert sum(map(len, drawn)) == len(nutrients)


def test_filled_are_the_discoveries(figure, summary):
    nutrients = summary[(summary["kind"] == "nutrient") & (summary["form"] == "none")]
    found = nutrients[nutrients["nonlinear_q"] < FALSE_DISCOVERIES]
    special = found["exposure"].isin(["magnesium_mg", "energy_kcal"])
    assert points(axes_of(figure, "none"), "discoveries") == expected(found[~special]) != set()


def test_nutrient_without_an_answer_as_it_is_is_a_cross_elsewhere(figure, summary):
    alcohol = summary[(summary["exposure"] == "alcohol_g") & (summary["form"] == "residual")]
    assert points(axes_of(figure, "residual"), "heaped") == expected(alcohol)
    assert points(axes_of(figure, "none"), "heaped") == set()


def test_heaped_nutrients_have_a_table_of_their_own(summary):
    table = heaped_table({"specificity": summary})
    assert table.index.tolist() == ["alcohol"]
    assert table.iloc[0, 1:].tolist() == ["75", "4", "< 0.001", "U"]


def test_nutrient_answered_by_hmiscs_knots_is_a_plus_that_the_caption_explains(figure, summary):
    heaped = summary[summary["kind"] == "heaped nutrient"]
    assert points(axes_of(figure, "none"), "Hmisc's knots") == expected(heaped) != set()
    assert points(axes_of(figure, "spline"), "Hmisc's knots") == set()
    caption = figure.caption.text
    assert "Pluses: the same with knots by Hmisc's rule for ties, chosen later and not counted" in caption
    assert "alcohol p < 0.001, U" in caption


@pytest.mark.parametrize("form", FORMS)
def test_magnesium_energy_and_the_top_nutrients_are_named(figure, summary, form):
    nutrients = summary[(summary["kind"] == "nutrient") & (summary["form"] == form)].dropna(subset="nonlinear_p")
    special = nutrients["exposure"].isin(["magnesium_mg", "energy_kcal"])
    top = nutrients[~special].nsmallest(LABELLED, "nonlinear_p")
    names = {text.get_text() for text in axes_of(figure, form).texts}
    assert names == {*top["label"], "magnesium", *(["energy"] if form == "none" else [])}


@pytest.mark.parametrize("form", FORMS)
def test_title_of_a_panel_counts_the_nutrients_that_bend(figure, summary, form):
    nutrients = summary[(summary["kind"] == "nutrient") & (summary["form"] == form)].dropna(subset="nonlinear_p")
    bend = (nutrients["nonlinear_q"] < FALSE_DISCOVERIES).sum()
    assert axes_of(figure, form).get_title("left").endswith(f"\n{bend} of {len(nutrients)} bend")


@pytest.mark.parametrize("form", FORMS)
def test_no_name_covers_another_or_leaves_its_panel(figure, form):
    axes = axes_of(figure, form)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    panel = axes.get_window_extent()
    assert all(panel.x0 <= box.x0 and box.x1 <= panel.x1 and panel.y0 <= box.y0 <= box.y1 <= panel.y1 for box in boxes)


def test_small_p_values_are_above_large_ones_and_inside(figure, summary):
    low, high = axes_of(figure, "none").get_ylim()
    p = summary.loc[summary["kind"] == "nutrient", "nonlinear_p"]
    assert low > p.max() > p.min() > high


def test_controls_are_drawn_in_their_rows(figure, summary):
    axes = axes_of(figure, "controls")
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:3] == ["Age", "HbA1c", "Height"]
    assert len(names) == 9
    negative = summary[(summary["kind"] == "negative control") & (summary["form"] == "none")]
    assert {x for x, _ in points(axes, "non-linear")} == set(negative["nonlinear_p"])
    assert {x for x, _ in points(axes, "U (both tests)")} == set(negative["u_p"])


def test_filled_and_open_controls_are_told_apart_on_the_figure(figure):
    label = axes_of(figure, "controls").get_xlabel()
    assert label == "p-value (filled: energy left out; open: energy beside it)"


@pytest.mark.parametrize("width", ["one", "two"])
def test_nothing_is_written_beyond_the_page(summary, width):
    page = plot_specificity(summary, caption=Caption("", ""), provenance=INVENTED, width=width)
    page.canvas.draw()
    for text in [*page.texts, *page.legends[0].get_texts(), axes_of(page, "controls").xaxis.label]:
        box = text.get_window_extent()
        assert (page.bbox.x0 <= box.x0) & (box.x1 <= page.bbox.x1) & (page.bbox.y0 <= box.y0), text.get_text()


def test_p_value_beyond_the_axis_stands_at_its_end_with_an_arrowhead(figure):
    axes = axes_of(figure, "controls")
    assert any(x == SMALLEST for x, _ in points(axes, "any association"))
    assert len(points(axes, "_beyond")) == 1


def test_caption_tells_magnesiums_place_and_what_has_no_answer(figure, summary):
    place = place_among_nutrients(summary).set_index("form")
    caption = figure.caption.text
    for form in FORMS:
        assert f"{place.loc[form, 'nonlinear_rank']} of {place.loc[form, 'tested']} (p " in caption
    for piece in ("Crosses: alcohol", "7,000 people", "false-discovery rate of 5 %", "age, HbA1c, height"):
        assert piece in caption


def test_caption_has_no_word_on_crosses_without_any(summary):
    full = summary.assign(nonlinear_p=summary["nonlinear_p"].fillna(0.5))
    assert "Crosses" not in specificity_caption(full, place_among_nutrients(full))


def test_figure_from_invented_data_says_so(figure):
    assert "SYNTHETIC" in [text.get_text() for text in figure.texts]
