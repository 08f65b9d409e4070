"""What the audit comes to: the README's paragraph, and the article's claims with what the data say of each."""

import pandas as pd

from analysis.audit.specificity import FALSE_DISCOVERIES
from analysis.dose_response.energy import ENERGY
from analysis.report.words import audit as audit_words
from analysis.report.words import simulation as simulation_words
from analysis.report.words import specificity as specificity_words
from analysis.report.words.numbers import NUMBERS, format_intake, format_p, list_words, ordinal, sentence
from analysis.report.words.shape import shape_of_model
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY, Study

OF_ENERGY = ("energy_forms", "energy_curves", "energy_tests")
OF_CYCLES = ("cycle_shapes", "cycle_heterogeneity")
NEEDED = (*OF_ENERGY, *OF_CYCLES, "psu_shape")
"""Frames without which the audit comes to nothing, where the study can be asked for them; those of the specifications
and nutrients are always there."""

NOTHING: Frames = {}

ADJUSTMENTS = {
    "linear": "beside a straight line of energy",
    "spline": "beside a spline of energy",
    "residual": "as residual on energy",
    "density": "per 1,000 kcal",
}
"""Energy forms in few words."""


# ---- the bottom line
def bottom_line(estimates: Frames, audit: Frames, simulation: Frames = NOTHING, *, study: Study = PRIMARY) -> str:
    """What reproduces, what does not, and what that can mean, in one paragraph.

    Parameters
    ----------
    estimates : of the fit and shapes stages.
    audit : frames of `analysis.pipeline.results.read_audit`.
    simulation : of `analysis.pipeline.results.read_simulation`, for the power of the rule; without it none is told.
    study : whose audit it is.
    """
    if missing := [name for name in needed_of(study) if name not in audit]:
        return f"The audit is not whole: {list_words(audit_words.tasks_of(missing))} found no answer."
    cycles = f"{audit_words.differ_words(audit)} " if "cycle_shapes" in audit else ""
    found = f"{_reproduced(audit)} {_verdicts(audit, simulation)}"
    return f"{found} {_whose(estimates, audit, study)} {cycles}{_meaning(estimates, audit, study)}"


def needed_of(study: Study) -> tuple[str, ...]:
    """Those of `NEEDED` that a study can have: energy is not adjusted for itself, one cycle has no others."""
    left = (OF_ENERGY if study.exposure == ENERGY else ()) + (OF_CYCLES if len(study.cycles) == 1 else ())
    return tuple(name for name in NEEDED if name not in left)


def _reproduced(audit: Frames) -> str:
    full, without = audit_words.without_units(audit)
    if full >= ALPHA:
        return f"The primary analysis shows no bend (non-linear p {format_p(full)})."
    if without.max() < ALPHA:
        return (
            "In the primary analysis the curve bends, and no single sampling unit carries that (without any one of "
            f"{len(without)}, p at most {without.max():.3f})."
        )
    return (
        "In the primary analysis the curve bends, but that rests on single sampling units (without one of them, p = "
        f"{without.max():.3f})."
    )


def _verdicts(audit: Frames, simulation: Frames) -> str:
    """The specifications' verdicts, whom those of a U rest on, and whether together they say more than chance would."""
    joint = audit_words.joint_words(audit)
    u = f"{audit_words.u_verdicts_sentence(audit)} {audit_words.ends_sentence(audit)}"
    return f"{_shares(audit, simulation)} {u} {sentence(joint)}"


def _shares(audit: Frames, simulation: Frames) -> str:
    """The specifications' verdicts, and how often the rule finds a U that is there."""
    shares = audit["verdict_shares"].query("choice == 'all'").set_index("verdict")["share"]
    most = "Most specifications find a U." if shares["U"] > 0.5 else "Most specifications find no U."
    return f"{most} {audit_words.verdicts_sentence(audit)}{simulation_words.power_words(simulation)}"


def _shared(audit: Frames, study: Study) -> str:
    own = audit["specificity_place"].set_index("form").loc["none"]
    return (
        f"Of {own['tested']} nutrients, energy among them, that could be tested as they are, {own['discoveries']} "
        f"bend at a false-discovery rate of {100 * FALSE_DISCOVERIES:g} %, {own['top']} first, "
        f"{specificity_words.label_of(audit, study)} "
        f"{ordinal(own)}."
    )


def _whose(estimates: Frames, audit: Frames, study: Study) -> str:
    """Which nutrients and outcomes bend as they are, and what each way of adjusting for energy shows."""
    found = f"{_shared(audit, study)}{_control(estimates, audit, study)}"
    if study.exposure == ENERGY:
        return found
    p, most = energy_p(audit), audit["specificity_place"].set_index("form").drop("none")["discoveries"].max()
    told = ", ".join(f"{words} p {format_p(p[form])}" for form, words in ADJUSTMENTS.items())
    left = f"at most {most} are" if most else "none is"
    return (
        f"{found} With energy adjusted for, the non-linear test of {specificity_words.label_of(audit, study)} gives: "
        f"{told}; of all nutrients {left} shown to bend beside a spline, as residual or per 1,000 kcal."
    )


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
    label = specificity_words.label_of(audit, study)
    if own_p(audit) >= ALPHA:
        return f"So there is no bend, or one too small to be shown on {df} design degrees of freedom."
    if study.exposure == ENERGY:
        return (
            "The bend is one of how much people eat, of how much they say they ate, or of how they live: what goes "
            "with energy could draw it too, and these data cannot tell them apart."
        )
    if (energy_p(audit) < ALPHA).all():
        return (
            f"The bend of {label} stays in each way of adjusting for energy. Whether {label} causes it, one recalled "
            "day beside one examination cannot say: other things go with it."
        )
    return (
        "The bend may be one of how much people eat, of how much they say they ate, of how they live, or of "
        f"{label}, blurred by a single recalled day: these data cannot tell them apart. On {df} design degrees of "
        "freedom, not shown is not shown to be absent."
    )


def own_p(audit: Frames) -> float:
    """The non-linear p of the study as it is; of energy, which has no forms, that of the refits without units."""
    return float(energy_p(audit)["none"]) if "energy_forms" in audit else audit_words.without_units(audit)[0]


def energy_p(audit: Frames) -> pd.Series:
    """The non-linear p of one form of energy adjustment, in words."""
    return audit["energy_forms"].set_index("form")["nonlinear_p"]
