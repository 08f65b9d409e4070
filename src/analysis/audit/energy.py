"""Whose curve is it, the nutrient's or that of how much people eat: energy forms side by side, and both as a surface.

A nutrient is eaten with energy, so its curve alone mixes what a diet is made of with how much of it there is. Holding
energy fixed in different ways asks different questions (`ESTIMANDS`), and each form assumes something about the way the
two act together. The surface assumes least: a tensor product of two restricted cubic splines, whose product terms test
whether the nutrient's curve is the same at every energy intake.

References
----------
Willett & Stampfer 1986, Am J Epidemiol 124:17-27 (residual and density forms). Willett, Howe & Kushi 1997, Am J Clin
Nutr 65:1220S-1228S (what each form means). Tomova, Arnold, Gilthorpe & Tennant 2022, Am J Clin Nutr 115:189-198
(substitution and addition as estimands). Harrell 2015, Regression Modeling Strategies, 2nd ed., section 2.7.2 (tensor
splines).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.linalg

from analysis.data.people.vocabulary import amount_unit, exposure_label, exposure_unit, is_intake
from analysis.dose_response.association import CURVE_RANGE, contrast_frame
from analysis.dose_response.energy import ENERGY, EnergyForm, energy_adjusted, energy_known, forms_of
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.problem import Problem, Setting, pose_setting, set_out
from analysis.dose_response.shape import shape_numbers
from analysis.stats.arrays import Array, Frames
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.disclosure import Discreet, blanked
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import TermTest, contrast, product_columns, rao_scott_test, wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.shape.nadir import RANGE
from analysis.study import PRIMARY, Study, StudyError

ESTIMANDS: dict[EnergyForm, str] = {
    "none": "Addition, at best: people who eat more of the nutrient, with whatever food and energy came with it, "
    "against people who eat less. All that goes with eating, or reporting, more food on the recall day is in it.",
    "linear": "Substitution: more of the nutrient at the same total energy, so foods that carry it in the place of "
    "unnamed others. Energy's own association is held to a straight line in the log odds; if it bends, part of the "
    "bend is left to the nutrient, which rises with energy.",
    "spline": "Substitution: more of the nutrient at the same total energy, so foods that carry it in the place of "
    "unnamed others, energy's own association free to bend. It is learnt from people whose nutrient and energy do not "
    "go together, and is the less certain the fewer they are.",
    "residual": "Composition: the nutrient above or below what people of the same energy eat on average, by a straight "
    "line through the cohort, raised by the mean. By construction it is uncorrelated with energy, which is not in the "
    "model, but it need not be independent of it.",
    "density": "Composition: the nutrient in each 1,000 kcal, whatever the number of kilocalories. Energy is not in "
    "the model, and as far as the ratio goes with it (it falls where the nutrient rises less than in proportion), "
    "energy's own association can confound it.",
}
"""What the curve of each energy form compares, in two sentences. All compare people by one recalled day: none shows
what a change of diet would do."""

ESTIMANDS_OF_OTHERS: dict[EnergyForm, str] = {
    "none": "Association as it is: people with more of it against people with less, however much they eat. All that "
    "goes with eating, or reporting, more food on the recall day is in it.",
    "linear": "The same among people of the same total energy. Energy's own association is held to a straight line in "
    "the log odds; if it bends, part of the bend may be left to the exposure.",
    "spline": "The same among people of the same total energy, energy's own association free to bend. It is the less "
    "certain the more closely the two go together.",
}
"""The same of an exposure that is no intake, which no food can be put in the place of."""

PERCENTILES = np.linspace(1, 99, 197)
"""Where the curves of the forms are given: half a percentile is some 40 people, so no point tells of a single one."""

TENSOR_KNOTS = 4
SURFACE_RANGE = CURVE_RANGE
"""Quantiles of the cohort's exposure and of its energy between which the surface is drawn."""

SURFACE_POINTS = 41
BINS = 20
NEIGHBOURHOOD = 0.05
"""People near a point of the surface lie within this share of the drawn range either way, in both directions."""

SLICES = (0.25, 0.50, 0.75)
"""Quantiles of the cohort's energy at which the surface is cut."""

ABOUT = 0.10
"""People of about an energy intake lie within this share of it."""

SLICE_RANGE = RANGE
SLICE_POINTS = 101


# ---- the forms side by side
def energy_forms(people: pd.DataFrame, *, study: Study = PRIMARY) -> Frames:
    """The exposure's curve under each energy form, and what each says of its shape.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : whose people, covariates and knots; energy may not be among its covariates. Its forms are those of
        `analysis.dose_response.energy.forms_of`, its people those of `analysis.dose_response.energy.energy_known`.

    Returns
    -------
    ``energy_curves``: form, x (in the form's own unit), percentile (of x in the cohort), log_or, std_error,
    odds_ratio, conf_low, conf_high, against the form's median. ``energy_forms``: a row a form: form, model, knots
    (their number), exposure_label, unit, n, cases, residual_df, conf_level, reference, p05, p95, correlation (of the
    form's exposure with energy in the cohort, unweighted), the numbers of `shape_numbers`, estimand.

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : as
        `analysis.dose_response.association.estimate`, and
        as `energy_adjusted`.
    """
    if study.exposure == ENERGY:
        raise StudyError(f"the exposure is {ENERGY}: expected another one, for energy to be adjusted for beside it.")
    setting = set_out(people, energy_known(study))
    energy = people[ENERGY].to_numpy(dtype=float)
    curves, rows = [], []
    for form in forms_of(study.exposure):
        problem = pose_setting(energy_adjusted(setting, energy, form))
        fit = fit_problem(problem)
        curves.append(_form_curve(problem, fit).assign(form=form))
        rows.append({"form": form} | _form_numbers(problem, fit, energy, form))
    columns = ["form", "x", "percentile", "log_or", "std_error", "odds_ratio", "conf_low", "conf_high"]
    return {"energy_curves": pd.concat(curves, ignore_index=True)[columns], "energy_forms": pd.DataFrame(rows)}


def _form_curve(problem: Problem, fit: LogisticFit) -> pd.DataFrame:
    x = np.percentile(problem.setting.eligible, PERCENTILES)
    odds = contrast_frame(fit, fit.index(problem.spline_terms), problem.contrast(x),
                          conf_level=problem.setting.study.conf_level)  # fmt: skip
    return odds.assign(x=x, percentile=PERCENTILES)


def _form_numbers(problem: Problem, fit: LogisticFit, energy: Array, form: EnergyForm) -> dict[str, object]:
    setting = problem.setting
    p05, p95 = np.quantile(setting.eligible, SLICE_RANGE)
    return {
        "model": setting.study.model,
        "knots": setting.study.knots,
        "exposure_label": exposure_label(setting.study.exposure),
        "unit": form_unit(setting.study.exposure, form),
        "n": fit.n,
        "cases": fit.cases,
        "residual_df": fit.residual_df,
        "conf_level": setting.study.conf_level,
        "reference": problem.reference,
        "p05": p05,
        "p95": p95,
        "correlation": np.corrcoef(setting.eligible, energy[setting.cohort.rows.to_numpy()])[0, 1],
        **shape_numbers(curve_of(problem, fit)),
        "estimand": (ESTIMANDS if is_intake(setting.study.exposure) else ESTIMANDS_OF_OTHERS)[form],
    }


def form_unit(exposure: str, form: EnergyForm) -> str:
    """Unit of an exposure under an energy form: ``zinc_mg`` under ``density`` is in "mg/1,000 kcal"."""
    unit = exposure_unit(exposure)
    if form == "density":
        return f"{amount_unit(exposure)}/1,000 kcal"
    return f"residual {unit}" if form == "residual" else unit


# ---- the surface
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Margin(Discreet):
    """Columns of one side of the surface: a restricted cubic spline, centred and made uncorrelated in the cohort.

    Products of raw spline columns, cubes of kilocalories among them, are so nearly alike that a fit loses its digits.
    The columns here span the same curves, the first still is linear and the others still are what bends, so every test
    and every point of the surface is that of the raw columns.

    Attributes
    ----------
    spline : the basis.
    centre : (k - 1,) float array, means of its columns in the cohort.
    turn : (k - 1, k - 1) upper triangular float array; (basis - centre) @ turn has variance 1 and no correlation.
    middle : median of the cohort.
    terms : names, the linear one first.
    """

    spline: RestrictedCubicSpline
    centre: Array
    turn: Array
    middle: float
    terms: tuple[str, ...]

    def columns(self, x: Array) -> Array:
        """(n, k - 1) float array at x."""
        return np.asarray((self.spline.basis(x) - self.centre) @ self.turn)


def margin_of(values: Array, *, term: str, knots: int) -> Margin:
    """The margin of a variable from its (m,) values in the cohort.

    Raises
    ------
    SplineError : values are missing, or knots coincide.
    """
    spline = RestrictedCubicSpline(place_knots(values, knots))
    basis = spline.basis(values)
    centre = basis.mean(axis=0)
    triangle = np.linalg.qr(basis - centre, mode="r")
    triangle *= np.sign(np.diag(triangle))[:, None] / np.sqrt(values.size)  # the linear column rises with x
    turn = scipy.linalg.solve_triangular(triangle, np.eye(len(triangle)))
    terms = (term, *(f"{term}_s{j}" for j in range(1, spline.columns)))
    return Margin(spline, centre, turn, float(np.median(values)), terms)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Surface(Discreet):
    """A logistic regression on the tensor product of an exposure's spline and energy's.

    Attributes
    ----------
    setting : the people.
    intake : (n,) float array, energy in kcal.
    exposure, energy : the two margins.
    model : what was fitted, the domain's rows only.
    fit : the regression.
    """

    setting: Setting
    intake: Array
    exposure: Margin
    energy: Margin
    model: Regression
    fit: LogisticFit

    @property
    def surface_terms(self) -> tuple[str, ...]:
        """Names of both margins' terms and of their products."""
        x, energy = self.exposure.terms, self.energy.terms
        return (*x, *energy, *_product_terms(x, energy))

    def tested(self) -> dict[str, tuple[str, ...]]:
        """Terms of each test.

        ``surface``: all. ``exposure``, ``energy``: all terms that one is in, so that the odds do not depend on it.
        ``exposure_nonlinear``, ``energy_nonlinear``: its bent terms and their products, so that at any value of the
        other its curve is a line. ``interaction``: the products, so that its curve is the same at any value of the
        other. ``interaction_nonlinear``: the products but that of the two linear terms.
        """
        x, energy = self.exposure.terms, self.energy.terms
        products = _product_terms(x, energy)
        return {
            "surface": self.surface_terms,
            "exposure": (*x, *products),
            "exposure_nonlinear": (*x[1:], *_product_terms(x[1:], energy)),
            "energy": (*energy, *products),
            "energy_nonlinear": (*energy[1:], *_product_terms(x, energy[1:])),
            "interaction": products,
            "interaction_nonlinear": products[1:],
        }

    def contrast(self, x: Array, energy: Array, *, x_reference: float, energy_reference: Array) -> Array:
        """(m, q) rows that turn the surface's coefficients into log odds ratios of m pairs against their references."""
        at = _surface_columns(self.exposure, self.energy, x, energy)
        return at - _surface_columns(self.exposure, self.energy, np.full(x.shape, x_reference), energy_reference)

    def odds(self, rows: Array) -> pd.DataFrame:
        """Odds ratios of rows of `contrast`: log_or, std_error, odds_ratio, conf_low, conf_high."""
        index = self.fit.index(self.surface_terms)
        return contrast_frame(self.fit, index, rows, conf_level=self.setting.study.conf_level)


def _product_terms(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{a}:{b}" for b in second for a in first)


def _surface_columns(exposure: Margin, energy: Margin, x: Array, kcal: Array) -> Array:
    first, second = exposure.columns(x), energy.columns(kcal)
    products, _ = product_columns(first, second, first_terms=exposure.terms, second_terms=energy.terms)
    return np.hstack([first, second, products])


def fit_surface(people: pd.DataFrame, *, study: Study = PRIMARY) -> Surface:
    """Fit the tensor product of an exposure's spline and energy's, beside the study's covariates.

    logit P(neuropathy) = a + f(x) + g(e) + sum_jk c_jk f_j(x) g_k(e) + covariates, f and g restricted cubic splines of
    4 knots at the cohort's quantiles, design-based covariance.

    Parameters
    ----------
    people : harmonised participants, all of them.
    study : whose people and covariates, of known energy; its exposure may not be energy, nor energy a covariate.

    Raises
    ------
    StudyError, ConditionError, SplineError, DesignError, ConvergenceError : as
        `analysis.dose_response.association.estimate`.
    """
    setting = set_out(people, energy_known(study))
    cohort, inside = setting.cohort.rows.to_numpy(), setting.domain.rows
    intake = people[ENERGY].to_numpy(dtype=float)
    exposure = margin_of(setting.exposure[cohort], term=study.exposure, knots=TENSOR_KNOTS)
    energy = margin_of(intake[cohort], term=ENERGY, knots=TENSOR_KNOTS)
    columns = _surface_columns(exposure, energy, setting.exposure[inside], intake[inside])
    terms = (*exposure.terms, *energy.terms, *_product_terms(exposure.terms, energy.terms))
    model = setting.regression(columns, terms)
    return Surface(setting, intake, exposure, energy, model, fit_quickly(model, setting.design))


def energy_surface(people: pd.DataFrame, *, study: Study = PRIMARY, points: int = SURFACE_POINTS) -> Frames:
    """Odds by exposure and energy together, tests of the surface, and where its people are.

    Parameters
    ----------
    people, study : as `fit_surface`.
    points : of the grid in each direction.

    Returns
    -------
    ``energy_surface``: x, energy_kcal, n (people near it, see `NEIGHBOURHOOD`), log_or, std_error, odds_ratio,
    conf_low, conf_high, against the cohort's median of both; numbers are missing where fewer than 10 people are near.
    ``energy_tests``: model (``additive``: without products; ``tensor``), test (see `Surface.tested`), method,
    statistic, df_num, df_den, p_value. In the additive model, exposure and energy are each tested beside the other's
    whole curve. With many terms on few PSUs the Wald F inverts a covariance that is poorly known; the Rao-Scott test
    does not.
    ``energy_density``: lower, upper, energy_lower, energy_upper, n, share (weighted, of the cohort); n and share are
    missing in a bin of fewer than 10 people, an empty one among them.

    Raises
    ------
    As `fit_surface`.
    """
    surface = fit_surface(people, study=study)
    return {
        "energy_surface": _surface_grid(surface, points),
        "energy_tests": _surface_tests(surface),
        "energy_density": _density(surface),
    }


def _ranges(surface: Surface) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of what is drawn of the exposure, and of energy."""
    cohort = surface.setting.cohort.rows.to_numpy()
    low, high = np.quantile(np.column_stack([surface.setting.exposure, surface.intake])[cohort], SURFACE_RANGE, axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _surface_grid(surface: Surface, points: int) -> pd.DataFrame:
    ends = _ranges(surface)
    x, energy = (each.ravel() for each in np.meshgrid(*(np.linspace(low, high, points) for low, high in ends)))
    rows = surface.contrast(
        x,
        energy,
        x_reference=surface.exposure.middle,
        energy_reference=np.full(energy.shape, surface.energy.middle),
    )
    inside = surface.setting.domain.rows
    n = _people_near(
        (x, energy),
        (surface.setting.exposure[inside], surface.intake[inside]),
        reach=[NEIGHBOURHOOD * (high - low) for low, high in ends],
    )
    numbers = surface.odds(rows).assign(n=n.astype(float))
    numbers = blanked(numbers, numbers.columns)
    columns = ["x", "energy_kcal", "n", "log_or", "std_error", "odds_ratio", "conf_low", "conf_high"]
    return numbers.assign(x=x, energy_kcal=energy)[columns]


def _people_near(at: tuple[Array, Array], people: tuple[Array, Array], *, reach: list[float]) -> Array:
    """People within reach of each point in both directions, ends included."""
    near, place = [], []
    for side in (0, 1):  # of a grid each coordinate is asked once
        own, position = np.unique(at[side], return_inverse=True)
        near.append((np.abs(people[side][None, :] - own[:, None]) <= reach[side]).astype(float))
        place.append(position)
    return np.asarray((near[0] @ near[1].T)[place[0], place[1]].astype(int))


def _surface_tests(surface: Surface) -> pd.DataFrame:
    tested = surface.tested()
    additive = surface.model.without(tested["interaction"])
    rows = []
    for name, model in (("additive", additive), ("tensor", surface.model)):
        fit = surface.fit if name == "tensor" else fit_quickly(model, surface.setting.design)
        for test, terms in tested.items():
            kept = tuple(term for term in terms if term in model.terms)
            if not kept:
                continue
            null = fit_quickly(model.without(kept), surface.setting.design)
            for found in (wald_test(fit, kept), rao_scott_test(fit, null, kept)):
                rows.append({"model": name, "test": test} | dataclasses.asdict(found))
    return pd.DataFrame(rows)


def _density(surface: Surface) -> pd.DataFrame:
    cohort = surface.setting.cohort
    rows = cohort.rows.to_numpy()
    x, energy = (np.linspace(low, high, BINS + 1) for low, high in _ranges(surface))
    people, weights = (surface.setting.exposure[rows], surface.intake[rows]), cohort.weights[cohort.rows].to_numpy()
    n, share = (np.histogram2d(*people, bins=(x, energy), weights=each)[0] for each in (None, weights / weights.sum()))
    left, below = (each.ravel() for each in np.meshgrid(np.arange(BINS), np.arange(BINS), indexing="ij"))
    counted = pd.DataFrame({"n": n.ravel(), "share": share.ravel()})
    frame = pd.DataFrame({"lower": x[left], "upper": x[left + 1],
                          "energy_lower": energy[below], "energy_upper": energy[below + 1]})  # fmt: skip
    return frame.join(blanked(counted, counted.columns))


# ---- slices
def energy_slices(people: pd.DataFrame, *, study: Study = PRIMARY) -> Frames:
    """The exposure's curve at fixed energy, cut from the surface where people of about that energy are.

    Parameters
    ----------
    people, study : as `fit_surface`.

    Returns
    -------
    ``energy_slices``: energy_quantile, energy_kcal, x, log_or, std_error, odds_ratio, conf_low, conf_high (pointwise),
    from the 5th to the 95th percentile of the exposure of people within 10 % of the energy, against their median.
    ``energy_slice_tests``: a row a slice: energy_quantile, energy_kcal, n (such people), reference, p05, p95,
    odds_ratio_p05, odds_ratio_p95, overall_p, nonlinear_p: Wald F that the curve at that energy is flat, or a line.

    Raises
    ------
    As `fit_surface`.
    """
    surface = fit_surface(people, study=study)
    cohort = surface.setting.cohort.rows.to_numpy()
    curves, rows = [], []
    for quantile in SLICES:
        kcal = float(np.quantile(surface.intake[cohort], quantile))
        curve, row = _slice(surface, kcal)
        label = {"energy_quantile": quantile, "energy_kcal": kcal}
        curves.append(curve.assign(**label)[[*label, *curve]])
        rows.append(label | row)
    return {"energy_slices": pd.concat(curves, ignore_index=True), "energy_slice_tests": pd.DataFrame(rows)}


def _slice(surface: Surface, kcal: float) -> tuple[pd.DataFrame, dict[str, object]]:
    inside = surface.setting.domain.rows
    about = np.abs(surface.intake[inside] - kcal) <= ABOUT * kcal
    exposure = surface.setting.exposure[inside][about]
    low, high = np.quantile(exposure, SLICE_RANGE)
    reference = float(np.median(exposure))
    x = np.unique(np.append(np.linspace(low, high, SLICE_POINTS), reference))
    at = np.full(x.shape, kcal)
    odds = surface.odds(surface.contrast(x, at, x_reference=reference, energy_reference=at))
    curve = odds.assign(x=x)[["x", *odds]]
    row: dict[str, object] = {
        "n": int(about.sum()),
        "reference": reference,
        "p05": low,
        "p95": high,
        "odds_ratio_p05": odds["odds_ratio"].iloc[0],
        "odds_ratio_p95": odds["odds_ratio"].iloc[-1],
        "overall_p": _at_energy(surface, kcal, bent_only=False).p_value,
        "nonlinear_p": _at_energy(surface, kcal, bent_only=True).p_value,
    }
    return curve, row


def _at_energy(surface: Surface, kcal: float, *, bent_only: bool) -> TermTest:
    """Wald F of the coefficients that the exposure's columns have at one energy, b_j + sum_k c_jk g_k(e)."""
    x, energy = surface.exposure.terms, surface.energy.terms
    g = surface.energy.columns(np.array([kcal]))[0]
    matrix = np.hstack([np.eye(len(x)), np.kron(g, np.eye(len(x)))])[int(bent_only) :]
    return contrast(
        surface.fit, matrix, terms=(*x, *_product_terms(x, energy)), labels=x[int(bent_only) :]
    ).joint_test()
