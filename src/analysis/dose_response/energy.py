"""Forms of adjusting an exposure for energy, as changes of participants and study."""

import dataclasses
from typing import Literal, get_args

import numpy as np

from analysis.data.people.conditions import all_of
from analysis.data.people.vocabulary import is_intake
from analysis.dose_response.problem import Setting
from analysis.stats.arrays import Array
from analysis.stats.curve.splines import SplineError
from analysis.stats.disclosure import count_of
from analysis.study import Study

EnergyForm = Literal["none", "linear", "spline", "residual", "density"]

ENERGY = "energy_kcal"

BESIDE: tuple[EnergyForm, ...] = ("none", "linear", "spline")
"""Forms that leave the exposure what it is; the others make another of it, of what is eaten with energy."""


def forms_of(exposure: str) -> tuple[EnergyForm, ...]:
    """The energy forms that make sense of an exposure: energy has none, what is no intake has energy beside it only."""
    if exposure == ENERGY:
        return ("none",)
    return get_args(EnergyForm) if is_intake(exposure) else BESIDE


def energy_known(study: Study) -> Study:
    """The study; of an exposure that is no intake about people whose energy is known, whether adjusted for or not.

    Who has a nutrient's recall has its energy. Anything else may be known of people without a recall, and forms of
    energy would then be about other people than the exposure as it is.
    """
    if is_intake(study.exposure):
        return study
    return dataclasses.replace(study, where=all_of((study.where, f"{ENERGY} >= 0")))


def energy_adjusted(setting: Setting, energy: Array, form: EnergyForm) -> Setting:
    """The same people with their exposure, or the model's other columns, adjusted for energy.

    ``none`` leaves both; ``linear`` adds energy as a column; ``spline`` adds its restricted cubic spline of four knots;
    ``residual`` replaces the exposure by its residual on energy in the cohort, raised by the mean; ``density`` replaces
    it by the exposure per 1,000 kcal. The last two leave energy out of the model: they are other exposures.

    Parameters
    ----------
    setting : people of a study.
    energy : (n,) kcal, NaN where unknown.
    form : how.

    Raises
    ------
    SplineError : energy is zero or unknown for somebody of the cohort under ``density``, or its knots coincide.
    """
    rows = setting.cohort.rows.to_numpy()
    if form == "none":
        return setting
    if form == "linear":
        return setting.beside(energy[:, None], (ENERGY,))
    if form == "spline":
        return setting.beside_spline(energy, ENERGY)
    if form == "residual":
        slope, intercept = np.polyfit(energy[rows], setting.exposure[rows], 1)
        residual = setting.exposure - (intercept + slope * energy)
        return dataclasses.replace(setting, exposure=residual + setting.exposure[rows].mean())
    if not np.all(energy[rows] > 0):
        without = count_of(np.sum(~(energy[rows] > 0)))
        raise SplineError(f"{without} people of the cohort have no energy intake: expected it positive for everybody, "
                          "to divide by it.")  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):  # rows outside the cohort, which are not read
        return dataclasses.replace(setting, exposure=1000 * setting.exposure / energy)
