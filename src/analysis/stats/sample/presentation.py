"""Whether a share may be told: NCHS's presentation standards for proportions.

A share is unreliable if fewer than 30 people, or so many as its error is worth (the effective sample size), stand
behind it, or if its Korn-Graubard interval is as wide as 0.30, or wider than 0.05 and than 130 % of the share. Where
the variance rests on fewer than 8 degrees of freedom, or the share is 0 or 1, a statistician is to look at it.

References
----------
Parker et al. 2017, National Center for Health Statistics Data Presentation Standards for Proportions, Vital Health Stat
2(175). Korn & Graubard 1998, Surv Methodol 24:193-201 (the interval).
"""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.sample.design import DesignError

FEWEST_EFFECTIVE = 30
NARROW, WIDE = 0.05, 0.30
"""Widths of the interval up to which a share is always told, and from which on it never is."""

WIDEST_RELATIVE = 1.30
FEWEST_DF = 8


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a share stands by the standards.

    Attributes
    ----------
    n_effective : people of a simple random sample who would tell as much, at most those there are.
    conf_low, conf_high : Korn-Graubard limits, 95 %.
    reliable : whether it may be told.
    review : whether a statistician is to look at it first.
    reason : why it is not reliable, in words; empty if it is.
    """

    n_effective: float
    conf_low: float
    conf_high: float
    reliable: bool
    review: bool
    reason: str


def present(share: float, std_error: float, *, n: int, df: int) -> Presentation:
    """Judge a share.

    Parameters
    ----------
    share : between 0 and 1.
    std_error : by the design.
    n : people of the domain.
    df : degrees of freedom of the error.

    Raises
    ------
    DesignError : a share outside 0 to 1, nobody, or no degrees of freedom.
    """
    if not 0 <= share <= 1 or n < 1 or df < 1:
        raise DesignError(f"share {share:g} of {n} people on {df} df: expected one from 0 to 1, n and df from 1 on.")
    certain = share in (0.0, 1.0)
    effective = float(n) if certain or std_error == 0 else min(float(n), share * (1 - share) / std_error**2)
    # The interval pays for the few degrees of freedom of the design's error.
    stretch = (scipy.stats.t.ppf(0.975, n - 1) / scipy.stats.t.ppf(0.975, df)) ** 2 if n > 1 and not certain else 1.0
    low, high = _korn_graubard(share, min(float(n), effective * stretch))
    reason = _reason(share, n, effective, high - low)
    return Presentation(effective, low, high, not reason, certain or df < FEWEST_DF, reason)


def _korn_graubard(share: float, n: float) -> tuple[float, float]:
    x = share * n
    low = 0.0 if share == 0 else float(scipy.stats.beta.ppf(0.025, x, n - x + 1))
    high = 1.0 if share == 1 else float(scipy.stats.beta.ppf(0.975, x + 1, n - x))
    return low, high


def _reason(share: float, n: int, effective: float, width: float) -> str:
    if n < FEWEST_EFFECTIVE or effective < FEWEST_EFFECTIVE:
        return f"effective sample size below {FEWEST_EFFECTIVE}"
    if width >= WIDE:
        return f"interval of {WIDE:g} or wider"
    if width > NARROW and share > 0 and width / share > WIDEST_RELATIVE:
        return f"interval wider than {100 * WIDEST_RELATIVE:g} % of the share"
    return ""


def flags(shares: np.ndarray, std_errors: np.ndarray, *, n: np.ndarray, df: int) -> list[str]:
    """Why each of several shares is unreliable; empty for one that may be told."""
    each = zip(shares, std_errors, n, strict=True)
    return [present(float(share), float(error), n=int(people), df=df).reason for share, error, people in each]
