"""The answer to a study: its fit, odds-ratio curve with bands, standardised prevalence and tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.special

from analysis.data.people.cohort import Cohort, refuse_parts
from analysis.dose_response.fits import model_of
from analysis.dose_response.problem import Problem, pose
from analysis.errors import kind_words
from analysis.stats.arrays import Array, Bools, Integers, Row
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.bands import CriticalValue, simultaneous_limits, sup_t_critical_value
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.regression.hypotheses import TermTest, rao_scott_test, wald_test
from analysis.stats.regression.hypotheses import contrast as linear_contrast
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.regression.standardise import StandardisedPrevalence, standardise
from analysis.stats.shape.nadir import RANGE, Nadir, find_nadir
from analysis.study import Study, StudyError

CURVE_RANGE = (0.01, 0.99)
"""Quantiles of the cohort's exposure between which a curve is drawn."""

GRID_POINTS = 201


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OddsRatioCurve(Discreet):
    """Odds ratio of the outcome at each exposure against the reference.

    Attributes
    ----------
    knots, reference : of the spline, in the unit of the exposure.
    conf_level : level of the pointwise t intervals.
    critical_value : of the simultaneous band, see `analysis.stats.regression.bands`.
    frame : x, log_or, std_error, odds_ratio, conf_low, conf_high (pointwise), band_low, band_high (simultaneous).
    extrapolated : a boolean for each row: whether nobody of the cohort has so low or so high an exposure.
    """

    knots: tuple[float, ...]
    reference: float
    conf_level: float
    critical_value: float
    frame: pd.DataFrame
    extrapolated: Bools


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrevalenceCurve(Discreet):
    """Standardised prevalence of the outcome at each exposure, and against that at the reference.

    Attributes
    ----------
    reference : of differences and ratios, in the unit of the exposure.
    conf_level : level of every interval.
    frame : x, prevalence, std_error, conf_low, conf_high (pointwise), band_low, band_high (simultaneous, over x and the
        reference), difference, difference_low, difference_high, ratio, ratio_low, ratio_high; prevalences and
        differences as shares.
    extrapolated : as of `OddsRatioCurve`.
    """

    reference: float
    conf_level: float
    frame: pd.DataFrame
    extrapolated: Bools


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Association(Discreet):
    """Everything one study found.

    Attributes
    ----------
    problem : the study as a regression.
    fit : the survey-weighted logistic regression.
    tests : by test and method: ``tests["nonlinear", "wald"]``; overall and nonlinear, wald and rao_scott.
    nadir : lowest point between the cohort's 5th and 95th percentile.
    """

    shown = ("study.exposure", "study.outcome", "study.model", "fit.n", "fit.cases", "fit.residual_df", "fit.terms")

    problem: Problem
    fit: LogisticFit
    tests: dict[tuple[str, str], TermTest]
    nadir: Nadir

    @property
    def study(self) -> Study:
        """What was asked."""
        return self.problem.setting.study

    @property
    def cohort(self) -> Cohort:
        """Of whom it was asked."""
        return self.problem.setting.cohort

    @property
    def spline(self) -> RestrictedCubicSpline:
        """The basis that was fitted."""
        return self.problem.spline

    @property
    def reference(self) -> float:
        """Exposure of odds ratio 1."""
        return self.problem.reference

    @property
    def dropped(self) -> tuple[str, ...]:
        """Covariates, or levels of them, that do not vary in this domain and left the model."""
        return self.problem.setting.dropped

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that every output of this study must have; see `analysis.dose_response.problem.Setting.notes`."""
        placed, asked = self.spline.knots.size, self.study.knots
        fewer = () if placed == asked else (f"{placed} knots instead of {asked}, where places coincide.",)
        return (*self.problem.setting.notes, *fewer)

    @property
    def spline_index(self) -> Integers:
        """Positions of the spline's coefficients."""
        return self.fit.index(self.problem.spline_terms)

    def grid(self) -> Array:
        """Fine grid of exposure from the cohort's 1st to its 99th percentile."""
        return curve_grid(self.problem.setting.eligible)

    def refuse_unseen(self, x: Sequence[float] | Array) -> None:
        """Refuse exposures beyond the cohort's, where the curve is a straight line that nobody's data bear.

        Raises
        ------
        StudyError : one of x is below the lowest or above the highest exposure of the cohort.
        """
        refuse_unseen(self.problem.setting.eligible, x)

    def band_critical_value(self) -> CriticalValue:
        """What standard errors are multiplied by so that the band holds the whole curve over its grid."""
        contrast, index = self.problem.contrast(self.grid()), self.spline_index
        vcov = contrast @ self.fit.vcov[np.ix_(index, index)] @ contrast.T
        return sup_t_critical_value(vcov, df=self.fit.residual_df, conf_level=self.study.conf_level)

    def curve(self, x: float | Sequence[float] | Array, *, extrapolate: bool = False) -> OddsRatioCurve:
        """Odds ratios at x against the reference: log OR(x) = (basis(x) - basis(reference)) beta.

        Parameters
        ----------
        x : an exposure, or several.
        extrapolate : follow the straight lines beyond the lowest and the highest exposure of the cohort, too.

        Raises
        ------
        StudyError : one of x lies there, and ``extrapolate`` is not set, see `refuse_unseen`; or x is not one or more
            numbers.
        """
        points, beyond = self._placed(x, extrapolate)
        frame = contrast_frame(
            self.fit, self.spline_index, self.problem.contrast(points), conf_level=self.study.conf_level
        )
        critical = self.band_critical_value()
        low, high = simultaneous_limits(frame["log_or"].to_numpy(), frame["std_error"].to_numpy(), critical=critical)
        frame = frame.assign(band_low=np.exp(low), band_high=np.exp(high))
        frame.insert(0, "x", points)
        return OddsRatioCurve(
            tuple(self.spline.knots), self.reference, self.study.conf_level, critical.value, frame, beyond
        )

    def _placed(self, x: float | Sequence[float] | Array, extrapolate: bool) -> tuple[Array, Bools]:
        """Exposures as an array, and which of them lie beyond the cohort's."""
        points = exposures_of(x)
        if not extrapolate:
            self.refuse_unseen(points)
        return points, unseen(self.problem.setting.eligible, points)

    def prevalence(self, x: float | Sequence[float] | Array, *, extrapolate: bool = False) -> PrevalenceCurve:
        """Standardised prevalence at x, its difference from and ratio to that at the reference.

        Parameters and errors as `curve`.
        """
        wanted, beyond = self._placed(x, extrapolate)
        # Each exposure once, so that the reference differs from itself by nothing and not by rounding.
        points, asked = np.unique(np.append(wanted, self.reference), return_inverse=True)
        found = self._standardised(points)
        level, reference = self.study.conf_level, int(asked[-1])
        prevalence = found.to_frame(conf_level=level)
        difference = found.differences(reference).to_frame(conf_level=level)
        ratio = found.ratios(reference).to_frame(conf_level=level, exponentiate=True)
        low, high = _logit_band(found, conf_level=level)
        frame = pd.DataFrame(
            {
                "x": points,
                "prevalence": prevalence["estimate"],
                "std_error": prevalence["std_error"],
                "conf_low": prevalence["conf_low"],
                "conf_high": prevalence["conf_high"],
                "band_low": low,
                "band_high": high,
                "difference": difference["estimate"],
                "difference_low": difference["conf_low"],
                "difference_high": difference["conf_high"],
                "ratio": ratio["estimate"],
                "ratio_low": ratio["conf_low"],
                "ratio_high": ratio["conf_high"],
            }
        )
        return PrevalenceCurve(self.reference, level, frame.iloc[asked[:-1]].reset_index(drop=True), beyond)

    def _standardised(self, points: Array) -> StandardisedPrevalence:
        setting = self.problem.setting
        return standardise(
            self.fit,
            self.problem.X,
            self.problem.y,
            columns=self.spline_index,
            settings=self.spline.basis(points),
            design=setting.design,
            domain=setting.domain,
        )

    def tests_frame(self) -> pd.DataFrame:
        """Tests as test, method, statistic, df_num, df_den, p_value."""
        return pd.DataFrame([row_of_test(name, method, test) for (name, method), test in self.tests.items()])


def exposures_of(x: float | Sequence[float] | Array) -> Array:
    """One exposure or several as an array.

    Raises
    ------
    StudyError : x is not a number, or a list of numbers.
    """
    try:
        points = np.atleast_1d(np.asarray(x, dtype=float))
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 1 or not points.size or not np.isfinite(points).all():
        given = ", ".join(f"{point:g}" for point in points.flat) or kind_words(x)
        raise StudyError(
            f"{given}: expected an intake, or a list of one or more, in the exposure's unit, such as 100 or [100, 200]."
        )
    return points


def unseen(eligible: Array, x: Array) -> Bools:
    """Which of x lie beyond the lowest or the highest exposure of a cohort."""
    return np.asarray(~((np.min(eligible) <= x) & (x <= np.max(eligible))))


def curve_grid(eligible: Array) -> Array:
    """Fine grid from the 1st to the 99th percentile of a cohort's exposure, for which curves are drawn."""
    low, high = np.quantile(eligible, CURVE_RANGE)
    return np.linspace(low, high, GRID_POINTS)


def refuse_unseen(eligible: Array, x: Sequence[float] | Array) -> None:
    """Refuse exposures beyond the cohort's; see `Association.refuse_unseen`.

    Parameters
    ----------
    eligible : exposure of the cohort.
    x : what is asked for.
    """
    points = np.asarray(x, dtype=float)
    beyond = points[unseen(eligible, points)]
    if beyond.size:
        # The lowest and the highest intake are single people's values: the message says where the curve is instead.
        drawn = [f"{float(f'{end:.2g}'):g}" for end in np.quantile(eligible, CURVE_RANGE)]
        raise StudyError(
            f"{', '.join(f'{point:g}' for point in beyond)}: below the lowest or above the highest intake of the "
            "cohort. Expected intakes near those that the curve is drawn for, from the 1st to the 99th percentile: "
            f"about {' to '.join(drawn)}."
        )


def estimate(people: pd.DataFrame, study: Study) -> Association:
    """Answer a study on the harmonised participants.

    Parameters
    ----------
    people : all interviewed people; nobody may have been dropped, or the variance would be wrong.
    study : the protocol.

    Returns
    -------
    Association

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : the study asks for what the protocol does
        not define, or for what these people cannot answer.
    """
    refuse_parts(people)
    return associate(pose(people, study))


def associate(problem: Problem) -> Association:
    """Fit a study that has been posed, and test it; errors as `estimate`."""
    setting, spline_terms = problem.setting, problem.spline_terms

    def fit_without(terms: tuple[str, ...]) -> LogisticFit:
        """A smaller model, of which only the deviance is read."""
        return fit_quickly(model_of(problem).without(terms), setting.design)

    full = fit_logistic(problem.X, problem.y, design=setting.design, domain=setting.domain, terms=problem.terms)
    low, high = np.quantile(setting.eligible, RANGE)
    beta = full.beta[full.index(spline_terms)]
    return Association(
        problem=problem,
        fit=full,
        tests={
            ("overall", "wald"): wald_test(full, spline_terms),
            ("overall", "rao_scott"): rao_scott_test(full, fit_without(spline_terms), spline_terms),
            ("nonlinear", "wald"): wald_test(full, spline_terms[1:]),
            ("nonlinear", "rao_scott"): rao_scott_test(full, fit_without(spline_terms[1:]), spline_terms[1:]),
        },
        nadir=find_nadir(problem.spline, beta, reference=problem.reference, low=float(low), high=float(high)),
    )


def row_of_test(name: str, method: str, test: Any) -> Row:
    """One row of `Association.tests_frame`: of a `TermTest`, or whatever else has an F, its df and its p."""
    numbers = {column: getattr(test, column) for column in ("statistic", "df_num", "df_den", "p_value")}
    return {"test": name, "method": method} | numbers


def contrast_frame(fit: LogisticFit, index: Integers, contrast: Array, *, conf_level: float) -> pd.DataFrame:
    """Odds ratios of linear contrasts of coefficients: log_or, std_error, odds_ratio, conf_low, conf_high.

    Parameters
    ----------
    fit : the regression.
    index : (q,) positions of the coefficients that the contrast combines.
    contrast : (m, q) float array, one row per contrast; a row of zeros is an odds ratio of exactly 1.
    conf_level : level of the t intervals on the residual df.

    Returns
    -------
    m rows; log_or and std_error in log odds, the others on the scale of the odds ratio.
    """
    found = linear_contrast(fit, contrast, terms=tuple(fit.terms[position] for position in index))
    ratios = found.to_frame(conf_level=conf_level, exponentiate=True)
    return pd.DataFrame(
        {
            "log_or": found.estimate,
            "std_error": found.std_error,
            "odds_ratio": ratios["estimate"],
            "conf_low": ratios["conf_low"],
            "conf_high": ratios["conf_high"],
        }
    )


def _logit_band(found: StandardisedPrevalence, *, conf_level: float) -> tuple[Array, Array]:
    logits = found.logits()
    critical = sup_t_critical_value(logits.vcov, df=found.df, conf_level=conf_level)
    low, high = simultaneous_limits(logits.estimate, np.sqrt(np.diag(logits.vcov)), critical=critical)
    return scipy.special.expit(low), scipy.special.expit(high)
