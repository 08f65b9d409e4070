"""Are both ends higher than the middle, by the ends of the range and by a band for the whole curve."""

import numpy as np
import pandas as pd

from analysis.audit.referee.form import rounded
from analysis.audit.referee.table import RefereeRow, complete, curve_on, row_of
from analysis.data.people.vocabulary import amount_unit
from analysis.dose_response.association import associate
from analysis.dose_response.problem import pose_setting, set_out
from analysis.stats.arrays import Array
from analysis.stats.shape.questions import levels
from analysis.stats.shape.verdict import FittedCurve
from analysis.study import PRIMARY, Study

QUESTION = "levels"


def round_ends(curve: FittedCurve) -> Array:
    """Two round intakes near the 5th and the 95th percentile, at which the band is read.

    They stay on their sides of the median, and among the cohort's intakes.
    """
    inside = np.quantile(curve.eligible, (0.01, 0.99))
    return rounded(
        np.array(curve.range), lambda ends: bool(inside[0] <= ends[0] < curve.reference < ends[1] <= inside[1])
    )


def levels_of(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """Levels at the ends of the range and at round intakes against the median, as rows of the referee's table."""
    setting = set_out(people, study)
    curve = curve_on(setting)
    base = row_of(QUESTION, "P5 and P95 against the median", curve)
    low, high = round_ends(curve)
    height = levels(curve, low=low, high=high, middle=curve.reference)
    at_round: RefereeRow = base | {
        "done": f"{low:g} and {high:g} {amount_unit(study.exposure)} against the median",
        "level_low_p": height.p_low, "level_high_p": height.p_high, "levels_p": height.p_value,
        "log_or_low": height.log_or_low, "log_or_high": height.log_or_high,
        "levels_verdict": height.verdict,
    }  # fmt: skip
    table = complete([base, at_round], base)
    return table.assign(moved=0.0)  # one and the same curve, read elsewhere


def band_at_round_intakes(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """The odds ratio at `round_ends` with the whole curve's band: x, odds_ratio, band_low, band_high, above_one."""
    setting = set_out(people, study)
    found = associate(pose_setting(setting)).curve(round_ends(curve_on(setting)))
    curve = found.frame[["x", "odds_ratio", "band_low", "band_high"]]
    return curve.assign(above_one=curve["band_low"] > 1)
