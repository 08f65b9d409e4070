"""How strong an unmeasured confounder would have to be to explain an association away: the E-value.

References
----------
VanderWeele & Ding 2017, Ann Intern Med 167:268-274.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.errors import AnalysisError

Measure = Literal["risk_ratio", "rare_odds_ratio", "common_odds_ratio"]


class RatioError(AnalysisError):
    """A ratio or interval that no E-value belongs to."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class EValue:
    """Smallest risk ratio by which a confounder must go with both exposure and outcome.

    Attributes
    ----------
    point : to move the estimate to 1.
    limit : to move the confidence limit nearer 1 to 1; exactly 1 where the interval covers 1.
    """

    point: float
    limit: float


def e_value(estimate: float, *, conf_low: float, conf_high: float, measure: Measure) -> EValue:
    """E-value of a ratio and of its confidence limit nearer 1.

    E = RR + sqrt(RR (RR - 1)) for RR >= 1; of a protective ratio, the inverse is taken first.

    Parameters
    ----------
    estimate, conf_low, conf_high : the ratio and its interval.
    measure : what it is: ``risk_ratio``; ``rare_odds_ratio``, which is one nearly (outcome under 15 %);
        ``common_odds_ratio``, whose square root approximates one.

    Returns
    -------
    EValue

    Raises
    ------
    RatioError : ratios that are not positive, out of order or not finite, or an unknown measure.

    Examples
    --------
    >>> found = e_value(2.0, conf_low=1.5, conf_high=2.7, measure="risk_ratio")
    >>> f"{found.point:.2f}, {found.limit:.2f}"
    '3.41, 2.37'
    """
    if measure not in get_args(Measure):
        raise RatioError(f"measure={measure!r}: expected one of {', '.join(get_args(Measure))}.")
    if not (0 < conf_low <= estimate <= conf_high and np.isfinite(conf_high)):
        raise RatioError(f"ratio {estimate:g} with limits {conf_low:g} and {conf_high:g}: expected finite positive "
                         "numbers in order, not logarithms.")  # fmt: skip
    power = 0.5 if measure == "common_odds_ratio" else 1.0
    nearer = conf_low if estimate >= 1 else conf_high
    covers_one = conf_low <= 1 <= conf_high
    return EValue(_e_value(estimate**power), 1.0 if covers_one else _e_value(nearer**power))


def _e_value(ratio: float) -> float:
    away = max(ratio, 1 / ratio)
    return float(away + np.sqrt(away * (away - 1)))
