"""The two lines test of a U-shape: an interrupted logistic regression, its break placed by the Robin Hood rule.

A U-shape is a change of sign of the slope, and it is tested without a functional form: one straight line up to a break,
another one beyond it, a step between them. Where the break is decides how many people support each line. The Robin Hood
rule takes it from the region in which the fitted curve is about as low as at its lowest, and within that region moves
it away from the weaker line, which so gets more people. The outcome enters through the curve and the two z statistics,
not through the p-values that are reported.

What is done here and what the published software does differ in four points. The curve is the study's restricted cubic
spline, not a penalised smooth. The lines are on the log-odds scale, survey-weighted, with design-based errors and t on
the residual df. The error of the curve is that of its deviation from the curve's mean, whereas the software adds the
error of the intercept at the covariates' means; the intercept says how common the outcome is, not where the curve is
low. Range and shape are given, not found from the data. The rest is the software's: exposures strictly inside the
range, people counted without weights, a strict inequality, quantiles of type 7, either line from the regression in
which the break belongs to its side.

References
----------
Simonsohn 2018, Adv Methods Pract Psychol Sci 1:538-555. Checked against R ``survey::svyglm`` in tests/reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import scipy.special

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import count_of, same_for_all
from analysis.stats.order import partly_sorted, quantiles, sorted_median
from analysis.stats.regression.estimable import check_people
from analysis.stats.regression.fit import Fit, LogisticFit
from analysis.stats.regression.quick import Regression, fit_in_turn
from analysis.stats.regression.shared import SharedColumns
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign
from analysis.stats.shape.slopes import Shape, check_shape

FEWEST_ON_A_SIDE = 20
"""People on one side of the break below which no line is fitted there."""

LINES = ("x_low", "x_high", "high")


@dataclass(frozen=True, slots=True)
class Line:
    """One of the two lines.

    Attributes
    ----------
    n : people it rests on, those at the break included.
    slope, std_error : change of the log odds per unit of x, and its design-based error.
    df : residual degrees of freedom.
    """

    n: int
    slope: float
    std_error: float
    df: int

    @property
    def statistic(self) -> float:
        """Slope over its standard error."""
        return self.slope / self.std_error

    @property
    def p_value(self) -> float:
        """Two-sided p-value, t on the residual df."""
        return float(2 * scipy.special.stdtr(self.df, -abs(self.statistic)))


@dataclass(frozen=True, slots=True)
class TwoLines:
    """Result of the two lines test.

    Attributes
    ----------
    shape : ``u`` or ``inverted_u``.
    extreme : the exposure within the range at which the fitted curve is lowest (highest for ``inverted_u``).
    flat_low, flat_high, flat_n : first and last exposure of the flat region, and people in it.
    first_break : median of the flat region, where the lines are compared.
    z_low, z_high : t statistics of the lines at the first break.
    break_point : where the reported lines meet.
    low, high : the two lines.
    """

    shape: Shape
    extreme: float
    flat_low: float
    flat_high: float
    flat_n: int
    first_break: float
    z_low: float
    z_high: float
    break_point: float
    low: Line
    high: Line

    @property
    def opposite_slopes(self) -> bool:
        """Whether the slopes have the signs of the shape."""
        sign = 1 if self.shape == "u" else -1
        return sign * self.low.slope < 0 < sign * self.high.slope

    @property
    def p_value(self) -> float:
        """The larger of the two lines' two-sided p-values if the slopes have the signs of the shape, otherwise 1.

        Below 0.05 exactly where the published test finds the shape: opposite slopes, both with p < 0.05.
        """
        return max(self.low.p_value, self.high.p_value) if self.opposite_slopes else 1.0

    def to_frame(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Rows low and high: term, n, estimate, std_error, statistic, df, p_value, conf_low, conf_high."""
        rows = []
        for term, line in (("low", self.low), ("high", self.high)):
            half = scipy.special.stdtrit(line.df, (1 + conf_level) / 2) * line.std_error
            rows.append(
                {
                    "term": term,
                    "n": line.n,
                    "estimate": line.slope,
                    "std_error": line.std_error,
                    "statistic": line.statistic,
                    "df": line.df,
                    "p_value": line.p_value,
                    "conf_low": line.slope - half,
                    "conf_high": line.slope + half,
                }
            )
        return pd.DataFrame(rows)


def two_lines(
    x: Array,
    y: Array,
    adjustment: Array,
    *,
    basis: Array,
    spline_fit: Fit,
    spline_index: Integers,
    design: SurveyDesign,
    domain: Domain,
    low: float,
    high: float,
    shape: Shape = "u",
    shared: SharedColumns | None = None,
) -> TwoLines:
    """Simonsohn's two lines test on a survey-weighted logistic regression.

    1. The curve is the spline's deviation f(x) = (s(x) - mean s) b from its mean over the people, se(x) its error.
    2. Its lowest value f_min among the people with low < x < high is at ``extreme``; the flat region are the people
       among them with f(x) - se(x) < f_min.
    3. An interrupted regression at the median of their exposures gives z_low and z_high.
    4. The break is the quantile |z_high|/(|z_low| + |z_high|) of their exposures, and the interrupted regression there
       is reported.

    Nobody's exposure is weighted in 1, 2 and 4: the knots are placed so, and a quantile of exposures is a place on the
    axis, not an estimate for the population.

    Parameters
    ----------
    x : (m,) float array, exposure of the domain's rows only, in the order of the design.
    y : (m,) float array of 0 and 1.
    adjustment : (m, q) float array, the other columns of the model, without intercept.
    basis : (m, k - 1) float array, the spline's basis at x.
    spline_fit, spline_index : the regression with it, and the positions of its coefficients there.
    design, domain : the whole sample, and the part of it that x and y are about.
    low, high : the range in which the break may lie; the published software takes the 10th and 90th percentile.
    shape : ``u``, or ``inverted_u`` for a curve that rises first.
    shared : intercept and adjustment of these people, made ready for several regressions.

    Returns
    -------
    TwoLines

    Raises
    ------
    DesignError : arrays that disagree, an unknown shape, nobody inside the range, or a side of the break with fewer
        than 20 people, one exposure only, or an outcome that does not vary.
    ConvergenceError : as `analysis.stats.regression.quick.fit_quickly`.

    References
    ----------
    Simonsohn 2018, Adv Methods Pract Psychol Sci 1:538-555.
    """
    check_shape(shape)
    if np.size(spline_index) != basis.shape[1]:
        raise DesignError(f"{np.size(spline_index)} positions for a spline of {basis.shape[1]} columns: expected one "
                          "for each.")  # fmt: skip
    check_people(x, y, adjustment, domain)
    curve, std_error = centred_curve(basis, spline_fit, index=spline_index)
    extreme, flat = flat_region(x, curve, std_error, low=low, high=high, shape=shape)
    first_break = sorted_median(partly_sorted(flat, 0.5))
    eta = None if shared else _linear_predictor(basis, adjustment, spline_fit, spline_index)
    lines_at = partial(interrupted_regression, x, y, adjustment, design=design, domain=domain, eta=eta, shared=shared)
    before = lines_at(at=first_break)
    z_low, z_high = before[0].statistic, before[1].statistic
    break_point = robin_hood_break(flat, z_low, z_high)
    lines = lines_at(at=break_point)
    return TwoLines(
        shape=shape,
        extreme=extreme,
        flat_low=float(flat.min()),
        flat_high=float(flat.max()),
        flat_n=flat.size,
        first_break=first_break,
        z_low=z_low,
        z_high=z_high,
        break_point=break_point,
        low=lines[0],
        high=lines[1],
    )


def _linear_predictor(basis: Array, adjustment: Array, fit: Fit, index: Integers) -> Array | None:
    """That of the spline's regression, if its other columns are an intercept and the adjustment; else no start."""
    others = np.setdiff1d(np.arange(len(fit.terms)), index)
    if others.size != adjustment.shape[1] + 1:
        return None
    return basis @ fit.beta[index] + fit.beta[others[0]] + adjustment @ fit.beta[others[1:]]


def centred_curve(basis: Array, fit: Fit, *, index: Integers) -> tuple[Array, Array]:
    """Deviation of the fitted spline from its mean over the people, and its standard error, both (m,) in log odds.

    f = (S - mean S) b with error sqrt(diag((S - mean S) V (S - mean S)ᵀ)), S the (m, k - 1) basis at their exposures: a
    smooth term that sums to zero over the people, as additive models report it.
    """
    rows = basis.T - basis.mean(axis=0)[:, None]
    variance = np.sum((fit.vcov[np.ix_(index, index)] @ rows) * rows, axis=0)
    return fit.beta[index] @ rows, np.sqrt(variance)


def flat_region(
    x: Array, curve: Array, std_error: Array, *, low: float, high: float, shape: Shape = "u"
) -> tuple[float, Array]:
    """Where the curve is most extreme inside a range, and the exposures at which it is within one error of that.

    Parameters
    ----------
    x, curve, std_error : (m,) exposure, fitted value and its error, a row a person.
    low, high : only people with low < x < high are looked at.
    shape : ``u`` looks for the lowest value, ``inverted_u`` for the highest.

    Returns
    -------
    The exposure of the most extreme value, and the exposures of the people for whom curve - std_error is below it
    (curve + std_error above it), in their order.

    Raises
    ------
    DesignError : nobody inside the range.
    """
    inside = (x > low) & (x < high)
    if not inside.any():
        raise DesignError(
            f"nobody has an exposure between {low:g} and {high:g}: expected people there; widen the range."
        )
    height = curve[inside] if shape == "u" else -curve[inside]
    lowest = int(np.argmin(height))
    flat = height - std_error[inside] < height[lowest]
    flat[lowest] = True  # strictly within no error is not even the lowest point itself
    within = x[inside]
    return float(within[lowest]), within[flat]


def robin_hood_break(flat: Array, z_low: float, z_high: float) -> float:
    """Quantile |z_high|/(|z_low| + |z_high|) of the flat region's exposures: the weaker line gets the more people.

    Parameters
    ----------
    flat : exposures of the people in the flat region.
    z_low, z_high : statistics of the two lines with the break at the region's median.
    """
    share = abs(z_high) / (abs(z_low) + abs(z_high))
    return float(quantiles(flat, share))


def interrupted_regression(
    x: Array, y: Array, adjustment: Array, *, at: float, design: SurveyDesign, domain: Domain,
    eta: Array | None = None, shared: SharedColumns | None = None,
) -> tuple[Line, Line]:  # fmt: skip
    """Two lines with a step between them: log odds = a + b_low (x - c) [x low] + (b_high (x - c) + s) [x high] + ...

    Either line is taken from a regression of its own, so that people at the break c count for both: the low line from
    the one in which x <= c is low, the high line from the one in which x >= c is high.

    Parameters
    ----------
    x, y, adjustment, design, domain : as `two_lines`, of people who are known to be complete.
    at : the break c, in the unit of x.
    eta : (m,) linear predictor to start near.
    shared : the adjustment, made ready.

    Returns
    -------
    The low and the high line.

    Raises
    ------
    DesignError : fewer people or cases on a side than a line needs; the arrays themselves are not checked.
    ConvergenceError : as `analysis.stats.regression.quick.fit_quickly`.
    """
    below, above = x <= at, x >= at
    sides = [~below] if np.array_equal(above, ~below) else [~below, above]  # the same, with nobody at the break
    own = [_lines_columns(x, y, at, is_high) for is_high in sides]
    fits: Sequence[Fit]
    if shared is not None:
        fits = [shared.fit(columns, LINES) for columns in own]
    else:
        fits = _lines_fits([_lines_model(columns, y, adjustment, domain) for columns in own], design, eta)
    return _line(fits[0], "x_low", below), _line(fits[-1], "x_high", above)


def _lines_columns(x: Array, y: Array, at: float, is_high: Bools) -> Array:
    """(m, 3) columns `LINES`."""
    _check_side(x == x.min(), y, ~is_high, f"below the break at {at:g}")
    _check_side(x == x.max(), y, is_high, f"above the break at {at:g}")
    from_break = x - at
    beyond = from_break * is_high
    return np.array([from_break - beyond, beyond, is_high]).T


def _lines_model(lines: Array, y: Array, adjustment: Array, domain: Domain) -> Regression:
    terms = ("intercept", *LINES, *(f"adjustment_{number}" for number in range(1, adjustment.shape[1] + 1)))
    return Regression(np.column_stack([np.ones(y.size), lines, adjustment]), y, domain, terms)


def _lines_fits(models: list[Regression], design: SurveyDesign, eta: Array | None) -> list[LogisticFit]:
    fits = []
    for found in fit_in_turn(models, design, eta=eta):
        if not isinstance(found, LogisticFit):
            raise found
        fits.append(found)
    return fits


def _line(fit: Fit, term: str, people: Bools) -> Line:
    position = fit.terms.index(term)
    std_error = float(np.sqrt(fit.vcov[position, position]))
    return Line(n=int(people.sum()), slope=float(fit.beta[position]), std_error=std_error, df=fit.residual_df)


def _check_side(outermost: Bools, y: Array, side: Bools, where: str) -> None:
    """Refuse a side without a line; ``outermost`` are those of the exposure that is farthest from the break on it."""
    n, cases = int(np.count_nonzero(side)), int(np.count_nonzero(side & (y == 1)))
    if n < FEWEST_ON_A_SIDE or np.count_nonzero(outermost) == n:
        raise DesignError(f"{count_of(n)} people, or all of one exposure, {where}: expected at least "
                          f"{FEWEST_ON_A_SIDE} people with two, or no line can be fitted; "
                          "narrow the range.")  # fmt: skip
    if cases in (0, n):
        raise DesignError(f"{same_for_all('the outcome', float(cases > 0), n)} {where}: expected some with and some "
                          "without, or no line can be fitted; narrow the range.")  # fmt: skip
