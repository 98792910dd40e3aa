"""Every case of the shared collection is a test that names its number, or stands here with the reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
NUMBER = re.compile(r"\bCases? (\d+(?:(?:, | and )\d+)*)|test_case_(\d+)_")

# Cases that no test of this suite can be, with what shows them instead.
ELSEWHERE = {
    1: "a ratio of times, which tests never assert: python -m benchmarks.one_record",
}


def numbers_named() -> set[int]:
    found = set()
    for path in TESTS.rglob("*"):
        if path.suffix in (".py", ".sh") and path.name != "test_cases.py":
            for listed, single in NUMBER.findall(path.read_text(encoding="utf-8")):
                found |= set(map(int, re.findall(r"\d+", listed or single)))
    return found


def test_every_case_is_a_test_or_has_its_reason(cases):
    numbers = [int(n) for n in re.findall(r"^\*\*(\d+) · ", (cases / "README.md").read_text(), re.MULTILINE)]
    assert len(numbers) >= 31
    assert sorted(set(numbers) - numbers_named() - ELSEWHERE.keys()) == []


@pytest.mark.parametrize("number", ELSEWHERE)
def test_what_is_shown_elsewhere_is_no_test(number):
    assert number not in numbers_named()
