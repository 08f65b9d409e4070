"""Basal metabolic rate, and the recalled energy that somebody could live on (Goldberg's limits).

The ratio of recalled energy to basal metabolic rate (EI:BMR) of somebody in energy balance is the physical activity
level (PAL) on average. One recalled day of one person is compatible with it within

    PAL exp(+-z S),  S = sqrt(CV_day^2 + CV_BMR^2 + CV_PAL^2).

With PAL 1.55 and coefficients of variation of 23 % (intake from day to day), 8.5 % (BMR by the equations) and 15 %
(PAL), S = sqrt(0.0529 + 0.007225 + 0.0225) = 0.2875. The limits 0.87 and 2.75 are two standard deviations either way
(exp(0.575) = 1.777); with z = 1.96 (exp(0.5634) = 1.757) they would be 0.88 and 2.72.

References
----------
WHO 1985 (Schofield's equations). Goldberg 1991. Black 2000, Int J Obes 24:1119.
"""

import numpy as np

from analysis.stats.arrays import Array, Bools

EQUATIONS_FROM, OLD = 30.0, 60.0
"""Ages, years, from which the equations hold, and from which those of older people do."""

PAL = 1.55
VARIATION = (0.23, 0.085, 0.15)
"""Coefficients of variation: a person's intake from day to day, BMR by the equations, PAL."""

DEVIATIONS = 2.0
"""z of the limits 0.87 and 2.75; 1.96 gives 0.88 and 2.72."""


def basal_metabolic_rate(weight_kg: Array, *, age_years: Array, female: Bools) -> Array:
    """Basal metabolic rate, kcal/day, of adults from 30 years on by Schofield's equations (WHO 1985) in weight W (kg).

    Men 11.6 W + 879, from 60 years on 13.5 W + 487; women 8.7 W + 829, from 60 years on 10.5 W + 596.

    Parameters
    ----------
    weight_kg, age_years : (n,) float arrays.
    female : (n,) boolean array.

    Returns
    -------
    (n,) float array, NaN where weight or age is.
    """
    old = age_years >= OLD
    slope = np.where(female, np.where(old, 10.5, 8.7), np.where(old, 13.5, 11.6))
    level = np.where(female, np.where(old, 596.0, 829.0), np.where(old, 487.0, 879.0))
    return np.where(np.isfinite(age_years), slope * weight_kg + level, np.nan)


def goldberg_limits(*, deviations: float = DEVIATIONS) -> tuple[float, float]:
    """Limits of EI:BMR, one recalled day of one person, to two decimals, as they are published and applied.

    Parameters
    ----------
    deviations : z, standard deviations either way.
    """
    reach = np.exp(deviations * np.sqrt(np.sum(np.square(VARIATION))))
    return round(float(PAL / reach), 2), round(float(PAL * reach), 2)


PLAUSIBLE = goldberg_limits()
"""EI:BMR of a plausible reporter, limits included: 0.87 to 2.75."""
