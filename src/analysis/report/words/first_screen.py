"""The first screen of the README: question, verdict, three reasons and a caveat, in 120 words and six estimates.

Each sentence has a wording for what the results may say; none is chosen by hand.
"""

import pandas as pd

from analysis.report.words.bottom_line import ADJUSTMENTS, energy_p
from analysis.report.words.numbers import (
    NUMBERS,
    format_intake,
    format_odds_ratio,
    list_words,
    percent,
    rows_of_model,
    sentence,
)
from analysis.report.words.shape import shape_of_model
from analysis.report.words.simulation import AS_FITTED
from analysis.report.words.study import describe_people, nearest_point
from analysis.simulation.questions import ON_USUAL
from analysis.stats.arrays import Frames
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.questions import FALLS_THEN_RISES, ends_name
from analysis.stats.shape.verdict import ALPHA, NO_DEPARTURE, U
from analysis.study import PRIMARY

QUESTION = "Does neuropathy fall, then rise with dietary magnesium: a U?"
CAVEAT = "One recalled day, one examination, no time order: illness can change diet; no advice."
SLOPES = {"low": "the fall", "high": "the rise"}

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

FEWER = "fewer people"
"""What `CHOICES` says of under-reporters where leaving out as many others does the same."""

AT_RANDOM = "as many removed"
"""Answers about others than those removed: they tell what fewer people alone do."""


def first_screen_markdown(estimates: Frames, audit: Frames, referee: pd.DataFrame, simulation: Frames) -> str:
    """Question, verdict, three bullets and the caveat, as Markdown.

    Parameters
    ----------
    estimates : of the fit and shapes stages.
    audit : of the audit stage.
    referee : of the referee stage; empty, only the knots are told.
    simulation : of `make simulate`; without it the caveat has no power.
    """
    bullets = (
        curve_sentence(estimates),
        shape_reason(estimates, audit, referee),
        rival_sentence(estimates, audit, simulation),
    )
    return "\n".join(
        [
            QUESTION,
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
    """Whether a U is shown, and what both questions come to: higher at both ends; a fall, then a rise."""
    shape, higher = shape_of_model(estimates, PRIMARY.model), ends_are_higher(estimates)
    if shape["verdict"] == U:
        levels = "both ends have" if higher else "though it is not shown that both ends have"
        return f"A U is shown: the curve falls, then rises; {levels} more neuropathy than the middle."
    if higher:
        return f"No U is shown. Both ends have more neuropathy than the middle, but {_unmet_words(shape)}."
    return "No U is shown, and neither is more neuropathy at both ends than in the middle."


def _unmet_words(shape: pd.Series) -> str:
    """The first part of the rule that is not met, after "but"."""
    if shape["verdict"] == NO_DEPARTURE:
        return "no bend is shown"
    ends = [name for end, name in SLOPES.items() if shape[f"end_slopes_{end}_p"] >= ALPHA]
    if ends:
        return f"{' and '.join(ends)} may be chance"
    if shape["two_lines_p"] >= ALPHA:
        return "two straight lines do not show a fall and a rise"
    return "the lowest point may lie at an end"


def curve_sentence(estimates: Frames) -> str:
    """The curve as percentages, then as odds ratios, at both ends and in the middle."""
    row, (low, high) = rows_of_model(estimates, PRIMARY.model), _ends(estimates)
    at_low, at_high = (_risk(estimates, point["x"]) for point in (low, high))
    middle = percent(at_low["prevalence"] - at_low["difference"])
    return (
        f"Adjusted, {middle} of {describe_people(row)} have neuropathy at {format_intake(row['reference'])} "
        f"{row['unit']}, {percent(at_low['prevalence'])} at {format_intake(low['x'])}, odds ratio "
        f"{format_odds_ratio(low)}, {percent(at_high['prevalence'])} at {format_intake(high['x'])}, "
        f"{format_odds_ratio(high)}."
    )


def shape_reason(estimates: Frames, audit: Frames, referee: pd.DataFrame) -> str:
    """Which choices would have made the verdict another one, and which; and how many specifications find a U."""
    verdict = shape_of_model(estimates, PRIMARY.model)["verdict"]
    other = {words: verdicts - {verdict} for words, verdicts in verdicts_by_choice(estimates, referee).items()}
    if verdict == U:
        lost = [words for words, verdicts in other.items() if verdicts]
        told = [f"{_choices_words(lost)} can undo it"] if lost else []
    else:
        to_u = [words for words, verdicts in other.items() if U in verdicts]
        to_line = [words for words, verdicts in other.items() if NO_DEPARTURE in verdicts and words not in to_u]
        told = [
            f"{_choices_words(words)} {what}"
            for words, what in ((to_u, "can make it a U"), (to_line, "no bend" if to_u else "can leave no bend"))
            if words
        ]
    return f"{sentence(', '.join(told) or 'no choice asked for changes that')}; {_specifications_words(audit)}."


def _specifications_words(audit: Frames) -> str:
    whole = audit["verdict_shares"].query("choice == 'all'").set_index("verdict")
    return f"{percent(whole['share'].get(U, 0.0))} of {whole['n'].sum():,} specifications find a U"


def _choices_words(words: list[str]) -> str:
    """Choices as a list that says "other" once: "other knots, ends or recall correction"."""
    return list_words(words, "or").replace(", other ", ", ").replace(" or other ", " or ")


def rival_sentence(estimates: Frames, audit: Frames, simulation: Frames) -> str:
    """Whether a bend is left once energy is adjusted for, and how many of the ways to do so would miss most bends."""
    p, label = energy_p(audit), rows_of_model(estimates, PRIMARY.model)["exposure_label"]
    if p["none"] >= ALPHA:
        return f"No bend of {label} is shown that energy could explain."
    gone = [form for form in ADJUSTMENTS if p[form] >= ALPHA]
    if not gone:
        return f"Energy does not explain it: the bend of {label} stays in each adjustment."
    some = "all" if len(gone) == len(ADJUSTMENTS) else f"{NUMBERS[len(gone)]} of"
    verb = "leaves" if len(gone) == 1 else "leave"
    blind = blind_words(gone, simulation)
    return (
        f"Energy could explain it: {some} {NUMBERS[len(ADJUSTMENTS)]} adjustments {verb} no bend"
        f"{f' ({blind})' if blind else ''}."
    )


def blind_words(forms: list[str], simulation: Frames) -> str:
    """How many of some forms of energy adjustment would miss most bends as deep as magnesium's; nothing if none would.

    Parameters
    ----------
    forms : of energy adjustment, as in ``energy_forms`` of the audit.
    simulation : of `make simulate`; without it nothing is told.
    """
    if not simulation:
        return ""
    asked = simulation["energy_forms"].query("truth == 'magnesium as fitted' and test == 'nonlinear'")
    kept = asked.set_index("form")["rate"]
    blind = int((kept[forms] < 1 / 2).sum())
    return f"{NUMBERS[blind] if blind < len(forms) or blind == 1 else 'all'} would miss most" if blind else ""


def missed_sentence(simulation: Frames) -> str:
    """How many true Us as deep as the fitted curve the rule would miss, to follow a sentence."""
    if not simulation:
        return ""
    return f" {sentence(missed_share(simulation))} such Us are missed, {missed_usual(simulation)}."


def missed_share(simulation: Frames) -> str:
    """The share of true Us as deep as the fitted curve that the rule misses, as people say it: "two in three"."""
    rates = simulation["shapes"].set_index(["rule", "curve"])["rate"]
    return _share_words(1 - rates["verdict U, by draws", AS_FITTED])


def missed_usual(simulation: Frames) -> str:
    """The same where usual intake draws the outcome, and one day of it is what is analysed.

    The end slopes alone are a part of the rule: the whole of it misses more.
    """
    rates = simulation["questions"].set_index(["curve", "curve_of", "question", "ends"])["rate"]
    return f"{_share_words(1 - rates[AS_FITTED, ON_USUAL, FALLS_THEN_RISES, ends_name(RANGE)])} of usual intake"


def _share_words(share: float) -> str:
    return min(FRACTIONS, key=lambda name: abs(FRACTIONS[name] - share))


def verdicts_by_choice(estimates: Frames, referee: pd.DataFrame) -> dict[str, set[str]]:
    """Verdicts of the primary study by other choices of what no protocol can settle, in the words of `CHOICES`."""
    found = {"knots": set(estimates["knots"].query("form == 'spline' and knot_quantiles == 'unweighted'")["verdict"])}
    if not referee.empty:
        asked = {name: referee[referee["question"] == name] for name in CHOICES if name not in found}
        found |= {name: set(rows["verdict"].dropna()) for name, rows in asked.items()}
    words = CHOICES | ({"under-reporting": FEWER} if _fewer_suffice(referee) else {})
    return {words[name]: found[name] for name in CHOICES if name in found}


def _fewer_suffice(referee: pd.DataFrame) -> bool:
    """Whether leaving out as many people as under-report, whoever they are, can lose the bend too."""
    if referee.empty:
        return False
    others = referee["done"].str.startswith(AT_RANDOM) & (referee["question"] == "under-reporting")
    return bool(others.any() and (referee.loc[others, "nonlinear_p"] >= ALPHA).all())


def _ends(estimates: Frames) -> list[pd.Series]:
    row = rows_of_model(estimates, PRIMARY.model)
    return [nearest_point(estimates, row, quantile) for quantile in ("p05", "p95")]


def _risk(estimates: Frames, x: float) -> pd.Series:
    risks = estimates["prevalence"].query("model == @PRIMARY.model and tabulated")
    return risks.loc[(risks["x"] - x).abs().idxmin()]
