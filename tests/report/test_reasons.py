"""Plain reasons stand for messages that the code raises: a message in other words would reach the reader as it is."""

import ast
import re
from pathlib import Path

import pytest

import analysis
from analysis.report.words import reasons

PACKAGE = Path(analysis.__file__).parent


@pytest.fixture(scope="module")
def messages():
    """Every text of the package outside docstrings, a filled-in value as three dots."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        if path.name != Path(reasons.__file__).name:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    found += [text_of(one) for one in node.args if isinstance(one, ast.JoinedStr | ast.Constant)]
    return found


def text_of(node):
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in parts)


@pytest.mark.parametrize("pattern", reasons.PLAIN)
def test_every_pattern_is_that_of_a_message(messages, pattern):
    assert [text for text in messages if re.search(pattern, text)]


def test_a_separated_indicator_is_told_without_its_column():
    raised = (
        "education_missing: one of its two values is that of fewer than 10 people, who all have the same outcome, so "
    )
    told = reasons.plain_reason(f"{raised}its odds ratio is infinite (separation). Merge levels, or widen the domain.")
    assert told == "in some of these people the outcome is sure, so no estimate is finite"


def test_unknown_reason_is_told_as_it_is():
    assert reasons.plain_reason("the moon is full.") == "the moon is full"
