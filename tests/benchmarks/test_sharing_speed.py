"""What it saves to make common columns ready once, on the real files: alternating runs in one process; `make bench`.

CPU seconds of one thread, medians of five runs each way. The other way is the plain fit of every regression by itself,
which is also what tests hold the shared one to. Nothing here asserts a time.
"""

import statistics
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from analysis.audit import specifications
from analysis.audit.specifications import PRIMARY_CELL, answer_people, people_groups
from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape import nadir
from analysis.study import PRIMARY
from tests.benchmarks.test_audit_speed import timed

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
RUNS = 5
REPLICATES = 200


@pytest.fixture(scope="module")
def people():
    return read_participants(Folders(ROOT / "data", ROOT / "figures"))[0]


def test_a_group_of_specifications(people, monkeypatch, capsys):
    cells = next(group for group in people_groups().values() if PRIMARY_CELL in group)
    plainly = (specifications, "shared_columns", lambda bases, _: [None] * len(bases))
    shared, plain, found = both_ways(lambda: answer_people(people, cells), monkeypatch, plainly)
    with capsys.disabled():
        sys.stdout.write(line("a specification, of a group of 15", shared / len(cells), plain / len(cells)))
    verdicts = [[answer.row["verdict"] for answer in answers] for answers in found]
    assert verdicts[0] == verdicts[1]


def test_bootstrap_low_points(people, monkeypatch, capsys):
    answer = estimate(people, PRIMARY)
    curve = curve_of(answer.problem, answer.fit)
    replicates = bootstrap(curve.design, replicates=REPLICATES, seed=1)
    plainly = (nadir, "replicated_columns", lambda *_, **__: None)
    shared, plain, found = both_ways(lambda: curve.bootstrapped_nadirs(replicates), monkeypatch, plainly)
    with capsys.disabled():
        sys.stdout.write(line("a bootstrap low point, model 1", shared / REPLICATES, plain / REPLICATES))
    np.testing.assert_allclose(found[0].x, found[1].x, rtol=1e-9)


def both_ways(run, monkeypatch, plainly):
    """Median CPU seconds of a call as it is and with something put in its place, and what each found."""
    seconds, found = {True: [], False: []}, {}
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(RUNS):
            for ready in (True, False):
                with monkeypatch.context() as changed:
                    if not ready:
                        changed.setattr(*plainly)
                    taken, found[ready] = timed(run)
                seconds[ready].append(taken)
    return statistics.median(seconds[True]), statistics.median(seconds[False]), (found[True], found[False])


def line(what, shared, plain):
    return f"\n{what}: {1000 * shared:.2f} ms, plain {1000 * plain:.2f} ms, {shared / plain:.2f} of it\n"
