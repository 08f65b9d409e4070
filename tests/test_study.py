"""The protocol: what may be asked, what is refused, and that the primary study is the protocol's."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.study import (
    CATEGORIES,
    COVARIATES,
    CYCLES,
    KNOT_NUMBERS,
    MODELS,
    OUTCOMES,
    PRIMARY,
    Model,
    Outcome,
    Study,
    StudyError,
    Weights,
)

MODEL_1 = ("age_years", "sex", "race_ethnicity")
MODEL_2 = (*MODEL_1, "education", "pir", "bmi_kg_m2", "smoking", "alcohol", "has_diabetes", "has_hypertension")
MODEL_3 = (*MODEL_2, "energy_kcal")


@pytest.mark.committed
def test_the_primary_study_is_the_one_of_the_protocol() -> None:
    assert dataclasses.asdict(PRIMARY) == {
        "exposure": "magnesium_mg",
        "outcome": "strict",
        "weights": "dietary",
        "knots": 4,
        "knot_quantiles": "unweighted",
        "knot_rule": "harrell",
        "model": "1",
        "cycles": (1999, 2001, 2003),
        "where": None,
        "extra_covariates": (),
        "age_min": 40,
        "age_max": None,
        "conf_level": 0.95,
        "lonely_domain": "fail",
    }


@pytest.mark.parametrize(
    ("model", "covariates"), [("crude", ()), ("1", MODEL_1), ("2", MODEL_2), ("3", MODEL_3)], ids=get_args(Model)
)
def test_each_model_adjusts_for_the_covariates_of_the_protocol(model: Model, covariates: tuple[str, ...]) -> None:
    assert Study(model=model).covariates == covariates


def test_each_model_begins_with_the_covariates_of_the_one_before() -> None:
    for smaller, larger in zip(MODELS[:-1], MODELS[1:], strict=True):
        assert COVARIATES[larger][: len(COVARIATES[smaller])] == COVARIATES[smaller]
        assert len(COVARIATES[larger]) > len(COVARIATES[smaller])


def test_extra_covariates_follow_those_of_the_model() -> None:
    assert Study(model="1", extra_covariates=("height_cm",)).covariates == (*MODEL_1, "height_cm")


@pytest.mark.parametrize(
    ("covariate", "reference"),
    [
        ("sex", "male"),
        ("race_ethnicity", "non_hispanic_white"),
        ("education", "more_than_high_school"),
        ("smoking", "never"),
        ("alcohol", "never"),
    ],
)
def test_the_reference_level_stands_first(covariate: str, reference: str) -> None:
    assert CATEGORIES[covariate][0] == reference


def test_every_categorical_covariate_belongs_to_the_largest_model_and_has_distinct_levels() -> None:
    assert set(CATEGORIES) <= {*COVARIATES["3"], "magnesium_supplement_level"}
    for levels in CATEGORIES.values():
        assert len(set(levels)) == len(levels) > 1


@pytest.mark.parametrize(
    ("outcome", "column"),
    [
        ("strict", "pn_strict"),
        ("lenient", "pn_lenient"),
        ("both_feet", "pn_both_feet"),
        ("two_sites", "pn_two_sites"),
        ("any_tested", "pn_any_tested"),
        ("pad", "pad"),
        ("any_led", "any_led"),
    ],
)
def test_an_outcome_rule_reads_its_own_column(outcome: Outcome, column: str) -> None:
    assert Study(outcome=outcome).outcome_column == column


def test_every_outcome_rule_is_put_into_words() -> None:
    assert tuple(OUTCOMES) == get_args(Outcome)
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "outcome",
            "severe",
            r"outcome='severe': expected one of strict, lenient, both_feet, two_sites, any_tested, pad, any_led\.",
        ),
        ("outcome", "pn_strict", r"outcome='pn_strict'"),
        ("outcome", None, r"outcome=None"),
        ("weights", "interview", r"weights='interview': expected one of dietary, mec, none\."),
        ("weights", None, r"weights=None"),
        ("model", "4", r"model='4': expected one of crude, 1, 2, 3\."),
        ("model", 1, r"model=1: expected one of crude, 1, 2, 3\."),
        ("knots", 2, r"knots=2: expected one of 3, 4, 5, 6\."),
        ("knots", 7, r"knots=7: expected one of 3, 4, 5, 6\."),
        ("knots", "4", r"knots='4': expected one of 3, 4, 5, 6\."),
        ("cycles", (), r"cycles=\(\): expected each of \(1999, 2001, 2003\) at most once, and at least one\."),
        ("cycles", (1999, 1999), r"cycles=\(1999, 1999\): expected each of .* at most once"),
        ("cycles", (2005,), r"cycles=2005: expected one of 1999, 2001, 2003\."),
        ("cycles", (1999, 2000), r"cycles=2000: expected one of 1999, 2001, 2003\."),
        ("cycles", ("1999",), r"cycles='1999': expected one of 1999, 2001, 2003\."),
        ("conf_level", 0.0, r"conf_level=0\.0: expected a number between 0 and 1\."),
        ("conf_level", 1.0, r"conf_level=1\.0: expected a number between 0 and 1\."),
        ("conf_level", 95, r"conf_level=95: expected a number between 0 and 1\."),
        ("conf_level", -0.95, r"conf_level=-0\.95"),
        ("conf_level", float("nan"), r"conf_level=nan"),
    ],
)
def test_a_value_the_protocol_does_not_define_is_refused_with_what_it_allows(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        Study(**{field: value})


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("outcome", get_args(Outcome)),
        ("weights", get_args(Weights)),
        ("model", get_args(Model)),
        ("knots", KNOT_NUMBERS),
        ("knot_quantiles", ("unweighted", "weighted")),
        ("knot_rule", ("harrell", "hmisc")),
        ("cycles", [(cycle,) for cycle in CYCLES]),
        ("conf_level", [0.5, 0.9, 0.999]),
    ],
)
def test_every_value_the_protocol_defines_is_kept_as_given(field: str, allowed: list[object]) -> None:
    assert [getattr(Study(**{field: value}), field) for value in allowed] == list(allowed)


@pytest.mark.parametrize("given", [(2003, 1999), [1999, 2003]], ids=["other order", "a list"])
def test_cycles_are_put_in_order_so_that_equal_studies_are_equal(given: tuple[int, ...]) -> None:
    study = Study(cycles=given)
    assert study == Study(cycles=(1999, 2003))
    assert hash(study) == hash(Study(cycles=(1999, 2003)))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"exposure": "energy_kcal", "model": "3"},
            r"^energy_kcal is the exposure and also a covariate of model 3: .*\. Choose another model or exposure\.$",
        ),
        (
            {"exposure": "calcium_mg", "model": "1", "extra_covariates": ("height_cm", "calcium_mg")},
            r"^calcium_mg is the exposure and also one of the extra covariates \(--covariates\): .*\. "
            r"Leave it out of them, or choose another exposure\.$",
        ),
    ],
    ids=["energy in model 3", "an extra covariate"],
)
def test_an_exposure_that_is_also_a_covariate_is_refused_with_where_it_came_from(
    choices: dict[str, object], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        Study(**choices)


def test_energy_may_be_the_exposure_where_the_model_does_not_adjust_for_it() -> None:
    study = Study(exposure="energy_kcal", model="2")
    assert (study.exposure, study.covariates) == ("energy_kcal", MODEL_2)


def test_a_study_cannot_be_changed() -> None:
    study = Study()
    with pytest.raises(dataclasses.FrozenInstanceError, match="knots"):
        study.knots = 3  # type: ignore[misc]


def test_a_sensitivity_analysis_is_the_primary_study_with_one_field_replaced() -> None:
    changed = dataclasses.replace(PRIMARY, knots=3)
    assert dataclasses.asdict(changed) == {**dataclasses.asdict(PRIMARY), "knots": 3}


def test_replacing_a_field_leaves_the_primary_study_as_it_was() -> None:
    dataclasses.replace(PRIMARY, knots=3, cycles=(2003,))
    assert (PRIMARY.knots, PRIMARY.cycles) == (4, CYCLES)


def test_a_replaced_field_is_checked_like_a_first_one() -> None:
    with pytest.raises(StudyError, match="knots=7"):
        dataclasses.replace(PRIMARY, knots=7)


def test_replacing_the_model_can_bring_exposure_and_covariates_into_conflict() -> None:
    study = Study(exposure="energy_kcal", model="2")
    with pytest.raises(StudyError, match="energy_kcal is the exposure and also a covariate of model 3"):
        dataclasses.replace(study, model="3")


def test_a_study_error_is_one_the_command_line_shows_without_a_traceback() -> None:
    assert issubclass(StudyError, AnalysisError)
    assert StudyError.exit_code == 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("cycles", 1999, "cycles=1999: expected several values in a tuple"),
        ("extra_covariates", "height_cm", "extra_covariates='height_cm': expected several values"),
        ("extra_covariates", ("age_years",), "model 1 already has one of them"),
        ("extra_covariates", ("height_cm", "height_cm"), "already has one of them"),
        ("conf_level", "0.95", "expected a number between 0 and 1"),
        ("age_min", -5, "expected a whole number of years"),
        ("age_min", 40.5, "expected a whole number of years"),
        ("age_max", 39, "expected a whole number of years from age_min=40 on"),
        ("age_max", 69.5, "expected a whole number of years"),
        ("lonely_domain", "drop", "expected one of fail, keep"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Study(**{field: value})


def test_several_values_may_come_as_a_list() -> None:
    study = Study(cycles=[2003, 1999], extra_covariates=["height_cm"])
    assert (study.cycles, study.extra_covariates) == ((1999, 2003), ("height_cm",))


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({}, "magnesium_mg"),
        ({"exposure": "calcium_mg", "model": "2"}, "calcium_mg-model_2"),
        ({"where": "age_years >= 60 and sex == 'female'"}, "magnesium_mg-where_age_years_from_60_and_sex_is_female"),
        ({"where": "age_years < 60"}, "magnesium_mg-where_age_years_below_60"),
        ({"where": 'pir<1.85  and sex=="male"'}, "magnesium_mg-where_pir_below_1.85_and_sex_is_male"),
        ({"extra_covariates": ("height_cm", "pir")}, "magnesium_mg-extra_covariates_height_cm_and_pir"),
        ({"knot_rule": "hmisc"}, "magnesium_mg-knot_rule_hmisc"),
        ({"cycles": (1999, 2003), "conf_level": 0.9}, "magnesium_mg-cycles_1999_2003-conf_level_0.9"),
    ],
)
def test_a_studys_file_name_says_what_is_not_by_default(changes, slug):
    assert Study(**changes).slug == slug


def test_long_conditions_that_begin_alike_have_different_file_names():
    beginning = " and ".join(["age_years != 50"] * 20)
    slugs = {dataclasses.replace(PRIMARY, where=f"{beginning} and pir > {k}").slug for k in (1, 2)}
    assert len(slugs) == 2
    assert all(len(slug) < 140 for slug in slugs)


def test_parentheses_tell_file_names_apart():
    """Two studies of 2,476 and of 2,892 people once wrote the same file."""
    wheres = ("age_years >= 60 and (sex == 'male' or has_diabetes == 1)",
              "(age_years >= 60 and sex == 'male') or has_diabetes == 1")  # fmt: skip
    first, second = (Study(where=where).slug for where in wheres)
    assert first != second
    assert all(slug.startswith("magnesium_mg-where_age_years_from_60_and_sex_is_male_or_") for slug in (first, second))


NAMES = st.one_of(st.sampled_from(["age_years", "pir", "a_is_b", "b", "and", "a_", "Sex", "sex", "é"]),
                  st.text("ab_-. é", max_size=4))  # fmt: skip
VALUES = st.one_of(
    st.integers(-3, 60).map(str), st.sampled_from(["1.3", "1.85", "1e3", "'male'", '"male"', "'b_and_b'"])
)
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", " in "])
COMPARISONS = st.builds(lambda a, sign, b: f"{a}{sign}{b}", NAMES, SIGNS, VALUES)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda a, link, b: f"{a} {link} {b}", inner, st.sampled_from(["and", "or"]), inner),
        inner.map(lambda a: f"({a})"),
        inner.map(lambda a: f"not {a}"),
    ),
    max_leaves=4,
)
STUDIES = st.builds(
    Study,
    exposure=st.one_of(st.sampled_from(["magnesium_mg", "calcium_mg"]), NAMES),
    outcome=st.sampled_from(get_args(Outcome)),
    knots=st.sampled_from(KNOT_NUMBERS),
    knot_rule=st.sampled_from(["harrell", "hmisc"]),
    model=st.just("crude"),
    cycles=st.lists(st.sampled_from(CYCLES), min_size=1, unique=True),
    where=st.none() | CONDITIONS | st.text(max_size=8),
    extra_covariates=st.lists(NAMES.map("x".__add__), max_size=3, unique=True),
    age_min=st.integers(0, 90),
    conf_level=st.sampled_from([0.9, 0.95, 0.99, 1e-5, 1e-6]),
)


def spelled_alike(study: Study) -> Study:
    """The study without what tells no plain condition apart: blanks around signs, and the kind of quotation marks."""
    where = None if study.where is None else " ".join(study.where.replace('"', "'").split(" ")).replace(" ", "")
    return dataclasses.replace(study, where=where)


@pytest.mark.no_cover  # names of thousands of studies, which the tests of single ones are measured at
@settings(max_examples=300)
@given(st.lists(STUDIES, min_size=2, max_size=30))
def test_two_different_studies_never_share_a_file_name(studies):
    named: dict[str, Study] = {}
    for study in studies:
        other = named.setdefault(study.slug.lower(), study)
        assert spelled_alike(other) == spelled_alike(study)


RESPELLED = {
    "in parentheses": lambda where: f"({where})",
    "without parentheses": lambda where: where.replace("(", "").replace(")", ""),
    "without quotation marks": lambda where: where.replace("'", ""),
    "joined by underscores": lambda where: where.replace(" ", "_"),
    "in capitals": str.upper,
    "signs in words": lambda where: where.replace("==", " is ").replace("<", " below "),
    "with a point": lambda where: f"{where}.",
    "with a dash": lambda where: where.replace("_", "-"),
}
"""Other texts that look alike once letters that no file name takes are gone."""


@pytest.mark.parametrize("change", RESPELLED.values(), ids=list(RESPELLED))
@given(CONDITIONS)
def test_a_condition_and_what_looks_like_it_do_not_share_a_file_name(change, where):
    first, second = Study(where=where), Study(where=change(where))
    if spelled_alike(first) != spelled_alike(second):
        assert first.slug.lower() != second.slug.lower()


@given(STUDIES)
def test_a_file_name_is_one_on_every_file_system(study):
    assert not set(study.slug) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert len(study.slug) < 140


def test_equal_studies_have_one_file_name_whatever_their_numbers_types():
    assert Study(knots=3.0, age_min=True).slug == Study(knots=3, age_min=1).slug


def test_the_same_study_has_the_same_file_name_in_every_process():
    asked = "Study(where='pir in (1, 2) or not examined', extra_covariates=('height_cm',))"
    code = f"from analysis.study import Study; print({asked}.slug)"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == eval(asked).slug


def test_hmiscs_rule_and_weighted_quantiles_exclude_each_other():
    with pytest.raises(StudyError, match="Hmisc's rule knows no weights"):
        Study(knot_rule="hmisc", knot_quantiles="weighted")
