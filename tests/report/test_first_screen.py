"""The first screen and the tables of the answer say what other results would say, as plainly as what these do."""

import pandas as pd
import pytest

from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_estimates, read_referee, read_simulation
from analysis.report.words import verdict_tables
from analysis.report.words.first_screen import (
    AT_RANDOM,
    first_screen_markdown,
    missed_share,
    missed_usual,
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
    names = {"recall_error": "recall error", "under_reporting": "under-reporting"}
    rows = [(names.get(name, name), "another choice", verdict) for name, found in verdicts.items() for verdict in found]
    return pd.DataFrame(rows, columns=["question", "done", "verdict"]).assign(nonlinear_p=0.5)


RISES = {"end_slopes_high_p": 0.01}
HIGHER = "both ends have more neuropathy than the middle"
NO_U = f"No U is shown. {HIGHER.capitalize()}"


@pytest.mark.parametrize(
    ("low", "values", "said"),
    [
        (1.1, {}, f"{NO_U}, but the rise may be chance."),
        (1.1, {"end_slopes_low_p": 0.2}, f"{NO_U}, but the fall and the rise may be chance."),
        (1.1, RISES | {"two_lines_p": 0.2},
         f"{NO_U}, but two straight lines do not show a fall and a rise."),
        (1.1, RISES | {"two_lines_p": 0.01}, f"{NO_U}, but the lowest point may lie at an end."),
        (1.1, {"verdict": LINE}, f"{NO_U}, but no bend is shown."),
        (1.1, RISES | {"verdict": U}, f"A U is shown: the curve falls, then rises; {HIGHER}."),
        (0.9, RISES | {"verdict": U},
         f"A U is shown: the curve falls, then rises; though it is not shown that {HIGHER}."),
        (0.9, {"verdict": LINE}, "No U is shown, and neither is more neuropathy at both ends than in the middle."),
    ],
)  # fmt: skip
def test_verdict_answers_both_questions(estimates, low, values, said):
    curve = estimates["odds_ratio_curve"].assign(conf_low=low)
    assert verdict_sentence(shaped(estimates, **values) | {"odds_ratio_curve": curve}) == said


@pytest.mark.parametrize(
    ("values", "asked", "said"),
    [
        (
            {},
            answers(ends=[BENT, U], recall_error=[BENT, U], under_reporting=[BENT, LINE]),
            "Other ends or recall correction can make it a U, dropping under-reporters no bend",
        ),
        ({}, answers(ends=[BENT, LINE]), "Other ends can leave no bend"),
        ({}, NONE, "No choice asked for changes that"),
        ({"verdict": U}, NONE, "No choice asked for changes that"),
        ({"verdict": U}, answers(ends=[U, BENT]), "Other ends can undo it"),
    ],
)
def test_reason_names_which_choices_change_the_verdict(estimates, audit, values, asked, said):
    told = shape_reason(shaped(estimates, **values), audit, asked)
    assert told.startswith(f"{said}; ")
    assert told.endswith(" of 4,725 specifications find a U.")


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ([0.2, 0.3], "Fewer people can leave"),
        ([0.01, 0.3], "Dropping under-reporters can leave"),
        ([0.01, 0.02], "Dropping under-reporters can leave"),
    ],
)
def test_under_reporters_are_not_blamed_for_what_fewer_people_do(estimates, audit, p, said):
    asked = answers(under_reporting=[BENT, LINE]).assign(done="EI:BMR 1.1 to 2.4", nonlinear_p=0.5)
    others = asked.assign(done=[AT_RANDOM, f"{AT_RANDOM} in each twentieth"], nonlinear_p=p, verdict=None)
    assert shape_reason(shaped(estimates), audit, pd.concat([asked, others])).startswith(said)


def test_share_of_specifications_that_find_a_u_is_the_table_s(estimates, audit):
    shares = audit["verdict_shares"]
    none = audit | {"verdict_shares": shares.assign(share=shares["share"].where(shares["verdict"] != U, 0.123))}
    assert shape_reason(shaped(estimates), none, NONE).endswith("; 12.3 % of 4,725 specifications find a U.")


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ((0.001, 0.002, 0.1, 0.1, 0.1), "Energy could explain it: three of four adjustments leave no bend."),
        ((0.001, 0.2, 0.1, 0.1, 0.1), "Energy could explain it: all four adjustments leave no bend."),
        ((0.001, 0.002, 0.1, 0.01, 0.01), "Energy could explain it: one of four adjustments leaves no bend."),
        ((0.001, 0.002, 0.002, 0.01, 0.01), "Energy does not explain it: the bend of magnesium stays in each "
         "adjustment."),
        ((0.2, 0.2, 0.2, 0.2, 0.2), "No bend of magnesium is shown that energy could explain."),
    ],
)  # fmt: skip
def test_energy_is_told_by_how_many_adjustments_leave_no_bend(estimates, audit, p, said):
    forms = audit["energy_forms"].assign(nonlinear_p=p)
    assert rival_sentence(estimates, audit | {"energy_forms": forms}, {}) == said


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ((0.9, 0.9, 0.9), "adjustments leave no bend."),
        ((0.9, 0.3, 0.1), "adjustments leave no bend (two would miss most)."),
        ((0.2, 0.3, 0.1), "adjustments leave no bend (all would miss most)."),
    ],
)
def test_adjustments_that_would_miss_most_bends_are_counted(estimates, audit, rates, said):
    power = pd.DataFrame({"form": ["spline", "residual", "density"], "rate": rates})
    simulated = {"energy_forms": power.assign(truth="magnesium as fitted", test="nonlinear")}
    forms = audit["energy_forms"].assign(nonlinear_p=(0.001, 0.002, 0.1, 0.1, 0.1))
    assert rival_sentence(estimates, audit | {"energy_forms": forms}, simulated).endswith(said)


@pytest.mark.parametrize(("rate", "said"), [(0.368, "two in three"), (0.02, "nearly all"), (0.9, "one in ten")])
def test_missed_us_are_told_as_people_say_it(rate, said):
    shapes = pd.DataFrame({"rule": ["verdict U, by draws"], "curve": ["U as fitted"], "rate": [rate]})
    assert missed_share({"shapes": shapes}) == said


@pytest.mark.parametrize(("rate", "said"), [(0.03, "nearly all of usual intake"), (0.5, "half of usual intake")])
def test_us_of_usual_intake_are_missed_as_the_table_says(rate, said):
    questions = pd.DataFrame({"rate": [rate]}).assign(
        curve="U as fitted", curve_of="usual intake", question="falls, then rises", ends="p5_p95"
    )
    assert missed_usual({"questions": questions}) == said


def test_nothing_is_told_of_a_simulation_that_was_not_run(estimates, audit, referee):
    assert first_screen_markdown(estimates, audit, referee, {}).endswith("no advice.")
    assert "Invented surveys" not in verdict_tables.stands_markdown(estimates, audit, {})


# ---- the tables
def row_of(table, first):
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {first}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_table_of_the_u_has_each_part_of_the_rule_and_both_questions(estimates, referee):
    table = verdict_tables.u_markdown(estimates, referee)
    assert row_of(table, "Falls at the low end")[2] == "shown"
    assert row_of(table, "Rises at the high end")[2] == "not shown"
    assert row_of(table, "**Falls, then rises**")[1] == f"**{BENT}**"
    assert row_of(table, f"**{ENDS_HIGHER[0].upper()}{ENDS_HIGHER[1:]}**")[1].startswith("**shown**")
    risen = estimates | {"shape": estimates["shape"].assign(end_slopes_high_p=0.01, nadir_bootstrap_interior=0.5)}
    assert row_of(verdict_tables.u_markdown(risen, referee), "Rises at the high end")[2] == "shown"
    assert row_of(verdict_tables.u_markdown(risen, referee), "Lowest point")[2].endswith("too few")
    assert ENDS_HIGHER not in verdict_tables.u_markdown(estimates, NONE).lower()


def test_table_of_what_decides_names_the_answers_that_change_the_verdict(estimates, referee):
    table = verdict_tables.decides_markdown(estimates, referee)
    ends = referee.query("question == 'ends' and verdict == 'U'")["done"]
    assert row_of(table, "where the ends are")[1] == f"a U with {'; '.join(ends)}"
    assert row_of(table, "knots")[1] == "a U with 3 on unweighted quantiles; with none of the 7 others"
    assert row_of(table, "missing data")[1] == "as in the primary analysis"
    assert "in each twentieth of intake (median) 0.087" in row_of(table, "under-reporters")[1]
    none = estimates | {"knots": estimates["knots"].assign(verdict=BENT)}
    assert row_of(verdict_tables.decides_markdown(none, referee), "knots")[1] == "a U with none of 8"
    assert verdict_tables.decides_markdown(estimates, NONE) == verdict_tables.NO_REFEREE


def test_table_of_what_stands_turns_with_the_results(estimates, audit):
    simulation = read_simulation(FOLDERS)[0]
    table = verdict_tables.stands_markdown(estimates, audit, simulation)
    assert row_of(table, "Energy adjusted for")[2] == (
        "no bend is left in three of four; of these forms two would miss most true bends"
    )
    bent = audit | {"energy_forms": audit["energy_forms"].assign(nonlinear_p=0.01)}
    assert (
        row_of(verdict_tables.stands_markdown(estimates, bent, simulation), "Energy adjusted for")[2]
        == "the bend stays in each"
    )
    cycles = audit | {"cycle_heterogeneity": audit["cycle_heterogeneity"].assign(p_value=0.5)}
    told = row_of(verdict_tables.stands_markdown(estimates, cycles, simulation), "The survey's cycles")
    assert told[2] == "no different curves are shown"
    whole = {name: frame for name, frame in audit.items() if name != "psu_shape"}
    assert verdict_tables.stands_markdown(estimates, whole, simulation) == verdict_tables.NOT_WHOLE
