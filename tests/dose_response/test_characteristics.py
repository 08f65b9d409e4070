from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.data.people.cohort import select_cohort
from analysis.dose_response.characteristics import COLUMNS, GROUPS, QUINTILE_GROUPS, characteristics
from analysis.dose_response.quintiles import quintiles
from analysis.report.words.study import characteristics_table
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.stats.sample.crosstabs import cross_table, independence_test
from analysis.stats.sample.descriptives import domain_means
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.study import CATEGORIES, COVARIATES, Study

SAME = 1e-10
"""The same sums in another order differ by less."""


@pytest.fixture(scope="module")
def table(participants) -> pd.DataFrame:
    return characteristics(participants, Study())


@pytest.fixture(scope="module")
def cohort(participants) -> pd.DataFrame:
    """People of the primary study's cohort, who all have a weight."""
    return participants[select_cohort(participants, Study()).rows]


def row_of(table: pd.DataFrame, variable: str, level: str, group: str, kind: str) -> pd.Series:
    found = table[(table["variable"] == variable) & (table["level"] == level) & (table["group"] == group)
                  & (table["kind"] == kind)]  # fmt: skip
    assert len(found) == 1
    return found.iloc[0]


def members(people: pd.DataFrame, group: str) -> pd.Series:
    return {"all": people["pn_strict"].notna(), "with_neuropathy": people["pn_strict"] == 1,
            "without_neuropathy": people["pn_strict"] == 0}[group]  # fmt: skip


def error_of_the_mean(participants: pd.DataFrame, people: pd.DataFrame, name: str) -> float:
    """Taylor error of a weighted mean, stratum by stratum: squares of PSU totals about their mean."""
    w, y = people["weight_dietary"], people[name].astype(float)
    influence = (w * (y - np.average(y, weights=w)) / w.sum()).reindex(participants.index, fill_value=0.0)
    totals = influence.groupby([participants["strata"], participants["psu"]]).sum()
    by_stratum = totals.groupby("strata")
    return float(np.sqrt((by_stratum.var(ddof=1) * by_stratum.count()).sum()))


def test_exposure_and_every_covariate_are_described_in_order(table) -> None:
    assert table["variable"].unique().tolist() == ["magnesium_mg", *COVARIATES["3"]]
    assert table.columns.tolist() == list(COLUMNS)


def test_numbers_have_mean_and_median_and_categories_their_levels(table) -> None:
    kinds = table.groupby("variable")["kind"].unique().map(set)
    assert kinds["bmi_kg_m2"] == {"mean", "median"}
    assert kinds["has_diabetes"] == kinds["sex"] == {"percent"}
    of_model = {name: levels for name, levels in CATEGORIES.items() if name in COVARIATES["2"]}
    for name, levels in {**of_model, "has_diabetes": ("yes", "no")}.items():
        of_name = table[table["variable"] == name]
        assert of_name["level"].unique().tolist() == list(levels)
        assert len(of_name) == len(levels) * len(GROUPS)


def test_an_extra_covariate_and_another_exposure_are_described(participants) -> None:
    found = characteristics(participants, Study(exposure="energy_kcal", extra_covariates=("height_cm",)))
    assert found["variable"].unique().tolist() == ["energy_kcal", *COVARIATES["2"], "height_cm"]


@pytest.mark.parametrize("group", GROUPS)
def test_mean_and_its_error_are_the_textbooks(participants, cohort, table, group: str) -> None:
    people = cohort[members(cohort, group) & cohort["pir"].notna()]
    row = row_of(table, "pir", "", group, "mean")
    mean = np.average(people["pir"], weights=people["weight_dietary"])
    std_error = error_of_the_mean(participants, people, "pir")
    design_df = people.groupby(["strata", "psu"]).ngroups - people["strata"].nunique()
    half = scipy.stats.t.ppf(0.975, design_df) * std_error
    found = row[["estimate", "std_error", "conf_low", "conf_high"]].tolist()
    np.testing.assert_allclose(found, (mean, std_error, mean - half, mean + half), rtol=SAME)
    assert row["n"] == len(people)


@pytest.mark.parametrize("group", GROUPS)
def test_median_is_where_half_the_weight_is_reached(cohort, table, group: str) -> None:
    people = cohort[members(cohort, group)].sort_values("magnesium_mg")
    reached = people["weight_dietary"].cumsum() / people["weight_dietary"].sum() >= 0.5
    row = row_of(table, "magnesium_mg", "", group, "median")
    assert row["estimate"] == people.loc[reached, "magnesium_mg"].iloc[0]
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("variable", "level", "value"), [("sex", "female", "female"), ("has_diabetes", "yes", 1.0)])
def test_percentage_is_weighted_with_a_logit_interval(
    participants, cohort, table, group: str, variable: str, level: str, value: object
) -> None:
    people = cohort[members(cohort, group) & cohort[variable].notna()]
    people = people.assign(hit=(people[variable] == value).astype(float))
    share = np.average(people["hit"], weights=people["weight_dietary"])
    std_error = error_of_the_mean(participants, people, "hit")
    design_df = people.groupby(["strata", "psu"]).ngroups - people["strata"].nunique()
    half = scipy.stats.t.ppf(0.975, design_df) * std_error / (share * (1 - share))
    limits = 1 / (1 + np.exp(-(np.log(share / (1 - share)) + np.array([-half, half]))))
    row = row_of(table, variable, level, group, "percent")
    found = row[["estimate", "std_error", "conf_low", "conf_high"]].tolist()
    np.testing.assert_allclose(found, 100 * np.array([share, std_error, *limits]), rtol=SAME)
    assert row["n"] == people["hit"].sum()


def test_known_and_missing_people_add_up_to_the_cohort(cohort, table) -> None:
    for variable, of_variable in table[table["kind"] != "median"].groupby("variable"):
        for group in GROUPS:
            rows = of_variable[of_variable["group"] == group]
            if pd.notna(missing := rows["n_missing"].iloc[0]):
                assert rows["n"].sum() + missing == members(cohort, group).sum(), variable
    assert table["n_missing"].max() > 0


def test_few_of_whom_a_characteristic_is_unknown_are_not_counted(participants, cohort) -> None:
    """Seven with neuropathy are not told, nor, since they would be the difference, all; without neuropathy 30 are."""
    sick = cohort.index[cohort["pn_strict"] == 1][:7]
    well = cohort.index[cohort["pn_strict"] == 0][:30]
    fewer = participants.assign(height_cm=participants["height_cm"].fillna(170.0))
    fewer.loc[[*sick, *well], "height_cm"] = np.nan
    table = characteristics(fewer, replace(Study(), extra_covariates=("height_cm",))).query("variable == 'height_cm'")
    missing = table.groupby("group")["n_missing"].first()
    assert missing[["all", "with_neuropathy"]].isna().all()
    assert missing["without_neuropathy"] == len(well)


def test_with_and_without_add_up_to_all(table) -> None:
    counts = table.pivot_table(index=["variable", "level", "kind"], columns="group", values=["n", "n_missing"])
    for name in ("n", "n_missing"):
        told = counts[name].dropna()
        assert (told["all"] == told["with_neuropathy"] + told["without_neuropathy"]).all()


def test_percentages_of_a_group_add_up_to_a_hundred(table) -> None:
    sums = table[table["kind"] == "percent"].groupby(["variable", "group"])["estimate"].sum()
    np.testing.assert_allclose(sums, 100, rtol=SAME)


def test_p_value_of_a_number_is_that_of_the_difference_in_means(participants, cohort, table) -> None:
    w, case, y = (cohort[name].astype(float) for name in ("weight_dietary", "pn_strict", "age_years"))
    means = [np.average(y[case == k], weights=w[case == k]) for k in (0, 1)]
    influence = sum((2 * k - 1) * w * (case == k) * (y - means[k]) / w[case == k].sum() for k in (0, 1))
    totals = influence.reindex(participants.index, fill_value=0.0).groupby(
        [participants["strata"], participants["psu"]]
    )
    by_stratum = totals.sum().groupby("strata")
    F = (means[1] - means[0]) ** 2 / (by_stratum.var(ddof=1) * by_stratum.count()).sum()
    of_age = table[(table["variable"] == "age_years") & (table["kind"] == "mean")]
    np.testing.assert_allclose(of_age["p_value"], scipy.stats.f.sf(F, 1, 44 + 1 - 2), rtol=1e-7)


def test_median_carries_no_p_value_of_the_difference_in_means(table) -> None:
    assert table.loc[table["kind"] == "median", "p_value"].isna().all()


def test_p_value_of_a_category_is_rao_scotts(participants, table) -> None:
    cohort = select_cohort(participants, Study())
    design = SurveyDesign(strata=participants["strata"].to_numpy(), psu=participants["psu"].to_numpy(),
                          weights=cohort.weights.to_numpy())  # fmt: skip
    domain = domain_of(design, (cohort.rows & participants["education"].notna()).to_numpy())
    levels = participants["education"].astype(object).to_numpy()
    test = independence_test(cross_table(levels, participants["pn_strict"].to_numpy(), design=design, domain=domain))
    found = table.loc[table["variable"] == "education", "p_value"]
    np.testing.assert_allclose(found, test.p_value, rtol=1e-7)


@pytest.fixture(scope="module")
def sparse(participants) -> pd.DataFrame:
    """The cohort with nine heavy drinkers among those with neuropathy, and ten among those without."""
    rows = select_cohort(participants, Study()).rows
    heavy = rows & (participants["alcohol"] == "heavy")
    kept = pd.Index([])
    for status, people in ((1, FEWEST_PEOPLE - 1), (0, FEWEST_PEOPLE)):
        kept = kept.append(participants.index[heavy & (participants["pn_strict"] == status)][:people])
    changed = heavy & ~participants.index.isin(kept)
    return characteristics(participants.assign(alcohol=participants["alcohol"].mask(changed, "moderate")), Study())


def test_cell_of_fewer_than_ten_people_is_left_empty(sparse) -> None:
    row = row_of(sparse, "alcohol", "heavy", "with_neuropathy", "percent")
    assert row[["n", "estimate", "std_error", "conf_low", "conf_high"]].isna().all()
    assert sparse["n"].min() >= FEWEST_PEOPLE


def test_cell_of_ten_people_is_shown(sparse) -> None:
    row = row_of(sparse, "alcohol", "heavy", "without_neuropathy", "percent")
    assert row["n"] == FEWEST_PEOPLE
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].notna().all()


def test_level_that_everybody_has_is_a_hundred_percent_without_interval_or_test(participants) -> None:
    women = characteristics(participants, Study(where="sex == 'female'"))
    row = row_of(women, "sex", "female", "all", "percent")
    assert (row["estimate"], row["std_error"]) == (100, 0)
    assert row[["conf_low", "conf_high", "p_value"]].isna().all()
    assert row_of(women, "sex", "male", "all", "percent")[["n", "estimate"]].isna().all()


def test_number_that_does_not_vary_has_no_test(participants) -> None:
    same = characteristics(participants.assign(height_cm=170.0), Study(extra_covariates=("height_cm",)))
    row = row_of(same, "height_cm", "", "all", "mean")
    assert (row["estimate"], np.isnan(row["p_value"])) == (pytest.approx(170), True)


def test_model_of_the_study_changes_nothing(participants, table) -> None:
    pd.testing.assert_frame_equal(characteristics(participants, replace(Study(), model="crude")), table)


def test_order_of_rows_changes_nothing(participants, table) -> None:
    shuffled = characteristics(participants.sample(frac=1, random_state=3), Study())
    pd.testing.assert_frame_equal(shuffled, table, rtol=1e-7)


def test_wider_confidence_level_gives_wider_intervals(participants, table) -> None:
    wide = characteristics(participants, replace(Study(), conf_level=0.99))
    assert (wide["conf_low"] < table["conf_low"]).mean() > 0.95
    assert (wide["conf_high"] >= table["conf_high"]).all()


@pytest.fixture(scope="module")
def lonely(participants) -> pd.DataFrame:
    """Participants of whom, in one stratum, only one PSU has people with neuropathy."""
    first = participants["strata"].min()
    cured = (participants["strata"] == first) & (participants["psu"] == 1) & (participants["pn_strict"] == 1)
    return participants.assign(pn_strict=participants["pn_strict"].mask(cured, 0.0))


def test_estimate_of_people_in_one_psu_of_a_stratum_stands_without_an_interval_and_says_why(lonely) -> None:
    refused, kept = (characteristics(lonely, replace(Study(), lonely_domain=policy)) for policy in ("fail", "keep"))
    alone = (refused["group"] == "with_neuropathy") & refused["n"].notna()
    assert alone.any()
    assert refused.loc[alone, ["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    stratum = lonely["strata"].min()
    assert refused.loc[alone, "note"].unique().tolist() == [f"no interval: one PSU in stratum {stratum}"]
    assert refused.loc[~alone, "note"].isna().all()
    # The numbers are those of R's policy, which has the interval, too.
    pd.testing.assert_frame_equal(refused[["n", "estimate", "p_value"]], kept[["n", "estimate", "p_value"]])
    assert "note" not in kept
    assert f"(no interval: one PSU in stratum {stratum})" in characteristics_table(refused).iloc[0, 3]


def test_a_group_of_nobody_is_told_as_few(participants) -> None:
    well = participants.assign(pn_strict=participants["pn_strict"].mask(participants["pn_strict"] == 1))
    table = characteristics(well, Study())
    assert table["group"].unique().tolist() == list(GROUPS)
    assert table.loc[table["group"] == "with_neuropathy", ["n", "estimate"]].isna().all(axis=None)
    assert table["p_value"].isna().all()


# ---- by quintile


@pytest.fixture(scope="module")
def by_quintile(participants) -> pd.DataFrame:
    return characteristics(participants, Study(), by="quintile")


def test_quintiles_are_those_of_the_odds_ratios_and_add_up_to_all(participants, by_quintile, table) -> None:
    rows = by_quintile.query("variable == 'magnesium_mg' and kind == 'mean'").set_index("group")
    assert list(rows.index) == list(QUINTILE_GROUPS)
    assert rows["n"].iloc[1:].sum() == rows["n"].iloc[0]
    whole = quintiles(participants, Study(model="crude"), reference_quintile=2)
    assert rows["n"].iloc[1:].tolist() == whole["n"].tolist()
    together = table.query("group == 'all'")[["variable", "level", "kind", "n", "estimate", "std_error"]]
    ours = by_quintile.query("group == 'all'")[["variable", "level", "kind", "n", "estimate", "std_error"]]
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), together.reset_index(drop=True))


@pytest.mark.reference
def test_p_of_a_number_is_the_wald_f_of_four_differences(participants, cohort, by_quintile) -> None:
    people = cohort.assign(quintile=pd.qcut(cohort["magnesium_mg"], 5, labels=False))
    row = row_of(by_quintile, "age_years", "", "quintile_1", "mean")
    first = people[(people["quintile"] == 0) & people["age_years"].notna()]
    assert row["estimate"] == pytest.approx(np.average(first["age_years"], weights=first["weight_dietary"]), rel=1e-9)
    design = SurveyDesign(
        strata=participants["strata"].to_numpy(), psu=participants["psu"].to_numpy(),
        weights=participants["weight_dietary"].fillna(0).to_numpy(), lonely_domain="keep",
    )  # fmt: skip
    domains = {}
    for number in range(5):
        rows = pd.Series(False, index=participants.index)
        rows[people.index[people["quintile"] == number]] = True
        domains[str(number)] = domain_of(design, rows.to_numpy())
    means = domain_means(participants["age_years"].fillna(0).to_numpy(dtype=float), design=design, domains=domains)
    L = np.hstack([-np.ones((4, 1)), np.eye(4)])
    differences, vcov = L @ means.estimate, L @ means.vcov @ L.T
    statistic = differences @ np.linalg.solve(vcov, differences) / 4
    assert row["p_value"] == pytest.approx(scipy.stats.f.sf(statistic, 4, design_df_of(people) + 1 - 5), rel=1e-6)


def design_df_of(people: pd.DataFrame) -> int:
    return people.groupby(["strata", "psu"]).ngroups - people["strata"].nunique()


def test_table_by_quintile_has_a_column_a_quintile(by_quintile) -> None:
    shown = characteristics_table(by_quintile)
    assert [head.partition(" (n = ")[0] for head in shown.columns[2:-1]] == [
        "all",
        *(f"quintile {k}" for k in range(1, 6)),
    ]
