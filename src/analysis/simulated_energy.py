"""What each way of adjusting for energy would show of magnesium, if magnesium, energy or nothing drew the curve.

An adjustment that makes a curve go away tells something only if it would leave a true one: where intake of magnesium
and of energy go together, it may take most of a true curve with it. So the outcome of invented surveys is drawn from a
U of magnesium, from a U of energy, and from neither, and magnesium is tested under each form of the audit.
"""

from functools import partial
from typing import get_args

import numpy as np
import pandas as pd

from analysis.audit.specifications import EnergyForm, energy_adjusted
from analysis.data.synthetic import PLANTED, Truth
from analysis.problem import Problem, pose_setting
from analysis.simulation import ALPHA, DRAWS_PER_SURVEY, Base, CurveOf, Row, flat, rates, run_cells, u_shaped
from analysis.stats.hypotheses import wald_test
from analysis.stats.many import Model, fit_one
from analysis.stats.splines import Array

ENERGY_TRUTH = Truth(curvature=0.0, energy_curvature=PLANTED.curvature)
"""The same parabola in the logarithm of energy, lowest at 1,900 kcal."""

TRUTHS = ("magnesium", "energy", "none")


def energy_u(kcal: Array) -> Array:
    """A U of energy, as bent as the invented survey's U of magnesium."""
    return np.asarray(ENERGY_TRUTH.energy_log_odds_ratio(kcal, ENERGY_TRUTH.nadir_kcal))


def simulate_energy_forms(
    *, surveys: int, seed: int, jobs: int = 1, draws_per_survey: int = DRAWS_PER_SURVEY
) -> pd.DataFrame:
    """Rates at which magnesium is found under each form of energy adjustment, by what truly draws the curve.

    Parameters
    ----------
    surveys, seed, jobs, draws_per_survey : as `analysis.simulation.simulate_coverage`.

    Returns
    -------
    truth (``magnesium``, ``energy`` or ``none``), form (of `EnergyForm`), test (``overall`` or ``nonlinear``, Wald F of
    magnesium's terms), surveys, failed, rate of p < 0.05, monte_carlo_error.

    Raises
    ------
    SimulationError : fewer than one survey.
    """
    truths: dict[str, CurveOf] = {truth: partial(_named, truth) for truth in TRUTHS}
    rows = run_cells(_rows, truths, surveys=surveys, seed=seed, jobs=jobs, draws_per_survey=draws_per_survey)
    found = pd.DataFrame(rows).rename(columns={"curve": "truth"})
    return rates(found, ["truth", "form", "test"], "hit")


def _named(truth: str, x: Array) -> Array:
    """The curve of magnesium under a truth; under that of energy, magnesium has none."""
    return u_shaped(x) if truth == "magnesium" else flat(x)


def _rows(base: Base, curve: CurveOf, rng: np.random.Generator) -> list[Row]:
    rows = base.problem.setting.domain.rows
    of_energy = isinstance(curve, partial) and curve.args == ("energy",)
    mu = base.expected_with(curve, energy_u(base.energy[rows]) if of_energy else np.zeros(int(rows.sum())))
    y = base.draw_of(mu, rng)
    found: list[Row] = []
    for form in get_args(EnergyForm):
        problem = pose_setting(energy_adjusted(base.problem.setting, base.energy, form))
        found += _tests(problem, y, form)
    return found


def _tests(problem: Problem, y: Array, form: str) -> list[Row]:
    domain = problem.setting.domain
    fit = fit_one(Model(problem.X[domain.rows], y, domain, problem.terms), problem.setting.design)
    tested = {"overall": problem.spline_terms, "nonlinear": problem.spline_terms[1:]}
    return [
        {"form": form, "test": test, "hit": float(wald_test(fit, terms).p_value < ALPHA)}
        for test, terms in tested.items()
    ]
