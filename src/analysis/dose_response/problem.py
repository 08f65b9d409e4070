"""From participants and a study to the arrays that are fitted: design, domain, knots, reference, design matrix."""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.people.cohort import Cohort, refuse_empty, select_cohort, with_covariates
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.disclosure import Discreet
from analysis.stats.order import sorted_median
from analysis.stats.regression.quick import Regression
from analysis.stats.sample.design import Domain, SurveyDesign, domain_of
from analysis.study import CATEGORIES, Study

COVARIATE_KNOTS = 4
"""Knots of a covariate that is adjusted for by a spline."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Setting(Discreet):
    """A study's people: who they are in the design, and what they took in and have.

    Attributes
    ----------
    study, cohort : what is asked, and of whom.
    design, domain : the whole sample, and its people with every covariate of the model.
    exposure : (n,) float array, NaN where unknown.
    y : (n,) float array, the outcome; 0 where unknown, which is outside the domain.
    adjustment, adjustment_terms : (n, q) design columns of the covariates, and their names.
    dropped : covariates, or levels of them, that do not vary in this domain and left the model.
    references : reference level of each category whose first level nobody of the domain has: the first one present.
    eligible : (e,) exposure of the cohort, before loss to missing covariates: what knots and cut points are placed on.
    ordered : the same, ascending.
    """

    shown = ("study.exposure", "study.outcome", "study.model", "domain.n", "cases", "domain.df", "adjustment_terms")

    study: Study
    cohort: Cohort
    design: SurveyDesign
    domain: Domain
    exposure: Array
    y: Array
    adjustment: Array
    adjustment_terms: tuple[str, ...]
    dropped: tuple[str, ...]
    references: dict[str, str]
    eligible: Array = field(init=False)
    ordered: Array = field(init=False)

    def __post_init__(self) -> None:
        eligible = self.exposure[self.cohort.rows.to_numpy()]
        object.__setattr__(self, "eligible", eligible)
        object.__setattr__(self, "ordered", np.sort(eligible))

    def with_knots(self, number: int) -> "Setting":
        """The same people under as many knots."""
        return self._with(study=_with_knots(self.study, number))

    def _with(self, **changes: Any) -> "Setting":
        """Another setting, whose cohort's rows and exposure are these: they are not sorted again."""
        other = object.__new__(Setting)
        for name, value in ({one.name: getattr(self, one.name) for one in dataclasses.fields(self)} | changes).items():
            object.__setattr__(other, name, value)  # an unknown name has no place
        return other

    def restricted(self, kept: Bools) -> "Setting":
        """Only some of these people; design and weights stay, so that the variance does.

        Parameters
        ----------
        kept : (n,) boolean array.

        Raises
        ------
        DesignError : as `analysis.stats.sample.design.domain_of`.
        """
        rows, complete = self.cohort.rows & kept, self.cohort.complete & kept
        cohort = dataclasses.replace(self.cohort, rows=rows, complete=complete)
        return dataclasses.replace(self, cohort=cohort, domain=domain_of(self.design, complete.to_numpy()))

    def weighted(self, weights: Array) -> "Setting":
        """The same people under other weights; whoever has none stands for nobody and leaves the domain.

        Parameters
        ----------
        weights : (n,) float array, not negative.

        Raises
        ------
        DesignError : as `analysis.stats.sample.design.SurveyDesign` and `analysis.stats.sample.design.domain_of`.
        """
        design = dataclasses.replace(self.design, weights=weights)
        cohort = dataclasses.replace(self.cohort, weights=pd.Series(weights, index=self.cohort.rows.index))
        domain = domain_of(design, cohort.complete.to_numpy())
        return self._with(cohort=cohort, design=design, domain=domain)

    def beside(self, columns: Array, terms: tuple[str, ...]) -> "Setting":
        """The same people with further columns of adjustment, which stand before the covariates.

        Parameters
        ----------
        columns : (n, k) float array; a missing value becomes 0, so nobody of the domain may have one.
        terms : their k names.
        """
        adjustment = np.hstack([np.nan_to_num(columns), self.adjustment])
        return self._with(adjustment=adjustment, adjustment_terms=(*terms, *self.adjustment_terms))

    def beside_spline(self, values: Array, term: str) -> "Setting":
        """The same people with a restricted cubic spline of another covariate, of `COVARIATE_KNOTS` knots.

        Parameters
        ----------
        values : (n,) float array; knots are at quantiles of the cohort's, see `beside` for missing ones.
        term : name of the covariate and of the linear column.

        Raises
        ------
        SplineError : knots coincide.
        """
        knots = place_knots(values[self.cohort.rows.to_numpy()], COVARIATE_KNOTS)
        basis = RestrictedCubicSpline(knots).basis(np.nan_to_num(values))
        return self.beside(basis, spline_names(term, basis.shape[1]))

    def without(self, term: str) -> "Setting":
        """The same people without one column of adjustment, if it is among them."""
        kept = [place for place, name in enumerate(self.adjustment_terms) if name != term]
        terms = tuple(self.adjustment_terms[place] for place in kept)
        return self._with(adjustment=self.adjustment[:, kept], adjustment_terms=terms)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that every output must have: what these people, or this study, have that others have not."""
        found = [
            f"Reference level of {name}: {level}, as nobody is {CATEGORIES[name][0]}."
            for name, level in self.references.items()
        ]
        pooled, fitted = (" ".join(map(str, cycles)) for cycles in (self.cohort.cycles, self.cohort.complete_cycles))
        if self.cohort.cycles != self.study.cycles:
            found.append(f"Everybody is of cycle {pooled}: weighted as by --cycles {pooled}.")
        if fitted != pooled:
            found.append(
                f"Everybody whose covariates are known is of cycle {fitted}, but weighted as one of {pooled}: with "
                f"--cycles {fitted} the weights are those of {fitted} alone."
            )
        if self.study.knot_rule == "hmisc":
            found.append("Knots placed by Hmisc's rule for ties and small samples.")
        return tuple(found)

    @property
    def cases(self) -> int:
        """People of the domain with the outcome."""
        return int(np.sum(self.y[self.domain.rows] == 1))

    def regression(self, columns: Array | None = None, terms: tuple[str, ...] = ()) -> Regression:
        """The outcome on columns of one's own beside the covariates: intercept, columns, covariates.

        Parameters
        ----------
        columns : (m, k) float array of the domain's rows; by default none, which leaves the covariates alone.
        terms : their k names.
        """
        rows = self.domain.rows
        own = np.empty((self.domain.n, 0)) if columns is None else columns
        X = np.hstack([np.ones((self.domain.n, 1)), own, self.adjustment[rows]])
        return Regression(X, self.y[rows], self.domain, ("intercept", *terms, *self.adjustment_terms))

    @property
    def knot_weights(self) -> Array | None:
        """Weights of the cohort for the quantiles that knots are placed on, if the study wants them weighted."""
        if self.study.knot_quantiles == "unweighted":
            return None
        return self.cohort.weights[self.cohort.rows].to_numpy(dtype=float)


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Discreet):
    """A study as a regression on a spline of its exposure.

    Attributes
    ----------
    setting : its people.
    spline : the basis; a new x always re-uses its knots.
    reference : exposure of odds ratio 1, the cohort's unweighted median.
    basis : (m, k - 1) float array, of the rows of the domain only.
    terms : p names of intercept, basis columns and covariates.
    spline_terms : those of the basis columns, the linear one first.
    """

    shown = ("setting.study.exposure", "setting.domain.n", "setting.cases", "setting.domain.df", "terms")

    setting: Setting
    spline: RestrictedCubicSpline
    reference: float
    basis: Array
    terms: tuple[str, ...]
    spline_terms: tuple[str, ...]

    @cached_property
    def X(self) -> Array:  # noqa: N802 - the field's name of a design matrix
        """(m, p) float array: intercept, basis, covariates; the rows of the domain only, as every regression does."""
        return self.setting.regression(self.basis, self.spline_terms).X

    @property
    def y(self) -> Array:
        """Outcome of the domain's rows, (m,) of 0 and 1."""
        return self.setting.y[self.setting.domain.rows]

    def contrast(self, x: Array) -> Array:
        """(m, k - 1) rows that turn the spline's coefficients into log odds ratios of x against the reference."""
        return self.spline.basis(x) - self.spline.basis(np.array([self.reference]))


def declare_design(people: pd.DataFrame, cohort: Cohort, study: Study) -> SurveyDesign:
    """The design of all interviewed people under a study's weights and policy."""
    return SurveyDesign(
        strata=people["strata"].to_numpy(),
        psu=people["psu"].to_numpy(),
        weights=cohort.weights.to_numpy(),
        lonely_domain=study.lonely_domain,
    )


def set_out(people: pd.DataFrame, study: Study) -> Setting:
    """The people of a study.

    Parameters
    ----------
    people : all interviewed people, harmonised; nobody may have been dropped, or the variance would be wrong.
    study : the protocol.

    Raises
    ------
    StudyError, ConditionError, DesignError : the study asks for what the protocol does not define, or for people whom
        the sample does not have.
    """
    cohort = select_cohort(people, study)
    refuse_empty(cohort, study)
    return _set_out(people, study, cohort, declare_design(people, cohort, study))


def under_covariates_of(study: Study, setting: Setting, people: pd.DataFrame) -> Setting:
    """What `set_out` gives of a study that differs from a setting's in its covariates only.

    Parameters
    ----------
    study, people : as for `set_out`.
    setting : of the same people.

    Raises
    ------
    StudyError, DesignError : as `set_out`.
    """
    cohort = with_covariates(setting.cohort, people, study)
    refuse_empty(cohort, study)
    return _set_out(people, study, cohort, setting.design)


def _set_out(people: pd.DataFrame, study: Study, cohort: Cohort, design: SurveyDesign) -> Setting:
    domain = domain_of(design, cohort.complete.to_numpy())
    return Setting(
        study,
        cohort,
        design,
        domain,
        people[study.exposure].to_numpy(dtype=float),
        people[study.outcome_column].fillna(0.0).to_numpy(dtype=float),
        *covariate_columns(people, study, domain),
    )


def pose(people: pd.DataFrame, study: Study) -> Problem:
    """A study as a regression; parameters and errors as `set_out`, and SplineError where knots cannot be placed."""
    return pose_setting(set_out(people, study))


@lru_cache(maxsize=64)  # a grid asks for the same few again and again, and a study checks itself each time it is made
def _with_knots(study: Study, number: int) -> Study:
    return dataclasses.replace(study, knots=number)


def pose_setting(setting: Setting) -> Problem:
    """The regression of people who are set out already.

    Raises
    ------
    SplineError : knots cannot be placed.
    """
    study = setting.study
    weights = setting.knot_weights
    values = setting.ordered if weights is None else setting.eligible
    knots = place_knots(values, study.knots, rule=study.knot_rule, weights=weights)
    return pose_on(setting, RestrictedCubicSpline(knots), reference=sorted_median(setting.ordered))


def pose_on(setting: Setting, spline: RestrictedCubicSpline, *, reference: float) -> Problem:
    """The regression of people who are set out already, on a spline and a reference that are given."""
    exposure, rows = setting.study.exposure, setting.domain.rows
    spline_terms = spline_names(exposure, spline.columns)
    return Problem(
        setting=setting,
        spline=spline,
        reference=reference,
        basis=spline.basis(setting.exposure[rows]),
        terms=("intercept", *spline_terms, *setting.adjustment_terms),
        spline_terms=spline_terms,
    )


def spline_names(term: str, columns: int) -> tuple[str, ...]:
    """Names of a spline's columns, the linear one first."""
    return (term, *(f"{term}_s{j}" for j in range(1, columns)))


def covariate_columns(
    people: pd.DataFrame, study: Study, domain: Domain
) -> tuple[Array, tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Design columns of the study's covariates: numbers as they are, categories as indicators.

    The reference of a category is its first level that somebody of the domain has.

    Returns
    -------
    (n, p) float array, p names, the names of columns left out because they do not vary in the domain (a study of
    women has no column for sex), and the reference level of each category where that is not its usual one.
    """
    columns: dict[str, Array] = {}
    references: dict[str, str] = {}
    for name in study.covariates:
        if name in CATEGORIES:
            codes = _codes(people[name], CATEGORIES[name])
            for number, level in enumerate(CATEGORIES[name][1:], start=1):
                columns[f"{name}_{level}"] = (codes == number).astype(float)
            # Of a category that varies, but whose usual reference nobody has, it is the first level present.
            present = np.flatnonzero(np.bincount(codes[domain.rows & (codes >= 0)]))
            if present.size > 1 and present[0] > 0:
                references[name] = CATEGORIES[name][present[0]]
        else:
            columns[name] = people[name].to_numpy(dtype=float)
    inside = np.flatnonzero(domain.rows)
    constant = tuple(name for name, values in columns.items() if np.ptp(values[inside]) == 0)
    moved = {f"{name}_{level}" for name, level in references.items()}
    kept = tuple(name for name in columns if name not in constant and name not in moved)
    if not kept:
        return np.empty((len(people), 0)), (), constant, references
    together = np.column_stack([columns[name] for name in kept])
    return np.nan_to_num(together, copy=False), kept, constant, references


def _codes(values: pd.Series, levels: tuple[str, ...]) -> Integers:
    """Positions of values among the levels of a category, -1 for one that is none of them."""
    if isinstance(values.dtype, pd.CategoricalDtype) and tuple(values.cat.categories) == levels:
        return values.cat.codes.to_numpy()  # another look at every word would cost more than all else here
    return np.asarray(pd.Categorical(values, categories=list(levels)).codes)
