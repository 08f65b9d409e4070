"""Freed memory is kept: arrays are not given page by page again and again."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.cli.memory import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "many-machines.md"

ARRAYS = """
import resource
import numpy as np
from analysis.cli.memory import keep_freed_memory
{kept}
def use():
    for _ in range(100):
        arrays = [np.ones(250_000) for _ in range(4)]
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Page faults of 400 arrays of two megabytes, four at a time, after as many that were freed."""

NAMES = tuple(name for name, _, _ in SETTINGS)
TOLD = f"from analysis.cli.memory import keep_freed_memory as keep; keep(); import os; print(*map(os.getenv, {NAMES}))"
"""What processes to come will read."""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory as it likes")


def printed(code, **environment):
    free = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    run = subprocess.run([sys.executable, "-c", code], env=free | environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@glibc
def test_arrays_are_given_the_memory_that_others_have_left():
    unkept = int(printed(ARRAYS.format(kept="")))
    if unkept < 20_000:
        pytest.skip("the system's pages are so large that few are asked for")
    assert int(printed(ARRAYS.format(kept="keep_freed_memory()"))) < unkept / 10


@glibc
def test_processes_to_come_keep_it_too_unless_they_are_told_otherwise():
    assert printed(TOLD).split() == [str(value) for _, _, value in SETTINGS]
    assert printed(TOLD, MALLOC_TRIM_THRESHOLD_="131072").split() == ["131072", str(SETTINGS[1][2])]
    assert printed(TOLD, GLIBC_TUNABLES="glibc.malloc.trim_threshold=131072").split() == ["None", "None"]


def test_another_system_is_left_as_it_is():
    assert printed(f"import sys; sys.platform = 'win32'; {TOLD}").split() == ["None", "None"]


def test_every_stage_keeps_it(monkeypatch):
    called = []
    monkeypatch.setattr("analysis.__main__.keep_freed_memory", lambda: called.append(True))
    assert main(["fit", "--data", "nowhere"]) != 0
    assert called


def test_workers_of_a_cluster_are_told_the_same():
    assert all(f"{name}={value}" in PAGE.read_text() for name, _, value in SETTINGS)
