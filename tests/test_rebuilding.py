"""What `make` makes anew after a change in one room, asked with ``make -n`` on a tree that is up to date."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from analysis.data.people.harmonise import needed_columns
from analysis.data.source.registry import COMMITTED, read_registry
from tests.test_architecture import MODULES, imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
STAGES = ("cohort", "foods", "fit", "shapes", "claims", "published", "figures")
FITS = ("fit", "shapes", "claims", "published", "figures")
FOLLOWS = {
    STAGES: [
        "study.py", "files.py", "provenance.py", "data/people/harmonise.py", "data/source/transport.py",
        "data/source/registry/tables.csv", "pipeline/cohort.py", "pipeline/folders.py", "pipeline/participants.py",
    ],
    FITS: [
        "dose_response/association.py", "stats/arrays.py", "stats/checks/influence.py", "stats/curve/splines.py",
        "stats/regression/fit.py", "stats/sample/design.py", "stats/shape/verdict.py", "pipeline/results.py",
        "validation/studies/gregg_2004.toml", "validation/studies/replication.py",
    ],
    ("foods", "claims", "figures"): ["data/foods/items.py", "data/foods/codes.csv", "pipeline/foods.py"],
    ("fit", "shapes", "claims", "figures"): ["pipeline/fit.py", "validation/threshold.py"],
    ("claims", "figures"): ["claims/causes.py", "stats/measurement/usual_intake.py", "pipeline/claims.py"],
    ("published", "figures"): [
        "pipeline/published.py", "validation/studies/stands.py", "validation/studies/tao_2008.toml",
    ],
    ("figures",): [
        "report/figures/dose_response.py", "report/words/study.py", "report/catalogue.py", "report/style.mplstyle",
        "pipeline/draw.py", "pipeline/drawings.py",
    ],
    (): [
        "__init__.py", "__main__.py", "errors.py", "stats/missing/imputation.py", "audit/runner.py", "audit/cluster.py",
        "audit/referee/table.py",
        "cli/curve.py", "cli/options.py", "data/__init__.py", "data/synthetic/survey.py", "simulation/coverage.py",
        "report/documents/parts.py", "report/page/content.py", "report/tables.py", "report/views.py",
        "pipeline/__init__.py", "pipeline/audit.py", "pipeline/column.py", "pipeline/documents.py",
        "pipeline/referee.py", "pipeline/report.py", "pipeline/simulate.py", "pipeline/study_file.py",
        "pipeline/tables.py",
    ],
}  # fmt: skip
"""Stages that are run anew after a change in a file, of every room, and of each module that has no room."""

NO_NUMBER = ("errors", "data.source", "data.synthetic", "pipeline.cohort")
"""Imported by stages whose numbers do not hang on them: refusals, and how the participants were made."""

READERS = {"read_audit": "AUDITED", "read_referee": "REFEREED", "read_simulation": "SIMULATED",
           "read_claims": "CLAIMED", "read_estimates": "FITTED", "read_participants": "PARTICIPANTS"}  # fmt: skip
"""What a notebook calls to read the tables that a file stands for in the Makefile."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A project in which every output is there and newer than what it is made from; the outputs are empty files."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "notebooks", tree / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", "[!0-9e]*.py"))
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    for path in tree.rglob("*"):
        os.utime(path, (1e9, 1e9))
    named = variables(tree)
    notebooks = [name.replace(".py", ".ipynb") for name in named["NOTEBOOKS"].split()]
    made = ("READY", "PARTICIPANTS", "FOODS", "ESTIMATES", "SHAPES", "CLAIMS", "COMPARED", "STANDS", "AUDITED",
            "REFEREED", "SIMULATED", "FIGURES")  # fmt: skip
    for age, names in enumerate([*(named[name].split() for name in made), notebooks], start=1):
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).touch()
            os.utime(tree / name, (1e9 + 10 * age, 1e9 + 10 * age))
    assert stages(tree) == ()
    return tree


def variables(tree: Path) -> dict[str, str]:
    """What the Makefile's names stand for."""
    done = make(tree, "-pn", "help")
    return dict(line.split(" := ", 1) for line in done.stdout.splitlines() if " := " in line)


def told(tree: Path, *goals: str, changed: tuple[str, ...] = ()) -> str:
    """Commands that ``make`` would run for some goals if some files had just been changed."""
    options = [option for name in changed for option in ("-W", name)]
    return make(tree, "-n", *options, *goals).stdout


def make(tree: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`make` as from a terminal: of another one, `make test`, it would be given the jobs."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    return subprocess.run(["make", *words], cwd=tree, env=environment, capture_output=True, text=True, check=check)


def stages(tree: Path, *changed: str) -> tuple[str, ...]:
    """Stages that ``make figures`` would run if some files had just been changed."""
    commands = told(tree, "figures", changed=changed)
    return tuple(stage for stage in STAGES if f"-m analysis {stage}\n" in commands)


def test_only_what_follows_from_a_change_is_made_anew(tree):
    wrong = {}
    for follows, files in FOLLOWS.items():
        names = [f"src/analysis/{name}" for name in files]
        assert [name for name in names if not (tree / name).exists()] == []
        if follows or stages(tree, *names) != ():  # files that nothing follows from are asked for at once
            found = {name: stages(tree, name) for name in names}
            wrong |= {name: (made, "expected", follows) for name, made in found.items() if made != follows}
    assert wrong == {}


def test_a_change_is_tried_in_every_room_and_in_every_module_without_one():
    tried = [Path(name) for files in FOLLOWS.values() for name in files]
    rooms = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")} - {Path("report"), Path("validation")}
    assert sorted(map(str, rooms - {path.parent for path in tried})) == []
    alone = {path.relative_to(PACKAGE) for folder in ("", "pipeline") for path in (PACKAGE / folder).glob("*.py")}
    assert sorted(map(str, alone - set(tried))) == []


def test_a_stage_is_made_of_every_module_that_it_imports(tree):
    """What a stage computes with and make does not know would leave old numbers standing."""
    named = variables(tree)
    codes = {"pipeline.fit": "FIT_CODE", "pipeline.claims": "CLAIM_CODE FOOD_CODE",
             "pipeline.published": "PUBLISHED_CODE", "pipeline.draw": "DRAW_CODE"}  # fmt: skip
    missing = []
    for stage, code in codes.items():
        known = {path for name in code.split() for path in named[name].split()}
        needed = {name for name in imported_by(stage) if not name.startswith(NO_NUMBER)}
        if stage == "pipeline.draw":  # its numbers come to it as tables, which are newer if what made them is
            needed = {name for name in needed if name.startswith(("report.", "pipeline."))}
        missing += [(stage, name) for name in sorted(needed) if path_of(name) not in known]
    assert missing == []


def imported_by(module: str) -> set[str]:
    """A module with all that it imports, and what these import."""
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += imports()[name]
    return seen


def path_of(module: str) -> str:
    return str(MODULES[module].relative_to(ROOT))


def test_newer_participants_make_everything_that_follows(tree):
    assert stages(tree, "data/processed/participants.parquet") == STAGES[1:]


def test_claims_and_published_end_with_their_figures(tree):
    for goal in ("claims", "published"):
        assert "-m analysis figures\n" in told(tree, goal, changed=("src/analysis/report/figures/causes.py",)), goal
        assert "-m analysis" not in told(tree, goal)


def test_a_file_fetched_later_makes_people_anew_only_if_they_are_made_of_it(tree, tmp_path):
    """`foods` and `make data` fetch files after the cohort was written, which the next `make` must not build again."""
    tree = shutil.copytree(tree, tmp_path / "tree")
    files = {name: one.file(tree / "data" / "raw") for name, one in read_registry(COMMITTED).tables.items()}
    later = [path for name, path in files.items() if name not in needed_columns()]
    fetch(later)
    assert stages(tree) == ()
    fetch(files.values())
    assert stages(tree) == STAGES
    of_people = {str(files[name].relative_to(tree)) for name in needed_columns()}
    assert set(variables(tree)["PEOPLE_FILES"].split()) == of_people


def fetch(files: Iterable[Path]) -> None:
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_lost_file_is_made_again(tree, tmp_path):
    tree = shutil.copytree(tree, tmp_path / "tree")
    lost = {"tests": "fit", "knots": "shapes", "claims_causes": "claims", "published_stands": "published"}
    by_file = {f"data/processed/estimates/{name}.csv": stage for name, stage in lost.items()}
    by_file |= dict.fromkeys(("figures/flow.svg", "figures/causes.md", "figures/published.csv"), "figures")
    for name in by_file:
        (tree / name).unlink()
    assert run_with_a_stub(tree, "figures") == sorted({f"-m analysis {stage}" for stage in by_file.values()})


def run_with_a_stub(tree: Path, goal: str) -> list[str]:
    """What a Python would be called with that does nothing, in the order of the alphabet."""
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text('#!/bin/sh\necho "$@" >> calls\n')
    python.chmod(0o755)
    make(tree, goal)
    return sorted((tree / "calls").read_text().splitlines())


def test_stages_go_side_by_side_where_one_goal_is_asked_for(tree):
    def jobs(*words: str) -> str | None:
        (flags,) = re.findall(r"^MAKEFLAGS = (.*)$", make(tree, "-pn", *words).stdout, flags=re.MULTILINE)
        return next((flag for flag in flags.split() if flag.startswith("-j")), None)

    assert jobs("figures") == f"-j{min(os.sysconf('SC_NPROCESSORS_ONLN'), 4)}"
    assert jobs("-j1", "figures") == "-j1"
    assert jobs("figures", "audit") is None


def test_a_notebook_is_executed_after_every_table_that_it_reads(tree):
    named = variables(tree)
    notebooks = [Path(name) for name in named["NOTEBOOKS"].split()]
    wrong, read = [], set()
    for reader, table in READERS.items():
        commands = told(tree, *(f"{path.with_suffix('.ipynb')}" for path in notebooks), changed=(named[table],))
        for path in notebooks:
            if reader in (tree / path).read_text():
                read.add(table)
                wrong += [(path.name, table)] if f"execute.py {path} " not in commands else []
    assert wrong == []
    assert read == set(READERS.values())


def test_a_notebook_that_fails_does_not_keep_the_others_from_being_written(tree, tmp_path):
    tree = shutil.copytree(tree, tmp_path / "tree")
    for path in (tree / "notebooks").glob("*.ipynb"):
        path.unlink()
    python = tree / "python"
    python.write_text('#!/bin/sh\ncase $2 in *00-your-own-analysis.py) exit 1;; esac\ntouch "$3"\n')
    python.chmod(0o755)
    done = make(tree, "PY=./python", "notebooks", check=False)
    assert done.returncode != 0, done.stderr
    assert {path.stem for path in (tree / "notebooks").glob("*.ipynb")} == {
        path.stem for path in (tree / "notebooks").glob("0[1-9]*.py")
    }  # fmt: skip
