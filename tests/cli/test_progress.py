"""A terminal is not left silent; where there is none, a stage that works for minutes says so, and no shorter one."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

SLOW = """
import time
from tqdm import tqdm
from analysis.cli.progress import signs_of_life
with signs_of_life("fit"):
    time.sleep(2.5)
    tqdm.write("a result")
    time.sleep(1.2)
"""


def on_a_terminal(*arguments: str) -> bytes:
    """What a fresh Python writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return written


def test_a_slow_stage_ticks_and_leaves_only_what_it_printed():
    written = on_a_terminal("-c", SLOW)
    assert written.count(b"fit: 00:0") >= 3
    before, _, after = written.partition(b"a result\r\n")
    assert before.rpartition(b"fit: 00:0")[2].endswith(b" \r")  # the line was wiped before the result took its place
    assert not after.rpartition(b"\r")[2].strip()
    assert b"\n" not in before.strip()


def test_stage_on_a_terminal_shows_that_it_loads_before_its_first_result(demo):
    """Loading takes a second or more, so that the first sign stands there before the first line of numbers."""
    code = (
        "import importlib, sys, time, analysis.__main__ as command\n"
        "load, slow = importlib.import_module, [1.5]\n"  # libraries import so, too: only the first call waits
        "command.importlib.import_module = lambda *name: (time.sleep(slow.pop() if slow else 0), load(*name))[1]\n"
        "sys.exit(command.main(['table', 'models', '--data', sys.argv[1]]))"
    )
    written = on_a_terminal("-c", code, str(demo.data))
    assert 0 <= written.find(b"table: 00:0") < written.find(b"section,row")


def test_without_a_terminal_nothing_is_added():
    done = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("a result\n", "")


def test_without_a_terminal_a_long_stage_says_every_minute_that_it_is_at_work():
    sooner = "import analysis.cli.progress as progress\nprogress.SECONDS_BETWEEN_LINES = 1.0\n"
    hurried = SLOW.replace("with signs", f"{sooner}with signs")
    done = subprocess.run([sys.executable, "-c", hurried], capture_output=True, text=True, check=True)
    assert done.stdout == "a result\n"
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    assert set(lines) == {"fit: at work for 0 min"}
