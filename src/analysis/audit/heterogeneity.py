"""Is it one curve: each cycle's own beside the pooled one, a test of their difference, and the curve without each PSU.

Pooling three cycles assumes that they estimate one curve. Nutrient databases, interviewers and examiners changed
between them, so the assumption is looked at: curves by cycle on common knots and a common reference, and products of
cycle and spline in the pooled model. A single cycle has about 15 degrees of freedom before its own covariates are paid
for, so that curves which look different need not be: the test decides, and its power is modest. Then the same question
of single sampling units: a finding that one PSU of 87 carries is not one of the population.

References
----------
Korn & Graubard 1999, Analysis of Health Surveys, Wiley, chapter 8 (combining surveys). Rust & Rao 1996, Stat Methods
Med Res 5:283-310 (delete-one jackknife).
"""

import dataclasses

import numpy as np
import pandas as pd

from analysis.dose_response.association import CURVE_RANGE, GRID_POINTS, contrast_frame, row_of_test
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.levels import with_levels
from analysis.dose_response.problem import Problem, pose, pose_on, set_out
from analysis.stats.arrays import Array, Bools, Frames, Row
from analysis.stats.checks.influence import psu_influence, psu_influence_on_test
from analysis.stats.disclosure import blanked
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.hypotheses import product_columns, rao_scott_test, wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.design import DesignError
from analysis.stats.shape.verdict import FittedCurve
from analysis.study import PRIMARY, Study, StudyError, cycle_name

POOLED = "pooled"

QUANTITIES = ("nonlinear_p", "end_slopes_p", "nadir")
"""What is taken again without each PSU from its coefficients, the covariance kept."""

REFITTED = "nonlinear_p_refitted"
"""The non-linear p once more, the covariance and the df too without the PSU."""


# ---- cycles
def cycle_curves(people: pd.DataFrame, *, study: Study = PRIMARY) -> Frames:
    """The curve of each cycle by itself, on the pooled cohort's knots and reference, and the pooled curve.

    A cycle is fitted with its own weights and its own coefficients of the covariates. One of which nobody is
    analysed, as where the exposure was not measured, has no curve.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : the pooled study.

    Returns
    -------
    ``cycle_curves``: cycle (``pooled`` the last), x, log_or, std_error, odds_ratio, conf_low, conf_high from the pooled
    cohort's 1st to its 99th percentile. ``cycle_shapes``: a row a cycle: cycle, model, n, cases, design_df,
    residual_df, conf_level, reference, knots, p05, p95 (of the pooled cohort), overall_p, nonlinear_p, end_low_p,
    end_high_p, end_slopes_p, nadir (between p05 and p95), at_boundary.

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : as
        `analysis.dose_response.association.estimate`.
    """
    pooled = pose(people, study)
    cycles = pooled.setting.cohort.complete_cycles
    problems = {cycle_name(cycle): _of_cycle(people, pooled, cycle) for cycle in cycles} | {POOLED: pooled}
    x = np.linspace(*_ends(pooled), GRID_POINTS)
    curves, rows = [], []
    for name, problem in problems.items():
        fit = fit_problem(problem)
        odds = contrast_frame(fit, fit.index(problem.spline_terms), problem.contrast(x), conf_level=study.conf_level)
        curves.append(odds.assign(cycle=name, x=x)[["cycle", "x", *odds]])
        # The range in which ends and low point are looked for is common as well: the pooled cohort's.
        common = pooled.setting
        curve = dataclasses.replace(curve_of(problem, fit), eligible=common.eligible, ordered=common.ordered)
        rows.append({"cycle": name, "model": study.model} | _shape_row(curve, study.conf_level))
    return {"cycle_curves": pd.concat(curves, ignore_index=True), "cycle_shapes": pd.DataFrame(rows)}


def _ends(problem: Problem) -> tuple[float, float]:
    low, high = np.quantile(problem.setting.eligible, CURVE_RANGE)
    return float(low), float(high)


def _of_cycle(people: pd.DataFrame, pooled: Problem, cycle: int) -> Problem:
    """One cycle's people on the pooled knots and reference."""
    setting = set_out(people, dataclasses.replace(pooled.setting.study, cycles=(cycle,)))
    return pose_on(setting, pooled.spline, reference=pooled.reference)


def _shape_row(curve: FittedCurve, conf_level: float) -> dict[str, object]:
    ends, nadir, (low, high) = curve.ends(), curve.nadir(), curve.range
    return {
        "n": curve.fit.n,
        "cases": curve.fit.cases,
        "design_df": curve.fit.design_df,
        "residual_df": curve.fit.residual_df,
        "conf_level": conf_level,
        "reference": curve.reference,
        "knots": " ".join(f"{knot:.10g}" for knot in curve.spline.knots),
        "p05": low,
        "p95": high,
        "overall_p": wald_test(curve.fit, curve.spline_terms).p_value,
        "nonlinear_p": curve.nonlinear_p,
        "end_low_p": ends.p_low,
        "end_high_p": ends.p_high,
        "end_slopes_p": ends.p_value,
        "nadir": nadir.x,
        "at_boundary": nadir.at_boundary,
    }


def cycle_heterogeneity(people: pd.DataFrame, *, study: Study = PRIMARY) -> Frames:
    """Test that all cycles have one curve, in the pooled model with cycle and its products with the spline.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : the pooled study, of two cycles or more; its weights are those of all cycles. Compared are those of which
        somebody is analysed.

    Returns
    -------
    ``cycle_heterogeneity``: covariates (``common`` coefficients in all cycles, or each cycle's ``own``), test, method
    (``wald``, ``rao_scott``), statistic, df_num, df_den, p_value, reason. Tests: ``curve`` (all products: the curves
    differ), ``bend`` (products of the non-linear terms: they differ by more than a slope), ``level`` (the cycles
    themselves, at the reference; not with covariates of their own, where it depends on what their zero is). Own
    covariates may ask for more coefficients than the PSUs carry: then there is a reason in the place of numbers.

    Raises
    ------
    StudyError : a study of one cycle, or people of one only. Otherwise as `cycle_curves`.
    """
    problem = pose(people, study)
    cycles = problem.setting.cohort.complete_cycles
    if len(cycles) < 2:
        raise StudyError(f"cycles={study.cycles}, people of {cycles}: expected two or more, to compare them.")
    levels = tuple(f"cycle_{cycle_name(cycle)}" for cycle in cycles[1:])
    codes = np.searchsorted(cycles, people["cycle"].to_numpy()[problem.setting.domain.rows])
    model, products = with_levels(problem, codes, levels)
    tested = {"curve": sum(products, ()), "bend": sum((terms[1:] for terms in products), ())}
    rows = [{"covariates": "common"} | row for row in _test_rows(model, tested | {"level": levels}, problem)]
    try:
        own = _test_rows(_with_own_covariates(model, levels, problem), tested, problem)
    except (DesignError, ConvergenceError) as error:
        own = [{"test": name, "reason": str(error)} for name in tested]
    rows += [{"covariates": "own"} | row for row in own]
    columns = ["covariates", "test", "method", "statistic", "df_num", "df_den", "p_value", "reason"]
    return {"cycle_heterogeneity": pd.DataFrame(rows, columns=columns)}


def _test_rows(model: Regression, tested: dict[str, tuple[str, ...]], problem: Problem) -> list[Row]:
    design = problem.setting.design
    fit = fit_quickly(model, design)
    rows: list[Row] = []
    for name, terms in tested.items():
        null = fit_quickly(model.without(terms), design)
        for test in (wald_test(fit, terms), rao_scott_test(fit, null, terms)):
            rows.append(row_of_test(name, test.method, test) | {"reason": ""})
    return rows


def _with_own_covariates(model: Regression, levels: tuple[str, ...], problem: Problem) -> Regression:
    """The same with products of the cycles and the covariates, if there are any."""
    if not problem.setting.adjustment_terms:
        return model
    indicators = model.X[:, [model.terms.index(name) for name in levels]]
    adjustment, terms = problem.setting.adjustment[problem.setting.domain.rows], problem.setting.adjustment_terms
    products, more = product_columns(adjustment, indicators, first_terms=terms, second_terms=levels)
    return Regression(np.hstack([model.X, products]), model.y, model.domain, (*model.terms, *more))


# ---- sampling units
def psu_influence_on_shape(people: pd.DataFrame, *, study: Study = PRIMARY) -> Frames:
    """What the tests and the low point of a study's curve become without each PSU in turn.

    The other PSUs of its stratum stand for the one left out; knots, reference and the range searched stay, and refits
    are exact. ``nonlinear_p``, ``end_slopes_p`` and ``nadir`` come from the refitted coefficients with the covariance
    of everybody; `REFITTED` takes the people out of the sample and estimates covariance and df anew, a stratum left
    with one PSU as `analysis.stats.checks.influence.psu_influence_on_test` does.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : whose curve.

    Returns
    -------
    ``psu_shape``: a row a PSU and quantity: stratum, psu, n (people of the study in it), quantity, full (with
    everybody), estimate (without the PSU), change, converged. Where a refit has no estimate, converged is false and
    estimate and change are missing. Of a PSU with fewer than 10 people, numbers are left empty. PSUs of cycles in which
    nobody is analysed are left out: there is nothing in them that could carry a curve.

    Raises
    ------
    DesignError : a stratum of one PSU. Otherwise as `cycle_curves`.
    """
    problem = pose(people, study)
    setting, fit = problem.setting, fit_problem(problem)
    design, domain = setting.design, setting.domain
    influence = psu_influence(fit, problem.X, problem.y, design=design, domain=domain)
    curve = curve_of(problem, fit)
    there = _psus_of_cycles(problem, people["cycle"].to_numpy())
    units = pd.DataFrame({"stratum": influence.strata, "psu": influence.psu,
                          "n": _people_of_psus(problem).astype(float)})[there]  # fmt: skip
    without = pd.DataFrame([_shape_without(curve, beta) for beta in influence.estimate])[there]
    parts = [
        units.assign(quantity=name, full=full, estimate=without[name], converged=influence.converged[there])
        for name, full in _shape_without(curve, fit.beta).items()
    ]
    refitted = psu_influence_on_test(fit, problem.X, problem.y, design=design, domain=domain,
                                     tested=problem.spline_terms[1:], covariance="refitted")  # fmt: skip
    parts.append(units.assign(quantity=REFITTED, full=refitted.full.p_value, estimate=refitted.p_value[there],
                              converged=refitted.converged[there]))  # fmt: skip
    long = pd.concat(parts, ignore_index=True)
    long["change"] = long["estimate"] - long["full"]
    long = blanked(long, ("n", "estimate", "change"))
    return {"psu_shape": long[["stratum", "psu", "n", "quantity", "full", "estimate", "change", "converged"]]}


def _psus_of_cycles(problem: Problem, cycle: Array) -> Bools:
    """(n_psu,) which PSUs are of a cycle in which somebody is analysed."""
    setting = problem.setting
    there = np.zeros(setting.design.psu_stratum.size, dtype=bool)
    there[setting.design.psu_index[np.isin(cycle, setting.cohort.complete_cycles)]] = True
    return there


def _people_of_psus(problem: Problem) -> Array:
    design, rows = problem.setting.design, problem.setting.domain.rows
    return np.asarray(np.bincount(design.psu_index[rows], minlength=design.psu_stratum.size))


def _shape_without(curve: FittedCurve, beta: Array) -> dict[str, float]:
    """`QUANTITIES` of the curve with other coefficients; missing where there are none."""
    if not np.all(np.isfinite(beta)):
        return dict.fromkeys(QUANTITIES, np.nan)
    other = dataclasses.replace(curve, fit=dataclasses.replace(curve.fit, beta=beta))
    found = (other.nonlinear_p, other.ends().p_value, other.nadir().x)
    return dict(zip(QUANTITIES, found, strict=True))
