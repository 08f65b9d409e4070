"""Claim 2: how many take in too little magnesium, and whether those have neuropathy more often.

Requirements are those of the Institute of Medicine (1997): the estimated average requirement (EAR), below which half of
the people of a sex and age need more, and the recommended allowance (RDA) of nearly all. The share of a population
below the EAR of its *usual* intake is the share that is inadequate (the EAR cut-point method); on one recalled day it
is not, since days differ. Both are told here. Pregnancy, which raises the EAR a little, is ignored.

Usual intake is `analysis.stats.measurement.usual_intake`'s and not the method of the National Cancer Institute, which
fits one mixed model, with a power chosen by likelihood and covariates of the mean such as weekday and order of the
recalls, and draws people from it. For a nutrient that everybody eats every day both estimate the same: people's means
on a power scale with one normal day-to-day error. It would change three things. Weekday and order would leave the
variance within people, so that a little more of the rest lies between them; the power would be another than a fourth,
which moves the way back; all cells of sex and age would share a shape about the model's mean. None touches the middle
of the distribution, and the EAR lies near it: the share below it is moved less than the share below the RDA, which is
in the tail. Against that, every number here is a closed formula that anybody can redo, and its error is had by doing
everything again without each sampling unit.

References
----------
Institute of Medicine 1997, Dietary Reference Intakes for Calcium, Phosphorus, Magnesium, Vitamin D, and Fluoride;
2000, Applications in Dietary Assessment (the cut-point method).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from analysis.data.people.cohort import select_cohort
from analysis.data.people.vocabulary import ADULT, SECOND_RECALL
from analysis.dose_response.association import contrast_frame
from analysis.dose_response.fits import fit_problem
from analysis.dose_response.problem import pose, set_out
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet, blanked, told
from analysis.stats.measurement.usual_intake import UsualIntake, usual_intake
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.sample.descriptives import logit_interval
from analysis.stats.sample.design import SurveyDesign
from analysis.stats.sample.presentation import present_proportion
from analysis.stats.sample.replicates import jackknife, replicate_df, replicate_statistic
from analysis.study import COVARIATES, PRIMARY, Model, Study

YOUNGEST_OF_OLDER = 31
EAR = {"male": (330.0, 350.0), "female": (255.0, 265.0)}
RDA = {"male": (400.0, 420.0), "female": (310.0, 320.0)}
"""mg/day at 19 to 30 years and from 31 on."""

AGES = (20, 31, 51, 71)
"""First ages of the cells that have a mean of their own."""

SUPPLEMENT = "magnesium_supplement_mg"
LEFT_ARM = (97.0, 98.0, 99.0, 100.0)
"""Intakes, mg/day, at the left knot, below which the curve is a straight line."""

ADEQUACY_MODELS: tuple[Model, ...] = ("1", "2", "3")
QUANTITIES = {
    "day_ear": "below the EAR on one day",
    "day_rda": "below the RDA on one day",
    "day_mean": "mean of one day, mg",
    "usual_ear": "usual intake below the EAR",
    "usual_rda": "usual intake below the RDA",
    "usual_mean": "mean usual intake, mg",
    "usual_total_ear": "usual intake with supplements below the EAR",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntakeAdequacy(Discreet):
    """How many take in too little, and the neuropathy of those.

    Attributes
    ----------
    shares : domain, sex, ages, quantity, n, estimate, std_error (jackknife), df, conf_low, conf_high (logit for shares,
        else t), unreliable (why the share fails NCHS's presentation standards; empty if it stands).
    variances : sex, n_both, within, total, reliability on the fourth-root scale, std_error of within and reliability.
    exposures : model, exposure (below_ear, below_rda on one day; left_arm at x against the reference; slope per 10 mg
        less below the left knot), n, cases, estimate (log odds ratio), std_error, df, odds_ratio, conf_low, conf_high,
        p_value.
    """

    shares: pd.DataFrame
    variances: pd.DataFrame
    exposures: pd.DataFrame


def requirement(people: pd.DataFrame, amounts: dict[str, tuple[float, float]]) -> Array:
    """Each person's `EAR` or `RDA`, mg/day, (n,), by sex and age; of adults only."""
    sex = people["sex"].to_numpy()
    older = people["age_years"].to_numpy() >= YOUNGEST_OF_OLDER
    return np.where(
        sex == "male", np.where(older, *reversed(amounts["male"])), np.where(older, *reversed(amounts["female"]))
    )


def intake_adequacy(people: pd.DataFrame, *, study: Study = PRIMARY) -> IntakeAdequacy:
    """Answer claim 2.

    Parameters
    ----------
    people : harmonised participants, all of them; supplements are counted where their column is there.
    study : the primary study, whose cohort is one of the domains and whose curve has the left arm.

    Raises
    ------
    StudyError, DesignError : the study has no answer, or no adults have a second recall.
    """
    shares, variances = _shares(people, study)
    return IntakeAdequacy(shares, variances, _exposures(people, study))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Adults(Discreet):
    """Adults with a reliable first recall, as arrays of them alone, and whom the shares are about.

    Attributes
    ----------
    rows : (n,) boolean of all sampled people.
    first, second, supplement : (m,) mg/day; the second 0 where there is none, the supplement NaN where unknown.
    weights, both : (m,) first-day and two-day weights, the latter 0 for whoever has no second day.
    ear, rda : (m,) mg/day.
    sex, cells : (m,) codes; of sex, and of sex by age.
    domains : domain, sex and ages of a group, with its (m,) boolean members.
    """

    rows: Bools
    first: Array
    second: Array
    supplement: Array | None
    weights: Array
    both: Array
    ear: Array
    rda: Array
    sex: Integers
    cells: Integers
    domains: dict[tuple[str, str, str], Bools]

    def usual(self, weights: Array, both: Array) -> UsualIntake:
        return usual_intake(
            self.first, self.second, weights=weights, weights_both=both, groups=self.sex, cells=self.cells
        )

    def statistics(self, weights: Array, both: Array) -> Array:
        """Every quantity of every group in turn, then within-person variances and reliabilities by sex."""
        found = self.usual(weights, both)
        columns: dict[str, Array | Bools] = {
            "day_ear": self.first < self.ear,
            "day_rda": self.first < self.rda,
            "day_mean": self.first,
            "usual_ear": found.usual < self.ear,
            "usual_rda": found.usual < self.rda,
            "usual_mean": found.usual,
        }
        if self.supplement is not None:
            columns["usual_total_ear"] = np.where(
                np.isnan(self.supplement), np.nan, found.usual + self.supplement < self.ear
            )
        values = np.column_stack([np.asarray(column, dtype=float) for column in columns.values()])
        known, inside = ~np.isnan(values), np.array(list(self.domains.values()), dtype=float)
        means = inside @ (weights[:, None] * np.nan_to_num(values)) / (inside @ (weights[:, None] * known))
        return np.concatenate([means.ravel(), found.within, found.total, found.reliability])

    def members(self, group: tuple[str, str, str], quantity: str) -> Bools:
        """Whom a quantity of a group is about."""
        inside = self.domains[group]
        if quantity == "usual_total_ear" and self.supplement is not None:
            return np.asarray(inside & ~np.isnan(self.supplement))
        return inside

    @property
    def quantities(self) -> list[str]:
        """Names of the quantities of each group, in the order of `statistics`."""
        return [name for name in QUANTITIES if name != "usual_total_ear" or self.supplement is not None]


def _adults(people: pd.DataFrame, study: Study) -> _Adults:
    age = people["age_years"].to_numpy(dtype=float)
    weights = people["weight_dietary"].to_numpy(dtype=float)
    known = people["recall_reliable"].to_numpy() & people["magnesium_mg"].notna().to_numpy()
    rows = known & (age >= ADULT) & (weights > 0)
    mine = people[rows]
    second = mine["magnesium_mg_day2"].to_numpy(dtype=float)
    has_second = (mine["cycle"] == SECOND_RECALL).to_numpy() & mine["recall2_reliable"].to_numpy() & ~np.isnan(second)
    sex = (mine["sex"] == "female").to_numpy().astype(np.intp)
    ages = np.searchsorted(AGES, age[rows], side="right") - 1
    return _Adults(
        rows=rows,
        first=mine["magnesium_mg"].to_numpy(dtype=float),
        second=np.where(has_second, second, 0.0),
        supplement=mine[SUPPLEMENT].to_numpy(dtype=float) if SUPPLEMENT in people else None,
        weights=weights[rows],
        both=np.where(has_second, mine["weight_dietary_2day"].fillna(0.0), 0.0),
        ear=requirement(mine, EAR),
        rda=requirement(mine, RDA),
        sex=sex,
        cells=len(AGES) * sex + ages,
        domains=_groups(age[rows], sex, ages, select_cohort(people, study).rows.to_numpy()[rows]),
    )


def _groups(age: Array, sex: Integers, ages: Integers, cohort: Bools) -> dict[tuple[str, str, str], Bools]:
    """Groups that shares are told of: each domain by sex, and all adults by sex and age."""
    sexes = {"all": np.ones(sex.shape, dtype=bool), "male": sex == 0, "female": sex == 1}
    inside = {"age20": sexes["all"], "age40": age >= 40, "cohort": cohort}
    groups = {(domain, of, "all"): who & members for domain, who in inside.items() for of, members in sexes.items()}
    ends = [f"{low}-{high - 1}" for low, high in zip(AGES[:-1], AGES[1:], strict=True)] + [f"{AGES[-1]}+"]
    for of in ("male", "female"):
        groups |= {("age20", of, name): sexes[of] & (ages == place) for place, name in enumerate(ends)}
    return groups


def _shares(people: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    adults = _adults(people, study)
    weights = people["weight_dietary"].to_numpy(dtype=float)
    design = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), weights)
    replicates = jackknife(design)

    def statistic(changed: Array) -> Array:
        mine = changed[adults.rows]
        return adults.statistics(mine, adults.both * (mine / adults.weights))

    found = replicate_statistic(statistic, replicates, design, rows=adults.rows, centre="estimate", progress="")
    names = [(*group, quantity) for group in adults.domains for quantity in adults.quantities]
    frame = pd.DataFrame(names, columns=["domain", "sex", "ages", "quantity"])
    shown = len(frame)
    members = [adults.members(group, quantity) for group in adults.domains for quantity in adults.quantities]
    frame["n"] = [float(np.sum(inside)) for inside in members]
    frame["estimate"], frame["std_error"] = found.estimate[:shown], found.std_error[:shown]
    frame["df"] = [float(replicate_df(replicates, design, rows=_spread(adults.rows, inside))) for inside in members]
    return _with_limits(frame, study.conf_level), _variances(adults, found.estimate[shown:], found.std_error[shown:])


def _spread(rows: Bools, inside: Bools) -> Bools:
    """Members among ``rows`` as a mask of all rows."""
    every = np.zeros(rows.shape, dtype=bool)
    every[rows] = inside
    return every


def _with_limits(frame: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Intervals, logit for shares and t for means; shares that fail the presentation standards are marked."""
    mean = frame["quantity"].str.endswith("_mean")
    # A sum over its own total may miss 1 by the last digit.
    frame["estimate"] = frame["estimate"].where(mean, frame["estimate"].clip(0, 1))
    t = scipy.stats.t.ppf((1 + conf_level) / 2, frame["df"])
    frame["conf_low"], frame["conf_high"] = (frame["estimate"] + side * t * frame["std_error"] for side in (-1, 1))
    frame["unreliable"] = ""
    for df, part in frame[~mean].groupby("df"):
        p, error = part["estimate"].to_numpy(), part["std_error"].to_numpy()
        frame.loc[part.index, ["conf_low", "conf_high"]] = np.column_stack(
            logit_interval(p, error, df=int(df), conf_level=conf_level)
        )
        each = zip(p, error, part["n"].astype(int), strict=True)
        frame.loc[part.index, "unreliable"] = [present_proportion(*one, n=n, df=df).reason for *one, n in each]
    return blanked(frame, ("n", "estimate", "std_error", "conf_low", "conf_high"))


def _variances(adults: _Adults, estimate: Array, std_error: Array) -> pd.DataFrame:
    """Variances of the fourth root by sex, from the tail of `_Adults.statistics`."""
    within, total, reliability = estimate.reshape(3, 2)
    both = [int(np.sum((adults.both > 0) & (adults.sex == code))) for code in (0, 1)]
    return pd.DataFrame(
        {
            "sex": ["male", "female"],
            "n_both": [told(n) for n in both],
            "within": within,
            "within_std_error": std_error[:2],
            "total": total,
            "reliability": reliability,
            "reliability_std_error": std_error[4:],
        }
    )


# ---- neuropathy of those who take in too little
def _exposures(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    rows = []
    for model in ADEQUACY_MODELS:
        asked = dataclasses.replace(study, model=model)
        if study.exposure not in COVARIATES[model]:
            rows += [_indicator(people, asked, name) for name in ("below_ear", "below_rda")]
            rows += [_left_arm(people, asked)] if study.exposure == "magnesium_mg" else []
    frame = pd.concat(rows, ignore_index=True)
    first = ["model", "exposure", "x", "reference", "n", "cases"]
    return blanked(frame[[*first, *(name for name in frame if name not in first)]], ("n", "cases"))


def _indicator(people: pd.DataFrame, study: Study, name: str) -> pd.DataFrame:
    """Odds ratio of a one-day intake below a requirement, as a 0/1 exposure in the place of the spline."""
    setting = set_out(people, study)
    rows = setting.domain.rows
    limit = requirement(people[rows], {"below_ear": EAR, "below_rda": RDA}[name])
    below = (people["magnesium_mg"].to_numpy(dtype=float)[rows] < limit).astype(float)
    fit = fit_quickly(setting.regression(below[:, None], (name,)), setting.design)
    return _odds(fit, (name,), np.ones((1, 1)), study).assign(exposure=name, n_exposed=told(int(below.sum())))


def _left_arm(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The curve at the left knot against the median, and its slope per 10 mg less."""
    problem = pose(people, study)
    fit = fit_problem(problem)
    arm = _odds(fit, problem.spline_terms, problem.contrast(np.array(LEFT_ARM)), study)
    arm = arm.assign(exposure="left_arm", x=LEFT_ARM, reference=problem.reference)
    slope = _odds(fit, problem.spline_terms, -10.0 * np.eye(len(problem.spline_terms))[:1], study)
    return pd.concat([arm, slope.assign(exposure="slope_per_10_less")], ignore_index=True)


def _odds(fit: LogisticFit, terms: tuple[str, ...], contrast: Array, study: Study) -> pd.DataFrame:
    odds = contrast_frame(fit, fit.index(terms), contrast, conf_level=study.conf_level)
    t = np.abs(odds["log_or"] / odds["std_error"])
    return odds.rename(columns={"log_or": "estimate"}).assign(
        df=fit.residual_df,
        p_value=2 * scipy.stats.t.sf(t, fit.residual_df),
        model=study.model,
        n=float(fit.n),
        cases=float(fit.cases),
    )
