"""Names of columns and texts of cells in one Unicode form, so that two that look alike are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

_MOST_MARKS: Final = 30  # in a row, as in the stream-safe format of UAX 15: no writing needs more
_SHORT: Final = 64


def one_form(name: str) -> str:
    """Return a name or a text of a cell with composed characters (NFC); macOS writes them decomposed.

    A text with more than 30 combining marks in a row stays as it is: putting them in order takes quadratic time.

    Example:
        >>> len("Wa" + chr(0x308) + "rme"), len(one_form("Wa" + chr(0x308) + "rme"))
        (6, 5)
    """
    if name.isascii() or (len(name) > _SHORT and _has_many_marks(name)):
        return name
    return unicodedata.normalize("NFC", name)


def in_one_form(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in one form."""
    return tuple(map(one_form, names))


def _has_many_marks(text: str) -> bool:
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks > _MOST_MARKS:
            return True
    return False
