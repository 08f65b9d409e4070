"""How fast the specification curve is answered, on the real files, beside R's fits of the same models; `make bench`.

R fits, takes the covariance and tests non-linearity by Wald, on designs, domains and matrices that are ready. It is
compared with the same here, each fit by itself and as the audit fits them, whole groups of people whose common columns
are made ready once; on one core and on all of them; and with everything that answers a specification: choosing people,
adjusting for energy, placing knots, fitting, the two lines (about three more fits), the draws of the low point, the
influence of every PSU. CPU seconds of one thread; elapsed ones, from a common start, for several processes, beside
which R has one. Nothing here asserts a time: machines differ.
"""

import dataclasses
import itertools
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from analysis.audit.specifications import answer_people, eligible_people, people_groups, specification_grid
from analysis.dose_response.energy import energy_adjusted
from analysis.dose_response.fits import fit_beside, model_of
from analysis.dose_response.problem import pose_setting, set_out
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.quick import fit_quickly, people_of
from analysis.stats.regression.shared import shared_columns

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed"),
]

ROOT = Path(__file__).parents[2]
SEED = 20261123
DRAWN = 200
GROUPS, ROUNDS = 5, 5
"""Groups of people, 45 specifications each: what the audit's runner gives to a worker at once is one."""


def drawn(every, number):
    chosen = np.random.Generator(np.random.PCG64(SEED)).choice(len(every), number, replace=False)
    return [every[position] for position in np.sort(chosen)]


def test_200_drawn_specifications_beside_svyglm(tmp_path, capsys, results):
    people = read_participants(Folders(ROOT / "data", ROOT / "figures"))[0]
    cells = drawn(specification_grid(), DRAWN)
    groups = {}
    for cell in cells:
        groups.setdefault(cell.people, []).append(cell)
    whole = drawn(list(people_groups().values()), GROUPS)
    with threadpool_limits(limits=1, user_api="blas"):
        models = {(name, one): some for name, cells in groups.items() for one, some in by_model(cells).items()}
        problems = pose_all(people, models)
        theirs = svyglm_of(problems, tmp_path)
        of_groups = [pose_all(people, by_model(cells)) for cells in whole]
        together, shared, in_groups = [], [], []
        for _ in range(ROUNDS):
            together.append(svyglm_of([one for group in of_groups for one in group], tmp_path))
            people_of.cache_clear()
            taken, shared_p = timed(lambda: [p_value for group in of_groups for p_value in shared_p_values(group)])
            shared.append(taken)
            in_groups.append(timed(lambda: [answer_people(people, some) for some in whole])[0])
        ready = [(model_of(one), one) for one in problems]
        ours, p_values = timed(lambda: [nonlinear_p(*one) for one in ready])
        everything, answers = timed(lambda: [one for some in groups.values() for one in answer_people(people, some)])
        cores = os.cpu_count() or 1
        shares = [dict(list(models.items())[start::cores]) for start in range(cores)]
        at_once = seconds_at_once(people, shares)
    rate, number = DRAWN / theirs["seconds"], len(shared_p)
    of_r = number / statistics.median(one["seconds"] for one in together)
    as_fitted, everything_of = (number / statistics.median(seconds) for seconds in (shared, in_groups))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{'specifications':<64}{'a second':>10}{'times R':>9}\n"
            + row(f"R: fit, covariance, Wald test of {DRAWN} drawn ones", rate, rate)
            + row("here: the same, each by itself", DRAWN / ours, rate)
            + row("R: the same of whole groups of people", of_r, rate)
            + row("here: the same, as the audit fits them", as_fitted, rate)
            + row(f"here: the same on {cores} cores (elapsed; R has one)", DRAWN / at_once, rate)
            + row(f"here: everything, {DRAWN} drawn ones, {len(groups)} groups of people", DRAWN / everything, rate)
            + row(f"here: everything, {GROUPS} whole groups of people", everything_of, rate)
        )
    for what, r, here, rounds in (
        ("specifications a second, fits and tests on ready matrices, one core each", rate, DRAWN / ours, 1),
        (f"the same on {cores} cores, R on one", rate, DRAWN / at_once, 1),
        ("the same in whole groups, common columns made ready once, one core each", of_r, as_fitted, ROUNDS),
        ("the same with everything else of a specification, R still fits only", of_r, everything_of, ROUNDS),
    ):
        results.append({"what": what, "unit": "1/s", "r": r, "here": here, "times": here / r, "rounds": rounds})
    np.testing.assert_allclose(shared_p, together[0]["p_value"], rtol=1e-5)
    np.testing.assert_allclose(p_values, theirs["p_value"], rtol=1e-5)  # svyglm alone is right to about 1e-7
    np.testing.assert_allclose([answer.row["nonlinear_p"] for answer in answers], p_values, rtol=1e-8)


def pose_all(people, groups):
    """The models of all cells, on the rows of `eligible_people`."""
    people = eligible_people(people)
    energy = people["energy_kcal"].to_numpy(dtype=float)
    problems = []
    for cells in groups.values():
        setting = set_out(people, cells[0].study)
        for cell in cells:
            with_knots = dataclasses.replace(setting, study=cell.study)
            problems.append(pose_setting(energy_adjusted(with_knots, energy, cell.energy)))
    return problems


def by_model(cells):
    """Cells of the same people by their covariates, which decide whose are known."""
    return {covariates: list(some) for covariates, some in itertools.groupby(cells, key=attrgetter("covariates"))}


def nonlinear_p(model, problem):
    return wald_test(fit_quickly(model, problem.setting.design), problem.spline_terms[1:]).p_value


def shared_p_values(problems):
    """The same p-values of a group of people, as the audit comes to them: common columns are made ready once."""
    found = []
    for _, of_model in itertools.groupby(problems, key=lambda one: one.setting.study.covariates):
        some = list(of_model)
        settings = {one.setting.adjustment_terms: one.setting for one in some}
        ready = shared_columns([one.regression() for one in settings.values()], some[0].setting.design)
        of_terms = dict(zip(settings, ready, strict=True))
        fits = [(fit_beside(one, of_terms[one.setting.adjustment_terms]), one.spline_terms[1:]) for one in some]
        found += [wald_test(fit, terms).p_value for fit, terms in fits]
    return found


def seconds_at_once(people, shares):
    """Elapsed seconds of the fits and tests of all shares of the cells, a process each, from a common start."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(shares))
    with ProcessPoolExecutor(len(shares), context, initializer=hold, initargs=(start,)) as pool:
        spans = list(pool.map(span_of_fits, [people] * len(shares), shares))
    return max(ended for _, ended in spans) - min(started for started, _ in spans)


def hold(start):
    """Keep the common start where `span_of_fits` finds it: a barrier can be given to a process at its birth only."""
    global common_start
    common_start = start


def span_of_fits(people, groups):
    """Start and end, by the clock that processes share, of one process's fits and tests; matrices are ready before."""
    with threadpool_limits(limits=1, user_api="blas"):
        ready = [(model_of(one), one) for one in pose_all(people, groups)]
        common_start.wait()
        started = time.monotonic()
        for one in ready:
            nonlinear_p(*one)
        return started, time.monotonic()


def svyglm_of(problems, folder):
    """R's seconds and p-values; a column that several models share is handed over once."""
    design = problems[0].setting.design
    columns, positions, models = [], {}, []

    def position(column):
        column = np.ascontiguousarray(column, dtype=np.float64)
        if (known := positions.get(column.tobytes())) is None:
            columns.append(column)
            known = positions[column.tobytes()] = len(columns)
        return known

    position(design.strata)
    position(design.psu)
    for problem in problems:
        setting = problem.setting
        whole = np.zeros((setting.y.size, problem.X.shape[1]))
        whole[setting.domain.rows] = problem.X
        X = " ".join(str(position(column)) for column in whole.T[1:])
        models.append(
            {
                "rows": setting.y.size,
                "weight": position(setting.design.weights),
                "inside": position(setting.domain.rows),
                "y": position(setting.y),
                "X": X,
                "spline": len(problem.spline_terms),
            }
        )
    np.concatenate(columns).tofile(folder / "columns.bin")
    pd.DataFrame(models).to_csv(folder / "models.csv", index=False)
    command = ["Rscript", Path(__file__).with_name("audit.R"), folder / "columns.bin", folder / "models.csv"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def timed(run):
    """CPU seconds of a call, and what it returns: a neighbour on the machine does not count."""
    started = time.process_time()
    found = run()
    return time.process_time() - started, found


def row(what, rate, of_r):
    return f"{what:<64}{rate:>10.1f}{rate / of_r:>9.1f}\n"
