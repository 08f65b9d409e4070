import re

import numpy as np
import pandas as pd
import pytest

from analysis.dose_response.association import estimate
from analysis.dose_response.characteristics import GROUPS
from analysis.dose_response.frames import summarise
from analysis.dose_response.shape import shape_dict, shape_of, summarise_shapes
from analysis.report.figures import diagnostics as diagnostics_figures
from analysis.report.figures import dose_response as dose_response_figures
from analysis.report.figures import shape as shape_figures
from analysis.report.words import energy as energy_words
from analysis.report.words import numbers as numbers_words
from analysis.report.words import shape as shape_words
from analysis.report.words import simulation as simulation_words
from analysis.report.words import study as study_words
from analysis.report.words import terminal as terminal_words
from analysis.simulation.questions import ON_THE_DAY, ON_USUAL
from analysis.simulation.recall_error import METHODS
from analysis.simulation.shapes import RULES
from analysis.stats.shape.questions import ENDS_HIGHER, FALLS_THEN_RISES
from analysis.stats.shape.verdict import verdict
from analysis.study import Study


@pytest.mark.parametrize(
    ("p_value", "error", "text"),
    [
        (0.0127, 0.00035, "= 0.0127 ± 0.0003"),
        (0.0523, 0.00022, "= 0.0523 ± 0.0002"),
        (0.0559, 0.0016, "= 0.056 ± 0.002"),
        (0.0004, 0.0001, "< 0.001"),
        (0.0009, 0.0001, "= 0.0009 ± 0.0001"),
    ],
)
def test_a_p_value_from_draws_has_its_error_and_the_digits_that_it_knows(p_value, error, text):
    assert numbers_words.format_p_drawn(p_value, error) == text
    assert numbers_words.p_number_drawn(p_value, error) == text.removeprefix("= ")


@pytest.mark.parametrize(
    ("error", "text"),
    [(0.72, "0.7"), (1.6, "2"), (0.0, "0"), (109.7, "110"), (0.0042, "0.004"), (9.6, "10"), (0.96, "1")],
)
def test_a_monte_carlo_error_in_words(error, text):
    assert numbers_words.format_error(error) == text


def test_an_interval_from_draws_has_the_error_of_each_end():
    assert numbers_words.format_range_drawn(199.8, 240.95, (0.72, 1.6)) == "200 ± 0.7 to 241 ± 2"


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((False, False), ""),
        ((True, False), ", from where the search starts"),
        ((False, True), ", to where the search ends"),
        ((True, True), ", all of where was searched"),
    ],
)
def test_an_interval_at_an_end_of_the_search_says_so_in_table_and_caption(estimates, ends, words):
    shape = estimates[0]["shape"].assign(threshold_open_low=ends[0], threshold_open_high=ends[1])
    table = shape_words.breaks_table(estimates[0] | {"shape": shape})
    assert table["bootstrap"].str.endswith(words).all()
    assert (", " in table["bootstrap"].iloc[0]) == any(ends)
    caption = shape_figures.shape_caption(estimates[0] | {"shape": shape}, "1")
    said = f"its bootstrap interval ({words[2:]}: how far beyond it may lie is not known)"
    assert (said in caption) == any(ends)


@pytest.mark.parametrize(
    ("p_value", "text"), [(0.0004, "< 0.001"), (0.001, "= 0.001"), (0.0204, "= 0.020"), (1.0, "= 1.000")]
)
def test_p_value_in_words(p_value, text):
    assert numbers_words.format_p(p_value) == text


def test_odds_ratio_with_its_interval():
    row = pd.Series({"odds_ratio": 1.5355, "conf_low": 1.1647, "conf_high": 2.0244})
    assert numbers_words.format_odds_ratio(row) == "1.54 (1.16 to 2.02)"


@pytest.mark.parametrize(("ratio", "text"), [
    (1.5, "1.50"), (0.001, "< 0.01"), (999.994, "999.99"), (999.996, "1,000"), (1494.95, "1,495"),
    (999_999.4, "999,999"), (53159151.33, "5.3 × 10⁷"), (1890295270309.61, "1.9 × 10¹²"), (float("nan"), "nan"),
    (float("inf"), "inf"),
])  # fmt: skip
def test_a_ratio_of_any_size_can_be_read(ratio, text):
    assert numbers_words.format_ratio(ratio) == text


def test_answer_quotes_the_estimates(estimates):
    frames = estimates[0]
    model = frames["models"].set_index("model").loc["1"]
    at = frames["odds_ratio_curve"].query("model == '1'").set_index("x")
    shape = frames["shape"].set_index("model").loc["1"]
    sentence = study_words.answer_sentence(frames)
    for piece in (
        f"{model['n']:,} adults",
        numbers_words.format_odds_ratio(at.loc[100.0]),
        numbers_words.format_odds_ratio(at.loc[550.0]),
        f"lowest at {model['nadir']:.0f} mg/day ({shape['nadir_bootstrap_low']:.0f} ± "
        f"{numbers_words.format_error(shape['nadir_bootstrap_low_mc_error'])} to "
        f"{shape['nadir_bootstrap_high']:.0f} ± "
        f"{numbers_words.format_error(shape['nadir_bootstrap_high_mc_error'])}, design bootstrap)",
        f"by the rule of the protocol: {numbers_words.verdict_words(shape['verdict'])}.",
    ):
        assert piece in sentence


def test_planted_truth_stands_beside_what_was_found(estimates):
    sentence = study_words.planted(estimates[0])
    truth = estimates[0]["planted"].set_index("x")
    assert f"{truth.loc[100.0, 'odds_ratio']:.2f}, found" in sentence
    assert "lowest point 240 mg/day" in sentence


def test_curve_table_has_the_tabulated_intakes_only(estimates):
    table = study_words.curve_table(estimates[0], model="1")
    assert table.iloc[:, 0].tolist()[:3] == ["60", "100", "150"]
    assert len(table) == 14


@pytest.mark.parametrize("model", ["crude", "1", "2", "3"])
def test_caption_names_the_covariates(estimates, model):
    text = dose_response_figures.curve_caption(estimates[0], model)
    assert {"crude": "nothing", "1": "age, sex and race/ethnicity"}.get(model, "hypertension") in text


@pytest.mark.parametrize("weights", ["dietary", "mec", "none"])
def test_terminal_table_tells_who_what_and_how_sure(participants, weights):
    found = estimate(participants, Study(weights=weights, where="sex == 'female'"))
    shape = shape_dict(shape_of(found, replicates=5))
    text = terminal_words.format_association(
        found, shape=shape, points=[100.0, 300.0], source="SYNTHETIC survey, seed 1"
    )
    for piece in (
        "SYNTHETIC survey, seed 1",
        study_words.WEIGHT_WORDS[weights],
        "where sex == 'female'",
        "left out, no variation here: sex_female",
        f"n = {found.fit.n:,}, cases = {found.fit.cases:,}",
        f"residual df {found.fit.residual_df}",
        "overall p",
        "Lowest point",
        f"Verdict by the rule of the protocol: {numbers_words.verdict_words(str(shape['verdict']))}",
        "race_ethnicity_mexican_american",
        f"knots {', '.join(map(numbers_words.format_intake, found.spline.knots))}; reference",
    ):
        assert piece in " ".join(text.split())


def test_terminal_tells_the_low_point_and_its_range_in_one_precision(participants):
    found = estimate(participants, Study())
    shape = shape_dict(shape_of(found, replicates=20))
    text = terminal_words.format_association(found, shape=shape, points=[1234.5], source="invented")
    told = set(re.findall(r"[Ll]owest point (?:is )?([\d.]+) mg/day", " ".join(text.split())))
    assert told == {f"{found.nadir.x:.0f}"}
    assert f"percentile of intake, {found.nadir.low:.0f} to {found.nadir.high:.0f})" in text
    assert f"high end ({found.nadir.high:.0f} mg/day" in " ".join(text.split())
    assert "  1234.5 " in text


@pytest.mark.parametrize("caption", [dose_response_figures.curve_caption, shape_figures.shape_caption])
def test_captions_tell_intakes_in_one_precision(estimates, caption):
    assert not re.search(r"\d{3}\.\d(?! %)", caption(estimates[0], "1"))


@pytest.mark.parametrize(
    ("low", "high", "open_ended"), [(200.0, 241.0, False), (98.0, 241.0, True), (200.0, 518.0, True)]
)
def test_an_interval_of_the_low_point_that_fills_the_range_to_an_end_is_said_to(estimates, low, high, open_ended):
    shape = estimates[0]["shape"].iloc[0].copy()
    shape[["end_slopes_low_at", "end_slopes_high_at"]] = 98.0, 518.0
    shape[["nadir_bootstrap_low", "nadir_bootstrap_high"]] = low, high
    assert ("to an end of where it was sought" in shape_words.describe_shape(shape, unit="mg/day")) == open_ended


def test_terminal_table_admits_a_low_point_at_the_edge(participants):
    falling = participants.assign(magnesium_mg=-participants["age_years"] + participants["magnesium_mg"] / 1e4)
    found = estimate(falling, Study(model="crude"))
    assert found.nadir.at_boundary
    untold = {"verdict": None, "reason": "too few people"}
    text = terminal_words.format_association(found, shape=untold, points=[-60.0], source="invented")
    assert "no interior low point" in text
    assert "The shape cannot be told: too few people" in text


def test_tests_are_told_each_under_its_own_name():
    names = [("overall", "wald"), ("overall", "rao_scott"), ("nonlinear", "wald"), ("nonlinear", "rao_scott")]
    frame = pd.DataFrame(names, columns=["test", "method"]).assign(p_value=[0.1, 0.2, 0.3, 0.4])
    assert study_words.describe_tests(frame) == (
        "Wald F: overall p = 0.100, non-linear p = 0.300; Rao-Scott: overall p = 0.200, non-linear p = 0.400."
    )


def test_tests_table_has_a_row_per_model_and_each_p_in_its_column(estimates):
    frame, tests = study_words.tests_table(estimates[0]), estimates[0]["tests"]
    assert frame.index.tolist() == ["Crude", "Model 1", "Model 2", "Model 3"]
    p = tests.query("model == '2' and test == 'nonlinear' and method == 'rao_scott'")["p_value"].item()
    assert frame.loc["Model 2", "non-linear p, Rao-Scott"] == numbers_words.p_number(p)


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
    found = [estimate(participants, study)]
    return summarise(found, participants) | summarise_shapes(found, replicates=10)


def test_caption_of_another_study_tells_that_study(older_women):
    text = dose_response_figures.curve_caption(older_women, "2")
    for piece in (
        "at least two insensate sites",
        "women aged 60 or older, cycles 1999-2000, 2001-2002",
        "90 % t intervals",
        "height",
    ):
        assert piece in text
    assert "sex and" not in text.split("adjusted for")[1]
    assert "age, sex" not in text


@pytest.mark.parametrize(
    ("where", "people"),
    [
        ("", "adults aged 40 or older"),
        ("sex == 'female'", "women aged 40 or older"),
        ("age_years >= 50 and sex == 'female'", "women aged 50 or older"),
        ("(age_years > 59) and (sex == 'male')", "men aged 60 or older"),
        ("age_years >= 30", "adults aged 40 or older"),  # the study begins at 40 all the same
        ("age_years < 60 and pir < 1", "adults aged 40 to 59 with pir < 1"),
        ("pir < 1 or sex == 'male'", "adults aged 40 or older with (pir < 1 or sex == 'male')"),
        ("sex == 'female' and (pir < 1 or bmi_kg_m2 > 30)",
         "women aged 40 or older with (pir < 1 or bmi_kg_m2 > 30)"),
    ],
)  # fmt: skip
def test_people_of_a_condition_are_told_without_contradiction(where, people):
    row = pd.Series({"where": where, "age_min": 40, "age_max": np.nan, "cycles": "1999 2001 2003"})
    assert study_words.describe_people(row) == people


@pytest.mark.parametrize(
    ("asked", "people"),
    [
        ({"age_max": 64.0}, "adults aged 40 to 64"),
        ({"age_max": 64.0, "where": "age_years <= 59"}, "adults aged 40 to 59"),
        ({"age_max": 64.0, "where": "age_years <= 70"}, "adults aged 40 to 64"),
        ({"age_max": 64.0, "cycles": "2001"}, "adults aged 40 to 64, cycle 2001-2002"),
        ({"cycles": "1999 2003"}, "adults aged 40 or older, cycles 1999-2000, 2003-2004"),
    ],
)
def test_people_are_told_with_their_oldest_age_and_both_years_of_a_cycle(asked, people):
    row = pd.Series({"where": "", "age_min": 40, "age_max": np.nan, "cycles": "1999 2001 2003"} | asked)
    assert study_words.describe_people(row) == people


def test_answer_of_another_study_quotes_intakes_of_its_own_range(older_women):
    row = older_women["models"].iloc[0]
    text = study_words.answer_sentence(older_women, "2")
    curve = older_women["odds_ratio_curve"].query("tabulated")
    low = curve.loc[(curve["x"] - row["p05"]).abs().idxmin()]
    assert f"{numbers_words.format_odds_ratio(low)} times as high at {low['x']:.0f} mg/day" in text
    assert "90 % intervals" in text


@pytest.fixture(scope="module")
def table_one(estimates):
    return study_words.characteristics_table(estimates[0]["characteristics"])


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
    assert named["p"].tolist() == [numbers_words.p_number(p) for p in p_values]
    assert (table_one.loc[table_one["variable"] == "", "p"] == "").all()


def test_people_of_whom_a_characteristic_is_unknown_are_counted_in_its_last_row(table_one, estimates):
    row = table_row(table_one, "Income to poverty ratio", "unknown, n")
    missing = estimates[0]["characteristics"].query("variable == 'pir'").groupby("group")["n_missing"].first()
    assert row.iloc[2:5].tolist() == [f"{missing[group]:,.0f}" for group in GROUPS]
    assert row.name == table_row(table_one, "Income to poverty ratio", "median").name + 1


def test_few_of_a_single_group_are_not_told_by_the_difference():
    rows = [{"group": group, "n_missing": n} for group, n in zip(GROUPS, (np.nan, np.nan, 30), strict=True)]
    told = study_words.unknown_words(pd.DataFrame(rows))
    assert told == dict(zip(GROUPS, ("", "fewer than 10", "30"), strict=True))
    assert study_words.unknown_words(pd.DataFrame(rows).assign(n_missing=0)) == {}


def test_characteristic_of_few_people_says_so():
    nothing = dict.fromkeys(["n", "estimate", "conf_low", "conf_high", "p_value"], float("nan"))
    cell = {"variable": "sex", "level": "male", "kind": "percent", "n_missing": 3, **nothing}
    frame = pd.DataFrame([cell | {"group": group} for group in GROUPS])
    table = study_words.characteristics_table(frame)
    assert table.iloc[:, 2:5].eq("fewer than 10").all(axis=None)
    assert table["p"].tolist() == ["", ""]


def test_share_of_everybody_has_no_interval():
    cell = {"variable": "sex", "level": "female", "kind": "percent", "n": 50.0, "n_missing": 0, "estimate": 100.0,
            "conf_low": float("nan"), "conf_high": float("nan"), "p_value": float("nan")}  # fmt: skip
    table = study_words.characteristics_table(pd.DataFrame([cell | {"group": group} for group in GROUPS]))
    assert table.iloc[0, 2:5].tolist() == ["100.0"] * 3


def test_curve_caption_explains_both_bands_and_the_standardisation(estimates):
    critical = estimates[0]["models"].set_index("model").loc["2"]
    text = dose_response_figures.curve_caption(estimates[0], "2")
    for piece in (
        "95 % at each intake taken alone",
        f"95 % for the whole curve at once (sup-t, {critical['critical_value']:.4f} ± 0.000",
        "prevalence if everybody had that intake and kept their own covariates",
    ):
        assert piece in text


def test_diagnostics_caption_quotes_the_test_and_both_intakes(estimates):
    text = diagnostics_figures.diagnostics_caption(estimates[0], "3")
    fit = estimates[0]["tests"].query("model == '3' and test == 'goodness_of_fit'").iloc[0]
    x = estimates[0]["influence"].query("model == '3'").groupby("quantity")["x"].first()
    assert f"F {fit['statistic']:.2f} on 9 and 36 df" in text
    assert f"({x['log_or_p10']:.0f} and {x['log_or_p90']:.0f} mg/day)" in text
    assert text.startswith("Model 3, ")


@pytest.mark.parametrize(("x", "text"), [(214.28, "214"), (1.934, "1.93"), (98.0, "98"), (2248.2, "2248")])
def test_intake_in_words(x, text):
    assert numbers_words.format_intake(x) == text


@pytest.mark.parametrize(("low", "high", "text"), [(98.9, 336.04, "99 to 336"), (1.52, 2.36, "1.52 to 2.36")])
def test_range_has_the_decimals_of_its_higher_end(low, high, text):
    assert numbers_words.format_range(low, high) == text


def test_low_point_of_a_curve_has_its_interval_where_the_shape_was_examined(estimates):
    model = estimates[0]["models"].set_index("model").loc["1"]
    without = {name: frame for name, frame in estimates[0].items() if name != "shape"}
    assert f"Lowest point {model['nadir']:.0f} mg/day. " in dose_response_figures.curve_caption(without, "1")
    assert f"Lowest point {model['nadir']:.0f} mg/day (" in dose_response_figures.curve_caption(estimates[0], "1")


CASES = {
    "U": {"end_slopes_low_p": 0.0004, "end_slopes_high_p": 0.02, "two_lines_p": 0.03},
    "non-linear, U not shown": {"end_slopes_low_p": 0.0004, "end_slopes_high_p": 0.158, "two_lines_p": 0.018},
    "no departure shown": {"end_slopes_low_p": 0.4, "end_slopes_high_p": 0.6, "two_lines_p": 0.7, "nonlinear_p": 0.5},
}
"""P-values of a curve of each verdict."""


def told(estimates, **changed):
    """Estimates in which the shape of model 1 is another one; its verdict follows."""
    shape = estimates[0]["shape"].astype({"verdict": object}).set_index("model", drop=False)
    for name, value in changed.items():
        shape.loc["1", name] = value
    row = shape.loc["1"]
    shape.loc["1", "verdict"] = verdict(
        nonlinear_p=row["nonlinear_p"],
        end_slopes_p=max(row["end_slopes_low_p"], row["end_slopes_high_p"]),
        two_lines_p=row["two_lines_p"],
        interior=row["nadir_bootstrap_interior"],
    )
    return estimates[0] | {"shape": shape.reset_index(drop=True)}


@pytest.mark.parametrize("name", CASES)
def test_each_verdict_ends_its_sentence(estimates, name):
    words = shape_words.shape_sentence(told(estimates, **CASES[name]))
    assert words.endswith(f"Verdict by the rule of the protocol: {numbers_words.verdict_words(name)}.")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (
            0.0004,
            0.02,
            "The curve falls at its low end (109 mg/day, one-sided p < 0.001) and rises at its high end (541",
        ),
        (0.01, 0.158, "but a rise at its high end (541 mg/day, one-sided p = 0.158) is not shown."),
        (0.2, 0.01, "but a fall at its low end (109 mg/day, one-sided p = 0.200) is not shown."),
        (0.2, 0.3, "Neither a fall at the curve's low end (109 mg/day, one-sided p = 0.200) nor a rise"),
    ],
)
def test_end_slope_is_called_shown_only_where_its_p_is_small(estimates, low, high, words):
    assert words in shape_words.shape_sentence(told(estimates, end_slopes_low_p=low, end_slopes_high_p=high))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"two_lines_p": 0.03}, "show both a fall and a rise (the larger p = 0.030)."),
        ({"two_lines_p": 0.07}, "do not show both a fall and a rise (the larger p = 0.070)."),
        ({"two_lines_p": 1.0, "two_lines_low": 0.001}, "do not even slope as a U's would."),
    ],
)
def test_two_lines_are_told_as_they_slope(estimates, changed, words):
    assert words in shape_words.shape_sentence(told(estimates, **changed))


def test_low_point_at_an_end_of_the_range_is_admitted(estimates):
    shape = estimates[0]["shape"]
    words = shape_words.shape_sentence(estimates[0] | {"shape": shape.assign(nadir=shape["end_slopes_high_at"])})
    assert "The lowest point, at an end of the range, is" in words


def test_verdicts_under_other_knots_are_told_by_placing(estimates):
    knots = pd.DataFrame({"form": "spline", "knots": [*"3456"] * 2,
                          "knot_quantiles": ["unweighted"] * 4 + ["weighted"] * 4})  # fmt: skip
    knots["verdict"] = ["U", *["non-linear, U not shown"] * 3, *["no departure shown"] * 4]
    assert shape_words.knots_sentence({"knots": knots}) == (
        'By the same rule, knots on unweighted quantiles: with 3, "U"; with 4, 5 and 6, "non-linear, U not shown". '
        'Knots on weighted quantiles: with 3, 4, 5 and 6, "no departure from a straight line shown".'
    )


@pytest.mark.parametrize(
    ("table", "column", "name"),
    [
        (shape_words.end_slopes_table, "spline, both: p", "end_slopes_p"),
        (shape_words.end_slopes_table, "quadratic, both: p", "quadratic_p"),
        (shape_words.two_lines_table, "both, with a U's signs: p", "two_lines_p"),
        (shape_words.breaks_table, "naive p", "threshold_naive_p"),
        (shape_words.verdicts_table, "non-linear p", "nonlinear_p"),
    ],
)
def test_tables_of_the_shape_have_a_row_per_model_and_each_p_in_its_column(estimates, table, column, name):
    found = table(estimates[0])
    assert found.index.tolist() == ["Crude", "Model 1", "Model 2", "Model 3"]
    assert found[column].tolist() == estimates[0]["shape"][name].map(numbers_words.p_number).tolist()


def test_low_point_and_break_stand_side_by_side(estimates):
    row = estimates[0]["shape"].set_index("model").loc["2"]
    breaks, low_points = (table(estimates[0]).loc["Model 2"] for table in (
        shape_words.breaks_table, shape_words.low_points_table))  # fmt: skip
    assert breaks["lowest point of the spline"] == low_points["lowest point"] == f"{row['nadir']:.0f}"
    assert breaks["best break"] == f"{row['threshold']:.0f}"
    low, high = (numbers_words.format_error(row[f"nadir_bootstrap_{end}_mc_error"]) for end in ("low", "high"))
    ends = row["nadir_bootstrap_low"], row["nadir_bootstrap_high"]
    assert low_points["bootstrap"] == f"{ends[0]:.0f} ± {low} to {ends[1]:.0f} ± {high}"
    p = numbers_words.p_number_drawn(row["threshold_search_p"], row["threshold_search_p_mc_error"])
    assert breaks["search-aware p"] == p


def test_slopes_are_told_per_100_units_with_their_errors(estimates):
    row = estimates[0]["shape"].set_index("model").loc["1"]
    cell = shape_words.two_lines_table(estimates[0]).loc["Model 1", "below it"]
    slope, error = 100 * row["two_lines_low"], 100 * row["two_lines_low_se"]
    assert cell == f"{slope:+.2f} (SE {error:.2f}), p {numbers_words.format_p(row['two_lines_low_p'])}"


def test_forms_without_the_rules_tests_have_no_verdict_in_the_knots_table(estimates):
    table = shape_words.knots_table(estimates[0])
    assert len(table) == 10
    assert table.index[1] == "4 knots, unweighted"
    assert (table.loc[["fractional polynomial", "penalised spline"], ["non-linear p", "end slopes p"]] == "").all(
        axis=None
    )
    assert "powers" in table.loc["fractional polynomial", "verdict"]


def test_published_threshold_is_told_between_low_point_and_break(estimates):
    published = pd.DataFrame({
        "source": ["Gregg", "Wu", "Wu"],
        "quantity": ["prevalence", "phosphorus, low point of the spline against the threshold, mg/day",
                     "phosphorus, best two-piece breakpoint against the threshold, mg/day"],
        "published": [14.8, 939.44, 939.44], "ours": [14.7, 940.4, 744.5],
        "conf_low": [13.0, 844.6, 597.6], "conf_high": [16.0, 1084.5, 2248.0],
        "conf_low_mc_error": [0.0, 2.4, 11.0], "conf_high_mc_error": [0.0, 0.34, 0.0],
    })  # fmt: skip
    assert shape_words.threshold_sentence(estimates[0] | {"published_threshold": published}) == (
        "Wu print a threshold of phosphorus at 939.44 mg/day. Ours, with bootstrap intervals: low point of the spline "
        "940 mg/day (845 ± 2 to 1084 ± 0.3); best two-piece breakpoint 744 mg/day (598 ± 11 to 2248 ± 0)."
    )
    assert shape_words.threshold_sentence(estimates[0]) == shape_words.NO_PUBLISHED


@pytest.fixture
def simulation():
    shapes = pd.DataFrame([
        {"curve": curve, "rule": rule, "surveys": 1000, "rate": rate + number / 1000, "monte_carlo_error": 0.005}
        for curve, rate in (("plateau", 0.25), ("U", 0.75))
        for number, rule in enumerate(RULES)
    ])  # fmt: skip
    nadirs = pd.DataFrame([{"curve": "U", "interval": "bootstrap", "rate": 0.94, "monte_carlo_error": 0.008,
                            "target_mg": 234.3, "rate_of_target": 0.951,
                            "monte_carlo_error_of_target": 0.007, "median_width_mg": 54.6}])  # fmt: skip
    tested = {"curve": "U", "quantity": "rejection", "method": "taylor, Wald", "rate": 0.9}
    covered = {"curve": "U", "quantity": "coverage", "method": "taylor", "intake_mg": 100.0, "rate": 0.951,
               "monte_carlo_error": 0.006}  # fmt: skip
    coverage = pd.DataFrame([covered, tested])
    return {"coverage": coverage, "shapes": shapes, "nadirs": nadirs}


def test_rules_are_told_by_curves_that_are_a_u_and_that_are_none(simulation):
    words = simulation_words.rules_sentence(simulation)
    usual, ours = (100 * list(RULES).index(rule) / 1000 for rule in ("usual practice", "verdict U"))
    assert words.startswith("1,000 outcomes drawn from each true curve, 25 on each invented survey.")
    assert f"inside the range) calls a U what is none: plateau {25 + usual:.1f} % (± 0.5); and what is one: U" in words
    assert (
        f"rule here calls a U what is none: plateau {25 + ours:.1f} % (± 0.5); and what is one: U {75 + ours:.1f} %"
        in words
    )


def test_misfits_are_told_with_their_rates(simulation):
    words = simulation_words.misfits_sentence(simulation)
    ends = 25 + 100 * list(RULES).index("end slopes") / 1000
    assert words.startswith(f"End slopes alone find a U on the plateau in {ends:.1f} % (± 0.5) (level: 5 %)")
    assert "hold the planted one in 94.0 (± 0.8) to 94.0 (± 0.8) %" in words
    assert "fits it best they hold in 95.1 (± 0.7) to 95.1 (± 0.7) %" in words
    assert "by intake, in 95.1 (± 0.6) to 95.1 (± 0.6) % (U)" in words


@pytest.fixture
def energy_forms():
    rates = {"magnesium": 0.8, "magnesium as fitted": 0.5, "energy": 0.3, "energy as fitted": 0.2, "none": 0.05}
    planted = {"magnesium": (2.0, 100), "magnesium as fitted": (1.54, 100), "energy": (1.5, 1000),
               "energy as fitted": (1.3, 1000), "none": (1.0, None)}  # fmt: skip
    return pd.DataFrame([
        {"truth": truth, "form": form, "test": test, "surveys": 1000, "monte_carlo_error": 0.01,
         "rate": rate + (number if test == "nonlinear" else 10) / 100, "planted_odds_ratio": planted[truth][0],
         "planted_at": planted[truth][1]}
        for truth, rate in rates.items()
        for number, form in enumerate(energy_words.FORM_WORDS)
        for test in ("overall", "nonlinear")
    ])  # fmt: skip


def test_power_of_each_energy_form_is_that_of_the_non_linear_test(simulation, energy_forms):
    table = simulation_words.energy_power_table(simulation | {"energy_forms": energy_forms})
    assert list(table) == [
        "U of magnesium, odds ratio 2.00 at 100 mg", "U of magnesium, 1.54 at 100 mg: as fitted",
        "U of energy, 1.50 at 1,000 kcal", "U of energy, 1.30 at 1,000 kcal: as fitted", "nothing",
    ]  # fmt: skip
    of_residual = ["83.0 (± 1.0)", "53.0 (± 1.0)", "33.0 (± 1.0)", "23.0 (± 1.0)", "8.0 (± 1.0)"]
    assert table.loc["as the residual on energy"].tolist() == of_residual
    words = simulation_words.energy_power_markdown(simulation | {"energy_forms": energy_forms})
    assert f"| as the residual on energy | {' | '.join(of_residual)} |" in words
    assert words.endswith("not have left one.")


def test_without_a_simulated_power_of_energy_forms_that_is_said(simulation):
    assert simulation_words.energy_power_table(simulation).empty
    assert simulation_words.energy_power_markdown(simulation) == simulation_words.NO_ENERGY_SIMULATION


def test_every_rule_of_the_simulation_has_its_column(simulation):
    table = simulation_words.rules_table(simulation)
    assert table.shape == (2, len(RULES))
    assert (
        table.loc["plateau", "usual practice"] == f"{25 + 100 * list(RULES).index('usual practice') / 1000:.1f} (± 0.5)"
    )


def test_coverage_of_low_point_and_curve_is_told_in_percent(simulation):
    found = simulation_words.nadirs_table(simulation).loc[("U", "bootstrap")]
    assert found.tolist() == ["94.0 (± 0.8)", "234", "95.1 (± 0.7)", "55"]
    assert simulation_words.coverage_table(simulation).loc[("U", "taylor"), "100 mg"] == "95.1 (± 0.6)"


@pytest.mark.parametrize(
    "table", [simulation_words.rules_table, simulation_words.nadirs_table, simulation_words.coverage_table]
)
def test_without_a_simulation_there_is_no_table_and_the_sentence_says_so(table):
    assert table({}).empty
    assert (
        simulation_words.rules_sentence({}) == simulation_words.misfits_sentence({}) == simulation_words.NO_SIMULATION
    )


def test_standard_errors_stand_side_by_side_with_the_published_interval_where_there_is_one():
    row = {"term": "neuropathy", "unit": "%", "estimate": 14.793, "se_taylor": 0.7967, "se_jackknife": 0.7975,
           "se_bootstrap": 0.791, "se_nchs": 0.9945, "nchs_to_taylor": 1.2482, "df_taylor": 14, "df_nchs": 51,
           "low_nchs": 12.8, "high_nchs": 16.8, "published": 14.8, "low_published": 12.8,
           "high_published": 16.8}  # fmt: skip
    found = pd.DataFrame([row, row | {"term": "mean", "published": np.nan}])
    table = study_words.standard_errors_table({"variance_side_by_side": found})
    assert table.index.tolist() == ["neuropathy", "mean"]
    assert table["published"].tolist() == ["12.8 to 16.8", ""]
    assert table.loc["neuropathy", ["Taylor", "NCHS's weights", "NCHS to Taylor"]].tolist() == [
        "0.797",
        "0.995",
        "1.25",
    ]


def test_an_invented_survey_has_no_second_variance(estimates):
    assert study_words.standard_errors_table(estimates[0]).empty


@pytest.fixture
def questions():
    kinds = {"no association": ("size", 0.01), "plateau": ("size", 0.12), "U as fitted": ("power", 0.35),
             "U": ("power", 0.9), "energy's U": ("confounding", 0.2)}  # fmt: skip
    rows = [
        {"curve": curve, "curve_of": of, "question": question, "ends": "p5_p95", "kind": kind, "surveys": 1000,
         "rate": rate / (5 if of == ON_USUAL else 1) + shift, "monte_carlo_error": 0.012}
        for curve, (kind, rate) in kinds.items()
        for of in (ON_THE_DAY, ON_USUAL)
        if kind != "confounding" or of == ON_THE_DAY
        for question, shift in ((FALLS_THEN_RISES, 0.0), (ENDS_HIGHER, 0.02))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_power_of_both_questions_is_told_from_the_table(simulation, questions):
    words = simulation_words.questions_sentence(simulation | {"questions": questions})
    assert words.startswith(
        "A true U as deep as the fitted curve is found to fall, then rise by the end slopes alone in 35.0 % (± 1.2) "
        "and to have both ends higher than the middle in 37.0 % (± 1.2): of such Us about two in three by"
    )
    assert '"end slopes alone" no association 1.0 % (± 1.2), plateau 12.0 % (± 1.2);' in words
    assert "energy's U 20.0 % (± 1.2)" in words
    rarer = questions.assign(rate=questions["rate"].mask(questions["curve"] == "U as fitted", 0.76))
    assert "of such Us about one in four by" in simulation_words.questions_sentence({"questions": rarer})


def test_recall_error_is_told_as_power_lost(simulation, questions):
    words = simulation_words.recall_power_sentence(simulation | {"questions": questions})
    told = "by the end slopes alone in 7.0 % (± 1.2) instead of 35.0 % (± 1.2) (about nine in ten missed)"
    assert f"is found to fall, then rise {told}" in words
    assert "energy" not in words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.01, "hardly any"), (0.35, "about one in three"), (0.52, "about half"), (0.64, "about two in three"),
     (0.99, "nearly all")],
)  # fmt: skip
def test_shares_are_told_as_plain_ones(share, words):
    assert numbers_words.about(share) == words


@pytest.fixture
def bands():
    rates = {"line": (0.951, 0.951), "plateau": (0.90, 0.948)}
    rows = [
        {"curve": curve, "band": band, "surveys": 1000, "rate": rate - less, "monte_carlo_error": 0.01,
         "rate_of_target": of_target - less, "monte_carlo_error_of_target": 0.01, "rate_of_points": 0.99 - less / 3,
         "monte_carlo_error_of_points": 0.004, "nominal": nominal}
        for curve, (rate, of_target) in rates.items()
        for band, less, nominal in (("simultaneous", 0.0, 0.95), ("pointwise", 0.15, np.nan))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_what_bands_hold_is_told_with_its_error(bands):
    words = simulation_words.bands_sentence({"bands": bands})
    assert "percentile of intake, in 95.1 % (± 1.0) (line) and 90.0 % (± 1.0) (plateau);" in words
    assert (
        "best in 95.1 % (± 1.0) (line) and 94.8 % (± 1.0) (plateau): of what it estimates it keeps its level" in words
    )
    assert "on the plateau it lies around another curve than the true one, which its knots cannot follow" in words
    assert "holds 94.0 (± 0.4) to 94.0 (± 0.4) % of a true curve's points" in words
    assert "the whole curve in 80.1 % (± 1.0) (line) and 75.0 % (± 1.0) (plateau). (1,000 outcomes a curve.)" in words
    assert not simulation_words.bands_sentence({})


def test_a_band_that_falls_short_is_told_to(bands):
    line, simultaneous = bands["curve"] == "line", bands["band"] == "simultaneous"
    of_line = {name: bands[name].mask(line & simultaneous, 0.92) for name in ("rate", "rate_of_target")}
    words = simulation_words.bands_sentence({"bands": bands.assign(**of_line)})
    assert "in 92.0 % (± 1.0) (line)" in words
    assert "it falls short of its level on the line, by more than 2 standard errors" in words
    assert "keeps its level" not in words
    kept = bands.assign(rate=bands["rate"].mask(~line & simultaneous, 0.948))
    assert "knots cannot follow" not in simulation_words.bands_sentence({"bands": kept})


def test_recall_error_is_told_as_shares_given_back():
    rows = [{"curve": "line", "method": method, "end": end, "surveys": 125, "failed": 0, "rate": 0.9,
             "monte_carlo_error": 0.02, "place_mg": 140.0, "true_slope": -0.15, "mean_slope": -0.075, "bias": 0.075,
             "bias_error": 0.015, "attenuation": 0.5} for method in METHODS for end in ("low", "high")]  # fmt: skip
    words = simulation_words.recall_error_sentence({"recall_error": pd.DataFrame(rows)})
    assert "One day: line 50 % (± 10) and 50 % (± 10), held in 90.0 % (± 2.0) and 90.0 % (± 2.0)." in words
    table = simulation_words.recall_error_table({"recall_error": pd.DataFrame(rows)})
    assert table.loc[("line", "one day", "low, 140 mg"), "bias"] == "0.07 (± 0.01)"
