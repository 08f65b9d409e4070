"""Are both ends higher than the middle, by the ends of the range and by a band for the whole curve."""

import numpy as np
import pandas as pd

from analysis.audit.referee.table import Answer, complete, curve_on, row_of
from analysis.dose_response.association import associate
from analysis.dose_response.problem import pose_setting, set_out
from analysis.stats.shape.questions import levels
from analysis.study import PRIMARY, Study

QUESTION = "levels"
ROUND = (100.0, 500.0)
"""Intakes, mg/day, at which the band is read; near the 5th and 95th percentile of magnesium."""


def levels_of(frame: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """Levels at the ends of the range and at round intakes against the median, as rows of the referee's table."""
    setting = set_out(frame, study)
    curve = curve_on(setting)
    base = row_of(QUESTION, "P5 and P95 against the median", curve)
    height = levels(curve, low=ROUND[0], high=ROUND[1], middle=curve.reference)
    at_round: Answer = base | {
        "done": f"{ROUND[0]:g} and {ROUND[1]:g} mg against the median",
        "level_low_p": height.p_low, "level_high_p": height.p_high, "levels_p": height.p_value,
        "log_or_low": height.log_or_low, "log_or_high": height.log_or_high,
        "levels_verdict": height.verdict,
    }  # fmt: skip
    table = complete([base, at_round], base)
    return table.assign(moved=0.0)  # one and the same curve, read elsewhere


def band_at_round_intakes(frame: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """The odds ratio at `ROUND` with the band of the whole curve: x, odds_ratio, band_low, band_high, above_one."""
    found = associate(pose_setting(set_out(frame, study)))
    curve = found.curve(np.array(ROUND)).frame[["x", "odds_ratio", "band_low", "band_high"]]
    return curve.assign(above_one=curve["band_low"] > 1)
