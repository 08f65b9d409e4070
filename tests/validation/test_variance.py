"""The four variances on invented people with jackknife weights made here; and on the real files, held to R and Gregg.

The real part is marked ``real``: it needs what `make figures` builds, and runs with `make test-real`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.source.reading import SourceError
from analysis.dose_response.association import estimate
from analysis.dose_response.problem import pose
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.sample.descriptives import weighted_quantile
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.study import Study
from analysis.validation.studies.agreement import compare_studies
from analysis.validation.studies.replication import read_replications
from analysis.validation.variance import (
    INTAKES,
    STUDY,
    VARIANCES,
    delete_one_group,
    read_replicate_weights,
    side_by_side,
    variance_check,
)

ROOT = Path(__file__).parents[2]
REFERENCE = Path(__file__).parents[1] / "reference" / "real"

GROUPS = 20
DRAWS = 60
GREGG_2004 = [[14.8, 12.8, 16.8], [28.5, 22.0, 35.1]]
"""Printed prevalences with their intervals: everybody, and people told of diabetes."""

MEANS = ("neuropathy, all aged 40 or older", "neuropathy, diagnosed diabetes", "magnesium, mean")
MEDIAN = "magnesium, median"
LOG_ODDS_RATIOS = tuple(f"magnesium, {x:g} mg against the median" for x in INTAKES)
COEFFICIENTS = ("coefficient magnesium_mg_s1", "coefficient magnesium_mg_s2")
TEST = "magnesium, test of non-linearity"
TERMS = (*MEANS, MEDIAN, *LOG_ODDS_RATIOS, *COEFFICIENTS, TEST)

RTOL = 1e-8
"""Both sides solve the same equations; R's replicates are fitted to a deviance settled to 1e-13."""

QUANTILE_RTOL = 1e-6
"""Limits of a quantile are values that were reported: a share that rounds otherwise would move them by much more."""

ROUNDING = 1e-12


def groups_of(people: pd.DataFrame) -> np.ndarray:
    """Group of each person, 0 to GROUPS - 1."""
    return np.random.default_rng(3).integers(GROUPS, size=len(people))


def jk1_weights(people: pd.DataFrame, group: np.ndarray) -> pd.DataFrame:
    """Weights of a delete-one-group jackknife, the groups as they are numbered."""
    number = int(group.max()) + 1
    factors = np.where(group[:, None] == np.arange(number), 0.0, number / (number - 1))
    return pd.DataFrame(factors, people.index).mul(people["weight_mec_2yr"].fillna(0), axis=0)


@pytest.fixture(scope="module")
def people(participants: pd.DataFrame) -> pd.DataFrame:
    return participants[participants["cycle"] == 1999]


@pytest.fixture(scope="module")
def weights(people: pd.DataFrame) -> pd.DataFrame:
    return jk1_weights(people, groups_of(people))


@pytest.fixture(scope="module")
def check(participants: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    return variance_check(participants, weights, replicates=DRAWS)


def by(check: pd.DataFrame, variance: str) -> pd.DataFrame:
    return check[check["variance"] == variance].set_index("term")


def test_every_statistic_has_an_error_by_every_variance(check):
    assert check["term"].drop_duplicates().tolist() == list(TERMS)
    for term, rows in check[check["variance"] != "published"].groupby("term"):
        assert rows["variance"].tolist() == list(VARIANCES)
        assert (rows["statistic"] if term == TEST else rows["std_error"]).gt(0).all()


def test_units_are_of_the_statistic(check):
    units = check.groupby("term", sort=False)["unit"].unique()
    assert units.map(len).eq(1).all()
    expected = ["%", "%", "mg/day", "mg/day", *["log odds ratio"] * 2, *["log odds"] * 2, "F, 2 numerator df"]
    assert units.str[0].tolist() == expected


def test_prevalences_by_taylor_are_those_that_stand_beside_the_literature(check, participants):
    rows = [row for row in read_replications() if row.study == "Gregg 2004" and row.item.startswith("PN")]
    theirs = compare_studies(participants, tuple(rows))
    ours = by(check, "taylor").loc[list(MEANS[:2])]
    for column, name in (("estimate", "ours"), ("conf_low", "ours_low"), ("conf_high", "ours_high")):
        np.testing.assert_allclose(ours[column], theirs[name], rtol=ROUNDING)


def test_median_by_taylor_is_woodruffs(check, people):
    setting = pose(people, STUDY).setting
    found = weighted_quantile(setting.exposure, probability=0.5, design=setting.design, domain=setting.domain)
    ours = by(check, "taylor").loc[MEDIAN]
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[column], getattr(found, column), rtol=ROUNDING)


def test_log_odds_ratios_and_test_by_taylor_are_the_studys(check, participants):
    association = estimate(participants, Study(weights="mec", cycles=(1999,)))
    curve, ours = association.curve(INTAKES).frame, by(check, "taylor")
    np.testing.assert_allclose(ours.loc[list(LOG_ODDS_RATIOS), "estimate"], curve["log_or"], rtol=RTOL)
    np.testing.assert_allclose(ours.loc[list(LOG_ODDS_RATIOS), "std_error"], curve["std_error"], rtol=RTOL)
    test = association.tests["nonlinear", "wald"]
    assert (ours.loc[TEST, ["statistic", "df", "p_value"]] == [test.statistic, test.df_den, test.p_value]).all()


@pytest.mark.reference
def test_error_of_a_mean_from_provided_weights_by_hand(check, people, weights):
    assessed = people["pn_lenient"].notna() & (people["age_years"] >= 40)
    y, w = 100 * people.loc[assessed, "pn_lenient"], weights[assessed]
    full = np.average(y, weights=people.loc[assessed, "weight_mec_2yr"])
    means = w.mul(y, axis=0).sum() / w.sum()
    by_hand = np.sqrt((GROUPS - 1) / GROUPS * np.sum((means - full) ** 2))
    ours = by(check, "nchs").loc[MEANS[0]]
    np.testing.assert_allclose(ours["std_error"], by_hand, rtol=ROUNDING)
    assert (ours["df"], ours["replicates"], ours["failed"]) == (GROUPS - 1, GROUPS, 0)


@pytest.mark.reference
def test_error_of_a_coefficient_from_provided_weights_by_refitting_one_by_one(check, people, weights):
    problem = pose(people, STUDY)
    setting = problem.setting

    def coefficient(w: np.ndarray) -> float:
        design = SurveyDesign(strata=setting.design.strata, psu=setting.design.psu, weights=w, lonely_domain="keep")
        domain = domain_of(design, setting.domain.rows)
        inside = domain.rows[setting.domain.rows]
        X, y = problem.X[inside], problem.y[inside]
        return fit_logistic(X, y, design=design, domain=domain, terms=problem.terms).beta[2]

    change = np.array([coefficient(weights[column].to_numpy()) for column in weights]) - coefficient(
        setting.design.weights
    )
    by_hand = np.sqrt((GROUPS - 1) / GROUPS * np.sum(change**2))
    ours = by(check, "nchs").loc[COEFFICIENTS[0]]
    np.testing.assert_allclose(ours["std_error"], by_hand, rtol=RTOL)
    assert ours["df"] == GROUPS - 1 + 1 - len(problem.terms)


def test_jackknife_of_the_psus_is_near_taylor(check):
    ratio = by(check, "jackknife")["ratio_to_taylor"].dropna()
    assert len(ratio) == len(TERMS) - 1
    np.testing.assert_allclose(ratio, 1.0, atol=0.15)


def test_df_of_taylor_and_of_replicates_made_from_the_design_are_the_same(check):
    df = check[check["variance"].isin(VARIANCES[:3])].groupby("term")["df"].unique()
    assert df.map(len).eq(1).all()


def test_published_interval_stands_below_ours(check):
    printed = check[check["variance"] == "published"]
    assert printed["term"].tolist() == list(MEANS[:2])
    values = printed[["estimate", "conf_low", "conf_high"]].to_numpy().tolist()
    assert values == GREGG_2004


def test_order_of_the_weights_rows_and_other_cycles_do_not_matter(check, people, weights):
    again = variance_check(people, weights.sample(frac=1, random_state=5), replicates=DRAWS)
    pd.testing.assert_frame_equal(again, check)


def test_another_seed_changes_the_bootstrap_only(check, people, weights):
    again = variance_check(people, weights, replicates=DRAWS, seed=2)
    same = again["std_error"].eq(check["std_error"]) | again["std_error"].isna()
    bootstrapped = check["variance"] == "bootstrap"
    assert same[~bootstrapped].all()
    assert not same[bootstrapped & check["term"].isin(MEANS)].any()


def test_a_replicate_without_an_estimate_is_counted_where_it_fails(people):
    # Group 0 holds everybody of one ethnicity, whose odds ratio does not exist without them.
    group = groups_of(people)
    of_others = people["race_ethnicity"].to_numpy() == "other"
    group = np.where(of_others, 0, np.where(group == 0, 1, group))
    failed = by(variance_check(people, jk1_weights(people, group), replicates=2), "nchs")["failed"]
    assert failed.loc[list(MEANS)].eq(0).all()
    assert failed.loc[[*LOG_ODDS_RATIOS, *COEFFICIENTS, TEST]].eq(1).all()


def test_side_by_side_has_a_row_a_statistic_with_the_same_numbers(check):
    table = side_by_side(check).set_index("term")
    assert table.index.tolist() == list(TERMS[:-1])
    for variance in VARIANCES:
        ours = by(check, variance).loc[table.index]
        assert table[f"se_{variance}"].tolist() == ours["std_error"].tolist()
        assert table[f"df_{variance}"].tolist() == ours["df"].tolist()
    np.testing.assert_allclose(table["nchs_to_taylor"], by(check, "nchs")["ratio_to_taylor"].dropna(), rtol=ROUNDING)
    assert table["low_published"].dropna().tolist() == [12.8, 22.0]
    assert table["low_nchs"].tolist() == by(check, "nchs").loc[table.index, "conf_low"].tolist()


def test_half_samples_are_refused(people):
    problem = pose(people, STUDY)
    design = problem.setting.design
    halves = np.random.default_rng(1).integers(2, size=(len(people), 8)) * 2 * design.weights[:, None]
    with pytest.raises(DesignError, match="left out of 0 to 8 of the 8 replicates: expected each with a weight"):
        delete_one_group(halves, design)


def test_weights_of_other_people_are_refused(participants, weights):
    with pytest.raises(DesignError, match="fewer than 10 SEQN in one of the two only"):
        variance_check(participants, weights.iloc[1:], replicates=2)


def test_weights_that_name_somebody_twice_are_refused(participants, weights):
    with pytest.raises(DesignError, match="expected one row for everybody"):
        variance_check(participants, pd.concat([weights, weights.iloc[:1]]), replicates=2)


def test_weights_that_belong_to_another_full_sample_weight_are_refused(participants, people, weights):
    strangers = people["weight_mec_2yr"].fillna(0) == 0
    assert strangers.any()
    with pytest.raises(DesignError, match="Do the full-sample weights belong"):
        variance_check(participants, weights.mask(strangers, 1.0), replicates=2)


def test_an_invented_survey_has_no_replicate_weights(demo):
    with pytest.raises(SourceError, match="DEMO has no column WTMREP01"):
        read_replicate_weights(demo.registry(), demo.raw)


# ---- the real files


@pytest.fixture(scope="module")
def real_weights() -> pd.DataFrame:
    folders = Folders(ROOT / "data", ROOT / "figures")
    return read_replicate_weights(folders.registry(), folders.raw)


@pytest.fixture(scope="module")
def real_people() -> pd.DataFrame:
    frame, provenance = read_participants(Folders(ROOT / "data", ROOT / "figures"))
    assert not provenance.synthetic
    return frame


@pytest.fixture(scope="module")
def real_check(real_people: pd.DataFrame, real_weights: pd.DataFrame) -> pd.DataFrame:
    return variance_check(real_people, real_weights)


@pytest.mark.real
@pytest.mark.reference
@pytest.mark.parametrize("variance", ["taylor", "jackknife", "nchs"])
def test_errors_on_the_real_files_match_r_survey(real_check, variance):
    theirs = pd.read_csv(REFERENCE / "variance.csv")
    theirs = theirs[theirs["variance"] == variance].reset_index(drop=True)
    ours = by(real_check, variance).loc[list(TERMS[:-1])].reset_index()
    assert theirs["term"].tolist() == [
        *("neuropathy_all", "neuropathy_diagnosed", "magnesium_mean", "magnesium_median"),
        *("magnesium_100_mg", "magnesium_500_mg", "magnesium_mg_s1", "magnesium_mg_s2"),
    ]
    np.testing.assert_array_equal(ours[["n", "df"]], theirs[["n", "df"]])
    quantile = ours["term"] == MEDIAN
    # An interval's end can fall on zero: compare on the scale of the standard error.
    for rows, rtol in ((quantile, QUANTILE_RTOL), (~quantile, RTOL)):
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            difference = (ours[column] - theirs[column])[rows] / theirs["std_error"][rows]
            assert difference.abs().max() < rtol


@pytest.mark.real
@pytest.mark.reference
@pytest.mark.parametrize("variance", ["taylor", "jackknife", "nchs"])
def test_test_of_non_linearity_on_the_real_files_matches_r_survey(real_check, variance):
    theirs = pd.read_csv(REFERENCE / "variance_tests.csv").set_index("variance").loc[variance]
    ours = by(real_check, variance).loc[TEST]
    assert ours["df"] == theirs["df_den"]
    np.testing.assert_allclose(ours["statistic"], theirs["statistic"], rtol=RTOL)
    np.testing.assert_allclose(ours["p_value"], theirs["p_value"], rtol=RTOL)


@pytest.mark.real
@pytest.mark.reference
def test_nchs_weights_give_gregg_2004s_intervals_to_the_last_printed_digit(real_check):
    ours = by(real_check, "nchs").loc[list(MEANS[:2]), ["conf_low", "conf_high"]]
    assert ours.round(1).to_numpy().tolist() == [limits for _, *limits in GREGG_2004]


@pytest.mark.real
def test_taylor_does_not_give_gregg_2004s_intervals(real_check):
    ours = by(real_check, "taylor").loc[list(MEANS[:2]), ["conf_low", "conf_high"]]
    assert ours.round(1).to_numpy().tolist() == [[13.1, 16.5], [21.5, 35.6]]


@pytest.mark.real
@pytest.mark.reference
def test_nchs_weights_are_a_delete_one_group_jackknife_without_strata(real_people, real_weights):
    people = real_people[real_people["cycle"] == 1999]
    full = people["weight_mec_2yr"].fillna(0)
    counted = full > 0
    assert (real_weights.shape, int((~counted).sum())) == ((9965, 52), 683)
    matrix = real_weights.loc[people.index]
    assert (matrix[~counted] == 0).all(axis=None)
    assert (matrix[counted] == 0).sum(axis="columns").eq(1).all()
    np.testing.assert_allclose(matrix.sum(), full.sum(), rtol=ROUNDING)
    factors = matrix[counted].div(full[counted], axis=0).to_numpy()
    kept = factors[factors > 0]
    assert (round(float(np.median(kept)), 3), round(float(kept.max()), 2)) == (1.013, 1.21)


@pytest.mark.real
def test_no_replicate_of_the_real_files_fails(real_check):
    assert real_check["failed"].dropna().eq(0).all()
    assert real_check.groupby("variance")["replicates"].max().dropna().to_dict() == {
        "bootstrap": 1000,
        "jackknife": 27,
        "nchs": 52,
    }
