"""Any exposure, any outcome: which questions a claim is asked, and what its page says where the truth is planted."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy

from analysis.audit.energy import energy_forms, energy_slices, energy_surface
from analysis.audit.heterogeneity import cycle_curves, cycle_heterogeneity, psu_influence_on_shape
from analysis.audit.questions import SINGLE, SPECIFICITY, audit_frames, audit_tasks, not_asked, study_tasks
from analysis.audit.referee.missing import covariates_missing
from analysis.audit.referee.rows import OF_RECALL, rows_that_change_nothing
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
from analysis.audit.specificity import answer_cells, own_cells
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.association import estimate
from analysis.dose_response.energy import forms_of
from analysis.dose_response.frames import summarise
from analysis.dose_response.shape import summarise_shapes
from analysis.provenance import Provenance
from analysis.report.words.conclusions import claim_sentence, conclusions_markdown
from analysis.simulation.energy import energy_u
from analysis.simulation.surveys import base_survey, u_shaped
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY, Study, StudyError
from tests.audits import few_tasks, specificity_cells
from tests.people import people_of
from tests.shared import unmeasured

AUDIT = Path(__file__).parents[2] / "src" / "analysis" / "audit"
NO_NUMBER = re.compile(r"\bnan\b|0\.000\b", re.IGNORECASE)
"""What no page may say: a number that is missing, or a p-value as if it were zero."""

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
    plausible = len(CHOICES["sample"]) - 1
    assert len(specification_grid(ENERGY)) * len(CHOICES["energy"]) * len(CHOICES["sample"]) == (
        len(specification_grid()) * plausible
    )


def test_energy_is_not_asked_who_reports_it_plausibly():
    """EI:BMR is the exposure by what the body needs: to keep to some of it, or to adjust for it, holds it fixed."""
    left = not_asked(ENERGY)
    for name in ("referee under-reporting", "referee deletion controls", "referee under-reporter",
                 "specification, plausible reporters"):  # fmt: skip
        assert left[name] == "who is plausible is said by energy, the exposure itself: it would be held fixed"
    assert "plausible reporters" not in choices_of(ENERGY)["sample"]
    assert "500-6000 kcal" in choices_of(ENERGY)["sample"]


@pytest.mark.parametrize("exposure", ["my_score", "lead_ug_dl", "hba1c_percent", "bmi_kg_m2"])
def test_what_was_not_recalled_is_asked_nothing_about_recalls_and_each_is_named(exposure):
    study = Study(exposure=exposure)
    left, tasks = not_asked(study), {task.name for task in study_tasks(study)}
    assert not set(left) & tasks
    assert {"energy forms", "energy surface", "energy slices", "referee form", "referee rows"} <= tasks
    assert {
        "energy forms, as the residual on energy", "energy forms, per 1,000 kcal", "referee under-reporting",
        "referee deletion controls", "referee under-reporter", "specification, plausible reporters",
        "specification, 500-6000 kcal", "two recalls", "referee simex", "referee rows, day of the week",
        "referee rows, recall day said to be usual (post hoc)", "referee rows, recall of Monday to Thursday",
        "referee rows, recall of Friday to Sunday",
    } <= set(left)  # fmt: skip
    assert all("is none of the recalled intakes: " in reason for reason in left.values())
    assert choices_of(study)["energy"] == forms_of(exposure) == ("none", "linear", "spline")
    assert not {"plausible reporters", "500-6000 kcal"} & set(choices_of(study)["sample"])


def test_rows_about_the_recalled_day_are_of_intakes_only(participants):
    study = Study(exposure="hba1c_percent")
    found = rows_that_change_nothing(participants, study=study)
    there = {*found["rows"]["done"], *found["left"]["done"]}
    assert "body weight" in there
    assert not there & set(OF_RECALL)


def test_an_exposure_is_no_control_of_itself():
    cells = specificity_cells(Study(exposure="hba1c_percent"))
    assert {cell.exposure for cell in cells if cell.kind == "positive control"} == {"age_years", "height_cm"}
    cells = specificity_cells(Study(exposure="height_cm"))
    assert {cell.outcome for cell in cells if cell.kind == "negative control"} == {"low_education", "ever_smoked"}


@pytest.mark.parametrize(
    "study",
    [Study(exposure="my_noise"), Study(exposure="hba1c_percent"), Study(exposure="hba1c_percent", weights="mec")],
    ids=lambda study: study.slug,
)
def test_of_what_is_no_intake_energy_and_controls_are_answered(with_noise, study):
    """Of some who have it nobody knows the energy: these are in none of the forms, and take no question away."""
    cohort = estimate(with_noise, study).problem.setting.cohort
    assert with_noise.loc[cohort.rows, "energy_kcal"].isna().sum() >= 10
    forms = energy_forms(with_noise, study=study)["energy_forms"]
    assert forms["form"].tolist() == ["none", "linear", "spline"]
    assert (forms["n"] == forms["n"].iloc[0]).all()
    assert not forms["estimand"].str.contains("nutrient").any()
    assert len(energy_surface(with_noise, study=study, points=5)["energy_tests"])
    assert len(energy_slices(with_noise, study=study)["energy_slice_tests"]) == 3
    cells = [cell for cell in own_cells(study) if cell.exposure != "energy_kcal"]
    assert {cell.kind for cell in cells} == {"nutrient", "positive control", "negative control"}
    rows = pd.DataFrame(answer_cells(with_noise, cells, study=study))
    assert (rows["reason"] == "").all(), rows[["kind", "label", "form", "reason"]]
    assert rows["nonlinear_p"].notna().all()


def test_covariates_are_imputed_where_somebodys_energy_and_weight_are_not_known(with_noise):
    found = covariates_missing(with_noise, study=Study(exposure="my_noise"), imputations=3)["rows"]
    assert found["done"].tolist()[-1] == "model 2, 3 imputations"
    assert found["nonlinear_p"].notna().all()


def test_cycles_in_which_an_exposure_was_not_measured_are_left_out(participants):
    """Lead and its like are of two cycles: these are compared, as a study of the two is."""
    there = participants["cycle"] != 2003
    people = participants.assign(measured=participants["magnesium_mg"].where(there))
    study = Study(exposure="measured")
    found = cycle_curves(people, study=study)["cycle_shapes"]
    assert found["cycle"].tolist() == ["1999-2000", "2001-2002", "pooled"]
    tests = cycle_heterogeneity(people, study=study)["cycle_heterogeneity"]
    two = cycle_heterogeneity(people, study=dataclasses.replace(study, cycles=(1999, 2001)))["cycle_heterogeneity"]
    pd.testing.assert_frame_equal(tests, two)
    assert tests.query("covariates == 'common' and test == 'curve'")["p_value"].notna().all()
    units = psu_influence_on_shape(people, study=study)["psu_shape"]
    strata = people.loc[there, "strata"].unique()
    assert set(units["stratum"]) == set(strata)
    assert units["n"].notna().all()
    alone = dataclasses.replace(study, exposure="once")
    once = people.assign(once=people["measured"].where(people["cycle"] == 1999))
    with pytest.raises(StudyError, match=r"people of \(1999,\): expected two or more"):
        cycle_heterogeneity(once, study=alone)


@pytest.fixture(scope="module")
def with_noise(participants):
    """With a column of noise that everybody aged 40 or older has, whether they had a recall or not."""
    rng = np.random.default_rng(SEED)
    noise = pd.Series(rng.gamma(4, 0.25, len(participants)), participants.index)
    return participants.assign(my_noise=noise.where(participants["age_years"] >= 40))


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
    assert not NO_NUMBER.findall(page)
    (whole,) = re.findall(r"## As a whole\n\n(.*)\n", page)
    assert not re.findall(r"\d\.\d", whole)  # the sections have the numbers
    for title in ("As a whole", "In every specification", "Of this exposure alone", "With energy adjusted for",
                  "In every cycle", "Without each sampling unit", "On a second day",
                  "What could not be asked"):  # fmt: skip
        assert f"\n## {title}\n" in page


# ---- the same of a column of one's own, and of some of the people

SCORE = Study(exposure="my_score [points]")
MEAN, SPREAD = 50.0, 10.0
SCORE_SEED = 2
"""Of the one draw that is audited as a whole; how often nothing bends is held over `SCORE_SEEDS`."""
SCORE_SEEDS = range(1, 41)
UNLIKELY = 0.001
"""Chance at which more false bends would be found where nothing is planted and the test has its level."""


def u_of_the_score(score):
    """Lowest at the mean, odds ratio 1.8 a spread and a half from it."""
    return np.log(1.8) * ((score - MEAN) / (1.5 * SPREAD)) ** 2


def with_score(survey, truth, seed=SCORE_SEED):
    """Everybody with a score that goes with nothing, and an outcome drawn from its curve."""
    people, base = survey
    rows = base.problem.setting.domain.rows
    rng = np.random.default_rng(seed)
    score = rng.normal(MEAN, SPREAD, len(people))
    outcome = people["pn_strict"].to_numpy(copy=True)
    outcome[rows] = base.draw_of(base.expected_with(np.zeros_like, truth(score[rows])), rng)
    return people.assign(pn_strict=outcome, **{SCORE.exposure: score})


def page_of(people, study):
    estimates, audit = audited(people, study)
    page = conclusions_markdown(study, estimates, audit, Provenance("SYNTHETIC survey", True),
                                not_asked=not_asked(study))  # fmt: skip
    return claim_sentence(study, estimates, audit), page


def test_a_column_of_ones_own_bends_where_that_is_planted_and_else_as_seldom_as_chance_has_it(survey):
    def bends(truth, seed):
        found = estimate(with_score(survey, truth, seed), SCORE)
        return found.tests["nonlinear", "wald"].p_value < ALPHA

    assert all(bends(u_of_the_score, seed) for seed in SCORE_SEEDS[:10])
    false = sum(bends(np.zeros_like, seed) for seed in SCORE_SEEDS)
    assert false <= scipy.stats.binom.isf(UNLIKELY, len(SCORE_SEEDS), ALPHA)


@pytest.mark.parametrize(
    ("truth", "said", "concluded", "rank"),
    [
        (
            u_of_the_score,
            r'The curve of my score bends \(.*the verdict on its shape is "U"\. The bend is shown in each way of',
            "The bend of my score stays in each way of adjusting for energy. Whether my score causes it, one "
            "examination cannot say",
            "my score alone of the nutrients, energy and my score bends.",
        ),
        (
            np.zeros_like,
            r"No association of my score with neuropathy is shown \(.*\)\.$",
            "So there is no bend, or one too small to be shown",
            "none of the nutrients, energy and my score bends.",
        ),
    ],
    ids=["U", "nothing"],
)
def test_page_of_a_column_of_ones_own_ends_in_the_words_of_its_planted_truth(survey, truth, said, concluded, rank):
    claim, page = page_of(with_score(survey, truth), SCORE)
    assert re.match(said, claim), claim
    (whole,) = re.findall(r"## As a whole\n\n(.*)\n", page)
    assert concluded in whole
    assert rank in whole
    assert f"**{claim}**" in page
    assert re.search(r"against the unweighted median of (49\.\d|50(\.\d)?) points are ", page)
    asked, _ = page.split("## What could not be asked")
    assert not re.search(r"recalled day|how much people eat|intake", asked.partition("## Of this exposure alone")[0])


@pytest.mark.parametrize(
    ("where", "people_said", "said"),
    [
        ("sex == 'female'", "women aged 40 or older", 'The curve of phosphorus bends .* shape is "U"'),
        ("sex == 'male'", "men aged 40 or older", "No association of phosphorus with neuropathy is shown"),
    ],
    ids=["women", "men"],
)
def test_page_of_some_people_ends_in_the_words_of_their_own_truth(survey, where, people_said, said):
    """A U is planted in women and nothing in men."""
    women = survey[0].loc[survey[1].problem.setting.domain.rows, "sex"].to_numpy() == "female"
    people = with_outcome(survey, lambda x, kcal: np.where(women, planted_u(x, kcal), 0.0))
    claim, page = page_of(people, Study(exposure="phosphorus_mg", where=where))
    assert re.match(said, claim), claim
    assert f"People: {people_said}; " in page
    assert re.search(rf"\nAmong [\d,]+ {people_said} \(", page)
    assert ("So there is no bend" in page) == (where == "sex == 'male'")


def test_page_about_energy_has_no_energy_adjustment_and_says_why(survey):
    people = with_outcome(survey, u_of_energy)
    estimates, audit = audited(people, ENERGY)
    page = conclusions_markdown(ENERGY, estimates, audit, Provenance("SYNTHETIC survey", True),
                                not_asked=not_asked(ENERGY))  # fmt: skip
    assert "The curve of energy bends" in page
    assert "The bend is one of how much people eat" in page
    assert "\n## With energy adjusted for\n" not in page
    assert re.search(
        r"\n- Energy is the exposure itself: it cannot be .* \(energy forms; energy surface; energy slices", page
    )
    assert set(audit["specificity_place"]["form"]) == {"none"}


def test_own_column_stands_among_the_nutrients(survey):
    people, _ = survey
    rng = np.random.default_rng(SEED)
    people = people.assign(my_score=pd.Series(rng.normal(50, 10, len(people)), index=people.index))
    study = Study(exposure="my_score")
    cells = [cell for cell in specificity_cells(study) if cell.exposure == "my_score" and cell.kind == "nutrient"]
    assert [cell.form for cell in cells] == ["none", "spline"]
    rows = answer_cells(people, cells, study=study)
    assert {row["label"] for row in rows} == {"my score"}
    assert all(row["reason"] == "" for row in rows)
