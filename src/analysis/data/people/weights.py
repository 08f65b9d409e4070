"""What a person of several cycles taken together weighs, and one whose two days of recall are used."""

from typing import Literal

import numpy as np
import pandas as pd

from analysis.stats.arrays import Array
from analysis.study import Weights


def pooled_weight(
    people: pd.DataFrame, *, weights: Weights | Literal["interview"], cycles: tuple[int, ...]
) -> pd.Series:
    """Survey weight for the pooled cycles; 0 for people without one and for other cycles.

    NCHS's rule: 1999-2000 and 2001-2002 rest on different censuses and are pooled through their joint 4-year weight,
    which counts for two of the k cycles: weight_4yr x 2/k. Any other cycle contributes weight_2yr x 1/k.

    Parameters
    ----------
    people : harmonised participants.
    weights : ``dietary``, ``mec``, ``interview``, or ``none`` for weight 1 for everyone.
    cycles : first years of the pooled cycles.

    Returns
    -------
    (n,) series, people represented.

    References
    ----------
    NCHS, NHANES Analytic Guidelines 1999-2010, combining survey cycles.
    """
    cycle = people["cycle"].to_numpy()
    inside = np.isin(cycle, cycles)
    if weights == "none":
        return pd.Series(inside.astype(float), people.index)
    scaled = people[f"weight_{weights}_2yr"].to_numpy(dtype=float)
    if {1999, 2001} <= set(cycles):
        scaled = np.where(np.isin(cycle, [1999, 2001]), 2 * people[f"weight_{weights}_4yr"].to_numpy(float), scaled)
    scaled = scaled / len(cycles)
    return pd.Series(np.where(inside & ~np.isnan(scaled), scaled, 0.0), people.index)


def two_day_weight(people: pd.DataFrame, second_day: str) -> Array:
    """Two-day weight of the people with two reliable recalls, 0 of everybody else; (n,), people represented.

    Parameters
    ----------
    people : harmonised participants.
    second_day : column of the second day's intake that must be known.
    """
    both = people["recall_reliable"] & people["recall2_reliable"] & people[second_day].notna()
    return np.where(both.to_numpy(dtype=bool), people["weight_dietary_2day"].fillna(0.0).to_numpy(dtype=float), 0.0)
