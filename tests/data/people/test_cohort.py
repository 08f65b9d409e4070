"""Who is studied: one invented person who fails at each step, and everybody kept in the frame."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.data.people.cohort import Cohort, refuse_empty, select_cohort
from analysis.data.people.conditions import ConditionError
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS
from analysis.study import COVARIATES, CYCLES, MODELS, PRIMARY, Model, Outcome, Study, StudyError, Weights
from tests.people import NAN, participants, read_rows

HEALTH = tuple(name for name in COVARIATES["2"] if name not in COVARIATES["1"])

PEOPLE = """
    age_years examined pn recall_reliable magnesium_mg pir | last_step
    39        yes      0  yes             250          2.5 | interviewed
    60        no       0  yes             250          2.5 | aged_40_or_older
    60        yes      .  yes             250          2.5 | examined
    60        yes      1  no              250          2.5 | neuropathy_status_known
    60        yes      1  yes             .            2.5 | neuropathy_status_known
    60        yes      1  yes             250          .   | reliable_recall
    40        yes      1  yes             250          2.5 | covariates_known
    85        yes      0  yes             0            2.5 | covariates_known
"""
"""In each row the last step that the person passes."""


def people() -> pd.DataFrame:
    """The eight people of the table, numbered from 1."""
    return participants(read_rows(PEOPLE)[0])


def flow(cohort: Cohort) -> list[tuple[int, int | None]]:
    """People and cases left after each step; None while the outcome of some is unknown."""
    return [
        (n, None if cases is pd.NA else cases) for n, cases in zip(cohort.flow["n"], cohort.flow["cases"], strict=True)
    ]


def members(cohort: Cohort) -> list[int]:
    """SEQN of the cohort."""
    return cohort.rows.index[cohort.rows].tolist()


def complete(cohort: Cohort) -> list[int]:
    """SEQN of those of the cohort whose covariates are all known."""
    return cohort.complete.index[cohort.complete].tolist()


# ---- step by step --------------------------------------------------------------------------------------------------


def test_each_step_leaves_out_the_person_who_fails_it_and_is_counted() -> None:
    cohort = select_cohort(people(), Study(model="2"))
    assert cohort.flow["step"].tolist() == [
        "interviewed",
        "aged 40 or older",
        "examined at the mobile examination center",
        "neuropathy status known",
        "reliable day-1 dietary recall",
        "covariates of model 2 known",
    ]
    assert flow(cohort) == [(8, None), (7, None), (6, None), (5, 4), (3, 2), (2, 1)]
    assert members(cohort) == [6, 7, 8]
    assert complete(cohort) == [7, 8]


@pytest.mark.parametrize(
    ("age", "is_member"), [(0, False), (39, False), (40, True), (84, True), (85, True), (NAN, False)]
)
def test_the_cohort_begins_at_forty_and_has_no_upper_age(age: float, is_member: bool) -> None:
    assert select_cohort(participants(age_years=age), PRIMARY).rows.tolist() == [is_member]


def test_another_youngest_age_is_applied_and_named() -> None:
    cohort = select_cohort(participants([{"age_years": 59}, {"age_years": 60}]), Study(age_min=60))
    assert cohort.flow["step"].iloc[1] == "aged 60 or older"
    assert members(cohort) == [2]


def test_somebody_without_the_exposure_is_outside_the_cohort_even_with_a_reliable_recall() -> None:
    frame = participants([{"phosphorus_mg": NAN}, {"magnesium_mg": NAN}, {}])
    assert members(select_cohort(frame, Study(exposure="magnesium_mg"))) == [1, 3]
    assert members(select_cohort(frame, Study(exposure="phosphorus_mg"))) == [2, 3]


def test_an_exposure_without_a_reliable_recall_does_not_count() -> None:
    frame = participants([{"recall_reliable": False}, {}])
    assert members(select_cohort(frame, PRIMARY)) == [2]


def test_an_exposure_of_zero_is_an_exposure() -> None:
    assert members(select_cohort(participants(magnesium_mg=0), PRIMARY)) == [1]


@pytest.mark.parametrize(
    ("outcome", "is_member", "cases"),
    [("strict", [1, 2], 1), ("lenient", [1, 2, 3], 2), ("both_feet", [1], 0), ("two_sites", [2, 4], 0)],
)
def test_the_outcome_rule_decides_whose_status_is_known_and_who_is_a_case(
    outcome: Outcome, is_member: list[int], cases: int
) -> None:
    inputs, _ = read_rows("""
        pn_strict pn_lenient pn_both_feet pn_two_sites |
        0         0          0            .            |
        1         1          .            0            |
        .         1          .            .            |
        .         .          .            0            |
    """)
    cohort = select_cohort(participants(inputs), Study(outcome=outcome))
    assert members(cohort) == is_member
    assert flow(cohort)[-1] == (len(is_member), cases)


# ---- cases ---------------------------------------------------------------------------------------------------------


def test_cases_are_missing_as_long_as_somebodys_outcome_is_unknown() -> None:
    inputs, _ = read_rows("""
        pn age_years |
        1  60        |
        0  60        |
        .  39        |
    """)
    assert flow(select_cohort(participants(inputs), PRIMARY)) == [(3, None), (2, 1), (2, 1), (2, 1), (2, 1), (2, 1)]


def test_where_every_outcome_is_known_cases_are_counted_from_the_first_step() -> None:
    frame = participants([{"pn": 1}, {"pn": 0}, {"pn": 1, "recall_reliable": False}])
    assert flow(select_cohort(frame, PRIMARY)) == [(3, 2), (3, 2), (3, 2), (3, 2), (2, 1), (2, 1)]


def test_a_cohort_of_nobody_has_no_cases() -> None:
    assert flow(select_cohort(participants(pn=NAN), PRIMARY)) == [
        (1, None),
        (1, None),
        (1, None),
        (0, 0),
        (0, 0),
        (0, 0),
    ]


def test_counts_are_whole_numbers_and_cases_may_be_missing() -> None:
    types = select_cohort(people(), PRIMARY).flow.dtypes
    assert (types["n"], types["cases"]) == ("int64", "Int64")


# ---- complete cases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariate", [name for name in COVARIATES["3"] if name != "age_years"])
@pytest.mark.parametrize("model", MODELS)
def test_somebody_without_a_covariate_is_complete_only_for_models_without_it(model: Model, covariate: str) -> None:
    cohort = select_cohort(participants([{covariate: None}, {}]), Study(model=model))
    assert members(cohort) == [1, 2]
    assert complete(cohort) == ([2] if covariate in COVARIATES[model] else [1, 2])
    assert flow(cohort)[-2:] == [(2, 0), (len(complete(cohort)), 0)]


@pytest.mark.parametrize(
    ("choices", "label"),
    [
        ({"model": "crude"}, "no covariates needed"),
        ({"model": "1"}, "covariates of model 1 known"),
        ({"model": "3"}, "covariates of model 3 known"),
        ({"model": "crude", "extra_covariates": ("height_cm",)}, "height_cm known"),
        ({"extra_covariates": ("height_cm",)}, "covariates of model 1 and height_cm known"),
        (
            {"model": "2", "extra_covariates": ("height_cm", "energy_kcal")},
            "covariates of model 2, height_cm and energy_kcal known",
        ),
    ],
    ids=["crude", "1", "3", "crude and height", "1 and height", "2 and two others"],
)
def test_the_last_step_names_the_model_and_what_was_added_to_it(choices: dict[str, object], label: str) -> None:
    assert select_cohort(people(), Study(**choices)).flow["step"].iloc[-1] == label


def test_a_crude_model_loses_nobody_to_covariates() -> None:
    cohort = select_cohort(participants(**dict.fromkeys(HEALTH)), Study(model="crude"))
    assert complete(cohort) == members(cohort) == [1]


def test_an_extra_covariate_must_be_known_too() -> None:
    frame = participants([{"height_cm": NAN}, {}])
    assert complete(select_cohort(frame, Study(extra_covariates=("height_cm",)))) == [2]
    assert complete(select_cohort(frame, PRIMARY)) == [1, 2]


def test_a_missing_covariate_leaves_the_person_in_the_cohort_that_places_the_knots() -> None:
    frame = participants([{"pir": NAN}, {}])
    pd.testing.assert_series_equal(
        select_cohort(frame, Study(model="3")).rows, select_cohort(frame, Study(model="crude")).rows
    )


# ---- where ---------------------------------------------------------------------------------------------------------


def test_a_condition_is_a_step_of_its_own_between_recall_and_covariates() -> None:
    frame = participants([{"sex": "female", "pn": 1}, {"sex": "male"}, {"sex": None}, {"sex": "female", "pir": NAN}])
    cohort = select_cohort(frame, Study(model="2", where="sex == 'female'"))
    assert cohort.flow["step"].tolist()[-2] == "where sex == 'female'"
    assert flow(cohort)[-3:] == [(4, 1), (2, 1), (1, 1)]
    assert (members(cohort), complete(cohort)) == ([1, 4], [1])


def test_a_condition_can_only_narrow_the_cohort() -> None:
    frame = participants([{"age_years": 30}, {"examined": False}, {"pn": NAN}, {"recall_reliable": False}, {}])
    assert members(select_cohort(frame, Study(where="age_years >= 0"))) == [5]


def test_without_a_condition_there_is_no_step_for_it() -> None:
    assert not select_cohort(people(), PRIMARY).flow["step"].str.startswith("where").any()


@pytest.mark.parametrize("condition", ["", "waist_cm > 100", "sex == 'woman'", "print(1)"])
def test_a_condition_that_cannot_be_read_is_refused(condition: str) -> None:
    with pytest.raises(ConditionError, match="expected|Expected"):
        select_cohort(people(), Study(where=condition))


# ---- cycles, weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycles", "is_member"),
    [(CYCLES, [1, 2, 3]), ((1999,), [1]), ((2001,), [2]), ((2003,), [3]), ((1999, 2003), [1, 3])],
    ids=str,
)
def test_only_people_of_the_studied_cycles_are_interviewed_for_it(
    cycles: tuple[int, ...], is_member: list[int]
) -> None:
    cohort = select_cohort(participants([{"cycle": cycle} for cycle in CYCLES]), Study(cycles=cycles))
    assert members(cohort) == is_member
    assert flow(cohort)[0] == (len(is_member), 0)
    assert cohort.weights.index[cohort.weights > 0].tolist() == is_member


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("dietary", [12 * 2 / 3, 15 * 2 / 3, 42 / 3]), ("mec", [9 * 2 / 3, 6 * 2 / 3, 33 / 3]), ("none", [1, 1, 1])],
)
def test_the_study_chooses_the_weight(weights: Weights, expected: list[float]) -> None:
    inputs, _ = read_rows("""
        cycle weight_dietary_2yr weight_dietary_4yr weight_mec_2yr weight_mec_4yr |
        1999  30                 12                 24             9              |
        2001  36                 15                 27             6              |
        2003  42                 .                  33             .              |
    """)
    assert select_cohort(participants(inputs), Study(weights=weights)).weights.tolist() == pytest.approx(
        expected, rel=1e-12
    )


def test_somebody_without_a_weight_stays_in_the_cohort_with_weight_zero() -> None:
    cohort = select_cohort(participants(weight_dietary_2yr=NAN, weight_dietary_4yr=NAN), PRIMARY)
    assert (cohort.rows.tolist(), cohort.weights.tolist()) == ([True], [0.0])


def test_people_outside_the_cohort_keep_their_weight() -> None:
    cohort = select_cohort(participants([{"age_years": 20}, {"examined": False}, {"pn": NAN}, {}]), PRIMARY)
    assert (cohort.weights > 0).all()


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exposure", ["kryptonite", "weight_mec", "DRXTMAGN", ""])
def test_an_exposure_that_is_no_column_of_numbers_is_refused_with_those_that_are(exposure: str) -> None:
    message = rf"^exposure '{exposure}': expected one of energy_kcal, .*moisture_g, .*, magnesium_total_mg, age_years"
    with pytest.raises(StudyError, match=message) as refusal:
        select_cohort(people(), Study(exposure=exposure))
    assert all(name in str(refusal.value) for name in NUTRIENT_COLUMNS)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1.0, 0.0, 1.0], "has only two values: expected an amount"),
        ([1.0, NAN, 1.0], "has only one value: expected an amount"),
        ([NAN, NAN, NAN], "has no value: expected an amount"),
        ([True, False, True], "is yes or no: expected a column of numbers"),
        (["180", "170", "160"], ".*, not numbers: expected a column of numbers"),
        ([1.0, 2.0, np.inf], "holds infinite values: expected finite numbers"),
    ],
)
def test_a_column_that_is_there_but_no_exposure_is_refused_with_the_reason(values: list[object], why: str) -> None:
    frame = participants([{}, {}, {}]).assign(tall=values)
    with pytest.raises(StudyError, match=f"^exposure 'tall': the column {why}"):
        select_cohort(frame, Study(exposure="tall"))


def test_any_column_of_numbers_can_be_the_exposure_and_needs_no_recall() -> None:
    frame = participants([{"bmi_kg_m2": 24.0, "recall_reliable": False}, {"bmi_kg_m2": NAN}, {"bmi_kg_m2": 31.0},
                          {"bmi_kg_m2": 27.0}])  # fmt: skip
    cohort = select_cohort(frame, Study(exposure="bmi_kg_m2", weights="mec"))
    assert members(cohort) == [1, 3, 4]
    assert "BMI known" in cohort.flow["step"].tolist()


def test_what_an_outcome_is_made_of_cannot_be_its_exposure() -> None:
    frame = participants([{}, {}, {}]).assign(abi_left=[0.8, 1.0, 1.1], pad=[1.0, 0.0, 0.0], any_led=[1.0, 0.0, 0.0])
    for outcome in ("pad", "any_led"):
        with pytest.raises(StudyError, match="abi_left"):
            select_cohort(frame, Study(exposure="abi_left", outcome=outcome))


@pytest.mark.parametrize("name", ["pn_strict", "psu"])
def test_the_outcome_and_the_design_are_no_exposure_and_not_a_misspelt_name(name: str) -> None:
    with pytest.raises(StudyError, match=f"^exposure '{name}': the column is of the outcome, the design or eligib"):
        select_cohort(participants([{}]), Study(exposure=name))


def test_nobody_above_the_oldest_age_is_in_the_cohort() -> None:
    cohort = select_cohort(participants([{"age_years": age} for age in (39, 40, 69, 70)]), Study(age_max=69))
    assert members(cohort) == [2, 3]
    assert "aged 40 to 69" in cohort.flow["step"].tolist()


def test_a_misspelt_name_is_answered_with_the_names_it_resembles() -> None:
    with pytest.raises(StudyError, match=r"^exposure 'magnesium': .* names; did you mean magnesium_mg or .*\?$"):
        select_cohort(people(), Study(exposure="magnesium"))
    with pytest.raises(StudyError, match=r"^covariate 'hieght_cm': .* names; did you mean height_cm"):
        select_cohort(people(), Study(extra_covariates=("hieght_cm",)))


@pytest.mark.parametrize("covariate", ["waist_cm", "BMXHT", "sex_female", ""])
def test_a_covariate_that_is_no_column_is_refused_with_the_columns(covariate: str) -> None:
    with pytest.raises(StudyError, match=rf"^covariate '{covariate}': expected one of age_years, .*height_cm.*\.$"):
        select_cohort(people(), Study(extra_covariates=("height_cm", covariate)))


@pytest.mark.parametrize(
    ("study", "person", "message"),
    [
        (
            Study(where="age_years < 40"),
            {},
            "the domain is empty: nobody is left at the step 'where age_years < 40', of fewer than 10 before it. "
            "The cohort begins at 40 years (age_min). Change what the study asks for there.",
        ),
        (
            Study(where="sex == 'female'"),
            {},
            "the domain is empty: nobody is left at the step \"where sex == 'female'\", of fewer than 10 before it. "
            "Change what the study asks for there.",
        ),
        (
            Study(extra_covariates=("height_cm",)),
            {"height_cm": NAN},
            "'covariates of model 1 and height_cm known', of fewer than 10",
        ),
        (
            Study(),
            {"weight_dietary_2yr": 0, "weight_dietary_4yr": 0},
            "'survey weight above 0', of fewer than 10 before it.",
        ),
        (Study(), {"pn": NAN}, "'neuropathy status known', of fewer than 10 before it."),
        (Study(cycles=(2003,)), {}, "nobody is left at the step 'interviewed'. Change"),
    ],
    ids=["age", "another condition", "covariate", "weight", "outcome", "cycle"],
)
def test_a_cohort_of_nobody_is_refused_with_the_step_that_nobody_passes(
    study: Study, person: dict[str, object], message: str
) -> None:
    cohort = select_cohort(participants([person] * 3), study)
    with pytest.raises(StudyError) as refusal:
        refuse_empty(cohort, study)
    assert message in str(refusal.value)


def test_a_cohort_of_one_is_not_refused() -> None:
    refuse_empty(select_cohort(participants(), PRIMARY), PRIMARY)


# ---- nobody is dropped ---------------------------------------------------------------------------------------------

STUDIES = {
    "primary": PRIMARY,
    "model 3": Study(model="3"),
    "one cycle": Study(cycles=(2003,)),
    "a condition": Study(where="age_years >= 60 and sex == 'female'"),
    "two sites": Study(outcome="two_sites"),
    "no weights": Study(weights="none"),
    "nobody": Study(where="age_years > 200"),
}


def crowd(size: int, seed: int) -> pd.DataFrame:
    """Invented people of all kinds, each flaw common."""
    rng = np.random.default_rng(seed)
    draw = {
        "cycle": rng.choice(CYCLES, size),
        "age_years": rng.integers(35, 86, size),
        "sex": rng.choice(["male", "female"], size),
        "examined": rng.random(size) < 0.8,
        "recall_reliable": rng.random(size) < 0.8,
        "pn": rng.choice([0.0, 1.0, NAN], size),
        "pir": rng.choice([1.0, 4.0, NAN], size),
        "magnesium_mg": rng.choice([100.0, 300.0, NAN], size),
        "weight_dietary_2yr": rng.choice([500.0, 1000.0, NAN], size),
    }
    return participants([dict(zip(draw, values, strict=True)) for values in zip(*draw.values(), strict=True)])


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_row_of_the_frame_has_its_place_in_rows_complete_and_weights(study: Study) -> None:
    frame = crowd(60, seed=1)
    cohort = select_cohort(frame, study)
    for series, dtype in ((cohort.rows, bool), (cohort.complete, bool), (cohort.weights, float)):
        pd.testing.assert_index_equal(series.index, frame.index)
        assert series.dtype == dtype
    assert cohort.weights.notna().all()


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_the_order_of_the_rows_does_not_matter(study: Study) -> None:
    frame = crowd(60, seed=2)
    straight, shuffled = select_cohort(frame, study), select_cohort(frame.sample(frac=1, random_state=3), study)
    pd.testing.assert_frame_equal(shuffled.flow, straight.flow)
    for name in ("rows", "complete", "weights"):
        pd.testing.assert_series_equal(getattr(shuffled, name).sort_index(), getattr(straight, name))


@given(seed=st.integers(0, 10_000), size=st.integers(0, 40), study=st.sampled_from(list(STUDIES.values())))
def test_the_flow_agrees_with_the_rows_it_describes(seed: int, size: int, study: Study) -> None:
    frame = crowd(size, seed)
    cohort = select_cohort(frame, study)
    n = cohort.flow["n"].tolist()
    assert n == sorted(n, reverse=True)
    assert n[-2:] == [cohort.rows.sum(), cohort.complete.sum()]
    assert cohort.rows[cohort.complete].all()
    known = [frame.loc[rows, study.outcome_column] for rows in (cohort.rows, cohort.complete)]
    assert cohort.flow["cases"].tolist()[-2:] == [outcome.sum() for outcome in known]


def test_selecting_a_cohort_leaves_the_frame_as_it_was() -> None:
    frame = crowd(30, seed=4)
    before = frame.copy(deep=True)
    select_cohort(frame, Study(model="3", where="sex == 'female'"))
    pd.testing.assert_frame_equal(frame, before)


def test_a_cohort_cannot_be_changed() -> None:
    cohort = select_cohort(people(), PRIMARY)
    with pytest.raises(dataclasses.FrozenInstanceError, match="rows"):
        cohort.rows = cohort.complete  # type: ignore[misc]


@pytest.mark.parametrize(
    "covariate", ["pn_strict", "insensate_left", "weight_mec", "strata", "psu", "cycle", "examined"]
)
def test_the_outcome_and_the_design_cannot_be_adjusted_for(covariate: str) -> None:
    frame = participants().assign(insensate_left=0.0)
    with pytest.raises(StudyError, match=rf"covariate '{covariate}': expected one of"):
        select_cohort(frame, Study(extra_covariates=(covariate,)))


def test_people_of_weight_zero_leave_in_a_step_of_their_own() -> None:
    frame = participants()
    everybody = select_cohort(frame, Study(weights="mec"))
    someone = everybody.complete[everybody.complete].index[0]
    frame.loc[someone, ["weight_mec_2yr", "weight_mec_4yr"]] = 0.0
    cohort = select_cohort(frame, Study(weights="mec"))
    assert cohort.flow["step"].iloc[-1] == "survey weight above 0"
    assert cohort.flow["n"].iloc[-1] == everybody.flow["n"].iloc[-1] - 1
    assert not cohort.complete[someone]
    assert "survey weight above 0" not in everybody.flow["step"].tolist()


def test_arterial_disease_is_an_outcome_of_its_own_people() -> None:
    frame = participants([{"pad": 1.0}, {"pad": 0.0, "pn_strict": float("nan")}, {"pad": float("nan")}])
    cohort = select_cohort(frame, Study(outcome="pad"))
    assert cohort.rows.tolist() == [True, True, False]
    known = cohort.flow[cohort.flow["step"] == "arterial disease status known"].iloc[0]
    assert (known["n"], known["cases"]) == (2, 1)


@pytest.mark.parametrize("covariate", ["pad", "abi_left"])
def test_arterial_disease_may_be_adjusted_for_unless_it_is_the_outcome(covariate: str) -> None:
    frame = participants().assign(abi_left=1.1)
    assert select_cohort(frame, Study(extra_covariates=(covariate,))).n == 1
    with pytest.raises(StudyError, match=rf"covariate '{covariate}': expected one of"):
        select_cohort(frame, Study(outcome="pad", extra_covariates=(covariate,)))
