"""Words that sentences and tables about the audit share."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.audit.whole_curve import NO_ANSWER
from analysis.report.shape_tables import FORM_WORDS
from analysis.report.tables import format_p
from analysis.study import PRIMARY

Audit = Mapping[str, pd.DataFrame]

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def split_forms(true: pd.Series) -> tuple[list[str], list[str]]:
    """Words of the forms for which something holds, and of those for which it does not."""
    kept, lost = ([FORM_WORDS[str(form)] for form in true.index[true == wanted]] for wanted in (True, False))
    return kept, lost


def label_of(audit: Audit) -> str:
    """The primary exposure in words."""
    every = audit["specificity"]
    return str(every.loc[every["exposure"] == PRIMARY.exposure, "label"].iloc[0])


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
