"""Whether a band of the curve holds the whole of a known curve: the simultaneous one, and the pointwise one.

A pointwise 95 % band holds each point in 95 % of surveys, and all points at once in fewer. The simultaneous band is
meant to hold them all in 95 %. Looked at is the grid on which the product draws the curve, from the 1st to the 99th
percentile of intake.
"""

import numpy as np
import pandas as pd

from analysis.dose_response.association import CURVE_RANGE, GRID_POINTS
from analysis.simulation.shapes import SHAPES
from analysis.simulation.surveys import DRAWS_PER_SURVEY, Base, CurveOf, rates, run_cells
from analysis.stats.arrays import Array, Row
from analysis.stats.regression.bands import sup_t_critical_value
from analysis.stats.regression.quick import fit_quickly

CONF_LEVEL = 0.95

BAND_CURVES: dict[str, CurveOf] = {name: SHAPES[name] for name in ("no association", "line", "U as fitted", "U")}
"""The first two are in the reach of every spline; of the others four knots can follow only the best spline."""


def simulate_bands(*, surveys: int, seed: int, jobs: int = 1, draws_per_survey: int = DRAWS_PER_SURVEY) -> pd.DataFrame:
    """Rates at which each band holds the whole true curve of odds ratios against the median.

    Parameters
    ----------
    surveys, seed, jobs, draws_per_survey : as `analysis.simulation.coverage.simulate_coverage`.

    Returns
    -------
    curve, band (``simultaneous`` or ``pointwise``), surveys, failed, rate, monte_carlo_error, rate_of_target and its
    error (of the spline that fits the expected outcome best), nominal (missing for the pointwise band, whose level is
    that of each point), median_critical_value.

    Raises
    ------
    SimulationError : fewer than one survey.
    """
    rows = run_cells(_rows, BAND_CURVES, surveys=surveys, seed=seed, jobs=jobs, draws_per_survey=draws_per_survey)
    found, keys = pd.DataFrame(rows), ["curve", "band"]
    of_target = rates(found, keys, "hit_of_target")
    critical = found.groupby(keys, sort=False)["critical"].median()
    table = rates(found, keys, "hit")
    return table.assign(
        rate_of_target=of_target["rate"],
        monte_carlo_error_of_target=of_target["monte_carlo_error"],
        nominal=np.where(table["band"] == "simultaneous", CONF_LEVEL, np.nan),
        median_critical_value=critical.to_numpy(),
    )


def _rows(base: Base, curve: CurveOf, rng: np.random.Generator) -> list[Row]:
    problem = base.problem
    fit = fit_quickly(base.model(base.draw(curve, rng)), problem.setting.design)
    index = fit.index(problem.spline_terms)
    low, high = np.quantile(problem.setting.eligible, CURVE_RANGE)
    points = np.linspace(low, high, GRID_POINTS)
    contrast = problem.contrast(points)
    vcov = contrast @ fit.vcov[np.ix_(index, index)] @ contrast.T
    critical = sup_t_critical_value(vcov, df=fit.residual_df, conf_level=CONF_LEVEL)
    distances = [
        _distance(contrast @ fit.beta[index] - of, np.sqrt(np.maximum(np.diag(vcov), 0.0)))
        for of in (curve(points) - curve(np.array([problem.reference])), contrast @ base.best_spline(curve))
    ]
    return [
        {"band": band, "critical": value, "hit": float(distances[0] <= value),
         "hit_of_target": float(distances[1] <= value)}
        for band, value in (("simultaneous", critical.value), ("pointwise", critical.pointwise))
    ]  # fmt: skip


def _distance(error: Array, std_error: Array) -> float:
    """Largest error in standard errors; a point next to the reference has neither."""
    wide = std_error > 0
    return float(np.max(np.abs(error[wide]) / std_error[wide]))
