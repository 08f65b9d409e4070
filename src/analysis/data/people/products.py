"""The product tables of the supplement files: magnesium of a label serving, one row per product.

DSPI (products), DSII (ingredients) and DSBI (components of blends) belong to all cycles and are re-released as they
grow. Codes are those of https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/1999/DataFiles/DSPI.htm, DSII.htm and DSBI.htm.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.data.people.coding import CodingError
from analysis.stats.arrays import Frames

PRODUCTS, INGREDIENTS, BLENDS = "DSPI", "DSII", "DSBI"

PRODUCT_COLUMNS: dict[str, list[str]] = {
    PRODUCTS: ["DSDPID", "DSDPRDT", "DSDSERVQ", "DSDSERVU", "DSDSUPID"],
    INGREDIENTS: ["DSDPID", "DSDIID", "DSDINGR", "DSDQTY", "DSDUNIT"],
    BLENDS: ["DSDIID", "DSDBCNAM"],
}
"""Raw columns of the product tables that are read; they have no SEQN."""

ELEMENT = 231
"""Ingredient that is magnesium by itself; labels give it as the element."""

MAGNESIUM_FRACTION: Mapping[int, float] = {
    ELEMENT: 1.0,
    544: 24.305 / 58.3197,  # hydroxide
    556: 24.305 / 84.3139,  # carbonate
    2054: 48.610 / 260.862,  # trisilicate, anhydrous Mg2Si3O8
    523: 24.305 / 414.599,  # gluconate
    572: 24.305 / 40.304,  # oxide
}
"""Ingredient to the share of its mass that is magnesium: of an antacid the label gives the salt."""

MILLIGRAM, PPM, UNKNOWN_AMOUNT = 1, 14, 21

Size = tuple[str, float]
COUNT, VOLUME, MASS = "count", "mL", "g"

PRODUCT_UNITS: Mapping[int, Size | None] = {
    **dict.fromkeys((1, 2, 6, 9, 13, 16, 18, 20, 27, 29, 32, 42), (COUNT, 1.0)),
    5: (VOLUME, 29.5735), 10: (VOLUME, 1.0), 14: (VOLUME, 14.7868), 17: (VOLUME, 14.7868), 19: (VOLUME, 4.92892),
    34: (VOLUME, 4.92892), 25: (VOLUME, 236.588), 37: (VOLUME, 236.588),
    33: (MASS, 1.0), 38: (MASS, 1.0), 21: (MASS, 28.3495),
    12: ("packet", 1.0), 3: ("dropper", 1.0), 4: ("drop", 1.0), 24: ("scoop", 1.0), 31: ("capful", 1.0),
    22: ("spray", 1.0), 30: ("can", 1.0), 43: ("can", 1.0),
    39: None, 99: None,
}  # fmt: skip
"""DSDSERVU to what is counted and how much of it one unit is; None cannot be compared with what people took."""

REGULAR, GENERIC, DEFAULT = 1, 2, 3


def product_magnesium(tables: Frames) -> pd.DataFrame:
    """Magnesium and serving of each product that a use row can name.

    Parameters
    ----------
    tables : with the three product tables, columns of `PRODUCT_COLUMNS`.

    Returns
    -------
    frame indexed by DSDSUPID (text, unique, not blank): product_type (DSDPRDT), serving_quantity, serving_unit, mg
    (elemental magnesium of a label serving; missing if no amount is known), salt_mg (the same, compounds taken for
    the element), element (has an amount under its own name), unknown_amount (named without an amount), in_blend
    (named inside a blend).

    Raises
    ------
    CodingError : two products have one DSDSUPID, or magnesium has a unit that is none of mg, ppm and unknown.
    """
    named = tables[PRODUCTS].assign(DSDSUPID=tables[PRODUCTS]["DSDSUPID"].str.strip())
    named = named[named["DSDSUPID"] != ""]
    if not named["DSDSUPID"].is_unique:
        twice = named.loc[named["DSDSUPID"].duplicated(), "DSDSUPID"].iloc[0]
        raise CodingError(f"DSDSUPID={twice} in {PRODUCTS} names two products: expected each id at most once.")
    amounts = _amounts(tables[INGREDIENTS], named.set_index("DSDPID"))
    blended = _products_with_magnesium_in_a_blend(tables)
    products = named.join(amounts, on="DSDPID").set_index("DSDSUPID")
    return pd.DataFrame(
        {
            "product_type": products["DSDPRDT"],
            "serving_quantity": products["DSDSERVQ"],
            "serving_unit": products["DSDSERVU"],
            "mg": products["mg"],
            "salt_mg": products["salt_mg"],
            "element": products["element"] > 0,
            "unknown_amount": products["unknown_amount"] > 0,
            "in_blend": products["DSDPID"].isin(blended),
        }
    )


def sizes(units: pd.Series, known: Mapping[int, Size | None]) -> pd.DataFrame:
    """What a unit counts and how much of it one is: columns ``what`` (text or None) and ``size``."""
    found = [known.get(int(unit)) if unit == unit else None for unit in units]
    return pd.DataFrame(
        {"what": [one and one[0] for one in found], "size": [one[1] if one else np.nan for one in found]},
        index=units.index,
    )


def _amounts(ingredients: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Magnesium by DSDPID; a product without a row of it is not there."""
    rows = ingredients[ingredients["DSDIID"].isin(list(MAGNESIUM_FRACTION))]
    known = rows["DSDUNIT"].isin([MILLIGRAM, PPM, UNKNOWN_AMOUNT])
    if not known.all():
        wrong = rows.loc[~known, "DSDUNIT"].iloc[0]
        raise CodingError(
            f"DSDUNIT={wrong:g} in {INGREDIENTS} for magnesium ({int((~known).sum())} rows): expected one of 1 (mg), "
            f"14 (ppm), 21 (unknown), see the codebook {INGREDIENTS}.htm."
        )
    served = products.reindex(rows["DSDPID"])
    size = sizes(served["DSDSERVU"], PRODUCT_UNITS)
    millilitres = (served["DSDSERVQ"] * size["size"]).where(size["what"] == VOLUME).to_numpy()
    scale = np.select([rows["DSDUNIT"] == MILLIGRAM, rows["DSDUNIT"] == PPM], [1.0, millilitres / 1000], np.nan)
    salt = rows["DSDQTY"] * scale
    parts = pd.DataFrame(
        {
            "mg": salt * rows["DSDIID"].map(MAGNESIUM_FRACTION),
            "salt_mg": salt,
            "element": ((rows["DSDIID"] == ELEMENT) & salt.notna()).astype(float),
            "unknown_amount": salt.isna().astype(float),
        }
    )
    return parts.groupby(rows["DSDPID"]).sum(min_count=1)


def _products_with_magnesium_in_a_blend(tables: Frames) -> pd.Series:
    """DSDPID of products that have a blend with a component named after magnesium; no blend tells its amount."""
    blends, ingredients = tables[BLENDS], tables[INGREDIENTS]
    holding = blends.loc[blends["DSDBCNAM"].str.contains("magnes", case=False), "DSDIID"]
    found: pd.Series = ingredients.loc[ingredients["DSDIID"].isin(holding), "DSDPID"]
    return found
