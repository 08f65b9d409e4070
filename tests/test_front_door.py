"""The package's own door: what it offers, and that opening it loads nothing heavy."""

import subprocess
import sys
from functools import partial
from importlib import import_module
from inspect import isfunction, signature
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import analysis
from analysis.__main__ import MODULES
from analysis.cli.options import build_parser
from analysis.pipeline.folders import StageError
from analysis.provenance import Provenance
from analysis.study import Study, StudyError

HEAVY = ("numpy", "pandas", "scipy", "statsmodels", "matplotlib", "joblib")


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded when it is done with ``arguments``."""
    code = (
        "import runpy, sys\n"
        "sys.argv = ['analysis', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('analysis', run_name='__main__') if sys.argv[1:] else __import__('analysis')\n"
        "except SystemExit:\n    pass\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [(), ("--help",), ("estimate", "--help")], ids=["import", "help", "stage help"])
def test_opening_the_door_loads_no_library_of_numbers(arguments):
    loaded = loaded_by(*arguments)
    assert "analysis" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(("module", "unused"), [
    ("people", {"matplotlib", "statsmodels", "scipy.stats"}), ("curve", {"matplotlib", "statsmodels"}),
    ("simulation", {"matplotlib", "statsmodels"}), ("estimate", {"matplotlib"}), ("drawing", {"statsmodels"}),
])  # fmt: skip
def test_a_stage_loads_no_library_that_it_does_not_use(module, unused):
    code = f"import sys, analysis.cli.{module}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" in done.stdout.split()
    assert not unused & set(done.stdout.split())


def test_every_name_that_is_offered_is_there():
    assert [name for name in analysis.__all__ if getattr(analysis, name, None) is None] == []
    assert set(dir(analysis)) == set(analysis.__all__)


def test_names_are_what_they_say():
    """A function may live in a module of its name; only these are modules."""
    modules = {name for name in analysis.__all__ if isinstance(getattr(analysis, name), ModuleType)}
    assert modules == {"tables", "words"}


def test_folders_may_be_named_by_strings():
    assert analysis.Folders("data", "figures") == analysis.Folders(Path("data"), Path("figures"))


def test_a_reader_takes_the_name_of_a_data_folder(demo):
    for read in (analysis.read_participants, analysis.read_estimates, analysis.read_claims):
        (one, source), (other, same) = read(demo), read(str(demo.data))
        assert source == same
        assert (
            one.keys().tolist() == other.keys().tolist()
            if read is analysis.read_participants
            else set(one) == set(other)
        )


@pytest.mark.parametrize(
    "read",
    [getattr(analysis, name) for name in analysis.__all__ if name.startswith("read_")],
    ids=lambda read: read.__name__,
)
def test_a_reader_gives_tables_and_what_they_are_made_of_or_says_what_to_run(read, tmp_path):
    with pytest.raises(StageError, match=r"no readable .*run `"):
        read(tmp_path)
    with pytest.raises(StageError, match=r"^folders: got a tuple of str and str, expected Folders"):
        read(("data", "figures"))
    assert get_type_hints(read)["return"].__args__[1] is Provenance


def test_people_have_one_name_everywhere():
    functions = [one for one in map(partial(getattr, analysis), analysis.__all__) if isfunction(one)]
    taking = {one.__name__: list(signature(one).parameters) for one in functions}
    assert {name for name, names in taking.items() if "people" in names} == {
        "estimate", "quintiles", "audit_study", "effect_modification", "modifier_of",
    }  # fmt: skip
    assert not [name for name, names in taking.items() if "frame" in names]


def test_a_name_that_two_results_have_means_the_same_at_both(participants):
    found = analysis.estimate(participants)
    results = [found, analysis.shape_of(found, replicates=2), analysis.quintiles(participants), found.curve(200),
               analysis.effect_modification(participants, analysis.modifier_of(participants, "sex"))]  # fmt: skip
    for one, other in combinations(results, 2):
        shared = {name for name in dir(one) if name in dir(other) and not name.startswith("_")} - {"shown"}
        kinds = {name: {type(getattr(one, name)), type(getattr(other, name))} for name in shared}
        assert not [
            f"{name} of {type(one).__name__} and {type(other).__name__}" for name in shared if len(kinds[name]) > 1
        ]


# ---- what is given by mistake

MISTAKES = {
    "a pair": (lambda of: analysis.estimate((of, None)), "people: got a tuple of DataFrame and NoneType, expected"),
    "a name": (lambda of: analysis.estimate(of, "calcium_mg"), "study: got the text 'calcium_mg', expected a Study"),
    "no psu": (lambda of: analysis.estimate(of.drop(columns="psu")), "people: got a table without psu, expected"),
    "no cycle": (lambda of: analysis.quintiles(of[["sex"]]), "people: got a table without the column cycle, expected"),
    "no outcome": (
        lambda of: analysis.estimate(of.drop(columns=["weight_dietary_2yr", "pn_strict"])),
        "people: got a table without pn_strict, weight_dietary_2yr, expected every column",
    ),
    "shape of people": (lambda of: analysis.shape_of(of), "association: got a DataFrame, expected what estimate gives"),
    "levels": (
        lambda of: analysis.effect_modification(of, ["sex"]), "modifier: got a list, expected what modifier_of(people, "
    ),
    "no level": (lambda of: analysis.modifier_of(of, []), "no modifier was named: expected a column"),
    "modifier of a pair": (lambda of: analysis.modifier_of((of, None), "sex"), "people: got a tuple of DataFrame"),
    "audit of a name": (lambda of: analysis.audit_study(of, "calcium_mg"), "study: got the text 'calcium_mg', exp"),
    "question": (
        lambda of: analysis.audit_study(of, questions="cycle curve"), "'cycle curve': expected questions among"
    ),
    "a table of intakes": (
        lambda of: analysis.estimate(of).curve([[100, 200]]), "100, 200: expected an intake, or a list of one or more"
    ),
    "a word": (lambda of: analysis.estimate(of).curve("abc"), "the text 'abc': expected an intake"),
    "no intake": (lambda of: analysis.estimate(of).prevalence([]), "an empty list: expected an intake"),
    "infinite": (
        lambda of: analysis.estimate(of).curve(float("inf"), extrapolate=True), "inf: expected an intake"
    ),
    "no intake by level": (
        lambda of: analysis.effect_modification(of, analysis.modifier_of(of, "sex")).curves([]),
        "an empty list: expected an intake",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_what_was_got_and_what_was_expected(participants, ask, message):
    with pytest.raises(StudyError) as refusal:
        ask(participants)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_a_single_text_is_one_name(participants):
    assert analysis.modifier_of(participants, "sex") == analysis.modifier_of(participants, ["sex"])
    assert analysis.audit_study(participants, questions="cycle curves").questions == ("cycle curves",)


def test_name_that_is_not_offered_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match=r"'estimates': it offers .*estimate"):
        _ = analysis.estimates


def test_every_stage_of_the_command_line_has_its_function():
    stages = next(action for action in build_parser()._actions if action.dest == "stage").choices
    assert set(MODULES) == set(stages)
    assert all(
        callable(getattr(import_module(f"analysis.cli.{module}"), f"run_{stage}")) for stage, module in MODULES.items()
    )


# ---- people of whom some were dropped


@pytest.mark.parametrize(
    "part",
    [
        lambda people: people[people["sex"] == "female"],
        lambda people: people.iloc[[0, *range(len(people) - 1)]],
        lambda people: people.assign(extra=1.0).query("age_years >= 40").copy(),
        lambda people: people.iloc[:-1],
        lambda people: people.dropna(subset="bmi_kg_m2"),
    ],
    ids=["women", "one twice", "old enough", "all but one", "known"],
)
def test_people_of_whom_some_were_dropped_are_refused(participants, part):
    """The variance of a part needs the sample of all: where= keeps it."""
    some = part(participants)
    for ask in (
        lambda: analysis.estimate(some, Study()),
        lambda: analysis.audit_study(some, Study(), questions=("cycle curves",)),
        lambda: analysis.quintiles(some),
        lambda: analysis.effect_modification(some, analysis.modifier_of(some, ["pir < 2"]), study=Study()),
    ):
        with pytest.raises(StudyError, match=r'[0-9,]+ people are here, of 31,126 who.*Study\(where="sex =='):
            ask()


def test_whole_cycles_may_be_left_out(participants):
    """Strata are of one cycle: the variance of the others needs none of theirs."""
    others = participants[participants["cycle"] != 1999]
    assert analysis.estimate(others, Study()).fit.n_strata < analysis.estimate(participants, Study()).fit.n_strata


def test_people_all_of_whom_are_there_are_not_refused(participants):
    known = analysis.estimate(participants, Study()).tests["overall", "wald"].p_value
    for same in (participants.copy(), participants.assign(extra=1.0), participants.sample(frac=1.0, random_state=1)):
        assert analysis.estimate(same, Study()).tests["overall", "wald"].p_value == pytest.approx(known, rel=1e-6)
