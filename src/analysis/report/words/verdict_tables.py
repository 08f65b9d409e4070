"""The answer as tables of test, result and meaning: is it a U, what decides that, how much of it stands."""

from collections.abc import Sequence

import pandas as pd

from analysis.audit.specificity import FALSE_DISCOVERIES
from analysis.data.people.vocabulary import exposure_label
from analysis.report.words import audit as audit_words
from analysis.report.words.bottom_line import ADJUSTMENTS, NEEDED, energy_p
from analysis.report.words.first_screen import AT_RANDOM, blind_words, missed_share, missed_usual
from analysis.report.words.numbers import (
    NUMBERS,
    as_markdown,
    format_intake,
    format_p,
    list_words,
    ordinal,
    p_at_most,
    p_number,
    p_number_drawn,
    percent,
    percent_drawn,
    rows_of_model,
    sentence,
    verdict_words,
)
from analysis.report.words.shape import low_point_words, shape_of_model
from analysis.report.words.specificity import bent_controls
from analysis.report.words.units import without_units
from analysis.stats.arrays import Frames
from analysis.stats.shape.questions import ENDS_HIGHER, FALLS_THEN_RISES
from analysis.stats.shape.verdict import ALPHA, INTERIOR, NO_DEPARTURE, U
from analysis.study import PRIMARY

TEST = ["test", "result", "meaning"]
REFEREE_QUESTIONS = {
    "knots": "knots",
    "ends": "where the ends are",
    "levels": "which intakes are compared",
    "under-reporting": "under-reporters",
    "recall error": "error of one recalled day",
    "form": "form of the intake",
    "missing": "missing data",
    "rows": "covariates, days and people",
}
"""Questions of the referee in words, with the knots of the shapes stage before them."""

NO_REFEREE = "What decides the verdict has not been asked in this data folder: run `python -m analysis referee`."
NOT_WHOLE = "The audit is not whole in this data folder: run `make audit`."


# ---- is it a U?
def u_markdown(estimates: Frames, referee: pd.DataFrame) -> str:
    """Each test of both named questions on the primary study: result and what it means, as a Markdown table."""
    shape, row = shape_of_model(estimates, PRIMARY.model), rows_of_model(estimates, PRIMARY.model)
    unit = row["unit"]
    rows = [
        ("Bends: departs from a straight line", f"p {format_p(shape['nonlinear_p'])}", _shown(shape["nonlinear_p"])),
        *(
            (
                f"{words} ({format_intake(shape[f'end_slopes_{end}_at'])} {unit})",
                f"one-sided p {format_p(shape[f'end_slopes_{end}_p'])}",
                _shown(shape[f"end_slopes_{end}_p"]),
            )
            for end, words in (("low", "Falls at the low end"), ("high", "Rises at the high end"))
        ),
        (
            "Two straight lines: the first falls, the second rises",
            f"they meet at {format_intake(shape['two_lines_break'])} {unit}; the larger p "
            f"{format_p(shape['two_lines_p'])}",
            _shown(shape["two_lines_p"]),
        ),
        ("Lowest point inside the range", low_point_words(estimates, row), _inside(shape)),
        (
            f"**{sentence(FALLS_THEN_RISES)}** (all of these)",
            f"**{verdict_words(shape['verdict'])}**",
            "the rule of the protocol, written after a first look at the curve",
        ),
        *_ends_row(referee),
    ]
    return _markdown(rows, TEST)


def _ends_row(referee: pd.DataFrame) -> list[tuple[str, str, str]]:
    if referee.empty:
        return []
    row = referee.query("question == 'levels'").iloc[0]
    result = f"**{_shown(row['levels_p'])}**: the larger one-sided p {format_p(row['levels_p'])}"
    return [
        (
            f"**{sentence(ENDS_HIGHER)}** ({row['done']})",
            result,
            "asks less, of levels, not of slopes; asked after the first results",
        )
    ]


def _inside(shape: pd.Series) -> str:
    share, error = shape["nadir_bootstrap_interior"], shape["nadir_bootstrap_interior_mc_error"]
    enough = "enough" if share >= INTERIOR else "too few"
    return f"inside in {percent_drawn(share, error)} of bootstrap samples: {enough}"


def _shown(p: float) -> str:
    return "shown" if p < ALPHA else "not shown"


# ---- what decides it
def decides_markdown(estimates: Frames, referee: pd.DataFrame) -> str:
    """Both named questions under each other choice, and which way it moves them, as a Markdown table."""
    if referee.empty:
        return NO_REFEREE
    answers = dict(iter(referee.groupby("question", sort=False)))
    rows = [("knots", *_knots_cells(estimates))]
    rows += [(words, *_answer_cells(answers[name])) for name, words in REFEREE_QUESTIONS.items() if name in answers]
    return _markdown(rows, ["choice", FALLS_THEN_RISES, ENDS_HIGHER, "direction"])


def _knots_cells(estimates: Frames) -> tuple[str, str, str]:
    splines = estimates["knots"].query("form == 'spline'")
    is_u = splines[splines["verdict"] == U]
    others = f"none of the {len(splines) - len(is_u)} others"
    if is_u.empty:
        return f"a U with none of {len(splines)}", "", "neither way"
    told = list_words([f"{row.knots} on {row.knot_quantiles} quantiles" for row in is_u.itertuples()])
    fewer = (is_u["knots"].astype(int) < PRIMARY.knots).all()
    return f"a U with {told}; with {others}", "", "towards a U with fewer" if fewer else "towards a U"


def _answer_cells(rows: pd.DataFrame) -> tuple[str, str, str]:
    """What becomes of both questions over the other answers to one, the study's own being the first, and which way."""
    own, rows = rows.iloc[0], rows.iloc[1:]
    at_random = rows["done"].str.startswith(AT_RANDOM)
    known, levels = rows.dropna(subset="verdict"), rows["levels_p"].dropna()
    told = [
        f"{words} with {_names(found)}"
        for words, found in (
            ("a U", known[(known["verdict"] == U) & (own["verdict"] != U)]),
            ("no bend", known[(known["verdict"] == NO_DEPARTURE) & (own["verdict"] != NO_DEPARTURE)]),
        )
        if len(found)
    ] or ["as in the primary analysis"]
    told += _at_random_words(rows[at_random])
    higher = f"shown in {(levels < ALPHA).sum()} of {len(levels)}" if len(levels) else ""
    return "; ".join(told), higher, _directions(rows[~at_random])


def _at_random_words(rows: pd.DataFrame) -> list[str]:
    """What fewer people alone do, of the answers that removed as many others."""
    told = [f"{row.done.removeprefix(AT_RANDOM).strip()} {p_number(row.nonlinear_p)}" for row in rows.itertuples()]
    return [f"non-linear p with as many removed {', '.join(told)}"] if told else []


def _names(rows: pd.DataFrame) -> str:
    return "; ".join(str(name) for name in rows["done"])


def _directions(rows: pd.DataFrame) -> str:
    """How many answers move towards a U, how many away from one, and how many do both."""
    moved = rows["direction"].fillna("").str.partition(":")[0]
    counts = {words: int((moved == words).sum()) for words in ("towards a U", "away from a U", "both ways")}
    told = [f"{words} in {n}" for words, n in counts.items() if n]
    return f"{list_words(told)} of {len(rows)}" if told else "neither way"


# ---- how much of it stands
def stands_markdown(estimates: Frames, audit: Frames, simulation: Frames) -> str:
    """What the audit asked of the curve: result and what it means, as a Markdown table."""
    if any(name not in audit for name in NEEDED):
        return NOT_WHOLE
    rows = [
        _units_row(audit),
        _specifications_row(audit),
        *_levels_row(audit),
        _joint_row(audit),
        *_power_row(simulation),
        _nutrients_row(audit),
        *_controls_row(estimates, audit),
        _energy_row(audit, simulation),
        _cycles_row(audit),
        ("Degrees of freedom", f"{rows_of_model(estimates, PRIMARY.model)['design_df']} of the design",
         "not shown is not shown to be absent"),
    ]  # fmt: skip
    return _markdown(rows, TEST)


def _units_row(audit: Frames) -> tuple[str, str, str]:
    units = without_units(audit)
    carried = units.full >= ALPHA or units.most >= ALPHA
    none = "none of these" if units.untold() else "no single sampling unit"
    told = "no bend that all of them show" if carried else f"{none} carries the bend"
    result = "; ".join(words for words in (f"p {p_at_most(units.most)}", units.untold()) if words)
    return f"Without each of {units.told} sampling units", result, told


def _specifications_row(audit: Frames) -> tuple[str, str, str]:
    whole = audit["verdict_shares"].query("choice == 'all'").set_index("verdict")
    told = [f"{verdict_words(str(name))}: {percent(row['share'])}" for name, row in whole.iterrows()]
    few = "most find no U" if whole["share"].get(U, 0.0) <= 0.5 else "most find a U"
    return f"{whole['n'].sum():,} specifications", "; ".join(told), few


def _levels_row(audit: Frames) -> list[tuple[str, str, str]]:
    shares = audit["verdict_ends"].query("question == @ENDS_HIGHER and verdict == @audit_words.BOTH_HIGHER")
    return [
        (f"The same: {ENDS_HIGHER}", percent(share), "the question that asks less, in most not shown either"
         if share <= 0.5 else "the question that asks less, in most shown")
        for share in shares["share"].head(1)
    ]  # fmt: skip


def _joint_row(audit: Frames) -> tuple[str, str, str]:
    tests = audit_words.joint_tests(audit["joint_test"], primary=True)
    best = tests.loc[tests["adjusted_p"].idxmin()]
    p = p_number_drawn(best["adjusted_p"], best["adjusted_p_error"])
    return (
        f"All of them together, {NUMBERS[len(tests)]} joint statistics",
        f"least p, adjusted for their number, {p}",
        audit_words.together_words(best).removesuffix("."),
    )


def _power_row(simulation: Frames) -> list[tuple[str, str, str]]:
    if not simulation:
        return []
    rates = simulation["shapes"].set_index(["rule", "curve"]).loc["verdict U, by draws"]
    found, none = (
        percent_drawn(rates.loc[curve, "rate"], rates.loc[curve, "monte_carlo_error"])
        for curve in ("U as fitted", "no association")
    )
    return [
        (
            "Invented surveys with a U as deep as this, and with nothing",
            f"the rule finds {found}, and {none}",
            f"{missed_share(simulation)} true Us of this depth are missed, {missed_usual(simulation)}",
        )
    ]


def _nutrients_row(audit: Frames) -> tuple[str, str, str]:
    own = audit["specificity_place"].set_index("form").loc["none"]
    return (
        f"{own['tested']} nutrients, as they are",
        f"{own['discoveries']} bend at a false-discovery rate of {100 * FALSE_DISCOVERIES:g} %",
        f"{own['top']} first, {exposure_label(PRIMARY.exposure)} {ordinal(own)}",
    )


def _controls_row(estimates: Frames, audit: Frames) -> list[tuple[str, str, str]]:
    points = bent_controls(audit)
    if points.empty:
        return []
    unit, bent = rows_of_model(estimates, PRIMARY.model)["unit"], points.dropna()
    told = [f"{name}, lowest at {format_intake(nadir)} {unit}" for name, nadir in bent.items()]
    return [
        (
            f"{sentence(NUMBERS[len(points)])} outcomes that {exposure_label(PRIMARY.exposure)} should not move",
            f"{NUMBERS[len(bent)]} bends: {list_words(told)}" if told else "none bends",
            "some of a bend can come from elsewhere" if told else "no sign of a bend from elsewhere",
        )
    ]


def _energy_row(audit: Frames, simulation: Frames) -> tuple[str, str, str]:
    p = energy_p(audit)
    told = ", ".join(f"{words} {p_number(p[form])}" for form, words in ADJUSTMENTS.items())
    gone = [form for form in ADJUSTMENTS if p[form] >= ALPHA]
    verb = (
        f"no bend is left in {NUMBERS[len(gone)]} of {NUMBERS[len(ADJUSTMENTS)]}" if gone else "the bend stays in each"
    )
    if blind := blind_words(gone, simulation):
        verb += f"; of these forms {blind} true bends"
    return "Energy adjusted for", f"non-linear p: {told}", verb


def _cycles_row(audit: Frames) -> tuple[str, str, str]:
    tests = audit["cycle_heterogeneity"].query("test == 'curve'").dropna(subset="p_value")
    low, high = tests["p_value"].min(), tests["p_value"].max()
    means = {0: "no different curves are shown", len(tests): "the cycles draw different curves"}
    return (
        "The survey's cycles against each other",
        f"p {p_number(low)} to {p_number(high)}, by method and covariates",
        means.get(int((tests["p_value"] < ALPHA).sum()), "signs that the cycles draw different curves"),
    )


def _markdown(rows: Sequence[tuple[str, ...]], columns: list[str]) -> str:
    return as_markdown(pd.DataFrame(rows, columns=columns).set_index(columns[0]))
