"""Verdicts are counted, choices weighed as an analysis of variance does, and the joint test held to refits."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm
import statsmodels.formula.api as smf

from analysis.audit import joint_test as whole_curve
from analysis.audit import null_curves
from analysis.audit.joint_test import (
    SpecificationCurve,
    WholeCurveError,
    adjusted_p_values,
    collect_answers,
    decompose,
    joint_test,
    u_by_sides,
    verdict_shares,
    verdicts_by_ends,
)
from analysis.audit.null_curves import TERMS
from analysis.audit.specifications import CHOICES
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.fit import coefficient_influence, fit_logistic
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.design import SurveyDesign, between_psu, domain_of
from analysis.stats.sample.replicates import bootstrap
from analysis.stats.shape.questions import ENDS, ENDS_HIGHER, FALLS_THEN_RISES, ends_name
from tests.arrays import clustered_sample
from tests.audit.plain_joint_test import plain_null_statistics, statistics

STRATA = np.repeat(np.arange(20), 2)


def grid_frame() -> pd.DataFrame:
    """Every cell of the grid with numbers of no interest."""
    cells = pd.DataFrame(itertools.product(*CHOICES.values()), columns=list(CHOICES))
    numbers = {f"{name}_{mark}": 1.2 for name in ("odds_ratio", "conf_low", "conf_high") for mark in ("p10", "p90")}
    return cells.assign(**numbers, nonlinear_p=0.5, residual_df=12, verdict="no departure shown", reason="")


def curve_of(cells: pd.DataFrame, *, seed: int = 1, log_or: float = 0.0) -> SpecificationCurve:
    """A curve of independent influence totals whose cells all found one log odds ratio."""
    totals = np.random.default_rng(seed).normal(size=(STRATA.size, int(cells["knots"].sum())))
    first = np.cumsum(cells["knots"]) - cells["knots"]
    # Non-linear coefficients come with unit covariance, here each by itself.
    design = design_of(STRATA)
    bent = np.delete(np.arange(totals.shape[1]), np.concatenate([first, first + 1]))
    totals[:, bent] /= np.sqrt(np.diag(between_psu(totals[:, bent], design)))
    ratio = np.exp(log_or)
    return SpecificationCurve(cells.assign(odds_ratio_p10=ratio, odds_ratio_p90=ratio), totals, STRATA)


def design_of(strata) -> SurveyDesign:
    return SurveyDesign(strata=strata, psu=np.arange(strata.size), weights=np.ones(strata.size))


def primary(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of the primary null distribution by their statistic."""
    return found[found["primary"]].set_index("term")


def null_of(curve: SpecificationCurve, *, null: str = "design t", **drawn) -> np.ndarray:
    return null_curves.null_statistics(curve.cells, curve.totals, curve.psu_stratum, null=null, **drawn)


def few_cells(number: int, knots: int = 3) -> pd.DataFrame:
    return grid_frame().query("knots == @knots").head(number).reset_index(drop=True)


# ---- verdicts


def test_shares_of_each_level_add_up_to_one():
    cells = grid_frame()
    cells["verdict"] = np.random.default_rng(2).choice(["U", "no departure shown", None], size=len(cells))
    shares = verdict_shares(cells).groupby(["choice", "level"])["share"].sum()
    np.testing.assert_allclose(shares, 1)
    assert len(shares) == 1 + sum(map(len, CHOICES.values()))


def test_verdicts_are_counted_by_level():
    cells = grid_frame()
    cells.loc[cells["weights"] == "mec", "verdict"] = "U"
    shares = verdict_shares(cells).set_index(["choice", "level", "verdict"])
    assert shares.loc[("weights", "mec", "U"), ["n", "share"]].tolist() == [len(cells) // 3, 1.0]
    assert shares.loc[("knots", "4", "U"), "share"] == pytest.approx(1 / 3)
    assert shares.loc[("all", "all", "no departure shown"), "n"] == 2 * len(cells) // 3


def test_cells_without_an_answer_are_counted_as_such():
    cells = grid_frame()
    cells.loc[cells["energy"] == "density", "verdict"] = None
    shares = verdict_shares(cells).set_index(["choice", "level", "verdict"])["share"]
    assert shares["energy", "density", "no answer"] == 1
    assert shares["all", "all", "no answer"] == pytest.approx(0.2)


def test_each_question_is_counted_at_its_ends():
    cells = grid_frame().head(8).assign(levels_verdict="not shown")
    for number, ends in enumerate(ENDS[1:], start=1):
        cells[f"verdict_{ends_name(ends)}"] = ["U"] * number + ["no departure shown"] * (8 - number)
    cells.loc[:4, "levels_verdict"] = "both ends higher"
    cells.loc[7, [name for name in cells if "verdict" in name]] = None
    found = verdicts_by_ends(cells).set_index(["question", "ends", "verdict"])["n"]
    assert [found[FALLS_THEN_RISES, ends_name(ends), "U"] for ends in ENDS] == [0, 1, 2, 3]
    assert (found[ENDS_HIGHER, "p5_p95", "both ends higher"], found[ENDS_HIGHER, "p5_p95", "not shown"]) == (5, 2)
    assert (found.groupby(["question", "ends"]).sum() == 8).all()
    assert found[FALLS_THEN_RISES, "p20_p80", "no answer"] == 1


@pytest.mark.reference
def test_u_by_sides_is_counted_by_hand():
    """A U as is needs end slopes < 0.05 and lines < 0.05; one-sided lines < 0.1; two-sided end slopes < 0.025."""
    cells = grid_frame().iloc[[0, 1, 2, 3, 4, 5, -1]].assign(interior=[1, 1, 1, 0.9, 1, np.nan, 1])
    cells["end_slopes_p"] = [0.04, 0.02, 0.04, 0.02, 0.02, np.nan, 0.02]
    cells["two_lines_p"] = [0.04, 0.04, 0.09, 0.04, 1, np.nan, 0.09]
    cells.loc[cells.index[-1], ["outcome", "sample"]] = ["any_tested", "all"]
    found = u_by_sides(cells).set_index(["grid", "sides"])["u"]
    assert found["all"].to_dict() == {"as is": 2, "both one-sided": 4, "both two-sided": 1}
    assert found["first declared"].to_dict() == {"as is": 2, "both one-sided": 3, "both two-sided": 1}


# ---- which choices matter


def with_log_or(cells: pd.DataFrame, values) -> pd.DataFrame:
    return cells.assign(odds_ratio_p10=np.exp(values))


def p10_shares(cells: pd.DataFrame) -> pd.Series:
    found = decompose(cells)
    return found[found["quantity"] == "log_or_p10"].set_index("choice")["share"]


def noisy_grid(seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cells = grid_frame()
    values = rng.normal(scale=0.1, size=len(cells))
    for choice, levels in CHOICES.items():
        effect = dict(zip(levels, rng.normal(scale=0.1, size=len(levels)), strict=True))
        values += cells[choice].map(effect).to_numpy(dtype=float)
    cells = with_log_or(cells, values).assign(nonlinear_p=rng.uniform(0.01, 1, len(cells)))
    return cells.assign(odds_ratio_p90=np.exp(rng.normal(size=len(cells))))


def test_a_quantity_that_one_choice_decides_is_all_its_own():
    cells = grid_frame()
    shares = p10_shares(with_log_or(cells, cells["knots"] / 10).assign(nonlinear_p=np.linspace(0.1, 1, len(cells))))
    assert shares["knots"] == pytest.approx(1)
    assert shares.drop("knots").abs().max() < 1e-10


def test_a_product_of_two_choices_is_interaction():
    cells = grid_frame()
    sign = np.where(cells["covariates"] == "1", 2, -1) * np.where(cells["knots"] == 3, 2, -1)
    assert p10_shares(with_log_or(cells, sign / 10))["interactions"] == pytest.approx(1)


def test_shares_of_the_whole_grid_add_up_to_one():
    found = decompose(noisy_grid())
    np.testing.assert_allclose(found.groupby("quantity")["share"].sum(), 1)
    assert (found.groupby("quantity")["df"].sum() == len(grid_frame()) - 1).all()


def test_main_effects_of_the_whole_grid_are_those_of_group_means():
    cells = noisy_grid()
    values = np.log(cells["odds_ratio_p10"])
    total = np.sum((values - values.mean()) ** 2)
    shares = p10_shares(cells)
    for choice in CHOICES:
        means = values.groupby(cells[choice]).transform("mean")
        assert shares[choice] == pytest.approx(np.sum((means - values.mean()) ** 2) / total, rel=1e-9)


@pytest.mark.reference
def test_shares_with_cells_missing_are_statsmodels_type_two_sums_of_squares():
    cells = noisy_grid()
    cells.loc[np.random.default_rng(4).random(len(cells)) < 0.3, ["verdict", "reason"]] = [None, "no"]
    able = cells[cells["reason"] == ""].assign(value=np.log(cells["odds_ratio_p10"]))
    formula = "value ~ " + " + ".join(f"C({choice})" for choice in CHOICES)
    table = sm.stats.anova_lm(smf.ols(formula, able).fit(), typ=2)
    total = np.sum((able["value"] - able["value"].mean()) ** 2)
    shares = p10_shares(cells)
    for choice in CHOICES:
        assert shares[choice] == pytest.approx(table.loc[f"C({choice})", "sum_sq"] / total, rel=1e-8)


def test_one_answer_is_too_few_to_decompose():
    cells = few_cells(5)
    cells.loc[1:, "reason"] = "no"
    with pytest.raises(WholeCurveError, match="1 of 5 specifications have an answer: expected at least 2"):
        decompose(cells)


# ---- the joint test


def test_draws_have_the_taylor_covariance():
    totals = np.random.default_rng(5).normal(size=(STRATA.size, 4))
    root = null_curves.taylor_root(STRATA)
    expected = between_psu(totals, design_of(STRATA))
    np.testing.assert_allclose(totals.T @ root.T @ root @ totals, expected, rtol=1e-12)


def test_a_stratum_of_one_psu_adds_nothing():
    strata = np.array([0, 0, 1])
    assert not null_curves.taylor_root(strata)[2].any()


@pytest.mark.parametrize("term", ["significant_p10", "significant_p90", "nonlinear"])
@pytest.mark.parametrize("knots", [3, 5])
def test_one_specification_alone_is_significant_in_one_draw_of_twenty(term, knots):
    null = null_of(curve_of(few_cells(1, knots)), draws=20_000, seed=6)
    rate = null[:, TERMS.index(term)].mean()
    assert abs(rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 20_000)


@pytest.mark.parametrize("term", ["significant_p10", "significant_p90", "nonlinear"])
def test_the_plain_bootstrap_finds_less_than_one_draw_of_twenty_where_df_are_few(term):
    """Normal errors against limits of t on 4 df: P(|N| > 2.78) is 0.0055, and 0.0055 of F(1, 4) with the same limit."""
    curve = curve_of(few_cells(1).assign(residual_df=4))
    rate = null_of(curve, null="bootstrap", draws=20_000, seed=6)[:, TERMS.index(term)].mean()
    expected = 2 * scipy.stats.norm.sf(scipy.stats.t.ppf(0.975, 4))
    assert rate == pytest.approx(expected, abs=0.004)  # sums of 20 strata of two are nearly, not quite, normal
    assert rate < 0.02


def test_degrees_of_freedom_matter_by_cell():
    scale = null_curves.scales(np.random.default_rng(7).random(200), np.array([4.0, 400.0]))
    assert scale[:, 0].std() > 5 * scale[:, 1].std()
    assert np.all(np.argsort(scale[:, 0]) == np.argsort(scale[:, 1]))


@pytest.mark.parametrize("null", ["design t", "bootstrap"])
@pytest.mark.parametrize("number", [1, 2, 29, 30])
def test_null_statistics_are_those_of_the_plain_form(null, number):
    cells = grid_frame().sample(number, random_state=21).reset_index(drop=True)
    cells["residual_df"] = np.random.default_rng(22).choice([4, 12, 36], number)
    curve = curve_of(cells, seed=23)
    drawn = {"null": null, "draws": 2100, "seed": 24}
    expected = plain_null_statistics(cells, curve.totals, STRATA, **drawn)
    found = null_of(curve, **drawn, jobs=2)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert np.ptp(found[:, -1]) > 0


def test_strata_of_three_are_resampled_as_the_plain_form_does():
    strata = np.repeat(np.arange(12), 3)
    cells = few_cells(5)
    totals = np.random.default_rng(25).normal(size=(36, 15))
    drawn = {"null": "bootstrap", "draws": 300, "seed": 26}
    found = null_curves.null_statistics(cells, totals, strata, **drawn)
    np.testing.assert_allclose(found, plain_null_statistics(cells, totals, strata, **drawn), rtol=1e-9, atol=1e-12)


def test_observed_statistics_are_those_of_the_plain_form():
    cells = noisy_grid()
    cells["conf_low_p10"], cells["conf_high_p10"] = cells["odds_ratio_p10"] * 0.95, cells["odds_ratio_p10"] * 1.2
    cells["conf_low_p90"], cells["conf_high_p90"] = cells["odds_ratio_p90"] * 0.8, cells["odds_ratio_p90"] * 1.05
    ratios = [cells[[f"odds_ratio_{mark}"]].to_numpy().T for mark in ("p10", "p90")]
    clear = [(cells[f"conf_low_{m}"] > 1) | (cells[f"conf_high_{m}"] < 1) for m in ("p10", "p90")]
    expected = statistics(list(map(np.log, ratios)), [one.to_numpy()[None] for one in clear],
                          cells[["nonlinear_p"]].to_numpy().T < 0.05)  # fmt: skip
    np.testing.assert_allclose(whole_curve.observed_statistics(cells), expected[0], rtol=1e-12)


def test_both_null_distributions_are_told_and_one_is_primary():
    found = joint_test(curve_of(few_cells(3)), draws=50)
    assert found.groupby("null")["term"].apply(list).to_dict() == dict.fromkeys(["bootstrap", "design t"], list(TERMS))
    assert set(found.loc[found["primary"], "null"]) == {"design t"}


def test_an_effect_everywhere_is_found():
    found = primary(joint_test(curve_of(few_cells(30), log_or=30.0), draws=200))
    assert found.loc["median_p90", "p_value"] == pytest.approx(1 / 201)
    assert found.loc["median_p90", "estimate"] == pytest.approx(30)
    assert found.loc["both_above", "estimate"] == 1


def test_no_effect_anywhere_is_not_found():
    found = primary(joint_test(curve_of(few_cells(30), log_or=0.0), draws=200))
    assert found.loc["median_p10", "p_value"] == 1
    assert found.loc["nonlinear", ["estimate", "p_value"]].tolist() == [0, 1]


def test_null_p_values_are_spread_evenly():
    """Curves whose estimates are draws themselves have p <= 0.1 in a tenth of cases."""
    base = curve_of(few_cells(8), seed=8)
    design = design_of(STRATA)
    rng = np.random.default_rng(9)
    first = np.arange(8) * 3
    root = np.linalg.cholesky(between_psu(base.totals, design) + 1e-9 * np.eye(24))
    p_values = []
    for _ in range(150):
        theta = root @ rng.normal(size=24) / np.sqrt(rng.chisquare(12) / 12)
        cells = base.cells.assign(odds_ratio_p10=np.exp(theta[first]))
        found = primary(joint_test(dataclasses.replace(base, cells=cells), draws=200))
        p_values.append(found.loc["median_p10", "p_value"])
    assert abs(np.mean(np.array(p_values) <= 0.1) - 0.1) < 4 * np.sqrt(0.09 / 150)


@pytest.mark.reference
def test_adjusted_p_values_are_those_by_hand():
    """The sample and four draws: by the first statistic 2, 4, 3, 1, 5 fifths, by the second 4, 2, 5, 1, 4.

    The smallest are 2, 2, 3, 1, 4: of these three are at most 2 fifths and all at most 4.
    """
    null = np.array([[1, 2], [2, 0], [4, 3], [0, 1]], dtype=float)
    p_value, adjusted = adjusted_p_values(np.array([3.0, 1.0]), null)
    np.testing.assert_allclose(p_value, [2 / 5, 4 / 5], rtol=1e-12)
    np.testing.assert_allclose(adjusted, [3 / 5, 1], rtol=1e-12)


def test_one_statistic_needs_no_adjustment():
    null = np.random.default_rng(10).normal(size=(50, 1))
    p_value, adjusted = adjusted_p_values(np.array([1.2]), null)
    np.testing.assert_allclose(adjusted, p_value, rtol=1e-12)


def test_statistics_that_are_the_same_cost_nothing_and_others_at_most_their_number():
    rng = np.random.default_rng(11)
    same = np.repeat(rng.normal(size=(400, 1)), 3, axis=1)
    p_value, adjusted = adjusted_p_values(np.full(3, 1.8), same)
    np.testing.assert_allclose(adjusted, p_value, rtol=1e-12)
    p_value, adjusted = adjusted_p_values(np.full(3, 1.8), rng.normal(size=(400, 3)))
    assert np.all(adjusted > p_value)
    assert np.all(adjusted <= 3 * p_value + 1e-12)


def test_any_of_the_adjusted_p_values_is_small_as_often_as_it_says():
    rng = np.random.default_rng(12)
    root = np.linalg.cholesky(0.4 + 0.6 * np.eye(5))
    draws = [rng.normal(size=(100, 5)) @ root.T for _ in range(600)]
    smallest = [adjusted_p_values(one[0], one[1:])[1].min() for one in draws]
    assert abs(np.mean(np.array(smallest) <= 0.1) - 0.1) < 4 * np.sqrt(0.09 / 600)


def test_error_of_an_adjusted_p_is_how_far_seeds_differ():
    observed = np.array([2.2, 1.5, 0.3])
    nulls = [np.random.default_rng(seed).normal(size=(2000, 3)) for seed in range(60)]
    adjusted = np.array([adjusted_p_values(observed, null)[1] for null in nulls])
    told = np.mean([whole_curve._batch_error(observed, null) for null in nulls], axis=0)
    np.testing.assert_allclose(told, adjusted.std(axis=0), rtol=0.35)


def test_a_share_that_differs_by_rounding_is_as_large():
    p_value, _ = adjusted_p_values(np.array([0.3]), np.array([[0.3 - 1e-16], [0.1]]))
    assert p_value == pytest.approx([2 / 3])


def test_same_seed_gives_the_same_test():
    curve = curve_of(few_cells(10), log_or=0.3)
    first, second, other = (joint_test(curve, draws=50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first["null_median"].equals(other["null_median"])


def test_draws_in_parts_are_those_of_one_piece(monkeypatch):
    curve = curve_of(few_cells(4), log_or=0.3)
    whole = joint_test(curve, draws=60)
    monkeypatch.setattr(null_curves, "PART", 17)
    monkeypatch.setattr(null_curves, "CELLS", 28)
    pd.testing.assert_frame_equal(joint_test(curve, draws=60, jobs=3), whole, rtol=1e-12)


def test_cells_without_an_answer_are_left_out():
    cells = few_cells(3)
    cells.loc[1, ["reason", "verdict"]] = ["no", None]
    kept = curve_of(cells[cells["reason"] == ""].reset_index(drop=True), log_or=0.4)
    holed = SpecificationCurve(cells.assign(odds_ratio_p10=np.exp(0.4), odds_ratio_p90=np.exp(0.4)), kept.totals,
                               STRATA)  # fmt: skip
    pd.testing.assert_frame_equal(joint_test(holed, draws=40), joint_test(kept, draws=40))


@pytest.mark.parametrize(("number", "draws"), [(0, 10), (3, 1)])
def test_nothing_to_test_is_refused(number, draws):
    with pytest.raises(WholeCurveError, match="expected at least 1 and 2"):
        joint_test(curve_of(few_cells(number)), draws=draws)


# ---- against refits


@pytest.fixture(scope="module")
def refitted():
    """Eight specifications of invented people: influence totals, and their estimates under bootstrap weights."""
    sample = clustered_sample(11, psus_in_stratum=(2,) * 40, people=25, psu_shift=0.3)
    design = sample.design()
    domain = domain_of(design, sample.rows)
    replicates = bootstrap(design, replicates=400, seed=12)
    x = sample.X[:, 1]
    marks = np.quantile(x, [0.1, 0.9])
    totals, changes = [], []
    for others, quantiles in itertools.product(([], [2], [3], [2, 3]), ([0.1, 0.5, 0.9], [0.05, 0.4, 0.95])):
        spline = RestrictedCubicSpline(np.quantile(x, quantiles))
        X = np.column_stack([np.ones_like(x), spline.basis(x), sample.X[:, others]])[sample.inside]
        y = sample.outcome
        fit = fit_logistic(X, y, design=design, domain=domain, terms=tuple(map(str, range(X.shape[1]))))
        influence = coefficient_influence(fit, X, y, design=design, domain=domain)
        rows = np.vstack([spline.basis(marks) - spline.basis(np.array([np.median(x)])), [0, 1]])
        rows[2] /= np.sqrt(fit.vcov[2, 2])
        totals.append(design.psu_sums @ influence[:, 1:3] @ rows.T)
        refits = refit_logistic(X, y, design=design, domain=domain, fit=fit, factors=replicates.factors)
        changes.append((refits.beta - fit.beta)[:, 1:3] @ rows.T)
    cells = few_cells(8).assign(residual_df=1e9)  # bootstrap refits know no degrees of freedom
    curve = SpecificationCurve(cells, np.hstack(totals), design.psu_stratum)
    return curve, replicates, np.array(changes)


@pytest.mark.parametrize("end", [0, 1], ids=["p10", "p90"])
def test_linearised_medians_follow_refits_under_the_same_weights(refitted, end):
    curve, replicates, changes = refitted
    linear = (replicates.factors - 1).T @ curve.totals[:, end::3]
    linear_median, refit_median = np.median(linear, axis=1), np.median(changes[:, :, end], axis=0)
    assert np.corrcoef(linear_median, refit_median)[0, 1] > 0.98
    assert linear_median.std() == pytest.approx(refit_median.std(), rel=0.08)


@pytest.mark.parametrize("end", ["p10", "p90"])
def test_null_distribution_of_the_median_is_that_of_refits(refitted, end):
    curve, _, changes = refitted
    null = primary(joint_test(curve, draws=4000)).loc[f"median_{end}"]
    medians = np.abs(np.median(changes[:, :, ["p10", "p90"].index(end)], axis=0))
    assert null["null_median"] == pytest.approx(np.median(medians), rel=0.15)
    assert null["null_p95"] == pytest.approx(np.quantile(medians, 0.95), rel=0.15)


@pytest.mark.parametrize("end", ["p10", "p90"])
def test_null_distribution_of_the_commoner_sign_is_that_of_refits(refitted, end):
    curve, _, changes = refitted
    null = primary(joint_test(curve, draws=4000)).loc[f"same_sign_{end}"]
    above = np.mean(changes[:, :, ["p10", "p90"].index(end)] > 0, axis=0)
    draws = null_of(curve, draws=4000, seed=1)[:, TERMS.index(f"same_sign_{end}")]
    assert draws.mean() == pytest.approx(np.maximum(above, 1 - above).mean(), abs=0.03)
    assert null["null_median"] == pytest.approx(np.median(np.maximum(above, 1 - above)), abs=0.13)


# ---- from parts


def parts_of(cells: pd.DataFrame, totals) -> list:
    widths = np.where(cells["reason"] == "", cells["knots"], 0)
    blocks = np.split(totals, np.cumsum(widths)[:-1], axis=1)
    return [(cells.iloc[[number]].reset_index(drop=True), block) for number, block in enumerate(blocks)]


def test_parts_in_any_order_make_one_curve():
    curve = curve_of(grid_frame().iloc[[0, 1, 500, 3000]].reset_index(drop=True))
    parts = parts_of(curve.cells, curve.totals)
    found = collect_answers([parts[place] for place in (2, 0, 3, 1)], STRATA)
    pd.testing.assert_frame_equal(found.cells, curve.cells)
    np.testing.assert_array_equal(found.totals, curve.totals)


def test_a_part_without_answers_keeps_its_place():
    cells = few_cells(3)
    curve = curve_of(cells.drop(index=1))
    failed = cells.loc[[1], list(CHOICES)].assign(verdict=None, reason="why")
    rows = curve.cells
    parts = [(failed, np.empty((40, 0))), (rows.iloc[[1]], curve.totals[:, 3:]), (rows.iloc[[0]], curve.totals[:, :3])]
    found = collect_answers(parts, STRATA)
    assert found.cells["reason"].tolist() == ["", "why", ""]
    np.testing.assert_array_equal(found.totals, curve.totals)


def test_a_specification_twice_is_refused():
    curve = curve_of(few_cells(2))
    parts = parts_of(curve.cells, curve.totals)
    with pytest.raises(WholeCurveError, match="1 specifications are there twice"):
        collect_answers([*parts, parts[0]], STRATA)


def test_totals_of_other_cells_are_refused():
    curve = curve_of(few_cells(2))
    with pytest.raises(WholeCurveError, match=r"totals \(40, 5\): expected \(40, 6\)"):
        collect_answers([(curve.cells, curve.totals[:, :5])], STRATA)
