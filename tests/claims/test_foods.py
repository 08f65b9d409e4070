"""Foods as sources of magnesium: a planted truth is found, few eaters are not told, the arithmetic is by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.foods import COLUMNS, foods
from analysis.data.foods.groups import food_groups
from analysis.data.foods.items import check_sums, food_items
from analysis.data.synthetic.foods import FOODS, REST
from analysis.data.synthetic.truth import PLANTED
from analysis.stats.disclosure import FEWEST_PEOPLE
from tests.people import people_of, survey_tables

ERRORS = 4.0
"""Design-based standard errors that an estimate may lie from the truth: by chance one in 4,000 does at 44 df, and
there are 84 comparisons."""

PUMPKIN_SEEDS, KALE = 43101100, 72119220


def planted_foods() -> dict[str, dict[str, float]]:
    """The truth by group: a food's expected share is its chance times its part of what those before it left."""
    left, planted = 1.0, {}
    for food in (*FOODS, REST):
        taken = food.chance * food.part
        planted[food.group] = {"share": left * taken, "ate": food.chance, "mg_per_100g": food.mg_per_100g}
        left *= 1 - taken
    return planted


@pytest.fixture(scope="module")
def survey(shared) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invented people and their items."""
    return shared.answer(people_of, 1, PLANTED), food_items(shared.answer(survey_tables))


@pytest.fixture(scope="module")
def found(survey) -> pd.DataFrame:
    return foods(*survey)


def recoded(survey, eaters: int, code: int) -> pd.DataFrame:
    """Items of which some adults' first nuts are another food."""
    people, items = survey
    adults = people.index[(people["age_years"] >= 40) & people["recall_reliable"] & (people["weight_dietary"] > 0)]
    positions = np.flatnonzero(items.index.isin(adults) & (items["food_code"] == 42116000))[:eaters]
    changed = items.copy()
    changed.iloc[positions, changed.columns.get_loc("food_code")] = code
    return changed


def test_invented_items_add_up_to_the_totals(survey):
    people, items = survey
    sums = check_sums(items, people)
    assert sums["people"].sum() == people["recall_reliable"].sum()
    assert (sums["without_items"] == 0).all()
    assert 0 < sums["largest_difference_mg"].iloc[0] <= 0.06


@pytest.mark.parametrize("what", ["share", "ate", "mg_per_100g"])
@pytest.mark.parametrize("group", planted_foods())
def test_planted_foods_are_found(found, group, what):
    truth = planted_foods()[group][what]
    rows = found[(found["group"] == group) & (found["what"] == what)]
    assert rows["domain"].tolist() == ["adults", "cohort"]
    assert (rows["estimate"] - truth).abs().le(ERRORS * rows["std_error"] + 1e-12).all()


def test_planted_shares_add_up():
    assert sum(truth["share"] for truth in planted_foods().values()) == pytest.approx(1.0)


def test_the_nine_kinds_are_everything(found):
    shares = found[(found["what"] == "share") & (found["role"] == "digit")].groupby("domain")["estimate"].sum()
    np.testing.assert_allclose(shares, 1.0, rtol=1e-12)


def test_the_articles_foods_are_the_sum_of_its_parts(found):
    shares = found[(found["what"] == "share") & (found["domain"] == "adults")].set_index("group")
    parts = shares[shares["role"] == "article"]["estimate"].sum()
    assert shares.loc["article", "estimate"] == pytest.approx(parts, rel=1e-12)


def test_shares_and_densities_are_ratios_of_totals(survey, found):
    people, items = survey
    adults = people[(people["age_years"] >= 20) & people["recall_reliable"]]
    weights = adults["weight_dietary"]
    eaten = items[items["food_code"] == 63107010].groupby(level=0)[["magnesium_mg", "grams"]].sum()
    eaten = eaten.reindex(adults.index).fillna(0.0)
    bananas = found[(found["group"] == "banana") & (found["domain"] == "adults")].set_index("what")
    everything = items.groupby(level=0)["magnesium_mg"].sum().reindex(adults.index)
    by_hand = (weights @ eaten["magnesium_mg"]) / (weights @ everything)
    assert bananas.loc["share", "estimate"] == pytest.approx(by_hand, rel=1e-12)
    density = 100 * (weights @ eaten["magnesium_mg"]) / (weights @ eaten["grams"])
    assert bananas.loc["mg_per_100g", "estimate"] == pytest.approx(density, rel=1e-12)
    assert (bananas["eaters"] == (eaten["grams"] > 0).sum()).all()


def test_every_group_has_its_rows_in_both_domains(found):
    assert tuple(found) == COLUMNS
    counted = found[found["role"].notna()].groupby(["domain", "group"]).size()
    assert len(counted) == 2 * len(food_groups())
    eaten = found[found["what"] == "mg_per_100g"].groupby("domain")["group"].agg(set)
    assert counted.eq(3).sum() == sum(map(len, eaten))


@pytest.mark.parametrize("group", ["quinoa", "chia"])
def test_a_food_that_nobody_ate_has_shares_of_zero_and_no_density(found, group):
    rows = found[(found["group"] == group)]
    assert set(rows["what"]) == {"share", "ate"}
    assert (rows["eaters"] == 0).all()
    assert (rows["estimate"] == 0).all()
    assert rows["conf_low"].isna().all()


@pytest.mark.parametrize(("eaters", "told"), [(FEWEST_PEOPLE - 1, False), (FEWEST_PEOPLE, True)])
def test_what_few_ate_is_not_told(survey, eaters, told):
    found = foods(survey[0], recoded(survey, eaters, KALE))
    rows = found[(found["group"] == "kale") & (found["domain"] == "adults")]
    numbers = rows[["estimate", "std_error", "conf_low", "conf_high", "eaters"]]
    assert len(rows) == 3
    assert numbers.notna().all(axis=None) if told else numbers.isna().all(axis=None)


def test_a_share_that_the_standards_refuse_is_marked(survey):
    """Bananas eaten in one sampling unit of a stratum that stands for a large part of the country."""
    people, items = survey
    heavy = people["strata"] == people["strata"].iloc[0]
    weights = [name for name in people if name.startswith("weight_dietary_") and name.endswith("yr")]
    uneven = people.assign(**people[weights].mul(np.where(heavy, 30.0, 1.0), axis="index"))
    there = people.index[heavy & (people["psu"] == 1)]
    bananas = (items["food_code"] == 63107010) & ~items.index.isin(there)
    found = foods(uneven, items.assign(food_code=items["food_code"].mask(bananas, 58106220)))
    ate = found[(found["what"] == "ate") & (found["group"] == "banana")]
    assert ate["unreliable"].str.startswith("effective n").all()
    assert found.loc[~found["what"].isin(["share", "ate"]), "unreliable"].isna().all()


def test_no_share_of_the_whole_survey_is_marked(found):
    shares = found[found["what"].isin(["share", "ate"]) & found["estimate"].notna()]
    assert (shares["unreliable"] == "").all()


def test_a_person_without_items_counts_as_one_who_ate_nothing(survey, found):
    people, items = survey
    somebody = people.index[(people["age_years"] >= 40) & people["recall_reliable"]][0]
    fasted = people.copy()
    fasted.loc[somebody, "magnesium_mg"] = 0.0
    left = items[items.index != somebody]
    check_sums(left, fasted)
    after = foods(fasted, left)
    mixed = [one[(one["group"] == "mixed_27_58") & (one["what"] == "ate")].iloc[0] for one in (found, after)]
    assert mixed[0]["n"] == mixed[1]["n"]
    assert mixed[1]["eaters"] == mixed[0]["eaters"] - 1
    assert mixed[1]["estimate"] < mixed[0]["estimate"] == 1


def test_the_difference_of_odds_ratios_is_that_of_their_logarithms(found):
    for model, rows in found[found["what"] == "odds_ratio_per_100mg"].groupby("model"):
        ratios = rows.set_index("group")
        assert ratios.loc["article - other", "estimate"] == pytest.approx(
            ratios.loc["article", "estimate"] - ratios.loc["other", "estimate"], rel=1e-9
        ), model
        np.testing.assert_allclose(ratios["odds_ratio"], np.exp(ratios["estimate"]), rtol=1e-12)
        assert (ratios["conf_low"] < ratios["odds_ratio"]).all()
        assert (ratios["odds_ratio"] < ratios["conf_high"]).all()
