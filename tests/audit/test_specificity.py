"""The specificity audit on an invented survey in which magnesium draws the U; other truths are in test_audit_truths."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.audit.specificity import (
    CONTROL_FORMS,
    FALSE_DISCOVERIES,
    NEGATIVE_CONTROLS,
    NUMBERS,
    SpecificityCell,
    answer_cells,
    false_discovery_q,
    place_among_nutrients,
    setting_of,
    specificity_summary,
    weighted_correlation,
)
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS
from analysis.dose_response.association import estimate
from analysis.study import PRIMARY
from tests import people
from tests.audits import answer_every_cell, specificity_cells

RTOL = 1e-8
"""The quick fit settles to 1e-10 standard errors; p-values move by a little more."""

HEAPED = ("theobromine_mg", "alcohol_g")
"""Half of the invented people and more have none of these."""


PRIMARY_EXPOSURE_CELL = SpecificityCell("nutrient", PRIMARY.exposure, "neuropathy", "none")


def cell(exposure, form="none", *, kind="nutrient", outcome="neuropathy"):
    return SpecificityCell(kind, exposure, outcome, form)


@pytest.fixture(scope="module")
def summary(demo, shared):
    """All controls and nutrients without energy and with its spline."""
    rows = shared.answer(answer_every_cell, demo)
    return specificity_summary([row for row in rows if row["form"] in CONTROL_FORMS])


@pytest.fixture(scope="module")
def nutrients(summary):
    return summary[summary["kind"] == "nutrient"].set_index(["form", "exposure"])


# ---- the cells


def test_every_nutrient_has_every_form_and_energy_is_not_adjusted_for_itself():
    cells = specificity_cells()
    forms = pd.Series([one.form for one in cells if one.kind == "nutrient"]).value_counts()
    others = len(NUTRIENT_COLUMNS) - 1
    assert forms.to_dict() == {"none": others + 1, "residual": others, "density": others, "spline": others}
    assert [one.form for one in cells if one.exposure == "energy_kcal" and one.kind == "nutrient"] == ["none"]


def test_no_cell_comes_twice_and_the_primary_one_is_among_them():
    cells = specificity_cells()
    assert len(set(cells)) == len(cells)
    assert PRIMARY_EXPOSURE_CELL in cells


def test_controls_are_asked_without_energy_and_with_its_spline():
    kinds = pd.Series([one.kind for one in specificity_cells()]).value_counts()
    assert kinds["positive control"] == 3 * 2
    assert kinds["negative control"] == 3 * (2 + 1)


@pytest.mark.parametrize(
    ("one", "label"),
    [
        (cell("vitamin_b12_ug"), "vitamin B12"),
        (cell("hba1c_percent", kind="positive control"), "HbA1c"),
        (cell("magnesium_mg", kind="negative control", outcome="ever_smoked"), "ever smoked by magnesium"),
    ],
)
def test_a_cell_has_words(one, label):
    assert one.label == label


# ---- answers


def test_primary_cell_is_the_primary_study(participants, nutrients):
    row = nutrients.loc["none", "magnesium_mg"]
    found = estimate(participants, PRIMARY)
    assert (row["n"], row["cases"], row["residual_df"]) == (found.fit.n, found.fit.cases, found.fit.residual_df)
    assert row["reference"] == found.reference
    assert row["nadir"] == pytest.approx(found.nadir.x, rel=1e-6)
    tests = found.tests_frame().query("method == 'wald'").set_index("test")["p_value"]
    assert row["overall_p"] == pytest.approx(tests["overall"], rel=RTOL)
    assert row["nonlinear_p"] == pytest.approx(tests["nonlinear"], rel=RTOL)


@pytest.mark.parametrize("form", CONTROL_FORMS)
def test_a_shape_planted_on_magnesium_is_found_specific(summary, form):
    place = place_among_nutrients(summary).set_index("form").loc[form]
    assert place["nonlinear_rank"] == 1
    assert place["top"] == "magnesium"
    assert place["nonlinear_q"] < FALSE_DISCOVERIES
    assert place["u_rank"] == 1
    assert place["verdict"] == "U"


@pytest.mark.parametrize("exposure", HEAPED)
def test_heaped_exposure_keeps_its_place_with_the_reason(nutrients, exposure):
    row = nutrients.loc["none", exposure]
    assert "knots fall on" in row["reason"]
    assert np.isnan(row["nonlinear_p"])
    assert pd.isna(row["nonlinear_rank"])
    assert row["n"] == nutrients.loc[("none", "magnesium_mg"), "n"]
    assert row["zero_share"] > 0.35
    assert abs(row["energy_correlation"]) < 1


def test_residual_of_a_heaped_exposure_has_an_answer(participants):
    (row,) = answer_cells(participants, [cell("theobromine_mg", "residual")])
    assert row["reason"] == ""
    assert 0 < row["nonlinear_p"] < 1


@pytest.mark.parametrize("form", ["none", "spline"])
@pytest.mark.parametrize("exposure", HEAPED)
def test_heaped_exposure_is_answered_by_hmiscs_rule_and_not_counted(summary, participants, exposure, form):
    rows = summary[(summary["exposure"] == exposure) & (summary["form"] == form)].set_index("kind")
    assert rows["knot_rule"].to_dict() == {"nutrient": "harrell", "heaped nutrient": "hmisc"}
    heaped = rows.loc["heaped nutrient"]
    if form == "none":
        found = estimate(participants, dataclasses.replace(PRIMARY, exposure=exposure, knot_rule="hmisc"))
        assert heaped["nonlinear_p"] == pytest.approx(found.tests["nonlinear", "wald"].p_value, rel=RTOL)
        assert heaped["knots"] == found.spline.knots.size
    assert rows.loc["nutrient", "tested"] == len(NUTRIENT_COLUMNS) - len(HEAPED) - (form == "spline")


def test_u_needs_both_tests(summary):
    answered = summary.dropna(subset="u_p")
    assert (answered["u_p"] == answered[["end_slopes_p", "two_lines_p"]].max(axis="columns")).all()


def test_energy_goes_with_itself_and_its_residuals_do_not_go_with_it(participants, nutrients):
    assert nutrients.loc[("none", "energy_kcal"), "energy_correlation"] == pytest.approx(1)
    assert nutrients.loc[("none", "energy_kcal"), "energy_rank_correlation"] == pytest.approx(1)
    (row,) = answer_cells(participants, [cell("magnesium_mg", "residual")])
    assert row["energy_correlation"] == nutrients.loc[("none", "magnesium_mg"), "energy_correlation"] > 0.5
    assert abs(row["adjusted_correlation"]) < 0.05


# ---- controls


@pytest.mark.parametrize("form", CONTROL_FORMS)
def test_age_is_found_with_and_without_energy(summary, form):
    age = summary[(summary["exposure"] == "age_years") & (summary["form"] == form)].iloc[0]
    assert age["kind"] == "positive control"
    assert age["overall_p"] < 1e-6


def test_age_as_the_exposure_is_no_covariate_as_well(participants):
    setting = setting_of(participants, cell("age_years", kind="positive control"))
    assert "age_years" not in setting.adjustment_terms
    assert "sex_female" in setting.adjustment_terms
    assert setting.study.exposure == "age_years"


def test_people_without_the_control_leave_the_domain_and_not_the_design(participants):
    primary = setting_of(participants, PRIMARY_EXPOSURE_CELL)
    setting = setting_of(participants, cell("hba1c_percent", kind="positive control"))
    known = participants["hba1c_percent"].notna().to_numpy()
    assert (setting.domain.rows == (primary.domain.rows & known)).all()
    assert setting.domain.rows.sum() < primary.domain.rows.sum()
    assert setting.design.weights.size == len(participants)
    assert not np.isnan(setting.eligible).any()
    last = setting.cohort.flow.iloc[-1]
    assert (last["step"], last["n"]) == ("hba1c_percent known", setting.domain.rows.sum())


@pytest.mark.parametrize("outcome", list(NEGATIVE_CONTROLS))
def test_negative_controls_know_of_no_u_where_intake_is_the_cause(summary, outcome):
    rows = summary[summary["outcome"] == outcome]
    assert len(rows) == 3
    assert (rows["nonlinear_p"] > 0.05).all()
    assert (rows["verdict"] == "no departure shown").all()


NEGATIVE_OUTCOMES = [
    ("low_education", {"education": "less_than_high_school"}, 1),
    ("low_education", {"education": "high_school"}, 0),
    ("low_education", {"education": None}, None),
    ("ever_smoked", {"smoking": "current"}, 1),
    ("ever_smoked", {"smoking": "former"}, 1),
    ("ever_smoked", {"smoking": "never"}, 0),
    ("ever_smoked", {"smoking": None}, None),
    ("tall", {"sex": "female", "height_cm": 166.0}, 1),
    ("tall", {"sex": "male", "height_cm": 166.0}, 0),
    ("tall", {"sex": "male", "height_cm": 175.0}, 0),
    ("tall", {"sex": "male", "height_cm": 176.0}, 1),
    ("tall", {"height_cm": np.nan}, None),
]


@pytest.mark.parametrize(("name", "person", "expected"), NEGATIVE_OUTCOMES)
def test_outcome_is_read_from_what_the_person_has(name, person, expected):
    others = [{"sex": sex, "height_cm": median + step} for sex, median in (("male", 175.0), ("female", 160.0))
              for step in (-8.0, -5.0, 0.0, 0.0, 5.0, 8.0)]  # fmt: skip
    outcome = NEGATIVE_CONTROLS[name].outcome_of(people.participants([person, *others]))
    assert outcome.iloc[0] == expected or (expected is None and np.isnan(outcome.iloc[0]))
    assert outcome.iloc[1:].notna().all()


def test_a_control_that_nobody_has_is_recorded_with_the_reason(participants):
    one = cell("hba1c_percent", kind="positive control")
    (row,) = answer_cells(participants.assign(hba1c_percent=np.nan), [one])
    assert "domain is empty" in row["reason"]
    assert "overall_p" not in row


# ---- all cells together


def test_summary_has_a_row_for_every_cell_and_all_columns(summary):
    asked = sum(one.form in CONTROL_FORMS for one in specificity_cells())
    assert len(summary) == asked + len(HEAPED) * len(CONTROL_FORMS)  # heaped ones once more, under Hmisc's knots
    assert summary["label"].notna().all()
    assert {*NUMBERS, "verdict", "reason", "tested", "nonlinear_q", "u_q", "nonlinear_rank", "u_rank"} <= {*summary}
    choices = [field.name for field in dataclasses.fields(SpecificityCell)]
    assert not summary.duplicated(choices).any()


def test_people_are_the_same_whichever_nutrient_is_asked_for(nutrients):
    assert set(nutrients["n"]) == {nutrients.loc[("none", "magnesium_mg"), "n"]}


def test_ranks_and_adjusted_p_values_stay_within_kind_and_form():
    rows = [
        {"kind": kind, "form": form, "exposure": str(p), "nonlinear_p": p, "u_p": 1.0}
        for kind, form, p in [
            ("nutrient", "none", 0.02),
            ("nutrient", "none", 0.03),
            ("nutrient", "none", np.nan),
            ("nutrient", "spline", 0.01),
            ("positive control", "none", 0.04),
        ]
    ]
    found = specificity_summary(rows)
    assert found["tested"].tolist() == [2, 2, 2, 1, 1]
    np.testing.assert_allclose(found["nonlinear_q"], [0.03, 0.03, np.nan, 0.01, 0.04])
    assert found["nonlinear_rank"].fillna(0).tolist() == [1, 2, 0, 1, 1]


def test_all_forms_without_an_answer_are_still_summarised():
    found = specificity_summary([{"kind": "nutrient", "form": "none", "reason": "knots"}])
    assert found["tested"].tolist() == [0]
    assert found["nonlinear_q"].isna().all()


@pytest.mark.reference
def test_adjusted_p_values_are_those_by_hand():
    # m = 4 known: 0.04 x 4/3 = 0.0533 is below 0.03 x 4/2 = 0.06, and takes its place
    p = pd.Series([0.5, 0.03, np.nan, 0.005, 0.04])
    np.testing.assert_allclose(false_discovery_q(p), [0.5, 0.16 / 3, np.nan, 0.02, 0.16 / 3])


@pytest.mark.parametrize(("ranked", "unweighted"), [(False, scipy.stats.pearsonr), (True, scipy.stats.spearmanr)])
def test_weighted_correlation_is_that_of_repeated_people(ranked, unweighted):
    rng = np.random.default_rng(5)
    x = rng.integers(8, size=60).astype(float)
    y = x + rng.normal(scale=3, size=60).round()
    times = rng.integers(4, size=60)
    repeated = unweighted(np.repeat(x, times), np.repeat(y, times)).statistic
    assert weighted_correlation(x, y, times.astype(float), ranked=ranked) == pytest.approx(repeated)


@pytest.mark.parametrize("ranked", [False, True])
def test_what_does_not_vary_correlates_with_nothing(ranked):
    assert np.isnan(weighted_correlation(np.zeros(5), np.arange(5.0), np.ones(5), ranked=ranked))


def test_place_counts_discoveries_and_names_the_top():
    rows = [
        {"kind": "nutrient", "form": "none", "exposure": name, "label": name.split("_")[0], "nonlinear_p": p,
         "u_p": p, "verdict": verdict}
        for name, p, verdict in [("magnesium_mg", 0.02, "U"), ("iron_mg", 0.001, "U"), ("zinc_mg", 0.9, "-"),
                                 ("alcohol_g", np.nan, np.nan)]
    ]  # fmt: skip
    place = place_among_nutrients(specificity_summary(rows)).iloc[0]
    assert (place["nonlinear_rank"], place["tested"], place["discoveries"], place["u_verdicts"]) == (2, 3, 2, 2)
    assert (place["top"], place["top_p"]) == ("iron", 0.001)
    assert place["discoveries_dependent"] == 1  # 3 p-values times 1 + 1/2 + 1/3: 0.001 * 5.5, 0.02 * 5.5 / 2 = 0.055


def test_every_negative_control_says_why_the_recalled_day_cannot_have_caused_it():
    for control in NEGATIVE_CONTROLS.values():
        assert "codebooks" in control.reason
