"""Regressions whose common columns are made ready once: each is the careful single fit, or fails with its reason."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression import quasi_newton, shared
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import coefficient_influence
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.regression.shared import own_part, shared_columns
from analysis.stats.sample.design import DesignError, between_psu
from tests.arrays import Sample, clustered_sample
from tests.stats.regression.test_quick import assert_same_coefficients

OWN = (1,)
"""Position of the sample's x, which is replaced by own columns; the intercept, group and place are common."""

PER_ROW = ("strata", "psu", "weights", "X", "y", "rows")

seeds = st.integers(0, 9999)


def assert_same(ours, theirs):
    """That own coefficients are those of the careful fit, and what they say of the whole regression."""
    part = own_part(theirs, ours.terms)
    assert_same_coefficients(ours, part)
    assert part.residual_df == theirs.residual_df
    std_error = np.sqrt(np.diag(part.vcov))
    np.testing.assert_allclose(ours.totals / std_error, part.totals / std_error, atol=1e-9)


def base_of(sample: Sample) -> Regression:
    """The sample's regression without its own column."""
    domain = sample.domain()
    common = [position for position in range(sample.X.shape[1]) if position not in OWN]
    terms = tuple(sample.terms[position] for position in common)
    return Regression(sample.X[np.ix_(domain.rows, common)], sample.y[domain.rows], domain, terms)


def with_own(sample: Sample, columns: np.ndarray) -> Sample:
    """The sample's regression with own columns, one a column of (n, k)."""
    X = np.hstack([sample.X[:, :1], columns, sample.X[:, 2:]])
    names = tuple(f"own_{k}" for k in range(columns.shape[1]))
    return replace(sample, X=X, terms=(sample.terms[0], *names, *sample.terms[2:]))


def beside(sample: Sample, columns: np.ndarray):
    """The same by common columns made ready."""
    (ready,) = shared_columns([base_of(sample)], sample.design())
    return ready.fit(columns[sample.rows], tuple(f"own_{k}" for k in range(columns.shape[1])))


def easy(seed: int) -> Sample:
    return clustered_sample(seed, psus_in_stratum=(5, 5, 5))


@pytest.mark.parametrize(
    ("rows", "terms"),
    [(slice(None), ("own_0",)), (slice(0, -1), ("own_0",)), (None, ("own_0", "own_1")), (None, ())],
    ids=["the whole sample's", "one too few", "one name too many", "no name"],
)
def test_own_columns_of_other_people_or_names_are_refused(rows, terms):
    """Among them those of everybody sampled, of whom the first would be taken for the domain's."""
    sample = easy(3)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    columns = sample.X[:, OWN]
    own = columns[sample.rows] if rows is None else columns if rows == slice(None) else columns[sample.rows][rows]
    with pytest.raises(DesignError, match=rf"own columns \({len(own)}, 1\): expected \({sample.rows.sum()}, "):
        ready.fit(own, terms)


@given(seeds)
def test_a_fit_beside_common_columns_is_the_careful_fit(seed):
    sample = easy(seed)
    assert_same(beside(sample, sample.X[:, 1:2]), with_own(sample, sample.X[:, 1:2]).fit())


@given(seeds)
def test_every_one_of_several_is_the_careful_fit(seed):
    sample, rng = easy(seed), np.random.default_rng(seed)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    for _ in range(4):
        knots = np.sort(rng.uniform(-1.5, 1.5, 4)) + [0, 0.2, 0.4, 0.6]
        own = RestrictedCubicSpline(knots).basis(sample.X[:, 1])
        careful = with_own(sample, own)
        try:
            expected = careful.fit()
        except ConvergenceError:  # knots beyond the data
            with pytest.raises(ConvergenceError):
                ready.fit(own[sample.rows], careful.terms[1:4])
            continue
        assert_same(ready.fit(own[sample.rows], careful.terms[1:4]), expected)


def fits_of_a_jump(seed: int, changed: int, patched: list[tuple[str, str, object]]) -> None:
    """A line that jumps at somebody: they are taken to be below the jump, then above it; each is the careful fit.

    ``patched`` is an owner, a name of its own and what stands there instead from the second fit on.
    """
    sample, rng = easy(seed), np.random.default_rng(seed)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    above = sample.X[:, 1] > 0
    for turn in range(3):
        own = np.column_stack([sample.X[:, 1], above])
        careful = with_own(sample, own)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shared, "FEW_CHANGED", 0.05)  # of some two hundred
            for owner, name, instead in patched if turn else []:
                patch.setattr({"ready": ready, "last": shared._Last, "shared": shared}[owner], name, instead)
            found = ready.fit(own[sample.rows], careful.terms[1:3])
        assert_same(found, careful.fit())
        above[rng.choice(np.flatnonzero(sample.rows), changed, replace=False)] ^= True


@given(seeds, st.integers(1, 3))
def test_a_fit_in_which_few_people_changed_since_the_one_before_is_the_careful_fit(seed, changed):
    fits_of_a_jump(seed, changed, [("ready", "_join", plain)])  # own columns are not made orthogonal again


@given(seeds)
def test_a_fit_that_cannot_begin_where_the_last_ended_begins_anew(seed):
    fits_of_a_jump(seed, 1, [("last", "with_changed", lambda *_: None), ("shared", "fit_quickly", plain)])


def test_a_fit_in_which_one_person_changed_takes_two_passes_of_the_data(monkeypatch):
    """The first step is known without one, and with an information that is right but for that step it is nearly all."""
    sample = clustered_sample(8, psus_in_stratum=(40, 40, 40))
    (ready,) = shared_columns([base_of(sample)], sample.design())
    own = sample.X[sample.rows, 1:2].copy()
    ready.fit(own, ("own_0",))
    own[np.abs(own[:, 0]).argmin()] += 0.1
    monkeypatch.setattr(quasi_newton, "STEPS", 2)
    monkeypatch.setattr(shared, "fit_quickly", plain)
    assert ready.fit(own, ("own_0",)).n == len(own)


def test_a_fit_whose_change_takes_the_last_information_fails_as_the_single_fit_does():
    sample = easy(6)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    own = np.zeros((sample.y.size, 1))
    own[np.flatnonzero(sample.rows & (sample.y == 1))[:1]] = own[np.flatnonzero(sample.rows & (sample.y == 0))[:1]] = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "FEW_CHANGED", 0.05)
        ready.fit(own[sample.rows], ("own_0",))
        with pytest.raises((DesignError, ConvergenceError)) as told:
            ready.fit(np.zeros((int(sample.rows.sum()), 1)), ("own_0",))
    with pytest.raises(told.type, match=re.escape(str(told.value))):
        with_own(sample, np.zeros((sample.y.size, 1))).fit()


@pytest.mark.parametrize("shuffled", [False, True], ids=["in the order of PSUs", "in another order"])
def test_own_columns_written_over_by_their_owner_are_fitted_as_they_are_now(shuffled):
    sample = easy(5)
    if shuffled:
        order = np.random.default_rng(5).permutation(len(sample.y))
        sample = replace(sample, **{name: getattr(sample, name)[order] for name in PER_ROW})
    (ready,) = shared_columns([base_of(sample)], sample.design())
    own = sample.X[sample.rows, 1:2].copy()
    ready.fit(own, ("own_0",))
    own[:, 0] = np.abs(own[:, 0])
    assert_same(ready.fit(own, ("own_0",)), with_own(sample, np.abs(sample.X[:, 1:2])).fit())


def test_own_columns_of_yes_and_no_may_change_too():
    sample = easy(6)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    above = sample.X[:, 1:2] > 0
    for turn in range(2):
        above[np.flatnonzero(sample.rows)[turn]] ^= True
        assert_same(ready.fit(above[sample.rows], ("own_0",)), with_own(sample, above.astype(float)).fit())


def test_the_quick_way_is_taken(monkeypatch):
    sample = easy(3)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    monkeypatch.setattr(shared, "fit_quickly", plain)
    assert ready.fit(sample.X[sample.rows, 1:2], ("own_0",)).n == sample.rows.sum()


def plain(*_, **__):
    raise AssertionError("plain fit of an easy model")


def test_the_plain_way_is_taken_where_the_quick_one_does_not_settle(monkeypatch):
    sample = easy(4)
    monkeypatch.setattr(quasi_newton, "STEPS", 1)
    assert_same(beside(sample, sample.X[:, 1:2]), with_own(sample, sample.X[:, 1:2]).fit())


def separating(sample: Sample, *, everybody: bool) -> np.ndarray:
    """An own column that separates: it is the outcome, or marks a few of whom nobody has it."""
    if everybody:
        return sample.y[:, None]
    return ((sample.y == 0) & (np.arange(sample.y.size) % 3 == 0)).astype(float)[:, None]


def redundant(sample: Sample) -> np.ndarray:
    return np.column_stack([sample.X[:, 1], 2 * sample.X[:, 1] - 3 * sample.X[:, 2]])


@pytest.mark.parametrize(
    "own",
    [
        lambda sample: separating(sample, everybody=True),
        lambda sample: separating(sample, everybody=False),
        redundant,
        lambda sample: np.ones((sample.y.size, 1)),
        lambda sample: np.zeros((sample.y.size, 1)),
    ],
    ids=["separated", "a cell without the outcome", "redundant", "constant", "nothing"],
)
def test_what_has_no_estimate_says_so_as_the_single_fit_does(own):
    sample = easy(6)
    careful = with_own(sample, own(sample))
    with pytest.raises(ConvergenceError) as expected:
        careful.fit()
    with pytest.raises(ConvergenceError) as found:
        beside(sample, own(sample))
    assert str(found.value) == str(expected.value)


def test_a_fit_that_fails_leaves_the_next_one_whole():
    sample = easy(7)
    (ready,) = shared_columns([base_of(sample)], sample.design())
    with pytest.raises(ConvergenceError):
        ready.fit(separating(sample, everybody=False)[sample.rows], ("own_0",))
    own = sample.X[:, 1:2]
    assert_same(ready.fit(own[sample.rows], ("own_0",)), with_own(sample, own).fit())


def test_too_few_psus_are_refused_as_by_the_single_fit():
    sample = clustered_sample(5, psus_in_stratum=(3, 3))
    own = RestrictedCubicSpline(np.array([-1.0, -0.3, 0.3, 1.0])).basis(sample.X[:, 1])
    with pytest.raises(DesignError, match="leave no residual degree of freedom"):
        beside(sample, own)


def test_common_columns_without_an_estimate_are_not_made_ready():
    sample = easy(8)
    base = base_of(sample)
    known = replace(base, X=np.column_stack([base.X, base.y]), terms=(*base.terms, "y"))
    assert shared_columns([known, base], sample.design()) == [None, None]


@given(seeds)
def test_common_columns_made_ready_at_the_regression_of_fewer_fit_as_well(seed):
    sample = easy(seed)
    base = base_of(sample)
    fewer = Regression(base.X[:, :2], base.y, base.domain, base.terms[:2])
    _, ready = shared_columns([fewer, base], sample.design())
    own = sample.X[:, 1:2]
    assert_same(ready.fit(own[sample.rows], ("own_0",)), with_own(sample, own).fit())


@given(seeds)
def test_totals_of_every_fit_are_those_of_the_influence_values(seed):
    sample = easy(seed)
    design, domain = sample.design(), sample.domain()
    careful = with_own(sample, sample.X[:, 1:2])
    model = Regression(careful.X[domain.rows], careful.y[domain.rows], domain, careful.terms)
    for fit in (careful.fit(), fit_quickly(model, design)):
        influence = coefficient_influence(fit, model.X, model.y, design=design, domain=domain)
        np.testing.assert_allclose(fit.totals, design.psu_sums @ influence, rtol=1e-7, atol=1e-9 * fit.totals.std())
        np.testing.assert_allclose(fit.vcov, between_psu(fit.totals, design), rtol=1e-12)
