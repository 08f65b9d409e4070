"""Curves, odds ratios, shares and means of supplements are R's, on the invented survey and on the real files."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.supplements import EXPOSURES, TERMS, SupplementAnswers, supplements
from analysis.data.people.harmonise import needed_columns
from analysis.data.people.supplements import reported_medians, use_rows
from analysis.data.source.reading import read_table
from analysis.pipeline.folders import Folders
from analysis.pipeline.participants import read_participants
from tests.claims import FOLDERS
from tests.reference_numbers import FOLDER, RTOL

pytestmark = pytest.mark.reference

LEVEL = "magnesium_supplement_level"
LEVELS = {"level_to_100": 0, "level_to_350": 1, "level_above_350": 2}
"""R's terms to the place of ours among the levels, the first of which is none."""


def theirs(folder: str, name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / folder / f"supplements_{name}.csv", dtype={"model": str}, keep_default_na=False)


def assert_as_r_has_it(found: SupplementAnswers, folder: str) -> None:
    assert_curves(found.odds, folder)
    assert_terms(found.odds, folder)
    assert_amounts(found.amounts, folder)


def assert_curves(odds: pd.DataFrame, folder: str) -> None:
    for name, kind, place in (("curves", "curve", "x"), ("tests", "test", "term")):
        known = theirs(folder, name).rename(columns={"test": "term"})
        known["what"] = known["exposure"].map(EXPOSURES)
        curves = known.dropna(subset="what")
        ours = odds[(odds["kind"] == kind) & odds["what"].isin(EXPOSURES.values())]
        both = curves.merge(ours, on=["what", "group", "model", place], suffixes=("_r", ""), validate="one_to_one")
        assert len(both) == len(curves) == len(ours) > 0
        same(both, ("n", "cases"), exactly=True)
        if kind == "curve":
            both["estimate_r"], both["estimate"] = both["log_or"], both["estimate"].astype(float)
            same(both, ("estimate", "std_error", "odds_ratio", "conf_low", "conf_high"))
        else:
            same(both, ("df_num", "df"), exactly=True)
            same(both, ("statistic", "p_value"))


def assert_terms(odds: pd.DataFrame, folder: str) -> None:
    fits = theirs(folder, "fits")
    fits["what"] = fits["what"].replace("level", LEVEL).map(TERMS)
    ours = odds[(odds["kind"] == "odds_ratio") & odds["what"].isin(TERMS.values())].copy()
    ours["place"] = ours.groupby(["what", "model"]).cumcount()
    fits["place"] = fits["term"].map(LEVELS).fillna(0).astype(int)
    both = fits.merge(ours, on=["what", "model", "place"], suffixes=("_r", ""), validate="one_to_one")
    assert len(both) == len(fits) == len(ours) == 16
    same(both, ("n", "cases", "df"), exactly=True)
    both["conf_low_r"], both["conf_high_r"] = np.exp(both["conf_low_r"]), np.exp(both["conf_high_r"])
    same(both, ("estimate", "std_error", "p_value", "conf_low", "conf_high"))
    joint = theirs(folder, "tests").query("test == 'all'").assign(what=TERMS[LEVEL])
    both = joint.merge(odds[odds["term"] == "all"], on=["what", "model"], suffixes=("_r", ""), validate="one_to_one")
    assert len(both) == 2
    same(both, ("df_num", "df"), exactly=True)
    same(both, ("statistic", "p_value"))


def assert_amounts(amounts: pd.DataFrame, folder: str) -> None:
    known = theirs(folder, "amounts")
    known["count"] = pd.to_numeric(known["count"])
    known["domain"] = known["domain"].str.replace("/", ", ")
    shown = amounts.dropna(subset="estimate")
    shown = shown[~((shown["kind"] == "share") & shown["count"].isna())]
    both = known.merge(shown, on=["kind", "what", "domain"], suffixes=("_r", ""), validate="one_to_one")
    assert len(both) == len(known) == len(shown) > 60
    same(both, ("n", "df"), exactly=True)
    same(both[both["kind"] == "share"], ("count",), exactly=True)
    same(both, ("estimate", "std_error"))


def same(both: pd.DataFrame, names: tuple[str, ...], *, exactly: bool = False) -> None:
    for name in names:
        ours, rs = both[name].to_numpy(dtype=float), both[f"{name}_r"].to_numpy(dtype=float)
        np.testing.assert_allclose(ours, rs, rtol=0 if exactly else RTOL, err_msg=name)


def assert_rows(folders: Folders, folder: str) -> None:
    """Use rows before they are anybody's: how many hold magnesium, and how much."""
    registry = folders.registry()
    tables = {name: read_table(registry, folders.raw, name, columns=columns)
              for name, columns in needed_columns().items() if name.startswith("DS")}  # fmt: skip
    rows = use_rows(tables)
    rows["imputed"] &= rows["with_mg"]
    rows["user"] = rows["SEQN"].where(rows["with_mg"])
    ours = rows.groupby(["cycle", "kind"]).agg(rows=("SEQN", "size"), with_mg=("with_mg", "sum"),
        imputed=("imputed", "sum"), users=("user", "nunique"), mg_day=("mg_day", "sum"))  # fmt: skip
    ours["times"] = reported_medians(rows)["times"]
    known = theirs(folder, "rows")
    both = known.merge(ours.reset_index(), on=["cycle", "kind"], suffixes=("_r", ""), validate="one_to_one")
    assert len(both) == len(known) == len(ours) == 6
    same(both, ("rows", "with_mg", "imputed", "users", "times"), exactly=True)
    same(both, ("mg_day",))


def test_use_rows_of_an_invented_survey_are_rs(demo) -> None:
    assert_rows(demo, "synthetic")


@pytest.mark.real
def test_use_rows_of_the_real_files_are_rs() -> None:
    assert_rows(FOLDERS, "real")


def test_an_invented_survey_gives_rs_numbers(answers) -> None:
    assert_as_r_has_it(answers["supplements"], "synthetic")


@pytest.mark.real
def test_the_real_files_give_rs_numbers() -> None:
    people, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    assert_as_r_has_it(supplements(people), "real")
