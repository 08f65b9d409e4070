"""Experiments on invented surveys: they go on where they were interrupted, and who performs them changes no digit."""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest

from analysis.audit import store
from analysis.pipeline.results import SIMULATED
from analysis.pipeline.simulate import EXPERIMENTS
from analysis.simulation import recall_error, surveys
from analysis.simulation.surveys import Experiment, SimulationError, run_experiments

NUMBER = 3


def drawn(base, truth, rng):
    """A number of the survey, one of the truth and one of chance."""
    return [{"people": base.exposure.size, "value": truth(1.0), "noise": rng.normal(), "missing": None}]


def plus(x, *, y):
    return x + y


def interrupted(base, truth, rng):
    raise KeyboardInterrupt


def impossible(base, truth, rng):
    raise SimulationError("no such curve.")


def tables(every):
    return {"drawn": every}


TOY = Experiment("toy", drawn, {"one": partial(plus, y=0), "two": partial(plus, y=1)}, tables, draws_per_survey=2)
HALF = Experiment("half", drawn, {"one": partial(plus, y=0)}, lambda every: {"half": every}, 2, outcomes_of=2)


def run(*experiments, **performed):
    return run_experiments(experiments, surveys=NUMBER, seed=5, **performed)


@pytest.fixture(scope="module")
def found():
    return run(TOY)["drawn"]


def test_each_truth_has_its_outcomes_on_the_same_surveys(found):
    assert found.groupby("curve", sort=False).size().to_dict() == {"one": NUMBER, "two": NUMBER}
    assert found.groupby("base").size().to_dict() == {0: 4, 1: 2}
    assert found.groupby("curve")["value"].unique().str[0].to_dict() == {"one": 1.0, "two": 2.0}
    assert found["noise"].is_unique


def test_an_experiment_that_costs_more_draws_fewer(found):
    both = run(TOY, HALF)
    pd.testing.assert_frame_equal(both["drawn"], found)
    assert len(both["half"]) == -(-NUMBER // 2)


def test_who_performs_it_changes_no_digit(found, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=50
    ) as cluster:
        there = run(TOY, folder=tmp_path, scheduler=cluster.scheduler_address)["drawn"]
    pd.testing.assert_frame_equal(there, found)


def test_processes_change_no_digit_of_any_experiment():
    """Each experiment is measured here, at the fewest draws; its own tests make many more of the same."""
    few = {"recall error": partial(recall_error.EXPERIMENT.rows_of, replicates=10, simex_draws=2)}
    experiments = [
        replace(one, rows_of=few.get(one.name, one.rows_of), draws_per_survey=1, outcomes_of=1) for one in EXPERIMENTS
    ]
    one, two = (run_experiments(experiments, surveys=2, seed=8, jobs=jobs) for jobs in (1, 2))
    assert sorted(one) == sorted(two) == sorted(SIMULATED)
    for name in SIMULATED:
        pd.testing.assert_frame_equal(one[name], two[name])


def test_what_is_finished_is_not_done_again(found, tmp_path, monkeypatch):
    broken = Experiment("broken", interrupted, {"one": None}, tables)
    with pytest.raises(KeyboardInterrupt):
        run(TOY, broken, folder=tmp_path)
    kept = [path.name for path in tmp_path.glob("*/*.npz")]
    assert any(name.startswith("toy-0") for name in kept)
    run(TOY, folder=tmp_path)
    monkeypatch.setattr(surveys, "base_survey", lambda seed: pytest.fail("a survey was invented again"))
    pd.testing.assert_frame_equal(run(TOY, folder=tmp_path)["drawn"], found)


def test_code_of_the_experiment_decides_where_its_results_lie():
    (task, *_) = TOY.tasks(surveys=1, seed=5)
    assert task.code == __name__
    own = surveys.__name__
    assert own in store.modules_behind("analysis.simulation.bands")
    assert store.run_digest("people", "analysis.simulation.bands") != store.run_digest("people", own)


def test_an_experiment_that_cannot_be_tried_says_why():
    failing = Experiment("failing", impossible, {"one": None}, tables)
    with pytest.raises(SimulationError, match=r"failing 0: no such curve\."):
        run(failing)
    with pytest.raises(SimulationError, match="0 surveys: expected at least 1"):
        run_experiments([TOY], surveys=0, seed=1)
