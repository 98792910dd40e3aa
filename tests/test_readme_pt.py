"""The README in Portuguese keeps step with the one in English: what is not prose is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
NAMES = ("README.md", "README.pt-BR.md")
IN_PORTUGUESE = {
    "docs/tutorial/primeiro-detector.md": "docs/tutorial/first-detector.md",
    "docs/tutorial/qual-relu.md": "docs/tutorial/which-relu.md",
}
"""Pages that are there in Portuguese, too, and which page each is in English."""
ENGLISH, PORTUGUESE = ((REPOSITORY / name).read_text(encoding="utf-8") for name in NAMES)
_FENCE = re.compile(r"^ *(`{3,}).*?^ *\1$", re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    return _FENCE.sub("", text)


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(text), re.MULTILINE)]


def code_blocks(text: str) -> list[str]:
    return [found[0] for found in _FENCE.finditer(text)]


def marks_of_examples(text: str) -> list[str]:
    return re.findall(r"<!--.*?-->", text)


def targets(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    return [IN_PORTUGUESE.get(target, target) for target in found if target not in NAMES]


def table_rows(text: str) -> int:
    return len(re.findall(r"^\|", prose(text), re.MULTILINE))


def paragraphs(text: str) -> int:
    return len(re.findall(r"\n\s*\n(?!\s)", text))


@pytest.mark.parametrize(
    "what", [headings, code_blocks, marks_of_examples, targets, table_rows, paragraphs], ids=lambda what: what.__name__
)
def test_both_languages_have_the_same(what) -> None:
    assert what(PORTUGUESE) == what(ENGLISH)


@pytest.mark.parametrize(
    ("text", "other"), [(ENGLISH, NAMES[1]), (PORTUGUESE, NAMES[0])], ids=["English", "Portuguese"]
)
def test_each_begins_with_a_link_to_the_other(text: str, other: str) -> None:
    assert f"]({other})" in "".join(text.splitlines()[:4])


def test_a_difference_between_them_is_noticed() -> None:
    changed = (
        ENGLISH.replace("\n## ", "\n### ", 1).replace("make demo", "make all").replace("docs/index.md", "docs/x.md")
    )
    assert headings(changed) != headings(ENGLISH)
    assert code_blocks(changed) != code_blocks(ENGLISH)
    assert targets(changed) != targets(ENGLISH)
    assert table_rows(ENGLISH + "\n| a | b |\n") == table_rows(ENGLISH) + 1
