"""Who is in the invented survey: design, demography, health and sampling weights.

Every constant is a round figure near a published aggregate, named beside it, or a plausible one; no record of any real
participant was used. Codes are those of the NHANES codebooks (``RIDRETH1`` 1-5, ``RIAGENDR`` 1-2), so that the file
layer only has to arrange columns.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.study import CYCLES

# Rows of DEMO, DEMO_B and DEMO_C by RIDRETH1 1-5 (Mexican American, other Hispanic, non-Hispanic White, non-Hispanic
# Black, other): the CDC codebooks' counts. Minorities are over-represented by design.
SAMPLE_BY_RACE: Mapping[int, tuple[int, ...]] = {
    1999: (3393, 589, 3367, 2228, 388),
    2001: (2776, 517, 4606, 2681, 459),
    2003: (2519, 341, 4133, 2663, 466),
}
# The population the weights stand for, millions, same order: round figures near the Census Bureau's. The four-year
# weights of 1999-2002 rest on the 2000 census and so on a population of their own (NCHS weighting tutorial).
POPULATION_MILLIONS: Mapping[int, tuple[float, ...]] = {
    1999: (20.0, 11.5, 191.0, 33.5, 15.0),
    2001: (22.5, 12.5, 193.0, 34.0, 17.0),
    2003: (25.0, 13.0, 194.0, 34.5, 19.0),
}
FOUR_YEAR_MILLIONS = (22.0, 12.5, 192.5, 34.0, 16.0)

AGE_BANDS = (0, 6, 12, 20, 40, 60)
TOP_CODE = 85
# Share of each age band among those sampled, by race: adolescents and the over-sixties were oversampled (NHANES
# 1999-2000 overview, wwwn.cdc.gov/nchs/nhanes/continuousnhanes/overview.aspx?BeginYear=1999). About 9,970 of 31,126
# come out at 40 or older.
SAMPLE_AGE_SHARES = np.array(
    [
        (0.180, 0.145, 0.275, 0.172, 0.098, 0.130),
        (0.165, 0.135, 0.240, 0.215, 0.142, 0.103),
        (0.165, 0.090, 0.150, 0.160, 0.190, 0.245),
        (0.165, 0.150, 0.300, 0.155, 0.112, 0.118),
        (0.185, 0.155, 0.230, 0.230, 0.133, 0.067),
    ]
)
POPULATION_AGE_SHARES = np.array(
    [
        (0.140, 0.130, 0.155, 0.350, 0.165, 0.060),
        (0.110, 0.105, 0.140, 0.330, 0.220, 0.095),
        (0.065, 0.075, 0.105, 0.265, 0.295, 0.195),
        (0.095, 0.110, 0.140, 0.300, 0.245, 0.110),
        (0.090, 0.090, 0.120, 0.340, 0.255, 0.105),
    ]
)
FIRST_STRATUM: Mapping[int, int] = {1999: 1, 2001: 14, 2003: 29}
STRATA_COUNT: Mapping[int, int] = {1999: 13, 2001: 15, 2003: 15}
THREE_PSU_STRATUM = 7
FIRST_SEQN = 900_001
"""Far above NHANES' own numbers, so that an invented row can never be joined to a real one by mistake."""

LOW_INCOME = 1.3
LOW_INCOME_RATE = 1.5
DIABETES_RATE = 1.6
CANDIDATES_PER_PERSON = 3.5
HOUSEHOLD_SD = 0.25

EXAMINED_SHARE: Mapping[int, float] = {1999: 9282 / 9965, 2001: 10477 / 11039, 2003: 9643 / 10122}


def pick(rng: np.random.Generator, shares: np.ndarray) -> np.ndarray:
    """Draw one category per row from the row's own shares.

    Parameters
    ----------
    rng : numpy Generator.
    shares : (n, k) float array. Rows need not add up to one.

    Returns
    -------
    (n,) int array, 0 to k - 1.
    """
    cumulated = np.cumsum(shares, axis=1)
    draws = rng.random(len(shares)) * cumulated[:, -1]
    return (draws[:, None] > cumulated[:, :-1]).sum(axis=1)


def psu_frame(rng: np.random.Generator) -> pd.DataFrame:
    """Make the 87 primary sampling units, each with a character of its own.

    Strata run 1-13, 14-28 and 29-43 over the three cycles with two PSUs each, and three in one stratum of the first
    cycle, as in NHANES (codebooks of DEMO, DEMO_B, DEMO_C).

    Parameters
    ----------
    rng : numpy Generator.

    Returns
    -------
    (87, 6) frame: cycle, strata, psu and three standard normal PSU effects, on energy, diet quality and outcome.
    """
    rows = [
        (cycle, stratum, psu)
        for cycle in CYCLES
        for stratum in range(FIRST_STRATUM[cycle], FIRST_STRATUM[cycle] + STRATA_COUNT[cycle])
        for psu in range(1, 4 if stratum == THREE_PSU_STRATUM else 3)
    ]
    frame = pd.DataFrame(rows, columns=["cycle", "strata", "psu"])
    effects = rng.standard_normal((len(frame), 3))
    return frame.assign(psu_energy=effects[:, 0], psu_quality=effects[:, 1], psu_outcome=effects[:, 2])


def ages_in_band(rng: np.random.Generator, band: np.ndarray) -> np.ndarray:
    """Draw whole years of age within age bands.

    Infants are more than a sixth of the under-sixes; over sixty the density falls to about 12 % at the top code.

    Parameters
    ----------
    rng : numpy Generator.
    band : (n,) int array, index into AGE_BANDS.

    Returns
    -------
    (n,) int array, years, top-coded at 85.
    """
    u = rng.random(len(band))
    shape = np.select([band == 0, band == len(AGE_BANDS) - 1], [u ** (1 / 0.7), 1 - (1 - u) ** (1 / 1.2)], u)
    start = np.array(AGE_BANDS)[band]
    width = np.diff((*AGE_BANDS, 90))[band]
    return np.minimum(start + np.floor(shape * width), TOP_CODE).astype(int)


def body_mass_index(rng: np.random.Generator, *, age: np.ndarray, race: np.ndarray, female: np.ndarray) -> np.ndarray:
    """Draw BMI: lognormal around a median that rises to the sixties and falls slightly after.

    Parameters
    ----------
    rng : numpy Generator.
    age : (n,) int array, years.
    race : (n,) int array, RIDRETH1.
    female : (n,) bool array.

    Returns
    -------
    (n,) float array, kg/m2, within the codebooks' range.
    """
    adult = 26.0 + 0.06 * (np.minimum(age, 62) - 20) - 0.12 * np.maximum(age - 65, 0)
    child = 16.2 + 0.55 * np.maximum(age - 6, 0)
    heavier = 2.2 * ((race == 4) & female) + 1.0 * (race == 1)
    median = np.where(age >= 20, adult + heavier, child + 0.3 * heavier)
    return np.clip(median * np.exp(0.20 * rng.standard_normal(len(age))), 11.5, 66.0)


def diabetes_probability(people: pd.DataFrame) -> np.ndarray:
    """Give the probability of a diabetes diagnosis by age, race, BMI and income.

    Parameters
    ----------
    people : frame with age, race, bmi and pir.

    Returns
    -------
    (n,) float array.
    """
    age = people["age"].to_numpy()
    race_effect = np.array([0.50, 0.35, 0.0, 0.45, 0.2])[people["race"].to_numpy() - 1]
    logit = (
        -2.50 + 0.045 * (np.minimum(age, 75) - 60) + race_effect
        + 0.06 * (people["bmi"] - 28) - 0.10 * (people["pir"] - 2.5)
    )  # fmt: skip
    return expit(np.where(age < 20, -6.0, logit))


def draw_candidates(rng: np.random.Generator, *, cycle: int, scale: float) -> pd.DataFrame:
    """Draw candidates as the population holds them within each race and age band.

    Parameters
    ----------
    rng : numpy Generator.
    cycle : first year of the cycle.
    scale : sample size as a share of the real survey's.

    Returns
    -------
    frame with cycle, wanted (people to keep of this race), race, band, age, female, pir, bmi, has_diagnosis.
    """
    wanted = np.maximum(np.round(np.array(SAMPLE_BY_RACE[cycle]) * scale).astype(int), 6)
    race = np.repeat(np.arange(5), np.ceil(wanted * CANDIDATES_PER_PERSON + 40).astype(int))
    band = pick(rng, SAMPLE_AGE_SHARES[race])
    age = ages_in_band(rng, band)
    female = rng.random(len(race)) < 0.512
    median_pir = np.array([1.6, 1.9, 3.1, 1.9, 2.8])[race]
    pir = np.minimum(median_pir * np.exp(0.75 * rng.standard_normal(len(race))), 5.0)
    bmi = body_mass_index(rng, age=age, race=race + 1, female=female)
    people = pd.DataFrame(
        {"cycle": cycle, "wanted": wanted[race], "race": race + 1, "band": band, "age": age}
        | {"female": female, "pir": pir, "bmi": bmi}
    )
    return people.assign(has_diagnosis=rng.random(len(people)) < diabetes_probability(people))


def select_sample(rng: np.random.Generator, candidates: pd.DataFrame) -> pd.DataFrame:
    """Keep candidates with probability proportional to their sampling rate: the selection is informative.

    Low income and diabetes raise the rate, and both go with neuropathy, so that an unweighted share is biased.
    Rejection sampling makes the inverse rate the right base weight within race, age band and sex; a factor of the
    household's own, unrelated to anything, makes weights as unequal as real ones.

    Parameters
    ----------
    rng : numpy Generator.
    candidates : frame of ``draw_candidates``.

    Returns
    -------
    frame of the wanted size per race, with base_weight, in random order.
    """
    rate = np.where(candidates["pir"] < LOW_INCOME, LOW_INCOME_RATE, 1.0)
    rate = rate * np.where(candidates["has_diagnosis"], DIABETES_RATE, 1.0)
    kept = rng.random(len(candidates)) < rate / (LOW_INCOME_RATE * DIABETES_RATE)
    own = np.exp(HOUSEHOLD_SD * rng.standard_normal(len(candidates)))
    accepted = candidates.assign(base_weight=own / rate)[kept]
    rank = accepted.groupby("race").cumcount()
    sample = accepted[rank < accepted["wanted"]].drop(columns="wanted")
    return sample.iloc[np.argsort(rng.random(len(sample)))].reset_index(drop=True)


def assign_psus(rng: np.random.Generator, people: pd.DataFrame, psus: pd.DataFrame) -> pd.DataFrame:
    """Spread the people of one cycle over its PSUs, race by race, because neighbourhoods differ.

    Half of each race is spread evenly, half by random shares; systematic draws leave no PSU empty.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame of one cycle, in random order.
    psus : frame of ``psu_frame``, rows of the same cycle.

    Returns
    -------
    people with strata, psu and the three PSU effects.
    """
    index = np.empty(len(people), dtype=int)
    for race in range(1, 6):
        rows = np.flatnonzero(people["race"] == race)
        own = -np.log(rng.random(len(psus)))
        shares = 0.5 / len(psus) + 0.5 * own / own.sum()
        places = (np.arange(len(rows)) + rng.random()) / len(rows)
        index[rows] = np.minimum(np.searchsorted(np.cumsum(shares), places), len(psus) - 1)
    return pd.concat([people, psus.drop(columns="cycle").iloc[index].reset_index(drop=True)], axis=1)


def post_stratify(
    people: pd.DataFrame, weights: np.ndarray, *, millions: Mapping[int, tuple[float, ...]]
) -> np.ndarray:
    """Scale weights to population totals by cycle, race, age band and sex, and then by cycle and race.

    The second step only matters in small surveys, where a cell may hold nobody.

    Parameters
    ----------
    people : frame with cycle, race, band and female.
    weights : (n,) float array, zero where the person does not count.
    millions : population by cycle and RIDRETH1.

    Returns
    -------
    (n,) float array; the weights of a cycle add up to its population.
    """
    race, cycle = people["race"].to_numpy() - 1, people["cycle"].to_numpy()
    population = np.array([millions[c] for c in CYCLES])[np.searchsorted(CYCLES, cycle), race] * 1e6
    cells = population * POPULATION_AGE_SHARES[race, people["band"].to_numpy()] / 2
    keys = [people[name] for name in ("cycle", "race", "band", "female")]
    scaled = pd.Series(weights, index=people.index)
    for goal, by in ((cells, keys), (population, keys[:2])):
        total = scaled.groupby(by).transform("sum")
        scaled = scaled * np.where(total > 0, goal / total.where(total > 0, 1.0), 0.0)
    return scaled.to_numpy()


def four_year(people: pd.DataFrame, two_year: np.ndarray) -> np.ndarray:
    """Turn 2-year into 4-year weights: half, times the ratio of the two population bases; missing in 2003-2004.

    Parameters
    ----------
    people : frame with cycle and race.
    two_year : (n,) float array.

    Returns
    -------
    (n,) float array; over both cycles of 1999-2002 they add up to the population of the 2000 census base.
    """
    race, cycle = people["race"].to_numpy() - 1, people["cycle"].to_numpy()
    base = np.array([POPULATION_MILLIONS[c] for c in CYCLES])[np.searchsorted(CYCLES, cycle), race]
    ratio = np.array(FOUR_YEAR_MILLIONS)[race] / base / 2
    return np.where(cycle == 2003, np.nan, two_year * ratio)


def examine(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Decide who came to the examination centre and who went through all of it, and weight both stages.

    The old and the ill come less often; weights are adjusted for that within race, age band and sex. Those who leave
    early miss several components at once, which is why missing values cluster.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame of all cycles.

    Returns
    -------
    people with examined, stays, weight_interview and weight_exam (zero if not examined).
    """
    share = people["cycle"].map(EXAMINED_SHARE).to_numpy()
    burden = 0.024 * np.maximum(people["age"] - 30, 0) + 0.3 * people["has_diagnosis"]
    logit = np.log(share / (1 - share)) + 0.45 - burden
    examined = rng.random(len(people)) < expit(logit)
    stays = rng.random(len(people)) < np.where(people["age"] >= 75, 0.885, 0.92)
    base = people["base_weight"].to_numpy()
    return people.assign(
        examined=examined,
        stays=stays,
        weight_interview=post_stratify(people, base, millions=POPULATION_MILLIONS),
        weight_exam=post_stratify(people, base * examined, millions=POPULATION_MILLIONS),
    )


def sample_people(rng: np.random.Generator, *, scale: float) -> pd.DataFrame:
    """Invent everyone interviewed in the three cycles, with design, demography and weights.

    Parameters
    ----------
    rng : numpy Generator.
    scale : sample size as a share of the real survey's; 1 gives 31,126 people.

    Returns
    -------
    frame, one row a person: seqn, cycle, strata, psu, race, age, female, pir, bmi, has_diagnosis, weights.
    """
    psus = psu_frame(rng)
    parts = []
    for cycle in CYCLES:
        sample = select_sample(rng, draw_candidates(rng, cycle=cycle, scale=scale))
        parts.append(assign_psus(rng, sample, psus[psus["cycle"] == cycle].reset_index(drop=True)))
    people = examine(rng, pd.concat(parts, ignore_index=True))
    return people.assign(seqn=FIRST_SEQN + np.arange(len(people)))
