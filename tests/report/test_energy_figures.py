"""The audits' figures are held to their numbers, not to pixels."""

import itertools

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.contour import QuadContourSet
from matplotlib.transforms import Bbox

from analysis.audit.energy import energy_surface
from analysis.audit.heterogeneity import REFITTED
from analysis.provenance import Provenance
from analysis.report.figures.energy import (
    FORM_NAMES,
    LINES,
    energy_forms_caption,
    energy_surface_caption,
    plot_energy_forms,
    plot_energy_surface,
    surface_title,
)
from analysis.report.figures.first_screen import ADJUSTED, BOTH_ENDS, LETTERS, first_screen_alt, plot_first_screen
from analysis.report.figures.heterogeneity import heterogeneity_caption, plot_heterogeneity
from analysis.report.figures.layout import BAND, VERMILION, Caption, save_figure
from analysis.report.words.numbers import format_p

REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def frames(participants, audit_found):
    asked = ("energy forms", "energy slices", "cycle curves", "cycle heterogeneity", "sampling units")
    parts = [energy_surface(participants, points=21), *(audit_found[task] for task in asked)]
    return {name: frame for part in parts for name, frame in part.items()}


@pytest.fixture(scope="module")
def none(frames):
    return frames["energy_forms"].iloc[0]


@pytest.fixture(scope="module")
def forms_figure(frames):
    forms = frames["energy_forms"]
    return plot_energy_forms(
        frames["energy_curves"], forms, caption=Caption(energy_forms_caption(forms), "Alternative."), provenance=REAL
    )


@pytest.fixture(scope="module")
def surface_figure(frames, none):
    surface, density, tests = (frames[f"energy_{name}"] for name in ("surface", "density", "tests"))
    slices, slice_tests = frames["energy_slices"], frames["energy_slice_tests"]
    words = energy_surface_caption(surface, tests, slice_tests, none)
    return plot_energy_surface(
        surface, density, slices, slice_tests, none, caption=Caption(words, "Alternative."), provenance=REAL
    )


@pytest.fixture(scope="module")
def heterogeneity_figure(frames, none):
    curves, shapes, tests = (frames[f"cycle_{name}"] for name in ("curves", "shapes", "heterogeneity"))
    words = heterogeneity_caption(shapes, tests, frames["psu_shape"])
    return plot_heterogeneity(
        curves, shapes, frames["psu_shape"], none, caption=Caption(words, "Alternative."), provenance=REAL
    )


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label().startswith(label))


def corners(axes):
    """Points of each band, in the order they were drawn."""
    bands = (c for c in axes.collections if isinstance(c, PolyCollection) and c.get_label() == "_band")
    return [{tuple(point) for point in band.get_paths()[0].vertices} for band in bands]


def caption(figure):
    return figure.caption.text


def limits(frame, end):
    return set(zip(frame["x"], frame[end], strict=True))


# ---- energy forms


@pytest.mark.parametrize("form", FORM_NAMES)
def test_panel_shows_its_forms_curve_and_band(frames, forms_figure, form):
    axes = axes_of(forms_figure, form)
    curve = frames["energy_curves"].query("form == @form")
    np.testing.assert_array_equal(line(axes, "odds ratio").get_xydata(), curve[["x", "odds_ratio"]])
    assert limits(curve, "conf_low") | limits(curve, "conf_high") <= corners(axes)[0]


@pytest.mark.parametrize("form", FORM_NAMES)
def test_panel_says_p_verdict_and_unit_and_marks_the_reference(frames, forms_figure, form):
    axes, row = axes_of(forms_figure, form), frames["energy_forms"].set_index("form").loc[form]
    assert axes.get_title(loc="left") == f"{FORM_NAMES[form]}\np {format_p(row['nonlinear_p'])}"
    verdict = next(text.get_text() for text in axes.texts if text.get_label() == "verdict")
    assert verdict.replace("\n", " ") == row["verdict"]
    assert axes.get_xlabel() == row["unit"]
    np.testing.assert_array_equal(line(axes, "reference").get_xydata(), [[row["reference"], 1]])


@pytest.mark.parametrize("width", ["one", "two"])
def test_no_title_of_a_form_touches_the_letter_of_the_next(frames, width):
    curves, forms = frames["energy_curves"], frames["energy_forms"]
    page = plot_energy_forms(curves, forms, caption=Caption("", ""), provenance=REAL, width=width)
    page.canvas.draw()
    letters = [text.get_window_extent() for text in page.texts if text.get_label() == "_letter"]
    titles = [axes._left_title.get_window_extent() for axes in page.axes]
    assert len(letters) == len(titles) == len(forms)
    assert not [(a, b) for a in letters for b in titles if Bbox.intersection(a.expanded(1.3, 1), b)]


def test_panels_share_one_log_axis(forms_figure):
    assert [axes.get_yscale() for axes in forms_figure.axes] == ["log"] * 5
    assert len({axes.get_ylim() for axes in forms_figure.axes}) == 1


def test_caption_of_the_forms_says_people_df_and_correlations(frames, forms_figure):
    forms = frames["energy_forms"]
    words = caption(forms_figure)
    assert words.startswith(f"Model 1 in {forms['n'].iloc[0]:,} people ({forms['cases'].iloc[0]:,} cases), magnesium")
    assert "residual df 35, 34, 32, 35, 35." in words
    correlation = forms.set_index("form")["correlation"]
    density = f"{correlation['density']:.2f}".replace("-", "\u2212")
    assert f"correlation with energy 0.00 and {density}, of the unadjusted intake {correlation['none']:.2f}." in words


# ---- the first screen


@pytest.mark.parametrize("width", ["one", "two"])
def test_first_screen_shows_the_curve_with_its_band_beside_each_adjusted_one(frames, width):
    curves, forms = frames["energy_curves"], frames["energy_forms"]
    page = plot_first_screen(curves, forms, caption=Caption("Caption.", ""), provenance=REAL, width=width)
    alone, adjusted = axes_of(page, "alone"), axes_of(page, "adjusted")
    own = curves.query("form == 'none'")
    np.testing.assert_array_equal(line(alone, "odds ratio").get_xydata(), own[["x", "odds_ratio"]])
    assert limits(own, "conf_low") | limits(own, "conf_high") <= corners(alone)[0]
    drawn = [found for found in adjusted.get_lines() if not found.get_label().startswith("_")]
    assert len(drawn) == len(ADJUSTED)
    for name, found in zip(ADJUSTED, drawn, strict=True):
        curve = curves[(curves["form"] == name) & curves["percentile"].between(*BOTH_ENDS)]
        np.testing.assert_array_equal(found.get_xydata(), curve[["percentile", "odds_ratio"]])
        p = forms.set_index("form").loc[name, "nonlinear_p"]
        assert found.get_label().endswith(f"p {format_p(p)}")
    assert alone.get_ylim() == adjusted.get_ylim()


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ((0.001, 0.2, 0.001, 0.001), "no bend is shown beside a spline of energy."),
        ((0.001, 0.001, 0.001, 0.001), "the bend is shown in each."),
    ],
)
def test_alternative_text_of_the_first_screen_says_where_no_bend_is_left(frames, p, said):
    forms = frames["energy_forms"].assign(nonlinear_p=[0.001, *p])
    assert first_screen_alt(frames["energy_curves"], forms).endswith(said)


@pytest.mark.parametrize("width", ["one", "two"])
def test_first_screen_explains_its_marks_in_the_picture_and_stays_on_the_page(frames, width):
    page = plot_first_screen(
        frames["energy_curves"], frames["energy_forms"], caption=Caption("", ""), provenance=REAL, width=width
    )
    page.canvas.draw()
    told = axes_of(page, "alone").get_legend().get_texts()
    assert [text.get_text() for text in told] == ["95 % band", "median", "beyond P5, P95"]
    labels = [text for axes in page.axes
              for text in (*axes.get_legend().get_texts(), axes.xaxis.label, axes.yaxis.label, axes.title)]  # fmt: skip
    assert min(text.get_fontsize() for text in labels) >= LETTERS[width]
    assert all(
        page.bbox.x0 <= box.x0 <= box.x1 <= page.bbox.x1 for box in (text.get_window_extent() for text in labels)
    )


# ---- the surface


@pytest.mark.parametrize("width", ["one", "two"])
def test_ticks_and_letters_of_the_cuts_do_not_overlap(frames, none, width):
    page = plot_energy_surface(
        *(frames[f"energy_{name}"] for name in ("surface", "density", "slices", "slice_tests")), none,
        caption=Caption("", ""), provenance=REAL, width=width,
    )  # fmt: skip
    page.canvas.draw()
    for axes in page.axes[1:]:
        low, high = axes.get_ylim()
        ticks = [label for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
        boxes = sorted((label.get_window_extent() for label in ticks), key=lambda box: box.y0)
        assert len(boxes) >= 2
        # A third of a letter between them.
        assert not [a for a, b in itertools.pairwise(boxes) if b.y0 - a.y1 < a.height / 3]
    letters = [text.get_window_extent() for text in page.texts if text.get_label() == "_letter"]
    labels = [axes.yaxis.label.get_window_extent() for axes in page.axes[1:] if axes.get_ylabel()]
    assert not [letter for letter in letters for label in labels if Bbox.intersection(letter, label)]


def test_contours_are_of_the_known_points_only(frames, surface_figure):
    axes = axes_of(surface_figure, "surface")
    contours = next(c for c in axes.collections if isinstance(c, QuadContourSet))
    known = frames["energy_surface"].dropna(subset="log_or")
    assert np.exp(contours.levels) == pytest.approx(np.round(np.exp(contours.levels), 2))
    assert known["log_or"].min() < contours.levels.min() <= contours.levels.max() < known["log_or"].max()
    places = set(zip(known["x"], known["energy_kcal"], strict=True))
    drawn = np.vstack([path.vertices for path in contours.get_paths()])
    step = np.diff(np.unique(frames["energy_surface"]["x"]))[0]
    nearest = [min(abs(x - at) for at, _ in places) for x, _ in drawn]
    assert max(nearest) <= step


def test_contours_below_one_are_blue_and_above_vermilion(surface_figure):
    contours = next(c for c in axes_of(surface_figure, "surface").collections if isinstance(c, QuadContourSet))
    colors = [matplotlib.colors.to_hex(color).upper() for color in contours.get_edgecolor()]
    for level, color in zip(contours.levels, colors, strict=True):
        assert abs(level) < 1e-12 or color == (BAND if level < 0 else VERMILION)
    assert VERMILION in colors


def test_shading_is_the_share_of_bins_and_blank_where_it_is_missing(frames, surface_figure):
    mesh = next(c for c in axes_of(surface_figure, "surface").collections if isinstance(c, QuadMesh))
    density = frames["energy_density"].sort_values(["energy_lower", "lower"])
    np.testing.assert_array_equal(np.ma.getmaskarray(mesh.get_array()).ravel(), density["share"].isna())
    np.testing.assert_allclose(mesh.get_array().compressed(), 100 * density["share"].dropna())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_slice_has_a_panel_of_its_own_and_is_placed_on_the_surface(frames, surface_figure, number):
    row = frames["energy_slice_tests"].iloc[number]
    curve = frames["energy_slices"].query("energy_kcal == @row.energy_kcal")
    beside, above = axes_of(surface_figure, f"{row['energy_quantile']:g}"), axes_of(surface_figure, "surface")
    drawn = line(beside, f"{row['energy_kcal']:,.0f} kcal")
    np.testing.assert_array_equal(drawn.get_xydata(), curve[["x", "odds_ratio"]])
    assert limits(curve, "conf_low") | limits(curve, "conf_high") <= corners(beside)[0]
    title = beside.get_title(loc="left")
    assert title == f"{row['energy_kcal']:,.0f} kcal/day: non-linear p {format_p(row['nonlinear_p'])}"
    placed = line(above, f"_slice {row['energy_quantile']:g}")
    expected = [[row["p05"], row["energy_kcal"]], [row["p95"], row["energy_kcal"]]]
    np.testing.assert_array_equal(placed.get_xydata(), expected)
    assert drawn.get_color() == placed.get_color() == LINES[number][0]


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ((0.3, 0.4, 0.06), "no bend shown in any of three cuts"),
        ((0.3, 0.04, 0.001), "a bend in two of three cuts (p < 0.05)"),
    ],
)
def test_title_of_the_surface_counts_the_cuts_that_bend(frames, none, p, said):
    tests = frames["energy_slice_tests"].assign(nonlinear_p=p)
    assert surface_title(tests, none) == f"Magnesium at the same energy: {said}"


def test_bins_of_few_people_are_hatched_and_said_to_be_so(surface_figure):
    axes = axes_of(surface_figure, "surface")
    (few,) = (patch for patch in axes.patches if patch.get_label() == "fewer than 10 people")
    mesh = next(c for c in axes.collections if isinstance(c, QuadMesh))
    assert few.get_hatch()
    assert few.zorder < mesh.zorder
    assert "fewer than 10 people" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_caption_of_the_surface_says_its_tests(frames, surface_figure):
    words = caption(surface_figure)
    p = frames["energy_tests"].set_index(["model", "test", "method"])["p_value"]
    wald, rao_scott = p["tensor", "interaction", "wald"], p["tensor", "interaction", "rao_scott"]
    said = f"Interaction (9 products): p {format_p(wald)} (Wald F) and {format_p(rao_scott).removeprefix('= ')} (Rao-S"
    assert said in words
    assert f"magnesium beside energy: p {format_p(p['additive', 'exposure', 'wald'])} (Wald F)" in words
    assert f"energy beside magnesium: p {format_p(p['additive', 'energy', 'wald'])} (Wald F)" in words
    for row in frames["energy_slice_tests"].itertuples():
        assert f"{row.energy_kcal:,.0f} kcal, n = {row.n:,}, overall p {format_p(row.overall_p)}" in words


# ---- heterogeneity


def test_each_cycle_has_a_panel_with_its_curve_and_band_and_number_of_people(frames, heterogeneity_figure):
    cycles = frames["cycle_shapes"].query("cycle != 'pooled'")
    assert len(cycles) == 3
    for row in cycles.itertuples():
        axes = axes_of(heterogeneity_figure, row.cycle)
        curve = frames["cycle_curves"].query("cycle == @row.cycle")
        np.testing.assert_array_equal(line(axes, row.cycle).get_xydata(), curve[["x", "odds_ratio"]])
        assert limits(curve, "conf_low") | limits(curve, "conf_high") <= corners(axes)[0]
        assert axes.get_title(loc="left") == f"{row.cycle}\nn = {row.n:,}\np {format_p(row.nonlinear_p)}"


def test_pooled_curve_lies_dashed_and_black_in_each_cycles_panel(frames, heterogeneity_figure):
    reference = frames["cycle_shapes"]["reference"].iloc[0]
    pooled = frames["cycle_curves"].query("cycle == 'pooled'")
    for cycle in ("1999-2000", "2001-2002", "2003-2004"):
        axes = axes_of(heterogeneity_figure, cycle)
        np.testing.assert_array_equal(line(axes, "pooled").get_xydata(), pooled[["x", "odds_ratio"]])
        assert (line(axes, "pooled").get_color(), line(axes, "pooled").get_linestyle()) == ("black", "--")
        np.testing.assert_array_equal(line(axes, "_reference").get_xydata(), [[reference, 1]])


def test_a_point_for_each_unit_left_out_and_one_for_everybody(frames, heterogeneity_figure):
    axes = axes_of(heterogeneity_figure, "units")
    units = frames["psu_shape"].pivot_table(index=["stratum", "psu"], columns="quantity", values="estimate")
    drawn = {tuple(point) for point in line(axes, "one unit left out").get_xydata()}
    assert drawn == set(zip(units["nadir"], units[REFITTED], strict=True))
    full = frames["psu_shape"].groupby("quantity")["full"].first()
    assert line(axes, "everybody").get_xydata().tolist() == [[full["nadir"], full[REFITTED]]]
    assert axes.get_yscale() == "log"


def test_units_with_the_largest_and_the_smallest_p_are_named(frames, heterogeneity_figure):
    p = frames["psu_shape"].query("quantity == @REFITTED").sort_values("estimate")
    ends = [*p.head(2).itertuples(), *p.tail(2).itertuples()]
    texts = [text.get_text() for text in axes_of(heterogeneity_figure, "units").texts]
    assert texts == [f"{row.stratum}/{row.psu}" for row in ends]


def test_unit_without_an_estimate_is_not_drawn(frames, none):
    influence = frames["psu_shape"].copy()
    influence.loc[(influence["stratum"] == 5) & (influence["psu"] == 2), "estimate"] = np.nan
    figure = plot_heterogeneity(frames["cycle_curves"], frames["cycle_shapes"], influence, none,
                                caption=Caption("Caption.", ""), provenance=REAL)  # fmt: skip
    assert len(line(axes_of(figure, "units"), "one unit left out").get_xydata()) == 86


def test_caption_of_the_cycles_says_both_tests_of_each_kind(frames, heterogeneity_figure):
    words, tests = caption(heterogeneity_figure), frames["cycle_heterogeneity"]
    for covariates, said in (("common", "the same covariate coefficients in all"), ("own", "each its own")):
        p = tests[(tests["covariates"] == covariates) & (tests["test"] == "curve")].set_index("method")["p_value"]
        rao_scott = format_p(p["rao_scott"]).removeprefix("= ")
        assert f"p {format_p(p['wald'])} (Wald F) and {rao_scott} (Rao-Scott) with {said}" in words
    assert "1999-2000 5 df" in words


def test_caption_of_the_cycles_is_silent_where_there_is_no_test(frames):
    tests = frames["cycle_heterogeneity"]
    untested = tests.assign(p_value=tests["p_value"].mask(tests["covariates"] == "own"))
    words = heterogeneity_caption(frames["cycle_shapes"], untested, frames["psu_shape"])
    assert "each its own" not in words
    assert "the same covariate coefficients in all" in words


# ---- all


@pytest.mark.parametrize("name", ["forms_figure", "surface_figure", "heterogeneity_figure"])
def test_figure_renders_with_its_caption_and_source(request, name, tmp_path):
    figure = request.getfixturevalue(name)
    png, svg, _ = save_figure(figure, tmp_path / name)
    assert png.stat().st_size > 20_000
    assert "<svg" in svg.read_text()[:600]
    assert caption(figure).endswith("Data: NHANES 1999-2004.")


def test_invented_data_is_marked_across_the_page(frames):
    figure = plot_energy_forms(frames["energy_curves"], frames["energy_forms"], caption=Caption("Caption.", ""),
                               provenance=Provenance("an invented survey", synthetic=True))  # fmt: skip
    assert "SYNTHETIC" in [text.get_text() for text in figure.texts]
