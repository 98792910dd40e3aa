"""Options of the readers: how a file is written. In a module without readers, so that flags load none of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from models.schema import FeatureSchema

__all__ = ["ReadOptions"]

CHUNK_ROWS: Final = 16_384
"""Rows that are held at once where a table, a request or a stream is read in chunks.

It is a multiple of the rows that are scored at once, so that a row scores the same whichever way it comes.
"""

RAGGED_ROWS: Final = ("error", "fill")
"""What to do with a row of a text file that lacks cells at its end."""

HEADER_AGAIN: Final = "header"
"""What stands for rows that repeat the header line, where rows are named that are left out."""

_ROWS: Final = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?", re.ASCII)
_MOST_INTERVALS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a file is written; what is None is detected.

    Args:
        delimiter: The character between the cells of a text file; a space stands for one or more of them.
        decimal: The decimal mark of numbers in texts, ``.`` or ``,``.
        thousands: The thousands separator of numbers in texts, one of `THOUSANDS`, or empty for none.
        encoding: The character encoding of a text file.
        quote: The character around cells of a text file, or empty for none.
        comment: What lines of a text file begin with that are no rows, or empty for none.
        header: Names of the columns of a text file or sheet that has no header line, in order.
        has_header: Whether the first row of a text file or sheet holds the names.
        skip_lines: Lines above the table in a text file, or rows above it in a sheet.
        skip_rows: First and last of rows of each file that are no records, counted from 1 below the header.
        skip_header: Whether rows that repeat the header line are left out.
        ragged_rows: ``error``, or ``fill`` where a row of a text file may lack cells at its end.
        sheet: The sheet of a spreadsheet file, by name.
        numbers: Columns of a text file that may be read as numbers as long as each cell is one or is missing; the
            values are those that their texts stand for.
        learned: Decimal mark and thousands separator of the texts that a detector learned from: what could be read in
            two ways is read by these, where the file does not contradict.
        whole: Columns in which a detector learned whole numbers alone.
        columns: Columns of a Parquet or Arrow table that are read, and have to be of plain types; None for all. Fields
            of structs have dotted names.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    quote: str | None = None
    comment: str | None = None
    header: tuple[str, ...] | None = None
    has_header: bool | None = None
    skip_lines: int = 0
    skip_rows: tuple[tuple[int, int], ...] = ()
    skip_header: bool = False
    ragged_rows: str = RAGGED_ROWS[0]
    sheet: str | None = None
    numbers: frozenset[str] = frozenset()
    learned: tuple[str, str] = (".", "")
    whole: frozenset[str] = frozenset()
    columns: frozenset[str] | None = None


def rows_to_skip(words: Sequence[str]) -> dict[str, Any]:
    """Return the fields of `ReadOptions` for rows that are left out: numbers such as 7, 200-205, or `HEADER_AGAIN`.

    Raises:
        ValueError: A word is none of these, or there are too many; the message fits behind "must be".

    Example:
        >>> rows_to_skip(["7", "200-205", "header"])
        {'skip_rows': ((7, 7), (200, 205)), 'skip_header': True}
    """
    rows = []
    for word in words:
        if found := _ROWS.fullmatch(word):
            rows.append((int(found[1]), int(found[2] or found[1])))
        elif word != HEADER_AGAIN:
            raise ValueError(f"rows such as 1 or 200-205, or {HEADER_AGAIN!r}")
    if len(rows) > _MOST_INTERVALS or any(not 1 <= first <= last for first, last in rows):
        raise ValueError(f"at most {_MOST_INTERVALS:,} rows or intervals of rows, from 1 on")
    return {"skip_rows": tuple(rows), "skip_header": HEADER_AGAIN in words}


def words_to_skip(options: ReadOptions) -> tuple[str, ...]:
    """Return what `rows_to_skip` reads again.

    Example:
        >>> words_to_skip(ReadOptions(skip_rows=((7, 7), (200, 205)), skip_header=True))
        ('7', '200-205', 'header')
    """
    rows = [f"{first}" if first == last else f"{first}-{last}" for first, last in options.skip_rows]
    return (*rows, *[HEADER_AGAIN] * options.skip_header)


def options_as_learned(schema: FeatureSchema, options: ReadOptions) -> ReadOptions:
    """Return options by which what a file leaves open is read as in the files that a detector learned from."""
    header = schema.header if options.header is None else options.header
    learned = (schema.decimal, schema.thousands)
    return replace(options, header=header, learned=learned, whole=frozenset(schema.whole))
