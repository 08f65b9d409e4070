"""Figure of adequacy: how many take in too little, and the odds ratios of those who do; nothing is computed here."""

import pandas as pd
from matplotlib.axes import Axes

from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREY,
    VERMILION,
    Caption,
    Page,
    blank_page,
    letter_panels,
    page_style,
)
from analysis.report.figures.modifiers import odds_axis_across
from analysis.report.figures.width import Width
from analysis.report.words.numbers import MODEL_NAMES, format_intake, format_odds_ratio, percent

SHOWN = {
    "day_ear": ("one recalled day", "o", GREY, -0.22),
    "usual_ear": ("usual intake", "D", BAND, 0.0),
    "usual_total_ear": ("usual intake and supplements", "s", "#009E73", 0.22),
}
"""Quantity to its words, marker, colour and place beside its line."""

EXPOSURES = {"below_ear": "Below the EAR", "below_rda": "Below the RDA", "left_arm": "100 mg, on the curve"}
MARKERS = (("o", BAND), ("s", VERMILION), ("D", "black"))
LEFT_ARM_MG = 100.0


def plot_adequacy(
    shares: pd.DataFrame,
    exposures: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """Shares below the EAR by sex and age, and odds ratios of low intakes under each model.

    Parameters
    ----------
    shares, exposures : of `analysis.claims.adequacy.intake_adequacy`.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with axes labelled ``shares`` and ``odds_ratios``.
    """
    with page_style(width):
        figure, sides = blank_page(4.0 if width == "two" else 6.6, caption, provenance, width=width)
        if width == "two":
            panels = figure.subplots(1, 2, gridspec_kw=sides | {"left": 0.2, "wspace": 0.62})
        else:
            panels = figure.subplots(2, 1, gridspec_kw=sides | {"left": 0.4, "hspace": 0.36, "height_ratios": [1.7, 1]})
        for axes, label in zip(panels, ("shares", "odds_ratios"), strict=True):
            axes.set_label(label)
        _draw_shares(panels[0], shares[(shares["domain"] == "age20") & (shares["unreliable"] == "")])
        _draw_odds(panels[1], _told(exposures))
        letter_panels(figure, *panels, left=70)
    return figure


def _told(exposures: pd.DataFrame) -> pd.DataFrame:
    """Rows of the right panel: of the left arm one intake."""
    one = exposures["x"].isna() | (exposures["x"] == LEFT_ARM_MG)
    return exposures[exposures["exposure"].isin(EXPOSURES) & one]


def _draw_shares(axes: Axes, shares: pd.DataFrame) -> None:
    groups = shares.drop_duplicates(["sex", "ages"])[["sex", "ages"]]
    place = {(row.sex, row.ages): number for number, row in enumerate(groups.itertuples())}
    for quantity, (words, marker, color, aside) in SHOWN.items():
        of = shares[shares["quantity"] == quantity]
        if of.empty:
            continue
        y = [place[row.sex, row.ages] + aside for row in of.itertuples()]
        axes.hlines(y, 100 * of["conf_low"], 100 * of["conf_high"], color=color, linewidth=1.2, label="_interval")
        axes.plot(100 * of["estimate"], y, marker, color=color, markersize=3.8, linestyle="none", label=words)
    axes.set_yticks(range(len(place)), [_group_words(sex, ages) for sex, ages in place], fontsize=7.5)
    axes.set_ylim(len(place) - 0.4, -0.7 - 0.75 * len(SHOWN))
    axes.set_title("Magnesium below the EAR", fontsize=9)
    axes.set_xlabel("Share of adults (%)")
    axes.legend(loc="upper left", fontsize=7, borderpad=0.2, handletextpad=0.2)


def _group_words(sex: str, ages: str) -> str:
    people = {"all": "All", "male": "Men", "female": "Women"}[sex]
    return f"{people}, 20+" if ages == "all" else f"{people}, {ages}"


def _draw_odds(axes: Axes, exposures: pd.DataFrame) -> None:
    odds_axis_across(axes, exposures[["conf_low", "conf_high"]].to_numpy())
    names = [name for name in EXPOSURES if name in set(exposures["exposure"])]
    for number, (model, part) in enumerate(exposures.groupby("model", sort=False)):
        marker, color = MARKERS[number % len(MARKERS)]
        y = [names.index(name) + 0.22 * (number - 1) for name in part["exposure"]]
        axes.hlines(y, part["conf_low"], part["conf_high"], color=color, linewidth=1.3, label="_interval")
        axes.plot(part["odds_ratio"], y, marker, color=color, markersize=4, linestyle="none",
                  label=MODEL_NAMES[str(model)])  # fmt: skip
    axes.set_yticks(range(len(names)), [EXPOSURES[name] for name in names], fontsize=7.5)
    axes.set_ylim(len(names) - 0.4, -0.9)
    axes.set_title("Odds of neuropathy", fontsize=9)
    axes.set_xlabel("Odds ratio")
    axes.legend(loc="upper left", fontsize=7, ncol=3, borderpad=0.2, handletextpad=0.1, columnspacing=0.8)


def adequacy_caption(shares: pd.DataFrame, variances: pd.DataFrame, exposures: pd.DataFrame) -> str:
    """Caption of the figure, from the frames of `analysis.claims.adequacy.intake_adequacy`."""
    adults = shares[(shares["domain"] == "age20") & (shares["sex"] == "all")].set_index("quantity")
    reliability = ", ".join(f"{row.sex} {row.reliability:.2f}" for row in variances.itertuples())
    first = exposures[exposures["model"] == exposures["model"].iloc[0]].set_index("exposure")
    below = first.loc["below_ear"]
    arm = ""
    if "left_arm" in first.index:
        point = first.loc["left_arm"].set_index("x").loc[LEFT_ARM_MG]
        arm = (
            f", though the curve is at {format_odds_ratio(point)} at {LEFT_ARM_MG:g} mg/day against its median "
            f"{format_intake(point['reference'])}, far below the EAR"
        )
    return (
        "A: magnesium from food below the estimated average requirement (EAR), adults of 20 and older: "
        f"{percent(adults.loc['day_ear', 'estimate'])} on one recalled day (n = {adults.loc['day_ear', 'n']:,.0f}), "
        f"{percent(adults.loc['usual_ear', 'estimate'])} in usual intake, from the two recalls of 2003-2004 (share of "
        f"one day's variance between people: {reliability}). 95 % intervals: logit, errors by delete-one-PSU jackknife "
        "with everything estimated anew. B: odds ratio of neuropathy of those below the EAR or the recommended "
        "allowance (RDA) on the recalled day against the others. "
        f"{MODEL_NAMES[str(below['model'])]}: below the EAR {format_odds_ratio(below)}{arm}."
    )


def adequacy_alt(shares: pd.DataFrame, exposures: pd.DataFrame) -> str:
    """Alternative text of the figure, from the frames of `analysis.claims.adequacy.intake_adequacy`."""
    adults = shares[(shares["domain"] == "age20") & (shares["sex"] == "all")].set_index("quantity")["estimate"]
    told = ", ".join(f"{percent(adults[name])} by {words}" for name, (words, *_) in SHOWN.items() if name in adults)
    odds = "; ".join(
        f"{MODEL_NAMES[str(row['model'])].lower()} {format_odds_ratio(row)}"
        for _, row in exposures[exposures["exposure"] == "below_ear"].iterrows()
    )
    return (
        f"Shares of adults below the average requirement of magnesium by sex and age, of all {told}; and odds ratios "
        f"of neuropathy of those below it: {odds}."
    )
