"""Slopes of a fitted exposure curve, the test of a U-shape at its ends, and the turning point of a quadratic.

A curve that falls and then rises has a negative slope at the low end of the exposure and a positive one at the high
end. Both must be shown: the test of the two together is the intersection-union test, whose p-value is the larger of the
two one-sided ones. It knows the curve by its coefficients and their derivative rows, so a spline and a quadratic are
tested alike. The turning point of a quadratic is a ratio of coefficients, with Fieller's confidence set.

References
----------
Sasabuchi 1980, Biometrika 67:429-439. Lind & Mehlum 2010, Oxf Bull Econ Stat 72:109-118. Fieller 1954, J R Stat Soc B
16:175-185. Checked against R ``survey::svyglm`` and ``svycontrast`` in tests/reference.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import scipy.special

from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.fit import Fit
from analysis.stats.sample.design import DesignError

Shape = Literal["u", "inverted_u"]
ConfidenceSet = Literal["bounded", "complement", "whole_line"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slopes(Discreet):
    """Slopes of a fitted curve at m exposures.

    Attributes
    ----------
    x : (m,) float array, in the unit of the exposure.
    slope : (m,) float array, change of the linear predictor per unit of x.
    std_error : (m,) float array, design-based.
    df : residual degrees of freedom of the fit.
    """

    x: Array
    slope: Array
    std_error: Array
    df: int

    @property
    def statistic(self) -> Array:
        """Slope over its standard error, (m,)."""
        return self.slope / self.std_error

    @property
    def p_falling(self) -> Array:
        """One-sided p-values P(t <= statistic) for a slope below zero, (m,)."""
        return np.asarray(scipy.special.stdtr(self.df, self.statistic))

    @property
    def p_rising(self) -> Array:
        """One-sided p-values P(t >= statistic) for a slope above zero, (m,)."""
        return np.asarray(scipy.special.stdtr(self.df, -self.statistic))

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Slopes with t intervals: x, estimate, std_error, statistic, df, p_falling, p_rising, conf_low, conf_high."""
        _check_level(conf_level)
        half = scipy.special.stdtrit(self.df, (1 + conf_level) / 2) * self.std_error
        return pd.DataFrame(
            {
                "x": self.x,
                "estimate": self.slope,
                "std_error": self.std_error,
                "statistic": self.statistic,
                "df": self.df,
                "p_falling": self.p_falling,
                "p_rising": self.p_rising,
                "conf_low": self.slope - half,
                "conf_high": self.slope + half,
            }
        )


@dataclass(frozen=True, slots=True)
class EndSlopes:
    """Test that a curve has a shape between two exposures, against being monotone or having the opposite one.

    Attributes
    ----------
    shape : ``u`` (falls at ``low``, rises at ``high``) or ``inverted_u``.
    low, high : ends of the range, in the unit of the exposure.
    slope_low, slope_high : slopes there, change of the linear predictor per unit of x.
    std_error_low, std_error_high, statistic_low, statistic_high : their errors and t statistics.
    df : residual degrees of freedom.
    p_low, p_high : one-sided p-values, each towards the slope that the shape has at that end.
    p_value : the larger of the two.
    """

    shape: Shape
    low: float
    high: float
    slope_low: float
    slope_high: float
    std_error_low: float
    std_error_high: float
    statistic_low: float
    statistic_high: float
    df: int
    p_low: float
    p_high: float
    p_value: float

    def to_frame(self) -> pd.DataFrame:
        """Rows low, high and overall: term, x, estimate, std_error, statistic, df, p_value (one-sided).

        The overall statistic is the smaller of the two t statistics, each counted positive towards the shape.
        """
        sign = 1 if self.shape == "u" else -1
        overall = min(-sign * self.statistic_low, sign * self.statistic_high)
        return pd.DataFrame(
            {
                "term": ["low", "high", "overall"],
                "x": [self.low, self.high, np.nan],
                "estimate": [self.slope_low, self.slope_high, np.nan],
                "std_error": [self.std_error_low, self.std_error_high, np.nan],
                "statistic": [self.statistic_low, self.statistic_high, overall],
                "df": self.df,
                "p_value": [self.p_low, self.p_high, self.p_value],
            }
        )


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """Where a fitted quadratic turns, with Fieller's confidence set.

    Attributes
    ----------
    x : the turning point, in the unit of the exposure.
    std_error : its standard error by the delta method, which means little where the set is not bounded.
    kind : whether the curve is lowest or highest there.
    confidence_set : ``bounded``: from conf_low to conf_high. ``complement``: everything but the gap between gap_low and
        gap_high, because the curvature cannot be told from zero. ``whole_line``: nothing can be ruled out.
    conf_low, conf_high : limits of a bounded set, NaN otherwise.
    gap_low, gap_high : ends of the gap that a complement leaves out, NaN otherwise.
    df : residual degrees of freedom.
    conf_level : level of the set.
    """

    x: float
    std_error: float
    kind: Literal["minimum", "maximum"]
    confidence_set: ConfidenceSet
    conf_low: float
    conf_high: float
    gap_low: float
    gap_high: float
    df: int
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """One row: estimate, std_error, kind, df, confidence_set, conf_low and _high, gap_low and _high, conf_level."""
        names = (
            "std_error",
            "kind",
            "df",
            "confidence_set",
            "conf_low",
            "conf_high",
            "gap_low",
            "gap_high",
            "conf_level",
        )
        return pd.DataFrame([{"estimate": self.x} | {name: getattr(self, name) for name in names}])


def quadratic_derivative(x: Array) -> Array:
    """Derivative rows of the columns x and x²: (m, 2) float array, 1 and 2 x."""
    x = np.asarray(x, dtype=float)
    return np.column_stack([np.ones_like(x), 2 * x])


def slopes_at(fit: Fit, x: Array, derivative: Array, *, index: Integers) -> Slopes:
    """Slopes D b of a curve with standard errors sqrt(diag(D V Dᵀ)).

    Parameters
    ----------
    fit : the regression.
    x : (m,) float array, exposures, in the unit of the curve.
    derivative : (m, q) float array D, derivatives of the q columns of the exposure at x, such as
        ``RestrictedCubicSpline.derivative(x)`` or ``quadratic_derivative(x)``.
    index : (q,) positions of the exposure's coefficients b in the fit, V their covariance.

    Returns
    -------
    Slopes on the fit's residual df.

    Raises
    ------
    DesignError : x, derivative and index disagree or are not finite, or a slope without error.
    """
    x, D, index = np.atleast_1d(np.asarray(x, dtype=float)), np.asarray(derivative, dtype=float), np.asarray(index)
    if D.shape != (x.size, index.size) or not np.all(np.isfinite(D)) or not np.all(np.isfinite(x)):
        raise DesignError(f"{x.size} exposures, {index.size} coefficients, derivative {D.shape}: expected finite "
                          "numbers, a row per exposure and a column per coefficient.")  # fmt: skip
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", D, fit.vcov[np.ix_(index, index)], D))
    if not np.all(std_error > 0):
        raise DesignError(f"slopes at {x[~(std_error > 0)].tolist()} have no standard error: expected derivative rows "
                          "that are not zero, of estimated coefficients.")  # fmt: skip
    return Slopes(x=x, slope=D @ fit.beta[index], std_error=std_error, df=fit.residual_df)


def end_slopes(
    fit: Fit, derivative: Array, *, index: Integers, low: float, high: float, shape: Shape = "u"
) -> EndSlopes:
    """Sasabuchi's test of a U-shape by the slopes at both ends, in the form of Lind and Mehlum.

    Against the null hypothesis that the slope is not negative at ``low`` or not positive at ``high``:
    p = max(P(t <= slope_low/se_low), P(t >= slope_high/se_high)), t on the residual df. Where the slopes have not the
    signs of the shape (a turning point outside the range) p is at least 0.5: Lind and Mehlum's trivial failure to
    reject.

    Parameters
    ----------
    fit : the regression.
    derivative : (2, q) float array, derivative rows of the exposure's columns at ``low`` and at ``high``.
    index : (q,) positions of the exposure's coefficients.
    low, high : the ends, in the unit of the exposure; the studies here use the 5th and 95th percentile.
    shape : ``u``, or ``inverted_u`` for a curve that rises first.

    Returns
    -------
    EndSlopes

    Raises
    ------
    DesignError : an unknown shape, low not below high, or as `slopes_at`.

    References
    ----------
    Sasabuchi 1980, Biometrika 67:429-439. Lind & Mehlum 2010, Oxf Bull Econ Stat 72:109-118.
    """
    check_shape(shape)
    if not low < high:
        raise DesignError(f"ends {low:g} and {high:g}: expected the low end below the high one.")
    ends = slopes_at(fit, np.array([low, high]), derivative, index=index)
    first, second = (ends.p_falling, ends.p_rising) if shape == "u" else (ends.p_rising, ends.p_falling)
    return EndSlopes(
        shape=shape,
        low=float(low),
        high=float(high),
        slope_low=float(ends.slope[0]),
        slope_high=float(ends.slope[1]),
        std_error_low=float(ends.std_error[0]),
        std_error_high=float(ends.std_error[1]),
        statistic_low=float(ends.statistic[0]),
        statistic_high=float(ends.statistic[1]),
        df=ends.df,
        p_low=float(first[0]),
        p_high=float(second[1]),
        p_value=float(max(first[0], second[1])),
    )


def quadratic_turning_point(fit: Fit, *, index: Integers, conf_level: float = 0.95) -> TurningPoint:
    """Turning point -b1/(2 b2) of a quadratic b1 x + b2 x² with Fieller's confidence set.

    The set holds every x at which the slope b1 + 2 b2 x does not differ from zero: (b1 + 2 b2 x)² <= t² Var(b1 + 2 b2
    x), t the quantile on the residual df. It is bounded if b2 differs from zero at that level.

    Parameters
    ----------
    fit : the regression.
    index : (2,) positions of the coefficients of x and x².
    conf_level : level of the set.

    Returns
    -------
    TurningPoint

    Raises
    ------
    DesignError : not two coefficients, another confidence level than between 0 and 1, or a curvature of zero.

    References
    ----------
    Fieller 1954, J R Stat Soc B 16:175-185.
    """
    _check_level(conf_level)
    index = np.asarray(index)
    if index.shape != (2,):
        raise DesignError(f"{index.size} coefficients of a quadratic: expected two positions, those of x and x².")
    (b1, b2), V = fit.beta[index], fit.vcov[np.ix_(index, index)]
    if b2 == 0:
        raise DesignError("the coefficient of x² is zero: expected a curve; a straight line does not turn.")
    x = float(-b1 / (2 * b2))
    t = float(scipy.special.stdtrit(fit.residual_df, (1 + conf_level) / 2))
    confidence_set, limits = _fieller_set(b1, b2, V, t)
    unknown = (np.nan, np.nan)
    conf_low, conf_high = limits if confidence_set == "bounded" else unknown
    gap_low, gap_high = limits if confidence_set == "complement" else unknown
    row = np.array([1.0, 2 * x])
    return TurningPoint(
        x=x,
        std_error=float(np.sqrt(row @ V @ row) / abs(2 * b2)),
        kind="minimum" if b2 > 0 else "maximum",
        confidence_set=confidence_set,
        conf_low=conf_low,
        conf_high=conf_high,
        gap_low=gap_low,
        gap_high=gap_high,
        df=fit.residual_df,
        conf_level=conf_level,
    )


def _fieller_set(b1: float, b2: float, V: Array, t: float) -> tuple[ConfidenceSet, tuple[float, float]]:
    """Kind of the set {x: (b1 + 2 b2 x)² <= t² Var(b1 + 2 b2 x)}, and its limits or those of its gap.

    With the origin moved to where the slope is uncorrelated with b2, and z1 and z2 the slope there and b2 over their
    standard errors, it is {phi: (z1 + z2 phi)² <= t² (1 + phi²)}: no unit of x is left, and the discriminant is not a
    difference of nearly equal numbers.
    """
    se2 = np.sqrt(V[1, 1])
    origin = -V[0, 1] / (2 * V[1, 1])
    se1 = np.sqrt(V[0, 0] - V[0, 1] ** 2 / V[1, 1])
    z1, z2 = (b1 + 2 * b2 * origin) / se1, b2 / se2
    discriminant = z1**2 + z2**2 - t**2
    leading = z2**2 - t**2
    if leading <= 0 and discriminant <= 0:
        return "whole_line", (np.nan, np.nan)
    # The root far from zero first; their product is (z1² - t²)/leading.
    far = -(z1 * z2 + np.copysign(t * np.sqrt(discriminant), z1 * z2))
    with np.errstate(divide="ignore"):  # at leading = 0 the gap has one end only, and the other is infinite
        roots = np.array([np.divide(far, leading), (z1**2 - t**2) / far])
    low, high = np.sort(origin + roots * se1 / (2 * se2))
    return ("bounded" if leading > 0 else "complement"), (float(low), float(high))


def check_shape(shape: str) -> None:
    """Refuse a shape that is not known.

    Raises
    ------
    DesignError : neither ``u`` nor ``inverted_u``.
    """
    if shape not in get_args(Shape):
        raise DesignError(f"shape={shape!r}: expected one of {', '.join(get_args(Shape))}.")


def _check_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise DesignError(f"confidence level {conf_level:g}: expected a number between 0 and 1, such as 0.95.")
