"""The invented people's recalled foods: what each gave of the day's magnesium, with a known truth.

Of what is left of a day's magnesium a food takes, if it is eaten, a drawn share; the foods come one after the other,
and the last, a mixed dish that everybody eats, takes the rest. Shares do not depend on the person or on the day's
total, so that the expected share of each food in everybody's magnesium is known. Amounts follow from
each food's own density.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.data.synthetic.traits import BREAST_FED, RELIABLE

HUMAN_MILK = 11000000


@dataclass(frozen=True, slots=True)
class Food:
    """A food of the invented survey.

    Attributes
    ----------
    group : name of the group that the code belongs to.
    code : USDA food code.
    chance : probability that it was eaten that day.
    part : mean share of what is left of the day's magnesium; the drawn one lies within half of it on either side.
    mg_per_100g : density.
    """

    group: str
    code: int
    chance: float
    part: float
    mg_per_100g: float


# Codes as in the files' food lists; chances, parts and densities are round.
FOODS: tuple[Food, ...] = (
    Food("nuts", 42116000, 0.15, 0.27, 180.0),
    Food("seeds", 43102000, 0.02, 0.25, 240.0),
    Food("legumes", 41104010, 0.17, 0.22, 38.0),
    Food("whole_grain", 51201010, 0.28, 0.18, 80.0),
    Food("leafy", 72125210, 0.07, 0.14, 78.0),
    Food("banana", 63107010, 0.15, 0.13, 28.0),
    Food("avocado", 63105010, 0.03, 0.08, 32.0),
    Food("dark_chocolate", 91705300, 0.01, 0.12, 114.0),
    Food("milk", 11111000, 0.50, 0.18, 12.0),
    Food("coffee", 92101000, 0.50, 0.11, 4.0),
    Food("beer", 93101000, 0.14, 0.25, 6.0),
    Food("white_potato", 71401000, 0.43, 0.16, 27.0),
    Food("meat_poultry_fish", 24122120, 0.73, 0.18, 24.0),
)
REST = Food("mixed_27_58", 58106220, 1.0, 1.0, 18.0)


def food_codes(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DRXFMT, DRXFMT_B or DRXFCD_C: the codes that the cycle's items may have."""
    name = "DRXFDCD" if int(people["cycle"].iloc[0]) == 2003 else "START"
    return pd.DataFrame({name: sorted([HUMAN_MILK, REST.code, *(food.code for food in FOODS)])})


def individual_foods(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DRXIFF, DRXIFF_B or DR1IFF_C: the items of reliable recalls, and human milk, which has no amounts.

    The items of 1999-2000 are rounded to 0.01 mg one by one; those of later cycles are whole numbers that add up.

    Parameters
    ----------
    rng : numpy Generator.
    people : of one cycle, with seqn, recall_status and day1_MAGN.

    Returns
    -------
    Frame of SEQN, line, code, grams, magnesium under the cycle's names, sorted by SEQN and line.
    """
    cycle = int(people["cycle"].iloc[0])
    eaters = people[people["recall_status"] == RELIABLE]
    parts = _parts(rng, len(eaters))
    total = eaters["day1_MAGN"].round(2 if cycle == 1999 else 0).to_numpy()
    exact = parts * total[:, None]
    # Rounded cumulated amounts differ by whole numbers that add up to the total.
    magnesium = exact.round(2) if cycle == 1999 else np.diff(exact.cumsum(axis=1).round(), prepend=0.0, axis=1)
    foods = (*FOODS, REST)
    grams = np.maximum((100 * exact / [food.mg_per_100g for food in foods]).round(2), 0.02)
    person, food = np.nonzero(parts)
    fed = people.loc[people["recall_status"] == BREAST_FED, "seqn"].to_numpy()
    frame = pd.DataFrame(
        {
            "SEQN": np.concatenate([eaters["seqn"].to_numpy()[person], fed]),
            "code": np.concatenate([np.array([one.code for one in foods])[food], np.full(fed.size, HUMAN_MILK)]),
            "grams": np.concatenate([grams[person, food], np.full(fed.size, np.nan)]),
            "magnesium": np.concatenate([magnesium[person, food], np.full(fed.size, np.nan)]),
        }
    ).sort_values("SEQN", kind="stable", ignore_index=True)
    frame.insert(1, "line", frame.groupby("SEQN").cumcount() + 1)
    first = cycle < 2003
    names = (
        ("DRXILINE", "DRDIFDCD", "DRXIGRMS", "DRXIMAGN") if first else ("DR1ILINE", "DR1IFDCD", "DR1IGRMS", "DR1IMAGN")
    )
    return frame.set_axis(["SEQN", *names], axis="columns")


def _parts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Share of the day's magnesium by person and food, (n, number of foods with the rest); rows add up to 1."""
    chance, part = (np.array([getattr(food, name) for food in FOODS]) for name in ("chance", "part"))
    eaten = rng.random((n, chance.size)) < chance
    taken = np.where(eaten, part * (0.5 + rng.random((n, chance.size))), 0.0)
    left = np.cumprod(1 - taken, axis=1)
    before = np.hstack([np.ones((n, 1)), left[:, :-1]])
    return np.hstack([before * taken, left[:, -1:]])
