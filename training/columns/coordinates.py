"""Columns of coordinates that are texts: why they cannot be used, and how they are to be written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from models.messages import phrase, quoted
from models.schema.coordinates import direction_of

_MARKS: Final = frozenset(".,°º")  # of which an id, such as N12, has none


def coordinates_reason(texts: Collection[str]) -> str | None:
    """Return the reason to drop texts that all are coordinates with a letter, at least one; None for others.

    Example:
        >>> coordinates_reason(["12.5 N", "33.9 S"])[:33], coordinates_reason(["N12", "S33"])
        ("coordinates such as '12.5 N': wri", None)
    """
    if not all(direction_of(text) and _MARKS.intersection(text) for text in texts):
        return None
    return phrase(
        "coordinates such as {text}: write them as numbers of degrees with decimals, north and east positive, south "
        "and west negative",
        text=quoted(next(iter(texts))),
    )
