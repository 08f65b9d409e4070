"""What drains magnesium, what else goes with neuropathy, and the arteries of the legs: each answer in a few sentences.

Every sentence has a wording for either outcome, and no verdict in it is stronger than its interval.
"""

import pandas as pd

from analysis.report.words.numbers import format_odds_ratio, format_p, list_words
from analysis.stats.shape.verdict import ALPHA

PART_WORDS = {
    "part_diuretic": "a diuretic",
    "part_ppi": "a proton-pump inhibitor",
    "part_egfr_60_to_90": "an eGFR of 60 to 90",
    "part_egfr_below_60": "an eGFR below 60",
    "part_heavy_alcohol": "heavy drinking",
}
INDICATION = (
    "Each part of the score goes with the illness for which it is prescribed or which causes it, so an odds ratio may "
    "be that illness's (confounding by indication); no magnesium in blood or body was measured, and whether it is "
    "magnesium that does it cannot be told from these files."
)
CAUSE_WORDS = {
    "has_diabetes": "diabetes",
    "height_10_cm": "height (10 cm)",
    "egfr_below_60": "an eGFR below 60",
    "mma_high": "high methylmalonic acid",
    "b12_below_200": "vitamin B12 below 200 pg/mL",
    "folate_log2": "folate (doubled)",
    "lead_log2": "lead (doubled)",
    "cadmium_log2": "cadmium (doubled)",
    "heavy_alcohol": "heavy drinking",
}


def depletion_words(rows: pd.DataFrame) -> str:
    """The score, what carries it, whether intake matters more to the drained, and what this cannot show.

    Parameters
    ----------
    rows : of `analysis.claims.depletion.depletion`.
    """
    point = rows[(rows["what"] == "per point") & (rows["model"] != "crude")].set_index("model")
    parts = _odds(rows, "parts together", "1")
    named = [f"{PART_WORDS[str(term)]} {format_odds_ratio(row)}" for term, row in parts.iterrows()]
    shown = [PART_WORDS[str(term)] for term, row in parts.iterrows() if row["p_value"] < ALPHA]
    carried = f"only {list_words(shown)} stands out" if len(shown) == 1 else (
        f"{list_words(shown)} stand out" if shown else "none stands out")  # fmt: skip
    test = rows[rows["term"] == "interaction"].iloc[0]
    differ = "differs" if test["p_value"] < ALPHA else "is not shown to differ"
    return (
        f"Each point of the depletion score multiplies the odds of neuropathy by {format_odds_ratio(point.loc['1'])} "
        f"(model 1), with the other covariates of model 2 by {format_odds_ratio(point.loc['2 without alcohol'])}. Of "
        f"its parts in one model, {carried}: {list_words(named)}. The curve of intake {differ} between low and high "
        f"scores (p {format_p(test['p_value'])}). {INDICATION}"
    )


def causes_words(rows: pd.DataFrame) -> str:
    """Which other causes go with neuropathy, and which are not shown to.

    Parameters
    ----------
    rows : of `analysis.claims.causes.causes`.
    """
    odds = _odds(rows, "cause", "1").loc[list(CAUSE_WORDS)]
    groups = {shown: odds[(odds["p_value"] < ALPHA) == shown] for shown in (True, False)}
    told = {
        shown: list_words([f"{CAUSE_WORDS[str(term)]} {format_odds_ratio(row)}" for term, row in group.iterrows()])
        if len(group)
        else "none of them"
        for shown, group in groups.items()
    }
    return f"Beside age, sex and race, neuropathy goes with {told[True]}; not shown: {told[False]}."


def arteries_words(rows: pd.DataFrame) -> str:
    """Arterial disease by quartile of magnesium beside the published number, and with energy.

    Parameters
    ----------
    rows : of `analysis.claims.arteries.arteries`.
    """
    ours = {model: _odds(rows, "quartiles", model).loc["quartile_1"] for model in ("1", "2", "3")}
    published = rows[rows["what"] == "published"].iloc[0]
    above = [model for model, row in ours.items() if row["conf_low"] > 1]
    told = f"in model{'s' * (len(above) > 1)} {list_words(above)} of the three" if above else "in none of the three"
    people = rows[(rows["what"] == "quartiles") & (rows["model"] == "2") & (rows["kind"] == "test")].iloc[0]
    return (
        f"Peripheral arterial disease in the lowest quartile of magnesium against the highest: odds ratio "
        f"{format_odds_ratio(ours['1'])} in model 1 and {format_odds_ratio(ours['2'])} in model 2 ({people['n']:,} "
        f"people), where {published['group'].split(',')[0]} prints {format_odds_ratio(published)} of "
        f"{published['n']:,}. With energy (model 3) it is {format_odds_ratio(ours['3'])}. Its interval "
        f"lies above 1 {told}."
    )


def _odds(rows: pd.DataFrame, what: str, model: str) -> pd.DataFrame:
    """Odds ratios on one thing under one model, by term."""
    chosen = (rows["kind"] == "odds_ratio") & (rows["what"] == what) & (rows["model"] == model)
    return rows[chosen].set_index("term")
