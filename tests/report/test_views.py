"""What a result shows of itself in a notebook cell."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.dose_response.association import Association
from analysis.dose_response.association import estimate as plain_estimate
from analysis.dose_response.shape import StudyShape, shape_dict
from analysis.stats.shape import nadir
from analysis.study import PRIMARY

LONGEST_TEXT = 40


@pytest.fixture(scope="module")
def found(participants):
    return analysis.estimate(participants, PRIMARY)


@pytest.fixture(scope="module")
def shape(found):
    return analysis.shape_of(found, replicates=40)


def test_view_is_the_plain_result(found, participants):
    plain = plain_estimate(participants, PRIMARY)
    assert isinstance(found, Association)
    np.testing.assert_array_equal(found.fit.beta, plain.fit.beta)
    assert found.to_frame()["odds_ratio"].tolist() == plain.curve(found.to_frame()["x"]).frame["odds_ratio"].tolist()


def test_association_tells_people_curve_and_tests(found):
    text = repr(found)
    assert len(text.splitlines()) < LONGEST_TEXT
    assert f"n = {found.fit.n:,}, cases = {found.fit.cases:,}" in text
    assert f"residual df {found.fit.residual_df}" in text
    for row in found.to_frame().itertuples():
        assert re.search(rf"^ *{row.x:g} +{row.odds_ratio:.2f} {row.conf_low:.2f} to {row.conf_high:.2f}", text, re.M)
    assert text.count("a straight line in log odds") == 2
    assert text.count("no association: the curve is flat") == 2


def test_html_says_what_the_text_says(found, shape):
    for view in (found, shape):
        html = re.sub(r"<[^>]+>", " ", view._repr_html_()).replace("&lt;", "<").replace("&#x27;", "'")
        assert set(repr(view).split()) - set(html.split()) == set()
        assert "<table" in view._repr_html_()


def test_words_of_the_study_cannot_break_the_page(participants):
    study = analysis.Study(where="age_years < 60 and age_years >= 40")
    assert "age_years &lt; 60" in analysis.estimate(participants, study)._repr_html_()


def test_showing_never_bootstraps(found, monkeypatch):
    monkeypatch.setattr(nadir, "find_nadir", lambda *_, **__: pytest.fail("drawn again"))
    monkeypatch.setattr("analysis.dose_response.shape.bootstrap", lambda *_, **__: pytest.fail("bootstrapped"))
    assert "verdict" not in repr(found).lower()
    assert repr(found)


def test_shape_tells_low_point_and_verdict(shape):
    row, text = shape_dict(shape), repr(shape)
    assert isinstance(shape, StudyShape)
    assert f"The lowest point is {row['nadir']:.0f} mg/day" in text
    assert "Verdict by the rule of the protocol" in text
    assert len(text.splitlines()) < LONGEST_TEXT
    assert shape.to_frame().set_index("quantity")["value"]["verdict"] == row["verdict"]


def test_plot_draws_the_curve_into_the_axes_it_is_given(found):
    figure, axes = plt.subplots()
    assert found.plot(ax=axes) is axes
    line = next(line for line in axes.lines if line.get_label() == "odds ratio")
    np.testing.assert_allclose(line.get_ydata(), found.curve(found.grid()).frame["odds_ratio"])
    assert axes.get_xlabel() == "Magnesium (mg/day)"
    plt.close(figure)


def test_plot_of_a_shape_marks_the_low_point(shape):
    axes = shape.plot()
    marked = next(line for line in axes.lines if line.get_label() == "lowest point")
    assert marked.get_xdata()[0] == shape.association.nadir.x
    plt.close(axes.figure)


def test_column_of_ones_own_can_be_the_exposure_of_a_condition(participants):
    mine = participants.assign(magnesium_per_kg=participants["magnesium_mg"] / participants["bmi_kg_m2"])
    found = analysis.estimate(mine, analysis.Study(where="magnesium_per_kg > 5"))
    assert found.fit.n == int((mine.loc[found.cohort.complete, "magnesium_per_kg"] > 5).sum())
    assert isinstance(found.to_frame(), pd.DataFrame)
