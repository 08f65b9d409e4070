"""What the simulation says of intervals, tests and verdict, in words and tables."""

from collections.abc import Mapping

import pandas as pd

from analysis.report.words.numbers import FORM_WORDS, about, as_markdown, list_words, sentence
from analysis.simulation.bands import POINTWISE, SIMULTANEOUS
from analysis.simulation.questions import ON_THE_DAY, ON_USUAL
from analysis.simulation.recall_error import METHODS
from analysis.simulation.surveys import DRAWS_PER_SURVEY
from analysis.stats.shape.questions import ENDS_HIGHER, FALLS_THEN_RISES

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

OWN_ENDS = "p5_p95"
"""The protocol's ends among those at which the first question is asked."""

QUESTION_VERBS = {
    FALLS_THEN_RISES: "to fall, then rise by the end slopes alone",
    ENDS_HIGHER: "to have both ends higher than the middle",
}
ASKED: dict[str, str] = {FALLS_THEN_RISES: "end slopes alone", ENDS_HIGHER: ENDS_HIGHER}
"""What the simulation of the questions asks of a curve: of the first a part, since the rule has more tests."""

AS_FITTED = "U as fitted"
"""Truth of the simulation that is as deep as the fitted curve."""

ERRORS = 2
"""Standard errors of the simulation beyond which a rate is told to be short of its level."""

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


# ---- simulation
def rules_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """In how many percent of the surveys of each true curve each rule finds what it looks for."""
    if not simulation:
        return pd.DataFrame()
    rates = simulation["shapes"]
    told = rates.assign(told=[_rate(row, unit="") for _, row in rates.iterrows()])
    wide = told.pivot_table(index="curve", columns="rule", values="told", aggfunc="first", sort=False)
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


def questions_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """Size and power of the two questions about the ends, by what truly draws the outcome; empty without."""
    if "questions" not in simulation:
        return ""
    rates = _by_question(simulation)
    of_day = rates.xs(ON_THE_DAY, level="curve_of")
    power = list_words([f"{verb} in {_rate(of_day.loc[(question, AS_FITTED)])}"
                        for question, verb in QUESTION_VERBS.items()])  # fmt: skip
    missed = " and ".join(
        f"{about(1 - of_day.loc[(question, AS_FITTED), 'rate'])} by {_quoted(question)}" for question in QUESTION_VERBS
    )
    none, energy = (
        "; ".join(f"{_quoted(question)} {_listed(of_day, question, kind)}" for question in QUESTION_VERBS)
        for kind in ("size", "confounding")
    )
    return (
        f"A true U as deep as the fitted curve is found {power}: of such Us {missed} would be missed. Where there is "
        f"no U: {none}. Where a U of energy draws the outcome, and magnesium only goes along with it: {energy}. "
        f"(Level: 5 %; {rates['surveys'].max():,} outcomes a truth.)"
    )


def recall_power_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """What recall error does to the power and the size of both questions; empty without."""
    if "questions" not in simulation:
        return ""
    rates = _by_question(simulation)
    told = []
    for question, verb in QUESTION_VERBS.items():
        day, usual = (rates.loc[(question, AS_FITTED, of)] for of in (ON_THE_DAY, ON_USUAL))
        told.append(f"{verb} in {_rate(usual)} instead of {_rate(day)} ({about(1 - usual['rate'])} missed)")
    of_usual = rates.xs(ON_USUAL, level="curve_of")
    deep = "; ".join(f"{_quoted(question)} {_listed(of_usual, question, 'power')}" for question in QUESTION_VERBS)
    none = "; ".join(f"{_quoted(question)} {_listed(of_usual, question, 'size')}" for question in QUESTION_VERBS)
    return (
        "If usual intake draws the outcome and one recalled day is analysed, a U as deep as the fitted curve is found "
        f"{list_words(told)}. By depth of the U: {deep}. Where there is no U: {none}."
    )


def _by_question(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rates = simulation["questions"]
    return rates[rates["ends"] == OWN_ENDS].set_index(["question", "curve", "curve_of"])


def _quoted(question: str) -> str:
    return f'"{ASKED[question]}"'


def _listed(rates: pd.DataFrame, question: str, kind: str) -> str:
    of_kind = rates.loc[question].query("kind == @kind")
    return ", ".join(f"{curve} {_rate(row)}" for curve, row in of_kind.iterrows())


def questions_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """In how many percent of surveys each question is answered with yes, the first at several ends, by truth."""
    if "questions" not in simulation:
        return pd.DataFrame()
    rates = simulation["questions"]
    told = rates.assign(
        told=[_rate(row, unit="") for _, row in rates.iterrows()],
        asked=[f"{ASKED[row.question]}, {row.ends.replace('_', '/').upper()}" for row in rates.itertuples()],
    )
    wide = told.pivot_table(index=["curve", "curve_of"], columns="asked", values="told", aggfunc="first", sort=False)
    return wide.rename_axis(index=["true curve", "of"], columns="% of surveys")


def recall_error_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """What share of the true end slopes each method gives back, and how often intervals hold them; empty without."""
    if "recall_error" not in simulation:
        return ""
    found = simulation["recall_error"]
    told = [
        f"{method}: " + "; ".join(f"{curve} {_given_back(rows)}" for curve, rows in of_method.groupby("curve"))
        for method in METHODS
        for of_method in [found[found["method"] == method]]
    ]
    return (
        f"Where a curve of usual intake draws the outcome (attenuation of one day {found['attenuation'].mean():.2f}), "
        "share of the true end slopes given back, and coverage of their 95 % intervals, low and high end: "
        f"{'. '.join(sentence(one) for one in told)}. ({found['surveys'].max():,} outcomes a curve.)"
    )


def _given_back(rows: pd.DataFrame) -> str:
    ends = rows.set_index("end").loc[["low", "high"]]
    part, error = ends["mean_slope"] / ends["true_slope"], ends["bias_error"] / ends["true_slope"].abs()
    shares = " and ".join(f"{100 * part[end]:.0f} % (± {100 * error[end]:.0f})" for end in ends.index)
    return f"{shares}, held in {' and '.join(_rate(row) for _, row in ends.iterrows())}"


def recall_error_table(simulation: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Bias and coverage of the end slopes by each method of dealing with recall error."""
    if "recall_error" not in simulation:
        return pd.DataFrame()
    found = simulation["recall_error"]
    return pd.DataFrame(
        {
            "true curve": found["curve"],
            "method": found["method"],
            "end": [f"{row.end}, {row.place_mg:.0f} mg" for row in found.itertuples()],
            "true slope per 100 mg": found["true_slope"].map("{:.2f}".format),
            "bias": [f"{row.bias:.2f} (± {row.bias_error:.2f})" for row in found.itertuples()],
            "interval holds it, %": [_rate(row, unit="") for _, row in found.iterrows()],
            "without an interval": found["failed"],
        }
    ).set_index(["true curve", "method", "end"])


def bands_sentence(simulation: Mapping[str, pd.DataFrame]) -> str:
    """How often each band holds a whole known curve at once, and where that is not its level; empty without."""
    if "bands" not in simulation:
        return ""
    found = simulation["bands"].set_index(["band", "curve"])
    whole, alone = found.loc[SIMULTANEOUS], found.loc[POINTWISE]
    points = _from_to(alone, of="_of_points")
    return (
        f"The simultaneous {100 * whole['nominal'].iloc[0]:.0f} % band holds the whole true curve, from the 1st to the "
        f"99th percentile of intake, in {_by_curve(whole)}; the spline that fits the truth best in "
        f"{_by_curve(whole, of='_of_target')}: {_level_words(whole)}. The pointwise band holds {points} of a true "
        f"curve's points, and the whole curve in {_by_curve(alone)}. ({whole['surveys'].max():,} outcomes a curve.)"
    )


def _by_curve(rows: pd.DataFrame, *, of: str = "") -> str:
    return list_words([f"{_rate(row, of=of)} ({curve})" for curve, row in rows.iterrows()])


def _level_words(whole: pd.DataFrame) -> str:
    """Which curves a band holds less often than its level, beyond the simulation's error, and for what reason."""
    short, short_of_target = (
        whole[f"rate{of}"] + ERRORS * whole[f"monte_carlo_error{of}"] < whole["nominal"] for of in ("", "_of_target")
    )
    misfit = whole.index[short & ~short_of_target].tolist()
    parts = [
        f"it falls short of its level on the {list_words(whole.index[short_of_target].tolist())}, by more than "
        f"{ERRORS:g} standard errors of the simulation, even for the spline that it estimates"
        if short_of_target.any()
        else f"of what it estimates it keeps its level within {ERRORS:g} standard errors of the simulation"
    ]
    if misfit:
        parts.append(
            f"on the {list_words(misfit)} it lies around another curve than the true one, which its knots cannot follow"
        )
    return "; ".join(parts)


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
    odds = " and ".join(f"{_from_to(part)} ({name})" for name, part in covered.groupby("curve"))
    return (
        f"End slopes alone find a U {ends} (level: 5 %): near its hinge four knots cannot "
        "follow such a curve, and the best spline slopes where the truth is flat. The break's search-aware p is below "
        f"5 % in {straight}. The low point's intervals hold the planted one in {_from_to(nadirs)}, the less "
        "often the deeper the U, because four knots cannot follow the planted curve; the low point of the spline that "
        f"fits it best they hold in {_from_to(nadirs, of='_of_target')}. By Taylor's covariance 95 % intervals of the "
        f"odds ratio hold the planted one, by intake, in {odds}: where the curve bends more than four knots can, the "
        "interval lies around another curve."
    )


def _from_to(rows: pd.DataFrame, *, of: str = "") -> str:
    """Lowest and highest of some rates, each with its Monte Carlo error."""
    ordered = rows.sort_values(f"rate{of}")
    low, high = (_rate(ordered.iloc[place], of=of, unit="") for place in (0, -1))
    return f"{low} to {high} %"


def energy_power_markdown(simulation: Mapping[str, pd.DataFrame]) -> str:
    """The table of `energy_power_table` as Markdown, with what it means."""
    table = energy_power_table(simulation)
    if table.empty:
        return NO_ENERGY_SIMULATION
    return f"{as_markdown(table)}\n\n{POWER_MEANS}"


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
    told = found.assign(told=[_rate(row, unit="") for _, row in found.iterrows()])
    index = ["curve", "method"]
    wide = told.pivot_table(index=index, columns="intake_mg", values="told", aggfunc="first", sort=False)
    return wide.rename(columns="{:g} mg".format).rename_axis(index=["true curve", "covariance"], columns="% at")


def _rate(row: pd.Series, *, of: str = "", unit: str = " %") -> str:
    return f"{100 * row[f'rate{of}']:.1f}{unit} (± {100 * row[f'monte_carlo_error{of}']:.1f})"
