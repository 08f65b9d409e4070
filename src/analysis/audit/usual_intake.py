"""From one recalled day to usual intake: calibration on a second day, and SIMEX, of a curve's slopes at its ends."""

import dataclasses

import numpy as np
import pandas as pd
import scipy

from analysis.data.people.vocabulary import SECOND_DAYS
from analysis.data.people.weights import two_day_weight
from analysis.dose_response.problem import Problem, Setting
from analysis.stats.arrays import Array
from analysis.stats.measurement.regression_calibration import (
    CalibratedSlopes,
    CalibrationData,
    attenuation_intervals,
    bootstrap_slopes,
)
from analysis.stats.measurement.simex import Estimator, Extrapolated, error_variance, simex
from analysis.stats.measurement.usual_intake import POWER
from analysis.stats.order import sorted_quantiles
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.design import SurveyDesign
from analysis.stats.sample.replicates import bootstrap, times_drawn
from analysis.stats.shape.nadir import RANGE

EXTRAPOLANTS = {1: "linear", 2: "quadratic"}
"""Degrees of the polynomials that SIMEX is continued by, in words."""


def calibration_data(people: pd.DataFrame, setting: Setting, exposures: tuple[str, ...]) -> CalibrationData:
    """Both days, covariates and design of a setting's people; the first exposure is the spline's."""
    rows = setting.domain.rows
    return CalibrationData(
        first=people.loc[rows, list(exposures)].to_numpy(dtype=float),
        second=people.loc[rows, [SECOND_DAYS[name] for name in exposures]].to_numpy(dtype=float),
        second_weights=two_day_weight(people, SECOND_DAYS[setting.study.exposure])[rows],
        covariates=setting.adjustment[rows],
        y=setting.y[rows],
        weights=setting.design.weights[rows],
        psu=setting.design.psu_index[rows],
        knots=setting.study.knots,
    )


def attenuations(
    people: pd.DataFrame, setting: Setting, exposures: tuple[str, ...], *, of_roots: bool = False
) -> Array:
    """(k, 3) attenuation of each exposure's first day, with its 95 % interval, of people who have both days.

    Days are taken as they are or, ``of_roots``, as their fourth roots.
    """
    weights = two_day_weight(people, SECOND_DAYS[setting.study.exposure]) * setting.domain.rows
    # Whether the days go together is no question about a stratum: an empty PSU counts as zero, as in R.
    design = dataclasses.replace(setting.design, weights=weights, lonely_domain="keep")
    first = people[list(exposures)].to_numpy(dtype=float)
    second = people[[SECOND_DAYS[name] for name in exposures]].to_numpy(dtype=float)
    power = 1 / POWER if of_roots else 1
    return attenuation_intervals(first**power, second**power, setting.adjustment, design=design)


def drawn_slopes(
    data: CalibrationData, design: SurveyDesign, *, replicates: int, seed: int, held: bool = False
) -> CalibratedSlopes:
    """End slopes of the calibrated curve and in samples of a Rao-Wu bootstrap; see `bootstrap_slopes`."""
    drawn = bootstrap(design, replicates=replicates, seed=seed)
    return bootstrap_slopes(data, times_drawn(drawn, design), factors=drawn.factors, held=held)


def one_sided(t: Array, df: int) -> Array:
    """One-sided p-values: of a fall for the first statistic, the low end's slope, of a rise for every other."""
    return np.concatenate([scipy.stats.t.cdf(t[:1], df), scipy.stats.t.sf(t[1:], df)])


def extrapolated(
    people: pd.DataFrame, setting: Setting, estimator: Estimator, *, draws: int, seed: int
) -> dict[int, Extrapolated]:
    """SIMEX of an estimator such as `at_the_ends` gives, by the degree of its extrapolant.

    The error is taken as normal on the fourth root of intake, as usual-intake methods do; its variance is that of two
    days of the setting's people.

    Parameters
    ----------
    people : all interviewed people, with both days of the exposure.
    setting : a study of these people.
    estimator : of the exposures of the domain's rows.
    draws, seed : as `analysis.stats.measurement.simex.simex`.

    Raises
    ------
    DesignError : two days that do not differ.
    """
    columns = (setting.study.exposure, SECOND_DAYS[setting.study.exposure])
    weights = two_day_weight(people, columns[1]) * setting.domain.rows
    both = weights > 0
    first, second = (people.loc[both, name].to_numpy(dtype=float) ** (1 / POWER) for name in columns)
    return simex(
        estimator, setting.exposure[setting.domain.rows],
        variance=error_variance(first, second, weights[both]), to_scale=lambda x: x ** (1 / POWER),
        from_scale=lambda z: np.maximum(z, 0.0) ** POWER, draws=draws, seed=seed, degrees=tuple(EXTRAPOLANTS),
    )  # fmt: skip


def at_the_ends(problem: Problem) -> tuple[Array, Estimator]:
    """The ends of the cohort's range, (2,), and the estimator of slopes and levels there, (4,), of any exposures.

    Slopes are in log odds per unit; levels are log odds ratios against the reference. The estimator takes the exposures
    of the domain's rows; knots, reference and ends stay those of the problem.
    """
    spline, setting = problem.spline, problem.setting
    ends = sorted_quantiles(setting.ordered, np.array(RANGE))
    rows = np.vstack([spline.derivative(ends), problem.contrast(ends)])
    index = np.arange(1, 1 + spline.columns)

    def estimator(x: Array) -> tuple[Array, Array]:
        X = problem.X.copy()
        X[:, index] = spline.basis(x)
        fit = fit_quickly(Regression(X, problem.y, setting.domain, problem.terms), setting.design)
        vcov = fit.vcov[np.ix_(index, index)]
        return rows @ fit.beta[index], np.einsum("ij,jk,ik->i", rows, vcov, rows)

    return ends, estimator
