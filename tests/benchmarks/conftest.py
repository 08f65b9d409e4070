"""What the benchmarks measured beside R is written to results.csv, so that a reader sees it without running them."""

import os

import pytest

from analysis.cli.memory import keep_freed_memory
from tests.benchmarks.kept import keep


@pytest.fixture(scope="session", autouse=True)
def memory():
    """That of a stage, which is what is measured."""
    keep_freed_memory()


@pytest.fixture(scope="session")
def results():
    """Rows of what, unit, r, here and times, kept when all benchmarks are done."""
    rows, load = [], os.getloadavg()[0]
    yield rows
    if rows:
        keep(rows, load)
