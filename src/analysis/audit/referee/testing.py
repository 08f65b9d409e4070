"""Testing: how many specifications of the audit are a U when end slopes and two lines are tested alike.

The rule's end slopes are one-sided, its two lines two-sided. That is how each was published, and it is not even-handed.
"""

import numpy as np
import pandas as pd

from analysis.stats.shape.verdict import ALPHA, INTERIOR

SIDES = {"as is": (1.0, 1.0), "both one-sided": (1.0, 0.5), "both two-sided": (2.0, 1.0)}
"""What the p-values of end slopes and of two lines are multiplied by."""


def u_by_sides(cells: pd.DataFrame) -> pd.DataFrame:
    """Specifications whose verdict is U under each way of counting sides: sides, u, cells.

    Two lines of the wrong signs have p 1 and are a U in no way; the one-sided p of the others is half the larger
    two-sided one.

    Parameters
    ----------
    cells : of the audit's specifications, with end_slopes_p, two_lines_p and interior; those without an answer do not
        count as a U.
    """
    ends, lines, interior = (cells[name].to_numpy(dtype=float) for name in ("end_slopes_p", "two_lines_p", "interior"))
    rows = []
    for sides, (of_ends, of_lines) in SIDES.items():
        halved = np.where(lines < 1, of_lines * lines, 1.0)
        found = (of_ends * ends < ALPHA) & (halved < ALPHA) & (interior >= INTERIOR)
        rows.append({"sides": sides, "u": int(found.sum()), "cells": len(cells)})
    return pd.DataFrame(rows)
