"""Small survey samples for the tests of the numerical modules: invented ones by seed, and those that R was given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.arrays import Array, Bools
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.fit import LogisticFit, fit_logistic
from analysis.stats.sample.design import Domain, SurveyDesign, domain_of

REFERENCE = Path(__file__).parent / "reference"

R_STUDIES: dict[str, str | None] = {
    "full": None,
    "part": "in_part",
    "part_less_psu": "in_part_less_psu",
    "part_lone_psu": "in_part_lone_psu",
    "part_less_stratum": "in_part_less_stratum",
    "lonely_psu": "in_part",
}
"""Studies of reference/design and the column of design_input.csv that is their domain (None: everybody)."""

R_POLICIES: dict[str, dict[str, Any]] = {
    "part_lone_psu": {"lonely_domain": "keep"},
    "lonely_psu": {"lonely_psu": "adjust"},
}
"""What R does by default or by option in these two studies, and we only when asked."""

R_TERMS = ("intercept", "x", "x_s1", "x_s2", "z")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A whole sample with a model and a domain: everything that `fit_logistic` wants to know."""

    strata: npt.NDArray[np.integer]
    psu: npt.NDArray[np.integer]
    weights: Array
    X: Array
    y: Array
    rows: Bools
    terms: tuple[str, ...]

    def design(self, **policies: Any) -> SurveyDesign:
        """Declare the design, with the policies for lonely PSUs."""
        return SurveyDesign(strata=self.strata, psu=self.psu, weights=self.weights, **policies)

    def domain(self, **policies: Any) -> Domain:
        """Take the domain of that design."""
        return domain_of(self.design(**policies), self.rows)

    def fit(self, **policies: Any) -> LogisticFit:
        """Fit the model to the domain."""
        design = self.design(**policies)
        domain = domain_of(design, self.rows)
        return fit_logistic(self.columns, self.outcome, design=design, domain=domain, terms=self.terms)

    @property
    def inside(self) -> Bools:
        """Rows of the domain: what a regression takes."""
        return self.rows & (self.weights > 0)

    @property
    def columns(self) -> Array:
        """Design matrix of the domain's rows."""
        return self.X[self.inside]

    @property
    def outcome(self) -> Array:
        """Outcome of the domain's rows."""
        return self.y[self.inside]

    def take(self, order: npt.NDArray[np.integer]) -> Self:
        """Take rows by position: in another order, or one of them more than once."""
        row_wise = ("strata", "psu", "weights", "X", "y", "rows")
        return replace(self, **{name: getattr(self, name)[order] for name in row_wise})

    def without(self, terms: tuple[str, ...]) -> Self:
        """Leave terms out of the model."""
        kept = [position for position, term in enumerate(self.terms) if term not in terms]
        return replace(self, X=self.X[:, kept], terms=tuple(self.terms[position] for position in kept))

    def psu_positions(self) -> npt.NDArray[np.intp]:
        """Return the rows' PSU as 0, 1, 2, ... over all strata, found without the code under test."""
        return pd.MultiIndex.from_arrays([self.strata, self.psu]).factorize()[0]


def clustered_sample(
    seed: int,
    *,
    psus_in_stratum: tuple[int, ...] = (2, 3, 2, 4, 3),
    people: int = 25,
    psu_shift: float = 0.5,
    stratum_shift: float = 0.0,
) -> Sample:
    """Invent a sample in which the people of a PSU resemble each other.

    ``x`` varies within and between PSUs, ``group`` is 0 or 1, ``place`` is the same for all people of a PSU; about a
    quarter of the people are outside the domain, and weights depend on the outcome.
    """
    rng = np.random.default_rng(seed)
    stratum_of_psu = np.repeat(np.arange(len(psus_in_stratum)), psus_in_stratum)
    number_of_psu = np.concatenate([np.arange(count) for count in psus_in_stratum])
    cluster = np.repeat(np.arange(stratum_of_psu.size), people)
    n = cluster.size
    place = rng.normal(size=stratum_of_psu.size)[cluster]
    x = 0.5 * rng.normal(size=stratum_of_psu.size)[cluster] + rng.normal(size=n)
    group = (rng.random(n) < 0.4).astype(float)
    shift = rng.normal(scale=psu_shift, size=stratum_of_psu.size)[cluster]
    height = stratum_shift * (stratum_of_psu - stratum_of_psu.mean())[cluster]
    y = (rng.random(n) < 1 / (1 + np.exp(0.4 - 0.4 * x - 0.3 * group - shift - height))).astype(float)
    return Sample(
        strata=stratum_of_psu[cluster] + 1,
        psu=number_of_psu[cluster] + 1,
        weights=rng.uniform(500.0, 40_000.0, size=n) * (1.3 - 0.3 * y),
        X=np.column_stack([np.ones(n), x, group, place]),
        y=y,
        rows=rng.random(n) < 0.75,
        terms=("intercept", "x", "group", "place"),
    )


@cache
def reference_table(name: str) -> pd.DataFrame:
    """Read a table of R's numbers, for example ``design/fits``; a cached frame is not to be changed."""
    return pd.read_csv(REFERENCE / f"{name}.csv")


def of_study(name: str, study_id: str) -> pd.DataFrame:
    """Rows of one study in a table of R's numbers."""
    table = reference_table(name)
    return table[table["study_id"] == study_id]


@cache
def r_sample(study_id: str) -> Sample:
    """Build the sample and model of one study of design_reference.R from R's knots."""
    people = reference_table("design_input")
    if study_id == "lonely_psu":
        people = people[(people["strata"] != 1) | (people["psu"] != 2)]
    spline = RestrictedCubicSpline(of_study("design/knots", study_id)["knot"].to_numpy())
    flag = R_STUDIES[study_id]
    return Sample(
        strata=people["strata"].to_numpy(),
        psu=people["psu"].to_numpy(),
        weights=people["w"].to_numpy(),
        X=np.column_stack([np.ones(len(people)), spline.basis(people["x"].to_numpy()), people["z"]]),
        y=people["y"].to_numpy(dtype=float),
        rows=np.ones(len(people), dtype=bool) if flag is None else people[flag].to_numpy() == 1,
        terms=R_TERMS,
    )


@cache
def r_fit(study_id: str) -> LogisticFit:
    """Our fit of one study of design_reference.R, under R's policies."""
    return r_sample(study_id).fit(**R_POLICIES.get(study_id, {}))


@dataclass(frozen=True, slots=True, eq=False)
class Exposed:
    """The rows of a domain with one exposure: what the forms, the threshold and the two lines are given."""

    x: Array
    y: Array
    adjustment: Array
    design: SurveyDesign
    domain: Domain

    def given(self, **changed: Any) -> tuple[tuple[Array, Array, Array], dict[str, Any]]:
        """Arrays and named arguments of a function of them, some changed."""
        arrays = [changed.pop(name, getattr(self, name)) for name in ("x", "y", "adjustment")]
        return (arrays[0], arrays[1], arrays[2]), {"design": self.design, "domain": self.domain, **changed}

    def weighted(self, weights: Array, order: Array | slice = slice(None)) -> Self:
        """The same people, all of them in the domain, under other weights and in another order."""
        design = SurveyDesign(self.design.strata[order], self.design.psu[order], weights[order])
        domain = domain_of(design, np.ones(weights.size, dtype=bool))
        return replace(self, x=self.x[order], y=self.y[order], adjustment=self.adjustment[order], design=design,
                       domain=domain)  # fmt: skip


def assert_inference_is(ours: pd.DataFrame, theirs: pd.DataFrame, *, rtol: float) -> None:
    """Coefficients, errors, statistics, df, p-values and limits are R's."""
    assert ours["term"].tolist() == theirs["term"].tolist()
    assert ours["df"].tolist() == theirs["df"].tolist()
    for column in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=rtol, err_msg=column)


def jackknife_vcov(sample: Sample, estimate: Callable[[Sample], Array]) -> Array:
    """Delete-one-PSU jackknife (JKn) about the full-sample estimate."""
    full = estimate(sample)
    positions = sample.psu_positions()
    vcov = np.zeros((full.size, full.size))
    for stratum in np.unique(sample.strata):
        psus = np.unique(positions[sample.strata == stratum])
        share = len(psus) / (len(psus) - 1)
        for psu in psus:
            weights = np.where(sample.strata == stratum, share * sample.weights, sample.weights)
            change = estimate(replace(sample, weights=np.where(positions == psu, 0.0, weights))) - full
            vcov += np.outer(change, change) / share
    return vcov


# Two strata of two PSUs; the weights add up to 12, the weighted values to 38.
HAND_DESIGN = SurveyDesign(
    strata=np.array([1, 1, 1, 2, 2, 2]), psu=np.array([1, 1, 2, 1, 2, 2]), weights=np.array([1.0, 3, 2, 4, 1, 1])
)


HAND_VALUES = np.array([2.0, 4, 6, 1, 3, 5])
