"""The break of a two-piece model is R's; its test keeps its size where the naive one does not."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.arrays import Array
from analysis.stats.regression import score_process
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.stats.sample.replicates import Replicates, bootstrap
from analysis.stats.shape import threshold
from analysis.stats.shape.threshold import break_grid, fit_threshold, replicate_breakpoints, search_test
from tests.arrays import Exposed, of_study, r_sample

R_RTOL = 1e-8
"""Both sides solve the same equations in double precision."""

STUDIES = ("full", "part", "part_less_psu")
BREAK = 4.0

SIZE_SAMPLES, POWER_SAMPLES = 300, 40
NOMINAL = 0.05
FEW_DRAWS = 999
"""Where only rates over samples, or whether two fits are one, are asked."""

MONTE_CARLO = 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / SIZE_SAMPLES)
"""Three standard errors of a rejection rate of 5 % in 300 samples: 0.038."""

seeds = st.integers(0, 9999)


class People(Exposed):
    """What the threshold's functions say of a domain."""

    def fit(self, **changed: Any):
        arrays, named = self.given(**changed)
        return fit_threshold(*arrays, **named)

    def test(self, **changed: Any):
        arrays, named = self.given(**changed)
        return search_test(*arrays, **named)

    def breakpoints(self, **changed: Any):
        arrays, named = self.given(**changed)
        return replicate_breakpoints(*arrays, **named)

    def grid(self, points: int = 40) -> Array:
        low, high = np.quantile(self.x, [0.05, 0.95])
        return break_grid(self.x, self.y, low=low, high=high, points=points)


def invented(seed: int, *, strata: int = 15, people: int = 20, change: float = 0.0) -> People:
    """Two PSUs in each stratum, whose people resemble each other in level and slope; a break of the slope at 4."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(2 * strata), people)
    n = cluster.size
    x = np.clip(4 + 0.5 * rng.normal(size=2 * strata)[cluster] + 1.5 * rng.normal(size=n), 0.1, None)
    z = rng.normal(size=(n, 2)) + 0.1 * x[:, None]
    slope = 0.1 + rng.normal(scale=0.15, size=2 * strata)[cluster]
    eta = -0.8 + slope * (x - 4) + change * np.maximum(x - BREAK, 0) + 0.2 * z.sum(axis=1)
    eta += rng.normal(scale=0.3, size=2 * strata)[cluster]
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    weights = np.exp(rng.normal(scale=0.5, size=n)) * (1.2 - 0.2 * y)
    design = SurveyDesign(cluster // 2, cluster % 2, weights)
    return People(x, y, z, design, domain_of(design, np.ones(n, dtype=bool)))


def r_people(study_id: str) -> People:
    sample = r_sample(study_id)
    design, domain = sample.design(), sample.domain()
    x, z = sample.X[domain.rows, 1], sample.X[domain.rows, 4:]
    return People(x, sample.y[domain.rows], z, design, domain)


@cache
def r_threshold(study_id: str):
    return r_people(study_id).fit()


# ---- agreement with R


@pytest.mark.reference
@pytest.mark.parametrize("study_id", STUDIES)
def test_deviance_profile_and_wald_statistics_match_r_survey(study_id):
    ours, theirs = r_threshold(study_id), of_study("threshold/profile", study_id)
    np.testing.assert_allclose(ours.c, theirs["c"], rtol=1e-12)
    np.testing.assert_allclose(ours.deviance, theirs["deviance"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.wald, (theirs["change"] / theirs["std_error"]) ** 2, rtol=R_RTOL)


@pytest.mark.reference
@pytest.mark.parametrize("study_id", STUDIES)
def test_breakpoint_and_slopes_given_it_match_r_survey(study_id):
    ours = r_threshold(study_id)
    theirs, slopes = of_study("threshold/breaks", study_id).iloc[0], of_study("threshold/slopes", study_id)
    found = (ours.low, ours.high, ours.breakpoint, ours.fit.deviance, ours.linear_deviance)
    expected = theirs[["low", "high", "breakpoint", "deviance", "linear_deviance"]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, expected, rtol=R_RTOL)
    assert ours.slopes.labels == tuple(slopes["term"])
    assert ours.slopes.df == slopes["df"].iloc[0]
    np.testing.assert_allclose(ours.slopes.estimate, slopes["estimate"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.slopes.std_error, slopes["std_error"], rtol=R_RTOL)


@pytest.mark.reference
@pytest.mark.parametrize("study_id", STUDIES)
def test_score_process_matches_the_one_written_out_in_r(study_id):
    ours, theirs = r_threshold(study_id).search, of_study("threshold/score_process", study_id)
    # A score is a sum of both signs: compare on the scale of its standard error.
    assert np.max(np.abs(ours.score - theirs["score"]) / np.sqrt(theirs["variance"])) < R_RTOL
    np.testing.assert_allclose(ours.variance, theirs["variance"], rtol=R_RTOL)


# ---- the test that pays for the search


@cache
def p_values_without_a_break() -> Array:
    """Naive p, sup-score p, sup-Wald p of samples in which the exposure is linear."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threshold, "FINE_POINTS", 2)
        fits = [invented(seed).fit(points=12, draws=399) for seed in range(SIZE_SAMPLES)]
    return np.array([[fit.naive_p, fit.search_p, fit.wald_search_p] for fit in fits])


@pytest.mark.no_cover  # the same fit again and again
def test_without_a_break_the_search_test_rejects_as_often_as_it_claims():
    rejected = np.mean(p_values_without_a_break() < NOMINAL, axis=0)
    assert abs(rejected[1] - NOMINAL) < MONTE_CARLO
    assert abs(rejected[2] - NOMINAL) < MONTE_CARLO


def test_without_a_break_the_naive_test_rejects_more_than_twice_as_often_as_it_claims():
    assert np.mean(p_values_without_a_break()[:, 0] < NOMINAL) > 2 * NOMINAL + MONTE_CARLO


def test_a_marked_break_is_found_by_the_search_test():
    def p_value(seed: int) -> float:
        people = invented(seed, strata=25, change=0.9)
        return people.test(c=people.grid(12), draws=FEW_DRAWS).p_value

    assert np.mean([p_value(seed) < NOMINAL for seed in range(POWER_SAMPLES)]) > 0.8


def test_with_one_candidate_the_search_test_is_the_f_test_of_it():
    found = invented(1).test(c=np.array([BREAK]), draws=40_000)
    for p in (0.5, 0.1, 0.05, 0.01):
        assert found.tail(scipy.stats.f.isf(p, 1, found.df)) == pytest.approx(p, abs=4 * np.sqrt(p / 40_000))


def test_null_draws_are_those_of_multipliers_of_centred_psu_totals():
    people = invented(2)
    c = people.grid(12)
    found = people.test(c=c, draws=20_000)
    x, y, w = people.x, people.y, people.design.weights / people.design.weights.mean()
    X = np.column_stack([np.ones(x.size), x, people.adjustment])
    mu = fit_quickly(Regression(X, y, people.domain, ("intercept", "x", "z1", "z2")), people.design).mean(X)
    root = np.sqrt(w * mu * (1 - mu))[:, None]
    H = np.maximum(x[:, None] - c, 0)
    scores = (H - X @ np.linalg.lstsq(X * root, H * root)[0]) * (w * (y - mu))[:, None]
    totals = np.array([scores[people.design.psu_index == psu].sum(axis=0) for psu in range(30)]).reshape(15, 2, -1)
    centred = ((totals - totals.mean(axis=1, keepdims=True)) * np.sqrt(2)).reshape(30, -1)
    rng = np.random.default_rng(3)
    sums = rng.normal(size=(20_000, 30)) @ centred
    largest = np.max(sums**2 / np.sum(centred**2, axis=0), axis=1) / (rng.chisquare(found.df, 20_000) / found.df)
    np.testing.assert_allclose(found.score, totals.sum(axis=(0, 1)), rtol=1e-8, atol=1e-8)
    probabilities = [0.25, 0.5, 0.75, 0.9, 0.95]
    np.testing.assert_allclose(np.quantile(found.null, probabilities), np.quantile(largest, probabilities), rtol=0.05)


def test_the_same_seed_gives_the_same_p_value_and_another_seed_nearly_the_same():
    people = invented(4, change=0.4)
    c = people.grid()
    first, again, other = (people.test(c=c, draws=4_999, seed=seed).p_value for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first == pytest.approx(other, abs=0.02)


def sample_of_p(p_value: float) -> tuple[People, Array]:
    """A sample whose one candidate has nearly that p-value."""
    c = np.array([BREAK])
    found = [(abs(scipy.stats.f.sf(test.statistic, 1, test.df) - p_value), seed)
             for seed in range(300) for test in [invented(seed).test(c=c, draws=1)]]  # fmt: skip
    return invented(min(found)[1]), c


@pytest.mark.parametrize("p_value", [0.5, 0.1, 0.046, 0.009])
def test_draws_go_on_until_the_error_is_a_tenth_of_p_and_of_its_distance_to_5_percent(p_value):
    people, c = sample_of_p(p_value)
    found = people.test(c=c, seed=1)
    exact = scipy.stats.f.sf(found.statistic, 1, found.df)
    assert exact == pytest.approx(p_value, rel=0.3)
    assert found.null.size % 100_000 == 0
    assert (found.null.size > 100_000) == (p_value == 0.046)
    assert found.p_error == pytest.approx(np.sqrt(exact * (1 - exact) / found.null.size), rel=0.1)
    assert found.p_error < 0.1 * min(found.p_value, abs(found.p_value - 0.05))
    assert abs(found.p_value - exact) < 4 * found.p_error
    if found.null.size > 100_000:
        fewer = people.test(c=c, seed=1, draws=found.null.size - 100_000)
        assert fewer.p_error >= 0.1 * min(fewer.p_value, abs(fewer.p_value - 0.05))
        np.testing.assert_array_equal(fewer.null, found.null[: fewer.null.size])


def test_a_p_value_that_cannot_be_told_from_5_percent_ends_at_the_most_draws_with_its_error(monkeypatch):
    monkeypatch.setattr(score_process, "MOST_DRAWS", 300_000)
    people, c = sample_of_p(0.05)
    monkeypatch.setattr(score_process, "LEVEL", people.test(c=c).p_value)
    found = people.test(c=c)
    assert found.null.size == 300_000
    assert 0 < found.p_error < 0.001


def test_a_sample_as_extreme_as_every_draw_does_not_get_a_p_value_of_zero():
    found = invented(4).test(c=np.array([BREAK]), draws=99)
    assert found.tail(np.inf) == 0.01


def test_a_candidate_with_nobody_below_is_refused():
    with pytest.raises(DesignError, match="add nothing to intercept, x"):
        invented(1).test(c=np.array([0.0]))


@pytest.mark.parametrize("asked", [{"draws": 0}, {"c": np.array([])}])
def test_a_test_of_nothing_is_refused(asked):
    with pytest.raises(DesignError, match="expected at least one of each"):
        invented(1).test(**{"c": np.array([BREAK]), **asked})


# ---- the break


def test_a_planted_break_lies_in_its_bootstrap_interval_and_the_slopes_beside_it():
    people = invented(5, strata=40, people=50, change=0.8)
    found = people.fit(replicates=bootstrap(people.design, replicates=200, seed=1))
    assert found.conf_low < BREAK < found.conf_high
    assert found.conf_low < found.breakpoint < found.conf_high
    assert found.replicates.failed == 0
    drawn = found.replicates
    assert drawn.low < drawn.breakpoint.min()
    assert drawn.breakpoint.max() < drawn.high
    frame = found.slopes.to_frame()
    assert frame["conf_low"][2] < 0.8 < frame["conf_high"][2]
    assert found.search_p < 0.01


def test_the_breakpoint_has_the_least_deviance_of_all_that_were_tried():
    found = invented(6, change=0.5).fit()
    assert found.fit.deviance <= np.min(found.deviance) < found.linear_deviance
    assert found.low <= found.breakpoint <= found.high


def test_a_frame_has_the_usual_columns_and_both_kinds_of_p_value():
    found = invented(5, strata=25, change=0.8).fit()
    frame = found.to_frame().set_index("term")
    assert frame.columns.tolist() == ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]
    assert frame.index.tolist() == ["breakpoint", "slope_below", "slope_above", "change", "search_score", "search_wald"]
    assert frame["p_value"]["change"] == found.naive_p < found.search_p == frame["p_value"]["search_score"]
    assert frame["estimate"]["slope_above"] == pytest.approx(frame["estimate"][["slope_below", "change"]].sum())
    assert np.isnan(found.conf_low)


@given(seeds)
def test_neither_row_order_nor_the_scale_of_the_weights_changes_a_number(seed):
    people = invented(seed, change=0.5)
    order = np.random.default_rng(seed).permutation(people.x.size)
    first = people.fit(points=8, draws=FEW_DRAWS)
    for other in (people.weighted(people.design.weights, order), people.weighted(1e4 * people.design.weights)):
        second = other.fit(points=8, draws=FEW_DRAWS)
        assert second.breakpoint == pytest.approx(first.breakpoint, rel=1e-12)
        np.testing.assert_allclose(second.slopes.estimate, first.slopes.estimate, rtol=1e-7)
        np.testing.assert_allclose(second.slopes.std_error, first.slopes.std_error, rtol=1e-7)
        np.testing.assert_allclose(second.search.null, first.search.null, rtol=1e-5)
        assert second.search.statistic == pytest.approx(first.search.statistic, rel=1e-7)


@given(seeds)
def test_in_another_unit_the_break_is_the_same(seed):
    people = invented(seed, change=0.5)
    first, second = (people.fit(x=unit * people.x, points=8, draws=FEW_DRAWS) for unit in (1, 1000))
    assert second.breakpoint == pytest.approx(1000 * first.breakpoint, rel=1e-12)
    np.testing.assert_allclose(1000 * second.slopes.estimate, first.slopes.estimate, rtol=1e-7)
    assert second.naive_p == pytest.approx(first.naive_p, rel=1e-6)
    assert second.search.statistic == pytest.approx(first.search.statistic, rel=1e-7)


def test_the_model_needs_no_adjustment():
    people = invented(7, change=0.6)
    found = people.fit(adjustment=np.empty((people.x.size, 0)))
    assert found.fit.terms == ("intercept", "below", "change")


# ---- replicates of the break


def test_exact_breakpoints_are_those_of_separate_fits():
    people = invented(8, change=0.5)
    c = people.grid(9)
    replicates = bootstrap(people.design, replicates=5, seed=2)
    weights = replicates.weights(people.design)
    expected = []
    for number in range(5):
        kept = np.flatnonzero(weights[:, number] > 0)
        design = SurveyDesign(people.design.psu_index[kept] * 0, people.design.psu_index[kept], weights[kept, number])
        one = replace(people, x=people.x[kept], y=people.y[kept], adjustment=people.adjustment[kept], design=design,
                      domain=domain_of(design, np.ones(kept.size, dtype=bool)))  # fmt: skip
        straight, terms = np.column_stack([np.ones(kept.size), one.x]), ("intercept", "x", "change", "z1", "z2")
        broken = [np.column_stack([straight, np.maximum(one.x - at, 0), one.adjustment]) for at in c]
        fits = [fit_quickly(Regression(X, one.y, one.domain, terms), design) for X in broken]
        expected.append(c[np.argmin([fit.deviance for fit in fits])])
    found = people.breakpoints(c=c, replicates=replicates, exact=True)
    np.testing.assert_array_equal(found.breakpoint, expected)


def test_breakpoints_after_one_step_are_nearly_all_those_of_refits():
    people = invented(9, strata=25, people=40, change=1.0)
    asked = {"c": people.grid(20), "replicates": bootstrap(people.design, replicates=100, seed=3)}
    stepped, exact = people.breakpoints(**asked), people.breakpoints(**asked, exact=True)
    assert np.mean(stepped.breakpoint == exact.breakpoint) > 0.9
    spread = np.std(exact.breakpoint)
    assert np.sqrt(np.mean((stepped.breakpoint - exact.breakpoint) ** 2)) < 0.3 * spread
    assert np.std(stepped.breakpoint) == pytest.approx(spread, rel=0.1)


def test_an_interval_that_reaches_an_end_of_the_search_is_marked():
    people = invented(10)
    free = people.fit(points=12, draws=FEW_DRAWS, replicates=bootstrap(people.design, replicates=200, seed=1))
    assert free.open_ends == (free.conf_low == free.c[0], free.conf_high == free.c[-1])
    assert True in free.open_ends
    sure = invented(5, strata=40, people=50, change=0.8)
    held = sure.fit(draws=FEW_DRAWS, replicates=bootstrap(sure.design, replicates=200, seed=1))
    assert held.open_ends == (False, False)


@pytest.mark.no_cover  # the same fit again and again
def test_errors_of_the_interval_are_how_far_other_replicates_move_its_ends():
    people = invented(5, strata=40, people=50, change=0.8)
    c = people.grid()
    found = [people.breakpoints(c=c, replicates=bootstrap(people.design, replicates=200, seed=seed))
             for seed in range(40)]  # fmt: skip
    spread = np.std([one.interval(0.95) for one in found], axis=0, ddof=1)
    told = np.mean([one.interval_errors(0.95) for one in found], axis=0)
    np.testing.assert_allclose(told, spread, rtol=0.5)


def test_without_a_break_many_replicates_end_at_an_end_of_the_range():
    people = invented(10)
    found = people.breakpoints(c=people.grid(12), replicates=bootstrap(people.design, replicates=200, seed=1))
    assert np.mean(np.isin(found.breakpoint, (found.low, found.high))) > 0.2


@pytest.mark.parametrize("exact", [False, True])
def test_a_replicate_without_people_is_counted_as_failed_and_the_others_go_on(exact):
    people = invented(11, change=0.8)
    factors = np.ones((30, 3))
    factors[:, 1] = 0.0
    replicates = Replicates("bootstrap", factors, 1.0, np.ones(3), 2)
    full = people.fit(points=9)
    found = people.breakpoints(c=full.c, replicates=replicates, exact=exact)
    assert found.failed == 1
    best = full.c[np.argmin(full.deviance)]
    np.testing.assert_array_equal(found.breakpoint, [best, np.nan, best])
    assert found.interval(0.95) == (best, best)


def test_no_replicate_with_an_estimate_is_an_error():
    people = invented(11)
    replicates = Replicates("bootstrap", np.zeros((30, 2)), 1.0, np.ones(2), 1)
    with pytest.raises(DesignError, match="none of 2 replicates"):
        people.breakpoints(c=people.grid(4), replicates=replicates)


def test_replicates_of_another_design_are_refused():
    people, other = invented(11), invented(11, strata=5)
    with pytest.raises(DesignError, match="replicates of 10 psus: expected factors for the 30 PSUs"):
        people.fit(replicates=bootstrap(other.design, replicates=5, seed=1))


# ---- candidates and refusals


def test_candidates_leave_twenty_people_and_five_with_and_without_the_outcome_on_each_side():
    x = np.arange(200.0)
    y = np.zeros(200)
    y[[30, 50, 60, 70, 80, 120, 150, 160, 170, 185]] = 1
    grid = break_grid(x, y, low=0, high=199, points=200)
    np.testing.assert_allclose(grid, np.arange(80.0, 120), rtol=1e-12)
    everyone = break_grid(x, x % 2, low=0, high=199, points=200)
    np.testing.assert_allclose(everyone, np.arange(19.0, 180), rtol=1e-12)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"low": 6.0, "high": 2.0}, "from 6 to 2: expected low < high"),
        ({"points": 1}, "1 points: expected at least 2"),
        ({"low": 40.0, "high": 50.0}, "0 distinct values of the exposure from 40 to 50"),
        ({"x": np.full(600, 3.0)}, "from 3 to 3: expected low < high. Is the exposure constant?"),
        ({"x": np.arange(600) % 3.0}, "3 distinct values"),
        ({"y": np.append(np.ones(4), np.zeros(596))}, "no breakpoint from"),
        ({"x": np.arange(600) * np.append(np.nan, np.ones(599))}, "fewer than 10 values of the exposure are missing"),
        ({"x": np.ones(5)}, r"x \(5,\)"),
        ({"adjustment": np.ones(600)}, r"adjustment \(600,\)"),
    ],
)
def test_what_cannot_have_a_breakpoint_is_refused(asked, message):
    with pytest.raises(DesignError, match=message):
        invented(1).fit(**asked)


def test_a_model_without_an_estimate_is_refused_with_its_reason():
    people = invented(1)
    with pytest.raises(ConvergenceError, match="separation"):
        people.fit(adjustment=people.y[:, None])
