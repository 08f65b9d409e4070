"""Energy adjustment in words: each form, what it finds, and what it would have found."""

import pandas as pd

from analysis.data.people.vocabulary import exposure_label, is_intake
from analysis.report.words.audit import unanswered_words
from analysis.report.words.numbers import FORM_WORDS, format_odds_ratio, format_p, list_words, p_number
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY, Study


# ---- energy
def energy_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """Whether the bend stays when energy is adjusted for, and which of the two bends beside the other.

    What has no answer is named with its reason, beside what has one.
    """
    told = [_forms_words(audit, study)] if {"energy_forms", "energy_curves"} <= set(audit) else []
    told += [_beside_words(audit, exposure_label(study.exposure))] if "energy_tests" in audit else []
    return " ".join([*told, unanswered_words(audit, "energy_forms", "energy_curves", "energy_tests")]).strip()


def _forms_words(audit: Frames, study: Study) -> str:
    """The non-linear p of each form, and the odds ratio at the low end of some."""
    p = audit["energy_forms"].set_index("form")["nonlinear_p"]
    parts = [f"p {format_p(p[form])} {words}" for form, words in FORM_WORDS.items() if form in p.index]
    odds = "; ".join(
        f"{format_odds_ratio(at_percentile(audit['energy_curves'], form, 5))} {FORM_WORDS[form]}"
        for form in ("none", "spline", "density")
        if form in p.index
    )
    known = "" if is_intake(study.exposure) else ", of people whose energy is known"
    return (
        f"Non-linear test of {exposure_label(study.exposure)}{known}: {'; '.join(parts)}. {_kept_words(p)} The odds "
        f"ratio at the 5th percentile against the median: {odds}."
    )


def _kept_words(p: pd.Series) -> str:
    """What becomes of the bend under the energy forms, of their p-values by form."""
    if p["none"] >= ALPHA:
        return "As it is, the curve is not shown to bend, so there is no bend for energy to explain."
    kept, lost = split_forms(p.drop("none") < ALPHA)
    if not lost:
        return "The bend stays whatever is done about energy."
    if not kept:
        return "No way of adjusting for energy leaves a bend that is shown."
    return f"The bend stays {list_words(kept)}; it is not shown {list_words(lost, 'or')}."


def _beside_words(audit: Frames, label: str) -> str:
    p = audit["energy_tests"].query("model == 'additive' and method == 'wald'").set_index("test")["p_value"]
    exposure, energy = p["exposure_nonlinear"], p["energy_nonlinear"]
    found = {
        (True, True): "both bend, each beside the other",
        (True, False): f"{label} bends and energy is not shown to",
        (False, True): f"energy bends and {label} is not shown to",
        (False, False): "neither is shown to bend",
    }[bool(exposure < ALPHA), bool(energy < ALPHA)]
    forms = audit.get("energy_forms")
    bent = forms is not None and forms.set_index("form")["nonlinear_p"]["none"] < ALPHA
    whose = ", so the data do not say which of the two the bend belongs to"
    left = whose if bent and exposure >= ALPHA and energy >= ALPHA else ""
    return (
        f"As splines beside each other, {label} (p {format_p(exposure)}) and energy (p {format_p(energy)}): "
        f"{found}{left}."
    )


def energy_table(audit: Frames) -> pd.DataFrame:
    """Each energy form's odds ratios at the 5th and 95th percentile, its tests and verdict."""
    if unanswered_words(audit, "energy_forms"):
        return pd.DataFrame()
    forms, curves = audit["energy_forms"], audit["energy_curves"]
    columns = {
        f"odds ratio at the {percentile}th percentile": [
            format_odds_ratio(at_percentile(curves, form, percentile)) for form in forms["form"]
        ]
        for percentile in (5, 95)
    }
    tests = {"low end p": "end_low_p", "high end p": "end_high_p", "non-linear p": "nonlinear_p"}
    columns |= {words: forms[name].map(p_number).tolist() for words, name in tests.items()}
    columns["verdict"] = forms["verdict"].tolist()
    return pd.DataFrame(columns, index=pd.Index([FORM_WORDS[form] for form in forms["form"]]))


def estimands_markdown(audit: Frames) -> str:
    """What each energy form estimates, as a list in Markdown."""
    if unanswered := unanswered_words(audit, "energy_forms"):
        return unanswered
    return "\n".join(f"- *{FORM_WORDS[row.form]}.* {row.estimand}" for row in audit["energy_forms"].itertuples())


def at_percentile(curves: pd.DataFrame, form: str, percentile: float) -> pd.Series:
    """The point of an energy form's curve at a percentile of the form's exposure."""
    of_form = curves[curves["form"] == form]
    return of_form.loc[(of_form["percentile"] - percentile).abs().idxmin()]


def split_forms(true: pd.Series) -> tuple[list[str], list[str]]:
    """Words of the forms for which something holds, and of those for which it does not."""
    kept, lost = ([FORM_WORDS[str(form)] for form in true.index[true == wanted]] for wanted in (True, False))
    return kept, lost
