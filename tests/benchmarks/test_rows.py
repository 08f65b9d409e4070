"""How time and memory grow with the rows, from 8,000 to a million, on an invented survey; `make bench`.

Each number of rows has a process of its own, so that the most memory it held is its own; CPU seconds of one thread.
Nothing here asserts a time: machines differ.
"""

import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.stats.sample.replicates import bootstrap
from tests.benchmarks.kept import peak_memory

pytestmark = pytest.mark.benchmark

ROWS = (8_000, 80_000, 1_000_000)
COLUMNS = 10
REPLICATES = 64
STRATA = 43
SEED = 20261128


def test_fit_and_refit_as_rows_grow(capsys, results):
    found = {n: measured(n) for n in ROWS}
    with capsys.disabled():
        sys.stdout.write(f"\n{'rows':>10}{'fit':>10}{'quick fit':>12}{'refit':>10}   microseconds a row (a refit: of "
                         f"{REPLICATES}){'MB':>8}\n")  # fmt: skip
        for n, one in found.items():
            times = "".join(f"{1e6 * one[name] / n:>11.3f}" for name in ("fit", "quick", "refit"))
            sys.stdout.write(f"{n:>10,}{times}{one['peak']:>47.0f}\n")
    least, most = found[ROWS[0]], found[ROWS[-1]]
    for name in ("fit", "quick", "refit"):
        growth = most[name] / least[name] / (ROWS[-1] / ROWS[0])
        results.append({"what": f"{name} of {ROWS[-1]:,} rows, each beside one of {ROWS[0]:,}", "unit": "us a row",
                        "r": 1e6 * least[name] / ROWS[0], "here": 1e6 * most[name] / ROWS[-1],
                        "times": 1 / growth})  # fmt: skip
    results.append({"what": f"{REPLICATES} refits of {ROWS[-1]:,} rows (peak)", "unit": "MB", "r": np.nan,
                    "here": most["peak"], "times": np.nan})  # fmt: skip


def measured(rows):
    """Seconds and most memory of one number of rows."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return json.loads(pool.submit(one_size, rows).result())


def one_size(rows):
    rng = np.random.Generator(np.random.PCG64(SEED))
    design = SurveyDesign(np.arange(rows) % STRATA, np.arange(rows) // STRATA % 2, rng.uniform(1, 5, rows))
    domain = domain_of(design, np.full(rows, True))
    X = np.column_stack([np.ones(rows), rng.normal(size=(rows, COLUMNS - 1))])
    y = (rng.random(rows) < 1 / (1 + np.exp(1.5 - 0.3 * X[:, 1]))).astype(float)
    terms = tuple(f"x{number}" for number in range(COLUMNS))
    parts = {"design": design, "domain": domain}
    factors = bootstrap(design, replicates=REPLICATES, seed=1).factors
    with threadpool_limits(limits=1, user_api="blas"):
        some = domain_of(design, np.arange(rows) < ROWS[0])
        fit_logistic(X[: ROWS[0]], y[: ROWS[0]], design=design, domain=some, terms=terms)  # loads statsmodels
        careful, fit = timed(lambda: fit_logistic(X, y, terms=terms, **parts))
        quick, _ = timed(lambda: fit_quickly(Regression(X, y, domain, terms), design))
        refit, _ = timed(lambda: refit_logistic(X, y, fit=fit, factors=factors, **parts))
    return json.dumps({"fit": careful, "quick": quick, "refit": refit / REPLICATES, "peak": peak_memory()})


def timed(run):
    run_before = time.process_time()
    found = run()
    return time.process_time() - run_before, found
