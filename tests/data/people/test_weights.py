"""Weights of several cycles taken together, by NCHS's rule and by hand."""

import pytest

from analysis.data.people.weights import pooled_weight
from analysis.study import CYCLES
from tests.people import NAN, participants

HAND = 1e-12
"""Relative tolerance of sums done by hand: the same doubles, added or multiplied in another order."""

WEIGHED = [
    {
        "cycle": 1999,
        "weight_dietary_2yr": 30.0,
        "weight_dietary_4yr": 12.0,
        "weight_mec_2yr": 24.0,
        "weight_mec_4yr": 9.0,
    },
    {
        "cycle": 2001,
        "weight_dietary_2yr": 36.0,
        "weight_dietary_4yr": 15.0,
        "weight_mec_2yr": 27.0,
        "weight_mec_4yr": 6.0,
    },
    {
        "cycle": 2003,
        "weight_dietary_2yr": 42.0,
        "weight_dietary_4yr": NAN,
        "weight_mec_2yr": 33.0,
        "weight_mec_4yr": NAN,
    },
]
"""One person a cycle; the four-year weight is not half the two-year weight, so that the two cannot be confused."""


@pytest.mark.reference
@pytest.mark.parametrize(
    ("cycles", "dietary", "mec"),
    [
        ((1999, 2001, 2003), [12 * 2 / 3, 15 * 2 / 3, 42 / 3], [9 * 2 / 3, 6 * 2 / 3, 33 / 3]),
        ((1999, 2001), [12, 15, 0], [9, 6, 0]),
        ((1999, 2003), [30 / 2, 0, 42 / 2], [24 / 2, 0, 33 / 2]),
        ((2001, 2003), [0, 36 / 2, 42 / 2], [0, 27 / 2, 33 / 2]),
        ((1999,), [30, 0, 0], [24, 0, 0]),
        ((2001,), [0, 36, 0], [0, 27, 0]),
        ((2003,), [0, 0, 42], [0, 0, 33]),
    ],
    ids=str,
)
def test_first_two_cycles_pool_by_their_four_year_weight_and_any_other_by_its_two_year_weight(
    cycles: tuple[int, ...], dietary: list[float], mec: list[float]
) -> None:
    frame = participants(WEIGHED)
    assert pooled_weight(frame, weights="dietary", cycles=cycles).tolist() == pytest.approx(dietary, rel=HAND)
    assert pooled_weight(frame, weights="mec", cycles=cycles).tolist() == pytest.approx(mec, rel=HAND)


@pytest.mark.parametrize(
    ("cycles", "ones"), [((1999, 2001, 2003), [1, 1, 1]), ((2001,), [0, 1, 0]), ((1999, 2003), [1, 0, 1])], ids=str
)
def test_without_weights_everybody_in_the_pooled_cycles_counts_one(cycles: tuple[int, ...], ones: list[int]) -> None:
    assert pooled_weight(participants(WEIGHED), weights="none", cycles=cycles).tolist() == ones


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize("weights", ["dietary", "mec"])
@pytest.mark.parametrize("cycles", [CYCLES, None], ids=["pooled", "alone"])
def test_a_missing_weight_is_zero(cycle: int, weights: str, cycles: tuple[int, ...] | None) -> None:
    nobody = {f"weight_{kind}_{years}": NAN for kind in ("dietary", "mec") for years in ("2yr", "4yr")}
    frame = participants([{"cycle": cycle}], **nobody)
    assert pooled_weight(frame, weights=weights, cycles=cycles or (cycle,)).tolist() == [0.0]


def test_only_the_missing_kind_of_weight_becomes_zero() -> None:
    frame = participants([{**WEIGHED[2], "weight_dietary_2yr": NAN}])
    assert pooled_weight(frame, weights="dietary", cycles=(2003,)).tolist() == [0]
    assert pooled_weight(frame, weights="mec", cycles=(2003,)).tolist() == [33]
