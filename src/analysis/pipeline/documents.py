"""Stage ``docs``: README and docs/ with their parts made anew, and docs/ as pages."""

import html
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from types import ModuleType

import pandas as pd

from analysis.pipeline.folders import Folders, StageError
from analysis.pipeline.report import read_results
from analysis.pipeline.results import read_audit, write_text
from analysis.report.catalogue import audit_drawings
from analysis.report.documents.parts import Sources, renewed
from analysis.report.documents.site import moved_link, page_html, title_of
from analysis.report.documents.traced import traced_numbers
from analysis.report.page.render import PageError, equation
from analysis.validation.studies.fields import replication_fields

DICTIONARY = PurePosixPath("data/processed/README.md")
"""The data dictionary, which is a page of its own."""

PAGES = PurePosixPath("data/processed/docs")
INDEX, README = PurePosixPath("docs/README.md"), PurePosixPath("README.md")
FURTHER = ("README.md", "CONTRIBUTING.md", "figures/*.md", "data/raw/README.md", "tests/README.md",
           "tests/reference/README.md")  # fmt: skip
"""Markdown outside docs/ that documents lead to: a page each, so that no link of a page opens raw Markdown."""

SHORT = {
    INDEX: "Documents", README: "README", DICTIONARY: "Data dictionary",
    **{PurePosixPath(f"docs/{name}.md"): words for name, words in (
        ("api", "What can be called"), ("claims", "Claims"), ("many-machines", "Many machines"), ("method", "Method"),
        ("recipes", "Recipes"), ("replications", "Published numbers"), ("strobe-nut", "STROBE-nut"),
        ("structure", "Structure"), ("traceability", "Traceability"), ("validation", "Validation"))},
}  # fmt: skip
"""Documents of the way around, in words short enough for a phone."""

REPORT = "../report.html"
"""The report page, as the pages lead to it."""


def write_documents(root: Path, doors: Mapping[str, ModuleType]) -> list[Path]:
    """Stage ``docs``: parts of README.md and docs/*.md from the committed results, and pages in data/processed/docs.

    Equations are MathML where the extra ``report`` is installed, else as they are written in LaTeX.

    Parameters
    ----------
    root : the project's folder, with README.md and docs/.
    doors : of `analysis.report.documents.parts.Sources`; they stand above this stage, which cannot import them.

    Returns
    -------
    Paths of what was written; a document that is as it should be is not written again.

    Raises
    ------
    StageError : there is no such folder, or a stage has not been run.
    PartError : a document asks for a part that there is not.
    """
    documents = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    if len(documents) < 2 or not documents[0].exists():
        raise StageError(
            f"{root} has no README.md and docs/: run this in the project's folder, or name it with --root."
        )
    sources = read_sources(root, doors)
    written = []
    for path in documents:
        before = path.read_text()
        after = renewed(before, sources)
        if after != before:
            write_text(path, after)
            written.append(path)
    return written + _write_pages(root, documents[1:])


def read_sources(root: Path, doors: Mapping[str, ModuleType]) -> Sources:
    """What the documents' parts are made of.

    Raises
    ------
    StageError : a stage has not been run, or the results are of an invented survey.
    """
    folders = Folders(root / "data", root / "figures")
    results = read_results(folders)
    if results.provenance.synthetic:
        raise StageError(
            f"{folders.estimates} holds results of {results.provenance.source}: README is of the real files."
        )
    figure = audit_drawings(*read_audit(folders))["first_screen"]
    names = sorted(set(traced_numbers()["r_file"]))
    reference = {name: pd.read_csv(root / name) for name in names}
    return Sources(results, figure.caption, reference, replication_fields(), doors)


def _write_pages(root: Path, documents: list[Path]) -> list[Path]:
    """Each document of docs/, the data dictionary and `FURTHER`, as a page."""
    found = [*documents, root / DICTIONARY, *(path for pattern in FURTHER for path in sorted(root.glob(pattern)))]
    texts = {PurePosixPath(path.relative_to(root).as_posix()): path.read_text() for path in found}
    addresses = {name: _address(name) for name in texts}
    order = sorted(texts, key=lambda name: (name not in (INDEX, README), name == DICTIONARY, str(name)))
    around = [(REPORT, "Report"), *(
        (addresses[name], SHORT.get(name) or title_of(texts[name]))
        for name in order if name in SHORT or name.parent == INDEX.parent
    )]  # fmt: skip
    math, written = _math(), []
    (root / PAGES).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        moved = partial(moved_link, source=name, here=PAGES, pages=addresses)
        path = root / PAGES / addresses[name]
        write_text(path, page_html(text, pages=around, here=addresses[name], math=math, moved=moved))
        written.append(path)
    return written


def _address(name: PurePosixPath) -> str:
    """The page of a document: those of docs/ by their name, others with that of their folder."""
    if name == INDEX:
        return "index.html"
    if name == DICTIONARY:
        return "data-dictionary.html"
    parts = name.with_suffix("").parts
    return "-".join(parts[1:] if name.parent == INDEX.parent else parts).lower() + ".html"


def _math() -> Callable[[str], str]:
    """MathML where its library is installed, else the LaTeX as code."""
    try:
        equation("x")
    except PageError:
        return lambda latex: f"<code>{html.escape(latex)}</code>"
    return equation
