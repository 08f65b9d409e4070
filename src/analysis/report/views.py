"""Results that show themselves in a notebook cell: what the front door's `estimate` and `shape_of` return.

A view is the result itself with a face: every function takes it where it takes the plain result, which stays free of
HTML and drawings. Showing one computes nothing that takes time, and shows no single person's value.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.dose_response import association as plain
from analysis.dose_response import shape as plain_shape
from analysis.dose_response.association import Association, OddsRatioCurve, PrevalenceCurve
from analysis.dose_response.frames import round_intakes
from analysis.dose_response.shape import SEED, StudyShape, shape_dict
from analysis.errors import kind_words
from analysis.provenance import Provenance, provenance_of
from analysis.report.cells import Cell, Shown, source_words
from analysis.report.figures.dose_response import draw_odds_ratios
from analysis.report.figures.layout import BAND, GREEN, VERMILION, mark_invented
from analysis.report.words.numbers import format_intake, format_p, format_ratio, p_number, sentence
from analysis.report.words.shape import describe_shape
from analysis.report.words.study import WEIGHT_WORDS, age_words, cycle_words, exposure_axis
from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import count_of
from analysis.stats.regression.hypotheses import TermTest
from analysis.study import BOOTSTRAP_REPLICATES, PRIMARY, Study, StudyError

METHODS = {"wald": "Wald F", "rao_scott": "Rao-Scott likelihood ratio"}
CURVE = "curve"
"""Mark of the lines that are curves, by which those of an axes are counted."""
SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
CURVE_COLORS = (BAND, VERMILION, GREEN, "black")


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class TermTestView(Shown, TermTest):
    """A test with its null hypothesis beside its numbers.

    Attributes
    ----------
    As `analysis.stats.regression.hypotheses.TermTest`; ``null_hypothesis`` in words.
    """

    null_hypothesis: ClassVar[str]

    def to_frame(self) -> pd.DataFrame:
        """One row: null_hypothesis, method, statistic, df_num, df_den, p_value."""
        return pd.DataFrame([{"null_hypothesis": self.null_hypothesis} | dataclasses.asdict(self)])

    def _cell(self) -> Cell:
        return Cell([], {"": cell_of_tests([self])})

    def __repr__(self) -> str:
        # In one line, as several of them stand in a mapping.
        return (
            f"{METHODS[self.method]} = {self.statistic:.2f} on {self.df_num} and {self.df_den} df, p "
            f"{format_p(self.p_value)}; null hypothesis: {self.null_hypothesis}"
        )


class FlatCurve(TermTestView):
    """Test of every term of the spline."""

    __slots__ = ()
    null_hypothesis = "no association: the curve is flat"


class StraightLine(TermTestView):
    """Test of the spline's terms beyond the first."""

    __slots__ = ()
    null_hypothesis = "a straight line in log odds"


TESTS: dict[str, type[TermTestView]] = {"overall": FlatCurve, "nonlinear": StraightLine}
"""By the name of a test among `Association.tests`."""


def cell_of_tests(tests: Sequence[TermTestView]) -> pd.DataFrame:
    """Tests as they are read: null hypothesis, test, statistic, df, p."""
    return pd.DataFrame(
        {
            "null hypothesis": [test.null_hypothesis for test in tests],
            "test": [METHODS[test.method] for test in tests],
            "statistic": [f"{test.statistic:.2f}" for test in tests],
            "df": [f"{test.df_num}, {test.df_den}" for test in tests],
            "p": [p_number(test.p_value) for test in tests],
        }
    )


def viewed_test(test: TermTest, kind: type[TermTestView]) -> TermTestView:
    """A plain test with the null hypothesis of its kind."""
    return kind(**dataclasses.asdict(test))


class _OfFrame(Shown):
    """Base of a view of rows at some exposures: a sentence and a table of words; its ``frame`` has the numbers."""

    __slots__ = ()
    frame: pd.DataFrame

    @abstractmethod
    def _head(self) -> str:
        """What the rows are."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """What is shown, as words."""

    def to_frame(self) -> pd.DataFrame:
        """The numbers in full: a copy of ``frame``."""
        return self.frame.copy()

    def _cell(self) -> Cell:
        return Cell([self._head()], {"": self.table()})


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class CurveView(_OfFrame, OddsRatioCurve):
    """Odds ratios at some exposures, shown as a table; their ``frame`` has the numbers in full.

    Attributes
    ----------
    As `analysis.dose_response.association.OddsRatioCurve`, and

    unit : of the exposure.
    provenance : of the people, if it is known.
    """

    unit: str
    provenance: Provenance | None

    def _head(self) -> str:
        return (
            f"Odds ratios against {format_intake(self.reference)} {self.unit}, knots "
            f"{', '.join(map(format_intake, self.knots))}.{source_words(self.provenance)}"
        )

    def table(self) -> pd.DataFrame:
        """What is shown: exposure, odds ratio and both of its intervals, as words."""
        odds, level = self.frame, f"{100 * self.conf_level:g} %"
        shown = pd.DataFrame(
            {self.unit: odds["x"].map(format_intake), "odds ratio": odds["odds_ratio"].map(format_ratio)}
        )
        bands = {level: ("conf_low", "conf_high"), f"{level}, whole curve": ("band_low", "band_high")}
        for name, (low, high) in bands.items():
            shown[name] = [
                f"{format_ratio(a)} to {format_ratio(b)}" for a, b in zip(odds[low], odds[high], strict=True)
            ]
        return marked(shown, self.extrapolated)


def marked(shown: pd.DataFrame, extrapolated: Bools) -> pd.DataFrame:
    """A table with a last column that says of which rows there are no data, if there is one."""
    words = np.where(extrapolated, "extrapolated", "")
    return shown.assign(**{"": words}) if extrapolated.any() else shown


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrevalenceView(_OfFrame, PrevalenceCurve):
    """Standardised prevalence at some exposures, shown as a table; its ``frame`` has the numbers in full.

    Attributes
    ----------
    As `analysis.dose_response.association.PrevalenceCurve`, and

    disease : whose prevalence it is.
    unit : of the exposure.
    provenance : of the people, if it is known.
    """

    disease: str
    unit: str
    provenance: Provenance | None

    def _head(self) -> str:
        return (
            f"Prevalence of peripheral {self.disease} if everybody of the study had the intake, differences and ratios "
            f"against {format_intake(self.reference)} {self.unit}.{source_words(self.provenance)}"
        )

    def table(self) -> pd.DataFrame:
        """What is shown: exposure, prevalence with both of its intervals, difference and ratio, as words."""
        rows, level = self.frame, f"{100 * self.conf_level:g} %"

        def between(low: str, high: str) -> list[str]:
            return [f"{100 * a:.1f} to {100 * b:.1f}" for a, b in zip(rows[low], rows[high], strict=True)]

        differences = zip(rows["difference"], between("difference_low", "difference_high"), strict=True)
        ratios = zip(*(rows[name].map(format_ratio) for name in ("ratio", "ratio_low", "ratio_high")), strict=True)
        shown = {
            self.unit: rows["x"].map(format_intake),
            "prevalence, %": [f"{100 * share:.1f}" for share in rows["prevalence"]],
            level: between("conf_low", "conf_high"),
            f"{level}, all rows": between("band_low", "band_high"),
            f"difference, points ({level})": [f"{100 * value:+.1f} ({ends})" for value, ends in differences],
            f"ratio ({level})": [f"{value} ({low} to {high})" for value, low, high in ratios],
        }
        return marked(pd.DataFrame(shown), self.extrapolated)


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class AssociationView(Shown, Association):
    """One study's answer, shown as tables of odds ratios and tests.

    Attributes
    ----------
    As `analysis.dose_response.association.Association`, and

    provenance : of the people, if it is known.
    """

    provenance: Provenance | None = None

    def curve(self, x: float | Sequence[float] | Array, *, extrapolate: bool = False) -> CurveView:
        """Odds ratios at x; see `analysis.dose_response.association.Association.curve`."""
        # super() without arguments does not know the class that slots=True makes anew.
        found = Association.curve(self, x, extrapolate=extrapolate)
        unit = exposure_unit(self.study.exposure)
        return CurveView(**fields_of(found), unit=unit, provenance=self.provenance)

    def prevalence(self, x: float | Sequence[float] | Array, *, extrapolate: bool = False) -> PrevalenceView:
        """Standardised prevalence at x; see `analysis.dose_response.association.Association.prevalence`."""
        found, study = Association.prevalence(self, x, extrapolate=extrapolate), self.study
        unit = exposure_unit(study.exposure)
        return PrevalenceView(**fields_of(found), disease=study.disease, unit=unit, provenance=self.provenance)

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
        axes.set_xlabel(exposure_axis(self.study.exposure))
        mark_invented(axes, self.provenance)
        return axes

    def _drawn_model(self) -> pd.Series:
        study = self.study
        return pd.Series({
            "reference": self.reference,
            "conf_level": study.conf_level,
            "knots": " ".join(f"{knot:.17g}" for knot in self.spline.knots),
            "exposure": study.exposure,
            "exposure_label": exposure_label(study.exposure),
            "unit": exposure_unit(study.exposure),
            "outcome": study.outcome,
            "age_min": study.age_min,
            "age_max": study.age_max,
            "where": study.where or "",
            "cycles": " ".join(map(str, study.cycles)),
        })  # fmt: skip

    def _cell(self) -> Cell:
        study, fit, unit = self.study, self.fit, exposure_unit(self.study.exposure)
        head = (
            f"{study_words(study)}. n = {count_of(fit.n)}, cases = {count_of(fit.cases)}; design df {fit.design_df}, "
            f"residual df {fit.residual_df}; knots {', '.join(map(format_intake, self.spline.knots))}, reference "
            f"{format_intake(self.reference)} {unit}.{source_words(self.provenance)}"
        )
        tests = [viewed_test(test, TESTS[name]) for (name, _), test in self.tests.items()]
        left_out = [f"Left out, no variation here: {', '.join(self.dropped)}."] if self.dropped else []
        tables = {"": self.curve(round_intakes(self)).table(), "Tests": cell_of_tests(tests)}
        return Cell([head, *left_out, *self.notes], tables)


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShapeView(Shown, StudyShape):
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

    def _cell(self) -> Cell:
        association, row = _shown(self.association), pd.Series(shape_dict(self))
        unit = exposure_unit(association.study.exposure)
        head = f"{study_words(association.study)}.{source_words(association.provenance)}"
        tests = pd.DataFrame(
            {
                "null hypothesis": [StraightLine.null_hypothesis, "no fall at the low end", "no rise at the high end",
                                    "two lines: the first does not fall", "two lines: the second does not rise"],
                "p": [p_number(float(row[name])) for name in
                      ("nonlinear_p", "end_slopes_low_p", "end_slopes_high_p", "two_lines_low_p", "two_lines_high_p")],
            }
        )  # fmt: skip
        return Cell([head, *association.notes, describe_shape(row, unit=unit)], {"": tests})


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
    >>> found.prevalence([200, 400]).to_frame().columns[:5].tolist()
    ['x', 'prevalence', 'std_error', 'conf_low', 'conf_high']
    """
    return _shown(plain.estimate(people, study), provenance_of(people.attrs))


def shape_of(
    association: Association, *, replicates: int = BOOTSTRAP_REPLICATES, seed: int = SEED, jobs: int = 1
) -> ShapeView:
    """Whether a curve is a U: end slopes, two lines, lowest point with its interval, verdict by the protocol's rule.

    Parameters
    ----------
    association : of `estimate`.
    replicates, seed : of the design bootstrap, which takes a second or two.
    jobs : workers; no number depends on them.

    Raises
    ------
    StudyError : it is no association.
    DesignError, ConvergenceError, SplineError : as `analysis.dose_response.shape.shape_of`.

    Examples
    --------
    With ``people`` as for `estimate`:

    >>> shape = shape_of(estimate(people), replicates=40)
    >>> numbers = shape.to_frame().set_index("quantity")["value"]
    >>> bool(numbers["nadir_bootstrap_low"] < numbers["nadir_bootstrap_high"])
    True
    """
    if not isinstance(association, Association):
        raise StudyError(
            f"association: got {kind_words(association)}, expected what estimate gives, as in "
            "shape_of(estimate(people, study))."
        )
    found = plain_shape.shape_of(_shown(association), replicates=replicates, seed=seed, jobs=jobs)
    return ShapeView(**fields_of(found))


def study_words(study: Study) -> str:
    """A study as the head of what is shown says it: exposure, outcome, model, weights, and of whom."""
    return (
        f"{sentence(exposure_label(study.exposure))} and peripheral {study.disease} ({study.outcome}), model "
        f"{study.model}{''.join(f' + {name}' for name in study.extra_covariates)}; "
        f"{WEIGHT_WORDS[study.weights]}{_limited(study)}{f'; where {study.where}' if study.where else ''}"
    )


def _limited(study: Study) -> str:
    """Ages and cycles of a study that has not those of the primary one."""
    ages = (study.age_min, study.age_max) != (PRIMARY.age_min, PRIMARY.age_max)
    told = [age_words(study.age_min, study.age_max)] if ages else []
    told += [cycle_words(study.cycles)] if study.cycles != PRIMARY.cycles else []
    return "".join(f"; {words}" for words in told)


def _shown(association: Association, provenance: Provenance | None = None) -> AssociationView:
    if isinstance(association, AssociationView):
        return association
    tests = {(name, method): viewed_test(test, TESTS[name]) for (name, method), test in association.tests.items()}
    return AssociationView(**fields_of(association) | {"tests": tests}, provenance=provenance)


def fields_of(of: Any) -> dict[str, Any]:
    """The fields of a plain result, from which its view is made."""
    return {field.name: getattr(of, field.name) for field in dataclasses.fields(of)}


def _one_legend(axes: Axes) -> None:
    """A legend with each name once, that of what was drawn first."""
    named: dict[str, Any] = {}
    for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
        named.setdefault(name, handle)
    axes.legend(list(named.values()), list(named), fontsize="small")
