"""Standard output and error that are closed, full, gone or of few letters: one message, and an exit code."""

import codecs
import io
import os
import sys
from contextlib import suppress

ESCAPED = "told_backslashreplace"
"""Error handler of standard output: see `_escape`."""


def claim_streams() -> bool:
    """Make standard output and error fit to be written; whether there is a standard output.

    A file opened while one of them is closed would take its number, and be written over by whatever writes there.
    """
    for _ in range(3):
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (it lives as long as the process)
    if sys.stdout is None:
        tell("standard output is closed: expected somewhere to write to. Nothing was done; send it to a file or to "
              "/dev/null instead.")  # fmt: skip
        return False
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the terminal has not must not end a stage
        sys.stdout.reconfigure(errors=ESCAPED)
    return True


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Write letters that standard output does not have as ``\xe9``, and say so once."""
    if isinstance(error, UnicodeEncodeError) and not _escape_told:
        _escape_told.append(error.encoding)
        tell(f"standard output takes {error.encoding} only: other letters are written as \\x.. or \\u....; set "
              "PYTHONIOENCODING=utf-8 to see them.")  # fmt: skip
    return codecs.backslashreplace_errors(error)


_escape_told: list[str] = []
codecs.register_error(ESCAPED, _escape)


def lost_output() -> OSError | None:
    """Why what was printed cannot be written; from then on nothing more is."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def flushed(stage: str, code: int) -> int:
    """Exit code once everything printed is written: it changes if that cannot be."""
    lost = lost_output()
    if lost is None or isinstance(lost, BrokenPipeError):
        return code
    return tell_lost(stage, lost)


def tell_lost(stage: str, lost: OSError) -> int:
    """Say that standard output cannot be written; returns the exit code."""
    tell(f"{stage}: standard output cannot be written: {lost.strerror}. What is printed is lost, files are whole; "
          "send it elsewhere and run again.")  # fmt: skip
    return 1


def tell(message: str) -> None:
    """One message on standard error, if that can be written; the exit code tells the rest."""
    with suppress(OSError):
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
