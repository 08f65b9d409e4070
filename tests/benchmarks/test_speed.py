"""How long the pieces take, on the real files; `make bench`. Nothing here asserts a time: machines differ.

Where R is installed its svyglm runs in the same session on the same matrix, so that the two can be compared.
"""

import json
import shutil
import subprocess
import sys
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
from analysis.stats.design import SurveyDesign, domain_of
from analysis.stats.splines import RestrictedCubicSpline, place_knots
from analysis.stats.survey import fit_logistic
from analysis.study import PRIMARY

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
FOLDERS = Folders(ROOT / "data", ROOT / "figures")


@pytest.fixture(scope="module")
def people():
    return read_participants(FOLDERS)[0]


@pytest.fixture(scope="module")
def model_1(people):
    """Arrays of model 1 as `estimate` builds them."""
    cohort = select_cohort(people, PRIMARY)
    design = SurveyDesign(
        strata=people["strata"].to_numpy(), psu=people["psu"].to_numpy(), weights=cohort.weights.to_numpy()
    )
    domain = domain_of(design, cohort.complete.to_numpy())
    exposure = people[PRIMARY.exposure].fillna(0).to_numpy()
    spline = RestrictedCubicSpline(place_knots(exposure[cohort.rows.to_numpy()], PRIMARY.knots))
    adjustment, names, _ = covariate_columns(people, PRIMARY, domain)
    X = np.hstack([np.ones((len(people), 1)), spline.basis(exposure), adjustment])
    terms = ("intercept", *(f"s{j}" for j in range(spline.columns)), *names)
    return X, people[PRIMARY.outcome_column].fillna(0).to_numpy(), design, domain, terms


def test_fit_of_model_1_with_covariance(benchmark, model_1):
    X, y, design, domain, terms = model_1
    with threadpool_limits(limits=1, user_api="blas"):
        fit = benchmark(fit_logistic, X, y, design=design, domain=domain, terms=terms)
    assert fit.n == 7726


def test_whole_study_of_model_1(benchmark, people):
    with threadpool_limits(limits=1, user_api="blas"):
        found = benchmark(estimate, people, PRIMARY)
    assert found.fit.n == 7726


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
def test_r_svyglm_on_the_same_matrix(model_1, tmp_path, capsys):
    """Not a pytest-benchmark row: R times itself, so that its start-up does not count."""
    X, y, design, domain, _ = model_1
    frame = to_frame(X, y, design, domain)
    frame.to_csv(tmp_path / "model_1.csv", index=False)
    script = ROOT / "tests" / "benchmarks" / "svyglm.R"
    done = subprocess.run(["Rscript", script, tmp_path / "model_1.csv"], capture_output=True, text=True, check=True)
    seconds = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(
            f"\nR svyglm of model 1 with covariance: median {1000 * seconds['fit']:.1f} ms "
            f"(on a ready domain design; {1000 * seconds['design']:.1f} ms more to declare design and domain)\n"
        )
    assert seconds["fit"] > 0


def to_frame(X, y, design, domain):
    frame = pd.DataFrame(X[:, 1:], columns=[f"x{j}" for j in range(1, X.shape[1])])
    return frame.assign(y=y, strata=design.strata, psu=design.psu, w=design.weights, inside=domain.rows.astype(int))
