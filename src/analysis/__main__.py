"""The command line: ``python -m analysis <stage>``.

argparse from the standard library, because ``--cycles 1999 2001`` (several values after one option) is what a reader
expects to type and the popular alternatives do not offer it.
"""

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence

from analysis.cli.options import build_parser
from analysis.errors import AnalysisError

RESUMABLE = ("fetch", "audit")
"""Stages of many tasks, each of which is kept as it finishes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; a failure the user can act on becomes one message and a non-zero exit code."""
    args = build_parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end cleans up like Ctrl-C
    try:
        # Loaded now, so that --help and a mistyped option need none of the libraries of numbers.
        importlib.import_module("analysis.cli.commands").run_stage(args)
        sys.stdout.flush()
    except AnalysisError as error:
        print(f"{args.stage}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, UnicodeEncodeError) as error:
        name, reason = getattr(error, "filename", None) or "a file", getattr(error, "strerror", None) or error
        print(
            f"{args.stage}: cannot read or write {name}: {reason}. Check that the folder exists, is writable and has "
            "space; nothing was left half-written.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"{args.stage}: interrupted. {_what_is_left(args)}", file=sys.stderr)
        return 130
    return 0


def _what_is_left(args: argparse.Namespace) -> str:
    """What an interrupted stage leaves behind, and how to go on."""
    if args.stage in RESUMABLE:
        again = "again without --fresh" if getattr(args, "fresh", False) else "the same command again"
        return f"What was finished is kept; run {again} to go on."
    if args.stage == "demo":
        return f"What it wrote until then stays in {args.data}; run it again: it begins anew and writes over that."
    if args.stage == "estimate" and args.figure is None:
        return "Nothing was changed; run it again from the start."
    return "No file is half-written, but some may be new beside older ones; run it again from the start."


if __name__ == "__main__":
    sys.exit(main())
