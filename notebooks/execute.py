"""Execute a notebook top to bottom and write it as .ipynb, the same bytes for the same results.

    python notebooks/execute.py notebooks/01-dose-response.py notebooks/01-dose-response.ipynb [--data-dir DIR]

People edit and review the .py; the .ipynb is for readers on the web. jupytext alone gives cells random ids and times
their execution, so that every run would change the file. Neither names the other in its metadata: JupyterLab with
jupytext would write what a reader saves into the .py too.
"""

import argparse
import base64
import hashlib
import io
import itertools
import json
import sys
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

DIGEST_KEY = "cells_written"
"""Where a notebook's metadata hold the digest of the cells that were written."""

COLOURS = 64
"""Colours of an embedded picture: lines, a few hues and their blended edges need no more, and it weighs a third."""


def execute(source: Path, *, data_dir: str | None = None, kernel: KernelManager | None = None) -> nbformat.NotebookNode:
    """Run the notebook in its own folder; ``data_dir`` replaces the value in the cell tagged ``parameters``.

    ``kernel`` runs already, in that folder, and stays; default: one of the notebook's own.
    """
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:02d}"
        if data_dir is not None and "parameters" in cell.metadata.get("tags", []):
            cell["source"] = f"DATA_DIR = {data_dir!r}"
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(source.parent)}},
        extra_arguments=["--log-level=ERROR"],  # not a page about transport encryption at every run
    )
    try:
        client.execute()
    finally:
        if kernel is not None and client.kc is not None:
            client.kc.stop_channels()  # else nbclient's own sockets to it stay open
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = lighter(output["data"]["image/png"])
    notebook.metadata["language_info"].pop("version", None)  # the micro version of Python is no result
    return notebook


def lighter(picture: str) -> str:
    """A picture in base64 with `COLOURS` colours of its own; the full one is in the folder of the figures."""
    # The usual choice of colours goes by area, and would give a legend's key the colour of a large patch.
    spread = Image.Quantize.MAXCOVERAGE
    with Image.open(io.BytesIO(base64.b64decode(picture))) as full, io.BytesIO() as held:
        few = full.convert("RGB").quantize(COLOURS, method=spread, dither=Image.Dither.NONE)
        few.save(held, "PNG", optimize=True)
        return base64.b64encode(held.getvalue()).decode()


def sources_digest(notebook: nbformat.NotebookNode) -> str:
    """Digest of what people write in a notebook, its cells' kinds and sources; outputs do not count."""
    cells = [[cell["cell_type"], cell["source"]] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def keep_changed(output: Path) -> Path | None:
    """Put a notebook aside whose cells a reader has changed since it was written here.

    Returns
    -------
    Where it is now, or None: there is none, or nobody changed it.
    """
    if not output.exists():
        return None
    try:
        present = nbformat.read(output, as_version=4)
        written = present.metadata.get(DIGEST_KEY)
        if written == sources_digest(present):
            return None
    except (ValueError, LookupError, AttributeError, nbformat.ValidationError):
        pass  # no notebook any more: all the more the reader's own
    free = (output.with_name(f"{output.stem}.changed-{number}.ipynb") for number in itertools.count(1))
    aside = next(path for path in free if not path.exists())
    output.rename(aside)
    return aside


def main() -> int:
    """Execute one notebook; a failing cell is reported with its error and nothing is written."""
    parser = argparse.ArgumentParser(description="Execute a notebook and write it as .ipynb.")
    parser.add_argument("source", type=Path, help="the notebook's .py")
    parser.add_argument("output", type=Path, help="the .ipynb to write")
    parser.add_argument("--data-dir", default=None, help="data folder instead of the one the notebook names")
    args = parser.parse_args()
    try:
        notebook = execute(args.source, data_dir=args.data_dir)
    except CellExecutionError as error:
        print(f"{args.source}: a cell failed, nothing was written. {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    notebook.metadata[DIGEST_KEY] = sources_digest(notebook)
    aside = keep_changed(args.output)
    if aside is not None:
        print(f"{args.output} had cells that were changed or added by hand: it is kept as {aside}.", file=sys.stderr)
    nbformat.write(notebook, args.output)
    print(args.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
