"""What a result shows of itself in a notebook cell."""

import re
from html import unescape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

import analysis
from analysis.dose_response.association import Association
from analysis.dose_response.association import estimate as plain_estimate
from analysis.dose_response.shape import StudyShape, shape_dict
from analysis.report.words.numbers import format_p
from analysis.stats.shape import nadir
from analysis.study import PRIMARY
from tests import audits

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
    assert axes.get_xlabel() == "Magnesium from food, day-1 recall (mg/day)"
    plt.close(figure)


def test_two_curves_in_one_axes_have_two_colours_and_one_legend(found, participants):
    women = analysis.estimate(participants, analysis.Study(where="sex == 'female'"))
    figure, axes = plt.subplots()
    axes.set_title("Mine")
    found.plot(ax=axes, label="Everybody")
    women.plot(ax=axes, label="Women")
    curves = {line.get_label(): line for line in axes.lines if line.get_label() in ("Everybody", "Women")}
    assert len({line.get_color() for line in curves.values()}) == 2
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(told) == sorted({*told})
    assert {"Everybody", "Women", "reference", "knots"} < {*told}
    assert axes.get_title() == "Mine"
    assert axes.get_ylabel() == "Odds ratio (against each curve's reference)"
    low, high = axes.get_ylim()
    for one in (found, women):
        drawn = one.curve(one.grid()).frame["odds_ratio"]
        assert low < drawn.min() < drawn.max() < high
    women.plot(ax=axes, color="#CC79A7")
    assert axes.lines[[line.get_label() for line in axes.lines].index("odds ratio 3")].get_color() == "#CC79A7"
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


# ---- prevalence


def test_prevalence_is_that_of_everybody_given_the_intake(found):
    """By its definition: everybody's spline columns are those of the intake, and the risks are averaged by weight."""
    told = found.prevalence([200, 400])
    problem, fit = found.problem, found.fit
    rows, weights = problem.setting.domain.rows, problem.setting.design.weights
    for row in told.itertuples():
        X = problem.X.copy()
        X[:, found.spline_index] = found.spline.basis(np.array([float(row.x)]))
        risk = 1 / (1 + np.exp(-X @ fit.beta))
        assert row.prevalence == pytest.approx(np.average(risk, weights=weights[rows]), rel=1e-10)
        assert 0 < row.band_low <= row.conf_low < row.prevalence < row.conf_high <= row.band_high < 1


def test_interval_of_a_prevalence_is_that_of_its_logit(found):
    (row,) = found.prevalence(300).itertuples()
    half = scipy.stats.t.ppf(0.975, found.fit.residual_df) * row.std_error / (row.prevalence * (1 - row.prevalence))
    limits = scipy.special.expit(scipy.special.logit(row.prevalence) + np.array([-half, half]))
    np.testing.assert_allclose([row.conf_low, row.conf_high], limits, rtol=1e-8)


def test_prevalence_at_the_reference_differs_from_itself_by_nothing(found):
    (row,) = found.prevalence(found.reference).itertuples()
    assert (row.difference, row.difference_low, row.difference_high) == (0, 0, 0)
    assert (row.ratio, row.ratio_low, row.ratio_high) == (1, 1, 1)


def test_prevalence_beyond_what_anybody_ate_is_refused_unless_asked_for(found):
    with pytest.raises(analysis.study.StudyError, match="99999"):
        found.prevalence([300, 99999])
    assert len(found.prevalence([300, 99999], extrapolate=True)) == 2


# ---- the audit of a study

AUDITED = ("energy forms", "energy surface", "cycle curves", "cycle heterogeneity", "two recalls")


@pytest.fixture(scope="module")
def audit(participants):
    study = analysis.Study(exposure="phosphorus_mg", knots=3, weights="mec")
    return analysis.audit_study(participants, study, questions=AUDITED)


def test_audit_of_a_study_has_the_tables_of_what_was_asked(audit, participants):
    assert set(audit.frames) == {"energy_forms", "energy_curves", "energy_surface", "energy_tests", "energy_density",
                                 "cycle_curves", "cycle_shapes", "cycle_heterogeneity", "recall", "recall_curves",
                                 "failures"}  # fmt: skip
    forms = audit.to_frame("energy_forms").set_index("form")
    plain = plain_estimate(participants, audit.study)
    assert (forms["exposure_label"] == "phosphorus").all()
    assert forms.loc["none", "nonlinear_p"] == pytest.approx(plain.tests["nonlinear", "wald"].p_value, rel=1e-8)
    assert forms.loc["none", "n"] == plain.fit.n


def test_audit_of_a_study_tells_what_each_question_came_to(audit):
    told = audit.to_frame().set_index("question")["conclusion"]
    assert told.index.tolist() == ["With energy adjusted for?", "The same in every cycle?", "The same on a second day?"]
    p = audit.to_frame("energy_forms").set_index("form").loc["residual", "nonlinear_p"]
    assert f"p {format_p(p)} as the residual on energy" in told["With energy adjusted for?"]
    assert "2003-2004 p " in told["The same in every cycle?"]
    html_text = unescape(re.sub(r"<[^>]+>", "", audit._repr_html_()))
    assert all(sentence in html_text for sentence in told)


def test_a_question_that_a_study_cannot_be_asked_says_why(participants):
    study = analysis.Study(exposure="energy_kcal", cycles=(1999, 2001))
    found = analysis.audit_study(participants, study, questions=("energy forms", "energy surface", "two recalls"))
    told = found.to_frame().set_index("question")["conclusion"]
    assert set(found.frames) == {"failures"}
    assert told["With energy adjusted for?"].startswith("Not asked: energy is the exposure itself")
    assert told["The same on a second day?"].startswith("Not asked: no second recalled day")


def test_audit_shows_itself_in_a_line_and_its_tables_above_the_conclusions(audit):
    assert repr(audit) == (
        "AuditView(exposure 'phosphorus_mg', outcome 'strict', model '1', questions [5], unanswered 0, frames [11])"
    )
    assert (
        "<p>Audit of phosphorus and peripheral neuropathy (strict, model 1): 5 questions asked. "
        f"Tables: {', '.join(audit.frames)}.</p>"
    ) in audit._repr_html_()


def test_tables_of_an_audit_are_copies_and_others_are_refused_with_those_there_are(audit):
    changed = audit.to_frame("energy_forms")
    changed["form"] = ""
    assert audit.to_frame("energy_forms")["form"].iloc[0] == "none"
    with pytest.raises(analysis.study.StudyError, match="'energy': expected one of .*energy_forms"):
        audit.to_frame("energy")


def test_audit_in_a_folder_is_that_without_one_and_is_not_computed_again(audit, participants, tmp_path, monkeypatch):
    asked = {"questions": ("cycle curves",), "folder": tmp_path}
    first = analysis.audit_study(participants, audit.study, **asked)
    monkeypatch.setattr("analysis.audit.runner._perform", lambda *_: pytest.fail("performed again"))
    again = analysis.audit_study(participants, audit.study, **asked)
    for found in (first, again):
        pd.testing.assert_frame_equal(found.to_frame("cycle_shapes"), audit.to_frame("cycle_shapes"))


def test_of_two_studies_neither_gets_the_others_kept_result(audit, participants, tmp_path):
    asked = {"questions": ("cycle curves",), "folder": tmp_path}
    one, other = (analysis.audit_study(participants, study, **asked) for study in (audit.study, PRIMARY))
    assert not one.to_frame("cycle_shapes").equals(other.to_frame("cycle_shapes"))


def test_questions_that_are_not_asked_of_a_study_are_refused(participants):
    with pytest.raises(analysis.study.StudyError, match="'energy': expected questions among specification, "):
        analysis.audit_study(participants, questions=("energy",))
    with pytest.raises(analysis.study.StudyError, match="no question"):
        analysis.audit_study(participants, questions=())
    with pytest.raises(analysis.study.StudyError, match="does not hold the study: knots 6"):
        analysis.audit_study(participants, analysis.Study(knots=6), questions=("specificity", "specification"))


def test_grid_and_nutrients_of_the_primary_study_are_told_as_the_stage_tells_them(participants, monkeypatch):
    """On a handful of their tasks; all of them take minutes."""
    monkeypatch.setattr("analysis.report.views.study_tasks", lambda study, questions: audits.small_tasks())
    found = analysis.audit_study(participants, questions=("specification", "specificity"))
    told = found.to_frame().set_index("question")["conclusion"]
    assert told.index.tolist() == ["The same in every specification?", "Of this nutrient alone?"]
    assert f"Of {len(found.to_frame('specifications'))} specifications" in told.iloc[0]
    assert set(found.to_frame("specificity")["kind"]) >= {"nutrient", "positive control", "negative control"}
