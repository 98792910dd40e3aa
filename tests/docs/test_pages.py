"""The pages are readable where they are kept, without a build: links lead to files, pictures say what they show."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from page_examples import DOCS, REPOSITORY

PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
PAGES_OF_RESULTS = (
    *("quality", "planted-errors", "claims", "embedding"),
    *("results", "training-speed", "serving-speed"),
)
_FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1", re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose(page))]
    missing = [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_has_one_title_and_no_heading_leaves_out_a_level(page: Path) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_every_picture_says_what_it_shows_and_is_shown() -> None:
    texts = [prose(page) for page in PAGES] + [(REPOSITORY / "README.md").read_text(encoding="utf-8")]
    pictures = [found for text in texts for found in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)]
    assert [path for said, path in pictures if len(said) < 20] == []
    shown = {Path(path).name for _, path in pictures}
    assert {path.name for path in (DOCS / "images").iterdir()} == shown


def test_every_page_can_be_reached_from_the_first_one() -> None:
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+\.md)", prose(page))
            waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert [str(page.relative_to(DOCS)) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("name", PAGES_OF_RESULTS)
def test_a_page_of_results_begins_with_a_figure_that_stands_further_down_and_comes_from_a_command(name: str) -> None:
    _, lead, *rest = (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8").split("\n\n")
    below = "\n\n".join(rest)
    assert re.match(r"> \*\*-?\d", lead)
    numbers = re.findall(r"-?\d[\d,]*(?:\.\d+)?", lead)
    assert [number for number in numbers if number not in below] == []
    assert "python -m benchmarks." in below
