"""Figure of where magnesium came from: food groups ranked by their share, the article's foods marked among them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.claims.foods import COMPARED
from analysis.data.foods.groups import ARTICLE, NAMED, SOURCE
from analysis.provenance import Provenance
from analysis.report.figures.layout import BAND, GREY, VERMILION, Caption, Page, blank_page, letter_panels, page_style
from analysis.report.words.numbers import format_odds_ratio, format_p, percent, sentence

ROW = 0.215  # inches a food group
RANKED = (NAMED, SOURCE)
"""Roles of the groups that are ranked; the union of the article's foods stands above them."""

LARGEST = 5
"""So many food groups are told in the alternative text."""

OTHER = "0.55"
LABELS = 0.29
"""Room left of the bars, as a share of the width."""

COLOURS = {"union": BAND, NAMED: VERMILION, SOURCE: OTHER}
NAMES = {"union": "all foods the article names", NAMED: "named by the article", SOURCE: "other sources"}


def plot_foods(
    frame: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
) -> Page:
    """Share of all magnesium by food group, ranked, beside magnesium per 100 g and how many ate of it.

    Parameters
    ----------
    frame : of `analysis.claims.foods.foods`; what is blanked, or nobody ate, is not drawn.
    caption, provenance : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``share`` and ``density``.
    """
    ranked = ranked_groups(frame)
    with page_style("two"):
        figure, sides = blank_page(ROW * len(ranked) + 0.7, caption, provenance)
        share, density = figure.subplots(
            1,
            2,
            sharey=True,
            gridspec_kw=sides | {"left": LABELS, "wspace": 0.08, "width_ratios": [1.45, 1]},
        )
        share.set_label("share")
        density.set_label("density")
        _draw_shares(share, ranked)
        _draw_densities(density, ranked)
        share.xaxis.set_major_locator(MaxNLocator(5))
        density.xaxis.set_major_locator(MaxNLocator(4))
        letter_panels(figure, share, density, left=4)
    return figure


def ranked_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """What is drawn, in order: group, label, role, and estimate, conf_low, conf_high of share, density, ate.

    Adults only; the union of the article's foods first, then the others by their share.
    """
    adults = frame[(frame["domain"] == "adults") & (frame["role"].isin(RANKED) | (frame["group"] == ARTICLE))]
    known = adults.dropna(subset="estimate")
    numbers = ["estimate", "conf_low", "conf_high"]
    wide = known.pivot_table(index=["group", "label", "role"], columns="what", values=numbers)
    wide = wide.dropna(subset=[("estimate", "mg_per_100g")])
    wide.columns = [f"{what}_{number}" for number, what in wide.columns]
    ranked = wide.reset_index().sort_values("share_estimate", ascending=False)
    return pd.concat([ranked[ranked["group"] == ARTICLE], ranked[ranked["group"] != ARTICLE]], ignore_index=True)


def _draw_shares(axes: Axes, ranked: pd.DataFrame) -> None:
    places = np.arange(len(ranked))
    percent = 100 * ranked[["share_estimate", "share_conf_low", "share_conf_high"]].to_numpy(dtype=float)
    for role, colour in COLOURS.items():
        rows = (ranked["role"] == role).to_numpy()
        axes.barh(places[rows], percent[rows, 0], height=0.68, color=colour, label=NAMES[role], alpha=0.85)
    axes.hlines(places, percent[:, 1], percent[:, 2], color="black", linewidth=1.1, label="_limits")
    axes.set_yticks(places, [sentence(label) for label in ranked["label"]])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ranked) - 0.4, -0.6)
    axes.set_xlim(0, 1.05 * np.nanmax(percent))
    axes.axhline(0.5, color=GREY, linewidth=0.6, label="_union above")
    axes.set_xlabel("Share of all magnesium (%)")
    axes.legend(loc="lower right", fontsize=7.5)


def _draw_densities(axes: Axes, ranked: pd.DataFrame) -> None:
    places = np.arange(len(ranked))
    density = ranked["mg_per_100g_estimate"].to_numpy(dtype=float)
    colours = [COLOURS[role] for role in ranked["role"]]
    limits = ranked[["mg_per_100g_conf_low", "mg_per_100g_conf_high"]].to_numpy(dtype=float)
    axes.hlines(places, limits[:, 0], limits[:, 1], color=colours, linewidth=1.6, label="_limits")
    axes.scatter(density, places, c=colours, s=18, zorder=3, clip_on=False, label="_densities")
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.set_xlim(0, 1.38 * np.nanmax(limits))
    axes.set_xlabel("mg per 100 g eaten")
    axes.axhline(0.5, color=GREY, linewidth=0.6, label="_union above")
    for place, ate in zip(places, 100 * ranked["ate_estimate"], strict=True):
        axes.annotate(f"{ate:.1f}", (1.0, place), xycoords=("axes fraction", "data"), xytext=(-3, 0),
                      textcoords="offset points", ha="right", va="center", fontsize=7.5, label="_ate")  # fmt: skip
    axes.annotate("ate any, %", (1.0, 1.0), xycoords="axes fraction", xytext=(-3, 3), textcoords="offset points",
                  ha="right", fontsize=7.5, color=GREY, label="_head")  # fmt: skip


def foods_caption(frame: pd.DataFrame) -> str:
    """Caption of the figure, from the frame of `analysis.claims.foods.foods`."""
    adults = frame[frame["domain"] == "adults"].set_index(["what", "group"])
    union, mixed = (adults.loc[("share", group)] for group in (ARTICLE, "mixed_27_58"))
    ratios = frame[(frame["what"] == "odds_ratio_per_100mg") & (frame["model"] == "1")].set_index("group")
    article, other, difference = (ratios.loc[group] for group in COMPARED)
    return (
        f"Adults of 20 and older with a reliable recall (n = {union['n']:,}), day 1, foods and drinks without "
        "supplements; 95 % intervals. A: shares; B: magnesium per "
        "100 g and how many ate any. The foods that the article names gave "
        f"{_percent(union)} of all magnesium. These shares are lower bounds: what is inside a mixed dish is not "
        f"counted to its ingredients, and mixed dishes gave {_percent(mixed)}. Groups overlap where a whole-grain "
        "bread, cereal or dish is counted as both. Neuropathy, model 1, per 100 mg: odds ratio "
        f"{format_odds_ratio(article)} of the article's foods, {format_odds_ratio(other)} of all others, in one "
        f"regression (n = {article['n']:,}, {article['cases']:,.0f} cases; p of their difference "
        f"{format_p(difference['p_value'])})."
    )


def _percent(row: pd.Series) -> str:
    return f"{100 * row['estimate']:.1f} % ({100 * row['conf_low']:.1f} to {100 * row['conf_high']:.1f})"


def foods_alt(frame: pd.DataFrame) -> str:
    """Alternative text of the figure, from the frame of `analysis.claims.foods.foods`."""
    ranked = ranked_groups(frame)
    told = "; ".join(f"{row.label} {percent(row.share_estimate)}" for row in ranked.head(1 + LARGEST).itertuples())
    return (
        f"Bars: share of all magnesium of {len(ranked)} food groups, the largest {told}; beside them milligrams per "
        "100 g and how many people ate any."
    )
