"""What calibration and SIMEX give back of a known curve of usual intake, when one recalled day is analysed.

The outcome of invented surveys is drawn from a curve of usual intake, a straight line or a U; recalled are one day of
everybody and a second of most people of 2003-2004, as in the real files. Asked of each method are the slopes at the 5th
and 95th percentile of the intake it works on, against the slope of the true curve at these very places: the protocol's
end slopes. The first method, usual intake itself, is nobody's to have; what it misses is the spline's doing, not the
recall's.

What is tried is what the referee's rows are made by, the functions of `analysis.audit.usual_intake`.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy

from analysis.audit.usual_intake import (
    EXTRAPOLANTS,
    at_the_ends,
    calibration_data,
    drawn_slopes,
    extrapolated,
    one_sided,
)
from analysis.dose_response.problem import Problem
from analysis.simulation.shapes import SHAPES
from analysis.simulation.surveys import NOMINAL, Base, CurveOf, Experiment, means, rates
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.shape.verdict import ALPHA

REPLICATES = 200
SIMEX_DRAWS = 20
DRAWS_PER_SURVEY = 5
"""Outcomes drawn for one invented survey: fewer than elsewhere, since each is fitted some 300 times."""

OF_SURVEYS = 8
"""One outcome is drawn here where the other tables of a simulation draw this many."""

PER_MG = 100.0
"""Slopes are told as log odds per 100 mg."""

ENDS = ("low", "high")
TRUE_CURVES: dict[str, CurveOf] = {name: SHAPES[name] for name in ("line", "U")}

METHODS = {
    "usual intake": "the curve of usual intake itself, which no survey knows",
    "one day": "the curve of one recalled day, as analysed",
    "calibrated": "regression calibration, redone in every sample of the bootstrap that its errors come from",
    "SIMEX, linear": "simulation extrapolation by a line",
    "SIMEX, quadratic": "simulation extrapolation by a parabola",
}
"""What each row of the table was estimated by."""

SlopesFound = tuple[Array, Array, Array]
"""Places, slopes and standard errors at the low and at the high end, (2,) each."""


def recall_error_tables(found: pd.DataFrame) -> Frames:
    """Bias and coverage of the end slopes by each method, with Monte Carlo errors.

    Parameters
    ----------
    found : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    curve, method (of `METHODS`), end, surveys, failed (without an interval), place_mg (mean), true_slope and
    mean_slope (log odds per 100 mg), bias and bias_error, std_dev of the slopes, mean_std_error, rate (coverage of 95 %
    intervals, t) and monte_carlo_error, shown (rate of a one-sided p < 0.05 of a fall at the low or a rise at the high
    end) and shown_error, attenuation (mean coefficient of the first day in the calibration), nominal.
    """
    keys = ["curve", "method", "end"]
    mean = {name: means(found, keys, name) for name in ("place", "truth", "slope", "bias", "std_error", "attenuation")}
    shown = rates(found, keys, "shown")
    table = rates(found, keys, "hit")
    table = table.assign(
        place_mg=mean["place"]["mean"],
        true_slope=mean["truth"]["mean"],
        mean_slope=mean["slope"]["mean"],
        bias=mean["bias"]["mean"],
        bias_error=mean["bias"]["monte_carlo_error"],
        std_dev=found.groupby(keys, sort=False)["slope"].std().to_numpy(),
        mean_std_error=mean["std_error"]["mean"],
        shown=shown["rate"],
        shown_error=shown["monte_carlo_error"],
        attenuation=mean["attenuation"]["mean"],
        nominal=NOMINAL,
    )
    return {"recall_error": table}


def _rows(
    base: Base,
    curve: CurveOf,
    rng: np.random.Generator,
    *,
    replicates: int = REPLICATES,
    simex_draws: int = SIMEX_DRAWS,
) -> list[Row]:
    y = base.draw_of(base.expected_of_usual(curve), rng)
    df = base.problem.setting.domain.df + 1 - len(base.problem.terms)
    seed = int(rng.integers(2**32))
    problem = base.posed(y)
    data = calibration_data(base.people, problem.setting, (problem.setting.study.exposure,))
    found = drawn_slopes(data, problem.setting.design, replicates=replicates, seed=seed)
    estimates = {
        "usual intake": _plain(base.posed(y, exposure=base.usual)),
        "one day": _plain(problem),
        "calibrated": (found.places, found.estimate, found.std_error),
        **_extrapolated(base, problem, seed, simex_draws),
    }
    known = {"attenuation": float(data.calibration().attenuation[0])}
    return [known | row for method, found in estimates.items() for row in _told(method, found, curve, df)]


def _told(method: str, found: SlopesFound, curve: CurveOf, df: int) -> Iterator[Row]:
    """One row an end: the slope, the true one at its place, and whether interval and test are right."""
    places, slopes, std_errors = found
    t = slopes / std_errors
    for end, x, slope, std_error, known, p in zip(
        ENDS, places, slopes, std_errors, np.isfinite(t), one_sided(t, df), strict=True
    ):
        step = np.array([x - 0.5, x + 0.5])
        truth = float(np.diff(curve(step))[0])
        half = scipy.stats.t.ppf((1 + NOMINAL) / 2, df) * std_error
        yield {
            "method": method, "end": end, "place": x, "truth": PER_MG * truth, "slope": PER_MG * slope,
            "bias": PER_MG * (slope - truth), "std_error": PER_MG * std_error,
            "hit": float(abs(slope - truth) <= half) if known else np.nan,
            "shown": float(p < ALPHA) if known else np.nan,
        }  # fmt: skip


def _plain(problem: Problem) -> SlopesFound:
    places, estimator = at_the_ends(problem)
    found, variances = estimator(problem.setting.exposure[problem.setting.domain.rows])
    return places, found[:2], np.sqrt(variances[:2])


def _extrapolated(base: Base, problem: Problem, seed: int, simex_draws: int) -> dict[str, SlopesFound]:
    places, estimator = at_the_ends(problem)
    return {
        f"SIMEX, {EXTRAPOLANTS[degree]}": (places, found.estimate[:2], found.std_error[:2])
        for degree, found in extrapolated(base.people, problem.setting, estimator, draws=simex_draws, seed=seed).items()
    }


EXPERIMENT = Experiment(
    "recall error", _rows, TRUE_CURVES, recall_error_tables, draws_per_survey=DRAWS_PER_SURVEY, outcomes_of=OF_SURVEYS
)
