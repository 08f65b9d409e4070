"""From three cycles' tables to one row per person, one vocabulary, units in the names.

Raw NHANES names and codes stop here. Codes and their meanings are those of the CDC codebooks at
https://wwwn.cdc.gov/nchs/nhanes/; "refused" (7, 77, 777) and "don't know" (9, 99, 999) become missing everywhere.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from analysis.data.people.coding import CodingError, Source, same
from analysis.data.people.drugs import PRESCRIPTIONS, depletion_score, drug_columns
from analysis.data.people.laboratory import LABORATORY, laboratory_columns
from analysis.data.people.metabolism import EQUATIONS_FROM, basal_metabolic_rate
from analysis.data.people.products import PRODUCT_COLUMNS
from analysis.data.people.supplements import ANSWER, IDENTITY, USE, supplement_columns, use_rows
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS, SECOND_DAY_COLUMNS
from analysis.data.people.weights import pooled_weight
from analysis.stats.arrays import Frames
from analysis.study import CATEGORIES, CYCLES, Weights

SITES = ("MH1", "HAL", "MH5")
"""First metatarsal head, great toe and fifth metatarsal head, as raw names have them."""

TRIALS = tuple(f"LEX{foot}{site}{trial}" for foot in "LR" for site in SITES for trial in (1, 2, 3))
"""Raw names of every trial at every site of both feet: 1 felt, 2 not felt, 3 not told, 8 not done."""

SOURCES: tuple[Source, ...] = (
    Source(
        ("DEMO", "DEMO_B", "DEMO_C"),
        {
            **same("SDMVSTRA", "SDMVPSU", "RIDSTATR", "RIAGENDR", "RIDAGEYR", "RIDRETH1", "DMDEDUC2", "INDFMPIR"),
            **same("RIDEXPRG"),
            **same("WTINT2YR", "WTMEC2YR"),
            "WTMEC4YR": ("WTMEC4YR", "WTMEC4YR", None),
            "WTINT4YR": ("WTINT4YR", "WTINT4YR", None),
        },
    ),
    Source(("LEXPN", "LEXPN_B", "LEXPN_C"), same("LEALPN", "LEARPN", "LEALAMP", "LEARAMP", *TRIALS)),
    Source(
        ("DRXTOT", "DRXTOT_B", "DR1TOT_C"),
        {
            "DR1DRSTZ": ("DRDDRSTS", "DRDDRSTZ", "DR1DRSTZ"),
            **same("WTDRD1"),
            "WTDR4YR": ("WTDR4YR", "WTDR4YR", None),
            "DR1DAY": ("DRDDAY", "DRDDAY", "DR1DAY"),
            "DRQ300": ("DRQ300", None, None),
            "DR1_300": (None, "DRD300", "DR1_300"),
            **NUTRIENT_COLUMNS,
        },
    ),
    Source(
        (None, None, "DR2TOT_C"),
        {**{name: (None, None, name) for name in ("DR2DRSTZ", "WTDR2D")}, **SECOND_DAY_COLUMNS},
    ),
    Source(("BMX", "BMX_B", "BMX_C"), same("BMXBMI", "BMXHT", "BMXWT")),
    Source(("SMQ", "SMQ_B", "SMQ_C"), same("SMQ020", "SMQ040")),
    Source(("ALQ", "ALQ_B", "ALQ_C"), same("ALQ110", "ALQ120Q", "ALQ120U", "ALQ130")),
    Source(("DIQ", "DIQ_B", "DIQ_C"), same("DIQ010", "DIQ050", "DIQ070", "DIQ090")),
    Source(("LAB10", "L10_B", "L10_C"), same("LBXGH")),
    Source(("BPQ", "BPQ_B", "BPQ_C"), same("BPQ020", "BPQ050A", "BPQ080", "BPQ100D")),
    Source(("BPX", "BPX_B", "BPX_C"), same("BPXSAR", "BPXDAR")),
    Source(("LAB18", "L40_B", "L40_C"), {"LBXSCR": ("LBXSCR", "LBDSCR", "LBXSCR")}),
    Source(("LEXABPI", "LEXAB_B", "LEXAB_C"), same("LEXLABPI", "LEXRABPI")),
    Source(("MCQ", "MCQ_B", "MCQ_C"), same("MCQ160C", "MCQ160E", "MCQ160F")),
    Source(("LAB16", "L16_B", "L16_C"), same("URXUMA", "URXUCR")),
    ANSWER,
    *LABORATORY,
)

PAD_BELOW = 0.9
"""Ankle-brachial index below which a leg's arteries are narrowed."""


def needed_columns() -> dict[str, list[str]]:
    """Raw columns that `harmonise` reads, by table, SEQN first where the table has it."""
    needed: dict[str, list[str]] = {}
    for source in (*SOURCES, PRESCRIPTIONS, USE):
        for position, table in enumerate(source.tables):
            if table is not None:
                names = [raw[position] for raw in source.columns.values()]
                needed.setdefault(table, ["SEQN"]).extend(name for name in names if name is not None)
    uses = {str(table): [*needed[str(table)], *IDENTITY] for table in USE.tables}
    return {**needed, **uses, **PRODUCT_COLUMNS}


def harmonise(tables: Frames, *, uses: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per interviewed person of all cycles, in the project's vocabulary.

    Parameters
    ----------
    tables : table name to frame with SEQN as index and the columns of `needed_columns`; product tables have no SEQN.
    uses : `analysis.data.people.supplements.use_rows` of them, where it is there already.

    Returns
    -------
    Frame indexed by SEQN, one row per person of the demographic files. Flags that are always known are boolean; facts
    that may be unknown are 1.0, 0.0 or missing; categories list their reference level first.

    Raises
    ------
    CodingError : a person appears twice in a table, or a code is not in the codebook.
    """
    raw = pd.concat([_join_cycle(tables, position) for position in range(len(CYCLES))]).sort_index()
    if not raw.index.is_unique:
        twice = int(raw.index.duplicated().sum())
        raise CodingError(f"{twice} SEQN appear in the demographic files of two cycles; expected one row per person.")
    columns = {
        **_design(raw),
        **_demographics(raw),
        **_neuropathy(raw),
        **_health(raw),
        **_behaviour(raw),
        **_arteries(raw),
        **_history(raw),
        **laboratory_columns(raw),
        **drug_columns(tables, raw.index),
        **{name: raw[name] for name in NUTRIENT_COLUMNS},
        **_recalls(raw),
        **_supplements(use_rows(tables) if uses is None else uses, raw),
    }
    frame = pd.DataFrame(columns, index=raw.index)
    made = {"any_led": any_lower_extremity_disease(frame), "depletion_score": depletion_score(frame)}
    kinds: tuple[Weights | Literal["interview"], ...] = ("dietary", "mec", "interview")
    for kind in kinds:
        made[f"weight_{kind}"] = pooled_weight(frame, weights=kind, cycles=CYCLES)
    # In one block a kind, or pandas warns of whoever adds a column to so many.
    return pd.concat([frame, pd.DataFrame(made)], axis="columns").copy()


def _join_cycle(tables: Frames, position: int) -> pd.DataFrame:
    """All sources of one cycle joined on SEQN to its demographic file, raw columns under their common names."""
    parts: list[pd.DataFrame] = []
    for source in SOURCES:
        name = source.tables[position]
        if name is None:
            continue
        table = tables[name]
        if not table.index.is_unique:
            twice = int(table.index.duplicated().sum())
            raise CodingError(f"{name}: {twice} SEQN appear more than once; expected one row per person.")
        names = {common: raw[position] for common, raw in source.columns.items() if raw[position] is not None}
        part = table[list(names.values())].set_axis(list(names), axis="columns")
        parts.append(part.reindex(parts[0].index) if parts else part.assign(cycle=CYCLES[position]))
    every = [common for source in SOURCES for common in source.columns]
    return pd.concat(parts, axis="columns").reindex(columns=["cycle", *every])


def _design(raw: pd.DataFrame) -> dict[str, pd.Series]:
    return {
        "cycle": raw["cycle"].astype("int64"),
        "strata": raw["SDMVSTRA"].astype("int64"),
        "psu": raw["SDMVPSU"].astype("int64"),
        "weight_dietary_2yr": raw["WTDRD1"],
        "weight_dietary_4yr": raw["WTDR4YR"],
        "weight_interview_2yr": raw["WTINT2YR"],
        "weight_mec_2yr": raw["WTMEC2YR"],
        "weight_mec_4yr": raw["WTMEC4YR"],
        "weight_interview_4yr": raw["WTINT4YR"],
    }


def _demographics(raw: pd.DataFrame) -> dict[str, pd.Series]:
    education = {1: "less_than_high_school", 2: "less_than_high_school", 3: "high_school",
                 4: "more_than_high_school", 5: "more_than_high_school", 7: None, 9: None}  # fmt: skip
    race = {1: "mexican_american", 2: "other_hispanic", 3: "non_hispanic_white", 4: "non_hispanic_black", 5: "other"}
    return {
        "age_years": raw["RIDAGEYR"],
        "sex": _category(raw, "RIAGENDR", {1: "male", 2: "female"}, "sex"),
        "race_ethnicity": _category(raw, "RIDRETH1", race, "race_ethnicity"),
        "education": _category(raw, "DMDEDUC2", education, "education"),
        "pir": raw["INDFMPIR"],
        "examined": _known(raw, "RIDSTATR", {1: False, 2: True}),
    }


def _neuropathy(raw: pd.DataFrame) -> dict[str, pd.Series]:
    """Insensate sites per foot, and each rule that makes neuropathy of them.

    -1 is recorded even if a single site could not be tested; like missing, it means "not assessed".
    """
    sites = {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, -1: np.nan}
    left, right = _number(raw, "LEALPN", sites), _number(raw, "LEARPN", sites)
    worst = np.fmax(left, right)
    total = left.fillna(0) + right.fillna(0)
    both = left.notna() & right.notna()
    strict = pd.Series(np.where(worst >= 1, 1.0, np.where(both, 0.0, np.nan)), raw.index)
    tested = pd.concat([site_is_insensate(raw, foot, site) for foot in "LR" for site in SITES], axis="columns")
    found = (tested == 1).any(axis="columns")
    return {
        "insensate_left": left,
        "insensate_right": right,
        "pn_strict": strict,
        "pn_lenient": (worst >= 1).astype(float).where(worst.notna()),
        "pn_both_feet": strict.where(both),
        "pn_two_sites": (total >= 2).astype(float).where(strict.notna()),
        "pn_any_tested": strict.where(~found, 1.0),
    }


def site_is_insensate(raw: pd.DataFrame, foot: str, site: str) -> pd.Series:
    """Whether one site does not feel the filament, from its trials: 1.0, 0.0, or missing where that was not settled.

    It is sensate if the first trial was felt or two were, insensate if two or more were not felt or could not be told.
    Summed over the three sites this is the examiner's own count (LEALPN, LEARPN) on every foot that has one.

    Parameters
    ----------
    raw : trials of everybody under their raw names.
    foot : ``L`` or ``R``.
    site : one of `SITES`.
    """
    codes = {1: 1.0, 2: 2.0, 3: 3.0, 8: np.nan}
    trials = np.array([_number(raw, f"LEX{foot}{site}{trial}", codes) for trial in (1, 2, 3)])
    felt, not_felt = (trials == 1).sum(axis=0), np.isin(trials, [2, 3]).sum(axis=0)
    sensate = (trials[0] == 1) | (felt >= 2)
    return pd.Series(np.where(sensate, 0.0, np.where(not_felt >= 2, 1.0, np.nan)), raw.index)


def _arteries(raw: pd.DataFrame) -> dict[str, pd.Series]:
    """Ankle-brachial index of each leg, the lower and the higher known one, and arterial disease: below 0.9."""
    left, right = raw["LEXLABPI"], raw["LEXRABPI"]
    lower = np.fmin(left, right)
    return {
        "abi_left": left,
        "abi_right": right,
        "abi_lowest": lower,
        "abi_highest": np.fmax(left, right),
        "pad": (lower < PAD_BELOW).astype(float).where(lower.notna()),
    }


def _health(raw: pd.DataFrame) -> dict[str, pd.Series]:
    female = raw["RIAGENDR"] == 2
    creatinine = raw["LBXSCR"].where(raw["cycle"] != 1999, raw["LBXSCR"] * 1.013 + 0.147)
    insulin, pills = _yes(raw, "DIQ050"), _yes(raw, "DIQ070")
    diagnosed = _number(raw, "DIQ010", {1: 1.0, 2: 0.0, 3: 0.0, 7: np.nan, 9: np.nan})
    diabetic = (diagnosed == 1) | insulin | pills | (raw["LBXGH"] >= 6.5)
    told = _number(raw, "BPQ020", {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan})
    hypertensive = (told == 1) | _yes(raw, "BPQ050A") | (raw["BPXSAR"] >= 140) | (raw["BPXDAR"] >= 90)
    return {
        "bmi_kg_m2": raw["BMXBMI"],
        "height_cm": raw["BMXHT"],
        "weight_kg": raw["BMXWT"],
        "sbp_mmhg": raw["BPXSAR"].where(raw["BPXSAR"] > 0),  # a handful of zeros in 2003-2004 cannot be pressures
        "dbp_mmhg": raw["BPXDAR"],
        "hba1c_percent": raw["LBXGH"],
        "b12_pg_ml": raw["LBXB12"],
        "creatinine_mg_dl": creatinine,
        "mdrd_ml_min_1_73m2": mdrd_175(
            creatinine, age_years=raw["RIDAGEYR"], female=female, black=raw["RIDRETH1"] == 4
        ),
        "egfr_ml_min_1_73m2": ckd_epi_2021(creatinine, age_years=raw["RIDAGEYR"], female=female),
        "urine_albumin_ug_ml": raw["URXUMA"],
        "albumin_creatinine_mg_g": 100 * raw["URXUMA"] / raw["URXUCR"],  # µg/mL over mg/dL
        "told_diabetes": diagnosed,
        "told_borderline_diabetes": _number(raw, "DIQ010", {1: 0.0, 2: 0.0, 3: 1.0, 7: np.nan, 9: np.nan}),
        "has_diabetes": diabetic.astype(float).where(diabetic | (diagnosed == 0)),
        "has_hypertension": hypertensive.astype(float).where(hypertensive | (told == 0)),
    }


def _history(raw: pd.DataFrame) -> dict[str, pd.Series]:
    """What else published definitions ask for: what people were told and take, and sores and amputations."""
    asked = {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan}
    lost = {1: 0.0, **dict.fromkeys(range(2, 7), 1.0), 8: np.nan}  # 2 to 6: a toe and more; 8: could not be examined
    questions = {
        "foot_sore": "DIQ090",
        "told_high_cholesterol": "BPQ080",
        "takes_cholesterol_drug": "BPQ100D",
        "takes_blood_pressure_drug": "BPQ050A",
        "told_coronary_disease": "MCQ160C",
        "told_heart_attack": "MCQ160E",
        "told_stroke": "MCQ160F",
    }
    return {
        "pregnant": _number(raw, "RIDEXPRG", {1: 1.0, 2: 0.0, 3: np.nan}),
        "amputation": np.fmax(_number(raw, "LEALAMP", lost), _number(raw, "LEARAMP", lost)),
        **{name: _number(raw, question, asked) for name, question in questions.items()},
    }


def any_lower_extremity_disease(frame: pd.DataFrame) -> pd.Series:
    """Neuropathy (lenient), arterial disease, a foot sore or an amputation; missing unless the first two are known.

    Parameters
    ----------
    frame : harmonised columns of these four.

    References
    ----------
    Gregg et al. 2004, Diabetes Care 27:1591-1597.
    """
    signs = frame[["pn_lenient", "pad", "foot_sore", "amputation"]] == 1
    return signs.any(axis="columns").astype(float).where(frame[["pn_lenient", "pad"]].notna().all(axis="columns"))


def mdrd_175(creatinine_mg_dl: pd.Series, *, age_years: pd.Series, female: pd.Series, black: pd.Series) -> pd.Series:
    """Estimated glomerular filtration rate, mL/min/1.73 m², by the MDRD equation that published models have.

    175 creatinine^-1.154 age^-0.203, times 0.742 for women and 1.212 for Black people.

    References
    ----------
    Levey et al. 2006, Ann Intern Med 145:247-254.
    """
    rate = 175 * creatinine_mg_dl**-1.154 * age_years.where(age_years > 0) ** -0.203
    return rate * np.where(female, 0.742, 1.0) * np.where(black, 1.212, 1.0)


def ckd_epi_2021(creatinine_mg_dl: pd.Series, *, age_years: pd.Series, female: pd.Series) -> pd.Series:
    """Estimated glomerular filtration rate, mL/min/1.73 m², by the race-free CKD-EPI equation of 2021.

    142 min(c/k, 1)^a max(c/k, 1)^-1.2 0.9938^age (1.012 if female), with k = 0.7, a = -0.241 for women and k = 0.9,
    a = -0.302 for men.

    References
    ----------
    Inker et al. 2021, N Engl J Med 385:1737-1749.
    """
    ratio = creatinine_mg_dl / np.where(female, 0.7, 0.9)
    exponent = np.where(female, -0.241, -0.302)
    rate = 142 * np.minimum(ratio, 1) ** exponent * np.maximum(ratio, 1) ** -1.2 * 0.9938**age_years
    return rate * np.where(female, 1.012, 1.0)


def _behaviour(raw: pd.DataFrame) -> dict[str, pd.Series]:
    ever = _number(raw, "SMQ020", {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan})
    now = _number(raw, "SMQ040", {1: 1.0, 2: 1.0, 3: 0.0, 7: np.nan, 9: np.nan})
    smoking = pd.Series(None, index=raw.index, dtype=object)
    smoking[ever == 0] = "never"
    smoking[(ever == 1) & (now == 0)] = "former"
    smoking[(ever == 1) & (now == 1)] = "current"
    return {"smoking": _categorical(smoking, "smoking"), "alcohol": _categorical(_alcohol(raw), "alcohol")}


def _alcohol(raw: pd.DataFrame) -> pd.Series:
    """Drinking status; moderate is at most 2 drinks a day on average for men, 1 for women."""
    lifetime = _number(raw, "ALQ110", {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan})
    often = raw["ALQ120Q"].where(~raw["ALQ120Q"].isin([777, 999]))
    periods = _number(raw, "ALQ120U", {1: 52.0, 2: 12.0, 3: 1.0, 7: np.nan, 9: np.nan})
    drinks = raw["ALQ130"].where(~raw["ALQ130"].isin([77, 99]))
    daily = often * periods * drinks / 365
    limit = np.where(raw["RIAGENDR"] == 2, 1, 2)
    status = pd.Series(None, index=raw.index, dtype=object)
    status[daily.notna() & (daily <= limit)] = "moderate"
    status[daily > limit] = "heavy"
    status[often == 0] = "former"
    status[lifetime == 0] = "never"  # takes precedence, so written last
    return status


def _usual_day(raw: pd.DataFrame) -> pd.Series:
    """Whether the recalled day was said to be as usual: code 1 of 1999-2000, code 2 afterwards."""
    first = _number(raw, "DRQ300", {1: 1.0, 2: 0.0, 3: 0.0, 7: np.nan, 9: np.nan})
    later = _number(raw, "DR1_300", {1: 0.0, 2: 1.0, 3: 0.0, 7: np.nan, 9: np.nan})
    return first.where(first.notna(), later)


def _energy_ratio(raw: pd.DataFrame) -> pd.Series:
    """Recalled energy over basal metabolic rate (EI:BMR), of people whom the equations are for."""
    age, female = raw["RIDAGEYR"].to_numpy(dtype=float), (raw["RIAGENDR"] == 2).to_numpy()
    rate = basal_metabolic_rate(raw["BMXWT"].to_numpy(dtype=float), age_years=age, female=female)
    return (raw["energy_kcal"] / rate).where(age >= EQUATIONS_FROM)


def _recalls(raw: pd.DataFrame) -> dict[str, pd.Series]:
    """Which recalls are reliable (status 1). Status 2 rows of 1999-2000 still carry nutrients: go by status."""
    status = {1: True, 2: False, 3: False, 4: False, 5: False}
    return {
        "recall_reliable": _known(raw, "DR1DRSTZ", status),
        "recall_weekday": _number(raw, "DR1DAY", {day: float(day) for day in range(1, 8)}),
        "recall_usual": _usual_day(raw),
        "ei_bmr": _energy_ratio(raw),
        "recall2_reliable": _known(raw, "DR2DRSTZ", status),
        "weight_dietary_2day": raw["WTDR2D"],
        **{name: raw[name] for name in SECOND_DAY_COLUMNS},
    }


def _supplements(uses: pd.DataFrame, raw: pd.DataFrame) -> dict[str, pd.Series]:
    _number(raw, "DSD010", dict.fromkeys((1, 2, 7, 9), 0.0))
    return supplement_columns(uses, raw)


def _number(raw: pd.DataFrame, name: str, codes: Mapping[int, float]) -> pd.Series:
    """Recode by the codebook; a code it does not define is an error, a missing value stays missing."""
    column = raw[name]
    values = column.to_numpy(dtype=float)
    unknown = ~np.isnan(values) & ~np.isin(values, list(codes))
    if unknown.any():
        cycle, value = raw.loc[unknown, "cycle"].iloc[0], column[unknown].iloc[0]
        people = int(((column == value) & (raw["cycle"] == cycle)).sum())
        source, position = next(s for s in SOURCES if name in s.columns), CYCLES.index(cycle)
        table = source.tables[position]
        raise CodingError(
            f"{source.columns[name][position]}={_printed(value)} in {table} ({people} people): expected one of "
            f"{', '.join(map(str, codes))}, see the codebook {table}.htm."
        )
    found = np.full(len(raw), np.nan)
    for code, meaning in codes.items():
        found[values == code] = meaning
    return pd.Series(found, raw.index, name=name)


def _printed(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _yes(raw: pd.DataFrame, name: str) -> pd.Series:
    return _number(raw, name, {1: 1.0, 2: 0.0, 7: np.nan, 9: np.nan}) == 1


def _known(raw: pd.DataFrame, name: str, codes: Mapping[int, bool]) -> pd.Series:
    return _number(raw, name, {code: float(value) for code, value in codes.items()}) == 1


def _category(raw: pd.DataFrame, name: str, codes: Mapping[int, str | None], category: str) -> pd.Series:
    _number(raw, name, dict.fromkeys(codes, 0.0))
    return _categorical(raw[name].map(codes), category)


def _categorical(values: pd.Series, category: str) -> pd.Series:
    return values.astype(pd.CategoricalDtype(list(CATEGORIES[category])))
