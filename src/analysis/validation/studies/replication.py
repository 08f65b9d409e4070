"""A published number as one row of data: whom it is about, what of them, and what was printed.

A study is a TOML file beside this module. Its keys hold for each of its rows (tables ``[[row]]``), which add to or
replace them; samples are joined by ``and``. A column is a harmonised one; wherever a fact is asked for (outcome,
exposure, covariate) a condition may stand in its place, which is 1 where it is true and 0 for everybody else, the
unknown among them, and ``log(column)`` for the natural logarithm of a positive one.
"""

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, get_args

from analysis.data.people.conditions import all_of
from analysis.errors import AnalysisError, expected_one_of
from analysis.stats.disclosure import Discreet
from analysis.study import CYCLES, Weights

MeasureKind = Literal["count", "mean", "geometric_mean", "median", "prevalence", "odds_ratio", "risk_ratio"]
Untried = Literal["hazard_ratio"]
"""Kinds that are printed, and that nothing here recomputes."""

Cuts = Literal["unweighted", "weighted"]
Claim = Literal["", "above 1", "below 1"]


class ReplicationError(AnalysisError):
    """A study's file that does not say what a replication needs."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Replication(Discreet):
    """One published number and how it is recomputed.

    Attributes
    ----------
    study, citation, read_in : short name; journal, volume and page; where the printed number stood when it was read.
    item : what the number is.
    kind : statistic, see `analysis.validation.studies.kinds`.
    printed, printed_low, printed_high : as printed, so that its digits are known; empty where none was.
    sample : condition on harmonised columns; "" for everybody interviewed.
    without : condition of those who are left out of the sample; the unknown stay.
    outcome : column or condition that the statistic is of; a count needs none.
    exposure : of a ratio; a number (per unit), a condition, a category (against its first level), or, with ``groups``,
        what is cut into groups.
    level : of a categorical exposure, the one told.
    groups, group, reference : number of groups; the one told, against which (1 is the lowest).
    cuts : whether the groups' cuts are quantiles of the sample or, by its weights, of the population. The sample is cut
        before people without a covariate are lost.
    covariates : columns or conditions that a ratio is adjusted for.
    claim : of a ratio by dose, the side of 1 that it is printed for; see `analysis.validation.studies.stands`.
    known : columns that must be known beside them.
    weights, cycles : survey weight, and the cycles that are pooled.
    identifying : whether the number tells one definition from another; a sample size that many definitions reach does
        not.
    how : what was done or tried, where the row does not say it.
    not_recomputed : why nothing is recomputed; "" if it is.
    """

    shown = ("study", "item", "kind", "printed")

    study: str
    citation: str
    read_in: str
    item: str
    kind: MeasureKind | Untried
    printed: str = ""
    printed_low: str = ""
    printed_high: str = ""
    sample: str = ""
    without: str = ""
    outcome: str = ""
    exposure: str = ""
    level: str = ""
    groups: int = 0
    group: int = 0
    reference: int = 0
    cuts: Cuts = "unweighted"
    covariates: tuple[str, ...] = ()
    claim: Claim = ""
    known: tuple[str, ...] = ()
    weights: Weights = "mec"
    cycles: tuple[int, ...] = CYCLES
    identifying: bool = True
    how: str = ""
    not_recomputed: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that asks for what does not exist, or lacks what its kind needs."""
        kinds = get_args(MeasureKind) + (get_args(Untried) if self.not_recomputed else ())
        others = {name: get_args(literal) for name, literal in (("cuts", Cuts), ("weights", Weights), ("claim", Claim))}
        for field, allowed in ({"kind": kinds} | others).items():
            if getattr(self, field) not in allowed:
                raise self._error(f"{field}={getattr(self, field)!r}: expected one of {', '.join(allowed)}")
        if not self.cycles or set(self.cycles) - set(CYCLES):
            raise self._error(f"cycles={self.cycles}: expected some of {CYCLES}")
        for field in ("printed", "printed_low", "printed_high"):
            value = getattr(self, field)
            if not isinstance(value, str) or (value and not _is_number(value)):
                raise self._error(f"{field}={value!r}: expected a number in quotation marks, as printed")
        if self.not_recomputed:
            return
        if self.kind != "count" and not self.outcome:
            raise self._error(f"no outcome: expected a column or condition, since it is a {self.kind}")
        if self.kind.endswith("ratio") and not self.exposure:
            raise self._error("no exposure: expected a column or condition, since it is a ratio")
        several = range(1, self.groups + 1)
        if self.groups and (self.group not in several or self.reference not in several or self.group == self.reference):
            raise self._error(f"group={self.group}, reference={self.reference}: expected two of 1 to {self.groups}")

    def _error(self, problem: str) -> ReplicationError:
        return ReplicationError(f"{self.study}, {self.item}: {problem}.")


def _is_number(text: str) -> bool:
    whole, _, rest = text.partition(".")
    return whole.isdigit() and (rest.isdigit() or "." not in text)


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
    if not rows:
        raise ReplicationError(f"{name}: no [[row]]: expected at least one published number.")
    return tuple(_replication(common, row, name) for row in rows)


def _replication(common: dict[str, Any], row: dict[str, Any], name: str) -> Replication:
    fields = {field.name: field for field in dataclasses.fields(Replication)}
    given = common | row
    for key in given:
        if key not in fields:
            raise ReplicationError(f"{name}: key {key!r}: {expected_one_of(key, list(fields))}")
    missing = [key for key, field in fields.items() if field.default is dataclasses.MISSING and key not in given]
    if missing:
        raise ReplicationError(f"{name}: a row without {', '.join(missing)}: expected in each row or for all of them.")
    given["sample"] = all_of(part.get("sample") for part in (common, row)) or ""
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    return Replication(**given | lists)
