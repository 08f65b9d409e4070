import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import errors
from analysis.data.people.harmonise import needed_columns
from analysis.data.source.nhanes import fetch
from analysis.dose_response.association import estimate
from analysis.dose_response.frames import TABULATED, association_dict, round_intakes, summarise
from analysis.dose_response.quintiles import quintiles
from analysis.dose_response.shape import shape_dict, shape_of
from analysis.pipeline import drawings
from analysis.pipeline import fit as pipeline
from analysis.pipeline.cohort import build_participants
from analysis.pipeline.draw import draw_figures, draw_study
from analysis.pipeline.fit import examine_shapes, fit_models
from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.participants import read_participants
from analysis.pipeline.results import (
    ESTIMATES,
    OF_ONE,
    OF_REAL_FILES,
    SHAPES,
    SIMULATED,
    read_estimates,
    read_simulation,
)
from analysis.provenance import Provenance
from analysis.report.catalogue import drawings as drawings_of
from analysis.report.words.numbers import verdict_words
from analysis.stats.disclosure import FEWEST_PEOPLE
from analysis.study import MODELS, PRIMARY, Study, StudyError
from tests.conftest import REVISED


@pytest.fixture
def copy(demo, tmp_path) -> Folders:
    """A copy of the processed survey that a test may change."""
    shutil.copytree(demo.data, tmp_path / "survey")
    return Folders(tmp_path / "survey", tmp_path / "survey" / "figures")


@pytest.fixture
def tables(demo, tmp_path) -> Folders:
    """Copies of the estimates and of nothing else."""
    folders = Folders(tmp_path, tmp_path / "figures")
    shutil.copytree(demo.estimates, folders.estimates)
    return folders


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_participants_have_one_row_per_interviewed_person(demo, participants):
    interviewed = sum(table.rows for name, table in demo.registry().tables.items() if name.startswith("DEMO"))
    assert len(participants) == interviewed == 31126
    assert participants.index.name == "SEQN"
    assert participants.index.is_unique


def test_every_estimate_names_its_data(estimates):
    frames = estimates[0]
    assert not [name for name in ESTIMATES if not frames[name]["data"].str.startswith("SYNTHETIC").all()]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("flow", ["step", "n", "cases"]),
        ("fits", ["term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]),
        ("tests", ["test", "method", "statistic", "df_num", "df_den", "p_value"]),
        ("odds_ratio_curve", ["x", "log_or", "std_error", "odds_ratio", "conf_low", "conf_high", "tabulated"]),
        ("quintiles", ["reference_quintile", "quintile", "lower", "upper", "n", "cases"]),
        ("models", ["critical_value", "d_aic", "d_bic", "condition_number", "goodness_of_fit_p"]),
        ("fits", ["design_effect"]),
        ("prevalence", ["x", "prevalence", "std_error", "conf_low", "conf_high", "band_low", "band_high", "tabulated"]),
        ("calibration", ["group", "n", "predicted", "estimate", "std_error", "df", "conf_low", "conf_high"]),
        ("influence", ["stratum", "psu", "quantity", "x", "full", "estimate", "change", "dfbetas"]),
        ("collinearity", ["measure", "terms", "value", "warning"]),
        ("weights", ["n", "n_positive", "cv", "kish_deff", "n_effective", "p50", "top_share"]),
        (
            "shape",
            ["verdict", "nonlinear_p", "end_slopes_p", "two_lines_p", "nadir", "threshold", "replicates", "seed"],
        ),
        ("threshold", ["x", "deviance_gain"]),
    ],
)
def test_estimates_have_the_fields_words_and_every_model(estimates, name, columns):
    frame = estimates[0][name]
    assert set(columns) <= set(frame.columns)
    assert frame["model"].unique().tolist() == list(MODELS)


def test_what_is_about_the_cohort_or_one_model_names_no_model(estimates):
    for name in OF_ONE:
        assert "model" not in estimates[0][name].columns
    assert set(OF_ONE) <= set(ESTIMATES)


def test_each_model_has_its_six_tests(estimates):
    tests = estimates[0]["tests"]
    assert tests[["test", "method"]].drop_duplicates().to_numpy().tolist() == [
        ["overall", "wald"], ["overall", "rao_scott"], ["nonlinear", "wald"], ["nonlinear", "rao_scott"],
        ["trend", "wald"], ["goodness_of_fit", "archer_lemeshow"],
    ]  # fmt: skip
    assert len(tests) == 6 * len(MODELS)


def test_empty_words_are_read_as_empty_and_not_as_missing(estimates):
    assert (estimates[0]["characteristics"]["level"] == "").any()
    assert (estimates[0]["collinearity"]["warning"] == "").any()


def test_make_knows_every_file_of_the_stages(demo):
    """A file that make does not know is not rebuilt when it is missing."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text().replace("\\\n", " ")
    listed = {
        name: re.search(rf"^{name} := .*addsuffix \.csv,([^)]*)\)", makefile, flags=re.MULTILINE)[1].split()
        for name in ("ESTIMATES", "SHAPES", "CLAIMS")
    }
    of_published = set(re.findall(r"^(?:COMPARED|STANDS) := .*/(\w+)\.csv$", makefile, flags=re.MULTILINE))
    assert of_published == {"published", "published_stands"}
    assert set(listed["ESTIMATES"]) | of_published == {*ESTIMATES, *OF_REAL_FILES} - set(SHAPES)
    assert set(listed["SHAPES"]) == set(SHAPES)
    assert {f"claims_{name}" for name in listed["CLAIMS"]} == {path.stem for path in demo.estimates.glob("claims_*")}
    figures = re.search(
        r"^FIGURES := .*foreach name,([^,]*),.*addprefix figures/,([^)]*)\)", makefile, flags=re.MULTILINE
    )
    whole = {f"{name}.{suffix}" for name in figures[1].split() for suffix in ("png", "svg", "md", "csv")}
    of_real_files = {f"published.{suffix}" for suffix in ("png", "svg", "md", "csv")}
    assert of_real_files <= whole
    assert whole - of_real_files | set(figures[2].split()) == {path.name for path in demo.figures.iterdir()}


def test_curve_is_tabulated_at_round_intakes_and_on_a_fine_grid(estimates):
    curve = estimates[0]["odds_ratio_curve"].query("model == '1'")
    assert curve.loc[curve["tabulated"], "x"].tolist() == [float(x) for x in TABULATED]
    assert TABULATED[:3] == (60, 100, 150)
    assert TABULATED[-1] == 700
    assert len(curve) > 200


def test_numbers_are_written_to_ten_significant_digits(demo):
    text = (demo.estimates / "fits.csv").read_text()
    digits = [
        len(cell.lstrip("-").split("e")[0].replace(".", "").lstrip("0"))
        for line in text.splitlines()[1:]
        for cell in line.split(",")[2:6]
    ]
    assert max(digits) == 10


def test_each_figure_has_its_numbers_beside_it(demo):
    for name in ("dose_response", "shape", "knots", "models", "quintiles", "diagnostics", "flow"):
        assert {f"{name}.{end}" for end in ("png", "svg", "md", "csv")} <= {
            path.name for path in demo.figures.iterdir()
        }


def test_figures_drawn_in_processes_have_the_same_bytes(demo, estimates, tmp_path):
    """Every vector, caption and number is the demo's, which draws one after the other; its pictures have few dots."""
    draw_figures(Folders(demo.data, tmp_path), jobs=2)
    drawn, alone = digests(tmp_path), digests(demo.figures)
    pictures = {name for name in alone if name.endswith(".png")}
    assert len(pictures) >= 12
    assert set(drawn) == set(alone)
    assert {name for name in drawn if drawn[name] != alone[name]} <= pictures
    drawings.write_drawing(drawings_of(*estimates)["flow"], tmp_path / "alone", "flow")
    assert (tmp_path / "alone" / "flow.png").read_bytes() == (tmp_path / "flow.png").read_bytes()


def test_interrupted_drawing_leaves_the_old_figures_whole(copy, monkeypatch):
    before = digests(copy.figures)

    def interrupted(figure, stem):
        stem.with_suffix(".png").write_bytes(b"half a pict")
        raise KeyboardInterrupt

    monkeypatch.setattr(drawings, "save_figure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw_figures(copy)
    assert digests(copy.figures) == before


def test_interrupted_writing_leaves_the_old_table_whole(copy, monkeypatch):
    before = digests(copy.processed)

    def interrupted(self, path):
        Path(path).write_bytes(b"half a ta")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_parquet", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_participants(copy)
    assert digests(copy.processed) == before


def test_damaged_participants_are_refused_with_what_to_do(copy):
    copy.participants.write_bytes(b"not a parquet file")
    with pytest.raises(StageError, match="run `make figures`"):
        fit_models(copy)


def test_damaged_estimates_are_refused_with_what_to_do(tables):
    (tables.estimates / "tests.csv").unlink()
    with pytest.raises(StageError, match="analysis fit"):
        read_estimates(tables)


def test_raw_file_that_changed_after_acceptance_is_refused(copy):
    demographics = copy.registry().tables["DEMO"].file(copy.raw)
    content = bytearray(demographics.read_bytes())
    content[-500] ^= 0xFF
    demographics.write_bytes(content)
    with pytest.raises(errors.AnalysisError, match="not the file that was accepted"):
        build_participants(copy)


def test_revision_is_refused_unless_it_is_accepted(revised, tmp_path):
    shutil.copytree(revised.raw, tmp_path / "raw", ignore=shutil.ignore_patterns(f"{REVISED}.json"))
    with pytest.raises(errors.AnalysisError, match=REVISED):
        fetch(revised.registry(), tmp_path / "raw", tables=list(needed_columns()), progress=False)


def test_accepted_revision_is_named_in_the_provenance(revised):
    """All that is made of these participants names it too: see the changed studies, which are run on them."""
    assert json.loads((revised.processed / "provenance.json").read_text())["revised"] == [REVISED]


@pytest.mark.parametrize("exposure", ["energy_kcal", "thiamin_mg", "vitamin_b12_ug"])
def test_points_of_the_terminal_table_are_about_a_dozen_round_intakes(participants, exposure):
    points = round_intakes(estimate(participants, Study(exposure=exposure)))
    assert 5 <= len(points) <= 18
    assert len({float(f"{step:.3g}") for step in np.diff(points)}) == 1


def test_json_result_is_plain_numbers_and_lists(participants):
    found = estimate(participants, Study())
    result = association_dict(found, data="SYNTHETIC", at=[100.0])
    assert result["nadir"]["odds_ratio"] == pytest.approx(np.exp(found.nadir.log_or))
    assert [step["n"] for step in result["flow"]][-1] == found.fit.n


@pytest.mark.parametrize("exposure", ["magnesium_mg", "calcium_mg", "vitamin_b6_mg", "energy_kcal"])
def test_bars_under_a_curve_are_some_thirty_and_none_tells_of_few_people(participants, exposure):
    bars = summarise([estimate(participants, Study(exposure=exposure))], participants)["distribution"]
    assert 20 <= len(bars) <= 45
    assert bars["n"].min() >= FEWEST_PEOPLE
    assert 0.95 < bars["share"].sum() <= 1


def test_another_study_is_drawn_into_the_folder_that_is_named(participants, demo, tmp_path):
    before = digests(demo.figures)
    found = estimate(participants, Study(exposure="calcium_mg", where="sex == 'female'"))
    shape = shape_dict(shape_of(found, replicates=5))
    written = draw_study(found, participants, read_participants(demo)[1], tmp_path / "mine", shape=shape)
    name = "dose_response_calcium_mg-where_sex_is_female"
    assert [path.name for path in written] == [f"{name}.png", f"{name}.svg", f"{name}.md"]
    assert verdict_words(str(shape["verdict"])) in written[2].read_text()
    curve = pd.read_csv(tmp_path / "mine" / f"{name}.csv")
    np.testing.assert_allclose(curve["odds_ratio"], found.curve(curve["x"].to_numpy()).frame["odds_ratio"], rtol=1e-8)
    assert curve["data"].str.startswith("SYNTHETIC").all()
    assert digests(demo.figures) == before


def test_participants_of_other_harmonising_code_are_refused(copy):
    path = copy.processed / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"code": "older"}))
    with pytest.raises(StageError, match="another version of the harmonising code: run `make cohort`"):
        read_participants(copy)


def test_provenance_names_every_file_by_its_digest(demo):
    known = json.loads((demo.processed / "provenance.json").read_text())
    assert set(known["files"]) == set(needed_columns())
    demographics = demo.registry().tables["DEMO"].file(demo.raw)
    assert known["files"]["DEMO"] == hashlib.sha256(demographics.read_bytes()).hexdigest()


def test_invented_results_never_take_the_place_of_real_ones(copy):
    for path in copy.estimates.glob("*.csv"):
        pd.read_csv(path).assign(data="NHANES 1999-2004").to_csv(path, index=False)
    before = digests(copy.estimates)
    with pytest.raises(StageError, match="holds results of NHANES 1999-2004, these would be of SYNTHETIC"):
        fit_models(copy)
    assert digests(copy.estimates) == before


def test_real_estimates_beside_a_left_over_planted_curve_stay_real(tables):
    for name in ESTIMATES:
        path = tables.estimates / f"{name}.csv"
        pd.read_csv(path).assign(data="NHANES 1999-2004").to_csv(path, index=False)
    estimates, provenance = read_estimates(tables)
    assert not provenance.synthetic
    assert "planted" not in estimates


def test_published_numbers_are_read_beside_real_estimates_only(tables):
    published = pd.DataFrame({"quantity": ["phosphorus"], "ours": [1.0], "data": ["NHANES 1999-2004"]})
    published.to_csv(tables.estimates / "published_threshold.csv", index=False)
    assert "published_threshold" not in read_estimates(tables)[0]
    for name in ESTIMATES:
        path = tables.estimates / f"{name}.csv"
        pd.read_csv(path).assign(data="NHANES 1999-2004").to_csv(path, index=False)
    assert read_estimates(tables)[0]["published_threshold"]["ours"].tolist() == [1.0]


def test_shapes_of_another_survey_never_take_the_place_of_the_real_ones(copy):
    path = copy.estimates / "models.csv"
    pd.read_csv(path).assign(data="NHANES 1999-2004").to_csv(path, index=False)
    with pytest.raises(StageError, match="holds results of NHANES 1999-2004"):
        examine_shapes(copy, replicates=2)


def test_simulation_is_read_whole_or_not_at_all(tmp_path):
    folders = Folders(tmp_path, tmp_path / "figures")
    folders.simulation.mkdir(parents=True)
    for number, name in enumerate(SIMULATED):
        with pytest.raises(StageError, match="no readable tables of the stage simulate in .*run `make simulate`"):
            read_simulation(folders)
        table = pd.DataFrame({"rate": [number], "data": ["SYNTHETIC surveys, seed 1"]})
        table.to_csv(folders.simulation / f"{name}.csv", index=False)
    read, provenance = read_simulation(folders)
    assert [frame["rate"].item() for frame in read.values()] == list(range(len(SIMULATED)))
    assert provenance == Provenance("SYNTHETIC surveys, seed 1", synthetic=True)


def test_flow_of_the_cohort_stage_needs_no_fit(copy, monkeypatch):
    monkeypatch.setattr(pipeline, "estimate", lambda *_: pytest.fail("fitted"))
    assert build_participants(copy)["n"].iloc[0] == 31126


@pytest.mark.parametrize("name", ["provenance.json", "participants.parquet"])
def test_participants_of_which_a_file_is_missing_are_refused_by_its_name(copy, name):
    (copy.processed / name).unlink()
    with pytest.raises(StageError, match=rf"no readable participants in .* \({name}: FileNotFoundError\): run"):
        read_participants(copy)


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"source": "x"}', "{", "[" * 100_000])
def test_damaged_provenance_is_refused_with_what_to_do(copy, text):
    (copy.processed / "provenance.json").write_text(text)
    with pytest.raises(StageError, match="run `make figures`"):
        read_participants(copy)


@pytest.mark.parametrize("name", ESTIMATES)
@pytest.mark.parametrize("damage", ["no rows", "no source", "not a table"])
def test_damaged_tables_of_estimates_are_refused_with_what_to_do(tables, name, damage):
    path = tables.estimates / f"{name}.csv"
    frame = pd.read_csv(path)
    damaged = {"no rows": frame.iloc[:0], "no source": frame.drop(columns="data"), "not a table": frame.iloc[:, :1]}
    damaged[damage].to_csv(path, index=False)
    with pytest.raises(StageError, match="analysis fit"):
        draw_figures(tables)


@pytest.mark.parametrize("lost", range(6))
def test_estimates_that_lost_a_test_are_refused(tables, lost):
    tests = pd.read_csv(tables.estimates / "tests.csv")
    tests.drop(index=6 + lost).to_csv(tables.estimates / "tests.csv", index=False)
    with pytest.raises(StageError):
        read_estimates(tables)


@pytest.mark.parametrize("name", sorted(set(ESTIMATES) - {"models", *OF_ONE}))
def test_estimates_that_lost_a_model_are_refused(tables, name):
    frame = pd.read_csv(tables.estimates / f"{name}.csv", dtype={"model": str})
    frame[frame["model"] != "1"].to_csv(tables.estimates / f"{name}.csv", index=False)
    with pytest.raises(StageError):
        read_estimates(tables)


def test_study_whose_quintiles_coincide_can_still_be_drawn(participants, demo, tmp_path):
    """The curve needs no quintiles, and an intake that many people share leaves the knots apart."""
    intake = participants["magnesium_mg"]
    heaped = participants.assign(magnesium_mg=intake.mask(intake.between(150, 230), 190.0))
    with pytest.raises(StudyError, match="cuts of .* into 5 groups"):
        quintiles(heaped, PRIMARY, reference_quintile=2)
    assert draw_study(estimate(heaped, PRIMARY), heaped, read_participants(demo)[1], tmp_path / "mine")
