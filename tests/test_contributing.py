"""CONTRIBUTING and the architecture page name files, folders and functions that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = ("CONTRIBUTING.md", "docs/explanation/house.md", "SECURITY.md")
OURS = ("models/", "training/", "service/", "tests/", "benchmarks/", "docs/", "scripts/")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_is_there(page: str) -> None:
    words = re.split(r"[`\s]+", (REPOSITORY / page).read_text(encoding="utf-8"))
    named = {word for word in words if word.startswith(OURS) and re.fullmatch(r"[\w./-]+", word)}
    generated = {"docs/_build/index.html"}
    assert [path for path in sorted(named - generated) if not (REPOSITORY / path.rstrip(".")).exists()] == []


def test_every_function_that_is_named_beside_a_file_is_in_it() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pairs = re.findall(r"`(_?\w+)`\s+(?:in|of|to)\s+`([\w/]+\.py)`", text)
    assert len(pairs) >= 5
    assert [
        pair for pair in pairs if (REPOSITORY / pair[1]).exists() and pair[0] not in (REPOSITORY / pair[1]).read_text()
    ] == []
