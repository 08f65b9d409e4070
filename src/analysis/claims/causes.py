"""Claim 8: neuropathy has other causes. Which of those that the files measure go with it, and what they leave of the U.

Each is put into the model without magnesium: alone beside model 1, and beside model 2 where it is not one of its
covariates already. Vitamin B12 is never taken linearly, since single values reach the hundred thousands; folate and the
metals are by doubling. Lead and cadmium are known for 1999-2002 only. Chemotherapy, toxins at work and autoimmune
disease are not in the files, and of the gut only an illness of the last 30 days is asked.

A cross-sectional odds ratio is no cause: treatment and diet change blood values after the disease.
"""

import dataclasses

import numpy as np
import pandas as pd

from analysis.claims.rows import TWO_MODELS, Label, answer_table, count_row, curve_rows, term_rows
from analysis.data.people.cohort import select_cohort
from analysis.study import COVARIATES, PRIMARY, Model, Study

B12_LOW, B12_BORDERLINE = 200.0, 300.0
"""Vitamin B12 below which it is deficient, and low, pg/mL."""

MMA_HIGH = 0.271
"""Methylmalonic acid from which B12 is functionally short, µmol/L."""

METALS = ("lead_log2", "cadmium_log2")

ASKED: dict[str, tuple[Model, ...]] = {
    "height_10_cm": TWO_MODELS,
    "b12_below_200": TWO_MODELS,
    "b12_below_300": TWO_MODELS,
    "folate_log2": TWO_MODELS,
    "mma_high": TWO_MODELS,
    "hba1c_percent": TWO_MODELS,
    "egfr_below_60": TWO_MODELS,
    "has_diabetes": ("1",),
    "alcohol": ("1",),
    "heavy_alcohol": ("1",),
    "lead_log2": TWO_MODELS,
    "cadmium_log2": TWO_MODELS,
}
"""Cause, and the models that it is put beside."""

ADJUSTED_FOR = ("height_10_cm", "b12_below_200", "folate_log2")
"""What the adjusted curve has beside model 2."""


def causes(people: pd.DataFrame) -> pd.DataFrame:
    """Odds ratios of other causes of neuropathy, and the curve of intake adjusted for them.

    Parameters
    ----------
    people : all interviewed, harmonised; nobody may have been dropped.

    Returns
    -------
    Frame with `analysis.claims.rows.COLUMNS`; ``what`` is

    - ``people``: numbers of the cohort with a cause, and of whom it is known;
    - ``covariates``: model 2's own, all in one model;
    - ``cause``: each of `ASKED` by itself beside model 1 or 2, group 1999-2002 for metals;
    - ``curve``: under models 2 and 2 with `ADJUSTED_FOR`, and the same people (``group``) under model 1, whose knots
      and reference are those people's own.

    Raises
    ------
    StudyError, DesignError, ConvergenceError : people from whom this cannot be estimated.
    """
    people = with_causes(people)
    rows = _people_rows(people)
    second = dataclasses.replace(PRIMARY, model="2")
    rows.append(term_rows(people, second, COVARIATES["2"], Label("covariates", "all", "2")))
    for cause, models in ASKED.items():
        cycles, group = ((1999, 2001), "1999-2002") if cause in METALS else (PRIMARY.cycles, "all")
        for model in models:
            study = dataclasses.replace(PRIMARY, model=model, cycles=cycles, extra_covariates=(cause,))
            rows.append(term_rows(people, study, (cause,), Label("cause", group, model)))
    full = dataclasses.replace(second, extra_covariates=ADJUSTED_FOR)
    for study, group in ((second, "covariates of model 2 known"), (full, "height, B12 and folate known too")):
        rows += _beside_model_1(people, study, group)
    return answer_table(rows)


def with_causes(people: pd.DataFrame) -> pd.DataFrame:
    """Harmonised people with the causes that are derived from their columns: see `ASKED`."""
    b12, mma, egfr, alcohol = (people[name] for name in ("b12_pg_ml", "mma_umol_l", "egfr_ml_min_1_73m2", "alcohol"))
    yes_no = {
        "b12_below_200": (b12 < B12_LOW, b12),
        "b12_below_300": (b12 < B12_BORDERLINE, b12),
        "mma_high": (mma >= MMA_HIGH, mma),
        "egfr_below_60": (egfr < 60, egfr),
        "heavy_alcohol": (alcohol == "heavy", alcohol),
    }
    derived = {name: hit.astype(float).where(known.notna()) for name, (hit, known) in yes_no.items()}
    doubled = {"folate_log2": "folate_ng_ml", "lead_log2": "lead_ug_dl", "cadmium_log2": "cadmium_ug_l"}
    derived |= {name: np.log2(people[column]) for name, column in doubled.items()}
    return people.assign(**derived, height_10_cm=people["height_cm"] / 10)


def _people_rows(people: pd.DataFrame) -> list[pd.DataFrame]:
    inside = people[select_cohort(people, PRIMARY).rows]
    rows = []
    for cause in ("b12_below_200", "b12_below_300", "mma_high", "egfr_below_60", "heavy_alcohol", "has_diabetes"):
        rows.append(count_row(int((inside[cause] == 1).sum()), Label("people", "with it", ""), term=cause))
        rows.append(count_row(int(inside[cause].notna().sum()), Label("people", "known", ""), term=cause))
    return rows


def _beside_model_1(people: pd.DataFrame, study: Study, group: str) -> list[pd.DataFrame]:
    """A study's curve, and its complete cases under model 1."""
    known = people.assign(everything_known=select_cohort(people, study).complete)
    extra = f" + {', '.join(study.extra_covariates)}" if study.extra_covariates else ""
    plain = dataclasses.replace(PRIMARY, where="everything_known")
    return [
        curve_rows(people, study, Label("curve", group, f"{study.model}{extra}")),
        curve_rows(known, plain, Label("curve", group, plain.model)),
    ]
