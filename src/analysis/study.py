"""The protocol as data: every choice a study makes, written once.

A sensitivity analysis is the same protocol with one field changed: ``dataclasses.replace(PRIMARY, knots=3)``.
"""

import dataclasses
import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

from analysis.errors import AnalysisError

Outcome = Literal["strict", "lenient", "both_feet", "two_sites"]
Weights = Literal["dietary", "mec", "none"]
Model = Literal["crude", "1", "2", "3"]
LonelyDomain = Literal["fail", "keep"]

CYCLES = (1999, 2001, 2003)
"""First year of each two-year cycle in which the monofilament examination was done with this protocol."""

KnotQuantiles = Literal["unweighted", "weighted"]
KNOT_NUMBERS = (3, 4, 5, 6)

BOOTSTRAP_REPLICATES = 1000
"""Samples of the design bootstrap that gives the lowest point its interval."""

_DEMOGRAPHIC = ("age_years", "sex", "race_ethnicity")
_HEALTH = ("education", "pir", "bmi_kg_m2", "smoking", "alcohol", "has_diabetes", "has_hypertension")

COVARIATES: dict[Model, tuple[str, ...]] = {
    "crude": (),
    "1": _DEMOGRAPHIC,
    "2": _DEMOGRAPHIC + _HEALTH,
    "3": (*_DEMOGRAPHIC, *_HEALTH, "energy_kcal"),
}
"""Harmonised columns each model adjusts for; model 2 is model 1 and more, model 3 is model 2 and energy."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "sex": ("male", "female"),
    "race_ethnicity": (
        "non_hispanic_white",
        "mexican_american",
        "other_hispanic",
        "non_hispanic_black",
        "other",
    ),
    "education": ("more_than_high_school", "high_school", "less_than_high_school"),
    "smoking": ("never", "former", "current"),
    "alcohol": ("never", "former", "moderate", "heavy"),
}
"""Levels of the categorical covariates, the reference level first."""

OUTCOMES: dict[Outcome, str] = {
    "strict": "at least one insensate site on either foot (free of it: both feet assessed)",
    "lenient": "at least one insensate site on either foot (free of it: no insensate site on any assessed foot)",
    "both_feet": "at least one insensate site, both feet assessed",
    "two_sites": "at least two insensate sites over the two feet",
}


_COMPARISONS = {">=": "from", "<=": "to", "==": "is", "!=": "not", ">": "above", "<": "below"}
LONGEST_SLUG = 120
"""Letters of a study's file name; a longer one is cut and told apart by a digest."""


class StudyError(AnalysisError):
    """A study asks for something that the protocol does not define."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Study:
    """One dose-response study: who, which exposure, which outcome, which model.

    Attributes
    ----------
    exposure : harmonised nutrient column with its unit, for example ``magnesium_mg`` (mg/day, day-1 recall).
    outcome : rule that turns insensate sites into peripheral neuropathy; see `OUTCOMES`.
    weights : survey weight: day-1 dietary, MEC examination, or none (weight 1, design kept).
    knots : number of knots of the restricted cubic spline, placed by Harrell's quantiles.
    knot_quantiles : whether those quantiles are the cohort's or, by the study's weight, the population's.
    model : covariate set; see `COVARIATES`.
    cycles : first years of the cycles that are pooled.
    where : further condition on harmonised columns, for example ``age_years >= 60 and sex == 'female'``.
    extra_covariates : harmonised columns added to the model's own, for a sensitivity analysis.
    age_min : youngest age in years; the monofilament examination was given from 40.
    conf_level : level of every interval.
    lonely_domain : what to do when a stratum has people of the cohort in one of its PSUs only: refuse, or keep its
        empty PSUs as totals of zero, as R's survey package does without asking.

    Raises
    ------
    StudyError : a field has a value that the protocol does not define.
    """

    exposure: str = "magnesium_mg"
    outcome: Outcome = "strict"
    weights: Weights = "dietary"
    knots: int = 4
    knot_quantiles: KnotQuantiles = "unweighted"
    model: Model = "1"
    cycles: tuple[int, ...] = CYCLES
    where: str | None = None
    extra_covariates: tuple[str, ...] = ()
    age_min: int = 40
    conf_level: float = 0.95
    lonely_domain: LonelyDomain = "fail"

    def __post_init__(self) -> None:
        for field in ("cycles", "extra_covariates"):
            if not isinstance(getattr(self, field), tuple | list):
                raise StudyError(f"{field}={getattr(self, field)!r}: expected several values in a tuple.")
            object.__setattr__(self, field, tuple(getattr(self, field)))
        _require("outcome", self.outcome, get_args(Outcome))
        _require("weights", self.weights, get_args(Weights))
        _require("model", self.model, get_args(Model))
        _require("knots", self.knots, KNOT_NUMBERS)
        _require("knot_quantiles", self.knot_quantiles, get_args(KnotQuantiles))
        _require("lonely_domain", self.lonely_domain, get_args(LonelyDomain))
        if not self.cycles or len(set(self.cycles)) != len(self.cycles):
            raise StudyError(f"cycles={self.cycles}: expected each of {CYCLES} at most once, and at least one.")
        for cycle in self.cycles:
            _require("cycles", cycle, CYCLES)
        object.__setattr__(self, "cycles", tuple(sorted(self.cycles)))
        if not isinstance(self.conf_level, float) or not 0 < self.conf_level < 1:
            raise StudyError(f"conf_level={self.conf_level!r}: expected a number between 0 and 1.")
        if not isinstance(self.age_min, int) or self.age_min < 0:
            raise StudyError(f"age_min={self.age_min!r}: expected a whole number of years.")
        if len(set(self.covariates)) != len(self.covariates):
            raise StudyError(f"extra_covariates={self.extra_covariates}: model {self.model} already has one of them.")
        if self.exposure in self.covariates:
            extra = self.exposure in self.extra_covariates
            part = "one of the extra covariates (--covariates)" if extra else f"a covariate of model {self.model}"
            remedy = "Leave it out of them, or choose another" if extra else "Choose another model or"
            raise StudyError(
                f"{self.exposure} is the exposure and also {part}: "
                f"its effect could not be told apart from itself. {remedy} exposure."
            )

    @property
    def covariates(self) -> tuple[str, ...]:
        """Harmonised columns the model adjusts for."""
        return COVARIATES[self.model] + self.extra_covariates

    @property
    def slug(self) -> str:
        """A file name's part: the exposure and every field that is not the primary study's."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        others = {name: getattr(self, name) for name in usual if name != "exposure"}
        told = [f"{name} {value}" for name, value in others.items() if value != usual[name]]
        slug = "-".join([self.exposure, *map(_file_name, told)])
        if len(slug) <= LONGEST_SLUG:
            return slug
        return f"{slug[:LONGEST_SLUG]}-{hashlib.sha256(repr(self).encode()).hexdigest()[:8]}"

    @property
    def outcome_column(self) -> str:
        """Harmonised column that holds the outcome: 1, 0 or missing."""
        return f"pn_{self.outcome}"


def _file_name(text: str) -> str:
    """Text in the letters of a file name; comparisons keep their meaning."""
    for sign, word in _COMPARISONS.items():
        text = text.replace(sign, f" {word} ")
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_")


def _require(field: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise StudyError(f"{field}={value!r}: expected one of {', '.join(map(str, allowed))}.")


PRIMARY = Study()
"""Model 1, dietary weights, strict outcome, 4 knots, three cycles."""

MODELS: tuple[Model, ...] = get_args(Model)
