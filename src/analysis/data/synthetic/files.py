"""The invented people as NHANES files: names, columns, codes, skips and gaps of each table.

Columns of the real files that the analysis does not read are left out, the replicate weights WTMREP01-52 of DEMO among
them. Codes and universes are those of the CDC codebooks; rates of refusal, "don't know" and missing values are close
to the codebooks' counts.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.data.people.harmonise import SITES, TRIALS
from analysis.data.synthetic.clinic import CLASS_DRUGS, OTHER_DRUGS, UNKNOWN_NAMES
from analysis.data.synthetic.foods import food_codes, individual_foods
from analysis.data.synthetic.people import TOP_CODE, four_year
from analysis.data.synthetic.supplements import (
    product_blends,
    product_information,
    product_ingredients,
    supplement_answers,
    supplement_uses,
)
from analysis.data.synthetic.traits import INCOMPLETE, NOT_DONE, NUTRIENTS, OWN_DECIMALS, RELIABLE, day_intake

MISSING_INCOME: Mapping[int, float] = {1999: 1483 / 9965, 2001: 794 / 11039, 2003: 587 / 10122}
# 1999-2000 values x 1.013 + 0.147 are comparable with the later cycles' (NCHS note on LAB18).
CREATININE_1999_SLOPE, CREATININE_1999_OFFSET = 1.013, 0.147
YES_NO = ("1", "2", "7", "9", ".")
CODES: Mapping[str, tuple[str, ...]] = {
    "RIDSTATR": ("1", "2", "."),
    "RIAGENDR": ("1", "2", "."),
    "RIDAGEYR": ("0 to 84", "85", "."),
    "RIDRETH1": ("1", "2", "3", "4", "5", "."),
    "DMDEDUC2": ("1", "2", "3", "4", "5", "7", "9", "."),
    "INDFMPIR": ("0 to 4.99", "5", "."),
    "SDMVPSU": ("1 to 3", "."),
    "SDMVSTRA": ("1 to 43", "."),
    "LEALPN": ("0", "1", "2", "3", "-1", "."),
    "LEARPN": ("0", "1", "2", "3", "-1", "."),
    **dict.fromkeys(TRIALS, ("1", "2", "3", "8", ".")),
    "DRDDAY": ("1", "2", "3", "4", "5", "6", "7", "."),
    "DR1DAY": ("1", "2", "3", "4", "5", "6", "7", "."),
    "DRQ300": ("1", "2", "3", "7", "9", "."),
    "DRD300": ("1", "2", "3", "7", "9", "."),
    "DR1_300": ("1", "2", "3", "7", "9", "."),
    "DRDDRSTS": ("1", "2", "3", "4", "5", "."),
    "DRDDRSTZ": ("1", "2", "4", "5", "."),
    "DR1DRSTZ": ("1", "2", "4", "5", "."),
    "DR2DRSTZ": ("1", "2", "4", "5", "."),
    "SMQ020": YES_NO,
    "SMQ040": ("1", "2", "3", "7", "9", "."),
    "ALQ100": YES_NO,
    "ALD100": YES_NO,
    "ALQ101": YES_NO,
    "ALQ110": YES_NO,
    "ALQ120Q": ("0 to 365", "777", "999", "."),
    "ALQ120U": ("1", "2", "3", "7", "9", "."),
    "ALQ130": ("1 to 50", "77", "99", "."),
    "DIQ010": ("1", "2", "3", "7", "9", "."),
    "DIQ050": YES_NO,
    "DIQ070": YES_NO,
    "BPQ020": YES_NO,
    "BPQ040A": YES_NO,
    "BPQ050A": YES_NO,
    "BPQ080": YES_NO,
    "BPQ100D": YES_NO,
    "DIQ090": YES_NO,
    "LEALAMP": ("1", "2", "3", "4", "5", "6", "8", "."),
    "LEARAMP": ("1", "2", "3", "4", "5", "6", "8", "."),
    "MCQ160C": YES_NO,
    "MCQ160E": YES_NO,
    "MCQ160F": YES_NO,
    "RIDEXPRG": ("1", "2", "3", "."),
    "RXD030": YES_NO,
    "RXDUSE": YES_NO,
    "DSD010": YES_NO,
    "DSDANTA": ("0", "1", "2", "."),
    "DSD100U": ("1", "2", "3", "7", "9", "."),
    "DSDPRDT": ("1", "2", "3", "."),
}


def with_gaps(
    rng: np.random.Generator,
    values: ArrayLike,
    *,
    missing: ArrayLike = 0.0,
    odd: Mapping[int, float] | None = None,
) -> NDArray[np.float64]:
    """Put refusals, don't-knows and missing values into answers.

    Parameters
    ----------
    rng : numpy Generator.
    values : (n,) array; NaN where the question was not asked, which stays so.
    missing : share of missing answers, scalar or (n,).
    odd : code -> share of answers, such as 7 refused and 9 don't know.

    Returns
    -------
    (n,) float array.
    """
    answers = np.array(values, dtype=float)
    asked = ~np.isnan(answers)
    u = rng.random(len(answers))
    low = np.zeros(len(answers))
    shares: list[tuple[float, ArrayLike]] = [*(odd or {}).items(), (np.nan, missing)]
    for code, share in shares:
        high = low + np.asarray(share, dtype=float)
        answers[asked & (u >= low) & (u < high)] = code
        low = high
    return answers


def asked_if(condition: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Keep answers where the question was asked, missing elsewhere: one skip pattern.

    Parameters
    ----------
    condition : (n,) bool array.
    values : (n,) array.

    Returns
    -------
    (n,) float array.
    """
    return np.where(condition, np.asarray(values, dtype=float), np.nan)


def rounded_weights(weights: ArrayLike) -> NDArray[np.float64]:
    """Round weights to 1/100 person.

    Machines differ in the last binary digit of an exponential; a hundredth is coarse enough to hide that always.
    """
    return np.round(np.asarray(weights, dtype=float), 2)


def demographics(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DEMO: everyone interviewed, with design and weights; examination weight zero if not examined."""
    cycle = int(people["cycle"].iloc[0])
    exam = people["weight_exam"].to_numpy()
    interview = people["weight_interview"].to_numpy()
    four = {} if cycle == 2003 else {
        "WTINT4YR": rounded_weights(four_year(people, interview)),
        "WTMEC4YR": rounded_weights(four_year(people, exam)),
    }  # fmt: skip
    return pd.DataFrame(
        {
            "SEQN": people["seqn"],
            "SDDSRVYR": (cycle - 1997) // 2,
            "RIDEXPRG": people["RIDEXPRG"],
            "RIDSTATR": np.where(people["examined"], 2, 1),
            "RIAGENDR": np.where(people["female"], 2, 1),
            "RIDAGEYR": np.minimum(people["age"], TOP_CODE),
            "RIDRETH1": people["race"],
            "DMDEDUC2": with_gaps(
                rng, asked_if(people["age"] >= 20, people["education"]), odd={7: 0.0012, 9: 0.0024}, missing=0.0005
            ),
            "INDFMPIR": with_gaps(rng, np.round(people["pir"], 2), missing=MISSING_INCOME[cycle]),
            "WTINT2YR": rounded_weights(interview),
            "WTMEC2YR": rounded_weights(exam),
            "SDMVPSU": people["psu"],
            "SDMVSTRA": people["strata"],
        }
        | four
    )


def monofilament(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LEXPN: the examined of 40 and older."""
    rows = people[people["examined"] & (people["age"] >= 40)]
    trials = trial_columns(rows, "L", rows["left_sites"]) | trial_columns(rows, "R", rows["right_sites"])
    feet = {"LEALPN": rows["left_sites"], "LEARPN": rows["right_sites"]}
    lost = {name: rows[name] for name in ("LEALAMP", "LEARAMP")}
    return pd.DataFrame({"SEQN": rows["seqn"], **feet, **lost, **trials})


def trial_columns(rows: pd.DataFrame, foot: str, sites: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Trials of one foot that add up to its number of insensate sites.

    Nothing is drawn, so that everything else in the files stays as it is: the person's number decides which sites are
    the insensate ones and how a trial went. Of a foot that is -1 the last site could not be done; one foot in eight
    of them has an insensate site all the same.
    """
    number = rows["seqn"].to_numpy()
    found = {}
    for place, site in enumerate(SITES):
        turn = (place + number) % 3
        insensate = np.where(sites == -1, (number % 8 == 0) & (turn == 0), turn < sites)
        second_try = ~insensate & (number % 11 == place)
        untold = np.where(number % 2 == 0, 2.0, 3.0)
        trials = [np.where(insensate | second_try, untold, 1.0), np.where(insensate, untold, 1.0), np.ones(len(rows))]
        done = [np.ones(len(rows), dtype=bool), insensate | second_try, second_try]
        for trial, (went, asked) in enumerate(zip(trials, done, strict=True), start=1):
            could = np.where(
                (sites == -1) & (turn == 2), np.where(trial == 1, 8.0, np.nan), np.where(asked, went, np.nan)
            )
            found[f"LEX{foot}{site}{trial}"] = np.where(sites.isna(), np.nan, could)
    return found


def nutrient_columns(day: pd.DataFrame, *, prefix: str, cycle: int) -> pd.DataFrame:
    """Name and round the nutrients as the cycle does: two decimals in 1999-2000, the nutrient's own later."""
    own_names = {"SODI": "DRDTSODI" if cycle < 2003 else f"{prefix}SODI"} | (
        {} if cycle == 1999 else {"WATE": f"{prefix}MOIS"}
    )
    decimals = {**OWN_DECIMALS, **{suffix: nutrient.decimals for suffix, nutrient in NUTRIENTS.items()}}
    return pd.DataFrame(
        {
            own_names.get(suffix, f"{prefix}{suffix}"): day[suffix].round(2 if cycle == 1999 else decimals[suffix])
            for suffix in sorted(day, key=list(decimals).index)
        }
    )


def first_day(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DRXTOT, DRXTOT_B or DR1TOT_C: everyone examined, with weights where the recall is usable.

    In 1999-2000 incomplete recalls (status 2) still carry nutrients, a part of the true day's; later they carry none.
    """
    cycle = int(people["cycle"].iloc[0])
    rows = people[people["examined"]]
    status = rows["recall_status"].to_numpy()
    carried = (status == RELIABLE) | ((cycle == 1999) & (status == INCOMPLETE))
    part = np.where(status == INCOMPLETE, 0.2 + 0.6 * rng.random(len(rows)), 1.0)
    intake = rows[[name for name in rows if name.startswith("day1_")]].rename(columns=lambda name: name[5:])
    day = intake.mul(np.where(carried, part, np.nan), axis=0)
    weights = {"WTDRD1": rounded_weights(rows["weight_diet"])} | (
        {"WTDR2D": rounded_weights(rows["weight_two_days"])}
        if cycle == 2003
        else {"WTDR4YR": rounded_weights(four_year(rows, rows["weight_diet"].to_numpy()))}
    )
    names = {1999: ("DRDDRSTS", "DRDDAY", "DRXT"), 2001: ("DRDDRSTZ", "DRDDAY", "DRXT")}
    status_name, day_name, prefix = names.get(cycle, ("DR1DRSTZ", "DR1DAY", "DR1T"))
    head = {"SEQN": rows["seqn"]} | weights | {status_name: rows["recall_status"]}
    head |= {day_name: asked_if(status != NOT_DONE, rows["weekday"])}
    # Nothing is drawn: six in ten say that the day was as usual, which is code 1 of 1999-2000 and code 2 later.
    as_usual, less = (1.0, 2.0) if cycle == 1999 else (2.0, 1.0)
    usual = np.select([rows["seqn"] % 10 < 6, rows["seqn"] % 10 == 6], [as_usual, less], 3.0)
    asked = {1999: "DRQ300", 2001: "DRD300", 2003: "DR1_300"}[cycle]
    head |= {asked: asked_if(status != NOT_DONE, usual)}
    return pd.concat([pd.DataFrame(head), nutrient_columns(day, prefix=prefix, cycle=cycle)], axis=1)


def second_day(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DR2TOT_C: the same people's second day, by telephone, a little lower."""
    rows = people[people["examined"]].reset_index(drop=True)
    day = day_intake(rng, rows, weekday=rows["second_weekday"].to_numpy())
    status = rows["second_status"]
    day = day.mul(np.where(status == RELIABLE, 0.97, np.nan), axis=0)
    head = {
        "SEQN": rows["seqn"],
        "WTDRD1": rounded_weights(rows["weight_diet"]),
        "WTDR2D": rounded_weights(rows["weight_two_days"]),
        "DR2DRSTZ": status,
        "DR2DAY": asked_if(status != NOT_DONE, rows["second_weekday"]),
    }
    return pd.concat([pd.DataFrame(head), nutrient_columns(day, prefix="DR2T", cycle=2003)], axis=1)


def body_measures(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write BMX: everyone examined; height and BMI from two years of age."""
    rows = people[people["examined"]]
    gaps = with_gaps(rng, np.where(rows["age"] >= 2, 1.0, np.nan), missing=np.where(rows["stays"], 0.008, 0.12))
    bmi_gap = with_gaps(rng, gaps, missing=0.002)
    return pd.DataFrame(
        {
            "SEQN": rows["seqn"],
            "BMXWT": np.round(rows["bmi"] * (rows["height"] / 100) ** 2, 1) * gaps,
            "BMXHT": np.round(rows["height"], 1) * gaps,
            "BMXBMI": np.round(rows["bmi"], 2) * bmi_gap,
        }
    )


def smoking(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write SMQ: interviewed adults of 20 and older; SMQ040 only after SMQ020 = 1."""
    rows = people[people["age"] >= 20]
    ever = with_gaps(rng, np.where(rows["ever_smoked"], 1, 2), odd={7: 0.0007, 9: 0.0012}, missing=0.0005)
    now = with_gaps(rng, asked_if(ever == 1, rows["smokes"]), odd={9: 0.0004})
    return pd.DataFrame({"SEQN": rows["seqn"], "SMQ020": ever, "SMQ040": now})


def alcohol(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write ALQ: examined adults of 20 and older.

    Twelve drinks in a year leads to the frequency; otherwise twelve in a lifetime is asked, and no ends the section.
    A frequency of zero (or unknown, for the unit) ends it too.
    """
    rows = people[people["examined"] & (people["age"] >= 20)]
    absent = np.where(rows["stays"], 0.012, 0.70)
    year = with_gaps(rng, np.where(rows["twelve_a_year"], 1, 2), odd={9: 0.0004}, missing=absent)
    life = with_gaps(rng, asked_if(year == 2, np.where(rows["twelve_a_life"], 1, 2)), odd={9: 0.0012})
    times = with_gaps(rng, asked_if((year == 1) | (life == 1), rows["drink_times"]), odd={999: 0.0012, 777: 0.0001})
    unit = asked_if((times > 0) & (times < 777), rows["drink_unit"])
    drinks = with_gaps(rng, asked_if((times > 0) & (times != 777), rows["drinks"]), odd={99: 0.0016, 77: 0.0001})
    first = {1999: "ALQ100", 2001: "ALD100", 2003: "ALQ101"}[int(people["cycle"].iloc[0])]
    return pd.DataFrame(
        {"SEQN": rows["seqn"], first: year, "ALQ110": life, "ALQ120Q": times, "ALQ120U": unit, "ALQ130": drinks}
    )


def diabetes(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write DIQ: interviewed from one year of age; pills (DIQ070) only after DIQ010 = 1; 1999-2000 insulin from 12."""
    rows = people[people["age"] >= 1]
    borderline = (rows["hba1c"] > 5.7) & (rng.random(len(rows)) < 0.09)
    told = np.where(rows["has_diagnosis"], 1, np.where(borderline, 3, 2))
    told = with_gaps(rng, told, odd={7: 0.0001, 9: 0.0005}, missing=0.0003)
    insulin = np.where(rng.random(len(rows)) < np.where(told == 1, 0.27, 0.0002), 1, 2)
    insulin = with_gaps(rng, asked_if((rows["cycle"] > 1999) | (rows["age"] >= 12), insulin), odd={9: 0.0002})
    pills = np.where(rng.random(len(rows)) < 0.68, 1, 2)
    pills = with_gaps(rng, asked_if(told == 1, pills), odd={9: 0.005})
    return pd.DataFrame(
        {"SEQN": rows["seqn"], "DIQ010": told, "DIQ050": insulin, "DIQ070": pills, "DIQ090": rows["DIQ090"]}
    )


def blood_pressure_interview(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write BPQ: interviewed from 16 years; medicine is asked after a diagnosis, its use after a prescription."""
    rows = people[people["age"] >= 16]
    told = with_gaps(rng, np.where(rows["told_hypertension"], 1, 2), odd={9: 0.002}, missing=0.004)
    treated = np.where(rng.random(len(rows)) < np.where(rows["age"] >= 40, 0.86, 0.55), 1, 2)
    prescribed = with_gaps(rng, asked_if(told == 1, treated), odd={7: 0.0003, 9: 0.0015})
    taking = np.where(rng.random(len(rows)) < 0.885, 1, 2)
    taking = with_gaps(rng, asked_if(prescribed == 1, taking), odd={9: 0.0005})
    answers = {"BPQ020": told, "BPQ040A": prescribed, "BPQ050A": taking}
    return pd.DataFrame({"SEQN": rows["seqn"], **answers, **{name: rows[name] for name in ("BPQ080", "BPQ100D")}})


def blood_pressure(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write BPX: everyone examined; measured from eight years of age."""
    rows = people[people["examined"]]
    gaps = with_gaps(rng, np.where(rows["age"] >= 8, 1.0, np.nan), missing=np.where(rows["stays"], 0.03, 0.30))
    return pd.DataFrame(
        {"SEQN": rows["seqn"], "BPXSAR": np.round(rows["sbp"]) * gaps, "BPXDAR": np.round(rows["dbp"]) * gaps}
    )


def blood_gaps(rng: np.random.Generator, rows: pd.DataFrame, *, share: float) -> NDArray[np.float64]:
    """Say whose blood was drawn: 1, or missing, more often for those who left early."""
    return with_gaps(rng, np.ones(len(rows)), missing=np.where(rows["stays"], share, 0.25))


def glycohemoglobin(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LAB10: examined from 12 years."""
    rows = people[people["examined"] & (people["age"] >= 12)]
    return pd.DataFrame({"SEQN": rows["seqn"], "LBXGH": np.round(rows["hba1c"], 1) * blood_gaps(rng, rows, share=0.04)})


def biochemistry(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LAB18: examined from 12 years; 1999-2000 creatinine on its own, uncalibrated scale."""
    cycle = int(people["cycle"].iloc[0])
    rows = people[people["examined"] & (people["age"] >= 12)]
    value = rows["creatinine"]
    if cycle == 1999:
        value = np.maximum((value - CREATININE_1999_OFFSET) / CREATININE_1999_SLOPE, 0.2)
    name = "LBDSCR" if cycle == 2001 else "LBXSCR"
    return pd.DataFrame({"SEQN": rows["seqn"], name: np.round(value, 1) * blood_gaps(rng, rows, share=0.06)})


def vitamins(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LAB06: examined from one year; from three years all but metals; with MMA and metals before 2003."""
    rows = people[people["examined"] & (people["age"] >= 1)]
    blood = blood_gaps(rng, rows, share=0.07)
    drawn = blood * np.where(rows["age"] >= 3, 1.0, np.nan)
    values = {"LBXB12": np.round(rows["b12"]) * drawn, "LBXFOL": np.round(rows["folate"], 1) * drawn}
    cycle = int(people["cycle"].iloc[0])
    if cycle < 2003:
        values |= {
            "LBXMMA": np.round(rows["mma"], 2) * drawn,
            "LBDHCY" if cycle == 2001 else "LBXHCY": homocysteine(rows) * drawn,
            "LBXBPB": np.round(rows["lead"], 1) * blood,
            "LBXBCD": np.round(rows["cadmium"], 1) * blood,
        }
    return pd.DataFrame({"SEQN": rows["seqn"], **values})


def methylmalonic_acid(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write L06MH_C: examined from three years."""
    rows = people[people["examined"] & (people["age"] >= 3)]
    drawn = blood_gaps(rng, rows, share=0.08)
    return pd.DataFrame(
        {"SEQN": rows["seqn"], "LBXMMA": np.round(rows["mma"], 3) * drawn, "LBXHCY": homocysteine(rows) * drawn}
    )


def homocysteine(rows: pd.DataFrame) -> pd.Series:
    """Homocysteine, µmol/L: like methylmalonic acid it rises where vitamin B12 is short, and with age."""
    return (3 + 20 * rows["mma"] + 0.04 * rows["age"]).clip(upper=110).round(2)


def cholesterol(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LAB13: examined from three years; HDL under another name in 2003-2004."""
    rows = people[people["examined"] & (people["age"] >= 3)]
    drawn = blood_gaps(rng, rows, share=0.07)
    hdl = "LBXHDD" if int(people["cycle"].iloc[0]) == 2003 else "LBDHDL"
    return pd.DataFrame(
        {"SEQN": rows["seqn"], "LBXTC": np.round(rows["cholesterol"]) * drawn, hdl: np.round(rows["hdl"]) * drawn}
    )


def ankle_brachial_index(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LEXABPI: the examined of 40 and older."""
    rows = people[people["examined"] & (people["age"] >= 40)]
    legs = {name: np.round(rows[leg], 2) for name, leg in (("LEXLABPI", "abi_left"), ("LEXRABPI", "abi_right"))}
    return pd.DataFrame({"SEQN": rows["seqn"], **legs})


def prescriptions(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write RXQ_RX: everyone interviewed, a row for each drug, or one row without a name."""
    cycle, seqn = int(people["cycle"].iloc[0]), people["seqn"].to_numpy()
    use, name = ("RXDUSE", "RXDDRUG") if cycle == 2003 else ("RXD030", "RXD240B")
    drugs = []
    for column, pool in (("diuretic_drug", CLASS_DRUGS["diuretic"]), ("ppi_drug", CLASS_DRUGS["ppi"])):
        place = people[column].to_numpy()
        drugs.append(pd.DataFrame({"SEQN": seqn[place > 0], name: np.array(pool)[place[place > 0] - 1]}))
    for column, pool in (("other_drugs", OTHER_DRUGS), ("unknown_drug", UNKNOWN_NAMES)):
        takers = np.repeat(seqn, people[column].to_numpy())
        drugs.append(pd.DataFrame({"SEQN": takers, name: np.array(pool)[rng.integers(len(pool), size=len(takers))]}))
    taken = pd.concat(drugs).assign(**{use: 1.0})
    others = seqn[~np.isin(seqn, taken["SEQN"])]
    answers = with_gaps(rng, np.full(len(others), 2.0), odd={7: 0.002, 9: 0.0005}, missing=0.001)
    none = pd.DataFrame({"SEQN": others, name: "", use: answers})
    return pd.concat([taken, none])[["SEQN", use, name]].sort_values(["SEQN", name])


def urine(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write LAB16: examined from six years; albumin (µg/mL) is higher with diabetes and with poor kidneys."""
    rows = people[people["examined"] & (people["age"] >= 6)]
    z = rng.standard_normal((len(rows), 2))
    given = with_gaps(rng, np.ones(len(rows)), missing=np.where(rows["stays"], 0.02, 0.20))
    creatinine = np.clip(120 * np.exp(0.55 * z[:, 0]), 5, 700)
    poor = np.log(np.maximum(rows["creatinine"], 1.2) / 1.2)
    ratio = 7.0 * np.exp(0.75 * z[:, 1] + 0.9 * rows["has_diabetes"] + 1.5 * poor)
    albumin = np.clip(ratio * creatinine / 100, 0.2, 16_000)
    return pd.DataFrame(
        {"SEQN": rows["seqn"], "URXUMA": np.round(albumin, 1) * given, "URXUCR": np.round(creatinine) * given}
    )


def medical_conditions(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write MCQ: interviewed from one year of age; heart and stroke are asked from 20."""
    rows = people[people["age"] >= 1]
    return pd.DataFrame({"SEQN": rows["seqn"], **{name: rows[name] for name in ("MCQ160C", "MCQ160E", "MCQ160F")}})


Writer = Callable[[np.random.Generator, pd.DataFrame], pd.DataFrame]
CONTENTS: tuple[tuple[str, Writer, tuple[str, ...]], ...] = (
    ("demographics, design, weights", demographics, ("DEMO", "DEMO_B", "DEMO_C")),
    ("monofilament examination", monofilament, ("LEXPN", "LEXPN_B", "LEXPN_C")),
    ("total nutrients, day 1", first_day, ("DRXTOT", "DRXTOT_B", "DR1TOT_C")),
    ("total nutrients, day 2", second_day, ("", "", "DR2TOT_C")),
    ("body measures", body_measures, ("BMX", "BMX_B", "BMX_C")),
    ("smoking", smoking, ("SMQ", "SMQ_B", "SMQ_C")),
    ("alcohol", alcohol, ("ALQ", "ALQ_B", "ALQ_C")),
    ("diabetes", diabetes, ("DIQ", "DIQ_B", "DIQ_C")),
    ("HbA1c", glycohemoglobin, ("LAB10", "L10_B", "L10_C")),
    ("blood pressure, questionnaire", blood_pressure_interview, ("BPQ", "BPQ_B", "BPQ_C")),
    ("blood pressure, measured", blood_pressure, ("BPX", "BPX_B", "BPX_C")),
    ("biochemistry (creatinine)", biochemistry, ("LAB18", "L40_B", "L40_C")),
    ("vitamin B12 and folate", vitamins, ("LAB06", "L06_B", "L06NB_C")),
    ("homocysteine and methylmalonic acid", methylmalonic_acid, ("", "", "L06MH_C")),
    ("total and HDL cholesterol", cholesterol, ("LAB13", "L13_B", "L13_C")),
    ("ankle-brachial index", ankle_brachial_index, ("LEXABPI", "LEXAB_B", "LEXAB_C")),
    ("prescription drugs", prescriptions, ("RXQ_RX", "RXQ_RX_B", "RXQ_RX_C")),
    ("urine albumin and creatinine", urine, ("LAB16", "L16_B", "L16_C")),
    ("supplements, counts per person", supplement_answers, ("DSQFILE1", "DSQ1_B", "DSQ1_C")),
    ("supplements, products used", supplement_uses, ("DSQFILE2", "DSQ2_B", "DSQ2_C")),
    ("supplements, product information", product_information, ("DSPI", "", "")),
    ("supplements, ingredients of products", product_ingredients, ("DSII", "", "")),
    ("supplements, blends", product_blends, ("DSBI", "", "")),
    ("individual foods, day 1", individual_foods, ("DRXIFF", "DRXIFF_B", "DR1IFF_C")),
    ("food codes", food_codes, ("DRXFMT", "DRXFMT_B", "DRXFCD_C")),
    ("medical conditions", medical_conditions, ("MCQ", "MCQ_B", "MCQ_C")),
)
