"""Two recalls of the same people: the agreement by hand, and the curves on the people who have both."""

import numpy as np
import pandas as pd
import pytest

from analysis.audit.recall import _agreement, two_recalls
from analysis.data.people.vocabulary import SECOND_DAYS, SECOND_RECALL
from analysis.stats.sample.design import DesignError
from analysis.study import PRIMARY, Study

FIRST, SECOND = "magnesium_mg", SECOND_DAYS["magnesium_mg"]


@pytest.fixture(scope="module")
def found(participants):
    return two_recalls(participants)


def agreement(first, second, weights):
    frame = pd.DataFrame({FIRST: first, SECOND: second}, dtype=float)
    return _agreement(FIRST, frame, np.ones(len(frame), dtype=bool), np.array(weights, dtype=float))


@pytest.mark.reference
def test_agreement_is_the_one_by_hand():
    """Logarithms to the base 2 are (1, 3, 2) and (2, 3, 1), weights 1, 1, 2: means 2 and 1.75.

    Variances (1 + 1 + 0)/4 = 1/2 and (1/16 + 25/16 + 2 * 9/16)/4 = 11/16, covariance (-1/4 + 5/4 + 0)/4 = 1/4; a
    change of base leaves their ratios.
    """
    row = agreement([2, 8, 4], [4, 8, 2], [1, 1, 2])
    one_day = (1 / 2 + 11 / 16) / 2
    assert row["n"] == 3
    assert row["correlation"] == pytest.approx((1 / 4) / np.sqrt(1 / 2 * 11 / 16), rel=1e-12)
    assert row["between_share"] == pytest.approx((1 / 4) / one_day, rel=1e-12)
    assert row["attenuation_two_days"] == pytest.approx((1 / 4) / (1 / 4 + (one_day - 1 / 4) / 2), rel=1e-12)


def test_days_that_agree_are_not_attenuated():
    row = agreement([100, 200, 400], [100, 200, 400], [1, 2, 3])
    assert [row[name] for name in row if name not in ("exposure", "n")] == pytest.approx([1, 1, 1], rel=1e-12)


def test_day_without_any_intake_keeps_its_logarithm_finite():
    assert np.isfinite(agreement([0, 200, 400], [100, 0, 400], [1, 1, 1])["correlation"])


def test_agreement_is_that_of_numpy_on_the_people_of_the_survey(found, participants):
    people = participants[participants["recall2_reliable"] & (participants["weight_dietary_2day"] > 0)]
    cohort = people[(people["cycle"] == SECOND_RECALL) & (people["age_years"] >= PRIMARY.age_min)]
    cohort = cohort[cohort["examined"] & cohort["recall_reliable"] & cohort[PRIMARY.outcome_column].notna()]
    covariance = np.cov(np.log(cohort[[FIRST, SECOND]].T), aweights=cohort["weight_dietary_2day"])
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    row = found["recall"].set_index("exposure").loc[FIRST]
    assert row["n"] == len(cohort)
    assert row["correlation"] == pytest.approx(expected, rel=1e-10)


def test_two_days_say_more_of_a_diet_than_one(found):
    recall = found["recall"]
    assert (recall["between_share"] < recall["attenuation_two_days"]).all()
    assert recall["attenuation_two_days"].between(0, 1).all()


def test_the_three_curves_are_of_the_same_people(found):
    curves = found["recall_curves"]
    assert curves["days"].tolist() == ["first", "second", "mean of both"]
    assert curves["n"].nunique() == curves["cases"].nunique() == 1
    assert curves["n"].iloc[0] <= found["recall"]["n"].iloc[0]
    assert curves["nadir"].nunique() == 3


def test_without_the_second_recall_of_anybody_there_is_a_reason(participants):
    nobody = participants.assign(recall2_reliable=False)
    with pytest.raises(DesignError, match="the domain is empty"):
        two_recalls(nobody)


def test_energy_can_be_the_exposure_too(participants):
    found = two_recalls(participants, study=Study(exposure="energy_kcal"))
    assert found["recall_curves"]["nadir"].gt(500).all()
