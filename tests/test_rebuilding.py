"""What `make` makes anew after a change in one room, asked with ``make -n`` on a tree that is up to date."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.data.people.harmonise import needed_columns
from analysis.data.source.registry import COMMITTED, read_registry

ROOT = Path(__file__).parents[1]
STAGES = ("cohort", "fit", "shapes", "published", "figures")
CHANGED = {
    "report/figures/dose_response.py": ("published", "figures"),
    "report/words/study.py": ("published", "figures"),
    "report/page/content.py": (),
    "stats/regression/fit.py": ("fit", "shapes", "published", "figures"),
    "dose_response/association.py": ("fit", "shapes", "published", "figures"),
    "data/people/harmonise.py": ("cohort", "fit", "shapes", "published", "figures"),
    "data/source/transport.py": ("cohort", "fit", "shapes", "published", "figures"),
    "data/source/registry/tables.csv": ("cohort", "fit", "shapes", "published", "figures"),
    "data/synthetic/survey.py": (),
    "simulation/coverage.py": (),
    "audit/runner.py": (),
    "validation/threshold.py": ("fit", "shapes", "figures"),
    "validation/studies/stands.py": ("published",),
    "validation/studies/tao_2008.toml": ("published",),
    "validation/studies/gregg_2004.toml": ("fit", "shapes", "published", "figures"),
    "cli/options.py": (),
    "cli/commands.py": (),
    "__main__.py": (),
    "pipeline/audit.py": (),
    "pipeline/draw.py": ("figures",),
    "pipeline/fit.py": ("fit", "shapes", "figures"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A project in which every output is there and newer than what it is made from; the outputs are empty files."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    for path in tree.rglob("*"):
        os.utime(path, (1e9, 1e9))
    listed = subprocess.run(["make", "-pn", "figures"], cwd=tree, capture_output=True, text=True, check=False).stdout
    variables = dict(line.split(" := ", 1) for line in listed.splitlines() if " := " in line)
    outputs = [".venv/.ready", *(variables[name] for name in ("PARTICIPANTS", "ESTIMATES", "SHAPES", "FIGURES",
                                                          "COMPARED", "STANDS", "PUBLISHED"))]  # fmt: skip
    for age, names in enumerate(outputs):
        for name in names.split():
            for path in expanded(name, tree):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                os.utime(path, (1e9 + 10 * (age + 1), 1e9 + 10 * (age + 1)))
    assert stages(tree) == ()
    return tree


def expanded(name: str, tree: Path) -> list[Path]:
    return [tree / name] if "$" not in name else []


def stages(tree: Path, changed: str | None = None) -> tuple[str, ...]:
    """Stages that ``make figures`` would run if a file had just been changed."""
    options = ["-W", f"src/analysis/{changed}"] if changed else []
    done = subprocess.run(["make", "-n", *options, "figures"], cwd=tree, capture_output=True, text=True, check=True)
    return tuple(stage for stage in STAGES if f"-m analysis {stage}" in done.stdout)


@pytest.mark.parametrize(("changed", "made"), CHANGED.items())
def test_only_what_follows_from_a_change_is_made_anew(tree, changed, made):
    assert (tree / "src" / "analysis" / changed).exists()
    assert stages(tree, changed) == made


def test_newer_participants_make_everything_that_follows(tree):
    done = subprocess.run(
        ["make", "-n", "-W", "data/processed/participants.parquet", "figures"],
        cwd=tree, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [stage for stage in STAGES if f"-m analysis {stage}" in done.stdout] == list(STAGES[1:])


@pytest.mark.parametrize("table", read_registry(COMMITTED).tables)
def test_a_file_fetched_later_makes_people_anew_only_if_they_are_made_of_it(tree, table):
    """`foods` and `make data` fetch files after the cohort was written, which the next `make` must not build again."""
    fetched = read_registry(COMMITTED).tables[table].file(tree / "data" / "raw")
    fetched.parent.mkdir(parents=True, exist_ok=True)
    fetched.touch()
    made = stages(tree)
    fetched.unlink()
    assert made == (STAGES if table in needed_columns() else ())


@pytest.mark.parametrize(
    "lost", ["data/processed/estimates/tests.csv", "data/processed/estimates/knots.csv", "figures/flow.svg"]
)
def test_a_lost_file_is_made_again(tree, lost):
    (tree / lost).rename(tree / "lost")
    done = subprocess.run(["make", "-n", "figures"], cwd=tree, capture_output=True, text=True, check=True)
    (tree / "lost").rename(tree / lost)
    stage = "figures" if lost.startswith("figures") else {"tests": "fit", "knots": "shapes"}[Path(lost).stem]
    assert f"test -e {lost} || .venv/bin/python -m analysis {stage}" in done.stdout


def test_a_notebook_that_fails_does_not_keep_the_others_from_being_written(tree):
    (tree / "notebooks").mkdir()
    for name in ("00-own.py", "01-curve.py", "execute.py"):
        (tree / "notebooks" / name).touch()
    for name in ("estimates/audit_specifications.csv", "simulation/shapes.csv"):
        (tree / "data" / "processed" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "data" / "processed" / name).touch()
    python = tree / "python"
    python.write_text('#!/bin/sh\ncase $2 in *00-own.py) exit 1;; esac\ntouch "$3"\n')
    python.chmod(0o755)
    done = subprocess.run(["make", "PY=./python", "notebooks"], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stderr
    assert [path.name for path in (tree / "notebooks").glob("*.ipynb")] == ["01-curve.ipynb"]
