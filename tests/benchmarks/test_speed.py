"""How long the pieces take, on the real files; `make bench`. Nothing here asserts a time: machines differ.

Where R is installed its svyglm runs in the same session on the same matrix, so that the two can be compared.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.source.reading import read_table
from analysis.dose_response.association import estimate
from analysis.dose_response.fits import curve_of
from analysis.dose_response.problem import pose
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.regression.quick import Regression, fit_in_turn
from analysis.stats.regression.refits import CHUNK, refit_logistic
from analysis.stats.sample.replicates import bootstrap
from analysis.study import PRIMARY

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")
REPLICATES = 1000
MODELS = 500


@pytest.fixture(scope="module")
def people():
    return read_participants(FOLDERS)[0]


def arrays(people, study):
    """What `estimate` hands to `fit_logistic`: X and y of the domain's rows, design, domain, terms."""
    problem = pose(people, study)
    setting = problem.setting
    return problem.X, problem.y, setting.design, setting.domain, problem.terms


@pytest.fixture(scope="module")
def model_1(people):
    return arrays(people, PRIMARY)


@pytest.fixture(scope="module")
def model_2(people):
    return arrays(people, replace(PRIMARY, model="2"))


def test_fit_of_model_1_with_covariance(benchmark, model_1):
    X, y, design, domain, terms = model_1
    with threadpool_limits(limits=1, user_api="blas"):
        fit = benchmark(fit_logistic, X, y, design=design, domain=domain, terms=terms)
    assert fit.n == 7726


def test_whole_study_of_model_1(benchmark, people):
    with threadpool_limits(limits=1, user_api="blas"):
        found = benchmark(estimate, people, PRIMARY)
    assert found.fit.n == 7726


def refit_1000_times(model_2):
    """1,000 bootstrap refits of model 2 as a call, and the arrays it works on."""
    X, y, design, domain, terms = model_2
    fit = fit_logistic(X, y, design=design, domain=domain, terms=terms)
    factors = bootstrap(design, replicates=REPLICATES, seed=1).factors
    parts = {"design": design, "domain": domain, "fit": fit, "factors": factors, "jobs": os.cpu_count() or 1}
    return lambda: refit_logistic(X, y, **parts)


def many_models(model_1):
    """500 models that differ in their knots, and those knots."""
    X, y, design, domain, terms = model_1
    places = [0.05, 0.35, 0.65, 0.95] + np.random.default_rng(1).uniform(-0.04, 0.04, size=(MODELS, 4))
    knots = np.quantile(X[:, 1], places)
    bases = (RestrictedCubicSpline(row).basis(X[:, 1]) for row in knots)
    made = [np.hstack([X[:, :1], basis, X[:, 4:]]) for basis in bases]
    return [Regression(matrix, y, domain, terms) for matrix in made], design, knots


def test_1000_bootstrap_refits_of_model_2(benchmark, model_2):
    run = refit_1000_times(model_2)
    with threadpool_limits(limits=1, user_api="blas"):
        refits = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    assert refits.failed == 0


def test_500_models_under_one_design(benchmark, model_1):
    models, design, _ = many_models(model_1)
    with threadpool_limits(limits=1, user_api="blas"):
        fits = benchmark.pedantic(fit_in_turn, (models, design), rounds=3, warmup_rounds=1)
    assert all(isinstance(fit, LogisticFit) for fit in fits)


def test_refits_beside_the_least_arithmetic_they_need(model_2, capsys, results):
    """One score in double and one information in single precision, at this machine's own rates of matrix products."""
    X, _, _, domain, _ = model_2
    n, p = int(domain.rows.sum()), X.shape[1]
    run = refit_1000_times(model_2)
    with threadpool_limits(limits=1, user_api="blas"):
        run()
        taken = timed(run)
        rates = {kind: products_per_second(kind) * (os.cpu_count() or 1) for kind in (np.float32, np.float64)}
    scores, information = 4 * REPLICATES * n * p, REPLICATES * n * p * (p + 1)
    least = scores / rates[np.float64] + information / rates[np.float32]
    megabytes = n * (8 * p + 4 * p * (p + 1) / 2) / 1e6
    with capsys.disabled():
        sys.stdout.write(
            f"\n1,000 refits of {n:,} x {p}: at least {(scores + information) / 1e9:.1f} Gflop and one reading of "
            f"{megabytes:.0f} MB a chunk of {CHUNK}; {1000 * least:.0f} ms at this machine's rates of matrix products "
            f"({rates[np.float64] / 1e9:.0f} and {rates[np.float32] / 1e9:.0f} Gflop/s, all cores); "
            f"taken {1000 * taken:.0f} ms, {taken / least:.1f} times as much\n"
        )
    results.append({"what": "1,000 refits beside the least arithmetic at this machine's rates", "unit": "ms", "r": None,
                    "here": 1000 * taken, "times": taken / least})  # fmt: skip
    assert taken > least


def timed(run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def products_per_second(kind) -> float:
    """Floating-point operations a second of a product of two square matrices, one thread."""
    A = np.ones((1000, 1000), dtype=kind)
    return 2e9 / min(timed(lambda: A @ A) for _ in range(5))


def test_read_and_harmonise(benchmark):
    registry = FOLDERS.registry()

    def read():
        tables = {
            name: read_table(registry, FOLDERS.raw, name, columns=columns) for name, columns in needed_columns().items()
        }
        return harmonise(tables)

    assert len(benchmark.pedantic(read, rounds=3, warmup_rounds=1)) == 31126


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_svyglm_on_the_same_matrices(model_1, model_2, tmp_path, capsys, results):
    """Not a pytest-benchmark row: R times itself, so that its start-up does not count; ours are timed beside it."""
    models, design, knots = many_models(model_1)
    files = [tmp_path / name for name in ("model_1.csv", "model_2.csv", "knots.csv")]
    for file, (X, y, declared, domain, _) in zip(files, (model_1, model_2), strict=False):
        to_frame(X, y, declared, domain).to_csv(file, index=False)
    pd.DataFrame(knots).to_csv(files[2], index=False)
    script = ROOT / "tests" / "benchmarks" / "svyglm.R"
    done = subprocess.run(["Rscript", script, *files], capture_output=True, text=True, check=True)
    seconds = json.loads(done.stdout)
    X, y, declared, domain, terms = model_1
    run = refit_1000_times(model_2)
    with threadpool_limits(limits=1, user_api="blas"):
        single = median_time(lambda: fit_logistic(X, y, design=declared, domain=domain, terms=terms), 15)
        refit = median_time(run, 3) / REPLICATES
        many = median_time(lambda: fit_in_turn(models, design), 3)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{'':44}{'R':>10}{'here':>10}{'times':>8}\n"
            + row("one fit of model 1 with covariance, ms", seconds["fit"], single)
            + row("one bootstrap refit of model 2 (of 1,000), ms", seconds["refit"], refit)
            + row(f"one of {MODELS} four-knot models, ms", seconds["many"] / MODELS, many / MODELS)
            + f"(R: on a ready domain design; {1000 * seconds['design']:.1f} ms more to declare design and domain)\n"
        )
    for what, theirs, ours in (
        ("one fit of model 1 with covariance", seconds["fit"], single),
        ("one bootstrap refit of model 2, of 1,000", seconds["refit"], refit),
        (f"one of {MODELS} four-knot models under one design", seconds["many"] / MODELS, many / MODELS),
    ):
        results.append({"what": what, "unit": "ms", "r": 1000 * theirs, "here": 1000 * ours, "times": None})
    assert seconds["fit"] > 0


@pytest.mark.skipif("SVY_PYTHON" not in os.environ, reason="SVY_PYTHON names no Python that has svy and polars")
def test_one_fit_beside_svy(model_1, tmp_path, capsys, results):
    """One thread each, CPU seconds: svy would use every core, and is not among this project's packages."""
    X, y, design, domain, terms = model_1
    to_frame(X, y, design, domain).to_csv(tmp_path / "model.csv", index=False)
    command = [os.environ["SVY_PYTHON"], Path(__file__).with_name("svy_fit.py"), tmp_path / "model.csv", "15"]
    one_thread = os.environ | {"RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
    svy = json.loads(done.stdout)
    with threadpool_limits(limits=1, user_api="blas"):
        fit = fit_logistic(X, y, design=design, domain=domain, terms=terms)
        spent = []
        for _ in range(15):
            started = time.process_time()
            fit_logistic(X, y, design=design, domain=domain, terms=terms)
            spent.append(time.process_time() - started)
    ours, version = float(np.median(spent)), svy["version"]
    with capsys.disabled():
        sys.stdout.write(f"\none fit of model 1: {1000 * ours:.1f} ms, svy {version} {1000 * svy['seconds']:.1f} ms\n")
    results.append({"what": f"one fit of model 1 with covariance, beside svy {version} (CPU, one thread)", "unit": "ms",
                    "r": 1000 * svy["seconds"], "here": 1000 * ours, "times": None})  # fmt: skip
    np.testing.assert_allclose(fit.beta, svy["estimate"], rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.vcov)), svy["std_error"], rtol=1e-6)


def test_1000_bootstrap_low_points_with_knots_placed_anew(people, results):
    problem = pose(people, PRIMARY)
    setting = problem.setting
    fit = fit_logistic(problem.X, problem.y, design=setting.design, domain=setting.domain, terms=problem.terms)
    curve, drawn = curve_of(problem, fit), bootstrap(setting.design, replicates=REPLICATES, seed=1)
    with threadpool_limits(limits=1, user_api="blas"):
        seconds = median_time(lambda: curve.bootstrapped_nadirs(drawn), 3)
    results.append({"what": f"{REPLICATES} bootstrap low points with knots placed anew", "unit": "ms", "r": None,
                    "here": 1000 * seconds, "times": None})  # fmt: skip
    assert curve.bootstrapped_nadirs(drawn).failed == 0


def median_time(run, times) -> float:
    run()
    return float(np.median([timed(run) for _ in range(times)]))


def row(what, theirs, ours) -> str:
    return f"{what:<44}{1000 * theirs:>10.2f}{1000 * ours:>10.3f}{theirs / ours:>8.1f}\n"


def to_frame(X, y, design, domain):
    """The whole sample for R, which takes the domain itself; columns of the model are zero outside it."""
    whole = np.zeros((domain.rows.size, X.shape[1]))
    whole[domain.rows] = np.column_stack([y, X[:, 1:]])
    frame = pd.DataFrame(whole, columns=["y", *(f"x{j}" for j in range(1, X.shape[1]))])
    return frame.assign(strata=design.strata, psu=design.psu, w=design.weights, inside=domain.rows.astype(int))
