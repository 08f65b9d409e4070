"""Numbers into words: captions, the one-sentence answer, the command line's tables. Rounding happens only here."""

from collections.abc import Mapping

import pandas as pd

from analysis.associations import Association
from analysis.data.vocabulary import exposure_label, exposure_unit

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
    p = tests.set_index(["test", "method"])["p_value"]
    return (
        f"Wald F: overall p {format_p(p['overall', 'wald'])}, non-linear p {format_p(p['nonlinear', 'wald'])}; "
        f"Rao-Scott: p {format_p(p['overall', 'rao_scott'])} and {format_p(p['nonlinear', 'rao_scott'])}."
    )


def curve_caption(estimates: Estimates, model: str) -> str:
    """Caption of the dose-response figure."""
    row = _model(estimates, model)
    tests = estimates["tests"].query("model == @model")
    return (
        f"Odds ratio of peripheral neuropathy ({row['cases']:,} of {row['n']:,} adults aged 40 or older; at least one "
        f"insensate site on either foot) against {row['reference']:.4g} {row['unit']}, the median. Survey-weighted "
        f"logistic regression with a restricted cubic spline, knots (triangles) at "
        f"{', '.join(f'{float(k):.4g}' for k in row['knots'].split())} {row['unit']}, adjusted for "
        f"{_covariate_words(row['covariates'])}; {WEIGHT_WORDS[row['weights']]}; 95 % t intervals, "
        f"Taylor linearisation, {row['residual_df']} df. {describe_tests(tests)} "
        f"Lowest point {row['nadir']:.0f} {row['unit']}. Grey: beyond the 5th and 95th percentile of intake."
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
        f"Odds ratios with 95 % intervals against quintile {reference}; {WEIGHT_WORDS[first['weights']]}. "
        f"Quintiles are cut at unweighted quantiles of the cohort. Counts behind each point are in "
        "quintiles.csv beside this figure."
    )


def flow_caption(flow: pd.DataFrame) -> str:
    """Caption of the participant flow."""
    every, eligible, complete = flow["n"].iloc[[0, -2, -1]]
    return (
        f"Unweighted counts. The crude model and model 1 rest on {eligible:,} people, models 2 and 3 on the "
        f"{complete:,} with every covariate. Nobody leaves the survey design: they are a domain of all {every:,} "
        "interviewed, so that strata and PSUs stay whole."
    )


def answer(estimates: Estimates, model: str = "1") -> str:
    """The result in one sentence, every number from the estimates."""
    row = _model(estimates, model)
    curve = estimates["odds_ratio_curve"].query("model == @model").set_index("x")
    p = estimates["tests"].query("model == @model and method == 'wald'").set_index("test")["p_value"]
    low, high = curve.loc[100.0], curve.loc[500.0]
    return (
        f"Among {row['n']:,} adults aged 40 or older ({row['cases']:,} with neuropathy), the odds of peripheral "
        f"neuropathy against the median intake of {row['reference']:.4g} {row['unit']} are "
        f"{format_odds_ratio(low)} times as high at 100 {row['unit']} and {format_odds_ratio(high)} times as high at "
        f"500 {row['unit']}, adjusted for {_covariate_words(row['covariates'])} (95 % intervals; overall p "
        f"{format_p(p['overall'])}, non-linear p {format_p(p['nonlinear'])}; lowest point {row['nadir']:.0f} "
        f"{row['unit']})."
    )


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


def planted(estimates: Estimates, model: str = "1") -> str:
    """What a synthetic survey was made with, beside what was found."""
    row, truth = _model(estimates, model), estimates["planted"].set_index("x")
    curve = estimates["odds_ratio_curve"].query("model == @model").set_index("x")
    points = "; ".join(
        f"at {x:.0f} {row['unit']} {truth.loc[x, 'odds_ratio']:.2f}, found {format_odds_ratio(curve.loc[x])}"
        for x in (100.0, 500.0)
    )
    return (
        f"odds ratio against {row['reference']:.4g} {row['unit']}: {points}; lowest point "
        f"{truth['nadir'].iloc[0]:.0f} {row['unit']}, found {row['nadir']:.0f}."
    )


def format_association(association: Association, *, points: list[float], source: str) -> str:
    """Everything one study found, as text for a terminal."""
    study, fit = association.study, association.fit
    unit = exposure_unit(study.exposure)
    curve = association.curve(points).frame
    curve_rows = "\n".join(f"  {row['x']:>8.4g}  {format_odds_ratio(row)}" for _, row in curve.iterrows())
    nadir = association.nadir
    knots = ", ".join(f"{knot:.6g}" for knot in association.spline.knots)
    where = f", where {study.where}" if study.where else ""
    left_out = f"\nleft out, no variation here: {', '.join(association.dropped)}" if association.dropped else ""
    return (
        f"{exposure_label(study.exposure)} ({unit}) and peripheral neuropathy ({study.outcome}), model {study.model}\n"
        f"{source}; cycles {', '.join(map(str, study.cycles))}; {WEIGHT_WORDS[study.weights]}{where}{left_out}\n\n"
        f"n = {fit.n:,}, cases = {fit.cases:,}; {fit.n_psu} PSUs in {fit.n_strata} strata; "
        f"design df {fit.design_df}, residual df {fit.residual_df}\n"
        f"knots {knots}; reference {association.reference:.6g} {unit}\n\n"
        f"odds ratio ({100 * study.conf_level:g} % interval) at {unit}\n{curve_rows}\n\n"
        f"{describe_tests(association.tests_frame())}\n"
        f"lowest point {nadir.x:.4g} {unit} between {nadir.low:.4g} and {nadir.high:.4g}"
        f"{' (at the end of the range: no interior low point)' if nadir.at_boundary else ''}\n\n"
        f"{_coefficient_table(association)}"
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
