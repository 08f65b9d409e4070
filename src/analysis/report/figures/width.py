"""How wide a figure is: apart from what draws it, so that a command line can name it without a library of pictures."""

from typing import Literal

Width = Literal["one", "two"]
"""Columns of a printed page that a figure is made for."""
