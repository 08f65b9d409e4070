"""Raw codes of each cycle and what they become: the protocol as tables a reader can check by eye.

In the tables ``.`` is missing; every row is one invented person, tried in all three cycles unless the test names one.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.coding import CodingError, Source
from analysis.data.people.drugs import PRESCRIPTIONS
from analysis.data.people.harmonise import (
    SOURCES,
    ckd_epi_2021,
    harmonise,
    needed_columns,
    site_is_insensate,
)
from analysis.data.people.supplements import USE
from analysis.data.people.vocabulary import exposure_label, exposure_unit
from analysis.data.source.registry import COMMITTED
from analysis.study import CATEGORIES, CYCLES, OUTCOMES, Study
from tests.people import (
    LAYOUT,
    NAN,
    NUTRIENTS,
    PRODUCT_LAYOUT,
    TRIALS,
    raw_tables,
    read_rows,
    survey_tables,
)
from tests.shared import unmeasured

HAND = 1e-12
"""Relative tolerance of sums done by hand: the same doubles, added or multiplied in another order."""


def assert_harmonised(table: str, *, cycles: Sequence[int] = CYCLES) -> None:
    """Harmonise the people left of ``|`` in each cycle and compare with what stands right of it."""
    inputs, expected = read_rows(table)
    with unmeasured():  # it has hardly a branch, and other tests here run every line
        frame = harmonise(raw_tables([{"cycle": cycle, **row} for cycle in cycles for row in inputs]))
    observed = frame[list(expected[0])].to_dict("records")
    cases = [(cycle, row, values) for cycle in cycles for row, values in zip(inputs, expected, strict=True)]
    wanted = [f"{cycle}: {_line(row)} -> {_line(values)}" for cycle, row, values in cases]
    found = [f"{case[0]}: {_line(case[1])} -> {_line(values)}" for case, values in zip(cases, observed, strict=True)]
    assert found == wanted


def _line(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items())


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "."
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.12g}"


def one(**raw: object) -> pd.Series:
    """The harmonised row of one person."""
    return harmonise(raw_tables([raw])).iloc[0]


@pytest.fixture(scope="module")
def typical() -> pd.DataFrame:
    """The typical man in each cycle, harmonised; tests read him."""
    return harmonise(raw_tables())


# ---- outcome -------------------------------------------------------------------------------------------------------


def test_insensate_sites_become_the_four_outcomes_with_minus_one_and_missing_both_not_assessed() -> None:
    assert_harmonised("""
        LEALPN LEARPN | insensate_left insensate_right pn_strict pn_lenient pn_both_feet pn_two_sites
        -1     -1     | .              .               .         .          .            .
        -1     .      | .              .               .         .          .            .
        -1     0      | .              0               .         0          .            .
        -1     1      | .              1               1         1          .            0
        -1     2      | .              2               1         1          .            1
        -1     3      | .              3               1         1          .            1
        .      -1     | .              .               .         .          .            .
        .      .      | .              .               .         .          .            .
        .      0      | .              0               .         0          .            .
        .      1      | .              1               1         1          .            0
        .      2      | .              2               1         1          .            1
        .      3      | .              3               1         1          .            1
        0      -1     | 0              .               .         0          .            .
        0      .      | 0              .               .         0          .            .
        0      0      | 0              0               0         0          0            0
        0      1      | 0              1               1         1          1            0
        0      2      | 0              2               1         1          1            1
        0      3      | 0              3               1         1          1            1
        1      -1     | 1              .               1         1          .            0
        1      .      | 1              .               1         1          .            0
        1      0      | 1              0               1         1          1            0
        1      1      | 1              1               1         1          1            1
        1      2      | 1              2               1         1          1            1
        1      3      | 1              3               1         1          1            1
        2      -1     | 2              .               1         1          .            1
        2      .      | 2              .               1         1          .            1
        2      0      | 2              0               1         1          1            1
        2      1      | 2              1               1         1          1            1
        2      2      | 2              2               1         1          1            1
        2      3      | 2              3               1         1          1            1
        3      -1     | 3              .               1         1          .            1
        3      .      | 3              .               1         1          .            1
        3      0      | 3              0               1         1          1            1
        3      1      | 3              1               1         1          1            1
        3      2      | 3              2               1         1          1            1
        3      3      | 3              3               1         1          1            1
    """)


@pytest.mark.parametrize(
    ("trials", "insensate"),
    [
        ((1, NAN, NAN), 0.0),
        ((2, 1, 1), 0.0),
        ((3, 1, 1), 0.0),
        ((2, 2, NAN), 1.0),
        ((2, 1, 3), 1.0),
        ((3, 3, 1), 1.0),
        ((1, 2, 2), 0.0),
        ((8, NAN, NAN), NAN),
        ((2, 8, NAN), NAN),
        ((2, 1, NAN), NAN),
        ((NAN, NAN, NAN), NAN),
    ],
)
def test_a_site_is_settled_by_its_first_trial_or_by_two_of_three(trials, insensate: float) -> None:
    raw = {f"LEXLHAL{number}": went for number, went in enumerate(trials, start=1)}
    tables = raw_tables([{"cycle": 1999, **raw}])
    found = site_is_insensate(tables["LEXPN"].assign(cycle=1999), "L", "HAL")
    np.testing.assert_array_equal(found, [insensate])


@pytest.mark.parametrize(
    ("left", "right", "trials", "expected"),
    [
        (0, 0, {}, 0.0),
        (1, 0, {"LEXLHAL1": 2, "LEXLHAL2": 3}, 1.0),
        (-1, 0, {"LEXLHAL1": 2, "LEXLHAL2": 3, "LEXLMH11": 8}, 1.0),  # no foot is known to be free, a site is not
        (-1, 0, {"LEXLMH11": 8}, NAN),
        (NAN, NAN, dict.fromkeys(TRIALS, NAN), NAN),
    ],
)
def test_any_tested_finds_insensate_sites_on_feet_that_were_not_fully_assessed(left, right, trials, expected) -> None:
    tables = raw_tables([{"cycle": 2001, "LEALPN": left, "LEARPN": right, **trials}])
    np.testing.assert_array_equal(harmonise(tables)["pn_any_tested"], [expected])


@pytest.mark.parametrize("table", ["LEXPN", "LEXPN_B", "LEXPN_C"])
def test_somebody_the_monofilament_file_does_not_hold_has_no_known_outcome(table: str) -> None:
    tables = raw_tables()
    absent = tables[table].index[0]
    frame = harmonise({**tables, table: tables[table].drop(index=absent)})
    assert frame.loc[absent, ["pn_strict", "pn_lenient", "pn_both_feet", "pn_two_sites"]].isna().all()
    assert frame.drop(index=absent)["pn_strict"].tolist() == [0, 0]


# ---- demographics --------------------------------------------------------------------------------------------------


def test_age_is_kept_in_years_with_the_top_code_85() -> None:
    assert_harmonised("""
        RIDAGEYR | age_years
        0        | 0
        39       | 39
        40       | 40
        84       | 84
        85       | 85
    """)


def test_sex_is_male_or_female() -> None:
    assert_harmonised("""
        RIAGENDR | sex
        1        | male
        2        | female
        .        | .
    """)


def test_race_and_ethnicity_have_five_levels() -> None:
    assert_harmonised("""
        RIDRETH1 | race_ethnicity
        1        | mexican_american
        2        | other_hispanic
        3        | non_hispanic_white
        4        | non_hispanic_black
        5        | other
        .        | .
    """)


def test_education_has_three_levels_and_refused_and_unknown_are_missing() -> None:
    assert_harmonised("""
        DMDEDUC2 | education
        1        | less_than_high_school
        2        | less_than_high_school
        3        | high_school
        4        | more_than_high_school
        5        | more_than_high_school
        7        | .                      # refused
        9        | .                      # don't know
        .        | .
    """)


def test_income_and_body_measures_are_kept_as_measured() -> None:
    assert_harmonised("""
        INDFMPIR BMXBMI BMXHT | pir  bmi_kg_m2 height_cm
        0        12.5   81.3  | 0    12.5      81.3
        2.47     27.31  169.8 | 2.47 27.31     169.8
        5        66.44  204.1 | 5    66.44     204.1
        .        .      .     | .    .         .
    """)


def test_only_people_with_status_2_were_examined() -> None:
    assert_harmonised("""
        RIDSTATR | examined
        1        | no
        2        | yes
        .        | no
    """)


def test_strata_and_psus_are_those_of_the_file() -> None:
    assert_harmonised("""
        SDMVSTRA SDMVPSU | strata psu
        1        1       | 1      1
        13       3       | 13     3
        43       2       | 43     2
    """)


# ---- behaviour -----------------------------------------------------------------------------------------------------


def test_smoking_is_never_former_or_current() -> None:
    assert_harmonised("""
        SMQ020 SMQ040 | smoking
        2      .      | never
        2      1      | never    # SMQ040 is not asked of never smokers; SMQ020 decides
        1      3      | former
        1      1      | current  # every day
        1      2      | current  # some days
        1      7      | .        # refused
        1      9      | .        # don't know
        1      .      | .
        7      .      | .
        9      .      | .
        .      .      | .
        7      1      | .
        9      3      | .
        .      3      | .
    """)


def test_never_having_drunk_is_read_before_anything_else_about_alcohol() -> None:
    assert_harmonised("""
        ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        2      .       .       .      | never
        2      0       .       .      | never
        2      7       1       12     | never
        2      999     .       99     | never
    """)


def test_not_having_drunk_in_the_last_year_is_former() -> None:
    assert_harmonised("""
        ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        1      0       .       .      | former
        .      0       .       .      | former  # at least 12 drinks in some year: ALQ110 is not asked
        7      0       .       .      | former
        9      0       .       .      | former
        1      0       1       3      | former
    """)


def test_men_drink_moderately_up_to_two_drinks_a_day() -> None:
    assert_harmonised("""
        RIAGENDR ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        1        .      1       3       1      | moderate  # 1 x 1 x 1 / 365
        1        .      365     3       1      | moderate  # 1 a day
        1        .      365     3       2      | moderate  # exactly 2 a day
        1        .      365     3       3      | heavy     # 3 a day
        1        .      7       1       2      | moderate  # 7 x 52 x 2 / 365 = 1.99
        1        .      7       1       3      | heavy     # 2.99
        1        .      30      2       2      | moderate  # 30 x 12 x 2 / 365 = 1.97
        1        .      31      2       2      | heavy     # 31 x 12 x 2 / 365 = 2.04
        1        .      183     3       4      | heavy     # 183 x 4 / 365 = 2.005
        1        1      365     3       2      | moderate
    """)


def test_women_drink_moderately_up_to_one_drink_a_day() -> None:
    assert_harmonised("""
        RIAGENDR ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        2        .      1       3       1      | moderate
        2        .      365     3       1      | moderate  # exactly 1 a day
        2        .      365     3       2      | heavy     # 2 a day
        2        .      7       1       1      | moderate  # 7 x 52 x 1 / 365 = 0.997
        2        .      7       1       2      | heavy     # 1.99
        2        .      30      2       1      | moderate  # 30 x 12 x 1 / 365 = 0.99
        2        .      31      2       1      | heavy     # 31 x 12 x 1 / 365 = 1.02
        2        .      122     3       3      | heavy     # 122 x 3 / 365 = 1.003
    """)


def test_refused_unknown_and_missing_answers_about_drinking_leave_alcohol_missing() -> None:
    assert_harmonised("""
        ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        .      777     .       .      | .
        .      999     .       .      | .
        .      777     1       2      | .
        .      999     1       2      | .
        .      .       1       2      | .
        .      3       7       2      | .
        .      3       9       2      | .
        .      3       .       2      | .
        .      3       1       77     | .
        .      3       1       99     | .
        .      3       1       .      | .
        7      .       .       .      | .
        9      .       .       .      | .
        1      .       .       .      | .
        .      .       .       .      | .
    """)


def test_77_days_of_drinking_are_an_answer_and_not_a_refusal() -> None:
    assert_harmonised("""
        ALQ110 ALQ120Q ALQ120U ALQ130 | alcohol
        .      77      3       2      | moderate
        .      99      3       2      | moderate
    """)


# ---- health --------------------------------------------------------------------------------------------------------


def test_diabetes_is_a_diagnosis_insulin_pills_or_a_high_hba1c() -> None:
    assert_harmonised("""
        DIQ010 DIQ050 DIQ070 LBXGH | has_diabetes
        1      2      2      5.4   | 1
        1      .      .      .     | 1
        2      1      .      5.4   | 1
        3      1      .      5.4   | 1
        9      1      .      .     | 1
        .      1      .      .     | 1
        2      2      1      5.4   | 1
        3      2      1      5.4   | 1
        7      .      1      .     | 1
        2      2      .      6.4   | 0
        2      2      .      6.49  | 0
        2      2      .      6.5   | 1
        3      2      .      6.5   | 1
        9      2      .      6.5   | 1
        .      .      .      6.5   | 1
        2      .      .      12.1  | 1
    """)


def test_no_diabetes_needs_an_answer_of_no_or_borderline_and_no_other_sign() -> None:
    assert_harmonised("""
        DIQ010 DIQ050 DIQ070 LBXGH | has_diabetes
        2      2      .      5.4   | 0
        2      .      .      .     | 0
        3      2      2      5.4   | 0
        3      .      .      .     | 0
        2      7      7      .     | 0
        2      9      9      .     | 0
        7      2      2      5.4   | .
        9      2      2      5.4   | .
        .      2      2      5.4   | .
        .      .      .      .     | .
    """)


def test_a_told_diagnosis_of_diabetes_is_kept_apart_for_published_comparisons() -> None:
    assert_harmonised("""
        DIQ010 DIQ050 LBXGH | told_diabetes told_borderline_diabetes
        1      2      5.4   | 1             0
        2      1      7.0   | 0             0
        3      1      7.0   | 0             1
        7      1      7.0   | .             .
        9      1      7.0   | .             .
        .      1      7.0   | .             .
    """)


def test_hypertension_is_a_diagnosis_medicine_or_a_high_pressure() -> None:
    assert_harmonised("""
        BPQ020 BPQ050A BPXSAR BPXDAR | has_hypertension
        1      2       120    70     | 1
        1      .       .      .      | 1
        2      1       120    70     | 1
        9      1       .      .      | 1
        .      1       .      .      | 1
        2      .       139    89     | 0
        2      .       140    89     | 1
        2      .       139    90     | 1
        2      .       .      90     | 1
        2      .       140    .      | 1
        7      .       140    70     | 1
        9      .       120    90     | 1
        .      .       140    70     | 1
    """)


def test_no_hypertension_needs_an_answer_of_no_and_no_other_sign() -> None:
    assert_harmonised("""
        BPQ020 BPQ050A BPXSAR BPXDAR | has_hypertension
        2      .       120    70     | 0
        2      2       120    70     | 0
        2      7       .      .      | 0
        2      9       .      .      | 0
        2      .       .      .      | 0
        2      .       120    0      | 0
        7      .       120    70     | .
        9      .       120    70     | .
        .      .       120    70     | .
        .      2       120    70     | .
        .      .       .      .      | .
    """)


def test_measurements_keep_their_values_and_get_their_units() -> None:
    assert_harmonised("""
        LBXGH BPXSAR BPXDAR LBXB12 | hba1c_percent sbp_mmhg dbp_mmhg b12_pg_ml
        5.4   118    64     412    | 5.4           118      64       412
        .     .      .      .      | .             .        .        .
    """)


@pytest.mark.reference
def test_creatinine_of_1999_is_calibrated_and_that_of_later_cycles_is_not() -> None:
    people = [
        {"cycle": 1999, "LBXSCR": 0.8},
        {"cycle": 2001, "LBDSCR": 0.8},
        {"cycle": 2003, "LBXSCR": 0.8},
        {"cycle": 1999, "LBXSCR": NAN},
        {"cycle": 2001, "LBDSCR": NAN},
        {"cycle": 2003, "LBXSCR": NAN},
    ]
    creatinine = harmonise(raw_tables(people))["creatinine_mg_dl"].tolist()
    assert creatinine == pytest.approx([0.8 * 1.013 + 0.147, 0.8, 0.8, NAN, NAN, NAN], rel=HAND, nan_ok=True)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("creatinine", "age", "female", "rate"),
    [
        (0.6, 50, True, 142 * (0.6 / 0.7) ** -0.241 * 1**-1.2 * 0.9938**50 * 1.012),
        (0.7, 60, True, 142 * 1**-0.241 * 1**-1.2 * 0.9938**60 * 1.012),
        (1.1, 60, True, 142 * 1**-0.241 * (1.1 / 0.7) ** -1.2 * 0.9938**60 * 1.012),
        (0.8, 40, False, 142 * (0.8 / 0.9) ** -0.302 * 1**-1.2 * 0.9938**40),
        (0.9, 85, False, 142 * 1**-0.302 * 1**-1.2 * 0.9938**85),
        (1.8, 70, False, 142 * 1**-0.302 * (1.8 / 0.9) ** -1.2 * 0.9938**70),
    ],
    ids=["woman below 0.7", "woman at 0.7", "woman above 0.7", "man below 0.9", "man at 0.9", "man above 0.9"],
)
def test_the_filtration_rate_is_the_hand_calculation_of_ckd_epi_2021(
    creatinine: float, age: float, female: bool, rate: float
) -> None:
    estimated = ckd_epi_2021(pd.Series([creatinine]), age_years=pd.Series([age]), female=pd.Series([female]))
    assert estimated.tolist() == pytest.approx([rate], rel=HAND)


@pytest.mark.reference
def test_the_filtration_rate_uses_the_calibrated_creatinine_and_the_persons_own_sex_and_age() -> None:
    calibrated = 0.9 * 1.013 + 0.147
    woman = one(cycle=1999, LBXSCR=0.9, RIAGENDR=2, RIDAGEYR=72)
    assert woman["egfr_ml_min_1_73m2"] == pytest.approx(142 * (calibrated / 0.7) ** -1.2 * 0.9938**72 * 1.012, rel=HAND)


@pytest.mark.reference
def test_albumin_to_creatinine_of_the_urine_is_in_mg_per_g() -> None:
    assert one(cycle=2001, URXUMA=45, URXUCR=150)["albumin_creatinine_mg_g"] == pytest.approx(30, rel=HAND)
    assert np.isnan(one(cycle=2001, URXUMA=NAN)["albumin_creatinine_mg_g"])
    assert one(cycle=2001, URXUMA=45, URXUCR=NAN)["urine_albumin_ug_ml"] == 45


def test_without_creatinine_there_is_no_filtration_rate() -> None:
    assert np.isnan(one(cycle=2003, LBXSCR=NAN)["egfr_ml_min_1_73m2"])


# ---- diet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycle", "status"),
    [(1999, "DRDDRSTS"), (2001, "DRDDRSTZ"), (2003, "DR1DRSTZ")],
    ids=["1999 DRDDRSTS", "2001 DRDDRSTZ", "2003 DR1DRSTZ"],
)
def test_a_day_1_recall_is_reliable_only_with_status_1_in_each_cycles_own_variable(cycle: int, status: str) -> None:
    assert_harmonised(
        f"""
        {status} | recall_reliable
        1        | yes
        2        | no
        4        | no   # breast-fed
        5        | no   # not done
        .        | no
        """,
        cycles=[cycle],
    )


def test_the_status_3_of_the_first_cycle_is_not_reliable() -> None:
    assert not one(cycle=1999, DRDDRSTS=3)["recall_reliable"]


def test_a_recall_of_status_2_keeps_its_nutrients_but_is_not_reliable() -> None:
    person = one(cycle=1999, DRDDRSTS=2, DRXTMAGN=312)
    assert (person["magnesium_mg"], person["recall_reliable"]) == (312, False)


@pytest.mark.parametrize(("position", "cycle"), list(enumerate(CYCLES)), ids=map(str, CYCLES))
def test_every_nutrient_is_read_from_its_own_raw_column(position: int, cycle: int) -> None:
    values = {raw[position]: float(number) for number, raw in enumerate(NUTRIENTS.values(), start=1)}
    person = one(cycle=cycle, **values)
    assert person[list(NUTRIENTS)].to_dict() == {name: values[raw[position]] for name, raw in NUTRIENTS.items()}


def test_sodium_and_moisture_have_names_of_their_own_in_each_cycle() -> None:
    people = [
        {"cycle": 1999, "DRDTSODI": 3100, "DRXTWATE": 1900},
        {"cycle": 2001, "DRDTSODI": 3200, "DRXTMOIS": 2000},
        {"cycle": 2003, "DR1TSODI": 3300, "DR1TMOIS": 2100},
    ]
    frame = harmonise(raw_tables(people))
    assert frame[["sodium_mg", "moisture_g"]].to_numpy().tolist() == [[3100, 1900], [3200, 2000], [3300, 2100]]


def test_an_intake_of_zero_is_zero_and_a_missing_one_is_missing() -> None:
    zero, missing = one(cycle=2003, DR1TALCO=0), one(cycle=2003, DR1TALCO=NAN)
    assert (zero["alcohol_g"], np.isnan(missing["alcohol_g"])) == (0, True)


def test_only_2003_has_a_second_recall() -> None:
    frame = harmonise(raw_tables(DR2DRSTZ=1, DR2TMAGN=260, DR2TKCAL=2050, WTDR2D=52000))
    day_2 = ["magnesium_mg_day2", "energy_kcal_day2", "weight_dietary_2day"]
    assert frame["recall2_reliable"].tolist() == [False, False, True]
    assert frame.loc[frame["cycle"] != 2003, day_2].isna().all(axis=None)
    assert frame.loc[frame["cycle"] == 2003, day_2].to_numpy().tolist() == [[260, 2050, 52000]]


def test_the_second_recall_is_reliable_only_with_status_1() -> None:
    assert_harmonised(
        """
        DR2DRSTZ | recall2_reliable
        1        | yes
        2        | no
        4        | no
        5        | no
        .        | no
        """,
        cycles=[2003],
    )


# ---- weights -------------------------------------------------------------------------------------------------------


@pytest.mark.reference
def test_raw_weights_become_the_six_year_weights_of_the_protocol() -> None:
    people = [
        {"cycle": 1999, "WTDRD1": 30, "WTDR4YR": 12, "WTMEC2YR": 24, "WTMEC4YR": 9},
        {"cycle": 2001, "WTDRD1": 36, "WTDR4YR": 15, "WTMEC2YR": 27, "WTMEC4YR": 6},
        {"cycle": 2003, "WTDRD1": 42, "WTMEC2YR": 33},
        {"cycle": 1999, "WTDRD1": NAN, "WTDR4YR": NAN, "WTMEC2YR": 0, "WTMEC4YR": 0},
    ]
    frame = harmonise(raw_tables(people))
    assert frame["weight_dietary"].tolist() == pytest.approx([12 * 2 / 3, 15 * 2 / 3, 42 / 3, 0], rel=HAND)
    assert frame["weight_mec"].tolist() == pytest.approx([9 * 2 / 3, 6 * 2 / 3, 33 / 3, 0], rel=HAND)


def test_the_weights_of_each_cycle_are_kept_for_studies_of_one_cycle() -> None:
    first = one(cycle=1999, WTDRD1=30, WTDR4YR=12, WTMEC2YR=24, WTMEC4YR=9)
    last = one(cycle=2003, WTDRD1=42, WTMEC2YR=33)
    kept = ["weight_dietary_2yr", "weight_dietary_4yr", "weight_mec_2yr", "weight_mec_4yr"]
    assert first[kept].tolist() == [30, 12, 24, 9]
    assert last[kept].tolist() == pytest.approx([42, NAN, 33, NAN], nan_ok=True)


# ---- the frame -----------------------------------------------------------------------------------------------------


def test_there_is_one_row_per_interviewed_person_in_order_of_seqn() -> None:
    people = [
        {"cycle": 2003, "SEQN": 31},
        {"cycle": 1999, "SEQN": 7},
        {"cycle": 2001, "SEQN": 12},
        {"cycle": 1999, "SEQN": 3},
    ]
    frame = harmonise(raw_tables(people))
    assert (frame.index.name, frame.index.tolist()) == ("SEQN", [3, 7, 12, 31])
    assert frame["cycle"].tolist() == [1999, 1999, 2001, 2003]


def test_somebody_unknown_to_the_demographic_files_is_not_a_participant(typical) -> None:
    tables = raw_tables()
    for stranger, name in enumerate(tables, start=100):
        if not name.startswith("DEMO") and name not in PRODUCT_LAYOUT:
            tables[name] = pd.concat(
                [tables[name], tables[name].set_axis([stranger], axis="index").rename_axis("SEQN")]
            )
    pd.testing.assert_frame_equal(harmonise(tables), typical)


def test_somebody_without_any_examination_has_everything_unknown_and_no_dietary_weight() -> None:
    tables = {name: table if name.startswith("DEMO") else table.iloc[:0] for name, table in raw_tables().items()}
    frame = harmonise(tables)
    unknown = ["pn_strict", "bmi_kg_m2", "smoking", "alcohol", "has_diabetes", "has_hypertension", "magnesium_mg"]
    assert frame[unknown].isna().all(axis=None)
    assert not frame["recall_reliable"].any()
    assert frame["weight_dietary"].tolist() == [0, 0, 0]


def test_flags_that_are_always_known_are_boolean_and_facts_that_may_be_unknown_are_numbers(typical) -> None:
    types = typical.dtypes
    assert (types[["examined", "recall_reliable", "recall2_reliable"]] == "bool").all()
    facts = [
        "told_diabetes",
        "has_diabetes",
        "has_hypertension",
        *(name for name in types.index if name.startswith("pn_")),
    ]
    assert (types[facts] == "float64").all()
    assert (types[["cycle", "strata", "psu"]] == "int64").all()


@pytest.mark.parametrize("name", list(CATEGORIES))
def test_a_category_lists_the_levels_of_the_protocol_reference_first(typical, name: str) -> None:
    column = typical[name]
    assert tuple(column.cat.categories) == CATEGORIES[name]
    assert not column.cat.ordered


def test_no_raw_nhanes_name_is_left(typical) -> None:
    assert [name for name in typical.columns if name != name.lower()] == []
    assert typical.columns.is_unique


def test_row_order_of_the_raw_tables_does_not_matter() -> None:
    people = [{"cycle": cycle, "RIDAGEYR": age, "LEALPN": age % 4} for cycle in CYCLES for age in range(40, 50)]
    tables = raw_tables(people)
    shuffled = {name: table.sample(frac=1, random_state=number) for number, (name, table) in enumerate(tables.items())}
    assert any(not shuffled[name].index.equals(tables[name].index) for name in tables)
    pd.testing.assert_frame_equal(harmonise(shuffled), harmonise(tables))


def test_harmonising_leaves_the_raw_tables_as_they_were() -> None:
    tables = raw_tables(LEALPN=-1, ALQ120Q=999)
    before = {name: table.copy(deep=True) for name, table in tables.items()}
    harmonise(tables)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_further_columns_of_a_raw_table_are_ignored() -> None:
    tables = raw_tables()
    wider = {name: table.assign(RIDEXMON=1.0) for name, table in tables.items()}
    pd.testing.assert_frame_equal(harmonise(wider), harmonise(tables))


# ---- what is read --------------------------------------------------------------------------------------------------


def test_exactly_the_columns_of_the_plan_are_read_from_exactly_its_tables() -> None:
    expected = {table: set(raw) for layout in (*LAYOUT.values(), PRODUCT_LAYOUT) for table, raw in layout.items()}
    assert {table: set(raw) - {"SEQN"} for table, raw in needed_columns().items()} == expected


def test_the_person_number_is_read_first_and_no_column_twice() -> None:
    for table, raw in needed_columns().items():
        assert (raw[0] == "SEQN") is (table not in PRODUCT_LAYOUT)
        assert len(set(raw)) == len(raw)


def test_every_column_that_is_read_stands_in_the_registry_of_its_table() -> None:
    registered = pd.read_csv(COMMITTED / "columns.csv").groupby("table")["variable"].agg(set)
    missing = {table: set(raw) - registered[table] for table, raw in needed_columns().items()}
    assert {table: names for table, names in missing.items() if names} == {}


# ---- errors --------------------------------------------------------------------------------------------------------

UNDEFINED = [
    ("DEMO", 1999, "RIDSTATR", 3),
    ("DEMO_B", 2001, "RIAGENDR", 9),
    ("DEMO_C", 2003, "RIDRETH1", 6),
    ("DEMO_C", 2003, "DMDEDUC2", 6),
    ("LEXPN", 1999, "LEALPN", 4),
    ("LEXPN_B", 2001, "LEARPN", -2),
    ("LEXPN_C", 2003, "LEALPN", 0.5),
    ("SMQ", 1999, "SMQ020", 3),
    ("SMQ_B", 2001, "SMQ040", 4),
    ("ALQ_C", 2003, "ALQ110", 3),
    ("ALQ", 1999, "ALQ120U", 4),
    ("DIQ_B", 2001, "DIQ010", 4),
    ("DIQ_C", 2003, "DIQ050", 3),
    ("DIQ", 1999, "DIQ070", 3),
    ("BPQ_B", 2001, "BPQ020", 3),
    ("BPQ_C", 2003, "BPQ050A", 3),
    ("DRXTOT", 1999, "DRDDRSTS", 8),
    ("DRXTOT_B", 2001, "DRDDRSTZ", 8),
    ("DR1TOT_C", 2003, "DR1DRSTZ", 8),
    ("DR2TOT_C", 2003, "DR2DRSTZ", 8),
]


@pytest.mark.parametrize(
    ("table", "cycle", "variable", "code"),
    UNDEFINED,
    ids=[f"{table}.{name}={code}" for table, _, name, code in UNDEFINED],
)
def test_a_code_the_codebook_does_not_define_is_refused_with_table_code_count_and_codebook(
    table: str, cycle: int, variable: str, code: float
) -> None:
    tables = raw_tables([{"cycle": cycle, variable: code}, {"cycle": cycle, variable: code}, {"cycle": cycle}])
    message = rf"{variable}={code} in {table} \(2 people\): expected one of .*, see the codebook {table}\.htm"
    with pytest.raises(CodingError, match=message):
        harmonise(tables)


def test_the_count_of_an_undefined_code_is_of_that_code_in_that_table() -> None:
    people = [
        {"cycle": 1999, "SMQ020": 5},
        {"cycle": 1999, "SMQ020": 5},
        {"cycle": 1999, "SMQ020": 6},
        {"cycle": 2001, "SMQ020": 5},
    ]
    with pytest.raises(CodingError, match=r"SMQ020=5 in SMQ \(2 people\)"):
        harmonise(raw_tables(people))


def test_an_undefined_code_is_refused_with_the_codes_that_are_defined() -> None:
    with pytest.raises(CodingError, match=r"LEARPN=9 in LEXPN \(.*\): expected one of 0, 1, 2, 3, -1, see"):
        harmonise(raw_tables([{"cycle": 1999, "LEARPN": 9}]))


SEVERAL_ROWS = {*PRESCRIPTIONS.tables, *USE.tables}
"""Tables with a row for each drug or product of a person."""


@pytest.mark.parametrize("table", [name for layout in LAYOUT.values() for name in layout if name not in SEVERAL_ROWS])
def test_a_person_who_appears_twice_in_a_table_is_refused(table: str) -> None:
    tables = raw_tables()
    tables[table] = pd.concat([tables[table], tables[table]])
    with pytest.raises(CodingError, match=rf"^{table}: 1 SEQN appear more than once; expected one row per person"):
        harmonise(tables)


def test_a_person_who_appears_in_two_cycles_is_refused() -> None:
    with pytest.raises(CodingError, match="SEQN"):
        harmonise(raw_tables([{"cycle": 1999, "SEQN": 5}, {"cycle": 2001, "SEQN": 5}]))


# ---- the dictionary of columns -------------------------------------------------------------------------------------

DICTIONARY = Path(__file__).parents[3] / "data" / "processed" / "README.md"


@pytest.fixture(scope="module")
def dictionary() -> dict[str, list[str]]:
    """What the page says of each harmonised column: the other cells of its row."""
    section = (
        DICTIONARY.read_text(encoding="utf-8")
        .partition("## Columns of `participants.parquet`")[2]
        .partition("\n## ")[0]
    )
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert len({cells[0] for cells in rows}) == len(rows)
    return {cells[0].strip("`"): cells[1:] for cells in rows}


AT_ONCE = 6
"""Raw variables that are shuffled together, each among people of its own."""


def shuffled(
    tables: dict[str, pd.DataFrame], source: Source, common: str, people: pd.Index | None = None
) -> dict[str, pd.DataFrame]:
    """The tables with one variable shuffled in every cycle, among these people or among all rows."""
    changed = dict(tables)
    for table, name in zip(source.tables, source.columns[common], strict=True):
        if table is not None and name is not None:
            rows = slice(None) if people is None else tables[table].index.isin(people)
            values = tables[table][name].copy()
            values[rows] = values[rows].sample(frac=1, random_state=1).to_numpy()
            changed[table] = tables[table].assign(**{name: values})
    return changed


def made_from() -> dict[str, set[str]]:
    """Raw variables that each harmonised column but the nutrients changes with, found by shuffling.

    What a person is told follows from that person alone, so that several variables are shuffled at once; but for the
    use of supplements, where the median of others stands for what is missing: its variables go one by one.
    """
    tables = survey_tables(scale=0.4)
    before = harmonise(tables)
    found: dict[str, set[str]] = {name: set() for name in before}
    apart = [before.index[start::AT_ONCE] for start in range(AT_ONCE)]
    of_one = [(source, common) for source in (*SOURCES, PRESCRIPTIONS) for common in source.columns]
    of_one = [(source, common) for source, common in of_one if common not in NUTRIENTS]
    rounds = [list(zip(of_one[start:], apart, strict=False)) for start in range(0, len(of_one), AT_ONCE)]
    for each in [*rounds, *[[((USE, common), before.index)] for common in USE.columns]]:
        changed = dict(tables)
        for (source, common), people in each:
            changed = shuffled(changed, source, common, None if source is USE else people)
        after = harmonise(changed)
        differs = (after != before) & ~(after.isna() & before.isna())
        for (source, common), people in each:
            raw = {name for name in source.columns[common] if name is not None}
            for column in differs.columns[differs.loc[people].any()]:
                found[column] |= raw
    return found


def test_every_harmonised_column_has_its_row_in_the_dictionary_and_no_other(dictionary, typical) -> None:
    assert sorted(dictionary) == sorted(typical.columns)


def test_no_row_of_the_dictionary_has_an_empty_cell(dictionary) -> None:
    lengths = {name: len(cells) for name, cells in dictionary.items()}
    assert lengths == {name: 5 if name in NUTRIENTS else 4 for name in dictionary}
    assert all(cell.strip() for cells in dictionary.values() for cell in cells)


@pytest.mark.no_cover  # it harmonises again and again, which every other test here is measured at
def test_the_dictionary_names_the_raw_variables_that_each_column_changes_with(dictionary) -> None:
    others = [name for name in dictionary if name not in NUTRIENTS]
    named = {name: set(re.findall(r"\b[A-Z][A-Z0-9_]{4,7}\b", dictionary[name][-1])) for name in others}
    together = {
        "pn_any_tested": set(TRIALS),  # trials decide together: one that changes alone need not show
        "ei_bmr": set(NUTRIENTS["energy_kcal"]),  # the one column made of a nutrient
    }
    found = made_from()
    assert named == {name: found[name] | together.get(name, set()) for name in others}


def test_the_dictionary_has_words_unit_and_raw_variables_of_every_nutrient(dictionary) -> None:
    expected = {name: [exposure_label(name), exposure_unit(name), *raw] for name, raw in NUTRIENTS.items()}
    assert {name: dictionary[name] for name in NUTRIENTS} == expected


def test_the_dictionary_lists_the_levels_reference_first(dictionary) -> None:
    assert {name: tuple(re.findall(r"`(\w+)`", dictionary[name][1])) for name in CATEGORIES} == dict(CATEGORIES)


def test_the_dictionary_has_the_outcome_rules_of_the_protocol(dictionary) -> None:
    told = {rule: dictionary[Study(outcome=rule).outcome_column][0] for rule in OUTCOMES}
    assert not [text for rule, text in told.items() if not text.endswith(f"rule {rule}: {OUTCOMES[rule]}")]
