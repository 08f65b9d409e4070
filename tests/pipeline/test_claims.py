import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.pipeline import claims as stage
from analysis.pipeline.claims import CLAIMS, answer_claims, frames_of
from analysis.pipeline.draw import draw_stage
from analysis.pipeline.folders import Folders
from analysis.report.catalogue import CLAIM_FIGURES
from tests.audits import copied
from tests.shared import few_dots

ROOT = Path(__file__).parents[2]


def test_every_claim_has_tables_that_name_their_source(demo):
    tables = sorted(path.stem for path in demo.estimates.glob("claims_*.csv"))
    assert {name.split("_")[1] for name in tables} == {*CLAIMS, "foods", "verdicts"}
    for name in tables:
        frame = pd.read_csv(demo.estimates / f"{name}.csv")
        assert not frame.empty
        assert frame["data"].str.startswith("SYNTHETIC").all()


def test_every_figure_is_named_and_has_the_csv_of_its_numbers(demo):
    printed = (demo.data.parent / "printed.txt").read_text()
    for name in CLAIM_FIGURES:
        assert all((demo.figures / f"{name}.{kind}").stat().st_size for kind in ("png", "svg", "csv"))
        assert f"{demo.figures / name}.png\n" in printed


def test_a_claim_without_an_answer_leaves_the_others_and_nothing_of_an_earlier_run(demo, tmp_path, monkeypatch):
    def refuse(people: pd.DataFrame) -> None:
        raise AnalysisError("nobody has two recalls")

    folders = copied(demo, tmp_path)
    shutil.copytree(demo.figures, folders.figures)
    monkeypatch.setattr(stage, "CLAIMS", {"adequacy": refuse, "recall": CLAIMS["recall"]})
    before = {path.name for path in folders.figures.iterdir()}
    unanswered = answer_claims(folders)
    assert unanswered.pop("verdicts").startswith("claim by claim: 'adequacy_shares' is missing")
    assert unanswered == {"adequacy": "nobody has two recalls"}
    assert {path.stem.split("_")[1] for path in folders.estimates.glob("claims_*.csv")} == {"recall", "foods"}
    assert {path.name for path in folders.figures.iterdir()} == before, "the stage computes and draws nothing"
    with few_dots():
        assert {path.stem for path in draw_stage(folders, "claims")} == {"foods"}
    gone = before - {path.name for path in folders.figures.iterdir()}
    assert {name.split(".")[0] for name in gone} == {
        *CLAIM_FIGURES, "adequacy_odds_ratios", "modifiers_tests"
    } - {"foods"}  # fmt: skip


def test_figures_go_with_their_tables_and_stay_where_these_cannot_be_read(demo, tmp_path):
    folders = copied(demo, tmp_path)
    shutil.copytree(demo.figures, folders.figures)
    before = {path.name for path in folders.figures.iterdir()}
    tables = list(folders.estimates.glob("claims_*.csv"))
    for path in tables:
        path.write_text("cut\n")
    assert draw_stage(folders, "claims") == []
    assert {path.name for path in folders.figures.iterdir()} == before
    for path in tables:
        path.unlink()
    assert draw_stage(folders, "claims") == []
    left = {path.stem for path in folders.figures.iterdir()}
    assert not left & {*CLAIM_FIGURES, "adequacy_odds_ratios", "modifiers_tests"}
    assert {"dose_response", "models", "flow_reasons"} <= left


@pytest.mark.committed
@pytest.mark.parametrize("stage", ["published", "referee"])
def test_figures_of_tables_that_were_read_back_say_what_the_committed_ones_say(stage, tmp_path):
    folders = Folders(tmp_path, tmp_path / "figures")
    folders.estimates.mkdir(parents=True)
    for path in (ROOT / "data" / "processed" / "estimates").glob(f"{stage}*.csv"):
        shutil.copy(path, folders.estimates)
    draw_stage(folders, stage)
    for kind in ("md", "csv"):
        drawn, committed = folders.figures / f"{stage}.{kind}", ROOT / "figures" / f"{stage}.{kind}"
        assert drawn.read_text() == committed.read_text()


def test_an_answer_is_a_frame_or_a_dataclass_of_frames():
    @dataclasses.dataclass
    class Two:
        left: pd.DataFrame
        right: pd.DataFrame

    one = pd.DataFrame({"x": [1]})
    assert list(frames_of("foods", one)) == ["foods"]
    assert list(frames_of("foods", Two(one, one))) == ["foods_left", "foods_right"]
