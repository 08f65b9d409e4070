"""What calibration and SIMEX give back of a known curve of usual intake, when one recalled day is analysed.

The outcome of invented surveys is drawn from a curve of usual intake, a straight line or a U; recalled are one day of
everybody and a second of most people of 2003-2004, as in the real files. Asked of each method are the slopes at the 5th
and 95th percentile of the intake it works on, against the slope of the true curve at these very places: the protocol's
end slopes. The first method, usual intake itself, is nobody's to have; what it misses is the spline's doing, not the
recall's.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy

from analysis.dose_response.problem import Problem
from analysis.simulation.shapes import SHAPES
from analysis.simulation.surveys import Base, CurveOf, Experiment, means, rates
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.measurement.regression_calibration import (
    CalibrationData,
    RegressionCalibration,
    bootstrap_slopes,
    calibrate,
)
from analysis.stats.measurement.simex import Estimator, error_variance, simex
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.replicates import bootstrap, times_drawn
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.verdict import ALPHA
from analysis.study import CONF_LEVEL

REPLICATES = 200
SIMEX_DRAWS = 20
ROOT = 4
"""The error of a day is taken as normal on the fourth root of intake, as the referee's questions take it."""

DRAWS_PER_SURVEY = 5
"""Outcomes drawn for one invented survey: fewer than elsewhere, since each is fitted some 300 times."""

OF_SURVEYS = 8
"""One outcome is drawn here where the other tables of a simulation draw this many."""

PER_MG = 100.0
"""Slopes are told as log odds per 100 mg."""

ENDS = ("low", "high")
TRUE_CURVES: dict[str, CurveOf] = {name: SHAPES[name] for name in ("line", "U")}

METHODS = {
    "usual intake": "the curve of usual intake itself, which no survey knows",
    "one day": "the curve of one recalled day, as analysed",
    "calibrated": "regression calibration, redone in every sample of the bootstrap that its errors come from",
    "SIMEX, linear": "simulation extrapolation by a line",
    "SIMEX, quadratic": "simulation extrapolation by a parabola",
}
"""What each row of the table was estimated by."""

SlopesFound = tuple[Array, Array, Array]
"""Places, slopes and standard errors at the low and at the high end, (2,) each."""


def recall_error_tables(found: pd.DataFrame) -> Frames:
    """Bias and coverage of the end slopes by each method, with Monte Carlo errors.

    Parameters
    ----------
    found : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    curve, method (of `METHODS`), end, surveys, failed (without an interval), place_mg (mean), true_slope and
    mean_slope (log odds per 100 mg), bias and bias_error, std_dev of the slopes, mean_std_error, rate (coverage of 95 %
    intervals, t) and monte_carlo_error, shown (rate of a one-sided p < 0.05 of a fall at the low or a rise at the high
    end) and shown_error, attenuation (mean coefficient of the first day in the calibration), nominal.
    """
    keys = ["curve", "method", "end"]
    mean = {name: means(found, keys, name) for name in ("place", "truth", "slope", "bias", "std_error", "attenuation")}
    shown = rates(found, keys, "shown")
    table = rates(found, keys, "hit")
    table = table.assign(
        place_mg=mean["place"]["mean"],
        true_slope=mean["truth"]["mean"],
        mean_slope=mean["slope"]["mean"],
        bias=mean["bias"]["mean"],
        bias_error=mean["bias"]["monte_carlo_error"],
        std_dev=found.groupby(keys, sort=False)["slope"].std().to_numpy(),
        mean_std_error=mean["std_error"]["mean"],
        shown=shown["rate"],
        shown_error=shown["monte_carlo_error"],
        attenuation=mean["attenuation"]["mean"],
        nominal=CONF_LEVEL,
    )
    return {"recall_error": table}


def _rows(
    base: Base,
    curve: CurveOf,
    rng: np.random.Generator,
    *,
    replicates: int = REPLICATES,
    simex_draws: int = SIMEX_DRAWS,
) -> list[Row]:
    y = base.draw_of(base.expected_of_usual(curve), rng)
    df = base.problem.setting.domain.df + 1 - len(base.problem.terms)
    seed = int(rng.integers(2**32))
    data, calibration = _both_days(base, y)
    estimates = {
        "usual intake": _plain(base, base.usual, y),
        "one day": _plain(base, base.exposure, y),
        "calibrated": _calibrated(base, data, calibration, seed, replicates),
        **_extrapolated(base, y, seed, simex_draws),
    }
    known = {"attenuation": float(calibration.attenuation[0])}
    return [known | row for method, found in estimates.items() for row in _told(method, found, curve, df)]


def _told(method: str, found: SlopesFound, curve: CurveOf, df: int) -> Iterator[Row]:
    """One row an end: the slope, the true one at its place, and whether interval and test are right."""
    for end, x, slope, std_error in zip(ENDS, *found, strict=True):
        step = np.array([x - 0.5, x + 0.5])
        truth = float(np.diff(curve(step))[0])
        t = slope / std_error if np.isfinite(std_error) else np.nan
        p = scipy.stats.t.cdf(t, df) if end == "low" else scipy.stats.t.sf(t, df)
        half = scipy.stats.t.ppf((1 + CONF_LEVEL) / 2, df) * std_error
        known = np.isfinite(t)
        yield {
            "method": method, "end": end, "place": x, "truth": PER_MG * truth, "slope": PER_MG * slope,
            "bias": PER_MG * (slope - truth), "std_error": PER_MG * std_error,
            "hit": float(abs(slope - truth) <= half) if known else np.nan,
            "shown": float(p < ALPHA) if known else np.nan,
        }  # fmt: skip


def _statistic(base: Base, x: Array, y: Array) -> tuple[Array, Estimator]:
    """Ends of an intake, and its slopes there with their variances; knots stay where this intake has them."""
    problem = base.problem
    spline = RestrictedCubicSpline(place_knots(x, problem.setting.study.knots))
    places = np.quantile(x, RANGE)
    rows, index = spline.derivative(places), np.arange(1, 1 + spline.columns)

    def statistic(exposure: Array) -> tuple[Array, Array]:
        fit = fit_quickly(_on(problem, spline, exposure, y), problem.setting.design)
        vcov = fit.vcov[np.ix_(index, index)]
        return rows @ fit.beta[index], np.einsum("ij,jk,ik->i", rows, vcov, rows)

    return places, statistic


def _on(problem: Problem, spline: RestrictedCubicSpline, exposure: Array, y: Array) -> Regression:
    X = problem.X.copy()
    X[:, 1 : 1 + spline.columns] = spline.basis(exposure)
    return Regression(X, y, problem.setting.domain, problem.terms)


def _plain(base: Base, x: Array, y: Array) -> SlopesFound:
    places, statistic = _statistic(base, x, y)
    slopes, variances = statistic(x)
    return places, slopes, np.sqrt(variances)


def _both_days(base: Base, y: Array) -> tuple[CalibrationData, RegressionCalibration]:
    setting = base.problem.setting
    data = CalibrationData(
        first=base.exposure[:, None],
        second=base.second[:, None],
        second_weights=base.second_weights,
        covariates=setting.adjustment[setting.domain.rows],
        y=y,
        weights=setting.design.weights[setting.domain.rows],
        psu=base.psu,
        knots=setting.study.knots,
    )
    return data, calibrate(data.first, data.second, data.covariates, weights=data.second_weights)


def _calibrated(
    base: Base, data: CalibrationData, calibration: RegressionCalibration, seed: int, replicates: int
) -> SlopesFound:
    setting = base.problem.setting
    places = np.quantile(calibration.predict(data.first, data.covariates)[:, 0], RANGE)
    drawn = bootstrap(setting.design, replicates=replicates, seed=seed)
    found = bootstrap_slopes(data, times_drawn(drawn, setting.design), factors=drawn.factors)
    return places, found.estimate, found.std_error


def _extrapolated(base: Base, y: Array, seed: int, simex_draws: int) -> dict[str, SlopesFound]:
    both = base.second_weights > 0
    first, second = (day[both] ** (1 / ROOT) for day in (base.exposure, base.second))
    places, statistic = _statistic(base, base.exposure, y)
    results = simex(
        statistic, base.exposure, variance=error_variance(first, second, base.second_weights[both]),
        to_scale=lambda x: x ** (1 / ROOT), from_scale=lambda z: np.maximum(z, 0.0) ** ROOT, draws=simex_draws,
        seed=seed,
    )  # fmt: skip
    names = {1: "SIMEX, linear", 2: "SIMEX, quadratic"}
    return {names[degree]: (places, found.estimate, found.std_error) for degree, found in results.items()}


EXPERIMENT = Experiment(
    "recall error", _rows, TRUE_CURVES, recall_error_tables, draws_per_survey=DRAWS_PER_SURVEY, outcomes_of=OF_SURVEYS
)
