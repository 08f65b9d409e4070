"""What words mean: those of the answer, for README and the page, and those of a claim's page that occur on it."""

import re
from importlib.resources import files

import pandas as pd

from analysis.report.words.numbers import as_markdown, format_odds_ratio, rows_of_model
from analysis.report.words.study import nearest_point
from analysis.stats.arrays import Frames
from analysis.study import PRIMARY

README = "README"


def glossary_markdown(estimates: Frames) -> str:
    """Word and meaning as a Markdown table, from glossary.csv; {odds_ratio} and {units} in it are the results'.

    Parameters
    ----------
    estimates : of the fit stage.
    """
    words = _words()
    return _table(words[words["of"].str.contains(README)], estimates, PRIMARY.model)


def words_markdown(page: str, estimates: Frames, model: str) -> str:
    """The words of glossary.csv that a claim's page has, by their regular expressions, as such a table.

    Parameters
    ----------
    page : text in which they are looked for.
    estimates : models and odds_ratio_curve of the study.
    model : of the study.
    """
    words = _words()
    there = [pattern != "" and re.search(pattern, page) is not None for pattern in words["found on a page by"]]
    return _table(words[there], estimates, model)


def _words() -> pd.DataFrame:
    with files(__package__).joinpath("glossary.csv").open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype=str, keep_default_na=False)


def _table(words: pd.DataFrame, estimates: Frames, model: str) -> str:
    row = rows_of_model(estimates, model)
    told = {"odds_ratio": format_odds_ratio(nearest_point(estimates, row, "p05")), "units": f"{row['n_psu']:g}"}
    return as_markdown(words[["word", "meaning here"]].map(lambda text: text.format(**told)).set_index("word"))
