"""How often the intervals and tests of this project are right, on surveys whose truth is known.

A survey is invented by `analysis.data.synthetic` with all it has of people, design and intakes; then its outcome is
drawn many times from a known curve. The outcome of person i is 1 where a normal deviate, a part of which i's PSU
shares, lies below the quantile of mu_i. So P(y_i = 1) is exactly mu_i = expit(adjustment_i + curve(exposure_i)) and
people of one PSU resemble each other: model 1 is right but for the curve's shape, and what errs is the inference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import joblib
import numpy as np
import pandas as pd
import scipy.optimize
import scipy.stats
from numpy.typing import NDArray
from scipy.special import expit
from tqdm import tqdm

from analysis.data.harmonise import harmonise, needed_columns
from analysis.data.synthetic import PLANTED, survey_frames
from analysis.errors import AnalysisError
from analysis.problem import Problem, pose
from analysis.stats.batch import refit_logistic
from analysis.stats.design import Bools
from analysis.stats.hypotheses import rao_scott_test, wald_test
from analysis.stats.many import Model, fit_one, quick_estimate
from analysis.stats.replicates import Replicates, bootstrap, jackknife, replicate_vcov
from analysis.stats.splines import Array
from analysis.stats.survey import LogisticFit
from analysis.study import PRIMARY

INTAKES = (100.0, 150.0, 200.0, 350.0, 500.0)
"""Magnesium, mg/day, at which intervals of the odds ratio against the median are looked at."""

PREVALENCE = 0.18
WITHIN_PSU = 0.012
"""Correlation of the normal deviates of two people of a PSU: it gives design effects of NHANES' size, 1.5 to 2."""

DRAWS_PER_SURVEY = 25
"""Outcomes drawn for one invented survey before the next is invented."""

BOOTSTRAP_REPLICATES = 200
CONF_LEVEL = 0.95
ALPHA = 0.05

CurveOf = Callable[[Array], Array]
SomeCurve = TypeVar("SomeCurve", bound=CurveOf)
Row = dict[str, object]


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

COVERAGE_CURVES: dict[str, CurveOf] = {"no association": flat, "U, lowest at 240 mg": u_shaped}


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """An invented survey whose outcome is still to be drawn.

    Attributes
    ----------
    problem : study, cohort, design, domain and design matrix of model 1.
    X : (m, p) design matrix of the domain's rows.
    exposure : (m,) their intake, mg/day.
    energy : (n,) everybody's energy intake, kcal, NaN where unknown.
    adjustment : (m,) log odds that age, sex and race/ethnicity give them.
    psu : (m,) position of each one's PSU.
    """

    problem: Problem
    X: Array
    exposure: Array
    energy: Array
    adjustment: Array
    psu: NDArray[np.intp]

    def expected(self, curve: CurveOf) -> Array:
        """Probability of the outcome, (m,), with the intercept that gives a mean of `PREVALENCE`."""
        return self.expected_with(curve, np.zeros_like(self.exposure))

    def expected_with(self, curve: CurveOf, log_odds: Array) -> Array:
        """The same with further log odds, (m,), beside the curve's."""
        return _of_mean(self.adjustment + curve(self.exposure) + log_odds, PREVALENCE)

    def draw(self, curve: CurveOf, rng: np.random.Generator) -> Array:
        """One outcome, (m,) zeros and ones, with these probabilities."""
        return self.draw_of(self.expected(curve), rng)

    def draw_of(self, mu: Array, rng: np.random.Generator) -> Array:
        """One outcome, (m,) zeros and ones, of given probabilities; people of a PSU resemble each other."""
        shared = rng.standard_normal(self.problem.setting.design.psu_stratum.size)[self.psu]
        own = rng.standard_normal(self.exposure.size)
        deviate = np.sqrt(WITHIN_PSU) * shared + np.sqrt(1 - WITHIN_PSU) * own
        return (deviate < scipy.stats.norm.ppf(mu)).astype(float)

    def best_spline(self, curve: CurveOf) -> Array:
        """Coefficients of the spline, (k - 1,), in the regression of the expected outcome: what a fit estimates.

        Raises
        ------
        SimulationError : there is no such regression.
        """
        weights = self.problem.setting.design.weights[self.problem.setting.domain.rows]
        beta = quick_estimate(self.X, self.expected(curve), weights)
        if beta is None:
            raise SimulationError("the expected outcome has no regression: expected a curve that varies moderately.")
        return beta[[self.problem.terms.index(term) for term in self.problem.spline_terms]]

    def model(self, y: Array, *, columns: Array | None = None) -> Model:
        """Model 1 with an outcome, or that of some of its columns only."""
        terms, domain = np.array(self.problem.terms), self.problem.setting.domain
        kept = np.arange(terms.size) if columns is None else columns
        return Model(self.X[:, kept], y, domain, tuple(terms[kept]))


def _of_mean(log_odds: Array, mean: float) -> Array:
    """Probabilities of log odds shifted so that their mean is the given one."""
    intercept = scipy.optimize.brentq(lambda a: expit(a + log_odds).mean() - mean, -20, 20)
    return np.asarray(expit(intercept + log_odds))


def base_survey(seed: int) -> Base:
    """Invent a survey of full size and pose the primary study on it."""
    frames, needed = survey_frames(seed=seed), needed_columns()
    people = harmonise({name: frames[name].set_index("SEQN") for name in needed})
    problem = pose(people, PRIMARY)
    rows = problem.setting.domain.rows
    X = problem.X[rows]
    slopes = {"age_years": PLANTED.age_per_year, "sex_female": PLANTED.female,
              "race_ethnicity_non_hispanic_black": PLANTED.non_hispanic_black,
              "race_ethnicity_mexican_american": PLANTED.mexican_american}  # fmt: skip
    adjustment = sum(slope * X[:, problem.terms.index(term)] for term, slope in slopes.items() if term in problem.terms)
    return Base(
        problem=problem,
        X=X,
        exposure=problem.setting.exposure[rows],
        energy=people["energy_kcal"].to_numpy(dtype=float),
        adjustment=np.asarray(adjustment),
        psu=problem.setting.design.psu_index[rows],
    )


def simulate_coverage(
    *, surveys: int, seed: int, jobs: int = 1, draws_per_survey: int = DRAWS_PER_SURVEY
) -> pd.DataFrame:
    """Coverage of the curve's intervals and rejection rates of the non-linear test, with Monte Carlo errors.

    Parameters
    ----------
    surveys : outcomes drawn for each curve; a new survey is invented after every ``draws_per_survey`` of them.
    seed : of everything; the same seed gives the same table, whatever the number of jobs.
    jobs : processes.

    Returns
    -------
    curve, quantity (``coverage`` or ``rejection``), method, intake_mg (missing for tests), surveys, failed, rate,
    monte_carlo_error, rate_of_target and its error, nominal. The target is the odds ratio of the spline that fits the
    expected outcome best: where four knots cannot follow the true curve, an interval can hold only that.

    Raises
    ------
    SimulationError : fewer than one survey.
    """
    cells = run_cells(
        _coverage_rows, COVERAGE_CURVES, surveys=surveys, seed=seed, jobs=jobs, draws_per_survey=draws_per_survey
    )
    every = pd.DataFrame(cells)
    keys = ["curve", "quantity", "method", "intake_mg"]
    table = rates(every, keys, "hit")
    of_target = rates(every, keys, "hit_of_target")
    table = table.assign(rate_of_target=of_target["rate"], monte_carlo_error_of_target=of_target["monte_carlo_error"])
    table["nominal"] = np.where(table["quantity"] == "coverage", CONF_LEVEL, ALPHA)
    no_size = (table["quantity"] == "rejection") & (table["curve"] != "no association")
    return table.assign(nominal=table["nominal"].mask(no_size))


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


def run_cells(
    rows_of: Callable[[Base, SomeCurve, np.random.Generator], list[Row]],
    curves: dict[str, SomeCurve],
    *,
    surveys: int,
    seed: int,
    jobs: int,
    draws_per_survey: int = DRAWS_PER_SURVEY,
) -> list[Row]:
    """Rows of every drawn survey of every curve, invented surveys spread over processes.

    Parameters
    ----------
    rows_of : from an invented survey, a curve and a stream of random numbers to the rows of one drawn outcome.
    curves, surveys, seed, jobs, draws_per_survey : as `simulate_coverage`.
    """
    if surveys < 1:
        raise SimulationError(f"{surveys} surveys: expected at least 1.")
    starts = range(0, surveys, draws_per_survey)
    sizes = [min(draws_per_survey, surveys - start) for start in starts]
    tasks = (joblib.delayed(_run_batch)(rows_of, curves, seed, number, size) for number, size in enumerate(sizes))
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks)
    bar = tqdm(total=surveys, desc="simulating", unit="survey", disable=None, leave=False)
    rows: list[Row] = []
    with bar:
        for part, size in zip(done, sizes, strict=True):
            rows += part
            bar.update(size)
    return rows


def _run_batch(
    rows_of: Callable[[Base, SomeCurve, np.random.Generator], list[Row]],
    curves: dict[str, SomeCurve],
    seed: int,
    number: int,
    draws: int,
) -> list[Row]:
    """All curves on one invented survey; its number and the seed decide every draw."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number])))
    base = base_survey(1_000 * seed + number)
    return list(_labelled(rows_of, curves, base, rng, draws, number))


def _labelled(
    rows_of: Callable[[Base, SomeCurve, np.random.Generator], list[Row]],
    curves: dict[str, SomeCurve],
    base: Base,
    rng: np.random.Generator,
    draws: int,
    number: int,
) -> Iterator[Row]:
    for name, curve in curves.items():
        for _ in range(draws):
            for row in rows_of(base, curve, rng):
                yield {"curve": name, "base": number, **row}


def _coverage_rows(base: Base, curve: CurveOf, rng: np.random.Generator) -> list[Row]:
    y = base.draw(curve, rng)
    problem, design = base.problem, base.problem.setting.design
    fit = fit_one(base.model(y), design)
    index = fit.index(problem.spline_terms)
    points = np.array(INTAKES)
    truth = curve(points) - curve(np.array([problem.reference]))
    target = problem.contrast(points) @ base.best_spline(curve)
    rows: list[Row] = []
    for method, vcov in _covariances(base, fit, y, rng).items():
        inside, of_target = (_covers(fit, vcov, problem.contrast(points), index, where) for where in (truth, target))
        rows += [
            {
                "quantity": "coverage",
                "method": method,
                "intake_mg": intake,
                "hit": float(hit),
                "hit_of_target": float(also),
            }
            for intake, hit, also in zip(INTAKES, inside, of_target, strict=True)
        ]
        p_value = wald_test(_with_vcov(fit, vcov), problem.spline_terms[1:]).p_value
        rows.append(_rejection(f"{method}, Wald", p_value))
    linear = fit_one(base.model(y, columns=np.delete(np.arange(len(fit.terms)), index[1:])), design)
    rows.append(_rejection("taylor, Rao-Scott", rao_scott_test(fit, linear, problem.spline_terms[1:]).p_value))
    return rows


def _rejection(method: str, p_value: float) -> Row:
    return {"quantity": "rejection", "method": method, "intake_mg": np.nan, "hit": float(p_value < ALPHA),
            "hit_of_target": np.nan}  # fmt: skip


def _covers(fit: LogisticFit, vcov: Array, contrast: Array, index: NDArray[np.intp], truth: Array) -> Bools:
    """Whether the t intervals of contrasts hold their true values."""
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", contrast, vcov[np.ix_(index, index)], contrast))
    half = scipy.stats.t.ppf((1 + CONF_LEVEL) / 2, fit.residual_df) * std_error
    covered: Bools = np.abs(contrast @ fit.beta[index] - truth) <= half
    return covered


def _covariances(base: Base, fit: LogisticFit, y: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Covariance of the coefficients by Taylor linearisation, jackknife and bootstrap."""
    design = base.problem.setting.design
    resampled = {
        "jackknife": jackknife(design),
        "bootstrap": bootstrap(design, replicates=BOOTSTRAP_REPLICATES, seed=int(rng.integers(2**32))),
    }
    return {"taylor": fit.vcov} | {name: _replicated(base, fit, y, found) for name, found in resampled.items()}


def _replicated(base: Base, fit: LogisticFit, y: Array, replicates: Replicates) -> Array:
    setting = base.problem.setting
    outcome = np.zeros(setting.domain.rows.size)
    outcome[setting.domain.rows] = y
    refits = refit_logistic(
        base.problem.X, outcome, design=setting.design, domain=setting.domain, fit=fit, factors=replicates.factors
    )
    return replicate_vcov(refits.beta, replicates)


def _with_vcov(fit: LogisticFit, vcov: Array) -> LogisticFit:
    values = {name: getattr(fit, name) for name in fit.__match_args__}
    return LogisticFit(**(values | {"vcov": vcov}))
