"""Sentences and tables; computes nothing."""

from analysis.report.words import (
    audit,
    bottom_line,
    causes,
    claims,
    energy,
    modifiers,
    numbers,
    published,
    referee,
    shape,
    simulation,
    specificity,
    study,
    terminal,
)

__all__ = [
    "audit",
    "bottom_line",
    "causes",
    "claims",
    "energy",
    "modifiers",
    "numbers",
    "published",
    "referee",
    "shape",
    "simulation",
    "specificity",
    "study",
    "terminal",
]
