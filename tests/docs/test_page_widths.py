"""The built pages in a browser, on a phone and on a wide screen: none is wider than the screen, nor is a command."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from page_examples import DOCS

pytestmark = pytest.mark.slow

# Measures each page in a frame of each width.
AROUND = """<!doctype html><body><pre></pre><script>
const pages = {pages}, widths = {widths}, found = [];
async function measure() {{
  for (const width of widths) for (const page of pages) {{
    const frame = document.createElement("iframe");
    Object.assign(frame, {{width, height: 900, src: page}});
    frame.style.border = 0;
    document.body.append(frame);
    await new Promise(loaded => frame.onload = loaded);
    const root = frame.contentDocument.documentElement;
    const commands = [...root.querySelectorAll(".highlight-bash pre")];
    const cut = commands.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent);
    found.push([page, width, root.scrollWidth - root.clientWidth, cut, commands.length,
      root.querySelectorAll("button.copybtn").length]);
    frame.remove();
  }}
  document.querySelector("pre").textContent = JSON.stringify(found);
}}
measure();
</script></body>"""


def test_no_page_and_no_command_is_wider_than_the_screen_and_every_command_can_be_copied(
    tmp_path: Path, run_python: Any
) -> None:
    site = tmp_path / "site"
    built = run_python("-m", "sphinx", "-q", "-b", "html", "-d", tmp_path / "doctrees", DOCS, site)
    assert built.returncode == 0, built.stderr
    pages = [str(page.relative_to(site)) for page in sorted(site.rglob("*.html"))]
    around = site / "around.html"
    around.write_text(AROUND.format(pages=json.dumps(pages), widths=[390, 1280]), encoding="utf-8")
    arguments = ("--allow-file-access-from-files", "--virtual-time-budget=60000", "--window-size=1400,1000")
    html = opened(around, tmp_path, *arguments, "--dump-dom").stdout
    [measured] = re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
    found = json.loads(unescape(measured))
    assert len(found) == 2 * len(pages)
    assert [(page, width) for page, width, beyond, *_ in found if beyond > 0] == []
    assert [(page, width, cut) for page, width, _, cut, *_ in found if cut] == []
    assert [page for page, *_, commands, buttons in found if buttons < commands] == []
