from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.regression.criteria import daic, dbic
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.sample.design import DesignError
from tests.arrays import Sample, clustered_sample, of_study
from tests.inference import R_DOMAINS, SPLINE, r_model

R_RTOL = 1e-8
"""The criteria add up a deviance, eigenvalues and a Wald statistic, each of which agrees to this."""

R_MODELS = {
    "maximal": (*SPLINE, "z", "old"),
    "spline": (*SPLINE, "z"),
    "linear": ("x", "z"),
    "crude": ("x",),
    "without_x": ("z", "old"),
}

seeds = st.integers(0, 9999)
domains = pytest.mark.parametrize("study_id", R_DOMAINS)
models = pytest.mark.parametrize("model", R_MODELS)


def criteria_of(fit: LogisticFit, maximal: LogisticFit) -> np.ndarray:
    """Every number of both criteria."""
    aic, bic = daic(fit), dbic(fit, maximal=maximal)
    return np.array([aic.value, aic.effective_parameters, aic.mean_design_effect, bic.value, bic.effective_n])


def simple_random_sample(n: int) -> Sample:
    """Invent people of one weight, each their own PSU; the second term has no effect."""
    rng = np.random.default_rng(6)
    x, z = rng.normal(size=(2, n))
    return Sample(
        strata=np.ones(n, dtype=int),
        psu=np.arange(n),
        weights=np.full(n, 7.0),
        X=np.column_stack([np.ones(n), x, z]),
        y=(rng.random(n) < 1 / (1 + np.exp(0.5 - 0.3 * x))).astype(float),
        rows=np.full(n, True),
        terms=("intercept", "x", "z"),
    )


@pytest.mark.reference
@domains
@models
def test_daic_matches_r_survey(study_id: str, model: str) -> None:
    ours = daic(r_model(study_id, R_MODELS[model]).fit())
    theirs = of_study("inference/criteria", study_id).set_index("model").loc[model]
    np.testing.assert_allclose(ours.value, theirs["daic"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.effective_parameters, theirs["effective_parameters"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.mean_design_effect, theirs["mean_design_effect"], rtol=R_RTOL)


@pytest.mark.reference
@domains
@models
def test_dbic_matches_r_survey(study_id: str, model: str) -> None:
    maximal = r_model(study_id, R_MODELS["maximal"]).fit()
    ours = dbic(r_model(study_id, R_MODELS[model]).fit(), maximal=maximal)
    theirs = of_study("inference/criteria", study_id).set_index("model").loc[model]
    assert ours.parameters == theirs["parameters"]
    np.testing.assert_allclose(ours.value, theirs["dbic"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.effective_n, theirs["effective_n"], rtol=R_RTOL)  # both missing for the maximal


def test_daic_of_the_null_model_is_its_deviance() -> None:
    null = clustered_sample(1).without(("x", "group", "place")).fit()
    assert (daic(null).value, daic(null).effective_parameters) == (null.deviance, 0.0)
    assert np.isnan(daic(null).mean_design_effect)


def test_no_penalty_is_paid_for_terms_of_the_null_model() -> None:
    fit = clustered_sample(1).fit()
    assert daic(fit, null_terms=("intercept", "x", "group", "place")).value == fit.deviance
    # Of one coefficient the design effect is the ratio of its variances.
    effect = fit.vcov[3, 3] / fit.naive_vcov[3, 3]
    np.testing.assert_allclose(daic(fit, null_terms=("intercept", "x", "group")).effective_parameters, effect)


def test_criteria_are_the_ordinary_ones_in_a_large_simple_random_sample() -> None:
    n = 20_000
    sample = simple_random_sample(n)
    fit, smaller = sample.fit(), sample.without(("z",)).fit()
    assert daic(fit).effective_parameters == pytest.approx(2, abs=0.05)
    found = dbic(smaller, maximal=fit)
    assert found.effective_n == pytest.approx(n, rel=0.05)
    # BIC = deviance + p log n: a Wald statistic and a log design effect stand in for the fall in deviance.
    assert found.value == pytest.approx(smaller.deviance + 2 * np.log(n), abs=0.05)


@given(seeds, st.floats(1e-4, 1e4))
def test_criteria_do_not_depend_on_the_unit_of_the_weights(seed: int, factor: float) -> None:
    sample = clustered_sample(seed)
    scaled = replace(sample, weights=factor * sample.weights)
    found = criteria_of(scaled.without(("x",)).fit(), scaled.fit())
    np.testing.assert_allclose(found, criteria_of(sample.without(("x",)).fit(), sample.fit()), rtol=1e-8)


@given(seeds)
def test_criteria_do_not_depend_on_row_order_or_names_of_units(seed: int) -> None:
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    moved = replace(sample.take(order), strata=90 - sample.strata[order], psu=7 + 2 * sample.psu[order])
    found = criteria_of(moved.without(("x",)).fit(), moved.fit())
    np.testing.assert_allclose(found, criteria_of(sample.without(("x",)).fit(), sample.fit()), rtol=1e-8)


def test_a_model_outside_the_maximal_one_is_refused() -> None:
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match=r"^x: not in the maximal model \(intercept, group, place\)"):
        dbic(sample.fit(), maximal=sample.without(("x",)).fit())


def test_models_of_different_people_have_no_common_dbic() -> None:
    sample = clustered_sample(1)
    fewer = replace(sample, rows=sample.rows & ((sample.X[:, 1] > -1) | (sample.y == 1)))
    with pytest.raises(DesignError, match="expected the same domain"):
        dbic(fewer.without(("x",)).fit(), maximal=sample.fit())
