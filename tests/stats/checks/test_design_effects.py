from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.checks.design_effects import (
    PERCENTILES,
    design_effect_of_mean,
    design_effects_of_coefficients,
    effective_sizes,
    kish_effective_size,
    summarise_weights,
)
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from tests.arrays import HAND_DESIGN, HAND_VALUES, clustered_sample, of_study, r_fit, r_sample, reference_table

R_RTOL = 1e-8
"""Both sum the same numbers in double precision; R's coefficients are right to 1e-11."""

SAME = 1e-9
"""Two calculations of one sample: the same sums in another order, at fits settled to a deviance of 1e-13."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])


def counted(sample):
    """Rows of the domain that weigh something."""
    return sample.rows & (sample.weights > 0)


def many_people(n=1200, seed=4):
    """A design of weights alone: four PSUs in two strata."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(8, 0.6, n)
    return SurveyDesign(strata=np.arange(n) % 2, psu=np.arange(n) // 2 % 2, weights=weights)


# ---- agreement with R


@pytest.mark.reference
@studies
@pytest.mark.parametrize("simple_sample", ["with_replacement", "without_replacement"])
@pytest.mark.parametrize("variable", ["y", "z"])
def test_design_effects_of_means_match_r_svymean(study_id, simple_sample, variable):
    sample = r_sample(study_id)
    values = sample.y if variable == "y" else sample.X[:, sample.terms.index("z")]
    found = design_effect_of_mean(values, design=sample.design(), domain=sample.domain(), simple_sample=simple_sample)
    theirs = of_study("diagnostics/mean_deff", study_id).set_index("variable").loc[variable, simple_sample]
    np.testing.assert_allclose(found.deff, [theirs], rtol=R_RTOL)


@pytest.mark.reference
@studies
def test_design_effects_of_coefficients_match_r_svyglm(study_id):
    sample = r_sample(study_id)
    fit = r_fit(study_id)
    found = design_effects_of_coefficients(
        fit, sample.columns, sample.outcome, design=sample.design(), domain=sample.domain()
    )
    theirs = of_study("diagnostics/coefficient_deff", study_id)
    assert list(found.terms) == theirs["term"].tolist()
    np.testing.assert_allclose(found.deff, theirs["deff"], rtol=R_RTOL)


@pytest.mark.reference
@studies
def test_summaries_of_weights_match_r(study_id):
    sample = r_sample(study_id)
    ours = summarise_weights(sample.design(), rows=sample.rows).to_frame().iloc[0]
    theirs = of_study("diagnostics/weights", study_id).set_index("measure")["value"]
    np.testing.assert_allclose(ours[theirs.index].to_numpy(dtype=float), theirs, rtol=R_RTOL)


@pytest.mark.reference
@studies
def test_effective_sizes_by_bin_match_r(study_id):
    sample, theirs = r_sample(study_id), of_study("diagnostics/bins", study_id)
    edges = np.append(theirs["low"], theirs["high"].iloc[-1])
    x = sample.X[:, sample.terms.index("x")]
    ours = effective_sizes(x, design=sample.design(), domain=sample.domain(), edges=edges).to_frame()
    for column in ("low", "high", "n", "n_psu", "n_effective"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=R_RTOL, err_msg=column)


def test_the_reference_holds_every_domain():
    for table in ("mean_deff", "coefficient_deff", "weights", "bins"):
        found = reference_table(f"diagnostics/{table}")["study_id"].unique()
        assert found.tolist() == ["full", "part", "part_less_psu"]


# ---- agreement with calculations by hand


@pytest.mark.reference
def test_design_effect_of_a_mean_by_hand():
    found = design_effect_of_mean(HAND_VALUES, design=HAND_DESIGN, domain=domain_of(HAND_DESIGN, np.full(6, True)))
    mean = (1 * 2 + 3 * 4 + 2 * 6 + 4 * 1 + 1 * 3 + 1 * 5) / 12
    first = (1 * (2 - mean) + 3 * (4 - mean)) - 2 * (6 - mean)
    second = 4 * (1 - mean) - (1 * (3 - mean) + 1 * (5 - mean))
    squares = 1 * (2 - mean) ** 2 + 3 * (4 - mean) ** 2 + 2 * (6 - mean) ** 2
    squares += 4 * (1 - mean) ** 2 + (3 - mean) ** 2 + (5 - mean) ** 2
    deff = (first**2 + second**2) / 12**2 / (squares / 12 * 6 / 5 / 6)
    np.testing.assert_allclose(found.deff, [deff], rtol=1e-13)
    np.testing.assert_allclose(found.n_effective, [6 / deff], rtol=1e-13)


@pytest.mark.reference
def test_kish_effective_size_by_hand():
    assert kish_effective_size(np.array([1.0, 3, 2, 4, 1, 1])) == pytest.approx(12**2 / (1 + 9 + 4 + 16 + 1 + 1))
    assert kish_effective_size(np.array([5.0, 5, 5, 0])) == pytest.approx(3)


@pytest.mark.reference
def test_the_heaviest_hundredth_of_a_thousand_people_by_hand():
    weights = np.ones(1000)
    weights[:10] = 101.0
    design = SurveyDesign(strata=np.ones(1000, dtype=int), psu=np.arange(1000) % 2, weights=weights)
    found = summarise_weights(design, rows=np.full(1000, True))
    assert found.top_share == pytest.approx(1010 / 2000)
    assert (found.total, found.mean, found.n, found.n_positive) == (2000, 2, 1000, 1000)
    assert found.kish_deff == pytest.approx(1 + 99 / 4)  # variance 0.01 x 99² + 0.99 x 1 = 99, mean 2
    assert found.percentiles == (1, 1, 1, 1, 1, 1, pytest.approx(1 + 100 * 0.01))


def test_an_effective_size_and_its_design_effect_multiply_to_the_people_counted():
    found = summarise_weights(many_people(), rows=np.full(1200, True))
    assert found.n_effective * found.kish_deff == pytest.approx(1200)
    assert found.kish_deff == pytest.approx(1 + found.cv**2)


# ---- few people


def test_percentiles_beyond_which_fewer_than_ten_people_lie_stay_empty():
    design = many_people(150)
    found = summarise_weights(design, rows=np.full(150, True)).to_frame().iloc[0]
    empty = [at for at in PERCENTILES if np.isnan(found[f"p{at}"])]
    assert empty == [1, 5, 95, 99]
    assert np.isnan(found["top_share"])


def test_no_summary_holds_the_weight_of_one_person():
    design = many_people()
    values = summarise_weights(design, rows=np.full(1200, True)).to_frame().iloc[0].to_numpy(dtype=float)
    assert not np.isin(values, design.weights).any()


def test_a_summary_of_fewer_than_ten_people_is_refused():
    rows = np.arange(1200) < 9
    with pytest.raises(DesignError, match="fewer than 10 people of positive weight: expected at least 10"):
        summarise_weights(many_people(), rows=rows)


def test_bins_of_fewer_than_ten_people_stay_empty():
    sample = clustered_sample(1)
    x = np.where(np.arange(sample.y.size) < 200, 0.5, 1.5)
    x[np.flatnonzero(counted(sample))[:9]] = 2.5
    found = effective_sizes(x, design=sample.design(), domain=sample.domain(), edges=np.array([0.0, 1, 2, 3]))
    assert np.isfinite(found.to_frame().iloc[:2]).all(axis=None)
    assert found.to_frame().iloc[2][["n", "n_psu", "n_effective", "deff"]].isna().all()


def test_bins_hold_their_upper_edge_and_the_first_its_lower_one_too():
    sample = clustered_sample(1)
    x = np.arange(sample.y.size) % 4.0
    found = effective_sizes(x, design=sample.design(), domain=sample.domain(), edges=np.array([0.0, 1, 2]))
    np.testing.assert_array_equal(found.n, [counted(sample)[x <= 1].sum(), counted(sample)[x == 2].sum()])


# ---- properties


@given(seeds, st.floats(1e-3, 1e3))
def test_diagnostics_of_weights_do_not_depend_on_their_scale(seed, scale):
    sample = clustered_sample(seed)
    scaled = replace(sample, weights=sample.weights * scale)
    frames = [one_frame(one) for one in (sample, scaled)]
    np.testing.assert_allclose(frames[0], frames[1], rtol=SAME)


@given(seeds)
def test_diagnostics_of_weights_do_not_depend_on_the_order_of_rows(seed):
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    np.testing.assert_allclose(one_frame(sample), one_frame(sample.take(order)), rtol=SAME)


@given(seeds)
def test_diagnostics_of_weights_do_not_depend_on_the_names_of_psus(seed):
    sample = clustered_sample(seed)
    renamed = replace(sample, psu=17 - 3 * sample.psu, strata=-sample.strata)
    np.testing.assert_allclose(one_frame(sample), one_frame(renamed), rtol=SAME)


def one_frame(sample):
    """All that is free of the weights' scale, in a row."""
    design, domain, fit = sample.design(), sample.domain(), sample.fit()
    edges = np.array([-1.5, -0.5, 0.5, 1.5])
    bins = effective_sizes(sample.X[:, 1], design=design, domain=domain, edges=edges)
    weights = summarise_weights(design, rows=sample.rows)
    return np.concatenate(
        [
            design_effect_of_mean(sample.y, design=design, domain=domain).deff,
            design_effects_of_coefficients(fit, sample.columns, sample.outcome, design=design, domain=domain).deff,
            np.nan_to_num(bins.to_frame().to_numpy().ravel()),
            [weights.cv, weights.kish_deff, weights.n_effective],
        ]
    )


@given(seeds)
def test_equal_weights_cost_nothing(seed):
    sample = clustered_sample(seed)
    equal = replace(sample, weights=np.full(sample.y.size, 7.0))
    found = summarise_weights(equal.design(), rows=equal.rows)
    assert found.kish_deff == pytest.approx(1)
    assert found.n_effective == pytest.approx(counted(equal).sum())


@given(seeds)
def test_design_effects_are_the_ratio_that_their_frame_shows(seed):
    sample = clustered_sample(seed)
    frame = design_effect_of_mean(sample.y, design=sample.design(), domain=sample.domain()).to_frame()
    np.testing.assert_allclose(frame["deft"] ** 2 * frame["variance_srs"], frame["variance"], rtol=SAME)
    np.testing.assert_allclose(frame["n_effective"] * frame["deff"], frame["n"], rtol=SAME)


# ---- refusals


def test_a_simple_sample_of_another_kind_is_refused():
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match="simple_sample='half': expected one of with_replacement"):
        design_effect_of_mean(sample.y, design=sample.design(), domain=sample.domain(), simple_sample="half")


def test_a_sample_as_large_as_its_population_is_refused():
    sample = replace(clustered_sample(1), weights=np.ones(350))
    design, domain = sample.design(), sample.domain()
    with pytest.raises(DesignError, match="expected weights that count the population"):
        design_effect_of_mean(sample.y, design=design, domain=domain, simple_sample="without_replacement")


def test_the_design_effect_of_a_constant_is_refused():
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match="y is 1 for all"):
        design_effect_of_mean(np.ones(350), design=sample.design(), domain=sample.domain())


def test_a_regression_of_other_people_is_refused():
    sample = clustered_sample(1)
    design, domain, fit = sample.design(), sample.domain(), sample.fit()
    with pytest.raises(DesignError, match=rf"X \({domain.n - 1}, 4\), y \({domain.n},\): expected \({domain.n}, 4\)"):
        design_effects_of_coefficients(fit, sample.columns[1:], sample.outcome, design=design, domain=domain)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(DesignError, match="weights that are negative, missing or all zero"):
        kish_effective_size(np.array(weights))


def test_rows_of_another_length_are_refused():
    with pytest.raises(DesignError, match=r"rows of shape \(9,\): expected \(1200,\)"):
        summarise_weights(many_people(), rows=np.full(9, True))


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan], [[0.0, 1.0]]])
def test_edges_that_do_not_increase_are_refused(edges):
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match="expected at least two numbers that increase"):
        effective_sizes(sample.y, design=sample.design(), domain=sample.domain(), edges=np.array(edges))


def test_an_exposure_of_another_length_is_refused():
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match=r"x \(349,\): expected \(350,\)"):
        effective_sizes(sample.y[1:], design=sample.design(), domain=sample.domain(), edges=np.array([0.0, 1]))


def test_an_exposure_that_is_missing_in_the_domain_is_refused():
    sample = clustered_sample(1)
    x = np.where(np.arange(350) == np.flatnonzero(counted(sample))[0], np.nan, 0.5)
    with pytest.raises(DesignError, match="x is missing for fewer than 10 people in the domain"):
        effective_sizes(x, design=sample.design(), domain=sample.domain(), edges=np.array([0.0, 1]))
