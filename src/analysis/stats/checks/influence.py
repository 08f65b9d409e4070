"""How much of a regression hangs on one primary sampling unit: coefficients, contrasts and tests without each.

References
----------
Belsley, Kuh & Welsch 1980, Regression Diagnostics, Wiley (dfbetas). Rust & Rao 1996, Stat Methods Med Res 5:283-310
(delete-one jackknife). Checked against R ``survey`` in tests/reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet
from analysis.stats.regression.estimable import ConvergenceError, check_rows
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import TermTest, wald_test
from analysis.stats.regression.quick import Regression, fit_quickly
from analysis.stats.regression.refits import refit_logistic
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, domain_of
from analysis.stats.sample.replicates import jackknife

TestCovariance = Literal["fixed", "refitted"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PsuInfluence(Discreet):
    """What q quantities of a regression become without each of the PSUs of a design.

    Attributes
    ----------
    terms : names of the q quantities.
    strata, psu : (n_psu,) codes of the PSU left out.
    full, std_error : (q,) value and standard error with everybody.
    estimate : (n_psu, q) value without the PSU; NaN where that regression has no estimate.
    converged : (n_psu,) whether it has one.
    """

    terms: tuple[str, ...]
    strata: npt.NDArray[np.integer]
    psu: npt.NDArray[np.integer]
    full: Array
    std_error: Array
    estimate: Array
    converged: Bools

    @property
    def change(self) -> Array:
        """(n_psu, q) value without the PSU minus value with everybody."""
        return self.estimate - self.full

    @property
    def dfbetas(self) -> Array:
        """(n_psu, q) change in standard errors of the regression with everybody; NaN for a contrast of zeros."""
        return self.change / np.where(self.std_error > 0, self.std_error, np.nan)

    @property
    def failed(self) -> int:
        """Number of PSUs without which there is no estimate."""
        return int(np.sum(~self.converged))

    def to_frame(self) -> pd.DataFrame:
        """A row a PSU and quantity: stratum, psu, term, estimate, change, dfbetas, converged."""
        q = len(self.terms)
        return pd.DataFrame(
            {
                "stratum": np.repeat(self.strata, q),
                "psu": np.repeat(self.psu, q),
                "term": np.tile(np.array(self.terms), self.psu.size),
                "estimate": self.estimate.ravel(),
                "change": self.change.ravel(),
                "dfbetas": self.dfbetas.ravel(),
                "converged": np.repeat(self.converged, q),
            }
        )


def psu_influence(
    fit: LogisticFit,
    X: Array,
    y: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    contrasts: Mapping[str, Array] | None = None,
) -> PsuInfluence:
    """Refit a regression without each PSU of the design in turn.

    The other PSUs of its stratum are multiplied by n_h/(n_h - 1), as in the delete-one jackknife; the refits are exact.

    Parameters
    ----------
    fit : the regression with everybody.
    X, y, design, domain : what it was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    contrasts : (p,) arrays by name, each a weighted sum of the coefficients (a log odds ratio); None for the
        coefficients themselves.

    Returns
    -------
    PsuInfluence, a row per PSU of the whole sample in the order of ``design.psu_stratum``; a PSU without people in the
    domain still changes the weights of its stratum.

    Raises
    ------
    DesignError : X, y and design disagree, a contrast of another length, or a stratum with one PSU.
    """
    check_rows(X, y, domain, fit.terms)
    terms = fit.terms if contrasts is None else tuple(contrasts)
    L = np.eye(len(fit.terms)) if contrasts is None else _stacked(contrasts, len(fit.terms))
    refits = refit_logistic(X, y, design=design, domain=domain, fit=fit, factors=jackknife(design).factors)
    strata, psu = _psu_codes(design)
    return PsuInfluence(
        terms=terms,
        strata=strata,
        psu=psu,
        full=L @ fit.beta,
        std_error=np.sqrt(np.sum((L @ fit.vcov) * L, axis=1)),
        estimate=refits.beta @ L.T,
        converged=refits.converged,
    )


def _stacked(contrasts: Mapping[str, Array], p: int) -> Array:
    wrong = [name for name, row in contrasts.items() if np.shape(row) != (p,)]
    if wrong or not contrasts:
        raise DesignError(
            f"contrasts {', '.join(wrong) or '(none)'}: expected {p} numbers in each, one per coefficient."
        )
    return np.vstack([np.asarray(row, dtype=float) for row in contrasts.values()])


def _psu_codes(design: SurveyDesign) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    first = np.unique(design.psu_index, return_index=True)[1]
    return design.strata[first], design.psu[first]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PsuTestInfluence(Discreet):
    """What a test of several coefficients becomes without each of the PSUs of a design.

    Attributes
    ----------
    covariance : ``fixed`` or ``refitted``, see `psu_influence_on_test`.
    full : the test with everybody.
    strata, psu : (n_psu,) codes of the PSU left out.
    statistic, df_den, p_value : (n_psu,) Wald F without it; NaN where that regression has no estimate.
    converged : (n_psu,) whether it has one.
    """

    covariance: TestCovariance
    full: TermTest
    strata: npt.NDArray[np.integer]
    psu: npt.NDArray[np.integer]
    statistic: Array
    df_den: Array
    p_value: Array
    converged: Bools

    def to_frame(self) -> pd.DataFrame:
        """A row a PSU: stratum, psu, statistic, df_num, df_den, p_value, converged."""
        return pd.DataFrame(
            {
                "stratum": self.strata,
                "psu": self.psu,
                "statistic": self.statistic,
                "df_num": self.full.df_num,
                "df_den": self.df_den,
                "p_value": self.p_value,
                "converged": self.converged,
            }
        )


def psu_influence_on_test(
    fit: LogisticFit,
    X: Array,
    y: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    tested: tuple[str, ...],
    covariance: TestCovariance = "fixed",
) -> PsuTestInfluence:
    """Wald F of several coefficients without each PSU of the design in turn.

    Both refit the coefficients b to weights in which the other PSUs of the stratum count n_h/(n_h - 1) times.

    - ``fixed`` keeps the covariance V and the residual df of the regression with everybody, F = bᵀ V⁻¹ b / q: what
      moves is the estimate alone.
    - ``refitted`` takes the PSU's people out of the sample and estimates V and the df anew. A stratum left with one PSU
      is treated as ``lonely_psu="adjust"`` says, and one left with one PSU of the domain as ``lonely_domain="keep"``.

    Parameters
    ----------
    fit : the regression with everybody.
    X, y, design, domain : what it was fitted to; see `analysis.stats.regression.fit.fit_logistic`.
    tested : names of the q coefficients.
    covariance : see above.

    Returns
    -------
    PsuTestInfluence, a row per PSU of the whole sample.

    Raises
    ------
    DesignError : an unknown ``covariance`` or term, X, y and design disagree, or a stratum with one PSU.
    """
    if covariance not in get_args(TestCovariance):
        raise DesignError(f"covariance={covariance!r}: expected one of {', '.join(get_args(TestCovariance))}.")
    unknown = [term for term in tested if term not in fit.terms]
    if unknown or not tested:
        raise DesignError(f"test of {', '.join(unknown) or 'nothing'}: expected some of {', '.join(fit.terms)}.")
    if covariance == "fixed":
        statistic, df_den = _fixed_tests(fit, psu_influence(fit, X, y, design=design, domain=domain), tested)
    else:
        check_rows(X, y, domain, fit.terms)
        statistic, df_den = _refitted_tests(fit, X, y, design, domain, tested)
    strata, psu = _psu_codes(design)
    return PsuTestInfluence(
        covariance=covariance,
        full=wald_test(fit, tested),
        strata=strata,
        psu=psu,
        statistic=statistic,
        df_den=df_den,
        p_value=scipy.stats.f.sf(statistic, len(tested), df_den),
        converged=np.isfinite(statistic),
    )


def _fixed_tests(fit: LogisticFit, influence: PsuInfluence, tested: tuple[str, ...]) -> tuple[Array, Array]:
    index = fit.index(tested)
    z = influence.estimate[:, index] / influence.std_error[index]
    correlation = fit.vcov[np.ix_(index, index)] / np.outer(influence.std_error[index], influence.std_error[index])
    statistic, able = np.full(len(z), np.nan), influence.converged
    statistic[able] = np.sum(z[able] * np.linalg.solve(correlation, z[able].T).T, axis=1) / index.size
    return statistic, np.where(able, fit.residual_df, np.nan)


def _refitted_tests(
    fit: LogisticFit, X: Array, y: Array, design: SurveyDesign, domain: Domain, tested: tuple[str, ...]
) -> tuple[Array, Array]:
    factors = jackknife(design).factors
    found = np.full((2, factors.shape[1]), np.nan)
    for left_out, factor in enumerate(factors.T):
        kept = design.psu_index != left_out
        try:
            refit = _fit_to(kept, factor[design.psu_index], X, y, design, domain, fit.terms)
        except (ConvergenceError, DesignError):
            continue  # stays NaN, which the result reports as not converged
        test = wald_test(refit, tested)
        found[:, left_out] = test.statistic, test.df_den
    return found[0], found[1]


def _fit_to(
    kept: Bools, factor: Array, X: Array, y: Array, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]
) -> LogisticFit:
    part = SurveyDesign(
        strata=design.strata[kept],
        psu=design.psu[kept],
        weights=(design.weights * factor)[kept],
        lonely_psu="adjust",
        lonely_domain="keep",
    )
    inside = kept[domain.rows]
    return fit_quickly(Regression(X[inside], y[inside], domain_of(part, domain.rows[kept]), terms), part)
