"""How fast this tree is beside another one, in alternating runs on the same people; `make bench-beside TREE=...`.

    python tests/benchmarks/beside.py OTHER_TREE [GROUPS] [ROUNDS]

OTHER_TREE is a checkout of another commit, whose own code is run on this tree's participants. Each tree has a process
of its own with one BLAS thread; they take turns, so that a neighbour on the machine disturbs both alike. CPU seconds;
medians of the rounds. What groups answer is held to the other tree's as well: verdicts, counts and flags are the same,
and the largest differences of odds ratios, p-values and totals are kept. In results.csv "r" is the other tree's, and
times says how often this one fits into it.
"""

import contextlib
import dataclasses
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
PARTICIPANTS = ROOT / "data" / "processed" / "participants.parquet"
GROUPS, ROUNDS = 8, 5
REPLICATES, MODELS = 1000, ("1", "3")
SEED = 7
LATER = ("plausible reporters", "any_tested")
"""Levels of the grid that an older tree has not."""

HOMES = {
    "estimate": ("analysis.dose_response.association", "analysis.associations"),
    "curve_of": ("analysis.dose_response.fits", "analysis.shapes"),
    "bootstrap": ("analysis.stats.sample.replicates", "analysis.stats.replicates"),
}
"""Where a function lives, and where it did before the modules had rooms."""


def main(other: Path, groups: int, rounds: int) -> None:
    """Measure, print and keep."""
    from tests.benchmarks.kept import commit_of, keep  # noqa: PLC0415 - the other tree's process has no such module

    load, trees = os.getloadavg()[0], (other.resolve(), ROOT)
    pieces = [f"group {number}" for number in range(groups)] + [f"model {model}" for model in MODELS]
    workers = [started(tree, groups) for tree in trees]
    taken = np.array([[[ask(one, piece) for one in workers] for piece in pieces] for _ in range(rounds)])
    taken = np.median(taken, axis=0)
    apart = apart_by([[answers(one, piece) for one in workers] for piece in pieces[:groups]])
    for one in workers:
        one.communicate()
    commit = commit_of(other)
    what = [(f"a specification of {groups} groups of people", 1000 * taken[:groups].mean(axis=0))]
    what += [(f"{REPLICATES} bootstrap low points, model {model}", 1000 * seconds)
             for model, seconds in zip(MODELS, taken[groups:], strict=True)]  # fmt: skip
    rows = [{"what": f"{name}, beside {commit}", "unit": "ms", "r": theirs, "here": ours, "times": np.nan,
             "rounds": rounds} for name, (theirs, ours) in what]  # fmt: skip
    for row in rows:
        sys.stdout.write(f"{row['what']:<64}{row['r']:>10.2f}{row['here']:>10.2f}{row['here'] / row['r']:>8.3f}\n")
    for name, difference in apart.items():
        sys.stdout.write(f"{f'largest difference of {name}':<64}{difference:>28.2g}\n")
        rows.append({"what": f"largest difference of {name}, beside {commit}", "unit": "relative", "r": np.nan,
                     "here": difference, "times": np.nan})  # fmt: skip
    keep(rows, load)


def apart_by(pairs: list) -> dict[str, float]:
    """Largest differences of what both trees answer, relative; totals in shares of their own standard deviation."""
    found = {"odds ratios": 0.0, "p-values": 0.0, "totals": 0.0}
    for theirs, ours in pairs:
        for (old, old_totals), (new, new_totals) in zip(theirs, ours, strict=True):
            if set(old) - set(new):
                raise SystemExit(
                    f"{', '.join(sorted(set(old) - set(new)))}: told there and not here, expected here too."
                )
            for name in old:
                if isinstance(old[name], float) and np.isfinite(old[name]) != np.isfinite(new[name]):
                    raise SystemExit(f"{name}: {old[name]!r} there and {new[name]!r} here, expected both or neither.")
                kind = "odds ratios" if name.startswith("odds_ratio") else "p-values" if name.endswith("_p") else ""
                if kind and np.isfinite(old[name]):
                    found[kind] = max(found[kind], abs(new[name] / old[name] - 1))
                elif not isinstance(old[name], float) and old[name] != new[name]:
                    raise SystemExit(f"{name}: {old[name]!r} there and {new[name]!r} here, expected the same.")
            if old_totals.shape != new_totals.shape or np.any(np.isfinite(old_totals) != np.isfinite(new_totals)):
                raise SystemExit(
                    f"totals {old_totals.shape} there and {new_totals.shape} here, expected the same people."
                )
            if old_totals.size:
                apart = np.abs(new_totals - old_totals) / old_totals.std(axis=0)
                found["totals"] = max(found["totals"], float(apart.max()))
    return found


def started(tree: Path, groups: int) -> subprocess.Popen:
    """A process that runs a tree's code, ready when this returns."""
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(tree / "src")}
    command = [sys.executable, __file__, "--worker", str(groups)]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    if worker.stdout.readline() != "ready\n":
        raise SystemExit(f"{tree}: its code cannot be run on the participants of {ROOT}.")
    return worker


def ask(worker: subprocess.Popen, piece: str) -> float:
    """CPU seconds of one piece, and for groups of one of their specifications."""
    worker.stdin.write(f"{piece}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def answers(worker: subprocess.Popen, piece: str) -> list:
    """Row and totals of every specification of a group."""
    with tempfile.NamedTemporaryFile() as file:
        ask(worker, f"{piece} > {file.name}")
        return pickle.load(file)


def work(groups: int) -> None:
    """Answer what is asked on standard input, with the code that PYTHONPATH leads to and memory as in its stages."""
    with contextlib.suppress(ModuleNotFoundError):  # an older tree's keep none
        importlib.import_module("analysis.cli.memory").keep_freed_memory()
    specifications, study = (importlib.import_module(f"analysis.{name}") for name in ("audit.specifications", "study"))
    people = pd.read_parquet(PARTICIPANTS)
    pieces = {f"group {number}": (sum(map(len, parts)), lambda parts=parts: answered(specifications, people, parts))
              for number, parts in enumerate(drawn_groups(specifications, groups))}  # fmt: skip
    for model in MODELS:
        found = at_home("estimate")(people, dataclasses.replace(study.PRIMARY, model=model))
        curve = at_home("curve_of")(found.problem, found.fit)
        drawn = at_home("bootstrap")(curve.design, replicates=REPLICATES, seed=1)
        pieces[f"model {model}"] = (1, lambda curve=curve, drawn=drawn: curve.bootstrapped_nadirs(drawn))
    for _, run in pieces.values():
        run()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        piece, _, path = line.strip().partition(" > ")
        number, run = pieces[piece]
        before = time.process_time()
        found = run()
        if path:
            Path(path).write_bytes(pickle.dumps([(dict(one.row), np.asarray(one.totals)) for one in found]))
        sys.stdout.write(f"{(time.process_time() - before) / number}\n")
        sys.stdout.flush()


def drawn_groups(specifications, number: int) -> list[list[list]]:
    """Some specifications that share weights, outcome and sample, 45 each, in the parts that a tree answers at once."""
    whole: dict[tuple[str, ...], list[list]] = {}
    for name, cells in specifications.people_groups().items():
        if not any(level in name for level in LATER):
            whole.setdefault((cells[0].weights, cells[0].outcome, cells[0].sample), []).append(cells)
    drawn = np.random.Generator(np.random.PCG64(SEED)).choice(len(whole), number, replace=False)
    return [whole[sorted(whole)[position]] for position in np.sort(drawn)]


def answered(specifications, people: pd.DataFrame, parts: list[list]) -> list:
    """Answers of all parts, in one order whatever the tree."""
    found = [answer for cells in parts for answer in specifications.answer_people(people, cells)]
    return sorted(found, key=lambda answer: [answer.row[name] for name in ("covariates", "energy", "knots")])


def at_home(name: str):
    """A function from wherever this tree has it."""
    for home in HOMES[name]:
        try:
            return getattr(importlib.import_module(home), name)
        except ModuleNotFoundError:
            continue
    raise SystemExit(f"no {name} in {', '.join(HOMES[name])}.")


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        work(int(sys.argv[2]))
    else:
        sys.path.insert(0, str(ROOT))
        asked = [int(one) for one in sys.argv[2:]]
        main(Path(sys.argv[1]), *asked, *(GROUPS, ROUNDS)[len(asked) :])
