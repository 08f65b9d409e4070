import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.regression.confounding import RatioError, e_value

ratios = st.floats(0.01, 100)


@pytest.mark.reference
def test_e_value_of_the_published_example() -> None:
    # VanderWeele & Ding 2017: a risk ratio of 3.9 with limits 1.8 and 8.7.
    found = e_value(3.9, conf_low=1.8, conf_high=8.7, measure="risk_ratio")
    assert (round(found.point, 2), round(found.limit, 1)) == (7.26, 3.0)


@pytest.mark.reference
def test_e_value_by_hand() -> None:
    found = e_value(2.0, conf_low=1.25, conf_high=3.2, measure="risk_ratio")
    assert found.point == pytest.approx(2 + math.sqrt(2))
    assert found.limit == pytest.approx(1.25 + math.sqrt(1.25 * 0.25))


@pytest.mark.reference
def test_odds_ratio_of_a_common_outcome_counts_by_its_square_root() -> None:
    found = e_value(2.25, conf_low=1.44, conf_high=4.0, measure="common_odds_ratio")
    assert found.point == pytest.approx(1.5 + math.sqrt(0.75))
    assert found.limit == pytest.approx(1.2 + math.sqrt(0.24))


@given(ratios, st.floats(1, 5), st.sampled_from(["risk_ratio", "rare_odds_ratio", "common_odds_ratio"]))
def test_e_value_of_a_protective_ratio_is_that_of_its_inverse(ratio: float, width: float, measure) -> None:
    found = e_value(1 / ratio, conf_low=1 / ratio / width, conf_high=1 / ratio * width, measure=measure)
    expected = e_value(ratio, conf_low=ratio / width, conf_high=ratio * width, measure=measure)
    assert (found.point, found.limit) == pytest.approx((expected.point, expected.limit))


@given(ratios, ratios, ratios)
def test_e_value_of_the_limit_is_one_where_the_interval_covers_one_and_never_above_the_points(a, b, c) -> None:
    low, middle, high = sorted((a, b, c))
    found = e_value(middle, conf_low=low, conf_high=high, measure="risk_ratio")
    assert 1 <= found.limit <= found.point
    assert (found.limit == 1) == (low <= 1 <= high)


def test_no_association_needs_no_confounder() -> None:
    assert e_value(1.0, conf_low=1.0, conf_high=1.0, measure="risk_ratio").point == 1.0


def test_a_rare_odds_ratio_is_read_as_a_risk_ratio() -> None:
    limits = {"conf_low": 1.1, "conf_high": 2.0}
    assert e_value(1.5, **limits, measure="rare_odds_ratio") == e_value(1.5, **limits, measure="risk_ratio")


@pytest.mark.parametrize(
    ("estimate", "low", "high"),
    [(0.4, -0.1, 0.9), (1.5, 1.6, 2.0), (1.5, 1.1, 1.4), (float("nan"), 1.1, 2.0), (1.5, 1.1, float("inf"))],
    ids=["logarithms", "above", "below", "missing", "infinite"],
)
def test_numbers_that_are_no_ratio_with_its_interval_are_refused(estimate: float, low: float, high: float) -> None:
    with pytest.raises(RatioError, match="expected finite positive numbers in order"):
        e_value(estimate, conf_low=low, conf_high=high, measure="risk_ratio")


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(RatioError, match="measure='hazard_ratio': expected one of risk_ratio"):
        e_value(1.5, conf_low=1.1, conf_high=2.0, measure="hazard_ratio")
