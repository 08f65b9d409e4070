"""What ``make check`` prints of the code's size, held to texts that are counted by hand, and the limits it holds."""

import shutil
import subprocess
import sys

import pytest

from tests import measure
from tests.conftest import EARLY, TESTS

TEXT = '''"""A module.

Two more lines.
"""

# a comment
import os

LIMIT = 3
"""What stands below a name documents it."""


def shown(x):
    """Say it."""
    text = """two
    lines"""

    # why
    return text, x


class Held:
    def one(self): ...

    def _two(self):
        """Not counted among the public."""
        return (
            1,
            2,
        )
'''

pytestmark = pytest.mark.no_cover  # sources are read here and not run

MOST_IMPORTS = 55
"""Between what stood at the top when the rooms were made."""

MOST_WITH_CLAIMS = 14
"""Of and to the room of the claims, which came later, above `audit`."""


@pytest.fixture(scope="module")
def sources():
    return {path.relative_to(measure.PACKAGE).as_posix(): path.read_text() for path in measure.PACKAGE.rglob("*.py")}


def test_files_that_are_run_first_exist():
    assert [name for name in EARLY if not (TESTS / name).is_file()] == []


def test_a_text_counted_by_hand():
    found = measure.measure(TEXT)
    assert (found.lines, found.code) == (30, 13)
    assert (found.public, found.explained) == (4, 2)
    assert found.bodies == [("shown", 5), ("one", 1), ("_two", 4)]


def test_pairs_of_what_stands_at_the_top():
    pairs = measure.top_imports({
        "study.py": "from analysis.errors import AnalysisError",
        "stats/fit.py": "from analysis.errors import A\nfrom analysis.stats.arrays import B\nfrom numpy import C",
        "stats/design.py": "from analysis import errors, study",
        "audit/tasks.py": "import analysis.stats.fit, numpy",
        "cli/estimate.py": "import_module('analysis.report').draw(importlib.import_module(name))",
    })  # fmt: skip
    assert pairs == {
        ("study", "errors"), ("stats", "errors"), ("stats", "study"), ("audit", "stats"), ("cli", "report"),
    }  # fmt: skip


def test_what_is_too_long_is_named():
    long_body = "def shown():\n    'Say it.'\n" + "    a = 1\n" * (measure.LONGEST_BODY + 1)
    words, too_long = measure.report({"a.py": "\n" * (measure.LONGEST_MODULE + 1), "b.py": long_body, "c.py": TEXT})
    assert too_long == ["a.py: 501 lines, expected at most 500", "b.py: shown: a body of 51 lines, expected at most 50"]
    assert "longest module a.py (501 lines), longest body b.py: shown (51 lines)" in words


def test_modules_can_be_read_in_one_sitting(sources):
    words, too_long = measure.report(sources)
    assert not too_long
    assert " lines of code in " in words


def test_few_lines_join_what_stands_at_the_top(sources):
    pairs = measure.top_imports(sources)
    assert 20 < len({pair for pair in pairs if "claims" not in pair}) <= MOST_IMPORTS
    assert len({pair for pair in pairs if "claims" in pair}) <= MOST_WITH_CLAIMS


def test_every_public_object_is_explained(sources):
    unexplained = {path: size for path, text in sources.items() if (size := measure.measure(text)).public
                   != size.explained}  # fmt: skip
    assert not unexplained


def test_the_script_fails_on_a_module_that_is_too_long(tmp_path):
    copy = shutil.copytree(measure.PACKAGE / "cli", tmp_path / "cli")
    run = [sys.executable, measure.__file__, str(tmp_path)]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 0
    (copy / "options.py").write_text("\n" * 501)
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "cli/options.py: 501 lines, expected at most 500\n")
