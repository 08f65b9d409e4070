"""How soon the report page is read and how soon a control answers, in headless Chromium; `make bench`.

Medians of five. The page is loaded from disk, each time anew; a control has answered when what it changed is on the
screen: the second frame after the page has drawn it.
"""

import statistics
import sys

import pytest

from tests.report.page.browser import browser
from tests.report.page.pages import CHROMEDRIVER, CHROMIUM, HAS_EXTRA, NO_BROWSER, NO_EXTRA, committed, page_of

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=NO_BROWSER),
    pytest.mark.skipif(not HAS_EXTRA, reason=NO_EXTRA),
]

TIMES = 5
FIRST_PAINT_MS, CONTROL_MS = 1000, 100
"""What a reader does not wait for, on two cores with nothing else to do."""

CONTROL = """
const choices = [{knots: "3"}, {knots: "5"}, {weights: "mec"}, {energy: "density"}, {sample: "no diabetes"}];
const frame = () => new Promise((done) => requestAnimationFrame(done));
const before = performance.now();
return report.explorer.choose(choices[arguments[0]]).then(frame).then(frame).then(() => performance.now() - before);
"""


def test_first_paint_and_controls(tmp_path, capsys, results):
    path = tmp_path / "report.html"
    path.write_text(page_of(committed()))
    paints, controls = [], []
    with browser(CHROMIUM, CHROMEDRIVER) as window:
        window.size(1200)
        for _ in range(TIMES):
            window.open(path)
            paints.append(window.run("return performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        for number in range(TIMES):
            controls.append(window.run(CONTROL, number))
    with capsys.disabled():
        sys.stdout.write(f"\nreport page, {path.stat().st_size / 1e6:.1f} MB; limits on two idle cores\n")
        for what, found, limit in (
            ("report page: first paint", paints, FIRST_PAINT_MS),
            ("report page: a control of the explorer", controls, CONTROL_MS),
        ):
            here = statistics.median(found)
            sys.stdout.write(f"{what:<44}{here:>8.0f} ms, at most {limit} ({min(found):.0f} to {max(found):.0f})\n")
            results.append({"what": what, "unit": "ms", "r": float("nan"), "here": here, "times": float("nan")})
