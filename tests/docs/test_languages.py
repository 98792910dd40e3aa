"""A page that is there in two languages is one page: its commands, outputs and links are the same.

What a command prints that is asked for Portuguese is in Portuguese; `test_examples` runs that page.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_examples import DOCS, examples_of

TUTORIAL = DOCS / "tutorial"
PAIRS = [
    (TUTORIAL / "first-detector.md", TUTORIAL / "primeiro-detector.md"),
    (TUTORIAL / "which-relu.md", TUTORIAL / "qual-relu.md"),
]
IN_PORTUGUESE = {f"{other.name}#instale": f"{page.name}#install" for page, other in PAIRS}
"""Links between pages in Portuguese, and which each is in English."""
_ASKED = " --lang pt"
both = pytest.mark.parametrize(("page", "other"), PAIRS, ids=lambda path: path.stem)


def targets(page: Path, *, but: Path) -> list[str]:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [IN_PORTUGUESE.get(link, link) for link in links if link != but.name]


def headings(page: Path) -> list[int]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [len(line) - len(line.lstrip("#")) for line in lines if line.startswith("#")]


@both
def test_the_examples_are_the_same(page: Path, other: Path) -> None:
    assert len(examples_of(page)) > 0
    asked = False
    for one, another in zip(examples_of(page), examples_of(other), strict=True):
        assert (one.language, one.how, one.detail) == (another.language, another.how, another.detail)
        asked = _ASKED in another.text if one.how != "output" else asked
        if one.how != "output" or not asked:
            assert one.text == another.text.replace(_ASKED, "")


@both
def test_the_headings_and_links_are_the_same(page: Path, other: Path) -> None:
    assert headings(page) == headings(other)
    assert targets(page, but=other) == targets(other, but=page)


@both
def test_each_begins_with_a_link_to_the_other(page: Path, other: Path) -> None:
    for one, another in ((page, other), (other, page)):
        assert f"]({another.name})" in "".join(one.read_text(encoding="utf-8").splitlines()[:4])
