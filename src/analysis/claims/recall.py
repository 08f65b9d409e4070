"""How much of one recalled day is usual intake, and what a straight line would be without that error.

Of people with two reliable recalls (2003-2004): variances within and between people on several scales, with and without
the covariates of model 1 (by weighted least squares, each day apart). Within levels of the covariates less of the
variance lies between people, so that the adjusted reliability is what corrects an adjusted slope. The correction
holds for a straight line in the logarithm under errors independent of intake and outcome; for a curve there is none so
simple, and reporting that follows body weight or illness is not independent.

References
----------
Willett 2013, Nutritional Epidemiology, 3rd ed., chapter 12 (within-person variation and attenuation).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.data.people.vocabulary import ADULT
from analysis.data.people.weights import two_day_weight
from analysis.dose_response.association import contrast_frame
from analysis.dose_response.problem import covariate_columns, set_out
from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet
from analysis.stats.measurement.usual_intake import POWER, TwoDays, two_days
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.study import PRIMARY, Study

Transform = Callable[[Array, Array], Array]

SCALES: dict[str, Transform] = {
    "log_mg": lambda mg, kcal: np.log(mg),
    "mg": lambda mg, kcal: mg,
    "fourth_root_mg": lambda mg, kcal: mg ** (1 / POWER),
    "log_kcal": lambda mg, kcal: np.log(kcal),
    "log_mg_per_kcal": lambda mg, kcal: np.log(mg / kcal),
}
"""Scale to what it makes of a day's magnesium and energy."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecallReliability(Discreet):
    """Agreement of two days, and slopes corrected for what lies between them.

    Attributes
    ----------
    agreement : domain, scale, adjusted (for model 1), weighted, n, within, first, second, covariance, reliability, icc,
        correlation.
    slopes : model, n, cases, estimate (log odds ratio per log unit), std_error, df, odds_ratio, conf_low, conf_high,
        reliability (adjusted), corrected (estimate over it), corrected_se (of the estimate alone: the error of the
        reliability is not in it).
    """

    agreement: pd.DataFrame
    slopes: pd.DataFrame


def recall(people: pd.DataFrame, *, study: Study = PRIMARY) -> RecallReliability:
    """Measurement error of one recall, and the slope in the logarithm of intake without it.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : the primary study, whose cohort is the first domain; its exposure is magnesium from food.

    Raises
    ------
    StudyError, DesignError : the study has no answer, or nobody of it has two recalls.
    """
    both = _both_days(people)
    of_cohort = both & set_out(people, study).cohort.rows.to_numpy()
    rows = [_agreement(people, of_cohort, "cohort", scale) for scale in SCALES]
    rows += [_agreement(people, of_cohort, "cohort", scale, adjusted=True) for scale in SCALES]
    rows += [_agreement(people, of_cohort, "cohort", scale, weighted=False) for scale in SCALES]
    adult = both & (people["age_years"].to_numpy() >= ADULT)
    rows += [_agreement(people, adult, "age20", scale) for scale in SCALES]
    agreement = pd.DataFrame(rows)
    chosen = agreement.query("domain == 'cohort' and scale == 'log_mg' and adjusted")["reliability"].item()
    slopes = [_slope(people, dataclasses.replace(study, model=model), chosen) for model in ("1", "2")]
    return RecallReliability(agreement, pd.DataFrame(slopes))


def _both_days(people: pd.DataFrame) -> Bools:
    """Who has two reliable recalls with a two-day weight and an intake above zero, whose logarithm there is."""
    amounts = people[["magnesium_mg", "magnesium_mg_day2", "energy_kcal", "energy_kcal_day2"]].to_numpy(dtype=float)
    return np.asarray((two_day_weight(people, "magnesium_mg_day2") > 0) & np.all(amounts > 0, axis=1))


def _agreement(
    people: pd.DataFrame, rows: Bools, domain: str, scale: str, *, adjusted: bool = False, weighted: bool = True
) -> dict[str, object]:
    mine = people[rows]
    weights = mine["weight_dietary_2day"].to_numpy(dtype=float) if weighted else np.ones(len(mine))
    transform = SCALES[scale]
    days = [
        transform(mine[f"magnesium_mg{day}"].to_numpy(dtype=float), mine[f"energy_kcal{day}"].to_numpy(dtype=float))
        for day in ("", "_day2")
    ]
    if adjusted:
        X = _covariates(people, rows)
        days = [_residuals(X, day, weights) for day in days]
    found = two_days(days[0], days[1], weights)
    return {"domain": domain, "scale": scale, "adjusted": adjusted, "weighted": weighted, **_numbers(found)}


def _numbers(found: TwoDays) -> dict[str, object]:
    own = {"reliability": found.reliability, "icc": found.icc, "correlation": found.correlation}
    return dataclasses.asdict(found) | own


def _covariates(people: pd.DataFrame, rows: Bools) -> Array:
    """Intercept and covariates of model 1, of these people."""
    study = dataclasses.replace(PRIMARY, extra_covariates=())
    weights = people["weight_dietary_2day"].fillna(0.0).to_numpy(dtype=float)
    design = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), weights, lonely_domain="keep")
    columns, *_ = covariate_columns(people, study, domain_of(design, rows))
    return np.column_stack([np.ones(int(rows.sum())), columns[rows]])


def _residuals(X: Array, y: Array, weights: Array) -> Array:
    """What weighted least squares leaves of y."""
    root = np.sqrt(weights / weights.mean())
    beta = np.linalg.lstsq(X * root[:, None], y * root, rcond=None)[0]
    return np.asarray(y - X @ beta)


def _slope(people: pd.DataFrame, study: Study, reliability: float) -> dict[str, object]:
    """The logarithm of intake as a straight line in the place of the spline."""
    # Whoever took in none has no logarithm.
    where = f"({study.where}) and {study.exposure} > 0" if study.where else f"{study.exposure} > 0"
    setting = set_out(people, dataclasses.replace(study, where=where))
    log = np.log(setting.exposure[setting.domain.rows, None])
    fit = fit_quickly(setting.regression(log, ("log",)), setting.design)
    odds = contrast_frame(fit, fit.index(("log",)), np.ones((1, 1)), conf_level=study.conf_level).iloc[0]
    return {
        "model": study.model, "n": fit.n, "cases": fit.cases, "estimate": odds["log_or"],
        "std_error": odds["std_error"], "df": fit.residual_df, "odds_ratio": odds["odds_ratio"],
        "conf_low": odds["conf_low"], "conf_high": odds["conf_high"], "reliability": reliability,
        "corrected": odds["log_or"] / reliability, "corrected_se": odds["std_error"] / reliability,
    }  # fmt: skip
