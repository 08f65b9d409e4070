"""``python -m analysis published --study FILE``: a reader's own file beside the participants, and what is refused."""

import pandas as pd
import pytest

from analysis.__main__ import main

OWN = """
study = "Mine 2020"
citation = "J 1:2"
read_in = "the text"
sample = "age_years >= 40 and examined"

[[row]]
item = "people"
kind = "count"
printed = "1,234"
how = "without the unknown"

[[row]]
item = "told of diabetes, OR"
kind = "odds_ratio"
outcome = "pn_strict"
exposure = "told_diabetes"
covariates = ["age_years", "sex"]
printed = "1.50"
printed_low = "0.01"
printed_high = "99"

[[row]]
item = "a registry, %"
kind = "prevalence"
printed = "3"
not_recomputed = "of other people"
"""


def published(demo, *options) -> int:
    return main(["published", "--data", str(demo.data), *map(str, options)])


def test_own_files_are_recomputed_printed_and_written_beside_themselves(demo, participants, tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    other = tmp_path / "other.toml"
    other.write_text(OWN.replace("Mine 2020", "Other 2021"))
    assert published(demo, "--study", path, other) == 0
    told = capsys.readouterr().out
    found = pd.read_csv(tmp_path / "mine_published.csv")
    people = len(participants.query("age_years >= 40 and examined"))
    assert found["study"].tolist() == 3 * ["Mine 2020"] + 3 * ["Other 2021"]
    assert found["ours"].iloc[0] == people
    assert found["data"].str.startswith("SYNTHETIC").all()
    row = found.iloc[1]
    assert row["ours_low"] < row["ours"] < row["ours_high"]
    for words in (
        "Mine 2020, J 1:2", f"{people:,}", "1.50 (0.01 to 99)", f"{row['ours']:.3f} ({row['ours_low']:.3f} to ",
        "Of 6 numbers: ", "2 not recomputed (the file says why)", "no agreement with an invented survey means anything",
        "Mine 2020, people: not reached: without the unknown.",
        "Other 2021, a registry, %: not recomputed: of other people.",
        str(tmp_path / "mine_published.csv"),
    ):  # fmt: skip
        assert words in told
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.toml", "mine_published.csv", "other.toml"]


def test_the_table_is_written_where_it_is_wished(demo, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    assert published(demo, "--study", path, "-o", tmp_path / "there" / "table.csv") == 0
    assert len(pd.read_csv(tmp_path / "there" / "table.csv")) == 3
    assert not (tmp_path / "mine_published.csv").exists()


@pytest.mark.parametrize(
    ("text", "output", "code", "message"),
    [
        (None, "a.csv", 2, "expected a readable TOML file of published numbers"),
        ("study = 3", "a.csv", 2, "no [[row]]"),
        (OWN.replace("age_years", "age_year"), "a.csv", 2, "Mine 2020, people: unknown column 'age_year'"),
        (OWN.replace('"odds_ratio"', '"hazard_ratio"'), "a.csv", 2, "Mine 2020, told of diabetes, OR: kind='hazard_"),
        (OWN, "a.toml", 3, "expected a name that ends in .csv"),
        (OWN, "ESTIMATES/published.csv", 3, "outside"),
    ],
)
def test_what_cannot_be_recomputed_is_refused_with_one_message(demo, tmp_path, capsys, text, output, code, message):
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    before = sorted(tmp_path.iterdir())
    place = output.replace("ESTIMATES", str(demo.estimates))
    assert published(demo, "--study", path, "-o", tmp_path / place) == code
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert sorted(tmp_path.iterdir()) == before


def test_output_without_a_file_of_ones_own_is_refused(demo, tmp_path, capsys):
    assert published(demo, "-o", tmp_path / "a.csv") == 3
    assert "-o without --study" in capsys.readouterr().err
