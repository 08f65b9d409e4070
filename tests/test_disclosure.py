"""Nothing tells one person's value: not a table's small cell, not a message, not an object shown in a notebook."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.data.source.registry import COMMITTED, read_registry
from analysis.dose_response.association import estimate
from analysis.dose_response.energy import energy_adjusted
from analysis.dose_response.frames import association_dict, summarise
from analysis.dose_response.modifiers import effect_modification as plain_modification
from analysis.dose_response.problem import pose, set_out
from analysis.dose_response.shape import shape_of
from analysis.errors import AnalysisError
from analysis.pipeline.results import read_audit, read_claims, read_estimates, read_referee, read_simulation
from analysis.report.cells import Shown
from analysis.report.words import terminal as terminal_words
from analysis.stats.checks.design_effects import summarise_weights
from analysis.stats.disclosure import FEWEST_PEOPLE, Discreet, blanked, count_of, is_few
from analysis.stats.regression.estimable import ConvergenceError
from analysis.stats.regression.fit import fit_linear, fit_logistic
from analysis.stats.sample.descriptives import weighted_proportion
from analysis.stats.sample.design import DesignError, SurveyDesign, domain_of
from analysis.study import PRIMARY, Study
from analysis.validation.studies.replication import read_replications
from tests.test_architecture import MODULES as WITHIN
from tests.test_architecture import ROOT

MODULES = {f"analysis.{name}": path for name, path in WITHIN.items() if name and path.name != "__init__.py"}

LONGEST = 500
"""Letters that an object shown in a notebook may have."""

HOLDS_ROWS = re.compile(r"\b(Array|Bools|Integers|Codes|NDArray|Series|DataFrame|SurveyDesign|Domain)\b")
"""Types of fields that may hold a row a person, in annotations."""


LONGEST_VIEW = 40
"""Lines of a view, which shows tables."""

TELLING = re.compile(r"array\(|dtype|\d\.\d+, \d|<.* at 0x")

ANYBODY = {
    "analysis.audit.tasks.Task": "a call with its arguments, of which a function is one; goes to workers only",
    "analysis.data.people.coding.Source": "names in the CDC's files, as many as there are",
    "analysis.data.source.transport.Server": "an open connection",
    "analysis.simulation.surveys.Experiment": "functions, and truths that were invented",
    "analysis.simulation.questions.PlantedEnds": "a function that was invented",
    "analysis.stats.regression.shared.SharedColumns": "columns while regressions are fitted; shows its address only",
    "analysis.stats.regression.quasi_newton.Maximum": "where the steps of a fit end; discreet, and nobody is given it",
    "analysis.stats.regression.quasi_newton.Steps": "coefficients while something is fitted; shows its address only",
    "analysis.stats.regression.settling.Settling": "lengths of steps while something is fitted; shows its address only",
    "analysis.report.cells.Shown": "base of the views, and none itself",
    "analysis.report.views.TermTestView": "base of the views of tests, and none itself",
    "analysis.stats.disclosure.Discreet": "base of what is discreet, and nothing itself",
}
"""Public classes of which no object is looked at, and why that is no loss."""


def reachable(of: object, seen: dict[int, object]) -> Iterator[object]:
    """Everything of the package that an object holds in its fields, properties and items, itself first."""
    if id(of) in seen or isinstance(of, np.ndarray | pd.DataFrame | pd.Series | str | float | int | type):
        return
    seen[id(of)] = of
    if isinstance(of, Mapping):
        if type(of).__module__.startswith("analysis."):
            yield of
        of = tuple(of.values())
    if isinstance(of, tuple | list | set | frozenset) and not hasattr(of, "_fields"):
        for one in of:
            yield from reachable(one, seen)
    elif type(of).__module__.startswith("analysis."):
        yield of
        own = [one for one in type(of).__mro__ if one.__module__.startswith("analysis.")]
        properties = [name for one in own for name, value in vars(one).items() if isinstance(value, property)]
        fields = [field.name for field in dataclasses.fields(of)] if dataclasses.is_dataclass(of) else []
        for name in fields + properties:
            yield from reachable(getattr(of, name), seen)


@pytest.fixture(scope="module")
def answered(participants):
    """An answer, its shape and settings of the audit, on an invented survey."""
    association = estimate(participants, PRIMARY)
    setting = set_out(participants, PRIMARY)
    energy = participants["energy_kcal"].to_numpy(dtype=float)
    return [association, shape_of(association, replicates=20), pose(participants, PRIMARY),
            energy_adjusted(setting, energy, "residual"), participants]  # fmt: skip


@pytest.fixture(scope="module")
def held(answered, participants, demo):
    """What a researcher holds: the front door's results, and every constant of the package."""
    estimates, provenance = read_estimates(demo)
    study = Study(where="age_years >= 60")
    viewed = analysis.estimate(participants, study)
    drawing = analysis.drawings(estimates, provenance)["quintiles"]
    constants = [vars(importlib.import_module(module)) for module in sorted(MODULES)]
    return [answered, viewed, viewed.curve([200, 300]), viewed.prevalence([200, 300]), estimates,
            analysis.shape_of(viewed, replicates=20),
            analysis.effect_modification(participants, analysis.modifier_of(participants, ["sex"])),
            plain_modification(participants, analysis.modifier_of(participants, ["sex"]), study=PRIMARY),
            analysis.quintiles(participants), drawing, drawing.draw(), drawing.caption, provenance, demo,
            analysis.audit_study(participants, study, questions=("cycle curves",)),
            analysis.tables.models(estimates, provenance), read_registry(COMMITTED), read_replications(),
            [[one for one in names.values() if not inspect.ismodule(one)] for names in constants]]  # fmt: skip


def public_classes() -> dict[str, type]:
    """Classes of the package that somebody can hold an object of, by name."""
    found = {}
    for module in sorted(MODULES):
        for name, one in inspect.getmembers(importlib.import_module(module), inspect.isclass):
            abstract = issubclass(one, BaseException) or typing.is_typeddict(one) or getattr(one, "_is_protocol", False)
            if one.__module__ == module and not name.startswith("_") and not abstract:
                found[f"{module}.{name}"] = one
    return found


def made_of_words_and_numbers(kind: Any) -> object:
    """An object of a type whose fields are plain, with long numbers; `TypeError` if one of them is not."""
    plain = {int: 31_126, float: 1234.567890123456, str: "some words of it", bool: False, Path: Path("data"),
             type(None): None}  # fmt: skip
    if kind in plain:
        return plain[kind]
    if isinstance(kind, typing.TypeVar):
        return "whatever there is " * LONGEST
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return max(inner, key=lambda word: len(str(word)))
    if origin in (tuple, frozenset):
        return origin(made_of_words_and_numbers(one) for one in inner if one is not ...)
    if origin is Mapping:
        return {}
    if inner:
        return made_of_words_and_numbers(inner[0])
    if isinstance(kind, type) and issubclass(kind, Exception):
        return kind.__new__(kind)
    if not dataclasses.is_dataclass(kind):
        raise TypeError(kind)
    types = typing.get_type_hints(kind)
    given = {field.name: made_of_words_and_numbers(types[field.name]) for field in dataclasses.fields(kind)}
    return typing.cast("Any", kind)(**given)


def full_of_people(kind: Any, people: pd.DataFrame) -> object:
    """An object of a discreet class with all people in every field, whatever belongs there, but for whole numbers."""
    made = object.__new__(kind)
    for field in dataclasses.fields(kind):
        held = {"people": people} if "Mapping" in str(field.type) else people
        object.__setattr__(made, field.name, 31_126 if field.type is int else held)
    return made


@pytest.fixture(scope="module")
def shown(held, participants):
    """Objects of every public class, by its name, and the classes of which there is none."""
    found: dict[str, list[object]] = {}
    for one in (one for one in reachable(held, {}) if not type(one).__name__.startswith("_")):
        found.setdefault(f"{type(one).__module__}.{type(one).__name__}", []).append(one)
    without = []
    for name, kind in public_classes().items():
        if name in found or name in ANYBODY:
            continue
        try:
            discreet = issubclass(kind, Discreet) and not any("." in name for name in kind.shown)
            found[name] = [full_of_people(kind, participants) if discreet else made_of_words_and_numbers(kind)]
        except (TypeError, AnalysisError):
            without.append(name)
    return found, without


def test_of_every_public_class_an_object_is_looked_at(shown):
    found, without = shown
    assert not without, "put one among what is held, or among the exceptions with the reason"
    assert set(ANYBODY) <= set(public_classes())
    views = {f"analysis.report.{name}" for name in ("views.AssociationView", "views.ShapeView", "views.CurveView",
             "views.PrevalenceView", "views.StraightLine", "audit_view.AuditView", "group_views.ModificationView",
             "group_views.QuintilesView",
             "catalogue.Drawing", "tables.PrintedTable", "figures.layout.Caption", "figures.layout.Page")}  # fmt: skip
    others = {"data.source.registry.Registry", "data.source.registry.Table", "pipeline.results.Tables"}
    assert views | {f"analysis.{name}" for name in others} <= set(found)


@pytest.mark.parametrize("read", [read_estimates, read_claims, read_audit, read_referee, read_simulation])
def test_what_a_reader_returns_is_shown_in_a_line_as_what_there_is(read):
    """The committed ones, which are the longest."""
    tables, _ = read(ROOT / "data")
    shown = repr(tables)
    assert len(shown) < LONGEST
    assert "\n" not in shown
    assert shown.startswith(f"{len(tables)} tables (rows): ")
    told = re.findall(r"(\w+) \(([\d,]+)\)", shown)
    assert dict(told) == {name: f"{len(table):,}" for name, table in list(tables.items())[: len(told)]}
    assert len(told) > min(len(tables), 15) - 1


def test_what_is_shown_is_one_short_line_without_anybody_in_it(shown, participants):
    seqn = set(map(str, participants.index))
    for name, objects in shown[0].items():
        texts = {repr(one) for one in objects if not isinstance(one, Shown)} if name not in ANYBODY else set()
        for text in texts:
            assert len(text) < LONGEST, f"{name}: {text[:LONGEST]}"
            assert not re.search(r"\n|array\(|dtype|<(?!function).* at 0x", text), text
        for text in texts if issubclass(type(objects[0]), Discreet) else ():
            assert not TELLING.search(text), text
            assert not seqn & set(re.findall(r"\d{3,}", text)) - set(re.findall(r"\[([\d]+)[ \]]", text)), text


def test_what_a_view_shows_is_short_and_of_nobody(shown, participants):
    """Its tables are of groups and of curves: none has a row, a column or an index of the people's frame."""
    views = [one for objects in shown[0].values() for one in objects if isinstance(one, Shown)]
    assert len({type(one) for one in views}) >= 7
    for view in views:
        assert len(repr(view).splitlines()) < LONGEST_VIEW
        assert not TELLING.search(repr(view) + view._repr_html_()), view
        for table in view._cell().tables.values():
            assert len(table) < len(participants) / FEWEST_PEOPLE
            assert not {*table.columns, *table.index.names, *table.columns.names} & {*participants, "SEQN"}


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
    silent = (Discreet.__repr__, Shown.__repr__)
    telling = [f"{one.__module__}.{one.__name__}" for one in found if one.__repr__ not in silent]
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

NAMED = re.compile(r"(\w+) {2,}\S")
"""Beginning of a line of values as pandas prints a series, or people turned round: a name and the first value."""

EXTREMES = {"min", "max"}
"""Names in whose row, or column, `DataFrame.describe` has what a single person has."""


def shown_by(notebook: Path) -> list[str]:
    """All that a notebook shows, but for its pictures, an output each."""
    outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", [])]
    return ["".join(part) for output in outputs for kind, part in {**output.get("data", {}),
            "stream": output.get("text", "")}.items() if not kind.startswith("image/")]  # fmt: skip


def tells_of_people(text: str, columns: set[str]) -> str:
    """Why an output may hold rows of people or a single person's value; empty if nothing hints at it.

    A table of people has columns of the harmonised frame as its head, or as its rows if it is turned round; results
    are shown under words, and name at most one column in a head. A summary of people by pandas has their extremes.
    """
    if found := re.search(r"\bSEQN\b|\barray\(|dtype[:=]|<[\w.]+ object at 0x", text):
        return found.group()
    heads = [word.strip() for word in re.findall(r"<th[^>]*>([^<]*)</th>", text)]
    lines = [line.split() for line in text.splitlines() if line.strip()]
    printed = [word for words in lines if set(words) - {"\\", "..."} <= columns for word in words]
    turned = [match.group(1) for line in text.splitlines() if (match := NAMED.match(line.strip()))]
    firsts = {words[0] for words in lines}
    for names in (heads, printed, turned):
        if len(columns & set(names)) > 1:
            return f"columns {', '.join(sorted(columns & set(names)))}"
    if set(heads) >= EXTREMES or firsts >= EXTREMES or any(set(words) >= EXTREMES for words in lines):
        return "extremes"
    return ""


def test_committed_notebooks_show_nobody(participants):
    columns = set(participants)
    shown = {path.stem: shown_by(path) for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert shown
    assert all(shown.values())
    texts = [(name, text) for name, every in shown.items() for text in every]
    assert not [(name, found, text[:80]) for name, text in texts if (found := tells_of_people(text, columns))]
    assert not [(name, text[:80]) for name, text in texts if re.match(r"\w+\(", text) and len(text) >= LONGEST]


@pytest.mark.parametrize(
    "look",
    [
        lambda people: people.head(),
        lambda people: people.iloc[0],
        lambda people: people.reset_index(drop=True)[["age_years", "sex"]].head(3),
        lambda people: people[["magnesium_mg"]].describe(),
        lambda people: people["magnesium_mg"].describe(),
        lambda people: people.groupby("sex", observed=True)["age_years"].agg(["min", "max"]),
        lambda people: people.reset_index(drop=True).iloc[:2].T,
    ],
    ids=["head", "person", "two columns", "describe", "series", "extremes", "turned round"],
)
def test_rows_of_people_would_be_seen_in_a_notebook(participants, look):
    looked, columns = look(participants), set(participants)
    shown = [looked.to_string(), *([looked._repr_html_()] if hasattr(looked, "_repr_html_") else [])]
    assert all(tells_of_people(text, columns) for text in shown)
