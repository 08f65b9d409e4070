import dataclasses
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.audit.energy import (
    ABOUT,
    BINS,
    ESTIMANDS,
    NEIGHBOURHOOD,
    PERCENTILES,
    Margin,
    Surface,
    energy_forms,
    energy_slices,
    energy_surface,
    fit_surface,
    form_unit,
    margin_of,
)
from analysis.data.people.cohort import select_cohort
from analysis.dose_response.association import estimate
from analysis.dose_response.energy import EnergyForm
from analysis.stats.curve.splines import RestrictedCubicSpline, SplineError, place_knots
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import product_columns, wald_test
from analysis.study import PRIMARY, StudyError

SETTLED = 1e-8
"""Two ways to the same maximum, each converged to better than this, in log odds."""

SAME = 1e-6
"""The same statistic from columns turned another way: inverting the raw ones' covariance costs digits."""

POINTS = 9


@pytest.fixture(scope="module")
def forms(participants) -> dict[str, pd.DataFrame]:
    return energy_forms(participants)


@pytest.fixture(scope="module")
def surface(participants) -> Surface:
    return fit_surface(participants)


@pytest.fixture(scope="module")
def found(participants) -> dict[str, pd.DataFrame]:
    return energy_surface(participants, points=POINTS)


@pytest.fixture(scope="module")
def slices(participants) -> dict[str, pd.DataFrame]:
    return energy_slices(participants)


@pytest.fixture(scope="module")
def cohort(participants) -> pd.DataFrame:
    """People of the primary study with their weight."""
    chosen = select_cohort(participants, PRIMARY)
    return participants[chosen.rows].assign(weight=chosen.weights[chosen.rows])


def of_form(frame: pd.DataFrame, form: str) -> pd.DataFrame:
    return frame[frame["form"] == form].reset_index(drop=True)


# ---- forms


@pytest.mark.parametrize(("form", "extra"), [("none", ()), ("linear", ("energy_kcal",))])
def test_form_that_is_a_study_is_that_study(participants, forms, form, extra):
    curve = of_form(forms["energy_curves"], form)
    association = estimate(participants, dataclasses.replace(PRIMARY, extra_covariates=extra))
    expected = association.curve(curve["x"].to_numpy()).frame
    for column in ("log_or", "std_error", "odds_ratio", "conf_low", "conf_high"):
        np.testing.assert_allclose(curve[column], expected[column], rtol=1e-7, atol=SETTLED)
    p = association.tests_frame().query("method == 'wald'").set_index("test")["p_value"]
    row = of_form(forms["energy_forms"], form).iloc[0]
    assert (row["overall_p"], row["nonlinear_p"]) == pytest.approx((p["overall"], p["nonlinear"]), rel=1e-7)
    assert row["nadir"] == pytest.approx(association.nadir.x, rel=1e-7)


def test_every_form_has_its_row_and_its_curve_at_the_same_percentiles(forms):
    assert tuple(forms["energy_forms"]["form"]) == get_args(EnergyForm)
    for form in get_args(EnergyForm):
        curve = of_form(forms["energy_curves"], form)
        np.testing.assert_array_equal(curve["percentile"], PERCENTILES)
        assert (np.diff(curve["x"]) > 0).all()


@pytest.mark.parametrize("form", get_args(EnergyForm))
def test_odds_ratio_of_the_median_is_one(forms, form):
    row = of_form(forms["energy_curves"], form).query("percentile == 50").iloc[0]
    assert row["x"] == pytest.approx(of_form(forms["energy_forms"], form)["reference"].iloc[0])
    assert row["log_or"] == pytest.approx(0, abs=1e-12)


def test_density_is_per_thousand_kilocalories(forms, cohort):
    density = 1000 * cohort["magnesium_mg"] / cohort["energy_kcal"]
    curve = of_form(forms["energy_curves"], "density")
    np.testing.assert_allclose(curve["x"], np.percentile(density, PERCENTILES))
    found = of_form(forms["energy_forms"], "density")["correlation"].iloc[0]
    assert found == pytest.approx(density.corr(cohort["energy_kcal"]))


def test_residual_is_uncorrelated_with_energy_and_the_intake_is_not(forms):
    correlation = forms["energy_forms"].set_index("form")["correlation"]
    assert correlation["residual"] == pytest.approx(0, abs=1e-9)
    assert correlation["none"] == correlation["linear"] == correlation["spline"] > 0.5


@pytest.mark.parametrize("form", get_args(EnergyForm))
def test_what_a_form_estimates_is_said_in_two_sentences(forms, form):
    said = of_form(forms["energy_forms"], form)["estimand"].iloc[0]
    assert said == ESTIMANDS[form]
    assert said.count(". ") == 1
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("exposure", "form", "unit"),
    [
        ("magnesium_mg", "none", "mg/day"),
        ("magnesium_mg", "spline", "mg/day"),
        ("magnesium_mg", "residual", "residual mg/day"),
        ("folate_ug", "density", "µg/1,000 kcal"),
    ],
)
def test_unit_is_that_of_the_form(exposure, form, unit):
    assert form_unit(exposure, form) == unit


def test_somebody_without_energy_has_no_density(participants, cohort):
    starved = participants.assign(
        energy_kcal=participants["energy_kcal"].where(participants.index != cohort.index[0], 0.0)
    )
    with pytest.raises(SplineError, match="fewer than 10 people of the cohort have no energy intake"):
        energy_forms(starved)


def test_energy_cannot_be_adjusted_for_itself(participants):
    with pytest.raises(StudyError, match="the exposure is energy_kcal: expected another one"):
        energy_forms(participants, study=dataclasses.replace(PRIMARY, exposure="energy_kcal"))


# ---- margins


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(3).gamma(4, 500, size=400)


@pytest.fixture(scope="module")
def margin(values) -> Margin:
    return margin_of(values, term="e", knots=4)


def test_columns_of_a_margin_have_variance_one_and_no_correlation(margin, values):
    columns = margin.columns(values)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(columns.T @ columns / values.size, np.eye(3), atol=1e-10)


def test_first_column_of_a_margin_is_linear_and_rises(margin):
    first = margin.columns(np.array([100.0, 1100.0, 2100.0, 9100.0]))[:, 0]
    steps = np.diff(first)
    assert steps[0] > 0
    np.testing.assert_allclose(steps, steps[0] * np.array([1, 1, 7]))
    assert margin.terms == ("e", "e_s1", "e_s2")
    assert margin.turn[1:, 0] == pytest.approx(0, abs=0)


# ---- the surface


def raw_model(participants: pd.DataFrame, surface: Surface) -> tuple[np.ndarray, RestrictedCubicSpline, list]:
    """Columns of the tensor product as Harrell writes them, in hundreds of mg and thousands of kcal."""
    rows, splines = surface.setting.cohort.rows.to_numpy(), []
    bases = []
    for name, scale in (("magnesium_mg", 100), ("energy_kcal", 1000)):
        x = participants[name].to_numpy() / scale
        spline = RestrictedCubicSpline(place_knots(x[rows], 4))
        splines.append(spline)
        bases.append(np.nan_to_num(spline.basis(x)))
    return _tensor(*bases), splines


def _tensor(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    terms = ("a", "a1", "a2"), ("b", "b1", "b2")
    return np.hstack([first, second, product_columns(first, second, first_terms=terms[0], second_terms=terms[1])[0]])


@pytest.fixture(scope="module")
def raw(participants, surface) -> tuple[np.ndarray, list]:
    return raw_model(participants, surface)


@pytest.mark.reference
def test_surface_is_statsmodels_fit_of_the_raw_products(raw, surface, found):
    columns, splines = raw
    rows = surface.setting.domain.rows
    X = np.hstack([np.ones((rows.size, 1)), columns, surface.setting.adjustment])[rows]
    weights = surface.setting.design.weights[rows]
    scale = np.abs(X).max(axis=0)
    model = sm.GLM(surface.setting.y[rows], X / scale, family=sm.families.Binomial(), var_weights=weights / 1e4)
    beta = model.fit(tol=0, rtol=1e-14, wls_method="qr").params / scale
    known = found["energy_surface"].dropna()
    at = [np.append(known[name], middle) / unit for name, middle, unit in
          (("x", surface.exposure.middle, 100), ("energy_kcal", surface.energy.middle, 1000))]  # fmt: skip
    heights = _tensor(splines[0].basis(at[0]), splines[1].basis(at[1])) @ beta[1:16]
    np.testing.assert_allclose(known["log_or"], heights[:-1] - heights[-1], atol=SETTLED)


def test_tests_and_errors_do_not_depend_on_how_the_columns_are_turned(raw, surface, found):
    columns, _ = raw
    setting = surface.setting
    terms = ("intercept", *(f"c{j}" for j in range(15)), *setting.adjustment_terms)
    inside = setting.domain.rows
    X = np.hstack([np.ones((len(columns), 1)), columns, setting.adjustment])[inside]
    fit = fit_logistic(X, setting.y[inside], design=setting.design, domain=setting.domain, terms=terms)
    raw_terms = {
        "interaction": [f"c{j}" for j in range(6, 15)],
        "exposure": [f"c{j}" for j in (0, 1, 2, *range(6, 15))],
        "exposure_nonlinear": [f"c{j}" for j in (1, 2, 7, 8, 10, 11, 13, 14)],
        "energy_nonlinear": [f"c{j}" for j in (4, 5, *range(9, 15))],
    }
    tests = found["energy_tests"].query("model == 'tensor' and method == 'wald'").set_index("test")
    for name, tested in raw_terms.items():
        expected = wald_test(fit, tuple(tested))
        assert tests.loc[name, "statistic"] == pytest.approx(expected.statistic, rel=SAME)
        assert tests.loc[name, "df_den"] == expected.df_den == 44 + 1 - 22


def test_number_of_terms_of_each_test(found):
    counts = found["energy_tests"].query("method == 'wald'").set_index(["model", "test"])["df_num"].to_dict()
    additive = {"surface": 6, "exposure": 3, "exposure_nonlinear": 2, "energy": 3, "energy_nonlinear": 2}
    tensor = {"surface": 15, "exposure": 12, "exposure_nonlinear": 8, "energy": 12, "energy_nonlinear": 8,
              "interaction": 9, "interaction_nonlinear": 8}  # fmt: skip
    assert counts == {("additive", name): n for name, n in additive.items()} | {
        ("tensor", name): n for name, n in tensor.items()
    }
    assert (found["energy_tests"]["method"] == "rao_scott").sum() == 12


def test_additive_model_is_the_form_with_a_spline_of_energy(forms, found):
    tests = found["energy_tests"].query("model == 'additive' and method == 'wald'").set_index("test")["p_value"]
    row = of_form(forms["energy_forms"], "spline").iloc[0]
    assert row["overall_p"] == pytest.approx(tests["exposure"], rel=SAME)
    assert row["nonlinear_p"] == pytest.approx(tests["exposure_nonlinear"], rel=SAME)


def test_rao_scott_test_of_the_interaction_is_of_both_models_deviances(surface, found):
    tests = found["energy_tests"].query("method == 'rao_scott'").set_index(["model", "test"])["statistic"]
    gained = tests["tensor", "surface"] - tests["additive", "surface"]
    assert tests["tensor", "interaction"] == pytest.approx(gained, rel=1e-7)


def test_odds_ratio_is_one_at_both_medians(surface, cohort):
    assert surface.exposure.middle == cohort["magnesium_mg"].median()
    assert surface.energy.middle == cohort["energy_kcal"].median()
    at = np.array([surface.exposure.middle]), np.array([surface.energy.middle])
    rows = surface.contrast(*at, x_reference=surface.exposure.middle, energy_reference=at[1])
    assert surface.odds(rows).loc[0, ["log_or", "std_error"]].tolist() == [0, 0]


def test_grid_covers_the_first_to_the_last_percentile_of_both(found, cohort):
    grid = found["energy_surface"]
    assert len(grid) == POINTS**2
    for column, name in (("x", "magnesium_mg"), ("energy_kcal", "energy_kcal")):
        expected = cohort[name].quantile([0.01, 0.99])
        assert (grid[column].min(), grid[column].max()) == pytest.approx(tuple(expected))


def test_point_with_few_people_near_is_blank_and_the_others_are_not(found, cohort):
    grid = found["energy_surface"]
    reach = {name: NEIGHBOURHOOD * cohort[column].quantile([0.01, 0.99]).diff().iloc[1]
             for name, column in (("x", "magnesium_mg"), ("energy_kcal", "energy_kcal"))}  # fmt: skip
    near = [
        int(((cohort["magnesium_mg"] - row.x).abs().le(reach["x"])
             & (cohort["energy_kcal"] - row.energy_kcal).abs().le(reach["energy_kcal"])).sum())
        for row in grid.itertuples()
    ]  # fmt: skip
    numbers = grid[["n", "log_or", "std_error", "odds_ratio", "conf_low", "conf_high"]]
    few = np.array(near) < 10
    assert 0 < few.sum() < len(grid)
    assert numbers[few].isna().all(axis=None)
    assert numbers[~few].notna().all(axis=None)
    np.testing.assert_array_equal(grid.loc[~few, "n"], np.array(near)[~few])


def test_density_is_the_weighted_share_of_bins_of_ten_people_or_more(found, cohort):
    density = found["energy_density"]
    assert len(density) == BINS**2
    assert density["n"].min() >= 10
    assert density["n"].isna().equals(density["share"].isna())
    total = cohort["weight"].sum()
    for row in density.dropna().iloc[::17].itertuples():
        inside = (cohort["magnesium_mg"].between(row.lower, row.upper, inclusive="left")
                  & cohort["energy_kcal"].between(row.energy_lower, row.energy_upper, inclusive="left"))  # fmt: skip
        assert (row.n, row.share) == (inside.sum(), pytest.approx(cohort.loc[inside, "weight"].sum() / total))


def test_bin_of_fewer_than_ten_people_is_blank(found, cohort):
    density = found["energy_density"]
    edges = [np.append(np.unique(density[low]), density[high].max())
             for low, high in (("lower", "upper"), ("energy_lower", "energy_upper"))]  # fmt: skip
    n = np.histogram2d(cohort["magnesium_mg"], cohort["energy_kcal"], bins=edges)[0].ravel()
    assert ((n > 0) & (n < 10)).any()
    np.testing.assert_array_equal(density["n"].isna(), n < 10)


# ---- slices


def test_slices_lie_at_the_quartiles_of_energy_and_count_people_about_it(slices, cohort):
    tests = slices["energy_slice_tests"]
    np.testing.assert_allclose(tests["energy_kcal"], cohort["energy_kcal"].quantile([0.25, 0.5, 0.75]))
    for row in tests.itertuples():
        about = cohort[(cohort["energy_kcal"] - row.energy_kcal).abs() <= ABOUT * row.energy_kcal]["magnesium_mg"]
        found = (row.n, row.reference, row.p05, row.p95)
        assert found == pytest.approx((len(about), about.median(), about.quantile(0.05), about.quantile(0.95)))


def test_slice_is_one_at_its_median_and_ends_at_its_percentiles(slices):
    for row in slices["energy_slice_tests"].itertuples():
        curve = slices["energy_slices"].query("energy_quantile == @row.energy_quantile").set_index("x")
        assert curve.loc[row.reference, ["log_or", "std_error"]].tolist() == [0, 0]
        assert (curve.index.min(), curve.index.max()) == (row.p05, row.p95)
        ends = curve["odds_ratio"].iloc[[0, -1]]
        assert tuple(ends) == (row.odds_ratio_p05, row.odds_ratio_p95)


@pytest.mark.parametrize("number", [0, 2])
def test_slice_is_the_curve_of_a_model_whose_energy_is_zero_there(surface, slices, number):
    row = slices["energy_slice_tests"].iloc[number]
    setting, rows = surface.setting, surface.setting.domain.rows
    x, energy = surface.exposure, surface.energy
    shifted = energy.columns(surface.intake[rows]) - energy.columns(np.array([row["energy_kcal"]]))
    X = np.hstack([np.ones((rows.sum(), 1)), _tensor(x.columns(setting.exposure[rows]), shifted),
                   setting.adjustment[rows]])  # fmt: skip
    terms = ("intercept", *x.terms, *(f"c{j}" for j in range(12)), *setting.adjustment_terms)
    fit = fit_logistic(X, setting.y[rows], design=setting.design, domain=setting.domain, terms=terms)
    found = (row["overall_p"], row["nonlinear_p"])
    assert found == pytest.approx((wald_test(fit, x.terms).p_value, wald_test(fit, x.terms[1:]).p_value), rel=SAME)
    curve = slices["energy_slices"].query("energy_kcal == @row.energy_kcal")
    contrast = x.columns(curve["x"].to_numpy()) - x.columns(np.array([row["reference"]]))
    np.testing.assert_allclose(curve["log_or"], contrast @ fit.beta[1:4], atol=SETTLED)
    variance = np.sum((contrast @ fit.vcov[1:4, 1:4]) * contrast, axis=1)
    np.testing.assert_allclose(curve["std_error"], np.sqrt(variance), atol=SETTLED)
