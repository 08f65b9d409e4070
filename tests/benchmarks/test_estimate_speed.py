"""How long `estimate` takes as a whole process, beside an R script that only fits and tests; `make bench`.

CPU seconds of the process and its children, from start to end, in turns; medians of five. R reads the columns of the
model, which are ready for it; `estimate` reads the participants, chooses the people, places the knots, fits and tests.
Nothing here asserts a time: machines differ.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.dose_response.problem import pose
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.study import PRIMARY

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed"),
]

ROOT = Path(__file__).parents[2]
TIMES = 5
ENVIRONMENT = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}


def test_estimate_beside_r(tmp_path, capsys, results):
    model = tmp_path / "model.csv"
    columns_of(pose(read_participants(Folders(ROOT / "data", ROOT / "figures"))[0], PRIMARY)).to_csv(model, index=False)
    ours = [sys.executable, "-m", "analysis", "estimate", "--format", "csv", "--part", "tests"]
    theirs = ["Rscript", Path(__file__).with_name("estimate.R"), model]
    taken = [(cpu_seconds(theirs), cpu_seconds(ours)) for _ in range(TIMES)]
    r, here = (statistics.median(times) for times in zip(*taken, strict=True))
    with capsys.disabled():
        sys.stdout.write(f"\nestimate, fits and tests, a whole process: {here:.2f} s, R {r:.2f} s of CPU\n")
    results.append({"what": "estimate, fits and tests, the whole process (CPU)", "unit": "s", "r": r, "here": here,
                    "times": None})  # fmt: skip


def columns_of(problem):
    """The model's columns on every row of the sample, zero outside the domain."""
    setting, rows = problem.setting, problem.setting.domain.rows
    names = [f"x{number}" for number in range(1, problem.X.shape[1])]
    frame = pd.DataFrame(0.0, index=range(rows.size), columns=names)
    frame.loc[rows] = problem.X[:, 1:]
    design = setting.design
    return frame.assign(y=setting.y, strata=design.strata, psu=design.psu, w=design.weights, inside=rows.astype(int))


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
