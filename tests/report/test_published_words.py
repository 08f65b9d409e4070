"""Published numbers and claims in words, on tables that a reader can check by eye."""

import pandas as pd
import pytest

from analysis.report.words import published as published_words

FOUND = pd.DataFrame(
    [
        ("A", "count", "as printed"),
        ("A", "count", "not identifying"),
        ("A", "mean", "close"),
        ("A", "median", "as printed"),
        ("B", "odds_ratio", "not reached"),
        ("B", "risk_ratio", "not reached"),
        ("A", "prevalence", "not reached"),
        ("C", "count", "not recomputed"),
        ("C", "odds_ratio", "none printed"),
    ],
    columns=["study", "kind", "agreement"],
).assign(
    citation=lambda rows: rows["study"].map({"A": "J 1:1", "B": "J 2:1", "C": "J 3:1"}),
    publication=lambda rows: rows["study"],
    se_agreement="",
)

FORMS = ("none", "linear", "spline", "residual", "density")
CYCLES = ("without 1999-2000", "without 2001-2002", "without 2003-2004")


def claim(found: dict[str, str], *, own: str = "none", odds: float = 1.5, item: str = "x, OR") -> pd.DataFrame:
    """Rows of one claim: shown everywhere but where ``found`` says otherwise."""
    rows = [
        {
            "study": "A", "item": item, "claim": "above 1", "variation": "energy" if level in FORMS else "cycle",
            "level": level, "own": level == own, "odds_ratio": odds, "conf_low": odds / 1.2, "conf_high": odds * 1.2,
            "p_value": 0.2 if level in found else 0.01, "found": found.get(level, "shown"), "trend_slope": 0.1,
            "trend_p": 0.2 if level in found else 0.01, "verdict": found.get(f"verdict {level}", "U"),
            "nonlinear_p": 0.01, "levels_p": 0.01, "levels": found.get(f"levels {level}", "both ends higher"),
            "other_rule": None, "n": 900 if level in FORMS else 600,
        }
        for level in (*FORMS, *CYCLES)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_numbers_are_counted_by_kind_and_class_and_those_without_a_comparison_not() -> None:
    table = published_words.agreement_table(FOUND)
    assert table.loc["numbers of people"].tolist() == [1, 0, 0, 1]
    assert table.loc["means and medians"].tolist() == [1, 1, 0, 0]
    assert table.loc["odds and risk ratios"].tolist() == [0, 0, 2, 0]
    assert table.loc["all"].tolist() == [2, 1, 3, 1]
    assert "| prevalences | 0 | 0 | 1 | 0 |" in published_words.agreement_markdown(FOUND)


def test_misses_are_told_by_study_the_most_first() -> None:
    assert published_words.misses_sentence(FOUND) == "Not reached: B, J 2:1 (2 of 2); A, J 1:1 (1 of 5)."
    assert published_words.misses_sentence(FOUND[:4]) == "Every printed number is reached."


def test_a_claim_that_stands() -> None:
    assert published_words.published_sentence(claim({}, own="linear")) == (
        "A, x: 1.50 (1.25 to 1.80) as recomputed; 1.50 (1.25 to 1.80) without energy; with energy adjusted for, shown "
        "in each of 4 forms (1.50 to 1.50); shown without any one cycle (1.50 to 1.50)."
    )


def test_two_versions_of_a_publication_are_counted_once() -> None:
    versions = FOUND.assign(publication=FOUND["study"].replace("B", "A"))
    assert "Of 7 numbers that 2 publications printed" in published_words.reached_markdown(FOUND)
    assert "Of 7 numbers that 1 publication printed" in published_words.reached_markdown(versions)


def test_standard_errors_are_told_beside_the_numbers() -> None:
    errors = FOUND.assign(se_agreement=["as printed", "", "not reached"] + 6 * [""], published_se="0.07",
                          ours_se=0.0823, item="x")  # fmt: skip
    assert published_words.errors_sentence(errors) == (
        "Of 2 printed standard errors, 1 is recomputed as printed, 0 closely and 1 not: A, x (0.082 for 0.07)."
    )
    assert published_words.errors_sentence(FOUND) == ""


def test_misses_and_errors_are_one_paragraph() -> None:
    assert published_words.misses_markdown(FOUND) == published_words.misses_sentence(FOUND)
    errors = FOUND.assign(se_agreement=["as printed"] + 8 * [""])
    assert published_words.misses_markdown(errors) == (
        f"{published_words.misses_sentence(FOUND)} Of 1 printed standard error, 1 is recomputed as printed, 0 closely "
        "and 0 not."
    )


def without(level: str, odds: float, n: int = 600) -> pd.DataFrame:
    """A claim of 1.50 of 900 people that is not shown without one cycle, where it is ``odds`` of ``n``."""
    rows = claim({level: "same side"})
    at = rows["level"] == level
    return rows.assign(odds_ratio=rows["odds_ratio"].where(~at, odds), n=rows["n"].where(~at, n))


def test_a_claim_that_goes_with_energy_and_hangs_on_a_cycle() -> None:
    """Log(1.50) is 0.405; without a third of the people 0.182 of log(1.20) are less than two thirds of it."""
    rows = without("without 2001-2002", 1.2)
    rows.loc[rows["level"].isin(FORMS[1:]), "found"] = "same side"
    told = published_words.published_sentence(rows)
    assert "with energy adjusted for, shown in none of 4 forms: beside a straight line of energy (1.50)" in told
    assert "it hangs on 2001-2002 (without 2001-2002 it is 1.20 (1.25 to 1.80))" in told


@pytest.mark.parametrize(
    ("odds", "n", "hangs"),
    [
        (1.50, 600, False),
        (1.35, 600, False),
        (1.32, 600, False),
        (1.30, 600, True),
        (0.90, 600, True),  # the other side of 1
        (1.30, 500, False),  # more people are lost than of the association
        (float("nan"), 600, False),
    ],
)
def test_a_claim_hangs_on_a_cycle_without_which_more_of_it_is_lost_than_of_the_people(odds, n, hangs) -> None:
    told = published_words.published_sentence(without("without 1999-2000", odds, n))
    assert ("it hangs on 1999-2000" in told) == hangs
    assert ("; not shown without 1999-2000 (" in told) == (not hangs)


def test_a_claim_can_hang_on_one_cycle_and_only_be_unshown_without_another() -> None:
    rows = without("without 1999-2000", 1.2)
    at = rows["level"] == "without 2001-2002"
    told = published_words.published_sentence(rows.assign(found=rows["found"].where(~at, "same side")))
    assert "it hangs on 1999-2000 (without 1999-2000 it is 1.20" in told
    assert "; not shown without 2001-2002 (1.50 (1.25 to 1.80))" in told


def test_a_claim_that_is_not_shown_to_begin_with_hangs_on_nothing() -> None:
    told = published_words.published_sentence(claim(dict.fromkeys(("none", *CYCLES[:1]), "same side")))
    assert "as recomputed, not shown (p = 0.200)" in told
    assert "hangs" not in told
    assert "without 1999-2000 it is 1.50 (1.25 to 1.80), not shown" in told


def test_some_forms_keep_a_claim() -> None:
    told = published_words.published_sentence(claim({"density": "other side"}))
    assert "shown beside a straight line of energy (1.50), beside a spline of energy (1.50) and as residual" in told
    assert "and not per 1,000 kcal (1.50)" in told


def test_a_ratio_of_a_single_unit_has_the_decimals_that_show_it() -> None:
    rows = claim({}).assign(odds_ratio=0.99875, conf_low=0.99759, conf_high=0.99992)
    assert "0.9988 (0.9976 to 0.9999) as recomputed" in published_words.published_sentence(rows)


def test_a_claim_without_an_estimate_says_so() -> None:
    rows = claim({}).assign(odds_ratio=float("nan"), found="")
    assert "A, x: without an estimate as recomputed" in published_words.published_sentence(rows)
    alone = claim({}).assign(conf_low=float("nan"), conf_high=float("nan"), p_value=float("nan"), found="same side")
    assert "A, x: 1.50 (no interval) as recomputed; with" in published_words.published_sentence(alone)


def test_trend_and_rule_are_told_once_a_study() -> None:
    both = pd.concat([claim({"verdict spline": "no departure shown"}), claim({}, item="y, OR")])
    told = published_words.stands_sentences(both)
    assert len(told) == 3
    assert told[-1].startswith("A, trend and shape: over the groups' medians the odds rise as recomputed (p = 0.010)")
    assert '"no departure shown" in 1 of 8 (beside a spline of energy); ' in told[-1]
    assert told[-1].endswith("; both ends are higher than the median in 8 of 8.")
    assert published_words.published_markdown(both).count("\n- ") == 2


@pytest.mark.parametrize(("others", "told"), [(0.2, "nor in any of the other 7 fits"), (0.01, "but in 7 of 8 fits")])
def test_a_trend_that_is_not_shown_has_no_direction(others, told) -> None:
    rows = claim({}).assign(trend_p=others)
    rows.loc[rows["own"], "trend_p"] = 0.147
    said = published_words.rule_sentence(rows)
    assert f"over the groups' medians no trend is shown as recomputed (p = 0.147), {told};" in said
    assert "rise" not in said
    assert "fall" not in said


def test_two_models_of_a_study_are_counted_each() -> None:
    other = claim(
        dict.fromkeys((f"verdict {level}" for level in (*FORMS, *CYCLES)), "no departure shown"), item="y, OR"
    )
    told = published_words.rule_sentence(pd.concat([claim({}), other.assign(nonlinear_p=0.4, trend_slope=0.2)]))
    assert '"U" in 8 of 16' in told
    assert "a trend shown in 16 of 16 fits" in told


def test_the_second_rule_says_where() -> None:
    told = published_words.rule_sentence(claim({"levels density": "not shown", "levels none": "not shown"}))
    assert "both ends are higher than the median in 6 of 8 (beside a straight line" in told


def test_a_claim_of_neuropathy_is_told_by_the_other_rule_too() -> None:
    rows = claim({}).assign(other_rule="lenient", other_rule_odds_ratio=1.2, other_rule_conf_low=0.9,
                            other_rule_conf_high=1.6, other_rule_p_value=0.2, other_rule_found="same side")  # fmt: skip
    told = published_words.published_sentence(rows)
    assert told.endswith(
        "; by the lenient rule of neuropathy 1.20 (0.90 to 1.60) as recomputed, not shown (p = 0.200), and shown in 0 "
        "of 8 fits (8 by its own)."
    )


@pytest.mark.parametrize("column", ["trend_p", "verdict", "levels_p"])
def test_what_there_is_not_is_not_told(column) -> None:
    told = published_words.rule_sentence(claim({}).assign(**{column: None}))
    assert ("trend shown" in told) == (column != "trend_p")
    assert ("shape rule" in told) == (column != "verdict")
    assert ("both ends" in told) == (column != "levels_p")
