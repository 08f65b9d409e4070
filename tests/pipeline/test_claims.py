import dataclasses
import shutil

import pandas as pd

from analysis.errors import AnalysisError
from analysis.pipeline import claims as stage
from analysis.pipeline.claims import CLAIMS, answer_claims, frames_of
from analysis.report.catalogue import CLAIM_FIGURES
from tests.audits import copied


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
    written, unanswered = answer_claims(folders)
    assert unanswered.pop("verdicts").startswith("claim by claim: 'adequacy_shares' is missing")
    assert unanswered == {"adequacy": "nobody has two recalls"}
    assert {path.stem.split("_")[1] for path in folders.estimates.glob("claims_*.csv")} == {"recall", "foods"}
    assert {path.stem for path in written} == {"foods"}
    assert not (folders.figures / "adequacy.png").exists()


def test_an_answer_is_a_frame_or_a_dataclass_of_frames():
    @dataclasses.dataclass
    class Two:
        left: pd.DataFrame
        right: pd.DataFrame

    one = pd.DataFrame({"x": [1]})
    assert list(frames_of("foods", one)) == ["foods"]
    assert list(frames_of("foods", Two(one, one))) == ["foods_left", "foods_right"]
