"""Harmonised names of the exposures, with their units: nutrients that all three cycles measured, and all magnesium.

The total-nutrient files name a nutrient by a prefix and four letters: DRXTMAGN in 1999-2002, DR1TMAGN in 2003-2004.
"""

import re

_SUFFIXES = {
    "energy_kcal": "KCAL",
    "protein_g": "PROT",
    "carbohydrate_g": "CARB",
    "total_fat_g": "TFAT",
    "saturated_fat_g": "SFAT",
    "monounsaturated_fat_g": "MFAT",
    "polyunsaturated_fat_g": "PFAT",
    "cholesterol_mg": "CHOL",
    "fiber_g": "FIBE",
    "thiamin_mg": "VB1",
    "riboflavin_mg": "VB2",
    "niacin_mg": "NIAC",
    "vitamin_b6_mg": "VB6",
    "folate_ug": "FOLA",
    "vitamin_b12_ug": "VB12",
    "vitamin_c_mg": "VC",
    "calcium_mg": "CALC",
    "phosphorus_mg": "PHOS",
    "magnesium_mg": "MAGN",
    "iron_mg": "IRON",
    "zinc_mg": "ZINC",
    "copper_mg": "COPP",
    "potassium_mg": "POTA",
    "selenium_ug": "SELE",
    "caffeine_mg": "CAFF",
    "theobromine_mg": "THEO",
    "alcohol_g": "ALCO",
    "sfa_4_0_g": "S040",
    "sfa_6_0_g": "S060",
    "sfa_8_0_g": "S080",
    "sfa_10_0_g": "S100",
    "sfa_12_0_g": "S120",
    "sfa_14_0_g": "S140",
    "sfa_16_0_g": "S160",
    "sfa_18_0_g": "S180",
    "mfa_16_1_g": "M161",
    "mfa_18_1_g": "M181",
    "mfa_20_1_g": "M201",
    "mfa_22_1_g": "M221",
    "pfa_18_2_g": "P182",
    "pfa_18_3_g": "P183",
    "pfa_18_4_g": "P184",
    "pfa_20_4_g": "P204",
    "pfa_20_5_g": "P205",
    "pfa_22_5_g": "P225",
    "pfa_22_6_g": "P226",
}

NUTRIENT_COLUMNS: dict[str, tuple[str | None, ...]] = {
    **{name: (f"DRXT{suffix}", f"DRXT{suffix}", f"DR1T{suffix}") for name, suffix in _SUFFIXES.items()},
    "sodium_mg": ("DRDTSODI", "DRDTSODI", "DR1TSODI"),
    "moisture_g": ("DRXTWATE", "DRXTMOIS", "DR1TMOIS"),
}
"""Harmonised nutrient to its raw column in each cycle; energy included."""

SECOND_DAYS = {name: f"{name}_day2" for name in NUTRIENT_COLUMNS}
"""Harmonised nutrient to the same on the second recalled day, which 2003-2004 alone has."""

SECOND_RECALL = 2003
"""First year of that cycle."""

ADULT = 20
"""Age in years from which people are counted as adults."""

WEEKEND = (1, 6, 7)
"""Friday, Saturday and Sunday among the days of a recall, as their codes and the dietary weights have them."""

FOOD_ORIGIN = "from food, day-1 recall"
_PILLS = "mean of 30 days"

SUPPLEMENT_EXPOSURES: dict[str, tuple[str, str]] = {
    "magnesium_supplement_mg": ("supplemental magnesium", _PILLS),
    "magnesium_antacid_mg": ("magnesium from antacids", _PILLS),
    "magnesium_food_supplement_mg": ("magnesium", "from food, day-1 recall, and supplements"),
    "magnesium_total_mg": ("total magnesium", "from food, day-1 recall, supplements and antacids"),
}
"""Magnesium beyond food: words for it, and where it comes from."""

EXPOSURES = (*NUTRIENT_COLUMNS, *SUPPLEMENT_EXPOSURES)
"""Columns of what people take in; a study needs their reliable recall."""

SECOND_DAY_COLUMNS = {
    SECOND_DAYS[name]: (None, None, str(columns[-1]).replace("DR1T", "DR2T"))
    for name, columns in NUTRIENT_COLUMNS.items()
}
"""Those to their raw columns."""

_UNITS = {"kcal": "kcal/day", "g": "g/day", "mg": "mg/day", "ug": "µg/day"}
_OTHER_UNITS = {
    "ml_min_1_73m2": "mL/min/1.73 m²",
    "umol_l": "µmol/L",
    "mg_dl": "mg/dL",
    "ug_dl": "µg/dL",
    "ug_ml": "µg/mL",
    "ng_ml": "ng/mL",
    "pg_ml": "pg/mL",
    "kg_m2": "kg/m²",
    "ug_l": "µg/L",
    "mg_g": "mg/g",
    "percent": "%",
    "mmhg": "mmHg",
    "years": "years",
    "cm": "cm",
}
"""Ends of the names of other columns, a longer one before its own end."""
_OWN = re.compile(r"(?P<label>[^\[\]]*[^\[\] ]) *\[(?P<unit>[^\[\]]+)\]")
"""Name of a column of one's own that says its label and, in square brackets, its unit."""
_ABBREVIATIONS = {"sfa": "SFA", "mfa": "MFA", "pfa": "PFA"}
_MEASURED = {
    "pir": "income to poverty ratio",
    "bmi_kg_m2": "BMI",
    "sbp_mmhg": "systolic blood pressure",
    "dbp_mmhg": "diastolic blood pressure",
    "hba1c_percent": "HbA1c",
    "b12_pg_ml": "serum vitamin B12",
    "folate_ng_ml": "serum folate",
    "mma_umol_l": "methylmalonic acid",
    "egfr_ml_min_1_73m2": "estimated GFR",
    "mdrd_ml_min_1_73m2": "estimated GFR (MDRD)",
    "albumin_creatinine_mg_g": "urinary albumin to creatinine",
    "hdl_cholesterol_mg_dl": "HDL cholesterol",
    "abi_left": "left ankle-brachial index",
    "abi_right": "right ankle-brachial index",
    "abi_lowest": "lower ankle-brachial index",
    "abi_highest": "higher ankle-brachial index",
    "ei_bmr": "ratio of recalled energy intake to basal metabolic rate (EI:BMR)",
}
"""Words for a harmonised column, where its name without the unit does not read as words or is that of a nutrient.

By the whole name: a column of one's own that is called ``folate`` is not the serum's.
"""


def exposure_label(name: str) -> str:
    """Words for a column: ``vitamin_b12_ug`` is "vitamin B12", ``hba1c_percent`` is "HbA1c".

    A column of one's own may bring label and unit itself: ``magnesium density [mg/1,000 kcal]``.
    """
    if own := _OWN.fullmatch(name):
        return own["label"].replace("_", " ")
    if name in SUPPLEMENT_EXPOSURES:
        return SUPPLEMENT_EXPOSURES[name][0]
    if name not in EXPOSURES:
        return _MEASURED.get(name) or name.removesuffix(_other_unit(name)).strip("_").replace("_", " ")
    kind, *rest = name.rsplit("_", 1)[0].split("_")
    if kind in _ABBREVIATIONS:
        return f"{_ABBREVIATIONS[kind]} {':'.join(rest)}"
    return " ".join([kind, *(map(str.upper, rest) if kind == "vitamin" else rest)])


def is_intake(name: str) -> bool:
    """Whether a column is an amount that people recalled to have taken in; one of one's own is not known to be."""
    return name in EXPOSURES


def amount_words(name: str) -> str:
    """What an amount of a column is called where it is clear of what: "intake", else its label."""
    return "intake" if is_intake(name) else exposure_label(name)


def exposure_words(name: str) -> str:
    """Words for a column where it stands for its amounts: ``magnesium_mg`` is "magnesium intake", else its label."""
    return f"{exposure_label(name)} intake" if is_intake(name) else exposure_label(name)


def exposure_origin(name: str) -> str:
    """Where an exposure's amount comes from, as an axis says it: ``magnesium_mg`` is "from food, day-1 recall"."""
    if _OWN.fullmatch(name):
        return "as given"
    if name not in EXPOSURES:
        return "as recorded"
    return SUPPLEMENT_EXPOSURES[name][1] if name in SUPPLEMENT_EXPOSURES else FOOD_ORIGIN


def exposure_unit(name: str) -> str:
    """Unit of a column: ``magnesium_mg`` is "mg/day", ``lead_ug_dl`` is "µg/dL"; one without a unit is "units"."""
    if own := _OWN.fullmatch(name):
        return own["unit"]
    if name not in EXPOSURES:
        return _OTHER_UNITS.get(_other_unit(name), "units")
    return _UNITS[name.rsplit("_", 1)[1]]


def amount_unit(name: str) -> str:
    """Unit of an amount of a column, whatever time it is taken in: ``zinc_mg`` is "mg"."""
    return exposure_unit(name).removesuffix("/day")


def _other_unit(name: str) -> str:
    """End of a name that is its unit; empty if it has none."""
    return next((end for end in _OTHER_UNITS if name.endswith(f"_{end}")), "")
