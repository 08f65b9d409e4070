"""From associations to the frames that are written, drawn and quoted: one vocabulary, a ``model`` column in each."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from analysis.associations import Association, exposure_distribution, quintiles
from analysis.data.vocabulary import exposure_label, exposure_unit
from analysis.stats.confounding import EValue, e_value
from analysis.stats.splines import Array
from analysis.study import CATEGORIES, PRIMARY

Estimates = dict[str, pd.DataFrame]

TABULATED = (60.0, *(float(x) for x in range(100, 701, 50)))
"""Intakes in mg/day that the primary exposure's curve is tabulated at, beside a fine grid."""

BARS = 32
"""About as many bars stand under a curve."""

FEWEST_PEOPLE = 10
"""A bar of fewer people would tell of single ones and is left out."""

REFERENCE_QUINTILES = (2, 1)
"""Quintile 2, as in the published analysis of phosphorus, and quintile 1."""

PREVALENCE_STEP = 4
"""Every fourth point of the fine grid is enough for a curve that is drawn half as large."""

_NICE = np.array([1.0, 2.0, 2.5, 5.0, 10.0])


def summarise(found: Sequence[Association], participants: pd.DataFrame) -> Estimates:
    """Frames of several models of one study.

    Parameters
    ----------
    found : associations that differ in their model only.
    participants : what they were estimated on.

    Returns
    -------
    models (one row each), flow, fits, tests, odds_ratio_curve (fine grid and round intakes, the latter marked in
    ``tabulated``), prevalence (likewise), distribution (of the first one's cohort).
    """
    return {
        "flow": _by_model(found, lambda a: a.cohort.flow),
        "models": pd.DataFrame([_model_row(a) for a in found]),
        "fits": _by_model(found, lambda a: a.fit.to_frame(conf_level=a.study.conf_level)),
        "tests": _by_model(found, Association.tests_frame),
        "odds_ratio_curve": _by_model(found, tabulated_curve),
        "prevalence": _by_model(found, tabulated_prevalence),
        "distribution": _distribution(found[0], participants),
    }


def summarise_quintiles(found: Sequence[Association], participants: pd.DataFrame) -> pd.DataFrame:
    """Quintile odds ratios of several models against each of `REFERENCE_QUINTILES`."""

    def both(association: Association) -> pd.DataFrame:
        study = association.study
        return pd.concat([quintiles(participants, study, reference_quintile=q) for q in REFERENCE_QUINTILES])

    return _by_model(found, both)


def tabulated_curve(association: Association, *, at: Sequence[float] = ()) -> pd.DataFrame:
    """Odds ratios on a fine grid and at round intakes: the columns of `OddsRatioCurve.frame` and ``tabulated``.

    ``at`` names the intakes that are wanted, and no others. Tabulated intakes have E-values beside them.
    """
    if at:
        return _with_e_values(association.curve(at).frame.assign(tabulated=True))
    marks = round_intakes(association)
    points = np.unique(np.concatenate([association.grid(), marks]))
    return _with_e_values(association.curve(points).frame.assign(tabulated=np.isin(points, marks)))


def tabulated_prevalence(association: Association) -> pd.DataFrame:
    """Standardised prevalence on a grid and at round intakes: `Association.prevalence` and ``tabulated``."""
    marks = round_intakes(association)
    points = np.unique(np.concatenate([association.grid()[::PREVALENCE_STEP], marks]))
    return association.prevalence(points).assign(tabulated=np.isin(points, marks))


def _with_e_values(curve: pd.DataFrame) -> pd.DataFrame:
    """E-values at tabulated intakes; neuropathy is too common for an odds ratio to be a risk ratio."""
    values = [
        e_value(row.odds_ratio, conf_low=row.conf_low, conf_high=row.conf_high, measure="common_odds_ratio")
        if row.tabulated
        else EValue(np.nan, np.nan)
        for row in curve.itertuples()
    ]
    return curve.assign(e_value=[value.point for value in values], e_value_limit=[value.limit for value in values])


def round_intakes(association: Association) -> Array:
    """Intakes to tabulate: `TABULATED` for the primary exposure, else about a dozen from the 1st to 99th percentile."""
    if association.study.exposure == PRIMARY.exposure:
        return np.array(TABULATED)
    grid = association.grid()
    step = _nice_step((grid[-1] - grid[0]) / 12)
    return step * np.arange(np.ceil(grid[0] / step), np.floor(grid[-1] / step) + 1)


def association_dict(association: Association, *, data: str, at: Sequence[float] = ()) -> dict[str, object]:
    """One study's results, ready for JSON."""
    study, fit, nadir = association.study, association.fit, association.nadir
    curve = tabulated_curve(association, at=at)
    return {
        "data": data,
        "study": dataclasses.asdict(study),
        "covariates": _kept_covariates(association),
        "dropped_terms": list(association.dropped),
        "n": fit.n,
        "cases": fit.cases,
        "n_psu": fit.n_psu,
        "n_strata": fit.n_strata,
        "design_df": fit.design_df,
        "residual_df": fit.residual_df,
        "knots": association.spline.knots.tolist(),
        "reference": association.reference,
        "unit": exposure_unit(study.exposure),
        "flow": _records(association.cohort.flow),
        "coefficients": _records(fit.to_frame(conf_level=study.conf_level)),
        "tests": _records(association.tests_frame()),
        "curve": _records(curve.drop(columns="tabulated")),
        "nadir": {**dataclasses.asdict(nadir), "odds_ratio": float(np.exp(nadir.log_or))},
    }


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as plain Python values; a missing one is None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def _by_model(found: Sequence[Association], frame_of: Callable[[Association], pd.DataFrame]) -> pd.DataFrame:
    parts = [frame_of(association).assign(model=association.study.model) for association in found]
    return pd.concat([part[["model", *part.columns.drop("model")]] for part in parts], ignore_index=True)


def _model_row(association: Association) -> dict[str, object]:
    study, fit, nadir = association.study, association.fit, association.nadir
    return {
        "model": study.model,
        "covariates": " ".join(_kept_covariates(association)),
        "exposure": study.exposure,
        "exposure_label": exposure_label(study.exposure),
        "unit": exposure_unit(study.exposure),
        "outcome": study.outcome,
        "weights": study.weights,
        "cycles": " ".join(map(str, study.cycles)),
        "age_min": study.age_min,
        "where": study.where or "",
        "conf_level": study.conf_level,
        "n": fit.n,
        "cases": fit.cases,
        "n_psu": fit.n_psu,
        "n_strata": fit.n_strata,
        "design_df": fit.design_df,
        "residual_df": fit.residual_df,
        "reference": association.reference,
        "knots": " ".join(f"{knot:.10g}" for knot in association.spline.knots),
        "p05": nadir.low,
        "p95": nadir.high,
        "nadir": nadir.x,
        "nadir_log_or": nadir.log_or,
        "nadir_at_boundary": nadir.at_boundary,
    }


def _kept_covariates(association: Association) -> list[str]:
    """Covariates with at least one term in the fit: sex is none of them in a study of women."""
    terms = association.fit.terms
    return [
        name
        for name in association.study.covariates
        if name in terms or any(f"{name}_{level}" in terms for level in CATEGORIES.get(name, ()))
    ]


def _distribution(association: Association, participants: pd.DataFrame) -> pd.DataFrame:
    first, *_, last = association.grid()
    width = _nice_step((last - first) / BARS)
    edges = width * np.arange(np.floor(first / width), np.ceil(last / width) + 1)
    bars = exposure_distribution(participants, association.study, edges=edges)
    return bars[bars["n"] >= FEWEST_PEOPLE].reset_index(drop=True)


def _nice_step(raw: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, whichever is nearest in ratio."""
    magnitude = 10.0 ** np.floor(np.log10(raw))
    return float(magnitude * _NICE[np.argmin(np.abs(np.log(_NICE * magnitude / raw)))])
