import numpy as np
import pytest

from analysis.stats.measurement.usual_intake import two_days, usual_intake
from analysis.stats.sample.design import DesignError

N = 200_000
DRAWN = 0.02
"""Relative Monte Carlo error of a share or a variance from `N` invented people, three times over."""


def invented(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Usual intakes and two days of them, on a fourth root that is normal between people and from day to day."""
    rng = np.random.default_rng(seed)
    person = 4.0 + 0.35 * rng.standard_normal(N)
    days = person[:, None] + 0.4 * rng.standard_normal((N, 2))
    usual = person**4 + 6 * person**2 * 0.16 + 3 * 0.16**2
    return usual, np.maximum(days[:, 0], 0) ** 4, np.maximum(days[:, 1], 0) ** 4


def estimated(first: np.ndarray, second: np.ndarray, both: np.ndarray) -> np.ndarray:
    one = np.zeros(N, dtype=np.intp)
    found = usual_intake(first, second, weights=np.ones(N), weights_both=both, groups=one, cells=one)
    return found.usual


@pytest.mark.reference
@pytest.mark.parametrize("requirement", [200.0, 300.0, 420.0])
def test_the_share_below_a_requirement_is_the_true_one_and_that_of_a_day_is_not(requirement):
    usual, first, second = invented()
    both = (np.arange(N) % 4 == 0).astype(float)
    share = np.mean(estimated(first, second, both) < requirement)
    truth = np.mean(usual < requirement)
    assert share == pytest.approx(truth, abs=DRAWN / 4)
    if requirement != 300.0:  # near the middle both agree
        assert abs(np.mean(first < requirement) - truth) > 0.05


@pytest.mark.reference
def test_two_days_are_the_hand_calculation():
    """Days (1, 3), (2, 2), (6, 4) with weights 1, 1, 2: means 3.75 and 3.25."""
    found = two_days(np.array([1.0, 2.0, 6.0]), np.array([3.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    assert found.n == 3
    assert found.first == pytest.approx((2.75**2 + 1.75**2 + 2 * 2.25**2) / 4)
    assert found.second == pytest.approx((0.25**2 + 1.25**2 + 2 * 0.75**2) / 4)
    assert found.covariance == pytest.approx((-2.75 * -0.25 + -1.75 * -1.25 + 2 * 2.25 * 0.75) / 4)
    # differences -2, 0, 2 with mean 0.5
    assert found.within == pytest.approx((2.5**2 + 0.5**2 + 2 * 1.5**2) / 8)
    assert found.within == pytest.approx((found.first + found.second) / 2 - found.covariance)


def test_days_that_do_not_differ_leave_intakes_alone():
    first = np.array([100.0, 200.0, 300.0, 400.0])
    one = np.zeros(4, dtype=np.intp)
    found = usual_intake(first, first, weights=np.ones(4), weights_both=np.ones(4), groups=one, cells=one)
    np.testing.assert_allclose(found.usual, first)
    np.testing.assert_allclose(found.reliability, 1.0)


def test_days_that_differ_more_than_people_leave_the_cells_mean_only():
    first, second = np.array([100.0, 400.0, 100.0, 400.0]), np.array([400.0, 100.0, 400.0, 100.0])
    one, cells = np.zeros(4, dtype=np.intp), np.array([0, 0, 1, 1])
    found = usual_intake(first, second, weights=np.ones(4), weights_both=np.ones(4), groups=one, cells=cells)
    assert found.reliability.item() == 0.0
    assert np.ptp(found.usual) == pytest.approx(0, abs=1e-9)


def test_each_group_has_its_own_variances():
    _, first, second = invented()
    groups = (np.arange(N) % 2).astype(np.intp)
    second = np.where(groups == 1, first, second)
    found = usual_intake(first, second, weights=np.ones(N), weights_both=np.ones(N), groups=groups, cells=groups)
    assert found.within[0] == pytest.approx(0.16, rel=DRAWN)
    assert found.within[1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "weights_both", "words"),
    [
        ([-1.0, 2.0], [1.0, 2.0], [1.0, 1.0], "fewer than 10 intakes"),
        ([1.0, 2.0], [np.nan, 2.0], [1.0, 1.0], "negative or missing"),
        ([1.0, 2.0], [1.0, 2.0], [0.0, 0.0], "nobody with both days"),
    ],
)
def test_what_has_no_answer_is_refused(first, second, weights_both, words):
    one = np.zeros(2, dtype=np.intp)
    with pytest.raises(DesignError, match=words):
        usual_intake(np.array(first), np.array(second), weights=np.ones(2), weights_both=np.array(weights_both),
                     groups=one, cells=one)  # fmt: skip
