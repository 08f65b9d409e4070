import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.data.people.conditions import ConditionError
from analysis.dose_response.association import estimate
from analysis.dose_response.modifiers import EffectModification, Modifier, effect_modification, modifier_of
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import wald_test
from analysis.study import CATEGORIES, PRIMARY, Study, StudyError
from tests.people import participants as invented_people

SETTLED = 1e-7
"""Two ways to the same maximum, each converged to better than this."""

X = np.array([100.0, 180.0, 300.0, 500.0])


@pytest.fixture(scope="module")
def by_sex(participants) -> EffectModification:
    return effect_modification(participants, modifier_of(participants, ["sex"]), study=PRIMARY)


def test_joint_fit_is_the_one_written_out_by_hand(participants, by_sex):
    """The same regression on all rows, from columns made here and the exact routine."""
    problem = estimate(participants, PRIMARY).problem
    setting = problem.setting
    female = (participants["sex"] == "female").to_numpy(dtype=float)[:, None]
    basis = np.nan_to_num(problem.spline.basis(setting.exposure))
    kept = [place for place, term in enumerate(setting.adjustment_terms) if not term.startswith("sex")]
    design = np.hstack([np.ones_like(female), basis, female, female * basis, setting.adjustment[:, kept]])
    products = ("f1", "f2", "f3")
    terms = ("intercept", "s1", "s2", "s3", "female", *products, *(f"z{place}" for place in kept))
    fit = fit_logistic(
        design[setting.domain.rows], problem.y, design=setting.design, domain=setting.domain, terms=terms
    )
    expected = wald_test(fit, products)
    found = by_sex.tests["wald"]
    assert (found.df_num, found.df_den) == (3, by_sex.fit.design_df + 1 - len(terms))
    assert found.statistic == pytest.approx(expected.statistic, rel=SETTLED)
    of_women = fit.beta[fit.index(("s1", "s2", "s3"))] + fit.beta[fit.index(products)]
    curves = by_sex.curves(X).set_index("level")
    np.testing.assert_allclose(curves.loc["female", "log_or"], problem.contrast(X) @ of_women, rtol=1e-6)
    both = fit.index(("s1", "s2", "s3", *products))
    rows = np.tile(problem.contrast(X), 2)
    variance = np.diag(rows @ fit.vcov[np.ix_(both, both)] @ rows.T)
    np.testing.assert_allclose(curves.loc["female", "std_error"], np.sqrt(variance), rtol=1e-6)


def test_levels_share_the_cohorts_knots_and_reference(participants, by_sex):
    primary = estimate(participants, PRIMARY)
    np.testing.assert_array_equal(by_sex.problem.spline.knots, primary.spline.knots)
    assert by_sex.reference == primary.reference
    assert np.all(by_sex.curves([primary.reference])["odds_ratio"] == 1)


def test_people_and_cases_of_the_levels_add_up(by_sex):
    assert by_sex.n.sum() == by_sex.fit.n
    assert by_sex.cases.sum() == by_sex.fit.cases


def test_with_products_of_all_covariates_the_curve_would_be_that_of_the_level_alone(participants):
    """Without covariates nothing is shared, so that the joint curve is the one of each level by itself."""
    crude = dataclasses.replace(PRIMARY, model="crude")
    found = effect_modification(participants, modifier_of(participants, ["sex"]), study=crude)
    problem = found.problem
    rows = problem.setting.domain.rows & (participants["sex"] == "female").to_numpy()
    alone = estimate(participants, dataclasses.replace(crude, where="sex == 'female'")).problem
    design = np.hstack([np.ones((len(rows), 1)), np.nan_to_num(problem.spline.basis(problem.setting.exposure))])
    inside, terms = alone.setting.domain.rows, ("intercept", "s1", "s2", "s3")
    fit = fit_logistic(design[inside], alone.y, design=alone.setting.design, domain=alone.setting.domain, terms=terms)
    women = found.curves(X).query("level == 'female'")
    np.testing.assert_allclose(women["log_or"], problem.contrast(X) @ fit.beta[1:], rtol=1e-6, atol=1e-9)


def test_swapping_the_reference_level_changes_neither_curves_nor_test(participants, by_sex):
    levels = (("female", "sex == 'female'"), ("male", "sex == 'male'"))
    other = effect_modification(participants, Modifier("sex", "sex", levels), study=PRIMARY)
    assert other.tests["wald"].statistic == pytest.approx(by_sex.tests["wald"].statistic, rel=1e-6)
    columns = ["level", "x", "log_or", "std_error"]
    left, right = (one.curves(X)[columns].sort_values(["level", "x"]) for one in (by_sex, other))
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True), rtol=1e-6)


@pytest.mark.parametrize(
    ("by", "model", "replaced"),
    [
        (["sex"], "1", ("sex",)),
        (["alcohol in ('never', 'former')", "alcohol == 'moderate'", "alcohol == 'heavy'"], "2", ("alcohol",)),
        (["has_diabetes"], "1", ()),
        (["has_diabetes == 1"], "2", ("has_diabetes",)),
        (["age_years >= 60"], "1", ()),
        (["bmi_kg_m2 >= 30"], "2", ()),
        (["sex == 'female' and age_years >= 60"], "1", ()),
    ],
)
def test_a_factor_gives_way_to_the_modifier_made_of_it_and_a_number_stays(participants, by, model, replaced):
    assert modifier_of(participants, by).replaced(participants, Study(model=model)) == replaced


def test_whoever_is_of_an_unknown_level_is_left_out():
    nan = float("nan")
    frame = invented_people([{"pir": value} for value in (1.0, 4.0, nan)])
    assert modifier_of(frame, ["pir < 2"]).codes(frame).tolist() == [1, 0, -1]


def test_one_known_yes_is_enough_for_either():
    nan = float("nan")
    pairs = [(1.0, nan), (nan, 40.0), (4.0, nan), (4.0, 20.0), (nan, nan)]
    frame = invented_people([{"pir": pir, "bmi_kg_m2": bmi} for pir, bmi in pairs])
    assert modifier_of(frame, ["pir < 2 or bmi_kg_m2 >= 30"]).codes(frame).tolist() == [1, 1, -1, 0, -1]


def test_levels_of_a_factor_are_its_own(participants):
    assert [level for level, _ in modifier_of(participants, ["smoking"]).levels] == list(CATEGORIES["smoking"])
    assert [level for level, _ in modifier_of(participants, ["has_diabetes"]).levels] == ["no", "yes"]
    assert [level for level, _ in modifier_of(participants, ["cycle"]).levels] == ["1999", "2001", "2003"]


@pytest.mark.parametrize(
    ("by", "error", "words"),
    [
        (["bmi_kg_m2"], StudyError, "many values"),
        (["pn_lenient"], StudyError, "outcome"),
        (["weight_mec > 0"], StudyError, "design"),
        (["no_such_column"], StudyError, "expected one of"),
        (["no_such_column < 3"], ConditionError, "unknown column"),
        (["magnesium_mg > 200"], StudyError, "exposure"),
        (["age_years < 60", "age_years < 70"], StudyError, "two levels"),
        (["age_years < 200"], StudyError, "nobody"),
    ],
)
def test_what_cannot_be_a_modifier_is_refused(participants, by, error, words):
    with pytest.raises(error, match=words):
        effect_modification(participants, modifier_of(participants, by), study=PRIMARY)


def test_few_people_are_not_told(by_sex):
    """As if the second level had nine people: the joint fit stays, nothing of them is shown."""
    few = dataclasses.replace(by_sex, n=np.array([by_sex.n[0], 9]))
    curves, levels = few.curves(X), few.levels()
    hidden = curves.loc[curves["level"] == "female"].drop(columns=["level", "x"])
    assert hidden.isna().all(axis=None)
    assert levels.loc[1, ["n", "cases", "overall_p", "nonlinear_p"]].isna().all()
    assert curves.loc[curves["level"] == "male", "odds_ratio"].notna().all()
