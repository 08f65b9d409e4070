"""The examples in docstrings, run on invented data as they stand."""

import doctest
import importlib

import pytest

from tests.test_architecture import MODULES

FEWEST = 15
"""Public objects that have an example."""


def examples_of(module: str) -> list[doctest.DocTest]:
    """The examples of one module's docstrings, each with the names of the module."""
    loaded = importlib.import_module(f"analysis.{module}".removesuffix("."))
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(loaded) if test.examples]


WITH_EXAMPLES = [name for name, path in MODULES.items() if name != "__main__" and ">>> " in path.read_text()]


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=lambda name: name or "front door")
def test_examples_run(module, participants):
    tests = examples_of(module)
    assert tests
    for test in tests:
        test.globs["people"] = participants
        said: list[str] = []
        assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


def test_enough_public_objects_have_one():
    shown = {test.name for module in WITH_EXAMPLES for test in examples_of(module)}
    assert len([name for name in shown if "._" not in name]) >= FEWEST


def test_an_example_that_is_wrong_fails():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner().run(test, out=lambda _: None).failed == 1
