"""Claim 7, foods: how much magnesium the foods have that the article names, and where Americans' magnesium came from.

Of each group of foods: its share of all magnesium (ratio of the group's mg to everybody's mg, over people), its density
(mg per 100 g as eaten, again a ratio of totals) and the share of people who had any that day. What is inside a mixed
dish stays there, so that the shares of foods that are also ingredients are lower bounds. The odds ratio per 100 mg of
the article's foods stands beside that of 100 mg from all other foods in the same regression.

References
----------
Binder 1983, Int Stat Rev 51:279-292 (errors of ratios). Krebs-Smith, Kott & Guenther 1989, J Am Diet Assoc 89:1671-1676
(population proportion: the ratio of totals, not the mean of ratios). Parker et al. 2017, Vital Health Stat 2(175):1-22
(which shares may be told).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from analysis.claims.rows import TWO_MODELS
from analysis.data.foods.groups import ARTICLE, FoodGroup, GroupIntakes, food_groups, group_intakes
from analysis.data.people.vocabulary import ADULT
from analysis.data.people.weights import pooled_weight
from analysis.dose_response.problem import Setting, set_out
from analysis.stats.arrays import Array
from analysis.stats.disclosure import blanked, is_few
from analysis.stats.regression.fit import LogisticFit
from analysis.stats.regression.hypotheses import contrast
from analysis.stats.regression.quick import fit_quickly
from analysis.stats.sample.descriptives import Estimate, logit_interval, weighted_mean, weighted_ratio
from analysis.stats.sample.design import Domain, SurveyDesign, domain_of
from analysis.stats.sample.presentation import present_proportion
from analysis.study import CYCLES, Model, Study

PER_MG = 100.0
"""Odds ratios are for so many mg more."""

COMPARED = (ARTICLE, "other", f"{ARTICLE} - other")
"""Groups of the odds ratios: the foods named and all others, in one regression, and their difference."""

TOLD = ("estimate", "std_error", "conf_low", "conf_high", "unreliable")
"""What is empty where few ate."""

COLUMNS = (
    "what", "domain", "group", "label", "role", "model", "estimate", "std_error", "odds_ratio", "conf_low", "conf_high",
    "unreliable", "statistic", "df", "p_value", "n", "eaters", "cases",
)  # fmt: skip


def foods(people: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Food groups as sources of magnesium, and the article's foods beside all others.

    Parameters
    ----------
    people : all interviewed, harmonised.
    items : of `analysis.data.foods.items.food_items`.

    Returns
    -------
    Rows of `COLUMNS`; what does not apply is missing.

    what : ``mean_mg`` (of all foods, mg/day), ``share`` (of all magnesium, of 1), ``mg_per_100g``, ``ate`` (share of
    people), ``odds_ratio_per_100mg`` (estimate and std_error of the logarithm, limits of the ratio; group ``article``,
    ``other``, and ``article - other``, their difference on the log scale).
    domain : ``adults`` (20 or older with a reliable recall) or ``cohort`` (of the primary study).
    n, eaters, cases : people of the domain, those with an item of the group, those with neuropathy; where eaters are
    fewer than 10 they and all that is about them are empty. A group nobody ate has no density, and no interval.
    unreliable : why a share fails NCHS's presentation standards for proportions; empty if it stands.
    """
    intakes = group_intakes(items, people.index)
    rows = [row for domain in _domains(people).items() for row in _sources(*domain, intakes)]
    rows += [row for model in TWO_MODELS for row in _odds_ratios(people, intakes, model)]
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    return frame.astype({name: "Int64" for name in ("df", "n", "eaters", "cases")})


def _domains(people: pd.DataFrame) -> dict[str, tuple[SurveyDesign, Domain]]:
    weights = pooled_weight(people, weights="dietary", cycles=CYCLES)
    design = SurveyDesign(people["strata"].to_numpy(), people["psu"].to_numpy(), weights.to_numpy())
    adults = (people["age_years"] >= ADULT) & people["recall_reliable"]
    cohort = set_out(people, Study())
    return {"adults": (design, domain_of(design, adults.to_numpy())), "cohort": (cohort.design, cohort.domain)}


# ---- shares, densities, eaters
def _sources(name: str, place: tuple[SurveyDesign, Domain], intakes: GroupIntakes) -> Iterator[Mapping[str, object]]:
    design, domain = place
    total = weighted_mean(intakes.total_mg, design=design, domain=domain)
    yield {"what": "mean_mg", "domain": name, "label": "all foods and drinks", **_told(total)}
    for group in food_groups().values():
        head = {"domain": name, "group": group.name, "label": group.label, "role": group.role}
        found = _group_rows(group, intakes, design, domain)
        few = is_few(found["n"].iloc[0])
        told = blanked(found, TOLD) if few else found
        for row in told.rename(columns={"n": "eaters"}).to_dict("records"):
            yield head | row | {"n": domain.n, "eaters": None if few else row["eaters"]}


def _group_rows(group: FoodGroup, intakes: GroupIntakes, design: SurveyDesign, domain: Domain) -> pd.DataFrame:
    """Share, density and eaters of a group; n is the number of people who ate of it."""
    column = intakes.column(group.name)
    magnesium, grams = intakes.magnesium_mg[:, column], intakes.grams[:, column]
    eaters = int(np.sum(intakes.ate[domain.rows, column]))
    share = weighted_ratio(magnesium, intakes.total_mg, design=design, domain=domain)
    ate = weighted_mean(intakes.ate[:, column].astype(float), design=design, domain=domain)
    rows = [{"what": "share", **_as_share(share)}, {"what": "ate", **_as_share(ate)}]
    if np.any(grams[domain.rows] > 0):
        density = weighted_ratio(100 * magnesium, grams, design=design, domain=domain)
        rows.insert(1, {"what": "mg_per_100g", **_told(density)})
    return pd.DataFrame(rows).assign(n=eaters)


def _told(found: Estimate) -> dict[str, object]:
    return {
        "estimate": found.estimate, "std_error": found.std_error, "conf_low": found.conf_low,
        "conf_high": found.conf_high, "df": found.df, "n": found.n,
    }  # fmt: skip


def _as_share(found: Estimate) -> dict[str, object]:
    """A share with limits that stay between 0 and 1, none where it is 0 or 1, and why it should not be told."""
    low, high = logit_interval(found.estimate, found.std_error, df=found.df)
    # Rounding may take the share of what everybody ate, or all magnesium comes from, just past 1.
    share = float(np.clip(found.estimate, 0.0, 1.0))
    reason = present_proportion(share, found.std_error, n=found.n, df=found.df).reason
    return _told(found) | {"conf_low": float(low), "conf_high": float(high), "unreliable": reason}


# ---- the article's foods beside all others
def _odds_ratios(people: pd.DataFrame, intakes: GroupIntakes, model: Model) -> Iterator[dict[str, object]]:
    setting = set_out(people, Study(model=model))
    named = intakes.magnesium_mg[:, intakes.column(ARTICLE)]
    fit = _fit(setting, np.column_stack([named, intakes.total_mg - named]) / PER_MG)
    told = contrast(fit, np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]), terms=COMPARED[:2], labels=COMPARED)
    log, ratio = told.to_frame(), told.to_frame(exponentiate=True)
    for at, group in enumerate(told.labels):
        yield {
            "what": "odds_ratio_per_100mg", "domain": "cohort", "group": group, "model": model,
            "estimate": log["estimate"][at], "std_error": log["std_error"][at], "odds_ratio": ratio["estimate"][at],
            "conf_low": ratio["conf_low"][at], "conf_high": ratio["conf_high"][at], "statistic": log["statistic"][at],
            "df": told.df, "p_value": log["p_value"][at], "n": fit.n, "cases": fit.cases,
        }  # fmt: skip


def _fit(setting: Setting, exposures: Array) -> LogisticFit:
    return fit_quickly(setting.regression(exposures[setting.domain.rows], COMPARED[:2]), setting.design)
