"""Whether the shape is the exposure's own, in words and tables: other nutrients, positive and negative controls.

Every number comes from the frames of the audit stage, and every sentence has a wording for either outcome.
"""

import dataclasses

import pandas as pd

from analysis.audit.joint_test import NO_ANSWER
from analysis.audit.specifications import CHOICES, cell_of
from analysis.audit.specificity import FALSE_DISCOVERIES, HEAPED, NEGATIVE_CONTROLS
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS, exposure_label, exposure_unit, is_intake
from analysis.dose_response.energy import ENERGY
from analysis.report.words.energy import split_forms
from analysis.report.words.numbers import (
    FORM_WORDS,
    NUMBERS,
    as_markdown,
    format_intake,
    format_p,
    list_words,
    ordinal,
    p_number,
    p_words,
    sentence,
)
from analysis.report.words.reasons import plain_reason
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA, U
from analysis.study import PRIMARY, Study


def specificity_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """Where the exposure stands among the nutrients, as it is and with energy adjusted for."""
    place = audit["specificity_place"].set_index("form")
    own = place.loc["none"]
    label = exposure_label(study.exposure)
    first = "" if own["nonlinear_rank"] == 1 else f"; the first is {own['top']}"
    return (
        f"{answerable_words(audit, study)} In order of the non-linear p {label} {_rank_words(own)}{first} (p "
        f"{format_p(own['top_p'])}). At a false-discovery rate of {100 * FALSE_DISCOVERIES:g} % "
        f"{bend_words(own['discoveries'], ' of them')} ({own['discoveries_dependent']} by a rule that holds however "
        f"they go together). {_u_named(u_nutrients(audit, 'none'))} {_adjusted_words(place, label)}"
        f"{_own_words(place, label)}"
    )


def bend_words(number: int, of: str = "") -> str:
    """How many bend: "19 of them bend", "1 bends", "none of 47 bends"."""
    return f"{number or 'none'}{of} bend{'s' if number < 2 else ''}"


def _rank_words(row: pd.Series) -> str:
    return "has no place" if pd.isna(row["nonlinear_rank"]) else f"is {ordinal(row)}"


def answerable_words(audit: Frames, study: Study = PRIMARY) -> str:
    """How many of the nutrients and energy have a curve as they are."""
    as_it_is = audit["specificity"].query("kind == 'nutrient' and form == 'none'")
    tested, every = int(audit["specificity_place"].set_index("form").loc["none", "tested"]), len(as_it_is)
    few = "".join(f"; {words}" for words in _untested(as_it_is.loc[as_it_is["nonlinear_p"].isna(), "reason"]))
    beside = (
        f", energy and {exposure_label(study.exposure)}" if study.exposure not in NUTRIENT_COLUMNS else ", and energy"
    )
    nutrients = every - (2 if study.exposure not in NUTRIENT_COLUMNS else 1)
    return f"Of {nutrients} nutrients{beside}, {tested} could be tested as they are{few}."


def _untested(reasons: pd.Series) -> list[str]:
    """How many exposures could not be tested, by the reason."""
    told = reasons[reasons.fillna("") != ""].map(plain_reason).value_counts()
    words = {reason: NUMBERS[n] if n < len(NUMBERS) else str(n) for reason, n in told.items()}
    return [
        f"in {n} the knots coincide, because many people had none" if "knots" in reason else f"{n} could not ({reason})"
        for reason, n in words.items()
    ]


def _adjusted_words(place: pd.DataFrame, label: str) -> str:
    adjusted = place.drop("none")
    if adjusted.empty:  # of energy itself
        return ""
    told = "; ".join(
        f"{FORM_WORDS[str(form)]}, {bend_words(row['discoveries'], ' of ' + str(row['tested']))} ({label} "
        f"{_rank_words(row).removeprefix('is ')})"
        for form, row in adjusted.iterrows()
    )
    return f"With energy adjusted for: {told}. "


def _own_words(place: pd.DataFrame, label: str) -> str:
    """Whether the bend is the exposure's own: among the discoveries, alone there, and still there without energy."""
    found = place["nonlinear_q"] < FALSE_DISCOVERIES
    if pd.isna(place.loc["none", "nonlinear_p"]):
        return f"Whether {label} bends is not answered."
    if place.loc["none", "nonlinear_p"] >= ALPHA:
        return f"No bend of {label} is shown."
    if not found["none"]:
        return f"The bend of {label} is not among the discoveries."
    others = int(place.loc["none", "discoveries"]) - 1
    first = (
        f"The bend is shared with {others} other{'s' * (others != 1)}"
        if others
        else f"Of all of these {label} alone bends"
    )
    kept, lost = split_forms(found.drop("none"))
    if not kept and not lost:
        return f"{first}."
    if not kept:
        return f"{first}, and is not among the discoveries once energy is adjusted for in any of these ways."
    if not lost:
        return f"{first}, and stays among the discoveries in each way of adjusting for energy."
    return f"{first}; it stays among the discoveries {list_words(kept)}, not {list_words(lost, 'or')}."


def specificity_table(audit: Frames) -> pd.DataFrame:
    """Place of the exposure by form, and how many nutrients bend or are a U."""
    place = audit["specificity_place"]
    return pd.DataFrame(
        {
            f"{exposure_label(PRIMARY.exposure)}, p": place["nonlinear_p"].map(p_number).tolist(),
            "q": place["nonlinear_q"].map(p_number).tolist(),
            "rank": [f"{row.nonlinear_rank} of {row.tested}" for row in place.itertuples()],
            "bend, energy among them": place["discoveries"].astype(str).tolist(),
            "verdict U": [_u_words(audit, str(form)) for form in place["form"]],
            "first": [f"{row.top}, p {format_p(row.top_p)}" for row in place.itertuples()],
        },
        index=pd.Index([FORM_WORDS[form] for form in place["form"]]),
    )


def heaped_table(audit: Frames) -> pd.DataFrame:
    """Nutrients whose knots coincide, under knots by Hmisc's rule: not counted among the others."""
    every = audit["specificity"]
    heaped = every[every["kind"] == HEAPED]
    return pd.DataFrame(
        {
            "energy": [FORM_WORDS[form] for form in heaped["form"]],
            "without any of it, %": (100 * heaped["zero_share"]).map("{:.0f}".format).tolist(),
            "knots placed": heaped["knots"].map("{:.0f}".format, na_action="ignore").fillna(NO_ANSWER).tolist(),
            "non-linear p": p_words(heaped["nonlinear_p"]),
            "verdict": heaped["verdict"].fillna(NO_ANSWER).tolist(),
        },
        index=pd.Index(heaped["label"].tolist()),
    )


def _u_named(named: list[str]) -> str:
    return f'The verdict is "U" for {f"{len(named)} of them ({list_words(named)})" if named else "none of them"}.'


def u_nutrients(audit: Frames, form: str) -> list[str]:
    """The nutrients whose curve the rule calls a U under one way of adjusting for energy."""
    every = audit["specificity"]
    return list(every.loc[(every["kind"] == "nutrient") & (every["form"] == form) & (every["verdict"] == U), "label"])


def _u_words(audit: Frames, form: str) -> str:
    named = u_nutrients(audit, form)
    return f"{len(named)}: {list_words(named)}" if named else "0"


def controls_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """Whether the method finds what is known, and whether what intake cannot cause bends too."""
    own = _negative_words(audit, exposure_label(study.exposure), _low_point(audit, study), study)
    return f"{_positive_words(audit, study)} {own}"


def _positive_words(audit: Frames, study: Study) -> str:
    """Whether the method finds what is known; a control without an estimate is neither found nor missed."""
    every = audit["specificity"]
    positive = every[every["kind"] == "positive control"]
    if positive.empty:
        return f"Of what is known to go with {study.disease} nothing was asked."
    without = positive[positive["overall_p"].isna()]
    missed = positive.loc[positive["overall_p"] >= ALPHA, "label"].unique()
    found = positive[~positive["label"].isin([*missed, *without["label"]])]
    told = []
    if len(missed):
        largest = format_p(positive.loc[positive["label"].isin(missed), "overall_p"].max())
        told.append(
            f"The method misses what is known: {list_words(list(missed))} (largest p {largest}). So what is not shown "
            "here may be there all the same."
        )
    elif len(found):
        names = list(found["label"].unique())
        go = "goes" if len(names) == 1 else "go"
        told.append(
            f"The method finds what is known: {list_words(names)} {go} with neuropathy (largest p "
            f"{format_p(found['overall_p'].max())}), with energy as a spline too."
        )
    if len(without):
        told.append(f"Whether the method finds {_without_answer(without, 'label', 'or')} is not answered.")
    return " ".join(told)


def _without_answer(rows: pd.DataFrame, column: str, last: str = "and") -> str:
    """Names of controls that have no estimate, with the reasons."""
    reasons = dict.fromkeys(plain_reason(str(reason)) for reason in rows["reason"].dropna() if reason)
    names = list_words(list(dict.fromkeys(rows[column])), last)
    return f"{names} ({'; '.join(reasons)})" if reasons else names


def bent_controls(audit: Frames, study: Study = PRIMARY) -> pd.Series:
    """Low point of each outcome that intake cannot have caused, by its words; empty where it does not bend.

    Outcomes without an estimate are left out.
    """
    plain = _negative(audit, "none", study).dropna(subset="nonlinear_q")
    return plain["nadir"].where(plain["nonlinear_q"] < FALSE_DISCOVERIES)


def _negative(audit: Frames, form: str, study: Study) -> pd.DataFrame:
    """Negative controls of the exposure under one form, by the outcome's words."""
    every = audit["specificity"]
    of_form = (every["kind"] == "negative control") & (every["form"] == form)
    found = every[of_form & (every["exposure"] == study.exposure)]
    return found.set_index(found["label"].str.removesuffix(f" by {exposure_label(study.exposure)}"))


def _negative_words(audit: Frames, label: str, own: str, study: Study) -> str:
    plain, adjusted = _negative(audit, "none", study), _negative(audit, "spline", study)
    bends, bends_itself = bent_controls(audit, study).notna(), own_bend(audit)
    bent, straight = plain.loc[bends.index[bends]], list(bends.index[~bends])
    without = plain[plain["nonlinear_q"].isna()].rename_axis("outcome words").reset_index()
    left = f" Not answered: {_without_answer(without, 'outcome words')}." if len(without) else ""
    these = uncaused_words(study)
    if bent.empty and not straight:
        return f"Whether {these} bend with {label} is not known.{left}"
    if bent.empty:
        sign = ": no sign that the bend comes from how people live, which does not exclude it" if bends_itself else ""
        return f"None of the {these} bends with {label} ({list_words(straight, 'or')}){sign}.{left}"
    unit = exposure_unit(study.exposure)
    parts = [
        f"{name} (p {format_p(row['nonlinear_p'])}; "
        + (f"with energy as a spline p {format_p(adjusted.loc[name, 'nonlinear_p'])}; " if len(adjusted) else "")
        + f"lowest at {format_intake(row['nadir'])} {unit}; {study.disease}'s curve is lowest at {own} {unit})"
        for name, row in bent.iterrows()
    ]
    rest = f" Not so: {list_words(straight)}." if straight else ""
    beside = adjusted_words(audit, study)
    number = NUMBERS[len(bent)].capitalize()
    goes = f"{label} goes with {_bent_covariates(audit, study)}, settled long before the survey"
    if is_intake(study.exposure):
        goes = "what people eat, or say they ate, goes with how they live"
    return (
        f"{number} of {NUMBERS[len(bends)]} {these} "
        f"bend{'s' * (len(bent) == 1)} with {label}{' as well' * bends_itself}: {'; '.join(parts)}."
        f"{rest}{left} So {goes}, and not along a straight line; a bend alone shows no cause. {sentence(beside)}."
    )


def uncaused_words(study: Study) -> str:
    """The outcomes of the negative controls: what is no intake was not recalled of a day."""
    if is_intake(study.exposure):
        return "outcomes that the recalled day cannot have caused"
    return "outcomes that were settled long before the survey"


def adjusted_words(audit: Frames, study: Study = PRIMARY) -> str:
    """What becomes of the disease's own bend when the bent controls' covariates are in the model."""
    cell = dataclasses.replace(cell_of(study), covariates="2 + height")
    found = audit["specifications"]
    for name in CHOICES:
        found = found[found[name] == getattr(cell, name)]
    p = found["nonlinear_p"].iloc[0]
    told = NO_ANSWER if pd.isna(p) else f"p {format_p(p)}"
    whose = f"{study.disease}'s own bend" if own_bend(audit) else f"the non-linear test of {study.disease}'s own curve"
    return f"adjusted for {_bent_covariates(audit, study)} and the rest of model {cell.covariates}, {whose} has {told}"


def own_bend(audit: Frames) -> bool:
    """Whether the study's own curve, as it is, is shown to bend."""
    return bool(audit["specificity_place"].set_index("form").loc["none", "nonlinear_p"] < ALPHA)


def _bent_covariates(audit: Frames, study: Study) -> str:
    """What the negative controls that bend are made of: "education and height"."""
    bent = _negative(audit, "none", study).loc[bent_controls(audit, study).dropna().index, "outcome"]
    return list_words([NEGATIVE_CONTROLS[name].covariate.removesuffix("_cm") for name in bent])


def _low_point(audit: Frames, study: Study) -> str:
    cells = audit["specificity"].query("kind == 'nutrient' and form == 'none'").set_index("exposure")
    return format_intake(cells.loc[study.exposure, "nadir"])


def controls_table(audit: Frames) -> pd.DataFrame:
    """Controls with their tests, without energy and with it as a spline."""
    every = audit["specificity"]
    controls = every[~every["kind"].isin(("nutrient", HEAPED)) & (every["exposure"] != ENERGY)]
    return pd.DataFrame(
        {
            "control": controls["label"].tolist(),
            "energy": ["" if form == "none" else "spline" for form in controls["form"]],
            "people": controls["n"].map("{:,.0f}".format).tolist(),
            "overall p": p_words(controls["overall_p"]),
            "non-linear p": p_words(controls["nonlinear_p"]),
            "verdict": controls["verdict"].fillna(NO_ANSWER).tolist(),
            "why the recalled day cannot have caused it": [
                NEGATIVE_CONTROLS[name].reason if name in NEGATIVE_CONTROLS else "" for name in controls["outcome"]
            ],
        },
        index=pd.Index(controls["kind"].tolist()),
    )


def controls_markdown(audit: Frames) -> str:
    """The table of `controls_table` as Markdown, which wraps its long cells."""
    return as_markdown(controls_table(audit))
