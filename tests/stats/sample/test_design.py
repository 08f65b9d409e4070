from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.disclosure import count_of
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import DesignError, LonelyPsu, SurveyDesign, domain_of, taylor_vcov
from tests.arrays import (
    HAND_DESIGN,
    R_TERMS,
    Sample,
    clustered_sample,
    jackknife_vcov,
    of_study,
    r_sample,
    reference_table,
)

R_RTOL = 1e-8
"""Both sides add up the same influence values; coefficients are settled to 1e-11 on both."""

LONELY_STRATA = {"one": [1], "two": [1, 5]}
"""Strata that lonely_reference.R cuts to one PSU."""

seeds = st.integers(0, 9999)
lonely_studies = pytest.mark.parametrize("study_id", reference_table("lonely/means")["study_id"].unique())


@pytest.mark.reference
def test_a_domain_with_one_psu_of_a_stratum_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("part_lone_psu")
    with pytest.raises(DesignError, match=r'strata \[1\] have people of the domain in one PSU only.*"keep"'):
        sample.fit()
    assert sample.fit(lonely_domain="keep").n_psu == 15


@pytest.mark.reference
def test_a_stratum_of_one_psu_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("lonely_psu")
    with pytest.raises(
        DesignError, match=r'strata \[1\] have one PSU each: expected at least two.*"adjust", "average" or "certainty"'
    ):
        sample.design()
    assert sample.fit(lonely_psu="adjust").n_strata == 6


def lonely_sample(study_id: str) -> tuple[Sample, dict[str, Any]]:
    """One study of lonely_reference.R: its sample with its domain, and its policies."""
    cut, domain, policy = study_id.split("-")
    people, lonely = reference_table("design_input"), LONELY_STRATA[cut]
    people = people[~(people["strata"].isin(lonely) & (people["psu"] == 2))]
    flag = people["in_part_less_stratum" if domain == "less_stratum" else "in_part"] == 1
    rows = flag & ~people["strata"].isin([1, 5]) if domain == "not_lonely" else flag
    spline = RestrictedCubicSpline(of_study("lonely/knots", study_id)["knot"].to_numpy())
    sample = Sample(
        strata=people["strata"].to_numpy(),
        psu=people["psu"].to_numpy(),
        weights=people["w"].to_numpy(),
        X=np.column_stack([np.ones(len(people)), spline.basis(people["x"].to_numpy()), people["z"]]),
        y=people["y"].to_numpy(dtype=float),
        rows=rows.to_numpy(),
        terms=R_TERMS,
    )
    return sample, {"lonely_psu": policy, "lonely_domain": "keep"}


@pytest.mark.reference
@lonely_studies
def test_regression_with_lonely_psus_matches_r_survey(study_id: str) -> None:
    sample, policies = lonely_sample(study_id)
    fit, fits, theirs = sample.fit(**policies), of_study("lonely/fits", study_id), of_study("lonely/vcov", study_id)
    np.testing.assert_allclose(fit.beta, fits["estimate"], rtol=R_RTOL)
    assert fit.residual_df == fits["df"].iloc[0]
    std_error = fits["std_error"].to_numpy()
    row, column = (theirs[side].map({term: i for i, term in enumerate(R_TERMS)}) for side in ("row", "col"))
    difference = (fit.vcov[row, column] - theirs["value"]) / (std_error[row] * std_error[column])
    assert len(theirs) == 15
    assert np.max(np.abs(difference)) < R_RTOL


@pytest.mark.reference
@lonely_studies
def test_means_with_lonely_psus_match_r_survey(study_id: str) -> None:
    sample, policies = lonely_sample(study_id)
    design, domain = sample.design(**policies), sample.domain(**policies)
    theirs = of_study("lonely/means", study_id).set_index(["statistic", "variable"])
    for variable, values in (("y", sample.y), ("z", sample.X[:, -1])):
        ours, expected = weighted_mean(values, design=design, domain=domain), theirs.loc[("mean", variable)]
        np.testing.assert_allclose(ours.estimate, expected["estimate"], rtol=R_RTOL)
        np.testing.assert_allclose(ours.std_error, expected["std_error"], rtol=R_RTOL)


@pytest.mark.reference
@lonely_studies
def test_totals_with_lonely_psus_match_r_survey(study_id: str) -> None:
    sample, policies = lonely_sample(study_id)
    values = np.column_stack([sample.y, sample.X[:, -1]]) * (sample.weights * sample.rows)[:, None]
    std_error = np.sqrt(np.diag(taylor_vcov(values, sample.design(**policies))))
    theirs = of_study("lonely/means", study_id).query("statistic == 'total'")
    np.testing.assert_allclose(std_error, theirs["std_error"], rtol=R_RTOL)


OF_THREE = 3 / 2 * ((3 - 6) ** 2 + (5 - 6) ** 2 + (10 - 6) ** 2)
OF_TWO = 2 / 1 * ((1 - 2) ** 2 + (3 - 2) ** 2)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("policy", "variance"),
    [
        ("certainty", OF_THREE + OF_TWO),
        ("adjust", OF_THREE + OF_TWO + (7 - (3 + 5 + 10 + 7 + 1 + 3) / 6) ** 2),
        ("average", (OF_THREE + OF_TWO) * 3 / 2),
    ],
)
def test_a_lonely_psu_by_hand(policy: LonelyPsu, variance: float) -> None:
    strata, psu = np.array([1, 1, 1, 2, 3, 3]), np.array([1, 2, 3, 1, 1, 2])
    design = SurveyDesign(strata=strata, psu=psu, weights=np.ones(6), lonely_psu=policy)
    totals = np.array([[3.0], [5.0], [10.0], [7.0], [1.0], [3.0]])
    np.testing.assert_allclose(taylor_vcov(totals, design), [[variance]], rtol=1e-14)


@pytest.mark.reference
@pytest.mark.parametrize(("policy", "variance"), [("certainty", 126_625.0), ("adjust", 127_579.8)])
def test_the_variance_of_a_total_is_what_the_tests_of_survey_4_5_expect(policy: LonelyPsu, variance: float) -> None:
    """Its tests/lonely.psu.R, to the digits printed there."""
    weights, ages = np.array([10.5, 10.5, 20, 20, 15]), np.array([30.5, 40.5, 35, 52, 44])
    design = SurveyDesign(np.array([1, 1, 2, 2, 3]), np.arange(1, 6), weights, lonely_psu=policy)
    np.testing.assert_allclose(taylor_vcov((weights * ages)[:, None], design), [[variance]], atol=0.05)


def test_a_lonely_stratum_without_people_of_the_domain_adds_nothing_when_adjusted() -> None:
    strata, psu = np.array([1, 1, 2, 3, 3]), np.array([1, 2, 1, 1, 2])
    totals = np.array([[3.0], [5.0], [0.0], [0.0], [0.0]])
    design = SurveyDesign(strata, psu, np.ones(5), lonely_psu="adjust")
    np.testing.assert_allclose(taylor_vcov(totals, design), [[2 / 1 * (1 + 1)]], rtol=1e-14)


@pytest.mark.parametrize("name", ["strata", "psu"])
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([1, "1", 2, 2], r"are of mixed or unknown kinds \(numbers, words\)"),
        (np.array([1, "a", 2, 2], dtype=object), r"are of mixed or unknown kinds \(numbers, words\)"),
        ([1, (2,), 2, 2], r"are of mixed or unknown kinds \(numbers, other\)"),
        ([1, None, 2, 2], "fewer than 10 rows have no stratum or PSU"),
        (["a", None, "b", np.nan], "fewer than 10 rows have no stratum or PSU"),
        (np.array([1, pd.NA, 2, "b"], dtype=object), "fewer than 10 rows have no stratum or PSU"),
    ],
    ids=["list", "objects", "a_tuple", "none", "words_and_none", "mixed_and_missing"],
)
def test_strata_and_psus_of_mixed_kinds_are_refused(name: str, codes: Any, message: str) -> None:
    arrays = {"strata": np.array([1, 1, 2, 2]), "psu": np.array([1, 2, 1, 2]), "weights": np.ones(4)}
    with pytest.raises(DesignError, match=message):
        SurveyDesign(**arrays | {name: codes})


def test_words_for_strata_give_the_design_that_numbers_give() -> None:
    words = SurveyDesign(["a", "a", "b", "b"], np.array([1, 2, 1, 2]), np.ones(4))
    np.testing.assert_array_equal(words.psu_stratum, [0, 0, 1, 1])


def test_an_average_over_no_stratum_is_refused() -> None:
    sample, policies = lonely_sample("two-part-average")
    rows = np.isin(sample.strata, [1, 5])
    with pytest.raises(DesignError, match=r"2 strata with one PSU each and none with several.*\"adjust\""):
        taylor_vcov(np.where(rows, 1.0, 0.0)[:, None], sample.design(**policies))


def test_an_average_of_nothing_is_zero() -> None:
    sample, policies = lonely_sample("two-part-average")
    nothing = taylor_vcov(np.zeros((sample.y.size, 2)), sample.design(**policies))
    np.testing.assert_array_equal(nothing, np.zeros((2, 2)))


@given(seeds)
def test_psu_sums_are_the_totals_of_the_psus(seed: int) -> None:
    sample = clustered_sample(seed).take(np.random.default_rng(seed).permutation(350))
    by_psu = pd.DataFrame(sample.X).groupby([sample.strata, sample.psu]).sum()
    np.testing.assert_allclose(sample.design().psu_sums @ sample.X, by_psu, rtol=1e-12, atol=1e-12)


@given(seeds)
def test_variance_of_a_total_is_exactly_its_jackknife(seed: int) -> None:
    sample = clustered_sample(seed)
    influence = np.where(sample.rows, sample.weights * sample.y, 0.0)[:, None]
    jackknife = jackknife_vcov(sample, lambda s: np.array([np.sum(s.weights * s.y * s.rows)]))
    np.testing.assert_allclose(taylor_vcov(influence, sample.design()), jackknife, rtol=1e-9)


def test_a_design_keeps_its_own_read_only_arrays() -> None:
    sample = clustered_sample(1)
    design = sample.design()
    sample.weights[0], sample.strata[0] = 1e9, 99
    assert design.weights[0] < 1e9
    assert design.strata[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        design.weights[0] = 1.0


SQUARE = np.ones((2, 2), dtype=int)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strata": np.array([1, 1, 2])}, r"strata \(3,\), psu \(4,\), weights \(4,\): expected one length"),
        ({"psu": np.array([1, 2, 1])}, r"psu \(3,\).*expected one length"),
        ({"weights": np.ones((4, 1))}, r"weights \(4, 1\): expected one length"),
        ({"weights": np.array([1.0, np.nan, 1.0, np.inf])}, "fewer than 10 weights are missing or infinite"),
        ({"strata": SQUARE, "psu": SQUARE, "weights": SQUARE}, r"weights \(2, 2\): expected one length"),
        ({"weights": np.array([1.0, -0.5, 1.0, -0.25])}, "fewer than 10 weights are negative: expected >= 0"),
        ({"weights": np.zeros(4)}, "all weights are zero: expected at least one positive weight"),
        ({"psu": np.array([1, 1, 1, 2])}, r"strata \[1\] have one PSU each"),
        ({"psu": np.array([1, 1, 7, 7])}, r"strata \[1, 2\] have one PSU each"),
    ],
    ids=["strata", "psu", "column", "missing", "tables", "negative", "all_zero", "lonely", "two_lonely"],
)
def test_a_design_without_variance_is_refused(changes: dict[str, Array], message: str) -> None:
    arrays = {"strata": np.array([1, 1, 2, 2]), "psu": np.array([1, 2, 1, 2]), "weights": np.ones(4)}
    with pytest.raises(DesignError, match=message):
        SurveyDesign(**arrays | changes)


@pytest.mark.parametrize("selected", [0, 3], ids=["nobody", "only_weights_of_zero"])
def test_an_empty_domain_is_refused(selected: int) -> None:
    design = replace(HAND_DESIGN, weights=np.array([0.0, 0, 0, 4, 1, 1]), lonely_domain="keep")
    with pytest.raises(DesignError, match=f"the domain is empty: {count_of(selected)} rows were selected"):
        domain_of(design, np.arange(6) < selected)


def test_a_domain_of_another_shape_is_refused() -> None:
    with pytest.raises(DesignError, match=r"domain of shape \(5,\): expected \(6,\), one entry per sampled row"):
        domain_of(HAND_DESIGN, np.full(5, True))


def test_a_psu_whose_domain_rows_all_have_weight_zero_is_missing_from_the_domain() -> None:
    design = replace(HAND_DESIGN, weights=np.array([1.0, 3, 2, 4, 0, 0]))
    with pytest.raises(DesignError, match=r"strata \[2\] have people of the domain in one PSU only"):
        domain_of(design, np.full(6, True))


@pytest.mark.parametrize("policy", [{"lonely_psu": "remove"}, {"lonely_domain": "adjust"}])
def test_an_unknown_policy_is_refused(policy: dict[str, str]) -> None:
    with pytest.raises(DesignError, match=r"lonely_\w+='\w+': expected one of fail, \w+"):
        clustered_sample(1).design(**policy)


@pytest.mark.parametrize("name", ["strata", "psu"])
def test_rows_without_stratum_or_psu_are_refused(name: str) -> None:
    arrays = {"strata": np.repeat([1.0, 2.0], 10), "psu": np.tile([1.0, 2.0], 10), "weights": np.ones(20)}
    arrays[name][:5] = np.nan
    with pytest.raises(DesignError, match="fewer than 10 rows have no stratum or PSU"):
        SurveyDesign(**arrays)
