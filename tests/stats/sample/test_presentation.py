import numpy as np
import pytest
import scipy.stats

from analysis.stats.sample.design import DesignError
from analysis.stats.sample.presentation import flags, present


@pytest.mark.reference
def test_interval_of_a_simple_random_sample_is_clopper_and_pearsons():
    """With so many df that the t quantiles agree, 30 of 100 by the exact binomial interval."""
    found = present(0.3, np.sqrt(0.3 * 0.7 / 100), n=100, df=99)
    exact = scipy.stats.binomtest(30, 100).proportion_ci(method="exact")
    assert (found.conf_low, found.conf_high) == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert found.n_effective == pytest.approx(100)
    assert found.reliable


@pytest.mark.reference
def test_few_degrees_of_freedom_widen_the_interval():
    """n* = n_eff (t_{n-1} / t_df)^2."""
    found = present(0.4, 0.04, n=400, df=15)
    effective = 0.24 / 0.04**2
    assert found.n_effective == pytest.approx(effective)
    n = effective * (scipy.stats.t.ppf(0.975, 399) / scipy.stats.t.ppf(0.975, 15)) ** 2
    assert found.conf_low == pytest.approx(scipy.stats.beta.ppf(0.025, 0.4 * n, 0.6 * n + 1))
    assert found.conf_high == pytest.approx(scipy.stats.beta.ppf(0.975, 0.4 * n + 1, 0.6 * n))


@pytest.mark.parametrize(
    ("share", "std_error", "n", "words"),
    [
        (0.5, 0.02, 20, "effective sample size"),
        (0.5, 0.10, 900, "effective sample size"),
        (0.5, 0.085, 900, "interval of 0.3"),
        (0.03, 0.014, 500, "130 %"),
        (0.004, 0.003, 5000, ""),
        (0.6, 0.01, 5000, ""),
        (0.0, 0.0, 29, "effective sample size"),
        (0.0, 0.0, 500, ""),
    ],
)
def test_standards_in_turn(share, std_error, n, words):
    found = present(share, std_error, n=n, df=40)
    assert words in found.reason
    assert found.reliable == (words == "")
    assert flags(np.array([share]), np.array([std_error]), n=np.array([n]), df=40) == [found.reason]


def test_none_all_and_few_degrees_of_freedom_are_for_a_statistician():
    assert present(0.0, 0.0, n=500, df=40).review
    assert present(1.0, 0.0, n=500, df=40).review
    assert present(0.5, 0.01, n=5000, df=7).review
    assert not present(0.5, 0.01, n=5000, df=8).review


@pytest.mark.parametrize(("share", "n", "df"), [(1.2, 50, 40), (0.5, 0, 40), (0.5, 50, 0)])
def test_what_is_no_share_is_refused(share, n, df):
    with pytest.raises(DesignError, match="share"):
        present(share, 0.01, n=n, df=df)
