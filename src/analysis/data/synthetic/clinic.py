"""Prescriptions and further blood values of the people of the invented survey.

Diuretics go with hypertension and age, proton-pump inhibitors with age. Some names are there to be mistaken: drugs
joined by ";", salts, and drugs that only sound like a class. Prevalences and medians are plausible round figures.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.data.people.harmonise import ckd_epi_2021
from analysis.data.synthetic.people import pick

CLASS_DRUGS: dict[str, tuple[str, ...]] = {
    "diuretic": (
        "HYDROCHLOROTHIAZIDE",
        "FUROSEMIDE",
        "HYDROCHLOROTHIAZIDE; LISINOPRIL",
        "ATENOLOL; CHLORTHALIDONE",
        "HYDROCHLOROTHIAZIDE; TRIAMTERENE",
        "SPIRONOLACTONE",
    ),
    "ppi": ("OMEPRAZOLE", "LANSOPRAZOLE", "PANTOPRAZOLE SODIUM", "ESOMEPRAZOLE MAGNESIUM"),
}
"""Generic names of each class; of the diuretics the last wastes no magnesium."""


OTHER_DRUGS = (
    "LISINOPRIL", "ATORVASTATIN", "ARIPIPRAZOLE", "ACETAZOLAMIDE", "ALBUTEROL", "METFORMIN", "LEVOTHYROXINE",
    "DORZOLAMIDE; TIMOLOL", "MEBENDAZOLE", "AMLODIPINE; BENAZEPRIL",
)  # fmt: skip
UNKNOWN_NAMES = ("55555", "77777", "99999")


def clinic(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Invent what people are prescribed and what else their blood holds.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame of ``health`` and ``habits``.

    Returns
    -------
    people with diuretic_drug and ppi_drug (0 none, else the place of the name in `CLASS_DRUGS`), other_drugs and
    unknown_drug (numbers of drugs), depletion_points (0 to 5), folate (ng/mL), mma (µmol/L), lead (µg/dL), cadmium
    (µg/L), cholesterol and hdl (mg/dL).
    """
    n, age = len(people), people["age"].to_numpy()
    grown = age >= 20
    on_diuretic = rng.random(n) < grown * expit(-3.6 + 1.9 * people["told_hypertension"] + 0.03 * (age - 60))
    on_ppi = rng.random(n) < grown * expit(-2.3 + 0.02 * (age - 60))
    kind = 1 + pick(rng, np.tile([0.30, 0.25, 0.15, 0.10, 0.12, 0.08], (n, 1)))
    others = rng.poisson(np.where(grown, 0.03 * np.maximum(age - 15, 0), 0.15))
    z = rng.standard_normal((n, 6))
    b12 = people["b12"].to_numpy()
    smokes = (people["ever_smoked"] & (people["smokes"] < 3)).to_numpy()
    diuretic, ppi = np.where(on_diuretic, kind, 0), np.where(on_ppi, 1 + rng.integers(4, size=n), 0)
    return people.assign(
        diuretic_drug=diuretic,
        ppi_drug=ppi,
        other_drugs=np.minimum(others, 12),
        unknown_drug=(rng.random(n) < 0.008).astype(int),
        depletion_points=_depletion_points(people, diuretic=diuretic, ppi=ppi),
        folate=np.clip(13.0 * np.exp(0.5 * z[:, 0] + 0.004 * (age - 40)), 1.0, 600.0),
        mma=np.clip(0.14 * np.exp(0.35 * z[:, 1]) * (480 / b12) ** 0.5, 0.04, 10.0),
        lead=np.clip(1.7 * np.exp(0.6 * z[:, 2] + 0.006 * (age - 40)), 0.2, 48.0),
        cadmium=np.clip(0.4 * np.exp(0.5 * z[:, 3] + 0.8 * smokes), 0.2, 7.0),
        cholesterol=np.clip(200 + 0.4 * np.minimum(age - 40, 20) + 38 * z[:, 4], 80, 560),
        hdl=np.clip(51 - 6 * ~people["female"].to_numpy() + 14 * z[:, 5], 16, 138),
    )


def _depletion_points(people: pd.DataFrame, *, diuretic: np.ndarray, ppi: np.ndarray) -> np.ndarray:
    """The score that a faultless reader of the files would give, of creatinine to the written digit."""
    egfr = ckd_epi_2021(people["creatinine"].round(1), age_years=people["age"], female=people["female"]).to_numpy()
    kidney = np.where(egfr < 60, 2, np.where(egfr < 90, 1, 0))
    return (diuretic > 0) + 1 * (ppi > 0) + kidney + 1 * people["drinks_heavily"].to_numpy()
