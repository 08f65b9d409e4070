"""Replicate weights of a stratified sample of PSUs, and the covariance that replicated estimates give.

A replicate multiplies the weights of each PSU by one factor, so a design of B replicates is an (n_psu, B) array.

References
----------
Rust & Rao 1996, Stat Methods Med Res 5:283-310 (jackknife). Rao, Wu & Yue 1992, Surv Methodol 18:209-217 (bootstrap).
Checked against R ``survey::as.svrepdesign`` in tests/reference.
"""

from dataclasses import dataclass

import numpy as np

from analysis.stats.design import DesignError, Integers, SurveyDesign
from analysis.stats.splines import Array


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """A replicate design.

    Attributes
    ----------
    kind : ``JKn`` or ``bootstrap``.
    factors : (n_psu, B) float array, what each PSU's weights are multiplied by.
    scale, rscales : covariance is scale * sum_b rscales_b (b - centre)(b - centre)ᵀ.
    df : degrees of freedom, PSUs - strata.
    """

    kind: str
    factors: Array
    scale: float
    rscales: Array
    df: int


def jackknife(design: SurveyDesign) -> Replicates:
    """Delete-one-PSU jackknife for stratified samples (JKn).

    Replicate j drops PSU j and multiplies the others of its stratum by n_h/(n_h - 1); its share in the covariance is
    (n_h - 1)/n_h.

    Raises
    ------
    DesignError : a stratum has one PSU, which cannot be dropped.
    """
    stratum = design.psu_stratum
    n_h = _psus_per_stratum(design)[stratum]
    same = stratum[:, None] == stratum[None, :]
    factors = np.where(same, (n_h / (n_h - 1))[None, :], 1.0)
    np.fill_diagonal(factors, 0.0)
    return Replicates("JKn", factors, 1.0, (n_h - 1) / n_h, stratum.size - np.unique(stratum).size)


def bootstrap(design: SurveyDesign, *, replicates: int, seed: int) -> Replicates:
    """Rescaling bootstrap: n_h - 1 PSUs drawn with replacement from the n_h of each stratum.

    A PSU drawn m times has the factor m n_h/(n_h - 1).

    Parameters
    ----------
    design : the whole sample.
    replicates : number of them, at least 2.
    seed : of numpy's PCG64; the same seed gives the same replicates.

    Raises
    ------
    DesignError : fewer than two replicates, or a stratum with one PSU, of which none can be drawn.
    """
    if replicates < 2:
        raise DesignError(f"{replicates} replicates: expected at least 2.")
    generator = np.random.Generator(np.random.PCG64(seed))
    factors = np.zeros((design.psu_stratum.size, replicates))
    for stratum, n_h in enumerate(_psus_per_stratum(design)):
        psus = np.flatnonzero(design.psu_stratum == stratum)
        drawn = generator.multinomial(n_h - 1, np.full(n_h, 1 / n_h), size=replicates)
        factors[psus] = drawn.T * (n_h / (n_h - 1))
    df = design.psu_stratum.size - np.unique(design.psu_stratum).size
    return Replicates("bootstrap", factors, 1 / (replicates - 1), np.ones(replicates), df)


def replicate_vcov(estimates: Array, replicates: Replicates, *, centre: Array | None = None) -> Array:
    """Covariance of an estimate from its replicates.

    V = scale sum_b rscales_b (theta_b - centre)(theta_b - centre)ᵀ

    Parameters
    ----------
    estimates : (B, p) float array; a replicate that failed is NaN and left out, the others count for it.
    replicates : the design that gave them.
    centre : (p,) full-sample estimate, or None for the mean of the replicates, R's default.

    Returns
    -------
    (p, p) float array.

    Raises
    ------
    DesignError : another number of estimates than replicates, or fewer than two that did not fail.
    """
    if estimates.ndim != 2 or len(estimates) != replicates.rscales.size:
        raise DesignError(f"estimates {estimates.shape}: expected ({replicates.rscales.size}, p), a row a replicate.")
    able = np.all(np.isfinite(estimates), axis=1)
    if able.sum() < 2:
        raise DesignError(f"{int(able.sum())} of {able.size} replicates have an estimate: expected at least 2.")
    change = estimates[able] - (estimates[able].mean(axis=0) if centre is None else centre)
    rscales = replicates.rscales[able] * (replicates.rscales.sum() / replicates.rscales[able].sum())
    return replicates.scale * (change * rscales[:, None]).T @ change


def _psus_per_stratum(design: SurveyDesign) -> Integers:
    n_h = np.bincount(design.psu_stratum)
    if np.any(n_h == 1):
        codes = np.unique(design.strata)[n_h == 1].tolist()
        raise DesignError(f"strata {codes} have one PSU each: expected at least two to make replicates from.")
    return n_h
