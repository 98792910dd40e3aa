"""Reports in a real browser, on a phone and on a wide screen: they fit, and nothing of them is complained about."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from PIL import Image

from training.report.fit import write_fit_report

pytestmark = pytest.mark.slow

# A report runs nothing; the page around it may, and tells what the browser made of it.
AROUND = """<!doctype html><body><iframe width="{width}" height="3000" style="border: 0" srcdoc="{report}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument;
  const drawn = [...page.querySelectorAll("svg")].filter(svg => svg.getClientRects().length);
  const heights = drawn.map(svg => svg.getBoundingClientRect().height);
  document.body.dataset.measured = [page.documentElement.scrollWidth, heights.length, Math.min(...heights),
    frame.contentWindow.performance.getEntriesByType("resource").length].join(" ");
}};
</script></body>"""


@pytest.fixture(scope="module")
def report(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_fit_report(path, trained.result, trained.prepared, trained.config)
    return path


@pytest.mark.parametrize("width", [390, 1200])
def test_a_report_is_drawn_without_complaints_and_fits_the_screen(width: int, report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    opened(report, tmp_path, f"--window-size={width},3000", f"--screenshot={picture}")
    colours = Image.open(picture).convert("RGB").getcolors(maxcolors=2**24)
    assert colours is not None
    assert len(colours) > 50, "it is not blank"
    around, html = tmp_path / "around.html", report.read_text(encoding="utf-8")
    around.write_text(AROUND.format(width=width, report=escape(html)), encoding="utf-8")
    found = opened(around, tmp_path, "--window-size=1400,3000", "--dump-dom").stdout
    [numbers] = re.findall(r'data-measured="([\d. ]+)"', found)
    across, pictures, lowest, fetched = map(float, numbers.split())
    assert across <= width, "the page itself is never scrolled sideways"
    assert pictures == html.count("<figure"), "of two drawings of a picture one is shown"
    assert lowest > 40, "every picture has room"
    assert fetched == 0
