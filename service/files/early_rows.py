"""Rows that are older than all training rows, as those of an archive: their time alone raises their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from models.columns.from_records import Columns
from models.detector import Detector
from models.encoders import TimestampEncoding
from models.errors import Message, Set
from models.schema.timestamps import timestamp_text

_MIN_SHARE: Final = 0.1  # of the rows; fewer may well be anomalies


def early_rows(detector: Detector, columns: Columns) -> dict[str, int]:
    """Return how many of n rows of columns are older than all fitting rows, by column of dates."""
    dated = (e for e in detector.preprocessor.encodings if isinstance(e, TimestampEncoding) and not e.clock)
    return {encoding.name: int((columns[encoding.name] < encoding.start).sum()) for encoding in dated}


def early_notes(detector: Detector, early: Mapping[str, int], rows: int) -> Iterator[str]:
    """Yield one line for each column by which many of the rows that were scored are older than the fitting rows."""
    starts = {e.name: e.start for e in detector.preprocessor.encodings if isinstance(e, TimestampEncoding)}
    for name, count in early.items():
        if count >= max(1, _MIN_SHARE * rows):
            start = timestamp_text(starts[name])
            what = f"noted: {name!r}: {count:,} of {rows:,} rows are older than all training rows (from {start} on), "
            remedy = "which alone raises their scores; to score an archive, train without the column: "
            yield str(Message(what + remedy, Set("exclude", name)))
