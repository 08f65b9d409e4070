"""Two-way tables of a complex sample, and tests that rows and columns are independent.

References
----------
Rao & Scott 1981, J Am Stat Assoc 76:221-230; 1984, Ann Stat 12:46-60 (corrections of Pearson's X² to the design).
Koch, Freeman & Freeman 1975, Int Stat Rev 43:59-78 (Wald test). Checked against R ``survey::svychisq`` in
tests/reference.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from analysis.stats.arrays import Array, Integers
from analysis.stats.disclosure import Discreet, count_of
from analysis.stats.sample.descriptives import logit_interval
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign, taylor_vcov

ShareOf = Literal["table", "row", "column"]
Method = Literal["rao_scott_f", "rao_scott_chisq", "wald", "adjusted_wald"]
Codes = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrossTable(Discreet):
    """A weighted two-way table of r rows and c columns.

    Attributes
    ----------
    rows, columns : levels, in their sorted order.
    n : (r, c) integer array, people in each cell.
    total : (r, c) float array, sum of weights in each cell.
    vcov : (r c, r c) float array, design-based covariance of the totals, cells in the order of ``total.ravel()``.
    df : design degrees of freedom of the domain.
    """

    rows: tuple[Any, ...]
    columns: tuple[Any, ...]
    n: Integers
    total: Array
    vcov: Array
    df: int

    def shares(self, share_of: ShareOf = "table") -> tuple[Array, Array]:
        """Each cell as a share of the table, of its row or of its column, and its standard error: two (r, c) arrays.

        A share p = t/m of totals t and m has the variance of (t - p m)/m.
        """
        _require("share_of", share_of, get_args(ShareOf))
        r, c = self.total.shape
        row, column = np.divmod(np.arange(r * c), c)
        same = {
            "table": np.ones((r * c, r * c)),
            "row": (row[:, None] == row[None, :]).astype(float),
            "column": (column[:, None] == column[None, :]).astype(float),
        }[share_of]
        whole = same @ self.total.ravel()
        share = self.total.ravel() / whole
        jacobian = (np.eye(r * c) - share[:, None] * same) / whole[:, None]
        variance = np.einsum("ij,jk,ik->i", jacobian, self.vcov, jacobian)
        return share.reshape(r, c), np.sqrt(np.maximum(variance, 0.0)).reshape(r, c)

    def to_frame(self, *, share_of: ShareOf = "table", conf_level: float = 0.95) -> pd.DataFrame:
        """One row per cell: row, column, n, total, total_std_error, estimate, std_error, df, conf_low, conf_high.

        The estimate is the share; its limits are those of its logit, NaN for a share of 0 or 1.
        """
        share, std_error = self.shares(share_of)
        low, high = logit_interval(share, std_error, df=self.df, conf_level=conf_level)
        return pd.DataFrame(
            {
                "row": np.repeat(np.array(self.rows), len(self.columns)),
                "column": np.tile(np.array(self.columns), len(self.rows)),
                "n": self.n.ravel(),
                "total": self.total.ravel(),
                "total_std_error": np.sqrt(np.diag(self.vcov)),
                "estimate": share.ravel(),
                "std_error": std_error.ravel(),
                "df": self.df,
                "conf_low": low.ravel(),
                "conf_high": high.ravel(),
            }
        )


@dataclass(frozen=True, slots=True)
class IndependenceTest:
    """Result of a test that the rows and columns of a table are independent.

    Attributes
    ----------
    method : see `independence_test`.
    statistic : an F; for ``rao_scott_chisq`` a chi-square.
    df_num, df_den : its degrees of freedom, not whole numbers for ``rao_scott_f``; df_den is infinite for a chi-square.
    p_value : upper tail.
    """

    method: Method
    statistic: float
    df_num: float
    df_den: float
    p_value: float


def cross_table(rows: Codes, columns: Codes, *, design: SurveyDesign, domain: Domain) -> CrossTable:
    """Weighted two-way table of a domain.

    Parameters
    ----------
    rows, columns : (n,) arrays of numbers or strings, complete inside the domain; not read outside it. Levels are the
        values found there.
    design, domain : the whole sample, and the part the table is about.

    Returns
    -------
    CrossTable. The covariance is `taylor_vcov` of w [cell], as R's ``svytotal`` of the cells' indicators.

    Raises
    ------
    DesignError : a variable is missing inside the domain or of another shape, or the domain leaves no degree of
        freedom.
    """
    inside = domain.rows
    row_levels, row = _levels("rows", rows, domain)
    column_levels, column = _levels("columns", columns, domain)
    if domain.df < 1:
        raise DesignError(f"{domain.n_psu} PSUs in {domain.n_strata} strata leave no degree of freedom: "
                          "expected a larger domain.")  # fmt: skip
    r, c = len(row_levels), len(column_levels)
    cell = row * c + column
    weights = design.weights[inside]
    influence = np.zeros((inside.size, r * c))
    influence[np.flatnonzero(inside), cell] = weights
    return CrossTable(
        rows=row_levels,
        columns=column_levels,
        n=np.bincount(cell, minlength=r * c).reshape(r, c),
        total=np.asarray(np.bincount(cell, weights, r * c), dtype=float).reshape(r, c),
        vcov=taylor_vcov(influence, design),
        df=domain.df,
    )


def independence_test(table: CrossTable, *, method: Method = "rao_scott_f") -> IndependenceTest:
    """Test that the rows and columns of a table are independent, q = (r - 1)(c - 1).

    With X² Pearson's statistic of the weighted shares scaled to n people, and delta the eigenvalues of the covariance
    of its q contrasts over the one that a simple random sample of n would have:

    - ``rao_scott_f``: X²/sum(delta) as an F on d = sum(delta)²/sum(delta²) and d df (second order; R's ``F``).
    - ``rao_scott_chisq``: X²/mean(delta) as a chi-square on q (first order; R's ``Chisq``, which prints X² itself).
    - ``wald``: Yᵀ V⁻¹ Y/q as an F on q and df, Y the observed less the expected totals (R's ``Wald``).
    - ``adjusted_wald``: the same times (df - q + 1)/df, as an F on q and df - q + 1 (R's ``adjWald``).

    Parameters
    ----------
    table : at least two rows and two columns, and people in every cell.
    method : which of these.

    Returns
    -------
    IndependenceTest

    Raises
    ------
    DesignError : a single row or column, an empty cell, an unknown method, or for the Wald tests more contrasts than
        degrees of freedom.

    Examples
    --------
    People who are PSUs of their own in one stratum are a simple random sample: 30 and 10 against 20 and 20.

    >>> import numpy as np
    >>> from analysis.stats import SurveyDesign, cross_table, domain_of
    >>> design = SurveyDesign(strata=np.ones(80, dtype=int), psu=np.arange(80), weights=np.ones(80))
    >>> everybody = domain_of(design, np.full(80, True))
    >>> table = cross_table(np.repeat(["a", "b"], 40), np.repeat([0, 1, 0, 1], [30, 10, 20, 20]), design=design,
    ...                     domain=everybody)
    >>> found = independence_test(table)
    >>> f"F = {found.statistic:.2f} on {found.df_num:.0f} and {found.df_den:.0f} df, p = {found.p_value:.3f}"
    'F = 5.27 on 1 and 79 df, p = 0.024'
    """
    _require("method", method, get_args(Method))
    _check_testable(table)
    return _rao_scott(table, method) if method.startswith("rao_scott") else _wald(table, method)


def _rao_scott(table: CrossTable, method: Method) -> IndependenceTest:
    share = table.total / table.total.sum()
    expected = np.outer(share.sum(axis=1), share.sum(axis=0))
    # n cancels in every statistic that is reported: X² and delta are both taken per person.
    pearson = float(np.sum((share - expected) ** 2 / expected))
    C = np.kron(_contrasts(share.shape[0]), _contrasts(share.shape[1]))
    scaled = C / share.reshape(-1, 1)
    jacobian = np.eye(share.size) - share.reshape(-1, 1)
    V = jacobian @ table.vcov @ jacobian.T / table.total.sum() ** 2
    delta = scipy.linalg.eigh(scaled.T @ V @ scaled, C.T @ scaled, eigvals_only=True)
    if method == "rao_scott_chisq":
        statistic = pearson / float(delta.mean())
        p_value = float(scipy.stats.chi2.sf(statistic, delta.size))
        return IndependenceTest(method, statistic, float(delta.size), np.inf, p_value)
    statistic = pearson / float(delta.sum())
    df_num = float(delta.sum() ** 2 / np.sum(delta**2))
    p_value = float(scipy.stats.f.sf(statistic, df_num, df_num * table.df))
    return IndependenceTest(method, statistic, df_num, df_num * table.df, p_value)


def _wald(table: CrossTable, method: Method) -> IndependenceTest:
    r, c = table.total.shape
    q = (r - 1) * (c - 1)
    df_den = table.df if method == "wald" else table.df - q + 1
    if table.df < q:
        raise DesignError(f"{q} contrasts of a {r} x {c} table on {table.df} degrees of freedom: the Wald test expects "
                          "at least as many. Merge levels, or use rao_scott_f.")  # fmt: skip
    row, column = np.divmod(np.arange(r * c), c)
    whole, row_total, column_total = table.total.sum(), table.total.sum(axis=1)[row], table.total.sum(axis=0)[column]
    # Derivative of t_ij - t_i. t_.j / t_.. with respect to every cell of the table.
    jacobian = (
        np.eye(r * c)
        - (row[:, None] == row) * (column_total / whole)[:, None]
        - (column[:, None] == column) * (row_total / whole)[:, None]
        + (row_total * column_total / whole**2)[:, None]
    )
    free = (row > 0) & (column > 0)
    Y = (table.total.ravel() - row_total * column_total / whole)[free]
    V = (jacobian @ table.vcov @ jacobian.T)[np.ix_(free, free)]
    try:
        statistic = float(Y @ scipy.linalg.solve(V, Y, assume_a="pos")) / q
    except np.linalg.LinAlgError as error:
        raise DesignError(f"the covariance of the {q} contrasts of a {r} x {c} table is singular: the Wald test does "
                          "not exist. Merge levels, or use rao_scott_f.") from error  # fmt: skip
    if method == "adjusted_wald":
        statistic *= df_den / table.df
    return IndependenceTest(method, statistic, float(q), float(df_den), float(scipy.stats.f.sf(statistic, q, df_den)))


def _contrasts(levels: int) -> Array:
    """(levels, levels - 1) orthonormal columns that each add up to zero."""
    return np.asarray(scipy.linalg.helmert(levels).T)


def _levels(name: str, values: Codes, domain: Domain) -> tuple[tuple[Any, ...], Integers]:
    """Levels of a variable in a domain, and the position of each person's level among them."""
    if values.shape != domain.rows.shape:
        raise DesignError(f"{name} {values.shape}: expected {domain.rows.shape}, one value per sampled row.")
    inside = values[domain.rows]
    unknown = np.sum(pd.isna(inside))
    if unknown:
        raise DesignError(f"{name} are missing for {count_of(unknown)} people in the domain: expected none.")
    levels, position = np.unique(inside, return_inverse=True)
    return tuple(levels.tolist()), position.astype(np.intp)


def _check_testable(table: CrossTable) -> None:
    for name, levels in (("rows", table.rows), ("columns", table.columns)):
        if len(levels) < 2:
            raise DesignError(f"the {name} of the table have the one level {levels[0]}: expected at least two.")
    empty = np.argwhere(table.n == 0)
    if empty.size:
        cells = "; ".join(f"row {table.rows[i]}, column {table.columns[j]}" for i, j in empty)
        raise DesignError(f"nobody is in {cells}: expected people in every cell. Merge levels, or widen the domain.")


def _require(name: str, chosen: str, known: tuple[str, ...]) -> None:
    if chosen not in known:
        raise DesignError(f"{name}={chosen!r}: expected one of {', '.join(known)}.")
