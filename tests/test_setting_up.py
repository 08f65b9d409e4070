"""The set-up script makes an environment from a lock: nothing resolved, files by their hash, failures told."""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "src" / "environment.py"


@pytest.fixture
def script():
    """The set-up script as a module; it is no part of the package, since it runs before there is one."""
    spec = importlib.util.spec_from_file_location("environment", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Made-up packages, so that no test needs an index.


def make_wheel(folder: Path, name: str, version: str, *requires: str) -> str:
    """A wheel of one module; returns its hash."""
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Provides-Extra: more"]
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join([*metadata, *(f"Requires-Dist: {text}" for text in requires), ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
        wheel.writestr(
            f"{info}/RECORD", "".join(f"{file},,{len(text)}\n" for file, text in files.items()) + f"{info}/RECORD,,\n"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy"), "") | {
    "PIP_FIND_LINKS": ""
}
"""Settings under which pip finds nothing but what a test names."""


def write_lock(path: Path, **hashes: str) -> Path:
    """A lock of made-up packages, ``name_version=hash`` each."""
    pinned = {name.replace("_", "==", 1).replace("_", "."): value for name, value in hashes.items()}
    path.write_text("".join(f"{name} \\\n    --hash=sha256:{value}\n" for name, value in pinned.items()))
    return path


def create(folder: Path, lock: Path, **environment: str) -> subprocess.CompletedProcess:
    # pip's configuration file is left out: what it names here or there is not under test.
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "1", "PIP_TIMEOUT": "2"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "create", str(folder), "--lock", str(lock)],
        env={**os.environ, **settings, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def version_in(folder: Path, name: str) -> str:
    command = [str(folder / "bin" / "python"), "-I", "-c", f"import {name}; print({name}.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of made-up wheels: one wants another with an extra, which has a newer release than the lock's."""
    folder = tmp_path_factory.mktemp("index")
    hashes = {
        "wants_1": make_wheel(folder, "wants", "1", "wanted[more]>=1"),
        "wanted_1": make_wheel(folder, "wanted", "1", "extra_part; extra == 'more'"),
        "extra_part_1": make_wheel(folder, "extra_part", "1"),
    }
    make_wheel(folder, "wanted", "2", "extra_part; extra == 'more'", "not_in_the_lock")
    return folder, hashes


def refuse_a_missing_file(folder: Path) -> None:
    """Make an environment whose one package is nowhere to be had; what that printed is kept beside it."""
    done = create(folder / "env", write_lock(folder / "x.lock", wants_1="0" * 64), **NOWHERE, PIP_NO_INDEX="1")
    assert done.returncode == 1
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)


@pytest.fixture
def begun(shared, tmp_path):
    """A copy of the environment that `refuse_a_missing_file` left without packages: the next set-up goes on with it.

    To make one takes as long as all that is done with it.
    """
    shutil.copytree(shared.folder(refuse_a_missing_file) / "env", tmp_path / "env", symlinks=True)
    return tmp_path / "env"


@pytest.fixture(scope="module")
def made(index, shared, tmp_path_factory):
    """An environment of those packages, with what its making printed."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(shared.folder(refuse_a_missing_file) / "env", folder / "env", symlinks=True)
    hashes = {name.replace("extra_part_", "extra-part_"): value for name, value in index[1].items()}
    lock = write_lock(folder / "made.lock", **hashes)
    done = create(folder / "env", lock, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index[0]))
    assert done.returncode == 0, done.stderr
    return folder / "env", lock, done


def test_newer_release_of_a_package_wanted_with_an_extra_changes_nothing(made):
    folder, _, done = made
    assert version_in(folder, "wanted") == "1"
    assert version_in(folder, "extra_part") == "1"
    assert "3 packages to install" in done.stdout
    assert "installed 3 of 3" in done.stderr


def test_environment_that_is_whole_is_left_as_it_is(made):
    folder, lock, _ = made
    again = create(folder, lock, PIP_NO_INDEX="1")
    assert again.returncode == 0, again.stderr
    assert "to install" not in again.stdout


def test_package_that_an_interrupt_left_half_installed_is_installed_again(made, index):
    folder, lock, _ = made
    packages = next(folder.glob("lib/*/site-packages"))
    (packages / "wanted.py").unlink()
    (packages / "wants-1.dist-info" / "RECORD").unlink()
    again = create(folder, lock, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index[0]))
    assert again.returncode == 0, again.stderr
    assert "2 packages to install" in again.stdout
    assert version_in(folder, "wanted") == "1"


def test_package_that_left_the_lock_is_removed_and_a_persons_own_is_kept(made, index, tmp_path):
    folder, lock, _ = made
    make_wheel(tmp_path, "my_own", "7")
    install = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--find-links",
        str(tmp_path),
    ]
    subprocess.run([*install, "my_own"], check=True, capture_output=True)
    smaller = write_lock(tmp_path / "smaller.lock", wanted_1=index[1]["wanted_1"])
    done = create(folder, smaller, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index[0]))
    assert done.returncode == 0, done.stderr
    assert "removed: extra-part, wants" in done.stdout
    assert "not from the lock: my-own" in done.stdout
    subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "uninstall", "-q", "-y", "my_own"], check=True)
    assert create(folder, lock, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index[0])).returncode == 0


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}, "index did not answer.*PIP_INDEX_URL"),
        (
            {"PIP_INDEX_URL": "https://packages.invalid/simple", "https_proxy": "http://me:secret@127.0.0.1:9"},
            r"proxy does not let pip through \(https_proxy=http://127.0.0.1:9\)",
        ),
    ],
    ids=["no-network", "dead-proxy"],
)
def test_failure_is_one_paragraph_that_says_what_to_do(tmp_path, begun, index, environment, said):
    lock = write_lock(tmp_path / "x.lock", wants_1=index[1]["wants_1"])
    done = create(begun, lock, **{**NOWHERE, **environment})
    assert done.returncode == 1
    assert_one_paragraph(done.stdout, done.stderr, said)


def test_file_that_is_not_there_is_one_paragraph_that_says_what_to_do(shared):
    folder = shared.folder(refuse_a_missing_file)
    stdout, stderr = (folder / "stdout").read_text(), (folder / "stderr").read_text()
    assert_one_paragraph(stdout, stderr, r"does not have wants==1 for Python 3\.\d+.*3.11 to 3.14")


def assert_one_paragraph(stdout: str, stderr: str, said: str) -> None:
    assert re.search(said, stderr.strip().rpartition("\n\n")[2])
    assert "Traceback" not in stderr
    assert "secret" not in stdout + stderr


def test_file_with_another_hash_is_refused(tmp_path, begun, index):
    lock = write_lock(tmp_path / "x.lock", wants_1="0" * 64)
    done = create(begun, lock, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index[0]))
    assert done.returncode == 1
    assert "not the one that requirements.lock names" in done.stderr


def test_python_without_ensurepip_is_told_what_to_install(tmp_path, index):
    stub = tmp_path / "stub" / "ensurepip"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("raise ImportError('No module named ensurepip')")
    lock = write_lock(tmp_path / "x.lock", wants_1=index[1]["wants_1"])
    done = create(tmp_path / "env", lock, PYTHONPATH=str(stub.parent))
    assert done.returncode == 1
    assert "apt-get install python3." in done.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "cannot be written"),
        ("Could not fetch URL: SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')", "REQUESTS_CA_BUNDLE="),
    ],
    ids=["full-disk", "read-only", "certificate"],
)
def test_what_no_test_can_bring_about_is_known_by_pips_words(printed, said, script):
    assert said in script._advice(printed, Path(".venv"))


def test_unknown_failure_shows_pips_last_lines(script):
    assert script._advice("something new", Path(".venv")) is None


def test_interrupt_is_said_once_and_keeps_what_is_there(tmp_path, begun, index):
    lock = write_lock(tmp_path / "x.lock", wants_1=index[1]["wants_1"])
    # An index that takes the connection and never answers.
    server = subprocess.Popen(
        [sys.executable, "-c", "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
         "print(s.getsockname()[1], flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/simple"
        environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": url, "PIP_TIMEOUT": "60"}
        with (tmp_path / "said").open("w+") as said:
            running = subprocess.Popen(
                [sys.executable, str(SCRIPT), "create", str(begun), "--lock", str(lock)],
                env=environment | {"PIP_FIND_LINKS": ""}, stdout=said, stderr=said,
            )  # fmt: skip
            log = begun / "set-up.log"
            log.unlink()  # of the refusal before
            end = time.monotonic() + 60
            while not log.exists() and time.monotonic() < end:
                time.sleep(0.1)
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=30) == 130
            said.seek(0)
            assert said.read().count("Interrupted.") == 1
    finally:
        server.kill()
        server.communicate()
    assert (begun / "bin" / "python").exists()
    assert not (begun / ".ready").exists()


def test_lock_says_what_changed(tmp_path, script, monkeypatch, capsys):
    lock, conda_file = tmp_path / "requirements.lock", tmp_path / "environment.yml"
    lock.write_text("kept==1 \\\n    --hash=sha256:0\nraised==1 ; python_version < '3.12' \\\nleft==3\n")
    conda_file.write_text("dependencies:\n  - kept=1\n  - raised=1\n")
    monkeypatch.setattr(script, "LOCK", lock)
    monkeypatch.setattr(script, "CONDA", conda_file)

    def resolve(*_args, **_options):
        lock.write_text(
            "kept==1 \\\nraised==2 ; python_version < '3.12'\nraised==3 ; python_version >= '3.12'\ncame==4\n"
        )
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(script.subprocess, "run", resolve)
    script.renew_lock()
    assert capsys.readouterr().out.splitlines() == [
        "came: new -> 4",
        "left: 3 -> no longer needed",
        "raised: 1 -> 2 and 3",
    ]
    assert conda_file.read_text() == "dependencies:\n  - kept=1\n  - raised=2\n"
