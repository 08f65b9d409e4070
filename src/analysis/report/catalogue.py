"""Which estimates go into which figure, beside which caption."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.dose_response.frames import REFERENCE_QUINTILES
from analysis.dose_response.modifiers import EffectModification
from analysis.provenance import Provenance
from analysis.report.figures import adequacy as adequacy_figures
from analysis.report.figures import causes as causes_figures
from analysis.report.figures import diagnostics as diagnostics_figures
from analysis.report.figures import dose_response as dose_response_figures
from analysis.report.figures import energy as energy_figures
from analysis.report.figures import first_screen as first_screen_figures
from analysis.report.figures import flow as flow_figures
from analysis.report.figures import foods as foods_figures
from analysis.report.figures import heterogeneity as heterogeneity_figures
from analysis.report.figures import modifiers as modifiers_figures
from analysis.report.figures import published as published_figures
from analysis.report.figures import referee as referee_figures
from analysis.report.figures import shape as shape_figures
from analysis.report.figures import specifications as specifications_figures
from analysis.report.figures import specificity as specificity_figures
from analysis.report.figures.layout import Caption, Page
from analysis.report.figures.width import Width
from analysis.report.words import shape as shape_words
from analysis.report.words import study as study_words
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import Discreet
from analysis.study import PRIMARY, Study


@dataclass(frozen=True, slots=True, repr=False)
class Drawing(Discreet):
    """A figure to be drawn, and the numbers it shows by the suffix of the CSV they are written to.

    In a notebook cell it shows its picture.

    Attributes
    ----------
    draw : gives the figure; ``width="one"`` for one column of a printed page, ``"two"`` (the default) for two.
    numbers : frames by suffix.
    widths : those that it can be drawn for; of ``("two",)`` alone, ``draw`` takes no width.
    name : by which its collection has it.
    """

    shown = ("name", "widths")

    draw: Callable[..., Page]
    numbers: dict[str, pd.DataFrame]
    widths: tuple[Width, ...] = ("one", "two")
    name: str = ""

    @property
    def caption(self) -> Caption:
        """The words beside the figure."""
        return self.draw().caption

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, bytes], dict[str, Any]]:
        """As a notebook shows it: the picture, with its alternative text in the metadata."""
        return self.draw()._repr_mimebundle_()


def drawings(estimates: Frames, provenance: Provenance) -> dict[str, Drawing]:
    """The figures of the project by name: dose_response, shape, knots, models, quintiles, diagnostics, flow."""
    return _named({
        "dose_response": dose_response(estimates, provenance, model=PRIMARY.model),
        "shape": shape(estimates, provenance, model=PRIMARY.model),
        "knots": knots(estimates, provenance),
        "models": models(estimates, provenance),
        "quintiles": quintiles(estimates, provenance),
        "diagnostics": diagnostics(estimates, provenance, model=PRIMARY.model),
        "flow": flow(estimates, provenance),
    })  # fmt: skip


def _named(drawings: Mapping[str, Drawing]) -> dict[str, Drawing]:
    """Drawings that know their names."""
    return {name: dataclasses.replace(drawing, name=name) for name, drawing in drawings.items()}


def models(estimates: Frames, provenance: Provenance) -> Drawing:
    """The curves of every model."""
    curves = estimates["odds_ratio_curve"]
    caption = Caption(
        study_words.noted(dose_response_figures.models_caption(estimates), estimates),
        dose_response_figures.models_alt(estimates),
    )
    plot = dose_response_figures.plot_models
    return Drawing(partial(plot, curves, estimates["models"], caption=caption, provenance=provenance), {"": curves})


def quintiles(estimates: Frames, provenance: Provenance) -> Drawing:
    """Odds ratios of the quintiles of intake, against the first of `REFERENCE_QUINTILES`."""
    every = estimates["quintiles"]
    shown = every[every["reference_quintile"] == REFERENCE_QUINTILES[0]]
    caption = Caption(
        study_words.noted(dose_response_figures.quintiles_caption(shown, estimates), estimates),
        dose_response_figures.quintiles_alt(shown, estimates),
    )
    plot = dose_response_figures.plot_quintiles
    return Drawing(partial(plot, shown, estimates["models"], caption=caption, provenance=provenance), {"": shown})


def flow(estimates: Frames, provenance: Provenance) -> Drawing:
    """Who is left after each step, and why the others are not, of the last model, which asks for most."""
    last = estimates["models"]["model"].iloc[-1]
    steps, reasons = _of_model(estimates["flow"], last), _of_model(estimates["flow_reasons"], last)
    return Drawing(
        partial(
            flow_figures.plot_flow,
            steps,
            reasons,
            caption=Caption(
                study_words.noted(flow_figures.flow_caption(estimates), estimates),
                flow_figures.flow_alt(steps, reasons),
            ),
            provenance=provenance,
        ),
        {"": steps, "_reasons": reasons},
    )


def dose_response(estimates: Frames, provenance: Provenance, *, model: str) -> Drawing:
    """The dose-response curve of one model, as odds ratio and as prevalence, over the distribution of its exposure."""
    bars, planted = estimates["distribution"], estimates.get("planted")
    curve, prevalence = (_of_model(estimates[name], model) for name in ("odds_ratio_curve", "prevalence"))
    row = _row_of(estimates, model)
    return Drawing(
        partial(
            dose_response_figures.plot_dose_response,
            curve,
            prevalence,
            bars,
            row,
            caption=Caption(
                study_words.noted(dose_response_figures.curve_caption(estimates, model), estimates, model),
                dose_response_figures.curve_alt(estimates, model),
            ),
            provenance=provenance,
            planted=None if planted is None else planted[planted["x"].isin(curve["x"])],
        ),
        {"": curve, "_prevalence": prevalence, "_distribution": bars},
    )


def shape(estimates: Frames, provenance: Provenance, *, model: str) -> Drawing:
    """Whether the curve of one model is a U."""
    curve, profile = (_of_model(estimates[name], model) for name in ("odds_ratio_curve", "threshold"))
    planted = estimates.get("planted")
    row = _row_of(estimates, model)
    return Drawing(
        partial(
            shape_figures.plot_shape,
            curve,
            profile,
            shape_words.shape_of_model(estimates, model),
            row,
            caption=Caption(
                study_words.noted(shape_figures.shape_caption(estimates, model), estimates, model),
                shape_figures.shape_alt(estimates, model),
            ),
            provenance=provenance,
            planted_nadir=None if planted is None else float(planted["nadir"].iloc[0]),
        ),
        {"": _of_model(estimates["shape"], model), "_curve": curve, "_threshold": profile},
    )


def knots(estimates: Frames, provenance: Provenance) -> Drawing:
    """The primary study's curve under other knots and forms."""
    variants, curves = estimates["knots"], estimates["knot_curves"]
    row = _row_of(estimates, PRIMARY.model)
    return Drawing(
        partial(
            shape_figures.plot_knots,
            variants,
            curves,
            row,
            caption=Caption(
                study_words.noted(shape_figures.knots_caption(estimates, PRIMARY.model), estimates, PRIMARY.model),
                shape_figures.knots_alt(estimates),
            ),
            provenance=provenance,
        ),
        {"": variants, "_curves": curves},
    )


def diagnostics(estimates: Frames, provenance: Provenance, *, model: str) -> Drawing:
    """Whether the regression of one model can carry its curve."""
    bars = estimates["distribution"]
    calibration, influence = (_of_model(estimates[name], model) for name in ("calibration", "influence"))
    row = _row_of(estimates, model)
    return Drawing(
        partial(
            diagnostics_figures.plot_diagnostics,
            calibration,
            influence,
            bars,
            row,
            caption=Caption(
                study_words.noted(diagnostics_figures.diagnostics_caption(estimates, model), estimates, model),
                diagnostics_figures.diagnostics_alt(estimates, model),
            ),
            provenance=provenance,
        ),
        {"": calibration, "_influence": influence, "_distribution": bars},
    )


def modification(found: EffectModification, provenance: Provenance) -> Drawing:
    """The curves of one study within the levels of a modifier."""
    study, modifier = found.study, found.modifier
    names = {"exposure": study.exposure, "model": study.model, "modifier": modifier.name, "label": modifier.label}
    curves = found.curves(found.grid()).assign(**names, reference=found.reference)
    tests = pd.DataFrame([names | found.test_row()])
    notes = " ".join(found.problem.setting.notes)
    words = f"{modifiers_figures.curves_caption(tests, curves)} {notes}".strip()
    caption = Caption(words, modifiers_figures.curves_alt(tests, curves))
    return Drawing(
        partial(modifiers_figures.plot_modifier_curves, tests, curves, caption=caption, provenance=provenance),
        {"": curves, "_tests": tests},
    )


def _row_of(estimates: Frames, model: str) -> pd.Series:
    return estimates["models"].set_index("model", drop=False).loc[model]


def _of_model(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    return frame[frame["model"] == model]


def audit_drawings(frames: Frames, provenance: Provenance, study: Study = PRIMARY) -> dict[str, Drawing]:
    """The figures of the audit by name, of those whose frames are there.

    Parameters
    ----------
    frames : of `analysis.audit.questions.audit_frames`.
    provenance : see `Provenance`.
    study : whose audit it is.
    """
    return _named({
        name: make(frames, provenance, study)
        for name, (make, needed) in AUDIT_FIGURES.items()
        if all(frame in frames for frame in needed)
    })  # fmt: skip


def referee_drawing(frames: Frames, provenance: Provenance) -> Drawing:
    """The referee's figure, from the table ``referee``."""
    table = frames["referee"]
    caption = Caption(referee_figures.referee_caption(table), referee_figures.referee_alt(table))
    return Drawing(
        partial(referee_figures.plot_referee, table, caption=caption, provenance=provenance),
        {"": referee_figures.referee_order(table)},
        ("two",),
        "referee",
    )


def _specification_curve(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    cells, shares = frames["specifications"], frames["verdict_shares"]
    caption = Caption(
        specifications_figures.specification_caption(cells, frames["joint_test"], frames["decomposition"], study=study),
        specifications_figures.specification_alt(cells, shares, study=study),
    )
    by_ends = frames["verdict_ends"]
    plot = specifications_figures.plot_specification_curve
    return Drawing(
        partial(plot, cells, shares, by_ends, caption=caption, provenance=provenance, study=study),
        {"": shares, "_ends": by_ends},
    )


def _first_screen(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    curves, forms = frames["energy_curves"], frames["energy_forms"]
    caption = Caption(
        first_screen_figures.first_screen_caption(forms, disease=study.disease),
        first_screen_figures.first_screen_alt(curves, forms),
    )
    return Drawing(
        partial(first_screen_figures.plot_first_screen, curves, forms, caption=caption, provenance=provenance),
        {"": curves, "_forms": forms},
    )


def _specificity(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    summary = frames["specificity"]
    caption = Caption(
        specificity_figures.specificity_caption(summary, frames["specificity_place"], study=study),
        specificity_figures.specificity_alt(summary, frames["specificity_place"], study=study),
    )
    plot = specificity_figures.plot_specificity
    return Drawing(partial(plot, summary, caption=caption, provenance=provenance, study=study), {"": summary})


def _energy_forms(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    curves, forms = frames["energy_curves"], frames["energy_forms"]
    caption = Caption(energy_figures.energy_forms_caption(forms), energy_figures.energy_forms_alt(forms))
    plot = partial(energy_figures.plot_energy_forms, curves, forms, disease=study.disease)
    return Drawing(
        partial(plot, caption=caption, provenance=provenance),
        {"": forms, "_curves": curves},
    )


def _energy_surface(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    surface, density, slices = frames["energy_surface"], frames["energy_density"], frames["energy_slices"]
    tests, form = frames["energy_slice_tests"], _unadjusted(frames)
    caption = Caption(
        energy_figures.energy_surface_caption(surface, frames["energy_tests"], tests, form, disease=study.disease),
        energy_figures.energy_surface_alt(surface, tests, form),
    )
    return Drawing(
        partial(
            energy_figures.plot_energy_surface,
            surface,
            density,
            slices,
            tests,
            form,
            caption=caption,
            provenance=provenance,
        ),
        {"": surface, "_density": density, "_slices": slices},
    )


def _heterogeneity(frames: Frames, provenance: Provenance, study: Study) -> Drawing:
    curves, shapes, influence = frames["cycle_curves"], frames["cycle_shapes"], frames["psu_shape"]
    caption = Caption(
        heterogeneity_figures.heterogeneity_caption(shapes, frames["cycle_heterogeneity"], influence),
        heterogeneity_figures.heterogeneity_alt(shapes, frames["cycle_heterogeneity"], influence),
    )
    return Drawing(
        partial(
            heterogeneity_figures.plot_heterogeneity,
            curves,
            shapes,
            influence,
            pd.Series({"exposure_label": exposure_label(study.exposure), "unit": exposure_unit(study.exposure)}),
            caption=caption,
            provenance=provenance,
        ),
        {"": curves, "_sampling_units": influence},
    )


def _unadjusted(frames: Frames) -> pd.Series:
    return frames["energy_forms"].set_index("form", drop=False).loc["none"]


def published_drawing(found: pd.DataFrame, provenance: Provenance) -> Drawing:
    """The published numbers beside ours; ``found`` is of `analysis.validation.studies.agreement.compare_studies`."""
    caption = Caption(published_figures.published_caption(found), published_figures.published_alt(found))
    return Drawing(
        partial(published_figures.plot_published, found, caption=caption, provenance=provenance),
        {"": found},
        ("two",),
        "published",
    )


def claim_drawings(frames: Frames, provenance: Provenance) -> dict[str, Drawing]:
    """The figures of the claims by name, of those whose frames are there.

    Parameters
    ----------
    frames : of `analysis.pipeline.claims.answer_claims`, without the ``claims_`` of their files.
    provenance : see `Provenance`.
    """
    return _named({
        name: make(frames, provenance)
        for name, (make, needed) in CLAIM_FIGURES.items()
        if all(frame in frames and not frames[frame].empty for frame in needed)
    })  # fmt: skip


def _adequacy(frames: Frames, provenance: Provenance) -> Drawing:
    shares, exposures = frames["adequacy_shares"], frames["adequacy_exposures"]
    caption = Caption(
        adequacy_figures.adequacy_caption(shares, frames["adequacy_variances"], exposures),
        adequacy_figures.adequacy_alt(shares, exposures),
    )
    return Drawing(
        partial(adequacy_figures.plot_adequacy, shares, exposures, caption=caption, provenance=provenance),
        {"": shares, "_odds_ratios": exposures},
    )


def _foods(frames: Frames, provenance: Provenance) -> Drawing:
    shares = frames["foods"]
    caption = Caption(foods_figures.foods_caption(shares), foods_figures.foods_alt(shares))
    return Drawing(
        partial(foods_figures.plot_foods, shares, caption=caption, provenance=provenance), {"": shares}, ("two",)
    )


def _causes(frames: Frames, provenance: Provenance) -> Drawing:
    rows = frames["causes"]
    caption = Caption(causes_figures.causes_caption(rows), causes_figures.causes_alt(rows))
    return Drawing(
        partial(causes_figures.plot_causes, rows, caption=caption, provenance=provenance), {"": rows}, ("two",)
    )


def _modifiers(frames: Frames, provenance: Provenance) -> Drawing:
    tests, arms = _first(frames["modifiers_tests"]), _first(frames["modifiers_arms"])
    caption = Caption(modifiers_figures.modifiers_caption(tests, arms), modifiers_figures.modifiers_alt(tests, arms))
    return Drawing(
        partial(modifiers_figures.plot_modifiers, tests, arms, caption=caption, provenance=provenance),
        {"": arms, "_tests": tests},
        ("two",),
    )


def _modifier_curves(frames: Frames, provenance: Provenance) -> Drawing:
    tests, curves = _first(frames["modifiers_tests"]), _first(frames["modifiers_curves"])
    caption = Caption(modifiers_figures.curves_caption(tests, curves), modifiers_figures.curves_alt(tests, curves))
    return Drawing(
        partial(modifiers_figures.plot_modifier_curves, tests, curves, caption=caption, provenance=provenance),
        {"": curves},
    )


def _first(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first exposure and model."""
    row = frame.iloc[0]
    return frame[(frame["exposure"] == row["exposure"]) & (frame["model"] == row["model"])]


AUDIT_FIGURES: dict[str, tuple[Callable[[Frames, Provenance, Study], Drawing], tuple[str, ...]]] = {
    "first_screen": (_first_screen, ("energy_curves", "energy_forms")),
    "specification_curve": (
        _specification_curve,
        ("specifications", "verdict_shares", "verdict_ends", "joint_test", "decomposition"),
    ),
    "specificity": (_specificity, ("specificity", "specificity_place")),
    "energy_forms": (_energy_forms, ("energy_curves", "energy_forms")),
    "energy_surface": (
        _energy_surface,
        ("energy_surface", "energy_density", "energy_slices", "energy_slice_tests", "energy_tests", "energy_forms"),
    ),
    "heterogeneity": (
        _heterogeneity,
        ("cycle_curves", "cycle_shapes", "cycle_heterogeneity", "psu_shape"),
    ),
}
"""Name of each figure of the audit to what makes it, and the frames that it shows."""

CLAIM_FIGURES: dict[str, tuple[Callable[[Frames, Provenance], Drawing], tuple[str, ...]]] = {
    "adequacy": (_adequacy, ("adequacy_shares", "adequacy_variances", "adequacy_exposures")),
    "modifiers": (_modifiers, ("modifiers_tests", "modifiers_arms")),
    "modifier_curves": (_modifier_curves, ("modifiers_tests", "modifiers_curves")),
    "foods": (_foods, ("foods",)),
    "causes": (_causes, ("causes",)),
}
"""Of each figure of the claims, likewise."""
