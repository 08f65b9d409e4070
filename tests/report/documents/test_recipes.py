"""Every command and every piece of Python in docs/recipes.md, run on the invented survey as it stands."""

import re
import shlex
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from analysis.__main__ import main

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "recipes.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL) for line in block.strip().splitlines()
]
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
ROUGH = ["--replicates", "20"]
"""Bootstrap samples: the recipe is tried, not its intervals."""


def test_there_are_recipes_of_both_kinds():
    assert len(COMMANDS) >= 6
    assert len(PYTHON) >= 3


@pytest.mark.parametrize("line", COMMANDS)
def test_command_runs(line, demo, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(line)
    assert (program, arguments[:2]) == (".venv/bin/python", ["-m", "analysis"])
    rough = [] if "--replicates" in arguments else ROUGH
    assert main([*arguments[2:], "--data", str(demo.data), *rough, "--jobs", "1"]) == 0
    assert "SYNTHETIC" in capsys.readouterr().out


def test_python_runs_from_top_to_bottom(demo, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").symlink_to(demo.data)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in PYTHON:
        exec(compile(code, "recipes.md", "exec"), names)
    plt.close("all")
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert str(names["provenance"]).count("SYNTHETIC")
