"""What holds for every figure: its widths, letters, words beside it, and files that are light."""

import re
from pathlib import Path

import matplotlib.style
import matplotlib.text
import pandas as pd
import pytest
from PIL import Image, ImageChops

from analysis.pipeline.drawings import write_drawing
from analysis.pipeline.results import read_audit
from analysis.provenance import Provenance
from analysis.report.catalogue import audit_drawings, dose_response, drawings
from analysis.report.figures.dose_response import plot_dose_response
from analysis.report.figures.layout import INCHES, SHADE, STYLE, Caption, blank_page, letter_panels, save_figure
from analysis.report.words.study import study_title
from tests.audits import audited

ROOT = Path(__file__).parents[2]
SMALLEST_LETTERS = 7
"""Points in print: the least that journals take."""

HEAVIEST = 250_000
"""Bytes of a PNG of two columns."""

FITTED = ("dose_response", "shape", "knots", "models", "quintiles", "diagnostics", "flow")
AUDITED = ("first_screen", "specification_curve", "specificity", "energy_forms", "energy_surface", "heterogeneity")
REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def every(demo, shared, estimates):
    return drawings(*estimates) | audit_drawings(*read_audit(audited(demo, shared)))


@pytest.fixture(scope="module")
def pages(every):
    return {(name, width): every[name].draw(width=width) for name in every for width in ("one", "two")}


def shown(figure):
    return [
        text for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip() and text.get_visible()
    ]  # fmt: skip


def test_there_are_pages_of_both_widths(pages):
    assert set(pages) >= {(name, width) for name in FITTED + AUDITED for width in ("one", "two")}


def test_pages_are_as_wide_as_their_columns_and_no_letter_is_too_small(pages):
    assert {85, 175} == {round(25.4 * inches) for inches in INCHES.values()}
    widths = {key: page.get_figwidth() for key, page in pages.items()}
    assert {key: width for key, width in widths.items() if width != pytest.approx(INCHES[key[1]])} == {}
    letters = {key: min(text.get_fontsize() for text in shown(page)) for key, page in pages.items()}
    assert {key: points for key, points in letters.items() if points < SMALLEST_LETTERS} == {}


def beyond(page):
    """Titles, letters and labels of axes that leave a page."""
    page.draw_without_rendering()
    words = [
        *page.texts,
        *(part for axes in page.axes for part in (axes.xaxis.label, axes.yaxis.label, axes._left_title)),
    ]
    boxes = [(text.get_text(), text.get_window_extent()) for text in words if text.get_text() not in ("", "SYNTHETIC")]
    across, up = page.bbox.width + 1, page.bbox.height + 1
    return [words for words, box in boxes if not (-1 <= box.x0 < box.x1 <= across and -1 <= box.y0 < box.y1 <= up)]


def test_no_title_letter_or_axis_label_leaves_its_page(pages):
    assert {key: left for key, page in pages.items() if (left := beyond(page))} == {}


def test_captions_stand_beside_and_not_in_the_picture(pages):
    captions = {name: pages[name, "two"].caption.text for name in FITTED + AUDITED}
    assert not [name for name, text in captions.items() if len(text) <= 150]
    assert not [name for name, text in captions.items() if not re.search(r"Data: SYNTHETIC.*\Z", text)]
    drawn = {
        name: " ".join(" ".join(text.get_text() for text in shown(pages[name, "two"])).split()) for name in captions
    }
    assert not [name for name, text in captions.items() if text[:60] in drawn[name]]


def test_alternative_texts_tell_numbers_in_one_line_of_markdown(pages):
    texts = {name: pages[name, "two"].caption.alt for name in FITTED + AUDITED}
    wanted = re.compile(r"(?!.*nan)(?=.*\d)[^\[\]\n]{80,998}\.")
    assert {name: alt for name, alt in texts.items() if not wanted.fullmatch(alt)} == {}


def test_alternative_text_follows_the_results(estimates):
    frames, provenance = estimates
    moved = frames | {"odds_ratio_curve": frames["odds_ratio_curve"].assign(odds_ratio=1.37)}
    assert "1.37 (" in dose_response(moved, provenance, model="1").caption.alt
    assert "1.37 (" not in dose_response(frames, provenance, model="1").caption.alt


def test_panels_are_lettered_in_order(pages):
    for (name, width), page in pages.items():
        letters = [text.get_text() for text in page.texts if text.get_label() == "_letter"]
        assert letters == sorted(letters), (name, width)
        if len(page.axes) > 1:
            assert letters[:2] == ["A", "B"], (name, width)


@pytest.mark.parametrize("name", ["specification_curve", "knots", "shape"])
def test_png_is_light_and_its_colours_are_near_those_that_were_drawn(pages, tmp_path, name):
    png, _, _ = save_figure(pages[name, "two"], tmp_path / name)
    assert png.stat().st_size <= HEAVIEST
    with matplotlib.style.context(STYLE):
        pages[name, "two"].savefig(tmp_path / "drawn.png")
    with Image.open(png) as saved, Image.open(tmp_path / "drawn.png") as drawn:
        away = ImageChops.difference(saved.convert("RGB"), drawn.convert("RGB"))
    assert max(highest for _, highest in away.getextrema()) <= SHADE // 2


def test_notebook_shows_the_picture_with_its_alternative_text(pages):
    page = pages["flow", "two"]
    data, metadata = page._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == page.caption.alt
    assert page.caption._repr_markdown_() == page.caption.text


def test_figure_for_one_column_does_not_take_the_others_place(every, tmp_path):
    two = write_drawing(every["flow"], tmp_path, "flow")
    one = write_drawing(every["flow"], tmp_path, "flow", width="one")
    assert [path.name for path in two] == ["flow.png", "flow.svg", "flow.md"]
    assert [path.name for path in one] == ["flow_85mm.png", "flow_85mm.svg", "flow_85mm.md"]
    assert {path.name for path in tmp_path.glob("*.csv")} == {"flow.csv", "flow_reasons.csv"}


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        ({}, "Peripheral neuropathy by magnesium intake"),
        ({"outcome": "pad"}, "Peripheral arterial disease by magnesium intake"),
        ({"exposure": "lead_ug_dl", "exposure_label": "lead"}, "Peripheral neuropathy by lead"),
        ({"exposure": "calcium_mg", "exposure_label": "calcium", "where": "sex == 'female'"},
         "Peripheral neuropathy by calcium intake\nwomen aged 40 or older"),
        ({"cycles": "1999"}, "Peripheral neuropathy by magnesium intake\nadults aged 40 or older, cycle 1999-2000"),
    ],
)  # fmt: skip
def test_title_names_disease_exposure_and_subgroup(estimates, changed, title):
    row = estimates[0]["models"].iloc[1].copy()
    for name, value in changed.items():
        row[name] = value
    assert study_title(row) == title
    curves, prevalence = (estimates[0][name].query("model == '1'") for name in ("odds_ratio_curve", "prevalence"))
    figure = plot_dose_response(curves, prevalence, estimates[0]["distribution"], row, caption=Caption("", ""),
                                provenance=REAL)  # fmt: skip
    assert figure.axes[0].get_title("left") == title


def test_a_bar_of_few_people_is_hatched_and_said_to_be_of_few(estimates):
    frames, row = estimates[0], estimates[0]["models"].iloc[1]
    curves, prevalence = (frames[name].query("model == '1'") for name in ("odds_ratio_curve", "prevalence"))
    bars = frames["distribution"].drop(index=frames["distribution"].index[12])
    figure = plot_dose_response(curves, prevalence, bars, row, caption=Caption("", ""), provenance=REAL)
    below = next(axes for axes in figure.axes if axes.get_label() == "distribution")
    (few,) = (patch for patch in below.patches if patch.get_label() == "fewer than 10 people")
    gone = frames["distribution"].iloc[12]
    assert (few.get_x(), few.get_x() + few.get_width()) == (gone["lower"], gone["upper"])
    assert "<10" in [text.get_text() for text in below.texts]


def test_letters_begin_where_one_says():
    page, sides = blank_page(2.0, Caption("A caption.", "A picture."), REAL)
    panels = page.subplots(1, 2, gridspec_kw=sides)
    letter_panels(page, *panels, first="C")
    assert [text.get_text() for text in page.texts] == ["C", "D"]
    assert page.caption == Caption("A caption. Data: NHANES 1999-2004.", "A picture.")


@pytest.mark.committed
def test_pictures_of_the_readme_have_the_alternative_texts_of_their_captions():
    tags = re.findall(r"!\[([^]]*)\]\(figures/(\w+)\.png\)", (ROOT / "README.md").read_text())
    assert len(tags) >= 1
    for alt, name in tags:
        assert f"![{alt}]({name}.png)" in (ROOT / "figures" / f"{name}.md").read_text().splitlines(), name


@pytest.mark.committed
def test_every_committed_picture_has_its_words_and_is_light():
    pictures = sorted((ROOT / "figures").glob("*.png"))
    assert len(pictures) >= len(FITTED + AUDITED)
    for picture in pictures:
        assert picture.stat().st_size <= HEAVIEST, picture.name
        heading, alt, caption = picture.with_suffix(".md").read_text().strip().split("\n\n")
        assert heading == f"# {picture.stem}"
        assert re.fullmatch(rf"!\[[^]\n]+\]\({picture.name}\)", alt)
        assert caption.endswith("Data: NHANES 1999-2004.")
        assert "<text" in picture.with_suffix(".svg").read_text(), "text stays text"


def test_numbers_of_a_page_are_frames(every):
    assert all(isinstance(frame, pd.DataFrame) for drawing in every.values() for frame in drawing.numbers.values())
