"""The shape of curves in captions and tables: end slopes, two lines, low points, breaks, knots, simulation."""

from collections.abc import Mapping

import pandas as pd

from analysis.report.words.numbers import (
    MODEL_NAMES,
    format_intake,
    format_p,
    format_p_drawn,
    format_range,
    format_range_drawn,
    list_words,
    p_number,
    percent_drawn,
    rows_of_model,
    verdict_words,
)
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY

PER = 100
"""Slopes are told per so many units: a milligram changes nothing that two decimals show."""

NO_PUBLISHED = "The published threshold is about the real files; it is not compared on this survey."


# ---- tables
def end_slopes_table(estimates: Frames) -> pd.DataFrame:
    """Slopes of the spline and of a quadratic at both ends, log odds per 100 units, with one-sided p, a row per model.

    The last column is the test of both ends together: the larger of the two.
    """
    shape = estimates["shape"]
    columns = {}
    for name, words in (("end_slopes", "spline"), ("quadratic", "quadratic")):
        for end in ("low", "high"):
            column = f"{words}, at {format_intake(shape[f'{name}_{end}_at'].iloc[0])}"
            columns[column] = [_slope(row, f"{name}_{end}") for _, row in shape.iterrows()]
        columns[f"{words}, both: p"] = shape[f"{name}_p"].map(p_number).tolist()
    return _by_model(shape, columns)


def two_lines_table(estimates: Frames) -> pd.DataFrame:
    """Break and slopes of the two lines, log odds per 100 units, with two-sided p, a row per model."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "break": shape["two_lines_break"].map(format_intake).tolist(),
            "below it": [_slope(row, "two_lines_low") for _, row in shape.iterrows()],
            "above it": [_slope(row, "two_lines_high") for _, row in shape.iterrows()],
            "both, with a U's signs: p": shape["two_lines_p"].map(p_number).tolist(),
        },
    )


def low_points_table(estimates: Frames) -> pd.DataFrame:
    """Low point of each model's curve with both intervals, how surely it is interior, and the flat stretch."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "lowest point": shape["nadir"].map(format_intake).tolist(),
            "normal draws": [_nadir_range(row, "nadir_normal") for _, row in shape.iterrows()],
            "bootstrap": [_nadir_range(row, "nadir_bootstrap") for _, row in shape.iterrows()],
            "interior, bootstrap": [_interior(row) for _, row in shape.iterrows()],
            "no worse than the lowest": [
                f"{format_range(row['flat_low'], row['flat_high'])}"
                f"{edge_words(row['flat_open_low'], row['flat_open_high'])}"
                for _, row in shape.iterrows()
            ],
        },
    )


def breaks_table(estimates: Frames) -> pd.DataFrame:
    """Best break of two straight pieces beside the low point of the spline, and its p naive and search-aware."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "lowest point of the spline": shape["nadir"].map(format_intake).tolist(),
            "best break": shape["threshold"].map(format_intake).tolist(),
            "bootstrap": [break_range(row) for _, row in shape.iterrows()],
            "slope below": [_slope_alone(row, "threshold_below") for _, row in shape.iterrows()],
            "slope above": [_slope_alone(row, "threshold_above") for _, row in shape.iterrows()],
            "naive p": shape["threshold_naive_p"].map(p_number).tolist(),
            "search-aware p": [search_p_words(row).removeprefix("= ") for _, row in shape.iterrows()],
        },
    )


def knots_table(estimates: Frames) -> pd.DataFrame:
    """The verdict and what it rests on under each number and placing of knots, and the low point of the other forms."""
    rows = []
    for _, row in estimates["knots"].iterrows():
        spline = row["form"] == "spline"
        rows.append(
            {
                "form": f"{row['knots']} knots, {row['knot_quantiles']}" if spline else row["form"],
                "non-linear p": p_number(row["nonlinear_p"]) if spline else "",
                "end slopes p": p_number(row["end_slopes_p"]) if spline else "",
                "two lines p": p_number(row["two_lines_p"]) if spline else "",
                "lowest point": f"{format_intake(row['nadir'])} ({drawn_range(row, 'nadir')})"
                if spline
                else format_intake(row["nadir"]),
                "verdict": row["verdict"] if spline else row["detail"],
            }
        )
    return pd.DataFrame(rows).set_index("form")


def verdicts_table(estimates: Frames) -> pd.DataFrame:
    """What each model's verdict rests on, in the rule's order."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "end slopes p": shape["end_slopes_p"].map(p_number).tolist(),
            "two lines p": shape["two_lines_p"].map(p_number).tolist(),
            "interior": [_interior(row) for _, row in shape.iterrows()],
            "non-linear p": shape["nonlinear_p"].map(p_number).tolist(),
            "verdict": shape["verdict"].tolist(),
        },
    )


def threshold_sentence(estimates: Frames) -> str:
    """The published threshold of phosphorus between our low point and our break, from published_threshold.csv."""
    if "published_threshold" not in estimates:
        return NO_PUBLISHED
    published = estimates["published_threshold"]
    rows = published[published["quantity"].str.contains("threshold")].set_index("quantity")
    parts = [
        f"{_quantity(name)} {format_intake(row['ours'])} mg/day ({drawn_range(row, 'conf')})"
        for name, row in rows.iterrows()
    ]
    first = rows.iloc[0]
    return (
        f"{first['source']} print a threshold of phosphorus at {first['published']:g} mg/day. "
        f"Ours, with bootstrap intervals: {'; '.join(parts)}."
    )


def _quantity(name: str) -> str:
    """What is compared, of "phosphorus, low point of the spline against the threshold, mg/day"."""
    return name.removeprefix("phosphorus, ").partition(" against")[0]


def _by_model(shape: pd.DataFrame, columns: Mapping[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index([MODEL_NAMES[model] for model in shape["model"]]))


def drawn_range(row: pd.Series, name: str) -> str:
    """Interval from draws in the columns of a name, with the Monte Carlo error of each end."""
    errors = (row[f"{name}_low_mc_error"], row[f"{name}_high_mc_error"])
    return format_range_drawn(row[f"{name}_low"], row[f"{name}_high"], errors)


def edge_words(open_low: bool, open_high: bool) -> str:
    """What to say after an interval that reaches an end of where its point was sought; empty if it does not."""
    words = {
        (True, False): ", from where the search starts",
        (False, True): ", to where the search ends",
        (True, True): ", all of where was searched",
    }
    return words.get((bool(open_low), bool(open_high)), "")


def break_range(shape: pd.Series) -> str:
    """Bootstrap interval of the best break, and whether it reaches an end of the search."""
    return f"{drawn_range(shape, 'threshold')}{edge_words(shape['threshold_open_low'], shape['threshold_open_high'])}"


def search_p_words(shape: pd.Series) -> str:
    """The break's p that pays for the search, as it stands after "p", with its Monte Carlo error."""
    return format_p_drawn(shape["threshold_search_p"], shape["threshold_search_p_mc_error"])


def _nadir_range(shape: pd.Series, name: str) -> str:
    return f"{drawn_range(shape, name)}{edge_words(*_at_edges(shape, name))}"


def _at_edges(shape: pd.Series, name: str) -> tuple[bool, bool]:
    """Whether an interval of the low point reaches the ends between which it was sought in the sample."""
    return shape[f"{name}_low"] <= shape["end_slopes_low_at"], shape[f"{name}_high"] >= shape["end_slopes_high_at"]


def _interior(shape: pd.Series) -> str:
    return percent_drawn(shape["nadir_bootstrap_interior"], shape["nadir_bootstrap_interior_mc_error"])


def _slope(row: pd.Series, name: str) -> str:
    return f"{_slope_alone(row, name)}, p {format_p(row[f'{name}_p'])}"


def _slope_alone(row: pd.Series, name: str) -> str:
    return f"{PER * row[name]:+.2f} (SE {PER * row[f'{name}_se']:.2f})"


def shape_of_model(estimates: Frames, model: str) -> pd.Series:
    """One model's row of shape.csv."""
    shape = estimates["shape"]
    return shape[shape["model"] == model].iloc[0]


def low_point_words(estimates: Frames, row: pd.Series) -> str:
    """Nadir with its bootstrap interval where the shape was examined: "214 mg/day (200 to 241, design bootstrap)".

    Each end has its Monte Carlo error.
    """
    if "shape" not in estimates:
        return f"{format_intake(row['nadir'])} {row['unit']}"
    return _low_point_of(shape_of_model(estimates, row["model"]), row["unit"])


def _low_point_of(shape: pd.Series, unit: str) -> str:
    open_ended = any(_at_edges(shape, "nadir_bootstrap"))
    reach = ": to an end of where it was sought, which moves with the sample" if open_ended else ""
    return f"{format_intake(shape['nadir'])} {unit} ({drawn_range(shape, 'nadir_bootstrap')}, design bootstrap{reach})"


def shape_sentence(estimates: Frames, model: str = PRIMARY.model) -> str:
    """Whether one model's curve is a U, as `describe_shape`."""
    return describe_shape(shape_of_model(estimates, model), unit=rows_of_model(estimates, model)["unit"])


def describe_shape(shape: pd.Series, *, unit: str) -> str:
    """Whether a curve is a U: each test of the protocol, the low point, then the verdict.

    It says "shown" where a p-value is below the rule's `ALPHA`, and never more.

    Parameters
    ----------
    shape : row of `analysis.dose_response.shape.shape_row`.
    unit : of the exposure.
    """
    at_end = shape["nadir"] in (shape["end_slopes_low_at"], shape["end_slopes_high_at"])
    low_point = "lowest point, at an end of the range," if at_end else "lowest point"
    return (
        f"{_ends_words(shape, unit)} {_two_lines_words(shape, unit)} The {low_point} is "
        f"{_low_point_of(shape, unit)}, inside the range in {_interior(shape)} of bootstrap samples (±: Monte Carlo "
        f"error). Verdict by the rule of the protocol: {verdict_words(shape['verdict'])}."
    )


def _ends_words(shape: pd.Series, unit: str) -> str:
    low, high = (
        f"({format_intake(shape[f'end_slopes_{end}_at'])} {unit}, one-sided p {format_p(shape[f'end_slopes_{end}_p'])})"
        for end in ("low", "high")
    )
    falls, rises = (shape[f"end_slopes_{end}_p"] < ALPHA for end in ("low", "high"))
    if falls and rises:
        return f"The curve falls at its low end {low} and rises at its high end {high}."
    if falls:
        return f"The curve falls at its low end {low}, but a rise at its high end {high} is not shown."
    if rises:
        return f"The curve rises at its high end {high}, but a fall at its low end {low} is not shown."
    return f"Neither a fall at the curve's low end {low} nor a rise at its high end {high} is shown."


def _two_lines_words(shape: pd.Series, unit: str) -> str:
    lines = f"Two straight lines that break at {format_intake(shape['two_lines_break'])} {unit}"
    if not shape["two_lines_low"] < 0 < shape["two_lines_high"]:
        return f"{lines} do not even slope as a U's would."
    p = f"(the larger p {format_p(shape['two_lines_p'])})"
    return f"{lines} {'show' if shape['two_lines_p'] < ALPHA else 'do not show'} both a fall and a rise {p}."


def knots_sentence(estimates: Frames) -> str:
    """The verdict by the same rule under other numbers of knots, on unweighted and on weighted quantiles."""
    splines = estimates["knots"].query("form == 'spline'")
    parts = []
    for quantiles, part in splines.groupby("knot_quantiles", sort=False):
        verdicts = part.groupby("verdict", sort=False)["knots"]
        found = [f'with {list_words(list(numbers))}, "{verdict_words(str(name))}"' for name, numbers in verdicts]
        parts.append(f"on {quantiles} quantiles: {'; '.join(found)}.")
    return f"By the same rule, knots {' Knots '.join(parts)}"
