"""Numbers into words: captions, the one-sentence answer, the command line's tables. Rounding happens only here."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import pandas as pd

from analysis.associations import Association
from analysis.characteristics import FEWEST_PEOPLE
from analysis.data.vocabulary import exposure_label, exposure_unit
from analysis.stats.shape import ALPHA
from analysis.study import OUTCOMES, PRIMARY

Estimates = Mapping[str, pd.DataFrame]

MODEL_NAMES = {"crude": "Crude", "1": "Model 1", "2": "Model 2", "3": "Model 3"}
WEIGHT_WORDS = {
    "dietary": "day-1 dietary weights",
    "mec": "MEC examination weights",
    "none": "no weights (weight 1 for everyone, strata and PSUs kept)",
}

GROUP_WORDS = {"all": "all", "with_neuropathy": "with neuropathy", "without_neuropathy": "without neuropathy"}
VARIABLE_WORDS = {
    "age_years": "Age, years", "sex": "Sex", "race_ethnicity": "Race/ethnicity", "education": "Education",
    "pir": "Income to poverty ratio", "bmi_kg_m2": "Body mass index, kg/m²", "height_cm": "Height, cm",
    "smoking": "Smoking", "alcohol": "Alcohol", "has_diabetes": "Diabetes", "has_hypertension": "Hypertension",
}  # fmt: skip
NO_DEPARTURE = "no departure shown"
VERDICT_WORDS = {NO_DEPARTURE: "no departure from a straight line shown"}
"""Verdicts in sentences, where their short name does not say enough."""

WIDTH = 110
"""Letters in a line of a sentence on a terminal."""

FEW = f"fewer than {FEWEST_PEOPLE}"


def format_p(p_value: float) -> str:
    """P as it stands after "p": "= 0.004", or "< 0.001" below that."""
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def verdict_words(verdict: str) -> str:
    """A verdict as it stands in a sentence."""
    return VERDICT_WORDS.get(verdict, verdict)


def format_odds_ratio(row: pd.Series) -> str:
    """Odds ratio with its interval: "1.54 (1.16 to 2.02)"."""
    return f"{row['odds_ratio']:.2f} ({row['conf_low']:.2f} to {row['conf_high']:.2f})"


def format_intake(x: float) -> str:
    """Intake without decimals from 100 on, else to three digits: "214", "1.93"."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def format_range(low: float, high: float) -> str:
    """Two intakes with the decimals of the higher one: "200 to 241"."""
    return f"{low:.0f} to {high:.0f}" if high >= 100 else f"{format_intake(low)} to {format_intake(high)}"


def describe_tests(tests: pd.DataFrame) -> str:
    """Both tests by both methods in one sentence."""
    p = {(row.test, row.method): format_p(row.p_value) for row in tests.itertuples()}
    return (
        f"Wald F: overall p {p['overall', 'wald']}, non-linear p {p['nonlinear', 'wald']}; Rao-Scott: overall p "
        f"{p['overall', 'rao_scott']}, non-linear p {p['nonlinear', 'rao_scott']}."
    )


def describe_people(row: pd.Series) -> str:
    """Who was studied, beginning with "adults"."""
    people = f"adults aged {row['age_min']} or older"
    if row["where"]:
        people += f" where {row['where']}"
    return people if len(row["cycles"].split()) == 3 else f"{people}, cycles {row['cycles'].replace(' ', ', ')}"


def curve_caption(estimates: Estimates, model: str) -> str:
    """Caption of the dose-response figure."""
    row = _model(estimates, model)
    tests = estimates["tests"].query("model == @model")
    nadir = "No interior low point" if row["nadir_at_boundary"] else f"Lowest point {_low_point(estimates, row)}"
    if "shape" in estimates:
        nadir += f"; by the protocol's rule: {verdict_words(shape_of_model(estimates, model)['verdict'])}"
    knots = ", ".join(f"{float(knot):.4g}" for knot in row["knots"].split())
    return (
        f"Odds ratio (log axis) of peripheral neuropathy, {OUTCOMES[row['outcome']]}, in {row['cases']:,} of "
        f"{row['n']:,} {describe_people(row)}{_without_covariates(estimates, model)}, against "
        f"{row['reference']:.4g} {row['unit']}, their unweighted median. Survey-weighted logistic "
        f"regression with a restricted cubic spline, knots (triangles) at {knots} {row['unit']}, adjusted for "
        f"{covariate_words(row['covariates'])}; {WEIGHT_WORDS[row['weights']]}; {100 * row['conf_level']:g} % t "
        f"intervals, Taylor linearisation, {row['residual_df']} df. {describe_tests(tests)} {nadir}. Darker band: "
        f"{100 * row['conf_level']:g} % at each intake taken alone; lighter: {100 * row['conf_level']:g} % for the "
        f"whole curve at once (sup-t, {row['critical_value']:.2f} standard errors). Middle: prevalence if everybody "
        "had that intake and kept their own covariates (standardised to the weighted people of the model), bands "
        "likewise; dotted: at the median intake. Grey: beyond the 5th and 95th percentile of intake. Bars: weighted "
        f"distribution, 1st to 99th percentile, those of fewer than {FEWEST_PEOPLE} people left out."
    )


def _without_covariates(estimates: Estimates, model: str) -> str:
    """How many more the cohort has, on whom knots, median and bars rest, than the model."""
    flow = estimates["flow"].query("model == @model and step != 'survey weight above 0'")["n"].astype(int)
    lost = int(flow.iloc[-2] - flow.iloc[-1])
    if not lost:
        return ""
    return f" ({lost:,} more lack a covariate; knots, median and bars are theirs too)"


def models_caption(estimates: Estimates) -> str:
    """Caption of the figure of all models."""
    models = estimates["models"]
    first, nonlinear = models.iloc[0], estimates["tests"].query("test == 'nonlinear' and method == 'wald'")
    p = [f"{MODEL_NAMES[row.model].lower()} {format_p(row.p_value)}" for row in nonlinear.itertuples()]
    return (
        f"Odds ratios against {first['reference']:.4g} {first['unit']} (black dot), {WEIGHT_WORDS[first['weights']]}, "
        f"same knots in all. {_adjustments(models)}. Non-linear p (Wald F): {', '.join(p)}. Models 2 and 3 rest on "
        "people with complete covariates. Bands are left out for legibility; the numbers are in models.csv beside this "
        "figure. Grey: beyond the 5th and 95th percentile of intake."
    )


def _adjustments(models: pd.DataFrame) -> str:
    """What each model adjusts for, beyond the one before: the models are nested."""
    known: set[str] = set()
    parts = []
    for row in models.itertuples():
        new = [name for name in row.covariates.split() if name not in known]
        if new:
            parts.append(f"{row.model} {'also ' if known else ''}for {covariate_words(' '.join(new))}")
        known |= set(new)
    return f"Adjusted: model {'; '.join(parts)}"


def quintiles_caption(quintiles: pd.DataFrame, estimates: Estimates) -> str:
    """Caption of the quintile figure."""
    first = estimates["models"].iloc[0]
    reference = quintiles["reference_quintile"].iloc[0]
    return (
        f"Odds ratios (log axis) of peripheral neuropathy with {100 * first['conf_level']:g} % intervals against "
        f"quintile {reference}, the reference of the published analysis of phosphorus (Wu 2024); "
        f"{WEIGHT_WORDS[first['weights']]}. {_adjustments(estimates['models'])}. "
        f"Quintiles are cut at unweighted quantiles of the cohort. Counts behind each point are in "
        "quintiles.csv beside this figure."
    )


def diagnostics_caption(estimates: Estimates, model: str) -> str:
    """Caption of the figure of whether the regression can carry the curve."""
    row = _model(estimates, model)
    fit = estimates["tests"].query("model == @model and test == 'goodness_of_fit'").iloc[0]
    influence = estimates["influence"].query("model == @model")
    intakes = {name: f"{part['x'].iloc[0]:.4g}" for name, part in influence.groupby("quantity")}
    nonlinear = influence[influence["quantity"] == "nonlinear_p"]
    full, highest = (format_p(p).removeprefix("= ") for p in (nonlinear["full"].max(), nonlinear["estimate"].max()))
    weights = estimates["weights"].set_index("model").loc[model]
    return (
        f"{MODEL_NAMES[model]}, {row['n']:,} people. Calibration: observed neuropathy with {100 * row['conf_level']:g} "
        "% intervals against the predicted, in tenths of predicted risk of equal weight; on the line they agree "
        f"(Archer-Lemeshow F {fit['statistic']:.2f} on {fit['df_num']} and {fit['df_den']} df). What the weights "
        "leave: people in each interval of intake, and how many equally weighted people would tell as much (Kish), in "
        f"all {weights['n_effective']:,.0f} of {weights['n_positive']:,}; clusters not counted. Grey: beyond the 5th "
        "and 95th percentile. Without one sampling unit: change of the log odds ratio at the 10th and 90th percentile "
        f"of intake ({intakes['log_or_p10']} and {intakes['log_or_p90']} {row['unit']}) against "
        f"{row['reference']:.4g}, in its standard errors, when one PSU is left out and the others of its stratum stand "
        "for it; the largest are named stratum/PSU. Non-linear p (Wald F, covariance kept): "
        f"{full} with everybody, at most {highest} without one unit."
    )


def flow_caption(estimates: Estimates) -> str:
    """Caption of the participant flow."""
    models, every = estimates["models"], estimates["flow"]["n"].iloc[0]
    n = "; ".join(f"{MODEL_NAMES[row.model].lower()} {row.n:,}" for row in models.itertuples())
    return (
        f"Unweighted counts. People in each model: {n}. Nobody leaves the survey design: they are a domain of all "
        f"{every:,} interviewed, so that strata and PSUs stay whole."
    )


def answer(estimates: Estimates, model: str = PRIMARY.model) -> str:
    """The result in two sentences, every number from the estimates of the fit and shapes stages.

    The two odds ratios are those at the tabulated intakes nearest to the 5th and the 95th percentile.
    """
    row = _model(estimates, model)
    p = estimates["tests"].query("model == @model and test == 'overall'").set_index("method")["p_value"]
    q = estimates["tests"].query("model == @model and test == 'nonlinear'").set_index("method")["p_value"]
    low, high = (_nearest(estimates, row, quantile) for quantile in ("p05", "p95"))
    unit = row["unit"]
    return (
        f"Among {row['n']:,} {describe_people(row)} ({row['cases']:,} with neuropathy), the odds of peripheral "
        f"neuropathy against the unweighted median intake of {row['reference']:.4g} {unit} are "
        f"{format_odds_ratio(low)} times as "
        f"high at {low['x']:.4g} {unit} and {format_odds_ratio(high)} times as high at {high['x']:.4g} {unit}, "
        f"adjusted for {covariate_words(row['covariates'])} ({100 * row['conf_level']:g} % intervals; Wald F: overall "
        f"p {format_p(p['wald'])}, non-linear p {format_p(q['wald'])}; Rao-Scott: p {format_p(p['rao_scott'])} and "
        f"p {format_p(q['rao_scott'])}). The curve is lowest at {_low_point(estimates, row)}. Its shape by the "
        f"rule of the protocol: {verdict_words(shape_of_model(estimates, model)['verdict'])}."
    )


def shape_of_model(estimates: Estimates, model: str) -> pd.Series:
    """One model's row of shape.csv."""
    shape = estimates["shape"]
    return shape[shape["model"] == model].iloc[0]


def _low_point(estimates: Estimates, row: pd.Series) -> str:
    """Nadir with its bootstrap interval where the shape was examined: "214 mg/day (200 to 241, design bootstrap)"."""
    if "shape" not in estimates:
        return f"{format_intake(row['nadir'])} {row['unit']}"
    return _low_point_of(shape_of_model(estimates, row["model"]), row["unit"])


def _low_point_of(shape: pd.Series, unit: str) -> str:
    low, high = shape["nadir_bootstrap_low"], shape["nadir_bootstrap_high"]
    open_ended = low <= shape["end_slopes_low_at"] or high >= shape["end_slopes_high_at"]
    reach = ": to an end of where it was sought, which moves with the sample" if open_ended else ""
    return f"{format_intake(shape['nadir'])} {unit} ({format_range(low, high)}, design bootstrap{reach})"


def shape_sentence(estimates: Estimates, model: str = PRIMARY.model) -> str:
    """Whether one model's curve is a U, as `describe_shape`."""
    return describe_shape(shape_of_model(estimates, model), unit=_model(estimates, model)["unit"])


def describe_shape(shape: pd.Series, *, unit: str) -> str:
    """Whether a curve is a U: each test of the protocol, the low point, then the verdict.

    It says "shown" where a p-value is below the rule's `ALPHA`, and never more.

    Parameters
    ----------
    shape : row of `analysis.shapes.shape_row`.
    unit : of the exposure.
    """
    at_end = shape["nadir"] in (shape["end_slopes_low_at"], shape["end_slopes_high_at"])
    low_point = "lowest point, at an end of the range," if at_end else "lowest point"
    return (
        f"{_ends_words(shape, unit)} {_two_lines_words(shape, unit)} The {low_point} is "
        f"{_low_point_of(shape, unit)}, inside the range in {100 * shape['nadir_bootstrap_interior']:.1f} % of "
        f"bootstrap samples. Verdict by the rule of the protocol: {verdict_words(shape['verdict'])}."
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


def knots_sentence(estimates: Estimates) -> str:
    """The verdict by the same rule under other numbers of knots, on unweighted and on weighted quantiles."""
    splines = estimates["knots"].query("form == 'spline'")
    parts = []
    for quantiles, part in splines.groupby("knot_quantiles", sort=False):
        verdicts = part.groupby("verdict", sort=False)["knots"]
        found = [f'with {_join(list(numbers))}, "{verdict_words(str(name))}"' for name, numbers in verdicts]
        parts.append(f"on {quantiles} quantiles: {'; '.join(found)}.")
    return f"By the same rule, knots {' Knots '.join(parts)}"


def _nearest(estimates: Estimates, row: pd.Series, quantile: str) -> pd.Series:
    """The tabulated point of a model's curve that lies nearest to one of its percentiles."""
    curve = estimates["odds_ratio_curve"]
    curve = curve[(curve["model"] == row["model"]) & curve["tabulated"]]
    return curve.loc[(curve["x"] - row[quantile]).abs().idxmin()]


def curve_table(estimates: Estimates, *, model: str) -> pd.DataFrame:
    """Odds ratios of a model at round intakes, two decimals, for reading."""
    row = _model(estimates, model)
    curve = estimates["odds_ratio_curve"].query("model == @model and tabulated")
    return pd.DataFrame(
        {
            f"{row['exposure_label']}, {row['unit']}": curve["x"].map("{:.0f}".format),
            "odds ratio (95 % interval)": [format_odds_ratio(point) for _, point in curve.iterrows()],
        }
    ).reset_index(drop=True)


def tests_table(estimates: Estimates) -> pd.DataFrame:
    """Both tests by both methods, a row per model, p-values for reading."""
    tests = estimates["tests"]
    columns = {
        f"{words} p, {method}": tests[(tests["test"] == test) & (tests["method"] == code)]
        for test, words in (("overall", "overall"), ("nonlinear", "non-linear"))
        for code, method in (("wald", "Wald F"), ("rao_scott", "Rao-Scott"))
    }
    p_values = {name: part.set_index("model")["p_value"].map(format_p) for name, part in columns.items()}
    df = tests.groupby("model", sort=False)["df_den"].first()
    return pd.DataFrame({**p_values, "df": df}).reindex(tests["model"].unique()).rename(index=MODEL_NAMES)


def characteristics_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Table 1 for reading: a row per variable and level, a column for all and for people with and without neuropathy.

    Parameters
    ----------
    frame : of `analysis.characteristics.characteristics`.

    Returns
    -------
    variable, level, a column per group headed by its unweighted people, and p. Means, medians and percentages are
    weighted and carry their interval. The first row of a variable has its name and p, the last how many people miss it.
    What rests on fewer than 10 people says so instead.
    """
    rows: list[dict[str, str]] = []
    for variable, of_variable in frame.fillna({"level": ""}).groupby("variable", sort=False):
        rows += _characteristic_rows(str(variable), of_variable)
    table = pd.DataFrame(rows)
    again = table["variable"].duplicated()
    table = table.assign(variable=table["variable"].mask(again, ""), p=table["p"].mask(again, ""))
    known = frame.groupby(["variable", "kind", "group"]).agg(n=("n", "sum"), n_missing=("n_missing", "first"))
    # A level of few people has no n: the sum over levels may fall short, that of a number never does.
    people = known.sum(axis=1).groupby("group").max()
    heads = {group: f"{words} (n = {people[group]:,.0f})" for group, words in GROUP_WORDS.items()}
    return table[["variable", "level", *GROUP_WORDS, "p"]].rename(columns=heads)


def _characteristic_rows(variable: str, cells: pd.DataFrame) -> list[dict[str, str]]:
    p_value = cells["p_value"].dropna()
    p = format_p(p_value.iloc[0]) if len(p_value) else ""
    name = VARIABLE_WORDS.get(variable) or f"{_capital(exposure_label(variable))}, {exposure_unit(variable)}"
    name += ", %" if (cells["kind"] == "percent").all() else ""
    rows: list[dict[str, str]] = [
        {"variable": name, "level": str(level or kind).replace("_", " "), "p": p}
        | {str(cell.group): _format_characteristic(cell) for cell in part.itertuples()}
        for (level, kind), part in cells.groupby(["level", "kind"], sort=False)
    ]
    missing = cells.groupby("group")["n_missing"].first()
    if missing.max() > 0:
        words = {str(group): FEW if 0 < n < FEWEST_PEOPLE else f"{n:,}" for group, n in missing.items()}
        rows.append({"variable": name, "level": "unknown, n", "p": p} | words)
    return rows


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _format_characteristic(cell: Any) -> str:
    """Estimate with its interval, without decimals from 100 on: "57.1 (56.6 to 57.7)"."""
    if pd.isna(cell.estimate):
        return FEW
    decimals = 0 if cell.kind != "percent" and cell.estimate >= 100 else 1
    estimate = f"{cell.estimate:,.{decimals}f}"
    if pd.isna(cell.conf_low):
        return estimate
    return f"{estimate} ({cell.conf_low:,.{decimals}f} to {cell.conf_high:,.{decimals}f})"


def planted(estimates: Estimates, model: str = PRIMARY.model) -> str:
    """What a synthetic survey was made with, beside what was found."""
    row, truth = _model(estimates, model), estimates["planted"].set_index("x")
    found = [_nearest(estimates, row, quantile) for quantile in ("p05", "p95")]
    points = "; ".join(
        f"at {point['x']:.0f} {row['unit']} {truth.loc[point['x'], 'odds_ratio']:.2f}, found {format_odds_ratio(point)}"
        for point in found
    )
    return (
        f"odds ratio against {row['reference']:.4g} {row['unit']}: {points}; lowest point "
        f"{truth['nadir'].iloc[0]:.0f} {row['unit']}, found {row['nadir']:.0f}."
    )


def format_association(
    association: Association, *, shape: Mapping[str, Any], points: Sequence[float], source: str
) -> str:
    """Everything one study found, as text for a terminal; ``shape`` as `analysis.shapes.shape_dict`, or a reason."""
    study, fit, unit = association.study, association.fit, exposure_unit(association.study.exposure)
    nadir, knots = association.nadir, ", ".join(f"{knot:.6g}" for knot in association.spline.knots)
    where = f", where {study.where}" if study.where else ""
    extra = f" + {' + '.join(study.extra_covariates)}" if study.extra_covariates else ""
    left_out = f"\nleft out, no variation here: {', '.join(association.dropped)}" if association.dropped else ""
    flow = "\n".join(f"  {row.n:>8,}  {row.step}" for row in association.cohort.flow.itertuples())
    return (
        f"{exposure_label(study.exposure)} ({unit}) and peripheral neuropathy ({study.outcome}), "
        f"model {study.model}{extra}\n"
        f"{source}; cycles {', '.join(map(str, study.cycles))}; {WEIGHT_WORDS[study.weights]}{where}{left_out}\n\n"
        f"{flow}\n\n"
        f"n = {fit.n:,}, cases = {fit.cases:,}; {fit.n_psu} PSUs in {fit.n_strata} strata; "
        f"design df {fit.design_df}, residual df {fit.residual_df}\n"
        f"knots {knots}; reference {association.reference:.6g} {unit}\n\n"
        f"odds ratio ({100 * study.conf_level:g} % interval) at {unit}; * beyond the 5th to 95th percentile of intake\n"
        f"{_curve_rows(association, points)}\n\n"
        f"{describe_tests(association.tests_frame())}\n"
        f"Lowest point {nadir.x:.4g} {unit}{', the end of the range: no interior low point' * nadir.at_boundary} "
        f"(sought from the 5th to the 95th percentile of intake, {nadir.low:.4g} to {nadir.high:.4g}).\n"
        f"{fill(_shape_or_reason(shape, unit), WIDTH, break_on_hyphens=False)}\n\n"
        f"{_coefficient_table(association)}"
    )


def _shape_or_reason(shape: Mapping[str, Any], unit: str) -> str:
    if shape["verdict"] is None:
        return f"The shape cannot be told: {shape['reason']}"
    return describe_shape(pd.Series(shape), unit=unit)


def _curve_rows(association: Association, points: Sequence[float]) -> str:
    nadir = association.nadir
    return "\n".join(
        f"  {row['x']:>8.4g} {' ' if nadir.low <= row['x'] <= nadir.high else '*'}  {format_odds_ratio(row)}"
        for _, row in association.curve(points).frame.iterrows()
    )


def _coefficient_table(association: Association) -> str:
    frame = association.fit.to_frame(conf_level=association.study.conf_level)
    shown = frame[["term", "estimate", "std_error", "statistic", "p_value"]]
    return shown.to_string(index=False, float_format=lambda value: f"{value:.4g}")


def _model(estimates: Estimates, model: str) -> pd.Series:
    models = estimates["models"]
    return models[models["model"] == model].iloc[0]


def covariate_words(covariates: object) -> str:
    """Harmonised columns, separated by blanks, as a list in a sentence."""
    names = {"age_years": "age", "race_ethnicity": "race/ethnicity", "pir": "income", "bmi_kg_m2": "BMI",
             "has_diabetes": "diabetes", "has_hypertension": "hypertension", "energy_kcal": "energy"}  # fmt: skip
    if not isinstance(covariates, str) or not covariates:
        return "nothing"
    return _join([names.get(name, name) for name in covariates.split()])


def _join(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "age, sex and income"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def standard_errors_table(estimates: Estimates) -> pd.DataFrame:
    """Standard errors of 1999-2000 by four methods side by side, and the published intervals; empty if invented."""
    if "variance_side_by_side" not in estimates:
        return pd.DataFrame()
    found = estimates["variance_side_by_side"]
    rows = [
        {
            "estimate": f"{row.estimate:.4g} {row.unit}",
            "Taylor": f"{row.se_taylor:.3g}",
            "jackknife": f"{row.se_jackknife:.3g}",
            "bootstrap": f"{row.se_bootstrap:.3g}",
            "NCHS's weights": f"{row.se_nchs:.3g}",
            "NCHS to Taylor": f"{row.nchs_to_taylor:.2f}",
            "df, Taylor and NCHS": f"{row.df_taylor:g}, {row.df_nchs:g}",
            "interval, NCHS's weights": f"{row.low_nchs:.3g} to {row.high_nchs:.3g}",
            "published": f"{row.low_published:g} to {row.high_published:g}" if row.published > 0 else "",
        }
        for row in found.itertuples()
    ]
    return pd.DataFrame(rows, index=found["term"].to_list())
