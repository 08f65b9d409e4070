"""Where the time of a specification goes, in this tree and in another one; `make bench-beside TREE=...`.

    python tests/benchmarks/where_time_goes.py OTHER_TREE [GROUPS]

A timer interrupts the process again and again as its own CPU time passes, every four milliseconds on most systems; the
innermost module of the project that is at work then, whatever library it has called, gets the time since the tick
before. Written to profile.csv: milliseconds of CPU a specification by module, of both trees.
"""

import collections
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
PARTICIPANTS = ROOT / "data" / "processed" / "participants.parquet"
PROFILE = Path(__file__).with_name("profile.csv")
INTERVAL = 0.001
GROUPS, TURNS = 4, 3


def main(other: Path, groups: int) -> None:
    """Measure both trees, print, and write."""
    from tests.benchmarks.kept import commit_of  # noqa: PLC0415 - the other tree's process has no such module

    commit = commit_of(other)
    parts = [profiled(tree, groups).assign(tree=name) for tree, name in ((other.resolve(), commit), (ROOT, "this"))]
    table = pd.concat(parts)[["tree", "module", "ms"]]
    sys.stdout.write(table.to_string(index=False, float_format="{:.2f}".format) + "\n")
    table.to_csv(PROFILE, index=False, float_format="%.3g", lineterminator="\n")


def profiled(tree: Path, groups: int) -> pd.DataFrame:
    """Milliseconds a specification by module of one tree, the longest first."""
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(tree / "src")}
    command = [sys.executable, __file__, "--worker", str(groups)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    modules = pd.Series(json.loads(done.stdout)).sort_values(ascending=False)
    return modules.rename_axis("module").reset_index(name="ms")


def work(groups: int) -> None:
    """Answer some groups of specifications while the timer counts, with the code that PYTHONPATH leads to."""
    grid = importlib.import_module("analysis.audit.specifications")
    package = Path(grid.__file__).parents[1]
    people = pd.read_parquet(PARTICIPANTS)
    drawn = importlib.import_module("beside").drawn_groups(grid, groups)  # a script's neighbours need no package
    chosen = [cells for parts in drawn for cells in parts]
    grid.answer_people(people, chosen[0])  # to be warm
    spent: collections.Counter[str] = collections.Counter()
    last = [time.process_time()]

    def count(_, frame) -> None:
        now = time.process_time()  # a library's long call holds back all ticks but one
        taken, last[0] = now - last[0], now
        while frame is not None and not Path(frame.f_code.co_filename).is_relative_to(package):
            frame = frame.f_back
        if frame is not None:
            spent[Path(frame.f_code.co_filename).relative_to(package).with_suffix("").as_posix()] += taken

    last[0] = time.process_time()
    signal.signal(signal.SIGPROF, count)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    for _ in range(TURNS):
        for cells in chosen:
            grid.answer_people(people, cells)
    signal.setitimer(signal.ITIMER_PROF, 0)
    number = TURNS * sum(map(len, chosen))
    json.dump({module: 1000 * seconds / number for module, seconds in spent.items()}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        work(int(sys.argv[2]))
    else:
        sys.path.insert(0, str(ROOT))
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else GROUPS)
