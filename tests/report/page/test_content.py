"""What the page says is what the results files and the project's sentences say; it asks nothing of the network."""

import base64
import dataclasses
import importlib
import io
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.audit.coefficients import COEFFICIENTS
from analysis.audit.specifications import CHOICES
from analysis.pipeline.report import read_results
from analysis.provenance import Provenance
from analysis.report.page import content, explorer, files, html, record, render
from analysis.report.words import bottom_line, claims, first_screen, glossary, shape, study, verdict_tables
from analysis.report.words.numbers import format_error, rows_of_model
from analysis.stats.shape.verdict import Verdict
from analysis.study import PRIMARY
from tests.report.page.pages import HAS_EXTRA, ROOT, STAND_IN, committed, plain

LARGEST = 6_000_000
"""Bytes of the page: what a phone loads from a disk or a mail without waiting."""

SECTIONS = ("verdict", "curve", "tests", "stands", "energy", "claims", "published", "referee", "people", "method",
            "traceability", "strobe", "versions")  # fmt: skip


class Read(HTMLParser):
    """Addresses, anchors and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.silent = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.silent += tag in ("script", "style")
        for name in ("src", "srcset", "data", "poster"):
            if given.get(name):
                self.fetched.append(str(given[name]))
        if given.get("href"):
            (self.links if tag == "a" else self.fetched).append(str(given["href"]))
        if given.get("id"):
            self.ids.append(str(given["id"]))

    def handle_endtag(self, tag):
        self.silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def results():
    return committed()


@pytest.fixture(scope="module")
def parts(results):
    return content.sections(results, math=plain)


@pytest.fixture(scope="module")
def page(results, parts):
    return render.render(results, parts, library=STAND_IN)


@pytest.fixture(scope="module")
def read(page):
    return Read(page)


def words_of(markdown):
    """A sentence without its marks, as it stands on the page."""
    return " ".join(re.sub(r"[*`]", "", markdown).split())


@pytest.mark.committed
def test_page_has_every_section_and_a_link_to_it(read):
    assert [name for name in read.ids if name in SECTIONS] == list(SECTIONS)
    assert all(f"#{name}" in read.links for name in SECTIONS)
    assert len(set(read.ids)) == len(read.ids)


@pytest.mark.committed
def test_page_tells_the_sentences_that_everything_else_tells(read, results):
    first = first_screen.first_screen_markdown(results.estimates, results.audit, results.referee, results.simulation)
    told = [
        *(line.removeprefix("- ") for line in first.splitlines() if line),
        shape.shape_sentence(results.estimates),
        bottom_line.bottom_line(results.estimates, results.audit, results.simulation),
        claims.balance_sentences(results.claims["verdicts"]),
    ]
    assert not [sentence for sentence in told if words_of(sentence) not in read.text]


@pytest.mark.committed
def test_page_begins_with_the_first_screen_and_its_words(results, parts):
    """Both ends, energy, no order in time and no advice, before anything else; README's glossary in a fold."""
    read = Read(parts["verdict"].body)
    for told in (first_screen.verdict_sentence(results.estimates), first_screen.CAVEAT,
                 first_screen.rival_sentence(results.estimates, results.audit, results.simulation)):  # fmt: skip
        assert words_of(told) in read.text
    changed = dataclasses.replace(results, audit=results.audit | {
        "energy_forms": results.audit["energy_forms"].assign(nonlinear_p=0.001)})  # fmt: skip
    assert "stays in each adjustment" in Read(content._verdict(changed)).text
    for row in cells_of(glossary.glossary_markdown(results.estimates)):
        assert all(words_of(cell) in read.text for cell in row), row


def cells_of(markdown):
    return [line.strip("| ").split(" | ") for line in markdown.splitlines()[2:]]


@pytest.mark.committed
@pytest.mark.parametrize(
    ("section", "made"),
    [
        ("tests", lambda r: verdict_tables.u_markdown(r.estimates, r.referee)),
        ("stands", lambda r: verdict_tables.stands_markdown(r.estimates, r.audit, r.simulation)),
        ("referee", lambda r: verdict_tables.decides_markdown(r.estimates, r.referee)),
    ],
)
def test_readme_s_table_stands_open_and_the_rest_is_folded(results, parts, section, made):
    before = Read(parts[section].body.partition("<details>")[0]).text
    cells = [words_of(cell) for row in cells_of(made(results)) for cell in row if cell.strip()]
    assert len(cells) > 10
    assert not [cell for cell in cells if cell.replace(" ", "") not in before.replace("\xa0", "").replace(" ", "")]


@pytest.mark.committed
def test_no_raw_name_of_a_column_is_a_head_of_a_table(page):
    heads = re.findall(r"<th(?: [^>]*)?>([^<]*)</th>", page)
    raw = {"done", "rows", "mc error of", "interior", "own", "read in", "p value", "df", "moved", "direction of"}
    assert len(heads) > 100
    assert not raw & set(heads)
    shown = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert not {"True", "False", "same side", "any_tested", "end_high_p", "odds_ratio"} & set(shown)


@pytest.mark.committed
def test_verdict_stands_beside_the_heads_of_the_rows(results):
    frame = shape.verdicts_table(results.estimates)
    assert "verdict" in frame.columns[1:], "moved from elsewhere"
    heads = re.findall(r"<th>([^<]*)</th>", html.table(frame, "Verdicts"))
    assert heads[:2] == ["", "verdict"]
    told = html.table(pd.DataFrame({"a": ["x"], "b": ["y"], "verdict": ["U"]}), "c", index=False)
    assert re.findall(r"<th>([^<]*)</th>", told) == ["a", "verdict", "b"]


def test_cells_of_a_long_row_know_the_head_of_their_column():
    frame = pd.DataFrame({"test": ["a", "b"], "result": ["long " * 30, ""], "meaning": ["shown", "none"]})
    told = html.table(frame, "Results", index=False)
    assert 'class="data stack"' in told
    assert re.findall(r'<td data-head="([^"]*)">', told) == ["result", "meaning", "meaning"]
    short = html.table(frame.assign(result="short"), "Results", index=False)
    assert "data-head" not in short
    markdown = html.paragraphs(f"| test | result |\n|---|---|\n| a | {'long ' * 30} |")
    assert '<td data-head="result">' in markdown


@pytest.mark.committed
def test_every_table_of_the_curve_and_the_people_equals_its_words(read, results):
    tables = [
        study.curve_table(results.estimates, model="1"),
        study.characteristics_table(results.estimates["characteristics"]),
    ]
    cells = [str(cell) for table in tables for cell in table.to_numpy().ravel() if str(cell)]
    assert len(cells) > 100
    assert not [cell for cell in cells if words_of(cell) not in read.text]


def test_page_fetches_nothing(read, page):
    assert not [address for address in read.fetched if not address.startswith(("data:", "#"))]
    assert not [address for address in read.links if re.match(r"[a-z]+:(?!text/csv)|//", address)]
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(", render._text("page.css"))


def test_page_is_small_enough_for_a_phone(page):
    assert len(page.encode()) + 1_000_000 < LARGEST  # the chart library is 0.9 MB


@pytest.mark.committed
def test_downloads_are_the_results_files(read):
    links = {given["download"]: given["href"] for tag, given in read.tags if tag == "a" and "download" in given}
    for name in ("characteristics.csv", "claims_verdicts.csv", "odds_ratio_curve.csv", "published.csv"):
        saved = pd.read_csv(io.BytesIO(base64.b64decode(links[name].partition(",")[2])))
        committed_file = pd.read_csv(ROOT / "data" / "processed" / "estimates" / name)
        pd.testing.assert_frame_equal(saved, committed_file, check_dtype=False)


def test_every_table_scrolls_within_itself_and_every_figure_has_words(read):
    tables = [at for at, (tag, _) in enumerate(read.tags) if tag == "table"]
    assert len(tables) > 10
    assert all(read.tags[at - 1][1].get("class") == "wide" and read.tags[at - 1][1].get("aria-label") for at in tables)
    charts = [given for _, given in read.tags if given.get("class") == "chart"]
    assert len(charts) >= 2
    assert all(given["role"] == "img" and len(given["aria-label"] or "") > 40 for given in charts)


def test_markup_in_a_result_is_shown_and_not_obeyed(results):
    hostile = results.claims["verdicts"].assign(why="<img src=http://example.org/x onerror=alert(1)>")
    changed = dataclasses.replace(results, claims=results.claims | {"verdicts": hostile})
    read = Read(render.render(changed, content.sections(changed, math=plain), library=STAND_IN))
    assert "<img src=http://example.org/x" in unescape(read.text)
    assert not [tag for tag, _ in read.tags if tag == "img"]


def test_script_cannot_be_closed_from_within():
    assert "</script" not in render.as_script({"reason": "</script><script>"})
    assert json.loads(render.as_script({"reason": "</script>"})) == {"reason": "</script>"}


def test_page_before_the_audit_says_so_in_one_sentence(results):
    without = dataclasses.replace(results, audit={}, claims={}, simulation={})
    read = Read(render.render(without, content.sections(without, math=plain), library=STAND_IN))
    assert words_of(content.NO_AUDIT) in read.text
    assert words_of(content.NO_CLAIMS) in read.text
    assert "explorer" not in read.ids


def test_referee_s_section_has_its_table_or_the_command(results, parts):
    without = dataclasses.replace(results, referee=pd.DataFrame())
    assert words_of(content.NO_REFEREE) in Read(content._referee(without)).text
    told = Read(parts["referee"].body).text
    for _, row in results.referee.dropna(subset="end_high_p").iterrows():
        assert row["done"].replace("_", " ") in told
    drawn = results.referee[results.referee["mc_error_of"] == "end_high_p"].iloc[0]
    assert f"± {format_error(drawn['mc_error'])}" in told.replace("\xa0", " ")
    assert "mc error" not in told


def test_results_file_is_read_off_with_its_limits():
    frame = pd.DataFrame(
        {"n": [7726, 12], "ours": [1.53551, 2.0], "conf_low": [1.1647, np.nan], "conf_high": [2.0244, np.nan],
         "published": [1.5, np.nan], "nonlinear_p": [0.0004, 0.25], "who": ["all", "few"], "empty": [np.nan, np.nan],
         "data": ["x", "x"]}
    )  # fmt: skip
    told = files.read_off(frame)
    assert told.to_dict("list") == {
        "who": ["all", "few"],
        "people": ["7,726", "12"],
        "ours": ["1.536 (1.165 to 2.024)", "2"],
        "published": ["1.5", ""],
        "bend, p": ["< 0.001", "0.250"],
    }


def test_results_file_is_read_off_with_its_errors_and_in_plain_words():
    frame = pd.DataFrame(
        {"own": [True, False], "found": ["same side", "shown"], "verdict": ["U", "no departure shown"],
         "interior": [0.5392, 1.0], "interior_mc_error": [0.00498, np.nan]}
    )  # fmt: skip
    assert files.read_off(frame).to_dict("list") == {
        "as they adjusted": ["yes", ""],
        "on the claimed side of 1": ["yes, but not shown", "yes, and shown"],
        "verdict": ["U", "no departure from a straight line shown"],
        "lowest point inside the range, share of draws": ["0.5392 ± 0.005", "1"],
    }


def test_invented_survey_is_marked_on_the_face_of_the_page(demo, monkeypatch, tmp_path):
    monkeypatch.setattr(render, "chart_library", lambda: STAND_IN)
    monkeypatch.setattr(render, "equation", plain)
    monkeypatch.setattr("analysis.report.page.render.equation", plain)
    out = tmp_path / "folder" / "page.html"
    assert main(["report", "--data", str(demo.data), "-o", str(out)]) == 0
    read = Read(out.read_text())
    assert read.text.index("SYNTHETIC") < read.text.index("Is it a U?")
    assert words_of(content.NO_AUDIT) in read.text
    assert words_of(content.NO_PUBLISHED) in read.text


def test_real_page_is_not_marked(read, results):
    assert not results.provenance.synthetic
    assert "SYNTHETIC" not in read.text


def test_page_leads_to_readme_and_documents(demo, monkeypatch, tmp_path):
    monkeypatch.setattr(render, "chart_library", lambda: STAND_IN)
    monkeypatch.setattr(render, "equation", plain)
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/README.md", "pyproject.toml"):
        (tmp_path / name).touch()
    out = tmp_path / "data" / "processed" / "report.html"
    assert main(["report", "--data", str(demo.data), "-o", str(out)]) == 0
    links = set(Read(out.read_text()).links)
    assert {"../../README.md", "../../docs/README.md", "../../src/analysis/stats/curve/splines.py"} <= links
    pages = out.parent / "docs"
    pages.mkdir()
    for name in ("readme.html", "index.html"):
        (pages / name).touch()
    assert main(["report", "--data", str(demo.data), "-o", str(out)]) == 0
    found = Read(out.read_text()).links
    assert {"../../data/processed/docs/readme.html", "../../data/processed/docs/index.html"} <= set(found)


@pytest.mark.skipif(not HAS_EXTRA, reason="the extra `report` is not installed")
def test_signs_between_terms_are_operators():
    """latex2mathml writes them as names, which have no room about them, and "is distributed as" as a tilde."""
    assert "<mo>&#x000B1;</mo>" in render.equation(r"a \pm b")
    assert "<mo>&#x0223C;</mo>" in render.equation(r"F \sim G")
    written = "".join(render.equation(latex) for _, latex, _ in record.EQUATIONS)
    assert written.count("<math") == len(record.EQUATIONS)
    assert not re.search(r"<mi>&#x000B1;|<mi>&#x0007E;|>\\[a-zA-Z]", written), "a command that was not understood"


@pytest.mark.skipif(HAS_EXTRA, reason="the extra `report` is installed")
def test_page_without_its_extra_says_what_to_install(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["report", "--data", str(ROOT / "data"), "-o", str(out)]) == render.PageError.exit_code
    assert "make report" in capsys.readouterr().err
    assert not out.exists()


# ---- the record
def test_every_function_named_exists():
    named = [where for _, _, where in record.EQUATIONS] + list(record.traceability_table()["function"])
    for name in named:
        module, _, rest = name.rpartition(".")
        while True:
            try:
                found = importlib.import_module(module)
                break
            except ModuleNotFoundError:
                module, _, last = module.rpartition(".")
                rest = f"{last}.{rest}"
        for part in rest.split("."):
            found = getattr(found, part)


def test_every_file_named_exists():
    table = record.traceability_table()
    assert not [name for name in table["test"] if not (ROOT / name).exists()]
    assert not [name for name in table["R's number"] if name and not (ROOT / name).exists()]
    assert not [name for name in table["results file"] if not (ROOT / "data" / "processed" / name).exists()]


@pytest.mark.committed
def test_every_results_file_has_a_row_of_its_own(results):
    """Whatever the page or README reads lies in these two folders."""
    table = record.traceability_table()
    files_read = {name for name in results.digests if name.startswith(("estimates/", "simulation/"))}
    assert len(files_read) > 60
    assert files_read == set(table["results file"])
    assert not table.duplicated(["number"]).any()


def test_named_test_speaks_of_the_function_or_the_file():
    """The test's text has the function's name, the file's, or that of R's file, with or without its stage."""
    silent = []
    for number, file, function, test, theirs in record.traceability_table().itertuples(index=False):
        words = [function.rpartition(".")[2], *(stem for name in (file, theirs) if name for stem in (
            Path(name).stem, re.sub("^(audit|claims|referee)_", "", Path(name).stem)))]  # fmt: skip
        if not re.search(rf"\b({'|'.join(words)})\b", (ROOT / test).read_text()):
            silent.append((number, test))
    assert not silent


def test_every_source_of_the_claims_has_a_row(results):
    sources = {str(source).partition(",")[0] for source in results.claims["verdicts"]["source"].dropna()} - {""}
    told = {Path(name).stem for name in record.traceability_table()["results file"]}
    assert sources <= told


def test_traceability_names_are_short_and_lead_on(parts):
    shown, places = record.short_traceability()
    assert not shown.map(lambda name: name.startswith(("analysis.", "tests/"))).any(axis=None)
    assert not [place for place in places.values() if not (ROOT / place).exists()]
    linked = Read(content._traceability("../.."))
    assert "../../src/analysis/stats/curve/splines.py" in linked.links
    assert {(ROOT / "data" / "processed" / link).resolve().exists() for link in linked.links} == {True}
    assert not Read(parts["traceability"].body).links


def test_strobe_nut_has_its_twenty_four_items():
    table = record.strobe_table()
    assert len(table) == table["item"].nunique() == 24
    assert (table["where it is met"].str.len() > 20).all()


# ---- what the explorer is made of
def numbers_of(packed, name):
    values = np.frombuffer(base64.b64decode(packed["values"]), dtype="<f8").reshape(len(packed["numbers"]), packed["n"])
    return values[packed["numbers"].index(name)]


def words_in(packed, name):
    found = packed["words"][name]
    return [found["levels"][at] for at in found["at"]]


@pytest.mark.committed
def test_every_number_of_every_specification_is_packed_as_the_results_file_has_it(results):
    packed = explorer.packed(results.audit, conf_level=0.95)["specifications"]
    cells = results.audit["specifications"]
    assert packed["n"] == len(cells)
    for name in cells.dropna(axis="columns", how="all").select_dtypes("number").columns.difference(["knots"]):
        np.testing.assert_array_equal(numbers_of(packed, name), cells[name].to_numpy(dtype=float))
    for name in (*CHOICES, "verdict"):
        expected = cells[name].fillna("").astype(str).tolist()
        assert words_in(packed, name) == expected


def small_cells(n=4):
    choices = pd.DataFrame({"weights": ["a", "a", "b", "new"], "knots": [3, 4, 3, 4]})[:n]
    cells = choices.assign(residual_df=[30, 29, 30, 29][:n], verdict=["U", "", "U", "else"][:n], verdict_p10_p90="U",
                           n=100, reason="", data="NHANES")  # fmt: skip
    curve = {"shown_low": 1.0, "shown_high": 9.0, "knots_at": "2 5 8", "coefficients": "0.1 0.2",
             "covariance": "0.01 0 0.04"}  # fmt: skip
    return cells, choices.assign(reference=5.0, **curve).drop(index=1)


def test_levels_and_verdicts_are_those_of_the_data():
    cells, curves = small_cells()
    packed = explorer.pack(cells, curves, ["weights", "knots"], conf_level=0.95)
    assert packed["words"]["weights"]["levels"] == ["a", "b", "new"]
    assert packed["words"]["verdict"]["levels"] == ["U", "", "else"]
    assert "verdict_p10_p90" in packed["words"]
    assert "data" not in packed["words"]


def test_words_that_no_row_has_are_not_numbers():
    cells, curves = small_cells()
    packed = explorer.pack(cells.assign(dropped=np.nan), curves, ["weights", "knots"], conf_level=0.95)
    assert packed["words"]["dropped"]["levels"] == [""]
    assert "dropped" not in packed["numbers"]


def test_specification_without_a_curve_keeps_its_place():
    cells, curves = small_cells()
    packed = explorer.pack(cells, curves, ["weights", "knots"], conf_level=0.95)
    assert packed["starts"] == [0, 3, 8, 0, 8, 3, 16, 3]
    assert np.frombuffer(base64.b64decode(packed["curves"]), dtype="<f8").size == 3 * 8


def test_a_specification_twice_is_refused():
    cells, curves = small_cells()
    with pytest.raises(pd.errors.MergeError):
        explorer.pack(pd.concat([cells, cells]), curves, ["weights", "knots"], conf_level=0.95)


def test_audit_without_coefficients_has_no_explorer(results):
    without = {name: frame for name, frame in results.audit.items() if name != "coefficients"}
    assert explorer.packed(without, conf_level=0.95) == {}
    assert explorer.missing_tables(without) == ["coefficients"]
    changed = dataclasses.replace(results, audit=without)
    read = Read(render.render(changed, content.sections(changed, math=plain), library=STAND_IN))
    assert words_of(content.NO_EXPLORER) in read.text
    assert "explorer" not in read.ids


@pytest.mark.committed
def test_every_answered_specification_has_a_curve(results):
    cells, curves = results.audit["specifications"], results.audit["coefficients"]
    assert list(curves.columns) == [*CHOICES, *COEFFICIENTS, "data"]
    assert len(curves) == cells["odds_ratio_p10"].notna().sum()
    assert set(cells["verdict"].dropna()) <= set(get_args(Verdict))


def test_every_result_is_read_from_the_folder_it_is_in(demo):
    results = read_results(demo)
    assert results.provenance == Provenance(results.provenance.source, True)
    assert f"estimates/{Path('models.csv')}" in results.digests
    assert rows_of_model(results.estimates, PRIMARY.model)["n"] > 0
