"""Tables that are unlike the training data as a whole: nearly all rows flagged, or fractions in place of percent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.columns.from_records import Columns
from models.encoders import NumericEncoding
from models.encoders.preprocessor import Preprocessor
from models.messages import Message, phrase
from models.reasons.values import NumberForm

if TYPE_CHECKING:
    from models.detector import Detector, Verdicts

_MIN_ROWS: Final = 20
_NEARLY_ALL: Final = 0.9  # of the rows
_OTHER_UNIT: Final = 10.0  # times as large, or as small: where ranges overlap, that may be another unit
_MIN_FRACTIONS: Final = 5  # rows

Range = tuple[float, float]
"""The least and the greatest number of a column."""


def leading_columns(verdicts: Verdicts) -> Counter[str]:
    """Return in how many of the anomalies among n rows each column adds most to the score."""
    errors = verdicts.scores.column_errors[verdicts.is_anomaly]
    names = [encoding.name for encoding in verdicts.preprocessor.encodings]
    counts = np.bincount(errors.argmax(axis=1), minlength=len(names)) if len(errors) else np.zeros(0, np.intp)
    return Counter({name: count for name, count in zip(names, counts.tolist(), strict=False) if count})


def ranges_of(preprocessor: Preprocessor, columns: Columns) -> dict[str, Range]:
    """Return the range of each column of numbers in n rows; one without a number has none."""
    found = {}
    for encoding in preprocessor.encodings:
        values = columns[encoding.name]
        if isinstance(encoding, NumericEncoding) and len(values):
            low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
            if not math.isnan(low):
                found[encoding.name] = low, high
    return found


def fractions_of(values: Iterable[Any]) -> Range | None:
    """Return the range of the numbers of a column, None and NaN for missing ones; None where one is above 1.

    No further than to the first of those, so that percentages are not all looked at.
    """
    found = []
    for value in values:
        if value is None or math.isnan(value):
            continue
        if abs(value) > 1:
            return None
        found.append(float(value))
    return (min(found), max(found)) if found else None


def joined_ranges(parts: Iterable[Mapping[str, Range]]) -> dict[str, Range]:
    """Return the ranges of the rows of all parts."""
    found: dict[str, Range] = {}
    for ranges in parts:
        for name, (low, high) in ranges.items():
            before = found.get(name, (low, high))
            found[name] = min(low, before[0]), max(high, before[1])
    return found


def notes_of_flagged(
    detector: Detector,
    leading: Mapping[str, int],
    ranges: Mapping[str, Range],
    early: Mapping[str, int],
    *,
    rows: int,
) -> list[Message]:
    """Return a line where nearly all rows are anomalies, with the column that adds most to most of them.

    Args:
        detector: Decided so.
        leading: What `leading_columns` found in all rows.
        ranges: What `ranges_of` found in them.
        early: What `early_rows` of `models.early_rows` found in them: of these another line says why.
        rows: How many they are.
    """
    flagged = sum(leading.values())
    if rows < _MIN_ROWS or flagged < _NEARLY_ALL * rows:
        return []
    name = max(leading, key=leading.__getitem__)
    if early.get(name, 0) >= _NEARLY_ALL * leading[name]:
        return []
    encoding = next(each for each in detector.preprocessor.encodings if each.name == name)
    if isinstance(encoding, NumericEncoding) and _may_be_another_unit(ranges.get(name), encoding):
        form = _form(detector, name)
        (low, high), (least, greatest) = ranges[name], (encoding.low, encoding.high)
        return [
            phrase(
                "{flagged:,} of {rows:,} rows are flagged, mostly for {column!r}: its values are from {low} to {high}, "
                "those of training from {least} to {greatest}. Is it written in another unit?",
                flagged=flagged,
                rows=rows,
                column=name,
                low=form.text(low),
                high=form.text(high),
                least=form.text(least),
                greatest=form.text(greatest),
            )
        ]
    return [
        phrase(
            "{flagged:,} of {rows:,} rows are flagged, mostly for {column!r}: its values, or what they are beside, are "
            "unlike those of training",
            flagged=flagged,
            rows=rows,
            column=name,
        )
    ]


def notes_of_fractions(detector: Detector, ranges: Mapping[str, Range], *, rows: int) -> list[Message]:
    """Return a line for each column that was learned in percent and may be written in fractions here, as 0.07 for 7 %.

    Args:
        detector: Its reference has the median of each column.
        ranges: What `ranges_of` found in all rows.
        rows: How many they are.
    """
    summaries = detector.reference.get("columns", {})
    notes = []
    for column in detector.schema.in_percent:
        if column.name not in ranges or rows < _MIN_FRACTIONS:
            continue
        low, high = ranges[column.name]
        median = (summaries.get(column.name, {}).get("quantiles") or {}).get("0.5", 0.0)
        if 0 < max(abs(low), abs(high)) <= 1 < abs(median):
            form = _form(detector, column.name)
            notes.append(
                phrase(
                    "{column!r} is in percent, half of training is above {median}; here all values are from {low} to "
                    "{high}. A number without the mark is read as percent: write 7 or 7 %, not 0.07",
                    column=column.name,
                    median=form.text(median),
                    low=form.text(low),
                    high=form.text(high),
                )
            )
    return notes


def _may_be_another_unit(here: Range | None, encoding: NumericEncoding) -> bool:
    if here is None or not (math.isfinite(encoding.low) and math.isfinite(encoding.high)):  # the first bundles' are not
        return False
    size, learned = (max(abs(low), abs(high)) for low, high in (here, (encoding.low, encoding.high)))
    apart = here[0] > encoding.high or here[1] < encoding.low
    return apart or size >= _OTHER_UNIT * learned or _OTHER_UNIT * size <= learned


def _form(detector: Detector, name: str) -> NumberForm:
    column = next(column for column in detector.schema.columns if column.name == name)
    return NumberForm.of(column, detector.schema)
