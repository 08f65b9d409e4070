"""docs/replications.md: every field as the code has it, and its worked example run as a reader would."""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.validation.studies.fields import EXAMPLES, replication_fields
from analysis.validation.studies.replication import PRINTED as PRINTED_FIELDS
from analysis.validation.studies.replication import REPLICATION_FIELDS, ReplicationError, check_kind

TEXT = (Path(__file__).parents[2] / "docs" / "replications.md").read_text()
(FILE,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
(COMMAND,) = re.findall(r"```sh\n\S+ -m analysis (.*?)\n```", TEXT)
(PRINTED,) = re.findall(r"```text\n(.*?)```", TEXT, flags=re.DOTALL)


def test_every_field_is_told_with_its_meaning_and_default():
    table = replication_fields()
    assert table["field"].str.strip("`").tolist() == list(REPLICATION_FIELDS)
    assert (table["meaning"].str.len() > 8).all()
    for name, default in zip(REPLICATION_FIELDS, table["default"], strict=True):
        if default == "must be there":
            continue
        read = tomllib.loads(f"value = {default}")["value"]
        assert (tuple(read) if isinstance(read, list) else read) == REPLICATION_FIELDS[name].default


@pytest.mark.parametrize("name", REPLICATION_FIELDS)
def test_every_example_is_a_line_of_a_file(name):
    ((key, value),) = tomllib.loads(EXAMPLES[name]).items()
    assert key == name
    check_kind(key, value, "an example")
    if name not in PRINTED_FIELDS:  # which the row itself refuses
        with pytest.raises(ReplicationError, match="an example: .* expected"):
            check_kind(key, {"a": "table"}, "an example")


def test_what_cannot_be_a_row_is_named():
    named = TEXT.partition("Not to be written as a row:")[2].partition("Say so")[0]
    for kind in ("percentiles", "linear slopes", "differences of means", "trends", "standardised", "over time"):
        assert kind in " ".join(named.split())


def test_the_worked_example_prints_what_the_page_says(demo, tmp_path, monkeypatch, capsys):
    """If the last lines fail after a change of the code or the invented survey: put what is printed into the page."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(FILE)
    assert main([*COMMAND.split(), "--data", str(demo.data)]) == 0
    found = pd.read_csv("mine_published.csv")
    assert len(found) == FILE.count("[[row]]")
    assert found["ours"].notna().all()
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == PRINTED.splitlines()
