"""Parts of a split and kinds of columns in words, for terminal and report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.messages import Message, joined, phrase
from models.schema import Kind

PARTS: Final = {
    "fitting": phrase("fitting"),
    "validation": phrase("validation"),
    "calibration": phrase("calibration"),
    "test": phrase("test"),
}
"""The parts of a split in words."""

_KINDS: Final = {
    Kind.NUMERIC: phrase("numeric"),
    Kind.BOOLEAN: phrase("boolean"),
    Kind.CATEGORICAL: phrase("categorical"),
    Kind.DATETIME: phrase("datetime"),
}


def in_words(kind: Kind) -> Message:
    """Return a kind of columns in words."""
    return _KINDS[kind]


def parts_in_words(rows: Mapping[str, int]) -> Message:
    """Return the number of rows of each part: fitting 60, test 15."""
    counted = [phrase("{part} {rows:,}", part=PARTS[part], rows=count) for part, count in rows.items()]
    return joined(counted, by=", ")
