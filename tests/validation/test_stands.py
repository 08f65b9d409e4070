"""Published dose-response claims asked again, on invented people: each variation by another path."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.conditions import ConditionError
from analysis.dose_response.association import estimate
from analysis.dose_response.quintiles import trend_test
from analysis.dose_response.shape import shape_dict, shape_of
from analysis.study import Study, StudyError
from analysis.validation.studies.kinds import recompute
from analysis.validation.studies.replication import Replication, ReplicationError, read_replications
from analysis.validation.studies.stands import COLUMNS, do_they_stand, own_form, side_of, study_of

CLAIM = Replication(
    study="A", citation="B", read_in="C", item="lowest v highest", kind="odds_ratio", weights="dietary",
    sample="age_years >= 40 and examined and recall_reliable and pn_strict in (0, 1)", outcome="pn_strict",
    exposure="magnesium_mg", groups=5, group=1, reference=5, covariates=("age_years", "sex"), claim="above 1",
)  # fmt: skip
PER_MG = dataclasses.replace(CLAIM, item="per mg", groups=0, group=0, reference=0, claim="below 1")
ONE_PATH = 1e-7
"""Relative; the same maximum by another path."""


@pytest.fixture(scope="module")
def stands(participants) -> pd.DataFrame:
    return do_they_stand(participants, (CLAIM, PER_MG, dataclasses.replace(CLAIM, study="Z", claim="")))


def test_every_claim_has_every_variation_and_nothing_else_has(stands) -> None:
    assert tuple(stands.columns) == COLUMNS
    levels = ["none", "linear", "spline", "residual", "density", "without 1999-2000", "without 2001-2002",
              "without 2003-2004"]  # fmt: skip
    assert stands.groupby("item")["level"].apply(sorted).tolist() == [sorted(levels)] * 2
    assert set(stands["study"]) == {"A"}
    assert stands.loc[stands["own"], "level"].tolist() == ["none", "none"]
    assert stands["odds_ratio"].notna().all()


def at(stands: pd.DataFrame, level: str, item: str = CLAIM.item) -> pd.Series:
    return stands[(stands["level"] == level) & (stands["item"] == item)].iloc[0]


def test_the_own_form_is_the_replication(participants, stands) -> None:
    ours = recompute(participants, CLAIM)
    row = at(stands, "none")
    assert row[["odds_ratio", "conf_low", "conf_high"]].tolist() == [ours.estimate, ours.conf_low, ours.conf_high]


def test_energy_as_a_line_is_a_covariate_more(participants, stands) -> None:
    ours = recompute(participants, dataclasses.replace(CLAIM, covariates=("age_years", "sex", "energy_kcal")))
    assert at(stands, "linear")["odds_ratio"] == pytest.approx(ours.estimate, rel=ONE_PATH)


@pytest.mark.parametrize("form", ["residual", "density"])
def test_groups_are_cut_anew_on_the_adjusted_exposure(participants, stands, form) -> None:
    inside = participants.query(CLAIM.sample)
    if form == "density":
        adjusted = 1000 * participants["magnesium_mg"] / participants["energy_kcal"]
    else:
        slope, intercept = np.polyfit(inside["energy_kcal"], inside["magnesium_mg"], 1)
        adjusted = participants["magnesium_mg"] - intercept - slope * participants["energy_kcal"]
    by_hand = recompute(participants.assign(magnesium_mg=adjusted), CLAIM)
    assert at(stands, form)["odds_ratio"] == pytest.approx(by_hand.estimate, rel=1e-6)


def test_a_cycle_left_out_leaves_its_people_out_and_pools_the_weights_of_the_others(participants, stands) -> None:
    ours = recompute(participants, dataclasses.replace(CLAIM, cycles=(1999, 2001)))
    row = at(stands, "without 2003-2004")
    assert row["odds_ratio"] == pytest.approx(ours.estimate, rel=ONE_PATH)
    assert row["n"] == ours.n


def test_trend_and_shape_are_those_of_the_study(participants, stands) -> None:
    study = Study(model="crude", extra_covariates=("age_years", "sex"), lonely_domain="keep")
    association = estimate(participants, study)
    row = at(stands, "none")
    assert row["trend_p"] == pytest.approx(trend_test(association).p_value, rel=1e-6)
    shape = shape_dict(shape_of(association, replicates=10))
    for name in ("nonlinear_p", "end_slopes_p", "two_lines_p", "nadir"):
        assert row[name] == pytest.approx(shape[name], rel=1e-5)
    assert pd.isna(at(stands, "none", PER_MG.item)["trend_p"])  # it is a trend itself


@pytest.mark.parametrize(
    ("claim", "odds_ratio", "p_value", "found"),
    [
        ("above 1", 1.4, 0.01, "shown"),
        ("above 1", 1.4, 0.06, "same side"),
        ("above 1", 0.9, 0.01, "other side"),
        ("below 1", 0.9, 0.01, "shown"),
        ("below 1", 1.0001, 0.9, "other side"),
        ("below 1", float("nan"), float("nan"), ""),
    ],
)
def test_sides(claim, odds_ratio, p_value, found) -> None:
    assert side_of(claim, odds_ratio, p_value) == found


def test_what_cannot_be_estimated_says_why_and_the_others_stay(participants) -> None:
    thin = dataclasses.replace(CLAIM, sample=f"{CLAIM.sample} and pn_strict == 1")
    found = do_they_stand(participants, (thin,))
    assert found["odds_ratio"].isna().all()
    assert (found["found"] == "").all()
    assert found["why"].str.contains("outcome").all()


def test_a_claim_of_an_outcome_or_exposure_that_no_study_has_is_refused(participants) -> None:
    with pytest.raises(StudyError, match="foot_sore"):
        do_they_stand(participants, (dataclasses.replace(CLAIM, outcome="foot_sore"),))
    with pytest.raises((StudyError, ConditionError), match="shoe_size"):
        do_they_stand(participants, (dataclasses.replace(CLAIM, exposure="shoe_size"),))


def test_a_claim_lies_on_one_side_of_one() -> None:
    with pytest.raises(ReplicationError, match="claim='U'"):
        dataclasses.replace(CLAIM, claim="U")


def test_the_packages_claims_are_three_studies_of_nutrients() -> None:
    claims = [row for row in read_replications() if row.claim]
    assert {(row.study, row.exposure, own_form(row)) for row in claims} == {
        ("Tao 2008", "pfa_18_3_g", "linear"),
        ("Wu 2023", "magnesium_mg", "none"),
        ("Wu 2024", "phosphorus_mg", "none"),
    }
    assert {study_of(row).outcome for row in claims} == {"strict", "pad"}
    assert all("energy_kcal" not in study_of(row).covariates for row in claims)
