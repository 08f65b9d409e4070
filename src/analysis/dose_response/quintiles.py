"""Odds ratios by quintile of exposure, and the trend across them."""

import numpy as np
import pandas as pd
import scipy.stats

from analysis.dose_response.association import Association, contrast_frame
from analysis.dose_response.problem import Setting, set_out
from analysis.stats.arrays import Array, Integers
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import TermTest, group_scores, wald_test
from analysis.study import Study, StudyError


def quintiles(frame: pd.DataFrame, study: Study, *, reference_quintile: int) -> pd.DataFrame:
    """Odds ratios of the exposure's quintiles against one of them.

    Cut points are the unweighted type-7 quintiles of the cohort, before any loss to missing covariates; quintile k
    holds the values above cut k-1 up to and including cut k.

    Parameters
    ----------
    frame, study : as for `estimate`; the study's knots are not used.
    reference_quintile : 1 to 5.

    Returns
    -------
    Five rows: reference_quintile, quintile, lower, upper, n, cases, log_or, std_error, odds_ratio, conf_low, conf_high,
    p_value.

    Raises
    ------
    StudyError : the reference is not 1 to 5, or quintiles coincide. Otherwise as `estimate`.
    """
    if reference_quintile not in range(1, 6):
        raise StudyError(f"reference_quintile={reference_quintile}: expected 1 to 5.")
    setting = set_out(frame, study)
    cuts, group = _quintile_of(setting)
    others = [k for k in range(1, 6) if k != reference_quintile]
    y, domain = setting.y, setting.domain
    indicators = [(group == k)[:, None].astype(float) for k in others]
    X = np.hstack([np.ones((len(frame), 1)), *indicators, setting.adjustment])[domain.rows]
    terms = ("intercept", *(f"quintile_{k}" for k in others), *setting.adjustment_terms)
    fit = fit_logistic(X, y[domain.rows], design=setting.design, domain=domain, terms=terms)
    contrast = np.array([[float(k == other) for other in others] for k in range(1, 6)])
    index = fit.index(tuple(f"quintile_{k}" for k in others))
    odds = contrast_frame(fit, index, contrast, conf_level=study.conf_level)
    members = [domain.rows & (group == k) for k in range(1, 6)]
    counts = pd.DataFrame(
        {
            "reference_quintile": reference_quintile,
            "quintile": np.arange(1, 6),
            # Open ends: the lowest and highest intake are single people's values.
            "lower": [-np.inf, *cuts],
            "upper": [*cuts, np.inf],
            "n": [int(member.sum()) for member in members],
            "cases": [int(y[member].sum()) for member in members],
        }
    )
    t = (odds["log_or"] / odds["std_error"]).abs()
    return counts.join(odds).assign(p_value=2 * scipy.stats.t.sf(t, fit.residual_df))


def trend_test(association: Association) -> TermTest:
    """Wald F test of a trend over quintiles of the exposure, the literature's "p for trend".

    Everybody's exposure is replaced by the unweighted median of their quintile of the cohort, which enters as one
    linear term in place of the spline. It tells whether the odds rise or fall, and cannot see a curve that does both.

    Raises
    ------
    StudyError : quintiles coincide. ConvergenceError : as `estimate`.
    """
    setting = association.problem.setting
    _, group = _quintile_of(setting)
    scores = group_scores(setting.exposure, group, rows=setting.cohort.rows.to_numpy())
    X = np.hstack([np.ones((scores.size, 1)), scores[:, None], setting.adjustment])[setting.domain.rows]
    terms = ("intercept", "quintile_median", *setting.adjustment_terms)
    y = setting.y[setting.domain.rows]
    fit = fit_logistic(X, y, design=setting.design, domain=setting.domain, terms=terms)
    return wald_test(fit, ("quintile_median",))


def _quintile_of(setting: Setting) -> tuple[Array, Integers]:
    """The four cuts of the cohort's exposure, and each person's quintile, 1 to 5."""
    cuts = np.quantile(setting.eligible, np.arange(1, 5) / 5)
    if np.any(np.diff(cuts) <= 0):
        raise StudyError(f"quintile cuts of {setting.study.exposure} are {cuts.tolist()}: expected increasing values.")
    return cuts, 1 + np.searchsorted(cuts, setting.exposure, side="left")
