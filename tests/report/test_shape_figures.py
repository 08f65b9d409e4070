"""Figures of the shape are held to their numbers, not to pixels."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from analysis.provenance import Provenance
from analysis.report.catalogue import drawings
from analysis.report.figures.layout import Caption
from analysis.report.figures.shape import PLACES, plot_knots, plot_shape, variant_curve, variant_name
from analysis.report.words import numbers as numbers_words
from analysis.report.words import shape as shape_words
from analysis.report.words.numbers import format_error, format_p, format_p_drawn
from analysis.study import PRIMARY
from tests.report.test_figures import axes_of, caption, corners, line

REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def shape_figure(estimates):
    return drawings(*estimates)["shape"].draw()


@pytest.fixture(scope="module")
def knots_figure(estimates):
    return drawings(*estimates)["knots"].draw()


@pytest.fixture(scope="module")
def shape(estimates):
    return estimates[0]["shape"].set_index("model", drop=False).loc[PRIMARY.model]


@pytest.fixture(scope="module")
def model(estimates):
    return estimates[0]["models"].set_index("model", drop=False).loc[PRIMARY.model]


@pytest.fixture(scope="module")
def curve(estimates):
    return estimates[0]["odds_ratio_curve"].query("model == @PRIMARY.model")


def text(axes, label):
    return next(text for text in axes.texts if text.get_label() == label).get_text()


def log_height(curve, x):
    return np.interp(x, curve["x"], curve["log_or"])


def test_curve_and_band_are_the_models(shape_figure, curve):
    axes = axes_of(shape_figure, "tangents")
    np.testing.assert_array_equal(line(axes, "odds ratio").get_xydata(), curve[["x", "odds_ratio"]])
    drawn = {tuple(point) for point in corners(axes, "95 % band, each intake")}
    for end in ("conf_low", "conf_high"):
        assert set(zip(curve["x"], curve[end], strict=True)) <= drawn


@pytest.mark.parametrize("end", ["low", "high"])
def test_tangent_has_the_tested_slope_and_touches_the_curve_at_its_end(shape_figure, shape, curve, end):
    axes = axes_of(shape_figure, "tangents")
    (x0, y0), (x1, y1) = line(axes, f"_tangent {end}").get_xydata()
    assert np.log(y1 / y0) / (x1 - x0) == pytest.approx(shape[f"end_slopes_{end}"])
    at, height = line(axes, f"_end {end}").get_xydata()[0]
    assert at == shape[f"end_slopes_{end}_at"]
    assert np.log(height) == pytest.approx(log_height(curve, at))
    assert np.log(y0) + shape[f"end_slopes_{end}"] * (at - x0) == pytest.approx(np.log(height))


@pytest.mark.parametrize(("end", "change"), [("low", "fall"), ("high", "rise")])
def test_one_sided_p_stands_beside_its_tangent(shape_figure, shape, end, change):
    expected = f"{change}: p {format_p(shape[f'end_slopes_{end}_p'])}"
    assert text(axes_of(shape_figure, "tangents"), f"_p {end}") == expected


def test_lowest_point_is_marked_on_the_curve(shape_figure, shape, curve):
    ((x, y),) = line(axes_of(shape_figure, "tangents"), "lowest point").get_xydata()
    assert x == shape["nadir"]
    assert np.log(y) == pytest.approx(log_height(curve, x))


def test_two_lines_have_their_slopes_and_meet_on_the_curve(shape_figure, shape, curve):
    (x, y) = line(axes_of(shape_figure, "lines"), "two lines").get_data()
    slopes = np.diff(np.log(y)) / np.diff(x)
    np.testing.assert_allclose(slopes, shape[["two_lines_low", "two_lines_high"]].astype(float))
    assert x[1] == shape["two_lines_break"]
    assert np.log(y[1]) == pytest.approx(log_height(curve, x[1]))
    for end in ("low", "high"):
        assert text(axes_of(shape_figure, "lines"), f"_p {end}") == f"p {format_p(shape[f'two_lines_{end}_p'])}"


def test_two_piece_model_is_an_odds_ratio_against_the_reference(shape_figure, shape, model):
    (x, y) = line(axes_of(shape_figure, "lines"), "two-piece model").get_data()
    np.testing.assert_allclose(
        np.diff(np.log(y)) / np.diff(x), shape[["threshold_below", "threshold_above"]].astype(float)
    )
    assert x[1] == shape["threshold"]
    assert np.interp(model["reference"], x, np.log(y)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("label", "place", "name"), [place[:3] for place in PLACES], ids=[p[0] for p in PLACES])
def test_each_place_has_its_interval_and_its_numbers_in_words(shape_figure, shape, label, place, name):
    axes = axes_of(shape_figure, "places")
    ribbon = next(c for c in axes.collections if c.get_label() == label)
    (segment,) = ribbon.get_segments()
    assert segment[:, 0].tolist() == [shape[f"{name}_low"], shape[f"{name}_high"]]
    row = [tick.get_text() for tick in axes.get_yticklabels()].index(label)
    assert (segment[:, 1] == row).all()
    words = f"{shape[f'{name}_low']:.0f} to {shape[f'{name}_high']:.0f}"
    if place is not None:
        assert line(axes, f"_{label}").get_xydata().tolist() == [[shape[place], row]]
        low, high = (format_error(shape[f"{name}_{end}_mc_error"]) for end in ("low", "high"))
        words = f"{shape[place]:.0f} ({words.replace(' to', f' ± {low} to')} ± {high})"
    assert text(axes, f"_{label}") == words


def test_planted_low_point_is_drawn_over_an_invented_survey_only(shape_figure, estimates):
    drawn = line(axes_of(shape_figure, "places"), "planted low point")
    assert set(drawn.get_xdata()) == {estimates[0]["planted"]["nadir"].iloc[0]}
    frames = {name: frame for name, frame in estimates[0].items() if name != "planted"}
    real = axes_of(drawings(frames, REAL)["shape"].draw(), "places")
    assert "planted low point" not in [line.get_label() for line in real.get_lines()]


def test_profile_is_the_fall_in_deviance_with_the_break_and_both_p(shape_figure, estimates, shape):
    axes = axes_of(shape_figure, "profile")
    frame = estimates[0]["threshold"].query("model == @PRIMARY.model")
    np.testing.assert_array_equal(line(axes, "gain").get_xydata(), frame[["x", "deviance_gain"]])
    assert set(line(axes, "_best break").get_xdata()) == {shape["threshold"]}
    words = text(axes, "_p")
    p = format_p_drawn(shape["threshold_search_p"], shape["threshold_search_p_mc_error"])
    assert f"p {p} (naive {format_p(shape['threshold_naive_p'])})" in words


@pytest.mark.parametrize("verdict", ["U", "non-linear, U not shown", "no departure shown"])
def test_verdict_is_the_title(estimates, shape, model, curve, verdict):
    profile = estimates[0]["threshold"].query("model == @PRIMARY.model")
    figure = plot_shape(
        curve, profile, shape.replace({shape["verdict"]: verdict}), model, caption=Caption("", ""), provenance=REAL
    )
    assert figure.axes[0].get_title("left") == (
        f"Neuropathy by magnesium intake: is it a U?\n{numbers_words.sentence(numbers_words.verdict_words(verdict))}"
    )


def test_caption_tells_the_verdict_in_words_and_tells_break_from_low_point(shape_figure, estimates):
    words = caption(shape_figure)
    assert shape_words.shape_sentence(estimates[0]) in words
    assert "answers another question than the low point" in words
    assert f"{estimates[0]['shape']['replicates'].iloc[0]:,} bootstrap samples" in words


def test_words_beside_the_curve_stay_inside_the_page_and_off_each_other(shape_figure):
    shape_figure.draw_without_rendering()
    page = shape_figure.bbox
    boxes = [text.get_window_extent() for axes in shape_figure.axes for text in axes.texts]
    boxes += [label.get_window_extent() for label in axes_of(shape_figure, "places").get_yticklabels()]
    boxes += [axes.yaxis.label.get_window_extent() for axes in shape_figure.axes if axes.get_ylabel()]
    assert all(page.x0 <= box.x0 < box.x1 <= page.x1 for box in boxes)
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "all"]


def test_each_variant_has_its_panel_titled_with_its_verdict(knots_figure, estimates):
    rows = [row for _, row in estimates[0]["knots"].iterrows()]
    assert len(rows) == len(panels(knots_figure)) == 10
    for axes, row in zip(panels(knots_figure), rows, strict=True):
        second = row["verdict"] if row["form"] == "spline" else row["detail"]
        assert axes.get_title("left") == f"{variant_name(row)}\n{second}"
        shown = [t.get_text() for t in axes.texts if t.get_label() == "_p"]
        assert shown == ([f"p {format_p(row['nonlinear_p'])}"] if row["form"] == "spline" else [])


def test_each_panel_shows_its_own_curve_band_and_low_point(knots_figure, estimates):
    for axes, (_, row) in zip(panels(knots_figure), estimates[0]["knots"].iterrows(), strict=True):
        own = variant_curve(estimates[0]["knot_curves"], row)
        np.testing.assert_array_equal(line(axes, "odds ratio").get_xydata(), own[["x", "odds_ratio"]])
        assert set(zip(own["x"], own["conf_high"], strict=True)) <= {tuple(p) for p in corners(axes, "band")}
        assert set(line(axes, "lowest point").get_xdata()) == {row["nadir"]}
        np.testing.assert_array_equal(line(axes, "interval").get_xdata(), [row["nadir_low"], row["nadir_high"]])


def test_panels_share_their_axes(knots_figure):
    assert len({axes.get_xlim() for axes in knots_figure.axes}) == 1
    assert len({axes.get_ylim() for axes in knots_figure.axes}) == 1
    assert {axes.get_yscale() for axes in knots_figure.axes} == {"log"}


def test_what_was_fixed_in_advance_is_bold_and_nothing_else(knots_figure):
    titles = {axes.get_label(): title for axes in panels(knots_figure) for title in axes.findobj(Text)
              if title.get_text() == axes.get_title("left")}  # fmt: skip
    bold = [name for name, title in titles.items() if title.get_weight() == "bold"]
    assert bold == [f"{PRIMARY.knots} knots, {PRIMARY.knot_quantiles}"]


def test_all_curves_lie_together_in_the_last_panel(knots_figure, estimates):
    axes = axes_of(knots_figure, "all")
    for _, row in estimates[0]["knots"].iterrows():
        own = variant_curve(estimates[0]["knot_curves"], row)
        np.testing.assert_array_equal(line(axes, variant_name(row)).get_xydata(), own[["x", "odds_ratio"]])


def test_caption_of_the_knots_tells_the_verdicts(knots_figure, estimates):
    assert shape_words.knots_sentence(estimates[0]) in caption(knots_figure)


def test_variant_without_an_interval_has_its_tick_alone(estimates, model):
    knots = estimates[0]["knots"].assign(nadir_low=np.nan, nadir_high=np.nan)
    figure = plot_knots(knots, estimates[0]["knot_curves"], model, caption=Caption("", ""), provenance=REAL)
    for axes, nadir in zip(panels(figure), knots["nadir"], strict=True):
        assert text(axes, "_lowest point") == numbers_words.format_intake(nadir)
        assert pd.isna(line(axes, "interval").get_xdata()).all()
