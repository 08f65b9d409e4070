"""Figures of what was found, drawn from estimates; nothing is computed here.

Every function takes the frames of the estimates folder and returns a matplotlib figure. What is drawn can be read back
from the axes, which is how the tests hold a figure to its numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from analysis.data.people.vocabulary import exposure_origin
from analysis.provenance import Provenance
from analysis.report.figures.layout import (
    BAND,
    Caption,
    Page,
    blank_page,
    grey_beyond,
    letter_panels,
    odds_axis,
    page_style,
    wrapped,
)
from analysis.report.figures.width import Width
from analysis.report.words.numbers import (
    MODEL_NAMES,
    format_drawn,
    format_intake,
    format_odds_ratio,
    format_p,
    format_range,
    rows_of_model,
    verdict_words,
)
from analysis.report.words.shape import low_point_words, shape_of_model
from analysis.report.words.study import (
    WEIGHT_WORDS,
    adjustment_words,
    against,
    covariate_words,
    describe_people,
    describe_tests,
    exposure_axis,
    study_title,
)
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import FEW, FEWEST_PEOPLE, count_of
from analysis.study import OUTCOMES, disease_of


def plot_dose_response(
    curve: pd.DataFrame,
    prevalence: pd.DataFrame,
    distribution: pd.DataFrame,
    model: pd.Series,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
    planted: pd.DataFrame | None = None,
) -> Page:
    """Odds ratio and standardised prevalence by exposure, each with two bands, over the exposure's distribution.

    Parameters
    ----------
    curve : x, odds_ratio, conf_low, conf_high (at each x), band_low, band_high (whole curve), x increasing.
    prevalence : x, prevalence, conf_low, conf_high, band_low, band_high, as shares; one x is the reference.
    distribution : lower, upper, share: weighted share of the cohort in each interval.
    model : one row of models.csv: exposure_label, unit, reference, conf_level, knots, p05, p95, nadir.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    planted : x, odds_ratio: the curve that a synthetic survey was made with.

    Returns
    -------
    Figure with the axes labelled ``curve``, ``prevalence`` and ``distribution``.
    """
    with page_style(width):
        figure, sides = blank_page(7.4 if width == "two" else 6.0, caption, provenance, width=width)
        axes = figure.subplots(
            3, 1, sharex=True, gridspec_kw={"height_ratios": [3.1, 2.0, 0.9], "hspace": 0.09, **sides}
        )
        for one, label in zip(axes, ("curve", "prevalence", "distribution"), strict=True):
            one.set_label(label)
        above, middle, below = axes
        draw_odds_ratios(above, curve, model, planted, width=width)
        _draw_prevalence(middle, prevalence, model)
        _hatch_few(below, distribution)
        below.bar(distribution["lower"], 100 * distribution["share"], align="edge", color="0.6", edgecolor="white",
                  width=distribution["upper"] - distribution["lower"], linewidth=0.4)  # fmt: skip
        below.set_ylabel("Weighted %\nof adults")
        below.set_xlabel(exposure_axis(model["exposure"]))
        above.set_xlim(curve["x"].iloc[0], curve["x"].iloc[-1])
        for one in axes:
            grey_beyond(one, model["p05"], model["p95"])
        figure.align_ylabels(axes)
        letter_panels(figure, *axes, left=44 if width == "two" else 34, up=-2)
    return figure


def _hatch_few(axes: Axes, distribution: pd.DataFrame) -> None:
    """Hatched to a fixed small height where a bar is not told, between bars that are."""
    edges = zip(distribution["upper"].iloc[:-1], distribution["lower"].iloc[1:], strict=True)
    height = 0.12 * 100 * distribution["share"].max()
    for left, right in edges:
        if right > left:
            axes.add_patch(Rectangle((left, 0), right - left, height, facecolor="white", edgecolor="0.6",
                                     hatch="//////", linewidth=0, label=f"{FEW} people"))  # fmt: skip
            axes.text((left + right) / 2, height, f"<{FEWEST_PEOPLE}", fontsize=7, ha="center", label="_few")


def draw_odds_ratios(
    axes: Axes,
    curve: pd.DataFrame,
    model: pd.Series,
    planted: pd.DataFrame | None = None,
    *,
    width: Width = "two",
    label: str = "odds ratio",
    color: str | None = None,
) -> None:
    """The curve of odds ratios with its two bands, reference and knots; arguments as for `plot_dose_response`.

    With a colour of its own, the marks of reference and knots have that too, to stand beside those of other curves.
    """
    marks: dict[str, Any] = {"color": color or "black", "linestyle": "none", "markersize": 5}
    odds_axis(axes, curve[["band_low", "band_high"]].to_numpy())
    _draw_bands(axes, curve, model, color=color or BAND)
    axes.plot(curve["x"], curve["odds_ratio"], color=color or BAND, linestyle="-", label=label)
    if planted is not None:
        axes.plot(planted["x"], planted["odds_ratio"], color="#D55E00", linestyle="--", label="planted truth")
    axes.plot(model["reference"], 1, "o", label="reference", zorder=5, **marks)
    knots = _knots(model)
    axes.plot(knots, np.full(len(knots), 0.025), "^", label="knots", clip_on=False,
              transform=axes.get_xaxis_transform(), **marks)  # fmt: skip
    axes.set_title(wrapped(study_title(model), width))
    axes.set_ylabel(against(model["reference"], model["exposure"]))
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1), ncol=2 if width == "two" else 1)
    if width == "one":
        axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # for a legend of one column


def _draw_prevalence(axes: Axes, prevalence: pd.DataFrame, model: pd.Series) -> None:
    percent = prevalence[["conf_low", "conf_high", "band_low", "band_high"]].mul(100).assign(x=prevalence["x"])
    _draw_bands(axes, percent, model)
    axes.plot(prevalence["x"], 100 * prevalence["prevalence"], color=BAND, label="prevalence")
    at = 100 * prevalence.loc[prevalence["x"] == model["reference"], "prevalence"].iloc[0]
    axes.axhline(at, color="black", linewidth=1, linestyle=":", label="prevalence at the reference")
    axes.plot(model["reference"], at, "o", color="black", markersize=5, label="reference", zorder=5)
    axes.set_ylim(0, 1.05 * percent["band_high"].max())
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Standardised\nprevalence (%)")


def _draw_bands(axes: Axes, limits: pd.DataFrame, model: pd.Series, *, color: str = BAND) -> None:
    """The band of the whole curve behind the one of each of its points."""
    level = f"{100 * model['conf_level']:g} % band"
    for low, high, shade, words in (
        ("band_low", "band_high", 0.13, "whole curve"),
        ("conf_low", "conf_high", 0.3, "each intake"),
    ):
        axes.fill_between(limits["x"], limits[low], limits[high], color=color, alpha=shade, linewidth=0,
                          label=f"{level}, {words}")  # fmt: skip


def plot_models(
    curves: pd.DataFrame,
    models: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """The curves of all models in one panel, without bands; told apart by colour, dash and label.

    Parameters
    ----------
    curves : model, x, odds_ratio.
    models : models.csv, one row per model.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    """
    with page_style(width):
        figure, sides = blank_page(4.4, caption, provenance, width=width)
        axes = figure.subplots(gridspec_kw=sides)
        first = models.iloc[0]
        odds_axis(axes, curves[["odds_ratio"]].to_numpy())
        for row in models.itertuples():
            one = curves[curves["model"] == row.model]
            axes.plot(one["x"], one["odds_ratio"], label=f"{MODEL_NAMES[row.model]} (n = {row.n:,})")
        axes.plot(first["reference"], 1, "o", color="black", markersize=5, zorder=5)
        axes.set_xlim(curves["x"].min(), curves["x"].max())
        axes.set_title(wrapped(f"Four models of neuropathy by {first['exposure_label']} intake", width))
        axes.set_ylabel(against(first["reference"], first["exposure"]))
        axes.set_xlabel(exposure_axis(first["exposure"]))
        axes.legend(loc="upper center", bbox_to_anchor=(0.38, 1))
        grey_beyond(axes, first["p05"], first["p95"])
    return figure


def plot_quintiles(
    quintiles: pd.DataFrame,
    models: pd.DataFrame,
    *,
    caption: Caption,
    provenance: Provenance,
    width: Width = "two",
) -> Page:
    """Odds ratios with 95 % intervals of the exposure's quintiles against one of them, a marker per model.

    Parameters
    ----------
    quintiles : model, quintile, lower, upper, odds_ratio, conf_low, conf_high, of one reference quintile.
    models : models.csv.
    caption, provenance, width : as for `analysis.report.figures.layout.blank_page`.
    """
    markers = dict(zip(MODEL_NAMES, "osD^", strict=True))
    with page_style(width):
        figure, sides = blank_page(4.2, caption, provenance, width=width)
        sides["bottom"] += (0.15 if width == "two" else 0.3) / figure.get_figheight()  # ticks of two or three lines
        axes = figure.subplots(gridspec_kw=sides)
        first = models.iloc[0]
        odds_axis(axes, quintiles[["conf_low", "conf_high"]].to_numpy())
        for position, model in enumerate(models["model"]):
            one = quintiles[quintiles["model"] == model]
            beside = 0.16 * (position - (len(models) - 1) / 2)
            draw_quintiles(axes, one, label=MODEL_NAMES[model], marker=markers[model], beside=beside)
        ranges = quintiles.drop_duplicates("quintile")
        axes.set_xticks(
            ranges["quintile"],
            [
                f"Q{row.quintile}\n{wrapped(interval_words(row.lower, row.upper), width, letters=6)}"
                for row in ranges.itertuples()
            ],
        )
        axes.set_title(wrapped(f"Neuropathy by quintile of {first['exposure_label']} intake", width))
        axes.set_ylabel(f"Odds ratio (against Q{quintiles['reference_quintile'].iloc[0]})")
        words = f"Quintile of {first['exposure_label']} {exposure_origin(first['exposure'])} ({first['unit']})"
        axes.set_xlabel(wrapped(words, width))
        axes.legend(loc="upper center", ncol=len(models) if width == "two" else 2)
    return figure


def draw_quintiles(axes: Axes, quintiles: pd.DataFrame, *, label: str, marker: str = "o", beside: float = 0.0) -> None:
    """Odds ratios of one model's quintiles with their intervals, ``beside`` their places on the axis."""
    error = np.abs(quintiles[["conf_low", "conf_high"]].sub(quintiles["odds_ratio"], axis="index").to_numpy().T)
    axes.errorbar(quintiles["quintile"] + beside, quintiles["odds_ratio"], yerr=error, fmt=marker, linestyle="none",
                  markersize=5, elinewidth=1.2, capsize=2, label=label)  # fmt: skip


def _knots(model: pd.Series) -> list[float]:
    return [float(knot) for knot in str(model["knots"]).split()]


def interval_words(lower: float, upper: float) -> str:
    """A quintile's range of intake, whose outer ends are not told: "up to 168", "168 to 224"."""
    if np.isinf(lower):
        return f"up to {format_intake(upper)}"
    return f"above {format_intake(lower)}" if np.isinf(upper) else format_range(lower, upper)


def curve_caption(estimates: Frames, model: str) -> str:
    """Caption of the dose-response figure."""
    row = rows_of_model(estimates, model)
    tests = estimates["tests"].query("model == @model")
    nadir = "No interior low point" if row["nadir_at_boundary"] else f"Lowest point {low_point_words(estimates, row)}"
    if "shape" in estimates:
        nadir += f"; by the protocol's rule: {verdict_words(shape_of_model(estimates, model)['verdict'])}"
    knots = ", ".join(format_intake(float(knot)) for knot in row["knots"].split())
    return (
        f"A: odds ratio (log axis) of peripheral {disease_of(row['outcome'])}, {OUTCOMES[row['outcome']]}, in "
        f"{count_of(row['cases'])} of {count_of(row['n'])} {describe_people(row)}"
        f"{_without_covariates(estimates, model)}, against "
        f"{format_intake(row['reference'])} {row['unit']}, their unweighted median. Survey-weighted logistic "
        f"regression with a restricted cubic spline, knots (triangles) at {knots} {row['unit']}, adjusted for "
        f"{covariate_words(row['covariates'])}; {WEIGHT_WORDS[row['weights']]}; {100 * row['conf_level']:g} % t "
        f"intervals, Taylor linearisation, {row['residual_df']} df. {describe_tests(tests)} {nadir}. Darker band: "
        f"{100 * row['conf_level']:g} % at each intake taken alone; lighter: {100 * row['conf_level']:g} % for the "
        f"whole curve at once (sup-t, {_critical(row)} standard errors). B: prevalence if everybody "
        "had that intake and kept their own covariates (standardised to the weighted people of the model), bands "
        "likewise; dotted: at the median intake. Grey: beyond the 5th and 95th percentile of intake. C: weighted "
        f"distribution, 1st to 99th percentile, bars of {FEW} people hatched."
    )


def _critical(model: pd.Series) -> str:
    """The sup-t critical value, with its integration error where that would show."""
    value, error = model["critical_value"], model["critical_value_mc_error"]
    return format_drawn(value, error) if error > 0 else f"{value:.2f}"


def _without_covariates(estimates: Frames, model: str) -> str:
    """How many more the cohort has, on whom knots, median and bars rest, than the model."""
    flow = estimates["flow"].query("model == @model and step != 'survey weight above 0'")["n"].astype(int)
    lost = int(flow.iloc[-2] - flow.iloc[-1])
    if not lost:
        return ""
    return f" ({lost:,} more lack a covariate; knots, median and bars are theirs too)"


def models_caption(estimates: Frames) -> str:
    """Caption of the figure of all models."""
    models = estimates["models"]
    first, nonlinear = models.iloc[0], estimates["tests"].query("test == 'nonlinear' and method == 'wald'")
    p = [f"{MODEL_NAMES[row.model].lower()} {format_p(row.p_value)}" for row in nonlinear.itertuples()]
    return (
        f"Odds ratios against {format_intake(first['reference'])} {first['unit']} (black dot), "
        f"{WEIGHT_WORDS[first['weights']]}, same knots in all. {adjustment_words(models)}. "
        f"Non-linear p (Wald F): {', '.join(p)}. Models 2 and 3 rest on "
        "people with complete covariates. Bands are left out for legibility; the numbers are in models.csv beside this "
        "figure. Grey: beyond the 5th and 95th percentile of intake."
    )


def quintiles_caption(quintiles: pd.DataFrame, estimates: Frames) -> str:
    """Caption of the quintile figure."""
    first = estimates["models"].iloc[0]
    reference = quintiles["reference_quintile"].iloc[0]
    return (
        f"Odds ratios (log axis) of peripheral neuropathy with {100 * first['conf_level']:g} % intervals against "
        f"quintile {reference}, the reference of the published analysis of phosphorus (Wu 2024); "
        f"{WEIGHT_WORDS[first['weights']]}. {adjustment_words(estimates['models'])}. "
        f"Quintiles are cut at unweighted quantiles of the cohort. Counts behind each point are in "
        "quintiles.csv beside this figure."
    )


# ---- alternative texts
def at_places(curve: pd.DataFrame, places: Sequence[float], unit: str) -> str:
    """Odds ratios of a drawn curve nearest to some intakes: "1.34 (1.09 to 1.64) at 123 mg/day, ...".

    Parameters
    ----------
    curve : x, odds_ratio, conf_low, conf_high.
    """
    points = [curve.loc[(curve["x"] - place).abs().idxmin()] for place in places]
    return ", ".join(
        f"{format_odds_ratio(point)} at {format_intake(place)}{f' {unit}' if not number else ''}"
        for number, (place, point) in enumerate(zip(places, points, strict=True))
    )


def curve_alt(estimates: Frames, model: str) -> str:
    """Alternative text of the dose-response figure."""
    row, curves = rows_of_model(estimates, model), estimates["odds_ratio_curve"]
    curve, prevalence = curves[curves["model"] == model], estimates["prevalence"].query("model == @model")
    places = (row["p05"], row["nadir"], row["p95"])
    percent = [100 * prevalence.loc[(prevalence["x"] - place).abs().idxmin(), "prevalence"] for place in places]
    return (
        f"Curve with bands: odds ratio of peripheral {disease_of(row['outcome'])} by {row['exposure_label']} intake "
        f"against {format_intake(row['reference'])} {row['unit']}, "
        f"{at_places(curve, places, row['unit'])}; below it the standardised prevalence, {percent[0]:.1f}, "
        f"{percent[1]:.1f} and {percent[2]:.1f} % at the same intakes, and the distribution of intake."
    )


def models_alt(estimates: Frames) -> str:
    """Alternative text of the figure of all models."""
    models, curves = estimates["models"], estimates["odds_ratio_curve"]
    told = "; ".join(
        f"{MODEL_NAMES[str(row['model'])].lower()} "
        f"{at_places(curves[curves['model'] == row['model']], (row['p05'], row['p95']), row['unit'])}"
        for _, row in models.iterrows()
    )
    return f"Four curves of the odds ratio by {models['exposure_label'].iloc[0]} intake, one a model: {told}."


def quintiles_alt(quintiles: pd.DataFrame, estimates: Frames) -> str:
    """Alternative text of the quintile figure."""
    model = estimates["models"]["model"].iloc[min(1, len(estimates["models"]) - 1)]
    told = "; ".join(
        f"Q{row['quintile']} {format_odds_ratio(row)}" for _, row in quintiles[quintiles["model"] == model].iterrows()
    )
    return (
        f"Odds ratios with intervals by quintile of {estimates['models']['exposure_label'].iloc[0]} intake, a marker a "
        f"model; {MODEL_NAMES[str(model)].lower()}: {told}."
    )
