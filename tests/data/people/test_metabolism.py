"""Basal metabolic rate and Goldberg's limits by hand, and recalled days as the three codebooks code them."""

import numpy as np
import pytest

from analysis.data.people.harmonise import harmonise
from analysis.data.people.metabolism import PLAUSIBLE, basal_metabolic_rate, goldberg_limits
from tests.people import NAN, raw_tables

pytestmark = pytest.mark.reference


@pytest.mark.parametrize(
    ("age", "female", "rate"),
    [(59, False, 1691.0), (60, False, 1432.0), (59, True, 1438.0), (60, True, 1331.0)],
)
def test_rates_of_70_kg_by_hand(age: float, female: bool, rate: float) -> None:
    found = basal_metabolic_rate(np.array([70.0]), age_years=np.array([age]), female=np.array([female]))
    np.testing.assert_array_equal(found, [rate])


def test_limits_of_one_day_are_two_standard_deviations_and_not_1_96() -> None:
    assert PLAUSIBLE == (0.87, 2.75)
    assert goldberg_limits(deviations=1.96) == (0.88, 2.72)


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({"RIDAGEYR": 45, "RIAGENDR": 1, "BMXWT": 70}, 1691.0),
        ({"RIDAGEYR": 45, "RIAGENDR": 2, "BMXWT": 70}, 1438.0),
        ({"RIDAGEYR": 29, "RIAGENDR": 2, "BMXWT": 70}, NAN),  # the equations are for 30 years and older
        ({"RIDAGEYR": 45, "RIAGENDR": 1, "BMXWT": NAN}, NAN),
    ],
)
def test_energy_over_basal_metabolic_rate(person: dict[str, float], expected: float) -> None:
    frame = harmonise(raw_tables([{"cycle": 2003, "DR1TKCAL": 2000, **person}]))
    np.testing.assert_allclose(frame["ei_bmr"], 2000 / expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("cycle", "column", "usual"),
    [
        (1999, "DRQ300", {1: 1, 2: 0, 3: 0, 9: NAN}),
        (2001, "DRD300", {1: 0, 2: 1, 3: 0, 9: NAN}),
        (2003, "DR1_300", {1: 0, 2: 1, 3: 0, 9: NAN}),
    ],
)
def test_a_usual_day_is_code_1_of_1999_and_code_2_later(cycle: int, column: str, usual: dict[int, float]) -> None:
    tables = raw_tables([{"cycle": cycle, column: code} for code in usual])
    np.testing.assert_array_equal(harmonise(tables)["recall_usual"], list(usual.values()))
