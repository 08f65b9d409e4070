"""Odds ratios by quintile, or another quantile, of exposure, and the trend across quintiles."""

import numpy as np
import pandas as pd
import scipy.special

from analysis.data.people.cohort import refuse_parts
from analysis.dose_response.association import Association, contrast_frame
from analysis.dose_response.problem import Setting, set_out
from analysis.stats.arrays import Array, Integers
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import TermTest, group_scores, wald_test
from analysis.stats.regression.quick import fit_quickly
from analysis.study import Study, StudyError

QUINTILES = 5


def quintiles(people: pd.DataFrame, study: Study, *, reference_quintile: int) -> pd.DataFrame:
    """Odds ratios of the exposure's quintiles against one of them; see `quantile_groups`.

    Returns
    -------
    Five rows: reference_quintile, quintile, lower, upper, n, cases, log_or, std_error, odds_ratio, conf_low, conf_high,
    p_value.

    Raises
    ------
    StudyError : the reference is not 1 to 5, or quintiles coincide. Otherwise as `estimate`.
    """
    if reference_quintile not in range(1, QUINTILES + 1):
        raise StudyError(f"reference_quintile={reference_quintile}: expected 1 to {QUINTILES}.")
    rows, _ = quantile_groups(people, study, groups=QUINTILES, reference=reference_quintile)
    return rows.rename(columns={"reference": "reference_quintile", "group": "quintile"})


def quantile_groups(
    people: pd.DataFrame, study: Study, *, groups: int, reference: int
) -> tuple[pd.DataFrame, LogisticFit]:
    """Odds ratios of equal groups of the exposure against one of them, and the regression they come from.

    Cut points are the unweighted type-7 quantiles of the cohort, before any loss to missing covariates; group k holds
    the values above cut k-1 up to and including cut k.

    Parameters
    ----------
    people, study : as for `estimate`; the study's knots are not used.
    groups : number of groups, lowest exposure first.
    reference : 1 to groups.

    Returns
    -------
    A row a group: reference, group, lower, upper, n, cases, log_or, std_error, odds_ratio, conf_low, conf_high,
    p_value; and the fit.

    Raises
    ------
    StudyError : cuts coincide. Otherwise as `estimate`.
    """
    refuse_parts(people)
    setting = set_out(people, study)
    cuts, group = group_of(setting.exposure, setting.eligible, groups, study.exposure)
    every = range(1, groups + 1)
    others = [k for k in every if k != reference]
    y, domain = setting.y, setting.domain
    terms = tuple(f"group_{k}" for k in others)
    model = setting.regression((group[domain.rows, None] == np.array(others)).astype(float), terms)
    fit = fit_quickly(model, setting.design)
    contrast = np.array([[float(k == other) for other in others] for k in every])
    odds = contrast_frame(fit, fit.index(terms), contrast, conf_level=study.conf_level)
    members = [domain.rows & (group == k) for k in every]
    counts = pd.DataFrame(
        {
            "reference": reference,
            "group": np.arange(1, groups + 1),
            # Open ends: the lowest and highest intake are single people's values.
            "lower": [-np.inf, *cuts],
            "upper": [*cuts, np.inf],
            "n": [int(member.sum()) for member in members],
            "cases": [int(y[member].sum()) for member in members],
        }
    )
    t = (odds["log_or"] / odds["std_error"]).abs()
    return counts.join(odds).assign(p_value=2 * scipy.special.stdtr(fit.residual_df, -t)), fit


def trend_test(association: Association) -> TermTest:
    """Wald F test of a trend over quintiles of the exposure, the literature's "p for trend".

    Everybody's exposure is replaced by the unweighted median of their quintile of the cohort, which enters as one
    linear term in place of the spline. It tells whether the odds rise or fall, and cannot see a curve that does both.

    Raises
    ------
    StudyError : quintiles coincide. ConvergenceError : as `estimate`.
    """
    term = "quintile_median"
    setting = association.problem.setting
    _, group = group_of(setting.exposure, setting.eligible, QUINTILES, setting.study.exposure)
    return wald_test(trend_fit(setting, group=group, term=term), (term,))


def trend_fit(setting: Setting, *, group: Integers, term: str) -> LogisticFit:
    """The regression behind a trend: the exposure replaced by the unweighted median of its group of the cohort.

    Parameters
    ----------
    setting : people of a study.
    group : (n,) everybody's group of the exposure, from 1.
    term : name of the medians' column, whose coefficient is in log odds per unit of the exposure.

    Raises
    ------
    ConvergenceError : as `estimate`.
    """
    scores = group_scores(setting.exposure, group, rows=setting.cohort.rows.to_numpy())
    return fit_quickly(setting.regression(scores[setting.domain.rows, None], (term,)), setting.design)


def group_of(exposure: Array, eligible: Array, groups: int, name: str) -> tuple[Array, Integers]:
    """The cuts of the cohort's exposure into equal groups, and everybody's group, from 1.

    Parameters
    ----------
    exposure : (n,) float array of all people.
    eligible : that of the cohort, on which the cuts are placed.
    groups : their number.
    name : of the exposure, for the message.

    Raises
    ------
    StudyError : cuts coincide.
    """
    cuts = np.quantile(eligible, np.arange(1, groups) / groups)
    if np.any(np.diff(cuts) <= 0):
        raise StudyError(f"cuts of {name} into {groups} groups are {cuts.tolist()}: expected increasing values.")
    return cuts, 1 + np.searchsorted(cuts, exposure, side="left")
