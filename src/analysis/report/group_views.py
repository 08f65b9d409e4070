"""Curves by level and odds ratios by quintile as a cell shows them: `effect_modification` and `quintiles`."""

import dataclasses
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.data.people.vocabulary import exposure_label, exposure_origin, exposure_unit
from analysis.dose_response import modifiers as plain_modifiers
from analysis.dose_response import quintiles as plain_quintiles
from analysis.dose_response.frames import REFERENCE_QUINTILES
from analysis.dose_response.modifiers import EffectModification, Modifier
from analysis.provenance import Provenance, provenance_of
from analysis.report.cells import Cell, Shown, source_words
from analysis.report.figures.dose_response import draw_quintiles, interval_words
from analysis.report.figures.layout import mark_invented, odds_axis
from analysis.report.figures.modifiers import draw_levels
from analysis.report.views import TermTestView, cell_of_tests, fields_of, study_words, viewed_test
from analysis.report.words.numbers import format_intake, format_odds_ratio, list_words, p_number
from analysis.report.words.study import against, exposure_axis
from analysis.stats.disclosure import FEW, blanked, count_of, is_few
from analysis.study import PRIMARY, Study

DRAWN_SHARE = (0.02, 0.98)
"""Of the limits of all levels' bands, between which an axis ends: a small level would stretch it."""


ORDINALS = ("first", "second", "third", "fourth", "fifth")


class OneCurve(TermTestView):
    """Test of the products of a modifier's levels with the spline."""

    __slots__ = ()
    null_hypothesis = "one curve in every level"


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModificationView(Shown, EffectModification):
    """The curves within the levels of a modifier, shown as their odds ratios at two intakes and the test.

    Attributes
    ----------
    As `analysis.dose_response.modifiers.EffectModification`, and

    provenance : of the people, if it is known.
    """

    provenance: Provenance | None = None

    def to_frame(self) -> pd.DataFrame:
        """Odds ratios within each level at both `arms`; columns as of `curves`, which takes other intakes."""
        return self.curves(self.arms())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each level's curve with its band, from the 1st to the 99th percentile, into ``ax`` or new axes."""
        axes = plt.subplots()[1] if ax is None else ax
        curves = self.curves(self.grid()).assign(reference=self.reference)
        odds_axis(axes, np.quantile(curves[["conf_low", "conf_high"]].dropna().to_numpy(), DRAWN_SHARE))
        draw_levels(axes, curves, "two")
        exposure = self.study.exposure
        axes.set_title(f"By {self.modifier.label}")
        axes.set_xlabel(exposure_axis(exposure))
        axes.set_ylabel(against(self.reference, exposure))
        mark_invented(axes, self.provenance)
        return axes

    def _cell(self) -> Cell:
        fit, unit, setting = self.fit, exposure_unit(self.study.exposure), self.problem.setting
        notes = [f"In the place of {list_words(self.replaced)}."] if self.replaced else []
        notes += [f"Left out, no variation here: {', '.join(setting.dropped)}."] if setting.dropped else []
        head = (
            f"{study_words(self.study)}, by {self.modifier.label}. n = {count_of(fit.n)}, cases = "
            f"{count_of(fit.cases)}; design df {fit.design_df}, residual df {fit.residual_df}; knots "
            f"{', '.join(map(format_intake, self.problem.spline.knots))}, reference {format_intake(self.reference)} "
            f"{unit} in every level.{source_words(self.provenance)}"
        )
        tests = [viewed_test(test, OneCurve) for test in self.tests.values()]
        return Cell([head, *notes, *setting.notes], {"": self._levels_table(unit), "Tests": cell_of_tests(tests)})

    def _levels_table(self, unit: str) -> pd.DataFrame:
        """Levels with their people, odds ratios at both arms, and tests of their own curves; of few people none."""
        levels, odds = self.levels(), self.to_frame()
        counts = {name: _words(levels[name], "{:,.0f}".format) for name in ("n", "cases")}
        arms = {
            f"at {format_intake(x)} {unit}": [
                FEW if pd.isna(row["odds_ratio"]) else format_odds_ratio(row) for _, row in points.iterrows()
            ]
            for x, points in odds.groupby("x")
        }
        tests = {name: _words(levels[f"{key}_p"], p_number) for name, key in
                 (("overall p", "overall"), ("non-linear p", "nonlinear"))}  # fmt: skip
        return pd.DataFrame({"level": levels["level"], **counts, **arms, **tests})


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class QuintilesView(Shown):
    """Odds ratios of the quintiles of exposure against one of them.

    Attributes
    ----------
    study : what was asked.
    frame : as `analysis.dose_response.quintiles.quintiles` gives it; empty where a quintile has fewer than 10 people.
    provenance : of the people, if it is known.
    """

    study: Study
    frame: pd.DataFrame
    provenance: Provenance | None = None

    @property
    def reference_quintile(self) -> int:
        """The one of odds ratio 1."""
        return int(self.frame["reference_quintile"].iloc[0])

    def to_frame(self) -> pd.DataFrame:
        """The numbers in full: a copy of ``frame``."""
        return self.frame.copy()

    def plot(self, ax: Axes | None = None, *, label: str | None = None) -> Axes:
        """Draw the odds ratios with their intervals into ``ax`` or new axes; with a label, those get a legend."""
        axes = plt.subplots()[1] if ax is None else ax
        exposure = self.study.exposure
        odds_axis(axes, self.frame[["conf_low", "conf_high"]].dropna().to_numpy())
        draw_quintiles(axes, self.frame, label=label or "_odds ratio")
        axes.set_xticks(self.frame["quintile"], [f"Q{quintile}" for quintile in self.frame["quintile"]])
        axes.set_xlabel(f"Quintile of {exposure_label(exposure)} {exposure_origin(exposure)}")
        axes.set_ylabel(f"Odds ratio (against Q{self.reference_quintile})")
        if label:
            axes.legend()
        mark_invented(axes, self.provenance)
        return axes

    def _cell(self) -> Cell:
        rows, unit = self.frame, exposure_unit(self.study.exposure)
        head = (
            f"{study_words(self.study)}: quintiles against the {ORDINALS[self.reference_quintile - 1]}, cut from the "
            f"cohort without weights.{source_words(self.provenance)}"
        )
        reference = rows["quintile"] == self.reference_quintile
        odds = [FEW if pd.isna(row["odds_ratio"]) else format_odds_ratio(row) for _, row in rows.iterrows()]
        table = pd.DataFrame(
            {
                "quintile": rows["quintile"].astype(str),
                unit: [interval_words(row.lower, row.upper) for row in rows.itertuples()],
                "n": _words(rows["n"], "{:,.0f}".format),
                "cases": _words(rows["cases"], "{:,.0f}".format),
                f"odds ratio ({100 * self.study.conf_level:g} %)": pd.Series(odds).mask(reference, "1 (reference)"),
                "p": _words(rows["p_value"], p_number).mask(reference, ""),
            }
        )
        return Cell([head], {"": table})


def effect_modification(people: pd.DataFrame, modifier: Modifier, *, study: Study = PRIMARY) -> ModificationView:
    """Fit a study with a curve for each level of a modifier.

    Parameters
    ----------
    people : as `estimate`.
    modifier : whose levels, as `modifier_of` gives it.
    study : the protocol; the modifier may not be made of its exposure.

    Raises
    ------
    StudyError : nobody of the cohort is of a level, the modifier is made of the exposure, or it is none.
    ConditionError, SplineError, DesignError, ConvergenceError : as `estimate`.

    Examples
    --------
    With ``people`` as for `estimate`:

    >>> from analysis import modifier_of
    >>> by_sex = effect_modification(people, modifier_of(people, "sex"))
    >>> by_sex.to_frame()["level"].unique().tolist()
    ['male', 'female']
    """
    found = plain_modifiers.effect_modification(people, modifier, study=study)
    tests = {method: viewed_test(test, OneCurve) for method, test in found.tests.items()}
    return ModificationView(**fields_of(found) | {"tests": tests}, provenance=provenance_of(people.attrs))


def quintiles(
    people: pd.DataFrame, study: Study = PRIMARY, *, reference_quintile: int = REFERENCE_QUINTILES[0]
) -> QuintilesView:
    """Odds ratios of the exposure's quintiles against one of them.

    Parameters
    ----------
    people, study : as `estimate`; the study's knots are not used.
    reference_quintile : 1 to 5; by default that of the project's own figure.

    Returns
    -------
    QuintilesView, whose ``frame`` has five rows: reference_quintile, quintile, lower, upper, n, cases, log_or,
    std_error, odds_ratio, conf_low, conf_high, p_value.

    Raises
    ------
    StudyError : the reference is not 1 to 5, or quintiles coincide. Otherwise as `estimate`.

    Examples
    --------
    With ``people`` as for `estimate`:

    >>> float(quintiles(people).to_frame().loc[1, "odds_ratio"])
    1.0
    """
    rows = plain_quintiles.quintiles(people, study, reference_quintile=reference_quintile)
    rows = rows.assign(cases=rows["cases"].where(~rows["cases"].map(is_few)).astype(float))
    numbers = [name for name in rows if name not in ("reference_quintile", "quintile", "lower", "upper")]
    return QuintilesView(study, blanked(rows, numbers), provenance_of(people.attrs))


def _words(numbers: pd.Series, words: Callable[[float], str]) -> pd.Series:
    """Numbers as they are told; of few people that they are few."""
    return numbers.map(words, na_action="ignore").fillna(FEW)
