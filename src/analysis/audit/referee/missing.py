"""Missing, unassessed, selected: covariates imputed, people weighted for, outcomes bounded, and a fifth outcome rule.

The weights for selection start from those of the examination or of the interview, of the cycles in which the study has
people. They do not balance the days of the week as the dietary weights do, so that the curve moves for that reason as
well. The people to stand for are those whom the study asks for: of its cycles and ages, and of its condition. Nobody
stands for people who are not known to fulfil that, as where it asks for a laboratory value.
"""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW, RefereeRow, answers, curve_on, row_of
from analysis.data.people.cohort import asked_for
from analysis.data.people.conditions import select_rows
from analysis.data.people.vocabulary import exposure_label, is_intake
from analysis.data.people.weights import pooled_weight
from analysis.dose_response.energy import ENERGY
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import COVARIATE_KNOTS, Problem, Setting, pose, set_out
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.missing.imputation import Pooled, combine, impute
from analysis.stats.missing.selection import inverse_probability_weights
from analysis.stats.shape.verdict import verdict
from analysis.study import CATEGORIES, PRIMARY, Model, Study

QUESTION = "missing"
IMPUTATIONS = 20
FULL: Model = "2"
"""The model whose covariates some people lack."""

DEPENDENT = 1e-9
"""Part of a column's length beyond those before it, up to which it says nothing that they do not."""

Among = Literal["examined", "interviewed"]


# ---- covariates
def covariates_missing(
    people: pd.DataFrame, *, study: Study = PRIMARY, imputations: int = IMPUTATIONS, seed: int = 1
) -> dict[str, pd.DataFrame]:
    """Complete cases, a missing indicator, and multiple imputation of the model's covariates: see `answers`.

    Imputed: the curve's tests are those of the pooled coefficients on the design's residual df; the non-linear p is
    that of Li, Raghunathan and Rubin; two lines have the median p of the completed samples. The Monte Carlo error is
    that of the non-linear p: the jackknife's over the imputations, sqrt((m - 1) var p), p without each in turn.
    """
    base, full = row_of(QUESTION, PRIMARY_ROW, curve_on(set_out(people, study))), dataclasses.replace(study, model=FULL)
    asked: dict[str, Callable[[], Setting | RefereeRow]] = {
        f"model {FULL}, complete cases": partial(set_out, people, full),
        f"model {FULL}, missing indicators": partial(_indicated, people, full),
        f"model {FULL}, {imputations} imputations": partial(_imputed_row, people, full, imputations, seed),
    }
    return answers(QUESTION, base, asked)


def _lacked(people: pd.DataFrame, study: Study) -> list[str]:
    rows = _represented(set_out(people, study))
    return [name for name in study.covariates if people.loc[rows, name].isna().any()]


def _represented(setting: Setting) -> Bools:
    """(n,) people of the cohort who stand for somebody: weight 0 has whoever has no recall, where none is asked for."""
    return (setting.cohort.rows & (setting.cohort.weights > 0)).to_numpy()


def _indicated(people: pd.DataFrame, study: Study) -> Setting:
    """People with an indicator for each covariate that they lack, the covariate itself at its reference or mean."""
    names = _lacked(people, study)
    filled = people.copy()
    for name in names:
        value = CATEGORIES[name][0] if name in CATEGORIES else float(people[name].mean())
        filled[name] = people[name].fillna(value)
    setting = set_out(filled, study)
    columns = people[names].isna().to_numpy(dtype=float)
    # Somebody outside the domain may be the only one who lacks it: then the column is zero inside.
    kept = columns[setting.domain.rows].any(axis=0)
    return setting.beside(columns[:, kept], tuple(f"{names[place]}_missing" for place in np.flatnonzero(kept)))


def completed_frames(people: pd.DataFrame, study: Study, *, imputations: int, seed: int) -> Iterator[pd.DataFrame]:
    """Participants with the study's covariates completed, m times; only people of its cohort are touched.

    Predictors are the spline, the outcome, energy, the design and the logarithm of the weight, of people who have one.
    Where some have no recalled energy, as in a study of no nutrient under examination weights, it is completed as well.
    """
    setting = set_out(people, study)
    rows, names = _represented(setting), _lacked(people, study)
    represented = people[rows]
    energy = represented[[ENERGY]].to_numpy(dtype=float)
    known_energy = bool(np.isfinite(energy).all())
    spline = RestrictedCubicSpline(place_knots(setting.eligible, study.knots))
    strata = pd.get_dummies(represented["strata"], dtype=float).to_numpy()[:, 1:]
    known = dataclasses.replace(study, model="1", extra_covariates=())
    predictors = np.hstack([
        set_out(people, known).adjustment[rows], spline.basis(setting.exposure[rows]), setting.y[rows, None],
        *([energy] if known_energy else []), represented[["psu"]].to_numpy(dtype=float),
        np.log(setting.cohort.weights[rows].to_numpy())[:, None], strata,
    ])  # fmt: skip
    variables = [_columns(represented[name]) for name in names]
    if not known_energy and ENERGY not in names:
        variables.append(energy)
    for values in impute(variables, predictors, imputations=imputations, seed=seed):
        done = people.copy()
        for name, value in zip(names, values[: len(names)], strict=True):
            done.loc[rows, name] = _values(value, people[name])
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


def _imputed_row(people: pd.DataFrame, study: Study, imputations: int, seed: int) -> RefereeRow:
    curves = []
    for done in completed_frames(people, study, imputations=imputations, seed=seed):
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
def people_missing(people: pd.DataFrame, *, study: Study = PRIMARY) -> dict[str, pd.DataFrame]:
    """Weights for being assessed and having a recall, bounds for the unassessed, and the fifth rule: see `answers`.

    What is no intake is known without a recall: then the weights are for being assessed and having it known.
    """
    setting = set_out(people, study)
    known = "a recall" if is_intake(study.exposure) else f"{exposure_label(study.exposure)} known"
    asked: dict[str, Callable[[], Setting | RefereeRow]] = {
        f"weighted for being assessed with {known}, among the {among}": partial(weighted_for, people, setting, among)
        for among in get_args(Among)
    }
    for done, value in (("all unassessed as cases", 1.0), ("all unassessed as free", 0.0)):
        asked[done] = partial(_bounded, people, study, value)
    if study.disease == "neuropathy":
        tested = dataclasses.replace(study, outcome="any_tested")
        asked["outcome rule any_tested"] = partial(set_out, people, tested)
    return answers(QUESTION, row_of(QUESTION, PRIMARY_ROW, curve_on(setting)), asked)


def weighted_for(people: pd.DataFrame, setting: Setting, among: Among) -> Setting:
    """The people of a setting weighted for all among whom they were looked for: of its cycles, ages and condition.

    Parameters
    ----------
    people : harmonised participants.
    setting : of the study, on the same participants.
    among : the examined, by examination weights, or the interviewed, by theirs.

    Raises
    ------
    DesignError, SplineError : everybody was assessed, or who was is known without error; ages too few for their spline.
    """
    study, cycles = setting.study, setting.cohort.cycles
    kept = _represented(setting)
    of_study = asked_for(people, dataclasses.replace(study, cycles=cycles)).to_numpy()
    if study.where is not None:
        of_study = of_study & np.asarray(select_rows(people, study.where), dtype=bool)
    among_examined = among == "examined"
    looked_for = of_study & people["examined"].to_numpy() if among_examined else of_study
    weights = pooled_weight(people, weights="mec" if among_examined else "interview", cycles=cycles).to_numpy()
    knots = place_knots(people.loc[of_study, "age_years"].to_numpy(dtype=float), COVARIATE_KNOTS)
    return _reweighted(setting, kept, looked_for, weights, _known_of_everybody(people[looked_for], knots))


def _reweighted(setting: Setting, kept: Bools, among: Bools, weights: Array, columns: Array) -> Setting:
    new = np.zeros(len(among))
    new[among] = inverse_probability_weights(kept[among], columns, weights=weights[among])
    return setting.weighted(new)


def _known_of_everybody(people: pd.DataFrame, knots: Array) -> Array:
    """Intercept, age as a spline, sex, race, cycle, education (unknown to its reference), income and its gaps.

    What says nothing of these people is no column: the sex of a study of women, a bend of three years of age.
    """
    age = people["age_years"].to_numpy(dtype=float)
    columns = [RestrictedCubicSpline(knots).basis(age), (people["sex"] == "female").to_numpy(dtype=float)[:, None]]
    columns += [_levels_present(people[name]) for name in ("race_ethnicity", "cycle", "education")]
    income = people["pir"].fillna(0.0).to_numpy(dtype=float)[:, None]
    columns += [income, people["pir"].isna().to_numpy(dtype=float)[:, None]]
    known = np.hstack([np.ones((len(people), 1)), *columns])
    length = np.linalg.norm(known, axis=0)
    # Without pivoting the j-th diagonal element is near zero where column j is a sum of those before it.
    left = np.abs(np.diag(np.linalg.qr(known / np.where(length > 0, length, 1.0), mode="r")))
    return np.asarray(known[:, left > DEPENDENT])


def _levels_present(values: pd.Series) -> Array:
    """Indicators of the levels that somebody has, but the first of them."""
    indicators = pd.get_dummies(values, dtype=float).to_numpy()
    return indicators[:, indicators.any(axis=0)][:, 1:]


def _bounded(people: pd.DataFrame, study: Study, value: float) -> Setting:
    """The study with everybody examined whose outcome is unknown counted as this outcome."""
    column = study.outcome_column
    return set_out(people.assign(**{column: people[column].where(people[column].notna(), value)}), study)
