"""One page about the audit of one claim: what was asked, what each question came to, and what could not be asked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW
from analysis.data.people.vocabulary import exposure_label, exposure_origin, is_intake
from analysis.dose_response.energy import ENERGY
from analysis.provenance import Provenance
from analysis.report.words import audit as audit_words
from analysis.report.words.bottom_line import summary
from analysis.report.words.energy import energy_sentence, split_forms
from analysis.report.words.glossary import words_markdown
from analysis.report.words.numbers import (
    as_markdown,
    format_p,
    list_words,
    p_words,
    rows_of_model,
    sentence,
    verdict_words,
)
from analysis.report.words.reasons import plain_reason
from analysis.report.words.shape import shape_of_model
from analysis.report.words.specificity import controls_sentence, specificity_sentence
from analysis.report.words.study import WEIGHT_WORDS, answer_sentence, covariate_words, describe_people
from analysis.report.words.units import sampling_units_sentence
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA
from analysis.study import OUTCOMES, PRIMARY, Study

TESTS_OF_A_ROW = ("nonlinear_p", "end_slopes_p", "levels_p")
VERDICTS_OF_A_ROW = ("verdict", "levels_verdict")
NUMBERS_OF_A_ROW = ("n", *TESTS_OF_A_ROW, "log_or_low", "log_or_high")
"""Rows of the referee's table that agree in these are one and the same analysis."""

THE_STUDY = "the study"
ITSELF, APART, ALIKE, OTHERWISE = "itself", "apart", "alike", "otherwise"
"""How a row of the referee ends beside the study."""

NOT_ASKED = "–"
SHOWN = f"*Shown*: p below {ALPHA:g}; this and other words are explained at the end."
REFEREE_NOTE = (
    "Weaker end p: the larger one-sided p of a fall at the low end and a rise at the high end. Both ends higher: "
    "levels at P5 and P95 against the median. A dash: this row has no such test, or it is that of the study."
)
NOTES = {
    "bootstrap": "A bootstrap tests the slopes at the ends only.",
    "SIMEX": "SIMEX tests the slopes and the levels at the ends, and no bend.",
}
"""What is said below the referee's table of rows whose name has a word, if there are any."""

FIRST_SCREEN = "![The curve, as it is and with energy adjusted for](figures/first_screen.png)"
"""Beside the page of every claim but the primary study's, whose figures stand elsewhere."""


def conclusions_markdown(
    study: Study, estimates: Frames, audit: Frames, provenance: Provenance, *, not_asked: Mapping[str, str]
) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    study : whose audit it is.
    estimates : models, tests, odds_ratio_curve and shape of that study.
    audit : frames of `analysis.audit.questions.audit_frames`, of every question.
    provenance : what the numbers are made of.
    not_asked : tasks that the study could not be asked, with the reasons.
    """
    label = exposure_label(study.exposure)
    parts = [
        f"# {sentence(label)} and peripheral {study.disease}: what the audit comes to",
        f"{_asked(study, estimates)} Data: {provenance.source}. {SHOWN}",
        f"**{claim_sentence(study, estimates, audit)}**",
        answer_sentence(estimates, study.model),
        *([FIRST_SCREEN] if study != PRIMARY and "energy_curves" in audit else []),
        "## As a whole",
        summary(estimates, audit, study=study, referee=_verdicts_words(audit) if "referee" in audit else ""),
    ]
    for title, words in _sections(study, audit).items():
        parts += [f"## {title}", words]
    page = "\n\n".join([*parts, "## What could not be asked", _left(audit, not_asked)])
    return f"{page}\n\n## Words\n\n{words_markdown(page, estimates, study.model)}\n"


def claim_sentence(study: Study, estimates: Frames, audit: Frames) -> str:
    """What is shown of the claim, and whether it is still shown with energy adjusted for, in two or three sentences."""
    of_model = estimates["tests"].query("model == @study.model and method == 'wald'").set_index("test")["p_value"]
    overall, bent = float(of_model["overall"]), float(of_model["nonlinear"])
    label, told = exposure_label(study.exposure), f"overall p {format_p(overall)}, non-linear p {format_p(bent)}"
    if bent < ALPHA:
        verdict = verdict_words(str(shape_of_model(estimates, study.model)["verdict"]))
        found = f'The curve of {label} bends ({told}); the verdict on its shape is "{verdict}".'
        return f"{found} {_beside_energy(study, audit, 'nonlinear_p', 'bend')}".strip()
    if overall < ALPHA:
        way = "rise" if _rises(estimates, study) else "fall"
        found = (
            f"The odds of {study.disease} {way} with {label}, and no departure from a straight line is shown ({told})."
        )
        return f"{found} {_beside_energy(study, audit, 'overall_p', 'association')}".strip()
    return f"No association of {label} with {study.disease} is shown ({told}).{_only_beside_energy(audit)}"


def _only_beside_energy(audit: Frames) -> str:
    """That an association is shown where energy is adjusted for, though it is not as it is."""
    if "energy_forms" not in audit:
        return ""
    p = audit["energy_forms"].set_index("form")["overall_p"].drop("none")
    shown, not_shown = split_forms(p < ALPHA)
    if not shown:
        return ""
    least = f"least overall p {format_p(p.min())}"
    others = f", not {list_words(not_shown, 'or')}" if not_shown else ""
    return f" With energy adjusted for one is shown {list_words(shown)}{others} ({least})."


def _beside_energy(study: Study, audit: Frames, test: str, what: str) -> str:
    if "energy_forms" not in audit:
        return ""
    kept, lost = split_forms(audit["energy_forms"].set_index("form")[test].drop("none") < ALPHA)
    if not lost:
        return f"The {what} is shown in each way of adjusting for energy."
    if not kept:
        eaten = "one of how much people eat, or say they ate"
        may = eaten if is_intake(study.exposure) else "that of how people eat, which goes with it"
        return f"With energy adjusted for the {what} is not shown in any way: it may be {may}."
    return f"With energy adjusted for the {what} is shown {list_words(kept)}, not {list_words(lost, 'or')}."


def _rises(estimates: Frames, study: Study) -> bool:
    row = rows_of_model(estimates, study.model)
    curve = estimates["odds_ratio_curve"].query("model == @study.model")
    low, high = (curve.loc[(curve["x"] - row[end]).abs().idxmin(), "log_or"] for end in ("p05", "p95"))
    return bool(high > low)


def _asked(study: Study, estimates: Frames) -> str:
    people = describe_people(rows_of_model(estimates, study.model))
    extra = f" and {covariate_words(' '.join(study.extra_covariates))}" if study.extra_covariates else ""
    return (
        f"Exposure: {exposure_label(study.exposure)}, {exposure_origin(study.exposure)} (`{study.exposure}`). Outcome: "
        f"{OUTCOMES[study.outcome]} (`{study.outcome}`). People: {people}; {WEIGHT_WORDS[study.weights]}. Model "
        f"{study.model}{extra}, {study.knots} knots."
    )


def _sections(study: Study, audit: Frames) -> dict[str, str]:
    """Each question's own words, of those that were asked."""
    sections = {
        "In every specification": "\n".join(
            f"- {words}" for words in (
                audit_words.verdicts_sentence(audit),
                f"{audit_words.u_verdicts_sentence(audit)} {audit_words.ends_sentence(audit, study)}",
                audit_words.sides_sentence(audit), audit_words.choices_sentence(audit),
                audit_words.joint_test_sentence(audit, study),
            )
        ),
        "Of this exposure alone": audit_words.unanswered_words(audit, "specificity")
        or f"{specificity_sentence(audit, study)}\n\n{controls_sentence(audit, study)}",
    }  # fmt: skip
    if study.exposure != ENERGY:
        sections["With energy adjusted for"] = energy_sentence(audit, study)
    if len(study.cycles) > 1:
        sections["In every cycle"] = audit_words.cycles_sentence(audit, study)
    sections["Without each sampling unit"] = sampling_units_sentence(audit)
    if "recall_curves" in audit:
        sections["On a second day"] = audit_words.recall_sentence(audit, study.exposure)
    if "referee" in audit:
        sections["What a referee asks"] = _referee_words(audit)
    return sections


def _verdicts_words(audit: Frames) -> str:
    """In how many of the referee's analyses that give a verdict each is reached, those of the study itself left out."""
    table = referee_table(audit)
    analyses = table.loc[table["ends"].isin([ALIKE, OTHERWISE]), "verdict"]
    judged = analyses[analyses != NOT_ASKED].value_counts()
    asked, every = len(analyses), judged.sum()
    if not every:
        return ""
    whole = "it ends" if every == 1 else "all end"
    told = list_words(
        [f"{whole if n == every else f'{n} end' + 's' * (n == 1)} in \"{verdict_words(str(name))}\""
         for name, n in judged.items()]
    )  # fmt: skip
    if every == asked:
        return f"Of the referee's {asked} analyses {told}." if asked > 1 else f"A referee asks one analysis: {told}."
    have = "has" if every == 1 else "have"
    return f"Of the referee's {asked} analyses {every} {have} a verdict (the others lack one of its tests): {told}."


def _referee_words(audit: Frames) -> str:
    """How many of the referee's rows leave the claim as it is, a table of the others, and tests of their own."""
    table = referee_table(audit)
    ends = table.pop("ends")
    n, p = ends.isin([ALIKE, OTHERWISE]).sum(), audit["referee"].set_index("done")["nonlinear_p"]
    own = "".join(
        f" {sentence(str(question))}, {row['done']}: p {format_p(p[row['done']])}, a test of its own."
        for question, row in table[ends == APART].iterrows()
    )
    if not (ends == OTHERWISE).any():
        return f"None of {n} analyses ends otherwise than the study (`referee.csv` has them).{own}"
    shown = table[(table.index == THE_STUDY) | (ends == OTHERWISE)]
    told = (
        f"Of {n} analyses {(ends == ALIKE).sum()} end as the study does, in its verdict and in each test that they "
        f"have (`referee.csv` has them all).{own} The others:"
    )
    notes = [words for name, words in NOTES.items() if shown["done"].str.contains(name).any()]
    return f"{told}\n\n{as_markdown(shown)}\n\n{' '.join([REFEREE_NOTE, *notes])}"


def referee_table(audit: Frames) -> pd.DataFrame:
    """The referee's questions with their p-values, verdicts and what each does to the claim of a U.

    The study itself, which several questions are read against, stands once; a row of the same numbers says so. The
    column ``ends`` tells how: see `_ends`.
    """
    table = audit["referee"]
    own = table[table["done"] == PRIMARY_ROW].head(1)
    numbers = list(NUMBERS_OF_A_ROW)
    same = (table[numbers] == own[numbers].iloc[0]).all(axis="columns") if len(own) else False
    others = table[table["done"] != PRIMARY_ROW].assign(same=same)
    rows = pd.concat([own.assign(question=THE_STUDY, done="as it is", direction="", same=False), others])
    told = rows.mask(rows["same"], np.nan)
    return pd.DataFrame(
        {
            "done": rows["done"].tolist(),
            "non-linear p": p_words(told["nonlinear_p"], without=NOT_ASKED),
            "weaker end p": p_words(told["end_slopes_p"], without=NOT_ASKED),
            "verdict": told["verdict"].fillna(NOT_ASKED).tolist(),
            "both ends higher": [_shown(p) for p in told["levels_p"]],
            "what it does": [_does(row) for row in rows.itertuples()],
            "ends": [_ends(row, own) for row in rows.itertuples()] if len(own) else OTHERWISE,
        },
        index=pd.Index(rows["question"].tolist(), name="question"),
    )


def _ends(row: Any, own: pd.DataFrame) -> str:
    """How a row ends beside the study: in another verdict, on another side of 0.05 or in no estimate, or as it does.

    The study itself and its doubles end as nothing else; a row that tells no direction has a test of its own.
    """
    if row.question == THE_STUDY or row.same:
        return ITSELF
    p = {name: getattr(row, name) for name in TESTS_OF_A_ROW}
    if pd.isna([*p.values()]).all():
        return OTHERWISE
    if pd.isna(row.direction) or not row.direction:
        return APART
    study = own.iloc[0]
    verdicts = any(pd.notna(getattr(row, name)) and getattr(row, name) != study[name] for name in VERDICTS_OF_A_ROW)
    sides = any(pd.notna(value) and (value < ALPHA) != (study[name] < ALPHA) for name, value in p.items())
    return OTHERWISE if verdicts or sides else ALIKE


def _does(row: Any) -> str:
    """Which way a row moves the claim, that it is the study itself, or that it has no estimate at all.

    What moves is told only of a row without a verdict: the others' verdicts and tests stand beside it.
    """
    if row.same:
        return "as in the study"
    if pd.isna([getattr(row, name) for name in TESTS_OF_A_ROW]).all():
        return "no estimate could be made"
    direction = "" if pd.isna(row.direction) else str(row.direction)
    return direction if pd.isna(row.verdict) else direction.partition(":")[0]


def _shown(p: float) -> str:
    return NOT_ASKED if pd.isna(p) else "shown" if p < ALPHA else "not shown"


def _left(audit: Frames, not_asked: Mapping[str, str]) -> str:
    told = [*not_asked.items(), *((row.task, plain_reason(str(row.reason))) for row in audit["failures"].itertuples())]
    tasks: dict[str, list[str]] = {}
    for task, reason in told:
        tasks.setdefault(reason, []).append(str(task))
    return "\n".join(f"- {sentence(reason)} ({'; '.join(named)})." for reason, named in tasks.items()) or "Nothing."
