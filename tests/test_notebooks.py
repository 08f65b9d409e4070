"""Notebooks are thin, and run top to bottom on the invented survey."""

import ast
import base64
import importlib
import io
import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from PIL import Image

from analysis.audit.specificity import NEGATIVE_CONTROLS
from analysis.pipeline.folders import Folders
from analysis.pipeline.results import read_audit, read_claims, read_estimates, read_referee, read_simulation
from analysis.report import words
from analysis.report.words import bottom_line as bottom_line_words
from analysis.report.words import claims as claims_words
from analysis.report.words import study as study_words
from tests.audits import refereed

FOLDER = Path(__file__).parents[1] / "notebooks"
COMMITTED = Folders(FOLDER.parent / "data", FOLDER.parent / "figures")
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.py"))
FORBIDDEN = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.ListComp, ast.With, ast.Try)
ALLOWED_IMPORTS = ("analysis", "IPython.display", "matplotlib.pyplot", "pathlib")
LONGEST_CELL = 8
LONGEST_PARAGRAPH = 90
"""Words of a paragraph or an item."""
HEAVIEST = 400_000
"""Bytes of a notebook, which a page on the web still shows."""
LEAST_SEEN = 32
"""Of 255 levels of a colour: a quarter of what parts the palette's nearest hues."""
TO_WORK_IN = "00-your-own-analysis"
"""The one that tells no result of the project."""


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Path:
    return request.param


def code_cells(path: Path) -> list[str]:
    cells = path.read_text().split("# %%")[1:]
    return [cell.partition("\n")[2] for cell in cells if not cell.startswith(" [markdown]")]


def prose_cells(path: Path) -> list[str]:
    cells = [cell for cell in path.read_text().split("# %%")[1:] if cell.startswith(" [markdown]")]
    return [re.sub("^# ?", "", cell.partition("\n")[2], flags=re.MULTILINE) for cell in cells]


def prose_lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith("# ")]


def offending(found: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """Notebooks with what a rule finds in them."""
    return {path.name: wrong for path in NOTEBOOKS if (wrong := found(path))}


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_notebooks_define_loop_and_read_nothing_themselves():
    def found(path: Path) -> list[str]:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        names = [call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls]
        reads = ("read_csv", "read_parquet", "read_text")
        return [type(node).__name__ for node in nodes if isinstance(node, FORBIDDEN)] + [
            name for name in names if name == "open" or name.startswith(reads)
        ]

    assert offending(found) == {}


def test_notebooks_import_only_the_package_and_display():
    def found(path: Path) -> list[str]:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        modules = [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
        modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        return [module for module in modules if not module.startswith(ALLOWED_IMPORTS)]

    assert offending(found) == {}


def test_the_package_is_imported_in_one_line():
    assert offending(lambda path: re.findall(r"^from analysis import", path.read_text(), re.MULTILINE)[1:]) == {}


def test_cells_are_short():
    assert offending(lambda path: [c for c in code_cells(path) if len(c.strip().splitlines()) > LONGEST_CELL]) == {}


def test_no_paragraph_is_long():
    def found(path: Path) -> list[str]:
        paragraphs = [words for text in prose_cells(path) for words in re.split(r"\n\s*\n|\n(?=- )", text)]
        return [words for words in paragraphs if len(words.split()) > LONGEST_PARAGRAPH]

    assert offending(found) == {}


def test_notebooks_compute_something_themselves():
    """A cell that ends in a result, which shows itself as tables."""
    ends = {path.name: [cell.strip().splitlines()[-1] for cell in code_cells(path)] for path in NOTEBOOKS}
    result = re.compile(r"(estimate|shape_of)\(.*people")
    assert not [name for name, lines in ends.items() if not any(map(result.match, lines))]


def test_a_picture_with_few_colours_keeps_those_of_small_marks():
    """A key of a few pixels beside large grey patches with blended edges, as in a specification curve."""
    full = Image.effect_noise((400, 300), 60).convert("RGB")
    keys = {(213, 94, 0): (5, 5), (0, 114, 178): (5, 15), (0, 158, 115): (5, 25)}
    for colour, place in keys.items():
        full.paste(colour, (*place, place[0] + 4, place[1] + 4))
    held = io.BytesIO()
    full.save(held, "PNG")
    lighter = runpy.run_path(str(FOLDER / "execute.py"))["lighter"]
    light = Image.open(io.BytesIO(base64.b64decode(lighter(base64.b64encode(held.getvalue()).decode())))).convert("RGB")
    off = {colour: max(abs(a - b) for a, b in zip(light.getpixel((x + 1, y + 1)), colour, strict=True))
           for colour, (x, y) in keys.items()}  # fmt: skip
    assert max(off.values()) <= LEAST_SEEN, off


def test_committed_notebooks_are_light():
    assert not [path.name for path in NOTEBOOKS if path.with_suffix(".ipynb").stat().st_size >= HEAVIEST]


def test_there_is_more_prose_than_code():
    prose = {path: [line for line in prose_lines(path) if not line.startswith("# %%")] for path in NOTEBOOKS}
    code = {path: [line for cell in code_cells(path) for line in cell.strip().splitlines()] for path in NOTEBOOKS}
    assert not [path.name for path in NOTEBOOKS if len(prose[path]) <= len(code[path])]


def test_prose_types_no_result():
    """Odds ratios, p-values and percentages come from results; years, ages, sites and models may be written."""

    def found(path: Path) -> list[str]:
        prose = "\n".join(prose_lines(path))
        bare = [word.strip("().,;%") for word in prose.split()]
        return re.findall("p = ", prose) + [word for word in bare if "." in word and word.replace(".", "", 1).isdigit()]

    assert offending(found) == {}


@pytest.fixture(scope="module")
def invented(demo, shared):
    """Folders of the invented survey after every stage that a notebook reads."""
    return refereed(demo, shared)


@pytest.fixture(scope="module")
def started():
    """A kernel for all notebooks, whose start and imports take longer than most of them."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(FOLDER), extra_arguments=["--log-level=ERROR"])
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(started):
    """That kernel without a name of the notebook before."""
    client = started.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    told = client.execute_interactive("%reset -f\nassert 'DATA_DIR' not in globals()", timeout=60)
    client.stop_channels()
    assert told["content"]["status"] == "ok"
    return started


@pytest.mark.committed
def test_notebook_runs_on_the_invented_survey(notebook, invented, kernel):
    execute = runpy.run_path(str(FOLDER / "execute.py"))["execute"]
    executed = execute(notebook, data_dir=str(invented.data), kernel=kernel)
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert "SYNTHETIC" in json.dumps(executed)
    drawn = notebook.read_text().count(".draw()") + notebook.read_text().count("plt.show()")
    assert sum("image/png" in output.get("data", {}) for output in outputs) == drawn


def test_committed_notebook_is_the_executed_pair(notebook):
    committed = json.loads(notebook.with_suffix(".ipynb").read_text())
    code = [cell for cell in committed["cells"] if cell["cell_type"] == "code"]
    ours = [cell.replace("# %matplotlib", "%matplotlib").strip() for cell in code_cells(notebook)]
    assert ["".join(cell["source"]).strip() for cell in code] == ours
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    theirs = ["".join(cell["source"]).strip() for cell in committed["cells"] if cell["cell_type"] == "markdown"]
    assert theirs == [text.strip() for text in prose_cells(notebook)]
    assert "SYNTHETIC" not in json.dumps(committed)


TABLES = [
    call for path in NOTEBOOKS for call in re.findall(r"^words\.\w+\.\w+_table\(.*\)$", path.read_text(), re.MULTILINE)
]


def test_every_table_of_the_notebooks_is_found():
    assert len(TABLES) == sum(path.read_text().count("_table(") for path in NOTEBOOKS)


@pytest.fixture(scope="module")
def committed():
    frames = {"estimates": read_estimates(COMMITTED)[0], "audit": read_audit(COMMITTED)[0],
              "answers": read_referee(COMMITTED)[0]["referee"]}  # fmt: skip
    claims = read_claims(COMMITTED)[0]
    return frames | {"claims": claims, "simulation": read_simulation(COMMITTED)[0], "words": words}


def test_no_cell_of_a_table_is_cut_and_p_stands_there_as_a_number(committed):
    tables = {call: eval(call, dict(committed)) for call in TABLES}  # noqa: S307
    assert not [call for call, table in tables.items() if "..." in table._repr_html_()]
    cells = {call: table.reset_index().astype(str) for call, table in tables.items()}
    begins = {call: cell.apply(lambda column: column.str.startswith(("= ", "p "))) for call, cell in cells.items()}
    assert not [call for call, begun in begins.items() if begun.any(axis=None)]


def test_controls_are_told_with_their_whole_reasons(committed):
    told = words.specificity.controls_markdown(committed["audit"])
    for control in NEGATIVE_CONTROLS.values():
        assert f" {control.reason} |" in told


def shown_tables(notebook: Path) -> str:
    """What the committed notebook displays in tables."""
    outputs = [output for cell in json.loads(notebook.with_suffix(".ipynb").read_text())["cells"]
               for output in cell.get("outputs", [])]  # fmt: skip
    return "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)


def committed_words(notebook: Path) -> str:
    """What the committed notebook displays in words."""
    outputs = [output for cell in json.loads(notebook.with_suffix(".ipynb").read_text())["cells"]
               for output in cell.get("outputs", [])]  # fmt: skip
    return "".join("".join(output.get("data", {}).get("text/markdown", "")) for output in outputs)


@pytest.mark.committed
def test_committed_notebook_quotes_the_committed_estimates(notebook):
    if notebook.stem == TO_WORK_IN:
        row = read_estimates(COMMITTED)[0]["odds_ratio_curve"].query("model == '1' and x == 100").iloc[0]
        assert f"<td>{row['conf_low']:.2f} to {row['conf_high']:.2f}</td>" in shown_tables(notebook)
        return
    if "read_claims" in notebook.read_text() and "read_estimates" not in notebook.read_text():
        said = claims_words.balance_sentences(read_claims(COMMITTED)[0]["verdicts"])
    elif "read_referee" in notebook.read_text():
        said = words.referee.changes_sentence(read_referee(COMMITTED)[0]["referee"])
    else:
        said = study_words.answer_sentence(read_estimates(COMMITTED)[0])
    assert said in committed_words(notebook)


@pytest.mark.committed
def test_committed_notebook_of_the_audit_quotes_the_committed_audit():
    estimates, audit = read_estimates(COMMITTED)[0], read_audit(COMMITTED)[0]
    text = committed_words(FOLDER / "03-how-much-stands.py")
    assert bottom_line_words.bottom_line(estimates, audit, read_simulation(COMMITTED)[0]) in text
    assert claims_words.claims_markdown(read_claims(COMMITTED)[0]["verdicts"]) in text


def test_saving_in_jupyterlab_leaves_the_py_alone(notebook, tmp_path):
    """As JupyterLab with jupytext saves what it opened: a pair named in the metadata would be written too."""
    opened = tmp_path / f"{notebook.stem}.ipynb"
    shutil.copy(notebook.with_suffix(".ipynb"), opened)
    shutil.copy(notebook, tmp_path)
    # Loaded here: every worker imports this module, and these take seconds.
    jupytext, saving, files = map(importlib.import_module, (
        "jupytext", "jupytext.sync_contentsmanager", "jupyter_server.services.contents.largefilemanager"))  # fmt: skip
    manager = saving.build_sync_jupytext_contents_manager_class(files.LargeFileManager)(root_dir=str(tmp_path))
    model = manager.get(opened.name)
    model["content"]["cells"][-1]["source"] += "\nmine = 1"
    manager.save(model, opened.name)
    assert "mine = 1" in opened.read_text()
    assert (tmp_path / notebook.name).read_bytes() == notebook.read_bytes()
    assert "formats" not in jupytext.read(notebook).metadata.get("jupytext", {})


def test_a_failing_cell_is_told_in_a_line_and_nothing_is_written(tmp_path):
    (tmp_path / "own.py").write_text("# %%\nmine = {}\n\n# %%\nmine['calcium']\n")
    command = [sys.executable, FOLDER / "execute.py", "own.py", "own.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "own.py: a cell failed, nothing was written. KeyError: 'calcium'\n"
    assert not (tmp_path / "own.ipynb").exists()


def test_cells_that_a_reader_changed_are_kept_beside_the_new_notebook(tmp_path):
    ours = runpy.run_path(str(FOLDER / "execute.py"))
    path = tmp_path / "01.ipynb"
    notebook = ours["nbformat"].read(FOLDER / "01-dose-response.ipynb", as_version=4)
    assert notebook.metadata[ours["DIGEST_KEY"]] == ours["sources_digest"](notebook)
    ours["nbformat"].write(notebook, path)
    assert ours["keep_changed"](path) is None
    for number in (1, 2):
        notebook.cells[-1]["source"] += f"\nmine = {number}"
        ours["nbformat"].write(notebook, path)
        changed = path.read_text()
        aside = ours["keep_changed"](path)
        assert aside == tmp_path / f"01.changed-{number}.ipynb"
        assert aside.read_text() == changed
        assert not path.exists()
