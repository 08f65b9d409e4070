"""Replicate weights of a sample of PSUs, and the covariance that replicated estimates give.

A replicate multiplies weights by factors. Where it is made from the design, every PSU has one, so a design of B
replicates is an (n_psu, B) array; weights that come with the data have a factor for every row.

References
----------
Rust & Rao 1996, Stat Methods Med Res 5:283-310 (jackknife, balanced half-samples, Fay's). Rao, Wu & Yue 1992, Surv
Methodol 18:209-217 (bootstrap). Checked against R ``survey::as.svrepdesign`` and ``svrepdesign`` in tests/reference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import joblib
import numpy as np
import pandas as pd
import scipy.special

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.parallel import in_parallel
from analysis.stats.sample.design import DesignError, SurveyDesign

ReplicateKind = Literal["JK1", "JKn", "BRR", "Fay", "bootstrap", "provided"]
Unit = Literal["psu", "row"]
Centre = Literal["mean", "estimate"]
Statistic = Callable[[Array], Array]

RANK_TOLERANCE = 1e-5
"""Share of the largest singular value below which weights add nothing to the rank; R's of its QR decomposition."""

CHUNK = 25
"""Replicates that a worker is given at a time: what the statistic holds is sent once for all of them."""

EVERY = slice(None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Replicates(Discreet):
    """A replicate design.

    Attributes
    ----------
    kind : ``JK1``, ``JKn``, ``BRR``, ``Fay``, ``bootstrap`` or ``provided``.
    factors : (n_psu, B) or (n, B) float array, what the weights of each PSU, or row, are multiplied by.
    scale, rscales : covariance is scale * sum_b rscales_b (b - centre)(b - centre)ᵀ.
    df : degrees of freedom, the rank of the replicate weights minus one; PSUs - strata for the usual designs.
    unit : what a row of the factors is, a ``psu`` in the order of ``design.psu_stratum`` or a ``row`` of the sample.

    Raises
    ------
    DesignError : a scale that is not positive, or rscales that are negative, missing, all zero or of another number
        than the replicates.
    """

    kind: ReplicateKind
    factors: Array
    scale: float
    rscales: Array
    df: int
    unit: Unit = "psu"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise DesignError(f"scale {self.scale:g}: expected a positive number.")
        if self.rscales.shape != self.factors.shape[1:]:
            raise DesignError(f"rscales {self.rscales.shape}: expected {self.factors.shape[1:]}, one per replicate.")
        if not np.all(np.isfinite(self.rscales)) or np.any(self.rscales < 0) or not np.any(self.rscales > 0):
            raise DesignError("rscales are negative, missing or all zero: expected numbers >= 0, some positive.")

    @property
    def size(self) -> int:
        """Number of replicates, B."""
        return self.factors.shape[1]

    def row_factors(self, design: SurveyDesign, *, which: slice = EVERY) -> Array:
        """What the weight of each row is multiplied by, (n, B), or that of some of the replicates.

        Raises
        ------
        DesignError : another number of PSUs or rows than the design has.
        """
        expected = design.psu_stratum.size if self.unit == "psu" else design.weights.size
        if len(self.factors) != expected:
            raise DesignError(f"replicates of {len(self.factors)} {self.unit}s: expected {expected}, as the design.")
        factors = self.factors[:, which]
        return factors[design.psu_index] if self.unit == "psu" else factors

    def weights(self, design: SurveyDesign, *, which: slice = EVERY) -> Array:
        """Replicate weights, (n, B), or those of some of the replicates."""
        return design.weights[:, None] * self.row_factors(design, which=which)


# ---- replicates made from the design
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
    return _of_psus("JKn", factors, design, scale=1.0, rscales=(n_h - 1) / n_h)


def jackknife_unstratified(design: SurveyDesign) -> Replicates:
    """Delete-one-PSU jackknife for samples without strata (JK1).

    Replicate j drops PSU j and multiplies the others by m/(m - 1), m the number of PSUs; the scale is (m - 1)/m.

    Raises
    ------
    DesignError : several strata, or one PSU only.
    """
    n_h = _psus_per_stratum(design)
    if n_h.size > 1:
        raise DesignError(f"{n_h.size} strata: expected one. Strata are for jackknife(design), which is JKn.")
    m = int(n_h[0])
    factors = np.full((m, m), m / (m - 1))
    np.fill_diagonal(factors, 0.0)
    return _of_psus("JK1", factors, design, scale=(m - 1) / m)


def balanced(design: SurveyDesign, *, fay: float = 0.0) -> Replicates:
    """Balanced repeated replication (BRR) for two PSUs a stratum, or Fay's variant of it.

    f_hb = 1 ± (1 - fay) H_hb for the first and the second PSU of stratum h, with H Sylvester's Hadamard matrix, of
    which row 0 is left out: every replicate keeps one PSU of each stratum, and over all B any two strata are
    uncorrelated and every stratum is even. B is the next power of two above the number of strata and the scale
    1/(B (1 - fay)²).

    Parameters
    ----------
    design : the whole sample.
    fay : in [0, 1): what is kept of the PSU that loses; 0 is BRR, which drops it.

    Raises
    ------
    DesignError : a stratum without exactly two PSUs, or ``fay`` outside [0, 1).

    Examples
    --------
    >>> from analysis.stats import SurveyDesign
    >>> design = SurveyDesign(strata=[1, 1, 2, 2], psu=[1, 2, 1, 2], weights=[10, 20, 30, 40])
    >>> half_samples = balanced(design)
    >>> half_samples.factors.astype(int).tolist()
    [[2, 0, 2, 0], [0, 2, 0, 2], [2, 2, 0, 0], [0, 0, 2, 2]]
    >>> half_samples.scale
    0.25
    """
    if not 0 <= fay < 1:
        raise DesignError(f"fay={fay:g}: expected at least 0 and less than 1.")
    n_h = np.bincount(design.psu_stratum)
    if np.any(n_h != 2):
        odd = dict(zip(np.unique(design.strata)[n_h != 2].tolist(), n_h[n_h != 2].tolist(), strict=True))
        raise DesignError(
            f"PSUs by stratum {odd}: expected two in every stratum to balance half-samples. "
            "Use jackknife(design) or bootstrap(design, ...), which take any number from two."
        )
    size = 2 ** int(n_h.size).bit_length()
    signs = scipy.linalg.hadamard(size, dtype=float)[1 : n_h.size + 1]
    factors = 1 + (1 - fay) * np.repeat(signs, 2, axis=0) * np.tile([[1.0], [-1.0]], (n_h.size, 1))
    return _of_psus("Fay" if fay else "BRR", factors, design, scale=1 / (size * (1 - fay) ** 2))


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
    return _of_psus("bootstrap", factors, design, scale=1 / (replicates - 1))


def _of_psus(
    kind: ReplicateKind, factors: Array, design: SurveyDesign, *, scale: float, rscales: Array | None = None
) -> Replicates:
    rscales = np.ones(factors.shape[1]) if rscales is None else rscales
    df = _rank(factors[_present(design, design.weights > 0)]) - 1
    return Replicates(kind, factors, scale, rscales, df)


def times_drawn(replicates: Replicates, design: SurveyDesign) -> Integers:
    """How often a bootstrap drew each PSU, (n_psu, B): its factors without the rescaling n_h/(n_h - 1).

    Raises
    ------
    DesignError : replicates of another kind.
    """
    if replicates.kind != "bootstrap":
        raise DesignError(f"replicates of kind {replicates.kind}: expected a bootstrap, which draws PSUs.")
    n_h = _psus_per_stratum(design)[design.psu_stratum]
    return np.rint(replicates.factors * ((n_h - 1) / n_h)[:, None]).astype(np.intp)


def _psus_per_stratum(design: SurveyDesign) -> Integers:
    n_h = np.bincount(design.psu_stratum)
    if np.any(n_h == 1):
        codes = np.unique(design.strata)[n_h == 1].tolist()
        raise DesignError(f"strata {codes} have one PSU each: expected at least two to make replicates from.")
    return n_h


# ---- replicates that come with the data
def provided(
    weights: Array, *, design: SurveyDesign, scale: float, rscales: Array | None = None, df: int | None = None
) -> Replicates:
    """Replicate weights that the provider of the data made, adjustments included.

    Parameters
    ----------
    weights : (n, B) float array, whole weights and not factors, in the rows of the design.
    design : the sample they are for, with the provider's full-sample weights.
    scale, rscales : as the provider documents them, for the covariance scale * sum_b rscales_b (b - centre)²; rscales
        (B,), all one by default. Half-samples have 1/B, Fay's 1/(B (1 - rho)²), a JK1 (B - 1)/B, a bootstrap 1/B.
    df : the provider's degrees of freedom; the rank of the weights minus one by default.

    Raises
    ------
    DesignError : weights of another shape, missing or negative, a replicate in which nobody has weight, a row with
        weight in a replicate and none in the full sample, or a scale or rscales as `Replicates` refuses.
    """
    weights = np.asarray(weights, dtype=float)
    _check_provided(weights, design)
    positive = design.weights > 0
    factors = np.zeros_like(weights)
    factors[positive] = weights[positive] / design.weights[positive, None]
    rscales = np.ones(weights.shape[1]) if rscales is None else np.array(rscales, dtype=float)
    return Replicates("provided", factors, scale, rscales, _rank(weights) - 1 if df is None else df, unit="row")


def _check_provided(weights: Array, design: SurveyDesign) -> None:
    n = design.weights.size
    if weights.ndim != 2 or len(weights) != n or weights.shape[1] < 2:
        raise DesignError(f"replicate weights {weights.shape}: expected ({n}, B), a row per sampled row, B at least 2.")
    if not np.all(np.isfinite(weights)):
        raise DesignError(f"{count_of(np.sum(~np.isfinite(weights)))} replicate weights are missing or infinite: "
                          "expected numbers; a row that a replicate leaves out has weight 0.")  # fmt: skip
    if np.any(weights < 0):
        raise DesignError(f"{count_of(np.sum(weights < 0))} replicate weights are negative: expected >= 0.")
    empty = np.flatnonzero(~np.any(weights > 0, axis=0))
    if empty.size:
        raise DesignError(f"replicates {empty.tolist()} (from 0) have no positive weight: expected some in each.")
    strangers = np.any(weights > 0, axis=1) & (design.weights == 0)
    if strangers.any():
        raise DesignError(
            f"{count_of(strangers.sum())} rows have weight in a replicate and none in the full sample: expected none. "
            "Do the full-sample weights belong to these replicate weights?"
        )


# ---- degrees of freedom
def replicate_df(replicates: Replicates, design: SurveyDesign, *, rows: Bools) -> int:
    """Degrees of freedom in a domain: rank of the replicate weights of its rows, minus one, as R's ``degf``.

    Parameters
    ----------
    replicates, design : the replicate design.
    rows : (n,) boolean array, true in the domain.
    """
    counted = rows & (design.weights > 0)
    if replicates.unit == "psu":
        return _rank(replicates.factors[_present(design, counted)]) - 1
    return _rank(replicates.weights(design)[counted]) - 1


def _present(design: SurveyDesign, rows: Bools) -> Integers:
    """Positions of the PSUs of some rows. Weights do not change the rank that their factors have."""
    return np.unique(design.psu_index[rows])


def _rank(weights: Array) -> int:
    # By the smaller product with itself, whose singular values are the squares: 31,126 rows are decomposed in no time.
    product = weights @ weights.T if len(weights) < weights.shape[1] else weights.T @ weights
    return int(np.linalg.matrix_rank(product, rtol=RANK_TOLERANCE**2, hermitian=True))


# ---- statistics
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReplicateEstimate(Discreet):
    """A statistic with its replicates.

    Attributes
    ----------
    estimate : (p,) float array, of the full sample.
    replicates : (B, p) float array; a row that failed is NaN.
    vcov : (p, p) float array.
    df : degrees of freedom of tests and intervals.
    reasons : B texts, why a replicate has no estimate; empty where it has.
    """

    estimate: Array
    replicates: Array
    vcov: Array
    df: int
    reasons: tuple[str, ...]

    @property
    def failed(self) -> int:
        """Number of replicates without an estimate."""
        return len(self.reasons) - self.reasons.count("")

    @property
    def std_error(self) -> Array:
        """Standard errors, (p,)."""
        return np.asarray(np.sqrt(np.diag(self.vcov)))

    def to_frame(self, *, terms: tuple[str, ...], conf_level: float = 0.95) -> pd.DataFrame:
        """Estimates with t intervals: term, estimate, std_error, df, conf_low, conf_high."""
        if self.df < 1:
            raise DesignError(f"{self.df} degrees of freedom: expected at least 1 for an interval.")
        half = scipy.special.stdtrit(self.df, (1 + conf_level) / 2) * self.std_error
        return pd.DataFrame(
            {
                "term": terms,
                "estimate": self.estimate,
                "std_error": self.std_error,
                "df": self.df,
                "conf_low": self.estimate - half,
                "conf_high": self.estimate + half,
            }
        )


def replicate_statistic(
    statistic: Statistic,
    replicates: Replicates,
    design: SurveyDesign,
    *,
    rows: Bools | None = None,
    centre: Centre = "mean",
    jobs: int = 1,
    progress: str = "replicates",
) -> ReplicateEstimate:
    """Any statistic of the weights, with the covariance that its replicates give.

    Parameters
    ----------
    statistic : maps (n,) weights to (p,) estimates. One that raises an `AnalysisError` or gives NaN under a replicate's
        weights has failed there: it is counted, its reason kept, and the others count for it (`replicate_vcov`).
    replicates, design : the replicate design.
    rows : (n,) boolean array, the domain the statistic reads, for the degrees of freedom; None: all rows. The weights
        it is given are those of all rows.
    centre : deviations from the ``mean`` of the replicates, R's default, or from the full sample's ``estimate``, R's
        ``mse = TRUE``.
    jobs : processes of joblib; a statistic that they cannot be sent (one of an open file, say) needs 1.
    progress : what a progress bar says when the work takes over a second; none if empty.

    Returns
    -------
    ReplicateEstimate

    Raises
    ------
    DesignError : a full sample without an estimate, estimates of changing shape, fewer than two replicates with one,
        an unknown centre, or no jobs.
    """
    if centre not in get_args(Centre):
        raise DesignError(f"centre={centre!r}: expected one of {', '.join(get_args(Centre))}.")
    if jobs < 1:
        raise DesignError(f"jobs={jobs}: expected 1 or more processes.")
    estimate = _estimates(statistic(design.weights))
    if not np.all(np.isfinite(estimate)):
        raise DesignError(f"the statistic of the full sample is {estimate}: expected numbers.")
    tasks = (
        joblib.delayed(_replicate)(statistic, weights, estimate.shape) for weights in _weight_chunks(replicates, design)
    )
    parts = in_parallel(tasks, jobs=jobs, total=replicates.size, unit="replicate", progress=progress,
                        prefer="processes")  # fmt: skip
    both = [one for part in parts for one in part]
    found, reasons = [values for values, _ in both], [reason for _, reason in both]
    if reasons.count("") < 2:
        raise DesignError(f"{reasons.count('')} of {len(reasons)} replicates have an estimate: expected at least 2. "
                          f"The first to fail did because: {next(filter(None, reasons))}")  # fmt: skip
    estimates = np.vstack(found)
    vcov = replicate_vcov(estimates, replicates, centre=estimate if centre == "estimate" else None)
    df = replicates.df if rows is None else replicate_df(replicates, design, rows=rows)
    return ReplicateEstimate(estimate, estimates, vcov, df, tuple(reasons))


def _weight_chunks(replicates: Replicates, design: SurveyDesign) -> Iterator[Array]:
    """(b, n) weights of some replicates at a time: all of them together may not fit in memory."""
    for at in range(0, replicates.size, CHUNK):
        yield np.ascontiguousarray(replicates.weights(design, which=slice(at, at + CHUNK)).T)


def _replicate(statistic: Statistic, chunk: Array, shape: tuple[int, ...]) -> list[tuple[Array, str]]:
    """Estimates and reasons of failure of some replicates."""
    found = []
    for weights in chunk:
        try:
            values, reason = _estimates(statistic(weights)), ""
        except AnalysisError as error:
            values, reason = np.full(shape, np.nan), str(error)
        if values.shape != shape:
            raise DesignError(f"a replicate's statistic has shape {values.shape}: expected {shape}, as the full one.")
        if not np.all(np.isfinite(values)) and not reason:
            values, reason = np.full(shape, np.nan), "the statistic is NaN or infinite"
        found.append((values, reason))
    return found


def _estimates(values: Array) -> Array:
    estimates = np.atleast_1d(np.asarray(values, dtype=float))
    if estimates.ndim != 1:
        raise DesignError(f"a statistic of shape {estimates.shape}: expected (p,).")
    return estimates


def replicate_vcov(estimates: Array, replicates: Replicates, *, centre: Array | None = None) -> Array:
    """Covariance of an estimate from its replicates.

    V = scale sum_b rscales_b (theta_b - centre)(theta_b - centre)ᵀ

    Parameters
    ----------
    estimates : (B, p) float array; a replicate that failed is NaN and left out, the others count for it.
    replicates : the design that gave them.
    centre : (p,) full-sample estimate, or None for the mean of the replicates whose rscale is not zero, R's default.

    Returns
    -------
    (p, p) float array.

    Raises
    ------
    DesignError : another number of estimates than replicates, or fewer than two that did not fail.
    """
    if estimates.ndim != 2 or len(estimates) != replicates.size:
        raise DesignError(f"estimates {estimates.shape}: expected ({replicates.size}, p), a row a replicate.")
    counted = replicates.rscales > 0
    able = counted & np.all(np.isfinite(estimates), axis=1)
    if able.sum() < 2:
        raise DesignError(f"{able.sum()} of {counted.sum()} replicates have an estimate: expected at least 2.")
    rscales = replicates.rscales[able] * (replicates.rscales.sum() / replicates.rscales[able].sum())
    change = estimates[able] - (estimates[able].mean(axis=0) if centre is None else centre)
    return replicates.scale * (change * rscales[:, None]).T @ change
