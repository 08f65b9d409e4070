"""One study's answer as text for a terminal."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import pandas as pd

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.dose_response.association import Association
from analysis.report.words.numbers import format_intake, format_odds_ratio, format_range
from analysis.report.words.shape import describe_shape
from analysis.report.words.study import WEIGHT_WORDS, describe_tests
from analysis.stats.disclosure import count_of

WIDTH = 110
"""Letters in a line of a sentence on a terminal."""


def format_association(
    association: Association, *, shape: Mapping[str, Any], points: Sequence[float], source: str
) -> str:
    """Everything one study found, as text for a terminal.

    ``shape`` is as `analysis.dose_response.shape.shape_dict`, or a reason.
    """
    study, fit, unit = association.study, association.fit, exposure_unit(association.study.exposure)
    nadir, knots = association.nadir, ", ".join(map(format_intake, association.spline.knots))
    where = f", where {study.where}" if study.where else ""
    extra = f" + {' + '.join(study.extra_covariates)}" if study.extra_covariates else ""
    left_out = f"\nleft out, no variation here: {', '.join(association.dropped)}" if association.dropped else ""
    left_out += "".join(f"\n{note}" for note in association.notes)
    flow = "\n".join(f"  {count_of(row.n):>8}  {row.step}" for row in association.cohort.flow.itertuples())
    return (
        f"{exposure_label(study.exposure)} ({unit}) and peripheral {study.disease} ({study.outcome}), "
        f"model {study.model}{extra}\n"
        f"{source}; cycles {', '.join(map(str, study.cycles))}; {WEIGHT_WORDS[study.weights]}{where}{left_out}\n\n"
        f"{flow}\n\n"
        f"n = {count_of(fit.n)}, cases = {count_of(fit.cases)}; {fit.n_psu} PSUs in {fit.n_strata} strata; "
        f"design df {fit.design_df}, residual df {fit.residual_df}\n"
        f"knots {knots}; reference {format_intake(association.reference)} {unit}\n\n"
        f"odds ratio ({100 * study.conf_level:g} % interval) at {unit}; * beyond the 5th to 95th percentile of intake\n"
        f"{_curve_rows(association, points)}\n\n"
        f"{describe_tests(association.tests_frame())}\n"
        f"Lowest point {format_intake(nadir.x)} {unit}"
        f"{', the end of the range: no interior low point' * nadir.at_boundary} "
        f"(sought from the 5th to the 95th percentile of intake, {format_range(nadir.low, nadir.high)}).\n"
        f"{fill(_shape_or_reason(shape, unit), WIDTH, break_on_hyphens=False)}\n\n"
        f"{_coefficient_table(association)}"
    )


def _shape_or_reason(shape: Mapping[str, Any], unit: str) -> str:
    if shape["verdict"] is None:
        return f"The shape cannot be told: {shape['reason']}"
    return describe_shape(pd.Series(shape), unit=unit)


def _curve_rows(association: Association, points: Sequence[float]) -> str:
    nadir = association.nadir
    return "\n".join(
        f"  {row['x']:>8g} {' ' if nadir.low <= row['x'] <= nadir.high else '*'}  {format_odds_ratio(row)}"
        for _, row in association.curve(points).frame.iterrows()
    )


def _coefficient_table(association: Association) -> str:
    frame = association.fit.to_frame(conf_level=association.study.conf_level)
    shown = frame[["term", "estimate", "std_error", "statistic", "p_value"]]
    return shown.to_string(index=False, float_format=lambda value: f"{value:.4g}")
