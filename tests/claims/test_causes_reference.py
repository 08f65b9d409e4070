"""Drugs, score, causes and quartiles are R's, on the invented survey and on the real files."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.arteries import arteries
from analysis.claims.causes import causes
from analysis.claims.depletion import depletion
from analysis.pipeline.participants import read_participants
from tests.reference_numbers import FOLDER, RTOL
from tests.test_real import FOLDERS

pytestmark = pytest.mark.reference

TERMS = {
    "score": "depletion_score", "score_1": "depletion_1", "score_2": "depletion_2", "score_3": "depletion_3_or_more",
    "wasting": "wasting_diuretic", "unknown_drugs": "unknown_drug",
}  # fmt: skip
PARTS = {"alcohol_heavy": "part_heavy_alcohol"}


def our_term(what: str, term: str) -> str:
    return PARTS.get(term, f"part_{term}") if what == "parts together" else TERMS.get(term, term)


def assert_as_r_has_it(answers: list[pd.DataFrame], folder: str) -> None:
    rows = pd.concat(answers, ignore_index=True)
    theirs = pd.read_csv(FOLDER / folder / "causes_fits.csv")
    question = theirs["study_id"].str.extract(
        r"^(?P<what>per point|by score|parts together|cause|quartiles) (?P<model>.+)$"
    )
    theirs = theirs.join(question)
    theirs["term"] = [our_term(what, term) for what, term in zip(theirs["what"], theirs["term"], strict=True)]
    odds = rows[rows["kind"] == "odds_ratio"].drop_duplicates(["what", "model", "term"])
    both = theirs.merge(odds, on=["what", "model", "term"], suffixes=("_r", ""), validate="one_to_one")
    assert len(both) == len(theirs) > 40
    for name in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(both[name].astype(float), both[f"{name}_r"], rtol=RTOL, err_msg=name)
    np.testing.assert_allclose(both["odds_ratio"], np.exp(both["estimate_r"]), rtol=RTOL)
    np.testing.assert_allclose(both["conf_low"], np.exp(both["conf_low_r"]), rtol=RTOL)
    whole = both[both["what"] != "quartiles"]  # of a quartile ours counts its own people
    assert whole["n"].tolist() == whole["n_r"].tolist()
    assert whole["cases"].tolist() == whole["cases_r"].tolist()
    counts = pd.read_csv(FOLDER / folder / "causes_counts.csv").set_index("term")["n"]
    ours = rows[(rows["kind"] == "count") & (rows["group"] != "known")].drop_duplicates("term").set_index("term")["n"]
    assert [int(ours[TERMS.get(str(term), str(term))]) for term in counts.index] == counts.tolist()


def test_an_invented_survey_gives_rs_numbers(answers) -> None:
    assert_as_r_has_it([answers[name] for name in ("depletion", "causes", "arteries")], "synthetic")


@pytest.mark.real
def test_the_real_files_give_rs_numbers() -> None:
    people, provenance = read_participants(FOLDERS)
    assert not provenance.synthetic
    assert_as_r_has_it([depletion(people), causes(people), arteries(people)], "real")
