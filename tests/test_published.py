import numpy as np
import pandas as pd
import pytest

from analysis.associations import quintiles
from analysis.published import compare_with_published
from analysis.study import Study


def test_each_published_number_stands_beside_ours(participants):
    frame = compare_with_published(participants)
    assert frame["published"].tolist() == [14.8, 28.5, 1.433, 1.284, 1.533]
    assert (frame["conf_low"] < frame["ours"]).all()
    assert (frame["ours"] < frame["conf_high"]).all()


def test_prevalence_is_the_weighted_share_of_cases_among_the_assessed(participants):
    people = participants.query("cycle == 1999 and age_years >= 40").dropna(subset="pn_lenient")
    diagnosed = people[people["told_diabetes"] == 1]
    by_hand = [100 * np.average(group["pn_lenient"], weights=group["weight_mec_2yr"]) for group in (people, diagnosed)]
    assert compare_with_published(participants)["ours"].tolist()[:2] == pytest.approx(by_hand, rel=1e-12)


def test_phosphorus_quintiles_are_model_1_with_examination_weights(participants):
    study = Study(exposure="phosphorus_mg", weights="mec")
    expected = quintiles(participants, study, reference_quintile=2).set_index("quintile").loc[[1, 4, 5], "odds_ratio"]
    pd.testing.assert_series_equal(
        compare_with_published(participants)["ours"].iloc[2:].reset_index(drop=True),
        expected.reset_index(drop=True),
        check_names=False,
    )
