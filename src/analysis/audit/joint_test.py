"""What a specification curve says as a whole: verdicts by choice, the choices that matter, one test of all estimates.

The estimates of a specification curve are one sample's, looked at in thousands of ways: they rise and fall together,
so that most of them may agree by chance alone. How often they would is known once their joint distribution is. Here it
comes from one bootstrap of the sampling units that all specifications share.

References
----------
Simonsohn, Simmons & Nelson 2020, Nat Hum Behav 4:1208-1214 (specification curve and its joint test). Rao, Wu & Yue
1992, Surv Methodol 18:209-217 (bootstrap of stratified PSUs). Westfall & Young 1993, Resampling-Based Multiple Testing
(adjusted p-values).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
import scipy

from analysis.audit.null_curves import TERMS, Null, null_statistics
from analysis.audit.specifications import CHOICES, STATISTICS, in_first_grid
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.monte_carlo import quantile_error, share_error
from analysis.stats.shape.questions import ENDS, ENDS_HIGHER, FALLS_THEN_RISES, LevelsVerdict, ends_name
from analysis.stats.shape.verdict import ALPHA, INTERIOR, Verdict

NO_ANSWER = "no answer"
"""Verdict of a cell without an estimate: it is counted, so that shares are of all cells that were declared."""

QUANTITIES = (*STATISTICS, "nonlinear_log10_p")
RATIO = ("odds_ratio", "conf_low", "conf_high")
DRAWS = 40_000
"""They put the Monte Carlo error of an adjusted p of 0.05 at about 0.003."""

BATCHES = 20
"""Parts of the draws whose p-values differ by that error."""

PRIMARY_NULL: Null = "design t"
"""The null distribution that answers are read from: in it each single test has its level, whatever its df. The plain
bootstrap takes errors as known; its shares of significant tests are too small if there is nothing."""


class WholeCurveError(AnalysisError):
    """A specification curve about which nothing can be said."""

    exit_code = 5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpecificationCurve(Discreet):
    """The answers of many specifications.

    Attributes
    ----------
    cells : one row a specification, in the order of the grid: its choices and numbers, or the reason for none.
    totals : (n_psu, sum of the answered cells' knots) PSU totals of influence values, the answered cells side by side:
        of each the log odds ratios at the two marks, then its non-linear coefficients with covariance of the identity.
    psu_stratum : (n_psu,) position of each PSU's stratum, of the whole sample.
    """

    cells: pd.DataFrame
    totals: Array
    psu_stratum: Integers

    @property
    def answered(self) -> pd.DataFrame:
        """The cells that have an estimate."""
        return self.cells[self.cells["reason"] == ""]


def collect_answers(parts: Sequence[tuple[pd.DataFrame, Array]], psu_stratum: Integers) -> SpecificationCurve:
    """The curve from the answers of its parts.

    Parameters
    ----------
    parts : rows and totals as `analysis.audit.specifications.answer_arrays` gives them, in any order.
    psu_stratum : of the design.

    Raises
    ------
    WholeCurveError : a specification twice, or other totals than the cells have.
    """
    longest = max((rows for rows, _ in parts), key=lambda rows: rows.shape[1])
    cells = pd.concat([rows for rows, _ in parts], ignore_index=True)[list(longest)]
    if cells.duplicated(list(CHOICES)).any():
        raise WholeCurveError(f"{cells.duplicated(list(CHOICES)).sum()} specifications are there twice: expected once.")
    rank = {
        name: {level: place for place, level in enumerate(dict.fromkeys([*levels, *cells[name]]))}
        for name, levels in CHOICES.items()
    }
    order = cells[list(CHOICES)].apply(lambda column: column.map(rank[column.name])).to_numpy()
    placed = np.lexsort(order.T[::-1])
    widths = np.where(cells["reason"] == "", cells["knots"], 0)
    totals = np.hstack([values for _, values in parts])
    if totals.shape != (len(psu_stratum), widths.sum()):
        raise WholeCurveError(
            f"totals {totals.shape}: expected {(len(psu_stratum), int(widths.sum()))}, those of the cells."
        )
    blocks = np.split(totals, np.cumsum(widths)[:-1], axis=1)
    return SpecificationCurve(
        cells.iloc[placed].reset_index(drop=True), np.hstack([blocks[place] for place in placed]), psu_stratum
    )


# ---- verdicts and choices
def verdict_shares(cells: pd.DataFrame) -> pd.DataFrame:
    """Shares of verdicts over the whole grid and at each level of each choice.

    Parameters
    ----------
    cells : of a `SpecificationCurve`.

    Returns
    -------
    choice, level, verdict, n, share (of the cells of that level, those without an answer included). The whole grid has
    the choice ``all``.
    """
    known = cells.assign(verdict=cells["verdict"].fillna(NO_ANSWER), all="all")
    verdicts = [*get_args(Verdict), *([NO_ANSWER] if cells["verdict"].isna().any() else [])]
    rows = []
    for choice in ("all", *CHOICES):
        for level, part in known.groupby(choice, sort=False):
            counts = part["verdict"].value_counts()
            rows += [
                {"choice": choice, "level": str(level), "verdict": verdict, "n": int(counts.get(verdict, 0)),
                 "share": counts.get(verdict, 0) / len(part)}
                for verdict in verdicts
            ]  # fmt: skip
    return pd.DataFrame(rows)


def verdicts_by_ends(cells: pd.DataFrame) -> pd.DataFrame:
    """Shares of verdicts over the whole grid on both questions about ends, the first of them at every pair of ends.

    Parameters
    ----------
    cells : of a `SpecificationCurve`.

    Returns
    -------
    question, ends (as `analysis.stats.shape.questions.ends_name`), verdict, n, share (of all cells, those without an
    answer included).
    """
    first, *others = map(ends_name, ENDS)
    elsewhere = {(FALLS_THEN_RISES, ends): (f"verdict_{ends}", get_args(Verdict)) for ends in others}
    columns = {(FALLS_THEN_RISES, first): ("verdict", get_args(Verdict)), **elsewhere,
               (ENDS_HIGHER, first): ("levels_verdict", get_args(LevelsVerdict))}  # fmt: skip
    rows = []
    for (question, ends), (column, verdicts) in columns.items():
        counts = cells[column].fillna(NO_ANSWER).value_counts()
        for verdict in (*verdicts, *([NO_ANSWER] if NO_ANSWER in counts else [])):
            n = int(counts.get(verdict, 0))
            rows.append({"question": question, "ends": ends, "verdict": verdict, "n": n, "share": n / len(cells)})
    return pd.DataFrame(rows)


SIDES = {"as is": (1.0, 1.0), "both one-sided": (1.0, 0.5), "both two-sided": (2.0, 1.0)}
"""What the p-values of end slopes and of two lines are multiplied by. The rule's end slopes are one-sided, its two
lines two-sided: that is how each was published, and it is not even-handed."""


def u_by_sides(cells: pd.DataFrame) -> pd.DataFrame:
    """Specifications whose verdict is U when end slopes and two lines are tested alike.

    Two lines of the wrong signs have p 1 and are a U in no way; the one-sided p of the others is half the larger
    two-sided one.

    Parameters
    ----------
    cells : of a `SpecificationCurve`; those without an answer do not count as a U.

    Returns
    -------
    grid (``all``, or ``first declared``), sides, u, n (specifications), share.
    """
    ends, lines, interior = (cells[name].to_numpy(dtype=float) for name in ("end_slopes_p", "two_lines_p", "interior"))
    rows = []
    for grid, inside in (("all", np.ones(len(cells), dtype=bool)), ("first declared", in_first_grid(cells))):
        for sides, (of_ends, of_lines) in SIDES.items():
            lines_p = np.where(lines < 1, of_lines * lines, 1.0)
            found = inside & (of_ends * ends < ALPHA) & (lines_p < ALPHA) & (interior >= INTERIOR)
            u, n = int(found.sum()), int(inside.sum())
            rows.append({"grid": grid, "sides": sides, "u": u, "n": n, "share": u / n})
    return pd.DataFrame(rows)


def decompose(cells: pd.DataFrame) -> pd.DataFrame:
    """Which choices move the estimates: shares of the sum of squares over the grid.

    Three nested additive models of a quantity on the choices, by least squares: main effects, these and all products of
    two choices, every cell by itself. A choice has the fall in the residual sum of squares when it joins the other main
    effects. On the whole grid, which is balanced, that is the classical analysis of variance: the shares of the
    choices, ``interactions`` of two and ``rest`` add up to 1. Cells without an answer are left out; then the choices
    are no longer orthogonal and the shares need not add up, but each is still what that choice adds to the others.

    Parameters
    ----------
    cells : of a `SpecificationCurve`.

    Returns
    -------
    quantity (log_or_p10, log_or_p90, nonlinear_log10_p: minus the decimal logarithm), choice, df (columns it adds),
    share, n (cells). No share is tested: the cells are no sample.

    Raises
    ------
    WholeCurveError : fewer than two cells have an answer.
    """
    able = cells[cells["reason"] == ""]
    if len(able) < 2:
        raise WholeCurveError(f"{len(able)} of {len(cells)} specifications have an answer: expected at least 2.")
    columns = {choice: _effects(able[choice]) for choice in CHOICES}
    products = [_products(columns[a], columns[b]) for a, b in itertools.combinations(CHOICES, 2)]
    main = np.hstack(list(columns.values()))
    both = np.hstack([main, *products])
    rows = []
    for quantity, values in _quantities(able).items():
        total = float(np.sum((values - values.mean()) ** 2))
        left, left_both = _residual(main, values), _residual(both, values)
        for choice in CHOICES:
            others = np.hstack([effects for name, effects in columns.items() if name != choice])
            rows.append((quantity, choice, _rank(main) - _rank(others), _residual(others, values) - left, total))
        rows.append((quantity, "interactions", _rank(both) - _rank(main), left - left_both, total))
        rows.append((quantity, "rest", len(able) - 1 - _rank(both), left_both, total))
    frame = pd.DataFrame(rows, columns=["quantity", "choice", "df", "squares", "total"])
    return frame.assign(share=frame["squares"] / frame["total"], n=len(able))[
        ["quantity", "choice", "df", "share", "n"]
    ]


def _quantities(able: pd.DataFrame) -> dict[str, Array]:
    log_or = {name: np.log(able[name.replace("log_or", "odds_ratio")].to_numpy(dtype=float)) for name in STATISTICS}
    return log_or | {"nonlinear_log10_p": -np.log10(able["nonlinear_p"].to_numpy(dtype=float))}


def _effects(levels: pd.Series) -> Array:
    """Indicators of all levels but the first, centred."""
    indicators = pd.get_dummies(levels.astype(str)).to_numpy(dtype=float)[:, 1:]
    return np.asarray(indicators - indicators.mean(axis=0))


def _products(a: Array, b: Array) -> Array:
    return np.einsum("ni,nj->nij", a, b).reshape(len(a), -1)


def _residual(X: Array, values: Array) -> float:
    """Residual sum of squares on an intercept and X, whose columns may be redundant."""
    X = np.column_stack([np.ones(len(X)), X])
    return float(np.sum((values - X @ np.linalg.lstsq(X, values, rcond=None)[0]) ** 2))


def _rank(X: Array) -> int:
    return int(np.linalg.matrix_rank(np.column_stack([np.ones(len(X)), X]))) - 1


# ---- the joint test
def joint_test(curve: SpecificationCurve, *, draws: int = DRAWS, seed: int = 1, jobs: int = 1) -> pd.DataFrame:
    """Test of the whole curve against no association in any specification.

    "No association" means that under every specification the exposure's curve is flat in the population: all its log
    odds ratios and non-linear coefficients are zero, and what a specification finds is sampling error. Confounding is
    not part of it: a curve that rejects it says that something beyond the covariates is associated with the exposure.

    How the estimates err together is drawn without refits, in the two ways of `analysis.audit.null_curves`; the primary
    one is `PRIMARY_NULL`. Refits under bootstrap weights, centred at the full sample's estimates, would differ from the
    bootstrap by the curvature of the estimates in the weights, of second order in 1 over the number of PSUs. The
    intervals and tests of the cells neglect it as well, so that the joint test and they speak of one distribution; a
    test holds the draws to refits.

    Statistics, as Simonsohn's, adapted to a curve with two ends. ``median_``: absolute median log odds ratio at the
    10th and 90th percentile against the median exposure. ``same_sign_``: share of specifications with the sign that
    most have. ``significant_``: share of those with that sign and p < 0.05. ``both_above``: share with both odds ratios
    above 1, as a U has them. ``nonlinear``: share with non-linear p < 0.05. In a draw the commoner sign is that draw's.

    That there are several statistics is paid for by `adjusted_p_values`: one of them alone is no finding.

    Parameters
    ----------
    curve : the answers; cells without one are left out.
    draws : B, of each null distribution.
    seed : of numpy's PCG64.
    jobs : threads; no number depends on them.

    Returns
    -------
    null, primary (whether that is `PRIMARY_NULL`), term (the statistic), estimate (observed), null_median and null_p95
    (of the draws), p_value (1 + number of draws at least as large)/(1 + B), adjusted_p (for the number of statistics),
    n (cells), draws, seed. What is drawn has its Monte Carlo error in a column of its name and ``_error``: as
    `analysis.stats.monte_carlo` has it, the adjusted p's from `BATCHES` parts of the draws. It is no part of how far
    the two null distributions are apart.

    Raises
    ------
    WholeCurveError : no cell has an answer, or fewer than two draws.

    References
    ----------
    Simonsohn, Simmons & Nelson 2020, Nat Hum Behav 4:1208-1214. Westfall & Young 1993, Resampling-Based Multiple
    Testing.
    """
    able = curve.answered
    if able.empty or draws < 2:
        raise WholeCurveError(f"{len(able)} cells with an answer, {draws} draws: expected at least 1 and 2.")
    observed, parts = observed_statistics(able), []
    for null in get_args(Null):
        drawn = null_statistics(able, curve.totals, curve.psu_stratum, null=null, draws=draws, seed=seed, jobs=jobs)
        compared = _compare(observed, drawn).assign(n=len(able), draws=draws, seed=seed)
        compared.insert(0, "null", null)
        compared.insert(1, "primary", null == PRIMARY_NULL)
        parts.append(compared)
    return pd.concat(parts, ignore_index=True)


def _compare(observed: Array, null: Array) -> pd.DataFrame:
    """Each statistic beside its draws."""
    p_value, adjusted_p = adjusted_p_values(observed, null)
    return pd.DataFrame(
        {
            "term": TERMS,
            "estimate": observed,
            "null_median": np.median(null, axis=0),
            "null_median_error": [quantile_error(values, 0.5) for values in null.T],
            "null_p95": np.quantile(null, 0.95, axis=0),
            "null_p95_error": [quantile_error(values, 0.95) for values in null.T],
            "p_value": p_value,
            "p_value_error": [share_error(p, len(null)) for p in p_value],
            "adjusted_p": adjusted_p,
            "adjusted_p_error": _batch_error(observed, null),
        }
    )


def _batch_error(observed: Array, null: Array) -> Array:
    """Standard error of the adjusted p-values: of the mean of those that parts of the draws give."""
    parts = np.array_split(null, min(BATCHES, len(null)))
    found = np.array([adjusted_p_values(observed, part)[1] for part in parts])
    return np.asarray(found.std(axis=0, ddof=1) / np.sqrt(len(parts)))


def adjusted_p_values(observed: Array, null: Array) -> tuple[Array, Array]:
    """P-value of each statistic, and the same adjusted for their number by the smallest p (single step).

    The sample is ranked with its draws, q_bk = share of the 1 + B with a statistic at least that of b. The p-value of
    statistic k is the sample's own, p_k = q_0k; adjusted, it is the share of the 1 + B whose smallest q is at most p_k:
    how often any of the statistics would be as far out as this one if there were nothing.

    Parameters
    ----------
    observed : (K,) statistics of the sample, large ones speaking against the hypothesis.
    null : (B, K) those of the draws under it.

    References
    ----------
    Westfall & Young 1993, Resampling-Based Multiple Testing (single-step minP).
    """
    pool = np.round(np.vstack([observed, null]), 12)  # a share that is the same up to rounding is as large
    q = scipy.stats.rankdata(-pool, method="max", axis=0) / len(pool)
    return q[0], np.mean(q.min(axis=1)[:, None] <= q[0], axis=0)


def observed_statistics(able: pd.DataFrame) -> Array:
    """(8,) statistics of the sample, in the order of `TERMS`.

    Parameters
    ----------
    able : cells with an estimate.
    """
    found, above = [], []
    for mark in ("p10", "p90"):
        ratios, low, high = (able[f"{name}_{mark}"].to_numpy(dtype=float) for name in RATIO)
        above.append(ratios > 1)
        share = np.mean(above[-1])
        commoner = ratios > 1 if share >= 0.5 else ratios < 1
        significant = commoner & ((low > 1) | (high < 1))
        found += [abs(np.median(np.log(ratios))), max(share, 1 - share), np.mean(significant)]
    bent = able["nonlinear_p"].to_numpy(dtype=float) < ALPHA
    return np.array([*found, np.mean(above[0] & above[1]), np.mean(bent)])
