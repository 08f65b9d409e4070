"""From associations to the frames that are written, drawn and quoted: one vocabulary, a ``model`` column in each."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.dose_response.adequacy import Adequacy, adequacy
from analysis.dose_response.association import Association, row_of_test
from analysis.dose_response.characteristics import exposure_distribution
from analysis.dose_response.quintiles import quintiles, trend_test
from analysis.errors import naming
from analysis.stats.arrays import Array, Frames
from analysis.stats.disclosure import FEWEST_PEOPLE, told
from analysis.stats.regression.confounding import EValue, e_value
from analysis.stats.regression.criteria import daic, dbic
from analysis.stats.regression.fit import LogisticFit
from analysis.study import CATEGORIES, PRIMARY

TABULATED = (60.0, *(float(x) for x in range(100, 701, 50)))
"""Intakes in mg/day that the primary exposure's curve is tabulated at, beside a fine grid."""

BARS = 32
"""About as many bars stand under a curve."""

REFERENCE_QUINTILES = (2, 1)
"""Quintile 2, as in the published analysis of phosphorus, and quintile 1."""

PREVALENCE_STEP = 4
"""Every fourth point of the fine grid is enough for a curve that is drawn half as large."""

_NICE = np.array([1.0, 2.0, 2.5, 5.0, 10.0])


def summarise(found: Sequence[Association], people: pd.DataFrame) -> Frames:
    """Frames of several models of one study.

    Parameters
    ----------
    found : associations that differ in their model only.
    people : what they were estimated on.

    Returns
    -------
    models (one row each), flow, fits, tests, odds_ratio_curve (fine grid and round intakes, the latter marked in
    ``tabulated``), prevalence (likewise, and at the reference), distribution (of the first one's cohort).
    """
    return {
        "flow": _by_model(found, lambda a: _told_flow(a.cohort.flow)),
        "models": pd.DataFrame([_model_row(a) | _criteria(a, found) for a in found]),
        "fits": _by_model(found, lambda a: a.fit.to_frame(conf_level=a.study.conf_level)),
        "tests": _by_model(found, Association.tests_frame),
        "odds_ratio_curve": _by_model(found, tabulated_curve),
        "prevalence": _by_model(found, tabulated_prevalence),
        "distribution": _distribution(found[0], people),
    }


def summarise_adequacy(estimates: Frames, found: Sequence[Association]) -> Frames:
    """Add to the frames of `summarise` how well each regression stands.

    Parameters
    ----------
    estimates : of these models.
    found : the same associations, in the same order.

    Returns
    -------
    models with condition_number and goodness_of_fit_p; fits with design_effect; tests with the rows ``trend``
    (`trend_test`) and ``goodness_of_fit`` (Archer and Lemeshow's F); and calibration, influence, collinearity, weights.
    """
    checked = []
    for association in found:
        with naming(f"model {association.study.model}, how well it fits"):
            checked.append(adequacy(association))
    tests = [_all_tests(association, one) for association, one in zip(found, checked, strict=True)]
    return estimates | {
        "models": estimates["models"].assign(
            condition_number=[one.collinearity.condition_number for one in checked],
            goodness_of_fit_p=[one.goodness_of_fit.p_value for one in checked],
        ),
        "fits": estimates["fits"].assign(design_effect=np.concatenate([one.design_effects.deff for one in checked])),
        "tests": _stacked(found, tests),
        "calibration": _stacked(found, [one.calibration.to_frame() for one in checked]),
        "influence": _stacked(found, [one.influence_frame() for one in checked]),
        "collinearity": _stacked(found, [one.collinearity_frame() for one in checked]),
        "weights": _stacked(found, [one.weights.to_frame() for one in checked]),
    }


def _all_tests(association: Association, checked: Adequacy) -> pd.DataFrame:
    """The curve's tests, then ``trend`` and ``goodness_of_fit``."""
    with naming(f"model {association.study.model}, trend over quintiles"):
        trend = trend_test(association)
    more = (("trend", "wald", trend), ("goodness_of_fit", "archer_lemeshow", checked.goodness_of_fit))
    rows = [row_of_test(*one) for one in more]
    return pd.concat([association.tests_frame(), pd.DataFrame(rows)], ignore_index=True)


def summarise_quintiles(found: Sequence[Association], people: pd.DataFrame) -> pd.DataFrame:
    """Quintile odds ratios of several models against each of `REFERENCE_QUINTILES`."""

    def both(association: Association) -> pd.DataFrame:
        study = association.study
        with naming(f"model {study.model}, quintiles"):
            return pd.concat([quintiles(people, study, reference_quintile=q) for q in REFERENCE_QUINTILES])

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
    """Standardised prevalence on a grid, at the reference and at round intakes, which are marked in ``tabulated``."""
    marks = round_intakes(association)
    points = np.unique(np.concatenate([association.grid()[::PREVALENCE_STEP], [association.reference], marks]))
    return association.prevalence(points).frame.assign(tabulated=np.isin(points, marks))


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
    """Intakes to tabulate: `TABULATED` for the primary exposure, else about a dozen from the 1st to 99th percentile.

    None of them lies where nobody of the cohort does.
    """
    if association.study.exposure == PRIMARY.exposure:
        eligible = association.problem.setting.eligible
        return np.array([x for x in TABULATED if eligible.min() <= x <= eligible.max()])
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
        "notes": list(association.notes),
        **_fit_numbers(fit),
        "knots": association.spline.knots.tolist(),
        "reference": association.reference,
        "unit": exposure_unit(study.exposure),
        "flow": records(_told_flow(association.cohort.flow)),
        "coefficients": records(fit.to_frame(conf_level=study.conf_level)),
        "tests": records(association.tests_frame()),
        "curve": records(curve.drop(columns="tabulated")),
        "nadir": {
            "x": nadir.x,
            "odds_ratio": float(np.exp(nadir.log_or)),
            "at_boundary": nadir.at_boundary,
            "sought_from": nadir.low,
            "sought_to": nadir.high,
        },
    }


def _fit_numbers(fit: LogisticFit) -> dict[str, object]:
    numbers = {name: getattr(fit, name) for name in ("n_psu", "n_strata", "design_df", "residual_df")}
    return {"n": told(fit.n), "cases": told(fit.cases)} | numbers


def named(frame: pd.DataFrame, association: Association) -> pd.DataFrame:
    """A table of one study that says in its columns which: exposure, where, model, study (its file name), notes."""
    study = association.study
    return frame.assign(
        exposure=study.exposure,
        where=study.where or "",
        model=study.model,
        study=study.slug,
        notes=" ".join(association.notes),
    )


def _told_flow(flow: pd.DataFrame) -> pd.DataFrame:
    """The flow without counts of few people."""
    counts = {name: flow[name].map(told, na_action="ignore").astype("Int64") for name in ("n", "cases")}
    return flow.assign(**counts)


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as plain Python values; a missing one is None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def _by_model(found: Sequence[Association], frame_of: Callable[[Association], pd.DataFrame]) -> pd.DataFrame:
    return _stacked(found, [frame_of(association) for association in found])


def _stacked(found: Sequence[Association], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of the models one below the other, named in a first column."""
    parts = [frame.assign(model=one.study.model) for one, frame in zip(found, frames, strict=True)]
    return pd.concat([part[["model", *part.columns.drop("model")]] for part in parts], ignore_index=True)


def _model_row(association: Association) -> dict[str, object]:
    study, fit, nadir = association.study, association.fit, association.nadir
    critical = association.band_critical_value()
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
        "age_max": np.nan if study.age_max is None else study.age_max,
        "where": study.where or "",
        "conf_level": study.conf_level,
        **_fit_numbers(fit),
        "reference": association.reference,
        "knots": " ".join(f"{knot:.10g}" for knot in association.spline.knots),
        "p05": nadir.low,
        "p95": nadir.high,
        "nadir": nadir.x,
        "nadir_log_or": nadir.log_or,
        "nadir_at_boundary": nadir.at_boundary,
        "critical_value": critical.value,
        "critical_value_mc_error": critical.error,
        **({"notes": " ".join(association.notes)} if association.notes else {}),
    }


def _criteria(association: Association, found: Sequence[Association]) -> dict[str, float]:
    """dAIC, and dBIC within the largest model on the same people; missing where no other model is on the same people.

    A criterion of other people is another scale: crude and model 1 can be compared, and models 2 and 3.
    """
    rows = association.problem.setting.domain.rows
    peers = [other.fit for other in found if np.array_equal(other.problem.setting.domain.rows, rows)]
    if len(peers) < 2:
        return {"d_aic": np.nan, "d_bic": np.nan}
    maximal = max(peers, key=lambda fit: len(fit.terms))
    return {"d_aic": daic(association.fit).value, "d_bic": dbic(association.fit, maximal=maximal).value}


def _kept_covariates(association: Association) -> list[str]:
    """Covariates with at least one term in the fit: sex is none of them in a study of women."""
    terms = association.fit.terms
    return [
        name
        for name in association.study.covariates
        if name in terms or any(f"{name}_{level}" in terms for level in CATEGORIES.get(name, ()))
    ]


def _distribution(association: Association, people: pd.DataFrame) -> pd.DataFrame:
    first, *_, last = association.grid()
    width = _nice_step((last - first) / BARS)
    edges = width * np.arange(np.floor(first / width), np.ceil(last / width) + 1)
    bars = exposure_distribution(people, association.study, edges=edges)
    return bars[bars["n"] >= FEWEST_PEOPLE].reset_index(drop=True)


def _nice_step(raw: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, whichever is nearest in ratio."""
    magnitude = 10.0 ** np.floor(np.log10(raw))
    return float(magnitude * _NICE[np.argmin(np.abs(np.log(_NICE * magnitude / raw)))])
