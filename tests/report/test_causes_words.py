"""Sentences on depletion, causes and arteries say what their rows hold, for either outcome."""

import pandas as pd
import pytest

from analysis.report.words.causes import (
    CAUSE_WORDS,
    INDICATION,
    PART_WORDS,
    arteries_words,
    causes_words,
    depletion_words,
)


def row(
    what: str, term: str, ratio: float, *, model: str = "1", p: float = 0.5, width: float = 1.2
) -> dict[str, object]:
    return {"kind": "odds_ratio", "what": what, "group": "all", "model": model, "term": term, "odds_ratio": ratio,
            "conf_low": ratio / width, "conf_high": ratio * width, "p_value": p, "n": 1000}  # fmt: skip


def a_test(what: str, term: str, *, p: float, model: str) -> dict[str, object]:
    return {"kind": "test", "what": what, "group": "all", "model": model, "term": term, "p_value": p, "n": 1000}


def depletion_rows(parts: dict[str, float], *, interaction: float) -> pd.DataFrame:
    points = [
        row("per point", "depletion_score", 1.15),
        row("per point", "depletion_score", 1.12, model="2 without alcohol"),
    ]
    each = [row("parts together", term, 1.3, p=parts.get(term, 0.5)) for term in PART_WORDS]
    return pd.DataFrame([*points, *each, a_test("curve", "interaction", p=interaction, model="1")])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "none stands out"),
        ({"part_diuretic": 0.001}, "only a diuretic stands out"),
        ({"part_diuretic": 0.001, "part_ppi": 0.04}, "a diuretic and a proton-pump inhibitor stand out"),
    ],
)
def test_parts_that_stand_out_are_named(parts, words: str) -> None:
    told = depletion_words(depletion_rows(parts, interaction=0.5))
    assert f"Of its parts in one model, {words}: a diuretic 1.30 (1.08 to 1.56)" in told
    assert "1.15 (0.96 to 1.38) (model 1)" in told
    assert told.endswith(INDICATION)
    assert "confounding by indication" in told


@pytest.mark.parametrize(("p", "words"), [(0.5, "is not shown to differ"), (0.01, "differs")])
def test_the_curve_within_scores_is_told_by_its_test(p: float, words: str) -> None:
    assert f"The curve of intake {words} between low and high scores" in depletion_words(
        depletion_rows({}, interaction=p)
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"has_diabetes": 0.001}, "goes with diabetes 1.30 (1.08 to 1.56); not shown: height"),
        ({}, "goes with none of them; not shown: diabetes"),
        (dict.fromkeys(CAUSE_WORDS, 0.001), "not shown: none of them."),
    ],
)
def test_causes_are_parted_by_whether_they_are_shown(found, words: str) -> None:
    rows = pd.DataFrame([row("cause", term, 1.3, p=found.get(term, 0.5)) for term in CAUSE_WORDS])
    assert words in causes_words(rows)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ((1.97, 1.57, 1.35), "lies above 1 in model 1 of the three."),
        ((1.97, 1.97, 1.35), "lies above 1 in models 1 and 2 of the three."),
        ((1.1, 1.1, 1.1), "lies above 1 in none of the three."),
    ],
)
def test_what_covariates_and_energy_leave_of_the_arteries_is_told(ratios, words: str) -> None:
    each = enumerate(ratios, start=1)
    rows = [row("quartiles", "quartile_1", ratio, model=str(model), width=1.6) for model, ratio in each]
    rows.append(a_test("quartiles", "all", p=0.2, model="2"))
    rows.append(row("published", "quartile_1", 1.56, model="theirs") | {"group": "Wu 2023, PLoS ONE", "n": 5969})
    told = arteries_words(pd.DataFrame(rows))
    assert told.endswith(words)
    assert "Wu 2023 prints 1.56" in told
    assert "5,969" in told
    assert f"odds ratio {ratios[0]:.2f}" in told
