"""The audit in words and tables: how much of the curve stands, and what that can mean.

Every number comes from the frames of the audit stage, and every sentence has a wording for either outcome: a U that
stands in most specifications, or a bend that is the exposure's own, would be told as plainly as the contrary.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.audit.heterogeneity import POOLED
from analysis.audit.joint_test import NO_ANSWER
from analysis.audit.specifications import ADDED
from analysis.data.people.vocabulary import amount_words
from analysis.dose_response.energy import ENERGY
from analysis.report.words.numbers import (
    FORM_WORDS,
    NUMBERS,
    format_drawn,
    format_intake,
    format_p,
    format_p_drawn,
    list_words,
    p_number_drawn,
    p_words,
    percent,
    percent_drawn,
    sentence,
    verdict_words,
)
from analysis.report.words.reasons import plain_reason
from analysis.stats.arrays import Frames
from analysis.stats.shape.questions import BOTH_HIGHER, ENDS_HIGHER, FALLS_THEN_RISES
from analysis.stats.shape.verdict import ALPHA, NO_DEPARTURE, U
from analysis.study import PRIMARY, Study, cycle_name

MONTE_CARLO_ERRORS = 2.5
"""A p-value that is nearer to its level than this many of its own errors is told as being at the border."""

QUANTITY_WORDS = {
    "log_or_p10": "the odds ratio at the 10th percentile",
    "log_or_p90": "the odds ratio at the 90th percentile",
    "nonlinear_log10_p": "the non-linear p",
}
TASKS = {
    "energy_forms": "energy forms",
    "energy_curves": "energy forms",
    "energy_tests": "energy surface",
    "cycle_shapes": "cycle curves",
    "cycle_heterogeneity": "cycle heterogeneity",
    "psu_shape": "sampling units",
    "recall": "two recalls",
    "specificity": "specificity",
    "recall_curves": "two recalls",
}
"""Which task of the audit a frame comes from: one that failed has left no frame."""

DAYS_SAID = {"first": "the first day", "second": "the second", "mean of both": "their mean"}
WHOSE = {"500-6000 kcal": "people who recalled 500 to 6,000 kcal"}
NAMES = {"weights": "Weights", "outcome": "Outcome", "sample": "People", "covariates": "Model", "energy": "Energy",
         "knots": "Knots"}  # fmt: skip
LEVELS = {"mec": "MEC", "both_feet": "both feet", "two_sites": "two sites", "any_tested": "any tested site"}
TERM_WORDS = {
    "median_p10": "absolute median log odds ratio, 10th percentile",
    "same_sign_p10": "share with the commoner sign, 10th percentile",
    "significant_p10": f"share with that sign and p < {ALPHA:g}, 10th percentile",
    "median_p90": "absolute median log odds ratio, 90th percentile",
    "same_sign_p90": "share with the commoner sign, 90th percentile",
    "significant_p90": f"share with that sign and p < {ALPHA:g}, 90th percentile",
    "both_above": "share with odds above the median's at both ends",
    "nonlinear": f"share with non-linear p < {ALPHA:g}",
}


# ---- the specification curve
def verdicts_sentence(audit: Frames) -> str:
    """In how many of the specifications with an answer each verdict was reached, and why the others have none."""
    shares = audit["verdict_shares"]
    whole = shares[shares["choice"] == "all"]
    known, every = answered(whole), whole["n"].sum()
    n = known["n"].sum()
    parts = [f'{percent(row.n / n)} end in "{verdict_words(str(row.verdict))}"' for row in known.itertuples()]
    if n == every:
        return f"Of {n:,} specifications {list_words(parts)}."
    cells = audit["specifications"]
    reasons = cells.loc[cells["verdict"].isna(), "reason"].map(plain_reason).value_counts()
    main = f"the main reason, of {reasons.iloc[0]:,}: " if len(reasons) > 1 else ""
    return (
        f"Of {every:,} specifications {n:,} have an answer; of these {list_words(parts)}. The other {every - n:,} have "
        f"none ({main}{reasons.index[0]})."
    )


def answered(shares: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``verdict_shares`` about specifications that have an answer: its shares are of all, those without too."""
    return shares[shares["verdict"] != NO_ANSWER]


def grid_sentence(audit: Frames) -> str:
    """What joined the grid after it was first declared."""
    n = int(audit["verdict_sides"].query("grid == 'first declared'")["n"].iloc[0])
    added = [f'{NAMES[name].lower()} "{_level(level)}"' for name, levels in ADDED.items() for level in levels]
    return (
        f"The grid was first declared with {n:,} specifications; {list_words(added)} joined it after the first results "
        "were known."
    )


def ends_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """How many verdicts of a U there are with the ends elsewhere, and in how many both ends are higher.

    Shares are of the specifications that have an answer.
    """
    table = audit["verdict_ends"]
    place = ["question", "ends"]
    without = table[table["verdict"] == NO_ANSWER].set_index(place)["share"]
    shares = table[table["verdict"] != NO_ANSWER].set_index([*place, "verdict"])["share"]
    shares = shares / (1 - without.reindex(shares.index.droplevel("verdict")).fillna(0.0).to_numpy())
    u = shares.xs((FALLS_THEN_RISES, U), level=["question", "verdict"])
    (ends, higher), *_ = shares.xs((ENDS_HIGHER, BOTH_HIGHER), level=["question", "verdict"]).items()
    return (
        f"{_u_by_ends_words(u)} of {amount_words(study.exposure)}. {sentence(ENDS_HIGHER)}, which asks less (levels at "
        f"{ends_words(str(ends))} against the median), is shown in {percent(higher)}."
    )


def _u_by_ends_words(u: pd.Series) -> str:
    """Shares of verdicts of a U by the ends, the protocol's the first; said to hang on them only where they differ."""
    if not u.any():
        return "Nor is there one with the slopes tested at other ends"
    told, places = [percent(share) for share in u], [ends_words(str(ends)) for ends in u.index]
    places[0] += " (the protocol's)"
    if len(set(told)) == 1:
        return (
            f"Wherever the ends are at which the slopes are tested, {told[0]} end in a U: at {places[0]} as at "
            f"{list_words(places[1:], 'or')}"
        )
    first, *others = (f"{share} at {place}" for share, place in zip(told, places, strict=True))
    return (
        f"How many end in a U hangs on where the ends are at which the slopes are tested: {first}, {list_words(others)}"
    )


def sides_sentence(audit: Frames) -> str:
    """How many verdicts of a U there are when both tests of the rule are one-sided, or both two-sided."""
    told, whole = [], audit["verdict_shares"].query("choice == 'all'")
    among = "" if len(answered(whole)) == len(whole) else ", those without an answer among them,"
    for grid, rows in audit["verdict_sides"].groupby("grid", sort=False):
        u = rows.set_index("sides")["u"]
        where = f"specifications{among}" if grid == "all" else f"of the grid as first declared{among}"
        told.append(f"of {rows['n'].iloc[0]:,} {where} {u['as is']:,} are a U, {u['both one-sided']:,} with both tests "
                    f"one-sided and {u['both two-sided']:,} with both two-sided")  # fmt: skip
    return f"The rule's end slopes are one-sided and its two lines two-sided: {'; '.join(told)}."


def verdicts_by_ends_table(audit: Frames) -> pd.DataFrame:
    """Shares of verdicts on each question and pair of ends, in per cent."""
    shares = audit["verdict_ends"]
    wide = shares.pivot_table(index=["question", "ends"], columns="verdict", values="share", sort=False)
    names = [(question, ends_words(ends)) for question, ends in wide.index]
    return (
        (100 * wide)
        .map("{:.1f}".format, na_action="ignore")
        .fillna("")
        .set_axis(pd.MultiIndex.from_tuples(names, names=["question", "ends"]))
        .rename_axis(columns="% of specifications")
    )


def ends_words(name: str) -> str:
    """A pair of ends as people say it: P10 and P90."""
    return name.upper().replace("_", " and ")


def _level(level: object) -> str:
    return LEVELS.get(str(level), str(level))


def level_words(choice: str, level: str) -> str:
    """A level of a choice as a reader picks it; one that has no words of its own, with blanks."""
    if choice == "energy":
        return FORM_WORDS.get(level, level)
    words = {"covariates": f"model {level}", "weights": "no weights" if level == "none" else level}.get(choice, level)
    return LEVELS.get(words, words).replace("_", " ")


def u_verdicts_sentence(audit: Frames) -> str:
    """Which people most of the verdicts of a U rest on, and how many there are with everybody."""
    shares = answered(audit["verdict_shares"].query("choice == 'sample'"))
    of_level, u = shares.groupby("level")["n"].sum(), shares[shares["verdict"] == U].set_index("level")["n"]
    if not u.sum():
        return "No specification ends in a U."
    most = str(u.idxmax())
    if most == "all":
        return (
            f"Of the {u.sum():,} verdicts of a U, the largest part are with everybody: {u['all']:,} of "
            f"{of_level['all']:,} specifications."
        )
    where = (
        f"leave out the cycle {most.removeprefix('without ')}"
        if most.startswith("without")
        else f"are of {WHOSE.get(most, most)}"
    )
    return (
        f"Of the {u.sum():,} verdicts of a U, {u.max():,} {where}; with everybody it is {u['all']:,} of "
        f"{of_level['all']:,} specifications."
    )


def choices_sentence(audit: Frames) -> str:
    """The two choices that move each end of the curve, and its non-linear p, most."""
    parts = []
    for quantity, words in QUANTITY_WORDS.items():
        parts.append(f"for {words} {top_choices(audit['decomposition'], quantity)}")
    return f"The choices that matter most, by their share of the variation: {'; '.join(parts)}."


def joint_test_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """Whether the specifications together say more than chance would."""
    return (
        f"If {amount_words(study.exposure)} had nothing to do with {study.disease}, specifications would still agree, "
        f"because they share their people. Against that, by {audit['joint_test']['draws'].iloc[0]:,} draws common to "
        f"all: {joint_words(audit)} What the test can exclude is chance, not confounding."
    )


def joint_words(audit: Frames) -> str:
    """How many joint statistics have a small p by themselves, and the least p with what it is adjusted for them all."""
    tests = joint_tests(audit["joint_test"], primary=True)
    clear, best = int((tests["p_value"] < ALPHA).sum()), tests.loc[tests["p_value"].idxmin()]
    every, found = NUMBERS[len(tests)], NUMBERS[clear]
    verb = f"has p < {ALPHA:g} by itself" if clear < 2 else f"have p < {ALPHA:g} by themselves"
    which = "" if clear == 1 else "; the least p is that of"
    return (
        f"of {every} joint statistics {found} {verb}{which or ','} the {TERM_WORDS[str(best.name)]} "
        f"({best['estimate']:.2f}, p {format_p_drawn(best['p_value'], best['p_value_error'])}; adjusted for the "
        f"{every}, p {format_p_drawn(best['adjusted_p'], best['adjusted_p_error'])} by simulation): "
        f"{together_words(best)} {_plain_words(audit)}"
    )


def joint_tests(tests: pd.DataFrame, *, primary: bool) -> pd.DataFrame:
    """The joint statistics by term against the primary null distribution, or against the plain bootstrap beside it."""
    return tests[tests["primary"] == primary].set_index("term")


def _plain_words(audit: Frames) -> str:
    """What the plain bootstrap gives instead, and why that is not what answers are read from."""
    plain = joint_tests(audit["joint_test"], primary=False)
    least = plain.loc[plain["adjusted_p"].idxmin()]
    return (
        "(A plain bootstrap of the sampling units, too lenient where df are few, since it takes standard errors as "
        f"known: least adjusted p {format_p_drawn(least['adjusted_p'], least['adjusted_p_error'])}, of the "
        f"{TERM_WORDS[str(least.name)]}.)"
    )


def together_words(best: pd.Series) -> str:
    """What the least adjusted p allows to say; nothing, where another seed could say the contrary."""
    if abs(best["adjusted_p"] - ALPHA) < MONTE_CARLO_ERRORS * best["adjusted_p_error"]:
        return "whether together they say more than chance would is at the border."
    more = "they say" if best["adjusted_p"] < ALPHA else "they are not shown to say"
    return f"together {more} more than chance would."


def verdicts_by_choice_table(audit: Frames) -> pd.DataFrame:
    """Shares of verdicts at each level of each choice, in per cent."""
    shares = audit["verdict_shares"].query("choice != 'all'")
    wide = shares.pivot_table(index=["choice", "level"], columns="verdict", values="share", sort=False)
    names = [(NAMES[choice], level_words(str(choice), str(level))) for choice, level in wide.index]
    return (
        (100 * wide)
        .map("{:.1f}".format)
        .rename(columns=verdict_words)
        .set_axis(pd.MultiIndex.from_tuples(names, names=["choice", "level"]))
        .rename_axis(columns="% of specifications")
    )


def joint_test_table(audit: Frames) -> pd.DataFrame:
    """Each statistic of the joint test beside what no association would give, and the p of the plain bootstrap."""
    tests, plain = (joint_tests(audit["joint_test"], primary=primary) for primary in (True, False))
    return pd.DataFrame(
        {
            "found": tests["estimate"].map("{:.3f}".format).tolist(),
            "if there is nothing, median": _drawn(tests, "null_median"),
            "95th percentile": _drawn(tests, "null_p95"),
            "p": [p_number_drawn(row.p_value, row.p_value_error) for row in tests.itertuples()],
            f"p, adjusted for the {NUMBERS[len(tests)]}": _adjusted(tests),
            "adjusted, plain bootstrap": _adjusted(plain),
        },
        index=pd.Index([TERM_WORDS[term] for term in tests.index]),
    )


def _adjusted(tests: pd.DataFrame) -> list[str]:
    return [p_number_drawn(row.adjusted_p, row.adjusted_p_error) for row in tests.itertuples()]


def _drawn(tests: pd.DataFrame, name: str) -> list[str]:
    return [format_drawn(*pair) for pair in zip(tests[name], tests[f"{name}_error"], strict=True)]


# ---- cycles, the second recall
def cycles_sentence(audit: Frames, study: Study = PRIMARY) -> str:
    """Whether the cycles draw one curve, and what is left without each of them; what has no answer with its reason."""
    told = [differ_words(audit)] if "cycle_heterogeneity" in audit else []
    if "cycle_shapes" in audit:
        told.append(_alone_words(audit["cycle_shapes"], study))
    if told and (left := _without_words(audit)):
        told.append(left)
    return " ".join([*told, unanswered_words(audit, "cycle_shapes", "cycle_heterogeneity")]).strip()


def _alone_words(shapes: pd.DataFrame, study: Study) -> str:
    """The non-linear test of each cycle by itself, and the cycles of which nobody is there."""
    shapes = shapes[shapes["cycle"] != POOLED]
    alone = "; ".join(f"{row.cycle} p {format_p(row.nonlinear_p)}" for row in shapes.itertuples())
    few = shapes["residual_df"].astype(int)
    absent = [name for name in map(cycle_name, study.cycles) if name not in set(shapes["cycle"])]
    nobody = f" Nobody of {list_words(absent)} is among the people analysed." if absent else ""
    df = f"{few.min()} df" if few.min() == few.max() else f"{few.min()} to {few.max()} df"
    return f"Each by itself, non-linear test: {alone} (on {df}, so that only a large bend could show).{nobody}"


def differ_words(audit: Frames) -> str:
    """Whether the cycles have one curve, by both analyses and both methods."""
    tests = audit["cycle_heterogeneity"].query("test == 'curve'").dropna(subset="p_value")
    p = tests.set_index(["covariates", "method"])["p_value"]
    told = "; ".join(
        f"{words} covariates p {format_p(p[kind, 'wald'])}, Rao-Scott p {format_p(p[kind, 'rao_scott'])}"
        for kind, words in (("common", "common"), ("own", "each cycle's own"))
        if (kind, "wald") in p.index and (kind, "rao_scott") in p.index
    )
    return f"{cycles_judgement(audit)} ({told})."


def cycles_judgement(audit: Frames) -> str:
    """Whether the cycles have one curve, without the numbers that it rests on and without a full stop."""
    p = audit["cycle_heterogeneity"].query("test == 'curve'")["p_value"].dropna()
    if (p < ALPHA).all():
        return "The survey's cycles draw different curves by each test"
    if (p < ALPHA).any():
        return "There are signs that the survey's cycles draw different curves"
    return "That the survey's cycles draw different curves is not shown"


def _without_words(audit: Frames) -> str:
    if "verdict_shares" not in audit:
        return ""
    shares = answered(audit["verdict_shares"].query("choice == 'sample'"))
    shares = shares.assign(departed=shares["n"].where(shares["verdict"] != NO_DEPARTURE, 0))
    counts = shares.groupby("level", sort=False)[["departed", "n"]].sum()
    departed = counts.loc[counts["n"] > 0, "departed"] / counts["n"]
    departed = departed.dropna()
    without = departed[departed.index.str.startswith("without")]
    if without.empty:
        return "No specification leaves a cycle out."
    parts = [f"{percent(share)} {level}" for level, share in without.items()]
    return f"Share of specifications that end in a bend or a U: {list_words(parts)}."


def cycles_table(audit: Frames) -> pd.DataFrame:
    """Each cycle's own tests and low point beside the pooled ones."""
    if unanswered_words(audit, "cycle_shapes"):
        return pd.DataFrame()
    shapes = audit["cycle_shapes"]
    return pd.DataFrame(
        {
            "people": shapes["n"].map("{:,}".format).tolist(),
            "df": shapes["residual_df"].astype(str).tolist(),
            "overall p": p_words(shapes["overall_p"]),
            "non-linear p": p_words(shapes["nonlinear_p"]),
            "low end p": p_words(shapes["end_low_p"]),
            "high end p": p_words(shapes["end_high_p"]),
            "lowest point": [
                "at an end of the range" if row.at_boundary else format_intake(row.nadir) for row in shapes.itertuples()
            ],
        },
        index=pd.Index(shapes["cycle"].tolist()),
    )


def recall_sentence(audit: Frames, exposure: str = PRIMARY.exposure) -> str:
    """How much of one recalled day is that day's, and the curve on the mean of two, of the study's exposure."""
    if unanswered := unanswered_words(audit, "recall", "recall_curves"):
        return unanswered
    agreement, curves = audit["recall"].set_index("exposure"), audit["recall_curves"]
    own = agreement.loc[exposure]
    parts = [f"{row.days} p {format_p(row.nonlinear_p)}" for row in curves.itertuples()]
    shown = [DAYS_SAID[str(row.days)] for row in curves.itertuples() if row.nonlinear_p < ALPHA]
    only = "no bend is shown on either day or their mean, in a sample that could show only a large one"
    found = f"a bend is shown on {list_words(shown)}" if shown else only
    energy = agreement.loc[ENERGY, "correlation"]
    beside = "" if exposure == ENERGY else f"; energy {energy:.2f}"
    return (
        f"Two recalls of the same {own['n']:,.0f} people, one cycle's, correlate {own['correlation']:.2f} (logarithms, "
        f"without covariates{beside}). If the error of a recall is random, "
        f"a slope on the logarithm of one day is {percent(own['between_share'])} of that on usual intake, on "
        f"the mean of two days {percent(own['attenuation_two_days'])}; beside covariates it is less. "
        f"Non-linear test, by day: {', '.join(parts)}: {found}."
    )


def recall_table(audit: Frames) -> pd.DataFrame:
    """The curve's tests on the first day, the second and their mean, in the same people."""
    if unanswered_words(audit, "recall_curves"):
        return pd.DataFrame()
    curves = audit["recall_curves"]
    return pd.DataFrame(
        {
            "people": curves["n"].map("{:,}".format).tolist(),
            "overall p": p_words(curves["overall_p"]),
            "non-linear p": p_words(curves["nonlinear_p"]),
            "lowest point": curves["nadir"].map(format_intake).tolist(),
            "inside the range": [percent_drawn(row.interior, row.interior_mc_error) for row in curves.itertuples()],
            "verdict": curves["verdict"].tolist(),
        },
        index=pd.Index(curves["days"].tolist()),
    )


def failures_sentence(audit: Frames) -> str:
    """Which questions of the audit found no answer, and why."""
    failures = audit["failures"]
    if failures.empty:
        return "Every task of the audit has an answer."
    told = "; ".join(f"{row.task} ({plain_reason(str(row.reason))})" for row in failures.itertuples())
    return f"Without an answer: {told}."


# ---- words shared
def unanswered_words(audit: Frames, *frames: str) -> str:
    """What to say of a question whose frames are not there, with its own reason; empty if all of them are."""
    missing = tasks_of([name for name in frames if name not in audit])
    if not missing:
        return ""
    failures = audit["failures"]
    reasons = {plain_reason(str(one)): None for one in failures.loc[failures["task"].isin(missing), "reason"]}
    return " ".join([f"Not answered ({list_words(missing)}).", *(f"{sentence(reason)}." for reason in reasons)])


def tasks_of(frames: Sequence[str]) -> list[str]:
    """Names of the tasks that some frames come from."""
    return sorted({TASKS[name] for name in frames})


def top_choices(decomposition: pd.DataFrame, quantity: str) -> str:
    """The two choices with the largest shares of one quantity's variation, and the share of interactions."""
    shares = decomposition[decomposition["quantity"] == quantity].set_index("choice")["share"]
    largest = shares.reindex(list(NAMES)).nlargest(2)
    named = [f"{NAMES[str(choice)].lower()} ({100 * share:.0f} %)" for choice, share in largest.items()]
    return f"{' and '.join(named)}, interactions {100 * shares['interactions']:.0f} %"
