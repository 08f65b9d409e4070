"""Whether a band of the curve holds the whole of a known curve: the simultaneous one, and the pointwise one.

A pointwise 95 % band holds each point in 95 % of surveys, and all points at once in fewer. The simultaneous band is
meant to hold them all in 95 %. Looked at is the grid on which the product draws the curve, from the 1st to the 99th
percentile of intake.
"""

import numpy as np
import pandas as pd

from analysis.dose_response.association import CURVE_RANGE, GRID_POINTS
from analysis.simulation.shapes import SHAPES
from analysis.simulation.surveys import NOMINAL, Base, CurveOf, Experiment, rates
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.regression.bands import NO_WIDTH, sup_t_critical_value
from analysis.stats.regression.quick import fit_quickly

SIMULTANEOUS, POINTWISE = "simultaneous", "pointwise"

BAND_CURVES: dict[str, CurveOf] = {name: SHAPES[name] for name in ("no association", "line", "plateau", "U as fitted")}
"""The first two every spline can follow; of the others four knots can follow only the spline that fits them best."""


def bands_table(found: pd.DataFrame) -> pd.DataFrame:
    """Rates at which each band holds the whole true curve of odds ratios against the median.

    Parameters
    ----------
    found : rows of all drawn outcomes: curve, base, band, critical, hit, hit_of_target, hit_of_points.

    Returns
    -------
    curve, band (``simultaneous`` or ``pointwise``), surveys, failed, rate at which the whole true curve is held,
    monte_carlo_error, rate_of_target (the same of the spline that fits the expected outcome best) and its error,
    rate_of_points (mean share of the true curve's points that are held) and its error, nominal (of the whole curve;
    missing for the pointwise band, whose level is that of each point), median_critical_value.
    """
    keys = ["curve", "band"]
    table = rates(found, keys, "hit")
    for of in ("target", "points"):
        held = rates(found, keys, f"hit_of_{of}")
        table[f"rate_of_{of}"], table[f"monte_carlo_error_of_{of}"] = held["rate"], held["monte_carlo_error"]
    return table.assign(
        nominal=np.where(table["band"] == SIMULTANEOUS, NOMINAL, np.nan),
        median_critical_value=found.groupby(keys, sort=False)["critical"].median().to_numpy(),
    )


def _rows(base: Base, curve: CurveOf, rng: np.random.Generator) -> list[Row]:
    problem = base.problem
    fit = fit_quickly(base.model(base.draw(curve, rng)), problem.setting.design)
    index = fit.index(problem.spline_terms)
    low, high = np.quantile(problem.setting.eligible, CURVE_RANGE)
    points = np.linspace(low, high, GRID_POINTS)
    contrast = problem.contrast(points)
    vcov = contrast @ fit.vcov[np.ix_(index, index)] @ contrast.T
    critical = sup_t_critical_value(vcov, df=fit.residual_df, conf_level=NOMINAL)
    std_error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    truth = curve(points) - curve(np.array([problem.reference]))
    error, error_of_target = (
        _standardised(contrast @ fit.beta[index] - of, std_error) for of in (truth, contrast @ base.best_spline(curve))
    )
    return [
        {"band": band, "critical": value, "hit": float(np.all(error <= value)),
         "hit_of_target": float(np.all(error_of_target <= value)), "hit_of_points": float(np.mean(error <= value))}
        for band, value in ((SIMULTANEOUS, critical.value), (POINTWISE, critical.pointwise))
    ]  # fmt: skip


def _standardised(error: Array, std_error: Array) -> Array:
    """Errors in standard errors, of the points of some width: those that the critical value is about."""
    wide = std_error > NO_WIDTH * std_error.max()
    return np.abs(error[wide]) / std_error[wide]


def _tables(every: pd.DataFrame) -> Frames:
    return {"bands": bands_table(every)}


EXPERIMENT = Experiment("bands", _rows, BAND_CURVES, _tables)
