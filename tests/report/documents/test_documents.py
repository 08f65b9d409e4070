"""README and docs/ tell what the committed results, docstrings and tables say, and lead where they say."""

import dataclasses
import importlib
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

import analysis
import analysis.stats
from analysis.__main__ import main
from analysis.cli.pages import DOORS
from analysis.pipeline.documents import PAGES, REPORT, read_sources, write_documents
from analysis.pipeline.folders import StageError
from analysis.report.documents.api import api_markdown, docstring_markdown, signature_of
from analysis.report.documents.parts import PART, PARTS, PartError, renewed, target_words
from analysis.report.documents.site import anchor, moved_link, page_html, title_of
from analysis.report.documents.traced import number_of, traced_frame
from analysis.report.page.record import EQUATIONS, strobe_links
from analysis.report.words import first_screen
from analysis.study import Study
from tests.report.page.pages import plain

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")

SAME_AS_R = 1e-6
"""Relative: results files have ten digits, and a p-value of R's survey agrees to eight."""

FEWEST_TRACED = 15


@pytest.fixture(scope="module")
def sources():
    return read_sources(ROOT, DOORS)


@pytest.fixture
def project(tmp_path):
    """The project's documents, to be changed; its results by links, which nothing writes through."""
    for name in ("README.md", "docs", "CONTRIBUTING.md"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    (tmp_path / "data" / "processed").mkdir(parents=True)
    shutil.copy(ROOT / "data" / "processed" / "README.md", tmp_path / "data" / "processed")
    for name in ("data/processed/estimates", "data/processed/simulation", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.committed
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_is_what_the_results_say(sources, path):
    """If this fails: `python -m analysis docs`, and look at what it changed."""
    assert renewed(path.read_text(), sources) == path.read_text()


@pytest.mark.committed
def test_every_part_stands_in_a_document():
    assert sorted(one["name"] for path in DOCUMENTS for one in PART.finditer(path.read_text())) == sorted(PARTS)


@pytest.mark.committed
@pytest.mark.parametrize(
    ("frame", "column", "part"),
    [
        ("prevalence", "prevalence", "first screen"),
        ("odds_ratio_curve", "odds_ratio", "first screen"),
        ("shape", "end_slopes_high_p", "is it a u"),
        ("models", "design_df", "how much stands"),
        ("fits", "estimate", "numbers"),
    ],
)
def test_changed_estimate_changes_what_is_told(sources, frame, column, part):
    results = sources.results
    changed = results.estimates | {frame: results.estimates[frame].assign(**{column: lambda rows: 2 * rows[column]})}
    other = dataclasses.replace(sources, results=dataclasses.replace(results, estimates=changed))
    assert PARTS[part](other) != PARTS[part](sources)


@pytest.mark.committed
@pytest.mark.parametrize(
    ("frame", "changes", "part"),
    [
        ("referee", {"verdict": "U"}, "first screen"),
        ("referee", {"levels_p": 0.9}, "what decides it"),
        ("audit", {"nonlinear_p": 0.04}, "first screen"),
        ("simulation", {"rate": 0.9}, "first screen"),
        ("simulation", {"rate": 0.9}, "how much stands"),
        ("claims", {"verdict": "described"}, "claims in short"),
    ],
)
def test_changed_result_changes_what_is_told(sources, frame, changes, part):
    inner = {"audit": "energy_forms", "simulation": "shapes", "claims": "verdicts"}
    held = getattr(sources.results, frame)
    new = held.assign(**changes) if frame == "referee" else held | {inner[frame]: held[inner[frame]].assign(**changes)}
    other = dataclasses.replace(sources, results=dataclasses.replace(sources.results, **{frame: new}))
    assert PARTS[part](other) != PARTS[part](sources)


def test_part_that_there_is_not_is_refused(sources):
    with pytest.raises(PartError, match=r"part 'the moon' in a document: expected one of first screen, "):
        renewed("<!-- part: the moon -->\n<!-- end -->\n", sources)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(path):
    for url in LINK.findall(path.read_text()):
        if not re.match(r"https?:", url):
            name, _, place = url.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), url
            heads = re.findall(r"^#+ (.+)$", target.read_text(), flags=re.MULTILINE) if target.suffix == ".md" else []
            assert not place or place in map(anchor, heads), url


# ---- numbers, reporting guideline, docstrings
@pytest.mark.committed
@pytest.mark.reference
def test_traced_numbers_are_rs(sources):
    table = traced_frame(sources.results, sources.reference)
    assert len(table) >= FEWEST_TRACED
    assert table["number"].is_unique
    np.testing.assert_allclose(table["here"], table["R"], rtol=SAME_AS_R)


def test_traced_numbers_name_functions_and_tests_that_there_are(sources):
    table = traced_frame(sources.results, sources.reference)
    for place in table["function"]:
        module, _, name = place.partition(":")
        assert hasattr(importlib.import_module(module), name), place
    assert not [name for name in {*table["test"], *table["r_file"]} if not (ROOT / name).exists()]


def test_number_of_several_rows_is_refused(sources):
    with pytest.raises(LookupError, match=r"model == model: found \d+ rows, expected one"):
        number_of(sources.results.estimates["models"], "model == model", "n")


def test_every_item_of_strobe_nut_is_linked():
    table = strobe_links()
    assert len(table) == 24
    assert not [link for link in table["link"] if not (ROOT / "docs" / link.partition("#")[0]).exists()]


@pytest.mark.parametrize("door", [analysis, analysis.stats], ids=lambda door: door.__name__)
def test_api_tells_every_name_that_is_offered(door):
    told = api_markdown(door)
    assert re.findall(r"^### (\S+)$", told, flags=re.MULTILINE) == list(door.__all__)
    assert " object at 0x" not in told


def test_signature_is_as_it_is_written():
    def called(x: int, *rest: str, scale: float = 1.0, **more: int) -> str:
        """Nothing but a signature."""
        return f"{x}{rest}{scale}{more}"

    assert signature_of(called) == "called(x: int, *rest: str, scale: float = 1.0, **more: int) -> str"
    assert signature_of(analysis.PRIMARY) == ""


LEVELS = (0.9, 0.95)
WORDS = "nothing but a default, and far too long for a line"


def test_a_default_with_a_name_is_told_by_its_value_if_it_is_short():
    def called(level: float = LEVELS[1], *, levels: tuple[float, ...] = LEVELS, words: str = WORDS) -> str:
        """Nothing but a signature."""
        return f"{level}{levels}{words}"

    def fitted(study: Study = analysis.PRIMARY) -> Study:
        """Nothing but a signature."""
        return study

    @dataclass
    class Asked:
        level: float = LEVELS[0]
        study: Study = analysis.PRIMARY
        found: list[int] = field(default_factory=list)

    levels = "level: float = 0.95, *, levels: tuple[float, ...] = (0.9, 0.95)"
    assert signature_of(called).replace("\n   ", "") == f"called({levels}, words: str = WORDS) -> str"
    assert signature_of(fitted) == "fitted(study: Study = analysis.PRIMARY) -> Study"
    told = [
        "level: float = 0.9,",
        "study: Study = analysis.PRIMARY,",
        "found: list[int] = field(default_factory=list),",
    ]
    assert [line.strip() for line in signature_of(Asked).splitlines()] == ["Asked(", *told, ")"]


def test_api_begins_with_its_contents():
    told = api_markdown(analysis.stats)
    names = re.findall(r"\[(\w+)\]\(#(\w+)\)", told.partition("###")[0])
    assert [name for name, _ in names] == list(analysis.stats.__all__)
    assert all(place == anchor(name) for name, place in names)


@pytest.mark.parametrize("door", [analysis, analysis.stats], ids=lambda door: door.__name__)
def test_api_has_no_raw_docstring(door):
    told = re.sub(r"```python.*?```", "", api_markdown(door), flags=re.DOTALL)
    assert "```" not in told
    assert "``" not in told
    assert not re.search(r"^-{3,}$", told, flags=re.MULTILINE)
    assert told.count("**Raises**") > 5


def test_docstring_is_told_as_markdown():
    told = docstring_markdown(
        "Sum of ``x`` where x<y.\n\nParameters\n----------\nx, y : (n,) arrays,\n    as `numpy` has them.\n\n"
        "Returns\n-------\nA number.\n\nExamples\n--------\n>>> total(1, 2)\n3"
    )
    assert told == (
        "Sum of `x` where x&lt;y.\n\n**Parameters**\n\n- `x, y`: (n,) arrays, as `numpy` has them.\n\n"
        "**Returns**\n\nA number.\n\n**Examples**\n\n```python\n>>> total(1, 2)\n3\n```"
    )


def test_no_two_targets_of_strobe_nut_are_called_alike():
    called = {}
    for link in strobe_links()["link"]:
        assert called.setdefault(target_words(link), link) == link
    assert "README.md" not in called


def test_places_that_strobe_nut_names_are_there():
    """A heading of a document that a link names is checked by the links; words of a first screen, here."""
    told = strobe_links().set_index("item")["where it is met"]
    assert "README, Method" not in " ".join(told)
    assert "not corrected" not in told["nut-12.3"]
    assert "one recalled day, one examination, no time order" in told["nut-19"]
    assert "one recalled day, one examination, no time order" in first_screen.CAVEAT.lower()
    assert "no change of diet can be advised" in (ROOT / "docs" / "claims.md").read_text()


# ---- pages
def test_stage_mends_a_document_and_writes_its_pages(project, capsys):
    text = (project / "README.md").read_text()
    (project / "README.md").write_text(text.replace("two in three", "hardly any").replace("Two in three", "Hardly any"))
    assert main(["docs", "--root", str(project)]) == 0
    assert (project / "README.md").read_text() == text
    told = capsys.readouterr().out.split()
    assert str(project / "README.md") in told
    assert str(project / "docs" / "api.md") not in told, "what is as it should be is not written again"
    pages = sorted((project / PAGES).glob("*.html"))
    further = {"readme", "contributing", "tests-readme", "tests-reference-readme"}
    named = {"index", "data-dictionary"} | {p.stem for p in DOCUMENTS} - {"README"}
    assert {page.stem for page in pages} == named | further
    around = re.findall(r"<nav.*?</nav>", (project / PAGES / "method.html").read_text(), flags=re.DOTALL)[0]
    assert '<a href="method.html" aria-current="page">Method</a>' in around
    assert around.count("aria-current") == 1
    assert f'<a href="{REPORT}">Report</a>' in around
    assert 'href="readme.html"' in around
    for page in pages:
        html = page.read_text()
        assert not re.findall(r'<a href="[^"]*docs/[^"]*\.md', html), "a document opens as raw Markdown"
        assert not re.findall(r'(?:src|href)="https?:[^"]*"[^>]*(?:rel|type)=', html)
        assert "<script" not in html
        for url in re.findall(r'<a href="([^"#:]+)', html):
            # The report page is made by another command.
            assert url == REPORT or (project / PAGES / url).exists() or (ROOT / PAGES / url).resolve().exists(), url


def test_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(StageError, match=r"has no README.md and docs/: run this in the project's folder"):
        write_documents(tmp_path, DOORS)


def test_page_has_anchors_equations_and_tables_that_scroll():
    table = "| a | b |\n| --- | --- |\n| 1 | [two](../x.md#y) |\n<!-- end -->"
    text = f"# A title: of it\n\n$$\nx_1 < 2\n$$\n\n{table}\n\nAfter.\n"
    page = page_html(text, pages=[("a.html", "A")], math=plain, moved=lambda url: f"moved/{url}")
    assert '<h1 id="a-title-of-it">A title: of it</h1>' in page
    assert "<code>x_1 &lt; 2</code>" in page
    assert re.search(r'<div class="wide"[^>]*><table class="data">.*</table></div>', page, flags=re.DOTALL)
    assert 'href="moved/../x.md#y"' in page
    assert "<p>After.</p>" in page
    assert title_of(text) == "A title: of it"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("method.md#method", "method.html#method"),
        ("../src/analysis/study.py", "../../../src/analysis/study.py"),
        ("https://www.cdc.gov/", "https://www.cdc.gov/"),
        ("#words", "#words"),
    ],
)
def test_link_leads_on_from_the_pages(url, expected):
    pages = {PurePosixPath("docs/method.md"): "method.html"}
    assert moved_link(url, source=PurePosixPath("docs/a.md"), here=PAGES, pages=pages) == expected


def test_every_equation_names_its_code():
    told = (ROOT / "docs" / "method.md").read_text()
    assert told.count("Computed by [`") == len(EQUATIONS)
