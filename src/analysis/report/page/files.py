"""Results files for reading: plain names of columns and values, numbers beside their limits and errors."""

import pandas as pd

from analysis.report.words.numbers import FORM_WORDS, p_number, verdict_words
from analysis.stats.arrays import Row

HEADS = {
    "n": "people", "cases": "with neuropathy", "df": "degrees of freedom", "how": "how it was recomputed",
    "read_in": "where it was read", "level": "variation", "own": "as they adjusted",
    "found": "on the claimed side of 1",
    "odds_ratio": "odds ratio", "p_value": "p", "interior": "lowest point inside the range, share of draws",
    "nadir": "lowest point", "why": "why there is no number", "end_slopes_p": "fall and rise, the larger p",
    "two_lines_p": "two lines, the larger p", "nonlinear_p": "bend, p", "trend_p": "trend, p",
    "trend_slope": "trend, log odds per unit", "levels": "second rule", "levels_p": "both ends higher, the larger p",
    "other_rule": "other rule of neuropathy", "other_rule_odds_ratio": "odds ratio by the other rule",
    "other_rule_found": "on the claimed side by the other rule",
}  # fmt: skip
"""Columns whose names in the file are short for something."""

KINDS = {"count": "number of people", "odds_ratio": "odds ratio", "risk_ratio": "risk ratio",
         "geometric_mean": "geometric mean", "hazard_ratio": "hazard ratio"}  # fmt: skip
SIDES = {"same side": "yes, but not shown", "shown": "yes, and shown", "other side": "no"}
CLAIMED = {"below 1": "an odds ratio below 1", "above 1": "an odds ratio above 1"}
VALUES: Row = {"kind": KINDS, "found": SIDES, "other_rule_found": SIDES, "claim": CLAIMED, "level": FORM_WORDS,
               "own": {True: "yes", False: ""}}  # fmt: skip
"""Values, by column, that are told in other words."""


def read_off(frame: pd.DataFrame) -> pd.DataFrame:
    """A results file for reading: words first, numbers to four digits, p-values as everywhere, empty columns left out.

    A number with columns of its name and ``_low`` and ``_high`` is told as "1.54 (1.16 to 2.02)"; ``conf_low`` and
    ``conf_high`` are the limits of ``ours``, ``estimate`` or ``odds_ratio``, whichever comes first; one with a column
    of its name and ``_mc_error`` as "0.54 ± 0.005". Columns and values have the names of `HEADS` and `VALUES`.
    """
    shown = frame.drop(columns=["data", "variation"], errors="ignore").dropna(axis="columns", how="all")
    numeric = [name for name in shown.select_dtypes("number").columns if shown[name].dtype != bool]
    told = shown.astype(object).assign(**{name: _told(shown[name]) for name in numeric})
    told = told[[name for name in told if name not in numeric] + numeric]
    for name in [name for name in numeric if f"{name}_mc_error" in told]:
        told[name] = [f"{value} ± {error}" if error else value for value, error in
                      zip(told[name], _told(shown[f"{name}_mc_error"], digits=1), strict=True)]  # fmt: skip
        told = told.drop(columns=f"{name}_mc_error")
    own = next((name for name in ("ours", "odds_ratio", "estimate") if name in numeric), "")
    for name in [name for name in numeric if name in told]:
        limits = [f"{'conf' if name == own and 'conf_low' in told else name}_{end}" for end in ("low", "high")]
        if set(limits) <= set(told):
            told[name] = [
                _with_limits(*cells) for cells in zip(told[name], *(told[one] for one in limits), strict=True)
            ]
            told = told.drop(columns=limits)
    for name in set(VALUES) & set(told):
        told[name] = told[name].map(lambda value, words=VALUES[name]: words.get(value, value))
    if "verdict" in told:
        told["verdict"] = told["verdict"].map(verdict_words, na_action="ignore")
    return told.rename(columns=lambda name: HEADS.get(str(name), str(name).replace("_", " ")))


def _told(column: pd.Series, *, digits: int = 4) -> list[str]:
    is_p = str(column.name) == "p_value" or str(column.name).endswith("_p")
    return ["" if pd.isna(value) else p_number(value) if is_p else _digits(value, digits) for value in column]


def _with_limits(number: str, low: str, high: str) -> str:
    return f"{number} ({low} to {high})" if low and high else number


def _digits(value: float, digits: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
