import numpy as np
import pandas as pd
import pytest

from analysis.dose_response.adequacy import INTAKE_QUANTILES, Adequacy, adequacy
from analysis.dose_response.association import Association, estimate
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.study import CATEGORIES, PRIMARY, Study

EXACT = 1e-7
"""Two ways to the same maximum, each converged to better than this."""

ROUGH = 0.15
"""The delete-one jackknife and Taylor linearisation of a variance differ by less, far from infinity."""


@pytest.fixture(scope="module")
def primary(participants) -> Association:
    return estimate(participants, PRIMARY)


@pytest.fixture(scope="module")
def checked(primary) -> Adequacy:
    return adequacy(primary)


@pytest.fixture(scope="module")
def influence(checked) -> pd.DataFrame:
    return checked.influence_frame()


def log_odds_ratio(association: Association, beta: np.ndarray, x: float) -> float:
    basis = association.spline.basis(np.array([x, association.reference]))
    return float((basis[0] - basis[1]) @ beta[association.spline_index])


@pytest.fixture(scope="module")
def without_one(primary) -> np.ndarray:
    """Coefficients without PSU 2 of stratum 5, whose neighbours stand for it, from a design of its own."""
    setting = primary.problem.setting
    strata, psu = setting.design.strata, setting.design.psu
    n_h = np.unique(psu[strata == 5]).size
    factor = np.where(strata == 5, n_h / (n_h - 1), 1.0) * ~((strata == 5) & (psu == 2))
    design = SurveyDesign(strata=strata, psu=psu, weights=setting.design.weights * factor, lonely_domain="keep")
    domain = domain_of(design, setting.domain.rows)
    kept = domain.rows[setting.domain.rows]
    X, y = primary.problem.X[kept], primary.problem.y[kept]
    return fit_logistic(X, y, design=design, domain=domain, terms=primary.problem.terms).beta


def of_unit(influence: pd.DataFrame, stratum: int, psu: int, quantity: str) -> pd.Series:
    return influence.query("stratum == @stratum and psu == @psu and quantity == @quantity").iloc[0]


@pytest.mark.parametrize(("quantity", "share"), INTAKE_QUANTILES.items())
def test_log_odds_ratio_without_a_psu_is_that_of_a_regression_without_it(
    participants, primary, influence, without_one, quantity, share
):
    x = participants.loc[primary.cohort.rows, "magnesium_mg"].quantile(share)
    row = of_unit(influence, 5, 2, quantity)
    full, without = (log_odds_ratio(primary, beta, x) for beta in (primary.fit.beta, without_one))
    at = primary.curve([x]).frame.iloc[0]
    expected = (x, full, without, without - full, (without - full) / at["std_error"])
    np.testing.assert_allclose(row[["x", "full", "estimate", "change", "dfbetas"]].astype(float), expected, rtol=1e-5)
    assert (full, without) == pytest.approx((at["log_or"], row["estimate"]), rel=EXACT)


def test_nonlinear_p_without_a_psu_keeps_the_covariance_of_everybody(primary, influence, without_one):
    index = primary.spline_index[1:]
    b, V = without_one[index], primary.fit.vcov[np.ix_(index, index)]
    F = b @ np.linalg.solve(V, b) / index.size
    full = wald_test(primary.fit, primary.problem.spline_terms[1:])
    row = of_unit(influence, 5, 2, "nonlinear_p")
    tail = (1 + index.size * F / full.df_den) ** (-full.df_den / 2)  # of an F on 2 and df_den
    assert row["estimate"] == pytest.approx(tail, rel=1e-5)
    assert (row["full"], row["change"]) == pytest.approx((full.p_value, row["estimate"] - full.p_value))
    assert np.isnan(row["dfbetas"])


def test_every_psu_is_left_out_once_for_each_quantity(influence):
    assert len(influence) == 87 * 3
    assert not influence.duplicated(["stratum", "psu", "quantity"]).any()
    assert influence["converged"].all()


def test_people_of_the_psus_add_up_to_the_study(primary, influence):
    assert influence.groupby("quantity")["n"].sum().eq(primary.fit.n).all()


@pytest.mark.parametrize("quantity", INTAKE_QUANTILES)
def test_changes_add_up_to_about_the_variance(influence, quantity):
    one = influence[influence["quantity"] == quantity]
    n_h = one.groupby("stratum")["psu"].transform("size")
    assert np.sum((n_h - 1) / n_h * one["dfbetas"] ** 2) == pytest.approx(1, abs=ROUGH)


@pytest.mark.committed
def test_psu_of_fewer_than_ten_people_is_left_empty(participants):
    unit = (participants["strata"] == 5) & (participants["psu"] == 2)
    rows = participants.index[unit & participants["pn_strict"].notna() & (participants["age_years"] >= 40)]
    few = participants.assign(
        pn_strict=participants["pn_strict"].mask(participants.index.isin(rows[FEWEST_PEOPLE - 1 :]))
    )
    found = estimate(few, PRIMARY)
    frame = adequacy(found).influence_frame()
    hidden = frame[(frame["stratum"] == 5) & (frame["psu"] == 2)]
    numbers = ["n", "estimate", "change", "dfbetas"]
    inside = found.problem.setting.domain.rows
    assert 0 < np.sum(inside & unit.to_numpy()) < FEWEST_PEOPLE
    assert hidden[numbers].isna().all(axis=None)
    assert frame.drop(hidden.index)[["n", "estimate", "change"]].notna().all(axis=None)


def test_variance_inflation_is_of_a_variable_not_of_a_column(checked):
    found = checked.collinearity_frame().query("measure == 'vif'").set_index("terms")
    expected = {"magnesium_mg": 3, "age_years": 1, "sex": 1, "race_ethnicity": len(CATEGORIES["race_ethnicity"]) - 1}
    assert found["columns"].to_dict() == expected


def test_variance_inflation_of_age_is_its_weighted_regression_on_the_rest(primary, checked):
    setting, rows = primary.problem.setting, primary.problem.setting.domain.rows
    root = np.sqrt(setting.design.weights[rows])[:, None]
    at = primary.problem.terms.index("age_years")
    X = primary.problem.X
    y, others = X[:, [at]] * root, np.delete(X, at, axis=1) * root
    residual = y - others @ np.linalg.lstsq(others, y)[0]
    about_mean = y - root * np.average(X[:, at], weights=setting.design.weights[rows])
    found = checked.collinearity_frame().set_index("terms").loc["age_years", "value"]
    assert found == pytest.approx(float(np.sum(about_mean**2) / np.sum(residual**2)), rel=EXACT)


def test_condition_number_comes_first_with_a_sentence_naming_what_it_is_about(checked):
    first = checked.collinearity_frame().iloc[0]
    assert (first["measure"], first["value"]) == ("condition", checked.collinearity.condition_number)
    assert first["warning"].startswith(f"Condition index {first['value']:.0f} is above 30: ")
    assert "magnesium_mg + magnesium_mg_s1 + magnesium_mg_s2" in first["terms"]


def test_model_without_dependencies_has_its_condition_number_and_no_sentence(checked):
    quiet = checked.collinearity.__class__(
        terms=("intercept", "a"), condition_indexes=np.array([1.0, 2.0]), shares=np.eye(2), groups=("a",),
        columns=(1,), gvif=np.array([1.0]), warnings=(),
    )  # fmt: skip
    names = ("calibration", "goodness_of_fit", "intakes", "people", "influence", "test_influence", "weights",
             "design_effects")  # fmt: skip
    frame = Adequacy(collinearity=quiet, **{name: getattr(checked, name) for name in names}).collinearity_frame()
    assert frame[["measure", "value", "warning"]].to_numpy().tolist() == [["condition", 2.0, ""], ["vif", 1.0, ""]]


def test_weights_are_those_of_the_people_fitted(participants, primary, checked):
    weights = participants.loc[primary.cohort.complete, "weight_dietary"]
    weights = weights[weights > 0]
    assert checked.weights.n_positive == len(weights) == primary.fit.n
    assert checked.weights.n_effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert checked.weights.percentiles[3] == pytest.approx(weights.median())


def test_calibration_has_ten_groups_of_everybody_at_the_studys_level(participants, primary):
    wide = adequacy(estimate(participants, Study(conf_level=0.99))).calibration
    assert (wide.conf_level, wide.n.size, wide.n.sum()) == (0.99, 10, primary.fit.n)
