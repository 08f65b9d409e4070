"""Any exposure, any outcome: which questions a claim is asked, and what its page says where the truth is planted."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.questions import SINGLE, SPECIFICITY, audit_frames, audit_tasks, not_asked, study_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import (
    CHOICES,
    PRIMARY_CELL,
    Specification,
    answer_people,
    choices_of,
    people_groups,
    refuse_outside_grid,
    specification_grid,
)
from analysis.audit.specificity import answer_cells, specificity_cells
from analysis.data.synthetic.survey import PLANTED
from analysis.dose_response.association import estimate
from analysis.dose_response.frames import summarise
from analysis.dose_response.shape import summarise_shapes
from analysis.provenance import Provenance
from analysis.report.words.conclusions import claim_sentence, conclusions_markdown
from analysis.simulation.energy import energy_u
from analysis.simulation.surveys import base_survey, u_shaped
from analysis.study import PRIMARY, Study, StudyError
from tests.audits import few_tasks
from tests.people import people_of
from tests.shared import unmeasured

AUDIT = Path(__file__).parents[2] / "src" / "analysis" / "audit"
SEED = 1
REPLICATES = 20
PHOSPHORUS = Study(exposure="phosphorus_mg")
ENERGY = Study(exposure="energy_kcal")


def test_nothing_in_the_audit_names_the_primary_exposure():
    word = PRIMARY.exposure.split("_")[0]
    assert not [path.name for path in AUDIT.rglob("*.py") if word in path.read_text().lower()]


# ---- which questions


def test_a_nutrient_is_asked_everything_that_the_primary_study_is():
    assert not_asked(PHOSPHORUS) == {}
    own = {task.name for task in study_tasks(PHOSPHORUS)}
    assert {task.name for task in audit_tasks()} < own
    assert {name for name in own if name.startswith("referee")}
    assert {task.options for task in study_tasks(PHOSPHORUS, list(SINGLE))} == {(("study", PHOSPHORUS),)}


def test_energy_is_not_asked_to_be_adjusted_for_itself():
    left = not_asked(ENERGY)
    assert {"energy forms", "energy surface", "energy slices"} <= set(left)
    assert not set(left) & {task.name for task in study_tasks(ENERGY)}
    assert choices_of(ENERGY)["energy"] == ("none",)
    assert len(specification_grid(ENERGY)) == len(specification_grid()) // len(CHOICES["energy"])


@pytest.mark.parametrize(
    ("study", "task"),
    [
        (Study(exposure="lead_ug_dl"), "two recalls"),
        (Study(exposure="phosphorus_mg", cycles=(1999, 2001)), "referee simex"),
        (Study(exposure="phosphorus_mg", cycles=(2003,)), "cycle heterogeneity"),
    ],
)
def test_what_a_study_cannot_be_asked_is_named_with_the_reason(study, task):
    assert len(not_asked(study)[task]) > 20
    assert task not in {one.name for one in study_tasks(study)}


def test_arterial_disease_has_one_rule_and_no_controls_of_neuropathy():
    study = Study(exposure="phosphorus_mg", outcome="pad")
    assert choices_of(study)["outcome"] == ("pad",)
    kinds = {cell.kind for cell in specificity_cells(study)}
    assert kinds == {"nutrient", "negative control"}


def test_cycles_are_left_out_of_those_of_the_study():
    study = Study(exposure="phosphorus_mg", cycles=(2001, 2003))
    assert "without 1999-2000" not in choices_of(study)["sample"]
    cell = Specification("dietary", "strict", "without 2001-2002", "1", "none", 4)
    assert cell.of(study).cycles == (2003,)


def test_of_what_is_no_intake_everybodys_energy_is_known(participants):
    """Else a cell without dietary weights would take people without a recall for people who ate nothing."""
    study = Study(exposure="hba1c_percent")
    cells = [Specification("mec", "strict", "all", "1", form, 4) for form in ("none", "linear")]
    plain, beside = answer_people(participants, cells, study=study)
    assert plain.row["reason"] == beside.row["reason"] == ""
    people = participants["energy_kcal"].notna()
    assert plain.row["n"] == beside.row["n"] < estimate(participants, dataclasses.replace(study, weights="mec")).fit.n
    assert plain.row["n"] <= people.sum()


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (
            Study(exposure="phosphorus_mg", model="3"),
            "takes no study with energy among the covariates .*Leave energy out",
        ),
        (Study(exposure="phosphorus_mg", extra_covariates=("energy_kcal",)), "Leave energy out of the study"),
        (Study(exposure="phosphorus_mg", model="crude"), r"covariates crude, expected one of 1, 2, 2 \+ height"),
        (Study(exposure="phosphorus_mg", knots=6), "knots 6, expected one of 3, 4, 5"),
    ],
)
def test_a_study_that_the_grid_does_not_hold_is_refused(study, message):
    with pytest.raises(StudyError, match=message):
        refuse_outside_grid(study)


def test_exposures_share_the_nutrients_and_nothing_else():
    """What one run has done for one exposure it need not do for the next."""
    one, other = ({task.file_name: task for task in study_tasks(study)} for study in (PHOSPHORUS, ENERGY))
    shared = [one[name] for name in set(one) & set(other)]
    assert {task.name.split()[0] for task in shared} == {SPECIFICITY}
    nutrients = {cell for task in shared for cell in task.arguments[0]}
    assert {cell.kind for cell in nutrients} == {"nutrient"}
    assert {cell.exposure for cell in nutrients} == {
        cell.exposure for cell in specificity_cells() if cell.kind == "nutrient"
    }


def test_the_cell_of_the_study_has_the_studys_own_numbers(participants):
    (cells,) = (group for group in people_groups(PHOSPHORUS).values() if PRIMARY_CELL in group)
    row = answer_people(participants, [PRIMARY_CELL], study=PHOSPHORUS)[0].row
    assert PRIMARY_CELL in cells
    found = estimate(participants, PHOSPHORUS)
    assert row["n"] == found.fit.n
    assert row["nonlinear_p"] == pytest.approx(found.tests["nonlinear", "wald"].p_value, rel=1e-6)


# ---- planted truths: what the page says

SCALE = 5.0
"""Milligrams of phosphorus that stand for one of magnesium: the planted U is lowest at 1,200 mg."""


def planted_u(x, kcal):
    """Deep: in this survey phosphorus goes with energy so closely that a shallower U is lost beside a spline of it."""
    return 3.0 * u_shaped(x / SCALE)


def nothing(x, kcal):
    return np.zeros_like(x)


def u_of_energy(x, kcal):
    return 2.0 * energy_u(kcal)


def line(x, kcal):
    return 0.9 * (x / 1000.0)


@pytest.fixture(scope="module")
def survey(shared):
    return shared.answer(people_of, SEED, PLANTED), shared.answer(base_survey, SEED)


def with_outcome(survey, truth):
    """The people with an outcome drawn from a curve of phosphorus and energy, and from nothing of magnesium."""
    people, base = survey
    rows = base.problem.setting.domain.rows
    phosphorus = people["phosphorus_mg"].to_numpy(dtype=float)[rows]
    mu = base.expected_with(np.zeros_like, truth(phosphorus, base.energy[rows]))
    outcome = people["pn_strict"].to_numpy(copy=True)
    outcome[rows] = base.draw_of(mu, np.random.default_rng(SEED))
    return people.assign(pn_strict=outcome)


def audited(people, study):
    finished = run_tasks(few_tasks(study), people, folder=None)
    found = [estimate(people, study)]
    estimates = summarise(found, people) | summarise_shapes(found, replicates=REPLICATES)
    return estimates, audit_frames(finished, people, study=study)


@pytest.fixture(scope="module", params=[planted_u, nothing, u_of_energy, line], ids=lambda truth: truth.__name__)
def told(request, survey):
    """Truth, the sentence on the claim, and the page."""
    people = with_outcome(survey, request.param)
    with unmeasured():  # the small audit of all tests is measured
        estimates, audit = audited(people, PHOSPHORUS)
    page = conclusions_markdown(
        PHOSPHORUS, estimates, audit, Provenance("SYNTHETIC survey", True), not_asked=not_asked(PHOSPHORUS)
    )
    return request.param, claim_sentence(PHOSPHORUS, estimates, audit), page


def test_claim_on_a_planted_truth_ends_in_the_right_words(told):
    truth, said, _ = told
    expected = {
        planted_u: (
            "The curve of phosphorus bends",
            'the verdict on its shape is "U".',
            "shown in each way of adjusting",
        ),
        nothing: ("No association of phosphorus with neuropathy is shown",),
        # A straight line of energy takes no U of it away, nor does a quotient: a spline of it does.
        u_of_energy: ("The curve of phosphorus bends", "With energy adjusted for", ", not with energy as a spline"),
        line: ("The odds of neuropathy rise with phosphorus, and no departure from a straight line is shown",),
    }[truth]
    assert all(words in said for words in expected), said


def test_page_of_a_planted_truth_draws_the_conclusion_that_it_allows(told):
    truth, said, page = told
    assert said in page
    kept = "The bend of phosphorus stays in each way of adjusting for energy." in page
    assert kept == (truth is planted_u)
    assert ("So there is no bend" in page) == (truth in (nothing, line))
    assert (": energy bends and phosphorus is not shown to." in page) == (truth is u_of_energy)


def test_page_is_about_its_own_exposure_and_names_the_data(told):
    _, _, page = told
    assert page.startswith("# Phosphorus and peripheral neuropathy: what the audit comes to\n")
    assert "Data: SYNTHETIC survey." in page
    assert "`phosphorus_mg`" in page
    assert "nan" not in page.lower().split()
    for title in ("As a whole", "In every specification", "Of this exposure alone", "With energy adjusted for",
                  "In every cycle", "Without each sampling unit", "On a second day",
                  "What could not be asked"):  # fmt: skip
        assert f"\n## {title}\n" in page


def test_page_about_energy_has_no_energy_adjustment_and_says_why(survey):
    people = with_outcome(survey, u_of_energy)
    estimates, audit = audited(people, ENERGY)
    page = conclusions_markdown(ENERGY, estimates, audit, Provenance("SYNTHETIC survey", True),
                                not_asked=not_asked(ENERGY))  # fmt: skip
    assert "The curve of energy bends" in page
    assert "The bend is one of how much people eat" in page
    assert "\n## With energy adjusted for\n" not in page
    assert "- energy forms: energy is the exposure itself: it cannot be adjusted for itself." in page
    assert set(audit["specificity_place"]["form"]) == {"none"}


def test_own_column_stands_among_the_nutrients(survey):
    people, _ = survey
    rng = np.random.default_rng(SEED)
    people = people.assign(my_score=pd.Series(rng.normal(50, 10, len(people)), index=people.index))
    study = Study(exposure="my_score")
    cells = [cell for cell in specificity_cells(study) if cell.exposure == "my_score" and cell.kind == "nutrient"]
    assert [cell.form for cell in cells] == ["none", "residual", "density", "spline"]
    rows = answer_cells(people, cells, study=study)
    assert {row["label"] for row in rows} == {"my score"}
    assert all(row["reason"] == "" for row in rows)
