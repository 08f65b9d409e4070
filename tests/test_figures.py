"""Figures are held to their numbers, not to pixels."""

import hashlib
import re

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from analysis.estimates import REFERENCE_QUINTILES
from analysis.report.drawings import drawings
from analysis.report.figures import Provenance, plot_quintiles, save_figure
from analysis.study import PRIMARY

REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def drawn(estimates):
    return {name: drawing.draw() for name, drawing in drawings(*estimates).items()}


@pytest.fixture(scope="module")
def curve_axes(drawn):
    return next(axes for axes in drawn["dose_response"].axes if axes.get_label() == "curve")


@pytest.fixture(scope="module")
def curve(estimates):
    frame = estimates[0]["odds_ratio_curve"]
    return frame[frame["model"] == PRIMARY.model]


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def caption(figure):
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_line_is_the_odds_ratio_curve(curve_axes, curve):
    np.testing.assert_array_equal(line(curve_axes, "odds ratio").get_xydata(), curve[["x", "odds_ratio"]])


def test_band_is_the_interval(curve_axes, curve):
    band = next(c for c in curve_axes.collections if isinstance(c, PolyCollection) and c.get_label() == "95 % band")
    corners = band.get_paths()[0].vertices
    assert set(curve["conf_low"]) | set(curve["conf_high"]) <= set(corners[:, 1])


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
    above, below = drawn["dose_response"].axes
    assert f"against {reference:.4g} mg/day" in above.get_ylabel()
    assert "mg/day" in below.get_xlabel()


def test_bars_are_the_weighted_distribution(drawn, estimates):
    below = drawn["dose_response"].axes[1]
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
    ):
        assert piece in text


@pytest.mark.parametrize("name", ["dose_response", "models", "quintiles", "flow"])
def test_figure_from_invented_data_says_so_on_its_face(drawn, name):
    texts = [text.get_text() for text in drawn[name].texts]
    assert "SYNTHETIC" in texts
    assert "SYNTHETIC" in caption(drawn[name]).split("Data:")[1]


def test_figure_from_real_data_carries_no_such_mark(estimates):
    frames = {name: frame for name, frame in estimates[0].items() if name != "planted"}
    for drawing in drawings(frames, REAL).values():
        assert "SYNTHETIC" not in caption(drawing.draw())


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


def test_png_has_300_dots_per_inch_and_the_svg_no_date(drawn, tmp_path):
    png, svg = save_figure(drawn["flow"], tmp_path / "flow")
    header = png.read_bytes()
    at = header.index(b"pHYs") + 4
    assert round(int.from_bytes(header[at : at + 4], "big") * 0.0254) == 300
    assert "<dc:date>" not in svg.read_text()


def test_another_reference_quintile_is_named_on_the_axis(estimates):
    frame = estimates[0]["quintiles"].query("reference_quintile == 1")
    figure = plot_quintiles(frame, estimates[0]["models"], caption="", provenance=REAL)
    assert figure.axes[0].get_ylabel() == "Odds ratio (against Q1)"
