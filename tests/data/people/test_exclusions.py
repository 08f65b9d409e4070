"""Reasons of each step: by the files' codes, adding up to what the step left out, and none about few people."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.cohort import select_cohort
from analysis.data.people.exclusions import _partition, code_columns, exclusion_reasons, read_codes
from analysis.data.source.reading import read_table
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.study import PRIMARY

STATUS = "neuropathy status known"
RECALL = "reliable day-1 dietary recall"


@pytest.fixture(scope="module")
def codes(demo):
    registry = demo.registry()
    return read_codes(
        {name: read_table(registry, demo.raw, name, columns=list(columns)) for name, columns in code_columns().items()}
    )


@pytest.mark.parametrize("outcome", ["strict", "lenient", "both_feet", "two_sites"])
def test_reasons_of_a_step_add_up_to_what_it_left_out(participants, codes, outcome):
    study = dataclasses.replace(PRIMARY, outcome=outcome, model="3")
    cohort = select_cohort(participants, study)
    reasons = exclusion_reasons(participants, codes, study, cohort)
    lost = dict(zip(cohort.flow["step"], -cohort.flow["n"].diff().fillna(0), strict=True))
    for step in ("examined at the mobile examination center", STATUS, RECALL):
        assert reasons.loc[reasons["step"] == step, "n"].sum() == lost[step] > 0


def test_reasons_are_those_of_people_who_are_not_too_old(participants, codes):
    study = dataclasses.replace(PRIMARY, age_max=64, cycles=(1999, 2003))
    cohort = select_cohort(participants, study)
    reasons = exclusion_reasons(participants, codes, study, cohort)
    lost = dict(zip(cohort.flow["step"], -cohort.flow["n"].diff().fillna(0), strict=True))
    for step in ("examined at the mobile examination center", STATUS, RECALL):
        assert reasons.loc[reasons["step"] == step, "n"].sum() == lost[step] > 0


def test_reasons_are_those_of_the_two_feet(participants, codes):
    study = PRIMARY
    reasons = exclusion_reasons(participants, codes, study, select_cohort(participants, study))
    asked = participants["cycle"].isin(study.cycles) & (participants["age_years"] >= 40) & participants["examined"]
    feet = codes.reindex(participants.index)[asked & participants["pn_strict"].isna()]
    left, right = feet["LEALPN"], feet["LEARPN"]
    by_hand = {
        "no result for either foot": (left.isna() & right.isna()).sum(),
        "neither foot assessed (code -1 for at least one)": (
            ~(left >= 0) & ~(right >= 0) & ~(left.isna() & right.isna())
        ).sum(),
        "only one foot assessed (code -1 or none for the other)": ((left >= 0) ^ (right >= 0)).sum(),
    }
    told = reasons[reasons["step"] == STATUS].set_index("reason")["n"].to_dict()
    assert told == by_hand


def test_lacking_covariates_are_counted_each_and_few_are_not_told(participants, codes):
    study = dataclasses.replace(PRIMARY, model="2")
    cohort = select_cohort(participants, study)
    reasons = exclusion_reasons(participants, codes, study, cohort)
    told = reasons[reasons["step"] == "covariates of model 2 known"].set_index("reason")["n"]
    for name in study.covariates:
        n = int(participants.loc[cohort.rows, name].isna().sum())
        assert (name in told.index) == (n > 0)
        if n:
            assert pd.isna(told[name]) if n < FEWEST_PEOPLE else told[name] == n


def test_few_people_are_joined_with_the_next_smallest():
    reasons = pd.Series(np.repeat(["a", "b", "c", "d"], [50, 20, 7, 4]))
    told = _partition("a step", reasons)
    assert told["n"].tolist() == [50, 20, 11]
    assert told["reason"].tolist() == ["a", "b", "c, or d"]
    assert _partition("a step", reasons[reasons == "d"])["n"].isna().tolist() == [True]
    assert _partition("a step", reasons[:0]).empty
