"""What a result shows of itself in a notebook cell."""

import dataclasses
import html as html_lib
import pickle
import re
from html import unescape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

import analysis
from analysis.audit.questions import QUESTIONS
from analysis.data.people.vocabulary import exposure_unit
from analysis.dose_response.association import Association
from analysis.dose_response.association import estimate as plain_estimate
from analysis.dose_response.modifiers import EffectModification
from analysis.dose_response.modifiers import effect_modification as plain_modification
from analysis.dose_response.quintiles import quintiles as plain_quintiles
from analysis.dose_response.shape import StudyShape, shape_dict
from analysis.provenance import provenance_of
from analysis.report.audit_view import AuditView
from analysis.report.words.numbers import (
    FORM_WORDS,
    format_intake,
    format_odds_ratio,
    format_p,
    p_number,
    p_number_drawn,
    percent,
    verdict_words,
)
from analysis.stats.regression.hypotheses import TermTest
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
    for view in (found, shape, found.curve([100, 500])):
        html = re.sub(r"<[^>]+>", " ", view._repr_html_()).replace("&lt;", "<").replace("&#x27;", "'")
        assert set(repr(view).split()) - set(html.split()) == set()
        assert "<table" in view._repr_html_()


def test_ages_and_cycles_of_a_study_that_has_not_everybodys_are_told(participants, found):
    study = analysis.Study(knots=3, age_max=64, cycles=(2001,))
    view = analysis.estimate(participants, study)
    told = " ".join(repr(view).split())
    assert "day-1 dietary weights; aged 40 to 64; cycle 2001-2002. n = " in told
    axes = view.plot()
    assert axes.get_title().replace("\n", " ").endswith("adults aged 40 to 64, cycle 2001-2002")
    plt.close(axes.figure)
    assert not {"aged", "cycle"} & set(repr(found).split("n = ")[0].split())


def test_words_of_the_study_cannot_break_the_page(participants):
    study = analysis.Study(where="age_years < 60 and age_years >= 40")
    assert "age_years &lt; 60" in analysis.estimate(participants, study)._repr_html_()


DRAWN = (
    "analysis.dose_response.shape.bootstrap",
    "analysis.dose_response.shape.examine_shape",
    "analysis.dose_response.association.find_nadir",
    "analysis.stats.shape.verdict.bootstrap_nadirs",
    "analysis.stats.shape.verdict.draw_nadirs",
)
"""What draws the low point anew, by every name under which it is called."""


def test_showing_never_bootstraps(found, shape, monkeypatch):
    for name in DRAWN:
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("drawn again"))
    assert "verdict" not in repr(found).lower()
    for view in (found, shape):
        assert repr(view) == repr(view)
        assert view._repr_html_()
    plt.close(shape.plot().figure)
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        analysis.shape_of(found, replicates=2)


OTHERS = {
    "five knots": analysis.Study(knots=5),
    "three knots of women": analysis.Study(knots=3, where="sex == 'female'", conf_level=0.9),
    "phosphorus": analysis.Study(exposure="phosphorus_mg", model="3"),
    "thiamin": analysis.Study(exposure="thiamin_mg", knots=5, extra_covariates=("height_cm",)),
    "lead": analysis.Study(exposure="lead_ug_dl", outcome="two_sites"),
}


@pytest.mark.parametrize("study", OTHERS.values(), ids=OTHERS)
def test_any_study_is_shown_in_fewer_lines_than_a_screen_has(study, participants):
    view = analysis.estimate(participants, study)
    for one in (view, view.curve(view.grid()), analysis.shape_of(view, replicates=10)):
        assert len(repr(one).splitlines()) < LONGEST_TEXT
        assert one._repr_html_().count("<tr") < LONGEST_TEXT
    assert f"{exposure_unit(study.exposure)}" in repr(view)
    knots = ", ".join(format_intake(knot) for knot in view.spline.knots)
    assert f"knots {knots}, reference {format_intake(view.reference)}" in repr(view)
    assert f"{100 * study.conf_level:g} %, whole curve" in repr(view)


def test_few_cases_are_not_counted_in_a_cell(found):
    few = dataclasses.replace(found, fit=dataclasses.replace(found.fit, cases=7))
    assert "cases = fewer than 10;" in repr(few)


@pytest.mark.parametrize("name", ["overall", "nonlinear"])
@pytest.mark.parametrize("method", ["wald", "rao_scott"])
def test_a_test_says_its_null_hypothesis(found, name, method):
    test, null = found.tests[name, method], {"overall": "the curve is flat", "nonlinear": "a straight line in log odds"}
    assert isinstance(test, TermTest)
    assert repr(test).endswith(null[name])
    assert "\n" not in repr(test)
    for told in (f"{test.statistic:.2f}", null[name], p_number(test.p_value)):
        assert html_lib.escape(told) in test._repr_html_()
        assert told in repr(test)
    assert list(dataclasses.asdict(test)) == ["method", "statistic", "df_num", "df_den", "p_value"]
    assert test.to_frame()["null_hypothesis"].item() == test.null_hypothesis
    assert pickle.loads(pickle.dumps(test)).null_hypothesis == test.null_hypothesis


def test_a_curve_is_shown_rounded_and_kept_in_full(found):
    told = found.curve([100, 500])
    (row, _) = told.frame.itertuples()
    line = rf"^ *100 +{row.odds_ratio:.2f} +{row.conf_low:.2f} to {row.conf_high:.2f} +{row.band_low:.2f} to "
    assert re.search(line, repr(told), re.M)
    assert f"{row.odds_ratio:.4f}" not in repr(told) + told._repr_html_()
    pd.testing.assert_frame_equal(told.frame, Association.curve(found, [100, 500]).frame)
    assert "..." in repr(found.curve(found.grid()))


def test_curve_beyond_the_cohort_is_refused_unless_asked_for(found):
    with pytest.raises(analysis.study.StudyError, match="99999"):
        found.curve(99999)
    assert len(found.curve(99999, extrapolate=True).frame) == 1


# ---- invented people


def test_every_view_of_invented_people_says_so(found, shape, modification, fifths, audit):
    for view in (found, shape, found.curve(300), modification, fifths, audit):
        assert "Data: SYNTHETIC survey, seed 1" in repr(view)
        assert "Data: SYNTHETIC survey, seed 1" in view._repr_html_()
    for view in (found, shape, modification, fifths):
        axes = view.plot()
        view.plot(ax=axes)
        assert [text.get_text() for text in axes.texts] == ["SYNTHETIC"]
        plt.close(axes.figure)


def test_of_people_whose_origin_nobody_said_nothing_is_said(participants):
    unsaid = participants.copy()
    unsaid.attrs.pop("provenance")
    view = analysis.estimate(unsaid)
    assert "Data:" not in repr(view)
    assert not view.plot().texts
    plt.close("all")


def test_origin_of_the_people_outlives_a_column_of_ones_own_and_a_file(participants, tmp_path):
    mine = participants.assign(tall=1.0)
    assert provenance_of(mine.attrs).synthetic
    mine[["tall"]].to_parquet(tmp_path / "mine.parquet")
    assert provenance_of(pd.read_parquet(tmp_path / "mine.parquet").attrs) == provenance_of(participants.attrs)


# ---- curves by level, quintiles


@pytest.fixture(scope="module")
def modification(participants):
    return analysis.effect_modification(participants, analysis.modifier_of(participants, ["sex"]))


@pytest.fixture(scope="module")
def fifths(participants):
    return analysis.quintiles(participants)


def test_modification_is_the_plain_result_shown_with_its_levels_and_its_null_hypothesis(modification, participants):
    plain = plain_modification(participants, modification.modifier, study=PRIMARY)
    assert isinstance(modification, EffectModification)
    pd.testing.assert_frame_equal(modification.to_frame(), plain.curves(plain.arms()))
    assert modification.test_row() == plain.test_row()
    for text in (repr(modification), unescape(modification._repr_html_())):
        assert text.count("one curve in every level") == 2
        for _, row in modification.to_frame().iterrows():
            assert format_odds_ratio(row) in text
        for row in modification.levels().itertuples():
            assert f"{row.n:,.0f}" in text
            assert p_number(row.nonlinear_p) in text
    assert len(repr(modification).splitlines()) < LONGEST_TEXT
    assert modification.tests["wald"].null_hypothesis == "one curve in every level"


def test_a_level_of_few_people_is_not_told_in_a_cell(modification):
    few = dataclasses.replace(modification, n=np.array([9, modification.n[1]]))
    (row,) = [line for line in repr(few).splitlines() if line.strip().startswith(few.modifier.levels[0][0])]
    assert row.count("fewer than 10") == 6


def test_plot_of_a_modification_draws_a_curve_a_level(modification):
    axes = modification.plot()
    for level, curve in modification.curves(modification.grid()).groupby("level"):
        line = next(line for line in axes.lines if str(line.get_label()).startswith(f"{level} ("))
        np.testing.assert_allclose(line.get_ydata(), curve["odds_ratio"])
    plt.close(axes.figure)


def test_quintiles_are_the_plain_ones_shown_against_one_of_them(fifths, participants):
    plain = plain_quintiles(participants, PRIMARY, reference_quintile=2)
    pd.testing.assert_frame_equal(fifths.to_frame(), plain, check_dtype=False)
    for text in (repr(fifths), fifths._repr_html_()):
        assert text.count("1 (reference)") == 1
        for _, row in plain.drop(index=1).iterrows():
            assert format_odds_ratio(row) in text
            assert f"{row['cases']:,.0f}" in text
        assert "against the second" in text
    assert "against the first" in repr(analysis.quintiles(participants, reference_quintile=1))
    assert len(repr(fifths).splitlines()) < LONGEST_TEXT


def test_a_quintile_of_few_people_is_not_told_in_a_cell(participants, monkeypatch, fifths):
    few = fifths.to_frame().assign(n=[9, 40, 40, 40, 40], cases=[3, 20, 20, 20, 9])
    monkeypatch.setattr("analysis.report.group_views.plain_quintiles.quintiles", lambda *_, **__: few)
    view = analysis.quintiles(participants)
    assert view.to_frame().loc[0, ["n", "cases", "odds_ratio", "conf_low", "conf_high", "p_value"]].isna().all()
    lines = repr(view).splitlines()[-5:]
    assert [line.count("fewer than 10") for line in lines] == [4, 0, 0, 0, 1]


def test_plot_of_quintiles_draws_their_odds_ratios(fifths):
    axes = fifths.plot(label="Mine")
    drawn = next(line for line in axes.lines if len(line.get_xdata()) == 5 and line.get_marker() == "o")
    np.testing.assert_array_equal(drawn.get_ydata(), fifths.frame["odds_ratio"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Mine"]
    plt.close(axes.figure)


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
    told = found.prevalence([200, 400]).frame
    problem, fit = found.problem, found.fit
    rows, weights = problem.setting.domain.rows, problem.setting.design.weights
    for row in told.itertuples():
        X = problem.X.copy()
        X[:, found.spline_index] = found.spline.basis(np.array([float(row.x)]))
        risk = 1 / (1 + np.exp(-X @ fit.beta))
        assert row.prevalence == pytest.approx(np.average(risk, weights=weights[rows]), rel=1e-10)
        assert 0 < row.band_low <= row.conf_low < row.prevalence < row.conf_high <= row.band_high < 1


def test_interval_of_a_prevalence_is_that_of_its_logit(found):
    (row,) = found.prevalence(300).frame.itertuples()
    half = scipy.stats.t.ppf(0.975, found.fit.residual_df) * row.std_error / (row.prevalence * (1 - row.prevalence))
    limits = scipy.special.expit(scipy.special.logit(row.prevalence) + np.array([-half, half]))
    np.testing.assert_allclose([row.conf_low, row.conf_high], limits, rtol=1e-8)


def test_prevalence_at_the_reference_differs_from_itself_by_nothing(found):
    (row,) = found.prevalence(found.reference).frame.itertuples()
    assert (row.difference, row.difference_low, row.difference_high) == (0, 0, 0)
    assert (row.ratio, row.ratio_low, row.ratio_high) == (1, 1, 1)


def test_prevalence_beyond_what_anybody_ate_is_refused_unless_asked_for(found):
    with pytest.raises(analysis.study.StudyError, match="99999"):
        found.prevalence([300, 99999])
    assert found.prevalence([300, 99999], extrapolate=True).extrapolated.tolist() == [False, True]


def test_prevalence_is_shown_with_its_unit_and_what_it_is_made_of(found):
    view = found.prevalence([200, 400])
    text = repr(view)
    assert "Prevalence of peripheral neuropathy" in text
    assert f"{provenance_of({'provenance': dataclasses.asdict(found.provenance)}).source}." in text
    row = view.frame.iloc[1]
    shown = view.table().set_index("mg/day").loc["400"]
    assert shown["prevalence, %"] == f"{100 * row['prevalence']:.1f}"
    assert shown["95 %"] == f"{100 * row['conf_low']:.1f} to {100 * row['conf_high']:.1f}"
    assert shown["95 %, all rows"] == f"{100 * row['band_low']:.1f} to {100 * row['band_high']:.1f}"
    ends = f"{100 * row['difference_low']:.1f} to {100 * row['difference_high']:.1f}"
    assert shown["difference, points (95 %)"] == f"{100 * row['difference']:+.1f} ({ends})"
    assert shown["ratio (95 %)"] == f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
    pd.testing.assert_frame_equal(view.to_frame(), view.frame)


def test_rows_that_nobody_bears_are_marked_and_wide_numbers_can_be_read(found):
    for view in (found.curve([200, 99999], extrapolate=True), found.prevalence([200, 99999], extrapolate=True)):
        *_, inside, beyond = repr(view).splitlines()
        assert "extrapolated" not in inside
        assert beyond.endswith("extrapolated")
        assert not re.search(r"\d{6,}(?!\d*\b)|\d{4,}\.\d", beyond)
    assert "extrapolated" not in repr(found.curve([200, 400])) + repr(found.prevalence(200))


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


def test_audit_shows_the_conclusions_and_the_numbers_behind_them(audit):
    head = "Audit of: Phosphorus and peripheral neuropathy (strict), model 1; "
    for text in (repr(audit), unescape(re.sub(r"<[^>]+>", "", audit._repr_html_()))):
        assert text.startswith(head)
        assert f"5 questions asked; tables: {', '.join(audit.frames)}." in text
        assert all(f"{row.question} {row.conclusion}" in text for row in audit.to_frame().itertuples())
        for row in audit.to_frame("energy_forms").itertuples():
            assert FORM_WORDS[row.form] in text
            assert f"{row.n:,}" in text
            assert p_number(row.overall_p) in text
        assert {*audit.to_frame("cycle_shapes")["cycle"], "mean of both days"} <= {
            word for word in re.findall(r"\d{4}-\d{4}|pooled|mean of both days", text)
        }
    assert len(repr(audit).splitlines()) < LONGEST_TEXT


def test_audit_of_everything_is_shown_in_fewer_lines_than_a_screen_has():
    """The committed one, which has every table."""
    folder = Path(__file__).parents[2]
    frames, provenance = analysis.read_audit(analysis.Folders(folder / "data", folder / "figures"))
    view = AuditView(PRIMARY, tuple(QUESTIONS), frames, provenance)
    text = repr(view)
    assert len(text.splitlines()) < LONGEST_TEXT
    for row in frames["verdict_shares"].query("choice == 'all'").itertuples():
        assert re.search(rf"{verdict_words(row.verdict)} +{row.n:,} +{percent(row.share)}", text)
    least = frames["joint_test"].query("primary").nsmallest(1, "p_value").iloc[0]
    assert p_number_drawn(least["p_value"], least["p_value_error"]) in text.partition("Joint test")[2]
    assert "Data: NHANES 1999-2004." in text


def test_tables_of_an_audit_are_copies_and_others_are_refused_with_those_there_are(audit):
    changed = audit.to_frame("energy_forms")
    changed["form"] = ""
    assert audit.to_frame("energy_forms")["form"].iloc[0] == "none"
    with pytest.raises(analysis.study.StudyError, match="'energy': expected one of .*energy_forms"):
        audit.to_frame("energy")


def test_audit_in_a_folder_is_that_without_one_and_is_not_computed_again(audit, participants, tmp_path, monkeypatch):
    asked = {"questions": ("cycle curves",), "folder": tmp_path}
    first = analysis.audit_study(participants, audit.study, **asked)
    monkeypatch.setattr("analysis.audit.runner.perform_to_bytes", lambda *_: pytest.fail("performed again"))
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
    monkeypatch.setattr("analysis.report.audit_view.study_tasks", lambda study, questions: audits.small_tasks())
    found = analysis.audit_study(participants, questions=("specification", "specificity"))
    told = found.to_frame().set_index("question")["conclusion"]
    assert told.index.tolist() == ["The same in every specification?", "Of this exposure alone?"]
    assert f"Of {len(found.to_frame('specifications'))} specifications" in told.iloc[0]
    assert set(found.to_frame("specificity")["kind"]) >= {"nutrient", "positive control", "negative control"}
