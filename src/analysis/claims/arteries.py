"""Peripheral arterial disease by magnesium intake: another disease of the same legs, and a published association.

Wu 2023 has quartiles of magnesium with the highest as reference. Ours are of people with an ankle-brachial index and a
reliable recall, unweighted quartiles, under models 1 and 2. Their 5,969 people are not reached (model 2 leaves 6,491):
which covariates they lost them by is not printed in what could be read. The same is then told with energy (model 3),
which theirs has not. Who eats less eats less of everything: an odds ratio that energy takes away cannot be told from
that of eating little, or of being ill.

Disease is an index below 0.9 in the leg with the lower known one. An index above 1.4 comes from stiff arteries that
cannot be judged; such people are kept as free of disease, and left out beside.

References
----------
Wu 2023, PLoS ONE 18:e0289973.
"""

import dataclasses

import numpy as np
import pandas as pd

from analysis.claims.rows import COLUMNS, Label, answer_table, count_row, curve_rows, share_row, test_row
from analysis.data.people.cohort import select_cohort
from analysis.dose_response.problem import declare_design
from analysis.dose_response.quintiles import quantile_groups
from analysis.stats.regression.hypotheses import wald_test
from analysis.stats.sample.design import domain_of
from analysis.study import PRIMARY, Study

PAD = dataclasses.replace(PRIMARY, outcome="pad")
STIFF_ABOVE = 1.4
"""Ankle-brachial index above which the arteries are too stiff to tell."""

QUARTILES = 4
WU_2023 = {"odds_ratio": 1.560, "conf_low": 1.019, "conf_high": 2.386, "n": 5969}
"""As printed: the lowest quartile against the highest."""

ARTERY_STUDIES: dict[str, Study] = {
    "1": PAD,
    "2": dataclasses.replace(PAD, model="2"),
    "3": dataclasses.replace(PAD, model="3"),
    "1 + energy": dataclasses.replace(PAD, extra_covariates=("energy_kcal",)),
}
"""Covariates of the quartiles; model 3 is model 2 with energy."""


def arteries(people: pd.DataFrame) -> pd.DataFrame:
    """Peripheral arterial disease by magnesium intake, beside Wu 2023, and neuropathy of people without it.

    Parameters
    ----------
    people : all interviewed, harmonised; nobody may have been dropped.

    Returns
    -------
    Frame with `analysis.claims.rows.COLUMNS`; ``what`` is

    - ``people``: numbers of the cohort, and the prevalence among the examined (MEC weights);
    - ``quartiles``: odds ratios against the highest under `ARTERY_STUDIES`, their joint test, and their cuts (mg/day)
      as x;
    - ``published``: `WU_2023` as printed;
    - ``curve``: arterial disease by magnesium (``all``; ``index to 1.4``), and neuropathy of people without it.

    Raises
    ------
    StudyError, DesignError, ConvergenceError : people from whom this cannot be estimated.
    """
    stiff = people[["abi_left", "abi_right"]].max(axis="columns") > STIFF_ABOVE
    people = people.assign(stiff_arteries=stiff)
    rows = _people_rows(people)
    for model, study in ARTERY_STUDIES.items():
        rows.append(_quartile_rows(people, study, Label("quartiles", "all", model)))
    rows.append(_published_row())
    curves = {
        ("all", "1"): PAD,
        ("all", "2"): ARTERY_STUDIES["2"],
        ("all", "3"): ARTERY_STUDIES["3"],
        ("index to 1.4", "1"): dataclasses.replace(PAD, where="not stiff_arteries"),
        ("neuropathy, no arterial disease", "1"): dataclasses.replace(PRIMARY, where="pad == 0"),
    }
    rows += [curve_rows(people, study, Label("curve", group, model)) for (group, model), study in curves.items()]
    return answer_table(rows)


def _people_rows(people: pd.DataFrame) -> list[pd.DataFrame]:
    cohort = select_cohort(people, PAD)
    inside, label = people[cohort.rows], Label("people", "all", "")
    examined = _examined(people)
    counts = {
        "index_known": int(examined.sum()),
        "reliable_recall": len(inside),
        "cases": int(inside["pad"].sum()),
        "both_legs": int(inside[["abi_left", "abi_right"]].notna().all(axis="columns").sum()),
        "index_above_1.4": int(inside["stiff_arteries"].sum()),
    }
    rows = [count_row(n, label, term=term) for term, n in counts.items()]
    mec = dataclasses.replace(PAD, weights="mec")
    design = declare_design(people, select_cohort(people, mec), mec)
    prevalence = share_row(people["pad"].to_numpy(), design, domain_of(design, examined.to_numpy()), label, term="pad")
    return [*rows, prevalence.assign(cases=int(people.loc[examined, "pad"].sum()))]


def _examined(people: pd.DataFrame) -> pd.Series:
    return people["examined"] & (people["age_years"] >= PAD.age_min) & people["pad"].notna()


def _quartile_rows(people: pd.DataFrame, study: Study, label: Label) -> pd.DataFrame:
    """Odds ratios of the lower quartiles against the highest, as rows of kind odds_ratio, and their joint test."""
    groups, fit = quantile_groups(people, study, groups=QUARTILES, reference=QUARTILES)
    odds = groups.rename(columns={"log_or": "estimate", "upper": "x"})
    odds = odds.assign(term=[f"quartile_{k}" for k in odds["group"]], kind="odds_ratio", df=fit.residual_df,
                       statistic=odds["estimate"] / odds["std_error"], x=odds["x"].replace(np.inf, np.nan),
                       what=label.what, group=label.group, model=label.model)  # fmt: skip
    lower = tuple(f"group_{k}" for k in range(1, QUARTILES))
    joint = test_row(wald_test(fit, lower), fit, label, term="all")
    return pd.concat([odds.reindex(columns=list(COLUMNS)).iloc[:-1].dropna(axis="columns", how="all"), joint])


def _published_row() -> pd.DataFrame:
    row = {"kind": "odds_ratio", "what": "published", "group": "Wu 2023, PLoS ONE 18:e0289973", "model": "theirs"}
    return pd.DataFrame([{**row, **WU_2023, "term": "quartile_1", "estimate": np.log(WU_2023["odds_ratio"])}])
