"""The table that every answer to the referee is a row of, with its verdict on both questions about ends.

The questions are those of `analysis.stats.shape.questions`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_on, pose_setting
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array
from analysis.stats.disclosure import told
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.questions import levels
from analysis.stats.shape.slopes import end_slopes
from analysis.stats.shape.verdict import ALPHA, NO_DEPARTURE, U_NOT_SHOWN, FittedCurve, U, verdict

COLUMNS = (
    "question", "done", "n", "cases", "nonlinear_p", "end_low_p", "end_high_p", "end_slopes_p", "two_lines_p",
    "level_low_p", "level_high_p", "levels_p", "log_or_low", "log_or_high", "interior", "verdict", "levels_verdict",
    "moved", "direction", "draws", "mc_error_of", "mc_error",
)  # fmt: skip
"""question: section of the plan. done: in words. levels, log_or: the ends of the range against the median. interior:
probability that the low point is. verdict: of "falls, then rises"; levels_verdict: of "both ends higher". moved:
the larger of the two ends' changes in log odds ratio from the primary curve. direction: see the function of that name.
draws, mc_error_of, mc_error: number of draws, which column comes from them and its Monte Carlo error; interior's own
draws are those of the coefficients."""

PRIMARY_ROW = "primary"
"""What is done in the row that every other row of a question is compared with."""

NO_CHANGE = 0.01
"""A p-value of an end slope that moves by less says nothing of a direction."""

STANDS = {NO_DEPARTURE: 0, U_NOT_SHOWN: 1, U: 2}
"""Verdicts by how much of a U they show."""

SHOWN = ("", "a bend", "a U")
"""What each of them shows."""

ERRORS = 3.0
"""Monte Carlo errors that a drawn p-value must keep from 0.05 to be on one side of it."""

RefereeRow = dict[str, Any]
"""A row of the referee's table by column, whose numbers are read again."""


def row_of(question: str, done: str, curve: FittedCurve, *, ends: tuple[float, float] = RANGE) -> RefereeRow:
    """One answer: the tests, both verdicts and levels of a fitted curve, without what only the table knows.

    Parameters
    ----------
    question, done : see `COLUMNS`.
    curve : the fitted spline and its people.
    ends : quantiles of the cohort's exposure at which the end slopes are taken; all else stays on the protocol's range.
    """
    low, high = (float(end) for end in np.quantile(curve.eligible, ends))
    derivative = curve.spline.derivative(np.array([low, high]))
    slopes = end_slopes(curve.fit, derivative, index=curve.index, low=low, high=high)
    height = levels(curve, low=curve.range[0], high=curve.range[1], middle=float(np.median(curve.eligible)))
    drawn, lines, nonlinear = curve.drawn_nadirs(seed=1), curve.lines(), curve.nonlinear_p
    return {
        "question": question,
        "done": done,
        "n": told(curve.fit.n),
        "cases": told(curve.fit.cases),
        "nonlinear_p": nonlinear,
        "end_low_p": slopes.p_low,
        "end_high_p": slopes.p_high,
        "end_slopes_p": slopes.p_value,
        "two_lines_p": lines.p_value,
        "level_low_p": height.p_low,
        "level_high_p": height.p_high,
        "levels_p": height.p_value,
        "log_or_low": height.log_or_low,
        "log_or_high": height.log_or_high,
        "interior": drawn.interior_share,
        "verdict": verdict(nonlinear_p=nonlinear, end_slopes_p=slopes.p_value, two_lines_p=lines.p_value,
                           interior=drawn.interior_share),
        "levels_verdict": height.verdict,
        "draws": drawn.x.size,
        "mc_error_of": "interior",
        "mc_error": drawn.interior_error,
    }  # fmt: skip


def curve_on(setting: Setting, *, knots_of: Setting | None = None) -> FittedCurve:
    """The fitted curve of people who are set out; with the knots and reference of other people, if they are given."""
    problem = pose_setting(setting)
    if knots_of is not None:
        other = pose_setting(knots_of)
        problem = pose_on(setting, other.spline, reference=other.reference)
    return curve_of(problem, fit_problem(problem))


def complete(rows: list[RefereeRow], base: RefereeRow) -> pd.DataFrame:
    """The rows as the table, with how far each moves the curve from the primary one and in which direction.

    Parameters
    ----------
    rows : of `row_of`, some of their numbers replaced.
    base : the primary study's row.
    """
    full = [row | {"moved": _moved(row, base), "direction": direction(row, base)} for row in rows]
    return pd.DataFrame(full).reindex(columns=list(COLUMNS)).astype({"n": "Int64", "cases": "Int64"})


def answers(
    question: str,
    base: RefereeRow,
    asked: Mapping[str, Callable[[], Setting | RefereeRow]],
    *,
    left: Mapping[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Rows of which one that has no answer takes no other's away.

    Parameters
    ----------
    question : see `COLUMNS`.
    base : the primary study's row, which stands first.
    asked : by what is done, people who are set out for it, or the row itself.
    left : what these people cannot be asked, with the reason, by what would be done.

    Returns
    -------
    rows: of `complete`; left: what has no answer, with the reason, in the columns done, reason.
    """
    rows, reasons = [base], dict(left or {})
    for done, answer in asked.items():
        if done in reasons:
            continue
        try:
            found = answer()
            rows.append(row_of(question, done, curve_on(found)) if isinstance(found, Setting) else found)
        except AnalysisError as error:
            reasons[done] = str(error)
    return {"rows": complete(rows, base), "left": pd.DataFrame(reasons.items(), columns=["done", "reason"])}


def _moved(row: RefereeRow, base: RefereeRow) -> float:
    names = ("log_or_low", "log_or_high")
    return max(abs(row.get(name, np.nan) - base[name]) for name in names)


def direction(row: RefereeRow, base: RefereeRow) -> str:
    """What a row does to the claim of a U: by its verdicts and, where they stay, by the weaker of its end slopes.

    The verdicts are compared first: what is shown of a U ("falls, then rises"), and whether both ends are shown to be
    higher. P-values that move say something only if the study or the row shows a bend, or both ends' slopes. A drawn
    p-value that lies within three Monte Carlo errors of 0.05 bears no verdict: it is said not to be told apart.
    """
    now, before = row.get("end_slopes_p", np.nan), base["end_slopes_p"]
    if np.isnan(now):
        return ""
    drawn = str(row.get("mc_error_of"))
    if drawn.endswith("_p") and undecided(row[drawn], row["mc_error"]):
        return f"not told apart from p = {ALPHA:g}"
    if told := _verdicts_moved(row, base):
        return told
    same_side = (now < ALPHA) == (before < ALPHA)
    if not (_bends(row) or _bends(base)) or (abs(now - before) < NO_CHANGE and same_side):
        return "no change"
    end = "high" if row["end_high_p"] >= row["end_low_p"] else "low"
    towards = "towards" if now < before else "away from"
    return f"{towards} a U: the weaker end is the {end} one"


def _verdicts_moved(row: RefereeRow, base: RefereeRow) -> str:
    """What a row shows that the study does not, and the other way round; nothing if both show the same."""
    gained: list[str] = []
    lost: list[str] = []
    before, now = _stands(base, row), _stands(row, row)
    if now is not None and before is not None and now != before:
        (gained if now > before else lost).append(SHOWN[max(now, before)])
    higher = [one.get("levels_p", np.nan) for one in (base, row)]
    if not np.isnan(higher).any() and (higher[0] < ALPHA) != (higher[1] < ALPHA):
        (gained if higher[1] < ALPHA else lost).append("both ends higher")
    if gained and lost:
        return f"both ways: shows {gained[0]}, no longer {lost[0]}"
    if gained:
        return f"towards a U: shows {' and '.join(gained)}"
    return f"away from a U: no longer shows {' or '.join(lost)}" if lost else ""


def _stands(one: RefereeRow, row: RefereeRow) -> int | None:
    """How much of a U the verdict shows; beside a row without a verdict whether it bends, as far as that is known."""
    if "verdict" in row:
        return STANDS[one["verdict"]]
    nonlinear = one.get("nonlinear_p", np.nan)
    return None if np.isnan(nonlinear) else int(nonlinear < ALPHA)


def _bends(row: RefereeRow) -> bool:
    return bool(row.get("nonlinear_p", np.nan) < ALPHA or row["end_slopes_p"] < ALPHA)


def undecided(p: float, error: float) -> bool:
    """Whether a drawn p-value lies too near 0.05, for its Monte Carlo error, to be on one side of it."""
    return abs(p - ALPHA) < ERRORS * error


def finite(values: Array) -> Array:
    """Values of the draws that gave one."""
    return np.asarray(values[np.isfinite(values)])
