"""Food codes fall into the groups of the protocol, and people's intakes add up by group."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.foods.groups import FoodError, food_groups, group_intakes, membership, read_food_groups

SPINACH, ALMOND_BUTTER, COCONUT, PSYLLIUM, PEANUT = 72125200, 42200500, 42106000, 43105000, 42111100
MILK, PIZZA, FRANKFURTER_DISH, BEEF, RYE, DARK, MILKY = (
    11111000, 58106210, 27500000, 21000000, 51300110, 91705300, 91705010,
)  # fmt: skip

GROUPS = {
    SPINACH: {"leafy", "spinach", "article", "digit_7"},
    ALMOND_BUTTER: {"nuts", "almonds", "nuts_seeds", "article", "digit_4"},
    PEANUT: {"nuts", "peanuts", "nuts_seeds", "article", "digit_4"},
    COCONUT: {"digit_4"},
    PSYLLIUM: {"digit_4"},
    MILK: {"milk", "digit_1"},
    PIZZA: {"mixed_27_58", "digit_5"},
    FRANKFURTER_DISH: {"mixed_27_58", "digit_2"},
    BEEF: {"meat_poultry_fish", "digit_2"},
    RYE: {"whole_grain", "bread_rolls", "article", "digit_5"},
    DARK: {"dark_chocolate", "article", "digit_9"},
    MILKY: {"milk_chocolate", "digit_9"},
    56205110: {"brown_rice", "whole_grain", "whole_grain_100", "article", "digit_5"},
    56203000: {"oatmeal", "whole_grain", "whole_grain_100", "article", "digit_5"},
    41304990: {"lentils", "legumes", "article", "digit_4"},
}
"""By hand from the protocol's beginnings of codes and its list of whole grains."""


def items(*rows: tuple[int, int, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["SEQN", "food_code", "grams", "magnesium_mg"])
    return frame.set_index("SEQN")


@pytest.mark.reference
@pytest.mark.parametrize("code", GROUPS)
def test_a_code_is_in_the_groups_that_the_protocol_gives_it(code):
    belongs = membership(np.array([code]), food_groups()).loc[code]
    assert set(belongs.index[belongs]) == GROUPS[code]


@pytest.mark.reference
def test_whole_grains_are_the_protocols_128_codes_of_which_64_are_100_percent():
    groups = food_groups()
    assert len(groups["whole_grain"].codes) == 128
    assert len(groups["whole_grain_100"].codes) == 64
    assert groups["whole_grain_100"].codes < groups["whole_grain"].codes
    assert groups["brown_rice"].codes <= groups["whole_grain"].codes


def test_quinoa_and_chia_have_no_code():
    everything = membership(np.arange(10_000_000, 99_999_999, 12_345), food_groups())
    assert not everything[["quinoa", "chia"]].any(axis=None)


def test_the_articles_foods_do_not_overlap():
    groups = food_groups()
    written = np.array(sorted({code for group in groups.values() for code in group.codes} | set(GROUPS)))
    named = [name for name, group in groups.items() if group.role == "article"]
    assert membership(written, groups)[named].sum(axis="columns").max() == 1


def test_intakes_add_up_by_person_and_a_person_without_items_has_none():
    eaten = items((2, SPINACH, 50.0, 40.0), (2, PEANUT, 30.0, 50.0), (2, SPINACH, 25.0, 20.0), (3, MILK, 200.0, 24.0))
    found = group_intakes(eaten, pd.Index([3, 1, 2]))
    leafy, nuts, article = (found.column(name) for name in ("leafy", "nuts", "article"))
    assert found.magnesium_mg[:, leafy].tolist() == [0, 0, 60]
    assert found.grams[:, leafy].tolist() == [0, 0, 75]
    assert found.magnesium_mg[:, article].tolist() == [0, 0, 110]
    assert found.ate[:, nuts].tolist() == [False, False, True]
    assert found.total_mg.tolist() == [24, 0, 110]
    assert found.items.tolist() == [1, 0, 3]


def test_missing_amounts_count_as_none_but_the_food_was_eaten():
    found = group_intakes(items((1, SPINACH, np.nan, np.nan)), pd.Index([1]))
    assert found.total_mg.tolist() == [0]
    assert found.ate[0, found.column("spinach")]


def test_nobody_at_all_ate():
    found = group_intakes(items().astype({"food_code": int}), pd.Index([1, 2]))
    assert found.total_mg.tolist() == [0, 0]
    assert not found.ate.any()


def test_items_of_somebody_else_are_refused():
    with pytest.raises(FoodError, match="1 food items are of people whom the demographic files lack"):
        group_intakes(items((9, SPINACH, 1.0, 1.0)), pd.Index([1]))


HEAD = "group,label,role,first_digits,but_not,members\n"


@pytest.mark.parametrize(
    ("groups", "codes", "told"),
    [
        (HEAD + "a,A,friend,72,,\n", "group,code\n", "the role 'friend'"),
        (HEAD + "a,A,article,7x,,\n", "group,code\n", "'7x' is no food code"),
        (HEAD + "a,A,article,721234567,,\n", "group,code\n", "'721234567' is no food code"),
        (HEAD + "a,A,article,72,,\n", "group,code\na,7212\n", "'7212' is no food code"),
        (HEAD + "a,A,article,72,,\n", "group,code\nb,72125200\n", "codes of b, which groups.csv lacks"),
        (HEAD + "a,A,union,,,b\n", "group,code\n", "made of b"),
        ("group,label\na,A\n", "group,code\n", "has the columns"),
    ],
)
def test_a_spoilt_registry_is_refused(tmp_path, groups, codes, told):
    (tmp_path / "groups.csv").write_text(groups)
    (tmp_path / "codes.csv").write_text(codes)
    with pytest.raises(FoodError, match=told):
        read_food_groups(tmp_path)


def test_a_missing_registry_is_refused(tmp_path):
    with pytest.raises(FoodError, match="cannot be read"):
        read_food_groups(tmp_path)
