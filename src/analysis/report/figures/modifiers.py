"""Figures of effect modification: both arms' odds ratios by level of every modifier, and the curves themselves."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.provenance import Provenance
from analysis.report.figures.energy import draw_curve
from analysis.report.figures.layout import (
    BAND,
    GREY,
    ODDS_TICKS_LOW,
    VERMILION,
    Caption,
    Page,
    blank_page,
    letter_panels,
    odds_axis,
    page_style,
    wrapped,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import MODEL_NAMES, format_intake, format_p, p_number, sentence

LEVELS = ((BAND, "-"), (VERMILION, "--"), ("#009E73", "-."), ("black", ":"), ("#CC79A7", "-"), ("#E69F00", "--"))
"""Colour and dash of a modifier's levels, the reference first."""

ACROSS: dict[Width, int] = {"one": 2, "two": 3}
"""Panels of curves beside each other."""

HEADS: dict[Width, float] = {"one": 0.5, "two": 0.36}
"""Room for the titles of panels of curves, in heights of one."""

PANEL = 1.75
"""Height of a panel of curves, inches."""

SIDES = {"left": 0.36, "right": 0.79}
"""Room beside the forest for names and p, as shares of the width."""

WIDE = 8
"""Highest over lowest odds ratio of a horizontal axis from which labels of all ticks would touch."""

LINE = 0.165
"""Height of a line of the forest, inches."""


def plot_modifiers(tests: pd.DataFrame, arms: pd.DataFrame, *, caption: Caption, provenance: Provenance) -> Page:
    """Odds ratios of both arms within each level of each modifier, with the tests of effect modification.

    Parameters
    ----------
    tests, arms : of `analysis.claims.modifiers.modifiers`, of one exposure and model.
    caption, provenance : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with axes labelled ``low`` and ``high``.
    """
    lines = _forest_lines(tests, arms)
    with page_style("two"):
        figure, sides = blank_page(LINE * len(lines) + 0.7, caption, provenance)
        panels = figure.subplots(1, 2, sharey=True, gridspec_kw=sides | SIDES | {"wspace": 0.08})
        for axes, label, x in zip(panels, ("low", "high"), sorted(arms["x"].unique()), strict=True):
            axes.set_label(label)
            _draw_arm(axes, lines, arms[arms["x"] == x])
            axes.set_title(f"{x:g} {_unit(arms)}", fontsize=9)
            axes.set_xlabel("Odds ratio")
            axes.tick_params(axis="x", labelsize=7.5)
        panels[0].set_ylim(len(lines) - 0.4, -0.6)
        panels[0].set_yticks([])
        for place, (kind, words, _) in enumerate(lines):
            header = kind == "modifier"
            panels[0].text(-1.6 if header else -1.53, place, words, transform=panels[0].get_yaxis_transform(),
                           fontsize=7.5, va="center", weight="bold" if header else "normal", label="_line")  # fmt: skip
        _write_p(panels[1], lines, tests)
        letter_panels(figure, *panels, left=12)
    return figure


def _forest_lines(tests: pd.DataFrame, arms: pd.DataFrame) -> list[tuple[str, str, tuple[str, str]]]:
    """Lines from the top: kind (modifier, level), words, and the modifier and level it is about."""
    lines: list[tuple[str, str, tuple[str, str]]] = []
    for test in tests.itertuples():
        mark = " *" if test.role == "primary" else ""
        lines.append(("modifier", f"{_title(test.label)}{mark}", (test.modifier, "")))
        levels = arms[arms["modifier"] == test.modifier].drop_duplicates("level")
        for level in levels.itertuples():
            people = "" if pd.isna(level.n) else f" ({level.n:,.0f}; {_cases(level.cases)})"
            lines.append(("level", f"{level.level}{people}", (test.modifier, level.level)))
    return lines


def _title(label: str) -> str:
    """A label with a capital first letter, if it is words: not eGFR, and no condition on columns."""
    return label if "_" in label or label[1:2].isupper() else sentence(label)


def _cases(cases: float) -> str:
    return "few" if pd.isna(cases) else f"{cases:,.0f}"


def _draw_arm(axes: Axes, lines: list[tuple[str, str, tuple[str, str]]], arm: pd.DataFrame) -> None:
    place = {who: number for number, (kind, _, who) in enumerate(lines) if kind == "level"}
    shown = arm.dropna(subset="odds_ratio")
    y = np.array([place[row.modifier, row.level] for row in shown.itertuples()])
    odds_axis_across(axes, shown[["conf_low", "conf_high"]].to_numpy())
    axes.hlines(y, shown["conf_low"], shown["conf_high"], color=BAND, linewidth=1.3, label="_interval")
    axes.plot(shown["odds_ratio"], y, "s", color=BAND, markersize=3.6, linestyle="none", label="odds ratio")
    for number, (kind, _, _) in enumerate(lines):
        if kind == "modifier" and number:
            axes.axhline(number - 0.5, color="0.9", linewidth=0.6, zorder=0, label="_rule")


def odds_axis_across(axes: Axes, limits: np.ndarray) -> None:
    """A horizontal log axis for odds ratios, ticked as the vertical ones are, or at doublings where those touch."""
    odds_axis(axes, limits)
    low, high = axes.get_ylim()
    if high / low > WIDE:
        odds_axis(axes, limits, ticks=ODDS_TICKS_LOW)
    ticks, labels = axes.yaxis.get_major_locator(), axes.yaxis.get_major_formatter()
    minor = axes.yaxis.get_minor_locator()
    for line in list(axes.lines):
        line.remove()
    axes.set_yscale("linear")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(labels)
    axes.xaxis.set_minor_locator(minor)
    axes.set_xlim(low, high)
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=0, label="_odds ratio 1")


def _write_p(axes: Axes, lines: list[tuple[str, str, tuple[str, str]]], tests: pd.DataFrame) -> None:
    """Raw and adjusted p of each modifier beside its name's line."""
    by_name = tests.set_index("modifier")
    across = axes.get_yaxis_transform()
    for column, x in (("p_value", 1.05), ("holm_p", 1.36), ("bh_p", 1.67)):
        title = {"p_value": "p", "holm_p": "Holm", "bh_p": "B-H"}[column]
        axes.text(x, -1.4, title, transform=across, fontsize=7.5, weight="bold", label="_p", clip_on=False)
        for number, (kind, _, (modifier, _)) in enumerate(lines):
            if kind == "modifier":
                p = by_name.loc[modifier, column]
                axes.text(x, number, "–" if pd.isna(p) else p_number(float(p)), transform=across, fontsize=7.5,
                          va="center", label="_p")  # fmt: skip


def plot_modifier_curves(
    tests: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """The curves within the levels, a panel a modifier that could be tested.

    Parameters
    ----------
    tests, curves : of `analysis.claims.modifiers.modifiers`, of one exposure and model; of ``tests`` only modifier,
        label and p_value are read.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with axes labelled by modifier.
    """
    shown = tests[tests["modifier"].isin(curves["modifier"])]
    across = min(ACROSS[width], len(shown))
    down = math.ceil(len(shown) / across)
    with page_style(width):
        figure, sides = blank_page((PANEL + 0.35) * down if down > 1 else 3.2, caption, provenance, width=width)
        sides["top"] -= 0.15 / figure.get_figheight()  # titles of two lines
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True,
                                 gridspec_kw=sides | {"hspace": HEADS[width], "wspace": 0.14})  # fmt: skip
        limits = curves[["conf_low", "conf_high"]].dropna().to_numpy()
        for number, axes in enumerate(panels.flat):
            if number >= len(shown):
                axes.remove()
                continue
            test = shown.iloc[number]
            axes.set_label(str(test["modifier"]))
            odds_axis(axes, np.quantile(limits, (0.02, 0.98)))
            draw_levels(axes, curves[curves["modifier"] == test["modifier"]], width)
            title = wrapped(f"{_title(test['label'])}\np {format_p(test['p_value'])}", width, letters=21)
            axes.set_title(title, fontsize=7.5)
            below = number + across >= len(shown)
            axes.tick_params(labelbottom=below)
            axes.set_xlabel(f"{sentence(exposure_label(_exposure(curves)))} ({_unit(curves)})" if below else "")
            axes.set_ylabel("Odds ratio" if number % across == 0 else "")
        letter_panels(figure, *figure.axes, left=11, up=15)
    return figure


def draw_levels(axes: Axes, curves: pd.DataFrame, width: Width) -> None:
    """The curves of one modifier's levels, whose columns are those of `plot_modifier_curves`, with their legend."""
    for (color, dash), (level, curve) in zip(LEVELS, curves.groupby("level", sort=False), strict=False):
        if curve["odds_ratio"].notna().any():
            people = f" ({curve['n'].iloc[0]:,.0f})" if width == "two" else ""
            draw_curve(axes, curve, color, dash, f"{level}{people}")
    axes.plot(curves["reference"].iloc[0], 1, "o", color="black", markersize=3.5, label="_reference", zorder=5)
    axes.set_xlim(curves["x"].min(), curves["x"].max())
    axes.legend(
        loc="upper center", fontsize=7, handlelength=2.2 if width == "two" else 1.4, labelspacing=0.2, borderpad=0.2
    )


def _exposure(frame: pd.DataFrame) -> str:
    return str(frame["exposure"].iloc[0])


def _unit(frame: pd.DataFrame) -> str:
    return exposure_unit(_exposure(frame))


def modifiers_caption(tests: pd.DataFrame, arms: pd.DataFrame) -> str:
    """Caption of the forest, from the tests and arms of one exposure and model."""
    smallest = tests.sort_values("p_value").iloc[0]
    untested = tests.loc[tests["p_value"].isna(), "label"]
    without = f" Not tested here: {', '.join(untested)}." if len(untested) else ""
    return (
        f"{MODEL_NAMES[str(tests['model'].iloc[0])]}, {exposure_label(_exposure(tests))}: odds ratio (95 % t interval) "
        f"of each arm against {format_intake(arms['reference'].iloc[0])} {_unit(arms)} within the levels of "
        f"{len(tests)} modifiers declared beforehand (* primary), each from one fit with the modifier's products with "
        "every term of the spline, on the knots and reference of all. In brackets people and cases. P: Wald F of the "
        f"products; adjusted by Holm and by Benjamini and Hochberg (B-H) for {len(tests)} tests. Smallest: "
        f"{smallest['label']}, p {format_p(smallest['p_value'])}, Holm {p_number(smallest['holm_p'])}.{without}"
    )


def curves_caption(tests: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Caption of the curves, from the tests and curves of one exposure and model."""
    return (
        f"{MODEL_NAMES[str(tests['model'].iloc[0])]}: curves within the levels of each modifier from the joint fit, "
        f"with pointwise bands, on the knots of the whole cohort and against its median "
        f"({format_intake(curves['reference'].iloc[0])} {_unit(curves)}, dot); in brackets people, where there is "
        "room. P: all levels have one curve, Wald F, not adjusted for the number of modifiers. Curves end at the "
        "cohort's 1st and 99th percentile."
    )


def modifiers_alt(tests: pd.DataFrame, arms: pd.DataFrame) -> str:
    """Alternative text of the forest; arguments as for `modifiers_caption`."""
    told = "; ".join(f"{row.label} {format_p(row.p_value)}" for row in tests.dropna(subset="p_value").itertuples())
    intakes = " and ".join(f"{x:g}" for x in sorted(arms["x"].unique()))
    return (
        f"Forest of odds ratios of neuropathy at {intakes} {_unit(arms)} within the levels of {len(tests)} modifiers, "
        f"with p of effect modification: {told}."
    )


def curves_alt(tests: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Alternative text of the curves; arguments as for `curves_caption`."""
    shown = tests[tests["modifier"].isin(curves["modifier"])]
    told = "; ".join(f"{row.label}, p {format_p(row.p_value)}" for row in shown.itertuples())
    return (
        f"A panel a modifier with the curve of {exposure_label(_exposure(curves))} within each of its levels, and p "
        f"that all levels have one curve: {told}."
    )
