"""Whether the columns of a regression can be told apart in a weighted sample.

Everything here is about the columns under the survey weights, not about an outcome.

References
----------
Belsley, Kuh & Welsch 1980, Regression Diagnostics, Wiley (condition indexes). Fox & Monette 1992, J Am Stat Assoc
87:178-183 (generalised variance inflation). Checked against R in tests/reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet
from analysis.stats.sample.design import DesignError, Domain, SurveyDesign

CONDITION_THRESHOLD = 30.0
"""Condition index from which Belsley, Kuh and Welsch call a dependency moderate to strong."""

VIF_THRESHOLD = 10.0
"""Variance inflation at which the other columns explain nine tenths of one."""

LARGE_SHARE = 0.5
"""Share of a coefficient's variance in one dependency from which Belsley, Kuh and Welsch count it as involved."""

REDUNDANT = 1e-9
"""Smallest singular value, of columns of unit length, that can be told from zero."""


@dataclass(frozen=True, slots=True)
class CollinearityWarning:
    """A sign that some columns can hardly be told apart.

    Attributes
    ----------
    measure : ``condition`` (a condition index) or ``vif`` (a variance inflation factor, per column).
    terms : what is involved.
    value, threshold : the measure, and where it begins to warn.
    sentence : the same in words.
    """

    measure: Literal["condition", "vif"]
    terms: tuple[str, ...]
    value: float
    threshold: float
    sentence: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Collinearity(Discreet):
    """Condition indexes and variance inflation of the p columns of a regression.

    Attributes
    ----------
    terms : names of the p columns.
    condition_indexes : (p,) largest singular value over each, ascending; the columns, the intercept too, are weighted
        and scaled to unit length, not centred.
    shares : (p, p) row k: the share of each coefficient's variance that belongs to condition index k.
    groups : names of the m groups of columns, the intercept left out.
    columns : (m,) columns in each.
    gvif : (m,) generalised variance inflation; for a group of one column the usual 1/(1 - R²).
    warnings : what is above its threshold, condition indexes first.
    """

    terms: tuple[str, ...]
    condition_indexes: Array
    shares: Array
    groups: tuple[str, ...]
    columns: tuple[int, ...]
    gvif: Array
    warnings: tuple[CollinearityWarning, ...]

    @property
    def condition_number(self) -> float:
        """Largest condition index."""
        return float(self.condition_indexes[-1])

    @property
    def vif(self) -> Array:
        """(m,) gvif^(1/columns), on the scale of the variance inflation of one column."""
        return self.gvif ** (1 / np.array(self.columns))

    def to_frame(self) -> pd.DataFrame:
        """A row a group: term, columns, gvif, vif."""
        return pd.DataFrame({"term": self.groups, "columns": self.columns, "gvif": self.gvif, "vif": self.vif})


def measure_collinearity(
    X: Array,
    *,
    design: SurveyDesign,
    domain: Domain,
    terms: tuple[str, ...],
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> Collinearity:
    """Condition indexes and variance inflation factors of a design matrix under the survey weights.

    With Z the columns sqrt(w_i) x_ij divided by their length and Z = U S Vᵀ, the condition indexes are s_1 / s_k and
    the shares v_jk²/s_k² / sum_k v_jk²/s_k². With C the weighted correlation matrix of the columns without the
    intercept, gvif of a group a is det(C_aa) det(C_bb) / det(C), b all other columns; for one column it is
    1/(1 - R²) of its weighted regression on the others.

    Parameters
    ----------
    X : (m, p) float array, the rows of the domain only, complete, with one column that is constant.
    design, domain : the whole sample, and the part the regression is about.
    terms : p names, one per column.
    groups : names of the terms that belong together (the columns of a spline, the levels of a factor) by name of the
        group; a term in none of them is a group of its own. None: all are.

    Returns
    -------
    Collinearity, with a warning for a condition index above 30 and for gvif^(1/columns) above 10. The columns of a
    spline are collinear by construction, which harms no curve: judge them as one group.

    Raises
    ------
    DesignError : X and design disagree, missing values in the domain, not exactly one constant column, fewer than two
        columns, unknown or repeated terms in ``groups``, or columns of which one is a sum of others.
    """
    if X.shape != (domain.n, len(terms)) or len(terms) < 2:
        raise DesignError(f"X {X.shape}: expected ({domain.n}, {len(terms)}), an intercept and at least one more.")
    if not np.all(np.isfinite(X)):
        raise DesignError("X has missing values inside the domain: expected complete cases.")
    constant = np.ptp(X, axis=0) == 0
    if constant.sum() != 1:
        names = ", ".join(term for term, same in zip(terms, constant, strict=True) if same)
        raise DesignError(f"constant columns in the domain: {names or 'none'}: expected one, the intercept.")
    others = tuple(term for term, same in zip(terms, constant, strict=True) if not same)
    members = _memberships(others, groups or {})
    weights = design.weights[domain.rows]
    root = np.sqrt(weights / weights.mean())[:, None]
    centred = X[:, ~constant] - np.average(X[:, ~constant], axis=0, weights=weights)
    C = _correlation(root * centred, others)
    indexes, shares = _condition(root * X)
    gvif = np.array([_generalised_vif(C, np.isin(others, columns)) for columns in members.values()])
    sizes = tuple(len(columns) for columns in members.values())
    warnings = (*_condition_warnings(terms, indexes, shares), *_vif_warnings(tuple(members), sizes, gvif))
    return Collinearity(terms, indexes, shares, tuple(members), sizes, gvif, warnings)


def _memberships(terms: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Columns of every group, in the order of the terms."""
    named = [term for columns in groups.values() for term in columns]
    wrong = {term for term in named if term not in terms or named.count(term) > 1}
    # A group called as a column that is not in it would swallow that column.
    wrong |= {group for group, columns in groups.items() if group in terms and group not in columns}
    if wrong or not all(groups.values()):
        raise DesignError(
            f"groups name {', '.join(sorted(wrong)) or 'no term'}: expected some of {', '.join(terms)}, none of them "
            "twice or as the name of a group it is not in."
        )
    group_of = {term: group for group, columns in groups.items() for term in columns}
    members: dict[str, tuple[str, ...]] = {}
    for term in terms:
        group = group_of.get(term, term)
        members[group] = (*members.get(group, ()), term)
    return members


def _unit_length(columns: Array) -> Array:
    return np.asarray(columns / np.linalg.norm(columns, axis=0))


def _correlation(centred: Array, terms: tuple[str, ...]) -> Array:
    Z = _unit_length(centred)
    s, Vt = np.linalg.svd(Z, full_matrices=False)[1:]
    if s.size < len(terms) or s[-1] < REDUNDANT:
        involved = [term for term, share in zip(terms, np.abs(Vt[-1]), strict=True) if share > np.sqrt(REDUNDANT)]
        raise DesignError(f"{', '.join(involved)}: one of these columns is a sum of the others in this domain, so no "
                          "variance inflation exists. Remove it from the model, or widen the domain.")  # fmt: skip
    return Z.T @ Z


def _condition(weighted: Array) -> tuple[Array, Array]:
    s, Vt = np.linalg.svd(_unit_length(weighted), full_matrices=False)[1:]
    parts = (Vt / s[:, None]) ** 2
    return s[0] / s, parts / parts.sum(axis=0)


def _generalised_vif(C: Array, inside: Bools) -> float:
    """det(C_aa) det(C_bb) / det(C), by logarithms."""
    parts = (C[np.ix_(inside, inside)], C[np.ix_(~inside, ~inside)])
    return float(np.exp(sum(np.linalg.slogdet(part)[1] for part in parts) - np.linalg.slogdet(C)[1]))


def _condition_warnings(terms: tuple[str, ...], indexes: Array, shares: Array) -> list[CollinearityWarning]:
    found = []
    for index, row in zip(indexes, shares, strict=True):
        if index <= CONDITION_THRESHOLD:
            continue
        involved = tuple(term for term, share in zip(terms, row, strict=True) if share > LARGE_SHARE)
        sentence = (
            f"Condition index {index:.0f} is above {CONDITION_THRESHOLD:g}: {', '.join(involved) or 'no single term'} "
            "can hardly be told from the other columns under these weights."
        )
        found.append(CollinearityWarning("condition", involved, float(index), CONDITION_THRESHOLD, sentence))
    return found


def _vif_warnings(groups: tuple[str, ...], sizes: tuple[int, ...], gvif: Array) -> list[CollinearityWarning]:
    found = []
    for group, size, value in zip(groups, sizes, gvif, strict=True):
        vif = float(value ** (1 / size))
        if vif > VIF_THRESHOLD:
            sentence = (
                f"Variance inflation of {group} is {vif:.1f} per column, above {VIF_THRESHOLD:g}: so many times what "
                "it would be is the variance if the other columns were unrelated to it."
            )
            found.append(CollinearityWarning("vif", (group,), vif, VIF_THRESHOLD, sentence))
    return found
