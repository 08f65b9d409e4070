import dataclasses
import shutil

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.pipeline import claims as stage
from analysis.pipeline.claims import CLAIMS, answer_claims, frames_of
from analysis.pipeline.folders import Folders
from analysis.report.catalogue import CLAIM_FIGURES


@pytest.fixture(scope="module")
def answered(demo, tmp_path_factory) -> Folders:
    """A copy of the invented survey's results after the stage."""
    data = tmp_path_factory.mktemp("claims")
    shutil.copytree(demo.processed, data / "processed")
    (data / "raw").symlink_to(demo.raw)
    folders = Folders(data, data / "figures")
    written, unanswered = answer_claims(folders)
    assert unanswered == {}
    assert {path.stem for path in written} == set(CLAIM_FIGURES)
    return folders


def test_every_claim_has_tables_that_name_their_source(answered):
    tables = sorted(path.stem for path in answered.estimates.glob("claims_*.csv"))
    assert {name.split("_")[1] for name in tables} == {*CLAIMS, "foods", "verdicts"}
    for name in tables:
        frame = pd.read_csv(answered.estimates / f"{name}.csv")
        assert not frame.empty
        assert frame["data"].str.startswith("SYNTHETIC").all()


def test_every_figure_has_the_csv_of_its_numbers(answered):
    for name in CLAIM_FIGURES:
        assert all((answered.figures / f"{name}.{kind}").stat().st_size for kind in ("png", "svg", "csv"))


def test_a_claim_without_an_answer_leaves_the_others_and_nothing_of_an_earlier_run(answered, monkeypatch):
    def refuse(people: pd.DataFrame) -> None:
        raise AnalysisError("nobody has two recalls")

    monkeypatch.setattr(stage, "CLAIMS", CLAIMS | {"adequacy": refuse})
    _, unanswered = answer_claims(answered)
    assert unanswered.pop("verdicts").startswith("claim by claim: 'adequacy_shares' is missing")
    assert unanswered == {"adequacy": "nobody has two recalls"}
    assert not list(answered.estimates.glob("claims_adequacy*.csv"))
    assert not (answered.figures / "adequacy.png").exists()
    assert (answered.estimates / "claims_modifiers_tests.csv").exists()


def test_an_answer_is_a_frame_or_a_dataclass_of_frames():
    @dataclasses.dataclass
    class Two:
        left: pd.DataFrame
        right: pd.DataFrame

    one = pd.DataFrame({"x": [1]})
    assert list(frames_of("foods", one)) == ["foods"]
    assert list(frames_of("foods", Two(one, one))) == ["foods_left", "foods_right"]
