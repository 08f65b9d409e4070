"""Markdown documents as pages in the style of the report page, which ask for nothing else."""

import os
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import PurePosixPath

import jinja2
import mistune

from analysis.report.page.html import framed

_PROTOCOL = re.compile(r"^[a-z][a-z+.-]*:")
_EQUATION = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.DOTALL | re.MULTILINE)
_HEAD = re.compile(r"^# (.+)$", re.MULTILINE)


class _Page(mistune.HTMLRenderer):
    """HTML with anchors as GitHub makes them, tables that scroll, and links that lead on from another folder."""

    def __init__(self, moved: Callable[[str], str]) -> None:
        super().__init__(escape=False)
        self.moved = moved

    def heading(self, text: str, level: int, **_: object) -> str:
        return f'<h{level} id="{anchor(text)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, self.moved(url), title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, self.moved(url), title)


def anchor(words: str) -> str:
    """The anchor of a heading: "What it holds" is what-it-holds."""
    plain = re.sub(r"<[^>]+>", "", words).lower()
    return re.sub(r"[^\w -]", "", plain).strip().replace(" ", "-")


def title_of(text: str) -> str:
    """The first heading of a document."""
    found = _HEAD.search(text)
    return found[1] if found else "Documents"


def page_html(
    text: str,
    *,
    pages: Sequence[tuple[str, str]],
    here: str = "",
    math: Callable[[str], str],
    moved: Callable[[str], str],
) -> str:
    """One document as a page.

    Parameters
    ----------
    text : Markdown; equations stand between lines of ``$$``.
    pages : address and title of every page, for the way around.
    here : the address of this one among them.
    math : LaTeX to what shows it.
    moved : a link of the document to that of the page.
    """
    markdown = mistune.create_markdown(renderer=_Page(moved), plugins=["table"])
    shown = _EQUATION.sub(lambda found: f'<div class="wide equation">{math(found[1])}</div>', text)
    body = framed(str(markdown(shown)))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    folder = files("analysis.report.page")
    template = environment.from_string(files(__package__).joinpath("document.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=title_of(text),
        pages=pages,
        here=here,
        body=body,
        css=folder.joinpath("page.css").read_text(encoding="utf-8"),
    )


def moved_link(url: str, *, source: PurePosixPath, here: PurePosixPath, pages: dict[PurePosixPath, str]) -> str:
    """A relative link of a document as it leads from a page elsewhere in the project.

    Parameters
    ----------
    url : as it stands in the document.
    source : the document, from the project's folder.
    here : folder of the pages, from the project's folder.
    pages : the page that each document is made into.
    """
    if _PROTOCOL.match(url) or url.startswith("#"):
        return url
    path, mark, place = url.partition("#")
    target = PurePosixPath(os.path.normpath(source.parent / path))
    known = pages.get(target)
    return (known or os.path.relpath(target, here)) + mark + place
