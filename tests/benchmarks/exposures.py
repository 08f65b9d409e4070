"""What the audit of another exposure costs beside the primary study's, and ten beside one; `make bench-exposures`.

    python tests/benchmarks/exposures.py [ROUNDS]

Whole commands, begun anew each time, with as many processes as the machine has cores. The primary study's referee is a
stage of its own, that of another is part of its audit: so the two stages are held to the one. Ten exposures are asked
for in one command, which does once what does not depend on the exposure. Elapsed seconds, and CPU seconds of all
processes, medians of the rounds, are kept in results.csv; "r" is what it is held to.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONE = "phosphorus_mg"
TEN = (
    ONE, "calcium_mg", "iron_mg", "zinc_mg", "potassium_mg", "sodium_mg", "protein_g", "fiber_g", "selenium_ug",
    "niacin_mg",
)  # fmt: skip
COMMANDS = {
    "primary": (("audit", "--fresh"), ("referee", "--fresh")),
    "other": (("audit", "--fresh", "--exposure", ONE),),
    "ten": (("audit", "--fresh", "--exposure", *TEN),),
}


def main(rounds: int) -> None:
    """Measure, print and keep."""
    from tests.benchmarks.kept import keep  # noqa: PLC0415 - run as a script, this finds the project first

    load = os.getloadavg()[0]
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "data"
        shutil.copytree(ROOT / "data" / "raw", data / "raw", copy_function=os.link)
        seconds(data, (("fetch", "--needed"), ("cohort",)))
        for _ in range(rounds):
            for name, stages in COMMANDS.items():
                taken[name].append(seconds(data, stages))
                sys.stdout.write(f"{name:<10}" + "{:>9.1f} s{:>9.1f} CPU s\n".format(*taken[name][-1]))
                sys.stdout.flush()
    rows = []
    for kind, position in (("elapsed", 0), ("CPU", 1)):
        primary, other, ten = (statistics.median(one[position] for one in taken[name]) for name in COMMANDS)
        rows += [
            {"what": f"audit of {ONE}, {kind}, beside the primary study's audit and referee", "unit": "s", "r": primary,
             "here": other, "times": float("nan"), "rounds": rounds},
            {"what": f"audit of {len(TEN)} exposures, {kind}, beside one", "unit": "s", "r": other, "here": ten,
             "times": other / ten, "rounds": rounds},
        ]  # fmt: skip
    keep(rows, load)


def seconds(data: Path, stages: tuple[tuple[str, ...], ...]) -> tuple[float, float]:
    """Elapsed and CPU seconds of some stages, each a process with its own workers."""
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for stage in stages:
        command = [sys.executable, "-m", "analysis", *stage, "--data", str(data)]
        if stage[0] != "fetch":
            command += ["--figures", str(data / "figures")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(stage)} ended with {done.returncode}:\n{done.stderr}")
    elapsed, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
