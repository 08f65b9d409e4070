"""Why people leave the cohort at each step, by the codes of the files."""

import numpy as np
import pandas as pd

from analysis.data.people.cohort import Cohort, asked_for
from analysis.data.people.harmonise import SOURCES
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import FEWEST_PEOPLE, blanked
from analysis.study import Study

CODES = ("LEALPN", "LEARPN", "DR1DRSTZ")
"""Insensate sites of the left and right foot, -1 if a site could not be tested, and the status of the day-1 recall."""

NOT_DONE = {2: "not reliable", 4: "with breast milk", 5: "not done"}
"""Statuses of a recall other than 1, reliable."""


def code_columns() -> dict[str, dict[str, str]]:
    """Raw columns of `CODES` by table, each with its common name."""
    found: dict[str, dict[str, str]] = {}
    for source in SOURCES:
        for position, table in enumerate(source.tables):
            for common in set(CODES) & set(source.columns):
                raw = source.columns[common][position]
                if table is not None and raw is not None:
                    found.setdefault(table, {})[raw] = common
    return found


def read_codes(tables: Frames) -> pd.DataFrame:
    """The codes of everybody examined, under their common names.

    Parameters
    ----------
    tables : those of `code_columns`, by name, indexed by SEQN.

    Returns
    -------
    Frame indexed by SEQN with the columns of `CODES`; NaN where the file is silent.
    """
    parts = [tables[table][list(names)].rename(columns=names) for table, names in code_columns().items()]
    return pd.concat(parts).groupby(level=0).first().reindex(columns=list(CODES))


def exclusion_reasons(people: pd.DataFrame, codes: pd.DataFrame, study: Study, cohort: Cohort) -> pd.DataFrame:
    """How many people left at each step of a cohort's flow, by reason.

    Parameters
    ----------
    people : harmonised participants.
    codes : of `read_codes`.
    study, cohort : whose flow it is.

    Returns
    -------
    step, reason, n: a row for each reason of the steps whose reasons the files tell. Reasons of a step exclude each
    other, and those of fewer than 10 people are joined with the next smallest, since the whole is known; but covariates
    may be lacked together, and there fewer than 10 are left empty.
    """
    codes = codes.reindex(people.index)
    known = people[study.outcome_column].notna()
    asked = asked_for(people, study) & people["examined"]
    recalled = people["recall_reliable"] & people[study.exposure].notna()
    parts = [
        _partition("examined at the mobile examination center", _unexamined(people, study)),
        _partition(f"{study.disease} status known", _why_unknown(people, codes, study)[asked & ~known]),
        _partition("reliable day-1 dietary recall", _why_no_recall(codes)[asked & known & ~recalled]),
        _lacking(
            str(cohort.flow["step"].iloc[_covariate_row(cohort)]), people.loc[cohort.rows, list(study.covariates)]
        ),
    ]
    return pd.concat(parts, ignore_index=True).astype({"n": "Int64"})


def _unexamined(people: pd.DataFrame, study: Study) -> pd.Series:
    return pd.Series("interviewed only", index=people.index[asked_for(people, study) & ~people["examined"]])


def _why_unknown(people: pd.DataFrame, codes: pd.DataFrame, study: Study) -> pd.Series:
    """What keeps each person's status unknown, for those of whom it is."""
    if study.outcome == "pad":
        return pd.Series("ankle-brachial index of neither leg", index=people.index)
    feet = codes[["LEALPN", "LEARPN"]]
    assessed = (feet >= 0).sum(axis="columns")
    silent = feet.isna().all(axis="columns")
    words = np.select(
        [silent, assessed == 0],
        ["no result for either foot", "neither foot assessed (code -1 for at least one)"],
        "only one foot assessed (code -1 or none for the other)",
    )
    return pd.Series(words, index=people.index)


def _why_no_recall(codes: pd.DataFrame) -> pd.Series:
    words = codes["DR1DRSTZ"].map({status: f"recall {words} (status {status})" for status, words in NOT_DONE.items()})
    return words.fillna("no recall in the file")


def _partition(step: str, reasons: pd.Series) -> pd.DataFrame:
    """Counts of reasons that exclude each other; none of few people, which the others would tell by subtraction."""
    counts = reasons.value_counts().sort_values(ascending=False, kind="stable")
    told = [(str(reason), int(n)) for reason, n in counts.items()]
    while len(told) > 1 and told[-1][1] < FEWEST_PEOPLE:
        (larger, more), (smaller, few) = told[-2:]
        told = sorted([*told[:-2], (f"{larger}, or {smaller}", more + few)], key=lambda one: -one[1])
    frame = pd.DataFrame(told, columns=["reason", "n"]).astype({"n": "float64"})
    return blanked(frame.assign(step=step), ["n"])[["step", "reason", "n"]]


def _lacking(step: str, covariates: pd.DataFrame) -> pd.DataFrame:
    n = covariates.isna().sum()
    n = n[n > 0].sort_values(ascending=False, kind="stable")
    frame = pd.DataFrame({"step": step, "reason": n.index, "n": n.to_numpy(dtype=float)})
    return blanked(frame, ["n"])


def _covariate_row(cohort: Cohort) -> int:
    """Place of the covariates' step: the last, or the last but one where some have no survey weight."""
    return len(cohort.flow) - (2 if cohort.flow["step"].iloc[-1] == "survey weight above 0" else 1)
