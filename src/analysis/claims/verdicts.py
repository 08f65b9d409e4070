"""Claim by claim: what each of the article's nine claims would have us find, what was found, and a verdict by one rule.

Every row holds one finding against the direction that the claim says. A verdict is never stronger than its interval:

- ``supported``: the interval lies on the side of no association that the claim says; for a test, p < 0.05 (after Holm's
  adjustment, if it is one of several that were declared together).
- ``contradicted``: it lies on the other side.
- ``not shown``: it holds both.
- ``described``: a share or an amount, which no hypothesis stands against.
- ``cannot be answered``: the files do not hold what it takes; ``why`` says what.

Supported means as an association of one recalled day's intake with one examination: none is shown to be a cause.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.data.foods.groups import ARTICLE
from analysis.errors import AnalysisError
from analysis.stats.arrays import Frames
from analysis.stats.shape.verdict import ALPHA, U

ClaimVerdict = Literal["supported", "contradicted", "not shown", "described", "cannot be answered"]
Side = Literal["above", "below"]

CLAIMS: Mapping[int, str] = {
    1: "Neuropathy is U-shaped in intake: the lowest and the highest have more",
    2: "Deficiency is the primary risk",
    3: "Excess from food alone rarely harms; it comes from supplements, antacids, laxatives",
    4: "Diabetics lose magnesium, and their neuropathy worsens with a deficit",
    5: "Kidney function decides who accumulates it",
    6: "Alcohol, drugs and gut disease deplete it",
    7: "Leafy greens, nuts, seeds, legumes, whole grains, bananas, avocados, dark chocolate are rich in it",
    8: "Neuropathy has other causes: diabetes, alcohol, B12, toxins",
    9: "Balance, not more is better",
}

LOW_MG, HIGH_MG = 100.0, 500.0
"""Intakes, mg/day, at which the ends of the curve are told against the median."""


class ClaimError(AnalysisError):
    """A finding is missing that a claim needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row of the table of claims.

    Attributes
    ----------
    claim : number of the article's claim, see `CLAIMS`.
    analysis : what was compared, in words.
    measure : what ``estimate`` is: odds ratio, share, mg per 100 g, or p of a test.
    estimate, conf_low, conf_high : of the measure; NaN where it has none.
    p_value : of the hypothesis of no difference.
    n : people.
    source : table and model it comes from.
    verdict : see the module.
    why : what the verdict rests on, or why there is none.
    """

    claim: int
    analysis: str
    measure: str = ""
    estimate: float = np.nan
    conf_low: float = np.nan
    conf_high: float = np.nan
    p_value: float = np.nan
    n: float = np.nan
    source: str = ""
    verdict: ClaimVerdict = "cannot be answered"
    why: str = ""


def claim_by_claim(frames: Frames) -> pd.DataFrame:
    """All findings, claim after claim.

    Parameters
    ----------
    frames : tables of the stages fit and shapes by name (``odds_ratio_curve``, ``models``, ``shape``), and of the
        questions without their ``claims_``.

    Returns
    -------
    A row a finding: the fields of `Finding`, and ``statement``, the claim in words.

    Raises
    ------
    ClaimError : a table or a row is missing that a finding is told from.
    """
    try:
        rows = [asdict(finding) for finding in _findings(frames)]
    except (KeyError, IndexError) as error:
        raise ClaimError(
            f"claim by claim: {error} is missing: run the stages fit, shapes, foods and claims."
        ) from error
    table = pd.DataFrame(rows)
    table.insert(1, "statement", table["claim"].map(CLAIMS))
    return table.astype({"n": "Int64"})


def _findings(frames: Frames) -> Iterator[Finding]:
    yield from _shape(frames)
    yield from _deficiency(frames)
    yield from _excess(frames)
    yield from _modifier(frames, 4, "diabetes", "diabetes", "yes")
    yield from _modifier(frames, 5, "egfr_below_60", "an eGFR below 60", "yes")
    yield from _kidney(frames)
    yield from _depletion(frames)
    yield from _foods(frames)
    yield from _causes(frames)
    yield from _balance(frames)


# ---- the rule
def by_interval(low: float, high: float, *, side: Side) -> ClaimVerdict:
    """Verdict of an odds ratio's interval against 1, which means no difference."""
    if low > 1:
        return "supported" if side == "above" else "contradicted"
    if high < 1:
        return "supported" if side == "below" else "contradicted"
    return "not shown"


def by_test(p_value: float) -> ClaimVerdict:
    """Verdict of a test whose alternative is what the claim says."""
    return "supported" if p_value < ALPHA else "not shown"


def _odds(claim: int, analysis: str, row: pd.Series, source: str, *, side: Side = "above", why: str = "") -> Finding:
    low, high = float(row["conf_low"]), float(row["conf_high"])
    return Finding(
        claim=claim,
        analysis=analysis,
        measure="odds ratio",
        estimate=float(row["odds_ratio"]),
        conf_low=low,
        conf_high=high,
        p_value=float(row.get("p_value", np.nan)),
        n=float(row.get("n", np.nan)),
        source=source,
        verdict=by_interval(low, high, side=side),
        why=why,
    )


def _described(claim: int, analysis: str, measure: str, row: pd.Series, source: str, *, why: str = "") -> Finding:
    return Finding(
        claim=claim,
        analysis=analysis,
        measure=measure,
        estimate=float(row["estimate"]),
        conf_low=float(row["conf_low"]),
        conf_high=float(row["conf_high"]),
        n=float(row["n"]),
        source=source,
        verdict="described",
        why=why,
    )


def _only(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    """The one row with these values."""
    chosen = frame
    for column, value in wanted.items():
        chosen = chosen[chosen[column] == value]
    if len(chosen) != 1:
        raise KeyError(f"{wanted} ({len(chosen)} rows)")
    return chosen.iloc[0]


# ---- the claims
def _shape(frames: Frames) -> Iterator[Finding]:
    curve, n = frames["odds_ratio_curve"], _only(frames["models"], model="1")["n"]
    tabulated = curve[curve["tabulated"]]
    for x, end in ((LOW_MG, "low"), (HIGH_MG, "high")):
        row = pd.concat([_only(tabulated, model="1", x=x), pd.Series({"n": n})])
        yield _odds(1, f"the {end} end, {x:g} mg/day against the median", row, "odds_ratio_curve, model 1")
    shape = _only(frames["shape"], model="1")
    p = float(shape["end_slopes_p"])
    yield Finding(
        claim=1,
        analysis="the curve falls, then rises: slopes at the 5th and the 95th percentile",
        measure="p",
        p_value=p,
        n=float(n),
        source="shape, model 1",
        verdict="supported" if shape["verdict"] == U else "not shown",
        why=f"verdict by the rule of the protocol: {shape['verdict']}",
    )


def _deficiency(frames: Frames) -> Iterator[Finding]:
    shares, exposures = frames["adequacy_shares"], frames["adequacy_exposures"]
    adults = shares[(shares["domain"] == "age20") & (shares["sex"] == "all") & (shares["ages"] == "all")]
    for quantity, words in (("day_ear", "one day"), ("usual_ear", "usual intake")):
        yield _described(
            2,
            f"adults below the average requirement, {words}",
            "share",
            _only(adults, quantity=quantity),
            "claims_adequacy_shares",
            why="low intake is not deficiency",
        )
    for model in ("1", "2"):
        yield _odds(
            2,
            f"intake below the average requirement against not, model {model}",
            _only(exposures, model=model, exposure="below_ear"),
            "claims_adequacy_exposures",
            why="intake of one day, against requirements by age and sex",
        )
    yield _odds(
        2,
        "100 mg/day against the median, model 2",
        _only(exposures, model="2", exposure="left_arm", x=LOW_MG),
        "claims_adequacy_exposures",
        why="the lowest twentieth of intakes, not all below the requirement",
    )
    yield Finding(claim=2, analysis="magnesium in blood", why="the survey did not measure it in these years")


def _excess(frames: Frames) -> Iterator[Finding]:
    odds = frames["supplements_odds"]
    source = "claims_supplements_odds"
    amounts = frames["supplements_amounts"]
    yield _described(
        3,
        "adults above 350 mg/day from supplements and antacids",
        "share",
        _only(amounts, kind="share", what="supplement_antacid_above_350", domain="20 and older", weights="dietary"),
        "claims_supplements_amounts",
    )
    for what, words in (
        ("supplemental and antacid magnesium above 350 mg", "above 350 mg/day from supplements and antacids"),
        ("a supplement with magnesium", "a supplement with magnesium"),
        ("an antacid with magnesium", "an antacid with magnesium"),
    ):
        for model in ("1", "2"):
            yield _odds(
                3,
                f"{words} against not, model {model}",
                _only(odds, what=what, model=model),
                source,
                why="few people: much harm could be missed" if "350" in words else "",
            )
    curves = odds[(odds["kind"] == "curve") & (odds["group"] == "use known") & (odds["x"] == HIGH_MG)]
    food, everything = (_only(curves, what=what, model="1") for what in ("food", "food, supplements and antacids"))
    yield _odds(3, "500 mg/day from food alone against the median", food, f"{source}, model 1", side="below",
                why="the claim is that food alone does no harm")  # fmt: skip
    yield _odds(3, "500 mg/day from food, supplements and antacids", everything, f"{source}, model 1")
    yield Finding(
        claim=3, analysis="laxatives with magnesium", why="no over-the-counter laxative with magnesium is in the files"
    )
    yield Finding(
        claim=3,
        analysis="amounts from antacids before 2003",
        why="half of the reported frequencies are missing; only whether one was taken is known",
    )


def _modifier(frames: Frames, claim: int, name: str, words: str, level: str) -> Iterator[Finding]:
    tests, arms = frames["modifiers_tests"], frames["modifiers_arms"]
    for exposure, what in (("magnesium_mg", "food"), ("magnesium_total_mg", "food, supplements and antacids")):
        test = _only(tests, exposure=exposure, model="1", modifier=name)
        if not np.isnan(test["p_value"]):
            yield Finding(
                claim=claim,
                analysis=f"the curve differs by {words}: {what}",
                measure="p",
                p_value=float(test["p_value"]),
                n=float(test["n"]),
                source="claims_modifiers_tests, model 1",
                verdict=by_test(float(test["holm_p"])),
                why=f"interaction; after Holm's adjustment for the twelve declared p {test['holm_p']:.2g}",
            )
    end = _only(arms, exposure="magnesium_mg", model="1", modifier=name, level=level, x=LOW_MG)
    yield _odds(
        claim,
        f"100 mg/day against the median, with {words}",
        end,
        "claims_modifiers_arms, model 1",
        why="one level alone: that it is stronger than the other's is what the interaction test asks",
    )


def _kidney(frames: Frames) -> Iterator[Finding]:
    row = _only(
        frames["supplements_odds"],
        what="a supplement with magnesium, by eGFR below 60",
        model="1",
        term="use_and_egfr_below_60",
    )
    yield _odds(
        5,
        "a magnesium supplement with an eGFR below 60, beyond what each alone goes with",
        row,
        "claims_supplements_odds, model 1",
    )
    yield Finding(claim=5, analysis="magnesium that accumulates in blood", why="the survey did not measure it")


def _depletion(frames: Frames) -> Iterator[Finding]:
    rows = frames["depletion"]
    why = "confounded by indication: who takes the drug is ill in other ways too"
    for model in ("1", "2 without alcohol"):
        yield _odds(
            6,
            f"one point more of the depletion score, model {model}",
            _only(rows, what="per point", model=model),
            "claims_depletion",
            why=why,
        )
    parts = rows[(rows["what"] == "parts together") & (rows["model"] == "1")]
    for term, words in (
        ("part_diuretic", "a diuretic"),
        ("part_ppi", "a proton-pump inhibitor"),
        ("part_heavy_alcohol", "heavy drinking"),
    ):
        yield _odds(
            6,
            f"{words}, the other parts of the score held",
            _only(parts, term=term),
            "claims_depletion, model 1",
            why="" if "alcohol" in term else why,
        )
    yield Finding(
        claim=6, analysis="gut disease", why="asked is only a stomach illness of the last 30 days, no bowel disease"
    )


def _foods(frames: Frames) -> Iterator[Finding]:
    rows = frames["foods"]
    named = rows[(rows["group"] == ARTICLE) & (rows["domain"] == "adults")]
    yield _described(
        7, "magnesium in the foods named", "mg per 100 g", _only(named, what="mg_per_100g"), "claims_foods"
    )
    yield _described(
        7,
        "their part in adults' magnesium",
        "share",
        _only(named, what="share"),
        "claims_foods",
        why="a lower bound: what is inside mixed dishes is not counted",
    )
    odds = rows[(rows["what"] == "odds_ratio_per_100mg") & (rows["group"] == ARTICLE)]
    yield _odds(
        7,
        "100 mg/day more from the foods named",
        _only(odds, model="1"),
        "claims_foods, model 1",
        side="below",
        why="that they protect is not what the claim says, but what it suggests",
    )


def _causes(frames: Frames) -> Iterator[Finding]:
    rows = frames["causes"]
    causes = rows[(rows["what"] == "cause") & (rows["model"] == "1") & (rows["kind"] == "odds_ratio")]
    for term, words in (
        ("has_diabetes", "diabetes"),
        ("hba1c_percent", "HbA1c, one point more"),
        ("heavy_alcohol", "heavy drinking"),
        ("b12_below_200", "B12 below 200 pg/mL"),
        ("mma_high", "methylmalonic acid of 0.271 µmol/L or more"),
        ("egfr_below_60", "eGFR below 60"),
        ("height_10_cm", "height, 10 cm more"),
        ("lead_log2", "lead in blood, doubled (1999-2002)"),
        ("cadmium_log2", "cadmium in blood, doubled (1999-2002)"),
    ):
        yield _odds(8, words, _only(causes, term=term), "claims_causes, model 1")
    yield Finding(claim=8, analysis="chemotherapy, other toxins, autoimmune disease", why="not in the files")


def _balance(frames: Frames) -> Iterator[Finding]:
    ends = list(_shape(frames))
    both = all(finding.verdict == "supported" for finding in ends[:2])
    yield Finding(
        claim=9,
        analysis="both ends of intake have more neuropathy than the middle",
        n=ends[0].n,
        source="odds_ratio_curve, model 1",
        verdict="supported" if both else "not shown",
        why="levels of one recalled day; whether magnesium or how much people eat draws them is not told apart",
    )
    yield Finding(
        claim=9,
        analysis="a change of intake would change neuropathy",
        why="intake and feet were looked at once, at the same time: illness can change what people eat",
    )
