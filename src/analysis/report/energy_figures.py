"""Figures of the energy and heterogeneity audits, drawn from their frames; nothing is computed here."""

import textwrap

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.report.page import BAND, GREY, STYLE, Provenance, blank_page, grey_beyond, odds_axis, sentence
from analysis.report.tables import format_p

VERMILION = "#D55E00"
GREEN = "#009E73"
LINES = ((BAND, "-"), (VERMILION, "--"), (GREEN, "-."))
"""Colour and dash of slices and of cycles."""

FORM_NAMES = {
    "none": "No energy",
    "linear": "Energy, a line",
    "spline": "Energy, a spline",
    "residual": "Residual",
    "density": "Density",
}
TITLE_LETTERS = 16
"""A panel of a fifth of the page holds so many letters of a title a line."""

CONTOURS = (0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Odds ratios whose contour is drawn; below 1 blue, above vermilion."""

SHADES = LinearSegmentedColormap.from_list("people", ["0.95", "0.62"])
P_TICKS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 1.0)
NAMED_UNITS = 3
"""So many of the sampling units that move the non-linear p most are named."""

POOLED = "pooled"


# ---- energy forms


def plot_energy_forms(
    curves: pd.DataFrame, forms: pd.DataFrame, *, caption: str, provenance: Provenance
) -> Figure:
    """The exposure's curve under each energy form, side by side on one odds-ratio axis, x in the form's own unit.

    Parameters
    ----------
    curves : form, x, odds_ratio, conf_low, conf_high; x increasing in each form.
    forms : form, exposure_label, unit, reference, p05, p95, nonlinear_p, verdict, in the order of the panels.
    caption, provenance : as for `analysis.report.figures.plot_dose_response`.

    Returns
    -------
    Figure with one axes a form, labelled by it.
    """
    with matplotlib.style.context(STYLE):
        figure, sides = blank_page(3.1, caption, provenance)
        top = sides["top"] - 0.62 / figure.get_figheight()
        panels = figure.subplots(1, len(forms), sharey=True, gridspec_kw=sides | {"top": top, "wspace": 0.12})
        shown = _within(curves, forms)
        for axes, row in zip(panels, forms.itertuples(), strict=True):
            axes.set_label(row.form)
            _draw_form(axes, shown[shown["form"] == row.form], row)
        odds_axis(panels[0], shown[["conf_low", "conf_high"]].to_numpy())
        panels[0].set_ylabel("Odds ratio (against the median)")
        figure.suptitle(f"{sentence(forms['exposure_label'].iloc[0])} and neuropathy, energy treated in five ways",
                        x=sides["left"], y=1 - 0.08 / figure.get_figheight(), ha="left", va="top", fontsize=10,
                        weight="bold")  # fmt: skip
    return figure
