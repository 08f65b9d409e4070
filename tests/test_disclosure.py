"""Nothing tells one person's value: not a table's small cell, not a message, not an object shown in a notebook."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.dose_response.association import estimate
from analysis.dose_response.energy import energy_adjusted
from analysis.dose_response.frames import association_dict, summarise
from analysis.dose_response.problem import pose, set_out
from analysis.dose_response.shape import shape_of
from analysis.report.words import terminal as terminal_words
from analysis.stats.checks.design_effects import summarise_weights
from analysis.stats.disclosure import FEWEST_PEOPLE, Discreet, blanked, count_of, is_few
from analysis.stats.regression.fit import ConvergenceError, fit_linear, fit_logistic
from analysis.stats.sample.descriptives import weighted_proportion
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.study import PRIMARY
from tests.test_architecture import MODULES as WITHIN
from tests.test_architecture import ROOT

MODULES = {f"analysis.{name}": path for name, path in WITHIN.items() if name and path.name != "__init__.py"}

LONGEST = 500
"""Letters that an object shown in a notebook may have."""

HOLDS_ROWS = re.compile(r"\b(Array|Bools|Integers|Codes|NDArray|Series|DataFrame|SurveyDesign|Domain)\b")
"""Types of fields that may hold a row a person, in annotations."""


def reachable(of: object, seen: set[int]) -> Iterator[object]:
    """Everything an object holds in its fields and properties, itself first."""
    if id(of) in seen or isinstance(of, np.ndarray | pd.DataFrame | pd.Series | str | float | int):
        return
    seen.add(id(of))
    if dataclasses.is_dataclass(of):
        yield of
        properties = [name for name, _ in inspect.getmembers(type(of), lambda one: isinstance(one, property))]
        for name in [field.name for field in dataclasses.fields(of)] + properties:
            yield from reachable(getattr(of, name), seen)
    elif isinstance(of, tuple | list):
        for one in of:
            yield from reachable(one, seen)


@pytest.fixture(scope="module")
def answered(participants):
    """An answer, its shape and settings of the audit, on an invented survey."""
    association = estimate(participants, PRIMARY)
    setting = set_out(participants, PRIMARY)
    energy = participants["energy_kcal"].to_numpy(dtype=float)
    return [association, shape_of(association, replicates=20), pose(participants, PRIMARY),
            energy_adjusted(setting, energy, "residual"), participants]  # fmt: skip


def test_what_is_shown_is_one_short_line_without_anybody_in_it(answered, participants):
    shown = {type(one).__name__: repr(one) for one in reachable(answered, set())}
    assert {"Association", "StudyShape", "Setting", "Problem", "Cohort", "SurveyDesign", "Domain", "LogisticFit",
            "FittedCurve", "ShapeTests", "Threshold"} <= set(shown)  # fmt: skip
    seqn = set(map(str, participants.index))
    for name, text in shown.items():
        assert len(text) < LONGEST, name
        assert "\n" not in text
        assert not re.search(r"array\(|dtype|\d\.\d+, \d|<.* at 0x", text), text
        assert not seqn & set(re.findall(r"\d{3,}", text)) - set(re.findall(r"\[([\d]+)[ \]]", text)), text


def test_an_answer_shows_its_numbers(answered):
    association = answered[0]
    fit = association.fit
    assert (
        repr(fit)
        == f"LogisticFit(n {fit.n:,}, cases {fit.cases:,}, residual_df {fit.residual_df}, terms [{len(fit.terms)}])"
    )
    assert repr(association).startswith("Association(exposure 'magnesium_mg', outcome 'strict', model '1', n ")
    assert repr(association.problem.setting.domain).startswith(f"Domain(n {fit.n:,}, n_psu {fit.n_psu}, ")


def classes_with_rows() -> Iterator[type]:
    """Dataclasses of the package with a field that may hold a row a person."""
    for module in sorted(MODULES):
        for _, one in inspect.getmembers(importlib.import_module(module), inspect.isclass):
            if one.__module__ == module and dataclasses.is_dataclass(one):
                types = [str(field.type) for field in dataclasses.fields(one)]
                if any(HOLDS_ROWS.search(kind) and "Callable" not in kind for kind in types):
                    yield one


def test_whatever_can_hold_rows_of_people_is_discreet():
    found = list(classes_with_rows())
    telling = [f"{one.__module__}.{one.__name__}" for one in found if one.__repr__ is not Discreet.__repr__]
    assert found
    assert not telling, "give each of them Discreet as its base and repr=False"


def test_every_module_of_the_package_is_looked_at():
    found = {one.name for one in pkgutil.walk_packages(analysis.__path__, "analysis.") if not one.ispkg}
    assert found == set(MODULES)


# ---- the rule


def few_people(people: int = 60) -> tuple[np.ndarray, np.ndarray, SurveyDesign]:
    """X with a number, y and design of people in six strata of two PSUs."""
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(people), rng.normal(size=people)])
    strata = np.repeat(np.arange(6), people // 6)
    design = SurveyDesign(strata, np.arange(people) % 2, rng.uniform(1, 9, people))
    return X, (rng.random(people) < 0.5).astype(float), design


def test_few_people_are_not_counted():
    assert [count_of(n) for n in (0, 1, 9, 10, 1234)] == ["0", "fewer than 10", "fewer than 10", "10", "1,234"]
    assert [is_few(n) for n in (0, 1, FEWEST_PEOPLE - 1, FEWEST_PEOPLE)] == [False, True, True, False]
    X, y, design = few_people()
    fit = fit_logistic(X, y, design=design, domain=domain_of(design, np.ones(60, dtype=bool)), terms=("intercept", "x"))
    assert repr(dataclasses.replace(fit, n=9, cases=3)).startswith("LogisticFit(n fewer than 10, cases fewer than 10,")


def test_small_cells_are_blanked_and_others_kept():
    frame = pd.DataFrame({"n": [9, 10], "share": [0.5, 0.25], "name": ["a", "b"]})
    told = blanked(frame, ("n", "share"))
    pd.testing.assert_frame_equal(
        told, pd.DataFrame({"n": [np.nan, 10], "share": [np.nan, 0.25], "name": ["a", "b"]}), check_exact=True
    )
    assert frame["n"].tolist() == [9, 10]


def test_few_cases_are_told_in_no_format(answered):
    association = dataclasses.replace(answered[0], fit=dataclasses.replace(answered[0].fit, cases=7))
    row = summarise([association], answered[-1])["models"].iloc[0]
    shape = {"verdict": None, "reason": "too few"}
    text = terminal_words.format_association(association, shape=shape, points=[200.0], source="SYNTHETIC")
    assert pd.isna(row["cases"])
    assert association_dict(association, data="SYNTHETIC")["cases"] is None
    assert "cases = fewer than 10;" in text


# ---- messages


@pytest.mark.parametrize("people", [1, FEWEST_PEOPLE - 1])
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_separation_by_few_tells_neither_who_nor_what(people, outcome):
    X, y, design = few_people()
    marker = np.where(np.arange(60) < people, 31.25, 17.5)
    y[:people] = outcome
    everybody = domain_of(design, np.ones(60, dtype=bool))
    with pytest.raises(ConvergenceError) as refusal:
        fit_logistic(np.column_stack([X, marker]), y, design=design, domain=everybody, terms=("intercept", "x", "bmi"))
    assert str(refusal.value) == (
        "bmi: one of its two values is that of fewer than 10 people, who all have the same outcome, so its odds ratio "
        "is infinite (separation). Merge levels, remove the term, or widen the domain."
    )


def without_variation(y, X, design, domain):
    inside = domain.rows
    return fit_logistic(X[inside], y[inside], design=design, domain=domain, terms=("intercept", "x"))


def constant_number(y, X, design, domain):
    inside = domain.rows
    return fit_linear(X[inside], y[inside], design=design, domain=domain, terms=("intercept", "x"))


def constant_share(y, X, design, domain):
    return weighted_proportion(y, design=design, domain=domain)


def weights_of_few(y, X, design, domain):
    return summarise_weights(design, rows=domain.rows)


@pytest.mark.parametrize("asked", [without_variation, constant_number, constant_share, weights_of_few])
def test_what_few_people_have_in_common_is_not_told(asked):
    X, _, design = few_people()
    nine = np.isin(np.arange(60), [0, 1, 2, 10, 11, 20, 21, 30, 31])
    with pytest.raises((ConvergenceError, DesignError)) as refusal:
        asked(np.ones(60), X, design, domain_of(design, nine))
    assert "fewer than 10 people" in str(refusal.value)
    told = str(refusal.value).partition(": expected")[0]
    assert set(re.findall(r"\d+", told)) == {"10"}


def test_a_negative_weight_is_not_told():
    _, _, design = few_people()
    with pytest.raises(DesignError) as refusal:
        SurveyDesign(design.strata, design.psu, np.where(np.arange(60) == 7, -12.625, design.weights))
    assert str(refusal.value) == "fewer than 10 weights are negative: expected >= 0."


# ---- committed notebooks


def shown_by(notebook: Path) -> str:
    """All that a notebook shows, but for its pictures."""
    outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(part) for output in outputs for kind, part in {**output.get("data", {}),
                   "stream": output.get("text", "")}.items() if not kind.startswith("image/"))  # fmt: skip


def test_committed_notebooks_show_nobody():
    shown = {path.stem: shown_by(path) for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert shown
    assert all(shown.values())
    telling = re.compile(r"\bSEQN\b|\barray\(|dtype[:=]|<[\w.]+ object at 0x")
    assert not {name: found for name, text in shown.items() if (found := telling.findall(text))}
