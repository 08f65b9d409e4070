"""The command line: what it prints, and that every failure is one message and an exit code, never a traceback."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.cli import audits, claims, curve, drawing, options, people
from analysis.cli import demo as demo_command
from analysis.cli import estimate as estimate_command
from analysis.cli.options import build_parser
from analysis.data.people.vocabulary import NUTRIENT_COLUMNS
from analysis.data.source.registry import COMMITTED
from analysis.dose_response.association import estimate
from analysis.pipeline.folders import Folders, folders_of
from analysis.report.catalogue import CLAIM_FIGURES
from analysis.stats.sample.design import DesignError
from analysis.stats.shape.verdict import Verdict
from analysis.study import OUTCOMES, Study
from tests.conftest import REPLICATES
from tests.shared import apart, few_dots


@pytest.fixture
def run(demo, capsys):
    """Run `estimate` on the invented survey; exit code, standard output, standard error."""

    def _run(*arguments: str) -> tuple[int, str, str]:
        with few_dots():
            code = main(["estimate", "--data", str(demo.data), "--replicates", "10", "--jobs", "1", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return _run


@pytest.mark.parametrize(
    "stage", ["fetch", "cohort", "foods", "fit", "shapes", "figures", "demo", "estimate", "simulate", "audit"]
)
def test_every_stage_has_help(stage, capsys):
    with pytest.raises(SystemExit) as ended:
        main([stage, "--help"])
    assert ended.value.code == 0
    assert "usage: python -m analysis" in capsys.readouterr().out


def test_help_of_a_study_has_the_outcome_rules_and_names_the_dictionary_of_columns(capsys):
    with pytest.raises(SystemExit):
        main(["estimate", "--help"])
    # Lines are broken for the terminal's width, also within words that have a hyphen.
    text = "".join(capsys.readouterr().out.split())
    for rule, words in OUTCOMES.items():
        assert f"{rule}:{words}".replace(" ", "") in text
    assert text.count(f"{options.DICTIONARY}describesthem") == 2
    assert (Path(__file__).parents[2] / options.DICTIONARY).exists()


def test_json_has_the_promised_keys_and_the_fits_numbers(run, participants):
    code, out, _ = run("--format", "json", "--at", "100", "500")
    result = json.loads(out)
    found = estimate(participants, Study())
    assert code == 0
    assert {
        "n",
        "cases",
        "knots",
        "reference",
        "design_df",
        "residual_df",
        "coefficients",
        "tests",
        "curve",
        "nadir",
    } <= set(result)
    assert (result["n"], result["cases"]) == (found.fit.n, found.fit.cases)
    assert set(result["tests"][0]) == {"test", "method", "statistic", "df_num", "df_den", "p_value"}
    assert set(result["curve"][0]) == {
        "x", "log_or", "std_error", "odds_ratio", "conf_low", "conf_high", "band_low", "band_high", "e_value",
        "e_value_limit",
    }  # fmt: skip
    assert list(result["coefficients"][0]) == [
        "term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"
    ]  # fmt: skip
    np.testing.assert_allclose(
        [point["odds_ratio"] for point in result["curve"]], found.curve([100, 500]).frame["odds_ratio"]
    )
    assert result["nadir"]["x"] == found.nadir.x
    assert (result["nadir"]["sought_from"], result["nadir"]["sought_to"]) == (found.nadir.low, found.nadir.high)


def test_json_has_the_shape_of_the_curve_by_as_many_replicates_as_asked(run, estimates):
    shape = json.loads(run("--format", "json", "--replicates", "12")[1])["shape"]
    row = estimates[0]["shape"].set_index("model").loc["1"]
    assert set(shape) == set(row.index) - {"data"}
    assert shape["replicates"] == 12
    assert shape["verdict"] in get_args(Verdict)
    for name in ("nadir", "end_slopes_p", "two_lines_p", "threshold", "threshold_naive_p", "nadir_normal_low"):
        assert shape[name] == pytest.approx(row[name], rel=1e-8)


def test_invented_data_are_named_in_every_format(run):
    for form in ("table", "csv", "json"):
        assert "SYNTHETIC" in run("--format", form)[1]


@pytest.mark.parametrize("part", ["curve", "coefficients", "tests"])
def test_csv_can_be_read_back(run, part, tmp_path):
    code, out, _ = run("--format", "csv", "--part", part)
    (tmp_path / "out.csv").write_text(out)
    assert code == 0
    assert not pd.read_csv(tmp_path / "out.csv").empty


@pytest.mark.parametrize(
    "exposure", [name for name in NUTRIENT_COLUMNS if name in ("fiber_g", "energy_kcal", "sodium_mg")]
)
def test_any_shared_nutrient_can_be_the_exposure(run, exposure):
    code, out, _ = run("--exposure", exposure, "--format", "json")
    assert code == 0
    assert json.loads(out)["study"]["exposure"] == exposure


def test_every_option_reaches_the_study(run):
    code, out, _ = run(
        "--outcome", "two_sites", "--weights", "mec", "--knots", "3", "--model", "2", "--cycles", "2001", "1999",
        "--where", "age_years >= 50", "--covariates", "height_cm", "--conf-level", "0.9", "--format", "json",
    )  # fmt: skip
    study = json.loads(out)["study"]
    assert code == 0
    assert study == {
        "exposure": "magnesium_mg", "outcome": "two_sites", "weights": "mec", "knots": 3, "model": "2",
        "cycles": [1999, 2001], "where": "age_years >= 50", "extra_covariates": ["height_cm"], "age_min": 40,
        "age_max": None,
        "conf_level": 0.9, "lonely_domain": "fail", "knot_quantiles": "unweighted", "knot_rule": "harrell",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "age_years >"], "condition 'age_years >'"),
        (["--where", "shoe_size > 40"], "unknown column 'shoe_size'"),
        (["--where", "age_years > 200"], "the domain is empty"),
        (["--where", "age_years < 40"], "The cohort begins at 40 years (age_min)"),
        (["--where", "sex == 'male' and sex == 'female'"], "nobody is left at the step \"where sex == 'male' and"),
        (["--exposure", "energy_kcal", "--model", "3"], "also a covariate of model 3"),
        (["--covariates", "phosphorus_mg", "magnesium_mg"], "also one of the extra covariates (--covariates)"),
        (["--where", "age > 60"], "did you mean age_years"),
        (["--exposure", "kryptonite_mg"], "exposure 'kryptonite_mg'"),
        (["--covariates", "shoe_size"], "covariate 'shoe_size'"),
        (["--where", "hieght_cm > 170"], "did you mean height_cm"),
        (["--at", "100", "90000"], "90000: below the lowest or above the highest intake of the cohort."),
        (["--conf-level", "95"], "expected a number between 0 and 1"),
        (["--cycles", "1999", "1999"], "at most once"),
    ],
)
def test_bad_request_is_one_message_and_a_failing_exit(run, arguments, message):
    code, out, err = run(*arguments)
    assert code != 0
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert err.startswith("estimate: ")


@pytest.mark.parametrize(
    "arguments",
    [["--knots", "7"], ["--model", "9"], ["--cycles", "2005"], ["--at", "x"]],
)
def test_value_outside_the_choices_is_refused_by_the_parser(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["estimate", *arguments])
    assert ended.value.code == 2
    assert f"argument {arguments[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize(("stage", "needed"), [("estimate", "cohort"), ("fit", "cohort"), ("figures", "fit")])
def test_stage_before_its_input_names_the_stage_that_makes_it(stage, needed, tmp_path, capsys):
    assert main([stage, "--data", str(tmp_path)]) == 3
    err = capsys.readouterr().err
    assert f"python -m analysis {needed}" in err
    assert "make figures" in err
    assert "make demo" in err


def test_cohort_without_files_names_the_ways_to_get_them(tmp_path, capsys):
    assert main(["cohort", "--data", str(tmp_path)]) == 3
    assert "make data" in capsys.readouterr().err


def test_unwritable_folder_is_one_message(demo, tmp_path, capsys):
    (tmp_path / "occupied").write_text("a file where a folder should be")
    assert main(["figures", "--data", str(demo.data), "--figures", str(tmp_path / "occupied")]) == 1
    err = capsys.readouterr().err
    assert "occupied" in err
    assert "nothing was left half-written" in err


def test_interrupt_is_one_message_and_exit_130(demo, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(estimate_command, "read_participants", interrupted)
    assert main(["estimate", "--data", str(demo.data)]) == 130
    assert "Nothing was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "options", "module", "function", "said"),
    [
        ("audit", [], audits, "audit", "What was finished is kept; run the same command again to go on."),
        ("audit", ["--fresh"], audits, "audit", "What was finished is kept; run again without --fresh to go on."),
        ("fetch", [], people, "fetch", "What was finished is kept; run the same command again to go on."),
        ("demo", [], demo_command, "write_survey", "run it again: it begins anew and writes over that."),
        ("cohort", [], people, "build_participants", "No file is half-written, but some may be new beside older ones"),
        ("fit", [], curve, "fit_models", "No file is half-written, but some may be new beside older ones"),
        (
            "estimate",
            ["--figure", "mine"],
            estimate_command,
            "read_participants",
            "No file is half-written, but some may be new",
        ),
    ],
)
def test_an_interrupted_stage_says_what_is_left_and_how_to_go_on(
    tmp_path, monkeypatch, capsys, stage, options, module, function, said
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, function, interrupted)
    assert main([stage, "--data", str(tmp_path / "data"), *options]) == 130
    err = capsys.readouterr().err
    assert said in err
    assert "Nothing was changed" not in err


def test_a_demo_that_was_interrupted_while_inventing_begins_anew(tmp_path, monkeypatch, capsys):
    invented = []

    def interrupted(folder, **_):
        invented.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_command, "write_survey", interrupted)
    assert [main(["demo", "--data", str(tmp_path / "demo")]) for _ in range(2)] == [130, 130]
    assert invented == [tmp_path / "demo" / "raw"] * 2
    assert f"What it wrote until then stays in {tmp_path / 'demo'}" in capsys.readouterr().err


def test_a_registry_that_contradicts_itself_is_told_before_anything_is_fetched(tmp_path, monkeypatch, capsys):
    own = tmp_path / "raw" / "registry"
    shutil.copytree(COMMITTED, own)
    counts = (own / "codes.csv").read_text()
    (own / "codes.csv").write_text(counts.replace("BMX,BMXHT,81.8 to 201.3,8464", "BMX,BMXHT,81.8 to 201.3,8446"))
    monkeypatch.setattr(people, "fetch", lambda *_, **__: pytest.fail("fetched"))
    assert main(["fetch", "--data", str(tmp_path)]) == 3
    err = capsys.readouterr().err
    assert "codes.csv, BMX BMXHT: its counts add up to 9,264, but tables.csv has 9,282 rows" in err
    assert "revised" not in err


def test_a_study_whose_shape_cannot_be_told_still_has_its_curve_and_the_reason(demo, monkeypatch, capsys):
    def untellable(*_, **__):
        raise DesignError("no breakpoint has 20 people on each side")

    monkeypatch.setattr(estimate_command, "shape_of", untellable)
    assert main(["estimate", "--data", str(demo.data), "--format", "json", "--replicates", "5"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["shape"] == {"verdict": None, "reason": "no breakpoint has 20 people on each side"}
    assert result["curve"]


def test_the_shape_is_a_table_of_one_row(demo, capsys):
    assert main(["estimate", "--data", str(demo.data), "--format", "csv", "--part", "shape", "--replicates", "5"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(table) == 1
    assert table["nadir_bootstrap_low"].iloc[0] <= table["nadir_bootstrap_high"].iloc[0]


def test_reader_that_leaves_a_pipe_early_sees_no_error(demo):
    shell = f"{sys.executable} -m analysis estimate --data {demo.data} --replicates 2 --format json | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_address_comes_from_the_option_then_from_the_environment(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(people, "fetch", lambda *_, **options: asked.append(options["url"]))
    monkeypatch.setenv("NHANES_URL", "file:///from/environment")
    main(["fetch", "--data", str(tmp_path)])
    main(["fetch", "--data", str(tmp_path), "--url", "file:///from/option"])
    monkeypatch.setenv("NHANES_URL", "")
    main(["fetch", "--data", str(tmp_path)])
    assert asked == ["file:///from/environment", "file:///from/option", None]


def test_figures_of_an_invented_survey_go_beside_it_and_never_into_the_projects(demo):
    args = build_parser().parse_args(["figures", "--data", str(demo.data)])
    assert folders_of(args.data, args.figures) == Folders(demo.data, demo.data / "figures")


def test_demo_says_what_it_found_and_what_was_planted(demo):
    out = (demo.data.parent / "printed.txt").read_text()
    assert "SYNTHETIC" in out
    assert "The planted truth" in out
    for name in ("dose_response", "shape", "knots", "models", "quintiles", "diagnostics", "flow"):
        for suffix in ("png", "svg"):
            path = demo.figures / f"{name}.{suffix}"
            assert path.exists()
            assert str(path) in out


def test_demo_refuses_the_folder_of_the_real_survey(tmp_path, capsys):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    assert main(["demo", "--data", str(tmp_path / "data")]) == 3
    assert "is not an invented survey's" in capsys.readouterr().err
    assert not list((tmp_path / "data" / "raw").iterdir())


def test_figure_of_one_study_goes_into_the_folder_that_is_named(run, tmp_path):
    code, out, err = run("--exposure", "calcium_mg", "--figure", str(tmp_path / "mine"), "--format", "json")
    assert code == 0
    assert json.loads(out)["study"]["exposure"] == "calcium_mg"
    assert "dose_response_calcium_mg.png" in err
    assert (tmp_path / "mine" / "dose_response_calcium_mg.svg").exists()


def test_covariate_that_does_not_vary_leaves_the_model_and_is_named(run):
    code, out, _ = run("--model", "2", "--where", "has_diabetes == 1", "--format", "json", "--knots", "3")
    result = json.loads(out)
    assert code == 0
    assert result["dropped_terms"] == ["has_diabetes"]
    assert "has_diabetes" not in result["covariates"]


def test_intakes_beyond_the_outer_percentiles_are_starred(run):
    _, out, _ = run("--at", "60", "250", "900")
    starred = [line.split()[0] for line in out.splitlines() if " *  " in line]
    assert starred == ["60", "900"]


LONG = {
    people: ("fetch", "build_participants", "build_foods"),
    curve: ("fit_models", "examine_shapes"),
    claims: ("answer_claims",),
    drawing: ("draw_figures",),
}
"""What stages call that takes long."""


def test_stages_one_after_the_other_say_what_they_wrote_and_a_second_run_changes_no_byte(
    demo, tmp_path, capsys, monkeypatch
):
    for module, names in LONG.items():
        for name in names:
            monkeypatch.setattr(module, name, apart(getattr(module, name)))  # the demo has run every line of it
    shutil.copytree(demo.data, tmp_path / "data")
    again = Folders(tmp_path / "data", tmp_path / "data" / "figures")
    results = [path for folder in (again.estimates, again.figures) for path in folder.iterdir()]
    before = {path: path.read_bytes() for path in results}
    for path in results:
        os.utime(path, (0, 0))
    options = {
        "fetch": ["--needed"],
        "shapes": ["--replicates", str(REPLICATES), "--jobs", str(3 - min(2, os.cpu_count()))],  # not those of the demo
        "figures": ["--jobs", "1"],
    }
    for stage in ("fetch", "cohort", "foods", "fit", "shapes", "claims", "figures"):
        with few_dots():  # as the demo
            assert main([stage, "--data", str(again.data), *options.get(stage, [])]) == 0
    out = capsys.readouterr().out
    assert "Model 1: U\n" in out
    assert f"{again.participants}: 31,126 people" in out
    assert "odds_ratio_curve.csv" in out
    assert f"{again.estimates}/claims_*.csv\nFigures of them are drawn by `python -m analysis figures`." in out
    assert {f"{again.figures / name}.png" for name in ("dose_response", *CLAIM_FIGURES)} <= set(out.splitlines())
    written = [path for folder in (again.estimates, again.figures) for path in folder.iterdir()]
    assert {path: path.read_bytes() for path in written} == before
    assert all(path.stat().st_mtime > 0 for path in results), "every file was written anew"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["estimate", "--at", "nan"], "nan is no intake"),
        (["estimate", "--at", "-5"], "expected"),
        (["estimate", "--at", "1e308"], "1e308 is no intake"),
        (
            ["estimate", "--at", "100,200"],
            "100,200: expected a number; several are parted by spaces, as in --at 100 200",
        ),
        (["estimate", "--cycles", "1999-2000"], "1999-2000: expected the first years of cycles, of 1999, 2001, 2003"),
        (["estimate", "--conf-level", "x"], "x: expected a number between 0 and 1, such as 0.95"),
        (["estimate", "--knots", "four"], "four: expected a number of knots, of 3, 4, 5, 6"),
        (["simulate", "--seed", "x"], "x: expected a whole number from 0 on"),
        (["demo", "--seed", "-1"], "expected a whole number from 0 on"),
        (["fetch", "--jobs", "0"], "0: expected a whole number from 1 on"),
        (["shapes", "--replicates", "1"], "1: expected a whole number from 2 on"),
        (["simulate", "--surveys", "2.5"], "2.5: expected a whole number from 1 on"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_the_parser(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(arguments)
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert "value" not in err  # as in "invalid _intake value"


@pytest.mark.parametrize("name", ["plot.png", "PLOT.SVG", "figures/plot.pdf", "occupied"])
def test_a_figure_goes_into_a_folder_and_not_into_a_drawings_name_or_a_file(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    Path("occupied").write_text("a file where a folder should be")
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["estimate", "--figure", name])
    assert ended.value.code == 2
    folder = Path(name).parent / "drawings"
    assert f"{name}: expected a folder, such as {folder}; the drawings in it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mine", "figures/v1.2", "."])
def test_any_other_name_of_a_folder_for_a_figure_is_taken(name):
    assert build_parser().parse_args(["estimate", "--figure", name]).figure == Path(name)


def test_a_polite_end_from_outside_is_an_interrupt(demo, tmp_path):
    """SIGTERM to a running demo: one message, exit 130, and nothing half-written."""
    command_line = [sys.executable, "-m", "analysis", "demo", "--data", str(tmp_path / "demo")]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "demo: interrupted" in err
    assert "Traceback" not in err
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


# ---- what every output of a study says


NOT_WHITE = "race_ethnicity != 'non_hispanic_white' and cycle == 1999"
SAID = ("Reference level of race_ethnicity: mexican_american, as nobody is non_hispanic_white.",
        "Everybody is of cycle 1999: weighted as by --cycles 1999.")  # fmt: skip


def test_another_reference_level_and_the_weights_of_one_cycle_are_said_in_every_output(run, tmp_path):
    _, text, _ = run("--where", NOT_WHITE)
    _, as_json, _ = run("--where", NOT_WHITE, "--format", "json")
    _, as_csv, _ = run("--where", NOT_WHITE, "--format", "csv", "--figure", str(tmp_path))
    assert all(note in text for note in SAID)
    assert json.loads(as_json)["notes"] == list(SAID)
    tables = [io.StringIO(as_csv), *tmp_path.glob("*.csv")]
    assert len(tables) == 4
    for table in map(pd.read_csv, tables):
        assert table["notes"].unique().tolist() == [" ".join(SAID)]
    assert "mexican_american" in next(tmp_path.glob("*.md")).read_text()  # of the caption, not of the condition


@pytest.mark.parametrize("part", ["curve", "coefficients", "tests", "shape"])
def test_a_printed_table_names_exposure_subgroup_and_model_in_its_columns(run, part):
    _, out, _ = run(
        "--exposure", "calcium_mg", "--where", "pir < 1.3", "--model", "2", "--format", "csv", "--part", part
    )
    table = pd.read_csv(io.StringIO(out), dtype=str)
    told = table[["exposure", "where", "model", "study"]].drop_duplicates().to_numpy().tolist()
    assert told == [["calcium_mg", "pir < 1.3", "2", "calcium_mg-model_2-where_pir_below_1.3"]]


def test_a_study_is_drawn_for_one_column_under_a_name_that_says_so(run, tmp_path):
    code, _, err = run("--where", "sex == 'female'", "--figure", str(tmp_path), "--width", "one")
    assert code == 0
    assert "where_sex_is_female_85mm.png" in err
    assert {path.suffix for path in tmp_path.glob("*_85mm.*")} == {".png", ".svg", ".md"}
    (svg,) = tmp_path.glob("*.svg")
    assert "women aged 40 or older" in svg.read_text()  # the subgroup is in the title


def test_two_subgroups_are_drawn_into_files_of_their_own(run, tmp_path):
    for below in ("1.3", "1.85"):
        code, _, err = run("--where", f"pir < {below}", "--figure", str(tmp_path))
        assert code == 0
        assert f"where_pir_below_{below}.png" in err
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.svg"))) == 2
    for table in tmp_path.glob("*.csv"):
        (where,) = pd.read_csv(table)["where"].unique()
        assert f"below_{where.removeprefix('pir < ')}" in table.name


def test_a_heaped_exposure_is_refused_with_the_option_that_answers_it(run):
    code, _, err = run("--exposure", "alcohol_g")
    assert code == 5
    assert "--knot-rule hmisc" in err
    code, out, _ = run("--exposure", "alcohol_g", "--knot-rule", "hmisc")
    assert code == 0
    assert "Knots placed by Hmisc's rule for ties and small samples." in out


def test_a_study_of_a_file_is_that_of_its_options(demo, tmp_path, capsys):
    (tmp_path / "zinc.toml").write_text('exposure = "zinc_mg"\nknots = 3\nage_max = 80\n')
    arguments = ["estimate", "--data", str(demo.data), "--format", "csv", "--part", "coefficients"]
    said = []
    options_of_it = ["--exposure", "zinc_mg", "--knots", "3", "--where", "age_years <= 80"]
    for choice in (["--study", str(tmp_path / "zinc.toml")], options_of_it):
        assert main([*arguments, *choice]) == 0
        said.append(pd.read_csv(io.StringIO(capsys.readouterr().out)).set_index("term")["estimate"])
    pd.testing.assert_series_equal(*said)


def test_a_study_of_a_file_takes_no_options_beside_it(demo, tmp_path, capsys):
    (tmp_path / "zinc.toml").write_text('exposure = "zinc_mg"\n')
    assert main(["estimate", "--data", str(demo.data), "--study", str(tmp_path / "zinc.toml"), "--knots", "3"]) == 2
    assert "options for knots" in capsys.readouterr().err
