"""Calibration is refused where the days do not go together; a p-value that draws leave undecided is drawn on."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.audit.referee.questions import referee_tasks, without_answer
from analysis.audit.referee.recall_error import (
    calibrated,
    calibrated_bootstrap,
    simulated_extrapolated,
)
from analysis.audit.referee.table import undecided
from analysis.audit.runner import run_tasks
from analysis.audit.usual_intake import attenuations, calibration_data
from analysis.data.people.harmonise import harmonise, needed_columns
from analysis.data.synthetic.survey import invent, tables_of
from analysis.data.synthetic.truth import PLANTED
from analysis.dose_response.problem import set_out
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.measurement.regression_calibration import bootstrap_slopes
from analysis.stats.measurement.simex import simex
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.sample.replicates import bootstrap, times_drawn
from analysis.study import PRIMARY, StudyError
from tests.people import people_of as people_of_survey

FIRST, IN_ALL = 40, 100
EXACT = 1e-6
"""Two ways to the same maximum, each converged to better than this; an extrapolation is a sum of nine of them."""

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


# ---- SIMEX
@pytest.mark.reference
def test_rows_of_simex_are_those_of_the_curve_written_out(shared) -> None:
    """Days, knots, error and design matrix from the people themselves; each fit by the exact routine."""
    people = shared.answer(people_of_survey, 1, PLANTED)
    setting = set_out(people, PRIMARY)
    rows, eligible = setting.domain.rows, setting.eligible
    both = rows & (people["recall2_reliable"] & people["magnesium_mg_day2"].notna()).to_numpy(dtype=bool)
    first, second = (people.loc[both, name].to_numpy() ** 0.25 for name in ("magnesium_mg", "magnesium_mg_day2"))
    spline = RestrictedCubicSpline(place_knots(eligible, PRIMARY.knots))
    ends, middle = np.quantile(eligible, [0.05, 0.95]), np.median(eligible, keepdims=True)
    lines = np.vstack([spline.derivative(ends), spline.basis(ends) - spline.basis(middle)])
    terms = tuple(f"x{place}" for place in range(1 + spline.columns + setting.adjustment.shape[1]))

    def at_ends(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        X = np.column_stack([np.ones(x.size), spline.basis(x), setting.adjustment[rows]])
        fit = fit_logistic(X, setting.y[rows], design=setting.design, domain=setting.domain, terms=terms)
        own = slice(1, 1 + spline.columns)
        return lines @ fit.beta[own], np.diag(lines @ fit.vcov[own, own] @ lines.T)

    error = np.cov(first - second, aweights=people.loc[both, "weight_dietary_2day"], ddof=0) / 2
    by_hand = simex(
        at_ends, people.loc[rows, "magnesium_mg"].to_numpy(), variance=error,
        to_scale=lambda x: x**0.25, from_scale=lambda z: np.maximum(z, 0.0) ** 4, draws=2,
    )  # fmt: skip
    found = simulated_extrapolated(people, draws=2)
    df = setting.domain.df + 1 - len(terms)
    for row, one in zip(found.itertuples(), (by_hand[1], by_hand[2]), strict=True):
        t = one.estimate / one.std_error
        p = [scipy.stats.t.cdf(t[0], df), *scipy.stats.t.sf(t[1:], df)]
        assert [row.end_low_p, row.end_high_p, row.level_low_p, row.level_high_p] == pytest.approx(p, rel=EXACT)
        assert [row.log_or_low, row.log_or_high] == pytest.approx(one.estimate[2:], rel=EXACT)


# ---- days that do not go together
LINOLENIC = dataclasses.replace(PRIMARY, exposure="pfa_18_3_g")


@pytest.fixture(scope="module")
def shuffled(shared) -> pd.DataFrame:
    """A survey whose second days of linolenic acid are somebody else's; those of energy are one's own."""
    people = shared.answer(people_of_survey, 1, PLANTED).copy()
    day = people["pfa_18_3_g_day2"]
    people.loc[day.notna(), "pfa_18_3_g_day2"] = np.random.default_rng(1).permutation(day.dropna())
    return people


def test_no_curve_is_calibrated_on_days_that_do_not_go_together(shuffled) -> None:
    found = calibrated(shuffled, study=LINOLENIC)
    assert found["rows"]["done"].tolist() == ["primary"]
    left = found["left"].set_index("done")["reason"]
    assert left.index.tolist() == [
        "calibrated PFA 18:3, taken as known", "calibrated PFA 18:3 and energy, taken as known"
    ]  # fmt: skip
    for reason in left:
        assert reason.startswith("PFA 18:3 has an attenuation of ")
        assert "and energy has" not in reason
        assert reason.endswith("is not shown to go with the first, so intake cannot be calibrated on it.")
    for exposures in (("pfa_18_3_g",), ("pfa_18_3_g", "energy_kcal")):
        with pytest.raises(StudyError, match="not shown to go with the first"):
            calibrated_bootstrap(shuffled, exposures, False, study=LINOLENIC, replicates=2, deciding=2)


def test_nothing_is_extrapolated_from_days_that_do_not_go_together(shared, shuffled) -> None:
    """The task has no answer but its reason; on everybody's own second days it has one."""
    (task,) = (task for task in referee_tasks(LINOLENIC) if task.name == "referee simex")
    reason = without_answer(run_tasks([task], shuffled, folder=None, progress=""))["referee simex"]
    slope, low, high = attenuations(shuffled, set_out(shuffled, LINOLENIC), (LINOLENIC.exposure,), of_roots=True)[0]
    assert low < 0 < high
    assert reason == (
        f"PFA 18:3 has an attenuation of {slope:.2f} (95 % interval {low:.2f} to {high:.2f}) on the fourth root: what "
        "was eaten on a second day is not shown to go with the first, so SIMEX has nothing to extrapolate to."
    )
    found = simulated_extrapolated(shared.answer(people_of_survey, 1, PLANTED), study=LINOLENIC, draws=2)
    assert found["done"].tolist() == ["SIMEX, linear extrapolant", "SIMEX, quadratic extrapolant"]


@pytest.mark.reference
def test_attenuation_of_the_roots_is_their_weighted_least_squares(shared) -> None:
    """By the normal equations: the second day's root on the first's, intercept and covariates."""
    people = shared.answer(people_of_survey, 1, PLANTED)
    setting = set_out(people, LINOLENIC)
    both = (people["recall2_reliable"] & people["pfa_18_3_g_day2"].notna()).to_numpy(dtype=bool) & setting.domain.rows
    first, second = (people.loc[both, name].to_numpy() ** 0.25 for name in ("pfa_18_3_g", "pfa_18_3_g_day2"))
    X = np.column_stack([np.ones(first.size), first, setting.adjustment[both]])
    weighted = X.T * people.loc[both, "weight_dietary_2day"].to_numpy()
    by_hand = np.linalg.solve(weighted @ X, weighted @ second)[1]
    found = attenuations(people, setting, (LINOLENIC.exposure,), of_roots=True)
    assert found[0, 0] == pytest.approx(by_hand, rel=1e-8)


def test_a_calibrated_exposure_is_called_by_its_label(shared) -> None:
    """In this survey vitamin B12 goes with itself from day to day, not beyond what goes with energy."""
    people = shared.answer(people_of_survey, 1, PLANTED)
    study = dataclasses.replace(PRIMARY, exposure="vitamin_b12_ug")
    found = calibrated(people, study=study)
    (_, done), (left,) = found["rows"]["done"], found["left"]["done"]
    assert done.startswith("calibrated vitamin B12 (attenuation 0.13), ")
    assert left == "calibrated vitamin B12 and energy, taken as known"
    row = calibrated_bootstrap(people, ("vitamin_b12_ug",), True, study=study, replicates=20, deciding=20).iloc[0]
    assert row["done"] == "calibrated vitamin B12, bootstrap, calibration held"
