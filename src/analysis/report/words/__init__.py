"""Sentences and tables; computes nothing. A part is loaded when it is first asked for."""

import importlib

NAMES = (
    "audit",
    "bottom_line",
    "causes",
    "claims",
    "conclusions",
    "energy",
    "first_screen",
    "glossary",
    "modifiers",
    "numbers",
    "published",
    "reasons",
    "referee",
    "shape",
    "simulation",
    "specificity",
    "study",
    "terminal",
    "units",
    "verdict_tables",
)

__all__ = list(NAMES)


def __getattr__(name: str) -> object:
    """A part of `NAMES`, loaded now."""
    if name not in NAMES:
        raise AttributeError(f"module 'analysis.report.words' has no part {name!r}: it has {', '.join(NAMES)}")
    return importlib.import_module(f"analysis.report.words.{name}")
