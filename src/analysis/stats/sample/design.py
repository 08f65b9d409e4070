"""A complex sample: strata, primary sampling units and weights, domains of it, and Taylor-linearised covariances.

The design always holds every sampled row. A statement about some of them is a statement about a domain: the others keep
their place and enter the variance as zero, because the error of a subgroup depends on how the whole sample was drawn.

There is no finite-population correction anywhere: PSUs are taken as drawn with replacement, as NCHS's public files ask
for, and a variance is never multiplied by one less the sampling fraction.

References
----------
Binder 1983, Int Stat Rev 51:279-292. Checked against R ``survey`` in tests/reference.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.disclosure import Discreet, count_of

LonelyPsu = Literal["fail", "certainty", "adjust", "average"]
LonelyDomain = Literal["fail", "keep"]


class DesignError(AnalysisError):
    """A design or domain on which no design-based variance exists."""

    exit_code = 5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SurveyDesign(Discreet):
    """Strata, PSUs and weights of a whole sample: all sampled rows, never a subset.

    One stage, with replacement: no finite-population correction is made, so a sample that is a large part of its
    population gets an error that is too large.

    Attributes
    ----------
    strata : (n,) array of codes of one kind: whole numbers or words.
    psu : (n,) array as strata, nested in them: PSU 1 of stratum 3 is not PSU 1 of stratum 4.
    weights : (n,) float array, not negative; zero for a row that represents nobody.
    lonely_psu : what a stratum with one PSU in the whole sample does, as R's option ``survey.lonely.psu``: ``fail``
        refuses; ``certainty`` adds nothing, for a PSU that was sure to be drawn; ``adjust`` adds the square of its
        total about the mean total of all PSUs, as survey 4.5 does (see `taylor_vcov`); ``average`` adds what the strata
        with several PSUs add on average.
    lonely_domain : what a stratum does whose PSUs are several but only one of which has people in the domain: ``fail``
        refuses; ``keep`` counts the empty PSUs as totals of zero, which is R's default.
    psu_index, psu_stratum : (n,) position of each row's PSU, and (n_psu,) position of each PSU's stratum, ascending.
    psu_sums : (n_psu, n) sparse array of ones; ``psu_sums @ values`` are the totals of the PSUs.

    Raises
    ------
    DesignError : arrays of different length, strata or PSUs that are missing or of mixed kinds, missing or negative
        weights, no positive weight, an unknown policy, or a lonely PSU under ``fail``.
    """

    shown = ("weights", "psu_stratum", "lonely_psu", "lonely_domain")

    strata: npt.NDArray[np.integer]
    psu: npt.NDArray[np.integer]
    weights: Array
    lonely_psu: LonelyPsu = "fail"
    lonely_domain: LonelyDomain = "fail"
    psu_index: Integers = field(init=False)
    psu_stratum: Integers = field(init=False)
    psu_sums: scipy.sparse.csc_array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=float)
        strata, psu = _codes("strata", self.strata), _codes("psu", self.psu)
        if not strata.shape == psu.shape == weights.shape or weights.ndim != 1:
            raise DesignError(f"strata {strata.shape}, psu {psu.shape}, weights {weights.shape}: expected one length.")
        _check_weights(weights)
        _check_policies(self.lonely_psu, self.lonely_domain)
        stratum_index, stratum_codes = pd.factorize(strata, sort=True)
        number, psu_codes = pd.factorize(psu, sort=True)
        psu_index, pairs = pd.factorize(stratum_index * len(psu_codes) + number, sort=True)
        psu_stratum = pairs // len(psu_codes)
        lonely = stratum_codes[np.bincount(psu_stratum) == 1]
        if lonely.size and self.lonely_psu == "fail":
            raise DesignError(
                f"strata {lonely.tolist()} have one PSU each: expected at least two, or no variance can be computed. "
                'Merge strata, or choose lonely_psu="adjust", "average" or "certainty".'
            )
        frozen = {"strata": strata, "psu": psu, "weights": weights, "psu_index": psu_index,
                  "psu_stratum": psu_stratum}  # fmt: skip
        for name, array in frozen.items():
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        # One entry a column: the product with a dense array is one pass over it, eight times as fast as bincounts.
        rows = np.arange(psu.size + 1)
        entries = (np.ones(psu.size), self.psu_index, rows)
        object.__setattr__(self, "psu_sums", scipy.sparse.csc_array(entries, shape=(len(pairs), psu.size)))


def _codes(name: str, given: npt.ArrayLike) -> npt.NDArray[np.integer]:
    """Strata or PSUs as one array that can be sorted.

    numpy turns a list of 1 and "1" into words of one kind, so the values are looked at as they were given.
    """
    values = np.asarray(given, dtype=object if not isinstance(given, np.ndarray) else None)
    missing = pd.isna(values)
    if missing.any():
        raise DesignError(
            f"{count_of(missing.sum())} rows have no stratum or PSU ({name}): expected a code for every sampled row."
        )
    kinds = sorted({_kind(value) for value in values.ravel()}) if values.dtype == object else []
    if len(kinds) > 1 or "other" in kinds:
        raise DesignError(f"{name} are of mixed or unknown kinds ({', '.join(kinds)}): expected whole numbers only, or "
                          "words only; convert them to one.")  # fmt: skip
    return np.array(values.tolist()) if values.dtype == object else values.astype(values.dtype.newbyteorder("="))


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "words"
    return "numbers" if isinstance(value, int | float | np.number) else "other"


def _check_policies(lonely_psu: str, lonely_domain: str) -> None:
    for name, chosen, known in (
        ("lonely_psu", lonely_psu, get_args(LonelyPsu)),
        ("lonely_domain", lonely_domain, get_args(LonelyDomain)),
    ):
        if chosen not in known:
            raise DesignError(f"{name}={chosen!r}: expected one of {', '.join(known)}.")


def _check_weights(weights: Array) -> None:
    if not np.all(np.isfinite(weights)):
        unknown = count_of(np.sum(~np.isfinite(weights)))
        raise DesignError(
            f"{unknown} weights are missing or infinite: expected numbers; a row that represents nobody has weight 0."
        )
    if np.any(weights < 0):
        raise DesignError(f"{count_of(np.sum(weights < 0))} weights are negative: expected >= 0.")
    if not np.any(weights > 0):
        raise DesignError("all weights are zero: expected at least one positive weight.")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Domain(Discreet):
    """The part of a design that a statement is about.

    Rows outside keep their place in the design and enter every variance as zero.

    Attributes
    ----------
    rows : (n,) boolean array, true in the domain (rows of weight zero are left out).
    n_psu, n_strata : PSUs and strata that have people in the domain.
    """

    shown = ("n", "n_psu", "n_strata", "df")

    rows: Bools
    n_psu: int
    n_strata: int

    @property
    def n(self) -> int:
        """People in it."""
        return int(np.sum(self.rows))

    @property
    def df(self) -> int:
        """Design degrees of freedom: PSUs minus strata present in the domain."""
        return self.n_psu - self.n_strata


def domain_of(design: SurveyDesign, rows: Bools) -> Domain:
    """The domain of a design given by a boolean row mask.

    Raises
    ------
    DesignError : nobody in the domain has a positive weight, or a stratum has people of the domain in one PSU only
        while ``design.lonely_domain`` is ``fail``.

    Examples
    --------
    >>> design = SurveyDesign(strata=[1, 1, 2, 2, 2], psu=[1, 2, 1, 2, 2], weights=[10, 20, 30, 40, 0])
    >>> everybody = domain_of(design, [True, True, True, True, True])
    >>> everybody.n, everybody.n_psu, everybody.df
    (4, 4, 2)
    """
    rows = np.asarray(rows, dtype=bool)
    if rows.shape != design.weights.shape:
        raise DesignError(f"domain of shape {rows.shape}: expected {design.weights.shape}, one entry per sampled row.")
    counted = rows & (design.weights > 0)
    if not counted.any():
        raise DesignError(
            f"the domain is empty: {count_of(rows.sum())} rows were selected and none of them has a positive weight."
        )
    psus_of = _psus_present(design, counted)
    lonely = lonely_strata(design, counted)
    if lonely and design.lonely_domain == "fail":
        raise DesignError(
            f"strata {lonely} have people of the domain in one PSU only: expected at least two PSUs in each. "
            'Widen the domain, or choose lonely_domain="keep" (--lonely-domain keep) to count the empty PSUs as zero, '
            "as R does."
        )
    return Domain(rows=counted, n_psu=int(psus_of.sum()), n_strata=int(np.count_nonzero(psus_of)))


def lonely_strata(design: SurveyDesign, rows: Bools) -> list[int]:
    """Codes of the strata of several PSUs whose rows of positive weight are all of one PSU."""
    alone = (_psus_present(design, rows & (design.weights > 0)) == 1) & (np.bincount(design.psu_stratum) > 1)
    codes: list[int] = np.unique(design.strata)[alone].tolist() if alone.any() else []
    return codes


def _psus_present(design: SurveyDesign, rows: Bools) -> Integers:
    """How many PSUs of each stratum have some of the rows."""
    present = np.bincount(design.psu_index[rows], minlength=design.psu_stratum.size) > 0
    return np.bincount(design.psu_stratum[present], minlength=design.psu_stratum[-1] + 1)


def taylor_vcov(influence: Array, design: SurveyDesign) -> Array:
    """Design-based covariance of estimates by Taylor linearisation.

    V = sum_h n_h/(n_h - 1) sum_i (z_hi - mean_h)(z_hi - mean_h)ᵀ, where z_hi is the total of the influence values of
    PSU i in stratum h and n_h counts the PSUs of the whole sample; no finite-population correction.

    Strata of one PSU add what ``design.lonely_psu`` says. Under ``adjust`` that is (z_h - m)(z_h - m)ᵀ, with m the mean
    of z over the PSUs of all strata that have rows in the domain, empty PSUs counted as zero. Influence values of means
    and regressions add up to zero, so there m is zero; those of a total do not, and m is its nth part. R's survey 4.1.1
    took m as zero there too; 4.5 does as is done here.

    Parameters
    ----------
    influence : (n, p) float array. One row per sampled row, zero outside the domain; for a regression, score times
        inverse information.
    design : SurveyDesign

    Returns
    -------
    (p, p) float array, squared units of the estimates.

    Raises
    ------
    DesignError : ``average``, and no stratum with several PSUs to average over.

    References
    ----------
    Binder 1983, Int Stat Rev 51:279-292.
    """
    return between_psu(design.psu_sums @ influence, design)


def between_psu(totals: Array, design: SurveyDesign) -> Array:
    """Covariance from the (n_psu, p) totals of the PSUs; see `taylor_vcov`."""
    n_h, starts, root = _strata_of(design)
    lonely = n_h == 1
    centres = np.add.reduceat(totals, starts, axis=0) / n_h[:, None]
    # R sees the domain's rows only: a stratum with none of them is not among the strata.
    present = np.logical_or.reduceat(np.any(totals != 0, axis=1), starts) if lonely.any() else ~lonely
    if design.lonely_psu == "adjust" and np.any(lonely & present):
        centres[lonely & present] = totals.sum(axis=0) / n_h[present].sum()
    centred = (totals - centres[design.psu_stratum]) * root
    vcov: Array = centred.T @ centred
    if design.lonely_psu == "average" and lonely.any():
        vcov *= _average_share(int(np.sum(present)), int(np.sum(present & ~lonely)))
    return vcov


@lru_cache(maxsize=2)
def _strata_of(design: SurveyDesign) -> tuple[Integers, Integers, Array]:
    """PSUs of each stratum, where its first is, and for each PSU sqrt(n_h/(n_h - 1)), (n_psu, 1), of a lonely one 1."""
    n_h = np.bincount(design.psu_stratum)
    root = np.sqrt(np.where(n_h == 1, 1.0, n_h / np.maximum(n_h - 1, 1)))
    found = n_h, np.cumsum(n_h) - n_h, root[design.psu_stratum, None]
    for array in found:
        array.flags.writeable = False
    return found


def _average_share(n_strata: int, several: int) -> float:
    """What the sum over the strata with several PSUs is multiplied by to stand for all of them."""
    if n_strata and not several:
        raise DesignError(
            f"{n_strata} strata with one PSU each and none with several: expected at least one to average over. "
            'Merge strata, widen the domain, or choose lonely_psu="adjust".'
        )
    return n_strata / max(several, 1)
