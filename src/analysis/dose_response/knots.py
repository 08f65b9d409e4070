"""How the curve's shape depends on the number and place of knots, and on another form."""

import dataclasses
from typing import get_args

import joblib
import pandas as pd
from tqdm import tqdm

from analysis.dose_response.association import Association, contrast_frame
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Problem, pose_setting
from analysis.dose_response.shape import SEED, nadir_draws_row
from analysis.stats.arrays import Row
from analysis.stats.curve.curves import low_point
from analysis.stats.curve.forms import fit_fractional_polynomial, fit_penalised_spline, positive_shift
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape.nadir import NadirDraws
from analysis.stats.shape.verdict import FittedCurve, verdict
from analysis.study import BOOTSTRAP_REPLICATES, KNOT_NUMBERS, KnotQuantiles


def knot_sensitivity(
    association: Association, *, replicates: int = BOOTSTRAP_REPLICATES, jobs: int = 1, progress: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The shape of one study's curve under 3 to 6 knots on unweighted and weighted quantiles, and two other forms.

    Parameters
    ----------
    association, replicates, jobs : as `shape_of`.
    progress : what the bar over the variants says; none if empty.

    Returns
    -------
    One row a variant: form (``spline``, ``fractional polynomial``, ``penalised spline``), knots, knot_quantiles,
    placed, nonlinear_p, end_slopes_p, two_lines_p, nadir with its bootstrap interval, interior, verdict, detail. And
    their curves: form, knots, knot_quantiles, x, odds_ratio, conf_low, conf_high, against the study's reference.
    """
    variants = [(knots, quantiles) for quantiles in get_args(KnotQuantiles) for knots in KNOT_NUMBERS]
    splines = [joblib.delayed(_variant)(association, *variant, replicates) for variant in variants]
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")([joblib.delayed(_other_forms)(association), *splines])
    bar = tqdm(done, total=1 + len(splines), desc=progress, unit="variant", disable=None if progress else True,
               leave=False)  # fmt: skip
    other_forms, *found = bar
    found += other_forms
    rows, curves = [row for row, _ in found], [curve for _, curve in found]
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def _variant(
    association: Association, knots: int, quantiles: KnotQuantiles, replicates: int
) -> tuple[Row, pd.DataFrame]:
    setting = association.problem.setting
    rule = setting.study.knot_rule if quantiles == "unweighted" else "harrell"  # Hmisc's knows no weights
    study = dataclasses.replace(setting.study, knots=knots, knot_quantiles=quantiles, knot_rule=rule)
    posed = pose_setting(dataclasses.replace(setting, study=study))
    problem = dataclasses.replace(posed, reference=association.reference)
    fit = fit_problem(problem)
    curve = curve_of(problem, fit)
    drawn = bootstrap(curve.design, replicates=replicates, seed=SEED)
    label: Row = {"form": "spline", "knots": knots, "knot_quantiles": quantiles}
    row = label | _variant_row(problem, curve, curve.bootstrapped_nadirs(drawn))
    return row, _variant_curve(association, problem, fit).assign(**label)


def _variant_row(problem: Problem, curve: FittedCurve, drawn: NadirDraws) -> Row:
    """What the verdict rests on; the best break does not depend on the spline's knots."""
    nonlinear, ends, lines = curve.nonlinear_p, curve.ends().p_value, curve.lines().p_value
    return {
        "placed": " ".join(f"{knot:.10g}" for knot in problem.spline.knots),
        "nonlinear_p": nonlinear,
        "end_slopes_p": ends,
        "two_lines_p": lines,
        "nadir": curve.nadir().x,
        **nadir_draws_row(drawn, "nadir", problem.setting.study.conf_level, interior="interior"),
        "verdict": verdict(nonlinear_p=nonlinear, end_slopes_p=ends, two_lines_p=lines, interior=drawn.interior_share),
        "detail": "",
    }


def _variant_curve(association: Association, problem: Problem, fit: LogisticFit) -> pd.DataFrame:
    x, index = association.grid()[::2], fit.index(problem.spline_terms)
    frame = contrast_frame(fit, index, problem.contrast(x), conf_level=association.study.conf_level)
    return frame.assign(x=x)[["x", "odds_ratio", "conf_low", "conf_high"]]


def _other_forms(association: Association) -> list[tuple[Row, pd.DataFrame]]:
    """Low point and curve of a fractional polynomial and of a penalised spline: checks, which take no verdict."""
    curve = curve_of(association.problem, association.fit)
    low, high = curve.range
    people = (curve.x, curve.y, curve.adjustment)
    polynomial = fit_fractional_polynomial(
        *people, design=curve.design, domain=curve.domain, reference=curve.reference, shift=positive_shift(curve.x)
    )
    penalised = fit_penalised_spline(*people, design=curve.design, domain=curve.domain, reference=curve.reference)
    forms = {
        "fractional polynomial": (polynomial.curve, f"powers {polynomial.powers[0]:g} and {polynomial.powers[1]:g}"),
        "penalised spline": (penalised.curve, f"{penalised.edf:.3g} effective parameters"),
    }
    found: list[tuple[Row, pd.DataFrame]] = []
    for form, (fitted, detail) in forms.items():
        lowest = low_point(fitted, low=low, high=high)
        row: Row = {"form": form, "nadir": lowest.x, "interior": float(lowest.interior), "detail": detail}
        frame = fitted.to_frame(association.grid()[::2], conf_level=association.study.conf_level)
        found.append((row, frame[["x", "odds_ratio", "conf_low", "conf_high"]].assign(form=form)))
    return found
