from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.design import DesignError, SurveyDesign, domain_of, taylor_vcov
from analysis.stats.splines import Array
from tests.arrays import HAND_DESIGN, R_STUDIES, clustered_sample, jackknife_vcov, r_sample

seeds = st.integers(0, 9999)
studies = pytest.mark.parametrize("study_id", R_STUDIES)


@pytest.mark.reference
def test_a_domain_with_one_psu_of_a_stratum_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("part_lone_psu")
    with pytest.raises(DesignError, match=r'strata \[1\] have people of the domain in one PSU only.*"keep"'):
        sample.fit()
    assert sample.fit(lonely_domain="keep").n_psu == 15


@pytest.mark.reference
def test_a_stratum_of_one_psu_is_refused_unless_r_is_followed() -> None:
    sample = r_sample("lonely_psu")
    with pytest.raises(DesignError, match=r'strata \[1\] have one PSU each: expected at least two.*"adjust"'):
        sample.design()
    assert sample.fit(lonely_psu="adjust").n_strata == 6


@pytest.mark.reference
def test_a_lonely_psu_is_centred_at_the_mean_of_all_totals() -> None:
    design = SurveyDesign(
        strata=np.array([1, 1, 1, 2]), psu=np.array([1, 2, 3, 1]), weights=np.ones(4), lonely_psu="adjust"
    )
    totals = np.array([[3.0], [5.0], [10.0], [2.0]])
    of_three = 3 / 2 * ((3 - 6) ** 2 + (5 - 6) ** 2 + (10 - 6) ** 2)
    of_the_lonely = (2 - (3 + 5 + 10 + 2) / 4) ** 2
    np.testing.assert_allclose(taylor_vcov(totals, design), [[of_three + of_the_lonely]], rtol=1e-14)


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
        ({"weights": np.array([1.0, np.nan, 1.0, np.inf])}, "2 weights are missing or infinite"),
        ({"strata": SQUARE, "psu": SQUARE, "weights": SQUARE}, r"weights \(2, 2\): expected one length"),
        ({"weights": np.array([1.0, -0.5, 1.0, -0.25])}, r"2 weights are negative \(lowest -0.5\): expected >= 0"),
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
    with pytest.raises(DesignError, match=f"the domain is empty: {selected} rows were selected"):
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
    with pytest.raises(DesignError, match="5 rows have no stratum or PSU"):
        SurveyDesign(**arrays)
