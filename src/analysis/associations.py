"""From participants and a study to its fit, odds-ratio curve, tests and quintiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.stats

from analysis.data.cohort import Cohort, select_cohort
from analysis.stats.design import Domain, Integers, SurveyDesign, domain_of
from analysis.stats.hypotheses import TermTest, rao_scott_test, wald_test
from analysis.stats.shape import Nadir, find_nadir
from analysis.stats.splines import Array, RestrictedCubicSpline, place_knots
from analysis.stats.survey import LogisticFit, fit_logistic
from analysis.study import CATEGORIES, Study, StudyError

NADIR_RANGE = (0.05, 0.95)
"""Quantiles of the cohort's exposure between which the lowest point is looked for."""

CURVE_RANGE = (0.01, 0.99)
GRID_POINTS = 201


@dataclass(frozen=True, slots=True, eq=False)
class OddsRatioCurve:
    """Odds ratio of the outcome at each exposure against the reference.

    Attributes
    ----------
    knots, reference : of the spline, in the unit of the exposure.
    conf_level : level of the pointwise t intervals.
    frame : x, log_or, std_error, odds_ratio, conf_low, conf_high.
    """

    knots: tuple[float, ...]
    reference: float
    conf_level: float
    frame: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Association:
    """Everything one study found.

    Attributes
    ----------
    study, cohort : what was asked, and of whom.
    fit : the survey-weighted logistic regression.
    spline : its basis; a new x re-uses these knots.
    spline_terms : names of the basis columns' coefficients, the linear one first.
    reference : exposure of odds ratio 1, the cohort's unweighted median.
    tests : (test, TermTest) pairs: overall and nonlinear, Wald and Rao-Scott.
    nadir : lowest point between the cohort's 5th and 95th percentile.
    dropped : covariates, or levels of them, that do not vary in this domain and left the model.
    """

    study: Study
    cohort: Cohort
    fit: LogisticFit
    spline: RestrictedCubicSpline
    spline_terms: tuple[str, ...]
    reference: float
    tests: tuple[tuple[str, TermTest], ...]
    nadir: Nadir
    dropped: tuple[str, ...]

    def curve(self, x: Sequence[float] | Array) -> OddsRatioCurve:
        """Odds ratios at x against the reference: log OR(x) = (basis(x) - basis(reference)) beta."""
        index = self.fit.index(self.spline_terms)
        points = np.asarray(x, dtype=float)
        contrast = self.spline.basis(points) - self.spline.basis(np.array([self.reference]))
        frame = contrast_frame(self.fit, index, contrast, conf_level=self.study.conf_level)
        frame.insert(0, "x", points)
        return OddsRatioCurve(tuple(self.spline.knots), self.reference, self.study.conf_level, frame)

    def tests_frame(self) -> pd.DataFrame:
        """Tests as test, method, statistic, df_num, df_den, p_value."""
        return pd.DataFrame(
            [
                {
                    "test": name,
                    "method": test.method,
                    "statistic": test.statistic,
                    "df_num": test.df_num,
                    "df_den": test.df_den,
                    "p_value": test.p_value,
                }
                for name, test in self.tests
            ]
        )


def estimate(frame: pd.DataFrame, study: Study) -> Association:
    """Answer a study on the harmonised participants.

    Parameters
    ----------
    frame : all interviewed people; nobody may have been dropped, or the variance would be wrong.
    study : the protocol.

    Returns
    -------
    Association

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : the study asks for what the protocol does
        not define, or for what these people cannot answer.
    """
    cohort, design, domain, exposure = _prepare(frame, study)
    eligible = exposure[cohort.rows.to_numpy()]
    spline = RestrictedCubicSpline(place_knots(eligible, study.knots))
    reference = float(np.median(eligible))
    spline_terms = (study.exposure, *(f"{study.exposure}_s{j}" for j in range(1, spline.columns)))
    basis = np.nan_to_num(spline.basis(exposure))
    adjustment, adjustment_terms, dropped = covariate_columns(frame, study, domain)
    y = frame[study.outcome_column].fillna(0.0).to_numpy()
    intercept = np.ones((len(frame), 1))

    def fit(columns: int) -> LogisticFit:
        X = np.hstack([intercept, basis[:, :columns], adjustment])
        terms = ("intercept", *spline_terms[:columns], *adjustment_terms)
        return fit_logistic(X, y, design=design, domain=domain, terms=terms)

    full = fit(spline.columns)
    low, high = np.quantile(eligible, NADIR_RANGE)
    beta = full.beta[full.index(spline_terms)]
    return Association(
        study=study,
        cohort=cohort,
        fit=full,
        spline=spline,
        spline_terms=spline_terms,
        reference=reference,
        tests=(
            ("overall", wald_test(full, spline_terms)),
            ("overall", rao_scott_test(full, fit(0), spline_terms)),
            ("nonlinear", wald_test(full, spline_terms[1:])),
            ("nonlinear", rao_scott_test(full, fit(1), spline_terms[1:])),
        ),
        nadir=find_nadir(spline, beta, reference=reference, low=float(low), high=float(high)),
        dropped=dropped,
    )


def quintiles(frame: pd.DataFrame, study: Study, *, reference_quintile: int) -> pd.DataFrame:
    """Odds ratios of the exposure's quintiles against one of them.

    Cut points are the unweighted type-7 quintiles of the cohort, before any loss to missing covariates; quintile k
    holds the values above cut k-1 up to and including cut k.

    Parameters
    ----------
    frame, study : as for `estimate`; the study's knots are not used.
    reference_quintile : 1 to 5.

    Returns
    -------
    Five rows: reference_quintile, quintile, lower, upper, n, cases, log_or, std_error, odds_ratio, conf_low, conf_high,
    p_value.

    Raises
    ------
    StudyError : the reference is not 1 to 5, or quintiles coincide. Otherwise as `estimate`.
    """
    if reference_quintile not in range(1, 6):
        raise StudyError(f"reference_quintile={reference_quintile}: expected 1 to 5.")
    cohort, design, domain, exposure = _prepare(frame, study)
    eligible = exposure[cohort.rows.to_numpy()]
    cuts = np.quantile(eligible, np.arange(1, 5) / 5)
    if np.any(np.diff(cuts) <= 0):
        raise StudyError(f"quintile cuts of {study.exposure} are {cuts.tolist()}: expected increasing values.")
    group = 1 + np.searchsorted(cuts, exposure, side="left")
    others = [k for k in range(1, 6) if k != reference_quintile]
    adjustment, adjustment_terms, _ = covariate_columns(frame, study, domain)
    X = np.hstack([np.ones((len(frame), 1)), *[(group == k)[:, None].astype(float) for k in others], adjustment])
    terms = ("intercept", *(f"quintile_{k}" for k in others), *adjustment_terms)
    y = frame[study.outcome_column].fillna(0.0).to_numpy()
    fit = fit_logistic(X, y, design=design, domain=domain, terms=terms)
    contrast = np.array([[float(k == other) for other in others] for k in range(1, 6)])
    index = fit.index(tuple(f"quintile_{k}" for k in others))
    odds = contrast_frame(fit, index, contrast, conf_level=study.conf_level)
    members = [domain.rows & (group == k) for k in range(1, 6)]
    counts = pd.DataFrame(
        {
            "reference_quintile": reference_quintile,
            "quintile": np.arange(1, 6),
            # Open ends: the lowest and highest intake are single people's values.
            "lower": [-np.inf, *cuts],
            "upper": [*cuts, np.inf],
            "n": [int(member.sum()) for member in members],
            "cases": [int(y[member].sum()) for member in members],
        }
    )
    t = (odds["log_or"] / odds["std_error"]).abs()
    return counts.join(odds).assign(p_value=2 * scipy.stats.t.sf(t, fit.residual_df))


def exposure_distribution(frame: pd.DataFrame, study: Study, *, edges: Array) -> pd.DataFrame:
    """Cohort in each interval of exposure, lower <= x < upper: lower, upper, n, and share, which is weighted."""
    cohort = select_cohort(frame, study)
    exposure, weights = frame.loc[cohort.rows, study.exposure], cohort.weights[cohort.rows]
    n, _ = np.histogram(exposure, bins=edges)
    share, _ = np.histogram(exposure, bins=edges, weights=weights / weights.sum())
    return pd.DataFrame({"lower": edges[:-1], "upper": edges[1:], "n": n, "share": share})


def curve_grid(association: Association, frame: pd.DataFrame) -> Array:
    """Fine grid of exposure from the cohort's 1st to its 99th percentile."""
    exposure = frame.loc[association.cohort.rows, association.study.exposure]
    low, high = np.quantile(exposure, CURVE_RANGE)
    return np.linspace(low, high, GRID_POINTS)


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
    log_or = contrast @ fit.beta[index]
    variance = np.einsum("ij,jk,ik->i", contrast, fit.vcov[np.ix_(index, index)], contrast)
    std_error = np.sqrt(np.maximum(variance, 0.0))
    half = scipy.stats.t.ppf((1 + conf_level) / 2, fit.residual_df) * std_error
    return pd.DataFrame(
        {
            "log_or": log_or,
            "std_error": std_error,
            "odds_ratio": np.exp(log_or),
            "conf_low": np.exp(log_or - half),
            "conf_high": np.exp(log_or + half),
        }
    )


def covariate_columns(
    frame: pd.DataFrame, study: Study, domain: Domain
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Design columns of the study's covariates: numbers as they are, categories as indicators.

    Returns
    -------
    (n, p) float array, p names, and the names of columns left out because they do not vary in the domain (a study of
    women has no column for sex).
    """
    columns: dict[str, Array] = {}
    for name in study.covariates:
        if name in CATEGORIES:
            for level in CATEGORIES[name][1:]:
                columns[f"{name}_{level}"] = (frame[name] == level).to_numpy(dtype=float)
        else:
            columns[name] = frame[name].to_numpy(dtype=float)
    constant = tuple(name for name, values in columns.items() if np.ptp(values[domain.rows]) == 0)
    kept = tuple(name for name in columns if name not in constant)
    if not kept:
        return np.empty((len(frame), 0)), (), constant
    return np.nan_to_num(np.column_stack([columns[name] for name in kept])), kept, constant


def _prepare(frame: pd.DataFrame, study: Study) -> tuple[Cohort, SurveyDesign, Domain, Array]:
    cohort = select_cohort(frame, study)
    design = SurveyDesign(
        strata=frame["strata"].to_numpy(),
        psu=frame["psu"].to_numpy(),
        weights=cohort.weights.to_numpy(),
        lonely_domain=study.lonely_domain,
    )
    return cohort, design, domain_of(design, cohort.complete.to_numpy()), frame[study.exposure].to_numpy(dtype=float)
