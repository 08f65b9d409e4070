"""Rows that should change nothing: other forms of a covariate, other weights, parts of the people, in one table."""

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW, answers, curve_on, row_of
from analysis.data.people.conditions import all_of
from analysis.data.people.vocabulary import WEEKEND, is_intake
from analysis.dose_response.problem import Setting, set_out
from analysis.stats.arrays import Array
from analysis.study import PRIMARY, Study

QUESTION = "rows"
AGE_WIDTH = 5
TRIMMED = 0.99
OF_RECALL = (
    "day of the week",
    "recall day said to be usual (post hoc)",
    "recall of Monday to Thursday",
    "recall of Friday to Sunday",
)
"""Rows about the recalled day, which only what was recalled can be asked."""

OF_WEIGHTS = ("2-year weights in every cycle", "weights trimmed at P99")
"""Rows about weights, which a study without any is not asked."""

SEXES = {"male": "men", "female": "women"}


def rows_that_change_nothing(people: pd.DataFrame, *, study: Study = PRIMARY) -> dict[str, pd.DataFrame]:
    """The study under each of `variants`, as rows of the referee's table.

    Men and women have models without sex. The recall day said to be usual is post hoc: it was looked at because it
    changes the verdict. What is no intake is not asked `OF_RECALL`.

    Returns
    -------
    rows: of the referee's table; left: what these people cannot be asked, with the reason, in the columns done, reason.
    """
    setting = set_out(people, study)
    base = row_of(QUESTION, PRIMARY_ROW, curve_on(setting))
    asked: dict[str, Callable[[], Setting]] = {
        done: partial(variant, setting) for done, variant in variants(people).items()
    }
    asked |= {words: partial(_of_sex, people, study, sex) for sex, words in SEXES.items()}
    if not is_intake(study.exposure):
        asked = {done: pose for done, pose in asked.items() if done not in OF_RECALL}
    left = not_of_these(people[setting.domain.rows])
    if study.weights == "none":
        left |= dict.fromkeys(OF_WEIGHTS, "the study has no weights")
    return answers(QUESTION, base, asked, left=left)


def not_of_these(people: pd.DataFrame) -> dict[str, str]:
    """Rows that tell nothing of the people of a study, because these are all alike in something, with the reason."""
    left: dict[str, str] = {}
    sexes, cycles = people["sex"].unique(), people["cycle"].unique()
    if len(sexes) == 1:
        words = f"everybody in this study is {'a woman' if sexes[0] == 'female' else 'a man'}"
        left |= dict.fromkeys(("age by sex", *SEXES.values()), words)
    if len(cycles) == 1:
        left["cycle indicators"] = "everybody in this study is of one cycle"
    return left


def _of_sex(people: pd.DataFrame, study: Study, sex: str) -> Setting:
    return set_out(people, dataclasses.replace(study, where=all_of([study.where, f"sex == '{sex}'"])))


def variants(people: pd.DataFrame) -> dict[str, Callable[[Setting], Setting]]:
    """What is done to the people of a study, by its words."""
    day = people["recall_weekday"].to_numpy(dtype=float)
    female = (people["sex"] == "female").to_numpy(dtype=float)
    age = people["age_years"].to_numpy(dtype=float)
    usual, weight = people["recall_usual"].to_numpy(dtype=float), people["weight_kg"].to_numpy(dtype=float)
    weekend = np.isin(day, WEEKEND)
    return {
        "age as a spline of 4 knots": lambda one: one.without("age_years").beside_spline(age, "age"),
        "age in groups of 5 years": lambda one: _beside(one.without("age_years"), _age_groups(one, age), "age group"),
        "age by sex": lambda one: _beside(one, (age * female)[:, None], "age by sex"),
        "cycle indicators": lambda one: _beside(one, _indicators(people["cycle"].to_numpy(dtype=float)), "cycle"),
        "day of the week": lambda one: _beside(one, _indicators(day), "day of the week"),
        "body weight": lambda one: _beside(one.restricted(np.isfinite(weight)), weight[:, None], "body weight"),
        "2-year weights in every cycle": lambda one: one.weighted(_of_two_years(people, one)),
        "weights trimmed at P99": lambda one: one.weighted(_trimmed(one)),
        "recall day said to be usual (post hoc)": lambda one: one.restricted(usual == 1),
        "recall of Monday to Thursday": lambda one: one.restricted(~weekend & np.isfinite(day)),
        "recall of Friday to Sunday": lambda one: one.restricted(weekend),
    }


def _beside(setting: Setting, columns: Array, words: str) -> Setting:
    """With further columns beside the covariates, those left out that do not vary in these people."""
    columns = columns[:, np.ptp(np.nan_to_num(columns[setting.domain.rows]), axis=0) > 0]
    return setting.beside(columns, tuple(f"{words} {number}" for number in range(1, 1 + columns.shape[1])))


def _age_groups(setting: Setting, age: Array) -> Array:
    """Indicators of all groups but the first; top-coded ages are one group."""
    people = age[setting.cohort.rows.to_numpy()]
    edges = np.arange(people.min() + AGE_WIDTH, people.max() + 1, AGE_WIDTH)
    return _indicators(np.searchsorted(edges, age, side="right").astype(float))[:, : edges.size]


def _indicators(values: Array) -> Array:
    """(n, L - 1) indicators of every known value but the lowest."""
    levels = np.unique(values[np.isfinite(values)])[1:]
    return (values[:, None] == levels).astype(float)


def _of_two_years(people: pd.DataFrame, setting: Setting) -> Array:
    """(n,) 2-year weights of the study's kind, those of 1999-2002 too."""
    weights = people[f"weight_{setting.study.weights}_2yr"].fillna(0.0).to_numpy(dtype=float)
    return np.asarray(weights / people["cycle"].nunique())


def _trimmed(setting: Setting) -> Array:
    weights = setting.design.weights
    return np.minimum(weights, np.quantile(weights[setting.domain.rows], TRIMMED))
