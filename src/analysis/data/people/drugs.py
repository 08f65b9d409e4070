"""Prescription drugs by generic name, and the magnesium depletion score that is made with them.

The files have a row for each drug that a person took in the past month, or one row that says none. A generic name may
hold several drugs, joined by ";" ("HYDROCHLOROTHIAZIDE; LISINOPRIL"), and a salt or a form after the drug's own word.
The first word of each part is compared as a whole: ARIPIPRAZOLE, an antipsychotic, ends as the proton-pump inhibitors
do, and ACETAZOLAMIDE, given for the eye, is no diuretic here. A drug that the person could not name is counted, and
taken for none of the classes.

References
----------
Fan et al. 2021, the magnesium depletion score: its four items and the maximum of 5 are confirmed by papers that use it;
the points of each item as they stand here were not checked against the first publication.
"""

import numpy as np
import pandas as pd

from analysis.data.people.coding import CodingError, Source
from analysis.stats.arrays import Frames

PRESCRIPTIONS = Source(
    ("RXQ_RX", "RXQ_RX_B", "RXQ_RX_C"),
    {"RXDUSE": ("RXD030", "RXD030", "RXDUSE"), "RXDDRUG": ("RXD240B", "RXD240B", "RXDDRUG")},
)
"""Whether any prescription drug was taken in the past month, and the standard generic name of each."""

UNKNOWN_DRUGS = frozenset({"55555", "77777", "99999"})
"""What stands for the name of a drug that is unknown, refused or not remembered."""

SPARING = frozenset({"SPIRONOLACTONE", "TRIAMTERENE", "AMILORIDE", "EPLERENONE"})
"""Diuretics that spare potassium, and magnesium with it."""

WASTING = frozenset({
    "HYDROCHLOROTHIAZIDE", "CHLOROTHIAZIDE", "BENDROFLUMETHIAZIDE", "METHYCLOTHIAZIDE", "HYDROFLUMETHIAZIDE",
    "POLYTHIAZIDE", "TRICHLORMETHIAZIDE", "CHLORTHALIDONE", "INDAPAMIDE", "METOLAZONE",
    "FUROSEMIDE", "BUMETANIDE", "TORSEMIDE", "ETHACRYNIC",
    "DIURETIC-UNSPECIFIED", "DIURETICS",
})  # fmt: skip
"""Thiazides and their like, loop diuretics, and diuretics without a name."""

PROTON_PUMP_INHIBITORS = frozenset({"OMEPRAZOLE", "ESOMEPRAZOLE", "LANSOPRAZOLE", "PANTOPRAZOLE", "RABEPRAZOLE"})

CLASSES: dict[str, frozenset[str]] = {
    "takes_diuretic": WASTING | SPARING,
    "takes_wasting_diuretic": WASTING,
    "takes_ppi": PROTON_PUMP_INHIBITORS,
}
"""Harmonised column to the first words of the generic names that make it yes."""

_USE = {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan}

SCORE_PARTS = ("diuretic", "ppi", "egfr_60_to_90", "egfr_below_60", "heavy_alcohol")
"""What the depletion score adds up; an eGFR below 60 has two points, everything else one."""


def drugs_of(name: str) -> frozenset[str]:
    """First words of the parts of a generic name, in capitals: what a class of drugs is looked for in."""
    parts = (part.split() for part in name.upper().split(";"))
    return frozenset(part[0] for part in parts if part)


def drug_columns(tables: Frames, people: pd.Index) -> dict[str, pd.Series]:
    """Whether each person takes a diuretic, a magnesium-wasting one, a proton-pump inhibitor.

    Parameters
    ----------
    tables : the tables of `PRESCRIPTIONS`, a row for each drug of a person.
    people : SEQN of all interviewed.

    Returns
    -------
    takes_diuretic, takes_wasting_diuretic, takes_ppi: 1.0, 0.0, or missing where it is unknown whether the person took
    any drug; unknown_drugs: number of drugs taken whose name is a code of `UNKNOWN_DRUGS`, missing likewise.

    Raises
    ------
    CodingError : the question on use has an answer that the codebook does not define.
    """
    rows = pd.concat([_rows(tables, position) for position in range(len(PRESCRIPTIONS.tables))])
    kinds = {name: drugs_of(name) for name in rows["drug"].unique()}
    taken = rows["use"] == 1
    counted = {"unknown_drugs": taken & rows["drug"].isin(UNKNOWN_DRUGS)}
    for column, words in CLASSES.items():
        named = [name for name, found in kinds.items() if not words.isdisjoint(found)]
        counted[column] = taken & rows["drug"].isin(named)
    sums = pd.DataFrame(counted).groupby(level=0).sum().reindex(people)
    known = rows["use"].notna().groupby(level=0).any().reindex(people, fill_value=False)
    yes_no = {column: (sums[column] > 0).astype(float).where(known) for column in CLASSES}
    return {**yes_no, "unknown_drugs": sums["unknown_drugs"].astype(float).where(known)}


def _rows(tables: Frames, position: int) -> pd.DataFrame:
    """Use and name of one cycle's drugs, by person."""
    table = str(PRESCRIPTIONS.tables[position])
    use, drug = (str(names[position]) for names in PRESCRIPTIONS.columns.values())
    answers, names = tables[table][use], tables[table][drug]
    undefined = answers[answers.notna() & ~answers.isin(list(_USE))]
    if len(undefined):
        raise CodingError(
            f"{use}={undefined.iloc[0]:g} in {table} ({len(undefined)} rows): expected one of "
            f"{', '.join(map(str, _USE))}, see the codebook {table}.htm."
        )
    return pd.DataFrame({"use": answers.map(_USE).astype(float), "drug": names.fillna("").str.strip()})


def depletion_parts(people: pd.DataFrame) -> pd.DataFrame:
    """The parts of the magnesium depletion score, 1.0, 0.0 or missing, each by itself.

    Parameters
    ----------
    people : harmonised, with takes_diuretic, takes_ppi, egfr_ml_min_1_73m2 and alcohol.

    Returns
    -------
    (n, 5) frame of `SCORE_PARTS`.
    """
    egfr, alcohol = people["egfr_ml_min_1_73m2"], people["alcohol"]
    return pd.DataFrame(
        {
            "diuretic": people["takes_diuretic"],
            "ppi": people["takes_ppi"],
            "egfr_60_to_90": ((egfr >= 60) & (egfr < 90)).astype(float).where(egfr.notna()),
            "egfr_below_60": (egfr < 60).astype(float).where(egfr.notna()),
            "heavy_alcohol": (alcohol == "heavy").astype(float).where(alcohol.notna()),
        }
    )


def depletion_score(people: pd.DataFrame) -> pd.Series:
    """Magnesium depletion score, 0 to 5; missing if any part is.

    One point each for a diuretic, a proton-pump inhibitor, heavy alcohol and an eGFR of 60 to below 90; two for one
    below 60 mL/min/1.73 m².

    Parameters
    ----------
    people : as for `depletion_parts`.
    """
    parts = depletion_parts(people)
    return (parts.sum(axis="columns") + parts["egfr_below_60"]).where(parts.notna().all(axis="columns"))
