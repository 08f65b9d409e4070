"""Missing, unassessed, selected: covariates imputed, people weighted for, outcomes bounded, and a fifth outcome rule.

The weights for selection start from those of the examination or of the interview. They do not balance the days of the
week as the dietary weights do, so that the curve moves for that reason as well.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.audit.referee.table import RefereeRow, complete, curve_on, row_of
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Problem, Setting, pose, set_out
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.missing.imputation import Pooled, combine, impute
from analysis.stats.missing.selection import inverse_probability_weights
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.stats.shape.verdict import verdict
from analysis.study import CATEGORIES, PRIMARY, Model, Study

QUESTION = "missing"
IMPUTATIONS = 20
FULL: Model = "2"
"""The model whose covariates some people lack."""

AGE_KNOTS = 4


# ---- covariates
def covariates_missing(
    frame: pd.DataFrame, *, study: Study = PRIMARY, imputations: int = IMPUTATIONS, seed: int = 1
) -> pd.DataFrame:
    """Complete cases, a missing indicator, and multiple imputation of the model's covariates, as rows.

    Imputed: the curve's tests are those of the pooled coefficients on the design's residual df; the non-linear p is
    that of Li, Raghunathan and Rubin; two lines have the median p of the completed samples. The Monte Carlo error is
    that of the non-linear p: the jackknife's over the imputations, sqrt((m - 1) var p), p without each in turn.
    """
    base, full = row_of(QUESTION, "primary", curve_on(set_out(frame, study))), dataclasses.replace(study, model=FULL)
    rows = [
        base,
        row_of(QUESTION, f"model {FULL}, complete cases", curve_on(set_out(frame, full))),
        row_of(QUESTION, f"model {FULL}, missing indicators", curve_on(_indicated(frame, full))),
        _imputed_row(frame, full, imputations, seed),
    ]
    return complete(rows, base)


def _lacked(frame: pd.DataFrame, study: Study) -> list[str]:
    rows = set_out(frame, study).cohort.rows
    return [name for name in study.covariates if frame.loc[rows, name].isna().any()]


def _indicated(frame: pd.DataFrame, study: Study) -> Setting:
    """People with an indicator for each covariate that they lack, the covariate itself at its reference or mean."""
    names = _lacked(frame, study)
    filled = frame.copy()
    for name in names:
        value = CATEGORIES[name][0] if name in CATEGORIES else float(frame[name].mean())
        filled[name] = frame[name].fillna(value)
    setting = set_out(filled, study)
    columns = frame[names].isna().to_numpy(dtype=float)
    rows = setting.domain.rows
    # Somebody outside the domain may be the only one who lacks it: then the column is zero inside.
    kept = [place for place in range(len(names)) if columns[rows, place].sum() > 0]
    return dataclasses.replace(
        setting,
        adjustment=np.hstack([setting.adjustment, columns[:, kept]]),
        adjustment_terms=(*setting.adjustment_terms, *(f"{names[place]}_missing" for place in kept)),
    )


def completed_frames(frame: pd.DataFrame, study: Study, *, imputations: int, seed: int) -> Iterator[pd.DataFrame]:
    """Participants with the study's covariates completed, m times; only people of its cohort are touched."""
    setting = set_out(frame, study)
    rows, names = setting.cohort.rows.to_numpy(), _lacked(frame, study)
    people = frame[rows]
    spline = RestrictedCubicSpline(place_knots(setting.eligible, study.knots))
    strata = pd.get_dummies(people["strata"], dtype=float).to_numpy()[:, 1:]
    known = dataclasses.replace(study, model="1", extra_covariates=())
    predictors = np.hstack([
        set_out(frame, known).adjustment[rows], spline.basis(setting.eligible), setting.y[rows, None],
        people[["energy_kcal", "psu"]].to_numpy(dtype=float), np.log(setting.cohort.weights[rows].to_numpy())[:, None],
        strata,
    ])  # fmt: skip
    variables = [_columns(people[name]) for name in names]
    for values in impute(variables, predictors, imputations=imputations, seed=seed):
        done = frame.copy()
        for name, value in zip(names, values, strict=True):
            done.loc[rows, name] = _values(value, frame[name])
        yield done


def _columns(values: pd.Series) -> Array:
    if values.name not in CATEGORIES:
        return values.to_numpy(dtype=float)[:, None]
    levels = CATEGORIES[str(values.name)][1:]
    columns = np.column_stack([(values == level).to_numpy(dtype=float) for level in levels])
    columns[values.isna()] = np.nan
    return columns


def _values(columns: Array, like: pd.Series) -> Array | pd.Categorical:
    if like.name not in CATEGORIES:
        return columns[:, 0]
    levels = CATEGORIES[str(like.name)]
    code = np.where(columns.any(axis=1), 1 + columns.argmax(axis=1), 0)
    return pd.Categorical.from_codes(code, dtype=like.dtype, validate=True) if len(levels) else like


def _imputed_row(frame: pd.DataFrame, study: Study, imputations: int, seed: int) -> RefereeRow:
    curves = []
    for done in completed_frames(frame, study, imputations=imputations, seed=seed):
        problem: Problem = pose(done, study)
        curves.append(curve_of(problem, fit_problem(problem)))
    betas, vcovs = np.array([one.fit.beta for one in curves]), np.array([one.fit.vcov for one in curves])
    first = curves[0]
    pooled = combine(betas, vcovs, complete_df=first.fit.residual_df)
    fit = dataclasses.replace(first.fit, beta=pooled.estimate, vcov=pooled.vcov)
    row = row_of(QUESTION, f"model {study.model}, {imputations} imputations", dataclasses.replace(first, fit=fit))
    bent = first.index[1:]
    p = _nonlinear(pooled, bent)
    lines = float(np.median([one.lines().p_value for one in curves]))
    without = np.array([
        _nonlinear(combine(np.delete(betas, m, 0), np.delete(vcovs, m, 0), complete_df=fit.residual_df), bent)
        for m in range(imputations)
    ])  # fmt: skip
    error = float(np.sqrt((imputations - 1) * np.var(without)))
    return row | {
        "nonlinear_p": p, "two_lines_p": lines,
        "verdict": verdict(nonlinear_p=p, end_slopes_p=row["end_slopes_p"], two_lines_p=lines,
                           interior=row["interior"]),
        "draws": imputations, "mc_error_of": "nonlinear_p", "mc_error": error,
    }  # fmt: skip


def _nonlinear(pooled: Pooled, index: Integers) -> float:
    return pooled.test(index)[2]


# ---- people
def people_missing(frame: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """Weights for being assessed and having a recall, bounds for the unassessed, and the fifth rule, as rows."""
    setting = set_out(frame, study)
    base = row_of(QUESTION, "primary", curve_on(setting))
    eligible = (frame["age_years"] >= study.age_min).to_numpy()
    examined = eligible & frame["examined"].to_numpy()
    mec = frame["weight_mec"].to_numpy(dtype=float)
    interview = frame["weight_interview"].to_numpy(dtype=float)
    rows: list[RefereeRow] = [base]
    for done, among, weights in (
        ("weighted for being assessed with a recall, among the examined", examined, mec),
        ("weighted for being assessed with a recall, among the interviewed", eligible, interview),
    ):
        rows.append(row_of(QUESTION, done, curve_on(_selected(frame, setting, among, weights))))
    for done, value in (("all unassessed as cases", 1.0), ("all unassessed as free", 0.0)):
        rows.append(row_of(QUESTION, done, curve_on(_bounded(frame, study, value))))
    if study.disease == "neuropathy":
        tested = dataclasses.replace(study, outcome="any_tested")
        rows.append(row_of(QUESTION, "outcome rule any_tested", curve_on(set_out(frame, tested))))
    return complete(rows, base)


def _selected(frame: pd.DataFrame, setting: Setting, among: Bools, weights: Array) -> Setting:
    """The people of a setting weighted for all among whom they were looked for."""
    kept = setting.cohort.rows.to_numpy()
    columns = _known_of_everybody(frame, setting.study)[among]
    new = np.zeros(len(frame))
    new[among] = inverse_probability_weights(kept[among], columns, weights=weights[among])
    design = SurveyDesign(setting.design.strata, setting.design.psu, new, lonely_domain=setting.study.lonely_domain)
    cohort = dataclasses.replace(setting.cohort, weights=pd.Series(new, index=frame.index))
    domain = domain_of(design, cohort.complete.to_numpy())
    return dataclasses.replace(setting, cohort=cohort, design=design, domain=domain)


def _known_of_everybody(frame: pd.DataFrame, study: Study) -> Array:
    """Intercept, age as a spline, sex, race, cycle, education (unknown to its reference), income and its gaps."""
    age = frame["age_years"].to_numpy(dtype=float)
    spline = RestrictedCubicSpline(place_knots(age[age >= study.age_min], AGE_KNOTS)).basis(age)
    columns = [np.ones((len(frame), 1)), spline]
    columns += [(frame["sex"] == "female").to_numpy(dtype=float)[:, None]]
    columns += [pd.get_dummies(frame[name], dtype=float).to_numpy()[:, 1:] for name in ("race_ethnicity", "cycle")]
    education = pd.get_dummies(frame["education"], dtype=float).to_numpy()[:, 1:]
    income = frame["pir"].fillna(0.0).to_numpy(dtype=float)[:, None]
    columns += [education, income, frame["pir"].isna().to_numpy(dtype=float)[:, None]]
    return np.hstack(columns)


def _bounded(frame: pd.DataFrame, study: Study, value: float) -> Setting:
    """The study with everybody examined whose outcome is unknown counted as this outcome."""
    column = study.outcome_column
    return set_out(frame.assign(**{column: frame[column].where(frame[column].notna(), value)}), study)
