"""Rooms import downwards only, modules stay readable, and the repository holds no participant record."""

import ast
import builtins
import graphlib
import re
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tests.measure import imported_names, loads_by_name

pytestmark = pytest.mark.no_cover  # sources are read here and not run

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
ROOMS = (
    ("errors", "files"),
    ("study", "provenance"),
    ("stats.arrays", "stats.disclosure", "stats.parallel"),
    ("stats.order",),
    ("stats.monte_carlo",),
    ("stats.sample",),
    ("stats.regression",),
    ("stats.curve", "stats.checks"),
    ("stats.shape",),
    ("stats.measurement", "stats.missing"),
    ("stats",),
    ("data.source", "data.people", "data.foods"),
    ("data.synthetic", "data"),
    ("dose_response",),
    ("audit", "validation"),
    ("simulation",),
    ("claims",),
    ("report.words",),
    ("report.figures",),
    ("report",),
    ("pipeline",),
    ("",),
    ("cli",),
    ("__main__",),
)
"""From the ground up: a module imports from its own room and from rooms that stand before it; "" is the front door."""

BY_NAME = {
    "": "the front door, which loads what is asked for",
    "stats": "the statistics' door, likewise",
    "report.words": "the door of the words, likewise",
    "__main__": "loads the module of one stage",
    "report.page.render": "libraries of the extra, which may not be installed",
    "pipeline.tables": "the same",
}
"""Modules that may import what no constant names, and why."""

HANDS_DOORS_ON = "cli.pages"
"""The one module that imports the doors themselves, for the documents to tell what they offer."""

TWICE = {
    "KnotRule": "an option of a study and of the statistics, which know no study; mypy holds the two to each other",
    "LonelyDomain": "the same",
    "characteristics": "a table as it is printed, by the name of what it prints",
    "effect_modification": "the front door's shows itself",
    "estimate": "the front door's shows itself",
    "models": "a table and a figure, by the name of what they show",
    "quintiles": "a figure, by the name of what it shows",
    "shape_of": "the front door's shows itself",
}
"""Public names that two modules may have, and why."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix("."): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
DISK_AND_NETWORK = {"pyreadstat", "pooch", "requests", "tempfile", "shutil", "urllib"}
MAY_TOUCH_DISK = ("files", "data.source", "data.synthetic", "pipeline")


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Every node of a module's syntax tree, which every rule reads."""
    return list(ast.walk(ast.parse(path.read_text())))


def imported(path: Path) -> set[str]:
    """Modules of the package that a module imports."""
    found = set()
    for module, names in imported_names(nodes_of(path)):
        if module.partition(".")[0] == "analysis":
            base = module.removeprefix("analysis").removeprefix(".")
            inner = [f"{base}.{name}".removeprefix(".") for name in names] or [base]
            found |= {name if name in MODULES else base for name in inner}
    return found


def room_of(module: str) -> str:
    """The longest name of a room that a module's name begins with."""
    names = [name for level in ROOMS for name in level]
    fitting = [name for name in names if module == name or module.startswith(f"{name}.") and name]
    return max(fitting, key=len, default="no room")


LEVEL = {name: number for number, level in enumerate(ROOMS) for name in level}


@cache
def imports() -> dict[str, set[str]]:
    """Every module with those it imports."""
    return {name: imported(path) - {name} for name, path in MODULES.items()}


def test_every_module_has_a_room():
    assert not [name for name in MODULES if room_of(name) == "no room"]


def test_rooms_import_only_downwards():
    upward = [
        f"{name} imports {other}"
        for name, others in imports().items()
        for other in sorted(others)
        if room_of(name) != room_of(other) and LEVEL[room_of(other)] >= LEVEL[room_of(name)]
    ]
    assert not upward


def test_every_way_to_import_is_read(tmp_path):
    upward = tmp_path / "knots.py"
    for line in ("from analysis.cli import options", "from analysis.cli.options import build_parser",
                 "import analysis.cli.options", "import analysis.cli.options as parser",
                 "import importlib\nimportlib.import_module('analysis.cli.options')",
                 "from importlib import import_module\nimport_module('analysis.cli.options')"):  # fmt: skip
        upward.write_text(line)
        nodes_of.cache_clear()
        assert imported(upward) == {"cli.options"}, line


def test_what_no_constant_names_is_imported_where_that_is_allowed():
    """Nobody could tell what such a line imports."""
    loading = {
        name
        for name, path in MODULES.items()
        for node in nodes_of(path)
        if loads_by_name(node) and not isinstance(node.args[0], ast.Constant)
    }
    assert loading == set(BY_NAME)


def test_no_modules_import_each_other_in_a_circle():
    order = list(graphlib.TopologicalSorter(imports()).static_order())
    assert len(order) == len(MODULES)


def test_no_module_goes_through_a_door_that_loads_lazily():
    """What stands behind such a name could not be read from an import line, as the audit's digest reads them."""
    doors = {name for name, path in MODULES.items() if path.name == "__init__.py" and "__getattr__" in path.read_text()}
    through = {name: others & doors for name, others in imports().items() if others & doors}
    assert through == {HANDS_DOORS_ON: {"", "stats"}}


def test_statistics_know_no_data():
    knowing = {name: others for name, others in imports().items() if name.split(".")[0] == "stats"}
    assert not [
        f"{name} imports {other}"
        for name, others in knowing.items()
        for other in others
        if other.split(".")[0] not in ("stats", "errors")
    ]


def test_disk_and_network_are_left_to_the_edges():
    offenders = []
    for name, path in MODULES.items():
        if not name.startswith(MAY_TOUCH_DISK):
            nodes = nodes_of(path)
            names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
            offenders += [f"{name} imports {found}" for found in names if found.split(".")[0] in DISK_AND_NETWORK]
    assert not offenders


def test_a_class_that_is_called_an_error_is_raised():
    bases = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for path in MODULES.values()
        for node in nodes_of(path)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }
    raised = {name for name in dir(builtins) if name.endswith("Error")} | {"Exception"}
    while more := {name for name, of in bases.items() if of & raised} - raised:
        raised |= more
    assert set(bases) <= raised


def test_nothing_is_written_twice():
    """No two functions of several lines have one body, whatever they are called."""
    homes: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if len(body) > 1:
                    homes.setdefault("\n".join(map(ast.unparse, body)), []).append(f"{name}.{node.name}")
    assert not [names for names in homes.values() if len(names) > 1]


def test_the_document_of_the_structure_names_every_room_in_this_order():
    text = (ROOT / "docs" / "structure.md").read_text().partition("Rooms import downwards only")[0]
    table = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    told = {
        name.removesuffix(".py").removesuffix("__init__").strip("/"): words
        for names, words in table
        for name in re.findall(r"`([^`]+)`", names)
    }
    levels = [LEVEL[room_of(room)] for room in told]
    assert set(told) == {name.partition(".")[0] for name in MODULES}
    assert levels == sorted(levels)
    for room, words in told.items():
        inner = [path.parent.name for path in sorted((PACKAGE / room).glob("*/__init__.py")) if room]
        places = sorted((LEVEL[room_of(f"{room}.{name}")], words.find(f"`{name}/`")) for name in inner)
        assert all(place >= 0 for _, place in places), f"{room}: {inner}"
        by_level = [
            [place for level, place in places if level == one] for one in sorted({level for level, _ in places})
        ]
        assert all(max(low) < min(high) for low, high in pairwise(by_level)), room


def test_imports_stand_at_the_top():
    inside = [
        f"{name}.{function.name}"
        for name, path in MODULES.items()
        for function in nodes_of(path)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inside


def test_no_import_is_relative():
    nodes = [(name, node) for name, path in MODULES.items() for node in nodes_of(path)]
    assert not [name for name, node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def defined(path: Path) -> set[str]:
    """Public classes, functions, types and constants of a module."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def read_elsewhere() -> set[tuple[str, str]]:
    """Module and name of everything that another module of the package reads."""
    found = set()
    for path in MODULES.values():
        modules = {}
        for node in nodes_of(path):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "analysis":
                base = str(node.module).removeprefix("analysis").removeprefix(".")
                found |= {(base, alias.name) for alias in node.names}
                for alias in node.names:
                    modules[alias.asname or alias.name] = f"{base}.{alias.name}".removeprefix(".")
        found |= {
            (modules[node.value.id], node.attr)
            for node in nodes_of(path)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        }
    return found


def test_a_public_name_is_of_one_module():
    """A constant may be in several, each of which reads its own; one that others read has but one home."""
    homes: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for name in defined(path):
            homes.setdefault(name, []).append(module)
    elsewhere = read_elsewhere()
    doubles = {
        name: modules
        for name, modules in homes.items()
        if len(modules) > 1 and not (name.isupper() and sum((module, name) in elsewhere for module in modules) < 2)
    }
    assert {name: modules for name, modules in doubles.items() if name not in TWICE} == {}
    assert set(TWICE) <= set(doubles), "names in TWICE that one module alone has"


def tracked_files() -> list[str]:
    """What git tracks here."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return listed.splitlines()
    pytest.skip("not a git checkout: what an archive was made of cannot be told from what was built in it")


def test_repository_holds_no_participant_file():
    suffixes = (".xpt", ".xpt.xz", ".parquet", ".sas7bdat", ".feather", ".pkl")
    assert not [path for path in tracked_files() if path.lower().endswith(suffixes)]
