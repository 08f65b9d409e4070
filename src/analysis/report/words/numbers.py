"""Numbers and names as a person reads them; nothing else in the project rounds."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.audit.joint_test import NO_ANSWER

Audit = Mapping[str, pd.DataFrame]

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

Estimates = Mapping[str, pd.DataFrame]

MODEL_NAMES = {"crude": "Crude", "1": "Model 1", "2": "Model 2", "3": "Model 3"}

NO_DEPARTURE = "no departure shown"
VERDICT_WORDS = {NO_DEPARTURE: "no departure from a straight line shown"}
"""Verdicts in sentences, where their short name does not say enough."""


def percent(share: float) -> str:
    """A share as "2.4 %"."""
    return f"{100 * share:.1f} %"


def p_words(p: pd.Series) -> list[str]:
    """P-values as they stand in a table; of a test without an answer, that."""
    return [NO_ANSWER if pd.isna(value) else format_p(value) for value in p]


def ordinal(row: pd.Series) -> str:
    """Place of a row by its nonlinear_rank: "1st", "11th"."""
    rank = int(row["nonlinear_rank"])
    last = rank % 10 if rank % 100 not in (11, 12, 13) else 0
    return f"{rank}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def list_words(words: Sequence[str], last: str = "and") -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(words: str) -> str:
    """Words with a capital first letter, the others as they are: "Vitamin B6"."""
    return words[0].upper() + words[1:]


def format_p(p_value: float) -> str:
    """P as it stands after "p": "= 0.004", or "< 0.001" below that."""
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def verdict_words(verdict: str) -> str:
    """A verdict as it stands in a sentence."""
    return VERDICT_WORDS.get(verdict, verdict)


def format_odds_ratio(row: pd.Series) -> str:
    """Odds ratio with its interval: "1.54 (1.16 to 2.02)"."""
    return f"{row['odds_ratio']:.2f} ({row['conf_low']:.2f} to {row['conf_high']:.2f})"


def format_intake(x: float) -> str:
    """Intake without decimals from 100 on, else to three digits: "214", "1.93"."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def format_range(low: float, high: float) -> str:
    """Two intakes with the decimals of the higher one: "200 to 241"."""
    return f"{low:.0f} to {high:.0f}" if high >= 100 else f"{format_intake(low)} to {format_intake(high)}"


def rows_of_model(estimates: Estimates, model: str) -> pd.Series:
    """The row of one model."""
    models = estimates["models"]
    return models[models["model"] == model].iloc[0]


def join_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "age, sex and income"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
