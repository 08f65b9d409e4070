"""The stage that puts printed numbers beside ours: what is known is written before what may be refused."""

import pandas as pd
import pytest

from analysis.data.people.conditions import ConditionError
from analysis.pipeline import published
from analysis.pipeline.folders import Folders
from analysis.provenance import Provenance


def test_the_table_is_written_before_the_claims_are_asked_again(tmp_path, monkeypatch) -> None:
    def refused(_people: pd.DataFrame) -> pd.DataFrame:
        raise ConditionError("unknown column 'shoe_size'")

    table = pd.DataFrame({"study": ["A"], "ours": [1.5]})
    monkeypatch.setattr(published, "read_participants", lambda _: (pd.DataFrame(), Provenance("real", synthetic=False)))
    monkeypatch.setattr(published, "compare_studies", lambda _: table)
    monkeypatch.setattr(published, "do_they_stand", refused)
    folders = Folders(tmp_path / "data", tmp_path / "figures")
    folders.estimates.mkdir(parents=True)
    with pytest.raises(ConditionError, match="shoe_size"):
        published.compare_with_studies(folders)
    assert pd.read_csv(folders.estimates / "published.csv")["ours"].tolist() == [1.5]
    assert not (folders.estimates / "published_stands.csv").exists()
