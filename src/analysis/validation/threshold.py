"""The published threshold of phosphorus beside two things it may mean; other numbers stand in `studies`."""

import pandas as pd

from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.dose_response.shape import SEED
from analysis.stats.sample.replicates import bootstrap
from analysis.study import BOOTSTRAP_REPLICATES, Study

SOURCE = "Wu 2024, PLoS ONE 19(3):e0299566"
WU_THRESHOLD_MG = 939.44
"""Printed as the threshold of phosphorus, mg/day."""

QUANTITIES = {
    "low point": "phosphorus, low point of the spline against the threshold, mg/day",
    "breakpoint": "phosphorus, best two-piece breakpoint against the threshold, mg/day",
}
"""Two different things that a "threshold" may mean: where a curve is lowest, and where a broken line bends."""

WU_THRESHOLD_STUDY = Study(exposure="phosphorus_mg", weights="dietary", model="3", outcome="strict")
"""Their weights and covariates cannot be read: by those of models 1 to 3, dietary or MEC weights, the low point of the
spline lies at 928 to 965 mg. The breakpoint lies at 735 to 754 mg, under MEC weights and models 2 and 3 at 876."""

NOTES = {
    "low point": "4 knots, model 3, dietary weights; interval: design bootstrap, knots placed anew. Lies where they "
    "print a threshold",
    "breakpoint": "same people, covariates and weights; interval: design bootstrap, searched anew. Not the low point: "
    "where the slope changes most",
}


def compare_with_threshold(people: pd.DataFrame, *, replicates: int = BOOTSTRAP_REPLICATES) -> pd.DataFrame:
    """The published threshold beside the low point and the breakpoint of the real participants.

    Parameters
    ----------
    people : harmonised participants.
    replicates : of the design bootstrap behind the intervals of the low point and the breakpoint.

    Returns
    -------
    source, quantity, published (no interval was printed), ours, conf_low, conf_high, the Monte Carlo errors of these
    two, note.
    """
    found = estimate(people, WU_THRESHOLD_STUDY)
    curve = curve_of(found.problem, found.fit)
    drawn = bootstrap(curve.design, replicates=replicates, seed=SEED)
    threshold = curve.threshold(replicates=drawn, seed=SEED)
    nadirs, level = curve.bootstrapped_nadirs(drawn), WU_THRESHOLD_STUDY.conf_level
    ours = {
        "low point": (found.nadir.x, *nadirs.interval(level)),
        "breakpoint": (threshold.breakpoint, threshold.conf_low, threshold.conf_high),
    }
    errors = {"low point": nadirs.interval_errors(level), "breakpoint": (threshold.low_error, threshold.high_error)}
    rows = []
    for name, (value, low, high) in ours.items():
        low_error, high_error = errors[name]
        rows.append(
            {
                "source": SOURCE,
                "quantity": QUANTITIES[name],
                "published": WU_THRESHOLD_MG,
                "ours": value,
                "conf_low": low,
                "conf_low_mc_error": low_error,
                "conf_high": high,
                "conf_high_mc_error": high_error,
                "note": NOTES[name],
            }
        )
    return pd.DataFrame(rows)
