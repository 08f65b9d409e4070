"""Printed numbers beside ours, and how well they agree: a miss is told as plainly as a hit."""

import dataclasses
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.stats.disclosure import FEW, is_few, told
from analysis.validation.studies.kinds import Recomputed, recompute
from analysis.validation.studies.replication import Replication, read_replications

Agreement = Literal["as printed", "close", "not reached", "not identifying", "none printed", "not recomputed"]

CLOSE = 0.05
"""Relative distance up to which a number is close to the printed one."""

EVERY_DIGIT = Context(prec=400)
"""Holds any float beside any printed number: an odds ratio may run away."""


def compare_studies(people: pd.DataFrame, rows: tuple[Replication, ...] | None = None) -> pd.DataFrame:
    """Every published number beside ours.

    Parameters
    ----------
    people : all interviewed people, harmonised; nobody may have been dropped.
    rows : replications; None for those that come with the package.

    Returns
    -------
    A row a replication: study, publication (the same of its versions), citation, item, kind, published, published_low,
    published_high, published_se (text, with the printed digits), ours, ours_low, ours_high, ours_se, n, cases, df,
    agreement (see `agreement_of`), se_agreement (the same of the standard errors, empty where none was printed or
    nothing recomputed), how, read_in. Where it could not be estimated, ours is missing and ``how`` says why; a ratio
    whose design allows no interval is not reached, and ``how`` says so. Numbers about fewer than ten people are blank.

    Raises
    ------
    ReplicationError, ConditionError : a study's file asks for what does not exist.
    """
    every = read_replications() if rows is None else rows
    return pd.DataFrame([_beside(people, row) for row in every]).astype(
        {name: "Int64" for name in ("n", "cases", "df")}
    )


def _beside(people: pd.DataFrame, row: Replication) -> dict[str, object]:
    found, how = Recomputed(float("nan")), row.not_recomputed or row.how
    if not row.not_recomputed:
        try:
            found, how = _discreet(recompute(people, row), how)
        except AnalysisError as error:
            if error.exit_code == 2:  # the file is wrong, not the people
                error.args = (f"{row.study}, {row.item}: {error}",)
                raise
            how = f"{how}; {error}" if how else str(error)
    reached = agreement_of(row, found.estimate)
    if found.why:
        how, reached = f"{how}; {found.why}".removeprefix("; "), "not reached" if row.printed else reached
    return {
        "study": row.study,
        "publication": row.publication or row.study,
        "citation": row.citation,
        "item": row.item,
        "kind": row.kind,
        "published": row.printed,
        "published_low": row.printed_low,
        "published_high": row.printed_high,
        "published_se": row.printed_se,
        "ours": found.estimate,
        "ours_low": found.conf_low,
        "ours_high": found.conf_high,
        "ours_se": found.std_error,
        "n": found.n,
        "cases": found.cases,
        "df": found.df,
        "agreement": reached,
        "se_agreement": "" if row.not_recomputed or not row.printed_se else _reached(row.printed_se, found.std_error),
        "how": how,
        "read_in": row.read_in,
    }


def _discreet(found: Recomputed, how: str) -> tuple[Recomputed, str]:
    """Nothing of fewer than ten people, nor how many cases they were if those are fewer."""
    if found.n is not None and is_few(found.n):
        return Recomputed(float("nan")), f"{how}; {FEW} people".removeprefix("; ")
    return dataclasses.replace(found, cases=None if found.cases is None else told(found.cases)), how


def agreement_of(row: Replication, ours: float) -> Agreement:
    """Class of agreement of our number with the printed one.

    - ``as printed``: rounds to the printed digits;
    - ``close``: no number of people, within 5 % of it and inside the printed interval, where one was printed;
    - ``not reached``: neither, or there is no estimate; a number of people is that number or not reached;
    - ``not identifying``: agrees, but so would many other definitions, as of a sample size;
    - ``none printed``, ``not recomputed``: nothing to compare.
    """
    if row.not_recomputed:
        return "not recomputed"
    if not row.printed:
        return "none printed"
    low, high = (float(text or "nan") for text in (row.printed_low, row.printed_high))
    reached = _reached(row.printed, ours)
    if reached == "close" and (row.kind == "count" or ours < low or ours > high):
        reached = "not reached"
    return reached if row.identifying or reached == "not reached" else "not identifying"


def _reached(text: str, ours: float) -> Agreement:
    """Whether a number rounds to the printed digits or is within 5 % of them."""
    if not np.isfinite(ours):
        return "not reached"
    printed = Decimal(text)
    if Decimal(repr(ours)).quantize(printed, rounding=ROUND_HALF_UP, context=EVERY_DIGIT) == printed:
        return "as printed"
    return "close" if abs(ours - float(text)) <= CLOSE * abs(float(text)) else "not reached"
