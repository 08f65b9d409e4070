"""What was measured, kept in results.csv: each row with commit, machine, its load before and after, and versions."""

import os
import platform
import resource
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).with_name("results.csv")
COLUMNS = (
    "what",
    "unit",
    "r",
    "here",
    "times",
    "rounds",
    "date",
    "commit",
    "cores",
    "cpu",
    "load",
    "load_after",
    "versions",
)
LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "distributed")
OF_R = "cat(R.version$major, '.', R.version$minor, ' survey ', as.character(packageVersion('survey')), sep = '')"


def keep(rows: list[dict], load: float) -> None:
    """Write rows of what, unit, r (what it is held to), here and times; rows of the same name are replaced.

    Parameters
    ----------
    rows : of one run; times is r / here unless it is given, and rounds how many it is the median of, 1 unless given.
    load : of the machine when the run began, processes waiting for a core.
    """
    table = pd.DataFrame(rows)
    table["times"] = table["times"].astype(float).fillna(table["r"].astype(float) / table["here"])
    table["rounds"] = table["rounds"].fillna(1).astype(int) if "rounds" in table else 1
    table = table.assign(
        date=pd.Timestamp.now().date().isoformat(), commit=commit_of(RESULTS.parent), cores=os.cpu_count(),
        cpu=cpu_model(), load=round(load, 1), load_after=round(os.getloadavg()[0], 1), versions=versions(),
    )  # fmt: skip
    before = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=COLUMNS)
    kept = before[~before["what"].isin(table["what"])]
    everything = pd.concat([part for part in (kept, table) if len(part)], ignore_index=True)
    everything.reindex(columns=COLUMNS).to_csv(RESULTS, index=False, float_format="%.4g", lineterminator="\n")


def commit_of(tree: Path) -> str:
    """Short name of the commit that a checkout is at."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout.strip()


def versions() -> str:
    """Of Python, of what computes here, and of R where it is installed."""
    found = [f"python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # an extra
            continue
    if shutil.which("Rscript") is not None:
        done = subprocess.run(["Rscript", "-e", OF_R], capture_output=True, text=True, check=False)
        found += [f"R {done.stdout}"] if done.returncode == 0 else []
    return " ".join(found)


def peak_memory() -> float:
    """Most memory that this process has held, in MB.

    By getrusage a process is never below the peak of the one that started it, so that Linux is asked itself.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, where there is no /proc
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def cpu_model() -> str:
    """What the processor calls itself; a host's name is nobody's business."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
