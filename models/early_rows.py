"""Rows that are older than all fitting rows, as an archive has them: their time alone raises their scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.columns.from_records import Columns
from models.encoders import TimestampEncoding
from models.encoders.preprocessor import Preprocessor
from models.errors import Set
from models.messages import Message, phrase
from models.schema.timestamps import moment_of

_MIN_SHARE: Final = 0.1  # of the rows; fewer may well be anomalies


def early_rows(preprocessor: Preprocessor, columns: Columns) -> dict[str, int]:
    """Return how many rows are older than all fitting rows, by column of dates."""
    return {name: int((columns[name] < start).sum()) for name, start in _starts(preprocessor).items()}


def notes_of_early_rows(preprocessor: Preprocessor, early: Mapping[str, int], *, rows: int) -> list[Message]:
    """Return a line for each column of dates by which many rows are early, with the flag for a backtest.

    Args:
        preprocessor: That of the detector.
        early: What `early_rows` found in all rows.
        rows: How many they are.
    """
    return [
        phrase(
            "{column!r}: {older:,} of {rows:,} rows are older than all training rows (from {start} on), which "
            "alone raises their scores; to score an archive, train without the column: {setting}",
            column=name,
            older=early[name],
            rows=rows,
            start=moment_of(start),
            setting=Set("exclude", name),
        )
        for name, start in _starts(preprocessor).items()
        if early.get(name, 0) >= max(1, _MIN_SHARE * rows)
    ]


def _starts(preprocessor: Preprocessor) -> dict[str, float]:
    """Return the oldest fitting row of each column of dates, in seconds since 1970; a time of day has none."""
    encodings = preprocessor.encodings
    return {e.name: e.start for e in encodings if isinstance(e, TimestampEncoding) and not e.clock}
