import pandas as pd
import pytest

from analysis.associations import estimate
from analysis.estimates import summarise
from analysis.report import tables
from analysis.study import Study


@pytest.mark.parametrize(
    ("p_value", "text"), [(0.0004, "< 0.001"), (0.001, "= 0.001"), (0.0204, "= 0.020"), (1.0, "= 1.000")]
)
def test_p_value_in_words(p_value, text):
    assert tables.format_p(p_value) == text


def test_odds_ratio_with_its_interval():
    row = pd.Series({"odds_ratio": 1.5355, "conf_low": 1.1647, "conf_high": 2.0244})
    assert tables.format_odds_ratio(row) == "1.54 (1.16 to 2.02)"


def test_answer_quotes_the_estimates(estimates):
    frames = estimates[0]
    model = frames["models"].set_index("model").loc["1"]
    at = frames["odds_ratio_curve"].query("model == '1'").set_index("x")
    sentence = tables.answer(frames)
    for piece in (
        f"{model['n']:,} adults",
        tables.format_odds_ratio(at.loc[100.0]),
        tables.format_odds_ratio(at.loc[550.0]),
        f"lowest point {model['nadir']:.0f} mg/day",
    ):
        assert piece in sentence


def test_planted_truth_stands_beside_what_was_found(estimates):
    sentence = tables.planted(estimates[0])
    truth = estimates[0]["planted"].set_index("x")
    assert f"{truth.loc[100.0, 'odds_ratio']:.2f}, found" in sentence
    assert "lowest point 240 mg/day" in sentence


def test_curve_table_has_the_tabulated_intakes_only(estimates):
    table = tables.curve_table(estimates[0], model="1")
    assert table.iloc[:, 0].tolist()[:3] == ["60", "100", "150"]
    assert len(table) == 14


@pytest.mark.parametrize("model", ["crude", "1", "2", "3"])
def test_caption_names_the_covariates(estimates, model):
    text = tables.curve_caption(estimates[0], model)
    assert {"crude": "nothing", "1": "age, sex and race/ethnicity"}.get(model, "hypertension") in text


@pytest.mark.parametrize("weights", ["dietary", "mec", "none"])
def test_terminal_table_tells_who_what_and_how_sure(participants, weights):
    found = estimate(participants, Study(weights=weights, where="sex == 'female'"))
    text = tables.format_association(found, points=[100.0, 300.0], source="SYNTHETIC survey, seed 1")
    for piece in (
        "SYNTHETIC survey, seed 1",
        tables.WEIGHT_WORDS[weights],
        "where sex == 'female'",
        "left out, no variation here: sex_female",
        f"n = {found.fit.n:,}, cases = {found.fit.cases:,}",
        f"residual df {found.fit.residual_df}",
        "overall p",
        "lowest point",
        "race_ethnicity_mexican_american",
    ):
        assert piece in text


def test_terminal_table_admits_a_low_point_at_the_edge(participants):
    falling = participants.assign(magnesium_mg=-participants["age_years"] + participants["magnesium_mg"] / 1e4)
    found = estimate(falling, Study(model="crude"))
    assert found.nadir.at_boundary
    assert "no interior low point" in tables.format_association(found, points=[-60.0], source="invented")


def test_tests_are_told_each_under_its_own_name():
    names = [("overall", "wald"), ("overall", "rao_scott"), ("nonlinear", "wald"), ("nonlinear", "rao_scott")]
    frame = pd.DataFrame(names, columns=["test", "method"]).assign(p_value=[0.1, 0.2, 0.3, 0.4])
    assert tables.describe_tests(frame) == (
        "Wald F: overall p = 0.100, non-linear p = 0.300; Rao-Scott: overall p = 0.200, non-linear p = 0.400."
    )


def test_tests_table_has_a_row_per_model_and_each_p_in_its_column(estimates):
    frame, tests = tables.tests_table(estimates[0]), estimates[0]["tests"]
    assert frame.index.tolist() == ["Crude", "Model 1", "Model 2", "Model 3"]
    p = tests.query("model == '2' and test == 'nonlinear' and method == 'rao_scott'")["p_value"].item()
    assert frame.loc["Model 2", "non-linear p, Rao-Scott"] == tables.format_p(p)


@pytest.fixture(scope="module")
def older_women(participants):
    study = Study(
        exposure="calcium_mg",
        model="2",
        outcome="two_sites",
        where="age_years >= 60 and sex == 'female'",
        conf_level=0.9,
        cycles=(1999, 2001),
        extra_covariates=("height_cm",),
    )
    return summarise([estimate(participants, study)], participants)


def test_caption_of_another_study_tells_that_study(older_women):
    text = tables.curve_caption(older_women, "2")
    for piece in (
        "at least two insensate sites",
        "adults aged 40 or older where age_years >= 60 and sex == 'female', cycles 1999, 2001",
        "90 % t intervals",
        "height",
    ):
        assert piece in text
    assert "sex and" not in text.split("adjusted for")[1]
    assert "age, sex" not in text


def test_answer_of_another_study_quotes_intakes_of_its_own_range(older_women):
    row = older_women["models"].iloc[0]
    text = tables.answer(older_women, "2")
    curve = older_women["odds_ratio_curve"].query("tabulated")
    low = curve.loc[(curve["x"] - row["p05"]).abs().idxmin()]
    assert f"{tables.format_odds_ratio(low)} times as high at {low['x']:.4g} mg/day" in text
    assert "90 % intervals" in text


@pytest.fixture(scope="module")
def table_one(estimates):
    return tables.characteristics_table(estimates[0]["characteristics"])


def table_row(table, variable, level):
    named = table["variable"].where(table["variable"] != "").ffill()
    (found,) = [row for _, row in table[(named == variable) & (table["level"] == level)].iterrows()]
    return found


def test_characteristics_are_headed_by_how_many_people_they_are_of(table_one, estimates):
    last = estimates[0]["flow"].query("model == '1'").iloc[-1]
    assert table_one.columns.tolist() == [
        "variable",
        "level",
        f"all (n = {last['n']:,})",
        f"with neuropathy (n = {last['cases']:,.0f})",
        f"without neuropathy (n = {last['n'] - last['cases']:,.0f})",
        "p",
    ]


def test_characteristics_are_rounded_and_carry_their_interval(table_one, estimates):
    frame = estimates[0]["characteristics"].set_index(["variable", "level", "group", "kind"])
    age = frame.loc[("age_years", "", "with_neuropathy", "mean")]
    expected = f"{age['estimate']:.1f} ({age['conf_low']:.1f} to {age['conf_high']:.1f})"
    assert table_row(table_one, "Age, years", "mean").iloc[3] == expected
    energy = frame.loc[("energy_kcal", "", "all", "median")]
    assert table_row(table_one, "Energy, kcal/day", "median").iloc[2].startswith(f"{energy['estimate']:,.0f} (")
    women = frame.loc[("sex", "female", "without_neuropathy", "percent")]
    assert table_row(table_one, "Sex, %", "female").iloc[4].startswith(f"{women['estimate']:.1f} (")


def test_p_and_name_of_a_characteristic_stand_in_its_first_row_only(table_one, estimates):
    named = table_one[table_one["variable"] != ""]
    frame = estimates[0]["characteristics"]
    p_values = frame.groupby("variable", sort=False)["p_value"].first()
    assert named["p"].tolist() == [tables.format_p(p) for p in p_values]
    assert (table_one.loc[table_one["variable"] == "", "p"] == "").all()


def test_people_of_whom_a_characteristic_is_unknown_are_counted_in_its_last_row(table_one, estimates):
    row = table_row(table_one, "Income to poverty ratio", "unknown, n")
    missing = estimates[0]["characteristics"].query("variable == 'pir'").groupby("group")["n_missing"].first()
    assert row.iloc[2:5].tolist() == [f"{missing[group]:,}" for group in tables.GROUP_WORDS]
    assert row.name == table_row(table_one, "Income to poverty ratio", "median").name + 1


def test_characteristic_of_few_people_says_so():
    nothing = dict.fromkeys(["n", "estimate", "conf_low", "conf_high", "p_value"], float("nan"))
    cell = {"variable": "sex", "level": "male", "kind": "percent", "n_missing": 3, **nothing}
    frame = pd.DataFrame([cell | {"group": group} for group in tables.GROUP_WORDS])
    table = tables.characteristics_table(frame)
    assert table.iloc[:, 2:5].eq("fewer than 10").all(axis=None)
    assert table["p"].tolist() == ["", ""]


def test_share_of_everybody_has_no_interval():
    cell = {"variable": "sex", "level": "female", "kind": "percent", "n": 50.0, "n_missing": 0, "estimate": 100.0,
            "conf_low": float("nan"), "conf_high": float("nan"), "p_value": float("nan")}  # fmt: skip
    table = tables.characteristics_table(pd.DataFrame([cell | {"group": group} for group in tables.GROUP_WORDS]))
    assert table.iloc[0, 2:5].tolist() == ["100.0"] * 3


def test_curve_caption_explains_both_bands_and_the_standardisation(estimates):
    critical = estimates[0]["models"].set_index("model").loc["2", "critical_value"]
    text = tables.curve_caption(estimates[0], "2")
    for piece in (
        "95 % at each intake taken alone",
        f"95 % for the whole curve at once (sup-t, {critical:.2f} standard errors)",
        "prevalence if everybody had that intake and kept their own covariates",
    ):
        assert piece in text


def test_diagnostics_caption_quotes_the_test_and_both_intakes(estimates):
    text = tables.diagnostics_caption(estimates[0], "3")
    fit = estimates[0]["tests"].query("model == '3' and test == 'goodness_of_fit'").iloc[0]
    x = estimates[0]["influence"].query("model == '3'").groupby("quantity")["x"].first()
    assert f"F {fit['statistic']:.2f} on 9 and 36 df" in text
    assert f"({x['log_or_p10']:.4g} and {x['log_or_p90']:.4g} mg/day)" in text
    assert text.startswith("Model 3, ")
