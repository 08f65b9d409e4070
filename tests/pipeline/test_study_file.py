"""Studies written in files: every field, and what is refused by name."""

import dataclasses
from pathlib import Path

import pytest

from analysis.audit.specifications import refuse_outside_grid
from analysis.dose_response.energy import ENERGY
from analysis.pipeline.study_file import FIELDS, parse_study, read_study
from analysis.study import PRIMARY, Study, StudyError
from analysis.validation.studies.replication import read_replications

EXAMPLES = Path(__file__).parents[2] / "data" / "studies"

EVERY_FIELD = """
exposure = "phosphorus_mg"
outcome = "pad"
weights = "mec"
knots = 5
knot_quantiles = "unweighted"
knot_rule = "hmisc"
model = "2"
cycles = [2003, 1999]
where = "age_years >= 60 and sex == 'female'"
extra_covariates = ["height_cm", "energy_kcal"]
age_min = 50
age_max = 80
conf_level = 0.9
lonely_domain = "keep"
"""


def test_a_file_can_say_every_field() -> None:
    study = parse_study(EVERY_FIELD, name="a.toml")
    assert study == Study(
        exposure="phosphorus_mg", outcome="pad", weights="mec", knots=5, knot_rule="hmisc", model="2",
        cycles=(1999, 2003), where="age_years >= 60 and sex == 'female'", extra_covariates=("height_cm", "energy_kcal"),
        age_min=50, age_max=80, conf_level=0.9, lonely_domain="keep",
    )  # fmt: skip
    said = {line.partition(" =")[0] for line in EVERY_FIELD.strip().splitlines()}
    assert said == set(FIELDS) == {field.name for field in dataclasses.fields(Study)}


def test_an_empty_file_is_the_default_study() -> None:
    assert parse_study("# nothing asked\n", name="a.toml") == Study()


@pytest.mark.committed
def test_the_default_study_is_the_primary() -> None:
    assert Study() == PRIMARY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exposure = ", "a.toml: "),
        ('outcom = "pad"', "key 'outcom': expected one of 14 names; did you mean outcome"),
        ('colour = "red"', "expected one of exposure, outcome, weights, knots"),
        ("[study]\nknots = 4", "key 'study'"),
        ('outcome = "feet"', "a.toml: outcome='feet': expected one of strict"),
        ('knots = "4"', "knots = '4': expected a whole number"),
        ("knots = true", "knots = True: expected a whole number"),
        ("knots = 4.0", "knots = 4.0: expected a whole number"),
        ("exposure = 5", "expected text in quotation marks"),
        ("exposure = ['zinc_mg']", "expected text in quotation marks"),
        ('where = "sex = 1"', "sex = 1"),
        ("where = 60", "expected text in quotation marks"),
        ("cycles = 1999", "expected a list"),
        ('cycles = ["1999"]', "expected each of them to be a whole number"),
        ("cycles = [1988]", "1988"),
        ("cycles = []", "at least one"),
        ('extra_covariates = "height_cm"', "expected a list"),
        ("age_max = 80.5", "expected a whole number"),
        ("age_max = 30", "from age_min=40 on"),
        ("conf_level = 2", "between 0 and 1"),
        ('conf_level = "0.9"', "expected a number"),
        ('extra_covariates = ["magnesium_mg"]', "also one of the extra covariates"),
    ],
)
def test_what_is_no_study_is_refused_by_name(text, message) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(text, name="a.toml")
    assert str(refused.value).startswith("a.toml: ")
    assert message in str(refused.value)


def test_a_column_of_ones_own_is_the_exposure_of_a_file_that_names_no_other() -> None:
    assert parse_study('weights = "mec"', name="a.toml", exposure="my_score") == Study("my_score", weights="mec")
    assert parse_study('exposure = "my_score"', name="a.toml", exposure="my_score").exposure == "my_score"
    with pytest.raises(StudyError, match="a.toml: exposure = 'magnesium_mg' beside the column 'my_score': "):
        parse_study('exposure = "magnesium_mg"', name="a.toml", exposure="my_score")


def test_no_file_a_folder_and_no_text_are_refused(tmp_path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "bytes.toml"):
        with pytest.raises(StudyError, match="expected a readable TOML file"):
            read_study(path)


CLAIMS = {row.study.lower().replace(" ", "_"): row for row in read_replications() if row.claim}


def test_every_claim_of_the_replications_has_its_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.toml")} == set(CLAIMS)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_examples_are_the_studies_of_the_replications(name) -> None:
    """They write as a condition and a model what a replication writes as one sample and all its covariates.

    Energy is left to the audit, which takes each of them.
    """
    study, claim = read_study(EXAMPLES / f"{name}.toml"), CLAIMS[name]
    assert (study.exposure, study.outcome_column) == (claim.exposure, claim.outcome)
    assert (study.weights, study.cycles, study.lonely_domain) == (claim.weights, claim.cycles, "keep")
    assert f"age_years >= {study.age_min}" in claim.sample
    assert study.age_max is None
    assert set(study.covariates) == set(claim.covariates) - {ENERGY}
    refuse_outside_grid(study)
