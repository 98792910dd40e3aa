"""The pages on faults and attacks name a file of tests in each row, and each of these holds tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_examples import DOCS, REPOSITORY

PAGES = {DOCS / "explanation" / "threat-model.md": "attack", DOCS / "reference" / "faults.md": "fault"}


def rows(page: Path) -> list[list[str]]:
    """Return the cells of the table whose first column is headed so."""
    text = page.read_text(encoding="utf-8")
    table = text[text.index(f"| {PAGES[page]} |") :].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_row_names_tests_that_there_are(page: Path) -> None:
    found = rows(page)
    assert len(found) > 15
    for row in found:
        named = re.findall(r"\]\((\S+)\)", row[-1])
        assert named, row[0]
        for target in named:
            path = (page.parent / target).resolve()
            assert path.is_relative_to(REPOSITORY / "tests")
            assert re.search(r"^def test_", path.read_text(encoding="utf-8"), re.MULTILINE), target


def test_each_test_of_faults_is_named() -> None:
    named = (DOCS / "reference" / "faults.md").read_text() + (DOCS / "explanation" / "threat-model.md").read_text()
    files = sorted(path.name for path in (REPOSITORY / "tests" / "service" / "faults").glob("test_*.py"))
    assert files
    assert [name for name in files if f"faults/{name}" not in named] == []
