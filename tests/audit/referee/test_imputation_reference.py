"""Model 2 after multiple imputation on the real files beside R's mice and survey, up to Monte Carlo error."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.audit.referee.missing import FULL, completed_frames
from analysis.dose_response.fits import fit_problem
from analysis.dose_response.problem import pose
from analysis.pipeline.participants import read_participants
from analysis.stats.missing.imputation import combine
from analysis.study import PRIMARY
from tests.audit.referee.test_real_referee import FOLDERS
from tests.reference_numbers import FOLDER

pytestmark = [pytest.mark.real, pytest.mark.reference]

IMPUTATIONS = 10
MONTE_CARLO = 3.0
"""Combined Monte Carlo errors, sqrt(B/m) on each side, within which the pooled estimates must agree."""


def test_pooled_curve_is_that_of_mice() -> None:
    people = read_participants(FOLDERS)[0]
    study = dataclasses.replace(PRIMARY, model=FULL)
    chain = completed_frames(people, study, imputations=IMPUTATIONS, seed=1)
    fits = [fit_problem(pose(done, study)) for done in chain]
    betas, vcovs = np.array([fit.beta for fit in fits]), np.array([fit.vcov for fit in fits])
    pooled = combine(betas, vcovs, complete_df=fits[0].residual_df)
    known = pd.read_csv(FOLDER / "real" / "referee_imputed.csv").set_index("term")
    spline = slice(1, 4)
    theirs = known.iloc[spline]
    error = np.hypot(pooled.mc_error[spline], np.sqrt(theirs["between"] / theirs["m"]).to_numpy())
    off = np.abs(pooled.estimate[spline] - theirs["estimate"].to_numpy()) / error
    assert np.all(off < MONTE_CARLO), off
    # Standard errors are mostly those within, which do not depend on what was drawn.
    np.testing.assert_allclose(np.sqrt(np.diag(pooled.within)[spline]), np.sqrt(theirs["within"]), rtol=0.01)
