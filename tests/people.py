"""Invented people for the tests: raw NHANES tables, harmonised rows, and tables a reader can check by eye.

The layout of the raw tables is written out here, from the CDC codebooks, and not taken from
`analysis.data.people.harmonise`:
a wrong raw name there must fail here. Nobody described here exists; values are round on purpose.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import pandas as pd

from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.synthetic.survey import invent, tables_of
from analysis.data.synthetic.truth import PLANTED, Truth
from analysis.study import CATEGORIES

Value = float | str | bool
Person = Mapping[str, object]

NAN = float("nan")

NUTRIENTS: dict[str, tuple[str, str, str]] = {
    name: (first, second, third)
    for name, first, second, third in (
        line.split()
        for line in """
        energy_kcal            DRXTKCAL  DRXTKCAL  DR1TKCAL
        protein_g              DRXTPROT  DRXTPROT  DR1TPROT
        carbohydrate_g         DRXTCARB  DRXTCARB  DR1TCARB
        total_fat_g            DRXTTFAT  DRXTTFAT  DR1TTFAT
        saturated_fat_g        DRXTSFAT  DRXTSFAT  DR1TSFAT
        monounsaturated_fat_g  DRXTMFAT  DRXTMFAT  DR1TMFAT
        polyunsaturated_fat_g  DRXTPFAT  DRXTPFAT  DR1TPFAT
        cholesterol_mg         DRXTCHOL  DRXTCHOL  DR1TCHOL
        fiber_g                DRXTFIBE  DRXTFIBE  DR1TFIBE
        thiamin_mg             DRXTVB1   DRXTVB1   DR1TVB1
        riboflavin_mg          DRXTVB2   DRXTVB2   DR1TVB2
        niacin_mg              DRXTNIAC  DRXTNIAC  DR1TNIAC
        vitamin_b6_mg          DRXTVB6   DRXTVB6   DR1TVB6
        folate_ug              DRXTFOLA  DRXTFOLA  DR1TFOLA
        vitamin_b12_ug         DRXTVB12  DRXTVB12  DR1TVB12
        vitamin_c_mg           DRXTVC    DRXTVC    DR1TVC
        calcium_mg             DRXTCALC  DRXTCALC  DR1TCALC
        phosphorus_mg          DRXTPHOS  DRXTPHOS  DR1TPHOS
        magnesium_mg           DRXTMAGN  DRXTMAGN  DR1TMAGN
        iron_mg                DRXTIRON  DRXTIRON  DR1TIRON
        zinc_mg                DRXTZINC  DRXTZINC  DR1TZINC
        copper_mg              DRXTCOPP  DRXTCOPP  DR1TCOPP
        potassium_mg           DRXTPOTA  DRXTPOTA  DR1TPOTA
        selenium_ug            DRXTSELE  DRXTSELE  DR1TSELE
        caffeine_mg            DRXTCAFF  DRXTCAFF  DR1TCAFF
        theobromine_mg         DRXTTHEO  DRXTTHEO  DR1TTHEO
        alcohol_g              DRXTALCO  DRXTALCO  DR1TALCO
        sfa_4_0_g              DRXTS040  DRXTS040  DR1TS040
        sfa_6_0_g              DRXTS060  DRXTS060  DR1TS060
        sfa_8_0_g              DRXTS080  DRXTS080  DR1TS080
        sfa_10_0_g             DRXTS100  DRXTS100  DR1TS100
        sfa_12_0_g             DRXTS120  DRXTS120  DR1TS120
        sfa_14_0_g             DRXTS140  DRXTS140  DR1TS140
        sfa_16_0_g             DRXTS160  DRXTS160  DR1TS160
        sfa_18_0_g             DRXTS180  DRXTS180  DR1TS180
        mfa_16_1_g             DRXTM161  DRXTM161  DR1TM161
        mfa_18_1_g             DRXTM181  DRXTM181  DR1TM181
        mfa_20_1_g             DRXTM201  DRXTM201  DR1TM201
        mfa_22_1_g             DRXTM221  DRXTM221  DR1TM221
        pfa_18_2_g             DRXTP182  DRXTP182  DR1TP182
        pfa_18_3_g             DRXTP183  DRXTP183  DR1TP183
        pfa_18_4_g             DRXTP184  DRXTP184  DR1TP184
        pfa_20_4_g             DRXTP204  DRXTP204  DR1TP204
        pfa_20_5_g             DRXTP205  DRXTP205  DR1TP205
        pfa_22_5_g             DRXTP225  DRXTP225  DR1TP225
        pfa_22_6_g             DRXTP226  DRXTP226  DR1TP226
        sodium_mg              DRDTSODI  DRDTSODI  DR1TSODI
        moisture_g             DRXTWATE  DRXTMOIS  DR1TMOIS
        """.strip().splitlines()
    )
}
"""Harmonised nutrient to its raw name in 1999-2000, 2001-2002 and 2003-2004, from the three codebooks."""


TRIALS = tuple(f"LEX{foot}{site}{trial}" for foot in "LR" for site in ("MH1", "HAL", "MH5") for trial in "123")


SECOND_DAY = tuple(names[-1].replace("DR1T", "DR2T") for names in NUTRIENTS.values())
"""Raw columns of the second recalled day, which 2003-2004 alone has."""


def _layout(position: int) -> dict[str, tuple[str, ...]]:
    """Tables of one cycle and the raw columns of each that the study reads."""
    pick = ("DEMO DEMO_B DEMO_C", "LEXPN LEXPN_B LEXPN_C", "DRXTOT DRXTOT_B DR1TOT_C", "BMX BMX_B BMX_C",
            "SMQ SMQ_B SMQ_C", "ALQ ALQ_B ALQ_C", "DIQ DIQ_B DIQ_C", "LAB10 L10_B L10_C", "BPQ BPQ_B BPQ_C",
            "BPX BPX_B BPX_C", "LAB18 L40_B L40_C", "LAB06 L06_B L06NB_C", "LAB13 L13_B L13_C",
            "LEXABPI LEXAB_B LEXAB_C", "MCQ MCQ_B MCQ_C", "RXQ_RX RXQ_RX_B RXQ_RX_C", "LAB16 L16_B L16_C",
            "DSQFILE1 DSQ1_B DSQ1_C", "DSQFILE2 DSQ2_B DSQ2_C")  # fmt: skip
    first_two = position < 2
    columns = (
        ("SDMVSTRA", "SDMVPSU", "RIDSTATR", "RIAGENDR", "RIDAGEYR", "RIDRETH1", "DMDEDUC2", "INDFMPIR", "RIDEXPRG",
         "WTINT2YR", "WTMEC2YR", *(["WTMEC4YR", "WTINT4YR"] if first_two else [])),
        ("LEALPN", "LEARPN", "LEALAMP", "LEARAMP", *TRIALS),
        (("DRDDRSTS", "DRDDRSTZ", "DR1DRSTZ")[position], "WTDRD1", *(["WTDR4YR"] if first_two else []),
         ("DRDDAY", "DRDDAY", "DR1DAY")[position], ("DRQ300", "DRD300", "DR1_300")[position],
         *(raw[position] for raw in NUTRIENTS.values())),
        ("BMXBMI", "BMXHT", "BMXWT"),
        ("SMQ020", "SMQ040"),
        ("ALQ110", "ALQ120Q", "ALQ120U", "ALQ130"),
        ("DIQ010", "DIQ050", "DIQ070", "DIQ090"),
        ("LBXGH",),
        ("BPQ020", "BPQ050A", "BPQ080", "BPQ100D"),
        ("BPXSAR", "BPXDAR"),
        (("LBXSCR", "LBDSCR", "LBXSCR")[position],),
        ("LBXB12", "LBXFOL", *(["LBXMMA", ("LBXHCY", "LBDHCY")[position], "LBXBPB", "LBXBCD"] if first_two else [])),
        ("LBXTC", "LBDHDL" if first_two else "LBXHDD"),
        ("LEXLABPI", "LEXRABPI"),
        ("MCQ160C", "MCQ160E", "MCQ160F"),
        ("RXD030", "RXD240B") if first_two else ("RXDUSE", "RXDDRUG"),
        ("URXUMA", "URXUCR"),
        ("DSD010",),
        ("DSDSUPID", "DSDSUPP", "DSD070", "DSDMTCH", "DSD090", "DSDANTA",
         *(("DSD103", "DSD122Q", "DSD122U") if position else ("DSD100Q", "DSD100U", "DSD120Q", "DSD120U"))),
    )  # fmt: skip
    layout = {names.split()[position]: raw for names, raw in zip(pick, columns, strict=True)}
    if position == 2:
        layout["L06MH_C"] = ("LBXMMA", "LBXHCY")
        layout["DR2TOT_C"] = ("DR2DRSTZ", "WTDR2D", *SECOND_DAY)
    return layout


LAYOUT: dict[int, dict[str, tuple[str, ...]]] = {1999: _layout(0), 2001: _layout(1), 2003: _layout(2)}
"""Cycle to table to raw columns, SEQN left out."""

PRODUCT_LAYOUT: dict[str, tuple[str, ...]] = {
    "DSPI": ("DSDPID", "DSDPRDT", "DSDSERVQ", "DSDSERVU", "DSDSUPID"),
    "DSII": ("DSDPID", "DSDIID", "DSDINGR", "DSDQTY", "DSDUNIT"),
    "DSBI": ("DSDIID", "DSDBCNAM"),
}
"""Product tables, of all cycles and without SEQN, to raw columns."""

VITAMIN_C = "1000000100"
"""The one product there is unless a test says otherwise; it has no magnesium."""

TEXT = {"DSDSUPID", "DSDSUPP", "DSDINGR", "DSDBCNAM", "RXD240B", "RXDDRUG"}
"""Raw columns that hold text."""

# A man of 60 of whom everything is known and nothing is wrong.
_TYPICAL: dict[str, float | str] = {
    "SDMVPSU": 1, "RIDSTATR": 2, "RIAGENDR": 1, "RIDAGEYR": 60, "RIDRETH1": 3, "DMDEDUC2": 4, "INDFMPIR": 2.5,
    "WTINT2YR": 38000, "WTINT4YR": 20000, "WTMEC2YR": 40000, "WTMEC4YR": 21000, "LEALPN": 0, "LEARPN": 0,
    "WTDRD1": 48000, "WTDR4YR": 25000,
    "BMXBMI": 27.5, "BMXHT": 170, "BMXWT": 79.5, "DRDDAY": 6, "DR1DAY": 6, "DRQ300": 1, "DRD300": 2, "DR1_300": 2,
    "SMQ020": 2, "SMQ040": NAN, "ALQ110": NAN, "ALQ120Q": 2, "ALQ120U": 2, "ALQ130": 1,
    "DIQ010": 2, "DIQ050": 2, "DIQ070": NAN, "LBXGH": 5.4, "BPQ020": 2, "BPQ050A": NAN, "BPXSAR": 120, "BPXDAR": 70,
    "LBXSCR": 0.9, "LBDSCR": 0.9, "LBXB12": 400, "DRDDRSTS": 1, "DRDDRSTZ": 1, "DR1DRSTZ": 1, "DR2DRSTZ": 1,
    "LBXFOL": 12, "LBXMMA": 0.12, "LBXHCY": 8, "LBDHCY": 8, "LBXBPB": 1.6, "LBXBCD": 0.4,
    "LBXTC": 200, "LBDHDL": 50, "LBXHDD": 50,
    "LEXLABPI": 1.1, "LEXRABPI": 1.1, "RXD030": 2, "RXDUSE": 2, "RXD240B": "", "RXDDRUG": "",
    "URXUMA": 10, "URXUCR": 100, "RIDEXPRG": NAN, "LEALAMP": 1, "LEARAMP": 1, "DIQ090": 2, "BPQ080": 2, "BPQ100D": NAN,
    "MCQ160C": 2, "MCQ160E": 2, "MCQ160F": 2,
    **dict.fromkeys(SECOND_DAY, 100.0), "WTDR2D": 52000, "DR2TMAGN": 260, "DR2TKCAL": 2050,
    **{trial: 1 if trial.endswith("1") else NAN for trial in TRIALS},
    "DSD010": 1, "DSDSUPID": VITAMIN_C, "DSDSUPP": "VITAMIN C", "DSD070": 1, "DSDMTCH": 1, "DSD090": 365, "DSDANTA": 0,
    "DSD100Q": 1, "DSD100U": 1, "DSD103": 30, "DSD120Q": 1, "DSD120U": 1, "DSD122Q": 1, "DSD122U": 1,
    **{raw: 100.0 for names in NUTRIENTS.values() for raw in names},
}  # fmt: skip
_STRATUM = {1999: 1, 2001: 14, 2003: 29}  # numbered on from cycle to cycle, as in NHANES


def raw_tables(people: Iterable[Person] | None = None, **overrides: object) -> dict[str, pd.DataFrame]:
    """Raw tables of all three cycles, indexed by SEQN, holding invented people.

    Parameters
    ----------
    people : raw name to value, with ``cycle`` and, if it matters, ``SEQN``; what is not named is that of a typical man
        of 60. Default: one typical man in each cycle. People without a SEQN are numbered from 1 in their order.
    overrides : raw values that hold for all of them.

    Returns
    -------
    Table name to frame; every table of every cycle is there, if need be with no row.
    """
    if people is None:
        people = [{"cycle": cycle} for cycle in LAYOUT]
    numbered = [{"SEQN": number, **person, **overrides} for number, person in enumerate(people, start=1)]
    known = {*_TYPICAL, "SEQN", "cycle", "SDMVSTRA"}
    if unknown := {name for person in numbered for name in person} - known:
        raise ValueError(f"no raw table of the tests has {sorted(unknown)}")
    people_of = {
        table: _table([person for person in numbered if person["cycle"] == cycle], columns, stratum=_STRATUM[cycle])
        for cycle, layout in LAYOUT.items()
        for table, columns in layout.items()
    }
    return {**people_of, **product_tables([(VITAMIN_C, 1, 1, 18, ())])}


@cache
def _names(columns: tuple[str, ...]) -> pd.Index:
    """Names of columns as pandas holds them, which it makes of text anew for every frame otherwise."""
    return pd.Index(list(columns))


def _table(people: list[dict[str, object]], columns: tuple[str, ...], *, stratum: int) -> pd.DataFrame:
    typical = {**_TYPICAL, "SDMVSTRA": stratum}
    values = [[person.get(name, typical.get(name)) for name in columns] for person in people]
    index = pd.Index([person["SEQN"] for person in people], dtype="int64", name="SEQN")
    names = _names(columns)
    if TEXT.isdisjoint(columns):  # at once: column by column costs more than all that is done with the table
        return pd.DataFrame(np.array(values, dtype=float).reshape(len(people), len(columns)), index, names)
    frame = pd.DataFrame(values, index=index, columns=names)
    return frame.astype({name: str if name in TEXT else float for name in columns})


def product_tables(
    products: Iterable[tuple[str, int, float, int, tuple[tuple[int, str, float, int], ...]]],
    *,
    blends: Iterable[tuple[int, str]] = (),
) -> dict[str, pd.DataFrame]:
    """Raw product tables of an invented catalogue.

    Parameters
    ----------
    products : DSDSUPID, DSDPRDT, DSDSERVQ, DSDSERVU, and DSDIID, DSDINGR, DSDQTY, DSDUNIT of each ingredient. Their
        DSDPID counts from 501, so that it cannot be mistaken for the id that use rows have.
    blends : DSDIID and DSDBCNAM of components of blends.
    """
    listed = list(products)
    labels = [(500 + place, *product[1:4], product[0]) for place, product in enumerate(listed, start=1)]
    contents = [(500 + place, *one) for place, product in enumerate(listed, start=1) for one in product[4]]
    rows = {"DSPI": labels, "DSII": contents, "DSBI": list(blends)}
    return {
        table: pd.DataFrame(rows[table], columns=list(columns)).astype(
            {name: str if name in TEXT else float for name in columns}
        )
        for table, columns in PRODUCT_LAYOUT.items()
    }


_ELIGIBLE: dict[str, object] = {
    "cycle": 1999, "strata": 1, "psu": 1, "weight_dietary_2yr": 48000.0, "weight_dietary_4yr": 25000.0,
    "weight_mec_2yr": 40000.0, "weight_mec_4yr": 21000.0, "age_years": 60.0, "sex": "male",
    "race_ethnicity": "non_hispanic_white", "education": "more_than_high_school", "pir": 2.5, "bmi_kg_m2": 27.5,
    "height_cm": 170.0, "smoking": "never", "alcohol": "moderate", "has_diabetes": 0.0, "has_hypertension": 0.0,
    "examined": True, "recall_reliable": True, "pn_strict": 0.0, "pn_lenient": 0.0, "pn_both_feet": 0.0,
    "pn_two_sites": 0.0, "pn_any_tested": 0.0, "pad": 0.0, "magnesium_mg": 250.0, "energy_kcal": 2000.0,
    "phosphorus_mg": 1200.0, "magnesium_supplement_level": "none",
}  # fmt: skip


def participants(people: Iterable[Person] | None = None, **overrides: object) -> pd.DataFrame:
    """Harmonised rows of invented people, indexed by SEQN from 1.

    Parameters
    ----------
    people : harmonised name to value; what is not named is that of an eligible man of 60 without neuropathy, of whom
        every covariate is known. ``pn`` sets all four outcome rules. Default: one such man.
    overrides : values that hold for all of them.
    """
    rules = [name for name in _ELIGIBLE if name.startswith("pn_")]
    rows = []
    for person in [{}] if people is None else people:
        given = {**person, **overrides}
        outcomes = dict.fromkeys(rules, given.pop("pn")) if "pn" in given else {}
        if unknown := given.keys() - _ELIGIBLE.keys():
            raise ValueError(f"no harmonised column of the tests is named {sorted(unknown)}")
        rows.append({**_ELIGIBLE, **outcomes, **given})
    frame = pd.DataFrame(rows, columns=list(_ELIGIBLE), index=pd.RangeIndex(1, len(rows) + 1, name="SEQN"))
    levels = {name: pd.CategoricalDtype(list(CATEGORIES[name])) for name in CATEGORIES}
    flags = {"examined": bool, "recall_reliable": bool}
    numbers = {name: "int64" if name in ("cycle", "strata", "psu") else float for name in _ELIGIBLE}
    return frame.astype({**numbers, **levels, **flags})


def survey_tables(*, seed: int = 1, scale: float = 1.0, truth: Truth = PLANTED) -> dict[str, pd.DataFrame]:
    """Tables of an invented survey by name."""
    return tables_of(invent(seed=seed, scale=scale, truth=truth), seed=seed)


def people_of(seed: int, truth: Truth) -> pd.DataFrame:
    """Harmonised participants of an invented survey of full size."""
    tables = survey_tables(seed=seed, truth=truth)
    return harmonise({name: tables[name] for name in needed_columns()})


def read_rows(table: str) -> tuple[list[dict[str, Value]], list[dict[str, Value]]]:
    """Inputs and expected values of a table written for the eye.

    The first line names the columns, ``|`` parts inputs from expected values, ``.`` is missing, ``yes`` and ``no`` are
    flags, ``#`` begins a comment.
    """
    lines = [line.split("#")[0] for line in table.strip().splitlines()]
    header, *body = [[side.split() for side in line.split("|")] for line in lines if line.strip()]
    inputs, expected = [], []
    for line in body:
        if [len(side) for side in line] != [len(side) for side in header]:
            raise ValueError(f"{line} does not fill the columns {header}")
        inputs.append(dict(zip(header[0], map(read_value, line[0]), strict=True)))
        expected.append(dict(zip(header[1], map(read_value, line[1]), strict=True)))
    return inputs, expected


def read_value(text: str) -> Value:
    """``.`` is missing, ``yes`` and ``no`` are flags, numbers are numbers, anything else is a level."""
    words: dict[str, Value] = {".": NAN, "yes": True, "no": False}
    if text in words:
        return words[text]
    try:
        return float(text)
    except ValueError:
        return text
