"""What is changed of the people of a study: fewer of them, other weights, further columns of adjustment."""

import numpy as np
import pytest

from analysis.dose_response.problem import COVARIATE_KNOTS, Setting, set_out
from analysis.stats.curve.splines import RestrictedCubicSpline, place_knots
from analysis.stats.sample.design import DesignError
from analysis.study import PRIMARY


@pytest.fixture(scope="module")
def setting(participants) -> Setting:
    return set_out(participants, PRIMARY)


def test_fewer_people_are_a_domain_of_the_same_design(participants, setting) -> None:
    women = (participants["sex"] == "female").to_numpy()
    fewer = setting.restricted(women)
    np.testing.assert_array_equal(fewer.domain.rows, setting.domain.rows & women)
    np.testing.assert_array_equal(fewer.eligible, setting.exposure[setting.cohort.rows.to_numpy() & women])
    assert fewer.design is setting.design
    assert fewer.y is setting.y
    assert fewer.adjustment is setting.adjustment
    assert 0 < fewer.domain.n < setting.domain.n
    with pytest.raises(DesignError, match="the domain is empty"):
        setting.restricted(np.zeros_like(women))


def test_other_weights_are_those_of_a_study_whose_people_have_them(participants, setting) -> None:
    """Weights of the interview, nobody of 1999-2000 having one; pooled of three cycles as in `pooled_weight`."""
    weights = np.where(participants["cycle"] == 1999, 0.0, participants["weight_interview_2yr"])
    kind = f"weight_{PRIMARY.weights}"
    given = participants.assign(**{f"{kind}_2yr": 3 * weights, f"{kind}_4yr": 1.5 * weights})
    expected, found = set_out(given, PRIMARY), setting.weighted(weights)
    np.testing.assert_array_equal(found.domain.rows, setting.domain.rows & (weights > 0))
    np.testing.assert_array_equal(found.domain.rows, expected.domain.rows)
    assert (found.domain.n_psu, found.domain.n_strata) == (expected.domain.n_psu, expected.domain.n_strata)
    assert found.domain.n_psu < setting.domain.n_psu
    assert found.design.lonely_domain == PRIMARY.lonely_domain
    for where in (found.design.weights, found.cohort.weights):
        np.testing.assert_array_equal(where, weights)


def test_further_columns_stand_before_the_covariates_and_nobody_outside_has_a_missing_one(setting) -> None:
    outside = ~setting.domain.rows
    columns = np.column_stack([np.where(outside, np.nan, 2.0), np.arange(outside.size)])
    more = setting.beside(columns, ("first", "second"))
    assert more.adjustment_terms == ("first", "second", *setting.adjustment_terms)
    np.testing.assert_array_equal(more.adjustment[:, 0], np.where(outside, 0.0, 2.0))
    np.testing.assert_array_equal(more.adjustment[:, 1:], np.column_stack([columns[:, 1], setting.adjustment]))
    assert more.regression().terms == ("intercept", *more.adjustment_terms)


def test_a_covariate_as_a_spline_has_its_knots_on_the_cohort(participants, setting) -> None:
    age = participants["age_years"].to_numpy(dtype=float)
    smooth = setting.without("age_years").beside_spline(age, "age")
    others = tuple(term for term in setting.adjustment_terms if term != "age_years")
    assert smooth.adjustment_terms == ("age", "age_s1", "age_s2", *others)
    spline = RestrictedCubicSpline(place_knots(age[setting.cohort.rows.to_numpy()], COVARIATE_KNOTS))
    np.testing.assert_array_equal(smooth.adjustment[:, :3], spline.basis(age))
    kept = [setting.adjustment_terms.index(term) for term in others]
    np.testing.assert_array_equal(smooth.adjustment[:, 3:], setting.adjustment[:, kept])
