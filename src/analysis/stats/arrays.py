"""Names of the array and table types that many modules take and return."""

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
