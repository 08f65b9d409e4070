"""Published dose-response claims asked again, on invented people: each variation by another path."""

import dataclasses
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.conditions import ConditionError
from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.dose_response.quintiles import trend_test
from analysis.dose_response.shape import shape_dict, shape_of
from analysis.stats.shape.questions import levels
from analysis.study import Study
from analysis.validation.studies import stands as asked_again
from analysis.validation.studies.kinds import recompute, sample_of, values_of
from analysis.validation.studies.replication import Replication, ReplicationError, read_replications
from analysis.validation.studies.stands import COLUMNS, by_other_rule, do_they_stand, own_form, side_of
from tests.shared import apart

CLAIM = Replication(
    study="A", citation="B", read_in="C", item="lowest v highest", kind="odds_ratio", weights="dietary",
    sample="age_years >= 40 and examined and recall_reliable and pn_strict in (0, 1)", outcome="pn_strict",
    exposure="magnesium_mg", groups=5, group=1, reference=5, covariates=("age_years", "sex"), claim="above 1",
)  # fmt: skip
PER_MG = dataclasses.replace(CLAIM, item="per mg", groups=0, group=0, reference=0, claim="below 1")
ask = apart(do_they_stand)  # whose every line other tests here run

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


def test_an_unknown_column_is_refused_by_name(participants) -> None:
    for field in ("outcome", "exposure"):
        with pytest.raises(ConditionError, match="shoe_size"):
            do_they_stand(participants, (dataclasses.replace(CLAIM, **{field: "shoe_size"}),))


def own(found: pd.DataFrame) -> pd.DataFrame:
    return found[found["own"]].set_index("item")


def test_claims_of_one_exposure_keep_their_own_people_covariates_and_outcome(participants, monkeypatch) -> None:
    """What differs is asked for by itself: a number of the first must not stand for the others."""
    monkeypatch.setattr(asked_again, "EnergyForm", Literal["none"])  # their own; no other form is looked at here
    rows = (
        CLAIM,
        dataclasses.replace(CLAIM, item="model 2", covariates=("age_years", "sex", "race_ethnicity", "bmi_kg_m2")),
        dataclasses.replace(CLAIM, item="pad", outcome="pad"),
        dataclasses.replace(CLAIM, item="without", without="told_diabetes == 1"),
        dataclasses.replace(CLAIM, item="known", known=("hba1c_percent",)),
        dataclasses.replace(CLAIM, item="mec", weights="mec"),
    )
    found = own(ask(participants, rows))
    for row in rows:
        ours = recompute(participants, row)
        names = ["odds_ratio", "conf_low", "conf_high", "n"]
        assert found.loc[row.item, names].tolist() == [ours.estimate, ours.conf_low, ours.conf_high, ours.n]
    assert found["nonlinear_p"].nunique() == found["trend_slope"].nunique() == len(rows)


@pytest.mark.parametrize("change", [{"without": "told_diabetes == 1"}, {"known": ("hba1c_percent",)}])
def test_trend_shape_and_residuals_are_of_the_people_of_the_ratio(participants, change) -> None:
    """Whoever is left out is left out in all of them, as if the sample said so."""
    said = {"without": " and not told_diabetes == 1", "known": " and hba1c_percent > 0"}
    known = participants.assign(told_diabetes=participants["told_diabetes"].fillna(0))
    left_out = dataclasses.replace(CLAIM, **change)
    plain = dataclasses.replace(CLAIM, sample=CLAIM.sample + said[next(iter(change))])
    ours, theirs = ask(known, (left_out,)), ask(known, (plain,))
    names = ["odds_ratio", "trend_slope", "trend_p", "nonlinear_p", "nadir", "levels_p"]
    np.testing.assert_allclose(ours[names].astype(float), theirs[names].astype(float), rtol=ONE_PATH)
    assert ours["n"].max() < recompute(known, CLAIM).n


def test_the_trend_is_over_the_groups_of_the_ratio_where_cuts_are_weighted(participants, stands) -> None:
    weighted = dataclasses.replace(CLAIM, cuts="weighted")
    sample = sample_of(participants, weighted)
    x, eligible = values_of(participants, CLAIM.exposure), sample.rows
    order = np.argsort(x[eligible])
    share = np.cumsum(sample.design.weights[eligible][order]) / sample.design.weights[eligible].sum()
    cuts = x[eligible][order][np.searchsorted(share, [0.2, 0.4, 0.6, 0.8])]
    group = np.searchsorted(cuts, x)
    medians = np.array([np.median(x[eligible & (group == k)]) for k in range(5)])
    by_hand = recompute(
        participants.assign(magnesium_median=np.where(np.isnan(x), np.nan, medians[group])),
        dataclasses.replace(PER_MG, exposure="magnesium_median"),
    )
    found = own(do_they_stand(participants, (weighted,)))
    assert found["trend_slope"].item() == pytest.approx(np.log(by_hand.estimate), rel=ONE_PATH)
    assert own(stands).loc[CLAIM.item, "trend_slope"] != pytest.approx(np.log(by_hand.estimate), rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"covariates": ("age_years", "race_ethnicity == 'non_hispanic_black'", "log(energy_kcal)")},
        {"outcome": "abi_lowest < 0.9 or abi_highest > 1.4"},
        {"outcome": "has_diabetes"},
        {"sample": CLAIM.sample.replace("age_years >= 40", "age_years >= 60 and magnesium_mg > 1")},
    ],
)
def test_conditions_logarithms_and_any_outcome_have_every_answer(participants, change) -> None:
    row = dataclasses.replace(CLAIM, **change)
    found = ask(participants, (row,))
    assert found[["odds_ratio", "trend_p", "nonlinear_p", "levels_p"]].notna().all(axis=None)
    assert own(found)["odds_ratio"].item() == recompute(participants, row).estimate


def test_what_is_no_amount_says_so_and_nothing_is_lost(participants) -> None:
    rows = (
        dataclasses.replace(PER_MG, item="condition", exposure="magnesium_mg < 200"),
        dataclasses.replace(PER_MG, item="category", exposure="smoking", level="current"),
        CLAIM,
    )
    found = do_they_stand(participants, rows).set_index(["item", "level"])
    for row in rows[:2]:
        assert found.loc[(row.item, "none"), "odds_ratio"] == recompute(participants, row).estimate
        assert pd.isna(found.loc[(row.item, "none"), "nonlinear_p"])
        assert found.loc[(row.item, "density"), "odds_ratio"] is not None
        assert "expected" in found.loc[(row.item, "density"), "why"]
    assert found.loc[CLAIM.item, "odds_ratio"].notna().all()


def test_who_has_no_energy_is_no_eater_of_nothing(participants) -> None:
    """An exposure of people without a recall: those forms that need energy are of the people who have it."""
    row = dataclasses.replace(PER_MG, exposure="bmi_kg_m2", weights="mec", sample="age_years >= 40 and examined")
    lost = participants["energy_kcal"].mask(np.arange(len(participants)) % 3 == 0)
    found = do_they_stand(participants.assign(energy_kcal=lost), (row,)).set_index("level")
    some = recompute(participants, dataclasses.replace(row, known=("energy_kcal",))).n
    assert found.loc["none", "n"] == recompute(participants, row).n
    assert (found.loc[["linear", "spline", "residual", "density"], "n"] < some).all()


def test_the_second_rule_is_that_of_the_two_ends(participants, stands) -> None:
    association = estimate(
        participants, Study(model="crude", extra_covariates=("age_years", "sex"), lonely_domain="keep")
    )
    curve = curve_of(association.problem, association.fit)
    low, middle, high = np.quantile(curve.eligible, [0.05, 0.5, 0.95])
    expected = levels(curve, low=low, high=high, middle=middle)
    row = at(stands, "none")
    found = row[["log_or_low", "log_or_high", "levels_p"]].tolist()
    assert found == pytest.approx([expected.log_or_low, expected.log_or_high, expected.p_value], rel=1e-6)
    assert row["levels"] == expected.verdict


def test_neuropathy_is_asked_by_the_other_rule_too_in_every_variation(participants, stands) -> None:
    lenient = by_other_rule(CLAIM)
    assert lenient is not None
    assert (lenient.outcome, "pn_lenient in (0, 1)" in lenient.sample) == ("pn_lenient", True)
    assert by_other_rule(lenient) == CLAIM
    other = do_they_stand(participants, (lenient,)).set_index("level")
    mine = stands[stands["item"] == CLAIM.item].set_index("level")
    assert (mine["other_rule"] == "lenient").all()
    for name in ("n", "odds_ratio", "conf_high", "found", "verdict", "levels"):
        assert mine[f"other_rule_{name}"].tolist() == other.loc[mine.index, name].tolist()
        assert other.loc[mine.index, f"other_rule_{name}"].tolist() == mine[name].tolist()
    arteries = do_they_stand(participants, (dataclasses.replace(CLAIM, outcome="pad"),))
    assert arteries[["other_rule", "other_rule_odds_ratio"]].isna().all(axis=None)


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
    assert {row.outcome for row in claims} == {"pn_strict", "pad"}
