"""``python -m analysis audit`` of a claim: its own folder, resuming, a column of one's own, refusals."""

import pandas as pd
import pytest

from analysis.audit import runner
from analysis.pipeline.audit import CONCLUSIONS
from analysis.pipeline.folders import Folders
from analysis.report.catalogue import AUDIT_FIGURES
from tests.audits import audited, copied, run_audit
from tests.shared import unmeasured


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
    """A CSV file of everybody's phosphorus under another name."""
    people = pd.read_parquet(folders.participants)["phosphorus_mg"].dropna().rename("my_score")
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


def test_no_count_of_a_claim_is_of_fewer_than_ten_people(folders):
    for name in ("specifications", "specificity", "energy_forms", "energy_surface", "cycle_shapes", "psu_shape"):
        table = pd.read_csv(folders.processed / "audits" / "my_score" / f"{name}.csv")
        for column in {"n", "cases"} & set(table):
            assert not (table[column] < 10).any(), name


def test_a_second_run_of_a_claim_performs_nothing_and_writes_the_same_words(folders, monkeypatch):
    page = folders.processed / "audits" / "my_score" / CONCLUSIONS
    before = page.read_bytes()
    monkeypatch.setattr(runner, "_perform", lambda *_: pytest.fail("performed again"))
    monkeypatch.setattr("analysis.pipeline.audit.audit_drawings", lambda *_: {})
    assert run_audit(folders, "--column", str(folders.data / "mine.csv")) == 0
    assert page.read_bytes() == before


# ---- bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SEQN,mine\n999999999,2\n", "a SEQN of nobody who was interviewed in these cycles (line 2)"),
        ("SEQN,mine\n{0},2\n{0},3\n", "a SEQN that is there twice (line 2, 3)"),
        ("SEQN,mine\n{0},high\n", "no finite number in 'mine'"),
        ("SEQN,mine\n{0},\n", "no finite number in 'mine'"),
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
        (["--column", "missing.csv", "--exposure", "zinc_mg"], "Leave one out"),
    ],
)
def test_a_claim_that_cannot_be_audited_is_refused_with_one_message(folders, capsys, monkeypatch, options, message):
    monkeypatch.setattr("analysis.pipeline.audit.run_tasks", lambda *_, **__: pytest.fail("the long part has begun"))
    assert run_audit(folders, *options) != 0
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
