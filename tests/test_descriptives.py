import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.descriptives import weighted_mean
from analysis.stats.design import DesignError, domain_of
from tests.arrays import HAND_DESIGN, HAND_VALUES, R_POLICIES, R_STUDIES, clustered_sample, of_study, r_sample

R_RTOL = 1e-8
"""Both sum the same numbers in double precision."""

studies = pytest.mark.parametrize("study_id", R_STUDIES)


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
    with pytest.raises(DesignError, match="y is missing for 2 people in the domain"):
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
