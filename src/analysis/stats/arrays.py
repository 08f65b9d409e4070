"""Names of the array types that every module of `stats` takes and returns."""

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.intp]

Array = npt.NDArray[np.float64]
