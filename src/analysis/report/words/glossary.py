"""What the words of the answer mean: README's and the page's table, its numbers from the results."""

from importlib.resources import files

import pandas as pd

from analysis.report.words.numbers import as_markdown, format_odds_ratio, rows_of_model
from analysis.report.words.study import nearest_point
from analysis.stats.arrays import Frames
from analysis.study import PRIMARY


def glossary_markdown(estimates: Frames) -> str:
    """Word and meaning as a Markdown table, from glossary.csv; {odds_ratio} and {units} in it are the results'.

    Parameters
    ----------
    estimates : of the fit stage.
    """
    row = rows_of_model(estimates, PRIMARY.model)
    told = {"odds_ratio": format_odds_ratio(nearest_point(estimates, row, "p05")), "units": f"{row['n_psu']:g}"}
    with files(__package__).joinpath("glossary.csv").open(encoding="utf-8") as text:
        table = pd.read_csv(text, dtype=str, keep_default_na=False)
    return as_markdown(table.map(lambda words: words.format(**told)).set_index("word"))
