"""What is installed is what the lock lists, whatever was released since; and all files that name versions agree."""

import importlib.metadata
import itertools
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-tables.lock")
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


def pins(lock: str = LOCKS[0]) -> list[Requirement]:
    """Every line of a lock that names a package."""
    lines = (ROOT / lock).read_text().splitlines()
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


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock):
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.IGNORECASE)
    assert len(blocks) > len(pins(lock)) > 0
    assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_package_index(lock):
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", (ROOT / lock).read_text())


def test_lock_of_the_extra_has_what_it_declares_and_nothing_of_the_other():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {Requirement(text).name: Requirement(text) for text in project["optional-dependencies"]["tables"]}
    there = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins(LOCKS[1])}
    assert all(one.specifier.contains(there[name]) for name, one in wanted.items())
    assert not set(there) & {canonicalize_name(pin.name) for pin in pins()}


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
    here = versions_here()
    if "uv" not in here:
        pytest.skip("not an environment made from the lock (conda's has no lock)")
    wanted = locked(default_environment())
    assert {name: here.get(name) for name in wanted} == wanted


@cache
def versions_here() -> dict[str, Version]:
    """What is installed where the tests run."""
    return {canonicalize_name(one.metadata["Name"]): Version(one.version) for one in importlib.metadata.distributions()}


def wanted_by(name: str, extras: frozenset[str], environment: dict[str, str]) -> list[Requirement]:
    """What an installed package wants in an environment, with these of its extras."""
    return [
        one
        for one in requirements_of(name)
        if one.marker is None or any(one.marker.evaluate({**environment, "extra": extra}) for extra in {"", *extras})
    ]


@cache
def requirements_of(name: str) -> list[Requirement]:
    return [Requirement(text) for text in importlib.metadata.requires(name) or ()]


def test_lock_is_complete():
    """Whatever a locked package wants on any Python and system is locked too, at a version that it accepts.

    Packages that only another Python has (their metadata are not here) are held to it where that Python runs this.
    """
    kinds = {f"{python} on {platform['sys_platform']}": unmet_on(python, platform)
             for python, platform in itertools.product(SUPPORTED, PLATFORMS)}  # fmt: skip
    assert not {kind: unmet for kind, unmet in kinds.items() if unmet}


def unmet_on(python: str, platform: dict[str, str]) -> list[str]:
    """What a locked package wants on a Python and system, and the lock does not have."""
    version = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    environment = {**default_environment(), **version, **platform}
    versions = locked(environment)
    here = versions_here()
    wanted, seen, unmet = list(declared().values()), set(), []
    while wanted:
        one = wanted.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in versions or not one.specifier.contains(versions[name], prereleases=True):
            unmet.append(f"{one} (locked: {versions.get(name)})")
        elif here.get(name) == versions[name]:
            wanted += wanted_by(name, extras, environment)
    assert len(seen) > len(declared())
    return unmet
