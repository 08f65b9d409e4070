"""Make `.venv` from requirements.lock with a bare Python, and renew the lock; `make env` and `make lock` call it.

    python src/environment.py create .venv
    python src/environment.py lock

The lock lists every file that may be installed, with its hashes. pip is therefore told to resolve nothing
(``--no-deps``) and to build nothing (``--only-binary``): a release made after the lock cannot change what is installed.
Without the first, a pip older than 24 looks for the newest release of every package that is wanted with an extra, finds
one that the lock does not have, and stops. Standard library only: this runs before anything is there to import.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
CONDA = ROOT / "environment.yml"
EXTRAS = {extra: ROOT / f"requirements-{extra}.lock" for extra in ("tables", "report")}
"""Locks of extras that come on top of the project's: each lists what its extra adds, at versions that agree with it."""

PROJECT = "magnesium-neuropathy"
OLDEST_PYTHON = (3, 11)
TRIED_PYTHONS = "3.11 to 3.14"
BESIDE_THE_LOCK = ("pip", PROJECT)
"""What an environment holds that no lock lists: the installer, and this project itself."""

SECONDS_BETWEEN_LINES = 5.0
"""How often progress is reported where there is no terminal that could redraw a line."""

PIP = ("-I", "-m", "pip", "--disable-pip-version-check", "--no-input")

CAUSES = (
    (
        r"No space left on device|Errno 28|Disk quota exceeded",
        "The disk is full: the environment takes 1.1 GB in {folder}, and pip keeps 0.4 GB of downloads "
        "('pip cache purge' frees them). Make room, then run the same command again: it goes on where it stopped.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|Proxy Authentication|Unable to determine SOCKS",
        "The proxy does not let pip through ({proxies}). Correct or unset it, or ask whoever runs it; then run the "
        "same command again.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|invalid path: .*cert|CA certificate bundle",
        "The package index's certificate was not accepted. Where a company's proxy signs connections, name its "
        "certificate file with REQUESTS_CA_BUNDLE=/path/to/file.pem (which goes before PIP_CERT); then run the same "
        "command again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|Hashes are required",
        "A file that the package index sent is not the one that requirements.lock names: a damaged download, a proxy "
        "that rewrites files, or an index that was tampered with. Nothing of it was installed. Try again on another "
        "network; do not remove the hashes.",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|Name or service not known|Network is unreachable|"
        r"Temporary failure in name resolution|Connection refused|ConnectTimeout|Read timed out|Max retries exceeded|"
        r"nodename nor servname",
        "The package index did not answer: no network, or one that needs a proxy (HTTPS_PROXY=http://host:port) or an "
        "index of its own (PIP_INDEX_URL). Nothing is lost: run the same command again when the network is there.",
    ),
    (
        r"No matching distribution found for (?P<what>[^\s;]+)|"
        r"(?:404|403) (?:Client Error|Not Found|Forbidden).*?(?P<other>https?://\S+)?",
        "The package index does not have {what} for Python {python} on this machine. The lock was tried with Python "
        "{tried}: choose one of them (make PYTHON=python3.12 ...), or, if PIP_INDEX_URL or pip's configuration names "
        "an index of your own, one that has this file.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system|Errno 30",
        "{folder} cannot be written: make the project's folder yours and writable, or clone it into one that is.",
    ),
)
"""What pip printed, and what a person can do about it; the first that fits."""


class SetUpError(Exception):
    """The environment could not be made; the message says what to do."""


def create(folder: Path, lock: Path, *, project: Path | None) -> None:
    """Make or finish the environment in ``folder``: exactly what ``lock`` lists, and ``project`` as editable.

    Raises
    ------
    SetUpError : something is in the way; what was done until then stays, and the next call goes on with it.
    """
    python = _bare_environment(folder)
    command = [str(python), "-I", str(Path(__file__).resolve()), "fill", str(folder), "--lock", str(lock)]
    filling = subprocess.Popen(
        command + (["--project", str(project.resolve())] if project else []), env=_plain_environment()
    )
    try:
        filling.wait()
    except KeyboardInterrupt:
        # A terminal interrupts both, a plain signal only this one; the other one says what stays.
        filling.terminate()
        filling.wait()
    if filling.returncode:
        raise SystemExit(filling.returncode)


def fill(folder: Path, lock: Path, *, project: Path | None) -> None:
    """Install the lock's files into the environment this runs in; see `create`."""
    started = time.monotonic()
    wanted = locked(lock)
    ready = folder / ".ready"
    earlier = _earlier(ready)
    ready.unlink(missing_ok=True)
    _forget_half_installed()
    there = installed()
    missing = [name for name, version in wanted.items() if there.get(name) != version]
    if missing:
        print(
            f"{len(missing)} packages to install into {folder}, each checked against its hash in {lock.name}",
            flush=True,
        )
        _run_pip(
            folder, len(missing), "install", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)
        )
    left_over = sorted(name for name in earlier if name not in wanted and name in installed())
    if left_over:
        print(f"No longer in {lock.name}, removed: {', '.join(left_over)}", flush=True)
        _run_pip(folder, 0, "uninstall", "--yes", *left_over)
    if project:
        _run_pip(folder, 0, "install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(project))
    _compare(wanted)
    _run_pip(folder, 0, "check")
    ready.write_text(json.dumps(wanted, indent=0) + "\n")
    print(f"{folder}: the {len(wanted)} packages of {lock.name}, in {time.monotonic() - started:.0f} s", flush=True)


def locked(lock: Path) -> dict[str, str]:
    """Names and versions that a lock lists for the Python and machine this runs on."""
    # The only library in a bare environment is pip itself, which carries the reader of markers.
    from pip._vendor.packaging.requirements import Requirement  # noqa: PLC0415

    lines = [line.rstrip(" \\\n") for line in lock.read_text().splitlines() if line[:1].isalnum()]
    requirements = [Requirement(line) for line in lines]
    return {
        _normal(requirement.name): str(requirement.specifier)[2:]
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }


def installed() -> dict[str, str]:
    """Names and versions of what this environment holds."""
    importlib.invalidate_caches()
    found = importlib.metadata.distributions(path=[_site_packages()])
    return {_normal(one.metadata["Name"]): one.version for one in found if one.metadata["Name"]}


def _bare_environment(folder: Path) -> Path:
    """The Python of the environment in ``folder``, made anew if there is none, another version's, or half of one."""
    python = folder / "bin" / "python"
    probe = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    answer = (
        subprocess.run([str(python), "-I", "-c", probe], capture_output=True, text=True) if python.exists() else None
    )
    version = "{}.{}".format(*sys.version_info)
    if answer and answer.returncode == 0 and answer.stdout.strip() == version:
        return python
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian's Python comes without it
        import venv  # noqa: PLC0415
    except ImportError as error:
        raise SetUpError(
            f"{sys.executable} cannot make environments ({error}). On Debian or Ubuntu: sudo apt-get install "
            f"python{version}-venv. Elsewhere: another Python, named with 'make PYTHON=python3.12 ...'."
        ) from None
    if answer:
        print(f"{folder} is another Python's or broken: it is made anew", flush=True)
    print(f"Python {version} ({sys.executable}): making {folder}", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        printed = f"{error}\n{(getattr(error, 'output', b'') or b'').decode(errors='replace')}"
        raise SetUpError(_advice(printed, folder) or f"{folder} could not be made: {printed.strip()}") from error
    return python


def _run_pip(folder: Path, count: int, *arguments: str) -> None:
    """Run pip in this environment with its output in a log, and report how far it is.

    Raises
    ------
    SetUpError : pip failed; the message is `CAUSES`' for what it printed, or its last lines.
    """
    path = folder / "set-up.log"
    with path.open("w") as log:
        pip = subprocess.Popen(
            [sys.executable, *PIP, *arguments, *(["--progress-bar", "off"] if arguments[0] == "install" else [])],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        progress = _Progress(path, count)
        try:
            while pip.poll() is None:
                progress.report()
                time.sleep(0.2)
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
        progress.report(last=True, whole=not pip.returncode)
    if pip.returncode:
        text = path.read_text(errors="replace")
        lines = [line for line in text.splitlines() if not line.startswith("WARNING: Location")]
        raise SetUpError(
            _advice(text.rpartition("Collecting ")[2], folder)
            or f"pip {arguments[0]} failed:\n  " + "\n  ".join(lines[-8:]) + f"\nAll it printed is in {path}."
        )


class _Progress:
    """How many of the packages pip has looked up and installed, as one line that is redrawn or a line now and then."""

    def __init__(self, log: Path, count: int) -> None:
        self.log, self.count = log, count
        self.terminal = sys.stderr.isatty()
        self.before, self.told, self.said = len(_records()), "", time.monotonic()

    def report(self, *, last: bool = False, whole: bool = False) -> None:
        """Say what has changed since the last time."""
        if not self.count:
            return
        text = self.log.read_text(errors="replace")
        fetched = re.findall(r"^Collecting (\S+)", text, flags=re.MULTILINE)
        if "Installing collected packages" in text:
            done = min(max(len(_records()) - self.before, 0), self.count)
            now = f"  installed {self.count if whole else done} of {self.count}"
        elif fetched:
            size = re.findall(r"Downloading .*\((.*)\)\s*$", text.splitlines()[-1])
            now = (
                f"  downloaded {len(fetched) - 1} of {self.count}, next {fetched[-1]}{f' ({size[0]})' if size else ''}"
            )
        else:
            now = "  asking the package index"
        if "Retrying (" in text.rpartition("Collecting ")[2]:
            now += "; it does not answer, trying again"
        due = last or time.monotonic() - self.said >= SECONDS_BETWEEN_LINES
        if now == self.told or not (self.terminal or due):
            return
        end = "\n" if last or not self.terminal else ""
        print(f"\r{now:<78.78}" if self.terminal else now, end=end, file=sys.stderr, flush=True)
        self.told, self.said = now, time.monotonic()


def _compare(wanted: dict[str, str]) -> None:
    """Hold what is installed to the lock; a person's own additions are named and left.

    Raises
    ------
    SetUpError : a package is missing or has another version.
    """
    found = installed()
    differing = [f"{name} {found.get(name, 'missing')}, not {v}" for name, v in wanted.items() if found.get(name) != v]
    if differing:
        raise SetUpError(f"The environment is not the lock's: {'; '.join(differing)}. 'rm -r .venv' and run again.")
    added = sorted(set(found) - set(wanted) - set(BESIDE_THE_LOCK))
    if added:
        print(f"Also there, not from the lock: {', '.join(added)}", flush=True)


def _forget_half_installed() -> None:
    """Remove the metadata of packages that an interrupted pip left without all their files: it installs them anew."""
    for record in _records(all_of_them=True):
        folder = record.parent
        # Read by hand: importlib.metadata of Python 3.12 and newer leaves missing files out of the list.
        rows = list(csv.reader(record.read_text().splitlines())) if record.exists() else []
        whole = record.exists() and all(
            (folder.parent / name).exists() for name, _, size in rows if size and ".dist-info" not in name
        )
        if not whole and not folder.name.startswith("pip-"):
            shutil.rmtree(folder)


def _records(*, all_of_them: bool = False) -> list[Path]:
    """The list of files of each installed package; with ``all_of_them`` also of those that have none."""
    found = [folder / "RECORD" for folder in Path(_site_packages()).glob("*.dist-info")]
    return found if all_of_them else [record for record in found if record.exists()]


def _site_packages() -> str:
    """Where this environment's packages are."""
    return next(path for path in sys.path if path.endswith("site-packages"))


def _earlier(ready: Path) -> dict[str, str]:
    """What the last finished set-up installed; nothing if that is not known."""
    try:
        return dict(json.loads(ready.read_text()))
    except (OSError, ValueError):
        return {}


def _advice(text: str, folder: Path) -> str | None:
    """What to do about what pip printed; None if it is nothing known."""
    for pattern, advice in CAUSES:
        found = re.search(pattern, text)
        if found:
            what = next((value for value in found.groupdict().values() if value), "a file of requirements.lock")
            return advice.format(
                folder=folder,
                what=what,
                python="{}.{}".format(*sys.version_info),
                tried=TRIED_PYTHONS,
                proxies=", ".join(_proxies()) or "named in pip's configuration",
            )
    return None


def _proxies() -> list[str]:
    """Proxies of the process, without the passwords that may stand in them."""
    known = ("http_proxy", "https_proxy", "all_proxy", "pip_proxy")
    names = [name for name, value in os.environ.items() if value and name.lower() in known]
    return [f"{name}={re.sub(r'//[^@/]*@', '//', os.environ[name])}" for name in sorted(names)]


def _plain_environment() -> dict[str, str]:
    """The process's environment without what would make pip install elsewhere than into the environment."""
    elsewhere = (
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_QUIET",
        "PIP_VERBOSE",
    )
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


def renew_lock() -> None:
    """Resolve pyproject.toml anew into its locks, with its versions in environment.yml; say what changed."""
    before = _pins(LOCK)
    _resolve("dev", LOCK)
    after = _pins(LOCK)
    for name in sorted({*before, *after}):
        old, new = before.get(name, []), after.get(name, [])
        if old != new:
            print(f"{name}: {' and '.join(old) or 'new'} -> {' and '.join(new) or 'no longer needed'}")
    if before == after:
        print("Nothing changed.")
    both = [f"--no-emit-package={name}" for name in after]
    for extra, lock in EXTRAS.items():
        _resolve(extra, lock, "--constraint", LOCK.name, *both)
    text = CONDA.read_text()
    for name, versions in after.items():
        # environment.yml pins the oldest Python, whose version the lock lists first.
        text = re.sub(rf"^(  - {re.escape(name)}=)\S+$", rf"\g<1>{versions[0]}", text, flags=re.MULTILINE)
    CONDA.write_text(text)


def _resolve(extra: str, lock: Path, *further: str) -> None:
    """Resolve the project with one of its extras into a lock, which stays as it was where that fails."""
    command = f"pip compile pyproject.toml --extra {extra} --universal --python-version 3.11 --generate-hashes --quiet"
    options = ["--no-emit-index-url", "--custom-compile-command", "make lock", "--output-file", lock.name, *further]
    if subprocess.run([sys.executable, "-m", "uv", *command.split(), *options], cwd=ROOT, check=False).returncode:
        raise SetUpError(f"uv could not resolve pyproject.toml (its words are above); {lock.name} is as it was.")
    lock.write_text(lock.read_text().partition("\n# The following packages were excluded")[0])


def _pins(lock: Path) -> dict[str, list[str]]:
    """Versions that a lock lists for each package, on whatever machine."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", lock.read_text(), flags=re.MULTILINE):
        found.setdefault(_normal(name), []).append(version)
    return found


def _normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Do what the command line asks; a problem is one paragraph and exit code 1."""
    parser = argparse.ArgumentParser(description="Make .venv from requirements.lock, or renew the lock.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("create", "fill"):
        command = commands.add_parser(
            name, help="make or finish the environment" if name == "create" else "used by create"
        )
        command.add_argument("folder", type=Path, help="the environment's folder, such as .venv")
        command.add_argument("--lock", type=Path, default=LOCK, help="the lock (default: the project's)")
        command.add_argument("--project", type=Path, default=None, help="a project to install as editable")
    commands.add_parser("lock", help="renew requirements.lock and environment.yml, and say what changed")
    args = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        print(f"{sys.executable} is Python {sys.version.split()[0]}: expected Python 3.11 or newer; name one with "
              "'make PYTHON=python3.12 ...'.", file=sys.stderr)  # fmt: skip
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if args.command == "lock":
            renew_lock()
        else:
            {"create": create, "fill": fill}[args.command](args.folder, args.lock, project=args.project)
    except SetUpError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What is downloaded and installed stays; the same command goes on with it.", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
