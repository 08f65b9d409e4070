"""Pages made for the tests from the committed results files, with the chart library where its extra is installed."""

import importlib.util
import shutil
from pathlib import Path

from analysis.pipeline.folders import Folders
from analysis.pipeline.report import read_results
from analysis.report.page.content import Results, sections
from analysis.report.page.render import chart_library, equation, render

ROOT = Path(__file__).parents[3]
HAS_EXTRA = all(importlib.util.find_spec(name) for name in ("vl_convert", "latex2mathml"))
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
CHROMEDRIVER = shutil.which("chromedriver") or ""
NO_BROWSER = "no chromium with chromedriver on this machine: the page is not tried in a browser"
NO_EXTRA = "the extra `report` is not installed: charts are not tried"

STAND_IN = """
window.vegaEmbed = async (place) => {
  const view = { data: () => view, resize: () => view, runAsync: async () => view };
  return { view };
};
"""
"""Draws nothing: what the page computes and says does not need the chart library."""


def committed() -> Results:
    """The committed results, of the real files."""
    return read_results(Folders(ROOT / "data", ROOT / "figures"))


def plain(latex: str) -> str:
    """Equations as they are written, without the extra."""
    return f"<code>{latex.replace('<', '&lt;')}</code>"


def page_of(results: Results) -> str:
    """The page, with charts and equations if the extra is there."""
    parts = sections(results, math=equation if HAS_EXTRA else plain)
    return render(results, parts, library=chart_library() if HAS_EXTRA else STAND_IN)
