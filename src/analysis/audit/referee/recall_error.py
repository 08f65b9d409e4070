"""Recall error: one recalled day stands for usual intake with error, and what that does to the ends of the curve.

A single recall shows how the odds go with what somebody said to have eaten on one day. Variation from day to day that
does not hang on intake pulls a curve towards its middle: it flattens slopes by about the attenuation and hides bends.
What one day cannot show is at which usual intake the odds are lowest. Calibration on a second day rescales the axis and
gives the end slopes back their size, at the price of the calibration's own error; an error that both days share (people
who under-report do so twice) stays. A bootstrap p-value within three Monte Carlo errors of 0.05 bears no verdict; where
the first draws leave it there, it is drawn on. Where the attenuation is not shown to be above zero, nothing is
calibrated; where that of the roots, on which SIMEX has its error, is not, nothing is extrapolated.

The NCI method for usual intake is not used. It models the days on a transformed scale, with a distribution of usual
intake between people; for a curve it would replace the linear calibration by a bent one, from the same second days of
2003-2004. That would move the axis, unevenly along it; whether it would move a verdict was not computed.
"""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import scipy

from analysis.audit.recall import beside_energy
from analysis.audit.referee.table import PRIMARY_ROW, RefereeRow, answers, complete, curve_on, row_of, undecided
from analysis.audit.usual_intake import (
    EXTRAPOLANTS,
    at_the_ends,
    attenuations,
    calibration_data,
    drawn_slopes,
    extrapolated,
    one_sided,
)
from analysis.data.people.vocabulary import exposure_label
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_setting, set_out
from analysis.stats.arrays import Array
from analysis.stats.measurement.regression_calibration import CalibratedSlopes
from analysis.study import PRIMARY, Study, StudyError

QUESTION = "recall error"
REPLICATES = 4_000
DECIDING = 20_000
"""Replicates in all where the first `REPLICATES` leave it undecided on which side of 0.05 the weaker end's p lies. No
verdict rests on that p: two milliseconds a replicate are spent on what a reader would see of it."""

SIMEX_DRAWS = 100


def refuse_without_slope(
    people: pd.DataFrame, setting: Setting, exposures: tuple[str, ...], *, of_roots: bool = False
) -> None:
    """Refuse a correction by second days that are not shown to go with the first.

    What a calibration predicts could then be anything. SIMEX continues to an intake whose variance is that of a day
    less the error's: if the days do not go together, beyond what goes with the covariates, nothing is left of it, and
    what it gives is the extrapolant's alone. Its error is that of the fourth roots, so the rule is asked of these,
    ``of_roots``. The answers may differ: where few people ate most of something, their days decide the slope, and roots
    tell more.

    Raises
    ------
    StudyError : the 95 % interval of an attenuation reaches 0.
    """
    found = attenuations(people, setting, exposures, of_roots=of_roots)
    scale = " on the fourth root" if of_roots else ""
    reaching = [
        f"{exposure_label(name)} has an attenuation of {slope:.2f} ({_interval_words(low, high)}){scale}"
        for name, (slope, low, high) in zip(exposures, found, strict=True)
        if not low > 0
    ]
    if reaching:
        cannot = "SIMEX has nothing to extrapolate to" if of_roots else "intake cannot be calibrated on it"
        raise StudyError(
            f"{' and '.join(reaching)}: what was eaten on a second day is not shown to go with the first, so {cannot}."
        )


def calibrated(people: pd.DataFrame, *, study: Study = PRIMARY) -> dict[str, pd.DataFrame]:
    """The curve on calibrated intake, its calibration taken as known: see `answers`."""
    setting = set_out(people, study)
    base = row_of(QUESTION, PRIMARY_ROW, curve_on(setting))
    sets = dict.fromkeys(((study.exposure,), beside_energy(study.exposure)))
    asked = {f"calibrated {_names(one)}, taken as known": partial(_known_row, people, setting, one) for one in sets}
    return answers(QUESTION, base, asked)


def _known_row(people: pd.DataFrame, setting: Setting, exposures: tuple[str, ...]) -> RefereeRow:
    refuse_without_slope(people, setting, exposures)
    data = calibration_data(people, setting, exposures)
    found = data.calibration()
    expected = np.full((len(people), len(exposures)), np.nan)
    expected[setting.domain.rows] = found.predict(data.first, data.covariates)
    slope = ", ".join(f"{one:.2f}" for one in found.attenuation)
    done = f"calibrated {_names(exposures)} (attenuation {slope}), taken as known"
    return row_of(QUESTION, done, curve_on(_on(setting, expected)))


def _interval_words(low: float, high: float) -> str:
    return "no interval: too few sampling units" if np.isnan(low) else f"95 % interval {low:.2f} to {high:.2f}"


def _names(exposures: tuple[str, ...]) -> str:
    return " and ".join(exposure_label(name) for name in exposures)


def _on(setting: Setting, expected: Array) -> Setting:
    # Whoever lacks a covariate has no prediction: knots are placed on those who have one, as in the bootstrap.
    other = dataclasses.replace(setting.restricted(np.isfinite(expected[:, 0])), exposure=expected[:, 0])
    return other if expected.shape[1] == 1 else other.beside(expected[:, 1:], ("energy",))


def calibrated_bootstrap(
    people: pd.DataFrame, exposures: tuple[str, ...], held: bool, *, study: Study = PRIMARY,
    replicates: int = REPLICATES, deciding: int = DECIDING, seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """End slopes of the calibrated curve with a Rao-Wu bootstrap's error, the calibration in it or held, as a row.

    One-sided p-values are of t on the residual df; the Monte Carlo error is that of the weaker end's. Where it leaves
    that p undecided, the bootstrap is drawn on until it has ``deciding`` replicates, however the p may move on the way.

    Parameters
    ----------
    people, exposures, held, study : as `calibration_data` and `bootstrap_slopes`.
    replicates : drawn first, and in each further batch; only one batch of weights is in memory.
    deciding : replicates in all of an undecided p.
    seed : of the first batch; each further one has the next.

    Raises
    ------
    StudyError : as `refuse_without_slope`.
    """
    setting = set_out(people, study)
    refuse_without_slope(people, setting, exposures)
    data = calibration_data(people, setting, exposures)
    df = setting.domain.df + 1 - (setting.study.knots + data.covariates.shape[1] + len(exposures) - 1)

    def batch(number: int) -> CalibratedSlopes:
        size = min(replicates, deciding - number * replicates) if number else replicates
        return drawn_slopes(data, setting.design, replicates=size, seed=seed + number, held=held)

    found = batch(0)
    ends = _one_sided(found, df)
    if undecided(ends["end_slopes_p"], ends["mc_error"]):
        further = [batch(number).replicates for number in range(1, -(-deciding // replicates))]
        found = dataclasses.replace(found, replicates=np.vstack([found.replicates, *further]))
        ends = _one_sided(found, df)
    way = "calibration held" if held else "calibration redone"
    row: RefereeRow = {
        "question": QUESTION, "done": f"calibrated {_names(exposures)}, bootstrap, {way}", "n": data.y.size,
        "cases": int(data.y.sum()), "draws": int(found.known.sum()), **ends,
    }  # fmt: skip
    return complete([row], row_of(QUESTION, PRIMARY_ROW, curve_on(setting)))


def _one_sided(found: CalibratedSlopes, df: int) -> RefereeRow:
    """P of both end slopes, and the weaker one's Monte Carlo error."""
    t = found.statistic
    low, high = map(float, one_sided(t, df))
    weaker = int(high >= low)
    error = float(scipy.stats.t.pdf(t[weaker], df) * found.statistic_error[weaker])
    return {"end_low_p": low, "end_high_p": high, "end_slopes_p": max(low, high),
            "mc_error_of": ("end_low_p", "end_high_p")[weaker], "mc_error": error}  # fmt: skip


def simulated_extrapolated(
    people: pd.DataFrame, *, study: Study = PRIMARY, draws: int = SIMEX_DRAWS, seed: int = 1
) -> pd.DataFrame:
    """SIMEX of the study's curve on its own knots, by a linear and a quadratic extrapolant, as rows.

    What is extrapolated are the slopes at the ends of the range and the log odds ratios there.

    Raises
    ------
    StudyError : as `refuse_without_slope`, of the fourth roots.
    """
    problem = pose_setting(set_out(people, study))
    refuse_without_slope(people, problem.setting, (study.exposure,), of_roots=True)
    curve = curve_of(problem, fit_problem(problem))
    rows, df = [], curve.fit.residual_df
    _, estimator = at_the_ends(problem)
    for degree, found in extrapolated(people, problem.setting, estimator, draws=draws, seed=seed).items():
        t = found.estimate / found.std_error
        p = one_sided(t, df)
        error = float(scipy.stats.t.pdf(t[1], df) * found.mc_error[1] / found.std_error[1])
        rows.append({
            "question": QUESTION, "done": f"SIMEX, {EXTRAPOLANTS[degree]} extrapolant", "n": curve.fit.n,
            "cases": curve.fit.cases, "end_low_p": p[0], "end_high_p": p[1], "end_slopes_p": max(p[0], p[1]),
            "level_low_p": p[2], "level_high_p": p[3], "levels_p": max(p[2], p[3]),
            "log_or_low": found.estimate[2], "log_or_high": found.estimate[3], "draws": draws,
            "mc_error_of": "end_high_p", "mc_error": error,
        })  # fmt: skip
    return complete(rows, row_of(QUESTION, PRIMARY_ROW, curve))
