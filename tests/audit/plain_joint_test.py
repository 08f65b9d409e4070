"""The null statistics of the joint test as they are defined, one draw and one specification after the other in arrays.

Slow and large: kept to hold `analysis.audit.null_curves` to.
"""

import numpy as np
import scipy.stats

from analysis.stats.sample.design import SurveyDesign
from analysis.stats.sample.replicates import bootstrap

CHUNK = 250


def plain_null_statistics(able, totals, psu_stratum, *, null, draws, seed):
    """(draws, 8) statistics in the order of `TERMS`."""
    knots, df = able["knots"].to_numpy(), able["residual_df"].to_numpy(dtype=float)
    first = np.cumsum(knots) - knots
    bent = np.delete(np.arange(knots.sum()), np.concatenate([first, first + 1]))
    starts = np.cumsum(knots - 2) - (knots - 2)
    spread = np.sqrt(np.sum((root(psu_stratum) @ totals) ** 2, axis=0))
    limits = scipy.stats.t.ppf(0.975, df), scipy.stats.f.ppf(0.95, knots - 2, df)
    multipliers, scale = plain_draws(psu_stratum, df, null=null, draws=draws, seed=seed)
    found = []
    for at in range(0, draws, CHUNK):
        theta, of_chunk = multipliers[at : at + CHUNK] @ totals, scale[at : at + CHUNK]
        log_or = [theta[:, first + mark] / of_chunk for mark in (0, 1)]
        significant = [np.abs(values) > limits[0] * spread[first + mark] for mark, values in enumerate(log_or)]
        wald = np.add.reduceat(theta[:, bent] ** 2, starts, axis=1) / of_chunk**2 / (knots - 2)
        found.append(statistics(log_or, significant, wald > limits[1]))
    return np.vstack(found)


def plain_draws(psu_stratum, df, *, null, draws, seed):
    """Multipliers (draws, n_psu) and scales (draws, cells)."""
    if null == "bootstrap":
        design = SurveyDesign(psu_stratum, np.arange(psu_stratum.size), np.ones(psu_stratum.size))
        return bootstrap(design, replicates=draws, seed=seed).factors.T - 1, np.ones((draws, df.size))
    generator = np.random.Generator(np.random.PCG64(seed))
    normal, uniform = generator.standard_normal((draws, psu_stratum.size)), generator.random(draws)
    return normal @ root(psu_stratum), np.sqrt(scipy.stats.chi2.ppf(uniform[:, None], df) / df)


def root(psu_stratum):
    n_h = np.bincount(psu_stratum)[psu_stratum]
    centring = np.eye(n_h.size) - (psu_stratum[:, None] == psu_stratum[None, :]) / n_h[:, None]
    return np.sqrt(n_h / np.maximum(n_h - 1, 1))[:, None] * centring


def statistics(log_or, significant, nonlinear):
    found = []
    for values, clear in zip(log_or, significant, strict=True):
        above = np.mean(values > 0, axis=1)
        commoner = np.where(above >= 0.5, 1.0, -1.0)[:, None]
        found += [
            np.abs(np.median(values, axis=1)),
            np.maximum(above, 1 - above),
            np.mean(clear & (values * commoner > 0), axis=1),
        ]
    found += [np.mean((log_or[0] > 0) & (log_or[1] > 0), axis=1), np.mean(nonlinear, axis=1)]
    return np.column_stack(found)
