"""A primary study that was changed, as the README says one may: through every stage, or refused before the first."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.audit import specifications
from analysis.audit.recall import two_recalls
from analysis.audit.specifications import Specification, refuse_outside_grid
from analysis.errors import AnalysisError
from analysis.pipeline import fit as pipeline
from analysis.pipeline.fit import fit_models
from analysis.pipeline.folders import Folders
from analysis.study import PRIMARY, Study, StudyError
from tests.audits import copied
from tests.conftest import REVISED

ROOT = Path(__file__).parents[1]
CHANGED = """Study(outcome="two_sites", where="has_diabetes == 1", knots=3)"""
"""As README's example ``replace(PRIMARY, ..., outcome="two_sites")``, and of people who all have a covariate."""

RUN = """
import sys
from analysis.__main__ import main
from analysis.report.figures import layout
layout.light_png = lambda *_, **__: b""  # what takes longest, and nobody looks at
for stage in ("fit", "shapes --replicates 2 --jobs 1", "figures"):
    if code := main([*stage.split(), *sys.argv[1:]]):
        sys.exit(code)
"""
"""The stages one after the other in one Python, whose start takes as long as a fit."""


def run_stages(folders: Folders, source: Path) -> str:
    """Run the stages of the changed sources; what they printed."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, "--data", str(folders.data), "--figures", str(folders.figures)],
        env=os.environ | {"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_changed_primary_study_goes_through_fit_shapes_and_figures_which_name_a_revision(revised, tmp_path):
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    text, times = re.subn(
        r"^PRIMARY = .*$", f"PRIMARY = {CHANGED}", (source / "analysis/study.py").read_text(), flags=re.M
    )
    assert times == 1
    (source / "analysis/study.py").write_text(text)
    folders = copied(revised, tmp_path)
    assert str(folders.figures / "dose_response.png") in run_stages(folders, source)
    for path in [*folders.estimates.glob("*.csv"), *folders.figures.glob("*.csv")]:
        assert pd.read_csv(path)["data"].str.contains(f"revised tables accepted: {REVISED}").all(), path
    models = pd.read_csv(folders.estimates / "models.csv", dtype=str)
    asked = eval(CHANGED, {"Study": Study})
    assert models["outcome"].unique().tolist() == [asked.outcome]
    assert models["where"].fillna("").unique().tolist() == [asked.where or ""]


@pytest.mark.parametrize(
    ("primary", "message"),
    [
        (Study(cycles=(1999,)), r"^model 2: \d+ coefficients on"),
        (Study(where="age_years >= 84"), r"^model crude: strata"),
    ],
)
def test_a_fit_that_is_refused_names_the_model(demo, tmp_path, monkeypatch, primary, message):
    folders = copied(demo, tmp_path)
    monkeypatch.setattr(pipeline, "PRIMARY", primary)
    with pytest.raises(AnalysisError, match=message):
        fit_models(folders)


def test_specifications_are_of_the_changed_studys_people(monkeypatch):
    monkeypatch.setattr(specifications, "PRIMARY", replace(PRIMARY, where="pir < 1 or pir > 4", cycles=(2001, 2003)))
    cell = Specification("dietary", "strict", "no diabetes", "2 + height", "none", 4)
    assert cell.study.where == "(pir < 1 or pir > 4) and (has_diabetes == 0)"
    assert cell.study.cycles == (2001, 2003)
    assert cell.study.extra_covariates == ("height_cm",)
    everybody = replace(PRIMARY, extra_covariates=("height_cm", "hba1c_percent", "pir"))
    monkeypatch.setattr(specifications, "PRIMARY", everybody)
    assert cell.study.extra_covariates == ("height_cm", "hba1c_percent")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("knots", 6, r"does not hold the study: knots 6, expected one of 3, 4, 5"),
        ("model", "crude", r"does not hold the study: covariates crude, expected one of 1, 2, 2 \+ height"),
        ("model", "3", "adjusts for energy itself, in several ways"),
    ],
)
def test_the_audit_is_refused_before_it_begins_where_its_grid_does_not_hold_the_study(name, value, message):
    refuse_outside_grid()
    with pytest.raises(StudyError, match=message):
        refuse_outside_grid(replace(PRIMARY, **{name: value}))


@pytest.mark.parametrize("study", [Study(exposure="hba1c_percent"), Study(cycles=(1999, 2001))])
def test_two_days_of_what_has_one_are_refused(participants, study):
    with pytest.raises(StudyError, match=r"expected one of energy_kcal, .*magnesium_mg.*, and the cycle 2003"):
        two_recalls(participants, study=study)
