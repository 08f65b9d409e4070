"""Blood values beside those that define the protocol's covariates.

Folate, methylmalonic acid and metals are the other known causes of neuropathy that the files measure; cholesterol and
homocysteine are in published models of peripheral arterial disease. Serum folate and vitamin B12 lie in one file of
each cycle. Methylmalonic acid and homocysteine moved to a file of their own in 2003-2004. Lead and cadmium are known
for 1999-2002 only: their file of 2003-2004 is not among those that the registry lists. A value below the limit of
detection stands as the survey fills it in, the limit divided by the square root of two.
"""

import pandas as pd

from analysis.data.people.coding import Source, same

LABORATORY: tuple[Source, ...] = (
    Source(("LAB06", "L06_B", "L06NB_C"), same("LBXB12", "LBXFOL")),
    Source(("LAB06", "L06_B", "L06MH_C"), {**same("LBXMMA"), "LBXHCY": ("LBXHCY", "LBDHCY", "LBXHCY")}),
    Source(("LAB06", "L06_B", None), {"LBXBPB": ("LBXBPB", "LBXBPB", None), "LBXBCD": ("LBXBCD", "LBXBCD", None)}),
    Source(("LAB13", "L13_B", "L13_C"), {**same("LBXTC"), "LBDHDL": ("LBDHDL", "LBDHDL", "LBXHDD")}),
)

_COLUMNS = {
    "folate_ng_ml": "LBXFOL",
    "mma_umol_l": "LBXMMA",
    "homocysteine_umol_l": "LBXHCY",
    "lead_ug_dl": "LBXBPB",
    "cadmium_ug_l": "LBXBCD",
    "total_cholesterol_mg_dl": "LBXTC",
    "hdl_cholesterol_mg_dl": "LBDHDL",
}


def laboratory_columns(raw: pd.DataFrame) -> dict[str, pd.Series]:
    """Harmonised laboratory values, as recorded, by their name with its unit.

    Parameters
    ----------
    raw : people with the columns of `LABORATORY` under their common names.

    Returns
    -------
    dict of (n,) float series; missing where the blood was not drawn or the cycle did not measure it.
    """
    return {name: raw[column].astype(float) for name, column in _COLUMNS.items()}
