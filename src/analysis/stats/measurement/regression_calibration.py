"""Regression calibration: an exposure measured with error is replaced by what is expected of it, given what is known.

With two measurements W1, W2 of the same exposures T, W_j = T + e_j, errors that do not depend on T, on the covariates Z
or on each other, E[W2 | W1, Z] = E[T | W1, Z]. So the least squares regression of the second day on the first and Z
gives the calibrated exposure, and the outcome's regression on it has the slope of T where the outcome is rare or the
error is small. The coefficient of W1 is the attenuation of a slope on one day.

A spline of the calibrated exposure is not the calibrated spline: E[f(T)] is not f(E[T]). The curve is that of people
whose expected exposure is x, and it bends less than the true one where T varies much about what is expected.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import KNOT_PROBABILITIES, RestrictedCubicSpline, SplineError, place_knots
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.regression.quick import quick_estimate
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of, taylor_vcov
from analysis.stats.shape.nadir import RANGE

DEPENDENT = 1e-10
"""Part of the largest eigenvalue of the sums of squares below which a column depends on the others."""

LEVEL = 0.95
"""Of the interval of an attenuation."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegressionCalibration(Discreet):
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


def calibrate(first: Array, second: Array, covariates: Array, *, weights: Array) -> RegressionCalibration:
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
    _refuse_few(len(X), X.shape[1])
    root = np.sqrt(weights[both])[:, None]
    length = np.sqrt(np.mean((X * root) ** 2, axis=0))
    length[length == 0] = 1.0
    # Pivoted QR: as safe as singular values where columns depend on each other, in a fraction of their time.
    found = scipy.linalg.lstsq(X * root / length, Y * root, lapack_driver="gelsy", check_finite=False)[0]
    return RegressionCalibration(found / length[:, None], first.shape[1], int(both.sum()))


def attenuation_intervals(first: Array, second: Array, covariates: Array, *, design: SurveyDesign) -> Array:
    """Each attenuation of a calibration with its 95 % interval, linearised as the design has it.

    With A = sum_i w_i x_i x_iᵀ over the people with both days, x_i their row of the calibration and r_i the residual of
    an exposure, the influence of person i on its coefficients is A⁻¹ x_i w_i r_i. The t has the degrees of freedom of
    the design: PSUs less strata of the people with both days.

    Parameters
    ----------
    first, second, covariates : as `calibrate`, of all sampled rows.
    design : the whole sample under the weights of whoever has both days, 0 for everybody else.

    Returns
    -------
    (k, 3) float array: attenuation, low and high limit; limits are NaN where the people have no more PSUs than strata.

    Raises
    ------
    DesignError : as `calibrate`, or a stratum with people in one PSU only, where the design refuses that.

    References
    ----------
    Fuller 1975, Sankhya C 37:117-132 (regression in samples).
    """
    found = calibrate(first, second, covariates, weights=design.weights)
    both = domain_of(design, np.full(len(first), True))
    X, weights = _columns(first[both.rows], covariates[both.rows]), design.weights[both.rows]
    length = np.sqrt(np.average(X**2, axis=0, weights=weights))
    length[length == 0] = 1.0
    X = X / length
    own = slice(1, 1 + found.exposures)
    rows = np.linalg.pinv((X.T * weights) @ X, rcond=DEPENDENT, hermitian=True)[own] / length[own, None]
    residual = second[both.rows] - found.predict(first[both.rows], covariates[both.rows])
    influence = np.zeros((len(first), found.exposures))
    influence[both.rows] = X @ rows.T * weights[:, None] * residual
    std_error = np.sqrt(np.diag(taylor_vcov(influence, design)))
    t = float(scipy.stats.t.ppf((1 + LEVEL) / 2, both.df)) if both.df > 0 else np.nan
    return np.asarray(found.attenuation[:, None] + std_error[:, None] * np.array([0.0, -t, t]))


def _refuse_few(people: int, coefficients: int) -> None:
    if people <= coefficients:
        raise DesignError(f"{count_of(people)} people with both days: expected more than {coefficients} coefficients.")


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

    def calibration(self) -> RegressionCalibration:
        """The calibration of the whole sample; errors as `calibrate`."""
        return calibrate(self.first, self.second, self.covariates, weights=self.second_weights)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibratedSlopes(Discreet):
    """End slopes of a calibrated curve with those of bootstrap samples.

    Attributes
    ----------
    places : (2,) 5th and 95th percentile of the calibrated exposure.
    estimate : (2,) slopes there, log odds per unit.
    replicates : (B, 2) slopes at each sample's own places, NaN where a sample has no curve.
    """

    places: Array
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
    data: CalibrationData, multiplicities: npt.NDArray[np.integer], *, factors: Array, held: bool = False
) -> CalibratedSlopes:
    """End slopes of the spline of the calibrated exposure, and in samples with the calibration redone in each.

    Knots and range are placed anew in every sample, on the people drawn.

    Parameters
    ----------
    data : the sample.
    multiplicities, factors : (n_psu, B), as for `analysis.stats.shape.nadir.bootstrap_nadirs`.
    held : keep the calibration of the full sample, which leaves its error out.

    Raises
    ------
    DesignError : multiplicities and factors of different shape, or as `calibrate`.
    """
    if multiplicities.shape != factors.shape:
        raise DesignError(f"multiplicities {multiplicities.shape}: expected {factors.shape}, those of the factors.")
    calibration = data.calibration()
    once = np.ones(len(factors), dtype=np.intp)
    places, estimate, eta = _slopes(data, calibration, once, once.astype(float), None)
    of_units = _UnitSums.of(data)
    found = []
    for drawn, factor in zip(multiplicities.T, factors.T, strict=True):
        own = calibration if held else of_units.calibration(factor)
        found.append(_slopes(data, own, drawn, factor, eta)[1])
    return CalibratedSlopes(places, estimate, np.array(found))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _UnitSums(Discreet):
    """Sums of squares and products of the calibration's columns in each PSU.

    A replicate multiplies the weights of a PSU by one factor f_u, so that its normal equations are sums of ready-made
    blocks: (sum_u f_u X_u' W_u X_u) c = sum_u f_u X_u' W_u Y_u. Columns have a mean square of 1.

    Attributes
    ----------
    squares, products : (n_psu, p, p) and (n_psu, p, k).
    people : (n_psu,) with both days.
    length : (p,) root mean square of each column.
    """

    squares: Array
    products: Array
    people: Integers
    length: Array

    @classmethod
    def of(cls, data: CalibrationData) -> Self:
        """Sums of everybody who has both days."""
        both = data.second_weights > 0
        X, Y, psu = _columns(data.first[both], data.covariates[both]), data.second[both], data.psu[both]
        weights = data.second_weights[both]
        length = np.sqrt(np.average(X**2, axis=0, weights=weights))
        length[length == 0] = 1.0
        X = X / length
        units = int(data.psu.max()) + 1
        squares, products = np.zeros((units, X.shape[1], X.shape[1])), np.zeros((units, X.shape[1], Y.shape[1]))
        for unit in np.unique(psu):
            rows = psu == unit
            weighted = X[rows].T * weights[rows]
            squares[unit], products[unit] = weighted @ X[rows], weighted @ Y[rows]
        return cls(squares, products, np.bincount(psu, minlength=units), length)

    def calibration(self, factor: Array) -> RegressionCalibration:
        """The calibration of one replicate; by least norm where its columns depend on each other."""
        factor = factor[: len(self.people)]
        squares, products = (np.tensordot(factor, sums, axes=1) for sums in (self.squares, self.products))
        found = np.linalg.pinv(squares, rcond=DEPENDENT, hermitian=True) @ products
        n = int(self.people[factor > 0].sum())
        _refuse_few(n, len(squares))
        return RegressionCalibration(found / self.length[:, None], products.shape[1], n)


def _slopes(
    data: CalibrationData,
    calibration: RegressionCalibration,
    drawn: npt.NDArray[np.integer],
    factor: Array,
    eta: Array | None,
) -> tuple[Array, Array, Array | None]:
    """Ends of one sample's range, slopes there (NaN without a curve), and the linear predictor, if of all."""
    times = drawn[data.psu]
    rows = np.flatnonzero(times)
    covariates = data.covariates[rows]
    expected = calibration.predict(data.first[rows], covariates)
    probabilities = KNOT_PROBABILITIES[data.knots]
    places = np.quantile(np.repeat(expected[:, 0], times[rows]), [*probabilities, *RANGE])
    knots, ends = places[: len(probabilities)], places[len(probabilities) :]
    try:
        spline = RestrictedCubicSpline(knots if eta is not None else place_knots(expected[:, 0], data.knots))
    except SplineError:
        return ends, np.full(2, np.nan), None
    X = np.hstack([spline.basis(expected[:, 0]), np.ones((rows.size, 1)), expected[:, 1:], covariates])
    weights = (data.weights * factor[data.psu])[rows]
    beta = quick_estimate(X, data.y[rows], weights, eta=None if eta is None else eta[rows])
    if beta is None:
        return ends, np.full(2, np.nan), None
    slopes = spline.derivative(ends) @ beta[: spline.columns]
    return ends, np.asarray(slopes), (X @ beta if rows.size == len(times) else None)
