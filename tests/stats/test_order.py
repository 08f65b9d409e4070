"""Quantiles beside numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.stats.order import partly_sorted, quantiles, sorted_median, sorted_quantiles

values = arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6)).map(np.sort)
probabilities = arrays(float, st.integers(1, 9), elements=st.floats(0, 1))


@given(values, probabilities)
@pytest.mark.reference
def test_quantiles_are_numpys_to_the_digit(x, p):
    np.testing.assert_array_equal(sorted_quantiles(x, p), np.quantile(x, p))
    assert sorted_median(x) == np.median(x)


@given(values, probabilities, st.randoms())
@pytest.mark.reference
def test_quantiles_of_values_in_any_order_are_those_of_the_sorted_ones(x, p, random):
    shuffled = x.copy()
    random.shuffle(shuffled)
    np.testing.assert_array_equal(quantiles(shuffled, p), np.quantile(x, p))
    assert sorted_median(partly_sorted(shuffled, 0.5)) == np.median(x)


@pytest.mark.reference
def test_type_7_by_hand():
    """Of 1, 2, 4, 8 the place of the 0.4 quantile is 1.2: a fifth of the way from 2 to 4."""
    assert sorted_quantiles(np.array([1.0, 2, 4, 8]), 0.4) == pytest.approx(2.4)
    assert sorted_quantiles(np.array([1.0, 2, 4, 8]), np.array([[0.0, 1.0]])).tolist() == [[1, 8]]
