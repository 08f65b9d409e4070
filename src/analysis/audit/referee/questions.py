"""The referee's questions as tasks, and what they found as one table and its companions."""

from collections.abc import Sequence

import pandas as pd

from analysis.audit.recall import DAYS
from analysis.audit.referee.ends import ends, rise_along_curve
from analysis.audit.referee.form import form
from analysis.audit.referee.levels import band_at_round_intakes, levels_of
from analysis.audit.referee.missing import covariates_missing, people_missing
from analysis.audit.referee.recall_error import calibrated, calibrated_bootstrap, simulated_extrapolated
from analysis.audit.referee.rows import rows_that_change_nothing
from analysis.audit.referee.under_reporting import deletion_controls, indicator_odds, under_reporting
from analysis.audit.runner import AuditError, Finished, Task
from analysis.study import PRIMARY

ROWS = (
    Task("referee ends", ends),
    Task("referee levels", levels_of),
    Task("referee under-reporting", under_reporting),
    Task("referee deletion controls", deletion_controls),
    Task("referee calibrated", calibrated),
    Task("referee calibration redone", calibrated_bootstrap, ((PRIMARY.exposure,), False)),
    Task("referee calibration held", calibrated_bootstrap, ((PRIMARY.exposure,), True)),
    Task("referee calibration with energy", calibrated_bootstrap, (tuple(DAYS), False)),
    Task("referee simex", simulated_extrapolated),
    Task("referee form", form),
    Task("referee covariates missing", covariates_missing),
    Task("referee people missing", people_missing),
    Task("referee rows", rows_that_change_nothing),
)
"""Tasks whose rows are the referee's table, in its order."""

COMPANIONS = {
    "referee_rise": Task("referee rise along the curve", rise_along_curve),
    "referee_band": Task("referee band", band_at_round_intakes),
    "referee_under_reporter": Task("referee under-reporter", indicator_odds),
}
"""Frames beside the table, by name."""


def referee_tasks() -> list[Task]:
    """Every task of the referee."""
    return [*ROWS, *COMPANIONS.values()]


def referee_frames(finished: Sequence[Finished]) -> dict[str, pd.DataFrame]:
    """The table ``referee`` and its companions.

    Raises
    ------
    AuditError : a task found nothing, for the reason it has: a table with a question left out would mislead.
    """
    reasons = {one.name: one.reason for one in finished if one.reason}
    if reasons:
        raise AuditError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    found = {one.name: one.frames["rows"] for one in finished}
    table = pd.concat([found[task.name] for task in ROWS], ignore_index=True)
    # The primary row opens several questions: it is told once in each.
    companions = {name: found[task.name] for name, task in COMPANIONS.items()}
    return {"referee": table.drop_duplicates(["question", "done"], ignore_index=True), **companions}
