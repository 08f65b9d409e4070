"""Supplements on the real files: the numbers of an independent derivation in R and Python."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.claims.rows import GRID
from analysis.claims.supplements import SupplementAnswers, supplements
from analysis.data.people.cohort import select_cohort
from analysis.data.people.harmonise import needed_columns
from analysis.data.people.supplement_traps import misreadings, supplement_traps
from analysis.data.people.supplements import reported_medians, use_rows
from analysis.data.source.reading import read_table
from analysis.dose_response.problem import declare_design, pose
from analysis.pipeline.participants import read_participants
from analysis.stats.sample.descriptives import weighted_mean
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.study import PRIMARY, Study
from tests.reference_numbers import FOLDER
from tests.test_real import FOLDERS

pytestmark = [pytest.mark.real, pytest.mark.reference]

RTOL = 1e-6
"""Estimates are given to 15 digits; R's standard errors are those of its last but one iteration (3e-7)."""

RTOL_P = 2e-5
"""A tail probability magnifies its statistic's error, by about the statistic squared."""

ROUNDED = 0.005
"""Means of misreadings are given with two decimals."""

KNOWN: dict[str, Any] = json.loads((FOLDER / "real" / "claims_supplements.json").read_text())
CYCLES = {"A": 1999, "B": 2001, "C": 2003}
HYDROXIDE = 58.3197 / 24.305

COUNTS = {
    "people": ("have a row", "people"), "unmatched_rows": ("no match, refused or unknown product", "rows"),
    "unmatched_people": ("have no match, a refused or unknown product", "people"),
    "unmatched_people_40": ("have no match, a refused or unknown product, 40 or older", "people"),
    "default_rows": ("default product", "rows"), "generic_rows": ("generic product", "rows"),
    "antacid_rows": ("antacid", "rows"), "mg_rows": ("magnesium", "rows"),
    "mg_rows_supplement": ("magnesium, supplement", "rows"), "mg_rows_antacid": ("magnesium, antacid", "rows"),
    "mg_products": ("magnesium", "products"), "mg_rows_default": ("magnesium of a default product", "rows"),
    "mg_rows_generic": ("magnesium of a generic product", "rows"), "duplicates": ("identical to another", "rows"),
    "imputed_rows_supplement": ("magnesium, supplement, times or servings not reported", "rows"),
    "imputed_rows_antacid": ("magnesium, antacid, times or servings not reported", "rows"),
    "unit_mismatch_rows": ("magnesium, units that cannot be compared", "rows"),
    "unknown_amount_products_rows": ("magnesium of unknown amount", "rows"),
    "implausible_freq": ("count a day that cannot be", "rows"),
    "users_supplement": ("magnesium, supplement", "people"), "users_antacid": ("magnesium, antacid", "people"),
    "users_supplement_40": ("magnesium, supplement, 40 or older", "people"),
    "users_antacid_40": ("magnesium, antacid, 40 or older", "people"), "unknown_use": ("use not known", "people"),
    "answered_yes_no_product": ("answered yes, without a row of a supplement", "people"),
    "answered_no_but_supp": ("answered no, though they have a row of a supplement", "people"),
    "answered_no_but_antacid": ("answered no, though they have a row of an antacid", "people"),
}  # fmt: skip

READINGS = {
    "right": "as it is",
    "no_serving_size": "label serving taken for one unit",
    "missing_frequency_is_zero": "not reported taken for none",
    "missing_frequency_is_30_times": "not reported taken for daily",
    "ignore_frequency": "everything taken for daily",
    "right_1999": "1999-2000 as it is",
    "1999_count_read_as_days": "1999-2000 count taken for days",
    "units_mismatch_quantity_as_servings": "units that differ: quantity taken for servings",
    "antacid_right": "antacids as they are",
    "antacid_missing_frequency_as_30": "antacids, not reported taken for daily",
}

CURVES = {
    "food_supp": ("food and supplements", "use known", "1"), "food_supp_m2": ("food and supplements", "use known", "2"),
    "total": ("food, supplements and antacids", "use known", "1"), "food_same_people": ("food", "use known", "1"),
    "total_C": ("food, supplements and antacids", "2003-2004", "1"),
}  # fmt: skip
STUDIES = {
    "food": Study(),
    "food_supp": Study(exposure="magnesium_food_supplement_mg"),
    "total": Study(exposure="magnesium_total_mg"),
    "food_same_people": Study(where="supplement_use_known"),
    "total_C": Study(exposure="magnesium_total_mg", cycles=(2003,)),
}
TERMS = {
    "supp_use_m1": ("a supplement with magnesium", "1"), "supp_use_m2": ("a supplement with magnesium", "2"),
    "antacid_mg_use_m1": ("an antacid with magnesium", "1"), "antacid_any_m1": ("any antacid", "1"),
    "supp_gt350_m1": ("supplemental magnesium above 350 mg", "1"),
    "supp_antacid_gt350_m1": ("supplemental and antacid magnesium above 350 mg", "1"),
    "supp_category_m1": ("supplemental magnesium, levels", "1"),
}  # fmt: skip
AMOUNTS = {
    "user": ("magnesium_supplement_use", ""), "antacid_mg": ("magnesium_antacid_use", ""),
    "gt350": ("supplement_above_350", ""), "gt350_among_users": ("supplement_above_350", ", users"),
    "gt350_supp_antacid": ("supplement_antacid_above_350", ""), "mean_food": ("magnesium_mg", ""),
    "mean_supp": ("magnesium_supplement_mg", ""), "mean_supp_users": ("magnesium_supplement_mg", ", users"),
    "mean_antacid": ("magnesium_antacid_mg", ""), "mean_total": ("magnesium_total_mg", ""),
}  # fmt: skip
BY_CYCLE = {
    "ds_use_adults20": "supplement_use",
    "mg_supp_use_adults20": "magnesium_supplement_use",
    "any_antacid_adults20": "antacid_use",
}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return read_participants(FOLDERS)[0]


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    registry = FOLDERS.registry()
    wanted = {name: columns for name, columns in needed_columns().items() if name.startswith("DS")}
    return {name: read_table(registry, FOLDERS.raw, name, columns=columns)
            for name, columns in wanted.items()}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tables) -> pd.DataFrame:
    return use_rows(tables)


@pytest.fixture(scope="module")
def answers(people) -> SupplementAnswers:
    return supplements(people)


def test_use_is_known_of_31_050_of_31_126(people):
    assert len(people) == 31126
    known = people["supplement_use_known"]
    assert known.sum() == 31050
    for name in ("magnesium_supplement_mg", "magnesium_antacid_mg"):
        assert people[name].notna().equals(known)


@pytest.mark.parametrize("letter", CYCLES)
def test_every_count_of_the_protocol_comes_out(tables, rows, people, letter):
    found = supplement_traps(tables, rows, people)
    here = found[found["cycle"] == CYCLES[letter]].set_index(["what", "unit"])["n"]
    known = KNOWN["files"][letter]
    told = {name: None if pd.isna(here[place]) else int(here[place]) for name, place in COUNTS.items()}
    assert told == {name: known[name] for name in COUNTS}
    assert here["all but repeated", "rows"] + here["identical to another", "rows"] == known["rows"]
    assert here["id no longer in DSPI", "rows"] == 0


def test_ingredients_named_after_magnesium_and_blends(tables, rows, people):
    found = supplement_traps(tables, rows, people)
    once = found[found["cycle"].isna()].set_index("what")["n"]
    word = KNOWN["traps"]["magnesium_word_match"]
    assert once.to_dict() == {"ingredient named after magnesium": word["rows_word"],
                              "ingredient magnesium": word["rows_231"],
                              "magnesium only inside a blend": 31}  # fmt: skip


def test_medians_of_what_was_reported(rows):
    found = reported_medians(rows)
    for name, (times, servings) in KNOWN["files"]["medians"].items():
        letter, kind = name.split("_")
        assert found.loc[(CYCLES[letter], kind)].tolist() == [times, servings]


@pytest.mark.parametrize("name", READINGS)
def test_misreadings_give_the_known_numbers(rows, people, name):
    found = misreadings(rows, people).set_index("reading").loc[READINGS[name]]
    mean, users, above = KNOWN["traps"][name]
    assert found["mean_mg"] == pytest.approx(mean, abs=ROUNDED)
    assert (found["users"], 0 if pd.isna(found["above_350"]) else found["above_350"]) == (users, above)


def test_salt_taken_for_magnesium_is_less_than_if_every_antacid_were_the_hydroxide(rows, people):
    """The known mean multiplies all antacids by the hydroxide's factor; labels list carbonate and trisilicate too."""
    found = misreadings(rows, people).set_index("reading")
    mean, users, above = KNOWN["traps"]["antacid_salt_not_converted"]
    assert found.loc["antacids as they are", "mean_mg"] * HYDROXIDE == pytest.approx(mean, abs=ROUNDED)
    salt = found.loc["antacids, salt taken for magnesium"]
    assert (salt["users"], salt["above_350"]) == (users, above)
    assert salt["mean_mg"] == pytest.approx(124.50, abs=ROUNDED)


@pytest.mark.parametrize("name", STUDIES)
def test_knots_and_reference_of_each_exposure(people, name):
    problem, known = pose(people, STUDIES[name]), KNOWN["supplements"][name]
    np.testing.assert_allclose(problem.spline.knots, known["knots"], rtol=RTOL)
    assert problem.reference == pytest.approx(known["reference"], rel=RTOL)


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_the_known_ones(answers, name):
    known, odds = KNOWN["supplements"][name], answers.odds
    mine = odds[(odds[["what", "group", "model"]] == list(CURVES[name])).all(axis="columns")]
    curve, tests = mine[mine["kind"] == "curve"], mine[mine["kind"] == "test"].set_index("term")
    assert (curve["n"] == known["n"]).all()
    assert (curve["cases"] == known["cases"]).all()
    assert list(GRID) == known["grid"]
    np.testing.assert_allclose(curve["estimate"], known["log_or"], rtol=RTOL)
    np.testing.assert_allclose(curve["std_error"], known["se"], rtol=RTOL)
    for test in ("overall", "nonlinear"):
        assert tests.loc[test, "statistic"] == pytest.approx(known[f"F_{test}"], rel=RTOL)
        assert tests.loc[test, "p_value"] == pytest.approx(known[f"p_{test}"], rel=RTOL_P)
        assert tests.loc[test, "df"] == known["resid_df"]


@pytest.mark.parametrize("name", TERMS)
def test_odds_ratios_of_use_are_the_known_ones(answers, name):
    known, odds = KNOWN["supplements"][name], answers.odds
    what, model = TERMS[name]
    mine = odds[(odds["what"] == what) & (odds["model"] == model)]
    ratios = mine[mine["kind"] == "odds_ratio"]
    assert (ratios[["n", "cases"]] == [known["n"], known["cases"]]).all(axis=None)
    np.testing.assert_allclose(ratios["estimate"], np.atleast_1d(known["log_or"]), rtol=RTOL)
    np.testing.assert_allclose(ratios["std_error"], np.atleast_1d(known["se"]), rtol=RTOL)
    np.testing.assert_allclose(ratios["p_value"], np.atleast_1d(known["p"]), rtol=RTOL_P)
    if "F" in known:
        joint = mine[mine["kind"] == "test"].iloc[0]
        assert joint["statistic"] == pytest.approx(known["F"], rel=RTOL)


@pytest.mark.parametrize(("key", "domain"), [("shares_cohort", "cohort"), ("shares_age40", "40 and older")])
@pytest.mark.parametrize("name", AMOUNTS)
def test_shares_and_means_are_the_known_ones(answers, key, domain, name):
    what, among = AMOUNTS[name]
    assert_estimate(answers.amounts, what, f"{domain}{among}", KNOWN["supplements"][key][name])


@pytest.mark.parametrize("name", BY_CYCLE)
@pytest.mark.parametrize("letter", CYCLES)
def test_shares_of_each_cycle_are_the_known_ones(answers, name, letter):
    domain = f"20 and older, {CYCLES[letter]}-{CYCLES[letter] + 1}"
    assert_estimate(answers.amounts, BY_CYCLE[name], domain, KNOWN["supplements"][name][letter])


def assert_estimate(amounts: pd.DataFrame, what: str, domain: str, known: dict[str, Any]) -> None:
    (row,) = amounts[(amounts["what"] == what) & (amounts["domain"] == domain)].to_dict("records")
    assert row["n"] == known["n"]
    assert known["count"] is None or row["count"] == known["count"]
    np.testing.assert_allclose([row["estimate"], row["std_error"]], [known["mean"], known["se"]], rtol=RTOL)


def test_counts_of_the_cohort_are_the_known_ones(people):
    rows, counts = people[select_cohort(people, PRIMARY).complete], KNOWN["supplements"]["counts"]
    both = rows["magnesium_supplement_mg"] + rows["magnesium_antacid_mg"]
    found = {
        "known": rows["supplement_use_known"].sum(),
        "users": rows["magnesium_supplement_use"].sum(),
        "antacid_users": rows["magnesium_antacid_use"].sum(),
        "gt350": (rows["magnesium_supplement_mg"] > 350).sum(),
        "gt350_supp_antacid": (both > 350).sum(),
    }
    assert found == {name: counts[name] for name in found}


def test_shares_of_publications_are_the_known_ones(people):
    weights = people["weight_interview_2yr"].where(people["cycle"] == 2003, 0.0).to_numpy(dtype=float)
    design = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), weights)
    either = people[["magnesium_supplement_use", "magnesium_antacid_use"]].max(axis="columns", skipna=False)
    columns = {"ds_C_1plus": people["supplement_use"], "mg_C_1plus": people["magnesium_supplement_use"],
               "mg_or_antacid_C_1plus": either}  # fmt: skip
    for name, column in columns.items():
        rows = (people["cycle"] == 2003) & (people["age_years"] >= 1) & column.notna()
        found = weighted_mean(column.fillna(0.0).to_numpy(), design=design, domain=domain_of(design, rows.to_numpy()))
        known = KNOWN["published"][name]
        assert (found.n, column[rows].sum()) == (known["n"], known["count"])
        np.testing.assert_allclose([found.estimate, found.std_error], [known["mean"], known["se"]], rtol=RTOL)


@pytest.mark.parametrize("sex", ["male", "female"])
@pytest.mark.parametrize(("use", "words"), [(1, "users"), (0, "nonusers")])
def test_food_of_users_and_others_of_19_and_older_is_the_known_one(people, sex, use, words):
    design = declare_design(people, select_cohort(people, PRIMARY), PRIMARY)
    rows = people["recall_reliable"] & (people["age_years"] >= 19) & (people["sex"] == sex)
    rows &= people["magnesium_supplement_use"] == use
    values = people["magnesium_mg"].fillna(0.0).to_numpy()
    found = weighted_mean(values, design=design, domain=domain_of(design, rows.to_numpy()))
    known = KNOWN["published"][f"food_mean_{words}_{sex}"]
    assert found.n == known["n"]
    np.testing.assert_allclose([found.estimate, found.std_error], [known["mean"], known["se"]], rtol=RTOL)
