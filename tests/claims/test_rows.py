"""Numbers of fewer than ten people, and what rests on them, are not told."""

import pandas as pd

from analysis.claims.rows import COLUMNS, Label, answer_table, count_row

LABEL = Label("cause", "all", "1")


def test_numbers_of_few_people_and_what_rests_on_them_are_empty() -> None:
    numbers = {"kind": "odds_ratio", "what": "cause", "estimate": 0.5, "odds_ratio": 1.6, "df": 30, "p_value": 0.1}
    rows = pd.DataFrame([{**numbers, "n": n, "cases": cases} for n, cases in ((9, 3), (10, 9), (5000, 800))])
    told = answer_table([rows])
    assert list(told.columns) == list(COLUMNS)
    assert told["n"].isna().tolist() == [True, False, False]
    assert told["cases"].isna().tolist() == [True, True, False]
    assert told["odds_ratio"].isna().tolist() == [True, False, False]
    assert told["kind"].tolist() == ["odds_ratio"] * 3


def test_nobody_is_told_as_nobody_and_a_few_not_at_all() -> None:
    told = answer_table([count_row(n, LABEL, term=f"score_{n}") for n in (0, 9, 10)])
    assert told["n"].isna().tolist() == [False, True, False]
    assert told["n"].dropna().tolist() == [0, 10]
