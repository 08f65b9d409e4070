"""Under-reporting: recalled energy that nobody could live on, and what is left of the curve without it.

Who is plausible is said by EI:BMR within Goldberg's limits, see `analysis.data.people.metabolism`. Whoever is removed
had little to eat on paper, so range and power go with them: the controls remove as many people by chance, over all or
within each twentieth of intake.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.audit.referee.table import PRIMARY_ROW, RefereeRow, complete, curve_on, finite, row_of
from analysis.audit.specifications import eligible_people
from analysis.data.people.metabolism import PLAUSIBLE, goldberg_limits
from analysis.data.people.vocabulary import is_intake
from analysis.dose_response.fits import curve_of, fit_problem
from analysis.dose_response.levels import with_levels
from analysis.dose_response.problem import Setting, pose_setting, set_out
from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools, Integers
from analysis.stats.curve.splines import weighted_quantiles
from analysis.stats.disclosure import told
from analysis.stats.monte_carlo import quantile_error
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.regression.quick import fit_quickly
from analysis.study import PRIMARY, Study

QUESTION = "under-reporting"
STRICT = (1.1, 2.4)
DRAWS = 1000
TWENTIETHS = 20
FLAG = "under_reporter"


def energy_ratio(people: pd.DataFrame) -> Array:
    """EI:BMR of the recalled day, (n,); NaN where weight or energy is unknown."""
    return people["ei_bmr"].to_numpy(dtype=float)


# ---- who is plausible
def under_reporting(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """The study among plausible reporters, and beside an indicator of the others, as rows of the referee's table."""
    setting, ratio = set_out(people, study), energy_ratio(people)
    low, high = PLAUSIBLE
    narrow = goldberg_limits(deviations=1.96)
    base = row_of(QUESTION, PRIMARY_ROW, curve_on(setting))
    known = setting.restricted(np.isfinite(ratio))
    plausible = setting.restricted((ratio >= low) & (ratio <= high))
    other = setting.restricted((ratio >= narrow[0]) & (ratio <= narrow[1]))
    strict = setting.restricted((ratio >= STRICT[0]) & (ratio <= STRICT[1]))
    rows: list[RefereeRow] = [
        base,
        row_of(QUESTION, "weight known", curve_on(known)),
        row_of(QUESTION, f"EI:BMR {low:g} to {high:g}, own knots", curve_on(plausible)),
        row_of(QUESTION, f"EI:BMR {low:g} to {high:g}, primary knots", curve_on(plausible, knots_of=setting)),
        row_of(QUESTION, f"EI:BMR {narrow[0]:g} to {narrow[1]:g}, own knots", curve_on(other)),
        row_of(QUESTION, f"EI:BMR {STRICT[0]:g} to {STRICT[1]:g}, own knots", curve_on(strict)),
        row_of(QUESTION, f"under-reporter (below {low:g}) as covariate", curve_on(_flagged(known, ratio < low))),
        row_of(QUESTION, "EI:BMR beside it as a spline of 4 knots", curve_on(known.beside_spline(ratio, "ei_bmr"))),
        _interaction(known, ratio < low),
    ]
    return complete(rows, base)


def indicator_odds(people: pd.DataFrame, *, study: Study = PRIMARY) -> pd.DataFrame:
    """Odds ratio of under-reporters beside the curve: term, odds_ratio, conf_low, conf_high, n, share.

    ``share`` is that of under-reporters among people of known weight, without weights.
    """
    ratio = energy_ratio(people)
    low = PLAUSIBLE[0]
    known = set_out(people, study).restricted(np.isfinite(ratio))
    fit = curve_on(_flagged(known, ratio < low)).fit
    row = fit.to_frame(conf_level=study.conf_level).set_index("term").loc[FLAG]
    odds = {name: float(np.exp(row[key])) for name, key in
            (("odds_ratio", "estimate"), ("conf_low", "conf_low"), ("conf_high", "conf_high"))}  # fmt: skip
    share = float(np.mean(ratio[known.cohort.rows.to_numpy()] < low))
    return pd.DataFrame([{"term": "under-reporter", **odds, "n": told(fit.n), "share": share}])


def _flagged(setting: Setting, flag: Bools) -> Setting:
    return setting.beside(flag[:, None].astype(float), (FLAG,))


def _interaction(setting: Setting, flag: Bools) -> RefereeRow:
    """Test that the curve is the same for under-reporters and others: F of the products of flag and spline."""
    model, (products,) = with_levels(pose_setting(setting), flag[setting.domain.rows].astype(np.intp), (FLAG,))
    fit = fit_quickly(model, setting.design)
    return {"question": QUESTION, "done": "curve times under-reporter (p of the products)", "n": told(fit.n),
            "cases": told(fit.cases), "nonlinear_p": wald_test(fit, products).p_value}  # fmt: skip


# ---- controls
def deletion_controls(
    people: pd.DataFrame, *, study: Study = PRIMARY, draws: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """As many people removed by chance as the limits remove, over all and within each twentieth of intake.

    The people are those whose ratio is known. Of them, or of each twentieth of them, as many are drawn without
    replacement and removed as the limits remove there. Twentieths are between the unweighted quantiles of their
    intakes, a border belonging to the lower one, as with the quintiles. Knots are placed anew in each draw.

    A second reading of the same words is told beside it: twentieths of the population, between quantiles under the
    survey's weights. It was tried after the first gave another number than an independent computation had.

    Every column of tests is the median over the draws; the Monte Carlo error is that of the median non-linear p, see
    `analysis.stats.monte_carlo.quantile_error`.
    """
    if is_intake(study.exposure):  # else whoever has no reliable recall belongs to the study too
        people = eligible_people(people, study)
    setting, ratio = set_out(people, study), energy_ratio(people)
    kept = (ratio >= PLAUSIBLE[0]) & (ratio <= PLAUSIBLE[1])
    known = setting.restricted(np.isfinite(ratio))
    base = row_of(QUESTION, PRIMARY_ROW, curve_on(setting))
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = []
    for done, groups in (
        ("as many removed at random", np.zeros(len(people), dtype=np.intp)),
        ("as many removed in each twentieth of intake", _twentieths(known)),
        ("as many removed in each twentieth of weighted intake", _twentieths(known, weighted=True)),
    ):
        found = list(_draws(known, kept, groups, draws=draws, generator=generator))
        rows.append(_median_row(f"{done} (median)", known, kept, found))
    return complete(rows, base)


def _twentieths(setting: Setting, *, weighted: bool = False) -> Integers:
    """(n,) number of the twentieth of a setting's people that each intake lies in."""
    rows = setting.cohort.rows.to_numpy()
    weights = setting.design.weights[rows] if weighted else np.ones(int(rows.sum()))
    edges = weighted_quantiles(setting.eligible, weights, np.arange(1, TWENTIETHS) / TWENTIETHS)
    return np.searchsorted(edges, np.nan_to_num(setting.exposure), side="left")


def _draws(
    setting: Setting, kept: Bools, groups: Integers, *, draws: int, generator: np.random.Generator
) -> Iterator[dict[str, float]]:
    rows = setting.cohort.rows.to_numpy()
    members = [np.flatnonzero(rows & (groups == group)) for group in np.unique(groups[rows])]
    for _ in range(draws):
        left = rows.copy()
        for places in members:
            left[generator.choice(places, size=int(np.sum(~kept[places])), replace=False)] = False
        try:
            problem = pose_setting(setting.restricted(left))
            fit = fit_problem(problem)
        except AnalysisError:
            yield {}
            continue
        curve = curve_of(problem, fit)
        ends = curve.ends()
        yield {"nonlinear_p": curve.nonlinear_p, "end_low_p": ends.p_low, "end_high_p": ends.p_high,
               "end_slopes_p": ends.p_value}  # fmt: skip


def _median_row(done: str, setting: Setting, kept: Bools, found: list[dict[str, float]]) -> RefereeRow:
    frame = pd.DataFrame(found)
    rows = setting.domain.rows
    p = finite(frame["nonlinear_p"].to_numpy(dtype=float))
    return {"question": QUESTION, "done": done, "n": told(int(np.sum(rows & kept))), **frame.median().to_dict(),
            "draws": p.size, "mc_error_of": "nonlinear_p", "mc_error": quantile_error(p, 0.5)}  # fmt: skip
