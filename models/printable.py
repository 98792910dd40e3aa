"""Texts of others, made fit for a line in a terminal, a log or an answer."""

from __future__ import annotations

import re
from typing import Final

_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of lines, halves of characters, and those that turn the direction of reading."""

MOST_CHARACTERS: Final = 800
"""Most characters of a message that is shown."""


def first_unprintable(text: str) -> str | None:
    """Return the first character that would move a cursor, colour a terminal or end a line; None without one."""
    found = _UNPRINTABLE.search(text)
    return None if found is None else found[0]


def printable(text: str) -> str:
    r"""Return a text with such characters written as Python writes them.

    Example:
        >>> print(printable("S\u00e3o Paulo \n \x1b"))
        São Paulo \n \x1b
    """
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return a message as one printable line; of a very long one the beginning and the end, which says what to do.

    Example:
        >>> one_line("two" + chr(10) + "lines"), len(one_line("x" * 10**6)) <= MOST_CHARACTERS
        ('two lines', True)
    """
    return shortened(printable(collapsed(text)))


def collapsed(text: str) -> str:
    """Return a text with single spaces; where it is very long its ends alone, before anything is made of its words.

    Example:
        >>> collapsed("two" + chr(10) + "lines"), len(collapsed("a " * 10**6)) <= 8 * MOST_CHARACTERS
        ('two lines', True)
    """
    half = 4 * MOST_CHARACTERS
    if len(text) > 2 * half:
        text = f"{text[:half]}…{text[1 - half :]}"
    return " ".join(text.split())


def shortened(text: str) -> str:
    """Return at most `MOST_CHARACTERS` characters of a text: where it is longer, its beginning and its end."""
    if len(text) <= MOST_CHARACTERS:
        return text
    end = MOST_CHARACTERS // 4
    return f"{text[: MOST_CHARACTERS - end - 5]} […] {text[-end:]}"
