"""The second recall of 2003-2004: how much of one day's intake is that day's, and the curve on the mean of two days.

One recall measures usual intake with error. Within people it varies from day to day, so a linear association is
flattened by about the share of the variance that lies between people, and a curve is pulled towards its middle. The
share is that of the logarithms, without covariates: within levels of the covariates less of the variance lies between
people, so that an adjusted slope is flattened more.

References
----------
Willett 2013, Nutritional Epidemiology, 3rd ed., chapter 12 (within-person variation and attenuation).
"""

import dataclasses

import numpy as np
import pandas as pd

from analysis.data.people.vocabulary import SECOND_DAYS, SECOND_RECALL
from analysis.data.people.weights import two_day_weight
from analysis.dose_response.energy import ENERGY
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_setting, set_out
from analysis.dose_response.shape import shape_numbers
from analysis.stats.arrays import Array
from analysis.stats.measurement.usual_intake import two_days
from analysis.study import PRIMARY, Study, StudyError


def beside_energy(exposure: str) -> tuple[str, ...]:
    """The exposure and energy, whose recall it shares; energy alone if that is the exposure."""
    return tuple(dict.fromkeys((exposure, ENERGY)))


def two_recalls(people: pd.DataFrame, *, study: Study = PRIMARY) -> dict[str, pd.DataFrame]:
    """Agreement of two recalls of the same people, and the study's curve on each day and on their mean.

    Parameters
    ----------
    people : harmonised participants.
    study : its exposure must have a second day; its cycle is `SECOND_RECALL` here, its weight the two-day one.

    Returns
    -------
    recall : exposure, n, correlation (weighted, of logarithms), between_share (of the variance of the logarithms, the
    intraclass correlation: also the attenuation of a slope on one day), attenuation_two_days (of one on the mean of
    two), both without covariates.
    recall_curves: days, n, cases and the numbers of
    `shape_numbers` on the first day, the second, and their mean, among people with both.
    """
    if study.exposure not in SECOND_DAYS or SECOND_RECALL not in study.cycles:
        raise StudyError(
            f"{study.exposure} of {study.cycles}: expected one of {', '.join(SECOND_DAYS)}, and the cycle "
            f"{SECOND_RECALL}, of which both days are known."
        )
    setting, both, weights = _people_with_both(people, study)
    agreement = [_agreement(name, people, both, weights) for name in beside_energy(study.exposure)]
    first = people[study.exposure].to_numpy(dtype=float)
    second = people[SECOND_DAYS[study.exposure]].to_numpy(dtype=float)
    rows = []
    for days, exposure in (("first", first), ("second", second), ("mean of both", (first + second) / 2)):
        problem = pose_setting(dataclasses.replace(setting, exposure=exposure))
        curve = curve_of(problem, fit_problem(problem))
        rows.append({"days": days, "n": curve.fit.n, "cases": curve.fit.cases, **shape_numbers(curve)})
    return {"recall": pd.DataFrame(agreement), "recall_curves": pd.DataFrame(rows)}


def _people_with_both(people: pd.DataFrame, study: Study) -> tuple[Setting, np.ndarray, Array]:
    """Setting of the cycle's people with two reliable recalls, who they are, and their two-day weights."""
    setting = set_out(people, dataclasses.replace(study, cycles=(SECOND_RECALL,)))
    weights = people["weight_dietary_2day"].fillna(0.0).to_numpy(dtype=float)
    both = setting.cohort.rows.to_numpy() & (two_day_weight(people, SECOND_DAYS[study.exposure]) > 0)
    return setting.restricted(both).weighted(weights), both, weights


def _agreement(name: str, people: pd.DataFrame, both: np.ndarray, weights: Array) -> dict[str, object]:
    days = np.log(np.maximum(people.loc[both, [name, SECOND_DAYS[name]]].to_numpy(dtype=float), 1e-3))
    found = two_days(days[:, 0], days[:, 1], weights[both])
    return {
        "exposure": name,
        "n": found.n,
        "correlation": found.correlation,
        "between_share": found.icc,
        "attenuation_two_days": 2 * found.icc / (1 + found.icc),  # Spearman and Brown's, of two days
    }
