"""Is a curve a U? The end slopes, two lines, lowest point and threshold of one regression, and a verdict by rule.

A small p-value for non-linearity says that a straight line does not do. A J, a plateau and a U all give one, and every
curve has a lowest point, so neither shows a U. Here the verdict rests on what a U is: the curve falls at its low end
and rises at its high end (two tests of different assumptions), and its low point lies inside.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import KnotRule, RestrictedCubicSpline
from analysis.stats.disclosure import Discreet
from analysis.stats.order import sorted_quantiles
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.shared import OwnFit, SharedColumns
from analysis.stats.sample.design import Domain, SurveyDesign
from analysis.stats.sample.replicates import Replicates, times_drawn
from analysis.stats.shape.nadir import (
    RANGE,
    FlatRange,
    Nadir,
    NadirData,
    NadirDraws,
    bootstrap_nadirs,
    draw_nadirs,
    find_nadir,
    flat_range,
)
from analysis.stats.shape.slopes import EndSlopes, end_slopes
from analysis.stats.shape.threshold import Threshold, fit_threshold
from analysis.stats.shape.two_lines import TwoLines, two_lines

Verdict = Literal["U", "non-linear, U not shown", "no departure shown"]
U, U_NOT_SHOWN, NO_DEPARTURE = get_args(Verdict)

ALPHA = 0.05
INTERIOR = 0.95
"""Probability that the low point is interior from which a curve may be called a U."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FittedCurve(Discreet):
    """A fitted spline and the people it was fitted to.

    Attributes
    ----------
    fit, spline : the regression and its basis.
    basis : (m, k - 1) the basis at x.
    spline_terms : names of the basis columns' coefficients, the linear one first.
    reference : exposure of log odds ratio zero.
    x, y : (m,) exposure and outcome of the domain's rows, in the order of the design.
    adjustment : (m, q) the model's other columns, without the intercept.
    eligible : (e,) exposure of the cohort, before loss to missing covariates: what knots and range are placed on.
    eligible_rows : (n,) boolean array, who they are among the rows of the design.
    ordered : eligible, ascending.
    eligible_weights : (e,) for knots on weighted quantiles, else None.
    knot_rule : by which knots are placed; see `analysis.stats.curve.splines.place_knots`.
    knots_asked : number of knots asked for, of which Hmisc's rule may leave fewer; 0 if they are those of the spline.
    design, domain : the whole sample, and the m rows.
    shared : intercept and adjustment, made ready where several regressions have them; else None.
    range : 5th and 95th percentile of the cohort's exposure.
    """

    shown = ("fit.n", "fit.cases", "fit.residual_df", "fit.terms")

    fit: LogisticFit | OwnFit
    spline: RestrictedCubicSpline
    basis: Array
    spline_terms: tuple[str, ...]
    reference: float
    x: Array
    y: Array
    adjustment: Array
    eligible: Array
    eligible_rows: Bools
    ordered: Array
    eligible_weights: Array | None
    design: SurveyDesign
    domain: Domain
    knot_rule: KnotRule = "harrell"
    knots_asked: int = 0
    shared: SharedColumns | None = None
    range: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        low, high = sorted_quantiles(self.ordered, np.array(RANGE))
        object.__setattr__(self, "range", (float(low), float(high)))

    @property
    def index(self) -> Integers:
        """Positions of the spline's coefficients in the fit."""
        return self.fit.index(self.spline_terms)

    @property
    def nonlinear_p(self) -> float:
        """P-value of all spline terms but the linear one, Wald F."""
        return wald_test(self.fit, self.spline_terms[1:]).p_value

    def ends(self) -> EndSlopes:
        """End slopes of the spline at the ends of the range."""
        low, high = self.range
        derivative = self.spline.derivative(np.array([low, high]))
        return end_slopes(self.fit, derivative, index=self.index, low=low, high=high)

    def lines(self) -> TwoLines:
        """Two lines, broken by the Robin Hood rule on the spline within the range."""
        low, high = self.range
        return two_lines(self.x, self.y, self.adjustment, basis=self.basis, spline_fit=self.fit,
                         spline_index=self.index, design=self.design, domain=self.domain, low=low,
                         high=high, shared=self.shared)  # fmt: skip

    def nadir(self) -> Nadir:
        """Lowest point of the spline within the range."""
        low, high = self.range
        return find_nadir(self.spline, self.fit.beta[self.index], reference=self.reference, low=low, high=high)

    def drawn_nadirs(self, *, seed: int) -> NadirDraws:
        """Lowest points of curves whose coefficients are drawn from their normal distribution."""
        low, high = self.range
        return draw_nadirs(self.fit, self.index, self.spline, low=low, high=high, seed=seed)

    def bootstrapped_nadirs(self, replicates: Replicates, *, jobs: int = 1, progress: str = "") -> NadirDraws:
        """Lowest points of curves fitted to bootstrap samples, with knots and range placed anew."""
        rows = self.domain.rows
        intercept_and_rest = np.column_stack([np.ones_like(self.x), self.adjustment])
        data = NadirData(
            eligible=self.eligible,
            eligible_psu=self.design.psu_index[self.eligible_rows],
            x=self.x,
            y=self.y,
            adjustment=intercept_and_rest,
            weights=self.design.weights[rows],
            psu=self.design.psu_index[rows],
            knots=self.knots_asked or self.spline.knots.size,
            eligible_weights=self.eligible_weights,
            knot_rule=self.knot_rule,
        )
        others = np.setdiff1d(np.arange(len(self.fit.terms)), self.index)
        eta = self.basis @ self.fit.beta[self.index] + intercept_and_rest @ self.fit.beta[others]
        return bootstrap_nadirs(data, times_drawn(replicates, self.design), factors=replicates.factors, eta=eta,
                                jobs=jobs, progress=progress)  # fmt: skip

    def threshold(self, *, replicates: Replicates | None = None, seed: int = 1) -> Threshold:
        """Two-piece linear model, its break looked for within the range."""
        low, high = self.range
        return fit_threshold(self.x, self.y, self.adjustment, design=self.design, domain=self.domain, low=low,
                             high=high, replicates=replicates, seed=seed)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShapeTests(Discreet):
    """Everything that is asked about the shape of one curve.

    Attributes
    ----------
    nonlinear_p : Wald F of the non-linear terms.
    ends, lines : end slopes and two lines.
    nadir, flat : lowest point, and the stretch around it whose odds do not differ from the lowest.
    drawn, bootstrapped : lowest points of drawn coefficients, and of bootstrap samples with knots of their own.
    threshold : two-piece linear model; its breakpoint is not the nadir.
    """

    nonlinear_p: float
    ends: EndSlopes
    lines: TwoLines
    nadir: Nadir
    flat: FlatRange
    drawn: NadirDraws
    bootstrapped: NadirDraws
    threshold: Threshold

    @property
    def verdict(self) -> Verdict:
        """The verdict by rule; the low point's place is that of the bootstrap, which knows the knots as placed."""
        return verdict(
            nonlinear_p=self.nonlinear_p,
            end_slopes_p=self.ends.p_value,
            two_lines_p=self.lines.p_value,
            interior=self.bootstrapped.interior_share,
        )


def verdict(*, nonlinear_p: float, end_slopes_p: float, two_lines_p: float, interior: float) -> Verdict:
    """The protocol's rule, in this order.

    "U" if end slopes and two lines both have p < 0.05 and the low point is interior with probability 0.95 or more;
    else "non-linear, U not shown" if the non-linear test has p < 0.05; else "no departure shown".
    """
    if end_slopes_p < ALPHA and two_lines_p < ALPHA and interior >= INTERIOR:
        return U
    return U_NOT_SHOWN if nonlinear_p < ALPHA else NO_DEPARTURE


def examine_shape(
    curve: FittedCurve,
    replicates: Replicates,
    *,
    seed: int = 1,
    jobs: int = 1,
    conf_level: float = 0.95,
    progress: str = "",
) -> ShapeTests:
    """Ask everything about the shape of one curve.

    Parameters
    ----------
    curve : the fitted spline and its people.
    replicates : of `analysis.stats.sample.replicates.bootstrap`.
    seed : of the draws of coefficients and of the threshold's null distribution.
    jobs : workers for the bootstrap.
    conf_level : of the flat stretch.
    progress : what a bar says when the bootstrap takes over a second; none if empty.

    Raises
    ------
    DesignError, ConvergenceError, SplineError : as the tests it holds.
    """
    nadir = curve.nadir()
    return ShapeTests(
        nonlinear_p=curve.nonlinear_p,
        ends=curve.ends(),
        lines=curve.lines(),
        nadir=nadir,
        flat=flat_range(curve.fit, curve.index, curve.spline, nadir, conf_level=conf_level),
        drawn=curve.drawn_nadirs(seed=seed),
        bootstrapped=curve.bootstrapped_nadirs(replicates, jobs=jobs, progress=progress),
        threshold=curve.threshold(replicates=replicates, seed=seed),
    )
