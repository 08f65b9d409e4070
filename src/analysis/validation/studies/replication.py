"""A published number as one row of data: whom it is about, what of them, and what was printed.

A study is a TOML file beside this module. Its keys hold for each of its rows (tables ``[[row]]``), which add to or
replace them; samples are joined by ``and``. A column is a harmonised one; wherever a fact is asked for (outcome,
exposure, covariate) a condition may stand in its place, which is 1 where it is true, 0 where it is false, and missing
where neither can be said, unless ``unknown`` says that it is 0 there too; ``log(column)``, ``log2(column)`` or
``log10(column)`` for a logarithm of a positive one; and ``column / other`` for their ratio, missing where the other is
0.
"""

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, get_args, get_origin

from analysis.data.people.conditions import all_of
from analysis.errors import AnalysisError, expected_one_of, naming
from analysis.stats.disclosure import Discreet
from analysis.study import CATEGORIES, CYCLES, Weights

MeasureKind = Literal["count", "mean", "geometric_mean", "median", "prevalence", "odds_ratio", "risk_ratio"]
Untried = Literal["hazard_ratio"]
"""Kinds that are printed, and that nothing here recomputes."""

Cuts = Literal["unweighted", "weighted"]
Claim = Literal["", "above 1", "below 1"]
Unknown = Literal["missing", "no"]
SurveyWeights = Weights | Literal["interview"]
Pooling = Literal["joint", "divided"]

LITERALS = {
    "kind": get_args(MeasureKind),
    "cuts": get_args(Cuts),
    "weights": (*get_args(Weights), "interview"),
    "pooling": get_args(Pooling),
    "claim": get_args(Claim),
    "unknown": get_args(Unknown),
}
"""Fields of which a value is one of a few words."""

PRINTED_LEVEL = 0.95
"""Level of every interval that a publication printed."""

PRINTED = ("printed", "printed_low", "printed_high", "printed_se")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(,[0-9]{3}){1,3}(\.[0-9]{1,12})?")

MOST_GROUPS = 100
LARGEST = 1e12
"""Of a unit or a boundary; beyond it a number is a slip."""

KIND_WORDS: dict[type, str] = {
    str: "text in quotation marks",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


class ReplicationError(AnalysisError):
    """A study's file that does not say what a replication needs."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Replication(Discreet):
    """One published number and how it is recomputed.

    Attributes
    ----------
    study : short name.
    citation : journal, volume and page.
    publication : of which study it is another version, so that both are one publication; empty for none.
    read_in : where the printed number stood when it was read.
    item : what the number is; no two of a study are the same.
    kind : statistic, see `analysis.validation.studies.kinds`.
    printed : as printed, so that its digits are known; empty where none was. A comma parts thousands, not of a ratio.
    printed_low, printed_high : its interval as printed; both or neither.
    printed_se : of a mean or prevalence, its standard error as printed.
    sample : condition on harmonised columns; empty for everybody interviewed. A row's own is joined to the file's by
        ``and``.
    without : condition of those who are left out of the sample; the unknown stay.
    outcome : what the statistic is of; a count needs none.
    exposure : of a ratio, its number (per unit), condition or category (against its first level); or, of any kind, the
        number that is cut into groups.
    level : of a categorical exposure, the one told.
    per : units of a number that a ratio is per, or ``sd`` for a standard deviation of the sample.
    groups : number of quantile groups of the exposure.
    boundaries : limits between fixed groups of the exposure, instead of quantiles; who is at a limit is in the group
        below it.
    group : the group told; 1 is the lowest.
    reference : of a ratio, the group that it is against.
    cuts : whether quantiles and standard deviation are the sample's or, by its weights, the population's. They are
        taken before people without a covariate are lost.
    covariates : what a ratio is adjusted for; of other kinds they need only be known.
    claim : of a ratio by dose, the side of 1 that it is printed for; see `analysis.validation.studies.stands`.
    known : what must be known beside all that.
    unknown : whether a condition that is neither true nor false of somebody is missing, or no.
    weights : survey weight.
    pooling : whether 1999-2002 are pooled by their joint 4-year weight, or every cycle's 2-year weight is divided by
        the number of cycles, as many do against the advice of NCHS.
    cycles : first years of the cycles that are pooled.
    identifying : whether the number tells one definition from another; a sample size that many definitions reach does
        not.
    how : what was done or tried, where the row does not say it.
    not_recomputed : why nothing is recomputed; empty if it is.
    """

    shown = ("study", "item", "kind", "printed")

    study: str
    citation: str
    read_in: str
    item: str
    kind: MeasureKind | Untried
    publication: str = ""
    printed: str = ""
    printed_low: str = ""
    printed_high: str = ""
    printed_se: str = ""
    sample: str = ""
    without: str = ""
    outcome: str = ""
    exposure: str = ""
    level: str = ""
    per: float | Literal["sd"] = 1
    groups: int = 0
    boundaries: tuple[float, ...] = ()
    group: int = 0
    reference: int = 0
    cuts: Cuts = "unweighted"
    covariates: tuple[str, ...] = ()
    claim: Claim = ""
    known: tuple[str, ...] = ()
    unknown: Unknown = "missing"
    weights: SurveyWeights = "mec"
    pooling: Pooling = "joint"
    cycles: tuple[int, ...] = CYCLES
    identifying: bool = True
    how: str = ""
    not_recomputed: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that asks for what does not exist, lacks what its kind needs, or has what it cannot use."""
        for field, words in LITERALS.items():
            words += get_args(Untried) if field == "kind" and self.not_recomputed else ()
            if getattr(self, field) not in words:
                allowed = ", ".join(word or '""' for word in words)
                raise self._error(f"{field}={getattr(self, field)!r}: expected one of {allowed}")
        if not self.cycles or set(self.cycles) - set(CYCLES) or len(set(self.cycles)) < len(self.cycles):
            raise self._error(f"cycles={self.cycles}: expected some of {CYCLES}, each once")
        self._check_printed()
        if self.not_recomputed:
            return
        if self.kind != "count" and not self.outcome:
            raise self._error(f"no outcome: expected a column or condition, since it is a {self.kind}")
        if self.outcome in CATEGORIES:
            raise self._error(f"outcome={self.outcome!r} is a category: {_condition_on(self.outcome)}")
        if self.exposure or self.is_ratio:
            self._check_exposure()
        self._check_unused()
        self._check_groups()

    @property
    def n_groups(self) -> int:
        """Groups that the exposure is cut into; 0 if it is not."""
        return len(self.boundaries) + 1 if self.boundaries else self.groups

    @property
    def is_ratio(self) -> bool:
        """Whether it is of a regression on an exposure."""
        return self.kind in ("odds_ratio", "risk_ratio")

    def _check_printed(self) -> None:
        """Printed numbers, from here on without the commas of their thousands."""
        for field in PRINTED:
            value = getattr(self, field)
            if not isinstance(value, str) or (value and not _is_number(value)):
                raise self._error(
                    f"{field}={value!r}: expected a number in quotation marks, as printed, with a decimal point"
                )
            if "," in value and self.is_ratio:
                raise self._error(f"{field}={value!r}: expected a ratio with a decimal point, without a comma")
            object.__setattr__(self, field, value.replace(",", ""))
        if bool(self.printed_low) != bool(self.printed_high):
            raise self._error("one of printed_low and printed_high: expected both limits or neither")
        if self.printed_low and float(self.printed_low) > float(self.printed_high):
            raise self._error(
                f"printed_low={self.printed_low!r} above printed_high={self.printed_high!r}: expected the lower first"
            )
        if self.printed_se and not (self.printed and float(self.printed_se) > 0):
            raise self._error(f"printed_se={self.printed_se!r}: expected a number above 0 beside the printed one")

    def _check_exposure(self) -> None:
        """What a ratio is of, or what is cut into groups."""
        if not self.exposure:
            raise self._error("no exposure: expected a column or condition, since it is a ratio")
        if self.is_ratio and (self.exposure in self.covariates or self.outcome in (self.exposure, *self.covariates)):
            raise self._error("the same column is outcome, exposure or covariate twice: expected each once")
        levels = CATEGORIES.get(self.exposure)
        if levels and self.is_ratio and self.level not in levels[1:]:
            got = f"level={self.level!r}" if self.level else "no level"
            raise self._error(f"{got}: expected one of {', '.join(levels[1:])}, told against {levels[0]}")

    def _check_unused(self) -> None:
        """A key that would change nothing is a misunderstanding."""
        grouped, category = bool(self.n_groups), self.exposure in CATEGORIES
        unused = {
            "level": not category,
            "per": not self.is_ratio or grouped or category,
            "group": not grouped,
            "reference": not grouped or not self.is_ratio,
            "groups": not self.exposure or category,
            "boundaries": not self.exposure or category or self.groups > 0,
            "exposure": not self.is_ratio and not grouped,
            "claim": not self.is_ratio,
            "printed_se": self.kind not in ("mean", "prevalence"),
        }
        for field, idle in unused.items():
            if idle and getattr(self, field) != REPLICATION_FIELDS[field].default:
                raise self._error(f"{field}={getattr(self, field)!r} {_USE[field]}: leave it out, or say what it needs")
        if len(set(self.covariates)) < len(self.covariates):
            raise self._error(f"covariates={self.covariates}: expected each once")

    def _check_groups(self) -> None:
        """Numbers of groups, and what a ratio is per."""
        if self.per != "sd" and not 0 < self.per <= LARGEST:
            raise self._error(f'per={self.per!r}: expected a number above 0, or "sd"')
        rising = list(self.boundaries) == sorted(set(self.boundaries))
        if not rising or not all(abs(limit) <= LARGEST for limit in self.boundaries):
            raise self._error(f"boundaries={self.boundaries}: expected numbers that rise")
        if not self.n_groups:
            return
        several = range(1, self.n_groups + 1)
        if not 2 <= self.n_groups <= MOST_GROUPS:
            raise self._error(f"groups={self.groups}: expected 2 to {MOST_GROUPS}")
        if not self.is_ratio and self.group not in several:
            raise self._error(f"group={self.group}: expected one of 1 to {self.n_groups}")
        if self.is_ratio and (
            self.group not in several or self.reference not in several or self.group == self.reference
        ):
            raise self._error(f"group={self.group}, reference={self.reference}: expected two of 1 to {self.n_groups}")

    def _error(self, problem: str) -> ReplicationError:
        return ReplicationError(f"{self.study}, {self.item}: {problem}.")


_USE = {
    "level": "is of a categorical exposure",
    "per": "is of a ratio by a number that is not cut into groups",
    "group": "is one of groups",
    "reference": "is one of groups of a ratio",
    "groups": "are of an exposure that is a number",
    "boundaries": "are of an exposure that is a number, without groups",
    "exposure": "is of a ratio or of groups",
    "claim": "is of a ratio",
    "printed_se": "is of a mean or a prevalence",
}
"""What a field is of that was given in vain."""


def _condition_on(category: str) -> str:
    return f"expected a number or a condition, such as \"{category} == '{CATEGORIES[category][-1]}'\""


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text))


def read_replications() -> tuple[Replication, ...]:
    """Every row of every study that comes with the package, studies in the order of their files' names.

    Raises
    ------
    ReplicationError : a file lacks what a row needs, or has a key that no row knows.
    """
    files = sorted(
        (file for file in resources.files("analysis.validation.studies").iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    return tuple(row for file in files for row in parse_replications(file.read_text(encoding="utf-8"), name=file.name))


def parse_replications(text: str, *, name: str) -> tuple[Replication, ...]:
    """Rows of one study's file.

    Parameters
    ----------
    text : TOML.
    name : of the file, for messages.

    Raises
    ------
    ReplicationError : not TOML, no rows, an unknown key, or a row that lacks what its kind needs.
    """
    try:
        common = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReplicationError(f"{name}: {error}. Expected TOML.") from None
    rows = common.pop("row", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
        raise ReplicationError(f"{name}: no [[row]]: expected at least one published number.")
    read = tuple(_replication(common, row, name) for row in rows)
    seen: set[tuple[str, str]] = set()
    for row in read:
        if (row.study, row.item) in seen:
            raise ReplicationError(f"{name}: {row.study} has two rows {row.item!r}: expected each item once.")
        seen.add((row.study, row.item))
    return read


def _replication(common: dict[str, Any], row: dict[str, Any], name: str) -> Replication:
    given = common | row
    for part in (common, row):
        for key, value in part.items():
            if key not in REPLICATION_FIELDS:
                raise ReplicationError(f"{name}: key {key!r}: {expected_one_of(key, list(REPLICATION_FIELDS))}")
            check_kind(key, value, f"{name}, {given.get('item', 'a row')}")
    missing = [
        key for key, field in REPLICATION_FIELDS.items() if field.default is dataclasses.MISSING and not given.get(key)
    ]
    if missing:
        raise ReplicationError(f"{name}: a row without {', '.join(missing)}: expected in each row or for all of them.")
    given["sample"] = all_of(part.get("sample") for part in (common, row)) or ""
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    with naming(name):
        return Replication(**given | lists)


REPLICATION_FIELDS = {field.name: field for field in dataclasses.fields(Replication)}
"""Every key that a row may have."""


def check_kind(key: str, value: object, place: str) -> None:
    """Refuse a value of another type than its field's, before it is compared with anything."""
    if key in PRINTED:
        return  # refused by the row, which says how a number is printed
    annotation: Any = REPLICATION_FIELDS[key].type
    origin = get_origin(annotation)
    if origin is tuple:
        kind = get_args(annotation)[0]
        if not isinstance(value, list) or not all(_is(item, kind) for item in value):
            raise ReplicationError(f"{place}: {key} = {value!r}: expected a list, each of it {KIND_WORDS[kind]}.")
        return
    if key == "per" and value == "sd":
        return
    kind = float if key == "per" else str if key in LITERALS else annotation
    if not _is(value, kind):
        raise ReplicationError(f"{place}: {key} = {value!r}: expected {KIND_WORDS[kind]}.")


def _is(value: object, kind: type) -> bool:
    """Whether a value is of a type; true and false are no numbers."""
    taken = (int, float) if kind is float else kind
    return isinstance(value, taken) and (kind is bool or not isinstance(value, bool))
