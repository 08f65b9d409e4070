"""Which proportions of a complex sample may be told: NCHS's data presentation standards.

A proportion p on n people, with variance V and d design degrees of freedom, has the effective sample size
n_eff = p (1 - p) / V, at most n. Its Korn-Graubard interval is Clopper and Pearson's exact one of n* p in n*, where
n* = n_eff (t[n - 1] / t[d])², at most n, pays for the degrees of freedom. It is told if n and n_eff are 30 or more and
the interval is narrow: at most 0.05 wide, or less than 0.30 wide and at most 130 % of p wide.

References
----------
Parker et al. 2017, Vital Health Stat 2(175):1-22; the interval as the NHANES tutorial on the reliability of estimates
describes it.
"""

from dataclasses import dataclass

import numpy as np
import scipy

FEWEST_SAMPLED = 30
"""Least number of people, and of effective ones."""

NARROW, WIDE = 0.05, 0.30
"""Widths of the interval up to which a proportion is told, and from which it is not, whatever it is."""

WIDEST_RELATIVE = 1.3
"""Width over the proportion, between the two."""

FEWEST_DF = 8
"""Degrees of freedom below which somebody has to look at the proportion before it is told."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """Whether a proportion may be told by NCHS's standards, and why not.

    Attributes
    ----------
    n_effective : effective sample size, not adjusted for the degrees of freedom.
    conf_low, conf_high : Korn-Graubard interval.
    reliable : whether it may be told.
    complement_reliable : whether 1 - p may be told, too; if not, that is to be said beside p.
    review : whether somebody has to look at it: few degrees of freedom, or nobody or everybody counted.
    reason : why it is not reliable, in words; empty if it is.
    """

    n_effective: float
    conf_low: float
    conf_high: float
    reliable: bool
    complement_reliable: bool
    review: bool
    reason: str


def present_proportion(
    proportion: float, std_error: float, *, n: int, df: float, conf_level: float = 0.95
) -> Presentation:
    """Hold a weighted proportion to the standards.

    Parameters
    ----------
    proportion, std_error : weighted share and its design-based standard error.
    n : people in the denominator, at least 2.
    df : design degrees of freedom of the domain, above 0.
    conf_level : level of the interval; the standards are written for 0.95.

    Raises
    ------
    ValueError : a share outside 0 to 1, a negative error, or too few people or degrees of freedom.
    """
    if not (0 <= proportion <= 1 and std_error >= 0 and n >= 2 and df > 0):
        raise ValueError(
            f"proportion {proportion:g}, standard error {std_error:g}, n {n}, df {df:g}: expected a share from 0 to 1, "
            "an error from 0 on, 2 people or more and degrees of freedom above 0."
        )
    n_effective = _effective(proportion, std_error, n)
    low, high = korn_graubard(proportion, std_error, n=n, df=df, conf_level=conf_level)
    sizes = f"n {n}" if n < FEWEST_SAMPLED else f"effective n {n_effective:.1f}" if n_effective < FEWEST_SAMPLED else ""
    reason = f"{sizes} below {FEWEST_SAMPLED}" if sizes else _too_wide(high - low, proportion)
    return Presentation(
        n_effective=n_effective,
        conf_low=low,
        conf_high=high,
        reliable=not reason,
        complement_reliable=not (reason or _too_wide(high - low, 1 - proportion)),
        review=df < FEWEST_DF or proportion in (0.0, 1.0),
        reason=reason,
    )


def korn_graubard(
    proportion: float, std_error: float, *, n: int, df: float, conf_level: float = 0.95
) -> tuple[float, float]:
    """Exact interval of a proportion at the effective sample size, paid for the degrees of freedom.

    Parameters
    ----------
    As `present_proportion`.

    Returns
    -------
    Lower and upper limit, from 0 to 1.
    """
    tail = (1 - conf_level) / 2
    paid = (scipy.stats.t.ppf(tail, n - 1) / scipy.stats.t.ppf(tail, df)) ** 2
    size = min(float(n), _effective(proportion, std_error, n) * float(paid))
    counted = proportion * size
    low = scipy.stats.beta.ppf(tail, counted, size - counted + 1) if proportion > 0 else 0.0
    high = scipy.stats.beta.ppf(1 - tail, counted + 1, size - counted) if proportion < 1 else 1.0
    return float(low), float(high)


def _effective(proportion: float, std_error: float, n: int) -> float:
    """Effective sample size; where the variance tells nothing, of a share of none or all, it is n."""
    if std_error == 0 or proportion in (0.0, 1.0):
        return float(n)
    return min(float(n), proportion * (1 - proportion) / np.square(std_error))


def _too_wide(width: float, proportion: float) -> str:
    if width >= WIDE:
        return f"interval {width:.2f} wide"
    relative = width / proportion if proportion else np.inf
    if width > NARROW and relative > WIDEST_RELATIVE:
        return f"interval {100 * relative:.0f} % of the share wide"
    return ""
