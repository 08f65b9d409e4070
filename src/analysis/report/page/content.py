"""The page's sections, each from the results files by the sentences and tables that everything else uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.provenance import Provenance
from analysis.report.page.explorer import missing_tables
from analysis.report.page.files import read_off
from analysis.report.page.html import download, folded, paragraphs, table
from analysis.report.page.record import method_html, short_traceability, strobe_table
from analysis.report.words import audit as audit_words
from analysis.report.words import bottom_line as bottom_line_words
from analysis.report.words import claims as claims_words
from analysis.report.words import energy as energy_words
from analysis.report.words import first_screen, glossary, verdict_tables
from analysis.report.words import published as published_words
from analysis.report.words import referee as referee_words
from analysis.report.words import shape as shape_words
from analysis.report.words import simulation as simulation_words
from analysis.report.words import specificity as specificity_words
from analysis.report.words import study as study_words
from analysis.report.words.numbers import rows_of_model, sentence, verdict_words
from analysis.stats.arrays import Frames
from analysis.stats.disclosure import Discreet
from analysis.study import PRIMARY

NO_AUDIT = (
    "How much of this stands has not been asked of this survey yet: `python -m analysis audit` does, and adds the "
    "explorer."
)
NO_EXPLORER = (
    "The explorer is left out: this audit has kept no coefficients of its curves. `python -m analysis audit`, run "
    "again, does."
)
NO_CLAIMS = "The article's further claims have not been answered on this survey yet: `python -m analysis claims` does."
NO_REFEREE = "What decides the verdict has not been asked of this survey yet: `python -m analysis referee` does."
NO_PUBLISHED = "Published numbers are about the real files; none is compared on this survey."
NOT_FROM_FILES = (
    "SYNTHETIC: an invented survey. No record of a real person is in it, and nothing here is about the world."
)

DECIDES = (
    "The same people and rule under other choices, one at a time: what becomes of both questions, and which way the "
    "verdicts move or, where they stay, the p of the ends (*direction*). *EI:BMR* is recalled energy over basal "
    "metabolism."
)
PLAIN = {"interior": "lowest point inside the range", "df": "degrees of freedom"}
"""Heads of tables that other readers know by short names."""

IN_THE_FILE = {
    "cases", "df", "trend_slope", "end_slopes_p", "two_lines_p", "interior", "interior_mc_error", "nadir", "log_or_low",
    "log_or_high", "other_rule_n", "other_rule_cases", "other_rule_conf_low", "other_rule_conf_high",
    "other_rule_p_value", "other_rule_verdict", "other_rule_levels",
}  # fmt: skip
"""Columns of published_stands.csv that its table leaves out."""

WHY_PUBLISHED = (
    "Whoever recomputes one claim should first reach what others have printed of the same people. Publications on "
    "these surveys were recomputed by their own definitions. *As printed*: it rounds to the printed digits. *Close*: "
    "within 5 % and inside the printed interval. *Not identifying*: a number of people that many definitions reach, "
    "which counts for nothing."
)

TABLE_1 = {"characteristics": "with and without neuropathy", "characteristics_by_quintile": "by quintile of intake"}
"""Results files of Table 1, in words."""


@dataclass(frozen=True, slots=True, repr=False)
class Results(Discreet):
    """Everything the page tells, as read from the results files.

    Attributes
    ----------
    estimates, provenance : of the fit and shapes stages.
    audit, claims, simulation : of those stages; empty where they have not been run.
    referee : the table of the stage ``referee``; empty where it has not been run.
    published : tables of published numbers beside ours, by name.
    versions, digests : libraries by version; input tables and results files by their SHA-256.
    home : the project's folder as the page leads to it; empty where the page does not lie in it.
    elsewhere : address and words of README and the documents, for the way around.
    """

    estimates: Frames
    provenance: Provenance
    audit: Frames = field(default_factory=dict)
    claims: Frames = field(default_factory=dict)
    simulation: Frames = field(default_factory=dict)
    referee: pd.DataFrame = field(default_factory=pd.DataFrame)
    published: Frames = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    home: str = ""
    elsewhere: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: its anchor, its head and its HTML."""

    name: str
    title: str
    body: str = field(repr=False)


def sections(results: Results, *, math: Callable[[str], str]) -> dict[str, Section]:
    """Every section of the page but the charts and the explorer, by anchor, in order.

    Parameters
    ----------
    results : what is told.
    math : LaTeX -> MathML.
    """
    made = (
        Section("verdict", "The verdict", _verdict(results)),
        Section("curve", "The curve", _curve(results)),
        Section("tests", "Is it a U? The tests", _tests(results)),
        Section("stands", "How much of it stands", _stands(results)),
        Section("energy", "Energy, beside what its adjustment could find", _energy(results)),
        Section("claims", "The article's claims", _claims(results)),
        Section("published", "Published numbers beside ours", _published(results)),
        Section("referee", "What decides the verdict: the referee's table", _referee(results)),
        Section("people", "Who was studied: Table 1", _people(results)),
        Section("method", "The method in equations", method_html(math)),
        Section("traceability", "Where each number comes from", _traceability(results.home)),
        Section("strobe", "STROBE-nut", _strobe()),
        Section("versions", "Versions and input digests", _versions(results)),
    )
    return {section.name: section for section in made}


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of words with the heads of `PLAIN`, and verdicts as they are called everywhere on the page."""
    told = frame.rename(columns=PLAIN)
    return told.assign(verdict=told["verdict"].map(verdict_words)) if "verdict" in told else told


def _verdict(results: Results) -> str:
    """The first screen of README and its words."""
    estimates = results.estimates
    words = folded("Words", paragraphs(glossary.glossary_markdown(estimates)))
    if not results.audit:
        word = verdict_words(shape_words.shape_of_model(estimates, PRIMARY.model)["verdict"])
        told = f'<p class="answer">Is it a U? <strong>{sentence(word)}.</strong></p>'
        return told + paragraphs(study_words.answer_sentence(estimates), NO_AUDIT) + words
    first = first_screen.first_screen_markdown(estimates, results.audit, results.referee, results.simulation)
    return f'<div class="answer">{paragraphs(first)}</div>{words}'


def _curve(results: Results) -> str:
    estimates = results.estimates
    round_intakes = study_words.curve_table(estimates, model=PRIMARY.model)
    links = (
        download(estimates["odds_ratio_curve"], "odds_ratio_curve.csv"),
        download(estimates["prevalence"], "prevalence.csv"),
    )
    note = paragraphs(
        f"{study_words.adjustment_words(estimates['models'])}. The darker band is the 95 % interval at each intake, "
        "the lighter one holds the whole curve. Risk is standardised: the prevalence if everybody had that intake and "
        "kept their covariates."
    )
    return (
        note
        + folded("The same as a table", table(round_intakes, "Odds ratios at round intakes", index=False))
        + f'<p class="downloads">{" ".join(links)}</p>'
    )


def _tests(results: Results) -> str:
    estimates = results.estimates
    return (
        paragraphs(verdict_tables.u_markdown(estimates, results.referee))
        + folded(
            "The same in words, and every model",
            paragraphs(shape_words.shape_sentence(estimates), shape_words.knots_sentence(estimates)),
            table(_plain(shape_words.verdicts_table(estimates)), "What each model's verdict rests on"),
            table(_plain(study_words.tests_table(estimates)), "Overall and non-linear tests"),
        )
        + folded(
            "End slopes, two lines, lowest point, break, knots",
            table(shape_words.end_slopes_table(estimates), "End slopes, log odds per 100 units, one-sided p"),
            table(shape_words.two_lines_table(estimates), "Two lines, log odds per 100 units"),
            table(shape_words.low_points_table(estimates), "Lowest point"),
            table(shape_words.breaks_table(estimates), "Break of two straight pieces"),
            table(_plain(shape_words.knots_table(estimates)), "The verdict under other knots and forms"),
        )
        + folded(
            "How often the tests are right on invented surveys of known truth",
            paragraphs(simulation_words.rules_sentence(results.simulation)),
            table(simulation_words.rules_table(results.simulation), "% of surveys in which each rule finds it"),
            table(simulation_words.nadirs_table(results.simulation), "The low point's intervals"),
            paragraphs(
                simulation_words.questions_sentence(results.simulation),
                simulation_words.recall_power_sentence(results.simulation),
                simulation_words.recall_error_sentence(results.simulation),
                simulation_words.bands_sentence(results.simulation),
            ),
            table(simulation_words.questions_table(results.simulation), "% of surveys in which the answer is yes"),
            table(simulation_words.recall_error_table(results.simulation), "End slopes under recall error"),
        )
    )  # fmt: skip


def _stands(results: Results) -> str:
    audit = results.audit
    if not audit:
        return paragraphs(NO_AUDIT)
    return (
        paragraphs(
            NO_EXPLORER if missing_tables(audit) else "",
            verdict_tables.stands_markdown(results.estimates, audit, results.simulation),
        )
        + folded(
            "The same in words",
            paragraphs(
                bottom_line_words.bottom_line(results.estimates, audit, results.simulation),
                audit_words.choices_sentence(audit),
                audit_words.recall_sentence(audit),
                audit_words.failures_sentence(audit),
            ),
        )
        + folded(
            "Verdicts by choice, joint test, cycles, two days",
            table(audit_words.verdicts_by_choice_table(audit), "% of specifications by verdict"),
            table(audit_words.joint_test_table(audit), "All specifications together, against no association"),
            table(_plain(audit_words.cycles_table(audit)), "Each cycle by itself"),
            table(_plain(audit_words.recall_table(audit)), "On the first day, the second and their mean"),
        )
        + _specificity(audit)
    )


def _specificity(audit: Frames) -> str:
    if missing := audit_words.unanswered_words(audit, "specificity"):
        return paragraphs(missing)
    return folded(
        "Every nutrient, and outcomes that magnesium should not move",
        paragraphs(specificity_words.specificity_sentence(audit), specificity_words.controls_sentence(audit)),
        table(_plain(specificity_words.specificity_table(audit)), "Nutrients by non-linear p"),
    )


def _energy(results: Results) -> str:
    power = simulation_words.energy_power_markdown(results.simulation)
    if not results.audit:
        return paragraphs(NO_AUDIT, power)
    return (
        paragraphs(energy_words.energy_sentence(results.audit))
        + table(_plain(energy_words.energy_table(results.audit)), "Magnesium under each form of adjusting for energy")
        + paragraphs("What each form would have found:", power)
        + folded("What each form compares", paragraphs(energy_words.estimands_markdown(results.audit)))
    )


def _claims(results: Results) -> str:
    if "verdicts" not in results.claims:
        return paragraphs(NO_CLAIMS)
    verdicts = results.claims["verdicts"]
    return (
        paragraphs(claims_words.balance_sentences(verdicts), claims_words.claims_markdown(verdicts))
        + "".join(
            folded(f"Claim {number}: every comparison",
                   table(claims_words.findings_table(verdicts, int(number)), f"Claim {number}"))
            for number in sorted(verdicts["claim"].unique())
        )
        + f'<p class="downloads">{download(verdicts, "claims_verdicts.csv")}</p>'
    )  # fmt: skip


def _published(results: Results) -> str:
    if "published" not in results.published:
        return paragraphs(NO_PUBLISHED)
    numbers, stands = (results.published.get(name, pd.DataFrame()) for name in ("published", "published_stands"))
    told = paragraphs(
        WHY_PUBLISHED, published_words.agreement_markdown(numbers), published_words.misses_markdown(numbers)
    )
    named = numbers.assign(study=numbers["study"] + ", " + numbers["citation"])
    printed = read_off(named.drop(columns=["publication", "citation", "kind", "cases", "df", "read_in"]))
    told += folded(
        f"Each printed number beside ours ({len(numbers)})", table(printed, "Printed and recomputed", index=False)
    )
    if len(stands):
        told += folded(
            f"Do the claims stand? ({stands['study'].nunique()} studies)",
            paragraphs(
                "The claims by recalled dose under five forms of energy and without each cycle.",
                published_words.published_markdown(stands),
            ),
            table(
                read_off(stands.drop(columns=[name for name in stands if name in IN_THE_FILE])),
                "Each claim under each variation; the rest is in the file",
                index=False,
            ),
        )
    told += folded("A published threshold of phosphorus",
                   paragraphs(shape_words.threshold_sentence(results.estimates)))  # fmt: skip
    links = [download(frame, f"{name}.csv") for name, frame in results.published.items()]
    return told + f'<p class="downloads">{" ".join(links)}</p>'


def _referee(results: Results) -> str:
    """The short table of README, and every answer in a fold."""
    referee = results.referee
    if referee.empty:
        return paragraphs(NO_REFEREE)
    each = [
        paragraphs(f"**{sentence(words)}.** {referee_words.question_sentence(referee, question)}")
        + table(referee_words.answers_table(referee, question), sentence(words))
        for question, words in verdict_tables.REFEREE_QUESTIONS.items()
        if question in set(referee["question"])
    ]
    return (
        paragraphs(DECIDES, verdict_tables.decides_markdown(results.estimates, referee))
        + folded(
            "Every answer, with its tests",
            paragraphs(
                "People and one-sided p of each test, with what becomes of both questions; ± is the Monte Carlo error "
                "of a p that was drawn. Where a cell is empty, that was not asked."
            ),
            *each,
        )
        + f'<p class="downloads">{download(referee, "referee.csv")}</p>'
    )


def _people(results: Results) -> str:
    estimates = results.estimates
    row = rows_of_model(estimates, PRIMARY.model)
    parts = []
    for name, words in TABLE_1.items():
        shown = table(study_words.characteristics_table(estimates[name]), f"Table 1, {words}", index=False)
        parts += [folded(f"By quintile of intake of {row['exposure_label']}", shown) if "quintile" in name else shown]
    links = [download(estimates[name], f"{name}.csv") for name in (*TABLE_1, "flow")]
    flow = estimates["flow"].query("model == @PRIMARY.model").drop(columns=["data", "model"])
    flow = flow.assign(**{name: [f"{n:,.0f}" if pd.notna(n) else "" for n in flow[name]] for name in ("n", "cases")})
    return (
        "".join(parts)
        + folded("How people came into the study", table(flow, "Participants", index=False))
        + (f'<p class="downloads">{" ".join(links)}</p>')
    )


def _traceability(home: str) -> str:
    shown, places = short_traceability()
    links = {name: f"{home}/{place}" for name, place in places.items()} if home else {}
    return paragraphs(
        "Each results file that this page or README reads: what stands in it, the function that computes it, the test "
        "that holds it, and, where R was asked, where its own numbers lie."
    ) + folded(
        f"From number to file, function, test and R ({len(shown)} rows)",
        f'<div class="where-from">{table(shown, "From number to file, function, test and R", index=False, links=links)}'
        "</div>",
    )


def _strobe() -> str:
    return paragraphs(
        "The nutritional items of STROBE-nut (Lachat 2016, PLoS Med 13:e1002036), in our words, and where each is met. "
        "What the public files do not tell is said to be missing."
    ) + table(strobe_table(), "STROBE-nut, item by item", index=False)


def _versions(results: Results) -> str:
    versions = pd.DataFrame(results.versions.items(), columns=["what", "version"])
    digests = pd.DataFrame([(name, digest) for name, digest in results.digests.items()], columns=["file", "SHA-256"])
    return (
        paragraphs(f"Made from {results.provenance.source}.")
        + table(versions, "Versions", index=False)
        + folded("Digests of every input and results file", table(digests, "SHA-256", index=False))
        + paragraphs("Made again by `make report`.")
    )
