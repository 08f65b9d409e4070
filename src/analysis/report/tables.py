"""Numbers into words: captions, the one-sentence answer, the command line's tables. Rounding happens only here."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.associations import Association
from analysis.data.vocabulary import exposure_label, exposure_unit
from analysis.study import OUTCOMES, PRIMARY

Estimates = Mapping[str, pd.DataFrame]

MODEL_NAMES = {"crude": "Crude", "1": "Model 1", "2": "Model 2", "3": "Model 3"}
WEIGHT_WORDS = {
    "dietary": "day-1 dietary weights",
    "mec": "MEC examination weights",
    "none": "no weights (weight 1 for everyone, strata and PSUs kept)",
}


def format_p(p_value: float) -> str:
    """P as it stands after "p": "= 0.004", or "< 0.001" below that."""
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def format_odds_ratio(row: pd.Series) -> str:
    """Odds ratio with its interval: "1.54 (1.16 to 2.02)"."""
    return f"{row['odds_ratio']:.2f} ({row['conf_low']:.2f} to {row['conf_high']:.2f})"


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
    nadir = "No interior low point" if row["nadir_at_boundary"] else f"Lowest point {row['nadir']:.4g} {row['unit']}"
    knots = ", ".join(f"{float(knot):.4g}" for knot in row["knots"].split())
    return (
        f"Odds ratio (log axis) of peripheral neuropathy, {OUTCOMES[row['outcome']]}, in {row['cases']:,} of "
        f"{row['n']:,} {describe_people(row)}, against {row['reference']:.4g} {row['unit']}, "
        f"the median. Survey-weighted logistic regression with a restricted cubic spline, knots (triangles) at {knots} "
        f"{row['unit']}, adjusted for {_covariate_words(row['covariates'])}; {WEIGHT_WORDS[row['weights']]}; "
        f"{100 * row['conf_level']:g} % t intervals, Taylor linearisation, {row['residual_df']} df. "
        f"{describe_tests(tests)} {nadir}. Grey: beyond the 5th and 95th percentile of intake. Bars: weighted "
        "distribution, 1st to 99th percentile."
    )


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
            parts.append(f"{row.model} {'also ' if known else ''}for {_covariate_words(' '.join(new))}")
        known |= set(new)
    return f"Adjusted: model {'; '.join(parts)}"


def quintiles_caption(quintiles: pd.DataFrame, estimates: Estimates) -> str:
    """Caption of the quintile figure."""
    first = estimates["models"].iloc[0]
    reference = quintiles["reference_quintile"].iloc[0]
    return (
        f"Odds ratios with {100 * first['conf_level']:g} % intervals against quintile {reference}, the reference "
        f"of the published analysis of phosphorus (Wu 2024); {WEIGHT_WORDS[first['weights']]}. "
        f"Quintiles are cut at unweighted quantiles of the cohort. Counts behind each point are in "
        "quintiles.csv beside this figure."
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
    """The result in one sentence, every number from the estimates.

    The two odds ratios are those at the tabulated intakes nearest to the 5th and the 95th percentile.
    """
    row = _model(estimates, model)
    p = estimates["tests"].query("model == @model and test == 'overall'").set_index("method")["p_value"]
    q = estimates["tests"].query("model == @model and test == 'nonlinear'").set_index("method")["p_value"]
    low, high = (_nearest(estimates, row, quantile) for quantile in ("p05", "p95"))
    unit = row["unit"]
    return (
        f"Among {row['n']:,} {describe_people(row)} ({row['cases']:,} with neuropathy), the odds of peripheral "
        f"neuropathy against the median intake of {row['reference']:.4g} {unit} are {format_odds_ratio(low)} times as "
        f"high at {low['x']:.4g} {unit} and {format_odds_ratio(high)} times as high at {high['x']:.4g} {unit}, "
        f"adjusted for {_covariate_words(row['covariates'])} ({100 * row['conf_level']:g} % intervals; Wald F: overall "
        f"p {format_p(p['wald'])}, non-linear p {format_p(q['wald'])}; Rao-Scott: p {format_p(p['rao_scott'])} and "
        f"p {format_p(q['rao_scott'])}; lowest point {row['nadir']:.0f} {unit})."
    )


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


def format_association(association: Association, *, points: Sequence[float], source: str) -> str:
    """Everything one study found, as text for a terminal."""
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
        f"lowest point {nadir.x:.4g} {unit} between {nadir.low:.4g} and {nadir.high:.4g}"
        f"{' (at the end of the range: no interior low point)' if nadir.at_boundary else ''}\n\n"
        f"{_coefficient_table(association)}"
    )


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


def _covariate_words(covariates: object) -> str:
    names = {"age_years": "age", "race_ethnicity": "race/ethnicity", "pir": "income", "bmi_kg_m2": "BMI",
             "has_diabetes": "diabetes", "has_hypertension": "hypertension", "energy_kcal": "energy"}  # fmt: skip
    if not isinstance(covariates, str) or not covariates:
        return "nothing"
    words = [names.get(name, name) for name in covariates.split()]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
