"""What one column adds to a score, as data."""

from __future__ import annotations

import msgspec

from models.schema.cells import Cell


class Contribution(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The contribution of one column to a record's score.

    Args:
        contribution: Its part of the anomaly score; the parts of all columns sum to it.
        actual: The record's value, None where it is missing.
        expected: The value that the network expected instead, in the user's own units and categories.
        probability: The probability of a value that is the expected one: what is unusual is that it is not nearer to 1.
            None for numbers, and where another value was expected.
        gaps: Of a date: the days since the dates of other columns, by name, where it was learned what is usual; None
            where nothing was.
    """

    feature: str
    contribution: float
    actual: Cell
    expected: Cell
    probability: float | None = None
    gaps: dict[str, float] | None = None
