from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of, taylor_vcov
from analysis.stats.sample.replicates import (
    CHUNK,
    ReplicateEstimate,
    Replicates,
    balanced,
    bootstrap,
    jackknife,
    jackknife_unstratified,
    provided,
    replicate_df,
    replicate_statistic,
    replicate_vcov,
)
from tests.arrays import HAND_DESIGN, HAND_VALUES, Sample, clustered_sample, r_sample, reference_table

R_RTOL = 1e-8
"""Both sides solve the same equations; R's replicates are fitted to a deviance settled to 1e-13."""

ROUNDING = 1e-12
"""Numbers that are the same but for the order of a few operations."""

FAY_RHO = 0.3
KINDS = ("jkn", "jk1", "brr", "fay", "bootstrap", "provided_jk1", "provided_other")
DOMAINS = ("full", "part", "part_less_psu")
"""Designs of replicates_reference.R, and its domains, which are studies of design_reference.R."""

seeds = st.integers(0, 9999)
every_kind = pytest.mark.parametrize("kind", KINDS)
every_domain = pytest.mark.parametrize("domain", DOMAINS)


# ---- agreement with R


def of_r(name: str, kind: str, **chosen: str) -> pd.DataFrame:
    """R's rows of one replicate design, and of one domain or centre."""
    table = reference_table(f"replicates/{name}")
    for column, value in {"kind": kind, **chosen}.items():
        table = table[table[column] == value]
    return table


def r_people(kind: str, domain: str) -> Sample:
    """The sample that R made these replicates of."""
    sample = r_sample(domain)
    if kind in ("brr", "fay"):
        return sample.take(np.flatnonzero(sample.psu <= 2))
    if kind.endswith("jk1"):
        return replace(sample, strata=np.ones(sample.y.size, dtype=int), psu=10 * sample.strata + sample.psu)
    return sample


def scaled_to_groups(weights: Array, full: Array) -> Array:
    """Replicate weights that keep what each group, in_part or not, weighs in the full sample."""
    group = reference_table("design_input")["in_part"].to_numpy()
    weights = weights.copy()
    for level in (0, 1):
        rows = group == level
        weights[rows] *= full[rows].sum() / weights[rows].sum(axis=0)
    return weights


@cache
def replicates_as_r(kind: str) -> tuple[SurveyDesign, Replicates]:
    """Our replicates of one of R's designs; of the bootstrap, R's draws."""
    design = r_people(kind, "full").design()
    if kind == "bootstrap":
        draws = of_r("factors", kind).pivot_table(index="psu", columns="replicate", values="factor")
        return design, replace(bootstrap(design, replicates=draws.shape[1], seed=1), factors=draws.to_numpy())
    if kind == "provided_jk1":
        made = jackknife_unstratified(design)
        return design, provided(scaled_to_groups(made.weights(design), design.weights), design=design, scale=made.scale)
    if kind == "provided_other":
        made = jackknife(design)
        weights = scaled_to_groups(made.weights(design), design.weights)
        rscales = np.linspace(0.5, 1.5, made.size) * np.append(0, made.rscales[1:])
        return design, provided(weights, design=design, scale=0.8, rscales=rscales)
    made = {"jkn": jackknife, "jk1": jackknife_unstratified, "brr": balanced}
    return design, balanced(design, fay=FAY_RHO) if kind == "fay" else made[kind](design)


@pytest.mark.reference
@every_kind
def test_scale_rscales_and_df_match_r_survey(kind: str) -> None:
    _, replicates = replicates_as_r(kind)
    theirs = of_r("designs", kind, domain="full").iloc[0]
    assert (replicates.size, replicates.df) == tuple(theirs[["replicates", "df"]])
    np.testing.assert_allclose(replicates.scale, theirs["scale"], rtol=ROUNDING)
    np.testing.assert_allclose(replicates.rscales, of_r("rscales", kind)["rscale"], rtol=ROUNDING)


@pytest.mark.reference
@every_kind
@every_domain
def test_degrees_of_freedom_of_a_domain_match_r_survey(kind: str, domain: str) -> None:
    design, replicates = replicates_as_r(kind)
    df = replicate_df(replicates, design, rows=r_people(kind, domain).rows)
    assert df == of_r("designs", kind, domain=domain)["df"].item()


@pytest.mark.reference
@pytest.mark.parametrize("kind", ["brr", "fay"])
def test_balanced_factors_match_r_survey(kind: str) -> None:
    _, replicates = replicates_as_r(kind)
    theirs = of_r("factors", kind).pivot_table(index="psu", columns="replicate", values="factor")
    np.testing.assert_allclose(replicates.factors, theirs, rtol=ROUNDING)


@pytest.mark.reference
@every_kind
@every_domain
@pytest.mark.parametrize("centre", ["mean", "estimate"])
def test_means_totals_and_a_ratio_match_r_survey(kind: str, domain: str, centre: Any) -> None:
    design, replicates = replicates_as_r(kind)
    sample = r_people(kind, domain)
    values = np.column_stack([sample.y, sample.X[:, -1]]) * sample.rows[:, None]

    def means_totals_ratio(weights: Array) -> Array:
        total = weights @ values
        return np.concatenate([total / weights[sample.rows].sum(), total, total[:1] / total[1:]])

    found = replicate_statistic(means_totals_ratio, replicates, design, centre=centre)
    theirs = of_r("statistics", kind, domain=domain, centre=centre)
    assert theirs["statistic"].tolist() == ["mean", "mean", "total", "total", "ratio"]
    np.testing.assert_allclose(found.estimate, theirs["estimate"], rtol=R_RTOL)
    np.testing.assert_allclose(found.std_error, theirs["std_error"], rtol=R_RTOL)


def refits(kind: str, domain: str) -> tuple[Array, Array]:
    """Coefficients of the full sample and their replicate covariance, by the fit that takes these replicates."""
    design, replicates = replicates_as_r(kind)
    sample = r_people(kind, domain)
    if replicates.unit == "psu":
        inside, fit = sample.domain(lonely_domain="keep"), sample.fit(lonely_domain="keep")
        parts = {"design": design, "domain": inside, "fit": fit, "factors": replicates.factors}
        found = refit_logistic(sample.columns, sample.outcome, **parts)
        assert found.failed == 0
        return fit.beta, replicate_vcov(found.beta, replicates)

    def coefficients(weights: Array) -> Array:
        return replace(sample, weights=weights).fit(lonely_domain="keep").beta

    estimated = replicate_statistic(coefficients, replicates, design)
    assert estimated.failed == 0
    return estimated.estimate, estimated.vcov


@pytest.mark.reference
@every_kind
@every_domain
def test_covariance_of_a_regression_matches_r_survey(kind: str, domain: str) -> None:
    beta, vcov = refits(kind, domain)
    fits, theirs = of_r("fits", kind, domain=domain), of_r("vcov", kind, domain=domain)
    np.testing.assert_allclose(beta, fits["estimate"], rtol=R_RTOL)
    design, replicates = replicates_as_r(kind)
    df = replicate_df(replicates, design, rows=r_people(kind, domain).rows)
    assert df + 1 - beta.size == fits["df"].iloc[0]
    position = {term: number for number, term in enumerate(fits["term"])}
    row, column = theirs["row"].map(position), theirs["col"].map(position)
    std_error = fits["std_error"].to_numpy()
    difference = (vcov[row, column] - theirs["value"]) / (std_error[row] * std_error[column])
    assert len(theirs) == 15
    assert np.max(np.abs(difference)) < R_RTOL


@pytest.mark.reference
def test_r_draws_its_bootstrap_from_what_we_draw_from() -> None:
    design, replicates = replicates_as_r("bootstrap")
    n_h = np.bincount(design.psu_stratum)[design.psu_stratum]
    draws = replicates.factors * ((n_h - 1) / n_h)[:, None]
    np.testing.assert_allclose(draws, np.round(draws), atol=ROUNDING)
    of_stratum = pd.DataFrame(draws).groupby(design.psu_stratum).sum()
    np.testing.assert_allclose(of_stratum, (np.bincount(design.psu_stratum) - 1)[:, None] * np.ones(replicates.size))


# ---- agreement with calculations by hand


@pytest.mark.reference
def test_jackknife_factors_by_hand() -> None:
    replicates = jackknife(HAND_DESIGN)
    np.testing.assert_array_equal(replicates.factors, [[0, 2, 1, 1], [2, 0, 1, 1], [1, 1, 0, 2], [1, 1, 2, 0]])
    np.testing.assert_array_equal(replicates.rscales, [1 / 2] * 4)
    assert (replicates.scale, replicates.df) == (1.0, 2)


@pytest.mark.reference
def test_balanced_factors_by_hand() -> None:
    replicates = balanced(HAND_DESIGN)
    np.testing.assert_array_equal(replicates.factors, [[2, 0, 2, 0], [0, 2, 0, 2], [2, 2, 0, 0], [0, 0, 2, 2]])
    assert (replicates.kind, replicates.scale, replicates.df) == ("BRR", 1 / 4, 2)


@pytest.mark.reference
def test_fays_factors_by_hand() -> None:
    replicates = balanced(HAND_DESIGN, fay=0.5)
    np.testing.assert_array_equal(replicates.factors[0], [1.5, 0.5, 1.5, 0.5])
    assert (replicates.kind, replicates.scale, replicates.df) == ("Fay", 1 / (4 * (1 / 2) ** 2), 2)


@pytest.mark.reference
def test_unstratified_jackknife_factors_by_hand() -> None:
    one_stratum = SurveyDesign(strata=np.ones(3), psu=np.arange(3), weights=np.ones(3))
    replicates = jackknife_unstratified(one_stratum)
    np.testing.assert_array_equal(replicates.factors, [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]])
    assert (replicates.kind, replicates.scale, replicates.df) == ("JK1", 2 / 3, 2)
    np.testing.assert_array_equal(replicates.rscales, [1, 1, 1])


@pytest.mark.reference
def test_jackknife_of_a_mean_by_hand() -> None:
    # HAND_DESIGN's PSUs have weights 4, 2, 4, 2 and weighted values 14, 12, 4, 8; a dropped one doubles its partner.
    found = replicate_statistic(mean_of(HAND_VALUES), jackknife(HAND_DESIGN), HAND_DESIGN, centre="estimate")
    full = 38 / 12
    without = np.array([(24 + 12) / (4 + 6), (28 + 12) / (8 + 6), (26 + 16) / (6 + 4), (26 + 8) / (6 + 8)])
    np.testing.assert_allclose(found.estimate, [full], rtol=ROUNDING)
    np.testing.assert_allclose(found.replicates[:, 0], without, rtol=ROUNDING)
    np.testing.assert_allclose(found.vcov, [[np.sum((without - full) ** 2) / 2]], rtol=ROUNDING)
    assert (found.df, found.failed) == (2, 0)


@pytest.mark.reference
def test_jackknife_of_the_mean_of_a_simple_sample_is_its_standard_error() -> None:
    y = np.array([2.0, 3.0, 7.0, 8.0])
    design = SurveyDesign(strata=np.ones(4), psu=np.arange(4), weights=np.full(4, 25.0))
    found = replicate_statistic(mean_of(y), jackknife_unstratified(design), design)
    np.testing.assert_allclose(found.std_error, [np.std(y, ddof=1) / np.sqrt(4)], rtol=ROUNDING)


# ---- properties


def mean_of(values: Array) -> Callable[[Array], Array]:
    """The weighted mean as a statistic."""
    return lambda weights: np.array([weights @ values / weights.sum()])


def total_of(sample: Sample) -> Callable[[Array], Array]:
    """The weighted total of the outcome in the domain, as a statistic."""
    return lambda weights: np.array([weights[sample.rows] @ sample.y[sample.rows]])


def assert_variance_of_a_total_is_taylors(sample: Sample, make: Callable[[SurveyDesign], Replicates]) -> None:
    design = sample.design()
    found = replicate_statistic(total_of(sample), make(design), design, centre="estimate")
    influence = np.where(sample.rows, sample.weights * sample.y, 0.0)[:, None]
    np.testing.assert_allclose(found.vcov, taylor_vcov(influence, design), rtol=1e-9)
    np.testing.assert_allclose(found.replicates.mean(axis=0), found.estimate, rtol=1e-9)


@given(seeds)
def test_jackknife_variance_of_a_total_is_taylors(seed: int) -> None:
    assert_variance_of_a_total_is_taylors(clustered_sample(seed), jackknife)


@given(seeds)
def test_unstratified_jackknife_variance_of_a_total_is_taylors(seed: int) -> None:
    assert_variance_of_a_total_is_taylors(clustered_sample(seed, psus_in_stratum=(7,)), jackknife_unstratified)


@given(seeds, st.integers(1, 9), st.sampled_from([0.0, 0.3, 0.9]))
def test_balanced_variance_of_a_total_is_taylors(seed: int, n_strata: int, fay: float) -> None:
    sample = clustered_sample(seed, psus_in_stratum=(2,) * n_strata)
    assert_variance_of_a_total_is_taylors(sample, lambda design: balanced(design, fay=fay))


def test_forty_three_strata_take_sixty_four_balanced_replicates() -> None:
    design = clustered_sample(1, psus_in_stratum=(2,) * 43, people=2).design()
    replicates = balanced(design)
    assert (replicates.size, replicates.df) == (64, 43)
    assert set(np.unique(replicates.factors)) == {0.0, 2.0}


def test_bootstrap_variance_of_a_total_is_taylors_on_average() -> None:
    sample = clustered_sample(3)
    design = sample.design()
    found = replicate_statistic(total_of(sample), bootstrap(design, replicates=20_000, seed=1), design)
    influence = np.where(sample.rows, sample.weights * sample.y, 0.0)[:, None]
    ratio = found.vcov / taylor_vcov(influence, design)
    assert ratio.item() == pytest.approx(1, abs=0.04)  # four Monte Carlo errors of a variance from 20,000 draws


@given(seeds)
def test_bootstrap_factors_average_one_and_keep_every_stratums_size(seed: int) -> None:
    design = clustered_sample(2).design()
    replicates = bootstrap(design, replicates=50, seed=seed)
    n_h = np.bincount(design.psu_stratum)
    for stratum, size in enumerate(n_h):
        np.testing.assert_allclose(replicates.factors[design.psu_stratum == stratum].sum(axis=0), size)


def test_the_same_seed_gives_the_same_bootstrap_and_another_another() -> None:
    design = clustered_sample(2).design()
    first, again, other = (bootstrap(design, replicates=9, seed=seed).factors for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_replicates_that_failed_are_left_out_and_the_others_count_for_them() -> None:
    replicates = jackknife(clustered_sample(2).design())
    estimates = np.tile([[1.0], [-1.0]], (replicates.rscales.size, 1))[: replicates.rscales.size]
    whole = replicate_vcov(estimates, replicates, centre=np.zeros(1))
    estimates[0] = np.nan
    np.testing.assert_allclose(replicate_vcov(estimates, replicates, centre=np.zeros(1)), whole)


@pytest.mark.parametrize("make", [jackknife, lambda design: bootstrap(design, replicates=10, seed=1)])
def test_a_stratum_of_one_psu_cannot_be_replicated(make: Callable[[SurveyDesign], Replicates]) -> None:
    lonely = SurveyDesign(strata=np.array([1, 1, 2]), psu=np.array([1, 2, 1]), weights=np.ones(3), lonely_psu="adjust")
    with pytest.raises(DesignError, match=r"strata \[2\] have one PSU each"):
        make(lonely)


def test_a_bootstrap_of_one_replicate_is_refused() -> None:
    with pytest.raises(DesignError, match="1 replicates: expected at least 2"):
        bootstrap(HAND_DESIGN, replicates=1, seed=1)


def test_estimates_of_another_number_of_replicates_are_refused() -> None:
    with pytest.raises(DesignError, match=r"estimates \(3, 1\): expected \(4, p\)"):
        replicate_vcov(np.ones((3, 1)), jackknife(HAND_DESIGN))


def test_a_covariance_needs_two_replicates_that_did_not_fail() -> None:
    with pytest.raises(DesignError, match="1 of 4 replicates have an estimate"):
        replicate_vcov(np.array([[1.0], [np.nan], [np.nan], [np.nan]]), jackknife(HAND_DESIGN))


# ---- weights of the provider


@given(seeds)
def test_provided_weights_come_back_as_they_were(seed: int) -> None:
    sample = clustered_sample(seed)
    design = sample.design()
    weights = np.random.default_rng(seed).uniform(0, 9, size=(sample.y.size, 3))
    np.testing.assert_allclose(provided(weights, design=design, scale=1.0).weights(design), weights, rtol=ROUNDING)


def test_a_providers_degrees_of_freedom_are_kept() -> None:
    assert provided(np.ones((6, 2)), design=HAND_DESIGN, scale=1.0, df=44).df == 44


def test_replicates_of_psus_multiply_the_rows_of_each_psu() -> None:
    replicates = jackknife(HAND_DESIGN)
    np.testing.assert_array_equal(replicates.weights(HAND_DESIGN)[:, 0], [0, 0, 4, 4, 1, 1])
    np.testing.assert_array_equal(replicates.row_factors(HAND_DESIGN)[:, 2], [1, 1, 1, 0, 2, 2])


def weights_with(value: float) -> Array:
    weights = np.ones((6, 3))
    weights[2, 1] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((5, 3)), r"replicate weights \(5, 3\): expected \(6, B\), a row per sampled row"),
        (np.ones(6), r"replicate weights \(6,\): expected \(6, B\)"),
        (np.ones((6, 1)), r"replicate weights \(6, 1\).*B at least 2"),
        (weights_with(np.nan), "fewer than 10 replicate weights are missing or infinite"),
        (weights_with(np.inf), "fewer than 10 replicate weights are missing or infinite"),
        (weights_with(-0.5), "fewer than 10 replicate weights are negative: expected >= 0"),
        (np.ones((6, 3)) * [1, 0, 0], r"replicates \[1, 2\] \(from 0\) have no positive weight"),
    ],
    ids=["rows", "vector", "one", "missing", "infinite", "negative", "empty"],
)
def test_provided_weights_that_make_no_sense_are_refused(weights: Array, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        provided(weights, design=HAND_DESIGN, scale=1.0)


def test_weight_in_a_replicate_alone_is_refused() -> None:
    design = replace(HAND_DESIGN, weights=np.array([0.0, 3, 2, 4, 1, 1]))
    with pytest.raises(DesignError, match="fewer than 10 rows have weight in a replicate and none in the full sample"):
        provided(np.ones((6, 3)), design=design, scale=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 0.0}, "scale 0: expected a positive number"),
        ({"scale": -1.0}, "scale -1: expected a positive number"),
        ({"scale": np.nan}, "scale nan: expected a positive number"),
        ({"rscales": np.ones(4)}, r"rscales \(4,\): expected \(3,\), one per replicate"),
        ({"rscales": np.array([1, 1, -1])}, "rscales are negative, missing or all zero"),
        ({"rscales": np.array([1, 1, np.nan])}, "rscales are negative, missing or all zero"),
        ({"rscales": np.zeros(3)}, "rscales are negative, missing or all zero"),
    ],
)
def test_scales_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        provided(np.ones((6, 3)), design=HAND_DESIGN, **{"scale": 1.0, **changes})


@pytest.mark.parametrize("fay", [-0.1, 1.0, np.nan])
def test_fays_share_lies_between_zero_and_one(fay: float) -> None:
    with pytest.raises(DesignError, match=r"fay=\S+: expected at least 0 and less than 1"):
        balanced(HAND_DESIGN, fay=fay)


def test_balanced_replicates_need_two_psus_in_every_stratum() -> None:
    design = clustered_sample(1, psus_in_stratum=(2, 3, 2, 4)).design()
    with pytest.raises(DesignError, match=r"PSUs by stratum \{2: 3, 4: 4\}: expected two in every stratum"):
        balanced(design)


def test_an_unstratified_jackknife_of_strata_is_refused() -> None:
    with pytest.raises(DesignError, match=r"2 strata: expected one.*jackknife\(design\)"):
        jackknife_unstratified(HAND_DESIGN)


@pytest.mark.parametrize(
    ("replicates", "message"),
    [
        (jackknife(clustered_sample(1).design()), "replicates of 14 psus: expected 4, as the design"),
        (
            provided(np.ones((350, 2)), design=clustered_sample(1).design(), scale=1.0),
            "replicates of 350 rows: expected 6, as the design",
        ),
    ],
    ids=["psu", "row"],
)
def test_replicates_of_another_design_are_refused(replicates: Replicates, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        replicates.weights(HAND_DESIGN)


# ---- statistics


def failing_without(rows: Array, *, how: str) -> Callable[[Array], Array]:
    """A mean that does not exist unless some of these rows have weight."""

    def mean(weights: Array) -> Array:
        if not np.any(weights[rows]):
            if how == "raises":
                raise AnalysisError("nobody left")
            return np.array([np.nan])
        return mean_of(HAND_VALUES)(weights)

    return mean


@pytest.mark.parametrize(("how", "reason"), [("raises", "nobody left"), ("gives_nan", "the statistic is NaN")])
def test_a_replicate_without_an_estimate_is_counted_with_its_reason(how: str, reason: str) -> None:
    found = replicate_statistic(failing_without(np.array([2]), how=how), jackknife(HAND_DESIGN), HAND_DESIGN)
    assert found.failed == 1
    assert [reason in text for text in found.reasons] == [False, True, False, False]
    np.testing.assert_array_equal(np.isnan(found.replicates[:, 0]), [False, True, False, False])
    np.testing.assert_allclose(found.vcov, replicate_vcov(found.replicates, jackknife(HAND_DESIGN)))


def test_a_statistic_that_fails_in_all_replicates_is_refused_with_a_reason() -> None:
    def full_sample_only(weights: Array) -> Array:
        if not np.array_equal(weights, HAND_DESIGN.weights):
            raise AnalysisError("not these weights")
        return np.ones(1)

    with pytest.raises(DesignError, match="0 of 4 replicates have an estimate.*because: not these weights"):
        replicate_statistic(full_sample_only, jackknife(HAND_DESIGN), HAND_DESIGN)


def test_other_errors_of_a_statistic_are_not_caught() -> None:
    def broken(weights: Array) -> Array:
        return np.ones(1) if np.array_equal(weights, HAND_DESIGN.weights) else np.ones(1 // 0)

    with pytest.raises(ZeroDivisionError):
        replicate_statistic(broken, jackknife(HAND_DESIGN), HAND_DESIGN)


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (lambda weights: np.array([np.nan]), r"statistic of the full sample is \[nan\]"),
        (lambda weights: np.ones((2, 2)), r"a statistic of shape \(2, 2\): expected \(p,\)"),
        (lambda weights: weights[weights > 0], r"a replicate's statistic has shape \(4,\): expected \(6,\)"),
    ],
    ids=["missing", "matrix", "changing"],
)
def test_statistics_that_make_no_sense_are_refused(statistic: Callable[[Array], Array], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        replicate_statistic(statistic, jackknife(HAND_DESIGN), HAND_DESIGN)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"centre": "median"}, "centre='median': expected one of mean, estimate"),
        ({"jobs": 0}, "jobs=0: expected 1 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        replicate_statistic(mean_of(HAND_VALUES), jackknife(HAND_DESIGN), HAND_DESIGN, **options)


def estimated(jobs: int = 1) -> ReplicateEstimate:
    sample = clustered_sample(1)
    design = sample.design()
    replicates = bootstrap(design, replicates=2 * CHUNK + 3, seed=1)
    return replicate_statistic(total_of(sample), replicates, design, jobs=jobs)


def test_processes_change_nothing() -> None:
    alone, together = estimated(), estimated(jobs=2)
    np.testing.assert_array_equal(alone.replicates, together.replicates)
    np.testing.assert_array_equal(alone.vcov, together.vcov)


def test_a_statistic_of_one_number_may_be_that_number() -> None:
    found = replicate_statistic(lambda weights: weights @ HAND_VALUES, jackknife(HAND_DESIGN), HAND_DESIGN)
    np.testing.assert_array_equal(found.estimate, [38.0])


def test_the_frame_of_an_estimate_has_t_intervals() -> None:
    found = replicate_statistic(mean_of(HAND_VALUES), jackknife(HAND_DESIGN), HAND_DESIGN)
    row = found.to_frame(terms=("mean",)).iloc[0]
    t_of_two_df = 4.302652729911275
    np.testing.assert_allclose(row["conf_high"] - row["estimate"], t_of_two_df * row["std_error"], rtol=1e-10)
    np.testing.assert_allclose(row["estimate"] - row["conf_low"], t_of_two_df * row["std_error"], rtol=1e-10)
    assert row["df"] == 2


def test_degrees_of_freedom_are_those_of_the_rows_that_the_statistic_reads() -> None:
    rows = np.array([True, True, True, False, False, False])
    found = replicate_statistic(mean_of(HAND_VALUES), jackknife(HAND_DESIGN), HAND_DESIGN, rows=rows)
    assert found.df == domain_of(HAND_DESIGN, rows).df == 1


def test_an_interval_needs_a_degree_of_freedom() -> None:
    rows = np.arange(6) < 1
    found = replicate_statistic(mean_of(HAND_VALUES), jackknife(HAND_DESIGN), HAND_DESIGN, rows=rows)
    with pytest.raises(DesignError, match="0 degrees of freedom"):
        found.to_frame(terms=("mean",))
