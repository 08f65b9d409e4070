import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import statsmodels.api as sm

from analysis.audit.heterogeneity import (
    POOLED,
    QUANTITIES,
    REFITTED,
    cycle_heterogeneity,
    psu_influence_on_shape,
)
from analysis.dose_response.adequacy import adequacy
from analysis.dose_response.association import Association, estimate
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.stats.regression.fit import fit_logistic
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import SurveyDesign, domain_of
from analysis.stats.shape.nadir import find_nadir
from analysis.stats.shape.slopes import end_slopes
from analysis.study import CYCLES, PRIMARY, StudyError
from tests.reference_numbers import FOLDER, RTOL

SETTLED = 1e-7
"""Two ways to the same maximum, each converged to better than this."""


@pytest.fixture(scope="module")
def primary(participants) -> Association:
    return estimate(participants, PRIMARY)


@pytest.fixture(scope="module")
def curves(audit_found) -> dict[str, pd.DataFrame]:
    return audit_found["cycle curves"]


@pytest.fixture(scope="module")
def tests(audit_found) -> pd.DataFrame:
    return audit_found["cycle heterogeneity"]["cycle_heterogeneity"].set_index(["covariates", "test", "method"])


@pytest.fixture(scope="module")
def influence(audit_found) -> pd.DataFrame:
    return audit_found["sampling units"]["psu_shape"]


@pytest.fixture(scope="module")
def copies(participants) -> pd.DataFrame:
    """People of 1999-2000 as if every cycle had drawn them, in strata of its own."""
    first = participants[participants["cycle"] == 1999]
    first = first.assign(weight_dietary_2yr=2 * first["weight_dietary_4yr"], weight_mec_2yr=2 * first["weight_mec_4yr"])
    each = [first.assign(cycle=cycle, strata=first["strata"] + 100 * number) for number, cycle in enumerate(CYCLES)]
    return pd.concat(each, ignore_index=True)


# ---- curves of the cycles


def test_pooled_curve_is_that_of_the_study(primary, curves):
    pooled = curves["cycle_curves"].query("cycle == @POOLED")
    expected = primary.curve(pooled["x"].to_numpy()).frame
    for column in ("log_or", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(pooled[column], expected[column], rtol=SETTLED, atol=SETTLED)
    row = curves["cycle_shapes"].set_index("cycle").loc[POOLED]
    assert (row["nadir"], row["reference"], row["n"]) == pytest.approx(
        (primary.nadir.x, primary.reference, primary.fit.n), rel=SETTLED
    )
    assert row["knots"] == " ".join(f"{knot:.10g}" for knot in primary.spline.knots)


@pytest.mark.reference
@pytest.mark.parametrize(("cycle", "name"), [(1999, "1999-2000"), (2001, "2001-2002"), (2003, "2003-2004")])
def test_curve_of_a_cycle_is_statsmodels_fit_with_its_own_weights_on_the_pooled_knots(
    participants, primary, curves, cycle, name
):
    inside = (participants["cycle"] == cycle).to_numpy() & primary.problem.setting.domain.rows
    X, weights = (
        primary.problem.X[inside[primary.problem.setting.domain.rows]],
        participants.loc[inside, "weight_dietary_2yr"],
    )
    scale = np.abs(X).max(axis=0)
    model = sm.GLM(primary.problem.setting.y[inside], X / scale, family=sm.families.Binomial(), var_weights=weights)
    beta = model.fit(tol=0, rtol=1e-14, wls_method="qr").params / scale
    curve = curves["cycle_curves"].query("cycle == @name")
    expected = primary.problem.contrast(curve["x"].to_numpy()) @ beta[primary.spline_index]
    np.testing.assert_allclose(curve["log_or"], expected, atol=SETTLED)


def assert_cycles_as_r_has_them(curves: dict[str, pd.DataFrame], heterogeneity: pd.DataFrame, folder: str) -> None:
    """Each cycle's people, df and bend, and the test that the curves differ."""
    known = pd.read_csv(FOLDER / folder / "cycle_curves.csv")
    shapes = curves["cycle_shapes"].iloc[:-1]
    differ = heterogeneity.set_index(["covariates", "test", "method"]).loc["common", "curve", "wald"]
    counts = known.loc[: len(shapes) - 1, ["n", "cases", "df"]].to_numpy()
    assert (shapes[["n", "cases", "residual_df"]].to_numpy() == counts).all()
    assert differ["df_den"] == known["df"].iloc[-1]
    np.testing.assert_allclose([*shapes["nonlinear_p"], differ["p_value"]], known["nonlinear_p"], rtol=RTOL)


@pytest.mark.reference
def test_cycles_are_rs(audit_found, curves):
    assert_cycles_as_r_has_them(curves, audit_found["cycle heterogeneity"]["cycle_heterogeneity"], "synthetic")


def test_people_of_the_cycles_add_up_to_the_pooled(curves):
    shapes = curves["cycle_shapes"].set_index("cycle")
    assert list(shapes.index) == ["1999-2000", "2001-2002", "2003-2004", POOLED]
    for column in ("n", "cases", "design_df"):
        assert shapes[column].drop(POOLED).sum() == shapes.loc[POOLED, column]


def test_a_cycle_pays_for_its_own_coefficients(curves):
    shapes = curves["cycle_shapes"]
    assert shapes["residual_df"].equals(shapes["design_df"] + 1 - 10)


def test_ends_of_a_cycle_are_looked_for_where_the_pooled_ones_are(primary, curves):
    shapes = curves["cycle_shapes"]
    assert shapes[["p05", "p95", "reference", "knots"]].drop_duplicates().shape[0] == 1
    assert (shapes["p05"].iloc[0], shapes["p95"].iloc[0]) == (primary.nadir.low, primary.nadir.high)


# ---- the test that they are one


def test_cycles_that_are_copies_have_one_curve(copies):
    found = cycle_heterogeneity(copies)["cycle_heterogeneity"]
    np.testing.assert_allclose(found["statistic"], 0, atol=1e-8)
    np.testing.assert_allclose(found["p_value"], 1)


def test_a_cycle_whose_curve_is_turned_round_is_found(copies):
    turned = (copies["cycle"] == 2003) & (copies["magnesium_mg"] > 250)
    found = cycle_heterogeneity(copies.assign(pn_strict=(1 - copies["pn_strict"]).where(turned, copies["pn_strict"])))
    p = found["cycle_heterogeneity"].query("test == 'curve'")["p_value"]
    assert p.size == 4
    assert (p < 1e-3).all()


def test_cycles_of_the_same_curve_and_another_level_differ_in_level_alone(copies):
    rng = np.random.default_rng(5)
    more = (copies["cycle"] == 2003) & (rng.random(len(copies)) < 0.15) & copies["pn_strict"].notna()
    found = cycle_heterogeneity(copies.assign(pn_strict=copies["pn_strict"].mask(more, 1.0)))["cycle_heterogeneity"]
    p = found.query("covariates == 'common' and method == 'wald'").set_index("test")["p_value"]
    assert p["level"] < 1e-3
    assert p["curve"] > 0.05


def test_degrees_of_freedom_are_those_of_the_products(tests):
    own, common = 44 + 1 - 30, 44 + 1 - 18
    for (covariates, name), (df_num, df_den) in {
        ("common", "curve"): (6, common), ("common", "bend"): (4, common), ("common", "level"): (2, common),
        ("own", "curve"): (6, own), ("own", "bend"): (4, own),
    }.items():  # fmt: skip
        for method in ("wald", "rao_scott"):
            row = tests.loc[covariates, name, method]
            assert (row["df_num"], row["df_den"]) == (df_num, df_den)
    assert len(tests) == 10
    assert tests["reason"].eq("").all()


def test_with_covariates_of_their_own_the_cycles_are_compared_as_three_regressions(primary, tests):
    setting, problem = primary.problem.setting, primary.problem
    beta, vcov = [], []
    for strata in (range(1, 14), range(14, 29), range(29, 44)):
        domain = domain_of(setting.design, setting.domain.rows & np.isin(setting.design.strata, strata))
        inside = domain.rows[setting.domain.rows]
        fit = fit_logistic(
            problem.X[inside], problem.y[inside], design=setting.design, domain=domain, terms=problem.terms
        )
        index = fit.index(problem.spline_terms)
        beta.append(fit.beta[index])
        vcov.append(fit.vcov[np.ix_(index, index)])
    differences = np.kron([[-1, 1, 0], [-1, 0, 1]], np.eye(3))
    d, V = differences @ np.concatenate(beta), differences @ scipy.linalg.block_diag(*vcov) @ differences.T
    scale = np.sqrt(np.diag(V))
    F = (d / scale) @ np.linalg.solve(V / np.outer(scale, scale), d / scale) / 6
    assert tests.loc[("own", "curve", "wald"), "statistic"] == pytest.approx(F, rel=1e-6)


def test_more_own_covariates_than_psus_are_a_reason_and_not_an_error(participants):
    found = cycle_heterogeneity(participants, study=dataclasses.replace(PRIMARY, model="2"))["cycle_heterogeneity"]
    own = found[found["covariates"] == "own"]
    assert list(own["test"]) == ["curve", "bend"]
    assert own["p_value"].isna().all()
    assert own["reason"].str.contains("leave no residual degree of freedom").all()
    assert found.query("covariates == 'common'")["p_value"].notna().all()


def test_without_covariates_there_are_none_to_be_their_own(participants):
    found = cycle_heterogeneity(participants, study=dataclasses.replace(PRIMARY, model="crude"))
    p = found["cycle_heterogeneity"].query("test == 'curve' and method == 'wald'").set_index("covariates")["p_value"]
    assert p["common"] == p["own"]


def test_two_cycles_are_compared_by_three_products(participants):
    found = cycle_heterogeneity(participants, study=dataclasses.replace(PRIMARY, cycles=(1999, 2001)))
    df = found["cycle_heterogeneity"].query("covariates == 'common' and method == 'wald'").set_index("test")["df_num"]
    assert df.to_dict() == {"curve": 3, "bend": 2, "level": 1}


def test_one_cycle_has_nothing_to_be_compared_with(participants):
    with pytest.raises(StudyError, match=r"people of \(2001,\): expected two or more"):
        cycle_heterogeneity(participants, study=dataclasses.replace(PRIMARY, cycles=(2001,)))


# ---- single sampling units


def test_every_psu_is_left_out_once_for_each_quantity(influence):
    assert influence.groupby("quantity").size().to_dict() == dict.fromkeys((*QUANTITIES, REFITTED), 87)
    assert not influence.duplicated(["stratum", "psu", "quantity"]).any()
    assert influence["converged"].all()
    np.testing.assert_allclose(influence["change"], influence["estimate"] - influence["full"])


def test_with_everybody_the_quantities_are_those_of_the_study(primary, influence):
    full = influence.groupby("quantity")["full"].agg(["min", "max"])
    p = primary.tests_frame().query("test == 'nonlinear' and method == 'wald'")["p_value"].iloc[0]
    assert full["min"].equals(full["max"])
    assert full.loc[["nadir", "nonlinear_p", REFITTED], "min"].tolist() == pytest.approx(
        [primary.nadir.x, p, p], rel=SETTLED
    )


def test_nonlinear_p_is_the_one_of_the_diagnostics(primary, influence):
    expected = adequacy(primary).influence_frame().query("quantity == 'nonlinear_p'")
    found = influence.query("quantity == 'nonlinear_p'")
    assert (found["stratum"].tolist(), found["psu"].tolist()) == (
        expected["stratum"].tolist(),
        expected["psu"].tolist(),
    )
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-5)
    np.testing.assert_array_equal(found["n"], expected["n"])


def without_one(primary: Association, *, lonely: bool):
    """The regression without PSU 2 of stratum 5, whose neighbours stand for it; its people out of the sample or not."""
    setting = primary.problem.setting
    strata, psu = setting.design.strata, setting.design.psu
    n_h = np.unique(psu[strata == 5]).size
    left_out = (strata == 5) & (psu == 2)
    weights = setting.design.weights * np.where(strata == 5, n_h / (n_h - 1), 1.0)
    kept = ~left_out if lonely else np.ones(strata.size, dtype=bool)
    design = SurveyDesign(strata=strata[kept], psu=psu[kept], weights=(weights * ~left_out)[kept],
                          lonely_psu="adjust", lonely_domain="keep")  # fmt: skip
    domain = domain_of(design, setting.domain.rows[kept])
    inside = (kept & (weights * ~left_out > 0))[setting.domain.rows]
    X, y = primary.problem.X[inside], primary.problem.y[inside]
    return fit_logistic(X, y, design=design, domain=domain, terms=primary.problem.terms)


def of_unit(influence: pd.DataFrame, quantity: str) -> pd.Series:
    return influence.query("stratum == 5 and psu == 2 and quantity == @quantity").iloc[0]


def test_low_point_and_end_slopes_without_a_psu_are_those_of_a_regression_without_it(primary, influence):
    beta = without_one(primary, lonely=False).beta
    low, high = primary.nadir.low, primary.nadir.high
    nadir = find_nadir(primary.spline, beta[primary.spline_index], reference=primary.reference, low=low, high=high)
    ends = end_slopes(dataclasses.replace(primary.fit, beta=beta), primary.spline.derivative(np.array([low, high])),
                      index=primary.spline_index, low=low, high=high)  # fmt: skip
    assert of_unit(influence, "nadir")["estimate"] == pytest.approx(nadir.x, rel=1e-6)
    assert of_unit(influence, "end_slopes_p")["estimate"] == pytest.approx(ends.p_value, rel=1e-5)


def test_refitted_p_without_a_psu_has_the_covariance_without_it(primary, influence):
    test = wald_test(without_one(primary, lonely=True), primary.problem.spline_terms[1:])
    assert of_unit(influence, REFITTED)["estimate"] == pytest.approx(test.p_value, rel=1e-5)


@pytest.fixture(scope="module")
def spoiled(participants) -> pd.DataFrame:
    """Influence where PSU 2 of stratum 5 has everybody of one ethnicity, and PSU 1 of stratum 6 nine people."""
    there = participants.index[(participants["strata"] == 5) & (participants["psu"] == 2)]
    few = participants.index[
        (participants["strata"] == 6)
        & (participants["psu"] == 1)
        & participants["pn_strict"].notna()
        & (participants["age_years"] >= 40)
    ]
    changed = participants.assign(
        race_ethnicity=participants["race_ethnicity"].replace("other", "non_hispanic_white"),
        pn_strict=participants["pn_strict"].mask(participants.index.isin(few[FEWEST_PEOPLE - 1 :])),
    )
    changed.loc[there[::2], "race_ethnicity"] = "other"
    return psu_influence_on_shape(changed)["psu_shape"].set_index(["stratum", "psu"])


def test_psu_of_fewer_than_ten_people_is_left_empty(spoiled):
    few = spoiled.loc[(6, 1)]
    numbers = ["n", "estimate", "change"]
    assert len(few) == len(QUANTITIES) + 1
    assert few["converged"].all()
    assert few[numbers].isna().all(axis=None)
    assert spoiled.drop(index=[(6, 1), (5, 2)])[numbers].notna().all(axis=None)


def test_psu_without_which_there_is_no_estimate_is_reported(spoiled):
    lost = spoiled[~spoiled["converged"]]
    assert set(lost.index) == {(5, 2)}
    assert len(lost) == len(QUANTITIES) + 1
    assert lost[["estimate", "change"]].isna().all(axis=None)
    assert lost["n"].ge(FEWEST_PEOPLE).all()
