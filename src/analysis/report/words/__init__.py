"""Sentences and tables; computes nothing."""

from analysis.report.words import (
    answer,
    audit,
    bottom_line,
    causes,
    claims,
    energy,
    first_screen,
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
    "answer",
    "audit",
    "bottom_line",
    "causes",
    "claims",
    "energy",
    "first_screen",
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
