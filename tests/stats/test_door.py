"""What `analysis.stats` offers: every name is there, says what it is held to, and a test holds it to that."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import analysis.stats

TESTS = Path(__file__).parents[1]
PLACES = [*(TESTS / "reference").glob("*.R"), TESTS / "stats" / "curve" / "test_splines.py"]
CALLS = "\n".join(path.read_text() for path in PLACES)
"""R's scripts, and the test beside whose numbers stands the one call that made them."""


def test_every_name_that_is_offered_is_there_and_is_explained():
    assert [name for name in analysis.stats.__all__ if not inspect.getdoc(getattr(analysis.stats, name))] == []
    assert dir(analysis.stats) == sorted(analysis.stats.__all__)


def test_a_name_is_offered_from_where_it_is_defined():
    for name, (module, _) in analysis.stats.HELD_TO.items():
        assert getattr(analysis.stats, name).__module__ == f"analysis.stats.{module}"


def test_a_name_that_is_not_offered_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match=r"'svymean': it offers .*weighted_mean"):
        _ = analysis.stats.svymean


def test_opening_the_door_loads_no_library_of_numbers():
    code = "import sys, analysis.stats; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "analysis.stats" in loaded
    assert not {"numpy", "pandas", "scipy", "statsmodels"} & set(loaded)


def test_functions_of_r_that_are_named_are_called_for_the_reference():
    named = {word for _, held in analysis.stats.HELD_TO.values() for word in re.findall(r"::([\w.]+)", held)}
    assert len(named) > 15
    methods = {"AIC.svyglm": "AIC(", "BIC.svyglm": "BIC("}
    assert [word for word in sorted(named) if methods.get(word, word) not in CALLS] == []


@pytest.mark.no_cover  # nothing of the package runs here
def test_every_name_is_used_by_a_test():
    used = set()
    for path in TESTS.rglob("test_*.py"):
        used |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert sorted(set(analysis.stats.__all__) - used) == []
