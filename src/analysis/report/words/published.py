"""What was published on the same people, in words: how many numbers are reached, and which claims stand."""

import numpy as np
import pandas as pd

from analysis.data.source.registry import SYNTHETIC
from analysis.report.words.bottom_line import ADJUSTMENTS
from analysis.report.words.numbers import as_markdown, format_p, list_words
from analysis.stats.shape.questions import BOTH_HIGHER
from analysis.stats.shape.verdict import ALPHA

KIND_WORDS = {
    "count": "numbers of people",
    "mean": "means and medians",
    "geometric_mean": "means and medians",
    "median": "means and medians",
    "prevalence": "prevalences",
    "odds_ratio": "odds and risk ratios",
    "risk_ratio": "odds and risk ratios",
}
CLASSES = ("as printed", "close", "not reached", "not identifying")
"""Classes of agreement of a number that was printed and recomputed."""

PLAIN = 0.05
"""A ratio whose limits both lie nearer to 1 is of a single unit, and is told with four decimals."""


def agreement_table(published: pd.DataFrame) -> pd.DataFrame:
    """How many numbers of each kind are in each class of agreement, numbers of people apart from what they tell.

    Parameters
    ----------
    published : of `analysis.validation.studies.agreement.compare_studies`.

    Returns
    -------
    Index kind of number, the last row all; a column a class of `CLASSES`.
    """
    rows = published[published["agreement"].isin(CLASSES)]
    counts = pd.crosstab(rows["kind"].map(KIND_WORDS), rows["agreement"])
    counts = counts.reindex(index=list(dict.fromkeys(KIND_WORDS.values())), columns=list(CLASSES), fill_value=0)
    counts.loc["all"] = counts.sum()
    return counts.rename_axis(index="numbers", columns=None)


def agreement_markdown(published: pd.DataFrame) -> str:
    """The table of `agreement_table` as Markdown."""
    return as_markdown(agreement_table(published))


def misses_sentence(published: pd.DataFrame) -> str:
    """By study, with where it was printed, how many numbers are not reached and of how many, the most first."""
    rows = published[published["agreement"].isin(CLASSES)]
    counts = rows.assign(missed=rows["agreement"] == "not reached").groupby("study", sort=False)["missed"]
    missed, tried = counts.sum(), counts.size()
    ordered = missed[missed > 0].sort_values(ascending=False, kind="stable")
    printed = rows.groupby("study", sort=False)["citation"].first()
    told = [f"{study}, {printed[study]} ({n} of {tried[study]})" for study, n in ordered.items()]
    if not told:
        return "Every printed number is reached."
    return f"Not reached: {'; '.join(told)}."


def reached_markdown(published: pd.DataFrame) -> str:
    """How many of the printed numbers are reached, in a sentence that leads to the table."""
    rows = published[published["agreement"].isin(CLASSES)]
    counts = rows["agreement"].value_counts()
    printed, close, missed, none = (counts.get(name, 0) for name in CLASSES)
    return (
        f"Of {len(rows)} numbers that {publications_words(rows)} printed of these people, {printed} are recomputed "
        f"as printed, {close} closely and {missed} not; {none} would be reached by many definitions "
        "([by kind, and whether the claims among them stand](docs/validation.md#published-on-the-same-people); "
        "[every number](data/processed/estimates/published.csv))."
    )


def publications_words(rows: pd.DataFrame) -> str:
    """How many publications some numbers were printed in, versions of one together: "19 publications"."""
    n = rows["publication"].nunique()
    return f"{n} publication{'' if n == 1 else 's'}"


def errors_sentence(published: pd.DataFrame) -> str:
    """How many of the printed standard errors are ours, and which are not; "" where none was printed."""
    rows = published[published["se_agreement"].isin(CLASSES)]
    if rows.empty:
        return ""
    counts = rows["se_agreement"].value_counts()
    printed, close, missed, _ = (counts.get(name, 0) for name in CLASSES)
    off = [
        f"{row.study}, {row.item} ({row.ours_se:.2g} for {row.published_se})"
        for row in rows[rows["se_agreement"] == "not reached"].itertuples()
    ]
    errors, are = ("error", "is") if len(rows) == 1 else ("errors", "is" if printed == 1 else "are")
    return (
        f"Of {len(rows)} printed standard {errors}, {printed} {are} recomputed as printed, {close} closely "
        f"and {missed} not{f': {list_words(off)}' if off else ''}."
    )


def misses_markdown(published: pd.DataFrame) -> str:
    """What is not reached, numbers and standard errors, as a paragraph."""
    return " ".join(filter(None, (misses_sentence(published), errors_sentence(published))))


MEANINGS = {
    "as printed": "rounds to the printed digits",
    "close": "within 5 % of the printed number and inside its interval",
    "not reached": "further off",
    "not identifying": "agrees, but so would many other definitions",
    "none printed": "nothing to compare with",
    "not recomputed": "the file says why",
}


def agreement_sentences(published: pd.DataFrame) -> list[str]:
    """How the numbers of a reader's own files agree, and why some have no estimate; ``published`` with its ``data``."""
    counts = published["agreement"].value_counts()
    told = [f"{counts[name]} {name} ({meaning})" for name, meaning in MEANINGS.items() if name in counts]
    sentences = [f"Of {len(published)} {'number' if len(published) == 1 else 'numbers'}: {'; '.join(told)}."]
    for row in published.itertuples():
        if row.agreement in ("not reached", "not recomputed") or pd.isna(row.ours):
            what = row.agreement if pd.notna(row.ours) or row.agreement == "not recomputed" else "no estimate"
            sentences.append(f"{row.study}, {row.item}: {what}{f': {row.how}' if row.how else ''}.")
    source = str(published["data"].iloc[0])
    if source.startswith(SYNTHETIC):
        sentences.append(f"{source}: no agreement with an invented survey means anything.")
    return sentences


# ---- do they stand?
def stands_sentences(stands: pd.DataFrame) -> list[str]:
    """One sentence a claim, and after those of a study one on trend and shape.

    Parameters
    ----------
    stands : of `analysis.validation.studies.stands.do_they_stand`.
    """
    told = []
    for _, study in stands.groupby("study", sort=False):
        told += [published_sentence(claim) for _, claim in study.groupby("item", sort=False)]
        told.append(rule_sentence(study))
    return told


def published_markdown(stands: pd.DataFrame) -> str:
    """The sentences as a list in Markdown."""
    return "\n".join(f"- {told}" for told in stands_sentences(stands))


def published_sentence(claim: pd.DataFrame) -> str:
    """What becomes of one claim under the energy forms and without each cycle; ``claim`` is its rows."""
    own = claim[claim["own"]].iloc[0]
    parts = [f"{own['study']}, {own['item'].removesuffix(', OR')}: {_ratio(own)} as recomputed{_unless_shown(own)}"]
    energy = claim[claim["variation"] == "energy"].set_index("level")
    if own["level"] != "none":
        plain = energy.loc["none"]
        parts.append(f"{_ratio(plain)} without energy{_unless_shown(plain)}")
    parts.append(_energy_words(energy.drop("none")))
    cycles = claim[claim["variation"] == "cycle"].set_index("level")
    if len(cycles):
        parts.append(_cycles_words(cycles, own))
    if pd.notna(own["other_rule"]):
        parts.append(_other_rule_words(claim, own))
    return f"{'; '.join(parts)}."


def _other_rule_words(claim: pd.DataFrame, own: pd.Series) -> str:
    """What becomes of a claim of neuropathy by the rule that is not its own."""
    names = ("odds_ratio", "conf_low", "conf_high", "p_value", "found")
    other = pd.Series({name: own[f"other_rule_{name}"] for name in names})
    shown = int((claim["other_rule_found"] == "shown").sum())
    return (
        f"by the {own['other_rule']} rule of neuropathy {_ratio(other)} as recomputed{_unless_shown(other)}, and shown "
        f"in {shown} of {len(claim)} fits ({int((claim['found'] == 'shown').sum())} by its own)"
    )


def _energy_words(forms: pd.DataFrame) -> str:
    """Whether the claim is shown where energy is adjusted for."""
    if (forms["found"] == "shown").all():
        return f"with energy adjusted for, shown in each of {len(forms)} forms ({_span(forms)})"
    if not (forms["found"] == "shown").any():
        return f"with energy adjusted for, shown in none of {len(forms)} forms: {_each(forms)}"
    kept, lost = forms[forms["found"] == "shown"], forms[forms["found"] != "shown"]
    return f"with energy adjusted for, shown {_each(kept)}, and not {_each(lost)}"


def _each(forms: pd.DataFrame) -> str:
    return list_words([f"{ADJUSTMENTS[str(form)]} ({_number(row)})" for form, row in forms.iterrows()])


def _cycles_words(cycles: pd.DataFrame, own: pd.Series) -> str:
    """Whether a single cycle carries the claim.

    A claim that is shown, but not without a cycle, hangs on it if its log odds ratio shrinks by a larger share than the
    number of people does; one that changes sign always hangs on the cycle. If the cycles were alike, leaving one out
    would move nothing but by chance: what is lost then is people, and with them only the power to show it.
    """
    lost = cycles[cycles["found"] != "shown"]
    if lost.empty:
        return f"shown without any one cycle ({_span(cycles)})"
    if len(lost) == len(cycles):
        return f"without any one cycle not shown ({_span(cycles)})"
    if own["found"] != "shown":
        return f"{list_words([f'{level} it is {_ratio(row)}' for level, row in lost.iterrows()])}, not shown"
    association = 1 - np.log(lost["odds_ratio"]) / np.log(own["odds_ratio"])
    hangs = association > 1 - lost["n"].astype(float) / float(own["n"])
    parts = []
    if hangs.any():
        names = list_words([str(level).removeprefix("without ") for level in lost.index[hangs]])
        told = list_words([f"{level} it is {_ratio(row)}" for level, row in lost[hangs].iterrows()])
        parts.append(f"it hangs on {names} ({told})")
    if not hangs.all():
        parts.append(f"not shown {list_words([f'{level} ({_ratio(row)})' for level, row in lost[~hangs].iterrows()])}")
    return "; ".join(parts)


def rule_sentence(study: pd.DataFrame) -> str:
    """What trend and shape rule say of a study's claims, over all its variations; a direction only if shown."""
    parts = []
    trends = study.dropna(subset="trend_p").drop_duplicates(["variation", "level", "trend_slope"])
    if len(trends):
        parts.append(_trend_words(trends))
    fits = study.drop_duplicates(["variation", "level", "nonlinear_p"])
    verdicts = []
    for verdict, rows in fits.groupby("verdict", sort=False):
        where = "" if len(rows) == len(fits) else f" ({list_words([_level(row) for _, row in rows.iterrows()])})"
        verdicts.append(f'"{verdict}" in {len(rows)} of {len(fits)}{where}')
    if verdicts:
        parts.append(f"the shape rule finds {list_words(verdicts)}")
    asked = fits.dropna(subset="levels_p")
    if len(asked):
        higher = asked[asked["levels"] == BOTH_HIGHER]
        where = (
            f" ({list_words([_level(row) for _, row in higher.iterrows()])})" if 0 < len(higher) < len(asked) else ""
        )
        parts.append(f"both ends are higher than the median in {len(higher)} of {len(asked)}{where}")
    return f"{study['study'].iloc[0]}, trend and shape: {'; '.join(parts) or 'no fit has an answer'}."


def _trend_words(trends: pd.DataFrame) -> str:
    """The trend over the groups' medians as recomputed, and in how many of all fits one is shown."""
    own = trends[trends["own"]].iloc[0]
    shown, p_value = int((trends["trend_p"] < ALPHA).sum()), format_p(own["trend_p"])
    if own["trend_p"] < ALPHA:
        direction = "rise" if own["trend_slope"] > 0 else "fall"
        return (
            f"over the groups' medians the odds {direction} as recomputed (p {p_value}), a trend shown in {shown} of "
            f"{len(trends)} fits"
        )
    others = f"but in {shown} of {len(trends)} fits" if shown else f"nor in any of the other {len(trends) - 1} fits"
    return f"over the groups' medians no trend is shown as recomputed (p {p_value}), {others}"


def _level(row: pd.Series) -> str:
    return {"none": "without energy", **ADJUSTMENTS}.get(str(row["level"]), str(row["level"]))


def _unless_shown(row: pd.Series) -> str:
    if pd.isna(row["p_value"]):
        return ""
    return "" if row["found"] == "shown" else f", not shown (p {format_p(row['p_value'])})"


def _digits(row: pd.Series) -> int:
    return 4 if max(abs(row["conf_low"] - 1), abs(row["conf_high"] - 1)) < PLAIN else 2


def _number(row: pd.Series) -> str:
    return "without an estimate" if pd.isna(row["odds_ratio"]) else f"{row['odds_ratio']:.{_digits(row)}f}"


def _ratio(row: pd.Series) -> str:
    if pd.isna(row["odds_ratio"]):
        return _number(row)
    if pd.isna(row["conf_low"]):
        return f"{_number(row)} (no interval)"
    low, high = (f"{row[name]:.{_digits(row)}f}" for name in ("conf_low", "conf_high"))
    return f"{_number(row)} ({low} to {high})"


def _span(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset="odds_ratio").sort_values("odds_ratio")
    if known.empty:
        return "without an estimate"
    return f"{_number(known.iloc[0])} to {_number(known.iloc[-1])}"
