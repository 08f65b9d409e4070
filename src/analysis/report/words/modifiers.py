"""Effect modification in words: one study's for a terminal, and the declared twelve's for the captions."""

from collections.abc import Sequence

import pandas as pd

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.dose_response.modifiers import EffectModification
from analysis.report.words.numbers import format_intake, format_odds_ratio, format_p, list_words, p_number
from analysis.report.words.study import WEIGHT_WORDS
from analysis.stats.disclosure import FEW, count_of


def format_modification(found: EffectModification, *, points: Sequence[float], source: str) -> str:
    """A study's curves within the levels of a modifier, as text for a terminal."""
    study, fit, unit = found.study, found.fit, exposure_unit(found.study.exposure)
    wald, rao_scott = found.tests["wald"], found.tests["rao_scott"]
    where = f", where {study.where}" if study.where else ""
    extra = f" + {' + '.join(study.extra_covariates)}" if study.extra_covariates else ""
    notes = [f"in the place of {list_words(found.replaced)}"] if found.replaced else []
    notes += [f"left out, no variation here: {', '.join(found.problem.setting.dropped)}"] * bool(
        found.problem.setting.dropped
    )
    knots = ", ".join(map(format_intake, found.problem.spline.knots))
    lines = "".join(f"\n{note}" for note in (*notes, *found.problem.setting.notes))
    return (
        f"{exposure_label(study.exposure)} ({unit}) and peripheral neuropathy ({study.outcome}), "
        f"model {study.model}{extra}, by {found.modifier.label}\n"
        f"{source}; cycles {', '.join(map(str, study.cycles))}; {WEIGHT_WORDS[study.weights]}{where}{lines}\n\n"
        f"n = {count_of(fit.n)}, cases = {count_of(fit.cases)}; design df {fit.design_df}, residual df "
        f"{fit.residual_df}\n"
        f"knots {knots}; reference {format_intake(found.reference)} {unit}, the whole cohort's in every level\n\n"
        f"odds ratio ({100 * study.conf_level:g} % interval) at {unit}, from the joint fit\n"
        f"{_level_rows(found, points)}\n\n"
        f"The curves differ between levels: Wald F = {wald.statistic:.3f} on {wald.df_num} and {wald.df_den} df, p "
        f"{format_p(wald.p_value)}; Rao-Scott p {format_p(rao_scott.p_value)}. One test of one modifier: of several, "
        "the smallest p needs an adjustment."
    )


def _level_rows(found: EffectModification, points: Sequence[float]) -> str:
    curves, levels = found.curves(points), found.levels()
    lines = []
    for row in levels.itertuples():
        people = f"n = {_count(row.n)}, cases = {_count(row.cases)}"
        lines.append(f"  {row.level}: {people}; overall p {_p(row.overall_p)}, non-linear p {_p(row.nonlinear_p)}")
        for _, point in curves[curves["level"] == row.level].iterrows():
            told = FEW if pd.isna(point["odds_ratio"]) else format_odds_ratio(point)
            lines.append(f"    {point['x']:>8g}   {told}")
    return "\n".join(lines)


def _count(n: float) -> str:
    return FEW if pd.isna(n) else f"{int(n):,}"


def _p(p_value: float) -> str:
    return "not told" if pd.isna(p_value) else p_number(p_value)
