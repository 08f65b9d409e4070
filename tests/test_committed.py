"""The committed tables agree with each other: what is told twice is told alike."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.joint_test import u_by_sides, verdicts_by_ends
from analysis.audit.referee.recall_error import DECIDING, REPLICATES
from analysis.audit.referee.table import undecided
from analysis.audit.specifications import PRIMARY_CELL, in_first_grid, specification_grid
from analysis.pipeline.audit import conclude
from analysis.pipeline.folders import Folders
from analysis.simulation.bands import BAND_CURVES, POINTWISE, SIMULTANEOUS
from analysis.simulation.energy import TRUTHS
from analysis.simulation.questions import TRUTHS as QUESTION_TRUTHS
from analysis.simulation.shapes import RULES, SHAPES
from analysis.simulation.surveys import FITTED_DEPTH, NOMINAL, u_shaped
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.study import PRIMARY
from tests.reference_numbers import FOLDER, RTOL

pytestmark = pytest.mark.committed

PROCESSED = Path(__file__).parents[1] / "data" / "processed"
ESTIMATES, SIMULATION = PROCESSED / "estimates", PROCESSED / "simulation"
FIGURES = Path(__file__).parents[1] / "figures"


def read(name):
    return pd.read_csv(ESTIMATES / f"{name}.csv", dtype={"model": str, "covariates": str})


@pytest.fixture(scope="module")
def cells():
    return read("audit_specifications")


@pytest.fixture(scope="module")
def primary(cells):
    choices = {name: getattr(PRIMARY_CELL, name) for name in PRIMARY_CELL.__match_args__}
    found = cells[(cells[list(choices)] == pd.Series(choices)).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


def of_model(name):
    return read(name).set_index("model").loc[PRIMARY.model]


NOT_PEOPLE = {"audit_verdict_shares.csv": "specifications", "specification_curve.csv": "specifications"}
"""Files whose column n counts something else."""

COUNTS = {"n", "cases", "n_missing", "n_exposed", "n_both", "n_positive"}


def few_of(path):
    """Table and column to the counts of fewer than ten people in it."""
    frame = pd.read_csv(path, low_memory=False)
    if "unit" in frame and "people" in set(frame["unit"]):
        frame = frame[frame["unit"] == "people"]
    told = set(frame) & COUNTS if path.name not in NOT_PEOPLE else set()
    few = {name: frame.loc[frame[name].between(1, FEWEST_PEOPLE - 1), name].tolist() for name in told}
    return {(path.name, name): counts for name, counts in few.items() if counts}


def test_no_committed_table_counts_fewer_than_ten_people():
    tables = [*PROCESSED.glob("*/*.csv"), *FIGURES.glob("*.csv")]
    assert len(tables) > 100
    assert {told: counts for path in tables for told, counts in few_of(path).items()} == {}


def test_bins_of_few_people_have_neither_number_nor_share():
    bins = read("audit_energy_density")
    assert bins["n"].isna().any()
    assert not (bins["n"] < FEWEST_PEOPLE).any()
    assert (bins["share"].notna() == bins["n"].notna()).all()


def test_tables_with_counts_of_people_are_looked_at():
    found = {path.name for path in PROCESSED.glob("*/*.csv") if set(pd.read_csv(path, nrows=0)) & COUNTS}
    assert {"characteristics.csv", "characteristics_by_quintile.csv", "flow_reasons.csv"} <= found
    assert set(NOT_PEOPLE) <= {path.name for folder in (ESTIMATES, FIGURES) for path in folder.glob("*.csv")}


def test_the_grid_is_all_there(cells):
    assert len(cells) == len(specification_grid())


@pytest.mark.regression
def test_the_grid_as_first_declared_has_the_verdicts_it_had(cells):
    first = cells[in_first_grid(cells)]["verdict"].value_counts()
    assert first.to_dict() == {"U": 77, "non-linear, U not shown": 583, "no departure shown": 2580}


def test_shares_of_verdicts_by_ends_are_those_of_the_specifications(cells):
    pd.testing.assert_frame_equal(read("audit_verdict_ends").drop(columns="data"), verdicts_by_ends(cells), rtol=1e-9)
    pd.testing.assert_frame_equal(read("audit_verdict_sides").drop(columns="data"), u_by_sides(cells), rtol=1e-9)


def test_shares_of_verdicts_are_those_of_the_specifications(cells):
    shares = read("audit_verdict_shares").query("choice == 'all'").set_index("verdict")["share"]
    counted = cells["verdict"].value_counts(normalize=True)
    pd.testing.assert_series_equal(shares.sort_index(), counted.sort_index(), check_names=False, rtol=1e-9)


def test_the_primary_specification_is_the_primary_study(primary):
    model, shape = of_model("models"), of_model("shape")
    assert (primary["n"], primary["cases"]) == (model["n"], model["cases"])
    pairs = {"nonlinear_p": "nonlinear_p", "end_slopes_p": "end_slopes_p", "two_lines_p": "two_lines_p",
             "nadir": "nadir", "nadir_low": "nadir_normal_low", "nadir_high": "nadir_normal_high",
             "interior": "nadir_normal_interior"}  # fmt: skip
    for ours, theirs in pairs.items():
        assert primary[ours] == pytest.approx(shape[theirs], rel=1e-8), ours
    assert primary["verdict"] == shape["verdict"]


def test_the_page_of_conclusions_says_what_the_tables_say(tmp_path):
    folders = Folders(tmp_path, FIGURES)
    shutil.copytree(ESTIMATES, folders.estimates)
    (page,) = conclude(folders)
    assert page.read_text() == (ESTIMATES / page.name).read_text()


def test_four_unweighted_knots_are_the_primary_study():
    knots = read("knots").query("knots == 4 and knot_quantiles == 'unweighted'").iloc[0]
    shape = of_model("shape")
    for ours, theirs in {"nadir_low": "nadir_bootstrap_low", "nadir_high": "nadir_bootstrap_high"}.items():
        assert knots[ours] == pytest.approx(shape[theirs], rel=1e-9)
    assert knots["verdict"] == shape["verdict"]


def test_the_planted_u_as_fitted_is_as_deep_as_the_curve():
    curve = read("odds_ratio_curve").query("model == @PRIMARY.model").set_index("x")["odds_ratio"]
    reference = of_model("models")["reference"]
    planted = np.exp(FITTED_DEPTH * np.diff(u_shaped(np.array([reference, 100.0]))))[0]
    assert planted == pytest.approx(curve[100.0], rel=0.02)


def test_the_simulation_has_what_is_told_of_it():
    shapes = pd.read_csv(SIMULATION / "shapes.csv")
    assert set(shapes["curve"]) == set(SHAPES)
    assert set(shapes["rule"]) == set(RULES)
    assert set(pd.read_csv(SIMULATION / "energy_forms.csv")["truth"]) == set(TRUTHS)
    questions = pd.read_csv(SIMULATION / "questions.csv")
    assert set(zip(questions["curve"], questions["curve_of"], strict=True)) == {
        (truth.name, truth.of) for truth in QUESTION_TRUTHS.values()
    }


def test_first_question_is_the_rule_of_end_slopes_within_the_error_of_both_simulations():
    """The same test on other draws of the same truths."""
    rule = pd.read_csv(SIMULATION / "shapes.csv").query("rule == 'end slopes'").set_index("curve")
    asked = (
        pd.read_csv(SIMULATION / "questions.csv")
        .query("question == 'falls, then rises' and ends == 'p5_p95' and curve_of == 'the analysed day'")
        .set_index("curve")
        .loc[rule.index]
    )
    error = np.hypot(rule["monte_carlo_error"], asked["monte_carlo_error"])
    assert ((rule["rate"] - asked["rate"]).abs() <= 3.5 * error + 1e-9).all()


def test_energy_unadjusted_is_the_primary_study():
    forms = read("audit_energy_forms").set_index("form").loc["none"]
    assert forms["nonlinear_p"] == pytest.approx(of_model("shape")["nonlinear_p"], rel=1e-8)


@pytest.mark.reference
@pytest.mark.parametrize("form", ["none", "residual", "density", "spline"])
def test_each_form_of_energy_is_that_of_r(form):
    """R fitted the forms for every nutrient, by itself; a straight line of energy is not among them."""
    nutrients = pd.read_csv(FOLDER / "real" / "audit_nutrients.csv").set_index(["exposure", "form"])
    theirs, ours = nutrients.loc[PRIMARY.exposure, form], read("audit_energy_forms").set_index("form").loc[form]
    told = ["n", "cases", "residual_df", "reference", "nonlinear_p", "end_low_p", "end_high_p"]
    np.testing.assert_allclose(ours[told].astype(float), theirs[told].astype(float), rtol=RTOL)


def test_both_questions_keep_their_level_where_nothing_or_a_line_is_there():
    """Intersection-union tests: at most 5 % within the simulation's error, at whatever ends and with recall error."""
    questions = pd.read_csv(SIMULATION / "questions.csv")
    lines = questions[questions["curve"].isin(["no association", "line"])]
    assert (lines["rate"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / lines["surveys"])).all()


def test_bands_of_the_simulation_are_those_that_are_told():
    """A wider band holds no less, a pointwise one its points; what a spline can follow is truth and target in one."""
    found = pd.read_csv(SIMULATION / "bands.csv")
    bands = found.set_index(["band", "curve"])
    whole, alone = bands.loc[SIMULTANEOUS], bands.loc[POINTWISE]
    assert list(whole.index) == list(alone.index) == list(BAND_CURVES)
    assert found["surveys"].eq(1000).all()
    assert found["failed"].eq(0).all()
    for of in ("rate", "rate_of_target", "rate_of_points"):
        assert (whole[of] >= alone[of]).all()
    reach = ["no association", "line"]
    assert whole.loc[reach, "rate"].equals(whole.loc[reach, "rate_of_target"])
    assert (alone["rate_of_target"] < whole["nominal"] - 3 * alone["monte_carlo_error_of_target"]).all()
    short = (alone.loc[reach, "rate_of_points"] - NOMINAL).abs()
    assert (short <= 3 * alone.loc[reach, "monte_carlo_error_of_points"]).all()


def test_where_a_bootstrap_of_the_referee_left_its_p_undecided_it_was_drawn_on():
    found = read("referee").query("mc_error_of in ('end_low_p', 'end_high_p') and done.str.contains('bootstrap')")
    assert len(found) == 3
    first = found["mc_error"] * np.sqrt(found["draws"] / REPLICATES)
    near = [undecided(p, error) for p, error in zip(found["end_slopes_p"], first, strict=True)]
    assert (found.loc[near, "draws"] > 0.99 * DECIDING).all()
    assert (found.loc[~np.array(near), "draws"] <= REPLICATES).all()


def test_calibration_gives_a_line_of_usual_intake_back_and_one_day_does_not():
    """Bias and coverage of 95 % intervals within three Monte Carlo errors; half of the slope is lost on one day."""
    found = pd.read_csv(SIMULATION / "recall_error.csv").query("curve == 'line'").set_index(["method", "end"])
    for end in ("low", "high"):
        row = found.loc[("calibrated", end)]
        assert abs(row["bias"]) <= 3 * row["bias_error"]
        assert abs(row["rate"] - row["nominal"]) <= 3 * row["monte_carlo_error"]
    one_day = found.loc[("one day", "high")]
    assert one_day["mean_slope"] == pytest.approx(one_day["attenuation"] * one_day["true_slope"], abs=0.02)
    assert one_day["rate"] < one_day["nominal"] - 3 * one_day["monte_carlo_error"]
