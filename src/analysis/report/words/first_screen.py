"""The first screen of the README: question, verdict, three reasons and a caveat, in 120 words and six estimates.

Each sentence has a wording for what the results may say; none is chosen by hand.
"""

import pandas as pd

from analysis.report.words.bottom_line import ADJUSTMENTS, energy_p
from analysis.report.words.numbers import (
    NO_DEPARTURE,
    NUMBERS,
    Audit,
    format_intake,
    format_odds_ratio,
    list_words,
    percent,
    rows_of_model,
    sentence,
)
from analysis.report.words.shape import shape_of_model
from analysis.report.words.study import describe_people, nearest_point
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

QUESTION = "Does NHANES show a U: more neuropathy at low and high dietary magnesium?"
CAVEAT = "One recalled day, one examination, no order in time: illness can change diet; no advice."
ENDS = {"low": "a fall at the low end", "high": "a rise at the high end"}
FRACTIONS = {
    "hardly any": 0.0, "one in ten": 0.1, "one in four": 1 / 4, "one in three": 1 / 3, "half": 1 / 2,
    "two in three": 2 / 3, "three in four": 3 / 4, "nine in ten": 0.9, "nearly all": 1.0,
}  # fmt: skip
"""A share as a clinician says it; the nearest is told."""

CHOICES = {
    "knots": "other knots",
    "ends": "other ends",
    "under-reporting": "dropping under-reporters",
    "recall error": "recall correction",
}
"""What no protocol can settle, by the question of the referee; knots are those of the shapes stage."""


def first_screen_markdown(estimates: Frames, audit: Audit, referee: pd.DataFrame, simulation: Frames) -> str:
    """Question, verdict, three bullets and the caveat, as Markdown.

    Parameters
    ----------
    estimates : of the fit and shapes stages.
    audit : of the audit stage.
    referee : of the referee stage; empty, only the knots are told.
    simulation : of `make simulate`; without it the caveat has no power.
    """
    bullets = (curve_sentence(estimates), shape_reason(estimates, referee), rival_sentence(estimates, audit))
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
        return "Both ends have more neuropathy than the middle; the curve falls, then rises: a U."
    if higher:
        return "Both ends have more neuropathy than the middle; a fall, then rise, is not shown."
    if u:
        return "The curve falls, then rises, but more neuropathy at both ends than in the middle is not shown."
    return "Neither more neuropathy at both ends than in the middle nor a fall, then rise, is shown."


def curve_sentence(estimates: Frames) -> str:
    """The curve as percentages, then as odds ratios, at both ends and in the middle."""
    row, (low, high) = rows_of_model(estimates, PRIMARY.model), _ends(estimates)
    at_low, at_high = (_risk(estimates, point["x"]) for point in (low, high))
    middle = percent(at_low["prevalence"] - at_low["difference"])
    return (
        f"Adjusted, {percent(at_low['prevalence'])} of {describe_people(row)} have neuropathy at "
        f"{format_intake(low['x'])} {row['unit']}, {middle} at {format_intake(row['reference'])}, "
        f"{percent(at_high['prevalence'])} at {format_intake(high['x'])}; odds ratios {format_odds_ratio(low)}, "
        f"{format_odds_ratio(high)}."
    )


def shape_reason(estimates: Frames, referee: pd.DataFrame) -> str:
    """What the rule misses, and which choices would have made the verdict another one, and which."""
    shape = shape_of_model(estimates, PRIMARY.model)
    found = {CHOICES[name]: set(verdicts) for name, verdicts in verdicts_by_choice(estimates, referee).items()}
    other = {words: verdicts - {shape["verdict"]} for words, verdicts in found.items()}
    to_u = [words for words, verdicts in other.items() if "U" in verdicts]
    if shape["verdict"] == "U":
        lost = [words for words, verdicts in other.items() if verdicts]
        if not lost:
            return "A fall and a rise are shown, whatever is chosen."
        return f"A fall and a rise are shown; {_choices_words(lost)} can undo that."
    to_line = [words for words, verdicts in other.items() if NO_DEPARTURE in verdicts and words not in to_u]
    told = [
        f"{_choices_words(words)} {what}"
        for words, what in ((to_u, "can make it a U"), (to_line, "no bend" if to_u else "can leave no bend"))
        if words
    ]
    return f"{_missing_words(shape)} is not shown" + (f"; {', '.join(told)}." if told else ", whatever is chosen.")


def _choices_words(words: list[str]) -> str:
    """Choices as a list that says "other" once: "other knots, ends or recall correction"."""
    return list_words(words, "or").replace(", other ", ", ").replace(" or other ", " or ")


def _missing_words(shape: pd.Series) -> str:
    """The first part of the rule that is not met."""
    ends = [words for end, words in ENDS.items() if shape[f"end_slopes_{end}_p"] >= ALPHA]
    if not ends:
        return "A U by two lines" if shape["two_lines_p"] >= ALPHA else "A lowest point inside the range"
    words = " or ".join(ends)
    return words[0].upper() + words[1:]


def rival_sentence(estimates: Frames, audit: Audit) -> str:
    """Whether energy explains the bend as well."""
    p, label = energy_p(audit), rows_of_model(estimates, PRIMARY.model)["exposure_label"]
    if p["none"] >= ALPHA:
        return f"No bend of {label} is shown that energy could explain."
    gone = [form for form in ADJUSTMENTS if p[form] >= ALPHA]
    if not gone:
        return f"Energy does not explain it: the bend of {label} stays in each adjustment."
    some = "all" if len(gone) == len(ADJUSTMENTS) else f"{NUMBERS[len(gone)]} of"
    verb = "leaves" if len(gone) == 1 else "leave"
    return f"Energy explains it as well: {some} {NUMBERS[len(ADJUSTMENTS)]} adjustments {verb} no bend."


def missed_sentence(simulation: Frames) -> str:
    """How many true Us as deep as the fitted curve the rule would miss, to follow a sentence."""
    return f" {sentence(missed_share(simulation))} true Us this deep would be missed." if simulation else ""


def missed_share(simulation: Frames) -> str:
    """The share of true Us as deep as the fitted curve that the rule misses, as people say it: "two in three"."""
    rates = simulation["shapes"].set_index(["rule", "curve"])["rate"]
    missed = 1 - rates["verdict U, by draws", "U as fitted"]
    return min(FRACTIONS, key=lambda name: abs(FRACTIONS[name] - missed))


def verdicts_by_choice(estimates: Frames, referee: pd.DataFrame) -> dict[str, pd.Series]:
    """Verdicts of the primary study by other choices of what no protocol can settle, in the order of `CHOICES`."""
    knots = estimates["knots"].query("form == 'spline' and knot_quantiles == 'unweighted'")["verdict"]
    if referee.empty:
        return {"knots": knots}
    answers = {name: referee.loc[referee["question"] == name, "verdict"].dropna() for name in CHOICES}
    return answers | {"knots": knots}


def _ends(estimates: Frames) -> list[pd.Series]:
    row = rows_of_model(estimates, PRIMARY.model)
    return [nearest_point(estimates, row, quantile) for quantile in ("p05", "p95")]


def _risk(estimates: Frames, x: float) -> pd.Series:
    risks = estimates["prevalence"].query("model == @PRIMARY.model and tabulated")
    return risks.loc[(risks["x"] - x).abs().idxmin()]
