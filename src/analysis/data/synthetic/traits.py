"""What the people of the invented survey eat, drink, smoke and suffer from.

Diet has two levels: a usual intake (PSU, sex, age, race, person) and a day. Nutrients are lognormal and follow energy;
magnesium and what comes with it (fibre, potassium, copper) share a second factor, the quality of the diet. Constants
are round figures: energy by sex and age and its sources from NCHS, Health, United States, table 72 (NHANES 2001-2004,
www.ncbi.nlm.nih.gov/books/NBK21017); magnesium by sex and race from Ford & Mokdad 2003, J Nutr 133:2879; the other
nutrients of the size of adults' means in the USDA's What We Eat in America tables; recall status and interview days
from the CDC codebooks' counts; prevalences and the rest plausible.

A function of ``rng`` (a numpy Generator) and ``people`` takes the people with the columns that the functions before it
gave (`analysis.data.synthetic.people.sample_people` first) and returns them with more.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.data.people.vocabulary import WEEKEND
from analysis.data.synthetic.people import POPULATION_MILLIONS, pick, post_stratify

ENERGY_AGES = (0, 1, 4, 8, 15, 19, 30, 50, 67, 85)
ENERGY_KCAL_MEN = (850, 1200, 1600, 2050, 2600, 2900, 2949, 2649, 2117, 1750)
ENERGY_KCAL_WOMEN = (800, 1150, 1500, 1850, 2000, 2050, 2032, 1836, 1622, 1400)
# Median mg/day of people of 20 and older by RIDRETH1 (other Hispanic as Mexican American, other as White).
MAGNESIUM_MEN = (297.0, 297.0, 326.0, 237.0, 326.0)
MAGNESIUM_WOMEN = (221.0, 221.0, 237.0, 177.0, 237.0)
# Log units. A day differs from the person's own mean about as much as people differ: plausible, not estimated.
USUAL_SD, DAY_SD = 0.25, 0.27
QUALITY_USUAL_SD, QUALITY_DAY_SD = 0.22, 0.21
MAGNESIUM_PER_ENERGY = 0.85
PSU_ENERGY_SD, PSU_QUALITY_SD = 0.04, 0.08
WEEKEND_ENERGY = 1.05
# Interview weights of the seven intake days, Sunday first: counts of DRDDAY / DR1DAY and of DR2DAY.
DAY_COUNTS: Mapping[int, tuple[int, ...]] = {
    1999: (1234, 845, 738, 1101, 1114, 2216, 1659),
    2001: (1667, 805, 664, 1038, 1007, 2561, 2269),
    2003: (1540, 622, 806, 723, 920, 2436, 2113),
}
SECOND_DAY_COUNTS = (1586, 1947, 1605, 1670, 562, 652, 384)
RELIABLE, INCOMPLETE, UNRELIABLE, BREAST_FED, NOT_DONE = 1, 2, 3, 4, 5


class Nutrient(NamedTuple):
    """A nutrient as a multiple of another: median ratio, log spread, log change per unit of diet quality."""

    base: str
    ratio: float
    spread: float
    quality: float
    decimals: int


NUTRIENTS: Mapping[str, Nutrient] = {
    "PROT": Nutrient("KCAL", 0.0375, 0.20, 0.03, 2),
    "TFAT": Nutrient("KCAL", 0.0365, 0.20, -0.03, 2),
    "SFAT": Nutrient("TFAT", 0.32, 0.16, -0.02, 3),
    "MFAT": Nutrient("TFAT", 0.37, 0.09, 0.0, 3),
    "PFAT": Nutrient("TFAT", 0.20, 0.24, 0.02, 3),
    "CHOL": Nutrient("KCAL", 0.115, 0.60, -0.05, 0),
    "FIBE": Nutrient("KCAL", 0.0066, 0.30, 0.28, 1),
    "VB1": Nutrient("KCAL", 0.00074, 0.30, 0.10, 3),
    "VB2": Nutrient("KCAL", 0.00094, 0.30, 0.12, 3),
    "NIAC": Nutrient("KCAL", 0.0105, 0.30, 0.10, 3),
    "VB6": Nutrient("KCAL", 0.00082, 0.35, 0.20, 3),
    "FOLA": Nutrient("KCAL", 0.165, 0.38, 0.20, 0),
    "VB12": Nutrient("KCAL", 0.0019, 0.65, 0.03, 2),
    "VC": Nutrient("KCAL", 0.032, 0.90, 0.20, 1),
    "CALC": Nutrient("KCAL", 0.37, 0.42, 0.15, 0),
    "PHOS": Nutrient("KCAL", 0.58, 0.18, 0.14, 0),
    "IRON": Nutrient("KCAL", 0.0066, 0.34, 0.12, 2),
    "ZINC": Nutrient("KCAL", 0.0050, 0.38, 0.08, 2),
    "COPP": Nutrient("KCAL", 0.00053, 0.28, 0.24, 3),
    "POTA": Nutrient("KCAL", 1.16, 0.20, 0.22, 0),
    "SELE": Nutrient("KCAL", 0.047, 0.32, 0.03, 1),
    "SODI": Nutrient("KCAL", 1.50, 0.34, 0.0, 0),
    "WATE": Nutrient("KCAL", 1.0, 0.45, 0.12, 2),
    "S040": Nutrient("SFAT", 0.018, 0.60, 0.0, 3),
    "S060": Nutrient("SFAT", 0.010, 0.60, 0.0, 3),
    "S080": Nutrient("SFAT", 0.0085, 0.60, 0.0, 3),
    "S100": Nutrient("SFAT", 0.015, 0.50, 0.0, 3),
    "S120": Nutrient("SFAT", 0.028, 0.80, 0.0, 3),
    "S140": Nutrient("SFAT", 0.080, 0.40, 0.0, 3),
    "S160": Nutrient("SFAT", 0.53, 0.06, 0.0, 3),
    "S180": Nutrient("SFAT", 0.24, 0.12, 0.0, 3),
    "M161": Nutrient("MFAT", 0.040, 0.30, 0.0, 3),
    "M181": Nutrient("MFAT", 0.93, 0.03, 0.0, 3),
    "M201": Nutrient("MFAT", 0.009, 0.50, 0.0, 3),
    "M221": Nutrient("MFAT", 0.0015, 1.30, 0.0, 3),
    "P182": Nutrient("PFAT", 0.87, 0.05, 0.0, 3),
    "P183": Nutrient("PFAT", 0.090, 0.30, 0.0, 3),
    "P184": Nutrient("PFAT", 0.0006, 1.20, 0.0, 3),
    "P204": Nutrient("PFAT", 0.008, 0.60, 0.0, 3),
    "P205": Nutrient("PFAT", 0.0015, 1.60, 0.0, 3),
    "P225": Nutrient("PFAT", 0.0010, 0.90, 0.0, 3),
    "P226": Nutrient("PFAT", 0.0025, 1.50, 0.0, 3),
}
OWN_DECIMALS: Mapping[str, int] = {"KCAL": 0, "CARB": 2, "MAGN": 0, "CAFF": 0, "THEO": 0, "ALCO": 1}


def energy_median(people: pd.DataFrame) -> np.ndarray:
    """Give the median day's energy by sex and age.

    Parameters
    ----------
    people : frame with age and female.

    Returns
    -------
    (n,) float array, kcal/day.
    """
    men = np.interp(people["age"], ENERGY_AGES, ENERGY_KCAL_MEN)
    women = np.interp(people["age"], ENERGY_AGES, ENERGY_KCAL_WOMEN)
    return np.where(people["female"], women, men) * np.exp(-(USUAL_SD**2 + DAY_SD**2) / 2)


def magnesium_median(people: pd.DataFrame) -> np.ndarray:
    """Give the median day's magnesium by sex, race and age; children's follows their energy.

    Parameters
    ----------
    people : frame with age, female and race.

    Returns
    -------
    (n,) float array, mg/day.
    """
    race = people["race"].to_numpy() - 1
    adult = np.where(people["female"], np.array(MAGNESIUM_WOMEN)[race], np.array(MAGNESIUM_MEN)[race])
    grown = energy_median(people) / energy_median(people.assign(age=30))
    return adult * np.where(people["age"] < 20, 0.95 * grown, np.interp(people["age"], (20, 50, 85), (0.98, 1.0, 0.83)))


def usual_diet(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Give each person a lasting level of energy and of diet quality, shared in part within a PSU.

    Returns
    -------
    people with usual_energy and usual_quality, log units, centred on zero.
    """
    own = rng.standard_normal((len(people), 2))
    return people.assign(
        usual_energy=USUAL_SD * own[:, 0] + PSU_ENERGY_SD * people["psu_energy"],
        usual_quality=QUALITY_USUAL_SD * own[:, 1]
        + PSU_QUALITY_SD * people["psu_quality"]
        + 0.03 * (people["pir"] - 2.5),
    )


def sometimes(rng: np.random.Generator, chance: np.ndarray, median: np.ndarray, *, spread: float) -> np.ndarray:
    """Draw what is consumed on some days only: lognormal with the given chance, else zero.

    Parameters
    ----------
    rng : numpy Generator.
    chance : (n,) float array, probability of a day with any.
    median : (n,) float array, median of such a day.
    spread : log standard deviation.

    Returns
    -------
    (n,) float array.
    """
    amount = median * np.exp(spread * rng.standard_normal(len(chance)))
    return np.where(rng.random(len(chance)) < chance, amount, 0.0)


def day_intake(rng: np.random.Generator, people: pd.DataFrame, *, weekday: np.ndarray) -> pd.DataFrame:
    """Invent all nutrients of one day: usual intake times the day's noise.

    Energy is consistent: 4 kcal per gram of protein and carbohydrate, 9 of fat, 7 of alcohol.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame of ``usual_diet`` with the drinking habits of ``health``.
    weekday : (n,) int array, 1 Sunday to 7 Saturday.

    Returns
    -------
    (n, 48) frame, one column per four-letter nutrient suffix, unrounded, units as in the codebooks.
    """
    n = len(people)
    energy = people["usual_energy"] + DAY_SD * rng.standard_normal(n)
    energy = energy + np.log(WEEKEND_ENERGY) * (np.isin(weekday, WEEKEND) - 3 / 7)
    quality = people["usual_quality"] + QUALITY_DAY_SD * rng.standard_normal(n)
    adult = (people["age"] >= 20).to_numpy()
    day = {
        "KCAL": energy_median(people) * np.exp(energy),
        "MAGN": magnesium_median(people) * np.exp(MAGNESIUM_PER_ENERGY * energy + quality),
        "CAFF": sometimes(rng, np.where(adult, 0.90, 0.60), np.where(adult, 150.0, 18.0), spread=0.9),
        "THEO": sometimes(rng, np.full(n, 0.50), np.full(n, 35.0), spread=1.0),
        "ALCO": 14.0 * sometimes(rng, people["drinking_day"].to_numpy(), people["drinks"].to_numpy(), spread=0.5),
    }
    for suffix, nutrient in NUTRIENTS.items():
        noise = np.exp(nutrient.spread * rng.standard_normal(n) + nutrient.quality / 0.3 * quality)
        day[suffix] = day[nutrient.base] * nutrient.ratio * noise
    alcohol = np.minimum(day["ALCO"], 0.5 * day["KCAL"] / 7)
    rest = day["KCAL"] - 4 * day["PROT"] - 9 * day["TFAT"] - 7 * alcohol
    return pd.DataFrame(day | {"ALCO": alcohol, "CARB": np.maximum(rest, 0.05 * day["KCAL"]) / 4})


def usual_magnesium(people: pd.DataFrame) -> np.ndarray:
    """Give the mean of each person's days of magnesium, of which `day_intake` draws one.

    Parameters
    ----------
    people : frame of ``usual_diet``.

    Returns
    -------
    (n,) float array, mg/day.
    """
    level = MAGNESIUM_PER_ENERGY * people["usual_energy"] + people["usual_quality"]
    day_variance = (MAGNESIUM_PER_ENERGY * DAY_SD) ** 2 + QUALITY_DAY_SD**2
    weekend = MAGNESIUM_PER_ENERGY * np.log(WEEKEND_ENERGY)
    week = 3 / 7 * np.exp(4 / 7 * weekend) + 4 / 7 * np.exp(-3 / 7 * weekend)
    return np.asarray(magnesium_median(people) * np.exp(level + day_variance / 2) * week)


def first_recall(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Decide the status and the weekday of the first recall.

    Those who leave the examination early often skip it; some infants are breast-fed (status 4); status 3 was used in
    1999-2000 only.

    Returns
    -------
    people with recall_status (0 if not examined) and weekday.
    """
    stays, first = people["stays"].to_numpy(), (people["cycle"] == 1999).to_numpy()
    other = np.column_stack(
        [np.where(stays, 0.009, 0.045), 0.0026 * first, np.zeros(len(people)), np.where(stays, 0.008, 0.46)]
    )
    status = pick(rng, np.column_stack([1 - other.sum(axis=1), other])) + 1
    fed = rng.random(len(people)) < people["age"].map({0: 0.28, 1: 0.06}).fillna(0.0)
    status = np.where(people["examined"], np.where(fed, BREAST_FED, status), 0)
    days = np.array([DAY_COUNTS[c] for c in people["cycle"]], dtype=float)
    return people.assign(recall_status=status, weekday=pick(rng, days) + 1)


def second_recall(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Decide the status and the weekday of the telephone recall of 2003-2004.

    Returns
    -------
    people with second_status (0 outside the cycle or if not examined) and second_weekday.
    """
    usable = people["recall_status"].isin((RELIABLE, BREAST_FED))
    chances = np.where(usable.to_numpy()[:, None], (0.921, 0.005, 0.074), (0.10, 0.05, 0.85))
    status = np.array([RELIABLE, INCOMPLETE, NOT_DONE])[pick(rng, chances)]
    fed = (people["recall_status"] == BREAST_FED) & (status == RELIABLE)
    status = np.where(people["examined"] & (people["cycle"] == 2003), np.where(fed, BREAST_FED, status), 0)
    days = np.tile(np.array(SECOND_DAY_COUNTS, dtype=float), (len(people), 1))
    return people.assign(second_status=status, second_weekday=pick(rng, days) + 1)


def dietary_weights(people: pd.DataFrame, weekday: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Adjust the examination weight for missing recalls and for the days of the week.

    Monday to Thursday stand for four sevenths of the days and each of Friday, Saturday and Sunday for one, as NCHS
    does it; then weights are post-stratified once more.

    Parameters
    ----------
    people : frame with cycle, race, band, female and weight_exam.
    weekday : (n,) int array, 1 Sunday to 7 Saturday.
    usable : (n,) bool array, recall that gets a weight.

    Returns
    -------
    (n,) float array, missing where there is no usable recall.
    """
    weights = pd.Series(np.where(usable, people["weight_exam"], 0.0), index=people.index)
    group = np.where(np.isin(weekday, WEEKEND), weekday, 0)
    share = np.where(group == 0, 4 / 7, 1 / 7)
    for _ in range(2):
        held = weights.groupby([people["cycle"], group]).transform("sum")
        total = weights.groupby(people["cycle"]).transform("sum")
        weights = weights * share * total / held.where(held > 0, 1.0)
        weights = pd.Series(post_stratify(people, weights.to_numpy(), millions=POPULATION_MILLIONS), index=people.index)
    return np.where(usable, weights, np.nan)


def health(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Invent education, size, blood pressure and laboratory values, consistent with age, sex, race and diabetes.

    Returns
    -------
    people with education, height, sbp, dbp, told_hypertension, hba1c, has_diabetes, creatinine, b12.
    """
    n, age, female = len(people), people["age"], people["female"].to_numpy()
    z = rng.standard_normal((n, 7))
    schooling = (
        np.array([-1.1, -0.7, 0.0, -0.3, 0.1])[people["race"] - 1] + 0.45 * (people["pir"] - 2.5)
        - 0.012 * (age - 50) + z[:, 0]
    )  # fmt: skip
    sbp = 106 + 0.25 * np.minimum(age, 40) + 0.62 * np.maximum(age - 40, 0) + 3 * (people["race"] == 4)
    sbp = sbp + 0.4 * (people["bmi"] - 26) + (11 + 0.08 * age) * z[:, 1]
    told = expit(-2.3 + 0.04 * (age - 40) + 0.05 * (sbp - 120) + 0.6 * people["has_diagnosis"])
    hidden = rng.random(n) < np.where(age >= 40, 0.028, 0.004)
    high = people["has_diagnosis"] | hidden
    hba1c = np.where(high, 6.35 + 0.9 * np.exp(0.6 * z[:, 2]) - 0.5 * hidden, 5.2 + 0.005 * (age - 30) + 0.3 * z[:, 2])
    kidney = np.where(female, 0.76, 0.98) * (1 + 0.004 * np.maximum(age - 40, 0)) * np.where(age < 16, 0.75, 1.0)
    grown = np.where(female, 162.0, 176.0) - 4.0 * (people["race"] <= 2) - 0.08 * np.maximum(age - 40, 0)
    height = np.where(age >= 17, grown, np.interp(age, (0, 2, 6, 12, 16), (60, 87, 116, 152, 168)))
    return people.assign(
        education=1 + (schooling.to_numpy()[:, None] > np.array([-1.4, -0.7, 0.1, 1.0])).sum(axis=1),
        sbp=np.clip(sbp, 72, 250),
        dbp=np.clip(0.35 * sbp + 33 - 0.25 * np.abs(age - 52) + 8 * z[:, 3], 30, 130),
        told_hypertension=rng.random(n) < np.where(age < 16, 0.01, told),
        hba1c=np.clip(hba1c, 3.3, 15.0),
        has_diabetes=people["has_diagnosis"] | (hba1c >= 6.5),
        creatinine=np.clip(kidney * np.exp(0.17 * z[:, 4] + 0.9 * np.maximum(z[:, 6] - 2.3, 0)), 0.3, 13.0),
        b12=np.clip(480 * np.exp(0.42 * z[:, 5] - 0.002 * (age - 40)), 34, 30_000),
        height=np.clip(height + 6.5 * np.minimum(0.4 + age / 25, 1.0) * rng.standard_normal(n), 79.5, 203.0),
    )


def habits(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Invent smoking and drinking, by age, sex, income and race.

    Returns
    -------
    people with ever_smoked, smokes (1 every day, 2 some days, 3 not at all), twelve_a_year, twelve_a_life,
    drink_unit (1 week, 2 month, 3 year), drink_times (0 for former drinkers), drinks a day, drinking_day (its share
    of days) and drinks_heavily (more than 2 a day for men, 1 for women, on average).
    """
    n, age, male = len(people), people["age"].to_numpy(), ~people["female"].to_numpy()
    poor = people["pir"].to_numpy() < 1.3
    ever = expit(-0.45 + 0.012 * (np.minimum(age, 65) - 40) + 0.65 * male + 0.25 * poor)
    quit_share = expit(0.055 * (age - 48) - 0.6 * poor)
    smokes = pick(rng, np.column_stack([0.82 * (1 - quit_share), 0.18 * (1 - quit_share), quit_share])) + 1
    year = rng.random(n) < expit(0.55 + 1.1 * male - 0.02 * (age - 45))
    former = rng.random(n) < expit(-1.1 + 0.025 * (age - 45) - 0.9 * (year - 0.7))
    unit = pick(rng, np.tile([0.40, 0.25, 0.35], (n, 1))) + 1
    times = 1 + np.floor(np.array([6.9, 8.0, 24.0])[unit - 1] * rng.random(n) ** 1.6)
    drinks = 1 + np.floor(-np.log(rng.random(n)) * np.where(male, 2.0, 1.1) * np.where(age < 40, 1.3, 0.9))
    life = rng.random(n) < 0.54
    habitual = ~former & (age >= 20) & (year | life)
    days_share = times * np.array([52, 12, 1])[unit - 1] / 365
    return people.assign(
        ever_smoked=rng.random(n) < ever,
        smokes=smokes,
        twelve_a_year=year,
        twelve_a_life=life,
        drink_unit=unit,
        drink_times=np.where(former, 0.0, times),
        drinks=np.minimum(drinks, 36.0),
        drinking_day=np.where(habitual, days_share, 0.0),
        drinks_heavily=habitual & (days_share * drinks > np.where(male, 2.0, 1.0)),
    )
