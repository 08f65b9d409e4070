"""Information criteria of survey regressions: dAIC and dBIC.

Both replace the number of coefficients, or of people, by what the design leaves of it: under weights and clusters the
fall in deviance from a useless term is not chi²_1 but a design effect times it.

References
----------
Lumley & Scott 2015, J Surv Stat Methodol 3:1-18. Checked against R ``survey::AIC.svyglm`` and ``BIC.svyglm`` in
tests/reference.
"""

from dataclasses import dataclass

import numpy as np

from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import generalised_design_effects, wald_test
from analysis.stats.sample.design import DesignError


@dataclass(frozen=True, slots=True)
class DesignAic:
    """dAIC of a regression; smaller is better, among models of the same people.

    Attributes
    ----------
    value : deviance + 2 effective_parameters.
    effective_parameters : sum of the generalised design effects of the terms that are not in the null model.
    mean_design_effect : their mean; NaN for the null model itself.
    """

    value: float
    effective_parameters: float
    mean_design_effect: float


@dataclass(frozen=True, slots=True)
class DesignBic:
    """dBIC of a regression within a maximal model; smaller is better, among models of one maximal model.

    Attributes
    ----------
    value : dBIC.
    parameters : coefficients of the model.
    effective_n : people divided by the geometric mean design effect of the terms left out; NaN for the maximal model.
    """

    value: float
    parameters: int
    effective_n: float


def daic(fit: LogisticFit, *, null_terms: tuple[str, ...] = ("intercept",)) -> DesignAic:
    """Design-based AIC: D + 2 sum_j lambda_j.

    D is the deviance under weights of mean 1, lambda the eigenvalues of V0⁻¹ V of the coefficients outside the null
    model (V0 the naive covariance, V the design-based one).

    Parameters
    ----------
    fit : the regression.
    null_terms : terms that every model of the comparison has, and that no penalty is paid for.

    Returns
    -------
    DesignAic
    """
    penalised = tuple(term for term in fit.terms if term not in null_terms)
    if not penalised:
        return DesignAic(fit.deviance, 0.0, float("nan"))
    effects = generalised_design_effects(fit, penalised)
    return DesignAic(fit.deviance + 2 * float(effects.sum()), float(effects.sum()), float(effects.mean()))


def dbic(fit: LogisticFit, *, maximal: LogisticFit) -> DesignBic:
    """Design-based BIC: W + p log n + log det(V0⁻¹ V) + D of the maximal model.

    W = bᵀ V⁻¹ b is the Wald statistic of the maximal model's coefficients that ``fit`` leaves out; V and V0 are their
    design-based and naive covariance in the maximal model, and p counts the coefficients of ``fit``.

    Parameters
    ----------
    fit : the regression.
    maximal : one with all terms of every model of the comparison.

    Returns
    -------
    DesignBic

    Raises
    ------
    DesignError : a term of ``fit`` is not in ``maximal``, or the two do not rest on the same people.
    """
    unknown = [term for term in fit.terms if term not in maximal.terms]
    if unknown:
        raise DesignError(f"{', '.join(unknown)}: not in the maximal model ({', '.join(maximal.terms)}); expected "
                          "one that has every term.")  # fmt: skip
    if (fit.n, fit.cases) != (maximal.n, maximal.cases):
        raise DesignError(f"the models were fitted to {fit.n} and {maximal.n} people: expected the same domain.")
    p = len(fit.terms)
    left_out = tuple(term for term in maximal.terms if term not in fit.terms)
    if not left_out:
        return DesignBic(p * float(np.log(fit.n)) + maximal.deviance, p, float("nan"))
    W = wald_test(maximal, left_out).statistic * len(left_out)
    log_effects = np.log(generalised_design_effects(maximal, left_out))
    value = W + p * float(np.log(fit.n)) + float(log_effects.sum()) + maximal.deviance
    return DesignBic(value, p, fit.n / float(np.exp(log_effects.mean())))
