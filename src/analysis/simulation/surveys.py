"""How often the intervals and tests of this project are right, on surveys whose truth is known.

A survey is invented by `analysis.data.synthetic.survey` with all it has of people, design and intakes; then its outcome
is drawn many times from a known curve. The outcome of person i is 1 where a normal deviate, a part of which i's PSU
shares, lies below the quantile of mu_i. So P(y_i = 1) is exactly mu_i = expit(adjustment_i + curve(exposure_i)) and
people of one PSU resemble each other: model 1 is right but for the curve's shape, and what errs is the inference.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, cast

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy.special import expit

from analysis.audit.runner import run_tasks
from analysis.audit.tasks import Task
from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.people.vocabulary import SECOND_DAYS
from analysis.data.synthetic.survey import invent, tables_of
from analysis.data.synthetic.traits import usual_magnesium
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.problem import Problem, pose, pose_setting
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.quick import Regression, quick_estimate
from analysis.study import PRIMARY

PREVALENCE = 0.18
WITHIN_PSU = 0.012
"""Correlation of the normal deviates of two people of a PSU: it gives design effects of NHANES' size, 1.5 to 2."""

DRAWS_PER_SURVEY = 25
"""Outcomes drawn for one invented survey before the next is invented."""

NOMINAL = 0.95
"""Level of the intervals and bands whose coverage is counted."""

CurveOf = Callable[[Array], Array]

Kept = TypeVar("Kept")

NOBODY = pd.DataFrame()
"""Participants of a simulation's tasks, which invent their own."""


class SimulationError(AnalysisError):
    """A simulation that cannot be run as asked."""

    exit_code = 2


def flat(x: Array) -> Array:
    """No association: log odds of zero at every intake."""
    return np.zeros_like(x)


def u_shaped(x: Array) -> Array:
    """The U of the invented survey: lowest at 240 mg/day, odds ratio 2.0 at 100 and 1.57 at 500."""
    return np.asarray(PLANTED.log_odds_ratio(x, PLANTED.nadir_mg))


FITTED_DEPTH = 0.62
"""Part of the planted U's log odds ratios that the curve fitted to the real files has at 100 mg/day against its median:
odds ratio 1.53 instead of 1.98. A test holds it to the committed estimate."""


RECALLED = (PRIMARY.exposure, SECOND_DAYS[PRIMARY.exposure], "recall_reliable", "recall2_reliable",
            "weight_dietary_2day")  # fmt: skip
"""Columns of an invented survey's people that measurement error is judged by."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Base(Discreet):
    """An invented survey whose outcome is still to be drawn.

    Attributes
    ----------
    problem : study, cohort, design, domain and design matrix of model 1.
    exposure : (m,) their intake, mg/day.
    energy : (n,) everybody's energy intake, kcal, NaN where unknown.
    adjustment : (m,) log odds that age, sex and race/ethnicity give them.
    psu : (m,) position of each one's PSU.
    usual : (m,) the mean of all their days, mg/day, of which the exposure is one.
    people : the whole sample, with both days of recall only: `RECALLED`.
    kept : of `once`.
    """

    problem: Problem
    exposure: Array
    energy: Array
    adjustment: Array
    psu: NDArray[np.intp]
    usual: Array
    people: pd.DataFrame
    kept: dict[tuple[Hashable, ...], Any] = field(default_factory=dict)

    def once(self, *key: Hashable, make: Callable[[], Kept]) -> Kept:
        """What hangs on the survey and its key only, and not on the outcome: made for the first draw, kept for all."""
        if key not in self.kept:
            self.kept[key] = make()
        return cast(Kept, self.kept[key])

    def expected(self, curve: CurveOf) -> Array:
        """Probability of the outcome, (m,), with the intercept that gives a mean of `PREVALENCE`."""
        return self.once("expected", curve, make=lambda: self.expected_with(curve, np.zeros_like(self.exposure)))

    def expected_with(self, curve: CurveOf, log_odds: Array) -> Array:
        """The same with further log odds, (m,), beside the curve's."""
        return _of_mean(self.adjustment + curve(self.exposure) + log_odds, PREVALENCE)

    def expected_of_usual(self, curve: CurveOf) -> Array:
        """The same where the curve is one of usual intake, of which the exposure is one day."""
        return self.once("usual", curve, make=lambda: _of_mean(self.adjustment + curve(self.usual), PREVALENCE))

    def draw(self, curve: CurveOf, rng: np.random.Generator) -> Array:
        """One outcome, (m,) zeros and ones, with these probabilities."""
        return self.draw_of(self.expected(curve), rng)

    def draw_of(self, mu: Array, rng: np.random.Generator) -> Array:
        """One outcome, (m,) zeros and ones, of given probabilities; people of a PSU resemble each other."""
        shared = rng.standard_normal(self.problem.setting.design.psu_stratum.size)[self.psu]
        own = rng.standard_normal(self.exposure.size)
        deviate = np.sqrt(WITHIN_PSU) * shared + np.sqrt(1 - WITHIN_PSU) * own
        return (deviate < scipy.special.ndtri(mu)).astype(float)

    def posed(self, y: Array, *, exposure: Array | None = None) -> Problem:
        """The primary study of these people with a drawn outcome, (m,), and with another exposure, (m,), if given."""
        setting = self.problem.setting
        outcome, intake = setting.y.copy(), setting.exposure.copy()
        outcome[setting.domain.rows] = y
        if exposure is not None:
            intake[setting.domain.rows] = exposure
        return pose_setting(replace(setting, y=outcome, exposure=intake))

    def best_spline(self, curve: CurveOf) -> Array:
        """Coefficients of the spline, (k - 1,), in the regression of the expected outcome: what a fit estimates.

        Raises
        ------
        SimulationError : there is no such regression.
        """
        return self.once("spline", curve, make=lambda: self._best_spline(curve))

    def _best_spline(self, curve: CurveOf) -> Array:
        weights = self.problem.setting.design.weights[self.problem.setting.domain.rows]
        beta = quick_estimate(self.problem.X, self.expected(curve), weights)
        if beta is None:
            raise SimulationError("the expected outcome has no regression: expected a curve that varies moderately.")
        return beta[[self.problem.terms.index(term) for term in self.problem.spline_terms]]

    def model(self, y: Array, *, columns: Array | None = None) -> Regression:
        """Model 1 with an outcome, or that of some of its columns only."""
        terms, domain = np.array(self.problem.terms), self.problem.setting.domain
        kept = np.arange(terms.size) if columns is None else columns
        return Regression(self.problem.X[:, kept], y, domain, tuple(terms[kept]))


def _of_mean(log_odds: Array, mean: float) -> Array:
    """Probabilities of log odds shifted so that their mean is the given one."""
    intercept = scipy.optimize.brentq(lambda a: expit(a + log_odds).mean() - mean, -20, 20)
    return np.asarray(expit(intercept + log_odds))


@lru_cache(maxsize=2)
def base_survey(seed: int) -> Base:
    """Invent a survey of full size and pose the primary study on it; the last two are kept."""
    invented = invent(seed=seed, scale=1.0, truth=PLANTED)
    tables = tables_of(invented, seed=seed)
    people = harmonise({name: tables[name] for name in needed_columns()})
    problem = pose(people, PRIMARY)
    rows = problem.setting.domain.rows
    X = problem.X
    slopes = {"age_years": PLANTED.age_per_year, "sex_female": PLANTED.female,
              "race_ethnicity_non_hispanic_black": PLANTED.non_hispanic_black,
              "race_ethnicity_mexican_american": PLANTED.mexican_american}  # fmt: skip
    adjustment = sum(slope * X[:, problem.terms.index(term)] for term, slope in slopes.items() if term in problem.terms)
    usual = pd.Series(usual_magnesium(invented), index=invented["seqn"].to_numpy())
    return Base(
        problem=problem,
        exposure=problem.setting.exposure[rows],
        energy=people["energy_kcal"].to_numpy(dtype=float),
        adjustment=np.asarray(adjustment),
        psu=problem.setting.design.psu_index[rows],
        usual=usual.loc[people.index[rows]].to_numpy(),
        people=people[list(RECALLED)],
    )


def rates(rows: pd.DataFrame, keys: list[str], hit: str) -> pd.DataFrame:
    """How often something happened: keys, surveys, failed, rate, monte_carlo_error.

    Outcomes drawn in one invented survey share its people, so the error of a rate is that of the mean of the invented
    surveys' own rates; of a single one, it is the binomial error.

    Parameters
    ----------
    rows : one a drawn outcome, with ``base``, the number of its invented survey, the keys and the hit.
    keys : what the rates are by; a missing key is a level of its own.
    hit : column of 1 and 0, NaN where it failed.
    """
    groups = rows.groupby(keys, sort=False, dropna=False)[hit]
    table = groups.agg(surveys="size", failed=lambda values: int(values.isna().sum()), rate="mean")
    means = rows.groupby([*keys, "base"], sort=False, dropna=False)[hit].mean().groupby(keys, sort=False, dropna=False)
    between = means.std() / np.sqrt(means.count())
    binomial = np.sqrt(table["rate"] * (1 - table["rate"]) / groups.count())
    return table.assign(monte_carlo_error=between.fillna(binomial)).reset_index()


def means(rows: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """Mean of a number over drawn outcomes: keys, mean, monte_carlo_error.

    The error is that of the mean of the invented surveys' own means, as that of `rates`; missing where there is one.

    Parameters
    ----------
    rows, keys : as `rates`.
    value : column of numbers, NaN where it failed.
    """
    by_base = rows.groupby([*keys, "base"], sort=False, dropna=False)[value].mean()
    groups = by_base.groupby(keys, sort=False, dropna=False)
    mean = rows.groupby(keys, sort=False, dropna=False)[value].mean()
    return pd.DataFrame({"mean": mean, "monte_carlo_error": groups.std() / np.sqrt(groups.count())}).reset_index()


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is tried on invented surveys.

    Attributes
    ----------
    name : of it.
    rows_of : from an invented survey, a truth and a stream of random numbers to the rows of one drawn outcome.
    truths : what truly draws the outcome, by name.
    tables : from all rows, with ``curve`` (name of the truth) and ``base`` (number of the invented survey), to the
        experiment's tables by name.
    draws_per_survey : outcomes drawn for one invented survey before the next is invented.
    outcomes_of : outcomes that are asked for, to one that it draws: an experiment that costs more draws fewer.
    """

    name: str
    rows_of: Callable[[Base, Any, np.random.Generator], list[Row]]
    truths: Mapping[str, Any]
    tables: Callable[[pd.DataFrame], Frames]
    draws_per_survey: int = DRAWS_PER_SURVEY
    outcomes_of: int = 1

    def tasks(self, *, surveys: int, seed: int) -> list[Task]:
        """A task for every invented survey: all truths on it."""
        outcomes, draws_per_survey = -(-surveys // self.outcomes_of), self.draws_per_survey
        code = self.rows_of.func if isinstance(self.rows_of, partial) else self.rows_of
        starts = range(0, outcomes, draws_per_survey)
        return [
            Task(f"{self.name} {number}", draw_rows, (self.rows_of, self.truths, seed, number, size),
                 module=code.__module__)
            for number, size in enumerate(min(draws_per_survey, outcomes - start) for start in starts)
        ]  # fmt: skip


class Performed(TypedDict, total=False):
    """Who performs the tasks of a simulation and where they are kept, as for `analysis.audit.runner.run_tasks`."""

    jobs: int
    scheduler: str | None
    folder: Path | None
    fresh: bool


def run_experiments(
    experiments: Sequence[Experiment],
    *,
    surveys: int,
    seed: int,
    **performed: Unpack[Performed],
) -> Frames:
    """Tables of experiments by name. They use a survey one after the other, so that it is seldom invented anew.

    Parameters
    ----------
    experiments : what is tried.
    surveys : outcomes drawn for each truth; each experiment invents a new survey after some of them.
    seed : of everything; the same seed gives the same tables, whoever computes.
    performed : without a folder nothing is kept.

    Raises
    ------
    SimulationError : fewer than one survey, or an experiment that cannot be tried.
    AuditError : as `analysis.audit.runner.run_tasks`.
    """
    if surveys < 1:
        raise SimulationError(f"{surveys} surveys: expected at least 1.")
    of = [one.tasks(surveys=surveys, seed=seed) for one in experiments]
    by_survey = list(zip_longest(*of))
    # As many surveys at a time as there are processes: each then takes the experiments of one, and invents it only.
    at_once = max(1, performed.get("jobs", 1))
    waves = [zip(*by_survey[at : at + at_once], strict=True) for at in range(0, len(by_survey), at_once)]
    tasks = [task for wave in waves for of_one in wave for task in of_one if task is not None]
    where: Performed = {"folder": None, **performed}
    found = run_tasks(tasks, NOBODY, progress="simulating", **where)
    if failed := [f"{one.name}: {one.reason}" for one in found if one.reason]:
        raise SimulationError("; ".join(failed))
    rows = dict(zip((task.file_name for task in tasks), (one.frames["rows"] for one in found), strict=True))
    tables: Frames = {}
    for experiment, own in zip(experiments, of, strict=True):
        tables |= experiment.tables(pd.concat([rows[task.file_name] for task in own], ignore_index=True))
    return tables


def draw_rows(
    _: pd.DataFrame,
    rows_of: Callable[[Base, Any, np.random.Generator], list[Row]],
    truths: Mapping[str, Any],
    seed: int,
    number: int,
    draws: int,
) -> list[Row]:
    """All truths on one invented survey; its number and the seed decide every draw."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number])))
    base = base_survey(1_000 * seed + number)
    return list(_labelled(rows_of, truths, base, rng, draws, number))


def _labelled(
    rows_of: Callable[[Base, Any, np.random.Generator], list[Row]],
    truths: Mapping[str, Any],
    base: Base,
    rng: np.random.Generator,
    draws: int,
    number: int,
) -> Iterator[Row]:
    for name, truth in truths.items():
        for _ in range(draws):
            for row in rows_of(base, truth, rng):
                yield {"curve": name, "base": number, **row}
