"""When iterations have settled: sequences whose sum of what is left is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.regression.settling import Settling


@given(st.floats(0.001, 0.9), st.floats(1e-3, 10), st.floats(1e-12, 1e-3))
def test_of_steps_that_shrink_alike_less_than_asked_is_left_and_not_much_less(ratio, first, short):
    """What is left after step k of a r^k is a r^(k+1)/(1 - r); the step before would not have done."""
    settling = Settling(short)
    lengths = first * ratio ** np.arange(700.0)
    taken = next(number for number, length in enumerate(lengths) if settling.after(length))
    left = lengths * ratio / (1 - ratio)
    assert left[taken] < short * (1 + 1e-9) or lengths[taken] < short
    assert taken == 0 or (left[taken - 1] >= short * (1 - 1e-9) or taken == 1) and lengths[taken - 1] >= short


def test_one_step_alone_must_be_short():
    assert not Settling(1e-3).after(np.float64(1e-2))
    assert Settling(1e-3).after(np.float64(1e-4))


def test_a_step_that_grew_leaves_nothing_to_trust_but_its_own_length():
    settling = Settling(1e-6)
    assert not any(settling.after(np.float64(length)) for length in (1e-3, 2e-3, 2e-5, 2e-6))
    assert settling.after(np.float64(5e-7))


def test_several_side_by_side_are_judged_each_by_itself():
    settling = Settling(1e-6)
    settling.after(np.array([1e-1, 1e-1, np.nan]))
    found = settling.after(np.array([1e-3, 5e-2, np.nan]))
    assert found.tolist() == [False, False, False]
    assert settling.after(np.array([1e-5, 2.5e-2, np.nan])).tolist() == [True, False, False]


@pytest.mark.parametrize("length", [np.nan, np.inf])
def test_what_is_no_number_never_settles(length):
    settling = Settling(1e-6)
    with np.errstate(invalid="ignore"):
        assert not any(settling.after(np.float64(length)) for _ in range(3))
