"""Standard output that is closed, full, gone or of few letters is told in one message, with an exit code."""

import os
import subprocess
import sys

import pytest


def run(command: str, tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m analysis {command}"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120,
        env={**os.environ, "PYTHONUNBUFFERED": "", **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("cohort --data none >&-", 1, "standard output is closed: expected somewhere to write to"),
        ("--help >/dev/full", 1, "standard output cannot be written: No space left on device"),
        ("--help | head -c 1 >/dev/null", 0, ""),
        ("cohort --data none 2>&-", 3, ""),
    ],
    ids=["closed", "full", "pipe", "no_stderr"],
)
def test_an_output_that_cannot_be_written_is_told_once(tmp_path, command, code, message):
    done = run(command, tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == bool(message)


def test_letters_that_an_output_does_not_have_are_escaped_and_told_once(tmp_path):
    code = (
        "from analysis.cli.streams import claim_streams, flushed; claim_streams(); print('\\u00e9 \\u2264'); "
        "print('\\u00e9'); raise SystemExit(flushed('cohort', 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stdout) == (0, "\\xe9 \\u2264\n\\xe9\n")
    assert done.stderr.count("standard output takes ascii only") == 1
    assert "Traceback" not in done.stderr


def test_no_home_and_a_terminal_of_one_column_are_enough(tmp_path):
    done = run("estimate --help", tmp_path, HOME="", TERM="dumb", COLUMNS="1")
    assert (done.returncode, done.stderr) == (0, "")
