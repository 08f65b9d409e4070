"""The published numbers on the real files: those of an independent derivation from the same definitions."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.dose_response.association import estimate
from analysis.pipeline.participants import read_participants
from analysis.pipeline.published import TABLE
from analysis.pipeline.study_file import read_study
from analysis.validation.studies.agreement import compare_studies
from analysis.validation.studies.kinds import recompute
from analysis.validation.studies.replication import read_replications
from analysis.validation.studies.stands import do_they_stand
from tests.reference_numbers import FOLDER
from tests.test_real import FOLDERS

pytestmark = [pytest.mark.real, pytest.mark.reference]

DIGITS = 6e-5
"""Numbers were handed over to four decimals; half a unit of the last and a little for a tie."""

NOT_CODED = 0.05
"""Relative; of a ratio and of its standard error, where not every covariate's coding was handed over."""

CODING_NOT_LISTED = ("Prediabetes 2013", "Jones 2013", "King 2005", "Navas-Acien 2004")
"""Held to `NOT_CODED`."""

ROUNDED = 5e-4
"""Relative; of a ratio, and of a standard error that is read off limits, of four decimals."""

OF_THE_NORMAL = (*CODING_NOT_LISTED, "Albuminuria 2010")
"""The reference's intervals have the normal's quantile, so that standard errors are compared."""

NOT_FITTED = {"lead quartile 4 v 1, OR", "cadmium quartile 2 v 1, OR", "cadmium quartile 3 v 1, OR",
              "cadmium quartile 4 v 1, OR"}  # fmt: skip
"""More coefficients than the design of one cycle has degrees of freedom."""

KIDNEY = ("Guallar 2006", "homocysteine, with kidney and smoking, OR")
"""The reference has 1.13 without the kidney's coding; with MDRD as a line it is 1.12: held to `NOT_CODED`."""

RTOL = 1e-6
"""Relative, to R's own digits; its covariance has the weights of its last iteration but one."""

R_NUMBERS = pd.read_csv(FOLDER / "real" / "published_R.csv").set_index(["study", "item"])

VARIATIONS = pd.read_csv(FOLDER / "real" / "published_variations.csv", dtype=str).set_index(["study", "item"])

KNOWN = pd.read_csv(FOLDER / "real" / "published_studies.csv", dtype={"published": str}).set_index(["study", "item"])


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    frame, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    return compare_studies(frame).set_index(["study", "item"])


def test_every_reference_is_recomputed_and_no_row_of_its_study_is_without_one(found) -> None:
    """A study of which nobody else has recomputed anything has no reference; of another, every row has one."""
    recomputed = found[found["agreement"] != "not recomputed"]
    references = set(KNOWN.index) | set(VARIATIONS.index) | set(R_NUMBERS.index)
    studies = {study for study, _ in references}
    assert set(recomputed.index[recomputed.index.get_level_values("study").isin(studies)]) == references
    assert len(KNOWN) >= 85


@pytest.mark.parametrize("row", list(KNOWN.index), ids="-".join)
def test_our_number_is_the_reference(found, row) -> None:
    ours, known = found.loc[row], KNOWN.loc[row]
    if row[1] in NOT_FITTED:
        assert ours["agreement"] == "not reached"
        assert pd.isna(ours[["ours_low", "ours_high"]]).all()
        assert "no residual degree of freedom" in ours["how"]
        assert ours["ours"] == pytest.approx(known["ours"], rel=NOT_CODED)
    elif ours["kind"] == "count":
        assert ours["ours"] == known["ours"]
    elif row[0] in OF_THE_NORMAL:
        tolerance = NOT_CODED if row[0] in CODING_NOT_LISTED else ROUNDED
        assert ours["ours"] == pytest.approx(known["ours"], rel=tolerance)
        if pd.notna(known["ours_low"]):
            error = np.log(ours["ours_high"] / ours["ours_low"]) / 2 / scipy.stats.t.ppf(0.975, ours["df"])
            reference = np.log(known["ours_high"] / known["ours_low"]) / 2 / scipy.stats.norm.ppf(0.975)
            assert error == pytest.approx(reference, rel=tolerance)
    else:
        assert ours["ours"] == pytest.approx(known["ours"], abs=DIGITS)
        if pd.notna(known["ours_low"]):
            assert ours[["ours_low", "ours_high"]].tolist() == pytest.approx(
                known[["ours_low", "ours_high"]].tolist(), abs=DIGITS
            )


@pytest.mark.parametrize("row", list(VARIATIONS.index), ids="-".join)
def test_what_else_was_tried_is_the_reference_to_its_digits(found, row) -> None:
    for name, known in VARIATIONS.loc[row].dropna().items():
        half = 0.5 * 10.0 ** -len(known.partition(".")[2])
        tolerance = {"rel": NOT_CODED} if row == KIDNEY else {"abs": half if "." in known else 0}
        assert found.loc[row, name] == pytest.approx(float(known), **tolerance)


def test_no_number_of_people_counts_as_close_and_no_variation_counts_twice(found) -> None:
    assert not ((found["kind"] == "count") & (found["agreement"] == "close")).any()
    varied = found[found["how"].str.contains("variation|none was printed")]
    assert set(varied["agreement"]) == {"none printed"}
    assert ("Tao 2008", "18:3, quintile 5 v 1, no energy, OR") in varied.index
    printed = [row for row in VARIATIONS.index if found.loc[row, "published"]]
    of_guallar = ["people", "homocysteine, quintile 5 v 1, OR", "homocysteine, with lead and cadmium, OR", KIDNEY[1]]
    assert printed == [("Selvin & Erlinger 2004", "people with an index"), *((KIDNEY[0], item) for item in of_guallar)]


def test_standard_errors_as_printed_but_one(found) -> None:
    compared = found.loc[found["se_agreement"] != "", "se_agreement"]
    assert compared.value_counts().to_dict() == {"as printed": 4, "not reached": 1}
    assert round(found.loc[("Tao 2008", "linolenic acid (18:3), with PN, g"), "ours_se"], 3) == 0.082


def test_arterial_disease_of_homocysteine_falls_as_printed_and_is_not_reached(found) -> None:
    rows = found.loc["Guallar 2006"].query("published != ''")
    assert rows["agreement"].tolist() == ["not reached", "close", "not reached", "not reached"]
    off = rows["ours"].iloc[1:] / rows["published"].iloc[1:].astype(float) - 1
    assert [round(100 * value) for value in off] == [5, 18, 26]


def test_no_rule_gives_the_269_of_mazidi_2017(found) -> None:
    rows = found.loc["Mazidi 2017"]
    assert set(rows.query("published != ''")["agreement"]) == {"not reached"}
    assert not rows["ours"].isin([4864, 269]).any()


@pytest.mark.parametrize("row", list(R_NUMBERS.index), ids="-".join)
def test_five_studies_are_those_of_r_to_its_digits(found, row) -> None:
    ours, theirs = found.loc[row], R_NUMBERS.loc[row]
    assert ours["ours"] == pytest.approx(theirs["estimate"], rel=RTOL)
    if pd.notna(theirs["std_error"]):
        low, high = ours[["ours_low", "ours_high"]].astype(float)
        width = np.log(high / low) if ours["kind"] == "odds_ratio" else high - low
        assert width / 2 == pytest.approx(scipy.stats.t.ppf(0.975, ours["df"]) * theirs["std_error"], rel=RTOL)


def test_the_sizes_of_samples_that_many_definitions_reach_do_not_count(found) -> None:
    sizes = found[found["agreement"] == "not identifying"]
    assert [study for study, _ in sizes.index] == ["Hicks 2020", "Hicks 2020, manuscript", "Hicks 2021"]


FIFTEEN = ("sbp_mmhg", "dbp_mmhg", "has_hypertension", "bmi_kg_m2", "height_cm", "education", "hdl_cholesterol_mg_dl",
           "told_coronary_disease", "told_heart_attack", "told_stroke", "pir", "smoking", "alcohol", "has_diabetes",
           "total_cholesterol_mg_dl")  # fmt: skip
"""What the abstract names of its covariates, systolic pressure, and five that such models hold."""


def samples_of_5200(people: pd.DataFrame, rule: str) -> list[tuple[float, float]]:
    """Prevalence below 70 and from 70 on, %, of each sample of 5,200 that complete cases of some of `FIFTEEN` make."""
    lacked = sum(people[name].isna().to_numpy().astype(int) << bit for bit, name in enumerate(FIFTEEN))
    patterns, pattern = np.unique(lacked, return_inverse=True)
    sizes = np.bincount(pattern)
    samples = {((patterns & some) == 0).tobytes() for some in range(1 << len(FIFTEEN))}
    found = []
    for kept in (np.frombuffer(sample, dtype=bool) for sample in samples):
        if sizes[kept].sum() == 5200:
            sample = people[kept[pattern]]
            old = sample["age_years"] >= 70
            found.append(tuple(
                100 * np.average(part[f"pn_{rule}"].astype(float), weights=part["weight_mec"])
                for part in (sample[~old], sample[old])
            ))  # fmt: skip
    return found


def test_the_5200_of_hicks_2021_are_many_samples_and_its_prevalences_those_of_the_strict_rule(found) -> None:
    frame, _ = read_participants(FOLDERS)
    people = frame[(frame["age_years"] >= 40) & frame["examined"]
                   & frame["race_ethnicity"].isin(["non_hispanic_white", "non_hispanic_black"])]  # fmt: skip
    counted = {}
    for rule in ("strict", "lenient", "both_feet"):
        samples = samples_of_5200(people[people[f"pn_{rule}"].notna()], rule)
        counted[rule] = (len(samples), sum((round(low, 1), round(high, 1)) == (10.4, 26.8) for low, high in samples))
    assert counted == {"strict": (24, 7), "lenient": (30, 0), "both_feet": (48, 0)}
    how = found.loc[("Hicks 2021", "people, Black and White"), "how"]
    assert [int(number) for number in re.findall(r"\b\d+\b", how.replace("5,200", ""))] == [24, 7, 30, 48]
    assert "other fifteens give other counts" in how


def test_the_committed_table_is_what_is_computed(found) -> None:
    committed = pd.read_csv(FOLDERS.estimates / f"{TABLE}.csv").set_index(["study", "item"])
    assert committed["agreement"].to_dict() == found["agreement"].to_dict()
    numbers = ["ours", "ours_low", "ours_high"]
    np.testing.assert_allclose(committed[numbers], found.loc[committed.index, numbers], rtol=1e-8)


def test_misses_say_what_was_tried(found) -> None:
    missed = found[found["agreement"] == "not reached"]
    assert len(missed) >= 10
    assert (missed["how"].str.len() > 10).all()


# ---- do they stand?
STANDS = pd.read_csv(FOLDER / "real" / "published_stands.csv", dtype=str).set_index(["study", "item", "level"])


@pytest.fixture(scope="module")
def stands() -> pd.DataFrame:
    return do_they_stand(read_participants(FOLDERS)[0]).set_index(["study", "item", "level"])


@pytest.mark.parametrize("row", list(STANDS.index), ids="-".join)
def test_claims_asked_again_are_those_of_the_reference_to_its_digits(stands, row) -> None:
    for name, known in STANDS.loc[row].dropna().items():
        half = 0.5 * 10.0 ** -len(known.partition(".")[2])
        assert stands.loc[row, name] == pytest.approx(float(known), abs=half)


R_STANDS = pd.read_csv(FOLDER / "real" / "stands_R.csv").set_index(["study", "item", "level"])


@pytest.mark.parametrize("row", list(R_STANDS.index), ids="-".join)
def test_claims_asked_again_are_those_of_r_to_its_digits(stands, row) -> None:
    ours, theirs = stands.loc[row], R_STANDS.loc[row]
    assert (ours["n"], ours["cases"]) == (theirs["n"], theirs["cases"])
    assert ours["odds_ratio"] == pytest.approx(theirs["odds_ratio"], rel=RTOL)
    half = np.log(ours["conf_high"] / ours["conf_low"]) / 2
    assert half == pytest.approx(scipy.stats.t.ppf(0.975, ours["df"]) * theirs["std_error"], rel=RTOL)
    for name in ("trend_slope", "log_or_low", "log_or_high", "levels_p", "other_rule_odds_ratio"):
        assert ours[name] == pytest.approx(theirs[name], rel=RTOL)
    assert (ours["other_rule_n"], ours["other_rule_cases"]) == (theirs["other_rule_n"], theirs["other_rule_cases"])
    other = np.log(ours["other_rule_conf_high"] / ours["other_rule_conf_low"]) / 2
    assert other == pytest.approx(scipy.stats.t.ppf(0.975, ours["df"]) * theirs["other_rule_std_error"], rel=RTOL)


def test_two_studies_are_asked_again_in_r_in_every_variation(stands) -> None:
    both = stands.index[stands.index.get_level_values("study").isin(["Tao 2008", "Wu 2024"])]
    assert set(R_STANDS.index) == set(both)


def test_without_the_middle_cycle_the_reference_keeps_the_weights_of_three() -> None:
    """0.61 (0.28-1.33); with the weights of the two cycles that are left, as in `published_stands.csv`, 0.60."""
    tao = next(row for row in read_replications() if row.study == "Tao 2008" and row.claim)
    kept = dataclasses.replace(tao, sample=f"{tao.sample} and cycle != 2001")
    found = recompute(read_participants(FOLDERS)[0], kept)
    assert [round(value, 2) for value in (found.estimate, found.conf_low, found.conf_high)] == [0.61, 0.28, 1.33]


def test_own_rows_are_the_recomputed_numbers(stands, found) -> None:
    own = stands[stands["own"]].droplevel("level")
    for ours, theirs in (("odds_ratio", "ours"), ("conf_low", "ours_low"), ("conf_high", "ours_high"), ("n", "n")):
        assert own[ours].tolist() == found.loc[own.index, theirs].tolist()


def test_the_committed_claims_are_what_is_computed(stands) -> None:
    committed = pd.read_csv(FOLDERS.estimates / "published_stands.csv").set_index(["study", "item", "level"])
    for name in ("found", "verdict", "levels", "other_rule_found", "other_rule_verdict"):
        assert committed[name].fillna("").to_dict() == stands[name].fillna("").to_dict()
    for name in ("odds_ratio", "conf_low", "conf_high", "p_value", "trend_p", "nonlinear_p", "end_slopes_p", "levels_p",
                 "other_rule_odds_ratio", "other_rule_p_value"):  # fmt: skip
        np.testing.assert_allclose(committed[name], stands.loc[committed.index, name], rtol=1e-6)


@pytest.mark.parametrize(
    "path", sorted((FOLDERS.processed.parent / "studies").glob("*.toml")), ids=lambda path: path.stem
)
def test_the_study_of_each_example_is_of_the_people_of_its_claim(stands, path) -> None:
    """Without energy, which an example leaves to the audit."""
    association = estimate(read_participants(FOLDERS)[0], read_study(path))
    plain = stands.xs("none", level="level").droplevel("item")
    name = next(study for study in plain.index if study.lower().replace(" ", "_") == path.stem)
    row = plain.loc[[name]].iloc[0]
    assert (association.fit.n, association.fit.cases) == (row["n"], row["cases"])
    nonlinear = association.tests["nonlinear", "wald"].p_value
    assert nonlinear == pytest.approx(row["nonlinear_p"], rel=1e-6)
