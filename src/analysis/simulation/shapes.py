"""How often each way of finding a U finds one, under curves of known shape: size, power, and the low point's coverage.

The curves are those that papers tell apart least: none at all, a straight line, a J (flat, then rising), a plateau
(falling, then flat), and a U of four depths, one of them that of the fitted curve. The usual practice is a small p for
non-linearity together with a low point inside the range; it is set beside the tests of a U and the verdict of the
protocol.
"""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd

from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.fits import curve_of
from analysis.simulation.surveys import (
    FITTED_DEPTH,
    Base,
    CurveOf,
    Experiment,
    flat,
    rates,
)
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape.nadir import NadirDraws, find_nadirs
from analysis.stats.shape.threshold import break_grid, search_test
from analysis.stats.shape.verdict import ALPHA, FittedCurve, U, verdict

REPLICATES = 200
NULL_DRAWS = 999
"""Of the threshold's test in each survey: the rate over surveys is what is reported, with an error of its own."""

HINGE_MG = 250.0
FALL_PER_MG = 0.006
RISE_PER_MG = 0.004
LINE_PER_MG = -0.0015


def line(x: Array) -> Array:
    """A straight fall: odds ratio 0.53 from the 5th to the 95th percentile of intake."""
    return LINE_PER_MG * x


def j_shape(x: Array) -> Array:
    """Flat up to 250 mg, then rising: odds ratio 2.9 from there to the 95th percentile."""
    return RISE_PER_MG * np.maximum(x - HINGE_MG, 0.0)


def plateau(x: Array) -> Array:
    """Falling up to 250 mg, then flat: odds ratio 2.5 from the 5th percentile to there."""
    return FALL_PER_MG * np.maximum(HINGE_MG - x, 0.0)


def u_shape(x: Array, *, depth: float) -> Array:
    """The invented survey's U, lowest at 240 mg, its log odds ratios multiplied by the depth."""
    return np.asarray(depth * PLANTED.log_odds_ratio(x, PLANTED.nadir_mg))


SHAPES: dict[str, CurveOf] = {
    "no association": flat,
    "line": line,
    "J": j_shape,
    "plateau": plateau,
    "shallow U": partial(u_shape, depth=0.5),
    "U as fitted": partial(u_shape, depth=FITTED_DEPTH),
    "U": partial(u_shape, depth=1.0),
    "deep U": partial(u_shape, depth=2.0),
}

U_SHAPES = ("shallow U", "U as fitted", "U", "deep U")

RULES = {
    "non-linear": "p for non-linearity < 0.05",
    "usual practice": "p for non-linearity < 0.05 and the low point inside the range",
    "end slopes": "both end slopes, p < 0.05",
    "two lines": "both lines, p < 0.05",
    "threshold, naive": "change of slope at the best break, p < 0.05 as if the break had been known",
    "threshold, search-aware": "the same, with a p that pays for the search",
    "verdict U": "the protocol's rule",
    "verdict U, by draws": "the same with the low point's place from draws of the coefficients, as in the audit",
}
"""What each rate of the table counts."""


def shape_tables(every: pd.DataFrame) -> Frames:
    """Rates at which each rule finds a U, and coverage of the low point's intervals where there is one.

    Parameters
    ----------
    every : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    Rates: curve, rule, surveys, failed, rate, monte_carlo_error. Coverage, of the U-shaped curves: curve, interval
    (``normal`` or ``bootstrap``), surveys, failed, truth_mg and the rate at which the interval holds it, target_mg and
    the rate at which it holds that, their Monte Carlo errors, median_width_mg. The target is the low point of the
    spline that fits the expected outcome best: four knots cannot follow the planted curve exactly, and what is between
    target and truth is that, not the interval's fault.
    """
    low_points = _coverage(every[every["curve"].isin(U_SHAPES)])
    return {"shapes": _rates(every).reset_index(drop=True), "nadirs": low_points}


def _rates(every: pd.DataFrame) -> pd.DataFrame:
    found = every.melt(id_vars=["curve", "base"], value_vars=list(RULES), var_name="rule", value_name="hit")
    return rates(found, ["curve", "rule"], "hit").sort_values(
        "curve", key=lambda names: names.map(_place), kind="stable"
    )


def _place(name: str) -> int:
    return list(SHAPES).index(name)


def _coverage(every: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for interval in ("normal", "bootstrap"):
        low, high = every[f"{interval}_low"], every[f"{interval}_high"]
        part = every.assign(interval=interval, width=high - low)
        for name, place in (("hit", PLANTED.nadir_mg), ("hit_of_target", every["target"])):
            part[name] = ((low <= place) & (place <= high)).where(low.notna()).astype(float)
        parts.append(part)
    found, keys = pd.concat(parts, ignore_index=True), ["curve", "interval"]
    of_target, medians = (
        rates(found, keys, "hit_of_target"),
        found.groupby(keys, sort=False)[["target", "width"]].median(),
    )
    return (
        rates(found, keys, "hit")
        .assign(
            truth_mg=PLANTED.nadir_mg,
            target_mg=medians["target"].to_numpy(),
            rate_of_target=of_target["rate"],
            monte_carlo_error_of_target=of_target["monte_carlo_error"],
            median_width_mg=medians["width"].to_numpy(),
        )
        .sort_values("interval", key=lambda names: names != "normal", kind="stable")
        .reset_index(drop=True)
    )


def _shape_rows(base: Base, curve_of: CurveOf, rng: np.random.Generator) -> list[Row]:
    """One row: which rules found a U in one drawn outcome, and the intervals of its low point if it has one."""
    curve = fitted_to(base, base.draw(curve_of, rng))
    ends, lines, nadir = curve.ends().p_value, curve.lines().p_value, curve.nadir()
    nonlinear = curve.nonlinear_p
    row: Row = {
        "non-linear": float(nonlinear < ALPHA),
        "usual practice": float(nonlinear < ALPHA and not nadir.at_boundary),
        "end slopes": float(ends < ALPHA),
        "two lines": float(lines < ALPHA),
        "verdict U": 0.0,
        "verdict U, by draws": 0.0,
    }
    row |= _threshold(curve, seed=int(rng.integers(2**32)))
    seed = int(rng.integers(2**32))
    has_low_point = isinstance(curve_of, partial)
    if has_low_point or (ends < ALPHA and lines < ALPHA):  # else the verdict is decided without the bootstrap
        found = curve.bootstrapped_nadirs(bootstrap(curve.design, replicates=REPLICATES, seed=seed))
        drawn = curve.drawn_nadirs(seed=seed)
        for rule, interior in (("verdict U", found.interior_share), ("verdict U, by draws", drawn.interior_share)):
            decided = verdict(nonlinear_p=nonlinear, end_slopes_p=ends, two_lines_p=lines, interior=interior)
            row[rule] = float(decided == U)
        if has_low_point:
            row["target"] = _target(base, curve, curve_of)
            row |= _limits(found) | _limits(drawn)
    return [row]


def _target(base: Base, curve: FittedCurve, curve_of: CurveOf) -> float:
    """Low point of the spline that fits the expected outcome, not a drawn one."""
    low, high = curve.range
    x, _ = find_nadirs(curve.spline, base.best_spline(curve_of)[None, :], low=low, high=high)
    return float(x[0])


def _limits(found: NadirDraws) -> Row:
    low, high = found.interval()
    return {f"{found.method}_low": low, f"{found.method}_high": high}


def fitted_to(base: Base, y: Array) -> FittedCurve:
    """The curve of model 1 on an invented survey with a drawn outcome, (m,)."""
    fit = fit_quickly(base.model(y), base.problem.setting.design)
    return dataclasses.replace(curve_of(base.problem, fit), y=y)


def _threshold(curve: FittedCurve, *, seed: int) -> Row:
    """Whether a break is found: with its naive p, at the best score, and with the one that pays for the search."""
    low, high = curve.range
    c = break_grid(curve.x, curve.y, low=low, high=high)
    found = search_test(
        curve.x, curve.y, curve.adjustment, design=curve.design, domain=curve.domain, c=c, draws=NULL_DRAWS, seed=seed
    )
    best = c[int(np.argmax(found.score**2 / found.variance))]
    broken = np.column_stack([np.ones_like(curve.x), curve.x - best, np.maximum(curve.x - best, 0.0), curve.adjustment])
    terms = ("intercept", "below", "change", *(f"z{number}" for number in range(curve.adjustment.shape[1])))
    naive = wald_test(fit_quickly(Regression(broken, curve.y, curve.domain, terms), curve.design), ("change",)).p_value
    return {"threshold, naive": float(naive < ALPHA), "threshold, search-aware": float(found.p_value < ALPHA)}


EXPERIMENT = Experiment("shapes", _shape_rows, SHAPES, shape_tables)
