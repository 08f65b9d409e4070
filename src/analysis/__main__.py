"""The command line: ``python -m analysis <stage>``.

argparse from the standard library, because ``--cycles 1999 2001`` (several values after one option) is what a reader
expects to type and the popular alternatives do not offer it.
"""

import argparse
import gc
import importlib
import signal
import sys
import threading
from collections.abc import Sequence
from types import ModuleType

from analysis.cli.memory import keep_freed_memory
from analysis.cli.options import build_parser
from analysis.cli.progress import signs_of_life
from analysis.cli.streams import claim_streams, flushed, lost_output, tell, tell_lost
from analysis.errors import AnalysisError

MODULES = {
    "fetch": "people", "cohort": "people", "foods": "people", "fit": "curve", "shapes": "curve", "estimate": "estimate",
    "claims": "claims", "published": "claims", "audit": "audits", "referee": "audits", "simulate": "simulation",
    "figures": "drawing", "table": "pages", "report": "pages", "docs": "pages", "demo": "demo",
}  # fmt: skip
"""Stage to the module of `analysis.cli` with its ``run_...``: each loads no library that it does not use."""

USED_LATER = {"estimate": ("statsmodels.genmod.generalized_linear_model",)}
"""What a stage will load in any case, so that it is loaded with the rest."""

RESUMABLE = ("fetch", "audit", "referee")
"""Stages of many tasks, each of which is kept as it finishes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; a failure the user can act on becomes one message and a non-zero exit code."""
    if not claim_streams():
        return 1
    try:
        args = build_parser().parse_args(arguments)
    except SystemExit as left:  # help was printed, or a wrong option was told
        raise SystemExit(flushed("python -m analysis", int(left.code or 0))) from None
    if threading.current_thread() is threading.main_thread():
        keep_freed_memory()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end cleans up like Ctrl-C
    return flushed(args.stage, _performed(args))


def _performed(args: argparse.Namespace) -> int:
    """Exit code of a stage, whose failure is told."""
    try:
        # Loaded now, so that --help and a mistyped option need none of the libraries of numbers.
        with signs_of_life(args.stage):
            stage = _loaded((f"analysis.cli.{MODULES[args.stage]}", *USED_LATER.get(args.stage, ())))
            # One BLAS thread: matrices of some ten columns are faster alone than with threads fighting over them.
            with importlib.import_module("threadpoolctl").threadpool_limits(limits=1, user_api="blas"):
                getattr(stage, f"run_{args.stage}")(args)
    except AnalysisError as error:
        tell(f"{args.stage}: {error}")
        return error.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        return 0
    except OSError as error:
        if (lost := lost_output()) is not None:
            return tell_lost(args.stage, lost)
        tell(f"{args.stage}: cannot read or write {error.filename or 'a file'}: {error.strerror or error}. Check that "
              "the folder exists, is writable and has space; nothing was left half-written.")  # fmt: skip
        return 1
    except KeyboardInterrupt:
        tell(f"{args.stage}: interrupted. {_what_is_left(args)}")
        return 130
    return 0


def _loaded(names: Sequence[str]) -> ModuleType:
    """The first of some modules, loaded with all that they import.

    None of that is ever garbage, for which Python would look through it again and again: a sixth of what `estimate`
    takes.
    """
    if set(names) <= set(sys.modules):  # what else there is by now may be garbage
        return sys.modules[names[0]]
    gc.disable()
    try:
        return [importlib.import_module(name) for name in names][0]
    finally:
        gc.freeze()
        gc.enable()


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
