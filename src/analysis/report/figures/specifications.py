"""Figure of the specification curve, drawn from the audit's frames; nothing is computed here."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.audit.joint_test import NO_ANSWER
from analysis.audit.specifications import CHOICES, PUBLISHED_CELL, Specification, cell_of
from analysis.data.people.vocabulary import amount_words, exposure_words
from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREY,
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
from analysis.report.words.audit import LEVELS, NAMES, ends_words, joint_tests, top_choices
from analysis.report.words.numbers import format_p_drawn, sentence
from analysis.report.words.study import covariate_words
from analysis.stats.shape.questions import BOTH_HIGHER, ENDS_HIGHER, FALLS_THEN_RISES, NOT_HIGHER
from analysis.stats.shape.verdict import ALPHA, NO_DEPARTURE, U_NOT_SHOWN, U
from analysis.study import PRIMARY, Study

VERDICTS = {NO_DEPARTURE: "0.62", U_NOT_SHOWN: BAND, U: VERMILION}
"""Colours of verdicts, the rarest drawn last."""

ANSWERS = VERDICTS | {NOT_HIGHER: "0.82", BOTH_HIGHER: VERMILION} | {NO_ANSWER: "white"}
"""Those of the answers to both questions about ends, and of the cells without one."""

LEVELS_SHORT = {NOT_HIGHER: NOT_HIGHER, BOTH_HIGHER: "both higher"}

ASKED = {FALLS_THEN_RISES: "slopes at", ENDS_HIGHER: "levels at"}

PERCENTILES = {"p10": "10th", "p90": "90th"}

NAMES_AT: dict[Width, float] = {"one": -1.55, "two": -0.5}
"""Where a choice's name begins, in widths of a panel left of it."""

GAP = 0.55
"""Rows of the dashboard between two choices."""


def plot_specification_curve(
    cells: pd.DataFrame,
    shares: pd.DataFrame,
    by_ends: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    study: Study = PRIMARY,
    width: Width = "two",
) -> Page:
    """Every specification's odds ratio at both ends of intake, sorted, over the choices it was made with.

    Parameters
    ----------
    cells : one row a specification: its choices, verdict, odds_ratio_, conf_low_ and conf_high_ p10 and p90. Those
        without an answer are not drawn.
    shares : choice, level, verdict, share, of which the whole grid's are in the legend.
    by_ends : question, ends, verdict, share of the whole grid: the strips at the foot.
    study : whose specifications these are.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``p10`` and ``p90``, below each ``p10 choices`` and ``p90 choices``, and ``ends``.
    """
    answered = cells[cells["verdict"].notna()]
    whole = shares[shares["choice"] == "all"].set_index("verdict")["share"]
    with page_style(width):
        figure, sides = blank_page(7.2, caption, provenance, width=width)
        head = 0.5 if width == "two" else 1.12  # inches for title and legend
        sides |= {"left": 0.215 if width == "two" else 0.43, "top": sides["top"] - head / figure.get_figheight()}
        rows = figure.add_gridspec(2, 1, height_ratios=[1, 0.13], hspace=0.155, **sides)
        grid = rows[0].subgridspec(2, 2, height_ratios=[1, 1.6], hspace=0.04, wspace=0.05)
        _draw_ends(figure.add_subplot(rows[1], label="ends"), by_ends, width=width)
        ends = answered[[f"conf_{side}_{mark}" for side in ("low", "high") for mark in PERCENTILES]].to_numpy()
        above = None
        for column, mark in enumerate(PERCENTILES):
            in_order = answered.sort_values(f"odds_ratio_{mark}", ignore_index=True)
            above = figure.add_subplot(grid[0, column], label=mark, sharey=above)
            _draw_estimates(above, in_order, mark, ends)
            above.set_title(
                wrapped(f"{PERCENTILES[mark]} percentile", width, letters=10), weight="normal", fontsize=8.5
            )
            choices = figure.add_subplot(grid[1, column], label=f"{mark} choices", sharex=above)
            _draw_choices(choices, in_order, names_at=NAMES_AT[width] if column == 0 else None)
            _mark_cells((above, choices), in_order, mark, study)
            above.tick_params(labelbottom=False, labelleft=column == 0)
            above.set_ylabel("" if column else "Odds ratio (against the median)")
        letter_panels(figure, *(axes for axes in figure.axes if axes.get_label() in PERCENTILES), left=10)
        inches = 1 / figure.get_figheight()
        about = f"{sentence(study.disease)} by {exposure_words(study.exposure)}"
        title = wrapped(f"{about} under every combination of choices", width, letters=34)
        figure.text(0.03, 1 - 0.08 * inches, title, va="top", weight="bold", fontsize=10, label="title")
        columns, spacing, down = (4, 0.8, 0.24) if width == "two" else (2, 0.4, 0.4)
        figure.legend(handles=_handles(whole, study), loc="upper left", ncol=columns, columnspacing=spacing,
                      bbox_to_anchor=(0.02, 1 - down * inches), handlelength=1.1, handleheight=0.6, fontsize=7.2,
                      handletextpad=0.6)  # fmt: skip
    return figure


def _of_the_claim(study: Study) -> bool:
    """Whether a study's grid can hold the published recipe: of the primary's exposure and disease, in other hands."""
    return study.disease == PRIMARY.disease and study.exposure == PRIMARY.exposure


def _marked(study: Study) -> dict[str, tuple[Specification, str]]:
    """The cells that are marked, by their words: the study's own, and the published recipe if it can be there."""
    published = {"published recipe": (PUBLISHED_CELL, "s")} if _of_the_claim(study) else {}
    return {"primary": (cell_of(study), "o"), **published}


def _handles(whole: pd.Series, study: Study) -> list[Artist]:
    verdicts = [
        Patch(color=color, linewidth=0.5, label=f"{verdict} ({100 * whole[verdict]:.1f} %)")
        for verdict, color in VERDICTS.items()
    ]
    marks = [
        Line2D([], [], marker=marker, color="black", markerfacecolor="white", linestyle="none", markersize=4.5,
               label=name)
        for name, (_, marker) in _marked(study).items()
    ]  # fmt: skip
    others = {f"levels: {words}": ANSWERS[answer] for answer, words in LEVELS_SHORT.items()}
    if NO_ANSWER in whole:
        others |= {f"{NO_ANSWER} ({100 * whole[NO_ANSWER]:.1f} %)": "white"}
    foot = [Patch(facecolor=color, edgecolor=GREY if color == "white" else color, linewidth=0.5, label=name)
            for name, color in others.items()]  # fmt: skip
    return [*verdicts, *foot, *marks]


def _draw_estimates(axes: Axes, in_order: pd.DataFrame, mark: str, ends: np.ndarray) -> None:
    odds_axis(axes, ends)
    place = np.arange(len(in_order))
    for verdict, color in VERDICTS.items():
        here = (in_order["verdict"] == verdict).to_numpy()
        low, high = (in_order.loc[here, f"conf_{side}_{mark}"] for side in ("low", "high"))
        axes.vlines(place[here], low, high, color=color, linewidth=_width(verdict, len(in_order)), alpha=0.55,
                    linestyle="-", rasterized=True, label=verdict)  # fmt: skip
    axes.plot(place, in_order[f"odds_ratio_{mark}"], color="black", linewidth=1.2, linestyle="-", label="odds ratio")


def _draw_choices(axes: Axes, in_order: pd.DataFrame, *, names_at: float | None) -> None:
    """A tick for every specification in the row of each level that it was made with."""
    rows, names = {}, []
    height = 0.0
    for choice, levels in CHOICES.items():
        names.append((NAMES[choice], -height))
        for level in levels:
            rows[choice, level] = -height
            height += 1
        height += GAP
    for (choice, level), row in rows.items():
        for verdict, color in VERDICTS.items():
            here = (in_order[choice].astype(str) == str(level)) & (in_order["verdict"] == verdict)
            axes.eventplot(np.flatnonzero(here), lineoffsets=row, linelengths=0.78, colors=color, snap=False,
                           linewidths=_width(verdict, len(in_order)), rasterized=True, linestyles="-",
                           label=f"{choice} {level} {verdict}")  # fmt: skip
    axes.set_xlim(-0.01 * len(in_order), 1.01 * len(in_order))
    axes.set_ylim(-height + GAP + 0.4, 0.6)
    axes.set_yticks(
        list(rows.values()), [LEVELS.get(str(level), str(level)) for _, level in rows] if names_at is not None else []
    )
    axes.tick_params(axis="y", length=0, labelsize=7.2, pad=2)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Specifications")
    if names_at is not None:
        for name, row in names:
            axes.text(names_at, row, name, transform=axes.get_yaxis_transform(), fontsize=7.6, weight="bold",
                      va="center", label="_choice")  # fmt: skip


def _draw_ends(axes: Axes, by_ends: pd.DataFrame, *, width: Width) -> None:
    """Shares of verdicts as a strip for each question and pair of ends, that of the question's own answer in words."""
    strips = list(by_ends.groupby(["question", "ends"], sort=False))
    for row, ((question, _), part) in enumerate(strips):
        left = 0.0
        for verdict, color in ANSWERS.items():
            for share in 100 * part.loc[part["verdict"] == verdict, "share"]:
                axes.barh(-row, share, left=left, height=0.74, color=color, label=f"{question}: {verdict}",
                          edgecolor=GREY if verdict == NO_ANSWER else color, linewidth=0.5)  # fmt: skip
                left += share
        shown = 100 * part.loc[part["verdict"].isin([U, BOTH_HIGHER]), "share"].sum()
        axes.text(101, -row, f"{shown:.1f} %", fontsize=7.2, va="center", color=VERMILION, label="_share")
    names = [f"{ASKED[question]} {ends_words(ends)}" for (question, ends), _ in strips]
    axes.set_yticks(-np.arange(len(strips)), names)
    axes.set_xlim(0, 110 if width == "two" else 120)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.tick_params(axis="y", length=0, labelsize=7.2, pad=2)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(wrapped("% of specifications, by where the ends are", width, letters=24))


def _width(verdict: str, cells: int) -> float:
    """Width in points: about a cell's share of a panel; a U is wide enough to be seen alone."""
    slot = 250 / cells
    return max(slot, 0.35) if verdict == U else slot


def _mark_cells(panels: tuple[Axes, Axes], in_order: pd.DataFrame, mark: str, study: Study) -> None:
    for name, (cell, marker) in _marked(study).items():
        same = np.all([in_order[choice].astype(str) == str(getattr(cell, choice)) for choice in CHOICES], axis=0)
        for place in np.flatnonzero(same):
            for axes in panels:
                axes.axvline(float(place), color=GREY, linewidth=0.6, linestyle=":", zorder=3, label="_marked")
            panels[0].plot(place, in_order[f"odds_ratio_{mark}"].iloc[place], marker, color="black", markersize=4.5,
                           markerfacecolor="white", zorder=6, label=name)  # fmt: skip


def _unanswered(cells: pd.DataFrame) -> str:
    """How many cells have no answer and why, and what left the models of others."""
    without = cells[cells["verdict"].isna()]
    told = "each of them has an answer"
    if len(without):
        reasons = "; ".join(f"{n:,}: {reason}" for reason, n in without["reason"].value_counts().items())
        told = f"{len(without):,} of them have no answer ({reasons})"
    dropped = cells["dropped"].replace("", np.nan).value_counts()
    left = [f"in {n:,} {covariate_words(str(names).replace(',', ''))} does not vary and leaves the model"
            for names, n in dropped.items()]  # fmt: skip
    return "; ".join([told, *left])


def _published_words(study: Study) -> str:
    if not _of_the_claim(study):
        return ""
    cell = PUBLISHED_CELL
    return (
        "Published recipe: as near as the grid comes to the analysis of phosphorus by Wu 2024 "
        f"({LEVELS[cell.weights]} weights, model {cell.covariates}, {cell.knots} knots, energy {cell.energy}). "
    )


def specification_caption(
    cells: pd.DataFrame, tests: pd.DataFrame, decomposition: pd.DataFrame, *, study: Study = PRIMARY
) -> str:
    """Caption of the specification curve.

    Parameters
    ----------
    cells : one row a specification.
    tests : of `analysis.audit.joint_test.joint_test`.
    decomposition : of `analysis.audit.joint_test.decompose`.
    study : whose specifications these are.
    """
    test, plain = (joint_tests(tests, primary=primary) for primary in (True, False))
    medians = " and ".join(
        f"{cells[f'odds_ratio_{mark}'].median():.2f} (p {_adjusted(test.loc[f'median_{mark}'])})"
        for mark in PERCENTILES
    )
    return (
        "Odds ratio (log axis) at the 10th (A) and 90th (B) percentile of the cohort's "
        f"{amount_words(study.exposure)} against its median under "
        f"{len(cells):,} specifications, each panel in its own order; {_unanswered(cells)}. Vertical bars: "
        f"{100 * study.conf_level:g} % t intervals; "
        "colour: verdict by the protocol's rule (end slopes, two lines, low point interior by draws of the "
        f'coefficients), with its share of all specifications; "{NO_DEPARTURE}" is from a straight line. Below: the '
        "choices each was made with; at the foot the verdicts with the end slopes tested elsewhere, and whether both "
        f"ends are higher than the median. {_published_words(study)}Tests of the whole curve against no association in "
        f"any specification, from {tests['draws'].iloc[0]:,} draws of sampling units common to all, each p adjusted "
        f"for {len(test)} such statistics (Westfall & Young 1993; ±: Monte Carlo error): median odds ratio "
        f"{medians}; both above 1 in {_share(test, plain, 'both_above')}; non-linear p < {ALPHA:g} in "
        f"{_share(test, plain, 'nonlinear')}. Choices with the largest shares of the variation: "
        f"{_top_choices(decomposition)}."
    )


def _share(test: pd.DataFrame, plain: pd.DataFrame, term: str) -> str:
    found, plainly = test.loc[term], plain.loc[term]
    return f"{100 * found['estimate']:.0f} % (p {_adjusted(found)}; by a plain bootstrap p {_adjusted(plainly)})"


def _adjusted(test: pd.Series) -> str:
    return format_p_drawn(test["adjusted_p"], test["adjusted_p_error"])


def _top_choices(decomposition: pd.DataFrame) -> str:
    """The two choices with the largest shares at either end, in words."""
    return "; ".join(
        f"at the {words} percentile {top_choices(decomposition, f'log_or_{mark}')}"
        for mark, words in PERCENTILES.items()
    )


def specification_alt(cells: pd.DataFrame, shares: pd.DataFrame, *, study: Study = PRIMARY) -> str:
    """Alternative text of the specification curve.

    Parameters
    ----------
    cells, shares : as for `plot_specification_curve`.
    study : whose specifications these are.
    """
    whole = shares[shares["choice"] == "all"].set_index("verdict")["share"]
    told = ", ".join(f"{verdict} {100 * whole[verdict]:.1f} %" for verdict in VERDICTS)
    ends = " and ".join(
        f"{cells[f'odds_ratio_{mark}'].quantile(0.05):.2f} to {cells[f'odds_ratio_{mark}'].quantile(0.95):.2f} at the "
        f"{words} percentile of {amount_words(study.exposure)}"
        for mark, words in PERCENTILES.items()
    )
    return (
        f"Odds ratios of {len(cells):,} specifications in order, nine tenths of them {ends}, over the choices each was "
        f"made with. Verdicts: {told}."
    )
