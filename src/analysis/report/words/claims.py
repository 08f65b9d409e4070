"""The article's claims, each with what was found and its verdict, as told from the table of verdicts."""

import pandas as pd

from analysis.report.words.numbers import as_markdown, format_odds_ratio, format_p, percent

VERDICTS = ("supported", "contradicted", "not shown", "described", "cannot be answered")
"""In the order in which they are told."""

ANSWERED = VERDICTS[:3]


def claims_table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row per claim: its findings by verdict, each with its estimate.

    Parameters
    ----------
    verdicts : of `analysis.claims.verdicts.claim_by_claim`.

    Returns
    -------
    Index claim; columns ``what the data say`` and ``verdict``: how many findings have which.
    """
    rows = {}
    for (number, statement), findings in verdicts.groupby(["claim", "statement"], sort=True):
        groups = [(verdict, findings[findings["verdict"] == verdict]) for verdict in VERDICTS]
        told = [
            f"**{verdict}**: {'; '.join(map(finding_words, _rows(group)))}" for verdict, group in groups if len(group)
        ]
        counts = [f"{len(group)} {verdict}" for verdict, group in groups if len(group)]
        rows[f"{number}. {statement}"] = (". ".join(told), ", ".join(counts))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["what the data say", "verdict"])
    return table.rename_axis("claim")


def short_markdown(verdicts: pd.DataFrame) -> str:
    """One line a claim as a Markdown table: its first comparison, and how many comparisons have which verdict."""
    table = claims_table(verdicts)
    first = verdicts.groupby("claim", sort=True).head(1).sort_values("claim")
    told = [f"{finding_words(row)}: {row['verdict']}" for row in _rows(first)]
    return as_markdown(pd.DataFrame({"first comparison": told, "all": table["verdict"].tolist()}, index=table.index))


def claims_markdown(verdicts: pd.DataFrame) -> str:
    """The table of `claims_table` as Markdown, which wraps its long cells."""
    return as_markdown(claims_table(verdicts))


def findings_table(verdicts: pd.DataFrame, claim: int) -> pd.DataFrame:
    """Every finding about one claim: analysis, result, people, verdict, why."""
    rows = verdicts[verdicts["claim"] == claim]
    return pd.DataFrame(
        {
            "analysis": rows["analysis"],
            "result": [result_words(row) for row in _rows(rows)],
            "n": [f"{n:,.0f}" if pd.notna(n) else "" for n in rows["n"]],
            "verdict": rows["verdict"],
            "why": rows["why"].fillna(""),
        }
    ).set_index("analysis")


def findings_markdown(verdicts: pd.DataFrame, claim: int) -> str:
    """The table of `findings_table` as Markdown, which wraps its long cells."""
    return as_markdown(findings_table(verdicts, claim))


def finding_words(row: pd.Series) -> str:
    """One finding: what was compared, and its estimate or why there is none."""
    result = result_words(row)
    reason = f" ({row['why']})" if row["measure"] == "p" or row["verdict"] == "cannot be answered" else ""
    return f"{row['analysis']} {result}".strip() + reason


def balance_sentences(verdicts: pd.DataFrame) -> str:
    """Claim 9, the sum of the others, in three sentences."""
    low, high, both = (_ends(verdicts, end) for end in ("low", "high", "falls"))
    ends = {
        (True, True): "Both ends of intake have",
        (True, False): "Only the low end of intake has",
        (False, True): "Only the high end of intake has",
    }.get((low["verdict"] == "supported", high["verdict"] == "supported"), "Neither end of intake has")
    is_u = "shown" if both["verdict"] == "supported" else "not shown"
    counts = verdicts[verdicts["claim"].between(2, 8)]["verdict"].value_counts()
    told = [f"{counts.get(verdict, 0)} are {verdict}" for verdict in ANSWERED]
    return (
        f"{ends} more neuropathy than the middle (odds ratio {result_words(low)} at 100 and {result_words(high)} "
        f"at 500 mg/day); that the curve falls and then rises is {is_u} (p {format_p(both['p_value'])}). Of "
        f"the comparisons behind claims 2 to 8, {', '.join(told)}. Intake and feet were looked at once, on one "
        "recalled day, so no change of diet can be advised from them."
    )


def _ends(verdicts: pd.DataFrame, word: str) -> pd.Series:
    first = verdicts[verdicts["claim"] == 1]
    return first[first["analysis"].str.contains(word)].iloc[0]


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def result_words(row: pd.Series) -> str:
    """What one comparison came to, with its interval, or its p where it is a test."""
    measure = row["measure"]
    if measure == "odds ratio":
        odds = row[["conf_low", "conf_high"]].to_dict() | {"odds_ratio": row["estimate"]}
        return format_odds_ratio(pd.Series(odds))
    if measure == "share":
        limits = f"{percent(row['conf_low'])} to {percent(row['conf_high'])}"
        return f"{percent(row['estimate'])} ({limits})"
    if measure == "mg per 100 g":
        return f"{row['estimate']:.0f} ({row['conf_low']:.0f} to {row['conf_high']:.0f}) mg per 100 g"
    return f"p {format_p(row['p_value'])}" if measure == "p" else ""
