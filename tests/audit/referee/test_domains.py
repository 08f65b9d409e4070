"""The referee asks a study of any model and of some of the people: one question that has no answer takes no other."""

import dataclasses
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from analysis.audit.questions import audit_frames
from analysis.audit.referee import recall_error
from analysis.audit.referee.missing import people_missing
from analysis.audit.referee.questions import referee_frames
from analysis.audit.referee.recall_error import calibrated
from analysis.audit.referee.rows import OF_WEIGHTS, rows_that_change_nothing, variants
from analysis.audit.referee.table import row_of
from analysis.audit.specifications import CHOICES
from analysis.audit.tasks import AuditError, Finished
from analysis.audit.usual_intake import calibration_data
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.problem import set_out
from analysis.stats.curve.splines import place_knots
from analysis.stats.measurement.regression_calibration import calibrate
from analysis.study import OUTCOMES, PRIMARY
from tests.people import people_of

FULL = dataclasses.replace(PRIMARY, model="2")


@pytest.fixture(scope="module")
def people(shared) -> pd.DataFrame:
    return shared.answer(people_of, 1, PLANTED)


def test_a_study_whose_covariates_some_people_lack_has_a_calibrated_curve(people: pd.DataFrame) -> None:
    """Knots lie on those who have a prediction: as many as have the covariates, and as the bootstrap places them."""
    setting = set_out(people, FULL)
    assert setting.domain.n < setting.eligible.size
    found = calibrated(people, study=FULL)["rows"]
    rows = found[found["done"].str.startswith("calibrated")]
    assert len(rows) == 2
    assert rows[["nonlinear_p", "end_low_p", "end_high_p", "log_or_low", "log_or_high"]].notna().all(axis=None)
    assert (rows["n"] == setting.domain.n).all()


def test_knots_of_the_calibrated_curve_are_quantiles_of_the_predictions(monkeypatch, people: pd.DataFrame) -> None:
    setting = set_out(people, FULL)
    data = calibration_data(people, setting, (FULL.exposure,))
    predicted = calibrate(data.first, data.second, data.covariates, weights=data.second_weights).predict(
        data.first, data.covariates
    )[:, 0]
    curves = []

    def kept(question, done, curve):
        curves.append(curve)
        return row_of(question, done, curve)

    monkeypatch.setattr(recall_error, "row_of", kept)
    calibrated(people, study=FULL)
    np.testing.assert_allclose(curves[1].spline.knots, place_knots(predicted, FULL.knots), rtol=1e-12)


@pytest.mark.parametrize(
    ("where", "left", "reason"),
    [
        ("sex == 'female'", {"age by sex", "men", "women"}, "everybody in this study is a woman"),
        ("sex == 'male'", {"age by sex", "men", "women"}, "everybody in this study is a man"),
        ("cycle == 2003", {"cycle indicators"}, "everybody in this study is of one cycle"),
    ],
)
def test_rows_that_ask_nothing_of_some_people_are_left_out_with_the_reason(people, where, left, reason) -> None:
    found = rows_that_change_nothing(people, study=dataclasses.replace(PRIMARY, where=where))
    reasons = found["left"].set_index("done")["reason"]
    assert set(reasons[list(left)]) == {reason}
    # One cycle has too few sampling units for some of the others: they have a reason of their own.
    answered = set(found["rows"]["done"])
    assert answered | set(reasons.index) == {"primary", *variants(people), "men", "women"}
    assert not answered & set(reasons.index)
    assert len(answered) > 8
    assert found["rows"]["nonlinear_p"].notna().all()


def test_weights_of_two_years_are_of_the_studys_kind(people: pd.DataFrame) -> None:
    """By hand: a third of each one's 2-year examination weight; of a study without weights nothing of them is asked."""
    study = dataclasses.replace(PRIMARY, weights="mec")
    reweighted = variants(people)[OF_WEIGHTS[0]](set_out(people, study))
    np.testing.assert_allclose(reweighted.cohort.weights, people["weight_mec_2yr"].fillna(0.0) / 3, rtol=1e-12)
    assert not np.allclose(people["weight_mec_2yr"].fillna(0.0), people["weight_dietary_2yr"].fillna(0.0))
    left = rows_that_change_nothing(people, study=dataclasses.replace(PRIMARY, weights="none"))["left"]
    assert set(left.loc[left["reason"] == "the study has no weights", "done"]) == set(OF_WEIGHTS)


def test_a_row_that_fails_takes_no_other_with_it_and_names_no_column_of_ours(people: pd.DataFrame) -> None:
    alike = people.assign(weight_kg=people["age_years"].astype(float))
    found = rows_that_change_nothing(alike)
    assert list(found["left"]["done"]) == ["body weight"]
    assert "beside" not in found["left"]["reason"].iloc[0]
    assert len(found["rows"]) == len({"primary", *variants(people), "men", "women"}) - 1


def test_a_row_that_was_left_out_is_among_what_found_nothing(people: pd.DataFrame) -> None:
    left = pd.DataFrame([{"done": "men", "reason": "everybody in this study is a woman"}])
    one = Finished("referee rows", {"rows": pd.DataFrame({"question": ["rows"], "done": ["primary"]}), "left": left})
    failures = audit_frames([one], people)["failures"]
    assert failures.to_dict("records") == [
        {"task": "referee rows, men", "reason": "everybody in this study is a woman"}
    ]
    with pytest.raises(AuditError, match="men: everybody in this study is a woman"):
        referee_frames([one])


def test_a_rule_of_neuropathy_that_joins_is_asked_what_the_others_are_asked(monkeypatch, people: pd.DataFrame) -> None:
    """Beside another rule, and beside none where it is of another disease; the grid is as it was declared."""
    monkeypatch.setattr("analysis.study.Outcome", Literal[*OUTCOMES, "three_sites"])
    study = dataclasses.replace(PRIMARY, outcome="three_sites")
    found = people_missing(people.assign(pn_three_sites=people["pn_two_sites"]), study=study)["rows"]
    assert "outcome rule any_tested" in set(found["done"])
    arteries = people_missing(people, study=dataclasses.replace(PRIMARY, outcome="pad"))["rows"]
    assert "outcome rule any_tested" not in set(arteries["done"])
    assert CHOICES["outcome"] == ("strict", "lenient", "both_feet", "two_sites", "any_tested")


def test_of_everybody_no_row_is_left_out(people: pd.DataFrame) -> None:
    assert rows_that_change_nothing(people)["left"].empty
