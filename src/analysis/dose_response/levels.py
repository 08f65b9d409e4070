"""A study's regression with a curve for each level of its people."""

import numpy as np

from analysis.dose_response.problem import Problem
from analysis.stats.arrays import Integers
from analysis.stats.regression.hypotheses import product_columns
from analysis.stats.regression.quick import Regression


def with_levels(
    problem: Problem, codes: Integers, names: tuple[str, ...]
) -> tuple[Regression, tuple[tuple[str, ...], ...]]:
    """A study's regression with a curve for each level of its people, which the covariates do not tell already.

    Columns: intercept, spline, each level's indicator and its products with the spline, covariates. The spline is zero
    at the reference, so that an indicator's coefficient is a level's difference there; on the basis as it is, it would
    be that at an exposure of zero. Products, tests of them and each level's curve are the same on either.

    Parameters
    ----------
    problem : the posed study.
    codes : (m,) place of the level of each of the domain's rows, 0 the reference.
    names : terms of the levels from the second on.

    Returns
    -------
    The regression, and the products' terms level by level from the second; together they are tested by
    `analysis.stats.regression.hypotheses.wald_test`.
    """
    spline = problem.spline_terms
    basis = problem.contrast(problem.setting.exposure[problem.setting.domain.rows])
    columns, terms, products = [basis], [*spline], []
    for position, name in enumerate(names, start=1):
        indicator = (codes == position).astype(float)[:, None]
        product, own = product_columns(basis, indicator, first_terms=spline, second_terms=(name,))
        columns += [indicator, product]
        terms += [name, *own]
        products.append(own)
    return problem.setting.regression(np.hstack(columns), tuple(terms)), tuple(products)
