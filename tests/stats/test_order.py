"""Quantiles of sorted values beside numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.stats.order import sorted_median, sorted_quantiles

values = arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6)).map(np.sort)
probabilities = arrays(float, st.integers(1, 9), elements=st.floats(0, 1))


@given(values, probabilities)
@pytest.mark.reference
def test_quantiles_are_numpys_to_the_digit(x, p):
    np.testing.assert_array_equal(sorted_quantiles(x, p), np.quantile(x, p))
    assert sorted_median(x) == np.median(x)


@pytest.mark.reference
def test_type_7_by_hand():
    """Of 1, 2, 4, 8 the place of the 0.4 quantile is 1.2: a fifth of the way from 2 to 4."""
    assert sorted_quantiles(np.array([1.0, 2, 4, 8]), 0.4) == pytest.approx(2.4)
    assert sorted_quantiles(np.array([1.0, 2, 4, 8]), np.array([[0.0, 1.0]])).tolist() == [[1, 8]]
