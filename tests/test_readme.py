"""What the README says is what the committed estimates and the commands are."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.audit.specifications import specification_grid
from analysis.cli.options import build_parser
from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_claims, read_estimates, read_simulation
from analysis.report.words import bottom_line as bottom_line_words
from analysis.report.words import claims as claims_words
from analysis.report.words import published as published_words
from analysis.report.words import shape as shape_words
from analysis.report.words import simulation as simulation_words
from analysis.report.words import study as study_words

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


@pytest.mark.committed
def test_answer_and_verdict_are_the_committed_estimates_sentences():
    estimates, provenance = read_estimates(Folders(ROOT / "data", ROOT / "figures"))
    assert not provenance.synthetic
    for words in (
        study_words.answer_sentence(estimates),
        shape_words.shape_sentence(estimates),
        shape_words.knots_sentence(estimates),
    ):
        assert words in " ".join(TEXT.split())


@pytest.mark.committed
def test_bottom_line_of_the_audit_is_that_of_the_committed_tables():
    folders = Folders(ROOT / "data", ROOT / "figures")
    audit, provenance = read_audit(folders)
    assert not provenance.synthetic
    for say in (bottom_line_words.bottom_line, bottom_line_words.short_line):
        assert say(read_estimates(folders)[0], audit, read_simulation(folders)) in " ".join(TEXT.split())


@pytest.mark.committed
def test_claims_are_those_of_the_committed_verdicts():
    verdicts = read_claims(Folders(ROOT / "data", ROOT / "figures"))[0]["verdicts"]
    assert claims_words.claims_markdown(verdicts) in TEXT
    assert claims_words.balance_sentences(verdicts) in " ".join(TEXT.split())


def test_power_of_the_energy_forms_is_that_of_the_committed_simulation():
    simulation = read_simulation(Folders(ROOT / "data", ROOT / "figures"))
    table, _, means = simulation_words.energy_power_markdown(simulation).partition("\n\n")
    assert table in TEXT
    assert means in " ".join(TEXT.split())


@pytest.mark.committed
def test_numbers_written_by_hand_are_those_of_the_study():
    words = " ".join(TEXT.split())
    assert f"{len(specification_grid()):,} specifications, every nutrient" in words
    row = read_estimates(Folders(ROOT / "data", ROOT / "figures"))[0]["models"].set_index("model").loc["1"]
    told = f"{row['design_df']} design degrees of freedom, of which model 1 leaves {row['residual_df']}: p-values and"
    assert f"{told} intervals rest on {row['n_psu']} sampling units" in words


def test_answer_is_short_enough_to_be_read_before_the_first_figure():
    answer = TEXT.partition("**Answer.**")[2].partition("![")[0].partition("\n\n")[0]
    assert len(answer.splitlines()) <= 12


@pytest.mark.committed
def test_claims_about_the_knots_are_those_of_the_committed_estimates():
    """By hand in the README: three knots on unweighted quantiles make it a U, four to six do not."""
    said = "three of them, on unweighted quantiles, would have made it a U, four to six do not"
    assert said in " ".join(TEXT.split())
    estimates, _ = read_estimates(Folders(ROOT / "data", ROOT / "figures"))
    rows = estimates["knots"].query("form == 'spline' and knot_quantiles == 'unweighted'").set_index("knots")
    assert (rows["verdict"] == "U").to_dict() == {"3": True, "4": False, "5": False, "6": False}


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z]+)", TEXT))
    assert named
    assert not [target for target in sorted(named) if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)]


def test_every_link_leads_somewhere():
    links = set(re.findall(r"\]\(([^)#:]+)\)", TEXT))
    assert links
    assert not [path for path in sorted(links) if not (ROOT / path).exists()]


@pytest.mark.parametrize("line", re.findall(r"^ {4}\S+ -m analysis (estimate .+)", TEXT, flags=re.MULTILINE))
def test_every_command_that_is_shown_can_be_parsed(line):
    arguments = [part.strip("'\"") for part in re.findall(r"\"[^\"]*\"|\S+", line)]
    assert build_parser().parse_args(arguments).stage == "estimate"


@pytest.mark.committed
def test_published_numbers_and_claims_that_stand_are_those_of_the_committed_tables():
    folder = Folders(ROOT / "data", ROOT / "figures").estimates
    published, stands = (pd.read_csv(folder / f"{name}.csv") for name in ("published", "published_stands"))
    assert published_words.agreement_markdown(published) in TEXT
    assert published_words.misses_sentence(published) in " ".join(TEXT.split())
    assert published_words.stands_markdown(stands) in TEXT
