"""A p-value that the first draws leave undecided is drawn on, to a number stated in advance; any other is not."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.audit.referee.recall_error import calibrated_bootstrap, calibration_data
from analysis.audit.referee.table import undecided
from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.synthetic.survey import PLANTED, invent, tables_of
from analysis.dose_response.problem import set_out
from analysis.stats.measurement.regression_calibration import bootstrap_slopes
from analysis.stats.sample.replicates import bootstrap, times_drawn
from analysis.study import PRIMARY

FIRST, IN_ALL = 40, 100
EXPOSURES = ("magnesium_mg",)
SEEDS = {"undecided": 2, "decided": 4}


def people_of(seed: int) -> pd.DataFrame:
    tables = tables_of(invent(seed=seed, scale=0.5, truth=PLANTED), seed=seed)
    return harmonise({name: tables[name] for name in needed_columns()})


@pytest.fixture(scope="module", params=list(SEEDS))
def survey(request):
    return request.param, people_of(SEEDS[request.param])


def row_of(people: pd.DataFrame, *, deciding: int) -> pd.Series:
    return calibrated_bootstrap(people, EXPOSURES, True, replicates=FIRST, deciding=deciding).iloc[0]


def test_an_undecided_p_is_drawn_on_and_a_decided_one_is_not(survey) -> None:
    kind, people = survey
    first, drawn_on = row_of(people, deciding=FIRST), row_of(people, deciding=IN_ALL)
    assert undecided(first["end_slopes_p"], first["mc_error"]) == (kind == "undecided")
    assert first["draws"] == FIRST
    if kind == "decided":
        pd.testing.assert_series_equal(drawn_on, first)
    else:
        assert drawn_on["draws"] == IN_ALL
        assert drawn_on["mc_error"] < first["mc_error"]


@pytest.mark.reference
def test_batches_are_one_bootstrap_of_all_their_replicates(survey) -> None:
    """The t of the estimate over the standard deviation of all slopes, batches drawn here by hand."""
    kind, people = survey
    row, setting = row_of(people, deciding=IN_ALL), set_out(people, PRIMARY)
    data = calibration_data(people, setting, EXPOSURES)
    slopes = []
    for number, size in enumerate((40, 40, 20) if kind == "undecided" else (40,)):
        drawn = bootstrap(setting.design, replicates=size, seed=1 + number)
        found = bootstrap_slopes(data, times_drawn(drawn, setting.design), factors=drawn.factors, held=True)
        slopes.append(found.replicates)
    t = found.estimate / np.std(np.vstack(slopes), axis=0, ddof=1)
    df = setting.domain.df + 1 - (PRIMARY.knots + data.covariates.shape[1])
    assert row["end_low_p"] == pytest.approx(scipy.stats.t.cdf(t[0], df), rel=1e-12)
    assert row["end_high_p"] == pytest.approx(scipy.stats.t.sf(t[1], df), rel=1e-12)
