"""How long the pieces take, on the real files; `make bench`. Nothing here asserts a time: machines differ.

Where R is installed its svyglm runs in the same session on the same matrix, so that the two can be compared.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from analysis.associations import covariate_columns, estimate
from analysis.data.cohort import select_cohort
from analysis.data.harmonise import harmonise, needed_columns
from analysis.data.nhanes import read_table
from analysis.pipeline import Folders, read_participants
from analysis.stats.batch import refit_logistic
from analysis.stats.design import SurveyDesign, domain_of
from analysis.stats.replicates import bootstrap
from analysis.stats.splines import RestrictedCubicSpline, place_knots
from analysis.stats.survey import fit_logistic
from analysis.study import PRIMARY

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")


@pytest.fixture(scope="module")
def people():
    return read_participants(FOLDERS)[0]


def arrays(people, study):
    """What `estimate` hands to `fit_logistic`: X, y, design, domain, terms."""
    cohort = select_cohort(people, study)
    design = SurveyDesign(
        strata=people["strata"].to_numpy(), psu=people["psu"].to_numpy(), weights=cohort.weights.to_numpy()
    )
    domain = domain_of(design, cohort.complete.to_numpy())
    exposure = people[study.exposure].fillna(0).to_numpy()
    spline = RestrictedCubicSpline(place_knots(exposure[cohort.rows.to_numpy()], study.knots))
    adjustment, names, _ = covariate_columns(people, study, domain)
    X = np.hstack([np.ones((len(people), 1)), spline.basis(exposure), adjustment])
    terms = ("intercept", *(f"s{j}" for j in range(spline.columns)), *names)
    return X, people[study.outcome_column].fillna(0).to_numpy(), design, domain, terms


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


def test_1000_bootstrap_refits_of_model_2(benchmark, model_2):
    X, y, design, domain, terms = model_2
    fit = fit_logistic(X, y, design=design, domain=domain, terms=terms)
    factors = bootstrap(design, replicates=1000, seed=1).factors
    parts = {"design": design, "domain": domain, "fit": fit, "factors": factors, "jobs": os.cpu_count() or 1}
    with threadpool_limits(limits=1, user_api="blas"):
        refits = benchmark.pedantic(refit_logistic, (X, y), parts, rounds=3, warmup_rounds=1)
    assert refits.failed == 0


@pytest.mark.parametrize("cached", [False, True], ids=["raw", "cache"])
def test_read_and_harmonise(benchmark, cached):
    registry, cache = FOLDERS.registry(), FOLDERS.processed / "cache" if cached else None

    def read():
        tables = {
            name: read_table(registry, FOLDERS.raw, name, columns=columns, cache=cache)
            for name, columns in needed_columns().items()
        }
        return harmonise(tables)

    assert len(benchmark.pedantic(read, rounds=3, warmup_rounds=int(cached))) == 31126


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_svyglm_on_the_same_matrices(model_1, model_2, tmp_path, capsys):
    """Not a pytest-benchmark row: R times itself, so that its start-up does not count."""
    files = []
    for name, (X, y, design, domain, _) in {"model_1": model_1, "model_2": model_2}.items():
        files.append(tmp_path / f"{name}.csv")
        to_frame(X, y, design, domain).to_csv(files[-1], index=False)
    script = ROOT / "tests" / "benchmarks" / "svyglm.R"
    done = subprocess.run(["Rscript", script, *files], capture_output=True, text=True, check=True)
    seconds = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(
            f"\nR svyglm of model 1 with covariance: median {1000 * seconds['fit']:.1f} ms "
            f"(on a ready domain design; {1000 * seconds['design']:.1f} ms more to declare design and domain)\n"
            f"R svyglm on 50 bootstrap replicates of model 2: {1000 * seconds['refit']:.1f} ms a refit\n"
        )
    assert seconds["fit"] > 0


def to_frame(X, y, design, domain):
    frame = pd.DataFrame(X[:, 1:], columns=[f"x{j}" for j in range(1, X.shape[1])])
    return frame.assign(y=y, strata=design.strata, psu=design.psu, w=design.weights, inside=domain.rows.astype(int))
