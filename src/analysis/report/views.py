"""Results that show themselves in a notebook cell: what the front door's `estimate` and `shape_of` return.

A view is the result itself with a face: every function takes it where it takes the plain result, which stays free of
HTML and drawings. Showing one computes nothing that takes time, and shows no single person's value.
"""

import dataclasses
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analysis.audit.questions import QUESTIONS, SINGLE, SPECIFICITY, audit_frames, not_asked, study_tasks
from analysis.audit.runner import run_tasks
from analysis.data.people.cohort import refuse_parts
from analysis.data.people.vocabulary import exposure_label, exposure_origin, exposure_unit
from analysis.dose_response import association as plain
from analysis.dose_response import shape as plain_shape
from analysis.dose_response.association import Association
from analysis.dose_response.frames import round_intakes
from analysis.dose_response.shape import StudyShape, shape_dict
from analysis.report.figures.dose_response import draw_odds_ratios
from analysis.report.figures.layout import BAND, GREEN, VERMILION
from analysis.report.words import audit as audit_words
from analysis.report.words.energy import energy_sentence
from analysis.report.words.numbers import format_intake, p_number, sentence
from analysis.report.words.shape import describe_shape
from analysis.report.words.specificity import controls_sentence, specificity_sentence
from analysis.report.words.study import WEIGHT_WORDS
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import Discreet
from analysis.study import BOOTSTRAP_REPLICATES, PRIMARY, Study, StudyError

NULL_HYPOTHESES = {
    "overall": "no association: the curve is flat",
    "nonlinear": "a straight line in log odds",
}
METHODS = {"wald": "Wald F", "rao_scott": "Rao-Scott likelihood ratio"}
SEED = 1
CURVE = "curve"
"""Mark of the lines that are curves, by which those of an axes are counted."""
SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
CURVE_COLORS = (BAND, VERMILION, GREEN, "black")


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class AssociationView(Association):
    """One study's answer, shown as tables of odds ratios and tests.

    Attributes
    ----------
    As `analysis.dose_response.association.Association`.
    """

    def to_frame(self) -> pd.DataFrame:
        """Odds ratios at round intakes: x, odds_ratio, conf_low, conf_high, band_low, band_high (whole curve)."""
        points = list(round_intakes(self))
        columns = ["x", "odds_ratio", "conf_low", "conf_high", "band_low", "band_high"]
        return self.curve(points).frame[columns]

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: str | None = None) -> Axes:
        """Draw the odds-ratio curve with its bands, from the 1st to the 99th percentile, into ``ax`` or new axes.

        Parameters
        ----------
        ax : axes, which may hold the curves of other studies already: all share one legend.
        label : name of the curve in the legend, "odds ratio" by default; with one, the axes get no title.
        color : of the curve, its band and marks; by default the first that no curve of the axes has.

        Returns
        -------
        The axes, whose lines and bands can be changed.
        """
        axes = plt.subplots()[1] if ax is None else ax
        others = sum(line.get_gid() == CURVE for line in axes.lines)
        before, limits = axes.get_ylabel(), axes.get_ylim()
        name = label or ("odds ratio" if others == 0 else f"odds ratio {others + 1}")
        color = color or (CURVE_COLORS[others % len(CURVE_COLORS)] if others or label else None)
        titles = {side: axes.get_title(loc=side) for side in SIDES}
        draw_odds_ratios(axes, self.curve(self.grid()).frame, self._drawn_model(), label=name, color=color)
        next(line for line in reversed(axes.lines) if line.get_label() == name).set_gid(CURVE)
        if others or label:
            for side, words in titles.items():
                axes.set_title(words, loc=side)
        if others:
            axes.set_ylim(min(limits[0], axes.get_ylim()[0]), max(limits[1], axes.get_ylim()[1]))
            if axes.get_ylabel() != before:
                axes.set_ylabel("Odds ratio (against each curve's reference)")
        _one_legend(axes)
        exposure = self.study.exposure
        origin = f"{sentence(exposure_label(exposure))} {exposure_origin(exposure)}".strip()
        axes.set_xlabel(f"{origin} ({exposure_unit(exposure)})")
        return axes

    def _drawn_model(self) -> pd.Series:
        study = self.study
        return pd.Series({
            "reference": self.reference,
            "conf_level": study.conf_level,
            "knots": " ".join(f"{knot:.17g}" for knot in self.spline.knots),
            "exposure_label": exposure_label(study.exposure),
            "unit": exposure_unit(study.exposure),
            "outcome": study.outcome,
            "age_min": study.age_min,
            "where": study.where or "",
            "cycles": " ".join(map(str, study.cycles)),
        })  # fmt: skip

    def _parts(self) -> tuple[str, dict[str, pd.DataFrame]]:
        study, fit, unit = self.study, self.fit, exposure_unit(self.study.exposure)
        level = f"{100 * study.conf_level:g} %"
        head = (
            f"{exposure_label(study.exposure).capitalize()} and peripheral {study.disease} ({study.outcome}), model "
            f"{study.model}{''.join(f' + {name}' for name in study.extra_covariates)}; "
            f"{WEIGHT_WORDS[study.weights]}{f'; where {study.where}' if study.where else ''}. "
            f"n = {fit.n:,}, cases = {fit.cases:,}; design df {fit.design_df}, residual df {fit.residual_df}; knots "
            f"{', '.join(map(format_intake, self.spline.knots))}, reference {format_intake(self.reference)} {unit}."
        )
        odds = self.to_frame()
        shown = pd.DataFrame(
            {unit: odds["x"].map(format_intake), "odds ratio": odds["odds_ratio"].map("{:.2f}".format)}
        )
        bands = {level: ("conf_low", "conf_high"), f"{level}, whole curve": ("band_low", "band_high")}
        for name, (low, high) in bands.items():
            shown[name] = [f"{a:.2f} to {b:.2f}" for a, b in zip(odds[low], odds[high], strict=True)]
        tests = self.tests_frame()
        told = pd.DataFrame(
            {
                "null hypothesis": tests["test"].map(NULL_HYPOTHESES),
                "test": tests["method"].map(METHODS),
                "statistic": tests["statistic"].map("{:.2f}".format),
                "df": [f"{row.df_num}, {row.df_den}" for row in tests.itertuples()],
                "p": [p_number(p) for p in tests["p_value"]],
            }
        )
        return head, {"": shown, "Tests": told}

    def __repr__(self) -> str:
        return _as_text(*self._parts())

    def _repr_html_(self) -> str:
        return _as_html(*self._parts())


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShapeView(StudyShape):
    """The shape of one study's curve, shown with its low point, tests and verdict.

    Attributes
    ----------
    As `analysis.dose_response.shape.StudyShape`.
    """

    def to_frame(self) -> pd.DataFrame:
        """Every number about the shape: columns quantity, value."""
        return pd.DataFrame(shape_dict(self).items(), columns=["quantity", "value"])

    def plot(self, ax: Axes | None = None, *, label: str | None = None, color: str | None = None) -> Axes:
        """The curve, with its lowest point and the interval of that by the design bootstrap; see `AssociationView`."""
        axes = _shown(self.association).plot(ax, label=label, color=color)
        row: Mapping[str, Any] = shape_dict(self)
        axes.axvspan(
            row["nadir_bootstrap_low"],
            row["nadir_bootstrap_high"],
            color="0.5",
            alpha=0.15,
            label="lowest point, interval",
        )
        axes.axvline(self.association.nadir.x, color="0.3", linestyle=":", label="lowest point")
        return axes

    def _parts(self) -> tuple[str, dict[str, pd.DataFrame]]:
        row = pd.Series(shape_dict(self))
        unit = exposure_unit(self.association.study.exposure)
        head = describe_shape(row, unit=unit)
        tests = pd.DataFrame(
            {
                "null hypothesis": [NULL_HYPOTHESES["nonlinear"], "no fall at the low end", "no rise at the high end",
                                    "two lines: the first does not fall", "two lines: the second does not rise"],
                "p": [p_number(float(row[name])) for name in
                      ("nonlinear_p", "end_slopes_low_p", "end_slopes_high_p", "two_lines_low_p", "two_lines_high_p")],
            }
        )  # fmt: skip
        return head, {"": tests}

    def __repr__(self) -> str:
        return _as_text(*self._parts())

    def _repr_html_(self) -> str:
        return _as_html(*self._parts())


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuditView(Discreet):
    """How much of one study's curve stands, shown as a table of the questions with what each came to.

    Attributes
    ----------
    study : whose curve it is.
    questions : which were asked, of `analysis.audit.questions.QUESTIONS`.
    frames : tables by name, as `analysis.audit.questions.audit_frames` gives them; ``energy slices`` are told
        by their tables only.
    """

    shown = ("study.exposure", "study.outcome", "study.model", "questions", "unanswered", "frames")

    study: Study
    questions: tuple[str, ...]
    frames: Frames

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
            "Of this nutrient alone?": ({SPECIFICITY}, lambda of: _specificity_words(of, self.study)),
            "With energy adjusted for?": ({"energy forms", "energy surface"}, energy_sentence),
            "The same in every cycle?": ({"cycle curves", "cycle heterogeneity"}, audit_words.cycles_sentence),
            "Carried by one sampling unit?": ({"sampling units"}, audit_words.sampling_units_sentence),
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

    def _head(self) -> str:
        without = f", {self.unanswered} without an answer" if self.unanswered else ""
        study = self.study
        return (
            f"Audit of {exposure_label(study.exposure)} and peripheral {study.disease} ({study.outcome}, model "
            f"{study.model}): {len(self.questions)} questions asked{without}."
        )

    def _repr_html_(self) -> str:
        # Sentences are longer than what pandas shows of a cell.
        with pd.option_context("display.max_colwidth", None):
            return _as_html(f"{self._head()} Tables: {', '.join(self.frames)}.", {"": self.to_frame()})


def _specification_words(audit: Frames, study: Study) -> str:
    return f"{audit_words.verdicts_sentence(audit)} {audit_words.joint_test_sentence(audit, study)}"


def _specificity_words(audit: Frames, study: Study) -> str:
    if missing := audit_words.unanswered_words(audit, "specificity"):
        return missing
    return f"{specificity_sentence(audit, study)} {controls_sentence(audit, study)}"


def estimate(people: pd.DataFrame, study: Study = PRIMARY) -> AssociationView:
    """Answer a study: its curve, tests and prevalence.

    Parameters
    ----------
    people : all interviewed people, as `read_participants` gives them. A column of one's own may be added with
        ``people.assign(...)``; nobody may be dropped, or the variance would be wrong: say it in ``Study(where=...)``.
    study : the protocol; `PRIMARY` unless said.

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : as
        `analysis.dose_response.association.estimate`.

    Examples
    --------
    With ``people`` as `read_participants` gives them, here of an invented survey:

    >>> found = estimate(people, Study(knots=3, model="2"))
    >>> found.spline.knots.size, found.tests["nonlinear", "wald"].df_num
    (3, 1)
    >>> found.curve(found.reference).frame["odds_ratio"].tolist()
    [1.0]
    >>> found.prevalence([200, 400]).columns[:5].tolist()
    ['x', 'prevalence', 'std_error', 'conf_low', 'conf_high']
    """
    return _shown(plain.estimate(people, study))


def shape_of(
    association: Association, *, replicates: int = BOOTSTRAP_REPLICATES, seed: int = SEED, jobs: int = 1
) -> ShapeView:
    """Whether a curve is a U: end slopes, two lines, lowest point with its interval, verdict by the protocol's rule.

    Parameters
    ----------
    association : of `estimate`.
    replicates, seed : of the design bootstrap, which takes a second or two.
    jobs : workers; no number depends on them.

    Examples
    --------
    With ``people`` as for `estimate`:

    >>> shape = shape_of(estimate(people), replicates=40)
    >>> numbers = shape.to_frame().set_index("quantity")["value"]
    >>> bool(numbers["nadir_bootstrap_low"] < numbers["nadir_bootstrap_high"])
    True
    """
    found = plain_shape.shape_of(association, replicates=replicates, seed=seed, jobs=jobs)
    return ShapeView(**{field.name: getattr(found, field.name) for field in dataclasses.fields(found)})


def audit_study(
    people: pd.DataFrame,
    study: Study = PRIMARY,
    *,
    questions: Sequence[str] = tuple(SINGLE),
    folder: Path | None = None,
    jobs: int = 1,
) -> AuditView:
    """How much of a study's curve stands: without energy, in each cycle, without each sampling unit, on another day.

    Parameters
    ----------
    people : as `estimate`.
    study : whose curve it is.
    questions : of `analysis.audit.questions.QUESTIONS`. The grid of specifications (``specification``), the other
        nutrients (``specificity``) and the referee (``referee``) take minutes; the others some seconds.
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
    finished = run_tasks(study_tasks(study, questions), people, folder=folder, jobs=jobs, progress="")
    asked = tuple(name for name in QUESTIONS if name in questions)
    return AuditView(study, asked, audit_frames(finished, people, study=study, jobs=jobs))


def _shown(association: Association) -> AssociationView:
    if isinstance(association, AssociationView):
        return association
    return AssociationView(
        **{field.name: getattr(association, field.name) for field in dataclasses.fields(association)}
    )


def _one_legend(axes: Axes) -> None:
    """A legend with each name once, that of what was drawn first."""
    named: dict[str, Any] = {}
    for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
        named.setdefault(name, handle)
    axes.legend(list(named.values()), list(named), fontsize="small")


def _as_text(head: str, tables: Mapping[str, pd.DataFrame]) -> str:
    parts = [head]
    for title, table in tables.items():
        parts.append(f"{title}\n{table.to_string(index=False)}".strip("\n"))
    return "\n\n".join(parts)


def _as_html(head: str, tables: Mapping[str, pd.DataFrame]) -> str:
    parts = [f"<p>{html.escape(head)}</p>"]
    for title, table in tables.items():
        parts.append((f"<p><b>{title}</b></p>" if title else "") + table.to_html(index=False, border=0))
    return "\n".join(parts)
