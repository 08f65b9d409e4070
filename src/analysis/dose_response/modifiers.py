"""Whether a third variable changes the curve: curves within its levels, from one fit of all people.

The study's regression gets the levels of the modifier as main effects, and their products with every term of the
spline. Knots and reference stay the cohort's, so that the levels differ in their coefficients alone. Effect
modification is then the Wald F test that all products are zero, on the design's degrees of freedom (design df + 1 -
coefficients); it is on the scale of the odds ratio, and absence of it there is presence on the scale of prevalence
wherever the levels' prevalences differ.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.data.people.cohort import NO_COVARIATES, refuse_parts
from analysis.data.people.conditions import columns_of, select_rows
from analysis.dose_response.association import contrast_frame, curve_grid, exposures_of
from analysis.dose_response.frames import records
from analysis.dose_response.levels import with_levels
from analysis.dose_response.problem import Problem, covariate_columns, pose, pose_on
from analysis.errors import expected_one_of, kind_words
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet, blanked, count_of, told
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import TermTest, rao_scott_test, wald_test
from analysis.stats.regression.hypotheses import contrast as linear_contrast
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.sample.design import domain_of
from analysis.stats.shape.nadir import RANGE
from analysis.study import CATEGORIES, Study, StudyError, listed

MOST_LEVELS = 6
"""Values of a number that is taken as a factor; one with more needs a condition."""

ARMS = (100.0, 500.0)
"""Intakes of magnesium, mg/day, at which the two arms of the curve are told against the median."""

ARM_QUANTILES = RANGE
"""Quantiles of the cohort at which they are told of another exposure, or where nobody takes in so little or so much."""

NO_MODIFIERS = tuple(name for name in NO_COVARIATES if name != "cycle")
"""Beginnings of columns that are the outcome, the design or eligibility, and cannot modify the curve."""


@dataclass(frozen=True, slots=True)
class Modifier:
    """A variable whose levels may have curves of their own.

    Attributes
    ----------
    name : short, for tables and file names.
    label : words.
    levels : level and the condition on harmonised columns that makes somebody one of it, the reference first. Whoever
        is of no level, or of an unknown one, is left out.
    replaces : covariates whose place it takes although it is made of others; those that it is a coarsening of it
        replaces without saying.
    """

    name: str
    label: str
    levels: tuple[tuple[str, str], ...]
    replaces: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        """Harmonised columns that its conditions name."""
        return {name for _, condition in self.levels for name in columns_of(condition)}

    def codes(self, people: pd.DataFrame) -> Integers:
        """Place of each person's level, (n,); -1 where there is none or it is not known.

        Raises
        ------
        ConditionError : a condition that cannot be read.
        StudyError : somebody is of two levels.
        """
        inside = np.column_stack([select_rows(people, condition).to_numpy() for _, condition in self.levels])
        twice = inside.sum(axis=1) > 1
        if twice.any():
            raise StudyError(
                f"{count_of(twice.sum())} people are of two levels of {self.label}: expected conditions that exclude "
                "each other, such as bmi_kg_m2 < 25 and bmi_kg_m2 >= 25."
            )
        return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)

    def replaced(self, people: pd.DataFrame, study: Study) -> tuple[str, ...]:
        """Covariates of the study that give way to it: factors of which alone it is made, and what it says itself.

        A number, such as age, stays beside the classes made of it: within a class it still confounds.
        """
        factors = [name for name in study.covariates if _is_factor(people[name])]
        own = self.columns
        coarsened = tuple(name for name in factors if own == {name})
        return (*coarsened, *(name for name in study.covariates if name in self.replaces and name not in coarsened))


def modifier_of(people: pd.DataFrame, by: str | Sequence[str]) -> Modifier:
    """A modifier as it is asked for on the command line.

    Parameters
    ----------
    people : as `estimate`.
    by : a harmonised factor (``sex``), one condition (``egfr_ml_min_1_73m2 < 60``: no and yes), or several conditions
        that are the levels, the reference first.

    Raises
    ------
    StudyError : a column that cannot be a modifier, or a number with too many values to be a factor; nothing is named.
    ConditionError : a condition that cannot be read.
    """
    refuse_parts(people)
    names = listed(by)
    if not names:
        raise StudyError("no modifier was named: expected a column such as 'sex', or one or more conditions.")
    first = names[0]
    if len(names) == 1 and first in people:
        modifier = Modifier(first, first, _levels_of(people[first]))
    elif len(names) == 1:
        modifier = Modifier(first, first, (("no", f"not ({first})"), ("yes", first)))
    else:
        modifier = Modifier(" / ".join(names), " / ".join(names), tuple((one, one) for one in names))
    if len(names) == 1 and first.isidentifier() and first not in people:
        able = [str(name) for name in people if not str(name).startswith(NO_MODIFIERS)]
        raise StudyError(f"modifier {first!r}: {expected_one_of(first, able)}")
    for name in sorted(modifier.columns):
        if name.startswith(NO_MODIFIERS):
            raise StudyError(
                f"modifier {name}: it is the outcome, the design or eligibility. Expected what people are or have."
            )
    return modifier


def _levels_of(column: pd.Series) -> tuple[tuple[str, str], ...]:
    """Levels of a factor and their conditions."""
    name = str(column.name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple((level, f"{name} == {level!r}") for level in column.cat.categories)
    if column.dtype == bool:
        return ("no", f"not {name}"), ("yes", name)
    values = np.unique(column.dropna())
    if len(values) > MOST_LEVELS:
        raise StudyError(
            f"modifier {name}: a number of many values. Expected a condition on it, such as {_example(column)!r}."
        )
    if set(values) <= {0, 1}:
        return ("no", f"{name} == 0"), ("yes", f"{name} == 1")
    return tuple((f"{value:g}", f"{name} == {value:g}") for value in values)


def _example(column: pd.Series) -> str:
    return f"{column.name} >= {float(f'{column.median():.1g}'):g}"


def _is_factor(column: pd.Series) -> bool:
    return str(column.name) in CATEGORIES or set(column.dropna().unique()) <= {0, 1}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectModification(Discreet):
    """The curves within the levels of a modifier, and the test that they are one.

    Attributes
    ----------
    problem : the study, whose knots and reference all levels share; its domain is people of a known level.
    modifier : with its levels.
    fit : the joint regression.
    n, cases : (levels,) people and cases of each level.
    products : terms of the levels' products with the spline, level by level from the second.
    tests : test that they are all zero, by method: wald, rao_scott.
    replaced : covariates that gave way to the modifier.
    """

    shown = ("modifier.name", "fit.n", "fit.cases", "fit.residual_df", "fit.terms")

    problem: Problem
    modifier: Modifier
    fit: LogisticFit
    n: Integers
    cases: Integers
    products: tuple[tuple[str, ...], ...]
    tests: dict[Literal["wald", "rao_scott"], TermTest]
    replaced: tuple[str, ...]

    @property
    def study(self) -> Study:
        """What was asked."""
        return self.problem.setting.study

    @property
    def reference(self) -> float:
        """Exposure of odds ratio 1 in every level: the cohort's median."""
        return self.problem.reference

    def grid(self) -> Array:
        """Fine grid of exposure from the cohort's 1st to its 99th percentile."""
        return curve_grid(self.problem.setting.eligible)

    def arms(self) -> tuple[float, float]:
        """A low and a high exposure at which the arms of the curve are told."""
        eligible = self.problem.setting.eligible
        inside = np.min(eligible) <= ARMS[0] and ARMS[1] <= np.max(eligible)
        if self.study.exposure.startswith("magnesium_") and inside:
            return ARMS
        low, high = (float(f"{end:.2g}") for end in np.quantile(eligible, ARM_QUANTILES))
        return low, high

    def curves(self, x: float | Sequence[float] | Array) -> pd.DataFrame:
        """Odds ratios within each level at x against the reference, from the joint fit.

        Returns
        -------
        level, n, cases, x, log_or, std_error, odds_ratio, conf_low, conf_high, df: t intervals on the residual df.
        All but the level and x is empty for a level of fewer than 10 people.
        """
        points = exposures_of(x)
        parts = []
        for position, (level, _) in enumerate(self.modifier.levels):
            terms = self.curve_terms(position)
            contrast = np.tile(self.problem.contrast(points), len(terms) // len(self.problem.spline_terms))
            odds = contrast_frame(self.fit, self.fit.index(terms), contrast, conf_level=self.study.conf_level)
            part = odds.assign(level=level, n=self.n[position], cases=told(int(self.cases[position])), x=points)
            parts.append(part[["level", "n", "cases", "x", *odds.columns]])
        found = pd.concat(parts, ignore_index=True).astype({"n": float, "cases": float})
        found["df"] = float(self.fit.residual_df)
        return blanked(found, [name for name in found if name not in ("level", "x")])

    def levels(self) -> pd.DataFrame:
        """Levels with the Wald tests of their own curves: level, n, cases, overall_p, nonlinear_p."""
        k = len(self.problem.spline_terms)
        rows = []
        for position, (level, _) in enumerate(self.modifier.levels):
            terms = self.curve_terms(position)
            own = np.tile(np.eye(k), len(terms) // k)
            overall, bend = (linear_contrast(self.fit, rows_, terms=terms).joint_test() for rows_ in (own, own[1:]))
            rows.append({"level": level, "n": float(self.n[position]), "cases": told(int(self.cases[position])),
                         "overall_p": overall.p_value, "nonlinear_p": bend.p_value})  # fmt: skip
        return blanked(pd.DataFrame(rows).astype({"cases": float}), ("n", "cases", "overall_p", "nonlinear_p"))

    def curve_terms(self, position: int) -> tuple[str, ...]:
        """Terms of a level's curve: the spline's, and from the second level on its products, to be added."""
        return self.problem.spline_terms + (self.products[position - 1] if position else ())

    def to_dict(self, *, data: str, at: Sequence[float]) -> dict[str, object]:
        """All of it, ready for JSON, with the curves at the intakes ``at``."""
        levels = self.levels().assign(condition=[condition for _, condition in self.modifier.levels])
        return {
            "data": data,
            "study": dataclasses.asdict(self.study),
            "by": self.modifier.label,
            "replaced": list(self.replaced),
            "dropped_terms": list(self.problem.setting.dropped),
            "notes": list(self.problem.setting.notes),
            "n": told(self.fit.n),
            "cases": told(self.fit.cases),
            "design_df": self.fit.design_df,
            "residual_df": self.fit.residual_df,
            "knots": self.problem.spline.knots.tolist(),
            "reference": self.reference,
            "interaction": [dataclasses.asdict(test) for test in self.tests.values()],
            "levels": records(levels),
            "curve": records(self.curves(at)),
        }

    def test_row(self) -> dict[str, object]:
        """The test of effect modification as a row: n, cases, statistic, df_num, df_den, p_value, rao_scott_p."""
        wald = dataclasses.asdict(self.tests["wald"])
        del wald["method"]
        return {"n": self.fit.n, "cases": self.fit.cases} | wald | {"rao_scott_p": self.tests["rao_scott"].p_value}


def effect_modification(people: pd.DataFrame, modifier: Modifier, *, study: Study) -> EffectModification:
    """Fit a study with a curve for each level of a modifier.

    Parameters
    ----------
    people : harmonised participants, all of them.
    modifier : whose levels.
    study : the protocol; the modifier may not be made of its exposure.

    Raises
    ------
    StudyError : nobody of the cohort is of a level, the modifier is made of the exposure, or it is none.
    ConditionError, SplineError, DesignError, ConvergenceError : as
        `analysis.dose_response.association.estimate`.
    """
    refuse_parts(people)
    if not isinstance(modifier, Modifier):
        raise StudyError(f"modifier: got {kind_words(modifier)}, expected what modifier_of(people, 'sex') gives.")
    return modified(people, pose(people, study), modifier)


def modified(people: pd.DataFrame, posed: Problem, modifier: Modifier) -> EffectModification:
    """Effect modification of a study that has been posed already; errors as `effect_modification`."""
    study = posed.setting.study
    if study.exposure in modifier.columns:
        raise StudyError(f"modifier {modifier.label}: made of {study.exposure}, the exposure. Expected another column.")
    codes = modifier.codes(people)
    replaced = modifier.replaced(people, study)
    rows = _rows_of_known_level(people, posed, codes, replaced)
    counts = np.bincount(codes[rows], minlength=len(modifier.levels))
    if np.any(counts == 0):
        empty = [level for (level, _), n in zip(modifier.levels, counts, strict=True) if n == 0]
        raise StudyError(
            f"modifier {modifier.label}: nobody of the study is of its level {' or '.join(empty)}. Expected levels "
            "that people of the study have."
        )
    problem = _of_rows(people, posed, rows, replaced)
    names = tuple(f"{modifier.name}_{level}" for level, _ in modifier.levels[1:])
    model, products = with_levels(problem, codes[rows], names)
    tested = tuple(term for terms in products for term in terms)
    fit = fit_quickly(model, problem.setting.design)
    null = fit_quickly(model.without(tested), problem.setting.design)
    y = problem.setting.y[rows]
    return EffectModification(
        problem=problem,
        modifier=modifier,
        fit=fit,
        n=counts,
        cases=np.bincount(codes[rows], weights=y, minlength=counts.size).astype(np.intp),
        products=products,
        tests={"wald": wald_test(fit, tested), "rao_scott": rao_scott_test(fit, null, tested)},
        replaced=replaced,
    )


def _rows_of_known_level(people: pd.DataFrame, posed: Problem, codes: Integers, replaced: tuple[str, ...]) -> Bools:
    """People of the cohort with a level and every covariate that did not give way."""
    setting = posed.setting
    kept = [name for name in setting.study.covariates if name not in replaced]
    known = people[kept].notna().all(axis="columns").to_numpy()
    weighted = setting.cohort.weights.to_numpy() > 0
    return np.asarray(setting.cohort.rows.to_numpy() & known & weighted & (codes >= 0))


def _of_rows(people: pd.DataFrame, posed: Problem, rows: Bools, replaced: tuple[str, ...]) -> Problem:
    """The same study about fewer people and without some covariates, on the knots and reference of all."""
    setting = posed.setting
    cycles = tuple(sorted(int(cycle) for cycle in people.loc[rows, "cycle"].unique()))
    cohort = dataclasses.replace(
        setting.cohort, complete=pd.Series(rows, index=people.index), complete_cycles=cycles or setting.cohort.cycles
    )
    domain = domain_of(setting.design, rows)
    adjustment, terms, dropped, references = covariate_columns(people, setting.study, domain)
    gone = {term for name in replaced for term in (name, *(f"{name}_{level}" for level in CATEGORIES.get(name, ())))}
    kept = [position for position, term in enumerate(terms) if term not in gone]
    changed = dataclasses.replace(
        setting,
        cohort=cohort,
        domain=domain,
        adjustment=adjustment[:, kept],
        adjustment_terms=tuple(terms[position] for position in kept),
        dropped=tuple(name for name in dropped if name not in gone),
        references={name: level for name, level in references.items() if name not in replaced},
    )
    return pose_on(changed, posed.spline, reference=posed.reference)
