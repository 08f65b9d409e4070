"""Four variances of the same statistics of 1999-2000: Taylor's, two by our replicates, and one by NCHS's own.

DEMO of 1999-2000 carries 52 jackknife weights that NCHS made (WTMREP01-52), and no later cycle has any. They belong to
the two-year examination weight. So all statistics here have that weight, even magnesium, whose own is the dietary one:
what is compared is standard errors, and no estimate here is a result.

What the weights are, as the file itself shows: everybody with a weight is left out of exactly one replicate; each
replicate adds up to the full sample's total; who stays counts 1.013 times as much in the median (52/51 is 1.020) and
nobody 1.22 times, where a jackknife within strata of two PSUs would count some people twice. It is a delete-one-group
jackknife without strata (JK1), of scale 51/52 and 51 degrees of freedom. The 683 people who were interviewed and not
examined have weight zero in every replicate.

Why the two variances differ. NCHS's groups are about halves of primary sampling units (25 of the 27 pseudo-PSUs are
home to two groups and two to one; 86 % of people lie in their group's home, and masking seems to have exchanged the
others). They are compared without strata, and in each replicate adjusted to the population total again; Taylor's
pseudo-PSUs are whole and compared within their stratum. Taking halves of a PSU for independent makes the jackknife's
error smaller, counting differences between strata makes it larger, so it may fall on either side. And a standard error
is itself an estimate, known to about 1/sqrt(2 df): 19 % on Taylor's 14 degrees of freedom, 10 % on 51.

Gregg et al. 2004 used the first release, for which NCHS gave out these weights. Their intervals, 12.8-16.8 % and
22.0-35.1 %, are those of the weights with t on 51 degrees of freedom, to every printed digit; a scale of 1 or the
normal distribution would miss them, and so does Taylor linearisation, which NCHS has recommended since.

References
----------
NCHS, Continuous NHANES web tutorial, "Key concepts about variance estimation methods in NHANES" (the delete-one
jackknife was used first for 1999-2000). Gregg et al. 2004, Diabetes Care 27:1591-1597. Rust & Rao 1996, Stat Methods
Med Res 5:283-310. Woodruff 1952, J Am Stat Assoc 47:635-646. Checked against R ``survey::svrepdesign`` in
tests/reference.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from analysis.data.source.reading import read_table
from analysis.data.source.registry import Registry
from analysis.dose_response.problem import Problem, pose
from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.regression.hypotheses import Contrasts
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.descriptives import mean_of, quantile_of, weighted_mean
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.stats.sample.replicates import (
    Replicates,
    bootstrap,
    jackknife,
    provided,
    replicate_df,
    replicate_statistic,
    replicate_vcov,
)
from analysis.study import BOOTSTRAP_REPLICATES, Study
from analysis.validation.studies.replication import PRINTED_LEVEL, read_replications

TABLE = "DEMO"
REPLICATE_COLUMNS = tuple(f"WTMREP{number:02d}" for number in range(1, 53))

STUDY = Study(exposure="magnesium_mg", outcome="strict", weights="mec", knots=4, model="1", cycles=(1999,))
"""Spelled out and not taken from the primary study: the replicate weights are of this cycle and this weight alone."""

INTAKES = (100.0, 500.0)
"""Magnesium in mg/day of which the log odds ratio is compared; about the 6th and 93rd percentile of the cohort."""

SEED = 1
"""Of the bootstrap."""

VARIANCES = ("taylor", "jackknife", "bootstrap", "nchs")
COLUMNS = ("term", "unit", "n", "variance", "estimate", "std_error", "ratio_to_taylor", "statistic", "df", "p_value",
           "conf_low", "conf_high", "replicates", "failed")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Compared(Discreet):
    """The people of the cycle, the study posed on them, and the replicates to try, by name."""

    people: pd.DataFrame
    problem: Problem
    replicates: dict[str, Replicates]

    @property
    def design(self) -> SurveyDesign:
        """The cycle's whole sample."""
        return self.problem.setting.design


def read_replicate_weights(registry: Registry, raw: Path) -> pd.DataFrame:
    """NCHS's 52 jackknife weights of 1999-2000, people represented; indexed by SEQN.

    Parameters
    ----------
    registry, raw : as for `analysis.data.source.reading.read_table`.

    Raises
    ------
    SourceError : the file is missing or altered, or is an invented survey's, which has none.
    """
    return read_table(registry, raw, TABLE, columns=REPLICATE_COLUMNS)


def variance_check(
    people: pd.DataFrame,
    replicate_weights: pd.DataFrame,
    *,
    replicates: int = BOOTSTRAP_REPLICATES,
    seed: int = SEED,
) -> pd.DataFrame:
    """Statistics of 1999-2000 with the error that each variance gives them.

    Variances are ``taylor``; ``jackknife``, delete-one-PSU within strata (JKn); ``bootstrap`` (Rao-Wu-Yue); and
    ``nchs``. Deviations of replicates are from the full sample's estimate. Errors and limits of the median are
    Woodruff's from each variance's error of F(median), because the jackknife of a quantile itself is not consistent;
    they go from one reported intake to another, and so can be the same by several variances.

    Parameters
    ----------
    people : harmonised participants; other cycles are set aside, whose strata are others.
    replicate_weights : (n, B) weights of a delete-one-group jackknife, indexed by SEQN, for everybody of the cycle.
    replicates, seed : of the bootstrap.

    Returns
    -------
    A row per statistic and variance: term, unit, n, variance, estimate, std_error, ratio_to_taylor (of standard
    errors), statistic (t; F of the test of non-linearity, which has no estimate), df (of the statistic's denominator),
    p_value, conf_low, conf_high, replicates, failed (those without an estimate). Where a number was published, a row
    of variance ``published`` follows.

    Raises
    ------
    DesignError : replicate weights of other people, or of another kind than delete-one-group.
    StudyError, SplineError, ConvergenceError : as `analysis.dose_response.association.estimate`.
    """
    people = people[people["cycle"].isin(STUDY.cycles)]
    problem = pose(people, STUDY)
    design = problem.setting.design
    sample = _Compared(
        people,
        problem,
        {
            "jackknife": jackknife(design),
            "bootstrap": bootstrap(design, replicates=replicates, seed=seed),
            "nchs": delete_one_group(_of_people(replicate_weights, people), design),
        },
    )
    rows = pd.concat([_prevalences(sample), _intakes(sample), _regression(sample)], ignore_index=True)
    taylor = rows["std_error"].where(rows["variance"] == "taylor").groupby(rows["term"]).transform("first")
    rows["ratio_to_taylor"] = rows["std_error"] / taylor
    counts = dict.fromkeys(("n", "df", "replicates", "failed"), "Int64")
    return rows.reindex(columns=list(COLUMNS)).astype(counts)


def side_by_side(check: pd.DataFrame) -> pd.DataFrame:
    """A row per statistic with its standard errors beside each other: what a reader compares.

    Parameters
    ----------
    check : of `variance_check`.

    Returns
    -------
    term, unit, n, estimate, then se_taylor, se_jackknife, se_bootstrap, se_nchs, nchs_to_taylor, df and failed of each
    likewise, and the intervals of taylor, nchs and the literature (low_taylor, high_taylor, ...). The test of
    non-linearity, which has no standard error, is left out.
    """
    ours = check[check["std_error"].notna()]
    by = {column: ours.pivot_table(index="term", columns="variance", values=column, sort=False, dropna=False)
          for column in ("std_error", "df", "failed", "conf_low", "conf_high")}  # fmt: skip
    table = ours.drop_duplicates("term").set_index("term")[["unit", "n", "estimate"]]
    for name in VARIANCES:
        table[f"se_{name}"] = by["std_error"][name]
    table["nchs_to_taylor"] = table["se_nchs"] / table["se_taylor"]
    for name in VARIANCES:
        table[f"df_{name}"] = by["df"][name].astype("int64")
    for name in VARIANCES[1:]:
        table[f"failed_{name}"] = by["failed"][name].astype("int64")
    for name in ("taylor", "nchs"):
        table[f"low_{name}"], table[f"high_{name}"] = by["conf_low"][name], by["conf_high"][name]
    published = check[check["variance"] == "published"].set_index("term")
    table["published"] = published["estimate"]
    table["low_published"], table["high_published"] = published["conf_low"], published["conf_high"]
    return table.reset_index()


def delete_one_group(weights: Array, design: SurveyDesign) -> Replicates:
    """Provided weights of a delete-one-group jackknife without strata (JK1): scale (B - 1)/B, df of their rank.

    Parameters
    ----------
    weights : (n, B) float array, whole weights in the rows of the design.
    design : the whole sample with the full-sample weights.

    Raises
    ------
    DesignError : somebody with a weight is left out of another number of replicates than one; otherwise as
        `analysis.stats.sample.replicates.provided`.
    """
    size = max(weights.shape[-1], 1)
    replicates = provided(weights, design=design, scale=(size - 1) / size)
    left_out = np.sum(weights[design.weights > 0] == 0, axis=1)
    if np.any(left_out != 1):
        raise DesignError(
            f"{count_of(np.sum(left_out != 1))} people are left out of {left_out.min()} to {left_out.max()} of the "
            f"{replicates.size} replicates: expected each with a weight to be left out of exactly one, as in a "
            "delete-one-group jackknife."
        )
    return replicates


def _of_people(replicate_weights: pd.DataFrame, people: pd.DataFrame) -> Array:
    strangers = replicate_weights.index.symmetric_difference(people.index)
    if len(strangers) or not replicate_weights.index.is_unique:
        raise DesignError(
            f"replicate weights of {len(replicate_weights)} rows for {len(people)} people, "
            f"{count_of(len(strangers))} SEQN in one of the two only: expected one row for everybody interviewed in "
            "1999-2000."
        )
    return replicate_weights.loc[people.index].to_numpy(dtype=float)


# ---- means and a quantile
def _prevalences(sample: _Compared) -> pd.DataFrame:
    """Gregg 2004's two percentages, and what they printed."""
    people = sample.people
    eligible = people["pn_lenient"].notna() & (people["age_years"] >= STUDY.age_min)
    percent = 100 * people["pn_lenient"].to_numpy(dtype=float)
    parts = []
    told = people["told_diabetes"] == 1
    known = {row.item: row for row in read_replications() if row.study == "Gregg 2004"}
    for item, (term, chosen) in {
        "PN, %": ("neuropathy, all aged 40 or older", eligible),
        "PN, told of diabetes, %": ("neuropathy, diagnosed diabetes", eligible & told),
    }.items():
        ours, theirs = _mean_rows(sample, percent, chosen.to_numpy()), known[item]
        limits = {"conf_low": float(theirs.printed_low), "conf_high": float(theirs.printed_high)}
        printed = {"variance": "published", "estimate": float(theirs.printed), **limits}
        parts.append(pd.concat([ours, pd.DataFrame([printed])]).assign(term=term, unit="%"))
    return pd.concat(parts)


def _intakes(sample: _Compared) -> pd.DataFrame:
    """Mean and median intake of the people of the regression."""
    setting = sample.problem.setting
    rows, x = setting.domain.rows, setting.exposure
    mean = _mean_rows(sample, x, rows).assign(term="magnesium, mean")
    median = quantile_of(x[rows], setting.design.weights[rows], 0.5)
    share = _mean_rows(sample, (x <= median).astype(float), rows)
    ends = {end: [quantile_of(x[rows], setting.design.weights[rows], at) for at in share[end]]
            for end in ("conf_low", "conf_high")}  # fmt: skip
    woodruff = share.assign(term="magnesium, median", estimate=median, **ends)
    t = scipy.stats.t.ppf((1 + PRINTED_LEVEL) / 2, woodruff["df"])
    woodruff["std_error"] = (woodruff["conf_high"] - woodruff["conf_low"]) / (2 * t)
    return pd.concat([mean, woodruff]).assign(unit="mg/day")


def _mean_rows(sample: _Compared, y: Array, rows: Bools) -> pd.DataFrame:
    """A mean over some rows with its error by each variance."""
    design = sample.design
    domain = domain_of(design, rows)
    inside, values = domain.rows, y[domain.rows]
    taylor = weighted_mean(y, design=design, domain=domain, conf_level=PRINTED_LEVEL)
    found = [{"variance": "taylor", "estimate": taylor.estimate, "std_error": taylor.std_error, "df": taylor.df,
              "conf_low": taylor.conf_low, "conf_high": taylor.conf_high}]  # fmt: skip
    for name, replicates in sample.replicates.items():
        replicated = replicate_statistic(lambda weights: np.array([mean_of(values, weights[inside])]), replicates,
                                         design, rows=inside, centre="estimate", progress=name)  # fmt: skip
        row = replicated.to_frame(terms=("",), conf_level=PRINTED_LEVEL).drop(columns="term").iloc[0].to_dict()
        found.append({"variance": name, **row, "replicates": replicates.size, "failed": replicated.failed})
    return pd.DataFrame(found).assign(n=taylor.n)


# ---- a regression
def _regression(sample: _Compared) -> pd.DataFrame:
    """Log odds ratios, non-linear coefficients and their joint test under the covariance of each variance."""
    problem = sample.problem
    setting = problem.setting
    fit = fit_logistic(problem.X, problem.y, design=setting.design, domain=setting.domain, terms=problem.terms)
    parts = [_contrast_rows(problem, fit, fit.vcov, fit.residual_df).assign(variance="taylor")]
    for name, replicates in sample.replicates.items():
        refits = refit_logistic(problem.X, problem.y, design=setting.design, domain=setting.domain, fit=fit,
                                factors=replicates.factors, by=replicates.unit, progress=name)  # fmt: skip
        vcov = replicate_vcov(refits.beta, replicates, centre=fit.beta)
        # R's svyglm on a replicate design: as the residual df of a linearised fit, with the replicates' own df.
        df = replicate_df(replicates, setting.design, rows=setting.domain.rows) + 1 - len(fit.terms)
        counts = {"replicates": replicates.size, "failed": refits.failed}
        parts.append(_contrast_rows(problem, fit, vcov, df).assign(variance=name, **counts))
    # Statistic by statistic, as the other tables are.
    return pd.concat(parts).assign(n=fit.n).sort_index(kind="stable")


def _contrast_rows(problem: Problem, fit: LogisticFit, vcov: Array, df: int) -> pd.DataFrame:
    index, curved = fit.index(problem.spline_terms), problem.spline_terms[1:]
    matrix = np.zeros((len(INTAKES) + len(curved), len(fit.terms)))
    matrix[: len(INTAKES), index] = problem.contrast(np.array(INTAKES))
    matrix[len(INTAKES) :, fit.index(curved)] = np.eye(len(curved))
    labels = (
        *(f"magnesium, {x:g} mg against the median" for x in INTAKES),
        *(f"coefficient {term}" for term in curved),
    )
    estimate, spread = matrix @ fit.beta, matrix @ vcov @ matrix.T
    rows = Contrasts(labels, estimate, spread, df).to_frame(conf_level=PRINTED_LEVEL)
    rows["unit"] = ["log odds ratio"] * len(INTAKES) + ["log odds"] * len(curved)
    tested = slice(len(INTAKES), None)
    test = Contrasts(labels[tested], estimate[tested], spread[tested, tested], df).joint_test()
    joint = {"term": "magnesium, test of non-linearity", "unit": f"F, {test.df_num} numerator df",
             "statistic": test.statistic, "df": test.df_den, "p_value": test.p_value}  # fmt: skip
    return pd.concat([rows, pd.DataFrame([joint])], ignore_index=True)
