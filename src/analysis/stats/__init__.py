"""Statistics of complex samples on arrays; knows no data.

What is of use beyond this project stands here, with what a test holds it to; each name is loaded when it is first used.
Nothing within the project comes through this door: its modules import each other where they are.

>>> import numpy as np
>>> from analysis.stats import SurveyDesign, domain_of, weighted_mean
>>> design = SurveyDesign(strata=[1, 1, 2, 2], psu=[1, 2, 1, 2], weights=[10, 20, 30, 40])
>>> everybody = domain_of(design, [True] * 4)
>>> found = weighted_mean(np.array([1.0, 3.0, 2.0, 5.0]), design=design, domain=everybody)
>>> f"{found.estimate:.2f}, standard error {found.std_error:.2f}, {found.df} df"
'3.30, standard error 1.08, 2 df'
"""

import importlib

HELD_TO = {
    # A sample, its parts and its replicates
    "SurveyDesign": ("sample.design", "R survey::svydesign and degf"),
    "domain_of": ("sample.design", "R survey: subset of a design, degf"),
    "taylor_vcov": ("sample.design", "R survey::svyrecvar"),
    "jackknife": ("sample.replicates", "R survey::as.svrepdesign, JKn"),
    "jackknife_unstratified": ("sample.replicates", "R survey::as.svrepdesign, JK1"),
    "balanced": ("sample.replicates", "R survey::as.svrepdesign, BRR and Fay"),
    "bootstrap": ("sample.replicates", "R survey::as.svrepdesign, subbootstrap"),
    "provided": ("sample.replicates", "R survey::svrepdesign"),
    "replicate_statistic": ("sample.replicates", "R survey::withReplicates"),
    "replicate_vcov": ("sample.replicates", "R survey::svrepdesign, with mse and without"),
    # Descriptions
    "weighted_mean": ("sample.descriptives", "R survey::svymean"),
    "weighted_total": ("sample.descriptives", "R survey::svytotal"),
    "weighted_ratio": ("sample.descriptives", "R survey::svyratio"),
    "weighted_proportion": ("sample.descriptives", "R survey::svyciprop, logit"),
    "weighted_quantile": ("sample.descriptives", "R survey::svyquantile"),
    "domain_means": ("sample.descriptives", "R survey::svyby with covariance"),
    "cross_table": ("sample.crosstabs", "R survey: means of the cells"),
    "independence_test": ("sample.crosstabs", "R survey::svychisq"),
    # Regression
    "fit_logistic": ("regression.fit", "R survey::svyglm, quasibinomial"),
    "fit_linear": ("regression.fit", "R survey::svyglm, gaussian"),
    "contrast": ("regression.hypotheses", "R survey::svycontrast"),
    "wald_test": ("regression.hypotheses", "R survey::regTermTest, Wald"),
    "rao_scott_test": ("regression.hypotheses", "R survey::regTermTest, LRT"),
    "trend_contrast": ("regression.hypotheses", "R survey::svycontrast"),
    "standardise": ("regression.standardise", "R survey::svypredmeans and svyrecvar"),
    "sup_t_critical_value": ("regression.bands", "R mvtnorm::qmvt"),
    "daic": ("regression.criteria", "R survey::AIC.svyglm"),
    "dbic": ("regression.criteria", "R survey::BIC.svyglm"),
    "e_value": ("regression.confounding", "VanderWeele & Ding 2017"),
    # Curves and their shape
    "place_knots": ("curve.splines", "R Hmisc::rcspline.eval; Harrell 2015, table 2.3"),
    "weighted_quantiles": ("curve.splines", "R Hmisc::wtd.quantile"),
    "RestrictedCubicSpline": ("curve.splines", "R Hmisc::rcspline.eval"),
    "fit_fractional_polynomial": ("curve.forms", "R survey::svyglm on its powers"),
    "fit_penalised_spline": ("curve.forms", "penalised fit written out in R"),
    "end_slopes": ("shape.slopes", "R survey::svycontrast; an output of Stata's utest"),
    "quadratic_turning_point": ("shape.slopes", "Fieller 1954, by R survey::svyglm"),
    "two_lines": ("shape.two_lines", "Simonsohn 2018, by R survey::svyglm"),
    "find_nadir": ("shape.nadir", "by hand; a fine grid"),
    "fit_threshold": ("shape.threshold", "R survey::svyglm at each break"),
    "search_test": ("shape.threshold", "Hansen's score process written out in R"),
    "replicate_breakpoints": ("shape.threshold", "refits of every replicate"),
    # Checks of a model
    "calibration_by_group": ("checks.calibration", "R survey::svyby"),
    "archer_lemeshow_test": ("checks.calibration", "written out in R from survey::svyby; by hand"),
    "measure_collinearity": ("checks.collinearity", "R svd and lm; by hand"),
    "psu_influence": ("checks.influence", "R survey::svyglm without each PSU"),
    "design_effect_of_mean": ("checks.design_effects", "R survey::svymean, deff"),
    "kish_effective_size": ("checks.design_effects", "R, written out; by hand"),
    "effective_sizes": ("checks.design_effects", "R survey::svymean, deff, by bin"),
    # What is told
    "blanked": ("disclosure", "by hand"),
    "count_of": ("disclosure", "by hand"),
}
"""Where each name lives, and the reference that a test holds it to."""

__all__ = list(HELD_TO)


def __getattr__(name: str) -> object:
    """A name of `__all__`, loaded now."""
    if name not in HELD_TO:
        raise AttributeError(
            f"module 'analysis.stats' has no attribute {name!r}: it offers {', '.join(sorted(__all__))}"
        )
    found: object = getattr(importlib.import_module(f"analysis.stats.{HELD_TO[name][0]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
