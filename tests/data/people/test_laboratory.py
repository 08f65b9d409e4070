"""Further blood values and the ankle-brachial index come from their files, under one name in all cycles."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.harmonise import harmonise
from tests.people import NAN, raw_tables

VALUES = {
    "folate_ng_ml": ("LBXFOL", "LBXFOL", "LBXFOL"),
    "mma_umol_l": ("LBXMMA", "LBXMMA", "LBXMMA"),
    "homocysteine_umol_l": ("LBXHCY", "LBDHCY", "LBXHCY"),
    "lead_ug_dl": ("LBXBPB", "LBXBPB", None),
    "cadmium_ug_l": ("LBXBCD", "LBXBCD", None),
    "total_cholesterol_mg_dl": ("LBXTC", "LBXTC", "LBXTC"),
    "hdl_cholesterol_mg_dl": ("LBDHDL", "LBDHDL", "LBXHDD"),
}


@pytest.mark.parametrize(("column", "names"), VALUES.items(), ids=list(VALUES))
def test_values_are_as_recorded_and_missing_where_not_measured(column: str, names: tuple[str | None, ...]) -> None:
    cycles = (1999, 2001, 2003)
    people = [{"cycle": cycle} | ({name: 7.25} if name else {}) for cycle, name in zip(cycles, names, strict=True)]
    np.testing.assert_equal(harmonise(raw_tables(people))[column].to_numpy(), [7.25 if name else NAN for name in names])


def test_people_without_a_row_in_a_file_have_no_value() -> None:
    tables = raw_tables([{"cycle": 2003}, {"cycle": 2003}])
    without = {**tables, "L06MH_C": tables["L06MH_C"].iloc[:1]}
    assert harmonise(without)["mma_umol_l"].notna().tolist() == [True, False]


LEGS = [
    (0.9, 0.9, 0.0),
    (0.89, 1.2, 1.0),
    (1.2, 0.89, 1.0),
    (0.89, NAN, 1.0),
    (NAN, 1.0, 0.0),
    (NAN, NAN, NAN),
    (1.5, 1.6, 0.0),
]
"""Index of the left and the right leg, and whether that is arterial disease."""


@pytest.fixture(scope="module")
def legs() -> pd.DataFrame:
    """These people in every cycle, by cycle and their place."""
    cycles = pd.MultiIndex.from_product([(1999, 2001, 2003), range(len(LEGS))])
    people = [{"cycle": cycle, "LEXLABPI": LEGS[place][0], "LEXRABPI": LEGS[place][1]} for cycle, place in cycles]
    return harmonise(raw_tables(people)).set_axis(cycles)


@pytest.mark.parametrize("place", range(len(LEGS)), ids=map(str, LEGS))
@pytest.mark.parametrize("cycle", [1999, 2001, 2003])
def test_the_lower_known_leg_decides_on_arterial_disease(legs, place, cycle) -> None:
    person = legs.loc[(cycle, place)]
    np.testing.assert_equal(person[["abi_left", "abi_right", "pad"]].to_list(), list(LEGS[place]))


def test_the_same_table_is_read_once_for_all_that_it_holds() -> None:
    tables = raw_tables([{"cycle": 1999}], LBXB12=300, LBXFOL=9, LBXMMA=0.3, LBXBPB=2)
    found = harmonise(tables).iloc[0]
    assert pd.Series(found[["b12_pg_ml", "folate_ng_ml", "mma_umol_l", "lead_ug_dl"]]).tolist() == [300, 9, 0.3, 2]
