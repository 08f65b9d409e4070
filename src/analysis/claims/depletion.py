"""Claim 6: whether people whose magnesium is drained have more neuropathy, by the magnesium depletion score.

The score adds up what drains magnesium: diuretics, acid blockers, kidneys, drink. No magnesium is measured, and all of
them go with illness of their own. Diuretics are prescribed for hypertension, heart failure and oedema, proton-pump
inhibitors for the stomach of people who take many drugs, a low eGFR is the kidney disease that diabetes brings and that
damages nerves by itself, and alcohol is a poison of nerves. A higher odds ratio per point may therefore be that of the
illness: this is confounding by indication, and covariates of one interview do not remove it. So the score's parts are
told together in one model, where an association that one part carries is seen to be that part's. And the curve of
intake is told within low and high scores: were depletion the mechanism, intake would matter most to the drained.

References
----------
Fan et al. 2021 (the score; its items and maximum, not its points, were checked, see `analysis.data.people.drugs`).
"""

import dataclasses

import pandas as pd

from analysis.claims.rows import (
    Label,
    answer_table,
    count_row,
    curve_rows,
    share_row,
    spline_rows,
    term_rows,
    test_row,
)
from analysis.data.people.cohort import select_cohort
from analysis.data.people.drugs import SCORE_PARTS, depletion_parts
from analysis.dose_response.modifiers import Modifier, effect_modification
from analysis.dose_response.problem import declare_design
from analysis.stats.sample.design import domain_of
from analysis.study import COVARIATES, PRIMARY, Study

SCORE = "depletion_score"
HIGH_SCORE = 2
"""From here on a score counts as high."""

LEVELS = Modifier(SCORE, "depletion score", (("low", f"{SCORE} < {HIGH_SCORE}"), ("high", f"{SCORE} >= {HIGH_SCORE}")))

CATEGORIES = ("depletion_1", "depletion_2", "depletion_3_or_more")
"""Indicators of the score against 0."""

WITHOUT_ALCOHOL = tuple(name for name in COVARIATES["2"] if name not in (*COVARIATES["1"], "alcohol"))
"""What model 2 adds to model 1, but for alcohol, which is a part of the score."""

DEPLETION_STUDIES: dict[str, Study] = {
    "crude": dataclasses.replace(PRIMARY, model="crude"),
    "1": PRIMARY,
    "2 without alcohol": dataclasses.replace(PRIMARY, extra_covariates=WITHOUT_ALCOHOL),
}


def depletion(people: pd.DataFrame) -> pd.DataFrame:
    """The depletion score and neuropathy, the parts of it, and the curve within low and high scores.

    Parameters
    ----------
    people : all interviewed, harmonised; nobody may have been dropped.

    Returns
    -------
    Frame with `analysis.claims.rows.COLUMNS`; ``what`` is

    - ``people``: numbers of the cohort by part and by score, weighted shares and mean of the score;
    - ``per point``, ``by score``, ``parts together``: odds ratios under `DEPLETION_STUDIES`, the latter two with a
      joint test;
    - ``curve``: intake within scores below `HIGH_SCORE` (``low``) and from it (``high``), model 1 with the score's
      level and its products with the spline; the F test of the products has the term ``interaction``.

    Raises
    ------
    StudyError, DesignError, ConvergenceError : people from whom this cannot be estimated.
    """
    parts = depletion_parts(people).add_prefix("part_")
    score = people[SCORE]
    levels = {"depletion_1": score == 1, "depletion_2": score == 2, "depletion_3_or_more": score >= 3}
    indicators = pd.DataFrame({name: level.astype(float).where(score.notna()) for name, level in levels.items()})
    people = pd.concat([people, parts, indicators], axis="columns")
    rows = [*_people_rows(people)]
    asked = {"per point": (SCORE,), "by score": CATEGORIES, "parts together": tuple(parts)}
    for what, tested in asked.items():
        for model, study in DEPLETION_STUDIES.items():
            posed = dataclasses.replace(study, extra_covariates=(*study.extra_covariates, *tested))
            rows.append(term_rows(people, posed, tested, Label(what, "all", model)))
    rows.append(curve_rows(people, dataclasses.replace(PRIMARY, where=f"{SCORE} >= 0"), Label("curve", "all", "1")))
    return answer_table([*rows, *_curves_by_level(people)])


def _people_rows(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Who is in the cohort, by part and by score."""
    cohort = select_cohort(people, PRIMARY)
    inside = people[cohort.rows]
    label = Label("people", "all", "")
    counts = {name: int((inside[f"part_{name}"] == 1).sum()) for name in SCORE_PARTS}
    counts |= {
        "wasting_diuretic": int((inside["takes_wasting_diuretic"] == 1).sum()),
        "unknown_drug": int((inside["unknown_drugs"] > 0).sum()),
        "score_known": int(inside[SCORE].notna().sum()),
    }
    counts |= {f"score_{points}": int((inside[SCORE] == points).sum()) for points in range(6)}
    rows = [count_row(n, label, term=term) for term, n in counts.items()]
    design = declare_design(people, cohort, PRIMARY)
    domain = domain_of(design, (cohort.rows & people[SCORE].notna()).to_numpy())
    score = people[SCORE].to_numpy()
    values = {"score_2_or_more": score >= 2, "score_3_or_more": score >= 3}
    rows += [share_row(hit, design, domain, label, term=term) for term, hit in values.items()]
    return [*rows, share_row(score, design, domain, label, term="mean_score")]


def _curves_by_level(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Curves within low and high scores from one fit, which shares the covariates' coefficients and the knots."""
    found = effect_modification(people, LEVELS, study=PRIMARY)
    rows = [test_row(found.tests["wald"], found.fit, Label("curve", "low and high", "1"), term="interaction")]
    for position, (group, _) in enumerate(LEVELS.levels):
        odds = spline_rows(found.problem, found.fit, Label("curve", group, "1"), terms=found.curve_terms(position))
        rows.append(odds.assign(n=found.n[position], cases=found.cases[position]))
    return rows
