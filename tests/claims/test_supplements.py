"""The answers about supplements on an invented survey, whose nerves know nothing of supplements."""

import pandas as pd
import pytest

from analysis.claims.rows import COLUMNS
from analysis.claims.supplements import MEANS, SHARES, TERMS, SupplementAnswers, supplements
from analysis.data.people.supplement_traps import READINGS, misreadings, supplement_traps
from analysis.data.people.supplements import use_rows
from analysis.data.synthetic.truth import PLANTED
from analysis.study import CYCLES
from tests.people import people_of, survey_tables


@pytest.fixture(scope="module")
def tables(shared) -> dict[str, pd.DataFrame]:
    return shared.answer(survey_tables)


@pytest.fixture(scope="module")
def people(shared) -> pd.DataFrame:
    return shared.answer(people_of, 1, PLANTED)


@pytest.fixture(scope="module")
def answers(people) -> SupplementAnswers:
    return supplements(people)


def test_supplements_that_do_nothing_are_not_shown_to_do_anything(answers: SupplementAnswers) -> None:
    odds = answers.odds[answers.odds["kind"] == "odds_ratio"]
    by_kidneys = "a supplement with magnesium, by eGFR below 60"
    assert set(odds["what"]) == {*TERMS.values(), by_kidneys}
    assert tuple(odds) == COLUMNS
    assert (odds["conf_low"] < odds["odds_ratio"]).all()
    model_1 = odds[(odds["model"] == "1") & (odds["what"] != by_kidneys)]
    # Eight intervals of 95 %: that more than two miss a true odds ratio of 1 has a chance of 0.6 %.
    missing = (model_1["conf_low"] > 1) | (model_1["conf_high"] < 1)
    assert missing.sum() <= 2


def test_curves_stand_side_by_side_of_the_same_people(answers: SupplementAnswers) -> None:
    curves = answers.odds[answers.odds["kind"] == "curve"]
    of_each = curves.groupby(["group", "model"])["n"].nunique()
    assert (of_each == 1).all()
    assert set(curves["group"]) == {"use known", "use fully reported", "2003-2004"}
    fully = curves[curves["group"] == "use fully reported"]["n"].iloc[0]
    assert fully < curves[curves["group"] == "use known"]["n"].iloc[0]


def test_every_share_is_held_to_the_standards(answers: SupplementAnswers) -> None:
    shares = answers.amounts[answers.amounts["kind"] == "share"]
    assert set(shares["what"]) == set(SHARES)
    assert shares["reliable"].notna().all()
    assert ((shares["reason"] == "") == shares["reliable"].astype(bool)).all()
    assert (shares["n_effective"] <= shares["n"]).all()
    assert (shares["conf_low"] <= shares["estimate"]).all()


def test_means_add_up(answers: SupplementAnswers) -> None:
    means = answers.amounts[(answers.amounts["kind"] == "mean") & (answers.amounts["domain"] == "everybody")]
    mean = means.set_index("what")["estimate"]
    assert set(MEANS) == set(means["what"])
    antacid = mean["magnesium_total_mg"] - mean["magnesium_food_supplement_mg"]
    assert antacid == pytest.approx(mean["magnesium_antacid_mg"], rel=1e-9)


def test_a_share_of_a_handful_is_not_told(people: pd.DataFrame) -> None:
    few = people.assign(magnesium_antacid_use=people["magnesium_antacid_use"].where(people["cycle"] != 1999, 0.0))
    older = few.index[(few["cycle"] == 1999) & (few["age_years"] >= 20)][:9]
    few.loc[older, "magnesium_antacid_use"] = 1.0
    amounts = supplements(few).amounts
    row = amounts[(amounts["what"] == "magnesium_antacid_use") & (amounts["domain"] == "20 and older, 1999-2000")]
    assert row["count"].isna().item()


def test_an_id_that_products_have_lost_is_counted_and_named(tables, people) -> None:
    gone = tables["DSPI"]["DSDSUPID"].iloc[0]
    fewer = {**tables, "DSPI": tables["DSPI"].iloc[1:]}
    rows = use_rows(fewer)
    found = supplement_traps(fewer, rows, people)
    lost = found[found["what"] == "id no longer in DSPI"].set_index("cycle")
    uses = [tables[name].reset_index().drop_duplicates() for name in ("DSQFILE2", "DSQ2_B", "DSQ2_C")]
    used = sum((rows_of_cycle["DSDSUPID"] == gone).sum() for rows_of_cycle in uses)
    assert lost["n"].sum() == used > 0
    assert lost["detail"].tolist() == [gone] * len(CYCLES)


def test_counts_add_up_and_every_misreading_has_its_numbers(tables, people) -> None:
    rows = use_rows(tables)
    counts = supplement_traps(tables, rows, people)
    n = counts[counts["unit"] == "rows"].groupby("what")["n"].sum()
    assert n["all but repeated"] == len(rows)
    assert n["identical to another"] == 1
    assert n["magnesium"] == n["magnesium, supplement"] + n["magnesium, antacid"]
    found = misreadings(rows, people).set_index("reading")
    assert list(found.index) == list(READINGS)
    assert found.loc["label serving taken for one unit", "mean_mg"] > found.loc["as it is", "mean_mg"]
    assert found.loc["antacids, salt taken for magnesium", "mean_mg"] > 2 * found.loc["antacids as they are", "mean_mg"]
