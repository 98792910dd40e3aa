"""Texts of coordinates, such as ``48.17 N`` and ``12°01'19"S``: told, so that no sign is lost; they are not read."""

from __future__ import annotations

import re
from typing import Final

_NEGATIVE: Final = frozenset("SW")
_LETTERS: Final = frozenset("NESWOL")  # O is west or east, L east, in languages that people meet
_NUMBER: Final = r"[0-9]{1,3}(?:[.,][0-9]+)?"
_SIXTIETHS: Final = r"[0-9]{1,2}(?:[.,][0-9]+)?"
_COORDINATE: Final = re.compile(
    rf"(?P<before>[NESWOL])?\s*[+−-]?{_NUMBER}\s*(?:[°º]\s*)?"
    rf"(?P<minutes>{_SIXTIETHS}\s*['′’]\s*(?:{_SIXTIETHS}\s*(?:[\"″”]|''|’’)\s*)?)?(?P<after>[NESWOL])?"
)


def direction_of(text: str) -> str | None:
    r"""Return the letter that says where a coordinate lies, one of N, E, S, W, O and L; None for another text.

    Example:
        >>> direction_of("48.17469 N"), direction_of("W077°02'12.8\""), direction_of("33.9"), direction_of("12 kg")
        ('N', 'W', None, None)
    """
    found = _COORDINATE.fullmatch(text.strip().upper())
    if found is None or (found["before"] and found["after"]):
        return None
    return found["before"] or found["after"]


def remedy_for_direction(letter: str, number: str | None) -> str:
    """Return what the sign of a coordinate is, in words that fit behind "expected a number; ".

    Args:
        letter: One of N, E, S, W, O and L, in any case; other letters have no remedy.
        number: The number beside it, as it is to be written, if there is one.
    """
    if letter.upper() not in _LETTERS:
        return ""
    words = "; of a coordinate, north and east are positive, south and west negative"
    negative = number is not None and letter.upper() in _NEGATIVE and number[:1] not in "+-"
    return f"{words}: -{number}" if negative else words
