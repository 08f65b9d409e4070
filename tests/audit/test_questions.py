"""The audit stage from its tasks to its files: columns, resuming, refusing."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.audit import runner
from analysis.audit.coefficients import COEFFICIENTS
from analysis.audit.joint_test import TERMS
from analysis.audit.questions import SINGLE, audit_frames, audit_tasks
from analysis.audit.runner import run_tasks
from analysis.audit.specifications import CHOICES, people_groups
from analysis.audit.specificity import CHOSEN
from analysis.audit.tasks import AuditError, Finished
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.results import read_audit
from tests.audits import PEOPLE, audited, copied, run_audit, small_tasks

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "data" / "processed" / "estimates"

ODDS = ["log_or", "std_error", "odds_ratio", "conf_low", "conf_high"]
SHAPE = ["overall_p", "nonlinear_p", "end_low_p", "end_high_p", "end_slopes_p", "two_lines_p", "nadir", "nadir_low",
         "nadir_low_mc_error", "nadir_high", "nadir_high_mc_error", "interior", "interior_mc_error",
         "verdict"]  # fmt: skip
COLUMNS = {
    "specifications": [*CHOICES, "n", "cases", "residual_df", "reference", "p10", "odds_ratio_p10", "conf_low_p10",
                       "conf_high_p10", "p90", "odds_ratio_p90", "conf_low_p90", "conf_high_p90", *SHAPE, "level_low_p",
                       "level_high_p", "levels_p", "levels_verdict", "end_slopes_p_p10_p90", "verdict_p10_p90",
                       "end_slopes_p_p15_p85", "verdict_p15_p85", "end_slopes_p_p20_p80", "verdict_p20_p80", "dropped",
                       "reason"],
    "coefficients": [*CHOICES, *COEFFICIENTS],
    "verdict_shares": ["choice", "level", "verdict", "n", "share"],
    "verdict_ends": ["question", "ends", "verdict", "n", "share"],
    "verdict_sides": ["grid", "sides", "u", "n", "share"],
    "decomposition": ["quantity", "choice", "df", "share", "n"],
    "joint_test": ["null", "primary", "term", "estimate", "null_median", "null_median_error", "null_p95",
                   "null_p95_error", "p_value", "p_value_error", "adjusted_p", "adjusted_p_error", "n", "draws",
                   "seed"],
    "specificity": ["kind", "exposure", "outcome", "form", "label", "knot_rule", "knots",
                    "n", "cases", "residual_df", "reference",
                    "zero_share", "energy_correlation", "energy_rank_correlation", "adjusted_correlation", *SHAPE[:6],
                    "u_p", *SHAPE[6:], "reason", "tested", "nonlinear_q", "nonlinear_rank", "u_q", "u_rank"],
    "specificity_coefficients": [*CHOSEN, *COEFFICIENTS],
    "specificity_place": ["form", "tested", "nonlinear_p", "nonlinear_q", "nonlinear_rank", "energy_correlation", "u_p",
                          "u_q", "u_rank", "verdict", "discoveries", "discoveries_dependent", "top", "top_p",
                          "u_verdicts"],
    "energy_curves": ["form", "x", "percentile", *ODDS],
    "energy_forms": ["form", "model", "knots", "exposure_label", "unit", "n", "cases", "residual_df", "conf_level",
                     "reference", "p05", "p95", "correlation", *SHAPE, "estimand"],
    "energy_surface": ["x", "energy_kcal", "n", *ODDS],
    "energy_tests": ["model", "test", "method", "statistic", "df_num", "df_den", "p_value"],
    "energy_density": ["lower", "upper", "energy_lower", "energy_upper", "n", "share"],
    "energy_slices": ["energy_quantile", "energy_kcal", "x", *ODDS],
    "energy_slice_tests": ["energy_quantile", "energy_kcal", "n", "reference", "p05", "p95", "odds_ratio_p05",
                           "odds_ratio_p95", "overall_p", "nonlinear_p"],
    "cycle_curves": ["cycle", "x", *ODDS],
    "cycle_shapes": ["cycle", "model", "n", "cases", "design_df", "residual_df", "conf_level", "reference", "knots",
                     "p05", "p95", "overall_p", "nonlinear_p", "end_low_p", "end_high_p", "end_slopes_p", "nadir",
                     "at_boundary"],
    "cycle_heterogeneity": ["covariates", "test", "method", "statistic", "df_num", "df_den", "p_value", "reason"],
    "psu_shape": ["stratum", "psu", "n", "quantity", "full", "estimate", "change", "converged"],
    "recall": ["exposure", "n", "correlation", "between_share", "attenuation_two_days"],
    "recall_curves": ["days", "n", "cases", *SHAPE],
    "failures": ["task", "reason"],
}  # fmt: skip
"""What data/processed/README.md says of each table."""


@pytest.fixture(scope="module")
def folders(demo, shared):
    return audited(demo, shared)


@pytest.fixture(scope="module")
def finished(folders, participants):
    """What the small tasks found: read from disk, where the stage has left it."""
    return run_tasks(small_tasks(), participants, folder=folders.processed / "audit", progress="")


@pytest.fixture
def copy(folders, tmp_path):
    return copied(folders, tmp_path)


@pytest.fixture
def performed(monkeypatch):
    """Names of the tasks that are performed from here on; no figure is drawn, which takes longer than the rest."""
    monkeypatch.setattr("analysis.pipeline.draw.audit_drawings", lambda frames, provenance: {})
    names = []
    perform = runner.perform_to_bytes

    def noted(number, task, frame):
        names.append(task.name)
        return perform(number, task, frame)

    monkeypatch.setattr(runner, "perform_to_bytes", noted)
    return names


# ---- frames


def test_the_audit_is_the_whole_grid_every_nutrient_and_the_single_questions():
    names = [task.name for task in audit_tasks()]
    assert sum(name.startswith("specification ") for name in names) == len(people_groups())
    assert set(SINGLE) <= set(names)
    assert len(names) == len(set(names))


def test_there_is_a_frame_for_every_documented_table(finished, participants):
    assert set(audit_frames(finished, participants)) == set(COLUMNS)


def columns_in(folder: Path) -> dict[str, list[str]]:
    """Columns of each table of an audit but the last, which names the data."""
    found = {name: pd.read_csv(folder / f"audit_{name}.csv", nrows=0).columns.tolist() for name in COLUMNS}
    assert not [name for name, columns in found.items() if columns[-1] != "data"]
    return {name: columns[:-1] for name, columns in found.items()}


def test_frames_have_their_documented_columns(folders):
    assert columns_in(folders.estimates) == COLUMNS


def test_committed_tables_have_their_documented_columns():
    assert columns_in(COMMITTED) == COLUMNS


def test_every_table_is_named_in_the_readme_of_the_folder():
    text = (ROOT / "data" / "processed" / "README.md").read_text()
    assert not [name for name in COLUMNS if f"`audit_{name}.csv`" not in text]


def test_every_specification_asked_for_is_answered_once(folders):
    cells = read_audit(folders)[0]["specifications"]
    assert len(cells) == 45 * len(PEOPLE)
    assert not cells.duplicated(list(CHOICES)).any()


def test_joint_test_has_every_statistic(folders):
    assert read_audit(folders)[0]["joint_test"]["term"].tolist() == 2 * list(TERMS)


def test_task_that_failed_leaves_its_reason_and_no_frame(finished, participants):
    parts = [one for one in finished if one.name != "two recalls"]
    frames = audit_frames([*parts, Finished("two recalls", reason="nobody told of a second day")], participants)
    assert frames["failures"].to_dict("records") == [{"task": "two recalls", "reason": "nobody told of a second day"}]
    assert not {"recall", "recall_curves"} & set(frames)


def test_specification_that_failed_stops_the_audit(finished, participants):
    failed = [Finished(one.name, reason="no weights") if one.name.endswith(PEOPLE[0]) else one for one in finished]
    with pytest.raises(AuditError, match="dietary, strict, all: no weights"):
        audit_frames(failed, participants)


def test_points_of_the_surface_without_people_have_no_numbers():
    surface = pd.read_csv(COMMITTED / "audit_energy_surface.csv")
    blank = surface["n"].isna()
    assert blank.any()
    assert surface.loc[blank, ODDS].isna().all(axis=None)


# ---- the command


def test_command_writes_tables_and_figures_that_name_the_invented_survey(folders):
    names = {path.name for path in folders.estimates.glob("audit_*.csv")}
    assert names == {f"audit_{name}.csv" for name in COLUMNS}
    figures = ("specification_curve", "specificity", "energy_forms", "energy_surface", "heterogeneity")
    for name in figures:
        assert (folders.figures / f"{name}.png").stat().st_size > 10_000
        assert "SYNTHETIC" in (folders.figures / f"{name}.svg").read_text()
        assert pd.read_csv(folders.figures / f"{name}.csv")["data"].str.startswith("SYNTHETIC").all()


def test_second_run_performs_nothing_and_writes_the_same_bytes(copy, performed):
    before = {path.name: path.read_bytes() for path in copy.estimates.glob("audit_*.csv")}
    assert run_audit(copy) == 0
    assert performed == []
    assert {path.name: path.read_bytes() for path in copy.estimates.glob("audit_*.csv")} == before


def test_interrupted_run_performs_only_what_was_lost(copy, performed):
    (lost,) = (copy.processed / "audit").glob("*/two-recalls-*.npz")
    lost.unlink()
    (copy.estimates / "audit_recall.csv").unlink()
    assert run_audit(copy) == 0
    assert performed == ["two recalls"]
    assert (copy.estimates / "audit_recall.csv").exists()


def test_figure_that_is_not_drawn_now_does_not_stay_behind(copy, performed):
    copy.figures.mkdir()
    stale = [copy.figures / f"energy_forms{end}" for end in (".png", ".svg", ".csv", "_curves.csv")]
    for path in [*stale, copy.figures / "dose_response.png"]:
        path.write_text("of an earlier run")
    assert run_audit(copy) == 0  # `performed` draws none
    assert [path.name for path in copy.figures.iterdir()] == ["dose_response.png"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("SYNTHETIC survey", "NHANES 1999-2004"), ("NHANES 1999-2004", "SYNTHETIC survey")],
    ids=["invented into real", "real into invented"],
)
def test_real_and_invented_are_not_mixed(copy, performed, capsys, ours, theirs):
    """The fit stage's tables in the folder are another survey's than the participants."""
    models = pd.read_csv(copy.estimates / "models.csv")
    models.assign(data=theirs).to_csv(copy.estimates / "models.csv", index=False)
    provenance = copy.processed / "provenance.json"
    written = provenance.read_text().replace('"synthetic": true', f'"synthetic": {str(ours[0] == "S").lower()}')
    provenance.write_text(written)
    before = (copy.estimates / "audit_recall.csv").read_bytes()
    assert run_audit(copy, "--fresh") == StageError.exit_code
    assert theirs in capsys.readouterr().err
    assert performed == []
    assert (copy.estimates / "audit_recall.csv").read_bytes() == before


# ---- reading


def test_what_was_written_is_read_with_its_source(folders):
    frames, provenance = read_audit(folders)
    assert set(frames) == set(COLUMNS)
    assert provenance.synthetic
    assert frames["cycle_shapes"]["cycle"].iloc[-1] == "pooled"


def test_folder_without_an_audit_says_which_stage_to_run(tmp_path):
    with pytest.raises(StageError, match="make audit"):
        read_audit(Folders(tmp_path, tmp_path / "figures"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("specifications", None),
        ("specifications", ""),
        ("specifications", "weights,verdict,data\n"),
        ("specifications", "weights,verdict\ndietary,U\n"),
        ("recall", ""),
        ("energy_forms", 'form,estimand\nnone,"cut in the mid'),
    ],
    ids=["missing", "empty", "no rows", "no source", "another one empty", "cut"],
)
def test_damaged_table_says_which_stage_to_run(folders, tmp_path, name, content):
    shutil.copytree(folders.estimates, tmp_path / "processed" / "estimates")
    damaged = Folders(tmp_path, tmp_path / "figures")
    path = damaged.estimates / f"audit_{name}.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(StageError, match="make audit"):
        read_audit(damaged)
