import math
from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.sample.descriptives import (
    Estimate,
    JointEstimates,
    domain_means,
    logit_interval,
    mean_influence,
    mean_of,
    quantile_of,
    ratio_influence,
    ratio_of,
    total_influence,
    total_of,
    weighted_mean,
    weighted_proportion,
    weighted_quantile,
    weighted_ratio,
    weighted_total,
)
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, domain_of, taylor_vcov
from tests.arrays import (
    HAND_DESIGN,
    HAND_VALUES,
    R_POLICIES,
    R_STUDIES,
    Sample,
    clustered_sample,
    jackknife_vcov,
    of_study,
    r_sample,
)
from tests.reference_people import r_people

R_RTOL = 1e-8
"""Both sum the same numbers in double precision."""

SAME = 1e-9
"""Sums of the same numbers in another order differ by less."""

EVERYBODY = domain_of(HAND_DESIGN, np.full(6, True))
STATISTICS = ("mean", "total", "ratio", "proportion", "quantile")

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)
statistics = pytest.mark.parametrize("statistic", STATISTICS)


def r_estimate(statistic: str, sample: Sample, **policies: str) -> Estimate:
    """One statistic of the sample's x (and y), in the domain."""
    return estimate_of(statistic, sample, sample.design(**policies), sample.domain(**policies))


def estimate_of(statistic: str, sample: Sample, design: SurveyDesign, domain: Domain) -> Estimate:
    x, y = sample.X[:, sample.terms.index("x")], sample.y
    functions: dict[str, Callable[[], Estimate]] = {
        "mean": lambda: weighted_mean(x, design=design, domain=domain),
        "total": lambda: weighted_total(x, design=design, domain=domain),
        "ratio": lambda: weighted_ratio(y, x + 10, design=design, domain=domain),
        "proportion": lambda: weighted_proportion(y, design=design, domain=domain),
        "quantile": lambda: weighted_quantile(np.round(x, 1), probability=0.4, design=design, domain=domain),
    }
    return functions[statistic]()


def by_z(study_id: str) -> JointEstimates:
    """Means of z in the four groups of x, as svyby has them."""
    sample, policies = r_sample(study_id), R_POLICIES.get(study_id, {})
    people = r_people(study_id)
    design = sample.design(**{"lonely_domain": "keep"} | policies)
    domains = {str(k): domain_of(design, sample.rows & (people["x_group"].to_numpy() == k)) for k in (1, 2, 3, 4)}
    return domain_means(people["z"].to_numpy(), design=design, domains=domains)


@pytest.mark.reference
@studies
@pytest.mark.parametrize("variable", ["y", "z"])
def test_weighted_means_match_r_svymean(study_id: str, variable: str) -> None:
    sample, policies = r_sample(study_id), R_POLICIES.get(study_id, {})
    values = sample.y if variable == "y" else sample.X[:, sample.terms.index("z")]
    mean = weighted_mean(values, design=sample.design(**policies), domain=sample.domain(**policies))
    theirs = of_study("design/means", study_id).set_index("variable").loc[variable]
    assert mean.df == theirs["df"]
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(mean, column), theirs[column], rtol=R_RTOL, err_msg=column)


@pytest.mark.reference
def test_weighted_mean_is_the_textbook_ratio_with_the_textbook_variance() -> None:
    found = weighted_mean(HAND_VALUES, design=HAND_DESIGN, domain=domain_of(HAND_DESIGN, np.full(6, True)))
    mean = (1 * 2 + 3 * 4 + 2 * 6 + 4 * 1 + 1 * 3 + 1 * 5) / 12
    first = (1 * (2 - mean) + 3 * (4 - mean)) - 2 * (6 - mean)
    second = 4 * (1 - mean) - (1 * (3 - mean) + 1 * (5 - mean))
    # With two PSUs, n/(n - 1) times the squares about the stratum mean is the squared difference of the totals.
    std_error = math.sqrt(first**2 + second**2) / 12
    t = 0.95 / math.sqrt(2 * 0.975 * 0.025)  # Student's 97.5 % point on 4 - 2 = 2 degrees of freedom
    found_values = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    np.testing.assert_allclose(found_values, (mean, std_error, mean - t * std_error, mean + t * std_error), rtol=1e-13)
    assert (found.df, found.n) == (2, 6)


@pytest.mark.reference
def test_mean_of_a_domain_counts_its_empty_psus_as_totals_of_zero() -> None:
    keep = replace(HAND_DESIGN, lonely_domain="keep")
    found = weighted_mean(HAND_VALUES, design=keep, domain=domain_of(keep, np.arange(6) != 3))
    mean = (1 * 2 + 3 * 4 + 2 * 6 + 1 * 3 + 1 * 5) / 8
    first = (1 * (2 - mean) + 3 * (4 - mean)) - 2 * (6 - mean)
    second = 0 - (1 * (3 - mean) + 1 * (5 - mean))
    np.testing.assert_allclose(found.std_error, math.sqrt(first**2 + second**2) / 8, rtol=1e-13)
    assert found.df == 3 - 2


def test_a_mean_of_unknown_values_is_refused() -> None:
    unknown = np.array([2.0, np.nan, 6, 1, np.nan, 5])
    with pytest.raises(DesignError, match="y is missing for fewer than 10 people in the domain"):
        weighted_mean(unknown, design=HAND_DESIGN, domain=domain_of(HAND_DESIGN, np.full(6, True)))


def test_a_mean_without_degree_of_freedom_is_refused() -> None:
    sample = clustered_sample(1)
    design = sample.design(lonely_domain="keep")
    with pytest.raises(DesignError, match="5 PSUs in 5 strata leave no degree of freedom"):
        weighted_mean(sample.y, design=design, domain=domain_of(design, sample.psu == 1))


def test_a_mean_of_values_of_another_length_is_refused() -> None:
    sample = clustered_sample(1)
    with pytest.raises(DesignError, match=r"y \(349,\): expected \(350,\)"):
        weighted_mean(sample.y[1:], design=sample.design(), domain=sample.domain())


# ---- agreement with R, all statistics


@pytest.mark.reference
@studies
@pytest.mark.parametrize(("kind", "variable"), [("mean", "x"), ("total", "y"), ("total", "x"), ("ratio", "z/x"),
                                                ("proportion", "y")])  # fmt: skip
def test_estimates_match_r_survey(study_id: str, kind: str, variable: str) -> None:
    sample, policies, people = r_sample(study_id), R_POLICIES.get(study_id, {}), r_people(study_id)
    place = {"design": sample.design(**policies), "domain": sample.domain(**policies)}
    column = people.get(variable, people["x"]).to_numpy(dtype=float)
    if kind == "ratio":
        ours = weighted_ratio(people["z"].to_numpy(), column, **place)
    else:
        function = {"mean": weighted_mean, "total": weighted_total, "proportion": weighted_proportion}[kind]
        ours = function(column, **place)
    theirs = of_study("descriptives/estimates", study_id).set_index(["kind", "variable"]).loc[(kind, variable)]
    for name in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(ours, name), theirs[name], rtol=R_RTOL, err_msg=name)


@pytest.mark.reference
@studies
@pytest.mark.parametrize("variable", ["z", "z_heaped", "x"])
def test_quantiles_match_r_svyquantile(study_id: str, variable: str) -> None:
    sample, policies = r_sample(study_id), R_POLICIES.get(study_id, {})
    design, domain = sample.design(**policies), sample.domain(**policies)
    values = r_people(study_id)[variable].to_numpy(dtype=float)
    theirs = of_study("descriptives/quantiles", study_id).query("variable == @variable")
    assert len(theirs) == 7
    for row in theirs.itertuples():
        ours = weighted_quantile(values, probability=row.probability, design=design, domain=domain)
        found = (ours.estimate, ours.std_error, ours.df, ours.conf_low, ours.conf_high)
        expected = (row.estimate, row.std_error, row.df, row.conf_low, row.conf_high)
        np.testing.assert_allclose(found, expected, rtol=R_RTOL, err_msg=f"p = {row.probability}")


@pytest.mark.reference
@studies
def test_means_of_domains_and_their_covariance_match_r_svyby(study_id: str) -> None:
    ours, theirs = by_z(study_id), of_study("descriptives/by", study_id).set_index("x_group")
    frame = ours.to_frame().set_index("term")
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(frame[column], theirs.loc[frame.index, column], rtol=R_RTOL)
    std_error = np.sqrt(np.diag(ours.vcov))
    for row in of_study("descriptives/by_vcov", study_id).itertuples():
        i, j = ours.terms.index(str(row.row)), ours.terms.index(str(row.col))
        # On the scale of the standard errors: some covariances are near zero.
        assert abs(ours.vcov[i, j] - row.value) < R_RTOL * std_error[i] * std_error[j]


@pytest.mark.reference
@studies
def test_difference_between_domains_matches_r_svycontrast(study_id: str) -> None:
    difference = by_z(study_id).contrast({"4": 1, "1": -1})
    theirs = of_study("descriptives/by", study_id).set_index("x_group").loc["4-1"]
    np.testing.assert_allclose((difference.estimate, difference.std_error), theirs[["estimate", "std_error"]].tolist(),
                               rtol=R_RTOL)  # fmt: skip
    assert difference.df == r_sample(study_id).domain(**R_POLICIES.get(study_id, {})).df


# ---- agreement with calculations by hand


@pytest.mark.reference
def test_total_is_the_weighted_sum_with_the_textbook_variance() -> None:
    found = weighted_total(HAND_VALUES, design=HAND_DESIGN, domain=EVERYBODY)
    std_error = math.hypot((1 * 2 + 3 * 4) - 2 * 6, 4 * 1 - (1 * 3 + 1 * 5))
    np.testing.assert_allclose((found.estimate, found.std_error), (38, std_error), rtol=1e-13)


@pytest.mark.reference
def test_ratio_to_one_is_the_mean() -> None:
    ratio = weighted_ratio(HAND_VALUES, np.ones(6), design=HAND_DESIGN, domain=EVERYBODY)
    mean = weighted_mean(HAND_VALUES, design=HAND_DESIGN, domain=EVERYBODY)
    np.testing.assert_allclose(astuple(ratio), astuple(mean), rtol=1e-13)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("probability", "expected"), [(0.01, 1), (4 / 12, 1), (4.01 / 12, 2), (5 / 12, 2), (0.5, 3), (9 / 12, 4), (0.99, 6)]
)
def test_quantile_is_the_lowest_value_that_reaches_the_probability(probability: float, expected: float) -> None:
    # Sorted values 1 2 3 4 5 6 have the weights 4 1 1 3 1 2 of 12.
    assert quantile_of(HAND_VALUES, HAND_DESIGN.weights, probability) == expected


@pytest.mark.reference
def test_median_interval_is_read_off_the_distribution_function() -> None:
    rng = np.random.default_rng(4)
    design = SurveyDesign(strata=np.repeat(np.arange(10), 20), psu=np.tile([1, 2], 100), weights=np.ones(200))
    y = rng.permutation(200).astype(float) + 1
    domain = domain_of(design, np.full(200, True))
    found = weighted_quantile(y, probability=0.5, design=design, domain=domain)
    below = weighted_mean((y <= 100).astype(float), design=design, domain=domain)
    assert found.estimate == 100
    assert found.conf_low == math.ceil(200 * below.conf_low)
    assert found.conf_high == math.ceil(200 * below.conf_high)
    np.testing.assert_allclose(
        found.std_error, (found.conf_high - found.conf_low) / (2 * 2.2281388519649385), rtol=1e-9
    )


def test_proportion_is_the_mean_with_limits_between_zero_and_one() -> None:
    sample = clustered_sample(3)
    rare = (sample.y == 1) & (sample.X[:, 1] > 1.5)
    place = {"design": sample.design(), "domain": sample.domain()}
    share, mean = (f(rare.astype(float), **place) for f in (weighted_proportion, weighted_mean))
    assert (share.estimate, share.std_error) == (mean.estimate, mean.std_error)
    assert 0 < share.conf_low < share.estimate < share.conf_high < 1


def test_shares_of_nobody_and_of_everybody_have_no_logit_interval() -> None:
    low, high = logit_interval(np.array([0.0, 1.0, 0.5]), np.array([0.0, 0.0, 0.1]), df=10)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]


@pytest.mark.parametrize(("probability", "unbounded"), [(0.01, "conf_low"), (0.985, "conf_high")])
def test_outlying_quantile_is_not_bounded_by_too_few_people(probability: float, unbounded: str) -> None:
    sample = clustered_sample(2)
    x = sample.X[:, 1]
    found = weighted_quantile(x, probability=probability, design=sample.design(), domain=sample.domain())
    assert np.isfinite(found.estimate)
    assert np.isnan([getattr(found, unbounded), found.std_error]).all()
    assert np.isfinite([found.conf_low, found.conf_high]).sum() == 1


def test_highest_value_has_no_interval_instead_of_one_without_width() -> None:
    sample = clustered_sample(2)
    x = sample.X[:, 1]
    found = weighted_quantile(x, probability=0.9999, design=sample.design(), domain=sample.domain())
    assert found.estimate == x[sample.rows].max()
    assert np.isnan([found.conf_low, found.conf_high, found.std_error]).all()


# ---- influence values and statistics of weights alone


@given(seed=seeds)
def test_influence_values_are_derivatives_by_the_weights(seed: int) -> None:
    sample = clustered_sample(seed, people=8)
    design, rows = sample.design(), sample.rows
    x, place = sample.X[:, 1], {"design": design, "domain": domain_of(design, rows)}
    weights = np.where(rows, sample.weights, 0.0)
    person = int(np.flatnonzero(rows)[seed % rows.sum()])
    step = np.where(np.arange(rows.size) == person, 1e-4 * weights, 0.0)
    for influence, statistic in (
        (mean_influence(x, **place), lambda w: mean_of(x, w)),
        (total_influence(x, **place), lambda w: total_of(x, w)),
        (ratio_influence(sample.y, x + 10, **place), lambda w: ratio_of(sample.y, x + 10, w)),
    ):
        slope = (statistic(weights + step) - statistic(weights - step)) / 2e-4
        np.testing.assert_allclose(influence[person], slope, rtol=1e-5, atol=1e-9)
        assert not influence[~rows].any()


def test_taylor_error_of_a_ratio_is_near_the_jackknife() -> None:
    sample = clustered_sample(5, psus_in_stratum=(4,) * 8)
    x = sample.X[:, 1] + 10
    found = weighted_ratio(sample.y, x, design=sample.design(), domain=sample.domain())
    vcov = jackknife_vcov(sample, lambda s: np.array([ratio_of(s.y, x, np.where(s.rows, s.weights, 0.0))]))
    assert found.std_error == pytest.approx(math.sqrt(vcov[0, 0]), rel=0.02)


def test_values_of_people_without_weight_are_not_read() -> None:
    y, x, weights = np.array([1.0, np.nan, 3]), np.array([1.0, np.nan, 1]), np.array([1.0, 0, 3])
    assert (mean_of(y, weights), total_of(y, weights), ratio_of(y, x, weights)) == (2.5, 10, 2.5)
    assert quantile_of(y, weights, 0.5) == 3


# ---- properties


@given(seed=seeds)
@statistics
def test_scaling_the_weights_scales_totals_and_nothing_else(statistic: str, seed: int) -> None:
    sample = clustered_sample(seed, people=12)
    scaled = r_estimate(statistic, replace(sample, weights=sample.weights / 7))
    factor = 7 if statistic == "total" else 1
    found = factor * np.array([scaled.estimate, scaled.std_error, scaled.conf_low, scaled.conf_high])
    ours = r_estimate(statistic, sample)
    expected = (ours.estimate, ours.std_error, ours.conf_low, ours.conf_high)
    np.testing.assert_allclose(found, expected, rtol=SAME, atol=SAME)


@given(seed=seeds)
@statistics
def test_order_of_rows_changes_nothing(statistic: str, seed: int) -> None:
    sample = clustered_sample(seed, people=12)
    shuffled = sample.take(np.random.default_rng(seed).permutation(sample.y.size))
    np.testing.assert_allclose(
        astuple(r_estimate(statistic, shuffled)), astuple(r_estimate(statistic, sample)), rtol=SAME, atol=SAME
    )


@given(seed=seeds)
@statistics
def test_splitting_records_into_half_weights_changes_nothing_but_n(statistic: str, seed: int) -> None:
    sample = clustered_sample(seed, people=12)
    half = replace(sample, weights=sample.weights / 2)
    split = r_estimate(statistic, half.take(np.repeat(np.arange(sample.y.size), 2)))
    ours = r_estimate(statistic, sample)
    assert split.n == 2 * ours.n
    np.testing.assert_allclose(astuple(replace(split, n=0)), astuple(replace(ours, n=0)), rtol=SAME, atol=SAME)


@given(seed=seeds)
@statistics
def test_outside_the_domain_equals_weight_zero(statistic: str, seed: int) -> None:
    sample = clustered_sample(seed, people=12)
    unweighted = replace(
        sample, weights=np.where(sample.rows, sample.weights, 0.0), rows=np.ones(sample.rows.size, dtype=bool)
    )
    np.testing.assert_allclose(
        astuple(r_estimate(statistic, unweighted)), astuple(r_estimate(statistic, sample)), rtol=SAME, atol=SAME
    )


@given(seed=seeds)
def test_whole_is_the_weighted_sum_of_its_parts(seed: int) -> None:
    sample = clustered_sample(seed, people=12)
    design, group = sample.design(), sample.X[:, 2] == 1
    place = {"design": design, "domain": sample.domain()}
    sizes = [weighted_mean(part.astype(float), **place).estimate for part in (group, ~group)]
    parts = domain_means(
        sample.X[:, 1],
        design=sample.design(lonely_domain="keep"),
        domains={name: domain_of(sample.design(lonely_domain="keep"), sample.rows & part)
                 for name, part in (("in", group), ("out", ~group))},
    )  # fmt: skip
    whole = weighted_mean(sample.X[:, 1], **place)
    assert parts.contrast(dict(zip(parts.terms, sizes, strict=True))).estimate == pytest.approx(
        whole.estimate, rel=SAME
    )


def test_difference_of_overlapping_domains_uses_their_covariance() -> None:
    sample = clustered_sample(6)
    design = sample.design()
    everybody, part = domain_of(design, np.ones(sample.y.size, dtype=bool)), sample.domain()
    found = domain_means(sample.y, design=design, domains={"all": everybody, "part": part})
    influence = [mean_influence(sample.y, design=design, domain=domain) for domain in (everybody, part)]
    variance = taylor_vcov((influence[0] - influence[1])[:, None], design)[0, 0]
    assert found.contrast({"all": 1, "part": -1}).std_error == pytest.approx(math.sqrt(variance), rel=SAME)


def test_a_mean_less_itself_is_zero_without_error() -> None:
    sample = clustered_sample(6)
    found = domain_means(sample.y, design=sample.design(), domains={"a": sample.domain(), "b": sample.domain()})
    difference = found.contrast({"a": 1, "b": -1})
    assert difference.estimate == 0
    assert difference.std_error == pytest.approx(0, abs=1e-9)


@statistics
def test_wider_level_gives_a_wider_interval(statistic: str) -> None:
    sample = clustered_sample(9)
    place = {"design": sample.design(), "domain": sample.domain()}
    x = sample.X[:, 1]
    functions: dict[str, Callable[[float], Estimate]] = {
        "mean": lambda level: weighted_mean(x, conf_level=level, **place),
        "total": lambda level: weighted_total(x, conf_level=level, **place),
        "ratio": lambda level: weighted_ratio(sample.y, x + 10, conf_level=level, **place),
        "proportion": lambda level: weighted_proportion(sample.y, conf_level=level, **place),
        "quantile": lambda level: weighted_quantile(x, probability=0.5, conf_level=level, **place),
    }
    narrow, wide = functions[statistic](0.8), functions[statistic](0.99)
    assert wide.conf_low < narrow.conf_low < narrow.conf_high < wide.conf_high


# ---- refusals


def hand(function: Callable[..., Estimate], *columns: Array, **options: float) -> Estimate:
    return function(*columns, design=HAND_DESIGN, domain=EVERYBODY, **options)


@pytest.mark.parametrize("probability", [0.0, 1.0, 50.0])
def test_a_probability_outside_zero_to_one_is_refused(probability: float) -> None:
    with pytest.raises(DesignError, match="expected a number between 0 and 1"):
        hand(weighted_quantile, HAND_VALUES, probability=probability)


def test_a_ratio_to_a_total_of_zero_is_refused() -> None:
    with pytest.raises(DesignError, match="total of x in the domain is 0"):
        hand(weighted_ratio, HAND_VALUES, np.zeros(6))


def test_a_proportion_of_a_number_is_refused() -> None:
    with pytest.raises(DesignError, match="other values than 0 and 1"):
        hand(weighted_proportion, HAND_VALUES)


def test_a_proportion_that_does_not_vary_is_refused() -> None:
    with pytest.raises(DesignError, match="y is the same for all of fewer than 10 people"):
        hand(weighted_proportion, np.ones(6))


@pytest.mark.parametrize(("coefficients", "got"), [({"men": 1.0, "x": 1.0}, "x"), ({}, "nothing")])
def test_a_contrast_of_unknown_domains_is_refused(coefficients: dict[str, float], got: str) -> None:
    means = domain_means(HAND_VALUES, design=HAND_DESIGN, domains={"men": EVERYBODY})
    with pytest.raises(DesignError, match=f"contrast of {got}: expected some of men"):
        means.contrast(coefficients)


def test_means_of_no_domain_are_refused() -> None:
    with pytest.raises(DesignError, match="no domain was named"):
        domain_means(HAND_VALUES, design=HAND_DESIGN, domains={})
