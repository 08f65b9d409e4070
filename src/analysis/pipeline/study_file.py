"""A study written down in a file of its own: TOML whose keys are the fields of `Study`."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from analysis.data.people.conditions import ConditionError, columns_of
from analysis.errors import expected_one_of
from analysis.study import Study, StudyError

FIELDS = {field.name: field.default for field in dataclasses.fields(Study)}
"""Every key that a file may have, and what holds where it has not."""

KINDS: dict[type, str] = {str: "text in quotation marks", int: "a whole number", float: "a number", tuple: "a list"}
WITHOUT_DEFAULT: dict[str, type] = {"where": str, "age_max": int}
_TAKEN: dict[type, tuple[type, ...]] = {float: (int, float), tuple: (list,)}
ITEMS: dict[str, type] = {"cycles": int, "extra_covariates": str}


def read_study(path: Path, *, exposure: str | None = None) -> Study:
    """The study of a TOML file.

    Parameters
    ----------
    path : of the file; its keys are fields of `Study`, and what it leaves out is `Study`'s default.
    exposure : a column of one's own that is the exposure; a file that names another is refused.

    Raises
    ------
    StudyError : no readable file, not TOML, an unknown key, a value of another kind, what `Study` refuses, or a
        condition that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            f"{path}: {error.__class__.__name__}: expected a readable TOML file with fields of a study, such as "
            'exposure = "magnesium_mg".'
        ) from None
    return parse_study(text, name=str(path), exposure=exposure)


def parse_study(text: str, *, name: str, exposure: str | None = None) -> Study:
    r"""The study that a text says.

    Parameters
    ----------
    text : TOML.
    name : of the file, for messages.
    exposure : as of `read_study`.

    Raises
    ------
    StudyError : as `read_study`.

    Examples
    --------
    >>> parse_study('exposure = "zinc_mg"\nknots = 3', name="zinc.toml").slug
    'zinc_mg-knots_3'
    >>> parse_study('exposre = "zinc_mg"', name="zinc.toml")
    Traceback (most recent call last):
    analysis.study.StudyError: zinc.toml: key 'exposre': expected one of 14 names; did you mean exposure?
    """
    try:
        given: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f'{name}: {error}. Expected TOML, such as exposure = "magnesium_mg".') from None
    for key, value in given.items():
        if key not in FIELDS:
            raise StudyError(f"{name}: key {key!r}: {expected_one_of(key, list(FIELDS))}")
        _check_kind(key, value, name)
    if exposure is not None and given.setdefault("exposure", exposure) != exposure:
        raise StudyError(
            f"{name}: exposure = {given['exposure']!r} beside the column {exposure!r}: the column is the exposure. "
            "Leave the line out of the file, or the column."
        )
    try:
        study = Study(**given)
        if study.where is not None:
            columns_of(study.where)  # whether it can be read: its columns are looked for where the people are
    except (StudyError, ConditionError) as error:
        raise StudyError(f"{name}: {error}") from None
    return study


def _check_kind(key: str, value: object, name: str) -> None:
    """Refuse a value of another kind than its field's, before `Study` compares it with anything."""
    kind = WITHOUT_DEFAULT.get(key) or type(FIELDS[key])
    if not isinstance(value, _TAKEN.get(kind, kind)) or isinstance(value, bool):
        raise StudyError(f"{name}: {key} = {value!r}: expected {KINDS[kind]}.")
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, ITEMS[key]) or isinstance(item, bool):
                raise StudyError(f"{name}: {key} = {value!r}: expected each of them to be {KINDS[ITEMS[key]]}.")
