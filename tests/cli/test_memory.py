"""Freed memory is kept: arrays are not given page by page again and again."""

import os
import platform
import subprocess
import sys

import pytest

from analysis.cli.memory import SETTINGS

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


def printed(code, **environment):
    free = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run([sys.executable, "-c", code], env=free | environment, capture_output=True, text=True)  # noqa: S603
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory as it likes")
def test_arrays_are_given_the_memory_that_others_have_left():
    assert int(printed(ARRAYS.format(kept=""))) > 20_000
    assert int(printed(ARRAYS.format(kept="keep_freed_memory()"))) < 2_000


def test_processes_to_come_keep_it_too_unless_they_are_told_otherwise():
    code = (
        "from analysis.cli.memory import keep_freed_memory as keep; keep(); import os; print(*map(os.getenv, {names}))"
    )
    names = tuple(name for name, _, _ in SETTINGS)
    code = code.format(names=names)
    assert printed(code).split() == [str(value) for _, _, value in SETTINGS]
    assert printed(code, MALLOC_TRIM_THRESHOLD_="131072").split() == ["131072", str(SETTINGS[1][2])]


def test_every_stage_keeps_it(monkeypatch):
    called = []
    monkeypatch.setattr("analysis.__main__.keep_freed_memory", lambda: called.append(True))
    from analysis.__main__ import main  # noqa: PLC0415 - after the patch

    assert main(["fit", "--data", "nowhere"]) != 0
    assert called
