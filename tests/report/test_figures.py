"""Figures are held to their numbers, not to pixels."""

import hashlib
import re

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from analysis.dose_response.frames import REFERENCE_QUINTILES
from analysis.provenance import Provenance
from analysis.report.catalogue import drawings
from analysis.report.figures.dose_response import plot_quintiles
from analysis.report.figures.flow import _reason_words, plot_flow
from analysis.report.figures.layout import TALLEST, Caption, blank_page, save_figure
from analysis.report.words.numbers import format_drawn, format_p
from analysis.stats.disclosure import count_of
from analysis.study import PRIMARY

REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def drawn(estimates):
    return {name: drawing.draw() for name, drawing in drawings(*estimates).items()}


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


@pytest.fixture(scope="module")
def curve_axes(drawn):
    return axes_of(drawn["dose_response"], "curve")


@pytest.fixture(scope="module")
def prevalence_axes(drawn):
    return axes_of(drawn["dose_response"], "prevalence")


@pytest.fixture(scope="module")
def curve(estimates):
    frame = estimates[0]["odds_ratio_curve"]
    return frame[frame["model"] == PRIMARY.model]


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def caption(figure):
    return figure.caption.text


def test_line_is_the_odds_ratio_curve(curve_axes, curve):
    np.testing.assert_array_equal(line(curve_axes, "odds ratio").get_xydata(), curve[["x", "odds_ratio"]])


def corners(axes, label):
    band = next(c for c in axes.collections if isinstance(c, PolyCollection) and c.get_label() == label)
    return band.get_paths()[0].vertices


BANDS = [("95 % band, each intake", "conf"), ("95 % band, whole curve", "band")]


@pytest.mark.parametrize(("label", "limits"), BANDS)
def test_each_band_is_its_interval(curve_axes, curve, label, limits):
    drawn_points = {tuple(point) for point in corners(curve_axes, label)}
    for end in ("low", "high"):
        assert set(zip(curve["x"], curve[f"{limits}_{end}"], strict=True)) <= drawn_points


@pytest.mark.parametrize(("label", "limits"), BANDS)
def test_each_band_of_the_prevalence_is_its_interval_in_percent(prevalence_axes, estimates, label, limits):
    frame = estimates[0]["prevalence"].query("model == @PRIMARY.model")
    drawn_points = {tuple(point) for point in corners(prevalence_axes, label)}
    for end in ("low", "high"):
        assert set(zip(frame["x"], 100 * frame[f"{limits}_{end}"], strict=True)) <= drawn_points


def test_band_of_the_whole_curve_is_lighter_and_lies_behind(curve_axes):
    whole, each = (
        next(c for c in curve_axes.collections if c.get_label() == label) for label in (BANDS[1][0], BANDS[0][0])
    )
    assert whole.get_alpha() < each.get_alpha()
    assert curve_axes.collections.index(whole) < curve_axes.collections.index(each)


def test_prevalence_is_drawn_in_percent_with_the_references_as_a_dotted_line(prevalence_axes, estimates):
    frame = estimates[0]["prevalence"].query("model == @PRIMARY.model")
    drawn_line = line(prevalence_axes, "prevalence").get_xydata()
    np.testing.assert_allclose(drawn_line, np.column_stack([frame["x"], 100 * frame["prevalence"]]))
    reference = estimates[0]["models"].set_index("model").loc[PRIMARY.model, "reference"]
    at = 100 * frame.set_index("x").loc[reference, "prevalence"]
    dotted = line(prevalence_axes, "prevalence at the reference")
    assert dotted.get_linestyle() == ":"
    assert set(dotted.get_ydata()) == {at}
    assert line(prevalence_axes, "reference").get_xydata().tolist() == [[reference, at]]


def test_nothing_that_is_drawn_leaves_its_panel(drawn, curve, estimates):
    curve_low, curve_high = axes_of(drawn["dose_response"], "curve").get_ylim()
    assert curve_low < curve["band_low"].min() < curve["band_high"].max() < curve_high
    low, high = axes_of(drawn["dose_response"], "prevalence").get_ylim()
    frame = estimates[0]["prevalence"].query("model == @PRIMARY.model")
    assert low == 0 < 100 * frame["band_high"].max() < high


def test_legend_covers_neither_curve_nor_band(drawn, curve):
    figure = drawn["dose_response"]
    figure.draw_without_rendering()
    axes = axes_of(figure, "curve")
    box = axes.get_legend().get_window_extent().transformed(axes.transData.inverted())
    under = curve[(curve["x"] > box.x0) & (curve["x"] < box.x1)]
    assert under["band_high"].max() < box.y0


def test_reference_and_knots_are_marked(curve_axes, estimates):
    model = estimates[0]["models"].set_index("model").loc[PRIMARY.model]
    assert line(curve_axes, "reference").get_xydata().tolist() == [[model["reference"], 1]]
    np.testing.assert_allclose(line(curve_axes, "knots").get_xdata(), [float(k) for k in model["knots"].split()])


def test_planted_truth_is_drawn_over_an_invented_survey(curve_axes, estimates):
    planted = estimates[0]["planted"]
    drawn_truth = line(curve_axes, "planted truth").get_xydata()
    np.testing.assert_array_equal(drawn_truth, planted[planted["x"].isin(drawn_truth[:, 0])][["x", "odds_ratio"]])


def test_odds_ratios_stand_on_a_log_axis_with_plain_numbers(curve_axes):
    assert curve_axes.get_yscale() == "log"
    assert "1" in [label.get_text() for label in curve_axes.get_yticklabels()]


def test_axis_labels_name_the_unit_and_the_reference(drawn, estimates):
    reference = estimates[0]["models"]["reference"].iloc[0]
    above, middle, below = drawn["dose_response"].axes
    assert f"against {reference:.0f} mg/day" in above.get_ylabel()
    assert "(%)" in middle.get_ylabel()
    assert "mg/day" in below.get_xlabel()


def test_bars_are_the_weighted_distribution(drawn, estimates):
    below = axes_of(drawn["dose_response"], "distribution")
    bars = next(container for container in below.containers)
    np.testing.assert_allclose([bar.get_height() for bar in bars], 100 * estimates[0]["distribution"]["share"])


def test_intakes_beyond_the_outer_percentiles_are_greyed(curve_axes, estimates):
    model = estimates[0]["models"].set_index("model").loc[PRIMARY.model]
    spans = [patch.get_extents().transformed(curve_axes.transData.inverted()) for patch in curve_axes.patches]
    edges = sorted(x for span in spans for x in (span.x0, span.x1))
    assert edges[1:3] == pytest.approx([model["p05"], model["p95"]])


def test_caption_tells_people_cases_weights_and_tests(drawn, estimates):
    model = estimates[0]["models"].set_index("model").loc[PRIMARY.model]
    text = caption(drawn["dose_response"])
    for piece in (
        f"{model['n']:,}",
        f"{model['cases']:,}",
        "dietary weights",
        "overall p",
        "non-linear p",
        "Rao-Scott",
        f"sup-t, {format_drawn(model['critical_value'], model['critical_value_mc_error'])} standard errors",
        "standardised to the weighted people",
    ):
        assert piece in text


def test_every_figure_from_invented_data_says_so_on_its_face(drawn):
    for name, figure in drawn.items():
        texts = [text.get_text() for text in figure.texts]
        assert "SYNTHETIC" in texts, name
        assert any(text.startswith("Data: SYNTHETIC") for text in texts), name
        assert "SYNTHETIC" in caption(figure).split("Data:")[1], name


def test_figure_from_real_data_carries_no_such_mark(estimates):
    frames = {name: frame for name, frame in estimates[0].items() if name != "planted"}
    for drawing in drawings(frames, REAL).values():
        figure = drawing.draw()
        assert "SYNTHETIC" not in " ".join([caption(figure), *(text.get_text() for text in figure.texts)])


def test_revised_tables_are_named_under_every_figure(estimates):
    source = "NHANES 1999-2004; revised tables accepted: DEMO_B"
    for drawing in drawings(estimates[0], Provenance(source, synthetic=False)).values():
        assert "revised tables accepted: DEMO_B" in caption(drawing.draw())


def test_each_model_has_its_own_line_colour_and_dash(drawn, estimates):
    axes = drawn["models"].axes[0]
    lines = [line for line in axes.get_lines() if str(line.get_label()).startswith(("Crude", "Model"))]
    assert len(lines) == 4
    assert len({line.get_color() for line in lines}) == 4
    assert len({str(line.get_linestyle()) for line in lines}) == 4
    curves = estimates[0]["odds_ratio_curve"]
    for one, model in zip(lines, estimates[0]["models"]["model"], strict=True):
        theirs = curves[curves["model"] == model]
        np.testing.assert_array_equal(one.get_xydata(), theirs[["x", "odds_ratio"]])


def test_models_can_be_told_apart_in_greyscale(drawn):
    lines = [
        line for line in drawn["models"].axes[0].get_lines() if str(line.get_label()).startswith(("Crude", "Model"))
    ]
    grey = sorted(matplotlib.colors.to_rgb(line.get_color()) @ np.array([0.2126, 0.7152, 0.0722]) for line in lines)
    near = [b - a < 0.1 for a, b in zip(grey[:-1], grey[1:], strict=True)]
    dashes = {str(line.get_linestyle()) for line in lines}
    assert not any(near) or len(dashes) == 4, "where greys are close, dashes have to tell the lines apart"


def test_quintile_markers_are_the_odds_ratios_with_their_intervals(drawn, estimates):
    axes = drawn["quintiles"].axes[0]
    every = estimates[0]["quintiles"]
    shown = every[every["reference_quintile"] == REFERENCE_QUINTILES[0]]
    assert len(axes.containers) == 4
    assert len({container[0].get_marker() for container in axes.containers}) == 4
    for container, (_, one) in zip(axes.containers, shown.groupby("model", sort=False), strict=True):
        points, _, (bars,) = container
        np.testing.assert_allclose(np.asarray(points.get_ydata(), dtype=float), one["odds_ratio"])
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, one[["conf_low", "conf_high"]], rtol=1e-12)


def test_quintile_ranges_stand_under_the_axis_with_open_ends(drawn):
    labels = [label.get_text() for label in drawn["quintiles"].axes[0].get_xticklabels()]
    assert re.fullmatch(r"Q1\nup to \d+", labels[0])
    assert re.fullmatch(r"Q3\n\d+ to \d+", labels[2])
    assert re.fullmatch(r"Q5\nabove \d+", labels[4])


def test_flow_shows_every_count_and_every_loss(drawn, estimates):
    flow = estimates[0]["flow"].query("model == '3'")
    texts = " ".join(text.get_text() for text in drawn["flow"].axes[0].texts)
    for n in flow["n"]:
        assert f"n = {n:,}" in texts
    for loss in -flow["n"].diff().dropna():
        assert f"{loss:,.0f} left out" in texts


def test_flow_tells_each_reason_with_its_number(drawn, estimates):
    reasons = estimates[0]["flow_reasons"].query("model == '3'")
    texts = [text.get_text() for text in drawn["flow"].axes[0].texts if str(text.get_label()).startswith("left out")]
    told = " ".join(" ".join(texts).split())
    assert "no result for either foot" in told
    for row in reasons.itertuples():
        alone = (reasons["step"] == row.step).sum() == 1
        words = _reason_words(row.reason)
        assert (f"left out: {words}" if alone else f"{count_of(row.n)}: {words}") in told


def test_few_people_of_a_reason_are_told_as_few(estimates):
    flow, reasons = (estimates[0][name].query("model == '3'") for name in ("flow", "flow_reasons"))
    few = reasons.assign(n=reasons["n"].mask(reasons["reason"] == "pir"))
    figure = plot_flow(flow, few, caption=Caption("", ""), provenance=REAL)
    assert "fewer than 10: income not known" in " ".join(text.get_text() for text in figure.axes[0].texts)


def test_cases_are_shown_only_where_everyones_status_is_known(drawn, estimates):
    flow = estimates[0]["flow"].query("model == '3'")
    boxes = [text.get_text() for text in drawn["flow"].axes[0].texts if str(text.get_label()).startswith("step")]
    assert ["with neuropathy" in box for box in boxes] == flow["cases"].notna().tolist()


def test_same_numbers_give_the_same_bytes(estimates, tmp_path):
    digests = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        paths = save_figure(drawings(*estimates)["dose_response"].draw(), tmp_path / run / "dose_response")
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1]


def test_png_has_200_dots_per_inch_and_the_svg_no_date(drawn, tmp_path):
    png, svg, _ = save_figure(drawn["flow"], tmp_path / "flow")
    header = png.read_bytes()
    at = header.index(b"pHYs") + 4
    assert round(int.from_bytes(header[at : at + 4], "big") * 0.0254) == 200
    assert "<dc:date>" not in svg.read_text()


def test_another_reference_quintile_is_named_on_the_axis(estimates):
    frame = estimates[0]["quintiles"].query("reference_quintile == 1")
    figure = plot_quintiles(frame, estimates[0]["models"], caption=Caption("", ""), provenance=REAL)
    assert figure.axes[0].get_ylabel() == "Odds ratio (against Q1)"


@pytest.fixture(scope="module")
def of_primary(estimates):
    """Frames of the primary study's model."""
    return {
        name: frame[frame["model"] == PRIMARY.model] for name, frame in estimates[0].items() if "model" in frame.columns
    }


def test_calibration_shows_every_group_with_its_interval_about_the_diagonal(drawn, of_primary):
    axes, groups = axes_of(drawn["diagnostics"], "calibration"), of_primary["calibration"]
    points, _, (bars,) = axes.containers[0]
    np.testing.assert_allclose(points.get_xydata(), 100 * groups[["predicted", "estimate"]])
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, 100 * groups[["conf_low", "conf_high"]])
    diagonal = line(axes, "diagonal").get_xydata()
    np.testing.assert_array_equal(diagonal[:, 0], diagonal[:, 1])
    assert (diagonal.min(), diagonal.max()) == (axes.get_xlim()[0], axes.get_xlim()[1]) == axes.get_ylim()


def test_p_of_the_calibration_stands_in_its_panel(drawn, of_primary):
    (text,) = [text.get_text() for text in axes_of(drawn["diagnostics"], "calibration").texts]
    p = of_primary["tests"].set_index("test").loc["goodness_of_fit", "p_value"]
    assert text == f"Archer-Lemeshow\np {format_p(p)}"


def test_group_of_too_few_people_is_left_out_of_the_calibration(estimates):
    frame = estimates[0]["calibration"].copy()
    first = frame.index[frame["model"] == PRIMARY.model][0]
    frame.loc[first, ["n", "predicted", "estimate", "conf_low", "conf_high"]] = np.nan
    figure = drawings(estimates[0] | {"calibration": frame}, REAL)["diagnostics"].draw()
    assert len(axes_of(figure, "calibration").containers[0][0].get_xydata()) == 9


def test_bars_are_people_and_their_effective_number(drawn, estimates):
    people, effective = axes_of(drawn["diagnostics"], "effective_size").containers
    frame = estimates[0]["distribution"]
    assert [bar.get_height() for bar in people] == frame["n"].tolist()
    assert [bar.get_height() for bar in effective] == frame["n_effective"].tolist()
    assert [bar.get_x() for bar in people] == frame["lower"].tolist()


@pytest.mark.parametrize("quantity", ["log_or_p10", "log_or_p90"])
def test_changes_without_single_units_are_drawn_in_order(drawn, of_primary, quantity):
    frame = of_primary["influence"].query("quantity == @quantity")
    dots = line(axes_of(drawn["diagnostics"], "influence"), f"at {frame['x'].iloc[0]:.0f} mg/day")
    assert dots.get_ydata().tolist() == sorted(frame["dfbetas"])


def test_largest_changes_are_named_by_stratum_and_unit_without_overlap(drawn, of_primary):
    figure = drawn["diagnostics"]
    axes = axes_of(figure, "influence")
    frame = of_primary["influence"].dropna(subset="dfbetas").sort_values("dfbetas")
    for _, one in frame.groupby("quantity"):
        extremes = {f"{row.stratum}/{row.psu}" for row in one.iloc[[0, 1, -2, -1]].itertuples()}
        assert extremes <= {text.get_text() for text in axes.texts}
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 8
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_caption_of_the_diagnostics_tells_the_worst_single_unit(drawn, of_primary):
    p = of_primary["influence"].query("quantity == 'nonlinear_p'")["estimate"].max()
    text = caption(drawn["diagnostics"])
    assert f"at most {format_p(p).removeprefix('= ')} without one unit" in text
    assert (
        f"{of_primary['weights']['n_effective'].item():,.0f} of {of_primary['weights']['n_positive'].item():,}" in text
    )


def test_numbers_of_every_panel_are_handed_on(estimates):
    every = drawings(*estimates)
    assert set(every["dose_response"].numbers) == {"", "_prevalence", "_distribution"}
    assert set(every["shape"].numbers) == {"", "_curve", "_threshold"}
    assert set(every["knots"].numbers) == {"", "_curves"}
    assert set(every["diagnostics"].numbers) == {"", "_influence", "_distribution"}
    for drawing in every.values():
        assert all(len(frame) and frame["data"].notna().all() for frame in drawing.numbers.values())


def test_a_tall_page_stays_light(tmp_path):
    heights = {}
    for inches in (3, 20):
        page, _ = blank_page(inches, Caption("A caption.", "A page."), Provenance("invented", synthetic=False))
        png, _, _ = save_figure(page, tmp_path / f"tall_{inches}")
        heights[inches] = int.from_bytes(png.read_bytes()[20:24], "big")
    assert 600 < heights[3] < 800
    assert heights[20] == pytest.approx(TALLEST, abs=1)
