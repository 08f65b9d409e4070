"""The package's own door: what it offers, and that opening it loads nothing heavy."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import analysis
from analysis.__main__ import MODULES
from analysis.cli.options import build_parser
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
