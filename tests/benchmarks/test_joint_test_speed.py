"""How fast the joint test is, and how much it needs, beside its plain form and on ten times as many specifications.

The curve is invented: as many specifications, PSUs and degrees of freedom as the audit has. Each is timed in a process
of its own, so that the most memory it held is its own. Nothing here asserts a time: machines differ.
"""

import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from analysis.audit.null_curves import null_statistics
from tests.audit.plain_joint_test import plain_null_statistics
from tests.benchmarks.kept import peak_memory

pytestmark = pytest.mark.benchmark

DRAWS = 40_000
FEWER = 4000
"""Draws of ten times as many specifications: what memory holds at a time does not depend on them."""

CELLS = 3240
STRATA = 43
SEED = 20261128


def test_joint_test_beside_its_plain_form(capsys, results):
    cores = os.cpu_count() or 1
    plain = measured(plain=True, cells=CELLS, jobs=1)
    ours = {jobs: measured(plain=False, cells=CELLS, jobs=jobs) for jobs in (1, cores)}
    tenfold = measured(plain=False, cells=10 * CELLS, jobs=cores, draws=FEWER)
    np.testing.assert_allclose(ours[1]["first"], plain["first"], rtol=1e-9)
    rows = [("plain form, one thread", plain)]
    rows += [(f"the joint test, {jobs} threads", found) for jobs, found in ours.items()]
    rows += [(f"{10 * CELLS:,} specifications, {FEWER:,} draws, {cores} threads", tenfold)]
    with capsys.disabled():
        sys.stdout.write(f"\n{f'{DRAWS:,} draws of {CELLS:,} specifications':<56}{'s':>8}{'CPU s':>8}{'MB':>8}\n")
        for what, found in rows:
            sys.stdout.write(f"{what:<56}{found['wall']:>8.1f}{found['cpu']:>8.1f}{found['peak']:>8.0f}\n")
    for unit, kind in (("s", "wall"), ("MB", "peak")):
        what = f"joint test, {DRAWS:,} draws, {cores} threads, beside its plain form ({kind})"
        here, theirs = ours[cores][kind], plain[kind]
        results.append({"what": what, "unit": unit, "r": np.nan, "here": here, "times": theirs / here})
    results.append({"what": f"the same of {10 * CELLS:,} specifications (peak)", "unit": "MB", "r": np.nan,
                    "here": tenfold["peak"], "times": np.nan})  # fmt: skip


def measured(**run):
    """Seconds, most memory (MB) and the first draw's statistics of one run in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return json.loads(pool.submit(one_run, **run).result())


def one_run(*, plain, cells, jobs, draws=DRAWS):
    able, totals, strata = invented(cells)
    drawn = {"null": "design t", "draws": draws, "seed": 1}
    with threadpool_limits(limits=1, user_api="blas"):
        wall, cpu = time.monotonic(), time.process_time()
        if plain:
            found = plain_null_statistics(able, totals, strata, **drawn)
        else:
            found = null_statistics(able, totals, strata, **drawn, jobs=jobs)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return json.dumps({"wall": wall, "cpu": cpu, "peak": peak_memory(), "first": found[0].tolist()})


def invented(cells):
    """Specifications that share most of their sampling error, as those of one sample do."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    knots = np.resize([3, 4, 5], cells)
    shared = rng.normal(size=(2 * STRATA, 1))
    totals = shared + 0.5 * rng.normal(size=(2 * STRATA, int(knots.sum())))
    able = pd.DataFrame({"knots": knots, "residual_df": rng.integers(4, 37, cells)})
    return able, totals, np.repeat(np.arange(STRATA), 2)
