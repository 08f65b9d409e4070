"""Whether a model has an estimate on a domain: what every regression refuses before it is fitted, and in what words."""

import numpy as np

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import FEW, count_of, is_few, same_for_all
from analysis.stats.regression.blocks import gram, triangle_of, well_conditioned
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign

HEAD = 1000
"""First rows in which a column of more than two values usually shows a third one."""

COLLINEAR = 1e-9
"""A column is redundant when less than this share of its length is left after projecting on the others."""

PART = 1e-6
"""Share of a redundant column's length from which a column beside it is named as what it repeats."""


class ConvergenceError(AnalysisError):
    """A model without a finite, unique estimate."""

    exit_code = 6


def check_rows(X: Array, y: Array, domain: Domain, terms: tuple[str, ...]) -> None:
    """Raise DesignError unless X and y have a row per person of the domain and a column per term."""
    if X.shape != (domain.n, len(terms)) or y.shape != (domain.n,):
        raise DesignError(
            f"X {X.shape}, y {y.shape}: expected ({domain.n}, {len(terms)}) and ({domain.n},), the rows of the domain "
            "only."
        )


def check_people(x: Array, y: Array, adjustment: Array, domain: Domain) -> None:
    """Refuse an exposure (m,), an outcome (m,) and an adjustment (m, q) that are not the domain's rows.

    An exposure must be complete too, since bases and breaks are placed on it; the others are asked by the fit, see
    `refuse_inestimable`.

    Raises
    ------
    DesignError : another shape, or an exposure that is missing or infinite.
    """
    m = domain.n
    if adjustment.ndim != 2 or not x.shape == y.shape == (m,) == adjustment.shape[:1]:
        raise DesignError(f"x {x.shape}, y {y.shape}, adjustment {adjustment.shape}: expected ({m},), ({m},) and "
                          f"({m}, q), the domain's rows only.")  # fmt: skip
    if not np.all(np.isfinite(x)):
        unknown = count_of(np.sum(~np.isfinite(x)))
        raise DesignError(f"{unknown} values of the exposure are missing or infinite: expected complete cases.")


def checked_weights(X: Array, y: Array, design: SurveyDesign, domain: Domain, terms: tuple[str, ...]) -> Array:
    """Weights of mean 1 of a domain that fits X and y and leaves a residual degree of freedom.

    Raises
    ------
    DesignError : X, y, domain and design disagree, or the PSUs are too few for the terms.
    """
    if domain.rows.shape != design.weights.shape:
        raise DesignError(f"domain of {domain.rows.size} rows: expected {design.weights.size}, those of the design.")
    check_rows(X, y, domain, terms)
    if domain.df + 1 - len(terms) < 1:
        raise DesignError(
            f"{len(terms)} coefficients on {domain.n_psu} PSUs in {domain.n_strata} strata leave no residual degree of "
            "freedom: expected fewer terms or a larger domain."
        )
    inside = design.weights[domain.rows]
    return inside / inside.mean()


def refuse_inestimable(X: Array, y: Array, weights: Array, terms: tuple[str, ...]) -> None:
    """Raise ConvergenceError on missing values, an outcome that is not 0 and 1 or does not vary, or a redundant column.

    Parameters
    ----------
    X, y, terms : the (m, p) design matrix, the (m,) outcome, and the names of the columns.
    weights : (m,) of mean 1.
    """
    if not np.all(np.isfinite(X)) or not np.all((y == 0) | (y == 1)):
        raise ConvergenceError("missing values or an outcome other than 0 and 1 inside the domain: "
                               "expected complete cases.")  # fmt: skip
    if y.min() == y.max():
        raise ConvergenceError(f"{same_for_all('the outcome', y[0], y.size)}: expected some with and some without.")
    refuse_redundant(X, weights, terms)


def refuse_redundant(X: Array, weights: Array, terms: tuple[str, ...]) -> None:
    """Raise ConvergenceError with the columns of which less than `COLLINEAR` is left beside those before them."""
    if well_conditioned(gram(X, weights)):
        return
    triangle = triangle_of(X, np.sqrt(weights))
    length = np.linalg.norm(triangle, axis=0)
    # Without pivoting the j-th diagonal element is what column j adds to the columns before it: the later of two is
    # named, and never the intercept.
    left = np.abs(np.diag(triangle)) / np.where(length > 0, length, 1.0)
    redundant = np.flatnonzero(left < COLLINEAR)
    if redundant.size:
        kept = np.setdiff1d(np.arange(len(terms)), redundant)
        repeated = _repeated(triangle, int(redundant[0]), kept[kept < redundant[0]])
        told = " and ".join(terms[place] for place in repeated if terms[place] != "intercept")
        why, which = (f"repeats {told}", "one of them") if told else ("is constant", "it")
        raise ConvergenceError(
            f"{', '.join(terms[place] for place in redundant)}: nothing is left of this column once the others are "
            f"known ({terms[redundant[0]]} {why} in this domain). Remove {which} from the model, or widen the domain."
        )


def _repeated(triangle: Array, column: int, others: Integers) -> Integers:
    """Those of other columns whose sum, each times a number, a column is: whose part of it is above rounding."""
    length = np.linalg.norm(triangle, axis=0)
    times = np.linalg.lstsq(triangle[:, others], triangle[:, column])[0]
    return others[np.abs(times) * length[others] > PART * length[column]]


def refuse_separation(X: Array, y: Array, terms: tuple[str, ...]) -> None:
    """Raise ConvergenceError with the two-valued column, if any, of which one level has only one outcome."""
    for column, term in enumerate(terms):
        if np.unique(X[:HEAD, column]).size > 2:
            continue
        values = X[:, column]
        first = values == values[0]
        other = values[~first]
        if not other.size or np.any(other != other[0]):
            continue
        for level, group in ((values[0], y[first]), (other[0], y[~first])):
            if group.min() == group.max():
                alike = (
                    f"one of its two values is that of {FEW} people, who all have the same outcome"
                    if is_few(group.size)
                    else f"all {group.size:,} people with {term} = {level:g} have outcome {group[0]:g}"
                )
                raise ConvergenceError(
                    f"{term}: {alike}, so its odds ratio is infinite (separation). Merge levels, remove the term, or "
                    "widen the domain."
                )
