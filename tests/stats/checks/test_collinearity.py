from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor

from analysis.stats.checks.collinearity import measure_collinearity
from analysis.stats.sample.design import DesignError
from tests.arrays import clustered_sample, of_study, r_sample

R_RTOL = 1e-8
"""Both sides decompose the same matrix in double precision."""

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", ["full", "part", "part_less_psu"])
SPLINE = {"spline": ("x", "x_s1", "x_s2")}


def measured(sample, **options):
    return measure_collinearity(
        sample.columns, design=sample.design(), domain=sample.domain(), terms=sample.terms, **options
    )


def nearly_twice(seed=1, noise=0.05):
    """A sample whose last column is the one before it, and a little noise."""
    sample = clustered_sample(seed)
    X = sample.X.copy()
    X[:, 3] = X[:, 1] + noise * np.random.default_rng(seed).normal(size=len(X))
    return replace(sample, X=X)


# ---- agreement with R and by hand


@pytest.mark.reference
@studies
def test_condition_indexes_match_r_svd(study_id):
    found = measured(r_sample(study_id))
    theirs = of_study("diagnostics/condition", study_id)
    indexes = theirs.drop_duplicates("index").sort_values("index")["condition_index"]
    np.testing.assert_allclose(found.condition_indexes, indexes, rtol=R_RTOL)
    shares = theirs.pivot_table(index="index", columns="term", values="share")[list(found.terms)]
    np.testing.assert_allclose(found.shares, shares, rtol=R_RTOL, atol=R_RTOL)


@pytest.mark.reference
@studies
def test_variance_inflation_matches_r_lm(study_id):
    theirs = of_study("diagnostics/inflation", study_id).set_index("term")["gvif"]
    single = measured(r_sample(study_id))
    np.testing.assert_allclose(single.gvif, theirs[list(single.groups)], rtol=R_RTOL)
    grouped = measured(r_sample(study_id), groups=SPLINE)
    assert (grouped.groups, grouped.columns) == (("spline", "z"), (3, 1))
    np.testing.assert_allclose(grouped.gvif, theirs[["spline", "z"]], rtol=R_RTOL)


@pytest.mark.reference
def test_two_columns_of_correlation_r_inflate_by_hand():
    sample = clustered_sample(1)
    # Four kinds of people, the two columns alike for 4 in 5: r = 0.8 - 0.2.
    kind = np.arange(350) % 10
    x, z = np.where(kind < 5, 1.0, -1.0), np.where((kind < 4) | (kind == 9), 1.0, -1.0)
    sample = replace(sample, weights=np.ones(350), rows=np.full(350, True), X=np.column_stack([np.ones(350), x, z]),
                     terms=("intercept", "x", "z"))  # fmt: skip
    found = measured(sample)
    np.testing.assert_allclose(found.gvif, [1 / (1 - 0.6**2)] * 2, rtol=1e-12)
    # ZᵀZ has the eigenvalues 1.6, 1 and 0.4.
    np.testing.assert_allclose(found.condition_indexes, np.sqrt(1.6 / np.array([1.6, 1, 0.4])), rtol=1e-12)
    np.testing.assert_allclose(found.shares[:, 1], np.array([0.5 / 1.6, 0, 0.5 / 0.4]) * (1 - 0.6**2), atol=1e-12)
    assert found.warnings == ()


def test_with_equal_weights_variance_inflation_is_that_of_statsmodels():
    sample = replace(clustered_sample(4), weights=np.ones(350), rows=np.full(350, True))
    theirs = [variance_inflation_factor(sample.X, column) for column in (1, 2, 3)]
    np.testing.assert_allclose(measured(sample).gvif, theirs, rtol=1e-10)


# ---- warnings


def test_two_columns_that_are_nearly_one_are_warned_of_by_both_measures():
    found = measured(nearly_twice())
    condition, *inflation = found.warnings
    assert (condition.measure, condition.terms, condition.threshold) == ("condition", ("x", "place"), 30)
    assert condition.value == found.condition_number
    assert condition.sentence.startswith("Condition index ")
    assert "x, place can hardly be told from" in condition.sentence
    assert [(one.measure, one.terms, one.threshold) for one in inflation] == [
        ("vif", ("x",), 10), ("vif", ("place",), 10)
    ]  # fmt: skip
    np.testing.assert_allclose([one.value for one in inflation], found.vif[[0, 2]])
    assert inflation[0].sentence.startswith("Variance inflation of x is ")


def test_columns_that_belong_together_do_not_warn_of_each_other():
    found = measured(nearly_twice(), groups={"both": ("x", "place")})
    assert not [one for one in found.warnings if one.measure == "vif"]
    assert found.to_frame()["term"].tolist() == ["both", "group"]


def test_a_sample_without_collinearity_has_no_warning():
    found = measured(clustered_sample(1))
    assert found.warnings == ()


# ---- properties


def numbers(sample):
    found = measured(sample)
    return np.concatenate([found.condition_indexes, found.shares.ravel(), found.gvif])


@given(seeds, st.floats(1e-3, 1e3))
def test_collinearity_does_not_depend_on_the_scale_of_the_weights(seed, scale):
    sample = clustered_sample(seed)
    scaled = replace(sample, weights=sample.weights * scale)
    np.testing.assert_allclose(numbers(scaled), numbers(sample), rtol=1e-9, atol=1e-9)


@given(seeds)
def test_collinearity_does_not_depend_on_the_order_of_rows(seed):
    sample = clustered_sample(seed)
    order = np.random.default_rng(seed).permutation(sample.y.size)
    np.testing.assert_allclose(numbers(sample.take(order)), numbers(sample), rtol=1e-9, atol=1e-9)


@given(seeds)
def test_collinearity_does_not_depend_on_the_names_of_psus(seed):
    sample = clustered_sample(seed)
    renamed = replace(sample, psu=9 - sample.psu, strata=-sample.strata)
    np.testing.assert_allclose(numbers(renamed), numbers(sample), rtol=1e-9)


@given(seeds, st.floats(1e-3, 1e3), st.floats(-10, 10))
def test_inflation_does_not_depend_on_a_columns_unit_and_origin(seed, scale, shift):
    sample = clustered_sample(seed)
    X = sample.X.copy()
    X[:, 1] = scale * X[:, 1] + shift
    np.testing.assert_allclose(measured(replace(sample, X=X)).gvif, measured(sample).gvif, rtol=1e-6)


@given(seeds)
def test_the_inflation_of_a_group_does_not_depend_on_its_basis(seed):
    sample = r_sample("full")
    A = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    X = sample.X.copy()
    X[:, 1:4] = X[:, 1:4] / X[:, 1:4].std(axis=0) @ A
    turned = measured(replace(sample, X=X), groups=SPLINE)
    np.testing.assert_allclose(turned.gvif, measured(sample, groups=SPLINE).gvif, rtol=1e-6)


@given(seeds)
def test_shares_of_each_terms_variance_add_up_to_one(seed):
    found = measured(clustered_sample(seed))
    np.testing.assert_allclose(found.shares.sum(axis=0), 1, rtol=1e-12)


# ---- refusals


def test_a_design_matrix_of_another_shape_is_refused():
    sample = clustered_sample(1)
    n = sample.domain().n
    with pytest.raises(DesignError, match=rf"X \({n}, 4\): expected \({n}, 3\)"):
        measured(replace(sample, terms=sample.terms[1:]))


def test_an_intercept_alone_is_refused():
    with pytest.raises(DesignError, match="an intercept and at least one more"):
        measured(clustered_sample(1).without(("x", "group", "place")))


def test_missing_values_in_the_domain_are_refused():
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[np.flatnonzero(sample.rows)[0], 1] = np.nan
    with pytest.raises(DesignError, match="X has missing values inside the domain"):
        measured(replace(sample, X=X))


def test_missing_values_outside_the_domain_do_not_matter():
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[~sample.rows] = np.nan
    np.testing.assert_array_equal(numbers(replace(sample, X=X)), numbers(sample))


@pytest.mark.parametrize(("column", "value", "named"), [(1, 3.0, "intercept, x"), (0, None, "none")])
def test_a_matrix_without_exactly_one_constant_column_is_refused(column, value, named):
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[:, column] = X[:, 1] ** 2 if value is None else value
    with pytest.raises(DesignError, match=f"constant columns in the domain: {named}: expected one"):
        measured(replace(sample, X=X))


def test_a_column_that_is_a_sum_of_others_is_refused_with_their_names():
    sample = clustered_sample(1)
    X = sample.X.copy()
    X[:, 3] = 2 * X[:, 1] - 5
    with pytest.raises(DesignError, match="^x, place: one of these columns is a sum of the others"):
        measured(replace(sample, X=X))


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ({"a": ("sex",)}, "sex"),
        ({"a": ("x",), "b": ("x",)}, "x"),
        ({"a": ()}, "no term"),
        ({"a": ("intercept",)}, "intercept"),
        ({"place": ("x",)}, "place"),
    ],
)
def test_groups_of_unknown_or_repeated_terms_are_refused(groups, named):
    with pytest.raises(DesignError, match=f"groups name {named}: expected some of x, group, place"):
        measured(clustered_sample(1), groups=groups)
