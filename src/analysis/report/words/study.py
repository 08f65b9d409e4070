"""Numbers into words: captions, the one-sentence answer, the command line's tables. Rounding happens only here."""

import ast
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.data.people.vocabulary import exposure_label, exposure_origin, exposure_unit, exposure_words, is_intake
from analysis.report.words.numbers import (
    MODEL_NAMES,
    format_intake,
    format_odds_ratio,
    format_p,
    list_words,
    p_number,
    rows_of_model,
    sentence,
    verdict_words,
)
from analysis.report.words.shape import low_point_words, shape_of_model
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import FEW, count_of
from analysis.study import PRIMARY, cycle_name, disease_of

WEIGHT_WORDS = {
    "dietary": "day-1 dietary weights",
    "mec": "MEC examination weights",
    "none": "no weights (weight 1 for everyone, strata and PSUs kept)",
}

GROUP_WORDS = {
    "all": "all", "with_neuropathy": "with neuropathy", "without_neuropathy": "without neuropathy",
    **{f"quintile_{number}": f"quintile {number}" for number in range(1, 6)},
}  # fmt: skip
VARIABLE_WORDS = {
    "age_years": "Age, years", "sex": "Sex", "race_ethnicity": "Race/ethnicity", "education": "Education",
    "pir": "Income to poverty ratio", "bmi_kg_m2": "Body mass index, kg/m²", "height_cm": "Height, cm",
    "smoking": "Smoking", "alcohol": "Alcohol", "has_diabetes": "Diabetes", "has_hypertension": "Hypertension",
}  # fmt: skip
AGE_ENDS: dict[type[ast.cmpop], tuple[str, int]] = {
    ast.GtE: ("low", 0), ast.Gt: ("low", 1), ast.LtE: ("high", 0), ast.Lt: ("high", -1),
}  # fmt: skip
"""Which end of a range of ages a comparison sets, and how far beyond its number: ages are whole years."""

LEVEL_WORDS = {
    "non_hispanic_white": "Non-Hispanic White", "mexican_american": "Mexican American",
    "other_hispanic": "Other Hispanic", "non_hispanic_black": "Non-Hispanic Black",
}  # fmt: skip
"""Levels of categories whose name is more than their own words."""


def describe_tests(tests: pd.DataFrame) -> str:
    """Both tests by both methods in one sentence."""
    p = {(row.test, row.method): format_p(row.p_value) for row in tests.itertuples()}
    return (
        f"Wald F: overall p {p['overall', 'wald']}, non-linear p {p['nonlinear', 'wald']}; Rao-Scott: overall p "
        f"{p['overall', 'rao_scott']}, non-linear p {p['nonlinear', 'rao_scott']}."
    )


def describe_people(row: pd.Series) -> str:
    """Who was studied: "adults aged 40 or older", "women aged 50 to 64 with pir < 1, cycle 2001-2002".

    Of a study's condition, what it asks of age and sex goes into these words; the rest is told as it is written.
    """
    age, sex, rest = _asked_of(row["where"] or "")
    oldest = [] if pd.isna(row["age_max"]) else [int(row["age_max"])]
    low, high = max([int(row["age_min"]), *age["low"]]), min([*oldest, *age["high"]], default=None)
    people = f"{sex} {age_words(low, high)}"
    if rest:
        people += f" with {' and '.join(rest)}"
    cycles = tuple(map(int, row["cycles"].split()))
    return people if cycles == PRIMARY.cycles else f"{people}, {cycle_words(cycles)}"


def age_words(low: int, high: int | None) -> str:
    """A range of ages: "aged 40 or older", "aged 40 to 64"."""
    return f"aged {low} or older" if high is None else f"aged {low} to {high}"


def cycle_words(cycles: Sequence[int]) -> str:
    """Cycles by both of their years: "cycles 1999-2000, 2001-2002"."""
    return f"cycle{'s' if len(cycles) > 1 else ''} {', '.join(map(cycle_name, cycles))}"


def _asked_of(where: str) -> tuple[dict[str, list[int]], str, list[str]]:
    """Lowest and highest years of age that a condition asks for, its people in a word, and its other parts."""
    age: dict[str, list[int]] = {"low": [], "high": []}
    sex, rest = "", []
    for part in _parts(ast.parse(where, mode="eval").body) if where else []:
        match part:
            case ast.Compare(ast.Name("age_years"), [op], [ast.Constant(int(years))]) if type(op) in AGE_ENDS:
                end, beyond = AGE_ENDS[type(op)]
                age[end].append(years + beyond)
            case ast.Compare(ast.Name("sex"), [ast.Eq()], [ast.Constant("female" | "male" as name)]) if not sex:
                sex = "women" if name == "female" else "men"
            case _:
                several = isinstance(part, ast.BoolOp)
                told = str(ast.get_source_segment(where, part))
                rest.append(f"({told})" if several else told)
    return age, sex or "adults", rest


def _parts(condition: ast.expr) -> list[ast.expr]:
    """What a condition asks for at once."""
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        return [part for value in condition.values for part in _parts(value)]
    return [condition]


def exposure_axis(exposure: str) -> str:
    """An exposure as the title of an axis: "Magnesium from food, day-1 recall (mg/day)"."""
    return f"{sentence(exposure_label(exposure))} {exposure_origin(exposure)} ({exposure_unit(exposure)})"


def against(reference: float, exposure: str) -> str:
    """Odds ratios as the title of an axis: "Odds ratio (against 254 mg/day)"."""
    return f"Odds ratio (against {format_intake(reference)} {exposure_unit(exposure)})"


def study_title(row: pd.Series) -> str:
    """Title of a figure about one study: disease and exposure and, in a second line, who, if not everybody.

    Parameters
    ----------
    row : of models.csv.
    """
    title = f"Peripheral {disease_of(row['outcome'])} by {exposure_words(row['exposure'])}"
    people = describe_people(row)
    return title if people == f"adults aged {PRIMARY.age_min} or older" else f"{title}\n{people}"


def noted(caption: str, estimates: Frames, model: str | None = None) -> str:
    """A caption with the notes of one model, or of all, that every output must have."""
    models = estimates["models"]
    if "notes" not in models:
        return caption
    told = models if model is None else models[models["model"] == model]
    return " ".join([caption, *dict.fromkeys(note for note in told["notes"].fillna("") if note)])


def adjustment_words(models: pd.DataFrame) -> str:
    """What each model adjusts for, beyond the one before: the models are nested."""
    known: set[str] = set()
    parts = []
    for row in models.itertuples():
        new = [name for name in row.covariates.split() if name not in known]
        if new:
            parts.append(f"{row.model} {'also ' if known else ''}for {covariate_words(' '.join(new))}")
        known |= set(new)
    return f"Adjusted: model {'; '.join(parts)}"


def answer_sentence(estimates: Frames, model: str = PRIMARY.model) -> str:
    """The result in two sentences, every number from the estimates of the fit and shapes stages.

    The two odds ratios are those at the tabulated intakes nearest to the 5th and the 95th percentile.
    """
    row = rows_of_model(estimates, model)
    p = estimates["tests"].query("model == @model and test == 'overall'").set_index("method")["p_value"]
    q = estimates["tests"].query("model == @model and test == 'nonlinear'").set_index("method")["p_value"]
    low, high = (nearest_point(estimates, row, quantile) for quantile in ("p05", "p95"))
    unit, disease = row["unit"], disease_of(row["outcome"])
    median = "median intake" if is_intake(row["exposure"]) else "median"
    words = (
        f"Among {row['n']:,} {describe_people(row)} ({count_of(row['cases'])} with {disease}), the odds of peripheral "
        f"{disease} against the unweighted {median} of {format_intake(row['reference'])} {unit} are "
        f"{format_odds_ratio(low)} times as high at {format_intake(low['x'])} {unit} and "
        f"{format_odds_ratio(high)} times as high at {format_intake(high['x'])} {unit}, "
        f"adjusted for {covariate_words(row['covariates'])} ({100 * row['conf_level']:g} % intervals; Wald F: overall "
        f"p {format_p(p['wald'])}, non-linear p {format_p(q['wald'])}; Rao-Scott: p {format_p(p['rao_scott'])} and "
        f"p {format_p(q['rao_scott'])}). The curve is lowest at {low_point_words(estimates, row)}. Its shape by the "
        f"rule of the protocol: {verdict_words(shape_of_model(estimates, model)['verdict'])}."
    )
    return noted(words, estimates, model)


def nearest_point(estimates: Frames, row: pd.Series, quantile: str) -> pd.Series:
    """The tabulated point of a model's curve that lies nearest to one of its percentiles."""
    curve = estimates["odds_ratio_curve"]
    curve = curve[(curve["model"] == row["model"]) & curve["tabulated"]]
    return curve.loc[(curve["x"] - row[quantile]).abs().idxmin()]


def curve_table(estimates: Frames, *, model: str) -> pd.DataFrame:
    """Odds ratios of a model at round intakes, two decimals, for reading."""
    row = rows_of_model(estimates, model)
    curve = estimates["odds_ratio_curve"].query("model == @model and tabulated")
    return pd.DataFrame(
        {
            f"{row['exposure_label']}, {row['unit']}": curve["x"].map(format_intake),
            "odds ratio (95 % interval)": [format_odds_ratio(point) for _, point in curve.iterrows()],
        }
    ).reset_index(drop=True)


def tests_table(estimates: Frames) -> pd.DataFrame:
    """Both tests by both methods, a row per model, p-values for reading."""
    tests = estimates["tests"]
    columns = {
        f"{words} p, {method}": tests[(tests["test"] == test) & (tests["method"] == code)]
        for test, words in (("overall", "overall"), ("nonlinear", "non-linear"))
        for code, method in (("wald", "Wald F"), ("rao_scott", "Rao-Scott"))
    }
    p_values = {name: part.set_index("model")["p_value"].map(p_number) for name, part in columns.items()}
    df = tests.groupby("model", sort=False)["df_den"].first()
    return pd.DataFrame({**p_values, "df": df}).reindex(tests["model"].unique()).rename(index=MODEL_NAMES)


def characteristics_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Table 1 for reading: a row per variable and level, a column for all and for each group.

    Parameters
    ----------
    frame : of `analysis.dose_response.characteristics.characteristics`.

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
    people = people_of_groups(frame)
    groups = list(dict.fromkeys(frame["group"]))
    heads = {group: f"{GROUP_WORDS[group]} (n = {people[group]:,.0f})" for group in groups}
    return table[["variable", "level", *groups, "p"]].rename(columns=heads)


def people_of_groups(frame: pd.DataFrame) -> pd.Series:
    """Unweighted people of each group of Table 1, whether a characteristic of theirs is known or not."""
    known = frame.groupby(["variable", "kind", "group"]).agg(n=("n", "sum"), n_missing=("n_missing", "first"))
    # A level of few people has no n: the sum over levels may fall short, that of a number never does.
    return known.sum(axis=1).groupby("group").max()


def characteristic_words(variable: str, cells: pd.DataFrame) -> str:
    """Name of a variable of Table 1 with its unit: "Age, years", "Smoking, %"."""
    name = VARIABLE_WORDS.get(variable) or f"{sentence(exposure_label(variable))}, {exposure_unit(variable)}"
    return f"{name}, %" if (cells["kind"] == "percent").all() else name


def characteristic_row_words(level: str, kind: str) -> str:
    """A row of Table 1: what its level is called, or of a number whether mean or median."""
    return LEVEL_WORDS.get(level) or (level or kind).replace("_", " ")


def _characteristic_rows(variable: str, cells: pd.DataFrame) -> list[dict[str, str]]:
    p_value = cells["p_value"].dropna()
    p = p_number(p_value.iloc[0]) if len(p_value) else ""
    name = characteristic_words(variable, cells)
    rows: list[dict[str, str]] = [
        {"variable": name, "level": characteristic_row_words(str(level), str(kind)), "p": p}
        | {str(cell.group): format_characteristic(cell) for cell in part.itertuples()}
        for (level, kind), part in cells.groupby(["level", "kind"], sort=False)
    ]
    if words := unknown_words(cells):
        rows.append({"variable": name, "level": "unknown, n", "p": p} | words)
    return rows


def unknown_words(cells: pd.DataFrame) -> dict[str, str]:
    """By group, of how many people a variable of Table 1 is unknown; nothing if it is known of everybody.

    Of all together it is empty where it would tell a single group's few by difference.
    """
    missing = cells.groupby("group", sort=False)["n_missing"].first()
    if (missing == 0).all():
        return {}
    words = {str(group): FEW if pd.isna(n) else count_of(n) for group, n in missing.items()}
    hidden = [group for group, told in words.items() if told == FEW and group != "all"]
    return words | {"all": ""} if len(hidden) == 1 else words


def format_characteristic(cell: Any) -> str:
    """Estimate with its interval, without decimals from 100 on: "57.1 (56.6 to 57.7)"."""
    if pd.isna(cell.estimate):
        return FEW
    decimals = 0 if cell.kind != "percent" and cell.estimate >= 100 else 1
    estimate = f"{cell.estimate:,.{decimals}f}"
    if pd.isna(cell.conf_low):
        note = getattr(cell, "note", None)
        return f"{estimate} ({note})" if isinstance(note, str) and note else estimate
    return f"{estimate} ({cell.conf_low:,.{decimals}f} to {cell.conf_high:,.{decimals}f})"


def planted(estimates: Frames) -> str:
    """What a synthetic survey was made with, beside what was found."""
    row, truth = rows_of_model(estimates, PRIMARY.model), estimates["planted"].set_index("x")
    found = [nearest_point(estimates, row, quantile) for quantile in ("p05", "p95")]
    points = "; ".join(
        f"at {format_intake(point['x'])} {row['unit']} {truth.loc[point['x'], 'odds_ratio']:.2f}, found "
        f"{format_odds_ratio(point)}"
        for point in found
    )
    return (
        f"odds ratio against {format_intake(row['reference'])} {row['unit']}: {points}; lowest point "
        f"{format_intake(truth['nadir'].iloc[0])} {row['unit']}, found {format_intake(row['nadir'])}."
    )


def covariate_words(covariates: object) -> str:
    """Harmonised columns, separated by blanks, as a list in a sentence."""
    names = {"age_years": "age", "race_ethnicity": "race/ethnicity", "pir": "income", "bmi_kg_m2": "BMI",
             "has_diabetes": "diabetes", "has_hypertension": "hypertension", "energy_kcal": "energy"}  # fmt: skip
    if not isinstance(covariates, str) or not covariates:
        return "nothing"
    return list_words([names.get(name) or exposure_label(name) for name in covariates.split()])


def standard_errors_table(estimates: Frames) -> pd.DataFrame:
    """Standard errors of 1999-2000 by four methods side by side, and the published intervals; empty if invented."""
    if "variance_side_by_side" not in estimates:
        return pd.DataFrame()
    found = estimates["variance_side_by_side"]
    rows = [
        {
            "estimate": f"{row.estimate:#.4g} {row.unit}",
            "Taylor": f"{row.se_taylor:#.3g}",
            "jackknife": f"{row.se_jackknife:#.3g}",
            "bootstrap": f"{row.se_bootstrap:#.3g}",
            "NCHS's weights": f"{row.se_nchs:#.3g}",
            "NCHS to Taylor": f"{row.nchs_to_taylor:.2f}",
            "df, Taylor and NCHS": f"{row.df_taylor:g}, {row.df_nchs:g}",
            "interval, NCHS's weights": f"{row.low_nchs:#.3g} to {row.high_nchs:#.3g}",
            "published": f"{row.low_published:.1f} to {row.high_published:.1f}" if row.published > 0 else "",
        }
        for row in found.itertuples()
    ]
    return pd.DataFrame(rows, index=found["term"].to_list())
