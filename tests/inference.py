"""The models that R was given in inference_reference.R, on the sample of design_input.csv."""

from functools import cache

import numpy as np
import pandas as pd

from analysis.stats.arrays import Array
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.stats.regression.hypotheses import group_scores, product_columns
from tests.arrays import Sample, reference_table

R_DOMAINS = {"full": None, "part": "in_part", "part_less_psu": "in_part_less_psu"}
SPLINE = ("x", "x_s1", "x_s2")
GROUPS = ("group_1", "group_3", "group_4")
POINTS = np.array([100.0, 180.0, 400.0])
REFERENCE = 240.0
INTERACTION = tuple(f"{term}:old" for term in SPLINE)


def r_spline() -> RestrictedCubicSpline:
    """Build the spline on R's knots."""
    return RestrictedCubicSpline(reference_table("inference/knots")["knot"].to_numpy())


@cache
def people() -> pd.DataFrame:
    """Read the sample, one column for every term that a model of R's has."""
    frame = reference_table("design_input").copy()
    x = frame["x"].to_numpy()
    frame[list(SPLINE)] = r_spline().basis(x)
    frame["intercept"] = 1.0
    frame["old"] = (frame["z"] > 55).astype(float)
    group = 1 + np.searchsorted(reference_table("inference/groups")["upper"][:3], x, side="left")
    for number in (1, 2, 3, 4):
        frame[f"group_{number}"] = (group == number).astype(float)
    frame["score"] = group_scores(x, group, rows=np.ones(len(x), dtype=bool))
    products, names = product_columns(
        frame[list(SPLINE)].to_numpy(), frame[["old"]].to_numpy(), first_terms=SPLINE, second_terms=("old",)
    )
    frame[list(names)] = products
    return frame


def r_model(study_id: str, terms: tuple[str, ...]) -> Sample:
    """Build the sample with a model of an intercept and the terms, in one of R's domains."""
    frame, flag = people(), R_DOMAINS[study_id]
    terms = ("intercept", *terms)
    return Sample(
        strata=frame["strata"].to_numpy(),
        psu=frame["psu"].to_numpy(),
        weights=frame["w"].to_numpy(),
        X=frame[list(terms)].to_numpy(dtype=float),
        y=frame["y"].to_numpy(dtype=float),
        rows=np.ones(len(frame), dtype=bool) if flag is None else frame[flag].to_numpy() == 1,
        terms=terms,
    )


def square(rows: pd.DataFrame, column: str = "value") -> Array:
    """Symmetric matrix from R's rows of its lower triangle."""
    codes, labels = pd.factorize(pd.concat([rows["row"], rows["col"]]), sort=True)
    row, col = np.split(codes, 2)
    matrix = np.full((len(labels), len(labels)), np.nan)
    matrix[row, col] = matrix[col, row] = rows[column]
    return matrix
