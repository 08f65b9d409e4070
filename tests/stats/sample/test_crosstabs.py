import itertools
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.sample.crosstabs import CrossTable, cross_table, independence_test
from analysis.stats.sample.descriptives import weighted_proportion, weighted_ratio, weighted_total
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from tests.arrays import (
    HAND_DESIGN,
    R_POLICIES,
    R_STUDIES,
    Sample,
    clustered_sample,
    of_study,
    r_sample,
    reference_table,
)
from tests.reference_people import r_people

R_RTOL = 1e-8
"""Both sum the same numbers in double precision; R's contrasts of the cells are another basis of the same space."""

SAME = 1e-9
"""Sums of the same numbers in another order differ by less."""

METHODS = ("rao_scott_f", "rao_scott_chisq", "wald", "adjusted_wald")
PAIRS = ("y:x_group", "z_group:x_group", "y:x_half")

EVERYBODY = domain_of(HAND_DESIGN, np.full(6, True))

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)
pairs = pytest.mark.parametrize("pair", PAIRS)
methods = pytest.mark.parametrize("method", METHODS)


def r_table(study_id: str, pair: str) -> CrossTable:
    """Our table of two columns of design_input.csv in one of R's domains."""
    sample, policies, people = r_sample(study_id), R_POLICIES.get(study_id, {}), r_people(study_id)
    rows, columns = (people[name].to_numpy() for name in pair.split(":"))
    return cross_table(rows, columns, design=sample.design(**policies), domain=sample.domain(**policies))


def table_of(sample: Sample) -> CrossTable:
    """Cross y with three groups of x."""
    groups = np.digitize(sample.X[:, 1], [-0.5, 0.5])
    return cross_table(sample.y, groups, design=sample.design(), domain=sample.domain())


def numbers(table: CrossTable) -> npt.NDArray[np.float64]:
    """Shares, their errors and the tests that a table of six cells on five degrees of freedom allows."""
    tests = [independence_test(table, method=method) for method in METHODS]
    statistics = [value for test in tests for value in (test.statistic, test.df_num, test.p_value)]
    return np.concatenate([*(np.ravel(table.shares(of)) for of in ("table", "row", "column")), statistics])


# ---- agreement with R


@pytest.mark.reference
@studies
@pairs
@methods
def test_tests_of_independence_match_r_svychisq(study_id: str, pair: str, method: str) -> None:
    ours = independence_test(r_table(study_id, pair), method=method)
    theirs = of_study("descriptives/table_tests", study_id).set_index(["pair", "method"]).loc[(pair, method)]
    for column in ("statistic", "df_num", "p_value"):
        np.testing.assert_allclose(getattr(ours, column), theirs[column], rtol=R_RTOL, err_msg=column)
    df_den = math.inf if np.isnan(theirs["df_den"]) else theirs["df_den"]
    np.testing.assert_allclose(ours.df_den, df_den, rtol=R_RTOL)


@pytest.mark.reference
@studies
@pairs
def test_cells_match_r_survey(study_id: str, pair: str) -> None:
    table = r_table(study_id, pair)
    theirs = of_study("descriptives/tables", study_id).query("pair == @pair").set_index("cell")
    whole, by_row = table.to_frame(), table.to_frame(share_of="row")
    expected = theirs.loc[[f"{row}:{column}" for row, column in zip(whole["row"], whole["column"], strict=True)]]
    for ours, name in (
        (whole["total"], "total"),
        (whole["total_std_error"], "total_std_error"),
        (whole["estimate"], "share"),
        (whole["std_error"], "std_error"),
        (by_row["estimate"], "row_share"),
        (by_row["std_error"], "row_std_error"),
    ):
        np.testing.assert_allclose(ours, expected[name], rtol=R_RTOL, err_msg=name)


def test_every_table_of_r_is_compared() -> None:
    theirs = reference_table("descriptives/table_tests")
    asked = set(itertools.product(R_STUDIES, PAIRS, METHODS))
    assert set(theirs[["study_id", "pair", "method"]].itertuples(index=False, name=None)) == asked


# ---- agreement with calculations by hand and with the other estimators


@pytest.mark.reference
def test_simple_random_sample_gives_pearsons_chi_square() -> None:
    # One person a PSU, one stratum, equal weights: the design covariance is the multinomial one times n/(n - 1), and so
    # are all eigenvalues.
    counts = np.array([[30, 20, 10], [15, 25, 40]])
    rows, columns = (np.repeat(which.ravel(), counts.ravel()) for which in np.indices(counts.shape))
    n = rows.size
    design = SurveyDesign(strata=np.ones(n, dtype=int), psu=np.arange(n), weights=np.full(n, 5.0))
    table = cross_table(rows, columns, design=design, domain=domain_of(design, np.full(n, True)))
    pearson = scipy.stats.chi2_contingency(counts, correction=False).statistic * (n - 1) / n
    first, second = (independence_test(table, method=method) for method in ("rao_scott_chisq", "rao_scott_f"))
    assert table.n.tolist() == counts.tolist()
    np.testing.assert_allclose((first.statistic, first.df_num), (pearson, 2), rtol=SAME)
    expected = (pearson / 2, 2, 2 * (n - 1))
    np.testing.assert_allclose((second.statistic, second.df_num, second.df_den), expected, rtol=SAME)


@pytest.mark.reference
def test_two_by_two_wald_is_the_squared_t_of_the_covariance_of_rows_and_columns() -> None:
    sample = clustered_sample(4)
    design, domain = sample.design(), sample.domain()
    a, b = sample.y, sample.X[:, 2]
    wald = independence_test(cross_table(a, b, design=design, domain=domain), method="wald")
    w = np.where(domain.rows, sample.weights, 0.0)
    p, q = np.average(a, weights=w), np.average(b, weights=w)
    covariance = weighted_total((a - p) * (b - q), design=design, domain=domain)
    assert wald.statistic == pytest.approx((covariance.estimate / covariance.std_error) ** 2, rel=SAME)
    assert (wald.df_num, wald.df_den) == (1, domain.df)


@pytest.mark.reference
def test_cells_of_a_small_table_are_sums_of_weights() -> None:
    table = cross_table(np.array([0, 0, 1, 1, 0, 1]), np.array(list("ababab")), design=HAND_DESIGN, domain=EVERYBODY)
    assert (table.rows, table.columns) == ((0, 1), ("a", "b"))
    assert table.n.tolist() == [[2, 1], [1, 2]]
    assert table.total.tolist() == [[1 + 1, 3], [2, 4 + 1]]
    # Totals by PSU of the first cell: 1 and 0 in the first stratum, 0 and 1 in the second.
    assert table.to_frame()["total_std_error"][0] == pytest.approx(math.sqrt(1**2 + 1**2))


def test_shares_are_the_proportions_and_ratios_of_the_other_module() -> None:
    sample = clustered_sample(4)
    place = {"design": sample.design(), "domain": sample.domain()}
    a, b = sample.y, sample.X[:, 2]
    table = cross_table(a, b, **place)
    cell = weighted_proportion((a * b == 1).astype(float), **place)
    of_column = weighted_ratio((a * b == 1).astype(float), b, **place)
    found = table.to_frame().iloc[-1]
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert found[name] == pytest.approx(getattr(cell, name), rel=SAME)
    found = table.to_frame(share_of="column").iloc[-1]
    assert (found["estimate"], found["std_error"]) == pytest.approx((of_column.estimate, of_column.std_error), rel=SAME)


def test_empty_cell_is_a_share_of_zero_without_interval() -> None:
    table = cross_table(
        np.array([0, 0, 1, 1, 0, 1]), np.array([0, 0, 1, 0, 0, 0]), design=HAND_DESIGN, domain=EVERYBODY
    )
    empty = table.to_frame().query("row == 0 and column == 1").iloc[0]
    assert (empty["n"], empty["estimate"], empty["std_error"]) == (0, 0, 0)
    assert np.isnan([empty["conf_low"], empty["conf_high"]]).all()


# ---- properties


@given(seed=seeds)
def test_scaling_the_weights_changes_no_share_and_no_test(seed: int) -> None:
    sample = clustered_sample(seed, people=30)
    found = numbers(table_of(replace(sample, weights=sample.weights / 7)))
    np.testing.assert_allclose(found, numbers(table_of(sample)), rtol=SAME)


@given(seed=seeds)
def test_order_of_rows_changes_nothing(seed: int) -> None:
    sample = clustered_sample(seed, people=30)
    shuffled = sample.take(np.random.default_rng(seed).permutation(sample.y.size))
    np.testing.assert_allclose(numbers(table_of(shuffled)), numbers(table_of(sample)), rtol=SAME)


@given(seed=seeds)
def test_splitting_records_into_half_weights_changes_no_share_and_no_test(seed: int) -> None:
    sample = clustered_sample(seed, people=30)
    split = replace(sample, weights=sample.weights / 2).take(np.repeat(np.arange(sample.y.size), 2))
    np.testing.assert_allclose(numbers(table_of(split)), numbers(table_of(sample)), rtol=SAME)


@given(seed=seeds)
def test_outside_the_domain_equals_weight_zero(seed: int) -> None:
    sample = clustered_sample(seed, people=30)
    everybody = np.ones(sample.rows.size, dtype=bool)
    unweighted = replace(sample, weights=np.where(sample.rows, sample.weights, 0.0), rows=everybody)
    np.testing.assert_allclose(numbers(table_of(unweighted)), numbers(table_of(sample)), rtol=SAME)


@given(seed=seeds)
@methods
def test_names_and_order_of_levels_change_no_test(method: str, seed: int) -> None:
    sample = clustered_sample(seed, people=30)
    place = {"design": sample.design(), "domain": sample.domain()}
    groups = np.digitize(sample.X[:, 1], [-0.5, 0.5])
    renamed = np.array(["c", "a", "b"])[groups]
    ours = independence_test(cross_table(sample.y, groups, **place), method=method)
    turned = independence_test(cross_table(renamed, sample.y, **place), method=method)
    np.testing.assert_allclose(
        (turned.statistic, turned.df_num, turned.p_value), (ours.statistic, ours.df_num, ours.p_value), rtol=1e-7
    )


# ---- refusals


@methods
@pytest.mark.parametrize(("rows", "which"), [(np.zeros(6), "rows"), (np.array([0, 1, 0, 1, 0, 1]), "columns")])
def test_a_single_level_is_refused(rows: npt.NDArray[np.float64], which: str, method: str) -> None:
    columns = np.array([0, 1, 0, 1, 1, 1]) if which == "rows" else np.full(6, 7)
    table = cross_table(rows, columns, design=HAND_DESIGN, domain=EVERYBODY)
    with pytest.raises(DesignError, match=f"the {which} of the table have the one level"):
        independence_test(table, method=method)


@methods
def test_an_empty_cell_is_refused_by_name(method: str) -> None:
    table = cross_table(
        np.array([0, 0, 1, 1, 0, 1]), np.array(["a", "a", "b", "a", "a", "a"]), design=HAND_DESIGN, domain=EVERYBODY
    )
    with pytest.raises(DesignError, match=r"nobody is in row 0, column b: expected people in every cell"):
        independence_test(table, method=method)


@pytest.mark.parametrize("method", ["wald", "adjusted_wald"])
def test_a_wald_test_of_more_contrasts_than_degrees_of_freedom_is_refused(method: str) -> None:
    sample = clustered_sample(1, psus_in_stratum=(2, 2))
    place = {"design": sample.design(), "domain": domain_of(sample.design(), np.ones(sample.y.size, dtype=bool))}
    table = cross_table(sample.y, np.digitize(sample.X[:, 1], [-1, 0, 1]), **place)
    with pytest.raises(DesignError, match="3 contrasts of a 2 x 4 table on 2 degrees of freedom"):
        independence_test(table, method=method)


@pytest.mark.parametrize("method", ["wald", "adjusted_wald"])
def test_a_wald_test_with_a_singular_covariance_is_refused(method: str) -> None:
    # Each PSU holds the same people, so that no total differs between PSUs.
    design = SurveyDesign(strata=np.repeat([1, 1, 2, 2], 4), psu=np.repeat([1, 2, 1, 2], 4), weights=np.ones(16))
    rows, columns = np.tile([0, 0, 1, 1], 4), np.tile([0, 1, 0, 1], 4)
    table = cross_table(rows, columns, design=design, domain=domain_of(design, np.full(16, True)))
    with pytest.raises(DesignError, match="1 contrasts of a 2 x 2 table is singular"):
        independence_test(table, method=method)


def test_unknown_levels_are_refused() -> None:
    unknown = np.array(["a", None, "b", "a", None, "b"], dtype=object)
    with pytest.raises(DesignError, match="columns are missing for fewer than 10 people in the domain"):
        cross_table(np.arange(6) % 2, unknown, design=HAND_DESIGN, domain=EVERYBODY)


def test_levels_of_another_length_are_refused() -> None:
    with pytest.raises(DesignError, match=r"rows \(5,\): expected \(6,\)"):
        cross_table(np.zeros(5), np.zeros(6), design=HAND_DESIGN, domain=EVERYBODY)


def test_a_table_without_degree_of_freedom_is_refused() -> None:
    sample = clustered_sample(1)
    design = sample.design(lonely_domain="keep")
    with pytest.raises(DesignError, match="5 PSUs in 5 strata leave no degree of freedom"):
        cross_table(sample.y, sample.y, design=design, domain=domain_of(design, sample.psu == 1))


def test_an_unknown_method_or_share_is_refused() -> None:
    table = table_of(clustered_sample(1))
    with pytest.raises(DesignError, match="method='F': expected one of rao_scott_f"):
        independence_test(table, method="F")
    with pytest.raises(DesignError, match="share_of='cell': expected one of table, row, column"):
        table.shares("cell")
