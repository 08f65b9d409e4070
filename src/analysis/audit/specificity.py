"""Is the shape the exposure's own? Every nutrient, and controls, as exposure or outcome of the study's model.

If the shape belongs to the exposure, that should stand out among the nutrients, and still do so once the exposure is
freed from energy. If it belongs to how much people eat, or report to have eaten, energy and all that goes with it draw
the same curve. Every nutrient that the three cycles share is put through model 1 as it is, and with each way of
adjusting for energy; false discoveries are controlled over the nutrients of each way. A nutrient that many did not
have, on whose zeros knots coincide, is answered with knots by Hmisc's rule for ties, as a kind of its own ("heaped
nutrient"): that was chosen after the others were known, so it is marked and not counted among them.

Positive controls are exposures known to go with neuropathy, which a method that works must find: age and, by HbA1c,
diabetes (Gregg 2004), and height (Hicks 2021). They are fitted without and with energy as a spline, which must not take
them away.

Negative-control outcomes are older than the recalled day, which therefore cannot have caused them. A straight line
with intake is no surprise there: schooling, smoking and stature go with what people eat. But a U of such an outcome
says that people with very low and very high recalls differ from others in more than what they ate that day.

References
----------
Benjamini & Hochberg 1995, J R Stat Soc B 57:289-300. Lipsitch, Tchetgen Tchetgen & Cohen 2010, Epidemiology 21:383-388
(negative controls). Berger 1982, Technometrics 24:295-300 (intersection-union tests). Gregg et al. 2004, Diabetes Care
27:1591-1597. Hicks et al. 2021, Sci Rep 11:19159.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy

from analysis.audit.coefficients import coefficients_frame, curve_coefficients
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS, exposure_label
from analysis.dose_response.energy import ENERGY, EnergyForm, energy_adjusted, energy_known, forms_of
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Setting, pose_setting, set_out
from analysis.dose_response.shape import shape_numbers
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools
from analysis.stats.curve.splines import SplineError
from analysis.stats.disclosure import is_few
from analysis.stats.shape.verdict import U
from analysis.study import PRIMARY, Study

CellKind = Literal["nutrient", "heaped nutrient", "positive control", "negative control"]

FORMS: tuple[EnergyForm, ...] = ("none", "residual", "density", "spline")
CONTROL_FORMS: tuple[EnergyForm, ...] = ("none", "spline")
"""Forms that leave the exposure what it is: the others would make a control of another kind of it."""

HEAPED: CellKind = "heaped nutrient"
NEUROPATHY = "neuropathy"
FALSE_DISCOVERIES = 0.05

POSITIVE_CONTROLS: dict[str, str] = {
    "age_years": "age",
    "hba1c_percent": "HbA1c",
    "height_cm": "height",
}
"""Exposures known to go with neuropathy, and their words."""


def _low_education(people: pd.DataFrame) -> pd.Series:
    return (people["education"] == "less_than_high_school").astype(float).where(people["education"].notna())


def _ever_smoked(people: pd.DataFrame) -> pd.Series:
    return (people["smoking"] != "never").astype(float).where(people["smoking"].notna())


def _tall(people: pd.DataFrame) -> pd.Series:
    median = people.groupby("sex", observed=True)["height_cm"].transform("median")
    return (people["height_cm"] > median).astype(float).where(people["height_cm"].notna())


@dataclass(frozen=True, slots=True)
class NegativeControl:
    """An outcome that intake on the recalled day cannot have caused.

    Attributes
    ----------
    label : in words.
    covariate : harmonised column it is made of, which leaves the model if it is in it.
    reason : why the recalled day cannot have caused it, with its source.
    outcome_of : people of the cohort -> 1, 0 or missing.
    """

    label: str
    covariate: str
    reason: str
    outcome_of: Callable[[pd.DataFrame], pd.Series]


NEGATIVE_CONTROLS: dict[str, NegativeControl] = {
    "low_education": NegativeControl(
        "less than high school", "education",
        "highest grade completed (DMDEDUC2, DEMO codebooks): at 40 or older it was settled decades before",
        _low_education,
    ),
    "ever_smoked": NegativeControl(
        "ever smoked", "smoking",
        "at least 100 cigarettes in life (SMQ020, SMQ codebooks): for nearly everybody begun in youth",
        _ever_smoked,
    ),
    "tall": NegativeControl(
        "tall for one's sex", "height_cm",
        "height as measured (BMXHT, BMX codebooks) above the median of the cohort's men or women: settled by early "
        "adulthood",
        _tall,
    ),
}  # fmt: skip
"""Outcomes by name."""

NUMBERS = (
    "n", "cases", "residual_df", "reference", "zero_share", "energy_correlation", "energy_rank_correlation",
    "adjusted_correlation", "overall_p", "nonlinear_p", "end_low_p", "end_high_p", "end_slopes_p", "two_lines_p", "u_p",
    "nadir", "nadir_low", "nadir_low_mc_error", "nadir_high", "nadir_high_mc_error", "interior", "interior_mc_error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class SpecificityCell:
    """One exposure with one outcome under one way of adjusting for energy."""

    kind: CellKind
    exposure: str
    outcome: str
    form: EnergyForm

    @property
    def people(self) -> tuple[str, str, str]:
        """What decides the people and the model but for energy: cells that share it are set out once."""
        return (self.kind, self.exposure, self.outcome)

    @property
    def label(self) -> str:
        """The exposure in words, with the outcome if it is not neuropathy."""
        if self.kind == "positive control":
            return POSITIVE_CONTROLS[self.exposure]
        words = exposure_label(self.exposure)
        return f"{NEGATIVE_CONTROLS[self.outcome].label} by {words}" if self.kind == "negative control" else words


CHOSEN = ("kind", "exposure", "outcome", "form", "label")
"""What tells the rows apart."""


def nutrient_cells(study: Study = PRIMARY) -> list[SpecificityCell]:
    """The cells of every nutrient: the same ones whichever exposure the study has."""
    return [
        SpecificityCell("nutrient", nutrient, study.disease, form)
        for nutrient in NUTRIENT_COLUMNS
        for form in _forms(nutrient, FORMS)
    ]


def own_cells(study: Study = PRIMARY) -> list[SpecificityCell]:
    """The cells that are the study's own: its exposure, if that is none of the nutrients, and the controls.

    What is known to go with neuropathy is no control of another disease, and an exposure none of itself.
    """
    cells = [
        SpecificityCell("nutrient", study.exposure, study.disease, form)
        for form in _forms(study.exposure, FORMS)
        if study.exposure not in NUTRIENT_COLUMNS
    ]
    cells += [
        SpecificityCell("positive control", exposure, NEUROPATHY, form)
        for exposure in POSITIVE_CONTROLS
        for form in CONTROL_FORMS
        if study.disease == NEUROPATHY and exposure != study.exposure
    ]
    return cells + [
        SpecificityCell("negative control", exposure, outcome, form)
        for outcome, control in NEGATIVE_CONTROLS.items()
        if control.covariate != study.exposure
        for exposure in dict.fromkeys((study.exposure, ENERGY))
        for form in _forms(exposure, CONTROL_FORMS)
    ]


def _forms(exposure: str, forms: tuple[EnergyForm, ...]) -> tuple[EnergyForm, ...]:
    return tuple(form for form in forms if form in forms_of(exposure))


# ---- one cell
def answer_cells(
    people: pd.DataFrame, cells: Iterable[SpecificityCell], *, study: Study = PRIMARY
) -> list[dict[str, Any]]:
    """Answer some cells, each by the tests and the verdict of the study.

    Parameters
    ----------
    people : harmonised participants, all of them.
    cells : of `nutrient_cells` and `own_cells`; those that share `SpecificityCell.people` are cheaper together.
    study : whose people and model it is; of nutrients its exposure does not matter.

    Returns
    -------
    One row a cell, in their order: its choices, `NUMBERS`, verdict and reason. Without an estimate (knots of an
    exposure that many did not have coincide) the reason says why; people and correlations stand all the same. Such a
    nutrient has a second row, of the kind "heaped nutrient", with knots by Hmisc's rule.
    """
    settings: dict[tuple[str, str, str], Setting | AnalysisError] = {}
    energy = people[ENERGY].to_numpy(dtype=float)
    rows = []
    for cell in cells:
        if cell.people not in settings:
            settings[cell.people] = _try_setting(people, cell, study)
        rows += _answer(cell, settings[cell.people], energy)
    return rows


def _try_setting(people: pd.DataFrame, cell: SpecificityCell, study: Study) -> Setting | AnalysisError:
    try:
        return setting_of(people, cell, study=study)
    except AnalysisError as error:
        return error


def setting_of(people: pd.DataFrame, cell: SpecificityCell, *, study: Study = PRIMARY) -> Setting:
    """The people of a cell, energy not yet adjusted for.

    Parameters
    ----------
    people : harmonised participants, all of them.
    cell : any.
    study : as `answer_cells`.

    Raises
    ------
    StudyError, DesignError : as `analysis.dose_response.problem.set_out`.
    """
    if cell.kind == "nutrient":
        return set_out(people, energy_known(dataclasses.replace(study, exposure=cell.exposure)))
    if cell.kind == "positive control":
        # The people are those of the study: a control is judged on the same cohort.
        setting = set_out(people, energy_known(_study_without(cell.exposure, study)))
        exposure = people[cell.exposure]
        known = _of_known(setting, exposure.notna(), f"{cell.exposure} known")
        other = dataclasses.replace(setting.study, exposure=cell.exposure)
        return dataclasses.replace(known, study=other, exposure=exposure.to_numpy(dtype=float))
    control = NEGATIVE_CONTROLS[cell.outcome]
    other_exposure = dataclasses.replace(_study_without(control.covariate, study), exposure=cell.exposure)
    setting = set_out(people, energy_known(other_exposure))
    outcome = control.outcome_of(people[setting.cohort.rows]).reindex(people.index)
    known = _of_known(setting, outcome.notna(), f"{cell.outcome} known")
    return dataclasses.replace(known, y=outcome.fillna(0.0).to_numpy(dtype=float))


def _study_without(covariate: str, study: Study) -> Study:
    """The study; its covariates but this one, if it is one of them."""
    if covariate not in study.covariates:
        return study
    others = tuple(name for name in study.covariates if name != covariate)
    return dataclasses.replace(study, model="crude", extra_covariates=others)


def _of_known(setting: Setting, known: pd.Series, step: str) -> Setting:
    """The people of whom a control is known; design and weights stay, so that the variance does."""
    left = setting.restricted(known.to_numpy())
    cohort, complete = left.cohort, left.cohort.complete
    last = pd.DataFrame({"step": [step], "n": [int(complete.sum())], "cases": [int(setting.y[complete].sum())]})
    flow = pd.concat([cohort.flow, last.astype(cohort.flow.dtypes)], ignore_index=True)
    return dataclasses.replace(left, cohort=dataclasses.replace(cohort, flow=flow))


def _answer(cell: SpecificityCell, setting: Setting | AnalysisError, energy: Array) -> list[dict[str, Any]]:
    row: dict[str, Any] = {"kind": cell.kind, "exposure": cell.exposure, "outcome": cell.outcome, "form": cell.form,
           "label": cell.label}  # fmt: skip
    if isinstance(setting, AnalysisError):
        return [row | {"reason": str(setting)}]
    row |= {"knot_rule": setting.study.knot_rule}
    rows = setting.domain.rows
    row |= {"n": int(rows.sum()), "cases": int(setting.y[rows].sum())} | _correlations(setting, energy)
    try:
        adjusted = energy_adjusted(setting, energy, cell.form)
        row |= {"adjusted_correlation": _weighted(adjusted, energy)}
    except AnalysisError as error:
        return [row | {"reason": str(error)}]
    answer = _numbers_or_reason(adjusted)
    other = dataclasses.replace(adjusted, study=dataclasses.replace(adjusted.study, knot_rule="hmisc"))
    if cell.kind != "nutrient" or not _knots_coincide(adjusted) or other.study == adjusted.study:
        return [row | answer]
    return [row | answer, row | {"kind": HEAPED, "knot_rule": "hmisc"} | _numbers_or_reason(other)]


def _knots_coincide(setting: Setting) -> bool:
    try:
        pose_setting(setting)
    except SplineError:
        return True
    return False


def _numbers_or_reason(setting: Setting) -> dict[str, Any]:
    try:
        problem = pose_setting(setting)
        fit = fit_problem(problem)
        numbers = shape_numbers(curve_of(problem, fit))
    except AnalysisError as error:
        return {"reason": str(error)}
    # A U is shown only if both tests show it; the larger p-value is that of the intersection-union test.
    u_p = max(numbers["end_slopes_p"], numbers["two_lines_p"])
    answer = {"residual_df": fit.residual_df, "reference": problem.reference, "u_p": u_p, "reason": ""}
    return answer | {"knots": problem.spline.knots.size} | numbers | curve_coefficients(problem, fit)


def _correlations(setting: Setting, energy: Array) -> dict[str, float]:
    """How the exposure goes with energy in the cohort, and the share of the cohort that had none of it.

    A residual of something that most did not have is, for them, minus a multiple of their energy: on an invented survey
    in which energy alone draws a U, residuals of alcohol and of rare fatty acids draw it too.
    """
    return {
        "zero_share": _share(setting.eligible == 0),
        "energy_correlation": _weighted(setting, energy),
        "energy_rank_correlation": _weighted(setting, energy, ranked=True),
    }


def _weighted(setting: Setting, energy: Array, *, ranked: bool = False) -> float:
    rows = setting.cohort.rows.to_numpy()
    weights = setting.cohort.weights.to_numpy(dtype=float)[rows]
    return weighted_correlation(setting.exposure[rows], energy[rows], weights, ranked=ranked)


def _share(these: Bools) -> float:
    """Share of people, NaN where 1 to 9 of them would be told of."""
    number = int(these.sum())
    return np.nan if is_few(number) else number / these.size


def weighted_correlation(x: Array, y: Array, weights: Array, *, ranked: bool = False) -> float:
    """Pearson's correlation sum(w (x - x̄)(y - ȳ)) / sqrt(sum(w (x - x̄)²) sum(w (y - ȳ)²)), x̄ and ȳ weighted means.

    Parameters
    ----------
    x, y : (n,) float arrays.
    weights : (n,) float array, not negative.
    ranked : Spearman's instead, of each value's place in its weighted distribution, ties in their middle.

    Returns
    -------
    The correlation; NaN if one of them does not vary.
    """
    if ranked:
        x, y = _places(x, weights), _places(y, weights)
    covariance = np.cov(x, y, aweights=weights)
    variances = covariance[0, 0] * covariance[1, 1]
    return float(covariance[0, 1] / np.sqrt(variances)) if variances > 0 else float("nan")


def _places(x: Array, weights: Array) -> Array:
    _, position = np.unique(x, return_inverse=True)
    weight = np.bincount(position, weights=weights)
    return np.asarray((np.cumsum(weight) - weight / 2)[position])


# ---- all cells
def specificity_summary(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """All rows as a frame, with false-discovery control over the exposures of each kind and form.

    Parameters
    ----------
    rows : of `answer_cells`.

    Returns
    -------
    kind, exposure, outcome, form, label, knot_rule, knots (placed), `NUMBERS`, verdict, reason; nonlinear_q and u_q by
    Benjamini and Hochberg over the cells of the same kind and form that have a p-value (`tested` of them);
    nonlinear_rank and u_rank, 1 for the smallest p-value.
    """
    frame = pd.DataFrame(rows).reindex(columns=[*CHOSEN, "knot_rule", "knots", *NUMBERS, "verdict", "reason"])
    families = frame.groupby(["kind", "form"], sort=False)
    frame["tested"] = families["nonlinear_p"].transform("count")
    for test in ("nonlinear", "u"):
        p_values = families[f"{test}_p"]
        frame[f"{test}_q"] = p_values.transform(false_discovery_q)
        frame[f"{test}_rank"] = p_values.rank(method="min").astype("Int64")
    return frame.astype({"n": "Int64", "cases": "Int64", "knots": "Int64"})


def curves_of(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """What draws the curve of each row of `answer_cells` that has one; see `analysis.audit.coefficients`."""
    return coefficients_frame(pd.DataFrame(rows), CHOSEN)


def false_discovery_q(p_values: pd.Series) -> pd.Series:
    """Benjamini and Hochberg's adjusted p-values, q_(i) = min over j >= i of p_(j) m / j; missing ones stay missing.

    Examples
    --------
    >>> false_discovery_q(pd.Series([0.01, 0.02, None, 0.5])).round(3).tolist()
    [0.03, 0.03, nan, 0.5]
    """
    known = p_values.dropna()
    adjusted = scipy.stats.false_discovery_control(known) if len(known) else known
    return pd.Series(adjusted, known.index, dtype=float).reindex(p_values.index)


def _discoveries_dependent(p_values: pd.Series) -> int:
    adjusted = scipy.stats.false_discovery_control(p_values.dropna(), method="by")
    return int((adjusted < FALSE_DISCOVERIES).sum())


def place_among_nutrients(summary: pd.DataFrame, exposure: str = PRIMARY.exposure) -> pd.DataFrame:
    """Where one nutrient stands among all of them, by form of energy adjustment.

    Parameters
    ----------
    summary : of `specificity_summary`.
    exposure : nutrient column.

    Returns
    -------
    form, tested, nonlinear_p, nonlinear_q, nonlinear_rank, discoveries (nutrients of q < 0.05), discoveries_dependent
    (the same by Benjamini and Yekutieli's rule, which holds however the nutrients go together), top, top_p (the most
    non-linear nutrient), energy_correlation, u_p, u_q, u_rank, u_verdicts (nutrients with the verdict "U"), verdict.
    """
    nutrients = summary[summary["kind"] == "nutrient"]
    own = nutrients[nutrients["exposure"] == exposure].set_index("form")
    kept = ["tested", "nonlinear_p", "nonlinear_q", "nonlinear_rank", "energy_correlation", "u_p", "u_q", "u_rank",
            "verdict"]  # fmt: skip
    families = nutrients.sort_values("nonlinear_p").groupby("form", sort=False)
    others = families.agg(
        discoveries=("nonlinear_q", lambda q: int((q < FALSE_DISCOVERIES).sum())),
        discoveries_dependent=("nonlinear_p", _discoveries_dependent),
        top=("label", "first"),
        top_p=("nonlinear_p", "first"),
        u_verdicts=("verdict", lambda verdicts: int((verdicts == U).sum())),
    )
    return own[kept].join(others).reset_index()
