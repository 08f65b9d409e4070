"""Whether one sampling unit carries a bend, in words: what is told of single units, and of how many nothing is."""

from dataclasses import dataclass

from analysis.audit.heterogeneity import REFITTED
from analysis.report.words.audit import unanswered_words
from analysis.report.words.numbers import p_at_most, p_number, sentence
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA


def sampling_units_sentence(audit: Frames) -> str:
    """Whether one sampling unit carries the bend."""
    if unanswered := unanswered_words(audit, "psu_shape"):
        return unanswered
    units = without_units(audit)
    if not units.told:
        return f"Whether one sampling unit carries the bend cannot be told: {units.untold()}."
    told = (
        f"with everybody the non-linear p is {p_number(units.full)}, without one of {units.told} sampling units "
        f"{p_at_most(units.most)}, covariance and df estimated anew"
    )
    rest = f" {sentence(units.untold())}." if units.untold() else ""
    if units.full >= ALPHA:
        which = "of those told here could carry" if rest else "could carry"
        words = f"No bend is shown that one sampling unit {which}: {told}; the least {p_number(units.least)}."
    elif units.most < ALPHA:
        none = "None of the sampling units told here" if rest else "No single sampling unit"
        words = f"{none} carries the bend: {told}."
    else:
        words = f"The bend rests on single sampling units ({units.carriers} of them): {told}."
    return f"{words}{rest}"


@dataclass(frozen=True, slots=True)
class WithoutUnits:
    """The non-linear p without each sampling unit in turn, covariance and df estimated anew.

    Attributes
    ----------
    full : with everybody.
    told : number of units that are told of.
    least, most : the p without one of these, NaN if there are none.
    carriers : how many of these leave no bend that is shown.
    few : number of units of fewer than 10 people, of which nothing is told.
    failed : number of others without which there is no estimate.
    """

    full: float
    told: int
    least: float
    most: float
    carriers: int
    few: int
    failed: int

    def untold(self) -> str:
        """Of how many units nothing is told and why, as a clause; empty if all are told."""
        more = " more" if self.told else ""
        units = [f"{n}{more} sampling unit{'s' * (n != 1)}" for n in (self.few, self.failed)]
        few = (
            f"of {units[0]}, with fewer than 10 people{' each' * (self.few != 1)}, nothing is told" if self.few else ""
        )
        failed = f"without {units[1]} the model cannot be fitted" if self.failed else ""
        return "; ".join(words for words in (few, failed) if words)


def without_units(audit: Frames) -> WithoutUnits:
    """What ``psu_shape`` tells of the non-linear p without each sampling unit."""
    refitted = audit["psu_shape"][audit["psu_shape"]["quantity"] == REFITTED]
    blank, few = refitted["estimate"].isna(), refitted["n"].isna()
    p = refitted.loc[~blank, "estimate"]
    return WithoutUnits(
        full=float(refitted["full"].iloc[0]), told=len(p), least=float(p.min()), most=float(p.max()),
        carriers=int((p >= ALPHA).sum()), few=int(few.sum()), failed=int((blank & ~few).sum()),
    )  # fmt: skip
