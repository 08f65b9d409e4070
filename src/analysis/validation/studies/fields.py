"""Every field of a replication's file, from the class that reads it: its type, default, meaning and an example."""

import dataclasses
import inspect
import re
from typing import get_args, get_origin

import pandas as pd

from analysis.validation.studies.replication import KIND_WORDS, LITERALS, PRINTED, REPLICATION_FIELDS, Replication

EXAMPLES = {
    "study": 'study = "Ford & Mokdad 2003"',
    "citation": 'citation = "J Nutr 133:2879"',
    "read_in": 'read_in = "abstract"',
    "item": 'item = "magnesium mean, White men, mg"',
    "kind": 'kind = "odds_ratio"',
    "publication": 'publication = "Hicks 2020"',
    "printed": 'printed = "0.40"',
    "printed_low": 'printed_low = "0.21"',
    "printed_high": 'printed_high = "0.77"',
    "printed_se": 'printed_se = "0.07"',
    "sample": "sample = \"age_years >= 40 and sex == 'female'\"",
    "without": 'without = "pregnant == 1"',
    "outcome": 'outcome = "abi_lowest < 0.9 or abi_highest > 1.4"',
    "exposure": 'exposure = "calcium_mg / magnesium_mg"',
    "level": 'level = "current"',
    "per": "per = 100",
    "groups": "groups = 4",
    "boundaries": "boundaries = [200, 300, 400]",
    "group": "group = 1",
    "reference": "reference = 4",
    "cuts": 'cuts = "weighted"',
    "covariates": 'covariates = ["age_years", "sex", "log(energy_kcal)"]',
    "claim": 'claim = "below 1"',
    "known": 'known = ["bmi_kg_m2"]',
    "unknown": 'unknown = "no"',
    "weights": 'weights = "dietary"',
    "pooling": 'pooling = "divided"',
    "cycles": "cycles = [1999, 2001]",
    "identifying": "identifying = false",
    "how": 'how = "their covariates were not read: age and sex"',
    "not_recomputed": 'not_recomputed = "fasting glucose is not among the registered files"',
}
"""A line of TOML for every field."""

_FIELD = re.compile(r"^(?P<names>[a-z_, ]+) : (?P<words>.*)$")


def replication_fields() -> pd.DataFrame:
    """Every field of `Replication` in its order: field, type, default, meaning, example."""
    meanings = _meanings()
    rows = [
        {
            "field": f"`{name}`",
            "type": _type_words(name),
            "default": _default_words(field),
            "meaning": meanings[name],
            "example": f"`{EXAMPLES[name]}`",
        }
        for name, field in REPLICATION_FIELDS.items()
    ]
    return pd.DataFrame(rows)


def _meanings() -> dict[str, str]:
    """What the class's own docstring says of each of its attributes."""
    attributes = inspect.getdoc(Replication).partition("----------\n")[2].partition("\n\n")[0]  # type: ignore[union-attr]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in attributes.splitlines():
        begun = _FIELD.match(line)
        if begun:
            names = begun["names"].split(", ")
        words = begun["words"] if begun else line.strip()
        for name in names:
            found[name] = f"{found.get(name, '')} {words}".strip().replace("``", "`")
    return found


def _type_words(name: str) -> str:
    if name in LITERALS:
        return " or ".join(f'"{word}"' for word in LITERALS[name])
    if name == "per":
        return 'a number, or "sd"'
    if name in PRINTED:
        return "a number in quotation marks"
    annotation = REPLICATION_FIELDS[name].type
    if get_origin(annotation) is tuple:
        return f"a list, each of it {KIND_WORDS[get_args(annotation)[0]]}"
    return KIND_WORDS[annotation]  # type: ignore[index]  # a class, since it is none of the above


def _default_words(field: "dataclasses.Field[object]") -> str:
    """The default as TOML writes it."""
    value = field.default
    if value is dataclasses.MISSING:
        return "must be there"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
