"""The rule behind a verdict, and the table of claims of the committed and of incomplete results."""

import pandas as pd
import pytest

from analysis.claims.verdicts import CLAIMS, ClaimError, by_interval, by_test, claim_by_claim
from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_claims, read_estimates
from analysis.report.words.claims import (
    VERDICTS,
    balance_sentences,
    claims_markdown,
    claims_table,
    finding_words,
    findings_table,
)
from tests.test_notebooks import COMMITTED


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    """Committed results of fit, shapes and claims."""
    return read_estimates(COMMITTED)[0] | read_claims(COMMITTED)[0]


@pytest.fixture(scope="module")
def verdicts(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return claim_by_claim(frames)


@pytest.mark.parametrize(
    ("low", "high", "side", "verdict"),
    [
        (1.01, 1.5, "above", "supported"),
        (1.01, 1.5, "below", "contradicted"),
        (0.5, 0.99, "above", "contradicted"),
        (0.5, 0.99, "below", "supported"),
        (0.9, 1.1, "above", "not shown"),
        (1.0, 1.5, "above", "not shown"),
        (0.5, 1.0, "below", "not shown"),
    ],
)
def test_an_interval_decides_only_if_it_leaves_out_no_difference(low, high, side, verdict):
    assert by_interval(low, high, side=side) == verdict


@pytest.mark.parametrize(("p", "verdict"), [(0.049, "supported"), (0.05, "not shown"), (0.9, "not shown")])
def test_a_test_decides_below_five_percent(p, verdict):
    assert by_test(p) == verdict


def test_every_claim_has_findings_and_the_committed_table_is_made_of_the_committed_results(frames, verdicts):
    assert set(verdicts["claim"]) == set(CLAIMS)
    assert set(verdicts["verdict"]) <= set(VERDICTS)
    pd.testing.assert_frame_equal(
        frames["verdicts"].drop(columns="data"), verdicts.astype({"n": float}),
        check_dtype=False, rtol=1e-8,
    )  # fmt: skip


def test_what_cannot_be_answered_says_why_and_has_no_number(verdicts):
    rows = verdicts[verdicts["verdict"] == "cannot be answered"]
    assert (rows["why"] != "").all()
    assert rows[["estimate", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    told = " ".join(rows["analysis"])
    for what in ("magnesium in blood", "laxatives", "gut disease", "chemotherapy", "antacids before 2003"):
        assert what in told


def test_an_interaction_is_judged_by_its_adjusted_p(frames):
    tests = frames["modifiers_tests"].copy()
    here = (tests["modifier"] == "diabetes") & (tests["model"] == "1") & (tests["exposure"] == "magnesium_mg")
    for holm, verdict in ((0.04, "supported"), (0.2, "not shown")):
        tests.loc[here, ["p_value", "holm_p"]] = [0.01, holm]
        found = claim_by_claim(frames | {"modifiers_tests": tests})
        row = found[(found["claim"] == 4) & (found["measure"] == "p")].iloc[0]
        assert (row["p_value"], row["verdict"]) == (0.01, verdict)
        assert f"p {holm:.2g}" in finding_words(row)


def test_another_result_changes_the_verdict_and_the_words(frames):
    curve, shape = frames["odds_ratio_curve"].copy(), frames["shape"].copy()
    high = (curve["model"] == "1") & (curve["x"] == 500)
    curve.loc[high, "conf_low"] = 0.9
    shape.loc[shape["model"] == "1", "verdict"] = "U"
    found = claim_by_claim(frames | {"odds_ratio_curve": curve, "shape": shape})
    assert found.loc[found["claim"] == 1, "verdict"].tolist() == ["supported", "not shown", "supported"]
    said = balance_sentences(found)
    assert said.startswith("Only the low end of intake has more neuropathy than the middle")
    assert "the curve falls and then rises is shown" in said


@pytest.mark.parametrize("missing", ["foods", "supplements_odds", "modifiers_tests", "odds_ratio_curve"])
def test_a_missing_table_is_named_with_what_to_run(frames, missing):
    with pytest.raises(ClaimError, match=rf"'{missing}' is missing: run the stages fit, shapes, foods and claims"):
        claim_by_claim({name: frame for name, frame in frames.items() if name != missing})


def test_the_table_of_claims_tells_every_finding_once(verdicts):
    table = claims_table(verdicts)
    assert [claim[:2] for claim in table.index] == [f"{number}." for number in CLAIMS]
    for row in verdicts.itertuples():
        cell = table["what the data say"].iloc[row.claim - 1]
        assert row.analysis in cell
    lines = claims_markdown(verdicts).splitlines()
    assert len(lines) == len(CLAIMS) + 2
    assert {line.count(" | ") for line in lines} == {2}
    assert sum(len(findings_table(verdicts, claim)) for claim in CLAIMS) == len(verdicts)


def test_claim_nine_is_three_sentences(verdicts):
    said = balance_sentences(verdicts)
    assert said.count(". ") == 2
    assert "no change of diet can be advised" in said


def test_answers_that_are_not_there_are_refused_with_the_command(tmp_path):
    with pytest.raises(Exception, match="run `make claims` or `python -m analysis claims` first"):
        read_claims(Folders(tmp_path, tmp_path))
