"""pyproject.toml, requirements.lock and environment.yml name the same packages at the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYTHON = "3.11"


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {Requirement(text).name: Requirement(text) for text in texts}


def locked() -> dict[str, Version]:
    """Versions of the lock that hold for the Python of environment.yml."""
    found = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate({"python_full_version": f"{PYTHON}.0"}):
                found[requirement.name] = Version(str(requirement.specifier).removeprefix("=="))
    return found


def conda() -> dict[str, str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    return dict(entry.split("=") for entry in environment["dependencies"])


def test_conda_forge_is_the_only_channel():
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge", "nodefaults"]


def test_python_minor_version_is_pinned():
    assert conda()["python"] == PYTHON


def test_environment_names_every_declared_package_and_no_other():
    assert set(conda()) - {"python"} == set(declared())


@pytest.mark.parametrize("name", sorted(declared()))
def test_lock_satisfies_the_declared_range(name):
    assert declared()[name].specifier.contains(locked()[name])


@pytest.mark.parametrize("name", sorted(declared()))
def test_environment_has_the_locked_version(name):
    assert Version(conda()[name]) == locked()[name]


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text(), flags=re.IGNORECASE)
    assert len(blocks) > len(declared())
    assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))


def test_lock_names_no_package_index():
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", (ROOT / "requirements.lock").read_text())
