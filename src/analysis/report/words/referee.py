"""What a hostile referee asks, in words: each question's answers as a table, and what they come to."""

import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW
from analysis.report.words.numbers import (
    NUMBERS,
    format_drawn,
    format_odds_ratio,
    format_p_drawn,
    list_words,
    p_number,
    percent,
    verdict_words,
)
from analysis.stats.shape.questions import ENDS_HIGHER, FALLS_THEN_RISES
from analysis.stats.shape.verdict import ALPHA


def question_table(referee: pd.DataFrame, question: str) -> pd.DataFrame:
    """The answers to one question, p-values for reading; those from draws with their Monte Carlo error.

    Parameters
    ----------
    referee : table ``referee`` of the referee stage.
    question : one of its questions.

    Returns
    -------
    A row an answer: people, the p of the bend, of a fall at the low end, of a rise at the high end, of two lines and of
    both levels, and the verdict. Empty cells were not asked.
    """
    rows = referee[referee["question"] == question]
    columns = {
        "nonlinear_p": "bend",
        "end_low_p": "fall at the low end",
        "end_high_p": "rise at the high end",
        "two_lines_p": "two lines",
        "levels_p": "both ends higher",
    }
    told = {words: [_p_cell(row, name) for _, row in rows.iterrows()] for name, words in columns.items()}
    people = rows["n"].map("{:,}".format).tolist()
    return pd.DataFrame(
        {"people": people, **told, "verdict": rows["verdict"].fillna("").tolist()},
        index=pd.Index(rows["done"].tolist(), name="what was done"),
    ).rename_axis(columns="p")


def answers_table(referee: pd.DataFrame, question: str) -> pd.DataFrame:
    """`question_table` with what becomes of both questions, and which way a U moves, in plain words."""
    rows, told = referee[referee["question"] == question], question_table(referee, question)
    higher = rows["levels_p"].map(lambda p: "" if pd.isna(p) else "shown" if p < ALPHA else "not shown")
    answers = [FALLS_THEN_RISES, ENDS_HIGHER]
    return (
        told.rename(columns={"verdict": FALLS_THEN_RISES, "both ends higher": f"{ENDS_HIGHER}, p"})
        .assign(**{
            FALLS_THEN_RISES: [verdict_words(str(verdict)) for verdict in told["verdict"]],
            ENDS_HIGHER: higher.tolist(),
            "direction": rows["direction"].fillna("").str.partition(":")[0].tolist(),
        })
        .rename(index=lambda done: done.replace("_", " "))
        .pipe(lambda table: table[[*answers, *table.columns.drop(answers)]])
    )  # fmt: skip


def question_sentence(referee: pd.DataFrame, question: str) -> str:
    """What the answers to one question come to: verdicts, both ends, and the ones that change the primary verdict."""
    rows = referee[(referee["question"] == question) & (referee["done"] != PRIMARY_ROW)]
    judged = rows.dropna(subset="verdict")
    parts = []
    if len(judged):
        counts = judged["verdict"].value_counts()
        told = [f'{_count(number)} end in "{verdict_words(str(name))}"' for name, number in counts.items()]
        parts.append(f'"{FALLS_THEN_RISES.capitalize()}": of {_count(len(judged))} answers {list_words(told)}.')
    asked = rows.dropna(subset="levels_p")
    if len(asked):
        shown = int((asked["levels_p"] < ALPHA).sum())
        parts.append(f'"{ENDS_HIGHER.capitalize()}" is shown in {_count(shown)} of {_count(len(asked))}.')
    border = rows[rows["direction"].str.startswith("not told apart", na=False)]
    parts += [
        f"{row['done'][0].upper()}{row['done'][1:]}: p = {format_drawn(row[row['mc_error_of']], row['mc_error'])}, "
        f"which its draws do not tell apart from {ALPHA:g}."
        for _, row in border.iterrows()
    ]
    return " ".join(parts)


def changes_sentence(referee: pd.DataFrame) -> str:
    """Which questions turn the primary verdict into another one, in which direction."""
    primary = str(referee.loc[referee["done"] == PRIMARY_ROW, "verdict"].iloc[0])
    judged = referee.dropna(subset="verdict")
    other = judged[judged["verdict"] != primary]
    if other.empty:
        return f'No answer changes the verdict "{verdict_words(primary)}".'
    parts = [
        f'to "{verdict_words(str(verdict))}": {"; ".join(rows["done"])}' for verdict, rows in other.groupby("verdict")
    ]
    kept, asked = _count(len(judged) - len(other)), _count(len(judged))
    return (
        f'The verdict "{verdict_words(primary)}" stays in {kept} of {asked} answers and changes '
        f"{'. It changes '.join(parts)}."
    )


def rise_sentence(rise: pd.DataFrame) -> str:
    """Over which intakes the primary curve is shown to fall and to rise, looked at alone and everywhere at once."""
    parts = [
        f"{verb} {_reach(rise, name)}, allowing for having looked everywhere {_reach(rise, f'{name}_simultaneous')}"
        for verb, name in (("a fall is shown", "p_falling"), ("a rise is shown", "p_rising"))
    ]
    return f"At every percentile of intake in turn, {'; '.join(parts)}."


def under_reporter_sentence(odds: pd.DataFrame) -> str:
    """How under-reporters differ beside the curve."""
    row = odds.iloc[0]
    return (
        f"{percent(row['share'])} of people of known weight report less than is plausible; beside the curve their "
        f"odds of neuropathy are {format_odds_ratio(row)} times those of the others."
    )


def _reach(rise: pd.DataFrame, name: str) -> str:
    shown = rise.loc[rise[name] < ALPHA, "percentile"]
    if shown.empty:
        return "nowhere"
    return f"from P{shown.min():g} to P{shown.max():g} of intake"


def _p_cell(row: pd.Series, name: str) -> str:
    if pd.isna(row[name]):
        return ""
    if row["mc_error_of"] == name:
        return format_p_drawn(row[name], row["mc_error"]).removeprefix("= ")
    return p_number(row[name])


def _count(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)
