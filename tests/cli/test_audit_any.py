"""``python -m analysis audit`` of a claim: its own folder, resuming, a column of one's own, refusals."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.audit import runner
from analysis.pipeline.audit import CONCLUSIONS, audit_folder
from analysis.pipeline.folders import Folders
from analysis.pipeline.study_file import read_study
from analysis.report.catalogue import AUDIT_FIGURES
from analysis.study import Study
from tests.audits import audited, copied, run_audit
from tests.shared import unmeasured

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(demo, shared, tmp_path_factory):
    """The audited invented survey, and the claim of a column of one's own beside the primary study's audit."""
    found = copied(audited(demo, shared), tmp_path_factory.mktemp("any"))
    before = {path: path.read_bytes() for path in found.estimates.glob("*.csv")}
    with unmeasured():  # the second run of it is, and the small audit of all tests
        assert run_audit(found, "--column", str(own_column(found))) == 0
    assert {path: path.read_bytes() for path in found.estimates.glob("*.csv")} == before
    return found


def own_column(folders: Folders):
    """A CSV file of noise, of everybody aged 40 or older: some of them have no recall and so no energy."""
    age = pd.read_parquet(folders.participants)["age_years"]
    noise = np.random.default_rng(1).gamma(4, 0.25, len(age))
    people = pd.Series(noise, age.index, name="my_score")[age >= 40]
    path = folders.data / "mine.csv"
    people.rename_axis("SEQN").reset_index().to_csv(path, index=False)
    return path


def test_a_claim_has_a_folder_of_tables_figures_and_one_page(folders):
    folder = folders.processed / "audits" / "my_score"
    assert (folder / CONCLUSIONS).read_text().startswith("# My score and peripheral neuropathy: what the audit")
    tables = {path.stem for path in folder.glob("*.csv")}
    assert {"specifications", "joint_test", "specificity", "energy_forms", "cycle_shapes", "psu_shape", "models",
            "shape", "failures", "not_asked"} <= tables  # fmt: skip
    for path in folder.glob("*.csv"):
        source = pd.read_csv(path)["data"]
        assert source.str.startswith("SYNTHETIC").all()
        assert source.str.endswith("; my_score from mine.csv").all()
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert figures == set(AUDIT_FIGURES)


def refuse_nonsense(page: str) -> None:
    """Of what is no intake, a page says nothing of intakes, misses no control that was not answered, and has no nan."""
    assert not re.findall(r"\bnan\b|0\.000\b", page)
    told, _, left = page.partition("\n## What could not be asked\n")
    assert not re.findall(r"intake|EI:BMR|1,000 kcal|recall", told)
    assert not re.search(r"misses what is known: [^.]*(age|HbA1c)", told)  # the survey has no such effect of height
    assert "Not answered" not in told
    for name in ("energy forms, as the residual on energy", "specification, 500-6000 kcal", "referee under-reporting",
                 "referee rows, day of the week", "two recalls"):  # fmt: skip
        assert re.search(rf"(\(|; ){name}(;|\)\.$)", left, re.MULTILINE)


def test_a_column_that_is_no_intake_is_answered_about_energy_and_asked_nothing_about_recalls(folders):
    folder = folders.processed / "audits" / "my_score"
    refuse_nonsense((folder / CONCLUSIONS).read_text())
    assert not len(pd.read_csv(folder / "failures.csv"))
    assert pd.read_csv(folder / "energy_forms.csv")["form"].tolist() == ["none", "linear", "spline"]
    controls = pd.read_csv(folder / "specificity.csv").query("kind != 'nutrient' and kind != 'heaped nutrient'")
    assert controls["overall_p"].notna().all()


def test_a_measured_exposure_is_audited_to_the_end(folders):
    with unmeasured():
        assert run_audit(folders, "--exposure", "hba1c_percent") == 0
    study = Study(exposure="hba1c_percent")
    page = page_of(folders, study)
    refuse_nonsense(page)
    assert page.startswith("# HbA1c and peripheral neuropathy: what the audit")
    assert not len(pd.read_csv(audit_folder(folders, study) / "failures.csv"))


def test_no_count_of_a_claim_is_of_fewer_than_ten_people(folders):
    for name in ("specifications", "specificity", "energy_forms", "energy_surface", "cycle_shapes", "psu_shape"):
        table = pd.read_csv(folders.processed / "audits" / "my_score" / f"{name}.csv")
        for column in {"n", "cases"} & set(table):
            assert not (table[column] < 10).any(), name


def test_a_second_run_of_a_claim_performs_nothing_and_writes_the_same_words(folders, monkeypatch):
    page = folders.processed / "audits" / "my_score" / CONCLUSIONS
    before = page.read_bytes()
    monkeypatch.setattr(runner, "perform_to_bytes", lambda *_: pytest.fail("performed again"))
    monkeypatch.setattr("analysis.pipeline.audit.audit_drawings", lambda *_: {})
    assert run_audit(folders, "--column", str(folders.data / "mine.csv")) == 0
    assert page.read_bytes() == before


# ---- claims of options and files, to the end
def page_of(folders: Folders, study: Study) -> str:
    """The page of words of a claim's folder, which has every table that it needs."""
    folder = audit_folder(folders, study)
    tables = {path.stem for path in folder.glob("*.csv")}
    assert {"specifications", "joint_test", "specificity", "energy_forms", "models", "shape", "not_asked"} <= tables
    assert set(pd.read_csv(folder / "models.csv")["exposure"]) == {study.exposure}
    assert {path.stem for path in (folder / "figures").glob("*.png")} <= set(AUDIT_FIGURES)
    return (folder / CONCLUSIONS).read_text()


def test_an_exposure_and_arterial_disease_are_audited_to_the_end(folders, capsys):
    with unmeasured():
        assert run_audit(folders, "--exposure", "zinc_mg", "--outcome", "pad") == 0
    study = Study(exposure="zinc_mg", outcome="pad")
    page = page_of(folders, study)
    assert page.startswith("# Zinc and peripheral arterial disease: what the audit")
    assert "neuropathy" not in page
    specifications = pd.read_csv(audit_folder(folders, study) / "specifications.csv")
    assert set(specifications["outcome"]) == {"pad"}
    assert str(audit_folder(folders, study)) in capsys.readouterr().out


def test_a_file_with_a_column_of_ones_own_is_audited_to_the_end(folders, tmp_path):
    """Every choice of the file holds for the column: other weights, ages and people."""
    path = tmp_path / "mine.toml"
    path.write_text('weights = "mec"\nage_min = 50\nage_max = 79\nwhere = "sex == \'female\'"\n')
    with unmeasured():
        assert run_audit(folders, "--study", str(path), "--column", str(folders.data / "mine.csv")) == 0
    study = Study(exposure="my_score", weights="mec", age_min=50, age_max=79, where="sex == 'female'")
    page = page_of(folders, study)
    assert page.startswith("# My score and peripheral neuropathy")
    assert "People: women aged 50 to 79;" in page
    assert re.search(r"Among [0-9,]+ women aged 50 to 79 \(", page)
    assert "or older" not in page
    people = pd.read_parquet(folders.participants).query("50 <= age_years <= 79 and sex == 'female' and weight_mec > 0")
    assert 0 < pd.read_csv(audit_folder(folders, study) / "models.csv")["n"].iloc[0] <= len(people)


def test_a_committed_example_is_audited_to_the_end(folders):
    path = ROOT / "data" / "studies" / "tao_2008.toml"
    with unmeasured():
        assert run_audit(folders, "--study", str(path)) == 0
    assert "told" in page_of(folders, read_study(path))


def test_what_of_a_file_is_missing_or_left_out_is_said(tmp_path, capsys, monkeypatch):
    """By the command line, before the audit, which is not what is asked here."""
    monkeypatch.setattr("analysis.cli.audits.audit", lambda *_, **__: [])
    (tmp_path / "mine.csv").write_text(",SEQN,mine\n0,11,1\n1,12,\n2,13,3\n")
    assert main(["audit", "--data", str(tmp_path), "--column", str(tmp_path / "mine.csv")]) == 0
    told = capsys.readouterr().out
    assert "mine.csv: its first column has no name, as of an index: left out.\n" in told
    assert "mine.csv: 1 of 3 cells of mine are empty: missing values.\n" in told


# ---- bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SEQN,mine\n999999999,2\n", "a SEQN of nobody who was interviewed in these cycles (line 2)"),
        ("SEQN,mine\n{0},2\n{0},3\n", "a SEQN that is there twice: keep one row a person (line 2, 3)"),
        ("SEQN,mine\n{0},high\n", "no finite number in 'mine'"),
        ("SEQN,mine\n{0},\n", "'mine' has 0 values: a curve needs numbers"),
        ("SEQN,mine\n{0},NA\n", "leave the cell empty where the value is not known"),
        (
            "SEQN,pn_mine\n{0},1\n",
            "'pn_mine' begins with 'pn_', as columns of the outcome, the design or eligibility do",
        ),
        ("SEQN,weight_mine\n{0},1\n", "'weight_mine' begins with 'weight_'"),
        ("SEQN,recalled\n{0},1\n", "'recalled' begins with 'recall'"),
        (",SEQN,mine,other\n0,1,2,3\n", "expected a CSV file with the columns SEQN and one of numbers"),
        ("SEQN,mine\n{0},inf\n", "no finite number in 'mine'"),
        ("SEQN,mine\n{0},1\n", "'mine' has 1 values: a curve needs numbers"),
        ("SEQN,mine\n", "0 rows of the columns SEQN, mine"),
        ("id,mine\n1,2\n", "expected a CSV file with the columns SEQN and one of numbers"),
        ("SEQN,mine,other\n1,2,3\n", "expected a CSV file with the columns SEQN and one of numbers"),
        ("SEQN,magnesium_mg\n{0},2\n", "'magnesium_mg' is a harmonised column already"),
        ("", "expected a CSV file"),
        (None, "expected a CSV file"),
    ],
)
def test_a_column_that_cannot_be_joined_is_refused_with_one_message(
    folders, participants, tmp_path, capsys, text, message
):
    path = tmp_path / "mine.csv"
    if text is not None:
        path.write_text(text.format(participants.index[0]))
    before = sorted((folders.processed / "audits").iterdir())
    assert run_audit(folders, "--column", str(path)) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert sorted((folders.processed / "audits").iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--exposure", "phosphorous_mg"], "did you mean phosphorus_mg"),
        (["--exposure", "age_years"], "age_years is the exposure and also a covariate of model 1"),
        (["--exposure", "alcohol_g"], "knots"),
        (["--study", "missing.toml"], "expected a readable TOML file"),
        (["--study", "missing.toml", "--outcome", "pad"], "expected every choice in the file"),
        (["--column", "missing.csv", "--exposure", "zinc_mg"], "expected a CSV file"),
        (["--column", "COLUMN", "--exposure", "zinc_mg"], "Leave one out"),
        (["--column", "COLUMN", "--study", "a.toml", "b.toml"], "expected one, whose exposure the column then is"),
        (["--column", "COLUMN", "--study", "data/studies/tao_2008.toml"], "beside the column 'my_score'"),
    ],
)
def test_a_claim_that_cannot_be_audited_is_refused_with_one_message(folders, capsys, monkeypatch, options, message):
    monkeypatch.setattr("analysis.pipeline.audit.run_tasks", lambda *_, **__: pytest.fail("the long part has begun"))
    monkeypatch.chdir(ROOT)
    mine = str(folders.data / "mine.csv")
    assert run_audit(folders, *(mine if option == "COLUMN" else option for option in options)) != 0
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
