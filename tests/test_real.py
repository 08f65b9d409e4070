"""The real files: the known counts, R's numbers, the literature's numbers, and the committed estimates unchanged.

Marked ``real``: they need what `make figures` builds. Run by `make test-real`.
"""

import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.heterogeneity import cycle_heterogeneity
from analysis.audit.questions import DRAWING
from analysis.audit.recall import two_recalls
from analysis.audit.specifications import CHOICES, answer_people, people_groups
from analysis.audit.specificity import FORMS, NEUROPATHY, SpecificityCell, answer_cells
from analysis.data.people.cohort import select_cohort
from analysis.data.source.reading import receipts
from analysis.dose_response.association import estimate
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import ESTIMATES, OF_REAL_FILES
from analysis.stats.curve.splines import place_knots
from analysis.study import PRIMARY, Study
from tests.reference_numbers import FOLDER, Reference, read_studies

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[1]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")
REAL = Reference(FOLDER / "real")

AUDIT = sorted(path.stem for path in FOLDERS.estimates.glob("audit_*.csv"))

EMPTY_WORDS = ("covariates", "reason", "dropped")
"""Columns of words that may be empty, or could be taken for numbers."""

RTOL_COMMITTED = 1e-8
"""Committed numbers have ten digits; another processor may sum in another order."""


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    return frame


@pytest.mark.reference
def test_participant_flow_is_the_known_one(people):
    flow = select_cohort(people, Study(model="2")).flow
    assert flow["n"].tolist() == [31126, 9970, 9145, 7902, 7726, 6784]
    assert flow["cases"].tolist()[4:] == [1378, 1166]


@pytest.mark.reference
@pytest.mark.parametrize(("cycle", "n", "cases"), [(1999, 2435, 484), (2001, 2697, 377), (2003, 2594, 517)])
def test_cohort_by_cycle_is_the_known_one(people, cycle, n, cases):
    last = select_cohort(people, Study(cycles=(cycle,))).flow.iloc[-1]
    assert (last["n"], last["cases"]) == (n, cases)


@pytest.mark.reference
def test_design_has_43_strata_and_87_psus(people):
    assert people["strata"].nunique() == 43
    assert len(people[["strata", "psu"]].drop_duplicates()) == 87


@pytest.mark.reference
@pytest.mark.parametrize("study_id", read_studies().index.tolist())
def test_study_on_the_real_files_matches_r_survey(people, study_id):
    REAL.check(people, study_id)


@pytest.mark.reference
def test_prevalences_are_gregg_2004s():
    published = pd.read_csv(FOLDERS.estimates / "published.csv")
    gregg = published[(published["study"] == "Gregg 2004") & published["item"].str.startswith("PN")]
    assert gregg["published"].tolist() == [14.8, 28.5]
    assert gregg["ours"].round(1).tolist() == [14.8, 28.5]
    theirs = pd.read_csv(REAL.folder / "prevalence.csv")
    np.testing.assert_allclose(gregg["ours"], theirs["percent"], rtol=RTOL_COMMITTED)
    np.testing.assert_allclose(gregg["ours_low"], theirs["conf_low"], rtol=RTOL_COMMITTED)


@pytest.mark.reference
def test_phosphorus_quintiles_come_within_4_percent_of_wu_2024():
    published = pd.read_csv(FOLDERS.estimates / "published.csv")
    wu = published[(published["study"] == "Wu 2024") & (published["kind"] == "odds_ratio")]
    assert len(wu) == 3
    np.testing.assert_allclose(wu["ours"], wu["published"], rtol=0.04)


@pytest.mark.reference
def test_published_threshold_lies_at_the_low_point_and_not_at_the_best_break():
    published = pd.read_csv(FOLDERS.estimates / "published_threshold.csv")
    ours = published[published["published"] == 939.44].set_index("quantity")["ours"]
    low_point, best_break = (ours[ours.index.str.contains(words)].item() for words in ("low point", "breakpoint"))
    assert low_point == pytest.approx(939.44, abs=1.5)
    assert best_break == pytest.approx(740, abs=10)


@pytest.mark.committed
@pytest.mark.parametrize("name", [*ESTIMATES, *OF_REAL_FILES, *AUDIT])
def test_committed_estimates_are_unchanged(name):
    path = f"data/processed/estimates/{name}.csv"
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, text=True, check=True)
    committed, built = pd.read_csv(io.StringIO(shown.stdout)), pd.read_csv(ROOT / path)
    pd.testing.assert_frame_equal(built, committed, rtol=RTOL_COMMITTED, atol=1e-12)


def committed_audit(name: str) -> pd.DataFrame:
    """A table of the audit; `test_committed_estimates_are_unchanged` holds it to the committed one."""
    return pd.read_csv(FOLDERS.estimates / f"audit_{name}.csv", dtype=dict.fromkeys(EMPTY_WORDS, str))


def assert_same_numbers(found: pd.DataFrame, committed: pd.DataFrame) -> None:
    """All columns that both have: choices and words alike, numbers to the last committed digit."""
    shared = [name for name in committed if name in found]
    assert len(shared) == found.shape[1]
    empty = {name: "" for name in EMPTY_WORDS if name in shared}
    left, right = (frame[shared].reset_index(drop=True).fillna(empty) for frame in (found, committed))
    pd.testing.assert_frame_equal(left, right, rtol=RTOL_COMMITTED, atol=1e-12, check_dtype=False)


@pytest.mark.committed
@pytest.mark.parametrize("group", ["dietary, strict, all", "mec, two_sites, without 1999-2000"])
def test_specifications_computed_anew_are_the_committed_ones(people, group):
    """The whole grid takes minutes: the primary people's cells, and some that are far from them."""
    found = pd.DataFrame([answer.row for answer in answer_people(people, people_groups()[group])]).drop(columns=DRAWING)
    committed = committed_audit("specifications")
    same = (committed[["weights", "outcome", "sample"]].astype(str).agg(", ".join, axis=1)) == group
    order = list(CHOICES)
    assert_same_numbers(found.sort_values(order), committed[same].sort_values(order))


@pytest.mark.committed
def test_specificity_of_magnesium_computed_anew_is_the_committed_one(people):
    cells = [SpecificityCell("nutrient", PRIMARY.exposure, NEUROPATHY, form) for form in FORMS]
    committed = committed_audit("specificity").query("kind == 'nutrient' and exposure == @PRIMARY.exposure")
    assert_same_numbers(pd.DataFrame(answer_cells(people, cells)).drop(columns=DRAWING), committed)


@pytest.mark.committed
def test_differences_between_cycles_computed_anew_are_the_committed_ones(people):
    assert_same_numbers(cycle_heterogeneity(people)["cycle_heterogeneity"], committed_audit("cycle_heterogeneity"))


@pytest.mark.committed
@pytest.mark.parametrize("name", ["recall", "recall_curves"])
def test_second_recall_computed_anew_is_the_committed_one(people, name):
    assert_same_numbers(two_recalls(people)[name], committed_audit(name))


def test_accepted_files_are_recorded_and_none_is_a_revision():
    recorded = receipts(FOLDERS.registry(), FOLDERS.raw, ["DEMO", "LEXPN_B", "DR1TOT_C"])
    assert len(recorded) == 3
    assert not any(receipt.revised for receipt in recorded)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("study", "knots"),
    [
        (Study(exposure="caffeine_mg", knot_rule="hmisc"), (0.22, 3.0, 141.0, 583.413)),
        (Study(where="egfr_ml_min_1_73m2 < 30", knot_rule="hmisc"), (75.12, None, None, 348.0)),
    ],
)
def test_heaped_and_small_cohorts_have_hmiscs_knots(people, study, knots):
    """Hmisc 4.8-0, `rcspline.eval`, of the cohort's exposure."""
    cohort = select_cohort(people, study)
    x = people.loc[cohort.rows, study.exposure].to_numpy()
    placed = place_knots(x, study.knots, rule="hmisc")
    known = [position for position, knot in enumerate(knots) if knot is not None]
    np.testing.assert_allclose(placed[known], [knots[position] for position in known], rtol=1e-12)


@pytest.mark.reference
def test_people_of_one_cycle_are_weighted_alike_whichever_way_they_are_asked_for(people):
    found = [estimate(people, study) for study in (Study(cycles=(1999,)), Study(where="cycle == 1999"))]
    statistics = [one.tests["overall", "wald"].statistic for one in found]
    np.testing.assert_allclose(statistics, 7.967711003, rtol=1e-9)
