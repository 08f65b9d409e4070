"""Prescriptions by generic name: whole words, several drugs in one name, unknown names, nobody's answer."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.coding import CodingError
from analysis.data.people.drugs import (
    CLASSES,
    PROTON_PUMP_INHIBITORS,
    SPARING,
    WASTING,
    depletion_parts,
    depletion_score,
    drug_columns,
    drugs_of,
)
from analysis.data.people.harmonise import harmonise
from tests.people import NAN, raw_tables

NAMES = {1999: ("RXQ_RX", "RXD030", "RXD240B"), 2003: ("RXQ_RX_C", "RXDUSE", "RXDDRUG")}
EMPTY = {
    "RXQ_RX": pd.DataFrame({"RXD030": [], "RXD240B": []}, dtype=object),
    "RXQ_RX_B": pd.DataFrame({"RXD030": [], "RXD240B": []}, dtype=object),
    "RXQ_RX_C": pd.DataFrame({"RXDUSE": [], "RXDDRUG": []}, dtype=object),
}


def columns_of(rows: list[tuple[int, float, str]], *, people: list[int], cycle: int = 1999) -> pd.DataFrame:
    """Harmonised columns of people whose drugs are rows of person, answer and name."""
    table, use, name = NAMES[cycle]
    index = pd.Index([row[0] for row in rows], dtype="int64", name="SEQN")
    frame = pd.DataFrame({use: [row[1] for row in rows], name: [row[2] for row in rows]}, index=index)
    tables = {other: empty.set_index(pd.Index([], dtype="int64", name="SEQN")) for other, empty in EMPTY.items()}
    return pd.DataFrame(drug_columns({**tables, table: frame}, pd.Index(people, name="SEQN")))


@pytest.mark.parametrize(
    ("name", "diuretic", "wasting", "ppi"),
    [
        ("HYDROCHLOROTHIAZIDE", 1, 1, 0),
        ("LISINOPRIL; HYDROCHLOROTHIAZIDE", 1, 1, 0),
        ("LISINOPRIL;HYDROCHLOROTHIAZIDE", 1, 1, 0),
        ("  furosemide ", 1, 1, 0),
        ("HYDROCHLOROTHIAZIDE; TRIAMTERENE", 1, 1, 0),
        ("TRIAMTERENE", 1, 0, 0),
        ("SPIRONOLACTONE", 1, 0, 0),
        ("ETHACRYNIC ACID", 1, 1, 0),
        ("DIURETIC-UNSPECIFIED", 1, 1, 0),
        ("DIURETICS", 1, 1, 0),
        ("PANTOPRAZOLE SODIUM", 0, 0, 1),
        ("ESOMEPRAZOLE MAGNESIUM", 0, 0, 1),
        ("AMOXICILLIN; CLARITHROMYCIN; LANSOPRAZOLE", 0, 0, 1),
        ("OMEPRAZOLE; FUROSEMIDE", 1, 1, 1),
        ("ARIPIPRAZOLE", 0, 0, 0),
        ("MEBENDAZOLE", 0, 0, 0),
        ("ACETAZOLAMIDE", 0, 0, 0),
        ("METHAZOLAMIDE", 0, 0, 0),
        ("OMEPRAZOLES", 0, 0, 0),
        ("SODIUM OMEPRAZOLE", 0, 0, 0),
        ("DIURETIC", 0, 0, 0),
        (";", 0, 0, 0),
        ("55555", 0, 0, 0),
    ],
)
@pytest.mark.parametrize("cycle", list(NAMES))
def test_the_first_word_of_each_part_is_compared_as_a_whole(name, diuretic, wasting, ppi, cycle) -> None:
    person = columns_of([(7, 1, name)], people=[7], cycle=cycle).loc[7]
    assert person[["takes_diuretic", "takes_wasting_diuretic", "takes_ppi"]].tolist() == [diuretic, wasting, ppi]


def test_parts_of_a_name_without_a_word_are_no_drug() -> None:
    assert drugs_of("A B; ;C;") == {"A", "C"}
    assert drugs_of("") == frozenset()


@pytest.mark.parametrize("code", ["55555", "77777", "99999"])
def test_unknown_drugs_are_counted_and_of_no_class(code: str) -> None:
    rows = [(1, 1.0, code), (1, 1.0, code), (1, 1.0, "OMEPRAZOLE"), (2, 1.0, code)]
    found = columns_of(rows, people=[1, 2])
    assert found["unknown_drugs"].tolist() == [2, 1]
    assert found["takes_ppi"].tolist() == [1, 0]
    assert found["takes_diuretic"].tolist() == [0, 0]


def test_no_drug_is_no_and_no_answer_is_missing() -> None:
    rows = [(1, 2.0, ""), (2, 7.0, ""), (3, 9.0, ""), (4, NAN, ""), (6, 1.0, "")]
    found = columns_of(rows, people=[1, 2, 3, 4, 5, 6])
    assert found.loc[1].tolist() == [0, 0, 0, 0]
    assert found.loc[[2, 3, 4, 5]].isna().all(axis=None)
    assert found.loc[6].tolist() == [0, 0, 0, 0]


def test_several_rows_of_a_person_are_put_together() -> None:
    rows = [(1, 1.0, "LISINOPRIL"), (1, 1.0, "FUROSEMIDE"), (2, 1.0, "LISINOPRIL"), (1, 1.0, "OMEPRAZOLE")]
    found = columns_of(rows, people=[2, 1])
    assert found.index.tolist() == [2, 1]
    assert found["takes_diuretic"].tolist() == [0, 1]
    assert found["takes_ppi"].tolist() == [0, 1]


@pytest.mark.parametrize("cycle", list(NAMES))
def test_an_answer_that_the_codebook_lacks_is_refused(cycle: int) -> None:
    table, use, _ = NAMES[cycle]
    with pytest.raises(CodingError, match=rf"{use}=3 in {table} \(1 rows\): expected one of 1, 2, 7, 9"):
        columns_of([(1, 3.0, "FUROSEMIDE")], people=[1], cycle=cycle)


def test_classes_do_not_overlap() -> None:
    assert not WASTING & SPARING
    assert not (WASTING | SPARING) & PROTON_PUMP_INHIBITORS
    assert all(drugs_of(word) == {word} for words in CLASSES.values() for word in words)


PEOPLE = pd.DataFrame(
    {
        "takes_diuretic": [1, 0, 0, 0, 1, NAN, 0, 0, 0],
        "takes_ppi": [1, 0, 0, 0, 0, 0, NAN, 0, 0],
        "egfr_ml_min_1_73m2": [59.9, 60, 89.9, 90, 120, 50, 50, NAN, 50],
        "alcohol": pd.Categorical(["heavy", "never", "former", "moderate", "heavy", "never", "never", "never", None]),
    }
)


def test_the_score_adds_up_its_parts_and_is_missing_if_one_is() -> None:
    np.testing.assert_equal(depletion_score(PEOPLE).to_numpy(), [5, 1, 1, 0, 2, NAN, NAN, NAN, NAN])


def test_the_parts_are_told_each_by_itself() -> None:
    parts = depletion_parts(PEOPLE)
    assert parts["egfr_60_to_90"].tolist()[:7] == [0, 1, 1, 0, 0, 0, 0]
    assert parts["egfr_below_60"].tolist()[:7] == [1, 0, 0, 0, 0, 1, 1]
    assert parts.isna().sum().tolist() == [1, 1, 1, 1, 1]


def test_harmonised_people_carry_their_drugs_and_score() -> None:
    people = [
        {"cycle": 1999, "RXD030": 1, "RXD240B": "FUROSEMIDE"},
        {"cycle": 2001, "RXD030": 1, "RXD240B": "OMEPRAZOLE", "LBDSCR": 2.5},
        {"cycle": 2003, "RXDUSE": 9},
    ]
    found = harmonise(raw_tables(people))
    assert found["takes_diuretic"].tolist()[:2] == [1, 0]
    assert found["depletion_score"].tolist()[:2] == [2, 3]  # 0.9 mg/dL of 1999-2000 is 1.06: an eGFR below 90
    assert found.loc[3, ["takes_diuretic", "takes_ppi", "unknown_drugs", "depletion_score"]].isna().all()
