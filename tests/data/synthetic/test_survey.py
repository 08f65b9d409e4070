"""The invented survey: its design, codes, skips and gaps are NHANES', its truth is known, its files reproducible."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from analysis.data.people.harmonise import harmonise
from analysis.data.source.content import differences
from analysis.data.source.nhanes import fetch
from analysis.data.source.registry import Registry, read_registry
from analysis.data.synthetic.survey import invent, write_survey
from analysis.data.synthetic.truth import PLANTED, SyntheticError, Truth, read_truth
from tests.people import people_of, survey_tables
from tests.shared import unmeasured

SMALL, MIDDLE = 0.05, 0.3
NULL = Truth(curvature=0.0)
"""No effect of intake at all."""
SPOONS = 1e-5
"""Relative tolerance where spoons are turned into one another: their sizes in millilitres have six digits."""
N_TABLES = 68
FIRST_DAYS = {"DRXTOT": "DRDDRSTS", "DRXTOT_B": "DRDDRSTZ", "DR1TOT_C": "DR1DRSTZ"}
POPULATION = {"DEMO": 271.0e6, "DEMO_B": 279.0e6, "DEMO_C": 285.5e6}

# Codes of the CDC codebooks, typed in from them; missing is allowed everywhere but in the design.
ANSWERS = {1, 2, 7, 9}
CODEBOOK = {
    "SDDSRVYR": {1, 2, 3},
    "RIDSTATR": {1, 2},
    "RIAGENDR": {1, 2},
    "RIDAGEYR": set(range(86)),
    "RIDRETH1": {1, 2, 3, 4, 5},
    "DMDEDUC2": {1, 2, 3, 4, 5, 7, 9},
    "SDMVPSU": {1, 2, 3},
    "SDMVSTRA": set(range(1, 44)),
    "LEALPN": {-1, 0, 1, 2, 3},
    "LEARPN": {-1, 0, 1, 2, 3},
    "DRDDRSTS": {1, 2, 3, 4, 5},
    "DRDDRSTZ": {1, 2, 4, 5},
    "DR1DRSTZ": {1, 2, 4, 5},
    "DR2DRSTZ": {1, 2, 4, 5},
    "DRDDAY": set(range(1, 8)),
    "SMQ020": ANSWERS,
    "SMQ040": {1, 2, 3, 7, 9},
    "ALQ100": ANSWERS,
    "ALD100": ANSWERS,
    "ALQ101": ANSWERS,
    "ALQ110": ANSWERS,
    "ALQ120Q": {*range(366), 777, 999},
    "ALQ120U": {1, 2, 3, 7, 9},
    "ALQ130": {*range(1, 51), 77, 99},
    "DIQ010": {1, 2, 3, 7, 9},
    "DIQ050": ANSWERS,
    "DIQ070": ANSWERS,
    "BPQ020": ANSWERS,
    "BPQ040A": ANSWERS,
    "BPQ050A": ANSWERS,
}
# Widest published range over the three cycles.
RANGES = {
    "INDFMPIR": (0, 5),
    "BMXBMI": (7.99, 66.44),
    "BMXHT": (79.0, 204.4),
    "LBXGH": (2.5, 18.8),
    "LBXSCR": (0.2, 13.7),
    "LBDSCR": (0.1, 12.9),
    "LBXB12": (34, 240_599),
    "LBXHCY": (1.61, 156.3),
    "LBDHCY": (1.65, 123.19),
    "BPXSAR": (72, 266),
    "BPXDAR": (0, 132),
    "DRXTMAGN": (0, 2396.51),
    "DR1TMAGN": (0, 1932),
    "DRXTKCAL": (0, 15_594),
    "DR1TKCAL": (0, 9724 * 1.5),
}


@pytest.fixture(scope="module")
def full(shared) -> dict[str, pd.DataFrame]:
    """The default survey at real size, SEQN as index."""
    return shared.answer(survey_tables)


@pytest.fixture(scope="module")
def demographics(full: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([full["DEMO"], full["DEMO_B"], full["DEMO_C"]])


@pytest.fixture(scope="module")
def participants(shared) -> pd.DataFrame:
    return shared.answer(people_of, 1, PLANTED)


def three(full: dict[str, pd.DataFrame], *names: str) -> pd.DataFrame:
    return pd.concat([full[name] for name in names])


def test_same_seed_and_scale_give_the_same_frames() -> None:
    once, again = survey_tables(seed=5, scale=SMALL), survey_tables(seed=5, scale=SMALL)
    for name, frame in once.items():
        pd.testing.assert_frame_equal(frame, again[name], check_exact=True)


@pytest.mark.no_cover  # the demo has run every line of it
def test_another_seed_gives_another_survey() -> None:
    assert not survey_tables(seed=5, scale=SMALL)["LEXPN"].equals(survey_tables(seed=6, scale=SMALL)["LEXPN"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Registry]:
    """A small survey on disk, which nobody may change, and the registry that was told of it."""
    folder = tmp_path_factory.mktemp("written")
    with unmeasured():  # the demo has run every line of it
        return folder, write_survey(folder, seed=5, scale=SMALL)


@pytest.mark.no_cover  # the demo has run every line of it
def test_the_same_survey_is_written_with_the_same_bytes(written: tuple[Path, Registry], tmp_path: Path) -> None:
    once, _ = written
    write_survey(tmp_path, seed=5, scale=SMALL)
    files = sorted(path.relative_to(once) for path in once.rglob("*.*"))
    assert len(files) == N_TABLES + 5
    assert all((once / f).read_bytes() == (tmp_path / f).read_bytes() for f in files)


@pytest.mark.no_cover  # the demo has run every line of it
def test_another_truth_changes_the_feet_and_nothing_else() -> None:
    planted, null = survey_tables(scale=MIDDLE), survey_tables(scale=MIDDLE, truth=NULL)
    changed = {name for name, frame in planted.items() if not frame.equals(null[name])}
    assert changed == {"LEXPN", "LEXPN_B", "LEXPN_C"}


def test_at_scale_one_as_many_are_interviewed_as_in_nhanes(full: dict[str, pd.DataFrame]) -> None:
    assert [len(full[name]) for name in ("DEMO", "DEMO_B", "DEMO_C")] == [9965, 11039, 10122]


def test_cohort_is_about_as_large_as_the_real_one(participants: pd.DataFrame) -> None:
    steps = participants["age_years"] >= 40
    sizes = [steps.sum()]
    for condition in ("examined", "pn_strict", "recall_reliable"):
        known = participants[condition]
        steps &= known if known.dtype == bool else known.notna()
        sizes.append(steps.sum())
    np.testing.assert_allclose(sizes, [9970, 9145, 7902, 7726], rtol=0.02)
    assert participants.loc[steps, "pn_strict"].mean() == pytest.approx(0.175, abs=0.02)


def test_people_cannot_be_joined_to_real_ones_by_number(demographics: pd.DataFrame) -> None:
    assert demographics.index.is_unique
    assert demographics.index.min() > 31_126 * 10


def test_every_table_holds_only_people_of_its_cycle(full: dict[str, pd.DataFrame]) -> None:
    for name, frame in full.items():
        if frame.index.name != "SEQN":  # lists of products and of foods
            continue
        demo = {"B": "DEMO_B", "C": "DEMO_C"}.get(name[-1] if "_" in name else "", "DEMO")
        assert frame.index.isin(full[demo].index).all(), name


@pytest.mark.parametrize("variable", CODEBOOK)
def test_only_codes_of_the_codebook_are_used(full: dict[str, pd.DataFrame], variable: str) -> None:
    values = pd.concat([frame[variable].dropna() for frame in full.values() if variable in frame])
    assert set(values.unique()) <= CODEBOOK[variable]
    assert len(values) > 0


@pytest.mark.parametrize("variable", RANGES)
def test_measurements_stay_within_the_published_range(full: dict[str, pd.DataFrame], variable: str) -> None:
    low, high = RANGES[variable]
    values = pd.concat([frame[variable].dropna() for frame in full.values() if variable in frame])
    assert low <= values.min() < values.max() <= high


def test_strata_and_psus_are_numbered_as_in_nhanes(full: dict[str, pd.DataFrame], demographics: pd.DataFrame) -> None:
    for name, strata in (("DEMO", range(1, 14)), ("DEMO_B", range(14, 29)), ("DEMO_C", range(29, 44))):
        assert set(full[name]["SDMVSTRA"]) == set(strata)
    psus = demographics.groupby("SDMVSTRA")["SDMVPSU"].nunique()
    assert psus.sum() == 87
    assert psus.value_counts().to_dict() == {2: 42, 3: 1}


def test_no_psu_is_empty_in_the_smallest_survey() -> None:
    frames = survey_tables(scale=0.02)
    demo = pd.concat([frames["DEMO"], frames["DEMO_B"], frames["DEMO_C"]])
    assert len(demo.groupby(["SDMVSTRA", "SDMVPSU"])) == 87


def test_all_ages_are_there_and_85_is_the_top_code(demographics: pd.DataFrame) -> None:
    assert set(demographics["RIDAGEYR"]) == set(range(86))
    oldest = demographics["RIDAGEYR"].value_counts()
    assert oldest[85] > 2 * oldest[84]


def test_education_is_asked_of_adults_only(demographics: pd.DataFrame) -> None:
    assert demographics.loc[demographics["RIDAGEYR"] < 20, "DMDEDUC2"].isna().all()
    assert demographics.loc[demographics["RIDAGEYR"] >= 20, "DMDEDUC2"].notna().mean() > 0.99


def test_monofilament_examination_is_given_to_all_examined_of_40_and_older(full: dict[str, pd.DataFrame]) -> None:
    for suffix in ("", "_B", "_C"):
        demo = full[f"DEMO{suffix}"]
        eligible = demo.index[(demo["RIDAGEYR"] >= 40) & (demo["RIDSTATR"] == 2)]
        assert full[f"LEXPN{suffix}"].index.equals(eligible)


def test_present_smoking_is_asked_of_ever_smokers_only(full: dict[str, pd.DataFrame]) -> None:
    smoking = three(full, "SMQ", "SMQ_B", "SMQ_C")
    assert (smoking["SMQ040"].notna() == (smoking["SMQ020"] == 1)).all()


@pytest.mark.parametrize(("table", "first"), [("ALQ", "ALQ100"), ("ALQ_B", "ALD100"), ("ALQ_C", "ALQ101")])
def test_drinking_questions_follow_their_chain(full: dict[str, pd.DataFrame], table: str, first: str) -> None:
    alcohol = full[table]
    assert (alcohol["ALQ110"].notna() == (alcohol[first] == 2)).all()
    assert (alcohol["ALQ120Q"].notna() == ((alcohol[first] == 1) | (alcohol["ALQ110"] == 1))).all()
    drinks = (alcohol["ALQ120Q"] > 0) & (alcohol["ALQ120Q"] <= 365)
    assert (alcohol["ALQ120U"].notna() == drinks).all()
    assert alcohol.loc[(alcohol["ALQ120Q"] == 0) | alcohol["ALQ120Q"].isna(), "ALQ130"].isna().all()


def test_pills_are_asked_of_diagnosed_diabetics_only(full: dict[str, pd.DataFrame]) -> None:
    diabetes = three(full, "DIQ", "DIQ_B", "DIQ_C")
    assert (diabetes["DIQ070"].notna() == (diabetes["DIQ010"] == 1)).all()


def test_medicine_for_hypertension_is_asked_after_the_diagnosis(full: dict[str, pd.DataFrame]) -> None:
    pressure = three(full, "BPQ", "BPQ_B", "BPQ_C")
    assert (pressure["BPQ040A"].notna() == (pressure["BPQ020"] == 1)).all()
    assert (pressure["BPQ050A"].notna() == (pressure["BPQ040A"] == 1)).all()


@pytest.mark.parametrize(
    ("tables", "variable", "codes"),
    [
        (("DEMO", "DEMO_B", "DEMO_C"), "DMDEDUC2", {7, 9}),
        (("SMQ", "SMQ_B", "SMQ_C"), "SMQ020", {7, 9}),
        (("DIQ", "DIQ_B", "DIQ_C"), "DIQ010", {7, 9}),
        (("BPQ", "BPQ_B", "BPQ_C"), "BPQ040A", {9}),
        (("ALQ", "ALQ_B", "ALQ_C"), "ALQ120Q", {999}),
        (("ALQ", "ALQ_B", "ALQ_C"), "ALQ130", {99}),
    ],
)
def test_some_refuse_and_some_do_not_know(
    full: dict[str, pd.DataFrame], tables: tuple[str, ...], variable: str, codes: set[int]
) -> None:
    assert codes <= set(three(full, *tables)[variable].dropna())


@pytest.mark.parametrize(
    ("table", "left", "right"),
    [("LEXPN", (137, 241), (65, 311)), ("LEXPN_B", (109, 319), (86, 331)), ("LEXPN_C", (87, 336), (73, 342))],
)
def test_feet_are_untestable_or_missing_about_as_often_as_published(
    full: dict[str, pd.DataFrame], table: str, left: tuple[int, int], right: tuple[int, int]
) -> None:
    published = {"LEXPN": 2875, "LEXPN_B": 3184, "LEXPN_C": 3086}[table]
    for variable, (untestable, missing) in (("LEALPN", left), ("LEARPN", right)):
        found = full[table][variable]
        assert (found == -1).mean() == pytest.approx(untestable / published, abs=0.01)
        assert found.isna().mean() == pytest.approx(missing / published, abs=0.02)


def test_an_eighth_of_the_cohort_lacks_a_covariate(participants: pd.DataFrame) -> None:
    cohort = participants[participants["pn_strict"].notna() & participants["recall_reliable"]]
    covariates = ["education", "pir", "bmi_kg_m2", "smoking", "alcohol", "has_diabetes", "has_hypertension"]
    assert cohort[covariates].isna().any(axis="columns").mean() == pytest.approx(0.12, abs=0.02)


@pytest.mark.parametrize("table", FIRST_DAYS)
def test_dietary_weight_stands_beside_usable_recalls_and_only_those(full: dict[str, pd.DataFrame], table: str) -> None:
    day = full[table]
    usable = day[FIRST_DAYS[table]].isin([1, 4])
    assert (day["WTDRD1"].notna() == usable).all()
    assert (day.loc[usable, "WTDRD1"] > 0).all()


def test_incomplete_recalls_carry_nutrients_in_the_first_cycle_only(full: dict[str, pd.DataFrame]) -> None:
    carried = {t: full[t].loc[full[t][status] == 2].filter(like="TMAGN").notna() for t, status in FIRST_DAYS.items()}
    assert carried["DRXTOT"].to_numpy().all()
    assert not carried["DRXTOT_B"].to_numpy().any()
    assert not carried["DR1TOT_C"].to_numpy().any()


def test_breast_fed_children_are_infants_without_nutrients(full: dict[str, pd.DataFrame]) -> None:
    fed = full["DRXTOT_B"].query("DRDDRSTZ == 4")
    assert len(fed) > 50
    assert full["DEMO_B"].loc[fed.index, "RIDAGEYR"].max() <= 1
    assert fed["DRXTMAGN"].isna().all()


@pytest.mark.parametrize("table", POPULATION)
def test_weights_add_up_to_the_population(full: dict[str, pd.DataFrame], table: str) -> None:
    for weight in ("WTINT2YR", "WTMEC2YR"):
        assert full[table][weight].sum() == pytest.approx(POPULATION[table], rel=1e-6)


def test_only_the_examined_have_an_examination_weight(demographics: pd.DataFrame) -> None:
    assert ((demographics["WTMEC2YR"] > 0) == (demographics["RIDSTATR"] == 2)).all()


def test_four_year_weights_are_in_a_fixed_ratio_to_two_year_ones(full: dict[str, pd.DataFrame]) -> None:
    for name in ("DEMO", "DEMO_B"):
        demo = full[name].query("WTMEC2YR > 0")
        ratios = (demo["WTMEC4YR"] / demo["WTMEC2YR"]).groupby(demo["RIDRETH1"])
        assert (ratios.max() - ratios.min() < 1e-4).all()
    assert "WTMEC4YR" not in full["DEMO_C"]


@pytest.mark.parametrize("weight", ["weight_mec", "weight_dietary"])
def test_six_year_weights_add_up_to_one_population(participants: pd.DataFrame, weight: str) -> None:
    assert participants[weight].sum() == pytest.approx(2 / 3 * 277e6 + 285.5e6 / 3, rel=1e-6)


def test_dietary_weights_give_every_day_of_the_week_its_share(full: dict[str, pd.DataFrame]) -> None:
    day = full["DR1TOT_C"].dropna(subset=["WTDRD1"])
    weekend = day["DR1DAY"].isin([1, 6, 7])
    assert weekend.mean() > 0.6
    assert day.loc[weekend, "WTDRD1"].sum() / day["WTDRD1"].sum() == pytest.approx(3 / 7, abs=0.02)


def test_unweighted_shares_are_biased_because_selection_is_informative(participants: pd.DataFrame) -> None:
    cohort = participants[participants["pn_strict"].notna() & (participants["weight_dietary"] > 0)]
    for column in ("pn_strict", "has_diabetes"):
        known = cohort.dropna(subset=[column])
        assert known[column].mean() > np.average(known[column], weights=known["weight_dietary"]) + 0.02


@pytest.mark.parametrize("column", ["magnesium_mg", "pn_strict"])
def test_people_of_one_psu_resemble_each_other(participants: pd.DataFrame, column: str) -> None:
    cohort = participants[participants["pn_strict"].notna() & participants["recall_reliable"]]
    psu = cohort.groupby(["strata", "psu"])[column]
    between = (psu.transform("mean") - cohort.groupby("strata")[column].transform("mean")).pow(2).sum() / 44
    within = (cohort[column] - psu.transform("mean")).pow(2).sum() / (len(cohort) - 87)
    assert between > 1.4 * within


def test_design_costs_precision(participants: pd.DataFrame) -> None:
    cohort = participants[participants["pn_strict"].notna() & participants["recall_reliable"]]
    case, weights = cohort["pn_strict"], cohort["weight_dietary"]
    share = np.average(case, weights=weights)
    scores = weights * (case - share) / weights.sum()
    totals = scores.groupby([cohort["strata"], cohort["psu"]]).sum().groupby(level=0)
    variance = (totals.var() * totals.size()).sum()
    assert variance > 1.5 * share * (1 - share) / len(cohort)


def test_nutrients_are_skewed_and_follow_energy(participants: pd.DataFrame) -> None:
    cohort = participants[(participants["age_years"] >= 40) & participants["recall_reliable"]]
    assert cohort["magnesium_mg"].median() == pytest.approx(240, abs=12)
    assert cohort["magnesium_mg"].corr(cohort["energy_kcal"]) == pytest.approx(0.7, abs=0.06)
    skewness = cohort[["magnesium_mg", "energy_kcal", "vitamin_c_mg", "calcium_mg"]].skew()
    assert (skewness > 1).all()


def test_energy_is_what_its_sources_hold(full: dict[str, pd.DataFrame]) -> None:
    day = full["DR1TOT_C"].dropna(subset=["DR1TKCAL"])
    sources = 4 * day["DR1TPROT"] + 4 * day["DR1TCARB"] + 9 * day["DR1TTFAT"] + 7 * day["DR1TALCO"]
    assert (sources / day["DR1TKCAL"]).between(0.97, 1.03).mean() > 0.97


def test_second_recall_varies_within_the_person(full: dict[str, pd.DataFrame]) -> None:
    first, second = full["DR1TOT_C"]["DR1TMAGN"], full["DR2TOT_C"]["DR2TMAGN"]
    assert first.index.equals(second.index)
    assert 0.3 < np.log(first).corr(np.log(second)) < 0.8
    assert full["DR2TOT_C"]["WTDR2D"].sum() == pytest.approx(285.5e6, rel=1e-6)


def test_creatinine_of_the_first_cycle_lies_on_its_own_scale(full: dict[str, pd.DataFrame]) -> None:
    first, later = full["LAB18"]["LBXSCR"], full["L40_B"]["LBDSCR"]
    assert later.mean() - first.mean() > 0.1
    assert (first * 1.013 + 0.147).mean() == pytest.approx(later.mean(), abs=0.02)


def test_diabetes_and_hypertension_go_with_their_measurements(participants: pd.DataFrame) -> None:
    adults = participants[participants["age_years"] >= 40]
    assert adults.groupby("has_diabetes")["hba1c_percent"].median().diff().iloc[-1] > 1.0
    assert adults.groupby("has_hypertension")["sbp_mmhg"].median().diff().iloc[-1] > 10


def test_low_and_high_intakes_have_more_neuropathy_where_a_u_is_planted(participants: pd.DataFrame) -> None:
    cohort = participants[participants["pn_strict"].notna() & participants["recall_reliable"]]
    share = cohort.groupby(pd.cut(cohort["magnesium_mg"], [0, 120, 200, 300, 450, 3000]))["pn_strict"].mean()
    assert share.iloc[0] > share.iloc[2] + 0.04
    assert share.iloc[-1] > share.iloc[2] + 0.04


def test_registry_describes_the_files_as_written(written: tuple[Path, Registry]) -> None:
    folder, registry = written
    assert registry.synthetic
    assert "SYNTHETIC" in registry.source
    assert "seed 5" in registry.source
    for table in read_registry(folder / "registry").tables.values():
        frame, meta = pyreadstat.read_xport(table.file(folder))
        assert meta.table_name == table.name
        assert differences(table, frame) == ()


def test_registry_tells_when_a_file_is_not_the_one_written(written: tuple[Path, Registry]) -> None:
    folder, registry = written
    table = registry.tables["LEXPN_B"]
    frame, _ = pyreadstat.read_xport(table.file(folder))
    changed = frame.assign(LEALPN=frame["LEALPN"].replace({1.0: 0.0}))
    assert any("LEALPN" in sentence for sentence in differences(table, changed))


@pytest.fixture(scope="module")
def takers() -> pd.DataFrame:
    """What the invented people of the default survey truly take, by SEQN."""
    return invent(seed=1, scale=MIDDLE, truth=PLANTED).set_index("seqn")


def test_magnesium_of_supplements_and_antacids_is_what_people_truly_take_where_they_said_how(takers) -> None:
    found = harmonise(survey_tables(scale=MIDDLE))
    answered = takers["answers_use"]
    assert found["supplement_use_known"].tolist() == answered.tolist()
    assert 0 < (~answered).sum() < 0.01 * len(answered)
    told = answered & (found["magnesium_use_imputed"] == 0)
    for kind in ("supplement", "antacid"):
        true, read = takers[f"true_{kind}_mg"], found[f"magnesium_{kind}_mg"]
        np.testing.assert_allclose(read[told], true[told], rtol=SPOONS)
        assert (true[told] > 0).sum() > 100
    not_told = found["magnesium_use_imputed"] == 1
    assert not_told.sum() > 100
    assert not np.allclose(found.loc[not_told, "magnesium_supplement_mg"], takers.loc[not_told, "true_supplement_mg"])


def test_every_invented_product_is_used_and_the_ids_without_one_too(full: dict[str, pd.DataFrame]) -> None:
    used = set(three(full, "DSQFILE2", "DSQ2_B", "DSQ2_C")["DSDSUPID"])
    assert used == {*full["DSPI"]["DSDSUPID"], "6666000000"} - {""}


@pytest.mark.no_cover  # the demo has run every line of it
def test_files_are_accepted_where_they_lie_and_again_when_invented_anew(tmp_path: Path) -> None:
    for seed in (1, 2):
        registry = write_survey(tmp_path, seed=seed, scale=SMALL)
        receipts = fetch(registry, tmp_path, progress=False)
        assert [receipt.url for receipt in receipts] == [""] * N_TABLES


@pytest.mark.no_cover  # the demo has run every line of it
def test_writing_is_quiet_unless_progress_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_survey(tmp_path, scale=SMALL)
    assert capsys.readouterr() == ("", "")
    write_survey(tmp_path, scale=SMALL, progress=True)
    assert "inventing" in capsys.readouterr().err


def test_a_file_that_is_not_invented_is_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "1999" / "DEMO.xpt"
    real.parent.mkdir()
    real.write_bytes(b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!")
    with pytest.raises(SyntheticError, match="DEMO.xpt is not a file of an invented survey"):
        write_survey(tmp_path, scale=SMALL)
    assert real.read_bytes() == b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"


def test_too_small_a_survey_is_refused() -> None:
    with pytest.raises(SyntheticError, match="scale 0.001: expected at least 0.02"):
        survey_tables(scale=0.001)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(SyntheticError, match="seed -1: expected 0 or a larger"):
        survey_tables(seed=-1)


def test_the_planted_truth_is_kept_beside_the_registry(tmp_path: Path) -> None:
    truth = Truth(curvature=0.0, energy_curvature=1.5, nadir_kcal=2000.0)
    write_survey(tmp_path, scale=SMALL, truth=truth)
    assert read_truth(tmp_path) == truth


def test_a_folder_without_a_truth_says_so(tmp_path: Path) -> None:
    with pytest.raises(SyntheticError, match="expected the planted truth"):
        read_truth(tmp_path)


def test_a_curve_without_a_lowest_point_in_its_core_is_refused() -> None:
    with pytest.raises(SyntheticError, match="lowest point 400"):
        replace(PLANTED, nadir_mg=400.0)


def test_planted_curve_is_zero_at_its_reference() -> None:
    assert PLANTED.log_odds_ratio([243.0], 243.0) == pytest.approx([0.0])


def test_planted_curve_is_lowest_at_the_nadir() -> None:
    x = np.arange(20.0, 1200.0)
    assert x[np.argmin(PLANTED.log_odds_ratio(x, 300.0))] == PLANTED.nadir_mg


def test_planted_curve_is_a_parabola_in_the_logarithm_within_its_core() -> None:
    x = np.array([150.0, 180.0, 240.0, 300.0])
    expected = 1.3 * np.log(x / 240.0) ** 2
    np.testing.assert_allclose(PLANTED.log_odds_ratio(x, 240.0), expected, rtol=1e-12)


def test_planted_curve_is_straight_outside_its_core_and_flat_outside_its_range() -> None:
    slopes = np.diff(PLANTED.log_odds_ratio(np.array([60.0, 90.0, 120.0, 150.0]), 240.0))
    np.testing.assert_allclose(slopes, 30 * 1.3 * 2 * np.log(150 / 240) / 150, rtol=1e-12)
    ends = PLANTED.log_odds_ratio([0.0, 60.0, 1000.0, 5000.0], 240.0)
    assert ends[0] == ends[1]
    assert ends[2] == ends[3]


def test_planted_odds_ratios_are_clear() -> None:
    odds_ratios = np.exp(PLANTED.log_odds_ratio([100.0, 500.0], 240.0))
    np.testing.assert_allclose(odds_ratios, [2.0, 1.57], atol=0.01)


def test_a_new_reference_shifts_the_curve_by_a_constant() -> None:
    x = np.array([80.0, 200.0, 350.0, 700.0])
    shift = PLANTED.log_odds_ratio(x, 240.0) - PLANTED.log_odds_ratio(x, 120.0)
    np.testing.assert_allclose(shift, shift[0], rtol=1e-12)


def test_null_truth_is_flat() -> None:
    assert not NULL.log_odds_ratio(np.arange(50.0, 900.0), 240.0).any()
    assert not NULL.energy_log_odds_ratio(np.arange(500.0, 5000.0), 2000.0).any()


@pytest.mark.no_cover  # the demo has run every line of it
def test_energy_can_be_planted_instead() -> None:
    truth = Truth(curvature=0.0, energy_curvature=1.6)
    ends = truth.energy_log_odds_ratio([900.0, 1900.0, 3500.0], 1900.0)
    assert ends[0] > 0.5
    assert ends[1] == 0
    assert ends[2] > 0.4
    energy, null = survey_tables(scale=MIDDLE, truth=truth), survey_tables(scale=MIDDLE, truth=NULL)
    assert (energy["LEXPN"]["LEALPN"] >= 1).sum() > (null["LEXPN"]["LEALPN"] >= 1).sum()
