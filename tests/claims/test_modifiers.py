import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from analysis.claims.modifiers import DECLARED, TOTAL, Modification, modifiers
from analysis.claims.rows import TWO_MODELS
from analysis.dose_response.modifiers import ARMS
from analysis.pipeline.participants import read_participants
from analysis.study import PRIMARY
from tests.claims import FOLDERS, REAL, RTOL


@pytest.fixture(scope="module")
def found(answers) -> Modification:
    return answers["modifiers"]


def test_all_twelve_are_told_under_each_model_whether_they_could_be_tested_or_not(found):
    assert len(DECLARED) == 12
    each = found.tests.groupby(["exposure", "model"])["modifier"].apply(list)
    assert all(names == [modifier.name for _, modifier in DECLARED] for names in each)
    assert set(found.tests["model"]) == set(TWO_MODELS)
    untested = found.tests["p_value"].isna()
    assert (found.tests.loc[untested, "reason"] != "").all()
    assert (found.tests.loc[~untested, "reason"] == "").all()


def test_adjusted_p_count_every_declared_test(participants):
    """Holm's smallest is the raw one times the number declared, be a column missing or not."""
    tests = modifiers(participants.drop(columns=["albumin_creatinine_mg_g", TOTAL])).tests
    family = tests[tests["model"] == "1"]
    assert family["p_value"].isna().sum() >= 2
    smallest = family["p_value"].min()
    assert family["holm_p"].min() == pytest.approx(min(1.0, 12 * smallest))
    assert (family["bh_p"].dropna() >= family["p_value"].dropna()).all()


def test_adjustment_is_statsmodels_own(found):
    family = found.tests[(found.tests["model"] == "2") & (found.tests["exposure"] == PRIMARY.exposure)]
    padded = family["p_value"].fillna(1.0)
    for name, method in (("holm_p", "holm"), ("bh_p", "fdr_bh")):
        expected = multipletests(padded, method=method)[1][family["p_value"].notna()]
        np.testing.assert_allclose(family[name].dropna(), expected)


def test_arms_are_told_in_every_level_of_every_test(found):
    levels = {modifier.name: len(modifier.levels) for _, modifier in DECLARED}
    tested = found.tests.dropna(subset="p_value")
    assert len(found.arms) == len(ARMS) * tested["modifier"].map(levels).sum()
    assert set(found.arms["x"]) == set(ARMS)
    np.testing.assert_allclose(found.arms["odds_ratio"], np.exp(found.arms["estimate"]))
    assert not found.curves["x"].isin(ARMS).any()


# ---- the real files
@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return read_participants(FOLDERS)[0]


@pytest.fixture(scope="module")
def real(people) -> Modification:
    return modifiers(people)


@pytest.mark.real
@pytest.mark.reference
def test_tests_of_effect_modification_are_the_independent_ones(real):
    ours = real.tests.query("model == '1' and exposure == 'magnesium_mg'").dropna(subset="p_value")
    both = ours.merge(pd.read_csv(REAL / "claims_modifier_tests.csv"), on="modifier", suffixes=("", "_r"))
    assert len(both) >= 7
    np.testing.assert_array_equal(both[["n", "cases", "df_num", "df_den"]],
                                  both[["n_r", "cases_r", "df_num_r", "df_den_r"]])  # fmt: skip
    np.testing.assert_allclose(both["statistic"], both["statistic_r"], rtol=RTOL)
    np.testing.assert_allclose(both["p_value"], both["p_value_r"], rtol=RTOL)


@pytest.mark.real
@pytest.mark.reference
def test_arms_within_levels_are_the_independent_ones(real):
    ours = real.arms.query("model == '1' and exposure == 'magnesium_mg'")
    theirs = pd.read_csv(REAL / "claims_modifier_curves.csv")
    both = ours.merge(theirs, on=["modifier", "level", "x"], suffixes=("", "_r"))
    assert len(both) >= 30
    np.testing.assert_array_equal(both[["n", "cases"]], both[["n_r", "cases_r"]])
    np.testing.assert_allclose(both["estimate"], both["log_or"], rtol=RTOL)
    np.testing.assert_allclose(both["std_error"], both["std_error_r"], rtol=RTOL)


@pytest.mark.real
@pytest.mark.reference
def test_race_replaces_the_covariate_it_is_made_of(real):
    """R 4.2.2, survey::svyglm with the four levels in the place of the five."""
    row = real.tests.query("model == '1' and exposure == 'magnesium_mg' and modifier == 'race_ethnicity'").iloc[0]
    assert (row["df_num"], row["df_den"], row["replaced"]) == (9, 27, "race_ethnicity")
    assert row["statistic"] == pytest.approx(1.683225, rel=RTOL)
