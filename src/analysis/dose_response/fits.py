"""Fits of a posed study and of its model, and the curve of a fit."""

from analysis.dose_response.problem import Problem
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.regression.shared import OwnFit, SharedColumns
from analysis.stats.shape.verdict import FittedCurve


def model_of(problem: Problem) -> Regression:
    """The regression of a posed study."""
    return Regression(problem.X, problem.y, problem.setting.domain, problem.terms)


def fit_problem(problem: Problem) -> LogisticFit:
    """The fit of a posed study."""
    return fit_quickly(model_of(problem), problem.setting.design)


def fit_beside(problem: Problem, shared: SharedColumns) -> OwnFit:
    """The exposure's coefficients of a posed study whose covariates are ready: `Setting.regression` without columns."""
    return shared.fit(problem.basis, problem.spline_terms)


def curve_of(problem: Problem, fit: LogisticFit | OwnFit, *, shared: SharedColumns | None = None) -> FittedCurve:
    """The fitted spline of a study with its people, as the shape tests want it; ``shared`` as in `FittedCurve`."""
    setting = problem.setting
    rows = setting.domain.rows
    return FittedCurve(
        fit=fit,
        spline=problem.spline,
        basis=problem.basis,
        spline_terms=problem.spline_terms,
        reference=problem.reference,
        x=setting.exposure[rows],
        y=problem.y,
        adjustment=problem.X[:, 1 + problem.spline.columns :] if shared is None else shared.base.X[:, 1:],
        eligible=setting.eligible,
        eligible_rows=setting.cohort.rows.to_numpy(),
        ordered=setting.ordered,
        eligible_weights=setting.knot_weights,
        design=setting.design,
        domain=setting.domain,
        knot_rule=setting.study.knot_rule,
        knots_asked=setting.study.knots,
        shared=shared,
    )
