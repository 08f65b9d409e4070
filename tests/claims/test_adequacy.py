import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.claims.adequacy import EAR, RDA, IntakeAdequacy, intake_adequacy, requirement
from analysis.claims.recall import RecallReliability, recall
from analysis.pipeline.participants import read_participants
from tests.claims import FOLDERS, REAL, RTOL
from tests.people import participants as invented_people

KEY = ["domain", "sex", "ages", "quantity"]


@pytest.fixture(scope="module")
def found(answers) -> IntakeAdequacy:
    return answers["adequacy"]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("sex", "age", "ear", "rda"),
    [("male", 30, 330, 400), ("male", 31, 350, 420), ("female", 30, 255, 310), ("female", 31, 265, 320)],
)
def test_requirements_are_the_institute_of_medicines(sex, age, ear, rda):
    people = invented_people([{"sex": sex, "age_years": float(age)}])
    assert (requirement(people, EAR).item(), requirement(people, RDA).item()) == (ear, rda)


def test_an_intake_at_the_requirement_is_not_below_it(participants):
    """The share of one day counts strictly smaller intakes."""
    ear, rda, kind = requirement(participants, EAR), requirement(participants, RDA), np.arange(len(participants)) % 3
    changed = participants.assign(magnesium_mg=np.choose(kind, [ear, ear - 1, rda]))
    adult = (participants["age_years"] >= 20) & participants["recall_reliable"]
    weights = participants["weight_dietary"].where(adult, 0.0).to_numpy()
    day = intake_adequacy(changed).shares.set_index(KEY)["estimate"]
    assert day["age20", "all", "all", "day_ear"] == pytest.approx(weights[kind == 1].sum() / weights.sum())
    assert day["age20", "all", "all", "day_rda"] == pytest.approx(weights[kind != 2].sum() / weights.sum())


def test_one_day_share_is_the_weighted_share(participants, found):
    adult = (participants["age_years"] >= 20) & participants["recall_reliable"] & participants["magnesium_mg"].notna()
    women = participants[adult & (participants["sex"] == "female")]
    weights = women["weight_dietary"]
    expected = weights[women["magnesium_mg"] < requirement(women, EAR)].sum() / weights.sum()
    row = found.shares.set_index(KEY).loc[("age20", "female", "all", "day_ear")]
    assert row["estimate"] == pytest.approx(expected, rel=1e-12)
    assert row["n"] == (women["weight_dietary"] > 0).sum()


def test_usual_intake_keeps_the_mean_and_pulls_shares_to_the_middle(found):
    """Shrinking leaves the mean, and most people lie below the RDA, so that more of them do usually than on a day."""
    shares = found.shares.set_index(KEY)["estimate"]
    for sex in ("all", "male", "female"):
        group = ("age20", sex, "all")
        assert shares[(*group, "usual_mean")] == pytest.approx(shares[(*group, "day_mean")], rel=0.03)
    assert found.variances["reliability"].between(0.1, 0.9).all()


def test_without_supplements_that_share_is_not_told_and_with_them_it_is_lower(participants, found):
    bare = participants.drop(columns=["magnesium_supplement_mg"], errors="ignore")
    assert "usual_total_ear" not in set(intake_adequacy(bare).shares["quantity"])
    supplement = np.where(np.arange(len(participants)) % 5 == 0, 250.0, 0.0)
    supplement[:1000] = np.nan
    shares = intake_adequacy(participants.assign(magnesium_supplement_mg=supplement)).shares.set_index(KEY)
    for sex in ("male", "female"):
        both = shares.loc[("age20", sex, "all", "usual_total_ear")], shares.loc[("age20", sex, "all", "usual_ear")]
        assert both[0]["estimate"] < both[1]["estimate"]
        assert both[0]["n"] < both[1]["n"]


def test_indicators_are_not_given_where_energy_is_the_exposure_and_a_covariate(found):
    assert set(found.exposures["model"]) == {"1", "2", "3"}
    each = found.exposures.groupby("model")["exposure"].value_counts()
    assert (each.xs("left_arm", level=1) == 4).all()
    assert (each.xs("below_ear", level=1) == 1).all()


# ---- the real files
@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return read_participants(FOLDERS)[0]


@pytest.fixture(scope="module")
def real(people) -> IntakeAdequacy:
    return intake_adequacy(people)


@pytest.fixture(scope="module")
def real_recall(people) -> RecallReliability:
    return recall(people)


@pytest.mark.real
@pytest.mark.reference
def test_shares_and_their_jackknife_errors_are_the_independent_ones(real):
    theirs = pd.read_csv(REAL / "claims_adequacy_shares.csv")
    both = real.shares.query("ages == 'all'").merge(theirs, on=["domain", "sex", "quantity"], suffixes=("", "_r"))
    known = theirs["quantity"].isin(real.shares["quantity"])
    assert len(both) == known.sum() >= 30
    np.testing.assert_allclose(both["estimate"], both["estimate_r"], rtol=RTOL)
    np.testing.assert_allclose(both["std_error"], both["std_error_r"], rtol=RTOL)


@pytest.mark.real
@pytest.mark.reference
def test_variances_and_counts_are_the_independent_ones(real, people):
    number = pd.read_csv(REAL / "claims_adequacy_numbers.csv").set_index("quantity")["value"]
    variances = real.variances.set_index("sex")
    for sex in ("male", "female"):
        assert variances.loc[sex, "within"] == pytest.approx(number[f"within.{sex}"], rel=RTOL)
        assert variances.loc[sex, "reliability"] == pytest.approx(number[f"reliability.{sex}"], rel=RTOL)
    assert variances["n_both"].sum() == number["n.both20"]
    n = real.shares.query("sex == 'all' and ages == 'all' and quantity == 'day_ear'").set_index("domain")["n"]
    assert n.to_dict() == {name: number[f"n.{name}"] for name in ("age20", "age40", "cohort")}
    below = real.exposures.query("model == '1'").set_index("exposure")["n_exposed"]
    assert (below["below_ear"], below["below_rda"]) == (number["count.cohort_ear"], number["count.cohort_rda"])


@pytest.mark.real
@pytest.mark.reference
def test_odds_ratios_of_low_intake_are_the_independent_ones(real):
    theirs = pd.read_csv(REAL / "claims_adequacy_odds.csv", dtype={"model": str})
    both = real.exposures.merge(theirs, on=["exposure", "model", "x"], suffixes=("", "_r"))
    assert len(both) == len(theirs)
    np.testing.assert_array_equal(both[["n", "cases", "df"]], both[["n_r", "cases_r", "df_r"]])
    np.testing.assert_allclose(both["estimate"], both["estimate_r"], rtol=RTOL)
    np.testing.assert_allclose(both["std_error"], both["std_error_r"], rtol=RTOL)
    t = np.abs(both["estimate_r"] / both["std_error_r"])
    np.testing.assert_allclose(both["p_value"], 2 * scipy.stats.t.sf(t, both["df_r"]), rtol=10 * RTOL)


@pytest.mark.real
@pytest.mark.reference
def test_recall_error_is_the_independent_one(real_recall):
    theirs = pd.read_csv(REAL / "claims_recall.csv")
    key = ["domain", "scale", "adjusted", "weighted"]
    both = real_recall.agreement.merge(theirs, on=key, suffixes=("", "_r"))
    assert len(both) == len(theirs)
    np.testing.assert_array_equal(both["n"], both["n_r"])
    for name in ("within", "first", "second", "covariance", "reliability", "icc", "correlation"):
        np.testing.assert_allclose(both[name], both[f"{name}_r"], rtol=RTOL)
    first = real_recall.slopes.iloc[0]
    assert (first["n"], first["cases"], first["df"]) == (7726, 1378, 37)
    assert first["estimate"] == pytest.approx(0.0198637829875645, rel=RTOL)
    assert first["std_error"] == pytest.approx(0.107437501577063, rel=RTOL)


# ---- recall error on invented people
def test_corrected_slope_is_the_slope_over_the_adjusted_reliability(participants):
    found = recall(participants)
    adjusted = found.agreement.query("domain == 'cohort' and scale == 'log_mg' and adjusted").iloc[0]
    assert set(found.slopes["reliability"]) == {adjusted["reliability"]}
    np.testing.assert_allclose(found.slopes["corrected"] * adjusted["reliability"], found.slopes["estimate"])
