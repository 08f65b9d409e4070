"""The first screen of the README: question, verdict, three reasons and a caveat, in 120 words and six estimates.

Each sentence has a wording for what the results may say; none is chosen by hand.
"""

import pandas as pd

from analysis.report.words.bottom_line import ADJUSTMENTS, energy_p
from analysis.report.words.numbers import (
    NUMBERS,
    Audit,
    format_intake,
    format_odds_ratio,
    list_words,
    percent,
    rows_of_model,
)
from analysis.report.words.shape import shape_of_model
from analysis.report.words.study import describe_people, nearest_point
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

QUESTION = (
    "Low and high dietary magnesium are both said to go with more neuropathy: a U-shape. Do NHANES files show it?"
)
CAVEAT = "One recalled day beside one examination: illness can change diet; no advice follows."
ENDS = {"low": "a fall at the low end", "high": "a rise at the high end"}
FRACTIONS = {
    "hardly any": 0.0, "one in ten": 0.1, "one in four": 1 / 4, "one in three": 1 / 3, "half": 1 / 2,
    "two in three": 2 / 3, "three in four": 3 / 4, "nine in ten": 0.9, "nearly all": 1.0,
}  # fmt: skip
"""A share as a clinician says it; the nearest is told."""


def first_screen_markdown(estimates: Frames, audit: Audit, simulation: Frames) -> str:
    """Question, verdict, three bullets and the caveat, as Markdown.

    Parameters
    ----------
    estimates : of the fit and shapes stages.
    audit : of the audit stage.
    simulation : of `make simulate`; without it the caveat has no power.
    """
    bullets = (curve_sentence(estimates), shape_reason(estimates, audit), rival_sentence(estimates, audit))
    return "\n".join(
        [
            f"**Question.** {QUESTION}",
            "",
            f"**{verdict_sentence(estimates)}**",
            "",
            *(f"- {bullet}" for bullet in bullets),
            "",
            f"{CAVEAT}{missed_sentence(simulation)}",
        ]
    )


def ends_are_higher(estimates: Frames) -> bool:
    """Whether the odds at both tabulated ends are above the median's by their intervals."""
    return all(point["conf_low"] > 1 for point in _ends(estimates))


def verdict_sentence(estimates: Frames) -> str:
    """Both questions in one plain sentence: higher at both ends; a fall, then a rise."""
    higher, u = ends_are_higher(estimates), shape_of_model(estimates, PRIMARY.model)["verdict"] == "U"
    if higher and u:
        return "Both ends of intake have more neuropathy than the middle; the curve falls, then rises: a U."
    if higher:
        return "Both ends of intake have more neuropathy than the middle; a fall, then a rise is not shown."
    if u:
        return "The curve falls, then rises, but more neuropathy at both ends than in the middle is not shown."
    return "Neither more neuropathy at both ends of intake nor a fall and then a rise is shown."


def curve_sentence(estimates: Frames) -> str:
    """The curve as percentages, then as odds ratios, at both ends and in the middle."""
    row, (low, high) = rows_of_model(estimates, PRIMARY.model), _ends(estimates)
    risks = [_risk(estimates, point["x"]) for point in (low, high)]
    middle = risks[0]["prevalence"] - risks[0]["difference"]
    return (
        f"Of {describe_people(row)}, {percent(risks[0]['prevalence'])} have it at {format_intake(low['x'])} "
        f"{row['unit']}, {percent(middle)} at {format_intake(row['reference'])}, {percent(risks[1]['prevalence'])} at "
        f"{format_intake(high['x'])}; odds ratios {format_odds_ratio(low)}, {format_odds_ratio(high)}."
    )


def shape_reason(estimates: Frames, audit: Audit) -> str:
    """Which end the rule misses, and what the verdict hangs on."""
    shape = shape_of_model(estimates, PRIMARY.model)
    missing = [words for end, words in ENDS.items() if shape[f"end_slopes_{end}_p"] >= ALPHA]
    shown = " and ".join(missing) or "Neither end"
    told = f"{shown[0].upper()}{shown[1:]} is {'not shown' if missing else 'missing'}"
    hangs = [words for words, verdicts in _variants(estimates, audit).items() if len(set(verdicts)) > 1]
    if not hangs:
        return f"{told}, wherever knots and ends are put."
    return f"{told}; that hangs on {list_words(hangs)}."


def rival_sentence(estimates: Frames, audit: Audit) -> str:
    """Whether energy explains the bend as well."""
    p, label = energy_p(audit), rows_of_model(estimates, PRIMARY.model)["exposure_label"]
    if p["none"] >= ALPHA:
        return f"No bend of {label} is shown that energy could explain."
    gone = [words for form, words in ADJUSTMENTS.items() if p[form] >= ALPHA]
    if not gone:
        return f"Energy intake does not explain it: the bend of {label} stays in each way of adjusting."
    ways = "every way" if len(gone) == len(ADJUSTMENTS) else f"{NUMBERS[len(gone)]} of {NUMBERS[len(ADJUSTMENTS)]} ways"
    return f"Energy explains it as well: adjusted for it, {ways}, no bend is shown."


def missed_sentence(simulation: Frames) -> str:
    """How many true Us as deep as the fitted curve the rule would miss, to follow a sentence."""
    if not simulation:
        return ""
    rates = simulation["shapes"].set_index(["rule", "curve"])["rate"]
    missed = 1 - rates["verdict U, by draws", "U as fitted"]
    words = min(FRACTIONS, key=lambda name: abs(FRACTIONS[name] - missed))
    return f" Of true Us this deep {words} would be missed."


def _variants(estimates: Frames, audit: Audit) -> dict[str, pd.Series]:
    """Verdicts of the primary study under other choices of what no protocol can settle."""
    knots = estimates["knots"].query("form == 'spline' and knot_quantiles == 'unweighted'")
    return {"the number of knots": knots["verdict"]}


def _ends(estimates: Frames) -> list[pd.Series]:
    row = rows_of_model(estimates, PRIMARY.model)
    return [nearest_point(estimates, row, quantile) for quantile in ("p05", "p95")]


def _risk(estimates: Frames, x: float) -> pd.Series:
    risks = estimates["prevalence"].query("model == @PRIMARY.model and tabulated")
    return risks.loc[(risks["x"] - x).abs().idxmin()]
