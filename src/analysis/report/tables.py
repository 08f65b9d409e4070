"""Tables as a journal prints them: by name, with their numbers for a spreadsheet and their cells for a page.

A `PrintedTable` computes nothing: what it holds was read from the estimates. `analysis.pipeline.tables` writes it as
HTML, docx or CSV.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.provenance import Provenance
from analysis.report.words.claims import result_words
from analysis.report.words.numbers import MODEL_NAMES, format_intake, p_number, sentence
from analysis.report.words.shape import low_point_words, shape_of_model
from analysis.report.words.study import (
    GROUP_WORDS,
    WEIGHT_WORDS,
    adjustment_words,
    characteristic_row_words,
    characteristic_words,
    describe_people,
    format_characteristic,
    noted,
    people_of_groups,
    unknown_words,
)
from analysis.stats.arrays import Frames, Row
from analysis.stats.disclosure import FEW, FEWEST_PEOPLE, Discreet, count_of
from analysis.stats.sample.presentation import present_proportion

WITHHELD = "‡"
"""Stands for a number that would tell that of few people by difference."""

UNRELIABLE = "†"
"""Stands behind a percentage that fails the presentation standards."""

NUMERIC = ("n", "estimate", "conf_low", "conf_high")
"""What a cell may hold, in the order of a spreadsheet's columns."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrintedTable(Discreet):
    """One table, twice: as numbers and as words.

    Attributes
    ----------
    title : what it shows, of whom.
    numbers : a row per row of the table, every number as a number; what is not told is empty.
    cells : the same rows as they are printed; columns ``section`` and ``row``, then those of the table.
    notes : what stands beneath.
    source : what the data are, as in `Provenance`.
    """

    title: str
    numbers: pd.DataFrame
    cells: pd.DataFrame
    notes: tuple[str, ...]
    source: str


def characteristics(estimates: Frames, provenance: Provenance) -> PrintedTable:
    """Table 1: the cohort, and those with and without neuropathy.

    Parameters
    ----------
    estimates : of `analysis.pipeline.results.read_estimates`.
    provenance : see `Provenance`.
    """
    return _described(estimates, estimates["characteristics"], provenance, by="neuropathy")


def characteristics_by_quintile(estimates: Frames, provenance: Provenance) -> PrintedTable:
    """Table 1 by fifths of the cohort's intake; parameters as `characteristics`."""
    by = f"quintile of {estimates['models']['exposure_label'].iloc[0]} intake"
    return _described(estimates, estimates["characteristics_by_quintile"], provenance, by=by)


def models(estimates: Frames, provenance: Provenance) -> PrintedTable:
    """People, odds ratios at round intakes, tests and shape of each covariate set; parameters as `characteristics`."""
    rows = [row for _, model in estimates["models"].iterrows() for row in _model_rows(estimates, model)]
    first = estimates["models"].iloc[0]
    level = f"{100 * first['conf_level']:g} %"
    title = f"Odds ratio of peripheral neuropathy by {first['exposure_label']} intake in {describe_people(first)}"
    notes = (
        f"Odds ratios ({level} interval) against the unweighted median intake of the cohort, from a restricted cubic "
        f"spline with {len(first['knots'].split())} knots; {WEIGHT_WORDS[first['weights']]}.",
        f"{adjustment_words(estimates['models'])}.",
        "±: Monte Carlo error. Verdict by the rule of the protocol; not shown is not shown to be absent.",
    )
    return _laid_out(noted(title, estimates), rows, notes, provenance.source)


def claims(frames: Frames, provenance: Provenance) -> PrintedTable:
    """What was found about each of the article's claims.

    Parameters
    ----------
    frames : of `analysis.pipeline.results.read_claims`.
    provenance : see `Provenance`.
    """
    found = frames["verdicts"]
    sections = [f"{row.claim}. {row.statement}" for row in found.itertuples()]
    names = {"measure": "measure", "estimate": "estimate", "conf_low": "interval, low", "conf_high": "interval, high",
             "p_value": "p", "n": "n", "verdict": "verdict", "why": "why"}  # fmt: skip
    labels = pd.DataFrame({"section": sections, "row": found["analysis"].map(_row_name)}, index=found.index)
    cells = labels.assign(
        **{
            "Estimate (95 % interval)": ["" if row["measure"] == "p" else result_words(row)
                                         for _, row in found.iterrows()],
            "p": ["" if pd.isna(p) else p_number(p) for p in found["p_value"]],
            "n": ["" if pd.isna(n) else count_of(n) for n in found["n"]],
            "Verdict": found["verdict"],
            "Why": found["why"].fillna(""),
        }
    )  # fmt: skip
    notes = (
        "Estimates are odds ratios unless they carry another unit. Supported: the interval lies on the side that the "
        "claim says; contradicted: on the other; not shown: it holds both. Associations of one recalled day.",
    )
    numbers = pd.concat([labels, found[list(names)].rename(columns=names)], axis=1)
    return PrintedTable("The article's claims, one comparison a row", numbers, cells, notes, provenance.source)


def published(estimates: Frames, provenance: Provenance) -> PrintedTable:
    """Numbers that others have published, beside the same from these files; parameters as `characteristics`.

    Raises
    ------
    LookupError : the survey is invented, so that nobody has published of it.
    """
    found = estimates["published"].query("agreement != 'not recomputed'").reset_index(drop=True)
    labels = pd.DataFrame({"section": found["study"] + ", " + found["citation"], "row": found["item"].map(_row_name)})
    cells = labels.assign(
        **{
            "Published": [_published_words(row) for row in found.itertuples()],
            "Here": [_our_words(row) for row in found.itertuples()],
            "Agreement": found["agreement"],
            "How": found["how"].astype(object).fillna(""),
        }
    )  # fmt: skip
    numbers = pd.concat([labels, found.drop(columns=["study", "citation", "item", "data"])], axis=1)
    notes = (
        "95 % intervals. As printed: rounds to the printed digits. Close: within 5 % and inside the printed interval. "
        "Not identifying: a number of people that many definitions reach.",
    )
    return PrintedTable("Published numbers and the same from these files", numbers, cells, notes, provenance.source)


TABLES: dict[str, Callable[[Frames, Provenance], PrintedTable]] = {
    "characteristics": characteristics,
    "characteristics_by_quintile": characteristics_by_quintile,
    "models": models,
    "claims": claims,
    "published": published,
}
"""Every table by name; the claims take the frames of the claims stage, the others the estimates."""


def _described(estimates: Frames, frame: pd.DataFrame, provenance: Provenance, *, by: str) -> PrintedTable:
    model = estimates["models"].iloc[0]
    people = people_of_groups(frame)
    p_told: set[str] = set()
    rows: list[Row] = []
    heads = {group: f"{sentence(GROUP_WORDS[group])} (n = {people[group]:,.0f})" for group in frame["group"].unique()}
    for cell in frame.fillna({"level": ""}).itertuples():
        # Of a few it is not told how many they are: as many as they may be.
        known = int(people[cell.group] - (FEWEST_PEOPLE - 1 if pd.isna(cell.n_missing) else cell.n_missing))
        unreliable = _fails_standards(cell, known, model)
        row = _characteristic(cell, heads[cell.group])
        rows.append(row | {"text": f"{row['text']}{UNRELIABLE * unreliable}", "unreliable": unreliable or None})
        if cell.variable not in p_told and pd.notna(cell.p_value):
            rows.append(row | dict.fromkeys(NUMERIC) | {"column": "p", "estimate": cell.p_value,
                                                        "text": p_number(cell.p_value)})  # fmt: skip
        p_told.add(cell.variable)
    rows += _unknown(frame, heads)
    notes = [
        f"Weighted to the population ({WEIGHT_WORDS[model['weights']]}), with {100 * model['conf_level']:g} % "
        "intervals; n is unweighted, each characteristic of those in whom it is known. p: Wald F of means, Rao-Scott F "
        "of categories.",
        f"{FEW}: neither number nor estimate is told.",
    ]
    if any(row.get("unreliable") for row in rows):
        notes.append(f"{UNRELIABLE} unreliable by the presentation standards of NCHS for proportions.")
    if any(row["text"] == WITHHELD for row in rows):
        notes.append(f"{WITHHELD} not told: less the other groups, it would tell the one of {FEW}.")
    title = noted(f"Characteristics of {describe_people(model)}, by {by}", estimates)
    return _laid_out(title, rows, tuple(notes), provenance.source)


def _characteristic(cell: Any, column: str) -> Row:
    """One cell of Table 1, of a level or of a mean or median."""
    return {
        "section": characteristic_words(cell.variable, pd.DataFrame({"kind": [cell.kind]})),
        "row": sentence(characteristic_row_words(cell.level, cell.kind)),
        "column": column,
        "text": format_characteristic(cell),
        **{name: None if pd.isna(getattr(cell, name)) else getattr(cell, name) for name in NUMERIC},
    }


def _unknown(frame: pd.DataFrame, heads: dict[str, str]) -> Iterator[Row]:
    """How many miss each variable; of a single group of few, nor all together, which would tell it by difference."""
    for variable, cells in frame.groupby("variable", sort=False):
        missing = cells.groupby("group", sort=False)["n_missing"].first()
        for group, words in unknown_words(cells).items():
            n = None if words in ("", FEW) else missing[group]
            yield {"section": characteristic_words(str(variable), cells), "row": "Unknown, n",
                   "column": heads[group], "n": n, "text": words or WITHHELD}  # fmt: skip


def _fails_standards(cell: Any, n: int, model: pd.Series) -> bool:
    """Whether a percentage that is told fails the presentation standards for proportions."""
    if cell.kind != "percent" or pd.isna(cell.std_error):
        return False
    held = present_proportion(cell.estimate / 100, cell.std_error / 100, n=n, df=model["design_df"],
                              conf_level=model["conf_level"])  # fmt: skip
    return not held.reliable


def _model_rows(estimates: Frames, model: pd.Series) -> list[Row]:
    """Every cell about one model."""
    name, unit = model["model"], model["unit"]
    column = MODEL_NAMES[name]
    curve = estimates["odds_ratio_curve"].query("model == @name and tabulated")
    tests = estimates["tests"].query("model == @name").set_index(["test", "method"])["p_value"]
    shape = shape_of_model(estimates, name)
    cells: list[Row] = [
        {"section": "People", "row": label, "n": model[key], "text": count_of(model[key])}
        for key, label in (("n", "All, n"), ("cases", "With neuropathy, n"))
    ]
    cells += [
        {"section": f"Odds ratio at intake, {unit}", "row": format_intake(point.x), "estimate": point.odds_ratio,
         "conf_low": point.conf_low, "conf_high": point.conf_high,
         "text": f"{point.odds_ratio:.2f} ({point.conf_low:.2f} to {point.conf_high:.2f})"}
        for point in curve.itertuples()
    ]  # fmt: skip
    cells += [
        {"section": "Tests, p", "row": f"{words}, {method}", "estimate": tests[test, code],
         "text": p_number(tests[test, code])}
        for test, words in (("overall", "No association"), ("nonlinear", "A straight line"))
        for code, method in (("wald", "Wald F"), ("rao_scott", "Rao-Scott"))
    ]  # fmt: skip
    low, high = (shape[f"nadir_bootstrap_{end}"] for end in ("low", "high"))
    cells += [
        {"section": "Shape", "row": "Lowest point", "estimate": model["nadir"], "conf_low": low, "conf_high": high,
         "text": low_point_words(estimates, model)},
        {"section": "Shape", "row": "Verdict", "text": shape["verdict"], "words": shape["verdict"]},
    ]  # fmt: skip
    return [{"column": column, **cell} for cell in cells]


def _laid_out(title: str, rows: list[Row], notes: tuple[str, ...], source: str) -> PrintedTable:
    """A table from its single cells, in the order in which sections, rows and columns are first met."""
    long = pd.DataFrame(rows)
    place = ["section", "row"]
    sections = {name: number for number, name in enumerate(dict.fromkeys(long["section"]))}
    order = long[place].drop_duplicates()
    order = order.iloc[order["section"].map(sections).argsort(kind="stable")]
    columns = list(dict.fromkeys(long["column"]))
    columns += [columns.pop(columns.index("p"))] if "p" in columns else []
    index = pd.MultiIndex.from_frame(order)

    def wide(values: str) -> pd.DataFrame:
        one = long.set_index([*place, "column"])[values].unstack("column")  # noqa: PD010 (words have no mean)
        return one.reindex(index=index, columns=columns)

    parts = {value: wide(value) for value in (*NUMERIC, "unreliable", "words") if value in long}
    numbers = {
        name if (name, value) == ("p", "estimate") else f"{name}: {value.replace('conf_', 'interval, ')}": part[name]
        for name in columns
        for value, part in parts.items()
        if part[name].notna().any()
    }
    return PrintedTable(
        title, pd.DataFrame(numbers, index=index).reset_index(), wide("text").fillna("").reset_index(), notes, source
    )


def _published_words(row: Any) -> str:
    """A number as it was printed, with its interval where it has one."""
    if pd.isna(row.published):
        return ""
    return (
        row.published
        if pd.isna(row.published_low)
        else (f"{row.published} ({row.published_low} to {row.published_high})")
    )


def _our_words(row: Any) -> str:
    """The same number from these files, to four digits; of people all of them."""
    if pd.isna(row.ours):
        return "no estimate"
    if row.kind == "count":
        return f"{row.ours:,.0f}"
    ends = "" if pd.isna(row.ours_low) else f" ({_four_digits(row.ours_low)} to {_four_digits(row.ours_high)})"
    return f"{_four_digits(row.ours)}{ends}"


def _four_digits(value: float) -> str:
    """A number to four digits, zeros among them: "1.100", "2,248"."""
    return f"{value:#,.4g}".removesuffix(".")


def _row_name(words: str) -> str:
    """Words with a capital first letter, unless they begin with an abbreviation: "Height", "eGFR"."""
    return words if words[1:2].isupper() else sentence(words)
