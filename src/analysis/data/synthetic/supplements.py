"""Supplements and antacids of the people of the invented survey, with what they truly take.

The catalogue has a product for each way of misreading the real files: servings of more than one unit, packets,
millilitres, compounds, ppm, blends, default and generic products, an excipient, an amount that nobody knows. No product
of that name exists; amounts are round.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.data.people.products import MAGNESIUM_FRACTION
from analysis.data.synthetic.people import pick

SLOTS = ("first", "second", "antacid")
"""Products that one person can use: two supplements and an antacid."""

BLEND, VITAMIN_C, CALCIUM, STEARATE = 90_001, 90_002, 90_003, 1524
INGREDIENT_NAMES: Mapping[int, str] = {
    231: "MAGNESIUM", 544: "MAGNESIUM HYDROXIDE", 556: "MAGNESIUM CARBONATE", 2054: "MAGNESIUM TRISILICATE",
    523: "MAGNESIUM GLUCONATE", 572: "MAGNESIUM OXIDE", STEARATE: "MAGNESIUM STEARATE", BLEND: "INVENTED BLEND",
    VITAMIN_C: "VITAMIN C", CALCIUM: "CALCIUM",
}  # fmt: skip
MG, PPM, UNKNOWN = 1, 14, 21
NOT_STATED = np.nan


@dataclass(frozen=True, slots=True)
class Product:
    """One invented product.

    Attributes
    ----------
    name : of the product; `supplement_id` numbers it.
    kind : DSDPRDT, 1 regular, 2 generic, 3 default.
    serving : DSDSERVQ and DSDSERVU.
    ingredients : DSDIID, DSDQTY and DSDUNIT of each.
    ways : how it is taken: unit in 1999-2000, unit later, quantity, servings that truly are.
    elemental_mg : magnesium of a serving, as a chemist would say.
    share : of uses.
    """

    name: str
    kind: int
    serving: tuple[float, int]
    ingredients: tuple[tuple[int, float, int], ...]
    ways: tuple[tuple[int, int, float, float], ...]
    elemental_mg: float
    share: float


_TABLET = ((1, 1, 1.0, 1.0), (1, 1, 2.0, 2.0))

SUPPLEMENTS = (
    Product("MULTIVITAMIN", 1, (1.0, 18), ((231, 100.0, MG), (VITAMIN_C, 60.0, MG)), _TABLET, 100.0, 0.22),
    Product("MULTIVITAMIN, DEFAULT", 3, (1.0, 18), ((231, 50.0, MG),), _TABLET, 50.0, 0.10),
    Product(
        "MINERALS, GENERIC",
        2,
        (3.0, 1),
        ((231, 300.0, MG), (CALCIUM, 900.0, MG)),
        ((1, 1, 1.0, 1 / 3), (1, 1, 3.0, 1.0)),
        300.0,
        0.06,
    ),
    Product(
        "MAGNESIUM CAPSULES",
        1,
        (2.0, 2),
        ((231, 400.0, MG), (STEARATE, 5.0, MG)),
        ((1, 1, 1.0, 0.5), (1, 1, 2.0, 1.0), (1, 1, 4.0, 2.0)),
        400.0,
        0.05,
    ),
    Product(
        "LIQUID MINERALS",
        1,
        (1.0, 17),
        ((231, 120.0, MG),),
        ((11, 11, 1.0, 1.0), (12, 12, 3.0, 1.0), (7, 7, 7.3934, 0.5)),
        120.0,
        0.03,
    ),
    Product("DAILY PACKETS", 1, (1.0, 12), ((231, 60.0, MG),), ((9, 28, 1.0, 1.0), (8, 28, 2.0, 2.0)), 60.0, 0.03),
    Product(
        "MINERAL POWDER", 1, (5.0, 33), ((231, 250.0, MG),), ((16, 16, 10.0, 2.0), (21, 21, 3.0, 1.0)), 250.0, 0.01
    ),
    Product(
        "MINERAL WATER CONCENTRATE",
        1,
        (2.0, 5),
        ((231, 500.0, PPM),),
        ((4, 27, 2.0, 1.0), (18, 18, 1.0, 4.0)),
        500.0 * 2 * 29.5735 / 1000,
        0.01,
    ),
    Product("MAGNESIUM GLUCONATE", 1, (1.0, 18), ((523, 500.0, MG),), _TABLET, 500.0 * MAGNESIUM_FRACTION[523], 0.01),
    Product("HERBS WITH MAGNESIUM", 1, (1.0, 2), ((231, 0.0, UNKNOWN),), _TABLET, 0.0, 0.01),
    Product("GREEN BLEND", 1, (1.0, 24), ((BLEND, 900.0, MG),), ((21, 21, 1.0, 1.0),), 0.0, 0.02),
    Product("VITAMIN C", 1, (1.0, 18), ((VITAMIN_C, 500.0, MG),), _TABLET, 0.0, 0.42),
    Product("IRON TABLETS", 1, (1.0, 18), ((STEARATE, 5.0, MG),), _TABLET, 0.0, 0.03),
)
ANTACIDS = (
    Product("ANTACID TABLETS", 1, (2.0, 18), ((544, 400.0, MG),), ((1, 1, 2.0, 1.0), (1, 1, 4.0, 2.0)),
            400.0 * MAGNESIUM_FRACTION[544], 0.15),
    Product("ANTACID LIQUID", 1, (2.0, 19), ((544, 400.0, MG),), ((12, 12, 2.0, 1.0), (11, 11, 2.0, 3.0)),
            400.0 * MAGNESIUM_FRACTION[544], 0.15),
    Product("EFFERVESCENT ANTACID", 1, (1.0, 20), ((556, 200.0, MG), (2054, 100.0, MG)), ((13, 13, 1.0, 1.0),),
            200.0 * MAGNESIUM_FRACTION[556] + 100.0 * MAGNESIUM_FRACTION[2054], 0.05),
    Product("CALCIUM ANTACID", 1, (1.0, 27), ((CALCIUM, 400.0, MG),), _TABLET, 0.0, 0.65),
)  # fmt: skip
CATALOGUE = (*SUPPLEMENTS, *ANTACIDS)
"""Shares add up to one among supplements and among antacids."""

WAYS = [(number, *way) for number, product in enumerate(CATALOGUE) for way in product.ways]
"""Product's place in the catalogue, units, quantity and true servings of every way to take something."""

NO_MATCH, REFUSED, DONT_KNOW = "6666000000", "7777777777", "9999999999"
NO_MATCH_SHARE = 0.018
MISSING_TIMES: Mapping[tuple[str, int], float] = {
    ("supplement", 1999): 0.17, ("supplement", 2001): 0.08, ("supplement", 2003): 0.01,
    ("antacid", 1999): 0.51, ("antacid", 2001): 0.69, ("antacid", 2003): 0.0,
}  # fmt: skip
"""Share of uses whose frequency was not asked or not known, near that of the real magnesium rows."""

UNASKED = 0.0024  # share whose use is not known


def supplement_id(product: int) -> str:
    """Text id of the product at a place of the catalogue."""
    return f"88880{product + 1:03d}00"


def supplement_use(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Invent who takes what, how much and how often.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame with cycle, age, female and pir.

    Returns
    -------
    people with, for each slot, its way (place in `WAYS`, -1 for none), times (in 30 days), count and count_unit (how
    1999-2000 put it), told and amount_told (whether frequency and quantity were reported); no_match (an id without a
    product in the first slot); answers_use (False: refused or unknown); and the truth, true_supplement_mg and
    true_antacid_mg.
    """
    n, age = len(people), people["age"].to_numpy()
    user = rng.random(n) < np.clip(0.25 + 0.004 * age + 0.08 * people["female"] + 0.03 * people["pir"], 0.05, 0.75)
    takes = {"first": user, "second": user & (rng.random(n) < 0.45)}
    takes["antacid"] = rng.random(n) < np.where(age >= 20, 0.16, 0.02)
    columns: dict[str, np.ndarray] = {"answers_use": rng.random(n) >= UNASKED}
    columns["no_match"] = takes["first"] & (rng.random(n) < NO_MATCH_SHARE)
    true = {"supplement": np.zeros(n), "antacid": np.zeros(n)}
    for slot in SLOTS:
        kind = "antacid" if slot == "antacid" else "supplement"
        way = np.where(takes[slot] & columns["answers_use"], _ways(rng, n, kind), -1)
        if slot == "second":  # never the same twice: two rows that agree in everything are one
            product = np.array([place for place, *_ in WAYS])
            way = np.where(product[way] == product[columns["first_way"]], -1, way)
        columns |= {f"{slot}_{name}": values for name, values in _times(rng, people["cycle"], way, kind).items()}
        columns[f"{slot}_way"] = way
        serving = np.array([CATALOGUE[place].elemental_mg * servings for place, *_, servings in WAYS])[way]
        counted = (way >= 0) & ~(columns["no_match"] if slot == "first" else False)
        true[kind] += np.where(counted, serving * columns[f"{slot}_times"] / 30, 0.0)
    return people.assign(**columns, true_supplement_mg=true["supplement"], true_antacid_mg=true["antacid"])


def _ways(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    """A way to take a product of a kind for each person, by the products' shares."""
    first = 0 if kind == "supplement" else len(SUPPLEMENTS)
    last = len(SUPPLEMENTS) if kind == "supplement" else len(CATALOGUE)
    shares = [CATALOGUE[place].share / len(CATALOGUE[place].ways) if first <= place < last else 0.0
              for place, *_ in WAYS]  # fmt: skip
    return pick(rng, np.tile(shares, (n, 1)))


def _times(rng: np.random.Generator, cycles: pd.Series, way: np.ndarray, kind: str) -> dict[str, np.ndarray]:
    """How often, in days of 30; 1999-2000 asked for a count a day, week or month."""
    n, cycle = len(cycles), cycles.to_numpy()
    daily = rng.random(n) < (0.75 if kind == "supplement" else 0.15)
    unit = np.where(daily, 1, np.where(rng.random(n) < 0.4, 2, 3))
    count = np.where(daily, 1, np.where(unit == 2, rng.integers(1, 6, n), rng.integers(1, 16, n)))
    by_count = count * np.select([unit == 1, unit == 2], [30.0, 30.0 / 7.0], 1.0)
    days = np.where(daily, 30, rng.integers(1, 30, n))
    missing = np.array([MISSING_TIMES[kind, int(one)] for one in cycle])
    return {
        "times": np.where(cycle == 1999, by_count, days),
        "count": count,
        "count_unit": unit,
        "told": rng.random(n) >= missing,
        "amount_told": rng.random(n) >= missing / 2,
    }


def supplement_answers(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DSQFILE1: everyone interviewed; antacids alone are a no."""
    used = sum((people[f"{slot}_way"] >= 0).astype(int) for slot in ("first", "second"))
    unknown = np.where(people["seqn"] % 2, 7, 9)
    answer = np.where(people["answers_use"], np.where(used > 0, 1, 2), unknown)
    count = np.where(people["answers_use"], used, 11 * unknown)
    return pd.DataFrame({"SEQN": people["seqn"], "DSD010": answer, "DSDCOUNT": count}).astype(
        {"DSD010": float, "DSDCOUNT": float}
    )


def supplement_uses(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DSQFILE2: a row per product; the last one of 2003-2004 stands there twice, as two of the real rows do."""
    cycle = int(people["cycle"].iloc[0])
    rows = pd.concat([_slot_rows(people, slot, cycle) for slot in SLOTS])
    rows = rows.sort_values("SEQN", kind="stable")
    return pd.concat([rows, rows.iloc[-1:]]) if cycle == 2003 else rows


def _slot_rows(people: pd.DataFrame, slot: str, cycle: int) -> pd.DataFrame:
    rows = people[people[f"{slot}_way"] >= 0]
    places, unit_1999, unit_later, quantity, _ = (np.array(part) for part in zip(*WAYS, strict=True))
    way, told, amount_told = (rows[f"{slot}_{part}"].to_numpy() for part in ("way", "told", "amount_told"))
    lost = rows["no_match"].to_numpy() if slot == "first" else np.zeros(len(rows), dtype=bool)
    ids = np.array([supplement_id(place) for place in range(len(CATALOGUE))])[places[way]]
    names = np.array([product.name for product in CATALOGUE])[places[way]]
    types = np.array([product.kind for product in CATALOGUE])[places[way]]
    often = (
        {
            "DSD100Q": np.where(told, rows[f"{slot}_count"], NOT_STATED),
            "DSD100U": np.where(told, rows[f"{slot}_count_unit"], NOT_STATED),
        }
        if cycle == 1999
        else {"DSD103": np.where(told, rows[f"{slot}_times"], NOT_STATED)}
    )
    ask = "DSD120" if cycle == 1999 else "DSD122"
    return pd.DataFrame(
        {
            "SEQN": rows["seqn"].to_numpy(),
            "DSDSUPID": np.where(lost, NO_MATCH, ids),
            "DSDSUPP": np.where(lost, "NO MATCH", names),
            "DSD070": 1.0,
            "DSDMTCH": np.where(lost, 6.0, np.select([types == 2, types == 3], [3.0, 5.0], 1.0)),
            "DSD090": 365.0,
            **often,
            f"{ask}Q": np.where(amount_told, quantity[way], NOT_STATED),
            f"{ask}U": np.where(amount_told, (unit_1999 if cycle == 1999 else unit_later)[way], NOT_STATED),
            "DSDANTA": 2.0 if slot == "antacid" else 0.0,
        }
    )


def product_information(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DSPI: the catalogue, and one product of a later cycle, which has no id of the old kind."""
    rows = [
        (place + 1, product.kind, f"INVENTED {product.name}", *product.serving, supplement_id(place))
        for place, product in enumerate(CATALOGUE)
    ]
    rows.append((len(rows) + 1, 1, "INVENTED GUMMIES", 2.0, 27, ""))
    frame = pd.DataFrame(rows, columns=["DSDPID", "DSDPRDT", "DSDSUPP", "DSDSERVQ", "DSDSERVU", "DSDSUPID"])
    return frame.astype({"DSDPID": float, "DSDPRDT": float, "DSDSERVU": float})


def product_ingredients(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DSII: what the labels list."""
    rows = [
        (place + 1, iid, INGREDIENT_NAMES[iid], quantity, unit, 1 if iid == BLEND else 2)
        for place, product in enumerate(CATALOGUE)
        for iid, quantity, unit in product.ingredients
    ]
    frame = pd.DataFrame(rows, columns=["DSDPID", "DSDIID", "DSDINGR", "DSDQTY", "DSDUNIT", "DSDBLFLG"])
    return frame.astype({name: float for name in frame if name != "DSDINGR"})


def product_blends(_: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DSBI: components of the blend, without amounts."""
    names = ("MAGNESIUM CITRATE", "SPINACH POWDER")
    return pd.DataFrame({"DSDIID": float(BLEND), "DSDINGR": INGREDIENT_NAMES[BLEND], "DSDBCNAM": names})
