"""README: its links and pictures are there, and it stays short. tests/docs runs its examples."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text()


def test_every_link_and_picture_of_readme_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if "://" not in target and not (REPOSITORY / target).exists()] == []


def test_readme_stays_short() -> None:
    """What is long belongs to the pages in docs/."""
    assert len(README.splitlines()) <= 150
