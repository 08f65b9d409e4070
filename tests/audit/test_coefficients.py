"""What is kept of a fit draws its curve as the fit itself does."""

import numpy as np
import pandas as pd
import scipy.stats

from analysis.audit.coefficients import COEFFICIENTS, coefficients_frame, curve_coefficients
from analysis.dose_response.association import contrast_frame
from analysis.dose_response.fits import fit_problem
from analysis.dose_response.problem import pose
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.study import PRIMARY

TEN_DIGITS = 1e-5
"""Relative: coefficients and covariance have ten digits, and a variance is what is left of terms some 1e4 times it."""


def test_curve_drawn_from_what_is_kept_is_the_fit_s(participants):
    problem = pose(participants, PRIMARY)
    fit = fit_problem(problem)
    kept = curve_coefficients(problem, fit)
    knots, beta, lower = (np.array(kept[name].split(), float) for name in ("knots_at", "coefficients", "covariance"))
    vcov = np.zeros((beta.size, beta.size))
    vcov[np.tril_indices(beta.size)] = vcov.T[np.tril_indices(beta.size)] = lower
    x = np.linspace(kept["shown_low"], kept["shown_high"], 20)
    spline = RestrictedCubicSpline(knots)
    contrast = spline.basis(x) - spline.basis(np.array([kept["reference"]]))
    reach = scipy.stats.t.ppf(0.975, fit.residual_df) * np.sqrt(np.einsum("ij,jk,ik->i", contrast, vcov, contrast))
    expected = contrast_frame(fit, fit.index(problem.spline_terms), problem.contrast(x), conf_level=0.95)
    np.testing.assert_allclose(np.exp(contrast @ beta), expected["odds_ratio"], rtol=TEN_DIGITS)
    np.testing.assert_allclose(np.exp(contrast @ beta + reach), expected["conf_high"], rtol=TEN_DIGITS)


def test_rows_without_a_fit_are_left_out():
    kept = dict.fromkeys(COEFFICIENTS, "1 2")
    rows = pd.DataFrame([{"choice": "a"} | kept, {"choice": "b", "reason": "no variation"}])
    assert coefficients_frame(rows, ["choice"])["choice"].tolist() == ["a"]
    assert coefficients_frame(rows[1:][["choice"]], ["choice"]).empty
