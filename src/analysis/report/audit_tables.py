"""The audit in words and tables: how much of the curve stands, and what that can mean.

Every number comes from the frames of the audit stage, and every sentence has a wording for either outcome: a U that
stands in most specifications, or a bend that is magnesium's own, would be told as plainly as the contrary.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.audit.heterogeneity import POOLED, REFITTED
from analysis.audit.specificity import ENERGY, FALSE_DISCOVERIES, POSITIVE_CONTROLS
from analysis.audit.whole_curve import NO_ANSWER
from analysis.report.shape_tables import FORM_WORDS
from analysis.report.specification_figures import LEVELS, NAMES, TERM_WORDS
from analysis.report.tables import NO_DEPARTURE, format_intake, format_odds_ratio, format_p, verdict_words
from analysis.stats.shape import ALPHA
from analysis.study import PRIMARY

Audit = Mapping[str, pd.DataFrame]

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
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
    "recall_curves": "two recalls",
}
"""Which task of the audit a frame comes from: one that failed has left no frame."""


# ---- the specification curve


def verdicts_sentence(audit: Audit) -> str:
    """In how many of all specifications each verdict was reached."""
    shares = audit["verdict_shares"]
    whole = shares[shares["choice"] == "all"]
    parts = [f'{percent(row.share)} end in "{verdict_words(str(row.verdict))}"' for row in whole.itertuples()]
    return f"Of {whole['n'].sum():,} specifications {_list(parts)}."


def u_verdicts_sentence(audit: Audit) -> str:
    """Which people most of the verdicts of a U rest on, and how many there are with everybody."""
    shares = audit["verdict_shares"].query("choice == 'sample'")
    of_level, u = shares.groupby("level")["n"].sum(), shares[shares["verdict"] == "U"].set_index("level")["n"]
    if not u.sum():
        return "No specification ends in a U."
    most = str(u.idxmax())
    where = f"leave out the cycle {most.removeprefix('without ')}" if most.startswith("without") else f'are of "{most}"'
    with_all = f"; with everybody it is {u['all']:,} of {of_level['all']:,} specifications" if most != "all" else ""
    return f"Of the {u.sum():,} verdicts of a U {u.max():,} {where}{with_all}."


def choices_sentence(audit: Audit) -> str:
    """The two choices that move each end of the curve, and its non-linear p, most."""
    parts = []
    for quantity, words in QUANTITY_WORDS.items():
        of_quantity = audit["decomposition"]["quantity"] == quantity
        top = audit["decomposition"][of_quantity].set_index("choice")["share"].reindex(list(NAMES)).nlargest(2)
        named = _list([f"{NAMES[str(choice)].lower()} ({100 * share:.0f} %)" for choice, share in top.items()])
        parts.append(f"for {words} {named}")
    return f"The choices that matter most, by their share of the variation: {'; '.join(parts)}."


def joint_test_sentence(audit: Audit) -> str:
    """Whether the specifications together say more than chance would."""
    return (
        "If intake had nothing to do with neuropathy, specifications would still agree, because they share their "
        f"people. Against that, by {audit['joint_test']['draws'].iloc[0]:,} draws common to all: {joint_words(audit)} "
        "What the test can exclude is chance, not confounding."
    )


def joint_words(audit: Audit) -> str:
    """How many joint statistics have a small p by themselves, and the least p with what it is adjusted for them all."""
    tests = audit["joint_test"].set_index("term")
    clear, best = int((tests["p_value"] < ALPHA).sum()), tests.loc[tests["p_value"].idxmin()]
    every, found = NUMBERS[len(tests)], NUMBERS[clear]
    verb = f"has p < {ALPHA:g} by itself" if clear < 2 else f"have p < {ALPHA:g} by themselves"
    which = "" if clear == 1 else "; the least p is that of"
    more = "they say" if best["adjusted_p"] < ALPHA else "they are not shown to say"
    return (
        f"of {every} joint statistics {found} {verb}{which or ','} the {TERM_WORDS[str(best.name)]} "
        f"({best['estimate']:.2f}, p {format_p(best['p_value'])}; adjusted for the {every}, p "
        f"{format_p(best['adjusted_p'])}): together {more} more than chance would."
    )


def verdicts_by_choice_table(audit: Audit) -> pd.DataFrame:
    """Shares of verdicts at each level of each choice, in per cent."""
    shares = audit["verdict_shares"].query("choice != 'all'")
    wide = shares.pivot_table(index=["choice", "level"], columns="verdict", values="share", sort=False)
    names = [(NAMES[choice], LEVELS.get(level, level)) for choice, level in wide.index]
    return (
        (100 * wide)
        .map("{:.1f}".format)
        .set_axis(pd.MultiIndex.from_tuples(names, names=["choice", "level"]))
        .rename_axis(columns="% of specifications")
    )


def joint_test_table(audit: Audit) -> pd.DataFrame:
    """Each statistic of the joint test beside what no association would give."""
    tests = audit["joint_test"]
    return pd.DataFrame(
        {
            "found": tests["estimate"].map("{:.3f}".format).tolist(),
            "if there is nothing, median": tests["null_median"].map("{:.3f}".format).tolist(),
            "95th percentile": tests["null_p95"].map("{:.3f}".format).tolist(),
            "p": tests["p_value"].map(format_p).tolist(),
            f"p, adjusted for the {NUMBERS[len(tests)]}": tests["adjusted_p"].map(format_p).tolist(),
        },
        index=pd.Index([TERM_WORDS[term] for term in tests["term"]]),
    )


# ---- energy


def energy_sentence(audit: Audit) -> str:
    """Whether the bend stays when energy is adjusted for, and which of the two bends beside the other."""
    if unanswered := _unanswered(audit, "energy_forms", "energy_curves", "energy_tests"):
        return unanswered
    p = audit["energy_forms"].set_index("form")["nonlinear_p"]
    label = audit["energy_forms"]["exposure_label"].iloc[0]
    parts = [f"p {format_p(p[form])} {words}" for form, words in FORM_WORDS.items()]
    odds = "; ".join(
        f"{format_odds_ratio(at_percentile(audit['energy_curves'], form, 5))} {FORM_WORDS[form]}"
        for form in ("none", "spline", "density")
    )
    return (
        f"Non-linear test of {label}: {'; '.join(parts)}. {_kept_words(p)} The odds ratio at the 5th percentile "
        f"against the median: {odds}. {_beside_words(audit, label)}"
    )


def _kept_words(p: pd.Series) -> str:
    """What becomes of the bend under the energy forms, of their p-values by form."""
    if p["none"] >= ALPHA:
        return "As it is, the curve is not shown to bend, so there is no bend for energy to explain."
    kept, lost = split_forms(p.drop("none") < ALPHA)
    if not lost:
        return "The bend stays whatever is done about energy."
    if not kept:
        return "No way of adjusting for energy leaves a bend that is shown."
    return f"The bend stays {_list(kept)}; it is not shown {_list(lost)}."


def split_forms(true: pd.Series) -> tuple[list[str], list[str]]:
    """Words of the forms for which something holds, and of those for which it does not."""
    kept, lost = ([FORM_WORDS[str(form)] for form in true.index[true == wanted]] for wanted in (True, False))
    return kept, lost


def _beside_words(audit: Audit, label: str) -> str:
    p = audit["energy_tests"].query("model == 'additive' and method == 'wald'").set_index("test")["p_value"]
    exposure, energy = p["exposure_nonlinear"], p["energy_nonlinear"]
    found = {
        (True, True): "both bend, each beside the other",
        (True, False): f"{label} bends and energy is not shown to",
        (False, True): f"energy bends and {label} is not shown to",
        (False, False): "neither is shown to bend, so the data do not say which of the two the bend belongs to",
    }[bool(exposure < ALPHA), bool(energy < ALPHA)]
    return f"As splines beside each other, {label} (p {format_p(exposure)}) and energy (p {format_p(energy)}): {found}."


def energy_table(audit: Audit) -> pd.DataFrame:
    """Each energy form's odds ratios at the 5th and 95th percentile, its tests and verdict."""
    if _unanswered(audit, "energy_forms"):
        return pd.DataFrame()
    forms, curves = audit["energy_forms"], audit["energy_curves"]
    columns = {
        f"odds ratio at the {percentile}th percentile": [
            format_odds_ratio(at_percentile(curves, form, percentile)) for form in forms["form"]
        ]
        for percentile in (5, 95)
    }
    tests = {"low end p": "end_low_p", "high end p": "end_high_p", "non-linear p": "nonlinear_p"}
    columns |= {words: forms[name].map(format_p).tolist() for words, name in tests.items()}
    columns["verdict"] = forms["verdict"].tolist()
    return pd.DataFrame(columns, index=pd.Index([FORM_WORDS[form] for form in forms["form"]]))


def at_percentile(curves: pd.DataFrame, form: str, percentile: float) -> pd.Series:
    """The point of an energy form's curve at a percentile of the form's exposure."""
    of_form = curves[curves["form"] == form]
    return of_form.loc[(of_form["percentile"] - percentile).abs().idxmin()]


# ---- specificity and controls


def specificity_sentence(audit: Audit) -> str:
    """Where magnesium stands among the nutrients, as it is and with energy adjusted for."""
    place = audit["specificity_place"].set_index("form")
    own = place.loc["none"]
    label = _label(audit)
    adjusted = "; ".join(
        f"{FORM_WORDS[str(form)]}, {row['discoveries']} of {row['tested']} bend ({label} {ordinal(row)}, "
        f"p {format_p(row['nonlinear_p'])})"
        for form, row in place.drop("none").iterrows()
    )
    return (
        f"{tested_words(audit)} In order of the non-linear p {label} is {ordinal(own)}; the first is "
        f"{own['top']} (p {format_p(own['top_p'])}). At a "
        f"false-discovery rate of {100 * FALSE_DISCOVERIES:g} % {own['discoveries']} of them "
        f"bend. With energy adjusted for: {adjusted}. "
        f"{_own_words(place, label)}"
    )


def tested_words(audit: Audit) -> str:
    """How many of the nutrients and energy have a curve as they are."""
    as_it_is = audit["specificity"].query("kind == 'nutrient' and form == 'none'")
    tested, every = int(audit["specificity_place"].set_index("form").loc["none", "tested"]), len(as_it_is)
    few = f"; {NUMBERS[every - tested]} are taken by too few people" if 0 < every - tested < len(NUMBERS) else ""
    return f"Of {every} nutrients and energy {tested} could be tested as they are{few}."


def _own_words(place: pd.DataFrame, label: str) -> str:
    """Whether the bend is magnesium's own: among the discoveries, alone there, and still there without energy."""
    found = place["nonlinear_q"] < FALSE_DISCOVERIES
    if not found["none"]:
        return f"The bend of {label} is not among the discoveries."
    others = int(place.loc["none", "discoveries"]) - 1
    first = f"The bend is shared with {others} others" if others else f"Of all nutrients {label} alone bends"
    kept, lost = split_forms(found.drop("none"))
    if not kept:
        return f"{first}, and is not among the discoveries once energy is adjusted for in any of these ways."
    if not lost:
        return f"{first}, and stays among the discoveries in each way of adjusting for energy."
    return f"{first}; it stays among the discoveries {_list(kept)}, not {_list(lost)}."


def specificity_table(audit: Audit) -> pd.DataFrame:
    """Place of magnesium by form, and how many nutrients bend or are a U."""
    place = audit["specificity_place"]
    return pd.DataFrame(
        {
            f"{_label(audit)}, p": place["nonlinear_p"].map(format_p).tolist(),
            "q": place["nonlinear_q"].map(format_p).tolist(),
            "rank": [f"{row.nonlinear_rank} of {row.tested}" for row in place.itertuples()],
            "nutrients that bend": place["discoveries"].astype(str).tolist(),
            "verdict U": place["u_verdicts"].astype(str).tolist(),
            "first": [f"{row.top}, p {format_p(row.top_p)}" for row in place.itertuples()],
        },
        index=pd.Index([FORM_WORDS[form] for form in place["form"]]),
    )


def controls_sentence(audit: Audit) -> str:
    """Whether the method finds what is known, and whether what intake cannot cause bends too."""
    every = audit["specificity"]
    positive = every[every["kind"] == "positive control"]
    # A control without an estimate was not found.
    missed = positive[~(positive["overall_p"] < ALPHA)]
    known = _list(list(POSITIVE_CONTROLS.values()))
    finds = (
        f"The method misses what is known: {_list(list(missed['label'].unique()))}."
        if len(missed)
        else f"The method finds what is known: {known} go with neuropathy (largest p "
        f"{format_p(positive['overall_p'].max())}), with energy as a spline too."
    )
    return f"{finds} {_negative_words(audit, _label(audit), _low_point(audit))}"


def bent_controls(audit: Audit) -> pd.Series:
    """Low point of each outcome that intake cannot have caused, by its words; empty where it does not bend."""
    plain = _negative(audit, "none")
    return plain["nadir"].where(plain["nonlinear_q"] < FALSE_DISCOVERIES)


def _negative(audit: Audit, form: str) -> pd.DataFrame:
    """Negative controls of magnesium under one form, by the outcome's words."""
    every = audit["specificity"]
    of_form = (every["kind"] == "negative control") & (every["form"] == form)
    found = every[of_form & (every["exposure"] == PRIMARY.exposure)]
    return found.set_index(found["label"].str.removesuffix(f" by {_label(audit)}"))


def _negative_words(audit: Audit, label: str, own: str) -> str:
    plain, adjusted, bends = _negative(audit, "none"), _negative(audit, "spline"), bent_controls(audit).notna()
    bent, straight = plain[bends], list(plain.index[~bends])
    if bent.empty:
        return (
            f"None of the outcomes that the recalled day cannot have caused bends with {label} "
            f"({_list(straight, 'or')}): no sign that the bend comes from how people live, which does not exclude it."
        )
    parts = [
        f"{name} (p {format_p(row['nonlinear_p'])}; with energy as a spline p "
        f"{format_p(adjusted.loc[name, 'nonlinear_p'])}; lowest at {format_intake(row['nadir'])}, where neuropathy's "
        f"curve is at {own})"
        for name, row in bent.iterrows()
    ]
    rest = f" Not so: {_list(straight)}." if straight else ""
    number = NUMBERS[len(bent)].capitalize()
    return (
        f"{number} of {NUMBERS[len(bends)]} outcomes that the recalled day cannot have caused "
        f"bend{'s' * (len(bent) == 1)} with {label} as well: {'; '.join(parts)}."
        f"{rest} So what people eat, or say they ate, goes with how they live, and not along a straight line; a bend "
        "alone shows no cause."
    )


def _low_point(audit: Audit) -> str:
    cells = audit["specificity"].query("kind == 'nutrient' and form == 'none'").set_index("exposure")
    return format_intake(cells.loc[PRIMARY.exposure, "nadir"])


def controls_table(audit: Audit) -> pd.DataFrame:
    """Controls with their tests, without energy and with it as a spline."""
    every = audit["specificity"]
    controls = every[(every["kind"] != "nutrient") & (every["exposure"] != ENERGY)]
    return pd.DataFrame(
        {
            "control": controls["label"].tolist(),
            "energy": ["" if form == "none" else "spline" for form in controls["form"]],
            "people": controls["n"].map("{:,.0f}".format).tolist(),
            "overall p": _p_values(controls["overall_p"]),
            "non-linear p": _p_values(controls["nonlinear_p"]),
            "verdict": controls["verdict"].fillna(NO_ANSWER).tolist(),
        },
        index=pd.Index(controls["kind"].tolist()),
    )


def _label(audit: Audit) -> str:
    every = audit["specificity"]
    return str(every.loc[every["exposure"] == PRIMARY.exposure, "label"].iloc[0])


# ---- cycles, sampling units, the second recall


def cycles_sentence(audit: Audit) -> str:
    """Whether the cycles draw one curve, and what is left without each of them."""
    if unanswered := _unanswered(audit, "cycle_shapes", "cycle_heterogeneity"):
        return unanswered
    shapes = audit["cycle_shapes"][audit["cycle_shapes"]["cycle"] != POOLED]
    alone = "; ".join(f"{row.cycle} p {format_p(row.nonlinear_p)}" for row in shapes.itertuples())
    few = shapes["residual_df"].astype(int)
    return (
        f"{differ_words(audit)} Each by itself, non-linear test: {alone} (on {few.min()} to {few.max()} df, so "
        f"that only a large bend could show). {_without_words(audit)}"
    )


def differ_words(audit: Audit) -> str:
    """Whether the cycles have one curve, by both analyses and both methods."""
    tests = audit["cycle_heterogeneity"].query("test == 'curve'").dropna(subset="p_value")
    p = tests.set_index(["covariates", "method"])["p_value"]
    told = "; ".join(
        f"{words} covariates p {format_p(p[kind, 'wald'])}, Rao-Scott p {format_p(p[kind, 'rao_scott'])}"
        for kind, words in (("common", "common"), ("own", "each cycle's own"))
        if (kind, "wald") in p.index and (kind, "rao_scott") in p.index
    )
    if (p < ALPHA).all():
        return f"The survey's cycles draw different curves by each test ({told})."
    if (p < ALPHA).any():
        return f"There are signs that the survey's cycles draw different curves ({told})."
    return f"That the survey's cycles draw different curves is not shown ({told})."


def _without_words(audit: Audit) -> str:
    shares = audit["verdict_shares"]
    departed = shares[(shares["choice"] == "sample") & ~shares["verdict"].isin([NO_DEPARTURE, NO_ANSWER])]
    departed = departed.groupby("level", sort=False)["share"].sum()
    without = departed[departed.index.str.startswith("without")]
    if without.empty:
        return "No specification leaves a cycle out."
    parts = [f"{percent(share)} {level}" for level, share in without.items()]
    return f"Share of specifications that end in a bend or a U: {_list(parts)}."


def cycles_table(audit: Audit) -> pd.DataFrame:
    """Each cycle's own tests and low point beside the pooled ones."""
    if _unanswered(audit, "cycle_shapes"):
        return pd.DataFrame()
    shapes = audit["cycle_shapes"]
    return pd.DataFrame(
        {
            "people": shapes["n"].map("{:,}".format).tolist(),
            "df": shapes["residual_df"].astype(str).tolist(),
            "overall p": _p_values(shapes["overall_p"]),
            "non-linear p": _p_values(shapes["nonlinear_p"]),
            "low end p": _p_values(shapes["end_low_p"]),
            "high end p": _p_values(shapes["end_high_p"]),
            "lowest point": [
                "at an end of the range" if row.at_boundary else format_intake(row.nadir) for row in shapes.itertuples()
            ],
        },
        index=pd.Index(shapes["cycle"].tolist()),
    )


def sampling_units_sentence(audit: Audit) -> str:
    """Whether one sampling unit carries the bend."""
    if unanswered := _unanswered(audit, "psu_shape"):
        return unanswered
    full, known = without_units(audit)
    told = (
        f"with everybody the non-linear p is {format_p(full).removeprefix('= ')}, without one of "
        f"{len(known)} sampling units at most {known.max():.3f}, covariance and df estimated anew"
    )
    if full >= ALPHA:
        return f"No bend is shown that one sampling unit could carry: {told}; at least {known.min():.3f}."
    if known.max() < ALPHA:
        return f"No single sampling unit carries the bend: {told}."
    return f"The bend rests on single sampling units ({sum(known >= ALPHA)} of them): {told}."


def without_units(audit: Audit) -> tuple[float, pd.Series]:
    """The non-linear p with everybody, and without each sampling unit, covariance estimated anew."""
    refitted = audit["psu_shape"][audit["psu_shape"]["quantity"] == REFITTED]
    return float(refitted["full"].iloc[0]), refitted["estimate"].dropna()


def recall_sentence(audit: Audit) -> str:
    """How much of one recalled day is that day's, and the curve on the mean of two."""
    if unanswered := _unanswered(audit, "recall", "recall_curves"):
        return unanswered
    agreement, curves = audit["recall"].set_index("exposure"), audit["recall_curves"]
    own = agreement.loc[PRIMARY.exposure]
    parts = [f"{row.days} p {format_p(row.nonlinear_p)}" for row in curves.itertuples()]
    shown = [str(row.days) for row in curves.itertuples() if row.nonlinear_p < ALPHA]
    found = f"a bend is shown on {_list(shown)}" if shown else "no bend is shown on either day or their mean"
    return (
        f"Two recalls of the same {own['n']:,.0f} people, one cycle's, correlate {own['correlation']:.2f} (logarithms, "
        f"without covariates; energy {agreement.loc[ENERGY, 'correlation']:.2f}). If the error of a recall is random, "
        f"a slope on the logarithm of one day is {percent(own['between_share'])} of that on usual intake, on "
        f"the mean of two days {percent(own['attenuation_two_days'])}; beside covariates it is less. "
        f"Non-linear test, by day: {', '.join(parts)}: {found}, in a sample that could show only a large one."
    )


def recall_table(audit: Audit) -> pd.DataFrame:
    """The curve's tests on the first day, the second and their mean, in the same people."""
    if _unanswered(audit, "recall_curves"):
        return pd.DataFrame()
    curves = audit["recall_curves"]
    return pd.DataFrame(
        {
            "people": curves["n"].map("{:,}".format).tolist(),
            "overall p": _p_values(curves["overall_p"]),
            "non-linear p": _p_values(curves["nonlinear_p"]),
            "lowest point": curves["nadir"].map(format_intake).tolist(),
            "inside the range": curves["interior"].map(percent).tolist(),
            "verdict": curves["verdict"].tolist(),
        },
        index=pd.Index(curves["days"].tolist()),
    )


def failures_sentence(audit: Audit) -> str:
    """Which questions of the audit found no answer, and why."""
    failures = audit["failures"]
    if failures.empty:
        return "Every task of the audit has an answer."
    return f"Without an answer: {'; '.join(f'{row.task} ({row.reason})' for row in failures.itertuples())}."


# ---- words shared


def _unanswered(audit: Audit, *frames: str) -> str:
    """What to say of a question whose frames are not there; empty if all of them are."""
    missing = sorted({TASKS[name] for name in frames if name not in audit})
    return f"Not answered ({_list(missing)}). {failures_sentence(audit)}" if missing else ""


def percent(share: float) -> str:
    """A share as "2.4 %"."""
    return f"{100 * share:.1f} %"


def _p_values(p: pd.Series) -> list[str]:
    return [NO_ANSWER if pd.isna(value) else format_p(value) for value in p]


def ordinal(row: pd.Series) -> str:
    """Place of a row by its nonlinear_rank: "1st", "11th"."""
    rank = int(row["nonlinear_rank"])
    last = rank % 10 if rank % 100 not in (11, 12, 13) else 0
    return f"{rank}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def _list(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
