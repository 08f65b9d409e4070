import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.association import contrast_frame, estimate
from analysis.dose_response.characteristics import exposure_distribution
from analysis.dose_response.problem import covariate_columns
from analysis.dose_response.quintiles import quintiles
from analysis.stats.curve.splines import SplineError
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import DesignError
from analysis.study import MODELS, Study, StudyError

INTAKES = (100.0, 150.0, 300.0, 400.0, 500.0)

STANDARD_ERRORS = 2.5
"""Five correlated estimates lie this near the truth in about 95 of 100 surveys; the survey's seed is fixed."""


TWO_DIGITS = 0.05
"""Relative tolerance of a number rounded to two significant digits: half a unit of the second, at worst of 10."""


@pytest.fixture(scope="module")
def primary(participants):
    return estimate(participants, Study())


def test_pipeline_recovers_the_planted_odds_ratios(primary):
    curve = primary.curve(INTAKES).frame
    truth = PLANTED.log_odds_ratio(np.array(INTAKES), primary.reference)
    assert (np.abs(curve["log_or"] - truth) < STANDARD_ERRORS * curve["std_error"]).all()
    assert (curve["std_error"] < 0.25).all(), "an estimate too vague to be wrong proves nothing"


def test_pipeline_recovers_the_planted_nadir(primary):
    assert abs(primary.nadir.x - PLANTED.nadir_mg) < 35
    assert not primary.nadir.at_boundary


def test_planted_effect_is_found_by_both_tests_of_both_hypotheses(primary):
    assert (primary.tests_frame()["p_value"] < 0.001).all()


def test_odds_ratio_at_the_reference_is_exactly_one_with_no_width(primary):
    at = primary.curve([primary.reference]).frame.iloc[0]
    assert (at["log_or"], at["std_error"]) == (0.0, 0.0)
    assert (at["odds_ratio"], at["conf_low"], at["conf_high"]) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("beyond", [[0.5], [90000.0], [0.5, 300.0, 90000.0]], ids=["below", "above", "both"])
def test_intakes_beyond_the_cohorts_are_refused_with_percentiles_and_nobodys_own_value(primary, beyond):
    eligible = primary.problem.setting.eligible
    with pytest.raises(StudyError, match="below the lowest or above the highest intake of the cohort") as refusal:
        primary.refuse_unseen(beyond)
    message = str(refusal.value)
    assert message.startswith(", ".join(f"{x:g}" for x in beyond if x != 300) + ": ")
    assert f"{eligible.min():g}" not in message
    assert f"{eligible.max():g}" not in message
    low, high = map(float, message.rstrip(".").rpartition("about ")[2].split(" to "))
    assert [low, high] == pytest.approx(np.quantile(eligible, [0.01, 0.99]), rel=TWO_DIGITS)


def test_the_lowest_and_the_highest_intake_of_the_cohort_are_not_refused(primary):
    eligible = primary.problem.setting.eligible
    primary.refuse_unseen([float(eligible.min()), float(eligible.max())])


def test_interval_is_symmetric_in_log_odds(primary):
    curve = primary.curve(INTAKES).frame
    np.testing.assert_allclose(curve["conf_low"] * curve["conf_high"], curve["odds_ratio"] ** 2, rtol=1e-12)


def test_a_new_x_reuses_the_stored_knots(primary):
    one_by_one = pd.concat([primary.curve([x]).frame for x in INTAKES], ignore_index=True)
    pd.testing.assert_frame_equal(one_by_one, primary.curve(INTAKES).frame, rtol=1e-12)


def test_wider_confidence_level_gives_a_wider_band(participants, primary):
    wide = estimate(participants, dataclasses.replace(Study(), conf_level=0.99)).curve(INTAKES).frame
    assert (wide["conf_high"] > primary.curve(INTAKES).frame["conf_high"]).all()


def test_knots_and_reference_come_before_complete_case_loss(participants, primary):
    adjusted = estimate(participants, Study(model="2"))
    assert adjusted.fit.n < primary.fit.n
    np.testing.assert_array_equal(adjusted.spline.knots, primary.spline.knots)
    assert adjusted.reference == primary.reference


def test_subgroup_takes_knots_and_reference_from_its_own_cohort(participants):
    women = estimate(participants, Study(where="sex == 'female'"))
    intake = participants.loc[women.cohort.rows, "magnesium_mg"]
    assert women.reference == intake.median()
    np.testing.assert_allclose(women.spline.knots, intake.quantile([0.05, 0.35, 0.65, 0.95]))


def test_level_that_does_not_vary_is_left_out_and_named(participants):
    women = estimate(participants, Study(where="sex == 'female'"))
    assert women.dropped == ("sex_female",)
    assert "sex_female" not in women.fit.terms


def test_everyone_stays_in_the_design(participants, primary):
    assert (primary.fit.n_psu, primary.fit.n_strata, primary.fit.design_df) == (87, 43, 44)
    assert primary.cohort.weights.size == len(participants)


def test_subgroup_in_one_psu_of_a_stratum_is_refused_unless_its_empty_psus_are_kept(participants):
    study = Study(model="crude", where="race_ethnicity == 'other' and cycle == 1999", knots=3)
    with pytest.raises(DesignError, match="one PSU only"):
        estimate(participants, study)
    kept = estimate(participants, dataclasses.replace(study, lonely_domain="keep"))

    assert (kept.fit.n_psu, kept.fit.n_strata) != (87, 43)
    assert kept.fit.to_frame()["std_error"].gt(0).all()


@pytest.mark.parametrize("model", MODELS)
def test_order_of_rows_changes_nothing(participants, model):
    study = Study(model=model)
    shuffled = participants.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        estimate(shuffled, study).fit.to_frame(), estimate(participants, study).fit.to_frame(), rtol=1e-9
    )


def test_extra_covariate_joins_the_model(participants):
    taller = estimate(participants, Study(extra_covariates=("height_cm",)))
    assert taller.fit.terms[-1] == "height_cm"


def test_exposure_that_is_also_a_covariate_is_refused():
    with pytest.raises(StudyError, match="energy_kcal is the exposure and also a covariate of model 3"):
        Study(exposure="energy_kcal", model="3")


def test_heaped_exposure_is_refused_with_its_knots(participants):
    with pytest.raises(SplineError, match="knots fall on"):
        estimate(
            participants.assign(caffeine_mg=participants["caffeine_mg"].gt(0) * 100.0), Study(exposure="caffeine_mg")
        )


def test_covariate_that_repeats_another_is_refused_by_name(participants):
    doubled = participants.assign(height_cm=2 * participants["age_years"])
    with pytest.raises(
        ConvergenceError, match=r"^height_cm: nothing is left of this column.*\(height_cm repeats age_years in"
    ):
        estimate(doubled, Study(extra_covariates=("height_cm",)))


def test_quintiles_hold_a_fifth_each_and_the_reference_is_one(participants):
    frame = quintiles(participants, Study(), reference_quintile=2)
    np.testing.assert_allclose(frame["n"] / frame["n"].sum(), 0.2, atol=0.005)
    reference = frame.set_index("quintile").loc[2]
    assert (reference["odds_ratio"], reference["std_error"]) == (1.0, 0.0)
    assert np.isnan(reference["p_value"])


def test_quintiles_tell_no_single_persons_intake(participants):
    frame = quintiles(participants, Study(), reference_quintile=2)
    assert (frame["lower"].iloc[0], frame["upper"].iloc[-1]) == (-np.inf, np.inf)


def test_another_reference_quintile_divides_every_odds_ratio_by_the_same_number(participants):
    first, second = (quintiles(participants, Study(), reference_quintile=q) for q in (1, 2))
    ratio = first["odds_ratio"] / second["odds_ratio"]
    np.testing.assert_allclose(ratio, ratio.iloc[0], rtol=1e-10)


@pytest.mark.parametrize("quintile", [0, 6])
def test_reference_quintile_outside_one_to_five_is_refused(participants, quintile):
    with pytest.raises(StudyError, match="expected 1 to 5"):
        quintiles(participants, Study(), reference_quintile=quintile)


def test_quintiles_that_coincide_are_refused(participants):
    sober = participants.assign(caffeine_mg=0.0)
    with pytest.raises(StudyError, match="expected increasing values"):
        quintiles(sober, Study(exposure="caffeine_mg"), reference_quintile=2)


def test_distribution_is_the_weighted_share(participants, primary):
    edges = np.array([0.0, 200.0, 1e9])
    shares = exposure_distribution(participants, Study(), edges=edges)["share"]
    eligible = participants[primary.cohort.rows]
    below = np.average(eligible["magnesium_mg"] < 200, weights=eligible["weight_dietary"])
    assert shares.tolist() == pytest.approx([below, 1 - below])


def test_grid_runs_from_the_first_to_the_99th_percentile(participants, primary):
    intake = participants.loc[primary.cohort.rows, "magnesium_mg"]
    grid = primary.grid()
    assert (grid[0], grid[-1]) == pytest.approx((intake.quantile(0.01), intake.quantile(0.99)))
    assert (np.diff(grid) > 0).all()


def test_contrast_of_zero_is_an_odds_ratio_of_one(primary):
    frame = contrast_frame(primary.fit, primary.fit.index(("age_years",)), np.zeros((1, 1)), conf_level=0.95)
    assert frame["odds_ratio"].tolist() == [1.0]


def test_categories_become_indicators_of_all_levels_but_the_first(participants, primary):
    domain_rows = primary.cohort.complete.to_numpy()
    domain = dataclasses.make_dataclass("D", ["rows"])(domain_rows)
    columns, names, dropped, references = covariate_columns(participants, Study(), domain)
    assert names[:2] == ("age_years", "sex_female")
    assert "race_ethnicity_non_hispanic_white" not in names
    assert dropped == ()
    assert references == {}
    np.testing.assert_array_equal(columns[:, 1], participants["sex"] == "female")


def test_nadir_is_looked_for_between_the_5th_and_95th_percentile(participants, primary):
    intake = participants.loc[primary.cohort.rows, "magnesium_mg"]
    assert (primary.nadir.low, primary.nadir.high) == pytest.approx((intake.quantile(0.05), intake.quantile(0.95)))


# ---- people without a category's first level


@pytest.mark.parametrize(
    ("model", "where", "level"),
    [
        ("1", "race_ethnicity != 'non_hispanic_white'", ("race_ethnicity", "mexican_american")),
        ("2", "smoking != 'never'", ("smoking", "former")),
        ("2", "alcohol in ('moderate', 'heavy')", ("alcohol", "moderate")),
    ],
)
def test_first_level_that_is_present_becomes_the_reference(participants, model, where, level):
    name, first = level
    found = estimate(participants, Study(model=model, where=where))
    assert found.problem.setting.references == {name: first}
    assert f"{name}_{first}" not in found.fit.terms
    assert f"{name}_{first}" not in found.dropped
    assert any(first in note for note in found.notes)
    # The same model with another level left out: the curve does not depend on which.
    domain = found.problem.setting.domain
    other = [term for term in found.fit.terms if term.startswith(f"{name}_")][0]
    turned = found.problem.X.copy()
    turned[:, found.fit.terms.index(other)] = (participants[name] == first).to_numpy(dtype=float)[domain.rows]
    setting = found.problem.setting
    again = fit_logistic(turned, found.problem.y, design=setting.design, domain=domain, terms=found.fit.terms)
    test = wald_test(again, found.problem.spline_terms)
    assert test.p_value == pytest.approx(found.tests["overall", "wald"].p_value, rel=1e-8)


def test_a_category_of_one_level_has_no_reference(participants):
    women = estimate(participants, Study(where="sex == 'female'"))
    assert women.problem.setting.references == {}
    assert women.notes == ()


# ---- one cycle, whichever way it is asked for


@pytest.mark.parametrize(
    ("cycles", "where"),
    [((1999,), "cycle == 1999"), ((2001, 2003), "cycle != 1999"), ((1999, 2001), "cycle in (1999, 2001)")],
)
def test_cycles_are_weighted_alike_whichever_way_they_are_asked_for(participants, cycles, where):
    by_cycles, by_where = (estimate(participants, study) for study in (Study(cycles=cycles), Study(where=where)))
    pd.testing.assert_frame_equal(by_where.tests_frame(), by_cycles.tests_frame())
    assert by_cycles.notes == ()
    asked = " ".join(map(str, cycles))
    assert by_where.notes == (f"Everybody is of cycle {asked}: weighted as by --cycles {asked}.",)


def test_a_covariate_of_one_cycle_only_is_told(participants):
    found = estimate(participants, Study(model="crude", extra_covariates=("energy_kcal_day2",)))
    assert found.cohort.complete_cycles == (2003,)
    assert found.notes[0].startswith(
        "Everybody whose covariates are known is of cycle 2003, but weighted as one of 1999"
    )


# ---- what is asked of an answer


def test_each_of_the_four_tests_can_be_named(primary):
    assert list(primary.tests) == [
        ("overall", "wald"), ("overall", "rao_scott"), ("nonlinear", "wald"), ("nonlinear", "rao_scott")
    ]  # fmt: skip
    assert all(test.method == method for (_, method), test in primary.tests.items())
    assert primary.tests["nonlinear", "wald"].df_num == 2


@pytest.mark.parametrize("method", ["curve", "prevalence"])
def test_beyond_the_cohorts_intakes_nothing_is_told_unasked(primary, method):
    with pytest.raises(StudyError, match=r"^100000: below the lowest or above the highest intake"):
        getattr(primary, method)([1e5])
    with pytest.raises(StudyError, match="^nan"):
        getattr(primary, method)(float("nan"))


def test_extrapolation_that_is_asked_for_follows_the_straight_line(primary):
    log_or = primary.curve([3000.0, 4000.0, 5000.0], extrapolate=True).frame["log_or"].to_numpy()
    assert np.diff(log_or)[0] == pytest.approx(np.diff(log_or)[1], rel=1e-6)


def test_one_intake_is_a_curve_of_one_point(primary):
    pd.testing.assert_frame_equal(primary.curve(100).frame, primary.curve([100.0]).frame)
    pd.testing.assert_frame_equal(primary.prevalence(100).frame, primary.prevalence([100.0]).frame)
