"""Regression calibration: an exposure measured with error is replaced by what is expected of it, given what is known.

With two measurements W1, W2 of the same exposures T, W_j = T + e_j, errors that do not depend on T, on the covariates Z
or on each other, E[W2 | W1, Z] = E[T | W1, Z]. So the least squares regression of the second day on the first and Z
gives the calibrated exposure, and the outcome's regression on it has the slope of T where the outcome is rare or the
error is small. The coefficient of W1 is the attenuation of a slope on one day.

A spline of the calibrated exposure is not the calibrated spline: E[f(T)] is not f(E[T]). The curve is that of people
whose expected exposure is x, and it bends less than the true one where T varies much about what is expected.

References
----------
Rosner, Willett & Spiegelman 1989, Stat Med 8:1051-1069. Carroll, Ruppert, Stefanski & Crainiceanu 2006, Measurement
Error in Nonlinear Models, 2nd ed., chapter 4. Rao, Wu & Yue 1992, Surv Methodol 18:209-217 (bootstrap of the PSUs, the
calibration inside it).
"""

from dataclasses import dataclass

import joblib
import numpy as np
import numpy.typing as npt

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import KNOT_PROBABILITIES, RestrictedCubicSpline, SplineError, place_knots
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.parallel import in_parallel
from analysis.stats.regression.quick import quick_estimate
from analysis.stats.sample.design import DesignError

CHUNK = 50
RANGE = (0.05, 0.95)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration(Discreet):
    """A calibration equation.

    Attributes
    ----------
    coefficients : (1 + k + q, k) float array, a column an exposure: intercept, the k first days, the q covariates.
    exposures : k.
    n : people with both days.
    """

    coefficients: Array
    exposures: int
    n: int

    @property
    def attenuation(self) -> Array:
        """(k,) coefficients of each exposure's own first day."""
        return np.diag(self.coefficients[1 : 1 + self.exposures])

    def predict(self, first: Array, covariates: Array) -> Array:
        """(m, k) expected exposures of people with (m, k) first days and (m, q) covariates."""
        return _columns(first, covariates) @ self.coefficients


def calibrate(first: Array, second: Array, covariates: Array, *, weights: Array) -> Calibration:
    """Weighted least squares of the second day's exposures on the first day's and on covariates.

    Parameters
    ----------
    first, second : (m, k) float arrays, in the same unit; a person without both is left out by a weight of zero, and
        may then be missing.
    covariates : (m, q) float array.
    weights : (m,) float array, not negative.

    Raises
    ------
    DesignError : arrays that disagree, missing values of somebody with weight, or fewer people than coefficients.
    """
    if first.ndim != 2 or first.shape != second.shape or covariates.ndim != 2 or len(covariates) != len(first):
        raise DesignError(f"first {first.shape}, second {second.shape}, covariates {covariates.shape}: expected (m, k) "
                          "twice and (m, q).")  # fmt: skip
    both = weights > 0
    X, Y = _columns(first[both], covariates[both]), second[both]
    if not np.all(np.isfinite(X)) or not np.all(np.isfinite(Y)):
        raise DesignError("somebody with a weight has a day or a covariate missing: expected weight 0, or complete.")
    if len(X) <= X.shape[1]:
        raise DesignError(f"{count_of(len(X))} people with both days: expected more than {X.shape[1]} coefficients.")
    root = np.sqrt(weights[both])[:, None]
    length = np.sqrt(np.mean((X * root) ** 2, axis=0))
    length[length == 0] = 1.0
    coefficients = np.linalg.lstsq(X * root / length, Y * root, rcond=None)[0] / length[:, None]
    return Calibration(coefficients, first.shape[1], int(both.sum()))


def _columns(first: Array, covariates: Array) -> Array:
    return np.hstack([np.ones((len(first), 1)), first, covariates])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibrationData(Discreet):
    """What a bootstrap of a calibrated curve needs of the sample.

    Attributes
    ----------
    first, second : (m, k) exposures of the two days; the first of the k is that of the spline, the others are lines.
    second_weights : (m,) weight of whoever has both days, 0 for everybody else.
    covariates : (m, q) columns of the calibration and of the outcome's model, without intercept.
    y : (m,) of 0 and 1.
    weights, psu : (m,) survey weights, and positions of PSUs.
    knots : number of knots.
    """

    first: Array
    second: Array
    second_weights: Array
    covariates: Array
    y: Array
    weights: Array
    psu: Integers
    knots: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibratedSlopes(Discreet):
    """End slopes of a calibrated curve with those of bootstrap samples.

    Attributes
    ----------
    estimate : (2,) slopes at the 5th and 95th percentile of the calibrated exposure, log odds per unit.
    replicates : (B, 2), NaN where a sample has no curve.
    """

    estimate: Array
    replicates: Array

    @property
    def known(self) -> Bools:
        """(B,) samples that have a curve."""
        return np.all(np.isfinite(self.replicates), axis=1)

    @property
    def std_error(self) -> Array:
        """(2,) standard deviations over the samples."""
        return np.asarray(np.std(self.replicates[self.known], axis=0, ddof=1))

    @property
    def statistic(self) -> Array:
        """(2,) slopes over their standard deviations."""
        return self.estimate / self.std_error

    @property
    def statistic_error(self) -> Array:
        """(2,) Monte Carlo errors of the statistics: an SD s of B draws of kurtosis k errs by s sqrt((k - 1)/(4 B))."""
        draws = self.replicates[self.known]
        centred = draws - draws.mean(axis=0)
        kurtosis = np.mean(centred**4, axis=0) / np.mean(centred**2, axis=0) ** 2
        return np.abs(self.statistic) * np.sqrt((kurtosis - 1) / (4 * len(draws)))


def bootstrap_slopes(
    data: CalibrationData, multiplicities: npt.NDArray[np.integer], *, factors: Array, held: bool = False, jobs: int = 1
) -> CalibratedSlopes:
    """End slopes of the spline of the calibrated exposure, and in samples with the calibration redone in each.

    Knots and range are placed anew in every sample, on the people drawn.

    Parameters
    ----------
    data : the sample.
    multiplicities, factors : (n_psu, B), as for `analysis.stats.shape.nadir.bootstrap_nadirs`.
    held : keep the calibration of the full sample, which leaves its error out.
    jobs : workers of joblib; no number depends on them.

    Raises
    ------
    DesignError : multiplicities and factors of different shape, or as `calibrate`.
    """
    if multiplicities.shape != factors.shape:
        raise DesignError(f"multiplicities {multiplicities.shape}: expected {factors.shape}, those of the factors.")
    calibration = calibrate(data.first, data.second, data.covariates, weights=data.second_weights)
    estimate, eta = _slopes(data, calibration, np.ones(len(factors), dtype=np.intp), np.ones(len(factors)), None)
    kept = calibration if held else None
    chunks = [slice(at, at + CHUNK) for at in range(0, factors.shape[1], CHUNK)]
    tasks = (joblib.delayed(_chunk)(data, multiplicities[:, one], factors[:, one], kept, eta) for one in chunks)
    found = list(in_parallel(tasks, jobs=jobs, total=factors.shape[1], unit="fit", progress=""))
    return CalibratedSlopes(estimate, np.vstack(found))


def _chunk(
    data: CalibrationData, drawn: npt.NDArray[np.integer], factors: Array, kept: Calibration | None, eta: Array | None
) -> Array:
    found = []
    for b in range(factors.shape[1]):
        factor = factors[:, b]
        calibration = kept
        if calibration is None:
            weights = data.second_weights * factor[data.psu]
            calibration = calibrate(data.first, data.second, data.covariates, weights=weights)
        found.append(_slopes(data, calibration, drawn[:, b], factor, eta)[0])
    return np.array(found)


def _slopes(
    data: CalibrationData, calibration: Calibration, drawn: npt.NDArray[np.integer], factor: Array, eta: Array | None
) -> tuple[Array, Array | None]:
    """End slopes of one sample and its linear predictor; NaN without a curve."""
    expected = calibration.predict(data.first, data.covariates)
    times = drawn[data.psu]
    values = np.repeat(expected[:, 0], times)
    try:
        knots = place_knots(values, data.knots) if eta is None else np.quantile(values, KNOT_PROBABILITIES[data.knots])
        spline = RestrictedCubicSpline(knots)
    except SplineError:
        return np.full(2, np.nan), None
    rows = np.flatnonzero(times > 0)
    others = np.column_stack([np.ones(rows.size), expected[rows, 1:], data.covariates[rows]])
    X = np.hstack([spline.basis(expected[rows, 0]), others])
    weights = (data.weights * factor[data.psu])[rows]
    beta = quick_estimate(X, data.y[rows], weights, eta=None if eta is None else eta[rows])
    if beta is None:
        return np.full(2, np.nan), None
    slopes = spline.derivative(np.quantile(values, RANGE)) @ beta[: spline.columns]
    return np.asarray(slopes), (X @ beta if rows.size == len(times) else None)
