"""Parts of README and docs/ that are written by the project itself, each between two marks in the Markdown.

A part begins with ``<!-- part: NAME -->`` and ends with ``<!-- end -->``. What stands around it is written by hand.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import pandas as pd

from analysis.errors import AnalysisError
from analysis.report.documents.api import api_markdown
from analysis.report.documents.traced import traced_markdown
from analysis.report.figures.layout import Caption
from analysis.report.page.content import Results
from analysis.report.page.record import EQUATIONS, short_place, short_traceability, source_of, strobe_links
from analysis.report.words import claims, first_screen, glossary, published, simulation, verdict_tables
from analysis.report.words.numbers import as_markdown
from analysis.stats.disclosure import Discreet

PART = re.compile(r"(<!-- part: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class PartError(AnalysisError):
    """A document asks for a part that there is not."""

    exit_code = 3


@dataclass(frozen=True, slots=True, repr=False)
class Sources(Discreet):
    """What the parts are made of.

    Attributes
    ----------
    results : everything that the report page tells.
    first_figure : the words beside the figure of the first screen.
    reference : R's tables by their path in the project.
    replication_fields : of `analysis.validation.studies.fields`.
    doors : packages that offer names, ``front door`` and ``statistics``.
    """

    results: Results
    first_figure: Caption
    reference: Mapping[str, pd.DataFrame]
    replication_fields: pd.DataFrame
    doors: Mapping[str, ModuleType]


def renewed(text: str, sources: Sources) -> str:
    """A document with each of its parts made anew.

    Parameters
    ----------
    text : Markdown.
    sources : see `Sources`.

    Raises
    ------
    PartError : a part of a name that there is not.
    """

    def made(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in PARTS:
            raise PartError(f"part {name!r} in a document: expected one of {', '.join(PARTS)}.")
        return f"{found[1]}{PARTS[name](sources).strip()}\n{found[3]}"

    return PART.sub(made, text)


def _first_screen(sources: Sources) -> str:
    """The first screen and its figure."""
    found = sources.results
    words = first_screen.first_screen_markdown(found.estimates, found.audit, found.referee, found.simulation)
    return f"{words}\n\n![{sources.first_figure.alt}](figures/first_screen.png)"


def _claims(sources: Sources) -> str:
    verdicts = sources.results.claims["verdicts"]
    return f"{claims.balance_sentences(verdicts)}\n\n{claims.claims_markdown(verdicts)}"


def _published_numbers(sources: Sources) -> str:
    numbers = sources.results.published["published"]
    return f"{published.agreement_markdown(numbers)}\n\n{published.misses_markdown(numbers)}"


def _equations(_: Sources) -> str:
    """Each equation below its words, with the code that computes it."""
    return "\n\n".join(
        f"{words}\n\n$$\n{latex}\n$$\n\nComputed by [`{short_place(where)}`](../{source_of(where)})."
        for words, latex, where in EQUATIONS
    )


def _traceability(_: Sources) -> str:
    table, places = short_traceability()
    linked = table.map(lambda name: f"[{name}](../{places[name]})" if name in places else name)
    return as_markdown(linked.set_index("number"))


def _strobe(_: Sources) -> str:
    table = strobe_links()
    linked = [
        f"{words} ([{target_words(link)}]({link}))"
        for words, link in zip(table["where it is met"], table["link"], strict=True)
    ]
    shown = table.drop(columns="link").assign(**{"where it is met": linked})
    return as_markdown(shown.set_index("item"))


CALLED = {
    "../README.md": "README",
    "../data/processed/README.md": "data dictionary",
    "../data/raw/README.md": "raw data",
}
"""Targets that are all files of one name."""


def target_words(link: str) -> str:
    """What a link leads to: its file, and the heading in it."""
    path, _, place = link.partition("#")
    name = CALLED.get(path, path.rpartition("/")[2])
    return f"{name}, {place.replace('-', ' ')}" if place else name


PARTS: dict[str, Callable[[Sources], str]] = {
    "first screen": _first_screen,
    "words": lambda sources: glossary.glossary_markdown(sources.results.estimates),
    "is it a u": lambda sources: verdict_tables.u_markdown(sources.results.estimates, sources.results.referee),
    "what decides it": lambda sources: verdict_tables.decides_markdown(
        sources.results.estimates, sources.results.referee
    ),
    "how much stands": lambda sources: verdict_tables.stands_markdown(
        sources.results.estimates, sources.results.audit, sources.results.simulation
    ),
    "power": lambda sources: simulation.energy_power_markdown(sources.results.simulation),
    "claims in short": lambda sources: claims.short_markdown(sources.results.claims["verdicts"]),
    "claims": _claims,
    "published in short": lambda sources: published.reached_markdown(sources.results.published["published"]),
    "published numbers": _published_numbers,
    "published claims": lambda sources: published.published_markdown(sources.results.published["published_stands"]),
    "replication fields": lambda sources: as_markdown(sources.replication_fields.set_index("field")),
    "equations": _equations,
    "numbers": lambda sources: traced_markdown(sources.results, sources.reference),
    "traceability": _traceability,
    "strobe": _strobe,
    "front door": lambda sources: api_markdown(sources.doors["front door"]),
    "statistics": lambda sources: api_markdown(sources.doors["statistics"]),
}
"""Every part by its name."""
