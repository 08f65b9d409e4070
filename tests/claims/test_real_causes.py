"""Depletion, other causes and arteries on the real files: the numbers of an independent derivation in R and Python."""

import dataclasses
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.claims.arteries import PAD, arteries
from analysis.claims.causes import causes, with_causes
from analysis.claims.depletion import depletion
from analysis.data.people.cohort import select_cohort
from analysis.data.people.harmonise import ckd_epi_2021
from analysis.dose_response.problem import pose
from analysis.pipeline.participants import read_participants
from analysis.study import PRIMARY, Study
from tests.reference_numbers import FOLDER
from tests.test_real import FOLDERS

pytestmark = [pytest.mark.real, pytest.mark.reference]

RTOL = 1e-6
"""Estimates are given to 15 digits; R's standard errors are those of its last but one iteration (3e-7)."""

RTOL_P = 2e-5
"""A tail probability magnifies its statistic's error, by about the statistic squared."""

KNOWN: dict[str, Any] = json.loads((FOLDER / "real" / "claims_causes.json").read_text())
NUMBERS: dict[str, Any] = KNOWN["causes_mds_pad"]

TERMS = {
    "mds": "depletion_score", "mdsc1": "depletion_1", "mdsc2": "depletion_2", "mdsc3plus": "depletion_3_or_more",
    "age": "age_years", "sexfemale": "sex_female", "race1": "race_ethnicity_mexican_american",
    "race2": "race_ethnicity_other_hispanic", "race4": "race_ethnicity_non_hispanic_black",
    "race5": "race_ethnicity_other", "eduhs": "education_high_school", "edult_hs": "education_less_than_high_school",
    "pir": "pir", "bmi": "bmi_kg_m2", "smkformer": "smoking_former", "smkcurrent": "smoking_current",
    "alcformer": "alcohol_former", "alcmoderate": "alcohol_moderate", "alcheavy": "alcohol_heavy",
    "dm": "has_diabetes", "htn": "has_hypertension", "ht10": "height_10_cm", "b12lo": "b12_below_200",
    "lfol": "folate_log2", "a1c": "hba1c_percent", "heavy": "heavy_alcohol", "lpb": "lead_log2",
    "ckd": "egfr_below_60", "q41": "quartile_1", "q42": "quartile_2", "q43": "quartile_3",
}  # fmt: skip
"""Their name of a term to ours."""


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    return frame


@pytest.fixture(scope="module")
def answers(people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"depletion": depletion(people), "causes": causes(people), "arteries": arteries(people)}


ODDS = [
    ("mds_linear_crude", "depletion", "what == 'per point' and model == 'crude'"),
    ("mds_linear_m1", "depletion", "what == 'per point' and model == '1'"),
    ("mds_linear_m2noalc", "depletion", "what == 'per point' and model == '2 without alcohol'"),
    ("mds_cat_m1", "depletion", "what == 'by score' and model == '1'"),
    ("m2", "causes", "what == 'covariates'"),
    ("m2_all", "causes", "what == 'covariates'"),
    ("m1_height", "causes", "what == 'cause' and model == '1'"),
    ("b12lt200_m1", "causes", "what == 'cause' and model == '1'"),
    ("b12lt200_m2", "causes", "what == 'cause' and model == '2'"),
    ("folate_log2_m1", "causes", "what == 'cause' and model == '1'"),
    ("dm_m1", "causes", "what == 'cause' and model == '1'"),
    ("dmq_a1c_m1", "causes", "what == 'cause' and model == '1'"),
    ("alc_m1", "causes", "what == 'cause' and model == '1'"),
    ("heavy_m1", "causes", "what == 'cause' and model == '1'"),
    ("lead_log2_m1_1999_2002", "causes", "what == 'cause' and model == '1' and group == '1999-2002'"),
    ("ckd_m1", "causes", "what == 'cause' and model == '1'"),
    ("pad_quartile_m1", "arteries", "what == 'quartiles' and model == '1'"),
    ("pad_quartile_m3", "arteries", "what == 'quartiles' and model == '3'"),
]


@pytest.mark.parametrize(("key", "name", "condition"), ODDS, ids=[key for key, *_ in ODDS])
def test_odds_ratios_are_theirs(answers, key: str, name: str, condition: str) -> None:
    theirs = NUMBERS[key]
    rows = answers[name].query(condition)
    terms = [TERMS[term] for term in np.atleast_1d(theirs["term"])]
    found = rows[rows["kind"] == "odds_ratio"].set_index("term").loc[terms]
    np.testing.assert_allclose(found["estimate"], np.atleast_1d(theirs["log_or"]), rtol=RTOL)
    np.testing.assert_allclose(found["std_error"], np.atleast_1d(theirs["se"]), rtol=RTOL)
    np.testing.assert_allclose(found["p_value"].to_numpy(float), np.atleast_1d(theirs["p"]), rtol=RTOL_P)
    assert set(found["df"]) == {theirs["resid_df"]}
    if "quartile" in key:
        np.testing.assert_allclose(found["x"], theirs["cuts"], rtol=RTOL)
        assert rows[rows["kind"] == "test"]["n"].item() == theirs["n"]
        assert rows[rows["kind"] == "test"]["cases"].item() == theirs["cases"]
    else:
        assert set(zip(found["n"], found["cases"], strict=True)) == {(theirs["n"], theirs["cases"])}
    if "F" in theirs:
        test = rows.query("kind == 'test' and term == 'all'").iloc[0]
        np.testing.assert_allclose([test["statistic"], test["p_value"]], [theirs["F"], theirs["p_joint"]], rtol=RTOL)


CURVES: list[tuple[str, str, str, Study]] = [
    ("curve_m2", "causes", "group == 'covariates of model 2 known' and model == '2'",
     dataclasses.replace(PRIMARY, model="2")),
    ("curve_m2_same_people_m1", "causes", "group == 'covariates of model 2 known' and model == '1'",
     dataclasses.replace(PRIMARY, where="everything_known")),
    ("curve_m1_same_people", "causes", "group == 'height, B12 and folate known too' and model == '1'",
     dataclasses.replace(PRIMARY, where="height_known_too")),
    ("pad_curve_m1", "arteries", "group == 'all' and model == '1'", PAD),
    ("pad_curve_m2", "arteries", "group == 'all' and model == '2'", dataclasses.replace(PAD, model="2")),
    ("pad_curve_m1_no14", "arteries", "group == 'index to 1.4'", dataclasses.replace(PAD, where="not stiff_arteries")),
    ("pn_outcome_without_pad", "arteries", "group == 'neuropathy, no arterial disease'",
     dataclasses.replace(PRIMARY, where="pad == 0")),
]  # fmt: skip


@pytest.fixture(scope="module")
def flagged(people: pd.DataFrame) -> pd.DataFrame:
    """People with the flags that the studies of `CURVES` ask for, derived a second time."""
    frame = with_causes(people)
    second = Study(model="2")
    full = Study(model="2", extra_covariates=("height_cm", "b12_pg_ml", "folate_ng_ml"))
    return frame.assign(
        everything_known=select_cohort(frame, second).complete,
        height_known_too=select_cohort(frame, full).complete,
        stiff_arteries=(people["abi_left"] > 1.4) | (people["abi_right"] > 1.4),
    )


@pytest.mark.parametrize(("key", "name", "condition", "study"), CURVES, ids=[key for key, *_ in CURVES])
def test_curves_are_theirs(answers, flagged, key: str, name: str, condition: str, study: Study) -> None:
    theirs = NUMBERS[key]
    rows = answers[name].query(f"what == 'curve' and {condition}")
    curve = rows[rows["kind"] == "curve"]
    assert curve["x"].tolist() == theirs["grid"]
    np.testing.assert_allclose(curve["estimate"], theirs["log_or"], rtol=RTOL)
    np.testing.assert_allclose(curve["std_error"], theirs["se"], rtol=RTOL)
    tests = rows[rows["kind"] == "test"].set_index("term")
    for term in ("overall", "nonlinear"):
        np.testing.assert_allclose(tests.loc[term, "statistic"], theirs[f"F_{term}"], rtol=2 * RTOL)
        np.testing.assert_allclose(tests.loc[term, "p_value"], theirs[f"p_{term}"], rtol=RTOL_P)
    assert set(rows["df"]) == {theirs["resid_df"]}
    assert set(zip(rows["n"], rows["cases"], strict=True)) == {(theirs["n"], theirs["cases"])}
    problem = pose(flagged, study)
    np.testing.assert_allclose(problem.spline.knots, theirs["knots"], rtol=RTOL)
    assert problem.reference == theirs["reference"]


def test_curves_within_low_and_high_scores_are_theirs(answers) -> None:
    theirs = KNOWN["modifiers"]["mds2"]
    rows = answers["depletion"].query("what == 'curve'")
    test = rows[rows["term"] == "interaction"].iloc[0]
    found = [test["statistic"], test["p_value"]]
    np.testing.assert_allclose(found, [theirs["F_interaction"], theirs["p_interaction"]], rtol=2 * RTOL)
    assert (test["df_num"], test["df"], test["n"], test["cases"]) == (3, 31, theirs["n"], theirs["cases"])
    for group, level in (("low", "0"), ("high", "1")):
        curve = rows[rows["group"] == group]
        np.testing.assert_allclose(curve["estimate"], theirs["levels"][level]["log_or"], rtol=RTOL)
        np.testing.assert_allclose(curve["std_error"], theirs["levels"][level]["se"], rtol=RTOL)
        counts = (theirs["levels"][level]["n"], theirs["levels"][level]["cases"])
        assert set(zip(curve["n"], curve["cases"], strict=True)) == {counts}


def counts_of(frame: pd.DataFrame, *, group: str = "all") -> dict[str, int]:
    rows = frame[(frame["kind"] == "count") & (frame["group"] == group)]
    return {str(term): int(n) for term, n in zip(rows["term"], rows["n"], strict=True)}


def test_parts_of_the_score_are_as_many_as_theirs(answers, people) -> None:
    counts = counts_of(answers["depletion"])
    theirs = NUMBERS["components"]
    ours = {"diuretic": "diuretic", "wasting": "wasting_diuretic", "ppi": "ppi", "heavy": "heavy_alcohol",
            "egfr60_90": "egfr_60_to_90", "egfr_lt60": "egfr_below_60", "unknown_drug": "unknown_drug"}  # fmt: skip
    assert {key: counts[name] for key, name in ours.items()} == {key: theirs[key] for key in ours}
    assert {points: counts[f"score_{points}"] for points in range(5)} == {
        int(points): n for points, n in NUMBERS["mds_counts"].items()
    }
    assert counts["score_5"] == 0
    cohort = people[select_cohort(people, PRIMARY).rows]
    assert int((ckd_epi_2009(cohort) < 60).sum()) == theirs["egfr09_lt60"]
    recorded = cohort["creatinine_mg_dl"].where(
        cohort["cycle"] != 1999, ((cohort["creatinine_mg_dl"] - 0.147) / 1.013).round(6)
    )
    female = cohort["sex"] == "female"
    uncalibrated = ckd_epi_2021(recorded, age_years=cohort["age_years"], female=female)
    assert int((uncalibrated < 60).sum()) == NUMBERS["egfr_lt60_uncalibrated"]


def ckd_epi_2009(people: pd.DataFrame) -> pd.Series:
    """The equation before the race-free one, by which more of the cohort fall below 60 (Levey 2009)."""
    female = people["sex"] == "female"
    ratio = people["creatinine_mg_dl"] / np.where(female, 0.7, 0.9)
    exponent = np.where(female, -0.329, -0.411)
    rate = 141 * np.minimum(ratio, 1) ** exponent * np.maximum(ratio, 1) ** -1.209 * 0.993 ** people["age_years"]
    black = people["race_ethnicity"] == "non_hispanic_black"
    return rate * np.where(female, 1.018, 1.0) * np.where(black, 1.159, 1.0)


def test_shares_of_the_score_are_theirs(answers) -> None:
    shares = answers["depletion"].query("kind == 'share'").set_index("term")
    theirs = NUMBERS["mds_dist"]
    for key, term in (("ge2", "score_2_or_more"), ("ge3", "score_3_or_more"), ("mean", "mean_score")):
        found = shares.loc[term, ["estimate", "std_error"]].astype(float)
        np.testing.assert_allclose(found, [theirs[key]["mean"], theirs[key]["se"]], rtol=RTOL)
        assert shares.loc[term, "n"] == theirs[key]["n"]


def test_people_with_a_cause_are_as_many_as_theirs(answers) -> None:
    theirs = NUMBERS["counts_causes"]
    assert counts_of(answers["causes"], group="with it")["b12_below_200"] == theirs["b12lt200"]
    assert counts_of(answers["causes"], group="known")["b12_below_200"] == theirs["b12known"]
    assert counts_of(answers["causes"], group="with it")["mma_high"] == theirs["mma_hi"]


def test_people_with_an_ankle_brachial_index_are_as_many_as_theirs(answers) -> None:
    theirs, counts = NUMBERS["pad_counts"], counts_of(answers["arteries"])
    ours = {"examined": "index_known", "with_recall": "reliable_recall", "cases": "cases", "both_legs": "both_legs",
            "abi_gt14": "index_above_1.4"}  # fmt: skip
    assert {key: counts[name] for key, name in ours.items()} == theirs
    share = answers["arteries"].query("kind == 'share'").iloc[0]
    assert (share["n"], share["cases"]) == (NUMBERS["pad_prev"]["n"], NUMBERS["pad_prev"]["count"])
    found = [share["estimate"], share["std_error"]]
    np.testing.assert_allclose(found, [NUMBERS["pad_prev"]["mean"], NUMBERS["pad_prev"]["se"]], rtol=RTOL)
