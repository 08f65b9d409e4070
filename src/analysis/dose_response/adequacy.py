"""Whether a study's regression can carry its curve: calibration, single PSUs, collinearity, weights."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.dose_response.association import Association
from analysis.dose_response.problem import Problem
from analysis.stats.arrays import Array, Integers
from analysis.stats.checks.calibration import Calibration, GoodnessOfFit, archer_lemeshow_test, calibration_by_group
from analysis.stats.checks.collinearity import Collinearity, measure_collinearity
from analysis.stats.checks.design_effects import (
    DesignEffects,
    WeightSummary,
    design_effects_of_coefficients,
    summarise_weights,
)
from analysis.stats.checks.influence import PsuInfluence, PsuTestInfluence, psu_influence, psu_influence_on_test
from analysis.stats.disclosure import Discreet, blanked
from analysis.study import CATEGORIES

INTAKE_QUANTILES = {"log_or_p10": 0.10, "log_or_p90": 0.90}
"""Quantiles of the cohort's exposure at which the curve is taken again without each PSU, by the name it then has."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Adequacy(Discreet):
    """How well the regression of one study stands.

    Attributes
    ----------
    calibration, goodness_of_fit : observed against predicted risk by tenth of it, and the test of their difference.
    intakes : exposure at each of `INTAKE_QUANTILES`.
    people : (n_psu,) people of the study in each PSU.
    influence : log odds ratio at ``intakes`` against the reference without each PSU.
    test_influence : Wald F of the non-linear terms without each PSU, its covariance kept.
    collinearity : of the design matrix; the spline is one group, and so are the levels of a category.
    weights : of the people fitted.
    design_effects : of the coefficients.
    """

    calibration: Calibration
    goodness_of_fit: GoodnessOfFit
    intakes: tuple[float, ...]
    people: Integers
    influence: PsuInfluence
    test_influence: PsuTestInfluence
    collinearity: Collinearity
    weights: WeightSummary
    design_effects: DesignEffects

    def influence_frame(self) -> pd.DataFrame:
        """A row a PSU left out and quantity: log_or_p10 and log_or_p90 at intake x, and nonlinear_p.

        Returns
        -------
        stratum, psu, n (people of the study in it), quantity, x, full (with everybody), estimate (without the PSU),
        change, dfbetas (change in standard errors of ``full``; empty for a p-value), converged. Of a PSU with fewer
        than `FEWEST_PEOPLE` people, numbers are left empty.
        """
        odds = self.influence.to_frame().rename(columns={"term": "quantity"})
        n_psu = self.people.size
        odds = odds.assign(x=np.tile(self.intakes, n_psu), full=np.tile(self.influence.full, n_psu))
        test, full_p = self.test_influence.to_frame(), self.test_influence.full.p_value
        p_values = test[["stratum", "psu", "converged"]].assign(
            quantity="nonlinear_p",
            x=np.nan,
            full=full_p,
            estimate=test["p_value"],
            change=test["p_value"] - full_p,
            dfbetas=np.nan,
        )
        frame = pd.concat([odds, p_values], ignore_index=True)
        frame["n"] = np.append(np.repeat(self.people, len(self.intakes)), self.people).astype(float)
        frame = blanked(frame, ("n", "estimate", "change", "dfbetas"))
        return frame[["stratum", "psu", "n", "quantity", "x", "full", "estimate", "change", "dfbetas", "converged"]]

    def collinearity_frame(self) -> pd.DataFrame:
        """The condition number, each condition index that warns, and the variance inflation of each group of columns.

        Returns
        -------
        measure (``condition`` or ``vif``), terms, columns, value (a condition index, or gvif^(1/columns)), gvif, and
        warning: a sentence, empty where nothing is amiss.
        """
        found = self.collinearity
        sentences = {(w.measure, w.value): (" + ".join(w.terms), w.sentence) for w in found.warnings}
        indexes = {value for measure, value in sentences if measure == "condition"} | {found.condition_number}
        rows: list[dict[str, object]] = []
        for index in sorted(indexes, reverse=True):
            terms, sentence = sentences.get(("condition", index), ("", ""))
            rows.append({"measure": "condition", "terms": terms, "value": index, "warning": sentence})
        of_group = {w.terms[0]: w.sentence for w in found.warnings if w.measure == "vif"}
        for row in found.to_frame().itertuples():
            rows.append({"measure": "vif", "terms": row.term, "columns": row.columns, "value": row.vif,
                         "gvif": row.gvif, "warning": of_group.get(str(row.term), "")})  # fmt: skip
        columns = ["measure", "terms", "columns", "value", "gvif", "warning"]
        return pd.DataFrame(rows, columns=columns).astype({"columns": "Int64"})


def adequacy(association: Association) -> Adequacy:
    """Check the regression of a study.

    Parameters
    ----------
    association : its answer.

    Returns
    -------
    Adequacy

    Raises
    ------
    DesignError : too few PSUs or people for ten groups of predicted risk or for a summary of the weights, a stratum
        with one PSU, or columns of which one is a sum of others.
    """
    problem, fit = association.problem, association.fit
    setting, X, y = problem.setting, problem.X, problem.y
    design, domain = setting.design, setting.domain
    intakes = np.quantile(setting.eligible, list(INTAKE_QUANTILES.values()))
    return Adequacy(
        calibration=calibration_by_group(fit, X, y, design=design, domain=domain, conf_level=setting.study.conf_level),
        goodness_of_fit=archer_lemeshow_test(fit, X, y, design=design, domain=domain),
        intakes=tuple(intakes.tolist()),
        people=np.bincount(design.psu_index[domain.rows], minlength=design.psu_stratum.size),
        influence=psu_influence(
            fit, X, y, design=design, domain=domain, contrasts=_log_odds_ratios(association, intakes)
        ),
        test_influence=psu_influence_on_test(
            fit, X, y, design=design, domain=domain, tested=problem.spline_terms[1:], covariance="fixed"
        ),
        collinearity=measure_collinearity(
            X, design=design, domain=domain, terms=problem.terms, groups=_column_groups(problem)
        ),
        weights=summarise_weights(design, rows=domain.rows),
        design_effects=design_effects_of_coefficients(fit, X, y, design=design, domain=domain),
    )


def _log_odds_ratios(association: Association, intakes: Array) -> dict[str, Array]:
    """Rows that turn all coefficients into the log odds ratio at each intake against the reference."""
    rows = np.zeros((intakes.size, len(association.fit.terms)))
    rows[:, association.spline_index] = association.problem.contrast(intakes)
    return dict(zip(INTAKE_QUANTILES, rows, strict=True))


def _column_groups(problem: Problem) -> dict[str, tuple[str, ...]]:
    """Columns that belong to one variable: the spline, and the levels of each category."""
    study, terms = problem.setting.study, problem.setting.adjustment_terms
    levels = {
        name: tuple(term for term in (f"{name}_{level}" for level in CATEGORIES[name]) if term in terms)
        for name in study.covariates
        if name in CATEGORIES
    }
    return {study.exposure: problem.spline_terms} | {name: columns for name, columns in levels.items() if columns}
