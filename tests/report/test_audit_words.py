"""What is said of the audit follows from its frames, whichever way they turn out."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.audit.heterogeneity import POOLED, REFITTED
from analysis.audit.joint_test import SIDES, TERMS
from analysis.audit.specifications import PRIMARY_CELL
from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_estimates
from analysis.report.words import audit as audit_words
from analysis.report.words import energy as energy_words
from analysis.report.words import specificity as specificity_words
from analysis.report.words import units as units_words
from analysis.report.words.bottom_line import NEEDED, bottom_line, summary
from analysis.report.words.numbers import FORM_WORDS, ordinal
from analysis.stats.shape.questions import ENDS, ENDS_HIGHER, FALLS_THEN_RISES, ends_name
from analysis.stats.shape.verdict import ALPHA
from analysis.study import PRIMARY, Study

ROOT = Path(__file__).parents[2]
MODULES = (audit_words, energy_words, specificity_words, units_words)
MADE = {name: value for module in MODULES for name, value in vars(module).items() if callable(value)}
SENTENCES = [name for name in MADE if name.endswith("_sentence")]
TABLES = [name for name in MADE if name.endswith("_table")]
ADJUSTED = ("residual", "density", "spline")


# ---- made frames: magnesium and two other nutrients, three cycles, four sampling units


def verdict_shares(u=0.1, bent=0.3):
    rows = []
    for choice, level in (("all", "all"), ("sample", "all"), ("sample", "without 1999-2000"), ("energy", "none")):
        for verdict, share in (("U", u), ("non-linear, U not shown", bent), ("no departure shown", 1 - u - bent)):
            rows.append(
                {"choice": choice, "level": level, "verdict": verdict, "n": round(1000 * share), "share": share}
            )
    return pd.DataFrame(rows)


def verdict_ends(u=(0.016, 0.02, 0.03, 0.05), higher=0.152):
    rows = [{"question": FALLS_THEN_RISES, "ends": ends_name(ends), "verdict": "U", "n": 10, "share": share}
            for ends, share in zip(ENDS, u, strict=True)]  # fmt: skip
    rows.append({"question": ENDS_HIGHER, "ends": ends_name(ENDS[0]), "verdict": "both ends higher", "n": 9,
                 "share": higher})  # fmt: skip
    return pd.DataFrame(rows)


def verdict_sides():
    rows = [{"grid": grid, "sides": sides, "u": u, "n": n}
            for grid, n, counts in (("all", 4725, (80, 130, 44)), ("first declared", 3240, (77, 115, 42)))
            for sides, u in zip(SIDES, counts, strict=True)]  # fmt: skip
    return pd.DataFrame(rows)


def decomposition():
    choices = ("weights", "outcome", "sample", "covariates", "energy", "knots", "interactions", "rest")
    shares = (0.05, 0.05, 0.30, 0.02, 0.25, 0.03, 0.25, 0.05)
    return pd.DataFrame(
        [
            {"quantity": quantity, "choice": choice, "share": share}
            for quantity in audit_words.QUANTITY_WORDS
            for choice, share in zip(choices, shares, strict=True)
        ]
    )


def joint_test(p=0.5, both_above=0.5):
    frame = pd.DataFrame({"term": TERMS, "estimate": 0.4, "null_median": 0.2, "null_median_error": 0.0004,
                          "null_p95": 0.5, "null_p95_error": 0.001, "p_value": p})  # fmt: skip
    frame.loc[frame["term"] == "both_above", "p_value"] = both_above
    primary = frame.assign(
        null="design t",
        primary=True,
        adjusted_p=np.minimum(5 * frame["p_value"], 1),
        adjusted_p_error=0.002,
        p_value_error=0.003,
        n=1000,
        draws=2000,
        seed=1,
    )
    plain = primary.assign(null="bootstrap", primary=False, adjusted_p=0.2)
    plain.loc[plain["term"] == "nonlinear", "adjusted_p"] = 0.03
    return pd.concat([primary, plain], ignore_index=True)


def energy_forms(p):
    rows = [
        {"form": form, "exposure_label": "magnesium", "unit": "mg/day", "nonlinear_p": value, "end_low_p": value,
         "end_high_p": 0.4, "verdict": "no departure shown"}
        for form, value in p.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def energy_curves(low=1.2, high=1.1):
    rows = [
        {"form": form, "x": x, "percentile": percentile, "odds_ratio": 1.5, "conf_low": conf_low, "conf_high": 2.0}
        for form in FORM_WORDS
        for x, percentile, conf_low in ((98.0, 5.0, low), (243.0, 50.0, 1.0), (518.0, 95.0, high))
    ]
    return pd.DataFrame(rows)


def energy_tests(exposure, energy):
    rows = [("exposure_nonlinear", exposure), ("energy_nonlinear", energy)]
    return pd.DataFrame(rows, columns=["test", "p_value"]).assign(model="additive", method="wald")


def place(q, discoveries, rank=11, top="energy"):
    rows = [
        {"form": form, "tested": 43, "nonlinear_p": q[form] / 2, "nonlinear_q": q[form], "nonlinear_rank": rank,
         "discoveries": discoveries[form], "discoveries_dependent": discoveries[form] // 2, "top": top,
         "top_p": 0.0004, "u_verdicts": 0}
        for form in ("none", *ADJUSTED)
    ]  # fmt: skip
    return pd.DataFrame(rows)


KNOTS = "knots 1 and 2 fall on the same value: expected distinct ones."
"""Why a nutrient that many people had none of could not be tested."""


def specificity(positive_p=1e-5, negative_q=0.5):
    rows = [{"kind": "nutrient", "exposure": "magnesium_mg", "form": "none", "label": "magnesium", "nadir": 214.0}]
    rows += [{"kind": "nutrient", "exposure": f"nutrient_{number}", "form": "none", "reason": KNOTS * (number < 5)}
             for number in range(47)]  # fmt: skip
    for label in ("age", "HbA1c", "height"):
        rows += [
            {"kind": "positive control", "exposure": label, "form": form, "label": label, "overall_p": positive_p}
            for form in ("none", "spline")
        ]
    for outcome, label in (("low_education", "less than high school"), ("ever_smoked", "ever smoked")):
        rows += [
            {"kind": "negative control", "exposure": "magnesium_mg", "form": form, "outcome": outcome,
             "label": f"{label} by magnesium",
             "nonlinear_p": 0.03, "nonlinear_q": negative_q if label != "ever smoked" else 0.5, "nadir": 410.0,
             "overall_p": 0.01}
            for form in ("none", "spline")
        ]  # fmt: skip
    return pd.DataFrame(rows).assign(n=7000, verdict="no departure shown").fillna({"reason": ""})


def cycle_shapes():
    rows = [{"cycle": cycle, "n": 2500, "residual_df": 5, "overall_p": 0.3, "nonlinear_p": 0.2, "end_low_p": 0.1,
             "end_high_p": 0.4, "nadir": 200.0, "at_boundary": cycle == "2001-2002"}
            for cycle in ("1999-2000", "2001-2002", "2003-2004", POOLED)]  # fmt: skip
    return pd.DataFrame(rows)


def cycle_heterogeneity(wald, rao_scott, own=(0.3, 0.3)):
    rows = [("common", "wald", wald), ("common", "rao_scott", rao_scott)]
    rows += [("own", method, p) for method, p in zip(("wald", "rao_scott"), own, strict=True)]
    return pd.DataFrame(rows, columns=["covariates", "method", "p_value"]).assign(test="curve")


def psu_shape(full, without, few=0):
    """Sampling units by the p without each, and some more of fewer than 10 people, of which nothing is told."""
    units = pd.DataFrame({"quantity": REFITTED, "full": full, "n": 30.0, "estimate": without})
    blank = pd.DataFrame({"quantity": REFITTED, "full": full, "n": np.nan, "estimate": np.nan}, index=range(few))
    return pd.concat([units, blank], ignore_index=True) if few else units


def recall_curves(p):
    days = ("first", "second", "mean of both")
    frame = pd.DataFrame({"days": days, "nonlinear_p": p, "overall_p": p, "n": 2445, "nadir": 215.0})
    return frame.assign(interior=0.9, verdict="no departure shown")


def specifications(p):
    cell = dataclasses.asdict(dataclasses.replace(PRIMARY_CELL, covariates="2 + height"))
    return pd.DataFrame([cell | {"nonlinear_p": p}, cell | {"knots": 3, "nonlinear_p": 0.9}])


def made(**replaced):
    """The frames of an audit that found a bend as it is, shared with others and lost once energy is adjusted for."""
    p = dict(zip(FORM_WORDS, (0.002, 0.002, 0.09, 0.4, 0.7), strict=True))
    q, discoveries = {"none": 0.01} | dict.fromkeys(ADJUSTED, 0.6), {"none": 19} | dict.fromkeys(ADJUSTED, 0)
    frames = {
        "specifications": specifications(0.013),
        "verdict_shares": verdict_shares(),
        "verdict_ends": verdict_ends(),
        "verdict_sides": verdict_sides(),
        "decomposition": decomposition(),
        "joint_test": joint_test(),
        "energy_forms": energy_forms(p),
        "energy_curves": energy_curves(),
        "energy_tests": energy_tests(0.09, 0.4),
        "specificity": specificity(),
        "specificity_place": place(q, discoveries),
        "cycle_shapes": cycle_shapes(),
        "cycle_heterogeneity": cycle_heterogeneity(0.2, 0.3),
        "psu_shape": psu_shape(0.002, [0.001, 0.004, 0.006, 0.019]),
        "recall": pd.DataFrame({"exposure": ["magnesium_mg", "energy_kcal"], "n": 2445, "correlation": [0.53, 0.52],
                                "between_share": 0.53, "attenuation_two_days": 0.69}),
        "recall_curves": recall_curves([0.2, 0.4, 0.2]),
        "failures": pd.DataFrame(columns=["task", "reason"]),
    }  # fmt: skip
    return frames | replaced


def specific():
    """An audit in which the bend stays whatever is done about energy."""
    q = dict.fromkeys(("none", *ADJUSTED), 0.001)
    return made(
        energy_forms=energy_forms(dict.fromkeys(FORM_WORDS, 0.001)),
        energy_tests=energy_tests(0.001, 0.4),
        specificity_place=place(q, dict.fromkeys(q, 1), rank=1, top="magnesium"),
        verdict_shares=verdict_shares(u=0.7, bent=0.2),
        joint_test=joint_test(p=0.001, both_above=0.001),
    )


def without_a_bend():
    q = dict.fromkeys(("none", *ADJUSTED), 0.8)
    return made(
        energy_forms=energy_forms(dict.fromkeys(FORM_WORDS, 0.4)),
        specificity_place=place(q, dict.fromkeys(q, 0)),
        psu_shape=psu_shape(0.4, [0.3, 0.5, 0.4, 0.6]),
        verdict_shares=verdict_shares(u=0.0, bent=0.05),
    )


@pytest.fixture(scope="module")
def real():
    """The committed tables, which are aggregates of the real files."""
    folders = Folders(ROOT / "data", ROOT / "figures")
    return read_estimates(folders)[0], read_audit(folders)[0]


# ---- all of them


def is_whole(said):
    return said.endswith(".") and said[0].isupper() and "nan" not in said and "  " not in said


def test_every_sentence_is_whole_whatever_was_found(real):
    audits = {make.__name__: make() for make in (made, specific, without_a_bend)} | {"real": real[1]}
    said = {(name, kind): MADE[name](audit) for name in SENTENCES for kind, audit in audits.items()}
    assert said
    assert not {of: text for of, text in said.items() if not is_whole(text)}


def is_worded(table):
    # Longer row names would be cut where the table is shown.
    rows = [[name] if isinstance(name, str) else name for name in table.index]
    short = all(len(str(part)) <= 50 for row in rows for part in row)
    return (
        len(table)
        and table.notna().all(axis=None)
        and not table.map(lambda cell: "nan" in cell).any(axis=None)
        and short
    )


def test_every_table_has_words_in_every_cell(real):
    tables = {name: MADE[name](real[1]) for name in TABLES}
    assert tables
    assert not {name: table for name, table in tables.items() if not is_worded(table)}


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        ("psu_shape", "sampling_units_sentence"),
        ("recall", "recall_sentence"),
    ],
)
def test_question_without_an_answer_is_said_to_have_none(frame, name):
    task = audit_words.TASKS[frame]
    failures = pd.DataFrame({"task": [task, "another"], "reason": ["the model did not converge.", "it is another's"]})
    audit = made(failures=failures)
    del audit[frame]
    said = MADE[name](audit)
    assert said == f"Not answered ({task}). The model did not converge."  # and nothing of the other's


@pytest.mark.parametrize(
    ("frame", "name"),
    [("energy_forms", "energy_table"), ("cycle_shapes", "cycles_table"), ("recall_curves", "recall_table")],
)
def test_question_without_an_answer_has_an_empty_table(frame, name):
    audit = made()
    del audit[frame]
    assert MADE[name](audit).empty


WITHOUT = "The model did not converge."


def without(audit, frame):
    """An audit whose task of one frame found no answer: the frame is not there, and the failure has its reason."""
    task = audit_words.TASKS[frame]
    lost = [name for name, of in audit_words.TASKS.items() if of == task]
    failures = pd.DataFrame({"task": [task], "reason": [WITHOUT]})
    return {name: table for name, table in audit.items() if name not in lost} | {"failures": failures}


@pytest.mark.parametrize(
    ("frame", "name", "kept"),
    [
        ("energy_forms", "energy_sentence", "As splines beside each other, magnesium (p = 0.090) and energy"),
        ("energy_tests", "energy_sentence", "Non-linear test of magnesium: p = 0.002 as it is"),
        ("cycle_heterogeneity", "cycles_sentence", "Each by itself, non-linear test: 1999-2000 p = 0.200"),
        ("cycle_shapes", "cycles_sentence", "That the survey's cycles draw different curves is not shown"),
    ],
)
def test_part_of_a_question_without_an_answer_leaves_the_other_part(frame, name, kept):
    said = MADE[name](without(made(), frame))
    assert said.startswith(kept)
    assert said.endswith(f" Not answered ({audit_words.TASKS[frame]}). {WITHOUT}")


@pytest.mark.parametrize("frame", NEEDED)
def test_a_question_without_an_answer_takes_no_other_conclusion_away(frame, real):
    """The bottom line of the real audit, and that of the made ones, without each question in turn."""
    for estimates, audit in (real, *((real[0], make()) for make in (made, specific, without_a_bend))):
        said = bottom_line(estimates, without(audit, frame))
        assert is_whole(said)
        assert audit_words.verdicts_sentence(audit) in said
        assert said.endswith(f" Not answered ({audit_words.TASKS[frame]}). {WITHOUT}")
        assert ("So there is no bend" in said) == (audit["psu_shape"]["full"].iloc[0] >= ALPHA)


def test_both_parts_of_a_question_without_an_answer_leave_its_reasons():
    audit = without(made(), "energy_forms")
    audit = without(audit, "energy_tests") | {"failures": pd.DataFrame(
        {"task": ["energy forms", "energy surface"], "reason": [WITHOUT, WITHOUT]})}  # fmt: skip
    assert energy_words.energy_sentence(audit) == f"Not answered (energy forms and energy surface). {WITHOUT}"


# ---- one by one


def test_verdict_shares_are_those_of_the_whole_grid():
    said = audit_words.verdicts_sentence(made())
    assert said == (
        'Of 1,000 specifications 10.0 % end in "U", 30.0 % end in "non-linear, U not shown" and 60.0 % end in '
        '"no departure from a straight line shown".'
    )


def test_choices_are_named_by_their_share():
    assert "at the 10th percentile people (30 %) and energy (25 %), interactions 25 %" in audit_words.choices_sentence(
        made()
    )


@pytest.mark.parametrize(
    ("p", "both_above", "said"),
    [
        (0.5, 0.5, "of eight joint statistics none has p < 0.05 by itself; the least p is that of the absolute median"),
        (0.5, 0.02, "of eight joint statistics one has p < 0.05 by itself, the share with odds above the median's at "
         "both ends (0.40, p = 0.020 ± 0.003; adjusted for the eight, p = 0.100 ± 0.002 by simulation): together they "
         "are not shown to say more"),
        (0.5, 0.0096, "p = 0.048 ± 0.002 by simulation): whether together they say more than chance would is at "
         "the border."),
        (0.5, 0.0102, "p = 0.051 ± 0.002 by simulation): whether together they say more than chance would is at "
         "the border."),
        (0.001, 0.001, "of eight joint statistics eight have p < 0.05 by themselves; the least p is that of"),
        (0.001, 0.001, "adjusted for the eight, p = 0.005 ± 0.002 by simulation): together they say more "
         "than chance would."),
    ],
)  # fmt: skip
def test_joint_test_never_tells_a_p_without_the_one_adjusted_for_all_statistics(p, both_above, said):
    assert said in audit_words.joint_test_sentence(made(joint_test=joint_test(p, both_above)))


def test_each_question_about_the_ends_is_told_with_its_share(estimates):
    told = audit_words.ends_sentence(made())
    assert "1.6 % at P5 and P95 (the protocol's), 2.0 % at P10 and P90, 3.0 % at P15 and P85 and 5.0 % at P20" in told
    assert "Both ends higher than the middle, which asks less (levels at P5 and P95 against the median), is" in told
    assert told.endswith("shown in 15.2 %.")
    assert told in bottom_line(estimates[0], made())


@pytest.mark.parametrize("share", [0.0, 0.031])
def test_ends_that_change_nothing_are_not_said_to(share):
    told = audit_words.ends_sentence(made(verdict_ends=verdict_ends(u=(share,) * 4)))
    assert "hangs on" not in told
    assert told.startswith(
        f"Wherever the ends are at which the slopes are tested, {100 * share:.1f} % end in a U: at P5 and P95 (the "
        "protocol's) as at P10 and P90, P15 and P85 or P20 and P80 of intake."
        if share
        else "Nor is there one with the slopes tested at other ends of intake."
    )


def unanswered_specifications():
    """Three of four hundred specifications in four have no answer, most of these for one reason."""
    counts = {"U": 20, "non-linear, U not shown": 30, "no departure shown": 50, "no answer": 300}
    rows = [
        {"choice": choice, "level": level, "verdict": verdict, "n": n, "share": n / 400}
        for choice, level in (("all", "all"), ("sample", "all"), ("sample", "without 1999-2000"))
        for verdict, n in counts.items()
    ]
    df = "16 coefficients on {} PSUs in 15 strata leave no residual degree of freedom: expected fewer terms."
    reasons = [df.format(30)] * 150 + [df.format(29)] * 100 + ["bmi is the exposure and also a covariate."] * 50
    cells = pd.DataFrame({"verdict": ["U"] * 100 + [None] * 300, "reason": [""] * 100 + reasons})
    ends = verdict_ends(u=(0.05, 0.05, 0.05, 0.10), higher=0.02)
    none = ends.groupby(["question", "ends"], as_index=False).first().assign(verdict="no answer", share=0.75)
    return made(verdict_shares=pd.DataFrame(rows), specifications=cells, verdict_ends=pd.concat([ends, none]))


def test_shares_are_of_the_specifications_with_an_answer_and_the_others_have_their_main_reason():
    audit = unanswered_specifications()
    assert audit_words.verdicts_sentence(audit) == (
        'Of 400 specifications 100 have an answer; of these 20.0 % end in "U", 30.0 % end in "non-linear, U not shown" '
        'and 50.0 % end in "no departure from a straight line shown". The other 300 have none (the main reason, of '
        "250: there are too few sampling units for as much as the model adjusts for)."
    )
    ends = audit_words.ends_sentence(audit)
    assert "20.0 % at P5 and P95 (the protocol's), 20.0 % at P10 and P90, 20.0 % at P15 and P85 and 40.0 % at" in ends
    assert ends.endswith("is shown in 8.0 %.")
    assert "with everybody it is 20 of 100" in audit_words.u_verdicts_sentence(audit) or (
        "with everybody: 20 of 100" in audit_words.u_verdicts_sentence(audit)
    )
    assert "end in a bend or a U: 50.0 % without 1999-2000." in audit_words.cycles_sentence(audit)
    sides = audit_words.sides_sentence(audit)
    assert "of 4,725 specifications, those without an answer among them, 80 are a U" in sides


def test_sides_are_told_for_the_grid_and_for_that_first_declared():
    told = audit_words.sides_sentence(made())
    assert (
        "of 4,725 specifications 80 are a U, 130 with both tests one-sided and 44 with both two-sided; of 3,240" in told
    )
    assert (
        "of 3,240 of the grid as first declared 77 are a U, 115 with both tests one-sided and 42 with both two-sided."
        in told
    )


def test_what_joined_the_grid_later_is_told():
    assert audit_words.grid_sentence(made()) == (
        'The grid was first declared with 3,240 specifications; outcome "any tested site" and people "plausible '
        'reporters" joined it after the first results were known.'
    )


def test_the_plain_bootstrap_is_told_beside_the_primary_p_with_why_it_is_not_primary():
    told = audit_words.joint_words(made())
    assert "too lenient where df are few, since it takes standard errors as known" in told
    assert "least adjusted p = 0.030 ± 0.002, of the share with non-linear p < 0.05.)" in told
    table = audit_words.joint_test_table(made())
    assert len(table) == len(TERMS)
    assert table["adjusted, plain bootstrap"].iloc[-1] == "0.030 ± 0.002"


@pytest.mark.parametrize(
    ("everybody", "without", "said"),
    [
        (5, 72, "Of the 77 verdicts of a U, 72 leave out the cycle 1999-2000; with everybody it is 5 of 540"),
        (50, 2, "Of the 52 verdicts of a U, the largest part are with everybody: 50 of 540 specifications."),
        (0, 0, "No specification ends in a U."),
    ],
)
def test_verdicts_of_a_u_are_told_by_the_people_they_rest_on(everybody, without, said):
    rows = [("all", "U", everybody), ("all", "no departure shown", 540 - everybody),
            ("without 1999-2000", "U", without),
            ("without 1999-2000", "no departure shown", 540 - without)]  # fmt: skip
    shares = pd.DataFrame(rows, columns=["level", "verdict", "n"]).assign(choice="sample")
    assert audit_words.u_verdicts_sentence({"verdict_shares": shares}).startswith(said)


def test_nutrients_whose_knots_coincide_are_counted():
    said = specificity_words.specificity_sentence(made())
    assert said.startswith(
        "Of 47 nutrients, and energy, 43 could be tested as they are; in five the knots coincide, because many people "
        "had none."
    )
    assert "In order of the non-linear p magnesium is 11th" in said
    few_units = specificity()
    few_units.loc[1:2, "reason"] = "9 terms leave no residual degree of freedom: expected fewer."
    assert (
        "as they are; in three the knots coincide, because many people had none; two could not (there are too few "
        "sampling units for as much as the model adjusts for)."
    ) in specificity_words.specificity_sentence(made(specificity=few_units))


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ((0.2, 0.01, 0.01, 0.01, 0.01), "no bend for energy to explain"),
        ((0.01, 0.01, 0.01, 0.01, 0.01), "The bend stays whatever is done about energy."),
        ((0.01, 0.2, 0.2, 0.2, 0.2), "No way of adjusting for energy leaves a bend"),
        ((0.01, 0.01, 0.2, 0.2, 0.01), "The bend stays with energy as a straight line beside it and per 1,000 kcal; "
         "it is not shown with energy as a spline beside it or as the residual on energy."),
    ],
    ids=["none to explain", "stays", "goes", "some"],
)  # fmt: skip
def test_energy_is_said_to_take_the_bend_only_where_it_does(p, said):
    assert said in energy_words.energy_sentence(made(energy_forms=energy_forms(dict(zip(FORM_WORDS, p, strict=True)))))


@pytest.mark.parametrize(
    ("exposure", "energy", "said"),
    [
        (0.01, 0.01, "both bend"),
        (0.01, 0.20, "magnesium bends and energy is not shown to"),
        (0.20, 0.01, "energy bends and magnesium is not shown to"),
        (0.20, 0.20, "neither is shown to bend, so the data do not say which of the two the bend belongs to."),
    ],
)
def test_the_bend_is_given_to_magnesium_or_energy_only_if_one_alone_bends(exposure, energy, said):
    assert said in energy_words.energy_sentence(made(energy_tests=energy_tests(exposure, energy)))


@pytest.mark.parametrize(
    ("q", "discoveries", "said"),
    [
        ((0.09, 0.30, 0.30, 0.30), 3, "The bend of magnesium is not among the discoveries."),
        ((0.30, 0.30, 0.30, 0.30), 3, "No bend of magnesium is shown."),
        ((0.01, 0.30, 0.30, 0.30), 19, "shared with 18 others, and is not among the discoveries once energy"),
        ((0.01, 0.01, 0.01, 0.01), 19, "shared with 18 others, and stays among the discoveries in each way"),
        ((0.01, 0.01, 0.01, 0.01), 1, "magnesium alone bends, and stays among the discoveries in each way"),
        ((0.01, 0.01, 0.30, 0.30), 1, "alone bends; it stays among the discoveries as the residual on energy, not "
         "per 1,000 kcal or with energy as a spline beside it."),
    ],
    ids=["no discovery", "no bend", "shared and lost", "shared and kept", "alone and kept", "alone and some"],
)  # fmt: skip
def test_magnesium_is_said_to_stand_out_only_where_it_does(q, discoveries, said):
    forms = ("none", *ADJUSTED)
    table = place(dict(zip(forms, q, strict=True)), dict.fromkeys(forms, discoveries))
    assert said in specificity_words.specificity_sentence(made(specificity_place=table))


@pytest.mark.parametrize(
    ("rank", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"),
     (22, "22nd"), (33, "33rd"), (40, "40th")],
)  # fmt: skip
def test_place_in_words(rank, said):
    assert ordinal(pd.Series({"nonlinear_rank": rank})) == said


def test_controls_that_hold_and_outcomes_that_do_not_bend():
    said = specificity_words.controls_sentence(made())
    assert "The method finds what is known: age, HbA1c and height go with neuropathy (largest p < 0.001)" in said
    assert "None of the outcomes that the recalled day cannot have caused bends with magnesium" in said
    assert "does not exclude it" in said


def test_method_that_misses_a_control_says_so():
    said = specificity_words.controls_sentence(made(specificity=specificity(0.3)))
    assert "misses what is known: age, HbA1c and height (largest p = 0.300). So what is not shown here may be" in said


def controls(kind, labels, **replaced):
    """Specificity in which controls of one kind have other numbers."""
    frame = specificity()
    these = (frame["kind"] == kind) & frame["label"].isin(labels)
    return made(specificity=frame.assign(**{name: frame[name].mask(these, value) for name, value in replaced.items()}))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["HbA1c"], "The method finds what is known: age and height go with neuropathy (largest p < 0.001), with "
         "energy as a spline too. Whether the method finds HbA1c (the model did not converge) is not answered."),
        (["age", "HbA1c", "height"], "Whether the method finds age, HbA1c or height (the model did not converge) is "
         "not answered."),
    ],
)  # fmt: skip
def test_control_without_an_estimate_is_neither_found_nor_missed(labels, said):
    audit = controls("positive control", labels, overall_p=np.nan, reason="the model did not converge.")
    assert specificity_words.controls_sentence(audit).startswith(said)


def test_outcome_without_an_estimate_is_not_said_to_be_straight():
    names = ["less than high school by magnesium", "ever smoked by magnesium"]
    audit = controls("negative control", names[1:], nonlinear_q=np.nan, nonlinear_p=np.nan, reason="nobody.")
    said = specificity_words.controls_sentence(audit)
    assert "None of the outcomes that the recalled day cannot have caused bends with magnesium (less than high" in said
    assert said.endswith("Not answered: ever smoked (nobody).")
    neither = controls("negative control", names, nonlinear_q=np.nan, nonlinear_p=np.nan, reason="nobody.")
    said = specificity_words.controls_sentence(neither)
    assert "bend with magnesium is not known. Not answered: less than high school and ever smoked (nobody)." in said


def test_outcome_without_an_estimate_beside_energy_has_no_number():
    frame = specificity(negative_q=0.001)
    beside = (frame["kind"] == "negative control") & (frame["form"] == "spline")
    said = specificity_words.controls_sentence(made(specificity=frame.assign(
        nonlinear_p=frame["nonlinear_p"].mask(beside))))  # fmt: skip
    assert "with energy as a spline p not estimated; lowest" in said
    assert is_whole(said)


def test_outcome_that_intake_cannot_cause_and_that_bends_is_told_with_its_low_point():
    said = specificity_words.controls_sentence(made(specificity=specificity(negative_q=0.001)))
    assert (
        "less than high school (p = 0.030; with energy as a spline p = 0.030; lowest at 410 mg/day; neuropathy's curve "
        "is lowest at 214 mg/day)" in said
    )
    assert "Not so: ever smoked." in said
    assert "a bend alone shows no cause" in said
    goes = " So what people eat, or say they ate, goes with how they live, and not along a straight line;"
    assert goes in said


def test_outcome_that_bends_with_what_is_no_intake_is_named_as_settled_before():
    study = Study(exposure="hba1c_percent")
    frame = specificity(negative_q=0.001)
    frame = frame.assign(
        exposure=frame["exposure"].replace("magnesium_mg", study.exposure),
        label=frame["label"].str.replace("by magnesium", "by HbA1c"),
    )
    said = specificity_words.controls_sentence(made(specificity=frame), study)
    assert " So HbA1c goes with education, settled long before the survey, and not along a straight line;" in said


@pytest.mark.parametrize(("found", "said"), [(0, "none of 43 bends"), (1, "1 of 43 bends"), (3, "3 of 43 bend")])
def test_how_many_bend_beside_energy_reads_as_words_do(found, said):
    forms = ("none", *ADJUSTED)
    table = place(dict.fromkeys(forms, 0.5), dict.fromkeys(forms, found))
    told = specificity_words.specificity_sentence(made(specificity_place=table))
    assert f"as the residual on energy, {said} (magnesium 11th); " in told


@pytest.mark.parametrize(
    ("q", "discoveries", "top", "rank", "said"),
    [
        (0.5, 0, "energy", 11, "none of the nutrients, energy among them, bends."),
        (0.5, 3, "energy", 11, "magnesium is not one of those that bend among the nutrients, energy among them."),
        (0.01, 1, "magnesium", 1, "magnesium alone of the nutrients, energy among them, bends."),
        (0.01, 3, "energy", 2, "magnesium is not the only one of the nutrients, energy among them, that bends: energy "
         "is the first."),
        (0.01, 3, "magnesium", 1, "that bends: it is the first."),
    ],
)  # fmt: skip
def test_summary_says_whether_the_exposure_bends_alone_and_leaves_the_numbers_to_the_sections(
    q, discoveries, top, rank, said, estimates
):
    forms = ("none", *ADJUSTED)
    table = place(dict.fromkeys(forms, q), dict.fromkeys(forms, discoveries), rank=rank, top=top)
    for audit in (made(), specific(), without_a_bend()):
        told = summary(estimates[0], audit | {"specificity_place": table}, study=PRIMARY, referee="")
        assert " At a false-discovery rate of 5 % " in told
        assert said in told
        assert not re.findall(r"\d\.\d|\(", told), told


@pytest.mark.parametrize("negative_q", [0.5, 0.001], ids=["straight controls", "a bent control"])
def test_no_sentence_tells_of_a_bend_of_a_curve_that_is_not_shown_to_bend(negative_q, estimates):
    audit = without_a_bend() | {
        "specificity": specificity(negative_q=negative_q),
        "energy_tests": energy_tests(0.2, 0.2),
    }
    said = " ".join(
        [specificity_words.controls_sentence(audit), specificity_words.specificity_sentence(audit),
         energy_words.energy_sentence(audit), bottom_line(estimates[0], audit)]
    )  # fmt: skip
    for words in ("The bend", "the bend", "own bend", "as well", "bends too"):
        assert words not in said, said


@pytest.mark.parametrize(
    ("raised", "plain"),
    [
        ("education_missing: nothing is left of this column once the others are known (education_missing is "
         "constant in this domain). Remove it from the model, or widen the domain.", "the model cannot be fitted"),
        ("who is kept cannot be predicted by a finite estimate: take columns out.", "people cannot be weighted for it"),
        ("942 values are missing or infinite: expected a number for everybody.", "is not known of all of these people"),
        ("strata [7] have people of the domain in one PSU only: expected at least two.", "one sampling unit"),
        ("two recalls were never made.", "two recalls were never made"),
    ],
)  # fmt: skip
def test_a_reason_is_told_to_readers_who_did_not_write_the_program(raised, plain):
    failures = pd.DataFrame({"task": ["energy forms"], "reason": [raised]})
    said = audit_words.failures_sentence(made(failures=failures))
    assert said.startswith("Without an answer: energy forms (")
    assert said.endswith(f"{plain})." if raised.startswith("two") else ").")
    assert plain in said
    for word in ("_", "expected", "column", "take", "Remove"):
        assert word not in said


@pytest.mark.parametrize(
    ("wald", "rao_scott", "said"),
    [
        (0.01, 0.02, "There are signs that the survey's cycles draw different curves (common covariates p = 0.010, "
         "Rao-Scott p = 0.020; each cycle's own covariates p = 0.300, Rao-Scott p = 0.300)."),
        (0.01, 0.20, "There are signs that"),
        (0.30, 0.20, "That the survey's cycles draw different curves is not shown"),
    ],
)  # fmt: skip
def test_cycles_are_told_by_both_analyses_and_both_tests(wald, rao_scott, said):
    assert audit_words.cycles_sentence(made(cycle_heterogeneity=cycle_heterogeneity(wald, rao_scott))).startswith(said)


def test_cycles_are_said_to_differ_without_reserve_only_if_every_test_says_so():
    tests = cycle_heterogeneity(0.01, 0.02, own=(0.01, 0.04))
    assert audit_words.differ_words(made(cycle_heterogeneity=tests)).startswith(
        "The survey's cycles draw different curves by"
    )


def test_analysis_of_the_cycles_without_an_answer_is_not_told():
    tests = cycle_heterogeneity(0.01, 0.02, own=(float("nan"), float("nan")))
    assert audit_words.differ_words(made(cycle_heterogeneity=tests)) == (
        "The survey's cycles draw different curves by each test (common covariates p = 0.010, Rao-Scott p = 0.020)."
    )


def test_specifications_without_a_cycle_are_told():
    assert "end in a bend or a U: 40.0 % without 1999-2000." in audit_words.cycles_sentence(made())
    whole = verdict_shares().query("level != 'without 1999-2000'")
    assert "No specification leaves a cycle out." in audit_words.cycles_sentence(made(verdict_shares=whole))


@pytest.mark.parametrize(
    ("full", "without", "said"),
    [
        (0.002, [0.001, 0.019], "No single sampling unit carries the bend: with everybody the non-linear p is 0.002, "
         "without one of 2 sampling units at most 0.019"),
        (0.002, [0.001, 0.2, 0.1], "rests on single sampling units (2 of them)"),
        (0.4, [0.3, 0.5], "No bend is shown that one sampling unit could carry: with everybody the non-linear p is "
         "0.400, without one of 2 sampling units at most 0.500, covariance and df estimated anew; the least 0.300."),
        (0.0001, [0.0001, 0.0004], "is < 0.001, without one of 2 sampling units below 0.001, covariance"),
        (0.002, [0.001, None], "without one of 1 sampling units at most 0.001, covariance and df estimated anew. "
         "Without 1 more sampling unit the model cannot be fitted."),
    ],
    ids=["none", "two of them", "no bend", "tiny", "one refit failed"],
)  # fmt: skip
def test_sampling_units_are_said_to_carry_the_bend_only_where_they_do(full, without, said):
    assert said in units_words.sampling_units_sentence(made(psu_shape=psu_shape(full, without)))


@pytest.mark.parametrize(
    ("full", "without", "said", "whole"),
    [
        (0.002, [0.001, 0.019], "None of the sampling units told here carries the bend: with", "no single sampling"),
        (0.4, [0.3, 0.5], "No bend is shown that one sampling unit of those told here could carry", "unit could carry"),
        (0.002, [0.001, 0.2], "The bend rests on single sampling units (1 of them)", "no single sampling"),
    ],
)
def test_sampling_units_of_few_people_are_counted_not_left_out_silently(estimates, full, without, said, whole):
    audit = made(psu_shape=psu_shape(full, without, few=30))
    told, line = units_words.sampling_units_sentence(audit), bottom_line(estimates[0], audit)
    assert told.startswith(said)
    assert told.endswith("Of 30 more sampling units, with fewer than 10 people each, nothing is told.")
    assert whole not in f"{told} {line}".lower()
    if full < ALPHA:
        assert "; of 30 more sampling units, with fewer than 10 people each, nothing is told)." in line


def test_where_every_sampling_unit_is_of_few_people_nothing_is_claimed(estimates):
    audit = made(psu_shape=psu_shape(0.002, [], few=30))
    told = units_words.sampling_units_sentence(audit)
    assert told == (
        "Whether one sampling unit carries the bend cannot be told: of 30 sampling units, with fewer than 10 people "
        "each, nothing is told."
    )
    assert "In the primary analysis the curve bends (non-linear p = 0.002; of 30 sampling units" in bottom_line(
        estimates[0], audit
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [([0.2, 0.4, 0.2], "no bend is shown on either day or their mean"),
     ([0.2, 0.4, 0.01], "a bend is shown on their mean."),
     ([0.01, 0.4, 0.01], "a bend is shown on the first day and their mean.")],
)  # fmt: skip
def test_second_recall_says_on_which_days_the_curve_bends(p, said):
    assert said in audit_words.recall_sentence(made(recall_curves=recall_curves(p)))


def test_failures_are_told_with_their_reason():
    assert audit_words.failures_sentence(made()) == "Every task of the audit has an answer."
    failures = pd.DataFrame({"task": ["two recalls"], "reason": ["nobody"]})
    assert audit_words.failures_sentence(made(failures=failures)) == "Without an answer: two recalls (nobody)."


# ---- what it comes to


def test_bottom_line_of_a_shared_bend_gives_it_to_nobody(estimates):
    said = bottom_line(estimates[0], made())
    assert said.startswith(
        "In the primary analysis the curve bends, and no single sampling unit carries that (without any one of 4"
    )
    assert 'Most specifications find no U. Of 1,000 specifications 10.0 % end in "U"' in said
    assert "together they are not shown to say more than chance would" in said
    assert (
        "Of 43 nutrients, energy among them, that could be tested as they are, 19 bend at a false-discovery rate of 5 %"
        in said
    )
    assert "beside a straight line of energy p = 0.002, beside a spline of energy p = 0.090, as residual" in said
    assert said.count("a false-discovery rate of 5 %") == 2
    assert "; of all nutrients none bends at a false-discovery rate of 5 % beside a spline, as residual or per" in said
    assert "draw different curves is not shown" in said
    assert "these data cannot tell them apart" in said
    assert "44 design degrees of freedom, not shown is not shown to be absent" in said


def test_bottom_line_of_a_bend_that_stays_says_so_and_claims_no_cause(estimates):
    said = bottom_line(estimates[0], specific())
    assert 'Most specifications find a U. Of 1,000 specifications 70.0 % end in "U"' in said
    assert "together they say more than chance would" in said
    assert "The bend of magnesium stays in each way of adjusting for energy. Whether magnesium causes it" in said
    assert "cannot say" in said


def test_bottom_line_without_a_bend_has_nothing_to_explain(estimates):
    said = bottom_line(estimates[0], without_a_bend())
    assert said.startswith("The primary analysis shows no bend (non-linear p = 0.400).")
    none = "So there is no bend, or one too small to be shown on 44 design degrees of freedom."
    assert said.endswith(f"{none} Whether magnesium causes the association, one recalled day beside one examination "
                         "cannot say: other things go with it.")  # fmt: skip
    tests = estimates[0]["tests"]
    assert bottom_line(estimates[0] | {"tests": tests.assign(p_value=0.4)}, without_a_bend()).endswith(none)


def test_bottom_line_names_what_a_recalled_day_cannot_have_caused(estimates):
    audit = made(specificity=specificity(negative_q=0.001))
    told = (
        "One of two negative-control outcomes bends too (less than high school, with {} shape: lowest at 410 mg/day); "
        "adjusted for education and the rest of model 2 + height, neuropathy's own bend has p = 0.013."
    )
    for low, high, shape in ((200, 300, "another"), (400, 420, "a like")):
        near = with_shape(estimates, nadir_bootstrap_low=low, nadir_bootstrap_high=high)
        assert told.format(shape) in bottom_line(near, audit)
    assert "negative-control" not in bottom_line(estimates[0], made())


def test_bottom_line_says_whether_the_cycles_agree(estimates):
    assert audit_words.differ_words(made()) in bottom_line(estimates[0], made())


def test_bottom_line_tells_the_power_of_the_rule_where_it_was_simulated(estimates):
    rates = [("U as fitted", 0.4, 0.016), ("no association", 0.001, 0.001)]
    shapes = pd.DataFrame(rates, columns=["curve", "rate", "monte_carlo_error"]).assign(rule="verdict U, by draws")
    said = bottom_line(estimates[0], made(), {"shapes": shapes})
    assert "a true U as deep as the fitted curve in 40.0 % (± 1.6), and one where" in said
    assert "invented surveys" not in bottom_line(estimates[0], made())


def test_bottom_line_says_if_single_units_carry_the_bend(estimates):
    said = bottom_line(estimates[0], made(psu_shape=psu_shape(0.002, [0.001, 0.2])))
    assert said.startswith(
        "In the primary analysis the curve bends, but that rests on single sampling units (without one of them, p = "
        "0.200)."
    )


def test_one_energy_form_without_the_bend_is_enough_not_to_tell_whose_it_is(estimates):
    p = dict.fromkeys(FORM_WORDS, 0.001) | {"density": 0.2}
    assert "cannot tell them apart" in bottom_line(estimates[0], specific() | {"energy_forms": energy_forms(p)})


def with_shape(estimates, **numbers):
    """The invented survey's estimates with another shape of the primary curve."""
    shape = estimates[0]["shape"].copy()
    for name, value in numbers.items():
        shape.loc[shape["model"] == "1", name] = value
    return estimates[0] | {"shape": shape}


def test_a_nutrient_whose_verdict_is_a_u_is_named():
    found = specificity().assign(label=lambda frame: frame["label"].fillna(frame["exposure"]))
    found.loc[found["exposure"] == "nutrient_3", "verdict"] = "U"
    every = {"none": 0.01, **dict.fromkeys(ADJUSTED, 0.5)}
    audit = {"specificity": found, "specificity_place": place(every, dict.fromkeys(every, 3))}
    table = specificity_words.specificity_table(audit)
    assert table["verdict U"].tolist() == ["1: nutrient_3", *["0"] * len(ADJUSTED)]
    assert 'The verdict is "U" for 1 of them (nutrient_3).' in specificity_words.specificity_sentence(audit)
    found["verdict"] = "no departure shown"
    assert 'The verdict is "U" for none of them.' in specificity_words.specificity_sentence(audit)
