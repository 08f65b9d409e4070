"""The published threshold of phosphorus beside two things it may mean; other numbers stand in `studies`."""

from dataclasses import dataclass

import pandas as pd

from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.dose_response.shape import SEED
from analysis.stats.sample.replicates import bootstrap
from analysis.study import BOOTSTRAP_REPLICATES, Study


@dataclass(frozen=True, slots=True)
class Published:
    """A published number with its 95 % interval, as printed; NaN if none is."""

    source: str
    quantity: str
    value: float
    low: float = float("nan")
    high: float = float("nan")


_GREGG = "Gregg 2004, Diabetes Care 27:1591"
_WU = "Wu 2024, PLoS ONE 19(3):e0299566"

GREGG_2004 = {
    False: Published(_GREGG, "neuropathy, all aged 40 or older, %", 14.8, 12.8, 16.8),
    True: Published(_GREGG, "neuropathy, diagnosed diabetes, %", 28.5, 22.0, 35.1),
}
"""By whether it is restricted to people told that they have diabetes. Lenient rule, 1999-2000, MEC weights. Their
intervals rest on the jackknife weights of the first release, ours on Taylor linearisation: points agree, intervals
need not."""

WU_THRESHOLD_MG = 939.44
"""Printed as the threshold of phosphorus, mg/day."""

WU_THRESHOLD = {
    "low point": Published(_WU, "phosphorus, low point of the spline against the threshold, mg/day", WU_THRESHOLD_MG),
    "breakpoint": Published(
        _WU, "phosphorus, best two-piece breakpoint against the threshold, mg/day", WU_THRESHOLD_MG
    ),
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


def compare_with_published(frame: pd.DataFrame, *, replicates: int = BOOTSTRAP_REPLICATES) -> pd.DataFrame:
    """The published threshold beside the low point and the breakpoint of the real participants.

    Parameters
    ----------
    frame : harmonised participants.
    replicates : of the design bootstrap behind the intervals of the low point and the breakpoint.

    Returns
    -------
    source, quantity, published, published_low, published_high, ours, conf_low, conf_high, the Monte Carlo errors of
    these two, note.
    """
    found = estimate(frame, WU_THRESHOLD_STUDY)
    curve = curve_of(found.problem, found.fit)
    drawn = bootstrap(curve.design, replicates=replicates, seed=SEED)
    threshold = curve.threshold(replicates=drawn, seed=SEED)
    nadirs, level = curve.bootstrapped_nadirs(drawn), WU_THRESHOLD_STUDY.conf_level
    ours = {
        "low point": (found.nadir.x, *nadirs.interval(level)),
        "breakpoint": (threshold.breakpoint, threshold.conf_low, threshold.conf_high),
    }
    errors = {"low point": nadirs.interval_errors(level), "breakpoint": (threshold.low_error, threshold.high_error)}
    return pd.DataFrame(
        [_beside(WU_THRESHOLD[name], *ours[name], errors=errors[name], note=NOTES[name]) for name in ours]
    )


def _beside(
    known: Published, ours: float, low: float, high: float, *, errors: tuple[float, float], note: str
) -> dict[str, object]:
    return {
        "source": known.source,
        "quantity": known.quantity,
        "published": known.value,
        "published_low": known.low,
        "published_high": known.high,
        "ours": ours,
        "conf_low": low,
        "conf_low_mc_error": errors[0],
        "conf_high": high,
        "conf_high_mc_error": errors[1],
        "note": note,
    }
