"""How long whole stages take beside another tree's, in turns on the same raw files; `make bench-beside TREE=...`.

    python tests/benchmarks/stages.py OTHER_TREE [ROUNDS]

What this tree has more of is left out: levels that joined the grid, experiments of other truths. Elapsed seconds of
the whole command with as many processes as the machine has cores; the median of all rounds is kept in results.csv, in
which "r" is the other tree's and times says how often this one fits into it.
"""

import importlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS = 5
OUTCOMES = 50
"""Drawn for each truth, a twentieth of what `make simulate` draws; each outcome takes the same time."""

Stage = tuple[str, ...]

READY: tuple[Stage, ...] = (("fetch", "--needed"), ("cohort",), ("fit",), ("shapes",))
STAGES: dict[str, tuple[tuple[Stage, ...], ...]] = {
    "audit --fresh, 3,240 specifications": ((("audit", "--fresh"),),),
    "figures from raw files": ((("cohort",),), (("fit",), ("shapes",)), (("figures",),)),
    "figures from raw files, stages one by one": ((("cohort",),), (("fit",),), (("shapes",),), (("figures",),)),
    f"simulate, {OUTCOMES} outcomes a truth": ((("simulate", "--surveys", str(OUTCOMES)),),),
}
"""What is measured, step by step; `make` runs the stages of a step side by side here, one by one in the older tree.
`make figures` has more to do here than there (foods, claims, publications), which is left out."""

OLD_EXPERIMENTS = 3


def main(other: Path, rounds: int) -> None:
    """Measure, print and keep."""
    from tests.benchmarks.kept import commit_of, keep  # noqa: PLC0415 - the other tree's process has no such module

    load, trees = os.getloadavg()[0], (other.resolve(), ROOT)
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made) / name / "data" for name in ("other", "this")]
        for tree, data in zip(trees, folders, strict=True):
            shutil.copytree(ROOT / "data" / "raw", data / "raw", copy_function=os.link)
            for stage in READY:
                seconds(tree, data, ((stage,),))
        taken: dict[str, list[list[float]]] = {name: [] for name in STAGES}
        for name, stages in STAGES.items():
            for _ in range(rounds):
                shutil.rmtree(folders[0] / "processed" / "cache", ignore_errors=True)  # raw files are read, not copies
                taken[name].append([seconds(tree, data, stages) for tree, data in zip(trees, folders, strict=True)])
    commit = commit_of(other)
    rows = []
    for name, pairs in taken.items():
        theirs, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
        sys.stdout.write(f"{name:<48}{theirs:>8.1f}{ours:>8.1f}{ours / theirs:>8.3f}\n")
        rows.append({"what": f"{name}, elapsed, beside {commit}", "unit": "s", "r": theirs, "here": ours,
                     "times": float("nan"), "rounds": rounds})  # fmt: skip
    keep(rows, load)


def seconds(tree: Path, data: Path, steps: tuple[tuple[Stage, ...], ...]) -> float:
    """Elapsed seconds of some stages of a tree, each a process."""
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(tree / "src")}
    started = time.monotonic()
    alone = [(stage,) for step in steps for stage in step]
    for step in steps if tree == ROOT else alone:
        with tempfile.TemporaryFile("w+") as said:
            running = [
                subprocess.Popen(
                    [sys.executable, __file__, "--stage", str(data), *stage],
                    cwd=data.parent, env=environment, stdout=subprocess.DEVNULL, stderr=said,
                )
                for stage in step
            ]  # fmt: skip
            ended = [process.wait() for process in running]
            if any(ended):
                said.seek(0)
                raise SystemExit(f"{tree}: {step} ended with {ended}:\n{said.read()}")
    return time.monotonic() - started


def perform(data: str, stage: list[str]) -> int:
    """One stage of the tree that PYTHONPATH leads to, without what the older one has not."""
    if stage[0] == "audit":
        grid = importlib.import_module("analysis.audit.specifications")
        for name, levels in getattr(grid, "ADDED", {}).items():
            grid.CHOICES[name] = tuple(level for level in grid.CHOICES[name] if level not in levels)
    if stage[0] == "simulate":
        try:
            simulate = importlib.import_module("analysis.pipeline.simulate")
        except ModuleNotFoundError:  # the older tree's pipeline is one module
            pass
        else:
            simulate.EXPERIMENTS = simulate.EXPERIMENTS[:OLD_EXPERIMENTS]
            stage = [*stage, "--fresh"]
    where = ["--out", str(Path(data) / "simulation")] if stage[0] == "simulate" else ["--data", data]
    return importlib.import_module("analysis.__main__").main([*stage, *where])


if __name__ == "__main__":
    if sys.argv[1] == "--stage":
        raise SystemExit(perform(sys.argv[2], sys.argv[3:]))
    sys.path.insert(0, str(ROOT))
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
