"""From a study to the shape of its curve: tests, lowest point, threshold, verdict, and how they depend on the knots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.dose_response.association import Association
from analysis.dose_response.fits import curve_of
from analysis.stats.arrays import Row
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape.nadir import NadirDraws
from analysis.stats.shape.slopes import (
    EndSlopes,
    TurningPoint,
    end_slopes,
    quadratic_derivative,
    quadratic_turning_point,
)
from analysis.stats.shape.verdict import FittedCurve, ShapeTests, examine_shape, verdict
from analysis.study import BOOTSTRAP_REPLICATES

SEED = 1
"""Of the draws of a study that asks for no other."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StudyShape(Discreet):
    """The shape of one study's curve.

    Attributes
    ----------
    association : the study's answer.
    fitted : its fitted spline with its people.
    shape_tests : everything that is asked about the spline's shape.
    quadratic_ends, quadratic_turn : end slopes and turning point of a quadratic in the spline's place, as most papers
        fit it.
    replicates, seed : of the design bootstrap.
    """

    shown = ("association.fit.n", "association.fit.cases", "association.fit.residual_df", "replicates", "seed")

    association: Association
    fitted: FittedCurve
    shape_tests: ShapeTests
    quadratic_ends: EndSlopes
    quadratic_turn: TurningPoint
    replicates: int
    seed: int


def shape_of(
    association: Association,
    *,
    replicates: int = BOOTSTRAP_REPLICATES,
    seed: int = SEED,
    jobs: int = 1,
    progress: str = "",
) -> StudyShape:
    """Examine the shape of one study's curve.

    Parameters
    ----------
    association : the study's answer.
    replicates, seed : of the design bootstrap; the seed is also that of every other draw.
    jobs : workers for the bootstrap; no number depends on them.
    progress : what a bar says when the bootstrap takes over a second; none if empty.

    Raises
    ------
    DesignError, ConvergenceError, SplineError : as `analysis.stats.shape.verdict.examine_shape`.
    """
    curve = curve_of(association.problem, association.fit)
    drawn = bootstrap(curve.design, replicates=replicates, seed=seed)
    level = association.study.conf_level
    tests = examine_shape(curve, drawn, seed=seed, jobs=jobs, conf_level=level, progress=progress)
    return StudyShape(association, curve, tests, *_quadratic(curve, conf_level=level), replicates, seed)


def _quadratic(curve: FittedCurve, *, conf_level: float) -> tuple[EndSlopes, TurningPoint]:
    low, high = curve.range
    adjustment_terms = tuple(f"z{number}" for number in range(curve.adjustment.shape[1]))
    X = np.column_stack([np.ones_like(curve.x), curve.x, curve.x**2, curve.adjustment])
    fit = fit_quickly(
        Regression(X, curve.y, curve.domain, ("intercept", "x", "x_squared", *adjustment_terms)), curve.design
    )
    index = fit.index(("x", "x_squared"))
    ends = end_slopes(fit, quadratic_derivative(np.array([low, high])), index=index, low=low, high=high)
    return ends, quadratic_turning_point(fit, index=index, conf_level=conf_level)


# ---- as frames
def shape_row(shape: StudyShape) -> Row:
    """Everything about one study's shape in one row; slopes in log odds per unit of the exposure."""
    tests, level = shape.shape_tests, shape.association.study.conf_level
    return {
        "model": shape.association.study.model,
        "verdict": tests.verdict,
        "nonlinear_p": tests.nonlinear_p,
        **_end_slopes_row(tests.ends, "end_slopes"),
        **_end_slopes_row(shape.quadratic_ends, "quadratic"),
        "quadratic_turn": shape.quadratic_turn.x,
        "quadratic_turn_set": shape.quadratic_turn.confidence_set,
        "quadratic_turn_low": shape.quadratic_turn.conf_low,
        "quadratic_turn_high": shape.quadratic_turn.conf_high,
        **_two_lines_row(tests),
        **_nadir_row(tests, level),
        **_threshold_row(tests),
        "replicates": shape.replicates,
        "seed": shape.seed,
        "conf_level": level,
    }


def shape_dict(shape: StudyShape) -> dict[str, object]:
    """One study's shape, ready for JSON: `shape_row` without the model's name; what there is not is None."""
    row = shape_row(shape)
    return {name: None if value is None or value != value else value for name, value in row.items() if name != "model"}


def _end_slopes_row(ends: EndSlopes, name: str) -> Row:
    return {
        f"{name}_low_at": ends.low,
        f"{name}_low": ends.slope_low,
        f"{name}_low_se": ends.std_error_low,
        f"{name}_low_p": ends.p_low,
        f"{name}_high_at": ends.high,
        f"{name}_high": ends.slope_high,
        f"{name}_high_se": ends.std_error_high,
        f"{name}_high_p": ends.p_high,
        f"{name}_p": ends.p_value,
    }


def _two_lines_row(tests: ShapeTests) -> Row:
    lines = tests.lines
    return {
        "two_lines_break": lines.break_point,
        "two_lines_low": lines.low.slope,
        "two_lines_low_se": lines.low.std_error,
        "two_lines_low_p": lines.low.p_value,
        "two_lines_high": lines.high.slope,
        "two_lines_high_se": lines.high.std_error,
        "two_lines_high_p": lines.high.p_value,
        "two_lines_p": lines.p_value,
    }


def _nadir_row(tests: ShapeTests, conf_level: float) -> Row:
    return {
        "nadir": tests.nadir.x,
        **nadir_draws_row(tests.drawn, "nadir_normal", conf_level),
        **nadir_draws_row(tests.bootstrapped, "nadir_bootstrap", conf_level),
        "nadir_bootstrap_failed": tests.bootstrapped.failed,
        "flat_low": tests.flat.low,
        "flat_high": tests.flat.high,
        "flat_open_low": tests.flat.open_low,
        "flat_open_high": tests.flat.open_high,
    }


def nadir_draws_row(drawn: NadirDraws, name: str, conf_level: float = 0.95, *, interior: str = "") -> Row:
    """Interval of the low point and share of interior ones, each with its Monte Carlo error.

    Parameters
    ----------
    drawn : low points of draws or replicates.
    name : what the columns begin with.
    conf_level : of the interval.
    interior : name of the share's column, ``name`` and "_interior" unless given.
    """
    (low, high), (low_error, high_error) = drawn.interval_with_errors(conf_level)
    share = interior or f"{name}_interior"
    return {
        f"{name}_low": low,
        f"{name}_low_mc_error": low_error,
        f"{name}_high": high,
        f"{name}_high_mc_error": high_error,
        share: drawn.interior_share,
        f"{share}_mc_error": drawn.interior_error,
    }


def _threshold_row(tests: ShapeTests) -> Row:
    threshold = tests.threshold
    slopes = threshold.slopes.to_frame().set_index("term")
    open_low, open_high = threshold.open_ends
    return {
        "threshold": threshold.breakpoint,
        "threshold_low": threshold.conf_low,
        "threshold_low_mc_error": threshold.low_error,
        "threshold_high": threshold.conf_high,
        "threshold_high_mc_error": threshold.high_error,
        "threshold_open_low": open_low,
        "threshold_open_high": open_high,
        "threshold_below": slopes.loc["slope_below", "estimate"],
        "threshold_below_se": slopes.loc["slope_below", "std_error"],
        "threshold_above": slopes.loc["slope_above", "estimate"],
        "threshold_above_se": slopes.loc["slope_above", "std_error"],
        "threshold_naive_p": threshold.naive_p,
        "threshold_search_p": threshold.search_p,
        "threshold_search_p_mc_error": threshold.search_p_error,
        "threshold_search_draws": threshold.search.null.size,
        "threshold_failed": 0 if threshold.replicates is None else threshold.replicates.failed,
    }


def threshold_profile(shape: StudyShape) -> pd.DataFrame:
    """How much less deviance than a straight line a break at each place has: x, deviance_gain."""
    threshold = shape.shape_tests.threshold
    return pd.DataFrame({"x": threshold.c, "deviance_gain": threshold.linear_deviance - threshold.deviance})


def summarise_shapes(
    found: Sequence[Association], *, replicates: int = BOOTSTRAP_REPLICATES, jobs: int = 1
) -> dict[str, pd.DataFrame]:
    """Frames of several models of one study: ``shape`` (one row each), ``threshold`` (profile, first model's knots).

    Parameters
    ----------
    found : associations that differ in their model only.
    replicates, jobs : as `shape_of`.

    Returns
    -------
    shape and threshold, with a ``model`` column each.
    """
    tasks = (joblib.delayed(_row_and_profile)(association, replicates) for association in found)
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks)
    shapes = list(tqdm(done, total=len(found), desc="examining shapes", unit="model", disable=None, leave=False))
    return {
        "shape": pd.DataFrame([row for row, _ in shapes]),
        "threshold": pd.concat([profile for _, profile in shapes], ignore_index=True),
    }


def _row_and_profile(association: Association, replicates: int) -> tuple[Row, pd.DataFrame]:
    shape = shape_of(association, replicates=replicates)
    profile = threshold_profile(shape).assign(model=association.study.model)
    return shape_row(shape), profile[["model", "x", "deviance_gain"]]


def shape_numbers(curve: FittedCurve) -> dict[str, Any]:
    """Tests, low point and verdict of one curve; the low point's place from draws of the coefficients, with errors."""
    ends, lines, drawn = curve.ends(), curve.lines(), curve.drawn_nadirs(seed=SEED)
    nonlinear = curve.nonlinear_p
    return {
        "overall_p": wald_test(curve.fit, curve.spline_terms).p_value,
        "nonlinear_p": nonlinear,
        "end_low_p": ends.p_low,
        "end_high_p": ends.p_high,
        "end_slopes_p": ends.p_value,
        "two_lines_p": lines.p_value,
        "nadir": drawn.fitted,
        **nadir_draws_row(drawn, "nadir", interior="interior"),
        "verdict": verdict(
            nonlinear_p=nonlinear, end_slopes_p=ends.p_value, two_lines_p=lines.p_value, interior=drawn.interior_share
        ),
    }
