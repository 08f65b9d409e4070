"""Effect modification is R's, on the invented survey and on the real files."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.modifiers import DECLARED, Modification, modifiers
from analysis.claims.rows import TWO_MODELS
from analysis.dose_response.modifiers import ARMS
from analysis.pipeline.participants import read_participants
from tests.claims import FOLDERS
from tests.reference_numbers import FOLDER, RTOL

pytestmark = pytest.mark.reference

EXPOSURES = ("magnesium_mg", "magnesium_total_mg")
COUNTS = ("n", "cases", "df_num", "df_den", "df")
TESTED = ("n", "cases", "statistic", "df_num", "df_den", "p_value", "rao_scott_p", "holm_p", "bh_p")
RACE_LEVELS = next(modifier.levels for _, modifier in DECLARED if modifier.name == "race_ethnicity")
TOLD = ("n", "cases", "reference", "estimate", "std_error", "df", "conf_low", "conf_high")


def theirs(folder: str, name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / folder / f"modifiers_{name}.csv", dtype={"model": str})


def assert_as_r_has_it(found: Modification, folder: str) -> None:
    same(theirs(folder, "tests"), found.tests, ["exposure", "model", "modifier"], TESTED)
    assert len(found.tests) == len(DECLARED) * len(TWO_MODELS) * len(EXPOSURES)
    arms = found.arms[found.arms["cases"].notna()]
    assert set(arms["x"]) == set(ARMS)
    same(theirs(folder, "arms"), arms, ["exposure", "model", "modifier", "level", "x"], TOLD)
    assert_race(found.tests, folder)


def assert_race(tests: pd.DataFrame, folder: str) -> None:
    """Ours is of full rank and R's number of that; beside the covariate that the levels are sums of, R drops three."""
    race = theirs(folder, "race").set_index("covariate")
    ours = tests.query("exposure == 'magnesium_mg' and model == '1' and modifier == 'race_ethnicity'").iloc[0]
    assert race.loc["replaced", "rank"] == race.loc["replaced", "coefficients"]
    assert race.loc["beside", "coefficients"] - race.loc["beside", "rank"] == len(RACE_LEVELS) - 1
    for name in ("n", "statistic", "df_num", "df_den", "p_value"):
        np.testing.assert_allclose(ours[name], race.loc["replaced", name], rtol=RTOL, err_msg=name)


def same(known: pd.DataFrame, ours: pd.DataFrame, key: list[str], numbers: tuple[str, ...]) -> None:
    both = ours.merge(known, on=key, suffixes=("", "_r"), validate="one_to_one")
    assert len(both) == len(ours) == len(known)
    for name in numbers:
        mine, rs = both[name].to_numpy(dtype=float), both[f"{name}_r"].to_numpy(dtype=float)
        np.testing.assert_allclose(mine, rs, rtol=0 if name in COUNTS else RTOL, err_msg=name)


def test_an_invented_survey_gives_rs_numbers(answers) -> None:
    assert_as_r_has_it(answers["modifiers"], "synthetic")


@pytest.mark.real
def test_the_real_files_give_rs_numbers() -> None:
    people, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    assert_as_r_has_it(modifiers(people), "real")
