"""The first screen and the tables of the answer say what other results would say, as plainly as what these do."""

import pandas as pd
import pytest

from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_estimates, read_referee, read_simulation
from analysis.report.words import answer
from analysis.report.words.first_screen import (
    first_screen_markdown,
    missed_share,
    rival_sentence,
    shape_reason,
    verdict_sentence,
)
from analysis.stats.shape.questions import ENDS_HIGHER
from tests.test_readme import ROOT

FOLDERS = Folders(ROOT / "data", ROOT / "figures")
U, BENT, LINE = "U", "non-linear, U not shown", "no departure shown"
NONE = pd.DataFrame()

pytestmark = pytest.mark.committed


@pytest.fixture(scope="module")
def estimates():
    return read_estimates(FOLDERS)[0]


@pytest.fixture(scope="module")
def audit():
    return read_audit(FOLDERS)[0]


@pytest.fixture(scope="module")
def referee():
    return read_referee(FOLDERS)[0]["referee"]


def shaped(estimates, **values):
    """The estimates with another shape of every model, and knots that all agree with it."""
    verdict = values.get("verdict", BENT)
    return estimates | {
        "shape": estimates["shape"].assign(**values),
        "knots": estimates["knots"].assign(verdict=verdict),
    }


def answers(**verdicts):
    """A referee's table with the verdicts of each question."""
    rows = [(name.replace("_", " "), verdict) for name, found in verdicts.items() for verdict in found]
    return pd.DataFrame(rows, columns=["question", "verdict"])


@pytest.mark.parametrize(
    ("low", "verdict", "said"),
    [
        (1.1, BENT, "Both ends have more neuropathy than the middle; a fall, then rise, is not shown."),
        (1.1, U, "Both ends have more neuropathy than the middle; the curve falls, then rises: a U."),
        (0.9, U, "The curve falls, then rises, but more neuropathy at both ends than in the middle is not shown."),
        (0.9, LINE, "Neither more neuropathy at both ends than in the middle nor a fall, then rise, is shown."),
    ],
)
def test_verdict_answers_both_questions(estimates, low, verdict, said):
    curve = estimates["odds_ratio_curve"].assign(conf_low=low)
    assert verdict_sentence(shaped(estimates, verdict=verdict) | {"odds_ratio_curve": curve}) == said


@pytest.mark.parametrize(
    ("values", "asked", "said"),
    [
        (
            {"end_slopes_high_p": 0.2},
            answers(ends=[BENT, U], recall_error=[BENT, U], under_reporting=[BENT, LINE]).replace(
                "under reporting", "under-reporting"
            ),
            "A rise at the high end is not shown; other ends or recall correction can make it a U, dropping "
            "under-reporters no bend.",
        ),
        (
            {"end_slopes_low_p": 0.2, "end_slopes_high_p": 0.2},
            answers(ends=[BENT, LINE]),
            "A fall at the low end or a rise at the high end is not shown; other ends can leave no bend.",
        ),
        ({"end_slopes_high_p": 0.2}, NONE, "A rise at the high end is not shown, whatever is chosen."),
        (
            {"end_slopes_high_p": 0.01, "two_lines_p": 0.2},
            NONE,
            "A U by two lines is not shown, whatever is chosen.",
        ),
        ({"verdict": U, "end_slopes_high_p": 0.01}, NONE, "A fall and a rise are shown, whatever is chosen."),
        (
            {"verdict": U, "end_slopes_high_p": 0.01},
            answers(ends=[U, BENT]),
            "A fall and a rise are shown; other ends can undo that.",
        ),
    ],
)
def test_reason_names_what_is_missed_and_which_choices_change_it(estimates, values, asked, said):
    assert shape_reason(shaped(estimates, **values), asked) == said


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ((0.001, 0.002, 0.1, 0.1, 0.1), "Energy explains it as well: three of four adjustments leave no bend."),
        ((0.001, 0.2, 0.1, 0.1, 0.1), "Energy explains it as well: all four adjustments leave no bend."),
        ((0.001, 0.002, 0.1, 0.01, 0.01), "Energy explains it as well: one of four adjustments leaves no bend."),
        ((0.001, 0.002, 0.002, 0.01, 0.01), "Energy does not explain it: the bend of magnesium stays in each "
         "adjustment."),
        ((0.2, 0.2, 0.2, 0.2, 0.2), "No bend of magnesium is shown that energy could explain."),
    ],
)  # fmt: skip
def test_energy_is_told_by_how_many_adjustments_leave_no_bend(estimates, audit, p, said):
    forms = audit["energy_forms"].assign(nonlinear_p=p)
    assert rival_sentence(estimates, audit | {"energy_forms": forms}) == said


@pytest.mark.parametrize(("rate", "said"), [(0.368, "two in three"), (0.02, "nearly all"), (0.9, "one in ten")])
def test_missed_us_are_told_as_people_say_it(rate, said):
    shapes = pd.DataFrame({"rule": ["verdict U, by draws"], "curve": ["U as fitted"], "rate": [rate]})
    assert missed_share({"shapes": shapes}) == said


def test_nothing_is_told_of_a_simulation_that_was_not_run(estimates, audit, referee):
    assert first_screen_markdown(estimates, audit, referee, {}).endswith("no advice.")
    assert "Invented surveys" not in answer.stands_markdown(estimates, audit, {})


# ---- the tables
def row_of(table, first):
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {first}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_table_of_the_u_has_each_part_of_the_rule_and_both_questions(estimates, referee):
    table = answer.u_markdown(estimates, referee)
    assert row_of(table, "Falls at the low end")[2] == "shown"
    assert row_of(table, "Rises at the high end")[2] == "not shown"
    assert row_of(table, "**Falls, then rises**")[1] == f"**{BENT}**"
    assert row_of(table, f"**{ENDS_HIGHER[0].upper()}{ENDS_HIGHER[1:]}**")[1].startswith("**shown**")
    risen = estimates | {"shape": estimates["shape"].assign(end_slopes_high_p=0.01, nadir_bootstrap_interior=0.5)}
    assert row_of(answer.u_markdown(risen, referee), "Rises at the high end")[2] == "shown"
    assert row_of(answer.u_markdown(risen, referee), "Lowest point")[2].endswith("too few")
    assert ENDS_HIGHER not in answer.u_markdown(estimates, NONE).lower()


def test_table_of_what_decides_names_the_answers_that_change_the_verdict(estimates, referee):
    table = answer.decides_markdown(estimates, referee)
    ends = referee.query("question == 'ends' and verdict == 'U'")["done"]
    assert row_of(table, "where the ends are")[1] == f"a U with {'; '.join(ends)}"
    assert row_of(table, "knots")[1] == "a U with 3 on unweighted quantiles; with none of the 7 others"
    assert row_of(table, "missing data")[1] == "as in the primary analysis"
    assert "in each twentieth of intake (median) 0.087" in row_of(table, "under-reporters")[1]
    none = estimates | {"knots": estimates["knots"].assign(verdict=BENT)}
    assert row_of(answer.decides_markdown(none, referee), "knots")[1] == "a U with none of 8"
    assert answer.decides_markdown(estimates, NONE) == answer.NO_REFEREE


def test_table_of_what_stands_turns_with_the_results(estimates, audit):
    simulation = read_simulation(FOLDERS)
    table = answer.stands_markdown(estimates, audit, simulation)
    assert row_of(table, "Energy adjusted for")[2] == "no bend is left in three of four"
    bent = audit | {"energy_forms": audit["energy_forms"].assign(nonlinear_p=0.01)}
    assert (
        row_of(answer.stands_markdown(estimates, bent, simulation), "Energy adjusted for")[2]
        == "the bend stays in each"
    )
    cycles = audit | {"cycle_heterogeneity": audit["cycle_heterogeneity"].assign(p_value=0.5)}
    told = row_of(answer.stands_markdown(estimates, cycles, simulation), "The survey's cycles")
    assert told[2] == "no different curves are shown"
    whole = {name: frame for name, frame in audit.items() if name != "psu_shape"}
    assert answer.stands_markdown(estimates, whole, simulation) == answer.NOT_WHOLE
