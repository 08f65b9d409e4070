import pytest

from analysis.dose_response.association import estimate
from analysis.dose_response.shape import shape_of, shape_row
from analysis.validation.threshold import WU_THRESHOLD_STUDY, compare_with_threshold

REPLICATES = 40


@pytest.fixture(scope="module")
def compared(participants):
    return compare_with_threshold(participants, replicates=REPLICATES)


def test_each_published_number_stands_beside_ours(compared):
    assert compared["published"].tolist() == [939.44, 939.44]
    assert (compared["conf_low"] <= compared["ours"]).all()
    assert (compared["ours"] <= compared["conf_high"]).all()
    assert (compared["conf_low"] < compared["conf_high"]).all()


def test_published_threshold_stands_beside_the_low_point_and_beside_the_break(compared, participants):
    row = shape_row(shape_of(estimate(participants, WU_THRESHOLD_STUDY), replicates=REPLICATES))
    ours = compared.iloc[-2:][["ours", "conf_low", "conf_high"]].to_numpy()
    assert ours[0] == pytest.approx([row[name] for name in ("nadir", "nadir_bootstrap_low", "nadir_bootstrap_high")])
    assert ours[1] == pytest.approx([row[name] for name in ("threshold", "threshold_low", "threshold_high")])


def test_each_says_what_it_is_beside_a_threshold(compared):
    assert (compared["note"] != "").all()
    low_point, best_break = compared["quantity"]
    assert "low point of the spline" in low_point
    assert "two-piece breakpoint" in best_break
