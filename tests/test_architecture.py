"""Imports go down only, modules stay readable, and the repository holds no participant record."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
RANKS = {
    "analysis.errors": 0,
    "analysis.files": 0,
    "analysis.study": 1,
    "analysis.stats.splines": 1,
    "analysis.stats.work": 1,
    "analysis.stats.design": 2,
    "analysis.stats.descriptives": 3,
    "analysis.stats.survey": 3,
    "analysis.stats.crosstabs": 4,
    "analysis.stats.nadir": 6,
    "analysis.stats.hypotheses": 4,
    "analysis.stats.bands": 3,
    "analysis.stats.criteria": 5,
    "analysis.stats.confounding": 1,
    "analysis.stats.standardise": 5,
    "analysis.stats.replicates": 3,
    "analysis.stats.batch": 4,
    "analysis.stats.many": 5,
    "analysis.stats.diagnostics": 5,
    "analysis.stats.calibration": 5,
    "analysis.stats.influence": 5,
    "analysis.stats.collinearity": 5,
    "analysis.stats.slopes": 5,
    "analysis.stats.two_lines": 6,
    "analysis.data.vocabulary": 1,
    "analysis.data.where": 1,
    "analysis.data.registry": 1,
    "analysis.data.receipts": 1,
    "analysis.data.refusals": 1,
    "analysis.data.sas": 2,
    "analysis.data.transport": 2,
    "analysis.data.nhanes": 5,
    "analysis.data.synthetic_people": 2,
    "analysis.data.synthetic_traits": 3,
    "analysis.data.synthetic_files": 4,
    "analysis.data.synthetic": 5,
    "analysis.data.harmonise": 2,
    "analysis.data.cohort": 3,
    "analysis.stats.curves": 3,
    "analysis.stats.score_process": 5,
    "analysis.stats.threshold": 6,
    "analysis.stats.forms": 6,
    "analysis.problem": 6,
    "analysis.associations": 7,
    "analysis.simulation": 8,
    "analysis.simulated_shapes": 9,
    "analysis.simulated_energy": 10,
    "analysis.shapes": 8,
    "analysis.stats.shape": 7,
    "analysis.audit.specifications": 9,
    "analysis.audit.specificity": 10,
    "analysis.audit.energy": 10,
    "analysis.audit.heterogeneity": 10,
    "analysis.audit.whole_curve": 10,
    "analysis.audit.runner": 11,
    "analysis.audit.recall": 10,
    "analysis.audit.results": 12,
    "analysis.report.audit_drawings": 14,
    "analysis.report.audit_words": 12,
    "analysis.report.audit_tables": 13,
    "analysis.report.specificity_tables": 13,
    "analysis.report.audit_claims": 14,
    "analysis.characteristics": 7,
    "analysis.published": 9,
    "analysis.variance_check": 10,
    "analysis.adequacy": 8,
    "analysis.estimates": 9,
    "analysis.report.page": 9,
    "analysis.report.figures": 10,
    "analysis.report.diagnostic_figures": 10,
    "analysis.report.shape_tables": 10,
    "analysis.report.shape_figures": 10,
    "analysis.report.specificity_figures": 11,
    "analysis.report.tables": 9,
    "analysis.report.specification_figures": 11,
    "analysis.report.energy_figures": 11,
    "analysis.report.drawings": 13,
    "analysis.pipeline": 15,
    "analysis.__main__": 16,
}
"""A module may import only from modules of lower rank."""

MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}
DISK_AND_NETWORK = {"pyreadstat", "pooch", "requests", "tempfile", "shutil", "urllib"}
MAY_TOUCH_DISK = ("analysis.data.nhanes", "analysis.data.transport", "analysis.data.receipts", "analysis.data.sas",
                  "analysis.data.refusals", "analysis.data.synthetic", "analysis.pipeline")  # fmt: skip


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def test_every_module_has_a_rank_and_every_rank_a_module():
    assert set(MODULES) == set(RANKS)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_only_to_lower_ranks(name):
    upward = {other for other in imported(MODULES[name]) & set(RANKS) if RANKS[other] >= RANKS[name]}
    assert not upward


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if name.startswith("analysis.stats")])
def test_statistics_know_no_data(name):
    own = {other for other in imported(MODULES[name]) if other.startswith("analysis.")}
    assert all(other.startswith(("analysis.stats", "analysis.errors")) for other in own)


@pytest.mark.parametrize("name", sorted(set(MODULES) - set(MAY_TOUCH_DISK)))
def test_disk_and_network_are_left_to_the_edges(name):
    assert not {other.split(".")[0] for other in imported(MODULES[name])} & DISK_AND_NETWORK


@pytest.mark.parametrize("name", sorted(MODULES))
def test_module_can_be_read_in_one_sitting(name):
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= 500
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = [node.name for node in functions if code_lines(node) > 50]
    assert not long


def code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return node.end_lineno - first.lineno + 1


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_stand_at_the_top(name):
    functions = [n for n in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(n, ast.FunctionDef)]
    inside = [n for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not inside


def tracked_files() -> list[str]:
    """What git tracks here."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return listed.splitlines()
    pytest.skip("not a git checkout: what an archive was made of cannot be told from what was built in it")


def test_repository_holds_no_participant_file():
    suffixes = (".xpt", ".xpt.xz", ".parquet", ".sas7bdat", ".feather", ".pkl")
    assert not [path for path in tracked_files() if path.lower().endswith(suffixes)]
