"""The shape of curves in captions and tables: end slopes, two lines, low points, breaks, knots, simulation."""

from collections.abc import Mapping

import pandas as pd

from analysis.report.tables import (
    MODEL_NAMES,
    NO_DEPARTURE,
    Estimates,
    format_intake,
    format_p,
    format_range,
    knots_sentence,
    shape_of_model,
    shape_sentence,
)
from analysis.simulation import DRAWS_PER_SURVEY

PER = 100
"""Slopes are told per so many units: a milligram changes nothing that two decimals show."""

FORM_WORDS = {
    "none": "as it is",
    "linear": "with energy as a straight line beside it",
    "spline": "with energy as a spline beside it",
    "residual": "as the residual on energy",
    "density": "per 1,000 kcal",
}
"""Ways of adjusting for energy."""

TRUTH_WORDS = {
    "magnesium": "U of magnesium, odds ratio {:.2f} at {:g} mg",
    "magnesium as fitted": "U of magnesium, {:.2f} at {:g} mg: as fitted",
    "energy": "U of energy, {:.2f} at {:,g} kcal",
    "energy as fitted": "U of energy, {:.2f} at {:,g} kcal: as fitted",
    "none": "nothing",
}
"""What truly draws the outcome of invented surveys, with its odds ratio at a low intake against its lowest point."""

RULE_WORDS = {
    "non-linear": "non-linear p < 0.05",
    "usual practice": "usual practice",
    "end slopes": "end slopes",
    "two lines": "two lines",
    "threshold, naive": "break, naive p",
    "threshold, search-aware": "break, search-aware p",
    "verdict U": "verdict U",
    "verdict U, by draws": "verdict U, by draws",
}

NO_SIMULATION = "No table of `make simulate` lies in this data folder."
NO_ENERGY_SIMULATION = (
    "How often each way of adjusting for energy would find a U of magnesium, or take one of energy for it, has not "
    "been simulated here."
)
POWER_MEANS = (
    "In how many % of invented surveys the curve of magnesium bends (non-linear p < 0.05) under each form, by what "
    "truly draws the outcome; *as fitted*: as deep as the curve of the real files; ±: standard error of the "
    "simulation. That a bend goes under a form speaks against magnesium only as far as that form would have kept it, "
    "and that it stays speaks for magnesium only as far as energy alone would not have left one."
)
NO_PUBLISHED = "The published threshold is about the real files; it is not compared on this survey."


# ---- captions


def shape_caption(estimates: Estimates, model: str) -> str:
    """Caption of the figure of one model's shape."""
    shape = shape_of_model(estimates, model)
    row = estimates["models"].set_index("model").loc[model]
    level, unit = f"{100 * shape['conf_level']:g} %", row["unit"]
    return (
        f"{MODEL_NAMES[model]}, {row['n']:,} people. {shape_sentence(estimates, model)} Top: odds ratio against "
        f"{format_intake(row['reference'])} {unit} with its {level} band at each intake, and the curve's tangents at "
        "the 5th and 95th percentile of intake (beyond them grey) with one-sided p. Below: slopes of the two lines "
        "(Simonsohn 2018; two-sided p), drawn from the curve's height at their break and joined there, where the "
        "regression allows a step, and the two-piece model at its "
        f"best break. Then the curve's low point with {level} intervals by normal draws of the coefficients and by "
        f"{shape['replicates']:,} bootstrap samples that place their knots anew; the stretch whose odds cannot be told "
        "from the lowest; and the best break with its bootstrap interval, which answers another question than the low "
        "point and is sought in the same range. Bottom: fall in deviance, against a straight line, of a break at each "
        "intake; naive p as if the break had been known, the other pays for the search."
    )


def knots_caption(estimates: Estimates, model: str) -> str:
    """Caption of the figure of one model's curve under other knots and forms."""
    row, shape = estimates["models"].set_index("model").loc[model], shape_of_model(estimates, model)
    first = row["knots"].split()
    return (
        f"{MODEL_NAMES[model]}, odds ratio (log axis) against {format_intake(row['reference'])} {row['unit']} with its "
        f"{100 * shape['conf_level']:g} % band at each intake. {knots_sentence(estimates)} {len(first)} knots on "
        f'unweighted quantiles are the protocol\'s (bold). "{NO_DEPARTURE}": from a straight line. Tick and bar: low '
        f"point between the 5th and 95th percentile of intake and its interval by {shape['replicates']:,} bootstrap "
        "samples. p: non-linear, Wald F. "
        "Fractional polynomial and penalised spline have a low point but none of the rule's tests, hence no verdict. "
        "All together: solid, splines; dashed, fractional polynomial; dotted, penalised spline."
    )


# ---- tables


def end_slopes_table(estimates: Estimates) -> pd.DataFrame:
    """Slopes of the spline and of a quadratic at both ends, log odds per 100 units, with one-sided p, a row per model.

    The last column is the test of both ends together: the larger of the two.
    """
    shape = estimates["shape"]
    columns = {}
    for name, words in (("end_slopes", "spline"), ("quadratic", "quadratic")):
        for end in ("low", "high"):
            column = f"{words}, at {format_intake(shape[f'{name}_{end}_at'].iloc[0])}"
            columns[column] = [_slope(row, f"{name}_{end}") for _, row in shape.iterrows()]
        columns[f"{words}, both: p"] = shape[f"{name}_p"].map(format_p).tolist()
    return _by_model(shape, columns)


def two_lines_table(estimates: Estimates) -> pd.DataFrame:
    """Break and slopes of the two lines, log odds per 100 units, with two-sided p, a row per model."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "break": shape["two_lines_break"].map(format_intake).tolist(),
            "below it": [_slope(row, "two_lines_low") for _, row in shape.iterrows()],
            "above it": [_slope(row, "two_lines_high") for _, row in shape.iterrows()],
            "both, with a U's signs: p": shape["two_lines_p"].map(format_p).tolist(),
        },
    )


def low_points_table(estimates: Estimates) -> pd.DataFrame:
    """Low point of each model's curve with both intervals, how surely it is interior, and the flat stretch."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "lowest point": shape["nadir"].map(format_intake).tolist(),
            "normal draws": _ranges(shape, "nadir_normal"),
            "bootstrap": _ranges(shape, "nadir_bootstrap"),
            "interior, bootstrap": [f"{100 * share:.1f} %" for share in shape["nadir_bootstrap_interior"]],
            "no worse than the lowest": _ranges(shape, "flat"),
        },
    )


def breaks_table(estimates: Estimates) -> pd.DataFrame:
    """Best break of two straight pieces beside the low point of the spline, and its p naive and search-aware."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "lowest point of the spline": shape["nadir"].map(format_intake).tolist(),
            "best break": shape["threshold"].map(format_intake).tolist(),
            "bootstrap": _ranges(shape, "threshold"),
            "slope below": [_slope_alone(row, "threshold_below") for _, row in shape.iterrows()],
            "slope above": [_slope_alone(row, "threshold_above") for _, row in shape.iterrows()],
            "naive p": shape["threshold_naive_p"].map(format_p).tolist(),
            "search-aware p": shape["threshold_search_p"].map(format_p).tolist(),
        },
    )


def knots_table(estimates: Estimates) -> pd.DataFrame:
    """The verdict and what it rests on under each number and placing of knots, and the low point of the other forms."""
    rows = []
    for _, row in estimates["knots"].iterrows():
        spline = row["form"] == "spline"
        rows.append(
            {
                "form": f"{row['knots']} knots, {row['knot_quantiles']}" if spline else row["form"],
                "non-linear p": format_p(row["nonlinear_p"]) if spline else "",
                "end slopes p": format_p(row["end_slopes_p"]) if spline else "",
                "two lines p": format_p(row["two_lines_p"]) if spline else "",
                "lowest point": f"{format_intake(row['nadir'])} ({format_range(row['nadir_low'], row['nadir_high'])})"
                if spline
                else format_intake(row["nadir"]),
                "verdict": row["verdict"] if spline else row["detail"],
            }
        )
    return pd.DataFrame(rows).set_index("form")


def verdicts_table(estimates: Estimates) -> pd.DataFrame:
    """What each model's verdict rests on, in the rule's order."""
    shape = estimates["shape"]
    return _by_model(
        shape,
        {
            "end slopes p": shape["end_slopes_p"].map(format_p).tolist(),
            "two lines p": shape["two_lines_p"].map(format_p).tolist(),
            "interior": [f"{100 * share:.1f} %" for share in shape["nadir_bootstrap_interior"]],
            "non-linear p": shape["nonlinear_p"].map(format_p).tolist(),
            "verdict": shape["verdict"].tolist(),
        },
    )


def threshold_sentence(estimates: Estimates) -> str:
    """The published threshold of phosphorus between our low point and our break, from published.csv."""
    if "published" not in estimates:
        return NO_PUBLISHED
    published = estimates["published"]
    rows = published[published["quantity"].str.contains("threshold")].set_index("quantity")
    parts = [
        f"{_quantity(name)} {row['ours']:.0f} mg/day ({row['conf_low']:.0f} to {row['conf_high']:.0f})"
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


# ---- simulation


def rules_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """In how many percent of the surveys of each true curve each rule finds what it looks for."""
    if not simulation:
        return pd.DataFrame()
    rates = simulation["shapes"]
    wide = (100 * rates.pivot_table(index="curve", columns="rule", values="rate", sort=False)).map("{:.1f}".format)
    return wide[list(RULE_WORDS)].rename(columns=RULE_WORDS).rename_axis(index="true curve", columns="% of surveys")


def rules_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """How often usual practice and the rule here call a curve a U that is none, and one that is."""
    if not simulation:
        return NO_SIMULATION
    rates = simulation["shapes"].set_index(["rule", "curve"])
    is_u = rates.index.unique("curve").isin(simulation["nadirs"]["curve"])
    curves = {"none": rates.index.unique("curve")[~is_u], "true": rates.index.unique("curve")[is_u]}
    said = {
        (rule, kind): "; ".join(f"{curve} {_rate(rates.loc[(rule, curve)])}" for curve in names)
        for rule in ("usual practice", "verdict U")
        for kind, names in curves.items()
    }
    return (
        f"{rates['surveys'].max():,} outcomes drawn from each true curve, {DRAWS_PER_SURVEY} on each invented survey. "
        "Usual practice (a non-linear p < 0.05 and a low point inside the range) calls a U what is none: "
        f"{said['usual practice', 'none']}; and what is one: {said['usual practice', 'true']}. The rule here calls a U "
        f"what is none: {said['verdict U', 'none']}; and what is one: {said['verdict U', 'true']}. (± is the "
        "simulation's own standard error.)"
    )


def power_words(simulation: Mapping[str, pd.DataFrame]) -> str:
    """How often the audit's form of the rule finds a U as deep as the fitted curve, to follow a sentence."""
    if not simulation:
        return ""
    rates = simulation["shapes"].set_index(["rule", "curve"])
    found, none = (_rate(rates.loc[("verdict U, by draws", curve)]) for curve in ("U as fitted", "no association"))
    return (
        f" On invented surveys the rule finds a true U as deep as the fitted curve in {found}, and one where there is "
        f"nothing in {none}."
    )


def misfits_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """Where tests exceed their level and intervals fall short of theirs, and what part of it is the spline's misfit."""
    if not simulation:
        return NO_SIMULATION
    rates, nadirs = simulation["shapes"].set_index(["rule", "curve"]), simulation["nadirs"]
    bends = [name for name in ("J", "plateau") if ("end slopes", name) in rates.index]
    ends = " and ".join(f"on the {name} in {_rate(rates.loc[('end slopes', name)])}" for name in bends)
    straight = " and ".join(
        f"{_rate(rates.loc[('threshold, search-aware', name)])} of surveys with {words}"
        for name, words in (("no association", "no association"), ("line", "a straight line"))
        if ("threshold, search-aware", name) in rates.index
    )
    covered = simulation["coverage"].query("quantity == 'coverage' and method == 'taylor'")
    odds = " and ".join(f"{_from_to(part['rate'])} ({name})" for name, part in covered.groupby("curve"))
    return (
        f"End slopes alone find a U {ends} (level: 5 %): near its hinge four knots cannot "
        "follow such a curve, and the best spline slopes where the truth is flat. The break's search-aware p is below "
        f"5 % in {straight}. The low point's intervals hold the planted one in {_from_to(nadirs['rate'])}, the less "
        "often the deeper the U, because four knots cannot follow the planted curve; the low point of the spline that "
        f"fits it best they hold in {_from_to(nadirs['rate_of_target'])}. By Taylor's covariance 95 % intervals of the "
        f"odds ratio hold the planted one, by intake, in {odds}: where the curve bends more than four knots can, the "
        "interval lies around another curve."
    )


def _from_to(rates: pd.Series) -> str:
    return f"{100 * rates.min():.1f} to {100 * rates.max():.1f} %"


def energy_power_markdown(simulation: Mapping[str, pd.DataFrame]) -> str:
    """The table of `energy_power_table` as Markdown, with what it means."""
    table = energy_power_table(simulation)
    if table.empty:
        return NO_ENERGY_SIMULATION
    header = ["% of surveys", *table.columns]
    lines = [
        header,
        ["---"] * len(header),
        *([str(form), *row] for form, row in zip(table.index, table.to_numpy(), strict=True)),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{POWER_MEANS}"


def energy_power_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Percent of surveys in which magnesium's curve bends, by energy form and by what truly draws the curve."""
    if "energy_forms" not in simulation:
        return pd.DataFrame()
    found = simulation["energy_forms"].query("test == 'nonlinear'").set_index(["form", "truth"])
    columns = {}
    for truth, words in TRUTH_WORDS.items():
        planted = found.xs(truth, level="truth").iloc[0]
        columns[words.format(planted["planted_odds_ratio"], planted["planted_at"])] = [
            _rate(found.loc[(form, truth)], unit="") for form in FORM_WORDS
        ]
    return pd.DataFrame(columns, index=pd.Index(list(FORM_WORDS.values()))).rename_axis(columns="% of surveys")


def nadirs_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How often each interval holds the true low point, and that of the spline that fits the truth best; its width."""
    if not simulation:
        return pd.DataFrame()
    found = simulation["nadirs"]
    return pd.DataFrame(
        {
            "true curve": found["curve"],
            "interval": found["interval"],
            "holds the true low point, %": [_rate(row, unit="") for _, row in found.iterrows()],
            "low point of the best spline, mg": found["target_mg"].map("{:.0f}".format),
            "holds that, %": [_rate(row, of="_of_target", unit="") for _, row in found.iterrows()],
            "median width, mg": found["median_width_mg"].map("{:.0f}".format),
        }
    ).set_index(["true curve", "interval"])


def coverage_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How often 95 % intervals of the odds ratio at each intake hold the true one, by kind of covariance."""
    if not simulation:
        return pd.DataFrame()
    found = simulation["coverage"].query("quantity == 'coverage'")
    wide = (100 * found.pivot_table(index=["curve", "method"], columns="intake_mg", values="rate", sort=False)).map(
        "{:.1f}".format
    )
    return wide.rename(columns="{:g} mg".format).rename_axis(index=["true curve", "covariance"], columns="% at")


def _rate(row: pd.Series, *, of: str = "", unit: str = " %") -> str:
    return f"{100 * row[f'rate{of}']:.1f}{unit} (± {100 * row[f'monte_carlo_error{of}']:.1f})"


def _by_model(shape: pd.DataFrame, columns: Mapping[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index([MODEL_NAMES[model] for model in shape["model"]]))


def _ranges(shape: pd.DataFrame, name: str) -> list[str]:
    return [format_range(row[f"{name}_low"], row[f"{name}_high"]) for _, row in shape.iterrows()]


def _slope(row: pd.Series, name: str) -> str:
    return f"{_slope_alone(row, name)}, p {format_p(row[f'{name}_p'])}"


def _slope_alone(row: pd.Series, name: str) -> str:
    return f"{PER * row[name]:+.2f} (SE {PER * row[f'{name}_se']:.2f})"
