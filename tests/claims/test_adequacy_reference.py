"""Adequacy and recall error are R's, on the invented survey and on the real files."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.adequacy import IntakeAdequacy, intake_adequacy
from analysis.claims.recall import RecallReliability, recall
from analysis.pipeline.participants import read_participants
from tests.claims import FOLDERS
from tests.reference_numbers import FOLDER, RTOL

pytestmark = pytest.mark.reference

VARIANCES = ("n_both", "within", "within_std_error", "total", "reliability", "reliability_std_error")
MOMENTS = ("n", "within", "first", "second", "covariance", "reliability", "icc", "correlation")


def assert_as_r_has_it(found: IntakeAdequacy, days: RecallReliability, folder: str) -> None:
    shares = found.shares.dropna(subset="estimate")
    same(folder, "adequacy_shares", shares, ["domain", "sex", "ages", "quantity"], ("n", "df", "estimate", "std_error"))
    same(folder, "adequacy_variances", found.variances, ["sex"], VARIANCES)
    below = found.exposures["exposure"].str.startswith("below")
    assert found.exposures["n_exposed"].notna().equals(below)
    odds = ("n", "cases", "n_exposed", "df", "estimate", "std_error", "p_value", "conf_low", "conf_high")
    same(folder, "adequacy_odds", found.exposures, ["exposure", "model", "x"], odds)
    same(folder, "recall_agreement", days.agreement, ["domain", "scale", "adjusted", "weighted"], MOMENTS)
    slope = ("n", "cases", "df", "estimate", "std_error", "reliability", "corrected", "corrected_se")
    same(folder, "recall_slopes", days.slopes, ["model"], slope)


def same(folder: str, name: str, ours: pd.DataFrame, key: list[str], numbers: tuple[str, ...]) -> None:
    theirs = pd.read_csv(FOLDER / folder / f"{name}.csv", dtype={"model": str})
    both = ours.merge(theirs, on=key, suffixes=("", "_r"), validate="one_to_one")
    assert len(both) == len(ours) == len(theirs) > 0, name
    for number in numbers:
        mine, rs = both[number].to_numpy(dtype=float), both[f"{number}_r"].to_numpy(dtype=float)
        exactly = number in ("n", "cases", "n_exposed", "n_both", "df")
        np.testing.assert_allclose(mine, rs, rtol=0 if exactly else RTOL, err_msg=f"{name} {number}")


def test_an_invented_survey_gives_rs_numbers(answers) -> None:
    assert_as_r_has_it(answers["adequacy"], answers["recall"], "synthetic")


@pytest.mark.real
def test_the_real_files_give_rs_numbers() -> None:
    people, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    assert_as_r_has_it(intake_adequacy(people), recall(people), "real")
