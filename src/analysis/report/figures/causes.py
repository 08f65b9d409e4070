"""The forest of other causes: which of those that the files measure go with neuropathy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    GREY,
    ODDS_TICKS,
    VERMILION,
    Caption,
    Page,
    blank_page,
    letter_panels,
    page_style,
)
from analysis.report.words.numbers import format_odds_ratio

LABELS = {
    "age_years": "Age, per year",
    "sex_female": "Women (men)",
    "race_ethnicity_mexican_american": "Mexican American (White)",
    "race_ethnicity_other_hispanic": "Other Hispanic (White)",
    "race_ethnicity_non_hispanic_black": "Black (White)",
    "race_ethnicity_other": "Other race (White)",
    "education_high_school": "High school (more)",
    "education_less_than_high_school": "Less than high school (more)",
    "pir": "Income to poverty, per unit",
    "bmi_kg_m2": "Body mass index, per kg/m²",
    "smoking_former": "Former smoker (never)",
    "smoking_current": "Current smoker (never)",
    "alcohol_former": "Former drinker (never)",
    "alcohol_moderate": "Moderate drinker (never)",
    "alcohol_heavy": "Heavy drinker (never)",
    "has_diabetes": "Diabetes",
    "has_hypertension": "Hypertension",
    "height_10_cm": "Height, per 10 cm",
    "b12_below_200": "Vitamin B12 below 200 pg/mL",
    "b12_below_300": "Vitamin B12 below 300 pg/mL",
    "folate_log2": "Serum folate, per doubling",
    "mma_high": "Methylmalonic acid 0.271 µmol/L or more",
    "hba1c_percent": "HbA1c, per percentage point",
    "egfr_below_60": "eGFR below 60 mL/min/1.73 m²",
    "heavy_alcohol": "Heavy drinker (anybody else)",
    "lead_log2": "Blood lead, per doubling (1999-2002)",
    "cadmium_log2": "Blood cadmium, per doubling (1999-2002)",
}
"""Words of a term; a reference level stands in parentheses."""

STYLES = {"1": (VERMILION, "o", 0.13), "2": (BAND, "s", -0.13)}
"""Colour, mark and height beside the row's middle, by model."""

ROW = 0.19  # inches
LABEL_SHARE = 0.40


def plot_causes(
    rows: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
) -> Page:
    """Odds ratios of model 2's covariates, and of each further cause beside models 1 and 2.

    Parameters
    ----------
    rows : of `analysis.claims.causes.causes`.
    caption, provenance : as for `analysis.report.figures.layout.blank_page`.

    Returns
    -------
    Figure with the axes labelled ``covariates`` and ``causes``.
    """
    odds = rows[rows["kind"] == "odds_ratio"]
    panels = {"covariates": odds[odds["what"] == "covariates"], "causes": odds[odds["what"] == "cause"]}
    lines = {label: list(dict.fromkeys(panel["term"])) for label, panel in panels.items()}
    heights = [len(terms) + 1.2 for terms in lines.values()]
    with page_style("two"):
        figure, sides = blank_page(ROW * sum(heights) + 0.9, caption, provenance)
        axes = figure.subplots(2, 1, sharex=True, gridspec_kw=sides | {"left": LABEL_SHARE, "hspace": 0.16,
                                                                       "height_ratios": heights})  # fmt: skip
        titles = ("Covariates of model 2, all in one model", "Each by itself beside model 1 or 2")
        for one, (label, panel), title in zip(axes, panels.items(), titles, strict=True):
            one.set_label(label)
            _draw(one, panel, lines[label], beside=label == "causes")
            one.set_title(title, loc="left")
        _odds_axis(axes[1], odds)
        letter_panels(figure, *axes, left=16)
        axes[1].legend(loc="lower right", fontsize=7.5, title="Beside", title_fontsize=7.5)
    return figure


def _draw(axes: Axes, panel: pd.DataFrame, terms: list[str], *, beside: bool) -> None:
    place = {term: -position for position, term in enumerate(terms)}
    for model, (colour, mark, shift) in STYLES.items():
        shown = panel[panel["model"] == model]
        if shown.empty:
            continue
        middle = shown["odds_ratio"].to_numpy(dtype=float)
        limits = shown[["conf_low", "conf_high"]].to_numpy(dtype=float)
        axes.errorbar(middle, [place[term] + shift * beside for term in shown["term"]],
                      xerr=np.abs(limits.T - middle), fmt=mark, color=colour, markersize=3.6, linewidth=1.0,
                      label=f"model {model}")  # fmt: skip
    axes.set_yticks(list(place.values()), [LABELS[term] for term in terms], fontsize=7)
    axes.set_ylim(0.6 - len(terms), 0.6)
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="0.92", linewidth=0.6)


def _odds_axis(axes: Axes, odds: pd.DataFrame) -> None:
    low, high = float(odds["conf_low"].min()), float(odds["conf_high"].max())
    axes.set_xscale("log")
    axes.set_xlim(low * 0.93, high * 1.07)
    axes.xaxis.set_major_locator(FixedLocator(ODDS_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Odds ratio of peripheral neuropathy")


def causes_caption(rows: pd.DataFrame) -> str:
    """Caption of the forest."""
    odds = rows[rows["kind"] == "odds_ratio"]
    covariates, single = odds[odds["what"] == "covariates"].iloc[0], odds[odds["what"] == "cause"]
    return (
        "Odds ratios (log axis) of peripheral neuropathy with 95 % t intervals (Taylor linearisation), dietary "
        f"weights, magnesium not in the model; reference levels in parentheses. A: the covariates of model 2, "
        f"{covariates['n']:,} people, {covariates['cases']:,.0f} with neuropathy. B: "
        f"{single['n'].min():,} to {single['n'].max():,} people, those "
        "of whom the cause and the model's covariates are known; model 1 is age, sex and race, model 2 the covariates "
        "of A. Lead and cadmium have no file of 2003-2004 here. An association at one time is no cause: blood values "
        "change with treatment and diet after the disease. Toxins at work, chemotherapy and autoimmune disease are not "
        "in the files."
    )


def causes_alt(rows: pd.DataFrame) -> str:
    """Alternative text of the forest."""
    odds = rows[(rows["kind"] == "odds_ratio") & (rows["what"] == "cause") & (rows["model"] == "2")]
    told = "; ".join(f"{LABELS[row['term']]} {format_odds_ratio(row)}" for _, row in odds.iterrows())
    return (
        "Forest of odds ratios of neuropathy, the covariates of model 2 together and other causes each by itself; "
        f"beside model 2: {told}."
    )
