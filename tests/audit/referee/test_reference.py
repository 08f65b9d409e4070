"""Every answer to the referee that is not drawn is R's on the invented survey; for the real files see the neighbour."""

import numpy as np
import pandas as pd
import pytest

from analysis.audit.referee.ends import ends
from analysis.audit.referee.form import form
from analysis.audit.referee.missing import covariates_missing, people_missing
from analysis.audit.referee.rows import rows_that_change_nothing
from analysis.audit.referee.under_reporting import indicator_odds, under_reporting
from analysis.audit.usual_intake import attenuations
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.problem import set_out
from analysis.study import PRIMARY
from tests.people import people_of
from tests.reference_numbers import FOLDER, RTOL

pytestmark = pytest.mark.reference

NUMBERS = ("nonlinear_p", "end_low_p", "end_high_p", "level_low_p", "level_high_p", "log_or_low", "log_or_high")


def undrawn(people: pd.DataFrame) -> pd.DataFrame:
    """Every row of the referee's table that R was asked for, by what was done."""
    parts = [
        ends(people), under_reporting(people), form(people), covariates_missing(people, imputations=3)["rows"],
        people_missing(people)["rows"], rows_that_change_nothing(people)["rows"],
    ]  # fmt: skip
    return pd.concat(parts).drop_duplicates("done").set_index("done")


def theirs(folder: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / folder / "referee_rows.csv").set_index("done")


def assert_as_r_has_it(answers: pd.DataFrame, folder: str) -> None:
    known = theirs(folder)
    ours = answers.loc[known.index]
    assert len(known) > 30
    assert (ours[["n", "cases"]] == known[["n", "cases"]]).all(axis=None)
    np.testing.assert_allclose(ours[list(NUMBERS)].astype(float), known[list(NUMBERS)], rtol=RTOL)


def assert_attenuations_as_r_has_them(people: pd.DataFrame, folder: str) -> None:
    known = pd.read_csv(FOLDER / folder / "recall_attenuation.csv").set_index(["exposures", "own"])
    setting = set_out(people, PRIMARY)
    for exposures in (("magnesium_mg",), ("magnesium_mg", "energy_kcal")):
        rows = known.loc[[(" ".join(exposures), own) for own in exposures]]
        found = attenuations(people, setting, exposures)
        np.testing.assert_allclose(found, rows[["attenuation", "conf_low", "conf_high"]], rtol=RTOL)


@pytest.fixture(scope="module")
def people(shared) -> pd.DataFrame:
    return shared.answer(people_of, 1, PLANTED)


def test_every_answer_on_the_invented_survey_is_rs(people: pd.DataFrame) -> None:
    assert_as_r_has_it(undrawn(people), "synthetic")


def test_the_odds_of_under_reporters_are_rs(people: pd.DataFrame) -> None:
    known = theirs("synthetic")["under_reporter"].dropna()
    np.testing.assert_allclose(indicator_odds(people)["odds_ratio"], np.exp(known), rtol=RTOL)


def test_attenuations_and_their_intervals_are_rs(people: pd.DataFrame) -> None:
    assert_attenuations_as_r_has_them(people, "synthetic")
