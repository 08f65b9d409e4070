"""Claim 3: magnesium from supplements and antacids, whether it goes with neuropathy and bends the curve.

Food is of one recalled day, supplements and antacids are means of 30. Amounts of antacids are reported in 2003-2004
only, earlier ones are largely the median of others; that somebody took one is known in all cycles. Magnesium laxatives
bought over the counter are in none of these files.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.rows import TWO_MODELS, Label, answer_table, curve_rows, term_rows
from analysis.data.people.cohort import select_cohort
from analysis.dose_response.problem import declare_design
from analysis.stats.arrays import Bools
from analysis.stats.disclosure import Discreet, blanked
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.stats.sample.presentation import present_proportion
from analysis.study import CYCLES, PRIMARY, Model, Study

UPPER_LEVEL_MG = 350.0
"""Tolerable upper intake level of adults; it applies to magnesium of supplements and medicines, not of food."""

KIDNEY_FAILING = 60.0
"""eGFR, mL/min/1.73 m², below which kidney function is reduced."""

COMPLETE = "magnesium_use_imputed == 0"
EXPOSURES: Mapping[str, str] = {
    "magnesium_food_supplement_mg": "food and supplements",
    "magnesium_total_mg": "food, supplements and antacids",
    "magnesium_mg": "food",
}
"""Exposures whose curves stand side by side, of the same people."""

TERMS: Mapping[str, str] = {
    "magnesium_supplement_level": "supplemental magnesium, levels",
    "magnesium_supplement_use": "a supplement with magnesium",
    "supplement_above_350": "supplemental magnesium above 350 mg",
    "supplement_antacid_above_350": "supplemental and antacid magnesium above 350 mg",
    "magnesium_antacid_use": "an antacid with magnesium",
    "antacid_use": "any antacid",
}
"""Further columns whose odds ratios are told."""

SHARES = ("supplement_use", "magnesium_supplement_use", "magnesium_antacid_use", "antacid_use", "supplement_above_350",
          "supplement_antacid_above_350")  # fmt: skip
MEANS = ("magnesium_mg", "magnesium_supplement_mg", "magnesium_antacid_mg", "magnesium_food_supplement_mg",
         "magnesium_total_mg")  # fmt: skip

NUMBERS = ("n", "count", "estimate", "std_error", "df", "conf_low", "conf_high", "n_effective")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupplementAnswers(Discreet):
    """What supplements and antacids have to do with neuropathy, and who takes how much.

    Attributes
    ----------
    odds : columns of `analysis.claims.rows.COLUMNS`: odds ratios of `TERMS`, and curves of `EXPOSURES` among the
        people whose use is known, among those who reported it fully, and in 2003-2004.
    amounts : kind (share, mean), what, domain, weights, n, count (people counted, of a share), estimate, std_error, df,
        conf_low, conf_high (Korn-Graubard of a share, else t), n_effective, reliable and reason (NCHS's standards).
    """

    odds: pd.DataFrame
    amounts: pd.DataFrame


def supplements(people: pd.DataFrame) -> SupplementAnswers:
    """Answer the claim about supplements.

    Parameters
    ----------
    people : all interviewed, harmonised.

    Returns
    -------
    SupplementAnswers
    """
    known = _with_upper_level(people)
    odds = [*_curves(known), *_terms(known), *_by_kidney_function(known)]
    return SupplementAnswers(odds=answer_table(odds), amounts=_amounts(known))


def _with_upper_level(people: pd.DataFrame) -> pd.DataFrame:
    """The people with whether they exceed the upper level, 1, 0 or missing."""
    supplement = people["magnesium_supplement_mg"]
    both = supplement + people["magnesium_antacid_mg"]
    return people.assign(
        supplement_above_350=(supplement > UPPER_LEVEL_MG).astype(float).where(supplement.notna()),
        supplement_antacid_above_350=(both > UPPER_LEVEL_MG).astype(float).where(both.notna()),
    )


def _curves(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Curves of each exposure on its own knots and median, of the same people."""
    groups: dict[str, Study] = {
        "use known": dataclasses.replace(PRIMARY, where="supplement_use_known"),
        "use fully reported": dataclasses.replace(PRIMARY, where=COMPLETE),
        "2003-2004": dataclasses.replace(PRIMARY, where="supplement_use_known", cycles=(2003,)),
    }
    return [
        curve_rows(people, dataclasses.replace(study, exposure=exposure, model=model), Label(words, group, model))
        for group, study in groups.items()
        for exposure, words in EXPOSURES.items()
        for model in TWO_MODELS
        if _estimable(people, study, model)
    ]


def _estimable(people: pd.DataFrame, study: Study, model: Model) -> bool:
    """Whether a model leaves degrees of freedom: one cycle has too few sampling units for model 2."""
    return model == "1" or len(study.cycles) > 1


def _terms(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Odds ratios of taking supplements and antacids, without a curve of food beside them."""
    return [
        term_rows(people, dataclasses.replace(PRIMARY, model=model, extra_covariates=(name,)), (name,),
                  Label(words, "use known" if name != "antacid_use" else "everybody", model))
        for name, words in TERMS.items()
        for model in TWO_MODELS
    ]  # fmt: skip


def _by_kidney_function(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Whether a magnesium supplement goes with more neuropathy where kidneys fail: the product of the two."""
    egfr, use = people["egfr_ml_min_1_73m2"], people["magnesium_supplement_use"]
    low = (egfr < KIDNEY_FAILING).astype(float).where(egfr.notna())
    people = people.assign(egfr_below_60=low, use_and_egfr_below_60=use * low)
    names = ("magnesium_supplement_use", "egfr_below_60", "use_and_egfr_below_60")
    return [
        term_rows(people, dataclasses.replace(PRIMARY, model=model, extra_covariates=names), names,
                  Label("a supplement with magnesium, by eGFR below 60", "use known", model))
        for model in TWO_MODELS
    ]  # fmt: skip


def _amounts(people: pd.DataFrame) -> pd.DataFrame:
    """Shares and means by domain: dietary weights of all cycles, and interview weights of each."""
    cohort = select_cohort(people, PRIMARY)
    design = declare_design(people, cohort, PRIMARY)
    recalled = people["recall_reliable"] & (cohort.weights > 0)
    domains = {
        "cohort": cohort.complete,
        "40 and older": recalled & (people["age_years"] >= 40),
        "20 and older": recalled & (people["age_years"] >= 20),
        "everybody": recalled,
    }
    parts = [_domain(people, rows, design, name, "dietary") for name, rows in domains.items()]
    for sex in ("male", "female"):
        for use, words in ((1, "users"), (0, "others")):
            rows = domains["20 and older"] & (people["sex"] == sex) & (people["magnesium_supplement_use"] == use)
            parts.append([_mean(people, "magnesium_mg", rows, design, f"20 and older, {sex}, {words}", "dietary")])
    for cycle in CYCLES:
        weights = people["weight_interview_2yr"].where(people["cycle"] == cycle, 0.0).fillna(0.0)
        interviewed = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), weights.to_numpy(dtype=float))
        rows = (people["cycle"] == cycle) & (people["age_years"] >= 20)
        parts.append([_share(people, name, rows, interviewed, f"20 and older, {cycle}-{cycle + 1}", "interview")
                      for name in SHARES[:4]])  # fmt: skip
    frame = pd.DataFrame([row for part in parts for row in part])
    frame["count"] = frame["count"].where(~((frame["count"] > 0) & (frame["count"] < 10)))
    told = blanked(frame, [*NUMBERS, "reliable", "reason"])
    return told.astype({"n": "Int64", "count": "Int64", "df": "Int64", "reliable": "boolean"})


def _domain(
    people: pd.DataFrame, rows: pd.Series, design: SurveyDesign, name: str, weights: str
) -> list[dict[str, object]]:
    users = rows & (people["magnesium_supplement_use"] == 1)
    return [
        *(_share(people, what, rows, design, name, weights) for what in SHARES),
        _share(people, "supplement_above_350", users, design, f"{name}, users", weights),
        *(_mean(people, what, rows, design, name, weights) for what in MEANS),
        _mean(people, "magnesium_supplement_mg", users, design, f"{name}, users", weights),
    ]


def _share(
    people: pd.DataFrame, what: str, rows: pd.Series, design: SurveyDesign, domain: str, weights: str
) -> dict[str, object]:
    """A share held to the standards of presentation."""
    counted = _known(people, what, rows)
    values = people[what].fillna(0.0).to_numpy(dtype=float)
    found = weighted_mean(values, design=design, domain=domain_of(design, counted))
    shown = present_proportion(found.estimate, found.std_error, n=found.n, df=found.df)
    return {"kind": "share", "what": what, "domain": domain, "weights": weights, "n": found.n,
            "count": int(values[counted].sum()), "estimate": found.estimate, "std_error": found.std_error,
            "df": found.df, "conf_low": shown.conf_low, "conf_high": shown.conf_high,
            "n_effective": shown.n_effective, "reliable": shown.reliable, "reason": shown.reason}  # fmt: skip


def _mean(
    people: pd.DataFrame, what: str, rows: pd.Series, design: SurveyDesign, domain: str, weights: str
) -> dict[str, object]:
    counted = _known(people, what, rows)
    found = weighted_mean(people[what].fillna(0.0).to_numpy(dtype=float), design=design,
                          domain=domain_of(design, counted))  # fmt: skip
    numbers = {name: getattr(found, name) for name in ("n", "estimate", "std_error", "df", "conf_low", "conf_high")}
    return {"kind": "mean", "what": what, "domain": domain, "weights": weights, "count": np.nan, **numbers,
            "n_effective": np.nan, "reliable": None, "reason": ""}  # fmt: skip


def _known(people: pd.DataFrame, what: str, rows: pd.Series) -> Bools:
    return (rows & people[what].notna()).to_numpy(dtype=bool)
