"""The forest of other causes shows the numbers of its rows."""

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from analysis.claims.causes import ASKED
from analysis.provenance import Provenance
from analysis.report.figures.causes import LABELS, STYLES, causes_caption, plot_causes
from analysis.report.figures.layout import Caption

REAL = Provenance("NHANES 1999-2004", synthetic=False)


@pytest.fixture(scope="module")
def rows(answers) -> pd.DataFrame:
    return answers["causes"]


@pytest.fixture(scope="module")
def figure(rows):
    return plot_causes(rows, caption=Caption(causes_caption(rows), "Alternative."), provenance=REAL)


def test_every_term_has_words(rows) -> None:
    terms = set(rows[(rows["kind"] == "odds_ratio")]["term"])
    assert terms == set(LABELS)
    assert set(ASKED) - {"alcohol"} <= terms


@pytest.mark.parametrize(("panel", "what"), [("covariates", "covariates"), ("causes", "cause")])
def test_marks_and_lines_lie_at_the_odds_ratios_and_their_limits(figure, rows, panel: str, what: str) -> None:
    axes = next(one for one in figure.axes if one.get_label() == panel)
    odds = rows[(rows["kind"] == "odds_ratio") & (rows["what"] == what)]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [LABELS[term] for term in dict.fromkeys(odds["term"])]
    drawn = {container.get_label(): container for container in axes.containers}
    assert set(drawn) == {f"model {model}" for model in odds["model"]}
    for model, (colour, _, _) in STYLES.items():
        shown = odds[odds["model"] == model]
        if shown.empty:
            continue
        line, _, (bars,) = drawn[f"model {model}"]
        np.testing.assert_allclose(line.get_xdata().astype(float), shown["odds_ratio"])
        ends = np.array([[segment[0, 0], segment[1, 0]] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, shown[["conf_low", "conf_high"]].astype(float))
        assert matplotlib.colors.same_color(line.get_color(), colour)
        places = np.round(line.get_ydata().astype(float))
        assert [names[int(-place)] for place in places] == [LABELS[term] for term in shown["term"]]


def test_caption_tells_how_many_people_and_that_an_association_is_no_cause(figure, rows) -> None:
    caption = figure.caption.text
    n = rows.loc[rows["what"] == "covariates", "n"].iloc[0]
    assert f"{n:,} people" in caption
    assert "An association at one time is no cause" in caption


def test_an_invented_survey_is_marked_as_one(rows) -> None:
    drawn = plot_causes(
        rows, caption=Caption("", ""), provenance=Provenance("SYNTHETIC survey, seed 1", synthetic=True)
    )
    assert "SYNTHETIC" in [text.get_text() for text in drawn.texts]
