import numpy as np
import pandas as pd
import pytest

from analysis.dose_response.association import estimate
from analysis.dose_response.quintiles import quintiles
from analysis.dose_response.shape import shape_of, shape_row
from analysis.study import Study
from analysis.validation.published import WU_THRESHOLD_STUDY, compare_with_published

REPLICATES = 40


@pytest.fixture(scope="module")
def compared(participants):
    return compare_with_published(participants, replicates=REPLICATES)


def test_each_published_number_stands_beside_ours(compared):
    assert compared["published"].tolist() == [14.8, 28.5, 1.433, 1.284, 1.533, 939.44, 939.44]
    assert (compared["conf_low"] <= compared["ours"]).all()
    assert (compared["ours"] <= compared["conf_high"]).all()
    assert (compared["conf_low"] < compared["conf_high"]).all()


def test_prevalence_is_the_weighted_share_of_cases_among_the_assessed(compared, participants):
    people = participants.query("cycle == 1999 and age_years >= 40").dropna(subset="pn_lenient")
    diagnosed = people[people["told_diabetes"] == 1]
    by_hand = [100 * np.average(group["pn_lenient"], weights=group["weight_mec_2yr"]) for group in (people, diagnosed)]
    assert compared["ours"].tolist()[:2] == pytest.approx(by_hand, rel=1e-12)


def test_phosphorus_quintiles_are_model_1_with_examination_weights(compared, participants):
    study = Study(exposure="phosphorus_mg", weights="mec")
    expected = quintiles(participants, study, reference_quintile=2).set_index("quintile").loc[[1, 4, 5], "odds_ratio"]
    pd.testing.assert_series_equal(
        compared["ours"].iloc[2:5].reset_index(drop=True), expected.reset_index(drop=True), check_names=False
    )


def test_published_threshold_stands_beside_the_low_point_and_beside_the_break(compared, participants):
    row = shape_row(shape_of(estimate(participants, WU_THRESHOLD_STUDY), replicates=REPLICATES))
    ours = compared.iloc[-2:][["ours", "conf_low", "conf_high"]].to_numpy()
    assert ours[0] == pytest.approx([row[name] for name in ("nadir", "nadir_bootstrap_low", "nadir_bootstrap_high")])
    assert ours[1] == pytest.approx([row[name] for name in ("threshold", "threshold_low", "threshold_high")])


def test_only_what_is_not_the_same_thing_carries_a_note(compared):
    noted = compared["note"] != ""
    assert noted.tolist() == [False] * 5 + [True] * 2
    assert compared.loc[noted, ["published_low", "published_high"]].isna().all(axis=None)
    low_point, best_break = compared.loc[noted, "quantity"]
    assert "low point of the spline" in low_point
    assert "two-piece breakpoint" in best_break
