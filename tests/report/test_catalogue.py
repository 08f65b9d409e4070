"""The audit's frames go into the right figures: each is drawn once and held to its frames, not to pixels."""

import pandas as pd
import pytest

from analysis.pipeline.draw import LATER
from analysis.pipeline.results import read_audit
from analysis.report.catalogue import AUDIT_FIGURES, audit_drawings
from analysis.report.figures.layout import save_figure
from tests.audits import audited

PANELS = {
    "first_screen": {"alone", "adjusted"},
    "specification_curve": {"p10", "p90", "p10 choices", "p90 choices", "ends"},
    "specificity": {"none", "residual", "density", "spline", "controls"},
    "energy_forms": {"none", "linear", "spline", "residual", "density"},
    "energy_surface": {"surface", "0.25", "0.5", "0.75"},
    "heterogeneity": {"1999-2000", "2001-2002", "2003-2004", "units"},
}
NUMBERS = {
    "first_screen": {"": "energy_curves", "_forms": "energy_forms"},
    "specification_curve": {"": "verdict_shares", "_ends": "verdict_ends"},
    "specificity": {"": "specificity"},
    "energy_forms": {"": "energy_forms", "_curves": "energy_curves"},
    "energy_surface": {"": "energy_surface", "_density": "energy_density", "_slices": "energy_slices"},
    "heterogeneity": {"": "cycle_curves", "_sampling_units": "psu_shape"},
}
"""The frames whose numbers a figure shows, by the suffix of their CSV."""


@pytest.fixture(scope="module")
def audit(demo, shared):
    return read_audit(audited(demo, shared))


@pytest.fixture(scope="module")
def drawings(audit):
    return audit_drawings(*audit)


@pytest.fixture(scope="module")
def figures(drawings):
    return {name: drawing.draw() for name, drawing in drawings.items()}


def test_there_are_six_figures(drawings):
    assert set(drawings) == set(PANELS) == set(AUDIT_FIGURES)


def test_a_figure_that_joins_is_one_that_the_stage_draws_and_clears(audit, monkeypatch):
    """One entry is enough: nothing else lists the names."""
    monkeypatch.setitem(AUDIT_FIGURES, "another", AUDIT_FIGURES["heterogeneity"])
    assert "another" in audit_drawings(*audit)
    assert "another" in LATER["audit"][0]


def test_a_drawing_in_a_cell_is_its_picture_and_its_name(drawings, figures):
    drawing = drawings["first_screen"]
    assert repr(drawing) == "Drawing(name 'first_screen', widths [2])"
    pictures, told = drawing._repr_mimebundle_()
    assert pictures["image/png"].startswith(b"\x89PNG")
    assert told["image/png"]["alt"] == figures["first_screen"].caption.alt


@pytest.mark.parametrize("name", PANELS)
def test_figure_has_its_panels(figures, name):
    assert PANELS[name] <= {axes.get_label() for axes in figures[name].axes}


@pytest.mark.parametrize("name", PANELS)
def test_figure_of_an_invented_survey_says_so_twice(figures, name):
    words = [text.get_text() for text in figures[name].texts]
    assert "SYNTHETIC" in words
    assert any(text.startswith("Data: SYNTHETIC") for text in words)
    assert "Data: SYNTHETIC" in figures[name].caption.text


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_beside_a_figure_are_the_frames_it_shows(drawings, audit, name):
    numbers = drawings[name].numbers
    assert set(numbers) == set(NUMBERS[name])
    for suffix, frame in NUMBERS[name].items():
        pd.testing.assert_frame_equal(numbers[suffix], audit[0][frame])


def test_line_of_the_specification_curve_is_every_specification(figures, audit):
    (axes,) = (axes for axes in figures["specification_curve"].axes if axes.get_label() == "p10")
    (line,) = (line for line in axes.lines if line.get_label() == "odds ratio")
    assert list(line.get_ydata()) == sorted(audit[0]["specifications"]["odds_ratio_p10"])


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ("joint_test", {"specification_curve"}),
        ("specificity_place", {"specificity"}),
        ("energy_forms", {"first_screen", "energy_forms", "energy_surface"}),
        ("energy_curves", {"first_screen", "energy_forms"}),
        ("energy_slices", {"energy_surface"}),
        ("energy_tests", {"energy_surface"}),
        ("energy_density", {"energy_surface"}),
        ("cycle_shapes", {"heterogeneity"}),
        ("decomposition", {"specification_curve"}),
        ("psu_shape", {"heterogeneity"}),
    ],
)
def test_question_without_an_answer_has_no_figure_and_the_others_are_drawn(audit, missing, lost):
    frames, provenance = audit
    rest = {name: frame for name, frame in frames.items() if name != missing}
    assert set(audit_drawings(rest, provenance)) == set(PANELS) - lost


def test_a_figure_is_saved_as_png_and_svg_with_its_caption(figures, tmp_path):
    png, svg, words = save_figure(figures["energy_forms"], tmp_path / "energy_forms")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "SYNTHETIC" in svg.read_text()
    caption = figures["energy_forms"].caption
    told = f"# energy_forms\n\n![{caption.alt}](energy_forms.png)\n\n{caption.text}\n"
    assert words.read_text() == told


def test_text_of_the_vectors_stays_text(figures, tmp_path):
    _, svg, _ = save_figure(figures["heterogeneity"], tmp_path / "heterogeneity")
    assert ">Each cycle by itself</text>" in svg.read_text()
