"""The referee's questions as tasks, and what they found as one table and its companions."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pandas as pd

from analysis.audit.recall import beside_energy
from analysis.audit.referee.ends import ends, rise_along_curve
from analysis.audit.referee.form import form
from analysis.audit.referee.levels import band_at_round_intakes, levels_of
from analysis.audit.referee.missing import covariates_missing, people_missing
from analysis.audit.referee.recall_error import calibrated, calibrated_bootstrap, simulated_extrapolated
from analysis.audit.referee.rows import rows_that_change_nothing
from analysis.audit.referee.under_reporting import deletion_controls, indicator_odds, under_reporting
from analysis.audit.tasks import AuditError, Finished, Found, Task
from analysis.study import PRIMARY, Study

RefereeQuestion: TypeAlias = Callable[..., Found]

RECALL_ERROR: dict[str, RefereeQuestion] = {
    "referee calibrated": calibrated,
    "referee calibration redone": calibrated_bootstrap,
    "referee calibration held": calibrated_bootstrap,
    "referee calibration with energy": calibrated_bootstrap,
    "referee simex": simulated_extrapolated,
}
"""Questions that need a second recalled day of the exposure."""

ROWS: dict[str, RefereeQuestion] = {
    "referee ends": ends,
    "referee levels": levels_of,
    "referee under-reporting": under_reporting,
    "referee deletion controls": deletion_controls,
    **RECALL_ERROR,
    "referee form": form,
    "referee covariates missing": covariates_missing,
    "referee people missing": people_missing,
    "referee rows": rows_that_change_nothing,
}
"""Tasks whose rows are the referee's table, in its order."""

COMPANIONS: dict[str, tuple[str, RefereeQuestion]] = {
    "referee_rise": ("referee rise along the curve", rise_along_curve),
    "referee_band": ("referee band", band_at_round_intakes),
    "referee_under_reporter": ("referee under-reporter", indicator_odds),
}
"""Frames beside the table, by name."""


def referee_tasks(study: Study = PRIMARY) -> list[Task]:
    """Every task of the referee, asked of one study; the longest first, so that none is waited for alone."""
    alone, both = (study.exposure,), beside_energy(study.exposure)
    arguments = {
        "referee calibration redone": (alone, False),
        "referee calibration held": (alone, True),
        "referee calibration with energy": (both, False),
    }
    every = ROWS | dict(COMPANIONS.values())
    return [
        Task(name, function, arguments.get(name, ()), options=(("study", study),))
        for name, function in sorted(every.items(), key=lambda item: item[0] not in arguments)
        if name != "referee calibration with energy" or both != alone
    ]


def referee_frames(finished: Sequence[Finished]) -> dict[str, pd.DataFrame]:
    """The table ``referee`` and its companions, of the tasks that are there.

    Raises
    ------
    AuditError : a task found nothing, for the reason it has: a table with a question left out would mislead.
    """
    if reasons := without_answer(finished):
        raise AuditError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    return answered_frames(finished)


def without_answer(finished: Sequence[Finished]) -> dict[str, str]:
    """Tasks that found nothing, and single rows of those that found something, each with the reason."""
    reasons = {one.name: one.reason for one in finished if one.reason}
    for one in finished:
        if "left" in one.frames:
            reasons |= {f"{one.name}, {row.done}": str(row.reason) for row in one.frames["left"].itertuples()}
    return reasons


def answered_frames(finished: Sequence[Finished]) -> dict[str, pd.DataFrame]:
    """The same of the tasks that found something; a companion that did not has no frame."""
    found = {one.name: one.frames["rows"] for one in finished if not one.reason}
    companions = {frame: found[name] for frame, (name, _) in COMPANIONS.items() if name in found}
    if not (rows := [found[name] for name in ROWS if name in found]):
        return companions
    # The primary row opens several questions: it is told once in each.
    table = pd.concat(rows, ignore_index=True)
    return {"referee": table.drop_duplicates(["question", "done"], ignore_index=True), **companions}
