"""Coverage of intervals, and size of the non-linear test, on surveys of known truth."""

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from analysis.simulation.surveys import (
    NOMINAL,
    Base,
    CurveOf,
    Experiment,
    flat,
    rates,
    u_shaped,
)
from analysis.stats.arrays import Array, Bools, Frames, Row
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import rao_scott_test, wald_test
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.replicates import Replicates, bootstrap, jackknife, replicate_vcov
from analysis.stats.shape.verdict import ALPHA

INTAKES = (100.0, 150.0, 200.0, 350.0, 500.0)
"""Magnesium, mg/day, at which intervals of the odds ratio against the median are looked at."""

BOOTSTRAP_REPLICATES = 200

COVERAGE_CURVES: dict[str, CurveOf] = {"no association": flat, "U, lowest at 240 mg": u_shaped}


def coverage_tables(every: pd.DataFrame) -> Frames:
    """Coverage of the curve's intervals and rejection rates of the non-linear test, with Monte Carlo errors.

    Parameters
    ----------
    every : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    curve, quantity (``coverage`` or ``rejection``), method, intake_mg (missing for tests), surveys, failed, rate,
    monte_carlo_error, rate_of_target and its error, nominal. The target is the odds ratio of the spline that fits the
    expected outcome best: where four knots cannot follow the true curve, an interval can hold only that.
    """
    keys = ["curve", "quantity", "method", "intake_mg"]
    table = rates(every, keys, "hit")
    of_target = rates(every, keys, "hit_of_target")
    table = table.assign(rate_of_target=of_target["rate"], monte_carlo_error_of_target=of_target["monte_carlo_error"])
    table["nominal"] = np.where(table["quantity"] == "coverage", NOMINAL, ALPHA)
    no_size = (table["quantity"] == "rejection") & (table["curve"] != "no association")
    return {"coverage": table.assign(nominal=table["nominal"].mask(no_size))}


def _coverage_rows(base: Base, curve: CurveOf, rng: np.random.Generator) -> list[Row]:
    y = base.draw(curve, rng)
    problem, design = base.problem, base.problem.setting.design
    fit = fit_quickly(base.model(y), design)
    index = fit.index(problem.spline_terms)
    points = np.array(INTAKES)
    truth = curve(points) - curve(np.array([problem.reference]))
    target = problem.contrast(points) @ base.best_spline(curve)
    rows: list[Row] = []
    for method, vcov in _covariances(base, fit, y, rng).items():
        inside, of_target = (_covers(fit, vcov, problem.contrast(points), index, where) for where in (truth, target))
        rows += [
            {
                "quantity": "coverage",
                "method": method,
                "intake_mg": intake,
                "hit": float(hit),
                "hit_of_target": float(also),
            }
            for intake, hit, also in zip(INTAKES, inside, of_target, strict=True)
        ]
        p_value = wald_test(_with_vcov(fit, vcov), problem.spline_terms[1:]).p_value
        rows.append(_rejection(f"{method}, Wald", p_value))
    linear = fit_quickly(base.model(y, columns=np.delete(np.arange(len(fit.terms)), index[1:])), design)
    rows.append(_rejection("taylor, Rao-Scott", rao_scott_test(fit, linear, problem.spline_terms[1:]).p_value))
    return rows


def _rejection(method: str, p_value: float) -> Row:
    return {"quantity": "rejection", "method": method, "intake_mg": np.nan, "hit": float(p_value < ALPHA),
            "hit_of_target": np.nan}  # fmt: skip


def _covers(fit: LogisticFit, vcov: Array, contrast: Array, index: NDArray[np.intp], truth: Array) -> Bools:
    """Whether the t intervals of contrasts hold their true values."""
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", contrast, vcov[np.ix_(index, index)], contrast))
    half = scipy.stats.t.ppf((1 + NOMINAL) / 2, fit.residual_df) * std_error
    covered: Bools = np.abs(contrast @ fit.beta[index] - truth) <= half
    return covered


def _covariances(base: Base, fit: LogisticFit, y: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Covariance of the coefficients by Taylor linearisation, jackknife and bootstrap."""
    design = base.problem.setting.design
    resampled = {
        "jackknife": jackknife(design),
        "bootstrap": bootstrap(design, replicates=BOOTSTRAP_REPLICATES, seed=int(rng.integers(2**32))),
    }
    return {"taylor": fit.vcov} | {name: _replicated(base, fit, y, found) for name, found in resampled.items()}


def _replicated(base: Base, fit: LogisticFit, y: Array, replicates: Replicates) -> Array:
    setting = base.problem.setting
    refits = refit_logistic(
        base.problem.X, y, design=setting.design, domain=setting.domain, fit=fit, factors=replicates.factors
    )
    return replicate_vcov(refits.beta, replicates)


def _with_vcov(fit: LogisticFit, vcov: Array) -> LogisticFit:
    values = {name: getattr(fit, name) for name in fit.__match_args__}
    return LogisticFit(**(values | {"vcov": vcov}))


EXPERIMENT = Experiment("coverage", _coverage_rows, COVERAGE_CURVES, coverage_tables)
