"""Every study on the invented survey gives R's numbers, from the raw files on, derived twice without a shared line."""

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.cohort import select_cohort
from analysis.study import PRIMARY
from tests.reference_numbers import FOLDER, Reference, read_studies

SYNTHETIC = Reference(FOLDER / "synthetic")
STUDIES = read_studies().index.tolist()


@pytest.mark.reference
@pytest.mark.parametrize("study_id", STUDIES)
def test_study_on_the_invented_survey_matches_r_survey(participants, study_id):
    SYNTHETIC.check(participants, study_id)


@pytest.mark.reference
def test_participant_flow_on_the_invented_survey_matches_r(participants):
    theirs = pd.read_csv(SYNTHETIC.folder / "flow.csv")
    ours = select_cohort(participants, PRIMARY).flow.iloc[:5]
    np.testing.assert_array_equal(ours["n"], theirs["n"].iloc[:5])
    np.testing.assert_array_equal(ours["cases"].astype(float), theirs["cases"].iloc[:5])


def test_an_estimate_that_is_off_in_the_ninth_digit_is_noticed(participants, tmp_path):
    """The comparison itself can fail."""
    for name in ("samples", "knots", "fits", "vcov", "tests", "curve", "quintiles"):
        frame = pd.read_csv(SYNTHETIC.folder / f"{name}.csv")
        if name == "fits":
            frame["estimate"] *= 1 + 3e-8
        frame.to_csv(tmp_path / f"{name}.csv", index=False, float_format="%.17g")
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        Reference(tmp_path).check(participants, "m1")
