"""What is installed is what the lock lists, whatever was released since; and all files that name versions agree."""

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "src" / "environment.py"
PYTHON = "3.11"
SUPPORTED = ("3.11.0", "3.11.5", "3.12.0", "3.13.0", "3.14.0")
"""Pythons for which the lock has to be complete; one of its markers changes at 3.11.5."""
PLATFORMS = (
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin"},
)


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {Requirement(text).name: Requirement(text) for text in texts}


def pins() -> list[Requirement]:
    """Every line of the lock that names a package."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith((" ", "#"))]


def locked(environment: dict[str, str] | None = None) -> dict[str, Version]:
    """Versions of the lock that hold in an environment; by default, the Python of environment.yml."""
    environment = environment or {"python_full_version": f"{PYTHON}.0"}
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in pins()
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def conda() -> dict[str, str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    return dict(entry.split("=") for entry in environment["dependencies"])


def test_conda_forge_is_the_only_channel():
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge", "nodefaults"]


def test_python_minor_version_is_pinned():
    assert conda()["python"] == PYTHON


def test_environment_names_every_declared_package_and_no_other():
    assert set(conda()) - {"python"} == set(declared())


def test_lock_and_environment_satisfy_the_declared_ranges():
    versions = locked()
    assert not [name for name, wanted in declared().items() if not wanted.specifier.contains(versions[name])]
    assert not [name for name in declared() if Version(conda()[name]) != versions[name]]


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text(), flags=re.IGNORECASE)
    assert len(blocks) > len(declared())
    assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))


def test_lock_names_no_package_index():
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", (ROOT / "requirements.lock").read_text())


@pytest.mark.parametrize("extra", ["report"])
def test_lock_of_an_extra_agrees_with_the_project_and_its_lock(extra):
    text = (ROOT / f"requirements-{extra}.lock").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    found = {canonicalize_name(pin.name): pin for pin in (Requirement(line.rstrip(" \\")) for line in lines)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["optional-dependencies"][extra]]
    assert all(one.specifier.contains(str(found[canonicalize_name(one.name)].specifier)[2:]) for one in wanted)
    assert text.count("--hash=sha256:") >= len(found)
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    both = locked().keys() & found.keys()
    assert {name: str(locked()[name]) for name in both} == {name: str(found[name].specifier)[2:] for name in both}


def test_what_is_installed_here_is_what_the_lock_lists():
    here = {canonicalize_name(one.metadata["Name"]): Version(one.version) for one in importlib.metadata.distributions()}
    if "uv" not in here:
        pytest.skip("not an environment made from the lock (conda's has no lock)")
    wanted = locked(default_environment())
    assert {name: here.get(name) for name in wanted} == wanted


def wanted_by(name: str, extras: frozenset[str], environment: dict[str, str]) -> list[Requirement]:
    """What an installed package wants in an environment, with these of its extras."""
    wanted = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
    return [
        one
        for one in wanted
        if one.marker is None or any(one.marker.evaluate({**environment, "extra": extra}) for extra in {"", *extras})
    ]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform["sys_platform"])
@pytest.mark.parametrize("python", SUPPORTED)
def test_lock_is_complete(python, platform):
    """Whatever a locked package wants on this Python and system is locked too, at a version that it accepts.

    Packages that only another Python has (their metadata are not here) are held to it where that Python runs this.
    """
    version = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    environment = {**default_environment(), **version, **platform}
    versions = locked(environment)
    here = {canonicalize_name(one.metadata["Name"]) for one in importlib.metadata.distributions()}
    wanted, seen, unmet = list(declared().values()), set(), []
    while wanted:
        one = wanted.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in versions or not one.specifier.contains(versions[name], prereleases=True):
            unmet.append(f"{one} (locked: {versions.get(name)})")
        elif name in here and Version(importlib.metadata.version(name)) == versions[name]:
            wanted += wanted_by(name, extras, environment)
    assert not unmet
    assert len(seen) > len(declared())
