"""Two other forms of a dose-response curve, to see whether a shape is in the data or in the spline that was chosen.

A fractional polynomial of degree 2 is global: two power terms, chosen among 36 pairs, bend the whole range at once. A
penalised spline is local: many small cubic pieces, held together by a penalty on their roughness. A low point that
both of them and the restricted cubic spline have is not owed to the place of four knots. They are checks and decide
nothing: the errors of the one are given the powers, those of the other given the smoothing, and neither pays for the
choice.

References
----------
Royston & Altman 1994, Appl Stat 43:429-467 (fractional polynomials). Eilers & Marx 1996, Stat Sci 11:89-121
(P-splines). Lumley & Scott 2015, J Surv Stat Methodol 3:1-18 (a penalty for parameters under a design). Checked against
R ``survey::svyglm`` and a penalised fit written out in R with ``splines::splineDesign`` in tests/reference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal, get_args

import numpy as np
import scipy
from scipy.special import expit

from analysis.stats.arrays import Array
from analysis.stats.curve.curves import Curve
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.blocks import gram
from analysis.stats.regression.estimable import ConvergenceError, check_people
from analysis.stats.regression.fit import LogisticFit, logistic_deviance
from analysis.stats.regression.quick import Regression, fit_in_turn
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, between_psu

POWERS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)
"""Powers of Royston & Altman (1994); 0 is the logarithm."""

DEGREE = 3
DIFFERENCES = 2
BOUNDARY = (0.01, 0.99)
"""Quantiles of x between which the pieces of the penalised spline lie; beyond them it is a straight line."""

STRAIGHT, MOST_EDF = 1.05, 10.0
"""Least and largest effective number of parameters that the choice by dAIC considers."""

SMOOTHING_POINTS = 25

NEWTON_STEPS = 60
SETTLED = 1e-10
"""Length of the last Newton step, in standard errors; the next would be shorter than rounding."""

Choice = Literal["edf", "daic"]


# ---- fractional polynomials
@dataclass(frozen=True, slots=True)
class PowerBasis:
    """The two columns of a fractional polynomial, u^p and u^q of u = (x + shift)/scale.

    u⁰ is log u, and the second of two equal powers is u^p log u.

    Attributes
    ----------
    powers : the smaller one first.
    shift, scale : in the unit of x.
    """

    powers: tuple[float, float]
    shift: float
    scale: float

    def columns(self, x: Array) -> Array:
        """(k, 2) float array."""
        u = (x + self.shift) / self.scale
        if np.any(u <= 0):
            raise DesignError(f"an exposure with shift {self.shift:g} is not above zero: expected a positive sum.")
        log_u = np.log(u)
        first, second = (log_u if power == 0 else u**power for power in self.powers)
        return np.column_stack([first, first * log_u if self.powers[0] == self.powers[1] else second])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FractionalPolynomial(Discreet):
    """A fractional polynomial of degree 2.

    Attributes
    ----------
    powers : the pair of least deviance.
    curve : its curve; errors are given the powers.
    fit : its regression, terms ``intercept``, ``fp_1``, ``fp_2`` and the adjustment.
    pairs : (36, 2) powers that were tried.
    deviance : (36,) weighted pseudo-deviances, weights of mean 1; NaN for a pair without an estimate.
    """

    powers: tuple[float, float]
    curve: Curve
    fit: LogisticFit
    pairs: Array
    deviance: Array


def positive_shift(x: Array) -> float:
    """What is added to x before powers are taken: max(0, P1 - 2 min), in the unit of x.

    It leaves the lowest value as far from zero as it is from the first percentile, unless it already is farther. The
    usual shift, the smallest gap between two values, makes one person who ate nothing weigh a million times the others
    in x⁻², and only if x has a zero: a value next to zero would do the same unshifted.

    Raises
    ------
    DesignError : the first percentile is the minimum, and not positive.
    """
    lowest, percentile = float(np.min(x)), float(np.quantile(x, BOUNDARY[0]))
    shift = max(0.0, percentile - 2 * lowest)
    if lowest + shift <= 0:
        raise DesignError("a hundredth of the people or more have the lowest exposure, which is not positive: expected "
                          "fewer, to move it above zero. Give shift.")  # fmt: skip
    return shift


def fit_fractional_polynomial(
    x: Array,
    y: Array,
    adjustment: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    reference: float,
    shift: float | None = None,
) -> FractionalPolynomial:
    """Fit the fractional polynomial of degree 2 that has the least weighted pseudo-deviance of the 36.

    log odds = a + b1 u^p + b2 u^q + adjustment, u = (x + shift)/scale with scale the power of ten within the range of
    x: 10^trunc(log10(max - min)).

    Parameters
    ----------
    x, y : (m,) exposure, and outcome of 0 and 1; the domain's rows only, in the order of the design.
    adjustment : (m, q) float array, no intercept; q may be zero.
    design, domain : the whole sample, and the m rows of it the model is about.
    reference : exposure of odds ratio 1.
    shift : added to x; by default `positive_shift` of x.

    Returns
    -------
    FractionalPolynomial

    Raises
    ------
    DesignError : arrays that do not match, an exposure that is constant, missing or, shifted, not positive.
    ConvergenceError : no pair has an estimate.
    """
    _check_people(x, y, adjustment, domain)
    terms = tuple(f"adjustment_{number}" for number in range(1, adjustment.shape[1] + 1))
    shift = positive_shift(x) if shift is None else shift
    scale = 10.0 ** np.trunc(np.log10(np.ptp(x)))
    pairs = tuple(combinations_with_replacement(POWERS, 2))
    bases = [PowerBasis(pair, shift, scale) for pair in pairs]
    ones, names = np.ones((x.size, 1)), ("intercept", "fp_1", "fp_2", *terms)
    models = (Regression(np.hstack([ones, basis.columns(x), adjustment]), y, domain, names) for basis in bases)
    found = fit_in_turn(models, design)
    fitted = [(basis, fit) for basis, fit in zip(bases, found, strict=True) if isinstance(fit, LogisticFit)]
    if not fitted:
        raise ConvergenceError(f"none of {len(pairs)} pairs of powers has an estimate. The first: {found[0]}")
    deviance = np.array([fit.deviance if isinstance(fit, LogisticFit) else np.nan for fit in found])
    basis, fit = min(fitted, key=lambda one: one[1].deviance)
    curve = Curve(basis, fit.beta[1:3], fit.vcov[1:3, 1:3], fit.residual_df, reference)
    return FractionalPolynomial(basis.powers, curve, fit, np.array(pairs), deviance)


def _check_people(x: Array, y: Array, adjustment: Array, domain: Domain) -> None:
    check_people(x, y, adjustment, domain)
    if not np.ptp(x) > 0:
        raise DesignError("the exposure is constant: expected numbers that vary.")


# ---- penalised splines
@dataclass(frozen=True, slots=True)
class PenalisedBasis:
    """Cubic B-splines of equally spaced knots between low and high, straight lines beyond.

    The columns add up to 1 everywhere, so they hold the intercept.

    Attributes
    ----------
    low, high : ends of the pieces, in the unit of x.
    segments : number of pieces; segments + 3 columns.
    """

    low: float
    high: float
    segments: int

    def columns(self, x: Array) -> Array:
        """(k, segments + 3) float array: B(x), and beyond the ends B(end) + (x - end) B'(end)."""
        step = (self.high - self.low) / self.segments
        knots = self.low + step * np.arange(-DEGREE, self.segments + DEGREE + 1)
        spline = scipy.interpolate.BSpline(knots, np.eye(self.segments + DEGREE), DEGREE)
        inside = np.clip(x, self.low, self.high)
        return np.asarray(spline(inside) + (x - inside)[:, None] * spline.derivative()(inside))

    def penalty(self) -> Array:
        """DᵀD of the second differences of the coefficients: zero for a straight line."""
        D = np.diff(np.eye(self.segments + DEGREE), DIFFERENCES, axis=0)
        return D.T @ D


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PenalisedSpline(Discreet):
    """A penalised spline regression.

    Attributes
    ----------
    curve : its curve; errors are given the smoothing and leave out the bias that smoothing brings.
    smoothing : lambda, for weights of mean 1.
    edf : effective number of parameters of the curve without its intercept; 1 is a straight line.
    total_edf : that of the whole model.
    deviance : -2 log pseudo-likelihood without the penalty, weights of mean 1.
    daic : deviance + 2 tr((A + P)⁻¹ G), what is minimised under ``choice="daic"``.
    """

    curve: Curve
    smoothing: float
    edf: float
    total_edf: float
    deviance: float
    daic: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Penalised(Discreet):
    """A penalised regression before its smoothing is known.

    The spline's coefficients are turned so that the penalty is a diagonal of zeros (for straight lines) and ones.
    With a large lambda the penalty would otherwise be a small difference of large numbers.

    Attributes
    ----------
    X : (m, c + q) float array, turned columns of the spline, and the adjustment.
    penalty : (c + q,) float array, 0 or 1.
    turn : (c, c) float array; the spline's coefficients are turn @ gamma.
    """

    X: Array
    y: Array
    weights: Array
    penalty: Array
    turn: Array
    basis: PenalisedBasis
    design: SurveyDesign
    domain: Domain
    reference: float


def fit_penalised_spline(
    x: Array,
    y: Array,
    adjustment: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    reference: float,
    choice: Choice = "edf",
    edf: float = 4.0,
    segments: int = 20,
    low: float | None = None,
    high: float | None = None,
) -> PenalisedSpline:
    """Fit a penalised cubic spline of the exposure.

    Maximises the weighted log pseudo-likelihood less lambda/2 |second differences of the spline's coefficients|². With
    A the weighted information, P the penalty with its lambda and G the covariance of the score by `between_psu`, the
    covariance is (A + P)⁻¹ G (A + P)⁻¹ and the effective number of parameters tr((A + P)⁻¹ A).

    Weights have mean 1, so their scale does not change the smoothing, but cross-validation and AIC would still take
    people for independent: under weights and clusters a useless wiggle gains more than they charge, and the curve
    comes out too rough. Hence the two ways here: ``edf`` sets lambda so that the curve has that many parameters, a
    choice made beforehand; ``daic`` charges each parameter its design effect, 2 tr((A + P)⁻¹ G).

    Parameters
    ----------
    x, y, adjustment, design, domain, reference : as `fit_fractional_polynomial`; x may be of any sign.
    choice : of lambda.
    edf : effective number of parameters of the curve without its intercept, under ``edf``.
    segments : number of cubic pieces.
    low, high : ends of the pieces; by default the 1st and 99th percentile of x.

    Returns
    -------
    PenalisedSpline

    Raises
    ------
    DesignError : arrays that do not match, an exposure that is constant or missing, an adjustment that is constant, an
        edf that the segments cannot give, an unknown choice, or no degrees of freedom left.
    ConvergenceError : the outcome does not vary, or there is no finite estimate.
    """
    if choice not in get_args(Choice):
        raise DesignError(f"choice={choice!r}: expected one of {', '.join(get_args(Choice))}.")
    _check_people(x, y, adjustment, domain)
    ends = np.quantile(x, BOUNDARY)
    basis = PenalisedBasis(float(ends[0] if low is None else low), float(ends[1] if high is None else high), segments)
    # The curve's parameters, its intercept and the adjustment are to leave one degree of freedom.
    most = min(segments + DEGREE - 1.5, domain.df - 1.0 - adjustment.shape[1])
    if not basis.low < basis.high or not (1 < edf <= most if choice == "edf" else most > STRAIGHT):
        raise DesignError(
            f"edf {edf:g}, {segments} segments from {basis.low:g} to {basis.high:g}, {adjustment.shape[1]} adjustment "
            f"columns, {domain.df} design degrees of freedom: expected a range that increases and an edf above 1 and "
            f"at most {most:g}."
        )
    model = _penalised(x, y, adjustment, basis, design, domain, reference)
    solve = _warm(model)
    if choice == "edf":
        return solve(_log_smoothing(solve, edf))
    return solve(_least_daic(solve, min(MOST_EDF, most)))


def _penalised(
    x: Array, y: Array, adjustment: Array, basis: PenalisedBasis, design: SurveyDesign, domain: Domain, reference: float
) -> _Penalised:
    if not np.all(np.isfinite(adjustment)) or not np.all(np.isin(y, (0.0, 1.0))) or np.ptp(y) == 0:
        raise ConvergenceError("missing values, or an outcome that is not some 0 and some 1: expected complete cases.")
    spread = adjustment.std(axis=0)
    if np.any(spread == 0):
        raise DesignError(f"adjustment columns {np.flatnonzero(spread == 0).tolist()} (from 0) are constant: expected "
                          "them to vary. Leave them out.")  # fmt: skip
    # Centring moves into the spline's constant and scaling into coefficients that are not reported.
    eigenvalues, turn = scipy.linalg.eigh(basis.penalty())
    turn[:, DIFFERENCES:] /= np.sqrt(eigenvalues[DIFFERENCES:])
    X = np.hstack([basis.columns(x) @ turn, (adjustment - adjustment.mean(axis=0)) / spread])
    penalty = np.zeros(X.shape[1])
    penalty[DIFFERENCES : len(turn)] = 1.0
    weights = design.weights[domain.rows]
    return _Penalised(X, y, weights / weights.mean(), penalty, turn, basis, design, domain, reference)


def _warm(model: _Penalised) -> Callable[[float], PenalisedSpline]:
    """The fit as a function of log lambda, each starting where the one before it ended."""
    last = np.zeros(model.X.shape[1])

    def solve(log_smoothing: float) -> PenalisedSpline:
        nonlocal last
        last = _maximise(model, float(np.exp(log_smoothing)) * model.penalty, last)
        return _describe(model, float(np.exp(log_smoothing)), last)

    return solve


def _log_smoothing(solve: Callable[[float], PenalisedSpline], edf: float) -> float:
    """Log lambda of a given edf, which falls as lambda grows."""

    def excess(log_smoothing: float) -> float:
        return solve(log_smoothing).edf - edf

    low = high = 0.0
    while excess(high) >= 0:
        high += 3.0
    while excess(low) < 0:
        low -= 3.0
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-11))


def _least_daic(solve: Callable[[float], PenalisedSpline], most: float) -> float:
    """Log lambda of least dAIC, from nearly straight to the largest edf: the best of a grid, then refined."""
    grid = np.linspace(_log_smoothing(solve, STRAIGHT), _log_smoothing(solve, most), SMOOTHING_POINTS)
    at = int(np.argmin([solve(log_smoothing).daic for log_smoothing in grid]))
    ends = sorted((grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)]))
    found = scipy.optimize.minimize_scalar(
        lambda log_smoothing: solve(log_smoothing).daic, bounds=ends, method="bounded", options={"xatol": 1e-3}
    )
    return float(min((found.x, grid[at]), key=lambda log_smoothing: solve(log_smoothing).daic))


def _maximise(model: _Penalised, penalty: Array, beta: Array) -> Array:
    """Newton's method, steps halved while they lose."""
    loss = _loss(model, penalty, beta)
    for _ in range(NEWTON_STEPS):
        mu = expit(model.X @ beta)
        gradient = model.X.T @ (model.weights * (model.y - mu)) - penalty * beta
        try:
            factor = scipy.linalg.cho_factor(gram(model.X, model.weights * mu * (1 - mu)) + np.diag(penalty))
        except scipy.linalg.LinAlgError:
            break
        step = scipy.linalg.cho_solve(factor, gradient)
        if step @ gradient < SETTLED**2:
            return np.asarray(beta + step)
        share = 1.0
        while (other := _loss(model, penalty, beta + share * step)) > loss + 1e-9 * abs(loss) and share > 1e-6:
            share /= 2
        beta, loss = beta + share * step, other
    raise ConvergenceError(
        f"no finite penalised estimate after {NEWTON_STEPS} steps: an adjustment column is a sum of others or predicts "
        "the outcome without error (separation). Remove or merge columns, or widen the domain."
    )


def _loss(model: _Penalised, penalty: Array, beta: Array) -> float:
    return logistic_deviance(model.y, model.X @ beta, model.weights) / 2 + float(penalty @ beta**2) / 2


def _describe(model: _Penalised, smoothing: float, beta: Array) -> PenalisedSpline:
    eta = model.X @ beta
    mu = expit(eta)
    A = gram(model.X, model.weights * mu * (1 - mu))
    bread = np.linalg.inv(A + smoothing * np.diag(model.penalty))
    scores = model.X * (model.weights * (model.y - mu))[:, None]
    G = between_psu(model.design.psu_sums[:, np.flatnonzero(model.domain.rows)] @ scores, model.design)
    c = model.basis.segments + DEGREE
    shares = np.diag(bread @ A)
    deviance = logistic_deviance(model.y, eta, model.weights)
    df = model.domain.df + 1 - float(shares.sum())
    vcov = model.turn @ (bread @ G @ bread)[:c, :c] @ model.turn.T
    return PenalisedSpline(
        curve=Curve(model.basis, model.turn @ beta[:c], vcov, df, model.reference),
        smoothing=smoothing,
        edf=float(shares[:c].sum()) - 1,
        total_edf=float(shares.sum()),
        deviance=deviance,
        daic=deviance + 2 * float(np.trace(bread @ G)),
    )
