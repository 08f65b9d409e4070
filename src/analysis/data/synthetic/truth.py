"""What an invented survey is planted with: the truth that an analysis of it can be held to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError

TRUTH_FILE = Path("registry", "truth.json")

Interval = tuple[float, float]


class SyntheticError(AnalysisError):
    """A survey that cannot be invented as asked."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Truth:
    """The planted model of neuropathy (the strict outcome: at least one insensate site on either foot).

    log-odds = intercept + age + sex + race + diabetes + smoking + drinking + PSU effect + curve(magnesium)
               + curve(energy) + depletion score,   curve(x) = curvature * log(x / nadir)^2

    and of peripheral arterial disease: log-odds = pad_intercept + age + a straight line in magnesium, inside range_mg.

    Intakes are those of the first recall's day. Outside its core a curve goes on as its tangent, straight in x, and
    outside its range it is flat: the parabola in the logarithm is steepest and most bent at the lowest intakes, where
    a restricted cubic spline is a straight line and could not follow; and a few extreme recalls must not be certain
    cases. So an analysis with four knots can be held to the planted odds ratios. They are conditional on everything
    in the model; leaving out diabetes, smoking, drinking and PSU changes them by a few hundredths at most.

    Attributes
    ----------
    nadir_mg, nadir_kcal : lowest point of the curve, mg/day and kcal/day.
    curvature, energy_curvature : log-odds per squared log unit; 0 plants nothing.
    core_mg, core_kcal : inside it the curve is the parabola, outside its tangents.
    range_mg, range_kcal : outside it the curve is flat.
    intercept : log-odds of a White man of 60 without risk factors at the nadir.
    age_per_year, female, mexican_american, other_hispanic, non_hispanic_black, other_race, has_diabetes, smokes,
    drinks_heavily : log odds ratios.
    psu_sd : standard deviation of the PSU effect on the log-odds.
    depletion_per_point : log odds ratio of neuropathy per point of the magnesium depletion score.
    pad_intercept : log-odds of arterial disease of somebody of 60 at 240 mg of magnesium.
    pad_age_per_year, pad_per_100_mg : log odds ratios of arterial disease.
    """

    nadir_mg: float = 240.0
    curvature: float = 1.30
    core_mg: Interval = (150.0, 300.0)
    range_mg: Interval = (60.0, 1000.0)
    nadir_kcal: float = 1900.0
    energy_curvature: float = 0.0
    core_kcal: Interval = (1300.0, 2500.0)
    range_kcal: Interval = (500.0, 7000.0)
    intercept: float = -1.99
    age_per_year: float = 0.045
    female: float = -0.45
    mexican_american: float = 0.10
    other_hispanic: float = 0.0
    non_hispanic_black: float = 0.25
    other_race: float = 0.0
    has_diabetes: float = 0.35
    smokes: float = 0.10
    drinks_heavily: float = 0.15
    psu_sd: float = 0.20
    depletion_per_point: float = 0.0
    pad_intercept: float = -3.0
    pad_age_per_year: float = 0.08
    pad_per_100_mg: float = -0.15

    def __post_init__(self) -> None:
        """Refuse a curve without a lowest point inside its range."""
        for nadir, core, limits in (
            (self.nadir_mg, self.core_mg, self.range_mg),
            (self.nadir_kcal, self.core_kcal, self.range_kcal),
        ):
            if not 0 < limits[0] <= core[0] < nadir < core[1] <= limits[1]:
                message = f"planted lowest point {nadir:g}: expected inside its core {core}, and that in {limits}."
                raise SyntheticError(message)

    def log_odds_ratio(self, x: ArrayLike, reference: float) -> NDArray[np.float64]:
        """Planted log odds ratio of magnesium intake x against a reference intake, mg/day.

        Parameters
        ----------
        x : array of mg/day.
        reference : mg/day.

        Returns
        -------
        float array of the shape of x.
        """
        settings = (self.nadir_mg, self.curvature, self.core_mg, self.range_mg)
        return _planted_curve(x, *settings) - _planted_curve(reference, *settings)

    def energy_log_odds_ratio(self, x: ArrayLike, reference: float) -> NDArray[np.float64]:
        """Planted log odds ratio of energy intake x against a reference intake, kcal/day.

        Parameters
        ----------
        x : array of kcal/day.
        reference : kcal/day.

        Returns
        -------
        float array of the shape of x.
        """
        settings = (self.nadir_kcal, self.energy_curvature, self.core_kcal, self.range_kcal)
        return _planted_curve(x, *settings) - _planted_curve(reference, *settings)


PLANTED = Truth()
"""Odds ratio against 240 mg: 2.0 at 100 mg, 1.33 at 150 mg, 1.57 at 500 mg."""


def _planted_curve(
    x: ArrayLike, nadir: float, curvature: float, core: Interval, limits: Interval
) -> NDArray[np.float64]:
    """Log-odds above the lowest point: parabola in log x, its tangents outside the core, flat outside the limits."""
    inside = np.clip(np.asarray(x, dtype=float), *limits)
    touching = np.clip(inside, *core)
    log_ratio = np.log(touching / nadir)
    return curvature * (log_ratio**2 + 2 * log_ratio / touching * (inside - touching))


def read_truth(folder: Path) -> Truth:
    """Read what was planted in the survey that lies in a folder.

    Parameters
    ----------
    folder : as for ``write_survey``.

    Returns
    -------
    Truth

    Raises
    ------
    SyntheticError : there is no readable truth in the folder.
    """
    path = folder / TRUTH_FILE
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return Truth(**(fields | lists))
    except (OSError, ValueError, TypeError) as error:
        message = f"{path} cannot be read ({error}): expected the planted truth that `write_survey` leaves there."
        raise SyntheticError(message) from error
