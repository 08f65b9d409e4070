"""Which frames of the audit go into which figure, under which caption."""

from collections.abc import Mapping

import pandas as pd

from analysis.report import energy_figures, specification_figures, specificity_figures
from analysis.report.drawings import Drawing
from analysis.report.page import Provenance

AUDIT_FIGURES = ("specification_curve", "specificity", "energy_forms", "energy_surface", "heterogeneity")
Frames = Mapping[str, pd.DataFrame]


def audit_drawings(frames: Frames, provenance: Provenance) -> dict[str, Drawing]:
    """The figures of the audit by name, of those whose frames are there.

    Parameters
    ----------
    frames : of `analysis.audit.results.audit_frames`.
    provenance : see `Provenance`.
    """
    makers = {
        "specification_curve": (
            _specification_curve,
            ("specifications", "verdict_shares", "joint_test", "decomposition"),
        ),
        "specificity": (_specificity, ("specificity", "specificity_place")),
        "energy_forms": (_energy_forms, ("energy_curves", "energy_forms")),
        "energy_surface": (
            _energy_surface,
            ("energy_surface", "energy_density", "energy_slices", "energy_slice_tests", "energy_tests", "energy_forms"),
        ),
        "heterogeneity": (
            _heterogeneity,
            ("cycle_curves", "cycle_shapes", "cycle_heterogeneity", "psu_shape", "energy_forms"),
        ),
    }
    return {
        name: make(frames, provenance)
        for name, (make, needed) in makers.items()
        if all(frame in frames for frame in needed)
    }


def _specification_curve(frames: Frames, provenance: Provenance) -> Drawing:
    cells, shares = frames["specifications"], frames["verdict_shares"]
    caption = specification_figures.specification_caption(cells, frames["joint_test"], frames["decomposition"])
    return Drawing(
        lambda: specification_figures.plot_specification_curve(cells, shares, caption=caption, provenance=provenance),
        {"": shares},
    )


def _specificity(frames: Frames, provenance: Provenance) -> Drawing:
    summary = frames["specificity"]
    caption = specificity_figures.specificity_caption(summary, frames["specificity_place"])
    return Drawing(
        lambda: specificity_figures.plot_specificity(summary, caption=caption, provenance=provenance), {"": summary}
    )


def _energy_forms(frames: Frames, provenance: Provenance) -> Drawing:
    curves, forms = frames["energy_curves"], frames["energy_forms"]
    caption = energy_figures.energy_forms_caption(forms)
    return Drawing(
        lambda: energy_figures.plot_energy_forms(curves, forms, caption=caption, provenance=provenance),
        {"": forms, "_curves": curves},
    )


def _energy_surface(frames: Frames, provenance: Provenance) -> Drawing:
    surface, density, slices = frames["energy_surface"], frames["energy_density"], frames["energy_slices"]
    tests, form = frames["energy_slice_tests"], _unadjusted(frames)
    caption = energy_figures.energy_surface_caption(surface, frames["energy_tests"], tests, form)
    return Drawing(
        lambda: energy_figures.plot_energy_surface(
            surface, density, slices, tests, form, caption=caption, provenance=provenance
        ),
        {"": surface, "_density": density, "_slices": slices},
    )


def _heterogeneity(frames: Frames, provenance: Provenance) -> Drawing:
    curves, shapes, influence = frames["cycle_curves"], frames["cycle_shapes"], frames["psu_shape"]
    caption = energy_figures.heterogeneity_caption(shapes, frames["cycle_heterogeneity"], influence)
    return Drawing(
        lambda: energy_figures.plot_heterogeneity(
            curves, shapes, influence, _unadjusted(frames), caption=caption, provenance=provenance
        ),
        {"": curves, "_sampling_units": influence},
    )


def _unadjusted(frames: Frames) -> pd.Series:
    return frames["energy_forms"].set_index("form", drop=False).loc["none"]
