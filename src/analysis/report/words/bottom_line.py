"""What the audit comes to: the README's paragraph, and the article's claims with what the data say of each."""

import pandas as pd

from analysis.audit.specificity import FALSE_DISCOVERIES
from analysis.data.people.vocabulary import exposure_label, is_intake
from analysis.dose_response.energy import ENERGY
from analysis.report.words import audit as audit_words
from analysis.report.words import simulation as simulation_words
from analysis.report.words import specificity as specificity_words
from analysis.report.words.numbers import (
    NUMBERS,
    format_intake,
    format_p,
    list_words,
    ordinal,
    p_at_most,
    sentence,
)
from analysis.report.words.shape import shape_of_model
from analysis.report.words.specificity import bend_words
from analysis.report.words.units import without_units
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA, U
from analysis.study import PRIMARY, Study

NEEDED = ("energy_forms", "energy_curves", "energy_tests", "cycle_shapes", "cycle_heterogeneity", "psu_shape",
          "specificity")  # fmt: skip
"""Frames that a whole audit has; those of the specifications are always there. One that found no answer takes no
other's conclusion away."""

NOTHING: Frames = {}

RATE = f"a false-discovery rate of {100 * FALSE_DISCOVERIES:g} %"

ADJUSTMENTS = {
    "linear": "beside a straight line of energy",
    "spline": "beside a spline of energy",
    "residual": "as residual on energy",
    "density": "per 1,000 kcal",
}
"""Energy forms in few words."""

AMONG_NUTRIENTS = {"spline": "beside a spline", "residual": "as residual", "density": "per 1,000 kcal"}
"""The forms that every nutrient is put through, in fewer."""


# ---- the bottom line
def bottom_line(estimates: Frames, audit: Frames, simulation: Frames = NOTHING) -> str:
    """The primary study's: what stands, what does not, what that can mean; what has no answer with its reason.

    Parameters
    ----------
    estimates : of the fit and shapes stages.
    audit : frames of `analysis.pipeline.results.read_audit`.
    simulation : of `analysis.pipeline.results.read_simulation`, for the power of the rule; without it none is told.
    """
    study = PRIMARY
    judgement, numbers = _reproduced(estimates, audit, study)
    told = [f"{judgement} ({numbers}).", _verdicts(audit, simulation)]
    if "specificity" in audit:
        told.append(f"{_shared(audit, study)}{_control(estimates, audit, study)}")
    if "energy_forms" in audit:
        told.append(_beside_energy(audit, study))
    if "cycle_heterogeneity" in audit:
        told.append(audit_words.differ_words(audit))
    told.append(_meaning(estimates, audit, study))
    return " ".join([*told, audit_words.unanswered_words(audit, *NEEDED)]).strip()


def summary(estimates: Frames, audit: Frames, *, study: Study, referee: str) -> str:
    """What a page says before its sections, which have the numbers: what stands, and what that can mean.

    Parameters
    ----------
    estimates : models, tests, odds_ratio_curve and shape of the study.
    audit : its frames of `analysis.audit.questions.audit_frames`.
    study : whose audit it is.
    referee : what the referee's questions come to; empty if none was asked.
    """
    told = [f"{_reproduced(estimates, audit, study)[0]}.", _most_words(audit)]
    if "specificity" in audit:
        told.append(_alone(audit, study))
    if "cycle_heterogeneity" in audit:
        told.append(f"{audit_words.cycles_judgement(audit)}.")
    return " ".join([*told, *([referee] if referee else []), _meaning(estimates, audit, study)])


def _most_words(audit: Frames) -> str:
    """Whether most specifications find a U, and whether together they say more than chance would."""
    tests = audit_words.joint_tests(audit["joint_test"], primary=True)
    together = audit_words.together_words(tests.loc[tests["p_value"].idxmin()])
    most, share = _most(audit)
    return f"{most if share else 'No specification finds a U'}; {together}"


def _reproduced(estimates: Frames, audit: Frames, study: Study) -> tuple[str, str]:
    """Whether the curve bends and whom that rests on, and the numbers that say so."""
    p = own_p(estimates, audit, study)
    own = f"non-linear p {format_p(p)}"
    if p >= ALPHA:
        return f"{sentence(_analysis(study))} shows no bend", own
    bends = f"In {_analysis(study)} the curve bends"
    if "psu_shape" not in audit:
        return bends, own
    units = without_units(audit)
    untold = f"; {units.untold()}" if units.untold() else ""
    if not units.told:
        return bends, f"{own}{untold}"
    most = units.most
    if most < ALPHA:
        none = "none of the sampling units told here" if untold else "no single sampling unit"
        return f"{bends}, and {none} carries that", f"without any one of {units.told}, p {p_at_most(most)}{untold}"
    return f"{bends}, but that rests on single sampling units", f"without one of them, p {format_p(most)}{untold}"


def _analysis(study: Study) -> str:
    return "the primary analysis" if study == PRIMARY else "the analysis as asked"


def _verdicts(audit: Frames, simulation: Frames) -> str:
    """The specifications' verdicts, whom those of a U rest on, and whether together they say more than chance would."""
    joint = audit_words.joint_words(audit)
    u = f"{audit_words.u_verdicts_sentence(audit)} {audit_words.ends_sentence(audit)}"
    return f"{_shares(audit, simulation)} {u} {sentence(joint)}"


def _shares(audit: Frames, simulation: Frames) -> str:
    """The specifications' verdicts, and how often the rule finds a U that is there."""
    return f"{_most(audit)[0]}. {audit_words.verdicts_sentence(audit)}{simulation_words.power_words(simulation)}"


def _most(audit: Frames) -> tuple[str, float]:
    """Whether most specifications find a U, and the share that does."""
    n = audit_words.answered(audit["verdict_shares"].query("choice == 'all'")).set_index("verdict")["n"]
    share = float(n[U] / n.sum())
    return f"Most specifications find {'a' if share > 0.5 else 'no'} U", share


def _shared(audit: Frames, study: Study) -> str:
    own = audit["specificity_place"].set_index("form").loc["none"]
    label = exposure_label(study.exposure)
    intake = is_intake(study.exposure)
    what = "nutrients, energy among them," if intake else f"exposures (nutrients, energy and {label})"
    found = f"Of {own['tested']} {what} that could be tested as they are, {bend_words(own['discoveries'])} at {RATE}"
    if pd.isna(own["nonlinear_rank"]):
        return f"{found}, {own['top']} first; {label} could not be tested."
    first = f"{label} first" if own["nonlinear_rank"] == 1 else f"{own['top']} first, {label} {ordinal(own)}"
    return f"{found}, {first}."


def _alone(audit: Frames, study: Study) -> str:
    """Whether the exposure bends among the nutrients, and whether it is alone in that."""
    own = audit["specificity_place"].set_index("form").loc["none"]
    label = exposure_label(study.exposure)
    among = "nutrients, energy among them," if is_intake(study.exposure) else f"nutrients, energy and {label}"
    if pd.isna(own["nonlinear_p"]):
        return f"Whether {label} bends beside the other nutrients could not be tested."
    if not own["discoveries"]:
        return f"At {RATE} none of the {among} bends."
    if own["nonlinear_q"] >= FALSE_DISCOVERIES:
        return f"At {RATE} {label} is not one of those that bend among the {among.removesuffix(',')}."
    if own["discoveries"] == 1:
        return f"At {RATE} {label} alone of the {among} bends."
    first = "it is the first" if own["nonlinear_rank"] == 1 else f"{own['top']} is the first"
    return f"At {RATE} {label} is not the only one of the {among} that bends: {first}."


def _beside_energy(audit: Frames, study: Study) -> str:
    """What each way of adjusting for energy shows of the exposure, and of all nutrients."""
    p = energy_p(audit)
    told = ", ".join(f"{words} p {format_p(p[form])}" for form, words in ADJUSTMENTS.items() if form in p.index)
    found = f"With energy adjusted for, the non-linear test of {exposure_label(study.exposure)} gives: {told}"
    if "specificity_place" not in audit:
        return f"{found}."
    place = audit["specificity_place"].set_index("form")["discoveries"]
    forms = [form for form in AMONG_NUTRIENTS if form in place.index]
    most = place[forms].max()
    left = f"at most {bend_words(most)}" if most else bend_words(most)
    where = list_words([AMONG_NUTRIENTS[form] for form in forms], "or")
    return f"{found}; of all nutrients {left} at {RATE} {where}."


def _control(estimates: Frames, audit: Frames, study: Study) -> str:
    """The negative controls that bend, and whether their low point lies within the interval of the disease's."""
    low_points = specificity_words.bent_controls(audit, study)
    bent, shape = low_points.dropna(), shape_of_model(estimates, study.model)
    if bent.empty:
        return ""
    alike = bent.between(shape["nadir_bootstrap_low"], shape["nadir_bootstrap_high"])
    unit = estimates["models"].set_index("model").loc[study.model, "unit"]
    told = "; ".join(
        f"{name}, with {'a like' if alike[name] else 'another'} shape: lowest at {format_intake(nadir)} {unit}"
        for name, nadir in bent.items()
    )
    verb = f"{'bends' if len(bent) == 1 else 'bend'}{' too' if specificity_words.own_bend(audit) else ''}"
    return (
        f" {sentence(NUMBERS[len(bent)])} of {NUMBERS[len(low_points)]} negative-control outcomes {verb} ({told}); "
        f"{specificity_words.adjusted_words(audit, study)}."
    )


def _meaning(estimates: Frames, audit: Frames, study: Study) -> str:
    df = estimates["models"].set_index("model").loc[study.model, "design_df"]
    label = exposure_label(study.exposure)
    once = "one recalled day beside one examination" if is_intake(study.exposure) else "one examination"
    if own_p(estimates, audit, study) >= ALPHA:
        flat = f"So there is no bend, or one too small to be shown on {df} design degrees of freedom."
        wald = estimates["tests"].query("model == @study.model and method == 'wald'").set_index("test")["p_value"]
        whose = f" Whether {label} causes the association, {once} cannot say: other things go with it."
        return flat + whose * bool(wald["overall"] < ALPHA)
    if study.exposure == ENERGY:
        return (
            "The bend is one of how much people eat, of how much they say they ate, or of how they live: what goes "
            "with energy could draw it too, and these data cannot tell them apart."
        )
    intake = is_intake(study.exposure)
    if "energy_forms" in audit and (energy_p(audit) < ALPHA).all():
        return (
            f"The bend of {label} stays in each way of adjusting for energy. Whether {label} causes it, {once} cannot "
            "say: other things go with it."
        )
    whose = (
        f"how much people eat, of how much they say they ate, of how they live, or of {label}, blurred by a single "
        "recalled day"
        if intake
        else f"{label}, or of how people eat and live, which goes with it"
    )
    return (
        f"The bend may be one of {whose}: these data cannot tell them apart. On {df} design degrees of freedom, not "
        "shown is not shown to be absent."
    )


def own_p(estimates: Frames, audit: Frames, study: Study) -> float:
    """The non-linear p of the study as it is, of all its people.

    What is no intake has forms of energy among those whose energy is known, so that their first may be of fewer people.
    """
    if "psu_shape" in audit:
        return without_units(audit).full
    if "energy_forms" in audit and is_intake(study.exposure):
        return float(energy_p(audit)["none"])
    tests = estimates["tests"].query("model == @study.model and method == 'wald'").set_index("test")["p_value"]
    return float(tests["nonlinear"])


def energy_p(audit: Frames) -> pd.Series:
    """The non-linear p of one form of energy adjustment, in words."""
    return audit["energy_forms"].set_index("form")["nonlinear_p"]
