"""The protocol as data: every choice a study makes, written once.

A sensitivity analysis is the same protocol with one field changed: ``dataclasses.replace(PRIMARY, knots=3)``.
"""

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from analysis.errors import AnalysisError, kind_words

Outcome = Literal["strict", "lenient", "both_feet", "two_sites", "any_tested", "pad", "any_led"]
Weights = Literal["dietary", "mec", "none"]
Model = Literal["crude", "1", "2", "3"]
LonelyDomain = Literal["fail", "keep"]

CYCLES = (1999, 2001, 2003)
"""First year of each two-year cycle in which the monofilament examination was done with this protocol."""

KnotQuantiles = Literal["unweighted", "weighted"]
KnotRule = Literal["harrell", "hmisc"]
KNOT_NUMBERS = (3, 4, 5, 6)

CONF_LEVEL = 0.95
"""Level of the intervals of a study that asks for no other."""

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
    "magnesium_supplement_level": ("none", "up_to_100", "up_to_350", "above_350"),
}
"""Levels of the categorical covariates, the reference level first."""

OUTCOMES: dict[Outcome, str] = {
    "strict": "at least one insensate site on either foot (free of it: both feet assessed)",
    "lenient": "at least one insensate site on either foot (free of it: no insensate site on any assessed foot)",
    "both_feet": "at least one insensate site, both feet assessed",
    "two_sites": "at least two insensate sites over the two feet",
    "any_tested": "at least one insensate site by its own trials, on a foot fully assessed or not",
    "pad": "an ankle-brachial index below 0.9 in the leg with the lower known one",
    "any_led": "neuropathy (lenient), an ankle-brachial index below 0.9, a foot sore or an amputation, where the first "
    "two are known",
}

_OTHER_DISEASES: dict[str, str] = {"pad": "arterial disease", "any_led": "lower-extremity disease"}
"""Outcomes that are no rule of neuropathy, and the disease that each is a sign of."""


def cycle_name(cycle: int) -> str:
    """Both years of a cycle: 1999 is "1999-2000"."""
    return f"{cycle}-{cycle + 1}"


def disease_of(outcome: str) -> str:
    """Which peripheral disease an outcome is a sign of, in words."""
    return _OTHER_DISEASES.get(outcome, "neuropathy")


_COMPARISONS = {">=": "from", "<=": "to", "==": "is", "!=": "not", ">": "above", "<": "below"}
_NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
_WORD = r"[a-z0-9.]+(?:_[a-z0-9]+)*"
_PLAIN_CONDITION = re.compile(
    rf"({_NAME}) *({'|'.join(_COMPARISONS)}) *(?:'({_NAME})'|\"({_NAME})\"|([0-9]+(?:\.[0-9]+)?))"
)
_LINKS = {"and", *_COMPARISONS.values()}
"""Words of a file name that stand for what cannot be in one; a column or level that has one of them is not plain."""

LONGEST_SLUG = 120
"""Letters of a study's file name; a longer one is cut and told apart by a digest."""

DIGEST = 12
"""Hexadecimal digits that tell apart studies whose readable names could be another's: one chance in 10¹⁴ a pair."""


class StudyError(AnalysisError):
    """A study asks for something that the protocol does not define."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Study:
    """One dose-response study: who, which exposure, which outcome, which model.

    Attributes
    ----------
    exposure : harmonised column of numbers with its unit, for example ``magnesium_mg`` (mg/day, day-1 recall); of a
        nutrient the recall must be reliable.
    outcome : rule that turns insensate sites into peripheral neuropathy, or peripheral arterial disease (``pad``), or
        any lower-extremity disease (``any_led``); see `OUTCOMES`.
    weights : survey weight: day-1 dietary, MEC examination, or none (weight 1, design kept).
    knots : number of knots of the restricted cubic spline.
    knot_rule : where they are placed: on Harrell's quantiles, or as R's ``Hmisc::rcspline.eval`` does, which departs
        from them where many share the lowest or highest value, and below 100 people.
    knot_quantiles : whether those quantiles are the cohort's or, by the study's weight, the population's.
    model : covariate set; see `COVARIATES`.
    cycles : first years of the cycles that are pooled.
    where : further condition on harmonised columns, for example ``age_years >= 60 and sex == 'female'``.
    extra_covariates : harmonised columns added to the model's own, for a sensitivity analysis.
    age_min : youngest age in years; the monofilament examination was given from 40.
    age_max : oldest age in years, which the files top at 85; None for no limit.
    conf_level : level of every interval.
    lonely_domain : what to do when a stratum has people of the cohort in one of its PSUs only: refuse, or keep its
        empty PSUs as totals of zero, as R's survey package does without asking.

    Raises
    ------
    StudyError : a field has a value that the protocol does not define.

    Examples
    --------
    >>> Study(model="2", where="age_years >= 60").slug
    'magnesium_mg-model_2-where_age_years_from_60'
    >>> Study(knots=7)
    Traceback (most recent call last):
    analysis.study.StudyError: knots=7: expected one of 3, 4, 5, 6.
    """

    exposure: str = "magnesium_mg"
    outcome: Outcome = "strict"
    weights: Weights = "dietary"
    knots: int = 4
    knot_quantiles: KnotQuantiles = "unweighted"
    knot_rule: KnotRule = "harrell"
    model: Model = "1"
    cycles: tuple[int, ...] = CYCLES
    where: str | None = None
    extra_covariates: tuple[str, ...] = ()
    age_min: int = 40
    age_max: int | None = None
    conf_level: float = CONF_LEVEL
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
        _require("knot_rule", self.knot_rule, get_args(KnotRule))
        if (self.knot_rule, self.knot_quantiles) == ("hmisc", "weighted"):
            raise StudyError(
                'knot_rule="hmisc" with knot_quantiles="weighted": Hmisc\'s rule knows no weights. Leave one out.'
            )
        _require("lonely_domain", self.lonely_domain, get_args(LonelyDomain))
        if not self.cycles or len(set(self.cycles)) != len(self.cycles):
            raise StudyError(f"cycles={self.cycles}: expected each of {CYCLES} at most once, and at least one.")
        for cycle in self.cycles:
            _require("cycles", cycle, CYCLES)
        if not isinstance(self.conf_level, float) or not 0 < self.conf_level < 1:
            raise StudyError(f"conf_level={self.conf_level!r}: expected a number between 0 and 1.")
        if not isinstance(self.age_min, int) or self.age_min < 0:
            raise StudyError(f"age_min={self.age_min!r}: expected a whole number of years.")
        if self.age_max is not None and (not isinstance(self.age_max, int) or self.age_max < self.age_min):
            raise StudyError(
                f"age_max={self.age_max!r}: expected a whole number of years from age_min={self.age_min} on."
            )
        # Of one type, so that equal studies are written alike.
        for field, plain in (("knots", int(self.knots)), ("cycles", tuple(sorted(map(int, self.cycles)))),
                             ("conf_level", float(self.conf_level)), ("age_min", int(self.age_min))):  # fmt: skip
            object.__setattr__(self, field, plain)
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
        """A file name's part, no two studies' the same: the exposure and every field that is not `Study`'s default.

        Where letters had to be left out that could tell this study from another (parentheses, ``or``, capitals, what a
        file system does not take), or the name is too long, a digest of all fields follows. Blanks and the kind of
        quotation marks in a plain condition tell nothing apart.
        """
        changed = [field.name for field in dataclasses.fields(self) if getattr(self, field.name) != field.default]
        fields = [_field_name(name, getattr(self, name)) for name in changed if name != "exposure"]
        parts = [(_file_name(self.exposure), re.fullmatch(_NAME, self.exposure) is not None), *fields]
        slug = "-".join(words for words, _ in parts)
        if all(plain for _, plain in parts) and len(slug) <= LONGEST_SLUG:
            return slug
        return f"{slug[:LONGEST_SLUG]}-{hashlib.sha256(repr(self).encode()).hexdigest()[:DIGEST]}"

    @property
    def outcome_column(self) -> str:
        """Harmonised column that holds the outcome: 1, 0 or missing."""
        return self.outcome if self.outcome in _OTHER_DISEASES else f"pn_{self.outcome}"

    @property
    def disease(self) -> str:
        """Which peripheral disease the outcome is a sign of, in words."""
        return disease_of(self.outcome)


def _field_name(name: str, value: object) -> tuple[str, bool]:
    """A field in the letters of a file name, and whether it can be read back from them."""
    if name == "where":
        return _condition_name(str(value))
    words = [str(item) for item in value] if isinstance(value, tuple) else [str(value)]
    plain = all(re.fullmatch(_WORD, word) and not _LINKS & set(word.split("_")) for word in words)
    link = " and " if name == "extra_covariates" else " "
    return _file_name(f"{name} {link.join(words)}"), plain


def _condition_name(where: str) -> tuple[str, bool]:
    """A condition likewise: plain if it is comparisons of columns with values, joined by ``and``."""
    pieces = [_PLAIN_CONDITION.fullmatch(piece) for piece in re.split(r" +and +", where.strip(" "))]
    compared = [(piece[1], _COMPARISONS[piece[2]], piece[3] or piece[4] or piece[5]) for piece in pieces if piece]
    if len(compared) < len(pieces) or any(_LINKS & set(f"{a}_{b}".split("_")) for a, _, b in compared):
        return _file_name(f"where {where}"), False
    return f"where_{'_and_'.join('_'.join(words) for words in compared)}", True


def condition_slug(text: str) -> str:
    """A condition, or several joined by "/", in the letters of a file name; told apart by a digest where it is long."""
    words, plain = _condition_name(text)
    words = words.removeprefix("where_")
    if plain and len(words) <= LONGEST_SLUG:
        return words
    return f"{words[:LONGEST_SLUG]}-{hashlib.sha256(text.encode()).hexdigest()[:DIGEST]}"


def _file_name(text: str) -> str:
    """Text in the letters of a file name; comparisons keep their meaning."""
    for sign, word in _COMPARISONS.items():
        text = text.replace(sign, f" {word} ")
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_.")


def _require(field: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise StudyError(f"{field}={value!r}: expected one of {', '.join(map(str, allowed))}.")


def listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """Several names; a single text is one name and not its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def refuse_no_study(given: object) -> None:
    """Refuse what is no study, such as the name of an exposure.

    Raises
    ------
    StudyError : it is none.
    """
    if not isinstance(given, Study):
        raise StudyError(f"study: got {kind_words(given)}, expected a Study, such as Study(exposure='phosphorus_mg').")


PRIMARY = Study()
"""Model 1, dietary weights, strict outcome, 4 knots, three cycles."""

MODELS: tuple[Model, ...] = get_args(Model)
