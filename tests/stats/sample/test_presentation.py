"""NCHS's presentation standards of proportions: the interval against the exact one, the rules at their edges."""

import numpy as np
import pytest
import scipy.stats

from analysis.stats.sample.presentation import korn_graubard, present_proportion

EXACT = 1e-9
"""Relative tolerance where two ways solve for the same quantile of the beta distribution."""


def simple(p: float, n: int) -> float:
    """Standard error of a proportion of a simple random sample."""
    return float(np.sqrt(p * (1 - p) / n))


@pytest.mark.reference
@pytest.mark.parametrize(("counted", "n"), [(3, 40), (20, 40), (39, 40), (120, 2801)])
def test_without_a_design_it_is_the_exact_interval(counted: int, n: int) -> None:
    expected = scipy.stats.binomtest(counted, n).proportion_ci(method="exact")
    found = korn_graubard(counted / n, simple(counted / n, n), n=n, df=n - 1)
    np.testing.assert_allclose(found, (expected.low, expected.high), rtol=EXACT)


@pytest.mark.reference
def test_a_design_effect_of_two_is_the_exact_interval_of_half_the_people_but_for_the_degrees_of_freedom() -> None:
    paid = (scipy.stats.t.ppf(0.975, 199) / scipy.stats.t.ppf(0.975, 44)) ** 2
    size = 100 * paid
    low, high = korn_graubard(0.2, simple(0.2, 100), n=200, df=44)
    # The limits are where the tail probabilities of a binomial, as incomplete beta functions, are 2.5 %.
    assert scipy.stats.beta.cdf(low, 0.2 * size, 0.8 * size + 1) == pytest.approx(0.025, rel=EXACT)
    assert scipy.stats.beta.sf(high, 0.2 * size + 1, 0.8 * size) == pytest.approx(0.025, rel=EXACT)


@pytest.mark.reference
@pytest.mark.parametrize(("n", "shown"), [(50, (0.0, 1 - 0.025 ** (1 / 50)))])
def test_nobody_counted_has_an_upper_limit_and_is_to_be_looked_at(n: int, shown: tuple[float, float]) -> None:
    found = present_proportion(0.0, 0.0, n=n, df=n - 1)
    np.testing.assert_allclose((found.conf_low, found.conf_high), shown, rtol=EXACT)
    assert found.review
    assert not found.reliable  # 0.07 wide, and any width is many times nothing
    everybody = present_proportion(1.0, 0.0, n=n, df=n - 1)
    np.testing.assert_allclose((everybody.conf_low, everybody.conf_high), (1 - shown[1], 1.0), rtol=EXACT)


@pytest.mark.parametrize(
    ("p", "n", "effective", "df", "reason"),
    [
        (0.40, 2000, 1000, 44, ""),
        (0.40, 29, 29, 28, "n 29 below 30"),
        (0.40, 400, 29.5, 44, "effective n 29.5 below 30"),
        (0.50, 40, 40, 39, "interval 0.32 wide"),
        (0.02, 2000, 1000, 44, ""),  # narrow: 0.02 wide
        (0.03, 200, 150, 44, "interval 213 % of the share wide"),
        (0.001, 20000, 20000, 44, ""),  # narrow, though it is wide beside so small a share
    ],
)
def test_what_is_told_and_why_not(p: float, n: int, effective: float, df: int, reason: str) -> None:
    found = present_proportion(p, simple(p, 1) / np.sqrt(effective), n=n, df=df)
    assert found.reason == reason
    assert found.reliable is (reason == "")
    assert found.n_effective == pytest.approx(effective)


def test_the_effective_number_is_never_above_the_number_of_people() -> None:
    precise = present_proportion(0.3, simple(0.3, 100) / 2, n=100, df=44)
    assert precise.n_effective == 100


def test_a_share_near_one_may_be_told_though_its_complement_may_not() -> None:
    found = present_proportion(0.95, simple(0.95, 100), n=100, df=99)
    assert found.reliable
    assert not found.complement_reliable


@pytest.mark.parametrize(("df", "review"), [(7, True), (8, False)])
def test_few_degrees_of_freedom_are_to_be_looked_at(df: int, review: bool) -> None:
    assert present_proportion(0.4, simple(0.4, 1000), n=1000, df=df).review is review


@pytest.mark.parametrize(
    ("p", "error", "n", "df"), [(1.1, 0.1, 50, 9), (0.5, -1, 50, 9), (0.5, 0.1, 1, 9), (0.5, 0.1, 50, 0)]
)
def test_what_cannot_be_is_refused(p: float, error: float, n: int, df: float) -> None:
    with pytest.raises(ValueError, match="expected a share from 0 to 1"):
        present_proportion(p, error, n=n, df=df)
