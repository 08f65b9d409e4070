"""Claims 4 and 5: does the curve depend on diabetes or kidney function? With ten more modifiers declared beforehand.

Twelve tests of one question will find something by chance alone in every second study, so that Holm's and
Benjamini-Hochberg's p-values stand beside each raw one, over all that were declared: a modifier that could not be
tested counts as one with p = 1.

References
----------
Benjamini & Hochberg 1995, J R Stat Soc B 57:289-300. Holm's method as in statsmodels' ``multipletests``.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis.claims.rows import TWO_MODELS
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS
from analysis.dose_response.modifiers import EffectModification, Modifier, modified
from analysis.dose_response.problem import Problem, pose
from analysis.errors import AnalysisError
from analysis.stats.disclosure import Discreet, blanked
from analysis.study import PRIMARY, Study

GRID_POINTS = 61
"""Points of each curve from the cohort's 1st to its 99th percentile."""

TOTAL = "magnesium_total_mg"
"""Magnesium of food, supplements and antacids: a second exposure where the participants have it."""

Role = Literal["primary", "secondary"]

_KIDNEY = "egfr_ml_min_1_73m2 < 60"
_ALBUMIN = "albumin_creatinine_mg_g >= 30"


def _yes_no(name: str, label: str, condition: str, replaces: tuple[str, ...] = ()) -> Modifier:
    return Modifier(name, label, (("no", f"not ({condition})"), ("yes", condition)), replaces)


DECLARED: tuple[tuple[Role, Modifier], ...] = (
    ("primary", _yes_no("diabetes", "diabetes", "has_diabetes == 1")),
    ("primary", _yes_no("egfr_below_60", "eGFR below 60", _KIDNEY)),
    ("secondary", _yes_no("albuminuria", "albuminuria", _ALBUMIN)),
    ("secondary", _yes_no("kidney_disease", "eGFR below 60 or albuminuria", f"{_KIDNEY} or {_ALBUMIN}")),
    ("secondary", Modifier("sex", "sex", (("male", "sex == 'male'"), ("female", "sex == 'female'")))),
    ("secondary", Modifier("age", "age", (("40 to 59", "age_years < 60"), ("60 and older", "age_years >= 60")))),
    ("secondary", Modifier("bmi", "body mass index", (("below 25", "bmi_kg_m2 < 25"),
                                                      ("25 to below 30", "25 <= bmi_kg_m2 < 30"),
                                                      ("30 and more", "bmi_kg_m2 >= 30")))),
    ("secondary", Modifier("race_ethnicity", "race or ethnicity",
                           (("non-Hispanic White", "race_ethnicity == 'non_hispanic_white'"),
                            ("non-Hispanic Black", "race_ethnicity == 'non_hispanic_black'"),
                            ("Mexican American", "race_ethnicity == 'mexican_american'"),
                            ("other", "race_ethnicity in ('other_hispanic', 'other')")))),
    ("secondary", Modifier("alcohol", "alcohol", (("never or former", "alcohol in ('never', 'former')"),
                                                  ("moderate", "alcohol == 'moderate'"),
                                                  ("heavy", "alcohol == 'heavy'")))),
    ("secondary", _yes_no("diuretic", "diuretic", "takes_diuretic == 1")),
    ("secondary", _yes_no("depletion", "depletion score of 2 or more", "depletion_score >= 2")),
    ("secondary", _yes_no("told_diabetes", "told of diabetes", "told_diabetes == 1", ("has_diabetes",))),
)  # fmt: skip
"""The twelve modifiers of the protocol and what each was declared as."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Modification(Discreet):
    """Whether and how the curve differs between levels of the declared modifiers.

    Attributes
    ----------
    tests : a row an exposure, model and modifier: role, label, n, cases, statistic, df_num, df_den, p_value, holm_p,
        bh_p (over the declared ones of that exposure and model), rao_scott_p, replaced (covariates), reason (why there
        is no test).
    arms : a row a level and arm: x against the reference (mg/day), estimate (log odds ratio), std_error, df,
        odds_ratio, conf_low, conf_high; n and cases of the level.
    curves : the same on a grid of intakes; the odds ratios only.
    """

    tests: pd.DataFrame
    arms: pd.DataFrame
    curves: pd.DataFrame


def modifiers(people: pd.DataFrame, *, study: Study = PRIMARY) -> Modification:
    """Effect modification of the curve by each of `DECLARED`, under models 1 and 2.

    Parameters
    ----------
    people : harmonised participants, all of them; magnesium of every source is a second exposure if it is there.
    study : the primary study; its model is not used.

    Raises
    ------
    StudyError, DesignError, SplineError : the study has no answer before any modifier.
    """
    exposures = [study.exposure, *(name for name in (TOTAL,) if name in people and name != study.exposure)]
    # Selecting rows copies every column, and most are nutrients that no study here reads.
    unread = set(NUTRIENT_COLUMNS) - {*exposures, *study.extra_covariates}
    people = people[[name for name in people if name not in unread]]
    tests, arms, curves = [], [], []
    for exposure in exposures:
        for model in TWO_MODELS:
            posed = pose(people, dataclasses.replace(study, exposure=exposure, model=model))
            key = {"exposure": exposure, "model": model}
            family = []
            for role, modifier in DECLARED:
                row, found = _answer(people, posed, modifier)
                family.append(key | {"modifier": modifier.name, "label": modifier.label, "role": role} | row)
                if found is not None:
                    both = _curves(found).assign(**key, modifier=modifier.name, label=modifier.label)
                    arms.append(both[both["x"].isin(found.arms())])
                    curves.append(both[~both["x"].isin(found.arms())])
            tests.append(_with_multiplicity(pd.DataFrame(family)))
    first = ["exposure", "model", "modifier", "label", "level", "n", "cases", "x", "reference"]
    last = ["odds_ratio", "conf_low", "conf_high"]
    every = [pd.concat(parts, ignore_index=True) for parts in (tests, arms, curves)]
    return Modification(every[0], every[1][[*first, "estimate", "std_error", "df", *last]], every[2][first + last])


def _answer(
    people: pd.DataFrame, posed: Problem, modifier: Modifier
) -> tuple[dict[str, object], EffectModification | None]:
    """The test of one modifier, or why there is none: a survey need not have every column or level."""
    lacking = sorted(modifier.columns - set(people))
    try:
        if lacking:
            raise AnalysisError(f"the participants have no column {', '.join(lacking)}")
        found = modified(people, posed, modifier)
    except AnalysisError as error:
        return {"reason": str(error)}, None
    return found.test_row() | {"replaced": " ".join(found.replaced), "reason": ""}, found


def _curves(found: EffectModification) -> pd.DataFrame:
    grid = found.grid()
    points = np.append(np.linspace(grid[0], grid[-1], GRID_POINTS), found.arms())
    frame = found.curves(points).rename(columns={"log_or": "estimate"})
    return frame.assign(reference=found.reference)


def _with_multiplicity(family: pd.DataFrame) -> pd.DataFrame:
    """A family of tests with p-values adjusted for their number; one that could not be done counts as p = 1."""
    numbers = ["n", "cases", "statistic", "df_num", "df_den", "p_value"]
    columns = [*(name for name in family if name in ("exposure", "model", "modifier", "label", "role")), *numbers]
    full = family.reindex(columns=[*columns, "rao_scott_p", "replaced", "reason"])
    full = full.astype(dict.fromkeys([*numbers, "rao_scott_p"], float)).fillna({"replaced": ""})
    tested = full["p_value"].notna()
    for place, (name, method) in enumerate((("holm_p", "holm"), ("bh_p", "fdr_bh"))):
        adjusted = pd.Series(multipletests(full["p_value"].fillna(1.0), method=method)[1], full.index)
        full.insert(len(columns) + place, name, adjusted.where(tested))
    return blanked(full, ("n", "cases", "statistic", "p_value", "holm_p", "bh_p", "rao_scott_p"))
