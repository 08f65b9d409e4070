"""Figure of whether the shape is the exposure's own, drawn from the specificity audit; nothing is computed here."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from analysis.audit.specificity import FALSE_DISCOVERIES, FORMS, HEAPED, NEGATIVE_CONTROLS
from analysis.data.people.vocabulary import exposure_label, is_intake
from analysis.dose_response.energy import ENERGY
from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREEN,
    GREY,
    VERMILION,
    Caption,
    Page,
    blank_page,
    letter_panels,
    page_style,
    wrapped,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import format_p, sentence
from analysis.report.words.specificity import uncaused_words
from analysis.report.words.study import WEIGHT_WORDS
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY, Study

LABELLED = 3
"""So many of the most non-linear nutrients are named beside the exposure and energy, in two columns."""

FORM_TITLES = {
    "none": "Intake as it is",
    "residual": "Residual on energy",
    "density": "Per 1,000 kcal",
    "spline": "Energy beside it",
}
P_TICKS = (1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001)
SMALLEST = 1e-6
"""P-values below it are drawn there, with an arrowhead."""

MARKS = {
    "discoveries": f"bends (false-discovery rate {100 * FALSE_DISCOVERIES:g} %)",
    "others": "no bend shown",
    "heaped": "many have none",
    "Hmisc's knots": "same, other knots",
}
"""What a nutrient's mark means, by its label in a panel."""

NUTRIENTS = ("nutrient", HEAPED)

TESTS = {
    "overall_p": ("positive control", "D", GREEN, "any association"),
    "nonlinear_p": ("negative control", "o", BAND, "non-linear"),
    "u_p": ("negative control", "^", "black", "U (both tests)"),
}
"""Kind of control that a test is shown for, its marker, colour and words."""

DISTANCES = (7.0, 12.0, 18.0, 26.0, 36.0, 48.0, 62.0, 78.0)
DIRECTIONS = (0, 180, 90, -90, 45, 135, -45, -135, 20, 160, -20, -160, 70, 110, -70, -110)
"""Where a name may stand, in points from its marker and in degrees, the best first."""

NEEDS_LINE = 12.0
"""Distance from which a line joins a name to its marker."""


def plot_specificity(
    summary: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    study: Study = PRIMARY,
    width: Width = "two",
) -> Page:
    """P-value for non-linearity of every nutrient by its correlation with energy, for each energy form; and controls.

    Parameters
    ----------
    summary : of `analysis.audit.specificity.specificity_summary`.
    study : whose exposure is looked for among the nutrients.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with axes labelled by form (``none``, ``residual``, ``density``, ``spline``), and ``controls``.
    """
    nutrients = _heaped(summary[summary["kind"].isin(NUTRIENTS)]).dropna(subset="nonlinear_p")
    smallest = min(float(nutrients["nonlinear_p"].min()), 0.001) / 2
    with page_style(width):
        figure, sides = blank_page(8.6 if width == "two" else 7.9, caption, provenance, width=width)
        height = sides["top"] - sides["bottom"]
        sides["left"] += 0.05 / figure.get_figwidth()  # ticks of seven letters
        sides["bottom"] += (0.0 if width == "two" else 0.12) / figure.get_figheight()  # a label of two lines
        sides["top"] -= (
            0.5 if width == "two" else 0.75
        ) / figure.get_figheight()  # a title, the legend, and titles of two lines
        grid = figure.add_gridspec(
            2,
            2,
            hspace=0.3,
            wspace=0.08,
            **sides | {"bottom": sides["top"] - (0.57 if width == "two" else 0.5) * height},
        )
        panels = []
        for place, form in zip(itertools.product(range(2), range(2)), FORMS, strict=True):
            axes = figure.add_subplot(grid[place], label=form)
            axes.set_xlim(-0.08, 1.14)
            axes.set_yscale("log")
            axes.set_ylim(1.5, smallest)
            _p_axis(axes.yaxis, smallest)
            axes.tick_params(labelleft=place[1] == 0, labelbottom=place[0] == 1)
            axes.set_ylabel("p for non-linearity" if place[1] == 0 else "")
            _draw_form(axes, nutrients[nutrients["form"] == form], form, LABELLED if width == "two" else 0, study)
            panels.append(axes)
        left = 0.36 if width == "two" else 0.43
        box = (left, sides["bottom"], sides["right"] - left, (0.25 if width == "two" else 0.29) * height)
        controls = figure.add_axes(box, label="controls")
        _draw_controls(controls, summary[~summary["kind"].isin(NUTRIENTS)], width)
        words = "Rank correlation of intake with energy"
        below = panels[2].get_position().y0 - 0.33 / figure.get_figheight()
        figure.text((sides["left"] + sides["right"]) / 2, below, words, ha="center", va="top", label="_x")
        _draw_heads(figure, panels, width, study)
        letter_panels(figure, *panels, left=14, up=17)
        letter_panels(figure, controls, first="E", left=24)
    return figure


def _draw_heads(figure: Page, panels: list[Axes], width: Width, study: Study) -> None:
    """The page's title and, below it, what the marks mean."""
    top = 1 - 0.08 / figure.get_figheight()
    separator = " " if width == "two" else "\n"
    title = f"Which nutrients bend{separator}against {study.disease}?"
    figure.text(0.03, top, title, va="top", fontsize=10, weight="bold", label="title")
    handles = [line for axes in panels for line in axes.get_lines() if line.get_label() in MARKS]
    named = {str(line.get_label()): line for line in handles if len(np.atleast_1d(line.get_xdata()))}
    shown = [name for name in MARKS if name in named]
    columns, spacing, down = (4, 0.9, 0.16) if width == "two" else (2, 0.4, 0.3)
    figure.legend([named[name] for name in shown], [MARKS[name] for name in shown], loc="upper left", ncol=columns,
                  bbox_to_anchor=(0.02, top - down / figure.get_figheight()), fontsize=7, handletextpad=0.1,
                  columnspacing=spacing, borderpad=0.2, labelspacing=0.25)  # fmt: skip


def _heaped(nutrients: pd.DataFrame) -> pd.DataFrame:
    """With a column that says of which nutrients the intake as it is has no answer."""
    own_knots = nutrients["kind"] != HEAPED
    unanswered = nutrients.loc[own_knots & (nutrients["form"] == "none") & nutrients["nonlinear_p"].isna(), "exposure"]
    return nutrients.assign(heaped=nutrients["exposure"].isin(unanswered))


def _p_axis(axis: Axis, smallest: float) -> None:
    """Plain numbers on a log axis of p-values."""
    axis.set_major_locator(FixedLocator([tick for tick in P_TICKS if tick > smallest]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: np.format_float_positional(value, trim="-")))
    axis.set_minor_locator(NullLocator())


def _named(study: Study) -> dict[str, tuple[str, str]]:
    """Marker and colour of the exposures that are always named."""
    return {study.exposure: ("D", VERMILION)} | ({} if study.exposure == ENERGY else {ENERGY: ("s", "black")})


def _draw_form(axes: Axes, nutrients: pd.DataFrame, form: str, labelled: int, study: Study) -> None:
    always = _named(study)
    axes.axhline(ALPHA, color=GREY, linewidth=0.8, linestyle=":", label="p = 0.05", zorder=0)
    by_hmisc = nutrients["kind"] == HEAPED
    found = nutrients["nonlinear_q"] < FALSE_DISCOVERIES
    plain = ~nutrients["exposure"].isin(always)
    for mask, marker, face, words in (
        (found & plain & ~nutrients["heaped"], "o", BAND, "discoveries"),
        (~found & plain & ~nutrients["heaped"], "o", "white", "others"),
        (plain & nutrients["heaped"] & ~by_hmisc, "x", BAND, "heaped"),
        (by_hmisc, "+", BAND, "Hmisc's knots"),
    ):
        axes.plot("energy_rank_correlation", "nonlinear_p", marker, data=nutrients[mask], color=BAND, linestyle="none",
                  markerfacecolor=face, markersize=4.2, markeredgewidth=0.9, label=words)  # fmt: skip
    for name, (marker, color) in always.items():
        one = nutrients["exposure"] == name
        axes.plot("energy_rank_correlation", "nonlinear_p", marker, data=nutrients[one], color=color, markersize=6,
                  markerfacecolor=color if found[one].any() else "white", markeredgewidth=1.3, linestyle="none",
                  label=name, zorder=4)  # fmt: skip
    counted = found & ~by_hmisc
    axes.set_title(f"{FORM_TITLES[form]}\n{counted.sum()} of {(~by_hmisc).sum()} bend", fontsize=9 if labelled else 8)
    top = nutrients[plain & ~by_hmisc].nsmallest(labelled, "nonlinear_p")
    _name_points(axes, pd.concat([nutrients[~plain], top]), nutrients, always)


def _draw_controls(axes: Axes, controls: pd.DataFrame, width: Width) -> None:
    rows = controls.drop_duplicates(["kind", "exposure", "outcome"])
    place = {key: -position for position, key in enumerate(zip(rows["exposure"], rows["outcome"], strict=True))}
    axes.set_xscale("log")
    axes.set_xlim(1.6, SMALLEST / 1.8)
    _p_axis(axes.xaxis, SMALLEST)
    if width == "one":
        axes.xaxis.set_major_locator(FixedLocator(P_TICKS[::2]))
    axes.axvline(ALPHA, color=GREY, linewidth=0.8, linestyle=":", zorder=0, label="_p = 0.05")
    for (test, (kind, marker, color, words)), form in itertools.product(TESTS.items(), ("none", "spline")):
        shown = controls[(controls["kind"] == kind) & (controls["form"] == form)].dropna(subset=test)
        shift = 0.14 if form == "none" else -0.14
        heights = [place[key] + shift for key in zip(shown["exposure"], shown["outcome"], strict=True)]
        axes.plot(shown[test].clip(lower=SMALLEST), heights, marker, color=color, markersize=4.6, markeredgewidth=1,
                  markerfacecolor=color if form == "none" else "white", linestyle="none", clip_on=False,
                  label=words if form == "none" else f"_{words}, {form}")  # fmt: skip
        beyond = np.array(heights)[(shown[test] < SMALLEST).to_numpy()]
        axes.plot(np.full(beyond.size, SMALLEST / 1.45), beyond, ">", color=color, markersize=3, linestyle="none",
                  clip_on=False, label="_beyond")  # fmt: skip
    axes.axhline(
        0.5 - (rows["kind"] == "positive control").sum(),
        color="0.8",
        linewidth=0.8,
        linestyle="-",
        label="_between kinds",
    )
    axes.set_ylim(0.5 - len(rows), 0.5)
    labels = [sentence(label) for label in rows["label"]]
    if width == "one":
        labels = [label.replace(" by ", "\nby ") for label in labels]
    axes.set_yticks(list(place.values()), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_title("Controls", fontsize=9)
    # A legend of five marks would cover some of them in one column.
    axes.set_xlabel(wrapped("p-value (filled: energy left out; open: energy beside it)", width, letters=30))
    corner, columns = ((1.02, 0.985), 3) if width == "two" else ((1.03, -0.02), 1)
    axes.legend(loc="lower right", bbox_to_anchor=corner, ncol=columns, fontsize=7, handletextpad=0.1,
                columnspacing=1.0, borderpad=0.2)  # fmt: skip


# ---- names beside points
@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name might stand, in pixels: its box, the line from its marker to it, and what speaks against it."""

    box: Bbox
    line: Path
    distance: float
    cost: float


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is on a panel already, in pixels: markers, names, and lines to names."""

    panel: Bbox
    markers: list[Bbox]
    names: list[Bbox] = field(default_factory=list)
    lines: list[Path] = field(default_factory=list)

    def against(self, box: Bbox, line: Path) -> float:
        """What a name would cover or leave, in points of distance that one would go to avoid it."""
        inside = (
            self.panel.x0 <= box.x0 and box.x1 <= self.panel.x1 and self.panel.y0 <= box.y0 and box.y1 <= self.panel.y1
        )
        covered = box.count_overlaps(self.names) + sum(other.intersects_bbox(box) for other in self.lines)
        crossed = sum(line.intersects_bbox(other) for other in self.names)
        passed = sum(line.intersects_bbox(other) for other in self.markers)
        return 1000 * (not inside) + 300 * (covered + crossed) + 100 * box.count_overlaps(self.markers) + 25 * passed


def _name_points(axes: Axes, named: pd.DataFrame, points: pd.DataFrame, always: dict[str, tuple[str, str]]) -> None:
    """Names beside their markers, each where it covers least and is not far."""
    pixels = axes.figure.dpi / 72
    places = axes.transData.transform(points[["energy_rank_correlation", "nonlinear_p"]])
    markers = [Bbox([place - 3.2 * pixels, place + 3.2 * pixels]) for place in places]
    of_name = dict(zip(points["exposure"], places, strict=True))
    taken = _Taken(axes.get_window_extent(), markers)
    for row in named.itertuples():
        _, color = always.get(row.exposure, ("", "0.2"))
        at = (row.energy_rank_correlation, row.nonlinear_p)
        weight = "bold" if row.exposure in always else "normal"
        text = axes.annotate(row.label, at, (0, 0), fontsize=7.5, textcoords="offset points", color=color, zorder=6,
                             ha="center", va="center", weight=weight)  # fmt: skip
        extent = text.get_window_extent()
        marker = of_name[row.exposure]
        best = _best_place(marker, 1.1 * np.array([extent.width, extent.height]), taken, pixels)
        x, y = ((best.box.p0 + best.box.p1) / 2 - marker) / pixels
        text.set_position((float(x), float(y)))
        taken.names.append(best.box)
        if best.distance >= NEEDS_LINE:
            taken.lines.append(best.line)
            end = axes.transData.inverted().transform(np.asarray(best.line.vertices)[1])
            axes.plot(*np.transpose([at, end]), color="0.6", linewidth=0.6, linestyle="-", zorder=1, label="_to name")


def _best_place(marker: npt.NDArray[np.float64], size: npt.NDArray[np.float64], taken: _Taken, pixels: float) -> _Place:
    best = _Place(Bbox.null(), Path([marker]), 0.0, float("inf"))
    for distance, degrees in itertools.product(DISTANCES, DIRECTIONS):
        if 1.5 * distance >= best.cost:  # no place that is farther can be better
            break
        way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        edge = marker + distance * pixels * way
        # The edge of the text that is nearer to the marker is at the distance, whichever side the text is on.
        corner = edge - size * (1 - way) / 2
        box, line = Bbox([corner, corner + size]), Path([marker, edge])
        place = _Place(box, line, distance, 1.5 * distance + taken.against(box, line))
        best = min(best, place, key=lambda one: one.cost)
    return best


# ---- caption
def _hmisc_words(summary: pd.DataFrame) -> str:
    """What the heaped nutrients show under knots of another rule; nothing if there are none."""
    heaped = summary[(summary["kind"] == HEAPED) & (summary["form"] == "none")].dropna(subset="nonlinear_p")
    if heaped.empty:
        return ""
    p = "; ".join(f"{row.label} p {format_p(row.nonlinear_p)}, {row.verdict}" for row in heaped.itertuples())
    return f" Pluses: the same with knots by Hmisc's rule for ties, chosen later and not counted (as they are: {p})."


def specificity_caption(summary: pd.DataFrame, place: pd.DataFrame, *, study: Study = PRIMARY) -> str:
    """Caption of the figure.

    Parameters
    ----------
    summary : of `analysis.audit.specificity.specificity_summary`.
    place : the exposure's, of `analysis.audit.specificity.place_among_nutrients`.
    study : whose exposure that is.
    """
    nutrients = _heaped(summary[summary["kind"] == "nutrient"])
    own = place.set_index("form")
    ranks = "; ".join(
        f"{FORM_TITLES[form][0].lower()}{FORM_TITLES[form][1:]}, {own.loc[form, 'nonlinear_rank']} of "
        f"{own.loc[form, 'tested']} (p {format_p(own.loc[form, 'nonlinear_p'])}, "
        f"q {format_p(own.loc[form, 'nonlinear_q'])})"
        for form in FORMS
        if form in own.index
    )
    heaped = nutrients.loc[nutrients["heaped"], "label"].unique()
    as_it_is = nutrients[nutrients["form"] == "none"]
    tested = f"{as_it_is['nonlinear_p'].notna().sum()} of {len(as_it_is)}"
    crosses = (
        f" {sentence(tested)} could be tested as they are. Crosses: {', '.join(heaped)}, whose knots coincide, "
        "because many people had none; for those people the residual is minus a multiple of their energy."
        f"{_hmisc_words(summary)}"
    )
    positive = summary.loc[summary["kind"] == "positive control", "label"].unique()
    known = f"exposures known to go with neuropathy ({', '.join(positive)}), " if len(positive) else ""
    there = set(summary.loc[summary["kind"] == "negative control", "outcome"])
    outcomes = ", ".join(control.label for name, control in NEGATIVE_CONTROLS.items() if name in there)
    label, intake = exposure_label(study.exposure), is_intake(study.exposure)
    beside = "" if intake else f", and {label}, as it is and beside a spline of energy only,"
    return (
        f"Every nutrient that the three cycles share, and energy{beside or ','} as the exposure of model {study.model} "
        f"({nutrients['n'].max():,} people, {study.knots} knots, {WEIGHT_WORDS[study.weights]}), with "
        f"{len(FORMS)} ways of adjusting for energy. "
        f"Filled: non-linear at a false-discovery rate of {100 * FALSE_DISCOVERIES:g} % over the panel's nutrients. "
        "Rank correlation: Spearman's, weighted, of the intake as it is. SFA, MFA, PFA: saturated, mono- and "
        "polyunsaturated fatty acids by their carbons:double bonds. Place of "
        f"{label}: {ranks}."
        f"{crosses if len(heaped) else ''} Controls: {known}{uncaused_words(study)} "
        f"({outcomes}); filled: without energy; open: with energy as a spline; arrowheads: p below the axis. "
        f"Dotted: p = {ALPHA:g}."
    )


def specificity_alt(summary: pd.DataFrame, place: pd.DataFrame, *, study: Study = PRIMARY) -> str:
    """Alternative text of the figure; arguments as for `specificity_caption`."""
    label = exposure_label(study.exposure)
    told = "; ".join(
        f"{FORM_TITLES[row.form][0].lower()}{FORM_TITLES[row.form][1:]}, {row.discoveries} of {row.tested}, {label} p "
        f"{format_p(row.nonlinear_p)}"
        for row in place.itertuples()
    )
    return (
        "Four panels with a point a nutrient, non-linear p by the correlation of its intake with energy. Nutrients "
        f"that bend at a false-discovery rate of {100 * FALSE_DISCOVERIES:g} %: {told}. Below, p-values of positive "
        "and negative controls."
    )
