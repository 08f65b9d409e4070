"""README's first screen is short, its commands, targets and links are there, and what is written by hand is true.

What its parts tell of the results is held in `tests/report/documents/test_documents.py`.
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.cli.options import build_parser
from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_claims, read_estimates, read_referee, read_simulation
from analysis.report.documents.parts import PART
from analysis.report.words import first_screen

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
FOLDERS = Folders(ROOT / "data", ROOT / "figures")
LONGEST = 160
"""Lines of README."""

MOST_WORDS = 120
MOST_ESTIMATES = 6
ESTIMATE = re.compile(r"\d+\.\d+ \([^)]*\)|\d+\.\d+ %|p [=<] \d\S*|\d+\.\d+")
"""A number with decimals; its interval or p belongs to it."""


@pytest.fixture(scope="module")
def screen():
    estimates, provenance = read_estimates(FOLDERS)
    assert not provenance.synthetic
    audit, referee, simulation = (read(FOLDERS)[0] for read in (read_audit, read_referee, read_simulation))
    return first_screen.first_screen_markdown(estimates, audit, referee["referee"], simulation)


@pytest.mark.committed
def test_readme_begins_with_the_first_screen(screen):
    title, _, rest = TEXT.partition("\n\n")
    assert title.startswith("# ")
    assert rest.removeprefix("<!-- part: first screen -->\n").startswith(f"{screen}\n\n![")
    assert PART.search(TEXT)["name"] == "first screen"


@pytest.mark.committed
def test_first_screen_is_read_in_a_minute(screen):
    words = [word for word in screen.split() if re.search(r"[A-Za-z0-9]", word)]
    assert len(words) <= MOST_WORDS
    assert 0 < len(ESTIMATE.findall(screen)) <= MOST_ESTIMATES


def test_three_doors_stand_before_the_words_and_the_words_before_the_tables():
    places = [TEXT.index(mark) for mark in ("**Read**", "**Run**", "**Check**", "## Words", "part: is it a u")]
    assert places == sorted(places)
    terms = re.findall(r"^\| ([^|-][^|]*) \|", TEXT.partition("## Words")[2].partition("##")[0], flags=re.MULTILINE)
    assert 8 <= len(terms) - 1 <= 13


def test_readme_is_short():
    assert len(TEXT.splitlines()) <= LONGEST


@pytest.mark.committed
def test_numbers_written_by_hand_are_those_of_the_study():
    words = " ".join(TEXT.split())
    row = read_estimates(FOLDERS)[0]["models"].set_index("model").loc["1"]
    told = f"{row['design_df']} design degrees of freedom, of which model 1 leaves {row['residual_df']}: p-values and"
    assert f"{told} intervals rest on {row['n_psu']} sampling units" in words
    assert f"{row['n_psu']} of them, not thousands" in words


@pytest.mark.committed
def test_published_numbers_are_counted_from_the_table():
    told = TEXT.partition("part: published in short -->")[2].partition("<!-- end")[0]
    agreement = pd.read_csv(FOLDERS.estimates / "published.csv")["agreement"].value_counts()
    missed, close, printed = (agreement[name] for name in ("not reached", "close", "as printed"))
    assert f"{printed} are recomputed as printed, {close} closely and {missed} not;" in told


def test_what_the_article_may_have_read_is_told_in_the_words_of_the_validation():
    validation = " ".join((ROOT / "docs" / "validation.md").read_text().split())
    start, end = "the abstract of Wu 2024", "in nearly the article's words"
    told, held = (text[text.index(start) : text.index(end)] for text in (" ".join(TEXT.split()), validation))
    assert told.replace(" (PLoS ONE 19:e0299566)", "") == held
    assert "magnesium intake levels" in held


def test_tables_of_magnesium_that_exist_are_told():
    words = " ".join(TEXT.split())
    assert "Tables of magnesium exist, of intake (Ford & Mokdad 2003) and of arterial disease (Wu 2023)" in words
    assert "none of neuropathy was found" in words


@pytest.mark.committed
def test_all_nine_claims_are_told_in_a_line_each():
    table = TEXT.partition("part: claims in short")[2].partition("<!-- end")[0]
    assert len(re.findall(r"^\| \d\. ", table, flags=re.MULTILINE)) == 9
    assert read_claims(FOLDERS)[0]["verdicts"]["claim"].nunique() == 9


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)", TEXT))
    assert named
    assert not [target for target in sorted(named) if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)]


def test_every_link_leads_somewhere():
    links = set(re.findall(r"\]\(([^)#:]+)\)", TEXT))
    assert links
    assert not [path for path in sorted(links) if not (ROOT / path).exists()]


COMMANDS = re.findall(r"^ {4}\S+ -m analysis (estimate .+)", TEXT, flags=re.MULTILINE)


def test_commands_are_shown():
    assert len(COMMANDS) >= 2
    table = TEXT.partition("## Commands")[2].partition("## Limits")[0]
    assert re.search(r"^\| `make published` \|", table, flags=re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_is_shown_can_be_parsed(line):
    arguments = [part.strip("'\"") for part in re.findall(r"\"[^\"]*\"|\S+", line)]
    assert build_parser().parse_args(arguments).stage == "estimate"
