"""What each way of adjusting for energy would show of magnesium, if magnesium, energy or nothing drew the curve.

An adjustment that makes a curve go away tells something only if it would leave a true one: where intake of magnesium
and of energy go together, it may take most of a true curve with it. So the outcome of invented surveys is drawn from a
U of magnesium, from a U of energy, and from neither, and magnesium is tested under each form of the audit.
"""

from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np
import pandas as pd

from analysis.data.synthetic.truth import PLANTED, Truth
from analysis.dose_response.energy import EnergyForm, energy_adjusted
from analysis.dose_response.problem import Problem, pose_setting
from analysis.simulation.surveys import (
    FITTED_DEPTH,
    Base,
    Experiment,
    rates,
    u_shaped,
)
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.shape.verdict import ALPHA

ENERGY_TRUTH = Truth(curvature=0.0, energy_curvature=PLANTED.curvature)
"""The same parabola in the logarithm of energy, lowest at 1,900 kcal."""

LOW_MG, LOW_KCAL = 100.0, 1000.0
"""Where the planted odds ratios, against the lowest point, are told."""


@dataclass(frozen=True, slots=True)
class PlantedOutcome:
    """What truly draws the outcome: depths of a U of magnesium and of one of energy, 1 as the invented survey's."""

    magnesium: float = 0.0
    energy: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Log odds by magnesium."""
        return np.asarray(self.magnesium * u_shaped(x))

    def of_energy(self, kcal: Array) -> Array:
        """Log odds by energy."""
        return self.energy * energy_u(kcal)

    @property
    def at(self) -> float:
        """Where the planted odds ratio is told, in the unit of what it is of; NaN of none."""
        return LOW_KCAL if self.energy else LOW_MG if self.magnesium else np.nan

    @property
    def odds_ratio(self) -> float:
        """Odds ratio there against the lowest point; 1 of none."""
        return float(np.exp(self(np.array([LOW_MG])) + self.of_energy(np.array([LOW_KCAL])))[0])


TRUTHS = {
    "magnesium": PlantedOutcome(magnesium=1.0),
    "magnesium as fitted": PlantedOutcome(magnesium=FITTED_DEPTH),
    "energy": PlantedOutcome(energy=1.0),
    "energy as fitted": PlantedOutcome(energy=FITTED_DEPTH),
    "none": PlantedOutcome(),
}


def energy_u(kcal: Array) -> Array:
    """A U of energy, as bent as the invented survey's U of magnesium."""
    return np.asarray(ENERGY_TRUTH.energy_log_odds_ratio(kcal, ENERGY_TRUTH.nadir_kcal))


def energy_tables(every: pd.DataFrame) -> Frames:
    """Rates at which magnesium is found under each form of energy adjustment, by what truly draws the curve.

    Parameters
    ----------
    every : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    truth (of `TRUTHS`), form (of `EnergyForm`), test (``overall`` or ``nonlinear``, Wald F of magnesium's terms),
    surveys, failed, rate of p < 0.05, monte_carlo_error, planted_odds_ratio and planted_at (of `PlantedOutcome`).
    """
    found = every.rename(columns={"curve": "truth"})
    table = rates(found, ["truth", "form", "test"], "hit")
    truths = table["truth"].map(TRUTHS)
    planted = {
        "planted_odds_ratio": [truth.odds_ratio for truth in truths],
        "planted_at": [truth.at for truth in truths],
    }
    return {"energy_forms": table.assign(**planted)}


def _rows(base: Base, truth: PlantedOutcome, rng: np.random.Generator) -> list[Row]:
    energy = base.energy[base.problem.setting.domain.rows]
    mu = base.once(truth, make=lambda: base.expected_with(truth, truth.of_energy(energy)))
    y = base.draw_of(mu, rng)
    found: list[Row] = []
    for form in get_args(EnergyForm):
        problem = base.once(form, make=partial(_adjusted, base, form))
        found += _tests(problem, y, form)
    return found


def _adjusted(base: Base, form: EnergyForm) -> Problem:
    return pose_setting(energy_adjusted(base.problem.setting, base.energy, form))


def _tests(problem: Problem, y: Array, form: str) -> list[Row]:
    domain = problem.setting.domain
    fit = fit_quickly(Regression(problem.X, y, domain, problem.terms), problem.setting.design)
    tested = {"overall": problem.spline_terms, "nonlinear": problem.spline_terms[1:]}
    return [
        {"form": form, "test": test, "hit": float(wald_test(fit, terms).p_value < ALPHA)}
        for test, terms in tested.items()
    ]


EXPERIMENT = Experiment("energy forms", _rows, TRUTHS, energy_tables)
