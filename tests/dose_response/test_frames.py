"""The frames that are written, recomputed from the participants by other ways where the ways are short."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.data.people.cohort import select_cohort
from analysis.dose_response.association import estimate
from analysis.dose_response.frames import summarise
from analysis.dose_response.problem import pose
from analysis.stats.regression.fit import fit_logistic
from analysis.study import MODELS, PRIMARY, Study

WRITTEN = 1e-8
"""Ten digits are written."""


@pytest.fixture(scope="module")
def frames(estimates) -> dict[str, pd.DataFrame]:
    return estimates[0]


@pytest.fixture(scope="module")
def models(frames) -> pd.DataFrame:
    return frames["models"].set_index("model")


def p_of(frames, model: str, test: str) -> float:
    return frames["tests"].query("model == @model and test == @test")["p_value"].item()


@pytest.mark.committed
@pytest.mark.parametrize("model", ["crude", "2"])
def test_p_for_trend_is_that_of_the_quintiles_medians_as_one_number(participants, frames, model):
    problem = pose(participants, Study(model=model))
    cohort = select_cohort(participants, PRIMARY).rows
    intake = participants["magnesium_mg"]
    edges = [-np.inf, *intake[cohort].quantile([0.2, 0.4, 0.6, 0.8]), np.inf]
    quintile = pd.cut(intake, edges, labels=False)
    median = quintile.map(intake[cohort].groupby(quintile[cohort]).median()).fillna(0).to_numpy()
    X = np.column_stack([np.ones(len(median)), median, problem.setting.adjustment])
    terms = ("intercept", "median", *problem.setting.adjustment_terms)
    setting = problem.setting
    X = X[setting.domain.rows]
    fit = fit_logistic(X, problem.y, design=setting.design, domain=setting.domain, terms=terms).to_frame()
    assert p_of(frames, model, "trend") == pytest.approx(fit.loc[1, "p_value"], rel=1e-7)


def test_goodness_of_fit_is_one_test_in_two_tables(frames, models):
    for model in MODELS:
        assert models.loc[model, "goodness_of_fit_p"] == p_of(frames, model, "goodness_of_fit")


@pytest.mark.committed
def test_information_criteria_prefer_age_and_sex_and_not_energy(models):
    """The invented neuropathy depends on age and sex, and on energy only through what else is adjusted for."""
    for criterion in ("d_aic", "d_bic"):
        assert models.loc["1", criterion] < models.loc["crude", criterion] - 100
        assert abs(models.loc["3", criterion] - models.loc["2", criterion]) < 20


@pytest.mark.committed
@pytest.mark.parametrize("model", ["1", "3"])
def test_largest_model_of_its_people_has_the_ordinary_bic(participants, models, model):
    fit = estimate(participants, Study(model=model)).fit
    assert models.loc[model, "d_bic"] == pytest.approx(fit.deviance + len(fit.terms) * np.log(fit.n), rel=WRITTEN)


def test_model_without_another_on_the_same_people_has_no_criterion(participants):
    alone = summarise(
        [estimate(participants, Study(model="1")), estimate(participants, Study(model="2"))], participants
    )
    assert alone["models"][["d_aic", "d_bic"]].isna().all(axis=None)


def test_whole_curve_takes_the_critical_value_of_its_model(frames, models):
    curve = frames["odds_ratio_curve"].query("std_error > 0.01")
    critical = curve["model"].map(models["critical_value"])
    np.testing.assert_allclose((np.log(curve["band_high"]) - curve["log_or"]) / curve["std_error"], critical, rtol=1e-6)
    pointwise = scipy.stats.t.ppf(0.975, models["residual_df"])
    assert (models["critical_value"] > 1.2 * pointwise).all()


@pytest.mark.parametrize("x", [100.0, 500.0])
def test_standardised_prevalence_is_the_weighted_mean_risk_with_everybodys_intake_changed(participants, frames, x):
    problem = pose(participants, PRIMARY)
    fit = estimate(participants, PRIMARY).fit
    inside = problem.setting.domain.rows
    X = problem.X.copy()
    X[:, 1:4] = problem.spline.basis(np.array([x]))
    risk = 1 / (1 + np.exp(-X @ fit.beta))
    written = frames["prevalence"].query("model == '1' and x == @x").iloc[0]
    expected = np.average(risk, weights=problem.setting.design.weights[inside])
    assert written["prevalence"] == pytest.approx(expected, rel=WRITTEN)
    assert written["tabulated"]


def test_prevalence_is_given_at_the_reference_where_nothing_differs(frames, models):
    for model in MODELS:
        of_model = frames["prevalence"].query("model == @model").set_index("x")
        at = of_model.loc[models.loc[model, "reference"]]
        assert (at["difference"], at["ratio"]) == (0, 1)
        assert at["band_low"] < at["conf_low"] < at["prevalence"] < at["conf_high"] < at["band_high"]


def test_effective_number_of_an_interval_is_kishs(participants, frames):
    people = participants[select_cohort(participants, PRIMARY).rows]
    for bar in frames["distribution"].iloc[[0, 10, -1]].itertuples():
        inside = (people["magnesium_mg"] >= bar.lower) & (people["magnesium_mg"] < bar.upper)
        weights = people.loc[inside, "weight_dietary"]
        assert bar.n == len(weights)
        assert bar.n_effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=WRITTEN)


def test_design_effect_is_against_an_unclustered_regression_of_unit_weights(participants, frames):
    problem = pose(participants, PRIMARY)
    fit, inside = estimate(participants, PRIMARY).fit, problem.setting.domain.rows
    weights = problem.setting.design.weights[inside] / problem.setting.design.weights[inside].mean()
    X, y = problem.X, problem.y
    mu = 1 / (1 + np.exp(-X @ fit.beta))
    variance = np.linalg.inv((X * (weights * mu * (1 - mu))[:, None]).T @ X)
    dispersion = np.sum(weights * (y - mu) ** 2 / (mu * (1 - mu))) / (len(y) - len(fit.beta))
    expected = np.diag(fit.vcov) / (dispersion * np.diag(variance))
    written = frames["fits"].query("model == '1'")["design_effect"]
    np.testing.assert_allclose(written, expected, rtol=1e-5)


def test_calibration_groups_are_everybody_of_the_model_with_no_single_person(frames, models):
    groups = frames["calibration"].groupby("model")["n"]
    assert groups.sum().to_dict() == models["n"].to_dict()
    assert groups.min().min() >= 10
    between = frames["calibration"].query("conf_low <= estimate <= conf_high")
    assert len(between) == 40


def test_tabulated_intakes_have_e_values_and_the_grid_none(frames):
    curve = frames["odds_ratio_curve"]
    assert curve.loc[curve["tabulated"], "e_value"].ge(1).all()
    assert curve.loc[~curve["tabulated"], ["e_value", "e_value_limit"]].isna().all(axis=None)
