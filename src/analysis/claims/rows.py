"""Rows of odds ratios that several questions tell in one form: of a model's own terms, and of the exposure's curve.

Every row has the columns of `COLUMNS`; what does not apply is missing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.dose_response.association import row_of_test
from analysis.dose_response.fits import fit_problem
from analysis.dose_response.problem import Problem, Setting, pose, set_out
from analysis.stats.arrays import Array
from analysis.stats.disclosure import is_few
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import Contrasts, TermTest, contrast, wald_test
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import Domain, SurveyDesign
from analysis.study import Model, Study

COLUMNS = (
    "kind", "what", "group", "model", "term", "x", "estimate", "std_error", "odds_ratio", "conf_low", "conf_high",
    "statistic", "df_num", "df", "p_value", "n", "cases",
)  # fmt: skip
"""kind: odds_ratio (estimate is its logarithm, limits those of the ratio), curve (the same at exposure x against the
reference), test (statistic is an F on df_num and df), share (estimate is one), count (n is one)."""

TWO_MODELS: tuple[Model, ...] = ("1", "2")
"""Models that most questions are asked under."""

GRID = (100.0, 150.0, 200.0, 300.0, 400.0, 500.0)
"""Intakes, mg/day, at which a curve is told."""


@dataclass(frozen=True, slots=True)
class Label:
    """What rows are about: the question, the people or the variant, and the model in words."""

    what: str
    group: str
    model: str


def answer_table(rows: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows in the columns of `COLUMNS`, whole numbers as such; numbers of few people, and what rests on them, empty."""
    filled = [part.dropna(axis="columns", how="all") for part in rows]
    frame = pd.concat(filled, ignore_index=True).reindex(columns=list(COLUMNS))
    whole = ["df_num", "df", "n", "cases"]
    few = {name: frame[name].notna() & frame[name].fillna(0).map(is_few) for name in ("n", "cases")}
    numbers = [*COLUMNS[COLUMNS.index("estimate") :]]
    frame.loc[few["n"], numbers] = np.nan
    frame.loc[few["cases"], "cases"] = np.nan
    return frame.astype(dict.fromkeys(whole, "Int64"))


def model_terms(people: pd.DataFrame, study: Study) -> tuple[LogisticFit, Setting]:
    """The study's regression without its exposure: the outcome on the covariates alone.

    Parameters
    ----------
    people : all interviewed, harmonised; what a question derives is a further column.
    study : its cohort has the exposure known, though the model does not hold it.
    """
    setting = set_out(people, study)
    return fit_quickly(setting.regression(), setting.design), setting


def term_rows(people: pd.DataFrame, study: Study, tested: tuple[str, ...], label: Label) -> pd.DataFrame:
    """Odds ratios of some terms of `model_terms`, and their joint test where there are several.

    Parameters
    ----------
    people, study : as for `model_terms`.
    tested : harmonised columns among the study's covariates; a category stands for its levels.
    label : of the rows.

    Returns
    -------
    Frame with `COLUMNS`: kind odds_ratio, a row a term, and kind test.
    """
    fit, _ = model_terms(people, study)
    names = tuple(term for column in tested for term in _terms_of(fit, column))
    rows = odds_rows(contrast(fit, np.eye(len(names)), terms=names, labels=names), fit, study, label)
    if len(names) > 1:
        rows = pd.concat([rows, test_row(wald_test(fit, names), fit, label, term="all")], ignore_index=True)
    return rows


def _terms_of(fit: LogisticFit, column: str) -> list[str]:
    return [column] if column in fit.terms else [term for term in fit.terms if term.startswith(f"{column}_")]


def odds_rows(found: Contrasts, fit: LogisticFit, study: Study, label: Label) -> pd.DataFrame:
    """Contrasts of log odds as rows of kind odds_ratio."""
    ratios = found.to_frame(conf_level=study.conf_level, exponentiate=True)
    return _labelled(ratios.rename(columns={"estimate": "odds_ratio"}).assign(kind="odds_ratio"), label).assign(
        estimate=found.estimate, n=fit.n, cases=fit.cases
    )


def test_row(test: TermTest, fit: LogisticFit, label: Label, *, term: str) -> pd.DataFrame:
    """A Wald F test as a row of kind test."""
    row = pd.DataFrame([row_of_test(term, test.method, test)]).rename(columns={"test": "term", "df_den": "df"})
    return _labelled(row.drop(columns="method").assign(kind="test", n=fit.n, cases=fit.cases), label)


def curve_rows(people: pd.DataFrame, study: Study, label: Label) -> pd.DataFrame:
    """The study's curve at `GRID` against its reference, with its overall and non-linear test.

    Returns
    -------
    Frame with `COLUMNS`: kind curve, a row an intake, and kind test, terms overall and nonlinear.
    """
    problem = pose(people, study)
    fit = fit_problem(problem)
    tested = {"overall": problem.spline_terms, "nonlinear": problem.spline_terms[1:]}
    tests = [test_row(wald_test(fit, terms), fit, label, term=name) for name, terms in tested.items()]
    odds = spline_rows(problem, fit, label, terms=problem.spline_terms)
    return pd.concat([odds, *tests], ignore_index=True)


def spline_rows(problem: Problem, fit: LogisticFit, label: Label, *, terms: tuple[str, ...]) -> pd.DataFrame:
    """A curve at each intake of `GRID` as rows of kind curve; terms are those of the spline, then of what is added."""
    labels = tuple(f"{x:g} against {problem.reference:g}" for x in GRID)
    columns = np.tile(problem.contrast(np.array(GRID)), len(terms) // len(problem.spline_terms))
    found = contrast(fit, columns, terms=terms, labels=labels)
    return odds_rows(found, fit, problem.setting.study, label).assign(kind="curve", x=GRID)


def count_row(n: int, label: Label, *, term: str) -> pd.DataFrame:
    """A number of people as a row of kind count."""
    return _labelled(pd.DataFrame([{"kind": "count", "term": term, "n": n}]), label)


def share_row(y: Array, design: SurveyDesign, domain: Domain, label: Label, *, term: str) -> pd.DataFrame:
    """Weighted mean of a number, or share of a 0/1 column, with its t interval, as a row of kind share."""
    found = weighted_mean(np.asarray(y, dtype=float), design=design, domain=domain)
    numbers = {name: getattr(found, name) for name in ("estimate", "std_error", "conf_low", "conf_high", "df")}
    return _labelled(pd.DataFrame([{"kind": "share", "term": term, **numbers, "n": found.n}]), label)


def _labelled(rows: pd.DataFrame, label: Label) -> pd.DataFrame:
    return rows.assign(what=label.what, group=label.group, model=label.model)
