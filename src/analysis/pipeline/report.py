"""Stage ``report``: everything that was found on one page of HTML."""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.results import (
    read_audit,
    read_claims,
    read_estimates,
    read_referee,
    read_simulation,
    write_text,
)
from analysis.report.page.content import Results
from analysis.report.page.render import render_page
from analysis.stats.arrays import Frames

TOLD_VERSIONS = ("magnesium-neuropathy", "numpy", "scipy", "pandas", "statsmodels", "vl-convert-python", "latex2mathml")
"""Libraries that make the numbers and the page."""


def write_report(folders: Folders, out: Path | None = None) -> Path:
    """Stage ``report``: one self-contained page from the results files; computes nothing.

    Parameters
    ----------
    folders : whose results.
    out : the file; by default report.html beside the estimates' folder.

    Returns
    -------
    Path of the page.

    Raises
    ------
    StageError : the fit or shapes stage has not been run.
    PageError : the extra ``report`` is not installed.
    """
    path = out or folders.processed / "report.html"
    results = read_results(folders)
    page = render_page(dataclasses.replace(results, **_around(path)))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def _around(page: Path) -> dict[str, Any]:
    """Where README and the documents are from a page: as pages if `make docs` has made them, else as Markdown."""
    root = next((folder for folder in page.resolve().parents if (folder / "docs").is_dir()
                 and (folder / "pyproject.toml").exists()), None)  # fmt: skip
    if root is None:
        return {}
    places = {"README": ("data/processed/docs/readme.html", "README.md"),
              "Documents": ("data/processed/docs/index.html", "docs/README.md")}  # fmt: skip
    home = os.path.relpath(root, page.resolve().parent)
    found = {words: next((name for name in names if (root / name).exists()), "") for words, names in places.items()}
    return {"home": home, "elsewhere": tuple((f"{home}/{name}", words) for words, name in found.items() if name)}


def read_results(folders: Folders) -> Results:
    """Everything that the stages have left in a data folder.

    Raises
    ------
    StageError : the fit or shapes stage has not been run; a table of another stage is there but cannot be read.
    """
    estimates, provenance = read_estimates(folders)
    has = {stage: any(folders.estimates.glob(f"{stage}*.csv")) for stage in ("audit", "claims", "referee")}
    has["simulate"] = any(folders.simulation.glob("*.csv"))
    return Results(
        estimates=estimates,
        provenance=provenance,
        audit=read_audit(folders)[0] if has["audit"] else {},
        claims=read_claims(folders)[0] if has["claims"] else {},
        simulation=read_simulation(folders)[0] if has["simulate"] else {},
        referee=read_referee(folders)[0]["referee"] if has["referee"] else pd.DataFrame(),
        published=_published(folders),
        versions=_versions(),
        digests=_digests(folders),
    )


def _published(folders: Folders) -> Frames:
    """Published numbers beside ours, whichever tables there are."""
    return {path.stem: _read(path) for path in sorted(folders.estimates.glob("published*.csv"))}


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise StageError(f"{path.name} cannot be read ({error.__class__.__name__}): run its stage again.") from None


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in TOLD_VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _digests(folders: Folders) -> dict[str, str]:
    """SHA-256 of every input table, where the participants were built here, and of every results file."""
    known = folders.processed / "provenance.json"
    inputs = json.loads(known.read_text())["files"] if known.exists() else {}
    results = sorted(folders.estimates.glob("*.csv")) + sorted(folders.simulation.glob("*.csv"))
    return {f"NHANES {name}": digest for name, digest in inputs.items()} | {
        f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in results
    }
