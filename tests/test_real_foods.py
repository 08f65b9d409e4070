"""The recalled foods of the real files: counts, sums, groups and estimates are those of an independent derivation.

Marked ``real``: they need what `make foods` builds. Run by `make test-real`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.claims.foods import foods
from analysis.data.foods.groups import food_groups, membership
from analysis.data.foods.items import check_sums
from analysis.pipeline.folders import Folders
from analysis.pipeline.foods import read_foods
from analysis.pipeline.participants import read_participants

pytestmark = [pytest.mark.real, pytest.mark.reference]

ROOT = Path(__file__).parents[1]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")
REFERENCE = ROOT / "tests" / "reference" / "real"

RTOL = 1e-9
"""Relative; R's settled fit and ours are 1e-12 apart, and sums of 402,008 rows in another order less."""


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return read_participants(FOLDERS)[0]


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return read_foods(FOLDERS)


@pytest.fixture(scope="module")
def found(people, items) -> pd.DataFrame:
    return foods(people, items)


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "foods.csv")


def test_items_are_402008_and_add_up_to_the_totals(people, items):
    sums = check_sums(items, people).set_index("cycle")
    assert sums["items"].tolist() == [127840, 143004, 131164]
    assert sums["people"].tolist() == [8604, 9701, 8894]
    assert sums["largest_difference_mg"].round(6).tolist() == [0.06, 0, 0]


def test_few_reliable_people_have_no_item(people, items):
    sums = check_sums(items, people)
    assert sums["without_items"].isna().all()  # fewer than 10 in each cycle, so not told
    reliable = people.index[people["recall_reliable"]]
    assert 0 < len(reliable.difference(items.index)) < 10


def test_as_many_codes_of_each_group_were_recalled_as_the_protocol_lists(items):
    listed = pd.read_csv(REFERENCE / "food_codes.csv", index_col="group")["codes"]
    recalled = membership(items["food_code"].unique(), food_groups()).sum()
    assert recalled[listed.index].to_dict() == listed.to_dict()


@pytest.mark.parametrize("what", ["mean_mg", "share", "mg_per_100g", "ate"])
def test_shares_densities_and_eaters_are_the_reference(found, reference, what):
    keys = ["domain", "group"]
    theirs = reference[reference["what"] == what].fillna({"group": ""}).set_index(keys)
    ours = found[found["what"] == what].fillna({"group": ""}).set_index(keys).loc[theirs.index]
    assert len(theirs) == len(ours) > 1
    assert (ours["n"] == theirs["n"]).all()
    np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=RTOL)
    if what != "mean_mg":
        assert (ours["eaters"] == theirs["eaters"]).all()
        np.testing.assert_allclose(ours["std_error"], theirs["std_error"], rtol=RTOL)


def test_odds_ratios_of_the_articles_foods_are_the_reference(found, reference):
    theirs = reference[reference["what"] == "log_odds_ratio"].set_index("group")
    ours = found[(found["what"] == "odds_ratio_per_100mg") & (found["model"] == "1")].set_index("group")
    ours = ours.loc[theirs.index]
    for exact in ("n", "cases", "df"):
        assert (ours[exact] == theirs[exact]).all()
    for close in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(ours[close], theirs[close], rtol=RTOL)


@pytest.mark.parametrize("group", ["kale", "chard"])
def test_kale_and_chard_were_eaten_by_too_few_to_tell(found, group):
    rows = found[found["group"] == group]
    assert len(rows) == 6
    assert rows[["estimate", "std_error", "conf_low", "conf_high", "eaters"]].isna().all(axis=None)
