"""Size and power of the two questions about a curve's ends, under known truths, without and with recall error.

"Falls, then rises" is about slopes, "both ends higher than the middle" about levels: `analysis.stats.shape.questions`.
Each is asked of outcomes drawn from a curve of the very day that is analysed, from a U of energy, and from a curve of
usual intake of which one recalled day is analysed. Then the day's variation, which does not hang on the outcome, pulls
the curve towards its middle: by about the attenuation, one half in the invented surveys as in the real ones.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.simulation.energy import energy_u
from analysis.simulation.shapes import SHAPES, U_SHAPES, fitted_to
from analysis.simulation.surveys import (
    FITTED_DEPTH,
    Base,
    CurveOf,
    Experiment,
    flat,
    rates,
)
from analysis.stats.arrays import Array, Frames, Row
from analysis.stats.shape.questions import ENDS, ENDS_HIGHER, FALLS_THEN_RISES, end_tests, ends_name
from analysis.stats.shape.verdict import ALPHA

ON_THE_DAY, ON_USUAL = "the analysed day", "usual intake"
ENERGY, ENERGY_AS_FITTED = "energy's U", "energy's U as fitted"


@dataclass(frozen=True, slots=True)
class PlantedEnds:
    """What truly draws the outcome.

    Attributes
    ----------
    name : of the curve.
    curve : log odds by magnesium.
    energy : depth of a U of energy, 1 as bent as the invented survey's U of magnesium.
    of : what intake the curve of magnesium is of; the recalled day is analysed in any case.
    """

    name: str
    curve: CurveOf = flat
    energy: float = 0.0
    of: str = ON_THE_DAY

    def __call__(self, x: Array) -> Array:
        """Log odds by magnesium."""
        return self.curve(x)

    @property
    def kind(self) -> str:
        """What a rate of finding is: power of a U, confounding if energy draws the curve, else size."""
        return "confounding" if self.energy else "power" if self.name in U_SHAPES else "size"

    def expected(self, base: Base) -> Array:
        """Probability of the outcome, (m,)."""
        if self.of == ON_USUAL:
            return base.expected_of_usual(self.curve)
        if not self.energy:
            return base.expected(self.curve)
        return base.expected_with(self.curve, self.energy * energy_u(base.energy[base.problem.setting.domain.rows]))


def _truths() -> dict[str, PlantedEnds]:
    on_the_day = [PlantedEnds(name, curve) for name, curve in SHAPES.items()]
    of_energy = [PlantedEnds(ENERGY_AS_FITTED, energy=FITTED_DEPTH), PlantedEnds(ENERGY, energy=1.0)]
    # Without an association there is nothing that recall error could blur.
    of_usual = [PlantedEnds(name, curve, of=ON_USUAL) for name, curve in SHAPES.items() if curve is not flat]
    return {f"{truth.name}, {truth.of}": truth for truth in (*on_the_day, *of_energy, *of_usual)}


TRUTHS = _truths()
"""Every truth the questions are asked of."""


def question_tables(every: pd.DataFrame) -> Frames:
    """Rates at which each question is answered with yes, by what truly draws the outcome.

    Parameters
    ----------
    every : rows of all drawn outcomes, as `analysis.simulation.surveys.Experiment` gives them.

    Returns
    -------
    curve, curve_of (the analysed day, or usual intake: recall error on top), question, ends (quantiles of intake),
    kind (``size``, ``power`` or ``confounding``), surveys, failed, rate of p < 0.05, monte_carlo_error.
    """
    found = every.rename(columns={"curve": "truth"})
    table = rates(found, ["truth", "question", "ends"], "hit")
    truths = [TRUTHS[name] for name in table.pop("truth")]
    table.insert(0, "curve", [truth.name for truth in truths])
    table.insert(1, "curve_of", [truth.of for truth in truths])
    table.insert(4, "kind", [truth.kind for truth in truths])
    return {"questions": table}


def _rows(base: Base, truth: PlantedEnds, rng: np.random.Generator) -> list[Row]:
    mu = base.once(truth, make=lambda: truth.expected(base))
    tests = end_tests(fitted_to(base, base.draw_of(mu, rng)))
    slopes = [(FALLS_THEN_RISES, ends, p) for ends, p in zip(ENDS, tests.slopes_p, strict=True)]
    asked = [*slopes, (ENDS_HIGHER, ENDS[0], tests.levels.p_value)]
    return [{"question": question, "ends": ends_name(ends), "hit": float(p < ALPHA)} for question, ends, p in asked]


EXPERIMENT = Experiment("questions", _rows, TRUTHS, question_tables)
