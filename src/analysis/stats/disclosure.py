"""What is told of few people: nothing that could be one person's value. The smallest number that is told stands here.

The rule holds for tables, for messages and for how an object shows itself in a notebook. Another rule is how many
people a line needs on either side of a break, which is about estimation; see `analysis.stats.shape.threshold`.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

FEWEST_PEOPLE = 10
"""A number about fewer people would tell of single ones: it is left empty."""

FEW = f"fewer than {FEWEST_PEOPLE}"
"""What stands in a text in place of a number of people that is not told."""

PEOPLE = ("n", "cases")
"""Attributes that count people."""

LONGEST_REPR = 200
"""Letters of an object shown; what is longer is cut."""


def is_few(n: int | np.integer | np.bool | float) -> bool:
    """Whether a number of people is one that is not told, or was blanked before; that nobody is there may be told."""
    return not (n == 0 or n >= FEWEST_PEOPLE)


def told(n: int) -> int | None:
    """A number of people as it may be written into a table; None of few."""
    return None if is_few(n) else n


def count_of(n: int | np.integer | np.bool | float) -> str:
    """A number of people as it may be told.

    Examples
    --------
    >>> count_of(1234), count_of(0), count_of(9)
    ('1,234', '0', 'fewer than 10')
    """
    return FEW if is_few(n) else f"{int(n):,}"


def blanked(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A copy of a frame whose given columns are empty in rows of fewer than `FEWEST_PEOPLE` people.

    Parameters
    ----------
    frame : a row for each group of people, whose number is its column ``n``.
    columns : what is not told of few: estimates, and ``n`` itself.

    Examples
    --------
    >>> blanked(pd.DataFrame({"n": [40, 9], "mean": [2.5, 3.5]}), ["n", "mean"])
          n  mean
    0  40.0   2.5
    1   NaN   NaN
    """
    names = list(columns)
    return frame.assign(**frame[names].where(frame["n"] >= FEWEST_PEOPLE))


def same_for_all(what: str, value: float, n: int | np.integer | np.bool) -> str:
    """Beginning of a message about something that does not vary; of few people not the value either.

    Parameters
    ----------
    what : does not vary, as a sentence's subject: ``the outcome``.
    value : the one value it has.
    n : people who have it.
    """
    return f"{what} is the same for all of {FEW} people" if is_few(n) else f"{what} is {value:g} for all {n:,} people"


class Discreet:
    """Base of everything that holds people or arrays: it shows itself in one line that tells no row of them.

    A class names in ``shown`` what its line says, an attribute or one of an attribute (``domain.n``); without, it says
    the single words and numbers among its fields and the shapes of the others.
    """

    __slots__ = ()
    shown: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        names = self.shown or tuple(field.name for field in dataclasses.fields(self))  # type: ignore[arg-type]
        words = ", ".join(f"{name.rpartition('.')[2]} {_words(name, _found(self, name))}" for name in names)
        line = f"{type(self).__name__}({words})"
        return line if len(line) <= LONGEST_REPR else f"{line[: LONGEST_REPR - 5]} ...)"


def _found(of: object, name: str) -> Any:
    for part in name.split("."):
        of = getattr(of, part)
    return of


def _words(name: str, value: object) -> str:
    """One attribute in a few letters: a number, a word, a shape, or the name of its class."""
    if isinstance(value, int | np.integer) and name.rpartition(".")[2] in PEOPLE:
        return count_of(value)
    if value is None or isinstance(value, bool | int | float | np.generic):
        return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
    if isinstance(value, str):
        return repr(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"[{' x '.join(map(str, shape))}]"
    return f"[{len(value)}]" if isinstance(value, tuple | list | dict) else type(value).__name__
