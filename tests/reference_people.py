"""The people of design_input.csv with the columns that descriptives_reference.R derives from theirs."""

from functools import cache

import numpy as np
import pandas as pd

from tests.arrays import reference_table


@cache
def r_people(study_id: str) -> pd.DataFrame:
    """Return the rows of `tests.arrays.r_sample` as a frame; it is cached and not to be changed."""
    people = reference_table("design_input")
    if study_id == "lonely_psu":
        people = people[(people["strata"] != 1) | (people["psu"] != 2)]
    return people.assign(
        z_heaped=5 * np.round(people["z"] / 5),
        x_squared=people["x"] ** 2,
        x_group=1 + np.searchsorted([160, 240, 350], people["x"], side="right"),
        z_group=1 + np.searchsorted([50, 62], people["z"], side="right"),
        x_half=1 + np.searchsorted([240], people["x"], side="right"),
    )
