"""How odds ratios, p-values, shares, intakes, what was drawn, and names read, wherever they are told.

What is drawn is told with "±" and its Monte Carlo error, to that error's first digit.
"""

import math
from collections.abc import Sequence

import pandas as pd

from analysis.audit.joint_test import NO_ANSWER
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import NO_DEPARTURE

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

PLAIN_SHARES = {
    "one in ten": 1 / 10, "one in five": 1 / 5, "one in four": 1 / 4, "one in three": 1 / 3, "half": 1 / 2,
    "two in three": 2 / 3, "three in four": 3 / 4, "four in five": 4 / 5, "nine in ten": 9 / 10,
}  # fmt: skip
"""Shares that are told as words; see `about`."""


MODEL_NAMES = {"crude": "Crude", "1": "Model 1", "2": "Model 2", "3": "Model 3"}

VERDICT_WORDS = {NO_DEPARTURE: "no departure from a straight line shown"}
"""Verdicts in sentences, where their short name does not say enough."""

FORM_WORDS = {
    "none": "as it is",
    "linear": "with energy as a straight line beside it",
    "spline": "with energy as a spline beside it",
    "residual": "as the residual on energy",
    "density": "per 1,000 kcal",
}
"""Ways of adjusting for energy."""


def percent(share: float) -> str:
    """A share as "2.4 %"."""
    return f"{100 * share:.1f} %"


def percent_drawn(share: float, error: float) -> str:
    """A share of draws as "99.8 % (± 0.1)"."""
    return f"{percent(share)} (± {100 * error:.1f})"


def about(share: float) -> str:
    """A share as the nearest of few plain ones: "about two in three"; at its ends "hardly any", "nearly all"."""
    if share < 0.05 or share > 0.95:
        return "hardly any" if share < 0.05 else "nearly all"
    return f"about {min(PLAIN_SHARES, key=lambda words: abs(PLAIN_SHARES[words] - share))}"


def p_words(p: pd.Series, *, without: str = NO_ANSWER) -> list[str]:
    """P-values as they stand in a table; of a test without an answer, that or other words."""
    return [without if pd.isna(value) else p_number(value) for value in p]


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
    """P as it stands after "p": "= 0.004", or "< 0.001" below that; "not estimated" if there is none."""
    if math.isnan(p_value):
        return "not estimated"
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def p_number(p_value: float) -> str:
    """P in a column headed p: "0.004", or "< 0.001" below that."""
    return format_p(p_value).removeprefix("= ")


def p_at_most(p_value: float) -> str:
    """The largest of several p-values after "p": "at most 0.004", or "below 0.001"."""
    return "below 0.001" if p_value < 0.001 else f"at most {p_number(p_value)}"


def format_p_drawn(p_value: float, error: float) -> str:
    """P from draws as it stands after "p": "= 0.0121 ± 0.0003", or "< 0.001" where it is surely below that."""
    if p_value + 2 * error < 0.001:
        return "< 0.001"
    return f"= {format_drawn(p_value, error)}"


def p_number_drawn(p_value: float, error: float) -> str:
    """P from draws in a column headed p: "0.0121 ± 0.0003"."""
    return format_p_drawn(p_value, error).removeprefix("= ")


def format_drawn(value: float, error: float) -> str:
    """A number from draws with three decimals, or as many as its error needs to show: "0.057 ± 0.002"."""
    decimals = max(3, _decimals(error))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def format_error(error: float) -> str:
    """A Monte Carlo error to its first digit: "0.7", "12", "0" where the draws lie on a grid too coarse to show one."""
    return f"{error:.{_decimals(error)}f}"


def _decimals(error: float) -> int:
    first_digit = float(f"{error:.1g}")
    return max(0, -math.floor(math.log10(first_digit))) if error > 0 else 0


def verdict_words(verdict: str) -> str:
    """A verdict as it stands in a sentence."""
    return VERDICT_WORDS.get(verdict, verdict)


def format_odds_ratio(row: pd.Series) -> str:
    """Odds ratio with its interval: "1.54 (1.16 to 2.02)"."""
    value, low, high = (format_ratio(row[name]) for name in ("odds_ratio", "conf_low", "conf_high"))
    return f"{value} ({low} to {high})"


def format_ratio(ratio: float) -> str:
    """A ratio to two decimals; beyond what those can tell: "< 0.01", "1,495", "5.3 × 10⁷"."""
    if 0 < ratio < 0.005:
        return "< 0.01"
    if not math.isfinite(ratio) or round(ratio, 2) < 1000:
        return f"{ratio:.2f}"
    if round(ratio) < 1_000_000:
        return f"{ratio:,.0f}"
    digits, power = f"{ratio:.1e}".split("e+")
    return f"{digits} × 10{power.lstrip('0').translate(SUPERSCRIPTS)}"


def format_intake(x: float) -> str:
    """Intake without decimals from 100 on, else to three digits: "214", "1.93"; "not estimated" if there is none."""
    if math.isnan(x):
        return "not estimated"
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def format_range(low: float, high: float) -> str:
    """Two intakes with the decimals of the higher one: "200 to 241"."""
    return f"{low:.0f} to {high:.0f}" if high >= 100 else f"{format_intake(low)} to {format_intake(high)}"


def format_range_drawn(low: float, high: float, errors: tuple[float, float]) -> str:
    """An interval from draws with the error of each end: "200 ± 0.7 to 241 ± 1"."""
    ends = zip(format_range(low, high).split(" to "), errors, strict=True)
    return " to ".join(f"{end} ± {format_error(error)}" for end, error in ends)


def as_markdown(table: pd.DataFrame) -> str:
    """A frame of words as Markdown, index first; long cells wrap there, where a frame would be cut."""
    shown = table.reset_index(names=str(table.columns.name or table.index.name or ""))
    lines = [shown.columns, ["---"] * shown.shape[1], *shown.to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def rows_of_model(estimates: Frames, model: str) -> pd.Series:
    """The row of one model."""
    models = estimates["models"]
    return models[models["model"] == model].iloc[0]
