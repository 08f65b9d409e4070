"""Array and table types that many modules take and return, and numpy's numbers as Python's."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.intp]

Array = npt.NDArray[np.float64]

Row = dict[str, object]
"""One row of a table by column."""

Frames = dict[str, pd.DataFrame]
"""Tables by name, as the files of `data/processed/estimates`."""


def plain_number(value: Any) -> object:
    """A numpy scalar as the Python number it is, as JSON takes it.

    Raises
    ------
    TypeError : it is no scalar, as `json.dumps` expects of its ``default``.
    """
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
