"""A column of one's own from a CSV file: what is missing, and what pandas writes beside it."""

import numpy as np
import pandas as pd
import pytest

from analysis.pipeline.column import column_notes, read_column
from analysis.study import StudyError
from tests.people import NAN

PEOPLE = pd.DataFrame({"age_years": 50.0}, index=pd.Index(range(11, 17), name="SEQN"))


def written(path, text):
    (path / "mine.csv").write_text(text)
    return path / "mine.csv"


def test_an_empty_cell_is_a_missing_value_and_told(tmp_path) -> None:
    path = written(tmp_path, "SEQN,mine\n11,1\n12,\n13, \n14,2\n15,3\n")
    np.testing.assert_equal(read_column(path, PEOPLE).to_numpy(), [1, NAN, NAN, 2, 3, NAN])
    assert column_notes(path) == ["mine.csv: 2 of 5 cells of mine are empty: missing values."]


def test_a_file_as_pandas_writes_it_with_its_index_is_read(tmp_path) -> None:
    rows = pd.DataFrame({"SEQN": [11, 12, 14], "mine": [1.0, 2.0, 3.0]})
    rows.to_csv(tmp_path / "mine.csv")
    (tmp_path / "plain").mkdir()
    rows.to_csv(tmp_path / "plain" / "mine.csv", index=False)
    found = read_column(tmp_path / "mine.csv", PEOPLE)
    pd.testing.assert_series_equal(found, read_column(tmp_path / "plain" / "mine.csv", PEOPLE))
    assert found.name == "mine"
    assert column_notes(tmp_path / "mine.csv") == ["mine.csv: its first column has no name, as of an index: left out."]
    assert column_notes(tmp_path / "plain" / "mine.csv") == []


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("pn_mine", "strict"), ("weight_mine", "strict"), ("strata2", "strict"), ("cycles", "pad"), ("abi_mine", "pad")],
)
def test_a_name_that_stands_for_outcome_or_design_is_refused_with_the_reason(tmp_path, name, outcome) -> None:
    path = written(tmp_path, f"SEQN,{name}\n11,1\n12,2\n13,3\n")
    with pytest.raises(StudyError, match="give yours another name") as refused:
        read_column(path, PEOPLE, outcomes=(outcome,))
    assert len(str(refused.value)) < 250 + len(str(path))


def test_a_name_of_another_outcomes_parts_is_taken(tmp_path) -> None:
    path = written(tmp_path, "SEQN,abi_mine\n11,1\n12,2\n13,3\n")
    assert read_column(path, PEOPLE, outcomes=("strict",)).notna().sum() == 3
