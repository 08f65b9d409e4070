"""Every cell of the grid is the study it says, answered by the primary study's own code, or has its reason."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.audit import specifications
from analysis.audit.specifications import (
    CHOICES,
    MARKS,
    PRIMARY_CELL,
    PUBLISHED_CELL,
    Specification,
    answer_arrays,
    answer_people,
    eligible_people,
    in_first_grid,
    people_groups,
    specification_grid,
)
from analysis.dose_response.association import estimate
from analysis.dose_response.energy import energy_adjusted
from analysis.dose_response.fits import curve_of
from analysis.dose_response.problem import set_out
from analysis.stats.sample.design import SurveyDesign, between_psu
from analysis.stats.shape.questions import ENDS, end_tests, ends_name, levels
from analysis.stats.shape.slopes import end_slopes
from analysis.stats.shape.verdict import verdict
from analysis.study import PRIMARY

SAME = 1e-10

SAME_P = 1e-9
"""Relative, of a p-value: an error of a statistic times the statistic is that of the logarithm of its p-value."""

PLAIN = [("dietary", "strict", "all"), ("mec", "any_tested", "no diabetes")]
"""Groups of people whose cells are answered with common columns and without."""


@pytest.fixture(scope="module")
def answers(participants):
    """Answers of all cells that share the primary's people."""
    group = next(cells for cells in people_groups().values() if PRIMARY_CELL in cells)
    return dict(zip(group, answer_people(participants, group), strict=True))


def variant(**changes):
    return dataclasses.replace(PRIMARY_CELL, **changes)


# ---- the grid


def test_grid_has_every_combination_once():
    grid = specification_grid()
    assert len(grid) == len(set(grid)) == math.prod(map(len, CHOICES.values())) == 4725


@pytest.mark.parametrize("choice", CHOICES)
def test_every_level_of_a_choice_has_as_many_cells(choice):
    counts = pd.Series([getattr(cell, choice) for cell in specification_grid()]).value_counts()
    assert counts.to_dict() == dict.fromkeys(CHOICES[choice], 4725 // len(CHOICES[choice]))


@pytest.mark.parametrize("cell", [PRIMARY_CELL, PUBLISHED_CELL])
def test_marked_cells_are_in_the_grid(cell):
    assert cell in specification_grid()


def test_primary_cell_is_the_primary_study():
    assert PRIMARY_CELL.study == PRIMARY


def test_groups_of_people_are_the_grid():
    groups = people_groups().values()
    assert sorted(cell for cells in groups for cell in cells) == sorted(specification_grid())
    assert all(len({cell.people for cell in cells}) == 1 for cells in groups)


# ---- a cell's numbers


@pytest.mark.parametrize(
    ("cell", "study"),
    [
        (PRIMARY_CELL, PRIMARY),
        (variant(knots=3), dataclasses.replace(PRIMARY, knots=3)),
        (variant(energy="linear"), dataclasses.replace(PRIMARY, extra_covariates=("energy_kcal",))),
    ],
    ids=["primary", "three knots", "energy as a covariate"],
)
def test_cell_equals_the_study_estimated_by_itself(participants, answers, cell, study):
    row, found = answers[cell].row, estimate(participants, study)
    curve = found.curve(np.quantile(found.problem.setting.eligible, MARKS)).frame
    for number, mark in enumerate(("p10", "p90")):
        for name in ("odds_ratio", "conf_low", "conf_high"):
            assert row[f"{name}_{mark}"] == pytest.approx(curve[name].iloc[number], rel=SAME)
    tests = found.tests_frame().query("method == 'wald'").set_index("test")["p_value"]
    assert row["nonlinear_p"] == pytest.approx(tests["nonlinear"], rel=1e-8)
    assert row["overall_p"] == pytest.approx(tests["overall"], rel=1e-8)
    assert (row["n"], row["cases"], row["residual_df"]) == (found.fit.n, found.fit.cases, found.fit.residual_df)
    assert row["nadir"] == pytest.approx(found.nadir.x, rel=SAME)
    drawn = curve_of(found.problem, found.fit).drawn_nadirs(seed=1)
    assert (row["nadir_low"], row["nadir_high"]) == pytest.approx(drawn.interval(), rel=1e-8)
    assert row["interior"] == drawn.interior_share


@pytest.mark.parametrize("people", PLAIN)
def test_answers_with_common_columns_are_those_of_plain_fits(participants, monkeypatch, people):
    cells = people_groups()[", ".join(people)]
    ready = answer_people(participants, cells)
    monkeypatch.setattr(specifications, "shared_columns", lambda bases, _: [None] * len(bases))
    for ours, plain in zip(ready, answer_people(participants, cells), strict=True):
        assert ours.row.keys() == plain.row.keys()
        for name, value in plain.row.items():
            if name.endswith("_p"):
                assert ours.row[name] == pytest.approx(value, rel=SAME_P)
            elif isinstance(value, float) and not name.endswith("_mc_error"):
                assert ours.row[name] == pytest.approx(value, rel=SAME)
            elif name not in ("coefficients", "covariance") and not name.endswith("_mc_error"):
                assert ours.row[name] == value
        if plain.totals is None:
            assert ours.totals is None
        else:
            np.testing.assert_allclose(ours.totals, plain.totals, atol=SAME * np.abs(plain.totals).max(axis=0).min())


def test_ends_and_levels_of_a_cell_are_those_of_its_curve_asked_one_by_one(participants, answers):
    """The columns that come from one pass, against the tests that take one pair of ends at a time."""
    row, found = answers[PRIMARY_CELL].row, estimate(participants, PRIMARY)
    curve = curve_of(found.problem, found.fit)
    low, high = curve.range
    level = levels(curve, low=low, high=high, middle=float(np.median(curve.eligible)))
    assert (row["level_low_p"], row["level_high_p"]) == pytest.approx((level.p_low, level.p_high), rel=1e-8)
    assert (row["levels_p"], row["levels_verdict"]) == (pytest.approx(level.p_value, rel=1e-8), level.verdict)
    assert end_tests(curve).slopes_p[0] == pytest.approx(row["end_slopes_p"], rel=1e-8)
    for ends in ENDS[1:]:
        low, high = np.quantile(curve.eligible, ends)
        slopes = end_slopes(curve.fit, curve.spline.derivative(np.array([low, high])), index=curve.index, low=low,
                            high=high)  # fmt: skip
        assert row[f"end_slopes_p_{ends_name(ends)}"] == pytest.approx(slopes.p_value, rel=1e-8)
        assert row[f"verdict_{ends_name(ends)}"] == verdict(
            nonlinear_p=row["nonlinear_p"], end_slopes_p=slopes.p_value, two_lines_p=row["two_lines_p"],
            interior=row["interior"],
        )  # fmt: skip


def test_plausible_reporters_are_those_within_goldbergs_limits(participants):
    (answer,) = answer_people(participants, [variant(sample="plausible reporters")])
    rows = set_out(participants, PRIMARY).domain.rows
    ratio = participants["ei_bmr"].to_numpy()[rows]
    assert answer.row["n"] == np.sum((ratio >= 0.87) & (ratio <= 2.75))
    assert answer.row["n"] < rows.sum()


def test_the_first_grid_is_the_one_without_what_joined_it():
    cells = pd.DataFrame(map(dataclasses.asdict, specification_grid()))
    first = cells[in_first_grid(cells)]
    assert len(first) == 3240
    assert set(first["outcome"]) == {"strict", "lenient", "both_feet", "two_sites"}
    assert "plausible reporters" not in set(first["sample"])


def test_totals_have_the_taylor_errors_of_the_odds_ratios(participants, answers):
    design = whole_design(participants)
    for cell, answer in answers.items():
        errors = np.sqrt(np.diag(between_psu(answer.totals, design)))[:2]
        half = scipy.stats.t.ppf(0.975, answer.row["residual_df"]) * errors
        width = [np.log(answer.row[f"conf_high_{m}"] / answer.row[f"conf_low_{m}"]) / 2 for m in ("p10", "p90")]
        np.testing.assert_allclose(half, width, rtol=1e-9, err_msg=str(cell))


def test_non_linear_totals_have_a_covariance_of_the_identity(participants, answers):
    design = whole_design(participants)
    for cell, answer in answers.items():
        vcov = between_psu(answer.totals, design)[2:, 2:]
        np.testing.assert_allclose(vcov, np.eye(cell.knots - 2), atol=1e-8, err_msg=str(cell))


def whole_design(frame):
    return SurveyDesign(frame["strata"].to_numpy(), frame["psu"].to_numpy(), np.ones(len(frame)))


@pytest.mark.parametrize("people", [("mec", "lenient", "without 2001-2002", "2"), ("none", "strict", "all", "1")])
def test_people_who_cannot_be_in_a_cohort_change_no_number(participants, monkeypatch, people):
    cells = [Specification(*people, energy, 4) for energy in ("none", "density")]
    few = answer_people(participants, cells)
    monkeypatch.setattr(specifications, "eligible_people", lambda frame, *_, **__: frame)
    everybody = answer_people(participants, cells)
    for one, other in zip(few, everybody, strict=True):
        numbers = [key for key, value in one.row.items() if isinstance(value, float)]
        np.testing.assert_allclose([one.row[k] for k in numbers], [other.row[k] for k in numbers], rtol=SAME)
        np.testing.assert_allclose(one.totals, other.totals, atol=SAME * np.abs(other.totals).max())


def test_every_psu_keeps_a_person(participants):
    kept = eligible_people(participants)
    assert len(kept) < len(participants) / 2
    psus = ["strata", "psu"]
    assert kept[psus].drop_duplicates().shape == participants[psus].drop_duplicates().shape


# ---- energy


@pytest.fixture(scope="module")
def setting(participants):
    return set_out(participants, PRIMARY)


@pytest.fixture(scope="module")
def energy(participants):
    return participants["energy_kcal"].to_numpy(dtype=float)


def test_residual_exposure_keeps_its_mean_and_knows_nothing_of_energy(setting, energy):
    rows = setting.cohort.rows.to_numpy()
    adjusted = energy_adjusted(setting, energy, "residual").exposure[rows]
    assert adjusted.mean() == pytest.approx(setting.exposure[rows].mean())
    assert abs(np.corrcoef(adjusted, energy[rows])[0, 1]) < 1e-10


def test_density_is_the_exposure_per_thousand_kcal(setting, energy):
    rows = setting.cohort.rows.to_numpy()
    adjusted = energy_adjusted(setting, energy, "density")
    np.testing.assert_allclose(adjusted.exposure[rows] * energy[rows] / 1000, setting.exposure[rows])
    assert adjusted.adjustment_terms == setting.adjustment_terms


@pytest.mark.parametrize(("form", "columns"), [("none", 0), ("linear", 1), ("spline", 3)])
def test_energy_joins_the_other_columns(setting, energy, form, columns):
    adjusted = energy_adjusted(setting, energy, form)
    assert len(adjusted.adjustment_terms) == len(setting.adjustment_terms) + columns
    np.testing.assert_array_equal(adjusted.adjustment[:, columns:], setting.adjustment)
    np.testing.assert_array_equal(adjusted.exposure, setting.exposure)


# ---- cells without an answer, or without a column


def test_a_covariate_that_does_not_vary_leaves_the_model_and_is_named(participants):
    (answer,) = answer_people(participants, [variant(sample="no diabetes", covariates="2")])
    assert (answer.row["dropped"], answer.row["reason"]) == ("has_diabetes", "")


def one_without_energy(participants):
    frame = participants.copy()
    frame.loc[frame.index[set_out(frame, PRIMARY).domain.rows][0], "energy_kcal"] = 0.0
    return frame


def test_density_without_energy_has_its_reason_and_the_other_forms_their_answers(participants):
    cells = [variant(energy="density"), variant(energy="linear")]
    without, answered = answer_people(one_without_energy(participants), cells)
    assert without.totals is None
    assert "fewer than 10 people of the cohort have no energy intake" in without.row["reason"]
    assert answered.row["reason"] == ""


def test_answers_side_by_side_leave_out_the_totals_of_cells_without(participants):
    cells = [variant(energy="density"), variant(energy="linear")]
    found = answer_arrays(one_without_energy(participants), cells)
    assert found["rows"]["verdict"].isna().tolist() == [True, False]
    assert found["totals"].shape == (87, 4)


@pytest.mark.committed
def test_an_outcome_that_exposure_foretells_has_the_reason_of_its_fit(participants):
    frame = participants.assign(pn_strict=(participants["magnesium_mg"] > 250).astype(float))
    (answer,) = answer_people(frame, [PRIMARY_CELL])
    assert answer.totals is None
    assert "separat" in answer.row["reason"] or "converge" in answer.row["reason"]


def test_people_whom_nobody_belongs_to_are_the_reason_of_all_their_cells(participants):
    frame = participants.assign(has_diabetes=1.0)
    cells = [variant(sample="no diabetes", knots=knots) for knots in (3, 4)]
    answers = answer_people(frame, cells)
    assert [answer.row["knots"] for answer in answers] == [3, 4]
    assert all("domain is empty" in answer.row["reason"] for answer in answers)
