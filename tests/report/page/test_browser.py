"""The page in headless Chromium: its curves, its controls by mouse and keyboard, what it says on the console."""

import dataclasses
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.audit.specifications import CHOICES, PRIMARY_CELL
from analysis.report.words import audit as audit_words
from analysis.report.words.numbers import format_odds_ratio, p_number, verdict_words
from analysis.stats.curve.splines import RestrictedCubicSpline
from analysis.study import OUTCOMES
from tests.report.page.browser import browser
from tests.report.page.pages import CHROMEDRIVER, CHROMIUM, HAS_EXTRA, NO_BROWSER, NO_EXTRA, committed, page_of

pytestmark = [pytest.mark.committed, pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=NO_BROWSER)]

SAMPLE = 200
"""Specifications drawn whose curves are recomputed."""

SAME_SUM = 1e-10
"""Relative: the same sum in another order, of terms that nearly cancel; the greatest difference found is 4e-12."""

TEN_DIGITS = 2e-6
"""Relative: coefficients and covariance travel with ten digits, and a variance is what is left of terms some 1e4 times
as large; the greatest difference found over all specifications is 6e-7."""

TAB, ENTER, DOWN, RIGHT, HOME = "\ue004", "\ue007", "\ue015", "\ue014", "\ue011"
POINTS = 9


@pytest.fixture(scope="module")
def results():
    return committed()


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page_of(results))
    return path


@pytest.fixture(scope="module")
def window():
    with browser(CHROMIUM, CHROMEDRIVER) as opened:
        opened.size(1200)
        yield opened


@pytest.fixture
def opened(window, page):
    window.size(1200)
    window.messages()
    window.open(page)
    yield window
    assert window.messages() == []


def drawn_in_python(row, x, *, critical):
    """Odds ratio and limits from a row of audit_coefficients.csv."""
    knots, beta, lower = (
        np.array(row[name].split(), dtype=float) for name in ("knots_at", "coefficients", "covariance")
    )
    vcov = np.zeros((beta.size, beta.size))
    vcov[np.tril_indices(beta.size)] = lower
    vcov = vcov + vcov.T - np.diag(np.diag(vcov))
    spline = RestrictedCubicSpline(knots)
    contrast = spline.basis(x) - spline.basis(np.array([row["reference"]]))
    log_odds, error = contrast @ beta, np.sqrt(np.einsum("ij,jk,ik->i", contrast, vcov, contrast))
    return np.exp(log_odds[:, None] + critical * error[:, None] * np.array([0, -1, 1]))


def in_page(window, table, rows, places):
    return np.array(
        window.run(
            "const table = report.explorer[arguments[0]];"
            "return arguments[1].map((row, i) => report.curveOf(table, row, arguments[2][i])"
            ".map((p) => [p.odds_ratio, p.conf_low, p.conf_high]))",
            table, rows, places,
        )
    )  # fmt: skip


def test_curves_of_drawn_specifications_are_those_recomputed(opened, results):
    cells = results.audit["specifications"]
    curves = results.audit["coefficients"].merge(
        cells[[*CHOICES, "residual_df"]].reset_index(names="cell"), on=list(CHOICES)
    )
    drawn = curves.sample(SAMPLE, random_state=1)
    x = [np.linspace(row.shown_low, row.shown_high, POINTS) for row in drawn.itertuples()]
    found = in_page(opened, "cells", drawn["cell"].tolist(), [values.tolist() for values in x])
    critical = scipy.stats.t.ppf(0.975, drawn["residual_df"])
    expected = [
        drawn_in_python(row, at, critical=t) for (_, row), at, t in zip(drawn.iterrows(), x, critical, strict=True)
    ]
    np.testing.assert_allclose(found, np.array(expected), rtol=SAME_SUM)


def test_curves_pass_through_the_odds_ratios_of_the_results_file(opened, results):
    """Those were computed by the fit itself, from coefficients of full length: of every specification that has any."""
    cells = results.audit["specifications"].query("odds_ratio_p10.notna()")
    found = in_page(opened, "cells", cells.index.tolist(), cells[["p10", "p90"]].to_numpy().tolist())
    for end, name in enumerate(("p10", "p90")):
        expected = cells[[f"odds_ratio_{name}", f"conf_low_{name}", f"conf_high_{name}"]].to_numpy()
        np.testing.assert_allclose(found[:, end], expected, rtol=TEN_DIGITS)


def test_primary_specification_draws_the_curve_of_the_study(opened, results):
    curve = results.estimates["odds_ratio_curve"].query("model == '1'")
    row = opened.run("return report.explorer.cells.find(arguments[0])", chosen())
    found = in_page(opened, "cells", [row], [curve["x"].tolist()])[0]
    np.testing.assert_allclose(found, curve[["odds_ratio", "conf_low", "conf_high"]], rtol=TEN_DIGITS)


def chosen(**changes):
    return {name: str(getattr(PRIMARY_CELL, name)) for name in CHOICES} | changes


def found_words(window):
    return window.run(
        "return document.getElementById('found').innerText + '\\n' + document.getElementById('found-tests').innerText"
    )


def answer_words(verdict):
    return "shown, a U" if verdict == "U" else f"not shown ({verdict_words(verdict)})"


def row_of(results, **changes):
    cells = results.audit["specifications"].astype({"knots": str})
    return cells[(cells[list(CHOICES)] == pd.Series(chosen(**changes))).all(axis=1)].iloc[0]


def test_numbers_shown_are_those_of_the_results_file(opened, results):
    opened.run("return report.explorer.choose(arguments[0])", chosen(knots="3", weights="mec"))
    row, told = row_of(results, knots="3", weights="mec"), found_words(opened)
    assert f"Falls, then rises: {answer_words(row['verdict'])}." in told
    assert f"{row['n']:,}, {row['cases']:,} of them with neuropathy" in told
    for name in ("overall_p", "nonlinear_p", "end_low_p", "end_high_p", "two_lines_p"):
        assert p_number(row[name]) in told
    ends = row.rename({f"{name}_p90": name for name in ("odds_ratio", "conf_low", "conf_high")})
    assert format_odds_ratio(ends) in told


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_made_by_keyboard_and_kept_in_the_address(opened, name):
    before = found_words(opened)
    opened.run("document.getElementById('choices').elements[arguments[0]].focus()", name)
    first = opened.run("return document.activeElement.value")
    opened.press(DOWN if opened.run("return document.activeElement.selectedIndex === 0") else HOME)
    now = opened.run("return document.activeElement.value")
    assert now != first
    assert found_words(opened) != before
    address = opened.run("return Object.fromEntries(new URLSearchParams(location.hash.slice('#explore:'.length)))")
    assert {key: address[key] for key in CHOICES} == chosen(**{name: now})


def test_buttons_answer_to_mouse_and_keyboard(opened, results):
    us = (results.audit["specifications"]["verdict"] == "U").sum()
    assert f"{us} of " in opened.run("return document.getElementById('u-count').innerText")
    opened.run("document.getElementById('next-u').scrollIntoView({block: 'center', behavior: 'instant'})")
    opened.click("#next-u")
    assert "Falls, then rises: shown, a U." in found_words(opened)
    assert u_count(opened).startswith("Number 1;"), "from the primary study, the first one comes first"
    first = opened.run("return location.hash")
    opened.press(ENTER)
    assert u_count(opened).startswith("Number 2;")
    assert "Falls, then rises: shown, a U." in found_words(opened)
    assert opened.run("return location.hash") != first
    opened.click("#as-primary")
    assert opened.run("return report.explorer.state().knots") == str(PRIMARY_CELL.knots)


def u_count(window):
    return window.run("return document.getElementById('u-count').innerText")


def test_previous_goes_back_and_round(opened, results):
    us = (results.audit["specifications"]["verdict"] == "U").sum()
    opened.run("document.getElementById('previous-u').click()")
    assert u_count(opened).startswith(f"Number {us};"), "before the first comes the last"
    opened.run("document.getElementById('next-u').click()")
    assert u_count(opened).startswith("Number 1;")
    opened.run("document.getElementById('previous-u').click()")
    assert u_count(opened).startswith(f"Number {us};")


def test_every_u_is_listed_with_its_address_and_counted_by_choice(opened, results):
    cells = results.audit["specifications"].astype({"knots": str, "covariates": str})
    us = cells[cells["verdict"] == "U"]
    opened.run("document.getElementById('every-u').open = true; return new Promise((done) => setTimeout(done, 100))")
    links = opened.run("return [...document.querySelectorAll('#us a')].map((one) => one.getAttribute('href'))")
    found = [{name: value[0] for name, value in parse_qs(link.removeprefix("#explore:")).items()} for link in links]
    assert [tuple(row[name] for name in CHOICES) for row in found] == [
        tuple(row) for row in us[list(CHOICES)].itertuples(index=False)
    ]
    told = opened.run("return document.getElementById('us-by-choice').innerText")
    assert f"Of these {len(us)}" in told
    for level, n in us["sample"].value_counts().items():
        assert f"{'all people' if level == 'all' else level} {n}" in told
    opened.run("document.querySelectorAll('#us a')[4].click(); return new Promise((done) => setTimeout(done, 300))")
    assert u_count(opened).startswith("Number 5;")
    assert "Falls, then rises: shown, a U." in found_words(opened)
    opened.run("document.getElementById('every-u').open = false")


def test_button_visits_every_u_once(opened, results):
    us = (results.audit["specifications"]["verdict"] == "U").sum()
    visited = opened.run(
        "const seen = []; for (let i = 0; i < arguments[0]; i += 1) {"
        "document.getElementById('next-u').click(); seen.push(location.hash); } return seen", int(us),
    )  # fmt: skip
    assert len(set(visited)) == us


def test_an_address_brings_back_its_state(window, page):
    window.messages()
    window.open(page, "#explore:weights=none&knots=5&sample=no+diabetes")
    state = window.run("return report.explorer.state()")
    assert (state["weights"], state["knots"], state["sample"], state["outcome"]) == (
        "none",
        "5",
        "no diabetes",
        PRIMARY_CELL.outcome,
    )
    assert window.messages() == []


def test_an_address_that_the_results_do_not_have_says_so(window, page):
    window.open(page, "#explore:weights=gold")
    assert "The address asks for weights = gold" in found_words(window)
    assert window.run("return report.explorer.state().weights") == PRIMARY_CELL.weights


def test_another_exposure_is_shown_under_the_primary_choices(opened, results):
    opened.run("return report.explorer.choose(arguments[0])", chosen(exposure="energy_kcal", energy="none"))
    row = (
        results.audit["specificity"]
        .query("exposure == 'energy_kcal' and kind == 'nutrient' and form == 'none'")
        .iloc[0]
    )
    told = found_words(opened)
    assert f"Falls, then rises: {answer_words(row['verdict'])}." in told
    assert p_number(row["nonlinear_p"]) in told
    assert opened.run("return document.getElementById('choices').elements.weights.disabled")
    assert "weights, outcome, people, model, knots" in opened.run("return document.getElementById('why-not').innerText")
    hidden = "return ['of-us', 'every-u', 'places-figure'].map((name) => document.getElementById(name).offsetWidth)"
    assert opened.run(hidden) == [0, 0, 0], "what is magnesium's alone"
    opened.run("document.getElementById('as-primary').click()")
    assert 0 not in opened.run(hidden)
    assert opened.run("return document.getElementById('why-not').hidden")


def test_a_form_of_energy_that_an_exposure_does_not_have_is_not_offered(opened):
    opened.run("return report.explorer.choose(arguments[0])", chosen(energy="residual"))
    opened.run("const of = document.getElementById('choices').elements; of.exposure.value = 'energy_kcal';"
               "of.exposure.dispatchEvent(new Event('change', {bubbles: true}))")  # fmt: skip
    assert opened.run("return report.explorer.state().energy") == "none"
    offered = "return [...document.getElementById('choices').elements.energy.options].filter((o) => !o.disabled).length"
    assert opened.run(offered) == 1
    assert opened.run("return document.getElementById('explorer-chart').offsetHeight") > 0
    assert "p =" in found_words(opened) or "p <" in found_words(opened)
    opened.run("document.getElementById('as-primary').click()")
    assert opened.run(offered) > 1


def test_choices_are_explained_and_called_alike_everywhere(opened, results):
    told = opened.run("return document.getElementById('meanings').textContent")
    assert not [rule for rule in results.audit["specifications"]["outcome"].unique() if OUTCOMES[rule] not in told]
    table = audit_words.verdicts_by_choice_table(results.audit)
    words = opened.run(
        "return [...document.querySelectorAll('#choices select')].flatMap((s) => [...s.options].map((o) => o.text))"
    )
    assert not [level for _, level in table.index if level not in words]


def test_verdicts_by_ends_and_levels_are_shown_once_the_data_have_them(window, results, tmp_path):
    cells = results.audit["specifications"].assign(
        end_slopes_p_p10_p90=0.0123, verdict_p10_p90="U", levels_p=0.0456, levels_verdict=audit_words.BOTH_HIGHER
    )
    path = tmp_path / "page.html"
    path.write_text(page_of(dataclasses.replace(results, audit=results.audit | {"specifications": cells})))
    window.open(path)
    assert "Both ends higher than the middle: shown." in found_words(window)
    assert "Falls, then rises: not shown (non-linear, U not shown)." in found_words(window)
    window.run("document.getElementById('choices').elements.ends.focus()")
    window.press(DOWN)
    told = found_words(window)
    assert "Falls, then rises: shown, a U." in told
    assert "10th and 90th percentile" in told
    assert "p = 0.012" in told
    assert "ends=verdict_p10_p90" in window.run("return location.hash")


def test_intake_is_told_by_keyboard(opened, results):
    before = opened.run("return document.getElementById('curve-words').innerText")
    opened.run("document.getElementById('curve-intake').focus()")
    opened.press(RIGHT)
    after = opened.run("return document.getElementById('curve-words').innerText")
    assert before != after
    point = results.estimates["odds_ratio_curve"].query("model == '1' and x == 100").iloc[0]
    assert format_odds_ratio(point) in before
    opened.run("const m = document.getElementById('curve-model'); m.value = '2'; m.dispatchEvent(new Event('change'))")
    assert opened.run("return document.getElementById('curve-words').innerText") != after


@pytest.mark.skipif(not HAS_EXTRA, reason=NO_EXTRA)
def test_pointer_tells_odds_ratio_and_risk(opened):
    opened.point("#odds-chart", 0.5)
    told = opened.run("return document.querySelector('.vg-tooltip')?.innerText ?? ''")
    assert "odds ratio" in told
    assert "mg/day" in told


@pytest.mark.skipif(not HAS_EXTRA, reason=NO_EXTRA)
def test_every_chart_is_drawn(opened):
    assert (
        opened.run(
            "return [...document.querySelectorAll('.chart')].map((c) => c.querySelectorAll('svg, canvas').length)"
        )
        == [1] * 4
    )


def test_nothing_is_fetched(opened):
    assert opened.run("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_page_never_scrolls_sideways(window, page, width, scheme):
    window.size(width)
    window.scheme(scheme)
    window.open(page)
    window.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert window.run("return document.documentElement.scrollWidth") <= width
    paper = window.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(253, 253, 251)") == (scheme == "light")
    window.scheme("light")


def test_open_tables_of_words_are_not_cut_on_a_phone(window, page):
    """One with long rows shows its cells one below the other, each with its head; only tables of numbers scroll."""
    window.size(390)
    window.open(page)
    cut = window.run(
        "return [...document.querySelectorAll('table.stack')].filter((t) => !t.closest('details:not([open])'))"
        ".filter((t) => t.scrollWidth > t.parentElement.clientWidth).map((t) => t.innerText.slice(0, 40))"
    )
    assert cut == []
    shown = window.run(
        "return getComputedStyle(document.querySelector('#stands table.stack td[data-head]'), '::before').content"
    )
    assert "result" in shown
    shade = window.run("return getComputedStyle(document.querySelector('.wide')).backgroundAttachment")
    assert "local" in shade
    assert "scroll" in shade
    window.size(1200)


@pytest.mark.skipif(not HAS_EXTRA, reason=NO_EXTRA)
def test_subscripts_lie_below_their_line_and_fractions_apart(opened):
    sunk = opened.run(
        "const bottom = (one) => one.getBoundingClientRect().bottom;"
        "return [...document.querySelectorAll('msub, msubsup')]"
        ".map((one) => bottom(one.children[1]) - bottom(one.children[0]))"
    )
    assert len(sunk) > 30
    assert min(sunk) > 1
    gaps = opened.run(
        "const box = (one) => one.getBoundingClientRect();"
        "const leaves = (one) => [...one.querySelectorAll('mi, mn'), ...(one.matches('mi, mn') ? [one] : [])];"
        "return [...document.querySelectorAll('mfrac')].map((one) => {"
        "  const [above, below] = [...one.children].map(leaves);"
        "  return Math.min(...below.map((leaf) => box(leaf).top)) - Math.max(...above.map((leaf) => box(leaf).bottom));"
        "})"
    )
    assert len(gaps) >= 7
    assert min(gaps) > 2, "glyphs of a numerator and its denominator do not touch the bar"


def test_everything_that_can_be_used_is_reached_by_tab(opened):
    opened.run("document.querySelectorAll('details').forEach((one) => { one.open = false; }); window.scrollTo(0, 0)")
    wanted = set(
        opened.run("return [...document.querySelectorAll('select, input, button')].map((one) => one.id || one.name)")
    )
    reached = set()
    for _ in range(200):
        opened.press(TAB)
        reached.add(opened.run("return document.activeElement.id || document.activeElement.name || ''"))
    assert wanted <= reached


def test_page_before_the_audit_has_its_curve_and_no_error(window, results, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(dataclasses.replace(results, audit={})))
    window.messages()
    window.open(path)
    assert "odds ratio" in window.run("return document.getElementById('curve-words').innerText")
    assert window.messages() == []
