"""A name that is not known is answered with those it resembles or all; a refusal names its part of a stage."""

import pytest

from analysis.errors import expected_one_of, naming
from analysis.study import StudyError

NAMES = ["age_years", "height_cm", "has_diabetes", "told_diabetes", "total_fat_g", "saturated_fat_g", "pulse_per_min"]


@pytest.mark.parametrize(
    ("got", "suggested"),
    [
        ("hieght_cm", "height_cm"),
        ("age", "age_years"),
        ("AGE", "age_years"),
        ("years", "age_years"),
        ("diabetes", "has_diabetes or told_diabetes"),
        ("fat", "total_fat_g or saturated_fat_g"),
        ("per_min", "pulse_per_min"),
    ],
)
def test_a_name_is_answered_with_those_it_resembles_or_is_a_word_of(got: str, suggested: str) -> None:
    assert expected_one_of(got, NAMES) == f"expected one of 7 names; did you mean {suggested}?"


def test_a_name_that_is_both_is_suggested_once() -> None:
    assert expected_one_of("height", NAMES) == "expected one of 7 names; did you mean height_cm?"


@pytest.mark.parametrize("got", ["", "shoe_size", "ag", "iabete", "_"])
def test_a_name_unlike_all_others_is_answered_with_all_of_them(got: str) -> None:
    assert expected_one_of(got, NAMES) == f"expected one of {', '.join(NAMES)}."


def test_a_word_of_very_many_names_tells_too_little_to_choose_among_them() -> None:
    names = [f"fatty_acid_{k}" for k in range(9)]
    assert expected_one_of("acid", names) == f"expected one of {', '.join(names)}."
    assert expected_one_of("acid", names[:8]) == f"expected one of 8 names; did you mean {' or '.join(names[:8])}?"


def test_a_refusal_names_its_part_of_a_stage_and_stays_of_its_kind() -> None:
    with pytest.raises(StudyError, match=r"^model 2: nobody is left$"), naming("model 2"):
        raise StudyError("nobody is left")
    with pytest.raises(KeyError, match="^'nobody'$"), naming("model 2"):
        raise KeyError("nobody")
