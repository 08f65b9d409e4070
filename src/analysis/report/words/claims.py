"""The article's claims, each with what the results say of it."""

import math

import pandas as pd

from analysis.report.words import energy as energy_words
from analysis.report.words.bottom_line import NEEDED, bottom_line, energy_p
from analysis.report.words.energy import FORM_WORDS, split_forms
from analysis.report.words.numbers import (
    NO_DEPARTURE,
    VERDICT_WORDS,
    Audit,
    as_markdown,
    format_intake,
    format_odds_ratio,
    format_p,
    percent,
)
from analysis.report.words.shape import PER, shape_of_model
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

NOT_ANALYSED = "not analysed here"
ADJUSTED = "2"
"""Model whose covariates' own odds ratios are told."""

CAUSES = {
    "has_diabetes": ("diabetes", "", 1.0),
    "alcohol_heavy": ("heavy drinking", " against never", 1.0),
    "age_years": ("age", ", for ten years", 10.0),
    "bmi_kg_m2": ("BMI", ", for 5 kg/m²", 5.0),
}
"""Terms of other causes, their words, and the difference the odds ratio is told for."""


# ---- the claims
def claims_table(estimates: Frames, audit: Audit) -> pd.DataFrame:
    """The article's nine claims: what was analysed, what the data say, and a verdict no stronger than they are.

    Parameters
    ----------
    estimates, audit : as `bottom_line`.
    """
    if any(name not in audit for name in NEEDED):
        return pd.DataFrame()
    rows = {
        "1. Neuropathy is U-shaped in intake: the lowest and highest have more": _u_shape(estimates, audit),
        "2. Deficiency is the primary risk": _left_arm(estimates, audit),
        "3. Excess from food alone rarely harms; it comes from supplements, antacids, laxatives": _right_arm(
            estimates, audit
        ),
        "4. Diabetics lose magnesium and suffer more from a deficit": _not_analysed(),
        "5. Kidney function decides who accumulates it": _not_analysed(),
        "6. Alcohol, drugs and gut disease deplete it": _not_analysed(),
        "7. Which foods are rich in it": _not_analysed(),
        "8. Neuropathy has other causes: diabetes, alcohol, B12, toxins": _other_causes(estimates),
        "9. Balance, not more is better": _balance(estimates, audit),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["analysis", "what the data say", "verdict"])
    return table.rename_axis("claim")


def claims_markdown(estimates: Frames, audit: Audit) -> str:
    """The table of `claims_table` as Markdown, which wraps its long cells."""
    table = claims_table(estimates, audit)
    return bottom_line(estimates, audit) if table.empty else as_markdown(table)


def _not_analysed() -> tuple[str, str, str]:
    return ("none so far", "", NOT_ANALYSED)


def _u_shape(estimates: Frames, audit: Audit) -> tuple[str, str, str]:
    shape, shares = shape_of_model(estimates, PRIMARY.model), audit["verdict_shares"].query("choice == 'all'")
    u = shares.set_index("verdict").loc["U", "share"]
    odds = " and ".join(format_odds_ratio(point) for point in _ends(audit))
    say = (
        f"odds ratio at the 5th and 95th percentile {odds}; slope down at the low end p "
        f"{format_p(shape['end_slopes_low_p'])}, up at the high end p {format_p(shape['end_slopes_high_p'])}; two "
        f"lines p {format_p(shape['two_lines_p'])}; a U in {percent(u)} of {shares['n'].sum():,} "
        "specifications"
    )
    verdict = {
        "U": "U shown in the primary analysis",
        NO_DEPARTURE: VERDICT_WORDS[NO_DEPARTURE],
    }.get(shape["verdict"], "bends; that it is a U is not shown")
    return ("curve, end slopes, two lines, lowest point; every specification", say, verdict)


def _left_arm(estimates: Frames, audit: Audit) -> tuple[str, str, str]:
    forms = audit["energy_forms"].set_index("form")
    kept, lost = split_forms(forms["end_low_p"] < ALPHA)
    told = "; ".join(f"p {format_p(row['end_low_p'])} {FORM_WORDS[str(form)]}"
                     for form, row in forms.drop("none").iterrows())  # fmt: skip
    found = f"a fall at the low end is shown {', '.join(kept)}" if kept else "a fall at the low end is not shown"
    not_shown = f"; not shown {', '.join(lost)}" if kept and lost else ""
    return (
        "slope and odds ratio at the 5th percentile; intake against requirements is not analysed here",
        f"{_end(estimates, audit, 'low')}. Slope with energy adjusted for: {told}",
        f"{found}{not_shown}. Low intake on one day is not deficiency",
    )


def _right_arm(estimates: Frames, audit: Audit) -> tuple[str, str, str]:
    shape, high = shape_of_model(estimates, PRIMARY.model), _ends(audit)[1]
    above = "more neuropathy there than in the middle" if high["conf_low"] > 1 else "no more neuropathy there is shown"
    rises = "is shown" if shape["end_slopes_high_p"] < ALPHA else "is not shown"
    return (
        "slope and odds ratio at the 95th percentile, food alone",
        _end(estimates, audit, "high"),
        f"food: {above}, that it still rises there {rises}; supplements, antacids, laxatives: {NOT_ANALYSED}",
    )


def _ends(audit: Audit) -> list[pd.Series]:
    """The primary curve at the 5th and the 95th percentile."""
    return [energy_words.at_percentile(audit["energy_curves"], "none", percentile) for percentile in (5, 95)]


def _end(estimates: Frames, audit: Audit, end: str) -> str:
    """Odds ratio at one end of the primary curve and its slope there."""
    shape = shape_of_model(estimates, PRIMARY.model)
    row = estimates["models"].set_index("model").loc[PRIMARY.model]
    point = _ends(audit)[("low", "high").index(end)]
    return (
        f"odds ratio {format_odds_ratio(point)} at {format_intake(point['x'])} {row['unit']} against "
        f"{format_intake(row['reference'])}; slope there {PER * shape[f'end_slopes_{end}']:+.2f} log odds for {PER} "
        f"{row['unit']} more (one-sided p {format_p(shape[f'end_slopes_{end}_p'])})"
    )


def _other_causes(estimates: Frames) -> tuple[str, str, str]:
    fits = estimates["fits"].query("model == @ADJUSTED").set_index("term")
    causes = {term: words for term, words in CAUSES.items() if term in fits.index}
    odds = {term: format_odds_ratio(_odds(fits.loc[term], units)) for term, (_, _, units) in causes.items()}
    told = [f"{name}{per} {odds[term]}" for term, (name, per, _) in causes.items()]
    higher = (fits["p_value"] < ALPHA) & (fits["estimate"] > 0)
    shown = [name for term, (name, _, _) in causes.items() if higher[term]]
    others = [name for term, (name, _, _) in causes.items() if not higher[term]]
    p = shape_of_model(estimates, ADJUSTED)["nonlinear_p"]
    verdict = [f"{what}: {', '.join(words)}" for what, words in (("shown", shown), ("not shown", others)) if words]
    return (
        "odds ratios of the covariates of model 2, each adjusted for the others; the curve adjusted for them",
        f"{'; '.join(told)}. Non-linear test of the curve beside them: p {format_p(p)}",
        f"{'; '.join(verdict)}; B12, toxins: {NOT_ANALYSED}. Associations, none of them shown to be causes",
    )


def _odds(row: pd.Series, per: float) -> pd.Series:
    """Odds ratio with its interval for a difference of so many units."""
    names = {"estimate": "odds_ratio", "conf_low": "conf_low", "conf_high": "conf_high"}
    return pd.Series({to: math.exp(per * row[name]) for name, to in names.items()})


def _balance(estimates: Frames, audit: Audit) -> tuple[str, str, str]:
    is_u = shape_of_model(estimates, PRIMARY.model)["verdict"] == "U"
    kept, lost = split_forms(energy_p(audit).drop("none") < ALPHA)
    low, high = (point["conf_low"] > 1 for point in _ends(audit))
    words = {(True, True): "both ends", (True, False): "the low end", (False, True): "the high end"}
    ends = words.get((low, high), "no end")
    shown = [f"{words} {', '.join(forms)}" for words, forms in (("shown", kept), ("not shown", lost)) if forms]
    say = (
        f"odds above the middle's at {ends} of intake; the rule for a U is {'met' if is_u else 'not met'}; with energy "
        f"adjusted for, the bend is {'; '.join(shown)}"
    )
    verdict = "a U, as an association; whose it is is not shown" if is_u else "neither shown nor refuted"
    return ("all of the above", say, verdict)
