"""Specification curves as they would be if nothing were associated: draws common to all specifications.

An estimate minus its population value is, to first order, the sum over PSUs of its influence totals z. Draw b gives

    theta*_bk = sum_i m_bi z_ik / s_bk

with multipliers m common to all specifications k, so that the estimates err together as they do in the sample. Two
distributions of m and s are known here:

``design t``: m_bi = sqrt(n_h/(n_h - 1)) (g_bi - mean_h g_b), g_bi ~ N(0, 1). The covariance of the sums over draws is
    the Taylor covariance of all estimates, between specifications as within. s_bk is the root of a chi-square over its
    degrees of freedom, the residual df of k; one uniform number a draw gives those of all k. Divided by it, theta*_k
    has df/(df - 2) times its Taylor variance, that of a t variable: theta*_k over its error is t and each non-linear
    Wald statistic F, on just the df of the specification's own p-value, and each single test has its level.

``bootstrap``: m_bi = t_bi n_h/(n_h - 1) - 1, t_bi how often PSU i is among n_h - 1 drawn with replacement from the n_h
    of its stratum, and s_bk = 1. The covariance of the sums is the same. Errors are those of the sample in every draw,
    as if they were known, so that a test with few df is significant in fewer draws than its level says.

How they are counted
--------------------
m = R g for ``design t``, R symmetric, so that M Z = G (R Z): R is applied to the totals once instead of to every draw.
Both distributions move PSUs against those of their own stratum only: with Q orthonormal contrasts within the strata
(Helmert's, n_psu - n_strata of them), M Z = (M Q)(Qᵀ Z), half as long a product where strata have two PSUs.
With the columns of one mark, or of one order of non-linear coefficient, side by side, each statistic is a product of
matrices and a few passes over a block of draws that the processor's cache holds:

- theta/s has the median of a row; half the values lie below it, so that the upper of the two middle values is found by
  one selection and the lower is the largest of those it leaves below. Sign and s leave "above" as it is.
- an odds ratio is significant if |theta/s| exceeds its t limit times its error, the non-linear coefficients u (of unit
  covariance) if sum_j u_j² > s² (knots - 2) F limit; u is divided by the root of the limit beforehand.
- s is read from a table of the few df that there are, per block.

Blocks are independent, and numpy lets go of Python's lock in each step, so that threads share them.

References
----------
Rao, Wu & Yue 1992, Surv Methodol 18:209-217 (bootstrap of stratified PSUs).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import joblib
import numpy as np
import pandas as pd
import scipy

from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet
from analysis.stats.parallel import in_parallel
from analysis.stats.sample.design import SurveyDesign
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape.verdict import ALPHA

Null = Literal["design t", "bootstrap"]

TERMS = (
    *(f"{name}_{mark}" for mark in ("p10", "p90") for name in ("median", "same_sign", "significant")),
    "both_above",
    "nonlinear",
)
"""Statistics of a curve; `analysis.audit.joint_test.joint_test` says what they are."""

PART = 1000
"""Draws that a thread is given at a time."""

CELLS = 200_000
"""Estimates, draws by specifications, in a block: 1.6 megabytes an array."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Columns(Discreet):
    """Influence totals in the order of counting: specifications by number of knots, arrays (contrasts, cells).

    Attributes
    ----------
    marks : log odds ratios at the two marks.
    limits : (2, cells) |theta/s| from which each is significant.
    bends : of each number of knots its first specification, the one after its last, and its non-linear coefficients,
        each divided so that they are significant if the sum of squares exceeds s².
    df, level : different residual df, and (cells,) the position of each specification's among them.
    """

    marks: tuple[Array, Array]
    limits: Array
    bends: tuple[tuple[int, int, tuple[Array, ...]], ...]
    df: Array
    level: Integers


def null_statistics(
    able: pd.DataFrame,
    totals: Array,
    psu_stratum: Integers,
    *,
    null: Null,
    draws: int,
    seed: int,
    jobs: int = 1,
) -> Array:
    """Statistics of a curve in each draw under no association.

    Parameters
    ----------
    able : specifications with an estimate: knots and residual_df.
    totals, psu_stratum : of `analysis.audit.joint_test.SpecificationCurve`.
    null : how multipliers and scales are drawn.
    draws : B.
    seed : of numpy's PCG64.
    jobs : threads; no number depends on them.

    Returns
    -------
    (B, 8), in the order of `TERMS`.
    """
    multipliers, uniform = _drawn(psu_stratum, null=null, draws=draws, seed=seed)
    root = taylor_root(psu_stratum)
    spread = np.sqrt(np.sum((root @ totals) ** 2, axis=0))
    within = contrasts_within(psu_stratum)
    multipliers = multipliers @ within
    columns = _columns(able, within.T @ (root @ totals if null == "design t" else totals), spread)
    block = max(1, CELLS // len(able))
    tasks = (
        joblib.delayed(_part)(columns, multipliers[at : at + PART], uniform[at : at + PART], block)
        for at in range(0, draws, PART)
    )
    return np.vstack(list(in_parallel(tasks, jobs=jobs, total=draws, unit="draw", progress="joint test")))


def taylor_root(psu_stratum: Integers) -> Array:
    """(n_psu, n_psu) matrix R with (R z)ᵀ (R z) the Taylor variance of an estimate with totals z; R is symmetric."""
    n_h = np.bincount(psu_stratum)[psu_stratum]
    same = psu_stratum[:, None] == psu_stratum[None, :]
    # A stratum of one PSU adds nothing: its total is its mean.
    return (np.eye(n_h.size) - same / n_h[:, None]) * np.sqrt(n_h / np.maximum(n_h - 1, 1))[:, None]


def contrasts_within(psu_stratum: Integers) -> Array:
    """(n_psu, n_psu - n_strata) orthonormal contrasts between the PSUs of a stratum: Helmert's, stratum by stratum."""
    columns = []
    for stratum in np.unique(psu_stratum):
        of_stratum = np.flatnonzero(psu_stratum == stratum)
        block = np.zeros((psu_stratum.size, of_stratum.size - 1))
        block[of_stratum] = scipy.linalg.helmert(of_stratum.size).T
        columns.append(block)
    return np.hstack(columns)


def scales(uniform: Array, df: Array) -> Array:
    """(B, levels) roots of chi-squares over their df, all of a draw from one uniform number; 1 where that is NaN."""
    drawn = np.sqrt(scipy.stats.chi2.ppf(uniform[:, None], df) / df)
    return np.where(np.isnan(uniform)[:, None], 1.0, drawn)


def _drawn(psu_stratum: Integers, *, null: Null, draws: int, seed: int) -> tuple[Array, Array]:
    """(B, n_psu) multipliers, those of ``design t`` without R, and (B,) uniform numbers, NaN for a scale of 1."""
    if null == "design t":
        generator = np.random.Generator(np.random.PCG64(seed))
        return generator.standard_normal((draws, psu_stratum.size)), generator.random(draws)
    multipliers = np.zeros((draws, psu_stratum.size))
    several = np.bincount(psu_stratum)[psu_stratum] > 1  # a stratum of one PSU adds nothing
    if several.any():
        design = SurveyDesign(psu_stratum[several], np.flatnonzero(several), np.ones(several.sum()))
        multipliers[:, several] = bootstrap(design, replicates=draws, seed=seed).factors.T - 1
    return multipliers, np.full(draws, np.nan)


def _columns(able: pd.DataFrame, totals: Array, spread: Array) -> _Columns:
    knots, df = able["knots"].to_numpy(), able["residual_df"].to_numpy(dtype=float)
    order = np.argsort(knots, kind="stable")
    first, knots, df = (np.cumsum(knots) - knots)[order], knots[order], df[order]
    at_marks = [first + mark for mark in (0, 1)]
    t_limit = scipy.stats.t.ppf(1 - ALPHA / 2, df)
    f_limit = scipy.stats.f.ppf(1 - ALPHA, knots - 2, df) * (knots - 2)
    bends = []
    for number in np.unique(knots):
        start, stop = np.searchsorted(knots, [number, number + 1])
        root_limit = np.sqrt(f_limit[start:stop])
        bends.append((
            int(start), int(stop),
            tuple(totals[:, first[start:stop] + column] / root_limit for column in range(2, number)),
        ))  # fmt: skip
    levels, level = np.unique(df, return_inverse=True)
    return _Columns(
        marks=(totals[:, at_marks[0]], totals[:, at_marks[1]]),
        limits=np.array([t_limit * spread[at] for at in at_marks]),
        bends=tuple(bends),
        df=levels,
        level=level,
    )


def _part(columns: _Columns, multipliers: Array, uniform: Array, block: int) -> Array:
    by_level = scales(uniform, columns.df)
    parts = [slice(at, at + block) for at in range(0, len(multipliers), block)]
    return np.vstack([_statistics(columns, multipliers[part], by_level[part]) for part in parts])


def _statistics(columns: _Columns, multipliers: Array, by_level: Array) -> Array:
    """(b, 8) statistics of a block of draws."""
    scale = by_level.take(columns.level, axis=1)
    cells = scale.shape[1]
    found, above = [], []
    for totals, limit in zip(columns.marks, columns.limits, strict=True):
        theta = multipliers @ totals
        theta /= scale
        above.append(theta > 0)
        share, rising, falling = _counts(above[-1]) / cells, _counts(theta > limit), _counts(theta < -limit)
        found += [
            np.abs(_medians(theta)),
            np.maximum(share, 1 - share),
            np.where(share >= 0.5, rising, falling) / cells,
        ]
    bent = np.zeros(len(theta), dtype=np.intp)
    for start, stop, coefficients in columns.bends:
        bent += _counts(_sum_of_squares(multipliers, coefficients) > scale[:, start:stop] ** 2)
    return np.column_stack([*found, _counts(above[0] & above[1]) / cells, bent / cells])


def _medians(values: Array) -> Array:
    """Median of each row, whose order is lost."""
    middle = values.shape[1] // 2
    values.partition(middle, axis=1)
    if values.shape[1] % 2:
        return np.asarray(values[:, middle])
    return np.asarray((values[:, :middle].max(axis=1) + values[:, middle]) / 2)


def _sum_of_squares(multipliers: Array, coefficients: Sequence[Array]) -> Array:
    total = (multipliers @ coefficients[0]) ** 2
    for totals in coefficients[1:]:
        theta = multipliers @ totals
        theta *= theta
        total += theta
    return total


def _counts(true: Bools) -> Integers:
    """How many of each row are true, added up in as few bits as hold them."""
    return true.view(np.uint8).sum(axis=1, dtype=np.uint32).astype(np.intp)
