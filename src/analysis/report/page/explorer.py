"""The specifications packed for the page: choices, numbers, and what draws each curve anew, as columns of bytes.

Of the grid, nothing is known here but what its tables say: a choice, level or verdict that joins them joins the page.
"""

import base64
from typing import Any

import numpy as np
import pandas as pd
import scipy

from analysis.audit.coefficients import COEFFICIENTS
from analysis.audit.specifications import CHOICES
from analysis.audit.specificity import CHOSEN
from analysis.report.words.audit import NAMES, level_words
from analysis.stats.arrays import Array, Frames

LEFT_OUT = ("data", *COEFFICIENTS)
"""Columns that are packed in another form, or are the same everywhere."""

TABLES = {"specifications": "coefficients", "specificity": "specificity_coefficients"}
"""Tables that the explorer needs, each with the one of its curves."""


def packed(audit: Frames, *, conf_level: float) -> dict[str, Any]:
    """Both tables of the explorer: every specification, and every other exposure under the primary choices.

    Parameters
    ----------
    audit : tables of the audit stage.
    conf_level : of the intervals.

    Returns
    -------
    By ``specifications`` and ``exposures`` as `pack` gives them; empty if the audit has left no coefficients.
    """
    if missing_tables(audit):
        return {}
    exposures = audit["specificity"]
    return {
        "specifications": pack(audit["specifications"], audit["coefficients"], list(CHOICES), conf_level=conf_level),
        "exposures": pack(exposures, audit["specificity_coefficients"], list(CHOSEN), conf_level=conf_level),
        "names": NAMES,
        "levels": {name: {str(level): level_words(name, str(level)) for level in audit["specifications"][name].unique()}
                   for name in CHOICES},
    }  # fmt: skip


def missing_tables(audit: Frames) -> list[str]:
    """Tables of the explorer that an audit has not left."""
    return [name for pair in TABLES.items() for name in pair if name not in audit]


def pack(cells: pd.DataFrame, curves: pd.DataFrame, choices: list[str], *, conf_level: float) -> dict[str, Any]:
    """A table of fits as columns for the page.

    Parameters
    ----------
    cells : a row a fit, told apart by ``choices``.
    curves : `analysis.audit.coefficients.COEFFICIENTS` of those that have a curve, told apart by the same.
    choices : columns of both.
    conf_level : of the intervals.

    Returns
    -------
    n; words: columns of words, each as its levels in the order of the table and the position of each row's; numbers:
    names of the columns of ``values``, base64 of little-endian float64, column by column; curves: base64 of float64,
    for each row that has one, its knots, coefficients and covariance as `analysis.audit.coefficients` puts them;
    starts: for each row, where its curve begins, and its number of knots (0: it has none).
    """
    keyed = cells.merge(curves[[*choices, "shown_low", "shown_high", "knots_at", "coefficients", "covariance"]],
                        on=choices, how="left", validate="one_to_one")  # fmt: skip
    keyed["critical"] = scipy.stats.t.ppf((1 + conf_level) / 2, keyed["residual_df"].astype(float))
    columns = [name for name in keyed if name not in LEFT_OUT or name in ("reference", "shown_low", "shown_high")]
    # A column of words that says nothing of any row has been read as one of missing numbers.
    told = keyed.columns[keyed.notna().any()]
    numbers = [name for name in columns if name not in choices and name in told
               and pd.api.types.is_numeric_dtype(keyed[name])]  # fmt: skip
    words = [name for name in columns if name not in numbers]
    blocks, starts, place = [], [], 0
    for row in keyed.itertuples():
        block = _numbers(row.knots_at, row.coefficients, row.covariance)
        starts += [place, 0 if not block.size else len(row.knots_at.split())]
        blocks.append(block)
        place += block.size
    values = np.concatenate([keyed[name].astype(float).to_numpy(dtype=float, na_value=np.nan) for name in numbers])
    return {
        "n": len(keyed),
        "choices": choices,
        "words": {name: _levels(keyed[name]) for name in words},
        "numbers": numbers,
        "values": _bytes(values),
        "curves": _bytes(np.concatenate(blocks)),
        "starts": starts,
    }


def _numbers(*texts: Any) -> Array:
    """Numbers parted by blanks; none of what is missing."""
    return np.array([float(word) for text in texts if isinstance(text, str) for word in text.split()])


def _levels(column: pd.Series) -> dict[str, list[Any]]:
    """Words as positions among their levels, in the order in which these first appear."""
    positions, levels = pd.factorize(column.astype(object).where(column.notna(), "").astype(str))
    return {"levels": list(levels), "at": positions.tolist()}


def _bytes(values: Array) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()
