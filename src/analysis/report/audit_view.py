"""How much of a study's curve stands, as a notebook cell shows it: what the front door's `audit_study` returns."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from analysis.audit.questions import QUESTIONS, SINGLE, SPECIFICITY, audit_frames, not_asked, study_tasks
from analysis.audit.runner import run_tasks
from analysis.data.people.cohort import refuse_parts
from analysis.provenance import Provenance, provenance_of
from analysis.report.cells import Cell, Shown, source_words
from analysis.report.views import study_words
from analysis.report.words import audit as audit_words
from analysis.report.words.audit import joint_test_table, joint_tests
from analysis.report.words.energy import energy_sentence
from analysis.report.words.numbers import FORM_WORDS, format_intake, p_words, percent, verdict_words
from analysis.report.words.specificity import controls_sentence, specificity_sentence
from analysis.report.words.units import sampling_units_sentence
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import count_of
from analysis.study import PRIMARY, Study, StudyError, listed, refuse_no_study

LEAST = 3
"""Statistics of the joint test that are shown; `AuditView.to_frame` has all."""

DAY_WORDS = {"first": "first day", "second": "second day", "mean of both": "mean of both days"}


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuditView(Shown):
    """How much of one study's curve stands, shown as what each question came to and the numbers behind it.

    Attributes
    ----------
    study : whose curve it is.
    questions : which were asked, of `analysis.audit.questions.QUESTIONS`.
    frames : tables by name, as `analysis.audit.questions.audit_frames` gives them; ``energy slices`` are told
        by their tables only.
    provenance : of the people, if it is known.
    """

    study: Study
    questions: tuple[str, ...]
    frames: Frames
    provenance: Provenance | None = None

    @property
    def unanswered(self) -> int:
        """Number of tasks that found no answer; the table ``failures`` has their reasons."""
        return len(self.frames["failures"])

    def to_frame(self, name: str | None = None) -> pd.DataFrame:
        """One of the tables; without a name, the questions and their conclusions: question, conclusion.

        Raises
        ------
        StudyError : no such table.
        """
        if name is None:
            return pd.DataFrame(self._conclusions().items(), columns=["question", "conclusion"])
        if name not in self.frames:
            raise StudyError(f"{name!r}: expected one of the audit's tables, {', '.join(self.frames)}.")
        return self.frames[name].copy()

    def _conclusions(self) -> dict[str, str]:
        asked, audit = set(self.questions), self.frames
        found: dict[str, tuple[set[str], Callable[[Frames], str]]] = {
            "The same in every specification?": (
                {"specification"}, lambda of: _specification_words(of, self.study)
            ),
            "Of this exposure alone?": ({SPECIFICITY}, lambda of: _specificity_words(of, self.study)),
            "With energy adjusted for?": (
                {"energy forms", "energy surface"}, lambda of: energy_sentence(of, self.study)
            ),
            "The same in every cycle?": (
                {"cycle curves", "cycle heterogeneity"}, lambda of: audit_words.cycles_sentence(of, self.study)
            ),
            "Carried by one sampling unit?": ({"sampling units"}, sampling_units_sentence),
            "The same on a second day?": (
                {"two recalls"}, lambda of: audit_words.recall_sentence(of, self.study.exposure)
            ),
        }  # fmt: skip
        left = not_asked(self.study)
        told = {}
        for question, (needed, words) in found.items():
            reasons = [left[name] for name in QUESTIONS if name in needed and name in left]
            if needed <= asked:
                told[question] = f"Not asked: {reasons[0]}." if reasons else words(audit)
        return told

    def _cell(self) -> Cell:
        without = f", {self.unanswered} without an answer" if self.unanswered else ""
        head = (
            f"Audit of: {study_words(self.study)}. {len(self.questions)} questions asked{without}; tables: "
            f"{', '.join(self.frames)}.{source_words(self.provenance)}"
        )
        told = [f"{question} {conclusion}" for question, conclusion in self._conclusions().items()]
        makers = {
            "Verdicts of all specifications": _verdicts,
            f"Joint test, the {LEAST} statistics with the least p": _joint_test,
            "The curve by form of energy, cycle and day": _elsewhere,
        }
        tables = {title: table(self.frames) for title, table in makers.items()}
        return Cell([head, *told], {title: table for title, table in tables.items() if not table.empty})


def _verdicts(audit: Frames) -> pd.DataFrame:
    """How many specifications end in each verdict."""
    if "verdict_shares" not in audit:
        return pd.DataFrame()
    whole = audit["verdict_shares"].query("choice == 'all'")
    return pd.DataFrame(
        {
            "verdict": whole["verdict"].map(verdict_words),
            "specifications": whole["n"].map("{:,}".format),
            "share": whole["share"].map(percent),
        }
    )


def _joint_test(audit: Frames) -> pd.DataFrame:
    if "joint_test" not in audit:
        return pd.DataFrame()
    table = joint_test_table(audit)
    least = joint_tests(audit["joint_test"], primary=True)["p_value"].argsort().iloc[:LEAST]
    return table.iloc[sorted(least)].rename_axis("statistic").reset_index()


def _elsewhere(audit: Frames) -> pd.DataFrame:
    """The curve in each form of energy, in each cycle and on each day, a row an answer."""
    kinds: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("energy_forms", "form", FORM_WORDS),
        ("cycle_shapes", "cycle", {}),
        ("recall_curves", "days", DAY_WORDS),
    )
    parts = []
    for name, column, words in kinds:
        if name in audit:
            rows = audit[name]
            verdicts = rows["verdict"] if "verdict" in rows else pd.Series("", rows.index)
            part = {
                "curve": [words.get(one, one) for one in rows[column]],
                "people": rows["n"].map(count_of),
                "overall p": p_words(rows["overall_p"]),
                "non-linear p": p_words(rows["nonlinear_p"]),
                "lowest point": rows["nadir"].map(format_intake),
                "verdict": verdicts.fillna(""),
            }
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _specification_words(audit: Frames, study: Study) -> str:
    return f"{audit_words.verdicts_sentence(audit)} {audit_words.joint_test_sentence(audit, study)}"


def _specificity_words(audit: Frames, study: Study) -> str:
    if missing := audit_words.unanswered_words(audit, "specificity"):
        return missing
    return f"{specificity_sentence(audit, study)} {controls_sentence(audit, study)}"


def audit_study(
    people: pd.DataFrame,
    study: Study = PRIMARY,
    *,
    questions: str | Sequence[str] = tuple(SINGLE),
    folder: Path | None = None,
    jobs: int = 1,
) -> AuditView:
    """How much of a study's curve stands: without energy, in each cycle, without each sampling unit, on another day.

    Parameters
    ----------
    people : as `estimate`.
    study : whose curve it is.
    questions : one or more of `analysis.audit.questions.QUESTIONS`. The grid of specifications (``specification``), the
        other nutrients (``specificity``) and the referee (``referee``) take minutes; the others some seconds.
    folder : keeps each question's result there, as the stage ``audit`` does, so that it is not computed again;
        None keeps nothing on disk.
    jobs : processes; 1 does everything in this one. No number depends on them.

    Returns
    -------
    AuditView. A question that this study cannot answer has its reason there instead.

    Raises
    ------
    StudyError : no such question, or the grid of specifications does not hold the study.

    Examples
    --------
    With ``people`` as for `estimate`:

    >>> audit = audit_study(people, Study(knots=3), questions=("cycle curves",))
    >>> audit.to_frame("cycle_shapes")["cycle"].tolist()
    ['1999-2000', '2001-2002', '2003-2004', 'pooled']
    """
    refuse_parts(people)
    refuse_no_study(study)
    names = listed(questions)
    finished = run_tasks(study_tasks(study, names), people, folder=folder, jobs=jobs, progress="")
    asked = tuple(name for name in QUESTIONS if name in names)
    frames = audit_frames(finished, people, study=study, jobs=jobs)
    return AuditView(study, asked, frames, provenance_of(people.attrs))
