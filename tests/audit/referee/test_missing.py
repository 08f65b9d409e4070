"""Who stands for whom: people weighted for those a study asks for, and covariates completed for those who count."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from analysis.audit.referee.missing import completed_frames, covariates_missing, people_missing, weighted_for
from analysis.data.people.conditions import select_rows
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.problem import set_out
from analysis.study import PRIMARY, Study
from tests.people import people_of

RESTRICTED = {
    "one sex": dataclasses.replace(PRIMARY, where="sex == 'female'"),
    "told of diabetes": dataclasses.replace(PRIMARY, where="has_diabetes == 1", lonely_domain="keep"),
    "an oldest age": dataclasses.replace(PRIMARY, age_max=64),
    "three years of age": dataclasses.replace(PRIMARY, age_min=59, age_max=61, knots=3, lonely_domain="keep"),
    "one cycle": dataclasses.replace(PRIMARY, cycles=(2001,), knots=3),
    "two cycles": dataclasses.replace(PRIMARY, cycles=(2001, 2003)),
    "two races": dataclasses.replace(PRIMARY, where="race_ethnicity in ('mexican_american', 'non_hispanic_black')"),
    "a level of schooling": dataclasses.replace(PRIMARY, where="education == 'high_school'", lonely_domain="keep"),
}
WEIGHTED = "weighted for being assessed with a recall, among the "
UNRECALLED = Study(exposure="hba1c_percent", lonely_domain="keep")
"""Of people some of whom have no recall, and so a dietary weight of zero."""


@pytest.fixture(scope="module")
def people(shared) -> pd.DataFrame:
    return shared.answer(people_of, 1, PLANTED)


def asked_for_by_hand(people: pd.DataFrame, study: Study) -> pd.Series:
    rows = people["cycle"].isin(study.cycles) & (people["age_years"] >= study.age_min)
    rows &= people["age_years"] <= (study.age_max or np.inf)
    return rows & (True if study.where is None else np.asarray(select_rows(people, study.where), dtype=bool))


@pytest.mark.parametrize("study", RESTRICTED.values(), ids=RESTRICTED)
@pytest.mark.parametrize("among", ["examined", "interviewed"])
def test_weights_of_some_of_the_people_stand_for_those_the_study_asks_for(people, study, among) -> None:
    setting = set_out(people, study)
    found = weighted_for(people, setting, among).cohort.weights
    asked = asked_for_by_hand(people, study)
    # Of one cycle or two, each 2-year weight counts for that part of the years.
    own = "mec" if among == "examined" else "interview"
    whole = (people[f"weight_{own}_2yr"].fillna(0.0) / len(study.cycles))[asked].sum()
    if {1999, 2001} <= set(study.cycles):
        whole = people[f"weight_{own}"][asked].sum()
    assert found.sum() == pytest.approx(whole, rel=0.03)
    assert found[setting.cohort.rows].gt(0).all()
    assert found[~setting.cohort.rows].eq(0).all()


@pytest.mark.parametrize("study", RESTRICTED.values(), ids=RESTRICTED)
def test_a_restricted_study_is_weighted_as_one_of_a_frame_that_was_cut_down_beforehand(people, study) -> None:
    cut = people[asked_for_by_hand(people, study)]
    of_all = dataclasses.replace(study, cycles=PRIMARY.cycles, age_min=40, age_max=None, where=None)
    rows = [people_missing(frame, study=one)["rows"].set_index("done").filter(like=WEIGHTED, axis="index")
            for frame, one in ((people, study), (cut, of_all))]  # fmt: skip
    assert len(rows[0]) == 2
    numbers = ["n", "cases", "nonlinear_p", "end_low_p", "end_high_p", "log_or_low", "log_or_high"]
    np.testing.assert_allclose(rows[0][numbers].astype(float), rows[1][numbers].astype(float), rtol=1e-8)


def test_a_question_about_missing_people_that_has_no_answer_takes_no_other_away(people) -> None:
    """Whoever has an outcome was assessed: a condition on it leaves nobody to be weighted for."""
    study = dataclasses.replace(PRIMARY, where="pn_strict >= 0 and recall_reliable == 1")
    found = people_missing(people, study=study)
    assert found["left"]["done"].str.startswith(WEIGHTED).all()
    assert len(found["left"]) == 2
    assert found["left"]["reason"].str.startswith("everybody or nobody was kept").all()
    assert found["rows"]["done"].tolist() == [
        "primary", "all unassessed as cases", "all unassessed as free", "outcome rule any_tested"
    ]  # fmt: skip


def test_covariates_are_completed_of_people_with_a_weight_and_without_a_warning(people) -> None:
    setting = set_out(people, UNRECALLED)
    nobody = setting.cohort.rows & (setting.cohort.weights == 0)
    assert nobody.any()
    full = dataclasses.replace(UNRECALLED, model="2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = covariates_missing(people, study=UNRECALLED, imputations=3)
        (done,) = completed_frames(people, full, imputations=1, seed=1)
    assert found["left"].empty
    rows = found["rows"].set_index("done")
    assert rows.loc["model 2, 3 imputations", "n"] == setting.domain.n > rows.loc["model 2, complete cases", "n"]
    pd.testing.assert_frame_equal(done[nobody], people[nobody])


def test_people_whose_energy_is_unknown_are_completed_where_they_have_a_weight(people) -> None:
    study = dataclasses.replace(UNRECALLED, weights="mec")
    setting = set_out(people, study)
    lacking = setting.domain.rows & people["energy_kcal"].isna().to_numpy()
    assert lacking.any()
    found = covariates_missing(people, study=study, imputations=3)
    assert found["left"].empty
    assert found["rows"].set_index("done").loc["model 2, 3 imputations", "n"] == setting.domain.n
    (done,) = completed_frames(people, dataclasses.replace(study, model="2"), imputations=1, seed=1)
    assert done["energy_kcal"].equals(people["energy_kcal"])
    assert done.loc[lacking, "bmi_kg_m2"].notna().all()
